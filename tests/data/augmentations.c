/* tests/data/augmentations.c -- the augmentations that torchvision has too, against it; all of them: the same bytes as
 * ever, nothing but their own picture written, whatever its size. */
#include "../reference/augmentations.h"
#include "base/hash.h"
#include "rows.h"

#include <math.h>
#include <stdlib.h>

static const lyne_augmentation *const rows[] = {
    &lyne_augmentation_shift,       &lyne_augmentation_random_crop,         &lyne_augmentation_flip,
    &lyne_augmentation_rotate,      &lyne_augmentation_random_resized_crop, &lyne_augmentation_erase,
    &lyne_augmentation_color_jitter};
enum { N_ROWS = sizeof rows / sizeof *rows };

static const lyne_augmentation *row_of(const char *name) {
    for (int i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i]->component.name, name) == 0) return rows[i];
    cr_assert_fail("%s", name);
    return NULL;
}

static const char *yaml_of(const char *name, const char *config) {
    static char text[200];
    snprintf(text, sizeof text, "{%s: %s}", name, config);
    return text;
}

/* Off by at most one: rounding, and where a pixel lies to 1/256. */
Test(augmentations, as_torchvision) {
    const lyne_picture_size size = {3, GOLDEN_H, GOLDEN_W};
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        const lyne_augmentation *row = row_of(golden[i].name);
        const char *yaml = yaml_of(golden[i].name, golden[i].config);
        filled f = filled_with(&row->component, yaml);
        int changed = 0;
        for (uint64_t sample = 0; sample < GOLDEN_SAMPLES; sample++) {
            uint8_t dst[GOLDEN_BYTES];
            lyne_stream stream = lyne_stream_at(7, LYNE_FOR_AUGMENT, 2, sample);
            row->apply(f.instance.config, size, &stream, golden_picture, dst);
            for (int k = 0; k < GOLDEN_BYTES; k++)
                cr_assert(abs(dst[k] - golden[i].out[sample][k]) <= 1, "%s, sample %d: number %d is %d, not %d", yaml,
                          (int)sample, k, dst[k], golden[i].out[sample][k]);
            changed += memcmp(dst, golden_picture, sizeof dst) != 0;
        }
        cr_expect(changed >= GOLDEN_SAMPLES / 2, "%s: %d changed", yaml, changed);
        unfill(&f);
    }
}

/* The same draws give the same bytes, for ever: soft labels on disk are of these pictures. */
Test(augmentations, bytes_are_fixed) {
    static const struct {
        const char *name, *config, *digest;
    } table[] = {
        {"shift", "{pixels: 2}", "510ef8099b7efc76c6f9886e9df7e5bc"},
        {"random_crop", "{padding: 2}", "7358b5356532aaa1b8a51b3d25b258f4"},
        {"random_crop", "{padding: 2, fill: reflect}", "7f2ec2815a34da0e534ae912fc032a6b"},
        {"flip", "{}", "5d2d83312e941c115e8a30f9b52220d9"},
        {"rotate", "{degrees: 30}", "fe9791f7724199217cdc6d60e9c62d84"},
        {"random_resized_crop", "{scale: [0.2, 1]}", "7a990d2b3e1cdd6041ad237fb165c16c"},
        {"erase", "{}", "b91eff25b1a84f7be58ea714320d45f5"},
        {"color_jitter", "{brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1}",
         "95d379d1d8288b682cc3e0a62414df4c"},
    };
    enum { VIEWS = 20 };
    static uint8_t dst[2][VIEWS][GOLDEN_BYTES];
    const lyne_picture_size size = {3, GOLDEN_H, GOLDEN_W};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const lyne_augmentation *row = row_of(table[i].name);
        filled f = filled_with(&row->component, yaml_of(table[i].name, table[i].config));
        for (int again = 0; again < 2; again++)
            for (uint32_t view = 0; view < VIEWS; view++) {
                lyne_stream stream = lyne_stream_at(11, LYNE_FOR_AUGMENT, view, 5);
                row->apply(f.instance.config, size, &stream, golden_picture, dst[again][view]);
            }
        char digest[LYNE_DIGEST_TEXT];
        lyne_digest_print(lyne_digest_of(dst[0], sizeof dst[0]), digest);
        cr_expect_str_eq(digest, table[i].digest, "%s: %s", table[i].name, digest);
        cr_expect_arr_eq(dst[0], dst[1], sizeof dst[0], "%s", table[i].name);
        unfill(&f);
    }
}

Test(augmentations, any_size) {
    static const lyne_picture_size sizes[] = {{1, 1, 1}, {3, 1, 1},   {3, 1, 40}, {1, 40, 1},
                                              {4, 5, 3}, {3, 33, 17}, {1, 28, 28}};
    static const struct {
        const char *name, *config;
    } table[] = {{"shift", "{pixels: 16}"},
                 {"random_crop", "{padding: 50, fill: reflect}"},
                 {"flip", "{}"},
                 {"rotate", "{degrees: 180}"},
                 {"random_resized_crop", "{scale: [0.001, 1], ratio: [0.01, 100]}"},
                 {"random_resized_crop", "{scale: [1, 1], ratio: [0.01, 0.02]}"},
                 {"random_resized_crop", "{scale: [1, 1], ratio: [50, 100]}"},
                 {"erase", "{probability: 1, scale: [0.001, 1], ratio: [0.01, 100]}"},
                 {"color_jitter", "{brightness: 100, contrast: 100, saturation: 100, hue: 0.5}"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const lyne_augmentation *row = row_of(table[i].name);
        filled f = filled_with(&row->component, yaml_of(table[i].name, table[i].config));
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            const size_t bytes = (size_t)(sizes[k].channels * sizes[k].height * sizes[k].width);
            uint8_t *src = lyne_alloc(bytes, 1), *dst = lyne_alloc(bytes, 1); /* ends that sanitizers watch */
            for (size_t b = 0; b < bytes; b++) src[b] = (uint8_t)(31 * b);
            for (uint64_t sample = 0; sample < 50; sample++) {
                lyne_stream stream = lyne_stream_at(3, LYNE_FOR_AUGMENT, 0, sample);
                row->apply(f.instance.config, sizes[k], &stream, src, dst);
            }
            for (size_t b = 0; b < bytes; b++) cr_assert_eq(src[b], (uint8_t)(31 * b));
            lyne_free(src);
            lyne_free(dst);
        }
        unfill(&f);
    }
}

