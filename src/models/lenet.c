/* models/lenet.c -- LeNet-5 as it is used today: two convolutions with max pooling, then 120, 84 and the classes.
 *   conv1 5x5 to 6 (padding 2), pool1, conv2 5x5 to 16, pool2, fc1 120, fc2 84, fc3 classes; relu between
 * Of 1998 are the sizes; relu, max pooling and full connections from pool1 to conv2 are later.  For pictures of 12 x 12
 * and more. */
#include "lyne/ops.h"

typedef struct lenet_config {
    double width;
    bool norm;
} lenet_config;

static const lyne_field fields[] = {
    LYNE_FLOAT(lenet_config, width, "what the 6 and 16 filters are multiplied by, rounded", "1", 0.1, 1000),
    LYNE_BOOL(lenet_config, norm, "batch_norm behind each convolution, which then has no bias", "false"),
    LYNE_FIELDS_END};

/* conv, norm, relu, pool, as block i */
static lyne_node *block(lyne_graph *g, const lenet_config *c, int i, lyne_node *x, int64_t padding) {
    static const char *const conv[] = {"conv1", "conv2"}, *const norm[] = {"norm1", "norm2"};
    static const char *const relu[] = {"relu1", "relu2"}, *const pool[] = {"pool1", "pool2"};
    static const int filters[] = {6, 16};
    x = lyne_conv2d(g, conv[i], x,
                    (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = (int64_t)(filters[i] * c->width + 0.5),
                                         .kernel = 5, .padding = padding, .bias = !c->norm});
    if (c->norm) x = lyne_batch_norm(g, norm[i], x, (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS});
    x = lyne_relu(g, relu[i], x);
    return lyne_max_pool(g, pool[i], x, (lyne_pool_config){LYNE_POOL_DEFAULTS});
}

static lyne_node *build(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    const lenet_config *c = config;
    lyne_node *x = block(g, c, 0, picture, 2);
    x = block(g, c, 1, x, 0);
    x = lyne_flatten(g, "flatten", x);
    x = lyne_relu(g, "relu3", lyne_linear(g, "fc1", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 120}));
    x = lyne_relu(g, "relu4", lyne_linear(g, "fc2", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 84}));
    return lyne_linear(g, "fc3", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
}

const lyne_model lyne_model_lenet = {
    .component = {.kind = LYNE_MODEL,
                  .name = "lenet",
                  .help = "two convolutions and three linear layers",
                  .source = "LeCun, Bottou, Bengio, Haffner 1998, Proc. IEEE 86(11), figure 2",
                  .example = "{lenet: {width: 2, norm: true}}",
                  .config_size = sizeof(lenet_config),
                  .fields = fields},
    .build = build};
