/* profiler.h -- the Profiler type. */
#ifndef FPY_PROFILER_H
#define FPY_PROFILER_H

#include "compat.h"
#include "state.h"

extern PyType_Spec fpy_profiler_spec;

/* In a forked child: all sessions stop, and their profilers are not enabled. */
void fpy_stop_all(fpy_state *state);

#endif
