#include "calibration.h"

#include "hook.h"
#include "pace.h"

#include <stdlib.h>

#define MOST_ROUNDS 40
#define FEWEST_ROUNDS 12
#define CALLS 400    /* of a probe in a round: the processor has to learn it */
#define FEW_CALLS 50 /* of one that takes long; and before each, not timed */
#define MOST_NS INT64_C(7000000) /* for all rounds, once there are the fewest, */
#define MOST_NS_AGAIN 0          /* and when it is done again, */
#define MOST_RETRIES 4           /* of figures that cannot be */
#define MOST_TIMES 4             /* which is seldom, */
#define SLOWER 1.2               /* and where the processor was slower then than now */
#define MOST_HALVINGS 3          /* of what is lost */
#define PART_LOST 0.9  /* by programs, of what is by WORK: docs/measurements.md */
#define PART_TAKEN 1.2 /* likewise, of what is taken */
#define NODES 1000     /* many more than the probes have paths */
#define MOST_ASIDES (30 * FPY_ASIDE) /* that one call of a class can stand for more */

enum {
    EMPTY,
    FUNCTION,
    WORK,
    SLOT,
    CLASS,
    GENERATOR,
    INSTANCE,
    SUPER,
    METHOD,
    OTHER_METHOD,
    APPEND,
    RAISING,
    BUILTIN_RAISING,
    BUILTIN,
    OTHER_BUILTIN,
    PROBES,
};

/* The functions in fastprof/_probes.py. */
static const char *const probe_names[PROBES] = {
    [EMPTY] = "empty",
    [FUNCTION] = "function",
    [WORK] = "work",
    [SLOT] = "slot",
    [CLASS] = "class_call",
    [GENERATOR] = "generator",
    [INSTANCE] = "instance",
    [SUPER] = "super_call",
    [METHOD] = "method",
    [OTHER_METHOD] = "other_method",
    [APPEND] = "append",
    [RAISING] = "raising",
    [BUILTIN_RAISING] = "builtin_raising",
    [BUILTIN] = "length",
    [OTHER_BUILTIN] = "ordinal",
};

/* Python functions that they call. */
static const char *const callee_names[PROBES] = {
    [FUNCTION] = "_function",
    [WORK] = "_work",
    [GENERATOR] = "_numbers",
    [RAISING] = "_raising",
};

/* What comes between makes only longer, so the least of all rounds counts; with how
 * fast the processor was right after it (slowness.h). */
typedef struct {
    PyObject *function;
    fp_pace turn;   /* of the loop's instructions, */
    fp_pace callee; /* and of the function's that it calls */
    fp_ticks plain; /* without events */
    fp_ticks plain_work;
    fp_ticks own;     /* with events: recorded as the loop's, */
    fp_ticks callees; /* and as its callees', in the same round */
    fp_ticks recorded_work;
    fp_ticks recorded[MOST_ROUNDS]; /* both, in each round */
} probe;

typedef struct {
    PyObject *turns;
    PyObject *few_turns;
    probe probes[PROBES];
    fp_ticks ignored; /* the loop over BUILTIN, where no C function is recorded */
    fp_ticks ignored_work;
    int64_t most_ns;
    double work; /* what it took, on average: all figures are for that */
    double pace; /* see fp_costs, as the next */
    double lost;
    double taken;
    size_t plain_rounds;
    size_t recorded_rounds;
} bench;

/* What becomes of an attempt. FAILED: with an exception of the program's. */
typedef enum { DONE, SPOILED, FAILED } outcome;

static void
free_bench(bench *b)
{
    Py_CLEAR(b->turns);
    Py_CLEAR(b->few_turns);
    for (int i = 0; i < PROBES; i++) {
        Py_CLEAR(b->probes[i].function);
    }
}

/* After an exception of what we called ourselves: one of `ours` is none of the
 * program's business (if need be it comes again when the profiler is enabled). */
static outcome
spoiled_or_failed(PyObject *ours)
{
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(ours) &&
        !PyErr_ExceptionMatches(PyExc_MemoryError)) {
        return FAILED;
    }
    PyErr_Clear();
    return SPOILED;
}

