/* tests/component/expression.c -- whole-number arithmetic. */
#include "component/expression.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const lyne_constant items[] = {{"w", "16"},     {"stride", "2"}, {"norm", "true"},
                                      {"rate", "0.5"}, {"w", "8"},      {"big", "9223372036854775807"}};
static const lyne_constants constants = {COUNT(items), items};

static const struct good {
    const char *text;
    int64_t value;
} good[] = {
    {"3", 3},
    {"w", 8}, /* the last of a name */
    {"2*w+1", 17},
    {"2 + 3 * 4 - 1", 13},
    {"(2 + 3) * 4", 20},
    {"10 - 3 - 2", 5},
    {"100 / 7 / 2", 7},
    {"-7 / 2", -3},
    {"-7 % 4", -3},
    {"7 % 4 * 2", 6},
    {"--3", 3},
    {"-(w - 10)", 2},
    {"stride > 1", 1},
    {"stride>=3", 0},
    {"1 + 1 == stride", 1},
    {"w != 8", 0},
    {"1 < 2", 1},
    {"2 <= 1", 0},
    {"norm", 1},
    {"true + false", 1},
    {"  w  ", 8},
    {"((((((((((1))))))))))", 1},
    {"big", INT64_MAX},
    {"-big - 1", INT64_MIN},
};

static const struct bad {
    const char *text, *why, *name;
} bad[] = {
    {"", "ends where a name", NULL},
    {"1 +", "ends where a name", NULL},
    {"1 2", "an operator is expected", NULL},
    {"(1", "a ')' is missing", NULL},
    {"1)", "an operator is expected", NULL},
    {"1 + * 2", "a name or a whole number is expected", NULL},
    {"width", "no such name", "width"},
    {"2 * (w + hight)", "no such name", "hight"},
    {"rate", "rate is '0.5', which is no whole number", NULL},
    {"1.5", "an operator is expected", NULL},
    {"3x", "no whole number", NULL},
    {"1 / 0", "divides by 0", NULL},
    {"1 % (w - 8)", "divides by 0", NULL},
    {"big + 1", "does not fit", NULL},
    {"big * 2", "does not fit", NULL},
    {"-big - 2", "does not fit", NULL},
    {"(-big - 1) / -1", "does not fit", NULL},
    {"-(-big - 1)", "does not fit", NULL},
    {"99999999999999999999", "no whole number", NULL},
    {"w.x", "an operator is expected", NULL},
    {"\xC3\xA4", "a name or a whole number is expected", NULL},
};

Test(expression, values) {
    for (size_t i = 0; i < COUNT(good); i++) {
        int64_t v = -99;
        char why[160] = "";
        const char *name;
        size_t length;
        cr_expect(lyne_expression(good[i].text, &constants, &v, why, &name, &length), "%s: %s", good[i].text, why);
        cr_expect_eq(v, good[i].value, "%s = %lld", good[i].text, (long long)v);
    }
}

Test(expression, mistakes) {
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t v = -99;
        char why[160] = "";
        const char *name;
        size_t length;
        cr_expect_not(lyne_expression(bad[i].text, &constants, &v, why, &name, &length), "%s", bad[i].text);
        cr_expect(strstr(why, bad[i].why), "%s: %s", bad[i].text, why);
        cr_expect_eq(v, -99, "%s: the value was changed", bad[i].text);
        cr_expect_eq(name != NULL, bad[i].name != NULL, "%s", bad[i].text);
        if (name && bad[i].name) cr_expect(strlen(bad[i].name) == length && memcmp(name, bad[i].name, length) == 0);
    }
}

/* A megabyte of brackets or minus signs ends in an error, not in a full stack. */
Test(expression, is_bounded) {
    static const char openings[] = "(-";
    for (int k = 0; k < 2; k++) {
        char *text = malloc(1 << 20), why[160];
        int64_t v;
        const char *name;
        size_t length;
        memset(text, openings[k], (1 << 20) - 1);
        text[(1 << 20) - 1] = '\0';
        cr_expect_not(lyne_expression(text, &constants, &v, why, &name, &length));
        cr_expect(strstr(why, "nested too deep"), "%s", why);
        free(text);
    }
}
