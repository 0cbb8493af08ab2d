#include "profiler.h"

#include "bound.h"
#include "calibration.h"
#include "collector.h"
#include "export.h"
#include "hook.h"
#include "session.h"

#include <string.h>

#define MOST_OVERHEAD 10.0
#define MOST_UNIT 1e9 /* seconds: what a file may say */
#define DEFAULT_MAX_NODES ((Py_ssize_t)1 << 20)
#define LARGEST_MAX_NODES ((Py_ssize_t)UINT32_MAX - 1)

typedef struct {
    PyObject_HEAD
    fpy_session session;
} fpy_profiler;

/* ---- options ---- */

/* Sets `*flag` to the truth of a bool or int; -1 with an exception that names it. */
static int
set_flag(bool *flag, const char *name, PyObject *value)
{
    if (value == NULL) {
        return 0;
    }
    if (!PyLong_Check(value)) {
        PyErr_Format(PyExc_ValueError, "%s must be True or False, not %R", name, value);
        return -1;
    }
    *flag = PyObject_IsTrue(value) != 0;
    return 0;
}

static bool
is_text(PyObject *value, const char *text)
{
    return value != NULL && PyUnicode_Check(value) &&
           PyUnicode_CompareWithASCIIString(value, text) == 0;
}

static int
set_builtins(fpy_session *session, PyObject *value)
{
    const bool all = is_text(value, "all"), slow = is_text(value, "slow");
    bool wanted = session->builtins != FPY_BUILTINS_NONE;

    if (value != NULL && !all && !slow && !PyLong_Check(value)) {
        PyErr_Format(PyExc_ValueError,
                     "builtins must be True, False, \"slow\" or \"all\", not %R",
                     value);
        return -1;
    }
    if (slow && session->source != &fpy_hook_monitoring) {
        fpy_raise("BackendError",
                  "builtins=\"slow\" needs sys.monitoring, which is there from Python "
                  "3.12 on, with backend=\"auto\" or \"monitoring\"; here C functions "
                  "can be recorded, all (builtins=True) or none (False)");
        return -1;
    }
    if (all && session->source != &fpy_hook_monitoring) {
        fpy_raise("BackendError",
                  "builtins=\"all\" needs sys.monitoring, which is there from Python "
                  "3.12 on, with backend=\"auto\" or \"monitoring\"; here only C "
                  "functions can be recorded: builtins=True");
        return -1;
    }
    if (value != NULL &&
        set_flag(&wanted, "builtins", all || slow ? Py_True : value) == 0) {
        session->thrift.saves_calls = slow;
        session->builtins = all      ? FPY_BUILTINS_ALL
                            : wanted ? FPY_BUILTINS_C
                                     : FPY_BUILTINS_NONE;
    }
    return 0;
}

static const fpy_hook *
best_source(void)
{
    return fpy_hook_monitoring.attach != NULL ? &fpy_hook_monitoring
                                              : &fpy_hook_setprofile;
}

static void
choose_source(fpy_session *session, const fpy_hook *source)
{
    session->source = source;
    session->has_choosy_way = source == &fpy_hook_monitoring;
    session->calibration =
        &session->state->calibrations[source == &fpy_hook_monitoring];
}

static int
set_backend(fpy_session *session, PyObject *value)
{
    const fpy_hook *const sources[] = {&fpy_hook_setprofile, &fpy_hook_monitoring};

    choose_source(session, best_source());
    if (value == NULL || (PyUnicode_Check(value) &&
                          PyUnicode_CompareWithASCIIString(value, "auto") == 0)) {
        return 0;
    }
    for (size_t i = 0; PyUnicode_Check(value) && i < Py_ARRAY_LENGTH(sources); i++) {
        if (PyUnicode_CompareWithASCIIString(value, sources[i]->name) != 0) {
            continue;
        }
        if (sources[i]->attach == NULL) {
            fpy_raise("BackendError",
                      "backend=\"monitoring\" needs sys.monitoring, which is there "
                      "from Python 3.12 on; use backend=\"auto\" or \"setprofile\"");
            return -1;
        }
        choose_source(session, sources[i]);
        return 0;
    }
    PyObject *message = PyUnicode_FromFormat(
        "backend must be \"auto\", \"setprofile\" or \"monitoring\", not %R", value);
    if (message != NULL) {
        fpy_raise("BackendError", PyUnicode_AsUTF8(message));
        Py_DECREF(message);
    }
    return -1;
}

