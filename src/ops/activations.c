/* ops/activations.c -- functions of one number, applied to each.  src, dst: the same shape, any rank.
 *   diff_src = f'(src) diff_dst
 * Backward reads src.  Alike but for one line each, so they share this file: a row of the table, a row for recipes.
 * What is not a number stays so.  relu has a file of its own, because its backward can do without src, and gelu, because it
 * is worth a kernel for bf16. */
#include "lyne/ops.h"
#include "ops/common.h"

#include <math.h>

typedef struct activation_config {
    int64_t n;
    float slope;
} activation_config;

/* ---- the functions: y and dy/dx at x ---- */

static inline float logistic(float x) {
    return 1 / (1 + expf(-x));
}
static inline float silu_slope(float x) {
    const float s = logistic(x);
    return s + x * s * (1 - s);
}
static inline float tanh_slope(float x) {
    const float t = tanhf(x);
    return 1 - t * t;
}

// clang-format off
/* NAME_forward and NAME_backward, from expressions in x and slope. */
#define FUNCTION(name, value, derivative)                                                                              \
    static void name##_forward(const lyne_call *call) {                                                                \
        const activation_config *c = call->config;                                                                     \
        const float slope = c->slope, *restrict src = call->buffer[0];                                                 \
        float *restrict dst = call->buffer[1];                                                                         \
        (void)slope;                                                                                                   \
        _Pragma("omp parallel for simd schedule(static) if (parallel : c->n > 16384)") for (int64_t i = 0; i < c->n;   \
                                                                                            i++) {                     \
            const float x = src[i];                                                                                    \
            dst[i] = (value);                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_backward(const lyne_call *call) {                                                               \
        const activation_config *c = call->config;                                                                     \
        const float slope = c->slope, *restrict src = call->buffer[0], *restrict diff_dst = call->buffer[1];           \
        float *restrict diff_src = call->buffer[2];                                                                    \
        (void)slope;                                                                                                   \
        _Pragma("omp parallel for simd schedule(static) if (parallel : c->n > 16384)") for (int64_t i = 0; i < c->n;   \
                                                                                            i++) {                     \
            const float x = src[i];                                                                                    \
            diff_src[i] = (derivative) * diff_dst[i];                                                                  \
        }                                                                                                              \
    }

FUNCTION(relu6, x < 0 ? 0 : x > 6 ? 6 : x, x > 0 && x < 6 ? 1.0f : 0.0f)
FUNCTION(leaky_relu, x < 0 ? slope * x : x, x > 0 ? 1 : slope)
FUNCTION(silu, x * logistic(x), silu_slope(x))
FUNCTION(hard_swish, x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6, x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6)
FUNCTION(sigmoid, logistic(x), logistic(x) * (1 - logistic(x)))
FUNCTION(tanh, tanhf(x), tanh_slope(x))
// clang-format on

/* ---- what they share ---- */

extern const lyne_op lyne_op_relu6, lyne_op_leaky_relu, lyne_op_silu, lyne_op_hard_swish, lyne_op_sigmoid, lyne_op_tanh;

static const struct activation {
    const lyne_op *op;
    lyne_kernel forward, backward;
} table[] = {{&lyne_op_relu6, relu6_forward, relu6_backward},
             {&lyne_op_leaky_relu, leaky_relu_forward, leaky_relu_backward},
             {&lyne_op_silu, silu_forward, silu_backward},
             {&lyne_op_hard_swish, hard_swish_forward, hard_swish_backward},
             {&lyne_op_sigmoid, sigmoid_forward, sigmoid_backward},
             {&lyne_op_tanh, tanh_forward, tanh_backward}};

static const struct activation *find(const lyne_node *n) {
    const struct activation *a = table;
    while (a->op != n->op) a++;
    return a;
}

static lyne_status activation_shape(lyne_node *n, lyne_error *err) {
    n->shape = n->src[0]->shape;
    return lyne_check_source(n, err);
}

static activation_config config_of(const lyne_node *n) {
    const lyne_leaky_relu_config *c = n->op == &lyne_op_leaky_relu ? n->config : NULL;
    return (activation_config){.n = lyne_shape_size(&n->shape), .slope = c ? (float)c->slope : 0};
}

static lyne_status activation_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const activation_config c = config_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, n->op->component.name, find(n)->forward, &c, sizeof c, b, 2, err);
}

static lyne_status activation_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const activation_config c = config_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, n->op->component.name, find(n)->backward, &c, sizeof c, b, 3, err);
}

/* Where inputs are spread over an odd number of places they lie 3/64 off every multiple of 3/32, so off 0, 3 and 6. */
static const lyne_op_case cases[] = {{.src = {{2, {7, 33}}}, .spread = true},
                                     {.src = {{4, {3, 5, 3, 5}}}, .spread = true},
                                     {.src = {{4, {8, 16, 7, 7}}}, .has_kink = true},
                                     {0}};

static const lyne_field leaky_relu_fields[] = {
    LYNE_FLOAT(lyne_leaky_relu_config, slope, "what negative numbers are multiplied by", "0.01", 0, 1),
    LYNE_FIELDS_END};

#define BUILDER(name)                                                                                                  \
    lyne_node *lyne_##name(lyne_graph *g, const char *label, lyne_node *src) {                                         \
        return lyne_graph_add(g, &lyne_op_##name, label, NULL, &src, 1);                                               \
    }
BUILDER(relu6)
BUILDER(silu)
BUILDER(hard_swish)
BUILDER(sigmoid)
BUILDER(tanh)
lyne_node *lyne_leaky_relu(lyne_graph *g, const char *name, lyne_node *src, lyne_leaky_relu_config c) {
    return lyne_graph_add(g, &lyne_op_leaky_relu, name, &c, &src, 1);
}

/* ---- the rows ---- */

#define ROW(text, formula, paper, ...)                                                                                 \
    {.component = {.kind = LYNE_OP, .name = text, .help = formula, .source = paper, .example = text, __VA_ARGS__},     \
     .n_src = 1,                                                                                                       \
     .shape = activation_shape,                                                                                        \
     .emit = activation_emit,                                                                                          \
     .emit_backward = activation_emit_backward,                                                                        \
     .cases = cases}

// clang-format off
const lyne_op lyne_op_relu6 = ROW("relu6", "min(max(0, x), 6)", "Howard et al. 2017, arXiv:1704.04861",);
const lyne_op lyne_op_leaky_relu = ROW("leaky_relu", "x, or slope x where x is negative", NULL,
    .config_size = sizeof(lyne_leaky_relu_config), .fields = leaky_relu_fields);
const lyne_op lyne_op_silu = ROW("silu", "x / (1 + exp(-x))", "Elfwing, Uchibe, Doya 2017, arXiv:1702.03118",);
const lyne_op lyne_op_hard_swish = ROW("hard_swish", "x min(max(0, x + 3), 6) / 6", "Howard et al. 2019, arXiv:1905.02244",);
const lyne_op lyne_op_sigmoid = ROW("sigmoid", "1 / (1 + exp(-x))", NULL,);
const lyne_op lyne_op_tanh = ROW("tanh", "hyperbolic tangent", NULL,);
// clang-format on
