#include "callable.h"

#include "state.h"

#include "../engine/alloc.h"

#include <string.h>

static const char package[] = "fastprof";

/* `name` is "fastprof" or begins with "fastprof.". */
static bool
is_own_module(PyObject *name)
{
    const size_t length = sizeof package - 1;
    const char *text =
        name != NULL && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;

    if (text == NULL) {
        PyErr_Clear();
        return false;
    }
    return strncmp(text, package, length) == 0 &&
           (text[length] == '\0' || text[length] == '.');
}

/* A new reference to the name of the module that the frame's globals belong to. */
static PyObject *
module_of_frame(PyFrameObject *frame)
{
    PyObject *globals = fpy_frame_globals(frame);
    PyObject *name = globals != NULL ? PyDict_GetItemString(globals, "__name__") : NULL;

    Py_XINCREF(name);
    Py_XDECREF(globals);
    if (name != NULL && !PyUnicode_CheckExact(name)) {
        Py_CLEAR(name);
    }
    PyErr_Clear();
    return name;
}

/* The functions of ours that call the program's. */
static const char *const callers_of_the_program[] = {"run", "runctx", "runcall"};

/* Our own Python functions are hidden with all that they call, but for what they call
 * on the program's behalf. (Our C functions call none: what runs inside them is a
 * finalizer of the program's, and shows.) */
static fp_visibility
visibility_of(const PyCodeObject *code, PyObject *module)
{
    if (!is_own_module(module)) {
        return FP_SHOWN;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(callers_of_the_program); i++) {
        if (PyUnicode_CompareWithASCIIString(code->co_name,
                                             callers_of_the_program[i]) == 0) {
            return FP_HIDDEN;
        }
    }
    return FP_HIDDEN_WHOLE;
}

bool
fpy_is_own_frame(PyFrameObject *frame)
{
    PyObject *module = module_of_frame(frame);
    const bool own = is_own_module(module);

    Py_XDECREF(module);
    return own;
}

/* A new reference to the name of the module that defines a C function, or NULL. */
static PyObject *
module_of_function(const PyCFunctionObject *function)
{
    PyObject *module = function->m_module;
    PyObject *name = NULL;

    if (module != NULL && PyUnicode_CheckExact(module)) {
        Py_INCREF(module);
        name = module;
    } else if (module != NULL && PyModule_Check(module)) {
        name = PyModule_GetNameObject(module);
    }
    PyErr_Clear();
    return name;
}

/* What the type of `self` has under this name; borrowed. */
static PyObject *
attribute_of_type(PyObject *self, const char *name)
{
    PyObject *text = PyUnicode_FromString(name);
    PyObject *found = text != NULL ? _PyType_Lookup(Py_TYPE(self), text) : NULL;

    Py_XDECREF(text);
    return found;
}

/* As cProfile labels a C function (`normalizeUserObj` in _lsprof.c): a method by the
 * repr of what its type has under its name, all others by module and name. */
static PyObject *
label_of_function(const PyCFunctionObject *function)
{
    const char *name = function->m_ml->ml_name;
    PyObject *module = function->m_module;
    PyObject *label = NULL;

    if (function->m_self == NULL) {
        PyObject *module_name = module_of_function(function);
        if (module_name == NULL ||
            PyUnicode_CompareWithASCIIString(module_name, "builtins") == 0) {
            label = PyUnicode_FromFormat("<%s>", name);
        } else {
            label = PyUnicode_FromFormat("<%U.%s>", module_name, name);
        }
        Py_XDECREF(module_name);
        return label;
    }
    PyObject *attribute = attribute_of_type(function->m_self, name);
    if (attribute != NULL) {
        Py_INCREF(attribute);
        label = PyObject_Repr(attribute);
        Py_DECREF(attribute);
    }
    if (label == NULL) {
        PyErr_Clear();
        label = module != NULL && PyUnicode_Check(module)
                    ? PyUnicode_FromFormat("<built-in method %S.%s>", module, name)
                    : PyUnicode_FromFormat("<built-in method %s>", name);
    }
    return label;
}

/* What keeps the function's PyMethodDef in place, as a new reference, or NULL where
 * that would be an instance of the program's. */
