/* A loss as a plug-in: half the squared distance of the logits (Ba and Caruana 2014, arXiv:1312.6184, section 2.2), after
 * an optional shift of each row to mean 0.
 *   L = 1 / (2 B) sum_bc (z_s - z_t)^2;   dL/dz_s = (z_s - z_t) / B, with the means taken off */
#include <lyne/plugin.h>

typedef struct config {
    lyne_loss_config loss;
    bool center;
} config;

static const lyne_field fields[] = {
    LYNE_LOSS_FIELDS, LYNE_BOOL(config, center, "take the mean off each row of both first", "true"), LYNE_FIELDS_END};

static lyne_status shape(lyne_node *n, lyne_error *err) {
    if (n->src[0]->shape.rank != 2 || !lyne_shape_equal(&n->src[0]->shape, &n->src[1]->shape))
        return lyne_fail(err, LYNE_ERECIPE, "logit_mse expects the logits of both to be of one shape (B, C)");
    n->shape = LYNE_SHAPE(1);
    return LYNE_OK;
}

/* Row b of the difference, centred if asked for, at column c. */
static double difference(const lyne_call *call, const float *s, const float *t, int64_t b, int64_t c) {
    const int64_t C = call->node->src[0]->shape.dim[1];
    double mean = 0;
    if (((const config *)call->node->config)->center)
        for (int64_t k = 0; k < C; k++) mean += ((double)s[b * C + k] - (double)t[b * C + k]) / (double)C;
    return (double)s[b * C + c] - (double)t[b * C + c] - mean;
}

static void forward(const lyne_call *call) { /* student, teacher, dst */
    const int64_t *dim = call->node->src[0]->shape.dim;
    double sum = 0;
    for (int64_t b = 0; b < dim[0]; b++)
        for (int64_t c = 0; c < dim[1]; c++) {
            const double d = difference(call, call->buffer[0], call->buffer[1], b, c);
            sum += d * d;
        }
    *(float *)call->buffer[2] = (float)(sum / (2 * (double)dim[0]));
}

static void backward(const lyne_call *call) { /* student, teacher, diff_dst, diff_src */
    const int64_t *dim = call->node->src[0]->shape.dim;
    const float *diff_dst = call->buffer[2];
    float *diff_src = call->buffer[3];
    for (int64_t b = 0; b < dim[0]; b++)
        for (int64_t c = 0; c < dim[1]; c++)
            diff_src[b * dim[1] + c] = (float)(difference(call, call->buffer[0], call->buffer[1], b, c) *
                                               (double)diff_dst[0] / (double)dim[0]);
}

static lyne_status emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_src(p, n, 1), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "logit_mse", forward, NULL, 0, b, 3, err);
}

static lyne_status emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_src(p, n, 1), lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "logit_mse", backward, NULL, 0, b, 4, err);
}

static const lyne_op op = {.component = {.kind = LYNE_OP, .name = "logit_mse", .config_size = sizeof(config)},
                           .n_src = 2,
                           .shape = shape,
                           .emit = emit,
                           .emit_backward = emit_backward};

static lyne_node *build(lyne_graph *g, const char *name, const void *c, const lyne_loss_inputs *in) {
    return lyne_graph_add(g, &op, name, c, (lyne_node *[]){in->logits, in->teacher}, 2);
}

static const lyne_loss logit_mse = {.component = {.kind = LYNE_LOSS,
                                                  .name = "logit_mse",
                                                  .help = "half the squared distance of the logits",
                                                  .source = "Ba, Caruana 2014, arXiv:1312.6184, section 2.2",
                                                  .example = "{logit_mse: {weight: 0.1}}",
                                                  .config_size = sizeof(config),
                                                  .fields = fields},
                                    .needs_teacher = true,
                                    .build = build};

LYNE_PLUGIN("1.0", &logit_mse.component);
