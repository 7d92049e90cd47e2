/* data/random_resized_crop.c -- cut a random part out of the picture and stretch it to the picture's size.
 *   the part: an area uniform in scale, log(width / height) uniform in ratio, at a random place; when none of ten fits,
 *   the largest part in the middle whose ratio is allowed.  As torchvision's RandomResizedCrop.
 *   dst(x, y) = src(left + (x + 1/2) w / W - 1/2, top + (y + 1/2) h / H - 1/2), bilinear within the part */
#include "data/augmentation.h"

#include <math.h>

typedef struct resized_config {
    lyne_floats scale, ratio;
} resized_config;

static const lyne_field fields[] = {
    LYNE_ENTRY_WITH(FLOATS, resized_config, scale, "smallest and largest share of the picture's area", "[0.08, 1]",
                    LYNE_RANGE(0.001, 1)),
    LYNE_ENTRY_WITH(FLOATS, resized_config, ratio, "smallest and largest width / height of the part",
                    "[0.75, 1.3333333333333333]", LYNE_RANGE(0.01, 100)),
    LYNE_FIELDS_END,
};

static const char *check(const void *config) {
    const resized_config *c = config;
    const char *wrong = lyne_check_scale(c->scale);
    return wrong ? wrong : lyne_check_ratio(c->ratio);
}

static int64_t at_least_one(double v) {
    return v < 1 ? 1 : llround(v);
}

static lyne_box in_the_middle(lyne_picture_size size, const double ratio[2]) {
    const double H = (double)size.height, W = (double)size.width;
    lyne_box box = {.width = size.width, .height = size.height};
    if (W / H < ratio[0]) box.height = at_least_one(W / ratio[0]);
    if (W / H > ratio[1]) box.width = at_least_one(H * ratio[1]);
    box.left = (size.width - box.width) / 2;
    box.top = (size.height - box.height) / 2;
    return box;
}

/* Where output i of n comes from in the part that starts at `first` and has `part` pixels, in 1/65536 of a pixel, kept
 * within the part. */
static int64_t source(int64_t i, int64_t n, int64_t first, int64_t part) {
    const int64_t at = (2 * i + 1) * part * 32768 / n - 32768, end = (part - 1) * 65536;
    return first * 65536 + (at < 0 ? 0 : at > end ? end : at);
}

static void apply(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, uint8_t *dst) {
    const resized_config *c = config;
    lyne_box box;
    if (!lyne_draw_box(stream, size, c->scale.item, c->ratio.item, size.height, size.width, &box))
        box = in_the_middle(size, c->ratio.item);
    for (int64_t y = 0; y < size.height; y++) {
        const int64_t from_y = source(y, size.height, box.top, box.height);
        for (int64_t x = 0; x < size.width; x++, dst += size.channels)
            lyne_bilinear(src, size, source(x, size.width, box.left, box.width), from_y, dst);
    }
}

const lyne_augmentation lyne_augmentation_random_resized_crop = {
    .component = {.kind = LYNE_AUGMENTATION,
                  .name = "random_resized_crop",
                  .help = "cut a random part out of the picture and stretch it to the picture's size",
                  .source = "Szegedy et al. 2015, arXiv:1409.4842, section 6",
                  .example = "{random_resized_crop: {scale: [0.5, 1]}}",
                  .config_size = sizeof(resized_config),
                  .fields = fields,
                  .check = check},
    .apply = apply,
};
