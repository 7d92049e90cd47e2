/* tests/component/registry.c -- a bad row is refused by its name, and good ones are found. */
#include "component/registry.h"
#include "rows.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const char *const no_choices[] = {NULL};
static const char *const letters[] = {"a", "b", NULL};
static const lyne_field inner[] = {{"x", LYNE_FIELD_INT, "a number", "0", 0}, LYNE_FIELDS_END};
static const lyne_field inner_outside[] = {{"x", LYNE_FIELD_INT, "a number", "0", 8}, LYNE_FIELDS_END};
static const lyne_field inner_required[] = {{"x", LYNE_FIELD_INT, "a number", LYNE_REQUIRED, 0}, LYNE_FIELDS_END};
static const lyne_field inner_bad[] = {{"x", LYNE_FIELD_INT, "a number", "x", 0}, LYNE_FIELDS_END};
static const lyne_field endless[] = {{"again", LYNE_FIELD_GROUP, "itself", "{}", 0, .fields = endless},
                                     LYNE_FIELDS_END};
static const lyne_field ring[] = {
    {"next", LYNE_FIELD_COMPONENT, "itself", "bad", 0, .kind = LYNE_LOSS},
    {"also", LYNE_FIELD_COMPONENT, "itself", "bad", sizeof(lyne_instance), .kind = LYNE_LOSS},
    LYNE_FIELDS_END};

#define ROW(...)                                                                                                       \
    {                                                                                                                  \
        LYNE_LOSS, "bad", .config_size = 8, .fields = (const lyne_field[]) {                                           \
            __VA_ARGS__, LYNE_FIELDS_END                                                                               \
        }                                                                                                              \
    }

typedef struct bad_row {
    lyne_component row;
    const char *text;
} bad_row;

static const bad_row bad_rows[] = {
    {{LYNE_LOSS, "Kd"}, "loss 'Kd': a name is [a-z0-9_]+"},
    {{LYNE_LOSS, "k-d"}, "loss 'k-d'"},
    {{LYNE_LOSS, ""}, "loss '': a name"},
    {{LYNE_LOSS, NULL}, "loss '': a name"},
    {{LYNE_N_KINDS, "bad"}, "'bad': there is no kind"},
    {{LYNE_LOSS, "mse"}, "loss 'mse': there are two"},
    {ROW({"", LYNE_FIELD_INT, "help", "0"}), "loss 'bad': field '' has a name"},
    {ROW({"A", LYNE_FIELD_INT, "help", "0"}), "loss 'bad': field 'A' has a name"},
    {ROW({"a", LYNE_FIELD_INT, "", "0"}), "loss 'bad': field 'a' has no help"},
    {ROW({"a", LYNE_FIELD_INT, NULL, "0"}), "loss 'bad': field 'a' has no help"},
    {ROW({"a", LYNE_FIELD_INT, "help", "0"}, {"a", LYNE_FIELD_INT, "help", "0"}),
     "loss 'bad': field 'a' is there twice"},
    {ROW({"a", (lyne_field_type)99, "help", "0"}), "loss 'bad': field 'a' has no type"},
    {ROW({"a", LYNE_FIELD_INT, "help", "0", 8}), "loss 'bad': field 'a' lies outside"},
    {ROW({"a", LYNE_FIELD_INT, "help", "0", 1}), "loss 'bad': field 'a' lies outside"},
    {ROW({"a", LYNE_FIELD_INT, "help", "0", SIZE_MAX}), "loss 'bad': field 'a' lies outside"},
    {ROW({"a", LYNE_FIELD_INTS, "help", "[]"}), "loss 'bad': field 'a' lies outside"},
    {ROW({"a", LYNE_FIELD_INT, "help", "0", LYNE_RANGE(1, 0)}), "loss 'bad': field 'a' has a range"},
    {ROW({"a", LYNE_FIELD_FLOAT, "help", "0", LYNE_RANGE(NAN, 0)}), "loss 'bad': field 'a' has a range"},
    {ROW({"a", LYNE_FIELD_CHOICE, "help", "a"}), "loss 'bad': field 'a' has no choices"},
    {ROW({"a", LYNE_FIELD_CHOICE, "help", "a", .choices = no_choices}), "loss 'bad': field 'a' has no choices"},
    {ROW({"a", LYNE_FIELD_GROUP, "help", "{}"}), "loss 'bad': field 'a' is a group without"},
    {ROW({"a", LYNE_FIELD_GROUP, "help", "{}", 1, .fields = inner}), "loss 'bad': field 'x' lies outside"},
    {ROW({"a", LYNE_FIELD_GROUP, "help", "{}", .fields = inner_outside}), "loss 'bad': field 'x' lies outside"},
    {ROW({"a", LYNE_FIELD_GROUP, "help", "{}", .fields = endless}), "loss 'bad': field 'again' nests"},
    {{LYNE_LOSS, "bad", .config_size = 64,
      .fields =
          (const lyne_field[]){{"a", LYNE_FIELD_COMPONENT, "help", LYNE_UNSET, .kind = LYNE_N_KINDS}, LYNE_FIELDS_END}},
     "loss 'bad': field 'a' is of no kind"},
    /* fallbacks */
    {ROW({"a", LYNE_FIELD_INT, "help", "ten"}), "loss 'bad': field 'a' refuses its own fallback: default of bad.a:1:1"},
    {ROW({"a", LYNE_FIELD_INT, "help", "~"}), "loss 'bad': field 'a' refuses"},
    {ROW({"a", LYNE_FIELD_INT, "help", "5", LYNE_RANGE(6, 7)}), "a = 5 is outside [6, 7]"},
    {ROW({"a", LYNE_FIELD_BOOL, "help", "yes"}), "loss 'bad': field 'a' refuses"},
    {ROW({"a", LYNE_FIELD_CHOICE, "help", "c", .choices = letters}), "'c' is not a choice for a"},
    {ROW({"a", LYNE_FIELD_TEXT, "help", "[oops"}), "loss 'bad': field 'a' refuses"},
    {ROW({"a", LYNE_FIELD_TEXT, "help", "!tag b"}), "loss 'bad': field 'a' refuses"},
    {ROW({"a", LYNE_FIELD_GROUP, "help", LYNE_UNSET, .fields = inner_required}), "'x' is missing"},
    {ROW({"a", LYNE_FIELD_GROUP, "help", "{x: 1}", .fields = inner_bad}), "loss 'bad': field 'x' refuses"},
    {ROW({"a", LYNE_FIELD_GROUP, "help", "{y: 1}", .fields = inner}), "unknown key 'y'"},
    {{LYNE_LOSS, "bad", .config_size = sizeof(lyne_instance),
      .fields = (const lyne_field[]){{"a", LYNE_FIELD_COMPONENT, "help", "none", .kind = LYNE_OP}, LYNE_FIELDS_END}},
     "there is no op 'none'; there are no ops"},
    {{LYNE_LOSS, "bad", .config_size = 2 * sizeof(lyne_instance), .fields = ring}, "without end"},
};

