/* A student as a plug-in: ResNet-20 for small pictures (He, Zhang, Ren, Sun 2016, arXiv:1512.03385, section 4.2), layer by
 * layer what the built-in {resnet_cifar: {depth: 20}} is, under the same names. */
#include <lyne/ops.h>
#include <lyne/plugin.h>

static lyne_node *conv(lyne_graph *g, const char *name, lyne_node *x, int64_t filters, int64_t kernel, int64_t stride) {
    return lyne_conv2d(
        g, name, x,
        (lyne_conv2d_config){
            .filters = filters, .kernel = kernel, .stride = stride, .padding = kernel / 2, .dilation = 1, .groups = 1});
}

static lyne_node *norm(lyne_graph *g, const char *name, lyne_node *x) {
    return lyne_batch_norm(g, name, x, (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS});
}

static lyne_node *block(lyne_graph *g, const char *name, lyne_node *x, int64_t filters, int64_t stride) {
    lyne_graph_enter(g, name);
    lyne_node *y = lyne_relu(g, "relu1", norm(g, "bn1", conv(g, "conv1", x, filters, 3, stride)));
    y = norm(g, "bn2", conv(g, "conv2", y, filters, 3, 1));
    if (stride > 1) {
        lyne_graph_enter(g, "downsample");
        x = norm(g, "1", conv(g, "0", x, filters, 1, stride));
        lyne_graph_leave(g);
    }
    y = lyne_relu(g, "relu2", lyne_add(g, "add", y, x));
    lyne_graph_leave(g);
    return y;
}

static lyne_node *build(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    static const char *const layer[] = {"layer1", "layer2", "layer3"}, *const number[] = {"0", "1", "2"};
    (void)config;
    lyne_node *x = lyne_relu(g, "relu1", norm(g, "bn1", conv(g, "conv1", picture, 16, 3, 1)));
    for (int l = 0; l < 3; l++) {
        lyne_graph_enter(g, layer[l]);
        for (int i = 0; i < 3; i++) x = block(g, number[i], x, 16 << l, l > 0 && i == 0 ? 2 : 1);
        lyne_graph_leave(g);
    }
    x = lyne_global_avg_pool(g, "avgpool", x);
    return lyne_linear(g, "fc", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
}

static const lyne_model resnet20 = {
    .component = {.kind = LYNE_MODEL, .name = "resnet20", .help = "ResNet-20 in C", .example = "resnet20"},
    .build = build};

LYNE_PLUGIN("1.0", &resnet20.component);
