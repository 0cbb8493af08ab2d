/* hook_monitoring.c -- the event source of CPython 3.12 and newer: sys.monitoring.
 *
 * The interpreter calls one callback for each kind of event, on all threads. A callback
 * is an object with a vectorcall slot, the cheapest that can be called. It knows the
 * thread whose event was the last one, and has its recorder at hand; another thread's
 * event takes the slow way once, and is then the last one.
 *
 * A CALL event comes for every callable, but only C_RETURN and C_RAISE tell that it was
 * not a Python function: so a CALL that names one enters nothing. What a CALL has
 * entered ends with the next C_RETURN or C_RAISE of the same frame, whatever callable
 * that names, or with the frame.
 */
#include "bound.h"
#include "hook.h"
#include "monitored.h"

#ifdef FPY_HAVE_MONITORING

/* Where it is kept is asked anew now and then, for all that we know of it comes from
 * the headers that we were compiled with. */
static bool
knows_running_thread(fpy_monitor *monitor)
{
#ifdef FPY_KNOWS_RUNNING_THREAD
    monitor->running = fpy_running_thread_address();
    if (monitor->running != NULL && *monitor->running == fpy_current_thread()) {
        return true;
    }
    monitor->running = &monitor->nobody;
    return false;
#else
    (void)monitor;
    return true;
#endif
}

/* A method that is bound to its first argument (NULL: there is none), for `_lsprof`
 * names a method by what the class of that has under its name. A new reference. */
static PyObject *
bound(PyObject *callee, PyObject *first)
{
    PyObject *type, *value, *traceback, *method = NULL;

    if (first != NULL && Py_IS_TYPE(callee, &PyMethodDescr_Type)) {
        PyErr_Fetch(&type, &value, &traceback);
        method =
            Py_TYPE(callee)->tp_descr_get(callee, first, (PyObject *)Py_TYPE(first));
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
    }
    return method != NULL ? method : Py_NewRef(callee);
}

static FP_COLD PyObject *
enter_slowly(fpy_recorder *recorder, PyObject *callee, PyObject *first,
             fp_frame identity, fp_ticks now)
{
    fpy_session *session = fpy_session_held(recorder->session);

    callee = bound(callee, first);
    if (!fpy_recorder_enter(recorder, callee, identity, now)) {
        fpy_monitor_give_up(session);
    }
    Py_DECREF(callee);
    Py_DECREF(session->owner);
    return Py_None;
}

/* A path that was not foreseen. */
static FP_OUT_OF_LINE PyObject *
enter_known(fpy_recorder *recorder, PyObject *callee, PyObject *first, fp_key key,
            fp_frame identity, fp_ticks now)
{
    if (FP_LIKELY(fp_recorder_enter_known(&recorder->engine, key, identity, now))) {
        return Py_None;
    }
    return enter_slowly(recorder, callee, first, identity, now);
}

static inline PyObject *
enter(fpy_recorder *recorder, PyObject *callee, PyObject *first, fp_key key,
      fp_frame identity, fp_ticks now)
{
    if (FP_LIKELY(fp_recorder_try_enter(&recorder->engine, key, identity, now))) {
        return Py_None;
    }
    return enter_known(recorder, callee, first, key, identity, now);
}

void
fpy_enter_c(fpy_recorder *recorder, PyObject *callee, PyObject *first, fp_key key,
            fp_frame identity, fp_ticks now)
{
    enter(recorder, callee, first, key, identity, now);
}

/* A generator is thrown into, which may not have begun, or goes on by a path that was
 * not foreseen. */
