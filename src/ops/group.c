/* ops/group.c -- see group.h.  Over the m numbers of a group, with w and b those of the channel:
 *   y = (x - mean) rstd;  dst = w y + b
 *   diff_src = rstd (w diff_dst - sum(w diff_dst) / m - y sum(w diff_dst y) / m)
 *   diff_w = sum over samples and pixels of diff_dst y;  diff_b = of diff_dst
 * Mean and variance are kept from forward, in double; sums are in double, in an order that no thread changes. */
#include "ops/group.h"
#include "base/vector.h"

#include <math.h>

enum { WEIGHT, BIAS, LANES = 8, COLUMNS = 16 };

lyne_status lyne_group_params(lyne_node *n, int64_t channels, lyne_error *err) {
    lyne_status status = lyne_node_param(n, "weight", LYNE_SHAPE(channels), LYNE_SCALE, LYNE_INIT_ONE, 0, err);
    if (status != LYNE_OK) return status;
    return lyne_node_param(n, "bias", LYNE_SHAPE(channels), LYNE_SHIFT, LYNE_INIT_ZERO, 0, err);
}

static double total(const double lane[LANES]) {
    double sum = 0;
    for (int j = 0; j < LANES; j++) sum += lane[j];
    return sum;
}

/* One group: `pixels` runs of `width` numbers, `stride` apart. */
typedef struct run {
    int64_t pixels, width, stride;
} run;

/* Sum of (x - shift)^power, power 1 or 2. */
LYNE_VECTOR static double moment(run r, const float *restrict x, double shift, int power) {
    double lane[LANES] = {0};
    for (int64_t p = 0; p < r.pixels; p++, x += r.stride) {
        int64_t i = 0;
        for (; i + LANES <= r.width; i += LANES)
            for (int j = 0; j < LANES; j++) {
                const double d = (double)x[i + j] - shift;
                lane[j] += power == 1 ? d : d * d;
            }
        for (; i < r.width; i++) {
            const double d = (double)x[i] - shift;
            lane[i % LANES] += power == 1 ? d : d * d;
        }
    }
    return total(lane);
}

LYNE_VECTOR static void write(run r, const float *restrict x, double mean, double rstd, const float *restrict w,
                              const float *restrict b, float *restrict dst) {
    const float shift = (float)mean, scale = (float)rstd;
    for (int64_t p = 0; p < r.pixels; p++, x += r.stride, dst += r.stride)
        for (int64_t i = 0; i < r.width; i++) dst[i] = (x[i] - shift) * scale * w[i] + b[i];
}

/* sum[0] of w diff, sum[1] of w diff y. */
LYNE_VECTOR static void diff_moments(run r, const float *restrict x, const float *restrict diff, double mean,
                                     double rstd, const float *restrict w, double sum[2]) {
    double plain[LANES] = {0}, product[LANES] = {0};
    for (int64_t p = 0; p < r.pixels; p++, x += r.stride, diff += r.stride) {
        int64_t i = 0;
        for (; i + LANES <= r.width; i += LANES)
            for (int j = 0; j < LANES; j++) {
                const double d = (double)(w[i + j] * diff[i + j]);
                plain[j] += d;
                product[j] += d * ((double)x[i + j] - mean);
            }
        for (; i < r.width; i++) {
            const double d = (double)(w[i] * diff[i]);
            plain[i % LANES] += d;
            product[i % LANES] += d * ((double)x[i] - mean);
        }
    }
    sum[0] = total(plain);
    sum[1] = total(product) * rstd;
}

LYNE_VECTOR static void diff_write(run r, const float *restrict x, const float *restrict diff, double mean, double rstd,
                                   const float *restrict w, const double average[2], float *restrict diff_src) {
    const float shift = (float)mean, scale = (float)rstd, a = (float)average[0], b = (float)average[1];
    for (int64_t p = 0; p < r.pixels; p++, x += r.stride, diff += r.stride, diff_src += r.stride)
        for (int64_t i = 0; i < r.width; i++) diff_src[i] = scale * (w[i] * diff[i] - a - (x[i] - shift) * scale * b);
}

/* ---- forward: src, weight, bias, mean and rstd of each group, dst ---- */

static run run_of(const lyne_grouping *c) {
    return (run){.pixels = c->pixels, .width = c->channels / c->groups, .stride = c->channels};
}

