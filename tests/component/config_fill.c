/* tests/component/config_fill.c -- every mistake a recipe can make in a table of fields, with the words and the place
 * it is told. */
#include "rows.h"
#include <criterion/criterion.h>
#include <string.h>

#define S "distill:\n  model: mlp\n" /* line 3 starts behind it */

typedef struct mistake {
    const char *yaml;
    int line, column, length;
    const char *text;
} mistake;

static const mistake mistakes[] = {
    /* keys */
    {S "  epoch: 3\n", 3, 3, 5, "distill: unknown key 'epoch'; did you mean 'epochs'?"},
    {S "  foo: 3\n", 3, 3, 3,
     "distill: unknown key 'foo'; the keys are model, nesterov, epochs, rate, max_norm, note, mode, seeds, betas, "
     "names, dropout, optimizer, loss, labels, also, views, threads, extra"},
    {S "  loss: [{kd: {temprature: 3}}]\n", 3, 16, 10, "kd: unknown key 'temprature'; did you mean 'temperature'?"},
    {S "  loss: [{kd: {foo: 3}}]\n", 3, 16, 3, "kd: unknown key 'foo'; the keys are temperature, weight"},
    {S "  dropout: {inputs: 0}\n", 3, 13, 6, "distill.dropout: unknown key 'inputs'; did you mean 'input'?"},
    {S "  \"epoch\": 3\n", 3, 3, 7, "unknown key 'epoch'"},
    {"distill: {epochs: 3}\n", 1, 1, 7, "distill: 'model' is missing (the network to train)"},
    {"distill:\n", 1, 1, 7, "distill: 'model' is missing (the network to train)"},
    {"distill: {model: wrap}\n", 1, 18, 4, "wrap: 'student' is missing (what is wrapped)"},
    {"distill: {model: {wrap: {student: {wrap: {}}}}}\n", 1, 36, 4, "wrap: 'student' is missing"},

    /* no value */
    {"distill:\n  model:\n  epochs: 3\n", 2, 3, 5, "distill: 'model' has no value (the network to train)"},
    {S "  epochs:\n", 3, 3, 6, "distill: 'epochs' has no value; leave it out for the default, 10"},
    {S "  epochs: ~\n", 3, 11, 1, "distill: 'epochs' has no value"},
    {S "  epochs: null\n", 3, 11, 4, "distill: 'epochs' has no value"},
    {S "  seeds: [1, ~]\n", 3, 14, 1, "distill: an item of 'seeds' has no value"},

    /* ranges */
    {S "  loss: [{kd: {temperature: -2}}]\n", 3, 29, 2, "kd: temperature = -2 is outside [0.01, 1000]"},
    {S "  epochs: 0\n", 3, 11, 1, "distill: epochs = 0 is outside [1, 100000]"},
    {S "  rate: 10.5\n", 3, 9, 4, "distill: rate = 10.5 is outside [0, 10]"},
    {S "  seeds: [1, -7, 2]\n", 3, 14, 2, "distill: seeds = -7 is outside [0, 1000000]"},
    {S "  betas: [0.9, 1.5]\n", 3, 16, 3, "distill: betas = 1.5 is outside [0, 1]"},
    {S "  dropout: {hidden: 1}\n", 3, 21, 1, "distill.dropout: hidden = 1 is outside [0, 0.99]"},
    {"distill: {model: {mlp: {hidden: [0]}}}\n", 1, 34, 1, "mlp: hidden = 0 is outside [1, 65536]"},

    /* types */
    {S "  epochs: ten\n", 3, 11, 3, "distill: epochs expects a whole number, not 'ten'"},
    {S "  epochs: 1.0\n", 3, 11, 3, "distill: epochs expects a whole number, not '1.0'"},
    {S "  epochs: 1e3\n", 3, 11, 3, "distill: epochs expects a whole number, not '1e3'"},
    {S "  epochs: 64k\n", 3, 11, 3, "distill: epochs expects a whole number, not '64k'"},
    {S "  epochs: 0x10\n", 3, 11, 4, "distill: epochs expects a whole number, not '0x10'"},
    {S "  epochs: \"3\"\n", 3, 11, 3, "distill: epochs expects a whole number, not '3' in quotes"},
    {S "  epochs: 99999999999999999999\n", 3, 11, 20, "which does not fit in 64 bits"},
    {S "  epochs: [3]\n", 3, 11, 3, "distill: epochs expects a whole number, not a list"},
    {S "  epochs: {}\n", 3, 11, 2, "distill: epochs expects a whole number, not a map"},
    {S "  rate: fast\n", 3, 9, 4, "distill: rate expects a number, not 'fast'"},
    {S "  rate: '0.1'\n", 3, 9, 5, "distill: rate expects a number, not '0.1' in quotes"},
    {S "  rate: .nan\n", 3, 9, 4, "distill: rate expects a number, not '.nan'"},
    {S "  rate: inf\n", 3, 9, 3, "distill: rate expects a number, not 'inf'"},
    {S "  rate: {a: 1}\n", 3, 9, 6, "distill: rate expects a number, not a map"},
    {S "  nesterov: 1\n", 3, 13, 1, "distill: nesterov expects true or false, not '1'"},
    {S "  nesterov: yes\n", 3, 13, 3, "write true or false"},
    {S "  nesterov: No\n", 3, 13, 2, "write true or false"},
    {S "  nesterov: on\n", 3, 13, 2, "write true or false"},
    {S "  nesterov: off\n", 3, 13, 3, "write true or false"},
    {S "  nesterov: 'true'\n", 3, 13, 6, "distill: nesterov expects true or false, not 'true' in quotes"},
    {S "  note: [a]\n", 3, 9, 3, "distill: note expects text, not a list"},
    {S "  note:\n    a: b\n", 4, 5, 1, "distill: note expects text, not a map"},
    {S "  seeds: 3\n", 3, 10, 1, "distill: seeds expects a list, not '3'"},
    {S "  seeds: {a: 1}\n", 3, 10, 6, "distill: seeds expects a list, not a map"},
    {S "  seeds: [1, two]\n", 3, 14, 3, "distill: seeds expects a whole number, not 'two'"},
    {S "  betas: [x]\n", 3, 11, 1, "distill: betas expects a number, not 'x'"},
    {S "  names: [a, [b]]\n", 3, 14, 3, "distill: names expects text, not a list"},
    {S "  dropout: 0.5\n", 3, 12, 3, "distill: dropout expects a map, not '0.5'"},
    {S "  dropout: [0.5]\n", 3, 12, 5, "distill: dropout expects a map, not a list"},
    {S "  also: {a: 1}\n", 3, 9, 6, "distill: also expects the name of a stage, not a map"},
    {S "  also: [a, [b]]\n", 3, 13, 3, "distill: also expects the name of a stage, not a list"},
    {S "  views: offline\n", 3, 10, 7, "distill: views expects a whole number or online, not 'offline'"},
    {S "  views: 0\n", 3, 10, 1, "distill: views = 0 is outside [1, 99]"},
    {S "  labels: [a]\n", 3, 11, 3, "distill: labels expects the name of a stage, not a list"},
    {S "  loss: kd\n", 3, 9, 2, "distill: loss expects a list, not 'kd'"},
    {S "  loss: {kd: {}}\n", 3, 9, 8, "distill: loss expects a list, not a map"},
    {S "  loss: [{kd: 5}]\n", 3, 15, 1, "kd: expects a map, not '5'"},
    {S "  loss: [{kd: [5]}]\n", 3, 15, 3, "kd: expects a map, not a list"},

    /* choices */
    {S "  mode: nearst\n", 3, 9, 6, "distill: 'nearst' is not a choice for mode; did you mean 'nearest'?"},
    {S "  mode: best\n", 3, 9, 4, "distill: 'best' is not a choice for mode; the choices are nearest, linear, cubic"},
    {S "  mode: [linear]\n", 3, 9, 8, "distill: mode expects text, not a list"},

    /* components */
    {S "  loss: [kdd]\n", 3, 10, 3, "distill: there is no loss 'kdd'; did you mean 'kd'?"},
    {S "  loss: [{kdd: {}}]\n", 3, 11, 3, "distill: there is no loss 'kdd'; did you mean 'kd'?"},
    {S "  loss: [banana]\n", 3, 10, 6, "distill: there is no loss 'banana'; the losses are kd, mse"},
    {S "  optimizer: newton\n", 3, 14, 6, "distill: there is no optimizer 'newton'; the optimizers are adam, sgd"},
    {S "  loss: [{kd: {}, mse: {}}]\n", 3, 10, 17,
     "distill: expects one loss, as in {kd: {temperature: 4}}; here are 2 keys"},
    {S "  loss: [{mse: {}, kd: {}}]\n", 3, 10, 17, "distill: expects one loss, as in mse; here are 2 keys"},
    {S "  optimizer: {}\n", 3, 14, 2, "distill: expects one optimizer, as in {adam: {lr: 0.1}}; here are 0 keys"},
    {S "  optimizer: [sgd]\n", 3, 14, 5, "distill: expects one optimizer, as in {adam: {lr: 0.1}}; here is a list"},
    {S "  loss: [{mse: {alpha: 1}}]\n", 3, 16, 10, "mse: takes no fields"},
    {S "  loss: [{mse: 1}]\n", 3, 16, 1, "mse: takes no fields"},
    {S "  loss: [{kd: {temperature: 2, weight: 3}}]\n", 3, 11, 2,
     "kd: weight is above temperature; make it at most that"},
    {"train: {}\n", 1, 1, 5, "student: there is no stage 'train'; the stages are distill"},
    {"", 1, 1, 1, "student: expects one stage, as in {distill: {nesterov: false}}; here are 0 keys"},
    {"~\n", 1, 1, 1, "student: expects one stage"},

    /* what stands behind an alias is told where it was written, or where the alias stands */
    {"distill:\n  note: &n deep\n  epochs: *n\n  model: mlp\n", 3, 11, 2, "epochs expects a whole number, not 'deep'"},
    {"distill:\n  note: &n deep\n  labels: *n\n  model: *n\n", 4, 10, 2, "there is no model 'deep'"},
    {"distill:\n  epochs: &n ten\n  model: mlp\n", 2, 14, 3, "not 'ten'"},

    /* columns are characters */
    {"distill: {model: mlp, note: \"äöü€𝄞\", epochs: x}\n", 1, 46, 1, "not 'x'"},
};

