/* tests/recipe/recipe.c -- a good recipe: what is shipped, what it prints, which stages run once. */
#include "bad_recipes.h"
#include "folder.h"
#include <glob.h>

TestSuite(recipe, .init = folder_enter, .fini = folder_leave);

static void expect_good(const reading *r, const char *what) {
    char *text = said(r);
    cr_assert_eq(r->status, LYNE_OK, "%s\n%s", what, text);
    free(text);
}

/* ---- every shipped recipe passes ---- */

static void each_shipped(void (*use)(const char *path)) {
    static const char *const patterns[] = {LYNE_SOURCE_DIR "/recipes/*.yaml", LYNE_SOURCE_DIR "/recipes/*/*.yaml",
                                           LYNE_SOURCE_DIR "/recipes/*/*/*.yaml"};
    size_t n = 0;
    for (size_t i = 0; i < COUNT(patterns); i++) {
        glob_t found = {0};
        if (glob(patterns[i], 0, NULL, &found) == 0)
            for (size_t k = 0; k < found.gl_pathc; k++, n++) use(found.gl_pathv[k]);
        globfree(&found);
    }
    cr_expect_geq(n, 3);
}

static void check_one(const char *path) {
    reading r;
    reading_begin(&r, path, NULL, 0);
    expect_good(&r, path);
    reading_end(&r);
}

Test(recipe, all_that_are_shipped_are_good) {
    each_shipped(check_one);
}

/* ---- what is printed reads back to what prints the same ---- */

static char *printed(const reading *r) {
    lyne_text text = {0};
    lyne_recipe_print(&r->recipe, &text);
    cr_assert(!text.failed);
    char *copy = strdup(text.data);
    lyne_text_free(&text);
    return copy;
}

static void print_and_read_back(const char *path) {
    reading first, second;
    reading_begin(&first, path, NULL, 0);
    expect_good(&first, path);
    char *once = printed(&first);
    put("again.yaml", once);
    reading_begin(&second, at("again.yaml"), NULL, 0);
    expect_good(&second, once);
    char *twice = printed(&second);
    const lyne_paper *a = &first.recipe.paper, *b = &second.recipe.paper;
    cr_expect_str_eq(once, twice);
    cr_expect_str_eq(first.recipe.name, second.recipe.name);
    cr_expect_str_eq(first.recipe.data, second.recipe.data);
    cr_assert_eq(first.recipe.n_stages, second.recipe.n_stages);
    for (size_t i = 0; i < first.recipe.n_stages; i++)
        cr_expect_str_eq(first.recipe.stage[i].name, second.recipe.stage[i].name);
    cr_expect(!a->arxiv == !b->arxiv && (!a->arxiv || strcmp(a->arxiv, b->arxiv) == 0), "%s", once);
    free(once);
    free(twice);
    reading_end(&first);
    reading_end(&second);
}

