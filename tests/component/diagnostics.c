/* tests/component/diagnostics.c -- what a reader of messages sees, to the character. */
#include "component/diagnostics.h"
#include "component/yaml.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static lyne_source source_of(const char *name, const char *text) {
    return (lyne_source){name, text, strlen(text)};
}

static void expect_print(lyne_diagnostics *d, bool colour, const char *expected) {
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    lyne_diagnostics_print(d, to, colour);
    fclose(to);
    cr_expect_str_eq(text, expected, "\n%s\nis not\n%s", text, expected);
    free(text);
}

static void expect_one(const char *text, lyne_mark mark, const char *expected) {
    lyne_diagnostics d = {0};
    lyne_source s = source_of("r.yaml", text);
    mark.source = &s;
    lyne_diagnose(&d, mark, LYNE_ERECIPE, "no");
    expect_print(&d, false, expected);
    lyne_diagnostics_free(&d);
}

Test(diagnostics, the_line_and_its_caret) {
    expect_one("a\n  loss: [{kd: {temperature: -2}}]\nb", (lyne_mark){.line = 2, .column = 29, .length = 2},
               "r.yaml:2:29: no\n"
               "    2 |   loss: [{kd: {temperature: -2}}]\n"
               "      |                             ^^\n");
    expect_one("a: 1", (lyne_mark){.line = 1, .column = 1}, "r.yaml:1:1: no\n    1 | a: 1\n      | ^\n");
    expect_one("a: 1\n", (lyne_mark){.line = 2, .column = 1}, "r.yaml:2:1: no\n    2 | \n      | ^\n");
    expect_one("a: 1\n", (lyne_mark){.line = 9, .column = 4}, "r.yaml:9:4: no\n    9 | \n      |    ^\n");
    expect_one("", (lyne_mark){.line = 1, .column = 1}, "r.yaml:1:1: no\n    1 | \n      | ^\n");
    expect_one("a\r\nb\xC2\x85"
               "c: x\n",
               (lyne_mark){.line = 3, .column = 4, .length = 1}, "r.yaml:3:4: no\n    3 | c: x\n      |    ^\n");
}

Test(diagnostics, odd_characters_keep_the_caret_in_place) {
    expect_one("\ta:\x1b[31m x\n", (lyne_mark){.line = 1, .column = 10, .length = 1},
               "r.yaml:1:10: no\n    1 |  a: [31m x\n      |          ^\n");
    expect_one("é€𝄞: x\n", (lyne_mark){.line = 1, .column = 6, .length = 1},
               "r.yaml:1:6: no\n    1 | é€𝄞: x\n      |      ^\n");
    expect_one("a\xFF\xC3: x\n", (lyne_mark){.line = 1, .column = 6, .length = 1},
               "r.yaml:1:6: no\n    1 | a??: x\n      |      ^\n");
}

Test(diagnostics, a_long_line_is_cut_around_the_caret) {
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    memcpy(text + 500, "HERE", 4);
    lyne_diagnostics d = {0};
    lyne_source s = source_of("r.yaml", text);
    lyne_diagnose(&d, (lyne_mark){&s, 1, 501, 4}, LYNE_ERECIPE, "no");
    char expected[512];
    int n = snprintf(expected, sizeof expected, "r.yaml:1:501: no\n    1 | ...%.50sHERE%.46s...\n      | %*s^^^^\n",
                     text, text, 53, "");
    cr_assert(n > 0 && n < (int)sizeof expected);
    expect_print(&d, false, expected);
    d.item[0].mark = (lyne_mark){&s, 1, 981, 900};
    n = snprintf(expected, sizeof expected, "r.yaml:1:981: no\n    1 | ...%.70s\n      | %*s^^^^^^^^^^^^^^^^^^^^\n",
                 text, 53, "");
    cr_assert(n > 0 && n < (int)sizeof expected);
    expect_print(&d, false, expected);
    lyne_diagnostics_free(&d);
}

Test(diagnostics, in_the_order_of_the_files) {
    lyne_diagnostics d = {0};
    lyne_source a = source_of("a.yaml", "x\ny\n"), b = source_of("b.yaml", "z\n");
    lyne_diagnose(&d, (lyne_mark){&a, 2, 1, 1}, LYNE_ERECIPE, "third");
    lyne_diagnose(&d, (lyne_mark){&b, 1, 1, 1}, LYNE_EDATA, "fourth");
    lyne_diagnose(&d, (lyne_mark){&a, 1, 2, 1}, LYNE_ERECIPE, "second");
    lyne_diagnose(&d, (lyne_mark){&a, 1, 1, 1}, LYNE_EDATA, "first %d\nline", 1);
    lyne_diagnose(&d, (lyne_mark){0}, LYNE_ERECIPE, "last");
    expect_print(&d, false,
                 "a.yaml:1:1: first 1 line\n    1 | x\n      | ^\n"
                 "a.yaml:1:2: second\n    1 | x\n      |  ^\n"
                 "a.yaml:2:1: third\n    2 | y\n      | ^\n"
                 "b.yaml:1:1: fourth\n    1 | z\n      | ^\n"
                 "last\n");
    cr_expect_eq(lyne_diagnostics_status(&d), LYNE_EDATA);
    lyne_error err = {0};
    cr_expect_eq(lyne_diagnostics_error(&d, &err), LYNE_EDATA);
    cr_expect_str_eq(err.text, "a.yaml:1:1: first 1 line (and 4 more)");
    lyne_diagnostics_free(&d);
}

Test(diagnostics, colour_only_when_asked) {
    lyne_diagnostics d = {0};
    lyne_source s = source_of("r.yaml", "a: b");
    lyne_diagnose(&d, (lyne_mark){&s, 1, 4, 1}, LYNE_ERECIPE, "no");
    expect_print(&d, true, "\033[1mr.yaml:1:4:\033[0m no\n    1 | a: b\n      |    \033[31m^\033[0m\n");
    lyne_diagnostics_free(&d);
}

Test(diagnostics, a_quoted_text_cannot_steer_the_terminal) {
    lyne_diagnostics d = {0};
    lyne_diagnose(&d, (lyne_mark){0}, LYNE_ERECIPE, "'%s'", "\033[2Jé\r\n\xC2\x9B\xE2\x82");
    cr_expect_str_eq(d.item[0].text, "' [2Jé   ?"
                                     "?'");
    lyne_diagnostics_free(&d);
}

Test(diagnostics, a_hundred_are_enough) {
    lyne_diagnostics d = {0};
    for (int i = 0; i < 117; i++) lyne_diagnose(&d, (lyne_mark){0}, LYNE_ERECIPE, "x");
    char expected[300] = "";
    for (int i = 0; i < 100; i++) strcat(expected, "x\n");
    strcat(expected, "and 17 more\n");
    expect_print(&d, false, expected);
    lyne_error err = {0};
    lyne_diagnostics_error(&d, &err);
    cr_expect_str_eq(err.text, "x (and 116 more)");
    lyne_diagnostics_free(&d);
}

Test(diagnostics, none) {
    lyne_diagnostics d = {0};
    lyne_error err = {0};
    cr_expect_eq(lyne_diagnostics_status(&d), LYNE_OK);
    cr_expect_eq(lyne_diagnostics_error(&d, &err), LYNE_OK);
    expect_print(&d, true, "");
    lyne_diagnostics_free(&d);
    lyne_diagnostics_free(NULL);
}
