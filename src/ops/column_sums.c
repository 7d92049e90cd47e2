/* ops/column_sums.c -- see column_sums.h.  A thread takes some columns and all rows, so bits depend on neither the
 * number of threads nor who is first. */
#include "ops/column_sums.h"
#include "base/bf16.h"
#include "base/vector.h"

/* Columns whose sums lie side by side in registers or close by; rows that are summed in f32 before the sum of all, which is
 * in double. */
enum { CHUNK = 64, ROWS = 32 };

typedef struct sums_config {
    int64_t rows, columns;
    bool bf16;
} sums_config;

LYNE_INLINE void sum_chunk(const sums_config *c, const void *restrict src, int64_t first, float *restrict dst,
                           bool bf16) {
    const int64_t n = c->columns - first < CHUNK ? c->columns - first : CHUNK;
    double sum[CHUNK] = {0};
    for (int64_t i = 0; i < c->rows; i += ROWS) {
        const int64_t end = c->rows - i < ROWS ? c->rows : i + ROWS;
        float part[CHUNK] = {0};
        for (int64_t k = i; k < end; k++)
            for (int64_t j = 0; j < n; j++) part[j] += lyne_load(src, k * c->columns + first + j, bf16);
        for (int64_t j = 0; j < n; j++) sum[j] += (double)part[j];
    }
    for (int64_t j = 0; j < n; j++) dst[first + j] = (float)sum[j];
}
LYNE_VECTOR static void sum_f32(const sums_config *c, const void *src, int64_t first, float *dst) {
    sum_chunk(c, src, first, dst, false);
}
LYNE_VECTOR static void sum_bf16(const sums_config *c, const void *src, int64_t first, float *dst) {
    sum_chunk(c, src, first, dst, true);
}

/* buffers: src, dst */
static void column_sums(const lyne_call *call) {
    const sums_config *c = call->config;
#pragma omp parallel for schedule(static) if (c->rows * c->columns > 32768)
    for (int64_t first = 0; first < c->columns; first += CHUNK)
        (c->bf16 ? sum_bf16 : sum_f32)(c, call->buffer[0], first, call->buffer[1]);
}

lyne_status lyne_emit_column_sums(lyne_program *p, const lyne_node *n, lyne_type type, int64_t rows, int64_t columns,
                                  lyne_buffer src, lyne_buffer dst, lyne_error *err) {
    const sums_config c = {.rows = rows, .columns = columns, .bf16 = type == LYNE_BF16};
    return lyne_emit_kernel(p, n, "column_sums", column_sums, &c, sizeof c, (lyne_buffer[]){src, dst}, 2, err);
}
