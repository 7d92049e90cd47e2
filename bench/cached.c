/* bench/cached.c -- see cached.h. */
#include "cached.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 20000, PER_SHARD = 16384, BLOCK = 256 };

static void draw(uint32_t what, float *out, int64_t n, float scale) {
    lyne_stream s = lyne_stream_at(1, LYNE_FOR_CHECK, what, 0);
    for (int64_t i = 0; i < n; i++) out[i] = scale * lyne_stream_normal(&s);
}

static lyne_status make_head(cached *c, int64_t features, lyne_error *err) {
    const int64_t classes = c->plan.classes;
    float *weight = lyne_alloc((size_t)(classes * features), sizeof *weight);
    if (!weight) return lyne_fail_memory(err, "a last layer");
    draw(0, weight, classes * features, 0.1f);
    const lyne_status status = lyne_head_init(&c->head, classes, features, weight, NULL, err);
    lyne_free(weight);
    c->plan.features = features;
    c->plan.head = &c->head;
    return status;
}

lyne_status cached_open(cached *c, const char *encoding, int64_t classes, int64_t features, lyne_error *err) {
    *c = (cached){.directory = "/tmp/lyne-bench-XXXXXX"};
    if (!mkdtemp(c->directory)) {
        *c->directory = '\0';
        return lyne_fail(err, LYNE_EOTHER, "cannot make a folder in /tmp");
    }
    c->plan =
        (lyne_labels_plan){.directory = c->directory, .views = 1, .classes = classes, .records_per_shard = PER_SHARD};
    const lyne_status status = lyne_encoding_read(encoding, &c->arena, &c->plan.encoding, err);
    if (status != LYNE_OK || !((const lyne_encoding *)c->plan.encoding.row)->of_features) return status;
    return make_head(c, features, err);
}

void cached_close(cached *c) {
    lyne_labels_close(c->labels);
    lyne_labels_writer_free(c->writer);
    lyne_head_deinit(&c->head);
    lyne_arena_free(&c->arena);
    lyne_free(c->sample);
    lyne_free(c->view);
    if (*c->directory) lyne_directory_remove(c->directory, NULL);
}

/* ---- writing ---- */

lyne_status cached_begin(cached *c, uint64_t records, lyne_error *err) {
    c->plan.samples = records;
    const lyne_status status = lyne_labels_clear(c->directory, err);
    return status == LYNE_OK ? lyne_labels_begin(&c->plan, &c->writer, err) : status;
}

lyne_status cached_append(cached *c, const float *features, const float *logits, int64_t n, lyne_error *err) {
    return c->plan.features ? lyne_labels_append_features(c->writer, features, logits, n, err)
                            : lyne_labels_append(c->writer, logits, n, err);
}

lyne_status cached_finish(cached *c, lyne_error *err) {
    const lyne_status status = lyne_labels_finish(c->writer, err);
    lyne_labels_writer_free(c->writer);
    c->writer = NULL;
    return status;
}

/* ---- reading ---- */

/* Other numbers in each block would take longer to draw than to store, and nobody would see it. */
static lyne_status write_records(cached *c, lyne_error *err) {
    const int64_t classes = c->plan.classes, width = c->plan.features;
    float *logits = lyne_alloc((size_t)classes, BLOCK * sizeof *logits);
    float *features = lyne_alloc((size_t)width + 1, BLOCK * sizeof *features);
    lyne_status status = logits && features ? cached_begin(c, RECORDS, err) : lyne_fail_memory(err, "logits");
    if (status == LYNE_OK) draw(1, logits, BLOCK * classes, 3), draw(2, features, BLOCK * width, 1);
    for (int64_t n, r = 0; r < RECORDS && status == LYNE_OK; r += n) {
        n = RECORDS - r < BLOCK ? RECORDS - r : BLOCK;
        status = cached_append(c, features, logits, n, err);
    }
    if (status == LYNE_OK) status = cached_finish(c, err);
    lyne_free(logits);
    lyne_free(features);
    return status;
}

lyne_status cached_fill(cached *c, int64_t rows, lyne_error *err) {
    c->rows = rows;
    c->sample = lyne_alloc((size_t)rows, sizeof *c->sample);
    c->view = lyne_alloc((size_t)rows, sizeof *c->view);
    const lyne_status status = c->sample && c->view ? write_records(c, err) : lyne_fail_memory(err, "a batch");
    if (status != LYNE_OK || lyne_labels_open(c->directory, &c->labels, err) != LYNE_OK) return err->status;
    return lyne_labels_verify(c->labels, err); /* so that all is mapped, as it is from the second epoch on */
}

lyne_status cached_read(cached *c, float *logits, lyne_error *err) {
    for (int64_t i = 0; i < c->rows; i++, c->position++)
        c->sample[i] = lyne_permute(1, (uint32_t)(c->position / RECORDS), RECORDS, c->position % RECORDS);
    return lyne_labels_read(c->labels, c->sample, c->view, c->rows, logits, err);
}
