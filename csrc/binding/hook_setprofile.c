/* hook_setprofile.c -- the event source that every CPython has: PyEval_SetProfile.
 *
 * The hook of a thread carries an `fpy_thread`, so an event finds its recorders without
 * a look-up. Threads that start later get theirs when the function that starts them
 * returns (`_thread.start_new_thread` and its kin): their state exists by then, and
 * they have not run, since the interpreter's lock is still held.
 */
#include "hook.h"

#include <string.h>

/* Frames are told apart by their objects' addresses; a C function has the frame of its
 * caller, with the lowest bit set. */
#define C_CALL_BIT ((fp_frame)1)

typedef struct {
    PyObject_HEAD fpy_recorder
        *only;          /* when there is one recorder, with our clock; else NULL */
    fp_clock clock;     /* the module's: its source never changes */
    uintptr_t starters; /* the state's, at hand */
    uintptr_t starters_span;
    fpy_recorder *recorders;
    fpy_state *state;
    uint64_t id; /* of the PyThreadState */
    uint64_t event_count;
} fpy_thread;

static int hook(PyObject *self, PyFrameObject *frame, int what, PyObject *arg);

/* ---- threads and their recorders ---- */

static fpy_thread *
thread_of(const PyThreadState *tstate)
{
    return tstate->c_profilefunc == hook ? (fpy_thread *)tstate->c_profileobj : NULL;
}

static bool
has_foreign_hook(const PyThreadState *tstate)
{
    return tstate->c_profilefunc != NULL && tstate->c_profilefunc != hook;
}

/* The threads of this interpreter, in a loop in which none may come or go. */
static PyThreadState *
first_thread(void)
{
    return PyInterpreterState_ThreadHead(PyInterpreterState_Get());
}

static fpy_recorder *
recorder_on(const fpy_thread *thread, const fpy_session *session)
{
    fpy_recorder *recorder = thread != NULL ? thread->recorders : NULL;

    while (recorder != NULL && recorder->session != session) {
        recorder = recorder->next_on_thread;
    }
    return recorder;
}

static void
choose_way(fpy_thread *thread)
{
    fpy_recorder *first = thread->recorders;

    thread->only =
        first != NULL && first->next_on_thread == NULL && first->session->timer == NULL
            ? first
            : NULL;
}

static void
link_recorder(fpy_thread *thread, fpy_recorder *recorder)
{
    recorder->thread = thread;
    recorder->builtins = recorder->session->builtins;
    recorder->watched = true;
    recorder->last_event = thread->event_count;
    recorder->next_on_thread = thread->recorders;
    thread->recorders = recorder;
    choose_way(thread);
}

static void
unlink_recorder(fpy_recorder *recorder)
{
    fpy_thread *thread = recorder->thread;
    fpy_recorder **link = &thread->recorders;

    while (*link != recorder) {
        link = &(*link)->next_on_thread;
    }
    *link = recorder->next_on_thread;
    recorder->next_on_thread = NULL;
    recorder->thread = NULL;
    choose_way(thread);
}

static fpy_thread *
new_thread(fpy_state *state, const PyThreadState *tstate)
{
    fpy_thread *thread = PyObject_New(fpy_thread, state->thread_type);

    if (thread != NULL) {
        thread->only = NULL;
        thread->clock = state->clock;
        thread->starters = state->starters;
        thread->starters_span = state->starters_span;
        thread->recorders = NULL;
        thread->state = state;
        thread->id = PyThreadState_GetID((PyThreadState *)tstate);
        thread->event_count = 0;
    }
    return thread;
}

/* The thread has ended, or its hook has been replaced and forgotten. */
static void
thread_dealloc(fpy_thread *thread)
{
    PyTypeObject *type = Py_TYPE(thread);

    while (thread->recorders != NULL) {
        fpy_recorder *recorder = thread->recorders;
        fpy_session *session = recorder->session;
        unlink_recorder(recorder);
        fp_recorder_close(&recorder->engine,
                          session->timer != NULL ? session->timer_last
                                                 : fp_clock_now(&thread->clock));
    }
    PyObject_Free(thread);
    Py_DECREF(type);
}

