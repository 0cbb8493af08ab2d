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

typedef struct {
    /* Links the session to the calling thread, or to all. -1 with an exception: the
     * caller detaches what is linked. */
    int (*attach)(fpy_session *session);
    /* The session's options have changed. */
    void (*update)(fpy_session *session);
    /* Unlinks it from all threads; notes in the session whether the program had put
     * another hook in our place. Does not end the open calls. */
    void (*detach)(fpy_session *session);
} fpy_hook;

/* PyEval_SetProfile: all versions. */
extern const fpy_hook fpy_hook_setprofile;

/* The type of the object that holds a thread's recorders. */
extern PyType_Spec fpy_thread_spec;

/* Remembers where the functions lie that start threads; -1 with an exception. */
int fpy_find_thread_starters(fpy_state *state);

#endif
