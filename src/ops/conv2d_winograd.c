/* ops/conv2d_winograd.c -- 3 x 3 convolutions in f32 by Winograd's F(4 x 4, 3 x 3): Lavin and Gray 2015,
 * arXiv:1509.09308.
 *   dst tile (4, 4) = A^T [ sum_i (G w G^T) * (B^T d B) ] A     36 products for 16 pixels, not 144
 *   diff_src: the same with filters turned by half and channels exchanged
 *   diff_weight = G^T [ sum over tiles (B^T d B) * (A diff_dst A^T) ] G
 * Each thread takes blocks of 32 tiles through all three steps, which stay in its cache.  Rounding is that of f32 with
 * factors up to 8, about 1e-6 of the largest number.
 *
 * Filters are transformed when the weights have changed.  The weight gradient is summed in shares whose number depends
 * on the geometry alone, and then over the shares in order, so bits do not depend on the threads. */
#include "ops/conv2d_winograd.h"
#include "base/cpu.h"
#include "ops/conv2d_kernels.h"
#include "ops/fold.h"
#include <omp.h>

enum { MAX_PARTS = 8, LARGEST = 256 };

static bool can(const conv_geometry *c, conv_pass pass) {
    (void)pass;
    return lyne_cpu_isa() >= LYNE_ISA_AVX512 && !c->bf16 && c->kernel == 3 && c->stride == 1 && c->padding == 1 &&
           c->dilation == 1 && c->groups == 1 && c->in % 16 == 0 && c->out % 16 == 0 && c->in <= LARGEST &&
           c->out <= LARGEST;
}

static int64_t tiles_of(int64_t pixels) {
    return (pixels + 3) / 4;
}

/* Tiles that hang over the edge cost as much as the others.  The sums of a weight gradient must stay in the cache. */
static bool pays(const conv_geometry *c, conv_pass pass) {
    if (pass == CONV_WEIGHTS && c->in * c->out > 128 * 256) return false;
    return 16 * tiles_of(c->rows) * tiles_of(c->columns) <= 2 * c->rows * c->columns;
}

typedef struct winograd_config {
    winograd_pictures src, dst; /* of the product: in backward data the gradients' */
    int64_t tiles, blocks;
    int parts;
    winograd_after after;
} winograd_config;

static winograd_config config_of(const conv_geometry *c) {
    winograd_config w = {.src = {.batch = c->batch,
                                 .height = c->height,
                                 .width = c->width,
                                 .channels = c->in,
                                 .down = tiles_of(c->rows),
                                 .across = tiles_of(c->columns)}};
    w.dst = w.src;
    w.dst.channels = c->out;
    w.tiles = c->batch * w.src.down * w.src.across;
    w.blocks = (w.tiles + WINOGRAD_TILES - 1) / WINOGRAD_TILES;
    w.parts = w.blocks < MAX_PARTS ? (int)w.blocks : MAX_PARTS;
    return w;
}

static int64_t transformed(const winograd_config *w) {
    return WINOGRAD_POINTS * (winograd_plane(w->src.channels) + winograd_plane(w->dst.channels));
}

/* ---- forward and backward data ---- */

/* buffers: src, dst, transformed filters, bias or none, scratch for each thread */
static void convolve(const lyne_call *call) {
    const winograd_config *w = call->config;
    const int64_t k = w->src.channels, n = w->dst.channels;
#pragma omp parallel if (w->blocks > 1)
    {
        float *v = (float *)call->buffer[4] + omp_get_thread_num() * transformed(w);
        float *m = v + WINOGRAD_POINTS * winograd_plane(k);
#pragma omp for schedule(static)
        for (int64_t b = 0; b < w->blocks; b++) {
            const int64_t first = b * WINOGRAD_TILES, rest = w->tiles - first;
            winograd_around(&w->src, call->buffer[0], first, v);
            winograd_multiply(rest < WINOGRAD_TILES ? rest : WINOGRAD_TILES, k, n, v, call->buffer[2], m);
            winograd_gather(&w->dst, m, first, call->buffer[3], w->after, call->buffer[1]);
        }
    }
}

