/* thrift.h -- what a session leaves out on its own, to cost less.
 *
 * `builtins="slow"`: a place that calls a C function is switched off when it has called
 * the same one often, that one is known not to block and has taken little time, and it
 * is loaded there by its own name: a callable of another name will hardly be called
 * there. What has the name of one that is switched off somewhere may have more calls
 * than are counted.
 *
 * `max_overhead`: what all events cost is kept below a share of the program's time.
 * While it is above, functions are folded into their callers (engine/folding.h); when
 * less has been spent than may be, all are let back in, for a moment or for longer.
 *
 * Both switch off, too, the CALL at places that call Python functions: these have
 * events of their own.
 *
 * Ownership  the session owns it; it owns references to names, and to what keeps the
 *            keys of its list in place.
 * Threads    the interpreter's lock protects everything here.
 */
#ifndef FPY_THRIFT_H
#define FPY_THRIFT_H

#include "compat.h"

#include "../engine/correction.h"
#include "../engine/folding.h"
#include "../engine/snapshot.h"

#include <stdbool.h>
#include <stdint.h>

/* A place in a code object that calls. */
typedef struct {
    const PyCodeObject *code; /* compared, never followed */
    int offset;
    unsigned times; /* in a row that it has called the same callable */
    const void *callee;
} fpy_site;

typedef struct fpy_cheap fpy_cheap;

/* What is charged for: a call of a C function, one of a Python function, and an event
 * that begins none. */
typedef enum { FPY_OF_C, FPY_OF_PYTHON, FPY_OF_ASIDE, FPY_CHARGES } fpy_charge;

typedef struct {
    bool saves_calls; /* builtins="slow" */
    double share;     /* max_overhead, of the time that passes; 0.0: no bound */
    fpy_site *sites;  /* by a hash of the place, a few to each */
    fpy_cheap *cheap; /* keys of C functions that are known not to block */
    PyObject *held;   /* what keeps these keys in place */
    PyObject *names;  /* under which callables were loaded at places that are off */
    bool is_unsure;   /* a place is off that may call anything */
    bool has_place_off;
    fp_ticks dear; /* a C function that takes as long is worth its events */
    /* With a bound: */
    fp_folding folding;
    fp_ticks cost[FPY_CHARGES]; /* of each event, there and then */
    fp_ticks credit;            /* what may be spent until the next look */
    fp_ticks granted;           /* what it was then */
    fp_ticks granted_at;
    fp_ticks began; /* when it was enabled */
    fp_ticks surveyed_at;
    fp_ticks unfolded_at;
    double spent; /* since it was enabled */
    double spent_at_survey;
    fp_ticks survey_cost;
    double foreseen;         /* the share of the time that what stays on will cost */
    unsigned long heartbeat; /* the number of the one that beats; 0: none */
    bool is_learning;
    bool has_folded;
} fpy_thrift;

/* Whether it leaves anything out. */
static inline bool
fpy_thrift_is_on(const fpy_thrift *thrift)
{
    return thrift->saves_calls || thrift->share > 0.0;
}

/* Makes room, and keeps the keys of a tuple of callables as those that do not block; -1
 * with an exception. */
int fpy_thrift_prepare(fpy_thrift *thrift, PyObject *cheap);

/* Whether a function is folded into its callers; a C function where it calls it. */
bool fpy_thrift_has_folded(const fpy_thrift *thrift, const PyCodeObject *code);
bool fpy_thrift_has_folded_call(const fpy_thrift *thrift, const PyCodeObject *code,
                                fp_key key);

/* Of the arguments of a CALL event: a place has called a Python function, or another
 * callable that is not recorded: whether to switch it off. */
bool fpy_thrift_drops_other(fpy_thrift *thrift, PyObject *const *args);

/* A place calls a C function for the path of this node: likewise. */
bool fpy_thrift_drops_call(fpy_thrift *thrift, PyObject *const *args,
                           const fp_node *node);

/* A place that is to be switched off in any case. */
void fpy_thrift_drop(fpy_thrift *thrift, PyObject *const *args);

/* How the count of a Python or a C function is to be taken. */
fp_precision fpy_thrift_precision(const fpy_thrift *thrift, fp_key key, bool is_python);

/* What was recorded is forgotten: no recorder may know anything of the folding. */
void fpy_thrift_forget(fpy_thrift *thrift);

int fpy_thrift_traverse(const fpy_thrift *thrift, visitproc visit, void *arg);
void fpy_thrift_clear(fpy_thrift *thrift);

#endif
