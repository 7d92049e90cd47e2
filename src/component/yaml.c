/* component/yaml.c -- libyaml's events into a tree of our own.
 *
 * libyaml's own tree (yaml_document_t) resolves aliases by index and forgets where they stood, and knows no limits;
 * with events each node is counted before it is made, and an alias before it is followed. */
#include "component/yaml.h"
#include "base/file.h"
#include "base/text.h"
#include "base/utf8.h"
#include "component/yaml_error.h"
#include <stdlib.h>
#include <string.h>

enum {
    MAX_BYTES = 1 << 20,
    MAX_DEPTH = 32,
    MAX_NODES = 100000,
    MAX_ANCHORS = 1000,
    MAX_ALIASED = 10000 /* nodes that aliases stand for, in all */
};

typedef struct anchor {
    const char *name;
    const lyne_yaml *node;
    size_t nodes; /* it and all below it, aliases expanded */
    int height;
} anchor;

typedef struct reader {
    yaml_parser_t parser;
    const lyne_source *source;
    size_t skip;
    lyne_arena *arena;
    lyne_diagnostics *out;
    lyne_yaml **pending; /* a stack: the children so far of each collection being read */
    size_t n_pending, pending_capacity;
    anchor *anchors;
    size_t n_anchors, anchors_capacity;
    size_t n_nodes, n_aliased;
} reader;

static lyne_yaml *read_node(reader *r, const yaml_event_t *event, int depth);

static bool out_of_memory(reader *r) {
    r->out->out_of_memory = true;
    return false;
}

/* From `start` to `end` if that is one line, else the first character. */
static lyne_mark span(const reader *r, yaml_mark_t start, yaml_mark_t end) {
    lyne_mark mark = lyne_yaml_mark(r->source, r->skip, start);
    if (end.line == start.line && end.column > start.column) mark.length = (int)(end.column - start.column);
    return mark;
}

/* False after a syntax error, which is then reported.  Delete the event after true. */
static bool next(reader *r, yaml_event_t *event) {
    if (yaml_parser_parse(&r->parser, event)) return true;
    lyne_yaml_explain(&r->parser, r->source, r->skip, r->out);
    return false;
}

/* ---- anchors and aliases ---- */

static void measure(const lyne_yaml *node, size_t *nodes, int *height) {
    int tallest = 0;
    ++*nodes;
    for (size_t i = 0; i < node->n; i++) {
        int h = 0;
        if (node->key) measure(node->key[i], nodes, &h);
        measure(node->item[i], nodes, &h);
        if (h > tallest) tallest = h;
    }
    *height = tallest + 1;
}

static const anchor *find_anchor(const reader *r, const char *name) {
    for (size_t i = 0; i < r->n_anchors; i++)
        if (strcmp(r->anchors[i].name, name) == 0) return &r->anchors[i];
    return NULL;
}

static bool add_anchor(reader *r, const char *name, const lyne_yaml *node) {
    const anchor *first = find_anchor(r, name);
    if (first) {
        lyne_diagnose(r->out, node->mark, LYNE_ERECIPE, "anchor '&%.80s' is already on line %d; use another name", name,
                      first->node->mark.line);
        return true;
    }
    if (r->n_anchors == MAX_ANCHORS) {
        lyne_diagnose(r->out, node->mark, LYNE_ERECIPE, "more than %d anchors", MAX_ANCHORS);
        return false;
    }
    anchor a = {.name = lyne_arena_strndup(r->arena, name, strlen(name)), .node = node};
    if (!a.name || !lyne_grow(&r->anchors, &r->anchors_capacity, r->n_anchors + 1, sizeof a)) return out_of_memory(r);
    measure(node, &a.nodes, &a.height);
    r->anchors[r->n_anchors++] = a;
    return true;
}

