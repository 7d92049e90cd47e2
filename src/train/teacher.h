/* train/teacher.h -- a teacher that is asked live, about the very pictures that lie in the student's picture input.
 *
 * Its program is for inference, with the student's batch, and computes in the task's precision.  What a row of a batch comes
 * to does not depend on the other rows, but may depend on how many there are. */
#ifndef LYNE_TRAIN_TEACHER_H
#define LYNE_TRAIN_TEACHER_H

#include "train/network.h"

typedef struct lyne_teacher {
    lyne_network net; /* its logits and, as taps, the student's features in order */
} lyne_teacher;

/** For the features that `student` reads; the weights are read from a model.safetensors. */
lyne_status lyne_teacher_open(lyne_teacher *t, const lyne_network *student, lyne_instance model, const lyne_task *task,
                              const char *weights, lyne_error *err);
void lyne_teacher_close(lyne_teacher *t); /* NULL and zeroed are fine */

/** Ask about the pictures in the student's input, and put the features into its inputs.  Does not allocate. */
lyne_status lyne_teacher_show(lyne_teacher *t, lyne_network *student, lyne_error *err);

#endif
