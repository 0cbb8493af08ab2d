#define _POSIX_C_SOURCE 200809L

#include "presence.h"
#include "support.h"

#include <pthread.h>
#include <time.h>

/* The machine may do other things meanwhile: a few tries each. */
#define TRIES 20

static fp_clock the_clock;

static fp_presence
presence(bool use_area)
{
    ck_assert_int_eq(fp_clock_init(&the_clock, NULL), FP_OK);
    fp_clock_scale(&the_clock);
    return fp_presence_new(&the_clock, use_area && fp_presence_areas_work());
}

static double
seconds(fp_ticks ticks)
{
    return (double)ticks * the_clock.seconds_per_tick;
}

static void
be_busy(double for_seconds)
{
    const fp_ticks start = fp_clock_now(&the_clock);

    while (seconds(fp_clock_now(&the_clock) - start) < for_seconds) {
    }
}

static void
be_away(long ns)
{
    const struct timespec pause = {0, ns};

    nanosleep(&pause, NULL);
}

START_TEST(nothing_is_known_at_first)
{
    for (int use_area = 0; use_area < 2; use_area++) {
        fp_presence p = presence(use_area != 0);
        fp_ticks after;
        ck_assert(fp_presence_is_doubtful(&p, fp_clock_now(&the_clock)));
        ck_assert_int_eq(fp_presence_look(&p, &the_clock, &after), 0);
        ck_assert_int_le(after, fp_clock_now(&the_clock));
        fp_presence_forget(&p);
        ck_assert(fp_presence_is_doubtful(&p, fp_clock_now(&the_clock)));
    }
}
END_TEST

START_TEST(who_goes_on_running_is_not_doubted)
{
    for (int use_area = 0; use_area < 2; use_area++) {
        fp_presence p = presence(use_area != 0);
        bool doubted = true;
        fp_ticks after;
        for (int i = 0; i < TRIES && doubted; i++) {
            fp_presence_look(&p, &the_clock, &after);
            doubted = fp_presence_is_doubtful(&p, fp_clock_now(&the_clock));
        }
        ck_assert(!doubted);
    }
}
END_TEST

START_TEST(who_was_away_is_doubted_and_it_is_told_how_long)
{
    for (int use_area = 0; use_area < 2; use_area++) {
        fp_presence p = presence(use_area != 0);
        fp_ticks before, after, off;
        fp_presence_look(&p, &the_clock, &before);
        be_away(30000000);
        ck_assert(fp_presence_is_doubtful(&p, fp_clock_now(&the_clock)));
        off = fp_presence_look(&p, &the_clock, &after);
        ck_assert(seconds(off) > 0.025);
        ck_assert(seconds(off) <= seconds(after - before));
    }
}
END_TEST

START_TEST(who_was_busy_was_not_away)
{
    double least = 1.0;
    fp_presence p = presence(true);

    for (int i = 0; i < TRIES; i++) {
        fp_ticks after;
        double off;
        fp_presence_look(&p, &the_clock, &after);
        be_busy(0.01);
        off = seconds(fp_presence_look(&p, &the_clock, &after));
        least = off < least ? off : least;
    }
    ck_assert(least < 0.0005);
    ck_assert(least > -0.0005);
}
END_TEST

START_TEST(without_an_area_trust_ends_after_a_while)
{
    fp_presence p = presence(false);
    const fp_ticks gap = p.longest_gap / 2;
    fp_ticks now;
    int events = 0;

    fp_presence_look(&p, &the_clock, &now);
    while (!fp_presence_is_doubtful(&p, now)) {
        now += gap;
        events++;
    }
    ck_assert_int_ge(events, (int)(p.longest_trust / gap) - 1);
    ck_assert_int_le(events, (int)(p.longest_trust / gap) + 2);
    fp_presence_look(&p, &the_clock, &now);
    ck_assert(fp_presence_is_doubtful(&p, now + p.longest_gap + 1));
}
END_TEST

START_TEST(with_an_area_trust_ends_after_a_while)
{
#ifdef FP_HAVE_RSEQ
    fp_presence p = presence(true);
    fp_ticks after;

    if (p.has_area) {
        fp_presence_look(&p, &the_clock, &after);
        be_away(5000000);
        *fp_presence_area() = p.expected; /* as if the host had halted the machine */
        ck_assert(fp_presence_is_doubtful(&p, fp_clock_now(&the_clock)));
        ck_assert(seconds(fp_presence_look(&p, &the_clock, &after)) > 0.004);
    }
#endif
}
END_TEST

static void *
sleep_until(void *until)
{
    pthread_mutex_lock(until);
    pthread_mutex_unlock(until);
    return NULL;
}

START_TEST(another_thread_can_be_looked_at)
{
    pthread_mutex_t until = PTHREAD_MUTEX_INITIALIZER;
    fp_presence p = presence(true);
    pthread_t thread;
    fp_ticks before, after, off;

    pthread_mutex_lock(&until);
    ck_assert_int_eq(pthread_create(&thread, NULL, sleep_until, &until), 0);
    be_away(5000000);
    fp_presence_look_at(&p, &the_clock, (uint64_t)thread, &before);
    be_busy(0.02);
    off = fp_presence_look_at(&p, &the_clock, (uint64_t)thread, &after);
    pthread_mutex_unlock(&until);
    pthread_join(thread, NULL);
    ck_assert(seconds(off) > 0.019);
}
END_TEST

RUN_SUITE("presence", nothing_is_known_at_first, who_goes_on_running_is_not_doubted,
          who_was_away_is_doubted_and_it_is_told_how_long, who_was_busy_was_not_away,
          without_an_area_trust_ends_after_a_while,
          with_an_area_trust_ends_after_a_while, another_thread_can_be_looked_at)
