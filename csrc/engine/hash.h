/* hash.h -- uthash as the engine uses it; the only includer of uthash.
 *
 * Keys are one or two machine words (pointers), so they are mixed and compared as
 * words. uthash calls exit() when memory runs out unless HASH_NONFATAL_OOM is 1;
 * after an add, `elt->hh.tbl == NULL` tells that there was none.
 */
#ifndef FP_HASH_H
#define FP_HASH_H

#include "alloc.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Multiply and fold (the finaliser of splitmix64, one round for each word): pointers
 * differ in their middle bits, and tables take the low ones. */
static inline uint64_t
fp_mix(uint64_t mixed, uint64_t word)
{
    mixed = (mixed ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return mixed ^ mixed >> 32;
}

static inline unsigned
fp_hash_words(const void *key, size_t size)
{
    uint64_t mixed = 0;

    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, (const char *)key + at, sizeof word);
        mixed = fp_mix(mixed, word);
    }
    return (unsigned)mixed;
}

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = fp_hash_words(keyptr, keylen))
#define HASH_KEYCMP(a, b, size) memcmp(a, b, size)
#define uthash_malloc(size) fp_alloc(size)
#define uthash_free(block, size) fp_free(block)

/* Short chains: a lookup that has to follow one costs a cache miss for each link. */
#define HASH_INITIAL_NUM_BUCKETS 256U
#define HASH_INITIAL_NUM_BUCKETS_LOG2 8U
#define HASH_BKT_CAPACITY_THRESH 4U

#include <uthash.h>

#endif
