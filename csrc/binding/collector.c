#include "collector.h"

#include "bound.h"
#include "monitor.h"
#include "thread.h"

/* A collection is one open call of its thread: they do not nest. */
#define COLLECTION ((fp_frame)2)

/* ---- events ---- */

static void
begin(fpy_recorder *recorder)
{
    fpy_session *session = recorder->session;
    const fp_ticks now = fpy_session_event_time(session);
    const bool is_known = fp_recorder_enter_known(
        &recorder->engine, &fpy_collection_method, COLLECTION, now);

    /* Without a tree the time is the function's. A new path is one that max_nodes does
     * not count: when the tree is full depends on the program only. */
    if (!is_known && recorder->engine.pairs == NULL) {
        const uint32_t nodes = recorder->engine.tree.count;
        bool is_well;
        session->budget.nodes_left++;
        is_well = fpy_recorder_enter(
            recorder, session->state->collection_callback, COLLECTION, now);
        if (recorder->engine.tree.count == nodes) {
            session->budget.nodes_left--;
        }
        if (!is_well) {
            fpy_monitor_give_up(session);
        }
    }
}

static PyObject *
on_collection(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    fpy_state *state = fpy_state_of_module(module);
    fpy_session *session = fpy_session_held(state->active);
    const bool begins = count > 0 && PyUnicode_Check(args[0]) &&
                        PyUnicode_CompareWithASCIIString(args[0], "start") == 0;

    state->is_collecting = begins;
    while (session != NULL) {
        fpy_recorder *recorder =
            session->timer == NULL ? fpy_session_recorder_here(session) : NULL;
        fpy_session *next;
        if (recorder != NULL && begins) {
            begin(recorder);
        } else if (recorder != NULL) {
            fp_recorder_leave(
                &recorder->engine, COLLECTION, fpy_session_event_time(session), false);
        }
        if (!begins) {
            fpy_bound_look_if_due(session);
        }
        next = fpy_session_held(session->next_active);
        Py_DECREF(session->owner);
        session = next;
    }
    Py_RETURN_NONE;
}

PyMethodDef fpy_collection_method = {
    "on_collection",
    (PyCFunction)(void (*)(void))on_collection,
    METH_FASTCALL,
    "on_collection($module, phase, info, /)\n--\n\n"
    "fastprof is told of the garbage collector's runs.",
};

/* ---- the list ---- */

/* The program's own import of gc is to be recorded as if it were the first: so the
 * module does not stay where it was not. */
int
fpy_collector_init(fpy_state *state, PyObject *module)
{
    PyObject *modules = PyImport_GetModuleDict();
    const bool was_there = PyDict_GetItemString(modules, "gc") != NULL;
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *list = gc != NULL ? PyObject_GetAttrString(gc, "callbacks") : NULL;
    int result = -1;

    state->collection_callback = PyCFunction_New(&fpy_collection_method, module);
    if (list != NULL && state->collection_callback != NULL) {
        state->collection_callbacks = PyList_Check(list) ? Py_NewRef(list) : NULL;
        result = was_there ? 0 : PyDict_DelItemString(modules, "gc");
    }
    Py_XDECREF(list);
    Py_XDECREF(gc);
    return result;
}

/* Our place in the list; -1: none. */
static Py_ssize_t
place_in_list(const fpy_state *state)
{
    PyObject *list = state->collection_callbacks;
    Py_ssize_t i = list != NULL ? PyList_GET_SIZE(list) - 1 : -1;

    while (i >= 0 && PyList_GET_ITEM(list, i) != state->collection_callback) {
        i--;
    }
    return i;
}

int
fpy_collector_watch(fpy_state *state)
{
    if (state->collection_callbacks == NULL || place_in_list(state) >= 0) {
        return 0;
    }
    state->is_collecting = false; /* if so, we do not hear of its end */
    return PyList_Append(state->collection_callbacks, state->collection_callback);
}

void
fpy_collector_ignore(fpy_state *state)
{
    const Py_ssize_t place = place_in_list(state);
    PyObject *type, *value, *traceback;

    /* The collector goes through the list by number: to take something out meanwhile
     * would hide what stands behind it. Then it stays for this time. */
    if (place >= 0 && !state->is_collecting) {
        PyErr_Fetch(&type, &value, &traceback);
        if (PyList_SetSlice(state->collection_callbacks, place, place + 1, NULL) < 0) {
            PyErr_Clear();
        }
        PyErr_Restore(type, value, traceback);
    }
}
