/* bench/cached.c -- see cached.h. */
#include "cached.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "labels/writer.h"
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 50000, PER_SHARD = 16384 };

static lyne_status write_records(const lyne_labels_plan *plan, lyne_error *err) {
    lyne_labels_writer *w = NULL;
    float *row = lyne_alloc((size_t)plan->classes, sizeof *row);
    lyne_status status = row ? lyne_labels_begin(plan, &w, err) : lyne_fail_memory(err, "a row of logits");
    for (uint64_t r = 0; r < RECORDS && status == LYNE_OK; r++) {
        lyne_stream s = lyne_stream_at(1, LYNE_FOR_CHECK, 0, r);
        for (int64_t i = 0; i < plan->classes; i++) row[i] = 3 * lyne_stream_normal(&s);
        status = lyne_labels_append(w, row, 1, err);
    }
    if (status == LYNE_OK) status = lyne_labels_finish(w, err);
    lyne_labels_writer_free(w);
    lyne_free(row);
    return status;
}

lyne_status cached_open(cached *c, const char *encoding, int64_t rows, int64_t classes, lyne_error *err) {
    lyne_arena arena = {0};
    lyne_labels_plan plan = {
        .directory = c->directory, .samples = RECORDS, .views = 1, .classes = classes, .records_per_shard = PER_SHARD};
    strcpy(c->directory, "/tmp/lyne-bench-XXXXXX");
    if (!mkdtemp(c->directory)) return lyne_fail(err, LYNE_EOTHER, "cannot make a folder in /tmp");
    c->rows = rows;
    c->sample = lyne_alloc((size_t)rows, sizeof *c->sample);
    c->view = lyne_alloc((size_t)rows, sizeof *c->view);
    lyne_status status = c->sample && c->view ? LYNE_OK : lyne_fail_memory(err, "a batch");
    if (status == LYNE_OK) status = lyne_encoding_read(encoding, &arena, &plan.encoding, err);
    if (status == LYNE_OK) status = write_records(&plan, err);
    if (status == LYNE_OK) status = lyne_labels_open(c->directory, &c->labels, err);
    lyne_arena_free(&arena);
    return status;
}

lyne_status cached_read(cached *c, float *logits, lyne_error *err) {
    for (int64_t i = 0; i < c->rows; i++, c->position++)
        c->sample[i] = lyne_permute(1, (uint32_t)(c->position / RECORDS), RECORDS, c->position % RECORDS);
    return lyne_labels_read(c->labels, c->sample, c->view, c->rows, logits, err);
}

void cached_close(cached *c) {
    lyne_labels_close(c->labels);
    lyne_free(c->sample);
    lyne_free(c->view);
    if (*c->directory) lyne_directory_remove(c->directory, NULL);
}
