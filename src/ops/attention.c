/* ops/attention.c -- scaled dot-product attention of several heads (Vaswani et al. 2017, section 3.2).
 *   q (B, L, F), k, v (B, S, F), dst (B, L, F);  head h has the D = F / heads columns from h D on; for each b and h
 *     s = q k^T / sqrt(D)  (L, S);  p = softmax of each row of s;  dst = p v
 *   causal: place l sees places 0..l of k and v alone (L = S then)
 *     diff_v = p^T diff_dst;  diff_p = diff_dst v^T;  diff_s = p (diff_p - sum over the row of p diff_p)
 *     diff_q = diff_s k / sqrt(D);  diff_k = diff_s^T q / sqrt(D)
 * The projections before and behind are linear layers of their own.  p is kept for backward.  Heads of samples are
 * independent, so threads share nothing. */
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/common.h"

#include <math.h>

static const lyne_field fields[] = {{.name = "heads",
                                     .type = LYNE_FIELD_INT,
                                     .help = "into how many parts the features are divided",
                                     .fallback = "1",
                                     .offset = offsetof(lyne_attention_config, heads),
                                     LYNE_RANGE(1, 4096)},
                                    {.name = "causal",
                                     .type = LYNE_FIELD_BOOL,
                                     .help = "no place sees those behind it",
                                     .fallback = "false",
                                     .offset = offsetof(lyne_attention_config, causal)},
                                    LYNE_FIELDS_END};

static lyne_status attention_shape(lyne_node *n, lyne_error *err) {
    const lyne_attention_config *c = n->config;
    const lyne_shape *q = &n->src[0]->shape, *k = &n->src[1]->shape, *v = &n->src[2]->shape;
    char text[3][LYNE_SHAPE_TEXT];
    lyne_status status = lyne_check_source(n, err);
    if (status != LYNE_OK) return status;
    const bool fits = q->rank == 3 && k->rank == 3 && lyne_shape_equal(k, v) && q->dim[0] == k->dim[0] &&
                      q->dim[2] == k->dim[2] && (!c->causal || q->dim[1] == k->dim[1]) &&
                      n->src[1]->type == n->src[0]->type && n->src[2]->type == n->src[0]->type;
    if (!fits)
        return lyne_fail(err, LYNE_ERECIPE, "attention expects q (B, L, F) and k, v (B, %s, F), not %s, %s, %s",
                         c->causal ? "L" : "S", lyne_shape_print(q, text[0]), lyne_shape_print(k, text[1]),
                         lyne_shape_print(v, text[2]));
    if (q->dim[2] % c->heads)
        return lyne_fail(err, LYNE_ERECIPE, "heads = %lld must divide %lld features", (long long)c->heads,
                         (long long)q->dim[2]);
    n->shape = *q;
    return LYNE_OK;
}

typedef struct attention {
    int64_t batch, heads, L, S, D, F;
    bool causal;
    float scale;
} attention;

static attention attention_of(const lyne_node *n) {
    const lyne_attention_config *c = n->config;
    const int64_t *q = n->shape.dim;
    const attention a = {.batch = q[0],
                         .heads = c->heads,
                         .L = q[1],
                         .S = n->src[1]->shape.dim[1],
                         .D = q[2] / c->heads,
                         .F = q[2],
                         .causal = c->causal,
                         .scale = (float)(1 / sqrt((double)(q[2] / c->heads)))};
    return a;
}

/* How many places the place l sees. */
static int64_t seen(const attention *a, int64_t l) {
    return a->causal ? l + 1 : a->S;
}

enum { LANES = 16 };

LYNE_VECTOR static float dot(int64_t n, const float *restrict a, const float *restrict b) {
    float lane[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) lane[j] += a[i + j] * b[i + j];
    for (; i < n; i++) sum += a[i] * b[i];
    for (int j = 0; j < LANES; j++) sum += lane[j];
    return sum;
}

LYNE_VECTOR static void add_scaled(int64_t n, float factor, const float *restrict src, float *restrict dst) {
    for (int64_t i = 0; i < n; i++) dst[i] += factor * src[i];
}

static void clear(const attention *a, int64_t rows, float *x) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < a->D; i++) x[r * a->F + i] = 0;
}

/* Softmax of the n numbers in place. */
static void softmax(int64_t n, float *x) {
    float most = x[0], sum = 0;
    for (int64_t i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    for (int64_t i = 0; i < n; i++) sum += x[i] = expf(x[i] - most);
    for (int64_t i = 0; i < n; i++) x[i] /= sum;
}

/* ---- forward, one head of one sample: q, k, v, dst begin at its first column ---- */

static void head_forward(const attention *a, const float *q, const float *k, const float *v, float *p, float *dst) {
    clear(a, a->L, dst);
    for (int64_t l = 0; l < a->L; l++, p += a->S) {
        const int64_t n = seen(a, l);
        for (int64_t s = 0; s < n; s++) p[s] = a->scale * dot(a->D, q + l * a->F, k + s * a->F);
        softmax(n, p);
        for (int64_t s = 0; s < n; s++) add_scaled(a->D, p[s], v + s * a->F, dst + l * a->F);
    }
}

/* q, k, v, p, dst */
static void forward(const lyne_call *call) {
    const attention *a = call->config;
    const float *q = call->buffer[0], *k = call->buffer[1], *v = call->buffer[2];
    float *p = call->buffer[3], *dst = call->buffer[4];
#pragma omp parallel for schedule(static) if (a->batch * a->L * a->S * a->F > 16384)
    for (int64_t i = 0; i < a->batch * a->heads; i++) {
        const int64_t b = i / a->heads, column = i % a->heads * a->D;
        const int64_t at_q = b * a->L * a->F + column, at_k = b * a->S * a->F + column;
        head_forward(a, q + at_q, k + at_k, v + at_k, p + i * a->L * a->S, dst + at_q);
    }
}

static size_t bytes_of_p(const attention *a) {
    return (size_t)(a->batch * a->heads * a->L * a->S) * sizeof(float);
}

static lyne_status attention_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const attention a = attention_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_src(p, n, 1), lyne_src(p, n, 2),
                             lyne_kept(p, n, 0, bytes_of_p(&a)), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "attention", forward, &a, sizeof a, b, 5, err);
}

