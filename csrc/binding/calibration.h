/* calibration.h -- what an event costs, measured here and now.
 *
 * Loops that call nothing, or one kind of callee (fastprof/_probes.py), run without
 * events and then with them, under a recorder of their own:
 *
 *      callee's own time    = what its calls add to a loop without events
 *      inside               = its recorded time less its own
 *      outside              = the loop's recorded own time less that of the empty loop
 *
 * Each is run many times, and a low quantile of the times is taken: whatever disturbs a
 * round makes it longer.
 *
 * Threads    the interpreter's lock is held, but other threads may run in between.
 */
#ifndef FPY_CALIBRATION_H
#define FPY_CALIBRATION_H

#include "session.h"

/* Makes sure that the costs of the session's event source are known, if they can be
 * measured now: no other session records, and nobody else would be told of the loops.
 * Measures them anew where the processor was slower then than it is now. Runs Python
 * code, and so the program's, for 20 ms at most (longer if figures come out that cannot
 * be): afterwards nothing is known of the session but that it lives. -1 with an
 * exception, which is the program's own (a signal handler's, say). */
int fpy_calibrate(const fpy_session *session);

/* The costs of an event source, as measured; NULL: they are not known. */
const fp_costs *fpy_costs_of(const fpy_session *session);

/* What they were while a session recorded: as many times as much as the processor was
 * slower meanwhile. False: it is not known. */
bool fpy_costs_meanwhile(const fpy_session *session, fp_costs *costs);

#endif
