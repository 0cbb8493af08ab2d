#include "pairs.h"

#include "alloc.h"
#include "hash.h"

#include <string.h>

#define FIRST_STACK_ENTRIES 64U

/* The sums of a function, or of a pair; each kind has a table of its own. */
typedef struct {
    const void *caller; /* the sums of the calling function; NULL for a function */
    const void *callee; /* those of the called one; for a function its key */
} sums_key;

typedef struct {
    sums_key key;
    fp_sum sum;
    uint32_t index;           /* order of creation in its table */
    fp_visibility visibility; /* of a function */
    UT_hash_handle hh;
} sums;

/* What passed inside a call: in visible callees, and in the profiler itself; and what
 * the thread was off the CPU in the former, and in the call's own time. */
typedef struct {
    fp_ticks callee_ticks;
    fp_ticks hidden_ticks;
    fp_ticks callee_off;
    fp_ticks own_off;
} inside;

typedef struct {
    sums *function;
    sums *pair;    /* NULL: nobody visible called it, or it is hidden */
    sums *visible; /* the caller that its callees will have */
    fp_visibility visibility;
    fp_frame frame;
    fp_ticks entered; /* above the stack: when the last call at this depth ended */
    inside inside;
} open_call;

struct fp_pairs {
    sums *functions;
    sums *pairs;
    open_call *stack;
    size_t depth;
    size_t capacity;
    int64_t clamped;
};

fp_pairs *
fp_pairs_new(void)
{
    fp_pairs *pairs = fp_alloc(sizeof *pairs);

    if (pairs != NULL) {
        memset(pairs, 0, sizeof *pairs);
    }
    return pairs;
}

static void
free_table(sums *table)
{
    sums *one, *next;

    HASH_ITER(hh, table, one, next) {
        HASH_DEL(table, one);
        fp_free(one);
    }
}

void
fp_pairs_free(fp_pairs *pairs)
{
    if (pairs != NULL) {
        free_table(pairs->functions);
        free_table(pairs->pairs);
        fp_free(pairs->stack);
        fp_free(pairs);
    }
}

static bool
have_room(fp_pairs *pairs)
{
    size_t capacity = pairs->capacity == 0 ? FIRST_STACK_ENTRIES : 2 * pairs->capacity;
    open_call *stack;

    if (pairs->depth < pairs->capacity) {
        return true;
    }
    stack = fp_realloc(pairs->stack, capacity * sizeof *stack);
    if (stack == NULL) {
        return false;
    }
    pairs->stack = stack;
    pairs->capacity = capacity;
    return true;
}

static fp_status
find_sums(sums **table, sums_key key, sums **found)
{
    sums *fresh;

    HASH_FIND(hh, *table, &key, sizeof key, *found);
    if (*found != NULL) {
        return FP_OK;
    }
    fresh = fp_alloc(sizeof *fresh);
    if (fresh == NULL) {
        return FP_NOMEM;
    }
    memset(fresh, 0, sizeof *fresh);
    fresh->key = key;
    fresh->index = HASH_COUNT(*table);
    HASH_ADD(hh, *table, key, sizeof key, fresh);
    if (fresh->hh.tbl == NULL) {
        fp_free(fresh);
        return FP_NOMEM;
    }
    *found = fresh;
    return FP_ADDED;
}

static void
push(fp_pairs *pairs, open_call call)
{
    pairs->stack[pairs->depth++] = call;
    if (call.visibility == FP_SHOWN) {
        call.function->sum.open++;
    }
    if (call.pair != NULL) {
        call.pair->sum.open++;
    }
}

/* The call around the next one; where there is none, one that changes nothing. */
static open_call
caller_of_next(const fp_pairs *pairs)
{
    return pairs->depth > 0 ? pairs->stack[pairs->depth - 1] : (open_call){0};
}

