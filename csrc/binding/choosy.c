/* choosy.c -- the callbacks of `monitoring` for sessions that leave something out: what
 * is outside of a focus, what is folded, and places that are not worth their events
 * (thrift.h).
 *
 * What is left out is found on the way of what was not foreseen: a function outside of
 * the focus has no node, one that is folded has a node that says so. Its place is
 * switched off there and then.
 */
#include "bound.h"
#include "monitored.h"

#ifdef FPY_HAVE_MONITORING

/* What an event cost; when more has been spent than was granted, it is time to look. */
static inline void
spend(fpy_recorder *recorder, fpy_charge charge)
{
    fpy_thrift *thrift = &recorder->session->thrift;

    thrift->credit -= thrift->cost[charge];
    if (!FP_LIKELY(thrift->credit >= 0)) {
        fpy_session *session = fpy_session_held(recorder->session);
        fpy_bound_look(session);
        Py_DECREF(session->owner);
    }
}

/* A function begins or goes on by a path that was not foreseen: it may be outside of
 * the focus, or folded. */
static FP_OUT_OF_LINE PyObject *
enter_slowly(fpy_monitor *monitor, PyObject *const *args, int kind, fp_frame frame,
             fp_ticks now)
{
    fpy_recorder *recorder = monitor->recorder;
    fpy_session *session = fpy_session_held(recorder->session);
    PyObject *answer = Py_None;

    if (!fpy_recorder_wants(recorder, (PyCodeObject *)args[0], frame)) {
        answer = fpy_answer_for(monitor, kind, args);
    } else if (kind != FPY_ON_START) {
        fpy_resume_slowly(recorder, args, kind, frame, now);
        spend(recorder, FPY_OF_PYTHON);
    } else if (fpy_recorder_enter(recorder, args[0], frame, now)) {
        spend(recorder, FPY_OF_PYTHON);
    } else {
        fpy_monitor_give_up(session);
    }
    Py_DECREF(session->owner);
    return answer;
}

/* The call that was entered is folded. */
static FP_OUT_OF_LINE PyObject *
retract(fpy_monitor *monitor, PyObject *const *args, int kind, fp_ticks now)
{
    fp_recorder_retract(&monitor->recorder->engine, now);
    return fpy_answer_for(monitor, kind, args);
}

static inline PyObject *
choose_enter(PyObject *self, PyObject *const *args, int kind)
{
    fpy_monitor *monitor = fpy_monitor_of(self);
    const PyThreadState *thread = fpy_running_thread(monitor);
    fpy_recorder *recorder = monitor->recorder;
    fp_frame frame;
    fp_ticks now;

    if (!FP_LIKELY(thread == monitor->fast_thread &&
                   fpy_is_fast_thread(monitor, thread))) {
        return fpy_feed_slowly(self, kind, args);
    }
    now = fpy_recorder_time(recorder, true);
    frame = fpy_identity_of(thread);
    fpy_leave_ended_c_call(recorder, thread, now);
    if (kind == FPY_ON_THROW ||
        !FP_LIKELY(fp_recorder_try_enter(&recorder->engine, args[0], frame, now))) {
        return enter_slowly(monitor, args, kind, frame, now);
    }
    if (!FP_LIKELY(!recorder->engine.top->node->is_off)) {
        return retract(monitor, args, kind, now);
    }
    if (kind == FPY_ON_RESUME &&
        !FP_LIKELY(fp_recorder_resume(&recorder->engine, frame, now) == FP_OK)) {
        fpy_monitor_give_up(recorder->session);
        return Py_None;
    }
    spend(recorder, FPY_OF_PYTHON);
    return Py_None;
}

/* The frame is not on top: others above it have ended unseen, or it was entered before
 * we came, or unseen. */
static FP_OUT_OF_LINE PyObject *
leave_slowly(fpy_monitor *monitor, PyObject *const *args, int kind, fp_frame frame,
             fp_ticks now)
{
    fpy_recorder *recorder = monitor->recorder;
    fpy_session *session = fpy_session_held(recorder->session);
    PyObject *answer = Py_None;
    fp_status status =
        fp_recorder_leave(&recorder->engine, frame, now, kind == FPY_ON_UNWIND);

    if (status == FP_UNKNOWN) {
        spend(recorder, FPY_OF_PYTHON); /* an exit by an exception is never off */
    }
    if (status == FP_UNKNOWN &&
        !fpy_recorder_wants(recorder, (PyCodeObject *)args[0], frame)) {
        answer = fpy_answer_for(monitor, kind, args);
    } else if (kind == FPY_ON_YIELD && recorder->thread != NULL) {
        status = fp_recorder_suspend(&recorder->engine, frame, now);
        if (status == FP_NOMEM) {
            fpy_monitor_give_up(session);
        }
    }
    Py_DECREF(session->owner);
    return answer;
}

