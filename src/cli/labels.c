/* cli/labels.c -- `lyne labels VERB ...`: look at a soft-label cache, check it, take it elsewhere, compare it. */
#include "cli/labels.h"
#include "base/text.h"
#include "cli/cli.h"
#include "labels/compare.h"
#include "labels/parts.h"
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { OUT, LIST, SAMPLE, LOGITS, IDS, DATA, ENCODING, FOLDER, N_OPTIONS };
static const lyne_option options[] = {
    [OUT] = {"out", "DIR", "export, merge, import: where the files go; merge of one directory without it stays there"},
    [LIST] = {"list", "N",
              "compare: how many samples to list of which the two think otherwise; default 10, up to 1000"},
    [SAMPLE] = {"sample", "N",
                "verify: about how many records, drawn at random, to ask the teacher again; default 1000, 0 for none"},
    [LOGITS] = {"logits", "FILE", "import: a .npy of (samples, classes), or a .safetensors with a tensor `logits`"},
    [IDS] = {"ids", "FILE",
             "import: a .npy of (samples), or a .safetensors with a tensor `ids`: the sample of each row"},
    [DATA] = {"data", "NAME", "import: the data set that the samples are of"},
    [ENCODING] = {"encoding", "ENCODING", "import: how to store them, as in a recipe; default f16"},
    [FOLDER] = {"folder", "DIR", "verify, import: where data sets lie, before the folders of LYNE_DATA"},
    {NULL, NULL, NULL}};

