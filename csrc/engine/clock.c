#define _POSIX_C_SOURCE 200809L

#include "clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#ifdef FP_HAVE_TSC
#include <cpuid.h>
#endif

#define NS_PER_SECOND INT64_C(1000000000)
#define SHORTEST_SPAN_NS INT64_C(10000000)
#define BRACKETS 5
#define TOLERANCE 1e-3
#define ROUNDS 20 /* of measuring the clock itself */
#define READINGS 200

fp_ticks
fp_clock_read_monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + (int64_t)now.tv_nsec;
}

#ifdef FP_HAVE_TSC
static bool
cpu_says_invariant(void)
{
    unsigned eax, ebx, ecx, edx;

    return __get_cpuid(0x80000007U, &eax, &ebx, &ecx, &edx) && (edx & (1U << 8)) != 0;
}

/* KVM_FEATURE_CLOCKSOURCE_STABLE_BIT: the host vouches for its clock on all CPUs. */
static bool
kvm_clock_is_stable(void)
{
    unsigned eax, ebx, ecx, edx;

    __cpuid(0x40000001U, eax, ebx, ecx, edx);
    return (eax & (1U << 24)) != 0;
}

/* The kernel watches the TSC and drops it as clock source when it drifts between
 * cores, whatever CPUID promised. */
static bool
kernel_trusts_tsc(void)
{
    char name[64] = "";
    FILE *file =
        fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "r");

    if (file == NULL) {
        return false;
    }
    if (fgets(name, sizeof name, file) == NULL) {
        name[0] = '\0';
    }
    fclose(file);
    name[strcspn(name, "\n")] = '\0';
    return strcmp(name, "tsc") == 0 ||
           strcmp(name, "hyperv_clocksource_tsc_page") == 0 ||
           (strcmp(name, "kvm-clock") == 0 && kvm_clock_is_stable());
}
#endif

static fp_clock_source
best_source(void)
{
#ifdef FP_HAVE_TSC
    if (cpu_says_invariant() && kernel_trusts_tsc()) {
        return FP_CLOCK_TSC;
    }
#endif
#ifdef FP_HAVE_CNTVCT
    return FP_CLOCK_CNTVCT;
#else
    return FP_CLOCK_MONOTONIC;
#endif
}

static fp_status
choose_source(const char *forced, fp_clock_source *source)
{
    if (forced == NULL) {
        *source = best_source();
        return FP_OK;
    }
    if (strcmp(forced, "monotonic") == 0) {
        *source = FP_CLOCK_MONOTONIC;
        return FP_OK;
    }
#ifdef FP_HAVE_TSC
    if (strcmp(forced, "tsc") == 0) {
        *source = FP_CLOCK_TSC;
        return FP_OK;
    }
#endif
    return FP_NOCLOCK;
}

/* One moment on both clocks: the tightest of several brackets, since the thread may
 * be interrupted between the readings. */
static fp_clock_point
take_point(const fp_clock *clock)
{
    fp_clock_point best = {0, 0};
    int64_t best_width = INT64_MAX;

    for (int i = 0; i < BRACKETS; i++) {
        const int64_t before = fp_clock_read_monotonic();
        const fp_ticks ticks = fp_clock_now(clock);
        const int64_t width = fp_clock_read_monotonic() - before;
        if (width < best_width) {
            best_width = width;
            best = (fp_clock_point){ticks, before + width / 2};
        }
    }
    return best;
}

fp_status
fp_clock_init(fp_clock *clock, const char *forced)
{
    fp_clock_source source;
    const fp_status status = choose_source(forced, &source);

    if (status == FP_OK) {
        *clock = (fp_clock){.source = source};
        clock->origin = take_point(clock);
    }
    return status;
}

double
fp_clock_span_scale(fp_clock_point from, fp_clock_point to)
{
    const fp_ticks ticks = to.ticks - from.ticks;

    return ticks > 0 ? (double)(to.ns - from.ns) * 1e-9 / (double)ticks : 0.0;
}

static void
wait_until_ns(int64_t wanted_ns)
{
    int64_t missing_ns;

    while ((missing_ns = wanted_ns - fp_clock_read_monotonic()) > 0) {
        const struct timespec pause = {0, (long)missing_ns};
        nanosleep(&pause, NULL);
    }
}

double
fp_clock_scale(fp_clock *clock)
{
    double scale;

    if (clock->source == FP_CLOCK_MONOTONIC) {
        clock->seconds_per_tick = 1e-9;
        return clock->seconds_per_tick;
    }
    wait_until_ns(clock->origin.ns + SHORTEST_SPAN_NS);
    scale = fp_clock_span_scale(clock->origin, take_point(clock));
    if (clock->seconds_per_tick == 0.0) {
        clock->seconds_per_tick = scale;
    } else if (fabs(scale / clock->seconds_per_tick - 1.0) > TOLERANCE) {
        clock->unstable = true;
    }
    return clock->seconds_per_tick;
}

fp_clock_quality
fp_clock_measure(const fp_clock *clock)
{
    fp_clock_quality quality = {0.0, INT64_MAX};
    fp_ticks shortest = INT64_MAX;

    for (int round = 0; round < ROUNDS; round++) {
        const fp_ticks start = fp_clock_now(clock);
        fp_ticks last = start;
        for (int i = 0; i < READINGS; i++) {
            const fp_ticks now = fp_clock_now(clock);
            if (now > last && now - last < quality.step) {
                quality.step = now - last;
            }
            last = now;
        }
        if (last - start < shortest) {
            shortest = last - start;
        }
    }
    quality.ticks_per_reading = (double)shortest / READINGS;
    return quality;
}

const char *
fp_clock_source_name(fp_clock_source source)
{
    switch (source) {
    case FP_CLOCK_TSC:
        return "tsc";
    case FP_CLOCK_CNTVCT:
        return "cntvct";
    case FP_CLOCK_MONOTONIC:
        break;
    }
    return "monotonic";
}
