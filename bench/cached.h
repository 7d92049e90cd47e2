/* bench/cached.h -- a soft-label cache of made-up logits: read as a training step does, written as a label stage does. */
#ifndef BENCH_CACHED_H
#define BENCH_CACHED_H

#include "labels/writer.h"

typedef struct cached {
    char directory[64];
    lyne_arena arena;
    lyne_head head; /* of an encoding of features */
    lyne_labels_plan plan;
    lyne_labels_writer *writer;
    lyne_labels *labels;
    int64_t rows;
    uint64_t *sample;  /* (rows) */
    uint32_t *view;    /* (rows) */
    uint64_t position; /* in the stream of samples */
} cached;

/** A folder of its own for labels in an encoding, as a recipe says it; features: what goes into the last layer, should the
 *  encoding store that.  Close it in any case. */
lyne_status cached_open(cached *c, const char *encoding, int64_t classes, int64_t features, lyne_error *err);
void cached_close(cached *c); /* takes the folder away; zeroed is fine */

/** A cache of so many records begins; what the folder held is gone. */
lyne_status cached_begin(cached *c, uint64_t records, lyne_error *err);
/** What the teacher said of the next n: features (n, F) if the encoding stores them, logits (n, classes). */
lyne_status cached_append(cached *c, const float *features, const float *logits, int64_t n, lyne_error *err);
/** The manifest, all records being there. */
lyne_status cached_finish(cached *c, lyne_error *err);

/** 20,000 random records, for batches of so many rows. */
lyne_status cached_fill(cached *c, int64_t rows, lyne_error *err);
/** The logits (rows, classes) of the next batch, in an epoch's order. */
lyne_status cached_read(cached *c, float *logits, lyne_error *err);

#endif
