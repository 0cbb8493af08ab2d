#include "recorder.h"
#include "support.h"

static fp_clock clock_here;
static fp_ticks takes; /* what the work takes, next time and for ever */

static fp_ticks
work(void *context)
{
    ck_assert_ptr_eq(context, &takes);
    return takes;
}

static fp_processor
processor_with(fp_ticks least)
{
    takes = least;
    ck_assert_int_eq(fp_clock_init(&clock_here, NULL), FP_OK);
    return (fp_processor){
        .clock = &clock_here, .work = work, .context = &takes, .least = least};
}

static void
look(fp_slowness *slowness, fp_ticks took)
{
    takes = took;
    ck_assert_int_ge(fp_slowness_look(slowness), 0);
}

START_TEST(the_least_is_kept)
{
    fp_processor processor = processor_with(0);

    takes = 300;
    ck_assert_int_eq(fp_processor_look(&processor), 300);
    takes = 200;
    ck_assert_int_eq(fp_processor_look(&processor), 200);
    takes = 250;
    ck_assert_int_eq(fp_processor_look(&processor), 250);
    ck_assert_int_eq(processor.least, 200);
    takes = 0; /* it could not be done */
    ck_assert_int_eq(fp_processor_look(&processor), 0);
    ck_assert_int_eq(processor.least, 200);
}
END_TEST

START_TEST(the_ratio_is_how_much_longer_events_take)
{
    const fp_processor processor = processor_with(100);
    const double slower = fp_processor_ratio(&processor, 100.0, 150.0);

    ck_assert_double_gt(slower, 1.45);
    ck_assert_double_lt(slower, 1.75);
    ck_assert_double_eq_tol(
        fp_processor_ratio(&processor, 150.0, 100.0), 1.0 / slower, 1e-9);
    ck_assert_double_eq_tol(fp_processor_ratio(&processor, 150.0, 200.0) * slower,
                            fp_processor_ratio(&processor, 100.0, 200.0),
                            1e-9);
}
END_TEST

START_TEST(what_is_not_known_or_not_apart_is_no_ratio)
{
    const fp_processor processor = processor_with(100), never = {0};

    ck_assert_double_eq(fp_processor_ratio(&processor, 100.0, 104.0), 1.0);
    ck_assert_double_eq(fp_processor_ratio(&processor, 0.0, 150.0), 1.0);
    ck_assert_double_eq(fp_processor_ratio(&processor, 150.0, 0.0), 1.0);
    ck_assert_double_eq(fp_processor_ratio(&never, 100.0, 150.0), 1.0);
    ck_assert_double_eq(fp_processor_ratio(&processor, 100.0, 1e9), 3.0);
    ck_assert_double_eq(fp_processor_ratio(&processor, 1e9, 100.0), 1.0 / 3.0);
}
END_TEST

START_TEST(looks_that_agree_are_believed)
{
    fp_processor processor = processor_with(100);
    fp_slowness slowness = {.processor = &processor};

    ck_assert_double_eq(fp_slowness_of(&slowness), 0.0);
    look(&slowness, 170);
    ck_assert_double_eq(fp_slowness_of(&slowness), 0.0); /* one says nothing */
    look(&slowness, 170);
    ck_assert_double_eq_tol(fp_slowness_of(&slowness), 170.0, 1e-3);
}
END_TEST

START_TEST(a_few_looks_may_have_met_a_disturbance)
{
    fp_processor processor = processor_with(100);
    fp_slowness slowness = {.processor = &processor};

    look(&slowness, 100);
    look(&slowness, 100);
    look(&slowness, 170);
    ck_assert_double_lt(fp_slowness_of(&slowness), 110.0); /* the mean is 116 */
    for (int i = 0; i < 300; i++) { /* a third of the time is surely slower */
        look(&slowness, i % 3 == 0 ? 170 : 100);
    }
    ck_assert_double_gt(fp_slowness_of(&slowness), 112.0);
    ck_assert_double_lt(fp_slowness_of(&slowness), 116.0);
}
END_TEST

START_TEST(a_look_that_failed_counts_for_nothing)
{
    fp_processor processor = processor_with(100);
    fp_slowness slowness = {.processor = &processor};

    look(&slowness, 150);
    look(&slowness, 0);
    look(&slowness, 150);
    ck_assert_double_eq_tol(fp_slowness_of(&slowness), 150.0, 1e-3);
}
END_TEST

/* ---- while calls are recorded ---- */

