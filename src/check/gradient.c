/* check/gradient.c -- see gradient.h. */
#include "check/gradient.h"
#include "base/random.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FEW = 64, DIRECTIONS = 12 };
static const double FLOOR = 0.05; /* of the largest: below it, errors are relative to it */

/* The objective with x moved by step along d. */
static double objective_at(bench *b, float *x, const float *origin, const float *d, int64_t n, float step) {
    lyne_error err = {0};
    for (int64_t i = 0; i < n; i++) x[i] = origin[i] + step * d[i];
    bench_changed(b);
    return bench_run(b, &err) == LYNE_OK ? b->objective : (double)NAN;
}

/* The derivative along d.  Steps are powers of two and numbers are small, so they are exact to about 1e-6. */
static double derivative(bench *b, float *x, const float *origin, const float *d, int64_t n) {
    double at[2];
    for (int i = 0; i < 2; i++) {
        const float h = BENCH_MARGIN / (float)(1 << i);
        at[i] = (objective_at(b, x, origin, d, n, h) - objective_at(b, x, origin, d, n, -h)) / (2 * (double)h);
    }
    memcpy(x, origin, (size_t)n * sizeof *x);
    bench_changed(b);
    return (4 * at[1] - at[0]) / 3;
}

static void direction(int64_t n, int k, float *d) {
    lyne_stream s = lyne_stream_at(4, LYNE_FOR_CHECK, (uint32_t)k, 0);
    for (int64_t i = 0; i < n; i++) d[i] = n <= FEW ? i == k : lyne_stream_bits(&s) & 1 ? 1.0f : -1.0f;
}

/* Compare the gradient of one parameter. */
static void check_param(bench *b, int param, gradient_result *result) {
    const lyne_weights *w = b->weights;
    const int64_t n = lyne_shape_size(&w->param[param].shape);
    const int m = n <= FEW ? (int)n : DIRECTIONS;
    float *x = w->value + w->offset[param];
    lyne_arena arena = {0};
    const size_t bytes = (size_t)n * sizeof *x;
    float *origin = lyne_arena_alloc(&arena, bytes), *grad = lyne_arena_alloc(&arena, bytes);
    float *d = lyne_arena_alloc(&arena, bytes);
    double numeric[FEW] = {0}, said[FEW] = {0}, largest = 0;
    if (!origin || !grad || !d) {
        *result = (gradient_result){.text = "out of memory"};
        lyne_arena_free(&arena);
        return;
    }
    memcpy(origin, x, (size_t)n * sizeof *x);
    memcpy(grad, w->grad + w->offset[param], (size_t)n * sizeof *grad);
    for (int k = 0; k < m; k++) {
        direction(n, k, d);
        numeric[k] = derivative(b, x, origin, d, n);
        said[k] = 0;
        for (int64_t i = 0; i < n; i++) said[k] += (double)grad[i] * (double)d[i];
        if (fabs(numeric[k]) > largest) largest = fabs(numeric[k]);
    }
    if (largest < 1e-4) {
        result->ok = false;
        snprintf(result->text, sizeof result->text, "%s: the derivative is 0, which proves nothing",
                 w->param[param].name);
    }
    for (int k = 0; k < m; k++) {
        const double size = fmax(fmax(fabs(numeric[k]), fabs(said[k])), FLOOR * largest);
        const double error = size > 0 ? fabs(numeric[k] - said[k]) / size : 0;
        if (error <= result->worst) continue; /* NaN goes on */
        result->worst = error;
        snprintf(result->text, sizeof result->text, "%s, %s %d of %d: %.6g, numerically %.6g", w->param[param].name,
                 n <= FEW ? "element" : "direction", k, m, said[k], numeric[k]);
        if (!(error <= GRADIENT_TOLERANCE)) result->ok = false;
    }
    lyne_arena_free(&arena);
}

gradient_result gradient_check(const bench_subject *s) {
    gradient_result result = {.ok = true};
    lyne_error err = {0};
    bench b;
    int compared = 0;
    if (bench_open(&b, s, true, &err) != LYNE_OK) goto failed;
    for (int i = 0; i < b.weights->n && result.ok; i++) {
        if (b.weights->param[i].role == LYNE_STATE) continue;
        memset(b.weights->grad, 0xff, b.weights->n_trained * sizeof(float)); /* NaN: backward must overwrite */
        if (bench_run(&b, &err) != LYNE_OK) goto failed;
        check_param(&b, i, &result);
        compared++;
    }
    if (compared == 0) lyne_fail(&err, LYNE_EOTHER, "there is nothing to differentiate by");
failed:
    if (err.status != LYNE_OK) {
        result.ok = false;
        snprintf(result.text, sizeof result.text, "%.200s", err.text);
    }
    bench_close(&b);
    return result;
}
