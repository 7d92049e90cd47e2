/* bench/cached.h -- a soft-label cache of random logits, read as a training step does. */
#ifndef BENCH_CACHED_H
#define BENCH_CACHED_H

#include "lyne/labels.h"

typedef struct cached {
    char directory[64];
    lyne_labels *labels;
    uint64_t *sample; /* (rows) */
    uint32_t *view;   /* (rows) */
    int64_t rows;
    uint64_t position; /* in the stream of samples */
} cached;

/** Write 50,000 records in an encoding, as a recipe says it, into a folder of its own, and open them for batches of so many
 *  rows. */
lyne_status cached_open(cached *c, const char *encoding, int64_t rows, int64_t classes, lyne_error *err);
/** The logits (rows, classes) of the next batch, in an epoch's order. */
lyne_status cached_read(cached *c, float *logits, lyne_error *err);
void cached_close(cached *c); /* takes the folder away; zeroed is fine */

#endif
