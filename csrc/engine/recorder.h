/* recorder.h -- one thread's calls, as they begin and end.
 *
 * A stack of the calls that are open, each with its node in the tree. Enter and leave
 * are paired by `frame`, an identity that no two open calls share; so a missed event
 * costs one call at most: a frame that is entered again has ended unseen, and leaving
 * a frame ends what is open above it. A frame that is not open is ignored: it was
 * entered before recording began.
 *
 * When the node budget is used up, the stack moves over to `fp_pairs`, and `top` to a
 * place where every enter and leave takes the slow way, so the fast way has no test
 * for it.
 *
 * Units      ticks; callers pass `now` in.
 * Ownership  the recorder owns its stack and tree; keys are opaque and not owned.
 * Threads    none: written by its thread only, no locks inside.
 */
#ifndef FP_RECORDER_H
#define FP_RECORDER_H

#include "calltree.h"
#include "clock.h"
#include "pairs.h"
#include "slowness.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define FP_LIKELY(condition) __builtin_expect(!!(condition), 1)
/* Kept out of the hot path, which then saves fewer registers. */
#define FP_COLD __attribute__((noinline, cold))
#define FP_OUT_OF_LINE __attribute__((noinline))
#else
#define FP_LIKELY(condition) (condition)
#define FP_COLD
#define FP_OUT_OF_LINE
#endif

typedef struct {
    fp_node *node;
    fp_frame frame;
    fp_ticks entered; /* above `top`: when the last call at this depth ended */
} fp_open_call;

/* Calls of a node that went on with a generator. */
typedef struct {
    int64_t calls;
    fp_ticks suspended; /* how long it had stood still */
} fp_resumption;

typedef struct {
    fp_open_call *top;   /* stack[0] is the root's, and is never left */
    fp_open_call *limit; /* the last place of the stack */
    fp_ticks lost_ticks; /* the profiler's own time: the program's clock is behind */
    fp_ticks look_at;    /* then it is looked how fast the processor is */
    int64_t clamped;     /* calls that seemed to end before they began */
    fp_calltree tree;
    fp_slowness *slowness; /* to be kept up; or NULL */
    fp_open_call *stack;
    fp_ticks *off;     /* by a node's index: see fp_recorder_wait; or NULL */
    uint32_t off_size; /* nodes there is room for */
    fp_suspensions suspensions;
    fp_resumption *resumptions;      /* by a node's index, or NULL: none has any */
    uint32_t resumptions_size;       /* nodes there is room for */
    struct fp_folding_place *places; /* by a node's index, or NULL: see folding.h */
    uint32_t places_size;            /* nodes there is room for */
    fp_pairs *pairs;                 /* NULL until the budget is used up */
    fp_open_call parked; /* where `top` points then; its node is the next: */
    fp_node nowhere;     /* no node's child, without children */
} fp_recorder;

/* FP_NOMEM: there is no recorder, and nothing to free. */
fp_status fp_recorder_init(fp_recorder *recorder, fp_budget *budget);

/* From now on fp_recorder_wait may be called; before the first call is entered. FP_OK,
 * or FP_NOMEM: nothing changed. */
fp_status fp_recorder_keep_off(fp_recorder *recorder);
void fp_recorder_free(fp_recorder *recorder);

fp_status fp_recorder_enter_slow(fp_recorder *recorder, fp_key key, fp_frame frame,
                                 fp_ticks now);
fp_status fp_recorder_leave_slow(fp_recorder *recorder, fp_frame frame, fp_ticks now,
                                 bool raised);

/* Of a call that has just been left, what is seldom: it seemed to end before it began,
 * or it is time to look how fast the processor is. */
void fp_recorder_left(fp_recorder *recorder, fp_ticks elapsed, fp_ticks now);

/* The fast way of fp_recorder_enter, for a child that is foreseen. False: it takes the
 * slow one; nothing was done. */
static inline bool
fp_recorder_try_enter(fp_recorder *recorder, fp_key key, fp_frame frame, fp_ticks now)
{
    fp_open_call *top = recorder->top;
    fp_node *child = fp_calltree_foreseen(top->node, key);

    if (FP_LIKELY(child->edge.key == key && top->frame != frame &&
                  top != recorder->limit)) {
        top->node->last_child = child;
        top[1].node = child;
        top[1].frame = frame;
        top[1].entered = now - recorder->lost_ticks;
        recorder->top = top + 1;
        return true;
    }
    return false;
}

/* The next way: looks the path up; adds none. False as above. */
static inline bool
fp_recorder_enter_known(fp_recorder *recorder, fp_key key, fp_frame frame, fp_ticks now)
{
    fp_open_call *top = recorder->top;
    fp_node *child;

    if (recorder->pairs != NULL || top->frame == frame || top == recorder->limit) {
        return false;
    }
    child = fp_calltree_find(&recorder->tree, top->node, key);
    if (child == NULL) {
        return false;
    }
    top[1].node = child;
    top[1].frame = frame;
    top[1].entered = now - recorder->lost_ticks;
    recorder->top = top + 1;
    return true;
}

/* Whether the call that is to be left was the innermost one, and is left; oddly: its
 * time is for fp_recorder_left. */
typedef enum { FP_NOT_ON_TOP, FP_LEFT, FP_LEFT_ODDLY } fp_leaving;

/* The fast way of fp_recorder_leave, for who calls the other ways as the last that he
 * does: so nothing need be kept meanwhile. */
