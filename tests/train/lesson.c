/* tests/train/lesson.c -- see lesson.h. */
#include "lesson.h"
#include "../scratch.h"

#include "base/file.h"
#include "base/log.h"
#include "labels/writer.h"
#include "optim/schedule.h"
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

extern const lyne_model lyne_model_mlp, lyne_model_lenet;
extern const lyne_optimizer lyne_optimizer_sgd, lyne_optimizer_adamw;
extern const lyne_loss lyne_loss_cross_entropy, lyne_loss_kd;
extern const lyne_augmentation lyne_augmentation_shift;
extern const lyne_format lyne_dataset_strokes;
extern const lyne_encoding lyne_encoding_f32;

#define DROPOUT "{mlp: {hidden: [24, 16], dropout: {input: 0.2, hidden: 0.5}}}"
#define CONV    "{lenet: {width: 0.5, norm: true}}"
#define SGD     "{sgd: {lr: 0.05, momentum: 0.9, weight_decay: 0.0005, max_norm: 2}}"
#define ADAMW   "{adamw: {lr: 0.003}}"
#define SHIFT   "{shift: {pixels: 2}}"
#define TAUGHT  {"{kd: {temperature: 4, weight: 0.9}}", "{cross_entropy: {weight: 0.1}}"}

/* 100 samples: an epoch is 12.5 batches of 8, so batches span epochs; at 2 threads every kernel has a share for both. */
const lesson_plan lesson_plans[] = {
    {DROPOUT, SGD, {"cross_entropy"}, NULL, false, 3, 8, 1, 1},
    {DROPOUT, ADAMW, TAUGHT, SHIFT, true, 3, 8, 2, 1},
    {CONV, SGD, TAUGHT, SHIFT, true, 2.5, 8, 3, 2},
    {CONV, ADAMW, {"{cross_entropy: {smoothing: 0.1}}"}, SHIFT, false, 3, 8, 4, 2},
    {DROPOUT, SGD, TAUGHT, NULL, true, 1.3, 40, 5, 2},
};
const int n_lesson_plans = sizeof lesson_plans / sizeof *lesson_plans;

/* ---- the schedule that tells ---- */

void (*lesson_at_step)(const lesson *l, uint64_t step);
double lesson_rate = 1;
static const lesson *current;

static double factor(const void *config, double epoch, double epochs) {
    (void)config;
    const double shown = (double)lyne_loader_shown(&current->loader);
    const double step = epoch * shown / (double)current->training.batch; /* its middle */
    if (lesson_at_step) lesson_at_step(current, (uint64_t)(step + 0.25));
    return lesson_rate * (1 - 0.8 * epoch / epochs);
}

static const lyne_schedule_config no_warmup;
static const lyne_schedule telling = {.component = {.kind = LYNE_SCHEDULE, .name = "telling"}, .factor = factor};

/* ---- soft labels ---- */

/* NaN for the poisoned sample, which the writer itself would refuse. */
static int64_t poisoned_sample;
static const float mark = 12345;

static void encode(const lyne_record *r, uint64_t number, const float *logits, void *const part[], double *scratch) {
    (void)number, (void)scratch;
    char *out = part[0];
    for (int64_t i = 0; i < r->classes; i++)
        memcpy(out + i * 4, logits[i] == mark ? &(float){NAN} : &logits[i], sizeof(float));
}

/* For the writer alone, which would not take what is so far off. */
static bool decode(const lyne_record *r, const void *const part[], float *logits) {
    memcpy(logits, part[0], (size_t)r->classes * sizeof *logits);
    for (int64_t i = 0; i < r->classes; i++)
        if (isnan(logits[i])) logits[i] = mark;
    return true;
}

static void write_labels(const lesson *l) {
    lyne_encoding encoding = lyne_encoding_f32;
    encoding.encode = encode;
    encoding.decode = decode;
    const lyne_labels_plan plan = {.directory = l->labels_directory,
                                   .samples = (uint64_t)l->dataset.n,
                                   .views = 2,
                                   .classes = LESSON_CLASSES,
                                   .encoding = {.row = &encoding.component},
                                   .records_per_shard = 64};
    lyne_labels_writer *w;
    lyne_error err = {0};
    cr_assert_eq(lyne_labels_begin(&plan, &w, &err), LYNE_OK, "%s", err.text);
    for (int64_t r = 0; r < 2 * l->dataset.n; r++) {
        float logits[LESSON_CLASSES];
        for (int c = 0; c < LESSON_CLASSES; c++)
            logits[c] =
                r / 2 == poisoned_sample ? mark : (float)((r * 31 + c * 17 + (c == r / 2 % 10) * 40) % 47 - 20) / 8;
        cr_assert_eq(lyne_labels_append(w, logits, 1, &err), LYNE_OK, "%s", err.text);
    }
    cr_assert_eq(lyne_labels_finish(w, &err), LYNE_OK, "%s", err.text);
    lyne_labels_writer_free(w);
}

/* ---- a lesson ---- */

static void open_dataset(lesson *l, int64_t n_samples) {
    char yaml[80];
    snprintf(yaml, sizeof yaml, "{strokes: {train: %lld, size: %d}}", (long long)n_samples, LESSON_SIZE);
    filled f = filled_with(&lyne_dataset_strokes.component, yaml);
    lyne_error err = {0};
    cr_assert_eq(lyne_dataset_open(&l->dataset, &lyne_dataset_strokes, f.instance.config, LYNE_TRAIN,
                                   &(lyne_data_paths){.dataset = "strokes"}, &err),
                 LYNE_OK, "%s", err.text);
    unfill(&f);
}

