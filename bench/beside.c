/* bench/beside.c -- a teacher that is asked and one whose answers are also written; a student's step with the logits in
 * memory and one that first reads them from a cache.  The two take turns, batch by batch, so that a neighbour on the machine
 * slows both, and the median of the pairs' ratios counts. */
#include "beside.h"
#include "base/log.h"
#include "cached.h"
#include "subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_PAIRS = 24, MOST_PAIRS = 400, SHARD = 16384, N_ENCODINGS = 7 };
#define SECONDS 0.3 /* for the pairs of one cell */

static const char *const encodings[N_ENCODINGS] = {
    "f32",    "f16", "bf16", "int8", "{topk: {k: 10, temperature: 4}}", "{sampled: {draws: 50, temperature: 4}}",
    "feature"};

/* The two of a pair [s], pair by pair. */
typedef struct pairs {
    int n;
    double alone[MOST_PAIRS], both[MOST_PAIRS], ratio[MOST_PAIRS];
    double commit; /* of a shard and the manifest [s] */
} pairs;

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof *v, ascending);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static int pairs_in(double step_seconds, int64_t batch) {
    const double n = fmin(SECONDS / 2 / step_seconds, (double)SHARD / (double)batch - 1);
    return n < LEAST_PAIRS ? LEAST_PAIRS : n > MOST_PAIRS ? MOST_PAIRS : (int)n;
}

static lyne_status ask(subject *s, cached *c, lyne_error *err) {
    const float *logits;
    const lyne_status status = lyne_network_infer(&s->net, &logits, err);
    if (status != LYNE_OK || !c) return status;
    return cached_append(c, c->plan.features ? lyne_network_features(&s->net) : NULL, logits,
                         s->net.logits->shape.dim[0], err);
}

static lyne_status learn(subject *s, cached *c, lyne_error *err) {
    lyne_status status = LYNE_OK;
    if (c) status = cached_read(c, lyne_program_input(s->net.program, s->net.teacher), err);
    return status == LYNE_OK ? subject_step(s, NULL, err) : status;
}

static lyne_status take_turns(subject *s, cached *c, lyne_status (*step)(subject *, cached *, lyne_error *), pairs *p,
                              lyne_error *err) {
    lyne_status status = LYNE_OK;
    for (int i = 0; i < p->n && status == LYNE_OK; i++) {
        const double start = lyne_now();
        status = step(s, NULL, err);
        const double between = lyne_now();
        if (status == LYNE_OK) status = step(s, c, err);
        p->alone[i] = between - start;
        p->both[i] = lyne_now() - between;
        p->ratio[i] = p->both[i] / p->alone[i];
    }
    return status;
}

/* Pairs into a shard, which is then filled with what was said last, and committed. */
static lyne_status write(subject *s, cached *c, pairs *p, lyne_error *err) {
    const int64_t batch = s->net.logits->shape.dim[0];
    const float *features = c->plan.features ? lyne_network_features(&s->net) : NULL, *logits;
    lyne_status status = cached_begin(c, SHARD, err);
    if (status == LYNE_OK) status = take_turns(s, c, ask, p, err);
    if (status == LYNE_OK) status = lyne_network_infer(&s->net, &logits, err);
    for (int64_t n = p->n * batch; status == LYNE_OK && n < SHARD - batch; n += batch)
        status = cached_append(c, features, logits, batch, err);
    const double start = lyne_now();
    if (status == LYNE_OK) status = cached_append(c, features, logits, batch, err);
    if (status == LYNE_OK) status = cached_finish(c, err);
    p->commit = lyne_now() - start;
    return status;
}

static lyne_status read(subject *s, cached *c, pairs *p, lyne_error *err) {
    const lyne_status status = cached_fill(c, s->net.teacher->shape.dim[0], err);
    return status == LYNE_OK ? take_turns(s, c, learn, p, err) : status;
}

/* One cell: what the second of a pair takes, in parts of the first. */
static lyne_status cell(subject *s, const char *encoding, double step_seconds, bool writing, lyne_error *err) {
    const lyne_node *logits = s->net.logits;
    cached c;
    pairs *p = lyne_alloc(1, sizeof *p);
    if (!p) return lyne_fail_memory(err, "times");
    p->n = pairs_in(step_seconds, logits->shape.dim[0]);
    lyne_status status =
        cached_open(&c, encoding, logits->shape.dim[1], s->net.features ? s->net.features->shape.dim[1] : 512, err);
    if (status == LYNE_OK) status = writing ? write(s, &c, p, err) : read(s, &c, p, err);
    if (status == LYNE_OK) {
        printf(" %.3f", median(p->ratio, p->n));
        if (writing)
            printf(" + %.3f", p->commit / (median(p->alone, p->n) * SHARD / (double)s->net.logits->shape.dim[0]));
        printf(" |");
        fflush(stdout);
    }
    cached_close(&c);
    lyne_free(p);
    return status;
}

