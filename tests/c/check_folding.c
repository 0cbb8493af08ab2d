#include "alloc.h"
#include "folding.h"
#include "support.h"

#define COST 10.0
#define DISPATCHER (&keys[4])

static fp_budget budget;
static fp_recorder recorder;
static fp_folding folding;
static fp_ticks now;
static unsigned frames;

static void
start(void)
{
    budget.nodes_left = 1000;
    now = 0;
    frames = 0;
    folding = (fp_folding){.costs = {.python = COST, .c = COST}};
    ck_assert_int_eq(fp_recorder_init(&recorder, &budget), FP_OK);
}

static void
finish(void)
{
    fp_folding_free(&folding);
    fp_recorder_free(&recorder);
}

/* Enters a call, unless its node says that it is off; false: it is. */
static bool
enter(fp_key key, bool is_python)
{
    const fp_status status = fp_recorder_enter(&recorder, key, frame(++frames), now);

    ck_assert_int_ge(status, 0);
    if (status == FP_ADDED && is_python) {
        fp_recorder_mark_python(&recorder, false);
    }
    if (recorder.top->node->is_off) {
        fp_recorder_retract(&recorder, now);
        return false;
    }
    return true;
}

static void
leave(void)
{
    ck_assert_int_eq(
        fp_recorder_leave(&recorder, fp_recorder_current(&recorder), now, false),
        FP_OK);
}

/* A call that takes so long. */
static void
call(fp_key key, bool is_python, fp_ticks ticks)
{
    const bool is_on = enter(key, is_python);

    now += ticks;
    if (is_on) {
        leave();
    }
}

/* HELPER, which calls a leaf in Python and one in C, again and again. What a folded
 * function calls is not told of here. */
static void
work(int times)
{
    for (int i = 0; i < times; i++) {
        if (!enter(HELPER, true)) {
            now += 108;
            continue;
        }
        call(LEAF, true, 5);
        call(OTHER, false, 3);
        now += 100;
        leave();
    }
}

static void
survey(void)
{
    fp_folding_begin_survey(&folding, now);
    ck_assert_int_eq(fp_folding_survey(&folding, &recorder, now), FP_OK);
    fp_folding_end_survey(&folding);
}

static void
fold(double most)
{
    survey();
    ck_assert_int_eq(fp_folding_fold(&folding, most), FP_OK);
    fp_folding_mark(&recorder);
}

static void
let_back_in(void)
{
    survey();
    fp_folding_unfold(&folding);
    fp_folding_mark(&recorder);
}

START_TEST(nothing_is_folded_where_it_costs_little)
{
    start();
    enter(MAIN, true);
    work(100);
    survey();
    ck_assert_double_eq(fp_folding_cost(&folding), 300 * COST);
    ck_assert_int_eq(fp_folding_fold(&folding, 300 * COST), FP_OK);
    ck_assert(!fp_folding_has_function(&folding, LEAF));
    ck_assert(!fp_folding_has_call(&folding, HELPER, OTHER));
    finish();
}
END_TEST

START_TEST(what_takes_least_per_call_goes_first)
{
    start();
    enter(MAIN, true);
    work(100);
    fold(250 * COST); /* the C function, at 3 ticks a call */
    ck_assert(fp_folding_has_call(&folding, HELPER, OTHER));
    ck_assert(!fp_folding_has_function(&folding, LEAF));
    work(100);
    fold(150 * COST); /* the leaf, at 5 */
    ck_assert(fp_folding_has_function(&folding, LEAF));
    ck_assert(!fp_folding_has_function(&folding, HELPER));
    finish();
}
END_TEST

START_TEST(a_folded_function_takes_its_calls_in_c_along)
{
    start();
    enter(MAIN, true);
    work(100);
    fold(0.0);
    ck_assert(fp_folding_has_function(&folding, HELPER));
    ck_assert(fp_folding_has_call(&folding, HELPER, OTHER));
    ck_assert(!fp_folding_has_function(&folding, MAIN)); /* it was called once */
    finish();
}
END_TEST

