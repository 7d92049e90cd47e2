/* lyne/ops.h -- the ops, as a builder calls them.  Each is one file in src/ops/, where its arithmetic is written down.
 *
 * A config starts from its defaults, which are the same as those of a recipe:
 *     lyne_conv2d(g, "conv1", x, (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = 16, .kernel = 3, .padding = 1});
 * Every function returns the new node, or NULL once the graph has failed (lyne_graph_status says why). */
#ifndef LYNE_OPS_H
#define LYNE_OPS_H

#include "lyne/graph.h"

#ifndef __cplusplus
#pragma GCC diagnostic ignored "-Woverride-init" /* a default that is written over, in a config as above */
#endif

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** (pixel / 255 - mean[c]) / sd[c].  src (B, C, H, W) u8, dst the same shape in the graph's precision.  mean and sd: one
 *  number for all channels or one each; no number: 0 and 1.  Has no gradient. */
typedef struct lyne_normalize_config {
    lyne_floats mean, sd; /* of pixel / 255; the lists are borrowed and must outlive the graph */
} lyne_normalize_config;
lyne_node *lyne_normalize(lyne_graph *g, const char *name, lyne_node *src, lyne_normalize_config c);

/** dst (B, units) = src (B, F) weight^T + bias, or (B, L, units) of (B, L, F).  weight (units, F), bias (units). */
typedef struct lyne_linear_config {
    int64_t units;
    bool bias;
} lyne_linear_config;
#define LYNE_LINEAR_DEFAULTS .bias = true
lyne_node *lyne_linear(lyne_graph *g, const char *name, lyne_node *src, lyne_linear_config c);

/** Cross-correlation.  src (B, C, H, W), weight (filters, C / groups, kernel, kernel), bias (filters),
 *  dst (B, filters, (H + 2 padding - dilation (kernel - 1) - 1) / stride + 1, the same for W). */
typedef struct lyne_conv2d_config {
    int64_t filters, kernel, stride, padding, dilation, groups;
    bool bias;
} lyne_conv2d_config;
#define LYNE_CONV2D_DEFAULTS .kernel = 3, .stride = 1, .padding = 0, .dilation = 1, .groups = 1, .bias = true
lyne_node *lyne_conv2d(lyne_graph *g, const char *name, lyne_node *src, lyne_conv2d_config c);

/** Batch normalisation over all but dimension 1 (Ioffe and Szegedy 2015, arXiv:1502.03167).  src (B, C, H, W) or (B, C);
 *  weight, bias, running_mean, running_var (C).  Training uses the batch's statistics (biased variance) and moves the
 *  running ones by `momentum` (unbiased variance), as PyTorch does; inference uses the running ones. */
typedef struct lyne_batch_norm_config {
    double epsilon, momentum;
} lyne_batch_norm_config;
#define LYNE_BATCH_NORM_DEFAULTS .epsilon = 1e-5, .momentum = 0.1
lyne_node *lyne_batch_norm(lyne_graph *g, const char *name, lyne_node *src, lyne_batch_norm_config c);

/** The last dimension of (B, F) or (B, L, F) to mean 0 and variance 1 (biased), then scaled and shifted by weight, bias
 *  (F) (Ba, Kiros, Hinton 2016, arXiv:1607.06450). */
typedef struct lyne_layer_norm_config {
    double epsilon;
} lyne_layer_norm_config;
#define LYNE_LAYER_NORM_DEFAULTS .epsilon = 1e-5
lyne_node *lyne_layer_norm(lyne_graph *g, const char *name, lyne_node *src, lyne_layer_norm_config c);

/** Each of `groups` groups of channels of each sample of (B, C) or (B, C, H, W) to mean 0 and variance 1 (biased), then
 *  scaled and shifted by weight, bias (C) (Wu, He 2018, arXiv:1803.08494).  groups divides C. */
typedef struct lyne_group_norm_config {
    int64_t groups;
    double epsilon;
} lyne_group_norm_config;
#define LYNE_GROUP_NORM_DEFAULTS .epsilon = 1e-5
lyne_node *lyne_group_norm(lyne_graph *g, const char *name, lyne_node *src, lyne_group_norm_config c);

