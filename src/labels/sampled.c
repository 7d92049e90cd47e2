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

enum { MOST = 65536 };

typedef struct sampled_config {
    int64_t draws, seed;
    double temperature;
} sampled_config;

static const lyne_field fields[] = {{.name = "draws",
                                     .type = LYNE_FIELD_INT,
                                     .help = "how many classes are drawn",
                                     .fallback = "50",
                                     .offset = offsetof(sampled_config, draws),
                                     LYNE_RANGE(1, MOST)},
                                    {.name = "temperature",
                                     .type = LYNE_FIELD_FLOAT,
                                     .help = "of the distribution that is drawn from: that of the loss",
                                     .fallback = "1",
                                     .offset = offsetof(sampled_config, temperature),
                                     LYNE_RANGE(0.01, 1000)},
                                    {.name = "seed",
                                     .type = LYNE_FIELD_INT,
                                     .help = "of the draws",
                                     .fallback = "0",
                                     .offset = offsetof(sampled_config, seed),
                                     LYNE_RANGE(0, 1e15)},
                                    LYNE_FIELDS_END};

static lyne_status layout(lyne_record *r, lyne_error *err) {
    const sampled_config *c = r->config;
    if (r->classes > UINT32_MAX) return lyne_fail(err, LYNE_EDATA, "sampled: more than 2^32 - 1 classes");
    r->part[r->n_parts++] = (lyne_part){.name = "class", .dtype = lyne_class_dtype(r->classes), .width = c->draws};
    return LYNE_OK;
}

LYNE_VECTOR static double exponentials(int64_t n, const float *logits, double temperature, double *out) {
    return lyne_row_exp(n, logits, lyne_row_max(n, logits), 1 / temperature, out);
}

static void encode(const lyne_record *r, uint64_t number, const float *logits, void *const part[], double *scratch) {
    const sampled_config *c = r->config;
    const lyne_dtype type = lyne_class_dtype(r->classes);
    const double each = exponentials(r->classes, logits, c->temperature, scratch) / (double)c->draws;
    lyne_stream draws = lyne_stream_at((uint64_t)c->seed, LYNE_FOR_ENCODING, 0, number);
    double below = scratch[0]; /* mass of the classes up to this one */
    int64_t class = 0;
    for (int64_t i = 0; i < c->draws; i++) {
        const double place = ((double)i + ((double)lyne_stream_bits(&draws) + 0.5) * 0x1p-32) * each;
        while (place >= below && class + 1 < r->classes) below += scratch[++class];
        lyne_class_put(type, part[0], i, (uint32_t) class);
    }
}

static bool decode(const lyne_record *r, const void *const part[], float *logits) {
    const sampled_config *c = r->config;
    const lyne_dtype type = lyne_class_dtype(r->classes);
    for (int64_t i = 0; i < r->classes; i++) logits[i] = LYNE_NO_LOGIT;
    for (int64_t i = 0, end; i < c->draws; i = end) {
        const uint32_t class = lyne_class_get(type, part[0], i);
        for (end = i + 1; end < c->draws && lyne_class_get(type, part[0], end) == class;) end++;
        if (class >= r->classes || logits[class] > LYNE_NO_LOGIT) return false; /* each class stands in one run */
        logits[class] = (float)(c->temperature * log((double)(end - i) / (double)c->draws));
    }
    return true;
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
