/* tests/recipe/layers.c -- networks written in recipes: the same as the built-in ones, and mistakes shown at their line. */
#include "component/layers.h"
#include "bad_recipes.h"
#include "folder.h"
#include <time.h>

static const char cifar[] = "lyne_dataset: 1\n"
                            "name: cifar\n"
                            "format: {strokes: {train: 40, test: 20, size: 32}}\n"
                            "picture: [3, 32, 32]\n"
                            "classes: [a, b, c, d, e, f, g, h, i, j]\n";

static const char resnet20[] =
    "lyne: 1\n"
    "name: resnet20\n"
    "data: cifar\n"
    "blocks:\n"
    "  basic:\n"
    "    arguments: {filters: ~, stride: 1}\n"
    "    layers:\n"
    "    - residual:\n"
    "        main:\n"
    "        - conv1: {conv2d: {filters: filters, stride: stride, padding: 1, bias: false}}\n"
    "        - bn1: batch_norm\n"
    "        - relu\n"
    "        - conv2: {conv2d: {filters: filters, padding: 1, bias: false}}\n"
    "        - bn2: batch_norm\n"
    "        shortcut: # a 1x1 convolution where the size changes\n"
    "        - downsample: {repeat: {times: stride > 1, layers: [\n"
    "            {conv2d: {filters: filters, kernel: 1, stride: stride, bias: false}}, batch_norm]}}\n"
    "    - relu\n"
    "stages:\n"
    "  student:\n"
    "    train:\n"
    "      model:\n"
    "        layers:\n"
    "        - [{conv1: {conv2d: {filters: 16, padding: 1, bias: false}}}, {bn1: batch_norm}, relu]\n"
    "        - layer1: {repeat: {times: 3, layers: [{basic: {filters: 16}}]}}\n"
    "        - layer2: [{basic: {filters: 32, stride: 2}}, {repeat: {times: 2, layers: [{basic: {filters: 32}}]}}]\n"
    "        - layer3: [{basic: {filters: 64, stride: 2}}, {repeat: {times: 2, layers: [{basic: {filters: 64}}]}}]\n"
    "        - global_avg_pool\n"
    "        - fc: {linear: {units: classes}}\n";

static void enter(void) {
    folder_enter();
    put("datasets/cifar.yaml", cifar);
}

TestSuite(layers, .init = enter, .fini = folder_leave);

/* The graph of stage 0 of recipe.yaml, in a reading that must be ended. */
static lyne_network build(reading *r) {
    reading_begin(r, at("recipe.yaml"), NULL, 0);
    char *text = said(r);
    cr_assert_eq(r->status, LYNE_OK, "%s", text);
    free(text);
    lyne_network net;
    lyne_error err = {0};
    const lyne_stage *row = (const lyne_stage *)r->recipe.stage[0].kind.row;
    const lyne_network_options o = {
        .model = row->model(r->recipe.stage[0].kind.config), .task = &r->recipe.task, .batch = 2};
    cr_assert_eq(lyne_network_build(&net, &o, &err), LYNE_OK, "%s", err.text);
    return net;
}

/* Names and shapes of all parameters, a line each. */
static lyne_text parameters(const char *yaml) {
    reading r;
    lyne_text out = {0};
    char shape[LYNE_SHAPE_TEXT];
    put("recipe.yaml", yaml);
    lyne_network net = build(&r);
    for (int i = 0; i < lyne_graph_n_params(net.graph); i++) {
        const lyne_param *p = lyne_graph_param(net.graph, i);
        lyne_text_add(&out, "%s %s\n", p->name, lyne_shape_print(&p->shape, shape));
    }
    lyne_text_add(&out, "%lld trained\n", (long long)lyne_graph_count_params(net.graph));
    lyne_network_deinit(&net);
    reading_end(&r);
    return out;
}

