/* labels/bf16.c -- the upper halves of floats: 2 bytes a logit, 8 significant bits, any range, rounded to nearest, ties
 * to even. */
#include "labels/encoding.h"

#include <float.h>
#include <string.h>

static lyne_status layout(lyne_record *r, lyne_error *err) {
    (void)err;
    r->part[r->n_parts++] = (lyne_part){.name = "logits", .dtype = LYNE_DTYPE_BF16, .width = r->classes};
    return LYNE_OK;
}

static void encode(const lyne_record *r, uint64_t number, const float *logits, void *const part[], double *scratch) {
    (void)number, (void)scratch;
    unsigned char *stored = part[0];
    for (int64_t i = 0; i < r->classes; i++) {
        uint32_t bits;
        memcpy(&bits, logits + i, sizeof bits);
        bits += 0x7FFF + (bits >> 16 & 1);
        memcpy(stored + 2 * i, (unsigned char *)&bits + 2, 2);
    }
}

static bool decode(const lyne_record *r, const void *const part[], float *logits) {
    const unsigned char *stored = part[0];
    for (int64_t i = 0; i < r->classes; i++) {
        uint32_t bits = 0;
        memcpy((unsigned char *)&bits + 2, stored + 2 * i, 2);
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
