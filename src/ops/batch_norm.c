/* ops/batch_norm.c -- dst = (src - mean) rstd weight + bias, each channel on its own, rstd = 1 / sqrt(var + epsilon).
 * Ioffe and Szegedy 2015, arXiv:1502.03167.
 *   src, dst (B, C, H, W) or (B, C); weight, bias, running_mean, running_var (C); n = B H W values a channel
 *   training: mean and var (biased) of the batch; running = (1 - momentum) running + momentum batch (var unbiased)
 *   inference: the running ones
 *   diff_bias = sum diff_dst;  diff_weight = rstd sum diff_dst (src - mean)
 *   diff_src = weight rstd (diff_dst - diff_bias / n - (src - mean) rstd diff_weight / n)
 * An add that alone reads dst, if its other source is there already, and a relu that alone reads that (or dst) are done in
 * the same passes, which saves reading and writing the value twice forward and backward:
 *   y = relu(dst + other);  diff = (the contributions to diff_y, summed) where y > 0;  diff_other = diff;  diff_dst = diff
 * Own kernels, because oneDNN's for channels last are 1.5 to 90 times slower, most where C is no multiple of 16.
 *
 * Channels last, the value is a matrix of n rows and C columns.  Statistics take one pass: sums in double of
 * src - shift and of its square, where shift is the first row, so a mean far from 0 costs no digits of the variance.
 * Each of `parts` threads sums its share of the rows, and the shares are added in order: bits depend on the number of
 * threads alone. */
#include "base/bf16.h"
#include "lyne/ops.h"
#include "ops/batch_norm_rows.h"
#include "ops/broadcast.h"
#include "ops/common.h"
#include <math.h>
#include <omp.h>

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR };

static const lyne_field fields[] = {
    LYNE_FLOAT(lyne_batch_norm_config, epsilon, "added to the variance", "1e-5", 1e-12, 1),
    LYNE_FLOAT(lyne_batch_norm_config, momentum, "share of the newest batch in the running statistics", "0.1", 0, 1),
    LYNE_FIELDS_END};

static lyne_status batch_norm_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *src = &n->src[0]->shape;
    if (src->rank != 2 && src->rank != 4) return lyne_misfit(n, "(B, C) or (B, C, H, W)", err);
    n->shape = *src;
    const struct {
        const char *name;
        lyne_role role;
        lyne_init init;
    } param[] = {{"weight", LYNE_SCALE, LYNE_INIT_ONE},
                 {"bias", LYNE_SHIFT, LYNE_INIT_ZERO},
                 {"running_mean", LYNE_STATE, LYNE_INIT_ZERO},
                 {"running_var", LYNE_STATE, LYNE_INIT_ONE}};
    lyne_status status = lyne_check_source(n, err);
    for (int i = 0; i < 4 && status == LYNE_OK; i++)
        status = lyne_node_param(n, param[i].name, LYNE_SHAPE(src->dim[1]), param[i].role, param[i].init, 0, err);
    return status;
}

/* Few channels would leave most of a vector register empty, so `fold` consecutive rows are treated as one of `columns`
 * = fold C; column j is of channel j % C. */
typedef struct norm_config {
    int64_t values, rows, columns, channels; /* values: n above; rows: values / fold */
    int parts;
    bool bf16, relu; /* relu: it is done here as well */
    double epsilon, momentum;
} norm_config;

static norm_config config_of(const lyne_node *n) {
    const lyne_batch_norm_config *config = n->config;
    norm_config c = {.channels = n->shape.dim[1],
                     .bf16 = n->type == LYNE_BF16,
                     .epsilon = config->epsilon,
                     .momentum = config->momentum};
    c.values = lyne_shape_size(&n->shape) / c.channels;
    int64_t fold = 1;
    while (fold * 2 * c.channels <= 64 && c.values % (fold * 2) == 0) fold *= 2;
    c.rows = c.values / fold;
    c.columns = c.channels * fold;
    const int64_t useful = c.values * c.channels / 8192;
    c.parts = (int)(useful < 1 ? 1 : useful < omp_get_max_threads() ? useful : omp_get_max_threads());
    return c;
}

/* The rows of part k. */
static int64_t first_row(const norm_config *c, int k) {
    return c->rows * k / c->parts;
}
static int64_t n_rows(const norm_config *c, int k) {
    return first_row(c, k + 1) - first_row(c, k);
}
static const void *part_of(const norm_config *c, const void *matrix, int k) {
    return lyne_at(matrix, first_row(c, k) * c->columns, c->bf16);
}
static void *mutable_part_of(const norm_config *c, void *matrix, int k) {
    return lyne_at_mutable(matrix, first_row(c, k) * c->columns, c->bf16);
}

