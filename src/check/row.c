/* check/row.c -- see row.h. */
#include "check/row.h"
#include "base/text.h"
#include "check/gradient.h"
#include "check/samples.h"
#include "component/config.h"
#include "lyne/loss.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- configs ---- */

/* The config of the row's example, or its defaults, in the arena; or, for a case of an op, of a map of its fields. */
static lyne_status read_config(const lyne_registry *registry, const lyne_component *row, const char *yaml, bool fields,
                               lyne_arena *arena, const void **config, lyne_error *err) {
    lyne_diagnostics out = {0};
    lyne_instance instance = {0};
    const lyne_filler f = {.registry = registry, .arena = arena, .out = &out};
    const lyne_yaml *node = lyne_yaml_parse(fields ? "case" : "example", yaml, strlen(yaml), arena, &out);
    void *filled = lyne_arena_alloc(arena, row->config_size + 1);
    if (!filled) out.out_of_memory = true;
    if (node && filled && fields) lyne_config_fill(&f, row->fields, row->name, node->mark, node, filled);
    if (node && !fields) lyne_config_instance(&f, row->kind, row->name, node, &instance);
    *config = fields ? filled : instance.config;
    lyne_status status = out.out_of_memory ? lyne_fail_memory(err, "a config") : lyne_diagnostics_error(&out, err);
    if (status == LYNE_OK && !fields && instance.row != row)
        status = lyne_fail(err, LYNE_ERECIPE, "its example is one of '%s'", instance.row ? instance.row->name : "");
    lyne_diagnostics_free(&out);
    return status;
}

static lyne_status example(const lyne_registry *registry, const lyne_component *row, lyne_arena *arena,
                           const void **config, lyne_error *err) {
    return read_config(registry, row, row->example ? row->example : row->name, false, arena, config, err);
}

/* ---- ops and losses ---- */

static lyne_status check_gradient(const bench_subject *s, const char *where, double *worst, lyne_error *err) {
    const gradient_result r = gradient_check(s);
    if (r.worst > *worst) *worst = r.worst;
    if (r.ok) return LYNE_OK;
    return lyne_fail(err, LYNE_EDATA, "%s: its gradient is not its derivative: %s", where, r.text);
}

/* Two runs of a program give the same bits. */
static lyne_status check_repeats(const bench_subject *s, const char *where, lyne_error *err) {
    bench b;
    lyne_status status = bench_open(&b, s, true, err);
    double *value[2] = {NULL, NULL};
    const size_t n = status == LYNE_OK ? (size_t)lyne_shape_size(&b.node->shape) : 0;
    for (int i = 0; i < 2 && status == LYNE_OK; i++) {
        value[i] = lyne_alloc(n, sizeof(double));
        status = value[i] ? bench_run(&b, err) : lyne_fail_memory(err, "a bench");
        if (status == LYNE_OK) bench_value(&b, value[i]);
    }
    if (status == LYNE_OK && memcmp(value[0], value[1], n * sizeof(double)) != 0)
        status = lyne_fail(err, LYNE_EDATA, "%s: two runs give different numbers", where);
    for (int i = 0; i < 2; i++) lyne_free(value[i]);
    bench_close(&b);
    return status;
}

static lyne_status check_case(const lyne_registry *registry, const lyne_op *op, const lyne_op_case *c,
                              const char *where, double *worst, lyne_error *err) {
    lyne_arena arena = {0};
    bench_op context = {.op = op};
    bench_subject s = {.n_src = op->n_src,
                       .build = bench_build_op,
                       .context = &context,
                       .has_kink = c->has_kink,
                       .kink = c->kink,
                       .spread = c->spread};
    for (int i = 0; i < op->n_src; i++) s.src[i].shape = c->src[i];
    lyne_status status =
        read_config(registry, &op->component, c->config ? c->config : "{}", true, &arena, &context.config, err);
    if (status == LYNE_OK) status = check_repeats(&s, where, err);
    if (status == LYNE_OK && op->emit_backward) status = check_gradient(&s, where, worst, err);
    lyne_arena_free(&arena);
    return status;
}

