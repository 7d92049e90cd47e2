/* tests/component/yaml.c -- the tree and its marks, what is refused, and that no text can hurt. */
#include "component/yaml.h"
#include "../scratch.h"
#include "base/file.h"
#include "base/text.h"
#include "rows.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct parsed {
    lyne_arena arena;
    lyne_diagnostics out;
    lyne_yaml *root;
} parsed;

static void parse_bytes(parsed *p, const char *text, size_t size) {
    *p = (parsed){0};
    p->root = lyne_yaml_parse("recipe.yaml", text, size, &p->arena, &p->out);
}

static void parse(parsed *p, const char *text) {
    parse_bytes(p, text, strlen(text));
}

static void discard(parsed *p) {
    lyne_diagnostics_free(&p->out);
    lyne_arena_free(&p->arena);
}

static void expect_mark(const lyne_yaml *node, int line, int column, int length) {
    const lyne_mark *m = &node->mark;
    cr_expect(m->line == line && m->column == column && m->length == length, "%d:%d (%d), not %d:%d (%d)", m->line,
              m->column, m->length, line, column, length);
}

Test(yaml, a_tree_with_marks) {
    parsed p;
    parse(&p, "# head\n"
              "a: 1\n"
              "bé: ['x', \"3\", [], {k: v}]\n"
              "c:\n"
              "  - plain text\n"
              "  - d: |\n"
              "      two\n"
              "      lines\n"
              "e:\n");
    const lyne_yaml *root = p.root;
    cr_assert(root && p.out.n == 0);
    cr_assert(root->kind == LYNE_YAML_MAP && root->n == 4);
    expect_mark(root->key[0], 2, 1, 1);
    expect_mark(root->item[0], 2, 4, 1);
    cr_expect_str_eq(root->key[1]->text, "bé");
    expect_mark(root->key[1], 3, 1, 2);
    const lyne_yaml *list = lyne_yaml_get(root, "bé");
    cr_assert(list->kind == LYNE_YAML_LIST && list->n == 4);
    expect_mark(list, 3, 5, 22);
    expect_mark(list->item[0], 3, 6, 3);
    cr_expect(list->item[0]->quoted && list->item[1]->quoted && !root->item[0]->quoted);
    expect_mark(list->item[2], 3, 16, 2);
    expect_mark(list->item[3], 3, 20, 6);
    expect_mark(lyne_yaml_get(list->item[3], "k"), 3, 24, 1);
    list = lyne_yaml_get(root, "c");
    expect_mark(list, 5, 3, 1);
    expect_mark(list->item[0], 5, 5, 10);
    cr_expect_str_eq(lyne_yaml_get(list->item[1], "d")->text, "two\nlines\n");
    expect_mark(lyne_yaml_get(list->item[1], "d"), 6, 8, 1);
    cr_expect_str_eq(root->item[3]->text, "");
    expect_mark(root->item[3], 9, 1, 1); /* nothing stands there, so the caret goes to the key */
    cr_expect(lyne_yaml_is_null(root->item[3]) && !lyne_yaml_is_null(root) && !lyne_yaml_is_null(root->item[0]));
    cr_expect_null(lyne_yaml_get(root, "z"));
    cr_expect_null(lyne_yaml_get(list, "z"));
    discard(&p);
}

Test(yaml, aliases_share_what_is_below_them) {
    parsed p;
    parse(&p, "a: &x {k: &v deep}\nb: *x\nc: *v\n");
    cr_assert(p.root && p.out.n == 0);
    const lyne_yaml *a = lyne_yaml_get(p.root, "a"), *b = lyne_yaml_get(p.root, "b"), *c = lyne_yaml_get(p.root, "c");
    cr_expect(a != b && a->item == b->item);
    expect_mark(b, 2, 4, 2);
    expect_mark(b->item[0], 1, 14, 4);
    cr_expect_str_eq(c->text, "deep");
    expect_mark(c, 3, 4, 2);
    discard(&p);
}