Test(config_fill, every_mistake_is_told_where_it_stands) {
    lyne_registry *registry = test_registry();
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const mistake *m = &mistakes[i];
        reading r;
        reading_begin(&r, registry, m->yaml, strlen(m->yaml));
        const lyne_diagnostic *first = first_diagnostic(&r.out);
        cr_expect(!r.ok && !r.stage.row, "accepted:\n%s", m->yaml);
        cr_expect_eq(lyne_diagnostics_status(&r.out), LYNE_ERECIPE);
        cr_expect_eq(r.out.n, 1, "%zu diagnostics, the last is '%s', for\n%s", r.out.n,
                     r.out.n ? r.out.item[r.out.n - 1].text : "", m->yaml);
        if (first) {
            cr_expect(strstr(first->text, m->text), "'%s' lacks '%s'", first->text, m->text);
            cr_expect(first->mark.line == m->line && first->mark.column == m->column && first->mark.length == m->length,
                      "'%s' at %d:%d (%d), not at %d:%d (%d)", first->text, first->mark.line, first->mark.column,
                      first->mark.length, m->line, m->column, m->length);
        }
        reading_end(&r);
    }
    lyne_registry_free(registry);
}

Test(config_fill, all_mistakes_are_told_at_once) {
    static const char text[] =
        "distill:\n  epochs: ten\n  rate: -1\n  mood: 3\n  loss: [kdd, {kd: {weight: x, foo: 1}}]\n";
    lyne_registry *registry = test_registry();
    reading r;
    reading_begin(&r, registry, text, strlen(text));
    cr_expect_eq(r.out.n, 7, "%zu", r.out.n);
    reading_end(&r);
    lyne_registry_free(registry);
}

