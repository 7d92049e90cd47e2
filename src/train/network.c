/* train/network.c -- picture -> normalize -> model -> logits -> losses; or tokens -> model and so on. */
#include "train/network.h"
#include "lyne/ops.h"
#include "train/features.h"
#include <stdio.h>
#include <string.h>

/* A model may be a plug-in's. */
static void check_logits(const lyne_network *net, const lyne_network_options *o) {
    const lyne_sequence *sequence = &o->task->sequence;
    const lyne_shape due = sequence->labelled ? LYNE_SHAPE(o->batch, sequence->length, o->task->n_classes)
                                              : LYNE_SHAPE(o->batch, o->task->n_classes);
    const lyne_node *logits = net->logits;
    char text[2][LYNE_SHAPE_TEXT];
    if (!logits)
        lyne_graph_fail(net->graph, "model %s makes no logits", o->model.row->name);
    else if (logits->type != LYNE_F32 || !lyne_shape_equal(&logits->shape, &due))
        lyne_graph_fail(net->graph, "model %s: its logits %s are %s; they should be f32 %s", o->model.row->name,
                        logits->path, lyne_shape_print(&logits->shape, text[0]), lyne_shape_print(&due, text[1]));
}

/* The layer whose output the logits are, and its input as f32, a row for each of the logits'. */
static void find_head(lyne_network *net, const lyne_network_options *o) {
    lyne_node *n = net->logits;
    if (!n) return;
    if (n->op && strcmp(n->op->component.name, "cast") == 0) n = n->src[0];
    if (!n->op || strcmp(n->op->component.name, "linear") != 0) {
        lyne_graph_fail(
            net->graph,
            "model %s: its logits are made by %s (%s), and features are what goes into a linear layer; store "
            "the logits instead, as f16 does",
            o->model.row->name, n->path, n->op ? n->op->component.name : "input");
        return;
    }
    net->head = n;
    net->features = lyne_graph_cast(net->graph, n->src[0], LYNE_F32);
    if (o->task->sequence.labelled && net->features)
        net->features = lyne_each_place(net->graph, "feature_rows", net->features);
}

/* What the model reads: tokens as they are, pictures as numbers around 0. */
static lyne_node *build_input(lyne_network *net, const lyne_network_options *o) {
    const lyne_task *t = o->task;
    if (t->sequence.length) {
        net->picture = lyne_graph_input(net->graph, "tokens", LYNE_SHAPE(o->batch, t->sequence.length), LYNE_S32);
        if (net->picture) net->picture->below = t->sequence.vocabulary;
        return net->picture;
    }
    const lyne_shape shape = LYNE_SHAPE(o->batch, t->picture.channels, t->picture.height, t->picture.width);
    net->picture = lyne_graph_input(net->graph, "picture", shape, LYNE_U8);
    return lyne_normalize(net->graph, "normalize", net->picture, (lyne_normalize_config){.mean = t->mean, .sd = t->sd});
}

/* The graph up to the logits. */
static void build_model(lyne_network *net, const lyne_network_options *o) {
    lyne_graph *g = net->graph;
    const lyne_task *t = o->task;
    const lyne_model *model = (const lyne_model *)o->model.row;
    lyne_graph_set_precision(g, t->precision);
    lyne_graph_keep_f32(g, t->keep_f32);
    lyne_node *x = build_input(net, o);
    if (!x) return;
    net->logits = model->build(g, o->model.config, x, t->n_classes);
    if (net->logits && net->logits->type == LYNE_BF16) net->logits = lyne_graph_cast(g, net->logits, LYNE_F32);
    check_logits(net, o);
    if (o->features) find_head(net, o);
    if (t->sequence.labelled && lyne_graph_status(g, NULL) == LYNE_OK)
        net->logits = lyne_each_place(g, "rows", net->logits);
    for (int i = 0; i < o->n_taps && net->logits; i++)
        net->tap[i] = lyne_graph_cast(g, lyne_find_tap(g, o->tap[i]), LYNE_F32);
    net->n_taps = o->n_taps;
    net->n_model_params = lyne_graph_n_params(g);
}

static bool needs_teacher(const lyne_instances *losses) {
    for (size_t i = 0; i < losses->n; i++)
        if (((const lyne_loss *)losses->item[i].row)->needs_teacher) return true;
    return false;
}

static bool reads_features(const lyne_instances *losses) {
    for (size_t i = 0; i < losses->n; i++)
        if (((const lyne_loss *)losses->item[i].row)->reads_features) return true;
    return false;
}

#define SCOPE "loss"

/* "kd", "kd_2": how many of this kind stand before it tells them apart. */
static void name_term(const lyne_instances *losses, size_t i, char out[64]) {
    int before = 0;
    for (size_t k = 0; k < i; k++) before += losses->item[k].row == losses->item[i].row;
    snprintf(out, 64, before ? "%.40s_%d" : "%.40s", losses->item[i].row->name, before + 1);
}

const char *lyne_network_term_name(const lyne_network *net, int i) {
    return net->term[i].node->path + sizeof SCOPE; /* behind "loss." */
}

