/* tests/base/text.c -- growing strings, numbers from text, the nearest name, numbers for people. */
#include "base/text.h"

#include "base/memory.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

Test(text, grows) {
    lyne_text t = {0};
    for (int i = 0; i < 1000; i++) lyne_text_add(&t, "%d,", i);
    lyne_text_bytes(&t, "a\0b", 3);
    cr_assert_not(t.failed);
    cr_assert_eq(t.length, 10 * 2 + 90 * 3 + 900 * 4 + 3);
    cr_assert_arr_eq(t.data + t.length - 3, "a\0b", 4);
    cr_assert_eq(memcmp(t.data, "0,1,2,", 6), 0);
    lyne_text_free(&t);
    lyne_text_bytes(&t, NULL, 0);
    cr_assert_str_eq(t.data, "");
    lyne_text_free(&t);
    lyne_text_free(NULL);
}

Test(text, remembers_that_memory_was_out) {
    lyne_text t = {0};
    lyne_text_add(&t, "kept");
    lyne_memory_fail_at(1);
    lyne_text_add(&t, "%0200d", 1);
    cr_assert(t.failed);
    lyne_text_add(&t, "x");
    cr_assert_str_eq(t.data, "kept");
    lyne_text_free(&t);
    cr_assert_not(t.failed);
}

Test(text, integers) {
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } rows[] = {{"0", true, 0},
                {"-12", true, -12},
                {"+7", true, 7},
                {"007", true, 7},
                {"9223372036854775807", true, INT64_MAX},
                {"-9223372036854775808", true, INT64_MIN},
                {"9223372036854775808", false, 0},
                {"", false, 0},
                {"-", false, 0},
                {" 1", false, 0},
                {"- 1", false, 0},
                {"1 ", false, 0},
                {"64k", false, 0},
                {"1.0", false, 0},
                {"0x10", false, 0},
                {"1e3", false, 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t v = 77;
        cr_assert_eq(lyne_parse_int(rows[i].text, &v), rows[i].ok, "'%s'", rows[i].text);
        cr_assert_eq(v, rows[i].ok ? rows[i].value : 77, "'%s'", rows[i].text);
    }
}

