/* train/blame.c -- see blame.h. */
#include "train/blame.h"
#include "base/bf16.h"
#include "base/memory.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *lyne_blame_weights(const lyne_weights *w) {
    for (int i = 0; i < w->n; i++) {
        const int64_t size = lyne_shape_size(&w->param[i].shape);
        for (int64_t k = 0; k < size; k++)
            if (!isfinite(w->value[w->offset[i] + (size_t)k])) return w->param[i].name;
    }
    return NULL;
}

/* The row of the batch with the first number that is none, or -1. */
static int64_t bad_row(const lyne_node *n, const void *values) {
    if (!values || (n->type != LYNE_F32 && n->type != LYNE_BF16)) return -1;
    const int64_t size = lyne_shape_size(&n->shape), rows = n->shape.rank ? n->shape.dim[0] : 1;
    for (int64_t i = 0; i < size; i++)
        if (!isfinite(lyne_load(values, i, n->type == LYNE_BF16))) return i / (size / rows);
    return -1;
}

/* The forward pass with every value kept. */
static void blame_values(const lyne_network *net, const lyne_clock *clock, char out[LYNE_BLAME_TEXT]) {
    const int n = lyne_graph_n_nodes(net->graph);
    lyne_program *p = NULL;
    lyne_node **node = lyne_alloc((size_t)n, sizeof(lyne_node *));
    int kept = 0;
    for (int i = 0; node && i < n; i++)
        if (lyne_graph_node(net->graph, i)->op) node[kept++] = lyne_graph_node(net->graph, i);
    const lyne_compile what = {.weights = net->weights,
                               .training = true,
                               .term = net->term,
                               .n_terms = net->n_terms,
                               .output = node,
                               .n_outputs = kept};
    bool ran = node && lyne_program_compile(net->graph, &what, &p, NULL) == LYNE_OK;
    for (int i = 0; ran && i < n; i++) {
        const lyne_node *input = lyne_graph_node(net->graph, i);
        if (input->op) continue;
        memcpy(lyne_program_input(p, input), lyne_program_input(net->program, input),
               (size_t)lyne_shape_size(&input->shape) * lyne_type_size(input->type));
    }
    ran = ran && lyne_program_run(p, clock, NULL) == LYNE_OK;
    if (ran) snprintf(out, LYNE_BLAME_TEXT, "no value of the forward pass");
    for (int i = 0; ran && i < kept; i++) {
        const int64_t row = bad_row(node[i], lyne_program_output(p, node[i]));
        if (row < 0) continue;
        snprintf(out, LYNE_BLAME_TEXT, "the value of %.120s", node[i]->path);
        break;
    }
    lyne_program_free(p);
    lyne_free(node);
}

/* What the teacher gave for this batch: its logits, or a feature. */
static bool blame_input(const lyne_network *net, const lyne_node *input, const char *what, const char *path,
                        char out[LYNE_BLAME_TEXT]) {
    const int64_t row = input ? bad_row(input, lyne_program_input(net->program, input)) : -1;
    if (row >= 0) snprintf(out, LYNE_BLAME_TEXT, "row %lld of the %s%.120s", (long long)row, what, path);
    return row >= 0;
}

static bool blame_teacher(const lyne_network *net, char out[LYNE_BLAME_TEXT]) {
    bool found = blame_input(net, net->teacher, "soft labels", "", out);
    for (int i = 0; !found && i < net->n_features; i++)
        found = blame_input(net, net->feature[i].input, "teacher's feature ", net->feature[i].path, out);
    return found;
}

void lyne_blame(const lyne_network *net, const lyne_clock *clock, char out[LYNE_BLAME_TEXT]) {
    *out = '\0';
    const char *parameter = lyne_blame_weights(net->weights);
    if (parameter)
        snprintf(out, LYNE_BLAME_TEXT, "the parameter %.120s (so the update before made it)", parameter);
    else if (!blame_teacher(net, out))
        blame_values(net, clock, out);
}
