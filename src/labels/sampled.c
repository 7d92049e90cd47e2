/* labels/sampled.c -- classes drawn from what the teacher said: an unbiased sparse target.  Anshumann et al. 2025,
 * "Sparse Logit Sampling: Accelerating Knowledge Distillation in LLMs", arXiv:2503.16870: keeping the k largest is a
 * biased estimate of the teacher, drawing from it is not.
 *
 *   p = softmax(z / T);  N draws from p;  target q_c = n_c / N, n_c being how often class c was drawn;  E[q] = p
 *
 * so kd's gradient, T / B (p_s - q), is on average that of p itself.  Draw i comes from the i-th of N equal parts of
 * the cumulated p, at a random place in it: E[q] = p still holds, and since a class fills whole parts but for one at
 * either end, the variance of q_c is at most 1/(2 N^2), where independent draws have p_c (1 - p_c) / N.
 *
 * Stored are the N classes in ascending order: N w bytes, w = 1, 2, 4 for up to 256, 65536, more classes; their order
 * is that of the draws, and `numpy.bincount(row, minlength=C) / N` is the target.  Decoding gives T log q, whose
 * softmax at T is q again, and LYNE_NO_LOGIT to classes that were not drawn.  At another temperature it would be a
 * power of q, which is nobody's target: training refuses that. */
#include "base/exponential.h"
#include "base/random.h"
#include "base/vector.h"
#include "labels/encoding.h"

#include <math.h>
#include <string.h>

enum { MOST = 65536 };

typedef struct sampled_config {
    int64_t draws, seed;
    double temperature;
} sampled_config;

static const lyne_field fields[] = {LYNE_INT(sampled_config, draws, "how many classes are drawn", "50", 1, MOST),
                                    LYNE_FLOAT(sampled_config, temperature,
                                               "of the distribution that is drawn from: that of the loss", "1", 0.01,
                                               1000),
                                    LYNE_INT(sampled_config, seed, "of the draws", "0", 0, 1e15), LYNE_FIELDS_END};

static lyne_status layout(lyne_record *r, lyne_error *err) {
    const sampled_config *c = r->config;
    if (r->classes > UINT32_MAX) return lyne_fail(err, LYNE_EDATA, "sampled: more than 2^32 - 1 classes");
    r->part[r->n_parts++] = (lyne_part){.name = "class", .dtype = lyne_class_dtype(r->classes), .width = c->draws};
    return LYNE_OK;
}

LYNE_VECTOR static double exponentials(int64_t n, const float *logits, double temperature, double *out) {
    return lyne_row_exp(n, logits, lyne_row_max(n, logits), 1 / temperature, out);
}

/* Draws i .. i + n - 1, n <= SOME: where each falls in the cumulated mass, N parts of which are `each`. */
enum { SOME = 64 };
LYNE_VECTOR static void places(const uint32_t *restrict bits, int64_t i, double each, double *restrict place) {
    for (int64_t k = 0; k < SOME; k++) place[k] = ((double)(i + k) + ((double)bits[k] + 0.5) * 0x1p-32) * each;
}

/* Of few classes: how many end before the place.  below (classes): the cumulated mass. */
LYNE_VECTOR static void find_few(const double *restrict place, const double *restrict below, int64_t classes,
                                 uint32_t *restrict class) {
    uint64_t passed[SOME] = {0};
    for (int64_t c = 0; c + 1 < classes; c++)
        for (int k = 0; k < SOME; k++) passed[k] += place[k] >= below[c];
    for (int k = 0; k < SOME; k++) class[k] = (uint32_t)passed[k];
}

