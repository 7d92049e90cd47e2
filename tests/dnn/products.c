/* Convolution, inner product and matmul, each pass, against one loop over (dst, src, weight) triples. */
#include "base/memory.h"
#include "harness.h"
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>

typedef struct triple_sum {
    dnn_pass pass;
    const float *src, *weights, *bias, *diff_dst;
    double *dst, *diff_src, *diff_weights, *diff_bias;
} triple_sum;

static void meet(triple_sum *s, size_t dst, size_t src, size_t weight) {
    if (s->dst) s->dst[dst] += (double)s->src[src] * (double)s->weights[weight];
    if (s->diff_src) s->diff_src[src] += (double)s->diff_dst[dst] * (double)s->weights[weight];
    if (s->diff_weights) s->diff_weights[weight] += (double)s->diff_dst[dst] * (double)s->src[src];
}

/* What of a layer's tensors a pass reads and writes. */
typedef struct layer {
    const char *name;
    dnn_tensor src, weights, bias, dst;
    float *in[4], *out[3]; /* src weights bias diff_dst; three results at most */
    double *want[3];
} layer;

enum { IN_SRC, IN_WEIGHTS, IN_BIAS, IN_DIFF_DST };

static void layer_open(layer *l) {
    const dnn_tensor *shapes[] = {&l->src, &l->weights, &l->bias, &l->dst};
    for (uint32_t i = 0; i < 4; i++) l->in[i] = numbers(shapes[i], 11 + i);
}

static void layer_close(layer *l) {
    for (int i = 0; i < 4; i++) lyne_free(l->in[i]);
}

typedef void reference(const void *row, triple_sum *s);

/* Run p for a pass and compare all it gives.  The bias is added, or summed over, here: channels are dimension 1. */
static void check_pass(dnn_context *c, dnn_primitive *p, const layer *l, dnn_pass pass, reference *walk,
                       const void *row, double tolerance) {
    size_t n_dst = count_of(&l->dst), n_src = count_of(&l->src), n_weights = count_of(&l->weights);
    size_t channels = (size_t)l->dst.dim[1], inner = n_dst / channels / (size_t)l->dst.dim[0];
    float *got = NULL, *got_bias = lyne_alloc(channels, sizeof(float));
    double *want = NULL, *want_bias = lyne_alloc(channels, sizeof(double));
    bool biased = l->bias.rank > 0;
    triple_sum s = {.src = l->in[IN_SRC], .weights = l->in[IN_WEIGHTS], .diff_dst = l->in[IN_DIFF_DST]};
    size_t n = pass == DNN_BACKWARD_DATA ? n_src : pass == DNN_BACKWARD_WEIGHTS ? n_weights : n_dst;
    got = lyne_alloc(n, sizeof *got);
    want = lyne_alloc(n, sizeof *want);
    switch (pass) {
    case DNN_BACKWARD_DATA: {
        const operand args[] = {{DNN_DIFF_DST, false, &l->dst, l->in[IN_DIFF_DST]},
                                {DNN_WEIGHTS, false, &l->weights, l->in[IN_WEIGHTS]},
                                {DNN_DIFF_SRC, true, &l->src, got}};
        run(c, p, args, 3, l->name);
        s.diff_src = want;
        break;
    }
    case DNN_BACKWARD_WEIGHTS: {
        const operand args[] = {{DNN_DIFF_DST, false, &l->dst, l->in[IN_DIFF_DST]},
                                {DNN_SRC, false, &l->src, l->in[IN_SRC]},
                                {DNN_DIFF_WEIGHTS, true, &l->weights, got},
                                {DNN_DIFF_BIAS, true, &l->bias, got_bias}};
        run(c, p, args, biased ? 4 : 3, l->name);
        s.diff_weights = want;
        break;
    }
    default: {
        const operand args[] = {{DNN_SRC, false, &l->src, l->in[IN_SRC]},
                                {DNN_WEIGHTS, false, &l->weights, l->in[IN_WEIGHTS]},
                                {DNN_DST, true, &l->dst, got},
                                {DNN_BIAS, false, &l->bias, l->in[IN_BIAS]}};
        run(c, p, args, biased ? 4 : 3, l->name);
        s.dst = want;
    }
    }
    walk(row, &s);
    for (size_t i = 0; i < n_dst; i++) {
        size_t channel = i / inner % channels;
        if (biased && s.dst) want[i] += (double)l->in[IN_BIAS][channel];
        want_bias[channel] += (double)l->in[IN_DIFF_DST][i];
    }
    same(got, want, n, tolerance, l->name);
    if (biased && s.diff_weights) same(got_bias, want_bias, channels, tolerance, l->name);
    lyne_free(got), lyne_free(want), lyne_free(got_bias), lyne_free(want_bias);
}

