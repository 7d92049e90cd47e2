/* dropout: what the mask is a function of, and how often it drops. */
#include "lyne/ops.h"
#include "reference/bench.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { B = 64, F = 256 };

static lyne_node *two_in_a_row(lyne_graph *g, const void *context, lyne_node *const *src) {
    (void)context;
    lyne_dropout(g, "other", src[0], (lyne_dropout_config){.rate = 0.3});
    return lyne_dropout(g, "drop", src[0], (lyne_dropout_config){.rate = 0.3});
}

static const bench_subject subject = {.n_src = 1, .src = {{.shape = {2, {B, F}}}}, .build = two_in_a_row};

static void masks(lyne_clock clock, bool kept[B][F]) {
    static double value[B * F];
    bench b;
    lyne_error err = {0};
    cr_assert(bench_open(&b, &subject, true, &err) == LYNE_OK, "%s", err.text);
    for (int i = 0; i < B * F; i++) bench_source_at(&b, 0)[i] = 0.7f;
    bench_changed(&b);
    b.clock = clock;
    cr_assert(bench_run(&b, &err) == LYNE_OK);
    bench_value(&b, value);
    for (int i = 0; i < B * F; i++) {
        kept[i / F][i % F] = value[i] != 0;
        cr_assert(value[i] == 0 || fabs(value[i] - 1) < 1e-6);
    }
    bench_close(&b);
}

Test(dropout, mask) {
    static bool first[B][F], again[B][F], later[B][F], seeded[B][F];
    masks((lyne_clock){.seed = 1, .position = 128}, first);
    masks((lyne_clock){.seed = 1, .position = 128}, again);
    masks((lyne_clock){.seed = 1, .position = 130}, later);
    masks((lyne_clock){.seed = 2, .position = 128}, seeded);
    cr_expect(memcmp(first, again, sizeof first) == 0);
    cr_expect(memcmp(first[2], later[0], sizeof first - 2 * sizeof first[0]) == 0, "a row's mask goes with its place");
    int n = 0, same_seed = 0, same_row = 0;
    for (int b = 0; b < B; b++)
        for (int i = 0; i < F; i++) {
            n += first[b][i];
            same_seed += first[b][i] == seeded[b][i];
            same_row += first[b][i] == first[(b + 1) % B][i];
        }
    /* B F draws: the standard deviation of a share of 0.7 is 0.0036, of one of 0.58 is 0.0039 */
    cr_expect(fabs(n / (double)(B * F) - 0.7) < 0.015, "%g", n / (double)(B * F));
    cr_expect(fabs(same_seed / (double)(B * F) - 0.58) < 0.016, "%g", same_seed / (double)(B * F));
    cr_expect(fabs(same_row / (double)(B * F) - 0.58) < 0.016, "%g", same_row / (double)(B * F));
}

Test(dropout, nodes_differ) {
    bench b;
    lyne_error err = {0};
    cr_assert(bench_open(&b, &subject, true, &err) == LYNE_OK);
    lyne_node *other = lyne_graph_find(b.graph, "other");
    lyne_program *p;
    const lyne_compile what = {
        .weights = b.weights, .training = true, .output = (lyne_node *[]){other, b.node}, .n_outputs = 2};
    cr_assert(lyne_program_compile(b.graph, &what, &p, &err) == LYNE_OK, "%s", err.text);
    cr_assert(lyne_program_run(p, &b.clock, &err) == LYNE_OK);
    cr_expect(memcmp(lyne_program_output(p, other), lyne_program_output(p, b.node), B * F * sizeof(float)) != 0);
    lyne_program_free(p);
    bench_close(&b);
}

Test(dropout, inference_is_no_step) {
    bench b;
    lyne_error err = {0};
    cr_assert(bench_open(&b, &subject, false, &err) == LYNE_OK);
    cr_expect(lyne_program_n_steps(b.program) == 2, "the test's variable and objective only");
    bench_close(&b);
}
