#include "align.h"

#include "alloc.h"
#include "merge.h"

#include <string.h>

typedef struct {
    fp_aligned *to;
    fp_merged index; /* pairs by parent and name; further ones of a name stand below the
                      * first of them, by numbers from `name_count` on */
    uint32_t name_count;
    uint32_t *repeats; /* of each pair, how many further ones of its name there are */
    size_t capacity;
} alignment;

static uint32_t *
zeroes(size_t count)
{
    uint32_t *array = fp_alloc(count * sizeof *array);

    if (array != NULL) {
        memset(array, 0, count * sizeof *array);
    }
    return array;
}

static bool
is_valid(const fp_side *side, uint32_t name_count)
{
    for (size_t i = 1; i < side->count; i++) {
        if (side->parents[i] >= i || side->functions[i] >= side->function_count) {
            return false;
        }
    }
    for (size_t i = 0; i < side->function_count; i++) {
        if (side->names[i] >= name_count) {
            return false;
        }
    }
    return side->count > 0;
}

/* The pair of a path whose parent's is known; 0: no memory. */
static uint32_t
pair_of(alignment *all, uint32_t parent, uint32_t name, const uint32_t *places)
{
    const uint32_t first = fp_merged_child(&all->index, parent, name);

    if (first == 0 || places[first] == 0) {
        return first;
    }
    return fp_merged_child(&all->index, first, all->name_count + all->repeats[first]++);
}

static fp_status
add_side(alignment *all, const fp_side *side, uint32_t *places)
{
    uint32_t *pairs = fp_alloc(side->count * sizeof *pairs);

    if (pairs == NULL) {
        return FP_NOMEM;
    }
    memset(all->repeats, 0, all->capacity * sizeof *all->repeats);
    pairs[0] = 0;
    for (size_t i = 1; i < side->count; i++) {
        const uint32_t parent = pairs[side->parents[i]];
        const uint32_t name = side->names[side->functions[i]];
        const uint32_t pair = pair_of(all, parent, name, places);
        if (pair == 0) {
            fp_free(pairs);
            return FP_NOMEM;
        }
        pairs[i] = pair;
        places[pair] = (uint32_t)i;
        all->to->parents[pair] = parent;
        all->to->names[pair] = name;
    }
    fp_free(pairs);
    return FP_OK;
}

fp_status
fp_align(const fp_side sides[2], uint32_t name_count, fp_aligned *aligned)
{
    alignment all = {.to = aligned, .name_count = name_count};
    fp_status status = FP_NOMEM;

    *aligned = (fp_aligned){0};
    if (!is_valid(&sides[0], name_count) || !is_valid(&sides[1], name_count)) {
        return FP_BADDATA;
    }
    if (fp_merged_init(&all.index) != FP_OK) {
        return FP_NOMEM;
    }
    all.capacity = sides[0].count + sides[1].count;
    all.repeats = zeroes(all.capacity);
    aligned->parents = zeroes(all.capacity);
    aligned->names = zeroes(all.capacity);
    aligned->places[0] = zeroes(all.capacity);
    aligned->places[1] = zeroes(all.capacity);
    if (all.repeats != NULL && aligned->parents != NULL && aligned->names != NULL &&
        aligned->places[0] != NULL && aligned->places[1] != NULL) {
        status = add_side(&all, &sides[0], aligned->places[0]);
    }
    if (status == FP_OK) {
        status = add_side(&all, &sides[1], aligned->places[1]);
    }
    aligned->count = all.index.count;
    fp_free(all.repeats);
    fp_merged_free(&all.index);
    if (status != FP_OK) {
        fp_aligned_free(aligned);
    }
    return status;
}

void
fp_aligned_free(fp_aligned *aligned)
{
    fp_free(aligned->parents);
    fp_free(aligned->names);
    fp_free(aligned->places[0]);
    fp_free(aligned->places[1]);
    *aligned = (fp_aligned){0};
}
