/* tests/graph/weights.c -- where each parameter lies, how it starts, what its digest says. */
#include "toys.h"

#include <math.h>
#include <string.h>

static lyne_graph *three_layers(bool with_another) {
    lyne_graph *g = new_graph(1);
    toy_param(g, "a", LYNE_SHAPE(7, 3));
    if (with_another) toy_param(g, "between", LYNE_SHAPE(100));
    toy_state(g, "running");
    toy_param(g, "b", LYNE_SHAPE(5));
    expect_sound(g);
    return g;
}

Test(weights, trained_first_each_on_its_own_line) {
    lyne_graph *g = three_layers(false);
    lyne_weights *w = new_weights(g, 1);
    cr_expect_eq(w->n, 3);
    cr_expect_eq(w->offset[0], 0);
    cr_expect_eq(w->offset[2], 32);
    cr_expect_eq(w->n_trained, 48);
    cr_expect_eq(w->offset[1], 48);
    cr_expect_eq(w->n_values, 64);
    cr_expect_eq((uintptr_t)w->value % 64, 0);
    cr_expect_eq((uintptr_t)w->grad % 64, 0);
    for (size_t i = 21; i < 32; i++) cr_expect_eq(w->value[i], 0, "padding");
    for (size_t i = 0; i < 3; i++) cr_expect_eq(w->value[48 + i], 1);
    for (size_t i = 0; i < w->n_trained; i++) cr_expect_eq(w->grad[i], 0);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

Test(weights, start_depends_on_seed_and_name_alone) {
    lyne_graph *small = three_layers(false), *large = three_layers(true);
    lyne_weights *a = new_weights(small, 7), *b = new_weights(large, 7), *again = new_weights(small, 7),
                 *other = new_weights(small, 8);
    cr_expect_arr_eq(a->value, again->value, a->n_values * sizeof(float));
    cr_expect_arr_eq(value_of(a, "a.weight"), value_of(b, "a.weight"), 21 * sizeof(float));
    cr_expect_arr_eq(value_of(a, "b.weight"), value_of(b, "b.weight"), 5 * sizeof(float));
    cr_expect_arr_neq(value_of(a, "a.weight"), value_of(other, "a.weight"), 21 * sizeof(float));
    cr_expect_arr_neq(value_of(a, "a.weight"), value_of(a, "b.weight"), 5 * sizeof(float));
    lyne_weights_free(a);
    lyne_weights_free(b);
    lyne_weights_free(again);
    lyne_weights_free(other);
    lyne_graph_free(small);
    lyne_graph_free(large);
}

/* toy_param says fan_in 4, so numbers are uniform in +-1/2: mean 0, variance 1/12.  More than 2^20, which is two streams. */
Test(weights, uniform_within_the_fan) {
    enum { COUNT = (1 << 20) + 5000 };
    lyne_graph *g = new_graph(1);
    toy_param(g, "x", LYNE_SHAPE(COUNT));
    lyne_weights *w = new_weights(g, 1);
    double sum = 0, square = 0;
    float most = 0;
    for (int i = 0; i < COUNT; i++) {
        sum += w->value[i];
        square += (double)w->value[i] * w->value[i];
        most = fmaxf(most, fabsf(w->value[i]));
    }
    cr_expect_float_eq(sum / COUNT, 0, 2e-3);
    cr_expect_float_eq(square / COUNT, 1.0 / 12, 1e-3);
    cr_expect(most <= 0.5f && most > 0.4999f, "%g", most);
    cr_expect_arr_neq(w->value, w->value + (1 << 20), 1000 * sizeof(float), "the second stream repeats the first");
    lyne_weights_free(w);
    lyne_graph_free(g);
}

static lyne_graph *one(const char *name, lyne_shape shape, bool state) {
    lyne_graph *g = new_graph(1);
    if (state)
        toy_state(g, name);
    else
        toy_param(g, name, shape);
    return g;
}

Test(weights, fit_asks_for_names_shapes_roles_and_number) {
    lyne_graph *like[] = {one("x", LYNE_SHAPE(3), false), one("y", LYNE_SHAPE(3), false),
                          one("x", LYNE_SHAPE(4), false), one("x", LYNE_SHAPE(3, 1), false),
                          one("x", LYNE_SHAPE(3), true),  new_graph(1)};
    lyne_weights *w = new_weights(like[0], 1);
    for (size_t i = 0; i < sizeof like / sizeof *like; i++)
        cr_expect_eq(lyne_weights_fit(w, like[i]), i == 0 || i == 5 /* the first none of them */, "%zu", i);
    toy_param(like[0], "more", LYNE_SHAPE(1));
    cr_expect_not(lyne_weights_fit(w, like[0]), "there are no numbers for the second");
    lyne_weights_free(w);
    for (size_t i = 0; i < sizeof like / sizeof *like; i++) lyne_graph_free(like[i]);
}

static lyne_digest digest_after(const lyne_graph *g, const float *change, size_t at) {
    lyne_weights *w = new_weights(g, 1);
    if (change) w->value[at] = *change;
    lyne_digest d = lyne_weights_digest(w);
    lyne_weights_free(w);
    return d;
}

Test(weights, digest_sees_every_number_name_and_shape) {
    lyne_graph *g = three_layers(false);
    const lyne_digest whole = digest_after(g, NULL, 0);
    cr_expect(lyne_digest_equal(whole, digest_after(g, NULL, 0)));
    const float other = 3;
    const size_t at[] = {0, 20, 32, 36, 48, 50};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        cr_expect(!lyne_digest_equal(whole, digest_after(g, &other, at[i])), "number %zu", at[i]);
    lyne_graph_free(g);

    lyne_graph *state[] = {one("x", LYNE_SHAPE(3), true), one("y", LYNE_SHAPE(3), true)};
    lyne_weights *w[2] = {new_weights(state[0], 1), new_weights(state[1], 1)};
    cr_expect(!lyne_digest_equal(lyne_weights_digest(w[0]), lyne_weights_digest(w[1])), "the name");
    lyne_digest flat = {0}, tall = {0};
    const float numbers[3] = {1, 2, 3};
    lyne_weights_digest_add(&flat, "x", &LYNE_SHAPE(1, 3), numbers);
    lyne_weights_digest_add(&tall, "x", &LYNE_SHAPE(3, 1), numbers);
    cr_expect(!lyne_digest_equal(flat, tall), "the shape");
    for (int i = 0; i < 2; i++) {
        lyne_weights_free(w[i]);
        lyne_graph_free(state[i]);
    }
}

Test(weights, each_allocation_fails_once) {
    lyne_graph *g = three_layers(true);
    const uint64_t before = lyne_memory_count();
    lyne_weights_free(new_weights(g, 1));
    const uint64_t n = lyne_memory_count() - before;
    for (uint64_t i = 1; i <= n; i++) {
        lyne_weights *w = NULL;
        lyne_error err = {0};
        lyne_memory_fail_at(i);
        cr_expect_eq(lyne_weights_new(g, 1, &w, &err), LYNE_ENOSPACE, "allocation %llu", (unsigned long long)i);
    }
    lyne_memory_fail_at(0);
    lyne_graph_free(g);
}
