/* tests/recipe/import.c -- a student of logits that were exported and come back as a file is the same student, and of
 * other logits another. */
#include "formats/npy.h"
#include "labels/compare.h"
#include "labels/parts.h"
#include "recipe/single.h"
#include "small_run.h"

static char import_recipe[1024];

static void enter(void) {
    folder_enter();
    put("recipe.yaml", small_recipe);
    snprintf(import_recipe, sizeof import_recipe,
             "lyne: 1\n"
             "name: small\n"
             "seeds: [1, 2]\n"
             "data: tiny\n"
             "stages:\n"
             "  soft_labels: {import: {logits: %s/arrays/logits.npy, ids: %s/arrays/ids.npy, encoding: f32, "
             "records_per_shard: 16}}\n"
             "  student: {distill: {model: {mlp: {hidden: [3]}}, labels: soft_labels, epochs: 1, batch: 16, "
             "checkpoint_seconds: 0}}\n",
             folder, folder);
    put("import.yaml", import_recipe);
}
TestSuite(import, .init = enter, .fini = folder_leave);

/* Run the small recipe with f32 labels and export them. */
static void export_labels(void) {
    small_run s = {.set = {"stages.soft_labels.label.encoding=f32"}};
    lyne_labels *labels;
    lyne_error err = {0};
    cr_assert(small_run_into(&s, "whole"));
    cr_assert_eq(s.status, LYNE_OK, "%s", s.text);
    cr_assert_eq(lyne_labels_open(at("whole/soft_labels"), &labels, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_labels_export(labels, at("arrays"), &err), LYNE_OK, "%s", err.text);
    lyne_labels_close(labels);
}

static small_run import_run(const char *set) {
    small_run s = {.recipe = at("import.yaml"), .set = {set}};
    cr_assert(small_run_into(&s, "again"));
    return s;
}

static void expect_same_file(const char *a, const char *b) {
    char *x, *y;
    size_t n, m;
    cr_assert_eq(lyne_file_read(at(a), 1 << 20, &x, &n, NULL), LYNE_OK);
    cr_assert_eq(lyne_file_read(at(b), 1 << 20, &y, &m, NULL), LYNE_OK);
    cr_expect(n == m && memcmp(x, y, n) == 0, "%s and %s differ", a, b);
    lyne_free(x);
    lyne_free(y);
}

/* In the exported array, rows and ids turned around; or one logit changed. */
static void rewrite(bool reverse, bool change) {
    lyne_npy z, ids;
    cr_assert_eq(lyne_npy_open(&z, at("arrays/logits.npy"), NULL), LYNE_OK);
    cr_assert_eq(lyne_npy_open(&ids, at("arrays/ids.npy"), NULL), LYNE_OK);
    const int64_t n = z.array.dims[0], classes = z.array.dims[1];
    float *logits = lyne_alloc((size_t)(n * classes), sizeof *logits);
    int64_t *id = lyne_alloc((size_t)n, sizeof *id);
    for (int64_t i = 0; i < n; i++) {
        const int64_t from = reverse ? n - 1 - i : i;
        memcpy(logits + i * classes, (const char *)z.array.data + from * classes * 4, (size_t)classes * 4);
        memcpy(id + i, (const char *)ids.array.data + from * 8, 8);
    }
    if (change) logits[0] += 1;
    lyne_array a = z.array, b = ids.array;
    a.data = logits;
    b.data = id;
    cr_assert_eq(lyne_npy_write(at("arrays/logits.npy"), &a, NULL), LYNE_OK);
    cr_assert_eq(lyne_npy_write(at("arrays/ids.npy"), &b, NULL), LYNE_OK);
    lyne_npy_close(&z);
    lyne_npy_close(&ids);
    lyne_free(logits);
    lyne_free(id);
}

Test(import, same_student_of_exported_logits) {
    export_labels();
    small_run s = import_run(NULL);
    cr_assert_eq(s.status, LYNE_OK, "%s", s.text);
    cr_expect_eq(s.n, 3);
    cr_expect(s.job[0].result.records == 40 && s.job[0].result.kl.max[0] == 0);
    expect_same_file("whole/student/seed-1/model.safetensors", "again/student/seed-1/model.safetensors");
    s = import_run(NULL);
    cr_expect(s.job[0].was_up_to_date && s.job[1].was_up_to_date);

    rewrite(true, false); /* another file, the same labels: made anew to the same bits */
    s = import_run(NULL);
    cr_assert_eq(s.status, LYNE_OK, "%s", s.text);
    cr_expect(!s.job[0].was_up_to_date && !s.job[1].was_up_to_date);
    expect_same_file("whole/student/seed-1/model.safetensors", "again/student/seed-1/model.safetensors");

    rewrite(false, true);
    s = import_run(NULL);
    cr_assert_eq(s.status, LYNE_OK, "%s", s.text);
    cr_expect(!s.job[0].was_up_to_date && !s.job[1].was_up_to_date);
}

Test(import, refuses) {
    static const struct {
        const char *set, *message;
        lyne_status status;
    } table[] = {{"stages.soft_labels.import.logits=missing.npy", "missing.npy", LYNE_EDATA},
                 {"stages.soft_labels.import.ids=missing.npy", "missing.npy", LYNE_EDATA}};
    export_labels();
    for (size_t i = 0; i < COUNT(table); i++) {
        small_run s = import_run(table[i].set);
        cr_expect_eq(s.status, table[i].status);
        cr_expect(strstr(s.text, table[i].message), "%s", s.text);
    }
}

/* A cache under the name of another: with its identity, but of more samples, views, classes or features than there are.
 * Who is asked again about it must not be asked beyond what there is. */
static lyne_labels *forged(const lyne_labels *of, uint64_t samples, uint32_t views, int64_t classes, int64_t features) {
    static float numbers[64 * 64];
    lyne_arena arena = {0};
    lyne_labels_plan plan = lyne_labels_layout(of)->plan;
    lyne_labels_writer *w;
    lyne_labels *labels;
    lyne_head head = {0};
    lyne_error err = {0};
    lyne_directory_remove(at("forged"), NULL);
    cr_assert_eq(lyne_encoding_read(features ? "feature" : "f32", &arena, &plan.encoding, &err), LYNE_OK);
    plan.directory = at("forged");
    plan.samples = samples, plan.views = views, plan.classes = classes, plan.features = features;
    if (features) cr_assert_eq(lyne_head_init(&head, classes, features, numbers, NULL, &err), LYNE_OK);
    plan.head = features ? &head : NULL;
    cr_assert_eq(lyne_labels_begin(&plan, &w, &err), LYNE_OK, "%s", err.text);
    while (lyne_labels_left(w))
        cr_assert_eq(features ? lyne_labels_append_features(w, numbers, numbers, 1, &err)
                              : lyne_labels_append(w, numbers, 1, &err),
                     LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_labels_finish(w, &err), LYNE_OK, "%s", err.text);
    lyne_labels_writer_free(w);
    lyne_head_deinit(&head);
    lyne_arena_free(&arena);
    cr_assert_eq(lyne_labels_open(at("forged"), &labels, &err), LYNE_OK, "%s", err.text);
    return labels;
}

Test(import, nobody_is_asked_beyond_what_there_is) {
    static const struct {
        uint64_t samples;
        uint32_t views;
        int64_t classes, features;
        lyne_status status;
    } table[] = {{40, 1, 10, 0, LYNE_OK},    {400, 1, 10, 0, LYNE_EDATA}, {40, 2, 10, 0, LYNE_EDATA},
                 {40, 1, 60, 0, LYNE_EDATA}, {40, 1, 9, 0, LYNE_EDATA},   {40, 1, 10, 60, LYNE_EDATA}};
    static const char *const recipe[] = {"recipe.yaml", "import.yaml"}, *const run[] = {"whole", "again"};
    export_labels();
    cr_assert_eq(import_run(NULL).status, LYNE_OK);
    for (int r = 0; r < 2; r++) {
        char path[300];
        lyne_labels *genuine;
        snprintf(path, sizeof path, "%s/soft_labels", at(run[r]));
        cr_assert_eq(lyne_labels_open(path, &genuine, NULL), LYNE_OK);
        for (size_t i = 0; i < COUNT(table); i++) {
            reading read;
            lyne_asked asked;
            lyne_error err = {0};
            lyne_labels *labels =
                forged(genuine, table[i].samples, table[i].views, table[i].classes, table[i].features);
            reading_begin(&read, at(recipe[r]), NULL, 0);
            const lyne_run_options o = {.out = at(run[r])};
            cr_expect_eq(lyne_single_ask(&read.recipe, &o, "soft_labels", labels, 1000, &asked, &err), table[i].status,
                         "%s, row %zu: %s", recipe[r], i, err.text);
            if (table[i].status != LYNE_OK) cr_expect(strstr(err.text, "these soft labels are of "), "%s", err.text);
            reading_end(&read);
            lyne_labels_close(labels);
        }
        lyne_labels_close(genuine);
    }
}

Test(import, killed) {
    export_labels();
    small_run whole = import_run(NULL);
    cr_assert_eq(whole.status, LYNE_OK, "%s", whole.text);
    char *text;
    size_t n;
    cr_assert_eq(lyne_file_read(at("again/soft_labels/manifest.json"), 1 << 20, &text, &n, NULL), LYNE_OK);
    put("manifest.json", text);
    lyne_free(text);
    for (uint64_t call = 5; call < 120; call += 11) {
        cr_assert_eq(lyne_directory_remove(at("again"), NULL), LYNE_OK);
        small_run s = {.recipe = at("import.yaml"), .fail_at = call, .error = LYNE_FILE_DIE};
        small_run_into(&s, "again");
        s = import_run(NULL);
        cr_assert_eq(s.status, LYNE_OK, "after call %d: %s", (int)call, s.text);
        expect_same_file("again/soft_labels/manifest.json", "manifest.json");
    }
}
