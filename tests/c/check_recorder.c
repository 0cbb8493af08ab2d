/* Every test runs twice: with room for a tree, and with a budget so small that the
 * recorder counts by pairs. The figures must not differ.
 */
#include "recorder.h"
#include "support.h"

#define NOBODYS_TIME 1000

static fp_budget budget;
static fp_recorder recorder;
static size_t room;

static void
start(void)
{
    budget.nodes_left = room;
    ck_assert_int_eq(fp_recorder_init(&recorder, &budget), FP_OK);
}

static void
finish(void)
{
    fp_recorder_free(&recorder);
}

static void
enter(fp_key key, unsigned number, fp_ticks now)
{
    ck_assert_int_ge(fp_recorder_enter(&recorder, key, frame(number), now), 0);
}

static void
leave(unsigned number, fp_ticks now)
{
    ck_assert_int_eq(fp_recorder_leave(&recorder, frame(number), now, false), FP_OK);
}

/* `figures`: calls, recursive, own, total. */
static void
expect(fp_sum sum, const int64_t (*figures)[4])
{
    ck_assert_int_eq(sum.calls, (*figures)[0]);
    ck_assert_int_eq(sum.recursive, (*figures)[1]);
    ck_assert_int_eq(sum.own_ticks, (*figures)[2]);
    ck_assert_int_eq(sum.total_ticks, (*figures)[3]);
}

#define FIGURES(...) (&(const int64_t[4]){__VA_ARGS__})
#define EXPECT(key, ...) expect(sum_of(&recorder, key, 0), FIGURES(__VA_ARGS__))
#define EXPECT_AT(now, key, ...)                                                       \
    expect(sum_of(&recorder, key, now), FIGURES(__VA_ARGS__))
#define EXPECT_EDGE(caller, callee, ...)                                               \
    expect(edge_of(&recorder, caller, callee, 0), FIGURES(__VA_ARGS__))

/* main runs 0..100 and calls helper for 30..70 of it. */
static void
own_time_excludes_callees(void)
{
    enter(MAIN, 1, 0);
    enter(HELPER, 2, 30);
    leave(2, 70);
    leave(1, 100);
    EXPECT(MAIN, 1, 0, 60, 100);
    EXPECT(HELPER, 1, 0, 40, 40);
    EXPECT_EDGE(MAIN, HELPER, 1, 0, 40, 40);
}

/* fact(3): three calls, one of them primitive; the total is the outermost's. */
static void
recursive_calls_add_no_total(void)
{
    enter(MAIN, 1, 0);
    enter(MAIN, 2, 10);
    enter(MAIN, 3, 20);
    leave(3, 30);
    leave(2, 50);
    leave(1, 60);
    EXPECT(MAIN, 3, 2, 60, 60);
    EXPECT_EDGE(MAIN, MAIN, 2, 1, 40, 40);
}

/* main -> other -> main -> other: the second pair of each is recursive. */
static void
mutual_recursion_is_counted_for_functions_and_edges(void)
{
    enter(MAIN, 1, 0);
    enter(OTHER, 2, 10);
    enter(MAIN, 3, 20);
    enter(OTHER, 4, 30);
    leave(4, 40);
    leave(3, 50);
    leave(2, 60);
    leave(1, 70);
    EXPECT(MAIN, 2, 1, 40, 70);
    EXPECT(OTHER, 2, 1, 30, 50);
    EXPECT_EDGE(MAIN, OTHER, 2, 1, 30, 50);
    EXPECT_EDGE(OTHER, MAIN, 1, 0, 20, 30);
}

static void
leaving_a_frame_that_is_not_open_changes_nothing(void)
{
    enter(MAIN, 1, 0);
    ck_assert_int_eq(fp_recorder_leave(&recorder, frame(9), 5, false), FP_UNKNOWN);
    leave(1, 10);
    ck_assert_int_eq(fp_recorder_leave(&recorder, frame(1), 20, false), FP_UNKNOWN);
    EXPECT(MAIN, 1, 0, 10, 10);
}

