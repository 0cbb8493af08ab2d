#include "thrift.h"

#include "callsite.h"
#include "key.h"

#include "../engine/alloc.h"

#include <string.h>

#define SITES 8192U
#define WAYS 4U           /* where one place can be kept */
#define CALLS_OF_OTHER 8U /* until a place that calls a Python function is off */
#define CALLS_OF_C 16U    /* until one that calls a C function may be; a power of two */
#define NEVER UINT32_MAX  /* so often has one called that stays on */

struct fpy_cheap {
    fp_key key;
    UT_hash_handle hh;
};

/* ---- making ---- */

static fp_key
key_of_callable(PyObject *callable)
{
    if (PyCFunction_Check(callable)) {
        return fpy_c_function_key(callable);
    }
    return Py_IS_TYPE(callable, &PyMethodDescr_Type)
               ? ((PyMethodDescrObject *)callable)->d_method
               : NULL;
}

static bool
is_cheap(const fpy_thrift *thrift, fp_key key)
{
    fpy_cheap *found;

    HASH_FIND(hh, thrift->cheap, &key, sizeof key, found);
    return found != NULL;
}

static int
add_cheap(fpy_thrift *thrift, fp_key key)
{
    fpy_cheap *one;

    if (key == NULL || is_cheap(thrift, key)) {
        return 0;
    }
    one = fp_alloc(sizeof *one);
    if (one != NULL) {
        one->key = key;
        HASH_ADD(hh, thrift->cheap, key, sizeof one->key, one);
        if (one->hh.tbl != NULL) {
            return 0;
        }
        fp_free(one);
    }
    PyErr_NoMemory();
    return -1;
}

