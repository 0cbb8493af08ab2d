/* monitor.h -- what the event source `monitoring` knows of the interpreter: our place
 * in sys.monitoring, the threads that had events, and which of them goes the fast way.
 *
 * Ownership  the module's state owns it; it owns the threads, not their recorders.
 * Threads    the interpreter's lock protects everything here.
 */
#ifndef FPY_MONITOR_H
#define FPY_MONITOR_H

#include "thread.h"
#include "tool.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef FPY_HAVE_MONITORING

/* A thread that has had an event while we were there. */
typedef struct {
    fpy_thread thread;
    UT_hash_handle hh;
} fpy_monitored;

typedef struct fpy_monitor {
    /* First what every event looks at, for it to lie in one cache line.
     *
     * The thread whose events go the fast way; NULL: none. `c_thread` is the same if
     * its recorder wants C functions, else NULL. Both may have ended, and another
     * thread may have the address of its state: what begins where no call is open asks
     * for the number too. A thread with open calls has not ended. */
    const PyThreadState *fast_thread;
    const PyThreadState *c_thread;
    PyThreadState *const volatile *running; /* where the calling thread's state is */
    fpy_recorder *recorder;                 /* of the fast thread */
    const PyObject *missing;                /* the tool's */
    uint64_t fast_id;      /* of the fast thread: the number of its PyThreadState */
    uint64_t idle_id;      /* that of one which has no recorders; 0: not known */
    PyThreadState *nobody; /* no thread: `running` leads here when it is not known */
    fpy_state *state;
    fpy_monitored *threads;
    bool has_fast_way;
    int feeding; /* threads in `feed_slowly`: while it is not 0, none is forgotten */
    fpy_tool tool;
} fpy_monitor;

/* No thread goes the fast way until the next event; afterwards this one, which calls,
 * if it can. */
void fpy_monitor_forget_last_thread(fpy_monitor *monitor);
void fpy_monitor_remember_last_thread(fpy_monitor *monitor, const fpy_thread *thread,
                                      const PyThreadState *state);

/* The thread that has an event, with the recorders of all sessions that want it; NULL
 * when there is no memory to know it. */
fpy_monitored *fpy_monitor_thread(fpy_monitor *monitor, const PyThreadState *thread);

/* Links a session to a thread that is known. False: no memory. */
bool fpy_monitor_link(fpy_session *session, fpy_monitored *one);

/* None of them may have recorders. */
void fpy_monitor_forget_threads(fpy_monitor *monitor);

#endif

/* As fpy_thread_give_up, whatever the session's source is. */
void fpy_monitor_give_up(fpy_session *session);

#endif
