/* tests/labels/labels.c -- reading: the right record, and no damage goes unnoticed. */
#include "cache.h"
#include "labels/parts.h"

TestSuite(labels, .init = make_root, .fini = remove_root);

static const struct {
    const char *name;
    size_t bytes; /* of a record */
} encodings[] = {{"f32", 16 + 12}, {"f16", 16 + 6}, {"bf16", 16 + 6}};

Test(labels, records_by_sample_and_view) {
    for (int e = 0; e < 3; e++) {
        lyne_labels_plan plan = small_plan(encodings[e].name);
        write_cache(&plan);
        lyne_labels *labels = opened();
        cr_expect_eq(lyne_labels_samples(labels), SAMPLES);
        cr_expect_eq(lyne_labels_views(labels), VIEWS);
        cr_expect_eq(lyne_labels_classes(labels), CLASSES);
        cr_expect_str_eq(lyne_labels_encoding(labels), encodings[e].name);
        cr_expect_eq(lyne_labels_record_bytes(labels), encodings[e].bytes);
        cr_expect_eq(lyne_labels_temperature(labels), 0);
        uint64_t on_disk = 0;
        for (int f = 0; f < SHARDS; f++) {
            bytes b = get_file(file_names[f]);
            on_disk += b.size;
            lyne_free(b.data);
        }
        cr_expect_eq(lyne_labels_bytes(labels), on_disk);
        const uint64_t sample[] = {4, 0, 0, 3, 2, 4};
        const uint32_t view[] = {1, 0, 1, 1, 0, 0};
        float logits[6 * CLASSES];
        lyne_error err = {0};
        uint64_t before = lyne_memory_count();
        cr_expect_eq(lyne_labels_read(labels, sample, view, 6, logits, &err), LYNE_OK, "%s", err.text);
        cr_expect_eq(lyne_memory_count(), before, "reading does not allocate");
        for (int i = 0; i < 6; i++)
            for (int c = 0; c < CLASSES; c++)
                cr_expect_eq(logits[i * CLASSES + c], logit(sample[i] * VIEWS + view[i], c));
        cr_expect_eq(lyne_labels_verify(labels, &err), LYNE_OK, "%s", err.text);
        lyne_labels_close(labels);
    }
}

Test(labels, ids_out_of_range) {
    lyne_labels_plan plan = small_plan("f32");
    write_cache(&plan);
    lyne_labels *labels = opened();
    static const struct {
        uint64_t sample;
        uint32_t view;
    } table[] = {{SAMPLES, 0}, {0, VIEWS}, {UINT64_MAX, 0}, {UINT64_MAX / 2 + 1, 0}, {0, UINT32_MAX}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        float logits[CLASSES];
        lyne_error err = {0};
        cr_expect_eq(lyne_labels_read(labels, &table[i].sample, &table[i].view, 1, logits, &err), LYNE_EDATA);
        cr_expect(strstr(err.text, "is not among its 5 samples of 2 views"), "%s", err.text);
    }
    lyne_labels_close(labels);
}

static bool same_error(const lyne_labels_error *before) {
    lyne_labels *labels = opened();
    const lyne_labels_error now = lyne_labels_error_of(labels);
    lyne_labels_close(labels);
    return memcmp(&now, before, sizeof now) == 0;
}

/* Each bit of each file in turn. */
static void flip_every_bit(const char *encoding, bool exact) {
    lyne_labels_plan plan = small_plan(encoding);
    lyne_error err;
    bool wrong;
    write_cache(&plan);
    lyne_labels *labels = opened();
    const lyne_labels_error before = lyne_labels_error_of(labels);
    lyne_labels_close(labels);
    for (int f = 0; f < FILES; f++) {
        bytes b = get_file(file_names[f]);
        lyne_free(b.data);
        for (size_t bit = 0; bit < 8 * b.size; bit++) {
            flip_bit_of(file_names[f], bit);
            if (examine(&err, &wrong) == LYNE_OK) /* another last digit of 17 may be the same number */
                cr_expect(f == MANIFEST && same_error(&before), "%s: bit %d of byte %d", file_names[f], (int)(bit % 8),
                          (int)(bit / 8));
            cr_expect(err.status == LYNE_OK || err.status == LYNE_EDATA, "%s", err.text);
            flip_bit_of(file_names[f], bit);
        }
    }
    cr_expect(examine(&err, &wrong) == LYNE_OK && wrong != exact, "%s", err.text);
}

Test(labels, every_bit_f32) {
    flip_every_bit("f32", true);
}
Test(labels, every_bit_f16) {
    flip_every_bit("f16", true);
}
Test(labels, every_bit_topk) {
    flip_every_bit("{topk: {k: 1}}", false);
}
Test(labels, every_bit_sampled) {
    flip_every_bit("{sampled: {draws: 3}}", false);
}

