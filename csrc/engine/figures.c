#include "figures.h"

#include "alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SEEN 0.2 /* of a reference's ticks, as recorded, while a unit was on */
#define MOST_FACTOR 1e6
#define STEPS 8 /* towards what is left to folded functions */

/* In the moments in which all are seen events cost up to 1 + COLD times as much, for
 * the interpreter has just instrumented all code anew; less, where no more than
 * FEW_FUNCTIONS were off, whose code is soon warm (docs/measurements.md). */
#define COLD 0.4
#define FEW_FUNCTIONS 20.0

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
        const double missing = wanted < 0.0 ? -wanted : 0.0;
        const double own =
            missing > 0.0 ? 0.0 : fp_correction_paced(sums->correction, path, wanted);
        figures->usage.own = fp_plus(off, as_ticks(own));
        figures->taken.added = raw - off - as_ticks(wanted);
        figures->taken.error = as_ticks(added.error + node->children.error +
                                        FP_UNSURE * fmax(wanted - own, 0.0));
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
    double raw;    /* inclusive ticks, as recorded, but of recursive calls */
    double all;    /* as they are */
    double folded; /* own ticks of paths that were off for a while; of these, */
    double unseen; /* what is that of callees that were off while they were not, */
    double kept;   /* and the part that is their own */
    double own;    /* own ticks of paths that were seen all the time; with those of */
    double below;  /* paths below that were off: as recorded, */
    double least;  /* what is their own of that, */
    double most;   /* and as often as they are said to have been called */
} sum;

/* The highest path of the same function above, not too far, or the path itself. */
static uint32_t
outermost(const fp_path *paths, uint32_t i)
{
    const uint32_t function = paths[i].function;
    uint32_t found = i;

    for (int steps = 0; steps < FP_FARTHEST && i != 0; steps++) {
        i = paths[i].parent;
        if (i != 0 && paths[i].function == function) {
            found = i;
        }
    }
    return found;
}

static sum *
sums_of(const fp_thread_record *thread, const fp_figures *figures, size_t *count)
{
    uint32_t last = 0;
    sum *sums;

    for (size_t i = 1; i < thread->path_count; i++) {
        last = thread->paths[i].function > last ? thread->paths[i].function : last;
    }
    *count = (size_t)last + 1;
    sums = fp_alloc(*count * sizeof *sums);
    if (sums == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < *count; i++) {
        sums[i] = (sum){.kept = 1.0};
    }
    for (size_t i = 1; i < thread->path_count; i++) {
        sum *of = &sums[thread->paths[i].function];
        if (outermost(thread->paths, (uint32_t)i) == i) {
            of->raw += (double)thread->paths[i].inclusive_ticks;
            of->all += (double)figures[i].usage.total;
        }
        *(thread->paths[i].was_off ? &of->folded : &of->own) +=
            (double)figures[i].usage.own;
    }
    return sums;
}

/* What the events of a path added, and in which share of the time it was seen. */
typedef struct {
    double seen;
    double added;
    double before; /* what is added by all with less, */
    double after;  /* and by all others for each part of the time in which they were */
} load;

/* Of a thread, by the shares. */
typedef struct {
    load *loads;
    size_t count;
    double raw;   /* ticks as recorded, */
    double added; /* and what was added to them */
} load_list;

static int
by_seen(const void *one, const void *other)
{
    const double a = ((const load *)one)->seen, b = ((const load *)other)->seen;

    return (a > b) - (a < b);
}

static double
share_seen(const fp_path *path, const fp_path *reference)
{
    const double inclusive = (double)reference->inclusive_ticks;

    return inclusive > 0.0 ? fmax(1.0 - (double)path->unseen_ticks / inclusive, 0.0)
                           : 1.0;
}

/* In the part of a thread's time in which what was seen for a share of it was seen: how
 * much of that the profiler added. Whatever was seen less often was seen then. */
static double
density(const load_list *list, double share)
{
    size_t low = 0, high = list->count;
    double before, after;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (list->loads[middle].seen <= share) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    before = low > 0 ? list->loads[low - 1].before + list->loads[low - 1].added : 0.0;
    after = low < list->count ? list->loads[low].after : 0.0;
    return list->raw > 0.0 ? (before / share + after) / list->raw : 0.0;
}

/* How many times as much a path had as was recorded while its reference was seen. The
 * share of the reference that passed unseen is that of all its paths, for when the unit
 * is off, others lead to it. */
static double
factor_of(const load_list *list, const sum *of, double share, double cost)
{
    const double of_all = list->raw > 0.0 ? list->added / list->raw : 0.0;
    const double of_it = of->raw > 0.0 ? 1.0 - of->all / of->raw : 0.0;
    double added, seen;

    if (share <= 0.0 || share >= 1.0) {
        return 1.0;
    }
    added = of_all > 0.0 ? cost * density(list, share) * of_it / of_all : 0.0;
    seen = share * of->raw * (1.0 - fmin(added, 1.0 - LEAST_SEEN));
    return seen > 0.0 && of->all > seen ? of->all / seen : 1.0;
}