static int
set_threads(fpy_session *session, PyObject *value)
{
    if (value == NULL) {
        return 0;
    }
    if (PyUnicode_Check(value)) {
        session->all_threads = PyUnicode_CompareWithASCIIString(value, "all") == 0;
        if (session->all_threads ||
            PyUnicode_CompareWithASCIIString(value, "current") == 0) {
            return 0;
        }
    }
    PyErr_Format(
        PyExc_ValueError, "threads must be \"all\" or \"current\", not %R", value);
    return -1;
}

static const char *const measure_names[] = {
    [FPY_WALL] = "wall",
    [FPY_CPU] = "cpu",
    [FPY_BOTH] = "both",
};

static int
set_clock(fpy_session *session, PyObject *value, PyObject *timer)
{
    size_t measure = 0;

    while (value != NULL && measure < Py_ARRAY_LENGTH(measure_names) &&
           !(PyUnicode_Check(value) &&
             PyUnicode_CompareWithASCIIString(value, measure_names[measure]) == 0)) {
        measure++;
    }
    if (measure == Py_ARRAY_LENGTH(measure_names)) {
        PyErr_Format(PyExc_ValueError,
                     "clock must be \"wall\", \"cpu\" or \"both\", not %R",
                     value);
        return -1;
    }
    session->measure = (fpy_measure)measure;
    if (session->measure != FPY_WALL && timer != Py_None) {
        PyErr_Format(PyExc_ValueError,
                     "a timer is a clock of its own: leave out clock=%R",
                     value);
        return -1;
    }
    return 0;
}

static int
set_timer(fpy_session *session, PyObject *timer, double unit)
{
    if (timer != Py_None && !PyCallable_Check(timer)) {
        PyErr_Format(PyExc_TypeError, "timer must be callable, not %R", timer);
        return -1;
    }
    Py_XINCREF(timer == Py_None ? NULL : timer);
    Py_XSETREF(session->timer, timer == Py_None ? NULL : timer);
    session->timer_unit = unit;
    return 0;
}

static int
set_unit(double *unit, PyObject *value)
{
    const double given = value != NULL ? PyFloat_AsDouble(value) : 0.0;

    if (given == -1.0 && PyErr_Occurred()) {
        PyErr_Format(PyExc_TypeError, "timeunit must be a number, not %R", value);
        return -1;
    }
    if (given > MOST_UNIT) {
        PyErr_Format(
            PyExc_ValueError, "timeunit must be at most 1e9 seconds, not %R", value);
        return -1;
    }
    *unit = given;
    return 0;
}

static int
set_max_nodes(fpy_session *session, PyObject *value)
{
    Py_ssize_t nodes = DEFAULT_MAX_NODES;

    if (value != NULL && !PyLong_Check(value)) {
        PyErr_Format(PyExc_TypeError, "max_nodes must be an int, not %R", value);
        return -1;
    }
    if (value != NULL) {
        nodes = PyLong_AsSsize_t(value);
    }
    if (nodes < 1 || nodes > LARGEST_MAX_NODES) {
        PyErr_Format(PyExc_ValueError,
                     "max_nodes must be between 1 and %zd, not %R",
                     LARGEST_MAX_NODES,
                     value);
        return -1;
    }
    session->max_nodes = session->budget.nodes_left = (size_t)nodes;
    return 0;
}

static int
set_max_overhead(fpy_session *session, PyObject *value)
{
    double share;

    if (value == NULL || value == Py_None) {
        return 0;
    }
    share = PyFloat_AsDouble(value);
    if (share == -1.0 && PyErr_Occurred()) {
        PyErr_Format(PyExc_TypeError, "max_overhead must be a number, not %R", value);
        return -1;
    }
    if (!(share > 0.0 && share <= MOST_OVERHEAD)) {
        PyErr_Format(
            PyExc_ValueError,
            "max_overhead must be above 0 and at most 10, not %R (0.05 is 5 %% "
            "of the program's time)",
            value);
        return -1;
    }
    if (session->source != &fpy_hook_monitoring) {
        fpy_raise(
            "BackendError",
            "max_overhead needs sys.monitoring, which is there from Python 3.12 "
            "on, with backend=\"auto\" or \"monitoring\": only there can events be "
            "switched off");
        return -1;
    }
    if (session->timer != NULL) {
        PyErr_SetString(PyExc_ValueError,
                        "max_overhead is a share of the time by our own clock: leave "
                        "out the timer");
        return -1;
    }
    /* Of what passes, with the cost. Where most of that is the profiler's, what is
     * charged is not exact enough. */
    session->thrift.share = share < 1.0 ? share / (1.0 + share) : share / 2.0;
    return 0;
}

