/* Training looks for NaN in its loss, so no op may lose one on the way there. */
#include "reference/bench.h"
#include "rows.h"
#include <criterion/criterion.h>
#include <math.h>

static double objective_with(const lyne_op *op, const lyne_op_case *c, bool training, bool everywhere, float value) {
    lyne_arena arena = {0};
    lyne_error err = {0};
    bench b;
    const bench_op context = {.op = op, .config = bench_config(&op->component, c->config, &arena)};
    bench_subject s = {.n_src = op->n_src, .build = bench_build_op, .context = &context};
    for (int i = 0; i < op->n_src; i++)
        s.src[i] = (bench_source){.shape = c->src[i], .type = source_type(op, i), .labels = 5};
    cr_assert(bench_open(&b, &s, training, &err) == LYNE_OK, "%s", err.text);
    const int64_t n = lyne_shape_size(&c->src[0]);
    for (int64_t i = 0; i < n; i++)
        if (everywhere || i == n / 2) bench_source_at(&b, 0)[i] = value;
    bench_changed(&b);
    cr_assert(bench_run(&b, &err) == LYNE_OK, "%s", err.text);
    const double objective = b.objective;
    bench_close(&b);
    lyne_arena_free(&arena);
    return objective;
}

/* Its source can be NaN: it is neither pixels nor entries of a table. */
static bool has_floats(const lyne_op *op) {
    return op != &lyne_op_normalize && op != &lyne_op_embedding;
}

Test(nan, goes_through_every_op) {
    for (int i = 0; i < N_ROWS; i++)
        for (int k = 0; has_floats(rows[i]) && rows[i]->cases[k].src[0].rank; k++)
            for (int training = 0; training < 2; training++) {
                /* dropout may drop just this one, slice leave it out, a mask hide it */
                const bool everywhere = rows[i] == &lyne_op_dropout || rows[i] == &lyne_op_slice ||
                                        rows[i] == &lyne_op_masked_self_attention || rows[i] == &lyne_op_sequence_mean;
                const double finite = objective_with(rows[i], &rows[i]->cases[k], training, everywhere, 0.1f);
                const double nan = objective_with(rows[i], &rows[i]->cases[k], training, everywhere, NAN);
                cr_expect(isfinite(finite), "%s case %d", rows[i]->component.name, k);
                cr_expect(isnan(nan), "%s case %d, %s: %g", rows[i]->component.name, k,
                          training ? "training" : "inference", nan);
            }
}
