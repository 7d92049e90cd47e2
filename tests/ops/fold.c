/* In inference batch_norm, add, relu and relu6 are done in the convolution or linear layer before them: the same answer
 * as apart, to rounding. */
#include "base/cpu.h"
#include "dnn/dnn.h"
#include "lyne/ops.h"
#include "reference/bench.h"
#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct layers {
    bool apart; /* dropouts between, which in inference are nothing but other readers */
    bool linear, bias, norm, swapped;
    int64_t groups;
    char sum; /* 0: no add; 'd': the other source is dead after it; 'k': something reads it later; 'o': conv reads it */
    char clamp; /* 0, 'r': relu, '6': relu6 */
} layers;

static lyne_node *gap(lyne_graph *g, const layers *l, const char *name, lyne_node *x) {
    return l->apart ? lyne_dropout(g, name, x, (lyne_dropout_config){.rate = 0.5}) : x;
}

static lyne_node *build(lyne_graph *g, const void *context, lyne_node *const *src) {
    const layers *l = context;
    lyne_node *other = lyne_tanh(g, "other", src[1]), *x = l->sum == 'o' ? other : src[0];
    if (l->linear)
        x = lyne_linear(g, "fc", x, (lyne_linear_config){.units = src[1]->shape.dim[1], .bias = l->bias});
    else
        x = lyne_conv2d(g, "conv", x,
                        (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = src[1]->shape.dim[1], .padding = 1,
                                             .groups = l->groups, .bias = l->bias});
    if (l->norm) x = lyne_batch_norm(g, "bn", gap(g, l, "d1", x), (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS});
    if (l->sum) {
        x = gap(g, l, "d2", x);
        x = l->swapped ? lyne_add(g, "sum", other, x) : lyne_add(g, "sum", x, other);
    }
    if (l->clamp == 'r') x = lyne_relu(g, "relu", gap(g, l, "d3", x));
    if (l->clamp == '6') x = lyne_relu6(g, "relu6", gap(g, l, "d3", x));
    return l->sum == 'k' ? lyne_mul(g, "later", x, other) : x;
}

static int n_steps(const bench *b, const char *pass) {
    int n = 0;
    for (int i = 0; i < lyne_program_n_steps(b->program); i++)
        n += strcmp(lyne_program_step(b->program, i).pass, pass) == 0;
    return n;
}

/* Running statistics as training might have left them. */
static void fill_statistics(bench *b) {
    const lyne_weights *w = b->weights;
    for (int i = 0; i < w->n; i++)
        for (int64_t k = 0; w->param[i].role == LYNE_STATE && k < lyne_shape_size(&w->param[i].shape); k++)
            w->value[w->offset[i] + (size_t)k] =
                strstr(w->param[i].name, "var") ? 0.3f + 0.7f * (float)(k % 4) : 0.2f * (float)(k % 5) - 0.5f;
    bench_changed(b);
}

static void check(lyne_shape in, lyne_shape out, layers kind, bool bf16) {
    const layers together = kind;
    layers apart = kind;
    apart.apart = true;
    bench_subject s = {
        .n_src = 2, .src = {{.shape = in}, {.shape = out}}, .build = build, .context = &together, .bf16 = bf16};
    bench_subject t = s;
    t.context = &apart;
    bench a, b;
    lyne_error err = {0};
    cr_assert(bench_open(&a, &s, false, &err) == LYNE_OK, "%s", err.text);
    cr_assert(bench_open(&b, &t, false, &err) == LYNE_OK, "%s", err.text);
    const int folded = (kind.norm) + (kind.sum == 'd') + (kind.clamp && (!kind.sum || kind.sum == 'd'));
    if (!bf16)
        cr_expect_eq(n_steps(&b, "forward") - n_steps(&a, "forward"), folded, "%d steps are gone, not %d",
                     n_steps(&b, "forward") - n_steps(&a, "forward"), folded);
    fill_statistics(&a);
    fill_statistics(&b);
    const int64_t n = lyne_shape_size(&out);
    double *is = malloc((size_t)n * sizeof *is), *due = malloc((size_t)n * sizeof *due), worst = 0;
    for (int run = 0; run < 2; run++) { /* the second with other weights: the copies are made again */
        cr_assert(bench_run(&a, &err) == LYNE_OK && bench_run(&b, &err) == LYNE_OK, "%s", err.text);
        bench_value(&a, is);
        bench_value(&b, due);
        for (int64_t i = 0; i < n; i++)
            worst = fmax(worst, isnan(is[i]) ? 1e9 : fabs(is[i] - due[i]) / (1 + fabs(due[i])));
        cr_expect(worst < (bf16                                  ? 0.08
                           : in.dim[1] == 16 && kind.groups == 1 ? 1e-4
                                                                 : 5e-6), /* Winograd's factors */
                  "%s %s %d%d%d%d %c%c: off by %g", bf16 ? "bf16" : "f32", kind.linear ? "linear" : "conv", kind.bias,
                  kind.norm, kind.swapped, (int)kind.groups, kind.sum, kind.clamp, worst);
        bench *both[] = {&a, &b};
        for (int k = 0; k < 2; k++) {
            for (size_t i = 0; i < both[k]->weights->n_trained; i++) both[k]->weights->value[i] *= 0.7f;
            bench_changed(both[k]);
        }
    }
    free(is);
    free(due);
    bench_close(&a);
    bench_close(&b);
}

