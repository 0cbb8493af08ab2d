#include "figures.h"

#include "alloc.h"

#include <string.h>

#define LEAST_SEEN                                                                     \
    0.2 /* of the caller's ticks, as recorded, while the callee was on                 \
         */
#define MOST_FACTOR 1e6

/* What is known of a path once its children have been summed up. */
typedef struct {
    fp_ticks children_raw; /* the children's inclusive ticks, as recorded */
    fp_cost children;      /* what their calls added */
    fp_ticks inclusive; /* the children's, then with its own; without what was added */
    fp_ticks hidden;    /* of it, the own ticks of hidden paths */
    fp_ticks off;       /* of it less hidden, off the CPU */
    fp_ticks folded;    /* the children's own that is the path's */
    fp_ticks folded_off;
} step;

typedef struct {
    const fp_correction *correction;
    bool collections_apart;
    fp_ticks clamped;
} summing;

/* What a file says may lead to anything; 0 for what is negative. */
static fp_ticks
as_ticks(double ticks)
{
    if (!(ticks > 0.0)) {
        return 0;
    }
    return ticks < 0x1p62 ? (fp_ticks)ticks : INT64_MAX;
}

/* The path's own ticks. What cannot be taken from them, for they end at 0, is taken
 * from the caller's: most likely the cost of an event lay on the other side of the
 * border between them than it did in calibration. What the thread was off the CPU cost
 * nothing, and does not depend on the pace. */
static void
work_out(summing *sums, const fp_path *path, const step *node, step *parent,
         fp_figures *figures)
{
    const fp_ticks left = path->inclusive_ticks - node->children_raw;
    const fp_ticks raw = left > 0 ? left : 0;
    const fp_ticks off = path->off_ticks < raw ? path->off_ticks : raw;

    figures->usage.own = raw;
    figures->usage.own_off = off;
    if (sums->correction != NULL) {
        const fp_cost added = fp_correction_of(sums->correction, path);
        const double all = added.inside + node->children.outside;
        const double wanted = (double)(raw - off) - all;
        const double pace = fp_correction_pace(sums->correction, path);
        const double missing = wanted < 0.0 ? -wanted : 0.0;
        figures->usage.own = fp_plus(off, missing > 0.0 ? 0 : as_ticks(wanted / pace));
        figures->taken.added = raw - off - as_ticks(wanted);
        figures->taken.error = as_ticks(added.error + node->children.error);
        parent->children.outside += added.outside + missing;
        parent->children.error += added.error + missing;
        if (path->parent == 0) {
            sums->clamped = fp_plus(sums->clamped, as_ticks(missing));
        }
    }
}

/* With what it called, and what is folded into it. */
static void
sum_up(const summing *sums, const fp_path *path, step *node, fp_figures *figures)
{
    fp_usage *usage = &figures->usage;

    /* As recorded, a call has a time of its own; corrected, that of its parts. */
    node->inclusive = sums->correction != NULL ? fp_plus(node->inclusive, usage->own)
                                               : path->inclusive_ticks;
    usage->own = fp_plus(usage->own, node->folded);
    usage->own_off = fp_plus(usage->own_off, node->folded_off);
    usage->total = node->inclusive - node->hidden;
    if (usage->total < usage->own) {
        usage->total = usage->own;
    }
    usage->total_off = fp_plus(node->off, usage->own_off);
    if (usage->total_off > usage->total) {
        usage->total_off = usage->total;
    }
}

/* What the caller has of a path that has been summed up. */
static void
hand_up(const summing *sums, const fp_path *path, step *node, step *parent,
        fp_figures *figures)
{
    const fp_usage *usage = &figures->usage;
    const bool is_folded = path->visibility == FP_FOLDED && !sums->collections_apart;

    figures->is_shown = path->visibility == FP_SHOWN ||
                        (path->visibility == FP_FOLDED && sums->collections_apart);
    if (is_folded) {
        parent->folded = fp_plus(parent->folded, usage->own);
        parent->folded_off = fp_plus(parent->folded_off, usage->own_off);
    } else if (figures->is_shown) {
        node->off = fp_plus(node->off, usage->own_off);
    } else {
        node->hidden = fp_plus(node->hidden, usage->own);
    }
    parent->children_raw = fp_plus(parent->children_raw, path->inclusive_ticks);
    parent->inclusive = fp_plus(parent->inclusive, node->inclusive);
    parent->hidden = fp_plus(parent->hidden, node->hidden);
    parent->off = fp_plus(parent->off, node->off);
}

/* What a path's figures are to be multiplied by: see figures.h. At least a part of what
 * was recorded of the caller was seen, whatever has been taken from it as overhead. */
