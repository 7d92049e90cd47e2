/* tests/data/random_crop.c -- against the definition: pad a whole picture, then cut. */
#include "rows.h"

enum { MOST = 64 };

static void naive(int64_t padding, bool reflect, lyne_picture_size s, lyne_stream *stream, const uint8_t *src,
                  uint8_t *dst) {
    const int64_t top = lyne_stream_between(stream, 0, 2 * padding), left = lyne_stream_between(stream, 0, 2 * padding);
    for (int64_t y = 0; y < s.height; y++)
        for (int64_t x = 0; x < s.width; x++)
            for (int64_t c = 0; c < s.channels; c++) {
                int64_t from_y = y + top - padding, from_x = x + left - padding;
                while (reflect && (from_y < 0 || from_y >= s.height))
                    from_y = s.height == 1 ? 0 : from_y < 0 ? -from_y : 2 * s.height - 2 - from_y;
                while (reflect && (from_x < 0 || from_x >= s.width))
                    from_x = s.width == 1 ? 0 : from_x < 0 ? -from_x : 2 * s.width - 2 - from_x;
                const bool inside = from_y >= 0 && from_y < s.height && from_x >= 0 && from_x < s.width;
                dst[(y * s.width + x) * s.channels + c] =
                    inside ? src[(from_y * s.width + from_x) * s.channels + c] : 0;
            }
}

Test(random_crop, naive) {
    static const struct {
        const char *yaml;
        int64_t padding;
        bool reflect;
        lyne_picture_size size; /* channels, height, width */
    } table[] = {{"random_crop", 4, false, {3, 32, 32}},
                 {"{random_crop: {padding: 0}}", 0, false, {3, 5, 4}},
                 {"{random_crop: {padding: 2, fill: reflect}}", 2, true, {3, 5, 4}},
                 {"{random_crop: {padding: 16, fill: reflect}}", 16, true, {2, 3, 7}},
                 {"{random_crop: {padding: 3, fill: reflect}}", 3, true, {1, 1, 2}},
                 {"{random_crop: {padding: 16}}", 16, false, {2, 3, 7}}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        filled f = filled_with(&lyne_augmentation_random_crop.component, table[i].yaml);
        const lyne_picture_size size = table[i].size;
        const int64_t n = size.channels * size.height * size.width;
        static uint8_t src[3 * 32 * 32], dst[3 * 32 * 32 + 1], wanted[3 * 32 * 32];
        for (int64_t k = 0; k < n; k++) src[k] = (uint8_t)(k % 255 + 1);
        dst[n] = 77;
        bool least = false, most = false;
        for (uint64_t sample = 0; sample < 1000; sample++) {
            lyne_stream a = lyne_stream_at(3, LYNE_FOR_AUGMENT, 0, sample), b = a, c = a;
            lyne_augmentation_random_crop.apply(f.instance.config, size, &a, src, dst);
            naive(table[i].padding, table[i].reflect, size, &b, src, wanted);
            cr_assert_arr_eq(dst, wanted, (size_t)n, "%s, sample %d", table[i].yaml, (int)sample);
            cr_assert_eq(dst[n], 77);
            const int64_t top = lyne_stream_between(&c, 0, 2 * table[i].padding);
            least |= top == 0;
            most |= top == 2 * table[i].padding;
        }
        cr_expect(least && most, "both ends of the range occur");
        unfill(&f);
    }
}

Test(random_crop, fields) {
    static const char *const refused[] = {"{random_crop: {padding: -1}}", "{random_crop: {padding: 1025}}",
                                          "{random_crop: {fill: mirror}}"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        filled f = fill(&lyne_augmentation_random_crop.component, refused[i]);
        cr_expect_null(f.instance.row, "%s", refused[i]);
        unfill(&f);
    }
}
