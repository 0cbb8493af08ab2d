#include "export.h"

#include "bound.h"
#include "calibration.h"
#include "pace.h"

#include "../engine/alloc.h"
#include "../engine/codec.h"
#include "../engine/stats.h"

#include <math.h>

#define FUNCTION_NAME 2 /* places in a function's description */
#define FUNCTION_KIND 5
#define COST_NUMBERS ((Py_ssize_t)(sizeof(fp_costs) / sizeof(double)))
#define LEAST_UNIT 1e-18 /* seconds in a tick; likewise */
#define MOST_UNIT 1e9
#define MOST_TICKS_PER_EVENT 1e12 /* what a file may say */

/* ---- taking ---- */

/* Whether a label is that of a method of a class: the interpreter has other ways to
 * call one. */
static bool
is_method(PyObject *label)
{
    static const char beginning[] = "<method '";
    const Py_ssize_t length = (Py_ssize_t)sizeof beginning - 1;

    for (Py_ssize_t i = 0; i < length; i++) {
        if (i >= PyUnicode_GET_LENGTH(label) ||
            PyUnicode_READ_CHAR(label, i) != (Py_UCS4)beginning[i]) {
            return false;
        }
    }
    return true;
}

static fp_kind
kind_of(const fpy_callable *callable)
{
    if (callable->visibility == FP_FOLDED) {
        return callable->key == &fpy_collection_method ? FP_KIND_COLLECTION
                                                       : FP_KIND_REGION;
    }
    return is_method(callable->subject) ? FP_KIND_METHOD : FP_KIND_C;
}

/* A new reference. C functions have cProfile's pseudo-file `~` and line 0. */
static PyObject *
describe(const fpy_callable *callable)
{
    PyObject *module = callable->module != NULL ? callable->module : Py_None;
    PyObject *subject = callable->subject;

    if (PyCode_Check(subject)) {
        PyCodeObject *code = (PyCodeObject *)subject;
        return Py_BuildValue("(OiOOOi)",
                             code->co_filename,
                             code->co_firstlineno,
                             code->co_name,
                             fpy_code_qualname(code),
                             module,
                             fpy_is_generator(code) ? FP_KIND_GENERATOR
                                                    : FP_KIND_PYTHON);
    }
    return Py_BuildValue(
        "(siOOOi)", "~", 0, subject, subject, module, kind_of(callable));
}

static fp_precision
precision_of(const fpy_session *session, const fpy_callable *callable)
{
    if (callable->visibility == FP_FOLDED) {
        return FP_EXACT;
    }
    if (session->builtins == FPY_BUILTINS_ALL && !PyCode_Check(callable->subject)) {
        return session->thrift.has_place_off ? FP_LOWER_BOUND : FP_EXACT;
    }
    return fpy_thrift_precision(
        &session->thrift, callable->key, PyCode_Check(callable->subject));
}

/* Of the first functions, so many. A new reference. */
static PyObject *
list_precisions(const fpy_session *session, Py_ssize_t count)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, count);
    const fpy_callable *callable = session->callables.table;

    for (Py_ssize_t i = 0; bytes != NULL && i < count; i++) {
        PyBytes_AS_STRING(bytes)[i] = (char)precision_of(session, callable);
        callable = callable->hh.next;
    }
    return bytes;
}

/* Of the first functions, so many: None where the pace is always the same. A new
 * reference. */
static PyObject *
list_paces(const fpy_session *session, Py_ssize_t count)
{
    const fpy_callable *callable = session->callables.table;
    PyObject *bytes;

    if (!FPY_PROFILING_SLOWS_PYTHON) {
        Py_RETURN_NONE;
    }
    bytes = PyBytes_FromStringAndSize(NULL, FPY_PACE_SIZE * count);
    for (Py_ssize_t i = 0; bytes != NULL && i < count; i++) {
        fpy_pace_write((unsigned char *)PyBytes_AS_STRING(bytes) + FPY_PACE_SIZE * i,
                       PyCode_Check(callable->subject)
                           ? fpy_pace_of((PyCodeObject *)callable->subject)
                           : (fp_pace){0});
        callable = callable->hh.next;
    }
    return bytes;
}

