/* recipe/sweep.c -- from one recipe to its points. */
#include "recipe/sweep.h"
#include <stdio.h>
#include <string.h>

enum { MAX_AXES = 8, MAX_POINTS = 256, MAX_STAGES = 4096 /* in all points together */, VALUE_IN_FOLDER = 40 };

/* The values of all points: the node of point p on axis a is value[p * n_axes + a]. */
typedef struct sweep {
    const lyne_filler *f;
    size_t n_axes, n_points;
    lyne_axis axis[MAX_AXES];
    lyne_yaml **value;
} sweep;

static bool refuse(const sweep *s, lyne_mark mark, const char *text) {
    lyne_diagnose(s->f->out, mark, LYNE_ERECIPE, "sweep: %s", text);
    return false;
}

static void *room(const sweep *s, size_t bytes) {
    void *p = lyne_arena_alloc(s->f->arena, bytes);
    if (!p) s->f->out->out_of_memory = true;
    return p;
}

static lyne_yaml *node_at(const sweep *s, size_t point, size_t axis) {
    return s->value[point * s->n_axes + axis];
}

/* ---- what is varied ---- */

/* What cannot be: it names the run, is of no stage, or has a list of its own. */
static bool may_vary(const char *path) {
    static const char *const roots[] = {"stages.", "precision", "data", "blocks."};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if (strncmp(path, roots[i], strlen(roots[i])) == 0) return true;
    return false;
}

static bool add_axis(sweep *s, const lyne_yaml *key) {
    if (s->n_axes == MAX_AXES) return refuse(s, key->mark, "more than 8 axes");
    if (!may_vary(key->text))
        return refuse(s, key->mark,
                      "a path begins with stages., precision, data or blocks., as in "
                      "stages.student.distill.epochs");
    s->axis[s->n_axes++] = (lyne_axis){.path = key->text, .title = key->text, .key = key};
    return true;
}

/* --set of what is varied would be overwritten. */
static bool check_set(const sweep *s, const char *const *set, size_t n_set) {
    for (size_t i = 0; i < n_set; i++)
        for (size_t a = 0; a < s->n_axes; a++) {
            const size_t n = strlen(s->axis[a].path);
            if (strncmp(set[i], s->axis[a].path, n) != 0 || (set[i][n] != '=' && set[i][n] != '.')) continue;
            lyne_diagnose(s->f->out, s->axis[a].key->mark, LYNE_ERECIPE,
                          "sweep: --set gives %s a value, and so does the sweep; --set 'sweep=~' turns it off",
                          s->axis[a].path);
            return false;
        }
    return true;
}

/* The shortest ends of the paths, at a dot, that are all different. */
static void name_axes(sweep *s) {
    for (size_t a = 0; a < s->n_axes; a++) {
        const char *path = s->axis[a].path, *title = path + strlen(path);
        bool again = true;
        while (again && title > path) {
            do title--;
            while (title > path && title[-1] != '.');
            again = strspn(title, "0123456789") > 0; /* a place in a list says nothing */
            for (size_t b = 0; b < s->n_axes; b++) {
                const size_t n = strlen(title), of = strlen(s->axis[b].path);
                again |= b != a && of >= n && strcmp(s->axis[b].path + of - n, title) == 0;
            }
        }
        s->axis[a].title = title;
    }
}

/* ---- points ---- */

static bool make_room(sweep *s, const lyne_yaml *at) {
    if (s->n_points > MAX_POINTS) return refuse(s, at->mark, "more than 256 points");
    s->value = room(s, s->n_points * s->n_axes * sizeof *s->value);
    return s->value;
}