static PyObject *
profiler_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    fpy_profiler *self = (fpy_profiler *)type->tp_alloc(type, 0);

    if (self != NULL) {
        fpy_session *session = &self->session;
        session->state = fpy_state_of((PyObject *)self);
        session->owner = (PyObject *)self;
        session->max_nodes = session->budget.nodes_left = (size_t)DEFAULT_MAX_NODES;
        choose_source(session, best_source());
        session->callables.names = &session->state->names;
        session->builtins = FPY_BUILTINS_C;
        session->subcalls = session->all_threads = session->compensate = true;
    }
    return (PyObject *)self;
}

static int
profiler_init(fpy_profiler *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"timer",
                            "timeunit",
                            "subcalls",
                            "builtins",
                            "threads",
                            "max_nodes",
                            "backend",
                            "compensate",
                            "clock",
                            "max_overhead",
                            NULL};
    fpy_session *session = &self->session;
    PyObject *timer = Py_None, *unit = NULL, *subcalls = NULL, *builtins = NULL;
    PyObject *threads = NULL, *max_nodes = NULL, *backend = NULL, *compensate = NULL;
    PyObject *clock = NULL, *max_overhead = NULL;
    double seconds;

    if (!PyArg_ParseTupleAndKeywords(args,
                                     kwargs,
                                     "|OOOO$OOOOOO:Profiler",
                                     names,
                                     &timer,
                                     &unit,
                                     &subcalls,
                                     &builtins,
                                     &threads,
                                     &max_nodes,
                                     &backend,
                                     &compensate,
                                     &clock,
                                     &max_overhead)) {
        return -1;
    }
    if (session->recorders != NULL || session->retired != NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "a profiler that has recorded cannot be made anew");
        return -1;
    }
    if (session->state->clock_refused) {
        fpy_raise("BackendError",
                  "the environment variable FASTPROF_CLOCK must be \"monotonic\", or "
                  "\"tsc\" where the processor has one");
        return -1;
    }
    if (set_backend(session, backend) < 0 || set_max_nodes(session, max_nodes) < 0 ||
        set_flag(&session->subcalls, "subcalls", subcalls) < 0 ||
        set_flag(&session->compensate, "compensate", compensate) < 0 ||
        set_builtins(session, builtins) < 0 || set_threads(session, threads) < 0 ||
        set_clock(session, clock, timer) < 0 || set_unit(&seconds, unit) < 0) {
        return -1;
    }
    if (timer != Py_None) {
        session->compensate = false;
    }
    return set_timer(session, timer, seconds) < 0
               ? -1
               : set_max_overhead(session, max_overhead);
}

/* ---- the object's life ---- */

/* Stops recording without asking a timer, and leaves open calls open. */
static void
stop(fpy_session *session)
{
    if (session->enabled) {
        session->enabled = false;
        fpy_session_end_span(session);
        fpy_session_deactivate(session);
        session->source->detach(session);
        if (session->state->active == NULL) {
            fpy_collector_ignore(session->state);
        }
    }
    Py_CLEAR(session->enabled_in);
}

static int
profiler_traverse(fpy_profiler *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->session.enabled_in);
    Py_VISIT(self->session.timer);
    Py_VISIT(self->session.wires);
    fpy_thrift_traverse(&self->session.thrift, visit, arg);
    fpy_focus_traverse(&self->session.focus, visit, arg);
    return fpy_callables_traverse(&self->session.callables, visit, arg);
}

static int
profiler_clear_references(fpy_profiler *self)
{
    stop(&self->session);
    Py_CLEAR(self->session.timer);
    Py_CLEAR(self->session.wires);
    fpy_focus_clear(&self->session.focus);
    fpy_thrift_clear(&self->session.thrift);
    fpy_callables_clear(&self->session.callables);
    return 0;
}

