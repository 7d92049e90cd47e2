/* ops/dropout.c -- dst = src / (1 - rate) where the mask keeps, else 0; in inference dst is src.
 * Srivastava et al. 2014, JMLR 15.  src, dst: the same shape, any rank, the batch first.
 *   diff_src = diff_dst / (1 - rate) where the mask keeps, else 0
 * The mask is not stored: row r draws from the stream at (seed, this node, place of the row in the sample stream), so
 * backward draws it again, and a resumed run draws what it would have drawn. */
#include "base/bf16.h"
#include "base/random.h"
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/common.h"

static const lyne_field fields[] = {
    LYNE_FLOAT(lyne_dropout_config, rate, "probability that an element becomes 0", "0.5", 0, 0.999), LYNE_FIELDS_END};

static lyne_status dropout_shape(lyne_node *n, lyne_error *err) {
    n->shape = n->src[0]->shape;
    return lyne_check_source(n, err);
}

typedef struct mask_config {
    int64_t rows, width;
    uint32_t drop; /* a draw below this drops */
    float scale;
    bool bf16;
} mask_config;

LYNE_VECTOR static void keep(int64_t n, const uint32_t *restrict draw, uint32_t drop, float scale,
                             const float *restrict src, float *restrict dst) {
    for (int64_t i = 0; i < n; i++) {
        const float kept = src[i] * scale;
        dst[i] = draw[i] < drop ? 0 : kept;
    }
}

LYNE_VECTOR static void keep_bf16(int64_t n, const uint32_t *restrict draw, uint32_t drop, float scale,
                                  const uint16_t *restrict src, uint16_t *restrict dst) {
    for (int64_t i = 0; i < n; i++) {
        const uint16_t kept = lyne_to_bf16(lyne_from_bf16(src[i]) * scale);
        dst[i] = draw[i] < drop ? 0 : kept;
    }
}

/* dst = mask(src): the same arithmetic for values and for gradients. */
static void apply_mask(const lyne_call *call) {
    enum { DRAWS = 1024 };
    const mask_config *c = call->config;
    const void *src = call->buffer[0];
    void *dst = call->buffer[1];
#pragma omp parallel for schedule(static) if (c->rows * c->width > 16384)
    for (int64_t r = 0; r < c->rows; r++) {
        uint32_t draw[DRAWS];
        lyne_stream s = lyne_stream_at(call->clock->seed, LYNE_FOR_DROPOUT, (uint32_t)call->node->index,
                                       call->clock->position + (uint64_t)r);
        for (int64_t i = 0; i < c->width; i += DRAWS) {
            const int64_t n = c->width - i < DRAWS ? c->width - i : DRAWS, at = r * c->width + i;
            lyne_stream_fill(&s, draw, (size_t)n);
            if (c->bf16)
                keep_bf16(n, draw, c->drop, c->scale, (const uint16_t *)src + at, (uint16_t *)dst + at);
            else
                keep(n, draw, c->drop, c->scale, (const float *)src + at, (float *)dst + at);
        }
    }
}

static lyne_status emit_mask(lyne_program *p, const lyne_node *n, lyne_buffer src, lyne_buffer dst, lyne_error *err) {
    const double rate = ((const lyne_dropout_config *)n->config)->rate;
    const mask_config c = {.rows = n->shape.dim[0],
                           .width = lyne_shape_size(&n->shape) / n->shape.dim[0],
                           .drop = (uint32_t)(rate * 0x1p32),
                           .scale = (float)(1 / (1 - rate)),
                           .bf16 = n->type == LYNE_BF16};
    return lyne_emit_kernel(p, n, "dropout", apply_mask, &c, sizeof c, (lyne_buffer[]){src, dst}, 2, err);
}

static bool is_identity(const lyne_program *p, const lyne_node *n) {
    return !lyne_is_training(p) || ((const lyne_dropout_config *)n->config)->rate == 0;
}

static lyne_status dropout_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    if (!is_identity(p, n)) return emit_mask(p, n, lyne_src(p, n, 0), lyne_dst(p, n), err);
    lyne_dst_is(p, n, lyne_src(p, n, 0));
    return LYNE_OK;
}

static lyne_status dropout_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer diff_dst = lyne_diff_dst(p, n);
    if (is_identity(p, n))
        lyne_diff_src_is(p, n, 0, diff_dst);
    else if (n->src[0]->needs_grad)
        return emit_mask(p, n, diff_dst, lyne_diff_src(p, n, 0), err);
    return LYNE_OK;
}

static const lyne_op_case cases[] = {{.config = "{rate: 0.5}", .src = {{2, {4, 10}}}},
                                     {.config = "{rate: 0.2}", .src = {{4, {3, 4, 5, 5}}}},
                                     {.config = "{rate: 0}", .src = {{2, {2, 3}}}},
                                     {0}};

extern const lyne_op lyne_op_dropout;
lyne_node *lyne_dropout(lyne_graph *g, const char *name, lyne_node *src, lyne_dropout_config c) {
    return lyne_graph_add(g, &lyne_op_dropout, name, &c, &src, 1);
}

const lyne_op lyne_op_dropout = {.component = {.kind = LYNE_OP,
                                               .name = "dropout",
                                               .help = "in training, zero a random part of the elements",
                                               .source = "Srivastava et al. 2014, JMLR 15, 1929-1958",
                                               .example = "{dropout: {rate: 0.5}}",
                                               .config_size = sizeof(lyne_dropout_config),
                                               .fields = fields},
                                 .n_src = 1,
                                 .precision = LYNE_EITHER,
                                 .shape = dropout_shape,
                                 .emit = dropout_emit,
                                 .emit_backward = dropout_emit_backward,
                                 .cases = cases};
