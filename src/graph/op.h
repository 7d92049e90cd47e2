/* graph/op.h -- what an op that is built in may ask of the program besides what is in lyne/op.h: oneDNN's primitives, and
 * doing another node's work. */
#ifndef LYNE_GRAPH_OP_H
#define LYNE_GRAPH_OP_H

#include "dnn/dnn.h"
#include "lyne/op.h"

dnn_context *lyne_program_dnn(lyne_program *p);
/** A node's value as oneDNN sees it: channels last for rank 4, else plain. */
dnn_tensor lyne_tensor(const lyne_node *n);
/** A parameter as stored (plain, f32), or with the layout left to the primitive. */
dnn_tensor lyne_param_tensor(const lyne_node *n, int param, dnn_format format);

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

/** Whether n is a term of the objective and nothing else reads it: its gradient is then *weight, known beforehand. */
bool lyne_is_term(const lyne_program *p, const lyne_node *n, double *weight);

/** Instead of lyne_diff_dst: one or two buffers (how many is returned) of which that gradient is the sum, for an op that can
 *  add on the way.  Read only. */
int lyne_diff_dst_parts(lyne_program *p, const lyne_node *n, lyne_buffer part[2]);

/** Before lyne_diff_src, for an op that can add on the way: what others have given to the gradient of source i so far, which
 *  the op's own is then to include; LYNE_NO_BUFFER if that is nothing, or several buffers. */
lyne_buffer lyne_diff_src_so_far(lyne_program *p, const lyne_node *n, int i);

/** In emit: each number of n depends on that number of source 0 alone, and its derivative, f32, then lies in `slope`.  Who
 *  makes the gradient of n may so multiply it on the way. */
void lyne_slope_is(lyne_program *p, const lyne_node *n, lyne_buffer slope);
/** In backward, for an op that can: what its gradient of source i is to be multiplied by, or LYNE_NO_BUFFER.  Ask once. */
lyne_buffer lyne_slope_of_src(lyne_program *p, const lyne_node *n, int i);
/** In n's backward: whether its reader has asked, so that lyne_diff_dst of n is the gradient of n's source already. */
bool lyne_slope_is_in(const lyne_program *p, const lyne_node *n);

/** What is emitted from now on runs between runs, when the weights have changed, as the copies are made; and again not.
 *  Buffers in which it leaves something for the passes go through lyne_refreshed. */
void lyne_at_refresh(lyne_program *p, bool yes);
/** A plain f32 buffer made there, in a layout (NULL: as it is), to be read in the passes. */
lyne_buffer lyne_refreshed(lyne_program *p, const lyne_node *n, lyne_buffer plain, const dnn_layout *layout,
                           lyne_error *err);
/** Parameter i in a form that a kernel of ours makes of it there: `bytes` of it, by `kernel` with buffers {as stored,
 *  made}.  For either pass; who asks for `name` of it again gets what was made. */
lyne_buffer lyne_weight_made(lyne_program *p, const lyne_node *n, int i, size_t bytes, const char *name,
                             lyne_kernel kernel, const void *config, size_t config_size, lyne_error *err);

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

#endif
