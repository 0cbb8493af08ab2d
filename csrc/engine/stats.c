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

/* What the walk knows of one node. Places in the array; 0, the root's, is "none". */
typedef struct {
    uint32_t first_child;
    uint32_t next_sibling;
    uint32_t caller; /* the function of the nearest ancestor that shows, or NOBODY */
    fp_ticks children_raw; /* the children's inclusive ticks, as recorded */
    fp_cost children;      /* what their calls added */
    fp_ticks own;          /* without what was added, as the next two */
    fp_ticks inclusive;    /* own, and the children's */
    fp_ticks hidden;       /* of it, the own ticks of hidden nodes */
    fp_ticks own_off;      /* of own, off the CPU */
    fp_ticks off;          /* of inclusive, less hidden */
    fp_ticks folded;       /* the children's own that is the node's */
    fp_ticks folded_off;
    fp_taken taken;        /* from own */
    edge *edge;
} step;

typedef struct {
    fp_stats *stats;
    const fp_correction *correction;
    bool collections_apart;
    edge *edges;
} building;

static bool
is_folded(const building *build, const fp_path *path)
{
    return path->visibility == FP_FOLDED && !build->collections_apart;
}

static bool
is_shown(const building *build, const fp_path *path)
{
    return path->visibility == FP_SHOWN ||
           (path->visibility == FP_FOLDED && build->collections_apart);
}

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

/* A file may hold figures of any size: their sums stop at the largest. */
static int64_t
plus(int64_t a, int64_t b)
{
    if (b > 0) {
        return a > INT64_MAX - b ? INT64_MAX : a + b;
    }
    return a < INT64_MIN - b ? INT64_MIN : a + b;
}

/* What a file says may lead to anything; 0 for what is negative. */
static fp_ticks
as_ticks(double ticks)
{
    if (!(ticks > 0.0)) {
        return 0;
    }
    return ticks < 0x1p62 ? (fp_ticks)ticks : INT64_MAX;
}

/* The ticks of a node whose children have been summed up. What cannot be taken from its
 * own, for that ends at 0, is taken from its caller's: most likely the cost of an event
 * lay on the other side of the border between them than it did in calibration. What the
 * thread was off the CPU cost nothing, and does not depend on the pace. */
static void
work_out(building *build, const fp_path *path, step *node, step *parent)
{
    const fp_ticks left = path->inclusive_ticks - node->children_raw;
    const fp_ticks raw = left > 0 ? left : 0;
    const fp_ticks off = path->off_ticks < raw ? path->off_ticks : raw;

    node->own = raw;
    node->own_off = off;
    if (build->correction != NULL) {
        const fp_cost added = fp_correction_of(build->correction, path);
        const double all = added.inside + node->children.outside;
        const double wanted = (double)(raw - off) - all;
        const double pace = fp_correction_pace(build->correction, path);
        const double missing = wanted < 0.0 ? -wanted : 0.0;
        node->own = plus(off, missing > 0.0 ? 0 : as_ticks(wanted / pace));
        node->taken.added = raw - off - as_ticks(wanted);
        node->taken.error = as_ticks(added.error + node->children.error);
        parent->children.outside += added.outside + missing;
        parent->children.error += added.error + missing;
        if (path->parent == 0) {
            build->stats->clamped = plus(build->stats->clamped, as_ticks(missing));
        }
    }
    /* As recorded, a call has a time of its own; corrected, that of its parts. */
    node->inclusive = build->correction != NULL ? plus(node->inclusive, node->own)
                                                : path->inclusive_ticks;
    node->own = plus(node->own, node->folded);
    node->own_off = plus(node->own_off, node->folded_off);
}

/* What the caller has of a node that has been worked out. */
static void
hand_up(const building *build, const fp_path *path, step *node, step *parent)
{
    if (is_folded(build, path)) {
        parent->folded = plus(parent->folded, node->own);
        parent->folded_off = plus(parent->folded_off, node->own_off);
    } else if (is_shown(build, path)) {
        node->off = plus(node->off, node->own_off);
    } else {
        node->hidden = plus(node->hidden, node->own);
    }
    parent->children_raw = plus(parent->children_raw, path->inclusive_ticks);
    parent->inclusive = plus(parent->inclusive, node->inclusive);
    parent->hidden = plus(parent->hidden, node->hidden);
    parent->off = plus(parent->off, node->off);
}

