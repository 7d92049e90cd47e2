/* ops/conv2d_depthwise.h -- the inner loops of conv2d_depthwise.c: 3 x 3, padding 1, stride 1 or 2, channels last. */
#ifndef LYNE_OPS_CONV2D_DEPTHWISE_H
#define LYNE_OPS_CONV2D_DEPTHWISE_H

#include "base/bf16.h"

/* src (height, width, channels), dst (rows, columns, channels): of one sample. */
typedef struct depthwise_shape {
    int64_t channels, height, width, rows, columns, stride;
    bool bf16;
} depthwise_shape;

/** Row y of diff_src.  With stride 1 it is a forward pass: w (9, C) then has its taps in reverse order. */
void depthwise_diff_row(const depthwise_shape *s, int64_t y, const void *diff_dst, const float *w, void *diff_src);
/** Adds a sample's share to sum (9, C). */
void depthwise_diff_weights(const depthwise_shape *s, const void *src, const void *diff_dst, float *sum);

#endif
