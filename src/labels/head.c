/* labels/head.c -- see head.h.  The weights lie in panels of 16 classes, feature by feature; a panel is gone through once
 * for a few rows, so each weight that is loaded serves all of them, and each sum runs over the features in order, whoever
 * else is in the batch. */
#include "labels/head.h"
#include "base/memory.h"
#include "base/vector.h"
#include "formats/safetensors.h"

#include <math.h>
#include <string.h>

enum { PANEL = 16 };
typedef float lanes __attribute__((vector_size(PANEL * sizeof(float))));

/* ---- made, saved, loaded ---- */

static lyne_status allocate(lyne_head *h, int64_t classes, int64_t features, lyne_error *err) {
    *h = (lyne_head){.classes = classes, .features = features};
    size_t width, size;
    if (features < 1 || features > LYNE_MOST_FEATURES)
        return lyne_fail(err, LYNE_EDATA, "%lld features go into the teacher's last layer; 1 to %d can be stored",
                         (long long)features, LYNE_MOST_FEATURES);
    if (!lyne_size_add((size_t)classes, PANEL - 1, &width) || !lyne_size_mul(width, (size_t)features, &size))
        return lyne_fail(err, LYNE_EDATA, "%lld classes are too many for a teacher's last layer", (long long)classes);
    width -= width % PANEL;
    h->packed = lyne_alloc(width * (size_t)features, sizeof *h->packed);
    h->bias = lyne_alloc(width, sizeof *h->bias);
    if (h->packed && h->bias) return LYNE_OK;
    lyne_head_deinit(h);
    return lyne_fail_memory(err, "the teacher's last layer");
}

static float *weight_at(const lyne_head *h, int64_t class, int64_t feature) {
    return h->packed + (class / PANEL * h->features + feature) * PANEL + class % PANEL;
}

lyne_status lyne_head_init(lyne_head *h, int64_t classes, int64_t features, const float *weight, const float *bias,
                           lyne_error *err) {
    lyne_status status = allocate(h, classes, features, err);
    if (status != LYNE_OK) return status;
    for (int64_t c = 0; c < classes; c++)
        for (int64_t f = 0; f < features; f++) *weight_at(h, c, f) = weight[c * features + f];
    if (bias) memcpy(h->bias, bias, (size_t)classes * sizeof *bias);
    return LYNE_OK;
}

void lyne_head_deinit(lyne_head *h) {
    if (!h) return;
    lyne_free(h->packed);
    lyne_free(h->bias);
    *h = (lyne_head){0};
}

/* The two tensors, their data left out. */
enum { WEIGHT, BIAS, TENSORS };
static void describe(lyne_array tensor[TENSORS], int64_t classes, int64_t features) {
    tensor[WEIGHT] = (lyne_array){.name = "weight", .dtype = LYNE_DTYPE_F32, .rank = 2, .dims = {classes, features}};
    tensor[BIAS] = (lyne_array){.name = "bias", .dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {classes}};
}

lyne_status lyne_head_save(const lyne_head *h, const char *path, lyne_error *err) {
    lyne_array tensor[TENSORS];
    float *weight = lyne_alloc((size_t)h->classes * (size_t)h->features, sizeof *weight);
    if (!weight) return lyne_fail_memory(err, path);
    for (int64_t c = 0; c < h->classes; c++)
        for (int64_t f = 0; f < h->features; f++) weight[c * h->features + f] = *weight_at(h, c, f);
    describe(tensor, h->classes, h->features);
    tensor[WEIGHT].data = weight;
    tensor[BIAS].data = h->bias;
    const lyne_status status = lyne_safetensors_write(path, tensor, TENSORS, NULL, 0, err);
    lyne_free(weight);
    return status;
}

/* All finite, or the name of what is not. */
static const char *copy_finite(lyne_head *h, const unsigned char *weight, const unsigned char *bias) {
    float value;
    for (int64_t c = 0; c < h->classes; c++) {
        for (int64_t f = 0; f < h->features; f++) {
            memcpy(&value, weight + (c * h->features + f) * 4, sizeof value);
            if (!isfinite(value)) return "weight";
            *weight_at(h, c, f) = value;
        }
        memcpy(&value, bias + c * 4, sizeof value);
        if (!isfinite(value)) return "bias";
        h->bias[c] = value;
    }
    return NULL;
}

lyne_status lyne_head_load(lyne_head *h, int64_t classes, int64_t features, const char *path, lyne_error *err) {
    lyne_array tensor[TENSORS];
    lyne_safetensors file;
    const void *data[TENSORS] = {0};
    *h = (lyne_head){0};
    lyne_status status = lyne_safetensors_open(&file, path, err);
    if (status != LYNE_OK) return status;
    describe(tensor, classes, features);
    for (int i = 0; status == LYNE_OK && i < TENSORS; i++)
        status =
            lyne_safetensors_get(&file, tensor[i].name, tensor[i].dtype, tensor[i].rank, tensor[i].dims, &data[i], err);
    if (status == LYNE_OK) status = allocate(h, classes, features, err);
    if (status == LYNE_OK) {
        const char *bad = copy_finite(h, data[WEIGHT], data[BIAS]);
        if (bad) status = lyne_fail(err, LYNE_EDATA, "%s: %s has a number that is not finite", path, bad);
    }
    lyne_safetensors_close(&file);
    if (status != LYNE_OK) lyne_head_deinit(h);
    return status;
}

/* ---- the product ---- */

/* sum[r] = bias + x[r] panel, over n features.  The sums stay in registers. */
LYNE_VECTOR static void panel_product(int64_t n, const float *const x[LYNE_HEAD_ROWS], const float *panel,
                                      const float *bias, float out[LYNE_HEAD_ROWS][PANEL]) {
    lanes sum[LYNE_HEAD_ROWS], w;
    memcpy(&w, bias, sizeof w);
    for (int r = 0; r < LYNE_HEAD_ROWS; r++) sum[r] = w;
    for (int64_t f = 0; f < n; f++) {
        memcpy(&w, panel + f * PANEL, sizeof w);
        for (int r = 0; r < LYNE_HEAD_ROWS; r++) sum[r] += x[r][f] * w;
    }
    memcpy(out, sum, sizeof sum);
}

void lyne_head_product(const lyne_head *h, int64_t n, const float *const features[], float *logits) {
    const float *x[LYNE_HEAD_ROWS];
    float out[LYNE_HEAD_ROWS][PANEL];
    for (int r = 0; r < LYNE_HEAD_ROWS; r++) x[r] = features[r < n ? r : n - 1]; /* rows that nobody asked for */
    for (int64_t c = 0; c < h->classes; c += PANEL) {
        const size_t wide = (size_t)(h->classes - c < PANEL ? h->classes - c : PANEL);
        panel_product(h->features, x, weight_at(h, c, 0), h->bias + c, out);
        for (int64_t r = 0; r < n; r++) memcpy(logits + r * h->classes + c, out[r], wide * sizeof *logits);
    }
}
