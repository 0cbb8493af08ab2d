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
#include "hook.h"
#include "key.h"
#include "thread.h"

#include "../engine/alloc.h"

#include <stdarg.h>
#include <string.h>

#ifdef FPY_HAVE_MONITORING

/* ---- what is known of the interpreter ---- */

/* A thread that has had an event while we were there. */
typedef struct monitored {
    fpy_thread thread;
    UT_hash_handle hh;
} monitored;

enum {
    ON_START,
    ON_RESUME,
    ON_THROW,
    ON_RETURN,
    ON_YIELD,
    ON_UNWIND,
    ON_CALL,
    ON_C_RETURN,
    ON_C_RAISE,
    EVENT_KINDS,
};

/* Kinds up to this one are of Python functions. */
#define LAST_PYTHON_EVENT ON_UNWIND
#define NOT_INSTALLED (-1)

typedef struct fpy_monitor {
    /* The thread whose events go the fast way, by the number of its PyThreadState; 0:
     * none. `c_thread` is the same if its recorder wants C functions, else 0. */
    uint64_t fast_thread;
    uint64_t c_thread;
    PyThreadState *const volatile *running; /* where the calling thread's state is */
    fpy_recorder *recorder;                 /* of the fast thread */
    PyObject *missing;    /* sys.monitoring.MISSING: there is no first argument */
    uint64_t idle_thread; /* one that has no recorders; 0: not known */
    fpy_state *state;
    monitored *threads;
    PyObject *functions; /* sys.monitoring */
    PyObject *callbacks[EVENT_KINDS];
    PyThreadState no_thread; /* which `running` leads to when it is not known */
    PyThreadState *nobody;
    bool has_fast_way;
    int feeding; /* threads in `feed_slowly`: while it is not 0, none is forgotten */
    int tool;    /* our number while installed */
    long events; /* that we have asked for */
    long numbers[EVENT_KINDS];
} fpy_monitor;

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    fpy_monitor *monitor; /* the module's state keeps it, our type the module */
} callback;

/* Their names in sys.monitoring.events. */
static const char *const event_names[EVENT_KINDS] = {
    [ON_START] = "PY_START",
    [ON_RESUME] = "PY_RESUME",
    [ON_THROW] = "PY_THROW",
    [ON_RETURN] = "PY_RETURN",
    [ON_YIELD] = "PY_YIELD",
    [ON_UNWIND] = "PY_UNWIND",
    [ON_CALL] = "CALL",
    [ON_C_RETURN] = "C_RETURN",
    [ON_C_RAISE] = "C_RAISE",
};

/* Tool numbers that a profiler may take, in the order of trying. */
static const int tool_numbers[] = {2, 3, 4};
static const char tool_name[] = "fastprof";

/* ---- events ---- */

static inline fpy_monitor *
monitor_of(PyObject *self)
{
    return ((callback *)self)->monitor;
}

static inline fp_frame
identity_of(const PyThreadState *thread)
{
    return (fp_frame)fpy_current_frame(thread);
}

/* The thread that calls, as far as the fast way asks for it. */
static inline const PyThreadState *
running_thread(const fpy_monitor *monitor)
{
#ifdef FPY_KNOWS_RUNNING_THREAD
    return *monitor->running;
#else
    (void)monitor;
    return fpy_current_thread();
#endif
}

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

static void
forget_last_thread(fpy_monitor *monitor)
{
    monitor->fast_thread = monitor->c_thread = monitor->idle_thread = 0;
    monitor->recorder = NULL;
}

/* What ends with an enter of `frame`: a C function that was called by the frame that
 * calls it now, without C between them, has ended unseen (another tool raised). */
