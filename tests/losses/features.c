/* Losses of a whole batch (losses/fused.h): those that compare features, dkd and dist.  Against PyTorch, the derivative of
 * themselves, 0 between equals, the same bits for any number of threads, NaN passed on. */
#include "losses/fused.h"
#include "reference/bench.h"
#include "reference/feature_losses.h"
#include "reference/gradient.h"
#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <string.h>

extern const lyne_loss lyne_loss_hint, lyne_loss_attention, lyne_loss_similarity, lyne_loss_dkd, lyne_loss_dist;
static const lyne_loss *const losses[] = {&lyne_loss_hint, &lyne_loss_attention, &lyne_loss_similarity, &lyne_loss_dkd,
                                          &lyne_loss_dist};
enum { N_LOSSES = sizeof losses / sizeof *losses, N_GOLDEN = sizeof features / sizeof *features };

static const lyne_loss *loss_named(const char *name) {
    for (int i = 0; i < N_LOSSES; i++)
        if (strcmp(losses[i]->component.name, name) == 0) return losses[i];
    return NULL;
}

typedef struct context {
    const lyne_loss *loss;
    const void *config;
} context;

/* Sources: the student's logits or feature, the teacher's, labels. */
static lyne_node *build(lyne_graph *g, const void *data, lyne_node *const *src) {
    const context *c = data;
    lyne_loss_inputs in = {.labels = src[2]};
    if (c->loss->reads_features)
        in.student_feature = src[0], in.teacher_feature = src[1];
    else
        in.logits = src[0], in.teacher = src[1];
    return c->loss->build(g, "loss", c->config, &in);
}

static bench_subject subject_of(const context *c, lyne_shape student, lyne_shape teacher, bool constant) {
    return (bench_subject){.n_src = 3,
                           .src = {{.shape = student},
                                   {.shape = teacher, .constant = constant},
                                   {.shape = {1, {student.dim[0]}},
                                    .type = LYNE_S32,
                                    .labels = c->loss->reads_features ? 1 : student.dim[1]}},
                           .build = build,
                           .context = c};
}

static context context_of(const lyne_loss *loss, const char *yaml, lyne_arena *arena) {
    const context c = {.loss = loss, .config = bench_config(&loss->component, yaml, arena)};
    cr_assert(c.config, "%s %s", loss->component.name, yaml);
    return c;
}

/* Open with numbers of the pattern of feature_losses.py for the student, and the same or others for the teacher. */
static void open(bench *b, const bench_subject *s, bool equal) {
    lyne_error err = {0};
    cr_assert(bench_open(b, s, true, &err) == LYNE_OK, "%s", err.text);
    for (int k = 0; k < 2; k++) {
        const int64_t n = lyne_shape_size(&s->src[k].shape), step = k && !equal ? 53 : 37,
                      wrap = k && !equal ? 97 : 101;
        for (int64_t i = 0; i < n; i++)
            bench_source_at(b, k)[i] = (float)((double)((i * step + 3) % wrap) / (double)wrap * 4 - 1.7);
    }
    int32_t *labels = lyne_program_input(b->program, b->src[2]);
    for (int64_t i = 0; i < s->src[2].shape.dim[0]; i++) labels[i] = s->src[2].labels == 1 ? 0 : feature_labels[i % 4];
    bench_changed(b);
}

static double run(bench *b) {
    double value;
    cr_assert(bench_run(b, NULL) == LYNE_OK);
    bench_value(b, &value);
    return value;
}

Test(features, as_pytorch) {
    for (size_t i = 0; i < N_GOLDEN; i++) {
        lyne_arena arena = {0};
        bench b;
        const context c = context_of(loss_named(features[i].loss), features[i].config, &arena);
        const bench_subject s = subject_of(&c, features[i].student, features[i].teacher, false);
        open(&b, &s, false);
        const double value = run(&b), *grad = features[i].grad;
        const int64_t n = lyne_shape_size(&features[i].student);
        double largest = 0, error = fabs(value / features[i].value - 1);
        for (int64_t k = 0; k < n; k++) largest = fmax(largest, fabs(grad[k]));
        for (int64_t k = 0; k < n; k++) {
            const double got = (double)bench_source_grad(&b, 0)[k] / (double)b.r[0];
            error = fmax(error, fabs(got - grad[k]) / largest);
        }
        cr_expect(error < 3e-7, "%s %s: error %g", features[i].loss, features[i].config, error);
        bench_close(&b);
        lyne_arena_free(&arena);
    }
}

