#include "folding.h"

#include "alloc.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_FOLDABLES ((size_t)256)
#define FEWEST_CALLS                                                                   \
    8 /* since the survey before: what has less costs next to nothing */

/* What can be switched off by itself. */
typedef struct {
    fp_folded *function; /* or NULL, and */
    fp_foldable *call;   /* of a C function */
    double ticks_per_call;
    double cost;
} candidate;

void
fp_folding_free(fp_folding *folding)
{
    fp_folded *function, *next_function;
    fp_foldable *foldable, *next;
    fp_absence *absence, *next_absence;

    HASH_ITER(hh, folding->absences, absence, next_absence) {
        HASH_DEL(folding->absences, absence);
        fp_free(absence);
    }
    HASH_ITER(hh, folding->foldables, foldable, next) {
        HASH_DEL(folding->foldables, foldable);
        fp_free(foldable);
    }
    HASH_ITER(hh, folding->functions, function, next_function) {
        HASH_DEL(folding->functions, function);
        fp_free(function);
    }
    *folding = (fp_folding){.costs = folding->costs};
}

/* ---- the survey ---- */

const fp_folded *
fp_folding_find(const fp_folding *folding, fp_key key)
{
    fp_folded *found;

    HASH_FIND(hh, folding->functions, &key, sizeof key, found);
    return found;
}

/* NULL: no memory. */
static fp_folded *
function_of(fp_folding *folding, fp_key key, bool is_python)
{
    fp_folded *function = (fp_folded *)fp_folding_find(folding, key);

    if (function != NULL) {
        return function;
    }
    function = fp_alloc(sizeof *function);
    if (function == NULL) {
        return NULL;
    }
    *function = (fp_folded){.key = key, .is_python = is_python};
    HASH_ADD(hh, folding->functions, key, sizeof function->key, function);
    if (function->hh.tbl == NULL) {
        fp_free(function);
        return NULL;
    }
    return function;
}

static fp_foldable *
find_foldable(const fp_folding *folding, const fp_folded *caller, fp_key callee)
{
    fp_foldable wanted, *found;

    memset(&wanted.edge, 0, sizeof wanted.edge);
    wanted.edge.caller = (fp_folded *)caller;
    wanted.edge.callee = callee;
    HASH_FIND(hh, folding->foldables, &wanted.edge, sizeof wanted.edge, found);
    return found;
}

/* That of a node that is not the root; NULL: no memory. The caller of what a C function
 * calls is that, as a function that cannot be off. */
static fp_foldable *
foldable_of(fp_folding *folding, const fp_node *node)
{
    const fp_node *parent = node->edge.parent;
    fp_folded *caller = parent->edge.key != NULL
                            ? function_of(folding, parent->edge.key, parent->is_python)
                            : NULL;
    fp_foldable *foldable;

    if (caller == NULL && parent->edge.key != NULL) {
        return NULL;
    }
    foldable = find_foldable(folding, caller, node->edge.key);
    if (foldable != NULL) {
        return foldable;
    }
    foldable = fp_alloc(sizeof *foldable);
    if (foldable == NULL) {
        return NULL;
    }
    *foldable =
        (fp_foldable){.edge = {caller, node->edge.key},
                      .function = function_of(folding, node->edge.key, node->is_python),
                      .is_python = node->is_python,
                      .stays = node->visibility == FP_FOLDED};
    if (foldable->function == NULL) {
        fp_free(foldable);
        return NULL;
    }
    HASH_ADD(hh, folding->foldables, edge, sizeof foldable->edge, foldable);
    if (foldable->hh.tbl == NULL) {
        fp_free(foldable);
        return NULL;
    }
    return foldable;
}

/* Of the unit that a foldable belongs to. */
static fp_fold_state *
state_of(fp_foldable *foldable)
{
    return foldable->is_python ? &foldable->function->state : &foldable->state;
}

/* Until the survey before. */
static double
share_off(const fp_folding *folding, const fp_fold_state *unit)
{
    const fp_ticks all = folding->before - folding->began;
    fp_ticks off = unit->off_for;

    if (unit->is_off && folding->before > unit->off_since) {
        off += folding->before - unit->off_since;
    }
    return off <= 0 ? 0.0 : off < all ? (double)off / (double)all : 1.0;
}

