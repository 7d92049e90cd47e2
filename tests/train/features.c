/* tests/train/features.c -- what a loss reads inside student and teacher: adapters, what is refused, the numbers. */
#include "../fill.h"
#include "../scratch.h"

#include "base/file.h"
#include "dnn/dnn.h"
#include "lyne/ops.h"
#include "train/blame.h"
#include "train/features.h"
#include <math.h>
#include <stdio.h>

extern const lyne_loss lyne_loss_hint, lyne_loss_attention, lyne_loss_similarity, lyne_loss_cross_entropy;

enum { BATCH = 3, SIZE = 12, CLASSES = 5 };

/* conv, relu, pool (the means of each channel), fc. */
typedef struct shape_config {
    int64_t channels, stride;
    bool bent; /* its logits go through a relu */
} shape_config;

static lyne_node *build(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    const shape_config *c = config;
    lyne_node *x = lyne_conv2d(
        g, "conv", picture,
        (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = c->channels, .stride = c->stride, .padding = 1});
    x = lyne_global_avg_pool(g, "pool", lyne_relu(g, "relu", x));
    x = lyne_linear(g, "fc", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
    return c->bent ? lyne_relu(g, "bend", x) : x;
}
static const lyne_model model = {.component = {.kind = LYNE_MODEL, .name = "small"}, .build = build};

/* A student and whom it is taught by, through losses chosen by YAML. */
typedef struct subject {
    shape_config student, teacher;
    filled loss[2];
    lyne_instance losses[2];
    lyne_task task;
    lyne_network_options o;
    lyne_network net;
} subject;

static const lyne_component *row_of(const char *yaml) {
    const lyne_loss *rows[] = {&lyne_loss_hint, &lyne_loss_attention, &lyne_loss_similarity};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strncmp(yaml + 1, rows[i]->component.name, strlen(rows[i]->component.name)) == 0)
            return &rows[i]->component;
    return &lyne_loss_cross_entropy.component;
}

static void choose(subject *s, shape_config student, shape_config teacher, const char *first, const char *second) {
    const char *const yaml[] = {first, second};
    *s = (subject){.student = student, .teacher = teacher};
    s->task = (lyne_task){.picture = {1, SIZE, SIZE}, .n_classes = CLASSES};
    for (int i = 0; i < 2; i++) {
        s->loss[i] = filled_with(row_of(yaml[i]), yaml[i]);
        s->losses[i] = s->loss[i].instance;
    }
    s->o = (lyne_network_options){.model = {.row = &model.component, .config = &s->student},
                                  .teacher = {.row = &model.component, .config = &s->teacher},
                                  .task = &s->task,
                                  .batch = BATCH,
                                  .losses = {2, s->losses},
                                  .seed = 3};
}

static void start(subject *s) {
    lyne_error err = {0};
    cr_assert_eq(lyne_network_init(&s->net, &s->o, &err), LYNE_OK, "%s", err.text);
}

static void close_subject(subject *s) {
    lyne_network_deinit(&s->net);
    for (int i = 0; i < 2; i++) unfill(&s->loss[i]);
}

/* ---- adapters ---- */

#define SAME(loss, tap) "{" loss ": {student: " tap ", teacher: " tap "}}"

static const struct {
    const char *loss;
    shape_config student, teacher;
    const char *student_shape, *teacher_shape; /* as the loss reads them */
    int n_params;                              /* of adapters */
} fits[] = {
    {SAME("hint", "relu"), {4, 1}, {4, 1}, "(3, 4, 12, 12)", "(3, 4, 12, 12)", 0},
    {SAME("hint", "relu"), {4, 1}, {6, 1}, "(3, 6, 12, 12)", "(3, 6, 12, 12)", 2},
    {SAME("hint", "relu"), {4, 1}, {6, 2}, "(3, 6, 6, 6)", "(3, 6, 6, 6)", 2},
    {SAME("hint", "relu"), {4, 2}, {4, 1}, "(3, 4, 6, 6)", "(3, 4, 6, 6)", 0},
    {SAME("hint", "relu"), {4, 2}, {4, 3}, "(3, 4, 4, 4)", "(3, 4, 4, 4)", 0}, /* 6 places to 4: parts that overlap */
    {SAME("hint", "pool"), {4, 1}, {6, 1}, "(3, 6)", "(3, 6)", 2},
    {SAME("attention", "relu"), {4, 1}, {6, 3}, "(3, 4, 4, 4)", "(3, 6, 4, 4)", 0},
    {SAME("similarity", "relu"), {4, 1}, {6, 3}, "(3, 4, 12, 12)", "(3, 6, 4, 4)", 0},
    {"{similarity: {student: relu, teacher: pool}}", {4, 1}, {6, 3}, "(3, 4, 12, 12)", "(3, 6)", 0},
};

