/* bench/step.c -- lyne_bench: the time of a training step from cached soft labels, or of inference, as JSON.
 *
 *     lyne_bench --model '{mlp: {hidden: [800, 800]}}' --picture 1,28,28 --classes 10 --batch 128 --precision bf16
 *
 *     lyne_bench --model transformer --tokens 128 --classes 1000 --batch 32 --optimizer adamw
 *
 * --tokens: samples are so many tokens, of as many kinds as there are classes, with a label each.  A step is what the trainer does between reading its inputs and the next: forward, losses (KD with temperature 4 and
 * cross-entropy), backward, and the optimizer, SGD with momentum unless told.  Pictures, labels and teacher's logits are random and stay the same.
 * With `--labels f16` (an encoding) steps take turns with others that first read the teacher's logits from a cache on
 * disk, whose time is "cached_ms".
 * Each repetition has an FMA and an AMX probe before it.  `--kernels` prints where the time goes instead; `--probe`
 * only the probes. */
#include "base/file.h"
#include "base/log.h"
#include "base/peaks.h"
#include "base/random.h"
#include "base/text.h"
#include "cached.h"
#include "component/config.h"
#include "dnn/dnn.h"
#include "optim/optimizer.h"
#include "recipe/builtin.h"
#include "train/network.h"
#include <getopt.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct options {
    const char *model, *optimizer, *precision, *picture, *labels;
    int64_t tokens, classes, batch, threads, repetitions;
    double seconds;
    bool infer, lean, kernels, probe;
} options;

typedef struct subject {
    lyne_registry *registry;
    lyne_arena arena;
    lyne_instance loss[2], optimizer;
    lyne_task task;
    lyne_network net;
    float *slot[LYNE_MAX_SLOTS];
    uint64_t steps;
    cached cached; /* labels NULL: none */
} subject;

/* NAME or {NAME: {fields}} of a kind. */
static bool instance(subject *s, lyne_kind kind, const char *yaml, lyne_instance *out, lyne_error *err) {
    lyne_diagnostics said = {0};
    const lyne_filler f = {.registry = s->registry, .arena = &s->arena, .out = &said};
    const lyne_yaml *tree = lyne_yaml_parse("bench", yaml, strlen(yaml), &s->arena, &said);
    if (tree) lyne_config_instance(&f, kind, "bench", tree, out);
    lyne_diagnostics_error(&said, err);
    const bool good = lyne_diagnostics_status(&said) == LYNE_OK && out->row;
    lyne_diagnostics_free(&said);
    return good;
}

static void fill_inputs(subject *s) {
    lyne_network *n = &s->net;
    lyne_stream r = lyne_stream_at(1, LYNE_FOR_CHECK, 0, 0);
    void *picture = lyne_program_input(n->program, n->picture);
    for (int64_t i = 0; i < lyne_shape_size(&n->picture->shape); i++)
        if (n->picture->type == LYNE_S32)
            ((int32_t *)picture)[i] = (int32_t)lyne_stream_between(&r, 0, s->task.n_classes - 1);
        else
            ((uint8_t *)picture)[i] = (uint8_t)lyne_stream_bits(&r);
    int32_t *label = n->label ? lyne_program_input(n->program, n->label) : NULL;
    for (int64_t i = 0; label && i < n->label->shape.dim[0]; i++)
        label[i] = (int32_t)lyne_stream_between(&r, 0, s->task.n_classes - 1);
    float *teacher = n->teacher ? lyne_program_input(n->program, n->teacher) : NULL;
    for (int64_t i = 0; teacher && i < lyne_shape_size(&n->teacher->shape); i++) teacher[i] = lyne_stream_normal(&r);
}

