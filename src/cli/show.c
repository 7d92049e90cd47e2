/* cli/show.c -- `lyne show`: the layers of the model that a stage trains. */
#include "cli/cli.h"
#include "cli/recipe.h"
#include "graph/op.h"
#include "report/picture.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { SET, DOT, SVG, TAPS };
static const lyne_option options[] = {
    [SET] = {"set", "PATH=VALUE", "change one value of the recipe; may be repeated"},
    [DOT] = {"dot", NULL, "the graph for Graphviz instead of the table"},
    [SVG] = {"svg", NULL, "the graph as a picture instead of the table, as in --svg >model.svg"},
    [TAPS] = {"taps", NULL, "only what losses may name as features: paths and shapes, B being the batch"},
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

static void print_table(const lyne_graph *g) {
    int path = 4, op = 2, shape = 5;
    line total = {.path = "total", .op = "", .type = ""};
    for (int i = 0; i < lyne_graph_n_nodes(g); i++) {
        const line l = line_of(lyne_graph_node(g, i));
        if ((int)strlen(l.path) > path) path = (int)strlen(l.path);
        if ((int)strlen(l.op) > op) op = (int)strlen(l.op);
        if ((int)strlen(l.shape) > shape) shape = (int)strlen(l.shape);
    }
    printf("%-*s  %-*s  %-*s  %-4s  %12s  %14s  %12s\n", path, "path", op, "op", shape, "shape", "type", "parameters",
           "MACs", "bytes");
    for (int i = 0; i <= lyne_graph_n_nodes(g); i++) {
        const line l = i < lyne_graph_n_nodes(g) ? line_of(lyne_graph_node(g, i)) : total;
        total.parameters += l.parameters;
        total.macs += l.macs;
        total.bytes += l.bytes;
        printf("%-*s  %-*s  %-*s  %-4s  %12lld  %14lld  %12lld\n", path, l.path, op, l.op, shape, l.shape, l.type,
               (long long)l.parameters, (long long)l.macs, (long long)l.bytes);
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
        lyne_text_add(&list, "%s%s", n ? ", " : "", s->name);
        if (n < 64) names[n++] = s->name;
    }
    lyne_status status = LYNE_OK;
    const char *near = name ? lyne_nearest(name, names, n) : NULL, *all = list.data ? list.data : "none";
    if (near)
        status = lyne_fail(err, LYNE_EUSAGE, "there is no stage '%s'; did you mean '%s'?", name, near);
    else if (name)
        status = lyne_fail(err, LYNE_EUSAGE, "there is no stage '%s'; those that train a model are %s", name, all);
    else if (n != 1)
        status = lyne_fail(err, LYNE_EUSAGE, "which stage? Those that train a model are %s", all);
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

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *set[64], *value;
    size_t n_set = 0;
    int got, what = SET;
    while ((got = lyne_next_option(&command_show, argc, argv, &value, err)) >= 0) {
        if (got != SET) {
            what = got;
            continue;
        }
        if (n_set == 64) return lyne_fail(err, LYNE_EUSAGE, "more than 64 times --set");
        set[n_set++] = value;
    }
    if (got == -2) return LYNE_EUSAGE;
    if (argc - optind < 1 || argc - optind > 2)
        return lyne_fail(err, LYNE_EUSAGE, "which recipe and stage? usage: lyne show RECIPE STAGE");
    lyne_recipe recipe;
    lyne_status status = lyne_cli_read(&recipe, argv[optind], set, n_set, registry);
    if (status == LYNE_OK) status = show(&recipe, argc - optind == 2 ? argv[optind + 1] : NULL, what, err);
    lyne_recipe_free(&recipe);
    return status;
}

const lyne_command command_show = {.name = "show",
                                   .arguments = "RECIPE [STAGE]",
                                   .help = "Show the layers of a stage's model: shape, parameters, MACs, bytes.",
                                   .options = options,
                                   .run = run};