/* ---- convolution ---- */

typedef struct conv_row {
    const char *name;
    int64_t b, groups, i, h, w, o, kh, kw, stride[2], dilation[2], begin[2], end[2];
    bool bias;
} conv_row;

static const conv_row conv_rows[] = {
    {"3x3 same", 2, 1, 16, 8, 8, 16, 3, 3, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true},
    {"odd channels, no padding", 3, 1, 5, 7, 6, 7, 3, 3, {1, 1}, {1, 1}, {0, 0}, {0, 0}, false},
    {"first layer", 2, 1, 3, 9, 9, 16, 3, 3, {1, 1}, {1, 1}, {1, 1}, {1, 1}, false},
    {"strided", 2, 1, 16, 9, 9, 24, 3, 3, {2, 2}, {1, 1}, {1, 1}, {1, 1}, true},
    {"uneven stride and padding", 2, 1, 6, 10, 7, 9, 3, 2, {2, 1}, {1, 1}, {1, 0}, {0, 1}, true},
    {"dilated", 1, 1, 8, 11, 11, 8, 3, 3, {1, 1}, {2, 2}, {2, 2}, {2, 2}, true},
    {"1x1, batch 1", 1, 1, 17, 5, 5, 33, 1, 1, {1, 1}, {1, 1}, {0, 0}, {0, 0}, true},
    {"1x1 strided", 2, 1, 16, 6, 6, 32, 1, 1, {2, 2}, {1, 1}, {0, 0}, {0, 0}, false},
    {"5x5 on 5x5", 2, 1, 4, 5, 5, 10, 5, 5, {1, 1}, {1, 1}, {0, 0}, {0, 0}, true},
    {"grouped", 2, 3, 12, 6, 6, 18, 3, 3, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true},
    {"depthwise", 2, 20, 20, 7, 7, 20, 3, 3, {2, 2}, {1, 1}, {1, 1}, {1, 1}, false},
};
enum { N_CONV = sizeof conv_rows / sizeof *conv_rows };

static int64_t reach(int64_t in, int64_t k, int64_t stride, int64_t dilation, int64_t begin, int64_t end) {
    return (in + begin + end - (k - 1) * dilation - 1) / stride + 1;
}

static void conv_walk(const void *row, triple_sum *s) {
    const conv_row *r = row;
    int64_t oh = reach(r->h, r->kh, r->stride[0], r->dilation[0], r->begin[0], r->end[0]);
    int64_t ow = reach(r->w, r->kw, r->stride[1], r->dilation[1], r->begin[1], r->end[1]);
    int64_t ig = r->i / r->groups, og = r->o / r->groups;
    for (int64_t b = 0; b < r->b; b++)
        for (int64_t o = 0; o < r->o; o++)
            for (int64_t i = 0; i < ig; i++)
                for (int64_t at = 0; at < oh * ow; at++)
                    for (int64_t k = 0; k < r->kh * r->kw; k++) {
                        int64_t y = at / ow * r->stride[0] - r->begin[0] + k / r->kw * r->dilation[0];
                        int64_t x = at % ow * r->stride[1] - r->begin[1] + k % r->kw * r->dilation[1];
                        if (y < 0 || y >= r->h || x < 0 || x >= r->w) continue;
                        meet(s, (size_t)((b * r->o + o) * oh * ow + at),
                             (size_t)(((b * r->i + o / og * ig + i) * r->h + y) * r->w + x),
                             (size_t)((o * ig + i) * r->kh * r->kw + k));
                    }
}

