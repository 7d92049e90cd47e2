/* embedding: a number that is no entry is not read from anywhere. */
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
