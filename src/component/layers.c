/* component/layers.c -- a list of layers into ops with names, everything expanded but scopes and branches. */
#include "component/layers_parts.h"
#include <string.h>

/* A growing list of layers; ends up in the arena. */
typedef struct list {
    lyne_layer *item;
    size_t n, capacity;
} list;

static bool read_list(const layers_reader *r, layers_scope *in, const lyne_yaml *node, list *out);

bool layers_out_of_memory(const layers_reader *r) {
    r->f->out->out_of_memory = true;
    return false;
}

bool layers_refuse(const layers_reader *r, lyne_mark mark, const char *text) {
    lyne_diagnose(r->f->out, mark, LYNE_ERECIPE, "%s: %s", r->where, text);
    return false;
}

/* ---- lists and scopes ---- */

static bool add_layer(const layers_reader *r, list *out, const lyne_layer *layer) {
    if (!lyne_grow(&out->item, &out->capacity, out->n + 1, sizeof *out->item)) return layers_out_of_memory(r);
    out->item[out->n++] = *layer;
    return true;
}

/* One more item or repetition: what bounds the time and the memory that a recipe can ask for. */
static bool count(const layers_reader *r, lyne_mark mark) {
    if (++*r->n_layers <= LAYERS_MAX) return true;
    if (*r->n_layers == LAYERS_MAX + 1)
        lyne_diagnose(r->f->out, mark, LYNE_ERECIPE, "%s: more than %d layers", r->where, LAYERS_MAX);
    return false;
}

/* The list into the arena, and its storage back. */
static bool finish_list(const layers_reader *r, list *from, lyne_layers *out) {
    lyne_layer *item = lyne_arena_alloc(r->f->arena, from->n * sizeof *item);
    if (item && from->n > 0) memcpy(item, from->item, from->n * sizeof *item);
    *out = (lyne_layers){item ? from->n : 0, item};
    lyne_free(from->item);
    return item || layers_out_of_memory(r);
}

static bool read_into(const layers_reader *r, layers_scope *in, const lyne_yaml *node, lyne_layers *out) {
    list items = {0};
    const bool ok = read_list(r, in, node, &items);
    return finish_list(r, &items, out) && ok;
}

/* What a reader of inner lists reads with; false after the diagnostic that it is too deep. */
static bool deeper(const layers_reader *r, lyne_mark mark, layers_reader *inner) {
    *inner = *r;
    inner->outer = r;
    inner->block = NULL;
    if (++inner->depth <= LAYERS_MAX_DEPTH) return true;
    return layers_refuse(r, mark, "blocks and lists are nested deeper than 24");
}

/* A scope of its own for what is in a list. */
static bool read_scope(const layers_reader *r, const char *name, lyne_mark mark, bool numbered, const lyne_yaml *node,
                       list *out) {
    layers_scope inside = {.numbered = numbered};
    lyne_layers *content = lyne_arena_alloc(r->f->arena, sizeof *content);
    if (!content) return layers_out_of_memory(r);
    bool ok = read_into(r, &inside, node, content);
    lyne_free(inside.used);
    return ok && add_layer(r, out, &(lyne_layer){.name = name, .mark = mark, .n_branches = 1, .branch = content});
}

/* ---- the kinds of layer: `name` is the key that stands before it, or NULL ---- */

typedef struct item {
    const lyne_yaml *name, *word, *fields; /* fields NULL: none given */
} item;

static bool read_op(const layers_reader *r, layers_scope *in, const item *it, list *out) {
    const lyne_component *row = layers_op(r, it->word->text);
    const lyne_yaml *fields = it->fields ? layers_fields(r, row->fields, it->fields) : NULL;
    if (it->fields && !fields) return false;
    lyne_yaml *key = (lyne_yaml *)it->word, *value = (lyne_yaml *)fields;
    const lyne_yaml map = {.kind = LYNE_YAML_MAP, .mark = it->word->mark, .n = 1, .item = &value, .key = &key};
    lyne_layer layer = {.mark = it->word->mark};
    if (!lyne_config_instance(r->f, LYNE_OP, r->where, fields ? &map : it->word, &layer.op)) return false;
    layer.name = layers_name(r, in, it->name, it->word);
    return layer.name && add_layer(r, out, &layer);
}

