/* making.h -- what the call of a class costs beyond its events.
 *
 * Where it is told of calls, the interpreter takes longer ways for two kinds of them:
 * an instance whose class has a plain `__init__` of its own (Python 3.13 and newer have
 * an instruction for that), and `super()`, of which it makes an object only then. Both
 * count as so many more asides (see fp_recorder_aside) as calibration has found.
 */
#ifndef FPY_MAKING_H
#define FPY_MAKING_H

#include "session.h"

/* The weight of a CALL of the class args[2] at (code, offset) in args, with which the
 * one of its C_RETURN, 1, is not counted. */
uint32_t fpy_asides_of_class(const fpy_session *session, PyObject *const *args);

#endif
