/* cross_entropy: two rows worked by hand, labels that are no class, what does not fit. */
#include "subject.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static loss_context context(const char *yaml, lyne_arena *arena) {
    return (loss_context){.loss = &lyne_loss_cross_entropy,
                          .config = bench_config(&lyne_loss_cross_entropy.component, yaml, arena)};
}

/* Row 0: z = (0, 0), label 0, p = (1/2, 1/2); row 1: z = (ln 3, 0), label 1, p = (3/4, 1/4).  Smoothing e = 0.2 makes q
 * = (0.9, 0.1) and (0.1, 0.9).  L = -1/2 sum q log p, dL/dz = 1/2 (p - q). */
Test(cross_entropy, by_hand) {
    const float z[] = {0, 0, (float)log(3), 0};
    const int32_t labels[] = {0, 1};
    static const struct {
        const char *config;
        double q;
    } rows_by_hand[] = {{"{}", 1}, {"{smoothing: 0.2}", 0.9}};
    for (int i = 0; i < 2; i++) {
        lyne_arena arena = {0};
        const loss_context c = context(rows_by_hand[i].config, &arena);
        const double q = rows_by_hand[i].q, by_hand[] = {0.5 - q, 0.5 - (1 - q), 0.75 - (1 - q), 0.25 - q};
        double grad[4];
        const double value = run_loss(&c, 2, 2, z, labels, grad);
        const double expected = -0.5 * (log(0.5) + (1 - q) * log(0.75) + q * log(0.25));
        cr_expect(fabs(value - expected) < 1e-7, "%.9g, not %.9g", value, expected);
        for (int k = 0; k < 4; k++) cr_expect(fabs(grad[k] - by_hand[k] / 2) < 1e-7, "%d: %.9g", k, grad[k]);
        lyne_arena_free(&arena);
    }
}

/* Logits, labels and what is mixed. */
static lyne_node *build_mixed(lyne_graph *g, const void *config, lyne_node *const *src) {
    const lyne_loss_inputs in = {.logits = src[0], .labels = src[1], .mix = src[2]};
    return lyne_loss_cross_entropy.build(g, "loss", config, &in);
}

static double run_mixed(const loss_context *c, int64_t batch, int64_t classes, const float *z, const int32_t *labels,
                        const int32_t *mix, double *grad) {
    const bench_subject s = {.n_src = 3,
                             .src = {{.shape = LYNE_SHAPE(batch, classes)},
                                     {.shape = LYNE_SHAPE(batch), .type = LYNE_S32, .labels = classes},
                                     {.shape = LYNE_SHAPE(batch, 2), .type = LYNE_S32, .labels = classes}},
                             .build = build_mixed,
                             .context = c->config};
    bench b;
    lyne_error err = {0};
    double value;
    cr_assert(bench_open(&b, &s, true, &err) == LYNE_OK, "%s", err.text);
    memcpy(bench_source_at(&b, 0), z, (size_t)(batch * classes) * sizeof *z);
    memcpy(lyne_program_input(b.program, b.src[1]), labels, (size_t)batch * sizeof *labels);
    memcpy(lyne_program_input(b.program, b.src[2]), mix, (size_t)batch * 2 * sizeof *mix);
    bench_changed(&b);
    cr_assert(bench_run(&b, &err) == LYNE_OK, "%s", err.text);
    bench_value(&b, &value);
    for (int64_t i = 0; i < batch * classes; i++) grad[i] = (double)bench_source_grad(&b, 0)[i] / (double)b.r[0];
    bench_close(&b);
    return value;
}

