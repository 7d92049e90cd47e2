/* bench/labels.c -- what each encoding of soft labels costs and how far it is off: prints bench/labels.md.
 *
 *     cmake --build build --target bench_labels && OMP_NUM_THREADS=1 build/bench_labels DIRECTORY >bench/labels.md
 *
 * DIRECTORY is made, filled and removed.  The teachers are made up: logits fall with the logarithm of a random rank, at
 * a slope that is drawn for each record, with noise, as do those of trained classifiers and language models. */
#include "base/log.h"
#include "base/random.h"
#include "beside.h"
#include "labels/parts.h"
#include "sparse.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

enum { POOL = 64 }; /* different records; they are written over and over */

typedef struct teacher {
    int64_t classes;
    double steepest; /* slope of the logits in log rank: 1 to this */
    uint64_t records;
    float *logits; /* (POOL, classes) */
} teacher;

static bool make_teacher(teacher *t) {
    t->logits = lyne_alloc((size_t)t->classes, POOL * sizeof *t->logits);
    for (uint32_t r = 0; t->logits && r < POOL; r++) {
        lyne_stream s = lyne_stream_at(1, LYNE_FOR_CHECK, r, (uint64_t)t->classes);
        const double slope = 1 + (t->steepest - 1) * (double)lyne_stream_uniform(&s);
        for (int64_t c = 0; c < t->classes; c++) {
            const double rank = (double)lyne_permute(1, r, (uint64_t)t->classes, (uint64_t)c);
            t->logits[r * t->classes + c] = (float)(-slope * log(1 + rank) + 0.5 * (double)lyne_stream_normal(&s));
        }
    }
    return t->logits;
}

/* Half the sum of |mean of the decoded probabilities - the teacher's| over the classes, at the encoding's temperature
 * or 1: what a student cannot get rid of however often it looks.  Averaged over a few records. */
static double bias(const lyne_layout *l, const teacher *t) {
    enum { RECORDS = 4, DRAWS = 2000 };
    const lyne_record *r = &l->record;
    const size_t C = (size_t)t->classes;
    const double T = r->encoding->temperature ? r->encoding->temperature(r->config) : 1;
    const int draws = r->encoding->temperature ? DRAWS : 1;
    double *scratch = lyne_alloc(C, sizeof *scratch), *mean = lyne_alloc(C, sizeof *mean), sum = 0;
    float *decoded = lyne_alloc(C, sizeof *decoded);
    unsigned char *bytes = lyne_alloc(r->bytes, 1);
    for (int k = 0; scratch && mean && decoded && bytes && k < RECORDS; k++) {
        const float *z = t->logits + k * t->classes;
        void *part[LYNE_ENCODING_PARTS];
        unsigned char *at = bytes;
        for (int p = 0; p < r->n_parts; at += r->part[p++].bytes) part[p] = at;
        memset(mean, 0, C * sizeof *mean);
        for (int i = -1; i < draws; i++) { /* -1: the teacher itself */
            if (i >= 0) {
                r->encoding->encode(r, (uint64_t)(k * DRAWS + i), z, part, scratch);
                r->encoding->decode(r, (const void *const *)part, decoded);
            }
            const float *from = i < 0 ? z : decoded;
            double max = -1e30, all = 0;
            for (size_t c = 0; c < C; c++) max = fmax(max, (double)from[c]);
            for (size_t c = 0; c < C; c++)
                all += scratch[c] = from[c] == LYNE_NO_LOGIT ? 0 : exp(((double)from[c] - max) / T);
            for (size_t c = 0; c < C; c++) mean[c] += i < 0 ? -scratch[c] / all : scratch[c] / all / draws;
        }
        for (size_t c = 0; c < C; c++) sum += fabs(mean[c]) / 2 / RECORDS;
    }
    lyne_free(scratch);
    lyne_free(mean);
    lyne_free(decoded);
    lyne_free(bytes);
    return sum;
}

