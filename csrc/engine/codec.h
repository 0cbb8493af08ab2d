/* codec.h -- a snapshot as bytes, and back. docs/format.md describes them.
 *
 * The decoder trusts nothing: every number is checked against what it must stand for
 * before it is used, and no more memory is asked for than the bytes can fill.
 *
 * Ownership  the caller frees what encode and decode give (fp_free,
 *            fp_snapshot_free).
 */
#ifndef FP_CODEC_H
#define FP_CODEC_H

#include "snapshot.h"
#include "status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *bytes;
    size_t size;
} fp_bytes;

/* FP_OK, or FP_NOMEM: nothing to free. */
fp_status fp_snapshot_encode(const fp_snapshot *snapshot, fp_bytes *encoded);

/* FP_OK, FP_NOMEM or FP_BADDATA (then there is nothing to free). Every function
 * number in the result is below `function_count`. */
fp_status fp_snapshot_decode(fp_snapshot *snapshot, const uint8_t *bytes, size_t size,
                             size_t function_count);

/* FNV-1a, 64 bits (Fowler, Noll and Vo): tells damage, not malice. */
uint64_t fp_checksum(const uint8_t *bytes, size_t size);

#endif
