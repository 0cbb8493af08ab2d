#include "alloc.h"
#include "codec.h"
#include "support.h"

#include <string.h>

static fp_budget budget;

/* Two threads: a tree, and one whose tree had no room for all of it. */
static fp_snapshot
sample(void)
{
    const size_t room[] = {1000, 2};
    fp_snapshot snapshot = {0};

    for (unsigned t = 0; t < 2; t++) {
        fp_recorder recorder;
        budget.nodes_left = room[t];
        ck_assert_int_eq(fp_recorder_init(&recorder, &budget), FP_OK);
        ck_assert_int_eq(fp_recorder_keep_off(&recorder), FP_OK);
        for (unsigned i = 1; i < 40; i++) {
            const fp_key key = &keys[i * 5 % KEY_COUNT];
            const fp_ticks now = 1000000 * i;
            fp_recorder_enter(&recorder, key, frame(i), now);
            if (key == OTHER) {
                fp_recorder_hide(&recorder, i < 20 ? FP_HIDDEN : FP_FOLDED);
            }
            fp_recorder_wait(&recorder, 100 * i);
            if (i % 4 == 0) {
                fp_recorder_suspend(&recorder, frame(i), now - 200 * i);
                fp_recorder_resume(&recorder, frame(i), now);
            }
            fp_recorder_aside(&recorder, i);
            if (i % 3 == 0) {
                fp_recorder_leave(&recorder, frame(i), now + 500, i % 2 == 0);
            }
        }
        ck_assert_int_eq(
            fp_snapshot_add(&snapshot, &recorder, 7 + t, 1 << 28, numbering), FP_OK);
        fp_recorder_free(&recorder);
    }
    ck_assert(snapshot.threads[1].truncated);
    snapshot.threads[0].paths[2].was_off = true;
    snapshot.threads[0].paths[3].was_off = true;
    snapshot.threads[0].paths[3].unseen_ticks = 12345;
    return snapshot;
}

static void
assert_same_thread(const fp_thread_record *a, const fp_thread_record *b)
{
    ck_assert_uint_eq(a->ident, b->ident);
    ck_assert_int_eq(a->clamped, b->clamped);
    ck_assert_int_eq(a->truncated, b->truncated);
    ck_assert_uint_eq(a->path_count, b->path_count);
    for (size_t i = 1; i < a->path_count; i++) {
        const fp_path *one = &a->paths[i], *other = &b->paths[i];
        ck_assert_uint_eq(one->parent, other->parent);
        ck_assert_uint_eq(one->function, other->function);
        ck_assert_int_eq(one->visibility, other->visibility);
        ck_assert_int_eq(one->off_ticks, other->off_ticks);
        ck_assert_int_eq(one->calls, other->calls);
        ck_assert_int_eq(one->raised, other->raised);
        ck_assert_int_eq(one->asides, other->asides);
        ck_assert_int_eq(one->resumes, other->resumes);
        ck_assert_int_eq(one->suspended_ticks, other->suspended_ticks);
        ck_assert_int_eq(one->was_off, other->was_off);
        ck_assert_int_eq(one->unseen_ticks, other->unseen_ticks);
        ck_assert_int_eq(one->inclusive_ticks, other->inclusive_ticks);
    }
    ck_assert_uint_eq(a->totals.function_count, b->totals.function_count);
    for (size_t i = 0; i < a->totals.function_count; i++) {
        ck_assert_uint_eq(a->totals.functions[i].function,
                          b->totals.functions[i].function);
        assert_same_sum(&a->totals.functions[i].sum, &b->totals.functions[i].sum);
    }
    ck_assert_uint_eq(a->totals.pair_count, b->totals.pair_count);
    for (size_t i = 0; i < a->totals.pair_count; i++) {
        ck_assert_uint_eq(a->totals.pairs[i].caller, b->totals.pairs[i].caller);
        ck_assert_uint_eq(a->totals.pairs[i].callee, b->totals.pairs[i].callee);
        assert_same_sum(&a->totals.pairs[i].sum, &b->totals.pairs[i].sum);
    }
}

