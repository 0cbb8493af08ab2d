/* bound.h -- `max_overhead`: what all events cost is kept below a share of the program's
 * time, which is what passes without that cost.
 *
 * What an event costs is known from calibration, and taken off a credit. When that is
 * used up, or the garbage collector has run, it is looked what has been spent since the
 * profiler was enabled, and what may have been:
 *
 *      too much, while all is on   units are folded (engine/folding.h) until the rest
 *                                  will cost a part of the share
 *      more than was foreseen      other functions run now: as above
 *      so much less that it would  all are let back in, for as long as that lasts
 *      pay for learning
 *
 * The surveys are spent, too.
 *
 * Where so much is off that events come too seldom for this, a thread looks: the
 * heartbeat. No sooner, for in a process that ever had a second thread malloc takes
 * locks (docs/measurements.md).
 */
#ifndef FPY_BOUND_H
#define FPY_BOUND_H

#include "session.h"

/* The session is enabled: what events cost is known by now, if it ever is. */
void fpy_bound_begin(fpy_session *session);

/* It is not alone any more, or about to be disabled: nothing is off. */
void fpy_bound_reset(fpy_session *session);

/* Brings up to date what `fp_folding_unseen_share` tells. */
void fpy_bound_survey(fpy_session *session, fp_ticks now);

/* What was recorded is forgotten. */
void fpy_bound_forget(fpy_session *session);

/* More has been spent than was granted: folds, lets back in, and grants anew. The
 * session is held. */
void fpy_bound_look(fpy_session *session);

/* If events have let it wait. */
void fpy_bound_look_if_due(fpy_session *session);

#endif
