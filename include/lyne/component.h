/* lyne/component.h -- a thing is a row.
 *
 * Everything a recipe can name is a component: an op, a model, a loss, an optimizer, a schedule, a data-set format, an
 * augmentation, a label encoding, a stage.  Each is one file that ends in one const row, and the row starts with a
 * lyne_component: what it is called, what it does, where it comes from, and a table of its fields.  The reader of
 * recipes, the range checks, the defaults, the errors, the documentation and the tests all come from that table. */
#ifndef LYNE_COMPONENT_H
#define LYNE_COMPONENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

typedef enum lyne_kind {
    LYNE_OP,
    LYNE_MODEL,
    LYNE_LOSS,
    LYNE_OPTIMIZER,
    LYNE_SCHEDULE,
    LYNE_DATASET,
    LYNE_AUGMENTATION,
    LYNE_ENCODING,
    LYNE_STAGE,
    LYNE_N_KINDS
} lyne_kind;

/** "model", "loss", ...: as people write it. */
const char *lyne_kind_name(lyne_kind kind);

/* Where something stands in a file.  line and column count from 1, columns in characters; length is that of the token,
 * for the caret.  source NULL: it stands nowhere (a default, a value made by a program). */
typedef struct lyne_mark {
    const struct lyne_source *source;
    int line, column, length;
} lyne_mark;

/* What a field holds and the C type at its offset. */
typedef enum lyne_field_type {
    LYNE_FIELD_BOOL,       /* bool                 true | false                                                  */
    LYNE_FIELD_INT,        /* int64_t              within [min, max] if ranged                                   */
    LYNE_FIELD_FLOAT,      /* double               within [min, max] if ranged                                   */
    LYNE_FIELD_TEXT,       /* const char *         any scalar                                                    */
    LYNE_FIELD_CHOICE,     /* int                  index into choices                                            */
    LYNE_FIELD_INTS,       /* lyne_ints            list of integers, each within [min, max]                      */
    LYNE_FIELD_FLOATS,     /* lyne_floats          list of numbers, each within [min, max]                       */
    LYNE_FIELD_TEXTS,      /* lyne_texts           list of scalars                                               */
    LYNE_FIELD_GROUP,      /* the struct itself    a map, described by fields                                    */
    LYNE_FIELD_COMPONENT,  /* lyne_instance        `name` or `{name: {fields}}` of `kind`                        */
    LYNE_FIELD_COMPONENTS, /* lyne_instances       list of those                                                 */
    LYNE_FIELD_STAGE,      /* lyne_reference       the name of an earlier stage of the recipe                    */
    LYNE_FIELD_STAGES,     /* lyne_references      a list of those, or one alone                                 */
    LYNE_FIELD_LAYERS,     /* lyne_layers          list of layers, blocks expanded (component/layers.h)          */
    LYNE_FIELD_TAP,        /* lyne_reference       the path of a node of a model (`lyne show --taps`)            */
    LYNE_FIELD_TREE        /* const struct lyne_yaml *   anything, as it was written; for the recipe's own top level */
} lyne_field_type;

typedef struct lyne_ints {
    size_t n;
    const int64_t *item;
} lyne_ints;
typedef struct lyne_floats {
    size_t n;
    const double *item;
} lyne_floats;
typedef struct lyne_texts {
    size_t n;
    const char *const *item;
} lyne_texts;

/* A component chosen by a recipe: its row and its filled config.  row NULL: the optional field was left out. */
typedef struct lyne_instance {
    const struct lyne_component *row;
    const void *config; /* row->config_size bytes, owned by whoever read the recipe */
    lyne_mark mark;     /* where its name stands                                    */
} lyne_instance;
typedef struct lyne_instances {
    size_t n;
    const lyne_instance *item;
} lyne_instances;

/* The name of another stage, or the path of a node.  name NULL: left out. */
typedef struct lyne_reference {
    const char *name;
    lyne_mark mark;
} lyne_reference;
typedef struct lyne_references {
    size_t n;
    const lyne_reference *item;
} lyne_references;

