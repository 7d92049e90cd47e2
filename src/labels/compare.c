/* labels/compare.c -- see compare.h. */
#include "labels/compare.h"
#include "base/exponential.h"
#include "formats/npy.h"
#include "labels/parts.h"

#include <stdio.h>
#include <string.h>

/* ---- comparing ---- */

static lyne_status check_alike(const lyne_labels *a, const lyne_labels *b, lyne_error *err) {
    const lyne_labels_plan *p = &lyne_labels_layout(a)->plan, *q = &lyne_labels_layout(b)->plan;
    if (p->samples != q->samples || p->views != q->views || p->classes != q->classes)
        return lyne_fail(err, LYNE_EDATA,
                         "%s has %llu samples of %lu views and %lld classes, %s has %llu of %lu and %lld: nothing to "
                         "compare",
                         p->directory, (unsigned long long)p->samples, (unsigned long)p->views, (long long)p->classes,
                         q->directory, (unsigned long long)q->samples, (unsigned long)q->views, (long long)q->classes);
    lyne_labels_identity of_a = p->identity;
    of_a.teacher = q->identity.teacher;
    of_a.preprocessing = q->identity.preprocessing;
    return lyne_labels_match(b, &of_a, err);
}

static int64_t likeliest(const float *logits, int64_t n) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

static double probability(const float *logits, int64_t n, int64_t class, double *scratch) {
    const double sum = lyne_row_exp(n, logits, lyne_row_max(n, logits), 1, scratch);
    return scratch[class] / sum;
}

typedef struct work {
    float *logits[2];
    double *scratch;
    lyne_tally *tally;
} work;

static lyne_status compare_record(const lyne_labels *const labels[2], uint64_t record, size_t list, work *w,
                                  lyne_comparison *out, lyne_error *err) {
    const int64_t classes = lyne_labels_classes(labels[0]);
    const uint32_t views = lyne_labels_views(labels[0]);
    lyne_disagreement d = {.sample = record / views, .view = (uint32_t)(record % views)};
    for (int i = 0; i < 2; i++) {
        lyne_status status = lyne_labels_read(labels[i], &d.sample, &d.view, 1, w->logits[i], err);
        if (status != LYNE_OK) return status;
        d.class[i] = likeliest(w->logits[i], classes);
    }
    double kl[LYNE_LABELS_TEMPERATURES];
    lyne_divergence(1, classes, w->logits[0], w->logits[1], &kl);
    lyne_tally_record(w->tally, kl);
    if (d.class[0] == d.class[1]) {
        out->agreeing++;
    } else if (out->n_listed < list) {
        for (int i = 0; i < 2; i++) d.probability[i] = probability(w->logits[i], classes, d.class[i], w->scratch);
        out->listed[out->n_listed++] = d;
    }
    return LYNE_OK;
}

lyne_status lyne_labels_compare(const lyne_labels *a, const lyne_labels *b, size_t list, lyne_comparison *out,
                                lyne_error *err) {
    const lyne_labels *const labels[2] = {a, b};
    const size_t classes = (size_t)lyne_labels_classes(a);
    *out = (lyne_comparison){0};
    lyne_status status = check_alike(a, b, err);
    if (status != LYNE_OK) return status;
    work w = {.logits = {lyne_alloc(classes, sizeof(float)), lyne_alloc(classes, sizeof(float))},
              .scratch = lyne_alloc(classes, sizeof(double)),
              .tally = lyne_alloc(1, sizeof *w.tally)};
    out->listed = lyne_alloc(list, sizeof *out->listed);
    if (!w.logits[0] || !w.logits[1] || !w.scratch || !w.tally || !out->listed)
        status = lyne_fail_memory(err, "comparing soft labels");
    out->records = lyne_labels_layout(a)->n_records;
    for (uint64_t r = 0; status == LYNE_OK && r < out->records; r++)
        status = compare_record(labels, r, list, &w, out, err);
    if (status == LYNE_OK) out->kl = lyne_tally_error(w.tally);
    for (int i = 0; i < 2; i++) lyne_free(w.logits[i]);
    lyne_free(w.scratch);
    lyne_free(w.tally);
    if (status != LYNE_OK) {
        lyne_free(out->listed);
        *out = (lyne_comparison){0};
    }
    return status;
}

/* ---- exporting ---- */

