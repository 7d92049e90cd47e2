/* ops/conv2d_product.c -- the weight gradient of a 1 x 1 convolution is a matrix product over the pixels P = B H W.
 *   diff_weight (O, I) = diff_dst^T (O, P) src (P, I)
 * Channels last, the matrices lie there as they are, but that a stride leaves out pixels of src: those it keeps are gathered
 * first.  oneDNN's products are 1.5 to 5 times as fast as its weight gradient in bf16 (not where there are fewer than 32
 * channels on one side: no tiles then; nor on large pictures), and in f32 where the pixels are few; and they write plain
 * weights, which saves a reorder.
 *
 * With a stride, oneDNN's own weight gradient (2.6 to 3.12 at least) writes beyond its scratchpad where the channels in are
 * fewer than those in a register (8 with AVX2, 16 with AVX-512): wrong gradients, threads that wait for each other for
 * ever, or worse (its issue 6035).  So there the product is not for speed. */
#include "ops/conv2d_kernels.h"

#include <string.h>

enum { FULL_REGISTER = 16 };

static bool can(const conv_geometry *c, conv_pass pass) {
    return pass == CONV_WEIGHTS && c->kernel == 1 && c->padding == 0 && c->groups == 1 &&
           (c->stride == 1 || c->in < FULL_REGISTER);
}

static bool pays(const conv_geometry *c, conv_pass pass) {
    (void)pass;
    if (c->stride > 1) return true;
    if (c->bf16) return c->in + c->out > 32 && (c->rows * c->columns <= 256 || c->in * c->out > 64 * 64);
    return c->batch * c->rows * c->columns <= 512;
}

static dnn_tensor matrix(int64_t rows, int64_t columns, dnn_type type, dnn_format format) {
    return (dnn_tensor){.rank = 2, .dim = {rows, columns}, .type = type, .format = format};
}

/* buffers: src, the rows of it that the stride keeps */
static void gather(const lyne_call *call) {
    const conv_geometry *c = call->config;
    const size_t pixel = (size_t)c->in * (c->bf16 ? sizeof(uint16_t) : sizeof(float));
    const char *src = call->buffer[0];
    char *dst = call->buffer[1];
#pragma omp parallel for schedule(static) if (c->batch * c->rows * c->columns > 4096)
    for (int64_t i = 0; i < c->batch * c->rows; i++) {
        const int64_t row = i / c->rows * c->height + i % c->rows * c->stride;
        for (int64_t x = 0; x < c->columns; x++)
            memcpy(dst + (size_t)(i * c->columns + x) * pixel, src + (size_t)(row * c->width + x * c->stride) * pixel,
                   pixel);
    }
}

static lyne_status emit(lyne_program *p, const lyne_node *n, conv_pass pass, conv_diff diff, lyne_error *err) {
    (void)pass;
    const conv_geometry c = conv_geometry_of(n);
    const int64_t pixels = c.batch * c.rows * c.columns;
    const dnn_type type = c.bf16 ? DNN_BF16 : DNN_F32;
    lyne_status status = LYNE_OK;
    lyne_buffer src = lyne_src(p, n, 0);
    if (c.stride > 1) {
        const lyne_buffer all = src;
        src = lyne_scratch(p, (size_t)(pixels * c.in) * dnn_type_size(type));
        status = lyne_emit_kernel(p, n, "strided pixels", gather, &c, sizeof c, (lyne_buffer[]){all, src}, 2, err);
        if (status != LYNE_OK) return status;
    }
    dnn_primitive *product;
    status = dnn_matmul(lyne_program_dnn(p), matrix(c.out, pixels, type, DNN_TRANSPOSED),
                        matrix(pixels, c.in, type, DNN_PLAIN), (dnn_tensor){0}, matrix(c.out, c.in, DNN_F32, DNN_PLAIN),
                        &product, err);
    if (status != LYNE_OK) return status;
    const lyne_binding b[] = {{DNN_SRC, diff.dst}, {DNN_WEIGHTS, src}, {DNN_DST, lyne_diff_weight(p, n, 0, NULL, err)}};
    status = lyne_emit_primitive(p, n, product, b, 3, err);
    return status == LYNE_OK ? conv_emit_diff_bias(p, n, diff.dst, err) : status;
}

const conv_kernel conv_product = {.name = "product", .can = can, .pays = pays, .emit = emit};
