/* ops/max_pool.c -- the largest of each kernel x kernel window.
 *   dst[b, c, y, x] = max over 0 <= u, v < kernel of src[b, c, y stride - padding + u, x stride - padding + v]
 *   src (B, C, H, W), dst (B, C, H', W'); what lies outside the picture is never the maximum
 *   diff_src = the sum of diff_dst over the windows whose maximum it was; the first of equal ones gets it all
 * Own kernels: oneDNN's lose NaN, so a network that has diverged would go on with a finite loss.  They are also 2 to 3
 * times as fast from 16 channels on (64 x 64 x 32 x 32 forward: 0.6 ms, not 1.6), and 0.7 times at 6 channels.
 * Forward keeps which tap u kernel + v of its window each maximum was.  In bf16 a maximum is exact; diff_src is rounded
 * where windows overlap. */
#include "base/bf16.h"
#include "base/vector.h"
#include "ops/pool.h"

typedef struct max_config {
    int64_t batch, channels, height, width; /* of src */
    int64_t rows, columns;                  /* of dst */
    int64_t kernel, stride, padding;
    bool bf16;
} max_config;

static max_config config_of(const lyne_node *n) {
    const lyne_pool_config *c = n->config;
    const int64_t *src = n->src[0]->shape.dim, *dst = n->shape.dim;
    return (max_config){.batch = src[0],
                        .channels = src[1],
                        .height = src[2],
                        .width = src[3],
                        .rows = dst[2],
                        .columns = dst[3],
                        .kernel = c->kernel,
                        .stride = lyne_pool_stride(c),
                        .padding = c->padding,
                        .bf16 = n->type == LYNE_BF16};
}

/* The taps of a window that lie in the picture, in one direction: first <= u < end, at pixel `at` + u. */
typedef struct taps {
    int64_t at, first, end;
} taps;
static inline taps taps_of(const max_config *c, int64_t position, int64_t size) {
    taps t = {.at = position * c->stride - c->padding, .end = c->kernel};
    if (t.at < 0) t.first = -t.at;
    if (t.at + t.end > size) t.end = size - t.at;
    return t;
}

static int64_t pixel_at(const max_config *c, taps down, int64_t u, taps across, int64_t v) {
    return ((down.at + u) * c->width + across.at + v) * c->channels;
}

/* One row of dst.  src: the sample. */
LYNE_INLINE void forward_row(const max_config *c, int64_t y, const void *restrict src, void *restrict dst,
                             int32_t *restrict tap, bool bf16) {
    const int64_t channels = c->channels;
    const taps down = taps_of(c, y, c->height);
    for (int64_t x = 0; x < c->columns; x++, tap += channels) {
        const taps across = taps_of(c, x, c->width);
        const void *restrict first = lyne_at(src, pixel_at(c, down, down.first, across, across.first), bf16);
        void *restrict to = lyne_at_mutable(dst, x * channels, bf16);
        memcpy(to, first, (size_t)channels * (bf16 ? 2 : 4));
        for (int64_t k = 0; k < channels; k++) tap[k] = (int32_t)(down.first * c->kernel + across.first);
        for (int64_t u = down.first; u < down.end; u++)
            for (int64_t v = across.first; v < across.end; v++) {
                const void *restrict pixel = lyne_at(src, pixel_at(c, down, u, across, v), bf16);
                const int32_t here = (int32_t)(u * c->kernel + v);
                for (int64_t k = 0; k < channels; k++) { /* no branch: which is larger cannot be predicted */
                    const float most = lyne_load(to, k, bf16), next = lyne_load(pixel, k, bf16);
                    const float larger = most > next ? most : next;
                    lyne_store(to, k, bf16, most != most ? most : larger); /* NaN is taken, and stays */
                    tap[k] += (here - tap[k]) * ((next > most) | (next != next));
                }
            }
    }
}

/* Adds what one row of diff_dst gives.  diff_src: the sample. */
LYNE_INLINE void backward_row(const max_config *c, int64_t y, const int32_t *restrict tap,
                              const void *restrict diff_dst, void *restrict diff_src, bool bf16) {
    const int64_t channels = c->channels;
    const taps down = taps_of(c, y, c->height);
    for (int64_t x = 0; x < c->columns; x++, tap += channels) {
        const taps across = taps_of(c, x, c->width);
        const void *restrict from = lyne_at(diff_dst, x * channels, bf16);
        for (int64_t u = down.first; u < down.end; u++)
            for (int64_t v = across.first; v < across.end; v++) {
                void *restrict pixel = lyne_at_mutable(diff_src, pixel_at(c, down, u, across, v), bf16);
                const int32_t here = (int32_t)(u * c->kernel + v);
                for (int64_t k = 0; k < channels; k++) {
                    const float diff = lyne_load(from, k, bf16);
                    lyne_store(pixel, k, bf16, lyne_load(pixel, k, bf16) + (tap[k] == here ? diff : 0));
                }
            }
    }
}