/* In a recursion, of the outermost call's: all that was added to it was while it was
 * seen. At least a part of that is its own, whatever has been taken. */
static double
factor_of_recursion(const sum *of, double share)
{
    const double unseen = of->raw * (1.0 - share);
    const double least = LEAST_SEEN * share * of->raw;
    const double seen = fmax(of->all - unseen, least);

    return seen > 0.0 && of->all > seen ? of->all / seen : 1.0;
}

/* The paths of a thread of which some were off for a while; of each: */
typedef struct {
    const fp_path *paths;
    size_t count;
    fp_figures *figures;
    uint32_t
        *seen; /* the nearest above that was seen all the time, or the path itself */
    uint32_t *references; /* of one that was off, whose time tells what passed unseen:
                             that one, or in a recursion the outermost call */
    double *mass;         /* for one thing after the other */
    double *calls; /* how many times as many as were recorded; `figures` have how many
                      times as much time, until all is estimated */
    sum *sums;     /* of each function */
    size_t function_count;
    load_list list;
} estimating;

/* Whether it is to be estimated: not what would be of nobody's time. */
static bool
is_estimated(const estimating *all, size_t i)
{
    return all->paths[i].was_off && all->seen[i] != 0;
}

static sum *
sum_of(const estimating *all, size_t i)
{
    return &all->sums[all->paths[i].function];
}

static double
own_of(const estimating *all, size_t i)
{
    return (double)all->figures[i].usage.own;
}

/* What events cost in a moment in which all are seen, by what they cost otherwise. By
 * the functions of this thread that were off. */
static double
cost_when_cold(const estimating *all)
{
    double functions = 0.0;

    for (size_t i = 0; i < all->function_count; i++) {
        functions += all->sums[i].folded > 0.0 ? 1.0 : 0.0;
    }
    return 1.0 + COLD * (1.0 - exp(-functions / FEW_FUNCTIONS));
}

/* For times, events cost what has been taken for them from own times: then as much too
 * much is left in the reference's time as in these. */
static void
set_factors(const estimating *all)
{
    const double cost = cost_when_cold(all);

    for (size_t i = 1; i < all->count; i++) {
        all->calls[i] = 1.0;
        if (is_estimated(all, i)) {
            const uint32_t reference = all->references[i];
            const double share = share_seen(&all->paths[i], &all->paths[reference]);
            const sum *of = sum_of(all, reference);
            const bool is_inner = reference != all->seen[i];
            const double times = is_inner ? factor_of_recursion(of, share)
                                          : factor_of(&all->list, of, share, 1.0);
            const double calls =
                is_inner ? times : factor_of(&all->list, of, share, cost);
            all->figures[i].factor =
                fmin(times * all->figures[reference].factor, MOST_FACTOR);
            all->calls[i] = fmin(calls * all->calls[reference], MOST_FACTOR);
        }
    }
}

/* Of the own ticks of a path that was off for a while, some are those of callees that
 * were off while it was not. One step towards what is left: that depends on what is
 * left to the callees. `mass`, of each path: its own, and that of all below that were
 * off, as often as they were called while it was seen. */
static void
settle(const estimating *all)
{
    for (size_t i = 1; i < all->count; i++) {
        all->mass[i] = own_of(all, i) * sum_of(all, i)->kept;
    }
    for (size_t i = all->count; i-- > 1;) {
        const uint32_t parent = all->paths[i].parent;
        if (all->paths[i].was_off && all->paths[parent].was_off) {
            /* How many times as much it had as was recorded while its caller was. */
            const double factor =
                fmax(all->figures[i].factor / all->figures[parent].factor, 1.0);
            sum_of(all, parent)->unseen += (factor - 1.0) * all->mass[i];
            all->mass[parent] += factor * all->mass[i];
        }
    }
    for (size_t i = 0; i < all->function_count; i++) {
        sum *of = &all->sums[i];
        of->kept /= 2.0;
        if (of->unseen < of->folded) {
            of->kept += (1.0 - of->unseen / of->folded) / 2.0;
        }
        of->unseen = 0.0;
    }
}

static void
scale(fp_usage *usage, double own, double total)
{
    usage->own = as_ticks((double)usage->own * own);
    usage->own_off = as_ticks((double)usage->own_off * own);
    usage->total = as_ticks((double)usage->total * total);
    usage->total_off = as_ticks((double)usage->total_off * total);
}

/* The part of what is said to have been unseen that there is: a function that was seen
 * all the time gives no more than it has. */