static const lyne_component *row_of(const char *yaml) {
    const lyne_component *rows[] = {&lyne_model_mlp.component,         &lyne_model_lenet.component,
                                    &lyne_optimizer_sgd.component,     &lyne_optimizer_adamw.component,
                                    &lyne_loss_kd.component,           &lyne_loss_cross_entropy.component,
                                    &lyne_augmentation_shift.component};
    yaml += *yaml == '{';
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strncmp(yaml, rows[i]->name, strlen(rows[i]->name)) == 0) return rows[i];
    cr_assert_fail("%s", yaml);
    return NULL;
}

void lesson_open(lesson *l, const lesson_plan *plan, int64_t n_samples, int64_t poisoned) {
    static const double mean = 0.25, sd = 0.3;
    lyne_error err = {0};
    *l = (lesson){0};
    lyne_log_quiet();
    omp_set_num_threads(plan->threads);
    scratch_folder(l->root, sizeof l->root, "train");
    snprintf(l->directory, sizeof l->directory, "%s/student", l->root);
    snprintf(l->labels_directory, sizeof l->labels_directory, "%s/soft_labels", l->root);
    cr_assert_eq(lyne_directory_make(l->directory, &err), LYNE_OK, "%s", err.text);
    open_dataset(l, n_samples ? n_samples : LESSON_SAMPLES);
    l->model = filled_with(row_of(plan->model), plan->model);
    l->optimizer = filled_with(row_of(plan->optimizer), plan->optimizer);
    size_t n_losses = 0;
    for (; n_losses < 2 && plan->loss[n_losses]; n_losses++) {
        l->loss[n_losses] = filled_with(row_of(plan->loss[n_losses]), plan->loss[n_losses]);
        l->losses[n_losses] = l->loss[n_losses].instance;
    }
    if (plan->augment) {
        l->augment = filled_with(row_of(plan->augment), plan->augment);
        l->augments[0] = l->augment.instance;
    }
    cr_assert_eq(lyne_loader_init(&l->loader, &l->dataset, plan->seed, 7, plan->labels ? 2 : 0,
                                  (lyne_instances){plan->augment != NULL, l->augments}, &err),
                 LYNE_OK, "%s", err.text);
    poisoned_sample = poisoned;
    if (plan->labels) {
        write_labels(l);
        cr_assert_eq(lyne_labels_open(l->labels_directory, &l->labels, &err), LYNE_OK, "%s", err.text);
        l->teacher.labels = l->labels;
        cr_assert_eq(lyne_teachers_init(&l->teachers, &l->teacher, 1, 0, plan->batch, LESSON_CLASSES, &err), LYNE_OK,
                     "%s", err.text);
    }
    l->task = (lyne_task){
        .picture = {1, LESSON_SIZE, LESSON_SIZE}, .n_classes = LESSON_CLASSES, .mean = {1, &mean}, .sd = {1, &sd}};
    l->training = (lyne_training){.name = "student, seed 2",
                                  .model = l->model.instance,
                                  .task = &l->task,
                                  .loader = &l->loader,
                                  .teachers = l->labels ? &l->teachers : NULL,
                                  .losses = {n_losses, l->losses},
                                  .optimizer = l->optimizer.instance,
                                  .schedule = {.row = &telling.component, .config = &no_warmup},
                                  .epochs = plan->epochs,
                                  .batch = plan->batch,
                                  .seed = plan->seed,
                                  .directory = l->directory,
                                  .fingerprint = {1, 2},
                                  .environment = "oneDNN 0, test, 1 threads",
                                  .checkpoint_seconds = 1e6};
    current = l;
}

void lesson_close(lesson *l) {
    lyne_error err = {0};
    lesson_at_step = NULL;
    lyne_labels_close(l->labels);
    lyne_loader_deinit(&l->loader);
    lyne_dataset_close(&l->dataset);
    unfill(&l->model);
    unfill(&l->optimizer);
    for (int i = 0; i < 2; i++) unfill(&l->loss[i]);
    unfill(&l->augment);
    cr_assert_eq(lyne_directory_remove(l->root, &err), LYNE_OK, "%s", err.text);
}

lyne_digest lesson_learn(const lesson *l) {
    lyne_error err = {0};
    lyne_trained trained;
    current = l;
    cr_assert_eq(lyne_train(&l->training, &trained, &err), LYNE_OK, "%s", err.text);
    const lyne_digest digest = lyne_weights_digest(trained.weights);
    lyne_weights_free(trained.weights);
    lyne_free(trained.best);
    return digest;
}

/* Cut from each line what is behind its seconds, which come last. */
char *lesson_metrics(const lesson *l) {
    char path[128], *text;
    size_t n;
    lyne_error err = {0};
    snprintf(path, sizeof path, "%s/metrics.jsonl", l->directory);
    cr_assert_eq(lyne_file_read(path, 1 << 20, &text, &n, &err), LYNE_OK, "%s", err.text);
    char *end = text;
    for (char *line = text; *line;) {
        const char *seconds = strstr(line, ", \"seconds\""), *next = strchr(line, '\n') + 1;
        cr_assert(seconds && seconds < next, "%s", text);
        memmove(end, line, (size_t)(seconds - line));
        end += seconds - line;
        *end++ = '\n';
        line += next - line;
    }
    *end = '\0';
    return text;
}
