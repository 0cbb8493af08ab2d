#include "correction.h"

#include "alloc.h"

#include <math.h>

/* Of the calls over the functions, in bits. */
static double
entropy_of(const double *calls, size_t count)
{
    double all = 0.0, sum = 0.0;

    for (size_t i = 0; i < count; i++) {
        if (calls[i] > 0.0) {
            all += calls[i];
            sum += calls[i] * log2(calls[i]);
        }
    }
    return all > 0.0 ? log2(all) - sum / all : 0.0;
}

static bool
costs_something(unsigned kind)
{
    return kind < FP_KINDS || kind == FP_KIND_APPEND;
}

fp_status
fp_correction_fit(fp_correction *correction, const fp_snapshot *snapshot)
{
    const size_t count = correction->function_count;
    double *calls;

    correction->context = 0.0;
    if (correction->costs->pace != 1.0 || count == 0) {
        return FP_OK;
    }
    calls = fp_alloc(count * sizeof *calls);
    if (calls == NULL) {
        return FP_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        calls[i] = 0.0;
    }
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const fp_thread_record *thread = &snapshot->threads[i];
        for (size_t j = 1; j < thread->path_count; j++) {
            const fp_path *path = &thread->paths[j];
            if (costs_something(correction->kinds[path->function])) {
                calls[path->function] += (double)path->calls;
            }
        }
    }
    correction->context =
        FP_CONTEXT * fmin(1.0, entropy_of(calls, count) / FP_FULL_ENTROPY);
    fp_free(calls);
    return FP_OK;
}

/* Adds as many times a cost. */
static void
add_cost(fp_cost *sum, const fp_cost *cost, double times)
{
    sum->inside += times * cost->inside;
    sum->outside += times * cost->outside;
    sum->error +=
        times * (cost->error + FP_UNSURE * (fabs(cost->inside) + fabs(cost->outside)));
}

fp_cost
fp_correction_of(const fp_correction *correction, const fp_path *path)
{
    const fp_costs *costs = correction->costs;
    const unsigned kind = correction->kinds[path->function];
    fp_cost of_asides = {0}, sum = {0};

    add_cost(&of_asides, &costs->aside, (double)path->asides);
    if (kind < FP_KINDS) {
        const double returned = (double)(path->calls - path->raised);
        const double resumed = kind == FP_KIND_GENERATOR
                                   ? fmin(returned, (double)path->resumes)
                                   : returned;
        add_cost(&sum, &costs->returned[kind], resumed);
        add_cost(&sum, &costs->returned[FP_KIND_PYTHON], returned - resumed);
        add_cost(&sum, &costs->raised[kind], (double)path->raised);
    }
    if (kind == FP_KIND_APPEND) {
        add_cost(&sum, &costs->append, (double)path->calls);
    }
    sum.inside += of_asides.outside; /* outside whatever called, which is in here */
    sum.error += of_asides.error;
    return sum;
}

double
fp_correction_paced(const fp_correction *correction, const fp_path *path, double own)
{
    const fp_costs *costs = correction->costs;
    const fp_pace *pace;
    double lost, taken, left;

    if (correction->kinds[path->function] >= FP_KIND_C) {
        return own;
    }
    if (correction->paces == NULL || !(costs->lost > 0.0 && costs->taken > 0.0)) {
        return own / costs->pace;
    }
    pace = &correction->paces[path->function];
    lost = costs->lost * pace->lost;
    taken = costs->taken * pace->taken;
    if (taken <= 0.0) {
        return own / costs->pace;
    }
    left = own * taken / (taken + lost);
    return pace->repeats ? left : fmax(left, own - (double)path->calls * lost);
}
