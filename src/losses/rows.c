/* losses/rows.c -- see rows.h. */
#include "losses/rows.h"
#include <assert.h>
#include <omp.h>

lyne_status lyne_rows_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *logits = &n->src[0]->shape;
    char text[LYNE_SHAPE_TEXT];
    if (logits->rank != 2 || n->src[0]->type != LYNE_F32)
        return lyne_fail(err, LYNE_ERECIPE, "%s expects f32 logits (B, C), not %s", n->op->component.name,
                         lyne_shape_print(logits, text));
    n->shape = LYNE_SHAPE(1);
    return LYNE_OK;
}

enum { MAX_MEMBERS = 8 };

/* One loss of the step. */
typedef struct member {
    const lyne_node *node;
    lyne_row_value *value;
    size_t target_bytes; /* of one row */
    float scale;         /* of its gradient in what is kept */
} member;

typedef struct rows_config {
    int64_t batch, classes;
    int threads, n_members;
    member member[MAX_MEMBERS];
} rows_config;

/* buffers: logits, diff (B, C) f32 or none, scratch, then for each member its target, mix (B, 2) s32 or none, dst */
enum { LOGITS, DIFF, SCRATCH, FIRST_MEMBER, PER_MEMBER = 3 };

/* Scratch: values (members, B) f64, then of each thread (2, C) f64 for the function and (C) f32, the gradient of one. */
static size_t value_bytes(const rows_config *c) {
    return (size_t)c->n_members * (size_t)c->batch * sizeof(double);
}
static size_t padded(const rows_config *c) {
    return ((size_t)c->classes + 15) / 16 * 16;
}
static size_t thread_bytes(const rows_config *c) {
    return padded(c) * (2 * sizeof(double) + sizeof(float));
}

LYNE_VECTOR static void scale_row(int64_t n, float scale, const float *restrict src, float *restrict dst) {
    for (int64_t i = 0; i < n; i++) dst[i] = scale * src[i];
}
LYNE_VECTOR static void add_scaled_row(int64_t n, float scale, const float *restrict src, float *restrict dst) {
    for (int64_t i = 0; i < n; i++) dst[i] += scale * src[i];
}

/* Row b through every loss: their values, and into diff the sum of their gradients. */
static void do_row(const lyne_call *call, int64_t b, double *value, double *scratch) {
    const rows_config *c = call->config;
    const int64_t C = c->classes;
    float *one = (float *)(scratch + 2 * padded(c));
    float *diff = call->buffer[DIFF] ? (float *)call->buffer[DIFF] + b * C : NULL;
    for (int m = 0; m < c->n_members; m++) {
        const member *l = &c->member[m];
        void *const *buffer = call->buffer + FIRST_MEMBER + m * PER_MEMBER;
        const lyne_row row = {.config = l->node->config,
                              .classes = C,
                              .logits = (const float *)call->buffer[LOGITS] + b * C,
                              .target = (const char *)buffer[0] + (size_t)b * l->target_bytes,
                              .mix = buffer[1] ? (const int32_t *)buffer[1] + 2 * b : NULL,
                              .scratch = scratch,
                              .diff = diff ? one : NULL};
        value[m * c->batch + b] = l->value(&row);
        if (diff) (m ? add_scaled_row : scale_row)(C, l->scale, one, diff);
    }
}

static void forward(const lyne_call *call) {
    const rows_config *c = call->config;
    double *value = call->buffer[SCRATCH], *scratch = value + c->n_members * c->batch;
#pragma omp parallel for schedule(static) num_threads(c->threads)
    for (int64_t b = 0; b < c->batch; b++)
        do_row(call, b, value, scratch + (size_t)omp_get_thread_num() * thread_bytes(c) / sizeof(double));
    for (int m = 0; m < c->n_members; m++) {
        double sum = 0;
        for (int64_t b = 0; b < c->batch; b++) sum += value[m * c->batch + b];
        *(float *)call->buffer[FIRST_MEMBER + m * PER_MEMBER + 2] = (float)(sum / (double)c->batch);
    }
}

