/* empty_hook.c -- the cheapest callbacks that the interpreter can be given.
 *
 * What a program costs under them is what the interpreter alone takes for telling about
 * every call, the floor of any profiler that is built on the same event source:
 * install() is for PyEval_SetProfile, install_monitoring() for sys.monitoring (3.12+).
 * With a clock, one reading of the time stamp counter per event is added, without which
 * there is no profile.
 */
#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if PY_VERSION_HEX >= 0x030C0000
#include <structmember.h>
#define HAVE_MONITORING 1
#endif

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#define HAVE_TIME_STAMP_COUNTER 1
#endif

static int
on_event(PyObject *Py_UNUSED(arg), PyFrameObject *Py_UNUSED(frame), int Py_UNUSED(what),
         PyObject *Py_UNUSED(event_arg))
{
    return 0;
}

static PyObject *
install(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    /* The module is the argument, so that sys.getprofile() tells who is there. */
    PyEval_SetProfile(on_event, module);
    Py_RETURN_NONE;
}

#ifdef HAVE_TIME_STAMP_COUNTER
/* Kept and handed out by ticks(), so that the compiler cannot drop the reading. */
static uint64_t sum_of_ticks;

static int
on_event_clock(PyObject *Py_UNUSED(arg), PyFrameObject *Py_UNUSED(frame),
               int Py_UNUSED(what), PyObject *Py_UNUSED(event_arg))
{
    sum_of_ticks += __rdtsc();
    return 0;
}

static PyObject *
install_clock(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    PyEval_SetProfile(on_event_clock, module);
    Py_RETURN_NONE;
}

static PyObject *
ticks(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromUnsignedLongLong(sum_of_ticks);
}
#endif

static PyObject *
uninstall(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyEval_SetProfile(NULL, NULL);
    Py_RETURN_NONE;
}

#ifdef HAVE_MONITORING
/* What sys.monitoring calls: an object that holds nothing but its C function, which
 * the interpreter reaches by vectorcall, without a tuple or a check of arguments. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
} callback;

typedef struct {
    PyTypeObject *callback_type; /* owned */
    int tool_id;                 /* NO_TOOL when not installed */
} hook_state;

enum { NO_TOOL = -1, FIRST_TOOL = 2, LAST_TOOL = 4, PYTHON_EVENTS = 6, ALL_EVENTS = 9 };

static const char *const event_names[ALL_EVENTS] = {
    "PY_START",
    "PY_RESUME",
    "PY_THROW",
    "PY_RETURN",
    "PY_YIELD",
    "PY_UNWIND",
    "CALL",
    "C_RETURN",
    "C_RAISE",
};

/* None is immortal wherever there is sys.monitoring: no reference is counted. */
static PyObject *
return_none(PyObject *Py_UNUSED(self), PyObject *const *Py_UNUSED(args),
            size_t Py_UNUSED(nargsf), PyObject *Py_UNUSED(names))
{
    return Py_None;
}

#ifdef HAVE_TIME_STAMP_COUNTER
static PyObject *
return_none_clock(PyObject *Py_UNUSED(self), PyObject *const *Py_UNUSED(args),
                  size_t Py_UNUSED(nargsf), PyObject *Py_UNUSED(names))
{
    sum_of_ticks += __rdtsc();
    return Py_None;
}
#endif

static void
callback_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef callback_members[] = {
    {"__vectorcalloffset__",
     T_PYSSIZET,
     offsetof(callback, vectorcall),
     READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot callback_slots[] = {
    {Py_tp_dealloc, callback_dealloc},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, callback_members},
    {0, NULL},
};

static PyType_Spec callback_spec = {
    .name = "empty_hook.Callback",
    .basicsize = sizeof(callback),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL |
             Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = callback_slots,
};

static PyObject *
new_callback(const hook_state *state, vectorcallfunc function)
{
    callback *self = PyObject_New(callback, state->callback_type);

    if (self != NULL) {
        self->vectorcall = function;
    }
    return (PyObject *)self;
}

/* sys.monitoring, borrowed. */
static PyObject *
monitoring(void)
{
    PyObject *namespace = PySys_GetObject("monitoring");

    if (namespace == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "there is no sys.monitoring");
    }
    return namespace;
}

/* The bit of an event, from sys.monitoring.events: 3.12 has no public header for it. */
static int
event_bit(const char *name)
{
    PyObject *namespace = monitoring();
    PyObject *events, *value;
    long bit = -1;

    if (namespace == NULL ||
        (events = PyObject_GetAttrString(namespace, "events")) == NULL) {
        return -1;
    }
    value = PyObject_GetAttrString(events, name);
    Py_DECREF(events);
    if (value != NULL) {
        bit = PyLong_AsLong(value);
        Py_DECREF(value);
    }
    return (int)bit;
}

/* Drops the result of a call; false when there is none. */
static bool
succeeded(PyObject *result)
{
    Py_XDECREF(result);
    return result != NULL;
}

static bool
set_events(int tool_id, int events)
{
    PyObject *namespace = monitoring();

    return namespace != NULL && succeeded(PyObject_CallMethod(
                                    namespace, "set_events", "ii", tool_id, events));
}

static bool
free_tool(int tool_id)
{
    PyObject *namespace = monitoring();

    return namespace != NULL &&
           succeeded(PyObject_CallMethod(namespace, "free_tool_id", "i", tool_id));
}

