/* pace.h -- how much longer a code object's instructions take under a profile function.
 *
 * Before 3.12 the interpreter takes a longer way to each instruction while it has a
 * profile function, and on 3.11 it leaves its specialised ones: that is some
 * nanoseconds for each, more for some, whatever the instruction itself takes. So a
 * code's loss is known from its instructions (docs/measurements.md, "The pace of Python
 * code").
 *
 * Units      0.1 ns on the machine where the tables were made; calibration finds out
 *            what that is here.
 */
#ifndef FPY_PACE_H
#define FPY_PACE_H

#include "compat.h"

#include "../engine/correction.h"

/* Of the instructions of a code, once each; all 0 where the pace does not change. It
 * repeats if it has a loop without a `yield`: then only what is lost against what is
 * taken counts, each loop's instructions for more than those around it. If all its
 * loops have a `yield`, a turn is a call (to resume a generator is one), and only their
 * instructions count. */
fp_pace fpy_pace_of(PyCodeObject *code);

/* Of those between the beginning of its first loop and the end of its last one. */
fp_pace fpy_pace_of_loops(PyCodeObject *code);

/* In files: two numbers of 32 bits, the lowest byte first: what is lost, with the
 * highest bit for what repeats, and what is taken. */
#define FPY_PACE_SIZE 8
void fpy_pace_write(unsigned char *at, fp_pace pace);
fp_pace fpy_pace_read(const unsigned char *at);

#endif
