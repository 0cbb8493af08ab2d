/* Random event streams against a naive model: a list of all calls that ever began,
 * from which every figure is worked out anew by going through the list.
 */
#include "alloc.h"
#include "codec.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define MOST_CALLS 600
#define NONE (-1)

typedef struct {
    uint32_t function;
    int caller; /* place in the list, or NONE */
    fp_frame frame;
    fp_ticks began;
    fp_ticks ended;
    bool open;
    bool raised;
    fp_ticks off;
    bool resumed;
    fp_ticks suspended;
} call;

/* A function that is a generator, and those of its frames that stand still. */
#define GENERATOR 1
#define MOST_STANDING 8

static struct {
    fp_frame frame;
    fp_ticks since;
} standing[MOST_STANDING];
static unsigned standing_count;

static call calls[MOST_CALLS];
static int call_count;
static int current; /* the innermost open call, or NONE */
static uint32_t first_hidden;
static bool has_folded; /* the first function is */
static bool are_apart;  /* but it shows, as a function of its own */

/* ---- the model ---- */

static void
model_end(fp_ticks now, bool raised)
{
    calls[current].open = false;
    calls[current].ended = now;
    calls[current].raised = raised;
    current = calls[current].caller;
}

static void
model_enter(uint32_t function, fp_frame own, fp_ticks now)
{
    if (current != NONE && calls[current].frame == own) {
        model_end(now, false);
    }
    calls[call_count] =
        (call){function, current, own, now, 0, true, false, 0, false, 0};
    current = call_count++;
}

static void
model_leave(fp_frame own, fp_ticks now, bool raised)
{
    int at = current;

    while (at != NONE && calls[at].frame != own) {
        at = calls[at].caller;
    }
    if (at == NONE) {
        return;
    }
    while (current != at) {
        model_end(now, false);
    }
    model_end(now, raised);
}

/* The last of the hidden functions hides all that it calls. */
static fp_visibility
visibility_of(uint32_t function)
{
    if (function == 0 && has_folded) {
        return are_apart ? FP_SHOWN : FP_FOLDED;
    }
    if (function < first_hidden) {
        return FP_SHOWN;
    }
    return function == KEY_COUNT - 1 ? FP_HIDDEN_WHOLE : FP_HIDDEN;
}

static bool
folded(int at)
{
    return visibility_of(calls[at].function) == FP_FOLDED;
}

/* Whose own time a call's is, or NONE. */
static int
owner(int at)
{
    while (at != NONE && folded(at)) {
        at = calls[at].caller;
    }
    return at;
}

static bool
hidden(int at)
{
    bool is_hidden = !folded(at) && visibility_of(calls[at].function) != FP_SHOWN;

    while (!is_hidden && calls[at].caller != NONE) {
        at = calls[at].caller;
        is_hidden = visibility_of(calls[at].function) == FP_HIDDEN_WHOLE;
    }
    return is_hidden;
}

static fp_ticks
elapsed(int at, fp_ticks now)
{
    return (calls[at].open ? now : calls[at].ended) - calls[at].began;
}

static fp_ticks
own_of(int at, fp_ticks now)
{
    fp_ticks own = elapsed(at, now);

    for (int i = at + 1; i < call_count; i++) {
        own -= calls[i].caller == at ? elapsed(i, now) : 0;
    }
    return own;
}

static bool
is_inside(int at, int ancestor)
{
    while (at != NONE && at != ancestor) {
        at = calls[at].caller;
    }
    return at != NONE;
}

static fp_ticks
total_of(int at, fp_ticks now)
{
    fp_ticks total = elapsed(at, now);

    for (int i = at + 1; i < call_count; i++) {
        total -= is_inside(i, at) && hidden(owner(i)) ? own_of(i, now) : 0;
    }
    return total;
}

static fp_ticks
total_off_of(int at)
{
    fp_ticks off = 0;

    for (int i = at; i < call_count; i++) {
        off += is_inside(i, at) && !hidden(owner(i)) ? calls[i].off : 0;
    }
    return off;
}