static void
profiler_dealloc(fpy_profiler *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    profiler_clear_references(self);
    fpy_session_free(&self->session);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- enable, disable, clear ---- */

static int
refuse_in_timer(const fpy_session *session, const char *verb)
{
    if (fpy_session_in_timer(session)) {
        PyErr_Format(
            PyExc_RuntimeError, "cannot %s a profiler inside its own timer", verb);
        return -1;
    }
    return 0;
}

/* A forked child has only the thread that forked, and must not record. */
static int
watch_forks(fpy_state *state, PyObject *module)
{
    PyObject *os, *handler, *answer = NULL;

    if (state->fork_watched) {
        return 0;
    }
    os = PyImport_ImportModule("os");
    handler = PyObject_GetAttrString(module, "_stop_after_fork");
    if (os != NULL && handler != NULL) {
        PyObject *watch = PyObject_GetAttrString(os, "register_at_fork");
        PyObject *keywords = Py_BuildValue("{sO}", "after_in_child", handler);
        PyObject *nothing = PyTuple_New(0);
        if (watch != NULL && keywords != NULL && nothing != NULL) {
            answer = PyObject_Call(watch, nothing, keywords);
        }
        Py_XDECREF(watch);
        Py_XDECREF(keywords);
        Py_XDECREF(nothing);
    }
    Py_XDECREF(os);
    Py_XDECREF(handler);
    if (answer == NULL) {
        return -1;
    }
    Py_DECREF(answer);
    state->fork_watched = true;
    return 0;
}

/* Keeps where it is enabled: the innermost frame that is not ours. */
static void
note_place(fpy_session *session)
{
    PyFrameObject *frame = PyEval_GetFrame();

    Py_XINCREF(frame);
    while (frame != NULL && fpy_is_own_frame(frame)) {
        PyFrameObject *caller = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = caller;
    }
    if (frame != NULL) {
        Py_XSETREF(session->enabled_in, (PyObject *)PyFrame_GetCode(frame));
        session->enabled_line = PyFrame_GetLineNumber(frame);
        Py_DECREF(frame);
    }
}

static void
prepare_for_cpu_time(fpy_state *state)
{
    fp_clock_scale(&state->clock); /* for what the kernel says, in ns */
    if (!state->rseq_tried) {
        state->rseq_tried = true;
        state->use_rseq = state->use_rseq && fp_presence_areas_work();
    }
}

static int
prepare_thrift(fpy_thrift *thrift)
{
    PyObject *module, *cheap;
    int result;

    if (!fpy_thrift_is_on(thrift) || thrift->held != NULL) {
        return 0;
    }
    module = PyImport_ImportModule("fastprof.cheap");
    cheap = module != NULL ? PyObject_GetAttrString(module, "CHEAP") : NULL;
    result = cheap != NULL ? fpy_thrift_prepare(thrift, cheap) : -1;
    Py_XDECREF(cheap);
    Py_XDECREF(module);
    return result;
}

static int
start(fpy_session *session)
{
    if (watch_forks(session->state, fpy_module_of_type(Py_TYPE(session->owner))) < 0) {
        return -1;
    }
    if (session->measure != FPY_WALL) {
        prepare_for_cpu_time(session->state);
    }
    session->lacked_costs = session->lacked_costs || fpy_session_lacks_costs(session);
    if (prepare_thrift(&session->thrift) < 0) {
        return -1;
    }
    if (session->enabled) { /* importing, or another thread, has done it meanwhile */
        return 0;
    }
    /* First, for an audit hook that runs meanwhile may disable it again. */
    session->enabled = true;
    fpy_session_begin_span(session);
    if (session->began == 0) {
        session->began = fpy_session_now_quietly(session);
    }
    note_place(session);
    fpy_session_activate(session);
    if (fpy_collector_watch(session->state) < 0 ||
        session->source->attach(session) < 0) {
        stop(session);
        session->spans.count -= session->spans.count > 0;
        return -1;
    }
    return 0;
}

static PyObject *
finish_enabling(fpy_session *session)
{
    if (session->source->update(session) < 0) {
        stop(session);
        return NULL;
    }
    Py_RETURN_NONE;
}

/* Whether what events cost must be known. */
static bool
needs_costs(const fpy_session *session)
{
    return session->compensate || session->thrift.share > 0.0;
}

static PyObject *
profiler_enable(fpy_profiler *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"subcalls", "builtins", NULL};
    fpy_session *session = &self->session;
    PyObject *subcalls = NULL, *builtins = NULL;

    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "|OO:enable", names, &subcalls, &builtins) ||
        refuse_in_timer(session, "enable") < 0 ||
        (needs_costs(session) && fpy_calibrate(session) < 0)) {
        return NULL;
    }
    if (session->enabled && fpy_enabling_twice_is_an_error()) {
        fpy_raise("ProfilerConflictError", "this profiler is already active");
        return NULL;
    }
    if (set_flag(&session->subcalls, "subcalls", subcalls) < 0 ||
        set_builtins(session, builtins) < 0 ||
        (!session->enabled && start(session) < 0)) {
        return NULL;
    }
    return finish_enabling(session);
}

