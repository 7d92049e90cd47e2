/* train/teacher.h -- who answers for the teacher while a student is trained: soft labels on disk, a network in this
 * process that is asked about the student's very pictures, or several of those, averaged. */
#ifndef LYNE_TRAIN_TEACHER_H
#define LYNE_TRAIN_TEACHER_H

#include "lyne/labels.h"
#include "train/network.h"

/* One of the two is there. */
typedef struct lyne_teacher {
    const lyne_labels *labels;
    lyne_network *network; /* inference, of the student's batch size */
    double weight;         /* in the average of several              */
} lyne_teacher;

/* Borrowed but for the room. */
typedef struct lyne_teachers {
    const lyne_teacher *item;
    size_t n; /* 0: nobody teaches */
    /* Of several, with weights w that are made to add up to 1:
     *   temperature T > 0: T log sum_i w_i softmax(z_i / T), the logits of the mean probability at that one temperature
     *   0: sum_i w_i z_i */
    double temperature;
    int64_t rows, classes; /* rows of a batch: its samples, or all labelled tokens of its sequences */
    float *one;            /* (rows, classes) */
    double *whole;         /* (rows, classes) */
} lyne_teachers;

/** LYNE_EDATA if soft labels are not of that many classes; then, and whenever out of memory, nothing is left behind. */
lyne_status lyne_teachers_init(lyne_teachers *t, const lyne_teacher *item, size_t n, double temperature, int64_t rows,
                               int64_t classes, lyne_error *err);
void lyne_teachers_deinit(lyne_teachers *t); /* NULL and zeroed are fine */

/** What they say of a batch: by its samples and views, or of its pictures.  logits: (rows, classes), overwritten.  A class
 *  of probability 0 has -1e30.  Does not allocate. */
lyne_status lyne_teachers_ask(lyne_teachers *t, const lyne_batch *b, float *logits, lyne_error *err);

#endif