/* A network written as a list, and one item of it; component/layers.h says what an item is. */
typedef struct lyne_layer lyne_layer;
typedef struct lyne_layers {
    size_t n;
    const lyne_layer *item;
} lyne_layers;

/* fallback: what the field is when a recipe leaves it out, as YAML text, read by the same reader ("4", "[]",
 * "{sgd: {lr: 0.1}}").  LYNE_REQUIRED: leaving it out is an error.  LYNE_UNSET: stays zero (NULL, no row, n = 0). */
#define LYNE_REQUIRED NULL
#define LYNE_UNSET    ""

typedef struct lyne_field {
    const char *name;
    lyne_field_type type;
    const char *help; /* one line; unit at the end in brackets */
    const char *fallback;
    size_t offset; /* into the config struct */
    bool ranged;
    double min, max;                 /* both ends allowed                                               */
    const char *const *choices;      /* CHOICE: NULL-terminated                                         */
    lyne_kind kind;                  /* COMPONENT, COMPONENTS                                           */
    const struct lyne_field *fields; /* GROUP: its own table                                            */
    int makes;                       /* STAGE, STAGES: what a named stage must make, a lyne_product     */
    const char *zero;                /* INT: a word that may be written, and is stored as 0; NULL: none */
    bool inert;                      /* cannot change a result, so it is left out of fingerprints       */
    bool file;                       /* TEXT: a path; a recipe names files of its own folders only      */
} lyne_field;

/* Tables end with an entry whose name is NULL. */
#define LYNE_FIELDS_END  {.name = NULL}
#define LYNE_RANGE(a, b) .ranged = true, .min = (a), .max = (b)

/* Entries for fields that a recipe calls as the struct's member is called:
 *     static const lyne_field fields[] = {
 *         LYNE_FLOAT(config, temperature, "what logits are divided by", "4", 0.01, 1000),
 *         LYNE_ENTRY(TEXT, config, file, "where it is", LYNE_REQUIRED),
 *         LYNE_ENTRY_WITH(CHOICE, config, average, "of what", "logit", .choices = averages), LYNE_FIELDS_END}; */
#define LYNE_ENTRY_WITH(kind_of, config, member, text, otherwise, ...)                                                 \
    {.name = #member,                                                                                                  \
     .type = LYNE_FIELD_##kind_of,                                                                                     \
     .help = text,                                                                                                     \
     .fallback = otherwise,                                                                                            \
     .offset = offsetof(config, member),                                                                               \
     __VA_ARGS__}
#define LYNE_ENTRY(kind_of, config, member, text, otherwise)                                                           \
    LYNE_ENTRY_WITH(kind_of, config, member, text, otherwise, .ranged = false)
#define LYNE_BOOL(config, member, text, otherwise) LYNE_ENTRY(BOOL, config, member, text, otherwise)
#define LYNE_INT(config, member, text, otherwise, least, most)                                                         \
    LYNE_ENTRY_WITH(INT, config, member, text, otherwise, LYNE_RANGE(least, most))
#define LYNE_FLOAT(config, member, text, otherwise, least, most)                                                       \
    LYNE_ENTRY_WITH(FLOAT, config, member, text, otherwise, LYNE_RANGE(least, most))

typedef struct lyne_component {
    lyne_kind kind;
    const char *name;    /* as a recipe says it: [a-z0-9_]+, unique within its kind */
    const char *help;    /* one line                                               */
    const char *source;  /* paper and section, or NULL                             */
    const char *example; /* a snippet of recipe that uses it                       */
    size_t config_size;  /* 0: it takes no fields                                  */
    const lyne_field *fields;
    /* Checks between fields, run after each field was accepted: NULL if it is fine, else one line saying what is wrong
     * and what would be right.  May be NULL. */
    const char *(*check)(const void *config);
} lyne_component;

/* The rows known to a program, by kind. */
typedef struct lyne_registry lyne_registry;

/** The row of that kind and name, or NULL. */
const lyne_component *lyne_registry_find(const lyne_registry *r, lyne_kind kind, const char *name);
/** Rows of a kind in the order of their names; *n their number. */
const lyne_component *const *lyne_registry_list(const lyne_registry *r, lyne_kind kind, size_t *n);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