static PyObject *
profiler_disable(fpy_profiler *self, PyObject *Py_UNUSED(ignored))
{
    fpy_session *session = &self->session;

    if (refuse_in_timer(session, "disable") < 0) {
        return NULL;
    }
    if (session->enabled) {
        stop(session);
        fpy_session_close(session, fpy_session_now(session));
        fpy_session_look(session);
    }
    Py_RETURN_NONE;
}

/* It looks and does in one, so that two threads that toggle at once do not both see
 * what was there before. */
static PyObject *
profiler_toggle(fpy_profiler *self, PyObject *Py_UNUSED(ignored))
{
    fpy_session *session = &self->session;

    if (refuse_in_timer(session, "toggle") < 0 ||
        (!session->enabled && needs_costs(session) && fpy_calibrate(session) < 0)) {
        return NULL;
    }
    if (session->enabled) {
        return profiler_disable(self, NULL);
    }
    if (start(session) < 0) {
        return NULL;
    }
    return finish_enabling(session);
}

static PyObject *
profiler_calibrate(fpy_profiler *self, PyObject *Py_UNUSED(ignored))
{
    fpy_session *session = &self->session;

    if (needs_costs(session) && fpy_calibrate(session) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
profiler_clear(fpy_profiler *self, PyObject *Py_UNUSED(ignored))
{
    fpy_session *session = &self->session;

    if (session->busy > 0) {
        PyErr_SetString(PyExc_RuntimeError,
                        "cannot clear a profiler while its timer runs or it is read");
        return NULL;
    }
    if (!fpy_session_clear(session)) {
        return PyErr_NoMemory();
    }
    fpy_bound_forget(session);
    Py_RETURN_NONE;
}

static PyObject *
profiler_watch(fpy_profiler *self, PyObject *wires)
{
    if (!PyDict_CheckExact(wires) || self->session.enabled) {
        PyErr_SetString(PyExc_TypeError,
                        "watch takes a dict, while the profiler is not enabled");
        return NULL;
    }
    Py_XSETREF(self->session.wires, Py_NewRef(wires));
    Py_RETURN_NONE;
}

static PyObject *
profiler_focus(fpy_profiler *self, PyObject *predicate)
{
    fpy_session *session = &self->session;

    if (!PyCallable_Check(predicate) || session->enabled ||
        session->recorders != NULL || session->retired != NULL) {
        PyErr_SetString(PyExc_TypeError,
                        "focus takes what can be called, before anything is recorded");
        return NULL;
    }
    Py_XSETREF(session->focus.predicate, Py_NewRef(predicate));
    Py_RETURN_NONE;
}

void
fpy_stop_all(fpy_state *state)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(state->calibrations); i++) {
        state->calibrations[i].is_running = false; /* its thread is not here */
    }
    while (state->active != NULL) {
        fpy_session *session = state->active;
        stop(session);
        fpy_session_close(session, fpy_session_now_quietly(session));
    }
}

/* ---- results ---- */

static PyObject *
profiler_getstats(fpy_profiler *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *snapshot = fpy_snapshot_take(&self->session);
    PyObject *entries = NULL;

    if (snapshot != NULL) {
        entries = fpy_snapshot_getstats(snapshot, self->session.subcalls);
        Py_DECREF(snapshot);
    }
    return entries;
}