static lyne_status build_losses(lyne_network *net, const lyne_network_options *o, lyne_error *err) {
    lyne_graph *g = net->graph;
    net->term = lyne_alloc(o->losses.n, sizeof *net->term);
    if (!net->term) return lyne_fail_memory(err, "the terms of an objective");
    const int64_t rows = net->logits->shape.dim[0];
    net->label = lyne_graph_input(g, "label", LYNE_SHAPE(rows), LYNE_S32);
    if (needs_teacher(&o->losses))
        net->teacher = lyne_graph_input(g, "teacher", LYNE_SHAPE(rows, o->task->n_classes), LYNE_F32);
    if (o->mixes) net->mix = lyne_graph_input(g, "mix", LYNE_SHAPE(o->batch, 2), LYNE_S32);
    lyne_loss_inputs in = {.logits = net->logits,
                           .labels = net->label,
                           .teacher = net->teacher,
                           .mix = net->mix,
                           .rest_is_class = o->rest_is_class};
    lyne_network teacher = {0}; /* its graph alone, for the shapes of its features */
    lyne_status status = LYNE_OK;
    if (reads_features(&o->losses) && o->teacher.row) {
        const lyne_network_options t = {.model = o->teacher, .task = o->task, .batch = o->batch};
        status = lyne_network_build(&teacher, &t, err);
        if (status != LYNE_OK) return lyne_error_context(err, "the teacher");
    }
    for (size_t i = 0; i < o->losses.n && lyne_graph_status(g, NULL) == LYNE_OK; i++) {
        const lyne_instance *loss = &o->losses.item[i];
        const lyne_loss *row = (const lyne_loss *)loss->row;
        const double weight = ((const lyne_loss_config *)loss->config)->weight;
        char name[64];
        name_term(&o->losses, i, name);
        in.student_feature = in.teacher_feature = NULL;
        if (row->reads_features && !lyne_match_features(net, teacher.graph, loss, name, &in)) break;
        lyne_graph_enter(g, SCOPE);
        net->term[i] = (lyne_term){.node = row->build(g, name, loss->config, &in), .weight = weight};
        lyne_graph_leave(g);
    }
    lyne_network_deinit(&teacher);
    net->n_terms = (int)o->losses.n;
    return LYNE_OK;
}

lyne_status lyne_network_build(lyne_network *net, const lyne_network_options *o, lyne_error *err) {
    *net = (lyne_network){0};
    lyne_status status = lyne_graph_new(o->batch, &net->graph, err);
    if (status != LYNE_OK) return status;
    build_model(net, o);
    if (lyne_graph_status(net->graph, NULL) == LYNE_OK && o->losses.n) status = build_losses(net, o, err);
    if (status == LYNE_OK) status = lyne_graph_status(net->graph, err);
    if (status != LYNE_OK) {
        if (o->failed_at) *o->failed_at = lyne_graph_failed_at(net->graph);
        lyne_network_deinit(net);
    }
    return status;
}

lyne_status lyne_network_init(lyne_network *net, const lyne_network_options *o, lyne_error *err) {
    lyne_status status = lyne_network_build(net, o, err);
    if (status != LYNE_OK) return status;
    net->weights = o->weights;
    net->owns_weights = !o->weights;
    if (!o->weights)
        status = o->outline ? lyne_weights_outline(net->graph, &net->weights, err)
                            : lyne_weights_new(net->graph, o->seed, &net->weights, err);
    lyne_node *output[2 + LYNE_MAX_TERMS] = {net->logits};
    for (int i = 0; i < net->n_taps; i++) output[1 + i] = net->tap[i];
    output[1 + net->n_taps] = net->features; /* NULL: not asked for */
    const lyne_compile what = {.weights = net->weights,
                               .training = o->losses.n > 0,
                               .lean = o->lean,
                               .term = net->term,
                               .n_terms = net->n_terms,
                               .output = output,
                               .n_outputs = 1 + net->n_taps + (net->features != NULL)};
    if (status == LYNE_OK) status = lyne_program_compile(net->graph, &what, &net->program, err);
    if (status != LYNE_OK) lyne_network_deinit(net);
    return status;
}

uint64_t lyne_network_bytes(const lyne_network *net) {
    const lyne_weights *w = net->weights;
    return lyne_program_bytes(net->program) + (net->owns_weights ? (w->n_values + w->n_trained) * sizeof(float) : 0);
}

void lyne_network_deinit(lyne_network *net) {
    if (!net) return;
    lyne_program_free(net->program);
    if (net->owns_weights) lyne_weights_free(net->weights);
    lyne_graph_free(net->graph);
    lyne_free(net->term);
    *net = (lyne_network){0};
}

lyne_status lyne_network_infer(lyne_network *net, const float **logits, lyne_error *err) {
    lyne_status status = lyne_program_run(net->program, &(lyne_clock){0}, err);
    *logits = lyne_program_output(net->program, net->logits);
    return status;
}

const float *lyne_network_features(const lyne_network *net) {
    return lyne_program_output(net->program, net->features);
}