START_TEST(what_is_off_is_estimated_by_its_callers_time)
{
    fp_stats stats;

    start();
    enter(MAIN, true);
    work(100);
    fold(0.0);
    work(300); /* four times as much in all, three of which unseen */
    survey();
    leave();
    stats = stats_of_recorder(&recorder, now);
    ck_assert_int_eq(stats.functions[number_of(MAIN)].calls, 1);
    ck_assert_int_eq(stats.functions[number_of(MAIN)].total_ticks, 400 * 108);
    ck_assert_int_eq(stats.functions[number_of(HELPER)].calls, 400);
    ck_assert_int_eq(stats.functions[number_of(HELPER)].own_ticks, 400 * 100);
    ck_assert_int_eq(stats.functions[number_of(LEAF)].calls, 400);
    ck_assert_int_eq(stats.functions[number_of(OTHER)].own_ticks, 400 * 3);
    ck_assert_int_le(stats.functions[number_of(MAIN)].own_ticks, 2); /* rounded */
    fp_stats_free(&stats);
    finish();
}
END_TEST

/* Within a part in a hundred. */
static void
assert_near(int64_t is, int64_t wanted)
{
    ck_assert_int_ge(is, wanted - wanted / 100 - 1);
    ck_assert_int_le(is, wanted + wanted / 100 + 1);
}

START_TEST(what_passed_unseen_in_a_folded_function_is_not_its_own)
{
    fp_stats stats;

    start();
    enter(MAIN, true);
    work(100);
    fold(1000.0);
    ck_assert(fp_folding_has_function(&folding, LEAF));
    ck_assert(!fp_folding_has_function(&folding, HELPER));
    work(100); /* what it calls is in its own time, */
    fold(0.0);
    work(200); /* and all of that in the time of its caller */
    survey();
    leave();
    stats = stats_of_recorder(&recorder, now);
    assert_near(stats.functions[number_of(HELPER)].calls, 400);
    assert_near(stats.functions[number_of(HELPER)].own_ticks, 400 * 100);
    assert_near(stats.functions[number_of(LEAF)].calls, 400);
    assert_near(stats.functions[number_of(LEAF)].own_ticks, 400 * 5);
    assert_near(stats.functions[number_of(OTHER)].own_ticks, 400 * 3);
    ck_assert_int_le(stats.functions[number_of(MAIN)].own_ticks, 400);
    fp_stats_free(&stats);
    finish();
}
END_TEST

/* DISPATCHER, which is folded, calls HELPER now and then, which is not. */
static void
dispatch(int times)
{
    for (int i = 0; i < times; i++) {
        const bool is_on = enter(DISPATCHER, true);

        now += 10;
        if (i % 4 == 0) {
            call(HELPER, true, 1000);
        }
        if (is_on) {
            leave();
        }
    }
}

START_TEST(what_a_folded_function_calls_counts_once)
{
    fp_stats stats;

    start();
    enter(MAIN, true);
    dispatch(100);
    fold(30 * COST);
    ck_assert(fp_folding_has_function(&folding, DISPATCHER));
    ck_assert(!fp_folding_has_function(&folding, HELPER));
    dispatch(100); /* HELPER is called by MAIN now */
    fold(10 * COST);
    ck_assert(fp_folding_has_function(&folding, HELPER));
    dispatch(200);
    let_back_in();
    dispatch(100);
    survey();
    leave();
    stats = stats_of_recorder(&recorder, now);
    assert_near(stats.functions[number_of(DISPATCHER)].calls, 500);
    assert_near(stats.functions[number_of(DISPATCHER)].total_ticks, 125 * 1040);
    assert_near(stats.functions[number_of(DISPATCHER)].own_ticks, 500 * 10);
    assert_near(stats.functions[number_of(HELPER)].calls, 125);
    assert_near(stats.functions[number_of(HELPER)].total_ticks, 125 * 1000);
    ck_assert_int_le(stats.functions[number_of(MAIN)].own_ticks, 125 * 1040 / 100);
    fp_stats_free(&stats);
    finish();
}
END_TEST

