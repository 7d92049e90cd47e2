/* ops/conv2d_tiles.c -- the weight gradient of wide convolutions in bf16, by AMX tiles.
 *   diff_w[o, i, u, v] = sum over pixels of diff_dst[y, x, o] src[y s + u - p, x s + v - p, i]
 * For each tap that is a product of two matrices over the pixels.  The positions of dst are numbered through the batch
 * with one column of zeros behind each row and one row of zeros behind each picture; then the pixel that a tap sees lies
 * at a fixed distance, and nine taps read one packed copy of src, each from its own offset.  With stride 2 there is one
 * copy for each of the up to four sorts of pixels (odd and even rows and columns).
 *
 * A chunk of positions is packed, src by channel and diff_dst in pairs, and then all taps and blocks of 32 x 32 channels
 * are multiplied; both steps are shared out among the threads.  Each sum runs over the chunks in order, whoever does it,
 * so bits do not depend on the threads. */
#include "ops/conv2d_tiles.h"
#include "base/bf16.h"
#include "base/cpu.h"
#include "ops/conv2d_kernels.h"

enum { LARGEST = 1024, CACHE = 5 << 18 /* numbers of a chunk */ };

static bool can(const conv_geometry *c, conv_pass pass) {
    return pass == CONV_WEIGHTS && lyne_cpu_isa() >= LYNE_ISA_AMX && c->bf16 && c->groups == 1 && c->dilation == 1 &&
           c->stride <= 2 && (c->kernel == 1 || c->kernel == 3) && c->padding == c->kernel / 2 && c->in % 32 == 0 &&
           c->out % 32 == 0 && c->in <= LARGEST && c->out <= LARGEST;
}

/* Packing costs as much for few channels as for many, and oneDNN is at its best on large pictures: 64 to 64 channels at
 * 32 x 32 it does as fast, at 8 x 8 half as fast; with stride 2 a third to half as fast throughout. */
static bool pays(const conv_geometry *c, conv_pass pass) {
    (void)pass;
    return c->in * c->out >= 32 * 64 && (c->stride == 2 || c->rows * c->columns <= 256 || c->in * c->out > 64 * 64);
}

typedef struct tiles_config {
    conv_geometry c;
    int64_t row, picture, positions; /* from row to row, picture to picture, in all; zeros included */
    int64_t halo;                    /* positions before and behind a chunk that its taps see      */
    int64_t chunk, ld;               /* positions of a chunk; numbers of a packed channel          */
    int kinds;                       /* of pixels: stride^2, or one if there is one tap            */
} tiles_config;

static int64_t round_up(int64_t n) {
    return (n + TILE_PIXELS - 1) / TILE_PIXELS * TILE_PIXELS;
}

static tiles_config config_of(const conv_geometry *c) {
    const int64_t zeros = c->kernel == 3;
    tiles_config t = {.c = *c, .row = c->columns + zeros, .kinds = c->kernel == 3 ? (int)(c->stride * c->stride) : 1};
    t.picture = (c->rows + zeros) * t.row;
    t.positions = c->batch * t.picture;
    t.halo = zeros * (t.row + 1);
    t.chunk = CACHE / (c->in * t.kinds + c->out);
    if (t.chunk < 1024) t.chunk = 1024;
    if (t.chunk > t.positions) t.chunk = t.positions;
    t.chunk = round_up(t.chunk);
    t.ld = round_up(t.chunk + 2 * t.halo);
    if (t.ld / TILE_PIXELS % 2 == 0)
        t.ld += TILE_PIXELS; /* an even number of lines would share few sets of the cache */
    return t;
}

static int64_t n_taps(const tiles_config *t) {
    return t->c.kernel * t->c.kernel;
}

/* In one direction: which sort of pixel tap u sees, and how many positions away. */
static void see(const tiles_config *t, int64_t u, int64_t *sort, int64_t *shift) {
    const int64_t at = u - t->c.padding, stride = t->c.stride;
    *sort = (at + stride) % stride;
    *shift = (at - *sort) / stride;
}

/* A picture that positions are looked up in: their pixel is at (y stride + down, x stride + across). */
typedef struct tiles_view {
    const uint16_t *pixel;
    int64_t height, width, channels, stride, down, across;
} tiles_view;

/* The pixels of 32 positions from `first` on, zeros where there is none. */
static void find(const tiles_config *t, const tiles_view *v, int64_t first, const uint16_t *out[TILE_PIXELS]) {
    static const uint16_t zeros[LARGEST];
    const int64_t at = first < 0 ? 0 : first;
    int64_t b = at / t->picture, y = at % t->picture / t->row, x = at % t->row; /* a picture is whole rows */
    for (int k = 0; k < TILE_PIXELS; k++) {
        out[k] = zeros;
        if (first + k < 0 || first + k >= t->positions) continue;
        const int64_t i = y * v->stride + v->down, j = x * v->stride + v->across;
        if (y < t->c.rows && x < t->c.columns && i < v->height && j < v->width)
            out[k] = v->pixel + ((b * v->height + i) * v->width + j) * v->channels;
        if (++x == t->row) x = 0, y++;
        if (y * t->row == t->picture) y = 0, b++;
    }
}

typedef struct tiles_work {
    uint16_t *src, *diff; /* (kinds, in, ld); (out / 16, chunk / 32, 512) */
    float *sum;           /* (taps, in, out)                              */
} tiles_work;

