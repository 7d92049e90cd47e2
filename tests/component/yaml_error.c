/* tests/component/yaml_error.c -- what libyaml refuses, told in plain words at the place to change. */
#include "component/yaml.h"
#include <criterion/criterion.h>
#include <string.h>

static const struct broken {
    const char *yaml;
    int line, column;
    const char *text;
} broken[] = {
    {"a:\n\tb: 2\n", 2, 1, "a tab cannot indent; use spaces"},
    {"\ta: 1\n", 1, 1, "a tab cannot indent; use spaces"},
    {"a: 1\n\tb: 2\n", 2, 1, "a tab cannot indent; use spaces"},
    {"a: |\n\t x\n", 2, 1, "a tab cannot indent; use spaces"},
    {"a: [1, 2\n", 1, 4, "this list is not closed: ',' or ']' is missing before line 2"},
    {"a: [1, 2\nb: 3\n", 1, 4, "this list is not closed"},
    {"a:\n  b: {c: 1\n  d: 2\n", 2, 6, "this map is not closed: ',' or '}' is missing before line 3"},
    {"a: [b: c: d]\n", 1, 9, "',' or ']' is expected here, in the list opened at column 4"},
    {"a: {b: 'c' d}\n", 1, 12, "',' or '}' is expected here, in the map opened at column 4"},
    {"a: ]\n", 1, 4, "a value is expected here"},
    {"a: [1,,2]\n", 1, 7, "a value is expected here"},
    {"a: [1,\n", 2, 1, "the text ends where a value is expected; is a '[' or '{' not closed?"},
    {"a: [}\n", 1, 5, "a value is expected here"},
    {"a: 1\n b: 2\n", 2, 3, "a ':' cannot stand here: the indentation is wrong"},
    {"a: b: c\n", 1, 5, "a text with ': ' in it needs quotes"},
    {"a:\n    b: 1\n  c: 2\n", 3, 3, "neither a key of the map that begins on line 1"},
    {"a:\n  - b\n - c\n", 3, 2, "is the indentation right?"},
    {"- a\nb: 1\n", 2, 1, "a list item, '- ', is expected here"},
    {"a: - b\n", 1, 4, "a list cannot start here"},
    {"a: 1\nb\nc: 2\n", 2, 1, "this key has no ':' after it"},
    {"a: 'x\n\nb: 1\n", 1, 4, "this quote is not closed"},
    {"a: \"x\n---\ny\"\n", 1, 4, "this quote is not closed"},
    {"a: \"\\q\"\n", 1, 5, "unknown escape"},
    {"a: \"\\xzz\"\n", 1, 7, "this escape needs hexadecimal digits"},
    {"a: @x\n", 1, 4, "a value cannot start with this character; put it in quotes"},
    {"a: *\n", 1, 5, "a name is expected after '&' or '*'"},
    {"a: x!y\nb: !x!y z\n", 2, 4, "tags such as !name are not used here"},
    {"x: {a: 1}}\n", 1, 10, "neither a key"},
    {"a: 1\n...\nb: 2\n", 3, 1, "the document has ended before this line"},
    {"a: 1\nb: \xFF\n", 2, 4, "this is not UTF-8 text (byte 0xFF)"},
    {"a: é\nbé: \xC3", 2, 5, "this is not UTF-8 text (byte 0xC3)"},
    {"a: 1\r\nb: \x01\n", 2, 4, "a control character (0x01) does not belong in a text"},
    {"%FOO\n", 1, 5, "not YAML: while scanning a directive found unknown directive name"},
};

static void expect_broken(const char *yaml, size_t size, int line, int column, const char *text) {
    lyne_arena arena = {0};
    lyne_diagnostics out = {0};
    cr_expect_null(lyne_yaml_parse("recipe.yaml", yaml, size, &arena, &out));
    cr_assert_eq(out.n, 1, "%s", yaml);
    const lyne_diagnostic *d = &out.item[0];
    cr_expect(strstr(d->text, text), "'%s' lacks '%s'", d->text, text);
    cr_expect(d->mark.line == line && d->mark.column == column, "'%s' at %d:%d, not %d:%d", d->text, d->mark.line,
              d->mark.column, line, column);
    lyne_diagnostics_free(&out);
    lyne_arena_free(&arena);
}

Test(yaml_error, plain_words_at_the_place) {
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        expect_broken(broken[i].yaml, strlen(broken[i].yaml), broken[i].line, broken[i].column, broken[i].text);
}

Test(yaml_error, a_nul_byte) {
    static const char text[] = "a: 1\nb: \0\n";
    expect_broken(text, sizeof text - 1, 2, 4, "a control character (0x00) does not belong in a text");
}

Test(yaml_error, utf_16_is_not_guessed) {
    static const char text[] = "\xFF\xFE"
                               "a\0:\0 \0001\0";
    expect_broken(text, sizeof text - 1, 1, 1, "this is not UTF-8 text (byte 0xFF)");
}
