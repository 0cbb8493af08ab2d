#include "session.h"

#include "key.h"

#include "../engine/alloc.h"

#include <math.h>
#include <string.h>

#define PATHS_WITHOUT_NAME 64 /* from then on it probably has none */
#define TIMER_TICK 1e-9       /* of a timer that answers seconds, as _lsprof has it */

/* A timer's answer as ticks: whole units, or seconds. -1 with an exception. */
static int
ticks_of_answer(const fpy_session *session, PyObject *answer, fp_ticks *ticks)
{
    if (session->timer_unit <= 0.0 && !PyIndex_Check(answer)) {
        const double seconds = PyFloat_AsDouble(answer);
        const double counted = floor(seconds * 1e9);
        if (seconds == -1.0 && PyErr_Occurred()) {
            return -1;
        }
        if (!(counted >= -0x1p62 && counted <= 0x1p62)) {
            PyErr_SetString(PyExc_ValueError, "the timer's answer is out of range");
            return -1;
        }
        *ticks = (fp_ticks)counted;
        return 0;
    }
    const long long counted = PyLong_AsLongLong(answer);
    if (counted == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (session->timer_unit > 0.0) {
        *ticks = counted;
        return 0;
    }
    if (counted > INT64_MAX / 2000000000 || counted < -INT64_MAX / 2000000000) {
        PyErr_SetString(PyExc_ValueError,
                        "the timer's answer is out of range for seconds (a timer that "
                        "counts something else needs a timeunit)");
        return -1;
    }
    *ticks = counted * 1000000000;
    return 0;
}

static fp_ticks
ask_timer(fpy_session *session)
{
    PyObject *type, *value, *traceback;
    PyObject *owner = session->owner;
    PyObject *timer = session->timer;
    const unsigned long caller = session->timer_thread;
    fp_ticks ticks;

    PyErr_Fetch(&type, &value, &traceback);
    Py_INCREF(owner);
    Py_INCREF(timer);
    session->busy++;
    session->timer_thread = PyThread_get_thread_ident();
    PyObject *answer = PyObject_CallNoArgs(timer);
    if (answer != NULL && ticks_of_answer(session, answer, &ticks) == 0) {
        session->timer_last = ticks;
    } else {
        PyErr_WriteUnraisable(timer);
    }
    ticks = session->timer_last;
    session->timer_thread = caller;
    session->busy--;
    Py_XDECREF(answer);
    Py_DECREF(timer);
    Py_DECREF(owner); /* may end the session */
    PyErr_Restore(type, value, traceback);
    return ticks;
}

fp_ticks
fpy_session_now(fpy_session *session)
{
    return session->timer != NULL ? ask_timer(session)
                                  : fp_clock_now(&session->state->clock);
}

fp_ticks
fpy_session_now_quietly(const fpy_session *session)
{
    return session->timer != NULL ? session->timer_last
                                  : fp_clock_now(&session->state->clock);
}

double
fpy_session_scale(fpy_session *session)
{
    if (session->timer == NULL) {
        return fp_clock_scale(&session->state->clock);
    }
    return session->timer_unit > 0.0 ? session->timer_unit : TIMER_TICK;
}

bool
fpy_session_in_timer(const fpy_session *session)
{
    return session->busy > 0 && session->timer_thread == PyThread_get_thread_ident();
}

static fp_status
init_engine(fp_recorder *engine, fpy_session *session)
{
    fp_status status = fp_recorder_init(engine, &session->budget);

    if (status == FP_OK && session->measure == FPY_BOTH) {
        status = fp_recorder_keep_off(engine);
        if (status != FP_OK) {
            fp_recorder_free(engine);
        }
    }
    if (status == FP_OK && session->slowness.processor != NULL) {
        engine->slowness = &session->slowness;
    }
    return status;
}

fpy_recorder *
fpy_session_recorder(fpy_session *session, uint64_t thread_id, uint64_t ident)
{
    fpy_recorder **link = &session->recorders;
    fpy_recorder *recorder;

    while (*link != NULL && (*link)->thread_id != thread_id) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        return *link;
    }
    recorder = fp_alloc(sizeof *recorder);
    if (recorder == NULL) {
        return NULL;
    }
    memset(recorder, 0, sizeof *recorder);
    if (init_engine(&recorder->engine, session) != FP_OK) {
        fp_free(recorder);
        return NULL;
    }
    recorder->session = session;
    recorder->measure = session->measure;
    recorder->is_choosy = fpy_session_is_choosy(session);
    if (session->measure != FPY_WALL) {
        recorder->presence =
            fp_presence_new(&session->state->clock, session->state->use_rseq);
    }
    recorder->thread_id = thread_id;
    recorder->ident = ident;
    *link = recorder;
    return recorder;
}