/* Scratch of one step: two sums a column for each part, then three rows of floats. */
typedef struct norm_scratch {
    double *sum;                 /* (parts, 2, columns) */
    float *mean, *scale, *shift; /* (columns) */
} norm_scratch;

static size_t scratch_bytes(const norm_config *c) {
    return (size_t)c->columns * ((size_t)c->parts * 2 * sizeof(double) + 3 * sizeof(float));
}

static norm_scratch scratch_at(const norm_config *c, void *at) {
    norm_scratch s = {.sum = at};
    s.mean = (float *)(s.sum + c->parts * 2 * c->columns);
    s.scale = s.mean + c->columns;
    s.shift = s.scale + c->columns;
    return s;
}

/* The two sums of channel k, over parts and folded rows. */
static void total(const norm_config *c, const double *sum, int64_t k, double out[2]) {
    out[0] = out[1] = 0;
    for (int part = 0; part < c->parts; part++)
        for (int64_t j = k; j < c->columns; j += c->channels)
            for (int i = 0; i < 2; i++) out[i] += sum[(part * 2 + i) * c->columns + j];
}

/* ---- forward ---- */

static norm_columns columns_of(norm_scratch s, const float *slope) {
    return (norm_columns){.mean = s.mean, .scale = s.scale, .shift = s.shift, .slope = slope};
}

/* What normalize needs of channel k, for each of its columns. */
static void set_channel(const norm_config *c, norm_scratch s, int64_t k, double mean, double scale, float shift) {
    for (int64_t j = k; j < c->columns; j += c->channels) {
        s.mean[j] = (float)mean;
        s.scale[j] = (float)scale;
        s.shift[j] = shift;
    }
}

static void move(float *running, double momentum, double batch) {
    *running = (float)((1 - momentum) * (double)*running + momentum * batch);
}

/* From the sums to mean and rstd, which are kept for backward, and the running statistics. */
static void finish_moments(const norm_config *c, const lyne_call *call, norm_scratch s) {
    const float *weight = call->buffer[2], *bias = call->buffer[3];
    float *running_mean = call->buffer[4], *running_var = call->buffer[5];
    double *mean = call->buffer[6], *rstd = mean + c->channels;
    const double n = (double)c->values;
    for (int64_t k = 0; k < c->channels; k++) {
        double sum[2];
        total(c, s.sum, k, sum);
        const double var = fmax(0, (sum[1] - sum[0] * sum[0] / n) / n);
        mean[k] = (double)s.mean[k] + sum[0] / n;
        rstd[k] = 1 / sqrt(var + c->epsilon);
        move(&running_mean[k], c->momentum, mean[k]);
        move(&running_var[k], c->momentum, var * n / (n - 1));
        set_channel(c, s, k, mean[k], rstd[k] * (double)weight[k], bias[k]);
    }
}

/* buffers: src, dst, weight, bias, running_mean, running_var, mean and rstd in double, scratch, other or none */
static void forward_training(const lyne_call *call) {
    const norm_config *c = call->config;
    const norm_scratch s = scratch_at(c, call->buffer[7]);
    const void *src = call->buffer[0], *other = call->buffer[8];
    void *dst = call->buffer[1];
    for (int64_t k = 0; k < c->channels; k++) set_channel(c, s, k, (double)lyne_load(src, k, c->bf16), 1, 0);
#pragma omp parallel num_threads(c->parts)
    {
#pragma omp for schedule(static)
        for (int k = 0; k < c->parts; k++)
            norm_moments(c->bf16, n_rows(c, k), c->columns, part_of(c, src, k), s.mean, s.sum + k * 2 * c->columns);
#pragma omp single
        finish_moments(c, call, s);
#pragma omp for schedule(static)
        for (int k = 0; k < c->parts; k++)
            norm_normalize(c->bf16, c->relu, n_rows(c, k), c->columns, part_of(c, src, k),
                           other ? part_of(c, other, k) : NULL, columns_of(s, NULL), mutable_part_of(c, dst, k));
    }
}

/* buffers: src, dst, weight, bias, running_mean, running_var, scratch, other or none */
static void forward_inference(const lyne_call *call) {
    const norm_config *c = call->config;
    const norm_scratch s = scratch_at(c, call->buffer[6]);
    const void *src = call->buffer[0], *other = call->buffer[7];
    const float *weight = call->buffer[2], *bias = call->buffer[3];
    const float *running_mean = call->buffer[4], *running_var = call->buffer[5];
    void *dst = call->buffer[1];
    for (int64_t k = 0; k < c->channels; k++)
        set_channel(c, s, k, (double)running_mean[k], (double)weight[k] / sqrt((double)running_var[k] + c->epsilon),
                    bias[k]);
#pragma omp parallel for schedule(static) num_threads(c->parts)
    for (int k = 0; k < c->parts; k++)
        norm_normalize(c->bf16, c->relu, n_rows(c, k), c->columns, part_of(c, src, k),
                       other ? part_of(c, other, k) : NULL, columns_of(s, NULL), mutable_part_of(c, dst, k));
}

