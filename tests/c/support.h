/* support.h -- what the suites share: names for keys and frames, an allocator that
 * fails on demand, and figures by name.
 */
#ifndef FP_TEST_SUPPORT_H
#define FP_TEST_SUPPORT_H

#include "recorder.h"
#include "snapshot.h"
#include "stats.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

/* Keys are addresses in one array; their numbers are the places in it. */
#define KEY_COUNT 16
extern const char keys[KEY_COUNT];

#define MAIN (&keys[0])
#define HELPER (&keys[1])
#define OTHER (&keys[2])
#define LEAF (&keys[3])

extern const fp_numbering numbering;

static inline uint32_t
number_of(fp_key key)
{
    return (uint32_t)((const char *)key - keys);
}

static inline fp_frame
frame(unsigned number)
{
    return (fp_frame)(number * 16U);
}

/* ---- memory ---- */

/* Every allocation from the `nth` on fails (1: the next); 0: none does. */
void fail_allocations_from(unsigned long nth);

/* Blocks that have been allocated and not been freed. */
long live_blocks(void);

/* ---- figures ---- */

void assert_same_sum(const fp_sum *sum, const fp_sum *expected);

fp_stats stats_of_recorder(const fp_recorder *recorder, fp_ticks now);
fp_stats stats_with_collections(const fp_recorder *recorder, fp_ticks now);
fp_sum sum_of(const fp_recorder *recorder, fp_key key, fp_ticks now);
fp_sum edge_of(const fp_recorder *recorder, fp_key caller, fp_key callee, fp_ticks now);

/* ---- running ---- */

/* Runs one suite. Each test must free what the engine allocated for it. */
int run_suite(const char *name, const TTest *const *tests, size_t count);

#define RUN_SUITE(name, ...)                                                           \
    int main(void)                                                                     \
    {                                                                                  \
        const TTest *const tests[] = {__VA_ARGS__};                                    \
        return run_suite(name, tests, sizeof(tests) / sizeof *(tests));                \
    }

#endif
