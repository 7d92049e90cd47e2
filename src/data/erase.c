/* data/erase.c -- cover a random box of the picture, with a probability.
 *   the box: an area uniform in scale, log(width / height) uniform in ratio, smaller than the picture in both
 *   directions; when none of ten fits, the picture stays whole.  As torchvision's RandomErasing, before normalisation.
 * noise: each number of the box uniform in 0..255, the paper's best; zeros: 0.  The first draw is whether. */
#include "data/augmentation.h"

#include <string.h>

enum { NOISE, ZEROS };

typedef struct erase_config {
    double probability;
    lyne_floats scale, ratio;
    int fill;
} erase_config;

static const char *const fills[] = {"noise", "zeros", NULL};
static const lyne_field fields[] = {
    LYNE_FLOAT(erase_config, probability, "share of the views that lose a box", "0.5", 0, 1),
    LYNE_ENTRY_WITH(FLOATS, erase_config, scale, "smallest and largest share of the picture's area", "[0.02, 0.33]",
                    LYNE_RANGE(0.001, 1)),
    LYNE_ENTRY_WITH(FLOATS, erase_config, ratio, "smallest and largest width / height of the box", "[0.3, 3.3]",
                    LYNE_RANGE(0.01, 100)),
    LYNE_ENTRY_WITH(CHOICE, erase_config, fill, "what the box holds", "noise", .choices = fills),
    LYNE_FIELDS_END,
};

static const char *check(const void *config) {
    const erase_config *c = config;
    const char *wrong = lyne_check_scale(c->scale);
    return wrong ? wrong : lyne_check_ratio(c->ratio);
}

static void apply(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, uint8_t *dst) {
    const erase_config *c = config;
    lyne_box box;
    memcpy(dst, src, (size_t)(size.height * size.width * size.channels));
    if (!(lyne_draw_between(stream, 0, 1) < c->probability)) return;
    if (!lyne_draw_box(stream, size, c->scale.item, c->ratio.item, size.height - 1, size.width - 1, &box)) return;
    for (int64_t y = box.top; y < box.top + box.height; y++) {
        uint8_t *row = dst + (y * size.width + box.left) * size.channels;
        const int64_t n = box.width * size.channels;
        for (int64_t i = 0; i < n; i++) row[i] = c->fill == NOISE ? (uint8_t)(lyne_stream_bits(stream) >> 24) : 0;
    }
}

const lyne_augmentation lyne_augmentation_erase = {
    .component = {.kind = LYNE_AUGMENTATION,
                  .name = "erase",
                  .help = "cover a random box of the picture, every other time",
                  .source = "Zhong et al. 2017, arXiv:1708.04896",
                  .example = "{erase: {probability: 0.25}}",
                  .config_size = sizeof(erase_config),
                  .fields = fields,
                  .check = check},
    .apply = apply,
};