static inline void
leave_ended_c_call(fpy_recorder *recorder, const PyThreadState *thread, fp_ticks now)
{
    const fp_frame top = recorder->engine.top->frame;

    if ((top & FPY_C_CALL) != 0 &&
        (fp_frame)fpy_previous_frame(fpy_current_frame(thread)) + FPY_C_CALL == top) {
        fp_recorder_leave(&recorder->engine, top, now, true);
    }
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
        fpy_thread_give_up(session);
        forget_last_thread(session->state->monitor);
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

/* A frame that is not on top: others above it have ended unseen, or it was there
 * before us. */
static FP_COLD PyObject *
leave_slowly(fpy_recorder *recorder, fp_frame identity, fp_ticks now, bool raised)
{
    fp_recorder_leave(&recorder->engine, identity, now, raised);
    return Py_None;
}

static inline PyObject *
leave(fpy_recorder *recorder, fp_frame identity, fp_ticks now, bool raised)
{
    if (FP_LIKELY(fp_recorder_try_leave(&recorder->engine, identity, now, raised))) {
        return Py_None;
    }
    return leave_slowly(recorder, identity, now, raised);
}

/* The key of a callable for `_lsprof`'s kind of recording; NULL when that has none: it
 * is no C function or method, or a method that will not be called, because its first
 * argument is no instance of its class. */
static inline fp_key
c_key(PyObject *callable, PyObject *first, const PyObject *missing)
{
    if (Py_IS_TYPE(callable, &PyCFunction_Type)) {
        return fpy_c_function_key(callable);
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        PyMethodDescrObject *method = (PyMethodDescrObject *)callable;
        if (FP_LIKELY(first != missing &&
                      PyObject_TypeCheck(first, method->d_common.d_type))) {
            return method->d_method;
        }
    }
    return NULL;
}

/* The same without a call, for most: not for an instance of a subclass. */
static inline fp_key
plain_c_key(PyObject *callable, PyObject *first)
{
    if (Py_IS_TYPE(callable, &PyCFunction_Type)) {
        return fpy_c_function_key(callable);
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type) &&
        Py_IS_TYPE(first, ((PyMethodDescrObject *)callable)->d_common.d_type)) {
        return ((PyMethodDescrObject *)callable)->d_method;
    }
    return NULL;
}

/* The same for all that is recorded. The callable that is named is put into `*callee`.
 */
