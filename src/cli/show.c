/* cli/show.c -- `lyne show`: the layers of the model that a stage trains, or of one by its name. */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/folders.h"
#include "cli/recipe.h"
#include "component/config.h"
#include "graph/op.h"
#include "report/picture.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { SET, DOT, SVG, TAPS, PICTURE, TOKENS, CLASSES };
static const lyne_option options[] = {
    [SET] = {"set", "PATH=VALUE", "change one value of the recipe, or of the model's fields; may be repeated"},
    [DOT] = {"dot", NULL, "the graph for Graphviz instead of the table"},
    [SVG] = {"svg", NULL, "the graph as a picture instead of the table, as in --svg >model.svg"},
    [TAPS] = {"taps", NULL, "only what losses may name as features: paths and shapes, B being the batch"},
    [PICTURE] = {"picture", "CxHxW", "with MODEL: channels, height and width of what it reads; default 3x32x32"},
    [TOKENS] = {"tokens", "LxV", "with MODEL: it reads sequences of L tokens below V"},
    [CLASSES] = {"classes", "N", "with MODEL: how many it tells apart; default 10"},
    {NULL, NULL, NULL}};

/* A line of the table; the numbers are of one sample. */
typedef struct line {
    const char *path, *op, *type;
    char shape[LYNE_SHAPE_TEXT];
    int64_t parameters, macs, bytes;
} line;

static line line_of(const lyne_node *n) {
    static const char *const type[] = {[LYNE_F32] = "f32", [LYNE_BF16] = "bf16", [LYNE_S32] = "s32", [LYNE_U8] = "u8"};
    line l = {.path = n->path, .op = n->op ? n->op->component.name : "input", .type = type[n->type]};
    lyne_shape_print(&n->shape, l.shape);
    for (int i = 0; i < n->n_params; i++) {
        const lyne_param *p = lyne_graph_param(n->graph, n->param[i]);
        if (p->role != LYNE_STATE) l.parameters += lyne_shape_size(&p->shape);
    }
    l.macs = n->op && n->op->macs ? n->op->macs(n) : 0;
    l.bytes = lyne_shape_size(&n->shape) * (int64_t)lyne_type_size(n->type);
    return l;
}

/* Columns of a number below its title. */
static int width_of(const char *title, int64_t most) {
    const int digits = snprintf(NULL, 0, "%lld", (long long)most), letters = (int)strlen(title);
    return digits > letters ? digits : letters;
}

static void print_table(const lyne_graph *g) {
    int path = 5, op = 2, shape = 5; /* "total" */
    line total = {.path = "total", .op = "", .type = ""};
    for (int i = 0; i < lyne_graph_n_nodes(g); i++) {
        const line l = line_of(lyne_graph_node(g, i));
        if ((int)strlen(l.path) > path) path = (int)strlen(l.path);
        if ((int)strlen(l.op) > op) op = (int)strlen(l.op);
        if ((int)strlen(l.shape) > shape) shape = (int)strlen(l.shape);
        total.parameters += l.parameters;
        if (__builtin_add_overflow(total.macs, l.macs, &total.macs)) total.macs = INT64_MAX;
        total.bytes += l.bytes;
    }
    const int parameters = width_of("parameters", total.parameters), macs = width_of("MACs", total.macs),
              bytes = width_of("bytes", total.bytes);
    printf("%-*s  %-*s  %-*s  %-4s  %*s  %*s  %*s\n", path, "path", op, "op", shape, "shape", "type", parameters,
           "parameters", macs, "MACs", bytes, "bytes");
    for (int i = 0; i <= lyne_graph_n_nodes(g); i++) {
        const line l = i < lyne_graph_n_nodes(g) ? line_of(lyne_graph_node(g, i)) : total;
        printf("%-*s  %-*s  %-*s  %-4s  %*lld  %*lld  %*lld\n", path, l.path, op, l.op, shape, l.shape, l.type,
               parameters, (long long)l.parameters, macs, (long long)l.macs, bytes, (long long)l.bytes);
    }
}

/* Values that a loss can compare: all real ones behind the picture. */
static void print_taps(const lyne_graph *g) {
    int path = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < lyne_graph_n_nodes(g); i++) {
            const lyne_node *n = lyne_graph_node(g, i);
            if (!n->op || (n->type != LYNE_F32 && n->type != LYNE_BF16)) continue;
            if ((int)strlen(n->path) > path) path = (int)strlen(n->path);
            if (pass == 0) continue;
            printf("%-*s  (B", path, n->path);
            for (int d = 1; d < n->shape.rank; d++) printf(", %lld", (long long)n->shape.dim[d]);
            printf(")\n");
        }
}

