/* thread.h -- the recorders of one thread: what an event source finds when the thread
 * calls.
 *
 * Ownership  a thread links recorders; their sessions own them.
 * Threads    the interpreter's lock protects everything here.
 */
#ifndef FPY_THREAD_H
#define FPY_THREAD_H

#include "session.h"

typedef struct fpy_thread {
    fpy_recorder
        *only; /* when there is one recorder, by our clock and of all; else NULL */
    fpy_recorder *recorders;
    uint64_t id;    /* of the PyThreadState */
    uint64_t ident; /* threading.get_ident() */
    uint64_t event_count;
} fpy_thread;

/* An event, as far as it may be of no use. */
typedef struct fpy_event {
    bool (*is_of_use)(const struct fpy_event *event, const fpy_recorder *recorder);
} fpy_event;

/* The session's recorder on this thread (NULL: no thread), or NULL. */
fpy_recorder *fpy_thread_recorder(const fpy_thread *thread, const fpy_session *session);

/* The recorder is linked to no thread; afterwards to this one. */
void fpy_thread_link(fpy_thread *thread, fpy_recorder *recorder);

/* The recorder is linked to a thread; afterwards to none. */
void fpy_thread_unlink(fpy_recorder *recorder);

/* The thread has ended: so have the calls that are open on it. Unlinks all. */
void fpy_thread_end(fpy_thread *thread);

/* Unlinks all recorders of a session, and watches them no more. */
void fpy_thread_unlink_session(fpy_session *session);

/* A thread has a new event: it is offered to its recorders one by one. The timer and
 * the naming of a callable may run Python code that links and unlinks recorders, and
 * frees them: so nothing is kept across them but the event's number.
 *
 * `now` is the time by the module's clock, and is changed to the recorder's own; NULL
 * when all have been offered the event. A timer is not asked for an event that is of no
 * use to its recorder. */
void fpy_thread_begin_event(fpy_thread *thread);
fpy_recorder *fpy_thread_next(fpy_thread *thread, const fpy_event *event,
                              fp_ticks clock_now, fp_ticks *now);

/* A Python function begins (Py_True), returns (Py_False; not by a yield) or ends with
 * an exception (Py_None) in a thread that the session records: asks the session's wire
 * on it, if there is one. -1 with the exception that it raised, and that is the
 * function's; never if that has one already. */
int fpy_thread_trip(fpy_session *session, PyCodeObject *code, PyObject *phase);

/* Takes the exception that is set out of the way: it is kept in the three, if they hold
 * none yet. */
void fpy_keep_first_exception(PyObject **type, PyObject **value, PyObject **traceback);

/* Memory has run out: recording stops on all threads, and the program goes on. Runs no
 * Python code. */
void fpy_thread_give_up(fpy_session *session);

#endif
