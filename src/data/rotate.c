/* data/rotate.c -- turn the picture about its middle by an angle drawn uniformly from -degrees..degrees.
 *   dst(x, y) = src(cos a x - sin a y, sin a x + cos a y), x and y from the middle of the picture, y down:
 * counter-clockwise for a > 0, as torchvision's RandomRotation turns.  Bilinear; 0 where that is outside. */
#include "data/augmentation.h"

#include <math.h>

typedef struct rotate_config {
    double degrees;
} rotate_config;

static const lyne_field fields[] = {
    LYNE_FLOAT(rotate_config, degrees, "the farthest turn in each direction [degrees]", "15", 0, 180),
    LYNE_FIELDS_END,
};

static void apply(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, uint8_t *dst) {
    const double most = ((const rotate_config *)config)->degrees, radian = 3.14159265358979323846 / 180;
    const double angle = radian * lyne_draw_between(stream, -most, most);
    const int64_t cosine = llround(65536 * cos(angle)), sine = llround(65536 * sin(angle));
    /* Twice the distance from the middle is whole. */
    for (int64_t y = 0; y < size.height; y++)
        for (int64_t x = 0; x < size.width; x++, dst += size.channels) {
            const int64_t dx = 2 * x + 1 - size.width, dy = 2 * y + 1 - size.height;
            const int64_t from_x = cosine * dx - sine * dy + 65536 * (size.width - 1);
            const int64_t from_y = sine * dx + cosine * dy + 65536 * (size.height - 1);
            lyne_bilinear(src, size, from_x >> 1, from_y >> 1, dst);
        }
}

const lyne_augmentation lyne_augmentation_rotate = {
    .component = {.kind = LYNE_AUGMENTATION,
                  .name = "rotate",
                  .help = "turn the picture about its middle by a few degrees, filling with 0",
                  .example = "{rotate: {degrees: 15}}",
                  .config_size = sizeof(rotate_config),
                  .fields = fields},
    .apply = apply,
};
