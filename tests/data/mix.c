/* tests/data/mix.c -- two samples in one picture: the weights' distribution, the pixels, who is mixed with whom. */
#include "base/hash.h"
#include "data/loader.h"
#include "rows.h"

#include <math.h>
#include <stdlib.h>

enum { N = 40, C = 3, H = 6, W = 8, BYTES = C * H * W, VIEWS = 50 };

static uint8_t pictures[N * BYTES], labels[N];
static const lyne_dataset dataset = {.name = "made up",
                                     .n = N,
                                     .channels = C,
                                     .height = H,
                                     .width = W,
                                     .n_classes = N,
                                     .pictures = pictures,
                                     .labels = labels};
static const lyne_picture_size size = {C, H, W};

static void enter(void) {
    lyne_stream s = lyne_stream_at(1, LYNE_FOR_CHECK, 0, 0);
    for (int i = 0; i < N * BYTES; i++) pictures[i] = (uint8_t)(lyne_stream_bits(&s) >> 24);
    for (int i = 0; i < N; i++) labels[i] = (uint8_t)i;
}
TestSuite(mix, .init = enter);

static int ascending(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* Mean and variance of Beta(a, a); where its distribution function is known, Kolmogorov and Smirnov's distance (1.95 /
 * sqrt n is passed once in a thousand). */
static double arcsine(double x) {
    return 2 / 3.14159265358979 * asin(sqrt(x));
}
static double uniform(double x) {
    return x;
}
static double cubic(double x) {
    return x * x * (3 - 2 * x);
}

Test(mix, shares_are_of_beta) {
    static const struct {
        double alpha;
        double (*below)(double);
    } table[] = {{0.01, NULL}, {0.2, NULL}, {0.5, arcsine}, {1, uniform}, {2, cubic}, {8, NULL}, {100, NULL}};
    enum { DRAWS = 20000 };
    static double x[DRAWS];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const double alpha = table[i].alpha, variance = 0.25 / (2 * alpha + 1);
        double sum = 0, squares = 0, distance = 0;
        for (uint64_t k = 0; k < DRAWS; k++) {
            lyne_stream s = lyne_stream_at(4, LYNE_FOR_MIX, 0, k);
            const int32_t share = lyne_draw_share(&s, alpha);
            cr_assert(share >= 0 && share <= LYNE_WHOLE);
            x[k] = (double)share / LYNE_WHOLE;
            sum += x[k];
            squares += (x[k] - 0.5) * (x[k] - 0.5);
        }
        cr_expect(fabs(sum / DRAWS - 0.5) < 4 * sqrt(variance / DRAWS), "alpha %g: mean %g", alpha, sum / DRAWS);
        cr_expect(fabs(squares / DRAWS / variance - 1) < 0.06, "alpha %g: variance %g", alpha, squares / DRAWS);
        qsort(x, DRAWS, sizeof *x, ascending);
        for (int k = 0; table[i].below && k < DRAWS; k++)
            distance = fmax(distance, fabs(table[i].below(x[k]) - (k + 0.5) / DRAWS));
        cr_expect(distance < 1.95 / sqrt(DRAWS), "alpha %g: distance %g", alpha, distance);
    }
}

Test(mix, mixup_pixels) {
    filled f = filled_with(&lyne_augmentation_mixup.component, "{mixup: {alpha: 0.7}}");
    for (uint64_t sample = 0; sample + 1 < N; sample++) {
        const uint8_t *a = pictures + sample * BYTES, *b = a + BYTES;
        uint8_t dst[BYTES];
        lyne_stream one = lyne_stream_at(2, LYNE_FOR_MIX, 0, sample), two = one, three = one;
        const int32_t share = lyne_augmentation_mixup.mix(f.instance.config, size, &one, a, b, dst);
        cr_expect_eq(share, lyne_draw_share(&two, 0.7));
        cr_expect_eq(share, lyne_augmentation_mixup.mix(f.instance.config, size, &three, NULL, NULL, NULL));
        const double w = (double)share / LYNE_WHOLE;
        for (int i = 0; i < BYTES; i++)
            cr_assert(fabs(dst[i] - (w * a[i] + (1 - w) * b[i])) <= 0.5 + 1e-9, "%d of %d and %d at %g", dst[i], a[i],
                      b[i], w);
    }
    unfill(&f);
}

