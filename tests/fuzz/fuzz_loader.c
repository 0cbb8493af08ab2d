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

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fp_snapshot snapshot;
    fp_stats stats;

    if (fp_snapshot_decode(&snapshot, bytes, size, FUNCTIONS) != FP_OK) {
        return 0;
    }
    expect(fp_stats_build(&stats, &snapshot, FUNCTIONS) == FP_OK);
    fp_stats_free(&stats);
    write_and_read_again(&snapshot);
    fp_snapshot_free(&snapshot);
    return 0;
}