Test(config_fill, values_arrive) {
    static const char text[] = "distill:\n"
                               "  model: {wrap: {student: {mlp: {hidden: [3, 5]}}}}\n"
                               "  nesterov: true\n"
                               "  epochs: 7\n"
                               "  rate: 1e-3\n"
                               "  max_norm: ~\n"
                               "  note: 1503.02531\n"
                               "  mode: cubic\n"
                               "  seeds: []\n"
                               "  betas: [0.9, .5, 1]\n"
                               "  names: [a, 'b c', 3]\n"
                               "  dropout: {input: 0.25}\n"
                               "  optimizer: adam\n"
                               "  loss: [mse, {kd: {temperature: 20}}, {kd: ~}, {mse: {}}]\n"
                               "  labels: soft\n"
                               "  also: [a, b]\n"
                               "  views: online\n"
                               "  extra: {any: [thing]}\n";
    lyne_registry *registry = test_registry();
    reading r;
    reading_begin(&r, registry, text, strlen(text));
    cr_assert(r.ok, "%s", r.out.n ? r.out.item[0].text : "");
    const distill_config *c = r.stage.config;
    const lyne_ints *hidden = ((const lyne_instance *)c->model.config)->config;
    cr_expect_str_eq(r.stage.row->name, "distill");
    cr_expect(hidden->n == 2 && hidden->item[0] == 3 && hidden->item[1] == 5);
    cr_expect(c->nesterov && c->epochs == 7 && c->rate == 1e-3 && c->max_norm == 0 && c->mode == 2);
    cr_expect_str_eq(c->note, "1503.02531");
    cr_expect(c->seeds.n == 0 && c->betas.n == 3 && c->betas.item[1] == 0.5);
    cr_expect(c->names.n == 3);
    cr_expect_str_eq(c->names.item[1], "b c");
    cr_expect(c->dropout.input == 0.25 && c->dropout.hidden == 0.5);
    cr_expect_str_eq(c->optimizer.row->name, "adam");
    cr_expect_eq(*(const double *)c->optimizer.config, 0.1);
    cr_expect(c->loss.n == 4 && !c->loss.item[0].config);
    cr_expect_eq(((const kd_config *)c->loss.item[1].config)->temperature, 20);
    cr_expect_eq(((const kd_config *)c->loss.item[2].config)->temperature, 4);
    cr_expect_str_eq(c->labels.name, "soft");
    cr_expect(c->labels.mark.line == 15 && c->labels.mark.column == 11);
    cr_expect(c->also.n == 2 && strcmp(c->also.item[1].name, "b") == 0 && c->also.item[1].mark.column == 13);
    cr_expect_eq(c->views, 0);
    cr_expect(c->loss.item[1].mark.line == 14 && c->loss.item[1].mark.column == 16);
    cr_expect_eq(c->threads, 2);
    cr_expect(lyne_yaml_get(c->extra, "any")->n == 1);
    reading_end(&r);
    lyne_registry_free(registry);
}

Test(config_fill, defaults_without_a_map) {
    lyne_registry *registry = test_registry();
    lyne_arena arena = {0};
    lyne_diagnostics out = {0};
    const lyne_filler f = {.registry = registry, .arena = &arena, .out = &out};
    distill_config c = {0};
    cr_expect(lyne_config_fill(&f, distill_fields + 1, "distill", (lyne_mark){0}, NULL, &c));
    cr_expect(c.epochs == 10 && c.mode == 1 && c.seeds.n == 3 && c.dropout.hidden == 0.5 && !c.note && !c.labels.name);
    cr_expect(c.optimizer.row && *(const double *)c.optimizer.config == 0.2);
    cr_expect_null(c.optimizer.mark.source, "a default stands nowhere");
    cr_expect(c.loss.n == 1 && c.loss.item[0].row);
    cr_expect_eq(out.n, 0);
    lyne_diagnostics_free(&out);
    lyne_arena_free(&arena);
    lyne_registry_free(registry);
}
