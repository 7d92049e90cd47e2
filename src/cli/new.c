/* cli/new.c -- `lyne new`: a recipe to begin with. */
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

static const struct template {
    const char *kind, *text;
}
templates[] = {{"recipe", recipe_text}, {"student", student_text}};

static const struct template *find(const char *kind) {
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        if (strcmp(templates[i].kind, kind) == 0) return &templates[i];
    return NULL;
}

static lyne_status write(const struct template *t, const char *name, lyne_error *err) {
    char path[80];
    lyne_text text = {0};
    snprintf(path, sizeof path, "%s.yaml", name);
    if (lyne_file_exists(path)) return lyne_fail(err, LYNE_EUSAGE, "%s is there already; it is left as it is", path);
    for (const char *p = t->text; *p; p++) { /* one %s, and no other per cent sign */
        if (p[0] == '%' && p[1] == 's')
            lyne_text_add(&text, "%s", name), p++;
        else
            lyne_text_add(&text, "%c", *p);
    }
    const lyne_status status =
        text.failed ? lyne_fail_memory(err, "a recipe") : lyne_file_commit(path, text.data, text.length, err);
    lyne_text_free(&text);
    if (status == LYNE_OK)
        printf("%s is written; next: lyne check %s && lyne plan %s && lyne run %s\n", path, path, path, path);
    return status;
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *value;
    (void)registry;
    if (lyne_next_option(&command_new, argc, argv, &value, err) != -1) return LYNE_EUSAGE;
    const struct template *t = argc - optind == 2 ? find(argv[optind]) : NULL;
    if (!t) return lyne_fail(err, LYNE_EUSAGE, "a new what? usage: lyne new recipe|student NAME");
    const char *name = argv[optind + 1];
    if (!lyne_name_ok(name) || name[0] == '-')
        return lyne_fail(err, LYNE_EUSAGE, "'%s' cannot name a recipe; use letters, digits, _ - .", name);
    return write(t, name, err);
}

const lyne_command command_new = {
    .name = "new",
    .arguments = "recipe|student NAME",
    .help = "Write NAME.yaml, a commented recipe to begin with, or one with a network of your own.",
    .run = run};
