/* reference/forward.c -- see forward.h.  Nothing here is fast, clever or shared with src/. */
#include "reference/forward.h"
#include "base/random.h"
#include "lyne/ops.h"
#include <math.h>
#include <string.h>

static int64_t size(const lyne_shape *s) {
    return lyne_shape_size(s);
}

/* (b, c, h, w) of a picture, 0 outside. */
static double at(const double *x, const lyne_shape *s, int64_t b, int64_t c, int64_t h, int64_t w) {
    const int64_t *d = s->dim;
    return h < 0 || w < 0 || h >= d[2] || w >= d[3] ? 0 : x[((b * d[1] + c) * d[2] + h) * d[3] + w];
}

static void normalize(const reference_call *r) {
    const lyne_normalize_config *c = r->node->config;
    const int64_t *d = r->node->shape.dim;
    for (int64_t i = 0; i < size(&r->node->shape); i++) {
        const size_t k = (size_t)(i / (d[2] * d[3]) % d[1]);
        const double mean = c->mean.n == 0 ? 0 : c->mean.item[c->mean.n == 1 ? 0 : k];
        const double sd = c->sd.n == 0 ? 1 : c->sd.item[c->sd.n == 1 ? 0 : k];
        r->dst[i] = (r->src[0][i] / 255 - mean) / sd;
    }
}

static void linear(const reference_call *r) {
    const lyne_linear_config *c = r->node->config;
    const int64_t B = size(&r->node->shape) / c->units, F = size(&r->node->src[0]->shape) / B;
    for (int64_t b = 0; b < B; b++)
        for (int64_t o = 0; o < c->units; o++) {
            double sum = c->bias ? r->param[1][o] : 0;
            for (int64_t i = 0; i < F; i++) sum += r->src[0][b * F + i] * r->param[0][o * F + i];
            r->dst[b * c->units + o] = sum;
        }
}

static void conv2d(const reference_call *r) {
    const lyne_conv2d_config *c = r->node->config;
    const lyne_shape *src = &r->node->src[0]->shape;
    const int64_t *d = r->node->shape.dim, I = src->dim[1] / c->groups, O = c->filters / c->groups, k = c->kernel;
    double *dst = r->dst;
    for (int64_t b = 0; b < d[0]; b++)
        for (int64_t o = 0; o < d[1]; o++)
            for (int64_t y = 0; y < d[2]; y++)
                for (int64_t x = 0; x < d[3]; x++) {
                    double sum = c->bias ? r->param[1][o] : 0;
                    for (int64_t i = 0; i < I; i++)
                        for (int64_t u = 0; u < k; u++)
                            for (int64_t v = 0; v < k; v++)
                                sum +=
                                    r->param[0][((o * I + i) * k + u) * k + v] *
                                    at(r->src[0], src, b, o / O * I + i, y * c->stride + u * c->dilation - c->padding,
                                       x * c->stride + v * c->dilation - c->padding);
                    *dst++ = sum;
                }
}

static void batch_norm(const reference_call *r) {
    const lyne_batch_norm_config *c = r->node->config;
    const int64_t B = r->node->shape.dim[0], C = r->node->shape.dim[1], P = size(&r->node->shape) / B / C;
    for (int64_t k = 0; k < C; k++) {
        double mean = 0, var = 0;
        for (int64_t b = 0; b < B; b++)
            for (int64_t i = 0; i < P; i++) mean += r->src[0][(b * C + k) * P + i] / (double)(B * P);
        for (int64_t b = 0; b < B; b++)
            for (int64_t i = 0; i < P; i++) var += pow(r->src[0][(b * C + k) * P + i] - mean, 2) / (double)(B * P);
        if (!r->training) mean = r->param[2][k], var = r->param[3][k];
        for (int64_t b = 0; b < B; b++)
            for (int64_t i = 0; i < P; i++) {
                const int64_t j = (b * C + k) * P + i;
                r->dst[j] = (r->src[0][j] - mean) / sqrt(var + c->epsilon) * r->param[0][k] + r->param[1][k];
            }
    }
}

