/* tests/recipe/precision.c -- f32, bf16, auto: what each comes to here, and on a CPU without bf16. */
#include "dnn/dnn.h"
#include "small_run.h"
#include <stdlib.h>

static void enter(void) {
    folder_enter();
    put("recipe.yaml", small_recipe);
}
TestSuite(precision, .init = enter, .fini = folder_leave);

static small_run run(const char *set, const char *name) {
    small_run s = {.set = {set}};
    cr_assert(small_run_into(&s, name), "killed");
    return s;
}

static lyne_digest teacher(const small_run *s) {
    cr_assert(s->status == LYNE_OK && s->n > 0, "%s", s->text);
    return s->job[0].fingerprint;
}

Test(precision, auto_is_bf16_where_the_cpu_has_it) {
    if (!dnn_has_bf16()) cr_skip_test("this CPU has no bf16");
    const small_run f32 = run("precision=f32", "f32"), bf16 = run("precision=bf16", "bf16");
    const small_run chosen = run("precision=auto", "auto");
    cr_expect(lyne_digest_equal(teacher(&bf16), teacher(&chosen)) && !lyne_digest_equal(teacher(&f32), teacher(&bf16)));
    cr_expect(bf16.job[0].result.test_loss == chosen.job[0].result.test_loss);
    cr_expect(bf16.job[0].result.test_loss != f32.job[0].result.test_loss);
    cr_expect_float_eq(bf16.job[0].result.test_loss, f32.job[0].result.test_loss, 0.05);
}

Test(precision, nodes_can_be_kept_in_f32) {
    if (!dnn_has_bf16()) cr_skip_test("this CPU has no bf16");
    small_run s = {.set = {"precision=bf16", "keep_f32=[fc1]"}}, wide = {.set = {"precision=f32", "keep_f32=[fc1]"}};
    cr_assert(small_run_into(&s, "kept") && small_run_into(&wide, "wide"), "killed");
    const small_run bf16 = run("precision=bf16", "bf16"), f32 = run("precision=f32", "f32");
    cr_expect(!lyne_digest_equal(teacher(&s), teacher(&bf16)));
    cr_expect(s.job[0].result.test_loss != bf16.job[0].result.test_loss);
    cr_expect(lyne_digest_equal(teacher(&wide), teacher(&f32)), "in f32 there is nothing to except");
}

/* oneDNN reads the variable once a process: the runs are children, and nothing here has asked it yet. */
Test(precision, without_bf16) {
    setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE", 1);
    const small_run f32 = run("precision=f32", "f32"), chosen = run("precision=auto", "auto");
    cr_expect(lyne_digest_equal(teacher(&f32), teacher(&chosen)));
    const small_run bf16 = run("precision=bf16", "bf16");
    cr_expect_eq(bf16.status, LYNE_EENVIRONMENT);
    cr_expect(strstr(bf16.text, "precision: bf16 needs a CPU with AVX512-BF16 or AMX") && strstr(bf16.text, "auto"),
              "%s", bf16.text);
}