static dnn_convolution_spec conv_spec(const conv_row *r, dnn_format weights, dnn_type type) {
    int64_t oh = reach(r->h, r->kh, r->stride[0], r->dilation[0], r->begin[0], r->end[0]);
    int64_t ow = reach(r->w, r->kw, r->stride[1], r->dilation[1], r->begin[1], r->end[1]);
    dnn_convolution_spec s = {.src = shape4(DNN_CHANNELS_LAST, r->b, r->i, r->h, r->w),
                              .weights = shape4(weights, r->o, r->i, r->kh, r->kw),
                              .bias = {.rank = r->bias, .dim = {r->o}},
                              .dst = shape4(DNN_CHANNELS_LAST, r->b, r->o, oh, ow)};
    if (r->groups > 1)
        s.weights = (dnn_tensor){
            .rank = 5, .dim = {r->groups, r->o / r->groups, r->i / r->groups, r->kh, r->kw}, .format = weights};
    s.src.type = s.weights.type = s.dst.type = type;
    for (int i = 0; i < 2; i++) {
        s.stride[i] = r->stride[i];
        s.dilation[i] = r->dilation[i];
        s.pad_begin[i] = r->begin[i];
        s.pad_end[i] = r->end[i];
    }
    return s;
}

static void check_convolution(const conv_row *r, dnn_format weights, dnn_type type, double tolerance) {
    dnn_context *c = open_context();
    for (dnn_pass pass = DNN_FORWARD_TRAINING; pass <= DNN_BACKWARD_WEIGHTS; pass++) {
        dnn_convolution_spec spec = conv_spec(r, weights, type);
        if (pass == DNN_BACKWARD_WEIGHTS) spec.weights.type = DNN_F32;
        char name[128];
        snprintf(name, sizeof name, "%s, weights %d, type %d, pass %d", r->name, weights, type, pass);
        layer l = {.name = name, .src = spec.src, .weights = spec.weights, .bias = spec.bias, .dst = spec.dst};
        layer_open(&l);
        dnn_primitive *p = NULL;
        lyne_error err = {0};
        cr_assert_eq(dnn_convolution(c, &spec, pass, &p, &err), LYNE_OK, "%s: %s", name, err.text);
        check_pass(c, p, &l, pass, conv_walk, r, tolerance);
        dnn_primitive_free(p);
        layer_close(&l);
    }
    dnn_context_free(c);
}

ParameterizedTestParameters(products, convolution) {
    static int rows[N_CONV];
    for (int i = 0; i < N_CONV; i++) rows[i] = i;
    return cr_make_param_array(int, rows, N_CONV);
}
ParameterizedTest(int *row, products, convolution) {
    check_convolution(&conv_rows[*row], DNN_ANY, DNN_F32, 1e-5);
    check_convolution(&conv_rows[*row], DNN_PLAIN, DNN_F32, 1e-5);
}

ParameterizedTestParameters(products, convolution_bf16) {
    static int rows[N_CONV];
    for (int i = 0; i < N_CONV; i++) rows[i] = i;
    return cr_make_param_array(int, rows, N_CONV);
}
ParameterizedTest(int *row, products, convolution_bf16) {
    if (!has_bf16()) cr_skip_test("no bf16");
    check_convolution(&conv_rows[*row], DNN_ANY, DNN_BF16, 5e-3);
}

/* ---- inner product ---- */

