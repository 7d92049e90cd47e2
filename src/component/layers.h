/* component/layers.h -- a network written in a recipe: layers in a list, blocks with arguments, branches, repetition.
 *
 *     blocks:                                      # at the top of the recipe, for all its models
 *       basic:
 *         arguments: {filters: ~, stride: 1}       # ~: must be given
 *         layers:
 *         - residual:
 *             main:
 *             - conv1: {conv2d: {filters: filters, stride: stride, padding: 1, bias: false}}
 *             - bn1: batch_norm
 *             shortcut:
 *             - downsample: {repeat: {times: stride > 1, layers: [...]}}
 *         - relu
 *     ...
 *     model:
 *       layers:
 *       - layer1: {repeat: {times: 3, layers: [{basic: {filters: 16}}]}}
 *       - global_avg_pool
 *       - fc: {linear: {units: classes}}
 *
 * An item of a list is a layer or `NAME: layer`.  A layer is an op, a block, another list, or one of
 *     repeat: {times: N, layers: [...]}            N may be 0
 *     residual: {main: [...], shortcut: [...]}     the sum of both; no shortcut: of main and what came in
 *     parallel: {branches: [[...], ...], join: OP} what an op of two sources makes of the branches, add by default
 * Names make paths as PyTorch's modules do.  The name of an op, a residual or a parallel is that of its node; the name
 * of a block is put before the names in it; so is that of a list or a repeat, whose layers without a name are numbered
 * from 0, as nn.Sequential does ("layer1.0.conv1").  Elsewhere a layer without a name is called as its op or block:
 * relu, relu2.  Where a number is expected, whole-number arithmetic over the arguments of the block and the constants
 * of the recipe may stand (component/expression.h).
 *
 * Reading expands everything but scopes and branches, and checks every op's fields.  Bounded: 10,000 layers, 24 deep.
 */
#ifndef LYNE_COMPONENT_LAYERS_H
#define LYNE_COMPONENT_LAYERS_H

#include "component/config.h"

/* What a layer is: an op (row, no branches); branches that an op joins; or a scope: no row, and branch[0] in it. */
struct lyne_layer {
    const char *name;
    lyne_mark mark;
    lyne_instance op;
    size_t n_branches;
    const lyne_layers *branch;
};

/** Read a list.  Everything wrong with it goes to f->out; true if nothing was. */
bool lyne_layers_read(const lyne_filler *f, const char *where, const lyne_yaml *list, lyne_layers *out);
void lyne_layers_hash(lyne_hash *h, const lyne_layers *layers);
/** As YAML that reads back to the same, without any blocks. */
void lyne_layers_print(lyne_text *t, const lyne_layers *layers);

/** A row that is given a list in place of a map of fields, because it has no other field: {layers: [...]}. */
static inline bool lyne_takes_layers(const lyne_component *row) {
    return row->fields && row->fields->name && row->fields->type == LYNE_FIELD_LAYERS && !row->fields[1].name;
}

/* The fields of a block, `repeat`, `residual` and `parallel`, for explaining and the schema; keywords end with a NULL
 * name. */
extern const lyne_field lyne_block_fields[];
typedef struct lyne_keyword {
    const char *name;
    const lyne_field *fields;
} lyne_keyword;
extern const lyne_keyword lyne_layer_keywords[];

#endif
