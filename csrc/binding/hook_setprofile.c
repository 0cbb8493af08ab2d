/* hook_setprofile.c -- the event source that every CPython has: PyEval_SetProfile.
 *
 * The hook of a thread carries an `fpy_thread`, so an event finds its recorders without
 * a look-up. Threads that start later get theirs when the function that starts them
 * returns (`_thread.start_new_thread` and its kin): their state exists by then, and
 * they have not run, since the interpreter's lock is still held.
 */
#include "hook.h"
#include "key.h"
#include "thread.h"

#include <string.h>

/* Frames are told apart by their objects' addresses. */

typedef struct hooked {
    PyObject_HEAD
    struct hooked *next_idle; /* in the state's list */
    fpy_thread thread;
    fp_clock clock;     /* the module's: its source never changes */
    uintptr_t starters; /* the state's, at hand */
    uintptr_t starters_span;
    fpy_state *state;
} hooked;

static int hook(PyObject *self, PyFrameObject *frame, int what, PyObject *arg);

/* ---- threads and their recorders ---- */

static hooked *
hook_of(const PyThreadState *tstate)
{
    return tstate->c_profilefunc == hook ? (hooked *)tstate->c_profileobj : NULL;
}

static fpy_recorder *
recorder_on(const PyThreadState *tstate, const fpy_session *session)
{
    const hooked *one = hook_of(tstate);

    return one != NULL ? fpy_thread_recorder(&one->thread, session) : NULL;
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

/* Hooks that have been taken away from their threads stay until these have ended: 3.11
 * makes an object between looking for a hook and calling it, so the collector may run
 * in between, and a finalizer that takes it away.
 *
 * Takes the one for a thread out of the list (NULL: there is none). */
static hooked *
take_idle_hook(fpy_state *state, uint64_t thread_id)
{
    hooked **link = (hooked **)&state->idle_hooks, *found;

    while (*link != NULL && (*link)->thread.id != thread_id) {
        link = &(*link)->next_idle;
    }
    found = *link;
    if (found != NULL) {
        *link = found->next_idle;
    }
    return found;
}

/* Of threads that have ended. */
static void
drop_dead_hooks(fpy_state *state)
{
    hooked **link = (hooked **)&state->idle_hooks;

    while (*link != NULL) {
        hooked *one = *link;
        if (fpy_thread_of_id(one->thread.id) != NULL) {
            link = &one->next_idle;
        } else {
            *link = one->next_idle;
            Py_DECREF(one);
        }
    }
}

void
fpy_drop_idle_hooks(fpy_state *state)
{
    hooked *one = state->idle_hooks;

    state->idle_hooks = NULL;
    while (one != NULL) {
        hooked *next = one->next_idle;
        Py_DECREF(one);
        one = next;
    }
}

int
fpy_traverse_idle_hooks(const fpy_state *state, visitproc visit, void *arg)
{
    for (const hooked *one = state->idle_hooks; one != NULL; one = one->next_idle) {
        Py_VISIT(Py_TYPE(one)); /* it is nobody's but ours, and does not tell itself */
    }
    return 0;
}

/* Takes a hook that feeds nobody away from its thread. -1 with an exception. */
static int
remove_hook(hooked *one, PyThreadState *tstate)
{
    fpy_state *state = one->state;

    Py_INCREF(one);
    if (_PyEval_SetProfile(tstate, NULL, NULL) < 0) {
        Py_DECREF(one);
        return -1;
    }
    one->next_idle = state->idle_hooks;
    state->idle_hooks = one;
    return 0;
}

static hooked *
new_hook(fpy_state *state, const PyThreadState *tstate)
{
    hooked *one = take_idle_hook(state, PyThreadState_GetID((PyThreadState *)tstate));

    if (one != NULL) {
        return one;
    }
    drop_dead_hooks(state);
    one = PyObject_New(hooked, state->hook_type);
    if (one != NULL) {
        one->next_idle = NULL;
        one->thread = (fpy_thread){.id = PyThreadState_GetID((PyThreadState *)tstate),
                                   .ident = tstate->thread_id};
        one->clock = state->clock;
        one->starters = state->starters;
        one->starters_span = state->starters_span;
        one->state = state;
    }
    return one;
}

/* The thread has ended, or its hook has been replaced and forgotten. */
static void
hook_dealloc(hooked *one)
{
    PyTypeObject *type = Py_TYPE(one);

    fpy_thread_end(&one->thread);
    PyObject_Free(one);
    Py_DECREF(type);
}

/* Links the session to one thread that it is not linked to. Installing a hook runs
 * audit hooks, and these may do anything to the session: afterwards nothing is known of
 * it but that it lives. */
static int
attach_to(fpy_session *session, PyThreadState *tstate)
{
    hooked *one = hook_of(tstate);
    fpy_recorder *recorder =
        fpy_session_recorder(session, PyThreadState_GetID(tstate), tstate->thread_id);
    int result;

    if (recorder == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (recorder->thread != NULL) {
        /* The program took our hook away, and may put it back. */
        fpy_thread_unlink(recorder);
    }
    if (one != NULL) {
        fpy_thread_link(&one->thread, recorder);
        recorder->watched = true;
        return 0;
    }
    one = new_hook(session->state, tstate);
    if (one == NULL) {
        return -1;
    }
    fpy_thread_link(&one->thread, recorder);
    result = _PyEval_SetProfile(tstate, hook, (PyObject *)one);
    recorder = fpy_thread_recorder(&one->thread, session);
    if (recorder != NULL) {
        recorder->watched = result == 0;
        if (result < 0) {
            fpy_thread_unlink(recorder);
        }
    }
    Py_DECREF(one);
    return result;
}

/* Each round begins anew, since threads may come and go while a hook is installed,
 * until one finds nobody; or the session is disabled on the way. */
static int
attach_to_all(fpy_session *session)
{
    PyThreadState *tstate = first_thread();

    while (tstate != NULL && session->enabled) {
        const bool is_left_out =
            fpy_is_left_out(session->state, PyThreadState_GetID(tstate));
        if (!is_left_out && has_foreign_hook(tstate)) {
            session->threads_lost = true;
        } else if (!is_left_out && recorder_on(tstate, session) == NULL) {
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
        hooked *one = hook_of(tstate);
        if (one != NULL && one->thread.recorders == NULL) {
            if (remove_hook(one, tstate) == 0) {
                tstate = first_thread();
                continue;
            }
            PyErr_Clear();
        }
        tstate = PyThreadState_Next(tstate);
    }
}

static bool
should_be_here(const fpy_recorder *list, const PyThreadState *tstate)
{
    const uint64_t id = PyThreadState_GetID((PyThreadState *)tstate);

    while (list != NULL && (list->thread_id != id || !list->watched)) {
        list = list->next;
    }
    return list != NULL;
}

/* Whether a thread that lives, and should have our hook, has it no more. */
static bool
a_hook_is_lost(const fpy_session *session)
{
    for (PyThreadState *tstate = first_thread(); tstate != NULL;
         tstate = PyThreadState_Next(tstate)) {
        if (recorder_on(tstate, session) == NULL &&
            (should_be_here(session->recorders, tstate) ||
             should_be_here(session->retired, tstate))) {
            return true;
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
    fpy_thread_unlink_session(session);
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

/* The innermost frame of this thread that is not the profiler's own. */
static fp_frame
program_frame(void)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());

    while (frame != NULL && fpy_is_own_frame(frame)) {
        PyFrameObject *caller = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = caller;
    }
    Py_XDECREF(frame); /* the interpreter holds it while it runs */
    return (fp_frame)frame;
}

static int
attach(fpy_session *session)
{
    PyThreadState *current = PyThreadState_Get();
    fpy_recorder *recorder;

    if (refuse_foreign_hooks(session) < 0 ||
        (session->all_threads ? attach_to_all(session) : attach_to(session, current)) <
            0) {
        return -1;
    }
    recorder = recorder_on(current, session);
    if (recorder != NULL) {
        recorder->base_frame = program_frame();
    }
    return 0;
}

static int
update(fpy_session *session)
{
    fpy_session_update_builtins(session);
    return 0;
}

const fpy_hook fpy_hook_setprofile = {
    .name = "setprofile",
    .attach = attach,
    .update = update,
    .detach = detach,
};

/* ---- events ---- */

/* A function that starts threads has returned in a thread that is recorded. */
static void
attach_new_threads(fpy_state *state)
{
    PyObject *type, *value, *traceback;
    fpy_session *session = fpy_session_held(state->active);

    PyErr_Fetch(&type, &value, &traceback);
    while (session != NULL) {
        fpy_session *next;
        if (session->source == &fpy_hook_setprofile && session->all_threads &&
            !session->incomplete && attach_to_all(session) < 0) {
            session->incomplete = true;
            PyErr_Clear();
        }
        next = fpy_session_held(session->next_active);
        Py_DECREF(session->owner);
        session = next;
    }
    PyErr_Restore(type, value, traceback);
}

/* The slow ways of `feed`: each is a call in its last place, so that the fast ways save
 * no registers. They answer 0, for the hook. */

static FP_COLD int
enter_slowly(fpy_recorder *recorder, PyObject *callee, fp_frame identity, fp_ticks now)
{
    fpy_session *session = fpy_session_held(recorder->session);

    if (!fpy_recorder_enter(recorder, callee, identity, now)) {
        fpy_thread_give_up(session);
    }
    Py_DECREF(session->owner);
    return 0;
}

/* A path that was not foreseen. */
static FP_OUT_OF_LINE int
enter_known(fpy_recorder *recorder, PyObject *callee, fp_key key, fp_frame identity,
            fp_ticks now)
{
    if (FP_LIKELY(fp_recorder_enter_known(&recorder->engine, key, identity, now))) {
        return 0;
    }
    return enter_slowly(recorder, callee, identity, now);
}

/* Whether a frame's function is in the recorder's focus. Its session is held where it
 * has one. */
static bool
is_in_focus(fpy_recorder *recorder, PyFrameObject *frame)
{
    return !recorder->is_choosy ||
           fpy_recorder_wants(recorder, fpy_frame_code(frame), (fp_frame)frame);
}

/* A generator's frame has been entered. */
static FP_OUT_OF_LINE int
entered_generator(fpy_recorder *recorder, PyFrameObject *frame, fp_ticks now)
{
    if (fpy_frame_goes_on(frame) &&
        fp_recorder_resume(&recorder->engine, (fp_frame)frame, now) != FP_OK) {
        fpy_thread_give_up(recorder->session);
    }
    return 0;
}

/* By a path that was not foreseen. Naming it may run Python code that takes our hook
 * away: then the recorder can only be read. */
static FP_OUT_OF_LINE int
enter_frame(fpy_recorder *recorder, PyFrameObject *frame, fp_ticks now)
{
    PyObject *code = (PyObject *)fpy_frame_code(frame);
    fpy_session *session;

    if (!is_in_focus(recorder, frame)) {
        return 0;
    }
    if (!fpy_is_generator((PyCodeObject *)code)) {
        return enter_known(recorder, code, code, (fp_frame)frame, now);
    }
    session = fpy_session_held(recorder->session);
    enter_known(recorder, code, code, (fp_frame)frame, now);
    if (fp_recorder_current(&recorder->engine) == (fp_frame)frame) {
        entered_generator(recorder, frame, now);
    }
    Py_DECREF(session->owner);
    return 0;
}

/* A generator's frame is to be left, and by no exception. */
static FP_OUT_OF_LINE void
leaving_generator(fpy_recorder *recorder, PyFrameObject *frame, fp_ticks now)
{
    if (fpy_is_generator(fpy_frame_code(frame)) && fpy_frame_yields(frame) &&
        fp_recorder_suspend(&recorder->engine, (fp_frame)frame, now) != FP_OK) {
        fpy_thread_give_up(recorder->session);
    }
}

/* A call of which only the end was seen; one of a generator went on with it. */
static void
missed_call(fpy_recorder *recorder, PyObject *callee, fp_frame identity, fp_ticks now)
{
    fpy_session *session = fpy_session_held(recorder->session);

    enter_slowly(recorder, callee, identity, now);
    if (fp_recorder_current(&recorder->engine) == identity) {
        if (PyCode_Check(callee)) {
            fp_recorder_resume(&recorder->engine, identity, now);
        }
        fp_recorder_leave(&recorder->engine, identity, now, false);
    }
    Py_DECREF(session->owner);
}

/* 3.11 resumes a generator without an event when the one inside it has caught what was
 * thrown in, and has ended. Frames that were open before us return when nothing else
 * is open; so where something is, or where the enabling frame is the caller, this one
 * was resumed after us. */
static bool
was_resumed_unseen(const fpy_recorder *recorder, PyFrameObject *frame)
{
    PyFrameObject *caller;
    fp_frame caller_identity;

    if (!fpy_resumes_may_be_unseen() || !fpy_is_generator(fpy_frame_code(frame))) {
        return false;
    }
    caller = PyFrame_GetBack(frame);
    caller_identity = (fp_frame)caller;
    Py_XDECREF(caller);
    return fp_recorder_current(&recorder->engine) != 0 ||
           (caller_identity != 0 && caller_identity == recorder->base_frame);
}

static FP_COLD int
leave_slowly(fpy_recorder *recorder, PyFrameObject *frame, PyObject *result,
             fp_ticks now)
{
    const fp_frame identity = (fp_frame)frame;

    if (!is_in_focus(recorder, frame)) {
        return 0;
    }
    if (result != NULL) {
        leaving_generator(recorder, frame, now);
    }
    if (fp_recorder_leave(&recorder->engine, identity, now, result == NULL) == FP_OK) {
        return 0;
    }
    if (recorder->base_frame == identity) {
        recorder->base_frame = 0;
    } else if (was_resumed_unseen(recorder, frame)) {
        missed_call(recorder, (PyObject *)fpy_frame_code(frame), identity, now);
    }
    return 0;
}

/* A C function that ends without having begun, where its caller is being recorded,
 * began after us, without an event: 3.12 sends none for a bound method whose function
 * is a C function (`types.MethodType(len, x)()`). */
static FP_COLD int
leave_c_slowly(fpy_recorder *recorder, PyFrameObject *frame, PyObject *function,
               fp_ticks now, bool raised)
{
    const fp_frame caller = (fp_frame)frame;
    const fp_frame identity = caller | FPY_C_CALL;

    if (is_in_focus(recorder, frame) &&
        fp_recorder_leave(&recorder->engine, identity, now, raised) != FP_OK &&
        !fpy_is_own_function(function) &&
        (fp_recorder_current(&recorder->engine) == caller ||
         recorder->base_frame == caller)) {
        missed_call(recorder, function, identity, now);
    }
    return 0;
}

static FP_COLD int
left_oddly(fpy_recorder *recorder, fp_ticks elapsed, fp_ticks now)
{
    fp_recorder_left(&recorder->engine, elapsed, now);
    return 0;
}

/* A generator's frame is perhaps left: the innermost call is one. */
static FP_OUT_OF_LINE int
leave_generator(fpy_recorder *recorder, PyFrameObject *frame, PyObject *result,
                fp_ticks now)
{
    if (result != NULL) {
        leaving_generator(recorder, frame, now);
    }
    if (fp_recorder_try_leave(
            &recorder->engine, (fp_frame)frame, now, result == NULL)) {
        return 0;
    }
    return leave_slowly(recorder, frame, result, now);
}

/* A C function is called where not all functions are recorded. */
static FP_OUT_OF_LINE int
c_call_in_focus(fpy_recorder *recorder, PyFrameObject *frame, PyObject *function,
                fp_ticks now)
{
    const fp_frame identity = (fp_frame)frame | FPY_C_CALL;
    const fp_key key = fpy_c_function_key(function);

    if (!recorder->builtins || !is_in_focus(recorder, frame) ||
        fp_recorder_try_enter(&recorder->engine, key, identity, now)) {
        return 0;
    }
    return enter_known(recorder, function, key, identity, now);
}

static inline int
feed(fpy_recorder *recorder, PyFrameObject *frame, int what, PyObject *arg,
     fp_ticks now)
{
    fp_recorder *engine = &recorder->engine;
    const fp_frame of_call = (fp_frame)frame;
    const fp_frame of_c_call = of_call | FPY_C_CALL;
    const bool raised = what == PyTrace_C_EXCEPTION;
    fp_ticks elapsed;

    switch (what) {
    case PyTrace_CALL:
        if (FP_LIKELY(
                fp_recorder_try_enter(engine, fpy_frame_code(frame), of_call, now))) {
            return FP_LIKELY(!engine->top->node->suspends)
                       ? 0
                       : entered_generator(recorder, frame, now);
        }
        return enter_frame(recorder, frame, now);
    case PyTrace_RETURN:
        if (!FP_LIKELY(!engine->top->node->suspends)) {
            return leave_generator(recorder, frame, arg, now);
        }
        switch (fp_recorder_leave_top(engine, of_call, now, arg == NULL, &elapsed)) {
        case FP_LEFT:
            return 0;
        case FP_LEFT_ODDLY:
            return left_oddly(recorder, elapsed, now);
        default:
            return leave_slowly(recorder, frame, arg, now);
        }
    case PyTrace_C_CALL:
        if (!FP_LIKELY(!recorder->is_choosy)) {
            return c_call_in_focus(recorder, frame, arg, now);
        }
        if (!recorder->builtins ||
            FP_LIKELY(fp_recorder_try_enter(
                engine, fpy_c_function_key(arg), of_c_call, now))) {
            return 0;
        }
        return enter_known(recorder, arg, fpy_c_function_key(arg), of_c_call, now);
    case PyTrace_C_RETURN:
    case PyTrace_C_EXCEPTION:
        if (!recorder->builtins) {
            fp_recorder_aside(engine, FPY_ASIDE);
            return 0;
        }
        switch (fp_recorder_leave_top(engine, of_c_call, now, raised, &elapsed)) {
        case FP_LEFT:
            return 0;
        case FP_LEFT_ODDLY:
            return left_oddly(recorder, elapsed, now);
        default:
            return leave_c_slowly(recorder, frame, arg, now, raised);
        }
    default:
        return 0;
    }
}

typedef struct {
    fpy_event event; /* first */
    int what;
} hooked_event;

/* C functions are of none where they are not recorded. */
static bool
is_of_use(const fpy_event *event, const fpy_recorder *recorder)
{
    const int what = ((const hooked_event *)event)->what;

    return recorder->builtins != FPY_BUILTINS_NONE || what == PyTrace_CALL ||
           what == PyTrace_RETURN;
}

/* Asks a session's wire on the frame's function, if the event is its begin or end. */
static int
trip(fpy_session *session, PyFrameObject *frame, int what, const PyObject *arg)
{
    PyCodeObject *code = fpy_frame_code(frame);

    if (session->wires == NULL || (what != PyTrace_CALL && what != PyTrace_RETURN)) {
        return 0;
    }
    if (what == PyTrace_RETURN && arg == NULL) {
        return fpy_thread_trip(session, code, Py_None);
    }
    if (fpy_is_generator(code) &&
        (what == PyTrace_CALL ? fpy_frame_goes_on(frame) : fpy_frame_yields(frame))) {
        return 0;
    }
    return fpy_thread_trip(session, code, what == PyTrace_CALL ? Py_True : Py_False);
}

/* Several recorders, a custom timer, wires, or a focus. -1 with the exception that the
 * first wire raised; the others are asked all the same, for they will be told of the
 * end. */
static int
feed_all(hooked *one, PyFrameObject *frame, int what, PyObject *arg)
{
    const fp_ticks clock_now = fp_clock_now(&one->clock);
    const hooked_event event = {{is_of_use}, what};
    PyObject *type = NULL, *value, *traceback;
    fpy_recorder *recorder;
    fp_ticks now;

    fpy_thread_begin_event(&one->thread);
    while ((recorder = fpy_thread_next(&one->thread, &event.event, clock_now, &now)) !=
           NULL) {
        fpy_session *session = fpy_session_held(recorder->session);
        feed(recorder, frame, what, arg, now);
        if (trip(session, frame, what, arg) < 0) {
            fpy_keep_first_exception(&type, &value, &traceback);
        }
        Py_DECREF(session->owner);
    }
    if (type == NULL) {
        return 0;
    }
    if (what == PyTrace_CALL && !fpy_failed_calls_are_left()) {
        /* It ends without an event, and without a place in the traceback. */
        feed_all(one, frame, PyTrace_RETURN, NULL);
        PyErr_Restore(type, value, traceback);
        PyTraceBack_Here(frame);
    } else {
        PyErr_Restore(type, value, traceback);
    }
    return -1;
}

/* A hook that has nobody to feed goes. */
static void
remove_own_hook(hooked *one, PyThreadState *tstate)
{
    PyObject *type, *value, *traceback;

    if (hook_of(tstate) != one) {
        return;
    }
    PyErr_Fetch(&type, &value, &traceback);
    remove_hook(one, tstate);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

static bool
starts_threads(const hooked *one, int what, PyObject *function)
{
    return what == PyTrace_C_RETURN &&
           (uintptr_t)fpy_c_function_key(function) - one->starters <=
               one->starters_span;
}

/* All that the hook can be asked to do. -1 with the exception of a wire's. */
static FP_COLD int
feed_slowly(hooked *one, PyFrameObject *frame, int what, PyObject *arg)
{
    int result = 0;

    Py_INCREF(one);
    if (one->thread.recorders != NULL) {
        result = feed_all(one, frame, what, arg);
    }
    if (starts_threads(one, what, arg)) {
        attach_new_threads(one->state);
    }
    if (one->thread.recorders == NULL) {
        remove_own_hook(one, PyThreadState_Get());
    }
    Py_DECREF(one);
    return result;
}

static int
hook(PyObject *self, PyFrameObject *frame, int what, PyObject *arg)
{
    hooked *one = (hooked *)self;
    fpy_recorder *recorder = one->thread.only;

    if (FP_LIKELY(recorder != NULL && !starts_threads(one, what, arg))) {
        return feed(recorder, frame, what, arg, fpy_recorder_time(recorder, true));
    }
    return feed_slowly(one, frame, what, arg);
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
hook_call(hooked *one, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyThreadState *tstate = PyThreadState_Get();
    PyObject *frame, *event, *arg;

    if (!PyArg_ParseTuple(args, "O!OO", &PyFrame_Type, &frame, &event, &arg)) {
        return NULL;
    }
    const int what = event_number(event);
    if (PyThreadState_GetID(tstate) == one->thread.id && what >= 0 &&
        (what < PyTrace_C_CALL || PyCFunction_Check(arg))) {
        if (_PyEval_SetProfile(tstate, hook, (PyObject *)one) < 0) {
            return NULL;
        }
        if (hook((PyObject *)one, (PyFrameObject *)frame, what, arg) < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

static PyType_Slot hook_slots[] = {
    {Py_tp_doc, "fastprof's profile function, one for each thread."},
    {Py_tp_dealloc, hook_dealloc},
    {Py_tp_call, hook_call},
    {0, NULL},
};

PyType_Spec fpy_hook_spec = {
    .name = "fastprof._fastprof.Hook",
    .basicsize = sizeof(hooked),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = hook_slots,
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
