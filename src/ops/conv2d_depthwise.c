/* ops/conv2d_depthwise.c -- convolutions in which each channel sees itself alone, groups = channels in = channels out.
 *   diff_src[b, i, j, c] = sum_{u, v} w[c, u, v] diff_dst[b, (i + p - u) / s, (j + p - v) / s, c]
 *   diff_w[c, u, v] = sum_{b, y, x} diff_dst[b, y, x, c] src[b, y s + u - p, x s + v - p, c]
 * Taps that fall outside, or between the positions of a stride, count as 0.  In bf16 the sums and the weights are f32.
 * oneDNN's weight gradient takes up to 80 times as long where pictures are small (480 channels of 2 x 2 in bf16), its
 * other gradients up to twice as long; forward it is as fast.
 *
 * Sixteen channels at a time, for as many neighbouring pixels as registers allow.  Where the channels are no multiple
 * of sixteen, the last block begins earlier and does some of them twice, to the same value; fewer than sixteen are done
 * one by one.  The weight gradient is summed in PARTS shares of the batch, whose number does not depend on the threads,
 * and then over the shares in order. */
#include "ops/conv2d_depthwise.h"
#include "lyne/ops.h"
#include "ops/conv2d_kernels.h"

enum { PARTS = 16 };

static bool can(const conv_geometry *c, conv_pass pass) {
    return pass != CONV_FORWARD && c->groups > 1 && c->in == c->groups && c->out == c->groups && c->kernel == 3 &&
           c->stride <= 2 && c->padding == 1 && c->dilation == 1;
}

static bool pays(const conv_geometry *c, conv_pass pass) {
    (void)c, (void)pass;
    return true;
}

static depthwise_shape shape_of(const conv_geometry *c) {
    return (depthwise_shape){.channels = c->in,
                             .height = c->height,
                             .width = c->width,
                             .rows = c->rows,
                             .columns = c->columns,
                             .stride = c->stride,
                             .bf16 = c->bf16};
}

typedef struct depthwise_config {
    depthwise_shape shape;
    int64_t batch;
    int parts;
} depthwise_config;

/* (C, 9) to (9, C), or with the last tap first. */
static void by_tap(int64_t channels, const float *weight, bool reversed, float *out) {
    for (int64_t c = 0; c < channels; c++)
        for (int t = 0; t < 9; t++) out[(reversed ? 8 - t : t) * channels + c] = weight[c * 9 + t];
}

static bool large(const depthwise_config *d) {
    return d->batch * d->shape.rows * d->shape.columns * d->shape.channels > 16384;
}

/* buffers: diff_dst, diff_src, weight, scratch (9, C) */
static void data(const lyne_call *call) {
    const depthwise_config *d = call->config;
    const depthwise_shape *s = &d->shape;
    const int64_t out = s->rows * s->columns * s->channels, row = s->width * s->channels;
    float *w = call->buffer[3];
    by_tap(s->channels, call->buffer[2], s->stride == 1, w);
#pragma omp parallel for schedule(static) if (large(d))
    for (int64_t i = 0; i < d->batch * s->height; i++)
        depthwise_diff_row(s, i % s->height, lyne_at(call->buffer[0], i / s->height * out, s->bf16), w,
                           lyne_at_mutable(call->buffer[1], i * row, s->bf16));
}

/* buffers: src, diff_dst, diff_weight (C, 9), scratch (parts, 9, C) */
static void weights(const lyne_call *call) {
    const depthwise_config *d = call->config;
    const depthwise_shape *s = &d->shape;
    const int64_t in = s->height * s->width * s->channels, out = s->rows * s->columns * s->channels;
    const int64_t channels = s->channels, size = 9 * channels;
    float *sum = call->buffer[3], *diff_weight = call->buffer[2];
#pragma omp parallel for schedule(static) if (large(d))
    for (int k = 0; k < d->parts; k++) {
        const int64_t first = d->batch * k / d->parts, end = d->batch * (k + 1) / d->parts;
        float *part = sum + k * size;
        for (int64_t i = 0; i < size; i++) part[i] = 0;
        for (int64_t b = first; b < end; b++)
            depthwise_diff_weights(s, lyne_at(call->buffer[0], b * in, s->bf16),
                                   lyne_at(call->buffer[1], b * out, s->bf16), part);
    }
    for (int k = 1; k < d->parts; k++)
        for (int64_t i = 0; i < size; i++) sum[i] += sum[k * size + i];
    for (int64_t c = 0; c < channels; c++)
        for (int t = 0; t < 9; t++) diff_weight[c * 9 + t] = sum[t * channels + c];
}

static lyne_status emit(lyne_program *p, const lyne_node *n, conv_pass pass, conv_diff diff, lyne_error *err) {
    const conv_geometry c = conv_geometry_of(n);
    const depthwise_config d = {
        .shape = shape_of(&c), .batch = c.batch, .parts = c.batch < PARTS ? (int)c.batch : PARTS};
    const size_t taps = (size_t)c.in * 9 * sizeof(float);
    lyne_status status;
    if (pass == CONV_DATA) {
        const lyne_buffer b[] = {diff.dst, diff.src, lyne_weight(p, n, 0, NULL, err), lyne_scratch(p, taps)};
        return lyne_emit_kernel(p, n, "depthwise", data, &d, sizeof d, b, 4, err);
    }
    const lyne_buffer b[] = {lyne_src(p, n, 0), diff.dst, lyne_diff_weight(p, n, 0, NULL, err),
                             lyne_scratch(p, taps * (size_t)d.parts)};
    status = lyne_emit_kernel(p, n, "depthwise", weights, &d, sizeof d, b, 4, err);
    return status == LYNE_OK ? conv_emit_diff_bias(p, n, diff.dst, err) : status;
}

const conv_kernel conv_depthwise = {.name = "depthwise", .can = can, .pays = pays, .emit = emit};
