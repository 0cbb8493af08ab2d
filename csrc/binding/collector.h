/* collector.h -- the garbage collector's runs, as calls: otherwise their time would be
 * that of whatever function was running.
 *
 * While a profiler records there is a function of ours in `gc.callbacks`, which the
 * collector calls when it begins and when it ends. The call tree then has a node below
 * the function that was running, which is folded (FP_FOLDED). Sessions with a timer of
 * their own have none: it is not to be asked more often than calls are.
 *
 * Ownership  the module's state keeps the list and the function.
 * Threads    the interpreter's lock protects everything here.
 */
#ifndef FPY_COLLECTOR_H
#define FPY_COLLECTOR_H

#include "state.h"

/* Finds the list. -1 with an exception. */
int fpy_collector_init(fpy_state *state, PyObject *module);

/* Our function is in the list afterwards. -1 with an exception. */
int fpy_collector_watch(fpy_state *state);

/* It is not. Leaves the current exception alone. */
void fpy_collector_ignore(fpy_state *state);

#endif