/* The table's order is that of the functions' numbers. */
static int
list_functions(fpy_snapshot *self, const fpy_session *session)
{
    PyObject *functions = PyList_New(0);
    PyObject *paces;
    int result = -1;

    self->subjects = PyList_New(0);
    if (functions == NULL || self->subjects == NULL) {
        goto done;
    }
    for (const fpy_callable *c = session->callables.table; c != NULL; c = c->hh.next) {
        PyObject *description = describe(c);
        int failed = description == NULL || PyList_Append(functions, description) < 0 ||
                     PyList_Append(self->subjects, c->subject) < 0;
        Py_XDECREF(description);
        if (failed) {
            goto done;
        }
    }
    /* A tuple: what has so many functions must not become shorter. */
    self->functions = PyList_AsTuple(functions);
    if (self->functions != NULL) {
        self->precision = list_precisions(session, PyList_GET_SIZE(functions));
    }
    paces = self->precision != NULL ? list_paces(session, PyList_GET_SIZE(functions))
                                    : NULL;
    if (paces != NULL) {
        Py_SETREF(self->paces, paces);
        result = 0;
    }
done:
    Py_XDECREF(functions);
    return result;
}

fpy_snapshot *
fpy_snapshot_new(const fpy_state *state)
{
    fpy_snapshot *self = PyObject_New(fpy_snapshot, state->snapshot_type);

    if (self != NULL) {
        self->snapshot = (fp_snapshot){0};
        self->functions = NULL;
        self->precision = NULL;
        self->paces = Py_NewRef(Py_None);
        self->subjects = NULL;
        self->threads = NULL;
        self->seconds_per_tick = 0.0;
        self->costs = (fp_costs){0};
        self->kinds = NULL;
        self->known_paces = NULL;
        self->compensated = 0;
        self->complete = 1;
        self->hook_lost = 0;
        self->threads_lost = 0;
    }
    return self;
}

/* Seconds from when recording began; None if the thread called nothing, and by a timer,
 * which was not asked then. */
static PyObject *
moment(const fpy_recorder *recorder, fp_ticks when)
{
    const fpy_session *session = recorder->session;

    if (session->timer != NULL || recorder->engine.tree.count == 1) {
        Py_RETURN_NONE;
    }
    return PyFloat_FromDouble((double)(when - session->began) *
                              fp_clock_scale(&session->state->clock));
}

/* A thread's name, and when it ran: (name or None, began, ended). A new reference. */
static PyObject *
describe_thread(fpy_recorder *recorder, fp_ticks now)
{
    const fp_recorder *engine = &recorder->engine;
    const bool is_alive = fpy_thread_of_id(recorder->thread_id) != NULL;
    PyObject *name = is_alive ? fpy_thread_name(recorder->ident) : NULL;
    fp_ticks ended = recorder->last;

    if (name != NULL) {
        Py_XSETREF(recorder->name, name);
    }
    if (engine->stack != NULL) { /* it is not retired */
        ended = fp_recorder_current(engine) != 0 ? now : fp_recorder_last(engine);
    }
    return Py_BuildValue("(ONN)",
                         recorder->name != NULL ? recorder->name : Py_None,
                         moment(recorder, recorder->first),
                         moment(recorder, ended));
}

static int
append_stolen(PyObject *list, PyObject *item)
{
    const int result = item != NULL ? PyList_Append(list, item) : -1;

    Py_XDECREF(item);
    return result;
}

static size_t
length(const fpy_recorder *list)
{
    size_t count = 0;

    for (; list != NULL; list = list->next) {
        count++;
    }
    return count;
}

