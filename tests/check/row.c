/* lyne_check_row passes a good row of each kind and says what is wrong with bad ones; the gradient tester itself is tested
 * in tests/ops/tester.c. */
#include "check/row.h"
#include "base/memory.h"
#include "lyne/loss.h"
#include "lyne/op.h"
#include "lyne/optim.h"
#include <criterion/criterion.h>
#include <string.h>

/* ---- an op: dst = 2 src, backward times `factor` ---- */

static lyne_status shape(lyne_node *n, lyne_error *err) {
    (void)err;
    n->shape = n->src[0]->shape;
    return LYNE_OK;
}
static void twice(const lyne_call *call) {
    const float *src = call->buffer[0], factor = *(const float *)call->config;
    float *dst = call->buffer[1];
    for (int64_t i = 0; i < lyne_shape_size(&call->node->shape); i++) dst[i] = factor * src[i];
}
static lyne_status emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "twice", twice, &(float){2}, sizeof(float), b, 2, err);
}
static lyne_status emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "twice", twice, &(float){2}, sizeof(float), b, 2, err);
}
static lyne_status emit_wrong(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "twice", twice, &(float){-2}, sizeof(float), b, 2, err);
}
/* A value that is another one at each run. */
static void counting(const lyne_call *call) {
    static float runs;
    runs++;
    for (int64_t i = 0; i < lyne_shape_size(&call->node->shape); i++) ((float *)call->buffer[1])[i] = runs;
}
static lyne_status emit_counting(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "counting", counting, NULL, 0, b, 2, err);
}

static const lyne_op_case cases[] = {{.src = {{2, {3, 5}}}}, {.src = {{4, {2, 3, 4, 5}}}}, {0}};
static const lyne_op good_op = {{LYNE_OP, "x", "help"}, 1, .shape = shape, .emit = emit, .emit_backward = emit_backward,
                                .cases = cases};
static const lyne_op no_gradient = {{LYNE_OP, "x", "help"}, 1, .shape = shape, .emit = emit, .cases = cases};
static const lyne_op wrong_op = {{LYNE_OP, "x", "help"}, 1, .shape = shape, .emit = emit, .emit_backward = emit_wrong,
                                 .cases = cases};
static const lyne_op fickle_op = {{LYNE_OP, "x", "help"}, 1, .shape = shape, .emit = emit_counting, .cases = cases};
static const lyne_op bare_op = {
    {LYNE_OP, "x", "help"}, 1, .shape = shape, .emit = emit, .emit_backward = emit_backward};

/* ---- models and losses ---- */

static lyne_node *build_pass(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    (void)config, (void)n_classes;
    return lyne_graph_add(g, &good_op, "twice", NULL, &picture, 1);
}
static lyne_node *build_fail(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    (void)config, (void)picture, (void)n_classes;
    return lyne_graph_fail(g, "refused");
}
static const lyne_model wide_model = {{LYNE_MODEL, "x", "help"}, build_pass};
static const lyne_model failing_model = {{LYNE_MODEL, "x", "help"}, build_fail};

static lyne_node *build_logits(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in) {
    (void)config;
    return lyne_graph_add(g, &good_op, name, NULL, (lyne_node *[]){in->logits}, 1);
}
static const lyne_field loss_fields[] = {LYNE_LOSS_FIELDS, LYNE_FIELDS_END};
static const lyne_loss wide_loss = {
    {LYNE_LOSS, "x", "help", .config_size = sizeof(lyne_loss_config), .fields = loss_fields}, .build = build_logits};
static const lyne_loss misnamed = {{LYNE_LOSS, "x", "help", .example = "{x: {weigth: 1}}",
                                    .config_size = sizeof(lyne_loss_config), .fields = loss_fields},
                                   .build = build_logits};

/* ---- optimizers and schedules ---- */

