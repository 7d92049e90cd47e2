/* labels/topk.c -- the k largest logits, in halves, largest first, with their classes, and how much the others weigh:
 *   rest = T log sum_{others} exp(z / T)        their log-mass, T being `temperature`
 * 4 + k (2 + w) bytes, w = 1, 2, 4 for up to 256, 65536, more classes: k = 10 of 1000 classes take 44.
 *
 * Decoding gives dense logits: the k as they were, and to each of the C - k others by `tail`
 *   class     rest - T log(C - k), all alike and below the k, and a loss is told that of those with the least logit only the
 *             mass together is known.  kd then takes them for one class: at T the teacher's own distribution is a minimum
 *             of the loss.  A loss that knows nothing of this reads them as
 *   uniform   the same number.  The softmax at T gives the k and the rest together exactly their mass (to the rounding of
 *             the halves), and the student is taught that the others are alike, which they are not.
 *   drop      nothing: softmax over the k alone.  Biased: the k get the mass of the rest.
 * At another temperature T' the rest gets too much if T' > T and too little if T' < T, the more so the less even it is (the
 * mean of order T/T' of exp(z/T) grows with the order), so choose for T what the student is distilled at. */
#include "base/exponential.h"
#include "base/vector.h"
#include "labels/encoding.h"

#include <math.h>
#include <string.h>

enum { MOST = 4096 };

typedef struct topk_config {
    int64_t k;
    double temperature;
    int tail;
} topk_config;

enum { CLASS, UNIFORM, DROP };
static const char *const tails[] = {"class", "uniform", "drop", NULL};

static const lyne_field fields[] = {
    LYNE_INT(topk_config, k, "how many logits are kept", "10", 1, MOST),
    LYNE_FLOAT(topk_config, temperature, "where the mass of the others is exact", "1", 0.01, 1000),
    LYNE_ENTRY_WITH(
        CHOICE, topk_config, tail,
        "what the others are to a loss: class (one more class, with their mass: unbiased), uniform (alike, with their "
        "mass) or drop (nothing: softmax over the k alone)",
        "class", .choices = tails),
    LYNE_FIELDS_END};

/* Where the parts are: the classes stand before the halves if they are wider. */
typedef struct places {
    int rest, class, logits;
} places;
static places places_of(const lyne_record *r) {
    return lyne_class_dtype(r->classes) == LYNE_DTYPE_U32 ? (places){0, 1, 2} : (places){0, 2, 1};
}

static lyne_status layout(lyne_record *r, lyne_error *err) {
    const topk_config *c = r->config;
    const places at = places_of(r);
    if (c->k > r->classes)
        return lyne_fail(err, LYNE_EDATA, "topk: k = %lld, but there are %lld classes; give k at most that",
                         (long long)c->k, (long long)r->classes);
    if (r->classes > UINT32_MAX) return lyne_fail(err, LYNE_EDATA, "topk: more than 2^32 - 1 classes");
    r->n_parts = 3;
    r->part[at.rest] = (lyne_part){.name = "rest", .dtype = LYNE_DTYPE_F32};
    r->part[at.class] = (lyne_part){.name = "class", .dtype = lyne_class_dtype(r->classes), .width = c->k};
    r->part[at.logits] = (lyne_part){.name = "logits", .dtype = LYNE_DTYPE_F16, .width = c->k};
    return LYNE_OK;
}

/* ---- the k largest; of equal ones the lower class counts as larger ---- */

typedef struct entry {
    float logit;
    uint32_t class;
} entry;

static bool below(entry a, entry b) {
    return a.logit < b.logit || (a.logit == b.logit && a.class > b.class);
}

static void sink(entry *heap, int64_t n, int64_t at) {
    const entry moved = heap[at];
    for (int64_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && below(heap[child + 1], heap[child])) child++;
        if (!below(heap[child], moved)) break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

enum { FEW = 64 };
/* Of few: how many are larger than each. */
LYNE_VECTOR static void rank(const float *restrict logits, int64_t n, uint32_t out[FEW]) {
    float all[FEW];
    for (int64_t i = 0; i < FEW; i++) all[i] = i < n ? logits[i] : 0;
    for (uint32_t i = 0; i < FEW; i++) out[i] = 0;
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = 0; i < (n <= 16 ? 16 : FEW); i++)
            out[i] += (all[k] > all[i]) | ((all[k] == all[i]) & (k < i));
}

static void select_of_few(const float *logits, int64_t n, int64_t k, entry *out) {
    uint32_t place[FEW];
    rank(logits, n, place);
    memset(out, 0, (size_t)k * sizeof *out); /* among what are no numbers some places stay free */
    for (int64_t i = 0; i < n; i++)
        if (place[i] < k) out[place[i]] = (entry){logits[i], (uint32_t)i};
}

/* The largest of each block; the last may be shorter. */
LYNE_VECTOR static void maxima(const float *logits, int64_t n, int64_t block, int64_t blocks, float out[FEW]) {
    for (int64_t i = 0; i < blocks; i++)
        out[i] = (float)lyne_row_max(n - i * block < block ? n - i * block : block, logits + i * block);
}

/* Few of many: none of them is less than the k-th largest of the blocks' maxima, and hardly any other is not.  False if
 * those are more than few. */
