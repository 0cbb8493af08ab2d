/* Recorders share nothing: each thread writes its own while the others write theirs.
 * What that proves, ThreadSanitizer sees (`make sanitize`); without it, the figures
 * must at least be those of one thread alone.
 */
#include "clock.h"
#include "support.h"

#include <pthread.h>

#define THREADS 8
#define ROUNDS 2000

typedef struct {
    pthread_t thread;
    fp_budget budget;
    fp_recorder recorder;
    const fp_clock *clock;
    bool in_order; /* the clock never went back */
} worker;

/* MAIN calls HELPER, which calls one of the others, which calls itself. */
static void
record(fp_recorder *recorder, fp_ticks *now)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        const fp_key other = &keys[3 + round % (KEY_COUNT - 3)];
        const fp_key called[] = {MAIN, HELPER, other, other};

        for (unsigned depth = 0; depth < 4; depth++) {
            fp_recorder_enter(recorder, called[depth], frame(depth + 1), ++*now);
        }
        for (unsigned depth = 4; depth > 0; depth--) {
            fp_recorder_leave(recorder, frame(depth), ++*now, round % 2 == 0);
        }
    }
}

static void *
work(void *argument)
{
    worker *self = argument;
    fp_ticks now = 0, before = fp_clock_now(self->clock);

    record(&self->recorder, &now);
    self->in_order = fp_clock_now(self->clock) >= before;
    return NULL;
}

static void
expect_rounds(const fp_stats *stats, int64_t rounds)
{
    int64_t others = 0;

    ck_assert_int_eq(stats->functions[number_of(MAIN)].calls, rounds);
    ck_assert_int_eq(stats->functions[number_of(MAIN)].total_ticks, 7 * rounds);
    ck_assert_int_eq(stats->functions[number_of(HELPER)].own_ticks, 2 * rounds);
    for (unsigned number = 3; number < KEY_COUNT; number++) {
        const fp_sum *sum = &stats->functions[number];
        ck_assert_int_eq(sum->calls, 2 * sum->recursive);
        ck_assert_int_eq(sum->own_ticks, sum->total_ticks);
        others += sum->calls;
    }
    ck_assert_int_eq(others, 2 * rounds);
}

/* `nodes`: the room of each tree; where it is too small, pairs are recorded. */
static void
run_threads(size_t nodes)
{
    static worker workers[THREADS];
    fp_snapshot snapshot = {0};
    fp_clock clock;
    fp_stats stats;

    ck_assert_int_eq(fp_clock_init(&clock, NULL), FP_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        worker *one = &workers[i];
        *one = (worker){.budget.nodes_left = nodes, .clock = &clock};
        ck_assert_int_eq(fp_recorder_init(&one->recorder, &one->budget), FP_OK);
        ck_assert_int_eq(pthread_create(&one->thread, NULL, work, one), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        worker *one = &workers[i];
        ck_assert_int_eq(pthread_join(one->thread, NULL), 0);
        ck_assert(one->in_order);
        ck_assert_int_eq(
            fp_snapshot_add(&snapshot, &one->recorder, i, 8 * ROUNDS, numbering),
            FP_OK);
        stats = stats_of_recorder(&one->recorder, 8 * ROUNDS);
        expect_rounds(&stats, ROUNDS);
        fp_stats_free(&stats);
        fp_recorder_free(&one->recorder);
    }
    ck_assert_int_eq(fp_stats_build(&stats, &snapshot, KEY_COUNT, NULL, false), FP_OK);
    expect_rounds(&stats, THREADS * ROUNDS);
    fp_stats_free(&stats);
    fp_snapshot_free(&snapshot);
}

START_TEST(trees_are_each_threads_own)
{
    run_threads(1000);
}
END_TEST

START_TEST(pairs_are_each_threads_own)
{
    run_threads(3);
}
END_TEST

RUN_SUITE("threads", trees_are_each_threads_own, pairs_are_each_threads_own)
