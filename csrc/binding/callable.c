#include "callable.h"

#include "key.h"
#include "label.h"

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

/* A new reference to the name of the module that these globals belong to, or NULL. */
static PyObject *
module_of_globals(PyObject *globals)
{
    PyObject *name = globals != NULL ? PyDict_GetItemString(globals, "__name__") : NULL;

    if (name != NULL && !PyUnicode_CheckExact(name)) {
        name = NULL;
    }
    Py_XINCREF(name);
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
    PyObject *globals = fpy_frame_globals(frame);
    PyObject *module = module_of_globals(globals);
    const bool own = is_own_module(module);

    Py_XDECREF(module);
    Py_XDECREF(globals);
    return own;
}

static bool
defines(const PyMethodDef *methods, const PyMethodDef *wanted)
{
    while (methods->ml_name != NULL && methods != wanted) {
        methods++;
    }
    return methods->ml_name != NULL;
}

static bool
is_own_method(const PyMethodDef *method)
{
    return defines(fpy_profiler_methods, method) ||
           defines(fpy_snapshot_methods, method) ||
           defines(fpy_module_methods, method) || defines(fpy_region_methods, method);
}

bool
fpy_is_own_function(PyObject *function)
{
    return is_own_method(fpy_c_function_key(function));
}

/* ---- the table ---- */

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

static const fpy_callable *
add_python(fpy_callables *callables, PyCodeObject *code)
{
    PyObject *module = module_of_globals(PyEval_GetGlobals());

    Py_INCREF(code);
    return add(callables,
               (fpy_callable){.key = code,
                              .subject = (PyObject *)code,
                              .module = module,
                              .visibility = visibility_of(code, module)});
}

/* What is a call for us and none for pstats; takes over the reference to the label. */
static const fpy_callable *
add_folded(fpy_callables *callables, fp_key key, PyObject *label)
{
    return label == NULL
               ? NULL
               : add(callables,
                     (fpy_callable){
                         .key = key, .subject = label, .visibility = FP_FOLDED});
}

static const fpy_callable *
add_other(fpy_callables *callables, PyObject *callee, fp_key key)
{
    /* Before it is named: that may run Python code, which may change what is inside, or
     * may have named this very key. */
    PyObject *held = fpy_key_holder(callables->names, callee);
    PyObject *label = fpy_label_of(callables->names, callee);
    const fpy_callable *callable = find(callables, key);
    PyObject *module;

    if (label == NULL || callable != NULL) {
        Py_XDECREF(held);
        Py_XDECREF(label);
        return callable;
    }
    module = fpy_module_of(callee);
    return add(callables,
               (fpy_callable){.key = key,
                              .subject = label,
                              .module = module,
                              .held = held,
                              .visibility = is_own_method(key) || is_own_module(module)
                                                ? FP_HIDDEN
                                                : FP_SHOWN});
}

const fpy_callable *
fpy_callables_named(fpy_callables *callables, PyObject *callee)
{
    PyObject *type, *value, *traceback;
    const fp_key key = fpy_key_of(callables->names, callee);
    const fpy_callable *callable = find(callables, key);

    if (callable != NULL) {
        return callable;
    }
    PyErr_Fetch(&type, &value, &traceback);
    callee = fpy_function_of(callee);
    if (PyCode_Check(callee)) {
        callable = add_python(callables, (PyCodeObject *)callee);
    } else if (key == &fpy_collection_method) {
        callable = add_folded(callables, key, PyUnicode_FromString("<gc>"));
    } else if (Py_IS_TYPE(callee, callables->names->region)) {
        callable = add_folded(callables, key, Py_NewRef(((fpy_region *)callee)->label));
    } else {
        callable = add_other(callables, callee, key);
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