/* Without a verify before it, reading alone never hands out another number. */
Test(labels, reading_alone_notices) {
    lyne_labels_plan plan = small_plan("f16");
    write_cache(&plan);
    bytes b = get_file(file_names[1]);
    lyne_free(b.data);
    int refused = 0;
    for (size_t bit = 0; bit < 8 * b.size; bit++) {
        flip_bit_of(file_names[1], bit);
        lyne_labels *labels = NULL;
        lyne_error err = {0};
        lyne_status status = lyne_labels_open(root, &labels, &err);
        for (uint64_t r = PER_SHARD; status == LYNE_OK && r < 2 * PER_SHARD; r++) {
            float logits[CLASSES];
            status =
                lyne_labels_read(labels, &(uint64_t){r / VIEWS}, &(uint32_t){(uint32_t)(r % VIEWS)}, 1, logits, &err);
            for (int c = 0; status == LYNE_OK && c < CLASSES; c++) cr_expect_eq(logits[c], logit(r, c));
        }
        refused += status != LYNE_OK;
        lyne_labels_close(labels);
        flip_bit_of(file_names[1], bit);
    }
    cr_expect_geq(refused, PER_SHARD * (8 + 4 + 4 + 2 * CLASSES) * 8, "all bits of the records at the least");
}

Test(labels, every_truncation) {
    lyne_labels_plan plan = small_plan("f16");
    write_cache(&plan);
    for (int f = 0; f < FILES; f++) {
        bytes b = get_file(file_names[f]);
        char path[160];
        snprintf(path, sizeof path, "%s/%s", root, file_names[f]);
        for (size_t n = b.size; n-- > 0;) {
            lyne_error err;
            bool wrong;
            cr_assert_eq(truncate(path, (off_t)n), 0);
            if (f == MANIFEST && n == b.size - 1) continue; /* without its last newline it says the same */
            cr_expect_eq(examine(&err, &wrong), LYNE_EDATA, "%s: %d bytes", file_names[f], (int)n);
            cr_expect(strstr(err.text, file_names[f]), "%s", err.text);
        }
        put_file(file_names[f], b.data, b.size);
        lyne_free(b.data);
    }
}

Test(labels, missing_files) {
    lyne_labels_plan plan = small_plan("f16");
    write_cache(&plan);
    for (int f = 0; f < FILES; f++) {
        bytes b = get_file(file_names[f]);
        char path[160];
        lyne_error err;
        bool wrong;
        snprintf(path, sizeof path, "%s/%s", root, file_names[f]);
        cr_assert_eq(lyne_file_remove(path, NULL), LYNE_OK);
        cr_expect_eq(examine(&err, &wrong), LYNE_EDATA);
        cr_expect(strstr(err.text, file_names[f]), "%s", err.text);
        cr_expect_eq(strstr(err.text, "no soft-label cache, or not finished") != NULL, f == MANIFEST, "%s", err.text);
        put_file(file_names[f], b.data, b.size);
        lyne_free(b.data);
    }
}

/* Record 0 changes places with another of its shard, with all that belongs to both: checksums and sizes are right, ids
 * are not. */
