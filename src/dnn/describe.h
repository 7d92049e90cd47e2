/* dnn/describe.h -- the seam inside this folder: what oneDNN 2.6 and 3.x say differently, as few functions as will do.
 *
 * In 2.6 a memory descriptor is a struct, and a primitive is described in two steps, operation then primitive.  In 3.x
 * the descriptor is a handle, and the operation is gone.  Here a dnn_desc is a pointer to const in both, NULL is "no
 * tensor" in both, and one dnn_op holds whatever an operation may need, so that a description is one call. */
#ifndef LYNE_DNN_DESCRIBE_H
#define LYNE_DNN_DESCRIBE_H

#include "base/text.h"
#include "dnn/dnn.h"
#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR == 2 && DNNL_VERSION_MINOR >= 6
typedef const dnnl_memory_desc_t *dnn_desc;
#elif DNNL_VERSION_MAJOR == 3
typedef const_dnnl_memory_desc_t dnn_desc;
#else
#error "oneDNN 2.6 or later, or 3.x, is needed"
#endif

struct dnn_context {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attributes; /* those of every primitive */
};

/* SRC, SRC_1, DST, WEIGHTS, BIAS: the tensors an operation is described by, in a backward pass too. */
#define DNN_N_TENSORS (DNN_BIAS + 1)

/* An operation: what a constructor is asked for, and its tensors as oneDNN wants them.  In a backward pass
 * desc[DNN_DST] also describes DIFF_DST, and so on: a gradient has the shape and the layout of its tensor. */
typedef struct dnn_op {
    const char *name; /* for messages */
    dnn_pass pass;
    dnnl_alg_kind_t algorithm;
    dnn_tensor tensor[DNN_N_TENSORS];
    dnnl_dims_t kernel, stride, dilation /* oneDNN's: 0 is the ordinary one */, pad_begin, pad_end;
    float alpha, beta;
    int axis;
    dnn_desc desc[DNN_N_TENSORS];
    dnnl_primitive_desc_t hint; /* the forward pass; NULL if this is one */
} dnn_op;

typedef dnnl_status_t dnn_describe(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out);

/* Of the two, one is compiled: describe_v2.c, describe_v3.c. */
dnn_describe dnn_describe_convolution, dnn_describe_inner_product, dnn_describe_matmul, dnn_describe_pooling,
    dnn_describe_eltwise, dnn_describe_softmax, dnn_describe_binary;
/* Behind what a primitive does: add what dst held; or a function of alpha 0 and beta. */
dnnl_status_t dnn_append_sum(dnnl_post_ops_t ops);
dnnl_status_t dnn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t function, float beta);
dnnl_status_t dnn_desc_new(int rank, const int64_t *dim, dnnl_data_type_t type, dnnl_format_tag_t tag, dnn_desc *out);
dnnl_status_t dnn_desc_copy(dnn_desc desc, dnn_desc *out);
void dnn_desc_free(dnn_desc desc);
int dnn_desc_dims(dnn_desc desc, const dnnl_dim_t **dim); /* returns the rank; the dimensions are borrowed */

/* How a descriptor lays numbers out; n_inner 0: plain or strided.  All is borrowed. */
typedef struct dnn_blocking {
    dnnl_data_type_t type;
    int n_inner;
    const dnnl_dim_t *padded, *stride, *inner, *inner_of;
} dnn_blocking;
bool dnn_desc_blocking(dnn_desc desc, dnn_blocking *out); /* false: in no such way */

/* Instruction sets from poor to rich.  Their values are sets of bits, so a later one that this table lacks is named by
 * the richest it contains. */
typedef struct dnn_isa_row {
    dnnl_cpu_isa_t isa;
    const char *name;
} dnn_isa_row;
extern const dnn_isa_row dnn_isa_rows[]; /* ends with a NULL name */

/* dnn.c */

/** LYNE_ENOSPACE or LYNE_EOTHER: "oneDNN 2.6.3 WHAT: unimplemented". */
lyne_status dnn_fail(lyne_error *err, dnnl_status_t status, const char *what);
/** Add "(64,3,32,32) f32 channels-last". */
void dnn_tensor_text(lyne_text *text, const dnn_tensor *t);
/** The descriptor of a tensor, which is checked first; NULL for rank 0.  The caller frees it. */
lyne_status dnn_tensor_desc(const dnn_tensor *t, dnn_desc *out, lyne_error *err);
/** Create what is described, with a memory for each argument.  Takes desc over, also when it fails. */
lyne_status dnn_primitive_new(const dnn_context *c, dnnl_primitive_desc_t desc, dnn_primitive **out, lyne_error *err);

struct dnn_layout {
    dnn_desc desc;
};

static inline bool dnn_is_forward(dnn_pass pass) {
    return pass == DNN_FORWARD_TRAINING || pass == DNN_FORWARD_INFERENCE;
}
static inline dnnl_prop_kind_t dnn_prop(dnn_pass pass) {
    return pass == DNN_FORWARD_INFERENCE ? dnnl_forward_inference : dnnl_forward_training;
}

#endif
