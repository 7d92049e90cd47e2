/* base/limits.h -- what the system will let this process have. */
#ifndef LYNE_BASE_LIMITS_H
#define LYNE_BASE_LIMITS_H

#include "lyne/status.h"
#include <stdint.h>

#define LYNE_NO_LIMIT UINT64_MAX

typedef struct lyne_memory_limits {
    uint64_t most;  /* [bytes] of the machine with its swap, or of the least of its control groups: beyond it, a kill */
    char file[512]; /* that says so */
    uint64_t available; /* of the machine's, without swapping [bytes] */
} lyne_memory_limits;

/** /proc/meminfo, and control groups of version 2 (memory.max) and 1 (memory.limit_in_bytes), each with those around it.
 *  root  the folder that /proc and /sys are in: "" for the system's own
 *  What the system does not say is LYNE_NO_LIMIT. */
lyne_memory_limits lyne_memory_limits_in(const char *root);

/** Bytes that this process may still write to the file system that an existing path is on. */
lyne_status lyne_disk_free(const char *path, uint64_t *bytes, lyne_error *err);

#endif
