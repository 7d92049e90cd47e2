/* ops/conv2d_product.c -- the weight gradient of a 1 x 1 convolution is a matrix product over the pixels P = B H W.
 *   diff_weight (O, I) = diff_dst^T (O, P) src (P, I)
 * Channels last, the matrices lie there as they are.  oneDNN's products are 1.5 to 5 times as fast as its weight gradient
 * in bf16 (not where there are fewer than 32 channels on one side: no tiles then; nor on large pictures), and in f32 where
 * the pixels are few; and they write plain weights, which saves a reorder. */
#include "ops/conv2d_kernels.h"

static bool can(const conv_geometry *c, conv_pass pass) {
    return pass == CONV_WEIGHTS && c->kernel == 1 && c->stride == 1 && c->padding == 0 && c->groups == 1;
}

static bool pays(const conv_geometry *c, conv_pass pass) {
    (void)pass;
    if (c->bf16) return c->in + c->out > 32 && (c->rows * c->columns <= 256 || c->in * c->out > 64 * 64);
    return c->batch * c->rows * c->columns <= 512;
}

static dnn_tensor matrix(int64_t rows, int64_t columns, dnn_type type, dnn_format format) {
    return (dnn_tensor){.rank = 2, .dim = {rows, columns}, .type = type, .format = format};
}

static lyne_status emit(lyne_program *p, const lyne_node *n, conv_pass pass, conv_diff diff, lyne_error *err) {
    (void)pass;
    const conv_geometry c = conv_geometry_of(n);
    const int64_t pixels = c.batch * c.rows * c.columns;
    const dnn_type type = c.bf16 ? DNN_BF16 : DNN_F32;
    dnn_primitive *product;
    lyne_status status = dnn_matmul(lyne_program_dnn(p), matrix(c.out, pixels, type, DNN_TRANSPOSED),
                                    matrix(pixels, c.in, type, DNN_PLAIN), (dnn_tensor){0},
                                    matrix(c.out, c.in, DNN_F32, DNN_PLAIN), &product, err);
    if (status != LYNE_OK) return status;
    const lyne_binding b[] = {
        {DNN_SRC, diff.dst}, {DNN_WEIGHTS, lyne_src(p, n, 0)}, {DNN_DST, lyne_diff_weight(p, n, 0, NULL, err)}};
    status = lyne_emit_primitive(p, n, product, b, 3, err);
    return status == LYNE_OK ? conv_emit_diff_bias(p, n, diff.dst, err) : status;
}

const conv_kernel conv_product = {.name = "product", .can = can, .pays = pays, .emit = emit};
