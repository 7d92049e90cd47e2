/* tests/data/subset.c -- what is drawn, what is shown, what a copy holds. */
#include "data/subset.h"
#include "data/loader.h"
#include "rows.h"
#include <string.h>

/* 100 pictures of 2 x 2: 60 of class a, 30 of b, 9 of c, 1 of d, in that order; picture i is full of i. */
enum { N = 100, AREA = 4, CLASSES = 4 };
static uint8_t pictures[N * AREA], labels[N];
static const lyne_dataset dataset = {.name = "made up",
                                     .n = N,
                                     .channels = 1,
                                     .height = 2,
                                     .width = 2,
                                     .n_classes = CLASSES,
                                     .pictures = pictures,
                                     .labels = labels};
static const char *const words[] = {"a", "b", "c", "d"};
static const lyne_texts names = {CLASSES, words};

static void make_dataset(void) {
    for (int i = 0; i < N; i++) {
        labels[i] = (uint8_t)((i >= 60) + (i >= 90) + (i >= 99));
        memset(pictures + i * AREA, i, AREA);
    }
}
TestSuite(subset, .init = make_dataset);

static void count(const lyne_subset *s, int64_t out[CLASSES]) {
    memset(out, 0, CLASSES * sizeof *out);
    for (int64_t i = 0; i < s->n; i++) {
        cr_assert_lt(s->id[i], N);
        cr_assert(i == 0 || s->id[i] > s->id[i - 1], "not ascending at %lld", (long long)i);
        out[labels[s->id[i]]]++;
    }
}

Test(subset, a_draw_takes_of_every_class_its_share_and_leaves_the_others) {
    static const struct {
        int64_t n, of[CLASSES];
    } rows[] = {{10, {6, 3, 1, 0}}, {50, {30, 15, 5, 0}}, {99, {59, 30, 9, 1}}, {1, {1, 0, 0, 0}}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        lyne_subset drawn, rest, again, others;
        lyne_error err = {0};
        int64_t of[CLASSES];
        bool seen[N] = {false};
        cr_assert_eq(lyne_subset_draw(&dataset, rows[k].n, &drawn, &rest, &err), LYNE_OK, "%s", err.text);
        cr_assert_eq(lyne_subset_draw(&dataset, rows[k].n, &again, &others, &err), LYNE_OK, "%s", err.text);
        cr_assert_eq(drawn.n, rows[k].n);
        cr_assert_eq(rest.n, N - rows[k].n);
        cr_expect_arr_eq(drawn.id, again.id, (size_t)drawn.n * sizeof *drawn.id, "another draw");
        count(&drawn, of);
        for (int c = 0; c < CLASSES; c++) cr_expect_leq(llabs(of[c] - rows[k].of[c]), 1, "row %zu, class %d", k, c);
        count(&rest, of);
        for (int64_t i = 0; i < drawn.n; i++) seen[drawn.id[i]] = true;
        for (int64_t i = 0; i < rest.n; i++) cr_expect_not(seen[rest.id[i]], "in both");
        lyne_subset_free(&drawn), lyne_subset_free(&rest), lyne_subset_free(&again), lyne_subset_free(&others);
    }
}

Test(subset, a_draw_is_not_the_first_of_each_class) {
    lyne_subset drawn, rest;
    cr_assert_eq(lyne_subset_draw(&dataset, 20, &drawn, &rest, NULL), LYNE_OK);
    cr_expect_gt(drawn.id[drawn.n / 2], 20u);
    cr_expect_gt(rest.n - (int64_t)rest.id[0], 70);
    lyne_subset_free(&drawn), lyne_subset_free(&rest);
}

Test(subset, refuses_to_hold_out_nothing_or_all) {
    static const int64_t n[] = {0, -1, N, N + 1};
    for (int i = 0; i < 4; i++) {
        lyne_subset drawn, rest;
        lyne_error err = {0};
        cr_expect_eq(lyne_subset_draw(&dataset, n[i], &drawn, &rest, &err), LYNE_EDATA);
        cr_expect(strstr(err.text, "cannot be held out of 100"), "%s", err.text);
    }
}

