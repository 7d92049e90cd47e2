/* Every allocation of the whole way from rows and text to a printed config fails once: the failure is told, nothing
 * crashes, nothing is lost. */
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
    bool ok = root && lyne_yaml_set(root, "distill.note=x", &arena, &out) &&
              lyne_yaml_set(root, "distill.optimizer.adam.lr=0.3", &arena, &out) &&
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