/** max(0, src), any shape. */
lyne_node *lyne_relu(lyne_graph *g, const char *name, lyne_node *src);

/** Functions of one number, applied to each; any shape.
 *  relu6 min(max(0, x), 6); gelu x Phi(x) by erf; silu x / (1 + exp(-x)); hard_swish x relu6(x + 3) / 6. */
lyne_node *lyne_relu6(lyne_graph *g, const char *name, lyne_node *src);
lyne_node *lyne_gelu(lyne_graph *g, const char *name, lyne_node *src);
lyne_node *lyne_silu(lyne_graph *g, const char *name, lyne_node *src);
lyne_node *lyne_hard_swish(lyne_graph *g, const char *name, lyne_node *src);
lyne_node *lyne_sigmoid(lyne_graph *g, const char *name, lyne_node *src);
lyne_node *lyne_tanh(lyne_graph *g, const char *name, lyne_node *src);

/** x, or slope x where x is negative; any shape. */
typedef struct lyne_leaky_relu_config {
    double slope;
} lyne_leaky_relu_config;
#define LYNE_LEAKY_RELU_DEFAULTS .slope = 0.01
lyne_node *lyne_leaky_relu(lyne_graph *g, const char *name, lyne_node *src, lyne_leaky_relu_config c);

/** Maximum or mean over kernel x kernel windows of (B, C, H, W); dst H = (H + 2 padding - kernel) / stride + 1.  stride 0
 *  means as wide as the kernel.  The mean does not count padding. */
typedef struct lyne_pool_config {
    int64_t kernel, stride, padding;
} lyne_pool_config;
#define LYNE_POOL_DEFAULTS .kernel = 2, .stride = 0, .padding = 0
lyne_node *lyne_max_pool(lyne_graph *g, const char *name, lyne_node *src, lyne_pool_config c);
lyne_node *lyne_avg_pool(lyne_graph *g, const char *name, lyne_node *src, lyne_pool_config c);

/** Mean over size x width parts of (B, C, H, W), which overlap where size does not divide H or width W: dst (B, C, size,
 *  width), by PyTorch's rule.  width 0: size. */
typedef struct lyne_adaptive_avg_pool_config {
    int64_t size, width;
} lyne_adaptive_avg_pool_config;
#define LYNE_ADAPTIVE_AVG_POOL_DEFAULTS .size = 1
lyne_node *lyne_adaptive_avg_pool(lyne_graph *g, const char *name, lyne_node *src, lyne_adaptive_avg_pool_config c);

/** Mean over H and W: (B, C, H, W) to (B, C). */
lyne_node *lyne_global_avg_pool(lyne_graph *g, const char *name, lyne_node *src);

/** a + b and a b by numpy's rule: of one rank, and each dimension is the same in both, or 1 in one of them, which is repeated
 *  along it: (B, C, 1, 1) shifts or scales channels. */
lyne_node *lyne_add(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b);
lyne_node *lyne_mul(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b);

/** a, and behind it b, along dimension `axis` (1: channels; not the batch), in which alone they may differ. */
typedef struct lyne_concat_config {
    int64_t axis;
} lyne_concat_config;
#define LYNE_CONCAT_DEFAULTS .axis = 1
lyne_node *lyne_concat(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b, lyne_concat_config c);

/** Places first to first + length - 1 of dimension `axis` (1: channels; not the batch).  To split a value, take as many
 *  slices: a node has one value. */
typedef struct lyne_slice_config {
    int64_t axis, first, length;
} lyne_slice_config;
#define LYNE_SLICE_DEFAULTS .axis = 1, .first = 0
lyne_node *lyne_slice(lyne_graph *g, const char *name, lyne_node *src, lyne_slice_config c);

/** Dimensions a and b, neither of them the batch, changed for each other: (B, L, F) to (B, F, L). */
typedef struct lyne_transpose_config {
    int64_t a, b;
} lyne_transpose_config;
#define LYNE_TRANSPOSE_DEFAULTS .a = 1, .b = 2
lyne_node *lyne_transpose(lyne_graph *g, const char *name, lyne_node *src, lyne_transpose_config c);

