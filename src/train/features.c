/* train/features.c -- see features.h. */
#include "train/features.h"
#include "base/text.h"
#include "lyne/ops.h"
#include <string.h>

static bool is_real(const lyne_node *n) {
    return n->type == LYNE_F32 || n->type == LYNE_BF16;
}

lyne_node *lyne_find_tap(lyne_graph *g, const char *path) {
    lyne_node *n = lyne_graph_find(g, path);
    if (n && is_real(n)) return n;
    if (n) return lyne_graph_fail(g, "%s is a picture as it was read and no feature", path);
    const char **names = lyne_alloc((size_t)lyne_graph_n_nodes(g), sizeof *names);
    size_t count = 0;
    for (int i = 0; names && i < lyne_graph_n_nodes(g); i++)
        if (is_real(lyne_graph_node(g, i))) names[count++] = lyne_graph_node(g, i)->path;
    char hint[LYNE_HINT_TEXT];
    lyne_graph_fail(g, "there is no node '%s'%s", path,
                    lyne_hint(path, names, count, "; `lyne show RECIPE STAGE --taps` lists them", hint));
    lyne_free(names);
    return NULL;
}

/* The input for the teacher's node of that path, one for all terms that read it. */
static lyne_node *teacher_input(lyne_network *net, const lyne_node *n) {
    for (int i = 0; i < net->n_features; i++)
        if (strcmp(net->feature[i].path, n->path) == 0) return net->feature[i].input;
    lyne_graph_enter(net->graph, "teacher_feature");
    lyne_node *input = lyne_graph_input(net->graph, n->path, n->shape, LYNE_F32);
    lyne_graph_leave(net->graph);
    return input;
}

/* A picture's means over `height` x `width` parts: pooled where it is a whole multiple of them in both, else over parts
 * that overlap by a pixel. */
static lyne_node *pool_to(lyne_graph *g, const char *name, lyne_node *src, int64_t height, int64_t width) {
    const int64_t *from = src->shape.dim, kernel = from[2] / height;
    if (from[2] == height && from[3] == width) return src;
    if (from[2] == kernel * height && from[3] == kernel * width)
        return lyne_avg_pool(g, name, src, (lyne_pool_config){.kernel = kernel, .stride = kernel});
    return lyne_adaptive_avg_pool(g, name, src, (lyne_adaptive_avg_pool_config){.size = height, .width = width});
}

/* Both pictures to the smaller height and the smaller width: nothing is made up that one of them does not have. */
static bool match_size(lyne_graph *g, lyne_node **student, lyne_node **teacher) {
    const int64_t *s = (*student)->shape.dim, *t = (*teacher)->shape.dim;
    const int64_t height = s[2] < t[2] ? s[2] : t[2], width = s[3] < t[3] ? s[3] : t[3];
    *student = pool_to(g, "student_pool", *student, height, width);
    *teacher = pool_to(g, "teacher_pool", *teacher, height, width);
    return *student && *teacher;
}

/* The student's channels, or width, to the teacher's. */
static lyne_node *match_width(lyne_graph *g, const char *term, lyne_node *student, const lyne_node *teacher) {
    const int axis = teacher->shape.rank == 4 ? 1 : teacher->shape.rank - 1;
    const int64_t width = teacher->shape.dim[axis];
    if (student->shape.dim[axis] == width) return student;
    return axis == 1 && teacher->shape.rank == 4
               ? lyne_conv2d(g, term, student,
                             (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = width, .kernel = 1})
               : lyne_linear(g, term, student, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = width});
}