Test(labels, swapped_records) {
    static const struct {
        size_t other;
        const char *message;
    } table[] = {{1, "record 0 is sample 0, view 1, but sample 0, view 0 is due there"},
                 {2, "record 0 is sample 1, view 0, but sample 0, view 0 is due there"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lyne_labels_plan plan = small_plan("f32");
        write_cache(&plan);
        bytes b = get_file(file_names[0]);
        static const size_t width[] = {8, 4, 4, 4 * CLASSES}; /* sample, crc, view, logits: in the order of the file */
        char *at = b.data + b.size - PER_SHARD * (8 + 4 + 4 + 4 * CLASSES);
        for (int array = 0; array < 4; array++) {
            char kept[64], *other = at + table[i].other * width[array];
            memcpy(kept, at, width[array]);
            memcpy(at, other, width[array]);
            memcpy(other, kept, width[array]);
            at += PER_SHARD * width[array];
        }
        put_file(file_names[0], b.data, b.size);
        lyne_free(b.data);
        lyne_labels *labels = opened();
        float logits[CLASSES];
        lyne_error err = {0};
        cr_expect_eq(lyne_labels_read(labels, &(uint64_t){0}, &(uint32_t){0}, 1, logits, &err), LYNE_EDATA);
        cr_expect(strstr(err.text, file_names[0]) && strstr(err.text, table[i].message), "%s", err.text);
        err = (lyne_error){0};
        cr_expect_eq(lyne_labels_read(labels, &(uint64_t){1}, &(uint32_t){1}, 1, logits, &err), LYNE_OK, "%s",
                     err.text);
        lyne_labels_close(labels);
    }
}

/* Whole records, of logits that are no numbers: verifying them says which. */
Test(labels, not_finite) {
    static const struct {
        const char *encoding;
        size_t width;
        uint32_t bits;
    } table[] = {{"f32", 4, 0x7FC00001}, {"f32", 4, 0xFF800000}, {"f16", 2, 0x7C00}, {"bf16", 2, 0x7F81}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lyne_labels_plan plan = small_plan(table[i].encoding);
        lyne_layout l;
        write_cache(&plan);
        cr_assert_eq(lyne_layout_init(&l, &plan, NULL), LYNE_OK);
        bytes b = get_file(file_names[0]);
        const size_t record = CLASSES * table[i].width;
        char *logits = b.data + b.size - (PER_SHARD - 3) * record; /* of record 3: sample 1, view 1 */
        memcpy(logits + table[i].width, &table[i].bits, table[i].width);
        const uint32_t crc = lyne_record_crc(&l.record, 1, 1, (const void *const[]){logits});
        memcpy(b.data + b.size - PER_SHARD * (4 + 4 + record) + 3 * sizeof crc, &crc, sizeof crc);
        put_file(file_names[0], b.data, b.size);
        lyne_free(b.data);
        lyne_labels *labels = opened();
        lyne_error err = {0};
        cr_expect_eq(lyne_labels_verify(labels, &err), LYNE_ENOTFINITE, "%s: %s", table[i].encoding, err.text);
        cr_expect(strstr(err.text, file_names[0]) && strstr(err.text, "record 3 has a logit that is not"), "%s",
                  err.text);
        lyne_labels_close(labels);
        remove_root();
    }
}

/* Two whole shards of the same size under each other's name. */
Test(labels, swapped_shards) {
    lyne_labels_plan plan = small_plan("f32");
    write_cache(&plan);
    bytes a = get_file(file_names[0]), b = get_file(file_names[1]);
    cr_assert_eq(a.size, b.size);
    put_file(file_names[0], b.data, b.size);
    put_file(file_names[1], a.data, a.size);
    lyne_error err;
    bool wrong;
    cr_expect_eq(examine(&err, &wrong), LYNE_EDATA);
    cr_expect(strstr(err.text, "lyne.shard is 1, but in this cache it must be 0"), "%s", err.text);
    lyne_free(a.data);
    lyne_free(b.data);
}

/* A shard of another teacher's cache of the same shape. */
Test(labels, shard_of_another_cache) {
    lyne_labels_plan plan = small_plan("f32");
    plan.identity.teacher.low++;
    write_cache(&plan);
    bytes other = get_file(file_names[2]);
    plan.identity.teacher.low--;
    write_cache(&plan);
    put_file(file_names[2], other.data, other.size);
    lyne_error err;
    bool wrong;
    cr_expect_eq(examine(&err, &wrong), LYNE_EDATA);
    cr_expect(strstr(err.text, "lyne.fingerprint"), "%s", err.text);
    lyne_free(other.data);
}

Test(labels, match_names_what_differs) {
    lyne_labels_plan plan = small_plan("f32");
    write_cache(&plan);
    lyne_labels *labels = opened();
    lyne_labels_identity wanted = plan.identity;
    cr_expect_eq(lyne_labels_match(labels, &wanted, NULL), LYNE_OK);
    struct {
        lyne_digest *digest;
        const char *message;
    } table[] = {{&wanted.classes, "other classes: classes is"},
                 {&wanted.views, "other views: views is"},
                 {&wanted.preprocessing, "another preprocessing: preprocessing is"},
                 {&wanted.data, "other data: data is"},
                 {&wanted.teacher, "another teacher: teacher is 00000000000000010000000000000002 there, and"}};
    for (int i = 0; i < 5; i++) {
        lyne_error err = {0};
        table[i].digest->high ^= 1; /* the earlier part hides the later, so go backwards */
        cr_expect_eq(lyne_labels_match(labels, &wanted, &err), LYNE_EDATA);
        cr_expect(strstr(err.text, table[i].message), "%s", err.text);
    }
    lyne_labels_close(labels);
}

Test(labels, no_memory) {
    lyne_labels_plan plan = small_plan("f16");
    write_cache(&plan);
    lyne_status status = LYNE_ENOSPACE;
    uint64_t n = 0;
    while (status != LYNE_OK) {
        lyne_labels *labels;
        lyne_error err = {0};
        lyne_memory_fail_at(++n);
        status = lyne_labels_open(root, &labels, &err);
        lyne_memory_fail_at(0);
        cr_assert(status == LYNE_OK || status == LYNE_ENOSPACE, "allocation %d: %s", (int)n, err.text);
        lyne_labels_close(labels);
    }
    cr_expect_gt(n, 5);
}