/* Linear in the target, so of two labels the weighted mean of that of each; and of one label twice just that. */
Test(cross_entropy, two_labels) {
    enum { B = 4, C = 5 };
    static const int32_t labels[B] = {0, 3, 2, 4}, mix[2 * B] = {1, 16384, 0, 65536, 2, 9, 3, 0};
    float z[B * C];
    for (int i = 0; i < B * C; i++) z[i] = (float)(i * 7 % 11) / 3;
    for (int i = 0; i < 2; i++) {
        lyne_arena arena = {0};
        const loss_context c = context(i ? "{smoothing: 0.1}" : "{}", &arena);
        double grad[B * C], expected = 0;
        const double value = run_mixed(&c, B, C, z, labels, mix, grad);
        for (int b = 0; b < B; b++) {
            const double w = mix[2 * b + 1] / 65536.0;
            double one[C], other[C];
            expected += w * run_loss(&c, 1, C, z + b * C, &labels[b], one) / B;
            expected += (1 - w) * run_loss(&c, 1, C, z + b * C, &mix[2 * b], other) / B;
            for (int k = 0; k < C; k++) {
                const double by_hand = (w * one[k] + (1 - w) * other[k]) / B;
                cr_expect(fabs(grad[b * C + k] - by_hand) < 1e-7, "%d, %d: %g, not %g", b, k, grad[b * C + k], by_hand);
            }
        }
        cr_expect(fabs(value - expected) < 1e-6, "%.9g, not %.9g", value, expected);
        const int32_t nowhere[2 * B] = {1, 16384, 0, 65536, 5, 9, 3, 0};
        cr_expect(isnan(run_mixed(&c, B, C, z, labels, nowhere, grad)));
        lyne_arena_free(&arena);
    }
}

Test(cross_entropy, no_such_class) {
    static const int32_t labels[][2] = {{0, 3}, {-1, 0}, {INT32_MAX, 0}, {0, INT32_MIN}};
    const float z[6] = {1, 2, 3};
    lyne_arena arena = {0};
    const loss_context c = context("{smoothing: 0.1}", &arena);
    for (int i = 0; i < 4; i++) cr_expect(isnan(run_loss(&c, 2, 3, z, labels[i], NULL)), "row %d", i);
    lyne_arena_free(&arena);
}

Test(cross_entropy, what_does_not_fit) {
    static const struct {
        lyne_shape logits, labels;
        lyne_type type;
        const char *text;
    } misfits[] = {
        {{2, {4, 10}}, {1, {5}}, LYNE_S32, "cross_entropy expects one s32 label for each row of (4, 10), not (5)"},
        {{2, {4, 10}}, {2, {4, 10}}, LYNE_S32, "label for each row of (4, 10), not (4, 10)"},
        {{2, {4, 10}}, {1, {4}}, LYNE_F32, "cross_entropy expects one s32 label"},
        {{3, {4, 10, 2}}, {1, {4}}, LYNE_S32, "cross_entropy expects f32 logits (B, C), not (4, 10, 2)"}};
    lyne_arena arena = {0};
    const loss_context c = context("{}", &arena);
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
        lyne_graph *g;
        lyne_error err = {0};
        cr_assert(lyne_graph_new(4, &g, NULL) == LYNE_OK);
        const lyne_loss_inputs in = {.logits = lyne_graph_input(g, "z", misfits[i].logits, LYNE_F32),
                                     .labels = lyne_graph_input(g, "y", misfits[i].labels, misfits[i].type)};
        cr_expect(lyne_loss_cross_entropy.build(g, "loss", c.config, &in) == NULL);
        cr_expect(lyne_graph_status(g, &err) == LYNE_ERECIPE && strstr(err.text, misfits[i].text), "%s", err.text);
        lyne_graph_free(g);
    }
    lyne_graph *g;
    lyne_error err = {0};
    cr_assert(lyne_graph_new(4, &g, NULL) == LYNE_OK);
    const lyne_loss_inputs in = {.logits = lyne_graph_input(g, "z", LYNE_SHAPE(4, 10), LYNE_F32),
                                 .labels = lyne_graph_input(g, "y", LYNE_SHAPE(4), LYNE_S32),
                                 .mix = lyne_graph_input(g, "mix", LYNE_SHAPE(4), LYNE_S32)};
    cr_expect(lyne_loss_cross_entropy.build(g, "loss", c.config, &in) == NULL);
    cr_expect(lyne_graph_status(g, &err) == LYNE_ERECIPE && strstr(err.text, "(4, 2) of what is mixed, not (4)"));
    lyne_graph_free(g);
    lyne_arena_free(&arena);
}
