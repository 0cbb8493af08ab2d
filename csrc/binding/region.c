#include "region.h"

#include "monitor.h"
#include "session.h"
#include "thread.h"

/* Where ExitStack, say, enters a region for the program, our own method is a call that
 * is open, and would end the region when it ends. */
static void
leave_own_method(fp_recorder *engine, fp_ticks now)
{
    const fp_frame current = fp_recorder_current(engine);

    if (engine->pairs == NULL && (current & FPY_C_CALL) != 0 &&
        engine->top->node->edge.key == &fpy_region_methods[FPY_REGION_ENTER]) {
        fp_recorder_leave(engine, current, now, false);
    }
}

static void
tell(fpy_session *session, fpy_region *self, bool begins, bool raised)
{
    const fp_ticks now = fpy_session_event_time(session);
    fpy_recorder *recorder = fpy_session_recorder_here(session);

    if (recorder == NULL) { /* a timer may have ended it */
        return;
    }
    if (!begins) {
        fp_recorder_leave(&recorder->engine, (fp_frame)self, now, raised);
        return;
    }
    leave_own_method(&recorder->engine, now);
    if (!fpy_recorder_enter(recorder, (PyObject *)self, (fp_frame)self, now)) {
        fpy_monitor_give_up(session);
    }
}

static void
tell_all(fpy_region *self, bool begins, bool raised)
{
    fpy_session *session = fpy_session_held(fpy_state_of((PyObject *)self)->active);

    while (session != NULL) {
        fpy_session *next;
        if (!fpy_session_in_timer(session) &&
            fpy_session_recorder_here(session) != NULL) {
            tell(session, self, begins, raised);
        }
        next = fpy_session_held(session->next_active);
        Py_DECREF(session->owner);
        session = next;
    }
}

static PyObject *
region_enter(fpy_region *self, PyObject *Py_UNUSED(ignored))
{
    tell_all(self, true, false);
    return Py_NewRef((PyObject *)self);
}

static PyObject *
region_exit(fpy_region *self, PyObject *const *args, Py_ssize_t count)
{
    tell_all(self, false, count > 0 && args[0] != Py_None);
    Py_RETURN_NONE;
}

PyMethodDef fpy_region_methods[] = {
    [FPY_REGION_ENTER] = {"__enter__",
                          (PyCFunction)region_enter,
                          METH_NOARGS,
                          "__enter__($self, /)\n--\n\nThe region begins."},
    {"__exit__",
     (PyCFunction)(void (*)(void))region_exit,
     METH_FASTCALL,
     "__exit__($self, type, value, traceback, /)\n--\n\nIt ends."},
    {NULL, NULL, 0, NULL},
};

static PyObject *
region_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"label", NULL};
    PyObject *label;
    fpy_region *self;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U:measure", names, &label)) {
        return NULL;
    }
    if (PyUnicode_GET_LENGTH(label) == 0) {
        PyErr_SetString(PyExc_ValueError, "a region's label must not be empty");
        return NULL;
    }
    label = PyUnicode_FromObject(label); /* a plain one */
    self = label != NULL ? PyObject_New(fpy_region, type) : NULL;
    if (self == NULL) {
        Py_XDECREF(label);
        return NULL;
    }
    PyUnicode_InternInPlace(&label); /* the same label is the same key */
    self->label = label;
    return (PyObject *)self;
}

static void
region_dealloc(fpy_region *self)
{
    PyTypeObject *type = Py_TYPE(self);

    Py_DECREF(self->label);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyObject *
region_repr(fpy_region *self)
{
    return PyUnicode_FromFormat("fastprof.measure(%R)", self->label);
}

static PyMemberDef region_members[] = {
    {"label", T_OBJECT_EX, offsetof(fpy_region, label), READONLY, "What it is named."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot region_slots[] = {
    {Py_tp_doc,
     "measure(label)\n--\n\n"
     "A part of a function as a call of its own: `with measure(\"parse\"): ...`\n\n"
     "In call trees and in `Stats.functions` it stands under its label, with the kind\n"
     "\"region\"; in pstats its time is that of the function that it stands in. Where\n"
     "nothing records the thread, it does nothing. It ends with the function, if not\n"
     "before, and at a yield. Each `with` statement needs one of its own.\n\n"
     "Raises:\n"
     "    TypeError: The label is no string.\n"
     "    ValueError: It is empty."},
    {Py_tp_new, region_new},
    {Py_tp_dealloc, region_dealloc},
    {Py_tp_repr, region_repr},
    {Py_tp_methods, fpy_region_methods},
    {Py_tp_members, region_members},
    {0, NULL},
};

PyType_Spec fpy_region_spec = {
    .name = "fastprof._fastprof.measure",
    .basicsize = sizeof(fpy_region),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = region_slots,
};
