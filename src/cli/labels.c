/* cli/labels.c -- `lyne labels VERB ...`: look at a soft-label cache, check it, take it elsewhere, compare it. */
#include "base/text.h"
#include "cli/cli.h"
#include "labels/compare.h"
#include "labels/parts.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { OUT, LIST };
static const lyne_option options[] = {
    [OUT] = {"out", "DIR", "export, merge: where the files go; merge of one directory without it stays there"},
    [LIST] = {"list", "N",
              "compare: how many samples to list of which the two think otherwise; default 10, up to 1000"},
    {NULL, NULL, NULL}};

typedef struct arguments {
    const char *out;
    int64_t list;
    char *const *cache; /* n of them */
    size_t n;
} arguments;

static lyne_status open_then(const arguments *a,
                             lyne_status (*then)(const lyne_labels *, const arguments *, lyne_error *),
                             lyne_error *err) {
    lyne_labels *labels = NULL;
    lyne_status status = lyne_labels_open(a->cache[0], &labels, err);
    if (status == LYNE_OK) status = then(labels, a, err);
    lyne_labels_close(labels);
    return status;
}

static void print_error(const char *title, const lyne_labels_error *e) {
    printf("\n%-24s %12s %12s %12s\n", title, "mean", "p99", "max");
    for (int i = 0; i < LYNE_LABELS_TEMPERATURES; i++)
        printf("  T = %-20g %12.4g %12.4g %12.4g\n", lyne_labels_temperatures[i], e->mean[i], e->p99[i], e->max[i]);
}

/* ---- info ---- */

static lyne_status print_info(const lyne_labels *labels, const arguments *a, lyne_error *err) {
    const lyne_layout *l = lyne_labels_layout(labels);
    lyne_labels_identity identity = l->plan.identity;
    const lyne_labels_error error = lyne_labels_error_of(labels);
    const uint64_t record = lyne_labels_record_bytes(labels);
    char text[16], digest[LYNE_DIGEST_TEXT];
    (void)a, (void)err;
    printf("samples           %llu\nviews             %lu\nclasses           %lld\nencoding          %s\n",
           (unsigned long long)l->plan.samples, (unsigned long)l->plan.views, (long long)l->plan.classes,
           lyne_labels_encoding(labels));
    printf("bytes per record  %llu (%llu and 16 for sample, view and checksum)\n", (unsigned long long)record,
           (unsigned long long)record - LYNE_RECORD_ID);
    lyne_human((double)lyne_labels_bytes(labels), text);
    printf("shards            %llu of %llu records, %sB in all\n", (unsigned long long)l->n_shards,
           (unsigned long long)lyne_layout_records(l, 0), text);
    if (lyne_labels_temperature(labels) > 0)
        printf("good at           T = %g alone\n", lyne_labels_temperature(labels));
    print_error("KL(stored || teacher)", &error);
    printf("\n");
    for (int i = 0; i < LYNE_N_IDENTITY_PARTS; i++) {
        lyne_digest_print(*lyne_identity_digest(&identity, &lyne_identity_parts[i]), digest);
        printf("%-17s %s\n", lyne_identity_parts[i].name, digest);
    }
    lyne_digest_print(l->fingerprint, digest);
    printf("%-17s %s\n", "fingerprint", digest);
    return LYNE_OK;
}

static lyne_status info(const arguments *a, lyne_error *err) {
    return open_then(a, print_info, err);
}

/* ---- verify ---- */

static lyne_status print_verdict(const lyne_labels *labels, const arguments *a, lyne_error *err) {
    const lyne_layout *l = lyne_labels_layout(labels);
    lyne_status status = lyne_labels_verify(labels, err);
    if (status == LYNE_OK)
        printf("%s: fine, %llu records in %llu shards\n", a->cache[0], (unsigned long long)l->n_records,
               (unsigned long long)l->n_shards);
    return status;
}

static lyne_status verify(const arguments *a, lyne_error *err) {
    return open_then(a, print_verdict, err);
}

/* ---- export ---- */

static lyne_status export_to(const lyne_labels *labels, const arguments *a, lyne_error *err) {
    return lyne_labels_export(labels, a->out, err);
}

static lyne_status export(const arguments *a, lyne_error *err) {
    if (!a->out) return lyne_fail(err, LYNE_EUSAGE, "where to? usage: lyne labels export CACHE --out DIR");
    return open_then(a, export_to, err);
}

/* ---- merge ---- */

static lyne_status merge(const arguments *a, lyne_error *err) {
    if (!a->out && a->n > 1) return lyne_fail(err, LYNE_EUSAGE, "where to? usage: lyne labels merge DIR... --out DIR");
    const lyne_status status =
        lyne_labels_merge((const char *const *)a->cache, a->n, a->out ? a->out : a->cache[0], err);
    if (status == LYNE_OK) printf("%s: all parts are joined\n", a->out ? a->out : a->cache[0]);
    return status;
}

