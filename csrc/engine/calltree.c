#include "calltree.h"

#include "alloc.h"

#include <string.h>

#define LINE ((size_t)64)
#define TAG_BITS (LINE - 1)
#define FIRST_PLACES ((size_t)64)
#define FIRST_CHUNK_NODES 8U
#define LARGEST_CHUNK_NODES 4096U

_Static_assert(sizeof(fp_node) == LINE, "a node fills a cache line");

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
    fp_chunk *chunk = fp_alloc(sizeof *chunk + LINE - 1 + capacity * sizeof(fp_node));

    if (chunk != NULL) {
        const uintptr_t start = (uintptr_t)(chunk + 1);
        const size_t gap = (LINE - start % LINE) % LINE;
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

/* What a place of the table holds; NULL: nothing. */
static fp_node *
node_at(uintptr_t place)
{
    return (fp_node *)(place & ~(uintptr_t)TAG_BITS);
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

/* Two rounds of multiply and fold: pointers differ in their middle bits, a table takes
 * the low ones for the place and the high ones for the tag. */
static inline uint64_t
hash_of(fp_edge edge)
{
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = (uintptr_t)edge.parent * odd;

    mixed = ((mixed ^ mixed >> 32) ^ (uintptr_t)edge.key) * odd;
    return mixed ^ mixed >> 32;
}

static inline uintptr_t
tag_of(uint64_t hash)
{
    return (uintptr_t)(hash >> 58);
}

/* Where the node of an edge is, or where it would be put. */
static uintptr_t *
place_of(const fp_edge_table *table, fp_edge edge, uint64_t hash)
{
    size_t at = (size_t)hash & table->mask;

    while (table->places[at] != 0) {
        if ((table->places[at] & TAG_BITS) == tag_of(hash)) {
            const fp_node *node = node_at(table->places[at]);
            if (node->edge.parent == edge.parent && node->edge.key == edge.key) {
                break;
            }
        }
        at = (at + 1) & table->mask;
    }
    return &table->places[at];
}

static void
put(const fp_edge_table *table, fp_node *node)
{
    const uint64_t hash = hash_of(node->edge);

    *place_of(table, node->edge, hash) = (uintptr_t)node | tag_of(hash);
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
    for (const fp_chunk *chunk = tree->first_chunk; chunk; chunk = chunk->next) {
        for (uint32_t i = 0; i < chunk->used; i++) {
            if (&chunk->nodes[i] != tree->root) {
                put(&larger, &chunk->nodes[i]);
            }
        }
    }
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
        if (tree->table.places == NULL) {
            return NULL;
        }
        found = node_at(*place_of(&tree->table, wanted, hash_of(wanted)));
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
            visit(context, &chunk->nodes[i]);
        }
    }
}
