/* tests/component/rows.c -- the rows of rows.h, and reading a text with them. */
#include "rows.h"
#include <criterion/criterion.h>
#include <string.h>

#define AT(type, member) .offset = offsetof(type, member)

static const lyne_field dropout_fields[] = {
    {"input", LYNE_FIELD_FLOAT, "of the input", "0", 0, LYNE_RANGE(0, 0.99)},
    {"hidden", LYNE_FIELD_FLOAT, "of hidden layers", "0.5", sizeof(double), LYNE_RANGE(0, 0.99)},
    LYNE_FIELDS_END};

static const char *const modes[] = {"nearest", "linear", "cubic", NULL};

const lyne_field distill_fields[] = {
    {"model", LYNE_FIELD_COMPONENT, "the network to train", LYNE_REQUIRED, AT(distill_config, model),
     .kind = LYNE_MODEL},
    {"nesterov", LYNE_FIELD_BOOL, "look ahead", "false", AT(distill_config, nesterov)},
    {"epochs", LYNE_FIELD_INT, "passes over the data", "10", AT(distill_config, epochs), LYNE_RANGE(1, 100000)},
    {"rate", LYNE_FIELD_FLOAT, "learning rate", "0.1", AT(distill_config, rate), LYNE_RANGE(0, 10)},
    {"max_norm", LYNE_FIELD_FLOAT, "largest norm", LYNE_UNSET, AT(distill_config, max_norm), LYNE_RANGE(0.01, 100)},
    {"note", LYNE_FIELD_TEXT, "anything", LYNE_UNSET, AT(distill_config, note)},
    {"mode", LYNE_FIELD_CHOICE, "how to interpolate", "linear", AT(distill_config, mode), .choices = modes},
    {"seeds", LYNE_FIELD_INTS, "one run each", "[1, 2, 3]", AT(distill_config, seeds), LYNE_RANGE(0, 1000000)},
    {"betas", LYNE_FIELD_FLOATS, "decays", "[]", AT(distill_config, betas), LYNE_RANGE(0, 1)},
    {"names", LYNE_FIELD_TEXTS, "taps", LYNE_UNSET, AT(distill_config, names)},
    {"dropout", LYNE_FIELD_GROUP, "fractions dropped", LYNE_UNSET, AT(distill_config, dropout),
     .fields = dropout_fields},
    {"optimizer", LYNE_FIELD_COMPONENT, "how to step", "{sgd: {lr: 0.2}}", AT(distill_config, optimizer),
     .kind = LYNE_OPTIMIZER},
    {"loss", LYNE_FIELD_COMPONENTS, "terms of the objective", "[kd]", AT(distill_config, loss), .kind = LYNE_LOSS},
    {"labels", LYNE_FIELD_STAGE, "the stage that wrote them", LYNE_UNSET, AT(distill_config, labels)},
    {"also", LYNE_FIELD_STAGES, "more of them", LYNE_UNSET, AT(distill_config, also)},
    {"views", LYNE_FIELD_INT, "how many, or new ones all the time", "1", AT(distill_config, views), LYNE_RANGE(1, 99),
     .zero = "online"},
    {"threads", LYNE_FIELD_INT, "of the loader", "2", AT(distill_config, threads), .inert = true},
    {"extra", LYNE_FIELD_TREE, "kept as written", LYNE_UNSET, AT(distill_config, extra)},
    LYNE_FIELDS_END};

static const lyne_field kd_fields[] = {
    {"temperature", LYNE_FIELD_FLOAT, "softens both sides", "4", AT(kd_config, temperature), LYNE_RANGE(0.01, 1000)},
    {"weight", LYNE_FIELD_FLOAT, "of the term", "1", AT(kd_config, weight), LYNE_RANGE(0, 1000)},
    LYNE_FIELDS_END};

static const char *kd_check(const void *config) {
    const kd_config *kd = config;
    return kd->weight > kd->temperature ? "weight is above temperature; make it at most that" : NULL;
}

static const lyne_field lr_fields[] = {{"lr", LYNE_FIELD_FLOAT, "learning rate", "0.1", 0, LYNE_RANGE(0, 10)},
                                       LYNE_FIELDS_END};
static const lyne_field mlp_fields[] = {{"hidden", LYNE_FIELD_INTS, "widths", "[800, 800]", 0, LYNE_RANGE(1, 65536)},
                                        LYNE_FIELDS_END};
static const lyne_field wrap_fields[] = {
    {"student", LYNE_FIELD_COMPONENT, "what is wrapped", LYNE_REQUIRED, 0, .kind = LYNE_MODEL}, LYNE_FIELDS_END};

static const lyne_component distill = {LYNE_STAGE, "distill", .config_size = sizeof(distill_config),
                                       .fields = distill_fields};
static const lyne_component mlp = {LYNE_MODEL, "mlp", .config_size = sizeof(lyne_ints), .fields = mlp_fields};
static const lyne_component wrap = {LYNE_MODEL, "wrap", .config_size = sizeof(lyne_instance), .fields = wrap_fields};
static const lyne_component kd = {LYNE_LOSS, "kd", .config_size = sizeof(kd_config), .fields = kd_fields,
                                  .check = kd_check};
static const lyne_component mse = {LYNE_LOSS, "mse"};
static const lyne_component sgd = {LYNE_OPTIMIZER, "sgd", .config_size = sizeof(double), .fields = lr_fields};
static const lyne_component adam = {LYNE_OPTIMIZER, "adam", .config_size = sizeof(double), .fields = lr_fields};

const lyne_component *const test_rows[] = {&distill, &wrap, &mlp, &mse, &kd, &sgd, &adam};
const size_t n_test_rows = sizeof test_rows / sizeof *test_rows;

lyne_registry *test_registry(void) {
    lyne_registry *r;
    lyne_error err = {0};
    cr_assert_eq(lyne_registry_new(test_rows, n_test_rows, &r, &err), LYNE_OK, "%s", err.text);
    return r;
}

void reading_begin(reading *r, const lyne_registry *registry, const char *text, size_t size) {
    *r = (reading){0};
    const lyne_filler f = {.registry = registry, .arena = &r->arena, .out = &r->out};
    const lyne_yaml *root = lyne_yaml_parse("recipe.yaml", text, size, &r->arena, &r->out);
    r->ok = root && lyne_config_instance(&f, LYNE_STAGE, "student", root, &r->stage);
}

void reading_end(reading *r) {
    lyne_diagnostics_free(&r->out);
    lyne_arena_free(&r->arena);
}

const lyne_diagnostic *first_diagnostic(const lyne_diagnostics *d) {
    const lyne_diagnostic *first = NULL;
    for (size_t i = 0; i < d->n; i++) {
        const lyne_mark *a = &d->item[i].mark, *b = first ? &first->mark : NULL;
        if (!b || a->line < b->line || (a->line == b->line && a->column < b->column)) first = &d->item[i];
    }
    return first;
}
