/* component/layers_words.c -- which words a layer can be, and the names of layers. */
#include "component/layers_parts.h"
#include <string.h>

/* ---- the tables of the words that are no ops ---- */

const lyne_field lyne_block_fields[] = {
    LYNE_ENTRY(TREE, layers_block_config, arguments, "name: default; ~ for one that must be given", LYNE_UNSET),
    LYNE_ENTRY(TREE, layers_block_config, layers, "list of layers", LYNE_REQUIRED), LYNE_FIELDS_END};

const lyne_field layers_repeat_fields[] = {
    LYNE_ENTRY(TREE, layers_repeat_config, times, "how often; 0 leaves them out", LYNE_REQUIRED),
    LYNE_ENTRY(TREE, layers_repeat_config, layers, "list of layers", LYNE_REQUIRED), LYNE_FIELDS_END};

const lyne_field layers_residual_fields[] = {
    LYNE_ENTRY(TREE, layers_residual_config, main, "list of layers", LYNE_REQUIRED),
    LYNE_ENTRY(TREE, layers_residual_config, shortcut, "list of layers; none: what came in, as it is", LYNE_UNSET),
    LYNE_FIELDS_END};

const lyne_field layers_parallel_fields[] = {
    LYNE_ENTRY(TREE, layers_parallel_config, branches, "list of lists of layers, all reading what came in",
               LYNE_REQUIRED),
    LYNE_ENTRY_WITH(COMPONENT, layers_parallel_config, join, "op of two sources that makes one of the branches", "add",
                    .kind = LYNE_OP),
    LYNE_FIELDS_END};

const lyne_keyword lyne_layer_keywords[] = {{"repeat", layers_repeat_fields},
                                            {"residual", layers_residual_fields},
                                            {"parallel", layers_parallel_fields},
                                            {NULL, NULL}};

/* ---- what a word is ---- */

const lyne_component *layers_op(const layers_reader *r, const char *name) {
    return lyne_registry_find(r->f->registry, LYNE_OP, name);
}

const lyne_yaml *layers_block(const layers_reader *r, const char *name) {
    return r->f->blocks && r->f->blocks->kind == LYNE_YAML_MAP ? lyne_yaml_get(r->f->blocks, name) : NULL;
}

static const lyne_field *keyword_fields(const char *name) {
    for (const lyne_keyword *k = lyne_layer_keywords; k->name; k++)
        if (strcmp(k->name, name) == 0) return k->fields;
    return NULL;
}

bool layers_is_word(const layers_reader *r, const char *name) {
    return layers_op(r, name) || layers_block(r, name) || keyword_fields(name);
}

static bool has_field(const lyne_field *fields, const char *name) {
    for (; fields && fields->name; fields++)
        if (strcmp(fields->name, name) == 0) return true;
    return false;
}

/* Whether a map holds fields of the word: `dropout: {rate: 0.5}`, and not `dropout: {relu: ~}`, a layer so named. */
bool layers_holds_fields(const layers_reader *r, const char *word, const lyne_yaml *map) {
    const lyne_component *op = layers_op(r, word);
    const lyne_yaml *block = layers_block(r, word), *arguments = block ? lyne_yaml_get(block, "arguments") : NULL;
    const lyne_field *fields = op ? op->fields : keyword_fields(word);
    for (size_t i = 0; i < map->n; i++) {
        const char *key = map->key[i]->text;
        if (!has_field(fields, key) && !(arguments && lyne_yaml_get(arguments, key))) return false;
    }
    return true;
}

/* Whether a value can be a layer on its own, so that its key is a name. */
bool layers_is_layer(const layers_reader *r, const lyne_yaml *node) {
    if (node->kind == LYNE_YAML_LIST) return true;
    if (node->kind == LYNE_YAML_SCALAR) return !lyne_yaml_is_null(node) && layers_is_word(r, node->text);
    return node->n == 1 && layers_is_word(r, node->key[0]->text);
}

bool layers_refuse_word(const layers_reader *r, const lyne_yaml *word) {
    size_t n_ops, n = 0;
    const lyne_component *const *ops = lyne_registry_list(r->f->registry, LYNE_OP, &n_ops);
    const lyne_yaml *blocks = r->f->blocks && r->f->blocks->kind == LYNE_YAML_MAP ? r->f->blocks : NULL;
    const char **names = lyne_arena_alloc(r->f->arena, (n_ops + 3 + (blocks ? blocks->n : 0)) * sizeof *names);
    if (!names) return layers_out_of_memory(r);
    for (size_t i = 0; i < n_ops; i++) names[n++] = ops[i]->name;
    for (const lyne_keyword *k = lyne_layer_keywords; k->name; k++) names[n++] = k->name;
    for (size_t i = 0; blocks && i < blocks->n; i++) names[n++] = blocks->key[i]->text;
    char hint[LYNE_HINT_TEXT];
    lyne_diagnose(r->f->out, word->mark, LYNE_ERECIPE, "%s: there is no op or block '%.80s'%s", r->where, word->text,
                  lyne_hint(word->text, names, n, "; `lyne explain op` lists the ops", hint));
    return false;
}

/* ---- names ---- */

static bool is_used(const layers_scope *in, const char *name) {
    for (size_t i = 0; i < in->n_used; i++)
        if (strcmp(in->used[i], name) == 0) return true;
    return false;
}

static bool take_name(const layers_reader *r, layers_scope *in, const char *name, lyne_mark mark) {
    if (is_used(in, name)) {
        lyne_diagnose(r->f->out, mark, LYNE_ERECIPE, "%s: two layers are named '%s' here", r->where, name);
        return false;
    }
    if (!lyne_grow(&in->used, &in->capacity, in->n_used + 1, sizeof *in->used)) return layers_out_of_memory(r);
    in->used[in->n_used++] = name;
    return true;
}

/* "3", or "relu", "relu2".  NULL when memory is out. */
static const char *automatic_name(const layers_reader *r, layers_scope *in, const char *word) {
    if (in->numbered) return lyne_arena_printf(r->f->arena, "%zu", in->next++);
    size_t same = 1; /* at least as many as there are of the kind; then the first that is free */
    const size_t length = strlen(word);
    for (size_t i = 0; i < in->n_used; i++) {
        const char *used = in->used[i];
        same += strncmp(used, word, length) == 0 && strspn(used + length, "0123456789") == strlen(used + length);
    }
    const char *name = word;
    for (; name && (same > 1 || is_used(in, name)); same++) {
        name = lyne_arena_printf(r->f->arena, "%s%zu", word, same);
        if (name && !is_used(in, name)) break;
    }
    return name;
}

/* Of a layer, a block or its argument: they become names of parameters and of folders. */
bool layers_is_name(const char *text) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-0123456789";
    return *text && strlen(text) <= 64 && strspn(text, letters) == strlen(text);
}

const char *layers_name(const layers_reader *r, layers_scope *in, const lyne_yaml *name, const lyne_yaml *word) {
    if ((name && !layers_is_name(name->text)) || (!name && !layers_is_name(word->text))) {
        layers_refuse(r, name ? name->mark : word->mark, "a layer's name is letters, digits, _ and -");
        return NULL;
    }
    const char *text = name ? name->text : automatic_name(r, in, word->text);
    if (!text) layers_out_of_memory(r);
    return text && take_name(r, in, text, name ? name->mark : word->mark) ? text : NULL;
}