static double rate(const void *config) {
    (void)config;
    return 0.1;
}
static double no_rate(const void *config) {
    (void)config;
    return -1;
}
static void move(const lyne_update *u, size_t n, float by) {
    for (size_t i = 0; i < n; i++) u->weights->value[i] += by;
}
static void good_step(const void *config, const lyne_update *u) {
    (void)config;
    for (size_t i = 0; i < u->weights->n_trained; i++) u->weights->value[i] -= (float)u->lr * u->weights->grad[i];
    u->weights->version++;
}
static void stale_step(const void *config, const lyne_update *u) {
    (void)config;
    move(u, 1, 1);
}
static void idle_step(const void *config, const lyne_update *u) {
    (void)config;
    u->weights->version++;
}
static void spilling_step(const void *config, const lyne_update *u) {
    (void)config;
    move(u, u->weights->n_trained, 1);
    u->weights->version++;
}
#define OPTIMIZER(r, s) &((const lyne_optimizer){{LYNE_OPTIMIZER, "x", "help"}, .lr = r, .step = s}).component

static double falling(const void *config, double epoch, double epochs) {
    (void)config;
    return 1 - epoch / epochs;
}
static double below(const void *config, double epoch, double epochs) {
    (void)config;
    return 0.5 - epoch / epochs;
}
#define SCHEDULE(f) &((const lyne_schedule){{LYNE_SCHEDULE, "x", "help"}, f}).component

Test(row, good_and_bad_ones) {
    const struct {
        const lyne_component *row;
        bool good;
        const char *says;
    } rows[] = {
        {&good_op.component, true, "2 cases, gradients off by at most"},
        {&no_gradient.component, true, "2 cases, no gradient"},
        {&wrong_op.component, false, "case 0: its gradient is not its derivative"},
        {&fickle_op.component, false, "case 0: two runs give different numbers"},
        {&bare_op.component, false, "it has no cases"},
        {&wide_model.component, false, "its logits twice are (2, 3, 32, 32) and not (2, 10)"},
        {&failing_model.component, false, "refused"},
        {&wide_loss.component, false, "its term is (4, 5) and not one f32 number"},
        {&misnamed.component, false, "weigth"},
        {OPTIMIZER(rate, good_step), true, "three steps, 0 slots"},
        {OPTIMIZER(no_rate, good_step), false, "its rate is -1"},
        {OPTIMIZER(rate, stale_step), false, "step 1: step must add 1 to the version"},
        {OPTIMIZER(rate, idle_step), false, "step 1: a step changes nothing"},
        {OPTIMIZER(rate, spilling_step), false, "step 1: a step writes into the padding"},
        {SCHEDULE(falling), true, "not negative"},
        {SCHEDULE(below), false, "its factor is -"},
        {&(const lyne_component){LYNE_AUGMENTATION, "x", "help"}, true, "nothing to try"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lyne_registry *registry;
        lyne_error err = {0};
        char told[LYNE_CHECK_TOLD] = "";
        cr_assert(lyne_registry_new(&rows[i].row, 1, &registry, &err) == LYNE_OK, "row %zu: %s", i, err.text);
        const bool good = lyne_check_row(registry, rows[i].row, told, &err) == LYNE_OK;
        cr_expect(good == rows[i].good && strstr(good ? told : err.text, rows[i].says), "row %zu: %s%s", i, told,
                  err.text);
        lyne_registry_free(registry);
    }
}

Test(row, nth_allocation_fails) {
    const lyne_component *row = &good_op.component;
    lyne_registry *registry;
    cr_assert(lyne_registry_new(&row, 1, &registry, NULL) == LYNE_OK);
    for (uint64_t n = 1;; n++) {
        char told[LYNE_CHECK_TOLD];
        lyne_error err = {0};
        lyne_memory_fail_at(n);
        const lyne_status status = lyne_check_row(registry, row, told, &err);
        lyne_memory_fail_at(0);
        if (status == LYNE_OK) break;
        cr_assert(status == LYNE_ENOSPACE || strstr(err.text, "out of memory"), "allocation %d: %s", (int)n, err.text);
    }
    lyne_registry_free(registry);
}
