#include "focus.h"

#include "../engine/alloc.h"

static fpy_verdict *
find(const fpy_focus *focus, const PyCodeObject *code)
{
    fpy_verdict *found;

    HASH_FIND(hh, focus->verdicts, &code, sizeof code, found);
    return found;
}

/* What the predicate says; true if it says nothing. */
static bool
ask(const fpy_focus *focus, PyCodeObject *code)
{
    PyObject *predicate = Py_NewRef(focus->predicate);
    PyObject *globals = PyEval_GetGlobals(); /* borrowed, as the next */
    PyObject *module =
        globals != NULL ? PyDict_GetItemString(globals, "__name__") : NULL;
    PyObject *answer = PyObject_CallFunctionObjArgs(
        predicate, module != NULL ? module : Py_None, (PyObject *)code, NULL);
    int verdict = answer != NULL ? PyObject_IsTrue(answer) : -1;

    if (verdict < 0) {
        PyErr_WriteUnraisable(predicate);
        verdict = 1;
    }
    Py_XDECREF(answer);
    Py_DECREF(predicate);
    return verdict != 0;
}

static void
keep(fpy_focus *focus, PyCodeObject *code, bool is_inside)
{
    fpy_verdict *fresh = fp_alloc(sizeof *fresh);

    if (fresh == NULL) {
        return; /* it is asked again */
    }
    *fresh = (fpy_verdict){.code = code, .is_inside = is_inside};
    HASH_ADD(hh, focus->verdicts, code, sizeof fresh->code, fresh);
    if (fresh->hh.tbl == NULL) {
        fp_free(fresh);
        return;
    }
    Py_INCREF(code);
}

bool
fpy_focus_has(fpy_focus *focus, PyCodeObject *code)
{
    PyObject *type, *value, *traceback;
    const fpy_verdict *verdict;
    bool is_inside;

    if (focus->predicate == NULL) {
        return true;
    }
    verdict = find(focus, code);
    if (verdict != NULL) {
        return verdict->is_inside;
    }
    PyErr_Fetch(&type, &value, &traceback);
    is_inside = ask(focus, code);
    PyErr_Restore(type, value, traceback);
    if (find(focus, code) == NULL) { /* else another thread asked meanwhile */
        keep(focus, code, is_inside);
    }
    return is_inside;
}

bool
fpy_focus_excludes(const fpy_focus *focus, const PyCodeObject *code)
{
    const fpy_verdict *verdict = focus->predicate != NULL ? find(focus, code) : NULL;

    return verdict != NULL && !verdict->is_inside;
}

int
fpy_focus_traverse(const fpy_focus *focus, visitproc visit, void *arg)
{
    Py_VISIT(focus->predicate);
    for (const fpy_verdict *v = focus->verdicts; v != NULL; v = v->hh.next) {
        Py_VISIT(v->code);
    }
    return 0;
}

void
fpy_focus_clear(fpy_focus *focus)
{
    fpy_verdict *verdicts = focus->verdicts, *one, *next;

    focus->verdicts = NULL;
    Py_CLEAR(focus->predicate);
    HASH_ITER(hh, verdicts, one, next) {
        HASH_DEL(verdicts, one);
        Py_DECREF(one->code);
        fp_free(one);
    }
}
