/* ops/common.h -- what several ops share: checks of their sources and configs, sliding windows, layers with weights. */
#ifndef LYNE_OPS_COMMON_H
#define LYNE_OPS_COMMON_H

#include "graph/op.h"

/** Source 0 is f32, or bf16 if the op takes it, and the config is within the ranges of its field table (a builder's config
 *  was never parsed). */
lyne_status lyne_check_source(const lyne_node *n, lyne_error *err);
/** The same, and source 0 is a picture, (B, C, H, W). */
lyne_status lyne_check_picture(const lyne_node *n, lyne_error *err);
/** "OP expects EXPECTED, not SHAPE": the failure of a shape rule. */
lyne_status lyne_misfit(const lyne_node *n, const char *expected, lyne_error *err);

/* A square window over a picture. */
typedef struct lyne_window {
    int64_t kernel, stride, padding, dilation;
} lyne_window;
/** The positions of a window over the picture that is source 0: size[0] down, size[1] across. */
lyne_status lyne_window_slide(const lyne_node *n, lyne_window w, int64_t size[2], lyne_error *err);

/** The kind of forward pass that the program needs. */
dnn_pass lyne_forward_pass(const lyne_program *p);

/* A layer of one primitive a pass, with parameters weight and, where it has two, bias: linear, conv2d.
 * Where src is bf16, so is the copy of weights that a primitive reads; bias and both gradients are f32.  dst may be f32
 * all the same (can_widen); its gradient is then cast to bf16 before the backward passes read it. */
typedef lyne_status lyne_make(lyne_program *p, const lyne_node *n, dnn_pass pass, dnn_primitive **out, lyne_error *err);
/* Emits the gradients of weight and bias from diff_dst, and that of src. */
typedef lyne_status lyne_emit_gradient(lyne_program *p, const lyne_node *n, lyne_buffer diff_dst, lyne_error *err);
typedef lyne_status lyne_emit_data(lyne_program *p, const lyne_node *n, lyne_buffer diff_dst, lyne_buffer diff_src,
                                   lyne_error *err);

/** The type of the weights (in backward weights: of their gradient) and the tensor of dst, for make. */
dnn_type lyne_weight_type(const lyne_node *n, dnn_pass pass);
dnn_tensor lyne_dst_tensor(const lyne_node *n, dnn_pass pass);
/** The tensor of the bias, of rank 0 where the layer has none: of its own, or of a batch_norm that is folded into it. */
dnn_tensor lyne_bias_tensor(const lyne_program *p, const lyne_node *n);
/** In inference what stands behind the layer is done in it, see fold.h. */
lyne_status lyne_emit_weighted(lyne_program *p, const lyne_node *n, lyne_make *make, lyne_error *err);
lyne_status lyne_emit_weighted_backward(lyne_program *p, const lyne_node *n, lyne_emit_gradient *weights,
                                        lyne_emit_data *data, lyne_error *err);
/** Both by one primitive of make's. */
lyne_status lyne_primitive_diff_weights(lyne_program *p, const lyne_node *n, lyne_make *make, lyne_buffer diff_dst,
                                        lyne_error *err);
lyne_status lyne_primitive_diff_src(lyne_program *p, const lyne_node *n, lyne_make *make, lyne_buffer diff_dst,
                                    lyne_buffer diff_src, lyne_error *err);

#endif
