/* tests/labels/parts.c -- several writers of one cache, their lock, and joining what they wrote. */
#include "labels/parts.h"
#include "cache.h"

#include <sys/resource.h>
#include <sys/wait.h>

TestSuite(parts, .init = make_root, .fini = remove_root);

static const char *const encodings[] = {"f32", "{topk: {k: 2}}", "{feature: {type: f16}}"};

static void keep_all(bytes kept[FILES]) {
    for (int f = 0; f < FILES; f++) kept[f] = get_file(file_names[f]);
}

static void expect_same(bytes kept[FILES], const char *when) {
    for (int f = 0; f < FILES; f++) {
        bytes b = get_file(file_names[f]);
        cr_expect(b.size == kept[f].size && memcmp(b.data, kept[f].data, b.size) == 0, "%s: %s", when, file_names[f]);
        lyne_free(b.data);
    }
    char **names;
    size_t n;
    cr_assert_eq(lyne_directory_list(root, &names, &n, NULL), LYNE_OK);
    for (size_t i = 0; i < n; i++) cr_expect(strncmp(names[i], "part-", 5) != 0, "%s: %s is left", when, names[i]);
    lyne_names_free(names, n);
}

static void free_all(bytes kept[FILES]) {
    for (int f = 0; f < FILES; f++) lyne_free(kept[f].data);
}

static lyne_labels_plan part_plan(const char *encoding, const char *directory, uint32_t part, uint32_t n_parts) {
    lyne_labels_plan plan = small_plan(encoding);
    plan.directory = directory;
    plan.part = part;
    plan.n_parts = n_parts;
    return plan;
}

static void write_part(const char *encoding, const char *directory, uint32_t part, uint32_t n_parts) {
    const lyne_labels_plan plan = part_plan(encoding, directory, part, n_parts);
    write_cache(&plan);
}

static lyne_status merge(const char *const *from, size_t n, lyne_error *err) {
    *err = (lyne_error){0};
    return lyne_labels_merge(from, n, root, err);
}

/* Parts in any order, in one directory: the bytes of one writer. */
Test(parts, in_one_directory) {
    for (size_t e = 0; e < sizeof encodings / sizeof *encodings; e++) {
        bytes kept[FILES];
        lyne_error err;
        lyne_directory_remove(root, NULL);
        write_part(encodings[e], root, 0, 0);
        keep_all(kept);
        lyne_directory_remove(root, NULL);
        for (uint32_t part = 3; part >= 1; part--) write_part(encodings[e], root, part, 3);
        cr_expect_neq(lyne_labels_open(root, &(lyne_labels *){NULL}, NULL), LYNE_OK, "parts are no cache");
        cr_expect_eq(merge((const char *[]){root}, 1, &err), LYNE_OK, "%s", err.text);
        expect_same(kept, encodings[e]);
        lyne_labels *labels = opened();
        cr_expect_eq(lyne_labels_verify(labels, &err), LYNE_OK, "%s", err.text);
        lyne_labels_close(labels);

        lyne_directory_remove(root, NULL); /* or the writer of all goes on where parts have written */
        write_part(encodings[e], root, 2, 3);
        const lyne_labels_plan plan = part_plan(encodings[e], root, 0, 0);
        lyne_labels_writer *w = begun(&plan);
        cr_expect_eq(lyne_labels_left(w), RECORDS - PER_SHARD);
        append_until(w, RECORDS, 3);
        cr_expect_eq(lyne_labels_finish(w, &err), LYNE_OK, "%s", err.text);
        lyne_labels_writer_free(w);
        expect_same(kept, "what a part wrote is passed over");
        free_all(kept);
    }
}

static void other_directory(char out[96], const char *name) {
    snprintf(out, 96, "%s-%s", root, name);
}

