#include "suspensions.h"

#include "hash.h"

#define FIRST_PLACES ((size_t)64)

/* Where `last` points when there is no such place; no frame has it. */
static fp_suspension nobody;

void
fp_suspensions_init(fp_suspensions *table)
{
    *table = (fp_suspensions){.last = &nobody};
}

void
fp_suspensions_free(fp_suspensions *table)
{
    fp_free(table->places);
    fp_suspensions_init(table);
}

/* Where the frame's place is, or would be; the table has places. */
static fp_suspension *
place_of(const fp_suspensions *table, fp_frame frame)
{
    size_t at = (size_t)fp_mix(0, frame) & table->mask;

    while (table->places[at].frame != frame && table->places[at].frame != 0) {
        at = (at + 1) & table->mask;
    }
    return &table->places[at];
}

/* The next place at which something stands still, from this one on; NULL: none. */
static const fp_suspension *
next_standing(const fp_suspensions *table, const fp_suspension *place)
{
    const fp_suspension *end =
        table->places != NULL ? table->places + table->mask + 1 : NULL;

    while (place != end && (place->frame == 0 || place->since == FP_RUNS)) {
        place++;
    }
    return place != end ? place : NULL;
}

/* With those that stand still, and room for as many more. */
static fp_status
renew(fp_suspensions *table)
{
    fp_suspensions fresh = {.mask = FIRST_PLACES - 1};
    const fp_suspension *place = table->places;

    while ((place = next_standing(table, place)) != NULL) {
        fresh.used++;
        place++;
    }
    while (fresh.mask + 1 < 4 * (fresh.used + 1)) {
        fresh.mask = 2 * fresh.mask + 1;
    }
    fresh.places = fp_alloc((fresh.mask + 1) * sizeof *fresh.places);
    if (fresh.places == NULL) {
        return FP_NOMEM;
    }
    memset(fresh.places, 0, (fresh.mask + 1) * sizeof *fresh.places);
    place = table->places;
    while ((place = next_standing(table, place)) != NULL) {
        *place_of(&fresh, place->frame) = *place;
        place++;
    }
    fp_free(table->places);
    fresh.last = &nobody;
    *table = fresh;
    return FP_OK;
}

fp_status
fp_suspensions_begin_slow(fp_suspensions *table, fp_frame frame, fp_ticks now)
{
    fp_suspension *place = table->places != NULL ? place_of(table, frame) : &nobody;

    if (place->frame == 0) {
        if (2 * (table->used + 1) > table->mask && renew(table) != FP_OK) {
            return FP_NOMEM;
        }
        place = place_of(table, frame);
        place->frame = frame;
        table->used++;
    }
    place->since = now;
    table->last = place;
    return FP_OK;
}

fp_ticks
fp_suspensions_end_slow(fp_suspensions *table, fp_frame frame, fp_ticks now)
{
    fp_suspension *place = table->places != NULL ? place_of(table, frame) : &nobody;
    fp_ticks since;

    if (place->frame == 0 || place->since == FP_RUNS) {
        return 0;
    }
    since = place->since;
    place->since = FP_RUNS;
    table->last = place;
    return now > since ? now - since : 0;
}
