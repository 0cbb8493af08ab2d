/* session.h -- what one profiler records: its recorders, one per thread, its names,
 * and its clock. An event source feeds recorders; it never sees the Profiler object.
 *
 * Ownership  the Profiler object owns its session, the session its recorders. A thread
 *            (of an event source) only links them.
 * Threads    the interpreter's lock protects everything here. A custom timer and the
 *            naming of a callable may run Python code, and so let other threads in:
 *            `busy` counts them, and while it is not 0 nothing is freed.
 */
#ifndef FPY_SESSION_H
#define FPY_SESSION_H

#include "callable.h"
#include "compat.h"
#include "focus.h"
#include "state.h"
#include "thrift.h"

#include "../engine/presence.h"
#include "../engine/recorder.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct fpy_session fpy_session;
struct fpy_hook;
struct fpy_thread;

/* Python frames are told apart by an address; a C function has the identity of the
 * frame that calls it, with the lowest bit set. */
#define FPY_C_CALL ((fp_frame)1)

/* So many asides are an event that begins and ends nothing: a CALL of a Python function
 * that is announced by its own event, the C_RETURN of a class; with a profile function,
 * both events of a C function that is not recorded. What else costs time is
 * counted in the same unit, to a quarter of such an event. */
#define FPY_ASIDE 4

/* Which callables that are not Python functions are recorded. */
typedef enum {
    FPY_BUILTINS_NONE,
    FPY_BUILTINS_C,   /* C functions and methods, as _lsprof has it */
    FPY_BUILTINS_ALL, /* classes and all others too */
} fpy_builtins;

/* What times are. */
typedef enum {
    FPY_WALL,
    FPY_CPU,  /* what threads are on a CPU */
    FPY_BOTH, /* what passes, and of it what threads are off the CPU */
} fpy_measure;

typedef struct fpy_recorder {
    fpy_builtins builtins; /* the session's, at hand, as the next */
    fpy_measure measure;
    bool is_choosy; /* leaves something out */
    fp_recorder engine;
    fpy_session *session;
    struct fpy_recorder *next; /* in one of the session's lists */
    /* For the event source. */
    struct fpy_recorder *next_on_thread;
    struct fpy_thread *thread; /* NULL: not linked to one */
    uint64_t thread_id;        /* of the PyThreadState; never used again for another */
    uint64_t ident;            /* threading.get_ident() */
    PyObject *name;            /* the thread's, as far as it is known; or NULL */
    fp_ticks first;            /* when its first call began, as the clock has it, */
    fp_ticks last;             /* and once it is retired: when the last one ended */
    fp_frame base_frame;       /* the frame that enabled, until it is left; or 0 */
    uint64_t last_event;       /* number of the last event it was offered */
    fp_presence presence;      /* of its thread, but for FPY_WALL */
    bool watched; /* linked since the last detach: its hook should be there */
} fpy_recorder;

/* From each time that it was enabled to when it was disabled: by the module's clock,
 * also where there is a timer. */
typedef struct {
    int64_t count;
    fp_ticks ticks; /* of those that have ended */
    fp_ticks first; /* when the first one began, */
    fp_ticks began; /* and the last one, */
    fp_ticks ended; /* and when it ended, if it is not enabled */
} fpy_spans;

struct fpy_session {
    fpy_state *state; /* borrowed: the owner's type keeps it */
    PyObject *owner;  /* the Profiler object; borrowed */
    const struct fpy_hook *source;
    fpy_calibration *calibration; /* the source's, in the state */
    fpy_recorder *recorders;      /* of threads that may still call */
    fpy_recorder *retired;        /* of threads that have ended: to be read only */
    fpy_callables callables;
    fp_budget budget;
    size_t max_nodes; /* what the budget is at first */
    fpy_focus focus;
    fpy_thrift thrift;
    bool has_choosy_way; /* its source needs no slow way to leave something out */
    PyObject *wires;     /* what is asked when a function begins or returns, by the
                            address of its code (a dict); NULL: nothing */
    PyObject *timer;     /* NULL: the module's clock */
    double timer_unit;
    fp_ticks timer_last;
    unsigned long timer_thread; /* who called the timer last, while busy */
    int busy;
    bool enabled;
    fp_ticks began; /* when it was first enabled; 0: never */
    fpy_spans spans;
    fp_slowness slowness; /* if times are to be compensated */
    int enabled_line;     /* where in the program; with the code object: */
    PyObject *enabled_in; /* NULL while it is not enabled, or when no Python code did */
    bool subcalls;
    fpy_builtins builtins;
    bool all_threads;
    fpy_measure measure;
    bool compensate;
    bool lacked_costs; /* of events, when it was enabled: times stay as recorded */
    bool incomplete;   /* memory ran out: recording stopped */
    bool hook_lost;    /* the program put another hook in our place */
    bool threads_lost; /* a new thread had a hook of somebody else's */
    fpy_session *next_active;
};

