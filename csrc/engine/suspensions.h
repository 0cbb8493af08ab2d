/* suspensions.h -- since when generators stand still, in one thread.
 *
 * A table by the frame's identity: written when a generator yields, asked when it goes
 * on. One that is thrown away while it stands still tells nobody; its place is written
 * anew by the next frame at that address, or dropped when the table grows. So only what
 * has gone on counts.
 *
 * Units      ticks; callers pass `now` in.
 * Ownership  the table owns its places.
 * Threads    none: one per recorder, no locks inside.
 */
#ifndef FP_SUSPENSIONS_H
#define FP_SUSPENSIONS_H

#include "clock.h"
#include "status.h"

#include <stddef.h>
#include <stdint.h>

/* Tells one open call from another: never 0. */
typedef uintptr_t fp_frame;

typedef struct {
    fp_frame frame; /* 0: the place is free */
    fp_ticks since; /* FP_RUNS: it does not stand still, but may soon yield again */
} fp_suspension;

#define FP_RUNS INT64_MIN

/* Open addressing, at most half full. */
typedef struct {
    fp_suspension *last;   /* the place that was asked for last, most likely the next */
    fp_suspension *places; /* NULL until something yields */
    size_t mask;           /* their number, a power of two, less 1 */
    size_t used;
} fp_suspensions;

/* Nothing stands still. */
void fp_suspensions_init(fp_suspensions *table);
void fp_suspensions_free(fp_suspensions *table);

/* What begin and end do where the frame's place was not the last. */
fp_status fp_suspensions_begin_slow(fp_suspensions *table, fp_frame frame,
                                    fp_ticks now);
fp_ticks fp_suspensions_end_slow(fp_suspensions *table, fp_frame frame, fp_ticks now);

/* The frame yields. FP_OK, or FP_NOMEM: nothing changed. */
static inline fp_status
fp_suspensions_begin(fp_suspensions *table, fp_frame frame, fp_ticks now)
{
    fp_suspension *last = table->last;

    if (last->frame == frame) {
        last->since = now;
        return FP_OK;
    }
    return fp_suspensions_begin_slow(table, frame, now);
}

/* The frame goes on: how long it stood still, 0 if that is not known. */
static inline fp_ticks
fp_suspensions_end(fp_suspensions *table, fp_frame frame, fp_ticks now)
{
    fp_suspension *last = table->last;

    if (last->frame == frame && last->since <= now && last->since != FP_RUNS) {
        const fp_ticks stood = now - last->since;
        last->since = FP_RUNS;
        return stood;
    }
    return fp_suspensions_end_slow(table, frame, now);
}

#endif