/* LEAF, by the dispatcher and by the caller itself. */
static void
work_both_ways(int times)
{
    for (int i = 0; i < times; i++) {
        const bool is_on = enter(DISPATCHER, true);

        call(LEAF, true, 80);
        now += 40;
        if (is_on) {
            leave();
        }
        call(LEAF, true, 10);
    }
}

START_TEST(a_path_may_come_to_a_reference_that_others_have)
{
    fp_stats stats;

    start();
    enter(MAIN, true);
    work_both_ways(100);
    fold(100 * COST);
    ck_assert(fp_folding_has_function(&folding, LEAF));
    ck_assert(!fp_folding_has_function(&folding, DISPATCHER));
    work_both_ways(100);
    fold(0.0); /* the dispatcher too: all its calls of LEAF are MAIN's now */
    ck_assert(fp_folding_has_function(&folding, DISPATCHER));
    work_both_ways(200);
    let_back_in();
    work_both_ways(100);
    survey();
    leave();
    stats = stats_of_recorder(&recorder, now);
    assert_near(stats.functions[number_of(LEAF)].calls, 1000);
    assert_near(stats.functions[number_of(DISPATCHER)].calls, 500);
    fp_stats_free(&stats);
    finish();
}
END_TEST

START_TEST(a_recursion_is_estimated_by_its_outermost_calls_time)
{
    fp_stats stats;

    start();
    enter(MAIN, true);
    enter(HELPER, true);
    for (int i = 0; i < 400; i++) {
        if (i == 100) {
            fold(0.0);
            ck_assert(fp_folding_has_function(&folding, HELPER));
        }
        if (enter(HELPER, true)) {
            call(HELPER, true, 90);
            now += 10;
            leave();
        } else {
            now += 100;
        }
    }
    survey();
    leave();
    leave();
    stats = stats_of_recorder(&recorder, now);
    /* One, which was seen from its begin to its end, and two within it 400 times. */
    assert_near(stats.functions[number_of(HELPER)].calls, 1 + 2 * 400);
    ck_assert_int_eq(stats.functions[number_of(HELPER)].total_ticks, 400 * 100);
    fp_stats_free(&stats);
    finish();
}
END_TEST

START_TEST(what_is_let_back_in_is_recorded_again)
{
    fp_stats stats;

    start();
    enter(MAIN, true);
    work(100);
    fold(0.0);
    work(200);
    let_back_in();
    ck_assert(!fp_folding_has_function(&folding, LEAF));
    work(100);
    leave();
    survey();
    stats = stats_of_recorder(&recorder, now);
    ck_assert_int_eq(stats.functions[number_of(LEAF)].calls, 400);
    fp_stats_free(&stats);
    finish();
}
END_TEST

START_TEST(surveys_survive_every_failure)
{
    fp_status status = FP_NOMEM;

    for (unsigned long nth = 1; status != FP_OK; nth++) {
        start();
        enter(MAIN, true);
        work(100);
        fail_allocations_from(nth);
        fp_folding_begin_survey(&folding, now);
        status = fp_folding_survey(&folding, &recorder, now);
        if (status == FP_OK) {
            fp_folding_end_survey(&folding);
            status = fp_folding_fold(&folding, 0.0);
        }
        if (status == FP_OK) { /* what is off has references now */
            fp_folding_begin_survey(&folding, now);
            status = fp_folding_survey(&folding, &recorder, now);
        }
        fail_allocations_from(0);
        fp_folding_mark(&recorder);
        work(10);
        finish();
    }
    ck_assert_int_eq(live_blocks(), 0);
}
END_TEST

RUN_SUITE("folding", nothing_is_folded_where_it_costs_little,
          what_takes_least_per_call_goes_first,
          a_folded_function_takes_its_calls_in_c_along,
          what_is_off_is_estimated_by_its_callers_time,
          what_passed_unseen_in_a_folded_function_is_not_its_own,
          what_a_folded_function_calls_counts_once,
          a_path_may_come_to_a_reference_that_others_have,
          a_recursion_is_estimated_by_its_outermost_calls_time,
          what_is_let_back_in_is_recorded_again, surveys_survive_every_failure)
