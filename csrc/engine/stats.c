#include "stats.h"

#include "alloc.h"
#include "hash.h"

#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX

typedef struct {
    uint64_t key; /* caller, then callee */
    fp_sum sum;
    UT_hash_handle hh;
} edge;

/* What the walk knows of one path. Places in the array; 0, the root's, is "none". */
typedef struct {
    uint32_t first_child;
    uint32_t next_sibling;
    uint32_t caller; /* the function of the nearest ancestor that shows, or NOBODY */
    edge *edge;
} step;

typedef struct {
    fp_stats *stats;
    const fp_correction *correction;
    bool collections_apart;
    edge *edges;
} building;

static edge *
edge_of(building *build, uint32_t caller, uint32_t callee)
{
    const uint64_t key = (uint64_t)caller << 32 | callee;
    edge *found;

    HASH_FIND(hh, build->edges, &key, sizeof key, found);
    if (found != NULL) {
        return found;
    }
    found = fp_alloc(sizeof *found);
    if (found == NULL) {
        return NULL;
    }
    memset(found, 0, sizeof *found);
    found->key = key;
    HASH_ADD(hh, build->edges, key, sizeof key, found);
    if (found->hh.tbl == NULL) {
        fp_free(found);
        return NULL;
    }
    return found;
}

static void
link_paths(const fp_thread_record *thread, step *steps)
{
    memset(steps, 0, thread->path_count * sizeof *steps);
    for (size_t i = thread->path_count; i-- > 1;) {
        step *parent = &steps[thread->paths[i].parent];

        steps[i].next_sibling = parent->first_child;
        parent->first_child = (uint32_t)i;
    }
}

static void
add_calls(fp_sum *sum, const fp_path *path, const fp_figures *figures)
{
    const fp_usage *usage = &figures->usage;
    const int64_t calls = fp_estimated(figures, path->calls);
    const int64_t resumes = fp_estimated(figures, path->resumes);

    sum->calls = fp_plus(sum->calls, calls);
    sum->raised = fp_plus(sum->raised, fp_estimated(figures, path->raised));
    sum->resumes = fp_plus(sum->resumes, resumes);
    sum->suspended_ticks = fp_plus(sum->suspended_ticks, path->suspended_ticks);
    sum->own_ticks = fp_plus(sum->own_ticks, usage->own);
    sum->own_off = fp_plus(sum->own_off, usage->own_off);
    if (sum->open++ == 0) {
        sum->total_ticks = fp_plus(sum->total_ticks, usage->total);
        sum->total_off = fp_plus(sum->total_off, usage->total_off);
    } else {
        sum->recursive = fp_plus(sum->recursive, calls);
        sum->recursive_resumes = fp_plus(sum->recursive_resumes, resumes);
    }
}

static fp_status
enter_path(building *build, const fp_path *path, const fp_figures *figures, step *at)
{
    fp_taken *taken = &build->stats->taken[path->function];

    if (!figures->is_shown) {
        return FP_OK;
    }
    if (at->caller != NOBODY) {
        at->edge = edge_of(build, at->caller, path->function);
        if (at->edge == NULL) {
            return FP_NOMEM;
        }
        add_calls(&at->edge->sum, path, figures);
    }
    add_calls(&build->stats->functions[path->function], path, figures);
    taken->added = fp_plus(taken->added, figures->taken.added);
    taken->error = fp_plus(taken->error, figures->taken.error);
    return FP_OK;
}

static void
leave_path(building *build, const fp_path *path, const fp_figures *figures,
           const step *at)
{
    if (!figures->is_shown) {
        return;
    }
    if (at->edge != NULL) {
        at->edge->sum.open--;
    }
    build->stats->functions[path->function].open--;
}

static fp_status
walk(building *build, const fp_path *paths, const fp_figures *figures, step *steps)
{
    uint32_t at = 0;

    steps[0].caller = NOBODY;
    for (;;) {
        uint32_t next = steps[at].first_child;

        if (next != 0) {
            steps[next].caller =
                figures[at].is_shown ? paths[at].function : steps[at].caller;
        }
        while (next == 0) { /* up, until there is a way to the side */
            if (at == 0) {
                return FP_OK;
            }
            leave_path(build, &paths[at], &figures[at], &steps[at]);
            next = steps[at].next_sibling;
            if (next != 0) {
                steps[next].caller = steps[at].caller;
            }
            at = paths[at].parent;
        }
        at = next;
        if (enter_path(build, &paths[at], &figures[at], &steps[at]) != FP_OK) {
            return FP_NOMEM;
        }
    }
}