static size_t diff_numbers(const tiles_config *t) {
    return (size_t)(t->c.out * t->chunk);
}
static size_t src_numbers(const tiles_config *t) {
    return (size_t)(t->kinds * t->c.in * t->ld);
}

static void pack_src(const tiles_config *t, const uint16_t *src, int64_t start, int64_t block, uint16_t *to) {
    const conv_geometry *c = &t->c;
    const uint16_t *pixel[TILE_PIXELS];
    for (int kind = 0; kind < t->kinds; kind++, to += c->in * t->ld) {
        const tiles_view v = {.pixel = src,
                              .height = c->height,
                              .width = c->width,
                              .channels = c->in,
                              .stride = c->stride,
                              .down = kind / c->stride,
                              .across = kind % c->stride};
        find(t, &v, start - t->halo + block * TILE_PIXELS, pixel);
        tiles_by_channel(pixel, c->in, t->ld, to + block * TILE_PIXELS);
    }
}

static void pack_diff(const tiles_config *t, const uint16_t *diff, int64_t start, int64_t block, uint16_t *to) {
    const conv_geometry *c = &t->c;
    const uint16_t *pixel[TILE_PIXELS];
    const tiles_view v = {.pixel = diff, .height = c->rows, .width = c->columns, .channels = c->out, .stride = 1};
    find(t, &v, start + block * TILE_PIXELS, pixel);
    tiles_by_pair(pixel, c->out, t->chunk * 16, to + block * 512);
}

/* One tap of one block of channels, over a chunk. */
static void multiply(const tiles_config *t, const tiles_work *w, int64_t job, int64_t blocks, int fresh) {
    const conv_geometry *c = &t->c;
    const int64_t taps = n_taps(t), tap = job % taps, i = job / taps % (c->in / 32), o = job / taps / (c->in / 32);
    int64_t down, across, below, beside;
    see(t, tap / c->kernel, &down, &below);
    see(t, tap % c->kernel, &across, &beside);
    const int64_t kind = t->kinds == 1 ? 0 : down * c->stride + across;
    const uint16_t *a = w->src + (kind * c->in + i * 32) * t->ld + t->halo + below * t->row + beside;
    tiles_multiply(a, t->ld, w->diff + 2 * o * t->chunk * 16, t->chunk * 16, blocks, fresh,
                   w->sum + (tap * c->in + i * 32) * c->out + o * 32, c->out);
}

/* From (taps, I, O) to (O, I, taps), for sixteen channels out. */
static void put_back(const tiles_config *t, const float *sum, int64_t o, float *diff_weight) {
    const int64_t taps = n_taps(t), in = t->c.in, out = t->c.out;
    for (int64_t i = 0; i < in; i++)
        for (int64_t k = o; k < o + 16; k++)
            for (int64_t tap = 0; tap < taps; tap++)
                diff_weight[(k * in + i) * taps + tap] = sum[(tap * in + i) * out + k];
}

/* buffers: src, diff_dst, diff_weight, packed src, packed diff_dst, sums */
static void weights(const lyne_call *call) {
    const tiles_config *t = call->config;
    const tiles_work w = {.src = call->buffer[3], .diff = call->buffer[4], .sum = call->buffer[5]};
    const int64_t jobs = n_taps(t) * (t->c.in / 32) * (t->c.out / 32);
#pragma omp parallel
    {
        for (int64_t start = 0; start < t->positions; start += t->chunk) {
            const int64_t left = t->positions - start, n = round_up(left < t->chunk ? left : t->chunk) / TILE_PIXELS;
#pragma omp for schedule(static) nowait
            for (int64_t b = 0; b < t->ld / TILE_PIXELS; b++) pack_src(t, call->buffer[0], start, b, w.src);
#pragma omp for schedule(static)
            for (int64_t b = 0; b < n; b++) pack_diff(t, call->buffer[1], start, b, w.diff);
#pragma omp for schedule(dynamic, 1)
            for (int64_t job = 0; job < jobs; job++) multiply(t, &w, job, n, start == 0);
        }
#pragma omp for schedule(static)
        for (int64_t o = 0; o < t->c.out; o += 16) put_back(t, w.sum, o, call->buffer[2]);
    }
}

static lyne_status emit(lyne_program *p, const lyne_node *n, conv_pass pass, conv_diff diff, lyne_error *err) {
    (void)pass;
    const conv_geometry c = conv_geometry_of(n);
    const tiles_config t = config_of(&c);
    const lyne_buffer b[] = {lyne_src(p, n, 0),
                             diff.dst,
                             lyne_diff_weight(p, n, 0, NULL, err),
                             lyne_scratch(p, src_numbers(&t) * sizeof(uint16_t)),
                             lyne_scratch(p, diff_numbers(&t) * sizeof(uint16_t)),
                             lyne_scratch(p, (size_t)(n_taps(&t) * c.in * c.out) * sizeof(float))};
    lyne_status status = lyne_emit_kernel(p, n, "amx tiles", weights, &t, sizeof t, b, 6, err);
    return status == LYNE_OK ? conv_emit_diff_bias(p, n, diff.dst, err) : status;
}

const conv_kernel conv_tiles = {.name = "tiles", .can = can, .pays = pays, .emit = emit};
