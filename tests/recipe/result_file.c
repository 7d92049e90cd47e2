/* tests/recipe/result_file.c -- result.json: what was saved is loaded, and anything that changed since is noticed. */
#include "recipe/result_file.h"
#include "folder.h"
#include "formats/json.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

TestSuite(result_file, .init = folder_enter, .fini = folder_leave);

static lyne_arena arena;
static lyne_inputs inputs_with(const char *epochs) {
    lyne_inputs in = {.arena = &arena};
    lyne_inputs_text(&in, "epochs", epochs);
    lyne_inputs_text(&in, "model", "mlp");
    lyne_inputs_digest(&in, "classes", (lyne_digest){.low = 1});
    return in;
}
static lyne_digest fingerprint_of(const char *epochs) {
    const lyne_inputs in = inputs_with(epochs);
    return lyne_inputs_fingerprint(&in);
}
#define fingerprint fingerprint_of("40")

static lyne_result some_result(void) {
    lyne_result r = lyne_result_empty();
    r.test_samples = 2000;
    r.test_errors = 0;
    r.test_accuracy = 1;
    r.test_loss = 0.1234567890123456789;
    r.seconds = 1.5;
    r.records = INT64_MAX;
    return r;
}

static lyne_digest made; /* by the last save, or found by the last load */

static const char somewhere[] = "oneDNN 3.7.0, 2 threads";

static void save(void) {
    lyne_error err = {0};
    const lyne_result r = some_result();
    const lyne_inputs in = inputs_with("40");
    put("model.safetensors", "a model");
    put("labels-00000-of-00001.safetensors", "labels");
    put("metrics.jsonl", "{}\n");
    cr_assert_eq(lyne_result_file_save(folder, &in, &r, somewhere, &made, &err), LYNE_OK, "%s", err.text);
}

static bool loads_as(lyne_digest as, lyne_result *r) {
    lyne_result unused;
    lyne_error err = {0};
    bool stands;
    cr_assert_eq(lyne_result_file_load(folder, as, &stands, r ? r : &unused, &made, &err), LYNE_OK, "%s", err.text);
    return stands;
}

static bool loads(lyne_result *r) {
    return loads_as(fingerprint, r);
}

Test(result_file, gives_back_what_was_saved) {
    lyne_result r;
    const lyne_result was = some_result();
    cr_expect_not(loads(&r), "there is none yet");
    save();
    const lyne_digest saved = made;
    made = (lyne_digest){0};
    cr_assert(loads(&r));
    cr_expect(lyne_digest_equal(made, saved));
    cr_expect(memcmp(&r, &was, sizeof r) == 0, "all numbers, known and unknown");
}

Test(result_file, says_what_it_was_made_with) {
    static const char *const unknown[] = {"{}", "{", "{\"date\": 3, \"processor\": [], \"version\": null}"};
    lyne_arena mine = {0};
    lyne_provenance p;
    cr_expect_eq(lyne_result_file_provenance(folder, &mine, &p, NULL), LYNE_OK);
    for (int k = 0; k < LYNE_PROVENANCE; k++) cr_expect_null(p.text[k], "there is none yet");
    save();
    cr_assert_eq(lyne_result_file_provenance(folder, &mine, &p, NULL), LYNE_OK);
    cr_expect_str_eq(p.text[LYNE_MADE_ENVIRONMENT], somewhere);
    cr_expect_str_eq(p.text[LYNE_MADE_VERSION], LYNE_VERSION);
    cr_expect(strlen(p.text[LYNE_MADE_DATE]) == 20 && p.text[LYNE_MADE_DATE][10] == 'T', "%s", p.text[LYNE_MADE_DATE]);
    cr_expect(p.text[LYNE_MADE_PROCESSOR][0]);
    for (size_t i = 0; i < COUNT(unknown); i++) {
        put("result.json", unknown[i]);
        cr_expect_eq(lyne_result_file_provenance(folder, &mine, &p, NULL), LYNE_OK);
        for (int k = 0; k < LYNE_PROVENANCE; k++) cr_expect_null(p.text[k], "%s", unknown[i]);
    }
    lyne_arena_free(&mine);
}