/* Of a loss that is no term: diff_src = diff_dst times what forward kept. */
static void backward(const lyne_call *call) {
    const rows_config *c = call->config;
    const float *restrict diff = call->buffer[0], *diff_dst = call->buffer[1];
    float *restrict diff_src = call->buffer[2];
    const int64_t n = c->batch * c->classes;
    const float scale = diff_dst[0];
#pragma omp parallel for simd schedule(static) if (parallel : n > 16384)
    for (int64_t i = 0; i < n; i++) diff_src[i] = scale * diff[i];
}

/* Whether a node is such a loss, a term, and trained: it shares its step with the others of the same logits. */
static bool shares(const lyne_program *p, const lyne_node *n, double *weight) {
    return n->op && n->op->emit == lyne_rows_emit && n->needs_grad && lyne_is_term(p, n, weight);
}

static void add_member(rows_config *c, const lyne_node *n, double weight) {
    const lyne_shape *target = &n->src[1]->shape;
    assert(c->n_members < MAX_MEMBERS); /* an objective has at most 8 terms */
    c->member[c->n_members++] =
        (member){.node = n,
                 .value = ((const lyne_rows_op *)n->op)->value,
                 .target_bytes = (size_t)(lyne_shape_size(target) / c->batch) * lyne_type_size(n->src[1]->type),
                 .scale = (float)((double)(float)weight / (double)c->batch)};
}

/* What n's step does: its own loss and those before it that share it, from the last to the first.  n_members 0: a loss
 * behind n does n's work. */
static rows_config config_of(const lyne_program *p, const lyne_node *n) {
    const int64_t *logits = n->src[0]->shape.dim;
    rows_config c = {.batch = logits[0], .classes = logits[1]};
    c.threads = c.batch * c.classes < 1024 ? 1 : omp_get_max_threads();
    double weight;
    if (!shares(p, n, &weight)) {
        add_member(&c, n, 1);
        return c;
    }
    for (int i = lyne_graph_n_nodes(n->graph) - 1; i >= 0; i--) {
        const lyne_node *k = lyne_graph_node(n->graph, i);
        if (!shares(p, k, &weight) || k->src[0] != n->src[0]) continue;
        if (k->index > n->index) return c;
        add_member(&c, k, weight);
    }
    return c;
}

static lyne_buffer kept_diff(lyne_program *p, const lyne_node *n) {
    return lyne_kept(p, n, 0, (size_t)lyne_shape_size(&n->src[0]->shape) * sizeof(float));
}

lyne_status lyne_rows_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const rows_config c = config_of(p, n);
    if (c.n_members == 0) return LYNE_OK;
    lyne_buffer b[FIRST_MEMBER + MAX_MEMBERS * PER_MEMBER] = {
        [LOGITS] = lyne_src(p, n, 0),
        [DIFF] = lyne_is_training(p) && n->needs_grad ? kept_diff(p, n) : LYNE_NO_BUFFER,
        [SCRATCH] = lyne_scratch(p, value_bytes(&c) + (size_t)c.threads * thread_bytes(&c))};
    for (int m = 0; m < c.n_members; m++) {
        const lyne_node *k = c.member[m].node;
        lyne_buffer *of = b + FIRST_MEMBER + m * PER_MEMBER;
        of[0] = lyne_src(p, k, 1);
        of[1] = k->n_src > 2 ? lyne_src(p, k, 2) : LYNE_NO_BUFFER;
        of[2] = lyne_dst(p, k);
    }
    return lyne_emit_kernel(p, n, c.n_members > 1 ? "losses" : n->op->component.name, forward, &c, sizeof c, b,
                            FIRST_MEMBER + c.n_members * PER_MEMBER, err);
}

lyne_status lyne_rows_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const rows_config c = config_of(p, n);
    double weight;
    if (c.n_members == 0) return LYNE_OK;
    if (shares(p, n, &weight)) {
        lyne_diff_src_is(p, n, 0, kept_diff(p, n));
        return LYNE_OK;
    }
    const lyne_buffer b[] = {kept_diff(p, n), lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    if (b[2] == LYNE_NO_BUFFER) return LYNE_OK; /* it is the target that is trained, and a target gets no gradient */
    return lyne_emit_kernel(p, n, n->op->component.name, backward, &c, sizeof c, b, 3, err);
}