/* NULL: no memory. */
static fp_absence *
absence_of(fp_folding *folding, const fp_folded *reference, fp_foldable *foldable)
{
    fp_absence *absence, wanted;

    memset(&wanted.edge, 0, sizeof wanted.edge);
    wanted.edge.reference = reference;
    wanted.edge.unit = state_of(foldable);
    HASH_FIND(hh, folding->absences, &wanted.edge, sizeof wanted.edge, absence);
    if (absence != NULL) {
        return absence;
    }
    absence = fp_alloc(sizeof *absence);
    if (absence == NULL) {
        return NULL;
    }
    memset(absence, 0, sizeof *absence);
    absence->edge = wanted.edge;
    absence->function = foldable->function;
    absence->is_new = true;
    HASH_ADD(hh, folding->absences, edge, sizeof absence->edge, absence);
    if (absence->hh.tbl == NULL) {
        fp_free(absence);
        return NULL;
    }
    return absence;
}

void
fp_folding_begin_survey(fp_folding *folding, fp_ticks now)
{
    folding->before = folding->surveyed;
    folding->surveyed = now;
    for (fp_folded *f = folding->functions; f != NULL; f = f->hh.next) {
        f->calls_before = f->calls;
        f->present_before = f->present;
        f->calls = 0;
        f->ticks = f->present = 0;
    }
    for (fp_foldable *f = folding->foldables; f != NULL; f = f->hh.next) {
        f->calls_before = f->calls;
        f->calls = 0;
    }
    for (fp_absence *a = folding->absences; a != NULL; a = a->hh.next) {
        a->present = 0;
    }
}

/* How long the reference was there, and not in an outermost call of the unit. */
static fp_ticks
without(const fp_absence *absence)
{
    return absence->edge.reference->present - absence->present;
}

/* Of an absence that has come up, what was before can only be inferred. */
static void
infer(const fp_folding *folding, fp_absence *absence)
{
    const fp_folded *reference = absence->edge.reference, *function = absence->function;
    const double before = (double)reference->present_before;
    const double present = function->present > 0
                               ? (double)absence->present *
                                     (double)function->present_before /
                                     (double)function->present
                               : 0.0;

    /* A recursion's outermost calls are hardly there while it is off. */
    absence->unseen = reference == function
                          ? 0
                          : (fp_ticks)(share_off(folding, absence->edge.unit) * before);
    absence->since = (fp_ticks)(before - present);
    absence->is_new = false;
}

void
fp_folding_end_survey(fp_folding *folding)
{
    for (fp_absence *a = folding->absences; a != NULL; a = a->hh.next) {
        if (a->is_new) {
            infer(folding, a);
        }
    }
}

static fp_status
make_room(fp_recorder *recorder)
{
    const size_t count = recorder->tree.count;
    size_t size = recorder->places_size;
    fp_folding_place *places;

    if (count <= size) {
        return FP_OK;
    }
    size = size > 0 ? size : FIRST_FOLDABLES;
    while (size < count) {
        size *= 2;
    }
    places = fp_realloc(recorder->places, size * sizeof *places);
    if (places == NULL) {
        return FP_NOMEM;
    }
    memset(places + recorder->places_size,
           0,
           (size - recorder->places_size) * sizeof *places);
    recorder->places = places;
    recorder->places_size = (uint32_t)size;
    return FP_OK;
}

typedef struct {
    fp_folding *folding;
    fp_recorder *recorder;
    fp_status status;
} surveying;

static bool
is_within(const fp_node *node)
{
    const fp_node *above = node->edge.parent;

    while (above != NULL && above->edge.key != node->edge.key) {
        above = above->edge.parent;
    }
    return above != NULL;
}

static const fp_folding_place *
place_of(const fp_recorder *recorder, const fp_node *node)
{
    static const fp_folding_place nothing;

    return node->index < recorder->places_size ? &recorder->places[node->index]
                                               : &nothing;
}

bool
fp_folding_was_off(const fp_recorder *recorder, const fp_node *node)
{
    fp_foldable *foldable = place_of(recorder, node)->foldable;

    return foldable != NULL && state_of(foldable)->was_off;
}

const fp_node *
fp_folding_reference(const fp_recorder *recorder, const fp_node *node)
{
    return place_of(recorder, node)->reference;
}

static const fp_node *
outermost(const fp_node *node)
{
    const fp_node *found = NULL;
    const fp_node *above = node->edge.parent;

    for (int i = 0; i < FP_FARTHEST && above != NULL; i++) {
        if (above->edge.key == node->edge.key) {
            found = above;
        }
        above = above->edge.parent;
    }
    return found;
}