/* ---- compare ---- */

static void print_comparison(const lyne_comparison *c) {
    printf("records      %llu\nagree        %llu (%.4f%%) on the likeliest class\n", (unsigned long long)c->records,
           (unsigned long long)c->agreeing, 100 * (double)c->agreeing / (double)c->records);
    print_error("KL(first || second)", &c->kl);
    if (!c->n_listed) return;
    printf("\n%12s %6s %12s %8s %12s %8s\n", "sample", "view", "first says", "p", "second", "p");
    for (size_t i = 0; i < c->n_listed; i++) {
        const lyne_disagreement *d = &c->listed[i];
        printf("%12llu %6lu %12lld %8.4f %12lld %8.4f\n", (unsigned long long)d->sample, (unsigned long)d->view,
               (long long)d->class[0], d->probability[0], (long long)d->class[1], d->probability[1]);
    }
    if (c->n_listed < c->records - c->agreeing)
        printf("and %llu more\n", (unsigned long long)(c->records - c->agreeing - c->n_listed));
}

static lyne_status compare_with(const lyne_labels *first, const arguments *a, lyne_error *err) {
    lyne_labels *second = NULL;
    lyne_comparison c = {0};
    lyne_status status = lyne_labels_open(a->cache[1], &second, err);
    if (status == LYNE_OK) status = lyne_labels_compare(first, second, (size_t)a->list, &c, err);
    if (status == LYNE_OK) print_comparison(&c);
    lyne_free(c.listed);
    lyne_labels_close(second);
    return status;
}

static lyne_status compare(const arguments *a, lyne_error *err) {
    return open_then(a, compare_with, err);
}

/* ---- the command ---- */

static const struct verb {
    const char *name, *expects;
    size_t least, most; /* directories              */
    unsigned takes;     /* options, as 1 << OPTION */
    lyne_status (*run)(const arguments *a, lyne_error *err);
} verbs[] = {{"info", "one directory with soft labels", 1, 1, 0, info},
             {"verify", "one directory with soft labels", 1, 1, 0, verify},
             {"export", "one directory with soft labels", 1, 1, 1 << OUT, export},
             {"merge", "directories with parts of soft labels", 1, SIZE_MAX, 1 << OUT, merge},
             {"compare", "two directories with soft labels", 2, 2, 1 << LIST, compare}};
#define N_VERBS (sizeof verbs / sizeof *verbs)

static const struct verb *find_verb(const char *name) {
    for (size_t i = 0; name && i < N_VERBS; i++)
        if (strcmp(verbs[i].name, name) == 0) return &verbs[i];
    return NULL;
}

static lyne_status set_option(arguments *a, int which, const char *value, lyne_error *err) {
    if (which == OUT) a->out = value;
    if (which == LIST && (!lyne_parse_int(value, &a->list) || a->list < 0 || a->list > LYNE_MOST_DISAGREEMENTS))
        return lyne_fail(err, LYNE_EUSAGE, "--list expects a number from 0 to %d, not '%s'", LYNE_MOST_DISAGREEMENTS,
                         value);
    return LYNE_OK;
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    arguments a = {.list = 10};
    unsigned given = 0;
    const char *value;
    int got;
    (void)registry;
    while ((got = lyne_next_option(&command_labels, argc, argv, &value, err)) >= 0) {
        if (set_option(&a, got, value, err) != LYNE_OK) return LYNE_EUSAGE;
        given |= 1u << got;
    }
    if (got == -2) return LYNE_EUSAGE;
    const char *name = optind < argc ? argv[optind++] : NULL;
    const struct verb *verb = find_verb(name);
    if (!verb)
        return lyne_fail(err, LYNE_EUSAGE, "labels expects info, verify, export, merge or compare, not '%s'",
                         name ? name : "");
    for (int i = 0; options[i].name; i++)
        if (given & ~verb->takes & 1u << i)
            return lyne_fail(err, LYNE_EUSAGE, "labels %s takes no --%s", verb->name, options[i].name);
    a.cache = argv + optind;
    a.n = (size_t)(argc - optind);
    if (a.n < verb->least || a.n > verb->most)
        return lyne_fail(err, LYNE_EUSAGE, "labels %s expects %s", verb->name, verb->expects);
    return verb->run(&a, err);
}

const lyne_command command_labels = {
    .name = "labels",
    .arguments = "VERB CACHE...",
    .help = "Look at soft labels: info CACHE, verify CACHE, export CACHE --out DIR, merge DIR... [--out "
            "DIR], compare CACHE CACHE.",
    .options = options,
    .run = run};
