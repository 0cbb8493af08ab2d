/* snapshot.h -- what has been recorded, at one moment, in numbers only.
 *
 * One record per thread: its tree as an array (a parent stands before its children),
 * and the sums of `fp_pairs` where the tree had no more room. Keys have become the
 * numbers of functions, so a snapshot outlives what it was taken from.
 *
 * Units      ticks.
 * Ownership  the snapshot owns its arrays.
 * Threads    none.
 */
#ifndef FP_SNAPSHOT_H
#define FP_SNAPSHOT_H

#include "pairs.h"
#include "recorder.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the number of a function's calls is; what is less precise is larger. */
typedef enum {
    FP_EXACT = 0,
    FP_LOWER_BOUND, /* there may have been others, which were not seen */
    FP_ESTIMATE,    /* from some time on they were not seen */
} fp_precision;

/* One node of the tree. */
typedef struct {
    uint32_t parent;          /* its place in the array, lower than the node's own */
    uint32_t function;        /* the root's means nothing */
    fp_visibility visibility; /* what lies inside a whole is hidden itself */
    int64_t calls;
    int64_t raised;
    int64_t asides;           /* see fp_recorder_aside */
    fp_ticks inclusive_ticks; /* 0 for the root */
    fp_ticks off_ticks;       /* of its own, what the thread was off the CPU */
    int64_t resumes;          /* of its calls, those that went on with a generator, */
    fp_ticks suspended_ticks; /* which had stood still for so long */
    bool was_off;             /* for a while: see folding.h; then */
    fp_ticks unseen_ticks;    /* so many of its reference's passed */
} fp_path;

typedef struct {
    uint64_t ident;  /* the caller's name for the thread */
    int64_t clamped; /* calls that seemed to end before they began */
    bool truncated;  /* the tree had no more room: `totals` has the rest */
    fp_path *paths;  /* paths[0] is the root */
    size_t path_count;
    fp_totals totals;
} fp_thread_record;

typedef struct {
    fp_thread_record *threads;
    size_t thread_count;
} fp_snapshot;

/* Adds a thread, with its open calls counted up to `now`; the recorder does not
 * change. FP_OK, or FP_NOMEM: nothing changed. */
fp_status fp_snapshot_add(fp_snapshot *snapshot, const fp_recorder *recorder,
                          uint64_t ident, fp_ticks now, fp_numbering numbering);

/* Adds a record as it is, and owns its arrays from then on; as above. */
fp_status fp_snapshot_add_record(fp_snapshot *snapshot, fp_thread_record record);

void fp_thread_record_free(fp_thread_record *record);
void fp_snapshot_free(fp_snapshot *snapshot);

#endif