/** (B, ...) to (B, shape...), in logical order, the last fastest.  One dimension may be -1: what is left. */
typedef struct lyne_reshape_config {
    lyne_ints shape; /* without the batch; the list is borrowed and must outlive the graph */
} lyne_reshape_config;
lyne_node *lyne_reshape(lyne_graph *g, const char *name, lyne_node *src, lyne_reshape_config c);

/** (B, ...) to (B, product), in logical order: (c, h, w) with w fastest, as PyTorch. */
lyne_node *lyne_flatten(lyne_graph *g, const char *name, lyne_node *src);

/** Each element is 0 with probability `rate`, else divided by 1 - rate; the identity in inference (Srivastava et al. 2014).
 *  The mask is a function of (seed, node, place of the sample in the stream, element). */
typedef struct lyne_dropout_config {
    double rate;
} lyne_dropout_config;
#define LYNE_DROPOUT_DEFAULTS .rate = 0.5
lyne_node *lyne_dropout(lyne_graph *g, const char *name, lyne_node *src, lyne_dropout_config c);

/** A row of `weight` (entries, width) for each number of src (B) or (B, L) s32, which is below entries: dst (B, width) or
 *  (B, L, width), in the graph's precision.  The table starts normal with sd 1, as PyTorch's, or 0.02 if `small`. */
typedef struct lyne_embedding_config {
    int64_t entries, width;
    bool small;
} lyne_embedding_config;
lyne_node *lyne_embedding(lyne_graph *g, const char *name, lyne_node *src, lyne_embedding_config c);

/** src (B, L, F) plus `weight` (L, F), a row learned for each place; it starts normal with sd 0.02. */
lyne_node *lyne_positions(lyne_graph *g, const char *name, lyne_node *src);

/** softmax(q k^T / sqrt(F / heads)) v for each head, a run of F / heads columns (Vaswani et al. 2017, arXiv:1706.03762).
 *  q (B, L, F), k and v (B, S, F), dst (B, L, F); causal: place l sees 0..l alone, and L = S.
 *  self_attention: q, k and v side by side in src (B, L, 3 F).  masked_self_attention: nobody sees padding, which is what
 *  lies behind lengths (B) s32, or where tokens (B, L) s32 are `padding`; a place that sees nobody gets 0. */
typedef struct lyne_attention_config {
    int64_t heads;
    bool causal;
    int64_t padding; /* masked_self_attention with tokens */
} lyne_attention_config;
#define LYNE_ATTENTION_DEFAULTS .heads = 1, .causal = false, .padding = 0
lyne_node *lyne_attention(lyne_graph *g, const char *name, lyne_node *q, lyne_node *k, lyne_node *v,
                          lyne_attention_config c);
lyne_node *lyne_self_attention(lyne_graph *g, const char *name, lyne_node *src, lyne_attention_config c);
lyne_node *lyne_masked_self_attention(lyne_graph *g, const char *name, lyne_node *src, lyne_node *padding,
                                      lyne_attention_config c);

/** The mean over the places of src (B, L, F) whose token (B, L) s32 is not `padding`: dst (B, F). */
typedef struct lyne_sequence_mean_config {
    int64_t padding; /* -1: all places count */
} lyne_sequence_mean_config;
#define LYNE_SEQUENCE_MEAN_DEFAULTS .padding = -1
lyne_node *lyne_sequence_mean(lyne_graph *g, const char *name, lyne_node *src, lyne_node *tokens,
                              lyne_sequence_mean_config c);

/** (B, L, F) as (B L, F): each place a sample of its own, which losses take the mean over. */
lyne_node *lyne_each_place(lyne_graph *g, const char *name, lyne_node *src);

/** dst (B, M, N) = a (B, M, K) b (B, K, N) for each sample; transposed: a is (B, K, M), b (B, N, K). */
typedef struct lyne_matmul_config {
    bool transpose_a, transpose_b;
} lyne_matmul_config;
#define LYNE_MATMUL_DEFAULTS .transpose_a = false, .transpose_b = false
lyne_node *lyne_matmul(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b, lyne_matmul_config c);

/** exp(src) / sum over the last dimension. */
lyne_node *lyne_softmax(lyne_graph *g, const char *name, lyne_node *src);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
