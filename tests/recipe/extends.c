/* tests/recipe/extends.c -- a recipe that says only what it changes is the whole one, and mistakes are shown in the
 * file that they stand in. */
#include "bad_recipes.h"
#include "folder.h"
#include <time.h>

TestSuite(extends, .init = folder_enter, .fini = folder_leave);

/* The recipe as it was understood; to be freed with lyne_text_free. */
static lyne_text understood(const char *name, const char *const *set, size_t n_set) {
    reading r;
    lyne_text out = {0};
    reading_begin(&r, at(name), set, n_set);
    char *text = said(&r);
    cr_assert_eq(r.status, LYNE_OK, "%s", text);
    free(text);
    lyne_recipe_print(&r.recipe, &out);
    reading_end(&r);
    return out;
}

/* What the extending recipe says, and what would have to be changed in good_recipe to get the same. */
static const struct change {
    const char *says, *from, *to;
} changes[] = {
    {"", "", ""},
    {"name: other\n", "name: small", "name: other"},
    {"seeds: [7]\n", "seeds: [1, 2]", "seeds: [7]"},
    {"paper: {section: 3}\n", "arxiv: 1503.02531}", "arxiv: 1503.02531, section: 3}"},
    {"paper: ~\n", "paper: {title: A Title, arxiv: 1503.02531}\n", ""},
    {"paper: {arxiv: ~}\n", ", arxiv: 1503.02531", ""},
    {"stages: {teacher: {train: {epochs: 5}}}\n", "epochs: 2", "epochs: 5"},
    {"stages: {teacher: {train: {model: {mlp: {dropout: {input: 0.5}}}}}}\n", "input: 0.1", "input: 0.5"},
    {"stages: {teacher: {train: {model: {lenet: {width: 1}}}}}\n", "{mlp: {hidden: [8], dropout: {input: 0.1}}}",
     "{lenet: {width: 1}}"},
    {"stages: {teacher: {train: {model: mlp}}}\n", "{mlp: {hidden: [8], dropout: {input: 0.1}}}", "mlp"},
    {"stages: {teacher: {train: {model: {mlp: ~}}}}\n", "{mlp: {hidden: [8], dropout: {input: 0.1}}}", "mlp"},
    {"stages: {student: {distill: {optimizer: {sgd: {lr: 0.3}}}}}\n", "lr: 0.1, nesterov", "lr: 0.3, nesterov"},
    {"stages: {student: {distill: {optimizer: {adamw: {lr: 0.3}}}}}\n", "{sgd: {lr: 0.1, nesterov: true}}",
     "{adamw: {lr: 0.3}}"},
    {"stages: {student: {distill: {loss: [kd]}}}\n", "[{kd: {temperature: 4, weight: 0.9}}, cross_entropy]", "[kd]"},
    {"stages: {student: {distill: {schedule: ~}}}\n", "      schedule: {cosine: {warmup: 1}}\n", ""},
    {"stages: {fidelity: ~}\n", "  fidelity:\n    evaluate: {model: student, against: teacher}\n", ""},
    {"stages: {alone: {train: {model: lenet}}}\n", "against: teacher}\n",
     "against: teacher}\n  alone: {train: {model: lenet}}\n"},
    {"stages: {fidelity: {train: {model: lenet}}}\n", "evaluate: {model: student, against: teacher}",
     "train: {model: lenet}"},
    {"expect: []\n", "expect:\n  - {stage: student, test_errors: 74, within: 11}\n", ""},
};

Test(extends, is_the_same_as_writing_it_out) {
    cr_assert_eq(lyne_directory_make(at("common"), NULL), LYNE_OK);
    put("common/base.yaml", good_recipe);
    for (size_t i = 0; i < COUNT(changes); i++) {
        char extending[512],
            *whole = *changes[i].from ? edited(good_recipe, changes[i].from, changes[i].to) : strdup(good_recipe);
        snprintf(extending, sizeof extending, "extends: common/base.yaml\n%s", changes[i].says);
        put("recipe.yaml", extending);
        put("whole.yaml", whole);
        lyne_text a = understood("recipe.yaml", NULL, 0), b = understood("whole.yaml", NULL, 0);
        cr_expect_str_eq(a.data, b.data, "%s", changes[i].says);
        lyne_text_free(&a);
        lyne_text_free(&b);
        free(whole);
    }
}

Test(extends, goes_from_folder_to_folder_and_assignments_come_last) {
    const char *set = "seeds=[9]";
    cr_assert_eq(lyne_directory_make(at("a/b"), NULL), LYNE_OK);
    put("base.yaml", good_recipe);
    put("a/middle.yaml", "extends: ../base.yaml\nseeds: [3]\nname: middle\n");
    put("a/b/top.yaml", "extends: ../middle.yaml\nname: top\n");
    lyne_text out = understood("a/b/top.yaml", &set, 1);
    cr_expect(strstr(out.data, "name: \"top\"\n"), "%s", out.data);
    cr_expect(strstr(out.data, "seeds: [9]\n"), "%s", out.data);
    cr_expect(strstr(out.data, "paper: {title: \"A Title\""), "%s", out.data);
    lyne_text_free(&out);
}

/* A mistake: in which of the two files, and where. */
static const struct mistake {
    const char *says, *file;
    int line, column;
    const char *words;
} mistakes[] = {
    {"stages: {teacher: {train: {epochs: -5}}}\n", "recipe.yaml", 2, 36, "epochs = -5 is outside"},
    {"colour: red\n", "recipe.yaml", 2, 1, "unknown key 'colour'"},
    {"stages: {student: {distill: {model: {lenet: {widht: 1}}}}}\n", "recipe.yaml", 2, 46, "did you mean 'width'?"},
    {"data: tyni\n", "recipe.yaml", 2, 7, "did you mean 'tiny'?"},
    /* what is taken away is missed where it was named */
    {"stages: {soft_labels: ~}\n", "base.yaml", 15, 15, "there is no stage 'soft_labels'"},
    {"stages: {teacher: {label: {teacher: student}}}\n", "recipe.yaml", 2, 37, "stage 'student' stands below"},
    {"expect: [{stage: nobody, test_errors: 1, within: 1}]\n", "recipe.yaml", 2, 18, "there is no stage 'nobody'"},
};

