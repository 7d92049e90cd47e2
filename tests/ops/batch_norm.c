/* batch_norm: running statistics, a mean far from 0, a batch too small, and that backward needs no gradient of a
 * picture. */
#include "base/random.h"
#include "lyne/ops.h"
#include "reference/bench.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct statistics {
    double mean, var, running_mean, running_var, weight_grad;
} statistics;

static lyne_node *build(lyne_graph *g, const void *context, lyne_node *const *src) {
    return lyne_batch_norm(g, "bn", src[0], *(const lyne_batch_norm_config *)context);
}

/* One training step on numbers of that mean and standard deviation: what the first channel of the value looks like. */
static statistics step(lyne_shape shape, double mean, double sd, bool constant_source) {
    const lyne_batch_norm_config config = {LYNE_BATCH_NORM_DEFAULTS, .epsilon = 1e-12};
    const bench_subject s = {
        .n_src = 1, .src = {{.shape = shape, .constant = constant_source}}, .build = build, .context = &config};
    bench b;
    lyne_error err = {0};
    cr_assert(bench_open(&b, &s, true, &err) == LYNE_OK, "%s", err.text);
    const int64_t n = lyne_shape_size(&shape), C = shape.dim[1], P = n / shape.dim[0] / C;
    float *x = constant_source ? lyne_program_input(b.program, b.src[0]) : bench_source_at(&b, 0);
    lyne_stream stream = lyne_stream_at(1, LYNE_FOR_CHECK, 9, 0);
    for (int64_t i = 0; i < n; i++) x[i] = (float)(mean + sd * (double)lyne_stream_normal(&stream));
    float *weight = b.weights->value + b.weights->offset[b.node->param[0]];
    float *bias = b.weights->value + b.weights->offset[b.node->param[1]];
    for (int64_t k = 0; k < C; k++) weight[k] = 1, bias[k] = 0;
    bench_changed(&b);
    cr_assert(bench_run(&b, &err) == LYNE_OK, "%s", err.text);

    double *plain = malloc((size_t)n * sizeof *plain), *value = malloc((size_t)n * sizeof *value);
    statistics r = {0};
    double source_mean = 0, source_var = 0;
    const double count = (double)(n / C);
    bench_source_values(&b, 0, plain);
    bench_value(&b, value);
    for (int64_t i = 0; i < n; i++) {
        if (i / P % C) continue;
        r.mean += value[i] / count;
        source_mean += plain[i] / count;
    }
    for (int64_t i = 0; i < n; i++) {
        if (i / P % C) continue;
        r.var += pow(value[i] - r.mean, 2) / count;
        source_var += pow(plain[i] - source_mean, 2) / count;
    }
    const float *running_mean = b.weights->value + b.weights->offset[b.node->param[2]];
    const float *running_var = b.weights->value + b.weights->offset[b.node->param[3]];
    r.running_mean = (double)running_mean[0] - 0.1 * source_mean;
    r.running_var = (double)running_var[0] - (0.9 + 0.1 * source_var * count / (count - 1));
    r.weight_grad = (double)b.weights->grad[b.weights->offset[b.node->param[0]]];
    free(plain);
    free(value);
    bench_close(&b);
    return r;
}

static const struct {
    lyne_shape shape;
    double mean, sd;
} rows[] = {{{4, {8, 3, 7, 7}}, 0, 1}, {{4, {8, 3, 7, 7}}, 1000, 1},    {{4, {4, 6, 28, 28}}, 1e5, 1},
            {{2, {64, 5}}, -3e4, 0.5}, {{4, {4, 64, 9, 9}}, 100, 1e-3}, {{4, {2, 130, 5, 5}}, 1e-6, 1e-7},
            {{2, {2, 1}}, 0, 1}};

Test(batch_norm, statistics) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const statistics s = step(rows[i].shape, rows[i].mean, rows[i].sd, false);
        const double ulp = fabs(rows[i].mean) / rows[i].sd * 0x1p-23; /* what a float knows of its place */
        cr_expect(fabs(s.mean) < 1e-6 + ulp, "row %zu: mean %g", i, s.mean);
        cr_expect(fabs(s.running_mean) < 1e-6 * (1 + fabs(rows[i].mean)), "row %zu: %g", i, s.running_mean);
        cr_expect(fabs(s.running_var) < 1e-6, "row %zu: %g", i, s.running_var);
        if (rows[i].sd > 1e-6) cr_expect(fabs(s.var - 1) < 1e-5, "row %zu: var %.9g", i, s.var);
    }
}

Test(batch_norm, no_gradient_of_a_constant) {
    const statistics a = step(LYNE_SHAPE(8, 3, 7, 7), 0, 1, false), b = step(LYNE_SHAPE(8, 3, 7, 7), 0, 1, true);
    cr_expect(isfinite(b.weight_grad) && b.weight_grad != 0 && a.weight_grad != 0);
}

Test(batch_norm, one_value) {
    const lyne_batch_norm_config config = {LYNE_BATCH_NORM_DEFAULTS};
    const bench_subject s = {.n_src = 1, .src = {{.shape = {2, {1, 3}}}}, .build = build, .context = &config};
    bench b;
    lyne_error err = {0};
    cr_expect(bench_open(&b, &s, true, &err) == LYNE_ERECIPE);
    cr_expect(strstr(err.text, "bn: batch_norm needs two values a channel in training"), "%s", err.text);
    bench_close(&b);
    cr_expect(bench_open(&b, &s, false, NULL) == LYNE_OK, "inference does not");
    bench_close(&b);
}
