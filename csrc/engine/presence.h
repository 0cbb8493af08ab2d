/* presence.h -- how long a thread was off the CPU, without asking the kernel each time.
 *
 * Linux keeps an area for each thread, for "restartable sequences" (rseq, set up by
 * glibc from 2.35 on). A pointer in it is cleared by the kernel when the thread is
 * taken off its CPU, or gets a signal; so while it is as we left it, the thread has
 * been running all the time, and its CPU time is the wall clock's less what it had been
 * off before. Where it is not, the kernel is asked: CLOCK_THREAD_CPUTIME_ID. It is also
 * asked all FP_LONGEST_TRUST_NS: what the host of a virtual machine takes of its time
 * clears no pointer, and yet the kernel, where it is told, does not count it.
 *
 * Without such an area the kernel is asked when the thread had no event for
 * FP_LONGEST_GAP_NS, too. A thread that was off for less is found out within
 * FP_LONGEST_TRUST_NS; until then it seems to have run.
 *
 * Units      ticks of the clock.
 * Ownership  a plain value; nothing to free.
 * Threads    used by the thread that it is of, but for fp_presence_look_at.
 */
#ifndef FP_PRESENCE_H
#define FP_PRESENCE_H

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FP_LONGEST_GAP_NS 20000
#define FP_LONGEST_TRUST_NS 1000000

typedef struct {
    bool has_area;
    bool is_known;
    uint64_t expected; /* in the area while nothing has happened */
    fp_ticks off;      /* the wall clock less the thread's, at the last look */
    fp_ticks last_look;
    fp_ticks last_event; /* without an area */
    fp_ticks longest_gap;
    fp_ticks longest_trust;
    fp_ticks shortest_look; /* what asking the kernel takes */
} fp_presence;

/* One that knows nothing yet. `use_area`: only where they work. The clock's scale must
 * be known (fp_clock_scale). */
fp_presence fp_presence_new(const fp_clock *clock, bool use_area);

/* Nothing is known any more: the next look answers 0. */
static inline void
fp_presence_forget(fp_presence *presence)
{
    presence->is_known = false;
    presence->expected = 1; /* which no area ever holds */
}

/* Whether threads have areas here, and the kernel clears the pointer: it is tried with
 * a few short sleeps. */
bool fp_presence_areas_work(void);

#if defined(__linux__) && defined(__x86_64__) && defined(__has_builtin)
#if __has_builtin(__builtin_thread_pointer)
#define FP_HAVE_RSEQ 1
#endif
#endif

#ifdef FP_HAVE_RSEQ

/* Where glibc keeps the area of a thread; weak, for older ones do not. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

#define FP_RSEQ_CS 8 /* place of the pointer in the area */

static inline uint64_t volatile *
fp_presence_area(void)
{
    return (uint64_t volatile *)((char *)__builtin_thread_pointer() + __rseq_offset +
                                 FP_RSEQ_CS);
}
#endif

/* Whether there is an area, and it has been cleared. */
static inline bool
fp_presence_was_switched(const fp_presence *presence)
{
#ifdef FP_HAVE_RSEQ
    return presence->has_area && *fp_presence_area() != presence->expected;
#else
    (void)presence;
    return false;
#endif
}

/* Whether the thread, which calls, may have been off the CPU since the last look. */
static inline bool
fp_presence_is_doubtful(fp_presence *presence, fp_ticks now)
{
    fp_ticks last;

    if (presence->has_area) {
        return fp_presence_was_switched(presence) ||
               now - presence->last_look > presence->longest_trust;
    }
    last = presence->last_event;
    presence->last_event = now;
    return !presence->is_known || now - last > presence->longest_gap ||
           now - presence->last_look > presence->longest_trust;
}

/* Asks the kernel. The ticks that the thread, which calls, was off the CPU since the
 * last look (by some jitter they may be negative); 0 for the first. `*after`: the time
 * when it was done. */
fp_ticks fp_presence_look(fp_presence *presence, const fp_clock *clock,
                          fp_ticks *after);

/* The same for another thread, which must be alive: `thread` is its pthread_t. */
fp_ticks fp_presence_look_at(fp_presence *presence, const fp_clock *clock,
                             uint64_t thread, fp_ticks *after);

#endif