/* What arguments of a block are: those of its table, each given or by default.  In the arena; false after a diagnostic.
 */
static bool bind(const layers_reader *r, const item *it, const lyne_yaml *arguments, lyne_constants *out) {
    const size_t n = arguments ? arguments->n : 0;
    lyne_constant *all = lyne_arena_alloc(r->f->arena, (r->n_globals + n) * sizeof *all);
    if (!all) return layers_out_of_memory(r);
    memcpy(all, r->f->constants.item, r->n_globals * sizeof *all);
    *out = (lyne_constants){r->n_globals, all};
    lyne_filler with_earlier = *r->f;
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        const char *name = arguments->key[i]->text;
        const lyne_yaml *given = it->fields ? lyne_yaml_get(it->fields, name) : NULL;
        with_earlier.constants = *out; /* a default may be made of the arguments before it */
        layers_reader there = *r;
        there.f = &with_earlier;
        const bool missing = !given && lyne_yaml_is_null(arguments->item[i]);
        if (missing)
            lyne_diagnose(r->f->out, it->word->mark, LYNE_ERECIPE, "%s: '%s' of the block is missing", it->word->text,
                          name);
        const lyne_yaml *value = missing ? NULL
                                 : given ? layers_number(r, given)
                                         : layers_number(&there, arguments->item[i]);
        if (value && (value->kind != LYNE_YAML_SCALAR || lyne_yaml_is_null(value))) {
            lyne_diagnose(r->f->out, value->mark, LYNE_ERECIPE, "%s: %s expects a number or true or false",
                          it->word->text, name);
            value = NULL;
        }
        ok &= value != NULL;
        all[out->n++] = (lyne_constant){name, value ? value->text : "1"};
    }
    return ok;
}

static bool check_arguments(const layers_reader *r, const item *it, const lyne_yaml *arguments) {
    const char *names[LAYERS_MAX_ARGUMENTS];
    const char *word = it->word->text;
    const size_t n = arguments ? arguments->n : 0;
    if (n > LAYERS_MAX_ARGUMENTS || (arguments && arguments->kind != LYNE_YAML_MAP)) {
        lyne_diagnose(r->f->out, arguments->mark, LYNE_ERECIPE,
                      "%s: arguments expects a map of 64 at most, as in {filters: ~, stride: 1}", word);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = arguments->key[i]->text;
        if (layers_is_name(names[i])) continue;
        lyne_diagnose(r->f->out, arguments->key[i]->mark, LYNE_ERECIPE,
                      "%s: an argument's name is letters, digits, _ and -", word);
        return false;
    }
    if (it->fields && it->fields->kind != LYNE_YAML_MAP) {
        lyne_diagnose(r->f->out, it->fields->mark, LYNE_ERECIPE, "%s: expects a map of arguments", word);
        return false;
    }
    bool ok = true;
    for (size_t i = 0; it->fields && i < it->fields->n; i++) {
        const lyne_yaml *key = it->fields->key[i];
        if (arguments && lyne_yaml_get(arguments, key->text)) continue;
        char hint[LYNE_HINT_TEXT];
        lyne_diagnose(r->f->out, key->mark, LYNE_ERECIPE, "%s: the block has no argument '%.80s'%s", word, key->text,
                      lyne_hint(key->text, names, n, "", hint));
        ok = false;
    }
    return ok;
}

