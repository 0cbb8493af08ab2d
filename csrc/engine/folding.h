/* folding.h -- which calls to leave out, for the profiler to cost no more than it may.
 *
 * What can be left out is a Python function, or a C function where one function calls
 * it (a unit). While a unit is off, its calls are part of their caller: they are folded
 * into it. A survey adds up what all trees say of each unit; then units are switched
 * off, those first that took the least time per call with all that they called: leaves,
 * and what a reader misses least. What the rest costs is foreseen from the calls since
 * the survey before.
 *
 * How much of a caller's time passed while a unit was off tells how to estimate what it
 * would have had (see figures.h). That caller is the nearest one above that was never
 * off, the reference: one that was off itself was not seen either, and may have been
 * while the unit was on. In a recursion the reference of inner calls is the function
 * itself. So each pair of reference and unit keeps the reference's ticks that passed
 * while the unit was off, but for a call of it that was open already. When a reference
 * is folded for the first time the next one above takes its place, as if the unit had
 * been off for the same share of that one's time until then as of all time.
 *
 * Units      ticks.
 * Ownership  the folding owns its pairs and functions; trees are the recorders', which
 *            keep where their nodes' pairs are.
 * Threads    the caller keeps others out.
 */
#ifndef FP_FOLDING_H
#define FP_FOLDING_H

#include "hash.h"
#include "recorder.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a unit is off. */
typedef struct {
    bool is_off;
    bool was_off; /* ever */
    fp_ticks off_since;
    fp_ticks off_for; /* the times before */
} fp_fold_state;

/* A function with what all its paths come to, as of the last survey. */
typedef struct fp_folded {
    fp_key key;
    bool is_python;
    bool was_off;        /* ever; a C function: where anything calls it */
    fp_fold_state state; /* of a Python function */
    int64_t calls;
    int64_t calls_before; /* as of the survey before, as the next but one */
    fp_ticks ticks;       /* inclusive, with open calls; of recursive calls too */
    fp_ticks present;     /* without those of recursive calls: how long it was there */
    fp_ticks present_before;
    double cost; /* since the survey before: of its calls, and of what it calls in C */
    UT_hash_handle hh;
} fp_folded;

/* The calls of one function by another. */
typedef struct fp_foldable {
    struct {
        fp_folded *caller; /* NULL: none, a thread begins with it */
        fp_key callee;
    } edge;
    fp_folded *function; /* the callee */
    bool is_python;
    bool stays; /* what is folded in reports is no call by an event: a region */
    fp_fold_state state; /* of a C function's calls */
    int64_t calls;
    int64_t calls_before;
    UT_hash_handle hh;
} fp_foldable;

/* A unit that was off, and the reference. */
typedef struct fp_absence {
    struct {
        const fp_folded *reference;
        const fp_fold_state *unit;
    } edge;
    const fp_folded *function; /* the unit's */
    bool is_new;               /* since the survey that goes on */
    fp_ticks present;          /* the unit's outermost calls below the reference */
    fp_ticks since; /* how long the reference had been there without when it went off */
    fp_ticks unseen; /* and was while it was off, the times before */
    UT_hash_handle hh;
} fp_absence;

/* What is known of a node. */
typedef struct fp_folding_place {
    fp_foldable *foldable;    /* NULL: it has not been surveyed */
    const fp_node *nearest;   /* itself or a node above that was never off; or NULL */
    const fp_node *reference; /* of one that was off; or NULL, as the next */
    fp_absence *absence;
} fp_folding_place;

/* What a call of each kind costs. */
typedef struct {
    double python;
    double c;
} fp_call_costs;

typedef struct {
    fp_foldable *foldables;
    fp_folded *functions;
    fp_absence *absences;
    fp_call_costs costs;
    fp_ticks began;
    fp_ticks surveyed; /* the last time, */
    fp_ticks before;   /* and the time before */
} fp_folding;

/* Begins with zeros but for the costs and when it began, and is that again afterwards:
 * with the costs. */
void fp_folding_free(fp_folding *folding);

/* A survey: begin, then each recorder, whose open calls count up to `now`, then end.
 * FP_OK, or FP_NOMEM: it is not complete, and nothing may be decided. */
void fp_folding_begin_survey(fp_folding *folding, fp_ticks now);
fp_status fp_folding_survey(fp_folding *folding, fp_recorder *recorder, fp_ticks now);
void fp_folding_end_survey(fp_folding *folding);

/* What the calls since the survey before cost, of units that are not off. */
double fp_folding_cost(fp_folding *folding);

/* Switches units off until what the rest cost since the survey before is at most
 * `most`. FP_OK, or FP_NOMEM: nothing changed. */
fp_status fp_folding_fold(fp_folding *folding, double most);

/* Switches all units on. */
void fp_folding_unfold(fp_folding *folding);

/* Puts into the nodes of a tree whether they are off; after each of the last two. */
void fp_folding_mark(fp_recorder *recorder);

/* Whether a function is off, or a C function (`callee`) where it is called by the
 * function `caller`. */
const fp_folded *fp_folding_find(const fp_folding *folding, fp_key function);
bool fp_folding_has_function(const fp_folding *folding, fp_key function);
bool fp_folding_has_call(const fp_folding *folding, fp_key caller, fp_key callee);

/* Of a node, as of the last survey: whether it was off for a while; then, the node
 * above that is its reference's, or NULL; and which share of that one's time passed
 * while it was off. */
bool fp_folding_was_off(const fp_recorder *recorder, const fp_node *node);
const fp_node *fp_folding_reference(const fp_recorder *recorder, const fp_node *node);
double fp_folding_unseen_share(const fp_recorder *recorder, const fp_node *node);

#endif
