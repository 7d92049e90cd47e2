/* ops/attention_heads.c -- see attention_heads.h.  With L places that ask and S that are asked, D numbers each:
 *   s = scale q k^T (L, S);  p = softmax of each row over what it sees;  dst = p v
 * Of p only lse = log sum exp of each row is kept, and backward makes p again (Dao et al. 2022, arXiv:2205.14135): a product
 * that stays in the cache is cheaper than L S numbers that come from memory.
 *   diff_v = p^T diff_dst;  diff_p = diff_dst v^T;  diff_s = scale p (diff_p - sum over the row of p diff_p)
 *   diff_q = diff_s k;  diff_k = diff_s^T q
 * Backward makes the transposes of p, diff_p and diff_s (S, L), from products in that order: they are then factors as they
 * stand.  Heads of samples are independent, so threads share nothing. */
#include "ops/attention_heads.h"
#include "base/bf16.h"
#include "base/exponential.h"
#include "base/vector.h"
#include "ops/tiles.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <string.h>

static const float NOTHING = -1e30f; /* the largest of no numbers */

/* ---- memory of a thread ---- */

typedef struct memory {
    char *base; /* NULL: only the size is wanted */
    size_t used;
} memory;

static void *take(memory *m, int64_t rows, int64_t columns) {
    void *part = m->base ? m->base + m->used : NULL;
    m->used += lyne_tiles_bytes(rows, columns);
    return part;
}

typedef struct forward_part {
    void *q, *k, *p, *v; /* factors                     */
    float *s, *dst;      /* (L, S), (L, D)              */
    float *seen;         /* (S): 1, or 0 where padding  */
} forward_part;

static size_t forward_part_of(const lyne_heads *h, char *base, forward_part *m) {
    memory at = {.base = base};
    m->q = take(&at, h->L, h->D);
    m->k = take(&at, h->D, h->S);
    m->p = take(&at, h->L, h->S);
    m->v = take(&at, h->S, h->D);
    m->s = take(&at, h->L, h->S);
    m->dst = take(&at, h->L, h->D);
    m->seen = take(&at, 1, h->S);
    return at.used;
}

typedef struct backward_part {
    void *k, *k_transposed, *v, *q, *q_transposed, *diff, *diff_transposed; /* factors, (S, D) or the like */
    void *p_transposed, *ds_transposed, *ds_b;                              /* factors, (S, L)             */
    float *p, *dp;                                                          /* (S, L)                      */
    float *out;                                                             /* (S, D) or (D, L)            */
    float *seen, *sum;                                                      /* (S), (L)                    */
} backward_part;

static size_t backward_part_of(const lyne_heads *h, char *base, backward_part *m) {
    memory at = {.base = base};
    m->k = take(&at, h->S, h->D);
    m->k_transposed = take(&at, h->D, h->S);
    m->v = take(&at, h->S, h->D);
    m->q = take(&at, h->L, h->D);
    m->q_transposed = take(&at, h->D, h->L);
    m->diff = take(&at, h->L, h->D);
    m->diff_transposed = take(&at, h->D, h->L);
    m->p_transposed = take(&at, h->S, h->L);
    m->ds_transposed = take(&at, h->S, h->L);
    m->ds_b = take(&at, h->S, h->L);
    m->p = take(&at, h->S, h->L);
    m->dp = take(&at, h->S, h->L);
    m->out = take(&at, h->S > h->L ? h->S : h->L, h->D);
    m->seen = take(&at, 1, h->S);
    m->sum = take(&at, 1, h->L);
    return at.used;
}

size_t lyne_heads_forward_bytes(const lyne_heads *h) {
    forward_part m;
    return (size_t)h->threads * forward_part_of(h, NULL, &m);
}
size_t lyne_heads_backward_bytes(const lyne_heads *h) {
    backward_part m;
    return (size_t)h->threads * backward_part_of(h, NULL, &m);
}

/* ---- what a head sees ---- */

static void look(const lyne_heads *h, const int32_t *padding, int64_t sample, float *seen) {
    for (int64_t s = 0; s < h->S; s++)
        seen[s] = h->padding == LYNE_PADDING_BY_LENGTH  ? (float)(s < padding[sample])
                  : h->padding == LYNE_PADDING_BY_TOKEN ? (float)(padding[sample * h->S + s] != h->padding_token)
                                                        : 1;
}

