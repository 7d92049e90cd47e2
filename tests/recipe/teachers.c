/* tests/recipe/teachers.c -- a student may learn from the live teacher as from what it wrote, and from several. */
#include "small_run.h"

#include "base/cpu.h"

static void enter(void) {
    folder_enter();
    put("recipe.yaml", small_recipe);
}
TestSuite(teachers, .init = enter, .fini = folder_leave);

static lyne_digest file_digest(const char *out, const char *name) {
    char path[96];
    lyne_map map;
    lyne_error err = {0};
    snprintf(path, sizeof path, "%s/%s", out, name);
    cr_assert_eq(lyne_map_open(&map, at(path), &err), LYNE_OK, "%s", err.text);
    const lyne_digest digest = lyne_digest_of(map.data, map.size);
    lyne_map_close(&map);
    return digest;
}

static const char *const models[] = {
    "{mlp: {hidden: [4]}}", "{lenet: {width: 0.5, norm: true}}",
    "{layers: [{conv2d: {filters: 7, padding: 1}}, batch_norm, relu, global_avg_pool, {linear: {units: classes}}]}"};

/* Four views with crop, flip and mixup, each for one epoch: the student of an f32 cache and that of the live teacher end in
 * the same bits; that of three views does not.  The teacher is asked in other batches: 8 by 8 in the order of the cache,
 * 16 in the student's. */
Test(teachers, replayed_and_live_are_the_same_bits) {
    if (lyne_cpu_isa() < LYNE_ISA_AVX512) cr_skip_test("oneDNN's products for AVX2 are other bits in other batches");
    static const char *const views[] = {"4", "online", "3"};
    for (size_t i = 0; i < COUNT(models); i++) {
        lyne_digest digest[3];
        for (int k = 0; k < 3; k++) {
            char out[16], teacher[200], labels[200];
            snprintf(out, sizeof out, "out%d%d", (int)i, k);
            snprintf(teacher, sizeof teacher, "stages.teacher.train.model=%s", models[i]);
            snprintf(labels, sizeof labels,
                     "stages.soft_labels.label={teacher: teacher, encoding: f32, batch: 8, views: %s, augment: "
                     "[{random_crop: {padding: 2}}, flip, mixup]}",
                     views[k]);
            small_run s = {.set = {teacher, labels, "stages.student.distill.epochs=4"}}, again = s;
            cr_assert(small_run_into(&s, out));
            cr_assert_eq(s.status, LYNE_OK, "%s", s.text);
            digest[k] = file_digest(out, "student/seed-1/model.safetensors");
            cr_expect(k == 1 ? s.job[1].result.records < 0 : s.job[1].result.records > 0);
            cr_expect(s.job[2].result.teacher_seconds >= 0);
            cr_assert(small_run_into(&again, out));
            cr_expect(again.job[1].was_up_to_date && again.job[2].was_up_to_date);
        }
        cr_expect(lyne_digest_equal(digest[0], digest[1]), "%s", models[i]);
        cr_expect(!lyne_digest_equal(digest[0], digest[2]), "%s", models[i]);
    }
}

/* A stage that has become online leaves nothing of its cache. */
Test(teachers, online_takes_the_cache_away) {
    small_run s = {0}, online = {.set = {"stages.soft_labels.label.views=online"}};
    cr_assert(small_run_into(&s, "out"));
    cr_assert(lyne_file_exists(at("out/soft_labels/manifest.json")));
    cr_assert(small_run_into(&online, "out"));
    cr_expect_eq(online.status, LYNE_OK, "%s", online.text);
    cr_expect(!online.job[2].was_up_to_date && online.job[1].result.bytes < 0);
    char **name;
    size_t n;
    cr_assert_eq(lyne_directory_list(at("out/soft_labels"), &name, &n, NULL), LYNE_OK);
    for (size_t i = 0; i < n; i++) cr_expect(strncmp(name[i], "labels-", 7) && strcmp(name[i], "manifest.json"));
    lyne_names_free(name, n);
}

static const char two_teachers[] = "lyne: 1\n"
                                   "name: two\n"
                                   "data: tiny\n"
                                   "stages:\n"
                                   "  wide: {train: {model: {mlp: {hidden: [9]}}, epochs: 1, batch: 16}}\n"
                                   "  deep: {train: {model: {mlp: {hidden: [4, 4]}}, epochs: 1, batch: 16}}\n"
                                   "  a: {label: {teacher: wide, views: 2, augment: [flip], batch: 8}}\n"
                                   "  b: {label: {teacher: deep, views: 2, augment: [flip], batch: 8}}\n"
                                   "  student:\n"
                                   "    distill:\n"
                                   "      model: {mlp: {hidden: [3]}}\n"
                                   "      labels: [a, b]\n"
                                   "      epochs: 1\n"
                                   "      batch: 16\n";

