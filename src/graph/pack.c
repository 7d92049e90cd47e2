/* graph/pack.c -- see pack.h.  The matrix goes by in blocks of 16 pairs by 16 of the other dimension, a register for each
 * pair.  `lyne_bench --kernels --precision bf16` (MLP 784-800-800-10, 2 threads) on a Sapphire Rapids: 0.19 ms of a step of
 * 1.40 ms, with oneDNN's reorders 0.47 of 1.67 ms.  Packing the rows that the optimizer has just written, while they are in
 * the cache, would save another twentieth of the step and have optimizers know layouts. */
#include "graph/pack.h"
#include "base/cpu.h"
#include "base/turn.h"

enum { SIDE = LYNE_PACKING_SIDE };

bool lyne_packing_of(const dnn_layout *layout, lyne_packing *out) {
    dnn_blocks b;
    if (lyne_cpu_isa() < LYNE_ISA_AVX512 || !dnn_has_bf16()) return false;
    if (!dnn_layout_blocks(layout, &b) || b.type != DNN_BF16) return false;
    for (int i = 2; i < b.rank; i++)
        if (b.dim[i] != 1) return false;
    const int last = b.n_inner - 1; /* [deep of the paired dimension][side of the other][2 of the paired one] */
    if (b.rank < 2 || last < 1 || last > 2 || b.inner[last] != 2 || b.inner[last - 1] % SIDE != 0) return false;
    const int paired = b.inner_of[last], other = 1 - paired;
    if (paired > 1 || b.inner_of[last - 1] != other || (last == 2 && b.inner_of[0] != paired)) return false;
    const int64_t deep = last == 2 ? b.inner[0] : 1, side = b.inner[last - 1], step = b.stride[paired] / 2;
    if (SIDE % deep != 0) return false;
    *out = (lyne_packing){.rows = b.dim[0],
                          .columns = b.dim[1],
                          .turned = paired == 1,
                          .pairs = b.padded[paired] / 2,
                          .width = b.padded[other],
                          .side = side,
                          .to_pairs = SIDE / deep * step,
                          .to_side = b.stride[other] / 2};
    for (int i = 0; i < SIDE; i++) out->to_pair[i] = i / deep * step + i % deep * side;
    return true;
}

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

/* Up to 16 numbers, zeros behind them. */
WIDE static inline __m512 load(const float *from, int64_t n) {
    const __mmask16 there = (__mmask16)(n >= SIDE ? 0xffff : n > 0 ? (1 << n) - 1 : 0);
    return _mm512_maskz_loadu_ps(there, from);
}

/* Where the block of pairs from `pair` on and others from `at` on begins. */
static uint32_t *place(const lyne_packing *p, uint32_t *dst, int64_t pair, int64_t at) {
    return dst + pair / SIDE * p->to_pairs + at / p->side * p->to_side + at % p->side;
}

/* 16 rows from `row` on: pairs along them, then turned. */
WIDE static void pack_turned(const lyne_packing *p, const float *src, uint32_t *dst, int64_t row) {
    for (int64_t pair = 0; pair < p->pairs; pair += SIDE) {
        const float *from = src + row * p->columns + 2 * pair;
        uint32_t *to = place(p, dst, pair, row);
        const int64_t n = p->columns - 2 * pair;
        __m512i r[SIDE];
        for (int i = 0; i < SIDE; i++, from += p->columns)
            r[i] = row + i < p->rows ? (__m512i)_mm512_cvtne2ps_pbh(load(from + SIDE, n - SIDE), load(from, n))
                                     : _mm512_setzero_si512();
        lyne_turn(r);
        for (int i = 0; i < SIDE && pair + i < p->pairs; i++) _mm512_store_si512(to + p->to_pair[i], r[i]);
    }
}

/* 16 numbers of a row, each in the lower half of a word. */
WIDE static inline __m512i halves(const lyne_packing *p, const float *src, int64_t row, int64_t column) {
    if (row >= p->rows) return _mm512_setzero_si512();
    const __m512 wide = load(src + row * p->columns + column, p->columns - column);
    return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(wide));
}

/* 16 pairs of rows from `pair` on. */
WIDE static void pack_straight(const lyne_packing *p, const float *src, uint32_t *dst, int64_t pair) {
    for (int64_t column = 0; column < p->width; column += SIDE) {
        uint32_t *to = place(p, dst, pair, column);
        for (int i = 0; i < SIDE && pair + i < p->pairs; i++) {
            const __m512i low = halves(p, src, 2 * (pair + i), column),
                          high = halves(p, src, 2 * (pair + i) + 1, column);
            _mm512_store_si512(to + p->to_pair[i], _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
        }
    }
}

void lyne_pack(const lyne_call *call) {
    const lyne_packing *p = call->config;
    const int64_t n = p->turned ? p->width : p->pairs;
#pragma omp parallel for schedule(static) if (p->rows * p->columns > 16384)
    for (int64_t at = 0; at < n; at += SIDE)
        (p->turned ? pack_turned : pack_straight)(p, call->buffer[0], call->buffer[1], at);
}
#else
void lyne_pack(const lyne_call *call) {
    (void)call;
}
#endif
