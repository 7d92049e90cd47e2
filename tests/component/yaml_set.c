/* tests/component/yaml_set.c -- assignments: what they make of a tree, and where their mistakes are marked. */
#include "base/text.h"
#include "component/yaml.h"
#include <criterion/criterion.h>
#include <string.h>

/* The tree as flow YAML without quotes. */
static void show(lyne_text *t, const lyne_yaml *node) {
    if (node->kind == LYNE_YAML_SCALAR)
        lyne_text_add(t, "%s", node->text);
    else {
        lyne_text_add(t, "%s", node->kind == LYNE_YAML_MAP ? "{" : "[");
        for (size_t i = 0; i < node->n; i++) {
            if (i > 0) lyne_text_add(t, " ");
            if (node->kind == LYNE_YAML_MAP) lyne_text_add(t, "%s:", node->key[i]->text);
            show(t, node->item[i]);
        }
        lyne_text_add(t, "%s", node->kind == LYNE_YAML_MAP ? "}" : "]");
    }
}

static const struct change {
    const char *yaml, *assignment, *result;
} changes[] = {
    {"a: 1", "a=2", "{a:2}"},
    {"a: 1", "b=2", "{a:1 b:2}"},
    {"", "a=2", "{a:2}"},
    {"a: {b: 1}", "a.b=x y", "{a:{b:x y}}"},
    {"a: {b: 1}", "a.c=[1, {k: v}]", "{a:{b:1 c:[1 {k:v}]}}"},
    {"a: {b: 1}", "a.c.d.e=5", "{a:{b:1 c:{d:{e:5}}}}"},
    {"a: ~", "a.b=1", "{a:{b:1}}"},
    {"a:\nb: 2", "a.b=1", "{a:{b:1} b:2}"},
    {"a: {b: 1, c: 2}", "a.b=~", "{a:{c:2}}"},
    {"a: {b: 1, c: 2}", "a.c=null", "{a:{b:1}}"},
    {"a: {b: 1}", "a.x.y.z=~", "{a:{b:1}}"},
    {"a: [1, {b: 2}, 3]", "a.1.b=9", "{a:[1 {b:9} 3]}"},
    {"a: [1, 2, 3]", "a.2=9", "{a:[1 2 9]}"},
    {"a: [1, 2, 3]", "a.0=~", "{a:[2 3]}"},
    {"a: {'0': 1}", "a.0=2", "{a:{0:2}}"},
    {"a: 1", "a=\"~\"", "{a:~}"},
    {"a: 1", "a=b=c", "{a:b=c}"},
    {"a: 1", "a=\n  b: 1\n  c: 2\n", "{a:{b:1 c:2}}"},
    {"ab: 1", "a=2", "{ab:1 a:2}"},
    {"a: &x {k: {v: 1}}\nb: *x", "b.k.v=2", "{a:{k:{v:1}} b:{k:{v:2}}}"},
    {"a: &x {k: {v: 1}}\nb: *x", "a.k.w=2", "{a:{k:{v:1 w:2}} b:{k:{v:1}}}"},
    {"a: &x [1, 2]\nb: *x", "b.0=~", "{a:[1 2] b:[2]}"},
};

Test(yaml_set, changes_the_tree_in_one_place) {
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        lyne_arena arena = {0};
        lyne_diagnostics out = {0};
        lyne_text t = {0};
        lyne_yaml *root = lyne_yaml_parse("recipe.yaml", changes[i].yaml, strlen(changes[i].yaml), &arena, &out);
        cr_expect(lyne_yaml_set(root, NULL, changes[i].assignment, &arena, &out), "%s", changes[i].assignment);
        cr_expect_eq(out.n, 0);
        show(&t, root);
        cr_expect_str_eq(t.data, changes[i].result, "%s: %s, not %s", changes[i].assignment, t.data, changes[i].result);
        lyne_text_free(&t);
        lyne_diagnostics_free(&out);
        lyne_arena_free(&arena);
    }
}

