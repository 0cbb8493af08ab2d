#include "correction.h"
#include "figures.h"
#include "support.h"

static fp_budget budget;
static fp_recorder recorder;

/* MAIN and HELPER are Python functions, OTHER is a generator, LEAF a C function. */
#define APPEND (&keys[4])
#define COLLECTION (&keys[5])

static const unsigned char kinds[KEY_COUNT] = {
    [2] = FP_KIND_GENERATOR,
    [3] = FP_KIND_C,
    [4] = FP_KIND_APPEND,
    [5] = FP_KIND_COLLECTION,
};

static const fp_costs costs = {
    .returned = {{10.0, 20.0, 1.0}, {5.0, 15.0, 1.0}, {7.0, 8.0, 0.0}, {9.0, 1.0, 0.0}},
    .raised = {{100.0, 200.0, 2.0},
               {50.0, 150.0, 2.0},
               {70.0, 80.0, 0.0},
               {90.0, 10.0, 0.0}},
    .append = {30.0, 40.0, 0.0},
    .aside = {0.0, 3.0, 0.0},
    .pace = 1.0,
};

static void
set_up(void)
{
    budget.nodes_left = 1000;
    ck_assert_int_eq(fp_recorder_init(&recorder, &budget), FP_OK);
}

static void
call(fp_key key, unsigned number, fp_ticks from, fp_ticks until, bool raised)
{
    fp_recorder_enter(&recorder, key, frame(number), from);
    fp_recorder_leave(&recorder, frame(number), until, raised);
}

/* The stats of what was recorded; the recorder is gone. */
static fp_stats
corrected_by(fp_correction correction)
{
    fp_snapshot snapshot = {0};
    fp_stats stats;

    correction.kinds = kinds;
    correction.function_count = KEY_COUNT;
    ck_assert_int_eq(fp_snapshot_add(&snapshot, &recorder, 1, 0, numbering), FP_OK);
    fp_recorder_free(&recorder);
    ck_assert_int_eq(fp_stats_build(&stats, &snapshot, KEY_COUNT, &correction, false),
                     FP_OK);
    fp_snapshot_free(&snapshot);
    return stats;
}

static fp_stats
corrected(const fp_costs *with)
{
    return corrected_by((fp_correction){.costs = with});
}

static void
assert_times(const fp_stats *stats, fp_key key, fp_ticks own, fp_ticks total)
{
    ck_assert_int_eq(stats->functions[number_of(key)].own_ticks, own);
    ck_assert_int_eq(stats->functions[number_of(key)].total_ticks, total);
}

START_TEST(a_call_costs_its_caller_and_itself)
{
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    call(HELPER, 2, 100, 200, false);
    call(LEAF, 3, 300, 400, false);
    call(OTHER, 4, 500, 600, false);
    fp_recorder_leave(&recorder, frame(1), 1000, false);
    stats = corrected(&costs);
    assert_times(&stats, HELPER, 90, 90);
    assert_times(&stats, LEAF, 93, 93);
    assert_times(&stats, OTHER, 90, 90); /* a generator starts as a function does */
    /* 700 of its own, less its own 10 and what is outside of the others. */
    assert_times(&stats, MAIN, 700 - 10 - 20 - 8 - 20, 642 + 90 + 93 + 90);
    ck_assert_int_eq(stats.taken[0].added, 58);
    ck_assert_int_eq(stats.clamped, 0);
    fp_stats_free(&stats);
}
END_TEST

START_TEST(a_resume_has_a_cost_of_its_own)
{
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    fp_recorder_enter(&recorder, OTHER, frame(2), 100);
    fp_recorder_suspend(&recorder, frame(2), 200);
    fp_recorder_leave(&recorder, frame(2), 200, false);
    for (fp_ticks now = 300; now < 600; now += 100) {
        fp_recorder_enter(&recorder, OTHER, frame(2), now);
        fp_recorder_resume(&recorder, frame(2), now);
        fp_recorder_suspend(&recorder, frame(2), now + 50);
        fp_recorder_leave(&recorder, frame(2), now + 50, false);
    }
    fp_recorder_leave(&recorder, frame(1), 1000, false);
    stats = corrected(&costs);
    assert_times(&stats, OTHER, 250 - 10 - 3 * 5, 225);
    assert_times(&stats, MAIN, 750 - 10 - 20 - 3 * 15, 675 + 225);
    fp_stats_free(&stats);
}
END_TEST

