#include "bound.h"

#include "monitor.h"

#include <math.h>
#include <time.h>

#define USUAL_COST 100e-9 /* seconds; where it has not been measured */
/* What events cost in programs, by what they cost in the loops of calibration, where
 * there are many; and times that, where others use the same processor. */
#define TRUE_COST_FACTOR 1.4
#define WITH_NEIGHBOURS 1.2
#define WORTH_ITS_EVENTS 3        /* times as much as these a C function takes */
#define FIRST_SPENDING 10e-3      /* seconds that may be spent in advance */
#define SPENDING_OF_LEARNING 3e-3 /* and while all are let back in */
#define PERIOD 20e-3              /* seconds between two looks, about */
#define PART_OF_KEPT 0.6          /* of what may be spent, what stays on may cost */
#define PART_IN_DEBT 0.3          /* while too much has been */
#define TOLERANCE 1.3             /* by which more may be spent than was foreseen */
#define INSTRUMENTING                                                                  \
    0.5e-6 /* seconds for each function, until what is off is off again:               \
              docs/measurements.md */
#define BETWEEN_LEARNING 0.2 /* seconds, for the interpreter takes time to settle */
#define FEWEST_EVENTS 64     /* until the next look */
#define LONGEST 0.25         /* seconds between two looks, if the events can help it */
#define LEAST_GRANTED 0.06   /* of what may be spent in a period */
#define BEAT 50000000L       /* nanoseconds between those of the heartbeat */

static double
ticks_of(fpy_session *session, double seconds)
{
    return seconds / fpy_session_scale(session);
}

/* What events cost, by what they cost in the loops of calibration, where they take a
 * share of the time: the seldomer they are, the less of what they need has the
 * processor still at hand. A line through what was measured at shares from 0.02 to
 * 0.25, and then as much more as it is on a host at half its speed
 * (docs/measurements.md). */
static double
factor_at(double share)
{
    return WITH_NEIGHBOURS * fmax(0.44 - 0.73 * log(share), 1.2);
}

/* Of a call that returns, or of an aside. */
static fp_ticks
true_cost(fpy_session *session, fpy_charge charge, double factor)
{
    const fp_costs *costs = &session->calibration->costs;
    const fp_cost *of_call =
        &costs->returned[charge == FPY_OF_C ? FP_KIND_C : FP_KIND_PYTHON];
    const double ticks = !session->calibration->is_done ? ticks_of(session, USUAL_COST)
                         : charge == FPY_OF_ASIDE ? FPY_ASIDE * costs->aside.outside
                                                  : of_call->inside + of_call->outside;

    return (fp_ticks)(factor * ticks) + 1;
}

/* As the processor is now. */
static void
set_costs(fpy_session *session)
{
    fpy_thrift *thrift = &session->thrift;
    fp_processor *processor = &session->state->processor;
    const double factor = factor_at(thrift->share) *
                          fp_processor_ratio(processor,
                                             session->calibration->slowness,
                                             (double)fp_processor_look(processor));

    for (int charge = 0; charge < FPY_CHARGES; charge++) {
        thrift->cost[charge] = true_cost(session, (fpy_charge)charge, factor);
    }
    thrift->folding.costs = (fp_call_costs){(double)thrift->cost[FPY_OF_PYTHON],
                                            (double)thrift->cost[FPY_OF_C]};
}

static void
grant(fpy_thrift *thrift, double ticks, fp_ticks now)
{
    const double least = (double)(FEWEST_EVENTS * thrift->cost[FPY_OF_PYTHON]);
    const double of_survey = 2.0 * (double)thrift->survey_cost;

    ticks = ticks > least ? ticks : least;
    ticks = ticks > of_survey ? ticks : of_survey;
    thrift->granted = thrift->credit = (fp_ticks)ticks;
    thrift->granted_at = now;
}

/* How long a C function takes that is worth its events: with them. */
static fp_ticks
dear(fpy_session *session)
{
    const double inside = session->calibration->is_done
                              ? session->calibration->costs.returned[FP_KIND_C].inside
                              : ticks_of(session, USUAL_COST);

    return (fp_ticks)inside +
           WORTH_ITS_EVENTS * true_cost(session, FPY_OF_C, TRUE_COST_FACTOR);
}

