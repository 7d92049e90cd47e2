/* labels/int8.c -- logits in 255 even steps from the least to the largest of their record: 1 byte each and 8 for the
 * record. logit = offset + scale q,   q = -127..127,   offset = (max + min) / 2,   scale = (max - min) / 254 so none is
 * off by more than half a step, (max - min) / 508. */
#include "base/vector.h"
#include "labels/encoding.h"

#include <math.h>
#include <string.h>

enum { OFFSET, SCALE, LOGITS };

static lyne_status layout(lyne_record *r, lyne_error *err) {
    (void)err;
    r->n_parts = 3;
    r->part[OFFSET] = (lyne_part){.name = "offset", .dtype = LYNE_DTYPE_F32};
    r->part[SCALE] = (lyne_part){.name = "scale", .dtype = LYNE_DTYPE_F32};
    r->part[LOGITS] = (lyne_part){.name = "logits", .dtype = LYNE_DTYPE_I8, .width = r->classes};
    return LYNE_OK;
}

LYNE_VECTOR static void encode(const lyne_record *r, uint64_t number, const float *logits, void *const part[],
                               double *scratch) {
    (void)number, (void)scratch;
    float low = logits[0], high = logits[0];
#pragma omp simd reduction(min : low) reduction(max : high)
    for (int64_t i = 1; i < r->classes; i++) {
        low = logits[i] < low ? logits[i] : low;
        high = logits[i] > high ? logits[i] : high;
    }
    const float offset = (float)(((double)high + (double)low) / 2);
    const float scale = (float)(((double)high - (double)low) / 254);
    const double inverse = scale > 0 ? 1 / (double)scale : 0;
    signed char *restrict q = part[LOGITS];
#pragma omp simd
    for (int64_t i = 0; i < r->classes; i++) {
        int step = (int)rint(((double)logits[i] - (double)offset) * inverse);
        step = step < -127 ? -127 : step;
        step = step > 127 ? 127 : step;
        q[i] = (signed char)step;
    }
    memcpy(part[OFFSET], &offset, sizeof offset);
    memcpy(part[SCALE], &scale, sizeof scale);
}

LYNE_VECTOR static bool decode(const lyne_record *r, const void *const part[], float *restrict logits) {
    float offset, scale;
    memcpy(&offset, part[OFFSET], sizeof offset);
    memcpy(&scale, part[SCALE], sizeof scale);
    if (!(fabsf(offset) <= 1e38f && scale >= 0 && scale <= 1e36f)) return false;
    const signed char *restrict q = part[LOGITS];
    for (int64_t i = 0; i < r->classes; i++) logits[i] = (float)((double)offset + (double)scale * q[i]);
    return true;
}

const lyne_encoding lyne_encoding_int8 = {
    .component = {.kind = LYNE_ENCODING,
                  .name = "int8",
                  .help = "1 byte a logit and 8 a record, to 1/508 of the record's range",
                  .example = "int8"},
    .largest = 1e38f,
    .layout = layout,
    .encode = encode,
    .decode = decode,
};
