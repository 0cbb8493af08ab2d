/* Random trees, merged: each path has the sum of its figures, wherever it came from. */
#include "alloc.h"
#include "merge.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH 6
#define MOST_PATHS 4096

/* A path by the functions on it, from the root. */
typedef struct {
    uint32_t functions[DEPTH];
    unsigned depth;
    fp_ticks own;
    int64_t calls;
} expected;

static expected model[MOST_PATHS];
static size_t model_size;
static fp_recorder recorder;
static fp_budget budget;
static fp_ticks now;

static unsigned
below(unsigned limit)
{
    return (unsigned)rand() / 7U % limit;
}

static expected *
model_of(const expected *path)
{
    for (size_t i = 0; i < model_size; i++) {
        if (model[i].depth == path->depth &&
            memcmp(model[i].functions,
                   path->functions,
                   path->depth * sizeof *path->functions) == 0) {
            return &model[i];
        }
    }
    ck_assert_uint_lt(model_size, MOST_PATHS);
    model[model_size] = *path;
    model[model_size].own = model[model_size].calls = 0;
    return &model[model_size++];
}

/* Function 9 is hidden, and 8 a collection. `shown`: the path as it will be. */
static void
run(const expected *shown, unsigned depth, unsigned number)
{
    const uint32_t function = below(10);
    expected path = *shown;
    expected *of_path = NULL;
    fp_ticks own;

    if (fp_recorder_enter(&recorder, &keys[function], frame(number), now) == FP_ADDED &&
        function >= 8) {
        fp_recorder_hide(&recorder, function == 9 ? FP_HIDDEN : FP_FOLDED);
    }
    if (function != 9) {
        path.functions[path.depth++] = function;
        of_path = model_of(&path);
    }
    own = below(100);
    now += own;
    for (unsigned calls = depth + 1 < DEPTH ? below(4) : 0; calls > 0; calls--) {
        run(&path, depth + 1, number + 1);
    }
    if (of_path != NULL) {
        of_path->own += own;
        of_path->calls++;
    }
    fp_recorder_leave(&recorder, frame(number), now, false);
}

static void
add_recorded(fp_merged *merged, unsigned seed)
{
    static const expected root = {.depth = 0};
    fp_snapshot snapshot = {0};
    fp_figures *figures;
    fp_ticks clamped = 0;

    srand(seed);
    budget.nodes_left = 1U << 20;
    ck_assert_int_eq(fp_recorder_init(&recorder, &budget), FP_OK);
    for (int i = 0; i < 20; i++) {
        run(&root, 0, 1);
    }
    ck_assert_int_eq(fp_snapshot_add(&snapshot, &recorder, 1, now, numbering), FP_OK);
    figures = fp_figures_of(&snapshot.threads[0], NULL, true, &clamped);
    ck_assert_ptr_nonnull(figures);
    ck_assert_int_eq(fp_merged_add(merged, &snapshot.threads[0], figures, NULL, 1.0),
                     FP_OK);
    fp_free(figures);
    fp_snapshot_free(&snapshot);
    fp_recorder_free(&recorder);
}

static expected
path_of(const fp_merged *merged, size_t at)
{
    expected path = {.depth = 0};

    for (size_t i = at; i != 0; i = merged->branches[i].parent) {
        path.depth++;
    }
    for (unsigned d = path.depth; at != 0; at = merged->branches[at].parent) {
        path.functions[--d] = merged->branches[at].function;
    }
    return path;
}

START_TEST(each_path_has_the_sum_of_its_figures)
{
    fp_merged merged;

    model_size = 0;
    ck_assert_int_eq(fp_merged_init(&merged), FP_OK);
    for (unsigned seed = 1; seed <= 3; seed++) {
        add_recorded(&merged, seed);
    }
    ck_assert_int_eq(fp_merged_finish(&merged), FP_OK);
    ck_assert_uint_eq(merged.count, model_size + 1);
    ck_assert_uint_gt(merged.count, 300); /* it has grown */
    for (size_t i = 1; i < merged.count; i++) {
        const fp_branch *branch = &merged.branches[i];
        const expected path = path_of(&merged, i);
        const expected *wanted = model_of(&path);
        ck_assert_uint_lt(branch->parent, i);
        ck_assert_int_eq(branch->usage.own, wanted->own);
        ck_assert_int_eq(branch->calls, wanted->calls);
        ck_assert_int_eq(branch->visibility,
                         branch->function == 8 ? FP_FOLDED : FP_SHOWN);
    }
    fp_merged_free(&merged);
}
END_TEST

