/* data/random_crop.c -- surround the picture with `padding` pixels and cut one of its own size out of that.
 *   dst[y][x] = padded[y + top][x + left], top and left drawn uniformly from 0..2 padding, top first
 * zeros: what lies outside is 0; reflect: it mirrors the picture at its edge, whose pixels are not repeated. */
#include "data/augmentation.h"

#include <string.h>

enum { ZEROS, REFLECT };

typedef struct crop_config {
    int64_t padding;
    int mode;
} crop_config;

static const char *const modes[] = {"zeros", "reflect", NULL};
static const lyne_field fields[] = {
    LYNE_INT(crop_config, padding, "width of the border, and the farthest move in each direction [pixels]", "4", 0,
             1024),
    {.name = "fill",
     .type = LYNE_FIELD_CHOICE,
     .help = "what the border holds",
     .fallback = "zeros",
     .offset = offsetof(crop_config, mode),
     .choices = modes},
    LYNE_FIELDS_END,
};

/* Where position i of a line of n comes from, -1: from outside. */
static int64_t source(int64_t i, int64_t n, int mode) {
    if (i >= 0 && i < n) return i;
    if (mode == ZEROS) return -1;
    if (n == 1) return 0;
    const int64_t period = 2 * n - 2; /* a b c b | a b c b */
    i = (i % period + period) % period;
    return i < n ? i : period - i;
}

static void apply(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, uint8_t *dst) {
    const crop_config *c = config;
    const int64_t top = lyne_stream_between(stream, 0, 2 * c->padding), C = size.channels;
    const int64_t left = lyne_stream_between(stream, 0, 2 * c->padding);
    for (int64_t y = 0; y < size.height; y++) {
        const int64_t from_y = source(y + top - c->padding, size.height, c->mode);
        for (int64_t x = 0; x < size.width; x++, dst += C) {
            const int64_t from_x = source(x + left - c->padding, size.width, c->mode);
            if (from_y < 0 || from_x < 0)
                memset(dst, 0, (size_t)C);
            else
                memcpy(dst, src + (from_y * size.width + from_x) * C, (size_t)C);
        }
    }
}

const lyne_augmentation lyne_augmentation_random_crop = {
    .component = {.kind = LYNE_AUGMENTATION,
                  .name = "random_crop",
                  .help = "pad the picture and cut its size out of that at a random place",
                  .source = "He, Zhang, Ren, Sun 2016, arXiv:1512.03385, section 4.2",
                  .example = "{random_crop: {padding: 4}}",
                  .config_size = sizeof(crop_config),
                  .fields = fields},
    .apply = apply,
};