typedef struct ip_row {
    const char *name;
    dnn_format format; /* of src: rank 4 if channels-last */
    int64_t b, c, h, w, o;
    bool bias;
} ip_row;

static const ip_row ip_rows[] = {
    {"rank 2", DNN_PLAIN, 8, 64, 1, 1, 32, true},
    {"rank 2, odd", DNN_PLAIN, 3, 37, 1, 1, 10, false},
    {"rank 2, batch 1", DNN_PLAIN, 1, 20, 1, 1, 5, true},
    {"pictures", DNN_CHANNELS_LAST, 4, 16, 3, 2, 10, true},
    {"pictures, odd", DNN_CHANNELS_LAST, 2, 5, 3, 3, 7, false},
    {"flattened, wide", DNN_CHANNELS_LAST, 2, 24, 4, 4, 40, true},
};
enum { N_IP = sizeof ip_rows / sizeof *ip_rows };

static void ip_walk(const void *row, triple_sum *s) {
    const ip_row *r = row;
    size_t n = (size_t)(r->c * r->h * r->w);
    for (size_t b = 0; b < (size_t)r->b; b++)
        for (size_t o = 0; o < (size_t)r->o; o++)
            for (size_t i = 0; i < n; i++) meet(s, b * (size_t)r->o + o, b * n + i, o * n + i);
}

static void check_inner_product(const ip_row *r, dnn_format weights, dnn_type type, double tolerance) {
    dnn_context *c = open_context();
    for (dnn_pass pass = DNN_FORWARD_TRAINING; pass <= DNN_BACKWARD_WEIGHTS; pass++) {
        char name[128];
        snprintf(name, sizeof name, "%s, weights %d, type %d, pass %d", r->name, weights, type, pass);
        bool pictures = r->format == DNN_CHANNELS_LAST;
        layer l = {.name = name,
                   .src = pictures ? shape4(r->format, r->b, r->c, r->h, r->w) : shape2(r->format, r->b, r->c),
                   .weights = pictures ? shape4(weights, r->o, r->c, r->h, r->w) : shape2(weights, r->o, r->c),
                   .bias = {.rank = r->bias, .dim = {r->o}},
                   .dst = shape2(DNN_PLAIN, r->b, r->o)};
        l.src.type = l.weights.type = l.dst.type = type;
        if (pass == DNN_BACKWARD_WEIGHTS) l.weights.type = DNN_F32;
        layer_open(&l);
        dnn_primitive *p = NULL;
        lyne_error err = {0};
        cr_assert_eq(dnn_inner_product(c, l.src, l.weights, l.bias, l.dst, pass, &p, &err), LYNE_OK, "%s: %s", name,
                     err.text);
        check_pass(c, p, &l, pass, ip_walk, r, tolerance);
        dnn_primitive_free(p);
        layer_close(&l);
    }
    dnn_context_free(c);
}

ParameterizedTestParameters(products, inner_product) {
    static int rows[N_IP];
    for (int i = 0; i < N_IP; i++) rows[i] = i;
    return cr_make_param_array(int, rows, N_IP);
}
ParameterizedTest(int *row, products, inner_product) {
    check_inner_product(&ip_rows[*row], DNN_ANY, DNN_F32, 1e-5);
    check_inner_product(&ip_rows[*row], DNN_PLAIN, DNN_F32, 1e-5);
    if (has_bf16()) check_inner_product(&ip_rows[*row], DNN_ANY, DNN_BF16, 5e-3);
}

/* ---- matmul ---- */

typedef struct matmul_row {
    const char *name;
    int64_t batch; /* 0: rank 2 */
    int64_t m, n, k;
    dnn_format src, weights;
    dnn_type type, dst_type;
    bool bias;
} matmul_row;

