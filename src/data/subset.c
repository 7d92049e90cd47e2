/* data/subset.c -- drawing samples class by class, choosing them by class, copying them. */
#include "data/subset.h"
#include "base/random.h"
#include <string.h>

/* Of every draw: what is held out must not depend on a recipe's seeds, or runs could not be compared. */
#define DRAW_SEED 0x76616c6964617465u

void lyne_subset_free(lyne_subset *s) {
    if (!s) return;
    lyne_free(s->id);
    *s = (lyne_subset){0};
}

static lyne_status make(lyne_subset *s, int64_t n, lyne_error *err) {
    *s = (lyne_subset){.id = lyne_alloc((size_t)n, sizeof *s->id)};
    return s->id ? LYNE_OK : lyne_fail_memory(err, "ids of samples");
}

static uint64_t id_of(const lyne_subset *from, int64_t i) {
    return from ? from->id[i] : (uint64_t)i;
}

/* Samples whose tokens have a label each are of one class. */
static uint8_t class_of(const lyne_dataset *d, uint64_t id) {
    return d->sequence.labelled ? 0 : d->labels[id];
}

/* taken[i]: whether the i-th of the n_from candidates is drawn.  Class by class: in a random order the first of each until
 * its quota is full; the quotas are differences of rounded running sums, so they add up to n. */
static lyne_status draw(const lyne_dataset *d, const lyne_subset *from, int64_t n_from, int64_t n, bool *taken,
                        lyne_error *err) {
    int64_t *quota = lyne_alloc((size_t)d->n_classes, sizeof *quota), before = 0, sum = 0;
    if (!quota) return lyne_fail_memory(err, "classes");
    for (int64_t i = 0; i < n_from; i++) quota[class_of(d, id_of(from, i))]++;
    for (int64_t c = 0; c < d->n_classes; c++) {
        sum += quota[c];
        const int64_t until = (int64_t)((double)n * (double)sum / (double)n_from + 0.5);
        quota[c] = until - before;
        before = until;
    }
    for (int64_t k = 0; k < n_from; k++) {
        const int64_t i = (int64_t)lyne_permute(DRAW_SEED, 0, (uint64_t)n_from, (uint64_t)k);
        int64_t *left = &quota[class_of(d, id_of(from, i))];
        taken[i] = *left > 0;
        *left -= taken[i];
    }
    lyne_free(quota);
    return LYNE_OK;
}

/* The candidates whose mark is `want`. */
static lyne_status gather(const lyne_subset *from, int64_t n_from, const bool *mark, bool want, lyne_subset *out,
                          lyne_error *err) {
    lyne_status status = make(out, n_from, err);
    for (int64_t i = 0; status == LYNE_OK && i < n_from; i++)
        if (mark[i] == want) out->id[out->n++] = id_of(from, i);
    return status;
}

lyne_status lyne_subset_draw(const lyne_dataset *d, int64_t n, lyne_subset *drawn, lyne_subset *rest, lyne_error *err) {
    *drawn = *rest = (lyne_subset){0};
    if (n < 1 || n >= d->n)
        return lyne_fail(err, LYNE_EDATA, "data set '%s': %lld samples cannot be held out of %lld", d->name,
                         (long long)n, (long long)d->n);
    bool *taken = lyne_alloc((size_t)d->n, sizeof *taken);
    lyne_status status = taken ? draw(d, NULL, d->n, n, taken, err) : lyne_fail_memory(err, "ids of samples");
    if (status == LYNE_OK) status = gather(NULL, d->n, taken, true, drawn, err);
    if (status == LYNE_OK) status = gather(NULL, d->n, taken, false, rest, err);
    lyne_free(taken);
    return status;
}

static bool names(const lyne_texts *list, const char *name) {
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->item[i], name) == 0) return true;
    return false;
}

lyne_status lyne_subset_show(const lyne_dataset *d, const lyne_subset *from, const lyne_shown *shown,
                             const lyne_texts *class_names, lyne_subset *out, lyne_error *err) {
    const int64_t n_from = from ? from->n : d->n;
    lyne_subset chosen = {0};
    if (d->sequence.labelled && shown->classes.n + shown->without.n)
        return lyne_fail(err, LYNE_ERECIPE, "show: each token of data set '%s' has a class, and its samples have none",
                         d->name);
    bool *mark = lyne_alloc((size_t)n_from, sizeof *mark);
    if (!mark) return lyne_fail_memory(err, "ids of samples");
    for (int64_t i = 0; i < n_from; i++) {
        const char *name = class_names->item[class_of(d, id_of(from, i))];
        mark[i] = (shown->classes.n == 0 || names(&shown->classes, name)) && !names(&shown->without, name);
    }
    lyne_status status = gather(from, n_from, mark, true, &chosen, err);
    if (status == LYNE_OK && (chosen.n == 0 || chosen.n < shown->samples))
        status = lyne_fail(err, LYNE_EDATA,
                           chosen.n ? "show: samples = %lld, and of data set '%s' there are %lld"
                                    : "show: samples = %lld: nothing of data set '%s' is left (%lld)",
                           (long long)shown->samples, d->name, (long long)chosen.n);
    if (status == LYNE_OK && shown->samples) {
        status = draw(d, &chosen, chosen.n, shown->samples, mark, err);
        if (status == LYNE_OK) status = gather(&chosen, chosen.n, mark, true, out, err);
        lyne_subset_free(&chosen);
    } else if (status == LYNE_OK) {
        *out = chosen;
    } else {
        lyne_subset_free(&chosen);
    }
    lyne_free(mark);
    return status;
}

lyne_status lyne_subset_copy(const lyne_dataset *d, const lyne_subset *s, lyne_split split, lyne_dataset *out,
                             lyne_error *err) {
    const bool text = d->sequence.length > 0;
    const size_t bytes =
        text ? (size_t)d->sequence.length * sizeof *d->tokens : (size_t)(d->height * d->width * d->channels);
    const size_t rows = (size_t)lyne_sequence_rows(&d->sequence);
    const void *from = text ? (const void *)d->tokens : d->pictures;
    size_t total, n_labels;
    void *samples = lyne_size_mul((size_t)s->n, bytes, &total) ? lyne_alloc(total, 1) : NULL;
    uint8_t *labels = lyne_size_mul((size_t)s->n, rows, &n_labels) ? lyne_alloc(n_labels, 1) : NULL;
    if (!samples || !labels) {
        lyne_free(samples);
        lyne_free(labels);
        return lyne_fail_memory(err, "the validation split");
    }
    for (int64_t i = 0; i < s->n; i++) {
        memcpy((char *)samples + (size_t)i * bytes, (const char *)from + s->id[i] * bytes, bytes);
        memcpy(labels + (size_t)i * rows, d->labels + s->id[i] * rows, rows);
    }
    *out = (lyne_dataset){.name = d->name,
                          .split = split,
                          .n = s->n,
                          .channels = d->channels,
                          .height = d->height,
                          .width = d->width,
                          .sequence = d->sequence,
                          .n_classes = d->n_classes,
                          .pictures = text ? NULL : samples,
                          .tokens = text ? samples : NULL,
                          .labels = labels,
                          .owned = {samples, labels}};
    out->digest = lyne_dataset_digest(out);
    return LYNE_OK;
}
