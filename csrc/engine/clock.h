/* clock.h -- ticks now, and ticks to seconds.
 *
 * Units      ticks are whatever the source counts; `fp_clock_scale` gives seconds per
 *            tick. Only this file reads a clock: all others are handed `now`.
 * Ownership  a plain value; nothing to free.
 * Threads    `fp_clock_now` may be called by any thread; `fp_clock_init` and
 *            `fp_clock_scale` by one at a time.
 */
#ifndef FP_CLOCK_H
#define FP_CLOCK_H

#include "status.h"

#include <stdbool.h>
#include <stdint.h>
#if defined(__x86_64__) && defined(__GNUC__)
#define FP_HAVE_TSC 1
#include <x86intrin.h>
#elif defined(__aarch64__) && defined(__GNUC__)
#define FP_HAVE_CNTVCT 1
#endif

typedef int64_t fp_ticks;

typedef enum {
    FP_CLOCK_MONOTONIC, /* clock_gettime(CLOCK_MONOTONIC), in nanoseconds */
    FP_CLOCK_TSC,       /* rdtsc: x86-64, where the counter is invariant */
    FP_CLOCK_CNTVCT,    /* cntvct_el0: arm64 */
} fp_clock_source;

/* The same moment on both clocks. */
typedef struct {
    fp_ticks ticks;
    int64_t ns;
} fp_clock_point;

typedef struct {
    fp_clock_source source;
    bool unstable;           /* two spans gave scales that differ by more than 0.1 % */
    double seconds_per_tick; /* 0.0 until the first fp_clock_scale */
    fp_clock_point origin;
} fp_clock;

/* Chooses the source and takes the first calibration point. `forced` is "tsc",
 * "monotonic" or NULL (the best there is); FP_NOCLOCK when this machine does not
 * have the forced one, or nobody knows its name. */
fp_status fp_clock_init(fp_clock *clock, const char *forced);

/* Seconds per tick. The first call fixes it, by the span since fp_clock_init (waiting
 * until that is 10 ms); later calls check it and set `unstable`. */
double fp_clock_scale(fp_clock *clock);

/* Seconds per tick between two points; 0.0 when no time lies between them. */
double fp_clock_span_scale(fp_clock_point from, fp_clock_point to);

typedef struct {
    double ticks_per_reading;
    fp_ticks step; /* the least by which two readings differ, if they do */
} fp_clock_quality;

/* By reading it some thousand times: takes well below a millisecond. */
fp_clock_quality fp_clock_measure(const fp_clock *clock);

/* "tsc", "cntvct" or "monotonic". */
const char *fp_clock_source_name(fp_clock_source source);

/* CLOCK_MONOTONIC, in nanoseconds. */
fp_ticks fp_clock_read_monotonic(void);

/* The counter that this kind of processor reads without a call; for a clock of which
 * fp_clock_is_inline is true. */
static inline fp_ticks
fp_clock_now_inline(void)
{
#if defined(FP_HAVE_TSC)
    return (fp_ticks)__rdtsc();
#elif defined(FP_HAVE_CNTVCT)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return (fp_ticks)ticks;
#else
    return fp_clock_read_monotonic();
#endif
}

static inline bool
fp_clock_is_inline(const fp_clock *clock)
{
    return clock->source != FP_CLOCK_MONOTONIC;
}

static inline fp_ticks
fp_clock_now(const fp_clock *clock)
{
    return fp_clock_is_inline(clock) ? fp_clock_now_inline()
                                     : fp_clock_read_monotonic();
}

#endif