static bool read_block(const layers_reader *r, layers_scope *in, const item *it, list *out) {
    const lyne_yaml *block = layers_block(r, it->word->text);
    layers_block_config c = {0};
    lyne_filler with_arguments = *r->f;
    layers_reader inner;
    for (const layers_reader *outer = r; outer; outer = outer->outer)
        if (outer->block == block) return layers_refuse(r, it->word->mark, "the block contains itself");
    if (!deeper(r, it->word->mark, &inner)) return false;
    inner.block = block;
    inner.f = &with_arguments;
    inner.where = it->word->text;
    if (!lyne_config_fill(r->f, lyne_block_fields, inner.where, block->mark, block, &c)) return false;
    if (!check_arguments(r, it, c.arguments)) return false;
    if (!bind(r, it, c.arguments, &with_arguments.constants)) return false;
    const char *name = layers_name(r, in, it->name, it->word);
    return name && read_scope(&inner, name, it->word->mark, false, c.layers, out);
}

static bool read_repeat(const layers_reader *r, layers_scope *in, const item *it, list *out) {
    layers_repeat_config c = {0};
    layers_reader inner;
    int64_t times;
    if (!deeper(r, it->word->mark, &inner)) return false;
    if (!lyne_config_fill(r->f, layers_repeat_fields, "repeat", it->word->mark, it->fields, &c)) return false;
    const lyne_yaml *number = layers_number(r, c.times);
    if (!number) return false;
    if (number->kind == LYNE_YAML_SCALAR && strcmp(number->text, "true") == 0)
        times = 1;
    else if (number->kind == LYNE_YAML_SCALAR && strcmp(number->text, "false") == 0)
        times = 0;
    else if (number->kind != LYNE_YAML_SCALAR || !lyne_parse_int(number->text, &times) || times < 0 ||
             times > LAYERS_MAX)
        return layers_refuse(r, c.times->mark, "times of repeat expects a whole number from 0 to 10000");
    for (int64_t i = 0; i < times; i++)
        if (!count(r, it->word->mark) || !read_list(&inner, in, c.layers, out)) return false;
    return true;
}

/* Branches into the scope that they stand in, joined under the name. */
static bool read_branches(const layers_reader *r, layers_scope *in, const item *it, const lyne_yaml *const *branch,
                          size_t n, const lyne_instance *join, list *out) {
    layers_reader inner;
    lyne_layers *content = lyne_arena_alloc(r->f->arena, n * sizeof *content);
    const lyne_yaml join_word = {.text = join->row->name, .mark = it->word->mark};
    if (!content) return layers_out_of_memory(r);
    if (!deeper(r, it->word->mark, &inner)) return false;
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        if (branch[i]) ok &= read_into(&inner, in, branch[i], &content[i]);
    const char *name = ok ? layers_name(r, in, it->name, &join_word) : NULL;
    const lyne_layer layer = {.name = name, .mark = it->word->mark, .op = *join, .n_branches = n, .branch = content};
    return name && add_layer(r, out, &layer);
}

static bool read_residual(const layers_reader *r, layers_scope *in, const item *it, list *out) {
    layers_residual_config c = {0};
    const lyne_instance join = {.row = layers_op(r, "add"), .mark = it->word->mark};
    if (!lyne_config_fill(r->f, layers_residual_fields, "residual", it->word->mark, it->fields, &c)) return false;
    if (!join.row) return layers_refuse(r, it->word->mark, "there is no op 'add' to sum branches with");
    return read_branches(r, in, it, (const lyne_yaml *[]){c.main, c.shortcut}, 2, &join, out);
}

static bool read_parallel(const layers_reader *r, layers_scope *in, const item *it, list *out) {
    layers_parallel_config c = {0};
    if (!lyne_config_fill(r->f, layers_parallel_fields, "parallel", it->word->mark, it->fields, &c)) return false;
    if (c.branches->kind != LYNE_YAML_LIST || c.branches->n < 2)
        return layers_refuse(r, c.branches->mark, "branches of parallel expects two lists of layers or more");
    return read_branches(r, in, it, (const lyne_yaml *const *)c.branches->item, c.branches->n, &c.join, out);
}

/* ---- items ---- */

static bool read_word(const layers_reader *r, layers_scope *in, const item *it, list *out) {
    const char *word = it->word->text;
    if (strcmp(word, "residual") == 0) return read_residual(r, in, it, out);
    if (strcmp(word, "parallel") == 0) return read_parallel(r, in, it, out);
    if (layers_block(r, word)) return read_block(r, in, it, out);
    return layers_op(r, word) ? read_op(r, in, it, out) : layers_refuse_word(r, it->word);
}

