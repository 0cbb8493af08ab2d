#include "label.h"

#include "key.h"

#include <string.h>

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
    PyObject *attribute = fpy_attribute_of_type(function->m_self, name);
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
name_of_instance(PyObject *instance)
{
    PyObject *type = dotted_name((PyObject *)Py_TYPE(instance));
    PyObject *name = type != NULL ? PyUnicode_FromFormat("%U object", type) : NULL;

    Py_XDECREF(type);
    return name;
}

static bool
has_qualname(PyObject *object)
{
    PyObject *name = text_attribute(object, "__qualname__");

    Py_XDECREF(name);
    return name != NULL;
}

static PyObject *
name_of(PyObject *callee)
{
    if (PyCFunction_Check(callee)) {
        const PyCFunctionObject *function = (PyCFunctionObject *)callee;
        PyObject *module = module_of_function(function);
        if (module != NULL) {
            /* Not by its qualified name, which begins with the type of `m_self`: that
             * is a matter of pybind11's own. */
            PyObject *name =
                PyUnicode_FromFormat("%U.%s", module, function->m_ml->ml_name);
            Py_DECREF(module);
            return name;
        }
    }
    return has_qualname(callee) ? dotted_name(callee) : name_of_instance(callee);
}

/* That of the first layer that has one: numpy.sum is known by a better name than what
 * it has inside, numpy._core.fromnumeric.sum. */
static PyObject *
name_of_wrapper(const fpy_names *names, PyObject *callee)
{
    PyObject *layer = Py_NewRef(callee);
    PyObject *inside = fpy_inside_of(names, layer);
    PyObject *name;

    for (int n = 0; inside != NULL && n < FPY_MOST_LAYERS && !has_qualname(layer);
         n++) {
        Py_SETREF(layer, Py_NewRef(fpy_function_of(inside)));
        Py_DECREF(inside);
        inside = fpy_inside_of(names, layer);
    }
    name = name_of(layer);
    Py_XDECREF(inside);
    Py_DECREF(layer);
    return name;
}

static const char *
short_name(const PyTypeObject *type)
{
    const char *dot = strrchr(type->tp_name, '.');

    return dot != NULL ? dot + 1 : type->tp_name;
}

static PyObject *
kind_of_wrapper(PyTypeObject *type)
{
    if (fpy_is_partial(type)) {
        return PyUnicode_FromString("functools.partial");
    }
    return fpy_is_cache(type) ? PyUnicode_FromString("functools.lru_cache")
                              : dotted_name((PyObject *)type);
}

static PyObject *
label_of_wrapper(const fpy_names *names, PyObject *callee)
{
    PyObject *kind = kind_of_wrapper(Py_TYPE(callee));
    PyObject *name = name_of_wrapper(names, callee);
    PyObject *label = NULL;

    if (kind != NULL && name != NULL) {
        label = PyUnicode_FromFormat("<%U of %U>", kind, name);
    }
    Py_XDECREF(kind);
    Py_XDECREF(name);
    return label;
}

static PyObject *
label_of_instance(const fpy_names *names, PyObject *callee)
{
    const bool function = fpy_is_function_type(names, Py_TYPE(callee));
    PyObject *name = function ? dotted_name(callee) : name_of_instance(callee);
    PyObject *label = NULL;

    if (name != NULL) {
        label =
            function
                ? PyUnicode_FromFormat("<%.60s %U>", short_name(Py_TYPE(callee)), name)
                : PyUnicode_FromFormat("<%U>", name);
        Py_DECREF(name);
    }
    return label;
}

PyObject *
fpy_label_of(const fpy_names *names, PyObject *callee)
{
    PyObject *inside;

    if (PyCFunction_Check(callee)) {
        return label_of_function((PyCFunctionObject *)callee);
    }
    if (Py_IS_TYPE(callee, &PyMethodDescr_Type) ||
        Py_IS_TYPE(callee, &PyWrapperDescr_Type)) {
        return PyObject_Repr(callee);
    }
    if (fpy_is_method_wrapper(names, callee)) {
        return PyObject_Repr(fpy_wrapped_slot(callee));
    }
    if (PyType_Check(callee)) {
        return label_of_type(callee);
    }
    inside = fpy_inside_of(names, callee);
    Py_XDECREF(inside);
    /* A function that wraps another, such as a decorator of Cython's makes, has a name.
     */
    return inside != NULL && !(has_qualname(callee) &&
                               fpy_is_function_type(names, Py_TYPE(callee)))
               ? label_of_wrapper(names, callee)
               : label_of_instance(names, callee);
}

PyObject *
fpy_module_of(PyObject *callee)
{
    if (PyCFunction_Check(callee)) {
        return module_of_function((PyCFunctionObject *)callee);
    }
    return PyType_Check(callee) ? text_attribute(callee, "__module__") : NULL;
}
