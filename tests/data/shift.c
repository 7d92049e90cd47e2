/* tests/data/shift.c -- against the definition, pixel by pixel. */
#include "rows.h"

static void naive(int64_t pixels, lyne_picture_size s, lyne_stream *stream, const uint8_t *src, uint8_t *dst) {
    int64_t dx = lyne_stream_between(stream, -pixels, pixels), dy = lyne_stream_between(stream, -pixels, pixels);
    for (int64_t y = 0; y < s.height; y++)
        for (int64_t x = 0; x < s.width; x++)
            for (int64_t c = 0; c < s.channels; c++) {
                int64_t from_y = y - dy, from_x = x - dx;
                bool inside = from_y >= 0 && from_y < s.height && from_x >= 0 && from_x < s.width;
                dst[(y * s.width + x) * s.channels + c] =
                    inside ? src[(from_y * s.width + from_x) * s.channels + c] : 0;
            }
}

Test(shift, naive) {
    static const struct {
        const char *yaml;
        int64_t pixels;
        lyne_picture_size size; /* channels, height, width */
    } table[] = {{"shift", 2, {1, 28, 28}},
                 {"{shift: {pixels: 0}}", 0, {3, 5, 4}},
                 {"{shift: {pixels: 1}}", 1, {3, 5, 4}},
                 {"{shift: {pixels: 4}}", 4, {3, 5, 4}},
                 {"{shift: {pixels: 16}}", 16, {2, 3, 7}}}; /* farther than the picture is wide */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        filled f = filled_with(&lyne_augmentation_shift.component, table[i].yaml);
        lyne_picture_size size = table[i].size;
        int64_t n = size.channels * size.height * size.width;
        uint8_t src[28 * 28], dst[28 * 28 + 1], wanted[28 * 28];
        for (int64_t k = 0; k < n; k++) src[k] = (uint8_t)(k % 255 + 1);
        dst[n] = 77; /* nothing is written behind the end */
        bool moved_right = false, moved_up = false;
        for (uint64_t sample = 0; sample < 2000; sample++) {
            lyne_stream a = lyne_stream_at(3, LYNE_FOR_AUGMENT, 0, sample), b = a, c = a;
            lyne_augmentation_shift.apply(f.instance.config, size, &a, src, dst);
            naive(table[i].pixels, size, &b, src, wanted);
            cr_assert_arr_eq(dst, wanted, (size_t)n, "%s, sample %d", table[i].yaml, (int)sample);
            cr_assert_eq(dst[n], 77);
            moved_right |= lyne_stream_between(&c, -table[i].pixels, table[i].pixels) == table[i].pixels;
            moved_up |= lyne_stream_between(&c, -table[i].pixels, table[i].pixels) == -table[i].pixels;
        }
        cr_expect(moved_right && moved_up, "both ends of the range occur");
        unfill(&f);
    }
}

Test(shift, fields) {
    static const char *const refused[] = {"{shift: {pixels: 17}}", "{shift: {pixels: -1}}", "{shift: {pixel: 1}}"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        filled f = fill(&lyne_augmentation_shift.component, refused[i]);
        cr_expect_null(f.instance.row, "%s", refused[i]);
        unfill(&f);
    }
}
