/* losses/attention.c -- where in the picture the student's features are large should be where the teacher's are.
 * Zagoruyko, Komodakis 2017 (attention transfer), arXiv:1612.03928, section 3.1, equation 2 with p = 2.
 *   q_x = 1/C sum_c a_cx^2 at place x;   u = q / |q|;   L = 1/(B P) sum_bx (u_s - u_t)^2, P = H W
 * e = 2/(B P) (u_s - u_t);  dL/dq = (e - u (u e)) / |q|;  dL/da_cx = 2/C a_cx dL/dq_x
 * The mean over places is that of the authors' code.  s, t: (B, C, H, W), channels last, of one H and W. */
#include "losses/fused.h"
#include <math.h>

/* The map of one sample to length 1; returns the length it had. */
static double map_of(const float *a, int64_t places, int64_t channels, double *u) {
    double square = 0;
    for (int64_t x = 0; x < places; x++) {
        double sum = 0;
        for (int64_t c = 0; c < channels; c++) sum += (double)a[x * channels + c] * (double)a[x * channels + c];
        u[x] = sum / (double)channels;
        square += u[x] * u[x];
    }
    const double length = fmax(sqrt(square), 1e-12); /* features that are 0 everywhere have a map of 0 */
    for (int64_t x = 0; x < places; x++) u[x] /= length;
    return length;
}

/* scratch: (B, 2 P + 1) */
static double value(const lyne_fused *f) {
    const int64_t *s = f->node->src[0]->shape.dim, *t = f->node->src[1]->shape.dim;
    const int64_t B = s[0], P = s[2] * s[3], C = s[1];
    const double share = 1 / ((double)B * (double)P);
    double sum = 0;
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < B; b++) {
        const float *a = (const float *)f->src[0] + b * P * C;
        double *u = f->scratch + b * (2 * P + 1), *v = u + P, square = 0, along = 0;
        const double length = map_of(a, P, C, u);
        map_of((const float *)f->src[1] + b * P * t[1], P, t[1], v);
        for (int64_t x = 0; x < P; x++) {
            square += (u[x] - v[x]) * (u[x] - v[x]);
            along += u[x] * 2 * share * (u[x] - v[x]);
        }
        v[P] = square;
        for (int64_t x = 0; f->diff && x < P; x++) {
            const double dq = (2 * share * (u[x] - v[x]) - u[x] * along) / length;
            for (int64_t c = 0; c < C; c++)
                f->diff[(b * P + x) * C + c] = (float)(2 / (double)C * (double)a[x * C + c] * dq);
        }
    }
    for (int64_t b = 0; b < B; b++) sum += f->scratch[b * (2 * P + 1) + 2 * P];
    return share * sum;
}

static lyne_status shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *s = &n->src[0]->shape, *t = &n->src[1]->shape;
    char text[2][LYNE_SHAPE_TEXT];
    if (s->rank != 4 || t->rank != 4 || s->dim[2] != t->dim[2] || s->dim[3] != t->dim[3])
        return lyne_fail(err, LYNE_ERECIPE, "attention expects features (B, C, H, W) of one H and W, not %s and %s",
                         lyne_shape_print(s, text[0]), lyne_shape_print(t, text[1]));
    return lyne_one_batch(n, err);
}
static int64_t scratch(const lyne_node *n) {
    const int64_t *s = n->src[0]->shape.dim;
    return s[0] * (2 * s[2] * s[3] + 1);
}

static const lyne_fused_op op = {LYNE_FEATURE_OP("attention", shape), .value = value, .scratch = scratch};

static lyne_node *build(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in) {
    return lyne_graph_add(g, &op.op, name, config, (lyne_node *[]){in->student_feature, in->teacher_feature}, 2);
}

const lyne_loss lyne_loss_attention = {
    .component = {.kind = LYNE_LOSS,
                  .name = "attention",
                  .help = "squared distance of the maps that say where features are large",
                  .source = "Zagoruyko, Komodakis 2017, arXiv:1612.03928, section 3.1",
                  .example = "{attention: {student: layer2.0.relu2, teacher: layer2.2.relu2, weight: 1000}}",
                  .config_size = sizeof(lyne_feature_loss_config),
                  .fields = lyne_feature_loss_fields},
    .reads_features = true,
    .match = LYNE_MATCH_SIZE,
    .build = build};
