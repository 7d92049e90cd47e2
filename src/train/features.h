/* train/features.h -- what losses read inside student and teacher, and the adapters between.  Private to train/, but for
 * the name of their scope. */
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

#endif