static void relu(const reference_call *r) {
    for (int64_t i = 0; i < size(&r->node->shape); i++) r->dst[i] = r->src[0][i] > 0 ? r->src[0][i] : 0;
}

static void pool(const reference_call *r, bool maximum) {
    const lyne_pool_config *c = r->node->config;
    const lyne_shape *src = &r->node->src[0]->shape;
    const int64_t *d = r->node->shape.dim, stride = c->stride ? c->stride : c->kernel;
    double *dst = r->dst;
    for (int64_t b = 0; b < d[0]; b++)
        for (int64_t k = 0; k < d[1]; k++)
            for (int64_t y = 0; y < d[2]; y++)
                for (int64_t x = 0; x < d[3]; x++) {
                    double max = -INFINITY, sum = 0, n = 0;
                    for (int64_t u = 0; u < c->kernel; u++)
                        for (int64_t v = 0; v < c->kernel; v++) {
                            const int64_t h = y * stride + u - c->padding, w = x * stride + v - c->padding;
                            if (h < 0 || w < 0 || h >= src->dim[2] || w >= src->dim[3]) continue;
                            max = fmax(max, at(r->src[0], src, b, k, h, w));
                            sum += at(r->src[0], src, b, k, h, w);
                            n++;
                        }
                    *dst++ = maximum ? max : sum / n;
                }
}
static void max_pool(const reference_call *r) {
    pool(r, true);
}
static void avg_pool(const reference_call *r) {
    pool(r, false);
}

static void global_avg_pool(const reference_call *r) {
    const int64_t *d = r->node->src[0]->shape.dim, P = d[2] * d[3];
    for (int64_t i = 0; i < d[0] * d[1]; i++) {
        r->dst[i] = 0;
        for (int64_t k = 0; k < P; k++) r->dst[i] += r->src[0][i * P + k] / (double)P;
    }
}

static void flatten(const reference_call *r) {
    memcpy(r->dst, r->src[0], (size_t)size(&r->node->shape) * sizeof(double));
}

/* The mask runs over a row as it lies in memory, which for a picture is channels last. */
static void dropout(const reference_call *r) {
    const lyne_dropout_config *c = r->node->config;
    const lyne_shape *s = &r->node->shape;
    const int64_t width = size(s) / s->dim[0], P = s->rank == 4 ? s->dim[2] * s->dim[3] : 1, C = width / P;
    for (int64_t b = 0; b < s->dim[0]; b++) {
        lyne_stream stream =
            lyne_stream_at(r->clock.seed, LYNE_FOR_DROPOUT, (uint32_t)r->node->index, r->clock.position + (uint64_t)b);
        for (int64_t i = 0; i < P; i++)
            for (int64_t k = 0; k < C; k++) {
                const int64_t j = b * width + k * P + i;
                const bool drop = lyne_stream_bits(&stream) < c->rate * 0x1p32;
                r->dst[j] = !r->training ? r->src[0][j] : drop ? 0 : r->src[0][j] / (1 - c->rate);
            }
    }
}

static void softmax(const reference_call *r) {
    const lyne_shape *s = &r->node->shape;
    const int64_t n = s->dim[s->rank - 1];
    for (int64_t row = 0; row < size(s) / n; row++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += exp(r->src[0][row * n + i]);
        for (int64_t i = 0; i < n; i++) r->dst[row * n + i] = exp(r->src[0][row * n + i]) / sum;
    }
}

static void layer_norm(const reference_call *r) {
    const double epsilon = ((const lyne_layer_norm_config *)r->node->config)->epsilon;
    const int64_t F = r->node->shape.dim[r->node->shape.rank - 1];
    for (int64_t row = 0; row < size(&r->node->shape) / F; row++) {
        const double *x = r->src[0] + row * F;
        double mean = 0, var = 0;
        for (int64_t i = 0; i < F; i++) mean += x[i] / (double)F;
        for (int64_t i = 0; i < F; i++) var += pow(x[i] - mean, 2) / (double)F;
        for (int64_t i = 0; i < F; i++)
            r->dst[row * F + i] = (x[i] - mean) / sqrt(var + epsilon) * r->param[0][i] + r->param[1][i];
    }
}

