/* tests/component/memory.c -- every allocation of the whole way from rows and text to a printed config fails once: the
 * failure is told, nothing crashes, nothing is lost. */
#include "rows.h"
#include <criterion/criterion.h>
#include <string.h>

static const char good[] = "distill:\n  model: &m {wrap: {student: mlp}}\n  seeds: [1, 2]\n  names: [a, b]\n"
                           "  dropout: {input: 0.1}\n  loss: [mse, {kd: {temperature: 2}}]\n  note: *m\n";
static const char bad[] = "distill:\n  epochs: ten\n  epoch: 1\n  foo: 1\n  foo: 1\n  mode: best\n  mood: {a: !t 3}\n"
                          "  rate: \"3\"\n  loss: [kdd, banana, {kd: 3}, {kd: {}, mse: {}}]\n";

static lyne_status read_all(const lyne_registry *registry, const char *text, FILE *sink) {
    lyne_arena arena = {0};
    lyne_diagnostics out = {0};
    lyne_instance stage;
    lyne_text printed = {0};
    const lyne_filler f = {.registry = registry, .arena = &arena, .out = &out};
    lyne_yaml *root = lyne_yaml_parse("recipe.yaml", text, strlen(text), &arena, &out);
    bool ok = root && lyne_yaml_set(root, NULL, "distill.note=x", &arena, &out) &&
              lyne_yaml_set(root, NULL, "distill.optimizer.adam.lr=0.3", &arena, &out) &&
              lyne_config_instance(&f, LYNE_STAGE, "student", root, &stage);
    if (ok) lyne_instance_print(&printed, &stage);
    lyne_diagnostics_print(&out, sink, false);
    lyne_error err = {0};
    lyne_status status = printed.failed ? LYNE_ENOSPACE : lyne_diagnostics_error(&out, &err);
    cr_expect_eq(ok, lyne_diagnostics_status(&out) == LYNE_OK);
    lyne_text_free(&printed);
    lyne_diagnostics_free(&out);
    lyne_arena_free(&arena);
    return status;
}

static lyne_status everything(const char *text, FILE *sink) {
    lyne_registry *registry;
    lyne_status status = lyne_registry_new(test_rows, n_test_rows, &registry, NULL);
    if (status == LYNE_OK) status = read_all(registry, text, sink);
    lyne_registry_free(registry);
    return status;
}

static void fail_each(const char *text, lyne_status expected) {
    FILE *sink = fopen("/dev/null", "w");
    uint64_t before = lyne_memory_count();
    cr_assert_eq(everything(text, sink), expected);
    uint64_t n = lyne_memory_count() - before;
    cr_assert_gt(n, 20);
    for (uint64_t i = 1; i <= n; i++) {
        lyne_memory_fail_at(i);
        cr_expect_eq(everything(text, sink), LYNE_ENOSPACE, "allocation %d of %d", (int)i, (int)n);
    }
    lyne_memory_fail_at(0);
    cr_expect_eq(everything(text, sink), expected);
    fclose(sink);
}

Test(memory, running_out_while_a_good_text_is_read) {
    fail_each(good, LYNE_OK);
}
Test(memory, running_out_while_a_bad_text_is_read) {
    fail_each(bad, LYNE_ERECIPE);
}

/* An arena asks for memory a block at a time, so what fails above is mostly the request that comes first.  Here the
 * block is filled beforehand, to a different height each time, until every request of a short text has been the one
 * that needs a new block. */

static const char *const choices[] = {"near", "far", NULL};
typedef struct probe_config {
    int mode;
    lyne_texts names;
    struct {
        int64_t n;
    } group;
    lyne_instances loss;
    lyne_instance model;
} probe_config;