static PyObject *
profiler_count_calls(fpy_profiler *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLongLong(fpy_session_calls(&self->session));
}

static PyObject *
profiler_take_snapshot(fpy_profiler *self, PyObject *Py_UNUSED(ignored))
{
    return fpy_snapshot_take(&self->session);
}

static PyObject *
profiler_clock_info(fpy_profiler *self, void *Py_UNUSED(closure))
{
    fpy_session *session = &self->session;
    const fp_clock *clock = &session->state->clock;
    const bool custom = session->timer != NULL;

    return Py_BuildValue("{sssssdsO}",
                         "measures",
                         custom ? "custom" : measure_names[session->measure],
                         "source",
                         custom ? "custom" : fp_clock_source_name(clock->source),
                         "seconds_per_tick",
                         fpy_session_scale(session),
                         "unstable",
                         !custom && clock->unstable ? Py_True : Py_False);
}

/* How often it was enabled, the seconds that it was, and those from the first time to
 * the last, or to now while it is enabled. */
static PyObject *
profiler_spans(fpy_profiler *self, void *Py_UNUSED(closure))
{
    fpy_session *session = &self->session;
    const fpy_spans *spans = &session->spans;
    fp_clock *clock = &session->state->clock;
    const double scale = fp_clock_scale(clock);
    const fp_ticks end = session->enabled ? fp_clock_now(clock) : spans->ended;
    const fp_ticks open = session->enabled ? end - spans->began : 0;

    return Py_BuildValue("Ldd",
                         (long long)spans->count,
                         (double)(spans->ticks + open) * scale,
                         (double)(end - spans->first) * scale);
}

/* The file and the line that enabled it, or None. */
static PyObject *
profiler_enabled_at(fpy_profiler *self, void *Py_UNUSED(closure))
{
    const PyCodeObject *code = (PyCodeObject *)self->session.enabled_in;

    if (code == NULL) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("Oi", code->co_filename, self->session.enabled_line);
}

/* A cost in seconds. */
static PyObject *
cost_tuple(const fp_cost *cost, double scale)
{
    return Py_BuildValue(
        "(ddd)", cost->inside * scale, cost->outside * scale, cost->error * scale);
}

static PyObject *
profiler_calibration(fpy_profiler *self, void *Py_UNUSED(closure))
{
    const fp_costs *costs = fpy_costs_of(&self->session);
    double scale;

    if (costs == NULL) {
        Py_RETURN_NONE;
    }
    scale = fpy_session_scale(&self->session);
    return Py_BuildValue("{sNsNsNsNsNsNsNsNsNsNsd}",
                         "python",
                         cost_tuple(&costs->returned[FP_KIND_PYTHON], scale),
                         "generator",
                         cost_tuple(&costs->returned[FP_KIND_GENERATOR], scale),
                         "builtin",
                         cost_tuple(&costs->returned[FP_KIND_C], scale),
                         "method",
                         cost_tuple(&costs->returned[FP_KIND_METHOD], scale),
                         "python_raised",
                         cost_tuple(&costs->raised[FP_KIND_PYTHON], scale),
                         "generator_raised",
                         cost_tuple(&costs->raised[FP_KIND_GENERATOR], scale),
                         "builtin_raised",
                         cost_tuple(&costs->raised[FP_KIND_C], scale),
                         "method_raised",
                         cost_tuple(&costs->raised[FP_KIND_METHOD], scale),
                         "append",
                         cost_tuple(&costs->append, scale),
                         "aside",
                         cost_tuple(&costs->aside, FPY_ASIDE * scale),
                         "pace",
                         costs->pace);
}

