/* figures.h -- what each path of a recorded tree used, itself and with all that it
 * called.
 *
 *      own        = inclusive - sum over the children's inclusive, less what the
 *                   profiler added (see correction.h)
 *      total      = own, and the own of all below that shows
 *
 * Hidden paths are left out: their own time is nobody's. A collection of garbage
 * (FP_FOLDED) is either apart, a path like any other, or its own time is that of the
 * path above it, as `_lsprof` has it.
 *
 * A path that was off for a while (folding.h) has as much more than was recorded as its
 * reference has, which is the nearest path above that was seen all the time, or in a
 * recursion its function's outermost call:
 *
 *      factor     = the reference's inclusive / the part of that in which it was seen,
 *                   times the reference's own factor
 *
 * both without what the profiler added. That lies where most was seen: so from the
 * part as recorded are taken the events of all paths that were seen for as long or
 * less, and of the others their share. Its calls are some more, for each took longer
 * while it was seen. Times need no more: those that were seen are longer, too.
 *
 * What passed unseen is in the own ticks of who was seen. In those of a caller that was
 * itself off for a while it is what its callees have, by their factors, more than was
 * recorded; that is left out before they are multiplied. What all such paths then have
 * more than was recorded is taken from the own of the nearest caller that was seen all
 * the time; there may be no more than that has, or all factors below it are smaller.
 * The inclusive of a reference is that of its function's outermost calls.
 *
 * Units      ticks. A file may hold figures of any size: sums stop at the largest.
 */
#ifndef FP_FIGURES_H
#define FP_FIGURES_H

#include "correction.h"
#include "snapshot.h"
#include "status.h"

#include <stdbool.h>
#include <stdint.h>

/* What was taken from an own time. */
typedef struct {
    fp_ticks added; /* by the profiler's events; negative where a call took less */
    fp_ticks error; /* how far off that may be */
} fp_taken;

typedef struct {
    bool is_shown; /* otherwise the rest means nothing */
    double factor; /* how many times as many calls there are as were recorded: 1, but
                      for estimates */
    fp_usage usage;
    fp_taken taken;
} fp_figures;

/* A count of calls, with what is estimated. */
static inline int64_t
fp_estimated(const fp_figures *figures, int64_t count)
{
    const double product = (double)count * figures->factor;

    if (figures->factor == 1.0) {
        return count;
    }
    return product < 0x1p62 ? (int64_t)(product + 0.5) : INT64_MAX;
}

/* The larger of the two bounds, or the sum. */
static inline int64_t
fp_plus(int64_t a, int64_t b)
{
    if (b > 0) {
        return a > INT64_MAX - b ? INT64_MAX : a + b;
    }
    return a < INT64_MIN - b ? INT64_MIN : a + b;
}

/* The figures of the paths of a thread, at the same places; adds to `*clamped` what
 * could not be taken, for own times end at 0. Without a correction (NULL) times are as
 * recorded. NULL: no memory; otherwise to be freed (fp_free). */
fp_figures *fp_figures_of(const fp_thread_record *thread,
                          const fp_correction *correction, bool collections_apart,
                          fp_ticks *clamped);

#endif
