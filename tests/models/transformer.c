/* The family of transformers: parameters as many as PyTorch's, names, shapes, what is refused, who sees whom. */
#include "reference/bench.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const lyne_model lyne_model_transformer;

/* params: sum(p.numel() for p in net.parameters()) of class Tr in PyTorch 2.13.0 for the first, and of its parts (an
 * embedding, positions, and for each layer two LayerNorms and the Linears d -> 3 d, d -> d, d -> f, f -> d; a LayerNorm, a
 * Linear) for the others. */
static const struct {
    const char *config;
    int64_t vocabulary, length, classes;
    bool each;
    int64_t params;
} rows[] = {{NULL, 1000, 128, 1000, true, 3705320},
            {"{layers: 2, width: 128, kind: decoder, dropout: 0.1}", 65, 128, 65, true, 429889},
            {"{layers: 3, width: 24, heads: 2, feed_forward: 50, output: mean, padding: 0}", 40, 9, 7, false, 16309},
            {"{layers: 1, width: 8, heads: 1, output: first}", 11, 5, 2, false, 1034}};
enum { N_ROWS = sizeof rows / sizeof *rows };

static lyne_graph *graph_of(int row, lyne_node **logits) {
    lyne_arena arena = {0};
    lyne_graph *g;
    const void *config = bench_config(&lyne_model_transformer.component, rows[row].config, &arena);
    cr_assert(config && lyne_graph_new(2, &g, NULL) == LYNE_OK);
    lyne_node *x = lyne_graph_input(g, "tokens", LYNE_SHAPE(2, rows[row].length), LYNE_S32);
    x->below = rows[row].vocabulary;
    *logits = lyne_model_transformer.build(g, config, x, rows[row].classes);
    lyne_arena_free(&arena);
    return g;
}

Test(transformer, parameters_and_shape) {
    for (int i = 0; i < N_ROWS; i++) {
        lyne_node *logits;
        lyne_error err = {0};
        lyne_graph *g = graph_of(i, &logits);
        const lyne_shape each = LYNE_SHAPE(2, rows[i].length, rows[i].classes), one = LYNE_SHAPE(2, rows[i].classes);
        cr_assert(lyne_graph_status(g, &err) == LYNE_OK, "row %d: %s", i, err.text);
        cr_expect(lyne_graph_count_params(g) == rows[i].params, "row %d: %d", i, (int)lyne_graph_count_params(g));
        cr_expect(lyne_shape_equal(&logits->shape, rows[i].each ? &each : &one), "row %d", i);
        lyne_graph_free(g);
    }
}

Test(transformer, names) {
    static const char *const names[] = {"embedding.weight",    "positions.weight",    "layers.0.norm1.weight",
                                        "layers.0.norm1.bias", "layers.0.qkv.weight", "layers.0.qkv.bias",
                                        "layers.0.out.weight", "layers.0.out.bias",   "layers.0.norm2.weight",
                                        "layers.0.norm2.bias", "layers.0.fc1.weight", "layers.0.fc1.bias",
                                        "layers.0.fc2.weight", "layers.0.fc2.bias",   "norm.weight",
                                        "norm.bias",           "head.weight",         "head.bias"};
    lyne_node *logits;
    lyne_graph *g = graph_of(3, &logits);
    cr_assert(lyne_graph_n_params(g) == sizeof names / sizeof *names);
    for (int i = 0; i < lyne_graph_n_params(g); i++) cr_expect_str_eq(lyne_graph_param(g, i)->name, names[i]);
    lyne_graph_free(g);
}

Test(transformer, refuses_pictures_and_odd_heads) {
    lyne_arena arena = {0};
    lyne_graph *g;
    lyne_error err = {0};
    void *config = bench_config(&lyne_model_transformer.component, NULL, &arena);
    cr_assert(config && lyne_graph_new(2, &g, NULL) == LYNE_OK);
    lyne_node *x = lyne_graph_input(g, "picture", LYNE_SHAPE(2, 1, 8, 8), LYNE_F32);
    cr_expect(lyne_model_transformer.build(g, config, x, 10) == NULL);
    lyne_graph_status(g, &err);
    cr_expect(strstr(err.text, "reads tokens (B, L)"), "%s", err.text);
    lyne_graph_free(g);
    ((int64_t *)config)[2] = 3; /* heads, third of the fields */
    cr_expect_str_eq(lyne_model_transformer.component.check(config), "heads must divide width");
    lyne_arena_free(&arena);
}