static void
begin_spending(fpy_session *session)
{
    fpy_thrift *thrift = &session->thrift;
    const fp_ticks now = fpy_session_now_quietly(session);

    set_costs(session);
    thrift->is_learning = true;
    thrift->began = thrift->surveyed_at = thrift->unfolded_at = now;
    /* What passed since it was disabled counts for nothing. */
    thrift->folding.began += now - thrift->folding.surveyed;
    thrift->folding.surveyed = now;
    thrift->spent = thrift->spent_at_survey = 0.0;
    thrift->heartbeat = 0; /* one that still beats sees that, and ends */
    grant(thrift, ticks_of(session, FIRST_SPENDING), now);
}

/* Nothing is asked for others: the first to ask how long a tick is may have to wait. */
void
fpy_bound_begin(fpy_session *session)
{
    fpy_thrift *thrift = &session->thrift;

    thrift->credit = INT64_MAX;
    if (fpy_thrift_is_on(thrift)) {
        thrift->dear = dear(session);
    }
    if (thrift->share > 0.0) {
        begin_spending(session);
    }
}

/* Adds up what has been recorded on all threads. */
static fp_status
survey(fpy_session *session, fp_ticks now)
{
    fp_folding *folding = &session->thrift.folding;
    fp_status status = FP_OK;

    fp_folding_begin_survey(folding, now);
    for (fpy_recorder *r = session->recorders; r != NULL && status == FP_OK;
         r = r->next) {
        status = fp_folding_survey(folding, &r->engine, now);
    }
    for (fpy_recorder *r = session->retired; r != NULL && status == FP_OK;
         r = r->next) {
        status = fp_folding_survey(folding, &r->engine, now);
    }
    if (status == FP_OK) {
        fp_folding_end_survey(folding);
    }
    return status;
}

static void
mark(fpy_session *session)
{
    for (fpy_recorder *r = session->recorders; r != NULL; r = r->next) {
        fp_folding_mark(&r->engine);
    }
}

/* What stays on may cost this part of the share; the figures are those of the time
 * since the survey before, less what the events of that cost. */
static void
fold(fpy_session *session, fp_ticks now, double part)
{
    fpy_thrift *thrift = &session->thrift;
    const double passed = (double)(now - thrift->surveyed_at);
    const double program = passed - (thrift->spent - thrift->spent_at_survey);

    if (survey(session, now) == FP_OK &&
        fp_folding_fold(&thrift->folding,
                        part * thrift->share *
                            (program > passed / 4.0 ? program : passed / 4.0)) ==
            FP_OK) {
        mark(session);
    }
    thrift->foreseen = fp_folding_cost(&thrift->folding) / passed;
    thrift->surveyed_at = now;
    thrift->spent_at_survey = thrift->spent;
    thrift->is_learning = false;
    thrift->has_folded = true;
}

/* All are on again. */
static void
unfold(fpy_session *session, fp_ticks now)
{
    fpy_thrift *thrift = &session->thrift;

    if (survey(session, now) == FP_OK) {
        thrift->surveyed_at = now;
        thrift->spent_at_survey = thrift->spent;
    }
    fp_folding_unfold(&thrift->folding);
    mark(session);
    thrift->has_folded = false;
    thrift->is_learning = true;
}

/* What is off at some place is on there, too; what that takes out of the program's time
 * is spent. */
