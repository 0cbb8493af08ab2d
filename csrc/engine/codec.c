#include "codec.h"

#include "alloc.h"

#include <stdbool.h>

#define LONGEST_NUMBER 10U
#define FIRST_CAPACITY 4096U

/* The fewest bytes that one element of each kind can take. */
#define SHORTEST_THREAD 6U
#define SHORTEST_PATH 7U
#define SHORTEST_FUNCTION 11U
#define SHORTEST_PAIR 12U

/* In the number that names a path's function: visibility, these, and the function. */
#define HAS_RESUMES UINT64_C(4)
#define WAS_OFF UINT64_C(8)
#define FUNCTION_SHIFT 4

/* ---- writing ---- */

typedef struct {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
    bool failed;
} writer;

/* Seven bits to a byte, the lowest first; the high bit says that more follow. */
static void
put(writer *out, uint64_t number)
{
    if (out->capacity - out->size < LONGEST_NUMBER && !out->failed) {
        const size_t capacity = out->capacity == 0 ? FIRST_CAPACITY : 2 * out->capacity;
        uint8_t *bytes = fp_realloc(out->bytes, capacity);
        out->failed = bytes == NULL;
        if (!out->failed) {
            out->bytes = bytes;
            out->capacity = capacity;
        }
    }
    if (out->failed) {
        return;
    }
    while (number >= 0x80) {
        out->bytes[out->size++] = (uint8_t)(number | 0x80);
        number >>= 7;
    }
    out->bytes[out->size++] = (uint8_t)number;
}

static void
put_figure(writer *out, int64_t number)
{
    put(out, (uint64_t)number);
}

/* What may seem negative, by the jitter of two clocks. */
static void
put_off(writer *out, fp_ticks off)
{
    put_figure(out, off > 0 ? off : 0);
}

static void
put_sum(writer *out, const fp_sum *sum)
{
    put_figure(out, sum->calls);
    put_figure(out, sum->recursive);
    put_figure(out, sum->raised);
    put_figure(out, sum->resumes);
    put_figure(out, sum->recursive_resumes);
    put_figure(out, sum->suspended_ticks);
    put_figure(out, sum->total_ticks);
    put_figure(out, sum->own_ticks);
    put_off(out, sum->total_off);
    put_off(out, sum->own_off);
}

/* What lies inside a whole is hidden itself. */
static uint64_t
written_visibility(const fp_path *path)
{
    return path->visibility == FP_HIDDEN_WHOLE ? FP_HIDDEN : path->visibility;
}

static void
put_thread(writer *out, const fp_thread_record *thread)
{
    put(out, thread->ident);
    put(out, thread->truncated);
    put_figure(out, thread->clamped);
    put(out, thread->path_count);
    for (size_t i = 1; i < thread->path_count; i++) {
        const fp_path *path = &thread->paths[i];
        put(out, i - path->parent);
        put(out,
            (uint64_t)path->function << FUNCTION_SHIFT |
                (path->resumes > 0 ? HAS_RESUMES : 0) | (path->was_off ? WAS_OFF : 0) |
                written_visibility(path));
        put_figure(out, path->calls);
        put_figure(out, path->raised);
        put_figure(out, path->asides);
        put_figure(out, path->inclusive_ticks);
        put_off(out, path->off_ticks);
        if (path->resumes > 0) {
            put_figure(out, path->resumes);
            put_figure(out, path->suspended_ticks);
        }
        if (path->was_off) {
            put_figure(out, path->unseen_ticks);
        }
    }
    put(out, thread->totals.function_count);
    for (size_t i = 0; i < thread->totals.function_count; i++) {
        put(out, thread->totals.functions[i].function);
        put_sum(out, &thread->totals.functions[i].sum);
    }
    put(out, thread->totals.pair_count);
    for (size_t i = 0; i < thread->totals.pair_count; i++) {
        put(out, thread->totals.pairs[i].caller);
        put(out, thread->totals.pairs[i].callee);
        put_sum(out, &thread->totals.pairs[i].sum);
    }
}

fp_status
fp_snapshot_encode(const fp_snapshot *snapshot, fp_bytes *encoded)
{
    writer out = {0};

    put(&out, snapshot->thread_count);
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        put_thread(&out, &snapshot->threads[i]);
    }
    if (out.failed) {
        fp_free(out.bytes);
        return FP_NOMEM;
    }
    *encoded = (fp_bytes){out.bytes, out.size};
    return FP_OK;
}

/* ---- reading ---- */

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    uint64_t function_count;
    fp_status status; /* once bad, every number read is 0 */
} reader;

static uint64_t
fail(reader *in, fp_status status)
{
    if (in->status == FP_OK) {
        in->status = status;
    }
    in->at = in->end;
    return 0;
}

/* A number of at most `most`. */
static uint64_t
take(reader *in, uint64_t most)
{
    uint64_t number = 0;

    for (unsigned shift = 0; shift < 64 && in->at != in->end; shift += 7) {
        const uint8_t byte = *in->at++;
        const uint64_t bits = byte & 0x7FU;
        if (shift == 63 && bits > 1) {
            break;
        }
        number |= bits << shift;
        if ((byte & 0x80U) == 0) {
            return number <= most ? number : fail(in, FP_BADDATA);
        }
    }
    return fail(in, FP_BADDATA);
}

static int64_t
take_figure(reader *in)
{
    return (int64_t)take(in, INT64_MAX);
}

