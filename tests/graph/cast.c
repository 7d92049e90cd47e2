/* Which types nodes get in a graph of bf16, and where casts are put. */
#include "graph/op.h"
#include <criterion/criterion.h>
#include <string.h>

static lyne_status same(lyne_node *n, lyne_error *err) {
    (void)err;
    n->shape = n->src[0]->shape;
    return LYNE_OK;
}
#define OP(...) {.component = {.kind = LYNE_OP, .name = "toy"}, .shape = same, __VA_ARGS__}
static const lyne_op wide = OP(.n_src = 1), either = OP(.n_src = 2, .precision = LYNE_EITHER),
                     narrow = OP(.n_src = 1, .precision = LYNE_BF16_BEST),
                     widening = OP(.n_src = 1, .precision = LYNE_BF16_BEST, .can_widen = true);

static lyne_graph *graph_of(lyne_type precision, lyne_node **input) {
    lyne_graph *g;
    cr_assert(lyne_graph_new(2, &g, NULL) == LYNE_OK);
    lyne_graph_set_precision(g, precision);
    *input = lyne_graph_input(g, "x", LYNE_SHAPE(2, 3), LYNE_F32);
    return g;
}

static lyne_node *add(lyne_graph *g, const lyne_op *op, const char *name, lyne_node *a, lyne_node *b) {
    return lyne_graph_add(g, op, name, NULL, (lyne_node *[]){a, b}, op->n_src);
}

static void expect_nodes(lyne_graph *g, const char *due) {
    char all[256] = "";
    for (int i = 0; i < lyne_graph_n_nodes(g); i++) {
        const lyne_node *n = lyne_graph_node(g, i);
        if (i) strcat(all, " ");
        strcat(strcat(all, n->path), n->type == LYNE_BF16 ? ":b" : ":f");
    }
    cr_expect(strcmp(all, due) == 0, "%s", all);
    lyne_graph_free(g);
}

Test(cast, none_in_f32) {
    lyne_node *x;
    lyne_graph *g = graph_of(LYNE_F32, &x);
    lyne_node *a = add(g, &narrow, "a", x, NULL);
    add(g, &wide, "c", add(g, &either, "b", a, x), NULL);
    expect_nodes(g, "x:f a:f b:f c:f");
}

Test(cast, where_types_meet) {
    lyne_node *x;
    lyne_graph *g = graph_of(LYNE_BF16, &x);
    lyne_graph_enter(g, "block");
    lyne_node *a = add(g, &narrow, "a", x, NULL);
    add(g, &narrow, "again", x, NULL); /* one cast for both */
    lyne_node *b = add(g, &either, "b", a, x);
    lyne_node *c = add(g, &wide, "c", b, NULL);
    add(g, &either, "d", c, c);
    lyne_graph_leave(g);
    expect_nodes(g, "x:f x.bf16:b block.a:b block.again:b block.b:b block.b.f32:f block.c:f block.d:f");
}

Test(cast, the_last_op_widens_itself) {
    lyne_node *x;
    lyne_graph *g = graph_of(LYNE_BF16, &x);
    lyne_node *a = add(g, &widening, "a", x, NULL);
    cr_expect(lyne_graph_cast(g, a, LYNE_F32) == a);
    lyne_node *b = add(g, &widening, "b", a, NULL); /* reads a in bf16 */
    add(g, &either, "c", b, b);
    cr_expect(lyne_graph_cast(g, b, LYNE_F32) != b, "b has a reader that wants bf16");
    expect_nodes(g, "x:f x.bf16:b a:f a.bf16:b b:b c:b b.f32:f");
}

Test(cast, nodes_that_are_kept_f32) {
    lyne_node *x;
    lyne_graph *g = graph_of(LYNE_BF16, &x);
    lyne_graph_keep_f32(g, (lyne_texts){2, (const char *const[]){"b", "block.deep"}});
    lyne_node *a = add(g, &narrow, "a", x, NULL);
    lyne_node *b = add(g, &narrow, "b", a, NULL);
    b = add(g, &narrow, "bc", b, NULL); /* not below b */
    lyne_graph_enter(g, "block");
    lyne_graph_enter(g, "deep");
    b = add(g, &either, "d", b, b);
    lyne_graph_leave(g);
    add(g, &narrow, "deeper", b, NULL);
    lyne_graph_leave(g);
    expect_nodes(g, "x:f x.bf16:b a:b a.f32:f b:f b.bf16:b bc:b bc.f32:f block.deep.d:f block.deep.d.bf16:b "
                    "block.deeper:b");
}

Test(cast, refuses_a_name_that_is_taken) {
    lyne_node *x;
    lyne_error err = {0};
    lyne_graph *g = graph_of(LYNE_BF16, &x);
    add(g, &wide, "x.bf16", x, NULL);
    cr_expect(add(g, &narrow, "a", x, NULL) == NULL);
    cr_expect(lyne_graph_status(g, &err) == LYNE_ERECIPE && strstr(err.text, "x.bf16: two nodes have this name"));
    lyne_graph_free(g);
}
