/* tool.h -- our place in sys.monitoring: a number, the callbacks, and the events that
 * are asked for.
 *
 * Ownership  the tool owns its references; the callbacks are the event source's, which
 *            puts them in before the first install.
 * Threads    the interpreter's lock protects everything here. sys.monitoring runs audit
 *            hooks, and they any code.
 */
#ifndef FPY_TOOL_H
#define FPY_TOOL_H

#include "compat.h"

#include <stdbool.h>

#ifdef FPY_HAVE_MONITORING

typedef enum {
    FPY_ON_START,
    FPY_ON_RESUME,
    FPY_ON_THROW,
    FPY_ON_RETURN,
    FPY_ON_YIELD,
    FPY_ON_UNWIND,
    FPY_ON_CALL,
    FPY_ON_C_RETURN,
    FPY_ON_C_RAISE,
    FPY_EVENT_KINDS,
} fpy_event_kind;

typedef struct {
    PyObject *functions; /* sys.monitoring */
    PyObject *missing;   /* its MISSING: there is no first argument */
    PyObject *disable;   /* its DISABLE: the event is switched off at this place */
    bool has_disabled;   /* a callback has answered that, since the last restart */
    PyObject *callbacks[FPY_EVENT_KINDS];
    long numbers[FPY_EVENT_KINDS];
    long events; /* that we have asked for */
    int number;  /* while it is installed */
} fpy_tool;

/* -1 with an exception; the tool can be freed then, too. */
int fpy_tool_init(fpy_tool *tool);
void fpy_tool_free(fpy_tool *tool);

/* Whether no other tool has a number. */
bool fpy_tool_is_alone(const fpy_tool *tool);

bool fpy_tool_is_installed(const fpy_tool *tool);

/* Takes a number, if it has none, and registers the callbacks; -1 with an exception. */
int fpy_tool_install(fpy_tool *tool);

/* Asks for the events of Python functions, and of calls of others; -1 with an
 * exception.
 */
int fpy_tool_ask_for_events(fpy_tool *tool, bool python, bool c_calls);

/* Switches on what has been switched off, for all tools; -1 with an exception. */
int fpy_tool_restart(fpy_tool *tool);

/* Whether the number and the events are still ours. */
bool fpy_tool_is_intact(const fpy_tool *tool);

/* Gives everything back. Answers whether it was as we had left it. */
bool fpy_tool_uninstall(fpy_tool *tool);

#endif
#endif
