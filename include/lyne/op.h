/* lyne/op.h -- the row of an op, and what its emit functions may ask of the program being compiled.
 *
 * The gradient contract, said once: an op's backward OVERWRITES what it is asked to make (diff_src, diff_weights).  Where
 * a value has two readers the program sums their contributions.  Nobody else adds.
 *
 * Compilation has two passes over the graph: emit for every node in order, then, when training, emit_backward in reverse
 * order for every node with needs_grad.  Both only describe: buffers are numbers, memory is placed afterwards by
 * lifetime, so a buffer may share its place with any other that is not alive at the same step.  What runs is the kernels:
 *
 *     static void forward(const lyne_call *call) {
 *         const float *src = call->buffer[0];
 *         float *dst = call->buffer[1];
 *         for (int64_t i = 0; i < lyne_shape_size(&call->node->shape); i++) dst[i] = src[i] * src[i];
 *     }
 *     static lyne_status emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
 *         const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n)};
 *         return lyne_emit_kernel(p, n, "square", forward, NULL, 0, b, 2, err);
 *     }
 *
 * Memory: every buffer starts on a 64-byte line.  A value of rank 4, (B, C, H, W), lies channels last, its element
 * (b, c, h, w) at ((b H + h) W + w) C + c; all else is row-major, as parameters always are.  A graph is built, compiled
 * and run by one thread; a kernel may use OpenMP's threads, and its bits must not depend on how many there are. */
#ifndef LYNE_OP_H
#define LYNE_OP_H

#include "lyne/graph.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

typedef struct lyne_program lyne_program;
typedef int lyne_buffer;
#define LYNE_NO_BUFFER (-1)

/* Where a training run stands.  Kernels that draw random numbers derive them from this and their node alone. */
typedef struct lyne_clock {
    uint64_t seed;
    uint64_t position; /* of the batch's first row in the sample stream */
} lyne_clock;

/* What a kernel of ours gets each time it runs.  It does not allocate, does not fail, and remembers nothing:
 * what is to outlive a step, as running statistics, is a parameter of role LYNE_STATE, which forward may write in training. */
typedef struct lyne_call {
    const lyne_node *node;
    const void *config;  /* the bytes given to lyne_emit_kernel                     */
    void *const *buffer; /* the addresses of its buffers, in the order they were given; NULL for LYNE_NO_BUFFER */
    const lyne_clock *clock;
} lyne_call;
typedef void (*lyne_kernel)(const lyne_call *call);

/* One configuration in which the tests (and `lyne plugin`) check an op: shapes, value, gradient. */
typedef struct lyne_op_case {
    const char *config; /* its fields as YAML, NULL for none          */
    lyne_shape src[LYNE_MAX_SRC];
    float kink; /* inputs are kept off this value when has_kink: the derivative jumps there */
    bool has_kink;
    bool spread;     /* inputs are pairwise distinct by a margin: for maxima */
    double rounding; /* by which a value may be off, of the largest; 0: 2e-6 */
} lyne_op_case;

/* What an op does in a graph of bf16 (lyne_graph_set_precision).  F32_ONLY: its sources are cast to f32 before it gets
 * them.  EITHER: it takes its sources as they are, all of one type, and its value is of that type.  BF16_BEST: its
 * sources are cast to bf16. */
typedef enum lyne_op_precision { LYNE_F32_ONLY, LYNE_EITHER, LYNE_BF16_BEST } lyne_op_precision;

struct lyne_op {
    lyne_component component;
    int n_src; /* how many values it reads */
    lyne_op_precision precision;
    bool can_widen; /* it can write f32 from bf16 sources: its node's type may be LYNE_F32 all the same */
    /** Check the sources' shapes and types and set n->shape (n->type is preset to that of source 0); declare parameters
     *  with lyne_node_param.  A misfit is LYNE_ERECIPE; the path is put before the text by the caller. */
    lyne_status (*shape)(lyne_node *n, lyne_error *err);
    lyne_status (*emit)(lyne_program *p, const lyne_node *n, lyne_error *err);
    lyne_status (*emit_backward)(lyne_program *p, const lyne_node *n, lyne_error *err); /* NULL: no gradient */
    /** Multiply-accumulates of the whole batch, forward (lyne_macs); NULL: none worth counting. */
    int64_t (*macs)(const lyne_node *n);
    const lyne_op_case *cases; /* ends with a case whose src[0].rank is 0 */
};

/** In shape(): add a parameter named "PATH.name".  Its place among the node's parameters is the order of the calls. */
lyne_status lyne_node_param(lyne_node *n, const char *name, lyne_shape shape, lyne_role role, lyne_init init,
                            int64_t fan_in, lyne_error *err);

/** So many for each number of n's value; INT64_MAX where they cannot be counted. */
int64_t lyne_macs(const lyne_node *n, int64_t for_each);

/* ---- in emit and emit_backward ---- */

bool lyne_is_training(const lyne_program *p); /* batch statistics, dropout, a backward pass to come */

lyne_buffer lyne_src(lyne_program *p, const lyne_node *n, int i);
/** The buffer of the node's value, made at the first call. */
lyne_buffer lyne_dst(lyne_program *p, const lyne_node *n);

/** Backward: the gradient of the node's value, already summed over its readers.  Read only. */
lyne_buffer lyne_diff_dst(lyne_program *p, const lyne_node *n);
/** Backward: a buffer to be overwritten with this node's contribution to the gradient of source i, or LYNE_NO_BUFFER if
 *  nothing before it is trained.  Call once for each i. */
lyne_buffer lyne_diff_src(lyne_program *p, const lyne_node *n, int i);
/** Instead of lyne_diff_src: the contribution is this very buffer, unchanged (add, views). */
void lyne_diff_src_is(lyne_program *p, const lyne_node *n, int i, lyne_buffer b);

struct dnn_layout; /* how an engine that is no part of this interface lays out weights: say NULL */
/** Parameter i in a layout, which may see it in other dimensions of the same row-major order, as grouped convolutions do
 *  (NULL: plain f32 as stored).  Copies in other layouts are refreshed by the program whenever the weights change, one
 *  copy for each layout. */
lyne_buffer lyne_weight(lyne_program *p, const lyne_node *n, int i, const struct dnn_layout *layout, lyne_error *err);
/** Backward: where the gradient of parameter i is to be written, in that layout (NULL: plain); the program brings it to
 *  plain afterwards. */
lyne_buffer lyne_diff_weight(lyne_program *p, const lyne_node *n, int i, const struct dnn_layout *layout,
                             lyne_error *err);

/** The node's k-th private buffer, 0 <= k < 4, alive from the forward to the backward step that name it; `bytes` counts
 *  at the first call. */
lyne_buffer lyne_kept(lyne_program *p, const lyne_node *n, int k, size_t bytes);
/** A buffer for one step only. */
lyne_buffer lyne_scratch(lyne_program *p, size_t bytes);

/** Append a kernel of ours.  config (config_size bytes) is copied; `name` shows in the plan. */
lyne_status lyne_emit_kernel(lyne_program *p, const lyne_node *n, const char *name, lyne_kernel kernel,
                             const void *config, size_t config_size, const lyne_buffer *buffers, int n_buffers,
                             lyne_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
