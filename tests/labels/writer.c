/* tests/labels/writer.c -- a writer may die anywhere and go on to the same bytes; what is not a number is refused. */
#include "cache.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(writer, .init = make_root, .fini = remove_root);

static void keep_all(bytes kept[FILES]) {
    for (int f = 0; f < FILES; f++) kept[f] = get_file(file_names[f]);
}

static void expect_same(const bytes kept[FILES], const char *when) {
    for (int f = 0; f < FILES; f++) {
        bytes b = get_file(file_names[f]);
        cr_expect_eq(b.size, kept[f].size, "%s: %s", when, file_names[f]);
        cr_expect(b.size == kept[f].size && memcmp(b.data, kept[f].data, b.size) == 0, "%s: %s", when, file_names[f]);
        lyne_free(b.data);
    }
    char **names;
    size_t n;
    cr_assert_eq(lyne_directory_list(root, &names, &n, NULL), LYNE_OK);
    size_t due = FILES + 1; /* the files and .lock */
    for (size_t i = 0; i < n; i++) due += strcmp(names[i], "head.safetensors") == 0;
    cr_expect_eq(n, due, "%s: the files and .lock", when);
    lyne_names_free(names, n);
}

static void free_all(bytes kept[FILES]) {
    for (int f = 0; f < FILES; f++) lyne_free(kept[f].data);
}

static const char *const every_encoding[] = {
    "f32", "f16", "bf16", "int8", "{topk: {k: 2}}", "{topk: {k: 3, tail: drop}}", "{sampled: {draws: 7}}", "feature"};
enum { ENCODINGS = sizeof every_encoding / sizeof *every_encoding };

/* Written once for comparison, then in every way of being interrupted after k records. */
static void kill_after_every_record(const char *encoding) {
    lyne_labels_plan plan = small_plan(encoding);
    lyne_directory_remove(root, NULL);
    bytes kept[FILES];
    write_cache(&plan);
    keep_all(kept);
    for (uint64_t k = 0; k <= RECORDS; k++) {
        char when[64];
        snprintf(when, sizeof when, "%.20s, after %d records", encoding, (int)k);
        lyne_directory_remove(root, NULL);
        lyne_labels_writer *w = begun(&plan);
        append_until(w, k, 1);
        lyne_labels_writer_free(w);
        cr_expect_neq(lyne_labels_open(root, &(lyne_labels *){NULL}, NULL), LYNE_OK, "%s it is no cache", when);
        w = begun(&plan);
        cr_expect_eq(lyne_labels_next(w), k == RECORDS ? RECORDS : k / PER_SHARD * PER_SHARD, "%s", when);
        append_until(w, RECORDS, 3);
        cr_expect_eq(lyne_labels_finish(w, NULL), LYNE_OK);
        lyne_labels_writer_free(w);
        expect_same(kept, when);
    }
    free_all(kept);
}

Test(writer, killed_after_every_record) {
    for (int e = 0; e < ENCODINGS; e++) kill_after_every_record(every_encoding[e]);
}

/* However little memory there is for a shard. */
Test(writer, little_memory) {
    for (int e = 0; e < ENCODINGS; e++) {
        lyne_labels_plan plan = small_plan(every_encoding[e]);
        bytes kept[FILES];
        lyne_directory_remove(root, NULL);
        write_cache(&plan);
        keep_all(kept);
        for (plan.memory = 1; plan.memory < 130; plan.memory += 32) { /* no record to most of a shard of 4 */
            lyne_directory_remove(root, NULL);
            write_cache(&plan);
            expect_same(kept, every_encoding[e]);
        }
        free_all(kept);
    }
}

/* Records of the same logits, in whichever shard, are drawn apart from each other. */
Test(writer, every_record_draws_anew) {
    lyne_labels_plan plan = small_plan("{sampled: {draws: 31}}");
    float logits[RECORDS * CLASSES] = {0};
    int alike = 0;
    lyne_labels_writer *w = begun(&plan);
    cr_assert_eq(lyne_labels_append(w, logits, RECORDS, NULL), LYNE_OK);
    cr_assert_eq(lyne_labels_finish(w, NULL), LYNE_OK);
    lyne_labels_writer_free(w);
    lyne_labels *labels = opened();
    for (uint64_t r = 0; r < RECORDS; r++) {
        const uint64_t sample = r / VIEWS;
        const uint32_t view = (uint32_t)(r % VIEWS);
        cr_assert_eq(lyne_labels_read(labels, &sample, &view, 1, logits + r * CLASSES, NULL), LYNE_OK);
        if (r >= PER_SHARD)
            alike += !memcmp(logits + r * CLASSES, logits + (r - PER_SHARD) * CLASSES, CLASSES * sizeof *logits);
    }
    cr_expect_lt(alike, RECORDS - PER_SHARD);
    lyne_labels_close(labels);
}