static double
factor_of(const fp_path *paths, size_t i, const fp_figures *figures)
{
    const fp_path *path = &paths[i];
    const double raw = (double)paths[path->parent].inclusive_ticks;
    const double all = (double)figures[path->parent].usage.total;
    const double least = LEAST_SEEN * (raw - (double)path->unseen_ticks);
    const double seen = all - (double)path->unseen_ticks;
    const double divisor = seen > least ? seen : least;
    double factor;

    if (!path->was_off || path->parent == 0 || !(divisor > 0.0)) {
        return 1.0;
    }
    factor = (all > divisor ? all / divisor : 1.0) * figures[path->parent].factor;
    return factor < MOST_FACTOR ? factor : MOST_FACTOR;
}

/* By how much the own ticks of a path grow, or (of one that was seen all the time) what
 * all below it take from it. */
static double
growth_of(const fp_figures *figures)
{
    return (figures->factor - 1.0) * (double)figures->usage.own;
}

/* A path that was seen all the time gives no more than it has: those below it shrink.
 * `taken`: by place, what is taken from it. Top down. */
static void
shrink(const fp_path *paths, size_t count, fp_figures *figures, const double *taken,
       double *part)
{
    part[0] = 1.0;
    for (size_t i = 1; i < count; i++) {
        const double own = (double)figures[i].usage.own;
        if (paths[i].was_off) {
            part[i] = part[paths[i].parent];
            figures[i].factor = 1.0 + part[i] * (figures[i].factor - 1.0);
        } else {
            part[i] = taken[i] > own ? own / taken[i] : 1.0;
        }
    }
}

static void
scale(fp_usage *usage, double factor)
{
    usage->own = as_ticks((double)usage->own * factor);
    usage->own_off = as_ticks((double)usage->own_off * factor);
    usage->total = as_ticks((double)usage->total * factor);
    usage->total_off = as_ticks((double)usage->total_off * factor);
}

static void
take_from(fp_usage *usage, double taken)
{
    const fp_ticks left = as_ticks((double)usage->own - taken);

    if (usage->own > 0) {
        usage->own_off =
            as_ticks((double)usage->own_off * (double)left / (double)usage->own);
    }
    usage->own = left;
}

/* Of what was off for a while. `taken` and `part` have room for all paths. */
static void
estimate(const fp_path *paths, size_t count, fp_figures *figures, double *taken,
         double *part)
{
    memset(taken, 0, count * sizeof *taken);
    for (size_t i = 1; i < count; i++) {
        figures[i].factor = factor_of(paths, i, figures);
    }
    for (size_t i = count; i-- > 1;) {
        if (paths[i].was_off) {
            taken[paths[i].parent] += taken[i] + growth_of(&figures[i]);
        }
    }
    shrink(paths, count, figures, taken, part);
    for (size_t i = 1; i < count; i++) {
        if (paths[i].was_off) {
            scale(&figures[i].usage, figures[i].factor);
        } else {
            take_from(&figures[i].usage, part[i] * taken[i]);
        }
    }
}

static bool
has_unseen(const fp_thread_record *thread)
{
    for (size_t i = 1; i < thread->path_count; i++) {
        if (thread->paths[i].was_off) {
            return true;
        }
    }
    return false;
}

static fp_status
estimate_unseen(const fp_thread_record *thread, fp_figures *figures)
{
    double *room;

    for (size_t i = 0; i < thread->path_count; i++) {
        figures[i].factor = 1.0;
    }
    if (!has_unseen(thread)) {
        return FP_OK;
    }
    room = fp_alloc(2 * thread->path_count * sizeof *room);
    if (room == NULL) {
        return FP_NOMEM;
    }
    estimate(
        thread->paths, thread->path_count, figures, room, room + thread->path_count);
    fp_free(room);
    return FP_OK;
}

/* Children stand behind their parents, so one pass from the back has all of a path
 * before it leaves it. */
fp_figures *
fp_figures_of(const fp_thread_record *thread, const fp_correction *correction,
              bool collections_apart, fp_ticks *clamped)
{
    summing sums = {correction, collections_apart, *clamped};
    fp_figures *figures = fp_alloc(thread->path_count * sizeof *figures);
    step *steps = fp_alloc(thread->path_count * sizeof *steps);

    if (figures == NULL || steps == NULL) {
        fp_free(figures);
        fp_free(steps);
        return NULL;
    }
    memset(figures, 0, thread->path_count * sizeof *figures);
    memset(steps, 0, thread->path_count * sizeof *steps);
    for (size_t i = thread->path_count; i-- > 1;) {
        const fp_path *path = &thread->paths[i];
        step *node = &steps[i], *parent = &steps[path->parent];

        work_out(&sums, path, node, parent, &figures[i]);
        sum_up(&sums, path, node, &figures[i]);
        hand_up(&sums, path, node, parent, &figures[i]);
    }
    fp_free(steps);
    if (estimate_unseen(thread, figures) != FP_OK) {
        fp_free(figures);
        return NULL;
    }
    *clamped = sums.clamped;
    return figures;
}