/* A layer without its name: a word, a word with fields, or a list. */
static bool read_layer(const layers_reader *r, layers_scope *in, const lyne_yaml *name, const lyne_yaml *node,
                       list *out) {
    item it = {.name = name, .word = node};
    if (node->kind == LYNE_YAML_MAP) {
        it.word = node->key[0];
        it.fields = lyne_yaml_is_null(node->item[0]) ? NULL : node->item[0];
    }
    const bool repeats = node->kind != LYNE_YAML_LIST && strcmp(it.word->text, "repeat") == 0;
    if (repeats && !name) return read_repeat(r, in, &it, out);
    if (node->kind != LYNE_YAML_LIST && !repeats) return read_word(r, in, &it, out);
    layers_reader inner;
    if (!deeper(r, node->mark, &inner)) return false;
    if (!name && !in->numbered) return read_list(&inner, in, node, out); /* just a list in a list */
    const lyne_yaml unnamed = {.text = "list", .mark = node->mark};
    const char *scope_name = layers_name(r, in, name, &unnamed);
    lyne_yaml *one = (lyne_yaml *)node;
    const lyne_yaml around = {.kind = LYNE_YAML_LIST, .mark = node->mark, .n = 1, .item = &one};
    return scope_name &&
           read_scope(&inner, scope_name, name ? name->mark : node->mark, true, repeats ? &around : node, out);
}

static bool read_item(const layers_reader *r, layers_scope *in, const lyne_yaml *node, list *out) {
    if (node->kind == LYNE_YAML_LIST || (node->kind == LYNE_YAML_SCALAR && !lyne_yaml_is_null(node)))
        return read_layer(r, in, NULL, node, out);
    if (node->kind != LYNE_YAML_MAP || node->n != 1)
        return layers_refuse(r, node->mark,
                             "expects a layer, as in relu, {linear: {units: 10}} or {fc: {linear: {units: 10}}}");
    const lyne_yaml *key = node->key[0], *value = node->item[0];
    const bool fields =
        value->kind == LYNE_YAML_MAP && layers_is_word(r, key->text) && layers_holds_fields(r, key->text, value);
    if (!fields && layers_is_layer(r, value)) return read_layer(r, in, key, value, out);
    if (layers_is_word(r, key->text)) return read_layer(r, in, NULL, node, out);
    /* Neither is known.  What looks like NAME: {OP: {...}} or NAME: OP is refused for the op. */
    const bool named = (value->kind == LYNE_YAML_SCALAR && !lyne_yaml_is_null(value)) ||
                       (value->kind == LYNE_YAML_MAP && value->n == 1 && value->item[0]->kind == LYNE_YAML_MAP);
    return layers_refuse_word(r, !named ? key : value->kind == LYNE_YAML_MAP ? value->key[0] : value);
}

static bool read_list(const layers_reader *r, layers_scope *in, const lyne_yaml *node, list *out) {
    bool ok = true;
    if (node->kind != LYNE_YAML_LIST) return layers_refuse(r, node->mark, "expects a list of layers");
    for (size_t i = 0; i < node->n; i++) {
        if (!count(r, node->item[i]->mark) || r->f->out->out_of_memory) return false;
        ok &= read_item(r, in, node->item[i], out);
    }
    return ok;
}

bool lyne_layers_read(const lyne_filler *f, const char *where, const lyne_yaml *node, lyne_layers *out) {
    size_t n_layers = 0;
    layers_scope top = {.numbered = false};
    const layers_reader r = {.f = f, .where = where, .n_layers = &n_layers, .n_globals = f->constants.n};
    *out = (lyne_layers){0};
    if (node->kind == LYNE_YAML_LIST && node->n == 0)
        return layers_refuse(&r, node->mark, "the list of layers is empty");
    const bool ok = read_into(&r, &top, node, out);
    lyne_free(top.used);
    return ok;
}