Test(parts, from_several_directories) {
    char a[96], b[96];
    bytes kept[FILES];
    lyne_error err;
    other_directory(a, "a"), other_directory(b, "b");
    for (size_t e = 0; e < sizeof encodings / sizeof *encodings; e++) {
        const char *const both[] = {a, b};
        lyne_directory_remove(root, NULL);
        write_part(encodings[e], root, 0, 0);
        keep_all(kept);
        lyne_directory_remove(root, NULL);
        write_part(encodings[e], a, 1, 2);
        cr_expect_eq(merge(both, 1, &err), LYNE_EDATA);
        cr_expect(strstr(err.text, "shards 1 to 2 of 3 are in none of these parts"), "%s", err.text);
        cr_expect_eq(merge(both, 2, &err), LYNE_EDATA, "there is no such directory");
        write_part(encodings[e], b, 3, 3);
        cr_expect_eq(merge(both, 2, &err), LYNE_EDATA);
        cr_expect(strstr(err.text, "shards 1 to 1 of 3"), "%s", err.text);
        write_part(encodings[e], b, 2, 3); /* parts of 2 and of 3 cover it together */
        cr_expect_eq(merge(both, 2, &err), LYNE_OK, "%s", err.text);
        expect_same(kept, encodings[e]);
        lyne_directory_remove(a, NULL);
        lyne_directory_remove(b, NULL);
        free_all(kept);
    }
}

Test(parts, refuses_what_does_not_fit) {
    char a[96], b[96];
    lyne_error err;
    other_directory(a, "a"), other_directory(b, "b");
    const char *const both[] = {a, b};
    write_part("f32", a, 1, 2);
    lyne_labels_plan plan = part_plan("f32", b, 2, 2);
    plan.identity.teacher.low++;
    write_cache(&plan);
    cr_expect_eq(merge(both, 2, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "part-00002-of-00002.json: is a part of other soft labels than"), "%s", err.text);

    lyne_directory_remove(b, NULL);
    write_part("f32", b, 2, 2);
    char path[160];
    snprintf(path, sizeof path, "%s/%s", b, file_names[2]);
    char *data;
    size_t size;
    cr_assert_eq(lyne_file_read(path, 1 << 20, &data, &size, &err), LYNE_OK);
    data[size - 1] ^= 1;
    cr_assert_eq(lyne_file_commit(path, data, size, NULL), LYNE_OK);
    lyne_free(data);
    cr_expect_eq(merge(both, 2, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "is not the file that its part describes"), "%s", err.text);

    write_part("f32", b, 2, 2); /* the part finds its damaged shard and writes it anew */
    snprintf(path, sizeof path, "%s/part-00002-of-00002.json", b);
    cr_assert_eq(lyne_file_read(path, 1 << 20, &data, &size, &err), LYNE_OK);
    char *digit = strstr(data, "\"bytes\": ") + 9; /* of a size; joined, nothing could be opened */
    for (int wrong = 1; wrong >= 0; wrong--) {
        *digit ^= 1;
        cr_assert_eq(lyne_file_commit(path, data, size, NULL), LYNE_OK);
        err = (lyne_error){0};
        if (wrong) cr_expect_eq(merge(both, 2, &err), LYNE_EDATA);
        if (wrong) cr_expect(strstr(err.text, "is not the file that its part describes"), "%s", err.text);
    }
    lyne_free(data);
    cr_expect_eq(merge(both, 2, &err), LYNE_OK, "%s", err.text);

    lyne_directory_make(root, NULL);
    cr_expect_eq(merge((const char *[]){root}, 1, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "has no finished part"), "%s", err.text);

    cr_expect_eq(merge(NULL, 0, &err), LYNE_EDATA);
    cr_expect_str_eq(err.text, "there are no parts to join");

    static const struct {
        uint32_t part, n_parts;
        const char *message;
    } bad[] = {{4, 4, "4 parts of 3 shards"}, {3, 2, "no part 3 of 2"}, {0, 2, "no part 0 of 2"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lyne_labels_writer *w;
        err = (lyne_error){0};
        plan = part_plan("f32", root, bad[i].part, bad[i].n_parts);
        cr_expect_eq(lyne_labels_begin(&plan, &w, &err), LYNE_EUSAGE);
        cr_expect(strstr(err.text, bad[i].message), "%s", err.text);
    }
    lyne_directory_remove(a, NULL);
    lyne_directory_remove(b, NULL);
}

/* Whoever would write one of the same shards is refused, others are not. */
Test(parts, locks_its_shards) {
    lyne_labels_plan plan = part_plan("f16", root, 2, 3),
                     others[] = {part_plan("f16", root, 2, 3), part_plan("f16", root, 1, 1),
                                 part_plan("f16", root, 2, 2), part_plan("f16", root, 0, 0)};
    lyne_labels_writer *w = begun(&plan), *second;
    lyne_error err = {0};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        cr_expect_eq(lyne_labels_begin(&others[i], &second, &err), LYNE_EOTHER, "%d", (int)i);
        cr_expect(strstr(err.text, "is in use by another process"), "%s", err.text);
    }
    write_part("f16", root, 1, 3);
    write_part("f16", root, 3, 3);
    cr_expect_eq(merge((const char *[]){root}, 1, &err), LYNE_EDATA, "one is not there yet");
    append_until(w, RECORDS, 3);
    cr_expect_eq(lyne_labels_finish(w, &err), LYNE_OK, "%s", err.text);
    err = (lyne_error){0};
    cr_expect_eq(merge((const char *[]){root}, 1, &err), LYNE_EOTHER, "and is at work still");
    lyne_labels_writer_free(w);
    cr_expect_eq(merge((const char *[]){root}, 1, &err), LYNE_OK, "%s", err.text);
}

