/* cli/explain.c -- `lyne explain`: what a recipe can say, from the rows themselves. */
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/wrap.h"
#include "component/layers.h"
#include "recipe/recipe.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* The top level of a recipe is no row, but it is explained like one. */
static const lyne_component recipe_row = {.name = "recipe",
                                          .help = "what stands at the left margin of a recipe",
                                          .example = "see recipes/quickstart.yaml",
                                          .fields = lyne_recipe_fields};

/* ---- one row ---- */

enum { INDENT = 22 }; /* of what a field is */

static void add_range(lyne_text *t, const lyne_field *f) {
    const bool list = f->type == LYNE_FIELD_INTS || f->type == LYNE_FIELD_FLOATS;
    if (!f->ranged) return;
    lyne_text_add(t, "%s%.16g", list ? ", each " : ", ", f->min);
    if (f->min < f->max) lyne_text_add(t, " to %.16g", f->max);
}

/* %s stands for a kind, or what a stage makes. */
static const char *const types[] = {[LYNE_FIELD_BOOL] = "true or false",
                                    [LYNE_FIELD_INT] = "whole number",
                                    [LYNE_FIELD_FLOAT] = "number",
                                    [LYNE_FIELD_TEXT] = "text",
                                    [LYNE_FIELD_CHOICE] = "",
                                    [LYNE_FIELD_INTS] = "list of whole numbers",
                                    [LYNE_FIELD_FLOATS] = "list of numbers",
                                    [LYNE_FIELD_TEXTS] = "list of texts",
                                    [LYNE_FIELD_GROUP] = "map",
                                    [LYNE_FIELD_COMPONENT] = "%s",
                                    [LYNE_FIELD_COMPONENTS] = "list, each one %s",
                                    [LYNE_FIELD_STAGE] = "stage that makes %s",
                                    [LYNE_FIELD_STAGES] = "stage or list of stages that make %s",
                                    [LYNE_FIELD_LAYERS] = "list of layers",
                                    [LYNE_FIELD_TAP] = "path of a node (`lyne show --taps`)",
                                    [LYNE_FIELD_TREE] = "structure"};

static void add_type(lyne_text *t, const lyne_field *f) {
    const bool stage = f->type == LYNE_FIELD_STAGE || f->type == LYNE_FIELD_STAGES;
    if (f->zero) lyne_text_add(t, "%s or ", f->zero);
    for (int i = 0; f->choices && f->choices[i]; i++) lyne_text_add(t, "%s%s", i ? " | " : "", f->choices[i]);
    lyne_text_add(t, types[f->type], stage ? lyne_product_name((lyne_product)f->makes) : lyne_kind_name(f->kind));
    add_range(t, f);
    if (!f->fallback)
        lyne_text_add(t, "; required");
    else if (*f->fallback)
        lyne_text_add(t, "; default %s", f->fallback);
}

static lyne_status print_fields(const lyne_field *fields, int indent, lyne_error *err) {
    lyne_status status = LYNE_OK;
    for (const lyne_field *f = fields; f && f->name && status == LYNE_OK; f++) {
        lyne_text type = {0};
        add_type(&type, f);
        if (type.failed) return lyne_fail_memory(err, "what a field is");
        const int column = printf("%*s%-*s  ", indent, "", INDENT - 2 - indent, f->name);
        lyne_cli_wrap(stdout, column, INDENT, type.data);
        lyne_text_free(&type);
        printf("%*s", INDENT, "");
        lyne_cli_wrap(stdout, INDENT, INDENT, f->help);
        if (f->type == LYNE_FIELD_GROUP) status = print_fields(f->fields, indent + 2, err);
    }
    return status;
}

static lyne_status print_layers(lyne_error *err) {
    lyne_status status = LYNE_OK;
    printf("\n");
    lyne_cli_wrap(
        stdout, 0, 0,
        "A layer is an op (`lyne explain op`), a block of the recipe's `blocks`, a list, or NAME: layer, or a "
        "map of one of these.  Numbers may be whole-number arithmetic over arguments, channels, height, width "
        "and classes.");
    for (const lyne_keyword *k = lyne_layer_keywords; k->name && status == LYNE_OK; k++) {
        printf("\n%s:\n", k->name);
        status = print_fields(k->fields, 2, err);
    }
    if (status != LYNE_OK) return status;
    printf("\neach of blocks:\n");
    return print_fields(lyne_block_fields, 2, err);
}

/* "TERM: MEANING". */
static void print_paragraph(const char *term, const char *meaning) {
    printf("\n");
    lyne_cli_wrap(stdout, printf("%s: ", term), 2, meaning);
}

static lyne_status print_row(const char *kind, const lyne_component *row, lyne_error *err) {
    lyne_cli_wrap(stdout, printf("%s%s%s: ", kind, *kind ? " " : "", row->name), 2, row->help);
    if (row->source) print_paragraph("paper", row->source);
    if (row->example) print_paragraph("example", row->example);
    if (row->fields && lyne_takes_layers(row)) return print_layers(err);
    if (row->fields && row->fields->name) {
        printf("\nfields:\n");
        return print_fields(row->fields, 2, err);
    }
    printf("\nIt has no fields.\n");
    return LYNE_OK;
}

