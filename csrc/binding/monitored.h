/* monitored.h -- what the callbacks of the event source `monitoring` have in common:
 * those that record all (hook_monitoring.c), and those that leave some out (choosy.c).
 */
#ifndef FPY_MONITORED_H
#define FPY_MONITORED_H

#include "key.h"
#include "making.h"
#include "monitor.h"

#ifdef FPY_HAVE_MONITORING

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    fpy_monitor *monitor; /* the module's state keeps it, our type the module */
} fpy_callback;

/* ---- events ---- */

static inline fpy_monitor *
fpy_monitor_of(PyObject *self)
{
    return ((fpy_callback *)self)->monitor;
}

static inline fp_frame
fpy_identity_of(const PyThreadState *thread)
{
    return (fp_frame)fpy_current_frame(thread);
}

/* The thread that calls, as far as the fast way asks for it. */
static inline const PyThreadState *
fpy_running_thread(const fpy_monitor *monitor)
{
#ifdef FPY_KNOWS_RUNNING_THREAD
    return *monitor->running;
#else
    (void)monitor;
    return fpy_current_thread();
#endif
}

/* Whether a thread of this address is the fast one: see fpy_monitor. */
static inline bool
fpy_is_fast_thread(const fpy_monitor *monitor, const PyThreadState *thread)
{
    return monitor->recorder->engine.top->frame != 0 || thread->id == monitor->fast_id;
}

/* What ends with an enter of a Python function: a C function that was called by the
 * frame that calls it now, without C between them, has ended unseen (another tool
 * raised). */
static inline void
fpy_leave_ended_c_call(fpy_recorder *recorder, const PyThreadState *thread,
                       fp_ticks now)
{
    const fp_frame top = recorder->engine.top->frame;

    if ((top & FPY_C_CALL) != 0 &&
        (fp_frame)fpy_previous_frame(fpy_current_frame(thread)) + FPY_C_CALL == top) {
        fp_recorder_leave(&recorder->engine, top, now, true);
    }
}

/* The key of a callable for `_lsprof`'s kind of recording, without a call, for most:
 * not for a method of a subclass's instance. */
static inline fp_key
fpy_plain_c_key(PyObject *callable, PyObject *first, const PyObject *missing)
{
    if (Py_IS_TYPE(callable, &PyCFunction_Type)) {
        return fpy_c_function_key(callable);
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type) &&
        Py_IS_TYPE(first, ((PyMethodDescrObject *)callable)->d_common.d_type) &&
        first != missing) {
        return ((PyMethodDescrObject *)callable)->d_method;
    }
    if (Py_IS_TYPE(callable, &PyCMethod_Type)) { /* as that of `re.Pattern.match` */
        return fpy_c_function_key(callable);
    }
    return NULL;
}

/* A call of a C function begins. */
void fpy_enter_c(fpy_recorder *recorder, PyObject *callee, PyObject *first, fp_key key,
                 fp_frame identity, fp_ticks now);

/* What a CALL names, as far as it is recorded: its key, and the callable itself, which
 * is another one where a bound method counts as a call of its function; NULL: it is not
 * recorded. */
fp_key fpy_wanted_key(const fpy_recorder *recorder, PyObject *callable, PyObject *first,
                      PyObject **callee);

/* A C_RETURN or C_RAISE where the last that was entered is not a C function of this
 * frame: the CALL entered nothing, or what it entered has other calls above it that
 * ended unseen. */
PyObject *fpy_other_c_leave(fpy_recorder *recorder, PyObject *callable,
                            fp_frame identity, bool raised);

/* A generator is thrown into, which may not have begun, or goes on by a path that was
 * not foreseen. */
PyObject *fpy_resume_slowly(fpy_recorder *recorder, PyObject *const *args, int kind,
                            fp_frame frame, fp_ticks now);

/* Several recorders, a custom timer, wires, or another thread than the last time. NULL
 * with the exception that the first wire raised; the others are asked all the same, for
 * they will be told of the end. */
PyObject *fpy_feed_slowly(PyObject *self, int kind, PyObject *const *args);

/* The answer to an event of a function that may be left out: none, or that it is to be
 * switched off at this place, if no session on any thread wants it. Where it may not be
 * (and for what ends calls), the answer is none. */
PyObject *fpy_answer_for(fpy_monitor *monitor, int kind, PyObject *const *args);

/* The callbacks of sessions that leave something out. */
extern const vectorcallfunc fpy_choosy_handlers[FPY_EVENT_KINDS];

#endif
#endif
