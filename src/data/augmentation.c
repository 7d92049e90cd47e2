/* data/augmentation.c -- see augmentation.h. */
#include "data/augmentation.h"

#include <math.h>

enum { TRIES = 10 };

double lyne_draw_between(lyne_stream *stream, double lo, double hi) {
    return lo + (hi - lo) * (double)lyne_stream_uniform(stream);
}

bool lyne_draw_box(lyne_stream *stream, lyne_picture_size size, const double scale[2], const double ratio[2],
                   int64_t height, int64_t width, lyne_box *out) {
    const double whole = (double)(size.height * size.width);
    for (int i = 0; i < TRIES; i++) {
        const double area = whole * lyne_draw_between(stream, scale[0], scale[1]);
        const double shape = exp(lyne_draw_between(stream, log(ratio[0]), log(ratio[1])));
        out->width = llround(sqrt(area * shape));
        out->height = llround(sqrt(area / shape));
        if (out->width < 1 || out->width > width || out->height < 1 || out->height > height) continue;
        out->left = lyne_stream_between(stream, 0, size.width - out->width);
        out->top = lyne_stream_between(stream, 0, size.height - out->height);
        return true;
    }
    return false;
}

const char *lyne_check_scale(lyne_floats scale) {
    return scale.n == 2 && scale.item[0] <= scale.item[1]
               ? NULL
               : "scale expects the smallest and the largest share of the area, as in [0.08, 1]";
}

const char *lyne_check_ratio(lyne_floats ratio) {
    return ratio.n == 2 && ratio.item[0] <= ratio.item[1]
               ? NULL
               : "ratio expects the smallest and the largest width / height, as in [0.75, 1.333]";
}

void lyne_bilinear(const uint8_t *src, lyne_picture_size size, int64_t x, int64_t y, uint8_t *dst) {
    x = (x + 128) >> 8;
    y = (y + 128) >> 8;
    const int64_t C = size.channels, left = x >> 8, top = y >> 8;
    const uint32_t right_of = (uint32_t)(x & 255), below = (uint32_t)(y & 255);
    const uint32_t weight[4] = {(256 - right_of) * (256 - below), right_of * (256 - below), (256 - right_of) * below,
                                right_of * below};
    const uint8_t *from[4]; /* NULL: outside */
    for (int k = 0; k < 4; k++) {
        const int64_t at_x = left + k % 2, at_y = top + k / 2;
        const bool inside = at_x >= 0 && at_x < size.width && at_y >= 0 && at_y < size.height;
        from[k] = inside ? src + (at_y * size.width + at_x) * C : NULL;
    }
    for (int64_t c = 0; c < C; c++) {
        uint32_t sum = 32768;
        for (int k = 0; k < 4; k++)
            if (from[k]) sum += weight[k] * from[k][c];
        dst[c] = (uint8_t)(sum >> 16);
    }
}