static uint32_t
take_function(reader *in)
{
    const uint64_t number = take(in, UINT32_MAX);

    if (number >= in->function_count) {
        fail(in, FP_BADDATA);
    }
    return (uint32_t)number;
}

/* How many elements follow: no more than fit into the bytes that are left. */
static size_t
take_count(reader *in, size_t shortest)
{
    const size_t left = (size_t)(in->end - in->at);

    return (size_t)take(in, left / shortest);
}

/* At least one byte, so that NULL always means "no memory". */
static void *
room_for(reader *in, size_t count, size_t size)
{
    void *block = in->status == FP_OK ? fp_alloc(count * size + 1) : NULL;

    if (block == NULL) {
        fail(in, FP_NOMEM);
    }
    return block;
}

static fp_sum
take_sum(reader *in)
{
    fp_sum sum = {0};

    sum.calls = take_figure(in);
    sum.recursive = take_figure(in);
    sum.raised = take_figure(in);
    sum.resumes = take_figure(in);
    sum.recursive_resumes = take_figure(in);
    sum.suspended_ticks = take_figure(in);
    sum.total_ticks = take_figure(in);
    sum.own_ticks = take_figure(in);
    sum.total_off = take_figure(in);
    sum.own_off = take_figure(in);
    return sum;
}

static void
take_paths(reader *in, fp_thread_record *thread)
{
    const size_t most = (size_t)(in->end - in->at) / SHORTEST_PATH + 1;

    thread->path_count = (size_t)take(in, most < UINT32_MAX ? most : UINT32_MAX);
    if (thread->path_count == 0) {
        fail(in, FP_BADDATA);
    }
    thread->paths = room_for(in, thread->path_count, sizeof *thread->paths);
    if (thread->paths == NULL) {
        return;
    }
    thread->paths[0] = (fp_path){0};
    for (size_t i = 1; i < thread->path_count && in->status == FP_OK; i++) {
        fp_path *path = &thread->paths[i];
        const uint64_t distance = take(in, i);
        uint64_t named;

        if (distance == 0) {
            fail(in, FP_BADDATA);
        }
        named = take(in,
                     (uint64_t)UINT32_MAX << FUNCTION_SHIFT | WAS_OFF | HAS_RESUMES |
                         FP_FOLDED);
        if (named >> FUNCTION_SHIFT >= in->function_count ||
            (named & 3) == FP_HIDDEN_WHOLE) {
            fail(in, FP_BADDATA);
        }
        *path = (fp_path){.parent = (uint32_t)(i - distance),
                          .function = (uint32_t)(named >> FUNCTION_SHIFT),
                          .visibility = (fp_visibility)(named & 3)};
        path->calls = take_figure(in);
        path->raised = take_figure(in);
        path->asides = take_figure(in);
        path->inclusive_ticks = take_figure(in);
        path->off_ticks = take_figure(in);
        if ((named & HAS_RESUMES) != 0) {
            path->resumes = take_figure(in);
            path->suspended_ticks = take_figure(in);
        }
        if ((named & WAS_OFF) != 0) {
            path->was_off = true;
            path->unseen_ticks = take_figure(in);
        }
    }
}

static void
take_totals(reader *in, fp_totals *totals)
{
    totals->function_count = take_count(in, SHORTEST_FUNCTION);
    totals->functions = room_for(in, totals->function_count, sizeof *totals->functions);
    for (size_t i = 0; i < totals->function_count && in->status == FP_OK; i++) {
        totals->functions[i].function = take_function(in);
        totals->functions[i].sum = take_sum(in);
    }
    totals->pair_count = take_count(in, SHORTEST_PAIR);
    totals->pairs = room_for(in, totals->pair_count, sizeof *totals->pairs);
    for (size_t i = 0; i < totals->pair_count && in->status == FP_OK; i++) {
        totals->pairs[i].caller = take_function(in);
        totals->pairs[i].callee = take_function(in);
        totals->pairs[i].sum = take_sum(in);
    }
}

static void
take_thread(reader *in, fp_snapshot *snapshot)
{
    fp_thread_record thread = {0};

    thread.ident = take(in, UINT64_MAX);
    thread.truncated = take(in, 1) != 0;
    thread.clamped = take_figure(in);
    take_paths(in, &thread);
    take_totals(in, &thread.totals);
    if (in->status == FP_OK && fp_snapshot_add_record(snapshot, thread) != FP_OK) {
        fail(in, FP_NOMEM);
    }
    if (in->status != FP_OK) {
        fp_thread_record_free(&thread);
    }
}

fp_status
fp_snapshot_decode(fp_snapshot *snapshot, const uint8_t *bytes, size_t size,
                   size_t function_count)
{
    reader in = {bytes, bytes + size, function_count, FP_OK};
    size_t thread_count;

    *snapshot = (fp_snapshot){0};
    thread_count = take_count(&in, SHORTEST_THREAD);
    for (size_t i = 0; i < thread_count && in.status == FP_OK; i++) {
        take_thread(&in, snapshot);
    }
    if (in.status == FP_OK && in.at != in.end) {
        fail(&in, FP_BADDATA);
    }
    if (in.status != FP_OK) {
        fp_snapshot_free(snapshot);
    }
    return in.status;
}

uint64_t
fp_checksum(const uint8_t *bytes, size_t size)
{
    uint64_t sum = UINT64_C(0xCBF29CE484222325);

    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001B3);
    }
    return sum;
}
