/* tests/graph/program.c -- terms, what can be read after a run, copies of weights, resources. */
#include "toys.h"

#include <stdio.h>

enum { N = 5 };
#define VECTOR LYNE_SHAPE(N)

/* ---- terms and outputs ---- */

/* One value under two terms, one of which is also read by a third. */
Test(program, terms_share_values) {
    lyne_graph *g = new_graph(1);
    lyne_node *x = toy_param(g, "x", VECTOR), *sum = toy_total(g, "sum", x);
    lyne_node *squares = toy_total(g, "squares", toy_mul(g, "square", x, x)),
              *product = toy_mul(g, "product", sum, squares);
    expect_sound(g);
    lyne_weights *w = new_weights(g, 3);
    const lyne_term term[] = {{sum, 2}, {squares, 0.5}, {product, -1}, {sum, 1}};
    lyne_program *p = compiled(g, &(lyne_compile){.weights = w, .training = true, .term = term, .n_terms = 4});
    run_once(p);
    const float *v = value_of(w, "x.weight"), *grad = grad_of(w, "x.weight");
    double s = 0, q = 0;
    for (int i = 0; i < N; i++) s += v[i], q += v[i] * v[i];
    cr_expect_float_eq(*(const float *)lyne_program_output(p, sum), s, 1e-6);
    cr_expect_float_eq(*(const float *)lyne_program_output(p, squares), q, 1e-6);
    cr_expect_float_eq(*(const float *)lyne_program_output(p, product), s * q, 1e-6);
    for (int i = 0; i < N; i++) cr_expect_float_eq(grad[i], 3 + v[i] - q - 2 * v[i] * s, 1e-5);
    lyne_program_free(p);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

Test(program, a_term_of_weight_zero) {
    lyne_graph *g = new_graph(1);
    lyne_node *loss = toy_total(g, "loss", toy_param(g, "x", VECTOR));
    lyne_weights *w = new_weights(g, 3);
    lyne_program *p =
        compiled(g, &(lyne_compile){.weights = w, .training = true, .term = &(lyne_term){loss, 0}, .n_terms = 1});
    for (int i = 0; i < N; i++) grad_of(w, "x.weight")[i] = 7;
    run_once(p);
    for (int i = 0; i < N; i++) cr_expect_eq(grad_of(w, "x.weight")[i], 0);
    lyne_program_free(p);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

/* An output in the middle keeps its value though others are computed behind it and its memory would do for them. */
Test(program, outputs_stay_readable) {
    lyne_graph *g = new_graph(1);
    lyne_node *in = lyne_graph_input(g, "in", VECTOR, LYNE_F32), *x = toy_param(g, "x", VECTOR);
    lyne_node *a = toy_add(g, "a", in, x), *view = toy_view(g, "view", a), *y = a;
    for (int i = 0; i < 10; i++) {
        char name[24];
        snprintf(name, sizeof name, "y%d", i);
        y = toy_add(g, name, y, x);
    }
    lyne_node *loss = toy_total(g, "loss", y);
    expect_sound(g);
    lyne_weights *w = new_weights(g, 5);
    lyne_node *const output[] = {view, y, in, x};
    lyne_program *p = compiled(g, &(lyne_compile){.weights = w,
                                                  .training = true,
                                                  .term = &(lyne_term){loss, 1},
                                                  .n_terms = 1,
                                                  .output = output,
                                                  .n_outputs = 4});
    const float *v = value_of(w, "x.weight");
    for (int turn = 0; turn < 3; turn++) {
        float *given = lyne_program_input(p, in);
        for (int i = 0; i < N; i++) given[i] = (float)(turn + i);
        run_once(p);
        const float *at_view = lyne_program_output(p, view), *at_end = lyne_program_output(p, y);
        for (int i = 0; i < N; i++) {
            cr_expect_float_eq(at_view[i], turn + i + v[i], 1e-5);
            cr_expect_float_eq(at_end[i], turn + i + 11 * v[i], 1e-5);
            cr_expect_eq(((const float *)lyne_program_output(p, in))[i], (float)(turn + i));
            cr_expect_eq(((const float *)lyne_program_output(p, x))[i], v[i]);
            cr_expect_float_eq(grad_of(w, "x.weight")[i], 11, 1e-6);
        }
    }
    lyne_program_free(p);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

/* A branch that ends in nothing: it is computed, its parameters get no gradient, and nothing is written for it. */
Test(program, a_branch_that_reaches_no_term) {
    lyne_graph *g = new_graph(1);
    lyne_node *x = toy_param(g, "x", VECTOR), *idle = toy_param(g, "idle", VECTOR);
    lyne_node *dead = toy_mul(g, "dead", x, idle);
    toy_view(g, "end", toy_add(g, "deader", dead, idle));
    lyne_node *loss = toy_total(g, "loss", x);
    expect_sound(g);
    lyne_weights *w = new_weights(g, 5);
    lyne_program *p =
        compiled(g, &(lyne_compile){.weights = w, .training = true, .term = &(lyne_term){loss, 1}, .n_terms = 1});
    run_once(p);
    for (int i = 0; i < N; i++) {
        cr_expect_eq(grad_of(w, "x.weight")[i], 1);
        cr_expect_eq(grad_of(w, "idle.weight")[i], 0);
    }
    lyne_program_free(p);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

Test(program, no_terms_no_backward) {
    lyne_graph *g = new_graph(1);
    lyne_node *x = toy_param(g, "x", VECTOR), *loss = toy_total(g, "loss", toy_mul(g, "square", x, x));
    lyne_weights *w = new_weights(g, 5);
    lyne_program *p = compiled(g, &(lyne_compile){.weights = w, .output = &loss, .n_outputs = 1});
    cr_expect_eq(lyne_program_n_steps(p), 2);
    run_once(p);
    for (int i = 0; i < N; i++) cr_expect_eq(grad_of(w, "x.weight")[i], 0);
    lyne_program_free(p);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

/* ---- copies of weights in another layout ---- */

typedef struct turned {
    lyne_graph *graph;
    lyne_node *x;
    lyne_program *program;
} turned;

/* A graph of its own over the same weights, as training and evaluation have. */
static turned make_turned(lyne_weights **w, bool training) {
    turned t = {.graph = new_graph(1)};
    t.x = toy_turned(t.graph, "x", LYNE_SHAPE(3, 4));
    lyne_node *loss = toy_total(t.graph, "loss", toy_mul(t.graph, "square", t.x, t.x));
    expect_sound(t.graph);
    if (!*w) *w = new_weights(t.graph, 9);
    const lyne_term term = {loss, 1};
    t.program = compiled(
        t.graph,
        &(lyne_compile){
            .weights = *w, .training = training, .term = &term, .n_terms = training, .output = &t.x, .n_outputs = 1});
    return t;
}

static void close_turned(turned *t) {
    lyne_program_free(t->program);
    lyne_graph_free(t->graph);
}

static void expect_copy(const turned *t, const lyne_weights *w, const char *when) {
    const float *value = lyne_program_output(t->program, t->x);
    for (int i = 0; i < 12; i++) cr_expect_eq(value[i], w->value[i], "%s: [%d]", when, i);
}

Test(program, copies_follow_the_weights) {
    lyne_weights *w = NULL;
    turned training = make_turned(&w, true), inference = make_turned(&w, false);
    for (int turn = 0; turn < 3; turn++) {
        run_once(training.program);
        expect_copy(&training, w, "training");
        for (int i = 0; i < 12; i++) {
            cr_expect_float_eq(w->grad[i], 2 * w->value[i], 1e-6, "the gradient comes back in the stored layout");
            w->value[i] -= 0.25f * w->grad[i] + (float)i;
        }
        w->version++;
        run_once(inference.program);
        expect_copy(&inference, w, "inference after an update");
        run_once(inference.program);
        expect_copy(&inference, w, "inference again");
    }
    close_turned(&training);
    close_turned(&inference);
    lyne_weights_free(w);
}

/* Unchanged weights are not copied again: what was written over the copy's source without saying so is not seen. */
Test(program, copies_are_made_only_when_the_weights_change) {
    lyne_weights *w = NULL;
    turned t = make_turned(&w, false);
    run_once(t.program);
    const float before = w->value[0];
    w->value[0] = 100;
    run_once(t.program);
    cr_expect_eq(*(const float *)lyne_program_output(t.program, t.x), before);
    w->version++;
    run_once(t.program);
    cr_expect_eq(*(const float *)lyne_program_output(t.program, t.x), 100);
    close_turned(&t);
    lyne_weights_free(w);
}

/* ---- resources ---- */

static lyne_status compile_some(const lyne_graph *g, lyne_weights *w, const lyne_term *term, lyne_error *err) {
    lyne_program *p = NULL;
    lyne_status status =
        lyne_program_compile(g, &(lyne_compile){.weights = w, .training = true, .term = term, .n_terms = 1}, &p, err);
    if (status == LYNE_OK) lyne_program_free(p);
    return status;
}

Test(program, each_allocation_fails_once) {
    lyne_graph *g = new_graph(1);
    lyne_node *x = toy_turned(g, "x", LYNE_SHAPE(3, 4)), *y = toy_param(g, "y", LYNE_SHAPE(3, 4));
    for (int i = 0; i < 20; i++) {
        char name[24];
        snprintf(name, sizeof name, "a%d", i);
        y = toy_mul(g, name, y, x);
    }
    const lyne_term term = {toy_total(g, "loss", y), 1};
    expect_sound(g);
    lyne_weights *w = new_weights(g, 1);
    const uint64_t before = lyne_memory_count();
    cr_assert_eq(compile_some(g, w, &term, NULL), LYNE_OK);
    const uint64_t n = lyne_memory_count() - before;
    for (uint64_t i = 1; i <= n; i++) {
        lyne_error err = {0};
        lyne_memory_fail_at(i);
        cr_expect_eq(compile_some(g, w, &term, i % 2 ? &err : NULL), LYNE_ENOSPACE, "allocation %llu of %llu: %s",
                     (unsigned long long)i, (unsigned long long)n, err.text);
    }
    lyne_memory_fail_at(0);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

Test(program, running_allocates_nothing) {
    lyne_weights *w = NULL;
    turned t = make_turned(&w, true);
    const uint64_t before = lyne_memory_count();
    for (int i = 0; i < 20; i++) {
        w->version++;
        run_once(t.program);
    }
    cr_expect_eq(lyne_memory_count(), before);
    close_turned(&t);
    lyne_weights_free(w);
}

Test(program, prints_a_line_for_each_step) {
    lyne_weights *w = NULL;
    turned t = make_turned(&w, true);
    char text[4096] = "", line[256];
    FILE *file = fmemopen(text, sizeof text, "w+");
    cr_assert(file);
    lyne_program_print(t.program, file);
    rewind(file);
    int lines = 0;
    while (fgets(line, sizeof line, file)) lines++;
    fclose(file);
    cr_expect_eq(lines, lyne_program_n_steps(t.program));
    for (const char *const *part = (const char *const[]){"refresh ", "forward ", "backward ", "square ", "turn ", NULL};
         *part; part++)
        cr_expect(strstr(text, *part), "%s is not in:\n%s", *part, text);
    close_turned(&t);
    lyne_weights_free(w);
}
