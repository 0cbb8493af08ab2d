#include "calltree.h"

#include "alloc.h"

#include <string.h>

#define LINE 64U
#define FIRST_CHUNK_NODES 8U
#define LARGEST_CHUNK_NODES 4096U

/* Rounded up, so that every node of a chunk begins a cache line. */
#define NODE_SIZE ((sizeof(fp_node) + LINE - 1) / LINE * LINE)

struct fp_chunk {
    fp_chunk *next;
    char *nodes; /* aligned */
    uint32_t used;
    uint32_t capacity;
};

const fp_node fp_no_node = {.last_child = FP_NO_NODE, .successor = FP_NO_NODE};

static fp_chunk *
new_chunk(uint32_t capacity)
{
    fp_chunk *chunk = fp_alloc(sizeof *chunk + LINE - 1 + capacity * NODE_SIZE);

    if (chunk != NULL) {
        const uintptr_t start = (uintptr_t)(chunk + 1);
        const size_t gap = (LINE - start % LINE) % LINE;
        *chunk = (fp_chunk){.nodes = (char *)(chunk + 1) + gap, .capacity = capacity};
    }
    return chunk;
}

/* Makes sure that the current chunk has room. */
static bool
have_room(fp_calltree *tree)
{
    fp_chunk *chunk = tree->chunk;
    fp_chunk *fresh;
    uint32_t capacity = FIRST_CHUNK_NODES;

    if (chunk != NULL && chunk->used < chunk->capacity) {
        return true;
    }
    if (chunk != NULL) {
        capacity = chunk->capacity < LARGEST_CHUNK_NODES ? 2 * chunk->capacity
                                                         : LARGEST_CHUNK_NODES;
    }
    fresh = new_chunk(capacity);
    if (fresh == NULL) {
        return false;
    }
    if (chunk == NULL) {
        tree->first_chunk = fresh;
    } else {
        chunk->next = fresh;
    }
    tree->chunk = fresh;
    return true;
}

/* The next free place, filled in but not yet taken: `keep_node` takes it. */
static fp_node *
blank_node(fp_calltree *tree, fp_edge edge)
{
    fp_node *node;

    if (!have_room(tree)) {
        return NULL;
    }
    node = (fp_node *)(void *)(tree->chunk->nodes + tree->chunk->used * NODE_SIZE);
    memset(node, 0, sizeof *node);
    node->edge = edge;
    node->last_child = FP_NO_NODE;
    node->successor = FP_NO_NODE;
    node->index = tree->count;
    return node;
}

static void
keep_node(fp_calltree *tree)
{
    tree->chunk->used++;
    tree->count++;
}

fp_status
fp_calltree_init(fp_calltree *tree, fp_budget *budget)
{
    *tree = (fp_calltree){.budget = budget};
    tree->root = blank_node(tree, (fp_edge){NULL, NULL});
    if (tree->root == NULL) {
        return FP_NOMEM;
    }
    keep_node(tree);
    return FP_OK;
}

void
fp_calltree_free(fp_calltree *tree)
{
    fp_chunk *chunk = tree->first_chunk;

    HASH_CLEAR(hh, tree->nodes);
    while (chunk != NULL) {
        fp_chunk *next = chunk->next;
        fp_free(chunk);
        chunk = next;
    }
    if (tree->count > 0) {
        tree->budget->nodes_left += tree->count - 1;
    }
    *tree = (fp_calltree){.budget = tree->budget};
}

static fp_status
add_child(fp_calltree *tree, fp_edge edge, fp_node **child)
{
    fp_node *node;

    if (tree->budget->nodes_left == 0 || tree->count == UINT32_MAX) {
        return FP_FULL;
    }
    node = blank_node(tree, edge);
    if (node == NULL) {
        return FP_NOMEM;
    }
    HASH_ADD(hh, tree->nodes, edge, sizeof edge, node);
    if (node->hh.tbl == NULL) {
        return FP_NOMEM;
    }
    keep_node(tree);
    tree->budget->nodes_left--;
    *child = node;
    return FP_ADDED;
}

/* The child is the last one now, and came after the one that was. */
static void
remember(fp_node *parent, fp_node *child)
{
    fp_node *last = parent->last_child;

    if (last != FP_NO_NODE && last != child) {
        last->successor = child;
    }
    parent->last_child = child;
}

fp_node *
fp_calltree_find(const fp_calltree *tree, fp_node *parent, fp_key key)
{
    const fp_edge wanted = {parent, key};
    fp_node *found = fp_calltree_foreseen(parent, key);

    if (found->edge.key != key) {
        HASH_FIND(hh, tree->nodes, &wanted, sizeof wanted, found);
    }
    if (found != NULL) {
        remember(parent, found);
    }
    return found;
}

fp_status
fp_calltree_child(fp_calltree *tree, fp_node *parent, fp_key key, fp_node **child)
{
    fp_node *found = fp_calltree_find(tree, parent, key);
    fp_status status = FP_OK;

    if (found == NULL) {
        status = add_child(tree, (fp_edge){parent, key}, &found);
        if (status < 0) {
            return status;
        }
        remember(parent, found);
    }
    *child = found;
    return status;
}

void
fp_calltree_walk(const fp_calltree *tree,
                 void (*visit)(void *context, const fp_node *node), void *context)
{
    for (const fp_chunk *chunk = tree->first_chunk; chunk; chunk = chunk->next) {
        for (uint32_t i = 0; i < chunk->used; i++) {
            visit(context,
                  (const fp_node *)(const void *)(chunk->nodes + i * NODE_SIZE));
        }
    }
}