static double
part_of(const sum *of)
{
    const double all = of->own + of->below;

    return of->most > all ? (all - of->least) / (of->most - of->least) : 1.0;
}

static void
estimate(const estimating *all)
{
    set_factors(all);
    for (int i = 0; i < STEPS; i++) {
        settle(all);
    }
    for (size_t i = 1; i < all->count; i++) {
        if (is_estimated(all, i)) {
            const double own = own_of(all, i), kept = sum_of(all, i)->kept;
            sum *of = sum_of(all, all->seen[i]);
            of->below += own;
            of->least += own * kept;
            of->most += own * kept * all->figures[i].factor;
        }
    }
    for (size_t i = 1; i < all->count; i++) {
        const sum *of = sum_of(all, all->seen[i]);
        const double part = part_of(of);
        fp_figures *one = &all->figures[i];
        if (is_estimated(all, i)) {
            const double of_time = 1.0 + (one->factor - 1.0) * part;
            scale(&one->usage, of_time * sum_of(all, i)->kept, of_time);
            one->factor = 1.0 + (all->calls[i] - 1.0) * part;
        } else if (all->seen[i] != 0 && of->own > 0.0) {
            const double given = of->least + part * (of->most - of->least) - of->below;
            scale(&one->usage, given < of->own ? 1.0 - given / of->own : 0.0, 1.0);
        }
    }
}

static void
find_references(const estimating *all)
{
    all->seen[0] = 0;
    for (size_t i = 1; i < all->count; i++) {
        all->seen[i] = (uint32_t)i;
        if (all->paths[i].was_off) {
            const uint32_t highest = outermost(all->paths, (uint32_t)i);
            all->seen[i] = all->seen[all->paths[i].parent];
            all->references[i] = highest != i ? highest : all->seen[i];
        }
    }
}

/* `mass`: in which share of the time each path was seen. */
static void
fill_loads(estimating *all, const fp_correction *correction)
{
    const fp_path *paths = all->paths;
    load_list *list = &all->list;
    double linear = 0.0, after = 0.0;

    list->count = all->count - 1;
    for (size_t i = 1; i < all->count; i++) {
        const fp_cost cost =
            correction != NULL ? fp_correction_of(correction, &paths[i]) : (fp_cost){0};
        all->mass[i] = 1.0;
        if (is_estimated(all, i)) {
            const uint32_t reference = all->references[i];
            all->mass[i] =
                all->mass[reference] * share_seen(&paths[i], &paths[reference]);
        }
        list->loads[i - 1] = (load){.seen = all->mass[i],
                                    .added = fmax(cost.inside + cost.outside, 0.0)};
        linear += list->loads[i - 1].added;
        list->added += (double)all->figures[i].taken.added;
        list->raw += paths[i].parent == 0 ? (double)paths[i].inclusive_ticks : 0.0;
    }
    qsort(list->loads, list->count, sizeof *list->loads, by_seen);
    for (size_t i = 0; i < list->count; i++) {
        load *one = &list->loads[i];
        one->added *= linear > 0.0 ? list->added / linear : 0.0;
        one->before = i > 0 ? one[-1].before + one[-1].added : 0.0;
    }
    for (size_t i = list->count; i-- > 0;) {
        load *one = &list->loads[i];
        after += one->seen > 0.0 ? one->added / one->seen : 0.0;
        one->after = after;
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
estimate_unseen(const fp_thread_record *thread, fp_figures *figures,
                const fp_correction *correction)
{
    const size_t count = thread->path_count;
    estimating all = {.paths = thread->paths, .count = count, .figures = figures};
    fp_status status = FP_NOMEM;

    for (size_t i = 0; i < count; i++) {
        figures[i].factor = 1.0;
    }
    if (!has_unseen(thread)) {
        return FP_OK;
    }
    all.seen = fp_alloc(count * sizeof *all.seen);
    all.references = fp_alloc(count * sizeof *all.references);
    all.mass = fp_alloc(count * sizeof *all.mass);
    all.calls = fp_alloc(count * sizeof *all.calls);
    all.sums = sums_of(thread, figures, &all.function_count);
    all.list.loads = fp_alloc(count * sizeof *all.list.loads);
    if (all.seen != NULL && all.references != NULL && all.mass != NULL &&
        all.calls != NULL && all.sums != NULL && all.list.loads != NULL) {
        find_references(&all);
        fill_loads(&all, correction);
        estimate(&all);
        status = FP_OK;
    }
    fp_free(all.list.loads);
    fp_free(all.sums);
    fp_free(all.calls);
    fp_free(all.mass);
    fp_free(all.references);
    fp_free(all.seen);
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
    if (estimate_unseen(thread, figures, correction) != FP_OK) {
        fp_free(figures);
        return NULL;
    }
    *clamped = sums.clamped;
    return figures;
}