static void copy_descriptions(void) {
    glob_t found = {0};
    cr_assert_eq(glob(LYNE_SOURCE_DIR "/datasets/*.yaml", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char name[128], *text;
        size_t size;
        lyne_error err = {0};
        snprintf(name, sizeof name, "datasets%s", strrchr(found.gl_pathv[i], '/'));
        cr_assert_eq(lyne_file_read(found.gl_pathv[i], 1 << 20, &text, &size, &err), LYNE_OK, "%s", err.text);
        put(name, text);
        lyne_free(text);
    }
    globfree(&found);
}

/* Edits of good_recipe that are hard to print. */
static const struct edit {
    const char *from, *to;
} hard[] = {
    {"name: small", "name: 'null'"},
    {"name: small", "name: '-'"},
    {"name: small", "name: 1e5"},
    {"name: small", "name: ---"},
    {"{use: tiny}", "{use: 'null'}"},
    {"  teacher:\n", "  'null': {train: {model: mlp}}\n  teacher:\n"},
    {"  teacher:\n", "  '-': {train: {model: mlp}}\n  teacher:\n"},
    {"  teacher:\n", "  true: {train: {model: mlp}}\n  teacher:\n"},
    {"  teacher:\n", "  ---: {train: {model: mlp}}\n  teacher:\n"},
    {"{title: A Title, arxiv: 1503.02531}", "{arxiv: 1503.02531}"},
    {"{title: A Title, arxiv: 1503.02531}", "{title: 'On \"words\": a #1', section: ''}"},
    {"{title: A Title, arxiv: 1503.02531}", "{}"},
    {"within: 11", "within: 0.30000000000000004, note: \"two\\nlines: #\""},
    {"test_errors: 74", "test_accuracy: 0.99"},
    {"seeds: [1, 2]", "seeds: [0, 1000000000000000]"},
    {"evaluate: {model: student, against: teacher}", "evaluate: {model: student}"},
    {"optimizer: {sgd: {lr: 0.1, nesterov: true}}", "optimizer: {adamw: {lr: 1e-7}}"},
    {"schedule: {cosine: {warmup: 1}}", "schedule: {step: {at: [1, 2.5]}}"},
};

Test(recipe, what_is_printed_reads_back_the_same) {
    copy_descriptions();
    put("datasets/null.yaml", tiny_description);
    each_shipped(print_and_read_back);
    put("recipe.yaml", good_recipe);
    print_and_read_back(at("recipe.yaml"));
    for (size_t i = 0; i < COUNT(hard); i++) {
        char *text = edited(good_recipe, hard[i].from, hard[i].to);
        put("recipe.yaml", text);
        print_and_read_back(at("recipe.yaml"));
        free(text);
    }
}

/* ---- defaults and --set ---- */

static char *printed_with(const char *const *set, size_t n) {
    reading r;
    reading_begin(&r, at("recipe.yaml"), set, n);
    expect_good(&r, n ? set[0] : "");
    char *text = printed(&r);
    reading_end(&r);
    return text;
}

Test(recipe, a_default_written_out_changes_nothing) {
    static const char *const set[] = {"stages.student.distill.batch=128", "stages.teacher.train.optimizer=sgd",
                                      "stages.soft_labels.label.views=1", "data=tiny",
                                      "stages.fidelity.evaluate.epochs=~"};
    put("recipe.yaml", good_recipe);
    char *plain = printed_with(NULL, 0), *written = printed_with(set, COUNT(set));
    cr_expect_str_eq(plain, written);
    free(plain);
    free(written);
}

Test(recipe, assignments_change_what_they_name) {
    static const char *const set[] = {"stages.student.distill.loss.0.kd.temperature=20", "seeds=[7]",
                                      "stages.teacher.train.augment=[]"};
    put("recipe.yaml", good_recipe);
    char *text = printed_with(set, COUNT(set));
    cr_expect(strstr(text, "{kd: {weight: 0.9, temperature: 20}}"), "%s", text);
    cr_expect(strstr(text, "\nseeds: [7]\n"), "%s", text);
    cr_expect_null(strstr(text, "shift"), "%s", text);
    free(text);
}

/* ---- where data sets are looked for ---- */

Test(recipe, a_description_is_found_in_the_folders_above) {
    lyne_error err = {0};
    reading r;
    cr_assert_eq(lyne_directory_make(at("a/b/datasets"), &err), LYNE_OK, "%s", err.text);
    put("a/b/recipe.yaml", good_recipe);
    reading_begin(&r, at("a/b/recipe.yaml"), NULL, 0);
    expect_good(&r, "two folders up");
    cr_expect_eq(r.recipe.task.picture.height, 12);
    reading_end(&r);

    char *near = edited(tiny_description, "[1, 12, 12]", "[1, 14, 14]");
    put("a/b/datasets/tiny.yaml", near);
    free(near);
    reading_begin(&r, at("a/b/recipe.yaml"), NULL, 0);
    expect_good(&r, "beside it");
    cr_expect_eq(r.recipe.task.picture.height, 14, "the nearest wins");
    reading_end(&r);
}

/* ---- stages that run once ---- */

static const struct once {
    const char *stages;
    const char *once; /* for each stage in order: '1' once, 'n' for each seed */
} onces[] = {
    {"  a: {train: {model: mlp}}\n", "n"},
    {"  a: {train: {model: mlp}}\n  b: {evaluate: {model: a}}\n", "nn"},
    {"  a: {train: {model: mlp}}\n  l: {label: {teacher: a}}\n", "11"},
    {"  a: {train: {model: mlp}}\n  l: {label: {teacher: a}}\n  s: {distill: {model: mlp, labels: l}}\n", "11n"},
    {"  a: {train: {model: mlp}}\n  b: {train: {model: mlp}}\n  l: {label: {teacher: a}}\n", "1n1"},
    {"  a: {train: {model: mlp}}\n  e: {evaluate: {model: a}}\n  l: {label: {teacher: a}}\n"
     "  s: {distill: {model: mlp, labels: l}}\n  f: {evaluate: {model: s, against: a}}\n"
     "  g: {evaluate: {model: a, against: s}}\n  h: {evaluate: {model: s}}\n",
     "111nnnn"},
    /* a student that teaches another runs once, and so does all that it learnt from */
    {"  a: {train: {model: mlp}}\n  l: {label: {teacher: a}}\n  s: {distill: {model: mlp, labels: l}}\n"
     "  m: {label: {teacher: s}}\n  t: {distill: {model: mlp, labels: m}}\n  e: {evaluate: {model: s, against: a}}\n",
     "1111n1"},
};

Test(recipe, teachers_run_once_and_students_for_each_seed) {
    for (size_t i = 0; i < COUNT(onces); i++) {
        lyne_text text = {0};
        reading r;
        lyne_text_add(&text, "lyne: 1\nname: a\ndata: tiny\nseeds: [1, 2]\nstages:\n%s", onces[i].stages);
        put("recipe.yaml", text.data);
        lyne_text_free(&text);
        reading_begin(&r, at("recipe.yaml"), NULL, 0);
        expect_good(&r, onces[i].stages);
        cr_assert_eq(r.recipe.n_stages, strlen(onces[i].once));
        for (size_t k = 0; k < r.recipe.n_stages; k++)
            cr_expect_eq(r.recipe.once[k], onces[i].once[k] == '1', "stage %s of\n%s", r.recipe.stage[k].name,
                         onces[i].stages);
        reading_end(&r);
    }
}

/* ---- out of memory ---- */

Test(recipe, out_of_memory_is_said_wherever_it_happens) {
    put("recipe.yaml", good_recipe);
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        reading r;
        cr_assert_lt(n, 10000);
        const uint64_t before = lyne_memory_count();
        lyne_memory_fail_at(n);
        reading_begin(&r, at("recipe.yaml"), NULL, 0);
        done = lyne_memory_count() - before < n;
        lyne_memory_fail_at(0);
        cr_expect_eq(r.status, done ? LYNE_OK : LYNE_ENOSPACE, "allocation %llu: status %d", (unsigned long long)n,
                     (int)r.status);
        reading_end(&r);
    }
}

