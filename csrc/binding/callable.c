#include "callable.h"

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

static bool
is_own_method(const PyMethodDef *method)
{
    return defines(fpy_profiler_methods, method) ||
           defines(fpy_snapshot_methods, method) || defines(fpy_module_methods, method);
}

bool
fpy_is_own_function(PyObject *function)
{
    return is_own_method(fpy_c_function_key(function));
}

/* ---- keys ---- */

/* Keys that are not an object's address itself. */
#define OF_INSTANCES ((uintptr_t)1) /* with that of their type */
#define OF_PARTIAL ((uintptr_t)2)   /* with that of what is inside */
#define OF_CACHE ((uintptr_t)3)     /* likewise */

static fp_key
tagged(fp_key key, uintptr_t tag)
{
    return key != NULL ? (fp_key)((uintptr_t)key + tag) : NULL;
}

static bool
is_partial(const PyTypeObject *type)
{
    return strcmp(type->tp_name, "functools.partial") == 0;
}

static bool
is_method_wrapper(const fpy_names *names, PyObject *callee)
{
    return Py_IS_TYPE(callee, names->method_wrapper);
}

/* What a partial or an lru_cache object has inside, as a new reference; NULL if the
 * callee is none. */
static PyObject *
inside_of(const fpy_names *names, PyObject *callee)
{
    const PyTypeObject *type = Py_TYPE(callee);
    const bool partial = is_partial(type);
    PyObject *error_type, *value, *traceback, *inside;

    if (!partial && strcmp(type->tp_name, "functools._lru_cache_wrapper") != 0) {
        return NULL;
    }
    PyErr_Fetch(&error_type, &value, &traceback);
    inside = PyObject_GenericGetAttr(callee, partial ? names->func : names->wrapped);
    PyErr_Clear();
    PyErr_Restore(error_type, value, traceback);
    return inside;
}

/* Whether instances of this type are functions: it defines a `__name__`, in C. */
static bool
is_function_type(const fpy_names *names, PyTypeObject *type)
{
    PyObject *name = _PyType_Lookup(type, names->name);

    return name != NULL && (Py_IS_TYPE(name, &PyGetSetDescr_Type) ||
                            Py_IS_TYPE(name, &PyMemberDescr_Type));
}

/* Whether calling an instance runs a Python function, which is recorded as itself. */
static bool
has_python_call(const fpy_names *names, PyTypeObject *type)
{
    PyObject *call = PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)
                         ? _PyType_Lookup(type, names->call)
                         : NULL;

    return call != NULL && PyFunction_Check(call);
}

static fp_key
key_of_inside(const fpy_names *names, PyObject *inside)
{
    if (PyMethod_Check(inside)) {
        inside = PyMethod_GET_FUNCTION(inside);
    }
    return PyFunction_Check(inside) ? (fp_key)PyFunction_GET_CODE(inside)
                                    : fpy_key_of(names, inside);
}

static fp_key
key_of_instance(const fpy_names *names, PyObject *callee)
{
    PyTypeObject *type = Py_TYPE(callee);
    PyObject *inside = inside_of(names, callee);

    if (inside != NULL) {
        const fp_key key = tagged(key_of_inside(names, inside),
                                  is_partial(type) ? OF_PARTIAL : OF_CACHE);
        Py_DECREF(inside); /* the callee has it */
        return key != NULL ? key : tagged(type, OF_INSTANCES);
    }
    if (has_python_call(names, type)) {
        return NULL;
    }
    return is_function_type(names, type) ? (fp_key)callee : tagged(type, OF_INSTANCES);
}

fp_key
fpy_key_of(const fpy_names *names, PyObject *callee)
{
    if (PyCode_Check(callee)) {
        return callee;
    }
    if (PyCFunction_Check(callee)) {
        return fpy_c_function_key(callee);
    }
    if (Py_IS_TYPE(callee, &PyMethodDescr_Type)) {
        return ((PyMethodDescrObject *)callee)->d_method;
    }
    if (PyFunction_Check(callee)) {
        return NULL;
    }
    if (PyMethod_Check(callee)) {
        return fpy_key_of(names, PyMethod_GET_FUNCTION(callee));
    }
    if (PyType_Check(callee) || Py_IS_TYPE(callee, &PyWrapperDescr_Type)) {
        return callee;
    }
    if (is_method_wrapper(names, callee)) {
        return fpy_wrapped_slot(callee);
    }
    return key_of_instance(names, callee);
}

/* ---- names ---- */

/* A type's name without asking its metaclass, which may be the program's. */
static PyObject *
label_of_type(PyObject *type)
{
    return PyType_Type.tp_repr(type);
}

static PyObject *
text_attribute(PyObject *object, const char *name)
{
    PyObject *text = PyObject_GetAttrString(object, name);

    if (text != NULL && !PyUnicode_Check(text)) {
        Py_CLEAR(text);
    }
    PyErr_Clear();
    return text;
}

