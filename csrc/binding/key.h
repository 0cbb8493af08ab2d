/* key.h -- what a callable is known by.
 *
 * A Python function is known by its code object, a C function or method by its
 * PyMethodDef, as `_lsprof` has it. Other callables are recorded when all are asked for
 * (`builtins="all"`):
 *
 *      classes and descriptors     by themselves
 *      what passes its calls on    by the function inside: `functools.partial` and
 *                                  `lru_cache` objects, whatever has a `__wrapped__`,
 *                                  ufuncs of `numpy.frompyfunc`
 *      what has a name in C        by its code object (functions of Cython's), or by
 *                                  itself (ufuncs)
 *      all other instances         by type
 *
 * Nothing here runs Python code, and the current exception is left alone.
 */
#ifndef FPY_KEY_H
#define FPY_KEY_H

#include "compat.h"
#include "state.h"

#include "../engine/calltree.h"

#include <stdbool.h>

/* Of wrappers around wrappers; the program can make one that leads back to itself. */
#define FPY_MOST_LAYERS 8

/* The key of the code object of a Python function, or of another callable; NULL when
 * that is not recorded, since a Python function that it calls is. */
fp_key fpy_key_of(const fpy_names *names, PyObject *callee);

/* What keeps the key of a callee in place that is no code object, as a new reference;
 * NULL where that would be an instance of the program's. */
PyObject *fpy_key_holder(const fpy_names *names, PyObject *callee);

/* The function that a method is bound to (or will be: pybind11 puts an instancemethod
 * into a class); any other callable itself. Borrowed. */
PyObject *fpy_function_of(PyObject *callee);

/* The function that an object passes its calls on to, as a new reference; NULL if it is
 * known by no such function. */
PyObject *fpy_inside_of(const fpy_names *names, PyObject *callee);

/* Whether instances of this type are functions: it defines a `__name__`, in C. */
bool fpy_is_function_type(const fpy_names *names, PyTypeObject *type);

bool fpy_is_method_wrapper(const fpy_names *names, PyObject *callee);
bool fpy_is_partial(const PyTypeObject *type);
bool fpy_is_cache(const PyTypeObject *type);

/* What the type of `self` has under this name; borrowed. */
PyObject *fpy_attribute_of_type(PyObject *self, const char *name);

static inline fp_key
fpy_c_function_key(PyObject *function)
{
    return ((PyCFunctionObject *)function)->m_ml;
}

#endif
