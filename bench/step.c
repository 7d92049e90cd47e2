/* bench/step.c -- lyne_bench: the time of a training step from cached soft labels, or of inference, as JSON.
 *
 *     lyne_bench --model '{mlp: {hidden: [800, 800]}}' --picture 1,28,28 --classes 10 --batch 128 --precision bf16
 *
 *     lyne_bench --model transformer --tokens 128 --classes 1000 --batch 32 --optimizer adamw
 *
 * --tokens: samples are so many tokens, of as many kinds as there are classes, with a label each.  A step is what the trainer does between reading its inputs and the next: forward, losses (KD with temperature 4 and
 * cross-entropy), backward, and the optimizer, SGD with momentum unless told.  Pictures, labels and teacher's logits are random and stay the same.
 * Each repetition has an FMA and an AMX probe before it.  `--kernels` prints where the time goes instead; `--probe`
 * only the probes. */
#include "base/log.h"
#include "base/peaks.h"
#include "base/text.h"
#include "dnn/dnn.h"
#include "subject.h"
#include <getopt.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct options {
    subject_options of;
    int64_t threads, repetitions;
    double seconds;
    bool kernels, probe;
} options;

static void print_probes(double fma, double amx) {
    printf("{\"fma\": %.1f, \"amx\": %.0f}", fma, amx);
}

/* The mean over steps with a clock around each kernel of what all of them take together [ms]. */
static lyne_status kernels(subject *s, int64_t steps, double *sum, lyne_error *err) {
    const int n = lyne_program_n_steps(s->net.program);
    double *seconds = lyne_alloc((size_t)n + 1, sizeof *seconds);
    lyne_status status = seconds ? LYNE_OK : lyne_fail_memory(err, "times");
    for (int64_t i = 0; i < steps && status == LYNE_OK; i++) status = subject_step(s, seconds, err);
    *sum = 0;
    for (int i = 0; i <= n && status == LYNE_OK; i++) *sum += seconds[i] * 1e3 / (double)steps;
    lyne_free(seconds);
    return status;
}

static lyne_status step_timed(void *self, double *seconds, lyne_error *err) {
    return subject_step(self, seconds, err);
}
static lyne_status print_kernels(subject *s, bool infer, int64_t steps, lyne_error *err) {
    const lyne_timed timed = {.run = step_timed, .self = s, .behind = infer ? NULL : s->optimizer.row->name};
    return lyne_program_print_kernels(s->net.program, &timed, steps, stdout, err);
}

