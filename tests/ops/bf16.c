/* Every case of every row in bf16: value and gradients against those of the same numbers in f32, which cases.c checks.
 * A difference quotient of a function that is rounded to 8 bits says little, so this is how a wrong backward is found:
 * numbers start as what bf16 has too, and what differs is rounding on the way, 2^-9 of a number each time. */
#include "dnn/dnn.h"
#include "lyne/ops.h"
#include "opened.h"
#include "rows.h"
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Of the norm of all numbers compared, and of the largest for each: below what a dropped 1/B, a sign, a wrong element
 * or one left out makes, which test(bf16, tolerance) checks. */
static const double OF_NORM = 0.01, OF_LARGEST = 0.03;

typedef struct difference {
    double square, of, worst, largest;
} difference;

static void compare(difference *d, double is, double due) {
    const double error = fabs(is - due);
    d->square += error * error;
    d->of += due * due;
    if (!(error <= d->worst)) d->worst = error;
    d->largest = fmax(d->largest, fabs(due));
}

static bool close_enough(const difference *d) {
    return sqrt(d->square) <= OF_NORM * sqrt(d->of) + 1e-6 && d->worst <= OF_LARGEST * d->largest + 1e-6;
}

static void compare_values(const bench *narrow, const bench *wide, const char *what) {
    const int64_t n = lyne_shape_size(&wide->node->shape);
    double *is = malloc((size_t)n * sizeof *is), *due = malloc((size_t)n * sizeof *due);
    difference d = {0};
    bench_value(narrow, is);
    bench_value(wide, due);
    for (int64_t i = 0; i < n; i++) compare(&d, is[i], due[i]);
    cr_expect(close_enough(&d), "%s: value differs by %.3g of %.3g, at most %.3g of %.3g", what, sqrt(d.square),
              sqrt(d.of), d.worst, d.largest);
    free(is);
    free(due);
}

static void compare_gradients(const bench *narrow, const bench *wide, const char *what) {
    const lyne_weights *w = wide->weights;
    for (int k = 0; k < w->n; k++) {
        difference d = {0};
        if (w->param[k].role == LYNE_STATE) continue;
        for (int64_t i = 0; i < lyne_shape_size(&w->param[k].shape); i++)
            compare(&d, (double)narrow->weights->grad[w->offset[k] + (size_t)i],
                    (double)w->grad[w->offset[k] + (size_t)i]);
        cr_expect(close_enough(&d), "%s: gradient of %s differs by %.3g of %.3g, at most %.3g of %.3g", what,
                  w->param[k].name, sqrt(d.square), sqrt(d.of), d.worst, d.largest);
    }
}

static void check_case(const lyne_op *op, int k, bool training) {
    lyne_arena arena = {0};
    const bench_op context = {.op = op, .config = bench_config(&op->component, op->cases[k].config, &arena)};
    bench_subject s = {.n_src = op->n_src,
                       .build = bench_build_op,
                       .context = &context,
                       .has_kink = op->cases[k].has_kink,
                       .kink = op->cases[k].kink,
                       .spread = op->cases[k].spread,
                       .rounded = true};
    for (int i = 0; i < op->n_src; i++)
        s.src[i] = (bench_source){.shape = op->cases[k].src[i], .type = source_type(op, i), .labels = 5};
    bench narrow, wide;
    char what[64];
    snprintf(what, sizeof what, "%s case %d, %s", op->component.name, k, training ? "training" : "inference");
    open_run(&wide, &s, training);
    s.bf16 = true;
    open_run(&narrow, &s, training);
    const lyne_node *value = narrow.node->op == op ? narrow.node : narrow.node->src[0];
    if (op->precision != LYNE_F32_ONLY)
        cr_expect(value->type == LYNE_BF16 || op->can_widen, "%s computes in another type", what);
    compare_values(&narrow, &wide, what);
    if (training && narrow.weights->n_trained) compare_gradients(&narrow, &wide, what);
    bench_close(&narrow);
    bench_close(&wide);
    lyne_arena_free(&arena);
}

Test(bf16, cases_are_close_to_f32, .timeout = 120) {
    if (!dnn_has_bf16()) cr_skip_test("this CPU has no bf16");
    for (int i = 0; i < N_ROWS; i++)
        for (int k = 0; rows[i]->cases[k].src[0].rank; k++) {
            check_case(rows[i], k, false);
            if (rows[i] != &lyne_op_dropout) check_case(rows[i], k, true); /* whose mask depends on its place */
        }
}

/* In training: 0, or what src is times 2, and the gradient has the same mask. */
Test(bf16, dropout) {
    const lyne_dropout_config config = {.rate = 0.5};
    const bench_op context = {.op = &lyne_op_dropout, .config = &config};
    const bench_subject s = {.n_src = 1,
                             .src = {{.shape = {2, {32, 40}}}},
                             .build = bench_build_op,
                             .context = &context,
                             .bf16 = true,
                             .rounded = true};
    enum { N = 32 * 40 };
    double src[N], value[N];
    bench b;
    int kept = 0;
    open_run(&b, &s, true);
    bench_source_values(&b, 0, src);
    bench_value(&b, value);
    for (int i = 0; i < N; i++) {
        const float grad = bench_source_grad(&b, 0)[i];
        cr_expect(value[i] == 0 || value[i] == 2 * src[i], "%d", i);
        cr_expect(value[i] == 0 ? grad == 0 : fabsf(grad - 2 * b.r[i]) <= 0x1p-8f * fabsf(grad), "%d", i);
        kept += value[i] != 0;
    }
    cr_expect(kept > 0.4 * N && kept < 0.6 * N, "%d", kept);
    bench_close(&b);
}

