/* correction.h -- what the profiler itself adds to the times.
 *
 * An event takes time: a part of it lies inside what is measured as the callee's time,
 * the rest is charged to the caller. With both known for each kind of callee, from the
 * leaves to the root:
 *
 *      own'       = max(0, own - calls * inside - asides * aside
 *                              - sum over the children of calls * outside) / pace
 *      inclusive' = own' + sum over the children of inclusive'
 *
 * A call that ends with an exception costs something else than one that returns. The
 * pace is how many times as long the interpreter takes for Python code while it has a
 * profile function, whether there are events or not.
 *
 * The costs are those of a short loop, all of which the processor foresees. In a
 * program that does this and that they are higher, and how much tell functions that are
 * known to take next to no time (`len`): what is recorded for one of these is the cost
 * of an event, there and then. All costs are taken for as many times as high as that is
 * higher than it was in the loop, but for FP_MOST_FACTOR times at most, which is what
 * experiments with real programs gave (docs/measurements.md). What is left is wrong by
 * FP_UNSURE of the costs on average.
 *
 * Units      ticks per call, and per aside (see fp_recorder_aside).
 */
#ifndef FP_CORRECTION_H
#define FP_CORRECTION_H

#include "snapshot.h"
#include "status.h"

#define FP_MOST_FACTOR 1.4
#define FP_UNSURE 0.15
#define FP_LEAST_REFERENCE_CALLS 1000
#define FP_REFERENCES 4

typedef enum {
    FP_KIND_PYTHON,
    FP_KIND_GENERATOR,
    FP_KIND_C,
    FP_KIND_METHOD, /* in C */
    FP_KINDS,
    FP_KIND_COLLECTION = FP_KINDS, /* costs nothing that is known, as the next */
    FP_KIND_REGION,
} fp_kind;

typedef struct {
    double inside;  /* of the callee's measured time; may be negative */
    double outside; /* of the caller's */
    double error;   /* how far their sum was off in calibration */
} fp_cost;

typedef struct {
    fp_cost returned[FP_KINDS];
    fp_cost raised[FP_KINDS];
    fp_cost aside;                  /* outside only */
    double expected[FP_REFERENCES]; /* of each function of reference, recorded */
    double pace;
} fp_costs;

/* What a function is for the correction. */
typedef struct {
    unsigned char kind;
    unsigned char reference; /* 1 + its place in `expected`; 0: it is none */
} fp_traits;

typedef struct {
    const fp_costs *costs;
    const fp_traits *traits; /* of each function */
    double factor;           /* how much higher the costs are in this program */
} fp_correction;

/* Sets the factor; 1 where functions of reference were not called often enough. FP_OK,
 * or FP_NOMEM. */
fp_status fp_correction_fit(fp_correction *correction, const fp_snapshot *snapshot);

/* What all calls of a path add, and its asides; and how far off that may be. */
fp_cost fp_correction_of(const fp_correction *correction, const fp_path *path);

/* The pace of a path's own code. */
static inline double
fp_correction_pace(const fp_correction *correction, const fp_path *path)
{
    return correction->traits[path->function].kind < FP_KIND_C ? correction->costs->pace
                                                               : 1.0;
}

#endif