static lyne_status check_op(const lyne_registry *registry, const lyne_op *op, char *told, lyne_error *err) {
    double worst = 0;
    int n = 0;
    for (const lyne_op_case *c = op->cases; c && c->src[0].rank; c++, n++) {
        char where[32];
        snprintf(where, sizeof where, "case %d", n);
        const lyne_status status = check_case(registry, op, c, where, &worst, err);
        if (status != LYNE_OK) return status;
    }
    if (n == 0)
        return lyne_fail(err, LYNE_EDATA, "it has no cases, so nothing can be tried; give it the shapes it takes");
    snprintf(told, LYNE_CHECK_TOLD,
             op->emit_backward ? "%d case%s, gradients off by at most %.1e" : "%d case%s, no gradient", n,
             n == 1 ? "" : "s", worst);
    return LYNE_OK;
}

typedef struct loss_context {
    const lyne_loss *loss;
    const void *config;
} loss_context;

static lyne_node *build_loss(lyne_graph *g, const void *context, lyne_node *const *src) {
    const loss_context *c = context;
    lyne_loss_inputs in = {.labels = src[1]};
    if (c->loss->reads_features)
        in.student_feature = src[0], in.teacher_feature = src[2];
    else
        in.logits = src[0], in.teacher = c->loss->needs_teacher ? src[2] : NULL;
    lyne_node *term = c->loss->build(g, "loss", c->config, &in);
    char text[LYNE_SHAPE_TEXT];
    if (term && (lyne_shape_size(&term->shape) != 1 || term->type != LYNE_F32))
        return lyne_graph_fail(g, "its term is %s and not one f32 number", lyne_shape_print(&term->shape, text));
    return term;
}

static lyne_status check_loss(const lyne_registry *registry, const lyne_loss *loss, char *told, lyne_error *err) {
    static const int64_t classes[] = {5, 130};
    const bool features = loss->reads_features;
    lyne_arena arena = {0};
    loss_context context = {.loss = loss};
    double worst = 0;
    lyne_status status = example(registry, &loss->component, &arena, &context.config, err);
    for (int i = 0; i < 2 && status == LYNE_OK; i++) {
        const lyne_shape logits = features ? LYNE_SHAPE(4, classes[i], 2, 3) : LYNE_SHAPE(4, classes[i]);
        const bench_subject s = {.n_src = 3,
                                 .src = {{.shape = logits},
                                         {.shape = LYNE_SHAPE(4), .type = LYNE_S32, .labels = classes[i]},
                                         {.shape = logits, .constant = true}},
                                 .build = build_loss,
                                 .context = &context};
        char where[32];
        snprintf(where, sizeof where, features ? "features of %d channels" : "%d classes", (int)classes[i]);
        status = check_repeats(&s, where, err);
        if (status == LYNE_OK) status = check_gradient(&s, where, &worst, err);
    }
    if (status == LYNE_OK)
        snprintf(told, LYNE_CHECK_TOLD, "5 and 130 %s, gradients off by at most %.1e",
                 features ? "channels" : "classes", worst);
    lyne_arena_free(&arena);
    return status;
}

/* ---- models ---- */

typedef struct model_context {
    const lyne_model *model;
    const void *config;
} model_context;

enum { BATCH = 2, CLASSES = 10 };

static lyne_node *build_model(lyne_graph *g, const void *context, lyne_node *const *src) {
    const model_context *c = context;
    const lyne_shape due = LYNE_SHAPE(BATCH, CLASSES);
    char text[2][LYNE_SHAPE_TEXT];
    lyne_node *logits = c->model->build(g, c->config, src[0], CLASSES);
    if (logits && !lyne_shape_equal(&logits->shape, &due))
        return lyne_graph_fail(g, "its logits %s are %s and not %s", logits->path,
                               lyne_shape_print(&logits->shape, text[0]), lyne_shape_print(&due, text[1]));
    return logits;
}

