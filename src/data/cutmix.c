/* data/cutmix.c -- a box of the picture shows another picture, and the labels count by area.
 *   the box: sqrt(1 - s) of the height and of the width, cut to whole pixels, s from Beta(alpha, alpha); its middle is
 *   drawn anywhere in the picture, x first, and what lies outside is lost, so the share that counts is that of the pixels
 *   left. */
#include "data/mix.h"

#include <math.h>
#include <string.h>

static const lyne_field fields[] = {LYNE_MIX_FIELDS, LYNE_FIELDS_END};

/* From *first to before the result: `length` pixels about a drawn middle, within 0..n. */
static int64_t draw_side(lyne_stream *stream, int64_t n, int64_t length, int64_t *first) {
    const int64_t start = lyne_stream_between(stream, 0, n - 1) - length / 2, end = start + length;
    *first = start < 0 ? 0 : start;
    return end > n ? n : end;
}

static int32_t mix(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,
                   const uint8_t *partner, uint8_t *dst) {
    const double share = (double)lyne_draw_share(stream, ((const lyne_mix_config *)config)->alpha) / LYNE_WHOLE;
    const double side = sqrt(1 - share);
    int64_t left, top;
    const int64_t right = draw_side(stream, size.width, (int64_t)(side * (double)size.width), &left);
    const int64_t bottom = draw_side(stream, size.height, (int64_t)(side * (double)size.height), &top);
    if (dst) {
        const int64_t C = size.channels, row = size.width * C;
        memcpy(dst, src, (size_t)(size.height * row));
        for (int64_t y = top; y < bottom && left < right; y++)
            memcpy(dst + y * row + left * C, partner + y * row + left * C, (size_t)((right - left) * C));
    }
    const int64_t covered = left < right && top < bottom ? (right - left) * (bottom - top) : 0;
    return (int32_t)(LYNE_WHOLE - lround((double)LYNE_WHOLE * (double)covered / (double)(size.height * size.width)));
}

const lyne_augmentation lyne_augmentation_cutmix = {
    .component = {.kind = LYNE_AUGMENTATION,
                  .name = "cutmix",
                  .help = "a box of the picture shows another picture, and the labels count by area",
                  .source = "Yun et al. 2019, arXiv:1905.04899",
                  .example = "{cutmix: {alpha: 1}}",
                  .config_size = sizeof(lyne_mix_config),
                  .fields = fields},
    .mix = mix,
};
