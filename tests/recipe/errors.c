/* tests/recipe/errors.c -- what is wrong with a recipe is found, all of it, and said at the place to change. */
#include "bad_recipes.h"
#include "folder.h"
#include <time.h>

TestSuite(errors, .init = folder_enter, .fini = folder_leave);

/* Read FOLDER/recipe.yaml: it has this mistake, marked in the source of this name, and no other. */
static void expect_mistake(const bad_recipe *row, const char *source) {
    reading r;
    size_t hits = 0;
    reading_begin(&r, at("recipe.yaml"), NULL, 0);
    char *text = said(&r);
    cr_expect_eq(r.status, LYNE_ERECIPE, "%s -> %s: status %d", row->from, row->to, (int)r.status);
    for (size_t i = 0; i < r.out.n; i++) {
        const lyne_diagnostic *d = &r.out.item[i];
        hits += strstr(d->text, row->words) && d->mark.line == row->line && d->mark.column == row->column &&
                d->mark.source && strcmp(d->mark.source->name, source) == 0 && d->status == LYNE_ERECIPE;
    }
    cr_expect(hits == 1 && r.out.n == 1 + row->more, "%s -> %s: not '%s' at %d:%d and %zu more, but\n%s", row->from,
              row->to, row->words, row->line, row->column, row->more, text);
    free(text);
    reading_end(&r);
}

Test(errors, the_recipe_that_is_spoilt_is_good) {
    reading r;
    put("recipe.yaml", good_recipe);
    reading_begin(&r, at("recipe.yaml"), NULL, 0);
    char *text = said(&r);
    cr_expect_eq(r.status, LYNE_OK, "%s", text);
    free(text);
    reading_end(&r);
}

Test(errors, one_mistake_in_a_recipe) {
    for (size_t i = 0; i < COUNT(bad_recipes); i++) {
        char *text = edited(good_recipe, bad_recipes[i].from, bad_recipes[i].to);
        put("recipe.yaml", text);
        expect_mistake(&bad_recipes[i], at("recipe.yaml"));
        free(text);
    }
}

static void spoil_description(const bad_recipe *row, const char *source) {
    char *text = edited(tiny_description, row->from, row->to);
    put("datasets/tiny.yaml", text);
    expect_mistake(row, source);
    free(text);
}

Test(errors, one_mistake_in_a_description) {
    put("recipe.yaml", good_recipe);
    for (size_t i = 0; i < COUNT(bad_descriptions); i++)
        spoil_description(&bad_descriptions[i], at("datasets/tiny.yaml"));
    for (size_t i = 0; i < COUNT(bad_shapes); i++) spoil_description(&bad_shapes[i], at("recipe.yaml"));
}

Test(errors, one_mistake_in_a_recipe_for_text) {
    reading r;
    put("datasets/tiny.yaml", text_description);
    put("recipe.yaml", good_text);
    reading_begin(&r, at("recipe.yaml"), NULL, 0);
    char *text = said(&r);
    cr_expect_eq(r.status, LYNE_OK, "%s", text);
    free(text);
    reading_end(&r);
    for (size_t i = 0; i < COUNT(bad_texts); i++) {
        text = edited(good_text, bad_texts[i].from, bad_texts[i].to);
        put("recipe.yaml", text);
        expect_mistake(&bad_texts[i], at("recipe.yaml"));
        free(text);
    }
}

/* ---- files that are no recipe at all ---- */

