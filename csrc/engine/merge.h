/* merge.h -- recorded trees as one: threads, processes, runs.
 *
 * Paths of the same functions become one; what does not show is left out (see
 * figures.h). The figures are final: nothing is to be taken from them.
 *
 * Units      ticks, of whatever clock the caller scales them to.
 * Ownership  the tree owns its arrays.
 * Threads    none.
 */
#ifndef FP_MERGE_H
#define FP_MERGE_H

#include "figures.h"
#include "snapshot.h"
#include "status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t parent; /* its place in the array, lower than the node's own */
    uint32_t function;
    fp_visibility visibility; /* FP_SHOWN or FP_FOLDED */
    uint32_t first_child; /* places; 0: none. The one that took longest is the first */
    uint32_t next_sibling;
    int64_t calls;
    int64_t raised;
    int64_t resumes;
    fp_ticks suspended;
    fp_usage usage;
    fp_taken taken;
} fp_branch;

typedef struct {
    fp_branch *branches; /* branches[0] is the root */
    size_t count;
    size_t capacity;
    uint32_t *table; /* places by parent and function: open addressing, half full */
    size_t mask;     /* the table's size, a power of two, less 1 */
} fp_merged;

/* Rounded, and no more than there is room for. */
fp_ticks fp_scaled(fp_ticks ticks, double scale);

/* One with nothing but a root. FP_OK, or FP_NOMEM: nothing to free. */
fp_status fp_merged_init(fp_merged *merged);

/* Adds a thread's paths, with their figures times `scale`. `numbers`: what the
 * functions' numbers become; NULL: they stay. FP_OK; FP_NOMEM: a part may have been
 * added. */
fp_status fp_merged_add(fp_merged *merged, const fp_thread_record *thread,
                        const fp_figures *figures, const uint32_t *numbers,
                        double scale);

/* When all has been added: sets the totals, and links children. FP_OK or FP_NOMEM. */
fp_status fp_merged_finish(fp_merged *merged);

/* It as a thread's record, whose totals are empty. FP_OK, or FP_NOMEM. */
fp_status fp_merged_record(const fp_merged *merged, fp_thread_record *record);

void fp_merged_free(fp_merged *merged);

#endif
