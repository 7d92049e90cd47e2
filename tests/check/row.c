/* lyne_check_row passes a good row of each kind and says what is wrong with bad ones; the gradient tester itself is tested
 * in tests/ops/tester.c. */
#include "check/row.h"
#include "base/memory.h"
#include "lyne/augment.h"
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

/* ---- data sets and augmentations ---- */

enum { SAMPLES = 4, SIDE = 2, BYTES = SAMPLES * SIDE * SIDE };
static uint8_t pixels[BYTES];
static const uint8_t classes[SAMPLES] = {0, 1, 2, 1};

static lyne_status open_good(lyne_dataset *d, const void *config, lyne_split split, const lyne_data_paths *paths,
                             lyne_error *err) {
    (void)config, (void)split, (void)paths, (void)err;
    *d = (lyne_dataset){.n = SAMPLES,
                        .channels = 1,
                        .height = SIDE,
                        .width = SIDE,
                        .n_classes = 3,
                        .labels = classes,
                        .pictures = pixels};
    return LYNE_OK;
}
/* A good one with one thing changed. */
#define OPEN(name, change)                                                                                             \
    static lyne_status open_##name(lyne_dataset *d, const void *config, lyne_split split,                              \
                                   const lyne_data_paths *paths, lyne_error *err) {                                    \
        lyne_status status = open_good(d, config, split, paths, err);                                                  \
        change;                                                                                                        \
        return status;                                                                                                 \
    }
OPEN(empty, d->n = 0)
OPEN(label, d->n_classes = 2)
OPEN(bare, d->pictures = NULL)
OPEN(unlabelled, d->labels = NULL)
OPEN(flat, d->height = 0)
OPEN(vast, d->n = INT64_MAX)
OPEN(many, d->n_classes = 257)
OPEN(uneven, d->width = split == LYNE_TEST ? 1 : SIDE)
OPEN(fickle, d->n -= pixels[0]++ == 1)
OPEN(failing, status = lyne_fail(err, LYNE_EDATA, "no file"))
static const uint16_t letters[SAMPLES] = {0, 1, 2, 3};
OPEN(token, d->sequence = ((lyne_sequence){.length = 1, .vocabulary = 3}); d->tokens = letters)
#define DATASET(f) &((const lyne_format){{LYNE_DATASET, "x", "help"}, open_##f}).component

static void apply_flip(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,
                       uint8_t *dst) {
    const uint8_t mask = lyne_stream_bits(stream) & 1 ? 255 : 0;
    (void)config;
    for (int64_t i = 0; i < size.channels * size.height * size.width; i++) dst[i] = src[i] ^ mask;
}
#define APPLY(name, change)                                                                                            \
    static void apply_##name(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,      \
                             uint8_t *dst) {                                                                           \
        const int64_t n = size.channels * size.height * size.width;                                                    \
        apply_flip(config, size, stream, src, dst);                                                                    \
        change;                                                                                                        \
    }
static int calls;
APPLY(outside, dst[n] = 1)
APPLY(before, dst[-1 - (n & 0)] = 1)
APPLY(source, ++*(uint8_t *)(uintptr_t)&src[n - 1])
APPLY(counting, dst[n - 1] = (uint8_t)calls++)
static void apply_lazy(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,
                       uint8_t *dst) {
    (void)config, (void)stream;
    memcpy(dst, src, (size_t)(size.channels * size.height * size.width) - 1);
}
#define AUGMENTATION(f) &((const lyne_augmentation){{LYNE_AUGMENTATION, "x", "help"}, .apply = f}).component

static const lyne_field mix_fields[] = {LYNE_MIX_FIELDS, LYNE_FIELDS_END};
static int32_t mix_half(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,
                        const uint8_t *partner, uint8_t *dst) {
    const int32_t share = (int32_t)lyne_stream_between(stream, 0, LYNE_WHOLE);
    (void)config;
    for (int64_t i = 0; dst && i < size.channels * size.height * size.width; i++) dst[i] = src[i] / 2 + partner[i] / 2;
    return share;
}
static int32_t mix_more(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,
                        const uint8_t *partner, uint8_t *dst) {
    return mix_half(config, size, stream, src, partner, dst) + LYNE_WHOLE;
}
static int32_t mix_late(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,
                        const uint8_t *partner, uint8_t *dst) {
    return dst ? mix_half(config, size, stream, src, partner, dst) : 0;
}
#define MIX(f)                                                                                                         \
    &((const lyne_augmentation){                                                                                       \
          {LYNE_AUGMENTATION, "x", "help", .config_size = sizeof(lyne_mix_config), .fields = mix_fields}, .mix = f})   \
         .component

static const lyne_data_paths paths = {.dataset = "x"};

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
        {DATASET(good), true, "4 training and 4 test samples, pictures of 1 x 2 x 2, 3 classes"},
        {DATASET(empty), false, "train samples: there are none"},
        {DATASET(label), false, "train samples: label 2 is 2, and with n_classes = 2 it must be below"},
        {DATASET(bare), false, "they have no pictures"},
        {DATASET(unlabelled), false, "they have no labels"},
        {DATASET(flat), false, "channels, height and width are not from 1"},
        {DATASET(vast), false, "n is too large"},
        {DATASET(many), false, "n_classes is not from 1 to 256"},
        {DATASET(uneven), false, "its test samples are of another size than the training samples"},
        {DATASET(fickle), false, "opened twice they are not the same"},
        {DATASET(token), false, "token 3 is 3, and with a vocabulary of 3"},
        {DATASET(failing), false, "no file"},
        {AUGMENTATION(apply_flip), true, "256 views in 4 sizes, "},
        {AUGMENTATION(apply_outside), false, "on 1 x 28 x 28: it writes outside dst"},
        {AUGMENTATION(apply_before), false, "it writes outside dst"},
        {AUGMENTATION(apply_source), false, "it writes into src"},
        {AUGMENTATION(apply_counting), false, "it keeps a state"},
        {AUGMENTATION(apply_lazy), false, "leaves bytes of dst as they were"},
        {MIX(mix_half), true, "256 views"},
        {MIX(mix_more), false, "its share is not from 0 to LYNE_WHOLE"},
        {MIX(mix_late), false, "with dst NULL it draws another share"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lyne_registry *registry;
        lyne_error err = {0};
        char told[LYNE_CHECK_TOLD] = "";
        cr_assert(lyne_registry_new(&rows[i].row, 1, &registry, &err) == LYNE_OK, "row %zu: %s", i, err.text);
        const bool good = lyne_check_row(registry, rows[i].row, &paths, told, &err) == LYNE_OK;
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
        const lyne_status status = lyne_check_row(registry, row, &paths, told, &err);
        lyne_memory_fail_at(0);
        if (status == LYNE_OK) break;
        cr_assert(status == LYNE_ENOSPACE || strstr(err.text, "out of memory"), "allocation %d: %s", (int)n, err.text);
    }
    lyne_registry_free(registry);
}