PyMethodDef fpy_profiler_methods[] = {
    {"enable",
     (PyCFunction)(void (*)(void))profiler_enable,
     METH_VARARGS | METH_KEYWORDS,
     "enable($self, /, subcalls=..., builtins=...)\n--\n\n"
     "Begin recording every call, from this call on."},
    {"disable",
     (PyCFunction)profiler_disable,
     METH_NOARGS,
     "disable($self, /)\n--\n\n"
     "Stop recording; calls that are open end here. Legal at any time, but for the\n"
     "profiler's own timer."},
    {"toggle",
     (PyCFunction)profiler_toggle,
     METH_NOARGS,
     "toggle($self, /)\n--\n\n"
     "Disable if it records, else enable; legal in any thread."},
    {"calibrate",
     (PyCFunction)profiler_calibrate,
     METH_NOARGS,
     "calibrate($self, /)\n--\n\n"
     "Measure what events cost now, if the first enable() in this process would."},
    {"clear",
     (PyCFunction)profiler_clear,
     METH_NOARGS,
     "clear($self, /)\n--\n\n"
     "Forget what was recorded. Legal at any time, but while the profiler's timer\n"
     "runs or what it has recorded is being read."},
    {"focus",
     (PyCFunction)profiler_focus,
     METH_O,
     "focus($self, predicate, /)\n--\n\n"
     "Record only Python functions of which the predicate is true; it is called once\n"
     "for each code object, with the name of its module (or None) and the code."},
    {"watch",
     (PyCFunction)profiler_watch,
     METH_O,
     "watch($self, wires, /)\n--\n\n"
     "What to call when Python functions begin (with True), return (with False) or\n"
     "end with an exception (with None): a dict by the addresses of their code\n"
     "objects, which the caller keeps alive. What is raised at a begin or return is\n"
     "raised in the function, from its frame."},
    {"getstats",
     (PyCFunction)profiler_getstats,
     METH_NOARGS,
     "getstats($self, /)\n--\n\n"
     "A list of profiler_entry, one for each code object and each C function."},
    {"count_calls",
     (PyCFunction)profiler_count_calls,
     METH_NOARGS,
     "count_calls($self, /)\n--\n\n"
     "How many calls that have ended were recorded, on all threads; much cheaper than\n"
     "a Snapshot."},
    {"take_snapshot",
     (PyCFunction)profiler_take_snapshot,
     METH_NOARGS,
     "take_snapshot($self, /)\n--\n\n"
     "What has been recorded up to now, as a Snapshot; recording goes on."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef profiler_members[] = {
    {"enabled",
     T_BOOL,
     offsetof(fpy_profiler, session.enabled),
     READONLY,
     "Whether it records now."},
    {"subcalls",
     T_BOOL,
     offsetof(fpy_profiler, session.subcalls),
     READONLY,
     "Whether the pstats output has callers."},
    {"compensate",
     T_BOOL,
     offsetof(fpy_profiler, session.compensate),
     READONLY,
     "Whether what the profiler adds to the times is to be taken out of them."},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef profiler_getset[] = {
    {"enabled_at",
     (getter)profiler_enabled_at,
     NULL,
     "The file and the line of the program that enabled it, while it records;\n"
     "None: it does not, or no Python code did.",
     NULL},
    {"spans",
     (getter)profiler_spans,
     NULL,
     "How often it was enabled; for how many seconds in all; and seconds from the\n"
     "first time until it was last disabled, or until now.",
     NULL},
    {"clock_info",
     (getter)profiler_clock_info,
     NULL,
     "The clock: a dict of source, measures, seconds_per_tick and unstable.",
     NULL},
    {"calibration",
     (getter)profiler_calibration,
     NULL,
     "What the profiler adds to the times, in seconds: for each kind of call\n"
     "(inside the callee's, outside it, error), for an aside (an event that begins\n"
     "and ends no call), and how many times as long Python code takes. None: it is\n"
     "not known yet, or times are left as recorded.",
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot profiler_slots[] = {
    {Py_tp_doc,
     "Profiler(timer=None, timeunit=0.0, subcalls=True, builtins=True, *,\n"
     "         threads=\"all\", max_nodes=2**20, backend=\"auto\", compensate=True,\n"
     "         clock=\"wall\", max_overhead=None)\n"
     "--\n\n"
     "Records calls. fastprof.Profiler and fastprof.Profile are made of it."},
    {Py_tp_new, profiler_new},
    {Py_tp_init, profiler_init},
    {Py_tp_dealloc, profiler_dealloc},
    {Py_tp_traverse, profiler_traverse},
    {Py_tp_clear, profiler_clear_references},
    {Py_tp_methods, fpy_profiler_methods},
    {Py_tp_members, profiler_members},
    {Py_tp_getset, profiler_getset},
    {0, NULL},
};

PyType_Spec fpy_profiler_spec = {
    .name = "fastprof._fastprof.Profiler",
    .basicsize = sizeof(fpy_profiler),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = profiler_slots,
};
