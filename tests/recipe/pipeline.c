/* tests/recipe/pipeline.c -- what is run again and what is not, and that a run which is broken off anywhere goes on to
 * the same bits. */
#include "small_run.h"
#include <errno.h>

static void enter(void) {
    folder_enter();
    put("recipe.yaml", small_recipe);
}
TestSuite(pipeline, .init = enter, .fini = folder_leave);

static small_run run_well(small_run s, const char *name) {
    cr_assert(small_run_into(&s, name), "killed");
    cr_assert_eq(s.status, LYNE_OK, "%s", s.text);
    cr_assert_leq(s.n, MOST_JOBS);
    return s;
}

/* ---- fingerprints ---- */

Test(pipeline, jobs_are_the_stages_in_order_once_or_for_each_seed) {
    static const char *const stage[] = {"teacher", "soft_labels", "student",  "student",
                                        "alone",   "alone",       "fidelity", "fidelity"};
    static const uint64_t seed[] = {1, 1, 1, 2, 1, 2, 1, 2};
    const small_run s = run_well((small_run){0}, "run");
    cr_assert_eq(s.n, COUNT(stage));
    for (size_t i = 0; i < s.n; i++) {
        cr_expect_str_eq(s.job[i].stage, stage[i]);
        cr_expect_eq(s.job[i].seed, seed[i]);
        cr_expect_not(s.job[i].was_up_to_date);
        for (size_t k = 0; k < i; k++)
            cr_expect(!lyne_digest_equal(s.job[i].fingerprint, s.job[k].fingerprint), "%zu and %zu", i, k);
    }
}

/* A sweep of thousands keeps that much of each: what came of it and where it lies, not what it depends on. */
Test(pipeline, little_is_kept_of_a_job) {
    small_run s = run_well((small_run){0}, "run");
    cr_expect_leq(s.kept, 1000 * s.n, "%zu bytes of %zu jobs", (size_t)s.kept, s.n);
    s = run_well((small_run){.set = {"stages.teacher.train.epochs=2"}}, "run"); /* and why they are done again */
    cr_expect_leq(s.kept, 1000 * s.n, "%zu bytes of %zu jobs", (size_t)s.kept, s.n);
}

/* Which of the stages an edit makes to be run again: t teacher, s soft labels, d student, a alone, e fidelity. */
static const struct edit {
    const char *file, *from, *to, *again;
} edits[] = {
    {"recipe.yaml", "checkpoint_seconds: 0}}\n  soft", "checkpoint_seconds: 5}}\n  soft", ""},
    {"recipe.yaml", "name: small", "name: other", ""},
    {"recipe.yaml", "test_errors: 10", "test_errors: 11", ""},
    {"recipe.yaml", "data: tiny", "data: {use: tiny} # the same", ""},
    {"recipe.yaml", "data: tiny", "data: {use: tiny, validation: 0}", ""},
    {"recipe.yaml", "data: tiny", "data: {use: tiny, validation: 10}", "tsdae"},
    {"recipe.yaml", "hidden: [3]}}, labels", "hidden: [3]}}, show: {without: [c]}, labels", "de"},
    {"recipe.yaml", "hidden: [4]", "hidden: [4], dropout: {input: 0}", ""},
    {"recipe.yaml", "labels: soft_labels, epochs: 1", "labels: soft_labels, epochs: 2", "de"},
    {"recipe.yaml", "alone: {train: {model: {mlp: {hidden: [3]}}, epochs: 1",
     "alone: {train: {model: {mlp: {hidden: [3]}}, epochs: 2", "a"},
    {"recipe.yaml", "{teacher: teacher, batch: 8,", "{teacher: teacher, encoding: f32, batch: 8,", "sde"},
    {"recipe.yaml", "epochs: 1.5", "epochs: 2", "tsde"},
    {"recipe.yaml", "against: teacher", "against: alone", "e"},
    {"recipe.yaml", "seeds: [1, 2]", "seeds: [1]", ""},
    {"recipe.yaml", "seeds: [1, 2]", "seeds: [2, 1]", "tsde"},
    {"datasets/tiny.yaml", "name: tiny", "name: tiny\ntitle: A few strokes", ""},
    {"datasets/tiny.yaml", "train: 40", "seed: 1, train: 40", ""},
    {"datasets/tiny.yaml", "train: 40", "train: 41", "tsdae"},
    {"datasets/tiny.yaml", "test: 20", "test: 21", "tsdae"},
    {"datasets/tiny.yaml", "mean: [0.1]", "mean: [0.11]", "tsdae"},
    {"datasets/tiny.yaml", "[a, b, c,", "[a, b, k,", "tsdae"},
};

