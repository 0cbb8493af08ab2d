/* tool.c -- see tool.h. */
#include "tool.h"

#ifdef FPY_HAVE_MONITORING

#include "state.h"

#include <stdarg.h>

/* Kinds up to this one are of Python functions. */
#define LAST_PYTHON_EVENT FPY_ON_UNWIND
#define NOT_INSTALLED (-1)
#define TOOL_IDS 6

/* Their names in sys.monitoring.events. */
static const char *const event_names[FPY_EVENT_KINDS] = {
    [FPY_ON_START] = "PY_START",
    [FPY_ON_RESUME] = "PY_RESUME",
    [FPY_ON_THROW] = "PY_THROW",
    [FPY_ON_RETURN] = "PY_RETURN",
    [FPY_ON_YIELD] = "PY_YIELD",
    [FPY_ON_UNWIND] = "PY_UNWIND",
    [FPY_ON_CALL] = "CALL",
    [FPY_ON_C_RETURN] = "C_RETURN",
    [FPY_ON_C_RAISE] = "C_RAISE",
};

/* Tool numbers that a profiler may take, in the order of trying. */
static const int numbers_to_try[] = {2, 3, 4};
static const char tool_name[] = "fastprof";

/* Calls one of its functions; NULL with an exception. */
static PyObject *
ask(const fpy_tool *tool, const char *function, const char *format, ...)
{
    PyObject *callable = PyObject_GetAttrString(tool->functions, function);
    PyObject *args, *answer = NULL;
    va_list values;

    va_start(values, format);
    args = Py_VaBuildValue(format, values);
    va_end(values);
    if (callable != NULL && args != NULL) {
        answer = PyObject_Call(callable, args, NULL);
    }
    Py_XDECREF(callable);
    Py_XDECREF(args);
    return answer;
}

/* The same where the answer tells nothing; -1 with an exception. */
static int
tell(PyObject *answer)
{
    Py_XDECREF(answer);
    return answer != NULL ? 0 : -1;
}

static bool
is_ours(const fpy_tool *tool)
{
    PyObject *name = ask(tool, "get_tool", "(i)", tool->number);
    const bool ours = name != NULL && PyUnicode_Check(name) &&
                      PyUnicode_CompareWithASCIIString(name, tool_name) == 0;

    Py_XDECREF(name);
    PyErr_Clear();
    return ours;
}

bool
fpy_tool_is_alone(const fpy_tool *tool)
{
    bool alone = true;

    for (int number = 0; alone && number < TOOL_IDS; number++) {
        PyObject *name = ask(tool, "get_tool", "(i)", number);
        alone = name == Py_None;
        Py_XDECREF(name);
    }
    PyErr_Clear();
    return alone;
}

/* The events of our number as the interpreter has them, without C_RETURN and C_RAISE,
 * which come with CALL. */
static long
present_events(const fpy_tool *tool)
{
    PyObject *answer = ask(tool, "get_events", "(i)", tool->number);
    const long events = answer != NULL ? PyLong_AsLong(answer) : 0;

    Py_XDECREF(answer);
    PyErr_Clear();
    return events;
}

static long
told(const fpy_tool *tool, long events)
{
    return events & ~(tool->numbers[FPY_ON_C_RETURN] | tool->numbers[FPY_ON_C_RAISE]);
}

/* Takes the first number that nobody has; -1 with an exception when there is none. */
static int
take_number(fpy_tool *tool)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(numbers_to_try); i++) {
        PyObject *answer =
            ask(tool, "use_tool_id", "(is)", numbers_to_try[i], tool_name);
        if (answer != NULL) {
            Py_DECREF(answer);
            tool->number = numbers_to_try[i];
            return 0;
        }
        if (!PyErr_ExceptionMatches(PyExc_ValueError)) {
            return -1;
        }
        PyErr_Clear();
    }
    fpy_raise("ProfilerConflictError",
              "another profiler is active: the tool ids 2, 3 and 4 of sys.monitoring "
              "are all taken (see sys.monitoring.get_tool()); end one of these tools, "
              "or use backend=\"setprofile\"");
    return -1;
}