Test(yaml, nothing_is_an_empty_map) {
    static const char *const texts[] = {"", "\n\n", "# only this\n", "\xEF\xBB\xBF", "   "};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        parsed p;
        parse(&p, texts[i]);
        cr_assert(p.root && p.out.n == 0, "%zu", i);
        cr_expect(p.root->kind == LYNE_YAML_MAP && p.root->n == 0);
        expect_mark(p.root, 1, 1, 1);
        discard(&p);
    }
}

Test(yaml, a_byte_order_mark_has_no_column) {
    parsed p;
    parse(&p, "\xEF\xBB\xBF"
              "a: 1\n");
    cr_assert(p.root);
    cr_expect_str_eq(p.root->key[0]->text, "a");
    expect_mark(p.root->key[0], 1, 1, 1);
    discard(&p);
}

/* `tree`: the mistake leaves a tree in which further mistakes can be looked for. */
static const struct refusal {
    const char *yaml;
    int line, column;
    bool tree;
    const char *text;
} refusals[] = {
    {"a: 1\nb: 2\na: 3\n", 3, 1, true, "'a' is given twice; the first is on line 1"},
    {"{a: 1, b: {c: 1, c: 2}}\n", 1, 18, true, "'c' is given twice; the first is on line 1"},
    {"a: 1\n'a': 3\n", 2, 1, true, "'a' is given twice"},
    {"a: !!str 1\n", 1, 4, true, "tags such as tag:yaml.org,2002:str are not used here"},
    {"a: !mine {}\n", 1, 4, true, "tags such as !mine"},
    {"a: !!python/object/apply:os.system [ls]\n", 1, 4, true, "tags such as"},
    {"a: &x {}\nb:\n  <<: *x\n", 3, 3, true, "merge keys"},
    {"? [a]\n: b\n", 1, 3, true, "a key is a word"},
    {"{{a: 1}: b}\n", 1, 2, true, "a key is a word"},
    {"a: &x 1\nb: &x 2\n", 2, 7, true, "anchor '&x' is already on line 1"},
    {"a: \"x\\0y\"\n", 1, 4, true, "a text cannot contain the character \\0"},
    {"a: *x\n", 1, 4, false, "no anchor '&x' stands before this alias"},
    {"a: &x [*x]\n", 1, 8, false, "no anchor '&x' stands before this alias"},
    {"a: 1\n---\nb: 2\n", 2, 1, false, "a second document"},
    {"--- a\n--- b\n", 2, 1, false, "a second document"},
};

Test(yaml, what_is_not_of_the_subset_is_refused) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *x = &refusals[i];
        parsed p;
        parse(&p, x->yaml);
        cr_assert_eq(p.out.n, 1, "%zu diagnostics for\n%s", p.out.n, x->yaml);
        const lyne_diagnostic *d = &p.out.item[0];
        cr_expect_eq(!p.root, !x->tree, "%s", x->yaml);
        cr_expect(strstr(d->text, x->text), "'%s' lacks '%s'", d->text, x->text);
        cr_expect(d->mark.line == x->line && d->mark.column == x->column, "'%s' at %d:%d", d->text, d->mark.line,
                  d->mark.column);
        discard(&p);
    }
}

Test(yaml, a_quoted_merge_key_is_a_key) {
    parsed p;
    parse(&p, "'<<': 1\n");
    cr_expect(p.root && p.out.n == 0 && p.root->n == 1);
    discard(&p);
}

Test(yaml, the_first_of_two_like_keys_counts) {
    parsed p;
    parse(&p, "a: 1\nb: 2\na: 3\nc: 4\nb: 5\na: 6\n");
    cr_expect_eq(p.out.n, 3);
    cr_assert_eq(p.root->n, 3);
    cr_expect_str_eq(lyne_yaml_get(p.root, "a")->text, "1");
    cr_expect_str_eq(lyne_yaml_get(p.root, "b")->text, "2");
    cr_expect_str_eq(lyne_yaml_get(p.root, "c")->text, "4");
    discard(&p);
}

/* ---- limits ---- */

static void expect_refusal(const char *text, size_t size, const char *why) {
    parsed p;
    clock_t start = clock();
    parse_bytes(&p, text, size);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    cr_expect_null(p.root);
    cr_assert_geq(p.out.n, 1);
    cr_expect(strstr(p.out.item[0].text, why), "'%s' lacks '%s'", p.out.item[0].text, why);
    cr_expect_lt(p.arena.used, (size_t)32 << 20);
    cr_expect_lt(seconds, strcmp(why, "nodes that") == 0 ? 0.1 : 2.0, "%g s: %s", seconds, why);
    discard(&p);
}