/* Links each node to its children, and sums up what they used: children stand behind
 * their parents, so one pass from the back has all of a node before it leaves it. */
static void
link_nodes(building *build, const fp_thread_record *thread, step *steps)
{
    memset(steps, 0, thread->path_count * sizeof *steps);
    for (size_t i = thread->path_count; i-- > 1;) {
        const fp_path *path = &thread->paths[i];
        step *node = &steps[i], *parent = &steps[path->parent];

        work_out(build, path, node, parent);
        hand_up(build, path, node, parent);
        node->next_sibling = parent->first_child;
        parent->first_child = (uint32_t)i;
    }
}

static void
add_calls(fp_sum *sum, const fp_path *path, fp_usage usage)
{
    sum->calls = plus(sum->calls, path->calls);
    sum->raised = plus(sum->raised, path->raised);
    sum->own_ticks = plus(sum->own_ticks, usage.own);
    sum->own_off = plus(sum->own_off, usage.own_off);
    if (sum->open++ == 0) {
        sum->total_ticks = plus(sum->total_ticks, usage.total);
        sum->total_off = plus(sum->total_off, usage.total_off);
    } else {
        sum->recursive = plus(sum->recursive, path->calls);
    }
}

static fp_status
enter_node(building *build, const fp_path *path, step *node)
{
    const fp_ticks shown = node->inclusive - node->hidden;
    const fp_ticks total = shown > node->own ? shown : node->own;
    const fp_usage usage = {.total = total,
                            .own = node->own,
                            .total_off = node->off < total ? node->off : total,
                            .own_off = node->own_off};
    fp_taken *taken = &build->stats->taken[path->function];

    if (!is_shown(build, path)) {
        return FP_OK;
    }
    if (node->caller != NOBODY) {
        node->edge = edge_of(build, node->caller, path->function);
        if (node->edge == NULL) {
            return FP_NOMEM;
        }
        add_calls(&node->edge->sum, path, usage);
    }
    add_calls(&build->stats->functions[path->function], path, usage);
    taken->added = plus(taken->added, node->taken.added);
    taken->error = plus(taken->error, node->taken.error);
    return FP_OK;
}

static void
leave_node(building *build, const fp_path *path, const step *node)
{
    if (!is_shown(build, path)) {
        return;
    }
    if (node->edge != NULL) {
        node->edge->sum.open--;
    }
    build->stats->functions[path->function].open--;
}

static fp_status
walk(building *build, const fp_thread_record *thread, step *steps)
{
    uint32_t at = 0;

    steps[0].caller = NOBODY;
    for (;;) {
        uint32_t next = steps[at].first_child;
        const fp_path *path = &thread->paths[at];

        if (next != 0) {
            steps[next].caller = at == 0 || !is_shown(build, path) ? steps[at].caller
                                                                   : path->function;
        }
        while (next == 0) { /* up, until there is a way to the side */
            if (at == 0) {
                return FP_OK;
            }
            leave_node(build, &thread->paths[at], &steps[at]);
            next = steps[at].next_sibling;
            if (next != 0) {
                steps[next].caller = steps[at].caller;
            }
            at = thread->paths[at].parent;
        }
        at = next;
        if (enter_node(build, &thread->paths[at], &steps[at]) != FP_OK) {
            return FP_NOMEM;
        }
    }
}

static void
add_sum(fp_sum *to, const fp_sum *sum)
{
    to->calls = plus(to->calls, sum->calls);
    to->recursive = plus(to->recursive, sum->recursive);
    to->raised = plus(to->raised, sum->raised);
    to->total_ticks = plus(to->total_ticks, sum->total_ticks);
    to->own_ticks = plus(to->own_ticks, sum->own_ticks);
    to->total_off = plus(to->total_off, sum->total_off);
    to->own_off = plus(to->own_off, sum->own_off);
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
    step *steps = fp_alloc(thread->path_count * sizeof *steps);
    fp_status status;

    if (steps == NULL) {
        return FP_NOMEM;
    }
    link_nodes(build, thread, steps);
    status = walk(build, thread, steps);
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
        if (e->sum.calls > 0) {
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

    *stats = (fp_stats){
        .function_count = function_count,
        .factor = correction != NULL ? correction->factor : 1.0,
    };
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