static bool read_grid(sweep *s, const lyne_yaml *tree) {
    s->n_points = 1;
    for (size_t a = 0; a < tree->n; a++) {
        const lyne_yaml *list = tree->item[a];
        if (!add_axis(s, tree->key[a])) return false;
        if (list->kind != LYNE_YAML_LIST || list->n == 0)
            return refuse(s, list->mark, "expects a list of values, as in [1, 4, 20]");
        for (size_t i = 0; i < list->n; i++)
            if (lyne_yaml_is_null(list->item[i])) return refuse(s, list->item[i]->mark, "a value is missing");
        s->n_points =
            s->n_points > MAX_POINTS ? s->n_points : s->n_points * (list->n > MAX_POINTS ? MAX_POINTS + 1 : list->n);
    }
    if (!make_room(s, tree)) return false;
    for (size_t p = 0; p < s->n_points; p++) {
        size_t rest = p;
        for (size_t a = s->n_axes; a-- > 0; rest /= tree->item[a]->n)
            s->value[p * s->n_axes + a] = tree->item[a]->item[rest % tree->item[a]->n];
    }
    return true;
}

static bool read_list(sweep *s, const lyne_yaml *tree) {
    const lyne_yaml *first = tree->item[0];
    for (size_t i = 0; i < tree->n; i++)
        if (tree->item[i]->kind != LYNE_YAML_MAP || tree->item[i]->n == 0)
            return refuse(s, tree->item[i]->mark, "a point is a map, as in {stages.student.distill.epochs: 5}");
    for (size_t a = 0; a < first->n; a++)
        if (!add_axis(s, first->key[a])) return false;
    s->n_points = tree->n;
    if (!make_room(s, tree)) return false;
    for (size_t p = 0; p < tree->n; p++) {
        const lyne_yaml *point = tree->item[p];
        if (point->n != s->n_axes) return refuse(s, point->mark, "every point names the same paths as the first");
        for (size_t a = 0; a < s->n_axes; a++) {
            lyne_yaml *value = lyne_yaml_get(point, s->axis[a].path);
            if (!value) return refuse(s, point->mark, "every point names the same paths as the first");
            if (lyne_yaml_is_null(value)) return refuse(s, value->mark, "a value is missing");
            s->value[p * s->n_axes + a] = value;
        }
    }
    return true;
}

static bool read_points(sweep *s, const lyne_yaml *tree) {
    if (tree->kind == LYNE_YAML_MAP && tree->n > 0) return read_grid(s, tree);
    if (tree->kind == LYNE_YAML_LIST && tree->n > 0) return read_list(s, tree);
    return refuse(s, tree->mark, "expects {path: [values]} or [{path: value}, ...]");
}

/* ---- values as text ---- */

static void print_node(lyne_text *t, const lyne_yaml *node) {
    if (node->kind == LYNE_YAML_SCALAR) {
        if (node->quoted && strpbrk(node->text, "'\n\r\t\033")) /* or it would end there */
            lyne_field_print(t, &(lyne_field){.type = LYNE_FIELD_TEXT}, &node->text);
        else
            lyne_text_add(t, node->quoted ? "'%s'" : "%s", node->text);
        return;
    }
    const bool map = node->kind == LYNE_YAML_MAP;
    lyne_text_add(t, map ? "{" : "[");
    for (size_t i = 0; i < node->n; i++) {
        lyne_text_add(t, "%s%s%s", i ? ", " : "", map ? node->key[i]->text : "", map ? ": " : "");
        print_node(t, node->item[i]);
    }
    lyne_text_add(t, map ? "}" : "]");
}

static const char *text_of(const sweep *s, const lyne_yaml *node) {
    lyne_text t = {0};
    print_node(&t, node);
    const char *out = t.failed || !t.data ? NULL : lyne_arena_printf(s->f->arena, "%s", t.data);
    if (!out) s->f->out->out_of_memory = true;
    lyne_text_free(&t);
    return out ? out : "";
}

/* "64-64" of [64, 64]: brackets and blanks go.  False where more is lost, or it is long. */
static bool plain_of(const char *value, char out[VALUE_IN_FOLDER + 1]) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-+";
    bool exact = strlen(value) <= VALUE_IN_FOLDER;
    for (const char *p = value; *p && p < value + VALUE_IN_FOLDER; p++) {
        if (strchr(plain, *p) || *p == ',')
            *out++ = *p == ',' ? '-' : *p;
        else
            exact &= strchr("[] ", *p) != NULL;
    }
    *out = '\0';
    return exact;
}

/* "hidden=64-64": what cannot stand in a name, is long, or as another value of an earlier point, is told apart by a digest.
 * "" when memory is out. */