int
fpy_thrift_prepare(fpy_thrift *thrift, PyObject *cheap)
{
    if (thrift->names == NULL && (thrift->names = PySet_New(NULL)) == NULL) {
        return -1;
    }
    if (thrift->sites == NULL) {
        thrift->sites = fp_alloc(SITES * sizeof *thrift->sites);
        if (thrift->sites == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memset(thrift->sites, 0, SITES * sizeof *thrift->sites);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(cheap); i++) {
        if (add_cheap(thrift, key_of_callable(PyTuple_GET_ITEM(cheap, i))) < 0) {
            return -1;
        }
    }
    Py_XSETREF(thrift->held, Py_NewRef(cheap));
    return 0;
}

/* ---- places ---- */

/* What is known of it; else the one of those in its way that has called least. */
static fpy_site *
site_of(const fpy_thrift *thrift, const PyCodeObject *code, int offset)
{
    const uint64_t hash = fp_mix(fp_mix(0, (uintptr_t)code), (uint64_t)offset);
    fpy_site *ways = &thrift->sites[hash % (SITES / WAYS) * WAYS];
    fpy_site *least = ways;

    for (unsigned i = 0; i < WAYS; i++) {
        if (ways[i].code == code && ways[i].offset == offset) {
            return &ways[i];
        }
        if (ways[i].times < least->times) {
            least = &ways[i];
        }
    }
    return least;
}

/* How often in a row this place has called this callable, now too; 0: it stays on,
 * whatever it calls. */
static unsigned
times_in_a_row(fpy_site *site, const PyCodeObject *code, int offset, const void *callee)
{
    if (site->code != code || site->offset != offset) {
        *site = (fpy_site){code, offset, 0, callee};
    }
    if (site->times == NEVER) {
        return 0;
    }
    if (site->callee != callee) {
        site->callee = callee;
        site->times = 0;
    }
    if (site->times < NEVER - 1) {
        site->times++;
    }
    return site->times;
}

/* The name that a callable has itself; NULL: it has none, or that is not known. */
static const char *
own_name(PyObject *callable)
{
    const char *name, *dot;

    if (PyMethod_Check(callable)) {
        callable = PyMethod_GET_FUNCTION(callable);
    }
    if (PyFunction_Check(callable)) {
        name = PyUnicode_AsUTF8(((PyFunctionObject *)callable)->func_name);
        PyErr_Clear();
        return name;
    }
    if (PyType_Check(callable)) {
        name = ((PyTypeObject *)callable)->tp_name;
        dot = strrchr(name, '.');
        return dot != NULL ? dot + 1 : name;
    }
    if (PyCFunction_Check(callable)) {
        return ((PyCFunctionObject *)callable)->m_ml->ml_name;
    }
    return Py_IS_TYPE(callable, &PyMethodDescr_Type)
               ? ((PyMethodDescrObject *)callable)->d_method->ml_name
               : NULL;
}

/* By which name a place loads its callable, if that is the callable's own: else other
 * callables will come there, whatever their names are. NULL: it is not. */
static PyObject *
fitting_name(PyObject *const *args)
{
    PyObject *type, *value, *traceback;
    PyObject *name =
        fpy_loaded_name((PyCodeObject *)args[0], (int)PyLong_AsLong(args[1]));
    const char *own;

    PyErr_Fetch(&type, &value, &traceback);
    own = name != NULL ? own_name(args[2]) : NULL;
    PyErr_Restore(type, value, traceback);
    return own != NULL && PyUnicode_CompareWithASCIIString(name, own) == 0 ? name
                                                                           : NULL;
}

void
fpy_thrift_drop(fpy_thrift *thrift, PyObject *const *args)
{
    PyObject *type, *value, *traceback;
    PyObject *name = fitting_name(args);

    thrift->has_place_off = true;
    PyErr_Fetch(&type, &value, &traceback);
    if (name == NULL || PySet_Add(thrift->names, name) < 0) {
        thrift->is_unsure = true;
    }
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

bool
fpy_thrift_drops_other(fpy_thrift *thrift, PyObject *const *args)
{
    const PyCodeObject *code = (PyCodeObject *)args[0];
    const int at = (int)PyLong_AsLong(args[1]);
    fpy_site *site = site_of(thrift, code, at);

    if (times_in_a_row(site, code, at, args[2]) < CALLS_OF_OTHER) {
        return false;
    }
    if (thrift->share == 0.0 && fitting_name(args) == NULL) {
        site->times = NEVER;
        return false;
    }
    fpy_thrift_drop(thrift, args);
    return true;
}

bool
fpy_thrift_drops_call(fpy_thrift *thrift, PyObject *const *args, const fp_node *node)
{
    const PyCodeObject *code = (PyCodeObject *)args[0];
    const int at = (int)PyLong_AsLong(args[1]);
    fpy_site *site = site_of(thrift, code, at);
    const unsigned times = times_in_a_row(site, code, at, node->edge.key);

    if (times < CALLS_OF_C || times % CALLS_OF_C != 0 || node->calls == 0) {
        return false;
    }
    if (!is_cheap(thrift, node->edge.key) || fitting_name(args) == NULL) {
        site->times = NEVER;
        return false;
    }
    if (node->inclusive_ticks / node->calls >= thrift->dear) {
        return false;
    }
    fpy_thrift_drop(thrift, args);
    *site = (fpy_site){0}; /* others need the entry */
    return true;
}

/* ---- what is off ---- */

bool
fpy_thrift_has_folded(const fpy_thrift *thrift, const PyCodeObject *code)
{
    return thrift->has_folded && fp_folding_has_function(&thrift->folding, code);
}

bool
fpy_thrift_has_folded_call(const fpy_thrift *thrift, const PyCodeObject *code,
                           fp_key key)
{
    return thrift->has_folded && fp_folding_has_call(&thrift->folding, code, key);
}

fp_precision
fpy_thrift_precision(const fpy_thrift *thrift, fp_key key, bool is_python)
{
    const fp_folded *folded = fp_folding_find(&thrift->folding, key);
    PyObject *name;
    bool has_name;

    if (folded != NULL && folded->was_off) {
        return FP_ESTIMATE;
    }
    if (is_python || !thrift->has_place_off) {
        return FP_EXACT;
    }
    if (thrift->is_unsure) {
        return FP_LOWER_BOUND;
    }
    name = PyUnicode_FromString(((const PyMethodDef *)key)->ml_name);
    has_name = name == NULL || PySet_Contains(thrift->names, name) != 0;
    Py_XDECREF(name);
    PyErr_Clear();
    return has_name ? FP_LOWER_BOUND : FP_EXACT;
}

/* ---- life ---- */

int
fpy_thrift_traverse(const fpy_thrift *thrift, visitproc visit, void *arg)
{
    Py_VISIT(thrift->held);
    Py_VISIT(thrift->names);
    return 0;
}

void
fpy_thrift_forget(fpy_thrift *thrift)
{
    fp_folding_free(&thrift->folding);
    thrift->has_folded = thrift->has_place_off = thrift->is_unsure = false;
    if (thrift->names != NULL) {
        PySet_Clear(thrift->names);
    }
}

void
fpy_thrift_clear(fpy_thrift *thrift)
{
    fpy_cheap *one, *next;

    HASH_ITER(hh, thrift->cheap, one, next) {
        HASH_DEL(thrift->cheap, one);
        fp_free(one);
    }
    fp_folding_free(&thrift->folding);
    fp_free(thrift->sites);
    thrift->sites = NULL;
    Py_CLEAR(thrift->held);
    Py_CLEAR(thrift->names);
}
