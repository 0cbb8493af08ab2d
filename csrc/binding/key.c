#include "key.h"

#include <string.h>

/* Keys that are not an object's address itself, but lie inside that object: of all
 * instances of a type, or of all functions that have one code object. */
#define OF_INSTANCES ((uintptr_t)1)

/* To this is added what passes calls on to the callable whose key it is. */
#define OF_PARTIAL ((uintptr_t)2)
#define OF_CACHE ((uintptr_t)4)
#define OF_UFUNC ((uintptr_t)6)
#define OF_WRAPPER ((uintptr_t)8) /* any other type */

static fp_key
tagged(const void *key, uintptr_t tag)
{
    return (fp_key)((uintptr_t)key + tag);
}

bool
fpy_is_partial(const PyTypeObject *type)
{
    return strcmp(type->tp_name, "functools.partial") == 0;
}

bool
fpy_is_cache(const PyTypeObject *type)
{
    return strcmp(type->tp_name, "functools._lru_cache_wrapper") == 0;
}

static bool
is_ufunc(const PyTypeObject *type)
{
    return strcmp(type->tp_name, "numpy.ufunc") == 0;
}

bool
fpy_is_method_wrapper(const fpy_names *names, PyObject *callee)
{
    return Py_IS_TYPE(callee, names->method_wrapper);
}

PyObject *
fpy_function_of(PyObject *callee)
{
    if (PyMethod_Check(callee)) {
        return PyMethod_GET_FUNCTION(callee);
    }
    return PyInstanceMethod_Check(callee) ? PyInstanceMethod_GET_FUNCTION(callee)
                                          : callee;
}

bool
fpy_is_function_type(const fpy_names *names, PyTypeObject *type)
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

/* The code object that a function of an extension type has (Cython's do), borrowed from
 * it; NULL: none. Functions that are made anew at each call of another share it. (Those
 * that a decorator makes do too, and are known by what they wrap.) */
static PyObject *
code_of_function(const fpy_names *names, PyObject *function)
{
    PyObject *attribute = _PyType_Lookup(Py_TYPE(function), names->code);
    PyObject *error_type, *value, *traceback, *code;
    const PyGetSetDef *getset;

    if (attribute == NULL || !Py_IS_TYPE(attribute, &PyGetSetDescr_Type)) {
        return NULL;
    }
    getset = ((PyGetSetDescrObject *)attribute)->d_getset;
    if (getset->get == NULL) {
        return NULL;
    }
    PyErr_Fetch(&error_type, &value, &traceback);
    code = getset->get(function, getset->closure);
    PyErr_Clear();
    PyErr_Restore(error_type, value, traceback);
    if (code != NULL && (!PyCode_Check(code) || Py_REFCNT(code) == 1)) {
        Py_CLEAR(code);
    }
    Py_XDECREF(code); /* the function has it */
    return code;
}

static PyObject *
function_of_partial(const fpy_names *names, PyObject *partial)
{
    PyObject *error_type, *value, *traceback, *function;

    PyErr_Fetch(&error_type, &value, &traceback);
    function = PyObject_GenericGetAttr(partial, names->func);
    PyErr_Clear();
    PyErr_Restore(error_type, value, traceback);
    return function;
}

static int
visit_first(PyObject *referent, void *first)
{
    *(PyObject **)first = referent;
    return 1;
}

/* That of a ufunc made by `numpy.frompyfunc`, which nobody shows but to the collector;
 * all other ufuncs are unknown to that. */
static PyObject *
function_of_ufunc(PyObject *ufunc)
{
    PyObject *function = NULL;

    if (PyObject_GC_IsTracked(ufunc)) {
        Py_TYPE(ufunc)->tp_traverse(ufunc, visit_first, &function);
    }
    return function != NULL && PyCallable_Check(function) ? Py_NewRef(function) : NULL;
}

/* What `functools.update_wrapper` has left in an instance. */
static PyObject *
wrapped_function(const fpy_names *names, PyObject *callee)
{
    PyObject **dict =
        Py_TYPE(callee)->tp_dictoffset != 0 ? _PyObject_GetDictPtr(callee) : NULL;
    PyObject *key, *value;
    Py_ssize_t place = 0;

    /* Attributes' names are interned; a key that is none might compare itself in
     * Python. */
    while (dict != NULL && *dict != NULL && PyDict_Next(*dict, &place, &key, &value)) {
        if (key == names->wrapped) {
            return Py_NewRef(value);
        }
    }
    return NULL;
}

PyObject *
fpy_inside_of(const fpy_names *names, PyObject *callee)
{
    PyTypeObject *type = Py_TYPE(callee);

    if (fpy_is_partial(type)) {
        return function_of_partial(names, callee);
    }
    if (is_ufunc(type)) {
        return function_of_ufunc(callee);
    }
    return PyType_Check(callee) || PyFunction_Check(callee) ||
                   has_python_call(names, type)
               ? NULL
               : wrapped_function(names, callee);
}

