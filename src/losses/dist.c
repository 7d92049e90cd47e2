/* losses/dist.c -- the student's probabilities should correlate with the teacher's, over the classes of each sample and
 * over the samples for each class.  Huang et al. 2022 (DIST), arXiv:2205.10536, section 3, equations 6 to 9.
 *   p = softmax(z / T);  r(x, y) = x'y' / (|x'| |y'|), x' = x - mean(x)
 *   L = T^2 (inter (1 - 1/B sum_b r(p_s[b], p_t[b])) + intra (1 - 1/C sum_c r(p_s[:, c], p_t[:, c])))
 *   dr/dx = (y' - r |y'|/|x'| x') / (|x'| |y'|);  dL/dz = 1/T p (dL/dp - sum_c p dL/dp)
 * z: (B, C) logits of student and teacher, no unit. */
#include "losses/fused.h"
#include <math.h>

typedef struct dist_config {
    lyne_softened_config softened;
    double inter, intra;
} dist_config;

static const lyne_field fields[] = {
    LYNE_SOFTENED_FIELDS,
    LYNE_FLOAT(dist_config, inter, "weight of the relation between classes, in each sample", "1", 0, 1e6),
    LYNE_FLOAT(dist_config, intra, "weight of the relation between samples, in each class", "1", 0, 1e6),
    LYNE_FIELDS_END};

static void softmax(const float *z, int64_t n, double T, double *p) {
    double max = (double)z[0], sum = 0;
    for (int64_t c = 1; c < n; c++) max = fmax(max, (double)z[c]);
    for (int64_t c = 0; c < n; c++) max = isnan(z[c]) ? (double)NAN : max;
    for (int64_t c = 0; c < n; c++) sum += p[c] = exp(((double)z[c] - max) / T);
    for (int64_t c = 0; c < n; c++) p[c] /= sum;
}

/* r of two vectors of n numbers `step` apart; `scale` dr/dx is added to diff, which lies like x. */
static double correlate(const double *x, const double *y, int64_t n, int64_t step, double scale, double *diff) {
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (int64_t i = 0; i < n; i++) mx += x[i * step] / (double)n, my += y[i * step] / (double)n;
    for (int64_t i = 0; i < n; i++) {
        const double a = x[i * step] - mx, b = y[i * step] - my;
        xx += a * a, yy += b * b, xy += a * b;
    }
    const double lx = sqrt(xx), ly = sqrt(yy), under = lx * ly + 1e-8; /* as the authors' code */
    for (int64_t i = 0; i < n; i++)
        diff[i * step] +=
            scale * ((y[i * step] - my) / under - (lx > 0 ? xy * ly / lx / (under * under) * (x[i * step] - mx) : 0));
    return xy / under;
}

/* scratch: p_s, p_t, dL/dp, (B, C) each */
static double value(const lyne_fused *f) {
    const dist_config *c = f->node->config;
    const int64_t B = f->node->src[0]->shape.dim[0], C = f->node->src[0]->shape.dim[1];
    const double T = c->softened.temperature;
    double *s = f->scratch, *t = s + B * C, *diff = t + B * C, rows = 0, columns = 0;
    for (int64_t b = 0; b < B; b++) {
        softmax((const float *)f->src[0] + b * C, C, T, s + b * C);
        softmax((const float *)f->src[1] + b * C, C, T, t + b * C);
    }
    for (int64_t i = 0; i < B * C; i++) diff[i] = 0;
    for (int64_t b = 0; b < B; b++)
        rows += correlate(s + b * C, t + b * C, C, 1, -T * T * c->inter / (double)B, diff + b * C);
    for (int64_t k = 0; k < C; k++) columns += correlate(s + k, t + k, B, C, -T * T * c->intra / (double)C, diff + k);
    for (int64_t b = 0; f->diff && b < B; b++) {
        double along = 0;
        for (int64_t i = b * C; i < (b + 1) * C; i++) along += s[i] * diff[i];
        for (int64_t i = b * C; i < (b + 1) * C; i++) f->diff[i] = (float)(s[i] * (diff[i] - along) / T);
    }
    return T * T * (c->inter * (1 - rows / (double)B) + c->intra * (1 - columns / (double)C));
}

static lyne_status shape(lyne_node *n, lyne_error *err) {
    if (n->src[0]->shape.rank != 2) return lyne_fail(err, LYNE_ERECIPE, "dist expects logits (B, C)");
    return lyne_one_shape(n, err);
}
static int64_t scratch(const lyne_node *n) {
    return 3 * lyne_shape_size(&n->src[0]->shape);
}

static const lyne_fused_op op = {LYNE_FUSED_OP("dist", 2, shape, dist_config, fields), .value = value,
                                 .scratch = scratch};

static lyne_node *build(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in) {
    return lyne_graph_add(g, &op.op, name, config, (lyne_node *[]){in->logits, in->teacher}, 2);
}

const lyne_loss lyne_loss_dist = {.component = {.kind = LYNE_LOSS,
                                                .name = "dist",
                                                .help = "correlation with the teacher's probabilities, by sample and "
                                                        "by class",
                                                .source = "Huang et al. 2022, arXiv:2205.10536, section 3",
                                                .example = "{dist: {temperature: 4, inter: 1, intra: 1}}",
                                                .config_size = sizeof(dist_config),
                                                .fields = fields},
                                  .needs_teacher = true,
                                  .temperature = lyne_temperature,
                                  .build = build};