START_TEST(what_the_interpreter_does_itself_has_a_cost_of_its_own)
{
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    call(APPEND, 2, 100, 200, false);
    fp_recorder_leave(&recorder, frame(1), 1000, false);
    stats = corrected(&costs);
    assert_times(&stats, APPEND, 100 - 30, 70);
    assert_times(&stats, MAIN, 900 - 10 - 40, 850 + 70);
    fp_stats_free(&stats);
}
END_TEST

START_TEST(a_call_that_raises_has_a_cost_of_its_own)
{
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    call(HELPER, 2, 100, 300, true);
    call(HELPER, 3, 400, 500, false);
    fp_recorder_leave(&recorder, frame(1), 1000, false);
    stats = corrected(&costs);
    assert_times(&stats, HELPER, 300 - 100 - 10, 190);
    assert_times(&stats, MAIN, 700 - 10 - 200 - 20, 470 + 190);
    fp_stats_free(&stats);
}
END_TEST

START_TEST(asides_cost_whoever_has_them)
{
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    fp_recorder_enter(&recorder, HELPER, frame(2), 100);
    fp_recorder_aside(&recorder, 1);
    fp_recorder_aside(&recorder, 2);
    fp_recorder_leave(&recorder, frame(2), 200, false);
    fp_recorder_leave(&recorder, frame(1), 1000, false);
    stats = corrected(&costs);
    assert_times(&stats, HELPER, 100 - 10 - 3 * 3, 81);
    assert_times(&stats, MAIN, 900 - 10 - 20, 870 + 81);
    fp_stats_free(&stats);
}
END_TEST

START_TEST(asides_stop_at_the_largest_number)
{
    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    recorder.top->node->asides = UINT32_MAX - 3;
    for (int i = 0; i < 5; i++) {
        fp_recorder_aside(&recorder, 2);
    }
    ck_assert_uint_ge(recorder.top->node->asides, UINT32_MAX - 3);
    fp_recorder_free(&recorder);
}
END_TEST

START_TEST(asides_outside_of_the_tree_are_nobodys)
{
    fp_stats stats;

    budget.nodes_left = 1;
    ck_assert_int_eq(fp_recorder_init(&recorder, &budget), FP_OK);
    fp_recorder_aside(&recorder, 1); /* where no call is open */
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    fp_recorder_enter(&recorder, HELPER, frame(2), 100);
    ck_assert_ptr_nonnull(recorder.pairs);
    fp_recorder_aside(&recorder, 1);
    fp_recorder_leave(&recorder, frame(2), 200, false);
    fp_recorder_leave(&recorder, frame(1), 1000, false);
    stats = corrected(&costs);
    ck_assert_int_eq(stats.functions[number_of(HELPER)].own_ticks, 100);
    fp_stats_free(&stats);
}
END_TEST

/* What cannot be taken from a function is taken from its caller, so that the total is
 * right. */
START_TEST(own_times_end_at_zero_and_the_caller_pays)
{
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    call(HELPER, 2, 100, 104, false);
    fp_recorder_leave(&recorder, frame(1), 1000, false);
    stats = corrected(&costs);
    assert_times(&stats, HELPER, 0, 0);
    assert_times(&stats, MAIN, 996 - 10 - 20 - 6, 960);
    ck_assert_int_eq(stats.taken[number_of(HELPER)].added, 4);
    ck_assert_int_eq(stats.clamped, 0);
    fp_stats_free(&stats);
}
END_TEST

START_TEST(what_nobody_can_pay_is_told)
{
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    call(HELPER, 2, 2, 6, false);
    fp_recorder_leave(&recorder, frame(1), 8, false);
    stats = corrected(&costs);
    assert_times(&stats, HELPER, 0, 0);
    assert_times(&stats, MAIN, 0, 0);
    ck_assert_int_eq(stats.clamped, 10 + 20 + 6 - 4);
    fp_stats_free(&stats);
}
END_TEST

