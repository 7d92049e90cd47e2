/* losses/similarity.c -- pictures that are alike to the teacher should be alike to the student.  Tung, Mori 2019,
 * arXiv:1907.09682, section 3.1, equations 1 to 4.
 *   G_ij = a_i a_j for samples i, j of the batch;   N_i = G_i / |G_i|;   L = 1/B^2 sum_ij (N_s - N_t)^2
 * E = 2/B^2 (N_s - N_t);  dL/dG_i = (E_i - N_i (N_i E_i)) / |G_i|;  dL/da_i = sum_j (dG_ij + dG_ji) a_j
 * s, t: (B, ...), of any shapes, so no adapter is needed. */
#include "losses/fused.h"
#include <math.h>

/* N (B, B) and the lengths of the rows of G. */
static void similarities(const float *a, int64_t B, int64_t F, double *N, double *length) {
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < B; i++) {
        double square = 0;
        for (int64_t j = 0; j < B; j++) {
            double dot = 0;
#pragma omp simd reduction(+ : dot)
            for (int64_t k = 0; k < F; k++) dot += (double)a[i * F + k] * (double)a[j * F + k];
            N[i * B + j] = dot;
            square += dot * dot;
        }
        length[i] = fmax(sqrt(square), 1e-12);
        for (int64_t j = 0; j < B; j++) N[i * B + j] /= length[i];
    }
}

/* From N of both to dL/dG in the place of t's; returns the sum of squares. */
static double differentiate(int64_t B, const double *s, const double *length, double *t) {
    double sum = 0;
    for (int64_t i = 0; i < B; i++) {
        double along = 0;
        for (int64_t j = i * B; j < (i + 1) * B; j++) {
            const double d = s[j] - t[j];
            sum += d * d;
            t[j] = 2 * d / ((double)B * (double)B);
            along += s[j] * t[j];
        }
        for (int64_t j = i * B; j < (i + 1) * B; j++) t[j] = (t[j] - s[j] * along) / length[i];
    }
    return sum;
}

/* scratch: (2, B, B), (2, B) */
static double value(const lyne_fused *f) {
    const int64_t B = f->node->src[0]->shape.dim[0], F = lyne_sample_size(f->node->src[0]);
    const float *a = f->src[0];
    double *s = f->scratch, *t = s + B * B, *length = t + B * B;
    similarities(a, B, F, s, length);
    similarities(f->src[1], B, lyne_sample_size(f->node->src[1]), t, length + B);
    const double sum = differentiate(B, s, length, t);
    if (f->diff) {
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < B; i++)
            for (int64_t k = 0; k < F; k++) {
                double d = 0;
                for (int64_t j = 0; j < B; j++) d += (t[i * B + j] + t[j * B + i]) * (double)a[j * F + k];
                f->diff[i * F + k] = (float)d;
            }
    }
    return sum / ((double)B * (double)B);
}

static int64_t scratch(const lyne_node *n) {
    const int64_t B = n->src[0]->shape.dim[0];
    return 2 * B * (B + 1);
}

static const lyne_fused_op op = {LYNE_FEATURE_OP("similarity", lyne_one_batch), .value = value, .scratch = scratch};

static lyne_node *build(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in) {
    return lyne_graph_add(g, &op.op, name, config, (lyne_node *[]){in->student_feature, in->teacher_feature}, 2);
}

const lyne_loss lyne_loss_similarity = {
    .component = {.kind = LYNE_LOSS,
                  .name = "similarity",
                  .help = "squared distance of how alike the samples of a batch are",
                  .source = "Tung, Mori 2019, arXiv:1907.09682, section 3.1",
                  .example = "{similarity: {student: layer3.0.relu2, teacher: layer3.2.relu2, weight: 3000}}",
                  .config_size = sizeof(lyne_feature_loss_config),
                  .fields = lyne_feature_loss_fields},
    .reads_features = true,
    .match = LYNE_MATCH_NOTHING,
    .build = build};
