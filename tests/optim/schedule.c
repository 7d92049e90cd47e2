/* tests/optim/schedule.c -- values at the edges. */
#include "optim/schedule.h"
#include "../fill.h"

#include <math.h>

extern const lyne_schedule lyne_schedule_constant, lyne_schedule_cosine, lyne_schedule_step;

Test(schedule, values) {
    static const struct {
        const lyne_schedule *row;
        const char *yaml;
        double epoch, epochs, factor;
    } table[] = {
        {&lyne_schedule_constant, "constant", 0, 10, 1},
        {&lyne_schedule_constant, "constant", 10, 10, 1},
        {&lyne_schedule_constant, "{constant: {warmup: 4}}", 0, 10, 0},
        {&lyne_schedule_constant, "{constant: {warmup: 4}}", 1, 10, 0.25},
        {&lyne_schedule_constant, "{constant: {warmup: 4}}", 4, 10, 1},
        {&lyne_schedule_constant, "{constant: {warmup: 20}}", 10, 10, 0.5}, /* never warm */
        {&lyne_schedule_cosine, "cosine", 0, 8, 1},
        {&lyne_schedule_cosine, "cosine", 2, 8, 0.8535533905932737},
        {&lyne_schedule_cosine, "cosine", 4, 8, 0.5},
        {&lyne_schedule_cosine, "cosine", 8, 8, 0},
        {&lyne_schedule_cosine, "{cosine: {final: 0.2}}", 4, 8, 0.6},
        {&lyne_schedule_cosine, "{cosine: {final: 0.2}}", 8, 8, 0.2},
        {&lyne_schedule_cosine, "{cosine: {warmup: 2}}", 1.5, 10, 0.75},
        {&lyne_schedule_cosine, "{cosine: {warmup: 2}}", 2, 10, 1},
        {&lyne_schedule_cosine, "{cosine: {warmup: 2}}", 6, 10, 0.5},
        {&lyne_schedule_cosine, "{cosine: {warmup: 2}}", 10, 10, 0},
        {&lyne_schedule_cosine, "{cosine: {warmup: 10, final: 0.5}}", 10, 10, 0.5}, /* nothing is left to fall along */
        {&lyne_schedule_cosine, "cosine", 0, 0, 0},
        {&lyne_schedule_step, "{step: {at: [2, 3.5]}}", 0, 9, 1},
        {&lyne_schedule_step, "{step: {at: [2, 3.5]}}", 1.999, 9, 1},
        {&lyne_schedule_step, "{step: {at: [2, 3.5]}}", 2, 9, 0.1},
        {&lyne_schedule_step, "{step: {at: [2, 3.5]}}", 3.5, 9, 0.01},
        {&lyne_schedule_step, "{step: {at: [2, 3.5], factor: 0.5}}", 9, 9, 0.25},
        {&lyne_schedule_step, "{step: {at: []}}", 9, 9, 1},
        {&lyne_schedule_step, "{step: {at: [2], warmup: 1}}", 1.5, 9, 1}, /* epochs count from the start */
        {&lyne_schedule_step, "{step: {at: [2], warmup: 1}}", 2, 9, 0.1},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        filled f = filled_with(&table[i].row->component, table[i].yaml);
        double factor = lyne_schedule_at(&f.instance, table[i].epoch, table[i].epochs);
        cr_expect_float_eq(factor, table[i].factor, 1e-12, "%s at %g of %g: %.17g", table[i].yaml, table[i].epoch,
                           table[i].epochs, factor);
        unfill(&f);
    }
}

/* Whoever writes one is promised that it is asked from the warm-up to the end and not beyond; the last batch goes beyond. */
static double how_far(const void *config, double epoch, double epochs) {
    (void)config;
    return epoch / epochs;
}

Test(schedule, asked_to_the_end) {
    static const lyne_schedule row = {.factor = how_far};
    const lyne_schedule_config warm = {.warmup = 1};
    const lyne_instance schedule = {.row = &row.component, .config = &warm};
    cr_expect_eq(lyne_schedule_at(&schedule, 2, 4), 0.5);
    cr_expect_eq(lyne_schedule_at(&schedule, 4.001, 4), 1);
    cr_expect_eq(lyne_schedule_at(&schedule, 0.75, 0.5), 0.5, "the warm-up ends there too");
}

Test(schedule, refused) {
    static const struct {
        const lyne_schedule *row;
        const char *yaml, *message;
    } table[] = {
        {&lyne_schedule_step, "step", "'at' is missing"},
        {&lyne_schedule_step, "{step: {at: [3, 3]}}", "at must rise"},
        {&lyne_schedule_step, "{step: {at: [-1]}}", "-1 is outside"},
        {&lyne_schedule_cosine, "{cosine: {final: 1.5}}", "1.5 is outside"},
        {&lyne_schedule_constant, "{constant: {warmup: -1}}", "-1 is outside"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        filled f = fill(&table[i].row->component, table[i].yaml);
        lyne_error err = {0};
        lyne_diagnostics_error(&f.out, &err);
        cr_expect(f.out.n > 0 && strstr(err.text, table[i].message), "%s: %s", table[i].yaml, err.text);
        unfill(&f);
    }
}
