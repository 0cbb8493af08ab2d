#include "alloc.h"

#include <stdlib.h>

void *
fp_alloc(size_t size)
{
    return malloc(size);
}

void *
fp_realloc(void *block, size_t size)
{
    return realloc(block, size);
}

void
fp_free(void *block)
{
    free(block);
}