/* Once the node above has been seen to. FP_OK, or FP_NOMEM. */
static fp_status
find_absence(fp_folding *folding, fp_recorder *recorder, const fp_node *node)
{
    fp_folding_place *place = &recorder->places[node->index];
    const fp_node *above = place_of(recorder, node->edge.parent)->nearest;
    const fp_node *reference = above;
    fp_absence *absence;

    if (!fp_folding_was_off(recorder, node)) {
        place->nearest = node;
        return FP_OK;
    }
    place->nearest = above;
    if (node->is_within) {
        reference = place->reference != NULL ? place->reference : outermost(node);
    }
    if (reference == NULL ||
        (reference == place->reference && place->absence != NULL)) {
        return FP_OK;
    }
    absence = absence_of(folding,
                         recorder->places[reference->index].foldable->function,
                         place->foldable);
    if (absence == NULL) {
        return FP_NOMEM;
    }
    if (absence != place->absence && !absence->is_new && !node->is_within) {
        absence->since -= node->inclusive_ticks; /* which it will have from now on */
    }
    place->reference = reference;
    place->absence = absence;
    return FP_OK;
}

static void
add_ticks(const fp_recorder *recorder, const fp_node *node, fp_ticks ticks)
{
    const fp_folding_place *place = &recorder->places[node->index];

    place->foldable->function->ticks += ticks;
    if (!node->is_within) {
        place->foldable->function->present += ticks;
        if (place->absence != NULL) {
            place->absence->present += ticks;
        }
    }
}

static void
add_node(void *context, fp_node *node)
{
    surveying *survey = context;
    fp_folding_place *place = &survey->recorder->places[node->index];

    if (node->edge.parent == NULL || survey->status != FP_OK) {
        return;
    }
    if (place->foldable == NULL) {
        place->foldable = foldable_of(survey->folding, node);
        if (place->foldable == NULL) {
            survey->status = FP_NOMEM;
            return;
        }
        node->is_within = is_within(node);
    }
    survey->status = find_absence(survey->folding, survey->recorder, node);
    place->foldable->calls += node->calls;
    place->foldable->function->calls += node->calls;
    add_ticks(survey->recorder, node, node->inclusive_ticks);
}

fp_status
fp_folding_survey(fp_folding *folding, fp_recorder *recorder, fp_ticks now)
{
    const fp_ticks program_now = now - recorder->lost_ticks;
    surveying survey = {folding, recorder, make_room(recorder)};

    if (survey.status != FP_OK) {
        return survey.status;
    }
    fp_calltree_walk(&recorder->tree, add_node, &survey);
    if (recorder->stack == NULL || recorder->pairs != NULL) {
        return survey.status;
    }
    for (const fp_open_call *call = recorder->top;
         call != recorder->stack && survey.status == FP_OK;
         call--) {
        if (program_now > call->entered) {
            add_ticks(recorder, call->node, program_now - call->entered);
        }
    }
    return survey.status;
}

/* ---- decisions ---- */

static double
cost_of(const fp_folding *folding, const fp_foldable *foldable)
{
    return (double)(foldable->calls - foldable->calls_before) *
           (foldable->is_python ? folding->costs.python : folding->costs.c);
}

double
fp_folding_cost(fp_folding *folding)
{
    double cost = 0.0;

    for (fp_folded *f = folding->functions; f != NULL; f = f->hh.next) {
        f->cost = 0.0;
    }
    for (fp_foldable *f = folding->foldables; f != NULL; f = f->hh.next) {
        if (!state_of(f)->is_off) {
            fp_folded *whose = f->is_python ? f->function : f->edge.caller;
            cost += cost_of(folding, f);
            if (whose != NULL) {
                whose->cost += cost_of(folding, f);
            }
        }
    }
    return cost;
}

static int
by_ticks_per_call(const void *one, const void *other)
{
    const double a = ((const candidate *)one)->ticks_per_call;
    const double b = ((const candidate *)other)->ticks_per_call;

    return (a > b) - (a < b);
}

/* Those that are not off and have been called often. */
static size_t
list_units(const fp_folding *folding, candidate *units)
{
    size_t count = 0;

    for (fp_folded *f = folding->functions; f != NULL; f = f->hh.next) {
        if (f->is_python && !f->state.is_off &&
            f->calls - f->calls_before >= FEWEST_CALLS) {
            units[count++] =
                (candidate){f, NULL, (double)f->ticks / (double)f->calls, f->cost};
        }
    }
    for (fp_foldable *f = folding->foldables; f != NULL; f = f->hh.next) {
        if (!f->is_python && !f->state.is_off && !f->stays && f->edge.caller != NULL &&
            f->calls - f->calls_before >= FEWEST_CALLS) {
            units[count++] =
                (candidate){NULL,
                            f,
                            (double)f->function->ticks / (double)f->function->calls,
                            cost_of(folding, f)};
        }
    }
    return count;
}

