/* export.h -- engine snapshots and stats as Python objects. */
#ifndef FPY_EXPORT_H
#define FPY_EXPORT_H

#include "session.h"

#include "../engine/correction.h"
#include "../engine/merge.h"
#include "../engine/snapshot.h"

#define FPY_ALL_THREADS ((Py_ssize_t)(-1))

typedef struct {
    PyObject_HEAD
    fp_snapshot snapshot;
    PyObject *functions; /* tuple of (filename, line, name, qualname, module, kind) */
    PyObject *precision; /* bytes: an fp_precision for each */
    PyObject *paces;     /* bytes: see pace.h; or None */
    PyObject *threads;   /* list of (name or None, began, ended) */
    PyObject *subjects;  /* list of code objects and labels; NULL when loaded */
    double seconds_per_tick;
    fp_costs costs;
    unsigned char *kinds; /* of the functions, once asked for; with them: */
    fp_pace *known_paces; /* NULL: there are none */
    double context;       /* see fp_correction */
    char compensated;     /* by `costs` */
    char complete;
    char hook_lost;
    char threads_lost;
} fpy_snapshot;

extern PyType_Spec fpy_snapshot_spec;
extern PyStructSequence_Desc fpy_entry_desc;
extern PyStructSequence_Desc fpy_subentry_desc;

/* What the session has recorded so far, as a new `Snapshot`; NULL with an exception.
 * May run Python code (a custom timer). */
PyObject *fpy_snapshot_take(fpy_session *session);

/* `_lsprof`'s getstats() of a snapshot that was taken, not loaded. */
PyObject *fpy_snapshot_getstats(PyObject *snapshot, bool subcalls);

/* An empty one, without functions; NULL with an exception. */
fpy_snapshot *fpy_snapshot_new(const fpy_state *state);

/* Whether all are descriptions of functions, as far as we ask. */
bool fpy_are_descriptions(PyObject *functions);

/* Whether these bytes are as many precisions. */
bool fpy_are_precisions(PyObject *bytes, Py_ssize_t count);

/* Adds a thread's tree, by its place, or all, to a merged one; see fp_merged_add. -1
 * with an exception. */
int fpy_snapshot_merge(fpy_snapshot *self, Py_ssize_t thread, bool compensated,
                       const uint32_t *numbers, double scale, fp_merged *merged);

/* In merging.c: a method of Snapshot, and a function of the module. */
PyObject *fpy_snapshot_columns(PyObject *snapshot, PyObject *args);
PyObject *fpy_merge(PyObject *module, PyObject *args);

/* In aligning.c: a function of the module. */
PyObject *fpy_align(PyObject *module, PyObject *args);

#endif
