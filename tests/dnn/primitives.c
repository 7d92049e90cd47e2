/* Pooling, element-wise, softmax, binary and reorder against naive loops; products.c has the rest of
 * src/dnn/primitives.c. */
#include "base/memory.h"
#include "harness.h"
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>

#define ROWS(test, rows)                                                                                               \
    ParameterizedTestParameters(primitives, test) {                                                                    \
        enum { N = sizeof rows / sizeof *rows };                                                                       \
        static int at[N];                                                                                              \
        for (int i = 0; i < N; i++) at[i] = i;                                                                         \
        return cr_make_param_array(int, at, N);                                                                        \
    }

/* ---- pooling ---- */

typedef struct pool_row {
    const char *name;
    dnn_pool kind;
    int64_t b, c, h, w, kernel[2], stride[2], begin[2], end[2];
} pool_row;

static const pool_row pool_rows[] = {
    {"max 2x2", DNN_MAX_POOL, 2, 16, 8, 8, {2, 2}, {2, 2}, {0, 0}, {0, 0}},
    {"max 3x3 overlapping, padded, odd", DNN_MAX_POOL, 3, 5, 7, 9, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
    {"max uneven", DNN_MAX_POOL, 1, 17, 6, 5, {3, 2}, {1, 2}, {1, 0}, {0, 1}},
    {"mean 2x2", DNN_AVERAGE_POOL, 2, 16, 8, 8, {2, 2}, {2, 2}, {0, 0}, {0, 0}},
    {"mean 3x3 padded, odd", DNN_AVERAGE_POOL, 2, 7, 7, 7, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
    {"mean of all, batch 1", DNN_AVERAGE_POOL, 1, 33, 5, 4, {5, 4}, {1, 1}, {0, 0}, {0, 0}},
};
ROWS(pooling, pool_rows)

typedef struct pooled {
    const float *src, *diff_dst;
    double *dst, *diff_src;
} pooled;

/* One window: where (y, x) lies in it, its result is at[0]; the others are added up or compared. */
static void pool_window(const pool_row *r, pooled *s, int64_t plane, int64_t oy, int64_t ox, size_t dst) {
    int64_t n = 0, best = -1;
    double sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t k = 0; k < r->kernel[0] * r->kernel[1]; k++) {
            int64_t y = oy * r->stride[0] - r->begin[0] + k / r->kernel[1];
            int64_t x = ox * r->stride[1] - r->begin[1] + k % r->kernel[1];
            if (y < 0 || y >= r->h || x < 0 || x >= r->w) continue;
            int64_t at = (plane * r->h + y) * r->w + x;
            if (pass == 0) {
                n++;
                sum += (double)s->src[at];
                if (best < 0 || s->src[at] > s->src[best]) best = at;
            } else if (r->kind == DNN_AVERAGE_POOL) {
                s->diff_src[at] += (double)s->diff_dst[dst] / (double)n;
            }
        }
    s->dst[dst] = r->kind == DNN_MAX_POOL ? (double)s->src[best] : sum / (double)n;
    if (r->kind == DNN_MAX_POOL) s->diff_src[best] += (double)s->diff_dst[dst];
}

ParameterizedTest(int *row, primitives, pooling) {
    const pool_row *r = &pool_rows[*row];
    int64_t oh = (r->h + r->begin[0] + r->end[0] - r->kernel[0]) / r->stride[0] + 1;
    int64_t ow = (r->w + r->begin[1] + r->end[1] - r->kernel[1]) / r->stride[1] + 1;
    dnn_pooling_spec spec = {.kind = r->kind,
                             .src = shape4(DNN_CHANNELS_LAST, r->b, r->c, r->h, r->w),
                             .dst = shape4(DNN_CHANNELS_LAST, r->b, r->c, oh, ow)};
    for (int i = 0; i < 2; i++) {
        spec.kernel[i] = r->kernel[i];
        spec.stride[i] = r->stride[i];
        spec.pad_begin[i] = r->begin[i];
        spec.pad_end[i] = r->end[i];
    }
    size_t n_src = count_of(&spec.src), n_dst = count_of(&spec.dst);
    float *src = distinct(&spec.src, 5), *diff_dst = numbers(&spec.dst, 6);
    float *got = lyne_alloc(n_dst, sizeof *got), *got_diff = lyne_alloc(n_src, sizeof *got_diff);
    pooled s = {src, diff_dst, lyne_alloc(n_dst, sizeof(double)), lyne_alloc(n_src, sizeof(double))};
    for (size_t at = 0; at < n_dst; at++)
        pool_window(r, &s, (int64_t)at / (oh * ow), (int64_t)at / ow % oh, (int64_t)at % ow, at);

    dnn_context *c = open_context();
    dnn_primitive *forward = NULL, *inference = NULL, *backward = NULL;
    lyne_error err = {0};
    cr_assert_eq(dnn_pooling(c, &spec, DNN_FORWARD_TRAINING, &forward, &err), LYNE_OK, "%s: %s", r->name, err.text);
    cr_assert_eq(dnn_pooling(c, &spec, DNN_FORWARD_INFERENCE, &inference, &err), LYNE_OK, "%s: %s", r->name, err.text);
    cr_assert_eq(dnn_pooling(c, &spec, DNN_BACKWARD_DATA, &backward, &err), LYNE_OK, "%s: %s", r->name, err.text);
    int with_workspace = r->kind == DNN_MAX_POOL ? 3 : 2;
    const dnn_layout *workspace = dnn_layout_of(forward, DNN_WORKSPACE);
    if (workspace) cr_assert(dnn_layout_equal(workspace, dnn_layout_of(backward, DNN_WORKSPACE)));
    void *where = lyne_alloc(workspace ? dnn_layout_bytes(workspace) : 0, 1);
    const operand to[] = {
        {DNN_SRC, false, &spec.src, src}, {DNN_DST, true, &spec.dst, got}, {DNN_WORKSPACE, true, NULL, where}};
    run(c, inference, to, 2, r->name);
    same(got, s.dst, n_dst, 1e-6, r->name);
    run(c, forward, to, with_workspace, r->name);
    same(got, s.dst, n_dst, 1e-6, r->name);
    const operand back[] = {{DNN_DIFF_DST, false, &spec.dst, diff_dst},
                            {DNN_DIFF_SRC, true, &spec.src, got_diff},
                            {DNN_WORKSPACE, false, NULL, where}};
    run(c, backward, back, with_workspace, r->name);
    same(got_diff, s.diff_src, n_src, 1e-6, r->name);

    dnn_primitive_free(forward), dnn_primitive_free(inference), dnn_primitive_free(backward);
    dnn_context_free(c);
    lyne_free(src), lyne_free(diff_dst), lyne_free(got), lyne_free(got_diff), lyne_free(where);
    lyne_free(s.dst), lyne_free(s.diff_src);
}

/* ---- element-wise and softmax: forward, then backward from the result ---- */

typedef struct curve_row {
    const char *name;
    enum { RELU, LINEAR, SOFTMAX } kind;
    dnn_tensor tensor;
    float alpha, beta;
    int axis;
} curve_row;

static const curve_row curve_rows[] = {
    {"relu", RELU, {4, {2, 5, 3, 3}, DNN_F32, DNN_CHANNELS_LAST}, 0, 0, 0},
    {"relu, one number", RELU, {1, {1}, DNN_F32, DNN_PLAIN}, 0, 0, 0},
    {"leaky relu", RELU, {2, {7, 19}, DNN_F32, DNN_PLAIN}, 0.25f, 0, 0},
    {"linear", LINEAR, {3, {3, 4, 5}, DNN_F32, DNN_PLAIN}, -1.5f, 0.5f, 0},
    {"relu bf16", RELU, {4, {2, 16, 3, 3}, DNN_BF16, DNN_CHANNELS_LAST}, 0, 0, 0},
    {"softmax", SOFTMAX, {2, {9, 10}, DNN_F32, DNN_PLAIN}, 0, 0, 1},
    {"softmax, middle axis", SOFTMAX, {3, {2, 17, 3}, DNN_F32, DNN_PLAIN}, 0, 0, 1},
    {"softmax, rows of 100", SOFTMAX, {2, {3, 100}, DNN_F32, DNN_PLAIN}, 0, 0, 1},
};
ROWS(curve, curve_rows)

static lyne_status curve_new(dnn_context *c, const curve_row *r, dnn_pass pass, dnn_primitive **p, lyne_error *err) {
    if (r->kind == SOFTMAX) return dnn_softmax(c, r->tensor, r->axis, pass, p, err);
    return dnn_eltwise(c, r->kind == RELU ? DNN_RELU : DNN_LINEAR, r->tensor, r->alpha, r->beta, pass, p, err);
}

static void softmax_reference(const curve_row *r, const float *x, const float *g, double *y, double *d) {
    size_t classes = (size_t)r->tensor.dim[r->axis], inner = 1, n = count_of(&r->tensor);
    for (int i = r->axis + 1; i < r->tensor.rank; i++) inner *= (size_t)r->tensor.dim[i];
    for (size_t at = 0; at < n; at++) {
        size_t row = at / (classes * inner) * classes * inner + at % inner;
        double sum = 0, mean = 0;
        for (size_t k = 0; k < classes; k++) sum += exp((double)x[row + k * inner]);
        for (size_t k = 0; k < classes; k++) mean += (double)g[row + k * inner] * exp((double)x[row + k * inner]) / sum;
        y[at] = exp((double)x[at]) / sum;
        d[at] = y[at] * ((double)g[at] - mean);
    }
}

static void curve_reference(const curve_row *r, const float *x, const float *g, double *y, double *d) {
    if (r->kind == SOFTMAX) {
        softmax_reference(r, x, g, y, d);
        return;
    }
    for (size_t i = 0; i < count_of(&r->tensor); i++) {
        double slope = r->kind == LINEAR || x[i] <= 0 ? (double)r->alpha : 1.0;
        y[i] = slope * (double)x[i] + (double)r->beta;
        d[i] = slope * (double)g[i];
    }
}

ParameterizedTest(int *row, primitives, curve) {
    const curve_row *r = &curve_rows[*row];
    const dnn_tensor *t = &r->tensor;
    if (t->type == DNN_BF16 && !has_bf16()) cr_skip_test("no bf16");
    size_t n = count_of(t);
    float *x = numbers(t, 3), *g = numbers(t, 4), *got = lyne_alloc(n, sizeof *got), *y = lyne_alloc(n, sizeof *y);
    if (n == 1) x[0] = 0.5f;
    double *want = lyne_alloc(n, sizeof *want), *want_diff = lyne_alloc(n, sizeof *want_diff);
    curve_reference(r, x, g, want, want_diff);
    dnn_context *c = open_context();
    for (dnn_pass pass = DNN_FORWARD_TRAINING; pass <= DNN_BACKWARD_DATA; pass++) {
        dnn_primitive *p = NULL;
        lyne_error err = {0};
        cr_assert_eq(curve_new(c, r, pass, &p, &err), LYNE_OK, "%s: %s", r->name, err.text);
        bool back = pass == DNN_BACKWARD_DATA;
        const operand to[] = {{DNN_SRC, false, t, x}, {DNN_DST, true, t, y}};
        const operand from[] = {r->kind == LINEAR ? (operand){DNN_SRC, false, t, x} : (operand){DNN_DST, false, t, y},
                                {DNN_DIFF_DST, false, t, g},
                                {DNN_DIFF_SRC, true, t, got}};
        run(c, p, back ? from : to, back ? 3 : 2, r->name);
        same(back ? got : y, back ? want_diff : want, n, 1e-5, r->name);
        dnn_primitive_free(p);
    }
    dnn_context_free(c);
    lyne_free(x), lyne_free(g), lyne_free(got), lyne_free(y), lyne_free(want), lyne_free(want_diff);
}

/* ---- binary ---- */

typedef struct binary_row {
    const char *name;
    dnn_binary_kind kind;
    dnn_format format;
    int64_t b[4]; /* a is (2, 5, 3, 4) */
} binary_row;

static const binary_row binary_rows[] = {
    {"sum", DNN_ADD, DNN_CHANNELS_LAST, {2, 5, 3, 4}},
    {"sum with one per channel", DNN_ADD, DNN_CHANNELS_LAST, {1, 5, 1, 1}},
    {"product", DNN_MUL, DNN_PLAIN, {2, 5, 3, 4}},
    {"product with one per picture and channel", DNN_MUL, DNN_CHANNELS_LAST, {2, 5, 1, 1}},
    {"product with one number", DNN_MUL, DNN_PLAIN, {1, 1, 1, 1}},
};
ROWS(binary, binary_rows)

ParameterizedTest(int *row, primitives, binary) {
    const binary_row *r = &binary_rows[*row];
    dnn_tensor a = shape4(r->format, 2, 5, 3, 4), b = shape4(r->format, r->b[0], r->b[1], r->b[2], r->b[3]);
    float *x = numbers(&a, 8), *y = numbers(&b, 9), *got = lyne_alloc(120, sizeof *got);
    double *want = lyne_alloc(120, sizeof *want);
    for (int64_t i = 0; i < 120; i++) {
        const int64_t at[4] = {i / 60, i / 12 % 5, i / 4 % 3, i % 4};
        int64_t j = 0;
        for (int k = 0; k < 4; k++) j = j * b.dim[k] + (b.dim[k] == 1 ? 0 : at[k]);
        double p = (double)x[i], q = (double)y[j];
        want[i] = r->kind == DNN_ADD ? p + q : p * q;
    }
    dnn_context *c = open_context();
    dnn_primitive *p = NULL;
    lyne_error err = {0};
    cr_assert_eq(dnn_binary(c, r->kind, a, b, a, &p, &err), LYNE_OK, "%s: %s", r->name, err.text);
    const operand args[] = {{DNN_SRC, false, &a, x}, {DNN_SRC_1, false, &b, y}, {DNN_DST, true, &a, got}};
    run(c, p, args, 3, r->name);
    same(got, want, 120, 1e-6, r->name);
    dnn_primitive_free(p);
    dnn_context_free(c);
    lyne_free(x), lyne_free(y), lyne_free(got), lyne_free(want);
}

/* ---- reorder ---- */

Test(primitives, reorder_moves_channels_last_and_rounds) {
    dnn_context *c = open_context();
    dnn_tensor from = shape4(DNN_PLAIN, 2, 3, 2, 2), to = shape4(DNN_CHANNELS_LAST, 2, 3, 2, 2);
    to.type = DNN_BF16;
    dnn_layout *a = NULL, *b = NULL;
    dnn_primitive *p = NULL;
    lyne_error err = {0};
    cr_assert_eq(dnn_layout_new(from, &a, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(dnn_layout_new(to, &b, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(dnn_reorder(c, a, b, &p, &err), LYNE_OK, "%s", err.text);
    float *x = lyne_alloc(24, sizeof *x);
    uint16_t *y = lyne_alloc(24, sizeof *y);
    for (int i = 0; i < 24; i++) x[i] = 1.0f + (float)i / 128.0f + 1.0f / 1024.0f;
    dnn_bind(p, DNN_SRC, x);
    dnn_bind(p, DNN_DST, y);
    cr_assert_null(dnn_layout_of(p, DNN_SCRATCHPAD));
    cr_assert_eq(dnn_execute(p, &err), LYNE_OK, "%s", err.text);
    for (int i = 0; i < 24; i++) {
        int picture = i / 12, channel = i / 4 % 3, at = i % 4;
        cr_assert_eq(y[picture * 12 + at * 3 + channel], 0x3f80 + i, "[%d]", i);
    }
    dnn_primitive_free(p);
    dnn_layout_free(a), dnn_layout_free(b);
    dnn_context_free(c);
    lyne_free(x), lyne_free(y);
}
