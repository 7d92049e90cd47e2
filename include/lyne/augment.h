/* lyne/augment.h -- the row of an augmentation: what is done to a picture before the student or teacher sees it.
 *
 * A pure function of the picture and of the draws of its stream, which is that of (seed, sample, view): the same view can
 * be shown again at any time, so what a teacher said of it can be kept on disk.  So: no state, no clock, no rand(); bits
 * that are the same on every machine want arithmetic on whole numbers.
 *
 *     static void apply(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,
 *                       uint8_t *dst) {
 *         const bool negative = lyne_stream_bits(stream) & 1;
 *         for (int64_t i = 0; i < size.height * size.width * size.channels; i++)
 *             dst[i] = negative ? 255 - src[i] : src[i];
 *     }
 *     static const lyne_augmentation invert = {
 *         .component = {.kind = LYNE_AUGMENTATION, .name = "invert", .help = "half of the views are negatives",
 *                       .example = "invert"},
 *         .apply = apply};
 *     LYNE_PLUGIN("1.0", &invert.component);
 *
 * A recipe then says `augment: [invert]`. */
#ifndef LYNE_AUGMENT_H
#define LYNE_AUGMENT_H

#include "lyne/component.h"
#include "lyne/random.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

typedef struct lyne_picture_size {
    int64_t channels, height, width;
} lyne_picture_size;

typedef struct lyne_augmentation {
    lyne_component component;
    /** dst and src: (H, W, C) u8 of the same size, not overlapping; every byte of dst is written.  Called from several
     *  threads at once.  config is NULL if the row has no config_size. */
    void (*apply)(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, uint8_t *dst);
    /** Instead of apply, for one that shows two samples at once: returns what share of dst is src's, in LYNE_WHOLE ths.
     *  dst NULL: draw the share only.  Its config begins with lyne_mix_config. */
    int32_t (*mix)(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src,
                   const uint8_t *partner, uint8_t *dst);
} lyne_augmentation;

/* ---- of those that mix ---- */

/* First in the config struct of those rows. */
typedef struct lyne_mix_config {
    double probability, alpha;
} lyne_mix_config;
#define LYNE_MIX_FIELDS                                                                                                \
    LYNE_FLOAT(lyne_mix_config, probability, "share of the views that are mixed", "1", 0, 1),                          \
        LYNE_FLOAT(lyne_mix_config, alpha, "of Beta(alpha, alpha), which draws the sample's own share; 1: uniform",    \
                   "1", 0.01, 100)

/* A share is a whole number of 65536ths, for pixels and labels alike. */
enum { LYNE_WHOLE = 65536 };

/** From Beta(alpha, alpha), as two gamma variates: Marsaglia and Tsang 2000, "A simple method for generating gamma
 *  variables", which is exact. */
int32_t lyne_draw_share(lyne_stream *stream, double alpha);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
