/* noise.c -- two augmentations: Gaussian noise on each pixel, and a vertical seam with another sample behind it. */
#include <lyne/plugin.h>

typedef struct noise_config {
    double sd;
} noise_config;

static const lyne_field noise_fields[] = {
    LYNE_FLOAT(noise_config, sd, "standard deviation, where white is 255", "8", 0, 255), LYNE_FIELDS_END};

static void add_noise(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,
                      uint8_t *dst) {
    const float sd = (float)((const noise_config *)config)->sd;
    for (int64_t i = 0; i < size.height * size.width * size.channels; i++) {
        const float v = (float)src[i] + sd * lyne_stream_normal(stream) + 0.5f;
        dst[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static const lyne_augmentation noise = {.component = {.kind = LYNE_AUGMENTATION,
                                                      .name = "noise",
                                                      .help = "Gaussian noise on each pixel",
                                                      .example = "{noise: {sd: 20}}",
                                                      .config_size = sizeof(noise_config),
                                                      .fields = noise_fields},
                                        .apply = add_noise};

static const lyne_field seam_fields[] = {LYNE_MIX_FIELDS, LYNE_FIELDS_END};

/* Left of the seam src, right of it the partner. */
static int32_t sew(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,
                   const uint8_t *partner, uint8_t *dst) {
    const int32_t share = lyne_draw_share(stream, ((const lyne_mix_config *)config)->alpha);
    const int64_t row = size.width * size.channels, seam = share * size.width / LYNE_WHOLE * size.channels;
    for (int64_t i = 0; dst && i < size.height * row; i++) dst[i] = (i % row < seam ? src : partner)[i];
    return (int32_t)(seam * LYNE_WHOLE / row);
}

static const lyne_augmentation seam = {.component = {.kind = LYNE_AUGMENTATION,
                                                     .name = "seam",
                                                     .help = "another sample right of a vertical seam",
                                                     .example = "{seam: {alpha: 1}}",
                                                     .config_size = sizeof(lyne_mix_config),
                                                     .fields = seam_fields},
                                       .mix = sew};

LYNE_PLUGIN("1.0", &noise.component, &seam.component);