static void forward(const lyne_call *call) {
    const lyne_grouping *c = call->config;
    const float *src = call->buffer[0], *weight = call->buffer[1], *bias = call->buffer[2];
    double *kept = call->buffer[3];
    float *dst = call->buffer[4];
    const run r = run_of(c);
    const double n = (double)(r.pixels * r.width);
#pragma omp parallel for schedule(static) if (c->samples * c->pixels * c->channels > 16384)
    for (int64_t k = 0; k < c->samples * c->groups; k++) {
        const int64_t channel = k % c->groups * r.width, at = k / c->groups * c->pixels * c->channels + channel;
        const double mean = moment(r, src + at, 0, 1) / n;
        const double rstd = 1 / sqrt(moment(r, src + at, mean, 2) / n + c->epsilon);
        write(r, src + at, mean, rstd, weight + channel, bias + channel, dst + at);
        kept[2 * k] = mean;
        kept[2 * k + 1] = rstd;
    }
}

lyne_status lyne_group_emit(lyne_program *p, const lyne_node *n, lyne_grouping c, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_weight(p, n, WEIGHT, NULL, err),
                             lyne_weight(p, n, BIAS, NULL, err),
                             lyne_kept(p, n, 0, (size_t)(c.samples * c.groups) * 2 * sizeof(double)), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, n->op->component.name, forward, &c, sizeof c, b, 5, err);
}

/* ---- backward: src, diff_dst, weight, mean and rstd, diff_weight, diff_bias, diff_src or none ---- */

static void diff_sources(const lyne_grouping *c, const lyne_call *call) {
    const float *src = call->buffer[0], *diff = call->buffer[1], *weight = call->buffer[2];
    const double *kept = call->buffer[3];
    float *diff_src = call->buffer[6];
    const run r = run_of(c);
    const double n = (double)(r.pixels * r.width);
#pragma omp parallel for schedule(static) if (c->samples * c->pixels * c->channels > 16384)
    for (int64_t k = 0; k < c->samples * c->groups; k++) {
        const int64_t channel = k % c->groups * r.width, at = k / c->groups * c->pixels * c->channels + channel;
        const double mean = kept[2 * k], rstd = kept[2 * k + 1];
        double sum[2];
        diff_moments(r, src + at, diff + at, mean, rstd, weight + channel, sum);
        const double average[2] = {sum[0] / n, sum[1] / n};
        diff_write(r, src + at, diff + at, mean, rstd, weight + channel, average, diff_src + at);
    }
}

/* A few columns, all rows. */
LYNE_VECTOR static void diff_columns(const lyne_grouping *c, int64_t first, int64_t n, const float *restrict src,
                                     const float *restrict diff, const double *restrict kept,
                                     float *restrict diff_weight, float *restrict diff_bias) {
    double product[COLUMNS] = {0}, plain[COLUMNS] = {0};
    const int64_t width = c->channels / c->groups;
    for (int64_t s = 0; s < c->samples; s++) {
        double mean[COLUMNS], rstd[COLUMNS];
        for (int64_t i = 0; i < n; i++) {
            const int64_t k = s * c->groups + (first + i) / width;
            mean[i] = kept[2 * k];
            rstd[i] = kept[2 * k + 1];
        }
        for (int64_t p = 0; p < c->pixels; p++) {
            const int64_t at = (s * c->pixels + p) * c->channels + first;
            for (int64_t i = 0; i < n; i++) {
                plain[i] += (double)diff[at + i];
                product[i] += (double)diff[at + i] * ((double)src[at + i] - mean[i]) * rstd[i];
            }
        }
    }
    for (int64_t i = 0; i < n; i++) {
        diff_weight[first + i] = (float)product[i];
        diff_bias[first + i] = (float)plain[i];
    }
}

static void backward(const lyne_call *call) {
    const lyne_grouping *c = call->config;
    float *diff_weight = call->buffer[4], *diff_bias = call->buffer[5];
#pragma omp parallel for schedule(static) if (c->samples * c->pixels * c->channels > 16384)
    for (int64_t first = 0; first < c->channels; first += COLUMNS) {
        const int64_t left = c->channels - first;
        diff_columns(c, first, left < COLUMNS ? left : COLUMNS, call->buffer[0], call->buffer[1], call->buffer[3],
                     diff_weight, diff_bias);
    }
    if (call->buffer[6]) diff_sources(c, call);
}

lyne_status lyne_group_emit_backward(lyne_program *p, const lyne_node *n, lyne_grouping c, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0),
                             lyne_diff_dst(p, n),
                             lyne_weight(p, n, WEIGHT, NULL, err),
                             lyne_kept(p, n, 0, 0),
                             lyne_diff_weight(p, n, WEIGHT, NULL, err),
                             lyne_diff_weight(p, n, BIAS, NULL, err),
                             lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, n->op->component.name, backward, &c, sizeof c, b, 7, err);
}