static void
add_sum(fp_sum *to, const fp_sum *sum)
{
    to->calls = fp_plus(to->calls, sum->calls);
    to->recursive = fp_plus(to->recursive, sum->recursive);
    to->raised = fp_plus(to->raised, sum->raised);
    to->resumes = fp_plus(to->resumes, sum->resumes);
    to->recursive_resumes = fp_plus(to->recursive_resumes, sum->recursive_resumes);
    to->suspended_ticks = fp_plus(to->suspended_ticks, sum->suspended_ticks);
    to->total_ticks = fp_plus(to->total_ticks, sum->total_ticks);
    to->own_ticks = fp_plus(to->own_ticks, sum->own_ticks);
    to->total_off = fp_plus(to->total_off, sum->total_off);
    to->own_off = fp_plus(to->own_off, sum->own_off);
}

static fp_status
add_totals(building *build, const fp_totals *totals)
{
    for (size_t i = 0; i < totals->function_count; i++) {
        const fp_function_total *total = &totals->functions[i];
        add_sum(&build->stats->functions[total->function], &total->sum);
    }
    for (size_t i = 0; i < totals->pair_count; i++) {
        const fp_pair_total *total = &totals->pairs[i];
        edge *to = edge_of(build, total->caller, total->callee);
        if (to == NULL) {
            return FP_NOMEM;
        }
        add_sum(&to->sum, &total->sum);
    }
    return FP_OK;
}

static fp_status
add_thread(building *build, const fp_thread_record *thread)
{
    fp_figures *figures = fp_figures_of(
        thread, build->correction, build->collections_apart, &build->stats->clamped);
    step *steps = fp_alloc(thread->path_count * sizeof *steps);
    fp_status status = FP_NOMEM;

    if (figures != NULL && steps != NULL) {
        link_paths(thread, steps);
        status = walk(build, thread->paths, figures, steps);
    }
    fp_free(figures);
    fp_free(steps);
    return status == FP_OK ? add_totals(build, &thread->totals) : status;
}

static int
by_caller_then_callee(const void *one, const void *other)
{
    const fp_pair_total *a = one, *b = other;

    if (a->caller != b->caller) {
        return a->caller < b->caller ? -1 : 1;
    }
    return (a->callee > b->callee) - (a->callee < b->callee);
}

/* A file may tell of calls between functions that it knows no calls of. */
static bool
had_calls(const fp_stats *stats, const edge *e)
{
    return e->sum.calls > 0 && stats->functions[e->key >> 32].calls > 0 &&
           stats->functions[(uint32_t)e->key].calls > 0;
}

/* The edges that had calls, in order; the table is left as it is. */
static fp_status
list_edges(const building *build, fp_stats *stats)
{
    stats->edges =
        fp_alloc((HASH_COUNT(build->edges) + (size_t)1) * sizeof *stats->edges);
    if (stats->edges == NULL) {
        return FP_NOMEM;
    }
    for (const edge *e = build->edges; e != NULL; e = e->hh.next) {
        if (had_calls(stats, e)) {
            stats->edges[stats->edge_count++] =
                (fp_pair_total){(uint32_t)(e->key >> 32), (uint32_t)e->key, e->sum};
        }
    }
    qsort(stats->edges, stats->edge_count, sizeof *stats->edges, by_caller_then_callee);
    return FP_OK;
}

static void
free_edges(building *build)
{
    edge *one, *next;

    HASH_ITER(hh, build->edges, one, next) {
        HASH_DEL(build->edges, one);
        fp_free(one);
    }
}

/* At least one element, so that NULL always means "no memory". */
static void *
zeros(size_t count, size_t size)
{
    void *block = fp_alloc((count + 1) * size);

    return block != NULL ? memset(block, 0, (count + 1) * size) : NULL;
}

fp_status
fp_stats_build(fp_stats *stats, const fp_snapshot *snapshot, size_t function_count,
               const fp_correction *correction, bool collections_apart)
{
    building build = {.stats = stats,
                      .correction = correction,
                      .collections_apart = collections_apart};
    fp_status status = FP_OK;

    *stats = (fp_stats){.function_count = function_count};
    stats->functions = zeros(function_count, sizeof *stats->functions);
    stats->taken = zeros(function_count, sizeof *stats->taken);
    if (stats->functions == NULL || stats->taken == NULL) {
        status = FP_NOMEM;
    }
    for (size_t i = 0; i < snapshot->thread_count && status == FP_OK; i++) {
        status = add_thread(&build, &snapshot->threads[i]);
    }
    if (status == FP_OK) {
        status = list_edges(&build, stats);
    }
    free_edges(&build);
    if (status != FP_OK) {
        fp_stats_free(stats);
    }
    return status;
}

void
fp_stats_free(fp_stats *stats)
{
    fp_free(stats->functions);
    fp_free(stats->taken);
    fp_free(stats->edges);
    *stats = (fp_stats){0};
}
