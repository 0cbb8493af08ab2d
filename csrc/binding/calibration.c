#include "calibration.h"

#include "hook.h"

#include <stdlib.h>

#define ROUNDS 40
#define CALLS 60         /* of each probe in a round */
#define LOW (ROUNDS / 8) /* the place of the quantile in the sorted times */
#define MIDDLE (ROUNDS / 2)
#define NODES 100 /* more than the probes have paths */

enum {
    EMPTY,
    FUNCTION,
    SMALL,
    WORK,
    SLOT,
    CLASS,
    GENERATOR,
    METHOD,
    RAISING,
    BUILTIN_RAISING,
    REFERENCE,
    PROBES = REFERENCE + FP_REFERENCES,
};

/* The functions in fastprof/_probes.py. */
static const char *const probe_names[PROBES] = {
    [EMPTY] = "empty",
    [FUNCTION] = "function",
    [SMALL] = "small_function",
    [WORK] = "work",
    [SLOT] = "slot",
    [CLASS] = "class_call",
    [GENERATOR] = "generator",
    [METHOD] = "method",
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
        if (b->probes[i].function == NULL || !PyFunction_Check(b->probes[i].function)) {
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

/* What a turn of a loop takes beyond an empty one, without events. */
static double
truth_of(const bench *b, int number)
{
    return (double)(b->probes[number].plain[LOW] - b->probes[EMPTY].plain[LOW]) / CALLS;
}

/* The cost of calls that take `truth` under events: without any, if the interpreter has
 * the same pace. */
static fp_cost
cost_of(const bench *b, int number, double truth)
{
    const probe *p = &b->probes[number], *empty = &b->probes[EMPTY];
    const fp_ticks spread =
        p->callees[MIDDLE] - p->callees[LOW] + p->own[MIDDLE] - p->own[LOW];

    return (fp_cost){
        .inside = (double)p->callees[LOW] / CALLS - truth,
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
        const fp_cost one = cost_of(b, REFERENCE + i, truth_of(b, REFERENCE + i));
        mean.inside += one.inside / (FP_REFERENCES - 1);
        mean.outside += one.outside / (FP_REFERENCES - 1);
        mean.error += one.error / (FP_REFERENCES - 1);
    }
    return mean;
}

/* As much as for the shortest function there is. The processor does some of a longer
 * one's work while it is still busy with the event, and more of the cost is outside: it
 * is divided as on average. */
static fp_cost
cost_of_function(const bench *b, double pace)
{
    fp_cost cost = cost_of(b, FUNCTION, pace * truth_of(b, FUNCTION));
    const fp_cost longer = cost_of(b, SMALL, pace * truth_of(b, SMALL));
    const double more = (cost.inside - longer.inside) / 2.0;

    cost.inside -= more;
    cost.outside += more;
    return cost;
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

/* By a function that does what programs do between their calls. */
static double
pace_of(const bench *b)
{
    const probe *work = &b->probes[WORK], *none = &b->probes[FUNCTION];
    const double plain = truth_of(b, WORK) - truth_of(b, FUNCTION);
    const double recorded = (double)(work->callees[LOW] - none->callees[LOW]) / CALLS;

    return recorded > plain && plain > 0.0 ? recorded / plain : 1.0;
}

/* The time of an event that begins and ends no call: of the two ways to have some, each
 * gives a part of the figure. */
static fp_cost
cost_of_aside(const bench *b)
{
    const fp_cost called = cost_of(b, SMALL, truth_of(b, SMALL));
    const fp_cost uncalled = cost_of(b, SLOT, truth_of(b, SLOT));
    const fp_cost of_class = cost_of(b, CLASS, truth_of(b, CLASS));
    const double asides = called.inside + called.outside - uncalled.inside -
                          uncalled.outside + of_class.inside + of_class.outside;

    return (fp_cost){
        .outside = asides > 0.0 ? asides / (1.0 + FPY_ASIDES_OF_CLASS) : 0.0,
        .error = called.error,
    };
}

static fp_costs
costs_of(const bench *b, bool by_monitoring)
{
    const double pace =
        fpy_profiling_slows_python() && !by_monitoring ? pace_of(b) : 1.0;
    const double pause = (pace - 1.0) * truth_of(b, FUNCTION);
    const fp_cost function = cost_of_function(b, pace), builtin = cost_of_builtin(b);
    const fp_cost method = cost_of(b, METHOD, truth_of(b, METHOD));
    const fp_cost raising = cost_of(b, RAISING, truth_of(b, RAISING) + pause);
    const fp_cost builtin_raising =
        cost_of(b, BUILTIN_RAISING, truth_of(b, BUILTIN_RAISING));
    fp_costs costs = {
        .returned = {[FP_KIND_PYTHON] = function,
                     [FP_KIND_GENERATOR] =
                         cost_of(b, GENERATOR, pace * truth_of(b, GENERATOR)),
                     [FP_KIND_C] = builtin,
                     [FP_KIND_METHOD] = method},
        .raised = {[FP_KIND_PYTHON] = raised(function, raising),
                   [FP_KIND_GENERATOR] = raised(function, raising),
                   [FP_KIND_C] = raised(builtin, builtin_raising),
                   [FP_KIND_METHOD] = raised(method, builtin_raising)},
        .pace = pace,
    };

    for (int i = 0; i < FP_REFERENCES; i++) {
        costs.expected[i] = (double)b->probes[REFERENCE + i].callees[LOW] / CALLS;
    }
    if (by_monitoring) {
        costs.aside = cost_of_aside(b);
        costs.returned[FP_KIND_PYTHON].outside -= costs.aside.outside;
        costs.raised[FP_KIND_PYTHON].outside -= costs.aside.outside;
        costs.raised[FP_KIND_GENERATOR].outside -= costs.aside.outside;
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

    return session->compensate && calibration->is_done ? &calibration->costs : NULL;
}
