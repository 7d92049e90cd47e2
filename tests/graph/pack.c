/* tests/graph/pack.c -- our copies of weights are oneDNN's, bit for bit, in the layouts that its primitives choose. */
#include "graph/pack.h"

#include "base/cpu.h"
#include "base/memory.h"
#include "base/random.h"

#include <criterion/criterion.h>
#include <omp.h>
#include <string.h>

static dnn_tensor tensor(int rank, int64_t a, int64_t b, dnn_format format) {
    return (dnn_tensor){.rank = rank, .dim = {a, b, 1, 1}, .type = DNN_BF16, .format = format};
}

/* A layer that has (rows, columns) weights: linear (rank 2), or a 1 x 1 convolution of one pixel (rank 4). */
static dnn_primitive *layer(dnn_context *c, int rank, int64_t rows, int64_t columns, dnn_pass pass) {
    const dnn_format plain = rank == 4 ? DNN_CHANNELS_LAST : DNN_PLAIN;
    const dnn_tensor src = tensor(rank, 32, columns, plain), dst = tensor(rank, 32, rows, plain);
    const dnn_tensor weights = tensor(rank, rows, columns, DNN_ANY);
    const dnn_convolution_spec spec = {
        .src = src, .weights = weights, .dst = dst, .stride = {1, 1}, .dilation = {1, 1}};
    dnn_primitive *p = NULL;
    lyne_error err = {0};
    const lyne_status status = rank == 4 ? dnn_convolution(c, &spec, pass, &p, &err)
                                         : dnn_inner_product(c, src, weights, (dnn_tensor){0}, dst, pass, &p, &err);
    cr_assert_eq(status, LYNE_OK, "%s", err.text);
    return p;
}

/* Any bits: NaN of every kind, infinities and subnormal numbers among them; every third lies between two bf16. */
static float *any_bits(int64_t n) {
    uint32_t *bits = lyne_alloc((size_t)n, sizeof *bits);
    lyne_stream stream = lyne_stream_at(7, LYNE_FOR_CHECK, 0, 0);
    lyne_stream_fill(&stream, bits, (size_t)n);
    for (int64_t i = 0; i < n; i++) {
        if (i % 3 == 0) bits[i] = (bits[i] & 0xffff0000) | 0x8000;
        if (i % 11 == 0) bits[i] &= 0x807fffff;
        if (i % 13 == 0) bits[i] = (bits[i] & 0x80000000) | 0x7f800000;
        if (i % 17 == 0) bits[i] |= 0x7f800001;
    }
    return (float *)bits;
}

static void reorder(dnn_context *c, const dnn_layout *from, const float *src, const dnn_layout *to, void *dst) {
    dnn_primitive *p = NULL;
    lyne_error err = {0};
    cr_assert_eq(dnn_reorder(c, from, to, &p, &err), LYNE_OK, "%s", err.text);
    dnn_bind(p, DNN_SRC, (void *)src);
    dnn_bind(p, DNN_DST, dst);
    cr_assert_eq(dnn_execute(p, &err), LYNE_OK, "%s", err.text);
    dnn_primitive_free(p);
}

/* Both ways over garbage, which padding must not show.  Returns whether the layout is one that we pack. */
static bool expect_same_bits(dnn_context *c, const dnn_layout *layout, const float *src, lyne_packing *packing) {
    if (!lyne_packing_of(layout, packing)) return false;
    dnn_layout *plain = NULL;
    cr_assert_eq(dnn_layout_plain(layout, DNN_F32, &plain, NULL), LYNE_OK);
    const size_t bytes = dnn_layout_bytes(layout);
    void *want = lyne_alloc(bytes, 1), *got = lyne_alloc(bytes, 1);
    memset(want, 0xaa, bytes);
    reorder(c, plain, src, layout, want);
    for (int threads = 1; threads <= 3; threads += 2) {
        omp_set_num_threads(threads);
        memset(got, 0x55, bytes);
        lyne_pack(&(lyne_call){.config = packing, .buffer = (void *const[]){(void *)src, got}});
        cr_expect(memcmp(got, want, bytes) == 0, "%lld x %lld, %s, %lld side by side, %d threads",
                  (long long)packing->rows, (long long)packing->columns, packing->turned ? "turned" : "straight",
                  (long long)packing->side, threads);
    }
    omp_set_num_threads(1);
    lyne_free(want), lyne_free(got);
    dnn_layout_free(plain);
    return true;
}