static const char *folder_of(const sweep *s, const lyne_recipe *first, const lyne_recipe *r, size_t a) {
    char plain[VALUE_IN_FOLDER + 1], earlier[VALUE_IN_FOLDER + 1], digest[16] = "";
    const char *value = r->value[a];
    bool exact = plain_of(value, plain);
    for (const lyne_recipe *point = first; exact && point < r; point++) {
        plain_of(point->value[a], earlier);
        exact = strcmp(point->value[a], value) == 0 || strcmp(earlier, plain) != 0;
    }
    if (!exact) snprintf(digest, sizeof digest, "-%08x", lyne_crc32c(0, value, strlen(value)));
    const char *folder = lyne_arena_printf(s->f->arena, "%s=%s%s", s->axis[a].title, plain, digest);
    if (!folder) s->f->out->out_of_memory = true;
    return folder ? folder : "";
}

/* ---- what points share ---- */

/* Label and folders of a point that was read without a mistake. */
static void name_point(const sweep *s, const lyne_recipe *first, lyne_recipe *r) {
    lyne_text t = {0};
    const char *value[MAX_AXES];
    const char **folder = room(s, r->n_stages * sizeof *folder);
    uint8_t *touched = room(s, r->n_stages * sizeof *touched);
    if (touched) lyne_recipe_touch(r, touched);
    r->touched = touched;
    for (size_t a = 0; a < s->n_axes; a++) {
        value[a] = folder_of(s, first, r, a);
        lyne_text_add(&t, "%s%s", a ? "," : "", value[a]);
    }
    r->label = t.failed ? NULL : lyne_arena_printf(s->f->arena, "%s", t.data);
    for (size_t i = 0; folder && touched && i < r->n_stages; i++) {
        lyne_text in = {0};
        for (size_t a = 0; a < s->n_axes; a++)
            if (lyne_axis_touches(r, &r->axis[a], i)) lyne_text_add(&in, "%s%s", in.length ? "," : "", value[a]);
        folder[i] = in.failed ? NULL
                              : lyne_arena_printf(s->f->arena, "%s%s%s", r->stage[i].name, in.length ? "/" : "",
                                                  in.length ? in.data : "");
        if (!folder[i]) s->f->out->out_of_memory = true;
        lyne_text_free(&in);
    }
    if (!r->label) s->f->out->out_of_memory = true;
    r->folder = folder;
    lyne_text_free(&t);
}

/* ---- mistakes ---- */

static bool says(const lyne_diagnostics *d, const lyne_diagnostic *what) {
    for (size_t i = 0; i < d->n; i++)
        if (d->item[i].mark.source == what->mark.source && d->item[i].mark.line == what->mark.line &&
            d->item[i].mark.column == what->mark.column && strcmp(d->item[i].text, what->text) == 0)
            return true;
    return false;
}

static bool stands_in(const lyne_yaml *tree, lyne_mark mark) {
    if (tree->mark.source == mark.source && tree->mark.line == mark.line && tree->mark.column == mark.column)
        return true;
    for (size_t i = 0; i < tree->n; i++)
        if (stands_in(tree->item[i], mark) || (tree->key && stands_in(tree->key[i], mark))) return true;
    return false;
}

/* The axis on which every point of the same value as point p makes this mistake; the last if there is none. */
static size_t guilty_axis(const sweep *s, const lyne_diagnostics *of, size_t p, const lyne_diagnostic *what) {
    for (size_t a = 0; a < s->n_axes; a++) {
        bool all = true;
        for (size_t q = 0; q < s->n_points; q++)
            if (node_at(s, q, a) == node_at(s, p, a)) all &= says(&of[q], what);
        if (all) return a;
    }
    return s->n_axes - 1;
}

