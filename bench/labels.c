/* bench/labels.c -- what each encoding of soft labels costs and how far it is off: prints bench/labels.md.
 *
 *     cmake --build build --target bench_labels && OMP_NUM_THREADS=1 build/bench_labels DIRECTORY CACHE... >bench/labels.md
 *
 * DIRECTORY is made, filled and removed.  Each CACHE has what a trained teacher said, in `{feature: {type: f32}}`; the page
 * says how they are made.  With --only PART, one of encodings, writing, reading, published, sparse, that part of the page alone.
 *
 * Teachers of many classes are made up: a last layer of random weights behind random features, whose bias falls with the
 * logarithm of the class, as words and things in the world do; how sure it is differs from record to record. */
#include "base/log.h"
#include "base/random.h"
#include "beside.h"
#include "labels/parts.h"
#include "sparse.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

/* Different records of a teacher, which are written over and over. */
enum { MADE_UP = 64, MOST_READ = 8192, BATCH = 64 };

typedef struct teacher {
    const char *name;
    int64_t classes, features;
    double surest; /* spread of the logits: 1 to this */
    uint64_t records;
    int64_t pool;
    lyne_head head;
    float *logits, *feature; /* (pool, classes), (pool, features) */
} teacher;

static bool allocate(teacher *t) {
    t->logits = lyne_alloc((size_t)(t->pool * t->classes), sizeof *t->logits);
    t->feature = lyne_alloc((size_t)(t->pool * t->features), sizeof *t->feature);
    return t->logits && t->feature;
}

static void free_teacher(teacher *t) {
    lyne_head_deinit(&t->head);
    lyne_free(t->logits);
    lyne_free(t->feature);
}

static void draw(uint32_t what, uint64_t number, double scale, int64_t n, float *out) {
    lyne_stream s = lyne_stream_at(1, LYNE_FOR_CHECK, what, number);
    for (int64_t i = 0; i < n; i++) out[i] = (float)(scale * (double)lyne_stream_normal(&s));
}

static lyne_status make_up(teacher *t, lyne_error *err) {
    t->pool = MADE_UP;
    float *weight = lyne_alloc((size_t)(t->classes * t->features), sizeof *weight);
    float *bias = lyne_alloc((size_t)t->classes, sizeof *bias);
    lyne_status status = allocate(t) && weight && bias ? LYNE_OK : lyne_fail_memory(err, "a teacher");
    if (status == LYNE_OK) {
        for (int64_t c = 0; c < t->classes; c++) {
            draw(0, (uint64_t)c, 1 / sqrt((double)t->features), t->features, weight + c * t->features);
            bias[c] = (float)-log(1 + (double)c);
        }
        status = lyne_head_init(&t->head, t->classes, t->features, weight, bias, err);
    }
    for (int64_t r = 0; status == LYNE_OK && r < t->pool; r++) {
        const float *row = t->feature + r * t->features;
        const double spread = 1 + (t->surest - 1) * (double)r / (double)(t->pool - 1);
        draw(1, (uint64_t)r, spread, t->features, t->feature + r * t->features);
        lyne_head_product(&t->head, 1, &row, t->logits + r * t->classes);
    }
    lyne_free(weight);
    lyne_free(bias);
    return status;
}