/* Turned by nothing, or a part that is the whole: the picture itself. */
Test(augmentations, nothing_changes_nothing) {
    static const struct {
        const char *name, *config;
    } table[] = {{"rotate", "{degrees: 0}"},
                 {"random_resized_crop", "{scale: [1, 1], ratio: [1.1666666666666667, 1.1666666666666667]}"},
                 {"erase", "{probability: 0}"}};
    const lyne_picture_size size = {3, GOLDEN_H, GOLDEN_W};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const lyne_augmentation *row = row_of(table[i].name);
        filled f = filled_with(&row->component, yaml_of(table[i].name, table[i].config));
        uint8_t dst[GOLDEN_BYTES];
        lyne_stream stream = lyne_stream_at(3, LYNE_FOR_AUGMENT, 0, 1);
        row->apply(f.instance.config, size, &stream, golden_picture, dst);
        cr_expect_arr_eq(dst, golden_picture, sizeof dst, "%s", table[i].name);
        unfill(&f);
    }
}

/* A picture of ones: what is 0 afterwards has been erased.  Share of the views and of the area as asked, and every pixel
 * is hit. */
Test(augmentations, erase_statistics) {
    enum { SIDE = 24, AREA = SIDE * SIDE, DRAWS = 4000 };
    filled f = filled_with(&lyne_augmentation_erase.component, "{erase: {probability: 0.3, scale: [0.1, 0.2], ratio: "
                                                               "[0.5, 2], fill: zeros}}");
    uint8_t src[AREA], dst[AREA];
    int hit[AREA] = {0}, views = 0;
    double area = 0;
    memset(src, 1, AREA);
    for (uint64_t sample = 0; sample < DRAWS; sample++) {
        lyne_stream stream = lyne_stream_at(3, LYNE_FOR_AUGMENT, 0, sample);
        lyne_augmentation_erase.apply(f.instance.config, (lyne_picture_size){1, SIDE, SIDE}, &stream, src, dst);
        int n = 0;
        for (int i = 0; i < AREA; i++) n += dst[i] == 0, hit[i] += dst[i] == 0;
        views += n > 0;
        area += (double)n / AREA;
        cr_assert(n == 0 || (n > 0.08 * AREA && n < 0.22 * AREA));
    }
    cr_expect(fabs((double)views / DRAWS - 0.3) < 4 * sqrt(0.3 * 0.7 / DRAWS), "%d views", views);
    cr_expect(fabs(area / views - 0.15) < 0.003, "%g of the area", area / views);
    for (int i = 0; i < AREA; i++) cr_expect(hit[i] > 0, "pixel %d", i);
    unfill(&f);
}

Test(augmentations, erase_noise) {
    enum { SIDE = 24, AREA = SIDE * SIDE };
    filled f = filled_with(&lyne_augmentation_erase.component, "{erase: {probability: 1}}");
    uint8_t src[AREA] = {0}, dst[AREA];
    double sum = 0, n = 0;
    for (uint64_t sample = 0; sample < 300; sample++) {
        lyne_stream stream = lyne_stream_at(3, LYNE_FOR_AUGMENT, 0, sample);
        lyne_augmentation_erase.apply(f.instance.config, (lyne_picture_size){1, SIDE, SIDE}, &stream, src, dst);
        for (int i = 0; i < AREA; i++) sum += dst[i], n += dst[i] > 0;
    }
    cr_expect(fabs(sum / n - 128) < 4 * 74 / sqrt(n), "mean %g of %g numbers", sum / n, n); /* of 1..255 */
    unfill(&f);
}

Test(augmentations, fields) {
    static const struct {
        const char *name, *config, *says;
    } refused[] = {{"rotate", "{degrees: 181}", "outside [0, 180]"},
                   {"random_resized_crop", "{scale: [0.5]}", "smallest and the largest share"},
                   {"random_resized_crop", "{scale: [0.5, 0.4]}", "smallest and the largest share"},
                   {"random_resized_crop", "{scale: [0, 1]}", "outside [0.001, 1]"},
                   {"random_resized_crop", "{ratio: [2, 1]}", "width / height"},
                   {"erase", "{probability: 2}", "outside [0, 1]"},
                   {"erase", "{scale: [0.1, 0.2, 0.3]}", "smallest and the largest share"},
                   {"erase", "{ratio: []}", "width / height"},
                   {"erase", "{fill: grey}", "not a choice"},
                   {"color_jitter", "{}", "nothing is changed"},
                   {"color_jitter", "{hue: 0.6}", "outside [0, 0.5]"},
                   {"color_jitter", "{brightness: -1}", "outside [0, 100]"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        filled f = fill(&row_of(refused[i].name)->component, yaml_of(refused[i].name, refused[i].config));
        cr_expect_null(f.instance.row, "%s %s", refused[i].name, refused[i].config);
        cr_expect(f.out.n == 1 && strstr(f.out.item[0].text, refused[i].says), "%s: %s", refused[i].config,
                  f.out.n ? f.out.item[0].text : "accepted");
        unfill(&f);
    }
}
