/* align.h -- two trees side by side: which path of one is which of the other.
 *
 * Paths are the same where the names on them are. Functions of one name below one path
 * are told apart by the order in which they stand in the trees.
 *
 * Ownership  the result owns its arrays; the trees are only read.
 * Threads    none.
 */
#ifndef FP_ALIGN_H
#define FP_ALIGN_H

#include "status.h"

#include <stddef.h>
#include <stdint.h>

/* A tree as columns: place 0 is the root's. */
typedef struct {
    const uint32_t *parents; /* lower than the place itself */
    const uint32_t *functions;
    size_t count;
    const uint32_t *names; /* by the functions' numbers */
    size_t function_count;
} fp_side;

/* Pair 0 is the roots'. */
typedef struct {
    uint32_t *parents; /* pairs, lower than the pair itself */
    uint32_t *names;
    uint32_t *places[2]; /* in the two trees; 0: there is none */
    size_t count;
} fp_aligned;

/* Names are below `name_count`. FP_OK; FP_NOMEM or FP_BADDATA (a number that is not
 * below what it must be): there is nothing to free. */
fp_status fp_align(const fp_side sides[2], uint32_t name_count, fp_aligned *aligned);

void fp_aligned_free(fp_aligned *aligned);

#endif