START_TEST(children_are_sorted_and_make_up_the_total)
{
    fp_merged merged;
    size_t seen = 0;

    model_size = 0;
    ck_assert_int_eq(fp_merged_init(&merged), FP_OK);
    add_recorded(&merged, 7);
    ck_assert_int_eq(fp_merged_finish(&merged), FP_OK);
    for (size_t i = 0; i < merged.count; i++) {
        const fp_branch *branch = &merged.branches[i];
        fp_ticks total = branch->usage.own, last = INT64_MAX;
        for (uint32_t c = branch->first_child; c != 0;
             c = merged.branches[c].next_sibling) {
            ck_assert_uint_eq(merged.branches[c].parent, i);
            ck_assert_int_le(merged.branches[c].usage.total, last);
            last = merged.branches[c].usage.total;
            total += last;
            seen++;
        }
        ck_assert_int_eq(branch->usage.total, total);
    }
    ck_assert_uint_eq(seen, merged.count - 1);
    fp_merged_free(&merged);
}
END_TEST

/* As a record it gives the same figures again. */
START_TEST(a_record_of_it_has_its_figures)
{
    fp_thread_record record;
    fp_figures *figures;
    fp_merged merged;
    fp_ticks clamped = 0;

    model_size = 0;
    ck_assert_int_eq(fp_merged_init(&merged), FP_OK);
    add_recorded(&merged, 9);
    ck_assert_int_eq(fp_merged_finish(&merged), FP_OK);
    ck_assert_int_eq(fp_merged_record(&merged, &record), FP_OK);
    figures = fp_figures_of(&record, NULL, true, &clamped);
    ck_assert_ptr_nonnull(figures);
    for (size_t i = 1; i < merged.count; i++) {
        ck_assert_int_eq(record.paths[i].calls, merged.branches[i].calls);
        ck_assert_int_eq(figures[i].usage.own, merged.branches[i].usage.own);
        ck_assert_int_eq(figures[i].usage.total, merged.branches[i].usage.total);
    }
    fp_free(figures);
    fp_thread_record_free(&record);
    fp_merged_free(&merged);
}
END_TEST

START_TEST(functions_get_other_numbers_and_times_another_unit)
{
    static const uint32_t numbers[KEY_COUNT] = {5, 5};
    const fp_path paths[] = {
        {0},
        {.function = 0, .calls = 1, .inclusive_ticks = 10, .off_ticks = 4},
        {.function = 1, .calls = 2, .raised = 1, .inclusive_ticks = 20},
    };
    const fp_thread_record thread = {.paths = (fp_path *)paths, .path_count = 3};
    fp_figures *figures;
    fp_merged merged;
    fp_ticks clamped = 0;

    ck_assert_int_eq(fp_merged_init(&merged), FP_OK);
    figures = fp_figures_of(&thread, NULL, true, &clamped);
    ck_assert_ptr_nonnull(figures);
    ck_assert_int_eq(fp_merged_add(&merged, &thread, figures, numbers, 0.5), FP_OK);
    ck_assert_int_eq(fp_merged_finish(&merged), FP_OK);
    ck_assert_uint_eq(merged.count, 2);
    ck_assert_uint_eq(merged.branches[1].function, 5);
    ck_assert_int_eq(merged.branches[1].calls, 3);
    ck_assert_int_eq(merged.branches[1].raised, 1);
    ck_assert_int_eq(merged.branches[1].usage.own, 15);
    ck_assert_int_eq(merged.branches[1].usage.total_off, 2);
    fp_free(figures);
    fp_merged_free(&merged);
}
END_TEST

START_TEST(every_failure_is_told_and_nothing_is_lost)
{
    fp_snapshot snapshot = {0};
    unsigned long nth = 1;
    bool is_done = false;

    budget.nodes_left = 1U << 20;
    now = 0;
    ck_assert_int_eq(fp_recorder_init(&recorder, &budget), FP_OK);
    for (unsigned i = 1; i < 2000; i++) {
        fp_recorder_enter(&recorder, &keys[i % KEY_COUNT], frame(i), i);
    }
    ck_assert_int_eq(fp_snapshot_add(&snapshot, &recorder, 1, 5000, numbering), FP_OK);
    fp_recorder_free(&recorder);
    for (; !is_done; nth++) {
        fp_merged merged;
        fp_figures *figures;
        fp_ticks clamped = 0;
        fail_allocations_from(nth);
        if (fp_merged_init(&merged) != FP_OK) {
            continue;
        }
        figures = fp_figures_of(&snapshot.threads[0], NULL, true, &clamped);
        is_done =
            figures != NULL &&
            fp_merged_add(&merged, &snapshot.threads[0], figures, NULL, 1.0) == FP_OK &&
            fp_merged_finish(&merged) == FP_OK;
        fp_free(figures);
        fp_merged_free(&merged);
    }
    fail_allocations_from(0);
    ck_assert_uint_gt(nth, 10);
    fp_snapshot_free(&snapshot);
}
END_TEST

RUN_SUITE("merge", each_path_has_the_sum_of_its_figures,
          children_are_sorted_and_make_up_the_total, a_record_of_it_has_its_figures,
          functions_get_other_numbers_and_times_another_unit,
          every_failure_is_told_and_nothing_is_lost)