/* Every number of rows and of columns up to 70, and sizes of models. */
static const int64_t sizes[][2] = {{10, 800}, {800, 784}, {800, 800}, {160, 480}, {1280, 160}, {64, 32}};
enum { SMALL = 70, N_SIZES = SMALL + sizeof sizes / sizeof *sizes };

Test(pack, is_onednns_reorder) {
    if (!dnn_has_bf16() || lyne_cpu_isa() < LYNE_ISA_AVX512) cr_skip_test("no AVX512-BF16 here");
    float *src = any_bits(800 * 800);
    int seen[2][2] = {{0}}; /* straight or turned; pairs as they are, or filled up to 16 */
    dnn_context *c = NULL;
    cr_assert_eq(dnn_context_new(&c, NULL), LYNE_OK);
    for (int64_t i = 0; i < N_SIZES; i++)
        for (int kind = 0; kind < 4; kind++) {
            const int64_t rows = i < SMALL ? i + 1 : sizes[i - SMALL][0],
                          columns = i < SMALL ? (i + 1) * 37 % SMALL + 1 : sizes[i - SMALL][1];
            const dnn_pass pass = kind % 2 ? DNN_BACKWARD_DATA : DNN_FORWARD_TRAINING;
            dnn_primitive *p = layer(c, kind < 2 ? 2 : 4, rows, columns, pass);
            lyne_packing packing;
            if (expect_same_bits(c, dnn_layout_of(p, DNN_WEIGHTS), src, &packing))
                seen[packing.turned][packing.pairs % 16 == 0]++;
            dnn_primitive_free(p);
        }
    const bool straight = seen[0][0] || seen[0][1], turned = seen[1][0] || seen[1][1];
    cr_expect(turned, "linear layers have such layouts on every CPU");
    if (strstr(dnn_isa(), "amx")) cr_expect(straight && seen[1][0] && seen[1][1]);
    dnn_context_free(c);
    lyne_free(src);
}

/* What is not a matrix of bf16 in such a layout is left to oneDNN. */
Test(pack, knows_what_it_does_not_know) {
    const dnn_tensor others[] = {{.rank = 2, .dim = {64, 64}, .type = DNN_F32},
                                 {.rank = 2, .dim = {64, 64}, .type = DNN_BF16},
                                 {.rank = 2, .dim = {64, 64}, .type = DNN_BF16, .format = DNN_TRANSPOSED},
                                 {.rank = 4, .dim = {64, 64, 1, 1}, .type = DNN_BF16, .format = DNN_CHANNELS_LAST},
                                 {.rank = 1, .dim = {64}, .type = DNN_BF16}};
    lyne_packing packing;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        dnn_layout *layout = NULL;
        cr_assert_eq(dnn_layout_new(others[i], &layout, NULL), LYNE_OK);
        cr_expect_not(lyne_packing_of(layout, &packing), "%zu", i);
        dnn_layout_free(layout);
    }
}

/* A 3 x 3 convolution's weights are no matrix; a linear layer's in f32 are no pairs. */
Test(pack, leaves_wider_weights_alone) {
    dnn_context *c = NULL;
    lyne_packing packing;
    cr_assert_eq(dnn_context_new(&c, NULL), LYNE_OK);
    const dnn_tensor map = {.rank = 4, .dim = {2, 64, 8, 8}, .type = DNN_BF16, .format = DNN_CHANNELS_LAST};
    const dnn_tensor kernels = {.rank = 4, .dim = {64, 64, 3, 3}, .type = DNN_BF16, .format = DNN_ANY};
    const dnn_convolution_spec spec = {.src = map,
                                       .weights = kernels,
                                       .dst = map,
                                       .stride = {1, 1},
                                       .dilation = {1, 1},
                                       .pad_begin = {1, 1},
                                       .pad_end = {1, 1}};
    dnn_primitive *p = NULL;
    if (dnn_has_bf16()) {
        cr_assert_eq(dnn_convolution(c, &spec, DNN_FORWARD_TRAINING, &p, NULL), LYNE_OK);
        cr_expect_not(lyne_packing_of(dnn_layout_of(p, DNN_WEIGHTS), &packing));
        dnn_primitive_free(p);
    }
    const dnn_tensor wide = {.rank = 2, .dim = {64, 64}, .type = DNN_F32};
    dnn_tensor any = wide;
    any.format = DNN_ANY;
    cr_assert_eq(dnn_inner_product(c, wide, any, (dnn_tensor){0}, wide, DNN_FORWARD_TRAINING, &p, NULL), LYNE_OK);
    cr_expect_not(lyne_packing_of(dnn_layout_of(p, DNN_WEIGHTS), &packing));
    dnn_primitive_free(p);
    dnn_context_free(c);
}
