/* labels/f32.c -- logits as they are: 4 bytes each, exact. */
#include "labels/encoding.h"

#include <float.h>
#include <string.h>

static void encode(const float *logits, int64_t n, void *stored) {
    memcpy(stored, logits, (size_t)n * sizeof *logits);
}

static void decode(const void *stored, int64_t n, float *logits) {
    memcpy(logits, stored, (size_t)n * sizeof *logits);
}

const lyne_encoding lyne_encoding_f32 = {
    .component = {.kind = LYNE_ENCODING, .name = "f32", .help = "4 bytes a logit, exact", .example = "f32"},
    .dtype = "F32",
    .element = 4,
    .largest = FLT_MAX,
    .encode = encode,
    .decode = decode,
};