/* Copies the recorders of a list, and notes which they were. */
static fp_status
copy_list(fpy_snapshot *self, fpy_session *session, fpy_recorder *list, fp_ticks now,
          fpy_recorder **copied)
{
    const fp_numbering numbering = {fpy_callables_number, &session->callables};
    fp_status status = FP_OK;

    for (fpy_recorder *r = list; r != NULL && status == FP_OK; r = r->next) {
        copied[self->snapshot.thread_count] = r;
        status = fp_snapshot_add(
            &self->snapshot, &r->engine, r->ident, fpy_recorder_now(r, now), numbering);
    }
    return status;
}

/* Describing threads may run the program, and that may end some: then they change from
 * one of the lists to the other. So all are copied first. */
static int
copy_threads(fpy_snapshot *self, fpy_session *session, fp_ticks now)
{
    const size_t count = length(session->recorders) + length(session->retired);
    fpy_recorder **copied = fp_alloc((count + 1) * sizeof *copied);
    int result = 0;

    if (copied == NULL ||
        copy_list(self, session, session->recorders, now, copied) != FP_OK ||
        copy_list(self, session, session->retired, now, copied) != FP_OK) {
        PyErr_NoMemory();
        result = -1;
    }
    for (size_t i = 0; i < count && result == 0; i++) {
        result = append_stolen(self->threads, describe_thread(copied[i], now));
    }
    fp_free(copied);
    return result;
}

