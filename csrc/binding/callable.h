/* callable.h -- which key and which name a callable has.
 *
 * A Python function is known by its code object, a C function by its PyMethodDef, as
 * `_lsprof` has it. Names are made when a key is first seen, since the object may be
 * gone later.
 *
 * Ownership  a table owns a reference to each code object and to what keeps a
 *            PyMethodDef in place (the module, the type, the method descriptor);
 *            never to an instance, so the program's `__del__` runs when it would.
 */
#ifndef FPY_CALLABLE_H
#define FPY_CALLABLE_H

#include "compat.h"

#include "../engine/calltree.h"
#include "../engine/hash.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    fp_key key;
    uint32_t number; /* order of first sight */
    fp_visibility visibility;
    PyObject *subject; /* the code object, or the C function's label (str) */
    PyObject *module;  /* the module's name (str), or NULL */
    PyObject *held;    /* keeps the key valid, or NULL */
    UT_hash_handle hh;
} fpy_callable;

typedef struct {
    fpy_callable *table;
} fpy_callables;

/* The entry for a Python function that runs in `frame`, or for a C function; made if
 * it is new. NULL when there is no memory. May run Python code (a `__repr__`); leaves
 * the current exception alone. */
const fpy_callable *fpy_callables_python(fpy_callables *callables,
                                         PyFrameObject *frame);
const fpy_callable *fpy_callables_c(fpy_callables *callables, PyObject *function);

/* For fp_numbering: `context` is the fpy_callables. */
uint32_t fpy_callables_number(void *context, fp_key key);

/* Whether a frame runs the profiler's own Python code. */
bool fpy_is_own_frame(PyFrameObject *frame);

/* Whether a C function belongs to the profiler. */
bool fpy_is_own_function(PyObject *function);

int fpy_callables_traverse(const fpy_callables *callables, visitproc visit, void *arg);
void fpy_callables_clear(fpy_callables *callables);

static inline fp_key
fpy_c_function_key(PyObject *function)
{
    return ((PyCFunctionObject *)function)->m_ml;
}

#endif