static void group_norm(const reference_call *r) {
    const lyne_group_norm_config *c = r->node->config;
    const int64_t B = r->node->shape.dim[0], C = r->node->shape.dim[1], P = size(&r->node->shape) / B / C;
    const int64_t n = C / c->groups * P; /* in logical order a group is one run */
    for (int64_t k = 0; k < B * c->groups; k++) {
        const double *x = r->src[0] + k * n;
        double mean = 0, var = 0;
        for (int64_t i = 0; i < n; i++) mean += x[i] / (double)n;
        for (int64_t i = 0; i < n; i++) var += pow(x[i] - mean, 2) / (double)n;
        for (int64_t i = 0; i < n; i++) {
            const int64_t channel = (k * n + i) / P % C;
            r->dst[k * n + i] = (x[i] - mean) / sqrt(var + c->epsilon) * r->param[0][channel] + r->param[1][channel];
        }
    }
}

/* The place of element i of dst in a value of other dimensions: coordinate k is coordinate k of dst less offset[k], or
 * 0 where that value has 1.  -1: outside. */
static int64_t place(const lyne_shape *dst, int64_t i, const lyne_shape *s, const int64_t offset[LYNE_MAX_RANK]) {
    int64_t at = 0, step = 1;
    for (int k = dst->rank - 1; k >= 0; k--) {
        int64_t x = i % dst->dim[k] - offset[k];
        i /= dst->dim[k];
        if (s->dim[k] == 1 && offset[k] == 0) x = 0;
        if (x < 0 || x >= s->dim[k]) return -1;
        at += x * step;
        step *= s->dim[k];
    }
    return at;
}

static void add(const reference_call *r) {
    const int64_t none[LYNE_MAX_RANK] = {0};
    const lyne_shape *s = &r->node->shape;
    for (int64_t i = 0; i < size(s); i++)
        r->dst[i] = r->src[0][place(s, i, &r->node->src[0]->shape, none)] +
                    r->src[1][place(s, i, &r->node->src[1]->shape, none)];
}

static void mul(const reference_call *r) {
    const int64_t none[LYNE_MAX_RANK] = {0};
    const lyne_shape *s = &r->node->shape;
    for (int64_t i = 0; i < size(s); i++)
        r->dst[i] = r->src[0][place(s, i, &r->node->src[0]->shape, none)] *
                    r->src[1][place(s, i, &r->node->src[1]->shape, none)];
}

static void concat(const reference_call *r) {
    const int64_t axis = ((const lyne_concat_config *)r->node->config)->axis;
    const lyne_shape *s = &r->node->shape, *a = &r->node->src[0]->shape, *b = &r->node->src[1]->shape;
    const int64_t none[LYNE_MAX_RANK] = {0};
    int64_t behind[LYNE_MAX_RANK] = {0};
    behind[axis] = a->dim[axis];
    for (int64_t i = 0; i < size(s); i++) {
        const int64_t in_b = place(s, i, b, behind);
        r->dst[i] = in_b >= 0 ? r->src[1][in_b] : r->src[0][place(s, i, a, none)];
    }
}

static void slice(const reference_call *r) {
    const lyne_slice_config *c = r->node->config;
    int64_t before[LYNE_MAX_RANK] = {0};
    before[c->axis] = -c->first;
    for (int64_t i = 0; i < size(&r->node->shape); i++)
        r->dst[i] = r->src[0][place(&r->node->shape, i, &r->node->src[0]->shape, before)];
}