fp_status
fp_pairs_enter(fp_pairs *pairs, fp_key key, fp_frame frame, fp_ticks now)
{
    open_call call = {.frame = frame, .entered = now}, caller;
    fp_status added, status;

    if (fp_pairs_current(pairs) == frame) {
        /* The same frame cannot be entered twice: its end was missed. */
        fp_pairs_leave(pairs, frame, now, false);
    }
    added = have_room(pairs)
                ? find_sums(&pairs->functions, (sums_key){NULL, key}, &call.function)
                : FP_NOMEM;
    if (added < 0) {
        return added;
    }
    caller = caller_of_next(pairs);
    call.visibility = caller.visibility == FP_HIDDEN_WHOLE ? FP_HIDDEN_WHOLE
                                                           : call.function->visibility;
    call.visible = call.visibility == FP_SHOWN ? call.function : caller.visible;
    if (caller.visible != NULL && call.visibility == FP_SHOWN) {
        const sums_key key_of_pair = {caller.visible, call.function};
        status = find_sums(&pairs->pairs, key_of_pair, &call.pair);
        if (status < 0) {
            return status;
        }
        added = status == FP_ADDED ? FP_ADDED : added;
    }
    push(pairs, call);
    return added;
}

void
fp_sum_add(fp_sum *sum, fp_usage usage, bool raised)
{
    sum->calls++;
    sum->raised += raised;
    sum->own_ticks += usage.own;
    sum->own_off += usage.own_off;
    if (--sum->open == 0) {
        sum->total_ticks += usage.total;
        sum->total_off += usage.total_off;
    } else {
        sum->recursive++;
    }
}

static fp_ticks
at_least(fp_ticks least, fp_ticks ticks)
{
    return ticks > least ? ticks : least;
}

/* Adds a call that ends now to the sums of its function and its pair (or NULL), and
 * tells what its caller has inside because of it. */
static inside
settle(const open_call *call, inside within, fp_ticks now, bool raised,
       fp_sum *of_function, fp_sum *of_pair)
{
    const fp_ticks elapsed = now > call->entered ? now - call->entered : 0;
    const fp_ticks passed = elapsed - within.hidden_ticks;
    const fp_ticks own = at_least(0, passed - within.callee_ticks);
    const fp_ticks visible = at_least(own, passed);
    const fp_ticks off = within.own_off + within.callee_off;

    if (call->visibility == FP_FOLDED) {
        return within;
    }
    if (call->visibility != FP_SHOWN) {
        return (inside){.callee_ticks = within.callee_ticks,
                        .hidden_ticks = at_least(0, elapsed - within.callee_ticks),
                        .callee_off = within.callee_off};
    }
    fp_sum_add(of_function, (fp_usage){visible, own, off, within.own_off}, raised);
    if (of_pair != NULL) {
        fp_sum_add(of_pair, (fp_usage){visible, own, off, within.own_off}, raised);
    }
    return (inside){.callee_ticks = visible,
                    .hidden_ticks = within.hidden_ticks,
                    .callee_off = off};
}

static inside
both(inside one, inside other)
{
    return (inside){one.callee_ticks + other.callee_ticks,
                    one.hidden_ticks + other.hidden_ticks,
                    one.callee_off + other.callee_off,
                    one.own_off + other.own_off};
}

static void
pop(fp_pairs *pairs, fp_ticks now, bool raised)
{
    open_call *call = &pairs->stack[--pairs->depth];
    fp_sum *of_pair = call->pair != NULL ? &call->pair->sum : NULL;
    const inside up =
        settle(call, call->inside, now, raised, &call->function->sum, of_pair);

    pairs->clamped += now < call->entered;
    call->entered = now;
    if (pairs->depth > 0) {
        open_call *caller = &pairs->stack[pairs->depth - 1];
        caller->inside = both(caller->inside, up);
    }
}

fp_status
fp_pairs_leave(fp_pairs *pairs, fp_frame frame, fp_ticks now, bool raised)
{
    size_t at = pairs->depth;

    while (at > 0 && pairs->stack[at - 1].frame != frame) {
        at--;
    }
    if (at == 0) {
        return FP_UNKNOWN;
    }
    while (pairs->depth > at) {
        pop(pairs, now, false);
    }
    pop(pairs, now, raised);
    return FP_OK;
}

static void
add_resume(fp_sum *sum, fp_ticks suspended)
{
    sum->resumes++;
    sum->recursive_resumes += sum->open > 1;
    sum->suspended_ticks += suspended;
}

