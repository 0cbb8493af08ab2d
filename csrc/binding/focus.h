/* focus.h -- which Python functions a session records, where it does not record all.
 *
 * A predicate says so, once for each code object; its answer holds from then on. What
 * is outside the focus is as if it were written in C and not recorded: its time, and
 * that of what it calls, is its caller's, but for calls of functions that are inside.
 *
 * Ownership  a reference to each code object that was asked for.
 * Threads    the interpreter's lock protects everything here.
 */
#ifndef FPY_FOCUS_H
#define FPY_FOCUS_H

#include "compat.h"

#include "../engine/hash.h"

#include <stdbool.h>

typedef struct {
    PyCodeObject *code;
    bool is_inside;
    UT_hash_handle hh;
} fpy_verdict;

typedef struct {
    PyObject *predicate; /* called with (module name or None, code); NULL: all inside */
    fpy_verdict *verdicts;
} fpy_focus;

/* Whether a function is inside, whose code runs now; a predicate that fails is reported
 * to sys.unraisablehook, and where there is no memory, all is inside. May run Python
 * code; leaves the current exception alone. */
bool fpy_focus_has(fpy_focus *focus, PyCodeObject *code);

/* The same by what is known, without asking. */
bool fpy_focus_excludes(const fpy_focus *focus, const PyCodeObject *code);

int fpy_focus_traverse(const fpy_focus *focus, visitproc visit, void *arg);
void fpy_focus_clear(fpy_focus *focus);

#endif
