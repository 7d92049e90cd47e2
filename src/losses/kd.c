/* losses/kd.c -- softened KL(teacher || student).  Hinton, Vinyals, Dean 2015, arXiv:1503.02531, section 2.
 *   p = softmax(z / T);  L = T^2 / B sum_bc p_t (log p_t - log p_s)        nats; 0 iff p_s = p_t
 *   dL/dz_s = T / B (p_s - p_t)                                            T^2 keeps its size about constant in T
 * Where only the mass of the rest is known (topk with `tail: class`), the rest R is one class, p(R) = sum_R p:
 *   L = T^2 / B sum_b (sum_{c not in R} p_t (log p_t - log p_s) + p_t(R) (log p_t(R) - log p_s(R)))
 *   dL/dz_s = T / B (p_s - p_t) outside R, T / B p_s (1 - p_t(R) / p_s(R)) in it: 0 at p_s = p_t, which no guess about R's
 * inside would be.
 * z_s, z_t: (B, C) logits of student and teacher.  The teacher gets no gradient; the objective applies the weight. */
#include "losses/rows.h"
#include <math.h>

static const lyne_field fields[] = {LYNE_SOFTENED_FIELDS, LYNE_FIELDS_END};

typedef struct op_config {
    lyne_softened_config kd;
    bool rest_is_class;
} op_config;

/* What is known of the rest: how many classes share the teacher's least logit, and their sums of exp(d). */
typedef struct rest {
    float least;
    int64_t n;
    double e_s, e_t, cross;
} rest;

LYNE_VECTOR static rest find_rest(const lyne_row *row, double max_s, double max_t) {
    const float *restrict student = row->logits, *restrict teacher = row->target;
    const double *restrict e_s = row->scratch, *restrict e_t = row->scratch + row->classes;
    float least = teacher[0];
#pragma omp simd reduction(min : least)
    for (int64_t c = 0; c < row->classes; c++) least = teacher[c] < least ? teacher[c] : least;
    int64_t n = 0;
    double sum_s = 0, sum_t = 0, cross = 0;
#pragma omp simd reduction(+ : n, sum_s, sum_t, cross)
    for (int64_t c = 0; c < row->classes; c++) {
        const bool in = teacher[c] == least;
        n += in;
        sum_s += in ? e_s[c] : 0;
        sum_t += in ? e_t[c] : 0;
        cross += in ? e_t[c] * (((double)teacher[c] - max_t) - ((double)student[c] - max_s)) : 0;
    }
    return (rest){.least = least, .n = n, .e_s = sum_s, .e_t = sum_t, .cross = cross};
}

/* With d = (z - max) / T and s = sum exp(d):
 *   sum_c p_t (log p_t - log p_s) = sum_c exp(d_t) (d_t - d_s) / s_t - log s_t + log s_s */
LYNE_VECTOR static double value(const lyne_row *row) {
    const op_config *config = row->config;
    const double T = config->kd.temperature;
    const float *restrict student = row->logits, *restrict teacher = row->target;
    double *restrict e_s = row->scratch, *restrict e_t = row->scratch + row->classes;
    const double max_s = lyne_row_max(row->classes, student), max_t = lyne_row_max(row->classes, teacher);
    const double sum_s = lyne_row_exp(row->classes, student, max_s, 1 / T, e_s);
    const double sum_t = lyne_row_exp(row->classes, teacher, max_t, 1 / T, e_t);
    double cross = 0;
#pragma omp simd reduction(+ : cross)
    for (int64_t c = 0; c < row->classes; c++)
        cross += e_t[c] * (((double)teacher[c] - max_t) - ((double)student[c] - max_s));
    const double by_s = lyne_row_reciprocal(row->classes, sum_s), by_t = lyne_row_reciprocal(row->classes, sum_t);
    if (row->diff && by_s > 0 && by_t > 0)
        for (int64_t c = 0; c < row->classes; c++) row->diff[c] = (float)(T * (e_s[c] * by_s - e_t[c] * by_t));
    else if (row->diff)
        for (int64_t c = 0; c < row->classes; c++) row->diff[c] = (float)(T * (e_s[c] / sum_s - e_t[c] / sum_t));
    double rest_term = 0;
    const rest r = config->rest_is_class ? find_rest(row, max_s, max_t) : (rest){0};
    if (r.n > 1) { /* the rest as one class: its terms of the sum are one */
        cross -= r.cross;
        rest_term = r.e_t / sum_t * (log(r.e_t) - log(r.e_s));
        const double share = 1 / sum_s - r.e_t / sum_t / r.e_s;
        for (int64_t c = 0; row->diff && c < row->classes; c++)
            if (teacher[c] == r.least) row->diff[c] = (float)(T * e_s[c] * share);
    }
    return T * T * (cross / (T * sum_t) + rest_term - log(sum_t) + log(sum_s));
}

static lyne_status kd_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *student = &n->src[0]->shape, *teacher = &n->src[1]->shape;
    char text[2][LYNE_SHAPE_TEXT];
    if (!lyne_shape_equal(student, teacher) || n->src[1]->type != LYNE_F32)
        return lyne_fail(err, LYNE_ERECIPE, "kd expects the teacher's f32 logits to be %s as the student's, not %s",
                         lyne_shape_print(student, text[0]), lyne_shape_print(teacher, text[1]));
    return lyne_rows_shape(n, err);
}

static const lyne_rows_op op = {
    .op = {.component = {.kind = LYNE_OP, .name = "kd", .config_size = sizeof(op_config), .fields = fields},
           .n_src = 2,
           .shape = kd_shape,
           .emit = lyne_rows_emit,
           .emit_backward = lyne_rows_emit_backward},
    .value = value};

static lyne_node *build(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in) {
    const op_config c = {.kd = *(const lyne_softened_config *)config, .rest_is_class = in->rest_is_class};
    return lyne_graph_add(g, &op.op, name, &c, (lyne_node *[]){in->logits, in->teacher}, 2);
}

const lyne_loss lyne_loss_kd = {.component = {.kind = LYNE_LOSS,
                                              .name = "kd",
                                              .help = "KL divergence from the teacher's softened probabilities",
                                              .source = "Hinton, Vinyals, Dean 2015, arXiv:1503.02531, section 2",
                                              .example = "{kd: {temperature: 4, weight: 0.9}}",
                                              .config_size = sizeof(lyne_softened_config),
                                              .fields = fields},
                                .needs_teacher = true,
                                .temperature = lyne_temperature,
                                .build = build};