static void transpose(const reference_call *r) {
    const lyne_transpose_config *c = r->node->config;
    const lyne_shape *s = &r->node->shape, *src = &r->node->src[0]->shape;
    for (int64_t i = 0; i < size(s); i++) {
        int64_t x[LYNE_MAX_RANK], left = i, at = 0;
        for (int k = s->rank - 1; k >= 0; k--) {
            x[k] = left % s->dim[k];
            left /= s->dim[k];
        }
        for (int k = 0; k < s->rank; k++) at = at * src->dim[k] + x[k == c->a ? c->b : k == c->b ? c->a : k];
        r->dst[i] = r->src[0][at];
    }
}

/* Who is padding: source 1 of masked_self_attention, lengths or tokens. */
static bool hidden(const reference_call *r, int64_t b, int64_t s) {
    if (r->node->n_src != 2) return false;
    const lyne_shape *shape = &r->node->src[1]->shape;
    if (shape->rank == 1) return s >= r->src[1][b];
    return r->src[1][b * shape->dim[1] + s] == (double)((const lyne_attention_config *)r->node->config)->padding;
}

static void attention(const reference_call *r) {
    const lyne_attention_config *c = r->node->config;
    const int64_t L = r->node->shape.dim[1], F = r->node->shape.dim[2], D = F / c->heads;
    const bool packed = r->node->n_src < 3;
    const int64_t S = r->node->src[packed ? 0 : 1]->shape.dim[1], row = packed ? 3 * F : F;
    const double *q = r->src[0], *k = packed ? q + F : r->src[1], *v = packed ? q + 2 * F : r->src[2];
    for (int64_t i = 0; i < size(&r->node->shape); i++) { /* one number of dst at a time */
        const int64_t b = i / (L * F), l = i / F % L, f = i % F, h = f / D;
        double sum = 0, dst = 0;
        for (int64_t s = 0; s < (c->causal ? l + 1 : S); s++) {
            double score = 0;
            for (int64_t d = 0; d < D; d++)
                score += q[(b * L + l) * row + h * D + d] * k[(b * S + s) * row + h * D + d];
            const double e = hidden(r, b, s) ? 0 : exp(score / sqrt((double)D));
            sum += e;
            dst += e * v[(b * S + s) * row + f];
        }
        r->dst[i] = sum == 0 ? 0 : dst / sum;
    }
}

static void adaptive_avg_pool(const reference_call *r) {
    const lyne_shape *src = &r->node->src[0]->shape;
    const int64_t *d = r->node->shape.dim, H = src->dim[2], W = src->dim[3];
    for (int64_t i = 0; i < size(&r->node->shape); i++) {
        const double y = (double)(i / d[3] % d[2]), x = (double)(i % d[3]), n = (double)d[2], m = (double)d[3];
        double sum = 0, pixels = 0;
        for (int64_t h = (int64_t)floor(y * (double)H / n); h < (int64_t)ceil((y + 1) * (double)H / n); h++)
            for (int64_t w = (int64_t)floor(x * (double)W / m); w < (int64_t)ceil((x + 1) * (double)W / m); w++) {
                sum += at(r->src[0], src, i / (d[1] * d[2] * d[3]), i / (d[2] * d[3]) % d[1], h, w);
                pixels++;
            }
        r->dst[i] = sum / pixels;
    }
}

static void matmul(const reference_call *r) {
    const lyne_matmul_config *c = r->node->config;
    const int64_t *d = r->node->shape.dim, M = d[1], N = d[2];
    const int64_t K = size(&r->node->src[0]->shape) / (d[0] * M);
    for (int64_t i = 0; i < d[0] * M * N; i++) {
        const int64_t b = i / (M * N), m = i / N % M, n = i % N;
        r->dst[i] = 0;
        for (int64_t k = 0; k < K; k++)
            r->dst[i] += r->src[0][b * M * K + (c->transpose_a ? k * M + m : m * K + k)] *
                         r->src[1][b * K * N + (c->transpose_b ? n * K + k : k * N + n)];
    }
}

