/* Any bytes, as the engine's part of a profile file: refused, or read, summed up and
 * written again to what reads the same.
 */
#include "codec.h"
#include "stats.h"

#include <stdlib.h>
#include <string.h>

#define FUNCTIONS 8

static void
expect(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* What was read once is written in the one way that there is. */
static void
write_and_read_again(const fp_snapshot *snapshot)
{
    fp_bytes first, second;
    fp_snapshot again;

    expect(fp_snapshot_encode(snapshot, &first) == FP_OK);
    expect(fp_snapshot_decode(&again, first.bytes, first.size, FUNCTIONS) == FP_OK);
    expect(fp_snapshot_encode(&again, &second) == FP_OK);
    expect(first.size == second.size &&
           memcmp(first.bytes, second.bytes, first.size) == 0);
    free(first.bytes);
    free(second.bytes);
    fp_snapshot_free(&again);
}

/* The sums with costs as large as a file may have them, of either sign; no own time is
 * ever negative. */
static void
sum_up_corrected(const fp_snapshot *snapshot, double pace)
{
    static const unsigned char kinds[FUNCTIONS] = {FP_KIND_C, FP_KIND_GENERATOR};
    const fp_costs costs = {
        .returned = {{1e12, -1e12, 1e12}, {-1e12, 1e12, -1e12}, {1.0, 1.0, 1.0}},
        .raised = {{1e12, 1e12, 1e12}, {1.0, 1.0, 1.0}, {-1.0, -1.0, -1.0}},
        .aside = {0.0, 1e12, 1.0},
        .pace = pace,
        .lost = 1e12,
        .taken = 1e-12,
    };
    static const fp_pace paces[FUNCTIONS] = {
        [1] = {1e9, 0.0, false}, [2] = {1e9, 1e9, false}, [3] = {0.0, 1e9, true}};
    fp_correction correction = {
        .costs = &costs, .kinds = kinds, .function_count = FUNCTIONS};

    correction.paces = pace != 1.0 ? paces : NULL;
    fp_stats stats;

    expect(fp_correction_fit(&correction, snapshot) == FP_OK);
    expect(fp_stats_build(&stats, snapshot, FUNCTIONS, &correction, true) == FP_OK);
    for (size_t i = 0; i < FUNCTIONS; i++) {
        expect(stats.functions[i].own_ticks >= 0);
    }
    fp_stats_free(&stats);
}

static void
sum_up(const fp_snapshot *snapshot)
{
    fp_stats stats;

    expect(fp_stats_build(&stats, snapshot, FUNCTIONS, NULL, false) == FP_OK);
    fp_stats_free(&stats);
    sum_up_corrected(snapshot, 1.0);
    sum_up_corrected(snapshot, 1.5);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fp_snapshot snapshot;

    if (fp_snapshot_decode(&snapshot, bytes, size, FUNCTIONS) != FP_OK) {
        return 0;
    }
    sum_up(&snapshot);
    write_and_read_again(&snapshot);
    fp_snapshot_free(&snapshot);
    return 0;
}
