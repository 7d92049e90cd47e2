/* models/layers.c -- a network written in the recipe, layer by layer (component/layers.h has the language). */
#include "component/layers.h"
#include "graph/op.h"
#include <stdio.h>

typedef struct layers_config {
    lyne_layers layers;
} layers_config;

static const lyne_field fields[] = {
    LYNE_ENTRY(LAYERS, layers_config, layers, "from the picture to one number for each class", LYNE_REQUIRED),
    LYNE_FIELDS_END};

static lyne_node *build_list(lyne_graph *g, const lyne_layers *layers, lyne_node *x);

/* The op of a layer; its sources are as many as it takes, which no shape rule would notice. */
static lyne_node *add_op(lyne_graph *g, const lyne_layer *layer, lyne_node *const *src, int n_src) {
    const lyne_op *op = (const lyne_op *)layer->op.row;
    lyne_graph_at(g, layer->mark);
    if (op->n_src != n_src)
        return lyne_graph_fail(g, "%s: %s reads %d values and gets %d", layer->name, op->component.name, op->n_src,
                               n_src);
    return lyne_graph_add(g, op, layer->name, layer->op.config, src, n_src);
}

/* Three branches are joined two and two, as NAME_2 and NAME. */
static lyne_node *build_branches(lyne_graph *g, const lyne_layer *layer, lyne_node *x) {
    lyne_node *joined = build_list(g, &layer->branch[0], x);
    for (size_t k = 1; k < layer->n_branches; k++) {
        lyne_node *src[2] = {joined, build_list(g, &layer->branch[k], x)};
        lyne_layer part = *layer;
        char name[96];
        snprintf(name, sizeof name, "%s_%zu", layer->name, k + 1);
        if (k + 1 < layer->n_branches) part.name = name;
        joined = src[0] && src[1] ? add_op(g, &part, src, 2) : NULL;
    }
    return joined;
}

static lyne_node *build_scope(lyne_graph *g, const lyne_layer *layer, lyne_node *x) {
    lyne_graph_at(g, layer->mark);
    lyne_graph_enter(g, layer->name);
    x = build_list(g, &layer->branch[0], x);
    lyne_graph_leave(g);
    return x;
}

static lyne_node *build_list(lyne_graph *g, const lyne_layers *layers, lyne_node *x) {
    for (size_t i = 0; i < layers->n && x; i++) {
        const lyne_layer *layer = &layers->item[i];
        x = layer->n_branches == 0 ? add_op(g, layer, &x, 1)
            : layer->op.row        ? build_branches(g, layer, x)
                                   : build_scope(g, layer, x);
    }
    return x;
}

static lyne_node *build(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    const layers_config *c = config;
    lyne_node *x = build_list(g, &c->layers, picture);
    const lyne_shape want = LYNE_SHAPE(picture->shape.dim[0], n_classes);
    char is[LYNE_SHAPE_TEXT], due[LYNE_SHAPE_TEXT];
    const bool picture_in = picture->shape.rank == 4; /* of tokens each may have its label; whoever knows sees to it */
    if (x && picture_in && !lyne_shape_equal(&x->shape, &want))
        return lyne_graph_fail(g, "%s: the last layer makes %s where %s is due, a number for each class", x->path,
                               lyne_shape_print(&x->shape, is), lyne_shape_print(&want, due));
    lyne_graph_at(g, (lyne_mark){0});
    return x;
}

const lyne_model lyne_model_layers = {
    .component = {.kind = LYNE_MODEL,
                  .name = "layers",
                  .help = "a network written in the recipe, layer by layer",
                  .example =
                      "{layers: [flatten, {fc1: {linear: {units: 24}}}, relu, {fc2: {linear: {units: classes}}}]}",
                  .config_size = sizeof(layers_config),
                  .fields = fields},
    .build = build};
