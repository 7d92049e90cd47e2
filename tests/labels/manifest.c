/* tests/labels/manifest.c -- manifests that say something impossible. */
#include "cache.h"
#include "labels/parts.h"

TestSuite(manifest, .init = make_root, .fini = remove_root);

/* One text of a manifest replaced by another, and what is said of it. */
typedef struct change {
    const char *from, *to, *message;
} change;

static void refuse_each(const char *encoding, const change *table, size_t n) {
    lyne_labels_plan plan = small_plan(encoding);
    write_cache(&plan);
    bytes good = get_file("manifest.json");
    for (size_t i = 0; i < n; i++) {
        char *from = strstr(good.data, table[i].from);
        cr_assert(from, "%s is in the manifest", table[i].from);
        size_t before = (size_t)(from - good.data);
        char *changed = lyne_alloc(good.size + 256, 1);
        memcpy(changed, good.data, before);
        strcpy(changed + before, table[i].to);
        strcat(changed, from + strlen(table[i].from));
        put_file("manifest.json", changed, strlen(changed));
        lyne_free(changed);
        lyne_error err;
        bool wrong;
        cr_expect_eq(examine(&err, &wrong), LYNE_EDATA, "%s", table[i].to);
        cr_expect(strstr(err.text, table[i].message), "%s: %s", table[i].to, err.text);
    }
    lyne_free(good.data);
}

Test(manifest, refused) {
    static const change table[] = {
        {"\"lyne_labels\": 2", "\"lyne_labels\": 1", "is of version 1 of the format, and this program reads version 2"},
        {"\"lyne_labels\": 2", "\"lyne_labels\": \"2\"", "\"lyne_labels\" is a text"},
        {"\"lyne_labels\": 2,", "", "\"lyne_labels\" is missing"},
        {"\"samples\": 5", "\"samples\": 6", "fingerprint"},
        {"\"samples\": 5", "\"samples\": 0", "\"samples\" = 0 is outside"},
        {"\"samples\": 5", "\"samples\": -5", "\"samples\" = -5 is outside"},
        {"\"samples\": 5", "\"samples\": 5.0", "\"samples\" is a real"},
        {"\"samples\": 5", "\"samples\": 9223372036854775807", "more than can be stored"},
        {"\"samples\": 5", "\"samples\": 1000000000000000000", "more than can be stored"},
        {"\"views\": 2", "\"views\": 4294967296", "\"views\" = 4294967296 is outside"},
        {"\"classes\": 3", "\"classes\": 9223372036854775807", "more than can be stored"},
        {"\"classes\": 3", "\"classes\": 262144", "fingerprint"},
        {"\"classes\": 3", "\"classes\": 262145", "soft labels of 262145 classes; at most 262144 are allowed"},
        {"\"classes\": 3", "\"classes\": 4", "fingerprint"},
        {"\"records_per_shard\": 4", "\"records_per_shard\": 0", "\"records_per_shard\" = 0 is outside"},
        {"\"records_per_shard\": 4", "\"records_per_shard\": 5", "fingerprint"},
        {"\"samples\": 5", "\"samples\": 500000", "raise records_per_shard"},
        {"\"encoding\": \"f16\"", "\"encoding\": \"f17\"", "there is no encoding 'f17'; did you mean 'f16'?"},
        {"\"encoding\": \"f16\"", "\"encoding\": \"f32\"", "fingerprint"},
        {"\"encoding\": \"f16\"", "\"encoding\": \"{f16: ~}\"", "a manifest writes \"f16\""},
        {"\"encoding\": \"f16\"", "\"encoding\": \"{topk: {k: 9}}\"", "a manifest writes \"{topk: {k: 9, temperature"},
        {"\"encoding\": \"f16\"", "\"encoding\": \"{topk: {k: 9, temperature: 1, tail: class}}\"",
         "topk: k = 9, but there are 3 classes; give k at most that"},
        {"\"encoding\": \"f16\"", "\"encoding\": \"{topk: {k: 0}}\"", "k = 0 is outside [1, 4096]"},
        {"\"encoding\": \"f16\"", "\"encoding\": 16", "\"encoding\" is an integer"},
        {"\"mean\": [", "\"mean\": [1, ", "\"mean\" has 6 numbers, and 5 are due"},
        {"\"max\": [", "\"max\": [[],", "\"max\" has 6 numbers"},
        {"\"p99\": [", "\"p98\": [", "\"p99\" is missing"},
        {"\"p99\": [", "\"more\": 1, \"p99\": [", "\"error\" has 5 keys, and 4 are due"},
        {"20", "21", "must be 1, 2, 4, 8, 20"},
        {"0.0", "0.1", "\"error\" is not what the shards say"},
        {"0.0", "\"0\"", "has something but numbers"},
        {"00000000000000010000000000000002", "00000000000000010000000000000003", "it was changed"},
        {"00000000000000010000000000000002", "000000000000000100000000000000002", "\"teacher\" is no fingerprint"},
        {"\"teacher\"", "\"Teacher\"", "\"teacher\" is missing"},
        {"\"teacher\"", "\"more\": 1, \"teacher\"", "\"identity\" has 6 keys, and 5 are due"},
        {"\"samples\"", "\"more\": 1, \"samples\"", "the manifest has 11 keys, and 10 are due"},
        {"\"samples\": 5", "\"samples\": 5, \"samples\": 5", "duplicate"},
        {"\"labels-00001-of-00003.safetensors\"", "\"../labels-00001-of-00003.safetensors\"",
         "shard 1: is called \"../labels-00001-of-00003.safetensors\", but it must be \"labels-00001-of-00003"},
        {"\"labels-00001-of-00003.safetensors\"", "\"labels-00002-of-00003.safetensors\"", "shard 1: is called"},
        {"\"labels-00001-of-00003.safetensors\"", "7", "shard 1: \"name\" is an integer"},
        {"\"bytes\": ", "\"bytes\": 1", "bytes, but the manifest says 1"}, /* a digit put before it */
        {"\"bytes\": ", "\"bytes\": -", "is outside"},
        {"\"xxh128\": \"", "\"xxh128\": \"x", "shard 0: \"xxh128\" is no fingerprint"},
        {"\"shards\": [", "\"shards\": [{}, ", "lists 4 shards, but its records make 3"},
        {"\"identity\"", "\"head\": 1, \"identity\"", "\"head\" is an integer"},
        {"\"identity\"",
         "\"head\": {\"name\": \"head.safetensors\", \"features\": 2, \"bytes\": 1, \"xxh128\": "
         "\"00000000000000010000000000000002\"}, \"identity\"",
         "f16 with 2 features: 1 to 8192 are due with `feature`, none with another"},
        {"{", "[{", "manifest.json"},
    };
    refuse_each("f16", table, sizeof table / sizeof *table);
}

