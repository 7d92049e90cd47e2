/* cli/new.c -- `lyne new`: a recipe or a plug-in to begin with. */
#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* %s: the name. */
static const char recipe_text[] =
    "# What it shows, what it needs, how long it takes.\n"
    "lyne: 1\n"
    "name: %s                             # results go to runs/NAME\n"
    "data: {use: strokes}                 # datasets/strokes.yaml; mnist, cifar10, ... once they are on your disk\n"
    "seeds: [1, 2, 3]                     # students run once for each; the table shows mean and sd\n"
    "\n"
    "stages:                              # each below those it reads; `lyne explain stage` shows the kinds\n"
    "  teacher:\n"
    "    train:\n"
    "      model: {mlp: {hidden: [512, 512], dropout: {hidden: 0.3}}}   # `lyne explain model`\n"
    "      augment: [{shift: {pixels: 1}}]                              # `lyne explain augmentation`\n"
    "      epochs: 20\n"
    "  soft_labels:                       # what the teacher says of every picture, on disk, once\n"
    "    label: {teacher: teacher}\n"
    "  student:\n"
    "    distill:\n"
    "      model: &student {mlp: {hidden: [64]}}\n"
    "      labels: soft_labels\n"
    "      loss: [{kd: {temperature: 4, weight: 0.9}}, {cross_entropy: {weight: 0.1}}]   # `lyne explain loss`\n"
    "      epochs: 20\n"
    "  alone:                             # the control: same student, same steps, hard labels only\n"
    "    train: {model: *student, epochs: 20}\n"
    "\n"
    "# sweep: {stages.student.distill.loss.0.kd.temperature: [1, 4, 20]}   # run it at each; share the teacher\n"
    "# expect: [{stage: student, test_errors: 100, within: 20}]            # printed beside what came out\n";

static const char student_text[] =
    "# A network of your own, layer by layer.  `lyne explain op` shows the ops, `lyne show FILE student` what comes "
    "out.\n"
    "lyne: 1\n"
    "name: %s\n"
    "data: {use: strokes}\n"
    "\n"
    "blocks:                              # named pieces with arguments; ~ is one that must be given\n"
    "  basic:\n"
    "    arguments: {filters: ~, stride: 1}\n"
    "    layers:\n"
    "    - residual:                      # the sum of both\n"
    "        main:\n"
    "        - conv1: {conv2d: {filters: filters, stride: stride, padding: 1, bias: false}}\n"
    "        - bn1: batch_norm\n"
    "        - relu\n"
    "        - conv2: {conv2d: {filters: filters, padding: 1, bias: false}}\n"
    "        - bn2: batch_norm\n"
    "        shortcut:                    # a 1x1 convolution, but only where the size changes\n"
    "        - downsample: {repeat: {times: stride > 1, layers: [\n"
    "            {conv2d: {filters: filters, kernel: 1, stride: stride, bias: false}}, batch_norm]}}\n"
    "    - relu\n"
    "\n"
    "stages:\n"
    "  teacher:\n"
    "    train: {model: {mlp: {hidden: [512, 512]}}, epochs: 10}\n"
    "  soft_labels:\n"
    "    label: {teacher: teacher}\n"
    "  student:\n"
    "    distill:\n"
    "      labels: soft_labels\n"
    "      model:\n"
    "        layers:                      # names make the names of the parameters: layer1.0.conv1.weight\n"
    "        - conv1: {conv2d: {filters: 8, stride: 2, padding: 1, bias: false}}\n"
    "        - bn1: batch_norm\n"
    "        - relu\n"
    "        - layer1: {repeat: {times: 2, layers: [{basic: {filters: 8}}]}}\n"
    "        - layer2: [{basic: {filters: 2 * 8, stride: 2}}, {basic: {filters: 16}}]\n"
    "        - global_avg_pool\n"
    "        - fc: {linear: {units: classes}}\n";

