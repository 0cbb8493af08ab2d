/* hook.h -- what an event source is.
 *
 * It links a session's recorders to threads of the interpreter and feeds them; linking
 * the first recorder to a thread installs the interpreter's hook there, unlinking the
 * last one takes it away.
 *
 * A hook never raises into the program. One that is not ours is never touched.
 */
#ifndef FPY_HOOK_H
#define FPY_HOOK_H

#include "session.h"

typedef struct fpy_hook {
    const char *name;
    /* Links the session to the calling thread, or to all. -1 with an exception: the
     * caller detaches what is linked. NULL: not to be had on this Python. */
    int (*attach)(fpy_session *session);
    /* The session's options have changed. -1 with an exception. */
    int (*update)(fpy_session *session);
    /* Unlinks it from all threads; notes in the session whether the program had put
     * another hook in our place. Does not end the open calls. */
    void (*detach)(fpy_session *session);
} fpy_hook;

/* PyEval_SetProfile: all versions. */
extern const fpy_hook fpy_hook_setprofile;

/* sys.monitoring: 3.12 and newer. */
extern const fpy_hook fpy_hook_monitoring;

/* The type of the object that holds a thread's recorders, for SetProfile. */
extern PyType_Spec fpy_hook_spec;

/* The type of monitoring's callbacks; only where the source is to be had. */
extern PyType_Spec fpy_callback_spec;

/* Hooks of threads that are not recorded now. */
void fpy_drop_idle_hooks(fpy_state *state);
int fpy_traverse_idle_hooks(const fpy_state *state, visitproc visit, void *arg);

/* Remembers where the functions lie that start threads; -1 with an exception. */
int fpy_find_thread_starters(fpy_state *state);

/* The state's part of monitoring. -1 with an exception. */
int fpy_monitor_init(fpy_state *state);
bool fpy_monitor_is_alone(const fpy_state *state); /* no other tool has a number */
int fpy_monitor_traverse(fpy_state *state, visitproc visit, void *arg);
void fpy_monitor_clear(fpy_state *state);
void fpy_monitor_free(fpy_state *state);

#endif