Test(features, gradient) {
    for (size_t i = 0; i < N_GOLDEN; i++) {
        lyne_arena arena = {0};
        const context c = context_of(loss_named(features[i].loss), features[i].config, &arena);
        const bench_subject s = subject_of(&c, features[i].student, features[i].teacher, true);
        const gradient_result r = gradient_check(&s);
        cr_expect(r.ok, "%s %s: %s (error %g)", features[i].loss, features[i].config, r.text, r.worst);
        lyne_arena_free(&arena);
    }
}

/* Also of features of rank 2 and 3, where they may be.  dist has 1e-8 under its fractions, as the authors, so not quite. */
Test(features, nothing_between_equals) {
    static const lyne_shape shapes[] = {{4, {4, 3, 2, 2}}, {2, {4, 6}}, {3, {4, 2, 3}}};
    for (int i = 0; i < N_LOSSES; i++)
        for (int k = 0; k < 3; k++) {
            const bool taken = losses[i]->reads_features ? losses[i] != &lyne_loss_attention || k == 0 : k == 1;
            if (!taken) continue;
            lyne_arena arena = {0};
            bench b;
            const context c =
                context_of(losses[i], losses[i]->reads_features ? "{student: a, teacher: b}" : "{}", &arena);
            const bench_subject s = subject_of(&c, shapes[k], shapes[k], false);
            open(&b, &s, true);
            cr_expect(fabs(run(&b)) < 1e-4, "%s", losses[i]->component.name);
            for (int64_t j = 0; j < lyne_shape_size(&shapes[k]); j++)
                cr_expect(fabs((double)bench_source_grad(&b, 0)[j]) < 1e-4, "%s", losses[i]->component.name);
            bench_source_at(&b, 0)[1] = NAN; /* training looks for it */
            bench_changed(&b);
            cr_expect(isnan(run(&b)), "%s", losses[i]->component.name);
            bench_close(&b);
            lyne_arena_free(&arena);
        }
}

Test(features, all_zero_features_are_finite) {
    for (int i = 0; i < 3; i++) {
        lyne_arena arena = {0};
        bench b;
        const lyne_shape shape = {4, {2, 3, 2, 2}};
        const context c = context_of(losses[i], "{student: a, teacher: b}", &arena);
        const bench_subject s = subject_of(&c, shape, shape, false);
        open(&b, &s, false);
        memset(bench_source_at(&b, 0), 0, 24 * sizeof(float));
        bench_changed(&b);
        cr_expect(isfinite(run(&b)), "%s", losses[i]->component.name);
        for (int64_t j = 0; j < 24; j++)
            cr_expect(isfinite(bench_source_grad(&b, 0)[j]), "%s", losses[i]->component.name);
        bench_close(&b);
        lyne_arena_free(&arena);
    }
}

Test(features, same_bits_for_any_number_of_threads) {
    for (int i = 0; i < N_LOSSES; i++) {
        lyne_arena arena = {0};
        const lyne_shape shape = losses[i]->reads_features ? LYNE_SHAPE(16, 8, 16, 16) : LYNE_SHAPE(64, 100);
        const context c = context_of(losses[i], losses[i]->reads_features ? "{student: a, teacher: b}" : "{}", &arena);
        const bench_subject s = subject_of(&c, shape, shape, false);
        double value[2];
        static float grad[2][16 * 8 * 16 * 16];
        for (int k = 0; k < 2; k++) {
            bench b;
            omp_set_num_threads(1 + k);
            open(&b, &s, false);
            value[k] = run(&b);
            memcpy(grad[k], bench_source_grad(&b, 0), (size_t)lyne_shape_size(&shape) * sizeof(float));
            bench_close(&b);
        }
        cr_expect(value[0] == value[1] && memcmp(grad[0], grad[1], sizeof grad[0]) == 0, "%s",
                  losses[i]->component.name);
        lyne_arena_free(&arena);
    }
}

/* dkd with alpha 1 and beta 1 - a_t is kd: for two classes the others' part is 0, so it is kd whatever beta. */
Test(features, dkd_of_two_classes_is_kd) {
    lyne_arena arena = {0};
    extern const lyne_loss lyne_loss_kd;
    double value[2];
    for (int i = 0; i < 2; i++) {
        bench b;
        const context c = context_of(i ? &lyne_loss_kd : &lyne_loss_dkd, "{temperature: 3}", &arena);
        const lyne_shape shape = {2, {1, 2}};
        bench_subject s = subject_of(&c, shape, shape, false);
        open(&b, &s, false);
        *(int32_t *)lyne_program_input(b.program, b.src[2]) = 1;
        value[i] = run(&b);
        bench_close(&b);
    }
    cr_expect(fabs(value[0] / value[1] - 1) < 1e-6, "%g and %g", value[0], value[1]);
    lyne_arena_free(&arena);
}

