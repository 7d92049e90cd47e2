/* dnn/primitives.c -- the constructors.  Each writes down an operation and hands it to build(), which describes its
 * tensors, makes the forward hint that a backward pass needs and drops it again, and puts the shapes into the error.
 *
 * What oneDNN does not refuse by itself (a stride of 0, a window larger than the picture) is refused here. */
#include "dnn/describe.h"
#include <inttypes.h>
#include <string.h>

static const char *const pass_names[] = {"", " for inference", ", backward data,", ", backward weights,"};

/* "convolution, backward data, for src (64,3,32,32) f32 channels-last, ..., stride 1x1, padding 1x1 and 1x1" */
static void op_text(lyne_text *text, const dnn_op *op) {
    static const char *const names[DNN_N_TENSORS] = {"src", "src 1", "dst", "weights", "bias"};
    lyne_text_add(text, "%s%s for ", op->name, pass_names[op->pass]);
    for (int i = 0, n = 0; i < DNN_N_TENSORS; i++) {
        if (op->tensor[i].rank == 0) continue;
        lyne_text_add(text, "%s%s ", n++ ? ", " : "", names[i]);
        dnn_tensor_text(text, &op->tensor[i]);
    }
    if (op->kernel[0] == 0) return;
    const struct {
        const char *name;
        const int64_t *pair;
    } pairs[] = {{"kernel", op->kernel}, {"stride", op->stride}, {"padding", op->pad_begin}, {"and", op->pad_end}};
    for (int i = 0; i < 4; i++)
        lyne_text_add(text, "%s %s %" PRId64 "x%" PRId64, i < 3 ? "," : "", pairs[i].name, pairs[i].pair[0],
                      pairs[i].pair[1]);
    if (op->dilation[0] || op->dilation[1])
        lyne_text_add(text, ", dilation %" PRId64 "x%" PRId64, op->dilation[0] + 1, op->dilation[1] + 1);
}

static lyne_status unavailable(lyne_error *err, dnnl_status_t status, const dnn_op *op) {
    lyne_text text = {0};
    lyne_text_add(&text, "has no ");
    op_text(&text, op);
    lyne_status result = dnn_fail(err, status, text.data && !text.failed ? text.data : op->name);
    lyne_text_free(&text);
    return result;
}

static void free_tensors(dnn_op *op) {
    for (int i = 0; i < DNN_N_TENSORS; i++) dnn_desc_free(op->desc[i]);
}

static lyne_status describe_tensors(dnn_op *op, lyne_error *err) {
    for (int i = 0; i < DNN_N_TENSORS; i++)
        if (dnn_tensor_desc(&op->tensor[i], &op->desc[i], err) != LYNE_OK)
            return lyne_error_context(err, "%s%s", op->name, pass_names[op->pass]);
    return LYNE_OK;
}

/* The hint must be a forward pass that exists.  A gradient may be of a wider type than its tensor (f32 gradients of
 * bf16 weights), so all are of the type of dst, which in a backward pass is what it computes with. */
static lyne_status make_hint(const dnn_context *c, dnn_op *op, dnn_describe *describe, lyne_error *err) {
    dnn_op forward = *op;
    memset(forward.desc, 0, sizeof forward.desc);
    forward.pass = DNN_FORWARD_TRAINING;
    forward.tensor[DNN_SRC].type = forward.tensor[DNN_WEIGHTS].type = op->tensor[DNN_DST].type;
    lyne_status status = describe_tensors(&forward, err);
    if (status == LYNE_OK) {
        dnnl_status_t described = describe(c, &forward, &op->hint);
        if (described != dnnl_success) status = unavailable(err, described, &forward);
    }
    free_tensors(&forward);
    return status;
}

static lyne_status build(const dnn_context *c, dnn_op op, dnn_describe *describe, dnn_primitive **out,
                         lyne_error *err) {
    lyne_status status = describe_tensors(&op, err);
    if (status == LYNE_OK && !dnn_is_forward(op.pass)) status = make_hint(c, &op, describe, err);
    if (status == LYNE_OK) {
        dnnl_primitive_desc_t desc;
        dnnl_status_t described = describe(c, &op, &desc);
        if (described == dnnl_success)
            status = dnn_primitive_new(c, desc, out, err);
        else
            status = unavailable(err, described, &op);
    }
    if (op.hint) dnnl_primitive_desc_destroy(op.hint);
    free_tensors(&op);
    return status;
}

