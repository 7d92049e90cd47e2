/* ops/normalize.c -- dst = (src / 255 - mean[c]) / sd[c], for pictures as they are stored.
 *   src (B, C, H, W) u8, dst (B, C, H, W) f32 or, in a graph of bf16, bf16; mean, sd: (C) or one number for all channels.
 * No gradient.  There are 256 values a channel, so they are computed once, in double, and a pixel is one load from a table. */
#include "base/bf16.h"
#include "base/memory.h"
#include "lyne/ops.h"
#include "ops/common.h"

static const lyne_field fields[] = {
    LYNE_ENTRY_WITH(FLOATS, lyne_normalize_config, mean, "subtracted, one or one a channel; none: 0 [pixel / 255]",
                    "[]", LYNE_RANGE(-1e6, 1e6)),
    LYNE_ENTRY_WITH(FLOATS, lyne_normalize_config, sd, "divided by, one or one a channel; none: 1 [pixel / 255]", "[]",
                    LYNE_RANGE(1e-6, 1e6)),
    LYNE_FIELDS_END};

static lyne_status check_list(const char *name, const lyne_floats *list, int64_t channels, lyne_error *err) {
    if (list->n <= 1 || (int64_t)list->n == channels) return LYNE_OK;
    return lyne_fail(err, LYNE_ERECIPE, "normalize: %s has %zu numbers, expected 1 or one for each of %lld channels",
                     name, list->n, (long long)channels);
}

static lyne_status normalize_shape(lyne_node *n, lyne_error *err) {
    const lyne_normalize_config *c = n->config;
    const lyne_shape *src = &n->src[0]->shape;
    if (src->rank != 4) return lyne_misfit(n, "(B, C, H, W)", err);
    if (n->src[0]->type != LYNE_U8) return lyne_fail(err, LYNE_ERECIPE, "normalize expects u8 pixels");
    for (size_t i = 0; i < c->sd.n; i++)
        if (!(c->sd.item[i] > 0))
            return lyne_fail(err, LYNE_ERECIPE, "normalize: sd = %g is not above 0", c->sd.item[i]);
    n->shape = *src;
    n->type = lyne_graph_precision(n->graph);
    lyne_status status = check_list("mean", &c->mean, src->dim[1], err);
    return status != LYNE_OK ? status : check_list("sd", &c->sd, src->dim[1], err);
}

typedef struct table_config {
    int64_t pixels, channels; /* pixels: of the whole batch */
    float table[];            /* (channels, 256)            */
} table_config;

static void look_up(const lyne_call *call) {
    const table_config *c = call->config;
    const unsigned char *restrict src = call->buffer[0];
    float *restrict dst = call->buffer[1];
#pragma omp parallel for schedule(static) if (c->pixels * c->channels > 16384)
    for (int64_t i = 0; i < c->pixels; i++)
        for (int64_t k = 0; k < c->channels; k++) {
            const int64_t at = i * c->channels + k;
            dst[at] = c->table[k * 256 + src[at]];
        }
}

static void look_up_bf16(const lyne_call *call) {
    const table_config *c = call->config;
    const unsigned char *restrict src = call->buffer[0];
    uint16_t *restrict dst = call->buffer[1];
#pragma omp parallel for schedule(static) if (c->pixels * c->channels > 16384)
    for (int64_t i = 0; i < c->pixels; i++)
        for (int64_t k = 0; k < c->channels; k++) {
            const int64_t at = i * c->channels + k;
            dst[at] = lyne_to_bf16(c->table[k * 256 + src[at]]);
        }
}

static double of_channel(const lyne_floats *list, int64_t k, double otherwise) {
    return list->n == 0 ? otherwise : list->item[list->n == 1 ? 0 : k];
}

static lyne_status normalize_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_normalize_config *config = n->config;
    const int64_t channels = n->shape.dim[1];
    const size_t bytes = sizeof(table_config) + (size_t)channels * 256 * sizeof(float);
    table_config *c = lyne_alloc(1, bytes);
    if (!c) return lyne_fail_memory(err, "a table of pixel values");
    c->pixels = lyne_shape_size(&n->shape) / channels;
    c->channels = channels;
    for (int64_t k = 0; k < channels; k++)
        for (int v = 0; v < 256; v++)
            c->table[k * 256 + v] =
                (float)((v / 255.0 - of_channel(&config->mean, k, 0)) / of_channel(&config->sd, k, 1));
    lyne_status status = lyne_emit_kernel(p, n, "normalize", n->type == LYNE_BF16 ? look_up_bf16 : look_up, c, bytes,
                                          (lyne_buffer[]){lyne_src(p, n, 0), lyne_dst(p, n)}, 2, err);
    lyne_free(c);
    return status;
}

static const lyne_op_case cases[] = {
    {.config = "{mean: [0.1307], sd: [0.3081]}", .src = {{4, {3, 1, 5, 4}}}},
    {.config = "{mean: [0.4914, 0.4822, 0.4465], sd: [0.247, 0.243, 0.261]}", .src = {{4, {2, 3, 4, 4}}}},
    {.config = "{}", .src = {{4, {2, 2, 3, 3}}}},
    {0}};

extern const lyne_op lyne_op_normalize;
lyne_node *lyne_normalize(lyne_graph *g, const char *name, lyne_node *src, lyne_normalize_config c) {
    return lyne_graph_add(g, &lyne_op_normalize, name, &c, &src, 1);
}

const lyne_op lyne_op_normalize = {.component = {.kind = LYNE_OP,
                                                 .name = "normalize",
                                                 .help = "bytes to numbers around 0",
                                                 .example = "{normalize: {mean: [0.1307], sd: [0.3081]}}",
                                                 .config_size = sizeof(lyne_normalize_config),
                                                 .fields = fields},
                                   .n_src = 1,
                                   .shape = normalize_shape,
                                   .emit = normalize_emit,
                                   .cases = cases};