static inline fp_leaving
fp_recorder_leave_top(fp_recorder *recorder, fp_frame frame, fp_ticks now, bool raised,
                      fp_ticks *elapsed)
{
    fp_open_call *top = recorder->top;
    fp_node *node = top->node;
    uint64_t left; /* until the next look; both signs are seen in one */

    if (!FP_LIKELY(top->frame == frame)) {
        return FP_NOT_ON_TOP;
    }
    *elapsed = now - recorder->lost_ticks - top->entered;
    node->calls++;
    if (raised) {
        node->raised++;
    }
    node->inclusive_ticks += *elapsed;
    top->entered = now;
    recorder->top = top - 1;
    left = (uint64_t)recorder->look_at - (uint64_t)now;
    return FP_LIKELY((int64_t)((uint64_t)*elapsed | left) >= 0) ? FP_LEFT
                                                                : FP_LEFT_ODDLY;
}

/* The same. False: it takes the slow one; nothing was done. */
static inline bool
fp_recorder_try_leave(fp_recorder *recorder, fp_frame frame, fp_ticks now, bool raised)
{
    fp_ticks elapsed;
    const fp_leaving leaving =
        fp_recorder_leave_top(recorder, frame, now, raised, &elapsed);

    if (leaving == FP_LEFT_ODDLY) {
        fp_recorder_left(recorder, elapsed, now);
    }
    return leaving != FP_NOT_ON_TOP;
}

/* A call of `key` begins. FP_OK; FP_ADDED: a new path, it took time (see
 * fp_recorder_lose); FP_NOMEM: nothing was entered. */
static inline fp_status
fp_recorder_enter(fp_recorder *recorder, fp_key key, fp_frame frame, fp_ticks now)
{
    return fp_recorder_try_enter(recorder, key, frame, now)
               ? FP_OK
               : fp_recorder_enter_slow(recorder, key, frame, now);
}

/* The call with this frame ends. FP_OK, or FP_UNKNOWN: it is not open. */
static inline fp_status
fp_recorder_leave(fp_recorder *recorder, fp_frame frame, fp_ticks now, bool raised)
{
    return fp_recorder_try_leave(recorder, frame, now, raised)
               ? FP_OK
               : fp_recorder_leave_slow(recorder, frame, now, raised);
}

/* The call that was entered last, and all others on its path, have this visibility,
 * which is not FP_SHOWN. To be called whenever its enter answered FP_ADDED. */
void fp_recorder_hide(fp_recorder *recorder, fp_visibility visibility);

/* The innermost call had an event that begins and ends no call: the interpreter's way
 * there and back took time, and `weight` times that of the shortest. */
static inline void
fp_recorder_aside(fp_recorder *recorder, uint32_t weight)
{
    fp_node *node = recorder->top->node;

    if (FP_LIKELY(node->asides < UINT32_MAX - weight)) {
        node->asides += weight;
    }
}

/* The call that was entered last, and all others on its path, are a Python function's,
 * which may be a generator. To be called whenever its enter answered FP_ADDED. */
static inline void
fp_recorder_mark_python(fp_recorder *recorder, bool is_generator)
{
    if (recorder->pairs == NULL) {
        recorder->top->node->is_python = true;
        recorder->top->node->suspends = is_generator;
    }
}

/* The call that fp_recorder_try_enter has just entered is none. */
static inline void
fp_recorder_retract(fp_recorder *recorder, fp_ticks now)
{
    recorder->top->entered = now;
    recorder->top--;
}

fp_status fp_recorder_resume_slow(fp_recorder *recorder, fp_frame frame, fp_ticks now);

/* The call that was entered last, if it has this frame, goes on with a generator.
 * FP_OK, or FP_NOMEM: it is not counted as that. */
static inline fp_status
fp_recorder_resume(fp_recorder *recorder, fp_frame frame, fp_ticks now)
{
    const fp_open_call *top = recorder->top;

    if (FP_LIKELY(top->frame == frame &&
                  top->node->index < recorder->resumptions_size)) {
        fp_resumption *resumption = &recorder->resumptions[top->node->index];
        resumption->calls++;
        resumption->suspended += fp_suspensions_end(
            &recorder->suspensions, frame, now - recorder->lost_ticks);
        return FP_OK;
    }
    return fp_recorder_resume_slow(recorder, frame, now);
}

/* The generator whose frame this is yields: its call is to be left next. FP_OK, or
 * FP_NOMEM: nothing changed. */
static inline fp_status
fp_recorder_suspend(fp_recorder *recorder, fp_frame frame, fp_ticks now)
{
    return fp_suspensions_begin(
        &recorder->suspensions, frame, now - recorder->lost_ticks);
}

/* Where no call is open: when the last one ended, as the clock has it. */
fp_ticks fp_recorder_last(const fp_recorder *recorder);

/* The thread was off the CPU, while the innermost call ran (if there is one). */
void fp_recorder_wait(fp_recorder *recorder, fp_ticks off);

/* The profiler itself used `ticks`: they are nobody's. */
static inline void
fp_recorder_lose(fp_recorder *recorder, fp_ticks ticks)
{
    recorder->lost_ticks += ticks;
}

/* The frame that was entered last and is open; 0 when there is none. */
fp_frame fp_recorder_current(const fp_recorder *recorder);

/* Ends all calls that are open: recording stops. What stands still may go on unseen, so
 * since when is forgotten. */
void fp_recorder_close(fp_recorder *recorder, fp_ticks now);

/* Calls that have ended, of what shows. */
int64_t fp_recorder_calls(const fp_recorder *recorder);

/* Calls that seemed to end before they began. */
int64_t fp_recorder_clamped(const fp_recorder *recorder);

/* Nothing will be recorded any more: gives back what only recording needs. The calls
 * must be closed; the recorder can only be read and freed. */
void fp_recorder_retire(fp_recorder *recorder);

#endif