extern const lyne_op lyne_op_add, lyne_op_relu;

/* Which of its sources is not n. */
static int other_of(const lyne_node *add, const lyne_node *n) {
    return add->src[0] == n;
}

static void take_over_readers(lyne_program *p, const lyne_node *n) {
    const lyne_node *reader = lyne_sole_reader(p, n);
    if (reader && reader->op == &lyne_op_add && !lyne_broadcasts(reader) &&
        reader->src[other_of(reader, n)]->index < n->index) {
        lyne_take_over(p, n, reader);
        reader = lyne_sole_reader(p, reader);
    }
    if (reader && reader->op == &lyne_op_relu) lyne_take_over(p, n, reader);
}

static const char *name_of(const lyne_program *p, const lyne_node *n) {
    static const char *const name[2][2] = {{"batch_norm", "batch_norm+relu"},
                                           {"batch_norm+add", "batch_norm+add+relu"}};
    return name[lyne_taken(p, n, &lyne_op_add) != NULL][lyne_taken(p, n, &lyne_op_relu) != NULL];
}

static lyne_status batch_norm_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    norm_config c = config_of(n);
    take_over_readers(p, n);
    c.relu = lyne_taken(p, n, &lyne_op_relu);
    const lyne_node *add = lyne_taken(p, n, &lyne_op_add);
    const lyne_buffer other = add ? lyne_src(p, add, other_of(add, n)) : LYNE_NO_BUFFER;
    lyne_buffer b[9] = {lyne_src(p, n, 0), lyne_dst(p, n)};
    for (int i = 0; i < 4; i++) b[2 + i] = lyne_weight(p, n, i, NULL, err);
    if (!lyne_is_training(p)) {
        b[6] = lyne_scratch(p, scratch_bytes(&c));
        b[7] = other;
        return lyne_emit_kernel(p, n, name_of(p, n), forward_inference, &c, sizeof c, b, 8, err);
    }
    if (c.values == 1)
        return lyne_fail(err, LYNE_ERECIPE, "batch_norm needs two values a channel in training, a batch of 1 has one");
    b[6] = lyne_kept(p, n, 0, (size_t)c.channels * 2 * sizeof(double));
    b[7] = lyne_scratch(p, scratch_bytes(&c));
    b[8] = other;
    return lyne_emit_kernel(p, n, name_of(p, n), forward_training, &c, sizeof c, b, 9, err);
}

/* ---- backward ---- */

/* buffers: src, diff_dst, weight, mean and rstd, diff_weight, diff_bias, scratch, slope; or none: diff_src, dst of the
 * relu, the second part of diff_dst, where the parts are summed and what the relu held back is cleared (if this is needed) */
static void finish_diff_moments(const norm_config *c, const lyne_call *call, norm_scratch s) {
    const float *weight = call->buffer[2];
    const double *mean = call->buffer[3], *rstd = mean + c->channels, n = (double)c->values;
    float *diff_weight = call->buffer[4], *diff_bias = call->buffer[5], *slope = call->buffer[7];
    for (int64_t k = 0; k < c->channels; k++) {
        double sum[2];
        total(c, s.sum, k, sum);
        diff_bias[k] = (float)sum[0];
        diff_weight[k] = (float)(sum[1] * rstd[k]);
        set_channel(c, s, k, mean[k], rstd[k] * (double)weight[k], (float)(sum[0] / n));
        for (int64_t j = k; j < c->columns; j += c->channels) slope[j] = (float)(rstd[k] * rstd[k] * sum[1] / n);
    }
}

/* So many rows are gathered before their sums are taken: they are still at hand then. */
enum { GATHERED_ROWS = 32 };

/* The sums of part k; where there is a place to gather diff in, this is done on the way. */
static void diff_moments(const lyne_call *call, norm_scratch s, int k) {
    const norm_config *c = call->config;
    const void *src = call->buffer[0], *diff = call->buffer[1], *dst = call->buffer[9], *more = call->buffer[10];
    void *gathered = call->buffer[11];
    double *sum = s.sum + k * 2 * c->columns;
    const int64_t end = first_row(c, k + 1), run = gathered ? GATHERED_ROWS : c->rows;
    for (int64_t j = 0; j < 2 * c->columns; j++) sum[j] = 0;
    for (int64_t row = first_row(c, k); row < end; row += run) {
        const int64_t at = row * c->columns, rows = end - row < run ? end - row : run;
        const void *d = lyne_at(gathered ? gathered : diff, at, c->bf16), *y = dst ? lyne_at(dst, at, c->bf16) : NULL;
        if (gathered)
            norm_gather(c->bf16, rows * c->columns, lyne_at(diff, at, c->bf16),
                        more ? lyne_at(more, at, c->bf16) : NULL, y, lyne_at_mutable(gathered, at, c->bf16));
        norm_diff_moments(c->bf16, rows, c->columns, d, lyne_at(src, at, c->bf16), gathered ? NULL : y, s.mean, sum);
    }
}