static lyne_text repeated(const char *before, const char *middle, size_t n, const char *after) {
    lyne_text t = {0};
    lyne_text_add(&t, "%s", before);
    for (size_t i = 0; i < n; i++) lyne_text_add(&t, "%s", middle);
    lyne_text_add(&t, "%s", after);
    return t;
}

static void expect_repeated_refusal(const char *before, const char *middle, size_t n, const char *after,
                                    const char *why) {
    lyne_text t = repeated(before, middle, n, after);
    expect_refusal(t.data, t.length, why);
    lyne_text_free(&t);
}

Test(yaml, billion_laughs) {
    lyne_text t = {0};
    lyne_text_add(&t, "l0: &l0 [lol,lol,lol,lol,lol,lol,lol,lol,lol,lol]\n");
    for (int i = 1; i < 20; i++) {
        lyne_text_add(&t, "l%d: &l%d [", i, i);
        for (int k = 0; k < 10; k++) lyne_text_add(&t, "*l%d%s", i - 1, k < 9 ? "," : "]\n");
    }
    clock_t start = clock();
    parsed p;
    parse_bytes(&p, t.data, t.length);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    cr_expect_null(p.root);
    cr_assert_eq(p.out.n, 1);
    cr_expect_str_eq(p.out.item[0].text, "aliases stand for more than 10000 nodes");
    cr_expect_lt(seconds, 0.1);
    cr_expect_lt(p.arena.used, (size_t)32 << 20);
    discard(&p);
    lyne_text_free(&t);
}

Test(yaml, limits) {
    expect_repeated_refusal("", "[", 1000000, "", "nested deeper than 32");
    expect_repeated_refusal("", "{a: ", 250000, "", "nested deeper than 32");
    expect_repeated_refusal("", "- ", 500000, "", "nested deeper than 32");
    expect_repeated_refusal("[", "1,", 500000, "]", "more than 100000 nodes");
    expect_repeated_refusal("a: ", "x", 2 << 20, "\n", "larger than 1048576 bytes");
    expect_repeated_refusal("a: &a [", "1,", 1000, "]\nb: [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n", "aliases stand for");
    lyne_text t = {0};
    lyne_text_add(&t, "[");
    for (int i = 0; i < 90000; i++) lyne_text_add(&t, "&a%d 1,", i);
    lyne_text_add(&t, "]");
    expect_refusal(t.data, t.length, "more than 1000 anchors");
    lyne_text_free(&t);
}

Test(yaml, depth_counts_through_aliases) {
    lyne_text t = {0};
    lyne_text_add(&t, "a0: &a0 [[[[[[[[[[1]]]]]]]]]]\n");
    for (int i = 1; i < 9; i++) lyne_text_add(&t, "a%d: &a%d [[[[*a%d]]]]\n", i, i, i - 1);
    expect_refusal(t.data, t.length, "nested deeper than 32 with what this alias stands for");
    lyne_text_free(&t);
}

Test(yaml, just_within_the_limits) {
    lyne_text deep = repeated("", "[", 31, "x");
    for (int i = 0; i < 31; i++) lyne_text_add(&deep, "]");
    lyne_text wide = repeated("[", "1,", 99999, "]");
    lyne_text keys = {0};
    for (int i = 0; i < 49999; i++) lyne_text_add(&keys, "k%d: %d\n", i * 7919 % 49999, i);
    lyne_text through = repeated("a: &a ", "[", 15, "x]]]]]]]]]]]]]]]\n"); /* 16 deep, stood for at depth 17 */
    lyne_text_add(&through, "b: [[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]\n");
    const lyne_text *texts[] = {&deep, &wide, &keys, &through};
    for (int i = 0; i < 4; i++) {
        parsed p;
        parse_bytes(&p, texts[i]->data, texts[i]->length);
        cr_expect(p.root && p.out.n == 0, "%d: %s", i, p.out.n ? p.out.item[0].text : "");
        cr_expect_lt(p.arena.used, (size_t)32 << 20);
        discard(&p);
    }
    lyne_text_free(&deep);
    lyne_text_free(&wide);
    lyne_text_free(&keys);
    lyne_text_free(&through);
}

