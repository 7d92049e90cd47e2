/* tests/recipe/results.c -- figures over seeds, and results.json. */
#include "formats/json.h"
#include "small_run.h"
#include <math.h>

/* ---- mean and sd, by hand ---- */

static const struct sample {
    size_t n;
    double value[6]; /* below 0: unknown */
    int known;
    double mean, sd;
} samples[] = {
    {1, {7}, 1, 7, 0},
    {2, {4, 8}, 2, 6, 2.8284271247461903},           /* sqrt((4 + 4) / 1) */
    {3, {1, 2, 3}, 3, 2, 1},                         /* sqrt((1 + 0 + 1) / 2) */
    {5, {2, 4, 4, 4, 6}, 5, 4, 1.4142135623730951},  /* sqrt((4 + 0 + 0 + 0 + 4) / 4) */
    {4, {1, -1, 3, -1}, 2, 2, 1.4142135623730951},   /* of the two that are known */
    {3, {1e9 + 1, 1e9 + 2, 1e9 + 3}, 3, 1e9 + 2, 1}, /* not the difference of two squares of 1e18 */
    {2, {0, 0}, 2, 0, 0},
    {2, {-1, -1}, 0, 0, 0},
};

Test(results, mean_and_standard_deviation) {
    for (size_t i = 0; i < COUNT(samples); i++) {
        const struct sample *s = &samples[i];
        lyne_outcome item[2 * COUNT(s->value)];
        lyne_outcomes o = {.item = item};
        for (size_t k = 0; k < s->n; k++) {
            lyne_outcome mine = {.stage = 3, .result = lyne_result_empty()}, other = {.stage = 2, .result = {0}};
            mine.result.test_errors = (int64_t)s->value[k];
            mine.result.test_accuracy = s->value[k];
            other.result.test_errors = 1000000;
            item[o.n++] = other;
            item[o.n++] = mine;
        }
        const lyne_summary whole = lyne_summarise(&o, 3, offsetof(lyne_result, test_errors), true);
        const lyne_summary real = lyne_summarise(&o, 3, offsetof(lyne_result, test_accuracy), false);
        cr_expect(whole.n == s->known && real.n == s->known, "row %zu: %d", i, whole.n);
        cr_expect(fabs(whole.mean - s->mean) <= 1e-12 * s->mean && real.mean == whole.mean, "row %zu: %.17g", i,
                  whole.mean);
        cr_expect(fabs(whole.sd - s->sd) <= 1e-12 && real.sd == whole.sd, "row %zu: %.17g", i, whole.sd);
    }
}

/* ---- results.json ---- */

static void enter(void) {
    folder_enter();
    put("recipe.yaml", small_recipe);
}
TestSuite(results_json, .init = enter, .fini = folder_leave);

static json_t *results_of_a_run(const char *name) {
    char path[64];
    lyne_error err = {0};
    json_t *root;
    small_run s = {0};
    cr_assert(small_run_into(&s, name), "killed");
    cr_assert_eq(s.status, LYNE_OK, "%s", s.text);
    snprintf(path, sizeof path, "%s/results.json", name);
    cr_assert_eq(lyne_json_load(at(path), 1 << 20, &root, &err), LYNE_OK, "%s", err.text);
    return root;
}

static json_t *stage_of(const json_t *root, size_t i) {
    return json_array_get(json_object_get(root, "stages"), i);
}

/* What every run of a stage that makes a model says; others say less. */
Test(results_json, says_what_programs_need) {
    static const char *const numbers[] = {"seed", "parameters", "macs", "seconds", "samples_per_second"};
    json_t *root = results_of_a_run("run"), *stage;
    size_t i;
    cr_expect_eq(json_integer_value(json_object_get(root, "lyne")), 1);
    cr_expect_str_eq(json_string_value(json_object_get(root, "recipe")), "small");
    cr_expect_gt(json_real_value(json_object_get(root, "wall_seconds")), 0.0);
    cr_assert_eq(json_array_size(json_object_get(root, "stages")), 8);
    json_array_foreach(json_object_get(root, "stages"), i, stage) {
        const char *kind = json_string_value(json_object_get(stage, "kind"));
        const json_t *metrics = json_object_get(stage, "metrics");
        cr_assert(kind && json_is_string(json_object_get(stage, "stage")) && json_is_object(metrics));
        if (strcmp(kind, "train") != 0 && strcmp(kind, "distill") != 0) continue;
        for (size_t k = 0; k < COUNT(numbers); k++)
            cr_expect(json_is_number(json_object_get(stage, numbers[k])), "%s", numbers[k]);
        cr_expect(json_is_number(json_object_get(metrics, "test_accuracy")));
        cr_expect(json_is_integer(json_object_get(metrics, "test_errors")));
        char path[128];
        snprintf(path, sizeof path, "run/%s", json_string_value(json_object_get(stage, "model")));
        cr_expect(lyne_file_exists(at(path)), "%s", path);
    }
    json_decref(root);
}

Test(results_json, a_second_run_says_the_same) {
    json_t *first = results_of_a_run("run"), *second = results_of_a_run("run");
    for (size_t i = 0; i < 8; i++) {
        cr_expect(json_is_false(json_object_get(stage_of(first, i), "was_up_to_date")));
        cr_expect(json_is_true(json_object_get(stage_of(second, i), "was_up_to_date")));
        json_object_del(stage_of(first, i), "was_up_to_date");
        json_object_del(stage_of(second, i), "was_up_to_date");
        cr_expect(json_equal(stage_of(first, i), stage_of(second, i)), "stage %zu", i);
    }
    json_decref(first);
    json_decref(second);
}

Test(results_json, expectations_are_met_or_not) {
    static const struct {
        const char *expect;
        bool met;
    } rows[] = {{"expect: [{stage: student, test_errors: 10, within: 20}]\n", true},
                {"expect: [{stage: student, test_errors: 100, within: 79}]\n", false},
                {"expect: [{stage: student, test_accuracy: 0.5, within: 0.5}]\n", true},
                {"expect: [{stage: fidelity, test_accuracy: 0, within: 1}]\n", true}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = edited(small_recipe, "expect: [{stage: student, test_errors: 10, within: 5}]\n", rows[i].expect);
        put("recipe.yaml", text);
        json_t *root = results_of_a_run("run"), *expect = json_array_get(json_object_get(root, "expect"), 0);
        cr_expect_eq(json_is_true(json_object_get(expect, "met")), rows[i].met, "%s", rows[i].expect);
        cr_expect_eq(json_integer_value(json_object_get(expect, "n")), 2);
        json_decref(root);
        free(text);
    }
}
