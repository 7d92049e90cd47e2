/* component/yaml_set.c -- `student.distill.epochs=5`: one assignment into a tree.
 *
 * Every node on the path is copied before it is changed: an alias shares its children with its anchor, and the
 * assignment must not reach through to there.  The marks of copies stay, so errors still show the file. */
#include "base/text.h"
#include "base/utf8.h"
#include "component/yaml.h"
#include <string.h>

enum { MAX_STEPS = 32 };

typedef struct assignment {
    const lyne_source *source; /* NULL: the path stands in a recipe, at `mark` */
    lyne_mark mark;
    const char *path, *equals; /* its begin and its end */
    lyne_arena *arena;
    lyne_diagnostics *out;
} assignment;

typedef struct step {
    const char *begin, *end;
} step;

static lyne_mark mark_of(const assignment *a, const char *begin, const char *end) {
    if (!a->source) return a->mark;
    int column = (int)lyne_utf8_count(a->source->text, begin) + 1;
    return (lyne_mark){a->source, 1, column, (int)lyne_utf8_count(begin, end)};
}

static lyne_yaml *new_node(const assignment *a, lyne_yaml_kind kind, step s) {
    lyne_yaml *node = lyne_arena_alloc(a->arena, sizeof *node);
    if (!node) {
        a->out->out_of_memory = true;
        return NULL;
    }
    *node = (lyne_yaml){.kind = kind, .mark = mark_of(a, s.begin, s.end)};
    return node;
}

/* Arrays of the node's own, with room for one more. */
static bool own_arrays(const assignment *a, lyne_yaml *node) {
    lyne_yaml **item = lyne_arena_alloc(a->arena, (node->n + 1) * sizeof *item);
    lyne_yaml **key = node->kind == LYNE_YAML_MAP ? lyne_arena_alloc(a->arena, (node->n + 1) * sizeof *key) : NULL;
    if (!item || (node->kind == LYNE_YAML_MAP && !key)) {
        a->out->out_of_memory = true;
        return false;
    }
    if (node->n > 0) memcpy(item, node->item, node->n * sizeof *item);
    if (node->n > 0 && key) memcpy(key, node->key, node->n * sizeof *key);
    node->item = item;
    node->key = key;
    return true;
}

/* Where a step leads: *index is the child's, or n for a key that the map does not have. */
static bool find_child(const assignment *a, const lyne_yaml *node, step s, size_t *index) {
    int length = (int)(s.end - s.begin), before = (int)(s.begin - a->path);
    const char *path = before > 0 ? a->path : "the file";
    int path_length = before > 0 ? before - 1 : (int)strlen(path);
    lyne_mark mark = mark_of(a, s.begin, s.end);
    if (node->kind == LYNE_YAML_SCALAR) {
        lyne_diagnose(a->out, mark, LYNE_ERECIPE, "'%.*s' is '%.80s', not a map, so it has no '%.*s'", path_length,
                      path, node->text, length, s.begin);
        return false;
    }
    if (node->kind == LYNE_YAML_MAP) {
        for (*index = 0; *index < node->n; ++*index) {
            const char *key = node->key[*index]->text;
            if (strncmp(key, s.begin, (size_t)length) == 0 && !key[length]) break;
        }
        return true;
    }
    size_t place = 0;
    for (const char *p = s.begin; p < s.end && place < node->n; p++)
        place = *p >= '0' && *p <= '9' ? 10 * place + (size_t)(*p - '0') : node->n;
    if (place >= node->n) {
        lyne_diagnose(a->out, mark, LYNE_ERECIPE, "'%.*s' is a list of %zu; its places are 0, 1, ..., not '%.*s'",
                      path_length, path, node->n, length, s.begin);
        return false;
    }
    *index = place;
    return true;
}

static void remove_child(lyne_yaml *node, size_t index) {
    node->n--;
    for (size_t i = index; i < node->n; i++) {
        node->item[i] = node->item[i + 1];
        if (node->key) node->key[i] = node->key[i + 1];
    }
}

