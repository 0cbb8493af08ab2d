/* module.c -- the extension module fastprof._fastprof. */
#include "collector.h"
#include "export.h"
#include "hook.h"
#include "profiler.h"
#include "region.h"
#include "session.h"
#include "state.h"
#include "work.h"

#include "../engine/alloc.h"
#include "../engine/clock.h"
#include "../engine/codec.h"

#include <stdlib.h>
#include <string.h>

static PyObject *
stop_after_fork(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    fpy_stop_all(fpy_state_of_module(module));
    Py_RETURN_NONE;
}

static PyObject *
active_profilers(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    PyObject *list = PyList_New(0);

    for (const fpy_session *s = fpy_state_of_module(module)->active;
         list != NULL && s != NULL;
         s = s->next_active) {
        if (PyList_Append(list, s->owner) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *
leave_thread_out(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    fpy_state *state = fpy_state_of_module(module);
    size_t place = 0;

    /* A thread's number is never used again, but the place of one that has ended is. */
    while (place < state->left_out_count &&
           fpy_thread_of_id(state->left_out[place]) != NULL) {
        place++;
    }
    if (place == state->left_out_count) {
        uint64_t *longer =
            fp_realloc(state->left_out, (place + 1) * sizeof *state->left_out);
        if (longer == NULL) {
            return PyErr_NoMemory();
        }
        state->left_out = longer;
        state->left_out_count++;
    }
    state->left_out[place] = PyThreadState_GetID(PyThreadState_Get());
    Py_RETURN_NONE;
}

static PyObject *
checksum(PyObject *Py_UNUSED(module), PyObject *data)
{
    Py_buffer view;
    uint64_t sum;

    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    sum = fp_checksum(view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    return PyLong_FromUnsignedLongLong(sum);
}

static PyObject *
clock_quality(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    fp_clock *clock = &fpy_state_of_module(module)->clock;
    const fp_clock_quality quality = fp_clock_measure(clock);
    const double scale = fp_clock_scale(clock);

    return Py_BuildValue(
        "(dd)", quality.ticks_per_reading * scale, (double)quality.step * scale);
}

static PyObject *
known_work(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    fpy_state *state = fpy_state_of_module(module);

    return PyFloat_FromDouble((double)fp_processor_look(&state->processor) *
                              fp_clock_scale(&state->clock));
}

PyMethodDef fpy_module_methods[] = {
    {"known_work",
     known_work,
     METH_NOARGS,
     "known_work($module, /)\n--\n\n"
     "The seconds that a piece of work takes by which the core tells how fast the\n"
     "processor is now (csrc/engine/slowness.h)."},
    {"clock_quality",
     clock_quality,
     METH_NOARGS,
     "clock_quality($module, /)\n--\n\n"
     "The seconds that a reading of the clock takes, and the least by which two "
     "differ."},
    {"checksum",
     checksum,
     METH_O,
     "checksum($module, data, /)\n--\n\nThe 64-bit FNV-1a sum of some bytes."},
    {"active_profilers",
     active_profilers,
     METH_NOARGS,
     "active_profilers($module, /)\n--\n\n"
     "The profilers that record now, the last one that was enabled first."},
    {"leave_thread_out",
     leave_thread_out,
     METH_NOARGS,
     "leave_thread_out($module, /)\n--\n\n"
     "From now on no profiler records the calling thread because it records all;\n"
     "profilers that are enabled already may."},
    {"merge",
     fpy_merge,
     METH_VARARGS,
     "merge($module, parts, functions, precision, /)\n--\n\n"
     "A Snapshot with the sums of parts: (snapshot, numbers, compensated), where\n"
     "numbers says, for each of its functions, which of `functions` it is. That list\n"
     "may grow while the parts are gone through, and so may precision, a bytearray of\n"
     "what `Snapshot.precision` has of each."},
    {"align",
     fpy_align,
     METH_VARARGS,
     "align($module, before, after, name_count, /)\n--\n\n"
     "Two trees side by side: (parents, names, places before, places after) of the\n"
     "pairs of paths, as bytes of uint32; the first is the roots', a parent stands in\n"
     "front of its children, and place 0 means that there is none. A tree is "
     "(parents,\n"
     "functions, names): the columns of its paths, and the numbers of the functions'\n"
     "names, which are below name_count. Paths are the same where all names on them\n"
     "are."},
    {"_stop_after_fork",
     stop_after_fork,
     METH_NOARGS,
     "_stop_after_fork($module, /)\n--\n\n"
     "Stop all profilers: this process is a forked child."},
    {NULL, NULL, 0, NULL},
};

/* A clock that is refused is reported when a profiler is made: an import must not
 * fail because of the environment. */
static void
choose_clock(fpy_state *state)
{
    const char *forced = getenv("FASTPROF_CLOCK");

    const char *rseq = getenv("FASTPROF_RSEQ");

    state->use_rseq = rseq == NULL || strcmp(rseq, "0") != 0;
    if (forced != NULL && forced[0] == '\0') {
        forced = NULL;
    }
    if (fp_clock_init(&state->clock, forced) != FP_OK) {
        state->clock_refused = true;
        fp_clock_init(&state->clock, NULL);
    }
}

/* A type that the state keeps, and that the module shows if it has a name. */
static PyTypeObject *
make_type(PyObject *module, PyType_Spec *spec, bool shown)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);

    if (type != NULL && shown && PyModule_AddType(module, type) < 0) {
        Py_CLEAR(type);
    }
    return type;
}

static int
make_names(fpy_names *names)
{
    names->call = PyUnicode_InternFromString("__call__");
    names->name = PyUnicode_InternFromString("__name__");
    names->code = PyUnicode_InternFromString("__code__");
    names->func = PyUnicode_InternFromString("func");
    names->wrapped = PyUnicode_InternFromString("__wrapped__");
    names->init = PyUnicode_InternFromString("__init__");
    PyObject *wrapper = PyObject_GetAttrString(Py_None, "__repr__");
    if (wrapper == NULL) {
        return -1;
    }
    names->method_wrapper = (PyTypeObject *)Py_NewRef((PyObject *)Py_TYPE(wrapper));
    Py_DECREF(wrapper);
    return names->call != NULL && names->name != NULL && names->code != NULL &&
                   names->func != NULL && names->wrapped != NULL && names->init != NULL
               ? 0
               : -1;
}

static int
module_exec(PyObject *module)
{
    fpy_state *state = fpy_state_of_module(module);

    choose_clock(state);
    if (make_names(&state->names) < 0 || fpy_work_init(state) < 0 ||
        fpy_monitor_init(state) < 0 || fpy_find_thread_starters(state) < 0 ||
        fpy_collector_init(state, module) < 0) {
        return -1;
    }
    state->names.region = make_type(module, &fpy_region_spec, true);
    state->hook_type = make_type(module, &fpy_hook_spec, false);
#ifdef FPY_HAVE_MONITORING
    state->callback_type = make_type(module, &fpy_callback_spec, false);
    if (state->callback_type == NULL) {
        return -1;
    }
#endif
    state->snapshot_type = make_type(module, &fpy_snapshot_spec, true);
    state->profiler_type = make_type(module, &fpy_profiler_spec, true);
    state->entry_type = PyStructSequence_NewType(&fpy_entry_desc);
    state->subentry_type = PyStructSequence_NewType(&fpy_subentry_desc);
    if (state->names.region == NULL || state->hook_type == NULL ||
        state->snapshot_type == NULL || state->profiler_type == NULL ||
        state->entry_type == NULL || state->subentry_type == NULL ||
        PyModule_AddType(module, state->entry_type) < 0 ||
        PyModule_AddType(module, state->subentry_type) < 0) {
        return -1;
    }
    return 0;
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    fpy_state *state = fpy_state_of_module(module);

    if (state != NULL) {
        Py_VISIT(state->profiler_type);
        Py_VISIT(state->snapshot_type);
        Py_VISIT(state->names.region);
        Py_VISIT(state->hook_type);
        Py_VISIT(state->callback_type);
        Py_VISIT(state->entry_type);
        Py_VISIT(state->subentry_type);
        Py_VISIT(state->collection_callbacks);
        Py_VISIT(state->collection_callback);
        const int result = fpy_traverse_idle_hooks(state, visit, arg);
        return result != 0 ? result : fpy_monitor_traverse(state, visit, arg);
    }
    return 0;
}

static int
module_clear(PyObject *module)
{
    fpy_state *state = fpy_state_of_module(module);

    if (state != NULL) {
        Py_CLEAR(state->profiler_type);
        Py_CLEAR(state->snapshot_type);
        Py_CLEAR(state->names.region);
        Py_CLEAR(state->hook_type);
        Py_CLEAR(state->callback_type);
        Py_CLEAR(state->entry_type);
        Py_CLEAR(state->subentry_type);
        Py_CLEAR(state->collection_callbacks);
        Py_CLEAR(state->collection_callback);
        fpy_drop_idle_hooks(state);
        fpy_monitor_clear(state);
    }
    return 0;
}

static void
module_free(void *module)
{
    fpy_state *state = fpy_state_of_module(module);

    module_clear(module);
    if (state != NULL) {
        fpy_monitor_free(state);
        fp_free(state->left_out);
        state->left_out = NULL;
        state->left_out_count = 0;
        fpy_work_clear(state);
        Py_CLEAR(state->names.call);
        Py_CLEAR(state->names.name);
        Py_CLEAR(state->names.code);
        Py_CLEAR(state->names.init);
        Py_CLEAR(state->names.func);
        Py_CLEAR(state->names.wrapped);
        Py_CLEAR(state->names.method_wrapper);
    }
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

struct PyModuleDef fpy_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "fastprof._fastprof",
    .m_doc = "The recorder behind fastprof.",
    .m_size = sizeof(fpy_state),
    .m_methods = fpy_module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC
PyInit__fastprof(void)
{
    return PyModuleDef_Init(&fpy_module);
}