/* helper's end is missed; main's ends it. */
static void
leaving_a_frame_ends_what_is_open_above_it(void)
{
    enter(MAIN, 1, 0);
    enter(HELPER, 2, 10);
    leave(1, 50);
    EXPECT(MAIN, 1, 0, 10, 50);
    EXPECT(HELPER, 1, 0, 40, 40);
}

/* helper's end is missed, and its frame is used again for the next call. */
static void
a_frame_that_is_entered_again_had_ended(void)
{
    enter(MAIN, 1, 0);
    enter(HELPER, 2, 10);
    enter(OTHER, 2, 30);
    leave(2, 40);
    leave(1, 50);
    EXPECT(HELPER, 1, 0, 20, 20);
    EXPECT(OTHER, 1, 0, 10, 10);
    EXPECT_EDGE(MAIN, OTHER, 1, 0, 10, 10);
    EXPECT(MAIN, 1, 0, 20, 50);
}

/* In recursion the frames tell the calls apart, the keys do not: the missed end of
 * the second call must not take the first one's place. */
static void
frames_pair_recursive_calls_although_an_end_is_missing(void)
{
    enter(MAIN, 1, 0);
    enter(MAIN, 2, 10);
    enter(MAIN, 3, 20);
    leave(2, 40);
    enter(HELPER, 4, 50);
    leave(4, 60);
    leave(1, 100);
    EXPECT(MAIN, 3, 2, 90, 100);
    EXPECT_EDGE(MAIN, HELPER, 1, 0, 10, 10);
}

static void
reading_while_running_counts_open_calls_and_changes_nothing(void)
{
    enter(MAIN, 1, 0);
    enter(HELPER, 2, 30);
    EXPECT_AT(50, MAIN, 1, 0, 30, 50);
    EXPECT_AT(50, HELPER, 1, 0, 20, 20);
    EXPECT_AT(60, HELPER, 1, 0, 30, 30);
    leave(2, 70);
    leave(1, 100);
    EXPECT(MAIN, 1, 0, 60, 100);
}

static void
closing_ends_all_open_calls(void)
{
    enter(MAIN, 1, 0);
    enter(HELPER, 2, 30);
    fp_recorder_close(&recorder, 50);
    ck_assert_uint_eq(fp_recorder_current(&recorder), 0);
    EXPECT_AT(999, MAIN, 1, 0, 30, 50);
    enter(MAIN, 1, 60);
    leave(1, 70);
    EXPECT(MAIN, 2, 0, 40, 60);
}

static void
lost_time_is_nobodys(void)
{
    enter(MAIN, 1, 0);
    fp_recorder_lose(&recorder, NOBODYS_TIME);
    enter(HELPER, 2, NOBODYS_TIME + 10);
    fp_recorder_lose(&recorder, NOBODYS_TIME);
    leave(2, 2 * NOBODYS_TIME + 20);
    EXPECT_AT(2 * NOBODYS_TIME + 25, MAIN, 1, 0, 15, 25);
    leave(1, 2 * NOBODYS_TIME + 30);
    EXPECT(MAIN, 1, 0, 20, 30);
    EXPECT(HELPER, 1, 0, 10, 10);
}

static void
exceptions_are_counted(void)
{
    enter(MAIN, 1, 0);
    enter(HELPER, 2, 10);
    fp_recorder_leave(&recorder, frame(2), 20, true);
    enter(HELPER, 2, 30);
    leave(2, 40);
    fp_recorder_leave(&recorder, frame(1), 50, true);
    ck_assert_int_eq(sum_of(&recorder, HELPER, 0).raised, 1);
    ck_assert_int_eq(sum_of(&recorder, MAIN, 0).raised, 1);
    ck_assert_int_eq(edge_of(&recorder, MAIN, HELPER, 0).raised, 1);
}

/* main -> (ours) -> helper, and ours takes 10 + 20 of its own. */
static void
hidden_calls_never_show(void)
{
    enter(MAIN, 1, 0);
    enter(OTHER, 2, 10);
    fp_recorder_hide(&recorder, FP_HIDDEN);
    enter(HELPER, 3, 20);
    leave(3, 50);
    leave(2, 70);
    leave(1, 80);
    EXPECT(OTHER, 0, 0, 0, 0);
    EXPECT(HELPER, 1, 0, 30, 30);
    EXPECT_EDGE(MAIN, HELPER, 1, 0, 30, 30);
    EXPECT(MAIN, 1, 0, 20, 50);
}

