/* stages/bias.c -- add one number to the logits of some classes and score again: what repairs a student that has never
 * been shown these classes, or has been shown them alone.  Hinton, Vinyals, Dean 2015, arXiv:1503.02531, section 3.
 *
 * A sample goes to the classes once the number is above  t = max of the other logits - max of theirs.  So errors are a
 * step function of it whose steps are the t of all samples: sorted, one walk finds its lowest place. */
#include "stages/stage.h"
#include "train/evaluate.h"
#include <stdlib.h>
#include <string.h>

#define BATCH 200

enum { TEST, VALIDATION, FREQUENCIES, NONE };
static const char *const tunings[] = {"test", "validation", "frequencies", "none", NULL};

typedef struct bias_config {
    lyne_reference model;
    lyne_texts classes;
    int tune;
} bias_config;

static const lyne_field fields[] = {
    LYNE_ENTRY_WITH(STAGE, bias_config, model, "the stage that made the model", LYNE_REQUIRED,
                    .makes = LYNE_MAKES_MODEL),
    LYNE_ENTRY(TEXTS, bias_config, classes, "names of the classes whose logits are raised or lowered", LYNE_REQUIRED),
    LYNE_ENTRY_WITH(
        CHOICE, bias_config, tune,
        "frequencies: until the classes are answered as often as they are labels of the training pictures; "
        "validation: fewest errors there; test: fewest errors on the very split that is reported, as the paper; "
        "none: 0, to count the errors on the classes",
        "frequencies", .choices = tunings),
    LYNE_FIELDS_END};

static const char *check(const void *config) {
    return ((const bias_config *)config)->classes.n ? NULL : "classes is an empty list; name those to be corrected";
}

static lyne_needs needs(const void *config) {
    const bias_config *c = config;
    return (lyne_needs){
        .validation = c->tune == VALIDATION ? "tune" : NULL, .classes = {c->classes}, .some_left = {true}};
}

/* A sample: above which number it goes to the classes, and whether the answer is right before and after. */
typedef struct sample {
    double at;
    bool in, right_out, right_in; /* in: its label is one of the classes */
} sample;

static int by_threshold(const void *a, const void *b) {
    const double x = ((const sample *)a)->at, y = ((const sample *)b)->at;
    return (x > y) - (x < y);
}

static sample look(const float *z, int64_t n, const bool *chosen, int64_t label) {
    int64_t best[2] = {-1, -1}; /* of the others, of the classes */
    for (int64_t c = 0; c < n; c++)
        if (best[chosen[c]] < 0 || z[c] > z[best[chosen[c]]]) best[chosen[c]] = c;
    return (sample){.at = (double)z[best[0]] - (double)z[best[1]],
                    .in = chosen[label],
                    .right_out = best[0] == label,
                    .right_in = best[1] == label};
}

/* All samples of a split, sorted; caller frees. */
static lyne_status look_at_all(lyne_network *net, const lyne_dataset *d, const bool *chosen, sample **out,
                               lyne_error *err) {
    lyne_loader loader;
    lyne_status status = lyne_loader_init(&loader, d, 0, 0, 1, (lyne_instances){0}, err);
    if (status != LYNE_OK) return status;
    *out = lyne_alloc((size_t)d->n, sizeof **out);
    if (!*out) status = lyne_fail_memory(err, "thresholds");
    for (int64_t first = 0; status == LYNE_OK && first < d->n; first += BATCH) {
        const float *z;
        lyne_batch b = {.n = BATCH, .picture = lyne_program_input(net->program, net->picture)};
        lyne_loader_records(&loader, (uint64_t)first, &b);
        if ((status = lyne_scoring_stopped(first, d->n, err)) != LYNE_OK) break;
        if ((status = lyne_network_infer(net, &z, err)) != LYNE_OK) break;
        for (int64_t i = 0; i < BATCH && first + i < d->n; i++)
            (*out)[first + i] = look(z + i * d->n_classes, d->n_classes, chosen, d->labels[first + i]);
    }
    if (status == LYNE_OK) qsort(*out, (size_t)d->n, sizeof **out, by_threshold);
    lyne_loader_deinit(&loader);
    return status;
}