FP_OUT_OF_LINE PyObject *
fpy_resume_slowly(fpy_recorder *recorder, PyObject *const *args, int kind,
                  fp_frame frame, fp_ticks now)
{
    fpy_session *session = fpy_session_held(recorder->session);

    enter(recorder, args[0], NULL, args[0], frame, now);
    if ((kind == FPY_ON_RESUME ||
         fpy_is_yield_at((PyCodeObject *)args[0], (int)PyLong_AsLong(args[1]))) &&
        fp_recorder_resume(&recorder->engine, frame, now) != FP_OK) {
        fpy_monitor_give_up(session);
    }
    Py_DECREF(session->owner);
    return Py_None;
}

static inline PyObject *
resume(fpy_recorder *recorder, PyObject *const *args, int kind, fp_frame frame,
       fp_ticks now)
{
    if (kind == FPY_ON_RESUME &&
        FP_LIKELY(fp_recorder_try_enter(&recorder->engine, args[0], frame, now))) {
        if (!FP_LIKELY(fp_recorder_resume(&recorder->engine, frame, now) == FP_OK)) {
            fpy_monitor_give_up(recorder->session);
        }
        return Py_None;
    }
    return fpy_resume_slowly(recorder, args, kind, frame, now);
}

/* A frame that is not on top: others above it have ended unseen, or it was there
 * before us. */
static FP_COLD PyObject *
leave_slowly(fpy_recorder *recorder, fp_frame identity, fp_ticks now, bool raised)
{
    fp_recorder_leave(&recorder->engine, identity, now, raised);
    return Py_None;
}

static FP_COLD PyObject *
left_oddly(fpy_recorder *recorder, fp_ticks elapsed, fp_ticks now)
{
    fp_recorder_left(&recorder->engine, elapsed, now);
    return Py_None;
}

static inline PyObject *
leave(fpy_recorder *recorder, fp_frame identity, fp_ticks now, bool raised)
{
    fp_ticks elapsed;

    switch (fp_recorder_leave_top(&recorder->engine, identity, now, raised, &elapsed)) {
    case FP_LEFT:
        return Py_None;
    case FP_LEFT_ODDLY:
        return left_oddly(recorder, elapsed, now);
    default:
        return leave_slowly(recorder, identity, now, raised);
    }
}

/* The same for all; NULL when there is none: it is no C function or method, or a method
 * that will not be called, because its first argument is no instance of its class. */
static fp_key
c_key(PyObject *callable, PyObject *first, const PyObject *missing)
{
    const fp_key key = fpy_plain_c_key(callable, first, missing);
    PyMethodDescrObject *method;

    if (key != NULL || first == missing || !Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        return key;
    }
    method = (PyMethodDescrObject *)callable;
    return PyObject_TypeCheck(first, method->d_common.d_type) ? method->d_method : NULL;
}

fp_key
fpy_wanted_key(const fpy_recorder *recorder, PyObject *callable, PyObject *first,
               PyObject **callee)
{
    const fpy_monitor *monitor = recorder->session->state->monitor;
    fp_key key = c_key(callable, first, monitor->missing);

    *callee = callable;
    if (key != NULL || PyFunction_Check(callable) ||
        recorder->builtins == FPY_BUILTINS_NONE) {
        return recorder->builtins == FPY_BUILTINS_NONE ? NULL : key;
    }
    if (PyMethod_Check(callable)) {
        /* A bound method of a C function counts as a call of that. */
        *callee = PyMethod_GET_FUNCTION(callable);
        key = c_key(*callee, PyMethod_GET_SELF(callable), NULL);
    }
    if (PyCFunction_Check(*callee)) {
        return fpy_c_function_key(*callee);
    }
    if (key != NULL || recorder->builtins != FPY_BUILTINS_ALL ||
        Py_IS_TYPE(*callee, &PyMethodDescr_Type)) {
        return key;
    }
    return fpy_key_of(&recorder->session->state->names, *callee);
}

/* An event that begins and ends nothing. */
static inline PyObject *
aside(fpy_recorder *recorder)
{
    fp_recorder_aside(&recorder->engine, FPY_ASIDE);
    return Py_None;
}