static void
restart(fpy_session *session)
{
#ifdef FPY_HAVE_MONITORING
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    if (fpy_tool_restart(&session->state->monitor->tool) < 0) {
        PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
#else
    (void)session;
#endif
}

/* Of all functions that are known, once what was off has been switched on. */
static double
cost_of_instrumenting(fpy_session *session)
{
    return ticks_of(session, INSTRUMENTING) *
           (double)HASH_COUNT(session->thrift.folding.functions);
}

/* To let all back in: what learning may cost, looking through the trees, twice, and
 * instrumenting anew. */
static double
price_of_learning(fpy_session *session)
{
    return ticks_of(session, SPENDING_OF_LEARNING) +
           4.0 * (double)session->thrift.survey_cost + cost_of_instrumenting(session);
}

/* ---- the heartbeat ---- */

/* In a thread without Python frames: no profiler has anything to record of it. */
static PyObject *
beat(PyObject *module, PyObject *number)
{
    const fpy_state *state = fpy_state_of_module(module);
    const unsigned long wanted = PyLong_AsUnsignedLong(number);
    const struct timespec pause = {0, BEAT};
    fpy_session *session;

    do {
        PyThreadState *thread = PyEval_SaveThread();
        nanosleep(&pause, NULL);
        PyEval_RestoreThread(thread);
        session = state->active;
        while (session != NULL && session->thrift.heartbeat != wanted) {
            session = session->next_active;
        }
        if (session != NULL) {
            PyObject *owner = fpy_session_held(session)->owner;
            fpy_bound_look(session);
            Py_DECREF(owner);
        }
    } while (session != NULL);
    Py_RETURN_NONE;
}

static PyMethodDef heartbeat = {"heartbeat", beat, METH_O, NULL};

/* Where there can be no thread, the program's events will do. */
static void
begin_heartbeat(fpy_session *session)
{
    const unsigned long number = ++session->state->heartbeats;
    PyObject *type, *value, *traceback;
    PyObject *module, *threads, *function, *answer = NULL;

    PyErr_Fetch(&type, &value, &traceback);
    session->thrift.heartbeat = number;
    module = fpy_module_of_type(Py_TYPE(session->owner));
    threads = PyImport_ImportModule("_thread");
    function = PyCFunction_New(&heartbeat, module);
    if (threads != NULL && function != NULL) {
        answer =
            PyObject_CallMethod(threads, "start_new_thread", "O(k)", function, number);
    }
    Py_XDECREF(answer);
    Py_XDECREF(function);
    Py_XDECREF(threads);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

/* ---- looks ---- */

void
fpy_bound_look(fpy_session *session)
{
    fpy_thrift *thrift = &session->thrift;
    const fp_ticks now = fpy_session_now_quietly(session);
    const double used = (double)(thrift->granted - thrift->credit);
    const double passed = (double)(now - thrift->granted_at);
    const bool had_folded = thrift->has_folded;
    double slack, part, next;

    if (thrift->share == 0.0 || !fpy_session_is_alone(session)) {
        grant(thrift, 0x1p62, now);
        return;
    }
    thrift->spent += used;
    set_costs(session);
    slack = thrift->share * (double)(now - thrift->began) +
            ticks_of(session, FIRST_SPENDING) - thrift->spent;
    part = slack < 0.0 ? PART_IN_DEBT : PART_OF_KEPT;
    next = part * thrift->share * ticks_of(session, PERIOD);
    if (thrift->is_learning ? used > thrift->share * passed
                            : used > TOLERANCE * part * thrift->share * passed) {
        fold(session, now, part);
    } else if (thrift->has_folded && slack > price_of_learning(session) &&
               (double)(now - thrift->unfolded_at) >
                   ticks_of(session, BETWEEN_LEARNING)) {
        unfold(session, now);
        restart(session);
        thrift->spent += cost_of_instrumenting(session);
        next = ticks_of(session, SPENDING_OF_LEARNING);
        next = next > slack / 2.0 ? next : slack / 2.0;
        thrift->unfolded_at = now;
    }
    if (thrift->has_folded) {
        next = fmin(
            next,
            fmax(next * LEAST_GRANTED, thrift->foreseen * ticks_of(session, PERIOD)));
    }
    const fp_ticks after = fpy_session_now_quietly(session);
    if (thrift->surveyed_at == now) {
        thrift->survey_cost = after - now;
        thrift->spent += (double)(after - now);
    }
    grant(thrift, next, after);
    if (thrift->has_folded && thrift->heartbeat == 0 &&
        ((had_folded && passed > ticks_of(session, LONGEST)) ||
         thrift->foreseen * ticks_of(session, LONGEST) < (double)thrift->granted)) {
        begin_heartbeat(session);
    }
}

void
fpy_bound_look_if_due(fpy_session *session)
{
    const fpy_thrift *thrift = &session->thrift;

    if (thrift->share > 0.0 && session->enabled &&
        (double)(fpy_session_now_quietly(session) - thrift->granted_at) >
            ticks_of(session, PERIOD)) {
        fpy_bound_look(session);
    }
}

void
fpy_bound_reset(fpy_session *session)
{
    if (session->thrift.has_folded) {
        unfold(session, fpy_session_now_quietly(session));
    }
}

void
fpy_bound_survey(fpy_session *session, fp_ticks now)
{
    fpy_thrift *thrift = &session->thrift;

    if (!session->enabled) {
        now = thrift->folding.surveyed; /* nothing has passed since */
    }
    if (thrift->share > 0.0 && survey(session, now) == FP_OK) {
        thrift->surveyed_at = now;
        thrift->spent_at_survey = thrift->spent;
    }
}

/* Nothing is recorded any more that this is about. */
void
fpy_bound_forget(fpy_session *session)
{
    if (session->enabled && fpy_thrift_is_on(&session->thrift)) {
        restart(session);
        fpy_bound_begin(session);
    }
}
