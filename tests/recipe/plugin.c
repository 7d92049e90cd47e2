/* What a row of a plug-in must have besides what the registry checks; loading one is tests/plugins. */
#include "recipe/plugin.h"
#include "lyne/plugin.h"
#include <criterion/criterion.h>
#include <string.h>

static lyne_status shape(lyne_node *n, lyne_error *err) {
    (void)n, (void)err;
    return LYNE_OK;
}
static lyne_status emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    (void)p, (void)n, (void)err;
    return LYNE_OK;
}
static lyne_node *build_loss(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in) {
    (void)g, (void)name, (void)config, (void)in;
    return NULL;
}
static double number(const void *config) {
    (void)config;
    return 1;
}
static void step(const void *config, const lyne_update *u) {
    (void)config, (void)u;
}
static double factor(const void *config, double epoch, double epochs) {
    (void)config, (void)epoch, (void)epochs;
    return 1;
}

static const lyne_field loss_fields[] = {LYNE_LOSS_FIELDS, LYNE_FIELDS_END};
static const lyne_field schedule_fields[] = {LYNE_SCHEDULE_FIELDS, LYNE_FIELDS_END};
#define OP(...) &((const lyne_op){{LYNE_OP, "x", "help"}, __VA_ARGS__}).component
#define LOSS(f, s, ...)                                                                                                \
    &((const lyne_loss){{LYNE_LOSS, "x", "help", .fields = f, .config_size = s}, __VA_ARGS__}).component
#define OPTIMIZER(...) &((const lyne_optimizer){{LYNE_OPTIMIZER, "x", "help"}, __VA_ARGS__}).component
#define SCHEDULE(f, s, ...)                                                                                            \
    &((const lyne_schedule){{LYNE_SCHEDULE, "x", "help", .fields = f, .config_size = s}, __VA_ARGS__}).component

Test(plugin, what_a_row_must_have) {
    const struct {
        const lyne_component *row;
        const char *problem; /* NULL: none */
    } rows[] = {
        {OP(.n_src = 1, .shape = shape, .emit = emit), NULL},
        {OP(.n_src = LYNE_MAX_SRC + 1, .shape = shape, .emit = emit), "n_src"},
        {OP(.n_src = -1, .shape = shape, .emit = emit), "n_src"},
        {OP(.n_src = 1, .emit = emit), "shape"},
        {OP(.n_src = 1, .shape = shape), "emit"},
        {LOSS(loss_fields, 8, .build = build_loss), NULL},
        {LOSS(loss_fields, 8), "build"},
        {LOSS(NULL, 8, .build = build_loss), "lyne_loss_config"},
        {LOSS(loss_fields, 4, .build = build_loss), "lyne_loss_config"},
        {LOSS(schedule_fields, 8, .build = build_loss), "lyne_loss_config"},
        {OPTIMIZER(.lr = number, .step = step), NULL},
        {OPTIMIZER(.n_slots = LYNE_MAX_SLOTS + 1, .lr = number, .step = step), "n_slots"},
        {OPTIMIZER(.n_slots = 1, .lr = number, .step = step), "slot"},
        {OPTIMIZER(.step = step), "lr"},
        {OPTIMIZER(.lr = number), "step"},
        {SCHEDULE(schedule_fields, 8, .factor = factor), NULL},
        {SCHEDULE(schedule_fields, 8), "factor"},
        {SCHEDULE(loss_fields, 8, .factor = factor), "lyne_schedule_config"},
        {&((const lyne_model){{LYNE_MODEL, "x", "help"}}).component, "build"},
        {&((const lyne_model){{LYNE_MODEL, "x", ""}}).component, "no help"},
        {&(const lyne_component){LYNE_ENCODING, "x", "help"}, "brings models"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *problem = lyne_row_problem(rows[i].row);
        cr_expect(rows[i].problem ? problem && strstr(problem, rows[i].problem) : !problem, "row %zu: %s", i,
                  problem ? problem : "none");
    }
}

Test(plugin, nth_allocation_fails) {
    for (uint64_t n = 1;; n++) {
        lyne_rows rows;
        lyne_error err = {0};
        lyne_memory_fail_at(n);
        const lyne_status status = lyne_rows_init(&rows, &err);
        lyne_memory_fail_at(0);
        lyne_rows_free(&rows);
        if (status == LYNE_OK) break;
        cr_assert(status == LYNE_ENOSPACE, "allocation %d: %s", (int)n, err.text);
    }
}
