/* models/resnet_cifar.c -- residual networks for small pictures (He, Zhang, Ren, Sun 2016, section 4.2).
 *   conv1 3x3 to `stem`, bn1, relu; layer1 to layer3 of n = (depth - 2) / 6 blocks; mean over the picture; fc classes
 *   block:  relu(bn2(conv2 3x3(relu(bn1(conv1 3x3(x))))) + shortcut(x))
 * layer l has 16, 32, 64 channels times `width`; the first block of layer2 and layer3 halves the picture.  Where a
 * block changes the shape its shortcut is downsample.0, a 1x1 convolution, and downsample.1, a batch norm (option B of
 * the paper, as PyTorch networks for CIFAR have it; the paper's own is padding with zeros).
 *
 *   resnet20, 32, 56, 110         {depth: 20}, ...
 *   resnet8x4, resnet32x4         {depth: 8, stem: 32, width: 4}, ...
 *   MLPerf Tiny's ResNet-8        {depth: 8, bias: true, shortcut_norm: false}; its parameters and shapes, but padding
 *                                 as everywhere here, where Keras pads only right and below when it halves */
#include "lyne/ops.h"
#include <stdio.h>

typedef struct resnet_config {
    int64_t depth, stem;
    double width;
    bool bias, shortcut_norm;
} resnet_config;

static const lyne_field fields[] = {
    LYNE_INT(resnet_config, depth, "layers on the longest path, 6 n + 2", "20", 8, 1202),
    LYNE_INT(resnet_config, stem, "filters of the first convolution", "16", 1, 4096),
    LYNE_FLOAT(resnet_config, width, "what the 16, 32 and 64 filters of the layers are multiplied by, rounded", "1",
               0.05, 64),
    LYNE_BOOL(resnet_config, bias, "convolutions have a bias (which their batch norm takes away again)", "false"),
    LYNE_BOOL(resnet_config, shortcut_norm, "batch_norm behind the convolution of a shortcut", "true"),
    LYNE_FIELDS_END};

static const char *check(const void *config) {
    return (((const resnet_config *)config)->depth - 2) % 6
               ? "depth must be 6 n + 2, as 8, 14, 20, 26, 32, 38, 44, 50, 56, 110"
               : NULL;
}

static lyne_node *conv(lyne_graph *g, const resnet_config *c, const char *name, lyne_node *x, int64_t filters,
                       int64_t kernel, int64_t stride) {
    return lyne_conv2d(g, name, x,
                       (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = filters, .kernel = kernel,
                                            .stride = stride, .padding = kernel / 2, .bias = c->bias});
}

static lyne_node *norm(lyne_graph *g, const char *name, lyne_node *x) {
    return lyne_batch_norm(g, name, x, (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS});
}

static lyne_node *shortcut(lyne_graph *g, const resnet_config *c, lyne_node *x, int64_t filters, int64_t stride) {
    if (!x || (stride == 1 && x->shape.dim[1] == filters)) return x;
    lyne_graph_enter(g, "downsample");
    x = conv(g, c, "0", x, filters, 1, stride);
    if (c->shortcut_norm) x = norm(g, "1", x);
    lyne_graph_leave(g);
    return x;
}

static lyne_node *block(lyne_graph *g, const resnet_config *c, lyne_node *x, int64_t filters, int64_t stride) {
    lyne_node *y = lyne_relu(g, "relu1", norm(g, "bn1", conv(g, c, "conv1", x, filters, 3, stride)));
    y = norm(g, "bn2", conv(g, c, "conv2", y, filters, 3, 1));
    return lyne_relu(g, "relu2", lyne_add(g, "add", y, shortcut(g, c, x, filters, stride)));
}

static lyne_node *build(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    static const char *const layer[] = {"layer1", "layer2", "layer3"};
    const resnet_config *c = config;
    lyne_node *x = lyne_relu(g, "relu1", norm(g, "bn1", conv(g, c, "conv1", picture, c->stem, 3, 1)));
    for (int l = 0; l < 3; l++) {
        lyne_graph_enter(g, layer[l]);
        for (int i = 0; i < (c->depth - 2) / 6; i++) {
            char name[16];
            snprintf(name, sizeof name, "%d", i);
            lyne_graph_enter(g, name);
            const double filters = (16 << l) * c->width + 0.5;
            x = block(g, c, x, filters < 1 ? 1 : (int64_t)filters, l > 0 && i == 0 ? 2 : 1);
            lyne_graph_leave(g);
        }
        lyne_graph_leave(g);
    }
    return lyne_linear(g, "fc", lyne_global_avg_pool(g, "avgpool", x),
                       (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
}

const lyne_model lyne_model_resnet_cifar = {
    .component = {.kind = LYNE_MODEL,
                  .name = "resnet_cifar",
                  .help = "residual network for pictures of about 32 x 32: 6 n + 2 layers",
                  .source = "He, Zhang, Ren, Sun 2016, arXiv:1512.03385, section 4.2",
                  .example = "{resnet_cifar: {depth: 20}}",
                  .config_size = sizeof(resnet_config),
                  .fields = fields,
                  .check = check},
    .build = build};