static const struct refusal {
    const char *assignment;
    int column, length;
    const char *text;
} refusals[] = {
    {"a", 1, 1, "expects PATH=VALUE, as in stages.student.distill.epochs=5"},
    {"", 1, 0, "expects PATH=VALUE"},
    {"=5", 1, 0, "a step of the path is empty"},
    {"map..b=5", 5, 0, "a step of the path is empty"},
    {"map.=5", 5, 0, "a step of the path is empty"},
    {"map.b=", 6, 1, "no value follows '='; write ~ to remove the key"},
    {"map.b= # c", 6, 1, "no value follows '='"},
    {"text.b=5", 6, 1, "'text' is 'hello', not a map, so it has no 'b'"},
    {"map.é.c.d=5", 7, 1, "'map.é' is '3', not a map, so it has no 'c'"},
    {"list.3=5", 6, 1, "'list' is a list of 3; its places are 0, 1, ..., not '3'"},
    {"new.list.0.b=5", 5, 4, "'new.list' is left to its default, which has no places to set; write the whole list"},
    {"list.x=5", 6, 1, "'list' is a list of 3"},
    {"list.-1=5", 6, 2, "'list' is a list of 3"},
    {"list.99999999999999999999999=5", 6, 23, "'list' is a list of 3"},
    {"map.é=[1, 2", 7, 1, "this list is not closed"},
    {"map.é=!t x", 7, 4, "tags such as !t"},
    {"map.é={a: 1, a: 2}", 14, 1, "'a' is given twice"},
    {"map.é=\xFF", 7, 1, "this is not UTF-8 text (byte 0xFF)"},
    {"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", 65, 1, "too many steps"},
};

Test(yaml_set, mistakes_are_marked_in_the_assignment) {
    static const char yaml[] = "map: {b: 1, é: 3}\ntext: hello\nlist: [1, 2, 3]\n";
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *x = &refusals[i];
        lyne_arena arena = {0};
        lyne_diagnostics out = {0};
        lyne_yaml *root = lyne_yaml_parse("recipe.yaml", yaml, strlen(yaml), &arena, &out);
        cr_expect(!lyne_yaml_set(root, NULL, x->assignment, &arena, &out), "%s", x->assignment);
        cr_assert_eq(out.n, 1, "%s", x->assignment);
        const lyne_diagnostic *d = &out.item[0];
        cr_expect(strstr(d->text, x->text), "%s: '%s' lacks '%s'", x->assignment, d->text, x->text);
        cr_expect_str_eq(d->mark.source->name, "--set");
        cr_expect_str_eq(d->mark.source->text, x->assignment);
        cr_expect(d->mark.line == 1 && d->mark.column == x->column && d->mark.length == x->length, "%s: %d:%d (%d)",
                  x->assignment, d->mark.line, d->mark.column, d->mark.length);
        lyne_diagnostics_free(&out);
        lyne_arena_free(&arena);
    }
}

Test(yaml_set, what_is_assigned_stands_in_the_assignment) {
    lyne_arena arena = {0};
    lyne_diagnostics out = {0};
    lyne_yaml *root = lyne_yaml_parse("recipe.yaml", "a: {b: 1}", 9, &arena, &out);
    cr_assert(lyne_yaml_set(root, NULL, "a.ç.d=[1, two]", &arena, &out));
    const lyne_yaml *a = lyne_yaml_get(root, "a"), *c = lyne_yaml_get(a, "ç"), *d = lyne_yaml_get(c, "d");
    cr_expect_str_eq(a->mark.source->name, "recipe.yaml");
    cr_expect(c->mark.column == 3 && c->mark.length == 1);
    cr_expect(d->item[1]->mark.column == 11 && d->item[1]->mark.length == 3 && d->item[1]->mark.line == 1);
    cr_expect_str_eq(d->item[1]->mark.source->name, "--set");
    lyne_diagnostics_free(&out);
    lyne_arena_free(&arena);
}