static lyne_status open_subject(subject *s, const options *o, lyne_error *err) {
    static const double half = 0.5, quarter = 0.25;
    lyne_instance model = {0};
    long long c, h, w;
    if (lyne_registry_new(lyne_builtin_rows, lyne_n_builtin_rows, &s->registry, err) != LYNE_OK) return err->status;
    if (!instance(s, LYNE_MODEL, o->model, &model, err) ||
        !instance(s, LYNE_OPTIMIZER, o->optimizer, &s->optimizer, err))
        return err->status;
    if (!instance(s, LYNE_LOSS, "{kd: {temperature: 4, weight: 0.9}}", &s->loss[0], err) ||
        !instance(s, LYNE_LOSS, "{cross_entropy: {weight: 0.1}}", &s->loss[1], err))
        return err->status;
    if (sscanf(o->picture, "%lld,%lld,%lld", &c, &h, &w) != 3)
        return lyne_fail(err, LYNE_EUSAGE, "--picture expects C,H,W as in 3,32,32, not '%s'", o->picture);
    s->task = (lyne_task){.picture = {c, h, w},
                          .sequence = {o->tokens, o->classes, o->tokens > 0},
                          .n_classes = o->classes,
                          .mean = {1, &half},
                          .sd = {1, &quarter},
                          .precision = strcmp(o->precision, "bf16") == 0 ? LYNE_BF16 : LYNE_F32};
    const lyne_network_options n = {.model = model,
                                    .task = &s->task,
                                    .batch = o->batch,
                                    .lean = o->lean,
                                    .losses = {o->infer ? 0 : 2, s->loss},
                                    .seed = 1};
    if (lyne_network_init(&s->net, &n, err) != LYNE_OK) return err->status;
    for (int i = 0; i < ((const lyne_optimizer *)s->optimizer.row)->n_slots; i++)
        if (!(s->slot[i] = lyne_alloc(s->net.weights->n_trained, sizeof(float))))
            return lyne_fail_memory(err, "the optimizer");
    fill_inputs(s);
    return o->labels && s->net.teacher
               ? cached_open(&s->cached, o->labels, s->net.teacher->shape.dim[0], o->classes, err)
               : LYNE_OK;
}

static void close_subject(subject *s) {
    for (int i = 0; i < LYNE_MAX_SLOTS; i++) lyne_free(s->slot[i]);
    cached_close(&s->cached);
    lyne_network_deinit(&s->net);
    lyne_registry_free(s->registry);
    lyne_arena_free(&s->arena);
}

/* seconds: as lyne_program_run_timed, and that of the optimizer behind them; or NULL. */
static lyne_status step(subject *s, bool infer, double *seconds, lyne_error *err) {
    lyne_status status = lyne_program_run_timed(s->net.program, &(lyne_clock){0}, seconds, err);
    if (status != LYNE_OK || infer) return status;
    const double start = lyne_now();
    lyne_update u = {.weights = s->net.weights, .step = ++s->steps, .lr = 0.001};
    memcpy(u.slot, s->slot, sizeof u.slot);
    ((const lyne_optimizer *)s->optimizer.row)->step(s->optimizer.config, &u);
    if (seconds) seconds[lyne_program_n_steps(s->net.program)] += lyne_now() - start;
    return LYNE_OK;
}

static void print_probes(double fma, double amx) {
    printf("{\"fma\": %.1f, \"amx\": %.0f}", fma, amx);
}

/* The mean over steps with a clock around each kernel of what all of them take together [ms]. */
static lyne_status kernels(subject *s, bool infer, int64_t steps, double *sum, lyne_error *err) {
    const int n = lyne_program_n_steps(s->net.program);
    double *seconds = lyne_alloc((size_t)n + 1, sizeof *seconds);
    lyne_status status = seconds ? LYNE_OK : lyne_fail_memory(err, "times");
    for (int64_t i = 0; i < steps && status == LYNE_OK; i++) status = step(s, infer, seconds, err);
    *sum = 0;
    for (int i = 0; i <= n && status == LYNE_OK; i++) *sum += seconds[i] * 1e3 / (double)steps;
    lyne_free(seconds);
    return status;
}

static lyne_status train_timed(void *self, double *seconds, lyne_error *err) {
    return step(self, false, seconds, err);
}
static lyne_status infer_timed(void *self, double *seconds, lyne_error *err) {
    return step(self, true, seconds, err);
}
static lyne_status print_kernels(subject *s, bool infer, int64_t steps, lyne_error *err) {
    const lyne_timed timed = {
        .run = infer ? infer_timed : train_timed, .self = s, .behind = infer ? NULL : s->optimizer.row->name};
    return lyne_program_print_kernels(s->net.program, &timed, steps, stdout, err);
}

/* Steps with logits that are there already and steps that read them first, in turns: the mean time of each [ms]. */
static lyne_status in_turns(subject *s, int64_t steps, double ms[2], lyne_error *err) {
    lyne_status status = LYNE_OK;
    ms[0] = ms[1] = 0;
    for (int64_t i = 0; i < 2 * steps && status == LYNE_OK; i++) {
        const double start = lyne_now();
        if (i % 2) status = cached_read(&s->cached, lyne_program_input(s->net.program, s->net.teacher), err);
        if (status == LYNE_OK) status = step(s, false, NULL, err);
        ms[i % 2] += (lyne_now() - start) * 1e3 / (double)steps;
    }
    return status;
}