/* Mistakes of all points are the recipe's; those of some are shown at the value that brings them. */
static void report(const sweep *s, const lyne_yaml *tree, const lyne_diagnostics *of) {
    for (size_t p = 0; p < s->n_points; p++) {
        s->f->out->out_of_memory |= of[p].out_of_memory;
        for (size_t i = 0; i < of[p].n; i++) {
            const lyne_diagnostic *d = &of[p].item[i];
            size_t n = 0;
            if (s->f->out->dropped && ++s->f->out->dropped) continue; /* as it would be, after a long search */
            for (size_t q = 0; q < s->n_points; q++) n += says(&of[q], d);
            const size_t a = guilty_axis(s, of, p, d);
            if (n == s->n_points || stands_in(tree, d->mark))
                lyne_diagnose(s->f->out, d->mark, d->status, "%s", d->text);
            else
                lyne_diagnose(s->f->out, node_at(s, p, a)->mark, d->status, "sweep: %s = %s: %s (line %d)",
                              s->axis[a].title, text_of(s, node_at(s, p, a)), d->text, d->mark.line);
        }
    }
}

/* ---- the whole ---- */

static void read_point(const sweep *s, const lyne_recipe *r, const lyne_yaml *tree, size_t p, lyne_diagnostics *out,
                       void (*read)(lyne_recipe *, const lyne_yaml *, const lyne_filler *), lyne_recipe *point) {
    lyne_filler f = *s->f;
    lyne_yaml *copy = room(s, sizeof *copy);
    lyne_yaml none = {.kind = LYNE_YAML_SCALAR, .text = "~"};
    const lyne_yaml path = {.kind = LYNE_YAML_SCALAR, .text = "sweep"};
    const char **value = room(s, s->n_axes * sizeof *value);
    if (!copy || !value) return;
    f.out = out;
    *copy = *tree;
    *point = (lyne_recipe){.path = r->path, .n_axes = s->n_axes, .axis = r->axis, .value = value};
    lyne_yaml_put(copy, &path, &none, f.arena, out);
    for (size_t a = 0; a < s->n_axes; a++) {
        lyne_yaml_put(copy, s->axis[a].key, node_at(s, p, a), f.arena, out);
        value[a] = text_of(s, node_at(s, p, a));
    }
    if (out->n == 0) read(point, copy, &f);
    if (out->n == 0 && !out->out_of_memory) name_point(s, point - p, point);
}

void lyne_sweep_read(lyne_recipe *r, const lyne_yaml *tree, const lyne_yaml *node, const char *const *set, size_t n_set,
                     void (*read)(lyne_recipe *, const lyne_yaml *, const lyne_filler *), const lyne_filler *f) {
    sweep s = {.f = f};
    if (tree->kind != LYNE_YAML_MAP || !read_points(&s, node) || !check_set(&s, set, n_set)) return;
    const lyne_yaml *stages = lyne_yaml_get(tree, "stages");
    if (stages && stages->n > MAX_STAGES / s.n_points) {
        refuse(&s, node->mark, "more than 4096 stages in all points together");
        return;
    }
    name_axes(&s);
    lyne_axis *axis = room(&s, sizeof s.axis);
    lyne_recipe *point = room(&s, s.n_points * sizeof *point);
    lyne_diagnostics *of = room(&s, s.n_points * sizeof *of);
    if (!axis || !point || !of) return;
    memcpy(axis, s.axis, sizeof s.axis);
    r->axis = axis;
    for (size_t p = 0; p < s.n_points; p++) read_point(&s, r, tree, p, &of[p], read, &point[p]);
    report(&s, node, of);
    for (size_t p = 0; p < s.n_points; p++) lyne_diagnostics_free(&of[p]);
    const lyne_arena arena = r->arena; /* which f->arena is */
    *r = point[0];
    r->arena = arena;
    r->sweep_tree = node;
    r->point = point;
    r->n_points = s.n_points;
    r->label = NULL;
    r->folder = NULL;
    r->value = NULL;
}

void lyne_sweep_print(const lyne_recipe *r, lyne_text *out) {
    lyne_text_add(out, "sweep:\n");
    for (size_t p = 0; p < r->n_points; p++) {
        lyne_text_add(out, "  - {");
        for (size_t a = 0; a < r->n_axes; a++)
            lyne_text_add(out, "%s\"%s\": %s", a ? ", " : "", r->axis[a].path, r->point[p].value[a]);
        lyne_text_add(out, "}\n");
    }
}
