#define _POSIX_C_SOURCE 200809L

#include "presence.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define MOST_TRIES 4
#define TRIALS 3
#define TRIAL_NS 50000

#ifdef FP_HAVE_RSEQ
/* Of glibc's registration: it stands in front of where to go on. */
#define SIGNATURE 0x53053053U

/* What the area points to: a sequence that no thread is ever in, so that the kernel has
 * nothing to restart and clears the pointer. It checks all of it all the same. */
static const struct {
    uint32_t signature;
    uint32_t abort;
    uint64_t sequence;
} nowhere = {.signature = SIGNATURE};

static const struct {
    uint32_t version;
    uint32_t flags;
    uint64_t start;
    uint64_t length;
    uint64_t abort;
} descriptor __attribute__((aligned(32))) = {
    .start = (uint64_t)(uintptr_t)&nowhere.sequence,
    .length = 1,
    .abort = (uint64_t)(uintptr_t)&nowhere.abort,
};
#endif

bool
fp_presence_areas_work(void)
{
#ifdef FP_HAVE_RSEQ
    const struct timespec pause = {0, TRIAL_NS};

    if (&__rseq_offset == NULL || &__rseq_size == NULL || __rseq_size == 0) {
        return false;
    }
    for (int i = 0; i < TRIALS; i++) {
        *fp_presence_area() = (uint64_t)(uintptr_t)&descriptor;
        nanosleep(&pause, NULL);
        if (*fp_presence_area() == (uint64_t)(uintptr_t)&descriptor) {
            *fp_presence_area() = 0;
            return false;
        }
    }
    return true;
#else
    return false;
#endif
}

static double
ticks_per_ns(const fp_clock *clock)
{
    return 1e-9 / clock->seconds_per_tick;
}

fp_presence
fp_presence_new(const fp_clock *clock, bool use_area)
{
    fp_presence presence = {
        .shortest_look = INT64_MAX / 4,
        .longest_gap = (fp_ticks)(FP_LONGEST_GAP_NS * ticks_per_ns(clock)),
        .longest_trust = (fp_ticks)(FP_LONGEST_TRUST_NS * ticks_per_ns(clock)),
    };

    presence.has_area = use_area;
    fp_presence_forget(&presence);
    return presence;
}

static void
arm(fp_presence *presence)
{
#ifdef FP_HAVE_RSEQ
    if (presence->has_area) {
        presence->expected = (uint64_t)(uintptr_t)&descriptor;
        *fp_presence_area() = presence->expected;
    }
#else
    (void)presence;
#endif
}

/* A moment on both clocks. */
typedef struct {
    fp_ticks before;
    fp_ticks after;
    int64_t cpu_ns;
} reading;

static reading
read_both(const fp_clock *clock, clockid_t cpu_clock)
{
    struct timespec cpu = {0};
    reading r;

    r.before = fp_clock_now(clock);
    clock_gettime(cpu_clock, &cpu);
    r.after = fp_clock_now(clock);
    r.cpu_ns = (int64_t)cpu.tv_sec * NS_PER_SECOND + (int64_t)cpu.tv_nsec;
    return r;
}

/* What the thread has been off since the last look. */
static fp_ticks
settle(fp_presence *presence, const fp_clock *clock, reading r, fp_ticks *after)
{
    const fp_ticks middle = r.before + (r.after - r.before) / 2;
    const fp_ticks off = middle - (fp_ticks)((double)r.cpu_ns * ticks_per_ns(clock));
    const fp_ticks since = presence->is_known ? off - presence->off : 0;

    if (r.after - r.before < presence->shortest_look) {
        presence->shortest_look = r.after - r.before;
    }
    presence->is_known = true;
    presence->off = off;
    presence->last_look = presence->last_event = r.after;
    *after = r.after;
    return since;
}

fp_ticks
fp_presence_look(fp_presence *presence, const fp_clock *clock, fp_ticks *after)
{
    reading r;
    int tries = 0;

    /* Once more if it was off meanwhile: the two clocks would not be of one moment. */
    do {
        arm(presence);
        r = read_both(clock, CLOCK_THREAD_CPUTIME_ID);
        tries++;
    } while (tries < MOST_TRIES && fp_presence_was_switched(presence));
    return settle(presence, clock, r, after);
}

fp_ticks
fp_presence_look_at(fp_presence *presence, const fp_clock *clock, uint64_t thread,
                    fp_ticks *after)
{
#ifdef _POSIX_THREAD_CPUTIME
    clockid_t cpu_clock;

    if (pthread_getcpuclockid((pthread_t)thread, &cpu_clock) == 0) {
        return settle(presence, clock, read_both(clock, cpu_clock), after);
    }
#else
    (void)presence;
    (void)thread;
#endif
    *after = fp_clock_now(clock);
    return 0;
}