static lyne_status check_step(bench *b, lyne_error *err) {
    const lyne_weights *w = b->weights;
    if (w->n_trained) memset(w->grad, 0xff, w->n_trained * sizeof *w->grad); /* NaN: backward must overwrite */
    lyne_status status = bench_run(b, err);
    for (int i = 0; i < w->n && status == LYNE_OK; i++)
        for (int64_t k = 0; w->param[i].role != LYNE_STATE && k < lyne_shape_size(&w->param[i].shape); k++)
            if (!isfinite(w->grad[w->offset[i] + (size_t)k]))
                return lyne_fail(err, LYNE_EDATA, "%s: its gradient is not a finite number", w->param[i].name);
    if (status == LYNE_OK && w->n_trained == 0) status = lyne_fail(err, LYNE_EDATA, "it has nothing to train");
    return status;
}

static lyne_status check_model(const lyne_registry *registry, const lyne_model *model, char *told, lyne_error *err) {
    static const int64_t size[][3] = {{3, 32, 32}, {1, 28, 28}, {3, 64, 64}, {3, 224, 224}};
    lyne_arena arena = {0};
    model_context context = {.model = model};
    lyne_status status = example(registry, &model->component, &arena, &context.config, err);
    bool built = status != LYNE_OK;
    lyne_error first = {0};
    for (size_t i = 0; i < sizeof size / sizeof *size && !built; i++) {
        const bench_subject s = {
            .n_src = 1,
            .src = {{.shape = LYNE_SHAPE(BATCH, size[i][0], size[i][1], size[i][2]), .constant = true}},
            .build = build_model,
            .context = &context};
        lyne_error here = {0};
        bench b;
        char parameters[16], macs[16];
        built = bench_open(&b, &s, true, &here) == LYNE_OK;
        if (!built && first.status == LYNE_OK) first = here;
        if (built) status = check_step(&b, err);
        if (built && status == LYNE_OK) {
            lyne_human((double)lyne_graph_count_params(b.graph), parameters);
            lyne_human((double)lyne_graph_count_macs(b.graph), macs);
            snprintf(told, LYNE_CHECK_TOLD, "a step on %d x %d x %d: %s parameters, %s MACs", (int)size[i][0],
                     (int)size[i][1], (int)size[i][2], parameters, macs);
        }
        bench_close(&b);
    }
    if (!built) status = lyne_fail(err, first.status, "%s", first.text);
    lyne_arena_free(&arena);
    return status;
}

/* ---- optimizers and schedules ---- */

static lyne_node *build_nothing(lyne_graph *g, const void *context, lyne_node *const *src) {
    (void)g, (void)context;
    return src[0];
}

static const char *step_problem(const bench *b, const lyne_update *u, uint64_t version, const float *before) {
    const lyne_weights *w = b->weights;
    const size_t n = (size_t)lyne_shape_size(&w->param[0].shape);
    if (w->version != version + 1) return "step must add 1 to the version of the weights";
    if (memcmp(w->value, before, n * sizeof *before) == 0) return "a step changes nothing";
    for (size_t i = 0; i < n; i++)
        if (!isfinite(w->value[i])) return "a weight is not a finite number after a step";
    for (size_t i = n; i < w->n_values; i++)
        if (w->value[i] != 0) return "a step writes into the padding behind a parameter";
    for (int k = 0; k < LYNE_MAX_SLOTS; k++)
        for (size_t i = 0; u->slot[k] && i < n; i++)
            if (!isfinite(u->slot[k][i])) return "a number of a slot is not finite after a step";
    return NULL;
}