Test(text, floats) {
    static const struct {
        const char *text;
        bool ok;
        double value;
    } rows[] = {{"0.1", true, 0.1},   {"-3", true, -3},     {"1e-3", true, 1e-3},     {".5", true, 0.5},
                {"5.", true, 5},      {"+1E+2", true, 100}, {"1e-310", true, 1e-310}, {"1e400", false, 0},
                {"-1e400", false, 0}, {"1e-400", false, 0}, {"inf", false, 0},        {"-inf", false, 0},
                {"nan", false, 0},    {"0x1p3", false, 0},  {" 1", false, 0},         {"1 ", false, 0},
                {"", false, 0},       {"1,5", false, 0},    {"1e", false, 0},         {"--1", false, 0},
                {"1.2.3", false, 0},  {".", false, 0},      {"e5", false, 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        double v = 77;
        cr_assert_eq(lyne_parse_float(rows[i].text, &v), rows[i].ok, "'%s'", rows[i].text);
        cr_assert_eq(v, rows[i].ok ? rows[i].value : 77, "'%s'", rows[i].text);
    }
}

Test(text, nearest) {
    static const char *const names[] = {"temperature", "weight", "lr",    "momentum",     "kd",
                                        "t",           "adam",   "adamw", "resnet_cifar", "add"};
    static const struct {
        const char *word, *nearest;
    } rows[] = {{"temprature", "temperature"},
                {"tempertaure", "temperature"},
                {"tmprature", "temperature"},
                {"tmpratur", NULL},
                {"wieght", "weight"},
                {"dk", "kd"},
                {"rl", "lr"},
                {"kdd", "kd"},
                {"kddd", "kd"},
                {"x", NULL},
                {"t", "t"},
                {"", NULL},
                {"adma", "adam"},
                {"adamx", "adam"},
                {"adamww", "adamw"},
                {"xyz", NULL},
                {"tt", "t"},
                {"resnet", "resnet_cifar"},
                {"ada", "adam"},
                {"mo", NULL},
                {"dkd", "kd"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *found = lyne_nearest(rows[i].word, names, COUNT(names));
        cr_assert(found == rows[i].nearest || (found && rows[i].nearest && !strcmp(found, rows[i].nearest)), "'%s': %s",
                  rows[i].word, found ? found : "none");
    }
    char hint[LYNE_HINT_TEXT];
    cr_assert_str_eq(lyne_hint("dk", names, COUNT(names), "", hint), "; did you mean 'kd'?");
    cr_assert_str_eq(lyne_hint("xyz", names, COUNT(names), "; no", hint), "; no");
    char lengthy[200];
    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = '\0';
    const char *candidates[] = {lengthy, "aaa"};
    cr_assert_null(lyne_nearest(lengthy, candidates, 2));
    cr_assert_str_eq(lyne_nearest("aab", candidates, 2), "aaa");
}

Test(text, human) {
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0"},          {7, "7"},           {999, "999"},        {8.3, "8.3"},          {999.6, "1.0k"},
                {1000, "1.0k"},    {4096, "4.1k"},     {99949, "99.9k"},    {99951, "100k"},       {123456, "123k"},
                {999499, "999k"},  {999500, "1.0M"},   {12345678, "12.3M"}, {-12345678, "-12.3M"}, {2.5e9, "2.5G"},
                {1e12, "1.0T"},    {1e18, "1.0E"},     {9.99e20, "999E"},   {1e24, ">999E"},       {-1e300, "<-999E"},
                {INFINITY, "inf"}, {-INFINITY, "-inf"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[16];
        lyne_human(rows[i].value, out);
        cr_assert_str_eq(out, rows[i].text);
    }
    for (double v = 1e-9; v < 1e30; v *= 1.0137) {
        char out[16];
        lyne_human(-v, out);
        cr_assert_leq(strlen(out), 6, "%g: %s", -v, out);
    }
}

Test(text, human_time) {
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{0, "0.0 s"},
                {8.3, "8.3 s"},
                {59.94, "59.9 s"},
                {59.97, "1 min 0 s"},
                {252, "4 min 12 s"},
                {3599.4, "59 min 59 s"},
                {3599.6, "1 h 0 min"},
                {7500, "2 h 5 min"},
                {7199, "2 h 0 min"},
                {360000, "100 h 0 min"},
                {-1, "?"},
                {NAN, "?"},
                {INFINITY, "?"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[32];
        lyne_human_time(rows[i].seconds, out);
        cr_assert_str_eq(out, rows[i].text);
    }
}

Test(text, names) {
    char longest[66];
    memset(longest, 'a', 65);
    longest[65] = '\0';
    cr_assert_not(lyne_name_ok(longest));
    longest[64] = '\0';
    cr_assert(lyne_name_ok(longest));
    static const char *const good[] = {"a", "soft_labels", "ResNet-20.v2", "7"};
    static const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "a b", "ä", "a\n"};
    for (size_t i = 0; i < COUNT(good); i++) cr_assert(lyne_name_ok(good[i]), "'%s'", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++) cr_assert_not(lyne_name_ok(bad[i]), "'%s'", bad[i]);
}

Test(text, one_harmless_line) {
    static const char *const rows[][2] = {
        {"", ""},
        {"plain \xE2\x82\xAC \xF0\x9D\x84\x9E", "plain \xE2\x82\xAC \xF0\x9D\x84\x9E"},
        {"\x1b]0;x\a\x1b[2Ja\r\nb\tc\x7f", " ]0;x  [2Ja  b c "},
        {"\xC2\x9B"
         "31m \xE2\x80\xA8.",
         " 31m  ."}, /* CSI in one character, a separator of lines */
        {"a\xE2\x80\xAE"
         "b\xE2\x81\xA6"
         "c",
         "a b c"},                           /* from right to left, an isolate             */
        {"\x80\xE2\x82 \xC0\x9B", "??? ??"}, /* no UTF-8                                   */
        {"\xEF\xBF\xBD", "\xEF\xBF\xBD"}};   /* the replacement character itself           */
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[64];
        strcpy(text, rows[i][0]);
        cr_expect_str_eq(lyne_one_line(text), rows[i][1], "row %zu: %s", i, text);
    }
}

Test(text, a_line_of_a_table) {
    lyne_text t = {0};
    char *said = NULL;
    size_t n;
    FILE *to = open_memstream(&said, &n);
    lyne_text_add(&t, "a\n%s", "\x1b[2J");
    cr_assert(lyne_text_line(&t, to));
    cr_assert_null(t.data);
    cr_assert(lyne_text_line(&t, to));
    lyne_memory_fail_at(1);
    lyne_text_add(&t, "lost");
    cr_assert_not(lyne_text_line(&t, to));
    cr_assert_not(t.failed);
    fclose(to);
    cr_assert_str_eq(said, "a  [2J\n\n");
    free(said);
}