START_TEST(hidden_calls_cost_their_visible_callers)
{
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    fp_recorder_enter(&recorder, OTHER, frame(2), 100);
    fp_recorder_hide(&recorder, FP_HIDDEN);
    call(HELPER, 3, 200, 300, false);
    fp_recorder_leave(&recorder, frame(2), 400, false);
    fp_recorder_leave(&recorder, frame(1), 1000, false);
    stats = corrected(&costs);
    assert_times(&stats, HELPER, 90, 90);
    assert_times(&stats, MAIN, 700 - 10 - 20, 670 + 90);
    ck_assert_uint_eq(stats.edge_count, 1);
    ck_assert_int_eq(stats.edges[0].sum.own_ticks, 90);
    fp_stats_free(&stats);
}
END_TEST

START_TEST(the_pace_is_that_of_python_code)
{
    fp_costs slower = costs;
    fp_stats stats;

    slower.pace = 2.0;
    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    call(LEAF, 2, 100, 200, false);
    fp_recorder_leave(&recorder, frame(1), 1018, false);
    stats = corrected(&slower);
    assert_times(&stats, LEAF, 93, 93);
    assert_times(&stats, MAIN, (918 - 10 - 8) / 2, 450 + 93);
    ck_assert_int_eq(stats.taken[0].added, 18);
    ck_assert_int_eq(stats.taken[0].error,
                     (fp_ticks)(1.0 + FP_UNSURE * (30 + 15 + 450)));
    fp_stats_free(&stats);
}
END_TEST

/* MAIN has 600 left of its own, and HELPER, called twice, 2 * 90. */
static void
assert_paced(const fp_costs *with, fp_pace of_main, fp_pace of_helper, fp_ticks left,
             fp_ticks left_to_helper)
{
    const fp_pace paces[KEY_COUNT] = {[0] = of_main, [1] = of_helper};
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    call(HELPER, 2, 100, 200, false);
    call(HELPER, 2, 300, 400, false);
    call(LEAF, 2, 500, 600, false);
    fp_recorder_leave(&recorder, frame(1), 300 + 600 + 10 + 2 * 20 + 8, false);
    stats = corrected_by((fp_correction){.costs = with, .paces = paces});
    assert_times(&stats, LEAF, 93, 93);
    assert_times(&stats, HELPER, left_to_helper, left_to_helper);
    assert_times(&stats, MAIN, left, left + 93 + left_to_helper);
    fp_stats_free(&stats);
}

START_TEST(each_function_has_the_pace_of_its_instructions)
{
    const fp_pace loop = {.lost = 30.0, .taken = 10.0, .repeats = true};
    const fp_pace once = {.lost = 30.0, .taken = 10.0};
    const fp_pace little = {.lost = 1.0, .taken = 0.5};
    fp_costs slower = costs;

    slower.pace = 2.0;
    assert_paced(&slower, loop, once, 300, 90); /* nothing is known of instructions */
    slower.lost = 2.0;
    slower.taken = 3.0;
    assert_paced(&slower, loop, loop, 200, 60);
    /* No more than 60 a call; and of 90 a third is left in any case. */
    assert_paced(&slower, once, once, 540, 60);
    assert_paced(&slower, loop, little, 200, 176);
    assert_paced(&slower, (fp_pace){0}, (fp_pace){0}, 300, 90);
}
END_TEST

/* The context in a program that calls so often; the recorder is gone. */
static double
context_of(const fp_costs *with, const unsigned *calls, size_t count)
{
    fp_correction correction = {
        .costs = with, .kinds = kinds, .function_count = KEY_COUNT};
    fp_snapshot snapshot = {0};

    set_up();
    for (size_t i = 0; i < count; i++) {
        for (unsigned j = 0; j < calls[i]; j++) {
            call(&keys[i], 1, j, j, false);
        }
    }
    ck_assert_int_eq(fp_snapshot_add(&snapshot, &recorder, 1, 0, numbering), FP_OK);
    fp_recorder_free(&recorder);
    ck_assert_int_eq(fp_correction_fit(&correction, &snapshot), FP_OK);
    fp_snapshot_free(&snapshot);
    return correction.context;
}

