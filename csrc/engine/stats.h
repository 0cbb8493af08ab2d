/* stats.h -- trees to functions and caller edges.
 *
 *      own        = sum over the function's paths (see figures.h)
 *      total      = sum over those with no ancestor of their function
 *      recursive  = calls of the others; primitive calls = calls - recursive
 *
 * A caller edge g -> f has the same three, where "recursive" means that an ancestor is
 * an f called by a g. This is what `_lsprof` counts while the program runs. Hidden
 * nodes are left out: what they called counts as called by their caller, and their own
 * time is nobody's. What pairs.h has counted is not corrected.
 *
 * Threads are added up. One walk over each tree, depth first, without recursion.
 *
 * Units      ticks.
 * Ownership  the stats own their arrays; the snapshot is only read.
 */
#ifndef FP_STATS_H
#define FP_STATS_H

#include "figures.h"
#include "status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    fp_sum *functions; /* by number */
    fp_taken *taken;   /* likewise */
    size_t function_count;
    fp_pair_total *edges; /* by caller, then by callee */
    size_t edge_count;
    fp_ticks clamped; /* what could not be taken, for own times end at 0 */
} fp_stats;

/* FP_OK, or FP_NOMEM: nothing to free. All function numbers in the snapshot must be
 * below `function_count`. Without a correction (NULL) the times are as recorded. */
fp_status fp_stats_build(fp_stats *stats, const fp_snapshot *snapshot,
                         size_t function_count, const fp_correction *correction,
                         bool collections_apart);
void fp_stats_free(fp_stats *stats);

#endif
