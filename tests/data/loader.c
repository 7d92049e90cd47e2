/* tests/data/loader.c -- the stream of samples and their views. */
#include "data/loader.h"
#include "rows.h"

#include <omp.h>
#include <stdlib.h>

enum { N = 23, SIDE = 8, AREA = SIDE * SIDE, BATCH = 10 };

/* N pictures, no two alike; picture i is full of i + 1, so a shift shows only as zeros at its edges. */
static uint8_t pictures[N * AREA], labels[N];
static lyne_dataset dataset = {.name = "made up",
                               .n = N,
                               .channels = 1,
                               .height = SIDE,
                               .width = SIDE,
                               .n_classes = N,
                               .pictures = pictures,
                               .labels = labels};

static void make_dataset(void) {
    for (int i = 0; i < N; i++) {
        labels[i] = (uint8_t)(N - 1 - i);
        memset(pictures + i * AREA, i + 1, AREA);
    }
}
TestSuite(loader, .init = make_dataset);

typedef struct rows {
    uint64_t sample[BATCH];
    uint32_t view[BATCH];
    uint8_t picture[BATCH * AREA];
    int32_t label[BATCH];
} rows;

static lyne_batch batch_of(rows *r) {
    return (lyne_batch){.n = BATCH, .sample = r->sample, .view = r->view, .picture = r->picture, .label = r->label};
}

static lyne_loader loader(uint64_t view_seed, uint32_t views, lyne_instances augment) {
    lyne_loader l;
    cr_assert_eq(lyne_loader_init(&l, &dataset, 5, view_seed, views, augment, NULL), LYNE_OK);
    return l;
}

Test(loader, every_sample_once_in_each_epoch) {
    lyne_loader l = loader(0, 0, (lyne_instances){0});
    int seen[4][N] = {{0}};
    uint64_t order[4][N];
    rows r;
    lyne_batch b = batch_of(&r);
    for (uint64_t p = 0; p < 4 * N; p++) {
        b.n = 1;
        lyne_loader_training(&l, p, &b);
        uint64_t epoch = p / N;
        cr_assert_lt(r.sample[0], N);
        cr_expect_eq(r.view[0], epoch);
        cr_expect_eq(r.label[0], labels[r.sample[0]]);
        cr_expect_arr_eq(r.picture, pictures + r.sample[0] * AREA, AREA);
        seen[epoch][r.sample[0]]++;
        order[epoch][p % N] = r.sample[0];
    }
    for (int e = 0; e < 4; e++)
        for (int i = 0; i < N; i++) cr_expect_eq(seen[e][i], 1, "epoch %d, sample %d: %d times", e, i, seen[e][i]);
    cr_expect_arr_neq(order[0], order[1], sizeof order[0], "each epoch has its own order");
    lyne_loader_deinit(&l);
}

Test(loader, batch_spans_epochs) {
    lyne_loader l = loader(0, 2, (lyne_instances){0});
    rows whole, single;
    lyne_batch b = batch_of(&whole), one = batch_of(&single);
    one.n = 1;
    for (uint64_t position = 0; position < 3 * N; position++) {
        lyne_loader_training(&l, position, &b);
        for (int row = 0; row < BATCH; row++) {
            lyne_loader_training(&l, position + (uint64_t)row, &one);
            cr_expect_eq(whole.sample[row], single.sample[0]);
            cr_expect_eq(whole.view[row], (position + (uint64_t)row) / N % 2);
            cr_expect_eq(whole.label[row], single.label[0]);
            cr_expect_arr_eq(whole.picture + row * AREA, single.picture, AREA);
        }
    }
    lyne_loader_deinit(&l);
}

/* Any K epochs, one after the other, show each sample once in each view, also when the steps end within an epoch. */
Test(loader, views_are_covered) {
    enum { K = 5 };
    lyne_loader l = loader(0, K, (lyne_instances){0});
    for (uint64_t start = 0; start < 3 * K * N; start += 17) {
        int seen[N * K] = {0};
        for (uint64_t p = start; p < start + K * N; p++) {
            uint64_t sample;
            uint32_t view;
            lyne_loader_training(&l, p, &(lyne_batch){.n = 1, .sample = &sample, .view = &view});
            seen[sample * K + view]++;
        }
        /* From the middle of an epoch its view is shown to the rest of the samples, and K epochs later to some again. */
        for (int i = 0; i < N * K; i++)
            cr_expect(start % N == 0 ? seen[i] == 1 : seen[i] <= 2, "from %d: %d times", (int)start, seen[i]);
    }
    int seen[N * K] = {0};
    for (uint64_t p = 0; p < (K - 1) * N + N / 2; p++) {
        uint64_t sample;
        uint32_t view;
        lyne_loader_training(&l, p, &(lyne_batch){.n = 1, .sample = &sample, .view = &view});
        cr_expect_eq(seen[sample * K + view]++, 0, "no view twice before each has had its turn");
    }
    lyne_loader_deinit(&l);
}

/* So many one after the other that both scratch pictures are used. */
enum { SHIFTS = 3 };
static lyne_instances shifts(filled f[SHIFTS], lyne_instance item[SHIFTS]) {
    static const char *const yaml[SHIFTS] = {"{shift: {pixels: 3}}", "{shift: {pixels: 1}}", "shift"};
    for (int i = 0; i < SHIFTS; i++) {
        f[i] = filled_with(&lyne_augmentation_shift.component, yaml[i]);
        item[i] = f[i].instance;
    }
    return (lyne_instances){.n = SHIFTS, .item = item};
}

