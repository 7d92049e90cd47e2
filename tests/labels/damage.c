/* tests/labels/damage.c -- a shard of a megabyte: every single bit that flips and every length that it is cut to is noticed
 * before a number is handed out; and a writer killed at any moment goes on to the same bytes.
 *
 * All 2^23 bits, all lengths and 100 kills take some minutes: LYNE_LONG=1 and the filter of this suite; with --verbose it
 * says how many (a warning would be a failure to Criterion).  Without it a sample is looked at. */
#include "cache.h"
#include "labels/parts.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

TestSuite(damage, .init = make_root, .fini = remove_root);

enum { MANY = 29200, WIDE = 10 };

static bool is_long(void) {
    return getenv("LYNE_LONG") != NULL;
}

static lyne_labels_plan large_plan(uint64_t per_shard) {
    lyne_labels_plan plan = small_plan("f16");
    plan.samples = MANY;
    plan.views = 1;
    plan.classes = WIDE;
    plan.records_per_shard = per_shard;
    return plan;
}

static lyne_status write_large(const lyne_labels_plan *plan) {
    enum { BATCH = 100 };
    static float logits[BATCH * WIDE];
    lyne_labels_writer *w;
    lyne_status status = lyne_labels_begin(plan, &w, NULL);
    while (status == LYNE_OK && lyne_labels_left(w) > 0) {
        const uint64_t first = lyne_labels_next(w), due = lyne_labels_due(w), n = due < BATCH ? due : BATCH;
        for (uint64_t i = 0; i < n * WIDE; i++) logits[i] = logit(first + i / WIDE, (int64_t)(i % WIDE)) + 0.01f;
        status = lyne_labels_append(w, logits, (int64_t)n, NULL);
    }
    if (status == LYNE_OK) status = lyne_labels_finish(w, NULL);
    lyne_labels_writer_free(w);
    return status;
}

/* The record that a byte of the data belongs to: the arrays stand one behind the other. */
static uint64_t record_of(size_t at) {
    static const size_t wide[] = {8, 4, 4, 2 * WIDE};
    for (int i = 0; i < 4; i++) {
        if (at < wide[i] * MANY) return at / wide[i];
        at -= wide[i] * MANY;
    }
    cr_assert_fail("a byte behind the data");
    return 0;
}

static lyne_status read_one(const lyne_labels *labels, uint64_t record) {
    float logits[WIDE];
    return lyne_labels_read(labels, &record, &(uint32_t){0}, 1, logits, NULL);
}

/* A bit of the header must not survive opening, one of the data not the reading of its record, by whoever has the shard
 * mapped already. */
Test(damage, every_bit, .timeout = 3000) {
    const lyne_labels_plan plan = large_plan(MANY);
    cr_assert_eq(write_large(&plan), LYNE_OK);
    char path[160];
    snprintf(path, sizeof path, "%s/labels-00000-of-00001.safetensors", root);
    uint64_t size, flips = 0, unnoticed = 0;
    cr_assert_eq(lyne_file_size(path, &size, NULL), LYNE_OK);
    cr_assert_geq(size, 1 << 20);
    const size_t header = size - (size_t)MANY * (16 + 2 * WIDE), step = is_long() ? 1 : 499;
    lyne_labels *labels = opened();
    const int fd = open(path, O_RDWR);
    for (size_t bit = 0; bit < 8 * size; bit += step, flips++) {
        const uint64_t record = bit / 8 < header ? 0 : record_of(bit / 8 - header);
        flip_bit(fd, bit);
        lyne_labels *again = NULL;
        const lyne_status status = bit / 8 < header ? lyne_labels_open(root, &again, NULL) : read_one(labels, record);
        if (status != LYNE_EDATA) {
            unnoticed++;
            cr_log_warn("bit %zu of byte %zu", bit % 8, bit / 8);
        }
        lyne_labels_close(again);
        flip_bit(fd, bit);
    }
    cr_expect_eq(unnoticed, 0, "%d of %d flips", (int)unnoticed, (int)flips);
    if (is_long()) cr_log_info("%d flips of %d bytes, all noticed", (int)flips, (int)size);
    for (uint64_t r = 0; r < MANY; r++) cr_assert_eq(read_one(labels, r), LYNE_OK, "it is whole again");
    close(fd);
    lyne_labels_close(labels);
}

Test(damage, every_length, .timeout = 3000) {
    const lyne_labels_plan plan = large_plan(MANY);
    cr_assert_eq(write_large(&plan), LYNE_OK);
    char path[160];
    snprintf(path, sizeof path, "%s/labels-00000-of-00001.safetensors", root);
    uint64_t size, unnoticed = 0, lengths = 0;
    cr_assert_eq(lyne_file_size(path, &size, NULL), LYNE_OK);
    for (uint64_t n = size; n-- > 0; lengths++) {
        lyne_labels *labels = NULL;
        cr_assert_eq(truncate(path, (off_t)n), 0);
        unnoticed += lyne_labels_open(root, &labels, NULL) != LYNE_EDATA;
        lyne_labels_close(labels);
        if (!is_long()) n -= n < 1009 ? n : 1008;
    }
    cr_expect_eq(unnoticed, 0);
    if (is_long()) cr_log_info("%d lengths, all noticed", (int)lengths);
}

/* Over the bytes of all files in order. */
static lyne_digest digest_of_all(void) {
    char **names, path[400];
    size_t n;
    lyne_hash h;
    lyne_hash_init(&h);
    cr_assert_eq(lyne_directory_list(root, &names, &n, NULL), LYNE_OK);
    for (size_t i = 0; i < n; i++) {
        lyne_digest d;
        snprintf(path, sizeof path, "%s/%s", root, names[i]);
        cr_assert_eq(lyne_file_digest(path, &d, NULL, NULL), LYNE_OK);
        lyne_hash_text(&h, names[i]);
        lyne_hash_digest(&h, d);
    }
    lyne_names_free(names, n);
    return lyne_hash_finish(&h);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

Test(damage, kills_at_random_moments, .timeout = 3000) {
    const lyne_labels_plan plan = large_plan(1000);
    const int kills = is_long() ? 100 : 10;
    int killed = 0, unfinished = 0;
    double start = now();
    cr_assert_eq(write_large(&plan), LYNE_OK);
    double whole = now() - start;
    const lyne_digest due = digest_of_all();
    srand((unsigned)(start * 1e6));
    for (int i = 0; killed < kills && i < 10 * kills; i++) {
        int how;
        lyne_directory_remove(root, NULL);
        const pid_t child = fork();
        if (child == 0) _exit((int)write_large(&plan));
        usleep((useconds_t)(1e6 * whole * rand() / RAND_MAX));
        kill(child, SIGKILL);
        waitpid(child, &how, 0);
        killed += WIFSIGNALED(how);
        if (!WIFSIGNALED(how)) whole *= 0.7; /* the first time a neighbour held it up */
        char path[160];
        snprintf(path, sizeof path, "%s/manifest.json", root);
        unfinished += !lyne_file_exists(path);
        cr_assert_eq(write_large(&plan), LYNE_OK);
        cr_expect(lyne_digest_equal(digest_of_all(), due), "kill %d", i);
    }
    cr_expect_eq(killed, kills);
    cr_expect_gt(unfinished, 0);
    if (is_long()) cr_log_info("%d kills, %d of them before the end, one hash", killed, unfinished);
}