/* What a cache of features has of its first samples, in the first view. */
static lyne_status read_teacher(const char *cache, teacher *t, lyne_error *err) {
    lyne_labels *labels;
    uint64_t sample[BATCH];
    const uint32_t view[BATCH] = {0};
    lyne_status status = lyne_labels_open(cache, &labels, err);
    if (status != LYNE_OK) return status;
    const uint64_t samples = lyne_labels_samples(labels);
    *t = (teacher){.name = cache,
                   .classes = lyne_labels_classes(labels),
                   .features = lyne_labels_features(labels),
                   .records = 50000,
                   .pool = samples < MOST_READ ? (int64_t)(samples / BATCH * BATCH) : MOST_READ};
    if (!t->features) status = lyne_fail(err, LYNE_EUSAGE, "%s: is not in {feature: {type: f32}}", cache);
    if (status == LYNE_OK && !allocate(t)) status = lyne_fail_memory(err, "a teacher");
    for (int64_t r = 0; status == LYNE_OK && r < t->pool; r += BATCH) {
        for (int64_t i = 0; i < BATCH; i++) sample[i] = (uint64_t)(r + i);
        status = lyne_labels_read(labels, sample, view, BATCH, t->logits + r * t->classes, err);
        if (status == LYNE_OK)
            status = lyne_labels_read_features(labels, sample, view, BATCH, t->feature + r * t->features, err);
    }
    if (status == LYNE_OK) {
        char path[4096];
        snprintf(path, sizeof path, "%s/" LYNE_HEAD_NAME, cache);
        status = lyne_head_load(&t->head, t->classes, t->features, path, err);
    }
    lyne_labels_close(labels);
    return status;
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
        const int64_t row = k * t->pool / RECORDS;
        const float *z = t->logits + row * t->classes;
        const float *given = r->encoding->of_features ? t->feature + row * t->features : z;
        void *part[1][LYNE_ENCODING_PARTS];
        unsigned char *at = bytes;
        for (int p = 0; p < r->n_parts; at += r->part[p++].bytes) part[0][p] = at;
        memset(mean, 0, C * sizeof *mean);
        for (int i = -1; i < draws; i++) { /* -1: the teacher itself */
            if (i >= 0) {
                r->encoding->encode(r, (uint64_t)(k * DRAWS + i), given, part[0], scratch);
                lyne_record_logits(r, 1, (const void *const(*)[LYNE_ENCODING_PARTS])part, decoded);
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
    for (uint64_t n = 0; status == LYNE_OK && n < t->records; n += BATCH) {
        const int64_t rows = t->records - n < BATCH ? (int64_t)(t->records - n) : BATCH;
        const uint64_t first = n % (uint64_t)t->pool;
        const float *logits = t->logits + first * (uint64_t)t->classes;
        status = lyne_labels_stores_features(w)
                     ? lyne_labels_append_features(w, t->feature + first * (uint64_t)t->features, logits, rows, err)
                     : lyne_labels_append(w, logits, rows, err);
    }
    if (status == LYNE_OK) status = lyne_labels_finish(w, err);
    *seconds = lyne_now() - start;
    lyne_labels_writer_free(w);
    return status;
}

/* Each record once, in the order of an epoch, 64 at a time. */
static lyne_status read_cache(const lyne_labels *labels, double *seconds, lyne_error *err) {
    const uint64_t n = lyne_labels_samples(labels);
    float *logits = lyne_alloc((size_t)lyne_labels_classes(labels), BATCH * sizeof *logits);
    lyne_status status = logits ? LYNE_OK : lyne_fail_memory(err, "a batch");
    const double start = lyne_now();
    for (uint64_t first = 0; status == LYNE_OK && first + BATCH <= n; first += BATCH) {
        uint64_t sample[BATCH];
        uint32_t view[BATCH] = {0};
        for (uint64_t i = 0; i < BATCH; i++) sample[i] = lyne_permute(1, 0, n, first + i);
        status = lyne_labels_read(labels, sample, view, BATCH, logits, err);
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
    lyne_human((double)(t->records / BATCH * BATCH) / read, r);
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
    if (status == LYNE_OK && ((const lyne_encoding *)plan.encoding.row)->of_features) {
        plan.features = t->features;
        plan.head = &t->head;
    }
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
        "commits; reading checks each CRC and decodes to dense logits, in random order.\n\n"
        "The teachers of MNIST and CIFAR-10 (JPEG) were trained for a minute or two and asked about the training "
        "pictures:\n\n"
        "    lyne run recipes/mnist/quick.yaml --stage soft_labels --out mnist \\\n"
        "        --set stages.teacher.train.epochs=3 --set 'stages.soft_labels.label.encoding={feature: {type: "
        "f32}}'\n"
        "    lyne run recipes/cifar10/resnet20.yaml --stage soft_labels --out cifar10 --set precision=bf16 \\\n"
        "        --set 'stages.teacher.train.model={resnet_cifar: {depth: 14}}' --set stages.teacher.train.epochs=3 "
        "\\\n"
        "        --set stages.soft_labels.label.views=1 --set 'stages.soft_labels.label.augment=[]' \\\n"
        "        --set 'stages.soft_labels.label.encoding={feature: {type: "
        "f32}}'\n"
        "    bench_labels DIRECTORY mnist/soft_labels cifar10/soft_labels\n\n"
        "Those of more classes are made up (bench/labels.c says how).\n",
        omp_get_max_threads(), omp_get_max_threads() > 1 ? "s" : "");
}

static void print_published(void) {
    printf(
        "\n## How many views\n\n"
        "What a student makes of one fixed view of each picture, of eight replayed ones and of the live teacher, "
        "and the minutes\nof asking for each: suite `consistency` in [RESULTS.md](RESULTS.md).\n"
        "\n## Published records\n\n"
        "From the code of each, without its files' own overhead; none of them has a checksum or keeps its error. Ours "
        "have 16\nbytes more than the tables say, for sample, view and checksum.\n\n"
        "| | keeps | bytes |\n|---|---|---|\n"
        "| TinyViT (1,000 classes) | seed, k classes in i16, k probabilities in f16 | 4 + 4 k: 44 at k = 10, 404 at "
        "k = 100 |\n"
        "| FKD (1,000 classes) | crop, flip, k = 5 classes and probabilities in f32; in f16 | 57; 29 |\n"
        "| DistillKit (32k, 64k, 128k, 152k classes) | k = 128: 16 exact, polynomial tail, packed classes | 296, 312, "
        "328, 344 |\n"
        "| DistillKit, small (up to 65,536) | k = 50: 1 exact, polynomial tail | 114 |\n\n"
        "- TinyViT: no smaller and no nearer at T = 1. `{topk: {k: 10}}` has its 44 bytes and keeps the same ten "
        "classes; in the\n  place of the seed, which replayed views do not need, stands the mass of the rest. It is "
        "nearer wherever probabilities of\n  T = 1 are not what is wanted: with `temperature: 4` the mass is exact "
        "there. `{sampled: {draws: 22}}` in the same bytes\n  is less biased.\n"
        "- FKD: its record in f16 is smaller, 20 bytes of labels and 9 of crop and flip, where `{topk: {k: 5}}` takes "
        "24 and 16. It\n  keeps the same five classes and spreads the rest evenly, as `tail: uniform` does: no nearer "
        "at T = 1 either. `topk` with\n  the rest as one class and `sampled` teach better (below).\n"
        "- DistillKit: at its 312 bytes `{topk: {k: 77}}` keeps 77 classes, and DistillKit 128, 112 of them on a "
        "fitted curve: were\n  the curve exact, it would be as near as `{topk: {k: 128}}`, which is nearer than ours. "
        "The same with its small record,\n  50 beside our 28. What ours has for it: each logit to 1 part in 2,000 "
        "instead of a curve, and a class for the rest.\n"
        "- `feature` has no rival but NNCF's, in memory: where classes are many, its bytes are those of the features, "
        "and it is as\n  near as logits in f16 at every temperature.\n\n"
        "At equal bytes and 1,000 classes or more, `topk` diverges less from each record and `sampled` is less "
        "biased:\n"
        "where a record is seen once or a few times the former counts, else the latter. At 10 classes neither pays:\n"
        "`int8` takes 18 bytes. KL(stored || teacher) is hard on an even tail, as most classes of the rest are far "
        "less\n"
        "likely than its mean: a `topk` whose rest weighs less than it should (one for T = 4 read at 1, or `drop`) "
        "may\n"
        "diverge less and yet be more biased.\n");
}

static const char *const few[] = {"f32",
                                  "f16",
                                  "bf16",
                                  "int8",
                                  "feature",
                                  "{topk: {k: 3}}",
                                  "{topk: {k: 5}}",
                                  "{sampled: {draws: 13}}",
                                  "{sampled: {draws: 19}}",
                                  NULL};
static const char *const thousand[] = {"f32",
                                       "f16",
                                       "bf16",
                                       "int8",
                                       "feature",
                                       "{topk: {k: 5}}",
                                       "{topk: {k: 5, tail: uniform}}",
                                       "{topk: {k: 10}}",
                                       "{topk: {k: 10, temperature: 4}}",
                                       "{topk: {k: 10, tail: drop}}",
                                       "{sampled: {draws: 22}}",
                                       "{topk: {k: 24}}",
                                       "{sampled: {draws: 50}}",
                                       "{topk: {k: 100}}",
                                       "{sampled: {draws: 202}}",
                                       NULL};
static const char *const many[] = {"f32",
                                   "f16",
                                   "bf16",
                                   "int8",
                                   "feature",
                                   "{topk: {k: 10}}",
                                   "{sampled: {draws: 22}}",
                                   "{topk: {k: 28}}",
                                   "{topk: {k: 28, tail: drop}}",
                                   "{topk: {k: 50}}",
                                   "{sampled: {draws: 58}}",
                                   "{topk: {k: 77}}",
                                   "{topk: {k: 128}}",
                                   "{sampled: {draws: 156}}",
                                   NULL};

static lyne_status print_table(const char *directory, const char *const *encodings, const teacher *t, lyne_error *err) {
    lyne_status status = LYNE_OK;
    printf("\n## %s: %lld classes, %lld features\n\n"
           "| encoding | bytes | KL, T = 1 | 2 | 4 | 8 | 20 | bias | written/s | read/s |\n"
           "|---|---|---|---|---|---|---|---|---|---|\n",
           t->name, (long long)t->classes, (long long)t->features);
    for (; *encodings && status == LYNE_OK; encodings++) status = measure(directory, *encodings, t, err);
    return status;
}

static lyne_status print_encodings(const char *directory, char *const *cache, lyne_error *err) {
    teacher made_up[] = {{.name = "Made up", .classes = 1000, .features = 512, .surest = 5, .records = 8192},
                         {.name = "Made up", .classes = 50000, .features = 768, .surest = 4, .records = 256}};
    lyne_status status = LYNE_OK;
    print_head();
    for (; *cache && status == LYNE_OK; cache++) {
        teacher t;
        status = read_teacher(*cache, &t, err);
        if (status == LYNE_OK) status = print_table(directory, few, &t, err);
        free_teacher(&t);
    }
    for (int i = 0; i < 2 && status == LYNE_OK; i++) {
        status = make_up(&made_up[i], err);
        if (status == LYNE_OK) status = print_table(directory, i ? many : thousand, &made_up[i], err);
        free_teacher(&made_up[i]);
    }
    return status;
}

int main(int argc, char **argv) {
    static const char *const parts[] = {"encodings", "writing", "reading", "published", "sparse"};
    enum { ENCODINGS, WRITING, READING, PUBLISHED, SPARSE, PARTS };
    lyne_error err = {0};
    int only = PARTS;
    if (argc > 2 && strcmp(argv[1], "--only") == 0) {
        for (only = 0; only < PARTS && strcmp(argv[2], parts[only]) != 0;) only++;
        argc = only < PARTS ? argc - 2 : 0;
        argv += 2;
    }
    if (argc < 2) return fprintf(stderr, "usage: bench_labels [--only PART] DIRECTORY [CACHE]...\n"), 2;
    for (int i = 0; i < PARTS && err.status == LYNE_OK; i++) {
        if (only != PARTS && only != i) continue;
        if (i == ENCODINGS) print_encodings(argv[1], argv + 2, &err);
        if (i == WRITING) bench_writing(&err);
        if (i == READING) bench_reading(&err);
        if (i == PUBLISHED) print_published();
        if (i == SPARSE) bench_sparse(argv[1], &err);
    }
    if (err.status != LYNE_OK) fprintf(stderr, "%s\n", err.text);
    return (int)err.status;
}
