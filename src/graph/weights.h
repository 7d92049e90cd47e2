/* graph/weights.h -- the numbers of a model (lyne/optim.h): made, saved, loaded.  A graph for another batch size or mode of
 * the same model has the same parameters and shares them. */
#ifndef LYNE_GRAPH_WEIGHTS_H
#define LYNE_GRAPH_WEIGHTS_H

#include "base/hash.h"
#include "base/memory.h"
#include "lyne/optim.h"

/** For the parameters of a graph; initialised from (seed, name of the parameter), so adding a layer leaves the others'
 *  numbers as they were. */
lyne_status lyne_weights_new(const lyne_graph *g, uint64_t seed, lyne_weights **out, lyne_error *err);
/** The same without the numbers: value and grad are NULL, and a program compiled with it cannot run and has no memory, but
 *  says how much it would take (lyne_program_bytes). */
lyne_status lyne_weights_outline(const lyne_graph *g, lyne_weights **out, lyne_error *err);
void lyne_weights_free(lyne_weights *w);
/** Whether a graph has these parameters: same names, shapes, order.  Behind its own there may be more, as those of adapters,
 *  which the graph of the model alone does without. */
bool lyne_weights_fit(const lyne_weights *w, const lyne_graph *g);

/** model.safetensors: one F32 tensor a parameter, under PyTorch's names and shapes.  `about` goes into its metadata as
 *  "lyne" (may be NULL).  "lyne.digest" there is of the numbers and of the metadata: a file that has one of the two and
 *  is not as it was written, to the bit, is refused on loading; one that has neither, of another tool, is believed. */
lyne_status lyne_weights_save(const lyne_weights *w, const char *path, const char *about, lyne_error *err);
/** Every parameter must be there with its shape, and nothing else; all numbers finite.  LYNE_EDATA says what is not. */
lyne_status lyne_weights_load(lyne_weights *w, const char *path, lyne_error *err);
/** The digest of what a model file holds, without knowing the model; equals lyne_weights_digest of what was saved. */
lyne_status lyne_weights_file_digest(const char *path, lyne_digest *out, lyne_error *err);
/** Over names, shapes and numbers. */
lyne_digest lyne_weights_digest(const lyne_weights *w);
/** Add one f32 parameter to such a digest. */
void lyne_weights_digest_add(lyne_digest *sum, const char *name, const lyne_shape *shape, const void *values);

#endif
