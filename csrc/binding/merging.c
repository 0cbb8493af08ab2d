#include "export.h"

#include "../engine/alloc.h"
#include "../engine/merge.h"

#include <string.h>

#define NANOSECOND 1e-9

/* ---- columns ---- */

typedef struct {
    const fp_merged *merged;
    double seconds_per_tick;
} table;

/* The bytes of an array, and where they are; NULL with an exception. */
static PyObject *
new_column(const table *from, size_t width, void **content)
{
    PyObject *bytes =
        PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(from->merged->count * width));

    *content = bytes != NULL ? PyBytes_AS_STRING(bytes) : NULL;
    return bytes;
}

/* Of what stands at this offset in each branch. */
static PyObject *
plain_column(const table *from, size_t offset, size_t width)
{
    void *content;
    PyObject *bytes = new_column(from, width, &content);

    for (size_t i = 0; bytes != NULL && i < from->merged->count; i++) {
        memcpy((char *)content + i * width,
               (const char *)&from->merged->branches[i] + offset,
               width);
    }
    return bytes;
}

/* Ticks at one offset less those at another (the same: nothing is taken), as seconds.
 */
static PyObject *
seconds_column(const table *from, size_t offset, size_t less)
{
    void *content;
    PyObject *bytes = new_column(from, sizeof(double), &content);

    for (size_t i = 0; bytes != NULL && i < from->merged->count; i++) {
        const char *branch = (const char *)&from->merged->branches[i];
        fp_ticks ticks, taken = 0;
        double seconds;
        memcpy(&ticks, branch + offset, sizeof ticks);
        if (less != offset) {
            memcpy(&taken, branch + less, sizeof taken);
        }
        seconds = (double)(ticks - taken) * from->seconds_per_tick;
        memcpy((char *)content + i * sizeof seconds, &seconds, sizeof seconds);
    }
    return bytes;
}

/* Calls less those that went on with a generator; where the tree has been cut off, of
 * one the end may be counted elsewhere. */
static PyObject *
calls_column(const table *from)
{
    void *content;
    PyObject *bytes = new_column(from, sizeof(int64_t), &content);

    for (size_t i = 0; bytes != NULL && i < from->merged->count; i++) {
        const fp_branch *branch = &from->merged->branches[i];
        const int64_t calls =
            branch->calls > branch->resumes ? branch->calls - branch->resumes : 0;
        memcpy((char *)content + i * sizeof calls, &calls, sizeof calls);
    }
    return bytes;
}

#define PLAIN(field)                                                                   \
    plain_column(from, offsetof(fp_branch, field), sizeof(((fp_branch *)NULL)->field))
#define SECONDS(field)                                                                 \
    seconds_column(from, offsetof(fp_branch, field), offsetof(fp_branch, field))
#define SECONDS_LESS(field, less)                                                      \
    seconds_column(from, offsetof(fp_branch, field), offsetof(fp_branch, less))

static PyObject *
columns_of(const table *from)
{
    return Py_BuildValue("{sNsNsNsNsNsNsNsNsNsNsNsNsNsN}",
                         "parent",
                         PLAIN(parent),
                         "function",
                         PLAIN(function),
                         "first_child",
                         PLAIN(first_child),
                         "next_sibling",
                         PLAIN(next_sibling),
                         "calls",
                         calls_column(from),
                         "raised",
                         PLAIN(raised),
                         "resumes",
                         PLAIN(resumes),
                         "own",
                         SECONDS(usage.own),
                         "cumulative",
                         SECONDS(usage.total),
                         "own_cpu",
                         SECONDS_LESS(usage.own, usage.own_off),
                         "cumulative_cpu",
                         SECONDS_LESS(usage.total, usage.total_off),
                         "overhead",
                         SECONDS(taken.added),
                         "own_error",
                         SECONDS(taken.error),
                         "suspended",
                         SECONDS(suspended));
}

