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
        const double wanted =
            fp_correction_left(sums->correction, (double)(raw - off), all);
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

/* What the paths of a function come to. */
typedef struct {
    double raw;   /* inclusive ticks, as recorded */
    double all;   /* as they are */
    double own;   /* own ticks of those that were seen all the time */
    double taken; /* of that, what belongs to paths below that were off */
} sum;

static sum *
sums_of(const fp_thread_record *thread, const fp_figures *figures)
{
    uint32_t last = 0;
    sum *sums;

    for (size_t i = 1; i < thread->path_count; i++) {
        last = thread->paths[i].function > last ? thread->paths[i].function : last;
    }
    sums = fp_alloc(((size_t)last + 1) * sizeof *sums);
    if (sums == NULL) {
        return NULL;
    }
    memset(sums, 0, ((size_t)last + 1) * sizeof *sums);
    for (size_t i = 1; i < thread->path_count; i++) {
        sum *of = &sums[thread->paths[i].function];
        of->raw += (double)thread->paths[i].inclusive_ticks;
        of->all += (double)figures[i].usage.total;
    }
    return sums;
}

/* What a path's figures are to be multiplied by: see figures.h. The share of the caller
 * that passed unseen is that of all its paths, for when the callee is off, others lead
 * to it. At least a part of the rest was seen, whatever has been taken as overhead. */
static double
factor_of(const fp_path *paths, size_t i, const fp_figures *figures, const sum *sums)
{
    const fp_path *path = &paths[i], *parent = &paths[path->parent];
    const sum *caller = &sums[parent->function];
    double unseen, seen, least, factor;

    if (!path->was_off || path->parent == 0 || parent->inclusive_ticks <= 0) {
        return 1.0;
    }
    unseen = caller->raw * (double)path->unseen_ticks / (double)parent->inclusive_ticks;
    least = LEAST_SEEN * (caller->raw - unseen);
    seen = caller->all - unseen > least ? caller->all - unseen : least;
    if (!(seen > 0.0)) {
        return 1.0;
    }
    factor =
        (caller->all > seen ? caller->all / seen : 1.0) * figures[path->parent].factor;
    return factor < MOST_FACTOR ? factor : MOST_FACTOR;
}

static void
scale(fp_usage *usage, double factor)
{
    usage->own = as_ticks((double)usage->own * factor);
    usage->own_off = as_ticks((double)usage->own_off * factor);
    usage->total = as_ticks((double)usage->total * factor);
    usage->total_off = as_ticks((double)usage->total_off * factor);
}

/* What is estimated for the paths below is in the own ticks of their caller, on other
 * paths of it: those which led there while it was all folded. */
static void
take_from(fp_usage *usage, const sum *of)
{
    const double left = of->taken < of->own ? 1.0 - of->taken / of->own : 0.0;

    usage->own = as_ticks((double)usage->own * left);
    usage->own_off = as_ticks((double)usage->own_off * left);
}

/* A function that was seen all the time gives no more than it has: what was off below
 * it shrinks. */
static double
shrunk(double factor, const sum *of)
{
    return of->taken > of->own ? 1.0 + (factor - 1.0) * of->own / of->taken : factor;
}

/* Of what was off for a while. `seen` has room for all paths: the nearest path above,
 * or the path itself, that was seen all the time. */
static void
estimate(const fp_path *paths, size_t count, fp_figures *figures, sum *sums,
         uint32_t *seen)
{
    seen[0] = 0;
    for (size_t i = 1; i < count; i++) {
        const double own = (double)figures[i].usage.own;
        figures[i].factor = factor_of(paths, i, figures, sums);
        seen[i] = paths[i].was_off ? seen[paths[i].parent] : (uint32_t)i;
        if (paths[i].was_off) {
            sums[paths[seen[i]].function].taken += (figures[i].factor - 1.0) * own;
        } else {
            sums[paths[i].function].own += own;
        }
    }
    for (size_t i = 1; i < count; i++) {
        const sum *of = &sums[paths[seen[i]].function];
        if (!paths[i].was_off) {
            take_from(&figures[i].usage, of);
        } else if (seen[i] != 0) {
            figures[i].factor = shrunk(figures[i].factor, of);
            scale(&figures[i].usage, figures[i].factor);
        } else {
            figures[i].factor = 1.0; /* of nobody's time */
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
    const size_t count = thread->path_count;
    fp_status status = FP_NOMEM;
    uint32_t *seen;
    sum *sums;

    for (size_t i = 0; i < count; i++) {
        figures[i].factor = 1.0;
    }
    if (!has_unseen(thread)) {
        return FP_OK;
    }
    seen = fp_alloc(count * sizeof *seen);
    sums = sums_of(thread, figures);
    if (seen != NULL && sums != NULL) {
        estimate(thread->paths, count, figures, sums, seen);
        status = FP_OK;
    }
    fp_free(sums);
    fp_free(seen);
    return status;
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
