/* losses/rows.c -- see rows.h. */
#include "losses/rows.h"
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

typedef struct rows_config {
    int64_t batch, classes;
    size_t target_bytes;
    lyne_row_value *value;
    int threads;
} rows_config;

/* buffers: logits, target, dst, values (B) f64, scratch (threads, 2, C) f64, diff (B, C) f32 or none, mix (B, 2) s32 or
 * none */
static void forward(const lyne_call *call) {
    const rows_config *c = call->config;
    const float *logits = call->buffer[0];
    const int32_t *mix = call->buffer[6];
    const char *target = call->buffer[1];
    float *dst = call->buffer[2], *diff = call->buffer[5];
    double *value = call->buffer[3], *scratch = call->buffer[4], sum = 0;
#pragma omp parallel for schedule(static) num_threads(c->threads)
    for (int64_t b = 0; b < c->batch; b++) {
        const lyne_row row = {.config = call->node->config,
                              .classes = c->classes,
                              .logits = logits + b * c->classes,
                              .target = target + (size_t)b * c->target_bytes,
                              .mix = mix ? mix + 2 * b : NULL,
                              .scratch = scratch + omp_get_thread_num() * 2 * c->classes,
                              .diff = diff ? diff + b * c->classes : NULL};
        value[b] = c->value(&row);
    }
    for (int64_t b = 0; b < c->batch; b++) sum += value[b];
    dst[0] = (float)(sum / (double)c->batch);
}

/* diff_src = diff_dst / B times what forward kept. */
static void backward(const lyne_call *call) {
    const rows_config *c = call->config;
    const float *restrict diff = call->buffer[0], *diff_dst = call->buffer[1];
    float *restrict diff_src = call->buffer[2];
    const float scale = (float)((double)diff_dst[0] / (double)c->batch);
    const int64_t n = c->batch * c->classes;
#pragma omp parallel for simd schedule(static) if (parallel : n > 16384)
    for (int64_t i = 0; i < n; i++) diff_src[i] = scale * diff[i];
}

static rows_config config_of(const lyne_node *n) {
    const int64_t *logits = n->src[0]->shape.dim;
    return (rows_config){.batch = logits[0], .classes = logits[1]};
}

static lyne_buffer kept_diff(lyne_program *p, const lyne_node *n) {
    return lyne_kept(p, n, 0, (size_t)lyne_shape_size(&n->src[0]->shape) * sizeof(float));
}

lyne_status lyne_rows_emit(lyne_program *p, const lyne_node *n, lyne_row_value *value, size_t target_bytes,
                           lyne_error *err) {
    rows_config c = config_of(n);
    c.value = value;
    c.target_bytes = target_bytes;
    c.threads = c.batch * c.classes < 1024 ? 1 : omp_get_max_threads();
    const size_t scratch = (size_t)c.threads * 2 * (size_t)c.classes * sizeof(double);
    const lyne_buffer b[] = {lyne_src(p, n, 0),
                             lyne_src(p, n, 1),
                             lyne_dst(p, n),
                             lyne_scratch(p, (size_t)c.batch * sizeof(double)),
                             lyne_scratch(p, scratch),
                             lyne_is_training(p) && n->needs_grad ? kept_diff(p, n) : LYNE_NO_BUFFER,
                             n->n_src > 2 ? lyne_src(p, n, 2) : LYNE_NO_BUFFER};
    return lyne_emit_kernel(p, n, n->op->component.name, forward, &c, sizeof c, b, 7, err);
}

lyne_status lyne_rows_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const rows_config c = config_of(n);
    const lyne_buffer b[] = {kept_diff(p, n), lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    if (b[2] == LYNE_NO_BUFFER) return LYNE_OK; /* it is the target that is trained, and a target gets no gradient */
    return lyne_emit_kernel(p, n, n->op->component.name, backward, &c, sizeof c, b, 3, err);
}