static void adapt(lyne_graph *g, lyne_match match, const char *term, lyne_loss_inputs *in) {
    char text[2][LYNE_SHAPE_TEXT];
    if (match == LYNE_MATCH_NOTHING) return;
    if (in->student_feature->shape.rank != in->teacher_feature->shape.rank) {
        lyne_graph_fail(
            g,
            "the student's feature is %s and the teacher's %s; name nodes of one kind, both pictures or both "
            "vectors",
            lyne_shape_print(&in->student_feature->shape, text[0]),
            lyne_shape_print(&in->teacher_feature->shape, text[1]));
        return;
    }
    lyne_graph_enter(g, LYNE_ADAPTER_SCOPE);
    lyne_graph_enter(g, term);
    const bool fits = in->student_feature->shape.rank != 4 || match_size(g, &in->student_feature, &in->teacher_feature);
    lyne_graph_leave(g);
    if (fits && match == LYNE_MATCH_SHAPE)
        in->student_feature = match_width(g, term, in->student_feature, in->teacher_feature);
    lyne_graph_leave(g);
}

bool lyne_match_features(lyne_network *net, lyne_graph *teacher, const lyne_instance *loss, const char *term,
                         lyne_loss_inputs *in) {
    const lyne_feature_loss_config *c = loss->config;
    lyne_graph *g = net->graph;
    lyne_error err = {0};
    lyne_graph_at(g, c->student.mark);
    if (!(in->student_feature = lyne_find_tap(g, c->student.name))) return false;
    lyne_graph_at(g, c->teacher.mark);
    if (!teacher)
        return lyne_graph_fail(g,
                               "%s reads a teacher's features, and there is no model here that could be asked; soft "
                               "labels of a `label` stage have one",
                               term);
    const lyne_node *found = lyne_find_tap(teacher, c->teacher.name);
    if (!found) {
        lyne_graph_status(teacher, &err);
        return lyne_graph_fail(g, "the teacher: %s", err.text);
    }
    in->teacher_feature = teacher_input(net, found);
    if (!in->teacher_feature) return false;
    bool known = false;
    for (int i = 0; i < net->n_features; i++) known |= net->feature[i].input == in->teacher_feature;
    if (!known) net->feature[net->n_features++] = (lyne_feature){.path = c->teacher.name, .input = in->teacher_feature};
    adapt(g, ((const lyne_loss *)loss->row)->match, term, in);
    in->student_feature = lyne_graph_cast(g, in->student_feature, LYNE_F32);
    in->teacher_feature = lyne_graph_cast(g, in->teacher_feature, LYNE_F32);
    if (lyne_graph_status(g, NULL) != LYNE_OK) return false;
    lyne_graph_at(g, (lyne_mark){0});
    return true;
}

/* ---- the teacher, asked live ---- */

lyne_status lyne_features_open(lyne_feature_source *f, const lyne_network *student, lyne_instance model,
                               const lyne_task *task, const char *weights, lyne_error *err) {
    lyne_network_options o = {.model = model,
                              .task = task,
                              .batch = lyne_graph_batch(student->graph),
                              .n_taps = student->n_features,
                              .outline = !weights};
    for (int i = 0; i < student->n_features; i++) o.tap[i] = student->feature[i].path;
    lyne_status status = lyne_network_init(&f->net, &o, err);
    if (status == LYNE_OK && weights) status = lyne_weights_load(f->net.weights, weights, err);
    return status == LYNE_OK ? LYNE_OK : lyne_error_context(err, "the teacher");
}

void lyne_features_close(lyne_feature_source *f) {
    if (f) lyne_network_deinit(&f->net);
}

lyne_status lyne_features_read(lyne_feature_source *f, lyne_network *student, lyne_error *err) {
    const float *logits;
    memcpy(lyne_program_input(f->net.program, f->net.picture), lyne_program_input(student->program, student->picture),
           (size_t)lyne_shape_size(&student->picture->shape) * lyne_type_size(student->picture->type));
    const lyne_status status = lyne_network_infer(&f->net, &logits, err);
    for (int i = 0; status == LYNE_OK && i < student->n_features; i++) {
        lyne_node *input = student->feature[i].input;
        memcpy(lyne_program_input(student->program, input), lyne_program_output(f->net.program, f->net.tap[i]),
               (size_t)lyne_shape_size(&input->shape) * sizeof(float));
    }
    return status;
}
