/* models/mobilenet_v2.c -- inverted residuals with linear bottlenecks (Sandler et al. 2018, table 2), for 32 x 32.
 *   conv1 3x3 to 32 (times `width`); 17 blocks in 7 groups; conv2 1x1 to 1280; mean over the picture; classes
 *   block:  x + bn(conv 1x1 to c(relu(bn(depthwise 3x3(relu(bn(conv 1x1 to t * in(x))))))))
 * with the sum only where shapes allow.  As in the code of the distillation papers (CRD, Tian et al. 2020), whose names
 * the parameters have, this differs from the paper: the second group does not halve the picture, relu takes the place
 * of relu6, the block with t = 1 has its first convolution too, and widths are cut to whole numbers, not to multiples
 * of 8. Batch norm behind every convolution, which has no bias. */
#include "lyne/ops.h"
#include <stdio.h>

typedef struct mobilenet_config {
    double width;
    int64_t expansion, stem_stride;
} mobilenet_config;

static const lyne_field fields[] = {
    LYNE_FLOAT(mobilenet_config, width, "what all widths but the last 1280 are multiplied by; the last above 1", "1",
               0.0625, 16),
    LYNE_INT(mobilenet_config, expansion, "how many times wider a block is inside", "6", 1, 64),
    LYNE_INT(mobilenet_config, stem_stride, "stride of the first convolution", "2", 1, 2), LYNE_FIELDS_END};

/* t: expansion (0: that of the config), c: channels, n: blocks, s: stride of the first */
static const struct {
    int t, c, n, s;
} groups[] = {{1, 16, 1, 1}, {0, 24, 2, 1},  {0, 32, 3, 2}, {0, 64, 4, 2},
              {0, 96, 3, 1}, {0, 160, 3, 2}, {0, 320, 1, 1}};
enum { N_GROUPS = sizeof groups / sizeof *groups };

static int64_t scaled(const mobilenet_config *c, int channels) {
    return (int64_t)(channels * c->width);
}

/* A convolution and its norm, named by two numbers in a row. */
static lyne_node *conv_norm(lyne_graph *g, int place, lyne_node *x, lyne_conv2d_config c) {
    char name[16];
    c.padding = c.kernel / 2;
    c.bias = false;
    snprintf(name, sizeof name, "%d", place);
    x = lyne_conv2d(g, name, x, c);
    snprintf(name, sizeof name, "%d", place + 1);
    return lyne_batch_norm(g, name, x, (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS});
}

static lyne_node *block(lyne_graph *g, lyne_node *src, int64_t filters, int64_t stride, int64_t expansion) {
    if (!src) return NULL; /* the graph has failed */
    const int64_t inside = src->shape.dim[1] * expansion;
    lyne_graph_enter(g, "conv");
    lyne_node *x = conv_norm(g, 0, src, (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = inside, .kernel = 1});
    x = lyne_relu(g, "2", x);
    x = conv_norm(g, 3, x,
                  (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = inside, .stride = stride, .groups = inside});
    x = lyne_relu(g, "5", x);
    x = conv_norm(g, 6, x, (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = filters, .kernel = 1});
    lyne_graph_leave(g);
    return stride == 1 && src->shape.dim[1] == filters ? lyne_add(g, "add", x, src) : x;
}

static lyne_node *blocks(lyne_graph *g, const mobilenet_config *c, lyne_node *x) {
    lyne_graph_enter(g, "blocks");
    for (int i = 0; i < N_GROUPS; i++)
        for (int k = 0; k < groups[i].n; k++) {
            char name[32];
            snprintf(name, sizeof name, "%d.%d", i, k);
            lyne_graph_enter(g, name);
            x = block(g, x, scaled(c, groups[i].c), k == 0 ? groups[i].s : 1, groups[i].t ? groups[i].t : c->expansion);
            lyne_graph_leave(g);
        }
    lyne_graph_leave(g);
    return x;
}

static lyne_node *build(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    const mobilenet_config *c = config;
    lyne_graph_enter(g, "conv1");
    lyne_node *x = conv_norm(
        g, 0, picture, (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = scaled(c, 32), .stride = c->stem_stride});
    x = lyne_relu(g, "2", x);
    lyne_graph_leave(g);
    x = blocks(g, c, x);
    lyne_graph_enter(g, "conv2");
    x = conv_norm(
        g, 0, x,
        (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = c->width > 1 ? scaled(c, 1280) : 1280, .kernel = 1});
    x = lyne_relu(g, "2", x);
    lyne_graph_leave(g);
    x = lyne_global_avg_pool(g, "avgpool", x);
    return lyne_linear(g, "classifier.0", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
}

const lyne_model lyne_model_mobilenet_v2 = {
    .component = {.kind = LYNE_MODEL,
                  .name = "mobilenet_v2",
                  .help = "inverted residual blocks around depthwise convolutions",
                  .source = "Sandler, Howard, Zhu, Zhmoginov, Chen 2018, arXiv:1801.04381, table 2",
                  .example = "{mobilenet_v2: {width: 0.5}}",
                  .config_size = sizeof(mobilenet_config),
                  .fields = fields},
    .build = build};