Test(fold, same_as_apart) {
    const char clamps[] = {0, 'r', '6'}, sums[] = {0, 'd', 'k'};
    for (int how = 0; how < 8; how++)
        for (int c = 0; c < 3; c++)
            for (int k = 0; k < 3; k++)
                for (int bf16 = 0; bf16 <= dnn_has_bf16(); bf16++) {
                    layers l = {.bias = how & 1,
                                .norm = how & 2,
                                .swapped = how & 4,
                                .groups = 1,
                                .sum = sums[k],
                                .clamp = clamps[c]};
                    check((lyne_shape){4, {2, 6, 5, 7}}, (lyne_shape){4, {2, 20, 5, 7}}, l, bf16);
                    if (!bf16) check((lyne_shape){4, {3, 16, 7, 5}}, (lyne_shape){4, {3, 48, 7, 5}}, l, false);
                    l.groups = 16;
                    check((lyne_shape){4, {3, 16, 4, 4}}, (lyne_shape){4, {3, 16, 4, 4}}, l, bf16);
                    l.linear = true;
                    check((lyne_shape){2, {5, 9}}, (lyne_shape){2, {5, 33}}, l, bf16);
                }
}

/* A convolution must not write over what it reads. */
Test(fold, not_over_its_own_source) {
    const layers l = {.norm = true, .groups = 1, .sum = 'o', .clamp = 'r'};
    check((lyne_shape){4, {2, 8, 5, 5}}, (lyne_shape){4, {2, 8, 5, 5}}, l, false);
    check((lyne_shape){4, {2, 16, 8, 8}}, (lyne_shape){4, {2, 16, 8, 8}}, l, false);
}

static const layers residual = {.bias = true, .norm = true, .groups = 1, .sum = 'd', .clamp = '6'};
static const bench_subject winograd = {.n_src = 2,
                                       .src = {{.shape = {4, {5, 32, 13, 12}}}, {.shape = {4, {5, 48, 13, 12}}}},
                                       .build = build,
                                       .context = &residual};

static void open_winograd(bench *b) {
    lyne_error err = {0};
    cr_assert(bench_open(b, &winograd, false, &err) == LYNE_OK, "%s", err.text);
    fill_statistics(b);
}

Test(fold, winograd_has_the_same_bits_at_two_threads) {
    bench b[2];
    lyne_error err = {0};
    const size_t n = (size_t)lyne_shape_size(&winograd.src[1].shape) * sizeof(float);
    for (int k = 0; k < 2; k++) {
        omp_set_num_threads(1 + k);
        open_winograd(&b[k]);
        cr_assert(bench_run(&b[k], &err) == LYNE_OK, "%s", err.text);
        bool own = lyne_cpu_isa() < LYNE_ISA_AVX512;
        for (int i = 0; i < lyne_program_n_steps(b[k].program); i++)
            own |= strcmp(lyne_program_step(b[k].program, i).what, "winograd") == 0;
        cr_expect(own, "not by winograd");
    }
    cr_expect(memcmp(lyne_program_output(b[0].program, b[0].node), lyne_program_output(b[1].program, b[1].node), n) ==
              0);
    for (int k = 0; k < 2; k++) bench_close(&b[k]);
}

/* From the picture through the products, from the other source of the add, and past the clamps. */
Test(fold, winograd_keeps_nan) {
    if (lyne_cpu_isa() < LYNE_ISA_AVX512) cr_skip_test("oneDNN's clamps make a 0 of a NaN, and winograd needs AVX-512");
    for (int source = 0; source < 2; source++) {
        bench b;
        lyne_error err = {0};
        bool seen = false;
        open_winograd(&b);
        bench_source_at(&b, source)[lyne_shape_size(&winograd.src[source].shape) / 2] = NAN;
        cr_assert(bench_run(&b, &err) == LYNE_OK, "%s", err.text);
        const float *value = lyne_program_output(b.program, b.node);
        for (int64_t i = 0; i < lyne_shape_size(&b.node->shape); i++) seen |= isnan(value[i]);
        cr_expect(seen, "of source %d", source);
        bench_close(&b);
    }
}
