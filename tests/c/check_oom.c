/* One program that makes the engine allocate in every way it can; each of its
 * allocations fails in turn, and with it all that follow. Whatever was recorded until
 * then must be right, and all memory must come back.
 */
#include "alloc.h"
#include "codec.h"
#include "support.h"

#define CALLS 700 /* deeper than the first stack, more paths than the first chunk */

/* Records until memory runs out, and answers how many calls began. */
static int64_t
record(fp_recorder *recorder)
{
    int64_t begun = 0;

    for (unsigned i = 1; i <= CALLS; i++) {
        const fp_key key = &keys[i % 3 + i % 7];
        const fp_frame own = frame(i);
        if (fp_recorder_enter(recorder, key, own, i) < 0) {
            break;
        }
        begun++;
        if (i % 4 == 0) {
            ck_assert_int_eq(fp_recorder_leave(recorder, own, i, false), FP_OK);
        }
    }
    fp_recorder_close(recorder, CALLS + 1);
    return begun;
}

static int64_t
all_calls(const fp_stats *stats)
{
    int64_t calls = 0;

    for (size_t f = 0; f < stats->function_count; f++) {
        calls += stats->functions[f].calls;
    }
    return calls;
}

/* With memory again: what was recorded is all there. */
static void
check_calls(const fp_recorder *recorder, int64_t begun)
{
    fp_stats stats;

    fail_allocations_from(0);
    stats = stats_of_recorder(recorder, CALLS + 1);
    ck_assert_int_eq(all_calls(&stats), begun);
    fp_stats_free(&stats);
}

static bool keeps_off;

/* FP_OK when every call was recorded. */
static fp_status
recording_program(size_t room, unsigned long fail_from)
{
    fp_budget budget = {room};
    fp_recorder recorder;
    int64_t begun;

    fail_allocations_from(fail_from);
    if (fp_recorder_init(&recorder, &budget) != FP_OK) {
        return FP_NOMEM;
    }
    if (keeps_off && fp_recorder_keep_off(&recorder) != FP_OK) {
        fp_recorder_free(&recorder);
        return FP_NOMEM;
    }
    begun = record(&recorder);
    check_calls(&recorder, begun);
    fp_recorder_free(&recorder);
    ck_assert_uint_eq(budget.nodes_left, room);
    return begun == CALLS ? FP_OK : FP_NOMEM;
}

/* FP_OK when every generator's suspension was recorded. */
static fp_status
suspending_program(size_t room, unsigned long fail_from)
{
    fp_budget budget = {room};
    fp_recorder recorder;
    fp_status status;

    fail_allocations_from(fail_from);
    status = fp_recorder_init(&recorder, &budget);
    if (status != FP_OK) {
        return status;
    }
    for (unsigned i = 1; i <= 200 && status >= 0; i++) {
        for (unsigned turn = 0; turn < 2 && status >= 0; turn++) {
            status = fp_recorder_enter(&recorder, &keys[i % KEY_COUNT], frame(i), i);
            if (status >= 0 && turn == 1) {
                status = fp_recorder_resume(&recorder, frame(i), i);
            }
            if (status >= 0) {
                status = fp_recorder_suspend(&recorder, frame(i), i);
            }
            if (i % 3 == 0) { /* else the paths get longer */
                fp_recorder_leave(&recorder, frame(i), i, false);
            }
        }
    }
    fail_allocations_from(0);
    fp_recorder_free(&recorder);
    return status < 0 ? status : FP_OK;
}

static fp_status
read_decoded(const fp_bytes *encoded)
{
    fp_snapshot decoded;
    fp_stats stats;
    fp_status status =
        fp_snapshot_decode(&decoded, encoded->bytes, encoded->size, KEY_COUNT);

    if (status != FP_OK) {
        return status;
    }
    status = fp_stats_build(&stats, &decoded, KEY_COUNT, NULL, false);
    if (status == FP_OK) {
        ck_assert_int_eq(all_calls(&stats), 2 * CALLS);
        fp_stats_free(&stats);
    }
    fp_snapshot_free(&decoded);
    return status;
}

/* Snapshot of two threads, stats, encoding, decoding; recording itself has memory. */
static fp_status
reading_program(size_t room, unsigned long fail_from)
{
    fp_budget budget = {room};
    fp_recorder recorder;
    fp_snapshot snapshot = {0};
    fp_bytes encoded;
    fp_status status;

    fail_allocations_from(0);
    ck_assert_int_eq(fp_recorder_init(&recorder, &budget), FP_OK);
    ck_assert_int_eq(record(&recorder), CALLS);
    fail_allocations_from(fail_from);
    status = fp_snapshot_add(&snapshot, &recorder, 1, CALLS + 1, numbering);
    if (status == FP_OK) {
        status = fp_snapshot_add(&snapshot, &recorder, 2, CALLS + 1, numbering);
    }
    if (status == FP_OK) {
        status = fp_snapshot_encode(&snapshot, &encoded);
    }
    if (status == FP_OK) {
        status = read_decoded(&encoded);
        fp_free(encoded.bytes);
    }
    fail_allocations_from(0);
    fp_snapshot_free(&snapshot);
    fp_recorder_free(&recorder);
    return status;
}

/* Makes the first allocation fail, then the second…, until nothing fails. */
static void
fail_each(fp_status (*program)(size_t, unsigned long), size_t room, unsigned long least)
{
    unsigned long nth = 1;

    while (program(room, nth) != FP_OK) {
        ck_assert_int_eq(live_blocks(), 0);
        nth++;
    }
    /* The program did allocate as it was meant to. */
    ck_assert_uint_gt(nth, least);
}

START_TEST(recording_a_tree_survives_every_failure)
{
    fail_each(recording_program, 1U << 20, 10);
}
END_TEST

START_TEST(recording_what_is_off_the_cpu_survives_every_failure)
{
    keeps_off = true;
    fail_each(recording_program, 1U << 20, 14);
    keeps_off = false;
}
END_TEST

START_TEST(suspending_survives_every_failure)
{
    fail_each(suspending_program, 1U << 20, 10);
    fail_each(suspending_program, 3, 10);
}
END_TEST

START_TEST(recording_pairs_survives_every_failure)
{
    fail_each(recording_program, 0, 30);
}
END_TEST

START_TEST(going_over_to_pairs_survives_every_failure)
{
    for (size_t room = 1; room < 200; room += 40) {
        fail_each(recording_program, room, 30);
    }
}
END_TEST

START_TEST(reading_survives_every_failure)
{
    fail_each(reading_program, 1U << 20, 10);
    fail_each(reading_program, 50, 10);
    fail_each(reading_program, 0, 10);
}
END_TEST

RUN_SUITE("oom", recording_a_tree_survives_every_failure,
          recording_what_is_off_the_cpu_survives_every_failure,
          suspending_survives_every_failure, recording_pairs_survives_every_failure,
          going_over_to_pairs_survives_every_failure, reading_survives_every_failure)