static bool select_few_of_many(const float *logits, int64_t n, int64_t k, entry *out) {
    float max[FEW], large[FEW + 1];
    uint32_t class[FEW + 1] = {0};
    entry by_max[FEW];
    const int64_t block = (n + FEW - 1) / FEW, blocks = (n + block - 1) / block; /* at most FEW */
    int64_t found = 0;
    if (k > blocks) return false;
    maxima(logits, n, block, blocks, max);
    select_of_few(max, blocks, k, by_max);
    for (int64_t b = 0; b < blocks; b++) {
        if (max[b] < by_max[k - 1].logit) continue;
        for (int64_t i = b * block; i < n && i < (b + 1) * block; i++) {
            large[found] = logits[i];
            class[found] = (uint32_t)i;
            found += logits[i] >= by_max[k - 1].logit;
            if (found > FEW) return false;
        }
    }
    select_of_few(large, found, k, out);
    for (int64_t i = 0; i < k; i++) out[i].class = class[out[i].class];
    return true;
}

/* Many of many: a heap with the least of the k >= 1 on top. */
static void select_of_many(const float *logits, int64_t n, int64_t k, entry *out) {
    out[0] = (entry){logits[0], 0};
    for (int64_t i = 1; i < k; i++) out[i] = (entry){logits[i], (uint32_t)i};
    for (int64_t i = k / 2; i-- > 0;) sink(out, k, i);
    for (int64_t i = k; i < n; i++) {
        if (logits[i] <= out[0].logit) continue;
        out[0] = (entry){logits[i], (uint32_t)i};
        sink(out, k, 0);
    }
    for (int64_t left = k - 1; left > 0; left--) {
        const entry least = out[0];
        out[0] = out[left];
        out[left] = least;
        sink(out, left, 0);
    }
}

/* sum exp((z - least) / T) over the z below `least`; *n_least: how many are as large.  reciprocal: 1 / T, or 0. */
static inline double sum_exp_below(int64_t n, const float *logits, float least, double T, double reciprocal,
                                   int64_t *n_least) {
    double sum = 0;
    int64_t equal = 0;
#pragma omp simd reduction(+ : sum, equal)
    for (int64_t i = 0; i < n; i++) {
        const double d = (double)logits[i] - (double)least, below = d < 0 ? d : 0;
        const double e = lyne_exp(reciprocal > 0 ? below * reciprocal : below / T);
        sum += d < 0 ? e : 0;
        equal += d == 0;
    }
    *n_least = equal;
    return sum;
}

LYNE_VECTOR static double sum_below(int64_t n, const float *logits, float least, double T, int64_t *n_least) {
    const double reciprocal = lyne_row_reciprocal(n, T);
    return reciprocal > 0 ? sum_exp_below(n, logits, least, T, reciprocal, n_least)
                          : sum_exp_below(n, logits, least, T, 0, n_least);
}

/* Of the others, relative to the least of the k, which none of them exceeds; some may be as large. */
static float log_mass(const lyne_record *r, const float *logits, const entry *largest) {
    const topk_config *c = r->config;
    const float least = largest[c->k - 1].logit;
    int64_t equal;
    double sum = sum_below(r->classes, logits, least, c->temperature, &equal);
    for (int64_t i = 0; i < c->k; i++) equal -= largest[i].logit == least;
    return (float)((double)least + c->temperature * log(sum + (double)equal));
}

static void encode(const lyne_record *r, uint64_t number, const float *logits, void *const part[], double *scratch) {
    const topk_config *c = r->config;
    const places at = places_of(r);
    entry largest[MOST];
    float kept[MOST], rest = 0;
    uint32_t class[MOST];
    (void)number, (void)scratch;
    if (r->classes <= FEW)
        select_of_few(logits, r->classes, c->k, largest);
    else if (c->k > FEW / 2 || !select_few_of_many(logits, r->classes, c->k, largest))
        select_of_many(logits, r->classes, c->k, largest);
    for (int64_t i = 0; i < c->k; i++) {
        kept[i] = largest[i].logit;
        class[i] = largest[i].class;
    }
    lyne_classes_put(lyne_class_dtype(r->classes), class, c->k, part[at.class]);
    if (r->classes > c->k) rest = log_mass(r, logits, largest);
    lyne_f16_encode(kept, c->k, part[at.logits]);
    memcpy(part[at.rest], &rest, sizeof rest);
}

static bool decode(const lyne_record *r, const void *const part[], float *logits) {
    const topk_config *c = r->config;
    const places at = places_of(r);
    float kept[MOST], rest;
    uint32_t class[MOST];
    memcpy(&rest, part[at.rest], sizeof rest);
    if (!isfinite(rest)) return false;
    const int64_t others = r->classes - c->k;
    if (others) rest = (float)((double)rest - c->temperature * log((double)others));
    if (c->tail == DROP) rest = LYNE_NO_LOGIT;
    lyne_f16_decode(part[at.logits], c->k, kept);
    for (int64_t i = 0; others && c->tail == CLASS && i < c->k; i++)
        if (!(rest < kept[i])) rest = nextafterf(kept[i], -INFINITY); /* halves may have been rounded down to it */
    for (int64_t i = 0; i < r->classes; i++) logits[i] = rest;
    lyne_classes_get(lyne_class_dtype(r->classes), part[at.class], c->k, class);
    for (int64_t i = 0; i < c->k; i++) {
        if (class[i] >= r->classes || !isfinite(kept[i])) return false;
        logits[class[i]] = kept[i];
    }
    return true;
}

static bool rest_is_class(const lyne_record *r) {
    const topk_config *c = r->config;
    return c->tail == CLASS && c->k < r->classes; /* else nothing is left over */
}

const lyne_encoding lyne_encoding_topk = {
    .component = {.kind = LYNE_ENCODING,
                  .name = "topk",
                  .help = "the k largest logits and the mass of the rest",
                  .example = "{topk: {k: 10, temperature: 4}}",
                  .config_size = sizeof(topk_config),
                  .fields = fields},
    .largest = 65504,
    .layout = layout,
    .encode = encode,
    .decode = decode,
    .rest_is_class = rest_is_class,
};
