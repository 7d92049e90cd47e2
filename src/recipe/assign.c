/* recipe/assign.c -- an assignment into the tree of a recipe. */
#include "recipe/assign.h"
#include "base/text.h"
#include "base/utf8.h"
#include <string.h>

static const char prefix[] = "stages.";

/* Where the stage's name ends in an assignment to one of its fields, stages.NAME.KIND.FIELD; NULL: it is to no field. */
static const char *end_of_stage(const char *text) {
    const char *name = text + strlen(prefix);
    if (strncmp(text, prefix, strlen(prefix)) != 0) return NULL;
    const char *end = name + strcspn(name, ".="), *kind = *end == '.' ? end + 1 : end;
    return end > name && kind > end && kind[strcspn(kind, ".=")] == '.' ? end : NULL;
}

/* Whether stage [name, end) is there; if not, says so. */
static bool has_stage(const lyne_yaml *tree, const char *whose, const char *text, const char *end, lyne_arena *arena,
                      lyne_diagnostics *out) {
    const char *begin = text + strlen(prefix), *names[64];
    const lyne_yaml *stages = lyne_yaml_get(tree, "stages");
    const char *name = lyne_arena_strndup(arena, begin, (size_t)(end - begin));
    if (!stages || stages->kind != LYNE_YAML_MAP || !name || lyne_yaml_get(stages, name)) return true;
    lyne_source *source = lyne_source_new(whose ? whose : "--set", text, strlen(text), arena, out);
    if (!source) return false;
    source->assigned = !whose;
    size_t n = 0;
    for (size_t i = 0; i < stages->n && n < 64; i++) names[n++] = stages->key[i]->text;
    char hint[LYNE_HINT_TEXT];
    const lyne_mark mark = {source, 1, (int)strlen(prefix) + 1, (int)lyne_utf8_count(begin, end)};
    lyne_diagnose(out, mark, LYNE_ERECIPE, "there is no stage '%s'%s", name, lyne_hint(name, names, n, "", hint));
    return false;
}

void lyne_recipe_assign(lyne_yaml *tree, const char *name, const char *text, lyne_arena *arena, lyne_diagnostics *out) {
    const char *end = end_of_stage(text);
    if (!end || has_stage(tree, name, text, end, arena, out)) lyne_yaml_set(tree, name, text, arena, out);
}
