#include "calltree.h"

#include "alloc.h"

#include <string.h>

#define FIRST_PLACES ((size_t)64)
#define FIRST_CHUNK_NODES 8U
#define LARGEST_CHUNK_NODES 4096U

_Static_assert(sizeof(fp_node) == FP_LINE, "a node fills a cache line");

struct fp_chunk {
    fp_chunk *next;
    fp_node *nodes; /* each begins a cache line */
    uint32_t used;
    uint32_t capacity;
};

const fp_node fp_no_node = {.last_child = FP_NO_NODE, .successor = FP_NO_NODE};

static fp_chunk *
new_chunk(uint32_t capacity)
{
    fp_chunk *chunk =
        fp_alloc(sizeof *chunk + FP_LINE - 1 + capacity * sizeof(fp_node));

    if (chunk != NULL) {
        const uintptr_t start = (uintptr_t)(chunk + 1);
        const size_t gap = (FP_LINE - start % FP_LINE) % FP_LINE;
        void *nodes = (char *)(chunk + 1) + gap;
        *chunk = (fp_chunk){.nodes = nodes, .capacity = capacity};
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
    node = &tree->chunk->nodes[tree->chunk->used];
    *node = (fp_node){.edge = edge,
                      .last_child = FP_NO_NODE,
                      .successor = FP_NO_NODE,
                      .index = tree->count};
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
fp_calltree_retire(fp_calltree *tree)
{
    fp_free(tree->table.places);
    tree->table = (fp_edge_table){0};
}

void
fp_calltree_free(fp_calltree *tree)
{
    fp_chunk *chunk = tree->first_chunk;

    fp_calltree_retire(tree);
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

/* Puts a node into a table; for fp_calltree_walk, too. The root has no key and stays
 * out. */
static void
put(void *table, fp_node *node)
{
    const uint64_t hash = fp_hash_of(node->edge);

    if (node->edge.key != NULL) {
        *fp_place_of(table, node->edge, hash) = (uintptr_t)node | fp_tag_of(hash);
    }
}

/* Makes sure that at most half of the table is full when one more node is in it. */
static bool
have_place(fp_calltree *tree)
{
    const size_t places = tree->table.places != NULL ? tree->table.mask + 1 : 0;
    fp_edge_table larger = {.mask = places > 0 ? 2 * places - 1 : FIRST_PLACES - 1};

    if (2 * (size_t)tree->count < places) {
        return true;
    }
    larger.places = fp_alloc((larger.mask + 1) * sizeof *larger.places);
    if (larger.places == NULL) {
        return false;
    }
    memset(larger.places, 0, (larger.mask + 1) * sizeof *larger.places);
    fp_calltree_walk(tree, put, &larger);
    fp_free(tree->table.places);
    tree->table = larger;
    return true;
}

static fp_status
add_child(fp_calltree *tree, fp_edge edge, fp_node **child)
{
    fp_node *node;

    if (tree->budget->nodes_left == 0 || tree->count == UINT32_MAX) {
        return FP_FULL;
    }
    node = have_place(tree) ? blank_node(tree, edge) : NULL;
    if (node == NULL) {
        return FP_NOMEM;
    }
    put(&tree->table, node);
    keep_node(tree);
    tree->budget->nodes_left--;
    *child = node;
    return FP_ADDED;
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
        fp_remember(parent, found);
    }
    *child = found;
    return status;
}

void
fp_calltree_walk(const fp_calltree *tree, void (*visit)(void *context, fp_node *node),
                 void *context)
{
    for (fp_chunk *chunk = tree->first_chunk; chunk; chunk = chunk->next) {
        for (uint32_t i = 0; i < chunk->used; i++) {
            visit(context, &chunk->nodes[i]);
        }
    }
}