/* "module.qualname", or as much of it as there is. */
static PyObject *
dotted_name(PyObject *object)
{
    PyObject *module = text_attribute(object, "__module__");
    PyObject *name = text_attribute(object, "__qualname__");
    PyObject *dotted;

    if (name == NULL) {
        name = text_attribute(object, "__name__");
    }
    if (name == NULL) {
        name = PyUnicode_FromString(Py_TYPE(object)->tp_name);
    }
    dotted = module != NULL && name != NULL
                 ? PyUnicode_FromFormat("%U.%U", module, name)
                 : Py_XNewRef(name);
    Py_XDECREF(module);
    Py_XDECREF(name);
    return dotted;
}

static PyObject *
framed(const char *before, PyObject *name)
{
    PyObject *label =
        name != NULL ? PyUnicode_FromFormat("<%s%U>", before, name) : NULL;

    Py_XDECREF(name);
    return label;
}

static const char *
short_name(const PyTypeObject *type)
{
    const char *dot = strrchr(type->tp_name, '.');

    return dot != NULL ? dot + 1 : type->tp_name;
}

static PyObject *
label_of_instance(const fpy_names *names, PyObject *callee)
{
    PyTypeObject *type = Py_TYPE(callee);
    PyObject *inside = inside_of(names, callee);
    char before[80];
    PyObject *name;

    if (inside != NULL) {
        name = dotted_name(inside);
        Py_DECREF(inside);
        return framed(is_partial(type) ? "functools.partial of "
                                       : "functools.lru_cache of ",
                      name);
    }
    if (is_function_type(names, type)) {
        snprintf(before, sizeof before, "%.60s ", short_name(type));
        return framed(before, dotted_name(callee));
    }
    name = dotted_name((PyObject *)type);
    if (name != NULL) {
        Py_SETREF(name, PyUnicode_FromFormat("<%U object>", name));
    }
    return name;
}

static PyObject *
label_of(const fpy_names *names, PyObject *callee)
{
    if (PyCFunction_Check(callee)) {
        return label_of_function((PyCFunctionObject *)callee);
    }
    if (Py_IS_TYPE(callee, &PyMethodDescr_Type) ||
        Py_IS_TYPE(callee, &PyWrapperDescr_Type)) {
        return PyObject_Repr(callee);
    }
    if (is_method_wrapper(names, callee)) {
        return PyObject_Repr(fpy_wrapped_slot(callee));
    }
    return PyType_Check(callee) ? label_of_type(callee)
                                : label_of_instance(names, callee);
}

/* What keeps the key of a callee in place that is no code object; as keeper_of. */
static PyObject *
holder_of(const fpy_names *names, PyObject *callee, fp_key key)
{
    PyObject *inside = NULL, *holder = NULL;

    if (PyCFunction_Check(callee)) {
        return keeper_of(callee);
    }
    if ((PyObject *)key == callee || Py_IS_TYPE(callee, &PyMethodDescr_Type)) {
        return Py_NewRef(callee);
    }
    if (is_method_wrapper(names, callee)) {
        return Py_NewRef(fpy_wrapped_slot(callee));
    }
    inside = inside_of(names, callee);
    if (inside == NULL || key == tagged(Py_TYPE(callee), OF_INSTANCES)) {
        holder = Py_NewRef((PyObject *)Py_TYPE(callee));
    } else {
        PyObject *function =
            PyMethod_Check(inside) ? PyMethod_GET_FUNCTION(inside) : inside;
        holder = PyFunction_Check(function)
                     ? Py_NewRef(PyFunction_GET_CODE(function))
                     : holder_of(names, function, fpy_key_of(names, function));
    }
    Py_XDECREF(inside);
    return holder;
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

static PyObject *
module_of(PyObject *callee)
{
    if (PyCFunction_Check(callee)) {
        return module_of_function((PyCFunctionObject *)callee);
    }
    return PyType_Check(callee) ? text_attribute(callee, "__module__") : NULL;
}

static const fpy_callable *
add_other(fpy_callables *callables, PyObject *callee, fp_key key)
{
    PyObject *label = label_of(callables->names, callee);
    /* Naming may have run Python code, and that may have named this very key. */
    const fpy_callable *callable = find(callables, key);
    PyObject *module;

    if (label == NULL || callable != NULL) {
        Py_XDECREF(label);
        return callable;
    }
    module = module_of(callee);
    return add(callables,
               (fpy_callable){.key = key,
                              .subject = label,
                              .module = module,
                              .held = holder_of(callables->names, callee, key),
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
    if (PyMethod_Check(callee)) {
        callee = PyMethod_GET_FUNCTION(callee);
    }
    callable = PyCode_Check(callee) ? add_python(callables, (PyCodeObject *)callee)
                                    : add_other(callables, callee, key);
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
