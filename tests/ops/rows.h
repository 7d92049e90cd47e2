/* Every op row. */
#ifndef LYNE_TESTS_OPS_ROWS_H
#define LYNE_TESTS_OPS_ROWS_H

#include "graph/op.h"

extern const lyne_op lyne_op_normalize, lyne_op_linear, lyne_op_conv2d, lyne_op_batch_norm, lyne_op_relu,
    lyne_op_max_pool, lyne_op_avg_pool, lyne_op_global_avg_pool, lyne_op_add, lyne_op_flatten, lyne_op_dropout,
    lyne_op_softmax, lyne_op_relu6, lyne_op_leaky_relu, lyne_op_gelu, lyne_op_silu, lyne_op_hard_swish, lyne_op_sigmoid,
    lyne_op_tanh, lyne_op_layer_norm, lyne_op_group_norm, lyne_op_mul, lyne_op_concat, lyne_op_slice, lyne_op_transpose,
    lyne_op_reshape, lyne_op_attention, lyne_op_embedding, lyne_op_positions, lyne_op_self_attention,
    lyne_op_masked_self_attention, lyne_op_each_place, lyne_op_sequence_mean, lyne_op_matmul, lyne_op_adaptive_avg_pool;

static const lyne_op *const rows[] = {&lyne_op_normalize,
                                      &lyne_op_linear,
                                      &lyne_op_conv2d,
                                      &lyne_op_batch_norm,
                                      &lyne_op_relu,
                                      &lyne_op_max_pool,
                                      &lyne_op_avg_pool,
                                      &lyne_op_global_avg_pool,
                                      &lyne_op_add,
                                      &lyne_op_flatten,
                                      &lyne_op_dropout,
                                      &lyne_op_softmax,
                                      &lyne_op_relu6,
                                      &lyne_op_leaky_relu,
                                      &lyne_op_gelu,
                                      &lyne_op_silu,
                                      &lyne_op_hard_swish,
                                      &lyne_op_sigmoid,
                                      &lyne_op_tanh,
                                      &lyne_op_layer_norm,
                                      &lyne_op_group_norm,
                                      &lyne_op_mul,
                                      &lyne_op_concat,
                                      &lyne_op_slice,
                                      &lyne_op_transpose,
                                      &lyne_op_reshape,
                                      &lyne_op_attention,
                                      &lyne_op_embedding,
                                      &lyne_op_positions,
                                      &lyne_op_self_attention,
                                      &lyne_op_masked_self_attention,
                                      &lyne_op_each_place,
                                      &lyne_op_sequence_mean,
                                      &lyne_op_matmul,
                                      &lyne_op_adaptive_avg_pool};
/* The type of its source i, f32 where it can be. */
static inline lyne_type source_type(const lyne_op *op, int i) {
    if (op == &lyne_op_normalize) return LYNE_U8;
    return op == &lyne_op_embedding ||
                   ((op == &lyne_op_masked_self_attention || op == &lyne_op_sequence_mean) && i == 1)
               ? LYNE_S32
               : LYNE_F32;
}

enum { N_ROWS = sizeof rows / sizeof *rows };

#endif
