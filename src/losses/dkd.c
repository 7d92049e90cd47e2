/* losses/dkd.c -- kd in two parts with weights of their own: how sure of the label, and the rest without it.  Zhao et al.
 * 2022 (decoupled knowledge distillation), arXiv:2203.08679, section 3, equations 5 and 7.
 *   p = softmax(z / T), y the label;  a = p_y;  h_c = p_c / (1 - a) for c != y
 *   target = a_t log(a_t / a_s) + (1 - a_t) log((1 - a_t) / (1 - a_s));   others = sum_c h_t log(h_t / h_s)
 *   L = T^2 / B sum_b (alpha target + beta others)                                       nats
 *   dL/dz_y = T/B alpha (a_s - a_t);   dL/dz_c = T/B (beta (h_s - h_t) - alpha (a_s - a_t) h_s)
 * z: (B, C) logits of student and teacher; y: (B) s32.  With beta = 1 - a_t it would be kd.  Of a teacher that gave only the
 * label a logit (soft labels of a few classes: labels/encoding.h) h_t is not known: there is no `others` then. */
#include "losses/fused.h"
#include <math.h>

typedef struct dkd_config {
    lyne_softened_config softened;
    double alpha, beta;
} dkd_config;

static const lyne_field fields[] = {
    LYNE_SOFTENED_FIELDS, LYNE_FLOAT(dkd_config, alpha, "weight of the label's part", "1", 0, 1e6),
    LYNE_FLOAT(dkd_config, beta, "weight of the other classes' part", "8", 0, 1e6), LYNE_FIELDS_END};

/* So far down a logit says no more than "never", and the differences between such are lost to rounding. */
#define NEVER (-1e12)

/* log p_y, log(1 - p_y), and log h of the other classes, which are all below their own maximum. */
typedef struct parts {
    double label, others;
    bool known; /* is h? */
} parts;
static parts split(const float *z, int64_t C, int64_t y, double T, double *log_h) {
    double max = -INFINITY, sum = 0;
    for (int64_t c = 0; c < C; c++)
        if (c != y) max = (double)z[c] > max || isnan(z[c]) ? (double)z[c] : max;
    for (int64_t c = 0; c < C; c++)
        if (c != y) sum += exp(((double)z[c] - max) / T);
    const double rest = max / T + log(sum), own = (double)z[y] / T, top = fmax(rest, own);
    const double all = top + log(exp(rest - top) + exp(own - top));
    for (int64_t c = 0; c < C; c++) log_h[c] = (double)z[c] / T - rest;
    return (parts){.label = own - all, .others = rest - all, .known = !(rest < NEVER)};
}

/* scratch: (B, 2 C + 1) */
static double value(const lyne_fused *f) {
    const dkd_config *k = f->node->config;
    const int64_t B = f->node->src[0]->shape.dim[0], C = f->node->src[0]->shape.dim[1];
    const double T = k->softened.temperature;
    double sum = 0;
#pragma omp parallel for schedule(static) if (B * C > 1024)
    for (int64_t b = 0; b < B; b++) {
        const int64_t y = ((const int32_t *)f->src[2])[b];
        double *s = f->scratch + b * (2 * C + 1), *t = s + C, others = 0;
        t[C] = (double)NAN; /* a label that is none makes the term NaN, which training refuses */
        if (y < 0 || y >= C) continue;
        const parts ps = split((const float *)f->src[0] + b * C, C, y, T, s);
        const parts pt = split((const float *)f->src[1] + b * C, C, y, T, t);
        const double target = exp(pt.label) * (pt.label - ps.label) + exp(pt.others) * (pt.others - ps.others);
        const double off = exp(ps.label) - exp(pt.label), beta = pt.known ? k->beta : 0;
        for (int64_t c = 0; c < C; c++) {
            if (c == y) continue;
            const double h_s = exp(s[c]), h_t = exp(t[c]);
            others += h_t > 0 ? h_t * (t[c] - s[c]) : 0;
            if (f->diff) f->diff[b * C + c] = (float)(T / (double)B * (beta * (h_s - h_t) - k->alpha * off * h_s));
        }
        if (f->diff) f->diff[b * C + y] = (float)(T / (double)B * k->alpha * off);
        t[C] = T * T * (k->alpha * target + beta * others);
    }
    for (int64_t b = 0; b < B; b++) sum += f->scratch[b * (2 * C + 1) + 2 * C];
    return sum / (double)B;
}

static lyne_status shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *z = &n->src[0]->shape, *y = &n->src[2]->shape;
    if (z->rank != 2 || z->dim[1] < 2 || y->rank != 1 || y->dim[0] != z->dim[0] || n->src[2]->type != LYNE_S32)
        return lyne_fail(err, LYNE_ERECIPE,
                         "dkd expects logits (B, C) of two classes or more and a label for each row");
    return lyne_one_shape(n, err);
}
static int64_t scratch(const lyne_node *n) {
    const int64_t *z = n->src[0]->shape.dim;
    return z[0] * (2 * z[1] + 1);
}

static const lyne_fused_op op = {LYNE_FUSED_OP("dkd", 3, shape, dkd_config, fields), .value = value,
                                 .scratch = scratch};

static lyne_node *build(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in) {
    if (in->mix)
        return lyne_graph_fail(g, "%s: dkd needs one label for each picture, and mixed ones have two; use kd", name);
    return lyne_graph_add(g, &op.op, name, config, (lyne_node *[]){in->logits, in->teacher, in->labels}, 3);
}

const lyne_loss lyne_loss_dkd = {.component = {.kind = LYNE_LOSS,
                                               .name = "dkd",
                                               .help = "kd in two parts: the label's, and the other classes'",
                                               .source = "Zhao et al. 2022, arXiv:2203.08679, section 3",
                                               .example = "{dkd: {temperature: 4, alpha: 1, beta: 8}}",
                                               .config_size = sizeof(dkd_config),
                                               .fields = fields},
                                 .needs_teacher = true,
                                 .temperature = lyne_temperature,
                                 .build = build};
