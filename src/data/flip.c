/* data/flip.c -- mirror the picture, left for right, with a probability.
 *   dst[y][x] = src[y][W - 1 - x] if a draw from [0, 1) is below it, else src[y][x]; one draw either way */
#include "data/augmentation.h"

#include <string.h>

typedef struct flip_config {
    double probability;
} flip_config;

static const lyne_field fields[] = {
    LYNE_FLOAT(flip_config, probability, "share of the views that are mirrored", "0.5", 0, 1),
    LYNE_FIELDS_END,
};

static void apply(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, uint8_t *dst) {
    const int64_t C = size.channels, W = size.width;
    if (!((double)lyne_stream_uniform(stream) < ((const flip_config *)config)->probability)) {
        memcpy(dst, src, (size_t)(size.height * W * C));
        return;
    }
    for (int64_t y = 0; y < size.height; y++)
        for (int64_t x = 0; x < W; x++, dst += C) memcpy(dst, src + (y * W + W - 1 - x) * C, (size_t)C);
}

const lyne_augmentation lyne_augmentation_flip = {
    .component = {.kind = LYNE_AUGMENTATION,
                  .name = "flip",
                  .help = "mirror the picture left for right, every other time",
                  .example = "{flip: {probability: 0.5}}",
                  .config_size = sizeof(flip_config),
                  .fields = fields},
    .apply = apply,
};