static const struct no_recipe {
    const char *yaml;
    int line, column;
    const char *words;
    size_t more;
} no_recipes[] = {
    {"", 1, 1, "'lyne' is missing", 3},
    {"# nothing\n", 1, 1, "'stages' is missing", 3},
    {"- lyne: 1\n", 1, 1, "a recipe is a map that starts with `lyne: 1`"},
    {"lyne\n", 1, 1, "a recipe is a map that starts with `lyne: 1`"},
    {"lyne: 1\nname: a\ndata: tiny\nstages: {}\n", 4, 9, "stages expects a map of stages"},
    {"lyne: 1\nname: a\ndata: tiny\nstages: [train]\n", 4, 9, "stages expects a map of stages"},
    {"lyne: 1\nname: a\ndata: tiny\nstages:\n", 4, 1, "'stages' has no value"},
    {"lyne: 1\nname: a\ndata: tiny\nstages: {}\nexpect: [{stage: b, test_errors: 1, within: 1}]\n", 4, 9,
     "stages expects a map of stages"},
    {"lyne: 1\nname: \xFF\n", 2, 7, "this is not UTF-8 text"},
    {"lyne: 1\n name: a\n", 2, 6, "the indentation is wrong"},
};

Test(errors, no_recipe_at_all) {
    for (size_t i = 0; i < COUNT(no_recipes); i++) {
        const struct no_recipe *n = &no_recipes[i];
        const bad_recipe row = {n->yaml, "itself", n->line, n->column, n->words, n->more};
        put("recipe.yaml", n->yaml);
        expect_mistake(&row, at("recipe.yaml"));
    }
}

Test(errors, a_missing_file) {
    reading r;
    reading_begin(&r, at("nowhere.yaml"), NULL, 0);
    cr_expect_eq(r.status, LYNE_EDATA);
    cr_assert_eq(r.out.n, 1);
    cr_expect(strstr(r.out.item[0].text, at("nowhere.yaml")), "%s", r.out.item[0].text);
    reading_end(&r);
}

/* Nine lists of nine of the list before: 9^9 words.  Refused by counting, not by running out of memory. */
Test(errors, a_billion_laughs) {
    lyne_text text = {0};
    lyne_text_add(&text, "lyne: 1\nname: a\na: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (char c = 'b'; c <= 'i'; c++) {
        lyne_text_add(&text, "%c: &%c [", c, c);
        for (int i = 0; i < 9; i++) lyne_text_add(&text, "%s*%c", i ? ", " : "", c - 1);
        lyne_text_add(&text, "]\n");
    }
    put("recipe.yaml", text.data);
    lyne_text_free(&text);
    reading r;
    const clock_t start = clock();
    reading_begin(&r, at("recipe.yaml"), NULL, 0);
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    cr_expect_eq(r.status, LYNE_ERECIPE);
    cr_assert_geq(r.out.n, 1);
    cr_expect(strstr(r.out.item[0].text, "aliases stand for more than"), "%s", r.out.item[0].text);
    cr_expect_lt(seconds, 0.1, "%g s", seconds);
    reading_end(&r);
}

/* ---- several at once ---- */

static const char many[] = "lyne: 1\n"
                           "name: a b\n"
                           "data: {use: tiny}\n"
                           "seeds: [1, 1]\n"
                           "colour: red\n"
                           "stages:\n"
                           "  teacher:\n"
                           "    train: {model: {mlp: {hidden: [0], width: 3}}, epochs: -1}\n"
                           "  soft_labels:\n"
                           "    label: {teacher: teacher, encoding: f61}\n"
                           "  big:\n"
                           "    train: {model: {mlp: {hidden: [16777216, 16777216]}}}\n"
                           "  student:\n"
                           "    distill: {model: lenet, labels: soft_label}\n"
                           "  odd:\n"
                           "    evaluate: {model: student, against: nobody}\n"
                           "expect:\n"
                           "  - {stage: studnt, test_errors: 1, within: 1}\n"
                           "  - {stage: student, test_errors: 1}\n";

static const struct place {
    int line, column;
    const char *words;
} places[] = {{2, 7, "'a b' cannot name a folder"},
              {4, 12, "1 stands there twice"},
              {5, 1, "unknown key 'colour'"},
              {8, 36, "hidden = 0"},
              {8, 40, "unknown key 'width'"},
              {8, 60, "epochs = -1"},
              {10, 41, "there is no encoding 'f61'"},
              {12, 21, "does not fit in memory"},
              {14, 37, "there is no stage 'soft_label'; did you mean 'soft_labels'?"},
              {16, 41, "there is no stage 'nobody'"},
              {18, 13, "there is no stage 'studnt'"},
              {19, 5, "'within' is missing"}};