/* Each way of being wrong is further off than the tolerance. */
Test(bf16, tolerance) {
    enum { N = 256 };
    for (int wrong = 0; wrong < 6; wrong++) {
        difference d = {0};
        for (int i = 0; i < N; i++) {
            const double due = (i % 7 - 3.25) / 3, noise = (i % 5 - 2) / 2.0 * 0x1p-9;
            double is = due * (1 + noise);
            if (wrong == 1) is = -is;
            if (wrong == 2) is *= 1.02;
            if (wrong == 3 && i == N - 1) is = 0;
            if (wrong == 4 && i == 3) is = -is;
            if (wrong == 5) is = (i % 7 - 3) / 3.0;
            compare(&d, is, due);
        }
        cr_expect(close_enough(&d) == (wrong == 0), "%d: %g of %g", wrong, sqrt(d.square), sqrt(d.of));
    }
}

/* ---- several layers, and the last one writing f32 ---- */

static lyne_node *build_net(lyne_graph *g, const void *context, lyne_node *const *src) {
    (void)context;
    lyne_node *a =
        lyne_conv2d(g, "conv1", src[0], (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = 16, .padding = 1});
    lyne_node *x =
        lyne_relu(g, "relu1", lyne_batch_norm(g, "bn1", a, (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS}));
    x = lyne_add(g, "add",
                 lyne_conv2d(g, "conv2", x, (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = 16, .padding = 1}),
                 x);
    x = lyne_add(g, "add2", x, lyne_relu(g, "relu2", x)); /* three readers of one value */
    x = lyne_global_avg_pool(g, "pool", lyne_add(g, "add3", x, a));
    return lyne_linear(g, "fc", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 5});
}

Test(bf16, a_network) {
    if (!dnn_has_bf16()) cr_skip_test("this CPU has no bf16");
    bench_subject s = {.n_src = 1, .src = {{.shape = {4, {8, 3, 8, 8}}}}, .build = build_net, .rounded = true};
    bench narrow, wide;
    open_run(&wide, &s, true);
    s.bf16 = true;
    open_run(&narrow, &s, true);
    cr_expect(narrow.node->type == LYNE_F32 && narrow.node->op == &lyne_op_linear, "linear writes f32 itself");
    cr_expect(lyne_graph_find(narrow.graph, "add2")->type == LYNE_BF16);
    const lyne_weights *w = wide.weights;
    for (int k = 0; k < w->n; k++) {
        difference d = {0};
        if (w->param[k].role == LYNE_STATE || strcmp(w->param[k].name, "conv1.bias") == 0) continue;
        for (int64_t i = 0; i < lyne_shape_size(&w->param[k].shape); i++)
            compare(&d, (double)narrow.weights->grad[w->offset[k] + (size_t)i],
                    (double)w->grad[w->offset[k] + (size_t)i]);
        cr_expect(sqrt(d.square) < 0.05 * sqrt(d.of), "%s: %g of %g", w->param[k].name, sqrt(d.square), sqrt(d.of));
    }
    bench_close(&narrow);
    bench_close(&wide);
}

Test(bf16, same_bits_twice) {
    if (!dnn_has_bf16()) cr_skip_test("this CPU has no bf16");
    const bench_subject s = {.n_src = 1, .src = {{.shape = {4, {8, 3, 8, 8}}}}, .build = build_net, .bf16 = true};
    for (int threads = 1; threads <= 2; threads++) {
        bench a, b;
        omp_set_num_threads(threads);
        open_run(&a, &s, true);
        open_run(&b, &s, true);
        for (int k = 0; k < a.weights->n; k++)
            if (a.weights->param[k].role != LYNE_STATE)
                cr_expect(memcmp(a.weights->grad + a.weights->offset[k], b.weights->grad + a.weights->offset[k],
                                 (size_t)lyne_shape_size(&a.weights->param[k].shape) * sizeof(float)) == 0,
                          "%s", a.weights->param[k].name);
        bench_close(&a);
        bench_close(&b);
    }
}

/* Two layers, both named in context, or neither. */
static lyne_node *build_kept(lyne_graph *g, const void *context, lyne_node *const *src) {
    static const char *const path[] = {"fc1", "fc2"};
    if (context) lyne_graph_keep_f32(g, (lyne_texts){2, path});
    lyne_node *x =
        lyne_gelu(g, "gelu", lyne_linear(g, "fc1", src[0], (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 40}));
    return lyne_linear(g, "fc2", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 24});
}

/* Whether value and gradients have the bits of the f32 graph; what goes back to the source is rounded. */
static bool same_as_f32(const void *context) {
    const bench_subject wide = {.n_src = 1, .src = {{.shape = {2, {8, 33}}}}, .build = build_kept, .rounded = true};
    bench_subject narrow = wide;
    narrow.bf16 = true;
    narrow.context = context;
    bench a, b;
    double is[8 * 24], due[8 * 24];
    open_run(&a, &narrow, true);
    open_run(&b, &wide, true);
    bench_value(&a, is);
    bench_value(&b, due);
    bool same = memcmp(is, due, sizeof is) == 0;
    const lyne_weights *w = b.weights;
    for (int k = 0; k < w->n; k++) {
        const size_t bytes = (size_t)lyne_shape_size(&w->param[k].shape) * sizeof(float);
        if (strncmp(w->param[k].name, "fc", 2) == 0)
            same &= memcmp(a.weights->grad + w->offset[k], w->grad + w->offset[k], bytes) == 0;
    }
    bench_close(&a);
    bench_close(&b);
    return same;
}

Test(bf16, nodes_that_are_kept_compute_in_f32) {
    if (!dnn_has_bf16()) cr_skip_test("this CPU has no bf16");
    cr_expect(same_as_f32("kept") && !same_as_f32(NULL));
}