static lyne_status run_steps(const lyne_optimizer *o, const void *config, bench *b, lyne_error *err) {
    enum { N = 37 };
    lyne_update u = {.weights = b->weights, .lr = 0.01};
    lyne_status status = LYNE_OK;
    for (int i = 0; i < o->n_slots && status == LYNE_OK; i++) {
        u.slot[i] = lyne_alloc(b->weights->n_trained, sizeof(float));
        if (!u.slot[i]) status = lyne_fail_memory(err, "an optimizer");
    }
    for (u.step = 1; u.step <= 3 && status == LYNE_OK; u.step++) {
        float before[N];
        const uint64_t version = b->weights->version;
        memcpy(before, b->weights->value, sizeof before);
        status = bench_run(b, err);
        if (status != LYNE_OK) break;
        o->step(config, &u);
        const char *problem = step_problem(b, &u, version, before);
        if (problem) status = lyne_fail(err, LYNE_EDATA, "step %d: %s", (int)u.step, problem);
    }
    for (int i = 0; i < o->n_slots; i++) lyne_free(u.slot[i]);
    return status;
}

static lyne_status check_optimizer(const lyne_registry *registry, const lyne_optimizer *o, char *told,
                                   lyne_error *err) {
    const bench_subject s = {.n_src = 1, .src = {{.shape = LYNE_SHAPE(37)}}, .build = build_nothing};
    lyne_arena arena = {0};
    const void *config;
    bench b = {0};
    lyne_status status = example(registry, &o->component, &arena, &config, err);
    if (status == LYNE_OK && !(o->lr(config) >= 0 && isfinite(o->lr(config))))
        status = lyne_fail(err, LYNE_EDATA, "its rate is %g", o->lr(config));
    if (status == LYNE_OK) status = bench_open(&b, &s, true, err);
    if (status == LYNE_OK) status = run_steps(o, config, &b, err);
    if (status == LYNE_OK)
        snprintf(told, LYNE_CHECK_TOLD, "three steps, %d slot%s", o->n_slots, o->n_slots == 1 ? "" : "s");
    bench_close(&b);
    lyne_arena_free(&arena);
    return status;
}

static lyne_status check_schedule(const lyne_registry *registry, const lyne_schedule *s, char *told, lyne_error *err) {
    lyne_arena arena = {0};
    const void *config;
    lyne_status status = example(registry, &s->component, &arena, &config, err);
    for (int i = 0; i <= 100 && status == LYNE_OK; i++) {
        const double factor = s->factor(config, 2.0 * i, 200);
        if (!(factor >= 0 && isfinite(factor)))
            status = lyne_fail(err, LYNE_EDATA, "its factor is %g at epoch %d of 200", factor, 2 * i);
    }
    if (status == LYNE_OK) snprintf(told, LYNE_CHECK_TOLD, "finite and not negative over 200 epochs");
    lyne_arena_free(&arena);
    return status;
}

/* ---- data sets and augmentations ---- */

static lyne_status check_samples(const lyne_registry *registry, const lyne_component *row, const lyne_data_paths *paths,
                                 char *told, lyne_error *err) {
    lyne_arena arena = {0};
    const void *config;
    lyne_status status = example(registry, row, &arena, &config, err);
    if (status == LYNE_OK)
        status = row->kind == LYNE_DATASET ? lyne_check_dataset((const lyne_format *)row, config, paths, told, err)
                                           : lyne_check_augmentation((const lyne_augmentation *)row, config, told, err);
    lyne_arena_free(&arena);
    return status;
}

lyne_status lyne_check_row(const lyne_registry *registry, const lyne_component *row, const lyne_data_paths *paths,
                           char told[LYNE_CHECK_TOLD], lyne_error *err) {
    switch (row->kind) {
    case LYNE_OP:
        return check_op(registry, (const lyne_op *)row, told, err);
    case LYNE_LOSS:
        return check_loss(registry, (const lyne_loss *)row, told, err);
    case LYNE_MODEL:
        return check_model(registry, (const lyne_model *)row, told, err);
    case LYNE_OPTIMIZER:
        return check_optimizer(registry, (const lyne_optimizer *)row, told, err);
    case LYNE_SCHEDULE:
        return check_schedule(registry, (const lyne_schedule *)row, told, err);
    case LYNE_DATASET:
    case LYNE_AUGMENTATION:
        return check_samples(registry, row, paths, told, err);
    default:
        snprintf(told, LYNE_CHECK_TOLD, "its fields are fine");
        return LYNE_OK;
    }
}