START_TEST(the_context_is_that_of_calls_that_go_to_many_functions)
{
    const struct {
        unsigned calls[KEY_COUNT];
        double part;
    } cases[] = {
        {{0}, 0.0},
        {{100}, 0.0},
        {{100, 100}, 0.5},
        {{100, 100, 100, 100}, 1.0},
        {{100, 100, 100, 100, 100}, 1.0},
        {{200, 100, 100}, 0.75},
        {{100, 100, 0, 0, 0, 500}, 0.5}, /* the collections are no calls */
    };
    fp_costs slower = costs;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_double_eq_tol(context_of(&costs, cases[i].calls, KEY_COUNT),
                                FP_CONTEXT * cases[i].part,
                                1e-9);
    }
    slower.pace = 2.0;
    ck_assert_double_eq(context_of(&slower, cases[3].calls, KEY_COUNT), 0.0);
}
END_TEST

START_TEST(more_is_taken_where_more_is_done_between_events)
{
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    for (fp_ticks i = 0; i < 1000; i++) {
        call(LEAF, 2, 100 * i, 100 * i + 36, false);
    }
    fp_recorder_leave(&recorder, frame(1), 100000, false);
    stats = corrected_by((fp_correction){.costs = &costs, .context = 0.4});
    ck_assert_int_eq(stats.functions[number_of(LEAF)].own_ticks,
                     (fp_ticks)((36000 - 7000) * (1.0 - 0.4 * 7000 / 36000)));
    ck_assert_int_eq(stats.functions[0].own_ticks,
                     (fp_ticks)((64000 - 8010) * (1.0 - 0.4 * 8010 / 64000)));
    fp_stats_free(&stats);
}
END_TEST

/* Of the calibration's own spread, and of the costs. */
START_TEST(errors_grow_with_the_calls)
{
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    for (unsigned i = 0; i < 100; i++) {
        call(HELPER, 2, 100 * i, 100 * i + 50, false);
    }
    fp_recorder_leave(&recorder, frame(1), 10000, false);
    stats = corrected(&costs);
    ck_assert_int_eq(stats.taken[number_of(HELPER)].error,
                     (fp_ticks)(100 * (1.0 + FP_UNSURE * 30)));
    ck_assert_int_eq(stats.taken[0].error, (fp_ticks)(101 * (1.0 + FP_UNSURE * 30)));
    fp_stats_free(&stats);
}
END_TEST

START_TEST(what_it_was_off_the_cpu_is_not_corrected)
{
    fp_costs slow = costs;
    fp_stats stats;

    slow.pace = 2.0;
    set_up();
    ck_assert_int_eq(fp_recorder_keep_off(&recorder), FP_OK);
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    fp_recorder_wait(&recorder, 600);
    fp_recorder_leave(&recorder, frame(1), 1010, false);
    stats = corrected(&slow);
    /* 410 on the CPU, less its own 10, at half the pace. */
    assert_times(&stats, MAIN, 600 + 200, 600 + 200);
    ck_assert_int_eq(stats.functions[number_of(MAIN)].own_off, 600);
    ck_assert_int_eq(stats.functions[number_of(MAIN)].total_off, 600);
    fp_stats_free(&stats);
}
END_TEST

START_TEST(a_collection_costs_nothing_itself_and_is_its_callers)
{
    fp_stats stats;

    set_up();
    fp_recorder_enter(&recorder, MAIN, frame(1), 0);
    fp_recorder_enter(&recorder, COLLECTION, frame(2), 100);
    fp_recorder_hide(&recorder, FP_FOLDED);
    call(HELPER, 3, 200, 300, false);
    fp_recorder_leave(&recorder, frame(2), 400, false);
    fp_recorder_leave(&recorder, frame(1), 1000, false);
    stats = corrected(&costs);
    assert_times(&stats, HELPER, 90, 90);
    /* 700 less its own 10, and 200 less what is outside of the helper. */
    assert_times(&stats, MAIN, 690 + 180, 690 + 180 + 90);
    ck_assert_int_eq(stats.functions[number_of(COLLECTION)].calls, 0);
    fp_stats_free(&stats);
}
END_TEST

