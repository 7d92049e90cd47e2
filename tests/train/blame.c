/* tests/train/blame.c -- numbers that are none, put in at five places: who is named, and that nothing good is lost. */
#include "lesson.h"

#include "base/bf16.h"
#include "base/file.h"
#include "dnn/dnn.h"
#include "train/blame.h"
#include "train/checkpoint.h"
#include <math.h>

extern const lyne_model lyne_model_lenet;
extern const lyne_loss lyne_loss_cross_entropy, lyne_loss_kd;

typedef struct subject {
    filled model, loss[2];
    lyne_instance losses[2];
    lyne_task task;
    lyne_network net;
} subject;

static void open_subject(subject *s, lyne_type precision) {
    *s = (subject){.model = filled_with(&lyne_model_lenet.component, "{lenet: {width: 0.5}}"),
                   .task = {.picture = {1, 12, 12}, .n_classes = 10, .precision = precision}};
    s->loss[0] = filled_with(&lyne_loss_kd.component, "kd");
    s->loss[1] = filled_with(&lyne_loss_cross_entropy.component, "cross_entropy");
    for (int i = 0; i < 2; i++) s->losses[i] = s->loss[i].instance;
    const lyne_network_options o = {
        .model = s->model.instance, .task = &s->task, .batch = 4, .losses = {2, s->losses}, .seed = 3};
    lyne_error err = {0};
    cr_assert_eq(lyne_network_init(&s->net, &o, &err), LYNE_OK, "%s", err.text);
    memset(lyne_program_input(s->net.program, s->net.picture), 100, 4 * 12 * 12);
}

static void close_subject(subject *s) {
    lyne_network_deinit(&s->net);
    unfill(&s->model);
    for (int i = 0; i < 2; i++) unfill(&s->loss[i]);
}

static void expect_blame(const subject *s, const char *text) {
    char blame[LYNE_BLAME_TEXT];
    lyne_blame(&s->net, &(lyne_clock){0}, blame);
    cr_expect(strncmp(blame, text, strlen(text)) == 0, "\"%s\", not \"%s\"", blame, text);
}

static float *parameter(const subject *s, const char *name) {
    const lyne_weights *w = s->net.weights;
    for (int i = 0; i < w->n; i++)
        if (strcmp(w->param[i].name, name) == 0) return w->value + w->offset[i];
    cr_assert_fail("there is no %s", name);
    return NULL;
}

Test(blame, names_the_first_thing_that_is_none) {
    for (lyne_type precision = LYNE_F32; precision <= (dnn_has_bf16() ? LYNE_BF16 : LYNE_F32); precision++) {
        subject s;
        open_subject(&s, precision);
        expect_blame(&s, "no value of the forward pass");
        float *teacher = lyne_program_input(s.net.program, s.net.teacher);
        teacher[17] = NAN;
        expect_blame(&s, "row 1 of the soft labels");
        teacher[17] = 0;
        float *bias = parameter(&s, "conv2.bias");
        const float before = *bias;
        *bias = 3e38f; /* finite in bf16 too, but not what the next layer makes of it */
        float *weight = parameter(&s, "fc1.weight");
        for (int i = 0; i < 500; i++) weight[i] = 10;
        s.net.weights->version++;
        expect_blame(&s, "the value of fc1");
        for (int i = 0; i < 500; i++) weight[i] = 0;
        *bias = -INFINITY;
        s.net.weights->version++;
        expect_blame(&s, "the parameter conv2.bias (so the update before made it)");
        *bias = before;
        s.net.weights->version++;
        expect_blame(&s, "no value of the forward pass");
        close_subject(&s);
    }
}

/* Without the memory for it nothing is said, and nothing else happens. */
Test(blame, each_allocation_fails_once) {
    subject s;
    open_subject(&s, LYNE_F32);
    for (uint64_t n = 1;; n++) {
        char blame[LYNE_BLAME_TEXT];
        lyne_memory_fail_at(n);
        const uint64_t due = lyne_memory_count() + n;
        lyne_blame(&s.net, &(lyne_clock){0}, blame);
        lyne_memory_fail_at(0);
        const bool failed = lyne_memory_count() >= due;
        cr_expect_str_eq(blame, failed ? "" : "no value of the forward pass", "allocation %d", (int)n);
        if (!failed) break;
    }
    close_subject(&s);
}

/* A gradient that is none makes weights that are none; they never replace a checkpoint. */
static uint64_t explode_at;
static void explode(const lesson *l, uint64_t step) {
    (void)l;
    lesson_rate = step == explode_at ? 1e300 : 1;
}

Test(blame, a_good_checkpoint_is_not_overwritten) {
    for (explode_at = 1; explode_at < 6; explode_at += 2) {
        lesson l;
        lyne_trained trained;
        lyne_error err = {0};
        char text[256];
        lesson_open(&l, &lesson_plans[0], 0, -1);
        l.training.checkpoint_seconds = -1; /* after every step */
        lesson_at_step = explode;
        cr_assert_eq(lyne_train(&l.training, &trained, &err), LYNE_ENOTFINITE);
        snprintf(text, sizeof text,
                 "the update ended at step %llu in numbers that are not finite, the first in fc1.weight",
                 (unsigned long long)explode_at + 1);
        cr_expect(strstr(err.text, text), "%s", err.text);
        snprintf(text, sizeof text, "%s/checkpoint-%012llu.safetensors", l.directory, (unsigned long long)explode_at);
        cr_expect(lyne_file_exists(text), "the checkpoint of the step before is there: %s", text);
        lesson_at_step = NULL;
        lesson_rate = 1;
        const lyne_digest resumed = lesson_learn(&l);
        cr_assert_eq(lyne_checkpoint_clear(l.directory, NULL), LYNE_OK);
        cr_expect(lyne_digest_equal(resumed, lesson_learn(&l)), "and training goes on from it to the same bits");
        lesson_close(&l);
    }
}