LYNE_VECTOR static void forward_f32(const max_config *c, int64_t y, const void *src, void *dst, int32_t *tap) {
    forward_row(c, y, src, dst, tap, false);
}
LYNE_VECTOR static void forward_bf16(const max_config *c, int64_t y, const void *src, void *dst, int32_t *tap) {
    forward_row(c, y, src, dst, tap, true);
}
LYNE_VECTOR static void backward_f32(const max_config *c, int64_t y, const int32_t *tap, const void *diff_dst,
                                     void *diff_src) {
    backward_row(c, y, tap, diff_dst, diff_src, false);
}
LYNE_VECTOR static void backward_bf16(const max_config *c, int64_t y, const int32_t *tap, const void *diff_dst,
                                      void *diff_src) {
    backward_row(c, y, tap, diff_dst, diff_src, true);
}

/* buffers: src, dst, tap (B, H', W', C) s32 */
static void forward(const lyne_call *call) {
    const max_config *c = call->config;
    const int64_t sample = c->height * c->width * c->channels, row = c->columns * c->channels;
    int32_t *tap = call->buffer[2];
#pragma omp parallel for schedule(static) if (c->batch * sample > 16384)
    for (int64_t i = 0; i < c->batch * c->rows; i++)
        (c->bf16 ? forward_bf16 : forward_f32)(c, i % c->rows, lyne_at(call->buffer[0], i / c->rows * sample, c->bf16),
                                               lyne_at_mutable(call->buffer[1], i * row, c->bf16), tap + i * row);
}

/* buffers: tap, diff_dst, diff_src */
static void backward(const lyne_call *call) {
    const max_config *c = call->config;
    const int64_t sample = c->height * c->width * c->channels, row = c->columns * c->channels;
    const int32_t *tap = call->buffer[0];
#pragma omp parallel for schedule(static) if (c->batch * sample > 16384)
    for (int64_t b = 0; b < c->batch; b++) {
        void *diff_src = lyne_at_mutable(call->buffer[2], b * sample, c->bf16);
        memset(diff_src, 0, (size_t)sample * (c->bf16 ? 2 : 4));
        for (int64_t y = 0; y < c->rows; y++) {
            const int64_t at = (b * c->rows + y) * row;
            (c->bf16 ? backward_bf16 : backward_f32)(c, y, tap + at, lyne_at(call->buffer[1], at, c->bf16), diff_src);
        }
    }
}

static lyne_buffer kept_taps(lyne_program *p, const lyne_node *n) {
    return lyne_kept(p, n, 0, (size_t)lyne_shape_size(&n->shape) * sizeof(int32_t));
}

static lyne_status max_pool_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const max_config c = config_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n), kept_taps(p, n)};
    return lyne_emit_kernel(p, n, "max_pool", forward, &c, sizeof c, b, 3, err);
}

static lyne_status max_pool_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const max_config c = config_of(n);
    const lyne_buffer b[] = {kept_taps(p, n), lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "max_pool", backward, &c, sizeof c, b, 3, err);
}

static const lyne_op_case cases[] = {
    {.config = "{kernel: 2}", .src = {{4, {2, 3, 4, 4}}}, .spread = true},
    {.config = "{kernel: 2}", .src = {{4, {2, 6, 5, 7}}}, .spread = true},
    {.config = "{kernel: 3, stride: 2, padding: 1}", .src = {{4, {2, 2, 7, 7}}}, .spread = true},
    {.config = "{kernel: 3, stride: 1}", .src = {{4, {2, 16, 5, 4}}}, .spread = true},
    {0}};

extern const lyne_op lyne_op_max_pool;
lyne_node *lyne_max_pool(lyne_graph *g, const char *name, lyne_node *src, lyne_pool_config c) {
    return lyne_graph_add(g, &lyne_op_max_pool, name, &c, &src, 1);
}

const lyne_op lyne_op_max_pool = {.component = {.kind = LYNE_OP,
                                                .name = "max_pool",
                                                .help = "the largest of each window",
                                                .example = "{max_pool: {kernel: 2}}",
                                                .config_size = sizeof(lyne_pool_config),
                                                .fields = lyne_pool_fields},
                                  .n_src = 1,
                                  .precision = LYNE_EITHER,
                                  .shape = lyne_pool_shape,
                                  .emit = max_pool_emit,
                                  .emit_backward = max_pool_emit_backward,
                                  .cases = cases};
