/* recipe/recipe.c -- from a file to a checked recipe: the top level, the stages and what they name. */
#include "recipe/recipe.h"
#include "base/file.h"
#include "component/layers.h"
#include "dnn/dnn.h"
#include "losses/loss.h"
#include "recipe/assign.h"
#include "recipe/data.h"
#include "recipe/expect.h"
#include "recipe/extends.h"
#include "recipe/find.h"
#include "recipe/models.h"
#include "recipe/needs.h"
#include "recipe/sweep.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const precisions[] = {"f32", "bf16", "auto", NULL};
enum { F32, BF16, AUTO };

static const lyne_field paper_fields[] = {
    LYNE_ENTRY_WITH(TEXT, lyne_paper, title, "title", LYNE_UNSET, .inert = true),
    LYNE_ENTRY_WITH(TEXT, lyne_paper, arxiv, "arXiv number", LYNE_UNSET, .inert = true),
    LYNE_ENTRY_WITH(TEXT, lyne_paper, section, "section or table", LYNE_UNSET, .inert = true), LYNE_FIELDS_END};

const lyne_field lyne_recipe_fields[] = {
    {.name = "lyne",
     .type = LYNE_FIELD_INT,
     .help = "version of the recipe format, 1",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(lyne_recipe, version),
     LYNE_RANGE(1, 1)},
    LYNE_ENTRY(TEXT, lyne_recipe, name, "names the folder of its runs", LYNE_REQUIRED),
    LYNE_ENTRY_WITH(TEXT, lyne_recipe, extends, "a recipe, relative to this file, of which this one says the changes",
                    LYNE_UNSET, .inert = true),
    LYNE_ENTRY_WITH(GROUP, lyne_recipe, paper, "what it follows", LYNE_UNSET, .fields = paper_fields),
    {.name = "data",
     .type = LYNE_FIELD_TREE,
     .help = "the data set: the NAME of a datasets/NAME.yaml",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(lyne_recipe, data_tree)},
    LYNE_ENTRY_WITH(INTS, lyne_recipe, seeds, "students run once for each; teachers for the first", "[1]",
                    LYNE_RANGE(0, 1e15)),
    LYNE_ENTRY_WITH(CHOICE, lyne_recipe, precision,
                    "of activations and their gradients; auto: bf16 where the CPU computes in it", "f32",
                    .choices = precisions),
    LYNE_ENTRY(TEXTS, lyne_recipe, keep_f32,
               "nodes, and blocks of them, that compute in f32 where precision is bf16, as in [head]", "[]"),
    {.name = "blocks",
     .type = LYNE_FIELD_TREE,
     .help = "name: {arguments: {name: default}, layers: [...]}, for models in layers",
     .fallback = LYNE_UNSET,
     .offset = offsetof(lyne_recipe, blocks_tree)},
    {.name = "stages",
     .type = LYNE_FIELD_TREE,
     .help = "name: {kind: {fields}}, each below those it reads",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(lyne_recipe, stages_tree)},
    {.name = "sweep",
     .type = LYNE_FIELD_TREE,
     .help = "{path: [values]} runs all combinations, [{path: value}, ...] these; what does not differ is done once",
     .fallback = LYNE_UNSET,
     .offset = offsetof(lyne_recipe, sweep_tree)},
    {.name = "expect",
     .type = LYNE_FIELD_TREE,
     .help = "published figures, printed beside what came out",
     .fallback = LYNE_UNSET,
     .offset = offsetof(lyne_recipe, expect_tree)},
    LYNE_FIELDS_END};

/* ---- stages ---- */

/* NULL while there is a mistake in the stage itself. */
static const lyne_stage *row_of(const lyne_stage_instance *s) {
    return (const lyne_stage *)s->kind.row;
}

static const lyne_stage_instance *find_stage(const lyne_recipe *r, const char *name, size_t before) {
    for (size_t i = 0; i < before; i++)
        if (strcmp(r->stage[i].name, name) == 0) return &r->stage[i];
    return NULL;
}

/* Call visit for every stage that stage i names. */
typedef void (*reference_visitor)(lyne_recipe *r, size_t i, const lyne_field *field, const lyne_reference *ref,
                                  void *data);
