/* component/layers_print.c -- layers as a fingerprint, and as YAML that reads back to the same. */
#include "component/layers.h"

void lyne_layers_hash(lyne_hash *h, const lyne_layers *layers) {
    lyne_hash_u64(h, layers->n);
    for (size_t i = 0; i < layers->n; i++) {
        const lyne_layer *layer = &layers->item[i];
        lyne_hash_text(h, layer->name);
        lyne_instance_hash(h, &layer->op);
        lyne_hash_u64(h, layer->n_branches);
        for (size_t k = 0; k < layer->n_branches; k++) lyne_layers_hash(h, &layer->branch[k]);
    }
}

static void print_layer(lyne_text *t, const lyne_layer *layer) {
    lyne_text_add(t, "{\"%s\": ", layer->name); /* in quotes, as it may be a number */
    if (layer->n_branches == 0) {
        lyne_instance_print(t, &layer->op);
    } else if (!layer->op.row) {
        lyne_layers_print(t, &layer->branch[0]);
    } else {
        lyne_text_add(t, "{parallel: {branches: [");
        for (size_t k = 0; k < layer->n_branches; k++) {
            if (k > 0) lyne_text_add(t, ", ");
            lyne_layers_print(t, &layer->branch[k]);
        }
        lyne_text_add(t, "], join: ");
        lyne_instance_print(t, &layer->op);
        lyne_text_add(t, "}}");
    }
    lyne_text_add(t, "}");
}

void lyne_layers_print(lyne_text *t, const lyne_layers *layers) {
    lyne_text_add(t, "[");
    for (size_t i = 0; i < layers->n; i++) {
        if (i > 0) lyne_text_add(t, ", ");
        print_layer(t, &layers->item[i]);
    }
    lyne_text_add(t, "]");
}