PyObject *
fpy_snapshot_columns(PyObject *snapshot, PyObject *args)
{
    fpy_snapshot *self = (fpy_snapshot *)snapshot;
    PyObject *columns = NULL;
    Py_ssize_t thread;
    int compensated;
    fp_merged merged;

    if (!PyArg_ParseTuple(args, "np:columns", &thread, &compensated)) {
        return NULL;
    }
    if (thread < FPY_ALL_THREADS ||
        (thread >= 0 && (size_t)thread >= self->snapshot.thread_count)) {
        PyErr_SetString(PyExc_IndexError, "there is no such thread");
        return NULL;
    }
    if (fp_merged_init(&merged) != FP_OK) {
        return PyErr_NoMemory();
    }
    if (fpy_snapshot_merge(self, thread, compensated != 0, NULL, 1.0, &merged) == 0) {
        if (fp_merged_finish(&merged) == FP_OK) {
            const table from = {&merged, self->seconds_per_tick};
            columns = columns_of(&from);
        } else {
            PyErr_NoMemory();
        }
    }
    fp_merged_free(&merged);
    return columns;
}

/* ---- merging ---- */

typedef struct {
    fpy_snapshot *to;
    fp_merged tree;
    Py_ssize_t needed; /* functions: their numbers are below it */
} merging;

/* Of a list of numbers, one for each function of the snapshot; to be freed. NULL with
 * an exception. */
static uint32_t *
numbers_of(const fpy_snapshot *snapshot, PyObject *list, Py_ssize_t *needed)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(snapshot->functions);
    uint32_t *numbers;

    if (PyList_GET_SIZE(list) != count) {
        PyErr_SetString(PyExc_ValueError, "each function needs a number");
        return NULL;
    }
    numbers = fp_alloc((size_t)(count + 1) * sizeof *numbers);
    if (numbers == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        const unsigned long number = PyLong_AsUnsignedLong(PyList_GET_ITEM(list, i));
        if (number >= UINT32_MAX) { /* also what is no number */
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_OverflowError, "too many functions");
            }
            fp_free(numbers);
            return NULL;
        }
        numbers[i] = (uint32_t)number;
        *needed = (Py_ssize_t)number < *needed ? *needed : (Py_ssize_t)number + 1;
    }
    return numbers;
}

static void
scale_sum(fp_sum *sum, double scale)
{
    sum->total_ticks = fp_scaled(sum->total_ticks, scale);
    sum->own_ticks = fp_scaled(sum->own_ticks, scale);
    sum->total_off = fp_scaled(sum->total_off, scale);
    sum->own_off = fp_scaled(sum->own_off, scale);
    sum->suspended_ticks = fp_scaled(sum->suspended_ticks, scale);
}

/* What a thread recorded beyond its tree, as a record of its own. */
static fp_status
add_totals(fp_snapshot *to, const fp_thread_record *thread, const uint32_t *numbers,
           double scale)
{
    const fp_totals *from = &thread->totals;
    fp_thread_record record = {
        .ident = thread->ident, .truncated = thread->truncated, .path_count = 1};
    fp_totals *totals = &record.totals;

    record.paths = fp_alloc(sizeof *record.paths);
    totals->functions =
        fp_alloc((from->function_count + 1) * sizeof *totals->functions);
    totals->pairs = fp_alloc((from->pair_count + 1) * sizeof *totals->pairs);
    if (record.paths == NULL || totals->functions == NULL || totals->pairs == NULL) {
        fp_thread_record_free(&record);
        return FP_NOMEM;
    }
    record.paths[0] = (fp_path){0};
    for (size_t i = 0; i < from->function_count; i++) {
        fp_function_total *total = &totals->functions[totals->function_count++];
        *total = from->functions[i];
        total->function = numbers[total->function];
        scale_sum(&total->sum, scale);
    }
    for (size_t i = 0; i < from->pair_count; i++) {
        fp_pair_total *total = &totals->pairs[totals->pair_count++];
        *total = from->pairs[i];
        total->caller = numbers[total->caller];
        total->callee = numbers[total->callee];
        scale_sum(&total->sum, scale);
    }
    if (fp_snapshot_add_record(to, record) != FP_OK) {
        fp_thread_record_free(&record);
        return FP_NOMEM;
    }
    return FP_OK;
}