/* Links the session to one thread that it is not linked to. */
static int
attach_to(fpy_session *session, PyThreadState *tstate)
{
    fpy_thread *thread = thread_of(tstate);
    fpy_recorder *recorder = fpy_session_recorder(session, tstate);
    int result;

    if (recorder == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (recorder->thread != NULL) {
        /* The program took our hook away, and may put it back. */
        unlink_recorder(recorder);
    }
    if (thread != NULL) {
        link_recorder(thread, recorder);
        return 0;
    }
    thread = new_thread(session->state, tstate);
    if (thread == NULL) {
        return -1;
    }
    link_recorder(thread, recorder);
    result = _PyEval_SetProfile(tstate, hook, (PyObject *)thread);
    if (result < 0) {
        unlink_recorder(recorder);
    }
    Py_DECREF(thread);
    return result;
}

/* Installing a hook runs audit hooks, and they may run threads: so each round begins
 * anew, until one finds nobody. */
static int
attach_to_all(fpy_session *session)
{
    PyThreadState *tstate = first_thread();

    while (tstate != NULL) {
        if (has_foreign_hook(tstate)) {
            session->threads_lost = true;
        } else if (recorder_on(thread_of(tstate), session) == NULL) {
            if (attach_to(session, tstate) < 0) {
                return -1;
            }
            tstate = first_thread();
            continue;
        }
        tstate = PyThreadState_Next(tstate);
    }
    return 0;
}

/* Hooks without recorders go. One that cannot be taken away now (an audit hook said
 * no) does so itself, at its next event. */
static void
remove_idle_hooks(void)
{
    PyThreadState *tstate = first_thread();

    while (tstate != NULL) {
        const fpy_thread *thread = thread_of(tstate);
        if (thread != NULL && thread->recorders == NULL) {
            if (_PyEval_SetProfile(tstate, NULL, NULL) == 0) {
                tstate = first_thread();
                continue;
            }
            PyErr_Clear();
        }
        tstate = PyThreadState_Next(tstate);
    }
}

/* Whether a thread that lives, and should have our hook, has it no more. */
static bool
a_hook_is_lost(const fpy_session *session)
{
    for (PyThreadState *tstate = first_thread(); tstate != NULL;
         tstate = PyThreadState_Next(tstate)) {
        const uint64_t id = PyThreadState_GetID(tstate);
        for (const fpy_recorder *r = session->recorders; r != NULL; r = r->next) {
            if (r->thread_id == id && r->watched &&
                recorder_on(thread_of(tstate), session) == NULL) {
                return true;
            }
        }
    }
    return false;
}

static void
detach(fpy_session *session)
{
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    session->hook_lost = session->hook_lost || a_hook_is_lost(session);
    for (fpy_recorder *r = session->recorders; r != NULL; r = r->next) {
        r->watched = false;
        if (r->thread != NULL) {
            unlink_recorder(r);
        }
    }
    remove_idle_hooks();
    PyErr_Restore(type, value, traceback);
}

static int
refuse_foreign_hooks(const fpy_session *session)
{
    const PyThreadState *current = PyThreadState_Get();

    if (has_foreign_hook(current)) {
        fpy_raise("ProfilerConflictError",
                  "another profiler is active: this thread has a profile function "
                  "already (see sys.getprofile()); end it first");
        return -1;
    }
    for (PyThreadState *tstate = session->all_threads ? first_thread() : NULL;
         tstate != NULL;
         tstate = PyThreadState_Next(tstate)) {
        if (has_foreign_hook(tstate)) {
            fpy_raise("ProfilerConflictError",
                      "another profiler is active: another thread has a profile "
                      "function already; end it first, or record this thread only "
                      "with threads=\"current\"");
            return -1;
        }
    }
    return 0;
}

static int
attach(fpy_session *session)
{
    int result;

    if (refuse_foreign_hooks(session) < 0) {
        return -1;
    }
    if (session->all_threads) {
        result = attach_to_all(session);
    } else {
        result = attach_to(session, PyThreadState_Get());
    }
    if (result < 0) {
        detach(session);
    }
    return result;
}

const fpy_hook fpy_hook_setprofile = {"setprofile", attach, detach};

/* ---- events ---- */

/* Memory has run out: recording stops on all threads, and the program goes on. The
 * hooks go by themselves. */
static void
give_up(fpy_session *session)
{
    session->incomplete = true;
    for (fpy_recorder *r = session->recorders; r != NULL; r = r->next) {
        r->watched = false;
        if (r->thread != NULL) {
            unlink_recorder(r);
        }
    }
    fpy_session_close(session, fpy_session_now(session));
}

/* A function that starts threads has returned in a thread that is recorded. */
static FP_COLD void
attach_new_threads(fpy_state *state)
{
    PyObject *type, *value, *traceback;
    fpy_session *session = state->active;

    PyErr_Fetch(&type, &value, &traceback);
    while (session != NULL) {
        PyObject *owner = session->owner;
        Py_INCREF(owner);
        if (session->all_threads && !session->incomplete &&
            attach_to_all(session) < 0) {
            session->incomplete = true;
            PyErr_Clear();
        }
        session = session->next_active;
        Py_DECREF(owner);
    }
    PyErr_Restore(type, value, traceback);
}

static FP_COLD void
after_enter(fpy_recorder *recorder, fp_status status, PyFrameObject *frame,
            PyObject *function, fp_ticks now)
{
    fpy_session *session = recorder->session;
    PyObject *owner = session->owner;

    Py_INCREF(owner); /* naming may run Python code that drops it */
    if (!fpy_recorder_entered(recorder, status, frame, function, now)) {
        give_up(session);
    }
    Py_DECREF(owner);
}

static inline void
enter(fpy_recorder *recorder, PyFrameObject *frame, PyObject *function, fp_key key,
      fp_frame identity, fp_ticks now)
{
    const fp_status status = fp_recorder_enter(&recorder->engine, key, identity, now);

    if (!FP_LIKELY(status == FP_OK)) {
        after_enter(recorder, status, frame, function, now);
    }
}

/* A C function has ended whose beginning was not seen. Where its caller is being
 * recorded it began after us, without an event: 3.12 sends none for a bound method
 * whose function is a C function (`types.MethodType(len, x)()`). */
static FP_COLD void
missed_c_call(fpy_recorder *recorder, PyFrameObject *frame, PyObject *function,
              fp_ticks now)
{
    const fp_frame caller = (fp_frame)frame;
    const fp_frame identity = caller | C_CALL_BIT;
    PyObject *owner = recorder->session->owner;

    if (fpy_is_own_function(function) ||
        (fp_recorder_current(&recorder->engine) != caller &&
         recorder->base_frame != caller)) {
        return;
    }
    Py_INCREF(owner);
    enter(recorder, frame, function, fpy_c_function_key(function), identity, now);
    fp_recorder_leave(&recorder->engine, identity, now, false);
    Py_DECREF(owner);
}

static inline void
feed(fpy_recorder *recorder, PyFrameObject *frame, int what, PyObject *arg,
     fp_ticks now)
{
    const fp_frame identity = (fp_frame)frame;
    fp_status status;

    switch (what) {
    case PyTrace_CALL:
        enter(recorder, frame, NULL, fpy_frame_code(frame), identity, now);
        break;
    case PyTrace_RETURN:
        status = fp_recorder_leave(&recorder->engine, identity, now, arg == NULL);
        if (!FP_LIKELY(status == FP_OK) && recorder->base_frame == identity) {
            recorder->base_frame = 0;
        }
        break;
    case PyTrace_C_CALL:
        if (recorder->builtins) {
            enter(recorder,
                  frame,
                  arg,
                  fpy_c_function_key(arg),
                  identity | C_CALL_BIT,
                  now);
        }
        break;
    case PyTrace_C_RETURN:
    case PyTrace_C_EXCEPTION:
        if (recorder->builtins) {
            status = fp_recorder_leave(&recorder->engine,
                                       identity | C_CALL_BIT,
                                       now,
                                       what == PyTrace_C_EXCEPTION);
            if (!FP_LIKELY(status == FP_OK)) {
                missed_c_call(recorder, frame, arg, now);
            }
        }
        break;
    default:
        break;
    }
}

/* The next recorder that has not been offered the current event. */
static fpy_recorder *
next_to_feed(const fpy_thread *thread)
{
    fpy_recorder *recorder = thread->recorders;

    while (recorder != NULL && recorder->last_event == thread->event_count) {
        recorder = recorder->next_on_thread;
    }
    return recorder;
}

/* Several recorders, or a custom timer. The timer and the naming of a callable may run
 * Python code that links and unlinks recorders, and frees them: so nothing is kept
 * across them but the event's number. */
static void
feed_all(fpy_thread *thread, PyFrameObject *frame, int what, PyObject *arg)
{
    const fp_ticks clock_now = fp_clock_now(&thread->clock);
    fpy_recorder *recorder;

    thread->event_count++;
    while ((recorder = next_to_feed(thread)) != NULL) {
        fpy_session *session = recorder->session;
        fp_ticks now = clock_now;

        recorder->last_event = thread->event_count;
        if (session->timer != NULL) {
            if (fpy_session_in_timer(session)) {
                continue; /* the timer's own calls, outside an event */
            }
            now = fpy_session_now(session);
            recorder = recorder_on(thread, session);
            if (recorder == NULL) {
                continue;
            }
        }
        feed(recorder, frame, what, arg, now);
    }
}

/* A hook that has nobody to feed goes. */
static void
remove_own_hook(fpy_thread *thread, PyThreadState *tstate)
{
    PyObject *type, *value, *traceback;

    if (thread_of(tstate) != thread) {
        return;
    }
    PyErr_Fetch(&type, &value, &traceback);
    _PyEval_SetProfile(tstate, NULL, NULL);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

static FP_COLD void
feed_slowly(fpy_thread *thread, PyFrameObject *frame, int what, PyObject *arg)
{
    Py_INCREF(thread);
    if (thread->recorders != NULL) {
        feed_all(thread, frame, what, arg);
    }
    if (thread->recorders == NULL) {
        remove_own_hook(thread, PyThreadState_Get());
    }
    Py_DECREF(thread);
}

static bool
starts_threads(const fpy_thread *thread, int what, PyObject *function)
{
    return what == PyTrace_C_RETURN &&
           (uintptr_t)fpy_c_function_key(function) - thread->starters <=
               thread->starters_span;
}

static int
hook(PyObject *self, PyFrameObject *frame, int what, PyObject *arg)
{
    fpy_thread *thread = (fpy_thread *)self;
    fpy_recorder *recorder = thread->only;
    fpy_state *starting = starts_threads(thread, what, arg) ? thread->state : NULL;

    if (FP_LIKELY(recorder != NULL)) {
        feed(recorder, frame, what, arg, fp_clock_now(&thread->clock));
    } else {
        feed_slowly(thread, frame, what, arg);
    }
    if (!FP_LIKELY(starting == NULL)) {
        attach_new_threads(starting);
    }
    return 0;
}

/* ---- the object that sys.getprofile() answers ---- */

static int
event_number(PyObject *name)
{
    static const struct {
        const char *name;
        int what;
    } events[] = {
        {"call", PyTrace_CALL},
        {"return", PyTrace_RETURN},
        {"c_call", PyTrace_C_CALL},
        {"c_return", PyTrace_C_RETURN},
        {"c_exception", PyTrace_C_EXCEPTION},
    };

    for (size_t i = 0; PyUnicode_Check(name) && i < Py_ARRAY_LENGTH(events); i++) {
        if (PyUnicode_CompareWithASCIIString(name, events[i].name) == 0) {
            return events[i].what;
        }
    }
    return -1;
}

/* The program had saved our hook with sys.getprofile(), and has put it back with
 * sys.setprofile(): which calls it as a Python function. Become the hook again. */
static PyObject *
thread_call(fpy_thread *thread, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyThreadState *tstate = PyThreadState_Get();
    PyObject *frame, *event, *arg;

    if (!PyArg_ParseTuple(args, "O!OO", &PyFrame_Type, &frame, &event, &arg)) {
        return NULL;
    }
    const int what = event_number(event);
    if (PyThreadState_GetID(tstate) == thread->id && what >= 0 &&
        (what < PyTrace_C_CALL || PyCFunction_Check(arg))) {
        if (_PyEval_SetProfile(tstate, hook, (PyObject *)thread) < 0) {
            return NULL;
        }
        hook((PyObject *)thread, (PyFrameObject *)frame, what, arg);
    }
    Py_RETURN_NONE;
}

static PyType_Slot thread_slots[] = {
    {Py_tp_doc, "fastprof's profile function, one for each thread."},
    {Py_tp_dealloc, thread_dealloc},
    {Py_tp_call, thread_call},
    {0, NULL},
};

PyType_Spec fpy_thread_spec = {
    .name = "fastprof._fastprof.Hook",
    .basicsize = sizeof(fpy_thread),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = thread_slots,
};

/* ---- functions that start threads ---- */

static const char *const starter_names[] = {
    "start_new_thread",
    "start_new",
    "start_joinable_thread",
};

/* Their definitions lie in one array, so a range tells them from all others; a
 * neighbour that falls into it costs a look at the threads, and nothing else. */
int
fpy_find_thread_starters(fpy_state *state)
{
    PyObject *module = PyImport_ImportModule("_thread");
    uintptr_t lowest = UINTPTR_MAX, highest = 0;

    if (module == NULL) {
        return -1;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(starter_names); i++) {
        PyObject *starter = PyObject_GetAttrString(module, starter_names[i]);
        if (starter != NULL && PyCFunction_Check(starter)) {
            const uintptr_t key = (uintptr_t)fpy_c_function_key(starter);
            lowest = key < lowest ? key : lowest;
            highest = key > highest ? key : highest;
        }
        PyErr_Clear();
        Py_XDECREF(starter);
    }
    Py_DECREF(module);
    state->starters = lowest;
    state->starters_span = highest >= lowest ? highest - lowest : 0;
    return 0;
}