/* A CALL that names neither a Python function nor what has a fpy_plain_c_key. */
static FP_OUT_OF_LINE PyObject *
other_call(fpy_recorder *recorder, const PyThreadState *thread, PyObject *callable,
           PyObject *first)
{
    PyObject *callee;
    fp_key key;

    if (PyMethod_Check(callable) && PyFunction_Check(PyMethod_GET_FUNCTION(callable))) {
        return aside(recorder);
    }
    key = fpy_wanted_key(recorder, callable, first, &callee);
    if (key == NULL) {
        return aside(recorder);
    }
    return enter(recorder,
                 callee,
                 callee == callable ? first : NULL,
                 key,
                 fpy_identity_of(thread) | FPY_C_CALL,
                 fpy_recorder_time(recorder, true));
}

/* A C_RETURN or C_RAISE where the last that was entered is not a C function of this
 * frame: the CALL entered nothing, or what it entered has other calls above it that
 * ended unseen. */
FP_OUT_OF_LINE PyObject *
fpy_other_c_leave(fpy_recorder *recorder, PyObject *callable, fp_frame identity,
                  bool raised)
{
    const bool may_be_open =
        (recorder->builtins == FPY_BUILTINS_ALL || !PyType_Check(callable)) &&
        (recorder->engine.pairs != NULL || PyCFunction_Check(callable) ||
         Py_IS_TYPE(callable, &PyMethodDescr_Type));

    if (!may_be_open) {
        return aside(recorder);
    }
    fp_recorder_leave(
        &recorder->engine, identity, fpy_recorder_time(recorder, true), raised);
    return Py_None;
}

/* A Python frame begins to run, or goes on. */
static inline PyObject *
enter_frame(fpy_recorder *recorder, PyObject *const *args, int kind,
            const PyThreadState *thread, fp_ticks now)
{
    const fp_frame frame = fpy_identity_of(thread);

    fpy_leave_ended_c_call(recorder, thread, now);
    return kind == FPY_ON_START ? enter(recorder, args[0], NULL, args[0], frame, now)
                                : resume(recorder, args, kind, frame, now);
}

/* It ends, or yields. */
static inline PyObject *
leave_frame(fpy_recorder *recorder, int kind, fp_frame frame, fp_ticks now)
{
    if (kind == FPY_ON_YIELD &&
        fp_recorder_suspend(&recorder->engine, frame, now) != FP_OK) {
        fpy_monitor_give_up(recorder->session);
        return Py_None;
    }
    return leave(recorder, frame, now, kind == FPY_ON_UNWIND);
}

/* The answer to an event of a function that may be outside of a focus: none, or that it
 * is to be switched off at this place, if no session on any thread wants it. Where it
 * may not be (and for what ends calls), the answer is none. */
PyObject *
fpy_answer_for(fpy_monitor *monitor, int kind, PyObject *const *args)
{
    PyCodeObject *code = (PyCodeObject *)args[0];
    fpy_session *active = monitor->state->active;

    if (kind != FPY_ON_START && kind != FPY_ON_RESUME && kind != FPY_ON_RETURN &&
        kind != FPY_ON_YIELD && kind != FPY_ON_CALL) {
        return Py_None;
    }
    if (active == NULL) { /* asking has switched us off */
        return Py_None;
    }
    for (const fpy_session *s = active; s != NULL; s = s->next_active) {
        if (s->source == &fpy_hook_monitoring && !fpy_focus_excludes(&s->focus, code) &&
            !(fpy_session_is_alone(s) && fpy_thrift_has_folded(&s->thrift, code))) {
            return Py_None;
        }
    }
    if (kind == FPY_ON_CALL && fpy_thrift_has_folded(&active->thrift, code)) {
        fpy_thrift_drop(&active->thrift, args);
    }
    monitor->tool.has_disabled = true;
    return Py_NewRef(monitor->tool.disable);
}

/* ---- all that a callback can be asked to do ---- */

