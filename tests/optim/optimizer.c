/* tests/optim/optimizer.c -- one table for all optimizers: against PyTorch's numbers, against the formulas in double, the
 * same bits at any number of threads, no allocation, and nothing but trained numbers touched. */
#include "weights.h"

#include <math.h>
#include <omp.h>

enum { STEPS = 6 };

/* The formulas, one number at a time, in double.  slot: two of each number. */
typedef struct formula {
    bool adam, nesterov, decay_all;
    double lr, momentum, beta1, beta2, epsilon, decay, clip;
} formula;

/* What the gradients are multiplied by; without `clip`, 1. */
static double clip_of(const formula *f, const lyne_weights *w) {
    double squares = 0;
    for (int k = 0; k < TRAINED; k++) squares += (double)w->grad[k] * (double)w->grad[k];
    return f->clip > 0 ? fmin(1, f->clip / (sqrt(squares) + 1e-6)) : 1;
}

static double one_step(const formula *f, int t, double decay, double g, double *slot, double w) {
    if (f->adam) {
        w *= 1 - f->lr * decay;
        slot[0] = f->beta1 * slot[0] + (1 - f->beta1) * g;
        slot[1] = f->beta2 * slot[1] + (1 - f->beta2) * g * g;
        double mean = slot[0] / (1 - pow(f->beta1, t)), square = slot[1] / (1 - pow(f->beta2, t));
        return w - f->lr * mean / (sqrt(square) + f->epsilon);
    }
    double d = g + decay * w;
    slot[0] = t == 1 ? d : f->momentum * slot[0] + d;
    return w - f->lr * (f->nesterov ? d + f->momentum * slot[0] : slot[0]);
}

static const struct {
    const lyne_optimizer *row;
    const char *yaml;
    formula formula;
} table[] = {
    {&lyne_optimizer_sgd, "sgd", {.decay_all = true, .lr = 0.05, .momentum = 0.9}},
    {&lyne_optimizer_sgd,
     "{sgd: {lr: 0.5, momentum: 0, weight_decay: 0.2}}",
     {.decay_all = true, .lr = 0.5, .decay = 0.2}},
    {&lyne_optimizer_sgd,
     "{sgd: {nesterov: true, weight_decay: 0.1, decay_all: false}}",
     {.nesterov = true, .lr = 0.05, .momentum = 0.9, .decay = 0.1}},
    {&lyne_optimizer_sgd,
     "{sgd: {lr: 0.5, weight_decay: 0.1, clip_norm: 3}}",
     {.decay_all = true, .lr = 0.5, .momentum = 0.9, .decay = 0.1, .clip = 3}},
    {&lyne_optimizer_sgd, "{sgd: {clip_norm: 1000}}", {.decay_all = true, .lr = 0.05, .momentum = 0.9, .clip = 1000}},
    {&lyne_optimizer_adamw,
     "{adamw: {lr: 0.1, epsilon: 0.01, weight_decay: 0, clip_norm: 0.5}}",
     {.adam = true, .decay_all = true, .lr = 0.1, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 0.01, .clip = 0.5}},
    {&lyne_optimizer_adamw,
     "adamw",
     {.adam = true, .decay_all = true, .lr = 0.001, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .decay = 0.01}},
    {&lyne_optimizer_adamw,
     "{adamw: {lr: 0.1, beta1: 0.5, beta2: 0.75, epsilon: 0.01, weight_decay: 0.5, decay_all: false}}",
     {.adam = true, .lr = 0.1, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 0.01, .decay = 0.5}},
};
enum { CASES = sizeof table / sizeof *table };

