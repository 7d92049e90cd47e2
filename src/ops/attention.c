/* ops/attention.c -- scaled dot-product attention of several heads (Vaswani et al. 2017, section 3.2).
 *   q (B, L, F), k, v (B, S, F), dst (B, L, F);  head h has the D = F / heads columns from h D on; for each b and h
 *     s = q k^T / sqrt(D)  (L, S);  p = softmax of each row of s;  dst = p v
 *   causal: place l sees places 0..l of k and v alone (L = S then)
 * attention reads q, k and v.  self_attention reads one value (B, L, 3 F), q, k and v beside each other as one linear layer
 * makes them; masked_self_attention also who is padding, which nobody sees: (B) lengths, or the (B, L) tokens themselves.
 * A place that sees nobody gets 0.  The projections before and behind are linear layers of their own; the arithmetic is in
 * attention_heads.c. */
#include "lyne/ops.h"
#include "ops/attention_heads.h"
#include "ops/common.h"
#include "ops/tiles.h"

#include <math.h>
#include <omp.h>

#define HEADS_AND_CAUSAL                                                                                               \
    LYNE_INT(lyne_attention_config, heads, "into how many parts the features are divided", "1", 1, 4096),              \
        LYNE_BOOL(lyne_attention_config, causal, "no place sees those behind it", "false")
static const lyne_field fields[] = {HEADS_AND_CAUSAL, LYNE_FIELDS_END};
static const lyne_field masked_fields[] = {HEADS_AND_CAUSAL,
                                           LYNE_INT(lyne_attention_config, padding,
                                                    "the token that is padding, where tokens are given and not lengths",
                                                    "0", 0, INT32_MAX),
                                           LYNE_FIELDS_END};

/* ---- shapes ---- */

static lyne_status check_heads(lyne_node *n, lyne_error *err) {
    const lyne_attention_config *c = n->config;
    if (n->shape.dim[2] % c->heads)
        return lyne_fail(err, LYNE_ERECIPE, "heads = %lld must divide %lld features", (long long)c->heads,
                         (long long)n->shape.dim[2]);
    return LYNE_OK;
}

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
    n->shape = *q;
    return check_heads(n, err);
}

static lyne_status self_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *src = &n->src[0]->shape;
    lyne_status status = lyne_check_source(n, err);
    if (status != LYNE_OK) return status;
    if (src->rank != 3 || src->dim[2] % 3) return lyne_misfit(n, "(B, L, 3 F)", err);
    n->shape = LYNE_SHAPE(src->dim[0], src->dim[1], src->dim[2] / 3);
    return check_heads(n, err);
}

static lyne_status masked_shape(lyne_node *n, lyne_error *err) {
    const lyne_node *padding = n->src[1];
    const lyne_shape *p = &padding->shape;
    char text[LYNE_SHAPE_TEXT];
    lyne_status status = self_shape(n, err);
    if (status != LYNE_OK) return status;
    if (padding->type != LYNE_S32 || p->rank > 2 || p->dim[0] != n->shape.dim[0] ||
        (p->rank == 2 && p->dim[1] != n->shape.dim[1]))
        return lyne_fail(err, LYNE_ERECIPE, "masked_self_attention expects s32 lengths (B) or tokens (B, L), not %s",
                         lyne_shape_print(p, text));
    return LYNE_OK;
}

/* ---- emit ---- */

static lyne_heads heads_of(const lyne_node *n) {
    const lyne_attention_config *c = n->config;
    const int64_t F = n->shape.dim[2], D = F / c->heads;
    const bool packed = n->n_src < 3, bf16 = n->type == LYNE_BF16;
    lyne_heads h = {.batch = n->shape.dim[0],
                    .heads = c->heads,
                    .L = n->shape.dim[1],
                    .S = n->src[packed ? 0 : 1]->shape.dim[1],
                    .D = D,
                    .row = packed ? 3 * F : F,
                    .causal = c->causal,
                    .padding = n->n_src != 2                ? LYNE_NO_PADDING
                               : n->src[1]->shape.rank == 1 ? LYNE_PADDING_BY_LENGTH
                                                            : LYNE_PADDING_BY_TOKEN,
                    .padding_token = c->padding,
                    .bf16 = bf16,
                    .narrow = bf16 && lyne_tiles_can_be_narrow(),
                    .scale = (float)(1 / sqrt((double)D)),
                    .threads = omp_get_max_threads()};
    for (int i = 0; packed && i < 3; i++) h.at[i] = i * F;
    return h;
}

static lyne_buffer kept_lse(lyne_program *p, const lyne_node *n, const lyne_heads *h) {
    return lyne_kept(p, n, 0, (size_t)(h->batch * h->heads * h->L) * sizeof(float));
}

/* q, k, v and who is padding. */
static void sources(lyne_program *p, const lyne_node *n, lyne_buffer b[4]) {
    for (int i = 0; i < 3; i++) b[i] = lyne_src(p, n, n->n_src < 3 ? 0 : i);
    b[3] = n->n_src == 2 ? lyne_src(p, n, 1) : LYNE_NO_BUFFER;
}