static void
call(fp_recorder *recorder, fp_ticks now, fp_ticks ticks)
{
    fp_recorder_enter(recorder, MAIN, frame(1), now);
    fp_recorder_leave(recorder, frame(1), now + ticks, false);
}

START_TEST(looks_come_at_intervals)
{
    fp_budget budget = {.nodes_left = 10};
    fp_processor processor = processor_with(100);
    fp_slowness slowness = {.processor = &processor};
    fp_recorder recorder, other;
    fp_ticks now;

    ck_assert_int_eq(fp_recorder_init(&recorder, &budget), FP_OK);
    ck_assert_int_eq(fp_recorder_init(&other, &budget), FP_OK);
    recorder.slowness = other.slowness = &slowness;
    look(&slowness, 100);
    now = slowness.looked_at;
    for (int i = 0; i < 3; i++) { /* the last is not long ago */
        call(&recorder, now, 5);
    }
    ck_assert_double_eq(slowness.looks, 1.0);
    ck_assert_int_eq(recorder.lost_ticks, 0);
    call(&recorder, now + FP_LOOK_EVERY - 5, 5);
    ck_assert_double_eq(slowness.looks, 1.0);
    call(&recorder, now + FP_LOOK_EVERY - 4, 5); /* however short it is */
    ck_assert_double_eq(slowness.looks, 2.0);
    ck_assert_int_gt(recorder.lost_ticks, 0); /* nobody's time */
    now = slowness.looked_at;
    call(&recorder, now + FP_LOOK_EVERY - 5, 5);
    ck_assert_double_eq(slowness.looks, 2.0);
    call(&other, now, 5); /* one thread looks for all, */
    call(&other, now + FP_LOOK_EVERY - 4, 5);
    ck_assert_double_eq(slowness.looks, 3.0);
    now = slowness.looked_at;
    call(&recorder, now, 5); /* and then the others need not */
    ck_assert_double_eq(slowness.looks, 3.0);
    call(&recorder, now + FP_LOOK_EVERY - 4, 5);
    ck_assert_double_eq(slowness.looks, 4.0);

    recorder.slowness = NULL;
    call(&recorder, now + 4 * FP_LOOK_EVERY, 5);
    ck_assert_double_eq(slowness.looks, 4.0);
    fp_recorder_free(&other);
    fp_recorder_free(&recorder);
}
END_TEST

START_TEST(nothing_is_lost_while_calls_are_closed)
{
    fp_budget budget = {.nodes_left = 10};
    fp_processor processor = processor_with(100);
    fp_slowness slowness = {.processor = &processor};
    fp_recorder recorder;
    fp_ticks now;

    ck_assert_int_eq(fp_recorder_init(&recorder, &budget), FP_OK);
    recorder.slowness = &slowness;
    look(&slowness, 100);
    now = slowness.looked_at;
    fp_recorder_enter(&recorder, MAIN, frame(1), now);
    fp_recorder_enter(&recorder, HELPER, frame(2), now + FP_LOOK_EVERY);
    fp_recorder_enter(&recorder, LEAF, frame(3), now + FP_LOOK_EVERY);
    fp_recorder_close(&recorder, now + FP_LOOK_EVERY + 1);
    ck_assert_double_eq(slowness.looks, 1.0);
    ck_assert_int_eq(recorder.lost_ticks, 0);
    ck_assert_int_eq(recorder.clamped, 0);
    fp_recorder_free(&recorder);
}
END_TEST

START_TEST(where_the_processor_is_slow_there_are_fewer_events)
{
    fp_processor processor = processor_with(100);
    fp_slowness slowness = {.processor = &processor};

    for (int i = 0; i < 300; i++) { /* a tenth of the time, a hundredth of them */
        look(&slowness, i % 10 == 0 ? 1000 : 100);
    }
    ck_assert_double_gt(fp_slowness_of(&slowness), 105.0);
    ck_assert_double_lt(fp_slowness_of(&slowness), 110.0);
}
END_TEST

RUN_SUITE("slowness", the_least_is_kept, the_ratio_is_how_much_longer_events_take,
          what_is_not_known_or_not_apart_is_no_ratio, looks_that_agree_are_believed,
          a_few_looks_may_have_met_a_disturbance, a_look_that_failed_counts_for_nothing,
          where_the_processor_is_slow_there_are_fewer_events, looks_come_at_intervals,
          nothing_is_lost_while_calls_are_closed)