/* Rows of one head in a buffer of all. */
static lyne_matrix head_of(const lyne_heads *h, const void *buffer, int which, int64_t rows, int64_t sample,
                           int64_t head) {
    const int64_t at = sample * rows * h->row + h->at[which] + head * h->D;
    return (lyne_matrix){
        .at = lyne_at(buffer, at, h->bf16), .rows = rows, .columns = h->D, .stride = h->row, .bf16 = h->bf16};
}

/* The same of dst, which has no others beside it. */
static lyne_matrix dst_of(const lyne_heads *h, const void *buffer, int64_t sample, int64_t head) {
    const int64_t F = h->heads * h->D, at = sample * h->L * F + head * h->D;
    return (lyne_matrix){
        .at = lyne_at(buffer, at, h->bf16), .rows = h->L, .columns = h->D, .stride = F, .bf16 = h->bf16};
}

static lyne_matrix plain(const float *at, int64_t rows, int64_t columns) {
    return (lyne_matrix){.at = at, .rows = rows, .columns = columns, .stride = lyne_tiles_round(columns)};
}

LYNE_INLINE void store_row(int64_t n, const float *restrict src, void *restrict dst, bool bf16) {
    for (int64_t i = 0; i < n; i++) lyne_store(dst, i, bf16, src[i]);
}
LYNE_VECTOR static void store_f32(int64_t n, const float *src, void *dst) {
    store_row(n, src, dst, false);
}
LYNE_VECTOR static void store_bf16(int64_t n, const float *src, void *dst) {
    store_row(n, src, dst, true);
}

/* While a sample's heads are at work their rows are read in pieces far from each other, which the CPU does not foresee: this
 * has the next sample's rows on their way to the cache, a part for each head, in the order in which they lie. */
static void foresee(const lyne_heads *h, const void *buffer, int64_t rows, int64_t width, int64_t sample,
                    int64_t head) {
    enum { LINE = 64 };
    if (sample + 1 >= h->batch) return;
    const int64_t bytes = rows * width * (h->bf16 ? 2 : 4);
    const char *next = (const char *)buffer + (sample + 1) * bytes;
    for (int64_t at = bytes * head / h->heads; at < bytes * (head + 1) / h->heads; at += LINE)
        __builtin_prefetch(next + at, 0, 2);
}

static void foresee_sources(const lyne_heads *h, void *const *buffer, int64_t sample, int64_t head) {
    foresee(h, buffer[0], h->L, h->row, sample, head);
    if (buffer[1] == buffer[0]) return; /* all three are one */
    foresee(h, buffer[1], h->S, h->row, sample, head);
    foresee(h, buffer[2], h->S, h->row, sample, head);
}

/* What a product made into the rows of one head. */
static void put(const lyne_matrix *m, const float *src) {
    const int64_t ld = lyne_tiles_round(m->columns);
    for (int64_t r = 0; r < m->rows; r++)
        (m->bf16 ? store_bf16 : store_f32)(m->columns, src + r * ld, (void *)lyne_at(m->at, r * m->stride, m->bf16));
}

/* A product of factors that gives the rows of one head; room for it where they cannot take it themselves. */
static void multiply_into(const lyne_matrix *dst, int64_t K, bool narrow, lyne_factor a, lyne_factor b, float *room) {
    const bool straight = lyne_tiles_fit(dst, narrow);
    float *to = straight ? (float *)dst->at : room;
    lyne_tiles_product(dst->rows, dst->columns, K, narrow, a, b, to,
                       straight ? dst->stride : lyne_tiles_round(dst->columns));
    if (!straight) put(dst, room);
}

/* The transpose of what a product made. */
static void put_transposed(const lyne_matrix *m, const float *src) {
    enum { WIDTH = 64 };
    const int64_t ld = lyne_tiles_round(m->rows);
    if (!m->bf16) {
        lyne_tiles_transpose(m->columns, m->rows, src, ld, (float *)m->at, m->stride);
        return;
    }
    for (int64_t r = 0; r < m->rows; r++)
        for (int64_t first = 0; first < m->columns; first += WIDTH) {
            const int64_t n = m->columns - first < WIDTH ? m->columns - first : WIDTH;
            float row[WIDTH];
            for (int64_t i = 0; i < n; i++) row[i] = src[(first + i) * ld + r];
            store_bf16(n, row, (void *)lyne_at(m->at, r * m->stride + first, true));
        }
}