/* Ticks now: the module's clock, or the custom timer. A timer that fails is reported
 * to sys.unraisablehook, and no time passes. May run Python code if there is one. */
fp_ticks fpy_session_now(fpy_session *session);

/* The same without asking a timer: it stands still. */
fp_ticks fpy_session_now_quietly(const fpy_session *session);

/* Seconds per tick. */
double fpy_session_scale(fpy_session *session);

/* Whether the calling thread is inside this session's timer. */
bool fpy_session_in_timer(const fpy_session *session);

/* Keeps the profiler, and with it the session, until Py_DECREF(session->owner); NULL
 * is let through. */
static inline fpy_session *
fpy_session_held(fpy_session *session)
{
    if (session != NULL) {
        Py_INCREF(session->owner);
    }
    return session;
}

/* The recorder for a thread, made if it is new; NULL when there is no memory. */
fpy_recorder *fpy_session_recorder(fpy_session *session, uint64_t thread_id,
                                   uint64_t ident);

/* The one of the calling thread, if the session records there now; or NULL. */
fpy_recorder *fpy_session_recorder_here(const fpy_session *session);

/* The time of an event of the calling thread, which the session records. May run Python
 * code if there is a timer. */
fp_ticks fpy_session_event_time(fpy_session *session);

/* Whether no other records. */
static inline bool
fpy_session_is_alone(const fpy_session *session)
{
    return session->state->active == session && session->next_active == NULL;
}

/* Whether it leaves something out. */
static inline bool
fpy_session_is_choosy(const fpy_session *session)
{
    return session->focus.predicate != NULL || fpy_thrift_is_on(&session->thrift);
}

/* Whether a function is not left out, whose code runs now in this frame: it is the
 * innermost call, or the session wants it. May run Python code, and so the caller holds
 * the session; false, too, if that has taken the recorder from its thread. */
bool fpy_recorder_wants(fpy_recorder *recorder, PyCodeObject *code, fp_frame frame);

/* The option `builtins` has changed. C functions that are open when they are no longer
 * wanted end here: their returns will not be looked at. */
void fpy_session_update_builtins(fpy_session *session);

/* The name that `threading` has for a thread, if it has one; a new reference, or NULL.
 * May run Python code. */
PyObject *fpy_thread_name(uint64_t ident);

/* Its thread has ended, and it is linked to none: closes it, and gives back what only
 * recording needs. */
void fpy_recorder_retire(fpy_recorder *recorder, fp_ticks now);

/* Enters a call of `callee`, the code object of the function that runs now, or another
 * callable; names what is new, and takes the time that this took out of the program's.
 * False: memory has run out; the caller stops the session. */
bool fpy_recorder_enter(fpy_recorder *recorder, PyObject *callee, fp_frame identity,
                        fp_ticks now);

/* Whether times are to be compensated, but what events cost is not known. */
static inline bool
fpy_session_lacks_costs(const fpy_session *session)
{
    return session->compensate && !session->calibration->is_done;
}

/* The recorder's thread, which calls, was off the CPU: takes that out of its time, or
 * charges it to the innermost call. The answer is the time of the event that had come
 * at `now`. */
fp_ticks fpy_recorder_catch_up(fpy_recorder *recorder, fp_ticks now);

/* The time of an event of the recorder's thread, which calls; its clock is inline.
 * `cpu`: a session asks for more than the wall clock, perhaps this one. */
static inline fp_ticks
fpy_recorder_time(fpy_recorder *recorder, const bool cpu)
{
    const fp_ticks now = fp_clock_now_inline();

    if (cpu && recorder->measure != FPY_WALL &&
        fp_presence_is_doubtful(&recorder->presence, now)) {
        return fpy_recorder_catch_up(recorder, now);
    }
    return now;
}

/* The time to end the recorder's open calls at, whatever thread calls. */
fp_ticks fpy_recorder_now(fpy_recorder *recorder, fp_ticks now);

/* Ends all open calls of all threads. */
void fpy_session_close(fpy_session *session, fp_ticks now);

/* Forgets what was recorded; goes on recording if it is enabled. False: no memory, and
 * recorders that could not begin anew keep what they have. */
bool fpy_session_clear(fpy_session *session);

/* Frees the recorders; none may be linked to a thread. */
void fpy_session_free(fpy_session *session);

/* A span begins, or ends. */
void fpy_session_begin_span(fpy_session *session);
void fpy_session_end_span(fpy_session *session);

/* Looks how fast the processor is. */
void fpy_session_look(fpy_session *session);

/* Calls that have been recorded up to now and have ended. It takes as long as it takes
 * to look at each path once. */
int64_t fpy_session_calls(const fpy_session *session);

/* The list of sessions that record. */
void fpy_session_activate(fpy_session *session);
void fpy_session_deactivate(fpy_session *session);

#endif