static const matmul_row matmul_rows[] = {
    {"plain", 0, 5, 7, 9, DNN_PLAIN, DNN_PLAIN, DNN_F32, DNN_F32, false},
    {"bias, any", 0, 16, 32, 48, DNN_PLAIN, DNN_ANY, DNN_F32, DNN_F32, true},
    {"transposed src", 0, 12, 20, 33, DNN_TRANSPOSED, DNN_PLAIN, DNN_F32, DNN_F32, false},
    {"transposed weights", 0, 1, 10, 17, DNN_PLAIN, DNN_TRANSPOSED, DNN_F32, DNN_F32, true},
    {"batched", 3, 4, 6, 5, DNN_PLAIN, DNN_PLAIN, DNN_F32, DNN_F32, true},
    {"bf16 to f32", 0, 24, 40, 32, DNN_TRANSPOSED, DNN_PLAIN, DNN_BF16, DNN_F32, false},
    {"bf16", 2, 8, 16, 32, DNN_PLAIN, DNN_ANY, DNN_BF16, DNN_BF16, false},
};
enum { N_MATMUL = sizeof matmul_rows / sizeof *matmul_rows };

static dnn_tensor matrix(const matmul_row *r, dnn_format format, dnn_type type, int64_t a, int64_t b) {
    if (r->batch == 0) return (dnn_tensor){.rank = 2, .dim = {a, b}, .type = type, .format = format};
    return (dnn_tensor){.rank = 3, .dim = {r->batch, a, b}, .type = type, .format = format};
}

ParameterizedTestParameters(products, matmul) {
    static int rows[N_MATMUL];
    for (int i = 0; i < N_MATMUL; i++) rows[i] = i;
    return cr_make_param_array(int, rows, N_MATMUL);
}
ParameterizedTest(int *row, products, matmul) {
    const matmul_row *r = &matmul_rows[*row];
    if (r->type == DNN_BF16 && !has_bf16()) cr_skip_test("no bf16");
    size_t m = (size_t)r->m, n = (size_t)r->n, k = (size_t)r->k, batch = r->batch ? (size_t)r->batch : 1;
    dnn_tensor src = matrix(r, r->src, r->type, r->m, r->k), weights = matrix(r, r->weights, r->type, r->k, r->n);
    dnn_tensor dst = matrix(r, DNN_PLAIN, r->dst_type, r->m, r->n), bias = {.rank = r->bias ? dst.rank : 0};
    for (int i = 0; i < bias.rank; i++) bias.dim[i] = i == bias.rank - 1 ? r->n : 1;
    float *x = numbers(&src, 1), *w = numbers(&weights, 2), *b = numbers(&bias, 3);
    float *got = lyne_alloc(batch * m * n, sizeof *got);
    double *want = lyne_alloc(batch * m * n, sizeof *want);
    for (size_t at = 0; at < batch * m * n; at++) {
        size_t from = at / (m * n), i = at / n % m, j = at % n;
        want[at] = r->bias ? (double)b[j] : 0;
        for (size_t l = 0; l < k; l++)
            want[at] += (double)x[(from * m + i) * k + l] * (double)w[(from * k + l) * n + j];
    }
    dnn_context *c = open_context();
    dnn_primitive *p = NULL;
    lyne_error err = {0};
    cr_assert_eq(dnn_matmul(c, src, weights, bias, dst, &p, &err), LYNE_OK, "%s: %s", r->name, err.text);
    const operand args[] = {{DNN_SRC, false, &src, x},
                            {DNN_WEIGHTS, false, &weights, w},
                            {DNN_DST, true, &dst, got},
                            {DNN_BIAS, false, &bias, b}};
    run(c, p, args, r->bias ? 4 : 3, r->name);
    same(got, want, batch * m * n, r->dst_type == DNN_F32 ? 1e-5 : 5e-3, r->name);
    dnn_primitive_free(p);
    dnn_context_free(c);
    lyne_free(x), lyne_free(w), lyne_free(b), lyne_free(got), lyne_free(want);
}
