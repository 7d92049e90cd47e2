/* graph/op.h -- the row of an op, and what its emit functions may ask of the program being compiled.
 *
 * The gradient contract, said once: an op's backward OVERWRITES what it is asked to make (diff_src, diff_weights).  Where
 * a value has two readers the program sums their contributions; where a batch is split the optimizer sums over steps.
 * Nobody else adds.
 *
 * Compilation has two passes over the graph: emit for every node in order, then, when training, emit_backward in reverse
 * order for every node with needs_grad.  Both only describe: buffers are numbers, memory is placed afterwards by
 * lifetime, so a buffer may share its place with any other that is not alive at the same step. */
#ifndef LYNE_GRAPH_OP_H
#define LYNE_GRAPH_OP_H

#include "dnn/dnn.h"
#include "lyne/graph.h"

typedef struct lyne_program lyne_program;
typedef int lyne_buffer;
#define LYNE_NO_BUFFER (-1)

/* Where a training run stands.  Kernels that draw random numbers derive them from this and their node alone. */
typedef struct lyne_clock {
    uint64_t seed;
    uint64_t position; /* of the batch's first row in the sample stream */
} lyne_clock;

/* What a kernel of ours gets each time it runs. */
typedef struct lyne_call {
    const lyne_node *node;
    const void *config;  /* the bytes given to lyne_emit_kernel                     */
    void *const *buffer; /* the addresses of its buffers, in the order they were given */
    const lyne_clock *clock;
} lyne_call;
typedef void (*lyne_kernel)(const lyne_call *call);

/* One configuration in which the tests check an op: shapes, value against tests/reference, gradient. */
typedef struct lyne_op_case {
    const char *config; /* its fields as YAML, NULL for none          */
    lyne_shape src[LYNE_MAX_SRC];
    float kink; /* inputs are kept off this value when has_kink: the derivative jumps there */
    bool has_kink;
    bool spread; /* inputs are pairwise distinct by a margin: for maxima */
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
    /** Check the sources' shapes and set n->shape (n->type is preset to that of source 0); declare parameters with
     *  lyne_node_param.  A misfit is LYNE_ERECIPE; the path is put before the text by the caller. */
    lyne_status (*shape)(lyne_node *n, lyne_error *err);
    lyne_status (*emit)(lyne_program *p, const lyne_node *n, lyne_error *err);
    lyne_status (*emit_backward)(lyne_program *p, const lyne_node *n, lyne_error *err); /* NULL: no gradient */
    /** Multiply-accumulates of the whole batch, forward; NULL: none worth counting. */
    int64_t (*macs)(const lyne_node *n);
    const lyne_op_case *cases; /* ends with a case whose src[0].rank is 0 */
};

/** In shape(): add a parameter named "PATH.name".  Its place among the node's parameters is the order of the calls. */
lyne_status lyne_node_param(lyne_node *n, const char *name, lyne_shape shape, lyne_role role, lyne_init init,
                            int64_t fan_in, lyne_error *err);

/* ---- in emit and emit_backward ---- */

bool lyne_is_training(const lyne_program *p); /* batch statistics, dropout, a backward pass to come */
dnn_context *lyne_program_dnn(lyne_program *p);
/** A node's value as oneDNN sees it: channels last for rank 4, else plain. */
dnn_tensor lyne_tensor(const lyne_node *n);
/** A parameter as stored (plain, f32), or with the layout left to the primitive. */
dnn_tensor lyne_param_tensor(const lyne_node *n, int param, dnn_format format);

lyne_buffer lyne_src(lyne_program *p, const lyne_node *n, int i);
/** The buffer of the node's value, made at the first call. */
lyne_buffer lyne_dst(lyne_program *p, const lyne_node *n);
/** Instead of lyne_dst: the value is this very buffer, unchanged (a view, or dropout in inference). */
void lyne_dst_is(lyne_program *p, const lyne_node *n, lyne_buffer b);

/** Forward: the node that alone reads n's value, if nobody outside does; else NULL. */
const lyne_node *lyne_sole_reader(const lyne_program *p, const lyne_node *n);
/** In n's emit: n does the work of its sole reader as well, and then perhaps of the sole reader of that.  lyne_dst of n is
 *  then the last one's value, what was taken emits nothing, and in backward lyne_diff_dst of n is the gradient of that
 *  value.  Other sources of what was taken must stand before n; their gradients are for n to give (lyne_diff_src of the
 *  node taken). */