/* A shard whose tally was damaged is not gone on from: it would end in another manifest. */
Test(writer, trusts_no_damaged_tally) {
    lyne_labels_plan plan = small_plan("int8");
    bytes kept[FILES];
    write_cache(&plan);
    keep_all(kept);
    bytes b = get_file(file_names[1]);
    char *tally = strstr(b.data + 8, "\"lyne.error\":\"4 ");
    cr_assert(tally);
    tally[16] = tally[16] == '0' ? '1' : '0'; /* a digit of a sum */
    put_file(file_names[1], b.data, b.size);
    lyne_error err;
    bool wrong;
    cr_expect_eq(examine(&err, &wrong), LYNE_EDATA);
    cr_expect(strstr(err.text, "lyne.error is not the tally of its 4 records"), "%s", err.text);
    lyne_labels_writer *w = begun(&plan);
    cr_expect_eq(lyne_labels_next(w), PER_SHARD);
    append_until(w, RECORDS, 1);
    cr_expect_eq(lyne_labels_finish(w, NULL), LYNE_OK);
    lyne_labels_writer_free(w);
    expect_same(kept, "damaged tally");
    lyne_free(b.data);
    free_all(kept);
}

/* The n-th system call fails, for each n: an error or a whole cache, and the next writer completes it. */
static void every_system_call_fails_once(uint64_t memory) {
    lyne_labels_plan plan = small_plan("f16");
    plan.memory = memory;
    bytes kept[FILES];
    write_cache(&plan);
    keep_all(kept);
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        lyne_directory_remove(root, NULL);
        lyne_labels_writer *w = NULL;
        lyne_error err = {0};
        float logits[RECORDS * CLASSES];
        for (uint64_t i = 0; i < RECORDS * CLASSES; i++) logits[i] = logit(i / CLASSES, (int64_t)(i % CLASSES));
        lyne_file_fail_at(n, 28 /* ENOSPC */);
        lyne_status status = lyne_labels_begin(&plan, &w, &err);
        if (status == LYNE_OK) status = lyne_labels_append(w, logits, RECORDS, &err);
        if (status == LYNE_OK) status = lyne_labels_finish(w, &err);
        lyne_file_fail_at(0, 0);
        failed = status != LYNE_OK;
        cr_expect_eq(failed, err.text[0] != '\0', "call %d", (int)n);
        lyne_labels_writer_free(w);
        write_cache(&plan);
        char when[32];
        snprintf(when, sizeof when, "system call %d", (int)n);
        expect_same(kept, when);
    }
    free_all(kept);
}
Test(writer, every_system_call_fails_once) {
    every_system_call_fails_once(0);
}
Test(writer, every_system_call_fails_once_with_little_memory) {
    every_system_call_fails_once(50);
}

Test(writer, every_allocation_fails_once) {
    lyne_labels_plan plan = small_plan("f32");
    lyne_status status = LYNE_ENOSPACE;
    for (uint64_t n = 1; status != LYNE_OK; n++) {
        lyne_labels_writer *w = NULL;
        lyne_error err = {0};
        float logits[RECORDS * CLASSES] = {0};
        lyne_directory_remove(root, NULL);
        lyne_memory_fail_at(n);
        status = lyne_labels_begin(&plan, &w, &err);
        if (status == LYNE_OK) status = lyne_labels_append(w, logits, RECORDS, &err);
        if (status == LYNE_OK) status = lyne_labels_finish(w, &err);
        lyne_memory_fail_at(0);
        cr_assert(status == LYNE_OK || status == LYNE_ENOSPACE, "allocation %d: %s", (int)n, err.text);
        lyne_labels_writer_free(w);
    }
}

/* A damaged, a foreign and a left-over file: what cannot be trusted is made again, what is not ours stays. */
Test(writer, trusts_nothing) {
    lyne_labels_plan plan = small_plan("f16");
    bytes kept[FILES];
    write_cache(&plan);
    keep_all(kept);
    bytes b = get_file(file_names[1]);
    b.data[b.size - 1] ^= 1;
    put_file(file_names[1], b.data, b.size);
    put_file("labels-00000-of-00003.safetensors.tmp.99", "half", 4);
    put_file("labels-00000-of-00009.safetensors", "of another plan", 15);
    put_file("manifest.json.tmp.99", "half", 4);
    lyne_labels_writer *w = begun(&plan);
    cr_expect_eq(lyne_labels_next(w), PER_SHARD, "the first shard is whole, the second is not");
    append_until(w, RECORDS, 2);
    cr_expect_eq(lyne_labels_finish(w, NULL), LYNE_OK);
    lyne_labels_writer_free(w);
    expect_same(kept, "damaged");

    put_file("notes.txt", "mine", 4);
    plan.identity.teacher.low++;
    w = begun(&plan);
    cr_expect_eq(lyne_labels_next(w), 0, "shards of another teacher");
    lyne_labels_writer_free(w);
    char **names;
    size_t n;
    cr_assert_eq(lyne_directory_list(root, &names, &n, NULL), LYNE_OK);
    cr_expect_eq(n, 2);
    cr_expect_str_eq(names[0], ".lock");
    cr_expect_str_eq(names[1], "notes.txt");
    lyne_names_free(names, n);
    lyne_free(b.data);
    free_all(kept);
}