static void each_reference(lyne_recipe *r, size_t i, reference_visitor visit, void *data) {
    const lyne_instance *kind = &r->stage[i].kind;
    for (const lyne_field *f = kind->row ? kind->row->fields : NULL; f && f->name; f++) {
        const lyne_references named = lyne_config_references(f, kind->config);
        for (size_t k = 0; k < named.n; k++) visit(r, i, f, &named.item[k], data);
    }
}

static void check_reference(lyne_recipe *r, size_t i, const lyne_field *field, const lyne_reference *ref, void *data) {
    lyne_diagnostics *out = data;
    const lyne_stage_instance *target = find_stage(r, ref->name, i);
    if (target && (!row_of(target) || row_of(target)->product == (lyne_product)field->makes)) return;
    if (target) {
        lyne_diagnose(out, ref->mark, LYNE_ERECIPE, "%s: %s expects a stage that makes %s; '%s' makes %s",
                      r->stage[i].name, field->name, lyne_product_name((lyne_product)field->makes), ref->name,
                      lyne_product_name(row_of(target)->product));
        return;
    }
    const char *names[64];
    size_t n = 0;
    for (size_t k = 0; k < i && n < 64; k++)
        if (!row_of(&r->stage[k]) || row_of(&r->stage[k])->product == (lyne_product)field->makes)
            names[n++] = r->stage[k].name;
    const char *near = lyne_nearest(ref->name, names, n);
    if (strcmp(ref->name, r->stage[i].name) == 0)
        lyne_diagnose(out, ref->mark, LYNE_ERECIPE, "%s: %s: '%s' is this stage itself", r->stage[i].name, field->name,
                      ref->name);
    else if (find_stage(r, ref->name, r->n_stages))
        lyne_diagnose(out, ref->mark, LYNE_ERECIPE,
                      "%s: stage '%s' stands below; move it above the stages that read it", r->stage[i].name,
                      ref->name);
    else if (near)
        lyne_diagnose(out, ref->mark, LYNE_ERECIPE, "%s: there is no stage '%s'; did you mean '%s'?", r->stage[i].name,
                      ref->name, near);
    else
        lyne_diagnose(out, ref->mark, LYNE_ERECIPE, "%s: there is no stage '%s' above that makes %s", r->stage[i].name,
                      ref->name, lyne_product_name((lyne_product)field->makes));
}

static void mark_once(lyne_recipe *r, size_t i, const lyne_field *field, const lyne_reference *ref, void *data) {
    (void)field, (void)data;
    for (size_t k = 0; k < i; k++)
        if (strcmp(r->stage[k].name, ref->name) == 0) r->once[k] = true;
}

typedef struct once_search {
    bool any, all_once;
} once_search;

static void look_once(lyne_recipe *r, size_t i, const lyne_field *field, const lyne_reference *ref, void *data) {
    once_search *s = data;
    (void)field;
    for (size_t k = 0; k < i; k++)
        if (strcmp(r->stage[k].name, ref->name) == 0) s->any = true, s->all_once &= r->once[k];
}

/* What a once-stage reads runs once too (from the end up); an evaluation of what ran once runs once (from the top down). */
static void settle_once(lyne_recipe *r) {
    for (size_t i = r->n_stages; i-- > 0;) {
        r->once[i] |= row_of(&r->stage[i])->once;
        if (r->once[i]) each_reference(r, i, mark_once, NULL);
    }
    for (size_t i = 0; i < r->n_stages; i++) {
        once_search s = {.all_once = true};
        if (row_of(&r->stage[i])->product == LYNE_MAKES_SCORES) each_reference(r, i, look_once, &s);
        r->once[i] |= s.any && s.all_once;
    }
}

const char *const lyne_recipe_taken[] = {"recipe.yaml", "results.json", "environment.json", "log.txt", "points", NULL};

static bool is_taken(const char *name) {
    size_t i = 0;
    while (lyne_recipe_taken[i] && strcmp(lyne_recipe_taken[i], name) != 0) i++;
    return lyne_recipe_taken[i] || name[lyne_file_stem(name)];
}

