/* tests/component/rows.h -- a small world of components in which every type of field occurs. */
#ifndef TESTS_COMPONENT_ROWS_H
#define TESTS_COMPONENT_ROWS_H

#include "component/config.h"

typedef struct distill_config {
    lyne_instance model;
    bool nesterov;
    int64_t epochs;
    double rate, max_norm;
    const char *note;
    int mode;
    lyne_ints seeds;
    lyne_floats betas;
    lyne_texts names;
    struct {
        double input, hidden;
    } dropout;
    lyne_instance optimizer;
    lyne_instances loss;
    lyne_reference labels;
    lyne_references also;
    int64_t views, threads;
    const lyne_yaml *extra;
} distill_config;

typedef struct kd_config {
    double temperature, weight;
} kd_config;

extern const lyne_field distill_fields[];
extern const lyne_component *const test_rows[];
extern const size_t n_test_rows;

/** A registry of test_rows; asserts that they are accepted. */
lyne_registry *test_registry(void);

/* One reading of a text as a stage. */
typedef struct reading {
    lyne_arena arena;
    lyne_diagnostics out;
    lyne_instance stage;
    bool ok;
} reading;

void reading_begin(reading *r, const lyne_registry *registry, const char *text, size_t size);
void reading_end(reading *r);

/** The diagnostic that comes first in the order of the file, or NULL. */
const lyne_diagnostic *first_diagnostic(const lyne_diagnostics *d);

#endif