/* Tells one recorder of an event; its session is held. */
static void
feed(fpy_recorder *recorder, int kind, PyObject *const *args,
     const PyThreadState *thread, fp_ticks now)
{
    const fp_frame frame = fpy_identity_of(thread);
    PyObject *callee;
    fp_key key;

    if (recorder->is_choosy && kind != FPY_ON_C_RETURN && kind != FPY_ON_C_RAISE &&
        !fpy_recorder_wants(recorder, (PyCodeObject *)args[0], frame)) {
        return;
    }
    switch (kind) {
    case FPY_ON_START:
    case FPY_ON_RESUME:
    case FPY_ON_THROW:
        enter_frame(recorder, args, kind, thread, now);
        break;
    case FPY_ON_RETURN:
    case FPY_ON_YIELD:
    case FPY_ON_UNWIND:
        leave_frame(recorder, kind, frame, now);
        break;
    case FPY_ON_CALL:
        key = fpy_wanted_key(recorder, args[2], args[3], &callee);
        if (key != NULL) {
            enter(recorder,
                  callee,
                  callee == args[2] ? args[3] : NULL,
                  key,
                  frame | FPY_C_CALL,
                  now);
        } else if (PyType_Check(args[2])) {
            fpy_count_class_call(recorder, args);
        } else {
            aside(recorder);
        }
        break;
    default:
        if (fp_recorder_current(&recorder->engine) == (frame | FPY_C_CALL) ||
            fpy_wanted_key(recorder, args[2], args[3], &callee) != NULL) {
            leave(recorder, frame | FPY_C_CALL, now, kind == FPY_ON_C_RAISE);
        } else {
            aside(recorder);
        }
    }
}

typedef struct {
    fpy_event event; /* first */
    int kind;
    PyObject *const *args;
    fp_frame frame;
} monitored_event;

/* A CALL of a class, say, is of none, and its C_RETURN. */
static bool
is_of_use(const fpy_event *event, const fpy_recorder *recorder)
{
    const monitored_event *one = (const monitored_event *)event;
    PyObject *callee;

    if (one->kind != FPY_ON_CALL && one->kind != FPY_ON_C_RETURN &&
        one->kind != FPY_ON_C_RAISE) {
        return true;
    }
    return fpy_wanted_key(recorder, one->args[2], one->args[3], &callee) != NULL ||
           (one->kind != FPY_ON_CALL &&
            fp_recorder_current(&recorder->engine) == (one->frame | FPY_C_CALL));
}

/* Asks a session's wire on a function, if the event is its begin or end. */
static int
trip(fpy_session *session, int kind, PyObject *const *args)
{
    PyObject *phase = kind == FPY_ON_START    ? Py_True
                      : kind == FPY_ON_RETURN ? Py_False
                      : kind == FPY_ON_UNWIND ? Py_None
                                              : NULL;

    return phase != NULL ? fpy_thread_trip(session, (PyCodeObject *)args[0], phase) : 0;
}

/* Several recorders, a custom timer, wires, a focus, or another thread than the last
 * time. NULL with the exception that the first wire raised; the others are asked all
 * the same, for they will be told of the end. */
FP_COLD PyObject *
fpy_feed_slowly(PyObject *self, int kind, PyObject *const *args)
{
    fpy_monitor *monitor = fpy_monitor_of(self);
    const PyThreadState *thread = fpy_current_thread();
    const fp_ticks clock_now = fp_clock_now(&monitor->state->clock);
    const monitored_event event = {{is_of_use}, kind, args, fpy_identity_of(thread)};
    PyObject *type = NULL, *value, *traceback;
    fpy_recorder *recorder;
    fpy_monitored *one;
    fp_ticks now;

    if (thread->id == monitor->idle_id || monitor->state->active == NULL) {
        return Py_None;
    }
    one = fpy_monitor_thread(monitor, thread);
    if (one == NULL) {
        return Py_None;
    }
    fpy_thread_begin_event(&one->thread);
    fpy_monitor_remember_last_thread(monitor, &one->thread, thread);
    monitor->feeding++;
    while ((recorder = fpy_thread_next(&one->thread, &event.event, clock_now, &now)) !=
           NULL) {
        fpy_session *session = fpy_session_held(recorder->session);
        feed(recorder, kind, args, thread, now);
        if (trip(session, kind, args) < 0) {
            fpy_keep_first_exception(&type, &value, &traceback);
        }
        Py_DECREF(session->owner);
    }
    monitor->feeding--;
    if (type != NULL) {
        PyErr_Restore(type, value, traceback);
        return NULL;
    }
    return fpy_answer_for(monitor, kind, args);
}

