/* graph/cast.c -- the same value in another type: f32 to bf16, rounded to the nearest, or bf16 to f32.
 *   diff_src = diff_dst, cast back */
#include "graph/cast.h"
#include "base/bf16.h"
#include "base/vector.h"
#include "graph/program.h"

static lyne_status cast_shape(lyne_node *n, lyne_error *err) {
    (void)err;
    n->shape = n->src[0]->shape;
    n->type = *(const lyne_type *)n->config;
    return LYNE_OK;
}

typedef struct cast_config {
    int64_t n;
    bool to_bf16;
} cast_config;

enum { BLOCK = 16384 };

LYNE_VECTOR static void narrow(int64_t n, const float *restrict src, uint16_t *restrict dst) {
    for (int64_t i = 0; i < n; i++) dst[i] = lyne_to_bf16(src[i]);
}

LYNE_VECTOR static void widen(int64_t n, const uint16_t *restrict src, float *restrict dst) {
    for (int64_t i = 0; i < n; i++) dst[i] = lyne_from_bf16(src[i]);
}

/* buffers: src, dst */
static void cast(const lyne_call *call) {
    const cast_config *c = call->config;
#pragma omp parallel for schedule(static) if (c->n > BLOCK)
    for (int64_t at = 0; at < c->n; at += BLOCK) {
        const int64_t n = c->n - at < BLOCK ? c->n - at : BLOCK;
        if (c->to_bf16)
            narrow(n, (const float *)call->buffer[0] + at, (uint16_t *)call->buffer[1] + at);
        else
            widen(n, (const uint16_t *)call->buffer[0] + at, (float *)call->buffer[1] + at);
    }
}

lyne_status lyne_emit_cast(lyne_program *p, const lyne_node *n, int64_t size, lyne_type to, lyne_buffer src,
                           lyne_buffer dst, lyne_error *err) {
    const cast_config c = {.n = size, .to_bf16 = to == LYNE_BF16};
    return lyne_emit_kernel(p, n, to == LYNE_BF16 ? "to_bf16" : "to_f32", cast, &c, sizeof c, (lyne_buffer[]){src, dst},
                            2, err);
}

static lyne_status cast_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_emit_cast(p, n, lyne_shape_size(&n->shape), n->type, lyne_src(p, n, 0), lyne_dst(p, n), err);
}

static lyne_status cast_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_emit_cast(p, n, lyne_shape_size(&n->shape), n->src[0]->type, lyne_diff_dst(p, n),
                          lyne_diff_src(p, n, 0), err);
}

const lyne_op lyne_cast_op = {.component = {.kind = LYNE_OP, .name = "cast", .config_size = sizeof(lyne_type)},
                              .n_src = 1,
                              .precision = LYNE_EITHER,
                              .shape = cast_shape,
                              .emit = cast_emit,
                              .emit_backward = cast_emit_backward};
