/* tests/graph/emit.c -- autodiff where values have several readers: by hand, and on random graphs. */
#include "toys.h"

#include "base/random.h"
#include <math.h>
#include <stdio.h>

enum { N = 5 };
#define VECTOR LYNE_SHAPE(N)

/* ---- gradients worked by hand: the objective is the sum over the elements of f(x), x the parameter "x" ---- */

static lyne_node *square(lyne_graph *g, lyne_node *x) {
    return toy_mul(g, "square", x, x);
}
static double square_diff(double x) {
    return 2 * x;
}

static lyne_node *twice(lyne_graph *g, lyne_node *x) {
    return toy_add(g, "twice", x, x);
}
static double twice_diff(double x) {
    (void)x;
    return 2;
}

/* a has two readers, x three. */
static lyne_node *diamond(lyne_graph *g, lyne_node *x) {
    lyne_node *a = toy_mul(g, "a", x, x), *b = toy_add(g, "b", x, a);
    return toy_mul(g, "c", a, b);
}
static double diamond_diff(double x) {
    return 3 * x * x + 4 * x * x * x;
}

/* Two of three readers are views of views, the third reads past them. */
static lyne_node *views(lyne_graph *g, lyne_node *x) {
    lyne_node *v = toy_view(g, "v", toy_view(g, "u", x));
    return toy_mul(g, "c", toy_add(g, "b", v, x), v);
}
static double views_diff(double x) {
    return 4 * x;
}

/* The gradient that add passes on is at once that of the sum and a part of both of its sources. */
static lyne_node *shared_gradient(lyne_graph *g, lyne_node *x) {
    lyne_node *a = toy_mul(g, "a", x, x), *b = toy_add(g, "b", a, x);
    return toy_add(g, "c", b, a);
}
static double shared_gradient_diff(double x) {
    return 1 + 4 * x;
}

/* One branch does not lead back to x. */
static lyne_node *half_blocked(lyne_graph *g, lyne_node *x) {
    return toy_mul(g, "c", x, toy_wall(g, "wall", x));
}
static double half_blocked_diff(double x) {
    return x;
}

/* 42 readers. */
static lyne_node *many(lyne_graph *g, lyne_node *x) {
    lyne_node *y = toy_mul(g, "a", x, x);
    for (int i = 0; i < 40; i++) {
        char name[24];
        snprintf(name, sizeof name, "b%d", i);
        y = toy_add(g, name, y, x);
    }
    return y;
}
static double many_diff(double x) {
    return 2 * x + 40;
}

static const struct {
    const char *name;
    lyne_node *(*build)(lyne_graph *g, lyne_node *x);
    double (*diff)(double x);
} gradients[] = {{"square", square, square_diff},
                 {"twice", twice, twice_diff},
                 {"diamond", diamond, diamond_diff},
                 {"views", views, views_diff},
                 {"shared gradient", shared_gradient, shared_gradient_diff},
                 {"half blocked", half_blocked, half_blocked_diff},
                 {"many readers", many, many_diff}};

Test(emit, gradients_of_values_with_several_readers) {
    for (size_t i = 0; i < sizeof gradients / sizeof *gradients; i++) {
        lyne_graph *g = new_graph(1);
        lyne_node *x = toy_param(g, "x", VECTOR), *loss = toy_total(g, "loss", gradients[i].build(g, x));
        expect_sound(g);
        lyne_weights *w = new_weights(g, 1);
        lyne_program *p =
            compiled(g, &(lyne_compile){.weights = w, .training = true, .term = &(lyne_term){loss, 0.5}, .n_terms = 1});
        const float *v = value_of(w, "x.weight"), *grad = grad_of(w, "x.weight");
        for (int turn = 0; turn < 2; turn++) { /* the second shows that nothing was added to the first */
            run_once(p);
            for (int k = 0; k < N; k++)
                cr_expect_float_eq(grad[k], 0.5 * gradients[i].diff(v[k]), 1e-5, "%s: %g, not %g", gradients[i].name,
                                   grad[k], 0.5 * gradients[i].diff(v[k]));
        }
        lyne_program_free(p);
        lyne_weights_free(w);
        lyne_graph_free(g);
    }
}

/* ---- any graph of element-by-element ops, against dual numbers in double ---- */

enum { MOST_NODES = 40, N_PARAMS = 3 };

/* A value and its derivative with respect to each parameter, element by element. */
typedef struct dual {
    double value[N], diff[N_PARAMS][N];
} dual;

static dual dual_mul(const dual *a, const dual *b) {
    dual d;
    for (int i = 0; i < N; i++) {
        d.value[i] = a->value[i] * b->value[i];
        for (int k = 0; k < N_PARAMS; k++) d.diff[k][i] = a->diff[k][i] * b->value[i] + a->value[i] * b->diff[k][i];
    }
    return d;
}

