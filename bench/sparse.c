/* bench/sparse.c -- what a student makes of sparse soft labels: `topk` with each of its tails and `sampled`, at equal bytes.
 *
 * The teacher is a network of fixed random weights over 1,000 classes whose bias falls with the logarithm of the class, so
 * its soft labels have long tails that depend on the sample.  Its distribution is known, so the student, a smaller network
 * trained by Lyne's own kd on what the cache gives, is measured against it on samples that it has not seen. */
#include "sparse.h"
#include "base/log.h"
#include "base/random.h"
#include "component/config.h"
#include "labels/parts.h"
#include "losses/loss.h"
#include "lyne/ops.h"
#include "optim/optimizer.h"

#include "graph/program.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { C = 1000, D = 32, TEACHER = 256, STUDENT = 128, BATCH = 128, TRAIN = 20480, TEST = 2048, EPOCHS = 6, SEEDS = 3 };

extern const lyne_loss lyne_loss_kd;
extern const lyne_optimizer lyne_optimizer_adamw;

/* ---- teacher ---- */

typedef struct teacher {
    float *x, *logits; /* (TRAIN + TEST, D), (TRAIN + TEST, C) */
} teacher;

static float normal(uint64_t what, uint64_t i) {
    lyne_stream s = lyne_stream_at(11, LYNE_FOR_CHECK, (uint32_t)what, i);
    return lyne_stream_normal(&s);
}

/* logits = 2.5 W relu(V x) / sqrt(TEACHER / 2) - 1.2 log(1 + class) */
static bool make_teacher(teacher *t) {
    const size_t n = TRAIN + TEST;
    float *v = lyne_alloc((size_t)TEACHER * D, 4), *w = lyne_alloc((size_t)TEACHER * C, 4), h[TEACHER];
    *t = (teacher){lyne_alloc(n * D, 4), lyne_alloc(n * C, 4)};
    const bool good = v && w && t->x && t->logits;
    for (size_t i = 0; good && i < (size_t)TEACHER * D; i++) v[i] = normal(0, i);
    for (size_t i = 0; good && i < (size_t)TEACHER * C; i++) w[i] = 2.5f * normal(1, i) / sqrtf(TEACHER / 2.0f);
    for (size_t i = 0; good && i < n * D; i++) t->x[i] = normal(2, i);
    for (size_t s = 0; good && s < n; s++) {
        float *z = t->logits + s * C;
        for (int k = 0; k < TEACHER; k++) {
            h[k] = 0;
            for (int d = 0; d < D; d++) h[k] += v[k * D + d] * t->x[s * D + (size_t)d] / sqrtf(D);
        }
        for (int c = 0; c < C; c++) z[c] = -1.2f * logf(1 + (float)c);
        for (int k = 0; k < TEACHER; k++)
            if (h[k] > 0)
                for (int c = 0; c < C; c++) z[c] += h[k] * w[k * C + c];
    }
    lyne_free(v);
    lyne_free(w);
    return good;
}

/* ---- student ---- */

typedef struct student {
    lyne_arena arena;
    lyne_graph *graph;
    lyne_weights *weights;
    lyne_program *training, *inference;
    lyne_node *x, *z, *target;
    lyne_instance adamw;
    float *slot[2];
} student;

static lyne_status configs(student *s, lyne_instance *kd, lyne_error *err) {
    const lyne_component *const rows[] = {&lyne_loss_kd.component, &lyne_optimizer_adamw.component};
    lyne_diagnostics said = {0};
    lyne_registry *registry = NULL;
    lyne_status status = lyne_registry_new(rows, 2, &registry, err);
    const lyne_filler f = {.registry = registry, .arena = &s->arena, .out = &said};
    const char *const text[] = {"{kd: {temperature: 1}}", "{adamw: {lr: 0.003, weight_decay: 0}}"};
    for (int i = 0; status == LYNE_OK && i < 2; i++) {
        const lyne_yaml *tree = lyne_yaml_parse("bench", text[i], strlen(text[i]), &s->arena, &said);
        if (tree) lyne_config_instance(&f, i ? LYNE_OPTIMIZER : LYNE_LOSS, "bench", tree, i ? &s->adamw : kd);
    }
    if (status == LYNE_OK) status = lyne_diagnostics_error(&said, err);
    lyne_diagnostics_free(&said);
    lyne_registry_free(registry);
    return status;
}

