/* callable.h -- the callables that are known by now, with their names.
 *
 * By what, key.h tells; how it is named, label.h. Names are made when a key is first
 * seen, since the object may be gone later.
 *
 * Ownership  a table owns a reference to each code object and to what keeps a key in
 *            place (the PyMethodDef's module, type or method descriptor; a class; a
 *            function that is known by itself); never to any other instance of the
 *            program's, nor to a closure, so its `__del__` runs when it would.
 */
#ifndef FPY_CALLABLE_H
#define FPY_CALLABLE_H

#include "compat.h"
#include "state.h"

#include "../engine/calltree.h"
#include "../engine/hash.h"
#include "../engine/snapshot.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    fp_key key;
    uint32_t number; /* order of first sight */
    fp_visibility visibility;
    PyObject *subject; /* the code object, or the label (str) of another callable */
    PyObject *module;  /* the module's name (str), or NULL */
    PyObject *held;    /* keeps the key valid, or NULL */
    UT_hash_handle hh;
} fpy_callable;

typedef struct {
    fpy_callable *table;
    const fpy_names *names;
} fpy_callables;

/* The entry for a callee that has a key, made if it is new; if it is a code object, its
 * function runs now. NULL when there is no memory. May run Python code (a `__repr__`);
 * leaves the current exception alone. */
const fpy_callable *fpy_callables_named(fpy_callables *callables, PyObject *callee);

/* For fp_numbering: `context` is the fpy_callables. */
uint32_t fpy_callables_number(void *context, fp_key key);

/* Whether a frame runs the profiler's own Python code. */
bool fpy_is_own_frame(PyFrameObject *frame);

/* Whether a C function belongs to the profiler. */
bool fpy_is_own_function(PyObject *function);

int fpy_callables_traverse(const fpy_callables *callables, visitproc visit, void *arg);
void fpy_callables_clear(fpy_callables *callables);

#endif
