/* tests/optim/limit_norms.c -- long rows are cut to the norm, all else stays as it is, bit by bit. */
#include "weights.h"

#include <math.h>

static double norm(const float *row, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)row[i] * (double)row[i];
    return sqrt(sum);
}

Test(limit_norms, rows) {
    lyne_weights *w = test_weights(3), *before = test_weights(3);
    lyne_param params[N_PARAMS];
    memcpy(params, test_params, sizeof params);
    params[2].role = LYNE_WEIGHT; /* of rank 1: has no rows, and is left alone as are biases */
    w->param = params;
    enum { ROW = 12 };
    for (int i = 0; i < ROW; i++) /* row 0 is short, row 1 long, row 2 just as long as allowed */
        before->value[i] = w->value[i] = 0.1f, before->value[2 * ROW + i] = w->value[2 * ROW + i] = i ? 0 : 2;
    w->value[ROW] = before->value[ROW] = 50;
    lyne_limit_norms(w, 2);
    cr_expect_arr_eq(w->value, before->value, ROW * sizeof(float), "a short row");
    cr_expect_arr_eq(w->value + 2 * ROW, before->value + 2 * ROW, ROW * sizeof(float), "a row just as long");
    cr_expect_float_eq(norm(w->value + ROW, ROW), 2, 1e-6);
    double scale = 2 / norm(before->value + ROW, ROW);
    for (int i = ROW; i < 2 * ROW; i++) cr_expect_float_eq(w->value[i], before->value[i] * scale, 1e-6);
    cr_expect_arr_eq(w->value + 48, before->value + 48, 32 * sizeof(float), "biases and other vectors");
    cr_expect_float_eq(norm(w->value + 80, BIG), 2, 1e-4);
    free_weights(w);
    free_weights(before);
}

Test(limit_norms, none) {
    lyne_weights *w = test_weights(3), *before = test_weights(3);
    lyne_limit_norms(w, 0);
    cr_expect_arr_eq(w->value, before->value, VALUES * sizeof(float));
    free_weights(w);
    free_weights(before);
}

/* Both optimizers apply it after their update. */
Test(limit_norms, in_a_step) {
    static const struct {
        const lyne_optimizer *row;
        const char *yaml;
    } table[] = {{&lyne_optimizer_sgd, "{sgd: {max_norm: 1.5}}"}, {&lyne_optimizer_adamw, "{adamw: {max_norm: 1.5}}"}};
    for (int i = 0; i < 2; i++) {
        filled config = filled_with(&table[i].row->component, table[i].yaml);
        lyne_weights *w = test_weights(4);
        lyne_update u = {.weights = w, .step = 1, .lr = table[i].row->lr(config.instance.config)};
        for (int k = 0; k < table[i].row->n_slots; k++) u.slot[k] = lyne_alloc(TRAINED, sizeof(float));
        set_grad(w, 1);
        table[i].row->step(config.instance.config, &u);
        for (int row = 0; row < 3; row++) cr_expect_leq(norm(w->value + row * 12, 12), 1.5 + 1e-6);
        for (int k = 0; k < table[i].row->n_slots; k++) lyne_free(u.slot[k]);
        free_weights(w);
        unfill(&config);
    }
}
