/* data/augmentation.h -- the row of an augmentation: what is done to a picture before the student or teacher sees it.
 * A pure function of the picture and of the draws of its stream, so the same view can be shown again at any time. */
#ifndef LYNE_DATA_AUGMENTATION_H
#define LYNE_DATA_AUGMENTATION_H

#include "base/random.h"
#include "lyne/component.h"

typedef struct lyne_picture_size {
    int64_t channels, height, width;
} lyne_picture_size;

typedef struct lyne_augmentation {
    lyne_component component;
    /** dst and src: (H, W, C) u8 of the same size, not overlapping. */
    void (*apply)(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, uint8_t *dst);
} lyne_augmentation;

#endif
