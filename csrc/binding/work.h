/* work.h -- a piece of work for the interpreter that always takes as long.
 *
 * What engine/slowness.h asks for: look-ups, comparisons and sums of objects of ours,
 * by the interpreter's own functions, since what slows these down slows events down
 * about as much. It runs no code of the program, and keeps no memory.
 *
 * Ownership  the state owns the objects.
 * Threads    the interpreter's lock is held.
 */
#ifndef FPY_WORK_H
#define FPY_WORK_H

#include "state.h"

/* Makes the objects, and tells the state's processor of the work; -1 with an exception.
 */
int fpy_work_init(fpy_state *state);

void fpy_work_clear(fpy_state *state);

#endif