/* ---- windows: convolution and pooling ---- */

static const char *window_wrong(const dnn_op *op) {
    if (op->tensor[DNN_SRC].rank != 4 || op->tensor[DNN_DST].rank != 4) return "src and dst must be (B, C, H, W)";
    for (int i = 0; i < 2; i++) {
        if (op->kernel[i] < 1 || op->stride[i] < 1 || op->dilation[i] < 0)
            return "kernel, stride and dilation must be 1 or more";
        if (op->pad_begin[i] < 0 || op->pad_end[i] < 0) return "padding must be 0 or more";
        int64_t reach, room;
        if (__builtin_mul_overflow(op->kernel[i] - 1, op->dilation[i] + 1, &reach) ||
            __builtin_add_overflow(op->tensor[DNN_SRC].dim[2 + i], op->pad_begin[i], &room) ||
            __builtin_add_overflow(room, op->pad_end[i], &room))
            return "too large";
        if (room <= reach) return "the window is larger than the padded picture";
        if (op->tensor[DNN_DST].dim[2 + i] != (room - reach - 1) / op->stride[i] + 1)
            return "dst must be (src + padding - window) / stride + 1 high and wide";
    }
    return NULL;
}

static lyne_status build_window(const dnn_context *c, const dnn_op *op, const char *why, dnn_describe *describe,
                                dnn_primitive **out, lyne_error *err) {
    if (!why) return build(c, *op, describe, out, err);
    lyne_text text = {0};
    op_text(&text, op);
    lyne_status status = lyne_fail(err, LYNE_EOTHER, "%s: %s", text.data ? text.data : op->name, why);
    lyne_text_free(&text);
    return status;
}

lyne_status dnn_convolution(dnn_context *c, const dnn_convolution_spec *spec, dnn_pass pass, dnn_primitive **out,
                            lyne_error *err) {
    const dnn_tensor *w = &spec->weights;
    dnn_op op = {
        .name = "convolution",
        .pass = pass,
        .algorithm = dnnl_convolution_direct,
        .tensor =
            {[DNN_SRC] = spec->src, [DNN_WEIGHTS] = spec->weights, [DNN_BIAS] = spec->bias, [DNN_DST] = spec->dst},
        .stride = {spec->stride[0], spec->stride[1]},
        .dilation = {spec->dilation[0] - 1, spec->dilation[1] - 1},
        .pad_begin = {spec->pad_begin[0], spec->pad_begin[1]},
        .pad_end = {spec->pad_end[0], spec->pad_end[1]}};
    const char *why = "weights must be (O, I, kh, kw) or (G, O/G, I/G, kh, kw)";
    if (w->rank == 4 || w->rank == 5) {
        op.kernel[0] = w->dim[w->rank - 2];
        op.kernel[1] = w->dim[w->rank - 1];
        why = window_wrong(&op);
    }
    return build_window(c, &op, why, dnn_describe_convolution, out, err);
}

/* A window that lies in the padding alone has no maximum and no mean. */
static const char *pooling_wrong(const dnn_op *op) {
    for (int i = 0; i < 2; i++)
        if (op->pad_begin[i] >= op->kernel[i] || op->pad_end[i] >= op->kernel[i])
            return "padding must be smaller than the kernel";
    return window_wrong(op);
}

lyne_status dnn_pooling(dnn_context *c, const dnn_pooling_spec *spec, dnn_pass pass, dnn_primitive **out,
                        lyne_error *err) {
    dnn_op op = {.name = spec->kind == DNN_MAX_POOL ? "max pooling" : "average pooling",
                 .pass = pass,
                 .algorithm = spec->kind == DNN_MAX_POOL ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding,
                 .tensor = {[DNN_SRC] = spec->src, [DNN_DST] = spec->dst},
                 .kernel = {spec->kernel[0], spec->kernel[1]},
                 .stride = {spec->stride[0], spec->stride[1]},
                 .pad_begin = {spec->pad_begin[0], spec->pad_begin[1]},
                 .pad_end = {spec->pad_end[0], spec->pad_end[1]}};
    return build_window(c, &op, pooling_wrong(&op), dnn_describe_pooling, out, err);
}

