/* ops/global_avg_pool.c -- dst[b, c] = mean over H and W of src[b, c, h, w].
 *   src (B, C, H, W), dst (B, C);  diff_src = diff_dst / (H W)
 * Own kernel: channels last, it is a sum of rows. */
#include "base/bf16.h"
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/common.h"

static lyne_status global_avg_pool_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *src = &n->src[0]->shape;
    n->shape = LYNE_SHAPE(src->dim[0], src->dim[1]);
    return lyne_check_picture(n, err);
}

typedef struct pool_config {
    int64_t batch, pixels, channels;
    bool bf16;
} pool_config;

static pool_config config_of(const lyne_node *n) {
    const int64_t *src = n->src[0]->shape.dim;
    return (pool_config){.batch = src[0], .pixels = src[2] * src[3], .channels = src[1], .bf16 = n->type == LYNE_BF16};
}

enum { CHUNK = 64 }; /* channels whose sums stay in registers or close by */

LYNE_INLINE void mean_of(int64_t pixels, int64_t channels, const void *restrict src, void *restrict dst, bool bf16) {
    for (int64_t first = 0; first < channels; first += CHUNK) {
        const int64_t n = channels - first < CHUNK ? channels - first : CHUNK;
        float sum[CHUNK] = {0};
        for (int64_t i = 0; i < pixels; i++)
            for (int64_t c = 0; c < n; c++) sum[c] += lyne_load(src, i * channels + first + c, bf16);
        for (int64_t c = 0; c < n; c++) lyne_store(dst, first + c, bf16, sum[c] / (float)pixels);
    }
}
LYNE_VECTOR static void mean_f32(int64_t pixels, int64_t channels, const void *src, void *dst) {
    mean_of(pixels, channels, src, dst, false);
}
LYNE_VECTOR static void mean_bf16(int64_t pixels, int64_t channels, const void *src, void *dst) {
    mean_of(pixels, channels, src, dst, true);
}

LYNE_INLINE void spread_of(int64_t pixels, int64_t channels, const void *restrict diff_dst, void *restrict diff_src,
                           bool bf16) {
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t c = 0; c < channels; c++)
            lyne_store(diff_src, i * channels + c, bf16, lyne_load(diff_dst, c, bf16) / (float)pixels);
}
LYNE_VECTOR static void spread_f32(int64_t pixels, int64_t channels, const void *diff_dst, void *diff_src) {
    spread_of(pixels, channels, diff_dst, diff_src, false);
}
LYNE_VECTOR static void spread_bf16(int64_t pixels, int64_t channels, const void *diff_dst, void *diff_src) {
    spread_of(pixels, channels, diff_dst, diff_src, true);
}

static void forward(const lyne_call *call) {
    const pool_config *c = call->config;
    const void *src = call->buffer[0];
    void *dst = call->buffer[1];
#pragma omp parallel for schedule(static) if (c->batch * c->pixels * c->channels > 16384)
    for (int64_t b = 0; b < c->batch; b++)
        (c->bf16 ? mean_bf16 : mean_f32)(c->pixels, c->channels, lyne_at(src, b * c->pixels * c->channels, c->bf16),
                                         lyne_at_mutable(dst, b * c->channels, c->bf16));
}

static void backward(const lyne_call *call) {
    const pool_config *c = call->config;
    const void *diff_dst = call->buffer[0];
    void *diff_src = call->buffer[1];
#pragma omp parallel for schedule(static) if (c->batch * c->pixels * c->channels > 16384)
    for (int64_t b = 0; b < c->batch; b++)
        (c->bf16 ? spread_bf16 : spread_f32)(c->pixels, c->channels, lyne_at(diff_dst, b * c->channels, c->bf16),
                                             lyne_at_mutable(diff_src, b * c->pixels * c->channels, c->bf16));
}

static lyne_status global_avg_pool_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const pool_config c = config_of(n);
    return lyne_emit_kernel(p, n, "global_avg_pool", forward, &c, sizeof c,
                            (lyne_buffer[]){lyne_src(p, n, 0), lyne_dst(p, n)}, 2, err);
}

static lyne_status global_avg_pool_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const pool_config c = config_of(n);
    return lyne_emit_kernel(p, n, "global_avg_pool", backward, &c, sizeof c,
                            (lyne_buffer[]){lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)}, 2, err);
}

static const lyne_op_case cases[] = {
    {.src = {{4, {2, 3, 4, 5}}}}, {.src = {{4, {4, 20, 7, 7}}}}, {.src = {{4, {3, 64, 8, 8}}}}, {0}};

extern const lyne_op lyne_op_global_avg_pool;
lyne_node *lyne_global_avg_pool(lyne_graph *g, const char *name, lyne_node *src) {
    return lyne_graph_add(g, &lyne_op_global_avg_pool, name, NULL, &src, 1);
}

const lyne_op lyne_op_global_avg_pool = {.component = {.kind = LYNE_OP,
                                                       .name = "global_avg_pool",
                                                       .help = "mean of each channel over the whole picture",
                                                       .example = "global_avg_pool"},
                                         .n_src = 1,
                                         .precision = LYNE_EITHER,
                                         .shape = global_avg_pool_shape,
                                         .emit = global_avg_pool_emit,
                                         .emit_backward = global_avg_pool_emit_backward,
                                         .cases = cases};