static lyne_status attention_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_heads h = heads_of(n);
    lyne_buffer b[7] = {
        [4] = lyne_dst(p, n), [5] = kept_lse(p, n, &h), [6] = lyne_scratch(p, lyne_heads_forward_bytes(&h))};
    sources(p, n, b);
    return lyne_emit_kernel(p, n, n->op->component.name, lyne_heads_forward, &h, sizeof h, b, 7, err);
}

static lyne_status attention_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_heads h = heads_of(n);
    lyne_buffer b[10] = {[4] = lyne_diff_dst(p, n),
                         [5] = kept_lse(p, n, &h),
                         [6] = lyne_scratch(p, lyne_heads_backward_bytes(&h)),
                         [7] = lyne_diff_src(p, n, 0)};
    sources(p, n, b);
    for (int i = 1; i < 3; i++) b[7 + i] = n->n_src < 3 ? b[7] : lyne_diff_src(p, n, i);
    return lyne_emit_kernel(p, n, n->op->component.name, lyne_heads_backward, &h, sizeof h, b, 10, err);
}

/* q k^T and p v. */
static int64_t attention_macs(const lyne_node *n) {
    return lyne_macs(n, 2 * heads_of(n).S);
}

/* ---- rows ---- */

static const lyne_op_case cases[] = {
    {.src = {{3, {2, 3, 4}}, {3, {2, 5, 4}}, {3, {2, 5, 4}}}},
    {.config = "{heads: 2}", .src = {{3, {2, 3, 6}}, {3, {2, 4, 6}}, {3, {2, 4, 6}}}},
    {.config = "{heads: 2, causal: true}", .src = {{3, {2, 5, 4}}, {3, {2, 5, 4}}, {3, {2, 5, 4}}}},
    {.config = "{heads: 3, causal: true}", .src = {{3, {2, 9, 60}}, {3, {2, 9, 60}}, {3, {2, 9, 60}}}},
    {.config = "{heads: 2}", .src = {{3, {3, 33, 72}}, {3, {3, 65, 72}}, {3, {3, 65, 72}}}},
    {0}};
static const lyne_op_case self_cases[] = {
    {.src = {{3, {2, 3, 12}}}}, {.config = "{heads: 2, causal: true}", .src = {{3, {3, 40, 60}}}}, {0}};
/* The tests draw lengths and tokens below 5. */
static const lyne_op_case masked_cases[] = {
    {.src = {{3, {4, 5, 12}}, {1, {4}}}},
    {.config = "{heads: 2, padding: 3}", .src = {{3, {4, 9, 36}}, {2, {4, 9}}}},
    {.config = "{heads: 2, causal: true, padding: 1}", .src = {{3, {3, 35, 24}}, {2, {3, 35}}}},
    {0}};

extern const lyne_op lyne_op_attention, lyne_op_self_attention, lyne_op_masked_self_attention;
lyne_node *lyne_attention(lyne_graph *g, const char *name, lyne_node *q, lyne_node *k, lyne_node *v,
                          lyne_attention_config c) {
    return lyne_graph_add(g, &lyne_op_attention, name, &c, (lyne_node *[]){q, k, v}, 3);
}
lyne_node *lyne_self_attention(lyne_graph *g, const char *name, lyne_node *src, lyne_attention_config c) {
    return lyne_graph_add(g, &lyne_op_self_attention, name, &c, &src, 1);
}
lyne_node *lyne_masked_self_attention(lyne_graph *g, const char *name, lyne_node *src, lyne_node *padding,
                                      lyne_attention_config c) {
    return lyne_graph_add(g, &lyne_op_masked_self_attention, name, &c, (lyne_node *[]){src, padding}, 2);
}

#define ROW(text, sources_read, rule, table, tests, what, usage)                                                       \
    {.component = {.kind = LYNE_OP,                                                                                    \
                   .name = text,                                                                                       \
                   .help = what,                                                                                       \
                   .source = "Vaswani et al. 2017, arXiv:1706.03762, section 3.2",                                     \
                   .example = usage,                                                                                   \
                   .config_size = sizeof(lyne_attention_config),                                                       \
                   .fields = table},                                                                                   \
     .n_src = sources_read,                                                                                            \
     .precision = LYNE_BF16_BEST,                                                                                      \
     .shape = rule,                                                                                                    \
     .emit = attention_emit,                                                                                           \
     .emit_backward = attention_emit_backward,                                                                         \
     .macs = attention_macs,                                                                                           \
     .cases = tests}

const lyne_op lyne_op_attention =
    ROW("attention", 3, attention_shape, fields, cases, "each place takes from others what its query asks for",
        "{attention: {heads: 4}}");
const lyne_op lyne_op_self_attention =
    ROW("self_attention", 1, self_shape, fields, self_cases,
        "attention of a sequence to itself: q, k, v beside each other in one value", "{self_attention: {heads: 4}}");
const lyne_op lyne_op_masked_self_attention = ROW("masked_self_attention", 2, masked_shape, masked_fields, masked_cases,
                                                  "the same where nobody sees padding, by (B) lengths or (B, L) tokens",
                                                  "{masked_self_attention: {heads: 4, padding: 0}}");
