/* train/teacher.c -- see teacher.h.  Sums are in double and in the order of the list. */
#include "train/teacher.h"
#include "base/memory.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define IMPOSSIBLE (-1e30f) /* the logit of a class of probability 0, as in lyne/labels.h */

lyne_status lyne_teachers_init(lyne_teachers *t, const lyne_teacher *item, size_t n, double temperature, int64_t rows,
                               int64_t classes, lyne_error *err) {
    *t = (lyne_teachers){.item = item, .n = n, .temperature = temperature, .rows = rows, .classes = classes};
    for (size_t i = 0; i < n; i++)
        if (item[i].labels && lyne_labels_classes(item[i].labels) != classes)
            return lyne_fail(err, LYNE_EDATA, "the soft labels are of %lld classes, the data set has %lld",
                             (long long)lyne_labels_classes(item[i].labels), (long long)classes);
    if (n < 2) return LYNE_OK;
    t->one = lyne_alloc((size_t)rows, (size_t)classes * sizeof *t->one);
    t->whole = lyne_alloc((size_t)rows, (size_t)classes * sizeof *t->whole);
    if (t->one && t->whole) return LYNE_OK;
    lyne_teachers_deinit(t);
    return lyne_fail_memory(err, "the teachers' logits");
}

void lyne_teachers_deinit(lyne_teachers *t) {
    if (!t) return;
    lyne_free(t->one);
    lyne_free(t->whole);
    *t = (lyne_teachers){0};
}

static lyne_status ask(const lyne_teachers *t, const lyne_teacher *one, const lyne_batch *b, float *logits,
                       lyne_error *err) {
    if (one->labels) return lyne_labels_read(one->labels, b->sample, b->view, t->rows, logits, err);
    const lyne_node *picture = one->network->picture;
    const float *said;
    assert(b->n == picture->shape.dim[0]);
    memcpy(lyne_program_input(one->network->program, picture), b->picture,
           (size_t)lyne_shape_size(&picture->shape) * lyne_type_size(picture->type));
    lyne_status status = lyne_network_infer(one->network, &said, err);
    if (status == LYNE_OK) memcpy(logits, said, (size_t)(t->rows * t->classes) * sizeof *logits);
    return status;
}

/* sum += w softmax(z / T), or w z. */
static void add_row(double *sum, const float *z, int64_t classes, double w, double T) {
    if (T == 0) {
        for (int64_t c = 0; c < classes; c++) sum[c] += w * (double)z[c];
        return;
    }
    double max = (double)z[0], all = 0;
    for (int64_t c = 1; c < classes; c++) max = fmax(max, (double)z[c]);
    for (int64_t c = 0; c < classes; c++) all += exp(((double)z[c] - max) / T);
    for (int64_t c = 0; c < classes; c++) sum[c] += w * exp(((double)z[c] - max) / T) / all;
}

lyne_status lyne_teachers_ask(lyne_teachers *t, const lyne_batch *b, float *logits, lyne_error *err) {
    if (t->n == 1) return ask(t, t->item, b, logits, err);
    const int64_t n = t->rows * t->classes;
    double weights = 0;
    for (size_t i = 0; i < t->n; i++) weights += t->item[i].weight;
    memset(t->whole, 0, (size_t)n * sizeof *t->whole);
    for (size_t i = 0; i < t->n; i++) {
        lyne_status status = ask(t, &t->item[i], b, t->one, err);
        if (status != LYNE_OK) return status;
        for (int64_t row = 0; row < n; row += t->classes)
            add_row(t->whole + row, t->one + row, t->classes, t->item[i].weight / weights, t->temperature);
    }
    for (int64_t k = 0; k < n; k++) {
        const double z = t->temperature > 0 ? t->temperature * log(t->whole[k]) : t->whole[k];
        logits[k] = z > (double)IMPOSSIBLE || isnan(z) ? (float)z : IMPOSSIBLE;
    }
    return LYNE_OK;
}