static bool stop(void) {
    return true;
}

Test(parts, can_be_stopped_while_it_looks) {
    lyne_labels_plan plan = small_plan("f16");
    lyne_labels_writer *w;
    lyne_error err = {0};
    write_cache(&plan);
    plan.stopped = stop;
    cr_expect_eq(lyne_labels_begin(&plan, &w, &err), LYNE_STOPPED);
    cr_expect(strstr(err.text, "stopped while looking at shard 0"), "%s", err.text);
    lyne_labels_close(opened());
}

/* Peak memory of a writer of one shard of 64 MiB, in a process of its own [KiB]. */
static long peak(uint64_t records) {
    enum { WIDE = 1024 };
    int pipes[2];
    long kib = 0;
    cr_assert_eq(pipe(pipes), 0);
    const pid_t child = fork();
    if (child == 0) {
        lyne_labels_plan plan = small_plan("f32");
        plan.samples = plan.records_per_shard = records;
        plan.views = 1;
        plan.classes = WIDE;
        plan.memory = 1 << 19;
        float logits[WIDE] = {0};
        struct rusage usage;
        lyne_labels_writer *w = begun(&plan);
        for (uint64_t i = 0; i < records; i++) lyne_labels_append(w, logits, 1, NULL);
        const lyne_status status = lyne_labels_finish(w, NULL);
        getrusage(RUSAGE_SELF, &usage);
        kib = status == LYNE_OK ? usage.ru_maxrss : -1;
        _exit(write(pipes[1], &kib, sizeof kib) != sizeof kib);
    }
    cr_assert_eq(read(pipes[0], &kib, sizeof kib), (ssize_t)sizeof kib);
    waitpid(child, NULL, 0);
    close(pipes[0]), close(pipes[1]);
    cr_assert_gt(kib, 0);
    lyne_directory_remove(root, NULL);
    return kib;
}

Test(parts, memory_does_not_grow_with_a_shard) {
#ifdef __SANITIZE_ADDRESS__
    return; /* freed memory is kept for a while there */
#endif
    const long small = peak(256), large = peak(16384);
    cr_expect_lt(large - small, 8 << 10, "%ld and %ld KiB", small, large);
}