#define MOST_OFF 50

/* A thousand turns of a function, with 30 ticks of its own and a call of each of
 * `count`, which take 70; a hundred were seen, and took 30 more for each call. */
static fp_figures *
estimated(size_t count)
{
    static const unsigned char python[MOST_OFF + 1] = {FP_KIND_PYTHON};
    const fp_correction correction = {
        .costs = &costs, .kinds = python, .function_count = count + 1};
    const fp_ticks calls = (fp_ticks)count;
    fp_path paths[MOST_OFF + 2] = {{.calls = 0}};
    const fp_thread_record thread = {.paths = paths, .path_count = count + 2};
    int64_t clamped = 0;
    fp_figures *figures;

    paths[1] =
        (fp_path){.calls = 1,
                  .inclusive_ticks = 10 + 1000 * (30 + 70 * calls) + 100 * 30 * calls};
    for (size_t i = 2; i < count + 2; i++) {
        paths[i] = (fp_path){.parent = 1,
                             .function = (uint32_t)i - 1,
                             .calls = 100,
                             .inclusive_ticks = 100 * 80,
                             .was_off = true,
                             .unseen_ticks = 900 * (30 + 70 * calls)};
    }
    figures = fp_figures_of(&thread, &correction, false, &clamped);
    ck_assert_ptr_nonnull(figures);
    ck_assert_int_eq(figures[1].usage.total, 1000 * (30 + 70 * calls));
    return figures;
}

START_TEST(what_was_seen_of_a_reference_is_taken_as_its_calls_are)
{
    fp_figures *figures = estimated(1);

    ck_assert_int_ge(figures[2].usage.own, 69700);
    ck_assert_int_le(figures[2].usage.own, 70300);
    ck_assert_int_ge(figures[1].usage.own, 29700);
    ck_assert_int_le(figures[1].usage.own, 30300);
    fp_free(figures);
}
END_TEST

START_TEST(the_more_functions_were_off_the_more_calls_there_were)
{
    fp_figures *figures = estimated(1);

    ck_assert_int_ge(fp_estimated(&figures[2], 100), 1000);
    ck_assert_int_le(fp_estimated(&figures[2], 100), 1020);
    fp_free(figures);
    figures = estimated(MOST_OFF);
    /* 1 + 0.4 * (1 - exp(-50 / 20)) times the costs are taken. */
    ck_assert_int_ge(fp_estimated(&figures[2], 100), 1150);
    ck_assert_int_le(fp_estimated(&figures[2], 100), 1220);
    ck_assert_int_ge(figures[2].usage.own, 69700);
    ck_assert_int_le(figures[2].usage.own, 70300);
    fp_free(figures);
}
END_TEST

RUN_SUITE("correction", a_call_costs_its_caller_and_itself,
          a_resume_has_a_cost_of_its_own,
          what_the_interpreter_does_itself_has_a_cost_of_its_own,
          a_call_that_raises_has_a_cost_of_its_own, asides_cost_whoever_has_them,
          asides_stop_at_the_largest_number, asides_outside_of_the_tree_are_nobodys,
          own_times_end_at_zero_and_the_caller_pays, what_nobody_can_pay_is_told,
          hidden_calls_cost_their_visible_callers, the_pace_is_that_of_python_code,
          each_function_has_the_pace_of_its_instructions,
          the_context_is_that_of_calls_that_go_to_many_functions,
          more_is_taken_where_more_is_done_between_events, errors_grow_with_the_calls,
          what_it_was_off_the_cpu_is_not_corrected,
          a_collection_costs_nothing_itself_and_is_its_callers,
          what_was_seen_of_a_reference_is_taken_as_its_calls_are,
          the_more_functions_were_off_the_more_calls_there_were)
