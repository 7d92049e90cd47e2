/* tests/optim/weights.h -- weights made by hand: all roles, sizes that are no multiple of a block, padding between. */
#ifndef TESTS_OPTIM_WEIGHTS_H
#define TESTS_OPTIM_WEIGHTS_H

#include "../fill.h"
#include "base/random.h"
#include "optim/optimizer.h"

extern const lyne_optimizer lyne_optimizer_sgd, lyne_optimizer_adamw;

enum { BIG = 5 * 16384 + 77, N_PARAMS = 5, TRAINED = 48 + 16 + 16 + 81999 + 2, VALUES = TRAINED + 16 };
_Static_assert(TRAINED >= 80 + BIG, "room for all");

static const lyne_param test_params[N_PARAMS] = {
    {.name = "conv", .shape = {4, {3, 2, 2, 3}}, .role = LYNE_WEIGHT}, /* 36 in 48 */
    {.name = "bias", .shape = {1, {3}}, .role = LYNE_BIAS},            /* 3 in 16  */
    {.name = "scale", .shape = {1, {16}}, .role = LYNE_SCALE},
    {.name = "mean", .shape = {1, {5}}, .role = LYNE_STATE},
    {.name = "big", .shape = {2, {1, BIG}}, .role = LYNE_WEIGHT},
};
static const size_t test_offsets[N_PARAMS] = {0, 48, 64, TRAINED, 80};

/* Numbers of both signs; padding 0. */
static inline lyne_weights *test_weights(uint64_t seed) {
    lyne_weights *w = lyne_alloc(1, sizeof *w);
    *w = (lyne_weights){.n = N_PARAMS,
                        .param = test_params,
                        .offset = test_offsets,
                        .n_trained = TRAINED,
                        .n_values = VALUES,
                        .value = lyne_alloc(VALUES, sizeof(float)),
                        .grad = lyne_alloc(TRAINED, sizeof(float)),
                        .version = 1};
    lyne_stream s = lyne_stream_at(seed, LYNE_FOR_CHECK, 0, 0);
    for (int p = 0; p < N_PARAMS; p++)
        for (int64_t i = 0; i < lyne_shape_size(&test_params[p].shape); i++)
            w->value[test_offsets[p] + (size_t)i] = lyne_stream_normal(&s);
    return w;
}

static inline void set_grad(lyne_weights *w, uint32_t step) {
    lyne_stream s = lyne_stream_at(7, LYNE_FOR_CHECK, step, 1);
    for (int p = 0; p < N_PARAMS; p++)
        for (int64_t i = 0; test_params[p].role != LYNE_STATE && i < lyne_shape_size(&test_params[p].shape); i++)
            w->grad[test_offsets[p] + (size_t)i] = lyne_stream_normal(&s);
}

static inline void free_weights(lyne_weights *w) {
    lyne_free(w->value);
    lyne_free(w->grad);
    lyne_free(w);
}

#endif