static void
hidden_calls_never_show_while_running(void)
{
    enter(MAIN, 1, 0);
    enter(OTHER, 2, 10);
    fp_recorder_hide(&recorder, FP_HIDDEN);
    enter(HELPER, 3, 20);
    EXPECT_AT(25, MAIN, 1, 0, 10, 15);
    EXPECT_AT(25, HELPER, 1, 0, 5, 5);
    EXPECT_AT(25, OTHER, 0, 0, 0, 0);
    fp_recorder_close(&recorder, 30);
    EXPECT(MAIN, 1, 0, 10, 20);
}

/* main -> (ours, whole) -> helper -> leaf: nothing of it shows. */
static void
what_is_hidden_whole_hides_what_it_calls(void)
{
    enter(MAIN, 1, 0);
    enter(OTHER, 2, 10);
    fp_recorder_hide(&recorder, FP_HIDDEN_WHOLE);
    enter(HELPER, 3, 20);
    enter(LEAF, 4, 25);
    EXPECT_AT(30, MAIN, 1, 0, 10, 10);
    leave(4, 40);
    leave(3, 50);
    leave(2, 70);
    enter(HELPER, 5, 75);
    leave(5, 80);
    leave(1, 85);
    EXPECT(OTHER, 0, 0, 0, 0);
    EXPECT(LEAF, 0, 0, 0, 0);
    EXPECT(HELPER, 1, 0, 5, 5);
    EXPECT_EDGE(MAIN, HELPER, 1, 0, 5, 5);
    EXPECT(MAIN, 1, 0, 20, 25);
}

static void
a_hidden_call_at_the_bottom_gives_no_caller(void)
{
    enter(OTHER, 1, 0);
    fp_recorder_hide(&recorder, FP_HIDDEN);
    enter(MAIN, 2, 10);
    leave(2, 20);
    leave(1, 30);
    EXPECT(MAIN, 1, 0, 10, 10);
    EXPECT_EDGE(OTHER, MAIN, 0, 0, 0, 0);
}

static void
time_that_runs_backwards_counts_as_none(void)
{
    enter(MAIN, 1, 100);
    leave(1, 50);
    EXPECT(MAIN, 1, 0, 0, 0);
}

/* Deeper than the first stack, so that it grows; no recursion of ours follows. */
static void
depth_has_no_limit(void)
{
    enum { DEPTH = 100000 };

    for (unsigned i = 1; i <= DEPTH; i++) {
        enter(MAIN, i, i);
    }
    for (unsigned i = DEPTH; i >= 1; i--) {
        leave(i, 2 * DEPTH - i);
    }
    EXPECT(MAIN, DEPTH, DEPTH - 1, 2 * DEPTH - 2, 2 * DEPTH - 2);
}

static void
run_with_room_for(size_t nodes, void (*program)(void))
{
    room = nodes;
    start();
    program();
    finish();
}