static bool read_alias(reader *r, const char *name, lyne_yaml *node, int depth) {
    const anchor *a = find_anchor(r, name);
    const lyne_mark mark = node->mark;
    if (!a) {
        lyne_diagnose(r->out, mark, LYNE_ERECIPE, "no anchor '&%.80s' stands before this alias", name);
        return false;
    }
    r->n_aliased += a->nodes;
    if (r->n_aliased > MAX_ALIASED || depth + a->height - 1 > MAX_DEPTH) {
        if (r->n_aliased > MAX_ALIASED)
            lyne_diagnose(r->out, mark, LYNE_ERECIPE, "aliases stand for more than %d nodes", MAX_ALIASED);
        else
            lyne_diagnose(r->out, mark, LYNE_ERECIPE, "nested deeper than %d with what this alias stands for",
                          MAX_DEPTH);
        return false;
    }
    *node = *a->node;
    node->mark = mark;
    return true;
}

/* ---- nodes ---- */

static bool read_scalar(reader *r, const yaml_event_t *event, lyne_yaml *node) {
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    node->kind = LYNE_YAML_SCALAR;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = lyne_arena_strndup(r->arena, value, length);
    if (!node->text) return out_of_memory(r);
    if (memchr(value, '\0', length))
        lyne_diagnose(r->out, node->mark, LYNE_ERECIPE, "a text cannot contain the character \\0");

    /* An anchor or a tag in front belongs to libyaml's mark, but the caret belongs under the value. */
    int written = (int)lyne_utf8_count(value, value + length);
    if (!node->quoted && node->mark.length > written && written > 0) {
        node->mark.column += node->mark.length - written;
        node->mark.length = written;
    }
    return true;
}

typedef struct place {
    const char *key;
    size_t i;
} place;

static int compare_places(const void *a, const void *b) {
    const place *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : (x->i > y->i) - (x->i < y->i);
}

/* Report each key that is there twice and clear its second value. */
static bool refuse_duplicates(reader *r, lyne_yaml *map) {
    if (map->n < 2) return true;
    place *places = lyne_alloc(map->n, sizeof *places);
    if (!places) return out_of_memory(r);
    for (size_t i = 0; i < map->n; i++) places[i] = (place){map->key[i]->text, i};
    qsort(places, map->n, sizeof *places, compare_places);
    for (size_t first = 0, k = 1; k < map->n; k++) {
        if (strcmp(places[k].key, places[first].key) != 0) {
            first = k;
            continue;
        }
        lyne_diagnose(r->out, map->key[places[k].i]->mark, LYNE_ERECIPE,
                      "'%.80s' is given twice; the first is on line %d", places[k].key,
                      map->key[places[first].i]->mark.line);
        map->item[places[k].i] = NULL;
    }
    lyne_free(places);
    return true;
}

static bool key_allowed(reader *r, const lyne_yaml *key) {
    const char *problem = NULL;
    if (key->kind != LYNE_YAML_SCALAR)
        problem = "a key is a word, not a list or a map";
    else if (!key->quoted && strcmp(key->text, "<<") == 0)
        problem = "merge keys, <<, are not used here; write the keys out, or use an alias for the whole map";
    if (problem) lyne_diagnose(r->out, key->mark, LYNE_ERECIPE, "%s", problem);
    return !problem;
}

static bool make_list(reader *r, lyne_yaml *node, lyne_yaml **children, size_t n) {
    node->kind = LYNE_YAML_LIST;
    node->n = n;
    node->item = lyne_arena_alloc(r->arena, n * sizeof *node->item);
    if (!node->item) return out_of_memory(r);
    if (n > 0) memcpy(node->item, children, n * sizeof *node->item);
    return true;
}