static char letter(const char *stage) {
    return strcmp(stage, "student") == 0 ? 'd' : strcmp(stage, "fidelity") == 0 ? 'e' : stage[0];
}

Test(pipeline, an_edit_has_run_again_what_depends_on_it_and_nothing_else) {
    for (size_t i = 0; i < COUNT(edits); i++) {
        const struct edit *e = &edits[i];
        const bool recipe = strcmp(e->file, "recipe.yaml") == 0;
        char name[16];
        snprintf(name, sizeof name, "run-%zu", i);
        put("recipe.yaml", small_recipe);
        put("datasets/tiny.yaml", tiny_description);
        run_well((small_run){0}, name);
        char *text = edited(recipe ? small_recipe : tiny_description, e->from, e->to);
        put(e->file, text);
        free(text);
        const small_run s = run_well((small_run){0}, name);
        for (size_t k = 0; k < s.n; k++)
            cr_expect_eq(s.job[k].was_up_to_date, !strchr(e->again, letter(s.job[k].stage)), "%s -> %s: %s, seed %d",
                         e->from, e->to, s.job[k].stage, (int)s.job[k].seed);
    }
}

/* One number of mean and none of sd is not none of mean and one of sd. */
Test(pipeline, mean_and_sd_are_told_apart) {
    char *mean = edited(tiny_description, "mean: [0.1]\nsd: [0.2]\n", "mean: [0.2]\n");
    char *sd = edited(tiny_description, "mean: [0.1]\nsd: [0.2]\n", "sd: [0.2]\n");
    put("datasets/tiny.yaml", mean);
    run_well((small_run){0}, "run");
    put("datasets/tiny.yaml", sd);
    const small_run s = run_well((small_run){0}, "run");
    cr_expect_not(s.job[0].was_up_to_date);
    free(mean);
    free(sd);
}

/* ---- checkpoints of what is no longer wanted ---- */

Test(pipeline, a_longer_training_that_was_given_up_is_not_in_the_way) {
    lyne_error err = {0};
    char **name;
    size_t n, ours = 0;
    small_run longer = {.set = {"stages.teacher.train.epochs=50"}, .fail_at = 800, .error = LYNE_FILE_DIE};
    small_run wanted = {.fail_at = 205, .error = LYNE_FILE_DIE};
    cr_assert_not(small_run_into(&longer, "run"));
    cr_assert_not(small_run_into(&wanted, "run"));
    cr_assert_eq(lyne_directory_list(at("run/teacher"), &name, &n, &err), LYNE_OK, "%s", err.text);
    for (size_t i = 0; i < n; i++) ours += strcmp(name[i], "checkpoint-000000000004") < 0 && name[i][0] == 'c';
    cr_expect_gt(ours, 0, "no checkpoint of the last run is left");
    lyne_names_free(name, n);
}

/* ---- the same recipe, other files ---- */

/* Make FOLDER/run/teacher that of FOLDER/other, as if the same recipe had given other bits (another CPU). */
static void take_teacher_of(const char *name) {
    char from[2][64], *result, *model;
    size_t size;
    lyne_error err = {0};
    char *own = NULL;
    snprintf(from[0], sizeof from[0], "%s/teacher/result.json", name);
    snprintf(from[1], sizeof from[1], "%s/teacher/model.safetensors", name);
    cr_assert_eq(lyne_file_read(at("run/teacher/result.json"), 1 << 20, &own, &size, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_file_read(at(from[0]), 1 << 20, &result, &size, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_file_read(at(from[1]), 1 << 20, &model, &size, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_file_commit(at("run/teacher/model.safetensors"), model, size, &err), LYNE_OK, "%s", err.text);
    const char *const key = "\"fingerprint\": \"";
    memcpy(strstr(result, key) + strlen(key), strstr(own, key) + strlen(key), LYNE_DIGEST_TEXT - 1);
    put("run/teacher/result.json", result);
    lyne_free(own);
    lyne_free(result);
    lyne_free(model);
}

Test(pipeline, another_teacher_of_the_same_recipe_has_its_students_run_again) {
    run_well((small_run){0}, "run");
    run_well((small_run){.set = {"seeds=[2, 1]"}}, "other");
    take_teacher_of("other");
    const small_run s = run_well((small_run){0}, "run");
    for (size_t k = 0; k < s.n; k++)
        cr_expect_eq(s.job[k].was_up_to_date, !strchr("sde", letter(s.job[k].stage)), "%s", s.job[k].stage);
}