Test(subset, shows_classes_or_all_but_classes_or_so_many) {
    static const char *const ac[] = {"a", "c"};
    static const struct {
        lyne_shown shown;
        int64_t n, of[CLASSES];
    } rows[] = {{{.classes = {2, ac}}, 69, {60, 0, 9, 0}},
                {{.without = {2, ac}}, 31, {0, 30, 0, 1}},
                {{.samples = 10}, 10, {6, 3, 1, 0}},
                {{.without = {1, ac}, .samples = 20}, 20, {0, 15, 5, 0}}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        lyne_subset s;
        lyne_error err = {0};
        int64_t of[CLASSES];
        cr_assert_eq(lyne_subset_show(&dataset, NULL, &rows[k].shown, &names, &s, &err), LYNE_OK, "%s", err.text);
        cr_assert_eq(s.n, rows[k].n, "row %zu: %lld", k, (long long)s.n);
        count(&s, of);
        for (int c = 0; c < CLASSES; c++) cr_expect_leq(llabs(of[c] - rows[k].of[c]), 1, "row %zu, class %d", k, c);
        lyne_subset_free(&s);
    }
}

Test(subset, shows_nothing_of_what_is_held_out) {
    static const char *const b[] = {"b"};
    const lyne_shown shown = {.classes = {1, b}};
    lyne_subset held, rest, s;
    cr_assert_eq(lyne_subset_draw(&dataset, 50, &held, &rest, NULL), LYNE_OK);
    cr_assert_eq(lyne_subset_show(&dataset, &rest, &shown, &names, &s, NULL), LYNE_OK);
    for (int64_t i = 0; i < s.n; i++)
        for (int64_t k = 0; k < held.n; k++) cr_expect_neq(s.id[i], held.id[k]);
    cr_expect_eq(s.n, 15);
    lyne_subset_free(&held), lyne_subset_free(&rest), lyne_subset_free(&s);
}

Test(subset, too_few_samples_is_an_error) {
    static const struct {
        lyne_shown shown;
        const char *words;
    } rows[] = {{{.without = {CLASSES, words}}, "nothing of data set 'made up' is left"},
                {{.without = {1, words}, .samples = 41}, "samples = 41, and of data set 'made up' there are 40"}};
    for (int k = 0; k < 2; k++) {
        lyne_subset s = {0};
        lyne_error err = {0};
        cr_expect_eq(lyne_subset_show(&dataset, NULL, &rows[k].shown, &names, &s, &err), LYNE_EDATA);
        cr_expect(strstr(err.text, rows[k].words), "%s", err.text);
        cr_expect_null(s.id);
    }
}

Test(subset, a_copy_holds_its_samples_and_a_digest_of_its_own) {
    lyne_subset drawn, rest;
    lyne_dataset d;
    cr_assert_eq(lyne_subset_draw(&dataset, 30, &drawn, &rest, NULL), LYNE_OK);
    cr_assert_eq(lyne_subset_copy(&dataset, &drawn, LYNE_VALIDATION, &d, NULL), LYNE_OK);
    cr_expect_eq(d.n, 30);
    cr_expect_str_eq(lyne_split_name(d.split), "validation");
    for (int64_t i = 0; i < d.n; i++) {
        cr_expect_eq(d.pictures[i * AREA], drawn.id[i]);
        cr_expect_eq(d.labels[i], labels[drawn.id[i]]);
    }
    const lyne_digest digest = lyne_dataset_digest(&d);
    cr_expect(lyne_digest_equal(d.digest, digest));
    lyne_dataset_close(&d);
    lyne_subset_free(&drawn), lyne_subset_free(&rest);
}

Test(subset, the_loader_shows_each_once_in_an_epoch_and_labels_all) {
    uint64_t ids[] = {3, 50, 61, 99};
    const lyne_subset only = {ids, 4};
    lyne_loader l;
    int seen[2][N] = {{0}};
    cr_assert_eq(lyne_loader_init(&l, &dataset, 5, 0, 0, (lyne_instances){0}, NULL), LYNE_OK);
    l.only = &only;
    cr_expect_eq(lyne_loader_shown(&l), 4);
    for (uint64_t p = 0; p < 8; p++) {
        uint64_t sample;
        uint8_t picture[AREA];
        lyne_loader_training(&l, p, &(lyne_batch){.n = 1, .sample = &sample, .picture = picture});
        cr_expect_eq(picture[0], sample);
        seen[p / 4][sample]++;
    }
    for (int i = 0; i < 4; i++) cr_expect(seen[0][ids[i]] == 1 && seen[1][ids[i]] == 1, "sample %d", (int)ids[i]);
    uint64_t record;
    lyne_loader_records(&l, 77, &(lyne_batch){.n = 1, .sample = &record});
    cr_expect_eq(record, 77u);
    lyne_loader_deinit(&l);
}