/* STEPS updates of `w`; slots are made and freed here. */
static void run(const lyne_optimizer *row, const void *config, lyne_weights *w) {
    lyne_update u = {.weights = w, .lr = row->lr(config)};
    for (int k = 0; k < row->n_slots; k++) u.slot[k] = lyne_alloc(TRAINED, sizeof(float));
    for (u.step = 1; u.step <= STEPS; u.step++) {
        set_grad(w, (uint32_t)u.step);
        uint64_t before = lyne_memory_count();
        row->step(config, &u);
        cr_expect_eq(lyne_memory_count(), before, "a step does not allocate");
    }
    for (int k = 0; k < row->n_slots; k++) lyne_free(u.slot[k]);
}

Test(optimizer, formulas) {
    for (int i = 0; i < CASES; i++) {
        const formula *f = &table[i].formula;
        filled config = filled_with(&table[i].row->component, table[i].yaml);
        lyne_weights *w = test_weights(1), *start = test_weights(1), *grads = test_weights(1);
        cr_expect_eq(table[i].row->lr(config.instance.config), f->lr);
        run(table[i].row, config.instance.config, w);
        cr_expect_eq(w->version, 1 + STEPS);
        double *value = lyne_alloc(TRAINED, sizeof *value), *slot = lyne_alloc(TRAINED, 2 * sizeof *slot);
        for (int k = 0; k < TRAINED; k++) value[k] = (double)start->value[k];
        for (int t = 1; t <= STEPS; t++) {
            set_grad(grads, (uint32_t)t);
            const double clip = clip_of(f, grads);
            for (int p = 0; p < N_PARAMS; p++) {
                lyne_role role = test_params[p].role;
                double decay = f->decay_all || role == LYNE_WEIGHT ? f->decay : 0;
                for (int64_t k = 0; role != LYNE_STATE && k < lyne_shape_size(&test_params[p].shape); k++) {
                    size_t at = test_offsets[p] + (size_t)k;
                    value[at] = one_step(f, t, decay, clip * (double)grads->grad[at], slot + 2 * at, value[at]);
                }
            }
        }
        for (int k = 0; k < TRAINED; k++)
            cr_assert_float_eq((double)w->value[k], value[k], 2e-6 * (1 + fabs(value[k])),
                               "%s: number %d is %.9g, not %.9g", table[i].yaml, k, (double)w->value[k], value[k]);
        cr_expect_arr_eq(w->value + TRAINED, start->value + TRAINED, 16 * sizeof(float), "STATE is not trained");
        for (int k = 36; k < 48; k++) cr_expect_eq(w->value[k], 0, "padding");
        lyne_free(value);
        lyne_free(slot);
        free_weights(w);
        free_weights(start);
        free_weights(grads);
        unfill(&config);
    }
}

Test(optimizer, same_bits_at_any_number_of_threads) {
    for (int i = 0; i < CASES; i++) {
        filled config = filled_with(&table[i].row->component, table[i].yaml);
        lyne_weights *w[3];
        for (int threads = 1; threads <= 3; threads++) {
            omp_set_num_threads(threads);
            w[threads - 1] = test_weights(2);
            run(table[i].row, config.instance.config, w[threads - 1]);
        }
        for (int k = 1; k < 3; k++)
            cr_expect_arr_eq(w[k]->value, w[0]->value, VALUES * sizeof(float), "%s", table[i].yaml);
        for (int k = 0; k < 3; k++) free_weights(w[k]);
        unfill(&config);
    }
}

/* ---- PyTorch ---- */