Test(errors, all_at_once_in_the_order_of_the_file) {
    reading r;
    put("recipe.yaml", many);
    reading_begin(&r, at("recipe.yaml"), NULL, 0);
    char *text = said(&r);
    const char *from = text;
    cr_expect_eq(r.out.n, COUNT(places), "%zu\n%s", r.out.n, text);
    for (size_t i = 0; i < COUNT(places); i++) {
        char where[320];
        snprintf(where, sizeof where, "%s:%d:%d: ", at("recipe.yaml"), places[i].line, places[i].column);
        const char *found = strstr(from, where);
        const char *end = found ? strchr(found, '\n') : NULL;
        cr_assert(found && end, "%s%s is not in, or not behind the one before it in\n%s", where, places[i].words, text);
        char *line = strndup(found, (size_t)(end - found));
        cr_expect(strstr(line, places[i].words), "%s", line);
        free(line);
        from = end;
    }
    free(text);
    reading_end(&r);
}

/* ---- --set ---- */

static const struct bad_set {
    const char *set;
    int column;
    const char *words;
} bad_sets[] = {
    {"stages.student.distill.epochs", 1, "expects PATH=VALUE"},
    {"stages.student.distill.epochs=", 30, "no value follows '='"},
    {"stages.student.distill.epochs=-1", 31, "distill: epochs = -1 is outside"},
    {"stages.student.distill.epoch=3", 24, "unknown key 'epoch'; did you mean 'epochs'?"},
    {"stages.student.distill.loss.0.kd.temperature=hot", 46, "temperature expects a number, not 'hot'"},
    {"stages.student.distill.loss.7.kd=~", 29, "is a list of 2; its places are 0, 1, ..., not '7'"},
    {"stages.student.distill.labels=teacher", 31, "labels expects a stage that makes soft labels"},
    {"stages.studnt.distill.epochs=3", 8, "there is no stage 'studnt'; did you mean 'student'?"},
    {"stages.nobody.distill.loss.0.kd=~", 8, "there is no stage 'nobody'"},
    {"stages.teacher.train.loss.0.kd.temperature=8", 22, "'stages.teacher.train.loss' is left to its default"},
    {"stages..epochs=3", 8, "a step of the path is empty"},
    {"name.first=3", 6, "'name' is 'small', not a map"},
    {"data.use=tyni", 10, "there is no datasets/tyni.yaml; did you mean 'tiny'?"},
    {"seeds=[1, 1]", 11, "1 stands there twice"},
    {"expect.0.stage=studnt", 16, "there is no stage 'studnt'; did you mean 'student'?"},
    {"stages.student.distill.model={mlp: {hidden: [1, 2}}", 50, "',' or ']' is expected here"},
    {"name=a/b", 6, "'a/b' cannot name a folder"},
};

Test(errors, a_mistake_in_an_assignment_is_marked_in_the_assignment) {
    put("recipe.yaml", good_recipe);
    for (size_t i = 0; i < COUNT(bad_sets); i++) {
        const struct bad_set *b = &bad_sets[i];
        reading r;
        reading_begin(&r, at("recipe.yaml"), &b->set, 1);
        char *text = said(&r);
        cr_expect_eq(r.status, LYNE_ERECIPE, "%s", b->set);
        cr_assert_eq(r.out.n, 1, "%s\n%s", b->set, text);
        const lyne_diagnostic *d = &r.out.item[0];
        cr_expect(strstr(d->text, b->words), "%s\n%s", b->set, text);
        cr_assert(d->mark.source, "%s\n%s", b->set, text);
        cr_expect_str_eq(d->mark.source->name, "--set");
        cr_expect_str_eq(d->mark.source->text, b->set);
        cr_expect(d->mark.line == 1 && d->mark.column == b->column, "%s: at %d:%d\n%s", b->set, d->mark.line,
                  d->mark.column, text);
        free(text);
        reading_end(&r);
    }
}