static bool check_stage_name(const lyne_stage_instance *s, lyne_diagnostics *out) {
    if (!lyne_name_ok(s->name))
        lyne_diagnose(out, s->mark, LYNE_ERECIPE,
                      "'%s' cannot name a folder; a stage's name is letters, digits, _ - ., at most 64 of them",
                      s->name);
    else if (is_taken(s->name))
        lyne_diagnose(out, s->mark, LYNE_ERECIPE,
                      "'%s' is the name of a file or folder of the run; a stage needs another", s->name);
    else
        return true;
    return false;
}

bool lyne_recipe_few(const lyne_yaml *tree, const char *what, size_t most, lyne_diagnostics *out) {
    if (tree->n > most)
        lyne_diagnose(out, tree->mark, LYNE_ERECIPE, "%s has %zu entries; at most %zu are allowed", what, tree->n,
                      most);
    return tree->n <= most;
}

static void read_stages(lyne_recipe *r, const lyne_filler *f) {
    const lyne_yaml *tree = r->stages_tree;
    if (!tree) return;
    if (tree->kind != LYNE_YAML_MAP || tree->n == 0) {
        lyne_diagnose(f->out, tree->mark, LYNE_ERECIPE,
                      "stages expects a map of stages, as in `student: {train: {...}}`");
        return;
    }
    if (!lyne_recipe_few(tree, "stages", LYNE_MOST_ENTRIES, f->out)) return;
    r->stage = lyne_arena_alloc(f->arena, tree->n * sizeof *r->stage);
    r->once = lyne_arena_alloc(f->arena, tree->n * sizeof *r->once);
    if (!r->stage || !r->once) {
        f->out->out_of_memory = true;
        return;
    }
    bool good = true;
    for (size_t i = 0; i < tree->n; i++) {
        lyne_stage_instance *s = &r->stage[i];
        *s = (lyne_stage_instance){.name = tree->key[i]->text, .mark = tree->key[i]->mark};
        good &= check_stage_name(s, f->out);
        good &= lyne_config_instance(f, LYNE_STAGE, s->name, tree->item[i], &s->kind);
    }
    r->n_stages = tree->n;
    for (size_t i = 0; i < r->n_stages; i++) each_reference(r, i, check_reference, f->out);
    if (good) settle_once(r);
}

/* Names of blocks must not hide ops; what is in a block is read where it is used. */
static bool check_blocks(const lyne_recipe *r, const lyne_filler *f) {
    const lyne_yaml *tree = r->blocks_tree;
    bool ok = true;
    if (tree && tree->kind != LYNE_YAML_MAP) {
        lyne_diagnose(f->out, tree->mark, LYNE_ERECIPE, "blocks expects a map, as in {block: {layers: [relu]}}");
        return false;
    }
    if (tree && !lyne_recipe_few(tree, "blocks", LYNE_MOST_ENTRIES, f->out)) return false;
    for (size_t i = 0; tree && i < tree->n; i++) {
        const char *name = tree->key[i]->text;
        bool taken = lyne_registry_find(f->registry, LYNE_OP, name);
        for (const lyne_keyword *k = lyne_layer_keywords; k->name; k++) taken |= strcmp(k->name, name) == 0;
        if (taken) lyne_diagnose(f->out, tree->key[i]->mark, LYNE_ERECIPE, "blocks: '%s' is the name of a layer", name);
        ok &= !taken;
    }
    return ok;
}

/* The stages, with what models written in layers may use: blocks, and what is known of the data. */
static void read_models(lyne_recipe *r, const lyne_filler *f, bool data) {
    static const char *const name[] = {"channels", "height", "width", "classes"};
    const lyne_picture_size *p = &r->task.picture;
    const int64_t known[] = {p->channels, p->height, p->width, r->task.n_classes};
    lyne_constant constant[4];
    char text[4][24];
    for (int i = 0; i < 4; i++) { /* without the data, numbers that let other mistakes be found */
        snprintf(text[i], sizeof text[i], "%lld", data ? (long long)known[i] : 2);
        constant[i] = (lyne_constant){name[i], text[i]};
    }
    lyne_filler with = *f;
    with.blocks = r->blocks_tree;
    with.constants = (lyne_constants){4, constant};
    if (check_blocks(r, &with)) read_stages(r, &with);
}