/* What a cache of a few classes says where it kept the label alone: of the others' part nothing. */
Test(features, dkd_of_a_teacher_that_knows_the_label_alone) {
    lyne_arena arena = {0};
    enum { C = 5, LABEL = 2 };
    double value[2];
    float grad[2][C];
    for (int i = 0; i < 2; i++) {
        bench b;
        const context c =
            context_of(&lyne_loss_dkd, i ? "{temperature: 2, beta: 8}" : "{temperature: 2, beta: 0}", &arena);
        const lyne_shape shape = {2, {1, C}};
        bench_subject s = subject_of(&c, shape, shape, false);
        open(&b, &s, false);
        for (int j = 0; j < C; j++) {
            bench_source_at(&b, 0)[j] = 0.3f * (float)j;
            bench_source_at(&b, 1)[j] = j == LABEL ? 1.0f : -1e30f;
        }
        bench_changed(&b);
        *(int32_t *)lyne_program_input(b.program, b.src[2]) = LABEL;
        value[i] = run(&b);
        memcpy(grad[i], bench_source_grad(&b, 0), sizeof grad[i]);
        bench_close(&b);
    }
    cr_expect(value[0] == value[1] && value[0] > 0 && value[0] < 10, "%g and %g", value[0], value[1]);
    for (int j = 0; j < C; j++)
        cr_expect(grad[0][j] == grad[1][j] && grad[0][j] != 0 && fabsf(grad[0][j]) < 10, "class %d: %g and %g", j,
                  (double)grad[0][j], (double)grad[1][j]);
    lyne_arena_free(&arena);
}

Test(features, finite_at_the_ends) {
    for (int i = 3; i < N_LOSSES; i++)
        for (int k = 0; k < 2; k++) {
            lyne_arena arena = {0};
            bench b;
            const context c = context_of(losses[i], k ? "{temperature: 0.01}" : "{temperature: 1000}", &arena);
            const lyne_shape shape = {2, {4, 6}};
            const bench_subject s = subject_of(&c, shape, shape, false);
            open(&b, &s, false);
            for (int j = 0; j < 24; j++) {
                bench_source_at(&b, 0)[j] = j % 5 == 0 ? 1e4f : -1e4f;
                bench_source_at(&b, 1)[j] = j % 7 == 0 ? 1e4f : -1e4f;
            }
            bench_changed(&b);
            cr_expect(isfinite(run(&b)), "%s", losses[i]->component.name);
            for (int j = 0; j < 24; j++)
                cr_expect(isfinite(bench_source_grad(&b, 0)[j]), "%s", losses[i]->component.name);
            bench_close(&b);
            lyne_arena_free(&arena);
        }
}

Test(features, misfits) {
    const struct {
        const lyne_loss *loss;
        lyne_shape student, teacher;
        const char *says;
    } rows[] = {
        {&lyne_loss_hint, {2, {4, 3}}, {2, {4, 5}}, "hint expects f32 features of one shape, not (4, 3) and (4, 5)"},
        {&lyne_loss_attention,
         {4, {4, 3, 2, 2}},
         {4, {4, 3, 4, 4}},
         "attention expects features (B, C, H, W) of one H"},
        {&lyne_loss_attention, {2, {4, 3}}, {2, {4, 3}}, "attention expects features (B, C, H, W)"},
        {&lyne_loss_similarity, {2, {4, 3}}, {2, {5, 3}}, "similarity expects f32 features of one batch"},
        {&lyne_loss_dkd, {2, {4, 3}}, {2, {4, 5}}, "dkd expects"},
        {&lyne_loss_dist, {4, {4, 3, 2, 2}}, {4, {4, 3, 2, 2}}, "dist expects logits (B, C)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lyne_arena arena = {0};
        lyne_error err = {0};
        bench b;
        const context c =
            context_of(rows[i].loss, rows[i].loss->reads_features ? "{student: a, teacher: b}" : "{}", &arena);
        const bench_subject s = subject_of(&c, rows[i].student, rows[i].teacher, false);
        cr_expect(bench_open(&b, &s, true, &err) == LYNE_ERECIPE && strstr(err.text, rows[i].says), "row %zu: %s", i,
                  err.text);
        bench_close(&b);
        lyne_arena_free(&arena);
    }
}
