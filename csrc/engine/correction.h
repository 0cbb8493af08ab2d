/* correction.h -- what the profiler itself adds to the times.
 *
 * An event takes time: a part of it lies inside what is measured as the callee's time,
 * the rest is charged to the caller. With both known for each kind of callee, from the
 * leaves to the root:
 *
 *      own'       = max(0, own - calls * inside - asides * aside
 *                              - sum over the children of calls * outside)
 *      inclusive' = own' + sum over the children of inclusive'
 *
 * A call that ends with an exception costs something else than one that returns.
 *
 * An interpreter may also take longer for Python code while it has a profile function,
 * whether there are events or not: `pace` times as long, for what calibration ran. With
 * what is lost in each instruction of a function, and what each takes otherwise, of an
 * own time as above there is left
 *
 *      own / (1 + sum of lost / sum of taken),      and, unless it has a loop, at least
 *      own - calls * sum of lost                    for no more can have been lost.
 *
 * The costs are those of a short loop, all of which the processor foresees. In a
 * program that does this and that they are higher, the more so the more is done between
 * two events. With `base` for all that is taken from an own time above, and before the
 * pace:
 *
 *      own'       = (own - base) * (1 - context * base / own)
 *      context    = FP_CONTEXT * min(1, H / FP_FULL_ENTROPY)
 *
 * with H the entropy of the calls over the functions, in bits (Shannon 1948): 0 for a
 * loop over one function. That is what experiments with real programs gave
 * (docs/measurements.md). Where the interpreter has another pace, the context is 0:
 * there Python code is as slow between the events. What is left is wrong by FP_UNSURE
 * of the costs on average, and of what the pace took.
 *
 * Units      ticks per call, and per aside (see fp_recorder_aside).
 */
#ifndef FP_CORRECTION_H
#define FP_CORRECTION_H

#include "snapshot.h"
#include "status.h"

#include <stdbool.h>

#define FP_CONTEXT 0.45
#define FP_FULL_ENTROPY 2.0
#define FP_UNSURE 0.15

typedef enum {
    FP_KIND_PYTHON,
    FP_KIND_GENERATOR,
    FP_KIND_C,
    FP_KIND_METHOD, /* in C */
    FP_KINDS,
    FP_KIND_COLLECTION = FP_KINDS, /* costs nothing that is known, as the next */
    FP_KIND_REGION,
    FP_KIND_APPEND, /* a method: the interpreter calls it only for events */
} fp_kind;

typedef struct {
    double inside;  /* of the callee's measured time; may be negative */
    double outside; /* of the caller's */
    double error;   /* how far their sum was off in calibration */
} fp_cost;

typedef struct {
    fp_cost returned[FP_KINDS];
    fp_cost raised[FP_KINDS];
    fp_cost append; /* whatever came of it */
    fp_cost aside;  /* outside only */
    double pace;
    double lost;  /* ticks for 1 of fp_pace.lost; 0: all functions have the same pace */
    double taken; /* and of fp_pace.taken */
} fp_costs;

/* A function's instructions, in parts of what calibration ran. */
typedef struct {
    double lost;
    double taken;
    bool repeats; /* some may run more often than the function is called */
} fp_pace;

typedef struct {
    const fp_costs *costs;
    const unsigned char *kinds; /* of each function */
    const fp_pace *paces;       /* likewise; NULL: they are not known */
    size_t function_count;
    double context; /* how much higher costs are in this program, at most */
} fp_correction;

/* Sets the context. FP_OK, or FP_NOMEM. */
fp_status fp_correction_fit(fp_correction *correction, const fp_snapshot *snapshot);

/* What all calls of a path add by the costs, and its asides; and how far off that may
 * be. */
fp_cost fp_correction_of(const fp_correction *correction, const fp_path *path);

/* What is left of an own time from which `base` is to be taken; may be negative. */
static inline double
fp_correction_left(const fp_correction *correction, double own, double base)
{
    const double left = own - base;

    return left > 0.0 && base > 0.0 ? left * (1.0 - correction->context * base / own)
                                    : left;
}

/* What an own time of a path, without what events took, is at the interpreter's usual
 * pace. */
double fp_correction_paced(const fp_correction *correction, const fp_path *path,
                           double own);

#endif