/* Put `value` at an index; a new key, the step, if the index is n, which only a map's may be. */
static bool put_child(const assignment *a, lyne_yaml *node, size_t index, step s, lyne_yaml *value) {
    if (node->kind == LYNE_YAML_MAP && index == node->n) {
        lyne_yaml *key = new_node(a, LYNE_YAML_SCALAR, s);
        if (!key) return false;
        key->text = lyne_arena_strndup(a->arena, s.begin, (size_t)(s.end - s.begin));
        if (!key->text) {
            a->out->out_of_memory = true;
            return false;
        }
        node->key[node->n++] = key;
    }
    node->item[index] = value;
    return true;
}

/* Whether the step that begins there is a place in a list. */
static bool is_place(const char *begin) {
    const size_t digits = strspn(begin, "0123456789");
    return digits > 0 && strchr(".=", begin[digits]);
}

/* Follow the path from `node`, whose arrays are its own, and put the value at its end. */
static bool assign(const assignment *a, lyne_yaml *node, lyne_yaml *value) {
    bool removing = lyne_yaml_is_null(value);
    step s = {a->path, a->path};
    for (int steps = 1;; steps++, s.begin = s.end + 1) {
        size_t index;
        s.end = s.begin + strcspn(s.begin, ".=");
        if (s.end == s.begin || steps > MAX_STEPS) {
            const char *problem = steps > MAX_STEPS ? "the path has too many steps" : "a step of the path is empty";
            lyne_diagnose(a->out, mark_of(a, s.begin, s.end), LYNE_ERECIPE, "%s", problem);
            return false;
        }
        if (!find_child(a, node, s, &index) || !own_arrays(a, node)) return false;
        if (removing && index == node->n) return true;
        if (s.end == a->equals) {
            if (!removing) return put_child(a, node, index, s, value);
            remove_child(node, index);
            return true;
        }
        if (index == node->n && is_place(s.end + 1)) {
            lyne_diagnose(a->out, mark_of(a, s.begin, s.end), LYNE_ERECIPE,
                          "'%.*s' is left to its default, which has no places to set; write the whole list, as in "
                          "%.*s=[...]",
                          (int)(s.end - a->path), a->path, (int)(s.end - a->path), a->path);
            return false;
        }
        lyne_yaml *child = new_node(a, LYNE_YAML_MAP, s);
        if (!child) return false;
        if (index < node->n && !lyne_yaml_is_null(node->item[index])) *child = *node->item[index];
        if (!put_child(a, node, index, s, child)) return false;
        node = child;
    }
}

bool lyne_yaml_set(lyne_yaml *root, const char *name, const char *text, lyne_arena *arena, lyne_diagnostics *out) {
    lyne_source *source = lyne_source_new(name ? name : "--set", text, strlen(text), arena, out);
    if (!source) return false;
    source->assigned = !name;
    assignment a = {
        .source = source, .path = source->text, .equals = strchr(source->text, '='), .arena = arena, .out = out};
    if (!a.equals) {
        lyne_diagnose(out, mark_of(&a, source->text, source->text + source->size), LYNE_ERECIPE,
                      "expects PATH=VALUE, as in stages.student.distill.epochs=5");
        return false;
    }
    const char *value_text = a.equals + 1 + strspn(a.equals + 1, " \t\r\n");
    if (*value_text == '\0' || *value_text == '#') {
        lyne_diagnose(out, mark_of(&a, a.equals, a.equals + 1), LYNE_ERECIPE,
                      "no value follows '='; write ~ to remove the key");
        return false;
    }
    size_t before = out->n + out->dropped;
    lyne_yaml *value = lyne_yaml_parse_part(source, (size_t)(a.equals + 1 - source->text), arena, out);
    return value && out->n + out->dropped == before && assign(&a, root, value);
}

bool lyne_yaml_put(lyne_yaml *root, const lyne_yaml *path, lyne_yaml *value, lyne_arena *arena, lyne_diagnostics *out) {
    const assignment a = {
        .mark = path->mark, .path = path->text, .equals = path->text + strlen(path->text), .arena = arena, .out = out};
    if (strchr(path->text, '=')) {
        lyne_diagnose(out, path->mark, LYNE_ERECIPE, "a path has no '=' in it");
        return false;
    }
    return assign(&a, root, value);
}
