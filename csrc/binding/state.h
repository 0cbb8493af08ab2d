/* state.h -- what one copy of the module knows; there are no globals. */
#ifndef FPY_STATE_H
#define FPY_STATE_H

#include "compat.h"

#include "../engine/clock.h"
#include "../engine/correction.h"
#include "../engine/slowness.h"

#include <stdbool.h>
#include <stdint.h>

struct fpy_session;
struct fpy_monitor;

/* What callables are told apart by: interned strings, and a type that has no name in
 * the C API. */
typedef struct {
    PyObject *call;    /* __call__ */
    PyObject *name;    /* __name__ */
    PyObject *code;    /* __code__ */
    PyObject *func;    /* func */
    PyObject *wrapped; /* __wrapped__ */
    PyObject *init;    /* __init__ */
    PyTypeObject *method_wrapper;
    PyTypeObject *region; /* of ours: see region.h */
} fpy_names;

/* See work.h. */
typedef struct {
    PyObject *numbers; /* by keys, all of which are in: */
    PyObject *keys;
    PyObject *names;
    PyObject *name; /* one of them */
    PyObject *zero;
} fpy_work;

/* What `with` begins and ends: a call without a callable. */
typedef struct {
    PyObject_HEAD
    PyObject *label; /* interned: its address is the key */
} fpy_region;

/* What the events of one source cost; see calibration.h. */
typedef struct {
    fp_costs costs;
    uint32_t asides_of_class;
    uint32_t asides_of_instance; /* beyond those of any class: see making.h */
    uint32_t asides_of_super;
    double slowness; /* what the work of slowness.h took meanwhile */
    int times;       /* that it was measured */
    bool is_done;
    bool is_running;
} fpy_calibration;

typedef struct {
    fpy_names names;
    PyTypeObject *profiler_type;
    PyTypeObject *snapshot_type;
    PyTypeObject *hook_type;
    PyTypeObject *callback_type;
    PyTypeObject *entry_type;
    PyTypeObject *subentry_type;
    PyObject
        *collection_callbacks; /* gc.callbacks; with our function, see collector.h */
    PyObject *collection_callback;
    bool is_collecting;
    void *idle_hooks; /* of setprofile: see take_idle_hook */
    fp_clock clock;
    fpy_work work;
    fp_processor processor;
    fpy_calibration calibrations[2]; /* of setprofile and of monitoring */
    struct fpy_session *active;      /* the sessions that record now; borrowed */
    struct fpy_monitor *monitor;     /* NULL where there is no sys.monitoring */
    uint64_t *left_out; /* the threads that `leave_thread_out` was called in */
    size_t left_out_count;
    uintptr_t starters;      /* where the `_thread` functions that start threads */
    uintptr_t starters_span; /* have their method definitions */
    bool use_rseq;           /* see presence.h; FASTPROF_RSEQ=0 says no */
    bool rseq_tried;
    bool clock_refused; /* FASTPROF_CLOCK names one that is not to be had */
    bool fork_watched;
    unsigned long heartbeats; /* that began: see bound.h */
} fpy_state;

extern struct PyModuleDef fpy_module;

/* Whether no profiler records a thread because it records all. */
static inline bool
fpy_is_left_out(const fpy_state *state, uint64_t thread_id)
{
    size_t i = 0;

    while (i < state->left_out_count && state->left_out[i] != thread_id) {
        i++;
    }
    return i < state->left_out_count;
}

/* All functions of ours that Python code can call. */
extern PyMethodDef fpy_profiler_methods[];
extern PyMethodDef fpy_snapshot_methods[];
extern PyMethodDef fpy_module_methods[];
extern PyMethodDef fpy_region_methods[];

#define FPY_REGION_ENTER 0 /* its place in the last */

/* What is in gc.callbacks, and the key of a collection. */
extern PyMethodDef fpy_collection_method;

static inline fpy_state *
fpy_state_of_module(PyObject *module)
{
    return PyModule_GetState(module);
}

/* Our module, by one of its types or a subclass of one; borrowed. */
static inline PyObject *
fpy_module_of_type(PyTypeObject *type)
{
    for (; type != NULL; type = type->tp_base) {
        if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) {
            PyObject *module = ((PyHeapTypeObject *)type)->ht_module;
            if (module != NULL && PyModule_GetDef(module) == &fpy_module) {
                return module;
            }
        }
    }
    return NULL;
}

static inline fpy_state *
fpy_state_of(PyObject *op)
{
    return fpy_state_of_module(fpy_module_of_type(Py_TYPE(op)));
}

/* Raises an exception of `fastprof.errors` by name. */
static inline void
fpy_raise(const char *error, const char *message)
{
    PyObject *errors = PyImport_ImportModule("fastprof.errors");
    PyObject *type = errors != NULL ? PyObject_GetAttrString(errors, error) : NULL;

    if (type != NULL) {
        PyErr_SetString(type, message);
    }
    Py_XDECREF(type);
    Py_XDECREF(errors);
}

#endif
