/* ops/mul.c -- dst = a b, by numpy's rule: see ops/broadcast.h.
 *   a, dst (B, C, H, W), b for example (B, C, 1, 1), which gives each channel of each picture a factor */
#include "lyne/ops.h"
#include "ops/broadcast.h"

static lyne_status mul_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_broadcast_emit(p, n, false, err);
}

static lyne_status mul_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_broadcast_emit_backward(p, n, false, err);
}

static const lyne_op_case cases[] = {{.src = {{2, {3, 5}}, {2, {3, 5}}}},
                                     {.src = {{2, {3, 5}}, {2, {1, 5}}}},
                                     {.src = {{2, {3, 5}}, {2, {3, 1}}}},
                                     {.src = {{2, {3, 5}}, {2, {1, 1}}}},
                                     {.src = {{2, {1, 1}}, {2, {3, 1}}}},
                                     {.src = {{4, {2, 3, 4, 5}}, {4, {2, 3, 1, 1}}}},
                                     {.src = {{4, {2, 1, 1, 5}}, {4, {2, 3, 4, 1}}}},
                                     {.src = {{4, {2, 3, 4, 5}}, {4, {1, 3, 4, 1}}}},
                                     {.src = {{4, {2, 3, 4, 5}}, {4, {2, 1, 4, 5}}}},
                                     {.src = {{3, {2, 1, 4}}, {3, {2, 3, 1}}}},
                                     {.src = {{4, {4, 24, 16, 16}}, {4, {4, 24, 1, 1}}}},
                                     {0}};

extern const lyne_op lyne_op_mul;
lyne_node *lyne_mul(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b) {
    return lyne_graph_add(g, &lyne_op_mul, name, NULL, (lyne_node *[]){a, b}, 2);
}

const lyne_op lyne_op_mul = {
    .component = {.kind = LYNE_OP,
                  .name = "mul",
                  .help = "product of two values, either repeated along dimensions where it has 1",
                  .example = "mul"},
    .n_src = 2,
    .shape = lyne_broadcast_shape,
    .emit = mul_emit,
    .emit_backward = mul_emit_backward,
    .cases = cases};
