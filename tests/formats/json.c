/* tests/formats/json.c -- files with limits and places, fields with types, the same bytes for the same value. */
#include "formats/json.h"

#include "scratch.h"
#include <errno.h>
#include <math.h>
#include <unistd.h>

TestSuite(json, .init = scratch_enter, .fini = scratch_leave);

Test(json, load_says_where) {
    static const struct {
        const char *text, *says; /* NULL: fine */
    } rows[] = {{"{\"a\": 1}", NULL},
                {"[1, 2]\n", NULL},
                {"7", NULL},
                {"", ":1:0: "},
                {"{\"a\": 1,\n \"a\": 2}", "duplicate"},
                {"{\"a\": 1,\n \"b\" 2}", ":2:6: "},
                {"{} {}", ":1:4: "},
                {"{\"a\": \"\\u0000\"}", "\\u0000"},
                {"{\"a\": \"\xE9\"}", "decode byte"},
                {"{\"a\": NaN}", ":1:"},
                {"{\"a\": 123456789012345678901}", "too big"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        lyne_error err = {0};
        json_t *value = NULL;
        put(at("a.json"), rows[i].text, strlen(rows[i].text));
        cr_assert_eq(lyne_json_load(at("a.json"), 100, &value, &err), rows[i].says ? LYNE_EDATA : LYNE_OK, "row %zu",
                     i);
        cr_assert_eq(value != NULL, rows[i].says == NULL);
        if (rows[i].says)
            cr_assert(strstr(err.text, rows[i].says) && strstr(err.text, at("a.json")), "row %zu: %s", i, err.text);
        json_decref(value);
    }
}

Test(json, load_has_limits) {
    enum { DEEP = 100000 };
    static char deep[DEEP];
    json_t *value;
    lyne_error err = {0};
    memset(deep, '[', sizeof deep);
    put(at("deep"), deep, sizeof deep);
    cr_assert_eq(lyne_json_load(at("deep"), sizeof deep, &value, &err), LYNE_EDATA);
    cr_assert(strstr(err.text, "depth"), "%s", err.text);
    cr_assert_eq(lyne_json_load(at("deep"), sizeof deep - 1, &value, NULL), LYNE_EDATA);
    cr_assert_eq(lyne_json_load(at("missing"), 100, &value, NULL), LYNE_EDATA);
    cr_assert_null(value);
}

Test(json, save_is_canonical) {
    static const char due[] = "{\n  \"a\": {\n    \"b\": [\n      1,\n      0.10000000000000001\n    ],\n"
                              "    \"c\": \"\xC3\xA9\"\n  },\n  \"z\": null\n}\n";
    json_t *one = json_pack("{s:n, s:{s:s, s:[i, f]}}", "z", "a", "c", "\xC3\xA9", "b", 1, 0.1);
    json_t *two = json_pack("{s:{s:[i, f], s:s}, s:n}", "a", "b", 1, 0.1, "c", "\xC3\xA9", "z"), *back;
    cr_assert_eq(lyne_json_save(at("one"), one, NULL), LYNE_OK);
    cr_assert_eq(lyne_json_save(at("two"), two, NULL), LYNE_OK);
    const char *const files[] = {at("one"), at("two")};
    for (size_t i = 0; i < COUNT(files); i++) {
        size_t n;
        char *text = get(files[i], &n);
        cr_assert_str_eq(text, due);
        lyne_free(text);
    }
    cr_assert_eq(lyne_json_load(at("one"), 1000, &back, NULL), LYNE_OK);
    cr_assert(json_equal(one, back));
    cr_assert_eq(lyne_json_save(at("three"), NULL, NULL), LYNE_ENOSPACE);
    for (uint64_t n = 1; n <= 5; n++) {
        lyne_file_fail_at(n, ENOSPC);
        cr_assert_eq(lyne_json_save(at("three"), one, NULL), LYNE_ENOSPACE, "call %d", (int)n);
        lyne_file_fail_at(0, 0);
        cr_assert_not(lyne_file_exists(at("three")));
    }
    json_decref(one);
    json_decref(two);
    json_decref(back);
}

enum getter { TEXT, INT, REAL, DIGEST, ARRAY, OBJECT };

static lyne_status get_field(const json_t *object, enum getter which, const char *key, lyne_error *err) {
    const char *text;
    int64_t number;
    double real;
    lyne_digest digest;
    json_t *value;
    switch (which) {
    case TEXT:
        return lyne_json_text(object, key, &text, err);
    case INT:
        return lyne_json_int(object, key, -5, 5, &number, err);
    case REAL:
        return lyne_json_real(object, key, &real, err);
    case DIGEST:
        return lyne_json_digest(object, key, &digest, err);
    case ARRAY:
        return lyne_json_array(object, key, &value, err);
    case OBJECT:
        return lyne_json_object(object, key, &value, err);
    }
    return LYNE_EOTHER;
}

/* As all builders do it: whether jansson put a member in is not asked. */
static json_t *make(void) {
    json_t *object = json_object(), *list = json_array();
    for (int i = 0; i < 20; i++) json_array_append_new(list, json_integer(i));
    json_object_set_new(object, "list", list);
    json_object_set_new(object, "text", json_string("of a length"));
    lyne_json_set_real(object, "real", 0.5);
    lyne_json_set_real(object, "none", NAN);
    lyne_json_set_digest(object, "digest", lyne_digest_of("a", 1));
    return object;
}

Test(json, without_memory_nothing_is_written) {
    json_t *whole = make();
    char *due = lyne_json_dump(whole, 0);
    bool done = false;
    uint64_t n = 1;
    for (; !done; n++) {
        const uint64_t before = lyne_memory_count();
        lyne_memory_fail_at(n);
        json_t *value = make();
        const bool made = lyne_memory_count() - before < n;
        const lyne_status status = lyne_json_save(at("a.json"), value, NULL);
        done = lyne_memory_count() - before < n;
        lyne_memory_fail_at(0);
        cr_assert_eq(status, done ? LYNE_OK : LYNE_ENOSPACE, "allocation %d%s", (int)n, made ? ", of the file" : "");
        json_decref(value);
        if (access(at("a.json"), F_OK) == 0) { /* also when all that failed was to sync its folder */
            cr_assert(made, "allocation %d", (int)n);
            cr_assert_eq(lyne_json_load(at("a.json"), 1000, &value, NULL), LYNE_OK);
            cr_assert(json_equal(value, whole));
            json_decref(value);
            unlink(at("a.json"));
        }
        char *next = lyne_json_dump(value = make(), 0);
        cr_assert_str_eq(next, due, "what is made next is whole");
        json_decref(value);
        lyne_free(next);
    }
    cr_expect_gt(n, 40);
    json_decref(whole);
    lyne_free(due);
}

Test(json, without_memory_nothing_is_read) {
    static const char text[] = "{\"a\": [1, 2, {\"b\": \"0123456789abcdef0123456789abcdef\"}]}";
    lyne_status status = LYNE_ENOSPACE;
    uint64_t n = 1;
    for (; status == LYNE_ENOSPACE; n++) {
        json_t *value;
        json_error_t why;
        lyne_memory_fail_at(n);
        status = lyne_json_parse(text, sizeof text - 1, &value, &why);
        lyne_memory_fail_at(0);
        char *dump = lyne_json_dump(value, 0);
        cr_assert(status == LYNE_OK ? strcmp(dump, text) == 0 : status == LYNE_ENOSPACE && !value, "allocation %d",
                  (int)n);
        json_decref(value);
        lyne_free(dump);
    }
    cr_expect_gt(n, 10);
}

Test(json, fields_are_checked) {
    static const struct {
        enum getter which;
        const char *key, *says; /* NULL: fine */
    } rows[] = {{TEXT, "text", NULL},
                {TEXT, "int", "\"int\" is an integer, a text is due"},
                {TEXT, "nothing", "\"nothing\" is missing, a text is due"},
                {INT, "int", NULL},
                {INT, "low", NULL},
                {INT, "high", "\"high\" = 6 is outside [-5, 5]"},
                {INT, "real", "\"real\" is a real, an integer is due"},
                {REAL, "real", NULL},
                {REAL, "int", NULL},
                {REAL, "text", "\"text\" is a text, a number is due"},
                {DIGEST, "digest", NULL},
                {DIGEST, "text", "\"text\" is no fingerprint"},
                {DIGEST, "int", "a text is due"},
                {ARRAY, "array", NULL},
                {ARRAY, "object", "\"object\" is an object, an array is due"},
                {OBJECT, "object", NULL},
                {OBJECT, "null", "\"null\" is null, an object is due"}};
    json_t *object = json_pack("{s:s, s:i, s:i, s:i, s:f, s:[], s:{}, s:n}", "text", "t", "int", 3, "low", -5, "high",
                               6, "real", 0.5, "array", "object", "null");
    cr_assert_eq(lyne_json_set_digest(object, "digest", (lyne_digest){.high = 1, .low = 2}), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        lyne_error err = {0};
        cr_assert_eq(get_field(object, rows[i].which, rows[i].key, &err), rows[i].says ? LYNE_EDATA : LYNE_OK,
                     "row %zu: %s", i, err.text);
        if (rows[i].says) cr_assert(strstr(err.text, rows[i].says), "row %zu: %s", i, err.text);
    }
    for (int which = TEXT; which <= OBJECT; which++) {
        cr_assert_eq(get_field(NULL, (enum getter)which, "key", NULL), LYNE_EDATA);
        cr_assert_eq(get_field(json_object_get(object, "array"), (enum getter)which, "key", NULL), LYNE_EDATA);
    }
    lyne_digest digest;
    double real;
    cr_assert_eq(lyne_json_digest(object, "digest", &digest, NULL), LYNE_OK);
    cr_assert(digest.high == 1 && digest.low == 2);
    cr_assert_eq(lyne_json_real(object, "int", &real, NULL), LYNE_OK);
    cr_assert_eq(real, 3.0);
    json_decref(object);
}

Test(json, what_is_not_finite_is_null) {
    static const double rows[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *object = json_object();
        cr_assert_eq(lyne_json_set_real(object, "fine", 1.5), 0);
        cr_assert_null(json_object_get(object, "nonfinite"));
        cr_assert_eq(lyne_json_set_real(object, "loss", rows[i]), 0);
        cr_assert(json_is_null(json_object_get(object, "loss")));
        cr_assert(json_is_true(json_object_get(object, "nonfinite")));
        json_decref(object);
    }
}
