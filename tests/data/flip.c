/* tests/data/flip.c -- either the picture or its mirror image, in the asked proportion. */
#include "rows.h"

#include <math.h>

Test(flip, share_and_pixels) {
    static const struct {
        const char *yaml;
        double share;
        lyne_picture_size size;
    } table[] = {{"flip", 0.5, {3, 4, 5}},
                 {"{flip: {probability: 0}}", 0, {3, 4, 5}},
                 {"{flip: {probability: 1}}", 1, {1, 3, 6}},
                 {"{flip: {probability: 0.1}}", 0.1, {2, 1, 7}}};
    enum { DRAWS = 4000 };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        filled f = filled_with(&lyne_augmentation_flip.component, table[i].yaml);
        const lyne_picture_size s = table[i].size;
        const int64_t n = s.channels * s.height * s.width;
        uint8_t src[64], mirror[64], dst[65];
        for (int64_t k = 0; k < n; k++) src[k] = (uint8_t)(k + 1);
        for (int64_t y = 0; y < s.height; y++)
            for (int64_t x = 0; x < s.width; x++)
                for (int64_t c = 0; c < s.channels; c++)
                    mirror[(y * s.width + x) * s.channels + c] = src[(y * s.width + s.width - 1 - x) * s.channels + c];
        dst[n] = 77;
        int flipped = 0;
        for (uint64_t sample = 0; sample < DRAWS; sample++) {
            lyne_stream stream = lyne_stream_at(3, LYNE_FOR_AUGMENT, 0, sample);
            lyne_augmentation_flip.apply(f.instance.config, s, &stream, src, dst);
            const bool is_mirror = memcmp(dst, mirror, (size_t)n) == 0;
            flipped += is_mirror;
            cr_assert(is_mirror || memcmp(dst, src, (size_t)n) == 0);
            cr_assert_eq(dst[n], 77);
        }
        /* 4 standard deviations */
        cr_expect(fabs(flipped / (double)DRAWS - table[i].share) <=
                      4 * sqrt(table[i].share * (1 - table[i].share) / DRAWS),
                  "%s: %d of %d", table[i].yaml, flipped, DRAWS);
        unfill(&f);
    }
    filled f = fill(&lyne_augmentation_flip.component, "{flip: {probability: 1.5}}");
    cr_expect_null(f.instance.row);
    unfill(&f);
}
