/* An add and a relu behind a batch_norm are done in its passes, and contributions to its gradient are summed there: the
 * same bits as apart in f32; in bf16, where apart rounds once more, nearly the same. */
#include "dnn/dnn.h"
#include "lyne/ops.h"
#include "opened.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct block {
    bool apart;   /* dropouts of rate 0 stand between, which are nothing but other readers */
    bool relu;    /* behind the add                                                        */
    bool two;     /* readers of the last value                                             */
    bool swapped; /* the batch_norm is the add's second source                             */
} block;

static lyne_node *gap(lyne_graph *g, const block *b, const char *name, lyne_node *x) {
    return b->apart ? lyne_dropout(g, name, x, (lyne_dropout_config){.rate = 0}) : x;
}

static lyne_node *build(lyne_graph *g, const void *context, lyne_node *const *src) {
    const block *b = context;
    lyne_node *x =
        gap(g, b, "d1", lyne_batch_norm(g, "bn", src[0], (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS}));
    x = b->swapped ? lyne_add(g, "sum", src[1], x) : lyne_add(g, "sum", x, src[1]);
    if (b->relu) x = lyne_relu(g, "relu", gap(g, b, "d2", x));
    if (!b->two) return x;
    return lyne_add(g, "join", lyne_tanh(g, "tanh", x), lyne_sigmoid(g, "sigmoid", x));
}

static void expect_step(const bench *b, const char *name, bool due) {
    cr_expect(has_words(b, name) == due, "%s", name);
}

static double error_of(const double *is, const double *due, int64_t n) {
    double worst = 0;
    for (int64_t i = 0; i < n; i++)
        worst = fmax(worst, isfinite(is[i]) ? fabs(is[i] - due[i]) / (1 + fabs(due[i])) : (double)INFINITY);
    return worst;
}

static void check(lyne_shape shape, block kind, lyne_type type, bool training) {
    const block together = kind, apart = {true, kind.relu, kind.two, kind.swapped};
    bench_subject s = {.n_src = 2,
                       .src = {{.shape = shape}, {.shape = shape}},
                       .build = build,
                       .context = &together,
                       .bf16 = type == LYNE_BF16};
    bench a, b;
    open_run(&a, &s, training);
    bench_subject t = s;
    t.context = &apart;
    open_run(&b, &t, training);
    expect_step(&a, kind.relu ? "batch_norm+add+relu" : "batch_norm+add", true);
    if (type == LYNE_F32) expect_step(&a, " sum ", false); /* in bf16 it is the cast before tanh that sums */
    expect_step(&b, "batch_norm+", false);
    const int64_t n = lyne_shape_size(&shape);
    double *is = malloc((size_t)n * sizeof *is), *due = malloc((size_t)n * sizeof *due);
    bench_value(&a, is);
    bench_value(&b, due);
    cr_expect(error_of(is, due, n) <= (type == LYNE_F32 ? 0 : 0.03));
    const lyne_weights *w = a.weights;
    for (int k = 0; k < w->n; k++) {
        if (!training || w->param[k].role == LYNE_STATE) continue;
        const float *x = w->grad + w->offset[k], *y = b.weights->grad + w->offset[k];
        if (type == LYNE_BF16 && n < 1000) continue; /* a relu may open for one and stay shut for the other */
        double error = 0, size = 0;
        for (int64_t i = 0; i < lyne_shape_size(&w->param[k].shape); i++) {
            error += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
            size += (double)y[i] * (double)y[i];
        }
        const double bound = type == LYNE_F32 ? 0 : 0.1 * sqrt(size);
        cr_expect(sqrt(error) <= bound, "%s: %g of %g", w->param[k].name, sqrt(error), sqrt(size));
    }
    free(is);
    free(due);
    bench_close(&a);
    bench_close(&b);
}

Test(batch_norm_add, same_as_apart) {
    const lyne_shape shapes[] = {{2, {6, 3}}, {4, {2, 3, 5, 3}}, {4, {8, 16, 8, 8}}, {4, {3, 200, 5, 7}}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int how = 0; how < 16; how++) {
            const block kind = {.relu = how & 1, .two = how & 2, .swapped = how & 4};
            check(shapes[i], kind, LYNE_F32, how & 8);
            if (dnn_has_bf16()) check(shapes[i], kind, LYNE_BF16, how & 8);
        }
}

/* The add's other source is made behind the batch_norm: the add stays for itself. */
static lyne_node *build_late(lyne_graph *g, const void *context, lyne_node *const *src) {
    (void)context;
    lyne_node *x = lyne_batch_norm(g, "bn", src[0], (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS});
    return lyne_add(g, "sum", x, lyne_tanh(g, "tanh", src[1]));
}

Test(batch_norm_add, not_before_the_other_is_there) {
    const bench_subject s = {.n_src = 2, .src = {{.shape = {2, {4, 2}}}, {.shape = {2, {4, 2}}}}, .build = build_late};
    bench b;
    cr_assert(bench_open(&b, &s, true, NULL) == LYNE_OK);
    expect_step(&b, "batch_norm+", false);
    bench_close(&b);
}

/* The other source is repeated, or the batch_norm's own value is: the add stays for itself, in training and inference. */
static lyne_node *build_repeating(lyne_graph *g, const void *context, lyne_node *const *src) {
    (void)context;
    return lyne_add(g, "sum", lyne_batch_norm(g, "bn", src[0], (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS}),
                    src[1]);
}

Test(batch_norm_add, not_what_is_repeated) {
    const lyne_shape whole = {4, {4, 3, 5, 5}}, part = {4, {4, 3, 1, 1}};
    for (int how = 0; how < 4; how++) {
        const bench_subject s = {.n_src = 2,
                                 .src = {{.shape = how & 1 ? part : whole}, {.shape = how & 1 ? whole : part}},
                                 .build = build_repeating};
        bench b;
        double value[300];
        cr_assert(bench_open(&b, &s, how & 2, NULL) == LYNE_OK && bench_run(&b, NULL) == LYNE_OK);
        expect_step(&b, "batch_norm+", false);
        bench_value(&b, value);
        for (int i = 0; i < 300; i++) cr_expect(isfinite(value[i]));
        bench_close(&b);
    }
}