static const char plugin_text[] =
    "/* %s.c -- a network of your own, in C.  <lyne/ops.h> has the ops; <lyne/plugin.h> says what else plugs in.\n"
    " *\n"
    " *     cc -shared -fPIC %s.c $(pkg-config --cflags lyne) -o %s.so\n"
    " *     lyne plugin %s.so\n"
    " *     lyne run RECIPE --plugin %s.so --set stages.student.distill.model=%s\n"
    " *\n"
    " * pkg-config finds a Lyne that lies elsewhere than in /usr by PKG_CONFIG_PATH=PREFIX/lib/pkgconfig. */\n"
    "#include <lyne/ops.h>\n"
    "#include <lyne/plugin.h>\n"
    "\n"
    "/* What a recipe can set: {%s: {filters: 16}}.  The row below says how large this is and which fields it has. */\n"
    "typedef struct config {\n"
    "    int64_t filters;\n"
    "} config;\n"
    "\n"
    "static const lyne_field fields[] = {\n"
    "    LYNE_INT(config, filters, \"of the first convolution\", \"8\", 1, 1024), LYNE_FIELDS_END};\n"
    "\n"
    "/* Names make the names of the parameters: conv1.weight. */\n"
    "static lyne_node *build(lyne_graph *g, const void *c, lyne_node *picture, int64_t n_classes) {\n"
    "    const int64_t filters = ((const config *)c)->filters;\n"
    "    lyne_node *x = lyne_conv2d(g, \"conv1\", picture,\n"
    "                               (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = filters, .stride = 2});\n"
    "    x = lyne_relu(g, \"relu1\", lyne_batch_norm(g, \"bn1\", x, "
    "(lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS}));\n"
    "    x = lyne_conv2d(g, \"conv2\", x,\n"
    "                    (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = 2 * filters, .stride = 2});\n"
    "    x = lyne_relu(g, \"relu2\", lyne_batch_norm(g, \"bn2\", x, "
    "(lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS}));\n"
    "    x = lyne_flatten(g, \"flatten\", x);\n"
    "    return lyne_linear(g, \"fc\", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});\n"
    "}\n"
    "\n"
    "static const lyne_model row = {.component = {.kind = LYNE_MODEL,\n"
    "                                             .name = \"%s\",\n"
    "                                             .help = \"two convolutions\",\n"
    "                                             .example = \"{%s: {filters: 8}}\",\n"
    "                                             .config_size = sizeof(config),\n"
    "                                             .fields = fields},\n"
    "                               .build = build};\n"
    "\n"
    "LYNE_PLUGIN(\"1.0\", &row.component);\n";

static const struct template {
    const char *kind, *text, *suffix, *next; /* %s: the name, in `next` too */
} templates[] = {
    {"recipe", recipe_text, "yaml", "lyne check %s.yaml && lyne plan %s.yaml && lyne run %s.yaml"},
    {"student", student_text, "yaml", "lyne check %s.yaml && lyne plan %s.yaml && lyne run %s.yaml"},
    {"plugin", plugin_text, "c", "cc -shared -fPIC %s.c $(pkg-config --cflags lyne) -o %s.so && lyne plugin %s.so"}};

static const struct template *find(const char *kind) {
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        if (strcmp(templates[i].kind, kind) == 0) return &templates[i];
    return NULL;
}

/* The text with the name in place of each %s; there is no other per cent sign. */
static void fill(lyne_text *out, const char *text, const char *name) {
    for (const char *p = text; *p; p++) {
        if (p[0] == '%' && p[1] == 's')
            lyne_text_add(out, "%s", name), p++;
        else
            lyne_text_add(out, "%c", *p);
    }
}

static lyne_status write(const struct template *t, const char *name, lyne_error *err) {
    char path[80];
    lyne_text text = {0}, next = {0};
    snprintf(path, sizeof path, "%s.%s", name, t->suffix);
    if (lyne_file_exists(path)) return lyne_fail(err, LYNE_EUSAGE, "%s is there already; it is left as it is", path);
    fill(&text, t->text, name);
    fill(&next, t->next, name);
    const lyne_status status = text.failed || next.failed ? lyne_fail_memory(err, "a template")
                                                          : lyne_file_commit(path, text.data, text.length, err);
    if (status == LYNE_OK) printf("%s is written; next: %s\n", path, next.data);
    lyne_text_free(&text);
    lyne_text_free(&next);
    return status;
}

/* That of a row is stricter than that of a file. */
static bool is_row_name(const char *name) {
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *value;
    (void)registry;
    if (lyne_next_option(&command_new, argc, argv, &value, err) != -1) return LYNE_EUSAGE;
    const struct template *t = argc - optind == 2 ? find(argv[optind]) : NULL;
    if (!t) return lyne_fail(err, LYNE_EUSAGE, "a new what? usage: lyne new recipe|student|plugin NAME");
    const char *name = argv[optind + 1];
    if (!lyne_name_ok(name) || name[0] == '-')
        return lyne_fail(err, LYNE_EUSAGE, "'%s' cannot name a recipe; use letters, digits, _ - ., at most 64", name);
    if (t->text == plugin_text && !is_row_name(name))
        return lyne_fail(err, LYNE_EUSAGE, "'%s' cannot name a model; use a-z 0-9 _", name);
    return write(t, name, err);
}

const lyne_command command_new = {.name = "new",
                                  .arguments = "recipe|student|plugin NAME",
                                  .help = "Write NAME.yaml, a commented recipe to begin with, or one with a network of "
                                          "your own; or NAME.c, a network in C.",
                                  .run = run};
