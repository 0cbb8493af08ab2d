#include "correction.h"

#include "alloc.h"

#include <math.h>
#include <string.h>

/* What was recorded for calls of functions of reference, and what had been expected. */
typedef struct {
    double calls;
    double ticks;
    double expected;
} sample;

static fp_status
sample_thread(const fp_correction *correction, const fp_thread_record *thread,
              sample *sum)
{
    unsigned char *has_children = fp_alloc(thread->path_count);

    if (has_children == NULL) {
        return FP_NOMEM;
    }
    memset(has_children, 0, thread->path_count);
    for (size_t i = thread->path_count; i-- > 1;) {
        const fp_path *path = &thread->paths[i];
        const unsigned reference = correction->traits[path->function].reference;

        if (reference != 0 && !has_children[i]) {
            sum->calls += (double)path->calls;
            sum->ticks += (double)path->inclusive_ticks;
            sum->expected +=
                (double)path->calls * correction->costs->expected[reference - 1];
        }
        has_children[path->parent] = 1;
    }
    fp_free(has_children);
    return FP_OK;
}

fp_status
fp_correction_fit(fp_correction *correction, const fp_snapshot *snapshot)
{
    sample sum = {0};
    fp_status status = FP_OK;

    for (size_t i = 0; i < snapshot->thread_count && status == FP_OK; i++) {
        status = sample_thread(correction, &snapshot->threads[i], &sum);
    }
    correction->factor = 1.0;
    if (sum.calls >= FP_LEAST_REFERENCE_CALLS && sum.ticks > sum.expected &&
        sum.expected > 0.0) {
        correction->factor = sum.ticks < FP_MOST_FACTOR * sum.expected
                                 ? sum.ticks / sum.expected
                                 : FP_MOST_FACTOR;
    }
    return status;
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
    const unsigned kind = correction->traits[path->function].kind;
    fp_cost of_asides = {0}, sum = {0};

    add_cost(&of_asides, &costs->aside, correction->factor * (double)path->asides);
    if (kind < FP_KINDS) {
        add_cost(&sum,
                 &costs->returned[kind],
                 correction->factor * (double)(path->calls - path->raised));
        add_cost(&sum, &costs->raised[kind], correction->factor * (double)path->raised);
    }
    sum.inside += of_asides.outside; /* outside whatever called, which is in here */
    sum.error += of_asides.error;
    return sum;
}