static inline PyObject *
choose_leave(PyObject *self, PyObject *const *args, int kind)
{
    fpy_monitor *monitor = fpy_monitor_of(self);
    const PyThreadState *thread = fpy_running_thread(monitor);
    fpy_recorder *recorder = monitor->recorder;
    fp_frame frame;
    fp_ticks now;

    if (!FP_LIKELY(thread == monitor->fast_thread)) {
        return fpy_feed_slowly(self, kind, args);
    }
    now = fpy_recorder_time(recorder, true);
    frame = fpy_identity_of(thread);
    if (!FP_LIKELY(recorder->engine.top->frame == frame)) {
        return leave_slowly(monitor, args, kind, frame, now);
    }
    if (kind == FPY_ON_YIELD &&
        !FP_LIKELY(fp_recorder_suspend(&recorder->engine, frame, now) == FP_OK)) {
        fpy_monitor_give_up(recorder->session);
        return Py_None;
    }
    fp_recorder_try_leave(&recorder->engine, frame, now, kind == FPY_ON_UNWIND);
    return Py_None;
}

static inline PyObject *
choose_c_leave(PyObject *self, PyObject *const *args, int kind)
{
    const fpy_monitor *monitor = fpy_monitor_of(self);
    const PyThreadState *thread = fpy_running_thread(monitor);
    fpy_recorder *recorder = monitor->recorder;
    fp_frame identity;

    if (!FP_LIKELY(thread == monitor->c_thread)) {
        return thread == monitor->fast_thread ? Py_None
                                              : fpy_feed_slowly(self, kind, args);
    }
    identity = fpy_identity_of(thread) | FPY_C_CALL;
    if (FP_LIKELY(fp_recorder_try_leave(&recorder->engine,
                                        identity,
                                        fpy_recorder_time(recorder, true),
                                        kind == FPY_ON_C_RAISE))) {
        return Py_None;
    }
    return fpy_other_c_leave(recorder, args[2], identity, kind == FPY_ON_C_RAISE);
}

/* The place is switched off, whatever it may call from now on. */
static PyObject *
drop(fpy_monitor *monitor)
{
    monitor->tool.has_disabled = true;
    return Py_NewRef(monitor->tool.disable);
}

/* A CALL by a function that is not the innermost call: it may be outside of the focus,
 * or folded. */
static FP_OUT_OF_LINE bool
is_left_out(fpy_monitor *monitor, PyObject *const *args, fp_frame frame)
{
    fpy_recorder *recorder = monitor->recorder;
    fpy_session *session = fpy_session_held(recorder->session);
    const bool wants = fpy_recorder_wants(recorder, (PyCodeObject *)args[0], frame);

    Py_DECREF(session->owner);
    return !wants;
}

/* A CALL of what is not recorded: it has events of its own, if any. */
static FP_OUT_OF_LINE PyObject *
call_of_other(fpy_monitor *monitor, PyObject *const *args, uint32_t asides)
{
    fpy_recorder *recorder = monitor->recorder;
    fpy_session *session = recorder->session;

    fp_recorder_aside(&recorder->engine, asides);
    if (fpy_thrift_is_on(&session->thrift) && fpy_session_is_alone(session) &&
        fpy_thrift_drops_other(&session->thrift, args)) {
        return drop(monitor);
    }
    spend(recorder, FPY_OF_ASIDE);
    return Py_None;
}

/* A C function is called by a path that was not foreseen. */
static FP_OUT_OF_LINE PyObject *
call_slowly(fpy_monitor *monitor, PyObject *const *args, PyObject *callee, fp_key key,
            fp_frame identity, fp_ticks now)
{
    fpy_recorder *recorder = monitor->recorder;
    fpy_session *session = fpy_session_held(recorder->session);
    PyObject *answer = Py_None;

    if (fpy_thrift_has_folded_call(&session->thrift, (PyCodeObject *)args[0], key)) {
        fpy_thrift_drop(&session->thrift, args);
        answer = drop(monitor);
    } else {
        fpy_enter_c(
            recorder, callee, callee == args[2] ? args[3] : NULL, key, identity, now);
        spend(recorder, FPY_OF_C);
    }
    Py_DECREF(session->owner);
    return answer;
}

/* The C function that was entered is folded here, or this place is not worth it. */
static FP_OUT_OF_LINE PyObject *
retract_call(fpy_monitor *monitor, PyObject *const *args, bool is_noted, fp_ticks now)
{
    fpy_recorder *recorder = monitor->recorder;

    fp_recorder_retract(&recorder->engine, now);
    if (!is_noted) {
        fpy_thrift_drop(&recorder->session->thrift, args);
    }
    return drop(monitor);
}

