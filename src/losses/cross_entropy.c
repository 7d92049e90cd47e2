/* losses/cross_entropy.c -- minus the log-probability of the label, smoothed.  Smoothing: Szegedy et al. 2016,
 * arXiv:1512.00567, section 7.
 *   p = softmax(z);  q = (1 - e) onehot(y) + e / C;  L = -1/B sum_bc q log p      nats
 *   dL/dz = 1/B (p - q)
 * z: (B, C) logits; y: (B) s32 labels, 0 <= y < C; e: smoothing.  A label outside 0..C-1 makes the term NaN, which
 * training refuses.  The weight is applied by the objective. */
#include "losses/rows.h"
#include <math.h>

typedef struct cross_entropy_config {
    lyne_loss_config loss;
    double smoothing;
} cross_entropy_config;

static const lyne_field fields[] = {LYNE_LOSS_FIELDS,
                                    {.name = "smoothing",
                                     .type = LYNE_FIELD_FLOAT,
                                     .help = "probability that is taken from the label and shared by all classes",
                                     .fallback = "0",
                                     .offset = offsetof(cross_entropy_config, smoothing),
                                     LYNE_RANGE(0, 0.999)},
                                    LYNE_FIELDS_END};

/* With d = z - max and s = sum exp(d): -sum_c q log p = log s - (1 - e) d_y - e / C sum_c d_c */
LYNE_VECTOR static double value(const lyne_row *row) {
    const int64_t C = row->classes, label = *(const int32_t *)row->target;
    const double smoothing = ((const cross_entropy_config *)row->config)->smoothing, share = smoothing / (double)C;
    const float *restrict z = row->logits;
    double *restrict e = row->scratch;
    const double max = lyne_row_max(C, z), sum = lyne_row_exp(C, z, max, 1, e);
    const bool known = label >= 0 && label < C;
    double all = 0;
#pragma omp simd reduction(+ : all)
    for (int64_t c = 0; c < C; c++) all += (double)z[c] - max;
    if (row->diff) {
        for (int64_t c = 0; c < C; c++) row->diff[c] = (float)(e[c] / sum - share);
        if (known) row->diff[label] = (float)(e[label] / sum - share - (1 - smoothing));
    }
    return known ? log(sum) - (1 - smoothing) * ((double)z[label] - max) - share * all : (double)NAN;
}

static lyne_status cross_entropy_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *logits = &n->src[0]->shape, *labels = &n->src[1]->shape;
    char text[2][LYNE_SHAPE_TEXT];
    if (labels->rank != 1 || labels->dim[0] != logits->dim[0] || n->src[1]->type != LYNE_S32)
        return lyne_fail(err, LYNE_ERECIPE, "cross_entropy expects one s32 label for each row of %s, not %s",
                         lyne_shape_print(logits, text[0]), lyne_shape_print(labels, text[1]));
    return lyne_rows_shape(n, err);
}

static lyne_status cross_entropy_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_rows_emit(p, n, value, sizeof(int32_t), err);
}

static const lyne_op op = {.component = {.kind = LYNE_OP,
                                         .name = "cross_entropy",
                                         .config_size = sizeof(cross_entropy_config),
                                         .fields = fields},
                           .n_src = 2,
                           .shape = cross_entropy_shape,
                           .emit = cross_entropy_emit,
                           .emit_backward = lyne_rows_emit_backward};

static lyne_node *build(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in) {
    return lyne_graph_add(g, &op, name, config, (lyne_node *[]){in->logits, in->labels}, 2);
}

const lyne_loss lyne_loss_cross_entropy = {.component = {.kind = LYNE_LOSS,
                                                         .name = "cross_entropy",
                                                         .help = "minus the log-probability of the label",
                                                         .source = "smoothing: Szegedy et al. 2016, arXiv:1512.00567",
                                                         .example = "{cross_entropy: {smoothing: 0.1}}",
                                                         .config_size = sizeof(cross_entropy_config),
                                                         .fields = fields},
                                           .build = build};