/* ---- forward ---- */

/* One row in place: n numbers are seen, S are there.  Returns its lse; of a row that sees nothing, which is all 0, 1e30,
 * so that backward finds all 0 as well. */
LYNE_VECTOR static float softmax(int64_t n, int64_t S, float scale, const float *restrict seen, float *restrict s) {
    float top = NOTHING, total = 0;
#pragma omp simd reduction(max : top)
    for (int64_t i = 0; i < n; i++) {
        s[i] *= scale;
        const float x = seen[i] > 0 ? s[i] : NOTHING;
        top = x > top ? x : top;
    }
#pragma omp simd reduction(+ : total)
    for (int64_t i = 0; i < n; i++) {
        const float e = lyne_exp_f32(s[i] - top);
        s[i] = seen[i] > 0 ? e : 0;
        total += s[i];
    }
    const float share = total == 0 ? 0 : 1 / total;
    for (int64_t i = 0; i < n; i++) s[i] *= share;
    for (int64_t i = n; i < S; i++) s[i] = 0;
    return total == 0 ? -NOTHING : top + logf(total);
}

static void head_forward(const lyne_heads *h, const lyne_call *call, int64_t sample, int64_t head, float *lse,
                         const forward_part *m) {
    const lyne_matrix q = head_of(h, call->buffer[0], 0, h->L, sample, head);
    const lyne_matrix k = head_of(h, call->buffer[1], 1, h->S, sample, head);
    const lyne_matrix v = head_of(h, call->buffer[2], 2, h->S, sample, head);
    const lyne_matrix dst = dst_of(h, call->buffer[4], sample, head), p = plain(m->s, h->L, h->S);
    look(h, call->buffer[3], sample, m->seen);
    foresee_sources(h, call->buffer, sample, head);
    const lyne_factor q_a = lyne_tiles_a(&q, h->narrow, m->q), k_b = lyne_tiles_b_transposed(&k, h->narrow, m->k);
    lyne_tiles_product(h->L, h->S, h->D, h->narrow, q_a, k_b, m->s, p.stride);
    for (int64_t l = 0; l < h->L; l++)
        lse[l] = softmax(h->causal ? l + 1 : h->S, h->S, h->scale, m->seen, m->s + l * p.stride);
    const lyne_factor p_a = lyne_tiles_a(&p, h->narrow, m->p), v_b = lyne_tiles_b(&v, h->narrow, m->v);
    multiply_into(&dst, h->S, h->narrow, p_a, v_b, m->dst);
}

static bool worth_threads(const lyne_heads *h) {
    return h->batch * h->heads * h->L * h->S * h->D > 16384;
}

void lyne_heads_forward(const lyne_call *call) {
    const lyne_heads *h = call->config;
    float *lse = call->buffer[5];
    const size_t bytes = lyne_heads_forward_bytes(h) / (size_t)h->threads;
#pragma omp parallel for schedule(static) num_threads(h->threads) if (worth_threads(h))
    for (int64_t i = 0; i < h->batch * h->heads; i++) {
        forward_part m;
        char *mine = (char *)call->buffer[6] + (size_t)omp_get_thread_num() * bytes;
        assert(mine);
        forward_part_of(h, mine, &m);
        head_forward(h, call, i / h->heads, i % h->heads, lse + i * h->L, &m);
    }
}

/* ---- backward ---- */

/* Row s of p^T in place, from s^T, and what it adds to the sums of p diff_p; places before `first` do not see s. */
LYNE_VECTOR static void make_p(int64_t first, int64_t L, float scale, float seen, const float *restrict lse,
                               const float *restrict dp, float *restrict p, float *restrict sum) {
    if (!(seen > 0)) first = L;
    for (int64_t l = 0; l < first; l++) p[l] = 0;
    for (int64_t l = first; l < L; l++) {
        p[l] = lyne_exp_f32(p[l] * scale - lse[l]);
        sum[l] += p[l] * dp[l];
    }
}