/* The model behind the soft labels that a stage reads; row NULL: there is none that could be asked. */
static void find_teacher(lyne_recipe *r, size_t i, const lyne_field *field, const lyne_reference *ref, void *data) {
    lyne_instance *out = data;
    (void)field;
    const lyne_stage_instance *labels = find_stage(r, ref->name, i);
    const lyne_stage *row = labels ? row_of(labels) : NULL;
    const char *name = row && row->teacher ? row->teacher(labels->kind.config) : NULL;
    const lyne_stage_instance *teacher = name ? find_stage(r, name, i) : NULL;
    if (teacher && !out->row && row_of(teacher) && row_of(teacher)->model)
        *out = row_of(teacher)->model(teacher->kind.config);
}

/* Whether samples are mixed where the soft labels come from. */
static void find_mixing(lyne_recipe *r, size_t i, const lyne_field *field, const lyne_reference *ref, void *data) {
    const lyne_stage_instance *from = find_stage(r, ref->name, i);
    (void)field;
    if (from) *(bool *)data |= lyne_count_mixing(lyne_augment_of(&from->kind)) > 0;
}

lyne_status lyne_recipe_build(lyne_recipe *r, size_t stage, lyne_network *net, lyne_mark *place, lyne_error *err) {
    const lyne_stage *row = row_of(&r->stage[stage]);
    const void *config = r->stage[stage].kind.config;
    lyne_network_options o = {.model = row->model(config),
                              .failed_at = place,
                              .task = &r->task,
                              .batch = 2,
                              .mixes = !r->task.sequence.length &&
                                       lyne_count_mixing(lyne_augment_of(&r->stage[stage].kind)) > 0,
                              .losses = row->losses ? row->losses(config) : (lyne_instances){0}};
    each_reference(r, stage, find_teacher, &o.teacher);
    if (!r->task.sequence.length) each_reference(r, stage, find_mixing, &o.mixes);
    *place = (lyne_mark){0};
    const lyne_status status = lyne_network_build(net, &o, err);
    if (!place->source) *place = o.model.mark.source ? o.model.mark : r->stage[stage].mark;
    return status;
}

/* ---- the whole ---- */

static void check_name(const lyne_recipe *r, const lyne_yaml *tree, lyne_diagnostics *out) {
    if (r->name && !lyne_name_ok(r->name))
        lyne_diagnose(out, lyne_yaml_get(tree, "name")->mark, LYNE_ERECIPE,
                      "name: '%s' cannot name a folder; use letters, digits, _ - ., at most 64", r->name);
}

static void check_seeds(const lyne_recipe *r, const lyne_yaml *tree, lyne_diagnostics *out) {
    const lyne_yaml *node = lyne_yaml_get(tree, "seeds");
    if (!node || node->kind != LYNE_YAML_LIST) return;
    if (!lyne_recipe_few(node, "seeds", LYNE_MOST_ENTRIES, out)) return;
    if (node->n == 0) lyne_diagnose(out, node->mark, LYNE_ERECIPE, "seeds is an empty list; [1] is the default");
    for (size_t i = 0; i < r->seeds.n; i++)
        for (size_t k = 0; k < i; k++)
            if (r->seeds.item[i] == r->seeds.item[k]) {
                lyne_diagnose(out, node->item[i]->mark, LYNE_ERECIPE, "seeds: %lld stands there twice",
                              (long long)r->seeds.item[i]);
                return;
            }
}

static void read_tree(lyne_recipe *r, const lyne_yaml *tree, const lyne_filler *f) {
    if (tree->kind != LYNE_YAML_MAP) {
        lyne_diagnose(f->out, tree->mark, LYNE_ERECIPE, "a recipe is a map that starts with `lyne: 1`");
        return;
    }
    lyne_config_fill(f, lyne_recipe_fields, "recipe", tree->mark, tree, r);
    check_name(r, tree, f->out);
    check_seeds(r, tree, f->out);
    const bool data = lyne_recipe_read_data(r, f);
    r->task.precision = r->precision == BF16 || (r->precision == AUTO && dnn_has_bf16()) ? LYNE_BF16 : LYNE_F32;
    read_models(r, f, data);
    r->task.keep_f32 = r->keep_f32;
    if (data) lyne_models_check(r, tree, f);
    if (data) lyne_needs_check(r, f->out);
    if (r->n_stages) lyne_expect_read(r, f);
}

