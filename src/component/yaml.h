/* component/yaml.h -- a YAML file as a tree in which every node knows where it stands.  The only place with libyaml.
 *
 * A subset, on purpose: one document, maps with scalar keys, lists, scalars, anchors and aliases within the file.  No
 * tags, no merge keys, no duplicate keys.  Bounded: 1 MiB, depth 32, 100,000 nodes, 1,000 anchors, and 10,000 nodes
 * that aliases may stand for in all, so a billion-laughs file is refused before it is expanded. */
#ifndef LYNE_COMPONENT_YAML_H
#define LYNE_COMPONENT_YAML_H

#include "base/memory.h"
#include "component/diagnostics.h"
#include "lyne/component.h"

/* A text that marks point into. */
typedef struct lyne_source {
    const char *name; /* path, or what it is: "--set", "default of sgd.lr" */
    const char *text; /* NUL-terminated                                    */
    size_t size;
    bool assigned; /* by the user, with --set: no file says it */
} lyne_source;

typedef enum lyne_yaml_kind { LYNE_YAML_SCALAR, LYNE_YAML_LIST, LYNE_YAML_MAP } lyne_yaml_kind;

typedef struct lyne_yaml {
    lyne_yaml_kind kind;
    lyne_mark mark;          /* an alias: where the alias stands; a value left empty: its key   */
    const char *text;        /* SCALAR: its value, NUL-terminated, without NUL inside           */
    bool quoted;             /* SCALAR: written in quotes, so "3" is a text and never a number  */
    size_t n;                /* LIST, MAP: how many                                             */
    struct lyne_yaml **item; /* LIST: the items; MAP: the values                                */
    struct lyne_yaml **key;  /* MAP: the keys, all SCALAR, no two alike                         */
} lyne_yaml;

/** Parse a text.  All nodes, and a copy of name and text, are in the arena.  NULL after a syntax error or a broken
 *  limit, which is then in `out` with line and column; other diagnostics (duplicate key, tag) still give a tree.
 *  A text of nothing but blanks and comments is an empty MAP. */
lyne_yaml *lyne_yaml_parse(const char *name, const char *text, size_t size, lyne_arena *arena, lyne_diagnostics *out);
/** The same for what follows the first `skip` bytes of a source, on its first line.  The source outlives the tree. */
lyne_yaml *lyne_yaml_parse_part(const lyne_source *source, size_t skip, lyne_arena *arena, lyne_diagnostics *out);
/** A source in the arena, with copies of name and text.  NULL, and so noted in `out`, when memory is out. */
lyne_source *lyne_source_new(const char *name, const char *text, size_t size, lyne_arena *arena, lyne_diagnostics *out);
/** Read the file and parse it.  A missing or unreadable file is a LYNE_EDATA diagnostic without a line. */
lyne_yaml *lyne_yaml_read(const char *path, lyne_arena *arena, lyne_diagnostics *out);

/** The value under a key of a MAP, or NULL. */
lyne_yaml *lyne_yaml_get(const lyne_yaml *map, const char *key);
/** A scalar that says "no value": plain `~`, `null`, or nothing. */
bool lyne_yaml_is_null(const lyne_yaml *node);

/** `a.b.c=VALUE`: set the value at a path of maps, making maps on the way; VALUE is YAML; `~` removes the key.  Steps
 *  of the path that are whole numbers enter lists.  Errors are marked in the text of the assignment itself.  The nodes
 *  on the path are replaced by copies, so that a node shared by an alias changes in this one place only.  `name` of the
 *  file that says so, which may name no more files than any other does; NULL: the user does, by --set. */
bool lyne_yaml_set(lyne_yaml *root, const char *name, const char *assignment, lyne_arena *arena, lyne_diagnostics *out);
/** The same with the path a scalar and the value a node of some tree: errors are marked at the path. */
bool lyne_yaml_put(lyne_yaml *root, const lyne_yaml *path, lyne_yaml *value, lyne_arena *arena, lyne_diagnostics *out);

#endif