static fp_key
wanted_key(const fpy_recorder *recorder, PyObject *callable, PyObject *first,
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

/* A CALL that names neither a Python function nor what has a plain_c_key. */
static FP_OUT_OF_LINE PyObject *
other_call(fpy_recorder *recorder, const PyThreadState *thread, PyObject *callable,
           PyObject *first)
{
    PyObject *callee;
    fp_key key;

    if (PyMethod_Check(callable) && PyFunction_Check(PyMethod_GET_FUNCTION(callable))) {
        return Py_None;
    }
    key = wanted_key(recorder, callable, first, &callee);
    if (key == NULL) {
        return Py_None;
    }
    return enter(recorder,
                 callee,
                 callee == callable ? first : NULL,
                 key,
                 identity_of(thread) | FPY_C_CALL,
                 fp_clock_now_inline());
}

/* A C_RETURN or C_RAISE where the last that was entered is not a C function of this
 * frame: the CALL entered nothing, or what it entered has other calls above it that
 * ended unseen. */
static FP_OUT_OF_LINE PyObject *
other_c_leave(fpy_recorder *recorder, PyObject *callable, fp_frame identity,
              bool raised)
{
    const bool may_be_open =
        (recorder->builtins == FPY_BUILTINS_ALL || !PyType_Check(callable)) &&
        (recorder->engine.pairs != NULL || PyCFunction_Check(callable) ||
         Py_IS_TYPE(callable, &PyMethodDescr_Type));

    if (may_be_open) {
        fp_recorder_leave(&recorder->engine, identity, fp_clock_now_inline(), raised);
    }
    return Py_None;
}

/* ---- all that a callback can be asked to do ---- */

static monitored *
find_thread(const fpy_monitor *monitor, uint64_t id)
{
    monitored *found;

    HASH_FIND(hh, monitor->threads, &id, sizeof id, found);
    return found;
}

static void
forget_thread(fpy_monitor *monitor, monitored *one)
{
    fpy_thread_end(&one->thread);
    HASH_DEL(monitor->threads, one);
    fp_free(one);
}

static void
forget_all_threads(fpy_monitor *monitor)
{
    monitored *one, *next;

    HASH_ITER(hh, monitor->threads, one, next) {
        HASH_DEL(monitor->threads, one);
        fp_free(one);
    }
}

static bool
is_alive(uint64_t id)
{
    PyThreadState *thread = PyInterpreterState_ThreadHead(PyInterpreterState_Get());

    while (thread != NULL && PyThreadState_GetID(thread) != id) {
        thread = PyThreadState_Next(thread);
    }
    return thread != NULL;
}

/* Nobody tells when a thread has ended: so it is found out when a new one is seen. */
static void
forget_dead_threads(fpy_monitor *monitor)
{
    monitored *one, *next;

    HASH_ITER(hh, monitor->threads, one, next) {
        if (!is_alive(one->thread.id)) {
            forget_thread(monitor, one);
        }
    }
}

/* Links a session to a thread that is known. False: no memory. */
static bool
link_session(fpy_session *session, monitored *one)
{
    fpy_recorder *recorder;

    if (fpy_thread_recorder(&one->thread, session) != NULL) {
        return true;
    }
    recorder = fpy_session_recorder(session, one->thread.id, one->thread.ident);
    if (recorder == NULL) {
        return false;
    }
    fpy_thread_link(&one->thread, recorder);
    return true;
}

static monitored *
add_thread(fpy_monitor *monitor, const PyThreadState *thread)
{
    monitored *one;

    forget_dead_threads(monitor);
    one = fp_alloc(sizeof *one);
    if (one == NULL) {
        return NULL;
    }
    one->thread = (fpy_thread){.id = thread->id, .ident = thread->thread_id};
    HASH_ADD(hh, monitor->threads, thread.id, sizeof one->thread.id, one);
    if (one->hh.tbl == NULL) {
        fp_free(one);
        return NULL;
    }
    return one;
}

static bool
records_all_threads(const fpy_session *session)
{
    return session->source == &fpy_hook_monitoring && session->all_threads &&
           !session->incomplete;
}

/* The thread that has an event, with the recorders of all sessions that want it; NULL
 * when there is no memory to know it. */
static monitored *
known_thread(fpy_monitor *monitor, const PyThreadState *thread)
{
    monitored *one = find_thread(monitor, thread->id);

    if (one != NULL) {
        return one;
    }
    one = add_thread(monitor, thread);
    for (fpy_session *s = monitor->state->active, *next; s != NULL; s = next) {
        next = s->next_active;
        if (records_all_threads(s) && (one == NULL || !link_session(s, one))) {
            s->incomplete = true;
            fpy_thread_unlink_session(s);
            fpy_session_close(s, fpy_session_now_quietly(s));
        }
    }
    return one;
}

static void
remember_last_thread(fpy_monitor *monitor, const fpy_thread *thread)
{
    fpy_recorder *only = thread->only;

    forget_last_thread(monitor);
    if (thread->recorders == NULL) {
        monitor->idle_thread = thread->id;
    } else if (only != NULL && monitor->has_fast_way) {
        monitor->recorder = only;
        monitor->fast_thread = thread->id;
        monitor->c_thread = only->builtins != FPY_BUILTINS_NONE ? thread->id : 0;
    }
}

/* Tells one recorder of an event. */
static void
feed(fpy_recorder *recorder, int kind, PyObject *const *args,
     const PyThreadState *thread, fp_ticks now)
{
    const fp_frame frame = identity_of(thread);
    PyObject *callee;
    fp_key key;

    switch (kind) {
    case ON_START:
    case ON_RESUME:
    case ON_THROW:
        leave_ended_c_call(recorder, thread, now);
        enter(recorder, args[0], NULL, args[0], frame, now);
        break;
    case ON_RETURN:
    case ON_YIELD:
    case ON_UNWIND:
        leave(recorder, frame, now, kind == ON_UNWIND);
        break;
    case ON_CALL:
        key = wanted_key(recorder, args[2], args[3], &callee);
        if (key != NULL) {
            enter(recorder,
                  callee,
                  callee == args[2] ? args[3] : NULL,
                  key,
                  frame | FPY_C_CALL,
                  now);
        }
        break;
    default:
        if (fp_recorder_current(&recorder->engine) == (frame | FPY_C_CALL) ||
            wanted_key(recorder, args[2], args[3], &callee) != NULL) {
            leave(recorder, frame | FPY_C_CALL, now, kind == ON_C_RAISE);
        }
    }
}

/* Several recorders, a custom timer, or another thread than the last time. */
static FP_COLD PyObject *
feed_slowly(PyObject *self, int kind, PyObject *const *args)
{
    fpy_monitor *monitor = monitor_of(self);
    const PyThreadState *thread = fpy_current_thread();
    const fp_ticks clock_now = fp_clock_now(&monitor->state->clock);
    fpy_recorder *recorder;
    monitored *one;
    fp_ticks now;

    if (thread->id == monitor->idle_thread || monitor->state->active == NULL) {
        return Py_None;
    }
    one = known_thread(monitor, thread);
    if (one == NULL) {
        return Py_None;
    }
    fpy_thread_begin_event(&one->thread);
    remember_last_thread(monitor, &one->thread);
    monitor->feeding++;
    while ((recorder = fpy_thread_next(&one->thread, clock_now, &now)) != NULL) {
        feed(recorder, kind, args, thread, now);
    }
    monitor->feeding--;
    return Py_None;
}

/* ---- the callbacks ---- */

static inline PyObject *
on_enter(PyObject *self, PyObject *const *args, int kind)
{
    const fpy_monitor *monitor = monitor_of(self);
    const PyThreadState *thread = running_thread(monitor);

    if (FP_LIKELY(thread->id == monitor->fast_thread)) {
        fpy_recorder *recorder = monitor->recorder;
        const fp_ticks now = fp_clock_now_inline();
        leave_ended_c_call(recorder, thread, now);
        return enter(recorder, args[0], NULL, args[0], identity_of(thread), now);
    }
    return feed_slowly(self, kind, args);
}

static inline PyObject *
on_leave(PyObject *self, PyObject *const *args, int kind)
{
    const fpy_monitor *monitor = monitor_of(self);
    const PyThreadState *thread = running_thread(monitor);

    if (FP_LIKELY(thread->id == monitor->fast_thread)) {
        const fp_ticks now = fp_clock_now_inline();
        return leave(monitor->recorder, identity_of(thread), now, kind == ON_UNWIND);
    }
    return feed_slowly(self, kind, args);
}

static inline PyObject *
on_c_leave(PyObject *self, PyObject *const *args, int kind)
{
    const fpy_monitor *monitor = monitor_of(self);
    const PyThreadState *thread = running_thread(monitor);

    if (FP_LIKELY(thread->id == monitor->c_thread)) {
        fpy_recorder *recorder = monitor->recorder;
        const fp_frame identity = identity_of(thread) | FPY_C_CALL;
        if (FP_LIKELY(recorder->engine.top->frame == identity)) {
            return leave(recorder, identity, fp_clock_now_inline(), kind == ON_C_RAISE);
        }
        return other_c_leave(recorder, args[2], identity, kind == ON_C_RAISE);
    }
    return thread->id == monitor->fast_thread ? Py_None : feed_slowly(self, kind, args);
}

#define CALLBACK(name, handler, kind)                                                  \
    static PyObject *name(PyObject *self,                                              \
                          PyObject *const *args,                                       \
                          size_t Py_UNUSED(nargsf),                                    \
                          PyObject *Py_UNUSED(kwnames))                                \
    {                                                                                  \
        return handler(self, args, kind);                                              \
    }

CALLBACK(on_start, on_enter, ON_START)
CALLBACK(on_resume, on_enter, ON_RESUME)
CALLBACK(on_throw, on_enter, ON_THROW)
CALLBACK(on_return, on_leave, ON_RETURN)
CALLBACK(on_yield, on_leave, ON_YIELD)
CALLBACK(on_unwind, on_leave, ON_UNWIND)
CALLBACK(on_c_return, on_c_leave, ON_C_RETURN)
CALLBACK(on_c_raise, on_c_leave, ON_C_RAISE)

static PyObject *
on_call(PyObject *self, PyObject *const *args, size_t Py_UNUSED(nargsf),
        PyObject *Py_UNUSED(kwnames))
{
    const fpy_monitor *monitor = monitor_of(self);
    const PyThreadState *thread = running_thread(monitor);

    if (Py_IS_TYPE(args[2], &PyFunction_Type)) {
        return Py_None; /* PY_START follows */
    }
    if (FP_LIKELY(thread->id == monitor->c_thread)) {
        fpy_recorder *recorder = monitor->recorder;
        const fp_key key = plain_c_key(args[2], args[3]);
        if (FP_LIKELY(key != NULL)) {
            const fp_frame identity = identity_of(thread) | FPY_C_CALL;
            return enter(
                recorder, args[2], args[3], key, identity, fp_clock_now_inline());
        }
        if (PyType_Check(args[2]) && recorder->builtins == FPY_BUILTINS_C) {
            return Py_None; /* a class */
        }
        return other_call(recorder, thread, args[2], args[3]);
    }
    return thread->id == monitor->fast_thread ? Py_None
                                              : feed_slowly(self, ON_CALL, args);
}

static const vectorcallfunc handlers[EVENT_KINDS] = {
    [ON_START] = on_start,
    [ON_RESUME] = on_resume,
    [ON_THROW] = on_throw,
    [ON_RETURN] = on_return,
    [ON_YIELD] = on_yield,
    [ON_UNWIND] = on_unwind,
    [ON_CALL] = on_call,
    [ON_C_RETURN] = on_c_return,
    [ON_C_RAISE] = on_c_raise,
};

/* ---- sys.monitoring ---- */

/* Calls one of its functions; NULL with an exception. */
static PyObject *
ask(const fpy_monitor *monitor, const char *function, const char *format, ...)
{
    PyObject *callable = PyObject_GetAttrString(monitor->functions, function);
    PyObject *args, *answer = NULL;
    va_list values;

    va_start(values, format);
    args = Py_VaBuildValue(format, values);
    va_end(values);
    if (callable != NULL && args != NULL) {
        answer = PyObject_Call(callable, args, NULL);
    }
    Py_XDECREF(callable);
    Py_XDECREF(args);
    return answer;
}

/* The same where the answer tells nothing; -1 with an exception. */
static int
tell(PyObject *answer)
{
    Py_XDECREF(answer);
    return answer != NULL ? 0 : -1;
}

static bool
is_our_tool(const fpy_monitor *monitor)
{
    PyObject *name = ask(monitor, "get_tool", "(i)", monitor->tool);
    const bool ours = name != NULL && PyUnicode_Check(name) &&
                      PyUnicode_CompareWithASCIIString(name, tool_name) == 0;

    Py_XDECREF(name);
    PyErr_Clear();
    return ours;
}

/* C_RETURN and C_RAISE are asked for, but not told: they come with CALL. */
static bool
has_our_events(const fpy_monitor *monitor)
{
    const long untold = monitor->numbers[ON_C_RETURN] | monitor->numbers[ON_C_RAISE];
    PyObject *answer = ask(monitor, "get_events", "(i)", monitor->tool);
    const long events = answer != NULL ? PyLong_AsLong(answer) : -1;

    Py_XDECREF(answer);
    PyErr_Clear();
    return events == (monitor->events & ~untold);
}

/* Takes the first number that nobody has; -1 with an exception when there is none. */
static int
take_tool(fpy_monitor *monitor)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(tool_numbers); i++) {
        PyObject *answer =
            ask(monitor, "use_tool_id", "(is)", tool_numbers[i], tool_name);
        if (answer != NULL) {
            Py_DECREF(answer);
            monitor->tool = tool_numbers[i];
            return 0;
        }
        if (!PyErr_ExceptionMatches(PyExc_ValueError)) {
            return -1;
        }
        PyErr_Clear();
    }
    fpy_raise("ProfilerConflictError",
              "another profiler is active: the tool ids 2, 3 and 4 of sys.monitoring "
              "are all taken (see sys.monitoring.get_tool()); end one of these tools, "
              "or use backend=\"setprofile\"");
    return -1;
}