static lyne_status repeat(subject *s, const options *o, lyne_error *err) {
    lyne_status status = LYNE_OK;
    double sum = 0;
    for (int i = 0; i < 3 && status == LYNE_OK; i++) status = subject_step(s, NULL, err);
    const double start = lyne_now();
    if (status == LYNE_OK) status = subject_step(s, NULL, err);
    const int64_t steps = 1 + (int64_t)(o->seconds / (lyne_now() - start));
    if (status != LYNE_OK || o->kernels) return status == LYNE_OK ? print_kernels(s, o->of.infer, steps, err) : status;
    printf("{\"batch\": %lld, \"steps\": %lld, \"repetitions\": [", (long long)o->of.batch, (long long)steps);
    for (int64_t r = 0; r < o->repetitions && status == LYNE_OK; r++) {
        const double fma = lyne_peak_fma(), amx = lyne_peak_amx(), began = lyne_now();
        for (int64_t i = 0; i < steps && status == LYNE_OK; i++) status = subject_step(s, NULL, err);
        const double ms = (lyne_now() - began) * 1e3 / (double)steps;
        if (status == LYNE_OK) status = kernels(s, steps, &sum, err);
        printf("%s{\"ms\": %.4f, \"kernels_ms\": %.4f, \"fma\": %.1f, \"amx\": %.0f}", r ? ", " : "", ms, sum, fma,
               amx);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("], \"last\": ");
    print_probes(lyne_peak_fma(), lyne_peak_amx());
    printf(", \"parameters\": %lld, \"macs\": %lld, \"arena\": %zu, \"peak_kb\": %ld, \"onednn\": \"%s\", \"isa\": "
           "\"%s\"}\n",
           (long long)lyne_graph_count_params(s->net.graph), (long long)lyne_graph_count_macs(s->net.graph),
           lyne_program_bytes(s->net.program), usage.ru_maxrss, dnn_version(), dnn_isa());
    return status;
}

static lyne_status count(const char *name, const char *text, int64_t *out, lyne_error *err) {
    if (lyne_parse_int(text, out) && *out >= 1 && *out <= 1 << 20) return LYNE_OK;
    return lyne_fail(err, LYNE_EUSAGE, "--%s expects a number from 1 up, not '%s'", name, text);
}

static lyne_status parse(int argc, char **argv, options *o, lyne_error *err) {
    enum {
        MODEL,
        OPTIMIZER,
        PRECISION,
        PICTURE,
        TOKENS,
        CLASSES,
        BATCH,
        THREADS,
        REPETITIONS,
        SECONDS,
        INFER,
        LEAN,
        KERNELS,
        PROBE
    };
    static const struct option all[] = {
        {"model", 1, 0, MODEL},     {"optimizer", 1, 0, OPTIMIZER}, {"precision", 1, 0, PRECISION},
        {"picture", 1, 0, PICTURE}, {"tokens", 1, 0, TOKENS},       {"classes", 1, 0, CLASSES},
        {"batch", 1, 0, BATCH},     {"threads", 1, 0, THREADS},     {"repetitions", 1, 0, REPETITIONS},
        {"seconds", 1, 0, SECONDS}, {"infer", 0, 0, INFER},         {"lean", 0, 0, LEAN},
        {"kernels", 0, 0, KERNELS}, {"probe", 0, 0, PROBE},         {0}};
    lyne_status status = LYNE_OK;
    int64_t *const number[] = {[TOKENS] = &o->of.tokens,
                               [CLASSES] = &o->of.classes,
                               [BATCH] = &o->of.batch,
                               [THREADS] = &o->threads,
                               [REPETITIONS] = &o->repetitions};
    for (int got; status == LYNE_OK && (got = getopt_long(argc, argv, "", all, NULL)) != -1;) {
        switch (got) {
        case MODEL:
            o->of.model = optarg;
            break;
        case OPTIMIZER:
            o->of.optimizer = optarg;
            break;
        case PRECISION:
            o->of.precision = optarg;
            break;
        case PICTURE:
            o->of.picture = optarg;
            break;
        case TOKENS:
        case CLASSES:
        case BATCH:
        case THREADS:
        case REPETITIONS:
            status = count(all[got].name, optarg, number[got], err);
            break;
        case SECONDS:
            if (!lyne_parse_float(optarg, &o->seconds) || !(o->seconds >= 0))
                status = lyne_fail(err, LYNE_EUSAGE, "--seconds expects a time, not '%s'", optarg);
            break;
        case INFER:
            o->of.infer = true;
            break;
        case LEAN:
            o->of.lean = true;
            break;
        case KERNELS:
            o->kernels = true;
            break;
        case PROBE:
            o->probe = true;
            break;
        default:
            status = lyne_fail(err, LYNE_EUSAGE, "the options are at the head of bench/step.c");
        }
    }
    if (status == LYNE_OK && strcmp(o->of.precision, "f32") != 0 && strcmp(o->of.precision, "bf16") != 0)
        status = lyne_fail(err, LYNE_EUSAGE, "--precision is f32 or bf16, not '%s'", o->of.precision);
    return status;
}

int main(int argc, char **argv) {
    options o = {.of = {.model = "{mlp: {hidden: [800, 800]}}",
                        .optimizer = "{sgd: {lr: 0.05, momentum: 0.9, weight_decay: 5e-4}}",
                        .precision = "f32",
                        .picture = "1,28,28",
                        .classes = 10,
                        .batch = 128},
                 .threads = omp_get_max_threads(),
                 .repetitions = 7,
                 .seconds = 0.3};
    lyne_error err = {0};
    subject s = {0};
    lyne_status status = parse(argc, argv, &o, &err);
    omp_set_num_threads((int)o.threads);
    lyne_peak_fma(), lyne_peak_amx(); /* the first ones start the threads */
    if (status == LYNE_OK && o.probe) {
        print_probes(lyne_peak_fma(), lyne_peak_amx());
        return 0;
    }
    if (status == LYNE_OK) status = subject_open(&s, &o.of, &err);
    if (status == LYNE_OK) status = repeat(&s, &o, &err);
    subject_close(&s);
    if (status != LYNE_OK) fprintf(stderr, "lyne_bench: %s\n", err.text);
    return (int)status;
}
