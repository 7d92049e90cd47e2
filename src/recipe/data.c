/* recipe/data.c -- the data set that a recipe names: datasets/NAME.yaml, and the task that follows from it. */
#include "recipe/data.h"
#include "base/file.h"
#include "component/config.h"
#include "recipe/find.h"
#include <string.h>

const lyne_field lyne_data_fields[] = {LYNE_ENTRY(TEXT, lyne_data_config, use, "name of the data set", LYNE_REQUIRED),
                                       LYNE_INT(lyne_data_config, validation,
                                                "training samples held out to choose by, of each class its share", "0",
                                                0, 1e12),
                                       LYNE_FIELDS_END};

static const lyne_yaml *data_name(lyne_recipe *r, const lyne_filler *f) {
    if (r->data_tree->kind == LYNE_YAML_SCALAR) {
        r->data = r->data_tree->text;
        return r->data_tree;
    }
    lyne_data_config c = {0};
    if (!lyne_config_fill(f, lyne_data_fields, "data", r->data_tree->mark, r->data_tree, &c)) return NULL;
    r->data = c.use;
    r->validation = c.validation;
    return lyne_yaml_get(r->data_tree, "use");
}

/* Samples are pictures or sequences of tokens. */
static void check_samples(const lyne_description *d, const lyne_yaml *tree, lyne_diagnostics *out) {
    const lyne_yaml *picture = lyne_yaml_get(tree, "picture"), *tokens = lyne_yaml_get(tree, "tokens");
    if (!picture == !tokens)
        lyne_diagnose(out, tokens ? tokens->mark : tree->mark, LYNE_ERECIPE,
                      tokens ? "data set: samples are pictures or tokens, and not both"
                             : "data set: needs picture: [channels, height, width], or tokens for sequences");
    else if (picture && d->picture.n != 3)
        lyne_diagnose(out, picture->mark, LYNE_ERECIPE,
                      "data set: picture expects 3 numbers, as in [channels, height, width]");
    else if (tokens && (!d->tokens.length || !d->tokens.vocabulary))
        lyne_diagnose(out, tokens->mark, LYNE_ERECIPE, "data set: tokens needs length and vocabulary");
    else if (tokens && d->mean.n + d->sd.n)
        lyne_diagnose(out, lyne_yaml_get(tree, d->mean.n ? "mean" : "sd")->mark, LYNE_ERECIPE,
                      "data set: mean and sd are of pixels, and samples are tokens");
}

/* The task follows from the description: shape of the samples, number of classes. */
static bool set_task(lyne_recipe *r, const lyne_yaml *tree, lyne_diagnostics *out) {
    const lyne_description *d = &r->description;
    const size_t before = out->n;
    check_samples(d, tree, out);
    if (d->classes.n < 2)
        lyne_diagnose(out, lyne_yaml_get(tree, "classes")->mark, LYNE_ERECIPE,
                      "data set: classes expects two names at least");
    if (out->n != before) return false;
    lyne_hash h;
    lyne_hash_init(&h);
    for (size_t i = 0; i < d->classes.n; i++) lyne_hash_text(&h, d->classes.item[i]);
    r->classes = lyne_hash_finish(&h);
    r->task = (lyne_task){.sequence = {.length = d->tokens.length,
                                       .vocabulary = d->tokens.vocabulary,
                                       .labelled = d->tokens.labels == LYNE_LABEL_EACH},
                          .n_classes = (int64_t)d->classes.n,
                          .mean = d->mean,
                          .sd = d->sd};
    if (d->picture.n == 3)
        r->task.picture = (lyne_picture_size){
            .channels = d->picture.item[0], .height = d->picture.item[1], .width = d->picture.item[2]};
    const int64_t channels = r->task.picture.channels;
    const lyne_floats *list[] = {&d->mean, &d->sd};
    for (int i = 0; i < 2; i++)
        if (list[i]->n > 1 && (int64_t)list[i]->n != channels)
            lyne_diagnose(out, lyne_yaml_get(tree, i ? "sd" : "mean")->mark, LYNE_ERECIPE,
                          "data set: %zu numbers of %s for %lld channels; give one for all or one for each", list[i]->n,
                          i ? "sd" : "mean", (long long)channels);
    return out->n == before;
}

/* FOLDER/datasets/NAME.yaml is a file of FOLDER. */
static bool stays(const char *path, const lyne_yaml *named, const lyne_filler *f) {
    lyne_error err = {0};
    const char *end = path + strlen(path);
    for (int parts = 0; end > path && parts < 2;) parts += *--end == '/';
    const char *folder = end > path     ? lyne_arena_strndup(f->arena, path, (size_t)(end - path))
                         : *path == '/' ? "/"
                                        : ".";
    if (!folder)
        f->out->out_of_memory = true;
    else if (lyne_file_within(path, &folder, 1, &err) != LYNE_OK)
        lyne_diagnose(f->out, named->mark, err.status, "data: %s; put a copy of it there", err.text);
    return folder && err.status == LYNE_OK;
}

bool lyne_recipe_read_data(lyne_recipe *r, const lyne_filler *f) {
    const lyne_yaml *named = r->data_tree ? data_name(r, f) : NULL;
    if (!named) return false;
    const char *path = lyne_find_description(r->path, r->data, f->arena);
    if (!path) {
        const char *near = lyne_nearest_description(r->path, r->data, f->arena);
        lyne_diagnose(f->out, named->mark, LYNE_ERECIPE,
                      near ? "data: there is no datasets/%s.yaml; did you mean '%s'?"
                           : "data: there is no datasets/%s.yaml in a folder above "
                             "the recipe or with the installed ones",
                      r->data, near);
        return false;
    }
    const lyne_yaml *tree = stays(path, named, f) ? lyne_yaml_read(path, f->arena, f->out) : NULL;
    if (!tree || !lyne_config_fill(f, lyne_description_fields, "data set", tree->mark, tree, &r->description))
        return false;
    return set_task(r, tree, f->out);
}