/* ---- which token changes which logits ---- */

typedef struct subject_of {
    const char *config;
    int64_t classes;
} subject_of;

static lyne_node *build(lyne_graph *g, const void *context, lyne_node *const *src) {
    const subject_of *s = context;
    lyne_arena arena = {0};
    const void *config = bench_config(&lyne_model_transformer.component, s->config, &arena);
    lyne_node *logits = lyne_model_transformer.build(g, config, src[0], s->classes);
    lyne_arena_free(&arena);
    return logits;
}

enum { L = 6, C = 5 };

/* The logits of such tokens in the first sample. */
static void logits_of(const char *config, const int32_t token[L], double *out) {
    const subject_of s = {.config = config, .classes = C};
    const bench_subject subject = {
        .n_src = 1, .src = {{.shape = {2, {2, L}}, .type = LYNE_S32, .labels = C}}, .build = build, .context = &s};
    bench b;
    lyne_error err = {0};
    cr_assert(bench_open(&b, &subject, false, &err) == LYNE_OK, "%s", err.text);
    memcpy(lyne_program_input(b.program, b.src[0]), token, L * sizeof *token);
    cr_assert(bench_run(&b, &err) == LYNE_OK);
    bench_value(&b, out);
    bench_close(&b);
}

Test(transformer, who_sees_whom) {
    static const struct {
        const char *config;
        int changed;    /* the place whose token changes     */
        int first, end; /* logits, by place, that change     */
    } cases[] = {{"{layers: 2, width: 8, heads: 2, kind: decoder}", 3, 3, L},
                 {"{layers: 2, width: 8, heads: 2}", 3, 0, L},
                 {"{layers: 2, width: 8, heads: 2, padding: 0}", 3, 0, L}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t token[L] = {1, 2, 3, 4, 1, 2};
        double before[2 * L * C], after[2 * L * C];
        logits_of(cases[i].config, token, before);
        token[cases[i].changed] = 2;
        logits_of(cases[i].config, token, after);
        for (int l = 0; l < L; l++)
            cr_expect((memcmp(before + l * C, after + l * C, C * sizeof *before) != 0) ==
                          (l >= cases[i].first && l < cases[i].end),
                      "case %zu, place %d", i, l);
    }
}

/* What stands where the padding is cannot matter to the mean: its row of the table is changed. */
Test(transformer, padding_is_not_seen) {
    static const char config[] = "{layers: 2, width: 8, heads: 2, padding: 4, output: mean}";
    const subject_of s = {.config = config, .classes = C};
    const bench_subject subject = {
        .n_src = 1, .src = {{.shape = {2, {2, L}}, .type = LYNE_S32, .labels = C}}, .build = build, .context = &s};
    static const int32_t token[2 * L] = {1, 2, 3, 4, 4, 4, 0, 1, 4, 4, 4, 4};
    double value[2][2 * C];
    bench b;
    lyne_error err = {0};
    cr_assert(bench_open(&b, &subject, false, &err) == LYNE_OK, "%s", err.text);
    memcpy(lyne_program_input(b.program, b.src[0]), token, sizeof token);
    for (int k = 0; k < 2; k++) {
        cr_assert(bench_run(&b, &err) == LYNE_OK);
        bench_value(&b, value[k]);
        for (int f = 0; f < 8; f++) b.weights->value[b.weights->offset[0] + 4 * 8 + (size_t)f] += (float)f + 1;
        bench_changed(&b);
    }
    for (int i = 0; i < 2 * C; i++) cr_expect(isfinite(value[0][i]) && value[0][i] == value[1][i], "%d", i);
    bench_close(&b);
}
