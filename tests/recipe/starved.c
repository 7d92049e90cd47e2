/* tests/recipe/starved.c -- check, plan and run while the n-th allocation fails, for every n (of a plan and a run one in
 * STRIDE; LYNE_LONG=1: every one): the failure is told, nothing crashes, and, as all of it is done in this very process, the address
 * sanitizer sees that nothing is lost. */
#include "base/log.h"
#include "folder.h"
#include "recipe/pipeline.h"
#include <omp.h>

static void enter(void) {
    folder_enter();
    lyne_log_quiet();
    omp_set_num_threads(1);
}
TestSuite(starved, .init = enter, .fini = folder_leave);

/* ---- check ---- */

#define HEAD "lyne: 1\nname: a\ndata: tiny\n"

static const struct text {
    const char *text;
    lyne_status status;
} texts[] = {
    {HEAD "blocks:\n  two: {arguments: {units: ~}, layers: [{linear: {units: units}}, relu]}\n"
          "stages:\n  a: {train: {model: {layers: [flatten, {repeat: {times: 2, layers: [{two: {units: 8}}]}}, "
          "{residual: [{linear: {units: 8}}]}, {linear: {units: classes}}]}}}\n",
     LYNE_OK},
    {HEAD "sweep: {stages.a.train.epochs: [1, 2], precision: [f32, auto]}\n"
          "stages:\n  a: {train: {model: {lenet: {norm: true}}, augment: [flip, mixup]}}\n",
     LYNE_OK},
    {HEAD "stages:\n  a: {train: {model: {mobilenet_v2: {width: 0.1}}}}\n"
          "  b: {label: {teacher: a, encoding: {topk: {k: 2}}, views: 2, augment: [{shift: {pixels: 1}}]}}\n"
          "  c: {distill: {labels: b, model: {lenet: {}}, optimizer: adamw, schedule: {step: {at: [1]}}}}\n"
          "  d: {bias: {model: c, classes: [a]}}\nexpect: [{stage: c, test_errors: 3, within: 5}]\n",
     LYNE_OK},
    {"extends: base.yaml\nstages: {a: {train: {epochs: 2}}}\n", LYNE_OK},
    {HEAD "stages:\n  a: {train: {model: {mlpp: {hidden: [1]}}, epoch: 3}}\n  a: 2\n  b: {label: {teacher: c}}\n",
     LYNE_ERECIPE},
    {HEAD "stages:\n  a: {train: {model: {layers: [flatten, {linear: {units: classes + 1}}]}}}\n", LYNE_ERECIPE},
    {HEAD "sweep: {stages.a.train.epochs: [1, -2]}\nstages: {a: {train: {model: {mlp: {hidden: [4]}}}}}\n",
     LYNE_ERECIPE},
};

Test(starved, check) {
    put("base.yaml", HEAD "stages: {a: {train: {model: {mlp: {hidden: [4]}}, optimizer: adamw}}}\n");
    for (size_t i = 0; i < COUNT(texts); i++) {
        bool done = false;
        put("recipe.yaml", texts[i].text);
        for (uint64_t n = 1; !done; n++) {
            reading r;
            const uint64_t before = lyne_memory_count();
            lyne_memory_fail_at(n);
            reading_begin(&r, at("recipe.yaml"), NULL, 0);
            done = lyne_memory_count() - before < n;
            lyne_memory_fail_at(0);
            char *told = said(&r);
            cr_expect(done ? r.status == texts[i].status
                           : r.status == LYNE_ENOSPACE || (texts[i].status != LYNE_OK && strstr(told, "out of memory")),
                      "text %d, allocation %d: status %d:\n%s", (int)i, (int)n, (int)r.status, told);
            free(told);
            reading_end(&r);
            cr_assert_lt(n, 20000);
        }
    }
}

/* ---- plan and run ---- */

static const char every_stage[] =
    HEAD "seeds: [1, 2]\n"
         "stages:\n"
         "  teacher: {train: {model: {mlp: {hidden: [4], dropout: {hidden: 0.1}}}, epochs: 1.5, batch: 16, "
         "augment: [{shift: {pixels: 1}}], checkpoint_seconds: 0}}\n"
         "  soft_labels: {label: {teacher: teacher, batch: 8, records_per_shard: 32}}\n"
         "  student: {distill: {model: {lenet: {norm: true, width: 0.3}}, labels: soft_labels, epochs: 1, batch: 20, "
         "optimizer: adamw, checkpoint_seconds: 0}}\n"
         "  fidelity: {evaluate: {model: student, against: teacher}}\n"
         "  corrected: {bias: {model: student, classes: [a]}}\n"
         "expect: [{stage: student, test_errors: 10, within: 5}]\n";

enum { STRIDE = 13 };

static uint64_t stride(void) {
    return getenv("LYNE_LONG") ? 1 : STRIDE;
}

typedef lyne_status work(const lyne_recipe *r, const lyne_run_options *o, lyne_outcomes *out, lyne_error *err);

static lyne_status plan(const lyne_recipe *r, const lyne_run_options *o, lyne_outcomes *out, lyne_error *err) {
    return lyne_pipeline_look(r, o, 0, out, err);
}

/* Do it in FOLDER/NAME with its n-th allocation failing; true when there were fewer than n. */
static bool starve(work *what, const char *name, uint64_t n) {
    reading r;
    lyne_outcomes out = {0};
    lyne_error err = {0};
    reading_begin(&r, at("recipe.yaml"), NULL, 0);
    cr_assert_eq(r.status, LYNE_OK);
    const lyne_run_options o = {.out = at(name)};
    const uint64_t before = lyne_memory_count();
    lyne_memory_fail_at(n);
    const lyne_status status = what(&r.recipe, &o, &out, &err);
    const bool done = lyne_memory_count() - before < n;
    lyne_memory_fail_at(0);
    cr_assert_eq(status, done ? LYNE_OK : LYNE_ENOSPACE, "allocation %d: status %d: %s", (int)n, (int)status, err.text);
    cr_assert(done || err.text[0], "allocation %d: nothing is said", (int)n);
    lyne_outcomes_free(&out);
    reading_end(&r);
    return done;
}

Test(starved, plan) {
    put("recipe.yaml", every_stage);
    uint64_t n = 1;
    while (!starve(plan, "nowhere", n)) n += stride();
    cr_expect_gt(n, 200);
    cr_assert(starve(lyne_pipeline_run, "done", 1u << 30));
    for (n = 1; !starve(plan, "done", n); n += (stride() + 3) / 4) {
    }
    cr_expect_gt(n, 100);
}

/* One run is starved again and again and goes on with what the one before it left, so each begins at another place; then from
 * nothing. */
Test(starved, run) {
    lyne_error err = {0};
    put("recipe.yaml", every_stage);
    uint64_t n = 1, last = 0;
    for (; !starve(lyne_pipeline_run, "going_on", n); n += stride()) {
    }
    for (n = 1; n != last; n += stride()) {
        last = starve(lyne_pipeline_run, "afresh", n) ? n + stride() : 0;
        cr_assert_eq(lyne_directory_remove(at("afresh"), &err), LYNE_OK, "%s", err.text);
    }
    cr_expect_gt(n, 1000);
}