int
fpy_tool_ask_for_events(fpy_tool *tool, bool python, bool c_calls)
{
    long others, events = 0;

    for (int kind = 0; kind < FPY_EVENT_KINDS; kind++) {
        if (kind <= LAST_PYTHON_EVENT ? python : c_calls) {
            events |= tool->numbers[kind];
        }
    }
    if (events == tool->events) {
        return 0;
    }
    others = present_events(tool) & ~tool->events;
    tool->events = events;
    if (tell(ask(tool, "set_events", "(il)", tool->number, events | others)) < 0) {
        return -1;
    }
    /* An earlier owner of our number may have switched events off, place by place, and
     * that would hold for us too. */
    return events != 0 ? fpy_tool_restart(tool) : 0;
}

int
fpy_tool_restart(fpy_tool *tool)
{
    tool->has_disabled = false;
    return tell(ask(tool, "restart_events", "()"));
}

static int
register_callbacks(fpy_tool *tool)
{
    for (int kind = 0; kind < FPY_EVENT_KINDS; kind++) {
        if (tell(ask(tool,
                     "register_callback",
                     "(ilO)",
                     tool->number,
                     tool->numbers[kind],
                     tool->callbacks[kind])) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Takes our callbacks away. Answers for which events there was another one, which
 * stays; `*all` becomes false if one of ours was not there. */
static long
unregister_callbacks(fpy_tool *tool, bool *all)
{
    long others = 0;

    for (int kind = 0; kind < FPY_EVENT_KINDS; kind++) {
        const long number = tool->numbers[kind];
        PyObject *found =
            ask(tool, "register_callback", "(ilO)", tool->number, number, Py_None);
        if (found != NULL && found != tool->callbacks[kind]) {
            *all = false;
            if (found != Py_None) {
                others |= number;
                tell(ask(
                    tool, "register_callback", "(ilO)", tool->number, number, found));
            }
        }
        PyErr_Clear();
        Py_XDECREF(found);
    }
    return others;
}

/* Another tool may share our number (line_profiler does, when it comes second): it
 * keeps its events, and the number. */
bool
fpy_tool_uninstall(fpy_tool *tool)
{
    bool intact = fpy_tool_is_intact(tool);

    /* What is switched off would be so for the next owner of the number, too. */
    if (tool->has_disabled && fpy_tool_restart(tool) < 0) {
        PyErr_Clear();
    }
    if (is_ours(tool)) {
        const long others = unregister_callbacks(tool, &intact);
        const long rest = present_events(tool) & (~tool->events | others);
        if (tell(ask(tool, "set_events", "(il)", tool->number, rest)) < 0 ||
            (rest == 0 && tell(ask(tool, "free_tool_id", "(i)", tool->number)) < 0)) {
            PyErr_Clear();
        }
    }
    tool->number = NOT_INSTALLED;
    tool->events = 0;
    return intact;
}

bool
fpy_tool_is_installed(const fpy_tool *tool)
{
    return tool->number != NOT_INSTALLED;
}

/* Registering a callback runs audit hooks, and these may enable and disable other
 * profilers: the first that comes installs for all. */
int
fpy_tool_install(fpy_tool *tool)
{
    if (fpy_tool_is_installed(tool)) {
        return 0;
    }
    return take_number(tool) < 0 ? -1 : register_callbacks(tool);
}

bool
fpy_tool_is_intact(const fpy_tool *tool)
{
    return is_ours(tool) && present_events(tool) == told(tool, tool->events);
}

int
fpy_tool_init(fpy_tool *tool)
{
    PyObject *functions = PySys_GetObject("monitoring");
    PyObject *events;

    *tool = (fpy_tool){.number = NOT_INSTALLED};
    if (functions == NULL) {
        PyErr_SetString(PyExc_ImportError, "there is no sys.monitoring");
        return -1;
    }
    tool->functions = Py_NewRef(functions);
    events = PyObject_GetAttrString(functions, "events");
    for (int kind = 0; events != NULL && kind < FPY_EVENT_KINDS; kind++) {
        PyObject *number = PyObject_GetAttrString(events, event_names[kind]);
        tool->numbers[kind] = number != NULL ? PyLong_AsLong(number) : -1;
        Py_XDECREF(number);
    }
    Py_XDECREF(events);
    tool->missing = PyObject_GetAttrString(functions, "MISSING");
    tool->disable = PyObject_GetAttrString(functions, "DISABLE");
    return PyErr_Occurred() ? -1 : 0;
}

void
fpy_tool_free(fpy_tool *tool)
{
    Py_CLEAR(tool->functions);
    Py_CLEAR(tool->missing);
    Py_CLEAR(tool->disable);
}

#endif
