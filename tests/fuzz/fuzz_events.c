/* Any stream of events, in trees and in pairs: the figures fit each other at each look.
 *
 * Two bytes are an event: what happens, and to which function or frame.
 */
#include "codec.h"
#include "recorder.h"
#include "snapshot.h"
#include "stats.h"

#include <stdlib.h>

#define FUNCTIONS 8
#define FRAMES 32

static const char keys[FUNCTIONS];

static void
expect(bool condition)
{
    if (!condition) {
        abort();
    }
}

static uint32_t
number_of(void *context, fp_key key)
{
    (void)context;
    return (uint32_t)((const char *)key - keys);
}

static void
look(const fp_recorder *recorder, fp_ticks now)
{
    fp_snapshot snapshot = {0};
    fp_stats stats;
    fp_bytes encoded;
    fp_numbering numbering = {.number_of = number_of};

    expect(fp_snapshot_add(&snapshot, recorder, 1, now, numbering) == FP_OK);
    expect(fp_stats_build(&stats, &snapshot, FUNCTIONS, NULL, now % 2) == FP_OK);
    for (size_t i = 0; i < stats.function_count; i++) {
        const fp_sum *sum = &stats.functions[i];
        expect(sum->calls >= sum->recursive && sum->recursive >= 0);
        expect(sum->calls >= sum->raised && sum->raised >= 0);
        expect(sum->total_ticks >= 0 && sum->own_ticks >= 0);
    }
    expect(fp_snapshot_encode(&snapshot, &encoded) == FP_OK);
    free(encoded.bytes);
    fp_stats_free(&stats);
    fp_snapshot_free(&snapshot);
}

static void
happen(fp_recorder *recorder, uint8_t what, uint8_t to, fp_ticks *now)
{
    const fp_frame frame = 2U * (to % FRAMES) + 2U;
    const fp_key key = &keys[to % FUNCTIONS];

    *now += what >> 3;
    switch (what & 7U) {
    case 0:
    case 1:
    case 2:
        if (fp_recorder_enter(recorder, key, frame, *now) == FP_ADDED && to >= 0xF0) {
            fp_recorder_hide(recorder, (fp_visibility)(1 + to % 3));
        }
        break;
    case 3:
    case 4:
        fp_recorder_leave(recorder, frame, *now, to >> 7U);
        break;
    case 5:
        if (fp_recorder_current(recorder) != 0) {
            fp_recorder_leave(recorder, fp_recorder_current(recorder), *now, false);
        }
        break;
    case 6:
        fp_recorder_wait(recorder, what);
        fp_recorder_lose(recorder, to);
        *now += to;
        break;
    default:
        to < 0xF8 ? look(recorder, *now) : fp_recorder_close(recorder, *now);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fp_budget budget = {.nodes_left = size > 0 ? bytes[0] : 0};
    fp_recorder recorder;
    fp_ticks now = 0;

    expect(fp_recorder_init(&recorder, &budget) == FP_OK);
    expect(fp_recorder_keep_off(&recorder) == FP_OK);
    for (size_t i = 1; i + 1 < size; i += 2) {
        happen(&recorder, bytes[i], bytes[i + 1], &now);
    }
    look(&recorder, now);
    fp_recorder_close(&recorder, now);
    look(&recorder, now);
    fp_recorder_retire(&recorder);
    look(&recorder, now);
    fp_recorder_free(&recorder);
    return 0;
}