static bool make_map(reader *r, lyne_yaml *node, lyne_yaml **children, size_t n) {
    node->kind = LYNE_YAML_MAP;
    node->key = lyne_arena_alloc(r->arena, n / 2 * sizeof *node->key);
    node->item = lyne_arena_alloc(r->arena, n / 2 * sizeof *node->item);
    if (!node->key || !node->item) return out_of_memory(r);
    for (size_t i = 0; i < n; i += 2) {
        lyne_yaml *key = children[i], *item = children[i + 1];
        if (!key_allowed(r, key)) continue;
        if (item->kind == LYNE_YAML_SCALAR && !item->quoted && !*item->text) item->mark = key->mark;
        node->key[node->n] = key;
        node->item[node->n++] = item;
    }
    if (!refuse_duplicates(r, node)) return false;
    size_t kept = 0;
    for (size_t i = 0; i < node->n; i++) {
        if (!node->item[i]) continue;
        node->key[kept] = node->key[i];
        node->item[kept++] = node->item[i];
    }
    node->n = kept;
    return true;
}

/* The children up to the event that closes the collection. */
static bool read_collection(reader *r, const yaml_event_t *opening, lyne_yaml *node, int depth) {
    bool list = opening->type == YAML_SEQUENCE_START_EVENT;
    bool flow = list ? opening->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
                     : opening->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    size_t base = r->n_pending;
    for (;;) {
        yaml_event_t event;
        lyne_yaml *child = NULL;
        if (!next(r, &event)) return false;
        bool closed = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        if (closed)
            node->mark = span(r, opening->start_mark, flow ? event.end_mark : opening->end_mark);
        else
            child = read_node(r, &event, depth + 1);
        yaml_event_delete(&event);
        if (closed) break;
        if (!child) return false;
        if (!lyne_grow(&r->pending, &r->pending_capacity, r->n_pending + 1, sizeof *r->pending))
            return out_of_memory(r);
        r->pending[r->n_pending++] = child;
    }
    const size_t n = r->n_pending - base;
    bool made = (list ? make_list : make_map)(r, node, n ? r->pending + base : NULL, n);
    r->n_pending = base;
    return made;
}

/* The anchor and the tag of a node; an alias has neither. */
static void properties(const yaml_event_t *event, const char **name, const char **tag) {
    const yaml_char_t *a = NULL, *t = NULL;
    if (event->type == YAML_SCALAR_EVENT) a = event->data.scalar.anchor, t = event->data.scalar.tag;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        a = event->data.sequence_start.anchor, t = event->data.sequence_start.tag;
    if (event->type == YAML_MAPPING_START_EVENT)
        a = event->data.mapping_start.anchor, t = event->data.mapping_start.tag;
    *name = (const char *)a;
    *tag = (const char *)t;
}

/* The node that starts with an event, or NULL after a broken limit or a syntax error. */
static lyne_yaml *read_node(reader *r, const yaml_event_t *event, int depth) {
    const char *name, *tag;
    lyne_mark mark = span(r, event->start_mark, event->end_mark);
    if (depth > MAX_DEPTH || ++r->n_nodes > MAX_NODES) {
        if (depth > MAX_DEPTH)
            lyne_diagnose(r->out, mark, LYNE_ERECIPE, "nested deeper than %d", MAX_DEPTH);
        else
            lyne_diagnose(r->out, mark, LYNE_ERECIPE, "more than %d nodes", MAX_NODES);
        return NULL;
    }
    properties(event, &name, &tag);
    if (tag)
        lyne_diagnose(r->out, mark, LYNE_ERECIPE, "tags such as %.80s are not used here; write the plain value", tag);
    lyne_yaml *node = lyne_arena_alloc(r->arena, sizeof *node);
    if (!node) {
        r->out->out_of_memory = true;
        return NULL;
    }
    node->mark = mark;
    bool ok;
    if (event->type == YAML_ALIAS_EVENT)
        ok = read_alias(r, (const char *)event->data.alias.anchor, node, depth);
    else if (event->type == YAML_SCALAR_EVENT)
        ok = read_scalar(r, event, node);
    else
        ok = read_collection(r, event, node, depth);
    if (ok && name) ok = add_anchor(r, name, node);
    return ok ? node : NULL;
}