/* ---- the callbacks ---- */

static inline PyObject *
on_enter(PyObject *self, PyObject *const *args, int kind, const bool cpu)
{
    const fpy_monitor *monitor = fpy_monitor_of(self);
    const PyThreadState *thread = fpy_running_thread(monitor);

    if (FP_LIKELY(thread == monitor->fast_thread &&
                  fpy_is_fast_thread(monitor, thread))) {
        fpy_recorder *recorder = monitor->recorder;
        const fp_ticks now = fpy_recorder_time(recorder, cpu);
        return enter_frame(recorder, args, kind, thread, now);
    }
    return fpy_feed_slowly(self, kind, args);
}

static inline PyObject *
on_leave(PyObject *self, PyObject *const *args, int kind, const bool cpu)
{
    const fpy_monitor *monitor = fpy_monitor_of(self);
    const PyThreadState *thread = fpy_running_thread(monitor);

    if (FP_LIKELY(thread == monitor->fast_thread)) {
        const fp_ticks now = fpy_recorder_time(monitor->recorder, cpu);
        return leave_frame(monitor->recorder, kind, fpy_identity_of(thread), now);
    }
    return fpy_feed_slowly(self, kind, args);
}

static inline PyObject *
on_c_leave(PyObject *self, PyObject *const *args, int kind, const bool cpu)
{
    const fpy_monitor *monitor = fpy_monitor_of(self);
    const PyThreadState *thread = fpy_running_thread(monitor);

    if (FP_LIKELY(thread == monitor->c_thread)) {
        fpy_recorder *recorder = monitor->recorder;
        const fp_frame identity = fpy_identity_of(thread) | FPY_C_CALL;
        if (FP_LIKELY(recorder->engine.top->frame == identity)) {
            return leave(recorder,
                         identity,
                         fpy_recorder_time(recorder, cpu),
                         kind == FPY_ON_C_RAISE);
        }
        return fpy_other_c_leave(recorder, args[2], identity, kind == FPY_ON_C_RAISE);
    }
    return thread == monitor->fast_thread ? Py_None : fpy_feed_slowly(self, kind, args);
}

static inline PyObject *
on_any_call(PyObject *self, PyObject *const *args, int kind, const bool cpu)
{
    fpy_monitor *monitor = fpy_monitor_of(self);
    const PyThreadState *thread = fpy_running_thread(monitor);

    if (Py_IS_TYPE(args[2], &PyFunction_Type)) { /* PY_START follows */
        return thread == monitor->c_thread ? aside(monitor->recorder)
                                           : fpy_answer_for(monitor, kind, args);
    }
    if (FP_LIKELY(thread == monitor->c_thread && fpy_is_fast_thread(monitor, thread))) {
        fpy_recorder *recorder = monitor->recorder;
        const fp_key key = fpy_plain_c_key(args[2], args[3], monitor->missing);
        if (FP_LIKELY(key != NULL)) {
            const fp_frame identity = fpy_identity_of(thread) | FPY_C_CALL;
            return enter(recorder,
                         args[2],
                         args[3],
                         key,
                         identity,
                         fpy_recorder_time(recorder, cpu));
        }
        if (PyType_Check(args[2]) && recorder->builtins == FPY_BUILTINS_C) {
            fpy_count_class_call(recorder, args);
            return Py_None;
        }
        return other_call(recorder, thread, args[2], args[3]);
    }
    if (thread == monitor->fast_thread && monitor->c_thread == NULL) {
        return Py_None;
    }
    return fpy_feed_slowly(self, kind, args);
}

