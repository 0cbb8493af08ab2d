#include "calibration.h"

#include "hook.h"

#include <stdlib.h>

#define ROUNDS 40
#define CALLS 60       /* of each probe in a round */
#define LOW (ROUNDS / 8) /* the place of the quantile in the sorted times */
#define MIDDLE (ROUNDS / 2)
#define NODES 100 /* more than the probes have paths */

enum {
    EMPTY,
    FUNCTION,
    SLOT,
    CLASS,
    GENERATOR,
    RAISING,
    BUILTIN_RAISING,
    REFERENCE,
    PROBES = REFERENCE + FP_REFERENCES,
};

/* The functions in fastprof/_probes.py. */
static const char *const probe_names[PROBES] = {
    [EMPTY] = "empty",
    [FUNCTION] = "function",
    [SLOT] = "slot",
    [CLASS] = "class_call",
    [GENERATOR] = "generator",
    [RAISING] = "raising",
    [BUILTIN_RAISING] = "builtin_raising",
    [REFERENCE] = "length",
    [REFERENCE + 1] = "identity",
    [REFERENCE + 2] = "ordinal",
    [REFERENCE + 3] = "append",
};

/* What those of reference call, by their labels. */
static const char *const reference_names[FP_REFERENCES] = {
    "<built-in method builtins.len>",
    "<built-in method builtins.id>",
    "<built-in method builtins.ord>",
    "<method 'append' of 'list' objects>",
};

typedef struct {
    PyObject *function;
    fp_ticks plain[ROUNDS];   /* without events */
    fp_ticks own[ROUNDS];     /* with events: recorded as the loop's, */
    fp_ticks callees[ROUNDS]; /* and as its callees' */
} probe;

typedef struct {
    PyObject *turns;
    probe probes[PROBES];
} bench;

static void
free_bench(bench *b)
{
    Py_CLEAR(b->turns);
    for (int i = 0; i < PROBES; i++) {
        Py_CLEAR(b->probes[i].function);
    }
}

static int
make_bench(bench *b)
{
    PyObject *module = PyImport_ImportModule("fastprof._probes");
    int result = module != NULL ? 0 : -1;

    b->turns = PyTuple_New(CALLS);
    if (b->turns == NULL) {
        result = -1;
    }
    for (Py_ssize_t i = 0; b->turns != NULL && i < CALLS; i++) {
        PyTuple_SET_ITEM(b->turns, i, Py_NewRef(Py_None));
    }
    for (int i = 0; result == 0 && i < PROBES; i++) {
        b->probes[i].function = PyObject_GetAttrString(module, probe_names[i]);
        if (b->probes[i].function == NULL ||
            !PyFunction_Check(b->probes[i].function)) {
            result = -1;
        }
    }
    Py_XDECREF(module);
    return result;
}

static int
run_probe(const bench *b, const probe *p)
{
    PyObject *answer = PyObject_CallOneArg(p->function, b->turns);

    Py_XDECREF(answer);
    return answer != NULL ? 0 : -1;
}

static int
run_plain(bench *b, const fp_clock *clock)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PROBES; i++) {
            const fp_ticks before = fp_clock_now(clock);
            if (run_probe(b, &b->probes[i]) < 0) {
                return -1;
            }
            b->probes[i].plain[round] = fp_clock_now(clock) - before;
        }
    }
    return 0;
}

/* What has been recorded of one loop. */
typedef struct {
    fp_key loop;
    fp_ticks own;
    fp_ticks callees;
} reading;

static void
read_node(void *context, const fp_node *node)
{
    reading *r = context;

    if (node->edge.parent == NULL) {
        return;
    }
    if (node->edge.key == r->loop) {
        r->own += node->inclusive_ticks;
    } else if (node->edge.parent->edge.key == r->loop) {
        r->own -= node->inclusive_ticks;
        r->callees += node->inclusive_ticks;
    }
}

static reading
read_loop(const fpy_session *session, const probe *p)
{
    reading r = {.loop = PyFunction_GET_CODE(p->function)};

    if (session->recorders != NULL) {
        fp_calltree_walk(&session->recorders->engine.tree, read_node, &r);
    }
    return r;
}

static int
run_recorded(bench *b, const fpy_session *session)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PROBES; i++) {
            probe *p = &b->probes[i];
            const reading before = read_loop(session, p);
            if (run_probe(b, p) < 0) {
                return -1;
            }
            const reading after = read_loop(session, p);
            p->own[round] = after.own - before.own;
            p->callees[round] = after.callees - before.callees;
        }
    }
    return 0;
}

/* The same under events. The session borrows its owner from the one that is to be
 * enabled. */
static int
run_under_events(bench *b, const fpy_session *wanted)
{
    fpy_session session = {
        .state = wanted->state,
        .owner = wanted->owner,
        .source = wanted->source,
        .callables.names = wanted->callables.names,
        .budget.nodes_left = NODES,
        .builtins = FPY_BUILTINS_C,
        .enabled = true,
    };
    int result = -1;

    fpy_session_activate(&session);
    if (session.source->attach(&session) == 0 &&
        session.source->update(&session) == 0) {
        result = run_recorded(b, &session);
    }
    fpy_session_deactivate(&session);
    session.source->detach(&session);
    if (result == 0 && (session.hook_lost || session.incomplete)) {
        PyErr_NoMemory(); /* as good as any: there are no figures */
        result = -1;
    }
    fpy_session_free(&session);
    return result;
}

static int
by_size(const void *one, const void *other)
{
    const fp_ticks a = *(const fp_ticks *)one, b = *(const fp_ticks *)other;

    return (a > b) - (a < b);
}

