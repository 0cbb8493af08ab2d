/* callsite.h -- what a place in a code object calls. */
#ifndef FPY_CALLSITE_H
#define FPY_CALLSITE_H

#include "compat.h"

#ifdef FPY_HAVE_MONITORING

/* The name by which the callable of a CALL is loaded: `append` in `a.b.append(x)`, `len`
 * in `len(x)`. Borrowed from the code object; NULL where it is loaded by none that is
 * one of the module's or an object's (a local variable's, say, means nothing), or where
 * that cannot be told. `offset` is the instruction's, in bytes, as sys.monitoring has
 * it. */
PyObject *fpy_loaded_name(PyCodeObject *code, int offset);

#endif
#endif
