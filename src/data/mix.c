/* data/mix.c -- see mix.h. */
#include "data/mix.h"

#include <math.h>

static bool mixes(const lyne_instance *a) {
    return ((const lyne_augmentation *)a->row)->mix;
}

size_t lyne_count_mixing(lyne_instances augment) {
    size_t n = 0;
    while (n < augment.n && mixes(&augment.item[augment.n - 1 - n])) n++;
    return n;
}

const char *lyne_augment_check(lyne_instances augment) {
    const size_t last = augment.n - lyne_count_mixing(augment);
    double sum = 0;
    for (size_t i = 0; i < augment.n; i++) {
        if (!mixes(&augment.item[i])) continue;
        if (i < last)
            return "augment: mixup and cutmix join two pictures that are done; move them behind what is done to one";
        sum += ((const lyne_mix_config *)augment.item[i].config)->probability;
    }
    return sum <= 1 + 1e-9 ? NULL
                           : "augment: the probabilities of mixup and cutmix add up to more than 1; give each a share, "
                             "as in [{mixup: {probability: 0.5}}, {cutmix: {probability: 0.5}}]";
}

/* The logarithm of a variate of Gamma(alpha, 1).  For alpha < 1 that of Gamma(alpha + 1) times u^(1 / alpha), which may be
 * too small for a number but not for a logarithm. */
static double log_gamma(lyne_stream *stream, double alpha) {
    const double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3, c = 1 / sqrt(9 * d);
    double v, boost = 0;
    if (alpha < 1) boost = log(((double)lyne_stream_bits(stream) + 0.5) * 0x1p-32) / alpha;
    for (;;) {
        const double x = (double)lyne_stream_normal(stream);
        const double u = ((double)lyne_stream_bits(stream) + 0.5) * 0x1p-32;
        v = 1 + c * x;
        v = v * v * v;
        if (v > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v)) return log(d * v) + boost;
    }
}

int32_t lyne_draw_share(lyne_stream *stream, double alpha) {
    const double a = log_gamma(stream, alpha), b = log_gamma(stream, alpha);
    return (int32_t)lround(LYNE_WHOLE / (1 + exp(b - a)));
}

lyne_mix lyne_mix_draw(lyne_instances augment, uint64_t view_seed, uint64_t sample, uint32_t view, uint64_t n) {
    const size_t first = augment.n - lyne_count_mixing(augment);
    lyne_mix mix = {0};
    if (first == augment.n) return mix;
    mix.stream = lyne_stream_at(view_seed, LYNE_FOR_MIX, view, sample);
    double u = lyne_draw_between(&mix.stream, 0, 1);
    for (size_t i = first; i < augment.n && !mix.how; i++) {
        u -= ((const lyne_mix_config *)augment.item[i].config)->probability;
        if (u < 0) mix.how = &augment.item[i];
    }
    if (mix.how) mix.partner = (uint64_t)lyne_stream_between(&mix.stream, 0, (int64_t)n - 1);
    return mix;
}
