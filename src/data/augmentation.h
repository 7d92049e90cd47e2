/* data/augmentation.h -- what several augmentations (lyne/augment.h) do.  Arithmetic on pixels is on whole numbers, so that
 * its bits are the same everywhere. */
#ifndef LYNE_DATA_AUGMENTATION_H
#define LYNE_DATA_AUGMENTATION_H

#include "base/random.h"
#include "lyne/augment.h"

typedef struct lyne_box {
    int64_t left, top, width, height;
} lyne_box;

/** A number from [lo, hi); one draw. */
double lyne_draw_between(lyne_stream *stream, double lo, double hi);
/** A box anywhere in the picture: its area uniform in scale[0]..scale[1] of the picture's, the logarithm of width /
 *  height uniform between those of ratio[0] and ratio[1], drawn anew up to 10 times until it is at most `height` high and
 *  `width` wide.  Two draws a time, then left and top.  False: none fitted. */
bool lyne_draw_box(lyne_stream *stream, lyne_picture_size size, const double scale[2], const double ratio[2],
                   int64_t height, int64_t width, lyne_box *out);
/** What is wrong with `scale` or `ratio` as a recipe gives them, NULL: nothing. */
const char *lyne_check_scale(lyne_floats scale);
const char *lyne_check_ratio(lyne_floats ratio);

/** dst: the C channels at (x, y), in 1/65536 of a pixel, where 0 is the middle of the first; bilinear, to 1/256 of a
 *  pixel.  What lies outside is 0. */
void lyne_bilinear(const uint8_t *src, lyne_picture_size size, int64_t x, int64_t y, uint8_t *dst);

#endif