/* tests/reference/optim.py made these with torch 2.13.0. */
static const struct {
    const lyne_optimizer *row;
    const char *yaml;
    float value[6];
} golden[] = {
    {&lyne_optimizer_sgd, "{sgd: {lr: 0.5, momentum: 0}}", {-1.375f, 0.4375f, -0.6875f, 0.4375f, -0.6875f, 1.125f}},
    {&lyne_optimizer_sgd,
     "{sgd: {lr: 0.1, momentum: 0.9, weight_decay: 0.01}}",
     {-1.23738301f, 0.514381707f, -0.749669015f, 0.406861484f, -0.43397215f, 0.894575357f}},
    {&lyne_optimizer_sgd,
     "{sgd: {lr: 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: true}}",
     {-1.28286922f, 0.522993386f, -0.733205497f, 0.401504993f, -0.476366997f, 0.951168716f}},
    {&lyne_optimizer_sgd,
     "{sgd: {lr: 0.1, momentum: 0.9, weight_decay: 0.01, clip_norm: 0.5}}",
     {-1.10709381f, 0.389375865f, -0.755068839f, 0.457492232f, -0.458686322f, 0.809517264f}},
    {&lyne_optimizer_sgd,
     "{sgd: {lr: 0.1, momentum: 0.9, clip_norm: 1}}",
     {-1.24404383f, 0.519615948f, -0.76492548f, 0.418746054f, -0.440219074f, 0.897864521f}},
    {&lyne_optimizer_adamw,
     "{adamw: {lr: 0.1, epsilon: 0.01, weight_decay: 0.1, clip_norm: 0.25}}",
     {-1.1423595f, 0.495942265f, -0.800765932f, 0.463562369f, -0.352911264f, 0.747811079f}},
    {&lyne_optimizer_adamw,
     "{adamw: {lr: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01}}",
     {-1.02131045f, 0.278359711f, -0.758099496f, 0.498814493f, -0.486377478f, 0.753959298f}},
    {&lyne_optimizer_adamw,
     "{adamw: {lr: 0.1, beta1: 0.5, beta2: 0.75, epsilon: 1e-3, weight_decay: 0.5}}",
     {-0.953631282f, 0.364817291f, -0.590999484f, 0.384162724f, -0.386413217f, 0.678989768f}},
};

Test(optimizer, pytorch) {
    static const lyne_param param = {.name = "w", .shape = {1, {6}}, .role = LYNE_WEIGHT};
    static const size_t offset = 0;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        float value[6], grad[6], slot[2][6] = {{0}};
        filled config = filled_with(&golden[i].row->component, golden[i].yaml);
        lyne_weights w = {
            .n = 1, .param = &param, .offset = &offset, .n_trained = 6, .n_values = 6, .value = value, .grad = grad};
        lyne_update u = {.weights = &w, .slot = {slot[0], slot[1]}, .lr = golden[i].row->lr(config.instance.config)};
        for (int k = 0; k < 6; k++) value[k] = (float)(5 * k % 9 - 4) / 4;
        for (u.step = 1; u.step <= 5; u.step++) {
            for (int k = 0; k < 6; k++) grad[k] = (float)((7 * k + 5 * (int)u.step) % 11 - 5) / 8;
            golden[i].row->step(config.instance.config, &u);
        }
        for (int k = 0; k < 6; k++)
            cr_expect_float_eq(value[k], golden[i].value[k], 1e-6, "%s: %.9g is not %.9g", golden[i].yaml,
                               (double)value[k], (double)golden[i].value[k]);
        unfill(&config);
    }
}

Test(optimizer, fields) {
    static const struct {
        const lyne_optimizer *row;
        const char *yaml, *message;
    } refused[] = {
        {&lyne_optimizer_sgd, "{sgd: {nesterov: true, momentum: 0}}", "nesterov looks ahead along the momentum"},
        {&lyne_optimizer_sgd, "{sgd: {lr: -1}}", "lr = -1 is outside"},
        {&lyne_optimizer_sgd, "{sgd: {beta1: 0.9}}", "beta1"},
        {&lyne_optimizer_adamw, "{adamw: {beta2: 1}}", "beta2 = 1 is outside"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        filled config = fill(&refused[i].row->component, refused[i].yaml);
        lyne_error err = {0};
        lyne_diagnostics_error(&config.out, &err);
        cr_expect(config.out.n > 0 && strstr(err.text, refused[i].message), "%s: %s", refused[i].yaml, err.text);
        unfill(&config);
    }
}