/* ---- kinds ---- */

enum { HELP_INDENT = 25 }; /* behind the longest name, masked_self_attention */

static void print_kind(const lyne_registry *registry, lyne_kind kind) {
    size_t n;
    const lyne_component *const *rows = lyne_registry_list(registry, kind, &n);
    printf("%s\n", lyne_kind_name(kind));
    for (size_t i = 0; i < n; i++) lyne_cli_entry(stdout, rows[i]->name, HELP_INDENT, rows[i]->help);
}

static void print_all(const lyne_registry *registry) {
    printf("recipe\n");
    lyne_cli_entry(stdout, recipe_row.name, HELP_INDENT, recipe_row.help);
    for (int kind = 0; kind < LYNE_N_KINDS; kind++) print_kind(registry, (lyne_kind)kind);
    printf("\n");
    lyne_cli_wrap(stdout, 0, 0,
                  "`lyne explain NAME` shows the fields of one, `lyne explain KIND NAME` if two kinds share the name.");
}

/* LYNE_N_KINDS: there is none of this name. */
static lyne_kind kind_named(const char *name) {
    int kind = 0;
    while (kind < LYNE_N_KINDS && strcmp(lyne_kind_name((lyne_kind)kind), name) != 0) kind++;
    return (lyne_kind)kind;
}

/* ---- what was asked for is not there ---- */

/* Names of rows of a kind, of all kinds and the kinds themselves for LYNE_N_KINDS. */
static lyne_status refuse(const lyne_registry *registry, lyne_kind kind, const char *name, lyne_error *err) {
    const bool all = kind == LYNE_N_KINDS;
    const char **names = NULL;
    size_t n = 0, capacity = 0;
    for (int k = all ? 0 : (int)kind; k <= (all ? LYNE_N_KINDS - 1 : (int)kind); k++) {
        size_t n_rows;
        const lyne_component *const *rows = lyne_registry_list(registry, (lyne_kind)k, &n_rows);
        if (!lyne_grow(&names, &capacity, n + n_rows + 1, sizeof *names)) {
            lyne_free(names);
            return lyne_fail_memory(err, "a list of names");
        }
        for (size_t i = 0; i < n_rows; i++) names[n++] = rows[i]->name;
        if (all) names[n++] = lyne_kind_name((lyne_kind)k);
    }
    char hint[LYNE_HINT_TEXT];
    lyne_fail(err, LYNE_EUSAGE, "there is no %s '%s'%s", all ? "component or kind" : lyne_kind_name(kind), name,
              lyne_hint(name, names, n, "; `lyne explain` lists them", hint));
    lyne_free(names);
    return LYNE_EUSAGE;
}

/* A kind, `recipe`, or every row of that name. */
static lyne_status explain_word(const lyne_registry *registry, const char *word, lyne_error *err) {
    const lyne_kind kind = kind_named(word);
    lyne_status status = LYNE_OK;
    int found = 0;
    if (strcmp(word, recipe_row.name) == 0) {
        status = print_row("", &recipe_row, err);
        found++;
    }
    if (kind < LYNE_N_KINDS) {
        print_kind(registry, kind);
        found++;
    }
    for (int k = 0; k < LYNE_N_KINDS && status == LYNE_OK; k++) {
        const lyne_component *row = lyne_registry_find(registry, (lyne_kind)k, word);
        if (!row) continue;
        if (found++) printf("\n");
        status = print_row(lyne_kind_name((lyne_kind)k), row, err);
    }
    return found ? status : refuse(registry, LYNE_N_KINDS, word, err);
}

static lyne_status explain_row(const lyne_registry *registry, const char *kind_name, const char *name,
                               lyne_error *err) {
    const char *kinds[LYNE_N_KINDS];
    for (int k = 0; k < LYNE_N_KINDS; k++) kinds[k] = lyne_kind_name((lyne_kind)k);
    const lyne_kind kind = kind_named(kind_name);
    char hint[LYNE_HINT_TEXT];
    if (kind == LYNE_N_KINDS)
        return lyne_fail(err, LYNE_EUSAGE, "there is no kind '%s'%s", kind_name,
                         lyne_hint(kind_name, kinds, LYNE_N_KINDS, "; `lyne explain` lists them", hint));
    const lyne_component *row = lyne_registry_find(registry, kind, name);
    if (!row) return refuse(registry, kind, name, err);
    return print_row(kind_name, row, err);
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *value;
    if (lyne_next_option(&command_explain, argc, argv, &value, err) != -1) return LYNE_EUSAGE;
    char **word = argv + optind;
    switch (argc - optind) {
    case 0:
        print_all(registry);
        return LYNE_OK;
    case 1:
        return explain_word(registry, word[0], err);
    case 2:
        return explain_row(registry, word[0], word[1], err);
    default:
        return lyne_fail(err, LYNE_EUSAGE, "'%s' is one too many; usage: lyne explain [KIND] [NAME]", word[2]);
    }
}

const lyne_command command_explain = {.name = "explain",
                                      .arguments = "[KIND] [NAME]",
                                      .help = "Show what a recipe can name, and the fields and defaults of each.",
                                      .run = run};
