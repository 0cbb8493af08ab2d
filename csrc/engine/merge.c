#include "merge.h"

#include "alloc.h"
#include "hash.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY ((size_t)256)

fp_status
fp_merged_init(fp_merged *merged)
{
    *merged = (fp_merged){.count = 1, .capacity = FIRST_CAPACITY};
    merged->branches = fp_alloc(FIRST_CAPACITY * sizeof *merged->branches);
    merged->table = fp_alloc(2 * FIRST_CAPACITY * sizeof *merged->table);
    if (merged->branches == NULL || merged->table == NULL) {
        fp_merged_free(merged);
        return FP_NOMEM;
    }
    merged->mask = 2 * FIRST_CAPACITY - 1;
    memset(merged->table, 0, 2 * FIRST_CAPACITY * sizeof *merged->table);
    merged->branches[0] = (fp_branch){0};
    return FP_OK;
}

/* Where in the table the branch stands, or would be put. */
static uint32_t *
place_of(const fp_merged *merged, uint32_t parent, uint32_t function)
{
    size_t at = (size_t)fp_mix(fp_mix(0, parent), function) & merged->mask;

    while (merged->table[at] != 0) {
        const fp_branch *branch = &merged->branches[merged->table[at]];
        if (branch->parent == parent && branch->function == function) {
            break;
        }
        at = (at + 1) & merged->mask;
    }
    return &merged->table[at];
}

/* Twice the room, for both arrays. */
static fp_status
grow(fp_merged *merged)
{
    const size_t capacity = 2 * merged->capacity;
    fp_branch *branches;
    uint32_t *table;

    if (capacity > UINT32_MAX) {
        return FP_NOMEM;
    }
    branches = fp_realloc(merged->branches, capacity * sizeof *branches);
    if (branches == NULL) {
        return FP_NOMEM;
    }
    merged->branches = branches;
    table = fp_realloc(merged->table, 2 * capacity * sizeof *table);
    if (table == NULL) {
        return FP_NOMEM;
    }
    memset(table, 0, 2 * capacity * sizeof *table);
    merged->table = table;
    merged->mask = 2 * capacity - 1;
    merged->capacity = capacity;
    for (uint32_t i = 1; i < merged->count; i++) {
        *place_of(merged, branches[i].parent, branches[i].function) = i;
    }
    return FP_OK;
}

uint32_t
fp_merged_child(fp_merged *merged, uint32_t parent, uint32_t function)
{
    uint32_t *place = place_of(merged, parent, function);

    if (*place != 0) {
        return *place;
    }
    if (merged->count == merged->capacity) {
        if (grow(merged) != FP_OK) {
            return 0;
        }
        place = place_of(merged, parent, function);
    }
    merged->branches[merged->count] =
        (fp_branch){.parent = parent, .function = function};
    *place = (uint32_t)merged->count++;
    return *place;
}

fp_ticks
fp_scaled(fp_ticks ticks, double scale)
{
    const double product = (double)ticks * scale;

    if (scale == 1.0) {
        return ticks;
    }
    if (!(product < 0x1p62 && product > -0x1p62)) { /* what is no number, too */
        return ticks > 0 ? INT64_MAX : ticks < 0 ? -INT64_MAX : 0;
    }
    return (fp_ticks)(product + (product < 0.0 ? -0.5 : 0.5));
}

static void
add_figures(fp_branch *branch, const fp_path *path, const fp_figures *figures,
            double scale)
{
    const fp_usage *usage = &figures->usage;
    const fp_taken *taken = &figures->taken;

    branch->visibility = path->visibility;
    branch->calls = fp_plus(branch->calls, fp_estimated(figures, path->calls));
    branch->raised = fp_plus(branch->raised, fp_estimated(figures, path->raised));
    branch->resumes = fp_plus(branch->resumes, fp_estimated(figures, path->resumes));
    branch->suspended =
        fp_plus(branch->suspended, fp_scaled(path->suspended_ticks, scale));
    branch->usage.own = fp_plus(branch->usage.own, fp_scaled(usage->own, scale));
    branch->usage.own_off =
        fp_plus(branch->usage.own_off, fp_scaled(usage->own_off, scale));
    branch->taken.added = fp_plus(branch->taken.added, fp_scaled(taken->added, scale));
    branch->taken.error = fp_plus(branch->taken.error, fp_scaled(taken->error, scale));
}

