/* Terms that read the same logits are one step: values are those of each alone, bit by bit, the gradient their weighted
 * sum. */
#include "../fill.h"

#include "base/random.h"
#include "graph/program.h"
#include "losses/loss.h"
#include "lyne/ops.h"
#include <math.h>
#include <string.h>

extern const lyne_loss lyne_loss_kd, lyne_loss_cross_entropy;

enum { BATCH = 6, FEATURES = 5, N_TERMS = 3, MAX_CLASSES = 1000 };
static const double weight[N_TERMS] = {0.9, 0.1, 0.25};

typedef struct objective {
    double value[N_TERMS];
    float grad[FEATURES * MAX_CLASSES + MAX_CLASSES];
    int steps; /* that are losses */
} objective;

static bool is_loss(lyne_step_name s) {
    return strncmp(s.path, "loss", 4) == 0;
}

static void fill_inputs(lyne_program *p, const lyne_node *x, const lyne_node *label, const lyne_node *teacher,
                        int64_t classes) {
    lyne_stream s = lyne_stream_at(3, LYNE_FOR_CHECK, 0, 0);
    for (int i = 0; i < BATCH * FEATURES; i++) ((float *)lyne_program_input(p, x))[i] = 4 * lyne_stream_uniform(&s) - 2;
    for (int i = 0; i < BATCH; i++)
        ((int32_t *)lyne_program_input(p, label))[i] = (int32_t)lyne_stream_between(&s, 0, classes - 1);
    for (int64_t i = 0; i < BATCH * classes; i++)
        ((float *)lyne_program_input(p, teacher))[i] = 8 * lyne_stream_uniform(&s) - 4;
}

/* The terms from `first`, `n` of them; the logits are a linear layer's. */
static void run(int first, int n, int64_t classes, objective *out) {
    filled loss[N_TERMS] = {filled_with(&lyne_loss_kd.component, "{kd: {temperature: 4}}"),
                            filled_with(&lyne_loss_cross_entropy.component, "{cross_entropy: {smoothing: 0.1}}"),
                            filled_with(&lyne_loss_kd.component, "{kd: {temperature: 1.5}}")};
    static const char *const name[N_TERMS] = {"loss1", "loss2", "loss3"};
    lyne_graph *g;
    lyne_weights *w;
    lyne_program *p;
    lyne_error err = {0};
    cr_assert_eq(lyne_graph_new(BATCH, &g, &err), LYNE_OK);
    lyne_node *x = lyne_graph_input(g, "x", LYNE_SHAPE(BATCH, FEATURES), LYNE_F32);
    const lyne_loss_inputs in = {
        .logits = lyne_linear(g, "fc", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = classes}),
        .labels = lyne_graph_input(g, "label", LYNE_SHAPE(BATCH), LYNE_S32),
        .teacher = lyne_graph_input(g, "teacher", LYNE_SHAPE(BATCH, classes), LYNE_F32)};
    lyne_term term[N_TERMS];
    for (int i = 0; i < n; i++) {
        const lyne_instance *of = &loss[first + i].instance;
        term[i].node = ((const lyne_loss *)of->row)->build(g, name[first + i], of->config, &in);
        term[i].weight = weight[first + i];
    }
    cr_assert_eq(lyne_graph_status(g, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_weights_new(g, 1, &w, &err), LYNE_OK);
    const lyne_compile what = {.weights = w, .training = true, .term = term, .n_terms = n};
    cr_assert_eq(lyne_program_compile(g, &what, &p, &err), LYNE_OK, "%s", err.text);
    fill_inputs(p, x, in.labels, in.teacher, classes);
    memset(w->grad, 0xff, w->n_trained * sizeof(float));
    cr_assert_eq(lyne_program_run(p, &(lyne_clock){0}, &err), LYNE_OK);
    for (int i = 0; i < n; i++) out->value[first + i] = (double)*(const float *)lyne_program_output(p, term[i].node);
    for (int64_t i = 0; i < FEATURES * classes; i++) out->grad[i] = w->grad[w->offset[0] + (size_t)i];
    for (int64_t i = 0; i < classes; i++) out->grad[FEATURES * classes + i] = w->grad[w->offset[1] + (size_t)i];
    out->steps = 0;
    for (int i = 0; i < lyne_program_n_steps(p); i++) out->steps += is_loss(lyne_program_step(p, i));
    lyne_program_free(p);
    lyne_weights_free(w);
    lyne_graph_free(g);
    for (int i = 0; i < N_TERMS; i++) unfill(&loss[i]);
}

Test(losses_together, as_each_alone) {
    static objective all, one[N_TERMS];
    const int64_t classes[] = {2, 10, 17, MAX_CLASSES};
    for (size_t k = 0; k < sizeof classes / sizeof *classes; k++) {
        run(0, N_TERMS, classes[k], &all);
        cr_expect_eq(all.steps, 1, "%d steps", all.steps);
        for (int i = 0; i < N_TERMS; i++) {
            run(i, 1, classes[k], &one[i]);
            cr_expect_eq(all.value[i], one[i].value[i], "%g, not %g", all.value[i], one[i].value[i]);
        }
        double largest = 0, worst = 0;
        for (int64_t i = 0; i < (FEATURES + 1) * classes[k]; i++) {
            double due = 0;
            for (int t = 0; t < N_TERMS; t++) due += (double)one[t].grad[i];
            largest = fmax(largest, fabs(due));
            worst = fmax(worst, fabs((double)all.grad[i] - due));
        }
        cr_expect(largest > 1e-4 && worst <= 1e-6 * largest, "%g of %g", worst, largest);
    }
}