static lyne_status make_student(student *s, uint64_t seed, bool rest_is_class, lyne_error *err) {
    lyne_instance kd = {0};
    *s = (student){0};
    lyne_status status = configs(s, &kd, err);
    if (status == LYNE_OK) status = lyne_graph_new(BATCH, &s->graph, err);
    if (status != LYNE_OK) return status;
    s->x = lyne_graph_input(s->graph, "x", LYNE_SHAPE(BATCH, D), LYNE_F32);
    s->target = lyne_graph_input(s->graph, "target", LYNE_SHAPE(BATCH, C), LYNE_F32);
    lyne_node *h = lyne_linear(s->graph, "fc1", s->x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = STUDENT});
    s->z = lyne_linear(s->graph, "fc2", lyne_relu(s->graph, "relu", h),
                       (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = C});
    const lyne_loss_inputs in = {.logits = s->z, .teacher = s->target, .rest_is_class = rest_is_class};
    const lyne_term term = {.node = lyne_loss_kd.build(s->graph, "kd", kd.config, &in), .weight = 1};
    status = lyne_graph_status(s->graph, err);
    if (status == LYNE_OK) status = lyne_weights_new(s->graph, seed, &s->weights, err);
    const lyne_compile training = {.weights = s->weights, .training = true, .term = &term, .n_terms = 1};
    const lyne_compile inference = {.weights = s->weights, .output = &s->z, .n_outputs = 1};
    if (status == LYNE_OK) status = lyne_program_compile(s->graph, &training, &s->training, err);
    if (status == LYNE_OK) status = lyne_program_compile(s->graph, &inference, &s->inference, err);
    for (int i = 0; status == LYNE_OK && i < 2; i++)
        if (!(s->slot[i] = lyne_alloc(s->weights->n_trained, 4))) status = lyne_fail_memory(err, "a student");
    return status;
}

static void free_student(student *s) {
    lyne_program_free(s->training);
    lyne_program_free(s->inference);
    lyne_weights_free(s->weights);
    lyne_graph_free(s->graph);
    for (int i = 0; i < 2; i++) lyne_free(s->slot[i]);
    lyne_arena_free(&s->arena);
}

static lyne_status train(student *s, const teacher *t, const lyne_labels *labels, uint64_t seed, lyne_error *err) {
    const uint64_t steps = (uint64_t)TRAIN * EPOCHS / BATCH;
    lyne_status status = LYNE_OK;
    for (uint64_t step = 0; status == LYNE_OK && step < steps; step++) {
        uint64_t sample[BATCH];
        uint32_t view[BATCH] = {0};
        float *x = lyne_program_input(s->training, s->x);
        for (uint64_t i = 0; i < BATCH; i++) {
            const uint64_t at = step * BATCH + i;
            sample[i] = lyne_permute(seed, (uint32_t)(at / TRAIN), TRAIN, at % TRAIN);
            memcpy(x + i * D, t->x + sample[i] * D, D * 4);
        }
        status = lyne_labels_read(labels, sample, view, BATCH, lyne_program_input(s->training, s->target), err);
        if (status == LYNE_OK) status = lyne_program_run(s->training, &(lyne_clock){0}, err);
        const lyne_update u = {.weights = s->weights,
                               .slot = {s->slot[0], s->slot[1]},
                               .step = step + 1,
                               .lr = 0.0015 * (1 + cos(3.141592653589793 * (double)step / (double)steps))};
        if (status == LYNE_OK) lyne_optimizer_adamw.step(s->adamw.config, &u);
    }
    return status;
}

/* ---- how good it is ---- */

enum { BINS = 15, HEAD = 10 };
typedef struct score {
    double kl, ece, tail; /* tail: student's mass outside the teacher's HEAD likeliest, less the teacher's */
} score;

typedef struct bins {
    double n[BINS], confidence[BINS], right[BINS];
} bins;

static void softmax(const float *z, double *p) {
    double max = -1e30, sum = 0;
    for (int c = 0; c < C; c++) max = fmax(max, (double)z[c]);
    for (int c = 0; c < C; c++) sum += p[c] = exp((double)z[c] - max);
    for (int c = 0; c < C; c++) p[c] /= sum;
}

static void score_one(const float *zs, const float *zt, score *sum, bins *b) {
    double ps[C], pt[C];
    int best = 0, above[HEAD] = {0};
    softmax(zs, ps);
    softmax(zt, pt);
    for (int c = 0; c < C; c++) {
        sum->kl += pt[c] > 0 ? pt[c] * log(pt[c] / ps[c]) : 0;
        best = ps[c] > ps[best] ? c : best;
    }
    double left[C], head = 0;
    memcpy(left, pt, sizeof left);
    for (int k = 0; k < HEAD; k++) {
        for (int c = 0; c < C; c++) above[k] = left[c] > left[above[k]] ? c : above[k];
        head += ps[above[k]] - pt[above[k]];
        left[above[k]] = -1;
    }
    sum->tail -= head;
    const int bin = ps[best] < 1 ? (int)(ps[best] * BINS) : BINS - 1;
    b->n[bin]++;
    b->confidence[bin] += ps[best];
    b->right[bin] += pt[best]; /* how often a label drawn from the teacher is this one */
}

static lyne_status measure(student *s, const teacher *t, score *out, lyne_error *err) {
    bins b = {0};
    *out = (score){0};
    for (size_t first = TRAIN; first < TRAIN + TEST; first += BATCH) {
        memcpy(lyne_program_input(s->inference, s->x), t->x + first * D, BATCH * D * 4);
        const lyne_status status = lyne_program_run(s->inference, &(lyne_clock){0}, err);
        if (status != LYNE_OK) return status;
        const float *z = lyne_program_output(s->inference, s->z);
        for (size_t i = 0; i < BATCH; i++) score_one(z + i * C, t->logits + (first + i) * C, out, &b);
    }
    out->kl /= TEST;
    out->tail /= TEST;
    for (int i = 0; i < BINS; i++) out->ece += fabs(b.confidence[i] - b.right[i]) / TEST;
    return LYNE_OK;
}

