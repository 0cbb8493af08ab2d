/* making.h -- what the call of a class costs beyond its events.
 *
 * Two events, and where it is told of calls, the interpreter does not take its short
 * way to make an instance. How many asides (see fp_recorder_aside) that is, calibration
 * has found. The interpreter takes yet longer ways for two kinds of them:
 * an instance whose class has a plain `__init__` of its own (Python 3.13 and newer have
 * an instruction for that), and `super()`, of which it makes an object only then. Both
 * count as so many more.
 */
#ifndef FPY_MAKING_H
#define FPY_MAKING_H

#include "session.h"

/* Counts a CALL of the class args[2] at (code, offset) in args, but for its
 * C_RETURN. Looks into the class, whose keys may be the program's objects and compare
 * as they like: afterwards the session may be disabled, or gone. */
void fpy_count_class_call(fpy_recorder *recorder, PyObject *const *args);

#endif