Test(features, are_made_to_fit) {
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++)
        for (lyne_type precision = LYNE_F32; precision <= (dnn_has_bf16() ? LYNE_BF16 : LYNE_F32); precision++) {
            subject s;
            char text[LYNE_SHAPE_TEXT];
            choose(&s, fits[i].student, fits[i].teacher, fits[i].loss, "cross_entropy");
            s.task.precision = precision;
            start(&s);
            const lyne_node *term = s.net.term[0].node;
            cr_expect_str_eq(lyne_shape_print(&term->src[0]->shape, text), fits[i].student_shape, "row %zu", i);
            cr_expect_str_eq(lyne_shape_print(&term->src[1]->shape, text), fits[i].teacher_shape, "row %zu", i);
            cr_expect(term->src[0]->type == LYNE_F32 && term->src[1]->type == LYNE_F32, "row %zu", i);
            cr_expect_eq(s.net.weights->n - s.net.n_model_params, fits[i].n_params, "row %zu", i);
            close_subject(&s);
        }
}

/* What two losses read is asked once. */
Test(features, are_shared) {
    static const struct {
        const char *second;
        int n;
    } rows[] = {{SAME("attention", "relu"), 1}, {SAME("hint", "conv"), 2}, {"cross_entropy", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        subject s;
        choose(&s, (shape_config){4, 1}, (shape_config){6, 1}, SAME("hint", "relu"), rows[i].second);
        start(&s);
        cr_expect_eq(s.net.n_features, rows[i].n, "%s", rows[i].second);
        cr_expect_str_eq(s.net.feature[0].path, "relu");
        close_subject(&s);
    }
}

/* ---- what is refused ---- */

static const struct {
    const char *loss;
    shape_config teacher; /* no channels: there is none */
    const char *text;
} wrong[] = {
    {"{hint: {student: rellu, teacher: relu}}", {4, 1}, "there is no node 'rellu'; did you mean 'relu'?"},
    {"{hint: {student: nowhere, teacher: relu}}", {4, 1}, "`lyne show RECIPE STAGE --taps` lists them"},
    {"{hint: {student: picture, teacher: relu}}", {4, 1}, "picture is a picture as it was read and no feature"},
    {"{hint: {student: relu, teacher: rellu}}", {4, 1}, "the teacher: there is no node 'rellu'"},
    {"{hint: {student: relu, teacher: picture}}", {4, 1}, "the teacher: picture is a picture as it was read"},
    {"{hint: {student: relu, teacher: relu}}", {0, 0}, "hint reads a teacher's features, and there is no model here"},
    {"{hint: {student: relu, teacher: relu}}", {4, 0}, "the teacher: conv: "},
    {"{hint: {student: relu, teacher: pool}}",
     {4, 1},
     "the student's feature is (3, 4, 12, 12) and the teacher's (3, 4); name nodes of one kind"},
    {"{attention: {student: pool, teacher: pool}}", {4, 1}, "attention expects features (B, C, H, W) of one H and W"},
};

Test(features, that_are_not_there) {
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        subject s;
        lyne_error err = {0};
        choose(&s, (shape_config){4, 1}, wrong[i].teacher, wrong[i].loss, "cross_entropy");
        if (!wrong[i].teacher.channels) s.o.teacher.row = NULL;
        cr_expect_eq(lyne_network_init(&s.net, &s.o, &err), LYNE_ERECIPE, "row %zu", i);
        cr_expect(strstr(err.text, wrong[i].text), "row %zu: %s", i, err.text);
        close_subject(&s);
    }
}

Test(features, of_the_last_layer) {
    for (int bent = 0; bent < 2; bent++) {
        subject s;
        lyne_error err = {0};
        choose(&s, (shape_config){4, 1, bent}, (shape_config){4, 1}, "cross_entropy", "cross_entropy");
        s.o.losses.n = 0;
        s.o.features = true;
        s.o.tap[0] = "pool";
        s.o.n_taps = 1;
        cr_expect_eq(lyne_network_init(&s.net, &s.o, &err), bent ? LYNE_ERECIPE : LYNE_OK, "%s", err.text);
        if (bent) {
            cr_expect(strstr(err.text,
                             "model small: its logits are made by bend (relu), and features are what goes into a "
                             "linear layer"),
                      "%s", err.text);
        } else {
            const float *logits;
            memset(lyne_program_input(s.net.program, s.net.picture), 100, BATCH * SIZE * SIZE);
            cr_assert_eq(lyne_network_infer(&s.net, &logits, &err), LYNE_OK, "%s", err.text);
            cr_expect_str_eq(s.net.head->path, "fc");
            cr_expect_arr_eq(lyne_network_features(&s.net), lyne_program_output(s.net.program, s.net.tap[0]),
                             BATCH * 4 * sizeof(float));
        }
        close_subject(&s);
    }
}

/* ---- their numbers ---- */

