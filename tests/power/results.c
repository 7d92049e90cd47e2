/* tests/power/results.c -- whatever a loss of power leaves of result.json and results.json while they are replaced: each is
 * the old one or the new one, and a result that was promised is there. */
#include "../scratch.h"
#include "base/file.h"
#include "disk.h"
#include "formats/json.h"
#include "recipe/result_file.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char from[64], to[80];
static lyne_arena arena;

static lyne_inputs inputs_of(uint64_t seed) {
    lyne_inputs in = {.arena = &arena};
    lyne_inputs_number(&in, "seed", seed);
    return in;
}

static const char *at(const char *folder, const char *name) {
    static char path[2][256];
    static int turn;
    char *out = path[turn++ % 2];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

/* The k-th result, with a model of its own, and the table of results. */
static void save(const char *folder, uint64_t k) {
    lyne_error err = {0};
    lyne_digest made;
    const lyne_inputs in = inputs_of(k);
    lyne_result r = lyne_result_empty();
    r.test_errors = (int64_t)k;
    cr_assert_eq(lyne_file_commit(at(folder, "model.safetensors"), &k, sizeof k, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_result_file_save(folder, &in, &r, "here", &made, &err), LYNE_OK, "%s", err.text);
    disk_promise();
    json_t *table = json_array();
    for (uint64_t i = 0; i < 400; i++) json_array_append_new(table, json_integer((json_int_t)(1000 * k + i)));
    cr_assert_eq(lyne_json_save(at(folder, "results.json"), table, &err), LYNE_OK, "%s", err.text);
    disk_promise();
    json_decref(table);
}

/* The result whose fingerprint fits, 0 for none. */
static uint64_t loaded(const char *folder, uint64_t most) {
    uint64_t found = 0;
    for (uint64_t k = 1; k <= most; k++) {
        const lyne_inputs in = inputs_of(k);
        lyne_result r;
        lyne_digest made;
        lyne_error err = {0};
        bool stands;
        cr_assert_eq(lyne_result_file_load(folder, lyne_inputs_fingerprint(&in), &stands, &r, &made, &err), LYNE_OK);
        if (!stands) continue;
        cr_assert_eq(r.test_errors, (int64_t)k);
        found = k;
    }
    return found;
}

static void look(const char *folder, size_t promises) {
    const uint64_t result = 1 + (promises + 1) / 2, table = 1 + promises / 2, found = loaded(folder, 5);
    json_t *json;
    lyne_error err = {0};
    /* between the new model and its result there is none: the stage is done again */
    cr_assert(found == result || (promises % 2 == 0 && (found == result + 1 || found == 0)), "%d after %d promises",
              (int)found, (int)promises);
    cr_assert_eq(lyne_json_load(at(folder, "results.json"), 1 << 20, &json, &err), LYNE_OK, "%s", err.text);
    const uint64_t first = (uint64_t)json_integer_value(json_array_get(json, 0)) / 1000;
    cr_assert(first == table || (promises % 2 == 1 && first == table + 1), "%d after %d", (int)first, (int)promises);
    cr_assert_eq(json_array_size(json), 400);
    for (size_t i = 0; i < 400; i++)
        cr_assert_eq((uint64_t)json_integer_value(json_array_get(json, i)), 1000 * first + i);
    json_decref(json);
}

Test(power, results) {
    scratch_folder(from, sizeof from, "power");
    snprintf(to, sizeof to, "%s.after", from);
    char within[80];
    snprintf(within, sizeof within, "%s/stage", from);
    cr_assert_eq(lyne_directory_make(within, NULL), LYNE_OK);
    save(within, 1);
    disk_record(within);
    for (uint64_t k = 2; k <= 5; k++) save(within, k);
    disk_stop();
    const size_t n = disk_states(to, 2000, look);
    cr_expect_geq(n, 1000, "%d states", (int)n);
    lyne_arena_free(&arena);
    cr_assert_eq(lyne_directory_remove(from, NULL), LYNE_OK);
    cr_assert_eq(lyne_directory_remove(to, NULL), LYNE_OK);
}
