#include "calltree.h"
#include "support.h"

static fp_budget budget;
static fp_calltree tree;

static void
plant(size_t nodes)
{
    budget.nodes_left = nodes;
    ck_assert_int_eq(fp_calltree_init(&tree, &budget), FP_OK);
}

static fp_node *
child(fp_node *parent, fp_key key, fp_status expected)
{
    fp_node *found = NULL;

    ck_assert_int_eq(fp_calltree_child(&tree, parent, key, &found), expected);
    return found;
}

START_TEST(a_path_has_one_node)
{
    plant(100);
    fp_node *first = child(tree.root, MAIN, FP_ADDED);
    ck_assert_ptr_eq(child(tree.root, MAIN, FP_OK), first);
    ck_assert_ptr_eq(first->edge.parent, tree.root);
    ck_assert_ptr_eq(first->edge.key, MAIN);
    fp_calltree_free(&tree);
}
END_TEST

START_TEST(the_same_function_on_two_paths_has_two_nodes)
{
    plant(100);
    fp_node *f = child(tree.root, MAIN, FP_ADDED);
    fp_node *h = child(tree.root, HELPER, FP_ADDED);
    ck_assert_ptr_ne(child(f, LEAF, FP_ADDED), child(h, LEAF, FP_ADDED));
    fp_calltree_free(&tree);
}
END_TEST

START_TEST(the_last_child_and_its_successor_are_remembered)
{
    plant(100);
    fp_node *a = child(tree.root, MAIN, FP_ADDED);
    fp_node *b = child(tree.root, HELPER, FP_ADDED);
    ck_assert_ptr_eq(tree.root->last_child, b);
    ck_assert_ptr_eq(a->successor, b);
    child(tree.root, MAIN, FP_OK);
    ck_assert_ptr_eq(tree.root->last_child, a);
    ck_assert_ptr_eq(b->successor, a);
    fp_calltree_free(&tree);
}
END_TEST

START_TEST(a_used_up_budget_changes_nothing)
{
    plant(1);
    fp_node *a = child(tree.root, MAIN, FP_ADDED);
    child(tree.root, HELPER, FP_FULL);
    ck_assert_uint_eq(tree.count, 2);
    ck_assert_ptr_eq(tree.root->last_child, a);
    ck_assert_ptr_eq(child(tree.root, MAIN, FP_OK), a);
    fp_calltree_free(&tree);
}
END_TEST

START_TEST(a_freed_tree_gives_its_nodes_back)
{
    plant(10);
    child(child(tree.root, MAIN, FP_ADDED), HELPER, FP_ADDED);
    ck_assert_uint_eq(budget.nodes_left, 8);
    fp_calltree_free(&tree);
    ck_assert_uint_eq(budget.nodes_left, 10);
}
END_TEST

static void
check_order(void *context, fp_node *node)
{
    uint32_t *expected = context;

    ck_assert_uint_eq(node->index, *expected);
    ck_assert(node->edge.parent == NULL || node->edge.parent->index < node->index);
    ck_assert_uint_eq((uintptr_t)node % 64, 0);
    ++*expected;
}

/* Enough nodes for many chunks and many growths of the table. */
START_TEST(a_large_tree_finds_all_its_nodes_again)
{
    enum { LEVELS = 3000 };
    uint32_t visited = 0;
    fp_node *at;

    plant(LEVELS * KEY_COUNT);
    at = tree.root;
    for (int level = 0; level < LEVELS; level++) {
        fp_node *next = NULL;
        for (int k = 0; k < KEY_COUNT; k++) {
            next = child(at, &keys[k], FP_ADDED);
        }
        at = next;
    }
    at = tree.root;
    for (int level = 0; level < LEVELS; level++) {
        for (int k = 0; k < KEY_COUNT; k++) {
            const fp_node *found = child(at, &keys[(k * 7) % KEY_COUNT], FP_OK);
            ck_assert_ptr_eq(found->edge.parent, at);
            ck_assert_ptr_eq(found->edge.key, &keys[(k * 7) % KEY_COUNT]);
        }
        at = child(at, &keys[KEY_COUNT - 1], FP_OK);
    }
    fp_calltree_walk(&tree, check_order, &visited);
    ck_assert_uint_eq(visited, LEVELS * KEY_COUNT + 1);
    fp_calltree_free(&tree);
}
END_TEST

RUN_SUITE("calltree", a_path_has_one_node, the_same_function_on_two_paths_has_two_nodes,
          the_last_child_and_its_successor_are_remembered,
          a_used_up_budget_changes_nothing, a_freed_tree_gives_its_nodes_back,
          a_large_tree_finds_all_its_nodes_again)
