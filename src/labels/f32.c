/* labels/f32.c -- logits as they are: 4 bytes each, exact. */
#include "labels/encoding.h"

#include <float.h>
#include <string.h>

static lyne_status layout(lyne_record *r, lyne_error *err) {
    (void)err;
    r->part[r->n_parts++] = (lyne_part){.name = "logits", .dtype = LYNE_DTYPE_F32, .width = r->classes};
    return LYNE_OK;
}

static void encode(const lyne_record *r, uint64_t number, const float *logits, void *const part[], double *scratch) {
    (void)number, (void)scratch;
    memcpy(part[0], logits, (size_t)r->classes * sizeof *logits);
}

static bool decode(const lyne_record *r, const void *const part[], float *logits) {
    memcpy(logits, part[0], (size_t)r->classes * sizeof *logits);
    return true;
}

const lyne_encoding lyne_encoding_f32 = {
    .component = {.kind = LYNE_ENCODING, .name = "f32", .help = "4 bytes a logit, exact", .example = "f32"},
    .largest = FLT_MAX,
    .layout = layout,
    .encode = encode,
    .decode = decode,
};