/* Stream start, at most one document, stream end.  *root stays NULL without a document; false after a diagnostic. */
static bool read_stream(reader *r, lyne_yaml **root) {
    for (bool more = true; more;) {
        yaml_event_t event;
        bool ok = true;
        if (!next(r, &event)) return false;
        more = event.type != YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && *root) {
            lyne_diagnose(r->out, lyne_yaml_mark(r->source, r->skip, event.start_mark), LYNE_ERECIPE,
                          "a second document starts here; one is enough");
            ok = false;
        } else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_SEQUENCE_START_EVENT ||
                   event.type == YAML_MAPPING_START_EVENT || event.type == YAML_ALIAS_EVENT) {
            *root = read_node(r, &event, 1);
            ok = *root;
        }
        yaml_event_delete(&event);
        if (!ok) return false;
    }
    return true;
}

lyne_yaml *lyne_yaml_parse_part(const lyne_source *source, size_t skip, lyne_arena *arena, lyne_diagnostics *out) {
    reader r = {.source = source, .skip = skip, .arena = arena, .out = out};
    lyne_yaml *root = NULL;
    if (!yaml_parser_initialize(&r.parser)) {
        out->out_of_memory = true;
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)source->text + skip, source->size - skip);
    bool ok = read_stream(&r, &root);
    yaml_parser_delete(&r.parser);
    lyne_free(r.pending);
    lyne_free(r.anchors);
    if (!ok || root) return ok ? root : NULL;

    root = lyne_arena_alloc(arena, sizeof *root);
    if (root)
        *root = (lyne_yaml){.kind = LYNE_YAML_MAP, .mark = {source, 1, 1, 1}};
    else
        out->out_of_memory = true;
    return root;
}

lyne_source *lyne_source_new(const char *name, const char *text, size_t size, lyne_arena *arena,
                             lyne_diagnostics *out) {
    lyne_source *source = lyne_arena_alloc(arena, sizeof *source);
    if (source) {
        char *shown = lyne_arena_strndup(arena, name, strlen(name)); /* in messages, and a recipe may name files */
        source->name = shown ? lyne_one_line(shown) : NULL;
        source->text = lyne_arena_strndup(arena, text, size);
        source->size = size;
    }
    if (source && source->name && source->text) return source;
    out->out_of_memory = true;
    return NULL;
}

lyne_yaml *lyne_yaml_parse(const char *name, const char *text, size_t size, lyne_arena *arena, lyne_diagnostics *out) {
    if (size > MAX_BYTES) {
        lyne_diagnose(out, (lyne_mark){0}, LYNE_ERECIPE, "%s: larger than %d bytes", name, MAX_BYTES);
        return NULL;
    }
    size_t byte_order_mark = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    const lyne_source *source = lyne_source_new(name, text + byte_order_mark, size - byte_order_mark, arena, out);
    return source ? lyne_yaml_parse_part(source, 0, arena, out) : NULL;
}

lyne_yaml *lyne_yaml_read(const char *path, lyne_arena *arena, lyne_diagnostics *out) {
    lyne_error err = {0};
    char *text;
    size_t size;
    if (lyne_file_read(path, MAX_BYTES, &text, &size, &err) != LYNE_OK) {
        lyne_diagnose(out, (lyne_mark){0}, err.status, "%s", err.text);
        return NULL;
    }
    lyne_yaml *root = lyne_yaml_parse(path, text, size, arena, out);
    lyne_free(text);
    return root;
}

lyne_yaml *lyne_yaml_get(const lyne_yaml *map, const char *key) {
    for (size_t i = 0; map->kind == LYNE_YAML_MAP && i < map->n; i++)
        if (strcmp(map->key[i]->text, key) == 0) return map->item[i];
    return NULL;
}

bool lyne_yaml_is_null(const lyne_yaml *node) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != LYNE_YAML_SCALAR || node->quoted) return false;
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        if (strcmp(node->text, nulls[i]) == 0) return true;
    return false;
}
