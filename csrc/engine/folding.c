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
} unit;

void
fp_folding_free(fp_folding *folding)
{
    fp_folded *function, *next_function;
    fp_foldable *foldable, *next;

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

void
fp_folding_begin_survey(fp_folding *folding)
{
    for (fp_folded *f = folding->functions; f != NULL; f = f->hh.next) {
        f->calls_before = f->calls;
        f->calls = 0;
        f->ticks = f->present = 0;
    }
    for (fp_foldable *f = folding->foldables; f != NULL; f = f->hh.next) {
        f->calls_before = f->calls;
        f->calls = 0;
        f->present = 0;
    }
}

static fp_status
make_room(fp_recorder *recorder)
{
    const size_t count = recorder->tree.count;
    size_t size = recorder->foldables_size;
    fp_foldable **foldables;

    if (count <= size) {
        return FP_OK;
    }
    size = size > 0 ? size : FIRST_FOLDABLES;
    while (size < count) {
        size *= 2;
    }
    foldables = fp_realloc(recorder->foldables, size * sizeof *foldables);
    if (foldables == NULL) {
        return FP_NOMEM;
    }
    memset(foldables + recorder->foldables_size,
           0,
           (size - recorder->foldables_size) * sizeof *foldables);
    recorder->foldables = foldables;
    recorder->foldables_size = (uint32_t)size;
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

static void
add_ticks(const fp_recorder *recorder, const fp_node *node, fp_ticks ticks)
{
    fp_foldable *foldable = recorder->foldables[node->index];

    foldable->function->ticks += ticks;
    if (!node->is_within) {
        foldable->function->present += ticks;
        foldable->present += ticks;
    }
}

static void
add_node(void *context, fp_node *node)
{
    surveying *survey = context;
    fp_foldable **place = &survey->recorder->foldables[node->index];

    if (node->edge.parent == NULL || survey->status != FP_OK) {
        return;
    }
    if (*place == NULL) {
        *place = foldable_of(survey->folding, node);
        if (*place == NULL) {
            survey->status = FP_NOMEM;
            return;
        }
        node->is_within = is_within(node);
    }
    (*place)->calls += node->calls;
    (*place)->function->calls += node->calls;
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
    for (const fp_foldable *f = folding->foldables; f != NULL; f = f->hh.next) {
        if (!f->is_off) {
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
    const double a = ((const unit *)one)->ticks_per_call;
    const double b = ((const unit *)other)->ticks_per_call;

    return (a > b) - (a < b);
}

/* Those that are not off and have been called often. */
static size_t
list_units(const fp_folding *folding, unit *units)
{
    size_t count = 0;

    for (fp_folded *f = folding->functions; f != NULL; f = f->hh.next) {
        if (f->is_python && !f->is_off && f->calls - f->calls_before >= FEWEST_CALLS) {
            units[count++] =
                (unit){f, NULL, (double)f->ticks / (double)f->calls, f->cost};
        }
    }
    for (fp_foldable *f = folding->foldables; f != NULL; f = f->hh.next) {
        if (!f->is_python && !f->is_off && !f->stays && f->edge.caller != NULL &&
            f->calls - f->calls_before >= FEWEST_CALLS) {
            units[count++] =
                (unit){NULL,
                       f,
                       (double)f->function->ticks / (double)f->function->calls,
                       cost_of(folding, f)};
        }
    }
    return count;
}

/* How long the caller was there and not in an outermost call of the callee. */
static fp_ticks
without(const fp_foldable *foldable)
{
    const fp_folded *caller = foldable->edge.caller;

    return caller != NULL ? caller->present - foldable->present : 0;
}

static void
switch_off(fp_foldable *foldable)
{
    if (!foldable->is_off && !foldable->stays) {
        foldable->is_off = true;
        foldable->was_off = foldable->function->was_off = true;
        foldable->since = without(foldable);
    }
}

/* With a function that is off, what it calls in C is, too: where is its own frame? */
static void
follow_functions(fp_folding *folding)
{
    for (fp_foldable *f = folding->foldables; f != NULL; f = f->hh.next) {
        if (f->is_python ? f->function->is_off
                         : f->edge.caller != NULL && f->edge.caller->is_off) {
            switch_off(f);
        }
    }
}

fp_status
fp_folding_fold(fp_folding *folding, double most)
{
    const size_t all = HASH_COUNT(folding->functions) + HASH_COUNT(folding->foldables);
    double cost = fp_folding_cost(folding);
    unit *units;
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
            units[i].function->is_off = true;
            cost -= units[i].function->cost;
        } else if (units[i].call->edge.caller->is_off) {
            continue; /* it is in that function's cost */
        } else {
            switch_off(units[i].call);
            units[i].call->edge.caller->cost -= units[i].cost;
            cost -= units[i].cost;
        }
    }
    fp_free(units);
    follow_functions(folding);
    return FP_OK;
}

void
fp_folding_unfold(fp_folding *folding)
{
    for (fp_foldable *f = folding->foldables; f != NULL; f = f->hh.next) {
        if (f->is_off) {
            f->unseen += without(f) - f->since;
        }
        f->is_off = false;
    }
    for (fp_folded *f = folding->functions; f != NULL; f = f->hh.next) {
        f->is_off = false;
    }
}

static const fp_foldable *
foldable_at(const fp_recorder *recorder, const fp_node *node)
{
    return node->index < recorder->foldables_size ? recorder->foldables[node->index]
                                                  : NULL;
}

static void
mark_node(void *context, fp_node *node)
{
    const fp_foldable *foldable = foldable_at(context, node);

    node->is_off = foldable != NULL && foldable->is_off;
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

    return found != NULL && found->is_off;
}

bool
fp_folding_has_call(const fp_folding *folding, fp_key caller, fp_key callee)
{
    const fp_folded *found = fp_folding_find(folding, caller);
    const fp_foldable *foldable =
        found != NULL ? find_foldable(folding, found, callee) : NULL;

    return foldable != NULL && foldable->is_off;
}

bool
fp_folding_was_off(const fp_recorder *recorder, const fp_node *node)
{
    const fp_foldable *foldable = foldable_at(recorder, node);

    return foldable != NULL && foldable->was_off;
}

double
fp_folding_unseen_share(const fp_recorder *recorder, const fp_node *node)
{
    const fp_foldable *foldable = foldable_at(recorder, node);
    const fp_folded *caller = foldable != NULL ? foldable->edge.caller : NULL;
    fp_ticks unseen;

    if (caller == NULL || caller->present <= 0) {
        return 0.0;
    }
    unseen = foldable->unseen;
    unseen += foldable->is_off ? without(foldable) - foldable->since : 0;
    return unseen > 0 ? (double)unseen / (double)caller->present : 0.0;
}