PyObject *
fpy_snapshot_take(fpy_session *session)
{
    const fp_ticks now = session->enabled ? fpy_session_now(session) : 0;
    fpy_snapshot *self = fpy_snapshot_new(session->state);
    int result;

    if (self == NULL) {
        return NULL;
    }
    self->seconds_per_tick = fpy_session_scale(session);
    if (session->enabled) {
        fpy_session_look(session);
    }
    self->compensated = fpy_costs_meanwhile(session, &self->costs);
    self->complete = !session->incomplete;
    self->hook_lost = session->hook_lost;
    self->threads_lost = session->threads_lost;
    session->busy++; /* making objects may run the collector, and so the program */
    self->threads = PyList_New(0);
    result = self->threads != NULL ? 0 : -1;
    fpy_bound_survey(session, now);
    if (result == 0) {
        result = copy_threads(self, session, now);
    }
    if (result == 0) {
        result = list_functions(self, session);
    }
    session->busy--;
    if (result < 0) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static void
snapshot_dealloc(fpy_snapshot *self)
{
    PyTypeObject *type = Py_TYPE(self);

    fp_snapshot_free(&self->snapshot);
    fp_free(self->kinds);
    fp_free(self->known_paces);
    Py_XDECREF(self->functions);
    Py_XDECREF(self->precision);
    Py_DECREF(self->paces);
    Py_XDECREF(self->subjects);
    Py_XDECREF(self->threads);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* ---- flat figures ---- */

/* By a function's description. `list.append` costs more, but is a method to anybody
 * else. */
static unsigned char
described_kind(PyObject *description)
{
    PyObject *name = PyTuple_GET_ITEM(description, FUNCTION_NAME);
    int overflow;
    const long kind = PyLong_AsLongAndOverflow(
        PyTuple_GET_ITEM(description, FUNCTION_KIND), &overflow);

    if (kind == FP_KIND_METHOD &&
        PyUnicode_CompareWithASCIIString(name, "<method 'append' of 'list' objects>") ==
            0) {
        return FP_KIND_APPEND;
    }
    return kind >= 0 && kind <= FP_KIND_REGION ? (unsigned char)kind : FP_KIND_PYTHON;
}

/* NULL: there is no memory. */
static fp_pace *
read_paces(PyObject *bytes)
{
    const size_t count = (size_t)PyBytes_GET_SIZE(bytes) / FPY_PACE_SIZE;
    fp_pace *paces = fp_alloc((count + 1) * sizeof *paces);

    for (size_t i = 0; paces != NULL && i < count; i++) {
        paces[i] = fpy_pace_read((const unsigned char *)PyBytes_AS_STRING(bytes) +
                                 FPY_PACE_SIZE * i);
    }
    return paces;
}

/* What corrects the snapshot's times. It is fitted once, for all threads. */
static fp_status
make_correction(fpy_snapshot *self, fp_correction *correction)
{
    const size_t count = (size_t)PyTuple_GET_SIZE(self->functions);
    unsigned char *kinds = self->kinds;
    fp_pace *paces = NULL;

    *correction = (fp_correction){.costs = &self->costs,
                                  .kinds = kinds,
                                  .paces = self->known_paces,
                                  .function_count = count,
                                  .context = self->context};
    if (kinds != NULL) {
        return FP_OK;
    }
    correction->kinds = kinds = fp_alloc(count + 1);
    if (kinds == NULL) {
        return FP_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        kinds[i] = described_kind(PyTuple_GET_ITEM(self->functions, (Py_ssize_t)i));
    }
    if (self->paces != Py_None) {
        correction->paces = paces = read_paces(self->paces);
    }
    if ((self->paces != Py_None && paces == NULL) ||
        fp_correction_fit(correction, &self->snapshot) != FP_OK) {
        fp_free(kinds);
        fp_free(paces);
        return FP_NOMEM;
    }
    self->kinds = kinds;
    self->known_paces = paces;
    self->context = correction->context;
    return FP_OK;
}

static int
build_stats(fpy_snapshot *self, bool compensated, bool collections_apart,
            fp_stats *stats)
{
    const size_t count = (size_t)PyTuple_GET_SIZE(self->functions);
    fp_correction correction;
    fp_status status = make_correction(self, &correction);

    if (status == FP_OK) {
        status = fp_stats_build(stats,
                                &self->snapshot,
                                count,
                                compensated && self->compensated ? &correction : NULL,
                                collections_apart);
    }
    if (status != FP_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static fp_status
merge_thread(const fp_thread_record *thread, const fp_correction *correction,
             const uint32_t *numbers, double scale, fp_merged *merged)
{
    fp_ticks clamped = 0;
    fp_figures *figures = fp_figures_of(thread, correction, true, &clamped);
    fp_status status = FP_NOMEM;

    if (figures != NULL) {
        status = fp_merged_add(merged, thread, figures, numbers, scale);
        fp_free(figures);
    }
    return status;
}

int
fpy_snapshot_merge(fpy_snapshot *self, Py_ssize_t thread, bool compensated,
                   const uint32_t *numbers, double scale, fp_merged *merged)
{
    fp_correction correction;
    fp_status status = make_correction(self, &correction);

    for (size_t i = 0; i < self->snapshot.thread_count && status == FP_OK; i++) {
        if (thread == FPY_ALL_THREADS || (size_t)thread == i) {
            status = merge_thread(&self->snapshot.threads[i],
                                  compensated && self->compensated ? &correction : NULL,
                                  numbers,
                                  scale,
                                  merged);
        }
    }
    if (status != FP_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static double
seconds(const fpy_snapshot *self, fp_ticks ticks)
{
    return (double)ticks * self->seconds_per_tick;
}

/* Fills the fields that entries and subentries share; false with an exception. */
static bool
fill(PyObject *record, const fpy_snapshot *self, uint32_t function, const fp_sum *sum)
{
    PyObject *subject = PyList_GET_ITEM(self->subjects, function);

    Py_INCREF(subject);
    PyStructSequence_SET_ITEM(record, 0, subject);
    PyStructSequence_SET_ITEM(record, 1, PyLong_FromLongLong(sum->calls));
    PyStructSequence_SET_ITEM(record, 2, PyLong_FromLongLong(sum->recursive));
    PyStructSequence_SET_ITEM(
        record, 3, PyFloat_FromDouble(seconds(self, sum->total_ticks)));
    PyStructSequence_SET_ITEM(
        record, 4, PyFloat_FromDouble(seconds(self, sum->own_ticks)));
    return PyErr_Occurred() == NULL;
}

/* The list of the callees in edges[from..until], or None. */
static PyObject *
list_callees(const fpy_snapshot *self, const fp_stats *stats, size_t from, size_t until)
{
    const fpy_state *state = fpy_state_of((PyObject *)self);
    PyObject *list;

    if (from == until) {
        Py_RETURN_NONE;
    }
    list = PyList_New((Py_ssize_t)(until - from));
    for (size_t i = from; list != NULL && i < until; i++) {
        const fp_pair_total *edge = &stats->edges[i];
        PyObject *record = PyStructSequence_New(state->subentry_type);
        if (record == NULL || !fill(record, self, edge->callee, &edge->sum)) {
            Py_XDECREF(record);
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, (Py_ssize_t)(i - from), record);
        }
    }
    return list;
}

static int
append_entry(PyObject *entries, const fpy_snapshot *self, uint32_t function,
             const fp_sum *sum, PyObject *callees)
{
    const fpy_state *state = fpy_state_of((PyObject *)self);
    PyObject *record = PyStructSequence_New(state->entry_type);
    int result = -1;

    if (record != NULL && fill(record, self, function, sum)) {
        Py_INCREF(callees);
        PyStructSequence_SET_ITEM(record, 5, callees);
        result = PyList_Append(entries, record);
    }
    Py_XDECREF(record);
    return result;
}

PyObject *
fpy_snapshot_getstats(PyObject *snapshot, bool subcalls)
{
    fpy_snapshot *self = (fpy_snapshot *)snapshot;
    PyObject *entries;
    fp_stats stats;
    size_t edge = 0;

    if (build_stats(self, true, false, &stats) < 0) {
        return NULL;
    }
    entries = PyList_New(0);
    for (uint32_t f = 0; entries != NULL && f < stats.function_count; f++) {
        const size_t first_edge = edge;
        while (edge < stats.edge_count && stats.edges[edge].caller == f) {
            edge++;
        }
        if (stats.functions[f].calls == 0) {
            continue;
        }
        PyObject *callees =
            list_callees(self, &stats, subcalls ? first_edge : edge, edge);
        if (callees == NULL ||
            append_entry(entries, self, f, &stats.functions[f], callees) < 0) {
            Py_CLEAR(entries);
        }
        Py_XDECREF(callees);
    }
    fp_stats_free(&stats);
    return entries;
}

/* By the jitter of two clocks more may seem to be off than there is, or less than
 * nothing. */
static fp_ticks
on_cpu(fp_ticks all, fp_ticks off)
{
    return off >= all ? 0 : off > 0 ? all - off : all;
}

static PyObject *
sum_tuple(const fpy_snapshot *self, const fp_sum *sum)
{
    return Py_BuildValue("(LLLddddLLd)",
                         (long long)sum->calls,
                         (long long)sum->recursive,
                         (long long)sum->raised,
                         seconds(self, sum->own_ticks),
                         seconds(self, sum->total_ticks),
                         seconds(self, on_cpu(sum->own_ticks, sum->own_off)),
                         seconds(self, on_cpu(sum->total_ticks, sum->total_off)),
                         (long long)sum->resumes,
                         (long long)sum->recursive_resumes,
                         seconds(self, sum->suspended_ticks));
}

static int
list_totals(const fpy_snapshot *self, const fp_stats *stats, PyObject *functions,
            PyObject *edges)
{
    for (size_t f = 0; f < stats->function_count; f++) {
        const fp_sum *sum = &stats->functions[f];
        const fp_taken *taken = &stats->taken[f];
        /* A region that was open when the tree had no more room may have only time. */
        if ((sum->calls > 0 || sum->own_ticks > 0) &&
            append_stolen(functions,
                          Py_BuildValue("(nNdd)",
                                        (Py_ssize_t)f,
                                        sum_tuple(self, sum),
                                        seconds(self, taken->added),
                                        seconds(self, taken->error))) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < stats->edge_count; i++) {
        const fp_pair_total *edge = &stats->edges[i];
        if (append_stolen(edges,
                          Py_BuildValue("(IIN)",
                                        edge->caller,
                                        edge->callee,
                                        sum_tuple(self, &edge->sum))) < 0) {
            return -1;
        }
    }
    return 0;
}

static PyObject *
snapshot_totals(fpy_snapshot *self, PyObject *args)
{
    int compensated, collections_apart;
    PyObject *functions, *edges;
    PyObject *result = NULL;
    fp_stats stats;

    if (!PyArg_ParseTuple(args, "pp:totals", &compensated, &collections_apart) ||
        build_stats(self, compensated != 0, collections_apart != 0, &stats) < 0) {
        return NULL;
    }
    functions = PyList_New(0);
    edges = PyList_New(0);
    if (functions != NULL && edges != NULL &&
        list_totals(self, &stats, functions, edges) == 0) {
        result = Py_BuildValue("(OOd)", functions, edges, seconds(self, stats.clamped));
    }
    fp_stats_free(&stats);
    Py_XDECREF(functions);
    Py_XDECREF(edges);
    return result;
}

/* ---- costs ---- */

/* The costs as a tuple of numbers, in ticks, in the order of fp_costs. */
static PyObject *
snapshot_costs(fpy_snapshot *self, void *Py_UNUSED(closure))
{
    const double *numbers = (const double *)&self->costs;
    PyObject *tuple;

    if (!self->compensated) {
        Py_RETURN_NONE;
    }
    tuple = PyTuple_New(COST_NUMBERS);
    for (Py_ssize_t i = 0; tuple != NULL && i < COST_NUMBERS; i++) {
        PyObject *number = PyFloat_FromDouble(numbers[i]);
        if (number == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, number);
        }
    }
    return tuple;
}

/* False: these are no costs; there may be an exception. */
static bool
set_costs(fpy_snapshot *self, PyObject *tuple)
{
    double *numbers = (double *)&self->costs;

    if (tuple == Py_None) {
        return true;
    }
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != COST_NUMBERS) {
        return false;
    }
    for (Py_ssize_t i = 0; i < COST_NUMBERS; i++) {
        PyObject *item = PyTuple_GET_ITEM(tuple, i);
        numbers[i] = PyFloat_Check(item) ? PyFloat_AS_DOUBLE(item) : NAN;
        if (!(fabs(numbers[i]) < MOST_TICKS_PER_EVENT)) {
            return false;
        }
    }
    self->compensated = 1;
    return true;
}

/* ---- bytes ---- */

static PyObject *
snapshot_encode(fpy_snapshot *self, PyObject *Py_UNUSED(ignored))
{
    fp_bytes encoded;
    PyObject *bytes;

    if (fp_snapshot_encode(&self->snapshot, &encoded) != FP_OK) {
        return PyErr_NoMemory();
    }
    bytes = PyBytes_FromStringAndSize((const char *)encoded.bytes,
                                      (Py_ssize_t)encoded.size);
    fp_free(encoded.bytes);
    return bytes;
}

bool
fpy_are_descriptions(PyObject *functions)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(functions); i++) {
        PyObject *one = PyTuple_GET_ITEM(functions, i);
        if (!PyTuple_Check(one) || PyTuple_GET_SIZE(one) != FUNCTION_KIND + 1 ||
            !PyUnicode_Check(PyTuple_GET_ITEM(one, FUNCTION_NAME)) ||
            !PyLong_Check(PyTuple_GET_ITEM(one, FUNCTION_KIND))) {
            return false;
        }
    }
    return true;
}

bool
fpy_are_precisions(PyObject *bytes, Py_ssize_t count)
{
    const char *precisions = PyBytes_AS_STRING(bytes);

    for (Py_ssize_t i = 0; i < PyBytes_GET_SIZE(bytes); i++) {
        if ((unsigned char)precisions[i] > FP_ESTIMATE) {
            return false;
        }
    }
    return PyBytes_GET_SIZE(bytes) == count;
}

/* Whether this is None, or bytes for as many paces. */
static bool
are_paces(PyObject *paces, Py_ssize_t count)
{
    return paces == Py_None ||
           (PyBytes_Check(paces) && PyBytes_GET_SIZE(paces) == FPY_PACE_SIZE * count);
}

static PyObject *
snapshot_decode(PyObject *type, PyObject *args)
{
    fpy_snapshot *self;
    Py_buffer data;
    PyObject *functions, *costs, *precision, *paces;
    double seconds_per_tick;
    fp_status status;

    if (!PyArg_ParseTuple(args,
                          "y*O!dOO!O:decode",
                          &data,
                          &PyTuple_Type,
                          &functions,
                          &seconds_per_tick,
                          &costs,
                          &PyBytes_Type,
                          &precision,
                          &paces)) {
        return NULL;
    }
    self =
        fpy_snapshot_new(fpy_state_of_module(fpy_module_of_type((PyTypeObject *)type)));
    if (self == NULL) {
        PyBuffer_Release(&data);
        return NULL;
    }
    Py_INCREF(functions);
    self->functions = functions;
    self->precision = Py_NewRef(precision);
    Py_SETREF(self->paces, Py_NewRef(paces));
    self->seconds_per_tick = seconds_per_tick;
    status = fp_snapshot_decode(&self->snapshot,
                                data.buf,
                                (size_t)data.len,
                                (size_t)PyTuple_GET_SIZE(functions));
    PyBuffer_Release(&data);
    if (status == FP_OK && seconds_per_tick >= LEAST_UNIT &&
        seconds_per_tick <= MOST_UNIT && fpy_are_descriptions(functions) &&
        fpy_are_precisions(precision, PyTuple_GET_SIZE(functions)) &&
        are_paces(paces, PyTuple_GET_SIZE(functions)) && set_costs(self, costs)) {
        return (PyObject *)self;
    }
    Py_DECREF(self);
    if (status == FP_NOMEM) {
        return PyErr_NoMemory();
    }
    PyErr_SetString(PyExc_ValueError, "these bytes are not a call tree of fastprof's");
    return NULL;
}

/* ---- the type ---- */

static Py_ssize_t
count_shown(const fp_thread_record *thread)
{
    Py_ssize_t shown = 0;

    for (size_t i = 1; i < thread->path_count; i++) {
        shown += thread->paths[i].visibility == FP_SHOWN;
    }
    return shown;
}

static PyObject *
snapshot_threads(fpy_snapshot *self, void *Py_UNUSED(closure))
{
    PyObject *list = PyList_New(0);

    for (size_t i = 0; list != NULL && i < self->snapshot.thread_count; i++) {
        const fp_thread_record *thread = &self->snapshot.threads[i];
        PyObject *described = self->threads != NULL
                                  ? PyList_GET_ITEM(self->threads, (Py_ssize_t)i)
                                  : Py_None;
        PyObject *item = Py_BuildValue("(KnOLO)",
                                       (unsigned long long)thread->ident,
                                       count_shown(thread),
                                       thread->truncated ? Py_True : Py_False,
                                       (long long)thread->clamped,
                                       described);
        if (append_stolen(list, item) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

PyMethodDef fpy_snapshot_methods[] = {
    {"totals",
     (PyCFunction)snapshot_totals,
     METH_VARARGS,
     "totals($self, compensated, collections_apart, /)\n--\n\n"
     "([(function, sums, added, error)], [(caller, callee, sums)], clamped),\n"
     "by the functions' numbers; sums: (calls, recursive calls, raised, own seconds,\n"
     "cumulative seconds, of both those on a CPU, resumes, recursive resumes, seconds\n"
     "suspended); added: the seconds that were\n"
     "taken from own, for the profiler had added them; error: how far off that may\n"
     "be; clamped: the seconds that should have been taken, but there was no more."},
    {"columns",
     fpy_snapshot_columns,
     METH_VARARGS,
     "columns($self, thread, compensated, /)\n--\n\n"
     "A call tree, of a thread by its number or (-1) of all merged, as a dict of "
     "bytes:\n"
     "arrays with a place for each path, the root's the first, a parent's in front of\n"
     "its children's. parent, function, first_child, next_sibling (0: none): uint32;\n"
     "calls (less resumes), raised, resumes: int64; own, cumulative, own_cpu, "
     "cumulative_cpu,\n"
     "overhead, own_error, suspended: double, in seconds."},
    {"encode",
     (PyCFunction)snapshot_encode,
     METH_NOARGS,
     "encode($self, /)\n--\n\nThe call trees as bytes; docs/format.md describes them."},
    {"decode",
     snapshot_decode,
     METH_VARARGS | METH_CLASS,
     "decode($type, data, functions, seconds_per_tick, costs, precision, paces, "
     "/)\n--\n\n"
     "The snapshot that `encode` made bytes of; ValueError when it did not."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef snapshot_members[] = {
    {"functions",
     T_OBJECT_EX,
     offsetof(fpy_snapshot, functions),
     READONLY,
     "By number: (filename, first line, name, qualified name, module or None)."},
    {"precision",
     T_OBJECT_EX,
     offsetof(fpy_snapshot, precision),
     READONLY,
     "Of each function, by number: 0: its calls are exact; 1: a lower bound; 2: an\n"
     "estimate."},
    {"paces",
     T_OBJECT_EX,
     offsetof(fpy_snapshot, paces),
     READONLY,
     "Of each function, by number: what its instructions lose under a profile "
     "function\n"
     "(docs/format.md). None where that does not depend on them."},
    {"seconds_per_tick",
     T_DOUBLE,
     offsetof(fpy_snapshot, seconds_per_tick),
     READONLY,
     NULL},
    {"complete",
     T_BOOL,
     offsetof(fpy_snapshot, complete),
     READONLY,
     "False: memory ran out, and recording stopped there."},
    {"hook_lost",
     T_BOOL,
     offsetof(fpy_snapshot, hook_lost),
     READONLY,
     "The program put another profile function in our place."},
    {"threads_lost",
     T_BOOL,
     offsetof(fpy_snapshot, threads_lost),
     READONLY,
     "A new thread had another profile function, and was not recorded."},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef snapshot_getset[] = {
    {"threads",
     (getter)snapshot_threads,
     NULL,
     "One (ident, paths, truncated, clamped, described) per thread; described: (name\n"
     "or None, when its first call began, when its last one ended), in seconds from\n"
     "when recording began (None by a timer, and if it called nothing); None of what\n"
     "was loaded or merged.",
     NULL},
    {"costs",
     (getter)snapshot_costs,
     NULL,
     "What is taken from the times, as `decode` wants it; None: nothing is.",
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot snapshot_slots[] = {
    {Py_tp_doc, "What a profiler had recorded at one moment."},
    {Py_tp_dealloc, snapshot_dealloc},
    {Py_tp_methods, fpy_snapshot_methods},
    {Py_tp_members, snapshot_members},
    {Py_tp_getset, snapshot_getset},
    {0, NULL},
};

PyType_Spec fpy_snapshot_spec = {
    .name = "fastprof._fastprof.Snapshot",
    .basicsize = sizeof(fpy_snapshot),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = snapshot_slots,
};

static PyStructSequence_Field entry_fields[] = {
    {"code", "code object, or label of a C function"},
    {"callcount", "how many times it was called"},
    {"reccallcount", "how many of these calls were recursive"},
    {"totaltime", "cumulative seconds: those of the calls that were not recursive"},
    {"inlinetime", "own seconds"},
    {"calls", "its callees: None, or a list of profiler_subentry"},
    {NULL, NULL},
};

static PyStructSequence_Field subentry_fields[] = {
    {"code", "code object, or label of a C function"},
    {"callcount", "how many times this caller called it"},
    {"reccallcount", "how many of these calls were recursive"},
    {"totaltime", "cumulative seconds: those of the calls that were not recursive"},
    {"inlinetime", "own seconds"},
    {NULL, NULL},
};

PyStructSequence_Desc fpy_entry_desc = {
    .name = "fastprof.profiler_entry",
    .doc = "One function, as cProfile's getstats() has it.",
    .fields = entry_fields,
    .n_in_sequence = 6,
};

PyStructSequence_Desc fpy_subentry_desc = {
    .name = "fastprof.profiler_subentry",
    .doc = "One callee of a function, as cProfile's getstats() has it.",
    .fields = subentry_fields,
    .n_in_sequence = 5,
};
