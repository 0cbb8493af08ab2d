/* callsite.h -- what a place in a code object calls. */
#ifndef FPY_CALLSITE_H
#define FPY_CALLSITE_H

#include "compat.h"

/* The name by which the callable of a CALL is loaded: `append` in `a.b.append(x)`,
 * `len` in `len(x)`. Borrowed from the code object; NULL where it is loaded by none
 * that is one of the module's or an object's (a local variable's, say, means nothing),
 * or where that cannot be told. `offset` is the instruction's, in bytes, as
 * sys.monitoring has it; before Python 3.12 nothing is known. */
PyObject *fpy_loaded_name(PyCodeObject *code, int offset);

#endif
