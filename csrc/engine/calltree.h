/* calltree.h -- who called whom, how often and for how long, in one thread.
 *
 *      root ── f ── g            one node for each *path*; f called from h is
 *           └─ h ── f            another node
 *
 * A child is looked for in its parent's `last_child`, then in that child's
 * `successor` (the sibling that came after it the last time), then in the table.
 *
 * Units      times are ticks of the recorder's clock; callers pass `now` in, the tree
 *            never reads a clock.
 * Ownership  the tree owns its nodes (an arena, freed as a whole); keys are opaque and
 *            not owned; the budget is shared and must outlive the tree.
 * Threads    none: one tree per thread, no locks inside.
 */
#ifndef FP_CALLTREE_H
#define FP_CALLTREE_H

#include "clock.h"
#include "hash.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FP_LINE ((size_t)64)
#define FP_TAG_BITS (FP_LINE - 1)

/* What was called: any pointer but NULL. */
typedef const void *fp_key;

/* The number that a key has outside the engine; numbers begin at 0. */
typedef struct {
    uint32_t (*number_of)(void *context, fp_key key);
    void *context;
} fp_numbering;

/* Whether a call shows. What one that does not calls counts as called by its caller. */
typedef enum {
    FP_SHOWN,
    FP_HIDDEN,       /* its own time is nobody's */
    FP_HIDDEN_WHOLE, /* it, and all that is called inside */
    FP_FOLDED,       /* its own time is its caller's: a collection of garbage */
} fp_visibility;

/* Nodes above one, in which the outermost of its function is looked for: what is
 * farther apart is estimated as if it were no recursion, or not at all. */
#define FP_FARTHEST 1000

typedef struct fp_node fp_node;

typedef struct {
    fp_node *parent;
    fp_key key;
} fp_edge;

/* One cache line, and it begins one: enter and leave touch no other of a node. */
struct fp_node {
    fp_edge edge;
    fp_node *last_child;
    fp_node *successor;
    int64_t calls; /* calls that have ended */
    fp_ticks inclusive_ticks;
    uint64_t raised : 58;   /* calls that ended with an exception */
    uint64_t is_off : 1;    /* not to be entered for now: see thrift.h */
    uint64_t is_within : 1; /* its own function is above; known once it is surveyed */
    uint64_t is_python : 1; /* a Python function, for the event source to know, */
    uint64_t suspends : 1;  /* and a generator */
    uint64_t visibility : 2;
    uint32_t index;  /* order of creation: a parent's is lower than its children's */
    uint32_t asides; /* see fp_recorder_aside; stops at the largest */
};

/* Nodes that may still be made, over all trees of one profile. */
typedef struct {
    size_t nodes_left;
} fp_budget;

typedef struct fp_chunk fp_chunk;

/* The nodes by their edges: open addressing, at most half full. A place holds a node's
 * address, 0 if it is free; the low bits, which an aligned address does not need, tell
 * most of the others apart without a look at the node. */
typedef struct {
    uintptr_t *places;
    size_t mask; /* their number, a power of two, less 1 */
} fp_edge_table;

typedef struct {
    fp_node *root;
    fp_edge_table table; /* without places until there is a child */
    fp_budget *budget;
    uint32_t count; /* nodes made, the root among them */
    fp_chunk *first_chunk;
    fp_chunk *chunk; /* the one that nodes are taken from */
} fp_calltree;

/* "No node": its key is no key, so that looking into it finds nothing. */
extern const fp_node fp_no_node;
#define FP_NO_NODE ((fp_node *)&fp_no_node)

/* An empty tree. FP_NOMEM: there is no tree, and nothing to free. The root is not
 * counted against the budget. */
fp_status fp_calltree_init(fp_calltree *tree, fp_budget *budget);

/* No node will be looked for or added any more: gives back what only that needs. */
void fp_calltree_retire(fp_calltree *tree);

/* Gives all memory back, and its nodes to the budget. */
void fp_calltree_free(fp_calltree *tree);

/* The child of `parent` that is likely to be the one for `key`: whether it is, its key
 * tells. */
static inline fp_node *
fp_calltree_foreseen(const fp_node *parent, fp_key key)
{
    fp_node *last = parent->last_child;

    return last->edge.key == key ? last : last->successor;
}

/* What a place of the table holds; NULL: nothing. */
static inline fp_node *
fp_node_at(uintptr_t place)
{
    return (fp_node *)(place & ~(uintptr_t)FP_TAG_BITS);
}

/* The low bits are for the place, the high ones for the tag. */
static inline uint64_t
fp_hash_of(fp_edge edge)
{
    return fp_mix(fp_mix(0, (uintptr_t)edge.parent), (uintptr_t)edge.key);
}

static inline uintptr_t
fp_tag_of(uint64_t hash)
{
    return (uintptr_t)(hash >> 58);
}

/* Where the node of an edge is, or where it would be put. */
static inline uintptr_t *
fp_place_of(const fp_edge_table *table, fp_edge edge, uint64_t hash)
{
    size_t at = (size_t)hash & table->mask;

    while (table->places[at] != 0) {
        if ((table->places[at] & FP_TAG_BITS) == fp_tag_of(hash)) {
            const fp_node *node = fp_node_at(table->places[at]);
            if (node->edge.parent == edge.parent && node->edge.key == edge.key) {
                break;
            }
        }
        at = (at + 1) & table->mask;
    }
    return &table->places[at];
}

/* The child is the last one now, and came after the one that was. */
static inline void
fp_remember(fp_node *parent, fp_node *child)
{
    fp_node *last = parent->last_child;

    if (last != FP_NO_NODE && last != child) {
        last->successor = child;
    }
    parent->last_child = child;
}

/* The child of `parent` for `key`, remembered as the parent's last; NULL: there is
 * none. */
static inline fp_node *
fp_calltree_find(const fp_calltree *tree, fp_node *parent, fp_key key)
{
    const fp_edge wanted = {parent, key};
    fp_node *found;

    if (tree->table.places == NULL) {
        return NULL;
    }
    found = fp_node_at(*fp_place_of(&tree->table, wanted, fp_hash_of(wanted)));
    if (found != NULL) {
        fp_remember(parent, found);
    }
    return found;
}

/* The child of `parent` for `key`, added if it is new (FP_ADDED), and remembered as
 * the parent's last. FP_FULL or FP_NOMEM: nothing changed. */
fp_status fp_calltree_child(fp_calltree *tree, fp_node *parent, fp_key key,
                            fp_node **child);

/* Calls `visit` for each node in order of creation, the root first. */
void fp_calltree_walk(const fp_calltree *tree,
                      void (*visit)(void *context, fp_node *node), void *context);

#endif
