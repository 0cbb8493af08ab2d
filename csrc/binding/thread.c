#include "thread.h"

fpy_recorder *
fpy_thread_recorder(const fpy_thread *thread, const fpy_session *session)
{
    fpy_recorder *recorder = thread != NULL ? thread->recorders : NULL;

    while (recorder != NULL && recorder->session != session) {
        recorder = recorder->next_on_thread;
    }
    return recorder;
}

static void
choose_way(fpy_thread *thread)
{
    fpy_recorder *first = thread->recorders;
    const bool fast =
        first != NULL && first->next_on_thread == NULL &&
        first->session->timer == NULL && first->session->wires == NULL &&
        (first->session->has_choosy_way || !fpy_session_is_choosy(first->session)) &&
        fp_clock_is_inline(&first->session->state->clock);

    thread->only = fast ? first : NULL;
}

void
fpy_thread_link(fpy_thread *thread, fpy_recorder *recorder)
{
    recorder->thread = thread;
    recorder->builtins = recorder->session->builtins;
    recorder->last_event = thread->event_count;
    fp_presence_forget(&recorder->presence);
    recorder->next_on_thread = thread->recorders;
    thread->recorders = recorder;
    choose_way(thread);
}

void
fpy_thread_unlink(fpy_recorder *recorder)
{
    fpy_thread *thread = recorder->thread;
    fpy_recorder **link = &thread->recorders;

    while (*link != recorder) {
        link = &(*link)->next_on_thread;
    }
    *link = recorder->next_on_thread;
    recorder->next_on_thread = NULL;
    recorder->thread = NULL;
    choose_way(thread);
}

void
fpy_thread_end(fpy_thread *thread)
{
    while (thread->recorders != NULL) {
        fpy_recorder *recorder = thread->recorders;
        fpy_thread_unlink(recorder);
        fpy_recorder_retire(recorder, fpy_session_now_quietly(recorder->session));
    }
}

void
fpy_thread_unlink_session(fpy_session *session)
{
    for (fpy_recorder *r = session->recorders; r != NULL; r = r->next) {
        r->watched = false;
        if (r->thread != NULL) {
            fpy_thread_unlink(r);
        }
    }
    for (fpy_recorder *r = session->retired; r != NULL; r = r->next) {
        r->watched = false;
    }
}

void
fpy_thread_begin_event(fpy_thread *thread)
{
    thread->event_count++;
}

fpy_recorder *
fpy_thread_next(fpy_thread *thread, const fpy_event *event, fp_ticks clock_now,
                fp_ticks *now)
{
    fpy_recorder *recorder = thread->recorders;

    while (recorder != NULL) {
        fpy_session *session = recorder->session;
        if (recorder->last_event == thread->event_count) {
            recorder = recorder->next_on_thread;
            continue;
        }
        recorder->last_event = thread->event_count;
        *now = clock_now;
        if (recorder->measure != FPY_WALL) {
            *now = fpy_recorder_catch_up(recorder, clock_now);
        }
        if (session->timer == NULL) {
            return recorder;
        }
        if (!fpy_session_in_timer(session) && /* else: the timer's own calls */
            event->is_of_use(event, recorder)) {
            *now = fpy_session_now(session);
            recorder = fpy_thread_recorder(thread, session);
            if (recorder != NULL) {
                return recorder;
            }
        }
        recorder = thread->recorders;
    }
    return NULL;
}

int
fpy_thread_trip(fpy_session *session, PyCodeObject *code, PyObject *phase)
{
    PyObject *type, *value, *traceback;
    PyObject *address, *wire, *answer = NULL;

    if (session->wires == NULL) {
        return 0;
    }
    PyErr_Fetch(&type, &value, &traceback);
    address = PyLong_FromVoidPtr(code);
    wire = address != NULL ? PyDict_GetItemWithError(session->wires, address) : NULL;
    if (wire != NULL) {
        Py_INCREF(wire);
        answer = PyObject_CallOneArg(wire, phase);
        Py_DECREF(wire);
    }
    Py_XDECREF(address);
    Py_XDECREF(answer);
    if (type != NULL || phase == Py_None) {
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
        return 0;
    }
    return PyErr_Occurred() != NULL ? -1 : 0;
}

void
fpy_keep_first_exception(PyObject **type, PyObject **value, PyObject **traceback)
{
    if (*type == NULL) {
        PyErr_Fetch(type, value, traceback);
    } else {
        PyErr_Clear();
    }
}

void
fpy_thread_give_up(fpy_session *session)
{
    session->incomplete = true;
    fpy_thread_unlink_session(session);
    fpy_session_close(session, fpy_session_now_quietly(session));
}