static void encode(const lyne_record *r, uint64_t number, const float *logits, void *const part[], double *scratch) {
    enum { FEW = 32 };
    const sampled_config *c = r->config;
    const lyne_dtype type = lyne_class_dtype(r->classes);
    const double each = exponentials(r->classes, logits, c->temperature, scratch) / (double)c->draws;
    lyne_stream draws = lyne_stream_at((uint64_t)c->seed, LYNE_FOR_ENCODING, 0, number);
    double below = scratch[0]; /* mass of the classes up to this one */
    uint32_t class = 0;
    if (r->classes <= FEW)
        for (int64_t k = 1; k < r->classes; k++) scratch[k] += scratch[k - 1];
    for (int64_t i = 0, n; i < c->draws; i += n) {
        uint32_t bits[SOME], drawn[SOME];
        double place[SOME];
        n = c->draws - i < SOME ? c->draws - i : SOME;
        lyne_stream_fill(&draws, bits, SOME); /* a few too many come at no cost */
        places(bits, i, each, place);
        if (r->classes <= FEW)
            find_few(place, scratch, r->classes, drawn);
        else
            for (int64_t k = 0; k < n; k++) {
                while (place[k] >= below && class + 1 < r->classes) below += scratch[++class];
                drawn[k] = class;
            }
        lyne_classes_put(type, drawn, n, (unsigned char *)part[0] + (size_t)i * lyne_dtype_size(type));
    }
}

/* T log(n / N), of which a record needs a few and the next the same. */
static float logit_of(const sampled_config *c, int64_t n) {
    static _Thread_local struct {
        double temperature;
        int64_t draws;
        float logit[SOME + 1]; /* of n up to this; 0: not asked for yet, but for n = N, where it is 0 */
    } known;
    if (known.draws != c->draws || known.temperature != c->temperature) {
        memset(&known, 0, sizeof known);
        known.draws = c->draws;
        known.temperature = c->temperature;
    }
    if (n <= SOME && known.logit[n] != 0) return known.logit[n];
    const float logit = (float)(c->temperature * log((double)n / (double)c->draws));
    if (n <= SOME) known.logit[n] = logit;
    return logit;
}

/* Bit k: whether class[k + 1] is another than class[k]. */
LYNE_VECTOR static uint64_t changes(const uint32_t *class, int64_t n) {
    uint64_t out = 0;
#pragma omp simd reduction(| : out)
    for (int64_t k = 0; k < n; k++) out |= (uint64_t)(class[k + 1] != class[k]) << k;
    return out;
}

/* A run of n draws has ended; each class stands in one. */
static bool put(const lyne_record *r, uint32_t class, int64_t n, float *logits) {
    if (class >= r->classes || logits[class] > LYNE_NO_LOGIT) return false;
    logits[class] = logit_of(r->config, n);
    return true;
}

static bool decode(const lyne_record *r, const void *const part[], float *logits) {
    const sampled_config *c = r->config;
    const lyne_dtype type = lyne_class_dtype(r->classes);
    uint32_t class[1 + SOME] = {
        UINT32_MAX}; /* first the class of the run that goes on, which is `length` long so far */
    int64_t length = 0;
    for (int64_t i = 0; i < r->classes; i++) logits[i] = LYNE_NO_LOGIT;
    for (int64_t i = 0, n; i < c->draws; i += n) {
        int64_t at = 0;
        n = c->draws - i < SOME ? c->draws - i : SOME;
        lyne_classes_get(type, (const unsigned char *)part[0] + (size_t)i * lyne_dtype_size(type), n, class + 1);
        for (uint64_t left = changes(class, n); left; left &= left - 1) {
            const int64_t end = __builtin_ctzll(left);
            length += end - at;
            if (length && !put(r, class[end], length, logits)) return false;
            length = 0;
            at = end;
        }
        length += n - at;
        class[0] = class[n];
    }
    return put(r, class[0], length, logits);
}

static double temperature(const void *config) {
    return ((const sampled_config *)config)->temperature;
}

const lyne_encoding lyne_encoding_sampled = {
    .component = {.kind = LYNE_ENCODING,
                  .name = "sampled",
                  .help = "classes drawn from the teacher's probabilities: an unbiased sparse target",
                  .source = "Anshumann et al. 2025, arXiv:2503.16870",
                  .example = "{sampled: {draws: 50, temperature: 4}}",
                  .config_size = sizeof(sampled_config),
                  .fields = fields},
    .largest = 1e29f,
    .layout = layout,
    .encode = encode,
    .decode = decode,
    .temperature = temperature,
};
