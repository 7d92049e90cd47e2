/* tests/train/lesson.h -- a training run small enough to be run a hundred times, and a look at each of its steps.
 *
 * The schedule of a lesson is a row of the tests': it falls linearly, and tells the test which step is about to be done,
 * which is where a test asks for a stop or counts. */
#ifndef TESTS_TRAIN_LESSON_H
#define TESTS_TRAIN_LESSON_H

#include "../fill.h"

#include "train/trainer.h"

/* Of a recipe; NULL: none.  `labels`: a cache of soft labels with two views stands in for a teacher. */
typedef struct lesson_plan {
    const char *model, *optimizer, *loss[2], *augment;
    bool labels;
    double epochs;
    int64_t batch;
    uint64_t seed;
    int threads;
} lesson_plan;

enum { LESSON_SAMPLES = 100, LESSON_SIZE = 12, LESSON_CLASSES = 10 };

typedef struct lesson {
    char root[64]; /* a folder of its own */
    char directory[96], labels_directory[96];
    lyne_dataset dataset;
    lyne_task task;
    lyne_loader loader;
    lyne_labels *labels;
    lyne_teacher teacher;
    lyne_teachers teachers; /* just that one */
    filled model, optimizer, loss[2], augment;
    lyne_instance losses[2], augments[1];
    lyne_training training; /* to be changed by a test as it likes */
} lesson;

/** Open on n_samples drawn digits (0: LESSON_SAMPLES); `poisoned`: the sample whose soft labels are NaN, or -1. */
void lesson_open(lesson *l, const lesson_plan *plan, int64_t n_samples, int64_t poisoned);
void lesson_close(lesson *l); /* and remove its folder */

/* Called in each step with its number, from 0, and once more when an epoch ends with it; NULL: nobody. */
extern void (*lesson_at_step)(const lesson *l, uint64_t step);
extern double lesson_rate; /* the schedule's factors are multiplied by it; 1 */

/** Train, which must succeed; the digest of the weights. */
lyne_digest lesson_learn(const lesson *l);
/** The file metrics.jsonl without its seconds; caller frees with lyne_free. */
char *lesson_metrics(const lesson *l);

/* Plans that between them use every op, optimizer and loss of a training run. */
extern const lesson_plan lesson_plans[];
extern const int n_lesson_plans;

#endif