/* ---- texts that are no recipe ---- */

static const char whole[] = "# a recipe\n"
                            "distill: # stage\n"
                            "  model: &m {mlp: {hidden: [1200, \"3\", 'it''s']}}\n"
                            "  note: |\n"
                            "    über\n"
                            "    \xE2\x82\xAC\n"
                            "  names: [a, \"b\\n\\u20ac\\x41\", *m, ? k : v]\n"
                            "  dropout:\n"
                            "    input: 0.2\n"
                            "  loss:\n"
                            "  - kd: {temperature: 20, weight: 0.9}\n"
                            "  - !t mse\n"
                            "  optimizer: >-\n"
                            "    folded\n"
                            "    text\n"
                            "...\n";

static void survive(const lyne_registry *registry, FILE *sink, const char *text, size_t size) {
    reading r;
    reading_begin(&r, registry, text, size);
    lyne_diagnostics_print(&r.out, sink, true);
    for (size_t i = 0; i < r.out.n; i++) {
        const lyne_mark *m = &r.out.item[i].mark;
        cr_assert(m->line >= 1 && m->column >= 1 && m->length >= 1, "%s", r.out.item[i].text);
    }
    reading_end(&r);
}

Test(yaml, truncated_or_damaged_anywhere) {
    static const char bytes[] = "\t\n :-[]{},&*!|>'\"%@`#?\\\0\x80\xC3\xFF\x1B";
    lyne_registry *registry = test_registry();
    FILE *sink = fopen("/dev/null", "w");
    size_t n = strlen(whole);
    for (size_t i = 0; i <= n; i++) {
        char *cut = lyne_alloc(i + 1, 1), *damaged = lyne_alloc(n + 1, 1);
        memcpy(cut, whole, i);
        survive(registry, sink, cut, i);
        for (size_t k = 0; i < n && k < sizeof bytes - 1; k++) {
            memcpy(damaged, whole, n);
            damaged[i] = bytes[k];
            survive(registry, sink, damaged, n);
        }
        lyne_free(cut);
        lyne_free(damaged);
    }
    fclose(sink);
    lyne_registry_free(registry);
}

Test(yaml, binary_garbage) {
    lyne_registry *registry = test_registry();
    FILE *sink = fopen("/dev/null", "w");
    uint32_t seed = 1;
    for (int round = 0; round < 300; round++) {
        unsigned char bytes[512];
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (unsigned char)(seed >> 24);
            if (round % 2) bytes[i] &= 0x7F;
            if (round % 3 == 0 && bytes[i] < 32) bytes[i] = '\n';
        }
        survive(registry, sink, (const char *)bytes, sizeof bytes);
    }
    fclose(sink);
    lyne_registry_free(registry);
}

Test(yaml, reads_files) {
    char directory[48], path[64];
    scratch_folder(directory, sizeof directory, "yaml");
    snprintf(path, sizeof path, "%s/r.yaml", directory);
    parsed p = {0};
    cr_expect_null(lyne_yaml_read(path, &p.arena, &p.out));
    cr_assert_eq(p.out.n, 1);
    cr_expect_eq(lyne_diagnostics_status(&p.out), LYNE_EDATA);
    cr_expect(!p.out.item[0].mark.source && strstr(p.out.item[0].text, path), "%s", p.out.item[0].text);
    discard(&p);

    p = (parsed){0};
    cr_assert_eq(lyne_file_commit(path, "a: [1\n", 6, NULL), LYNE_OK);
    cr_expect_null(lyne_yaml_read(path, &p.arena, &p.out));
    cr_assert_eq(p.out.n, 1);
    cr_expect_str_eq(p.out.item[0].mark.source->name, path);
    discard(&p);

    p = (parsed){0};
    cr_assert_eq(lyne_file_commit(path, "a: 1\n", 5, NULL), LYNE_OK);
    cr_expect(lyne_yaml_read(path, &p.arena, &p.out));
    discard(&p);
    lyne_directory_remove(directory, NULL);
}
