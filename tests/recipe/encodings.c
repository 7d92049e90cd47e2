/* tests/recipe/encodings.c -- a student learns from each encoding; from draws at their own temperature alone. */
#include "dnn/dnn.h"
#include "small_run.h"

static void enter(void) {
    folder_enter();
    put("recipe.yaml", small_recipe);
}
TestSuite(encodings, .init = enter, .fini = folder_leave);

Test(encodings, each_teaches) {
    static const char *const set[] = {"stages.soft_labels.label.encoding=bf16",
                                      "stages.soft_labels.label.encoding=int8",
                                      "stages.soft_labels.label.encoding={topk: {k: 3}}",
                                      "stages.soft_labels.label.encoding={topk: {k: 3, tail: drop}}",
                                      "stages.soft_labels.label.encoding={sampled: {draws: 9, temperature: 4}}"};
    for (size_t i = 0; i < COUNT(set); i++) {
        small_run s = {.set = {set[i]}};
        char name[16];
        snprintf(name, sizeof name, "out%d", (int)i);
        cr_assert(small_run_into(&s, name));
        cr_expect_eq(s.status, LYNE_OK, "%s: %s", set[i], s.text);
        const lyne_result *labels = &s.job[1].result, *student = &s.job[2].result;
        cr_expect_str_eq(s.job[1].stage, "soft_labels");
        for (int t = 0; t < LYNE_LABELS_TEMPERATURES; t++) {
            cr_expect(labels->kl.mean[t] > 0 && labels->kl.max[t] >= labels->kl.p99[t], "%s", set[i]);
            cr_expect(student->kl.mean[t] < 0, "not known of a student");
        }
        small_run again = {.set = {set[i]}};
        cr_assert(small_run_into(&again, name));
        cr_expect(again.job[1].was_up_to_date);
        cr_expect_arr_eq(&again.job[1].result.kl, &labels->kl, sizeof labels->kl, "read back");
    }
}

/* lyne check finds both (bad_recipes.h); given what it asks for, they run. */
Test(encodings, draws_are_for_one_temperature) {
    small_run s = {.set = {"stages.soft_labels.label.encoding={sampled: {draws: 9, temperature: 1}}",
                           "stages.student.distill.loss=[{kd: {temperature: 1}}]"}};
    cr_assert(small_run_into(&s, "out"));
    cr_expect_eq(s.status, LYNE_OK, "%s", s.text);
}

/* Features and the last layer give the teacher's own logits again, whether it computed in f32 or in bf16, whose numbers a
 * half holds. */
Test(encodings, features_give_the_teachers_logits) {
    static const struct {
        const char *precision, *type;
        double most; /* KL at T = 1 */
    } table[] = {{"f32", "f32", 1e-10}, {"f32", "f16", 1e-5}, {"bf16", "f32", 1e-10}, {"bf16", "f16", 1e-10}};
    static const char *const models[] = {"{mlp: {hidden: [40]}}",
                                         "{layers: [{conv2d: {filters: 7, padding: 1}}, batch_norm, relu, "
                                         "global_avg_pool, {linear: {units: classes}}]}"};
    if (!dnn_has_bf16()) cr_skip_test("this CPU has no bf16");
    for (size_t i = 0; i < COUNT(table) * COUNT(models); i++) {
        const size_t k = i / COUNT(models);
        char precision[32], encoding[80], teacher[160], out[16];
        snprintf(precision, sizeof precision, "precision=%s", table[k].precision);
        snprintf(encoding, sizeof encoding, "stages.soft_labels.label.encoding={feature: {type: %s}}", table[k].type);
        snprintf(teacher, sizeof teacher, "stages.teacher.train.model=%s", models[i % COUNT(models)]);
        snprintf(out, sizeof out, "out%d", (int)i);
        small_run s = {.set = {precision, encoding, teacher}};
        cr_assert(small_run_into(&s, out));
        cr_assert_eq(s.status, LYNE_OK, "%s", s.text);
        const lyne_labels_error *kl = &s.job[1].result.kl;
        cr_expect(kl->max[0] >= 0 && kl->max[0] <= table[k].most, "%s, %s, %s: %g", models[i % COUNT(models)],
                  table[k].precision, table[k].type, kl->max[0]);
    }
}
