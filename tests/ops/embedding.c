/* embedding: a number that is no entry is not read from anywhere; how the table starts. */
#include "lyne/ops.h"
#include "reference/bench.h"
#include <criterion/criterion.h>
#include <math.h>

static lyne_node *build(lyne_graph *g, const void *context, lyne_node *const *src) {
    (void)context;
    return lyne_embedding(g, "embedding", src[0], (lyne_embedding_config){.entries = 3, .width = 2});
}

Test(embedding, no_such_entry) {
    const bench_subject s = {.n_src = 1, .src = {{.shape = {1, {4}}, .type = LYNE_S32, .labels = 3}}, .build = build};
    static const int32_t ids[] = {2, -1, 3, INT32_MIN};
    bench b;
    lyne_error err = {0};
    double value[8];
    cr_assert(bench_open(&b, &s, true, &err) == LYNE_OK, "%s", err.text);
    for (int i = 0; i < 4; i++) ((int32_t *)lyne_program_input(b.program, b.src[0]))[i] = ids[i];
    cr_assert(bench_run(&b, &err) == LYNE_OK);
    bench_value(&b, value);
    for (int i = 0; i < 8; i++) cr_expect(isnan(value[i]) == (i > 1), "%d: %g", i, value[i]);
    bench_close(&b);
}

Test(embedding, builder_checks_ranges) {
    lyne_graph *g;
    lyne_error err = {0};
    cr_assert(lyne_graph_new(2, &g, NULL) == LYNE_OK);
    lyne_node *x = lyne_graph_input(g, "x", LYNE_SHAPE(2, 3), LYNE_S32);
    cr_expect(lyne_embedding(g, "e", x, (lyne_embedding_config){.entries = 0, .width = 2}) == NULL);
    cr_expect(lyne_graph_status(g, &err) == LYNE_ERECIPE);
    lyne_graph_free(g);
}

/* Of 10,000 draws the mean is within 4 of its standard errors, and so is the standard deviation. */
Test(embedding, starts_normal) {
    for (int small = 0; small < 2; small++) {
        const double sd = small ? 0.02 : 1;
        double sum = 0, square = 0;
        lyne_graph *g;
        lyne_weights *w;
        cr_assert(lyne_graph_new(2, &g, NULL) == LYNE_OK);
        lyne_node *x = lyne_graph_input(g, "x", LYNE_SHAPE(2, 3), LYNE_S32);
        lyne_embedding(g, "e", x, (lyne_embedding_config){.entries = 100, .width = 100, .small = small});
        cr_assert(lyne_weights_new(g, 1, &w, NULL) == LYNE_OK);
        for (int i = 0; i < 10000; i++) {
            const double v = (double)w->value[w->offset[0] + (size_t)i];
            sum += v;
            square += v * v;
        }
        cr_expect(fabs(sum / 10000) < 0.04 * sd, "mean %g", sum / 10000);
        cr_expect(fabs(sqrt(square / 10000) / sd - 1) < 0.03, "sd %g", sqrt(square / 10000));
        lyne_weights_free(w);
        lyne_graph_free(g);
    }
}