typedef struct arguments {
    const char *value[N_OPTIONS]; /* as given; NULL: not */
    int64_t list, sample;
    char *const *cache; /* n of them */
    size_t n;
    const lyne_registry *registry;
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

/* A class that got no logit has LYNE_NO_LOGIT, where minus infinity is meant. */
static double limit(double kl) {
    return kl < 1e20 ? kl : (double)INFINITY;
}

static void print_error(const char *title, const lyne_labels_error *e) {
    printf("\n%-24s %12s %12s %12s\n", title, "mean", "p99", "max");
    for (int i = 0; i < LYNE_LABELS_TEMPERATURES; i++)
        printf("  T = %-20g %12.4g %12.4g %12.4g\n", lyne_labels_temperatures[i], limit(e->mean[i]), limit(e->p99[i]),
               limit(e->max[i]));
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

/* What the teacher says of it now. */
static lyne_status ask(const lyne_labels *labels, const arguments *a, lyne_error *err) {
    lyne_asked said;
    if (a->sample == 0) return LYNE_OK;
    if (!a->value[SAMPLE] && !lyne_cli_can_ask(a->cache[0])) {
        printf("%s: there is no recipe.yaml in it or beside it, so nobody was asked again\n", a->cache[0]);
        return LYNE_OK;
    }
    lyne_status status =
        lyne_cli_ask(a->cache[0], (uint64_t)a->sample, a->value[FOLDER], labels, a->registry, &said, err);
    if (status == LYNE_OK) status = lyne_asked_verdict(&said, labels, err);
    if (status != LYNE_OK) return status;
    printf("%s: the teacher says the same now: %llu of %llu records to the bit", a->cache[0],
           (unsigned long long)said.same, (unsigned long long)said.n);
    if (said.same < said.n) printf(", the others to a KL of %.2g", said.max);
    printf("\n");
    return LYNE_OK;
}

static lyne_status print_verdict(const lyne_labels *labels, const arguments *a, lyne_error *err) {
    const lyne_layout *l = lyne_labels_layout(labels);
    const lyne_status status = lyne_labels_verify(labels, err);
    if (status != LYNE_OK) return status;
    printf("%s: fine, %llu records in %llu shard%s\n", a->cache[0], (unsigned long long)l->n_records,
           (unsigned long long)l->n_shards, l->n_shards == 1 ? "" : "s");
    return ask(labels, a, err);
}

static lyne_status verify(const arguments *a, lyne_error *err) {
    return open_then(a, print_verdict, err);
}

/* ---- export ---- */

static lyne_status export_to(const lyne_labels *labels, const arguments *a, lyne_error *err) {
    const lyne_status status = lyne_labels_export(labels, a->value[OUT], err);
    if (status == LYNE_OK)
        printf("%s: logits.npy and ids.npy of %llu records\n", a->value[OUT],
               (unsigned long long)lyne_labels_layout(labels)->n_records);
    return status;
}

static lyne_status export(const arguments *a, lyne_error *err) {
    if (!a->value[OUT]) return lyne_fail(err, LYNE_EUSAGE, "where to? usage: lyne labels export CACHE --out DIR");
    return open_then(a, export_to, err);
}

/* ---- merge ---- */

static lyne_status merge(const arguments *a, lyne_error *err) {
    if (!a->value[OUT] && a->n > 1)
        return lyne_fail(err, LYNE_EUSAGE, "where to? usage: lyne labels merge DIR... --out DIR");
    const lyne_status status =
        lyne_labels_merge((const char *const *)a->cache, a->n, a->value[OUT] ? a->value[OUT] : a->cache[0], err);
    if (status == LYNE_OK) printf("%s: all parts are joined\n", a->value[OUT] ? a->value[OUT] : a->cache[0]);
    return status;
}

/* ---- import ---- */

static lyne_status import(const arguments *a, lyne_error *err) {
    for (int i = 0; i < N_OPTIONS; i++)
        if ((i == LOGITS || i == IDS || i == DATA || i == OUT) && !a->value[i])
            return lyne_fail(
                err, LYNE_EUSAGE,
                "--%s is missing; usage: lyne labels import --logits FILE --ids FILE --data NAME --out DIR",
                options[i].name);
    const lyne_import i = {.logits = a->value[LOGITS],
                           .ids = a->value[IDS],
                           .data = a->value[DATA],
                           .encoding = a->value[ENCODING] ? a->value[ENCODING] : "f16",
                           .out = a->value[OUT],
                           .folder = a->value[FOLDER]};
    return lyne_cli_import(&i, a->registry, err);
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
             {"verify", "one directory with soft labels", 1, 1, 1 << SAMPLE | 1 << FOLDER, verify},
             {"export", "one directory with soft labels", 1, 1, 1 << OUT, export},
             {"merge", "directories with parts of soft labels", 1, SIZE_MAX, 1 << OUT, merge},
             {"import", "no directory but that of --out", 0, 0,
              1 << OUT | 1 << LOGITS | 1 << IDS | 1 << DATA | 1 << ENCODING | 1 << FOLDER, import},
             {"compare", "two directories with soft labels", 2, 2, 1 << LIST, compare}};
#define N_VERBS (sizeof verbs / sizeof *verbs)

static const struct verb *find_verb(const char *name) {
    for (size_t i = 0; name && i < N_VERBS; i++)
        if (strcmp(verbs[i].name, name) == 0) return &verbs[i];
    return NULL;
}

static lyne_status set_option(arguments *a, int which, const char *value, lyne_error *err) {
    a->value[which] = value;
    if (which == LIST && (!lyne_parse_int(value, &a->list) || a->list < 0 || a->list > LYNE_MOST_DISAGREEMENTS))
        return lyne_fail(err, LYNE_EUSAGE, "--list expects a number from 0 to %d, not '%s'", LYNE_MOST_DISAGREEMENTS,
                         value);
    if (which == SAMPLE && (!lyne_parse_int(value, &a->sample) || a->sample < 0))
        return lyne_fail(err, LYNE_EUSAGE, "--sample expects how many records, 0 for none, not '%s'", value);
    return LYNE_OK;
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    arguments a = {.list = 10, .sample = 1000, .registry = registry};
    unsigned given = 0;
    const char *value;
    int got;
    while ((got = lyne_next_option(&command_labels, argc, argv, &value, err)) >= 0) {
        if (set_option(&a, got, value, err) != LYNE_OK) return LYNE_EUSAGE;
        given |= 1u << got;
    }
    if (got == -2) return LYNE_EUSAGE;
    const char *name = optind < argc ? argv[optind++] : NULL;
    const struct verb *verb = find_verb(name);
    if (!verb)
        return lyne_fail(err, LYNE_EUSAGE, "labels expects info, verify, export, import, merge or compare%s%s%s",
                         name ? ", not '" : " and what to look at: lyne labels info CACHE", name ? name : "",
                         name ? "'" : "");
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
    .arguments = "info|verify|export|merge|import|compare [DIR]...",
    .help =
        "Soft labels: info CACHE, verify CACHE, export CACHE --out DIR, compare CACHE CACHE, merge DIR... [--out DIR], "
        "import --logits FILE --ids FILE --data NAME --out DIR.",
    .options = options,
    .run = run};