/* Each handler twice: for the wall clock alone, and for CPU time too. Those for
 * sessions that leave something out are in choosy.c. */
#define CALLBACK(name, handler, kind)                                                  \
    static PyObject *name(PyObject *self,                                              \
                          PyObject *const *args,                                       \
                          size_t Py_UNUSED(nargsf),                                    \
                          PyObject *Py_UNUSED(kwnames))                                \
    {                                                                                  \
        return handler(self, args, kind, false);                                       \
    }                                                                                  \
                                                                                       \
    static PyObject *cpu_##name(PyObject *self,                                        \
                                PyObject *const *args,                                 \
                                size_t Py_UNUSED(nargsf),                              \
                                PyObject *Py_UNUSED(kwnames))                          \
    {                                                                                  \
        return handler(self, args, kind, true);                                        \
    }

CALLBACK(on_start, on_enter, FPY_ON_START)
CALLBACK(on_resume, on_enter, FPY_ON_RESUME)
CALLBACK(on_throw, on_enter, FPY_ON_THROW)
CALLBACK(on_return, on_leave, FPY_ON_RETURN)
CALLBACK(on_yield, on_leave, FPY_ON_YIELD)
CALLBACK(on_unwind, on_leave, FPY_ON_UNWIND)
CALLBACK(on_call, on_any_call, FPY_ON_CALL)
CALLBACK(on_c_return, on_c_leave, FPY_ON_C_RETURN)
CALLBACK(on_c_raise, on_c_leave, FPY_ON_C_RAISE)

#define BOTH(name)                                                                     \
    {                                                                                  \
        name, cpu_##name                                                               \
    }

static const vectorcallfunc handlers[FPY_EVENT_KINDS][2] = {
    [FPY_ON_START] = BOTH(on_start),
    [FPY_ON_RESUME] = BOTH(on_resume),
    [FPY_ON_THROW] = BOTH(on_throw),
    [FPY_ON_RETURN] = BOTH(on_return),
    [FPY_ON_YIELD] = BOTH(on_yield),
    [FPY_ON_UNWIND] = BOTH(on_unwind),
    [FPY_ON_CALL] = BOTH(on_call),
    [FPY_ON_C_RETURN] = BOTH(on_c_return),
    [FPY_ON_C_RAISE] = BOTH(on_c_raise),
};

/* ---- the event source ---- */

static PyObject *
new_callback(fpy_monitor *monitor, int kind)
{
    fpy_callback *one = PyObject_New(fpy_callback, monitor->state->callback_type);

    if (one != NULL) {
        one->call = handlers[kind][0];
        one->monitor = monitor;
    }
    return (PyObject *)one;
}

/* -1 with an exception. */
static int
make_callbacks(fpy_monitor *monitor)
{
    for (int kind = 0; kind < FPY_EVENT_KINDS; kind++) {
        PyObject **place = &monitor->tool.callbacks[kind];
        if (*place == NULL && (*place = new_callback(monitor, kind)) == NULL) {
            return -1;
        }
    }
    return 0;
}

static int
ask_for_events(fpy_monitor *monitor)
{
    bool python = false, others = false, cpu = false, choosy = false;

    for (const fpy_session *s = monitor->state->active; s != NULL; s = s->next_active) {
        const bool ours = s->source == &fpy_hook_monitoring;
        python = python || ours;
        others = others || (ours && s->builtins != FPY_BUILTINS_NONE);
        cpu = cpu || (ours && s->measure != FPY_WALL);
        choosy = choosy || (ours && fpy_session_is_choosy(s));
    }
    for (int kind = 0; kind < FPY_EVENT_KINDS; kind++) {
        if (monitor->tool.callbacks[kind] != NULL) {
            ((fpy_callback *)monitor->tool.callbacks[kind])->call =
                choosy ? fpy_choosy_handlers[kind] : handlers[kind][cpu];
        }
    }
    return fpy_tool_ask_for_events(&monitor->tool, python, others);
}

