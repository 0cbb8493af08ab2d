#include "recorder.h"

#include "alloc.h"

#include <string.h>

#define FIRST_STACK_ENTRIES 64U
#define FIRST_OFF_ENTRIES 64U
#define FIRST_RESUMPTIONS 64U

fp_status
fp_recorder_init(fp_recorder *recorder, fp_budget *budget)
{
    *recorder = (fp_recorder){
        .nowhere = {.last_child = FP_NO_NODE, .successor = FP_NO_NODE},
    };
    fp_suspensions_init(&recorder->suspensions);
    recorder->stack = fp_alloc(FIRST_STACK_ENTRIES * sizeof *recorder->stack);
    if (recorder->stack == NULL) {
        return FP_NOMEM;
    }
    if (fp_calltree_init(&recorder->tree, budget) != FP_OK) {
        fp_free(recorder->stack);
        recorder->stack = NULL;
        return FP_NOMEM;
    }
    recorder->stack[0] = (fp_open_call){.node = recorder->tree.root};
    recorder->stack[1] = (fp_open_call){0}; /* see fp_recorder_last */
    recorder->top = recorder->stack;
    recorder->limit = recorder->stack + FIRST_STACK_ENTRIES - 1;
    return FP_OK;
}

fp_status
fp_recorder_keep_off(fp_recorder *recorder)
{
    recorder->off = fp_alloc(FIRST_OFF_ENTRIES * sizeof *recorder->off);
    if (recorder->off == NULL) {
        return FP_NOMEM;
    }
    memset(recorder->off, 0, FIRST_OFF_ENTRIES * sizeof *recorder->off);
    recorder->off_size = FIRST_OFF_ENTRIES;
    return FP_OK;
}

void
fp_recorder_free(fp_recorder *recorder)
{
    fp_free(recorder->off);
    fp_free(recorder->resumptions);
    fp_free(recorder->places);
    fp_suspensions_free(&recorder->suspensions);
    fp_calltree_free(&recorder->tree);
    fp_pairs_free(recorder->pairs);
    fp_free(recorder->stack);
    *recorder = (fp_recorder){0};
}

static fp_ticks
program_time(const fp_recorder *recorder, fp_ticks now)
{
    return now - recorder->lost_ticks;
}

static bool
have_room(fp_recorder *recorder)
{
    const size_t depth = (size_t)(recorder->top - recorder->stack);
    size_t capacity = (size_t)(recorder->limit - recorder->stack) + 1;
    fp_open_call *stack;

    if (recorder->top != recorder->limit) {
        return true;
    }
    capacity *= 2;
    stack = fp_realloc(recorder->stack, capacity * sizeof *stack);
    if (stack == NULL) {
        return false;
    }
    recorder->stack = stack;
    recorder->top = stack + depth;
    recorder->limit = stack + capacity - 1;
    return true;
}

/* Whether there is room for what the next node waits. */
static bool
have_room_for_off(fp_recorder *recorder)
{
    const size_t size = recorder->off_size;
    fp_ticks *off;

    if (recorder->off == NULL || recorder->tree.count < size) {
        return true;
    }
    off = fp_realloc(recorder->off, 2 * size * sizeof *off);
    if (off == NULL) {
        return false;
    }
    memset(off + size, 0, size * sizeof *off);
    recorder->off = off;
    recorder->off_size = (uint32_t)(2 * size);
    return true;
}

/* The calls that are open go on in a table of pairs: what they have used so far stays
 * in the tree, and there they will be counted once, when they end. */
static fp_status
switch_to_pairs(fp_recorder *recorder, fp_ticks program_now)
{
    fp_pairs *pairs = fp_pairs_new();

    if (pairs == NULL) {
        return FP_NOMEM;
    }
    for (fp_open_call *call = recorder->stack + 1; call <= recorder->top; call++) {
        const fp_key key = call->node->edge.key;
        if (fp_pairs_enter(pairs, key, call->frame, program_now) < 0) {
            fp_pairs_free(pairs);
            return FP_NOMEM;
        }
        if (call->node->visibility != FP_SHOWN) {
            fp_pairs_hide(pairs, (fp_visibility)call->node->visibility);
        }
    }
    for (fp_open_call *call = recorder->stack + 1; call <= recorder->top; call++) {
        const fp_ticks elapsed = program_now - call->entered;
        call->node->inclusive_ticks += elapsed > 0 ? elapsed : 0;
    }
    recorder->pairs = pairs;
    recorder->parked.node = &recorder->nowhere; /* only now: the recorder may move */
    recorder->top = &recorder->parked;
    return FP_OK;
}

/* Calls are ended that are not the last thing to be done at `now`: what a look took
 * would be missing in what comes then. */
static void
put_off_look(fp_recorder *recorder, fp_ticks now)
{
    if (recorder->look_at < now) {
        recorder->look_at = now;
    }
}

fp_status
fp_recorder_enter_slow(fp_recorder *recorder, fp_key key, fp_frame frame, fp_ticks now)
{
    fp_node *child;
    fp_status status;

    if (recorder->pairs != NULL) {
        return fp_pairs_enter(recorder->pairs, key, frame, program_time(recorder, now));
    }
    if (recorder->top->frame == frame) {
        /* The same frame cannot be entered twice: its end was missed. */
        put_off_look(recorder, now);
        fp_recorder_leave(recorder, frame, now, false);
    }
    if (!have_room(recorder) || !have_room_for_off(recorder)) {
        return FP_NOMEM;
    }
    status = fp_calltree_child(&recorder->tree, recorder->top->node, key, &child);
    if (status == FP_FULL) {
        status = switch_to_pairs(recorder, program_time(recorder, now));
        return status < 0 ? status : fp_recorder_enter_slow(recorder, key, frame, now);
    }
    if (status >= 0) {
        *++recorder->top = (fp_open_call){child, frame, program_time(recorder, now)};
    }
    return status;
}

