/* label.h -- the name of a callable that is no Python function.
 *
 * C functions and methods have the names that cProfile gives them; the others say their
 * kind and their qualified name. Both calls may run Python code (a `__repr__`, a
 * `__module__` that is a property), and clear the exception that it raises.
 */
#ifndef FPY_LABEL_H
#define FPY_LABEL_H

#include "compat.h"
#include "state.h"

/* A new reference; NULL when there is no memory. */
PyObject *fpy_label_of(const fpy_names *names, PyObject *callee);

/* The name of the module that defines it, as a new reference; NULL if it is not known.
 */
PyObject *fpy_module_of(PyObject *callee);

#endif