/* With what is folded into it. */
static void
add_own(fp_sum *sum, int at, fp_ticks now)
{
    for (int i = at; i < call_count; i++) {
        if (owner(i) == at) {
            sum->own_ticks += own_of(i, now);
            sum->own_off += calls[i].off;
        }
    }
}

static int
visible_caller(int at)
{
    do {
        at = calls[at].caller;
    } while (at != NONE && (hidden(at) || folded(at)));
    return at;
}

/* Whether call `at` is one of the pair; `caller` KEY_COUNT stands for any. */
static bool
is_of(int at, uint32_t caller, uint32_t callee)
{
    const int by = visible_caller(at);

    return !hidden(at) && !folded(at) && calls[at].function == callee &&
           (caller == KEY_COUNT || (by != NONE && calls[by].function == caller));
}

static fp_sum
model_sum(uint32_t caller, uint32_t callee, fp_ticks now)
{
    fp_sum sum = {0};

    for (int i = 0; i < call_count; i++) {
        bool recursive = false;
        if (!is_of(i, caller, callee)) {
            continue;
        }
        for (int up = calls[i].caller; up != NONE; up = calls[up].caller) {
            recursive = recursive || is_of(up, caller, callee);
        }
        sum.calls++;
        sum.recursive += recursive;
        sum.raised += calls[i].raised;
        sum.resumes += calls[i].resumed;
        sum.recursive_resumes += recursive && calls[i].resumed;
        sum.suspended_ticks += calls[i].suspended;
        add_own(&sum, i, now);
        sum.total_ticks += recursive ? 0 : total_of(i, now);
        sum.total_off += recursive ? 0 : total_off_of(i);
    }
    return sum;
}

/* ---- comparing ---- */

static fp_sum
sum_in(const fp_stats *stats, uint32_t caller, uint32_t callee)
{
    for (size_t i = 0; i < stats->edge_count; i++) {
        if (stats->edges[i].caller == caller && stats->edges[i].callee == callee) {
            return stats->edges[i].sum;
        }
    }
    return (fp_sum){0};
}

static void
compare_view(fp_stats stats, fp_ticks program_now)
{
    for (uint32_t f = 0; f < KEY_COUNT; f++) {
        const fp_sum expected = model_sum(KEY_COUNT, f, program_now);
        assert_same_sum(&stats.functions[f], &expected);
        for (uint32_t g = 0; g < KEY_COUNT; g++) {
            const fp_sum edge = sum_in(&stats, g, f);
            const fp_sum expected_edge = model_sum(g, f, program_now);
            assert_same_sum(&edge, &expected_edge);
        }
    }
    fp_stats_free(&stats);
}

static void
compare(const fp_recorder *recorder, fp_ticks now, fp_ticks program_now)
{
    compare_view(stats_of_recorder(recorder, now), program_now);
    if (recorder->pairs == NULL) { /* which fold at once */
        are_apart = true;
        compare_view(stats_with_collections(recorder, now), program_now);
        are_apart = false;
    }
}

/* ---- streams ---- */

static unsigned
below(unsigned limit)
{
    return (unsigned)rand() / 7U % limit;
}

/* The frame of an open call, most often of the innermost; or one that is not open. */
static fp_frame
some_frame(unsigned fresh)
{
    int at = current;

    if (at == NONE || below(20) == 0) {
        return frame(fresh + 100000);
    }
    while (below(8) == 0 && calls[at].caller != NONE) {
        at = calls[at].caller;
    }
    return calls[at].frame;
}

static void
enter_both(fp_recorder *recorder, uint32_t function, fp_frame own, fp_ticks now,
           fp_ticks program_now)
{
    const fp_status status = fp_recorder_enter(recorder, &keys[function], own, now);

    ck_assert_int_ge(status, FP_OK);
    if (status == FP_ADDED && visibility_of(function) != FP_SHOWN) {
        fp_recorder_hide(recorder, visibility_of(function));
    }
    model_enter(function, own, program_now);
}

