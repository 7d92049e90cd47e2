/* losses/cross_entropy.c -- minus the log-probability of the label, smoothed.  Smoothing: Szegedy et al. 2016,
 * arXiv:1512.00567, section 7.
 *   p = softmax(z);  q = (1 - e) onehot(y) + e / C;  L = -1/B sum_bc q log p      nats
 *   dL/dz = 1/B (p - q)
 * z: (B, C) logits; y: (B) s32 labels, 0 <= y < C; e: smoothing.  A label outside 0..C-1 makes the term NaN, which
 * training refuses.  The weight is applied by the objective.
 * Where two samples are mixed into one picture (data/mix.h), the second's label y' has a part in the target, by what share
 * w of the picture is the first's: q = (1 - e) (w onehot(y) + (1 - w) onehot(y')) + e / C. */
#include "losses/rows.h"
#include <math.h>

typedef struct cross_entropy_config {
    lyne_loss_config loss;
    double smoothing;
} cross_entropy_config;

static const lyne_field fields[] = {LYNE_LOSS_FIELDS,
                                    LYNE_FLOAT(cross_entropy_config, smoothing,
                                               "probability that is taken from the label and shared by all classes",
                                               "0", 0, 0.999),
                                    LYNE_FIELDS_END};

/* With d = z - max and s = sum exp(d): -sum_c q log p = log s - (1 - e) (w d_y + (1 - w) d_y') - e / C sum_c d_c */
LYNE_VECTOR static double value(const lyne_row *row) {
    const int64_t C = row->classes, label = *(const int32_t *)row->target, other = row->mix ? row->mix[0] : label;
    const double w = other == label ? 1 : row->mix[1] / 65536.0;
    const double smoothing = ((const cross_entropy_config *)row->config)->smoothing, share = smoothing / (double)C;
    const float *restrict z = row->logits;
    double *restrict e = row->scratch;
    const double max = lyne_row_max(C, z), sum = lyne_row_exp(C, z, max, 1, e);
    const bool known = label >= 0 && label < C && other >= 0 && other < C;
    double all = 0;
#pragma omp simd reduction(+ : all)
    for (int64_t c = 0; c < C; c++) all += (double)z[c] - max;
    if (row->diff) {
        const double by = lyne_row_reciprocal(C, sum);
        if (by > 0)
            for (int64_t c = 0; c < C; c++) row->diff[c] = (float)(e[c] * by - share);
        else
            for (int64_t c = 0; c < C; c++) row->diff[c] = (float)(e[c] / sum - share);
        if (known) row->diff[label] = (float)(e[label] / sum - share - (1 - smoothing) * w);
        if (known && other != label) row->diff[other] = (float)(e[other] / sum - share - (1 - smoothing) * (1 - w));
    }
    if (!known) return (double)NAN;
    double d = (double)z[label] - max;
    if (other != label) d = w * d + (1 - w) * ((double)z[other] - max);
    return log(sum) - (1 - smoothing) * d - share * all;
}

static lyne_status cross_entropy_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *logits = &n->src[0]->shape, *labels = &n->src[1]->shape;
    char text[2][LYNE_SHAPE_TEXT];
    if (labels->rank != 1 || labels->dim[0] != logits->dim[0] || n->src[1]->type != LYNE_S32)
        return lyne_fail(err, LYNE_ERECIPE, "cross_entropy expects one s32 label for each row of %s, not %s",
                         lyne_shape_print(logits, text[0]), lyne_shape_print(labels, text[1]));
    const lyne_shape *mix = n->n_src > 2 ? &n->src[2]->shape : NULL, due = LYNE_SHAPE(logits->dim[0], 2);
    if (mix && (!lyne_shape_equal(mix, &due) || n->src[2]->type != LYNE_S32))
        return lyne_fail(err, LYNE_ERECIPE, "cross_entropy expects s32 %s of what is mixed, not %s",
                         lyne_shape_print(&due, text[0]), lyne_shape_print(mix, text[1]));
    return lyne_rows_shape(n, err);
}

#define OP(sources)                                                                                                    \
    {.op = {.component = {.kind = LYNE_OP,                                                                             \
                          .name = "cross_entropy",                                                                     \
                          .config_size = sizeof(cross_entropy_config),                                                 \
                          .fields = fields},                                                                           \
            .n_src = (sources),                                                                                        \
            .shape = cross_entropy_shape,                                                                              \
            .emit = lyne_rows_emit,                                                                                    \
            .emit_backward = lyne_rows_emit_backward},                                                                 \
     .value = value}
static const lyne_rows_op op = OP(2), op_of_mixed = OP(3);

static lyne_node *build(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in) {
    lyne_node *src[] = {in->logits, in->labels, in->mix};
    return in->mix ? lyne_graph_add(g, &op_of_mixed.op, name, config, src, 3)
                   : lyne_graph_add(g, &op.op, name, config, src, 2);
}

const lyne_loss lyne_loss_cross_entropy = {.component = {.kind = LYNE_LOSS,
                                                         .name = "cross_entropy",
                                                         .help = "minus the log-probability of the label",
                                                         .source = "smoothing: Szegedy et al. 2016, arXiv:1512.00567",
                                                         .example = "{cross_entropy: {smoothing: 0.1}}",
                                                         .config_size = sizeof(cross_entropy_config),
                                                         .fields = fields},
                                           .build = build};