START_TEST(what_is_encoded_is_decoded)
{
    fp_snapshot snapshot = sample(), decoded;
    fp_bytes encoded;

    ck_assert_int_eq(fp_snapshot_encode(&snapshot, &encoded), FP_OK);
    ck_assert_int_eq(
        fp_snapshot_decode(&decoded, encoded.bytes, encoded.size, KEY_COUNT), FP_OK);
    ck_assert_uint_eq(decoded.thread_count, snapshot.thread_count);
    for (size_t i = 0; i < snapshot.thread_count; i++) {
        assert_same_thread(&snapshot.threads[i], &decoded.threads[i]);
    }
    fp_free(encoded.bytes);
    fp_snapshot_free(&snapshot);
    fp_snapshot_free(&decoded);
}
END_TEST

START_TEST(an_empty_snapshot_survives)
{
    fp_snapshot snapshot = {0}, decoded;
    fp_bytes encoded;

    ck_assert_int_eq(fp_snapshot_encode(&snapshot, &encoded), FP_OK);
    ck_assert_int_eq(fp_snapshot_decode(&decoded, encoded.bytes, encoded.size, 0),
                     FP_OK);
    ck_assert_uint_eq(decoded.thread_count, 0);
    fp_free(encoded.bytes);
}
END_TEST

START_TEST(bytes_that_are_cut_off_are_refused)
{
    fp_snapshot snapshot = sample(), decoded;
    fp_bytes encoded;

    ck_assert_int_eq(fp_snapshot_encode(&snapshot, &encoded), FP_OK);
    for (size_t size = 0; size < encoded.size; size++) {
        /* A block of just that size, so that a sanitizer sees a read behind it. */
        uint8_t *cut = fp_alloc(size + 1);
        memcpy(cut, encoded.bytes, size);
        ck_assert_int_eq(fp_snapshot_decode(&decoded, cut, size, KEY_COUNT),
                         FP_BADDATA);
        fp_free(cut);
    }
    fp_free(encoded.bytes);
    fp_snapshot_free(&snapshot);
}
END_TEST

START_TEST(bytes_that_follow_are_refused)
{
    const uint8_t bytes[] = {0, 0};
    fp_snapshot decoded;

    ck_assert_int_eq(fp_snapshot_decode(&decoded, bytes, 2, KEY_COUNT), FP_BADDATA);
}
END_TEST

/* Whatever one byte is changed to, the result can be used or there is none. */
START_TEST(any_changed_byte_is_refused_or_harmless)
{
    fp_snapshot snapshot = sample(), decoded;
    fp_bytes encoded;
    fp_stats stats;

    ck_assert_int_eq(fp_snapshot_encode(&snapshot, &encoded), FP_OK);
    for (size_t at = 0; at < encoded.size; at++) {
        for (unsigned value = 0; value < 256; value += 5) {
            const uint8_t was = encoded.bytes[at];
            encoded.bytes[at] = (uint8_t)value;
            if (fp_snapshot_decode(&decoded, encoded.bytes, encoded.size, KEY_COUNT) ==
                FP_OK) {
                ck_assert_int_eq(
                    fp_stats_build(&stats, &decoded, KEY_COUNT, NULL, false), FP_OK);
                fp_stats_free(&stats);
                fp_snapshot_free(&decoded);
            }
            encoded.bytes[at] = was;
        }
    }
    fp_free(encoded.bytes);
    fp_snapshot_free(&snapshot);
}
END_TEST

/* One thread with one path, written by hand; then one number in it is made wrong. */
enum {
    PATH_COUNT = 4,
    DISTANCE = 5,
    FUNCTION = 6,
    CALLS = 7,
};
#define FUNCTIONS 4U /* so few that each number takes one byte */
static const uint8_t one_path[] = {1, 9, 0, 0, 2, 1, 1 << 4, 1, 0, 0, 50, 5, 0, 0};

static fp_status
decode_with(size_t at, uint8_t value)
{
    uint8_t bytes[sizeof one_path];
    fp_snapshot decoded;
    fp_status status;

    memcpy(bytes, one_path, sizeof bytes);
    bytes[at] = value;
    status = fp_snapshot_decode(&decoded, bytes, sizeof bytes, FUNCTIONS);
    if (status == FP_OK) {
        fp_snapshot_free(&decoded);
    }
    return status;
}