Test(loader, a_view_looks_the_same_from_everywhere) {
    filled f[SHIFTS];
    lyne_instance item[SHIFTS];
    lyne_loader l = loader(9, 3, shifts(f, item));
    static uint8_t known[N][3][AREA];
    rows r;
    lyne_batch b = batch_of(&r);
    b.n = 1;
    int changed = 0;
    for (uint64_t sample = 0; sample < N; sample++)
        for (uint32_t view = 0; view < 3; view++) {
            lyne_loader_records(&l, sample * 3 + view, &b);
            cr_expect(r.sample[0] == sample && r.view[0] == view && r.label[0] == labels[sample]);
            memcpy(known[sample][view], r.picture, AREA);
            changed += view > 0 && memcmp(known[sample][view], known[sample][0], AREA) != 0;
        }
    cr_expect_gt(changed, N, "views differ");
    b.n = BATCH;
    for (uint64_t position = 0; position < 7 * N; position += 7) {
        lyne_loader_training(&l, position, &b);
        for (int row = 0; row < BATCH; row++)
            cr_expect_arr_eq(r.picture + row * AREA, known[r.sample[row]][r.view[row]], AREA);
    }
    /* By hand: all augmentations draw from one stream. */
    lyne_picture_size size = {1, SIDE, SIDE};
    lyne_stream s = lyne_stream_at(9, LYNE_FOR_AUGMENT, 2, 4);
    uint8_t step[SHIFTS + 1][AREA];
    memcpy(step[0], pictures + 4 * AREA, AREA);
    for (int i = 0; i < SHIFTS; i++) lyne_augmentation_shift.apply(item[i].config, size, &s, step[i], step[i + 1]);
    cr_expect_arr_eq(step[SHIFTS], known[4][2], AREA);
    lyne_loader_deinit(&l);
    for (int i = 0; i < SHIFTS; i++) unfill(&f[i]);
}

Test(loader, records) {
    for (uint32_t views = 0; views <= 3; views++) {
        lyne_loader l = loader(0, views, (lyne_instances){0});
        uint64_t n_views = views ? views : 1, first = N * n_views - 4;
        rows r;
        lyne_batch b = batch_of(&r);
        lyne_loader_records(&l, first, &b);
        for (uint64_t row = 0; row < BATCH; row++) {
            uint64_t record = row < 4 ? first + row : N * n_views - 1; /* past the end: the last */
            cr_expect_eq(r.sample[row], record / n_views);
            cr_expect_eq(r.view[row], record % n_views);
        }
        lyne_loader_deinit(&l);
    }
}

/* Many rows, so that the threads share them; the bits are those of one thread, and nothing is allocated. */
Test(loader, threads) {
    enum { MANY = 3000 };
    filled f[SHIFTS];
    lyne_instance item[SHIFTS];
    uint8_t *picture[2];
    int32_t *label = lyne_alloc(MANY, sizeof *label);
    for (int threads = 1; threads <= 2; threads++) {
        omp_set_num_threads(threads);
        lyne_loader l = loader(1, 0, shifts(f, item));
        picture[threads - 1] = lyne_alloc(MANY, AREA);
        lyne_batch b = {.n = MANY, .picture = picture[threads - 1], .label = label};
        uint64_t before = lyne_memory_count();
        lyne_loader_training(&l, 11, &b);
        cr_expect_eq(lyne_memory_count(), before);
        lyne_loader_deinit(&l);
        for (int i = 0; i < SHIFTS; i++) unfill(&f[i]);
    }
    cr_expect_arr_eq(picture[0], picture[1], MANY * AREA);
    for (int i = 0; i < 2; i++) lyne_free(picture[i]);
    lyne_free(label);
}

Test(loader, views_digest) {
    filled f[SHIFTS];
    lyne_instance item[SHIFTS];
    lyne_instances all = shifts(f, item), one = {.n = 1, .item = item}, swapped = all;
    lyne_instance turned[SHIFTS] = {item[1], item[0], item[2]};
    swapped.item = turned;
    const struct {
        uint64_t view_seed;
        uint32_t views;
        lyne_instances augment;
    } table[] = {{1, 1, {0}}, {1, 1, one}, {1, 1, all}, {1, 1, swapped}, {2, 1, one}, {1, 2, one}};
    enum { CASES = sizeof table / sizeof *table };
    lyne_digest digest[CASES];
    for (int i = 0; i < CASES; i++) {
        lyne_loader l = loader(table[i].view_seed, table[i].views, table[i].augment);
        digest[i] = lyne_loader_views_digest(&l);
        for (int j = 0; j < i; j++) cr_expect_not(lyne_digest_equal(digest[i], digest[j]), "%d and %d", i, j);
        lyne_loader_deinit(&l);
    }
    lyne_loader none = loader(7, 3, (lyne_instances){0}); /* nothing is drawn, so no seed matters */
    lyne_digest of_none = lyne_loader_views_digest(&none);
    cr_expect(lyne_digest_equal(of_none, digest[0]));
    lyne_loader_deinit(&none);
    for (int i = 0; i < SHIFTS; i++) unfill(&f[i]);
}
