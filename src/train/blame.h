/* train/blame.h -- where the first number that is none came from: asked once, by a run that is about to give up. */
#ifndef LYNE_TRAIN_BLAME_H
#define LYNE_TRAIN_BLAME_H

#include "train/network.h"

enum { LYNE_BLAME_TEXT = 200 };

/** Of a training network whose inputs are still those of the step that failed: the first thing that is not finite, in the
 *  order a step reads and makes them: "the parameter fc1.weight (so the update before made it)", "row 3 of the soft
 *  labels", "row 3 of the teacher's feature layer1.0.relu2", "the value of layer1.0.conv1", or, when the forward pass is
 *  finite after all, "no value of the forward pass".
 *  Runs the step's forward pass once more with every value kept, so it needs memory for all of them; without it, the
 *  text is "" and nothing else happens.  Running statistics are updated once more. */
void lyne_blame(const lyne_network *net, const lyne_clock *clock, char out[LYNE_BLAME_TEXT]);

/** The name of the first parameter that holds something else than finite numbers, or NULL. */
const char *lyne_blame_weights(const lyne_weights *w);

#endif