/* The same as torchvision's names; the count is that of PyTorch for the same modules. */
Test(layers, resnet20_in_thirty_lines) {
    int lines = 0;
    for (const char *p = resnet20; *p; p++) lines += *p == '\n';
    cr_expect_leq(lines, 30);
    static const char *const there[] = {"conv1.weight (16, 3, 3, 3)\n",
                                        "bn1.running_var (16)\n",
                                        "layer1.0.conv1.weight (16, 16, 3, 3)\n",
                                        "layer1.2.bn2.bias (16)\n",
                                        "layer2.0.conv1.weight (32, 16, 3, 3)\n",
                                        "layer2.0.downsample.0.weight (32, 16, 1, 1)\n",
                                        "layer2.0.downsample.1.running_mean (32)\n",
                                        "layer3.0.downsample.0.weight (64, 32, 1, 1)\n",
                                        "layer3.2.conv2.weight (64, 64, 3, 3)\n",
                                        "fc.weight (10, 64)\n",
                                        "\n272474 trained\n"};
    lyne_text text = parameters(resnet20);
    for (size_t i = 0; i < COUNT(there); i++)
        cr_expect(strstr(text.data, there[i]), "%s not in\n%s", there[i], text.data);
    cr_expect_not(strstr(text.data, "layer1.0.downsample"));
    cr_expect_not(strstr(text.data, "layer2.1.downsample"));
    lyne_text_free(&text);
}

#define HEAD "lyne: 1\nname: a\ndata: cifar\nstages: {t: {train: {model: "

/* Built in, and written out. */
static const struct twin {
    const char *built_in, *written;
} twins[] = {
    {HEAD "{resnet_cifar: {depth: 20}}}}}\n", resnet20},
    {HEAD "{mlp: {hidden: [5, 4]}}}}}\n",
     HEAD "{layers: [flatten, fc1: {linear: {units: 5}}, relu, fc2: {linear: {units: 4}}, relu, fc3: {linear: "
          "{units: classes}}]}}}}\n"},
    {HEAD "{lenet: {width: 2, norm: true}}}}}\n", HEAD
     "{layers: [{conv1: {conv2d: {filters: 12, kernel: 5, padding: 2, bias: false}}}, {norm1: batch_norm}, relu, "
     "max_pool, {conv2: {conv2d: {filters: 2*16, kernel: 5, bias: 1 > 2}}}, {norm2: batch_norm}, relu, {max_pool: ~}, "
     "flatten, {fc1: {linear: {units: 120}}}, {relu3: relu}, {fc2: {linear: {units: 84}}}, relu, {fc3: {linear: "
     "{units: classes}}}]}}}}\n"},
};

Test(layers, same_parameters_as_built_in) {
    for (size_t i = 0; i < COUNT(twins); i++) {
        lyne_text a = parameters(twins[i].built_in), b = parameters(twins[i].written);
        cr_expect_str_eq(a.data, b.data);
        lyne_text_free(&a);
        lyne_text_free(&b);
    }
}

/* Layers, and the paths of the nodes behind picture and normalize. */
static const struct naming {
    const char *layers, *paths;
} namings[] = {
    {"[relu, relu, relu3: relu, relu, flatten, {fc: {linear: {units: 10}}}]", "relu relu2 relu3 relu4 flatten fc"},
    {"[a: [relu, relu], b: [relu], flatten, linear: {units: 10}]", "a.0 a.1 b.0 flatten linear"},
    {"[a: [[relu, x: relu], relu], flatten, linear: {units: 10}]", "a.0.0 a.0.x a.1 flatten linear"},
    {"[[relu, relu], flatten, linear: {units: 10}]", "relu relu2 flatten linear"},
    {"[relu: relu, flatten, linear: {linear: {units: 10}}]", "relu flatten linear"},
    {"[repeat: {times: 2, layers: [relu]}, flatten, linear: {units: 10}]", "relu relu2 flatten linear"},
    {"[repeat: {times: 0, layers: [relu]}, flatten, linear: {units: 10}]", "flatten linear"},
    {"[a: {repeat: {times: 2, layers: [relu, relu]}}, flatten, linear: {units: 10}]", "a.0 a.1 a.2 a.3 flatten linear"},
    {"[residual: {main: [relu]}, flatten, linear: {units: 10}]", "relu add flatten linear"},
    {"[sum: {residual: {main: [relu], shortcut: [relu]}}, flatten, linear: {units: 10}]",
     "relu relu2 sum flatten linear"},
    {"[s: {parallel: {branches: [[relu], [], [relu]]}}, flatten, linear: {units: 10}]",
     "relu s_2 relu2 s flatten linear"},
    {"[two, b: two, flatten, linear: {units: 10}]", "two.relu two.relu2 b.relu b.relu2 flatten linear"},
    {"[a: [two, two: {n: 1}], flatten, linear: {units: classes}]", "a.0.relu a.0.relu2 a.1.relu flatten linear"},
};