/* ---- backward ---- */

typedef struct gradients {
    float *q, *k, *v; /* NULL: not asked for */
} gradients;

/* diff_s is one row of S numbers. */
static void head_backward(const attention *a, const float *q, const float *k, const float *v, const float *p,
                          const float *diff, gradients g, float *diff_s) {
    if (g.q) clear(a, a->L, g.q);
    if (g.k) clear(a, a->S, g.k);
    if (g.v) clear(a, a->S, g.v);
    for (int64_t l = 0; l < a->L; l++, p += a->S) {
        const int64_t n = seen(a, l), at = l * a->F;
        float sum = 0;
        for (int64_t s = 0; s < n; s++) {
            diff_s[s] = dot(a->D, diff + at, v + s * a->F);
            sum += p[s] * diff_s[s];
        }
        for (int64_t s = 0; s < n; s++) {
            const float d = a->scale * p[s] * (diff_s[s] - sum);
            if (g.q) add_scaled(a->D, d, k + s * a->F, g.q + at);
            if (g.k) add_scaled(a->D, d, q + at, g.k + s * a->F);
            if (g.v) add_scaled(a->D, p[s], diff + at, g.v + s * a->F);
        }
    }
}

/* q, k, v, p, diff_dst, rows of diff_s; diff_q, diff_k, diff_v, any of which may not be asked for */
static void backward(const lyne_call *call) {
    const attention *a = call->config;
    const float *q = call->buffer[0], *k = call->buffer[1], *v = call->buffer[2], *p = call->buffer[3];
    const float *diff = call->buffer[4];
    float *rows = call->buffer[5], *diff_q = call->buffer[6], *diff_k = call->buffer[7], *diff_v = call->buffer[8];
#pragma omp parallel for schedule(static) if (a->batch * a->L * a->S * a->F > 16384)
    for (int64_t i = 0; i < a->batch * a->heads; i++) {
        const int64_t b = i / a->heads, column = i % a->heads * a->D;
        const int64_t at_q = b * a->L * a->F + column, at_k = b * a->S * a->F + column;
        const gradients g = {diff_q ? diff_q + at_q : NULL, diff_k ? diff_k + at_k : NULL,
                             diff_v ? diff_v + at_k : NULL};
        head_backward(a, q + at_q, k + at_k, v + at_k, p + i * a->L * a->S, diff + at_q, g, rows + i * a->S);
    }
}

static lyne_status attention_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const attention a = attention_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0),      lyne_src(p, n, 1),
                             lyne_src(p, n, 2),      lyne_kept(p, n, 0, 0),
                             lyne_diff_dst(p, n),    lyne_scratch(p, (size_t)(a.batch * a.heads * a.S) * sizeof(float)),
                             lyne_diff_src(p, n, 0), lyne_diff_src(p, n, 1),
                             lyne_diff_src(p, n, 2)};
    return lyne_emit_kernel(p, n, "attention", backward, &a, sizeof a, b, 9, err);
}

/* q k^T and p v. */
static int64_t attention_macs(const lyne_node *n) {
    const attention a = attention_of(n);
    return 2 * a.batch * a.L * a.S * a.F;
}

static const lyne_op_case cases[] = {
    {.src = {{3, {2, 3, 4}}, {3, {2, 5, 4}}, {3, {2, 5, 4}}}},
    {.config = "{heads: 2}", .src = {{3, {2, 3, 6}}, {3, {2, 4, 6}}, {3, {2, 4, 6}}}},
    {.config = "{heads: 2, causal: true}", .src = {{3, {2, 5, 4}}, {3, {2, 5, 4}}, {3, {2, 5, 4}}}},
    {.config = "{heads: 3, causal: true}", .src = {{3, {2, 9, 60}}, {3, {2, 9, 60}}, {3, {2, 9, 60}}}},
    {0}};

extern const lyne_op lyne_op_attention;
lyne_node *lyne_attention(lyne_graph *g, const char *name, lyne_node *q, lyne_node *k, lyne_node *v,
                          lyne_attention_config c) {
    return lyne_graph_add(g, &lyne_op_attention, name, &c, (lyne_node *[]){q, k, v}, 3);
}

const lyne_op lyne_op_attention = {.component = {.kind = LYNE_OP,
                                                 .name = "attention",
                                                 .help = "each place takes from others what its query asks for",
                                                 .source = "Vaswani et al. 2017, arXiv:1706.03762, section 3.2",
                                                 .example = "{attention: {heads: 4}}",
                                                 .config_size = sizeof(lyne_attention_config),
                                                 .fields = fields},
                                   .n_src = 3,
                                   .shape = attention_shape,
                                   .emit = attention_emit,
                                   .emit_backward = attention_emit_backward,
                                   .macs = attention_macs,
                                   .cases = cases};
