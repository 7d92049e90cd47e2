/* labels/feature.c -- what goes into the teacher's last layer, F numbers, and that layer once for the whole cache: the
 * logits are then exact at any temperature, to the rounding of the numbers, whatever the number of classes.
 *   logits = weight features + bias        weight (C, F), bias (C): head.safetensors (labels/head.h)
 * Where every token of a sample has a label, each has its own features, and all tokens the one layer.
 * 2 F bytes with f16, 4 F with f32: 512 features of 1,000 classes take 1,024 or 2,048, where logits in f16 take 2,000.
 * Losses that compare features find the teacher's here too: lyne_labels_read_features. */
#include "labels/encoding.h"

#include <float.h>
#include <string.h>

typedef struct feature_config {
    int type;
} feature_config;

enum { F16, F32 };
static const char *const types[] = {"f16", "f32", NULL};

static const lyne_field fields[] = {
    LYNE_ENTRY_WITH(CHOICE, feature_config, type, "f16 (2 bytes a feature, to 1 part in 2,000) or f32 (4 bytes, exact)",
                    "f16", .choices = types),
    LYNE_FIELDS_END};

static bool is_f16(const lyne_record *r) {
    return ((const feature_config *)r->config)->type == F16;
}

static lyne_status layout(lyne_record *r, lyne_error *err) {
    (void)err;
    r->part[r->n_parts++] =
        (lyne_part){.name = "features", .dtype = is_f16(r) ? LYNE_DTYPE_F16 : LYNE_DTYPE_F32, .width = r->features};
    return LYNE_OK;
}

static void encode(const lyne_record *r, uint64_t number, const float *features, void *const part[], double *scratch) {
    (void)number, (void)scratch;
    if (is_f16(r))
        lyne_f16_encode(features, r->features, part[0]);
    else
        memcpy(part[0], features, (size_t)r->features * sizeof *features);
}

static bool decode(const lyne_record *r, const void *const part[], float *features) {
    if (is_f16(r))
        lyne_f16_decode(part[0], r->features, features);
    else
        memcpy(features, part[0], (size_t)r->features * sizeof *features);
    return lyne_all_within(features, r->features, FLT_MAX);
}

const lyne_encoding lyne_encoding_feature = {
    .component = {.kind = LYNE_ENCODING,
                  .name = "feature",
                  .help =
                      "what goes into the teacher's last layer, of each picture or token, and that layer once: logits "
                      "at any temperature",
                  .example = "{feature: {type: f16}}",
                  .config_size = sizeof(feature_config),
                  .fields = fields},
    .of_features = true,
    .largest = 65504,
    .layout = layout,
    .encode = encode,
    .decode = decode,
};
