/* ops/embedding.c -- a row of a table for each number.
 *   src (B) or (B, L) s32, weight (entries, width), dst (B, width) or (B, L, width): dst[..., f] = weight[src[...], f]
 *   diff_weight[e, f] = sum of diff_dst[..., f] over where src is e
 * A number that is no entry gives NaN, so that the loss says so, and no gradient. */
#include "base/bf16.h"
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/common.h"

#include <math.h>
#include <string.h>

static const lyne_field fields[] = {
    LYNE_INT(lyne_embedding_config, entries, "rows of the table; numbers are below it", LYNE_REQUIRED, 1, 1 << 30),
    LYNE_INT(lyne_embedding_config, width, "numbers in a row", LYNE_REQUIRED, 1, 1 << 30),
    LYNE_BOOL(lyne_embedding_config, small, "the table starts normal with standard deviation 0.02, not 1", "false"),
    LYNE_FIELDS_END};

static lyne_status embedding_shape(lyne_node *n, lyne_error *err) {
    const lyne_embedding_config *c = n->config;
    const lyne_shape *src = &n->src[0]->shape;
    if (n->src[0]->type != LYNE_S32) return lyne_fail(err, LYNE_ERECIPE, "embedding expects s32");
    if (src->rank > 2) return lyne_misfit(n, "(B) or (B, L)", err);
    for (const lyne_field *f = fields; f->ranged; f++) {
        const int64_t value = *(const int64_t *)((const char *)c + f->offset);
        if (value < 1 || value > 1 << 30)
            return lyne_fail(err, LYNE_ERECIPE, "embedding: %s = %lld is outside [1, 1073741824]", f->name,
                             (long long)value);
    }
    if (n->src[0]->below > c->entries)
        return lyne_fail(err, LYNE_ERECIPE, "embedding: %lld entries for numbers below %lld", (long long)c->entries,
                         (long long)n->src[0]->below);
    n->shape = *src;
    n->shape.dim[n->shape.rank++] = c->width;
    n->type = lyne_graph_precision(n->graph);
    return lyne_node_param(n, "weight", LYNE_SHAPE(c->entries, c->width), LYNE_WEIGHT,
                           c->small ? LYNE_INIT_SMALL : LYNE_INIT_NORMAL, 0, err);
}

typedef struct table {
    int64_t n, entries, width;
    bool bf16; /* dst and its gradient */
} table;

static table table_of(const lyne_node *n) {
    const lyne_embedding_config *c = n->config;
    return (table){.n = lyne_shape_size(&n->src[0]->shape),
                   .entries = c->entries,
                   .width = c->width,
                   .bf16 = n->type == LYNE_BF16};
}

/* row NULL: there is no such entry */
LYNE_VECTOR static void copy_row(int64_t n, const float *row, void *dst, bool bf16) {
    for (int64_t f = 0; f < n; f++) lyne_store(dst, f, bf16, row ? row[f] : NAN);
}

LYNE_INLINE void add_part(int64_t n, const void *restrict src, float *restrict sum, bool bf16) {
    for (int64_t f = 0; f < n; f++) sum[f] += lyne_load(src, f, bf16);
}
LYNE_VECTOR static void add_f32(int64_t n, const void *src, float *sum) {
    add_part(n, src, sum, false);
}
LYNE_VECTOR static void add_bf16(int64_t n, const void *src, float *sum) {
    add_part(n, src, sum, true);
}

static bool known(const table *t, int32_t entry) {
    return entry >= 0 && entry < t->entries;
}

/* src, weight, dst */
static void forward(const lyne_call *call) {
    const table *t = call->config;
    const int32_t *src = call->buffer[0];
    const float *weight = call->buffer[1];
#pragma omp parallel for schedule(static) if (t->n * t->width > 16384)
    for (int64_t i = 0; i < t->n; i++)
        copy_row(t->width, known(t, src[i]) ? weight + src[i] * t->width : NULL,
                 lyne_at_mutable(call->buffer[2], i * t->width, t->bf16), t->bf16);
}

/* src, diff_dst, diff_weight.  Threads share out columns, so that every sum has one order. */
static void backward(const lyne_call *call) {
    enum { COLUMNS = 64 };
    const table *t = call->config;
    const int32_t *src = call->buffer[0];
    float *diff = call->buffer[2];
#pragma omp parallel for schedule(static) if ((t->n + t->entries) * t->width > 16384)
    for (int64_t first = 0; first < t->width; first += COLUMNS) {
        const int64_t width = t->width - first < COLUMNS ? t->width - first : COLUMNS;
        for (int64_t e = 0; e < t->entries; e++) memset(diff + e * t->width + first, 0, (size_t)width * sizeof *diff);
        for (int64_t i = 0; i < t->n; i++)
            if (known(t, src[i]))
                (t->bf16 ? add_bf16 : add_f32)(width, lyne_at(call->buffer[1], i * t->width + first, t->bf16),
                                               diff + src[i] * t->width + first);
    }
}

static lyne_status embedding_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const table t = table_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_weight(p, n, 0, NULL, err), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "embedding", forward, &t, sizeof t, b, 3, err);
}

static lyne_status embedding_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const table t = table_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_diff_dst(p, n), lyne_diff_weight(p, n, 0, NULL, err)};
    return lyne_emit_kernel(p, n, "embedding", backward, &t, sizeof t, b, 3, err);
}

/* The tests draw numbers below 5. */
static const lyne_op_case cases[] = {{.config = "{entries: 5, width: 3}", .src = {{1, {8}}}},
                                     {.config = "{entries: 5, width: 40, small: true}", .src = {{2, {4, 9}}}},
                                     {.config = "{entries: 7, width: 33}", .src = {{2, {8, 64}}}},
                                     {0}};

extern const lyne_op lyne_op_embedding;
lyne_node *lyne_embedding(lyne_graph *g, const char *name, lyne_node *src, lyne_embedding_config c) {
    return lyne_graph_add(g, &lyne_op_embedding, name, &c, &src, 1);
}

const lyne_op lyne_op_embedding = {.component = {.kind = LYNE_OP,
                                                 .name = "embedding",
                                                 .help = "a row of a table for each number",
                                                 .example = "{embedding: {entries: 1000, width: 256}}",
                                                 .config_size = sizeof(lyne_embedding_config),
                                                 .fields = fields},
                                   .n_src = 1,
                                   .shape = embedding_shape,
                                   .emit = embedding_emit,
                                   .emit_backward = embedding_emit_backward,
                                   .cases = cases};
