/* data/shift.c -- move a picture by whole pixels: dst[y][x] = src[y - dy][x - dx], 0 where that is outside.
 * dx and dy are drawn uniformly from -pixels..pixels, dx first. */
#include "data/augmentation.h"

#include <string.h>

typedef struct shift_config {
    int64_t pixels;
} shift_config;

static const lyne_field fields[] = {
    LYNE_INT(shift_config, pixels, "the farthest move in each direction [pixels]", "2", 0, 16),
    LYNE_FIELDS_END,
};

static void apply(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, uint8_t *dst) {
    int64_t most = ((const shift_config *)config)->pixels;
    int64_t dx = lyne_stream_between(stream, -most, most), dy = lyne_stream_between(stream, -most, most);
    int64_t row = size.width * size.channels, left = dx > 0 ? dx : 0, kept = size.width - (dx > 0 ? dx : -dx);
    int64_t top = dy > 0 ? dy : 0, end = size.height + (dy < 0 ? dy : 0); /* rows of dst that have a source */
    memset(dst, 0, (size_t)(size.height * row));
    if (kept <= 0) return;
    for (int64_t y = top; y < end; y++)
        memcpy(dst + y * row + left * size.channels, src + (y - dy) * row + (left - dx) * size.channels,
               (size_t)(kept * size.channels));
}

const lyne_augmentation lyne_augmentation_shift = {
    .component = {.kind = LYNE_AUGMENTATION,
                  .name = "shift",
                  .help = "move the picture by a few pixels, filling with 0",
                  .example = "{shift: {pixels: 2}}",
                  .config_size = sizeof(shift_config),
                  .fields = fields},
    .apply = apply,
};