static void expect_one(const reading *r, const char *file, int line, int column, const char *words) {
    char *text = said(r);
    bool found = false;
    for (size_t i = 0; i < r->out.n; i++) {
        const lyne_mark m = r->out.item[i].mark;
        found |= m.source && strcmp(m.source->name, at(file)) == 0 && m.line == line && m.column == column &&
                 strstr(r->out.item[i].text, words);
    }
    cr_expect_eq(r->status, LYNE_ERECIPE, "%s", text);
    cr_expect(found, "not '%s' at %s:%d:%d, but\n%s", words, file, line, column, text);
    free(text);
}

Test(extends, mistakes_are_shown_where_they_stand) {
    put("base.yaml", good_recipe);
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        char extending[512];
        reading r;
        snprintf(extending, sizeof extending, "extends: base.yaml\n%s", mistakes[i].says);
        put("recipe.yaml", extending);
        reading_begin(&r, at("recipe.yaml"), NULL, 0);
        expect_one(&r, mistakes[i].file, mistakes[i].line, mistakes[i].column, mistakes[i].words);
        reading_end(&r);
    }
    reading r;
    put("base.yaml", "lyne: 1\nname: small\ndata: tiny\nstages:\n  a: {train: {model: mpl}}\n");
    put("recipe.yaml", "extends: base.yaml\n");
    reading_begin(&r, at("recipe.yaml"), NULL, 0);
    expect_one(&r, "base.yaml", 5, 22, "there is no model 'mpl'; did you mean 'mlp'?");
    reading_end(&r);
}

/* Paths that are no way to a recipe. */
static const struct bad_path {
    const char *recipe;
    int line, column;
    const char *words;
} bad_paths[] = {
    {"extends: nowhere.yaml\n", 1, 10, "No such file"},
    {"extends: recipe.yaml\n", 1, 10, "leads back to itself"},
    {"extends: a/nowhere/x.yaml\n", 1, 10, "No such file"},
    {"extends: ../nowhere/x.yaml\n", 1, 10, "leads out of its folder"},
    {"extends: datasets/../../nowhere/x.yaml\n", 1, 10, "leads out of its folder"},
    {"name: a\nextends: /etc/passwd\n", 2, 10, "relative to this file"},
    {"extends: [a, b]\n", 1, 10, "expects the path of a recipe"},
    {"extends: ''\n", 1, 10, "expects the path of a recipe"},
    {"extends: datasets\n", 1, 10, "is not a regular file"},
};

Test(extends, bad_paths) {
    for (size_t i = 0; i < COUNT(bad_paths); i++) {
        reading r;
        put("recipe.yaml", bad_paths[i].recipe);
        reading_begin(&r, at("recipe.yaml"), NULL, 0);
        cr_expect_eq(r.out.n, 1, "%s", bad_paths[i].recipe);
        expect_one(&r, "recipe.yaml", bad_paths[i].line, bad_paths[i].column, bad_paths[i].words);
        reading_end(&r);
    }
}

Test(extends, circles_and_chains_end) {
    reading r;
    put("recipe.yaml", "extends: b.yaml\n");
    put("b.yaml", "\nextends: ./recipe.yaml\n");
    reading_begin(&r, at("recipe.yaml"), NULL, 0);
    expect_one(&r, "b.yaml", 2, 10, "leads back to itself");
    reading_end(&r);

    char name[32], text[64];
    for (int i = 1; i <= 9; i++) {
        snprintf(name, sizeof name, "r%d.yaml", i);
        snprintf(text, sizeof text, "extends: r%d.yaml\n", i - 1);
        put(name, text);
    }
    put("r0.yaml", good_recipe);
    lyne_text out = understood("r8.yaml", NULL, 0);
    lyne_text_free(&out);
    reading_begin(&r, at("r9.yaml"), NULL, 0);
    expect_one(&r, "r1.yaml", 1, 10, "more than 8 recipes");
    reading_end(&r);
}

Test(extends, cannot_be_set) {
    const char *set = "extends=base.yaml";
    reading r;
    put("base.yaml", good_recipe);
    put("recipe.yaml", good_recipe);
    reading_begin(&r, at("recipe.yaml"), &set, 1);
    char *text = said(&r);
    cr_expect(strstr(text, "extends cannot be set"), "%s", text);
    free(text);
    reading_end(&r);
}

/* Two maps of 40,000 keys: refused by counting. */
Test(extends, huge_maps_are_refused_at_once) {
    lyne_text text = {0};
    reading r;
    lyne_text_add(&text, "extends: base.yaml\nx:\n");
    for (int i = 0; i < 40000; i++) lyne_text_add(&text, "  k%d: 1\n", i);
    put("recipe.yaml", text.data);
    put("base.yaml", strstr(text.data, "x:"));
    lyne_text_free(&text);
    const clock_t start = clock();
    reading_begin(&r, at("recipe.yaml"), NULL, 0);
    cr_expect_eq(r.status, LYNE_ERECIPE);
    cr_assert_eq(r.out.n, 1);
    cr_expect(strstr(r.out.item[0].text, "too large to merge"), "%s", r.out.item[0].text);
    cr_expect_lt((double)(clock() - start) / CLOCKS_PER_SEC, 1);
    reading_end(&r);
}