/* The pixels that are the partner's are a box, and their share is what the label loses. */
Test(mix, cutmix_pixels) {
    filled f = filled_with(&lyne_augmentation_cutmix.component, "cutmix");
    uint8_t a[BYTES], b[BYTES], dst[BYTES + 1];
    int hit[H][W] = {{0}}, none = 0;
    double sum = 0;
    memset(a, 1, BYTES);
    memset(b, 2, BYTES);
    dst[BYTES] = 77;
    enum { DRAWS = 4000 };
    for (uint64_t sample = 0; sample < DRAWS; sample++) {
        lyne_stream one = lyne_stream_at(2, LYNE_FOR_MIX, 0, sample), two = one;
        const int32_t share = lyne_augmentation_cutmix.mix(f.instance.config, size, &one, a, b, dst);
        cr_expect_eq(share, lyne_augmentation_cutmix.mix(f.instance.config, size, &two, NULL, NULL, NULL));
        int top = H, bottom = -1, left = W, right = -1, covered = 0;
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                const uint8_t *p = dst + (y * W + x) * C;
                cr_assert(p[0] == p[1] && p[1] == p[2]);
                if (p[0] == 1) continue;
                covered++, hit[y][x]++;
                if (y < top) top = y;
                if (y > bottom) bottom = y;
                if (x < left) left = x;
                if (x > right) right = x;
            }
        if (covered) cr_assert_eq(covered, (bottom - top + 1) * (right - left + 1));
        cr_assert_eq(share, LYNE_WHOLE - lround((double)LYNE_WHOLE * covered / (H * W)));
        cr_assert_eq(dst[BYTES], 77);
        none += covered == 0;
        sum += covered;
    }
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) cr_expect(hit[y][x] > DRAWS / 20, "pixel %d, %d", y, x);
    cr_expect(none < DRAWS / 3 && sum > 0.2 * H * W * DRAWS, "%d empty boxes, mean %g", none, sum / DRAWS);
    unfill(&f);
}

/* crop, mixup with probability 0.5 and cutmix with 0.3. */
enum { ROWS = 3 };
static lyne_instances mixed(filled f[ROWS], lyne_instance item[ROWS]) {
    static const struct {
        const lyne_augmentation *row;
        const char *yaml;
    } part[ROWS] = {{&lyne_augmentation_random_crop, "{random_crop: {padding: 2}}"},
                    {&lyne_augmentation_mixup, "{mixup: {probability: 0.5}}"},
                    {&lyne_augmentation_cutmix, "{cutmix: {probability: 0.3}}"}};
    for (int i = 0; i < ROWS; i++) {
        f[i] = filled_with(&part[i].row->component, part[i].yaml);
        item[i] = f[i].instance;
    }
    return (lyne_instances){.n = ROWS, .item = item};
}

static lyne_loader loader(uint32_t views, lyne_instances augment) {
    lyne_loader l;
    cr_assert_eq(lyne_loader_init(&l, &dataset, 5, 9, views, augment, NULL), LYNE_OK);
    return l;
}

/* Every view put together by hand, whatever batch it comes in. */
Test(mix, a_view_is_a_function_of_its_coordinates) {
    filled f[ROWS];
    lyne_instance item[ROWS];
    const lyne_instances augment = mixed(f, item);
    lyne_loader l = loader(VIEWS, augment);
    enum { BATCH = 16 };
    static uint8_t picture[BATCH * BYTES];
    uint64_t sample[BATCH];
    uint32_t view[BATCH];
    int32_t label[BATCH], mix[2 * BATCH], alone[2 * BATCH];
    for (uint64_t position = 0; position < N * VIEWS; position += 61) {
        lyne_batch b = {.n = BATCH, .sample = sample, .view = view, .picture = picture, .label = label, .mix = mix};
        lyne_loader_training(&l, position, &b);
        lyne_loader_training(&l, position, &(lyne_batch){.n = BATCH, .mix = alone});
        cr_assert_arr_eq(mix, alone, sizeof mix, "without pictures");
        for (int row = 0; row < BATCH; row++) {
            lyne_mix m = lyne_mix_draw(augment, 9, sample[row], view[row], N);
            uint8_t own[BYTES], partner[BYTES], wanted[BYTES];
            lyne_stream s = lyne_stream_at(9, LYNE_FOR_AUGMENT, view[row], sample[row]);
            lyne_augmentation_random_crop.apply(item[0].config, size, &s, pictures + sample[row] * BYTES, own);
            int32_t share = LYNE_WHOLE, second = labels[sample[row]];
            if (m.how) {
                s = lyne_stream_at(9, LYNE_FOR_PARTNER, view[row], sample[row]);
                lyne_augmentation_random_crop.apply(item[0].config, size, &s, pictures + m.partner * BYTES, partner);
                share =
                    ((const lyne_augmentation *)m.how->row)->mix(m.how->config, size, &m.stream, own, partner, wanted);
                second = labels[m.partner];
            } else {
                memcpy(wanted, own, BYTES);
            }
            cr_assert_arr_eq(picture + row * BYTES, wanted, BYTES);
            cr_assert(label[row] == labels[sample[row]] && mix[2 * row] == second && mix[2 * row + 1] == share);
        }
    }
    lyne_loader_deinit(&l);
    for (int i = 0; i < ROWS; i++) unfill(&f[i]);
}