static lyne_status write_cache(const lyne_labels_plan *plan, const teacher *t, double *seconds, lyne_error *err) {
    lyne_labels_writer *w;
    lyne_status status = lyne_labels_begin(plan, &w, err);
    if (status != LYNE_OK) return status;
    const double start = lyne_now();
    for (uint64_t n = 0; status == LYNE_OK && n < t->records; n += POOL)
        status = lyne_labels_append(w, t->logits, t->records - n < POOL ? (int64_t)(t->records - n) : POOL, err);
    if (status == LYNE_OK) status = lyne_labels_finish(w, err);
    *seconds = lyne_now() - start;
    lyne_labels_writer_free(w);
    return status;
}

/* Each record once, in the order of an epoch, 64 at a time. */
static lyne_status read_cache(const lyne_labels *labels, double *seconds, lyne_error *err) {
    const uint64_t n = lyne_labels_samples(labels);
    float *logits = lyne_alloc((size_t)lyne_labels_classes(labels), POOL * sizeof *logits);
    lyne_status status = logits ? LYNE_OK : lyne_fail_memory(err, "a batch");
    const double start = lyne_now();
    for (uint64_t first = 0; status == LYNE_OK && first + POOL <= n; first += POOL) {
        uint64_t sample[POOL];
        uint32_t view[POOL] = {0};
        for (uint64_t i = 0; i < POOL; i++) sample[i] = lyne_permute(1, 0, n, first + i);
        status = lyne_labels_read(labels, sample, view, POOL, logits, err);
    }
    *seconds = lyne_now() - start;
    lyne_free(logits);
    return status;
}

static void print_row(const lyne_labels *labels, const char *text, const teacher *t, double write, double read) {
    const lyne_labels_error e = lyne_labels_error_of(labels);
    const double T = lyne_labels_temperature(labels);
    char w[16], r[16];
    lyne_human((double)t->records / write, w);
    lyne_human((double)(t->records / POOL * POOL) / read, r);
    printf("| `%s` | %llu |", text, (unsigned long long)lyne_labels_record_bytes(labels) - LYNE_RECORD_ID);
    for (int i = 0; i < LYNE_LABELS_TEMPERATURES; i++) {
        if (T > 0 && T != lyne_labels_temperatures[i]) /* it is a target at T alone */
            printf(" |");
        else
            printf(" %.2g |", e.mean[i]);
    }
    printf(" %.2g | %s | %s |\n", bias(lyne_labels_layout(labels), t), w, r);
}

static lyne_status measure(const char *directory, const char *text, const teacher *t, lyne_error *err) {
    lyne_arena arena = {0};
    lyne_labels *labels = NULL;
    double write = 0, read = 0;
    lyne_labels_plan plan = {.directory = directory,
                             .samples = t->records,
                             .views = 1,
                             .classes = t->classes,
                             .records_per_shard = t->records / 4 + 1};
    lyne_status status = lyne_encoding_read(text, &arena, &plan.encoding, err);
    if (status == LYNE_OK) status = write_cache(&plan, t, &write, err);
    if (status == LYNE_OK) status = lyne_labels_open(directory, &labels, err);
    if (status == LYNE_OK) status = read_cache(labels, &read, err);
    if (status == LYNE_OK) print_row(labels, text, t, write, read);
    lyne_labels_close(labels);
    lyne_arena_free(&arena);
    lyne_directory_remove(directory, NULL);
    return status;
}

static void print_head(void) {
    printf(
        "# Encodings of soft labels\n\n"
        "Made by `bench_labels` (bench/labels.c) with %d thread%s. Bytes are those of what is stored of the logits; a\n"
        "record has 16 more for sample, view and checksum. KL is KL(stored || teacher) in nats, the mean over "
        "records;\n"
        "a draw is a target at its own temperature alone. Bias is half the sum of |mean target - teacher| over the\n"
        "classes at T = 1, the mean taken over 2,000 records of the same logits: what is left however often a student\n"
        "looks (of `sampled`, what 2,000 draws have not averaged out yet). Writing encodes, measures the error, and\n"
        "commits; reading checks each CRC and decodes to dense logits, in random order.\n",
        omp_get_max_threads(), omp_get_max_threads() > 1 ? "s" : "");
}