static lyne_status path_of(const char *directory, const char *name, lyne_text *out, lyne_error *err) {
    lyne_text_add(out, "%s/%s", directory, name);
    return out->failed ? lyne_fail_memory(err, name) : LYNE_OK;
}

enum { BLOCK = 4096 }; /* numbers, or more if a record has more */

/* Records first .. first + n - 1. */
static lyne_status read_records(const lyne_labels *labels, uint64_t first, int64_t n, float *logits, lyne_error *err) {
    const uint32_t views = lyne_labels_views(labels);
    const int64_t classes = lyne_labels_classes(labels);
    lyne_status status = LYNE_OK;
    for (int64_t i = 0; status == LYNE_OK && i < n; i++) {
        const uint64_t record = first + (uint64_t)i, sample = record / views;
        const uint32_t view = (uint32_t)(record % views);
        status = lyne_labels_read(labels, &sample, &view, 1, logits + i * classes, err);
    }
    return status;
}

static lyne_status export_logits(const lyne_labels *labels, const char *path, lyne_error *err) {
    const int64_t samples = (int64_t)lyne_labels_samples(labels), classes = lyne_labels_classes(labels);
    const int64_t views = lyne_labels_views(labels), total = samples * views;
    const int64_t block = classes < BLOCK ? BLOCK / classes : 1;
    lyne_array array = {.dtype = LYNE_DTYPE_F32, .rank = 2, .dims = {samples, classes}};
    if (views > 1) array = (lyne_array){.dtype = LYNE_DTYPE_F32, .rank = 3, .dims = {samples, views, classes}};
    lyne_commit file;
    lyne_status status = lyne_npy_begin(&file, path, &array, err);
    if (status != LYNE_OK) return status;
    float *logits = lyne_alloc((size_t)(block * classes), sizeof *logits);
    if (!logits) status = lyne_fail_memory(err, path);
    for (int64_t r = 0; status == LYNE_OK && r < total; r += block) {
        const int64_t n = total - r < block ? total - r : block;
        status = read_records(labels, (uint64_t)r, n, logits, err);
        if (status == LYNE_OK) status = lyne_commit_write(&file, logits, (size_t)(n * classes) * sizeof *logits, err);
    }
    if (status == LYNE_OK) status = lyne_commit_finish(&file, err);
    lyne_commit_abort(&file);
    lyne_free(logits);
    return status;
}

static lyne_status export_ids(const lyne_labels *labels, const char *path, lyne_error *err) {
    const int64_t samples = (int64_t)lyne_labels_samples(labels);
    const lyne_array array = {.dtype = LYNE_DTYPE_I64, .rank = 1, .dims = {samples}};
    int64_t ids[BLOCK];
    lyne_commit file;
    lyne_status status = lyne_npy_begin(&file, path, &array, err);
    for (int64_t first = 0; status == LYNE_OK && first < samples; first += BLOCK) {
        const int64_t n = samples - first < BLOCK ? samples - first : BLOCK;
        for (int64_t i = 0; i < n; i++) ids[i] = first + i;
        status = lyne_commit_write(&file, ids, (size_t)n * sizeof *ids, err);
    }
    if (status == LYNE_OK) status = lyne_commit_finish(&file, err);
    lyne_commit_abort(&file);
    return status;
}

/* It may be what a cache was imported from. */
static lyne_status not_there_yet(const char *path, lyne_error *err) {
    if (!lyne_file_exists(path)) return LYNE_OK;
    return lyne_fail(err, LYNE_EUSAGE, "%s: is there already; export into another folder, or remove it first", path);
}

lyne_status lyne_labels_export(const lyne_labels *labels, const char *directory, lyne_error *err) {
    lyne_text logits = {0}, ids = {0};
    lyne_status status = lyne_directory_make(directory, err);
    if (status == LYNE_OK) status = path_of(directory, "logits.npy", &logits, err);
    if (status == LYNE_OK) status = path_of(directory, "ids.npy", &ids, err);
    if (status == LYNE_OK) status = not_there_yet(logits.data, err);
    if (status == LYNE_OK) status = not_there_yet(ids.data, err);
    if (status == LYNE_OK) status = export_logits(labels, logits.data, err);
    if (status == LYNE_OK) status = export_ids(labels, ids.data, err);
    lyne_text_free(&logits);
    lyne_text_free(&ids);
    return status;
}