/* For each of the k channels that are summed over, its n filters; w (O, I, 9). */
typedef struct filter_config {
    int64_t out, in;
    bool turned; /* k = O, n = I, taps in reverse order; else k = I, n = O */
} filter_config;

/* buffers: weight, transformed filters (POINTS, k, n) */
static void transform_filters(const lyne_call *call) {
    const filter_config *f = call->config;
    const float *weight = call->buffer[0];
    float *u = call->buffer[1];
    const int64_t k = f->turned ? f->out : f->in, n = f->turned ? f->in : f->out;
#pragma omp parallel for schedule(static) if (k * n > 512)
    for (int64_t i = 0; i < k; i++) {
        float row[9 * LARGEST];
        for (int64_t j = 0; j < n; j++) {
            const float *w = weight + (f->turned ? i * n + j : j * k + i) * 9;
            for (int t = 0; t < 9; t++) row[(f->turned ? 8 - t : t) * n + j] = w[t];
        }
        winograd_filters(n, row, k * n, u + i * n);
    }
}

static size_t filter_bytes(const filter_config *f) {
    return (size_t)(WINOGRAD_POINTS * f->out * f->in) * sizeof(float);
}

static filter_config filters_of(const lyne_node *n, bool turned) {
    const int64_t *shape = lyne_graph_param(n->graph, n->param[0])->shape.dim;
    return (filter_config){.out = shape[0], .in = shape[1], .turned = turned};
}

/* The filters as they are after the norm behind the convolution. */
static lyne_buffer folded_filters(lyne_program *p, const lyne_node *n, lyne_buffer *bias, lyne_error *err) {
    const filter_config f = filters_of(n, false);
    lyne_buffer b[2];
    if (lyne_emit_fold(p, n, &b[0], bias, err) != LYNE_OK) return LYNE_NO_BUFFER;
    b[1] = lyne_scratch(p, filter_bytes(&f));
    lyne_at_refresh(p, true);
    lyne_status status = lyne_emit_kernel(p, n, "winograd filters", transform_filters, &f, sizeof f, b, 2, err);
    lyne_at_refresh(p, false);
    return status == LYNE_OK ? lyne_refreshed(p, n, b[1], NULL, err) : LYNE_NO_BUFFER;
}

static lyne_buffer filters(lyne_program *p, const lyne_node *n, bool turned, lyne_error *err) {
    const filter_config f = filters_of(n, turned);
    const char *name = turned ? "turned winograd filters" : "winograd filters";
    return lyne_weight_made(p, n, 0, filter_bytes(&f), name, transform_filters, &f, sizeof f, err);
}

static lyne_status emit_convolve(lyne_program *p, const lyne_node *n, winograd_config w, lyne_buffer u, lyne_buffer src,
                                 lyne_buffer dst, lyne_buffer bias, lyne_error *err) {
    if (u == LYNE_NO_BUFFER) return err->status;
    const size_t scratch = (size_t)(omp_get_max_threads() * transformed(&w)) * sizeof(float);
    const lyne_buffer b[] = {src, dst, u, bias, lyne_scratch(p, scratch)};
    return lyne_emit_kernel(p, n, "winograd", convolve, &w, sizeof w, b, 5, err);
}

/* ---- backward weights ---- */

/* The sums of one share of the blocks; sum (POINTS, I, O). */
static void correlate_part(const lyne_call *call, int part, float *scratch, float *sum) {
    const winograd_config *w = call->config;
    const int64_t k = w->src.channels, n = w->dst.channels, first = w->blocks * part / w->parts;
    float *d = scratch + WINOGRAD_POINTS * winograd_plane(k);
    for (int64_t b = first; b < w->blocks * (part + 1) / w->parts; b++) {
        winograd_around(&w->src, call->buffer[0], b * WINOGRAD_TILES, scratch);
        winograd_spread(&w->dst, call->buffer[1], b * WINOGRAD_TILES, d);
        winograd_correlate(k, n, scratch, d, b == first, sum);
    }
}