#define BLOCKS "blocks: {two: {arguments: {n: 2}, layers: [repeat: {times: n, layers: [relu]}]}}\n"

static char *naming_recipe(const char *layers) {
    char *text = NULL;
    cr_assert(asprintf(&text, "lyne: 1\nname: a\ndata: cifar\n" BLOCKS "stages: {t: {train: {model: {layers: %s}}}}\n",
                       layers) > 0);
    return text;
}

Test(layers, names) {
    for (size_t i = 0; i < COUNT(namings); i++) {
        reading r;
        lyne_text paths = {0};
        char *yaml = naming_recipe(namings[i].layers);
        put("recipe.yaml", yaml);
        lyne_network net = build(&r);
        for (int k = 2; k < lyne_graph_n_nodes(net.graph); k++)
            lyne_text_add(&paths, "%s%s", k > 2 ? " " : "", lyne_graph_node(net.graph, k)->path);
        cr_expect_str_eq(paths.data, namings[i].paths, "%s: %s", namings[i].layers, paths.data);
        lyne_text_free(&paths);
        lyne_network_deinit(&net);
        reading_end(&r);
        free(yaml);
    }
}

/* What is printed into OUT/recipe.yaml has no blocks and is the same network. */
Test(layers, printed_and_read_back) {
    for (size_t i = 0; i <= COUNT(namings); i++) {
        char *yaml = i < COUNT(namings) ? naming_recipe(namings[i].layers) : strdup(resnet20);
        lyne_text first = {0}, second = {0};
        lyne_digest digest[2];
        for (int k = 0; k < 2; k++) {
            reading r;
            lyne_hash h;
            put("recipe.yaml", k ? first.data : yaml);
            reading_begin(&r, at("recipe.yaml"), NULL, 0);
            char *text = said(&r);
            cr_assert_eq(r.status, LYNE_OK, "%s", text);
            free(text);
            lyne_recipe_print(&r.recipe, k ? &second : &first);
            lyne_hash_init(&h);
            lyne_instance_hash(&h, &r.recipe.stage[0].kind);
            digest[k] = lyne_hash_finish(&h);
            reading_end(&r);
        }
        cr_expect_str_eq(first.data, second.data);
        cr_expect(memcmp(&digest[0], &digest[1], sizeof digest[0]) == 0);
        lyne_text_free(&first);
        lyne_text_free(&second);
        free(yaml);
    }
}

/* A change that matters changes the fingerprint; a block written out does not. */
Test(layers, fingerprint) {
    static const char *const change[][2] = {{"times: 3", "times: 4"},
                                            {"kernel: 1", "kernel: 2"},
                                            {"fc: {linear", "head: {linear"},
                                            {"    - relu\nstages", "    - softmax\nstages"},
                                            {"stride > 1", "stride > 0"}};
    lyne_digest digest[COUNT(change) + 1];
    for (size_t i = 0; i <= COUNT(change); i++) {
        reading r;
        lyne_hash h;
        char *yaml = i ? edited(resnet20, change[i - 1][0], change[i - 1][1]) : strdup(resnet20);
        put("recipe.yaml", yaml);
        reading_begin(&r, at("recipe.yaml"), NULL, 0);
        cr_assert(r.recipe.n_stages == 1 && r.recipe.stage[0].kind.row, "%zu", i);
        lyne_hash_init(&h);
        lyne_instance_hash(&h, &r.recipe.stage[0].kind);
        digest[i] = lyne_hash_finish(&h);
        for (size_t k = 0; k < i; k++)
            cr_expect(memcmp(&digest[i], &digest[k], sizeof digest[i]) != 0, "%zu %zu", i, k);
        reading_end(&r);
        free(yaml);
    }
}