static void
switch_off(const fp_folding *folding, fp_folded *function, fp_fold_state *unit)
{
    if (!unit->is_off) {
        unit->is_off = unit->was_off = function->was_off = true;
        unit->off_since = folding->surveyed;
    }
}

/* Of units that have just been switched off, and were off before. Of the others it is
 * found out by the next survey. */
static void
begin_absences(fp_folding *folding)
{
    for (fp_absence *a = folding->absences; a != NULL; a = a->hh.next) {
        if (a->edge.unit->is_off && a->edge.unit->off_since == folding->surveyed) {
            a->since = without(a);
        }
    }
}

/* With a function that is off, what it calls in C is, too: where is its own frame? */
static void
follow_functions(fp_folding *folding)
{
    for (fp_foldable *f = folding->foldables; f != NULL; f = f->hh.next) {
        if (!f->is_python && !f->stays && f->edge.caller != NULL &&
            f->edge.caller->state.is_off) {
            switch_off(folding, f->function, &f->state);
        }
    }
}

fp_status
fp_folding_fold(fp_folding *folding, double most)
{
    const size_t all = HASH_COUNT(folding->functions) + HASH_COUNT(folding->foldables);
    double cost = fp_folding_cost(folding);
    candidate *units;
    size_t count;

    if (cost <= most) {
        return FP_OK;
    }
    units = fp_alloc((all + 1) * sizeof *units);
    if (units == NULL) {
        return FP_NOMEM;
    }
    count = list_units(folding, units);
    qsort(units, count, sizeof *units, by_ticks_per_call);
    for (size_t i = 0; i < count && cost > most; i++) {
        if (units[i].function != NULL) {
            switch_off(folding, units[i].function, &units[i].function->state);
            cost -= units[i].function->cost;
        } else if (units[i].call->edge.caller->state.is_off) {
            continue; /* it is in that function's cost */
        } else {
            switch_off(folding, units[i].call->function, &units[i].call->state);
            units[i].call->edge.caller->cost -= units[i].cost;
            cost -= units[i].cost;
        }
    }
    fp_free(units);
    follow_functions(folding);
    begin_absences(folding);
    return FP_OK;
}

static void
switch_on(const fp_folding *folding, fp_fold_state *unit)
{
    if (unit->is_off) {
        unit->off_for += folding->surveyed - unit->off_since;
        unit->is_off = false;
    }
}

void
fp_folding_unfold(fp_folding *folding)
{
    for (fp_absence *a = folding->absences; a != NULL; a = a->hh.next) {
        if (a->edge.unit->is_off) {
            a->unseen += without(a) - a->since;
        }
    }
    for (fp_foldable *f = folding->foldables; f != NULL; f = f->hh.next) {
        switch_on(folding, &f->state);
    }
    for (fp_folded *f = folding->functions; f != NULL; f = f->hh.next) {
        switch_on(folding, &f->state);
    }
}

static void
mark_node(void *context, fp_node *node)
{
    fp_foldable *foldable = place_of(context, node)->foldable;

    node->is_off = foldable != NULL && state_of(foldable)->is_off;
}

void
fp_folding_mark(fp_recorder *recorder)
{
    fp_calltree_walk(&recorder->tree, mark_node, recorder);
}

/* ---- what is off ---- */

bool
fp_folding_has_function(const fp_folding *folding, fp_key function)
{
    const fp_folded *found = fp_folding_find(folding, function);

    return found != NULL && found->state.is_off;
}

bool
fp_folding_has_call(const fp_folding *folding, fp_key caller, fp_key callee)
{
    const fp_folded *found = fp_folding_find(folding, caller);
    const fp_foldable *foldable =
        found != NULL ? find_foldable(folding, found, callee) : NULL;

    return foldable != NULL && foldable->state.is_off;
}

double
fp_folding_unseen_share(const fp_recorder *recorder, const fp_node *node)
{
    const fp_absence *absence = place_of(recorder, node)->absence;
    fp_ticks unseen;

    if (absence == NULL || absence->edge.reference->present <= 0) {
        return 0.0;
    }
    unseen = absence->unseen;
    unseen += absence->edge.unit->is_off ? without(absence) - absence->since : 0;
    return unseen > 0 ? (double)unseen / (double)absence->edge.reference->present : 0.0;
}
