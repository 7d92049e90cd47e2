/* ops/adaptive_avg_pool.c -- the mean over parts of a picture, `size` x `width` of them whatever the picture's size.
 *   src (B, C, H, W), dst (B, C, size, width);  part i of H is rows floor(i H / size) to ceil((i + 1) H / size) - 1, as in
 *   PyTorch, so parts overlap where size does not divide H, and repeat where size is above it
 *   diff_src = sum over the parts that a pixel is in of diff_dst / their pixels */
#include "base/bf16.h"
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/common.h"

static const lyne_field fields[] = {
    LYNE_INT(lyne_adaptive_avg_pool_config, size, "parts down, and across", "1", 1, 65536),
    LYNE_INT(lyne_adaptive_avg_pool_config, width, "parts across; 0: as many as down", "0", 0, 65536), LYNE_FIELDS_END};

static lyne_status adaptive_shape(lyne_node *n, lyne_error *err) {
    const lyne_adaptive_avg_pool_config *c = n->config;
    lyne_status status = lyne_check_picture(n, err);
    if (status != LYNE_OK) return status;
    n->shape = n->src[0]->shape;
    n->shape.dim[2] = c->size;
    n->shape.dim[3] = c->width ? c->width : c->size;
    return LYNE_OK;
}

typedef struct parts_config {
    int64_t batch, C, H, W, rows, columns;
    bool bf16;
} parts_config;

static int64_t first_of(int64_t part, int64_t length, int64_t size) {
    return part * length / size;
}
static int64_t end_of(int64_t part, int64_t length, int64_t size) {
    return ((part + 1) * length + size - 1) / size;
}

enum { WIDTH = 64 }; /* channels at a time */

/* sum += share * src, n channels */
LYNE_VECTOR static void add(int64_t n, float share, const void *src, float *restrict sum, bool bf16) {
    if (bf16)
        for (int64_t i = 0; i < n; i++) sum[i] += share * lyne_load(src, i, true);
    else
        for (int64_t i = 0; i < n; i++) sum[i] += share * lyne_load(src, i, false);
}
LYNE_VECTOR static void put(int64_t n, const float *restrict sum, void *dst, bool bf16) {
    for (int64_t i = 0; i < n; i++) lyne_store(dst, i, bf16, sum[i]);
}

/* Channels first..first + n - 1 of one part. */
static void part_forward(const parts_config *c, const void *src, int64_t b, int64_t y, int64_t x, int64_t first,
                         int64_t n, float *sum) {
    const int64_t y0 = first_of(y, c->H, c->rows), y1 = end_of(y, c->H, c->rows);
    const int64_t x0 = first_of(x, c->W, c->columns), x1 = end_of(x, c->W, c->columns);
    const float share = 1 / (float)((y1 - y0) * (x1 - x0));
    for (int64_t h = y0; h < y1; h++)
        for (int64_t w = x0; w < x1; w++)
            add(n, share, lyne_at(src, ((b * c->H + h) * c->W + w) * c->C + first, c->bf16), sum, c->bf16);
}

/* The same of one pixel: from the parts that it is in. */
static void pixel_backward(const parts_config *c, const void *diff_dst, int64_t b, int64_t h, int64_t w, int64_t first,
                           int64_t n, float *sum) {
    for (int64_t y = h * c->rows / c->H; y < c->rows && first_of(y, c->H, c->rows) <= h; y++)
        for (int64_t x = w * c->columns / c->W; x < c->columns && first_of(x, c->W, c->columns) <= w; x++) {
            const int64_t high = end_of(y, c->H, c->rows) - first_of(y, c->H, c->rows);
            const int64_t wide = end_of(x, c->W, c->columns) - first_of(x, c->W, c->columns);
            add(n, 1 / (float)(high * wide),
                lyne_at(diff_dst, ((b * c->rows + y) * c->columns + x) * c->C + first, c->bf16), sum, c->bf16);
        }
}

/* Each place of dst, (B, rows, columns, C), from src: forward the parts, backward the pixels. */
static void each(const parts_config *c, bool backward, const void *src, void *dst) {
    const int64_t rows = backward ? c->H : c->rows, columns = backward ? c->W : c->columns;
#pragma omp parallel for schedule(static) if (c->batch * c->H * c->W * c->C > 16384)
    for (int64_t i = 0; i < c->batch * rows; i++)
        for (int64_t k = 0; k < columns; k++)
            for (int64_t first = 0; first < c->C; first += WIDTH) {
                const int64_t n = c->C - first < WIDTH ? c->C - first : WIDTH;
                float sum[WIDTH] = {0};
                (backward ? pixel_backward : part_forward)(c, src, i / rows, i % rows, k, first, n, sum);
                put(n, sum, lyne_at_mutable(dst, (i * columns + k) * c->C + first, c->bf16), c->bf16);
            }
}

static void forward(const lyne_call *call) {
    each(call->config, false, call->buffer[0], call->buffer[1]);
}
static void backward(const lyne_call *call) {
    each(call->config, true, call->buffer[0], call->buffer[1]);
}

static parts_config config_of(const lyne_node *n) {
    const int64_t *src = n->src[0]->shape.dim;
    return (parts_config){.batch = src[0],
                          .C = src[1],
                          .H = src[2],
                          .W = src[3],
                          .rows = n->shape.dim[2],
                          .columns = n->shape.dim[3],
                          .bf16 = n->type == LYNE_BF16};
}

static lyne_status adaptive_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const parts_config c = config_of(n);
    return lyne_emit_kernel(p, n, "adaptive_avg_pool", forward, &c, sizeof c,
                            (lyne_buffer[]){lyne_src(p, n, 0), lyne_dst(p, n)}, 2, err);
}

static lyne_status adaptive_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const parts_config c = config_of(n);
    return lyne_emit_kernel(p, n, "adaptive_avg_pool", backward, &c, sizeof c,
                            (lyne_buffer[]){lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)}, 2, err);
}

static const lyne_op_case cases[] = {{.src = {{4, {2, 3, 4, 5}}}},
                                     {.config = "{size: 2}", .src = {{4, {2, 3, 4, 6}}}},
                                     {.config = "{size: 3}", .src = {{4, {2, 3, 7, 5}}}},
                                     {.config = "{size: 3, width: 2}", .src = {{4, {2, 3, 7, 5}}}},
                                     {.config = "{size: 2, width: 9}", .src = {{4, {2, 66, 5, 4}}}},
                                     {.config = "{size: 5}", .src = {{4, {2, 70, 3, 4}}}},
                                     {0}};

extern const lyne_op lyne_op_adaptive_avg_pool;
lyne_node *lyne_adaptive_avg_pool(lyne_graph *g, const char *name, lyne_node *src, lyne_adaptive_avg_pool_config c) {
    return lyne_graph_add(g, &lyne_op_adaptive_avg_pool, name, &c, &src, 1);
}

const lyne_op lyne_op_adaptive_avg_pool = {.component = {.kind = LYNE_OP,
                                                         .name = "adaptive_avg_pool",
                                                         .help = "the mean over so many parts of the picture",
                                                         .example = "{adaptive_avg_pool: {size: 7}}",
                                                         .config_size = sizeof(lyne_adaptive_avg_pool_config),
                                                         .fields = fields},
                                           .n_src = 1,
                                           .precision = LYNE_EITHER,
                                           .shape = adaptive_shape,
                                           .emit = adaptive_emit,
                                           .emit_backward = adaptive_emit_backward,
                                           .cases = cases};
