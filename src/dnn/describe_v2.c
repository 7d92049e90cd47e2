/* dnn/describe_v2.c -- oneDNN 2.6: an operation descriptor first, then the primitive's.  Its twin is describe_v3.c. */
#include "dnn/describe.h"

#if DNNL_VERSION_MAJOR == 2
#include "base/memory.h"

const dnn_isa_row dnn_isa_rows[] = {{dnnl_cpu_isa_sse41, "sse41"},
                                    {dnnl_cpu_isa_avx, "avx"},
                                    {dnnl_cpu_isa_avx2, "avx2"},
                                    {dnnl_cpu_isa_avx2_vnni, "avx2_vnni"},
                                    {dnnl_cpu_isa_avx512_core, "avx512_core"},
                                    {dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"},
                                    {dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"},
                                    {dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx"},
                                    {0, NULL}};

dnnl_status_t dnn_desc_new(int rank, const int64_t *dim, dnnl_data_type_t type, dnnl_format_tag_t tag, dnn_desc *out) {
    dnnl_memory_desc_t *desc = lyne_alloc(1, sizeof *desc);
    if (!desc) return dnnl_out_of_memory;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(desc, rank, dim, type, tag);
    if (status == dnnl_success)
        *out = desc;
    else
        lyne_free(desc);
    return status;
}

dnnl_status_t dnn_desc_copy(dnn_desc desc, dnn_desc *out) {
    dnnl_memory_desc_t *copy = lyne_alloc(1, sizeof *copy);
    if (!copy) return dnnl_out_of_memory;
    *copy = *desc;
    *out = copy;
    return dnnl_success;
}

void dnn_desc_free(dnn_desc desc) {
    lyne_free((void *)desc);
}

int dnn_desc_dims(dnn_desc desc, const dnnl_dim_t **dim) {
    *dim = desc->dims;
    return desc->ndims;
}

bool dnn_desc_blocking(dnn_desc desc, dnn_blocking *out) {
    const dnnl_blocking_desc_t *b = &desc->format_desc.blocking;
    *out = (dnn_blocking){.type = desc->data_type,
                          .n_inner = b->inner_nblks,
                          .padded = desc->padded_dims,
                          .stride = b->strides,
                          .inner = b->inner_blks,
                          .inner_of = b->inner_idxs};
    return desc->format_kind == dnnl_blocked && desc->offset0 == 0;
}

dnnl_status_t dnn_append_sum(dnnl_post_ops_t ops) {
    return dnnl_post_ops_append_sum(ops, 1);
}
dnnl_status_t dnn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t function, float beta) {
    return dnnl_post_ops_append_eltwise(ops, 1, function, 0, beta);
}

static dnnl_status_t finish(const dnn_context *c, const dnn_op *op, dnnl_status_t status, const void *operation,
                            dnnl_primitive_desc_t *out) {
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(out, operation, c->attributes, c->engine, op->hint);
}

dnnl_status_t dnn_describe_convolution(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnn_desc src = op->desc[DNN_SRC], weights = op->desc[DNN_WEIGHTS], bias = op->desc[DNN_BIAS],
             dst = op->desc[DNN_DST];
    dnnl_convolution_desc_t d;
    dnnl_status_t status;
    switch (op->pass) {
    case DNN_BACKWARD_DATA:
        status = dnnl_dilated_convolution_backward_data_desc_init(&d, op->algorithm, src, weights, dst, op->stride,
                                                                  op->dilation, op->pad_begin, op->pad_end);
        break;
    case DNN_BACKWARD_WEIGHTS:
        status = dnnl_dilated_convolution_backward_weights_desc_init(
            &d, op->algorithm, src, weights, bias, dst, op->stride, op->dilation, op->pad_begin, op->pad_end);
        break;
    default:
        status = dnnl_dilated_convolution_forward_desc_init(&d, dnn_prop(op->pass), op->algorithm, src, weights, bias,
                                                            dst, op->stride, op->dilation, op->pad_begin, op->pad_end);
    }
    return finish(c, op, status, &d, out);
}

dnnl_status_t dnn_describe_inner_product(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnn_desc src = op->desc[DNN_SRC], weights = op->desc[DNN_WEIGHTS], bias = op->desc[DNN_BIAS],
             dst = op->desc[DNN_DST];
    dnnl_inner_product_desc_t d;
    dnnl_status_t status;
    switch (op->pass) {
    case DNN_BACKWARD_DATA:
        status = dnnl_inner_product_backward_data_desc_init(&d, src, weights, dst);
        break;
    case DNN_BACKWARD_WEIGHTS:
        status = dnnl_inner_product_backward_weights_desc_init(&d, src, weights, bias, dst);
        break;
    default:
        status = dnnl_inner_product_forward_desc_init(&d, dnn_prop(op->pass), src, weights, bias, dst);
    }
    return finish(c, op, status, &d, out);
}

dnnl_status_t dnn_describe_matmul(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnnl_matmul_desc_t d;
    dnnl_status_t status =
        dnnl_matmul_desc_init(&d, op->desc[DNN_SRC], op->desc[DNN_WEIGHTS], op->desc[DNN_BIAS], op->desc[DNN_DST]);
    return finish(c, op, status, &d, out);
}

dnnl_status_t dnn_describe_pooling(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnn_desc src = op->desc[DNN_SRC], dst = op->desc[DNN_DST];
    dnnl_pooling_desc_t d;
    dnnl_status_t status = dnn_is_forward(op->pass)
                               ? dnnl_pooling_forward_desc_init(&d, dnn_prop(op->pass), op->algorithm, src, dst,
                                                                op->stride, op->kernel, op->pad_begin, op->pad_end)
                               : dnnl_pooling_backward_desc_init(&d, op->algorithm, src, dst, op->stride, op->kernel,
                                                                 op->pad_begin, op->pad_end);
    return finish(c, op, status, &d, out);
}

dnnl_status_t dnn_describe_eltwise(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnn_desc data = op->desc[DNN_SRC];
    dnnl_eltwise_desc_t d;
    dnnl_status_t status =
        dnn_is_forward(op->pass)
            ? dnnl_eltwise_forward_desc_init(&d, dnn_prop(op->pass), op->algorithm, data, op->alpha, op->beta)
            : dnnl_eltwise_backward_desc_init(&d, op->algorithm, data, data, op->alpha, op->beta);
    return finish(c, op, status, &d, out);
}

dnnl_status_t dnn_describe_softmax(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnn_desc data = op->desc[DNN_SRC];
    dnnl_softmax_desc_t d;
    dnnl_status_t status = dnn_is_forward(op->pass)
                               ? dnnl_softmax_forward_desc_init(&d, dnn_prop(op->pass), data, op->axis)
                               : dnnl_softmax_backward_desc_init(&d, data, data, op->axis);
    return finish(c, op, status, &d, out);
}

dnnl_status_t dnn_describe_binary(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnnl_binary_desc_t d;
    dnnl_status_t status =
        dnnl_binary_desc_init(&d, op->algorithm, op->desc[DNN_SRC], op->desc[DNN_SRC_1], op->desc[DNN_DST]);
    return finish(c, op, status, &d, out);
}

#endif