static int
attach(fpy_session *session)
{
    fpy_monitor *monitor = session->state->monitor;
    fpy_monitored *one, *next;

    for (fpy_session *s = session->next_active; s != NULL; s = s->next_active) {
        fpy_bound_reset(s);
    }
    if (make_callbacks(monitor) < 0 || fpy_tool_install(&monitor->tool) < 0) {
        return -1;
    }
    fpy_monitor_forget_last_thread(monitor);
    monitor->has_fast_way = knows_running_thread(monitor);
    one = fpy_monitor_thread(monitor, PyThreadState_Get());
    if (one == NULL || (!session->all_threads && !fpy_monitor_link(session, one))) {
        PyErr_NoMemory();
        return -1;
    }
    HASH_ITER(hh, monitor->threads, one, next) {
        if (session->all_threads && !fpy_is_left_out(session->state, one->thread.id) &&
            !fpy_monitor_link(session, one)) {
            PyErr_NoMemory();
            return -1;
        }
    }
    if (ask_for_events(monitor) < 0) {
        return -1;
    }
    fpy_bound_begin(session);
    /* What others did not want, this one may. */
    return monitor->tool.has_disabled ? fpy_tool_restart(&monitor->tool) : 0;
}

static int
update(fpy_session *session)
{
    fpy_monitor *monitor = session->state->monitor;

    fpy_session_update_builtins(session);
    fpy_monitor_forget_last_thread(monitor);
    return fpy_tool_is_installed(&monitor->tool) ? ask_for_events(monitor) : 0;
}

static bool
is_used(const fpy_state *state)
{
    const fpy_session *session = state->active;

    while (session != NULL && session->source != &fpy_hook_monitoring) {
        session = session->next_active;
    }
    return session != NULL;
}

static void
detach(fpy_session *session)
{
    fpy_monitor *monitor = session->state->monitor;
    PyObject *type, *value, *traceback;
    bool intact = true;

    PyErr_Fetch(&type, &value, &traceback);
    fpy_bound_reset(session);
    fpy_thread_unlink_session(session);
    fpy_monitor_forget_last_thread(monitor);
    if (fpy_tool_is_installed(&monitor->tool)) {
        if (is_used(session->state)) {
            intact = fpy_tool_is_intact(&monitor->tool);
            if (ask_for_events(monitor) < 0) {
                PyErr_Clear();
            }
        } else {
            intact = fpy_tool_uninstall(&monitor->tool);
            if (monitor->feeding == 0) {
                fpy_monitor_forget_threads(monitor);
            }
        }
    }
    session->hook_lost = session->hook_lost || !intact;
    PyErr_Restore(type, value, traceback);
}

const fpy_hook fpy_hook_monitoring = {
    .name = "monitoring",
    .attach = attach,
    .update = update,
    .detach = detach,
};

/* ---- life ---- */

static void
callback_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_Free(self);
    Py_DECREF(type);
}

static PyMemberDef callback_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(fpy_callback, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot callback_slots[] = {
    {Py_tp_doc, "fastprof's callback for one kind of event."},
    {Py_tp_dealloc, callback_dealloc},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, callback_members},
    {0, NULL},
};

PyType_Spec fpy_callback_spec = {
    .name = "fastprof._fastprof.Callback",
    .basicsize = sizeof(fpy_callback),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = callback_slots,
};

#else

const fpy_hook fpy_hook_monitoring = {.name = "monitoring"};

#endif