static void sequence_mean(const reference_call *r) {
    const int64_t padding = ((const lyne_sequence_mean_config *)r->node->config)->padding;
    const int64_t *d = r->node->src[0]->shape.dim, L = d[1], F = d[2];
    for (int64_t i = 0; i < d[0] * F; i++) {
        double sum = 0, n = 0;
        for (int64_t l = 0; l < L; l++)
            if (r->src[1][i / F * L + l] != (double)padding) {
                sum += r->src[0][(i / F * L + l) * F + i % F];
                n++;
            }
        r->dst[i] = n > 0 ? sum / n : 0;
    }
}

static void embedding(const reference_call *r) {
    const int64_t width = ((const lyne_embedding_config *)r->node->config)->width;
    for (int64_t i = 0; i < size(&r->node->shape); i++)
        r->dst[i] = r->param[0][(int64_t)r->src[0][i / width] * width + i % width];
}

static void positions(const reference_call *r) {
    const int64_t *d = r->node->shape.dim;
    for (int64_t i = 0; i < size(&r->node->shape); i++) r->dst[i] = r->src[0][i] + r->param[0][i % (d[1] * d[2])];
}

static void relu6(const reference_call *r) {
    for (int64_t i = 0; i < size(&r->node->shape); i++) r->dst[i] = fmin(fmax(r->src[0][i], 0), 6);
}
static void leaky_relu(const reference_call *r) {
    const double slope = ((const lyne_leaky_relu_config *)r->node->config)->slope;
    for (int64_t i = 0; i < size(&r->node->shape); i++)
        r->dst[i] = fmax(r->src[0][i], 0) + slope * fmin(r->src[0][i], 0);
}
static void gelu(const reference_call *r) {
    for (int64_t i = 0; i < size(&r->node->shape); i++)
        r->dst[i] = r->src[0][i] * (1 + erf(r->src[0][i] / sqrt(2))) / 2;
}
static void silu(const reference_call *r) {
    for (int64_t i = 0; i < size(&r->node->shape); i++) r->dst[i] = r->src[0][i] / (1 + exp(-r->src[0][i]));
}
static void hard_swish(const reference_call *r) {
    for (int64_t i = 0; i < size(&r->node->shape); i++)
        r->dst[i] = r->src[0][i] * fmin(fmax(r->src[0][i] + 3, 0), 6) / 6;
}
static void sigmoid(const reference_call *r) {
    for (int64_t i = 0; i < size(&r->node->shape); i++) r->dst[i] = 1 / (1 + exp(-r->src[0][i]));
}
static void hyperbolic_tangent(const reference_call *r) {
    for (int64_t i = 0; i < size(&r->node->shape); i++) r->dst[i] = 1 - 2 / (exp(2 * r->src[0][i]) + 1);
}

bool reference_forward(const reference_call *c) {
    static const struct {
        const char *name;
        void (*forward)(const reference_call *r);
    } table[] = {{"normalize", normalize},
                 {"linear", linear},
                 {"conv2d", conv2d},
                 {"batch_norm", batch_norm},
                 {"relu", relu},
                 {"max_pool", max_pool},
                 {"avg_pool", avg_pool},
                 {"global_avg_pool", global_avg_pool},
                 {"add", add},
                 {"flatten", flatten},
                 {"dropout", dropout},
                 {"softmax", softmax},
                 {"layer_norm", layer_norm},
                 {"group_norm", group_norm},
                 {"mul", mul},
                 {"concat", concat},
                 {"slice", slice},
                 {"transpose", transpose},
                 {"reshape", flatten},
                 {"attention", attention},
                 {"self_attention", attention},
                 {"masked_self_attention", attention},
                 {"embedding", embedding},
                 {"each_place", flatten},
                 {"matmul", matmul},
                 {"adaptive_avg_pool", adaptive_avg_pool},
                 {"sequence_mean", sequence_mean},
                 {"positions", positions},
                 {"relu6", relu6},
                 {"leaky_relu", leaky_relu},
                 {"gelu", gelu},
                 {"silu", silu},
                 {"hard_swish", hard_swish},
                 {"sigmoid", sigmoid},
                 {"tanh", hyperbolic_tangent}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, c->node->op->component.name) == 0) {
            table[i].forward(c);
            return true;
        }
    return false;
}