/* ---- mistakes ---- */

static const bad_recipe mistakes[] = {
    {"layer2: [{basic: {filters: 32, stride", "layer2: [{basic: {filters: 32, stide", 26, 42,
     "no argument 'stide'; did you mean 'stride'?"},
    {"basic: {filters: 16}", "basic: {}", 25, 49, "'filters' of the block is missing"},
    {"stride: 1}\n", "\"a/b\": 1}\n", 6, 29, "basic: an argument's name is letters, digits, _ and -"},
    {"basic: {filters: 16}", "basic: [16]", 25, 57, "there is no op or block '16'"},
    {"basic: {filters: 16}", "basic: 16", 25, 56, "basic: expects a map of arguments"},
    {"basic: {filters: 16}", "basic: {filters: fitlers}", 25, 66,
     "there is no 'fitlers' here; there are channels, height, width, classes"},
    {"basic: {filters: 16}", "basic: {filters: [1]}", 25, 66, "filters expects a number or true or false"},
    {"basic: {filters: 16}", "basic: {filters: 1 / 0}", 25, 66, "it divides by 0"},
    {"basic: {filters: 16}", "basci: {filters: 16}", 25, 49, "there is no op or block 'basci'; did you mean 'basic'?"},
    {"bn2: batch_norm", "bn2: batch_nrom", 14, 16, "there is no op or block 'batch_nrom'; did you mean 'batch_norm'?"},
    {"bn2: batch_norm", "bn1: batch_norm", 14, 11, "two layers are named 'bn1' here"},
    {"bn2: batch_norm", "b.n: batch_norm", 14, 11, "a layer's name is letters, digits, _ and -"},
    {"bn2: batch_norm", "bn2: ~", 14, 11, "there is no op or block 'bn2'"},
    {"bn2: batch_norm", "bn2: {batch_norm: {epsilom: 1}}", 14, 30, "unknown key 'epsilom'; did you mean 'epsilon'?"},
    {"bn2: batch_norm", "bn2: {batch_norm: {epsilon: 0 - 1}}", 14, 39, "epsilon = -1 is outside"},
    {"conv2: {conv2d: {filters: filters, padding: 1, bias: false}}", "conv2: {conv2d: {filters: filters * 0}}", 13, 37,
     "conv2d: filters = 0 is outside"},
    {"conv2: {conv2d: {filters: filters, padding: 1, bias: false}}", "conv2: {conv2d: {padding: 1}}", 13, 19,
     "conv2d: 'filters' is missing"},
    {"conv2: {conv2d: {filters: filters, padding: 1, bias: false}}", "conv2: {covn2d: {filters: 3}}", 13, 19,
     "'covn2d'; did you mean 'conv2d'?"},
    {"    - relu\nstages", "    - basic: {filters: 1}\nstages", 18, 7, "the block contains itself"},
    {"    - residual:\n", "    - residul:\n", 8, 7, "'residul'; did you mean 'residual'?"},
    {"        main:\n", "        mian:\n", 9, 9, "unknown key 'mian'; did you mean 'main'?", 1},
    {"{filters: ~, stride: 1}", "[filters]", 6, 16, "arguments expects a map"},
    {"  basic:\n", "  relu:\n", 5, 3, "'relu' is the name of a layer"},
    {"times: 3", "times: -1", 25, 36, "from 0 to 10000"},
    {"times: 3", "times: 3.5", 25, 36, "from 0 to 10000"},
    {"times: 3", "times: 5000", 16, 0, "more than 10000 layers"},
    {"times: 3", "tims: 3", 25, 29, "unknown key 'tims'; did you mean 'times'?", 1},
    {"- global_avg_pool", "- {a: 1, b: 2}", 28, 11, "expects a layer, as in relu"},
    {"- global_avg_pool", "-", 28, 10, "expects a layer, as in relu"},
    {"- global_avg_pool", "- add", 28, 11, "add: add reads 2 values and gets 1"},
    {"- global_avg_pool", "- parallel: {branches: [[relu]]}", 28, 32, "expects two lists of layers or more"},
    {"- global_avg_pool", "- parallel: {branches: [[relu], relu]}", 28, 41, "expects a list of layers"},
    {"- global_avg_pool", "- parallel: {branches: [[relu], []], join: relu}", 28, 11, "relu reads 1 values and gets 2"},
    /* shapes, at the layer */
    {"filters: 64, stride: 2", "filters: 64", 8, 7,
     "layer3.0.add: add expects two values of one type and rank whose dimensions are equal, or 1 in one of them, not "
     "(2, 64, 16, 16) and (2, 32, 16, 16)"},
    {"kernel: 1", "kernel: 33", 17, 14, "layer2.0.downsample.0: kernel 33"},
    {"units: classes", "units: 2 * classes", 29, 16, "makes (2, 20) where (2, 10) is due"},
    {"        - fc: {linear: {units: classes}}\n", "", 28, 11, "the last layer makes (2, 64) where (2, 10) is due"},
    {"        - global_avg_pool\n", "", 28, 16, "fc: "},
};

