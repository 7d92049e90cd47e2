/* ops/conv2d_kernels.c -- see conv2d_kernels.h. */
#include "ops/conv2d_kernels.h"
#include "lyne/ops.h"
#include "ops/column_sums.h"

static const conv_kernel *const kernels[] = {&conv_depthwise, &conv_product, &conv_tiles, &conv_winograd};

conv_geometry conv_geometry_of(const lyne_node *n) {
    const lyne_conv2d_config *c = n->config;
    const int64_t *src = n->src[0]->shape.dim, *dst = n->shape.dim;
    return (conv_geometry){.batch = src[0],
                           .in = src[1],
                           .height = src[2],
                           .width = src[3],
                           .out = dst[1],
                           .rows = dst[2],
                           .columns = dst[3],
                           .kernel = c->kernel,
                           .stride = c->stride,
                           .padding = c->padding,
                           .dilation = c->dilation,
                           .groups = c->groups,
                           .bf16 = n->src[0]->type == LYNE_BF16};
}

const conv_kernel *conv_kernel_for(const lyne_program *p, const lyne_node *n, conv_pass pass) {
    const conv_geometry c = conv_geometry_of(n);
    if (pass == CONV_FORWARD && n->type != n->src[0]->type) return NULL;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if ((lyne_is_training(p) || kernels[i]->folds) && kernels[i]->can(&c, pass) && kernels[i]->pays(&c, pass))
            return kernels[i];
    return NULL;
}

lyne_status conv_emit_diff_bias(lyne_program *p, const lyne_node *n, lyne_buffer diff_dst, lyne_error *err) {
    if (n->n_params == 1) return LYNE_OK;
    const conv_geometry c = conv_geometry_of(n);
    return lyne_emit_column_sums(p, n, n->src[0]->type, c.batch * c.rows * c.columns, c.out, diff_dst,
                                 lyne_diff_weight(p, n, 1, NULL, err), err);
}
