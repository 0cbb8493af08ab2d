/* export.h -- engine snapshots and stats as Python objects. */
#ifndef FPY_EXPORT_H
#define FPY_EXPORT_H

#include "session.h"

extern PyType_Spec fpy_snapshot_spec;
extern PyStructSequence_Desc fpy_entry_desc;
extern PyStructSequence_Desc fpy_subentry_desc;

/* What the session has recorded so far, as a new `Snapshot`; NULL with an exception.
 * May run Python code (a custom timer). */
PyObject *fpy_snapshot_take(fpy_session *session);

/* `_lsprof`'s getstats() of a snapshot that was taken, not loaded. */
PyObject *fpy_snapshot_getstats(PyObject *snapshot, bool subcalls);

#endif
