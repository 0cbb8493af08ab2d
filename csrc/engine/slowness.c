#include "slowness.h"

#include <math.h>

#define PASSES 2 /* the second finds all in place */
#define EVENTS_BY_WORK                                                                 \
    1.2                /* by how much more events are slowed down than the work is:    \
                          docs/measurements.md */
#define NOISE 0.05     /* of a ratio: what is less apart is the same */
#define UNSURE 0.5     /* standard errors */
#define MOST_RATIO 3.0 /* more comes from something else */

fp_ticks
fp_processor_look(fp_processor *processor)
{
    fp_ticks least = processor->work(processor->context);

    for (int i = 1; i < PASSES; i++) {
        const fp_ticks took = processor->work(processor->context);
        least = took < least ? took : least;
    }
    if (least > 0 && (processor->least == 0 || least < processor->least)) {
        processor->least = least;
    }
    return least > 0 ? least : 0;
}

static double
slowed_down(const fp_processor *processor, double took)
{
    return 1.0 + EVENTS_BY_WORK * (took / (double)processor->least - 1.0);
}

double
fp_processor_ratio(const fp_processor *processor, double from, double to)
{
    double ratio;

    if (!(from > 0.0 && to > 0.0 && processor->least > 0)) {
        return 1.0;
    }
    ratio = slowed_down(processor, to) / slowed_down(processor, from);
    if (ratio > 1.0 - NOISE && ratio < 1.0 + NOISE) {
        return 1.0;
    }
    return ratio > MOST_RATIO         ? MOST_RATIO
           : ratio < 1.0 / MOST_RATIO ? 1.0 / MOST_RATIO
                                      : ratio;
}

fp_ticks
fp_slowness_look(fp_slowness *slowness)
{
    const fp_clock *clock = slowness->processor->clock;
    const fp_ticks now = fp_clock_now(clock);
    const double took = (double)fp_processor_look(slowness->processor);

    if (took > 0.0) {
        slowness->looks += 1.0;
        slowness->sum += 1.0 / took;
        slowness->squares += 1.0 / (took * took);
    }
    slowness->looked_at = fp_clock_now(clock);
    return slowness->looked_at - now;
}

double
fp_slowness_of(const fp_slowness *slowness)
{
    const double looks = slowness->looks;
    double mean, variance, took;

    if (looks < 2.0) {
        return 0.0;
    }
    mean = slowness->sum / looks;
    variance = (slowness->squares - looks * mean * mean) / (looks - 1.0);
    took = 1.0 / (mean + UNSURE * sqrt(variance > 0.0 ? variance / looks : 0.0));
    return took > (double)slowness->processor->least
               ? took
               : (double)slowness->processor->least;
}