/* So many None. */
static PyObject *
make_turns(Py_ssize_t calls)
{
    PyObject *turns = PyTuple_New(calls);

    for (Py_ssize_t i = 0; turns != NULL && i < calls; i++) {
        PyTuple_SET_ITEM(turns, i, Py_NewRef(Py_None));
    }
    return turns;
}

static PyObject *
find_function(PyObject *module, const char *name)
{
    PyObject *function = PyObject_GetAttrString(module, name);

    if (function != NULL && !PyFunction_Check(function)) {
        Py_CLEAR(function);
    }
    return function;
}

/* False: something is not there. */
static bool
make_probe(probe *p, PyObject *module, int number)
{
    PyObject *callee;

    p->function = find_function(module, probe_names[number]);
    if (p->function == NULL) {
        return false;
    }
    p->turn = fpy_pace_of_loops((PyCodeObject *)PyFunction_GET_CODE(p->function));
    if (callee_names[number] == NULL) {
        return true;
    }
    callee = find_function(module, callee_names[number]);
    if (callee == NULL) {
        return false;
    }
    p->callee = fpy_pace_of((PyCodeObject *)PyFunction_GET_CODE(callee));
    Py_DECREF(callee);
    return true;
}

static outcome
make_bench(bench *b)
{
    PyObject *module = PyImport_ImportModule("fastprof._probes");
    bool whole = module != NULL;

    b->turns = whole ? make_turns(CALLS) : NULL;
    b->few_turns = b->turns != NULL ? make_turns(FEW_CALLS) : NULL;
    whole = b->few_turns != NULL;
    for (int i = 0; whole && i < PROBES; i++) {
        whole = make_probe(&b->probes[i], module, i);
    }
    Py_XDECREF(module);
    return whole ? DONE : spoiled_or_failed(PyExc_Exception);
}

/* An exception is the program's (a signal handler's, say), but where there is no room
 * for the probe. */
static outcome
run_probe(const probe *p, PyObject *turns)
{
    PyObject *answer = PyObject_CallOneArg(p->function, turns);
    PyObject *type = PyErr_Occurred();

    Py_XDECREF(answer);
    if (type == PyExc_RecursionError || type == PyExc_MemoryError) {
        PyErr_Clear();
        return SPOILED;
    }
    return answer != NULL ? DONE : FAILED;
}

static bool
takes_long(int number)
{
    return number == WORK || number == INSTANCE || number == SUPER ||
           number == RAISING || number == BUILTIN_RAISING;
}

static int
calls_of(int number)
{
    return takes_long(number) ? FEW_CALLS : CALLS;
}

static PyObject *
turns_of(const bench *b, int number)
{
    return takes_long(number) ? b->few_turns : b->turns;
}

/* Whether anybody will ask for it. */
static bool
is_needed(int number)
{
    return number != WORK || FPY_PROFILING_SLOWS_PYTHON;
}

static bool
keep_least(fp_ticks *least, fp_ticks took)
{
    if (*least != 0 && took >= *least) {
        return false;
    }
    *least = took;
    return true;
}

/* Whether there is to be another round. */
static bool
have_time(const bench *b, size_t rounds, fp_ticks began)
{
    return rounds < FEWEST_ROUNDS ||
           (rounds < MOST_ROUNDS && fp_clock_read_monotonic() - began < b->most_ns);
}

static outcome
run_plain(bench *b, fp_processor *processor)
{
    const fp_clock *clock = processor->clock;
    const fp_ticks began = fp_clock_read_monotonic();

    for (; have_time(b, b->plain_rounds, began); b->plain_rounds++) {
        for (int i = 0; i < PROBES; i++) {
            probe *p = &b->probes[i];
            if (!is_needed(i)) {
                continue;
            }
            outcome result = run_probe(p, b->few_turns);
            const fp_ticks before = fp_clock_now(clock);
            if (result == DONE) {
                result = run_probe(p, turns_of(b, i));
            }
            if (result != DONE) {
                return result;
            }
            if (keep_least(&p->plain, fp_clock_now(clock) - before)) {
                p->plain_work = fp_processor_look(processor);
            }
        }
    }
    return DONE;
}

/* What has been recorded of one loop. */
typedef struct {
    fp_key loop;
    int64_t calls;
    int64_t callee_calls;
    fp_ticks own;
    fp_ticks callees;
} reading;

