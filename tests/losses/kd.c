/* kd: zero where the teacher's word is the student's, two rows worked by hand, what does not fit. */
#include "subject.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static loss_context context(const char *yaml, lyne_arena *arena) {
    return (loss_context){.loss = &lyne_loss_kd, .config = bench_config(&lyne_loss_kd.component, yaml, arena)};
}

Test(kd, zero_for_an_equal_teacher) {
    lyne_arena arena = {0};
    const loss_context c = context("{temperature: 3}", &arena);
    const float z[] = {0.3f, -7, 100, 2.5f, 2.5f, 2.5f};
    double grad[6];
    cr_expect(run_loss(&c, 2, 3, z, z, grad) == 0);
    for (int i = 0; i < 6; i++) cr_expect(grad[i] == 0);
    lyne_arena_free(&arena);
}

/* T = 2.  Row 0: z_t = (2 ln 3, 0), p_t = (3/4, 1/4); z_s = (0, 0), p_s = (1/2, 1/2):
 *   KL = 3/4 ln(3/2) + 1/4 ln(1/2), T (p_s - p_t) = 2 (-1/4, 1/4)
 * Row 1: z_t = (0, 0), p_t = (1/2, 1/2); z_s = (0, 2 ln 4), p_s = (1/5, 4/5):
 *   KL = 1/2 ln(5/2) + 1/2 ln(5/8), T (p_s - p_t) = 2 (-3/10, 3/10)
 * L = 4 / 2 (KL_0 + KL_1), dL/dz_s = 1/2 of the above. */
Test(kd, by_hand) {
    lyne_arena arena = {0};
    const loss_context c = context("{temperature: 2}", &arena);
    const float teacher[] = {(float)(2 * log(3)), 0, 0, 0}, student[] = {0, 0, 0, (float)(2 * log(4))};
    const double by_hand[] = {-0.25, 0.25, -0.3, 0.3};
    double grad[4];
    const double value = run_loss(&c, 2, 2, student, teacher, grad);
    const double kl = 0.75 * log(1.5) + 0.25 * log(0.5) + 0.5 * log(2.5) + 0.5 * log(0.625);
    cr_expect(fabs(value - 2 * kl) < 1e-7, "%.9g, not %.9g", value, 2 * kl);
    for (int i = 0; i < 4; i++) cr_expect(fabs(grad[i] - by_hand[i]) < 1e-7, "%d: %.9g", i, grad[i]);
    lyne_arena_free(&arena);
}

/* Classes 2, 3 and 4 share the teacher's least logit and are one class of their mass; T = 2.
 *   p_t = (1/2, 1/4, 1/4 together);  z_s = 2 ln (1, 1, 1, 3, 4), p_s = (1/10, 1/10, 8/10 together)
 *   KL = 1/2 ln 5 + 1/4 ln 5/2 + 1/4 ln 5/16,   T p_s (1 - p_t / p_s) outside, T p_s (1 - 5/16) for each of the three
 * Nothing changes when the teacher's word is the student's, whatever the three are among themselves. */
Test(kd, rest_is_one_class) {
    lyne_arena arena = {0};
    loss_context c = context("{temperature: 2}", &arena);
    c.rest_is_class = true;
    const double p[] = {6, 3, 1, 1, 1}, q[] = {1, 1, 1, 3, 4}, same[] = {6, 3, 1, 1.5, 0.5};
    float teacher[5], student[5];
    double grad[5];
    for (int i = 0; i < 5; i++) teacher[i] = (float)(2 * log(p[i])), student[i] = (float)(2 * log(q[i]));
    double value = run_loss(&c, 1, 5, student, teacher, grad);
    const double kl = 0.5 * log(5) + 0.25 * log(2.5) + 0.25 * log(0.3125);
    const double by_hand[] = {2 * (0.1 - 0.5), 2 * (0.1 - 0.25), 0.2 * 0.6875, 0.6 * 0.6875, 0.8 * 0.6875};
    cr_expect(fabs(value - 4 * kl) < 1e-6, "%.9g, not %.9g", value, 4 * kl);
    for (int i = 0; i < 5; i++) cr_expect(fabs(grad[i] - by_hand[i]) < 1e-6, "%d: %.9g", i, grad[i]);

    for (int i = 0; i < 5; i++) student[i] = (float)(2 * log(same[i]) + 7);
    value = run_loss(&c, 1, 5, student, teacher, grad);
    cr_expect(fabs(value) < 1e-6, "%.9g", value);
    for (int i = 0; i < 5; i++) cr_expect(fabs(grad[i]) < 1e-6, "%d: %.9g", i, grad[i]);
    c.rest_is_class = false;
    cr_expect(run_loss(&c, 1, 5, student, teacher, grad) > 0.01, "read as uniform, they are not alike");

    teacher[2] -= 1; /* the least stands alone: it is a class as any other, to the bit */
    const double plain = run_loss(&c, 1, 5, student, teacher, grad);
    c.rest_is_class = true;
    cr_expect(run_loss(&c, 1, 5, student, teacher, grad) == plain);
    lyne_arena_free(&arena);
}

/* At a high temperature the term approaches 1 / (2 C) sum of the squared difference of the centred logits, over B. */
Test(kd, high_temperature) {
    lyne_arena arena = {0};
    const loss_context c = context("{temperature: 1000}", &arena);
    const float student[] = {1, 0, -1, 0}, teacher[] = {0, 2, 0, -2};
    const double value = run_loss(&c, 1, 4, student, teacher, NULL);
    cr_expect(fabs(value - 10.0 / 8) < 1e-3, "%.9g", value);
    lyne_arena_free(&arena);
}

Test(kd, what_does_not_fit) {
    static const struct {
        lyne_shape student, teacher;
        const char *text;
    } misfits[] = {{{2, {4, 10}},
                    {2, {4, 100}},
                    "kd expects the teacher's f32 logits to be (4, 10) as the student's, not (4, 100)"},
                   {{4, {4, 10, 1, 1}}, {4, {4, 10, 1, 1}}, "kd expects f32 logits (B, C), not (4, 10, 1, 1)"}};
    lyne_arena arena = {0};
    const loss_context c = context("{}", &arena);
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
        lyne_graph *g;
        lyne_error err = {0};
        cr_assert(lyne_graph_new(4, &g, NULL) == LYNE_OK);
        const lyne_loss_inputs in = {.logits = lyne_graph_input(g, "student", misfits[i].student, LYNE_F32),
                                     .teacher = lyne_graph_input(g, "teacher", misfits[i].teacher, LYNE_F32)};
        cr_expect(lyne_loss_kd.build(g, "kd", c.config, &in) == NULL);
        cr_expect(lyne_graph_status(g, &err) == LYNE_ERECIPE && strstr(err.text, misfits[i].text), "%s", err.text);
        lyne_graph_free(g);
    }
    lyne_arena_free(&arena);
}