lyne_status lyne_recipe_read_for(const char *suite, size_t n_own, lyne_recipe *out, const char *path,
                                 const char *const *set, size_t n_set, const lyne_registry *registry,
                                 lyne_diagnostics *diagnostics) {
    *out = (lyne_recipe){0};
    const char *folder[] = {NULL, "."};
    const lyne_filler f = {
        .registry = registry, .arena = &out->arena, .out = diagnostics, .folder = folder, .n_folders = 2};
    out->path = lyne_arena_strndup(&out->arena, path, strlen(path));
    if (!out->path || lyne_find_project(path, &out->arena, &folder[0], NULL) != LYNE_OK)
        diagnostics->out_of_memory = true;
    lyne_yaml *tree = folder[0] ? lyne_extends_read(path, &f) : NULL;
    const lyne_yaml *extends = tree ? lyne_yaml_get(tree, "extends") : NULL;
    for (size_t i = 0; tree && i < n_set; i++)
        lyne_recipe_assign(tree, i < n_own ? suite : NULL, set[i], &out->arena, diagnostics);
    const lyne_yaml *then = tree ? lyne_yaml_get(tree, "extends") : NULL;
    if (then && then != extends) /* assignments come after merging */
        lyne_diagnose(diagnostics, then->mark, LYNE_ERECIPE, "extends cannot be set; write it into a recipe");
    const lyne_yaml *sweep = tree ? lyne_yaml_get(tree, "sweep") : NULL;
    if (sweep && !lyne_yaml_is_null(sweep))
        lyne_sweep_read(out, tree, sweep, set, n_set, read_tree, &f);
    else if (tree)
        read_tree(out, tree, &f);
    return lyne_diagnostics_status(diagnostics);
}

lyne_status lyne_recipe_read(lyne_recipe *out, const char *path, const char *const *set, size_t n_set,
                             const lyne_registry *registry, lyne_diagnostics *diagnostics) {
    return lyne_recipe_read_for(NULL, 0, out, path, set, n_set, registry, diagnostics);
}

void lyne_recipe_free(lyne_recipe *r) {
    if (r) lyne_arena_free(&r->arena);
}

void lyne_recipe_print(const lyne_recipe *r, lyne_text *out) {
    lyne_text_add(out, "lyne: 1\nname: \"%s\"\n", r->name); /* in quotes, as it may be null or - */
    if (r->paper.title || r->paper.arxiv || r->paper.section) {
        lyne_text_add(out, "paper: ");
        lyne_config_print(out, paper_fields, &r->paper);
        lyne_text_add(out, "\n");
    }
    lyne_text_add(out, "data: ");
    lyne_config_print(out, lyne_data_fields, &(lyne_data_config){.use = r->data, .validation = r->validation});
    lyne_text_add(out, "\nseeds: [");
    for (size_t i = 0; i < r->seeds.n; i++) lyne_text_add(out, i ? ", %lld" : "%lld", (long long)r->seeds.item[i]);
    lyne_text_add(out, "]\nprecision: %s\n", precisions[r->precision]);
    if (r->keep_f32.n) {
        lyne_text_add(out, "keep_f32: ");
        lyne_field_print(out, &(lyne_field){.type = LYNE_FIELD_TEXTS}, &r->keep_f32);
        lyne_text_add(out, "\n");
    }
    lyne_text_add(out, "stages:\n");
    for (size_t i = 0; i < r->n_stages; i++) {
        lyne_text_add(out, "  %s: ", r->stage[i].name);
        lyne_instance_print(out, &r->stage[i].kind);
        lyne_text_add(out, "\n");
    }
    if (r->n_points) lyne_sweep_print(r, out);
    lyne_expect_print(r, out);
}