/* ---- the others ---- */

lyne_status dnn_inner_product(dnn_context *c, dnn_tensor src, dnn_tensor weights, dnn_tensor bias, dnn_tensor dst,
                              dnn_pass pass, dnn_primitive **out, lyne_error *err) {
    dnn_op op = {.name = "inner product",
                 .pass = pass,
                 .tensor = {[DNN_SRC] = src, [DNN_WEIGHTS] = weights, [DNN_BIAS] = bias, [DNN_DST] = dst}};
    return build(c, op, dnn_describe_inner_product, out, err);
}

lyne_status dnn_matmul(dnn_context *c, dnn_tensor src, dnn_tensor weights, dnn_tensor bias, dnn_tensor dst,
                       dnn_primitive **out, lyne_error *err) {
    dnn_op op = {.name = "matmul",
                 .tensor = {[DNN_SRC] = src, [DNN_WEIGHTS] = weights, [DNN_BIAS] = bias, [DNN_DST] = dst}};
    return build(c, op, dnn_describe_matmul, out, err);
}

lyne_status dnn_eltwise(dnn_context *c, dnn_function f, dnn_tensor tensor, float alpha, float beta, dnn_pass pass,
                        dnn_primitive **out, lyne_error *err) {
    dnn_op op = {.name = f == DNN_RELU ? "relu" : "linear",
                 .pass = pass,
                 .algorithm = f == DNN_RELU ? dnnl_eltwise_relu_use_dst_for_bwd : dnnl_eltwise_linear,
                 .tensor = {[DNN_SRC] = tensor, [DNN_DST] = tensor},
                 .alpha = alpha,
                 .beta = beta};
    return build(c, op, dnn_describe_eltwise, out, err);
}

lyne_status dnn_softmax(dnn_context *c, dnn_tensor tensor, int axis, dnn_pass pass, dnn_primitive **out,
                        lyne_error *err) {
    dnn_op op = {.name = "softmax",
                 .pass = pass,
                 .algorithm = dnnl_softmax_accurate,
                 .tensor = {[DNN_SRC] = tensor, [DNN_DST] = tensor},
                 .axis = axis};
    return build(c, op, dnn_describe_softmax, out, err);
}

lyne_status dnn_binary(dnn_context *c, dnn_binary_kind kind, dnn_tensor a, dnn_tensor b, dnn_tensor dst,
                       dnn_primitive **out, lyne_error *err) {
    dnn_op op = {.name = kind == DNN_ADD ? "sum" : "product",
                 .algorithm = kind == DNN_ADD ? dnnl_binary_add : dnnl_binary_mul,
                 .tensor = {[DNN_SRC] = a, [DNN_SRC_1] = b, [DNN_DST] = dst}};
    return build(c, op, dnn_describe_binary, out, err);
}

static void desc_text(lyne_text *text, dnn_desc desc) {
    const dnnl_dim_t *dim = NULL;
    int rank = dnn_desc_dims(desc, &dim);
    for (int i = 0; i < rank; i++) lyne_text_add(text, "%s%" PRId64, i ? "," : "(", dim[i]);
    lyne_text_add(text, ") of %zu bytes", dnnl_memory_desc_get_size(desc));
}

lyne_status dnn_reorder(dnn_context *c, const dnn_layout *from, const dnn_layout *to, dnn_primitive **out,
                        lyne_error *err) {
    dnnl_primitive_desc_t desc;
    dnnl_status_t described =
        dnnl_reorder_primitive_desc_create(&desc, from->desc, c->engine, to->desc, c->engine, c->attributes);
    if (described == dnnl_success) return dnn_primitive_new(c, desc, out, err);
    lyne_text text = {0};
    lyne_text_add(&text, "has no reorder from ");
    desc_text(&text, from->desc);
    lyne_text_add(&text, " to ");
    desc_text(&text, to->desc);
    lyne_status status = dnn_fail(err, described, text.data && !text.failed ? text.data : "has no reorder");
    lyne_text_free(&text);
    return status;
}
