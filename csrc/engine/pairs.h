/* pairs.h -- what is recorded when there is no room left for a tree.
 *
 * Sums for each function and each (caller, callee) pair, with the number of their
 * calls that are open now, as `_lsprof` keeps them: flat figures and caller edges stay
 * exact, paths are lost. A call is recursive when another one of the same function
 * (for a pair: of the same pair) is open below it; only calls that are not recursive
 * add to the total.
 *
 * Units      ticks; callers pass `now` in.
 * Ownership  the sums belong to `fp_pairs`; keys are opaque and not owned.
 * Threads    none: one per recorder, no locks inside.
 */
#ifndef FP_PAIRS_H
#define FP_PAIRS_H

#include "calltree.h"
#include "clock.h"
#include "status.h"
#include "suspensions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t calls;             /* calls that have ended */
    int64_t recursive;         /* those of them that were recursive */
    int64_t raised;            /* those of them that ended with an exception */
    int64_t resumes;           /* those of them that went on with a generator */
    int64_t recursive_resumes; /* which were recursive, too */
    fp_ticks suspended_ticks;  /* how long those had stood still */
    fp_ticks total_ticks;
    fp_ticks own_ticks;
    fp_ticks total_off; /* of both, what the thread was off the CPU */
    fp_ticks own_off;
    int64_t open; /* calls that have not ended */
} fp_sum;

/* What one call used. */
typedef struct {
    fp_ticks total;
    fp_ticks own;
    fp_ticks total_off;
    fp_ticks own_off;
} fp_usage;

typedef struct {
    uint32_t function;
    fp_sum sum;
} fp_function_total;

typedef struct {
    uint32_t caller;
    uint32_t callee;
    fp_sum sum;
} fp_pair_total;

typedef struct {
    fp_function_total *functions;
    size_t function_count;
    fp_pair_total *pairs;
    size_t pair_count;
} fp_totals;

typedef struct fp_pairs fp_pairs;

/* NULL when there is no memory. */
fp_pairs *fp_pairs_new(void);
void fp_pairs_free(fp_pairs *pairs);

/* FP_OK, FP_ADDED (a new function or pair), FP_NOMEM (nothing was entered). */
fp_status fp_pairs_enter(fp_pairs *pairs, fp_key key, fp_frame frame, fp_ticks now);

/* FP_OK; FP_UNKNOWN when this frame is not open. What is open above it ends too. */
fp_status fp_pairs_leave(fp_pairs *pairs, fp_frame frame, fp_ticks now, bool raised);

/* The call that was entered last goes on with a generator, which stood still. */
void fp_pairs_resume(fp_pairs *pairs, fp_ticks suspended);

/* The thread was off the CPU, while the call that was entered last ran. */
void fp_pairs_wait(fp_pairs *pairs, fp_ticks off);

/* Ends all calls that are open. */
void fp_pairs_close(fp_pairs *pairs, fp_ticks now);

/* The call that was entered last, and from now on all calls of its function, have
 * this visibility, which is not FP_SHOWN. */
void fp_pairs_hide(fp_pairs *pairs, fp_visibility visibility);

/* Calls that have ended, of what shows. */
int64_t fp_pairs_calls(const fp_pairs *pairs);

/* Calls that seemed to end before they began. */
int64_t fp_pairs_clamped(const fp_pairs *pairs);

/* Where no call is open: when the last one ended. */
fp_ticks fp_pairs_last(const fp_pairs *pairs);

/* The frame that was entered last and is open; 0 when there is none. */
fp_frame fp_pairs_current(const fp_pairs *pairs);

/* The sums as if all open calls ended now; changes nothing. FP_OK or FP_NOMEM. */
fp_status fp_pairs_read(const fp_pairs *pairs, fp_ticks now, fp_numbering numbering,
                        fp_totals *totals);

void fp_totals_free(fp_totals *totals);

/* Adds one ended call; `sum->open` must count it. */
void fp_sum_add(fp_sum *sum, fp_usage usage, bool raised);

#endif
