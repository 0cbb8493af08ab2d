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

/* Keys that are not an object's address itself, but lie inside that object: of all
 * instances of a type, or of all functions that have one code object. */
#define OF_INSTANCES ((uintptr_t)1)

/* To this is added what passes calls on to the callable whose key it is. */
#define OF_PARTIAL ((uintptr_t)2)
#define OF_CACHE ((uintptr_t)4)
#define OF_UFUNC ((uintptr_t)6)
#define OF_WRAPPER ((uintptr_t)8) /* any other type */

/* Of wrappers around wrappers; the program can make one that leads back to itself. */
#define MOST_LAYERS 8

static fp_key
tagged(const void *key, uintptr_t tag)
{
    return (fp_key)((uintptr_t)key + tag);
}

static bool
is_partial(const PyTypeObject *type)
{
    return strcmp(type->tp_name, "functools.partial") == 0;
}

static bool
is_cache(const PyTypeObject *type)
{
    return strcmp(type->tp_name, "functools._lru_cache_wrapper") == 0;
}

static bool
is_ufunc(const PyTypeObject *type)
{
    return strcmp(type->tp_name, "numpy.ufunc") == 0;
}

static bool
is_method_wrapper(const fpy_names *names, PyObject *callee)
{
    return Py_IS_TYPE(callee, names->method_wrapper);
}

/* The function that a method is bound to (or will be: pybind11 puts an instancemethod
 * into a class); any other callable itself. Borrowed. */
static PyObject *
function_of(PyObject *callee)
{
    if (PyMethod_Check(callee)) {
        return PyMethod_GET_FUNCTION(callee);
    }
    return PyInstanceMethod_Check(callee) ? PyInstanceMethod_GET_FUNCTION(callee)
                                          : callee;
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

/* The code object that a function of an extension type has (Cython's do), borrowed from
 * it; NULL: none. Functions that are made anew at each call of another share it. */
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
    PyObject *error_type, *value, *traceback;
    PyObject **dict =
        Py_TYPE(callee)->tp_dictoffset != 0 ? _PyObject_GetDictPtr(callee) : NULL;
    PyObject *function = NULL;

    if (dict != NULL && *dict != NULL) {
        PyErr_Fetch(&error_type, &value, &traceback);
        function = PyDict_GetItemWithError(*dict, names->wrapped);
        Py_XINCREF(function);
        PyErr_Clear();
        PyErr_Restore(error_type, value, traceback);
    }
    return function;
}

/* The function that an object passes its calls on to, as a new reference; NULL if it is
 * known by no such function. */
static PyObject *
inside_of(const fpy_names *names, PyObject *callee)
{
    PyTypeObject *type = Py_TYPE(callee);

    if (is_partial(type)) {
        return function_of_partial(names, callee);
    }
    if (is_function_type(names, type)) {
        return is_ufunc(type) ? function_of_ufunc(callee) : NULL;
    }
    return PyType_Check(callee) || has_python_call(names, type)
               ? NULL
               : wrapped_function(names, callee);
}

/* The same through all layers, and without what it is bound to. */
static PyObject *
innermost_of(const fpy_names *names, PyObject *callee)
{
    PyObject *found = NULL, *inside = inside_of(names, callee);

    for (int layer = 0; inside != NULL && layer < MOST_LAYERS; layer++) {
        Py_XSETREF(found, Py_NewRef(function_of(inside)));
        Py_DECREF(inside);
        inside = inside_of(names, found);
    }
    Py_XDECREF(inside);
    return found;
}

static uintptr_t
tag_of_wrapper(const PyTypeObject *type)
{
    if (is_partial(type)) {
        return OF_PARTIAL;
    }
    if (is_cache(type)) {
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
    if (is_method_wrapper(names, callee)) {
        return fpy_wrapped_slot(callee);
    }
    if (!is_function_type(names, Py_TYPE(callee))) {
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
    callee = function_of(callee);
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
    PyObject *inside = inside_of(names, layer);
    PyObject *name;

    for (int n = 0; inside != NULL && n < MOST_LAYERS && !has_qualname(layer); n++) {
        Py_SETREF(layer, Py_NewRef(function_of(inside)));
        Py_DECREF(inside);
        inside = inside_of(names, layer);
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
    if (is_partial(type)) {
        return PyUnicode_FromString("functools.partial");
    }
    return is_cache(type) ? PyUnicode_FromString("functools.lru_cache")
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
    const bool function = is_function_type(names, Py_TYPE(callee));
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

static PyObject *
label_of(const fpy_names *names, PyObject *callee)
{
    PyObject *inside;

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
    if (PyType_Check(callee)) {
        return label_of_type(callee);
    }
    inside = inside_of(names, callee);
    Py_XDECREF(inside);
    return inside != NULL ? label_of_wrapper(names, callee)
                          : label_of_instance(names, callee);
}

/* What keeps the key of a callee in place that is no code object; as keeper_of. */
static PyObject *
holder_of(const fpy_names *names, PyObject *callee)
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
    /* Before it is named: that may run Python code, which may change what is inside, or
     * may have named this very key. */
    PyObject *held = holder_of(callables->names, callee);
    PyObject *label = label_of(callables->names, callee);
    const fpy_callable *callable = find(callables, key);
    PyObject *module;

    if (label == NULL || callable != NULL) {
        Py_XDECREF(held);
        Py_XDECREF(label);
        return callable;
    }
    module = module_of(callee);
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
    callee = function_of(callee);
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
