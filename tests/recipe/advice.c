/* tests/recipe/advice.c -- what is no mistake and hardly meant is said, at its place, and nothing else is. */
#include "bad_recipes.h"
#include "folder.h"
#include <glob.h>

TestSuite(advice, .init = folder_enter, .fini = folder_leave);

/* As bad_recipe: what in the good recipe is replaced by what, and the one warning that comes of it; words NULL: none. */
/* clang-format off */
static const bad_recipe rows[] = {
    {"encoding: f16", "views: 4, augment: [flip]", 0, 0, NULL},
    {"encoding: f16", "views: 11, augment: [flip]", 15, 15, "holds 11 views of each picture, and the student sees one in each of its epochs, of which there are 10"},
    {"encoding: f16", "views: online, augment: [flip]", 0, 0, NULL},
    {"encoding: f16", "augment: [flip]", 15, 15, "holds one view of each picture, which is all that the student sees in 10 epochs"},
    {"weight: 0.9", "weight: 0", 16, 15, "kd has weight 0, so it teaches nothing"},
    {"cosine: {warmup: 1}", "cosine: {warmup: 9.9}", 0, 0, NULL},
    {"cosine: {warmup: 1}", "cosine: {warmup: 10}", 18, 18, "never rises to what the optimizer says: of 10 epochs, 10 are warm-up"},
    {"epochs: 2}", "epochs: 0.5}", 0, 0, NULL}, /* whose warm-up is by default */
    {"epochs: 2}", "epochs: 2, schedule: {constant: {warmup: 3}}}", 9, 120, "never rises to what the optimizer says: of 2 epochs, 3"},
};
/* clang-format on */

static void advise(reading *r) {
    for (size_t i = 0; i < lyne_recipe_count(&r->recipe); i++)
        lyne_recipe_advise(lyne_recipe_at(&r->recipe, i), &r->out);
}

Test(advice, one_warning_each) {
    for (size_t i = 0; i < COUNT(rows); i++) {
        const bad_recipe *row = &rows[i];
        reading r;
        char *text = edited(good_recipe, row->from, row->to);
        put("recipe.yaml", text);
        reading_begin(&r, at("recipe.yaml"), NULL, 0);
        cr_assert_eq(r.status, LYNE_OK, "%s", row->to);
        advise(&r);
        char *what = said(&r);
        cr_expect_eq(r.out.n, row->words ? 1 : 0, "%s:\n%s", row->to, what);
        cr_expect_eq(lyne_diagnostics_status(&r.out), LYNE_OK, "a warning is no failure");
        if (row->words && r.out.n) {
            const lyne_diagnostic *d = &r.out.item[0];
            cr_expect(strncmp(d->text, "warning: ", 9) == 0 && strstr(d->text, row->words), "%s", what);
            cr_expect(d->mark.line == row->line && d->mark.column == row->column, "%s", what);
        }
        free(what);
        free(text);
        reading_end(&r);
    }
}

/* The shipped recipes mean what they say; consistency.yaml shows what one fixed view does. */
Test(advice, shipped_recipes_are_meant) {
    glob_t files;
    cr_assert_eq(glob(LYNE_SOURCE_DIR "/recipes/*.yaml", 0, NULL, &files), 0);
    cr_assert_eq(glob(LYNE_SOURCE_DIR "/recipes/*/*.yaml", GLOB_APPEND, NULL, &files), 0);
    cr_assert_gt(files.gl_pathc, 15);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        reading r;
        reading_begin(&r, files.gl_pathv[i], NULL, 0);
        cr_assert_eq(r.status, LYNE_OK, "%s", files.gl_pathv[i]);
        advise(&r);
        char *what = said(&r);
        const bool shows_it = strstr(files.gl_pathv[i], "consistency.yaml");
        cr_expect_eq(r.out.n, shows_it ? 1 : 0, "%s", what);
        if (shows_it) cr_expect(strstr(what, "'one_view' holds one view of each picture"), "%s", what);
        free(what);
        reading_end(&r);
    }
    globfree(&files);
}
