/* losses/hint.c -- the student's features, adapted, should be the teacher's.  Romero et al. 2015 (FitNets),
 * arXiv:1412.6550, section 2.2, equation 3.
 *   L = 1/N sum_i (s_i - t_i)^2, N numbers in all;   dL/ds_i = 2/N (s_i - t_i)
 * The paper has half the sum for each sample; the mean does not grow with the features, as others compute it too.
 * s, t: one shape, (B, C, H, W), (B, L, F) or (B, F). */
#include "losses/fused.h"

static double value(const lyne_fused *f) {
    const int64_t B = f->node->src[0]->shape.dim[0], F = lyne_sample_size(f->node->src[0]);
    const float *s = f->src[0], *t = f->src[1];
    const double share = 1 / ((double)B * (double)F);
    double sum = 0;
#pragma omp parallel for schedule(static) if (B * F > 16384)
    for (int64_t b = 0; b < B; b++) {
        double square = 0;
        for (int64_t i = b * F; i < (b + 1) * F; i++) {
            const double d = (double)s[i] - (double)t[i];
            square += d * d;
            if (f->diff) f->diff[i] = (float)(2 * share * d);
        }
        f->scratch[b] = square;
    }
    for (int64_t b = 0; b < B; b++) sum += f->scratch[b];
    return share * sum;
}

static int64_t scratch(const lyne_node *n) {
    return n->src[0]->shape.dim[0];
}

static const lyne_fused_op op = {LYNE_FEATURE_OP("hint", lyne_one_shape), .value = value, .scratch = scratch};

static lyne_node *build(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in) {
    return lyne_graph_add(g, &op.op, name, config, (lyne_node *[]){in->student_feature, in->teacher_feature}, 2);
}

const lyne_loss lyne_loss_hint = {
    .component = {.kind = LYNE_LOSS,
                  .name = "hint",
                  .help = "mean squared distance of the student's features, adapted, from the teacher's",
                  .source = "Romero et al. 2015, arXiv:1412.6550, section 2.2",
                  .example = "{hint: {student: layer2.0.relu2, teacher: layer2.2.relu2, weight: 10}}",
                  .config_size = sizeof(lyne_feature_loss_config),
                  .fields = lyne_feature_loss_fields},
    .reads_features = true,
    .match = LYNE_MATCH_SHAPE,
    .build = build};
