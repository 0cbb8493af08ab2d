/* monitor.c -- see monitor.h. */
#include "monitor.h"

#include "hook.h"

#include "../engine/alloc.h"

#ifdef FPY_HAVE_MONITORING

/* ---- the thread whose event was the last one ---- */

void
fpy_monitor_forget_last_thread(fpy_monitor *monitor)
{
    monitor->fast_thread = monitor->c_thread = NULL;
    monitor->fast_id = monitor->idle_id = 0;
    monitor->recorder = NULL;
}

void
fpy_monitor_remember_last_thread(fpy_monitor *monitor, const fpy_thread *thread,
                                 const PyThreadState *state)
{
    fpy_recorder *only = thread->only;

    fpy_monitor_forget_last_thread(monitor);
    if (thread->recorders == NULL) {
        monitor->idle_id = thread->id;
    } else if (only != NULL && monitor->has_fast_way) {
        monitor->recorder = only;
        monitor->fast_id = thread->id;
        monitor->fast_thread = state;
        monitor->c_thread = only->builtins != FPY_BUILTINS_NONE ? state : NULL;
    }
}

/* ---- threads ---- */

static fpy_monitored *
find_thread(const fpy_monitor *monitor, uint64_t id)
{
    fpy_monitored *found;

    HASH_FIND(hh, monitor->threads, &id, sizeof id, found);
    return found;
}

static void
forget_thread(fpy_monitor *monitor, fpy_monitored *one)
{
    fpy_thread_end(&one->thread);
    HASH_DEL(monitor->threads, one);
    fp_free(one);
}

void
fpy_monitor_forget_threads(fpy_monitor *monitor)
{
    fpy_monitored *one, *next;

    HASH_ITER(hh, monitor->threads, one, next) {
        HASH_DEL(monitor->threads, one);
        fp_free(one);
    }
}

/* Nobody tells when a thread has ended: so it is found out when a new one is seen. */
static void
forget_dead_threads(fpy_monitor *monitor)
{
    fpy_monitored *one, *next;

    HASH_ITER(hh, monitor->threads, one, next) {
        if (fpy_thread_of_id(one->thread.id) == NULL) {
            forget_thread(monitor, one);
        }
    }
}

bool
fpy_monitor_link(fpy_session *session, fpy_monitored *one)
{
    fpy_recorder *recorder;

    if (fpy_thread_recorder(&one->thread, session) != NULL) {
        return true;
    }
    recorder = fpy_session_recorder(session, one->thread.id, one->thread.ident);
    if (recorder == NULL) {
        return false;
    }
    fpy_thread_link(&one->thread, recorder);
    return true;
}

static fpy_monitored *
add_thread(fpy_monitor *monitor, const PyThreadState *thread)
{
    fpy_monitored *one;

    forget_dead_threads(monitor);
    one = fp_alloc(sizeof *one);
    if (one == NULL) {
        return NULL;
    }
    one->thread = (fpy_thread){.id = thread->id, .ident = thread->thread_id};
    HASH_ADD(hh, monitor->threads, thread.id, sizeof one->thread.id, one);
    if (one->hh.tbl == NULL) {
        fp_free(one);
        return NULL;
    }
    return one;
}

static bool
records_all_threads(const fpy_session *session)
{
    return session->source == &fpy_hook_monitoring && session->all_threads &&
           !session->incomplete;
}

fpy_monitored *
fpy_monitor_thread(fpy_monitor *monitor, const PyThreadState *thread)
{
    fpy_monitored *one = find_thread(monitor, thread->id);

    if (one != NULL) {
        return one;
    }
    one = add_thread(monitor, thread);
    for (fpy_session *s = monitor->state->active, *next; s != NULL; s = next) {
        next = s->next_active;
        if (records_all_threads(s) && !fpy_is_left_out(monitor->state, thread->id) &&
            (one == NULL || !fpy_monitor_link(s, one))) {
            fpy_thread_give_up(s);
        }
    }
    return one;
}

/* ---- life ---- */

int
fpy_monitor_init(fpy_state *state)
{
    fpy_monitor *monitor = fp_alloc(sizeof *monitor);

    if (monitor == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *monitor = (fpy_monitor){.state = state};
    monitor->nobody = (PyThreadState *)monitor;
    monitor->running = &monitor->nobody;
    state->monitor = monitor;
    if (fpy_tool_init(&monitor->tool) < 0) {
        return -1;
    }
    monitor->missing = monitor->tool.missing;
    return 0;
}

bool
fpy_monitor_is_alone(const fpy_state *state)
{
    return fpy_tool_is_alone(&state->monitor->tool);
}

int
fpy_monitor_traverse(fpy_state *state, visitproc visit, void *arg)
{
    const fpy_monitor *monitor = state->monitor;

    for (int kind = 0; monitor != NULL && kind < FPY_EVENT_KINDS; kind++) {
        Py_VISIT(monitor->tool.callbacks[kind]);
    }
    return 0;
}

void
fpy_monitor_clear(fpy_state *state)
{
    fpy_monitor *monitor = state->monitor;

    if (monitor != NULL) {
        fpy_monitor_forget_last_thread(monitor);
        for (int kind = 0; kind < FPY_EVENT_KINDS; kind++) {
            Py_CLEAR(monitor->tool.callbacks[kind]);
        }
    }
}

/* No callback is left: each holds its type, and that the module. */
void
fpy_monitor_free(fpy_state *state)
{
    fpy_monitor *monitor = state->monitor;

    if (monitor != NULL) {
        fpy_monitor_forget_threads(monitor);
        fpy_tool_free(&monitor->tool);
        fp_free(monitor);
        state->monitor = NULL;
    }
}

#else

int
fpy_monitor_init(fpy_state *Py_UNUSED(state))
{
    return 0;
}

bool
fpy_monitor_is_alone(const fpy_state *Py_UNUSED(state))
{
    return true;
}

int
fpy_monitor_traverse(fpy_state *Py_UNUSED(state), visitproc Py_UNUSED(visit),
                     void *Py_UNUSED(arg))
{
    return 0;
}

void
fpy_monitor_clear(fpy_state *Py_UNUSED(state))
{
}

void
fpy_monitor_free(fpy_state *Py_UNUSED(state))
{
}

#endif

void
fpy_monitor_give_up(fpy_session *session)
{
    fpy_thread_give_up(session);
#ifdef FPY_HAVE_MONITORING
    fpy_monitor_forget_last_thread(session->state->monitor);
#endif
}