/* The innermost call yields, if it is a generator's. */
static void
suspend_both(fp_recorder *recorder, fp_ticks now, fp_ticks program_now)
{
    if (current != NONE && calls[current].function == GENERATOR &&
        standing_count < MOST_STANDING) {
        const fp_frame own = calls[current].frame;
        ck_assert_int_eq(fp_recorder_suspend(recorder, own, now), FP_OK);
        fp_recorder_leave(recorder, own, now, false);
        model_end(program_now, false);
        standing[standing_count].frame = own;
        standing[standing_count++].since = program_now;
    }
}

static void
resume_both(fp_recorder *recorder, fp_ticks now, fp_ticks program_now)
{
    if (standing_count > 0) {
        const unsigned at = below(standing_count);
        const fp_frame own = standing[at].frame;
        enter_both(recorder, GENERATOR, own, now, program_now);
        ck_assert_int_eq(fp_recorder_resume(recorder, own, now), FP_OK);
        calls[current].resumed = true;
        calls[current].suspended = program_now - standing[at].since;
        standing[at] = standing[--standing_count];
    }
}

static void
wait_both(fp_recorder *recorder, fp_ticks off)
{
    fp_recorder_wait(recorder, off);
    if (current != NONE) {
        calls[current].off += off;
    }
}

static void
run_stream(unsigned seed)
{
    fp_budget budget;
    fp_recorder recorder;
    fp_ticks now = 0, lost = 0;

    srand(seed);
    budget.nodes_left = seed % 3 == 0 ? MOST_CALLS : below(60);
    first_hidden = KEY_COUNT - below(4);
    has_folded = seed % 2 == 0;
    call_count = 0;
    current = NONE;
    standing_count = 0;
    ck_assert_int_eq(fp_recorder_init(&recorder, &budget), FP_OK);
    ck_assert_int_eq(fp_recorder_keep_off(&recorder), FP_OK);
    for (unsigned event = 1; call_count < 150; event++) {
        const unsigned passed = below(50);
        now += passed;
        if (below(4) == 0) {
            wait_both(&recorder, below(passed + 1));
        }
        if (below(100) < 55) {
            const bool again = current != NONE && below(25) == 0;
            const fp_frame own = again ? calls[current].frame : frame(event);
            enter_both(&recorder, below(KEY_COUNT), own, now, now - lost);
        } else {
            const fp_frame own = some_frame(event);
            const bool raised = below(5) == 0;
            fp_recorder_leave(&recorder, own, now, raised);
            model_leave(own, now - lost, raised);
        }
        if (below(5) == 0) {
            suspend_both(&recorder, now, now - lost);
        }
        if (below(8) == 0) {
            resume_both(&recorder, now, now - lost);
        }
        if (below(10) == 0) {
            const fp_ticks gap = below(1000);
            fp_recorder_lose(&recorder, gap);
            lost += gap;
            now += gap;
        }
        if (below(40) == 0) {
            compare(&recorder, now, now - lost);
        }
    }
    fp_recorder_close(&recorder, now);
    while (current != NONE) {
        model_end(now - lost, false);
    }
    compare(&recorder, now + 77, now + 77);
    fp_recorder_free(&recorder);
}

START_TEST(random_streams_give_the_figures_of_the_model)
{
    for (unsigned seed = 1; seed <= 100; seed++) {
        run_stream(seed);
    }
}
END_TEST

/* Random bytes, most of them small, as the numbers of real ones are. */
START_TEST(random_bytes_are_refused_or_harmless)
{
    uint8_t bytes[200];

    srand(1);
    for (int round = 0; round < 200000; round++) {
        const size_t size = below(sizeof bytes);
        fp_snapshot decoded;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)(below(4) == 0 ? below(256) : below(4));
        }
        if (fp_snapshot_decode(&decoded, bytes, size, KEY_COUNT) == FP_OK) {
            fp_stats stats;
            ck_assert_int_eq(fp_stats_build(&stats, &decoded, KEY_COUNT, NULL, false),
                             FP_OK);
            fp_stats_free(&stats);
            fp_snapshot_free(&decoded);
        }
    }
}
END_TEST

RUN_SUITE("random", random_streams_give_the_figures_of_the_model,
          random_bytes_are_refused_or_harmless)
