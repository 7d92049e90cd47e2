/* The gradient tester, tested: it passes what is right and fails each way of being wrong. */
#include "reference/gradient.h"
#include <criterion/criterion.h>
#include <string.h>

/* dst = src^2 / B, or a constant; backward is multiplied by `factor`, and the last element's by `last`. */
typedef struct square_config {
    float factor, last;
    bool constant, adds;
} square_config;

static lyne_status square_shape(lyne_node *n, lyne_error *err) {
    (void)err;
    n->shape = n->src[0]->shape;
    return LYNE_OK;
}
static void square_forward(const lyne_call *call) {
    const square_config *c = call->node->config;
    const float *src = call->buffer[0];
    float *dst = call->buffer[1];
    for (int64_t i = 0; i < lyne_shape_size(&call->node->shape); i++)
        dst[i] = c->constant ? 1 : src[i] * src[i] / (float)call->node->shape.dim[0];
}
static void square_backward(const lyne_call *call) {
    const square_config *c = call->node->config;
    const float *src = call->buffer[0], *diff_dst = call->buffer[1];
    float *diff_src = call->buffer[2];
    const int64_t n = lyne_shape_size(&call->node->shape);
    for (int64_t i = 0; i < n; i++) {
        float diff = 2 * src[i] * diff_dst[i] / (float)call->node->shape.dim[0] * c->factor;
        if (i == n - 1) diff *= c->last;
        if (c->constant) diff = 0;
        diff_src[i] = c->adds ? diff_src[i] + diff : diff;
    }
}
static lyne_status square_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "square", square_forward, NULL, 0, b, 2, err);
}
static lyne_status square_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "square", square_backward, NULL, 0, b, 3, err);
}
static const lyne_op square = {.component = {.kind = LYNE_OP, .name = "square", .config_size = sizeof(square_config)},
                               .n_src = 1,
                               .shape = square_shape,
                               .emit = square_emit,
                               .emit_backward = square_emit_backward};

static gradient_result check(square_config config, int64_t width) {
    const bench_op op = {.op = &square, .config = &config};
    const bench_subject s = {.n_src = 1, .src = {{.shape = {2, {4, width}}}}, .build = bench_build_op, .context = &op};
    return gradient_check(&s);
}

static const struct {
    const char *what;
    square_config config;
    bool ok;
} rows[] = {{"right", {.factor = 1, .last = 1}, true},
            {"negated", {.factor = -1, .last = 1}, false},
            {"zeroed", {.factor = 0, .last = 1}, false},
            {"1/B dropped", {.factor = 4, .last = 1}, false},
            {"1 % off", {.factor = 1.01f, .last = 1}, false},
            {"one element zeroed", {.factor = 1, .last = 0}, false},
            {"one element negated", {.factor = 1, .last = -1}, false},
            {"nothing to differentiate", {.constant = true}, false}};

Test(tester, fails_what_is_wrong) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int64_t width = 3; width <= 60; width += 57) { /* per element; along directions */
            const gradient_result r = check(rows[i].config, width);
            cr_expect(r.ok == rows[i].ok, "%s, width %d: %s (error %g)", rows[i].what, (int)width, r.text, r.worst);
        }
    cr_expect(strstr(check((square_config){.constant = true}, 3).text, "proves nothing"));
}