/* No room, room for some of the paths, room for all. */
#define IN_TREE_AND_IN_PAIRS(program)                                                  \
    START_TEST(tested_##program)                                                       \
    {                                                                                  \
        for (size_t nodes = 0; nodes < 6; nodes++) {                                   \
            run_with_room_for(nodes, program);                                         \
        }                                                                              \
        run_with_room_for(1U << 20, program);                                          \
    }                                                                                  \
    END_TEST

IN_TREE_AND_IN_PAIRS(own_time_excludes_callees)
IN_TREE_AND_IN_PAIRS(recursive_calls_add_no_total)
IN_TREE_AND_IN_PAIRS(mutual_recursion_is_counted_for_functions_and_edges)
IN_TREE_AND_IN_PAIRS(leaving_a_frame_that_is_not_open_changes_nothing)
IN_TREE_AND_IN_PAIRS(leaving_a_frame_ends_what_is_open_above_it)
IN_TREE_AND_IN_PAIRS(a_frame_that_is_entered_again_had_ended)
IN_TREE_AND_IN_PAIRS(frames_pair_recursive_calls_although_an_end_is_missing)
IN_TREE_AND_IN_PAIRS(reading_while_running_counts_open_calls_and_changes_nothing)
IN_TREE_AND_IN_PAIRS(closing_ends_all_open_calls)
IN_TREE_AND_IN_PAIRS(lost_time_is_nobodys)
IN_TREE_AND_IN_PAIRS(exceptions_are_counted)
IN_TREE_AND_IN_PAIRS(hidden_calls_never_show)
IN_TREE_AND_IN_PAIRS(hidden_calls_never_show_while_running)
IN_TREE_AND_IN_PAIRS(what_is_hidden_whole_hides_what_it_calls)
IN_TREE_AND_IN_PAIRS(a_hidden_call_at_the_bottom_gives_no_caller)
IN_TREE_AND_IN_PAIRS(time_that_runs_backwards_counts_as_none)
IN_TREE_AND_IN_PAIRS(depth_has_no_limit)

/* A timer that runs back, and a call of ours inside. */
static void
hidden_time_takes_no_more_than_there_is(void)
{
    enter(MAIN, 1, 0);
    enter(OTHER, 2, 10);
    fp_recorder_hide(&recorder, FP_HIDDEN);
    leave(2, 900);
    leave(1, 20);
    fp_sum sum = sum_of(&recorder, MAIN, 0);
    ck_assert_int_ge(sum.own_ticks, 0);
    ck_assert_int_ge(sum.total_ticks, sum.own_ticks);
}

IN_TREE_AND_IN_PAIRS(hidden_time_takes_no_more_than_there_is)

/* HELPER, a generator that MAIN uses twice, stands still from 30 to 50; the second time
 * it is inside itself. */
static void
time_between_yield_and_resume_is_suspended(void)
{
    fp_sum sum;

    enter(MAIN, 1, 0);
    for (unsigned i = 2; i < 4; i++) {
        enter(HELPER, i, 20);
        fp_recorder_suspend(&recorder, frame(i), 30);
        leave(i, 30);
    }
    enter(HELPER, 2, 50);
    ck_assert_int_eq(fp_recorder_resume(&recorder, frame(2), 50), FP_OK);
    enter(HELPER, 3, 55);
    ck_assert_int_eq(fp_recorder_resume(&recorder, frame(3), 55), FP_OK);
    leave(3, 60);
    leave(2, 70);
    leave(1, 100);
    sum = sum_of(&recorder, HELPER, 0);
    ck_assert_int_eq(sum.calls, 4);
    ck_assert_int_eq(sum.recursive, 1);
    ck_assert_int_eq(sum.resumes, 2);
    ck_assert_int_eq(sum.recursive_resumes, 1);
    ck_assert_int_eq(sum.suspended_ticks, 20 + 25);
    sum = edge_of(&recorder, MAIN, HELPER, 0);
    ck_assert_int_eq(sum.resumes, 1);
    ck_assert_int_eq(sum.suspended_ticks, 20);
}

IN_TREE_AND_IN_PAIRS(time_between_yield_and_resume_is_suspended)

/* What has ended as a generator, or was there before, has no time of standing still. */
static void
a_resume_without_a_yield_is_counted_only(void)
{
    enter(MAIN, 1, 10);
    ck_assert_int_eq(fp_recorder_resume(&recorder, frame(1), 10), FP_OK);
    ck_assert_int_eq(fp_recorder_resume(&recorder, frame(2), 10), FP_OK);
    leave(1, 20);
    fp_sum sum = sum_of(&recorder, MAIN, 0);
    ck_assert_int_eq(sum.resumes, 1);
    ck_assert_int_eq(sum.suspended_ticks, 0);
}

IN_TREE_AND_IN_PAIRS(a_resume_without_a_yield_is_counted_only)

/* Many are thrown away while they stand still, at addresses that come again. */
static void
suspensions_are_found_in_a_table_that_grows(void)
{
    const unsigned count = 5000;

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 1; i <= count; i++) {
            enter(MAIN, i, round * 1000000 + i);
            fp_recorder_suspend(&recorder, frame(i), round * 1000000 + i);
            leave(i, round * 1000000 + i);
        }
    }
    for (unsigned i = 1; i <= count; i += 2) {
        enter(MAIN, i, 3000000 + i);
        fp_recorder_resume(&recorder, frame(i), 3000000 + i);
        leave(i, 3000000 + i);
    }
    fp_sum sum = sum_of(&recorder, MAIN, 0);
    ck_assert_int_eq(sum.resumes, count / 2);
    ck_assert_int_eq(sum.suspended_ticks, (int64_t)1000000 * (count / 2));
}