static PyObject *
keeper_of(PyObject *function)
{
    const PyCFunctionObject *c_function = (PyCFunctionObject *)function;
    PyObject *self = c_function->m_self;
    PyObject *keeper = NULL;

    if (self == NULL || PyCapsule_CheckExact(self)) {
        keeper = function;
    } else if (PyModule_Check(self) || PyType_Check(self)) {
        keeper = self;
    } else {
        PyObject *method = attribute_of_type(self, c_function->m_ml->ml_name);
        if (method != NULL && Py_IS_TYPE(method, &PyMethodDescr_Type) &&
            ((PyMethodDescrObject *)method)->d_method == c_function->m_ml) {
            keeper = method;
        }
    }
    PyErr_Clear();
    Py_XINCREF(keeper);
    return keeper;
}

static bool
defines(const PyMethodDef *methods, const PyMethodDef *wanted)
{
    while (methods->ml_name != NULL && methods != wanted) {
        methods++;
    }
    return methods->ml_name != NULL;
}

bool
fpy_is_own_function(PyObject *function)
{
    const PyMethodDef *method = fpy_c_function_key(function);

    return defines(fpy_profiler_methods, method) ||
           defines(fpy_snapshot_methods, method) || defines(fpy_module_methods, method);
}

static fpy_callable *
find(const fpy_callables *callables, fp_key key)
{
    fpy_callable *found;

    HASH_FIND(hh, callables->table, &key, sizeof key, found);
    return found;
}

static void
release(fpy_callable *callable)
{
    Py_XDECREF(callable->subject);
    Py_XDECREF(callable->module);
    Py_XDECREF(callable->held);
    fp_free(callable);
}

/* Takes over the references in `filled`. */
static const fpy_callable *
add(fpy_callables *callables, fpy_callable filled)
{
    fpy_callable *fresh = fp_alloc(sizeof *fresh);

    if (fresh == NULL) {
        Py_XDECREF(filled.subject);
        Py_XDECREF(filled.module);
        Py_XDECREF(filled.held);
        return NULL;
    }
    *fresh = filled;
    fresh->number = HASH_COUNT(callables->table);
    HASH_ADD(hh, callables->table, key, sizeof fresh->key, fresh);
    if (fresh->hh.tbl == NULL) {
        release(fresh);
        return NULL;
    }
    return fresh;
}

const fpy_callable *
fpy_callables_python(fpy_callables *callables, PyFrameObject *frame)
{
    PyObject *type, *value, *traceback;
    PyCodeObject *code = fpy_frame_code(frame);
    const fpy_callable *callable = find(callables, code);

    if (callable != NULL) {
        return callable;
    }
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *module = module_of_frame(frame);
    Py_INCREF(code);
    callable = add(callables,
                   (fpy_callable){.key = code,
                                  .subject = (PyObject *)code,
                                  .module = module,
                                  .visibility = visibility_of(code, module)});
    PyErr_Restore(type, value, traceback);
    return callable;
}

const fpy_callable *
fpy_callables_c(fpy_callables *callables, PyObject *function)
{
    PyObject *type, *value, *traceback;
    const fpy_callable *callable = find(callables, fpy_c_function_key(function));

    if (callable != NULL) {
        return callable;
    }
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *label = label_of_function((PyCFunctionObject *)function);
    /* Naming may have run Python code, and that may have named this very key. */
    callable = find(callables, fpy_c_function_key(function));
    if (label != NULL && callable == NULL) {
        callable =
            add(callables,
                (fpy_callable){
                    .key = fpy_c_function_key(function),
                    .subject = label,
                    .module = module_of_function((PyCFunctionObject *)function),
                    .held = keeper_of(function),
                    .visibility = fpy_is_own_function(function) ? FP_HIDDEN : FP_SHOWN,
                });
    } else {
        Py_XDECREF(label);
    }
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    return callable;
}

uint32_t
fpy_callables_number(void *context, fp_key key)
{
    const fpy_callable *callable = find(context, key);

    /* A path whose naming failed is hidden, and its number means nothing. */
    return callable != NULL ? callable->number : 0;
}

int
fpy_callables_traverse(const fpy_callables *callables, visitproc visit, void *arg)
{
    for (const fpy_callable *c = callables->table; c != NULL; c = c->hh.next) {
        Py_VISIT(c->subject);
        Py_VISIT(c->held);
    }
    return 0;
}

void
fpy_callables_clear(fpy_callables *callables)
{
    fpy_callable *table = callables->table;
    fpy_callable *one, *next;

    /* Dropping a reference may run Python code that looks into the table. */
    callables->table = NULL;
    HASH_ITER(hh, table, one, next) {
        HASH_DEL(table, one);
        release(one);
    }
}
