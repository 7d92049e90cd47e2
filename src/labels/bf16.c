/* labels/bf16.c -- the upper halves of floats: 2 bytes a logit, 8 significant bits, any range, rounded to nearest, ties
 * to even. */
#include "base/vector.h"
#include "labels/encoding.h"

#include <float.h>
#include <string.h>

static lyne_status layout(lyne_record *r, lyne_error *err) {
    (void)err;
    r->part[r->n_parts++] = (lyne_part){.name = "logits", .dtype = LYNE_DTYPE_BF16, .width = r->classes};
    return LYNE_OK;
}

LYNE_VECTOR static void encode(const lyne_record *r, uint64_t number, const float *restrict logits, void *const part[],
                               double *scratch) {
    (void)number, (void)scratch;
    unsigned char *restrict stored = part[0];
    const int64_t classes = r->classes; /* which for all the compiler knows is among the bytes stored */
    for (int64_t i = 0; i < classes; i++) {
        uint32_t bits;
        memcpy(&bits, logits + i, sizeof bits);
        bits += 0x7FFF + (bits >> 16 & 1);
        const uint16_t upper = (uint16_t)(bits >> 16);
        memcpy(stored + 2 * i, &upper, sizeof upper);
    }
}

LYNE_VECTOR static bool decode(const lyne_record *r, const void *const part[], float *restrict logits) {
    const unsigned char *restrict stored = part[0];
    for (int64_t i = 0; i < r->classes; i++) {
        uint16_t upper;
        memcpy(&upper, stored + 2 * i, sizeof upper);
        const uint32_t bits = (uint32_t)upper << 16;
        memcpy(logits + i, &bits, sizeof bits);
    }
    return true;
}

const lyne_encoding lyne_encoding_bf16 = {
    .component = {.kind = LYNE_ENCODING,
                  .name = "bf16",
                  .help = "2 bytes a logit, to 1 part in 256, any range",
                  .example = "bf16"},
    .largest = 0x1.fep127f /* what is larger rounds to infinity */,
    .layout = layout,
    .encode = encode,
    .decode = decode,
};