static dual dual_add(const dual *a, const dual *b) {
    dual d;
    for (int i = 0; i < N; i++) {
        d.value[i] = a->value[i] + b->value[i];
        for (int k = 0; k < N_PARAMS; k++) d.diff[k][i] = a->diff[k][i] + b->diff[k][i];
    }
    return d;
}

static dual dual_wall(const dual *a) {
    dual d = *a;
    for (int k = 0; k < N_PARAMS; k++)
        for (int i = 0; i < N; i++) d.diff[k][i] = 0;
    return d;
}

typedef struct random_graph {
    lyne_graph *graph;
    lyne_node *node[MOST_NODES];
    dual expected[MOST_NODES];
    int n;
} random_graph;

static const char *const param_names[N_PARAMS] = {"p0", "p1", "p2"};

/* One more node, of what is there already. */
static void grow(random_graph *r, lyne_stream *s) {
    char name[24];
    snprintf(name, sizeof name, "n%d", r->n);
    const int a = (int)lyne_stream_between(s, 0, r->n - 1), b = (int)lyne_stream_between(s, 0, r->n - 1);
    const int64_t kind = lyne_stream_between(s, 0, 9);
    lyne_node **made = &r->node[r->n];
    dual *expected = &r->expected[r->n++];
    if (kind < 4) {
        *made = toy_mul(r->graph, name, r->node[a], r->node[b]);
        *expected = dual_mul(&r->expected[a], &r->expected[b]);
    } else if (kind < 8) {
        *made = toy_add(r->graph, name, r->node[a], r->node[b]);
        *expected = dual_add(&r->expected[a], &r->expected[b]);
    } else if (kind == 8) {
        *made = toy_view(r->graph, name, r->node[a]);
        *expected = r->expected[a];
    } else {
        *made = toy_wall(r->graph, name, r->node[a]);
        *expected = dual_wall(&r->expected[a]);
    }
}

static bool close_to(double is, double due) {
    return fabs(is - due) <= 1e-4 * fabs(due) + 1e-5;
}

static void check_random_graph(uint64_t seed) {
    lyne_stream s = lyne_stream_at(seed, LYNE_FOR_CHECK, 0, 0);
    random_graph r = {.graph = new_graph(1), .n = N_PARAMS};
    for (int k = 0; k < N_PARAMS; k++) r.node[k] = toy_param(r.graph, param_names[k], VECTOR);
    lyne_weights *w = new_weights(r.graph, seed);
    for (int k = 0; k < N_PARAMS; k++)
        for (int i = 0; i < N; i++) {
            r.expected[k].value[i] = w->value[w->offset[k] + (size_t)i];
            r.expected[k].diff[k][i] = 1;
        }
    const int n = (int)lyne_stream_between(&s, N_PARAMS + 1, MOST_NODES);
    while (r.n < n) grow(&r, &s);
    const int end[2] = {n - 1, (int)lyne_stream_between(&s, 0, n - 1)};
    const lyne_term term[2] = {{toy_total(r.graph, "end0", r.node[end[0]]), 1},
                               {toy_total(r.graph, "end1", r.node[end[1]]), -0.25}};
    expect_sound(r.graph);
    lyne_node *const output[] = {r.node[n / 2], r.node[n - 1]};
    lyne_program *p = compiled(
        r.graph,
        &(lyne_compile){.weights = w, .training = true, .term = term, .n_terms = 2, .output = output, .n_outputs = 2});
    run_once(p);
    run_once(p);
    for (int k = 0; k < 2; k++) {
        const float *value = lyne_program_output(p, output[k]);
        for (int i = 0; i < N; i++)
            cr_assert(close_to(value[i], r.expected[k ? n - 1 : n / 2].value[i]), "graph %llu: output %d",
                      (unsigned long long)seed, k);
    }
    for (int k = 0; k < N_PARAMS; k++)
        for (int i = 0; i < N; i++) {
            const double due = r.expected[end[0]].diff[k][i] - 0.25 * r.expected[end[1]].diff[k][i];
            cr_assert(close_to(w->grad[w->offset[k] + (size_t)i], due), "graph %llu: %s[%d]: %g, not %g",
                      (unsigned long long)seed, param_names[k], i, w->grad[w->offset[k] + (size_t)i], due);
        }
    lyne_program_free(p);
    lyne_weights_free(w);
    lyne_graph_free(r.graph);
}

Test(emit, random_graphs) {
    for (uint64_t seed = 0; seed < 400; seed++) check_random_graph(seed);
}
