/* train/features.h -- what losses read inside student and teacher, and the adapters between.  Private to train/, but for
 * the name of their scope.
 *
 * The teacher is asked live, about the very pictures that lie in the student's picture input.  Its program is for
 * inference, with the student's batch, and computes in the task's precision. */
#ifndef LYNE_TRAIN_FEATURES_H
#define LYNE_TRAIN_FEATURES_H

#include "train/network.h"

/* Adapters are nodes "adapter.TERM", "adapter.TERM.student_pool", "adapter.TERM.teacher_pool". */
#define LYNE_ADAPTER_SCOPE "adapter"

/** The node of that path; NULL, with the nearest path in the graph's failure, if it has none whose value is real. */
lyne_node *lyne_find_tap(lyne_graph *g, const char *path);

/** For a loss that reads features, named `term`: find its taps, make the input for the teacher's, and put in what `match`
 *  asks for.  teacher: the teacher's graph, NULL: there is nobody to ask.  False: net->graph has failed, at the tap. */
bool lyne_match_features(lyne_network *net, lyne_graph *teacher, const lyne_instance *loss, const char *term,
                         lyne_loss_inputs *in);

/* The network whose features a student's losses read, as taps in the order of student->feature. */
typedef struct lyne_feature_source {
    lyne_network net;
} lyne_feature_source;

/** For the features that `student` reads; the weights are read from a model.safetensors (NULL: only an outline). */
lyne_status lyne_features_open(lyne_feature_source *f, const lyne_network *student, lyne_instance model,
                               const lyne_task *task, const char *weights, lyne_error *err);
void lyne_features_close(lyne_feature_source *f); /* NULL and zeroed are fine */

/** Ask about the pictures in the student's input, and put the features into its inputs.  Does not allocate. */
lyne_status lyne_features_read(lyne_feature_source *f, lyne_network *student, lyne_error *err);

#endif