/* It was off the CPU, up to now. */
static void
take_off(fpy_recorder *recorder, fp_ticks off)
{
    if (recorder->measure == FPY_BOTH) {
        fp_recorder_wait(&recorder->engine, off);
    } else {
        fp_recorder_lose(&recorder->engine, off);
    }
}

fp_ticks
fpy_recorder_catch_up(fpy_recorder *recorder, fp_ticks now)
{
    fp_ticks after;
    const fp_ticks off =
        fp_presence_look(&recorder->presence, &recorder->session->state->clock, &after);
    const fp_ticks most = 2 * recorder->presence.shortest_look;
    const fp_ticks took = after - now < most ? after - now : most;

    /* What the look took is nobody's; if it seems long, the thread was off the CPU in
     * between, which `off` has already. */
    take_off(recorder, off);
    fp_recorder_lose(&recorder->engine, took);
    return after;
}

fp_ticks
fpy_recorder_now(fpy_recorder *recorder, fp_ticks now)
{
    fp_ticks after;

    if (recorder->measure == FPY_WALL || fp_recorder_current(&recorder->engine) == 0) {
        return now;
    }
    if (recorder->thread_id == PyThreadState_GetID(PyThreadState_Get())) {
        return fpy_recorder_catch_up(recorder, now);
    }
    if (fpy_thread_of_id(recorder->thread_id) == NULL) {
        /* It has ended, nobody knows when. */
        if (recorder->measure == FPY_CPU) {
            return recorder->presence.last_look;
        }
        fp_recorder_wait(&recorder->engine, now - recorder->presence.last_look);
        recorder->presence.last_look = now;
        return now;
    }
    take_off(recorder,
             fp_presence_look_at(&recorder->presence,
                                 &recorder->session->state->clock,
                                 recorder->ident,
                                 &after));
    return after;
}

fpy_recorder *
fpy_session_recorder_here(const fpy_session *session)
{
    const uint64_t thread_id = PyThreadState_GetID(PyThreadState_Get());
    fpy_recorder *recorder = session->recorders;

    while (recorder != NULL && recorder->thread_id != thread_id) {
        recorder = recorder->next;
    }
    return recorder != NULL && recorder->thread != NULL ? recorder : NULL;
}

fp_ticks
fpy_session_event_time(fpy_session *session)
{
    const fp_ticks now = fpy_session_now(session);
    fpy_recorder *recorder =
        session->measure != FPY_WALL ? fpy_session_recorder_here(session) : NULL;

    return recorder != NULL ? fpy_recorder_catch_up(recorder, now) : now;
}

/* What passed since `then` was the profiler's, on the CPU or off it. If it was off for
 * longer than that, the rest was before. */
static void
lose_since(fpy_recorder *recorder, fp_ticks then)
{
    const fp_clock *clock = &recorder->session->state->clock;
    fp_ticks now = fp_clock_now(clock);

    if (recorder->measure != FPY_WALL &&
        fp_presence_is_doubtful(&recorder->presence, now)) {
        const fp_ticks off = fp_presence_look(&recorder->presence, clock, &now);
        take_off(recorder, off > now - then ? off - (now - then) : 0);
    }
    fp_recorder_lose(&recorder->engine, now - then);
}

/* Naming may run Python code, which may have ended the call: then there is nothing to
 * hide. */
static void
hide(fpy_recorder *recorder, const fpy_callable *callable, fp_frame identity)
{
    const fp_visibility visibility =
        callable != NULL ? callable->visibility : FP_HIDDEN;

    if (visibility != FP_SHOWN && fp_recorder_current(&recorder->engine) == identity) {
        fp_recorder_hide(&recorder->engine, visibility);
    }
}

