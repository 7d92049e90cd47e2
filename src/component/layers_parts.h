/* component/layers_parts.h -- what the files that read layers share.  Private to component/. */
#ifndef LYNE_COMPONENT_LAYERS_PARTS_H
#define LYNE_COMPONENT_LAYERS_PARTS_H

#include "component/layers.h"

enum { LAYERS_MAX = 10000, LAYERS_MAX_DEPTH = 24, LAYERS_MAX_ARGUMENTS = 64, LAYERS_MAX_EXPRESSION = 200 };

/* Where names must differ, and how layers without one are called. */
typedef struct layers_scope {
    bool numbered;
    size_t next;
    const char **used;
    size_t n_used, capacity;
} layers_scope;

typedef struct layers_reader {
    const lyne_filler *f; /* its constants are those that hold here */
    const char *where;
    size_t *n_layers; /* of the whole model so far */
    size_t n_globals; /* of the constants, those that hold in blocks too */
    int depth;
    const struct layers_reader *outer; /* of the block or list around; NULL: none */
    const lyne_yaml *block;            /* that is being read; NULL: none          */
} layers_reader;

/** Note it, and false. */
bool layers_refuse(const layers_reader *r, lyne_mark mark, const char *text);
bool layers_out_of_memory(const layers_reader *r);

/* ---- what a word is (layers_words.c) ---- */

typedef struct layers_block_config {
    const lyne_yaml *arguments, *layers;
} layers_block_config;

typedef struct layers_repeat_config {
    const lyne_yaml *times, *layers;
} layers_repeat_config;

typedef struct layers_residual_config {
    const lyne_yaml *main, *shortcut;
} layers_residual_config;

typedef struct layers_parallel_config {
    const lyne_yaml *branches;
    lyne_instance join;
} layers_parallel_config;
extern const lyne_field layers_repeat_fields[], layers_residual_fields[], layers_parallel_fields[];

const lyne_component *layers_op(const layers_reader *r, const char *name);
const lyne_yaml *layers_block(const layers_reader *r, const char *name);
/** An op, a block or a keyword. */
bool layers_is_word(const layers_reader *r, const char *name);
/** Whether a map holds fields of the word: `dropout: {rate: 0.5}`, and not `dropout: {relu: ~}`, a layer so named. */
bool layers_holds_fields(const layers_reader *r, const char *word, const lyne_yaml *map);
/** Whether a value can be a layer on its own, so that its key is a name. */
bool layers_is_layer(const layers_reader *r, const lyne_yaml *node);
bool layers_refuse_word(const layers_reader *r, const lyne_yaml *word);

bool layers_is_name(const char *text);
/** The name of a layer, which is then taken: that of the key before it, or (name NULL) one made for the word.  NULL
 * after a diagnostic. */
const char *layers_name(const layers_reader *r, layers_scope *in, const lyne_yaml *name, const lyne_yaml *word);

/* ---- arithmetic (layers_values.c) ---- */

/** A scalar that should be a number: as it is, or a constant's text, or what the arithmetic comes to.  NULL after a
 *  diagnostic. */
const lyne_yaml *layers_number(const layers_reader *r, const lyne_yaml *node);
/** A map of fields with the arithmetic in its numbers and truths done; NULL after a diagnostic. */
const lyne_yaml *layers_fields(const layers_reader *r, const lyne_field *fields, const lyne_yaml *map);

#endif