Test(layers, mistakes) {
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        const bad_recipe *m = &mistakes[i];
        reading r;
        bool found = false;
        char *yaml = edited(resnet20, m->from, m->to);
        put("recipe.yaml", yaml);
        reading_begin(&r, at("recipe.yaml"), NULL, 0);
        char *text = said(&r);
        for (size_t k = 0; k < r.out.n; k++) {
            const lyne_diagnostic *d = &r.out.item[k];
            found |= strstr(d->text, m->words) &&
                     (m->column == 0 || (d->mark.line == m->line && d->mark.column == m->column));
        }
        cr_expect_eq(r.status, LYNE_ERECIPE, "%s", m->to);
        cr_expect(found && (m->column == 0 || r.out.n == 1 + m->more), "%s: not '%s' at %d:%d and %zu more, but\n%s",
                  m->to, m->words, m->line, m->column, m->more, text);
        free(text);
        reading_end(&r);
        free(yaml);
    }
}

/* Recipes that would make very many layers end soon, in an error. */
static const char *const floods[] = {
    "[repeat: {times: 10000, layers: [repeat: {times: 10000, layers: [repeat: {times: 10000, layers: []}]}]}]",
    "[repeat: {times: 10000, layers: [repeat: {times: 10000, layers: [relu]}]}]",
    "[repeat: {times: 9999, layers: [[], []]}]",
    "[repeat: {times: 9000, layers: [two: {n: 9000}]}]",
};

#ifdef __SANITIZE_ADDRESS__
static const double soon = 4; /* it slows them down that much [s] */
#else
static const double soon = 1;
#endif

Test(layers, floods) {
    for (size_t i = 0; i < COUNT(floods); i++) {
        reading r;
        char *yaml = naming_recipe(floods[i]);
        put("recipe.yaml", yaml);
        const clock_t start = clock();
        reading_begin(&r, at("recipe.yaml"), NULL, 0);
        char *text = said(&r);
        cr_expect_eq(r.status, LYNE_ERECIPE, "%s", floods[i]);
        cr_expect(strstr(text, "more than 10000 layers"), "%s", text);
        cr_expect_lt((double)(clock() - start) / CLOCKS_PER_SEC, soon, "%s", floods[i]);
        cr_expect_lt(r.recipe.arena.used, 32u << 20);
        free(text);
        reading_end(&r);
        free(yaml);
    }
}
