/* ops/conv2d_product.c -- a convolution of 1 x 1 is a matrix product over the pixels P = B H W.
 *   diff_weight (O, I) = diff_dst^T (O, P) src (P, I);  diff_src (P, I) = diff_dst (P, O) weight (O, I)
 * Channels last, the matrices lie there as they are.  oneDNN's products are 1.5 to 5 times as fast as its weight gradient
 * in bf16 (not where there are fewer than 32 channels on one side: no tiles then), and in f32 where the pixels are few;
 * and they write plain weights, which saves a reorder. */
#include "ops/conv2d_kernels.h"

static bool can(const conv_geometry *c, conv_pass pass) {
    return pass != CONV_FORWARD && c->kernel == 1 && c->stride == 1 && c->padding == 0 && c->groups == 1;
}

static bool pays(const conv_geometry *c, conv_pass pass) {
    if (pass != CONV_WEIGHTS) return false;
    return c->bf16 ? c->in + c->out > 32 : c->batch * c->rows * c->columns <= 512;
}

static dnn_tensor matrix(int64_t rows, int64_t columns, dnn_type type, dnn_format format) {
    return (dnn_tensor){.rank = 2, .dim = {rows, columns}, .type = type, .format = format};
}

static lyne_status emit(lyne_program *p, const lyne_node *n, conv_pass pass, conv_diff diff, lyne_error *err) {
    const conv_geometry c = conv_geometry_of(n);
    const int64_t pixels = c.batch * c.rows * c.columns;
    const dnn_type type = c.bf16 ? DNN_BF16 : DNN_F32;
    const bool weights = pass == CONV_WEIGHTS;
    dnn_primitive *product;
    lyne_status status = weights ? dnn_matmul(lyne_program_dnn(p), matrix(c.out, pixels, type, DNN_TRANSPOSED),
                                              matrix(pixels, c.in, type, DNN_PLAIN), (dnn_tensor){0},
                                              matrix(c.out, c.in, DNN_F32, DNN_PLAIN), &product, err)
                                 : dnn_matmul(lyne_program_dnn(p), matrix(pixels, c.out, type, DNN_PLAIN),
                                              matrix(c.out, c.in, type, DNN_ANY), (dnn_tensor){0},
                                              matrix(pixels, c.in, type, DNN_PLAIN), &product, err);
    if (status != LYNE_OK) return status;
    const lyne_buffer operand =
        weights ? lyne_src(p, n, 0) : lyne_weight(p, n, 0, dnn_layout_of(product, DNN_WEIGHTS), err);
    const lyne_buffer dst = weights ? lyne_diff_weight(p, n, 0, NULL, err) : diff.src;
    if (err->status != LYNE_OK) {
        dnn_primitive_free(product);
        return err->status;
    }
    const lyne_binding b[] = {{DNN_SRC, diff.dst}, {DNN_WEIGHTS, operand}, {DNN_DST, dst}};
    status = lyne_emit_primitive(p, n, product, b, 3, err);
    return status == LYNE_OK && weights ? conv_emit_diff_bias(p, n, diff.dst, err) : status;
}

const conv_kernel conv_product = {.name = "product", .can = can, .pays = pays, .emit = emit};
