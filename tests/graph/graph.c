/* tests/graph/graph.c -- building: paths, the first mistake, shapes that are refused. */
#include "toys.h"

#include <string.h>

static lyne_node *input(lyne_graph *g, const char *name, lyne_shape shape) {
    return lyne_graph_input(g, name, shape, LYNE_F32);
}

static void expect_failed(const lyne_graph *g, const char *text) {
    lyne_error err = {0};
    cr_expect_eq(lyne_graph_status(g, &err), LYNE_ERECIPE);
    cr_expect_str_eq(err.text, text);
}

Test(graph, paths_of_nested_blocks) {
    lyne_graph *g = new_graph(2);
    lyne_node *x = input(g, "x", LYNE_SHAPE(2, 3));
    lyne_graph_enter(g, "layer1");
    lyne_node *a = toy_param(g, "a", LYNE_SHAPE(2, 3));
    lyne_graph_enter(g, "0");
    lyne_node *b = toy_add(g, "b", x, a);
    lyne_graph_leave(g);
    lyne_graph_enter(g, "1");
    lyne_node *other = toy_add(g, "b", b, a);
    lyne_graph_leave(g);
    lyne_graph_leave(g);
    lyne_node *top = toy_param(g, "b", LYNE_SHAPE(5));
    expect_sound(g);
    cr_expect_str_eq(x->path, "x");
    cr_expect_str_eq(a->path, "layer1.a");
    cr_expect_str_eq(b->path, "layer1.0.b");
    cr_expect_str_eq(other->path, "layer1.1.b");
    cr_expect_str_eq(top->path, "b");
    cr_expect_eq(lyne_graph_n_nodes(g), 5);
    cr_expect_eq(lyne_graph_n_params(g), 2);
    cr_expect_str_eq(lyne_graph_param(g, 0)->name, "layer1.a.weight");
    cr_expect_eq(lyne_graph_find(g, "layer1.0.b"), b);
    cr_expect_null(lyne_graph_find(g, "layer1.b"));
    cr_expect_eq(lyne_graph_count_params(g), 6 + 5);
    cr_expect(!x->needs_grad && a->needs_grad && b->needs_grad);
    lyne_graph_free(g);
}

Test(graph, two_nodes_of_one_path) {
    lyne_graph *g = new_graph(1);
    lyne_graph_enter(g, "block");
    toy_param(g, "a", LYNE_SHAPE(3));
    cr_expect_null(toy_param(g, "a", LYNE_SHAPE(4)));
    expect_failed(g, "block.a: two nodes have this name");
    lyne_graph_free(g);
}

Test(graph, the_first_mistake_is_kept) {
    lyne_graph *g = new_graph(1);
    lyne_node *x = input(g, "x", LYNE_SHAPE(1, 3));
    lyne_graph_enter(g, "block");
    lyne_node *y = toy_refusal(g, "odd", x);
    cr_expect_null(y);
    cr_expect_null(toy_view(g, "view", y));
    cr_expect_null(toy_view(g, "x", x));
    cr_expect_null(input(g, "x", LYNE_SHAPE(1, 3)));
    lyne_graph_leave(g);
    cr_expect_null(lyne_graph_fail(g, "a later one"));
    expect_failed(g, "block.odd: no such shape");
    cr_expect_eq(lyne_graph_n_nodes(g), 1);
    lyne_graph_free(g);
}

Test(graph, a_source_that_is_not_there) {
    lyne_graph *g = new_graph(1);
    lyne_node *x = input(g, "x", LYNE_SHAPE(1, 3));
    lyne_graph_enter(g, "block");
    cr_expect_null(toy_add(g, "sum", x, NULL));
    expect_failed(g, "block.sum: its source 1 is missing");
    lyne_graph_free(g);
}

Test(graph, blocks_nested_without_end) {
    lyne_graph *g = new_graph(1);
    for (int i = 0; i < 100; i++) lyne_graph_enter(g, "block");
    lyne_error err = {0};
    cr_expect_eq(lyne_graph_status(g, &err), LYNE_ERECIPE);
    cr_expect(strstr(err.text, "block.block: blocks are nested too deep"), "%s", err.text);
    for (int i = 0; i < 100; i++) lyne_graph_leave(g);
    lyne_graph_free(g);
}

Test(graph, a_name_without_end) {
    char name[1000];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    lyne_graph *g = new_graph(1);
    lyne_graph_enter(g, name);
    cr_expect_eq(lyne_graph_status(g, NULL), LYNE_ERECIPE);
    lyne_graph_free(g);
}