static void print_published(void) {
    printf(
        "\n## Published records\n\n"
        "From the code of each, without its files' own overhead; none of them has a checksum or keeps its error.\n\n"
        "| | keeps | bytes |\n|---|---|---|\n"
        "| TinyViT (1,000 classes) | seed, k classes in i16, k probabilities in f16 | 4 + 4 k: 44 at k = 10, 404 at "
        "k = 100 |\n"
        "| FKD (1,000 classes) | crop, flip, k = 5 classes and probabilities in f32; in f16 | 57; 29 |\n"
        "| DistillKit (32k, 64k, 128k, 152k classes) | k = 128: 16 exact, polynomial tail, packed classes | 296, 312, "
        "328, 344 |\n"
        "| DistillKit, small (up to 65,536) | k = 50: 1 exact, polynomial tail | 114 |\n\n"
        "`{topk: {k: 10}}` has TinyViT's 44 bytes and, for its 4 bytes of seed, the mass of the rest; as logits, it\n"
        "serves any temperature. FKD in f16 is smaller (29 bytes, of which 20 are labels) and keeps half as much. At\n"
        "50,000 classes `{topk: {k: 28}}` is about as large as DistillKit's small record, which keeps 50 classes, 49 "
        "of\n"
        "them on a fitted curve: which of the two is nearer was not measured.\n\n"
        "At equal bytes and 1,000 classes or more, `topk` diverges less from each record and `sampled` is less "
        "biased:\n"
        "where a record is seen once or a few times the former counts, else the latter. At 10 classes neither pays:\n"
        "`int8` takes 18 bytes. KL(stored || teacher) is hard on an even tail, as most classes of the rest are far "
        "less\n"
        "likely than its mean: a `topk` whose rest weighs less than it should (one for T = 4 read at 1, or `drop`) "
        "may\n"
        "diverge less and yet be more biased.\n");
}

int main(int argc, char **argv) {
    static const char *const encodings[3][12] = {
        {"f32", "f16", "bf16", "int8", "{topk: {k: 3}}", "{topk: {k: 5}}", "{sampled: {draws: 13}}",
         "{sampled: {draws: 19}}"},
        {"f32", "f16", "bf16", "int8", "{topk: {k: 10}}", "{topk: {k: 10, temperature: 4}}",
         "{topk: {k: 10, tail: drop}}", "{sampled: {draws: 22}}", "{topk: {k: 24}}", "{sampled: {draws: 50}}",
         "{topk: {k: 100}}", "{sampled: {draws: 202}}"},
        {"f32", "f16", "bf16", "int8", "{topk: {k: 10}}", "{sampled: {draws: 22}}", "{topk: {k: 28}}",
         "{topk: {k: 28, tail: drop}}", "{sampled: {draws: 58}}", "{topk: {k: 128}}", "{sampled: {draws: 258}}"}};
    teacher teachers[] = {{.classes = 10, .steepest = 6, .records = 200000},
                          {.classes = 1000, .steepest = 3, .records = 8192},
                          {.classes = 50000, .steepest = 2.5, .records = 256}};
    lyne_error err = {0};
    if (argc != 2) return fprintf(stderr, "usage: bench_labels DIRECTORY\n"), 2;
    print_head();
    for (int i = 0; i < 3 && err.status == LYNE_OK; i++) {
        if (!make_teacher(&teachers[i])) lyne_fail_memory(&err, "a teacher");
        printf("\n## %lld classes\n\n| encoding | bytes | KL, T = 1 | 2 | 4 | 8 | 20 | bias | written/s | read/s |\n"
               "|---|---|---|---|---|---|---|---|---|---|\n",
               (long long)teachers[i].classes);
        for (int k = 0; k < 12 && encodings[i][k] && err.status == LYNE_OK; k++)
            measure(argv[1], encodings[i][k], &teachers[i], &err);
        lyne_free(teachers[i].logits);
    }
    print_published();
    if (err.status == LYNE_OK) bench_beside(&err);
    if (err.status == LYNE_OK) bench_sparse(argv[1], &err);
    if (err.status != LYNE_OK) fprintf(stderr, "%s\n", err.text);
    return (int)err.status;
}
