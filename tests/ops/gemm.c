/* The gradients of a linear layer over f32 sequences that are products of our own: against sums in double, for sizes that
 * leave every kind of rest, and with the same bits for any number of threads.  A gelu before the layer has its derivative
 * multiplied in there: the same bits as apart. */
#include "base/cpu.h"
#include "lyne/ops.h"
#include "opened.h"
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

typedef struct sizes {
    int64_t B, L, F, units;
} sizes;
static const sizes all[] = {
    {4, 33, 100, 1100},  /* a long sum for the source                                  */
    {4, 33, 1100, 130},  /* more columns than are packed at a time                     */
    {1, 257, 1030, 300}, /* several blocks of both                                     */
    {3, 43, 160, 129},   /* rows 12 at a time, 4 at a time and one by one; whole panels */
    {2, 96, 96, 192},    /* no rest                                                    */
};

static lyne_node *build_layer(lyne_graph *g, const void *context, lyne_node *const *src) {
    const sizes *s = context;
    return lyne_linear(g, "fc", src[0], (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = s->units});
}

static const float *grad_of(const bench *b, const char *name) {
    const lyne_weights *w = b->weights;
    for (int k = 0; k < w->n; k++)
        if (strcmp(w->param[k].name, name) == 0) return w->grad + w->offset[k];
    cr_assert_fail("no %s", name);
    return NULL;
}
static const float *value_of(const bench *b, const char *name) {
    return b->weights->value + (grad_of(b, name) - b->weights->grad);
}

/* Element (i, j) of an (I, J) gradient is the sum over k of x[i xi + k xk] y[j yj + k yk]. */
static double worst(const float *is, int64_t I, int64_t J, int64_t K, const float *x, int64_t xi, int64_t xk,
                    const float *y, int64_t yj, int64_t yk) {
    double error = 0;
    for (int64_t i = 0; i < I; i++)
        for (int64_t j = 0; j < J; j++) {
            double due = 0;
            for (int64_t k = 0; k < K; k++) due += (double)x[i * xi + k * xk] * (double)y[j * yj + k * yk];
            const double off = fabs((double)is[i * J + j] - due);
            if (!(off <= error)) error = off;
        }
    return error;
}

Test(gemm, gradients_are_sums, .timeout = 60) {
    if (lyne_cpu_isa() < LYNE_ISA_AVX512) cr_skip_test("this CPU has no AVX-512");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const sizes s = all[i];
        const int64_t rows = s.B * s.L;
        const float one = 1;
        const bench_subject subject = {
            .n_src = 1, .src = {{.shape = LYNE_SHAPE(s.B, s.L, s.F)}}, .build = build_layer, .context = &all[i]};
        bench b, c;
        omp_set_num_threads(1);
        open_run(&b, &subject, true);
        cr_expect(has_words(&b, " gemm "), "case %zu is not for us", i);
        const float *src = bench_source_at(&b, 0);
        const double tolerance = 2e-5 * sqrt((double)(rows + s.units));
        cr_expect_leq(worst(grad_of(&b, "fc.weight"), s.units, s.F, rows, b.r, 1, s.units, src, 1, s.F), tolerance);
        cr_expect_leq(worst(grad_of(&b, "fc.bias"), s.units, 1, rows, b.r, 1, s.units, &one, 0, 0), tolerance);
        cr_expect_leq(
            worst(bench_source_grad(&b, 0), rows, s.F, s.units, b.r, s.units, 1, value_of(&b, "fc.weight"), 1, s.F),
            tolerance);
        omp_set_num_threads(3);
        open_run(&c, &subject, true);
        cr_expect(memcmp(b.weights->grad, c.weights->grad, b.weights->n_trained * sizeof(float)) == 0,
                  "case %zu depends on the number of threads", i);
        bench_close(&b);
        bench_close(&c);
    }
}

/* What stands between gelu and the second layer: nothing, a dropout of rate 0, or nothing but gelu has another reader. */
typedef enum between { NOTHING, DROPOUT, READER } between;

static lyne_node *build_two(lyne_graph *g, const void *context, lyne_node *const *src) {
    const between kind = *(const between *)context;
    lyne_node *x = lyne_linear(g, "fc1", src[0], (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 200});
    x = lyne_gelu(g, "gelu", x);
    lyne_node *y = kind == DROPOUT ? lyne_dropout(g, "drop", x, (lyne_dropout_config){.rate = 0}) : x;
    y = lyne_linear(g, "fc2", y, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 200});
    return kind == READER ? lyne_add(g, "add", x, y) : y;
}

Test(gemm, gelu_in_the_layer_behind_it_has_the_same_bits, .timeout = 60) {
    if (lyne_cpu_isa() < LYNE_ISA_AVX512) cr_skip_test("this CPU has no AVX-512");
    bench b[3];
    for (between kind = NOTHING; kind <= READER; kind++) {
        const bench_subject s = {
            .n_src = 1, .src = {{.shape = LYNE_SHAPE(3, 45, 70)}}, .build = build_two, .context = &kind};
        open_run(&b[kind], &s, true);
        cr_expect(has_words(&b[kind], "backward  gelu ") == (kind != NOTHING));
    }
    cr_expect(memcmp(b[0].weights->grad, b[1].weights->grad, b[0].weights->n_trained * sizeof(float)) == 0);
    for (int i = 0; i < 3; i++) bench_close(&b[i]);
}
