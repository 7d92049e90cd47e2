/* tests/fill.h -- a component out of a line of YAML, as a recipe would choose it. */
#ifndef TESTS_FILL_H
#define TESTS_FILL_H

#include "component/config.h"

#include <criterion/criterion.h>
#include <string.h>

typedef struct filled {
    lyne_registry *registry;
    lyne_arena arena;
    lyne_diagnostics out;
    lyne_instance instance; /* row NULL if the YAML was refused; `out` then says why */
} filled;

/* NAME or {NAME: {fields}}, of the kind of `row` and answered by that row alone. */
static inline filled fill(const lyne_component *row, const char *yaml) {
    filled f = {0};
    lyne_error err = {0};
    cr_assert_eq(lyne_registry_new(&row, 1, &f.registry, &err), LYNE_OK, "%s", err.text);
    lyne_yaml *tree = lyne_yaml_parse("test", yaml, strlen(yaml), &f.arena, &f.out);
    lyne_filler filler = {.registry = f.registry, .arena = &f.arena, .out = &f.out};
    if (!tree || !lyne_config_instance(&filler, row->kind, "test", tree, &f.instance)) f.instance.row = NULL;
    return f;
}

/* The same, and a refusal fails the test. */
static inline filled filled_with(const lyne_component *row, const char *yaml) {
    filled f = fill(row, yaml);
    lyne_error err = {0};
    lyne_diagnostics_error(&f.out, &err);
    cr_assert(f.instance.row, "%s: %s", yaml, err.text);
    return f;
}

static inline void unfill(filled *f) {
    lyne_diagnostics_free(&f->out);
    lyne_arena_free(&f->arena);
    lyne_registry_free(f->registry);
}

#endif