/* Row s of diff_s^T in place, from diff_p^T. */
LYNE_VECTOR static void make_ds(int64_t first, int64_t L, float scale, const float *restrict p,
                                const float *restrict sum, float *restrict dp) {
    for (int64_t l = 0; l < first; l++) dp[l] = 0;
    for (int64_t l = first; l < L; l++) dp[l] = scale * p[l] * (dp[l] - sum[l]);
}

/* p^T into m->p and diff_s^T into m->dp. */
static void scores_backward(const lyne_heads *h, const float *lse, const backward_part *m) {
    const int64_t ld = lyne_tiles_round(h->L);
    memset(m->sum, 0, (size_t)h->L * sizeof *m->sum);
    for (int64_t s = 0; s < h->S; s++)
        make_p(h->causal ? s : 0, h->L, h->scale, m->seen[s], lse, m->dp + s * ld, m->p + s * ld, m->sum);
    for (int64_t s = 0; s < h->S; s++)
        make_ds(h->causal ? s : 0, h->L, h->scale, m->p + s * ld, m->sum, m->dp + s * ld);
}

static void head_backward(const lyne_heads *h, const lyne_call *call, int64_t sample, int64_t head, const float *lse,
                          const backward_part *m) {
    const bool narrow = h->narrow;
    const lyne_matrix q = head_of(h, call->buffer[0], 0, h->L, sample, head);
    const lyne_matrix k = head_of(h, call->buffer[1], 1, h->S, sample, head);
    const lyne_matrix v = head_of(h, call->buffer[2], 2, h->S, sample, head);
    const lyne_matrix diff = dst_of(h, call->buffer[4], sample, head);
    const lyne_matrix p = plain(m->p, h->S, h->L), ds = plain(m->dp, h->S, h->L);
    look(h, call->buffer[3], sample, m->seen);
    foresee_sources(h, call->buffer, sample, head);
    foresee(h, call->buffer[4], h->L, h->heads * h->D, sample, head);
    lyne_factor a = lyne_tiles_a(&k, narrow, m->k), b = lyne_tiles_b_transposed(&q, narrow, m->q_transposed);
    lyne_tiles_product(h->S, h->L, h->D, narrow, a, b, m->p, p.stride);
    a = lyne_tiles_a(&v, narrow, m->v), b = lyne_tiles_b_transposed(&diff, narrow, m->diff_transposed);
    lyne_tiles_product(h->S, h->L, h->D, narrow, a, b, m->dp, ds.stride);
    scores_backward(h, lse, m);
    if (call->buffer[7]) {
        const lyne_matrix dst = head_of(h, call->buffer[7], 0, h->L, sample, head);
        a = lyne_tiles_a_transposed(&k, narrow, m->k_transposed), b = lyne_tiles_b(&ds, narrow, m->ds_b);
        lyne_tiles_product(h->D, h->L, h->S, narrow, a, b, m->out, lyne_tiles_round(h->L));
        put_transposed(&dst, m->out);
    }
    if (call->buffer[8]) {
        const lyne_matrix dst = head_of(h, call->buffer[8], 1, h->S, sample, head);
        a = lyne_tiles_a(&ds, narrow, m->ds_transposed), b = lyne_tiles_b(&q, narrow, m->q);
        multiply_into(&dst, h->L, narrow, a, b, m->out);
    }
    if (call->buffer[9]) {
        const lyne_matrix dst = head_of(h, call->buffer[9], 2, h->S, sample, head);
        a = lyne_tiles_a(&p, narrow, m->p_transposed), b = lyne_tiles_b(&diff, narrow, m->diff);
        multiply_into(&dst, h->L, narrow, a, b, m->out);
    }
}

void lyne_heads_backward(const lyne_call *call) {
    const lyne_heads *h = call->config;
    const float *lse = call->buffer[5];
    const size_t bytes = lyne_heads_backward_bytes(h) / (size_t)h->threads;
#pragma omp parallel for schedule(static) num_threads(h->threads) if (worth_threads(h))
    for (int64_t i = 0; i < h->batch * h->heads; i++) {
        backward_part m;
        char *mine = (char *)call->buffer[6] + (size_t)omp_get_thread_num() * bytes;
        assert(mine);
        backward_part_of(h, mine, &m);
        head_backward(h, call, i / h->heads, i % h->heads, lse + i * h->L, &m);
    }
}