static lyne_status repeat(subject *s, const options *o, lyne_error *err) {
    lyne_status status = LYNE_OK;
    double sum = 0;
    for (int i = 0; i < 3 && status == LYNE_OK; i++) status = step(s, o->infer, NULL, err);
    const double start = lyne_now();
    if (status == LYNE_OK) status = step(s, o->infer, NULL, err);
    const int64_t steps = 1 + (int64_t)(o->seconds / (lyne_now() - start));
    if (status != LYNE_OK || o->kernels) return status == LYNE_OK ? print_kernels(s, o->infer, steps, err) : status;
    printf("{\"batch\": %lld, \"steps\": %lld, \"repetitions\": [", (long long)o->batch, (long long)steps);
    for (int64_t r = 0; r < o->repetitions && status == LYNE_OK; r++) {
        const double fma = lyne_peak_fma(), amx = lyne_peak_amx(), began = lyne_now();
        for (int64_t i = 0; i < steps && status == LYNE_OK; i++) status = step(s, o->infer, NULL, err);
        double ms[2] = {(lyne_now() - began) * 1e3 / (double)steps};
        if (status == LYNE_OK && s->cached.labels) status = in_turns(s, steps, ms, err);
        if (status == LYNE_OK) status = kernels(s, o->infer, steps, &sum, err);
        printf("%s{\"ms\": %.4f, \"kernels_ms\": %.4f, \"fma\": %.1f, \"amx\": %.0f", r ? ", " : "", ms[0], sum, fma,
               amx);
        if (s->cached.labels) printf(", \"cached_ms\": %.4f", ms[1]);
        printf("}");
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
        LABELS,
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
    static const struct option all[] = {{"model", 1, 0, MODEL},         {"optimizer", 1, 0, OPTIMIZER},
                                        {"precision", 1, 0, PRECISION}, {"picture", 1, 0, PICTURE},
                                        {"labels", 1, 0, LABELS},       {"tokens", 1, 0, TOKENS},
                                        {"classes", 1, 0, CLASSES},     {"batch", 1, 0, BATCH},
                                        {"threads", 1, 0, THREADS},     {"repetitions", 1, 0, REPETITIONS},
                                        {"seconds", 1, 0, SECONDS},     {"infer", 0, 0, INFER},
                                        {"lean", 0, 0, LEAN},           {"kernels", 0, 0, KERNELS},
                                        {"probe", 0, 0, PROBE},         {0}};
    lyne_status status = LYNE_OK;
    int64_t *const number[] = {[TOKENS] = &o->tokens,
                               [CLASSES] = &o->classes,
                               [BATCH] = &o->batch,
                               [THREADS] = &o->threads,
                               [REPETITIONS] = &o->repetitions};
    for (int got; status == LYNE_OK && (got = getopt_long(argc, argv, "", all, NULL)) != -1;) {
        switch (got) {
        case MODEL:
            o->model = optarg;
            break;
        case OPTIMIZER:
            o->optimizer = optarg;
            break;
        case PRECISION:
            o->precision = optarg;
            break;
        case PICTURE:
            o->picture = optarg;
            break;
        case LABELS:
            o->labels = optarg;
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
            o->infer = true;
            break;
        case LEAN:
            o->lean = true;
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
    if (status == LYNE_OK && strcmp(o->precision, "f32") != 0 && strcmp(o->precision, "bf16") != 0)
        status = lyne_fail(err, LYNE_EUSAGE, "--precision is f32 or bf16, not '%s'", o->precision);
    return status;
}

int main(int argc, char **argv) {
    options o = {.model = "{mlp: {hidden: [800, 800]}}",
                 .optimizer = "{sgd: {lr: 0.05, momentum: 0.9, weight_decay: 5e-4}}",
                 .precision = "f32",
                 .picture = "1,28,28",
                 .classes = 10,
                 .batch = 128,
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
    if (status == LYNE_OK) status = open_subject(&s, &o, &err);
    if (status == LYNE_OK) status = repeat(&s, &o, &err);
    close_subject(&s);
    if (status != LYNE_OK) fprintf(stderr, "lyne_bench: %s\n", err.text);
    return (int)status;
}
