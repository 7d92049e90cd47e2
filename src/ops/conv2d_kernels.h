/* ops/conv2d_kernels.h -- convolutions by other means than a oneDNN convolution, where measurement says so.
 *
 * A kernel says for a geometry and a pass whether it can do it and whether it pays.  The first of the table that does
 * both is taken, by geometry and CPU alone: no clock is asked, so the same recipe gives the same bits.  In inference a
 * convolution does what stands behind it (ops/fold.h), so only a kernel that can do that is asked. */
#ifndef LYNE_OPS_CONV2D_KERNELS_H
#define LYNE_OPS_CONV2D_KERNELS_H

#include "ops/common.h"

/* What a convolution is: src (batch, in, height, width), dst (batch, out, rows, columns). */
typedef struct conv_geometry {
    int64_t batch, in, out, height, width, rows, columns;
    int64_t kernel, stride, padding, dilation, groups;
    bool bf16; /* src; weights and their gradient are f32 */
} conv_geometry;
conv_geometry conv_geometry_of(const lyne_node *n);

typedef enum conv_pass { CONV_FORWARD, CONV_DATA, CONV_WEIGHTS } conv_pass;

/* The buffers of a backward pass; diff_src of CONV_DATA alone. */
typedef struct conv_diff {
    lyne_buffer dst, src;
} conv_diff;

typedef struct conv_kernel {
    const char *name;
    bool folds; /* its forward pass does in inference what lyne_folded says; else it is for training alone */
    bool (*can)(const conv_geometry *c, conv_pass pass);
    bool (*pays)(const conv_geometry *c, conv_pass pass); /* asked only if it can */
    lyne_status (*emit)(lyne_program *p, const lyne_node *n, conv_pass pass, conv_diff diff, lyne_error *err);
} conv_kernel;

extern const conv_kernel conv_depthwise, conv_product, conv_tiles, conv_winograd;

/** The kernel for a pass of a node in this program, or NULL: oneDNN's convolution. */
const conv_kernel *conv_kernel_for(const lyne_program *p, const lyne_node *n, conv_pass pass);

/** The gradient of the bias, if there is one: emitted behind a CONV_WEIGHTS that makes that of the weights alone. */
lyne_status conv_emit_diff_bias(lyne_program *p, const lyne_node *n, lyne_buffer diff_dst, lyne_error *err);

#endif