IN_TREE_AND_IN_PAIRS(suspensions_are_found_in_a_table_that_grows)

static void
the_end_of_the_last_call_is_known(void)
{
    enter(MAIN, 1, 10);
    enter(HELPER, 2, 20);
    leave(2, 30);
    fp_recorder_lose(&recorder, 5);
    leave(1, 45);
    ck_assert_int_eq(fp_recorder_last(&recorder), 45);
}

IN_TREE_AND_IN_PAIRS(the_end_of_the_last_call_is_known)

START_TEST(a_retired_recorder_can_be_read)
{
    room = 1000;
    start();
    enter(MAIN, 1, 0);
    enter(HELPER, 2, 30);
    fp_recorder_close(&recorder, 50);
    fp_recorder_retire(&recorder);
    EXPECT(MAIN, 1, 0, 30, 50);
    EXPECT(HELPER, 1, 0, 20, 20);
    finish();
}
END_TEST

static void
count_a_negative_interval(void)
{
    enter(MAIN, 1, 100);
    leave(1, 50);
    ck_assert_int_eq(fp_recorder_clamped(&recorder), 1);
}

IN_TREE_AND_IN_PAIRS(count_a_negative_interval)

/* Neither the hidden one, nor what is open. */
static void
count_the_calls_that_have_ended(void)
{
    enter(MAIN, 1, 0);
    for (unsigned number = 2; number < 5; number++) {
        enter(HELPER, number, 10);
        leave(number, 20);
    }
    enter(OTHER, 5, 30);
    fp_recorder_hide(&recorder, FP_HIDDEN);
    leave(5, 40);
    ck_assert_int_eq(fp_recorder_calls(&recorder), 3);
    leave(1, 50);
    ck_assert_int_eq(fp_recorder_calls(&recorder), 4);
}

IN_TREE_AND_IN_PAIRS(count_the_calls_that_have_ended)

START_TEST(only_a_new_path_is_reported_as_added)
{
    room = 10;
    start();
    ck_assert_int_eq(fp_recorder_enter(&recorder, MAIN, frame(1), 0), FP_ADDED);
    leave(1, 1);
    ck_assert_int_eq(fp_recorder_enter(&recorder, MAIN, frame(1), 2), FP_OK);
    leave(1, 3);
    finish();
}
END_TEST

RUN_SUITE("recorder", tested_own_time_excludes_callees,
          tested_recursive_calls_add_no_total,
          tested_mutual_recursion_is_counted_for_functions_and_edges,
          tested_leaving_a_frame_that_is_not_open_changes_nothing,
          tested_leaving_a_frame_ends_what_is_open_above_it,
          tested_a_frame_that_is_entered_again_had_ended,
          tested_frames_pair_recursive_calls_although_an_end_is_missing,
          tested_reading_while_running_counts_open_calls_and_changes_nothing,
          tested_closing_ends_all_open_calls, tested_lost_time_is_nobodys,
          tested_exceptions_are_counted, tested_hidden_calls_never_show,
          tested_hidden_calls_never_show_while_running,
          tested_what_is_hidden_whole_hides_what_it_calls,
          tested_a_hidden_call_at_the_bottom_gives_no_caller,
          tested_time_that_runs_backwards_counts_as_none, tested_depth_has_no_limit,
          tested_hidden_time_takes_no_more_than_there_is,
          tested_time_between_yield_and_resume_is_suspended,
          tested_a_resume_without_a_yield_is_counted_only,
          tested_suspensions_are_found_in_a_table_that_grows,
          tested_the_end_of_the_last_call_is_known, a_retired_recorder_can_be_read,
          tested_count_a_negative_interval, tested_count_the_calls_that_have_ended,
          only_a_new_path_is_reported_as_added)
