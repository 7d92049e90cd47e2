/* A relu behind a batch_norm is done in its passes: the same bits as the two apart, in both modes and types. */
#include "dnn/dnn.h"
#include "lyne/ops.h"
#include "opened.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* *context: a dropout of rate 0 stands between the two, which is nothing but another reader. */
static lyne_node *build(lyne_graph *g, const void *context, lyne_node *const *src) {
    lyne_node *x = lyne_batch_norm(g, "bn", src[0], (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS});
    if (*(const bool *)context) x = lyne_dropout(g, "drop", x, (lyne_dropout_config){.rate = 0});
    return lyne_relu(g, "relu", x);
}

static bool is_fused(const bench *b) {
    const bool found = has_words(b, "batch_norm+relu");
    cr_expect(found == !has_words(b, " relu "));
    return found;
}

static void check(lyne_shape shape, lyne_type type, bool training) {
    static const bool apart = true, together = false;
    bench_subject s = {
        .n_src = 1, .src = {{.shape = shape}}, .build = build, .context = &together, .bf16 = type == LYNE_BF16};
    bench a, b;
    open_run(&a, &s, training);
    bench_subject t = s;
    t.context = &apart;
    open_run(&b, &t, training);
    cr_expect(is_fused(&a) && !is_fused(&b));
    const int64_t n = lyne_shape_size(&shape);
    double *is = malloc((size_t)n * sizeof *is), *due = malloc((size_t)n * sizeof *due);
    bench_value(&a, is);
    bench_value(&b, due);
    int zeros = 0;
    for (int64_t i = 0; i < n; i++) {
        cr_expect(is[i] == due[i], "value %d: %g, not %g", (int)i, is[i], due[i]);
        zeros += is[i] == 0;
    }
    cr_expect(zeros > n / 10 && zeros < n, "%d of %d are 0", zeros, (int)n);
    const lyne_weights *w = a.weights;
    for (int k = 0; k < w->n; k++)
        for (int64_t i = 0; training && w->param[k].role != LYNE_STATE && i < lyne_shape_size(&w->param[k].shape); i++)
            cr_expect(w->grad[w->offset[k] + (size_t)i] == b.weights->grad[w->offset[k] + (size_t)i], "%s %d",
                      w->param[k].name, (int)i);
    free(is);
    free(due);
    bench_close(&a);
    bench_close(&b);
}

Test(batch_norm_relu, same_as_apart) {
    const lyne_shape shapes[] = {{2, {6, 3}}, {4, {2, 3, 5, 3}}, {4, {4, 16, 8, 8}}, {4, {3, 200, 5, 5}}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int training = 0; training < 2; training++) {
            check(shapes[i], LYNE_F32, training);
            if (dnn_has_bf16()) check(shapes[i], LYNE_BF16, training);
        }
}

/* NaN goes through a relu: a network that has diverged says so. */
Test(batch_norm_relu, nan_stays_nan) {
    static const bool together = false;
    const bench_subject s = {.n_src = 1, .src = {{.shape = {2, {4, 2}}}}, .build = build, .context = &together};
    bench b;
    cr_assert(bench_open(&b, &s, false, NULL) == LYNE_OK);
    bench_source_at(&b, 0)[0] = (float)NAN;
    bench_changed(&b);
    double value[8];
    cr_assert(bench_run(&b, NULL) == LYNE_OK);
    bench_value(&b, value);
    cr_expect(isnan(value[0]) && !isnan(value[1]));
    bench_close(&b);
}

static lyne_node *build_two_readers(lyne_graph *g, const void *context, lyne_node *const *src) {
    (void)context;
    lyne_node *x = lyne_batch_norm(g, "bn", src[0], (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS});
    return lyne_add(g, "add", x, lyne_relu(g, "relu", x));
}

Test(batch_norm_relu, not_when_somebody_else_reads) {
    const bench_subject s = {.n_src = 1, .src = {{.shape = {2, {4, 2}}}}, .build = build_two_readers};
    bench b;
    cr_assert(bench_open(&b, &s, true, NULL) == LYNE_OK);
    cr_expect(!is_fused(&b));
    bench_close(&b);
}