/* The stage of that name, or the only one that trains a model when no name is given. */
static lyne_status find_stage(const lyne_recipe *r, const char *name, const lyne_stage_instance **out,
                              lyne_error *err) {
    const char *names[64];
    size_t n = 0;
    lyne_text list = {0};
    *out = NULL;
    for (size_t i = 0; i < r->n_stages; i++) {
        const lyne_stage_instance *s = &r->stage[i];
        const bool trains = ((const lyne_stage *)s->kind.row)->model;
        if (name && strcmp(s->name, name) == 0) {
            *out = s;
            lyne_text_free(&list);
            return trains ? LYNE_OK : lyne_fail(err, LYNE_EUSAGE, "stage '%s' trains no model", name);
        }
        if (!trains) continue;
        *out = s;
        lyne_text_add(&list, "%s%s", n ? ", " : "; those that train a model are ", s->name);
        if (n < 64) names[n++] = s->name;
    }
    lyne_status status = LYNE_OK;
    const char *all = list.data ? list.data : "; those that train a model are none";
    char hint[LYNE_HINT_TEXT];
    if (name)
        status = lyne_fail(err, LYNE_EUSAGE, "there is no stage '%s'%s", name, lyne_hint(name, names, n, all, hint));
    else if (n != 1)
        status = lyne_fail(err, LYNE_EUSAGE, "which stage%s", all);
    lyne_text_free(&list);
    return status;
}

static lyne_status print(const lyne_graph *g, int what, lyne_error *err) {
    lyne_text text = {0};
    if (what == DOT)
        lyne_picture_dot(g, &text);
    else if (what == SVG)
        lyne_picture_svg(g, &text);
    else if (what == TAPS)
        print_taps(g);
    else
        print_table(g);
    if (text.data) fputs(text.data, stdout);
    const bool failed = text.failed;
    lyne_text_free(&text);
    return failed ? lyne_fail_memory(err, "a picture") : LYNE_OK;
}

static lyne_status show(const lyne_recipe *r, const char *name, int what, lyne_error *err) {
    const lyne_stage_instance *stage;
    lyne_network net;
    lyne_status status = find_stage(r, name, &stage, err);
    if (status != LYNE_OK) return status;
    const lyne_network_options o = {
        .model = ((const lyne_stage *)stage->kind.row)->model(stage->kind.config), .task = &r->task, .batch = 1};
    status = lyne_network_build(&net, &o, err);
    if (status != LYNE_OK) return status;
    status = print(net.graph, what, err);
    lyne_network_deinit(&net);
    return status;
}

/* ---- a model by its name ---- */

typedef struct arguments {
    lyne_words set;
    int what;                 /* SET: the table */
    bool shaped, sequences;   /* an option has said what the model reads; it reads tokens */
    int64_t size[3], classes; /* classes 0: not said */
} arguments;

/* Its config from `name` and the assignments; mistakes are printed. */
static lyne_status read_model(const char *name, const arguments *a, const lyne_registry *registry, lyne_arena *arena,
                              lyne_instance *out, lyne_error *err) {
    lyne_diagnostics diagnostics = {0};
    const lyne_filler f = {.registry = registry, .arena = arena, .out = &diagnostics};
    const char *text = lyne_arena_printf(arena, "%s: {}", name);
    lyne_yaml *tree = text ? lyne_yaml_parse(name, text, strlen(text), arena, &diagnostics) : NULL;
    for (size_t i = 0; tree && i < a->set.n; i++) {
        const char *assignment = lyne_arena_printf(arena, "%s.%s", name, a->set.item[i]);
        if (!assignment || !lyne_yaml_set(tree, NULL, assignment, arena, &diagnostics)) tree = NULL;
    }
    if (tree) lyne_config_instance(&f, LYNE_MODEL, name, tree, out);
    const lyne_status status = lyne_diagnostics_status(&diagnostics);
    lyne_cli_print(&diagnostics);
    if (status != LYNE_OK) return status;
    return tree && out->row ? LYNE_OK : lyne_fail_memory(err, "a model");
}

/* For pictures, and if nobody has said that it reads these and it does not, for tokens. */
static lyne_status build_model(const lyne_instance *model, const arguments *a, lyne_network *net, lyne_error *err) {
    lyne_task task = {.n_classes = a->classes ? a->classes : 10, .precision = LYNE_F32};
    if (a->sequences)
        task.sequence = (lyne_sequence){.length = a->size[0], .vocabulary = a->size[1]};
    else
        task.picture = (lyne_picture_size){.channels = a->size[0], .height = a->size[1], .width = a->size[2]};
    lyne_error first = {0}, second = {0};
    lyne_network_options o = {.model = *model, .task = &task, .batch = 1};
    if (lyne_network_build(net, &o, &first) == LYNE_OK) return LYNE_OK;
    const bool labelled[] = {true, false};
    for (int i = a->shaped && !a->sequences ? 2 : 0; i < 2; i++) { /* a label for each token, or one */
        task.picture = (lyne_picture_size){0};
        task.sequence = (lyne_sequence){.length = a->sequences ? a->size[0] : 128,
                                        .vocabulary = a->sequences ? a->size[1] : 256,
                                        .labelled = labelled[i]};
        if (lyne_network_build(net, &o, &second) == LYNE_OK) return LYNE_OK;
    }
    return lyne_fail(err, first.status, "%s; --picture CxHxW or --tokens LxV say what it is to read", first.text);
}

