/* alloc.h -- where the engine's memory comes from.
 *
 * The one seam for allocation: the tests link an alloc.c of their own, which
 * fails on demand. Nothing else in the engine calls malloc.
 */
#ifndef FP_ALLOC_H
#define FP_ALLOC_H

#include <stddef.h>

/* NULL when there is no memory; the content is undefined. */
void *fp_alloc(size_t size);

/* As realloc: on failure NULL, and the old block is untouched. */
void *fp_realloc(void *block, size_t size);

/* NULL is allowed. */
void fp_free(void *block);

#endif
