/* dnn/describe_v3.c -- oneDNN 3.x: the primitive is described at once.  Its twin is describe_v2.c. */
#include "dnn/describe.h"

#if DNNL_VERSION_MAJOR == 3

const dnn_isa_row dnn_isa_rows[] = {{dnnl_cpu_isa_sse41, "sse41"},
                                    {dnnl_cpu_isa_avx, "avx"},
                                    {dnnl_cpu_isa_avx2, "avx2"},
                                    {dnnl_cpu_isa_avx2_vnni, "avx2_vnni"},
                                    {dnnl_cpu_isa_avx2_vnni_2, "avx2_vnni_2"},
                                    {dnnl_cpu_isa_avx512_core, "avx512_core"},
                                    {dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"},
                                    {dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"},
                                    {dnnl_cpu_isa_avx512_core_fp16, "avx512_core_fp16"},
                                    {dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx"},
                                    {dnnl_cpu_isa_avx512_core_amx_fp16, "avx512_core_amx_fp16"},
                                    {0, NULL}};

dnnl_status_t dnn_desc_new(int rank, const int64_t *dim, dnnl_data_type_t type, dnnl_format_tag_t tag, dnn_desc *out) {
    dnnl_memory_desc_t desc;
    dnnl_status_t status = dnnl_memory_desc_create_with_tag(&desc, rank, dim, type, tag);
    if (status == dnnl_success) *out = desc;
    return status;
}

dnnl_status_t dnn_desc_copy(dnn_desc desc, dnn_desc *out) {
    dnnl_memory_desc_t copy;
    dnnl_status_t status = dnnl_memory_desc_clone(&copy, desc);
    if (status == dnnl_success) *out = copy;
    return status;
}

void dnn_desc_free(dnn_desc desc) {
    if (desc) dnnl_memory_desc_destroy((dnnl_memory_desc_t)desc);
}

int dnn_desc_dims(dnn_desc desc, const dnnl_dim_t **dim) {
    int rank = 0;
    dnnl_memory_desc_query(desc, dnnl_query_ndims_s32, &rank);
    dnnl_memory_desc_query(desc, dnnl_query_dims, (void *)dim);
    return rank;
}

bool dnn_desc_blocking(dnn_desc desc, dnn_blocking *out) {
    dnnl_format_kind_t kind = dnnl_format_kind_undef;
    dnnl_dim_t offset = 0;
    const struct {
        dnnl_query_t what;
        void *to;
    } queries[] = {{dnnl_query_format_kind, &kind},
                   {dnnl_query_data_type, &out->type},
                   {dnnl_query_inner_nblks_s32, &out->n_inner},
                   {dnnl_query_padded_dims, &out->padded},
                   {dnnl_query_strides, &out->stride},
                   {dnnl_query_inner_blks, &out->inner},
                   {dnnl_query_inner_idxs, &out->inner_of},
                   {dnnl_query_submemory_offset_s64, &offset}};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        if (dnnl_memory_desc_query(desc, queries[i].what, queries[i].to) != dnnl_success) return false;
    return kind == dnnl_blocked && offset == 0;
}

dnnl_status_t dnn_append_sum(dnnl_post_ops_t ops) {
    return dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
}
dnnl_status_t dnn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t function, float beta) {
    return dnnl_post_ops_append_eltwise(ops, function, 0, beta);
}

dnnl_status_t dnn_describe_convolution(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnn_desc src = op->desc[DNN_SRC], weights = op->desc[DNN_WEIGHTS], bias = op->desc[DNN_BIAS],
             dst = op->desc[DNN_DST];
    switch (op->pass) {
    case DNN_BACKWARD_DATA:
        return dnnl_convolution_backward_data_primitive_desc_create(out, c->engine, op->algorithm, src, weights, dst,
                                                                    op->stride, op->dilation, op->pad_begin,
                                                                    op->pad_end, op->hint, c->attributes);
    case DNN_BACKWARD_WEIGHTS:
        return dnnl_convolution_backward_weights_primitive_desc_create(
            out, c->engine, op->algorithm, src, weights, bias, dst, op->stride, op->dilation, op->pad_begin,
            op->pad_end, op->hint, c->attributes);
    default:
        return dnnl_convolution_forward_primitive_desc_create(out, c->engine, dnn_prop(op->pass), op->algorithm, src,
                                                              weights, bias, dst, op->stride, op->dilation,
                                                              op->pad_begin, op->pad_end, c->attributes);
    }
}

dnnl_status_t dnn_describe_inner_product(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnn_desc src = op->desc[DNN_SRC], weights = op->desc[DNN_WEIGHTS], bias = op->desc[DNN_BIAS],
             dst = op->desc[DNN_DST];
    switch (op->pass) {
    case DNN_BACKWARD_DATA:
        return dnnl_inner_product_backward_data_primitive_desc_create(out, c->engine, src, weights, dst, op->hint,
                                                                      c->attributes);
    case DNN_BACKWARD_WEIGHTS:
        return dnnl_inner_product_backward_weights_primitive_desc_create(out, c->engine, src, weights, bias, dst,
                                                                         op->hint, c->attributes);
    default:
        return dnnl_inner_product_forward_primitive_desc_create(out, c->engine, dnn_prop(op->pass), src, weights, bias,
                                                                dst, c->attributes);
    }
}

dnnl_status_t dnn_describe_matmul(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    return dnnl_matmul_primitive_desc_create(out, c->engine, op->desc[DNN_SRC], op->desc[DNN_WEIGHTS],
                                             op->desc[DNN_BIAS], op->desc[DNN_DST], c->attributes);
}

dnnl_status_t dnn_describe_pooling(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnn_desc src = op->desc[DNN_SRC], dst = op->desc[DNN_DST];
    if (dnn_is_forward(op->pass))
        return dnnl_pooling_forward_primitive_desc_create(out, c->engine, dnn_prop(op->pass), op->algorithm, src, dst,
                                                          op->stride, op->kernel, op->dilation, op->pad_begin,
                                                          op->pad_end, c->attributes);
    return dnnl_pooling_backward_primitive_desc_create(out, c->engine, op->algorithm, src, dst, op->stride, op->kernel,
                                                       op->dilation, op->pad_begin, op->pad_end, op->hint,
                                                       c->attributes);
}

dnnl_status_t dnn_describe_eltwise(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnn_desc data = op->desc[DNN_SRC];
    if (dnn_is_forward(op->pass))
        return dnnl_eltwise_forward_primitive_desc_create(out, c->engine, dnn_prop(op->pass), op->algorithm, data, data,
                                                          op->alpha, op->beta, c->attributes);
    return dnnl_eltwise_backward_primitive_desc_create(out, c->engine, op->algorithm, data, data, data, op->alpha,
                                                       op->beta, op->hint, c->attributes);
}

dnnl_status_t dnn_describe_softmax(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    dnn_desc data = op->desc[DNN_SRC];
    if (dnn_is_forward(op->pass))
        return dnnl_softmax_forward_primitive_desc_create(out, c->engine, dnn_prop(op->pass), op->algorithm, data, data,
                                                          op->axis, c->attributes);
    return dnnl_softmax_backward_primitive_desc_create(out, c->engine, op->algorithm, data, data, data, op->axis,
                                                       op->hint, c->attributes);
}

dnnl_status_t dnn_describe_binary(const dnn_context *c, const dnn_op *op, dnnl_primitive_desc_t *out) {
    return dnnl_binary_primitive_desc_create(out, c->engine, op->algorithm, op->desc[DNN_SRC], op->desc[DNN_SRC_1],
                                             op->desc[DNN_DST], c->attributes);
}

#endif