static inline PyObject *
call_of_c(fpy_monitor *monitor, PyObject *const *args, PyObject *callee, fp_key key,
          fp_frame identity)
{
    fpy_recorder *recorder = monitor->recorder;
    fpy_thrift *thrift = &recorder->session->thrift;
    const fp_ticks now = fpy_recorder_time(recorder, true);
    const fp_node *node;

    if (!FP_LIKELY(fp_recorder_try_enter(&recorder->engine, key, identity, now))) {
        return call_slowly(monitor, args, callee, key, identity, now);
    }
    node = recorder->engine.top->node;
    if (!FP_LIKELY(!node->is_off)) {
        return retract_call(monitor, args, false, now);
    }
    if (thrift->saves_calls && fpy_session_is_alone(recorder->session) &&
        fpy_thrift_drops_call(thrift, args, node)) {
        return retract_call(monitor, args, true, now);
    }
    spend(recorder, FPY_OF_C);
    return Py_None;
}

static inline PyObject *
choose_call(PyObject *self, PyObject *const *args, int kind)
{
    fpy_monitor *monitor = fpy_monitor_of(self);
    const PyThreadState *thread = fpy_running_thread(monitor);
    fpy_recorder *recorder = monitor->recorder;
    PyObject *callee;
    fp_frame frame;
    fp_key key;

    if (!FP_LIKELY(thread == monitor->c_thread &&
                   fpy_is_fast_thread(monitor, thread))) {
        if (thread == monitor->fast_thread && monitor->c_thread == NULL) {
            return Py_None;
        }
        return fpy_feed_slowly(self, kind, args);
    }
    frame = fpy_identity_of(thread);
    if (recorder->engine.top->frame != frame && is_left_out(monitor, args, frame)) {
        return fpy_answer_for(monitor, kind, args);
    }
    if (monitor->c_thread != thread) { /* asking has run the program */
        return Py_None;
    }
    if (Py_IS_TYPE(args[2], &PyFunction_Type)) {
        return call_of_other(monitor, args, FPY_ASIDE);
    }
    key = fpy_plain_c_key(args[2], args[3], monitor->missing);
    if (FP_LIKELY(key != NULL)) {
        return call_of_c(monitor, args, args[2], key, frame | FPY_C_CALL);
    }
    if (PyType_Check(args[2]) && recorder->builtins == FPY_BUILTINS_C) {
        fpy_count_class_call(recorder, args);
        /* Looking into the class may have run the program. */
        return monitor->c_thread == thread ? call_of_other(monitor, args, 0) : Py_None;
    }
    key = fpy_wanted_key(recorder, args[2], args[3], &callee);
    if (key == NULL) {
        return call_of_other(monitor, args, FPY_ASIDE);
    }
    return call_of_c(monitor, args, callee, key, frame | FPY_C_CALL);
}

#define CALLBACK(name, handler, kind)                                                  \
    static PyObject *name(PyObject *self,                                              \
                          PyObject *const *args,                                       \
                          size_t Py_UNUSED(nargsf),                                    \
                          PyObject *Py_UNUSED(kwnames))                                \
    {                                                                                  \
        return handler(self, args, kind);                                              \
    }

CALLBACK(on_start, choose_enter, FPY_ON_START)
CALLBACK(on_resume, choose_enter, FPY_ON_RESUME)
CALLBACK(on_throw, choose_enter, FPY_ON_THROW)
CALLBACK(on_return, choose_leave, FPY_ON_RETURN)
CALLBACK(on_yield, choose_leave, FPY_ON_YIELD)
CALLBACK(on_unwind, choose_leave, FPY_ON_UNWIND)
CALLBACK(on_call, choose_call, FPY_ON_CALL)
CALLBACK(on_c_return, choose_c_leave, FPY_ON_C_RETURN)
CALLBACK(on_c_raise, choose_c_leave, FPY_ON_C_RAISE)

const vectorcallfunc fpy_choosy_handlers[FPY_EVENT_KINDS] = {
    [FPY_ON_START] = on_start,
    [FPY_ON_RESUME] = on_resume,
    [FPY_ON_THROW] = on_throw,
    [FPY_ON_RETURN] = on_return,
    [FPY_ON_YIELD] = on_yield,
    [FPY_ON_UNWIND] = on_unwind,
    [FPY_ON_CALL] = on_call,
    [FPY_ON_C_RETURN] = on_c_return,
    [FPY_ON_C_RAISE] = on_c_raise,
};

#endif
