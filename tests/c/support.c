#include "support.h"

#include "alloc.h"

#include <stdatomic.h>
#include <stdlib.h>

const char keys[KEY_COUNT] = {0};

static uint32_t
number_in_keys(void *context, fp_key key)
{
    (void)context;
    return number_of(key);
}

const fp_numbering numbering = {number_in_keys, NULL};

/* ---- memory: takes the place of the engine's alloc.c ---- */

/* Atomic, but no more than that: they must not put an order on what threads do. */
static atomic_long live;
static unsigned long failing_from; /* not in tests that have threads */

void
fail_allocations_from(unsigned long nth)
{
    failing_from = nth;
}

long
live_blocks(void)
{
    return live;
}

static bool
fails_now(void)
{
    if (failing_from == 0) {
        return false;
    }
    if (failing_from > 1) {
        failing_from--;
        return false;
    }
    return true;
}

void *
fp_realloc(void *block, size_t size)
{
    void *moved = fails_now() ? NULL : realloc(block, size);

    if (moved != NULL && block == NULL) {
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    }
    return moved;
}

void *
fp_alloc(size_t size)
{
    return fp_realloc(NULL, size);
}

void
fp_free(void *block)
{
    if (block != NULL) {
        atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    }
    free(block);
}

/* ---- figures ---- */

void
assert_same_sum(const fp_sum *sum, const fp_sum *expected)
{
    ck_assert_int_eq(sum->calls, expected->calls);
    ck_assert_int_eq(sum->recursive, expected->recursive);
    ck_assert_int_eq(sum->raised, expected->raised);
    ck_assert_int_eq(sum->resumes, expected->resumes);
    ck_assert_int_eq(sum->recursive_resumes, expected->recursive_resumes);
    ck_assert_int_eq(sum->suspended_ticks, expected->suspended_ticks);
    ck_assert_int_eq(sum->own_ticks, expected->own_ticks);
    ck_assert_int_eq(sum->total_ticks, expected->total_ticks);
    ck_assert_int_eq(sum->own_off, expected->own_off);
    ck_assert_int_eq(sum->total_off, expected->total_off);
}

static fp_stats
stats_of(const fp_recorder *recorder, fp_ticks now, bool collections_apart)
{
    fp_snapshot snapshot = {0};
    fp_stats stats;

    ck_assert_int_eq(fp_snapshot_add(&snapshot, recorder, 1, now, numbering), FP_OK);
    ck_assert_int_eq(
        fp_stats_build(&stats, &snapshot, KEY_COUNT, NULL, collections_apart), FP_OK);
    fp_snapshot_free(&snapshot);
    return stats;
}

fp_stats
stats_of_recorder(const fp_recorder *recorder, fp_ticks now)
{
    return stats_of(recorder, now, false);
}

fp_stats
stats_with_collections(const fp_recorder *recorder, fp_ticks now)
{
    return stats_of(recorder, now, true);
}

fp_sum
sum_of(const fp_recorder *recorder, fp_key key, fp_ticks now)
{
    fp_stats stats = stats_of_recorder(recorder, now);
    const fp_sum sum = stats.functions[number_of(key)];

    fp_stats_free(&stats);
    return sum;
}

fp_sum
edge_of(const fp_recorder *recorder, fp_key caller, fp_key callee, fp_ticks now)
{
    fp_stats stats = stats_of_recorder(recorder, now);
    fp_sum sum = {0};

    for (size_t i = 0; i < stats.edge_count; i++) {
        const fp_pair_total *edge = &stats.edges[i];
        if (edge->caller == number_of(caller) && edge->callee == number_of(callee)) {
            sum = edge->sum;
        }
    }
    fp_stats_free(&stats);
    return sum;
}

/* ---- running ---- */

static void
begin(void)
{
    fail_allocations_from(0);
}

static void
nothing_is_left(void)
{
    fail_allocations_from(0);
    ck_assert_int_eq(live_blocks(), 0);
}

int
run_suite(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, begin, nothing_is_left);
    tcase_set_timeout(cases, 120);
    for (size_t i = 0; i < count; i++) {
        tcase_add_test(cases, tests[i]);
    }
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
