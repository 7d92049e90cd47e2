/* models/mlp.c -- a multilayer perceptron: flatten, then for each hidden width linear, relu and dropout, then linear to
 * the classes.  fc1, relu1, fc2, relu2, ..., the last one fc{n+1}; drop0 is that of the input.  As in Hinton, Vinyals,
 * Dean 2015, section 3: two hidden layers of 800 or 1200. */
#include "lyne/ops.h"
#include <stdio.h>

typedef struct mlp_dropout {
    double input, hidden;
} mlp_dropout;
typedef struct mlp_config {
    lyne_ints hidden;
    mlp_dropout dropout;
} mlp_config;

static const lyne_field dropout_fields[] = {
    LYNE_FLOAT(mlp_dropout, input, "probability that an input becomes 0", "0", 0, 0.999),
    LYNE_FLOAT(mlp_dropout, hidden, "probability that a hidden unit becomes 0", "0", 0, 0.999), LYNE_FIELDS_END};
static const lyne_field fields[] = {
    LYNE_ENTRY_WITH(INTS, mlp_config, hidden, "width of each hidden layer", "[800, 800]", LYNE_RANGE(1, 1 << 24)),
    LYNE_ENTRY_WITH(GROUP, mlp_config, dropout, "dropout in training", LYNE_UNSET, .fields = dropout_fields),
    LYNE_FIELDS_END};

/* "fc3" */
typedef struct name_text {
    char text[32];
} name_text;
static name_text numbered(const char *name, size_t i) {
    name_text n;
    snprintf(n.text, sizeof n.text, "%s%zu", name, i);
    return n;
}

static lyne_node *drop(lyne_graph *g, size_t i, lyne_node *x, double rate) {
    return rate > 0 ? lyne_dropout(g, numbered("drop", i).text, x, (lyne_dropout_config){.rate = rate}) : x;
}

static lyne_node *build(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    const mlp_config *c = config;
    const size_t n = c->hidden.n;
    lyne_node *x = lyne_flatten(g, "flatten", picture);
    x = drop(g, 0, x, c->dropout.input);
    for (size_t i = 1; i <= n; i++) {
        x = lyne_linear(g, numbered("fc", i).text, x,
                        (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = c->hidden.item[i - 1]});
        x = lyne_relu(g, numbered("relu", i).text, x);
        x = drop(g, i, x, c->dropout.hidden);
    }
    return lyne_linear(g, numbered("fc", n + 1).text, x,
                       (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
}

const lyne_model lyne_model_mlp = {.component = {.kind = LYNE_MODEL,
                                                 .name = "mlp",
                                                 .help = "layers of units, each connected to all before it",
                                                 .source = "Hinton, Vinyals, Dean 2015, arXiv:1503.02531, section 3",
                                                 .example = "{mlp: {hidden: [800, 800]}}",
                                                 .config_size = sizeof(mlp_config),
                                                 .fields = fields},
                                   .build = build};