/* Each of these students is another one: that of a, of both, with weights, by logits, of both live. */
Test(teachers, several) {
    static const char *const set[][3] = {{"stages.student.distill.labels=a"},
                                         {"stages.student.distill.labels=[a, b]"},
                                         {"stages.student.distill.weights=[2, 1]"},
                                         {"stages.student.distill.average=logit"},
                                         {"stages.a.label.views=online", "stages.b.label.views=online"}};
    put("recipe.yaml", two_teachers);
    lyne_digest digest[COUNT(set)];
    for (size_t i = 0; i < COUNT(set); i++) {
        small_run s = {.set = {set[i][0], set[i][1]}};
        cr_assert(small_run_into(&s, "out"));
        cr_assert_eq(s.status, LYNE_OK, "%s", s.text);
        digest[i] = file_digest("out", "student/seed-1/model.safetensors");
        for (size_t k = 0; k < i; k++) cr_expect(!lyne_digest_equal(digest[k], digest[i]), "%d and %d", (int)k, (int)i);
    }
}

static const struct {
    const char *from, *to;
    int line, column;
    const char *words;
} mistakes[] = {
    {"[a, b]", "[]", 10, 5, "distill: labels is an empty list"},
    {"[a, b]", "[a, c]", 12, 19, "student: there is no stage 'c'"},
    {"[a, b]", "[a, wide]", 12, 19, "labels expects a stage that makes soft labels; 'wide' makes a model"},
    {"[a, b]", "[a, a]", 12, 19, "labels: 'a' stands there twice"},
    {"[a, b]\n", "[a, b]\n      weights: [1]\n", 10, 5, "weights expects one number for each of labels"},
    {"[a, b]\n", "[a, b]\n      weights: [1, 0]\n", 13, 20, "weights = 0 is outside"},
    {"[a, b]\n", "[a, b]\n      average: mean\n", 13, 16, "'mean' is not a choice for average"},
    {"[a, b]\n", "[a, b]\n      loss: [kd, {kd: {temperature: 2}}]\n", 10, 5,
     "averaged at one temperature, which the losses have not"},
    {"deep, views: 2", "deep, views: 3", 12, 19, "'a' and 'b' are of different pictures: views is another"},
    {"deep, views: 2", "deep, views: online", 12, 19, "views is another"},
    {"deep, views: 2", "deep, view_seed: 1, views: 2", 12, 19, "view_seed is another"},
    {"deep, views: 2, augment: [flip]", "deep, views: 2, augment: [shift]", 12, 19, "augment is another"},
    {"deep, views: 2, augment: [flip]", "deep", 12, 19, "views is another"},
    {"deep, views: 2", "deep, views: 0", 8, 37, "views = 0 is outside [1, 65536]"},
    {"deep, views: 2", "deep, views: offline", 8, 37, "views expects a whole number or online, not 'offline'"},
};

Test(teachers, mistakes) {
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        char *text = edited(two_teachers, mistakes[i].from, mistakes[i].to);
        put("recipe.yaml", text);
        free(text);
        reading r;
        reading_begin(&r, at("recipe.yaml"), NULL, 0);
        char *all = said(&r);
        cr_expect_eq(r.status, LYNE_ERECIPE, "%s", mistakes[i].to);
        cr_expect_eq(r.out.n, 1, "%s", all);
        if (r.out.n) {
            const lyne_diagnostic *d = &r.out.item[0];
            cr_expect(d->mark.line == mistakes[i].line && d->mark.column == mistakes[i].column, "%s", all);
            cr_expect(strstr(d->text, mistakes[i].words), "%s", all);
        }
        free(all);
        reading_end(&r);
    }
}

Test(teachers, what_is_mixed_in_is_shown) {
    const char *const set[] = {"stages.student.distill.labels=a", "stages.student.distill.show={samples: 20}",
                               "stages.a.label.augment=[mixup]"};
    put("recipe.yaml", two_teachers);
    for (size_t n = 2; n <= 3; n++) {
        reading r;
        reading_begin(&r, at("recipe.yaml"), set, n);
        cr_expect(r.out.n == n - 2 && (n == 2 || strstr(r.out.item[0].text, "may be a sample that show leaves out")));
        reading_end(&r);
    }
}