static const lyne_field group_fields[] = {{"n", LYNE_FIELD_INT, "a number", "3", 0}, LYNE_FIELDS_END};
static const lyne_field probe_fields[] = {
    {"mode", LYNE_FIELD_CHOICE, "where", LYNE_UNSET, offsetof(probe_config, mode), .choices = choices},
    {"names", LYNE_FIELD_TEXTS, "words", LYNE_UNSET, offsetof(probe_config, names)},
    {"group", LYNE_FIELD_GROUP, "more", "{n: 4}", offsetof(probe_config, group), .fields = group_fields},
    {"loss", LYNE_FIELD_COMPONENTS, "terms", LYNE_UNSET, offsetof(probe_config, loss), .kind = LYNE_LOSS},
    {"model", LYNE_FIELD_COMPONENT, "net", LYNE_UNSET, offsetof(probe_config, model), .kind = LYNE_MODEL},
    LYNE_FIELDS_END};

static const char *const short_texts[] = {
    "{names: &x [a, b], group: {}, mode: far, loss: [mse]}",
    "a: &x [1]\nb: *x\na: ~\n",
    "mode: nowhere\nmood: 1\nnames: [a, ~]\n",
    "group: [1]\nnames: 'x'\nmode: {a: 1}\n",
    "group: {m: 1}\n",
    "loss: [md, banana, {kd: {temperature: 5}}, {kd: ~, mse: ~}]\n",
    "model: {mlp: {hidden: [1, x]}}\n",
    "model: {wrap: {}}\n",
};

enum { LARGE = 1 << 14 }; /* has a block to itself, and those behind it are as large as an arena's get */

/* `text` with `room` bytes left in the block that holds `block`; false when memory ran out and was so reported. */
static bool read_short(const lyne_registry *registry, const char *text, size_t block, size_t room, uint64_t fail_at) {
    lyne_arena arena = {0};
    lyne_diagnostics out = {0};
    probe_config config = {0};
    const lyne_filler f = {.registry = registry, .arena = &arena, .out = &out};
    lyne_arena_alloc(&arena, LARGE);
    lyne_arena_alloc(&arena, 16);
    lyne_arena_alloc(&arena, block - room);
    lyne_memory_fail_at(fail_at);
    lyne_yaml *root = lyne_yaml_parse("r", text, strlen(text), &arena, &out);
    bool ok = root && lyne_yaml_set(root, NULL, "group.n=5", &arena, &out) &&
              lyne_config_fill(&f, probe_fields, "probe", root->mark, root, &config);
    lyne_memory_fail_at(0);
    bool out_of_memory = lyne_diagnostics_status(&out) == LYNE_ENOSPACE;
    cr_expect(ok == (lyne_diagnostics_status(&out) == LYNE_OK), "%s: room %zu, failing %d", text, room, (int)fail_at);
    lyne_diagnostics_free(&out);
    lyne_arena_free(&arena);
    return !out_of_memory;
}

/* What is left of an arena's block behind its first 16 bytes. */
static size_t block_size(void) {
    lyne_arena arena = {0};
    lyne_arena_alloc(&arena, LARGE);
    lyne_arena_alloc(&arena, 16);
    uint64_t before = lyne_memory_count();
    while (lyne_memory_count() == before) lyne_arena_alloc(&arena, 16);
    size_t used = arena.used - LARGE - 32;
    lyne_arena_free(&arena);
    return used;
}

Test(memory, every_request_may_be_the_one_that_fails) {
    lyne_registry *registry = test_registry();
    size_t block = block_size();
    for (size_t i = 0; i < sizeof short_texts / sizeof *short_texts; i++)
        for (size_t room = 0; room < 4096; room += 16) {
            uint64_t before = lyne_memory_count();
            cr_assert(read_short(registry, short_texts[i], block, room, 0));
            uint64_t n = lyne_memory_count() - before - 2; /* the first were the blocks */
            for (uint64_t at = 1; at <= n; at++)
                cr_expect(!read_short(registry, short_texts[i], block, room, at), "%s: room %zu, failing %d of %d",
                          short_texts[i], room, (int)at, (int)n);
        }
    lyne_registry_free(registry);
}