bool
fpy_recorder_wants(fpy_recorder *recorder, PyCodeObject *code, fp_frame frame)
{
    fpy_session *session = recorder->session;
    bool wants;

    if (recorder->engine.top->frame == frame) {
        return true;
    }
    if (fpy_thrift_has_folded(&session->thrift, code)) {
        return false;
    }
    session->busy++;
    wants = fpy_focus_has(&session->focus, code);
    session->busy--;
    return wants && recorder->thread != NULL;
}

void
fpy_session_update_builtins(fpy_session *session)
{
    const fp_ticks now = fpy_session_now_quietly(session);

    for (fpy_recorder *r = session->recorders; r != NULL; r = r->next) {
        const fp_frame current = fp_recorder_current(&r->engine);
        r->builtins = session->builtins;
        r->is_choosy = fpy_session_is_choosy(session);
        if (r->builtins == FPY_BUILTINS_NONE && (current & FPY_C_CALL) != 0) {
            fp_recorder_leave(&r->engine, current, now, false);
        }
    }
}

/* The program may have put anything there. */
PyObject *
fpy_thread_name(uint64_t ident)
{
    PyObject *type, *value, *traceback;
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed, as the next three */
    PyObject *module, *active, *thread;
    PyObject *key, *attribute, *name = NULL;

    PyErr_Fetch(&type, &value, &traceback);
    module = PyDict_GetItemString(modules, "threading");
    active = module != NULL && PyModule_CheckExact(module)
                 ? PyDict_GetItemString(PyModule_GetDict(module), "_active")
                 : NULL;
    key = PyLong_FromUnsignedLongLong(ident);
    attribute = PyUnicode_InternFromString("_name");
    if (key != NULL && attribute != NULL && active != NULL &&
        PyDict_CheckExact(active)) {
        thread = PyDict_GetItemWithError(active, key);
        if (thread != NULL) {
            Py_INCREF(thread);
            name = PyObject_GenericGetAttr(thread, attribute);
            Py_DECREF(thread);
        }
    }
    Py_XDECREF(key);
    Py_XDECREF(attribute);
    if (name != NULL && !PyUnicode_CheckExact(name)) {
        Py_CLEAR(name);
    }
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    return name;
}

/* A thread's name is looked up when it has a new path: often at first, for `threading`
 * has it only once the thread runs, and it may change. */
static void
note_thread(fpy_recorder *recorder, fp_ticks now)
{
    const uint32_t paths = recorder->engine.tree.count - 1;

    /* A thread's state is made before the thread, and does not know it yet. */
    recorder->ident = PyThread_get_thread_ident();
    if (paths == 1) {
        recorder->first = now;
    }
    if ((recorder->name == NULL && paths <= PATHS_WITHOUT_NAME) ||
        (paths & (paths - 1)) == 0) {
        PyObject *name = fpy_thread_name(recorder->ident);
        if (name != NULL) {
            Py_XSETREF(recorder->name, name);
        }
    }
}

bool
fpy_recorder_enter(fpy_recorder *recorder, PyObject *callee, fp_frame identity,
                   fp_ticks now)
{
    fpy_session *session = recorder->session;
    const fpy_callable *callable;
    const fp_key key = fpy_key_of(session->callables.names, callee);
    const fp_status status = fp_recorder_enter(&recorder->engine, key, identity, now);

    if (status != FP_ADDED) {
        return status == FP_OK;
    }
    session->busy++;
    if (PyCode_Check(callee)) {
        fp_recorder_mark_python(&recorder->engine,
                                fpy_is_generator((PyCodeObject *)callee));
    }
    note_thread(recorder, now);
    callable = fpy_callables_named(&session->callables, callee);
    session->busy--;
    hide(recorder, callable, identity);
    if (session->timer == NULL) {
        lose_since(recorder, now);
    }
    return callable != NULL;
}

void
fpy_recorder_retire(fpy_recorder *recorder, fp_ticks now)
{
    fpy_session *session = recorder->session;
    fpy_recorder **link = &session->recorders;

    while (*link != recorder) {
        link = &(*link)->next;
    }
    *link = recorder->next;
    recorder->next = session->retired;
    session->retired = recorder;
    fp_recorder_close(&recorder->engine, fpy_recorder_now(recorder, now));
    recorder->last = fp_recorder_last(&recorder->engine);
    fp_recorder_retire(&recorder->engine);
}