static const struct {
    lyne_shape shape;
    const char *text;
} insane[] = {
    {{2, {3, 0}}, "(3, 0)"},
    {{2, {-1, 3}}, "(-1, 3)"},
    {{1, {(int64_t)1 << 31}}, "(2147483648)"},
    {{2, {(int64_t)1 << 30, (int64_t)1 << 30}}, "(1073741824, 1073741824)"},
    {{6, {2147483647, 2147483647, 2147483647, 2147483647, 2147483647, 2147483647}},
     "(2147483647, 2147483647, 2147483647, 2147483647, 2147483647, 2147483647)"},
    {{1, {INT64_MAX}}, "(9223372036854775807)"},
    {{1, {INT64_MIN}}, "(-9223372036854775808)"},
    {{0, {0}}, "()"},
};

Test(graph, shapes_that_fit_in_no_memory) {
    for (size_t i = 0; i < sizeof insane / sizeof *insane; i++) {
        lyne_graph *as_input = new_graph(1), *as_param = new_graph(1);
        lyne_error err = {0};
        cr_expect_null(input(as_input, "x", insane[i].shape));
        cr_expect_eq(lyne_graph_status(as_input, &err), LYNE_ERECIPE);
        cr_expect(strstr(err.text, "x: ") && strstr(err.text, insane[i].text), "%s", err.text);
        err = (lyne_error){0};
        cr_expect_null(toy_param(as_param, "x", insane[i].shape));
        cr_expect_eq(lyne_graph_status(as_param, &err), LYNE_ERECIPE);
        cr_expect(strstr(err.text, "x: ") && strstr(err.text, insane[i].text), "%s", err.text);
        lyne_graph_free(as_input);
        lyne_graph_free(as_param);
    }
}

Test(graph, largest_shape_that_fits) {
    lyne_graph *g = new_graph(1);
    cr_expect(input(g, "x", LYNE_SHAPE((int64_t)1 << 20, (int64_t)1 << 20)));
    expect_sound(g);
    lyne_graph_free(g);
}

/* A graph of each kind of node; LYNE_OK or what the graph says. */
static lyne_status build_some(void) {
    lyne_graph *g = NULL;
    lyne_error err = {0};
    if (lyne_graph_new(2, &g, &err) != LYNE_OK) return err.status;
    lyne_node *x = input(g, "x", LYNE_SHAPE(2, 300));
    for (int i = 0; i < 40 && x; i++) {
        char name[24];
        snprintf(name, sizeof name, "block%d", i);
        lyne_graph_enter(g, name);
        lyne_node *a = toy_param(g, "a", LYNE_SHAPE(2, 300));
        x = lyne_graph_status(g, NULL) == LYNE_OK ? toy_add(g, "b", x, a) : NULL;
        lyne_graph_leave(g);
    }
    lyne_status status = lyne_graph_status(g, &err);
    lyne_graph_free(g);
    return status;
}

Test(graph, each_allocation_fails_once) {
    const uint64_t before = lyne_memory_count();
    cr_assert_eq(build_some(), LYNE_OK);
    const uint64_t n = lyne_memory_count() - before;
    for (uint64_t i = 1; i <= n; i++) {
        lyne_memory_fail_at(i);
        cr_expect_eq(build_some(), LYNE_ENOSPACE, "allocation %llu of %llu", (unsigned long long)i,
                     (unsigned long long)n);
    }
    lyne_memory_fail_at(0);
}

Test(shape, print_size_equal) {
    char text[LYNE_SHAPE_TEXT];
    const lyne_shape a = LYNE_SHAPE(64, 3, 32, 32), b = LYNE_SHAPE(64, 3, 32), none = {0};
    cr_expect_str_eq(lyne_shape_print(&a, text), "(64, 3, 32, 32)");
    cr_expect_str_eq(lyne_shape_print(&none, text), "()");
    cr_expect_eq(lyne_shape_size(&a), 64 * 3 * 32 * 32);
    cr_expect_eq(lyne_shape_size(&none), 1);
    cr_expect(lyne_shape_equal(&a, &a) && !lyne_shape_equal(&a, &b) && !lyne_shape_equal(&b, &none));
    cr_expect(lyne_type_size(LYNE_F32) == 4 && lyne_type_size(LYNE_BF16) == 2 && lyne_type_size(LYNE_S32) == 4 &&
              lyne_type_size(LYNE_U8) == 1);
}