/* A teacher's model in a folder of its own. */
static char folder[64], path[96];

static void save_teacher(const subject *s) {
    lyne_network teacher;
    lyne_error err = {0};
    const lyne_network_options o = {.model = s->o.teacher, .task = &s->task, .batch = BATCH, .seed = 11};
    scratch_folder(folder, sizeof folder, "features");
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    cr_assert_eq(lyne_network_init(&teacher, &o, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_weights_save(teacher.weights, path, "a test", &err), LYNE_OK, "%s", err.text);
    lyne_network_deinit(&teacher);
}

/* The teacher's first node gives pixel / 255, which is known without asking; the last is of its own weights. */
Test(features, are_those_of_the_students_pictures) {
    subject s;
    lyne_error err = {0};
    lyne_feature_source f = {0};
    choose(&s, (shape_config){4, 1}, (shape_config){6, 1}, "{similarity: {student: relu, teacher: normalize}}",
           "{hint: {student: fc, teacher: fc}}");
    save_teacher(&s);
    start(&s);
    cr_assert_eq(lyne_features_open(&f, &s.net, s.o.teacher, &s.task, path, &err), LYNE_OK, "%s", err.text);
    uint8_t *picture = lyne_program_input(s.net.program, s.net.picture);
    for (int i = 0; i < BATCH * SIZE * SIZE; i++) picture[i] = (uint8_t)(i * 37);
    const uint64_t before = lyne_memory_count();
    cr_assert_eq(lyne_features_read(&f, &s.net, &err), LYNE_OK, "%s", err.text);
    cr_expect_eq(lyne_memory_count(), before, "asking allocates nothing");
    const float *seen = lyne_program_input(s.net.program, s.net.feature[0].input);
    for (int i = 0; i < BATCH * SIZE * SIZE; i++) cr_assert_float_eq(seen[i], (float)picture[i] / 255, 1e-6, "%d", i);
    cr_expect_arr_eq(lyne_program_input(s.net.program, s.net.feature[1].input),
                     lyne_program_output(f.net.program, f.net.logits), BATCH * CLASSES * sizeof(float));
    lyne_features_close(&f);
    lyne_features_close(NULL);
    close_subject(&s);
    cr_assert_eq(lyne_directory_remove(folder, NULL), LYNE_OK);
}

Test(features, of_a_teacher_that_cannot_be_read) {
    subject s;
    lyne_feature_source f = {0};
    lyne_error err = {0};
    choose(&s, (shape_config){4, 1}, (shape_config){6, 1}, SAME("hint", "relu"), "cross_entropy");
    save_teacher(&s);
    start(&s);
    const uint64_t before = lyne_memory_count();
    cr_assert_eq(lyne_features_open(&f, &s.net, s.o.teacher, &s.task, path, &err), LYNE_OK, "%s", err.text);
    lyne_features_close(&f);
    const uint64_t n = lyne_memory_count() - before;
    for (uint64_t i = 1; i <= n; i++) {
        lyne_memory_fail_at(i);
        const lyne_status status = lyne_features_open(&f, &s.net, s.o.teacher, &s.task, path, &err);
        cr_expect_eq(status, LYNE_ENOSPACE, "allocation %d of %d: %s", (int)i, (int)n, err.text);
        cr_expect(strncmp(err.text, "the teacher: ", 13) == 0, "allocation %d of %d: %s", (int)i, (int)n, err.text);
        lyne_features_close(&f);
        err = (lyne_error){0};
    }
    lyne_memory_fail_at(0);
    cr_assert_eq(lyne_file_remove(path, NULL), LYNE_OK);
    cr_expect_eq(lyne_features_open(&f, &s.net, s.o.teacher, &s.task, path, &err), LYNE_EDATA);
    cr_expect(strncmp(err.text, "the teacher: ", 13) == 0 && strstr(err.text, path), "%s", err.text);
    lyne_features_close(&f);
    close_subject(&s);
    cr_assert_eq(lyne_directory_remove(folder, NULL), LYNE_OK);
}

/* ---- and when they are none ---- */

Test(features, that_are_no_numbers_are_blamed) {
    for (lyne_type precision = LYNE_F32; precision <= (dnn_has_bf16() ? LYNE_BF16 : LYNE_F32); precision++) {
        subject s;
        char blame[LYNE_BLAME_TEXT];
        choose(&s, (shape_config){4, 1}, (shape_config){6, 1}, SAME("hint", "relu"), SAME("hint", "pool"));
        s.task.precision = precision;
        start(&s);
        ((float *)lyne_program_input(s.net.program, s.net.feature[1].input))[6 * 2] = INFINITY;
        lyne_blame(&s.net, &(lyne_clock){0}, blame);
        cr_expect_str_eq(blame, "row 2 of the teacher's feature pool");
        close_subject(&s);
    }
}