void
fp_pairs_resume(fp_pairs *pairs, fp_ticks suspended)
{
    const open_call *call = &pairs->stack[pairs->depth - 1];

    if (call->visibility == FP_SHOWN) {
        add_resume(&call->function->sum, suspended);
        if (call->pair != NULL) {
            add_resume(&call->pair->sum, suspended);
        }
    }
}

void
fp_pairs_wait(fp_pairs *pairs, fp_ticks off)
{
    if (pairs->depth > 0) {
        pairs->stack[pairs->depth - 1].inside.own_off += off;
    }
}

void
fp_pairs_close(fp_pairs *pairs, fp_ticks now)
{
    while (pairs->depth > 0) {
        pop(pairs, now, false);
    }
}

void
fp_pairs_hide(fp_pairs *pairs, fp_visibility visibility)
{
    open_call *call = &pairs->stack[pairs->depth - 1];

    call->function->visibility = visibility;
    if (call->visibility != FP_SHOWN) {
        return; /* it lies inside one that is hidden whole */
    }
    call->visibility = visibility;
    call->visible = pairs->depth > 1 ? call[-1].visible : NULL;
    call->function->sum.open--;
    if (call->pair != NULL) {
        call->pair->sum.open--;
        call->pair = NULL;
    }
}

int64_t
fp_pairs_calls(const fp_pairs *pairs)
{
    int64_t calls = 0;

    for (const sums *one = pairs->functions; one != NULL; one = one->hh.next) {
        calls += one->visibility == FP_SHOWN ? one->sum.calls : 0;
    }
    return calls;
}

int64_t
fp_pairs_clamped(const fp_pairs *pairs)
{
    return pairs->clamped;
}

fp_ticks
fp_pairs_last(const fp_pairs *pairs)
{
    return pairs->capacity > 0 ? pairs->stack[0].entered : 0;
}

fp_frame
fp_pairs_current(const fp_pairs *pairs)
{
    return pairs->depth > 0 ? pairs->stack[pairs->depth - 1].frame : 0;
}

/* Ends the open calls in the copies of their sums. */
static void
close_copies(const fp_pairs *pairs, fp_ticks now, fp_totals *totals)
{
    inside up = {0};

    for (size_t at = pairs->depth; at > 0; at--) {
        const open_call *call = &pairs->stack[at - 1];
        fp_sum *of_pair =
            call->pair != NULL ? &totals->pairs[call->pair->index].sum : NULL;
        up = settle(call,
                    both(call->inside, up),
                    now,
                    false,
                    &totals->functions[call->function->index].sum,
                    of_pair);
    }
}

fp_status
fp_pairs_read(const fp_pairs *pairs, fp_ticks now, fp_numbering numbering,
              fp_totals *totals)
{
    *totals = (fp_totals){.function_count = HASH_COUNT(pairs->functions),
                          .pair_count = HASH_COUNT(pairs->pairs)};
    totals->functions =
        fp_alloc((totals->function_count + 1) * sizeof *totals->functions);
    totals->pairs = fp_alloc((totals->pair_count + 1) * sizeof *totals->pairs);
    if (totals->functions == NULL || totals->pairs == NULL) {
        fp_totals_free(totals);
        return FP_NOMEM;
    }
    for (const sums *f = pairs->functions; f != NULL; f = f->hh.next) {
        totals->functions[f->index] = (fp_function_total){
            numbering.number_of(numbering.context, f->key.callee), f->sum};
    }
    for (const sums *p = pairs->pairs; p != NULL; p = p->hh.next) {
        const sums *caller = p->key.caller, *callee = p->key.callee;
        totals->pairs[p->index] =
            (fp_pair_total){numbering.number_of(numbering.context, caller->key.callee),
                            numbering.number_of(numbering.context, callee->key.callee),
                            p->sum};
    }
    close_copies(pairs, now, totals);
    return FP_OK;
}

void
fp_totals_free(fp_totals *totals)
{
    fp_free(totals->functions);
    fp_free(totals->pairs);
    *totals = (fp_totals){0};
}