/* How often, and with whom: chi squared of N - 1 degrees of freedom within 4 standard deviations. */
Test(mix, who_with_whom) {
    filled f[ROWS];
    lyne_instance item[ROWS];
    const lyne_instances augment = mixed(f, item);
    int how[ROWS] = {0}, with[N] = {0}, mixed_views = 0;
    enum { DRAWS = 300 };
    for (uint64_t sample = 0; sample < N; sample++)
        for (uint32_t view = 0; view < DRAWS; view++) {
            const lyne_mix m = lyne_mix_draw(augment, 9, sample, view, N);
            how[m.how ? m.how - item : 0]++;
            mixed_views += m.how != NULL;
            if (m.how) with[m.partner]++;
        }
    const double n = N * DRAWS, share[ROWS] = {0.2, 0.5, 0.3};
    for (int i = 0; i < ROWS; i++)
        cr_expect(fabs(how[i] / n - share[i]) < 4 * sqrt(share[i] * (1 - share[i]) / n), "%d: %g", i, how[i] / n);
    double chi = 0;
    for (int i = 0; i < N; i++) chi += pow(with[i] - (double)mixed_views / N, 2) / ((double)mixed_views / N);
    cr_expect(fabs(chi - (N - 1)) < 4 * sqrt(2.0 * (N - 1)), "chi squared %g", chi);
    for (int i = 0; i < ROWS; i++) unfill(&f[i]);
}

/* As for the other augmentations: soft labels on disk are of these pictures. */
Test(mix, bytes_are_fixed) {
    filled f[ROWS];
    lyne_instance item[ROWS];
    lyne_loader l = loader(VIEWS, mixed(f, item));
    static uint8_t picture[N * BYTES];
    static int32_t mix[2 * N];
    char digest[2][LYNE_DIGEST_TEXT];
    lyne_loader_training(&l, 7, &(lyne_batch){.n = N, .picture = picture, .mix = mix});
    lyne_digest_print(lyne_digest_of(picture, sizeof picture), digest[0]);
    lyne_digest_print(lyne_digest_of(mix, sizeof mix), digest[1]);
    cr_expect_str_eq(digest[0], "b6b2648408694aa0ab37ab589bfead97", "pictures: %s", digest[0]);
    cr_expect_str_eq(digest[1], "d8301e8cce90e392d5efacb88d99ce5d", "labels: %s", digest[1]);
    lyne_loader_deinit(&l);
    for (int i = 0; i < ROWS; i++) unfill(&f[i]);
}

Test(mix, nothing_mixed) {
    int32_t label[N], mix[2 * N];
    lyne_loader l = loader(0, (lyne_instances){0});
    lyne_loader_records(&l, 0, &(lyne_batch){.n = N, .label = label, .mix = mix});
    for (int i = 0; i < N; i++) cr_expect(mix[2 * i] == label[i] && mix[2 * i + 1] == LYNE_WHOLE);
    lyne_loader_deinit(&l);
}

Test(mix, where_it_may_stand) {
    filled f[ROWS], whole = filled_with(&lyne_augmentation_cutmix.component, "cutmix");
    lyne_instance item[ROWS];
    mixed(f, item);
    const struct {
        lyne_instance item[ROWS];
        size_t n;
        const char *says;
    } table[] = {{{{0}}, 0, NULL},
                 {{item[0], item[1], item[2]}, 3, NULL},
                 {{item[1]}, 1, NULL},
                 {{item[2], item[1]}, 2, NULL},
                 {{whole.instance}, 1, NULL},
                 {{item[1], item[0]}, 2, "move them behind"},
                 {{item[1], item[0], item[2]}, 3, "move them behind"},
                 {{item[0], item[1], whole.instance}, 3, "add up to more than 1"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *says = lyne_augment_check((lyne_instances){table[i].n, table[i].item});
        cr_expect(table[i].says ? says && strstr(says, table[i].says) : !says, "%d: %s", (int)i, says);
    }
    unfill(&whole);
    for (int i = 0; i < ROWS; i++) unfill(&f[i]);
}