/* Row i of the sums over all shares, and back to filters. */
static void finish_row(const winograd_config *w, int64_t i, float *sums, float *diff_weight) {
    const int64_t k = w->src.channels, n = w->dst.channels, size = WINOGRAD_POINTS * k * n;
    for (int part = 1; part < w->parts; part++)
        for (int point = 0; point < WINOGRAD_POINTS; point++) {
            float *to = sums + (point * k + i) * n;
            for (int64_t j = 0; j < n; j++) to[j] += to[part * size + j];
        }
    float row[9 * LARGEST];
    winograd_filters_back(n, sums + i * n, k * n, row);
    for (int64_t j = 0; j < n; j++)
        for (int t = 0; t < 9; t++) diff_weight[(j * k + i) * 9 + t] = row[t * n + j];
}

/* buffers: src, diff_dst, diff_weight, scratch for each thread, sums (parts, POINTS, I, O) */
static void correlate(const lyne_call *call) {
    const winograd_config *w = call->config;
    const int64_t k = w->src.channels, size = WINOGRAD_POINTS * k * w->dst.channels;
    float *scratch = call->buffer[3], *sums = call->buffer[4];
#pragma omp parallel if (w->blocks > 1)
    {
#pragma omp for schedule(static)
        for (int part = 0; part < w->parts; part++)
            correlate_part(call, part, scratch + omp_get_thread_num() * transformed(w), sums + part * size);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < k; i++) finish_row(w, i, sums, call->buffer[2]);
    }
}

static lyne_status emit_correlate(lyne_program *p, const lyne_node *n, winograd_config w, lyne_buffer diff_dst,
                                  lyne_error *err) {
    const size_t scratch = (size_t)(omp_get_max_threads() * transformed(&w)) * sizeof(float);
    const size_t sums = (size_t)(w.parts * WINOGRAD_POINTS * w.src.channels * w.dst.channels) * sizeof(float);
    const lyne_buffer b[] = {lyne_src(p, n, 0), diff_dst, lyne_diff_weight(p, n, 0, NULL, err),
                             lyne_scratch(p, scratch), lyne_scratch(p, sums)};
    lyne_status status = lyne_emit_kernel(p, n, "winograd", correlate, &w, sizeof w, b, 5, err);
    return status == LYNE_OK ? conv_emit_diff_bias(p, n, diff_dst, err) : status;
}

static lyne_status emit_forward(lyne_program *p, const lyne_node *n, winograd_config w, lyne_error *err) {
    if (!lyne_is_training(p)) lyne_fold_readers(p, n);
    const dnn_after after = lyne_folded(p, n);
    w.after = (winograd_after){.add = after.add_dst, .relu = after.relu, .upper = after.upper};
    lyne_buffer u, bias = LYNE_NO_BUFFER;
    if (lyne_folds_norm(p, n))
        u = folded_filters(p, n, &bias, err);
    else {
        u = filters(p, n, false, err);
        if (n->n_params > 1) bias = lyne_weight(p, n, 1, NULL, err);
    }
    return emit_convolve(p, n, w, u, lyne_src(p, n, 0), lyne_dst(p, n), bias, err);
}

static lyne_status emit(lyne_program *p, const lyne_node *n, conv_pass pass, conv_diff diff, lyne_error *err) {
    const conv_geometry c = conv_geometry_of(n);
    winograd_config w = config_of(&c);
    if (pass == CONV_WEIGHTS) return emit_correlate(p, n, w, diff.dst, err);
    if (pass == CONV_FORWARD) return emit_forward(p, n, w, err);
    w.src.channels = c.out;
    w.dst.channels = c.in;
    return emit_convolve(p, n, w, filters(p, n, true, err), diff.dst, diff.src, LYNE_NO_BUFFER, err);
}

const conv_kernel conv_winograd = {.name = "winograd", .folds = true, .can = can, .pays = pays, .emit = emit};