/* The same through all layers, and without what it is bound to. */
static PyObject *
innermost_of(const fpy_names *names, PyObject *callee)
{
    PyObject *found = NULL, *inside = fpy_inside_of(names, callee);

    for (int layer = 0; inside != NULL && layer < FPY_MOST_LAYERS; layer++) {
        Py_XSETREF(found, Py_NewRef(fpy_function_of(inside)));
        Py_DECREF(inside);
        inside = fpy_inside_of(names, found);
    }
    Py_XDECREF(inside);
    return found;
}

static uintptr_t
tag_of_wrapper(const PyTypeObject *type)
{
    if (fpy_is_partial(type)) {
        return OF_PARTIAL;
    }
    if (fpy_is_cache(type)) {
        return OF_CACHE;
    }
    return is_ufunc(type) ? OF_UFUNC : OF_WRAPPER;
}

/* The object whose address is the key, tagged for an instance or a function with code,
 * of a callable that is not known by what is inside it; borrowed. NULL: a C function,
 * which is known by its PyMethodDef. */
static PyObject *
subject_of(const fpy_names *names, PyObject *callee, uintptr_t *tag)
{
    PyObject *code;

    *tag = 0;
    if (PyCFunction_Check(callee) || Py_IS_TYPE(callee, &PyMethodDescr_Type)) {
        return NULL;
    }
    if (PyFunction_Check(callee)) {
        return PyFunction_GET_CODE(callee);
    }
    if (PyType_Check(callee) || Py_IS_TYPE(callee, &PyWrapperDescr_Type)) {
        return callee;
    }
    if (fpy_is_method_wrapper(names, callee)) {
        return fpy_wrapped_slot(callee);
    }
    if (!fpy_is_function_type(names, Py_TYPE(callee))) {
        *tag = OF_INSTANCES;
        return (PyObject *)Py_TYPE(callee);
    }
    code = code_of_function(names, callee);
    *tag = code != NULL ? OF_INSTANCES : 0;
    return code != NULL ? code : callee;
}

static fp_key
key_of_subject(const fpy_names *names, PyObject *callee)
{
    uintptr_t tag;
    PyObject *subject = subject_of(names, callee, &tag);

    if (subject != NULL) {
        return tagged(subject, tag);
    }
    return PyCFunction_Check(callee) ? fpy_c_function_key(callee)
                                     : ((PyMethodDescrObject *)callee)->d_method;
}

fp_key
fpy_key_of(const fpy_names *names, PyObject *callee)
{
    PyObject *inside;
    fp_key key;

    if (PyCode_Check(callee)) {
        return callee;
    }
    if (Py_IS_TYPE(callee, names->region)) {
        return ((fpy_region *)callee)->label;
    }
    callee = fpy_function_of(callee);
    if (PyFunction_Check(callee)) {
        return NULL;
    }
    if (PyType_Check(callee)) {
        return callee;
    }
    inside = innermost_of(names, callee);
    if (inside != NULL) {
        key = tagged(key_of_subject(names, inside), tag_of_wrapper(Py_TYPE(callee)));
        Py_DECREF(inside); /* the callee has it */
        return key;
    }
    return has_python_call(names, Py_TYPE(callee)) ? NULL
                                                   : key_of_subject(names, callee);
}

PyObject *
fpy_attribute_of_type(PyObject *self, const char *name)
{
    PyObject *text = PyUnicode_FromString(name);
    PyObject *found = text != NULL ? _PyType_Lookup(Py_TYPE(self), text) : NULL;

    Py_XDECREF(text);
    return found;
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
        PyObject *method = fpy_attribute_of_type(self, c_function->m_ml->ml_name);
        if (method != NULL && Py_IS_TYPE(method, &PyMethodDescr_Type) &&
            ((PyMethodDescrObject *)method)->d_method == c_function->m_ml) {
            keeper = method;
        }
    }
    PyErr_Clear();
    Py_XINCREF(keeper);
    return keeper;
}

PyObject *
fpy_key_holder(const fpy_names *names, PyObject *callee)
{
    PyObject *inside = innermost_of(names, callee);
    PyObject *known = inside != NULL ? inside : callee;
    PyObject *holder;
    uintptr_t tag;

    if (PyCFunction_Check(known)) {
        holder = keeper_of(known);
    } else if (Py_IS_TYPE(known, &PyMethodDescr_Type)) {
        holder = Py_NewRef(known);
    } else {
        holder = Py_NewRef(subject_of(names, known, &tag));
    }
    Py_XDECREF(inside);
    return holder;
}