/* As a stranger would write it, who can give it its digest. */
static void put_sealed(const char *text) {
    lyne_error err = {0};
    json_t *root = NULL;
    json_error_t why;
    cr_assert_eq(lyne_json_parse(text, strlen(text), &root, &why), LYNE_OK, "%s", why.text);
    cr_assert_eq(lyne_result_file_seal(root, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_json_save(at("result.json"), root, &err), LYNE_OK, "%s", err.text);
    json_decref(root);
}

/* One that a stranger wrote could name a large file, which is read, as often as it likes. */
Test(result_file, names_each_file_once) {
    static const char again[] = "{\"bytes\": 6, \"name\": \"labels-00000-of-00001.safetensors\", \"xxh128\": ";
    lyne_error err = {0};
    char *text, digest[LYNE_DIGEST_TEXT], path[128], *end;
    size_t size;
    lyne_text twice = {0};
    save();
    snprintf(path, sizeof path, "%s/result.json", folder);
    cr_assert_eq(lyne_file_read(path, 1 << 20, &text, &size, &err), LYNE_OK, "%s", err.text);
    cr_assert_not_null(end = strstr(text, "\"files\": ["));
    end += strlen("\"files\": [");
    lyne_digest_print(lyne_digest_of("labels", 6), digest);
    lyne_text_bytes(&twice, text, (size_t)(end - text));
    lyne_text_add(&twice, "%s\"%s\"}, %s", again, digest, end);
    put_sealed(text);
    cr_assert(loads(NULL));
    put_sealed(twice.data);
    cr_expect_not(loads(NULL));
    lyne_text_free(&twice);
    lyne_free(text);
}

Test(result_file, is_of_one_fingerprint) {
    save();
    cr_expect_not(loads_as((lyne_digest){.low = 1, .high = 3}, NULL));
    cr_expect_not(loads_as((lyne_digest){.low = 0, .high = 2}, NULL));
}

Test(result_file, a_large_model_is_read_whole) {
    const off_t size = ((off_t)1 << 28) + 4096;
    lyne_error err = {0};
    char path[128];
    const lyne_result r = some_result();
    const lyne_inputs in = inputs_with("40");
    save();
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    const int fd = open(path, O_WRONLY);
    cr_assert(fd >= 0 && ftruncate(fd, size) == 0);
    cr_assert_eq(lyne_result_file_save(folder, &in, &r, somewhere, &made, &err), LYNE_OK, "%s", err.text);
    cr_expect(loads(NULL));
    cr_assert_eq(pwrite(fd, "x", 1, size / 2), 1);
    cr_expect_not(loads(NULL));
    close(fd);
}

/* It is not read again, but who reads it is another job when its content is another. */
Test(result_file, a_large_shard_is_known_by_its_manifest) {
    static const char manifest[] =
        "{\"shards\": [{\"name\": \"labels-00000-of-00001.safetensors\", \"xxh128\": \"%032d\"}]}";
    lyne_error err = {0};
    char path[128], text[256];
    const lyne_result r = some_result();
    const lyne_inputs in = inputs_with("40");
    lyne_digest of[2];
    save();
    snprintf(path, sizeof path, "%s/labels-00000-of-00001.safetensors", folder);
    cr_assert_eq(truncate(path, ((off_t)1 << 28) + 4096), 0);
    for (int k = 0; k < 2; k++) {
        snprintf(text, sizeof text, manifest, 7 + k);
        put("manifest.json", text);
        cr_assert_eq(lyne_result_file_save(folder, &in, &r, somewhere, &of[k], &err), LYNE_OK, "%s", err.text);
        cr_expect(loads(NULL));
        cr_expect(lyne_digest_equal(made, of[k]));
    }
    cr_expect_not(lyne_digest_equal(of[0], of[1]));
    cr_assert_eq(truncate(path, ((off_t)1 << 28) + 4097), 0);
    cr_expect_not(loads(NULL));
}

Test(result_file, a_changed_product_is_noticed) {
    static const struct change {
        const char *file, *text; /* NULL: removed */
        bool still_good;
    } changes[] = {
        {"model.safetensors", "b model", false},
        {"model.safetensors", "a mode", false},
        {"model.safetensors", "a model ", false},
        {"model.safetensors", "", false},
        {"model.safetensors", NULL, false},
        {"labels-00000-of-00001.safetensors", "Labels", false},
        {"labels-00000-of-00001.safetensors", NULL, false},
        {"metrics.jsonl", "another log", true},
        {"metrics.jsonl", NULL, true},
        {"model.safetensors", "a model", true},
    };
    for (size_t i = 0; i < COUNT(changes); i++) {
        const struct change *c = &changes[i];
        save();
        if (c->text)
            put(c->file, c->text);
        else
            cr_assert_eq(lyne_file_remove(at(c->file), NULL), LYNE_OK);
        cr_expect_eq(loads(NULL), c->still_good, "%s: %s", c->file, c->text ? c->text : "removed");
    }
}

/* Cut short by more than its last line end, it is no result; changed in what came out, it is none either. */
Test(result_file, a_damaged_one_is_none) {
    char *text;
    size_t size;
    save();
    cr_assert_eq(lyne_file_read(at("result.json"), 1 << 20, &text, &size, NULL), LYNE_OK);
    for (size_t cut = 0; cut + 1 < size; cut++) {
        cr_assert_eq(lyne_file_commit(at("result.json"), text, cut, NULL), LYNE_OK);
        cr_expect_not(loads(NULL), "cut at %zu of %zu", cut, size);
    }
    const char *inputs = strstr(text, "\"inputs\""), *metrics = strstr(text, "\"lyne_result\"");
    cr_assert(inputs && metrics && inputs < metrics);
    for (size_t i = 0; i + 1 < size; i++) {
        const char was = text[i];
        const bool of_inputs = text + i >= inputs && text + i < metrics;
        for (int bit = 0; bit < 8; bit++) {
            text[i] = (char)(was ^ 1 << bit);
            cr_assert_eq(lyne_file_commit(at("result.json"), text, size, NULL), LYNE_OK);
            cr_expect(!loads(NULL) || of_inputs, "bit %d of byte %zu", bit, i);
        }
        text[i] = was;
    }
    lyne_free(text);
}

/* Names in it are not followed out of the folder, nor to files that are no products. */
Test(result_file, names_no_other_files) {
    static const char *const names[] = {"../model.safetensors", "/etc/passwd", "labels-/../model.safetensors",
                                        "result.json", "model.safetensors"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char text[512], digest[LYNE_DIGEST_TEXT], print[LYNE_DIGEST_TEXT];
        put("model.safetensors", "a model");
        lyne_digest_print(lyne_digest_of("a model", 7), digest);
        lyne_digest_print(fingerprint, print);
        snprintf(text, sizeof text,
                 "{\"lyne_result\": 1, \"fingerprint\": \"%s\", \"metrics\": {}, \"files\": [{\"name\": \"%s\", "
                 "\"bytes\": 7, "
                 "\"xxh128\": \"%s\"}]}",
                 print, names[i], digest);
        put("result.json", text);
        cr_expect_not(loads(NULL), "it has no digest of itself");
        put_sealed(text);
        cr_expect_eq(loads(NULL), i + 1 == COUNT(names), "%s", names[i]);
    }
}

/* Why a result does not stand any more, in words. */
Test(result_file, says_what_changed) {
    static const struct change {
        const char *epochs, *extra, *file, *words;
    } changes[] = {
        {"40", NULL, NULL, "result.json is damaged"}, /* nothing did: nobody asks */
        {"20", NULL, NULL, "epochs: 40, now 20"},
        {"40", "batch", NULL, "batch is new"},
        {"40", NULL, "model.safetensors", "model.safetensors is missing or changed"},
        {"40", NULL, "result.json", "not done yet"},
    };
    for (size_t i = 0; i < COUNT(changes); i++) {
        const struct change *c = &changes[i];
        lyne_inputs in = inputs_with(c->epochs);
        if (c->extra) lyne_inputs_text(&in, c->extra, "128");
        save();
        if (c->file) cr_assert_eq(lyne_file_remove(at(c->file), NULL), LYNE_OK);
        cr_expect_str_eq(lyne_result_file_why(folder, &in), c->words);
    }
}

Test(result_file, differences_are_named_three_at_most_and_digests_not_shown) {
    lyne_inputs before = {.arena = &arena}, now = {.arena = &arena};
    char name[8], text[301] = {0};
    memset(text, 'x', 300);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "f%d", i);
        lyne_inputs_number(&before, name, 1);
        if (i != 1) lyne_inputs_number(&now, name, 2);
    }
    json_t *was = lyne_inputs_json(&before);
    cr_expect_str_eq(lyne_inputs_differ(&now, was), "f0: 1, now 2; f2: 1, now 2; f3: 1, now 2; and 2 more");
    json_decref(was);
    before.n = now.n = 0;
    lyne_inputs_text(&before, "layers", text);
    text[299] = 'y';
    lyne_inputs_text(&now, "layers", text);
    lyne_inputs_text(&before, "gone", "1");
    was = lyne_inputs_json(&before);
    cr_expect_str_eq(lyne_inputs_differ(&now, was), "layers changed; gone is gone");
    cr_expect_not(lyne_digest_equal(lyne_inputs_fingerprint(&before), lyne_inputs_fingerprint(&now)));
    json_decref(was);
    lyne_arena_free(&arena);
}