/* What it says of the layer behind the features, whose file stays as it was. */
Test(manifest, head_refused) {
    static const change table[] = {
        {"\"head\": {", "\"head\": {\"more\": 1, ", "\"head\" has 5 keys, and 4 are due"},
        {"\"head\": {", "\"heat\": {", "the manifest has 11 keys, and 10 are due"},
        {"\"head.safetensors\"", "\"../head.safetensors\"",
         "\"head\" is called \"../head.safetensors\", but it must be \"head.safetensors\""},
        {"\"head.safetensors\"", "\"/etc/passwd\"", "\"head\" is called \"/etc/passwd\""},
        {"\"head.safetensors\"", "\"labels-00000-of-00003.safetensors\"", "but it must be \"head.safetensors\""},
        {"\"head.safetensors\"", "\"head.safetensors\\u0000\"", "manifest.json"},
        {"\"head.safetensors\"", "null", "\"name\" is null"},
        {"\"features\": 2", "\"features\": 0", "\"features\" = 0 is outside [1, 8192]"},
        {"\"features\": 2", "\"features\": -2", "\"features\" = -2 is outside"},
        {"\"features\": 2", "\"features\": 8193", "\"features\" = 8193 is outside [1, 8192]"},
        {"\"features\": 2", "\"features\": 9223372036854775807", "is outside [1, 8192]"},
        {"\"features\": 2", "\"features\": 2.0", "\"features\" is a real"},
        {"\"features\": 2", "\"features\": 3", "its fingerprint does not fit its numbers"},
        {"\"features\": 2", "\"width\": 2", "\"features\" is missing"},
        {"\"bytes\": ", "\"bytes\": 1", "head.safetensors: is not the file that the manifest describes"},
        {"\"bytes\": ", "\"bytes\": 0, \"b\": ", "\"head\" has 5 keys"},
        {"\"bytes\": ", "\"bytes\": -", "\"bytes\" = -"},
        {"\"xxh128\": \"", "\"xxh128\": \"x", "\"xxh128\" is no fingerprint"},
        {"\"xxh128\": \"", "\"xxh128\": \"00000000000000010000000000000002\", \"xxh127\": \"", "\"head\" has 5 keys"},
    };
    refuse_each("feature", table, sizeof table / sizeof *table);
}

/* Another layer of the same size under its name: only the hash tells. */
Test(manifest, another_head_refused) {
    static const float weight[CLASSES * FEATURES] = {1, 2, 3, 4, 5, 6};
    lyne_labels_plan plan = small_plan("feature");
    lyne_head other;
    char path[160];
    lyne_error err;
    bool wrong;
    write_cache(&plan);
    cr_assert_eq(lyne_head_init(&other, CLASSES, FEATURES, weight, NULL, NULL), LYNE_OK);
    snprintf(path, sizeof path, "%s/head.safetensors", root);
    cr_assert_eq(lyne_head_save(&other, path, NULL), LYNE_OK);
    lyne_head_deinit(&other);
    cr_expect_eq(examine(&err, &wrong), LYNE_EDATA);
    cr_expect(strstr(err.text, "its size or hash is another"), "%s", err.text);
}

/* A manifest of as many shards as there may be is read back. */
Test(manifest, as_many_shards_as_can_be_read) {
    lyne_labels_plan plan = small_plan("f16");
    plan.samples = LYNE_MAX_SHARDS;
    plan.views = plan.records_per_shard = 1;
    lyne_layout layout;
    lyne_manifest m;
    lyne_error err = {0};
    cr_assert_eq(lyne_layout_init(&layout, &plan, &err), LYNE_OK, "%s", err.text);
    lyne_shard_entry *shards = lyne_alloc(LYNE_MAX_SHARDS, sizeof *shards);
    for (int i = 0; i < LYNE_MAX_SHARDS; i++) shards[i].bytes = UINT64_C(1) << 40;
    const lyne_labels_error error = {{0}, {0}, {0}};
    cr_assert_eq(lyne_manifest_save(&layout, shards, NULL, &error, &err), LYNE_OK, "%s", err.text);
    lyne_free(shards);
    cr_expect_eq(lyne_manifest_load(root, 0, 0, &m, &err), LYNE_OK, "%s", err.text);
    cr_expect_eq(m.layout.n_shards, LYNE_MAX_SHARDS);
    lyne_arena_free(&m.arena);
    plan.samples++;
    cr_expect_eq(lyne_layout_init(&layout, &plan, &err), LYNE_EDATA);
}