static void
sort_times(bench *b)
{
    for (int i = 0; i < PROBES; i++) {
        probe *p = &b->probes[i];
        qsort(p->plain, ROUNDS, sizeof *p->plain, by_size);
        qsort(p->own, ROUNDS, sizeof *p->own, by_size);
        qsort(p->callees, ROUNDS, sizeof *p->callees, by_size);
    }
}

static fp_cost
cost_of(const bench *b, int number)
{
    const probe *p = &b->probes[number], *empty = &b->probes[EMPTY];
    const fp_ticks truth = p->plain[LOW] - empty->plain[LOW];
    const fp_ticks spread =
        p->callees[MIDDLE] - p->callees[LOW] + p->own[MIDDLE] - p->own[LOW];

    return (fp_cost){
        .inside = (double)(p->callees[LOW] - truth) / CALLS,
        .outside = (double)(p->own[LOW] - empty->own[LOW]) / CALLS,
        .error = (double)spread / CALLS,
    };
}

/* The mean of the functions of reference, but for `append`, for which the interpreter
 * has a way of its own that is much shorter than all others. */
static fp_cost
cost_of_builtin(const bench *b)
{
    fp_cost mean = {0};

    for (int i = 0; i < FP_REFERENCES - 1; i++) {
        const fp_cost one = cost_of(b, REFERENCE + i);
        mean.inside += one.inside / (FP_REFERENCES - 1);
        mean.outside += one.outside / (FP_REFERENCES - 1);
        mean.error += one.error / (FP_REFERENCES - 1);
    }
    return mean;
}

/* A call that raises costs so much more. Where, inside or outside, cannot be told, for
 * the time of the exception itself is on both sides. */
static fp_cost
raised(fp_cost less, fp_cost more)
{
    const double difference = more.inside + more.outside - less.inside - less.outside;

    return (fp_cost){
        .inside = less.inside + difference / 2.0,
        .outside = less.outside + difference / 2.0,
        .error = more.error,
    };
}

static fp_costs
costs_of(const bench *b, bool has_asides)
{
    const fp_cost function = cost_of(b, FUNCTION), slot = cost_of(b, SLOT);
    const fp_cost builtin = cost_of_builtin(b), of_class = cost_of(b, CLASS);
    /* Of the two ways to have asides each gives some. */
    const double asides = function.inside + function.outside - slot.inside -
                          slot.outside + of_class.inside + of_class.outside;
    const double aside = asides / (1.0 + FPY_ASIDES_OF_CLASS);
    fp_costs costs = {
        .returned = {[FP_KIND_PYTHON] = function,
                     [FP_KIND_GENERATOR] = cost_of(b, GENERATOR),
                     [FP_KIND_C] = builtin},
        .raised = {[FP_KIND_PYTHON] = raised(function, cost_of(b, RAISING)),
                   [FP_KIND_C] = raised(builtin, cost_of(b, BUILTIN_RAISING))},
    };

    for (int i = 0; i < FP_REFERENCES; i++) {
        costs.expected[i] = (double)b->probes[REFERENCE + i].callees[LOW] / CALLS;
    }

    costs.raised[FP_KIND_GENERATOR] = costs.raised[FP_KIND_PYTHON];
    if (has_asides && aside > 0.0) {
        costs.aside = (fp_cost){.outside = aside, .error = function.error};
        costs.returned[FP_KIND_PYTHON].outside -= aside;
        costs.raised[FP_KIND_PYTHON].outside -= aside;
        costs.raised[FP_KIND_GENERATOR].outside -= aside;
    }
    return costs;
}

static fpy_calibration *
calibration_of(const fpy_session *session)
{
    return &session->state->calibrations[session->source == &fpy_hook_monitoring];
}

/* Whether an exception only says that there was no room for the probes. */
static bool
is_lack_of_room(void)
{
    return PyErr_ExceptionMatches(PyExc_MemoryError) ||
           PyErr_ExceptionMatches(PyExc_RecursionError) ||
           PyErr_ExceptionMatches(PyExc_ImportError) ||
           PyErr_ExceptionMatches(PyExc_ValueError);
}

int
fpy_calibrate(const fpy_session *session)
{
    fpy_calibration *calibration = calibration_of(session);
    bench b = {0};
    int result, collects;

    if (calibration->is_done || calibration->is_running ||
        session->state->active != NULL || fpy_is_traced(PyThreadState_Get())) {
        return 0;
    }
    calibration->is_running = true;
    collects = PyGC_Disable();
    result = make_bench(&b);
    if (result == 0) {
        result = run_plain(&b, &session->state->clock);
    }
    if (result == 0) {
        result = run_under_events(&b, session);
    }
    if (collects) {
        PyGC_Enable();
    }
    if (result == 0) {
        sort_times(&b);
        calibration->costs = costs_of(&b, session->source == &fpy_hook_monitoring);
        calibration->is_done = true;
    } else if (is_lack_of_room()) {
        PyErr_Clear();
        result = 0;
    }
    calibration->is_running = false;
    free_bench(&b);
    return result;
}

unsigned char
fpy_reference_of(PyObject *label)
{
    for (unsigned char i = 0; i < FP_REFERENCES; i++) {
        if (PyUnicode_CompareWithASCIIString(label, reference_names[i]) == 0) {
            return i + 1;
        }
    }
    return 0;
}

const fp_costs *
fpy_costs_of(const fpy_session *session)
{
    const fpy_calibration *calibration = calibration_of(session);

    return session->timer == NULL && session->compensate && calibration->is_done
               ? &calibration->costs
               : NULL;
}