void lyne_take_over(lyne_program *p, const lyne_node *n, const lyne_node *reader);
/** The node of this op whose work n has taken over, or NULL. */
const lyne_node *lyne_taken(const lyne_program *p, const lyne_node *n, const lyne_op *op);
/** In n's emit, inference: whether n may write over source i of `reader`, which it takes over: nobody reads it after that.
 *  lyne_dst_is of the last node taken then says so, before the taking. */
bool lyne_may_overwrite(const lyne_program *p, const lyne_node *n, const lyne_node *reader, int i);

/** Backward: the gradient of the node's value, already summed over its readers.  Read only. */
lyne_buffer lyne_diff_dst(lyne_program *p, const lyne_node *n);
/** Instead: one or two buffers (how many is returned) of which that gradient is the sum, for an op that can add on the
 *  way.  Read only. */
int lyne_diff_dst_parts(lyne_program *p, const lyne_node *n, lyne_buffer part[2]);
/** Backward: a buffer to be overwritten with this node's contribution to the gradient of source i, or LYNE_NO_BUFFER if
 *  nothing before it is trained.  Call once for each i. */
lyne_buffer lyne_diff_src(lyne_program *p, const lyne_node *n, int i);
/** Instead of lyne_diff_src: the contribution is this very buffer, unchanged (add, views). */
void lyne_diff_src_is(lyne_program *p, const lyne_node *n, int i, lyne_buffer b);

/** Parameter i in a layout, which may see it in other dimensions of the same row-major order, as grouped convolutions do
 *  (NULL: plain f32 as stored).  Copies in other layouts are refreshed by the program whenever
 *  the weights change, one copy for each layout. */
lyne_buffer lyne_weight(lyne_program *p, const lyne_node *n, int i, const dnn_layout *layout, lyne_error *err);
/** What is emitted from now on runs between runs, when the weights have changed, as the copies are made; and again not.
 *  Buffers in which it leaves something for the passes go through lyne_refreshed. */
void lyne_at_refresh(lyne_program *p, bool yes);
/** A plain f32 buffer made there, in a layout (NULL: as it is), to be read in the passes. */
lyne_buffer lyne_refreshed(lyne_program *p, const lyne_node *n, lyne_buffer plain, const dnn_layout *layout,
                           lyne_error *err);
/** Backward: where the gradient of parameter i is to be written, in that layout (NULL: plain); the program brings it to
 *  plain afterwards. */
lyne_buffer lyne_diff_weight(lyne_program *p, const lyne_node *n, int i, const dnn_layout *layout, lyne_error *err);

/** The node's k-th private buffer, 0 <= k < 4, alive from the forward to the backward step that name it; `bytes` counts
 *  at the first call. */
lyne_buffer lyne_kept(lyne_program *p, const lyne_node *n, int k, size_t bytes);
/** A buffer for one step only. */
lyne_buffer lyne_scratch(lyne_program *p, size_t bytes);

typedef struct lyne_binding {
    dnn_arg arg;
    lyne_buffer buffer;
} lyne_binding;
/** Append a oneDNN primitive; the program owns it from here, also on failure.  Its scratchpad is seen to. */
lyne_status lyne_emit_primitive(lyne_program *p, const lyne_node *n, dnn_primitive *primitive,
                                const lyne_binding *bindings, int n_bindings, lyne_error *err);
/** Append a cast of `size` numbers to LYNE_F32 from bf16, or to LYNE_BF16 from f32. */
lyne_status lyne_emit_cast(lyne_program *p, const lyne_node *n, int64_t size, lyne_type to, lyne_buffer src,
                           lyne_buffer dst, lyne_error *err);
/** Append a kernel of ours.  config (config_size bytes) is copied; `name` shows in the plan. */
lyne_status lyne_emit_kernel(lyne_program *p, const lyne_node *n, const char *name, lyne_kernel kernel,
                             const void *config, size_t config_size, const lyne_buffer *buffers, int n_buffers,
                             lyne_error *err);

#endif
