/* tests/train/teacher.c -- the average of several teachers against numpy, each of them a cache of two records. */
#include "train/teacher.h"
#include "../scratch.h"
#include "base/file.h"
#include "labels/writer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const lyne_encoding lyne_encoding_f32;

enum { B = 2, C = 3, TEACHERS = 3 };

static char root[64];
static lyne_labels *caches[TEACHERS + 1];
static lyne_teacher teachers[TEACHERS + 1] = {{.weight = 2}, {.weight = 1}, {.weight = 0.5}, {.weight = 1}};

static void enter(void) {
    static const float z[TEACHERS + 1][B * C] = {
        {1.5f, -2, 0.25f, 30, 0, -30}, {-1, 3, 0.5f, 0, 1, 2}, {0, 0, 4, 9, 8, 7}, {-1e30f, 0, 0, 0, -1e30f, 0}};
    lyne_error err = {0};
    scratch_folder(root, sizeof root, "teacher");
    for (int i = 0; i <= TEACHERS; i++) {
        char directory[80];
        snprintf(directory, sizeof directory, "%s/%d", root, i);
        const lyne_labels_plan plan = {.directory = directory,
                                       .samples = B,
                                       .views = 1,
                                       .classes = C,
                                       .encoding = {.row = &lyne_encoding_f32.component},
                                       .records_per_shard = 10};
        lyne_labels_writer *w;
        cr_assert_eq(lyne_labels_begin(&plan, &w, &err), LYNE_OK, "%s", err.text);
        cr_assert_eq(lyne_labels_append(w, z[i], B, &err), LYNE_OK, "%s", err.text);
        cr_assert_eq(lyne_labels_finish(w, &err), LYNE_OK, "%s", err.text);
        lyne_labels_writer_free(w);
        cr_assert_eq(lyne_labels_open(directory, &caches[i], &err), LYNE_OK, "%s", err.text);
        teachers[i].labels = caches[i];
    }
}

static void leave(void) {
    for (int i = 0; i <= TEACHERS; i++) lyne_labels_close(caches[i]);
    cr_assert_eq(lyne_directory_remove(root, NULL), LYNE_OK);
}
TestSuite(teacher, .init = enter, .fini = leave);

static void ask(const lyne_teacher *of, size_t n, double temperature, float logits[B * C]) {
    uint64_t sample[B] = {0, 1};
    uint32_t view[B] = {0, 0};
    const lyne_batch b = {.n = B, .sample = sample, .view = view};
    lyne_teachers t;
    lyne_error err = {0};
    cr_assert_eq(lyne_teachers_init(&t, of, n, temperature, B, C, &err), LYNE_OK, "%s", err.text);
    const uint64_t before = lyne_memory_count();
    cr_assert_eq(lyne_teachers_ask(&t, &b, logits, &err), LYNE_OK, "%s", err.text);
    cr_expect_eq(lyne_memory_count(), before, "asking allocates nothing");
    lyne_teachers_deinit(&t);
}

/* Numbers by tests/reference/teachers.py with numpy 2.4.6. */
Test(teacher, as_numpy) {
    static const struct {
        double temperature, z[B * C];
    } table[] = {{1, {-0.81811123, -1.28998485, -1.26068168, -0.367900552, -2.25490382, -1.59489244}},
                 {4, {-4.18246291, -4.93391504, -4.11730996, -1.40588298, -7.85752428, -7.42890811}},
                 {0, {0.571428571, -0.285714286, 0.857142857, 18.4285714, 1.42857143, -15.5714286}}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        float z[B * C];
        ask(teachers, TEACHERS, table[i].temperature, z);
        for (int k = 0; k < B * C; k++)
            cr_expect(fabs((double)z[k] - table[i].z[k]) < 2e-6, "T = %g, %d: %.9g, not %.9g", table[i].temperature, k,
                      (double)z[k], table[i].z[k]);
    }
}

/* One alone is passed on to the bit, whatever its weight; two equal ones too, but for rounding. */
Test(teacher, one_alone) {
    float alone[B * C], z[B * C];
    ask(teachers, 1, 4, alone);
    cr_expect(alone[0] == 1.5f && alone[5] == -30);
    const lyne_teacher twice[] = {teachers[0], teachers[0]};
    ask(twice, 2, 0, z);
    for (int k = 0; k < B * C; k++) cr_expect_eq(z[k], alone[k]);
}

/* What one teacher knows nothing of has the other's half of the probability; by logits it is impossible. */
Test(teacher, impossible_classes) {
    float z[B * C];
    const lyne_teacher two[] = {teachers[1], teachers[TEACHERS]}, none[] = {teachers[TEACHERS], teachers[TEACHERS]};
    ask(two, 2, 1, z);
    const double e = exp(-1) + exp(3) + exp(0.5), p = exp(-1) / e / 2;
    cr_expect(fabs(exp((double)z[0]) - p) < 1e-7 && isfinite(z[4]));
    ask(two, 2, 0, z);
    cr_expect(z[0] < -1e29f && z[0] >= -1e30f && isfinite(z[4]));
    ask(none, 2, 4, z);
    cr_expect(z[0] == -1e30f && z[4] == -1e30f);
}

Test(teacher, classes_differ) {
    lyne_teachers t;
    lyne_error err = {0};
    cr_expect_eq(lyne_teachers_init(&t, teachers, 2, 1, B, C + 1, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "the soft labels are of 3 classes, the data set has 4"), "%s", err.text);
}

Test(teacher, out_of_memory) {
    for (uint64_t at = 1; at <= 2; at++) {
        lyne_teachers t;
        lyne_memory_fail_at(at);
        cr_expect_eq(lyne_teachers_init(&t, teachers, 2, 1, B, C, NULL), LYNE_ENOSPACE);
        lyne_memory_fail_at(0);
    }
}