/* ---- the rows that are built in ---- */

/* An example is what a recipe has in that place: an instance, of a stage with its name in front. */
Test(recipe, the_example_of_each_row_is_good) {
    size_t n = 0;
    for (size_t i = 0; i < lyne_n_builtin_rows; i++) {
        const lyne_component *row = lyne_builtin_rows[i];
        lyne_arena arena = {0};
        lyne_diagnostics out = {0};
        lyne_instance instance = {0};
        const lyne_constant classes = {"classes", "10"};
        const lyne_filler f = {.registry = registry, .arena = &arena, .out = &out, .constants = {1, &classes}};
        if (!row->example) continue;
        const lyne_yaml *node = lyne_yaml_parse("example", row->example, strlen(row->example), &arena, &out);
        if (node && row->kind == LYNE_STAGE && node->kind == LYNE_YAML_MAP) node = node->item[0];
        cr_expect(node && lyne_config_instance(&f, row->kind, row->name, node, &instance) && instance.row == row,
                  "%s '%s': %s: %s", lyne_kind_name(row->kind), row->name, row->example,
                  out.n ? out.item[0].text : "is of another row");
        lyne_diagnostics_free(&out);
        lyne_arena_free(&arena);
        n++;
    }
    cr_expect_geq(n, 10);
}