static void backward(const lyne_call *call) {
    const norm_config *c = call->config;
    const norm_scratch s = scratch_at(c, call->buffer[6]);
    const double *mean = call->buffer[3];
    void *diff_src = call->buffer[8], *gathered = call->buffer[11];
    const void *src = call->buffer[0], *diff = gathered ? gathered : call->buffer[1],
               *dst = gathered ? NULL : call->buffer[9];
    for (int64_t k = 0; k < c->channels; k++) set_channel(c, s, k, mean[k], 1, 0);
#pragma omp parallel num_threads(c->parts)
    {
#pragma omp for schedule(static)
        for (int k = 0; k < c->parts; k++) diff_moments(call, s, k);
#pragma omp single
        finish_diff_moments(c, call, s);
        if (diff_src) {
#pragma omp for schedule(static)
            for (int k = 0; k < c->parts; k++)
                norm_diff_normalize(c->bf16, n_rows(c, k), c->columns, part_of(c, diff, k), part_of(c, src, k),
                                    dst ? part_of(c, dst, k) : NULL, columns_of(s, call->buffer[7]),
                                    mutable_part_of(c, diff_src, k));
        }
    }
}

static lyne_status batch_norm_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const norm_config c = config_of(n);
    const lyne_node *add = lyne_taken(p, n, &lyne_op_add);
    const bool relu = lyne_taken(p, n, &lyne_op_relu),
               gather_for_add = add && relu && add->src[other_of(add, n)]->needs_grad;
    lyne_buffer part[2];
    const bool gather = lyne_diff_dst_parts(p, n, part) == 2 || gather_for_add;
    const lyne_buffer gathered =
        gather ? lyne_scratch(p, (size_t)lyne_shape_size(&n->shape) * lyne_type_size(n->type)) : LYNE_NO_BUFFER;
    if (add) lyne_diff_src_is(p, add, other_of(add, n), gather ? gathered : part[0]);
    const lyne_buffer b[] = {lyne_src(p, n, 0),
                             part[0],
                             lyne_weight(p, n, WEIGHT, NULL, err),
                             lyne_kept(p, n, 0, 0),
                             lyne_diff_weight(p, n, WEIGHT, NULL, err),
                             lyne_diff_weight(p, n, BIAS, NULL, err),
                             lyne_scratch(p, scratch_bytes(&c)),
                             lyne_scratch(p, (size_t)c.columns * sizeof(float)),
                             lyne_diff_src(p, n, 0),
                             relu ? lyne_dst(p, n) : LYNE_NO_BUFFER,
                             part[1],
                             gathered};
    return lyne_emit_kernel(p, n, name_of(p, n), backward, &c, sizeof c, b, 12, err);
}

static const lyne_op_case cases[] = {{.src = {{2, {6, 3}}}},
                                     {.src = {{4, {2, 3, 2, 3}}}},
                                     {.config = "{epsilon: 1e-3, momentum: 0.2}", .src = {{4, {4, 6, 7, 5}}}},
                                     {.src = {{4, {3, 20, 5, 5}}}},
                                     {.src = {{4, {8, 72, 8, 8}}}},
                                     {0}};

extern const lyne_op lyne_op_batch_norm;
lyne_node *lyne_batch_norm(lyne_graph *g, const char *name, lyne_node *src, lyne_batch_norm_config c) {
    return lyne_graph_add(g, &lyne_op_batch_norm, name, &c, &src, 1);
}

const lyne_op lyne_op_batch_norm = {
    .component = {.kind = LYNE_OP,
                  .name = "batch_norm",
                  .help = "each channel to mean 0 and variance 1, then scaled and shifted",
                  .source = "Ioffe and Szegedy 2015, arXiv:1502.03167",
                  .example = "batch_norm",
                  .config_size = sizeof(lyne_batch_norm_config),
                  .fields = fields},
    .n_src = 1,
    .precision = LYNE_EITHER,
    .shape = batch_norm_shape,
    .emit = batch_norm_emit,
    .emit_backward = batch_norm_emit_backward,
    .cases = cases};