static long
wanted_events(const fpy_monitor *monitor)
{
    bool python = false, others = false;
    long events = 0;

    for (const fpy_session *s = monitor->state->active; s != NULL; s = s->next_active) {
        const bool ours = s->source == &fpy_hook_monitoring;
        python = python || ours;
        others = others || (ours && s->builtins != FPY_BUILTINS_NONE);
    }
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        if (kind <= LAST_PYTHON_EVENT ? python : others) {
            events |= monitor->numbers[kind];
        }
    }
    return events;
}

static int
ask_for_events(fpy_monitor *monitor)
{
    const long events = wanted_events(monitor);

    if (events == monitor->events) {
        return 0;
    }
    monitor->events = events;
    if (tell(ask(monitor, "set_events", "(il)", monitor->tool, events)) < 0) {
        return -1;
    }
    /* An earlier owner of our number may have switched events off, place by place, and
     * that would hold for us too. */
    return events != 0 ? tell(ask(monitor, "restart_events", "()")) : 0;
}

static PyObject *
new_callback(fpy_monitor *monitor, int kind)
{
    callback *one = PyObject_New(callback, monitor->state->callback_type);

    if (one != NULL) {
        one->call = handlers[kind];
        one->monitor = monitor;
    }
    return (PyObject *)one;
}