/* Adds one part: (snapshot, numbers, compensated). -1 with an exception. */
static int
add_part(merging *all, PyObject *part)
{
    fpy_snapshot *from;
    PyObject *snapshot, *list;
    uint32_t *numbers;
    int compensated, result;
    double scale;

    if (!PyTuple_Check(part)) {
        PyErr_SetString(PyExc_TypeError, "each part must be a tuple");
        return -1;
    }
    if (!PyArg_ParseTuple(part,
                          "O!O!p",
                          Py_TYPE(all->to),
                          &snapshot,
                          &PyList_Type,
                          &list,
                          &compensated)) {
        return -1;
    }
    from = (fpy_snapshot *)snapshot;
    numbers = numbers_of(from, list, &all->needed);
    if (numbers == NULL) {
        return -1;
    }
    scale = from->seconds_per_tick / NANOSECOND;
    result = fpy_snapshot_merge(
        from, FPY_ALL_THREADS, compensated != 0, numbers, scale, &all->tree);
    for (size_t i = 0; i < from->snapshot.thread_count && result == 0; i++) {
        const fp_thread_record *thread = &from->snapshot.threads[i];
        if (thread->totals.function_count > 0 &&
            add_totals(&all->to->snapshot, thread, numbers, scale) != FP_OK) {
            PyErr_NoMemory();
            result = -1;
        }
    }
    fp_free(numbers);
    return result;
}

static int
add_parts(merging *all, PyObject *parts)
{
    PyObject *iterator = PyObject_GetIter(parts);
    PyObject *part;
    int result = iterator != NULL ? 0 : -1;

    while (result == 0 && (part = PyIter_Next(iterator)) != NULL) {
        result = add_part(all, part);
        Py_DECREF(part);
    }
    Py_XDECREF(iterator);
    return PyErr_Occurred() != NULL ? -1 : result;
}

/* The functions are asked for when all parts have been seen. */
static int
set_functions(const merging *all, PyObject *functions, PyObject *precision)
{
    all->to->functions = PySequence_Tuple(functions);
    if (all->to->functions == NULL) {
        return -1;
    }
    all->to->precision = PyBytes_FromObject(precision);
    if (all->to->precision == NULL) {
        return -1;
    }
    if (!fpy_are_descriptions(all->to->functions) ||
        !fpy_are_precisions(all->to->precision, PyTuple_GET_SIZE(all->to->functions)) ||
        all->needed > PyTuple_GET_SIZE(all->to->functions)) {
        PyErr_SetString(PyExc_ValueError,
                        "each number needs a function, and a precision");
        return -1;
    }
    return 0;
}

static int
take_tree(merging *all)
{
    fp_thread_record record;

    if (fp_merged_finish(&all->tree) != FP_OK ||
        fp_merged_record(&all->tree, &record) != FP_OK) {
        PyErr_NoMemory();
        return -1;
    }
    if (fp_snapshot_add_record(&all->to->snapshot, record) != FP_OK) {
        fp_thread_record_free(&record);
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

PyObject *
fpy_merge(PyObject *module, PyObject *args)
{
    merging all = {0};
    PyObject *parts, *functions, *precision;

    if (!PyArg_ParseTuple(args, "OOO:merge", &parts, &functions, &precision)) {
        return NULL;
    }
    if (fp_merged_init(&all.tree) != FP_OK) {
        return PyErr_NoMemory();
    }
    all.to = fpy_snapshot_new(fpy_state_of_module(module));
    if (all.to != NULL) {
        all.to->seconds_per_tick = NANOSECOND;
        if (add_parts(&all, parts) < 0 ||
            set_functions(&all, functions, precision) < 0 || take_tree(&all) < 0) {
            Py_CLEAR(all.to);
        }
    }
    fp_merged_free(&all.tree);
    return (PyObject *)all.to;
}