fp_status
fp_recorder_leave_slow(fp_recorder *recorder, fp_frame frame, fp_ticks now, bool raised)
{
    const fp_open_call *wanted = recorder->top;

    if (recorder->pairs != NULL) {
        return fp_pairs_leave(
            recorder->pairs, frame, program_time(recorder, now), raised);
    }
    while (wanted != recorder->stack && wanted->frame != frame) {
        wanted--;
    }
    if (wanted == recorder->stack) {
        return FP_UNKNOWN;
    }
    put_off_look(recorder, now);
    while (recorder->top != wanted) {
        fp_recorder_leave(recorder, recorder->top->frame, now, false);
    }
    return fp_recorder_leave(recorder, frame, now, raised);
}

FP_COLD void
fp_recorder_left(fp_recorder *recorder, fp_ticks elapsed, fp_ticks now)
{
    if (elapsed < 0) {
        recorder->top[1].node->inclusive_ticks -= elapsed;
        recorder->clamped++;
    }
    if (recorder->slowness == NULL) {
        recorder->look_at = INT64_MAX;
    } else if (now > recorder->look_at) {
        if (fp_slowness_is_due(recorder->slowness, now)) {
            fp_recorder_lose(recorder, fp_slowness_look(recorder->slowness));
        }
        recorder->look_at = recorder->slowness->looked_at + FP_LOOK_EVERY;
    }
}

/* Makes room for the resumptions of a node. */
static bool
have_room_for_resumption(fp_recorder *recorder, uint32_t index)
{
    size_t size = recorder->resumptions_size;
    fp_resumption *resumptions;

    size = size > 0 ? size : FIRST_RESUMPTIONS;
    while (size <= index) {
        size *= 2;
    }
    resumptions = fp_realloc(recorder->resumptions, size * sizeof *resumptions);
    if (resumptions == NULL) {
        return false;
    }
    memset(resumptions + recorder->resumptions_size,
           0,
           (size - recorder->resumptions_size) * sizeof *resumptions);
    recorder->resumptions = resumptions;
    recorder->resumptions_size = (uint32_t)size;
    return true;
}

fp_status
fp_recorder_resume_slow(fp_recorder *recorder, fp_frame frame, fp_ticks now)
{
    if (fp_recorder_current(recorder) != frame) {
        return FP_OK;
    }
    if (recorder->pairs != NULL) {
        fp_pairs_resume(recorder->pairs,
                        fp_suspensions_end(&recorder->suspensions,
                                           frame,
                                           program_time(recorder, now)));
        return FP_OK;
    }
    return have_room_for_resumption(recorder, recorder->top->node->index)
               ? fp_recorder_resume(recorder, frame, now)
               : FP_NOMEM;
}

fp_ticks
fp_recorder_last(const fp_recorder *recorder)
{
    return recorder->pairs != NULL
               ? fp_pairs_last(recorder->pairs) + recorder->lost_ticks
               : recorder->stack[1].entered;
}

void
fp_recorder_wait(fp_recorder *recorder, fp_ticks off)
{
    if (recorder->pairs != NULL) {
        fp_pairs_wait(recorder->pairs, off);
    } else if (recorder->top != recorder->stack) {
        recorder->off[recorder->top->node->index] += off;
    }
}

void
fp_recorder_hide(fp_recorder *recorder, fp_visibility visibility)
{
    if (recorder->pairs != NULL) {
        fp_pairs_hide(recorder->pairs, visibility);
    } else {
        recorder->top->node->visibility = visibility;
    }
}

fp_frame
fp_recorder_current(const fp_recorder *recorder)
{
    if (recorder->pairs != NULL) {
        return fp_pairs_current(recorder->pairs);
    }
    return recorder->top != NULL ? recorder->top->frame : 0; /* retired */
}

void
fp_recorder_close(fp_recorder *recorder, fp_ticks now)
{
    fp_suspensions_free(&recorder->suspensions);
    if (recorder->pairs != NULL) {
        fp_pairs_close(recorder->pairs, program_time(recorder, now));
        return;
    }
    put_off_look(recorder, now);
    while (recorder->top != recorder->stack) {
        fp_recorder_leave(recorder, recorder->top->frame, now, false);
    }
}

static void
add_calls(void *sum, fp_node *node)
{
    *(int64_t *)sum += node->visibility == FP_SHOWN ? node->calls : 0;
}

int64_t
fp_recorder_calls(const fp_recorder *recorder)
{
    int64_t calls = 0;

    fp_calltree_walk(&recorder->tree, add_calls, &calls);
    return calls + (recorder->pairs != NULL ? fp_pairs_calls(recorder->pairs) : 0);
}

int64_t
fp_recorder_clamped(const fp_recorder *recorder)
{
    return recorder->clamped +
           (recorder->pairs != NULL ? fp_pairs_clamped(recorder->pairs) : 0);
}

void
fp_recorder_retire(fp_recorder *recorder)
{
    fp_calltree_retire(&recorder->tree);
    fp_free(recorder->stack);
    recorder->stack = recorder->limit = recorder->top = NULL;
}