/* Registers a callback, or with None removes it. */
static bool
register_callback(int tool_id, int event, PyObject *function)
{
    PyObject *namespace = monitoring();

    return namespace != NULL &&
           succeeded(PyObject_CallMethod(
               namespace, "register_callback", "iiO", tool_id, event, function));
}

/* Takes the first tool id that is free; NO_TOOL with an exception when none is. */
static int
take_tool(void)
{
    PyObject *namespace = monitoring();
    PyObject *holder;
    bool is_free;

    for (int id = FIRST_TOOL; namespace != NULL && id <= LAST_TOOL; id++) {
        if ((holder = PyObject_CallMethod(namespace, "get_tool", "i", id)) == NULL) {
            return NO_TOOL;
        }
        is_free = Py_IsNone(holder);
        Py_DECREF(holder);
        if (is_free) {
            return succeeded(PyObject_CallMethod(
                       namespace, "use_tool_id", "is", id, "empty_hook"))
                       ? id
                       : NO_TOOL;
        }
    }
    if (namespace != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "no tool id is free");
    }
    return NO_TOOL;
}

/* One callback for each of the first `count` events; their bits, or -1. */
static int
register_all(const hook_state *state, int count, vectorcallfunc function)
{
    int events = 0;

    for (int i = 0; i < count; i++) {
        const int event = event_bit(event_names[i]);
        PyObject *object = event < 0 ? NULL : new_callback(state, function);
        const bool is_registered =
            object != NULL && register_callback(state->tool_id, event, object);

        Py_XDECREF(object);
        if (!is_registered) {
            return -1;
        }
        events |= event;
    }
    return events;
}

/* Gives everything back; false with an exception when something could not be. */
static bool
give_back(hook_state *state)
{
    const int tool_id = state->tool_id;
    bool is_done = set_events(tool_id, 0);

    for (int i = 0; is_done && i < ALL_EVENTS; i++) {
        const int event = event_bit(event_names[i]);
        is_done = event >= 0 && register_callback(tool_id, event, Py_None);
    }
    state->tool_id = NO_TOOL;
    return is_done && free_tool(tool_id);
}

/* What a failed install had done is undone; the exception is the first one. */
static void
undo_install(hook_state *state)
{
    PyObject *first = PyErr_GetRaisedException();

    if (!give_back(state)) {
        PyErr_Clear();
    }
    PyErr_SetRaisedException(first);
}

static PyObject *
install_monitoring(PyObject *module, PyObject *args)
{
    hook_state *state = PyModule_GetState(module);
    vectorcallfunc function = return_none;
    int has_clock, has_c_functions, events;

    if (!PyArg_ParseTuple(
            args, "pp:install_monitoring", &has_clock, &has_c_functions)) {
        return NULL;
    }
    if (has_clock) {
#ifdef HAVE_TIME_STAMP_COUNTER
        function = return_none_clock;
#else
        PyErr_SetString(PyExc_NotImplementedError, "no time stamp counter");
        return NULL;
#endif
    }
    if (state->tool_id != NO_TOOL) {
        PyErr_SetString(PyExc_RuntimeError, "installed already");
        return NULL;
    }
    if ((state->tool_id = take_tool()) == NO_TOOL) {
        return NULL;
    }
    events =
        register_all(state, has_c_functions ? ALL_EVENTS : PYTHON_EVENTS, function);
    if (events < 0 || !set_events(state->tool_id, events)) {
        undo_install(state);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
uninstall_monitoring(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    hook_state *state = PyModule_GetState(module);

    if (state->tool_id != NO_TOOL && !give_back(state)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static int
module_exec(PyObject *module)
{
    hook_state *state = PyModule_GetState(module);

    state->tool_id = NO_TOOL;
    state->callback_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &callback_spec, NULL);
    return state->callback_type == NULL ? -1 : 0;
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    hook_state *state = PyModule_GetState(module);

    Py_VISIT(state->callback_type);
    return 0;
}

static int
module_clear(PyObject *module)
{
    hook_state *state = PyModule_GetState(module);

    Py_CLEAR(state->callback_type);
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};
#endif

static PyMethodDef methods[] = {
    {"install", install, METH_NOARGS, "Call an empty function at every event."},
    {"uninstall", uninstall, METH_NOARGS, "Stop calling it."},
#ifdef HAVE_MONITORING
    {"install_monitoring",
     install_monitoring,
     METH_VARARGS,
     "install_monitoring(clock, c_functions): The same by sys.monitoring."},
    {"uninstall_monitoring",
     uninstall_monitoring,
     METH_NOARGS,
     "Give the callbacks, the events and the tool id back."},
#endif
#ifdef HAVE_TIME_STAMP_COUNTER
    {"install_clock",
     install_clock,
     METH_NOARGS,
     "Read the time stamp counter at every event."},
    {"ticks", ticks, METH_NOARGS, "The sum of what was read, modulo 2**64."},
#endif
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "empty_hook",
    .m_doc = "Profile callbacks that do nothing.",
    .m_methods = methods,
#ifdef HAVE_MONITORING
    .m_size = sizeof(hook_state),
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
#endif
};

PyMODINIT_FUNC
PyInit_empty_hook(void)
{
    return PyModuleDef_Init(&definition);
}
