#include "snapshot.h"

#include "alloc.h"
#include "folding.h"

typedef struct {
    fp_path *paths;
    const fp_recorder *recorder;
    fp_numbering numbering;
} copying;

/* By the jitter of two clocks it may seem negative. */
static fp_ticks
off_of(const copying *copy, const fp_node *node)
{
    const fp_ticks *all = copy->recorder->off;
    const fp_ticks off = all != NULL ? all[node->index] : 0;

    return off > 0 ? off : 0;
}

static fp_resumption
resumption_of(const copying *copy, const fp_node *node)
{
    const fp_recorder *recorder = copy->recorder;

    return node->index < recorder->resumptions_size ? recorder->resumptions[node->index]
                                                    : (fp_resumption){0};
}

static void
copy_node(void *context, fp_node *node)
{
    const copying *copy = context;
    fp_path *path = &copy->paths[node->index];

    if (node->edge.parent == NULL) {
        *path = (fp_path){0};
        return;
    }
    const fp_path *parent = &copy->paths[node->edge.parent->index];
    const fp_resumption resumption = resumption_of(copy, node);
    *path = (fp_path){
        .parent = node->edge.parent->index,
        .function = copy->numbering.number_of(copy->numbering.context, node->edge.key),
        .visibility = parent->visibility == FP_HIDDEN_WHOLE
                          ? FP_HIDDEN_WHOLE
                          : (fp_visibility)node->visibility,
        .calls = node->calls,
        .raised = (int64_t)node->raised,
        .asides = node->asides,
        .inclusive_ticks = node->inclusive_ticks,
        .off_ticks = off_of(copy, node),
        .resumes = resumption.calls,
        .suspended_ticks = resumption.suspended,
    };
}

/* After the open calls have been ended. */
static void
copy_unseen(void *context, fp_node *node)
{
    const copying *copy = context;
    fp_path *path = &copy->paths[node->index];
    const fp_node *reference;

    if (node->edge.parent == NULL || !fp_folding_was_off(copy->recorder, node)) {
        return;
    }
    path->was_off = true;
    reference = fp_folding_reference(copy->recorder, node);
    if (reference != NULL) {
        path->unseen_ticks =
            (fp_ticks)((double)copy->paths[reference->index].inclusive_ticks *
                       fp_folding_unseen_share(copy->recorder, node));
    }
}

/* Ends the open calls in the copies of their nodes. */
static void
close_copies(const fp_recorder *recorder, fp_ticks now, fp_path *paths)
{
    const fp_ticks program_now = now - recorder->lost_ticks;

    for (const fp_open_call *call = recorder->top; call != recorder->stack; call--) {
        fp_path *path = &paths[call->node->index];
        path->calls++;
        if (program_now > call->entered) {
            path->inclusive_ticks += program_now - call->entered;
        }
    }
}

fp_status
fp_snapshot_add(fp_snapshot *snapshot, const fp_recorder *recorder, uint64_t ident,
                fp_ticks now, fp_numbering numbering)
{
    fp_thread_record record = {.ident = ident,
                               .clamped = fp_recorder_clamped(recorder),
                               .truncated = recorder->pairs != NULL,
                               .path_count = recorder->tree.count};
    copying copy = {.recorder = recorder, .numbering = numbering};

    record.paths = fp_alloc(record.path_count * sizeof *record.paths);
    if (record.paths == NULL) {
        return FP_NOMEM;
    }
    copy.paths = record.paths;
    fp_calltree_walk(&recorder->tree, copy_node, &copy);
    if (recorder->pairs == NULL) {
        close_copies(recorder, now, record.paths);
        if (recorder->places != NULL) {
            fp_calltree_walk(&recorder->tree, copy_unseen, &copy);
        }
    } else if (fp_pairs_read(recorder->pairs,
                             now - recorder->lost_ticks,
                             numbering,
                             &record.totals) != FP_OK) {
        fp_thread_record_free(&record);
        return FP_NOMEM;
    }
    if (fp_snapshot_add_record(snapshot, record) != FP_OK) {
        fp_thread_record_free(&record);
        return FP_NOMEM;
    }
    return FP_OK;
}

fp_status
fp_snapshot_add_record(fp_snapshot *snapshot, fp_thread_record record)
{
    fp_thread_record *threads =
        fp_realloc(snapshot->threads, (snapshot->thread_count + 1) * sizeof *threads);

    if (threads == NULL) {
        return FP_NOMEM;
    }
    threads[snapshot->thread_count++] = record;
    snapshot->threads = threads;
    return FP_OK;
}

void
fp_thread_record_free(fp_thread_record *record)
{
    fp_free(record->paths);
    fp_totals_free(&record->totals);
    *record = (fp_thread_record){0};
}

void
fp_snapshot_free(fp_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        fp_thread_record_free(&snapshot->threads[i]);
    }
    fp_free(snapshot->threads);
    *snapshot = (fp_snapshot){0};
}