static int
register_callbacks(fpy_monitor *monitor)
{
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        if (monitor->callbacks[kind] == NULL) {
            monitor->callbacks[kind] = new_callback(monitor, kind);
        }
        if (monitor->callbacks[kind] == NULL ||
            tell(ask(monitor,
                     "register_callback",
                     "(ilO)",
                     monitor->tool,
                     monitor->numbers[kind],
                     monitor->callbacks[kind])) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Takes our callbacks away; one that is not ours stays. Answers whether all were there.
 */
static bool
unregister_callbacks(fpy_monitor *monitor)
{
    bool all = true;

    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        const long number = monitor->numbers[kind];
        PyObject *ours = monitor->callbacks[kind];
        PyObject *found =
            ask(monitor, "register_callback", "(ilO)", monitor->tool, number, Py_None);
        if (found != NULL && found != ours) {
            all = false;
            if (found != Py_None) {
                tell(ask(monitor,
                         "register_callback",
                         "(ilO)",
                         monitor->tool,
                         number,
                         found));
            }
        }
        PyErr_Clear();
        Py_XDECREF(found);
    }
    return all;
}

/* Gives everything back. Answers whether it was as we had left it. */
static bool
uninstall(fpy_monitor *monitor)
{
    bool intact = is_our_tool(monitor) && has_our_events(monitor);

    if (is_our_tool(monitor)) {
        if (tell(ask(monitor, "set_events", "(ii)", monitor->tool, 0)) < 0) {
            PyErr_Clear();
        }
        intact = unregister_callbacks(monitor) && intact;
        if (tell(ask(monitor, "free_tool_id", "(i)", monitor->tool)) < 0) {
            PyErr_Clear();
        }
    }
    monitor->tool = NOT_INSTALLED;
    monitor->events = 0;
    return intact;
}

/* ---- the event source ---- */

/* Registering a callback runs audit hooks, and these may enable and disable other
 * profilers: the first that comes installs for all. */
static int
install(fpy_monitor *monitor)
{
    if (monitor->tool != NOT_INSTALLED) {
        return 0;
    }
    if (take_tool(monitor) < 0) {
        return -1;
    }
    return register_callbacks(monitor);
}

static int
attach(fpy_session *session)
{
    fpy_monitor *monitor = session->state->monitor;
    monitored *one, *next;

    if (install(monitor) < 0) {
        return -1;
    }
    forget_last_thread(monitor);
    monitor->has_fast_way = knows_running_thread(monitor);
    one = known_thread(monitor, PyThreadState_Get());
    if (one == NULL || !link_session(session, one)) {
        PyErr_NoMemory();
        return -1;
    }
    HASH_ITER(hh, monitor->threads, one, next) {
        if (session->all_threads && !link_session(session, one)) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return ask_for_events(monitor);
}

static int
update(fpy_session *session)
{
    fpy_monitor *monitor = session->state->monitor;

    fpy_session_update_builtins(session);
    forget_last_thread(monitor);
    return monitor->tool != NOT_INSTALLED ? ask_for_events(monitor) : 0;
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
    fpy_thread_unlink_session(session);
    forget_last_thread(monitor);
    if (monitor->tool != NOT_INSTALLED) {
        if (is_used(session->state)) {
            intact = is_our_tool(monitor) && has_our_events(monitor);
            if (ask_for_events(monitor) < 0) {
                PyErr_Clear();
            }
        } else {
            intact = uninstall(monitor);
            if (monitor->feeding == 0) {
                forget_all_threads(monitor);
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
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(callback, call), READONLY, NULL},
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
    .basicsize = sizeof(callback),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = callback_slots,
};

/* What sys.monitoring calls things; -1 with an exception. */
static int
find_numbers(fpy_monitor *monitor)
{
    PyObject *events = PyObject_GetAttrString(monitor->functions, "events");

    for (int kind = 0; events != NULL && kind < EVENT_KINDS; kind++) {
        PyObject *number = PyObject_GetAttrString(events, event_names[kind]);
        monitor->numbers[kind] = number != NULL ? PyLong_AsLong(number) : -1;
        Py_XDECREF(number);
    }
    Py_XDECREF(events);
    monitor->missing = PyObject_GetAttrString(monitor->functions, "MISSING");
    return PyErr_Occurred() ? -1 : 0;
}

int
fpy_monitor_init(fpy_state *state)
{
    PyObject *functions = PySys_GetObject("monitoring");
    fpy_monitor *monitor = fp_alloc(sizeof *monitor);

    if (monitor == NULL || functions == NULL) {
        fp_free(monitor);
        PyErr_SetString(PyExc_ImportError, "there is no sys.monitoring");
        return -1;
    }
    *monitor = (fpy_monitor){
        .state = state, .functions = Py_NewRef(functions), .tool = NOT_INSTALLED};
    monitor->no_thread.id = UINT64_MAX;
    monitor->nobody = &monitor->no_thread;
    monitor->running = &monitor->nobody;
    state->monitor = monitor;
    return find_numbers(monitor);
}

int
fpy_monitor_traverse(fpy_state *state, visitproc visit, void *arg)
{
    const fpy_monitor *monitor = state->monitor;

    for (int kind = 0; monitor != NULL && kind < EVENT_KINDS; kind++) {
        Py_VISIT(monitor->callbacks[kind]);
    }
    return 0;
}

void
fpy_monitor_clear(fpy_state *state)
{
    fpy_monitor *monitor = state->monitor;

    if (monitor != NULL) {
        forget_last_thread(monitor);
        for (int kind = 0; kind < EVENT_KINDS; kind++) {
            Py_CLEAR(monitor->callbacks[kind]);
        }
    }
}

/* No callback is left: each holds its type, and that the module. */
void
fpy_monitor_free(fpy_state *state)
{
    fpy_monitor *monitor = state->monitor;

    if (monitor != NULL) {
        forget_all_threads(monitor);
        Py_XDECREF(monitor->functions);
        Py_XDECREF(monitor->missing);
        fp_free(monitor);
        state->monitor = NULL;
    }
}

#else

const fpy_hook fpy_hook_monitoring = {.name = "monitoring"};

int
fpy_monitor_init(fpy_state *Py_UNUSED(state))
{
    return 0;
}

int
fpy_monitor_traverse(fpy_state *Py_UNUSED(state), visitproc Py_UNUSED(visit),
                     void *Py_UNUSED(arg))
{
    return 0;
}

void
fpy_monitor_clear(fpy_state *Py_UNUSED(state))
{
}

void
fpy_monitor_free(fpy_state *Py_UNUSED(state))
{
}

#endif