START_TEST(numbers_that_lead_outside_are_refused)
{
    ck_assert_int_eq(decode_with(0, 1), FP_OK);
    ck_assert_int_eq(decode_with(CALLS, 2), FP_OK);
    ck_assert_int_eq(decode_with(DISTANCE, 0), FP_BADDATA);
    ck_assert_int_eq(decode_with(DISTANCE, 2), FP_BADDATA);
    ck_assert_int_eq(decode_with(FUNCTION, FUNCTIONS << 4), FP_BADDATA);
    ck_assert_int_eq(decode_with(FUNCTION, 1 << 4 | FP_FOLDED), FP_OK);
    ck_assert_int_eq(decode_with(FUNCTION, 1 << 4 | FP_HIDDEN_WHOLE), FP_BADDATA);
    ck_assert_int_eq(decode_with(PATH_COUNT, 0), FP_BADDATA);
    ck_assert_int_eq(decode_with(PATH_COUNT, 3), FP_BADDATA);
}
END_TEST

START_TEST(a_number_of_more_than_64_bits_is_refused)
{
    const uint8_t bytes[] = {
        1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 1, 0, 0};
    fp_snapshot decoded;

    ck_assert_int_eq(fp_snapshot_decode(&decoded, bytes, sizeof bytes, KEY_COUNT),
                     FP_BADDATA);
}
END_TEST

/* Three calls of 2^62 ticks each: their sum would be too large for a figure. */
START_TEST(sums_of_figures_do_not_overflow)
{
#define TWO_TO_62 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40
#define CALL_OF_MAIN 1, 0 << 4, TWO_TO_62, 0, 0, TWO_TO_62, 0
    const uint8_t bytes[] = {1,         9,      0,         0,         4, CALL_OF_MAIN,
                             2,         0 << 4, TWO_TO_62, 0,         0, TWO_TO_62,
                             0,         3,      0 << 4,    TWO_TO_62, 0, 0,
                             TWO_TO_62, 0,      0,         0};
    fp_snapshot decoded;
    fp_stats stats;

    ck_assert_int_eq(fp_snapshot_decode(&decoded, bytes, sizeof bytes, KEY_COUNT),
                     FP_OK);
    ck_assert_int_eq(fp_stats_build(&stats, &decoded, KEY_COUNT, NULL, false), FP_OK);
    ck_assert_int_eq(stats.functions[0].calls, INT64_MAX);
    ck_assert_int_eq(stats.functions[0].own_ticks, INT64_MAX);
    ck_assert_int_eq(stats.functions[0].total_ticks, INT64_MAX);
    fp_stats_free(&stats);
    fp_snapshot_free(&decoded);
}
END_TEST

/* The largest figure comes back; what is larger is none. */
START_TEST(a_figure_has_63_bits)
{
    uint8_t bytes[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    fp_snapshot decoded;
    size_t at = 0;

    bytes[at++] = 1; /* thread */
    bytes[at++] = 9;
    bytes[at++] = 0;
    for (int i = 0; i < 8; i++) {
        bytes[at++] = 0xFF; /* clamped: 2^63 - 1 */
    }
    bytes[at++] = 0x7F;
    bytes[at++] = 1; /* the root */
    at += 2;
    ck_assert_int_eq(fp_snapshot_decode(&decoded, bytes, at, KEY_COUNT), FP_OK);
    ck_assert_int_eq(decoded.threads[0].clamped, INT64_MAX);
    fp_snapshot_free(&decoded);
    bytes[11] = 0xFF;
    bytes[12] = 1;
    bytes[13] = 1;
    ck_assert_int_eq(fp_snapshot_decode(&decoded, bytes, at + 1, KEY_COUNT),
                     FP_BADDATA);
}
END_TEST

/* From the test vectors of the algorithm's authors. */
START_TEST(the_checksum_is_fnv_1a)
{
    ck_assert_uint_eq(fp_checksum((const uint8_t *)"", 0), 0xCBF29CE484222325U);
    ck_assert_uint_eq(fp_checksum((const uint8_t *)"foobar", 6), 0x85944171F73967E8U);
}
END_TEST

RUN_SUITE("codec", what_is_encoded_is_decoded, an_empty_snapshot_survives,
          bytes_that_are_cut_off_are_refused, bytes_that_follow_are_refused,
          any_changed_byte_is_refused_or_harmless,
          numbers_that_lead_outside_are_refused,
          a_number_of_more_than_64_bits_is_refused, sums_of_figures_do_not_overflow,
          a_figure_has_63_bits, the_checksum_is_fnv_1a)