static lyne_status row(const char *name, const subject_options *o, lyne_error *err) {
    subject s = {0};
    double seconds = 1e9;
    lyne_status status = subject_open(&s, o, err);
    for (int i = 0; i < 5 && status == LYNE_OK; i++) {
        const double start = lyne_now();
        status = subject_step(&s, NULL, err);
        seconds = fmin(seconds, lyne_now() - start);
    }
    if (status == LYNE_OK)
        printf("| %s | %s | %lld | %lld | %.3g |", name, o->precision, (long long)o->classes, (long long)o->batch,
               seconds * 1e3);
    for (int i = 0; i < N_ENCODINGS && status == LYNE_OK; i++) status = cell(&s, encodings[i], seconds, o->infer, err);
    if (status == LYNE_OK) printf("\n");
    subject_close(&s);
    return status;
}

/* Each with 10 and with 1,000 classes; ResNets in f32 would only make everything else look smaller. */
static const struct network {
    const char *name, *model, *picture, *precision;
    int64_t batch;
} networks[2][3] = {{{"MLP 784-800-800", "{mlp: {hidden: [800, 800]}}", "1,28,28", "f32", 128},
                     {"MLP 784-800-800", "{mlp: {hidden: [800, 800]}}", "1,28,28", "bf16", 128},
                     {"ResNet-8", "{resnet_cifar: {depth: 8}}", "3,32,32", "bf16", 64}},
                    {{"MLP 784-1200-1200", "{mlp: {hidden: [1200, 1200]}}", "1,28,28", "f32", 256},
                     {"MLP 784-1200-1200", "{mlp: {hidden: [1200, 1200]}}", "1,28,28", "bf16", 256},
                     {"ResNet-32", "{resnet_cifar: {depth: 32}}", "3,32,32", "bf16", 64}}};

static lyne_status table(bool writing, lyne_error *err) {
    lyne_status status = LYNE_OK;
    printf("\n| %s | precision | classes | batch | ms |", writing ? "teacher" : "student");
    for (int i = 0; i < N_ENCODINGS; i++) printf(" `%s` |", encodings[i]);
    printf("\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < 6 && status == LYNE_OK; i++) {
        const struct network *n = &networks[writing][i / 2];
        status = row(n->name,
                     &(subject_options){.model = n->model,
                                        .optimizer = "{sgd: {lr: 0.0001, momentum: 0.9}}",
                                        .precision = n->precision,
                                        .picture = n->picture,
                                        .classes = i % 2 ? 1000 : 10,
                                        .batch = n->batch,
                                        .infer = writing,
                                        .features = writing},
                     err);
    }
    return status;
}

lyne_status bench_writing(lyne_error *err) {
    printf(
        "\n## Writing beside the teacher\n\n"
        "A teacher that is asked about a batch, and one whose answers are also written, error and checksums included: "
        "what the\nsecond takes, in parts of the first, batch by batch in turns, the median of the pairs; then what "
        "the "
        "commit of a shard of\n%d records and the manifest take beside asking for them: the disk's time for the most "
        "part.\n",
        SHARD);
    const lyne_status status = table(true, err);
    if (status == LYNE_OK)
        printf("\n"
               "MLPs are hard on it: they answer in 7 to 50 us. Of 1,000 classes a record in `f16`, `bf16` or `int8` "
               "takes 1.3 us behind a\n"
               "bf16 MLP: 0.7 its error, one exponential and 22 sums a class, the rest its range, its checksum, "
               "encoding and decoding. 3%% of\n"
               "what that MLP answers in, 9 us, are 0.3 us or one clock a class, and behind the one in f32 the same "
               "work takes 1.5 us.\n"
               "`topk` takes 3.2 us and `sampled` 4.4, an exponential in double to "
               "encode and one for the\n"
               "error. `feature` has a product to do, of 2.4 million operations: 11 us where all multiply-adds of a "
               "core are in use (217\n"
               "GFLOP/s when this was measured), a quarter of the f32 MLP's time and more than the bf16 MLP's; it "
               "takes 25 to 30. Of 10\n"
               "classes `sampled` draws 50 times, 0.4 us, and `feature` stores 1,200 numbers, 1 us. Slower teachers, "
               "such as those of\n"
               "pictures, hide nearly all of it; `feature` pays where classes are many and features few.\n");
    return status;
}

lyne_status bench_reading(lyne_error *err) {
    printf(
        "\n## Reading beside the student\n\n"
        "A step (`kd`, `cross_entropy`, SGD with momentum) that first reads its batch of a cache of 20,000 records, in "
        "the order of\nan epoch, in parts of one whose logits lie in memory. `feature` has 512, whose product with the "
        "teacher's last layer is a\npart of what a live teacher would do.\n");
    const lyne_status status = table(false, err);
    if (status == LYNE_OK)
        printf("\n"
               "One that says 1.02 or less is within what is aimed at. Above it are `f32` of 1,000 classes beside the "
               "bf16 MLP, whose step is\n"
               "34 us a record: 4 kB in random order and their checksum are 1.2; and `feature`, whose product of 1.0 "
               "million operations is\n"
               "5 us at 217 GFLOP/s, 14%% of that step, 5%% of the f32 MLP's and 1.7%% of ResNet-8's. It takes 14: its "
               "2 MB of weights come\n"
               "from behind the second-level cache for every 8 records. Of 10 classes it reads and unpacks 1 kB, 0.7 "
               "us.\n");
    return status;
}
