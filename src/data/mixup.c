/* data/mixup.c -- the weighted mean of two pictures, and of their labels.
 *   dst = s src + (1 - s) partner, rounded;  s from Beta(alpha, alpha) */
#include "data/mix.h"

static const lyne_field fields[] = {LYNE_MIX_FIELDS, LYNE_FIELDS_END};

static int32_t mix(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,
                   const uint8_t *partner, uint8_t *dst) {
    const uint32_t share = (uint32_t)lyne_draw_share(stream, ((const lyne_mix_config *)config)->alpha);
    const int64_t n = dst ? size.height * size.width * size.channels : 0;
    for (int64_t i = 0; i < n; i++)
        dst[i] = (uint8_t)((share * src[i] + (LYNE_WHOLE - share) * partner[i] + LYNE_WHOLE / 2) / LYNE_WHOLE);
    return (int32_t)share;
}

const lyne_augmentation lyne_augmentation_mixup = {
    .component = {.kind = LYNE_AUGMENTATION,
                  .name = "mixup",
                  .help = "the weighted mean of two pictures and of their labels",
                  .source = "Zhang et al. 2018, arXiv:1710.09412",
                  .example = "{mixup: {alpha: 1}}",
                  .config_size = sizeof(lyne_mix_config),
                  .fields = fields},
    .mix = mix,
};
