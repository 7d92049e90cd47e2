/* tests/component/config_print.c -- printed configs fill equal ones, and the fingerprint sees what can change a result
 * and nothing else. */
#include "rows.h"
#include <criterion/criterion.h>
#include <string.h>

static lyne_digest fingerprint(const lyne_instance *instance) {
    lyne_hash h;
    lyne_hash_init(&h);
    lyne_instance_hash(&h, instance);
    return lyne_hash_finish(&h);
}

static lyne_digest fingerprint_of(const lyne_registry *registry, const char *yaml) {
    reading r;
    reading_begin(&r, registry, yaml, strlen(yaml));
    cr_assert(r.ok, "%s: %s", yaml, r.out.n ? r.out.item[0].text : "");
    lyne_digest d = fingerprint(&r.stage);
    reading_end(&r);
    return d;
}

static const char *const stages[] = {
    "distill: {model: mlp}",
    "distill: {model: {wrap: {student: {mlp: {hidden: []}}}}, nesterov: true, epochs: 7, rate: 0.30000000000000004,\n"
    "  max_norm: 3.87, note: \"quo\\\"te, \\\\ \\t\\n\\e \\u0085\\L\\P\\uFEFF \\x7f äöü€𝄞: # \", mode: nearest,\n"
    "  seeds: [5, 1000000], betas: [0.1, 1, 1e-300, 0], names: ['', '~', 'null', '- a', 'a: b', '#c', a b, ' x ',\n"
    "  layer2.0.bn2, ../x/y, '[', '*a', '&a', '!t', '|', '%x', '@', '`', \"'\", '...', '---', 'true', '3', '-1'],\n"
    "  dropout: {input: 0.2, hidden: 0}, optimizer: {adam: {lr: 1e-7}}, loss: [mse, {kd: {temperature: 20}}, kd],\n"
    "  labels: soft labels, threads: 9}",
    "distill: {model: mlp, note: '', names: [], betas: [], loss: [], max_norm: 0.01, mode: nearest}",
};

Test(config_print, what_is_printed_reads_back_equal) {
    lyne_registry *registry = test_registry();
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        reading a, b;
        lyne_text once = {0}, twice = {0};
        reading_begin(&a, registry, stages[i], strlen(stages[i]));
        cr_assert(a.ok, "%s", a.out.n ? a.out.item[0].text : "");
        lyne_instance_print(&once, &a.stage);
        reading_begin(&b, registry, once.data, once.length);
        cr_assert(b.ok, "%s\n%s", b.out.n ? b.out.item[0].text : "", once.data);
        lyne_instance_print(&twice, &b.stage);
        cr_expect_str_eq(once.data, twice.data);
        cr_expect(lyne_digest_equal(fingerprint(&a.stage), fingerprint(&b.stage)), "%s", once.data);
        const distill_config *x = a.stage.config, *y = b.stage.config;
        cr_expect_eq(x->names.n, y->names.n);
        for (size_t k = 0; k < x->names.n; k++) cr_expect_str_eq(x->names.item[k], y->names.item[k]);
        if (x->note) cr_expect_str_eq(x->note, y->note);
        cr_expect(x->threads == y->threads && x->rate == y->rate);
        lyne_text_free(&once);
        lyne_text_free(&twice);
        reading_end(&a);
        reading_end(&b);
    }
    lyne_registry_free(registry);
}

Test(config_print, looks_like_a_recipe) {
    static const char yaml[] =
        "distill: {model: {mlp: {hidden: [800]}}, rate: 0.10, note: a b, loss: [mse, {kd: ~}], also: [a, b], "
        "views: online}";
    lyne_registry *registry = test_registry();
    reading r;
    lyne_text t = {0};
    reading_begin(&r, registry, yaml, strlen(yaml));
    lyne_instance_print(&t, &r.stage);
    cr_expect_str_eq(t.data, "{distill: {model: {mlp: {hidden: [800]}}, nesterov: false, epochs: 10, rate: 0.1, "
                             "note: \"a b\", mode: linear, seeds: [1, 2, 3], betas: [], dropout: {input: 0, hidden: "
                             "0.5}, optimizer: {sgd: {lr: 0.2}}, loss: [mse, {kd: {temperature: 4, weight: 1}}], "
                             "also: [a, b], views: online, threads: 2}}");
    lyne_text_free(&t);
    reading_end(&r);
    lyne_registry_free(registry);
}

/* Pairs of which the first is always the plain stage. */
static const char plain[] = "distill: {model: mlp}";
static const char *const same[] = {
    "distill: {model: {mlp: ~}}",
    "distill: {model: {mlp: {hidden: [800, 800]}}}",
    "distill: {epochs: 10, model: mlp, rate: 0.10, mode: linear, seeds: [1, 2, 3]}",
    "distill: {model: mlp, max_norm: ~, note: ~, labels: ~, dropout: {}, names: []}",
    "distill: {model: mlp, optimizer: {sgd: {lr: 2e-1}}, loss: [{kd: {weight: 1.0, temperature: 4}}]}",
    "# a comment\ndistill:\n  model: mlp\n  dropout:\n    hidden: 0.5\n",
    "distill: {model: mlp, threads: 64}",
    "distill: {model: mlp, views: 1, also: []}",
};
static const char *const different[] = {
    "distill: {model: {mlp: {hidden: [800]}}}",
    "distill: {model: {wrap: {student: mlp}}}",
    "distill: {model: mlp, nesterov: true}",
    "distill: {model: mlp, epochs: 11}",
    "distill: {model: mlp, rate: 0.1000001}",
    "distill: {model: mlp, max_norm: 1}",
    "distill: {model: mlp, note: ''}",
    "distill: {model: mlp, mode: cubic}",
    "distill: {model: mlp, seeds: [1, 2]}",
    "distill: {model: mlp, seeds: [1, 3, 2]}",
    "distill: {model: mlp, betas: [0]}",
    "distill: {model: mlp, names: ['']}",
    "distill: {model: mlp, dropout: {input: 0.5}}",
    "distill: {model: mlp, optimizer: sgd}",
    "distill: {model: mlp, optimizer: {adam: {lr: 0.2}}}",
    "distill: {model: mlp, loss: [kd, kd]}",
    "distill: {model: mlp, loss: [mse]}",
    "distill: {model: mlp, loss: [{kd: {temperature: 5}}]}",
    "distill: {model: mlp, labels: soft}",
    "distill: {model: mlp, also: soft}",
    "distill: {model: mlp, also: [soft, soft]}",
    "distill: {model: mlp, also: [soft, hard]}",
    "distill: {model: mlp, views: online}",
    "distill: {model: mlp, views: 2}",
};

Test(config_hash, sees_values_and_not_how_they_are_written) {
    lyne_registry *registry = test_registry();
    lyne_digest base = fingerprint_of(registry, plain);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        cr_expect(lyne_digest_equal(base, fingerprint_of(registry, same[i])), "%s", same[i]);
    lyne_registry_free(registry);
}

Test(config_hash, every_value_counts) {
    lyne_registry *registry = test_registry();
    enum { N = sizeof different / sizeof *different };
    lyne_digest d[N + 1] = {fingerprint_of(registry, plain)};
    for (size_t i = 0; i < N; i++) {
        d[i + 1] = fingerprint_of(registry, different[i]);
        for (size_t k = 0; k <= i; k++) cr_expect(!lyne_digest_equal(d[k], d[i + 1]), "%s", different[i]);
    }
    lyne_registry_free(registry);
}