/* ---- the table ---- */

static lyne_status write_labels(const char *directory, const char *encoding, const teacher *t, lyne_labels **out,
                                lyne_error *err) {
    lyne_arena arena = {0};
    lyne_labels_writer *w = NULL;
    lyne_labels_plan plan = {
        .directory = directory, .samples = TRAIN, .views = 1, .classes = C, .records_per_shard = TRAIN};
    lyne_status status = lyne_encoding_read(encoding, &arena, &plan.encoding, err);
    if (status == LYNE_OK) status = lyne_labels_begin(&plan, &w, err);
    if (status == LYNE_OK) status = lyne_labels_append(w, t->logits, TRAIN, err);
    if (status == LYNE_OK) status = lyne_labels_finish(w, err);
    if (status == LYNE_OK) status = lyne_labels_open(directory, out, err);
    lyne_labels_writer_free(w);
    lyne_arena_free(&arena);
    return status;
}

static lyne_status row(const char *directory, const char *encoding, const teacher *t, lyne_error *err) {
    lyne_labels *labels = NULL;
    score each[SEEDS], mean = {0};
    double spread = 0;
    lyne_status status = write_labels(directory, encoding, t, &labels, err);
    for (uint64_t seed = 0; status == LYNE_OK && seed < SEEDS; seed++) {
        student s;
        status = make_student(&s, seed + 1, lyne_labels_rest_is_class(labels), err);
        if (status == LYNE_OK) status = train(&s, t, labels, seed + 1, err);
        if (status == LYNE_OK) status = measure(&s, t, &each[seed], err);
        free_student(&s);
        if (status != LYNE_OK) break;
        mean.kl += each[seed].kl / SEEDS, mean.ece += each[seed].ece / SEEDS, mean.tail += each[seed].tail / SEEDS;
    }
    for (int i = 0; status == LYNE_OK && i < SEEDS; i++) spread += pow(each[i].kl - mean.kl, 2) / (SEEDS - 1);
    if (status == LYNE_OK)
        printf("| `%s` | %llu | %.4f ± %.4f | %.4f | %+.4f |\n", encoding,
               (unsigned long long)lyne_labels_record_bytes(labels) - LYNE_RECORD_ID, mean.kl, sqrt(spread), mean.ece,
               mean.tail);
    fflush(stdout);
    lyne_labels_close(labels);
    lyne_directory_remove(directory, NULL);
    return status;
}

lyne_status bench_sparse(const char *directory, lyne_error *err) {
    static const char *const encodings[] = {"f32",
                                            "{topk: {k: 10}}",
                                            "{topk: {k: 10, tail: uniform}}",
                                            "{topk: {k: 10, tail: drop}}",
                                            "{sampled: {draws: 22}}",
                                            "{topk: {k: 24}}",
                                            "{topk: {k: 24, tail: uniform}}",
                                            "{topk: {k: 24, tail: drop}}",
                                            "{sampled: {draws: 50}}"};
    teacher t;
    lyne_status status = make_teacher(&t) ? LYNE_OK : lyne_fail_memory(err, "a teacher");
    printf(
        "\n## Students of sparse labels, %d classes\n\n"
        "The teacher is a network of random weights with %d hidden units and a bias that falls with the logarithm of "
        "the\n"
        "class; the student has %d, and sees %d samples %d times, with one record each, at T = 1. Measured on %d "
        "other\n"
        "samples against what the teacher says of them: KL(teacher || student) in nats, mean and sd of %d seeds; ECE "
        "(%d\n"
        "bins) with labels drawn from the teacher; and how much more mass the student gives to classes outside the\n"
        "teacher's likeliest %d than the teacher does.\n\n"
        "| encoding | bytes | KL(teacher \\|\\| student) | ECE | mass of the tail, off by |\n|---|---|---|---|---|\n",
        C, TEACHER, STUDENT, TRAIN, EPOCHS, TEST, SEEDS, BINS, HEAD);
    for (size_t i = 0; status == LYNE_OK && i < sizeof encodings / sizeof *encodings; i++)
        status = row(directory, encodings[i], &t, err);
    if (status == LYNE_OK)
        printf("\n"
               "What a student makes of it, at equal bytes: `sampled` comes nearest to the teacher, close to what all "
               "logits give; `topk`\n"
               "with the rest as one class is next, and better calibrated than the others; with the rest read as "
               "uniform it errs towards\n"
               "the tail, renormalised (`drop`) away from it, and is by far the worst calibrated. `topk` serves any "
               "temperature, knows the\n"
               "likeliest classes of each record exactly and is read faster: it is better where a record is read at "
               "several temperatures or\n"
               "by anything but kd.\n");
    lyne_free(t.x);
    lyne_free(t.logits);
    return status;
}