static void
read_node(void *context, fp_node *node)
{
    reading *r = context;

    if (node->edge.parent == NULL) {
        return;
    }
    if (node->edge.key == r->loop) {
        r->calls += node->calls;
        r->own += node->inclusive_ticks;
    } else if (node->edge.parent->edge.key == r->loop) {
        r->callee_calls += node->calls;
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

/* Whether it was recorded whole, and for this session alone. The program may have run
 * meanwhile, in a signal handler or on another thread. */
static bool
is_whole(const fpy_session *session, reading before, reading after, int number)
{
    const int64_t callees = number == EMPTY || number == CLASS ? 0 : calls_of(number);

    return session->enabled && session->state->active == session &&
           session->next_active == NULL && after.calls == before.calls + 1 &&
           after.callee_calls >= before.callee_calls + callees;
}

static void
add_round(probe *p, size_t rounds, fp_ticks own, fp_ticks callees,
          fp_processor *processor)
{
    p->recorded[rounds] = own + callees;
    if (rounds == 0 || own + callees < p->own + p->callees) {
        p->own = own;
        p->callees = callees;
        p->recorded_work = fp_processor_look(processor);
    }
}

static outcome
run_recorded(bench *b, const fpy_session *session)
{
    const fp_ticks began = fp_clock_read_monotonic();

    for (; have_time(b, b->recorded_rounds, began); b->recorded_rounds++) {
        for (int i = 0; i < PROBES; i++) {
            probe *p = &b->probes[i];
            if (!is_needed(i)) {
                continue;
            }
            outcome result = run_probe(p, b->few_turns);
            const reading before = read_loop(session, p);
            if (result == DONE) {
                result = run_probe(p, turns_of(b, i));
            }
            if (result != DONE) {
                return result;
            }
            const reading after = read_loop(session, p);
            if (!is_whole(session, before, after, i)) {
                return SPOILED;
            }
            add_round(p,
                      b->recorded_rounds,
                      after.own - before.own,
                      after.callees - before.callees,
                      &session->state->processor);
        }
    }
    return DONE;
}

/* The loop that calls C functions, where they are not to be recorded. */
static outcome
run_ignored(bench *b, const fpy_session *session)
{
    const probe *p = &b->probes[BUILTIN];

    for (int i = 0; i < FEWEST_ROUNDS; i++) {
        const reading before = read_loop(session, p);
        const outcome result = run_probe(p, turns_of(b, BUILTIN));
        if (result != DONE) {
            return result;
        }
        const reading after = read_loop(session, p);
        if (!is_whole(session, before, after, EMPTY)) {
            return SPOILED;
        }
        if (keep_least(&b->ignored, after.own - before.own)) {
            b->ignored_work = fp_processor_look(&session->state->processor);
        }
    }
    return DONE;
}

/* Under events, with such an option `builtins`. The session borrows its owner from the
 * one that is to be enabled. */
static outcome
run_under_events(bench *b, const fpy_session *wanted, fpy_builtins builtins,
                 outcome (*run)(bench *, const fpy_session *))
{
    fpy_session session = {
        .state = wanted->state,
        .owner = wanted->owner,
        .source = wanted->source,
        .calibration = wanted->calibration,
        .callables.names = wanted->callables.names,
        .budget.nodes_left = NODES,
        .builtins = builtins,
        .enabled = true,
    };
    outcome result;

    fpy_session_activate(&session);
    if (session.source->attach(&session) == 0 &&
        session.source->update(&session) == 0) {
        result = run(b, &session);
    } else {
        result = spoiled_or_failed(PyExc_ValueError); /* a conflict */
    }
    fpy_session_deactivate(&session);
    session.source->detach(&session);
    if (session.hook_lost && result == DONE) {
        result = SPOILED;
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

/* What took so long where the known work took `then`, as if it had taken what it does
 * on average. */
static fp_ticks
usual(const bench *b, const fp_processor *processor, fp_ticks ticks, fp_ticks then)
{
    return (fp_ticks)((double)ticks *
                          fp_processor_ratio(processor, (double)then, b->work) +
                      0.5);
}

/* All as if the processor had been as fast at all times. */
static void
sum_up(bench *b, const fp_processor *processor)
{
    double works = 0.0;
    int count = 0;

    for (int i = 0; i < PROBES; i++) {
        works += (double)b->probes[i].recorded_work;
        count += b->probes[i].recorded_work > 0;
    }
    b->work = count > 0 ? works / count : 0.0;
    for (int i = 0; i < PROBES; i++) {
        probe *p = &b->probes[i];
        p->plain = usual(b, processor, p->plain, p->plain_work);
        p->own = usual(b, processor, p->own, p->recorded_work);
        p->callees = usual(b, processor, p->callees, p->recorded_work);
        qsort(p->recorded, b->recorded_rounds, sizeof *p->recorded, by_size);
    }
    b->ignored = usual(b, processor, b->ignored, b->ignored_work);
}

/* For one call, as the next. */
static double
plain_of(const bench *b, int number)
{
    return (double)b->probes[number].plain / calls_of(number);
}

static double
own_of(const bench *b, int number)
{
    return (double)b->probes[number].own / calls_of(number);
}

static double
callees_of(const bench *b, int number)
{
    return (double)b->probes[number].callees / calls_of(number);
}

/* What a turn of a loop takes beyond an empty one, without events. */
static double
truth_of(const bench *b, int number)
{
    return plain_of(b, number) - plain_of(b, EMPTY);
}

/* What a turn loses beyond an empty one, in its own instructions. */
static double
lost_in_turn(const bench *b, int number)
{
    return b->lost * (b->probes[number].turn.lost - b->probes[EMPTY].turn.lost);
}

/* What they take there without events; what a turn takes besides is its call. */
static double
taken_in_turn(const bench *b, int number)
{
    return b->taken * (b->probes[number].turn.taken - b->probes[EMPTY].turn.taken);
}

/* What it takes in a Python function, all of whose instructions run in a call. */
static double
paced_truth_of(const bench *b, int number)
{
    return truth_of(b, number) + b->lost * b->probes[number].callee.lost;
}

/* The cost of calls that take `truth` under events: without any, if the interpreter has
 * the same pace. */
static fp_cost
cost_of(const bench *b, int number, double truth)
{
    const fp_ticks *recorded = b->probes[number].recorded;
    const fp_ticks typical = recorded[b->recorded_rounds / 2];
    const double taken = taken_in_turn(b, number);

    return (fp_cost){
        .inside = callees_of(b, number) - (truth - taken),
        .outside =
            own_of(b, number) - own_of(b, EMPTY) - lost_in_turn(b, number) - taken,
        .error = (double)(typical - recorded[0]) / calls_of(number),
    };
}

/* The mean of two kinds of C functions, for whose calls the interpreter has different
 * instructions, which it does not use under events. */
static fp_cost
cost_of_both(const bench *b, int first, int second)
{
    const fp_cost one = cost_of(b, first, truth_of(b, first));
    const fp_cost other = cost_of(b, second, truth_of(b, second));

    return (fp_cost){
        .inside = (one.inside + other.inside) / 2.0,
        .outside = (one.outside + other.outside) / 2.0,
        .error = one.error,
    };
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

/* By a function that does what programs do between their calls, and one that does next
 * to nothing. */
static double
pace_of(const bench *b)
{
    const double plain = truth_of(b, WORK) - truth_of(b, FUNCTION);
    const double recorded = callees_of(b, WORK) - callees_of(b, FUNCTION);

    return recorded > plain && plain > 0.0 ? recorded / plain : 1.0;
}

/* The pace; and by the same two, what is lost in their instructions, and what these
 * take. */
static void
find_pace(bench *b)
{
    const probe *work = &b->probes[WORK], *function = &b->probes[FUNCTION];
    const double lost = work->callee.lost + work->turn.lost - function->callee.lost -
                        function->turn.lost;
    const double taken = work->callee.taken - function->callee.taken;
    const double plain = truth_of(b, WORK) - truth_of(b, FUNCTION);
    const double recorded = callees_of(b, WORK) + own_of(b, WORK) -
                            callees_of(b, FUNCTION) - own_of(b, FUNCTION);

    b->pace = pace_of(b);
    if (recorded > plain && plain > 0.0 && lost > 0.0 && taken > 0.0) {
        b->lost = PART_LOST * (recorded - plain) / lost;
        b->taken = PART_TAKEN * plain / taken;
    }
}

/* With a profile function: the time of a C function's events where none is recorded. */
static fp_cost
cost_of_ignored(const bench *b)
{
    const double took = (double)b->ignored / calls_of(BUILTIN);
    const double more =
        took - own_of(b, EMPTY) - lost_in_turn(b, BUILTIN) - truth_of(b, BUILTIN);

    return (fp_cost){.outside = more > 0.0 ? more / FPY_ASIDE : 0.0};
}

/* With sys.monitoring: the time of an event that begins and ends no call, which is that
 * of a call that is announced by one, less that of one that is not. */
static fp_cost
cost_of_aside(const bench *b)
{
    const fp_cost called = cost_of(b, FUNCTION, truth_of(b, FUNCTION));
    const fp_cost uncalled = cost_of(b, SLOT, truth_of(b, SLOT));
    const double event =
        called.inside + called.outside - uncalled.inside - uncalled.outside;

    return (fp_cost){
        .outside = event > 0.0 ? event / FPY_ASIDE : 0.0,
        .error = called.error / FPY_ASIDE,
    };
}

static fp_costs
costs_of(const bench *b, bool by_monitoring)
{
    const fp_cost function = cost_of(b, FUNCTION, paced_truth_of(b, FUNCTION));
    const fp_cost builtin = cost_of_both(b, BUILTIN, OTHER_BUILTIN);
    const fp_cost method = cost_of_both(b, METHOD, OTHER_METHOD);
    const fp_cost raising = cost_of(b, RAISING, paced_truth_of(b, RAISING));
    const fp_cost builtin_raising =
        cost_of(b, BUILTIN_RAISING, truth_of(b, BUILTIN_RAISING));
    fp_costs costs = {
        .returned = {[FP_KIND_PYTHON] = function,
                     [FP_KIND_GENERATOR] =
                         cost_of(b, GENERATOR, paced_truth_of(b, GENERATOR)),
                     [FP_KIND_C] = builtin,
                     [FP_KIND_METHOD] = method},
        .raised = {[FP_KIND_PYTHON] = raised(function, raising),
                   [FP_KIND_GENERATOR] = raised(function, raising),
                   [FP_KIND_C] = raised(builtin, builtin_raising),
                   [FP_KIND_METHOD] = raised(method, builtin_raising)},
        .append = cost_of(b, APPEND, truth_of(b, APPEND)),
        .pace = b->pace,
        .lost = b->lost,
        .taken = b->taken,
    };

    if (by_monitoring) {
        costs.aside = cost_of_aside(b);
        const double event = FPY_ASIDE * costs.aside.outside;
        costs.returned[FP_KIND_PYTHON].outside -= event;
        costs.raised[FP_KIND_PYTHON].outside -= event;
        costs.raised[FP_KIND_GENERATOR].outside -= event;
    } else {
        costs.aside = cost_of_ignored(b);
    }
    return costs;
}

/* How many asides a turn has beyond so many, and so many calls of Python functions. */
static uint32_t
asides_beyond(const bench *b, const fp_costs *costs, int number, double functions,
              double asides)
{
    const fp_cost *function = &costs->returned[FP_KIND_PYTHON];
    const double aside = costs->aside.outside;
    const fp_cost all = cost_of(b, number, truth_of(b, number));
    const double more = all.inside + all.outside - asides * aside -
                        functions * (function->inside + function->outside);

    if (!(aside > 0.0 && more > 0.0)) {
        return 0;
    }
    return more < MOST_ASIDES * aside ? (uint32_t)(more / aside + 0.5) : MOST_ASIDES;
}

/* Figures that cannot be: something was in the way all the time. */
static bool
are_plausible(const fp_costs *costs)
{
    for (int kind = 0; kind < FP_KINDS; kind++) {
        const fp_cost *cost = &costs->returned[kind];
        if (!(cost->inside + cost->outside > 0.0)) {
            return false;
        }
    }
    return true;
}

static outcome
measure(bench *b, const fpy_session *session)
{
    outcome result = make_bench(b);

    if (result == DONE) {
        result = run_plain(b, &session->state->processor);
    }
    if (result == DONE) {
        result = run_under_events(b, session, FPY_BUILTINS_C, run_recorded);
    }
    if (result == DONE && session->source == &fpy_hook_setprofile) {
        result = run_under_events(b, session, FPY_BUILTINS_NONE, run_ignored);
    }
    return result;
}

/* Whether nobody else would be told of the probes, or make them take longer. */
static bool
is_alone(const fpy_session *session)
{
    const PyThreadState *thread = PyThreadState_Get();

    return session->state->active == NULL && !fpy_has_trace_or_profile(thread) &&
           fpy_monitor_is_alone(session->state);
}

/* Whether it is to be done, or done again: what was measured while something else took
 * the processor up is less certain. */
static bool
is_wanted(const fpy_session *session)
{
    const fpy_calibration *calibration = session->calibration;

    if (calibration->is_running || !is_alone(session)) {
        return false;
    }
    return !calibration->is_done ||
           (calibration->times < MOST_TIMES &&
            SLOWER * (double)fp_processor_look(&session->state->processor) <
                calibration->slowness);
}

/* What this measurement found holds from now on. */
static void
take_over(fpy_calibration *calibration, const bench *b, const fp_costs *costs)
{
    calibration->costs = *costs;
    calibration->slowness = b->work;
    calibration->asides_of_class = asides_beyond(b, costs, CLASS, 0.0, 0.0);
    /* An instance has the calls of its class and of `__init__`, which no CALL names;
     * what uses `super`, two functions that a CALL names. */
    calibration->asides_of_instance =
        asides_beyond(b, costs, INSTANCE, 1.0, calibration->asides_of_class);
    calibration->asides_of_super = asides_beyond(
        b, costs, SUPER, 2.0, calibration->asides_of_class + 2.0 * FPY_ASIDE);
    calibration->is_done = true;
}

/* With less that is lost, if that leaves less than nothing to an event. */
static fp_costs
costs_left_by(bench *b, bool by_monitoring)
{
    fp_costs costs = costs_of(b, by_monitoring);

    for (int i = 0; i < MOST_HALVINGS && b->lost > 0.0 && !are_plausible(&costs); i++) {
        b->lost /= 2.0;
        costs = costs_of(b, by_monitoring);
    }
    return costs;
}

/* One measurement, which is taken over if its figures can be. */
static outcome
try_once(const fpy_session *session, int64_t most_ns)
{
    bench b = {.most_ns = most_ns, .pace = 1.0};
    const outcome result = measure(&b, session);

    if (result == DONE) {
        sum_up(&b, &session->state->processor);
        if (FPY_PROFILING_SLOWS_PYTHON) {
            find_pace(&b);
        }
        const fp_costs costs =
            costs_left_by(&b, session->source == &fpy_hook_monitoring);
        if (are_plausible(&costs)) {
            take_over(session->calibration, &b, &costs);
        }
    }
    free_bench(&b);
    return result;
}

int
fpy_calibrate(const fpy_session *session)
{
    fpy_calibration *calibration = session->calibration;
    outcome result;

    if (!is_wanted(session)) {
        return 0;
    }
    calibration->is_running = true;
    calibration->times++;
    result = try_once(session, calibration->is_done ? MOST_NS_AGAIN : MOST_NS);
    for (int i = 0; i < MOST_RETRIES && result == DONE && !calibration->is_done; i++) {
        result = try_once(session, MOST_NS_AGAIN);
    }
    calibration->is_running = false;
    return result == FAILED ? -1 : 0;
}

static void
multiply(fp_cost *cost, double ratio)
{
    cost->inside *= ratio;
    cost->outside *= ratio;
    cost->error *= ratio;
}

const fp_costs *
fpy_costs_of(const fpy_session *session)
{
    const fpy_calibration *calibration = session->calibration;

    return session->compensate && !session->lacked_costs && calibration->is_done
               ? &calibration->costs
               : NULL;
}

bool
fpy_costs_meanwhile(const fpy_session *session, fp_costs *costs)
{
    const fp_costs *measured = fpy_costs_of(session);
    const double ratio = fp_processor_ratio(&session->state->processor,
                                            session->calibration->slowness,
                                            fp_slowness_of(&session->slowness));

    if (measured == NULL) {
        return false;
    }
    *costs = *measured;
    for (int kind = 0; kind < FP_KINDS; kind++) {
        multiply(&costs->returned[kind], ratio);
        multiply(&costs->raised[kind], ratio);
    }
    multiply(&costs->append, ratio);
    multiply(&costs->aside, ratio);
    costs->lost *= ratio;
    costs->taken *= ratio;
    return true;
}
