#include "clock.h"
#include "support.h"

#include <string.h>

START_TEST(monotonic_is_there_on_every_machine)
{
    fp_clock clock;

    ck_assert_int_eq(fp_clock_init(&clock, "monotonic"), FP_OK);
    ck_assert_int_eq(clock.source, FP_CLOCK_MONOTONIC);
    ck_assert(fp_clock_scale(&clock) == 1e-9);
}
END_TEST

START_TEST(an_unknown_clock_is_refused_and_changes_nothing)
{
    fp_clock clock = {.seconds_per_tick = 42.0};

    ck_assert_int_eq(fp_clock_init(&clock, "sundial"), FP_NOCLOCK);
    ck_assert(clock.seconds_per_tick == 42.0);
}
END_TEST

START_TEST(the_clock_does_not_run_backwards_on_one_thread)
{
    fp_clock clock;
    fp_ticks last;

    ck_assert_int_eq(fp_clock_init(&clock, NULL), FP_OK);
    last = fp_clock_now(&clock);
    for (int i = 0; i < 100000; i++) {
        const fp_ticks now = fp_clock_now(&clock);
        ck_assert_int_ge(now, last);
        last = now;
    }
}
END_TEST

/* The scale is checked against the system's clock, over a span of its own. */
START_TEST(ticks_become_seconds)
{
    fp_clock clock, monotonic;
    fp_ticks ticks, ns;
    double scale;

    ck_assert_int_eq(fp_clock_init(&clock, NULL), FP_OK);
    ck_assert_int_eq(fp_clock_init(&monotonic, "monotonic"), FP_OK);
    scale = fp_clock_scale(&clock);
    ck_assert(scale > 0.0);
    ticks = fp_clock_now(&clock);
    ns = fp_clock_now(&monotonic);
    while (fp_clock_now(&monotonic) - ns < 20000000) {
    }
    ticks = fp_clock_now(&clock) - ticks;
    ns = fp_clock_now(&monotonic) - ns;
    ck_assert((double)ticks * scale > (double)ns * 1e-9 * 0.9);
    ck_assert((double)ticks * scale < (double)ns * 1e-9 * 1.1);
}
END_TEST

START_TEST(the_scale_is_fixed_by_the_first_reading)
{
    fp_clock clock;
    double scale;

    ck_assert_int_eq(fp_clock_init(&clock, NULL), FP_OK);
    scale = fp_clock_scale(&clock);
    ck_assert(fp_clock_scale(&clock) == scale);
}
END_TEST

START_TEST(a_span_of_points_gives_its_scale)
{
    const fp_clock_point from = {1000, 500}, to = {3000, 1500};

    ck_assert_double_eq_tol(fp_clock_span_scale(from, to), 0.5e-9, 1e-15);
    ck_assert(fp_clock_span_scale(to, to) == 0.0);
}
END_TEST

START_TEST(a_scale_that_disagrees_makes_the_clock_unstable)
{
    fp_clock clock;

    ck_assert_int_eq(fp_clock_init(&clock, NULL), FP_OK);
    fp_clock_scale(&clock);
    ck_assert(!clock.unstable);
    if (clock.source != FP_CLOCK_MONOTONIC) {
        clock.seconds_per_tick *= 1.01;
        fp_clock_scale(&clock);
        ck_assert(clock.unstable);
    }
}
END_TEST

START_TEST(every_source_has_a_name)
{
    ck_assert_str_eq(fp_clock_source_name(FP_CLOCK_TSC), "tsc");
    ck_assert_str_eq(fp_clock_source_name(FP_CLOCK_CNTVCT), "cntvct");
    ck_assert_str_eq(fp_clock_source_name(FP_CLOCK_MONOTONIC), "monotonic");
}
END_TEST

RUN_SUITE("clock", monotonic_is_there_on_every_machine,
          an_unknown_clock_is_refused_and_changes_nothing,
          the_clock_does_not_run_backwards_on_one_thread, ticks_become_seconds,
          the_scale_is_fixed_by_the_first_reading, a_span_of_points_gives_its_scale,
          a_scale_that_disagrees_makes_the_clock_unstable, every_source_has_a_name)
