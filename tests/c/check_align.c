/* Two trees side by side: the same paths are pairs, the others stand alone. */
#include "align.h"
#include "alloc.h"
#include "support.h"

#define NAMES 3
#define SIZE(array) (sizeof(array) / sizeof *(array))
#define SIDE(parents, functions, names)                                                \
    (fp_side)                                                                          \
    {                                                                                  \
        (parents), (functions), SIZE(parents), (names), SIZE(names)                    \
    }

static void
assert_pair(const fp_aligned *aligned, size_t at, const uint32_t expected[4])
{
    ck_assert_uint_eq(aligned->parents[at], expected[0]);
    ck_assert_uint_eq(aligned->names[at], expected[1]);
    ck_assert_uint_eq(aligned->places[0][at], expected[2]);
    ck_assert_uint_eq(aligned->places[1][at], expected[3]);
}

/* a -> b, a -> c against c, c -> b, a -> b, where functions have other numbers. */
START_TEST(paths_of_the_same_names_are_pairs)
{
    static const uint32_t parents[] = {0, 0, 1, 1}, functions[] = {0, 0, 1, 2};
    static const uint32_t other_parents[] = {0, 0, 1, 0, 3};
    static const uint32_t other_functions[] = {0, 0, 1, 2, 1};
    static const uint32_t names[] = {0, 1, 2}, other_names[] = {2, 1, 0};
    static const uint32_t expected[][4] = {
        {0, 0, 0, 0},
        {0, 0, 1, 3},
        {1, 1, 2, 4},
        {1, 2, 3, 0},
        {0, 2, 0, 1},
        {4, 1, 0, 2},
    };
    const fp_side sides[2] = {SIDE(parents, functions, names),
                              SIDE(other_parents, other_functions, other_names)};
    fp_aligned aligned;

    ck_assert_int_eq(fp_align(sides, NAMES, &aligned), FP_OK);
    ck_assert_uint_eq(aligned.count, SIZE(expected));
    for (size_t i = 0; i < aligned.count; i++) {
        assert_pair(&aligned, i, expected[i]);
    }
    fp_aligned_free(&aligned);
}
END_TEST

/* Three functions of one name below the root against two, each with a child. */
START_TEST(functions_of_one_name_are_paired_in_their_order)
{
    static const uint32_t parents[] = {0, 0, 0, 0, 3}, functions[] = {0, 0, 1, 2, 3};
    static const uint32_t other_parents[] = {0, 0, 0, 2},
                          other_functions[] = {0, 0, 1, 3};
    static const uint32_t names[] = {0, 0, 0, 1};
    static const uint32_t expected[][4] = {
        {0, 0, 0, 0},
        {0, 0, 1, 1},
        {0, 0, 2, 2},
        {0, 0, 3, 0},
        {3, 1, 4, 0},
        {2, 1, 0, 3},
    };
    const fp_side sides[2] = {SIDE(parents, functions, names),
                              SIDE(other_parents, other_functions, names)};
    fp_aligned aligned;

    ck_assert_int_eq(fp_align(sides, 2, &aligned), FP_OK);
    ck_assert_uint_eq(aligned.count, SIZE(expected));
    for (size_t i = 0; i < aligned.count; i++) {
        assert_pair(&aligned, i, expected[i]);
    }
    fp_aligned_free(&aligned);
}
END_TEST

START_TEST(numbers_that_cannot_be_are_refused)
{
    static const uint32_t good[] = {0, 0}, bad[] = {0, 1}, name[] = {0};
    static const uint32_t too_large[] = {1};
    const fp_side whole = SIDE(good, good, name);
    const fp_side wrong[] = {
        SIDE(bad, good, name),
        SIDE(good, bad, name),
        SIDE(good, good, too_large),
        {good, good, 0, name, 1},
    };
    fp_aligned aligned;

    for (size_t i = 0; i < SIZE(wrong); i++) {
        const fp_side sides[] = {whole, wrong[i], whole};
        ck_assert_int_eq(fp_align(&sides[0], 1, &aligned), FP_BADDATA);
        ck_assert_int_eq(fp_align(&sides[1], 1, &aligned), FP_BADDATA);
    }
}
END_TEST

/* A thousand paths, so that what is inside grows too. */
START_TEST(every_failure_is_told_and_nothing_is_lost)
{
    static uint32_t parents[1000], functions[1000];
    static const uint32_t names[] = {0};
    const fp_side side = SIDE(parents, functions, names);
    const fp_side sides[2] = {side, side};
    fp_aligned aligned;
    fp_status status = FP_NOMEM;
    unsigned long nth = 0;

    for (uint32_t i = 1; i < SIZE(parents); i++) {
        parents[i] = i % 2 != 0 ? 0 : i - 1;
    }
    while (status == FP_NOMEM) {
        fail_allocations_from(++nth);
        status = fp_align(sides, 1, &aligned);
    }
    fail_allocations_from(0);
    ck_assert_int_eq(status, FP_OK);
    ck_assert_uint_gt(nth, 10);
    ck_assert_uint_eq(aligned.count, SIZE(parents));
    fp_aligned_free(&aligned);
}
END_TEST

RUN_SUITE("align", paths_of_the_same_names_are_pairs,
          functions_of_one_name_are_paired_in_their_order,
          numbers_that_cannot_be_are_refused, every_failure_is_told_and_nothing_is_lost)
