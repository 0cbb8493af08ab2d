/* status.h -- what a call into the engine can answer. */
#ifndef FP_STATUS_H
#define FP_STATUS_H

typedef enum {
    FP_OK = 0,
    FP_ADDED = 1,    /* done, and something was added: time went by, and the caller
                        may want to name the key and to read its clock again */
    FP_UNKNOWN = 2,  /* nothing changed: what was to be left is not open */
    FP_NOMEM = -1,   /* nothing changed; recording stops, the profile is incomplete */
    FP_FULL = -2,    /* nothing changed; the node budget is used up */
    FP_BADDATA = -3, /* nothing changed; the bytes are not what the engine writes */
    FP_NOCLOCK = -4, /* nothing changed; this machine does not have the clock */
} fp_status;

#endif
