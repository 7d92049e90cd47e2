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
    lyne_arena_free(&arena);
}