/* A number above the first k thresholds and below the others: 0 where it will do. */
static double above(const sample *s, int64_t n, int64_t k) {
    if ((k == 0 || s[k - 1].at < 0) && (k == n || s[k].at > 0)) return 0;
    return k == 0 ? s[0].at - 1 : k == n ? s[n - 1].at + 1 : (s[k - 1].at + s[k].at) / 2;
}

/* With the fewest errors; of equal ones the nearest to 0. */
static double fewest_errors(const sample *s, int64_t n) {
    int64_t errors = 0, fewest;
    for (int64_t i = 0; i < n; i++) errors += !s[i].right_out;
    double best = above(s, n, 0);
    fewest = errors;
    for (int64_t k = 1; k <= n; k++) {
        errors += s[k - 1].right_out - s[k - 1].right_in;
        if (k < n && s[k].at == s[k - 1].at) continue;
        const double here = above(s, n, k);
        if (errors > fewest || (errors == fewest && here * here >= best * best)) continue;
        fewest = errors;
        best = here;
    }
    return best;
}

/* At which the classes are answered as often as they are labels. */
static double as_frequent(const sample *s, int64_t n) {
    int64_t labels = 0;
    for (int64_t i = 0; i < n; i++) labels += s[i].in;
    return above(s, n, labels);
}

static void score(const sample *s, int64_t n, double bias, lyne_result *out) {
    out->bias = bias;
    out->test_samples = n;
    out->test_errors = out->class_samples = out->class_errors = 0;
    for (int64_t i = 0; i < n; i++) {
        const bool wrong = !(bias > s[i].at ? s[i].right_in : s[i].right_out);
        out->test_errors += wrong;
        out->class_samples += s[i].in;
        out->class_errors += wrong && s[i].in;
    }
    out->test_accuracy = 1 - (double)out->test_errors / (double)n;
}

static void choose(const lyne_job *job, const lyne_texts *classes, bool *chosen) {
    for (int64_t c = 0; c < job->task->n_classes; c++)
        for (size_t i = 0; i < classes->n; i++) chosen[c] |= strcmp(job->class_names->item[c], classes->item[i]) == 0;
}

static lyne_status run(const lyne_job *job, lyne_result *out, lyne_error *err) {
    const bias_config *c = job->stage->kind.config;
    const lyne_dataset *tuned = c->tune == FREQUENCIES  ? job->train
                                : c->tune == VALIDATION ? job->validation
                                                        : job->test;
    lyne_network net = {0};
    sample *test = NULL, *tuning = NULL;
    bool *chosen = lyne_alloc((size_t)job->task->n_classes, sizeof *chosen);
    if (!chosen) return lyne_fail_memory(err, "classes");
    choose(job, &c->classes, chosen);
    lyne_status status = lyne_job_load(job, c->model.name, BATCH, &net, err);
    if (status == LYNE_OK) status = look_at_all(&net, job->test, chosen, &test, err);
    if (status == LYNE_OK && c->tune != TEST && c->tune != NONE)
        status = look_at_all(&net, tuned, chosen, &tuning, err);
    if (status == LYNE_OK) {
        const sample *by = tuning ? tuning : test;
        const double number = c->tune == NONE          ? 0
                              : c->tune == FREQUENCIES ? as_frequent(by, tuned->n)
                                                       : fewest_errors(by, tuned->n);
        score(test, job->test->n, number, out);
    }
    lyne_free(test);
    lyne_free(tuning);
    lyne_free(chosen);
    lyne_network_deinit(&net);
    return status;
}

const lyne_stage lyne_stage_bias = {
    .component = {.kind = LYNE_STAGE,
                  .name = "bias",
                  .help = "raise or lower the logits of some classes by one number, and score",
                  .source = "arXiv:1503.02531, section 3",
                  .example = "corrected: {bias: {model: student, classes: [\"3\"], tune: frequencies}}",
                  .config_size = sizeof(bias_config),
                  .fields = fields,
                  .check = check},
    .product = LYNE_MAKES_SCORES,
    .needs = needs,
    .run = run};