/* What a job left, into a directory with the labels of another: whatever call fails, the copy stands only if it is whole. */
Test(result_file, a_copy_stands_when_it_is_whole) {
    char copy[sizeof folder + 8], path[sizeof copy + 64];
    lyne_error err = {0};
    lyne_result r;
    lyne_digest found;
    bool stands;
    save();
    const lyne_digest saved = made;
    snprintf(copy, sizeof copy, "%s/copy", folder);
    snprintf(path, sizeof path, "%s/labels-00000-of-00007.safetensors", copy);
    for (uint64_t n = 1;; n++) {
        cr_assert_eq(lyne_directory_make(copy, &err), LYNE_OK, "%s", err.text);
        cr_assert_eq(lyne_file_commit(path, "old", 3, &err), LYNE_OK, "%s", err.text);
        lyne_file_fail_at(n, EIO);
        const lyne_status status = lyne_result_file_copy(folder, copy, &err);
        lyne_file_fail_at(0, 0);
        cr_assert_eq(lyne_result_file_load(copy, fingerprint, &stands, &r, &found, &err), LYNE_OK, "%s", err.text);
        cr_expect(stands || status != LYNE_OK, "call %llu", (unsigned long long)n);
        if (stands) cr_expect(lyne_digest_equal(found, saved));
        if (status == LYNE_OK) break;
        cr_assert_eq(lyne_directory_remove(copy, &err), LYNE_OK, "%s", err.text);
        cr_assert_lt(n, 1000);
    }
    cr_expect_not(lyne_file_exists(path), "what another job left is gone");
}