fp_status
fp_merged_add(fp_merged *merged, const fp_thread_record *thread,
              const fp_figures *figures, const uint32_t *numbers, double scale)
{
    uint32_t *places = fp_alloc(thread->path_count * sizeof *places);
    fp_status status = FP_OK;

    if (places == NULL) {
        return FP_NOMEM;
    }
    places[0] = 0;
    for (size_t i = 1; i < thread->path_count; i++) {
        const fp_path *path = &thread->paths[i];
        const uint32_t function = path->function;

        places[i] = places[path->parent];
        if (!figures[i].is_shown) {
            continue;
        }
        places[i] = fp_merged_child(
            merged, places[i], numbers != NULL ? numbers[function] : function);
        if (places[i] == 0) {
            status = FP_NOMEM;
            break;
        }
        add_figures(&merged->branches[places[i]], path, &figures[i], scale);
    }
    fp_free(places);
    return status;
}

typedef struct {
    uint32_t place;
    uint32_t parent;
    fp_ticks total;
} ranked;

/* Siblings stand together, the one that took longest last; of two that took as long,
 * the one that was first. */
static int
by_parent_then_total(const void *one, const void *other)
{
    const ranked *a = one, *b = other;

    if (a->parent != b->parent) {
        return a->parent < b->parent ? -1 : 1;
    }
    if (a->total != b->total) {
        return a->total < b->total ? -1 : 1;
    }
    return (a->place < b->place) - (a->place > b->place);
}

fp_status
fp_merged_finish(fp_merged *merged)
{
    fp_branch *branches = merged->branches;
    ranked *order = fp_alloc(merged->count * sizeof *order);

    if (order == NULL) {
        return FP_NOMEM;
    }
    for (uint32_t i = (uint32_t)merged->count; i-- > 1;) {
        fp_usage *usage = &branches[i].usage;
        fp_usage *of_parent = &branches[branches[i].parent].usage;

        usage->total = fp_plus(usage->total, usage->own);
        usage->total_off = fp_plus(usage->total_off, usage->own_off);
        of_parent->total = fp_plus(of_parent->total, usage->total);
        of_parent->total_off = fp_plus(of_parent->total_off, usage->total_off);
        order[i] = (ranked){i, branches[i].parent, usage->total};
    }
    qsort(order + 1, merged->count - 1, sizeof *order, by_parent_then_total);
    for (size_t i = 1; i < merged->count; i++) {
        fp_branch *branch = &branches[order[i].place];

        branch->next_sibling = branches[branch->parent].first_child;
        branches[branch->parent].first_child = order[i].place;
    }
    fp_free(order);
    return FP_OK;
}

fp_status
fp_merged_record(const fp_merged *merged, fp_thread_record *record)
{
    *record = (fp_thread_record){.path_count = merged->count};
    record->paths = fp_alloc(merged->count * sizeof *record->paths);
    if (record->paths == NULL) {
        return FP_NOMEM;
    }
    record->paths[0] = (fp_path){0};
    for (size_t i = 1; i < merged->count; i++) {
        const fp_branch *branch = &merged->branches[i];
        record->paths[i] = (fp_path){
            .parent = branch->parent,
            .function = branch->function,
            .visibility = branch->visibility,
            .calls = branch->calls,
            .raised = branch->raised,
            .inclusive_ticks = branch->usage.total,
            .off_ticks = branch->usage.own_off,
            .resumes = branch->resumes,
            .suspended_ticks = branch->suspended,
        };
    }
    return FP_OK;
}

void
fp_merged_free(fp_merged *merged)
{
    fp_free(merged->branches);
    fp_free(merged->table);
    *merged = (fp_merged){0};
}