void
fpy_session_close(fpy_session *session, fp_ticks now)
{
    for (fpy_recorder *r = session->recorders; r != NULL; r = r->next) {
        fp_recorder_close(&r->engine, fpy_recorder_now(r, now));
        r->base_frame = 0;
    }
}

static void
free_recorders(fpy_recorder **list)
{
    while (*list != NULL) {
        fpy_recorder *recorder = *list;
        *list = recorder->next;
        fp_recorder_free(&recorder->engine);
        Py_XDECREF(recorder->name); /* a string: runs no code */
        fp_free(recorder);
    }
}

/* Those that are linked to no thread are left out. */
static fpy_recorder *
take_linked(fpy_session *session)
{
    fpy_recorder *linked = NULL, **end = &linked;
    fpy_recorder **link = &session->recorders;

    while (*link != NULL) {
        fpy_recorder *recorder = *link;
        if (recorder->thread == NULL) {
            link = &recorder->next;
            continue;
        }
        *link = recorder->next;
        recorder->next = NULL;
        *end = recorder;
        end = &recorder->next;
    }
    return linked;
}

bool
fpy_session_clear(fpy_session *session)
{
    fpy_recorder *linked = take_linked(session);
    bool whole = true;

    free_recorders(&session->recorders);
    free_recorders(&session->retired);
    session->recorders = linked;
    for (fpy_recorder *r = linked; r != NULL; r = r->next) {
        fp_recorder fresh;
        if (init_engine(&fresh, session) == FP_OK) {
            fp_recorder_free(&r->engine);
            r->engine = fresh;
        } else {
            whole = false;
        }
    }
    if (whole) {
        session->budget.nodes_left = session->max_nodes;
        session->began = session->enabled ? fpy_session_now_quietly(session) : 0;
        session->spans = (fpy_spans){0};
        session->slowness = (fp_slowness){.processor = session->slowness.processor};
        if (session->enabled) {
            fpy_session_begin_span(session);
        }
        session->incomplete = session->hook_lost = session->threads_lost = false;
        session->lacked_costs = session->enabled && fpy_session_lacks_costs(session);
        fpy_thrift_forget(&session->thrift);
        /* Last: what dies with its code may run Python code, which is recorded. */
        fpy_callables_clear(&session->callables);
    }
    return whole;
}

void
fpy_session_free(fpy_session *session)
{
    free_recorders(&session->recorders);
    free_recorders(&session->retired);
    fpy_callables_clear(&session->callables);
}

void
fpy_session_begin_span(fpy_session *session)
{
    fpy_spans *spans = &session->spans;

    if (session->compensate) {
        session->slowness.processor = &session->state->processor;
        fpy_session_look(session);
    }
    spans->began = fp_clock_now(&session->state->clock);
    if (spans->count++ == 0) {
        spans->first = spans->began;
    }
}

void
fpy_session_look(fpy_session *session)
{
    if (session->slowness.processor != NULL) {
        fp_slowness_look(&session->slowness);
    }
}

void
fpy_session_end_span(fpy_session *session)
{
    fpy_spans *spans = &session->spans;

    spans->ended = fp_clock_now(&session->state->clock);
    spans->ticks += spans->ended - spans->began;
}

int64_t
fpy_session_calls(const fpy_session *session)
{
    int64_t calls = 0;

    for (const fpy_recorder *r = session->recorders; r != NULL; r = r->next) {
        calls += fp_recorder_calls(&r->engine);
    }
    for (const fpy_recorder *r = session->retired; r != NULL; r = r->next) {
        calls += fp_recorder_calls(&r->engine);
    }
    return calls;
}

void
fpy_session_activate(fpy_session *session)
{
    session->next_active = session->state->active;
    session->state->active = session;
}

void
fpy_session_deactivate(fpy_session *session)
{
    fpy_session **link = &session->state->active;

    while (*link != NULL && *link != session) {
        link = &(*link)->next_active;
    }
    if (*link != NULL) {
        *link = session->next_active;
        session->next_active = NULL;
    }
}
