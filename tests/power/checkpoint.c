/* tests/power/checkpoint.c -- whatever a loss of power leaves while checkpoints are written: a run goes on from the last
 * one that was promised or from the one being written, never from a mixture. */
#include "train/checkpoint.h"
#include "../scratch.h"
#include "base/file.h"
#include "base/log.h"
#include "disk.h"
#include "lyne/ops.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEFORE = 2, DURING = 3 };

static char from[64], to[80];
static lyne_checkpoint c;

static float number(uint64_t step, int array, size_t i) {
    return (float)(step * 1000 + (uint64_t)array * 300 + i) / 7;
}

static void save(uint64_t step) {
    const lyne_standing at = {.step = step, .metrics_bytes = step * 7, .seen = step};
    lyne_error err = {0};
    for (size_t i = 0; i < c.weights->n_values; i++) c.weights->value[i] = number(step, 0, i);
    for (size_t i = 0; i < c.weights->n_trained; i++) c.slot[0][i] = number(step, 1, i);
    c.directory = from;
    cr_assert_eq(lyne_checkpoint_save(&c, &at, &err), LYNE_OK, "%s", err.text);
}

static void look(const char *folder, size_t promises) {
    lyne_standing at;
    lyne_error err = {0};
    c.directory = folder;
    cr_assert_eq(lyne_checkpoint_load(&c, false, &at, &err), LYNE_OK, "%s", err.text);
    const uint64_t promised = BEFORE + promises;
    cr_assert(at.step == promised || (at.step == promised + 1 && promises < DURING), "step %d is loaded, %d promised",
              (int)at.step, (int)promised);
    cr_assert(at.metrics_bytes == at.step * 7 && at.seen == at.step);
    for (size_t i = 0; i < c.weights->n_values; i++) cr_assert_eq(c.weights->value[i], number(at.step, 0, i));
    for (size_t i = 0; i < c.weights->n_trained; i++) cr_assert_eq(c.slot[0][i], number(at.step, 1, i));
}

Test(power, checkpoint) {
    lyne_graph *graph;
    scratch_folder(from, sizeof from, "power");
    snprintf(to, sizeof to, "%s.after", from);
    lyne_log_quiet();
    cr_assert_eq(lyne_graph_new(2, &graph, NULL), LYNE_OK);
    lyne_linear(graph, "fc", lyne_graph_input(graph, "x", LYNE_SHAPE(2, 30), LYNE_F32),
                (lyne_linear_config){.units = 8});
    c = (lyne_checkpoint){.fingerprint = {11, 22}, .environment = "here", .slot_name = {"momentum"}, .n_slots = 1};
    cr_assert_eq(lyne_weights_new(graph, 1, &c.weights, NULL), LYNE_OK);
    c.slot[0] = lyne_alloc(c.weights->n_trained, sizeof(float));
    for (uint64_t step = 1; step <= BEFORE; step++) save(step);
    disk_record(from);
    for (uint64_t step = 1; step <= DURING; step++) {
        save(BEFORE + step);
        disk_promise();
    }
    disk_stop();
    cr_assert_not_null(freopen("/dev/null", "w", stderr)); /* a warning for each that is passed over */
    const size_t n = disk_states(to, 2000, look);
    cr_expect_geq(n, 1000, "%d states", (int)n);
    lyne_free(c.slot[0]);
    lyne_weights_free(c.weights);
    lyne_graph_free(graph);
    cr_assert_eq(lyne_directory_remove(from, NULL), LYNE_OK);
    cr_assert_eq(lyne_directory_remove(to, NULL), LYNE_OK);
}