Test(writer, second_writer_is_refused) {
    lyne_labels_plan plan = small_plan("f16");
    lyne_labels_writer *w = begun(&plan), *second;
    lyne_error err = {0};
    append_until(w, PER_SHARD, 1);
    cr_expect_eq(lyne_labels_begin(&plan, &second, &err), LYNE_EOTHER);
    cr_expect(strstr(err.text, ".lock is in use by another process"), "%s", err.text);
    cr_expect_null(second);
    append_until(w, RECORDS, 4);
    cr_expect_eq(lyne_labels_finish(w, NULL), LYNE_OK, "the first one is not disturbed");
    lyne_labels_writer_free(w);
    w = begun(&plan);
    lyne_labels_writer_free(w);
}

/* A real kill: another process writes and dies without a word. */
Test(writer, killed_process) {
    lyne_labels_plan plan = small_plan("f32");
    bytes kept[FILES];
    write_cache(&plan);
    keep_all(kept);
    lyne_directory_remove(root, NULL);
    pid_t child = fork();
    if (child == 0) {
        lyne_labels_writer *w = begun(&plan);
        append_until(w, 2 * PER_SHARD + 1, 1);
        _exit(0);
    }
    int how;
    cr_assert_eq(waitpid(child, &how, 0), child);
    lyne_labels_writer *w = begun(&plan);
    cr_expect_eq(lyne_labels_next(w), 2 * PER_SHARD);
    append_until(w, RECORDS, 1);
    cr_expect_eq(lyne_labels_finish(w, NULL), LYNE_OK);
    lyne_labels_writer_free(w);
    expect_same(kept, "killed");
    free_all(kept);
}

Test(writer, refuses_what_it_cannot_store) {
    static const struct {
        const char *encoding;
        float value;
        lyne_status status;
        const char *message;
    } table[] = {
        {"f32", NAN, LYNE_ENOTFINITE, "logit 1 for sample 2, view 1 is nan"},
        {"f32", -INFINITY, LYNE_ENOTFINITE, "is -inf"},
        {"f32", 3e38f, LYNE_OK, ""},
        {"f16", NAN, LYNE_ENOTFINITE, "is nan"},
        {"f16", 65504, LYNE_OK, ""},
        {"f16", -70000, LYNE_EDATA, "sample 2, view 1 is -70000; f16 holds up to 65504: use f32"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lyne_labels_plan plan = small_plan(table[i].encoding);
        lyne_directory_remove(root, NULL);
        lyne_labels_writer *w = begun(&plan);
        append_until(w, 3, 3);
        float logits[3 * CLASSES] = {0};
        lyne_error err = {0};
        logits[2 * CLASSES + 1] = table[i].value;
        cr_expect_eq(lyne_labels_append(w, logits, 3, &err), table[i].status, "%s", err.text);
        cr_expect(strstr(err.text, table[i].message), "%s", err.text);
        cr_expect_eq(lyne_labels_next(w), table[i].status == LYNE_OK ? 6 : 3, "all of a call or nothing");
        lyne_labels_writer_free(w);
    }
}

Test(writer, refuses_misuse) {
    lyne_labels_plan plan = small_plan("f32");
    lyne_labels_writer *w = begun(&plan);
    float logits[CLASSES] = {0};
    lyne_error err = {0};
    append_until(w, RECORDS - 1, 3);
    cr_expect_eq(lyne_labels_finish(w, &err), LYNE_EOTHER);
    cr_expect(strstr(err.text, "9 of 10 records are there"), "%s", err.text);
    append_until(w, RECORDS, 1);
    err = (lyne_error){0};
    cr_expect_eq(lyne_labels_append(w, logits, 1, &err), LYNE_EOTHER);
    cr_expect(strstr(err.text, "1 more records than the 0 that are still due"), "%s", err.text);
    lyne_labels_writer_free(w);
    lyne_labels_writer_free(NULL);
}

Test(writer, refuses_plans) {
    static const struct {
        uint64_t samples, per_shard;
        uint32_t views;
        int64_t classes;
        const char *message;
    } table[] = {{0, 1, 1, 1, "at least 1"},
                 {1, 0, 1, 1, "at least 1"},
                 {1, 1, 0, 1, "at least 1"},
                 {1, 1, 1, 0, "at least 1"},
                 {UINT64_MAX, UINT64_MAX, 2, 1, "more than can be stored"},
                 {1, 1, 1, INT64_MAX, "more than can be stored"},
                 {1000000, 9, 1, 10, "111112 files; raise records_per_shard"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lyne_labels_plan plan = small_plan("f32");
        lyne_labels_writer *w;
        lyne_error err = {0};
        plan.samples = table[i].samples, plan.views = table[i].views;
        plan.classes = table[i].classes, plan.records_per_shard = table[i].per_shard;
        cr_expect_eq(lyne_labels_begin(&plan, &w, &err), LYNE_EDATA);
        cr_expect(strstr(err.text, table[i].message), "%s", err.text);
    }
}