static lyne_status show_model(const char *name, const arguments *a, const lyne_registry *registry, lyne_error *err) {
    lyne_arena arena = {0};
    lyne_instance model = {0};
    lyne_network net;
    lyne_status status = read_model(name, a, registry, &arena, &model, err);
    if (status == LYNE_OK) {
        status = build_model(&model, a, &net, err);
        if (status == LYNE_OK) {
            status = print(net.graph, a->what, err);
            lyne_network_deinit(&net);
        }
    }
    lyne_arena_free(&arena);
    return status;
}

/* Neither a file nor a model. */
static lyne_status refuse(const char *name, const lyne_registry *registry, lyne_error *err) {
    size_t n;
    const lyne_component *const *rows = lyne_registry_list(registry, LYNE_MODEL, &n);
    const char **names = lyne_alloc(n, sizeof *names);
    for (size_t i = 0; names && i < n; i++) names[i] = rows[i]->name;
    char hint[LYNE_HINT_TEXT];
    lyne_fail(err, LYNE_EUSAGE, "there is no file and no model '%s'%s", name,
              lyne_hint(name, names, names ? n : 0, "; `lyne explain model` lists them", hint));
    lyne_free(names);
    return LYNE_EUSAGE;
}

/* ---- the command ---- */

/* "3x32x32": n whole numbers from 1 to 65536. */
static lyne_status read_sizes(const char *option, const char *argument, const char *value, int n, int64_t *out,
                              lyne_error *err) {
    char text[32];
    snprintf(text, sizeof text, "%s", value);
    char *rest = text, *part;
    int found = 0;
    while ((part = strsep(&rest, "x")) && found < n && lyne_parse_int(part, &out[found]) && out[found] >= 1 &&
           out[found] <= 65536)
        found++;
    if (found == n && !part && strlen(value) < sizeof text) return LYNE_OK;
    return lyne_fail(err, LYNE_EUSAGE, "--%s expects %s, whole numbers from 1 to 65536, not '%s'", option, argument,
                     value);
}

static lyne_status take(arguments *a, int got, const char *value, lyne_error *err) {
    const lyne_option *o = &options[got];
    if (got == SET) {
        return lyne_words_add(&a->set, value, "--set", err);
    } else if (got == CLASSES) {
        return read_sizes(o->name, o->argument, value, 1, &a->classes, err);
    } else if (got == PICTURE || got == TOKENS) {
        a->shaped = true;
        a->sequences = got == TOKENS;
        return read_sizes(o->name, o->argument, value, got == TOKENS ? 2 : 3, a->size, err);
    } else {
        a->what = got;
    }
    return LYNE_OK;
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    arguments a = {.what = SET, .size = {3, 32, 32}};
    const char *value;
    int got;
    while ((got = lyne_next_option(&command_show, argc, argv, &value, err)) >= 0)
        if (take(&a, got, value, err) != LYNE_OK) return LYNE_EUSAGE;
    if (got == -2) return LYNE_EUSAGE;
    if (argc - optind < 1 || argc - optind > 2)
        return lyne_fail(err, LYNE_EUSAGE, "what? usage: lyne show RECIPE [STAGE], or lyne show MODEL");
    const char *name = argv[optind];
    const bool is_model = !lyne_file_exists(name) && lyne_registry_find(registry, LYNE_MODEL, name);
    if (is_model && argc - optind == 2)
        return lyne_fail(err, LYNE_EUSAGE, "'%s' is one too many: %s is a model, which has no stages", argv[optind + 1],
                         name);
    if (is_model) return show_model(name, &a, registry, err);
    if (!lyne_file_exists(name) && !strpbrk(name, "/.")) return refuse(name, registry, err);
    if (a.shaped || a.classes)
        return lyne_fail(err, LYNE_EUSAGE,
                         "--picture, --tokens and --classes are for a model by name; a recipe has data");
    lyne_recipe recipe;
    lyne_status status = lyne_cli_read(&recipe, name, a.set.item, a.set.n, registry);
    if (status == LYNE_OK) status = show(&recipe, argc - optind == 2 ? argv[optind + 1] : NULL, a.what, err);
    lyne_recipe_free(&recipe);
    return status;
}

const lyne_command command_show = {.name = "show",
                                   .arguments = "RECIPE [STAGE] | MODEL",
                                   .help = "Show the layers of a stage's model, or of a model by name: shape, "
                                           "parameters, MACs, bytes.",
                                   .options = options,
                                   .run = run};
