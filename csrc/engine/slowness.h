/* slowness.h -- how fast this processor runs now, compared with when events were timed.
 *
 * A neighbour on the other half of a core, or on a shared host, makes everything take
 * up to twice as long, for a millisecond or for seconds, and then not. What events cost
 * goes with it. So a piece of known work is timed when the costs are measured, and
 * while a profile is recorded: when recording begins and ends, and some hundred times a
 * second while there are calls.
 *
 * Units      ticks.
 * Ownership  plain values; a slowness knows its processor, which outlives it.
 * Threads    the caller keeps others out.
 */
#ifndef FP_SLOWNESS_H
#define FP_SLOWNESS_H

#include "clock.h"

#include <stdbool.h>

/* Does the known work: how long it took; 0: it could not be done. */
typedef fp_ticks (*fp_work)(void *context);

/* Of a process. */
typedef struct {
    const fp_clock *clock;
    fp_work work;
    void *context;
    fp_ticks least; /* that the work has ever taken; 0: it was never done */
} fp_processor;

/* Of a profile. */
typedef struct {
    fp_processor *processor; /* NULL: it has not begun */
    fp_ticks looked_at;
    double looks; /* how many, and of 1 over what the work took: */
    double sum;
    double squares;
} fp_slowness;

/* What the work takes now; or 0. */
fp_ticks fp_processor_look(fp_processor *processor);

/* How many times as long events take where the work takes `to`, as where it takes
 * `from`; 1 where one of them is not known. */
double fp_processor_ratio(const fp_processor *processor, double from, double to);

/* One more look; the answer is what looking took. */
fp_ticks fp_slowness_look(fp_slowness *slowness);

/* From one look to the next: some milliseconds where ticks are a processor's cycles, or
 * a third of a second where they are an arm64's. */
#define FP_LOOK_EVERY ((fp_ticks)1 << 23)

/* Whether the last look was so long ago. */
static inline bool
fp_slowness_is_due(const fp_slowness *slowness, fp_ticks now)
{
    return now - slowness->looked_at > FP_LOOK_EVERY;
}

/* What the work took during the profile; 0.0: not known. It is the harmonic mean of all
 * looks: they come at equal intervals, but the slower the processor is, the fewer
 * events are in one. It is lowered by half a standard error: whoever disturbs comes and
 * goes within a millisecond, and a few looks may just have met him. */
double fp_slowness_of(const fp_slowness *slowness);

#endif