Test(registry, bad_rows_are_refused_by_name) {
    static const lyne_component mse = {LYNE_LOSS, "mse"};
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        const lyne_component *rows[] = {&mse, &bad_rows[i].row};
        lyne_registry *r;
        lyne_error err = {0};
        cr_expect_eq(lyne_registry_new(rows, 2, &r, &err), LYNE_EOTHER, "row %zu: %s", i, bad_rows[i].text);
        cr_expect_null(r);
        cr_expect(strstr(err.text, bad_rows[i].text), "'%s' lacks '%s'", err.text, bad_rows[i].text);
    }
}

Test(registry, lists_by_kind_in_the_order_of_names) {
    lyne_registry *r = test_registry();
    size_t n;
    const lyne_component *const *losses = lyne_registry_list(r, LYNE_LOSS, &n);
    cr_assert_eq(n, 2);
    cr_expect_str_eq(losses[0]->name, "kd");
    cr_expect_str_eq(losses[1]->name, "mse");
    lyne_registry_list(r, LYNE_STAGE, &n);
    cr_expect_eq(n, 1);
    lyne_registry_list(r, LYNE_OP, &n);
    cr_expect_eq(n, 0);
    cr_expect_eq(lyne_registry_find(r, LYNE_LOSS, "kd"), losses[0]);
    cr_expect_null(lyne_registry_find(r, LYNE_LOSS, "sgd"));
    cr_expect_null(lyne_registry_find(r, LYNE_OP, "kd"));
    lyne_registry_free(r);
}

Test(registry, may_be_empty) {
    lyne_registry *r;
    size_t n = 1;
    cr_assert_eq(lyne_registry_new(NULL, 0, &r, NULL), LYNE_OK);
    lyne_registry_list(r, LYNE_STAGE, &n);
    cr_expect_eq(n, 0);
    lyne_registry_free(r);
    lyne_registry_free(NULL);
}

Test(registry, kinds_have_names) {
    cr_expect_str_eq(lyne_kind_name(LYNE_OP), "op");
    cr_expect_str_eq(lyne_kind_name(LYNE_STAGE), "stage");
    for (int k = 0; k < LYNE_N_KINDS; k++) cr_expect(lyne_kind_name((lyne_kind)k));
}
