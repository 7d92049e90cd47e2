/* optim/optimizer.h -- what the optimizers that are built in share; the row is in lyne/optim.h. */
#ifndef LYNE_OPTIM_OPTIMIZER_H
#define LYNE_OPTIM_OPTIMIZER_H

#include "graph/weights.h"

/* The fields that optimizers share, for a config struct with bool decay_all, double clip_norm and double max_norm. */
#define LYNE_DECAY_ALL_FIELD(config)                                                                                   \
    LYNE_BOOL(config, decay_all, "false: biases and the scales and shifts of norms are not decayed", "true")
#define LYNE_CLIP_NORM_FIELD(config)                                                                                   \
    LYNE_FLOAT(config, clip_norm,                                                                                      \
               "upper bound of the norm of all gradients together, which a step scales down to it; 0: none", "0", 0,   \
               1e6)
#define LYNE_MAX_NORM_FIELD(config)                                                                                    \
    LYNE_FLOAT(config, max_norm, "upper bound of the norm of all weights that come into one unit; 0: none", "0", 0, 1e6)
static inline bool lyne_decays(lyne_role role, bool decay_all) {
    return decay_all || role == LYNE_WEIGHT;
}

/* Numbers are updated in blocks of so many, each by one thread, so the bits do not depend on the number of threads;
 * for fewer than two blocks waking the others takes longer than it saves. */
#define LYNE_UPDATE_BLOCK ((size_t)16384)
static inline int64_t lyne_update_block(size_t begin, size_t end) {
    return (int64_t)(end - begin < LYNE_UPDATE_BLOCK ? end - begin : LYNE_UPDATE_BLOCK);
}

/** What all gradients are to be multiplied by: clip_norm / (norm + 1e-6) if that is below 1, else 1, as PyTorch's
 *  torch.nn.utils.clip_grad_norm_; norm is the Euclidean norm of all of them together (Pascanu, Mikolov, Bengio 2013,
 *  arXiv:1211.5063).  clip_norm 0: 1, and nothing is read. */
float lyne_clip_factor(const lyne_weights *w, double clip_norm);
/** In an update's loop: the gradient times the factor.  A factor of 1 leaves the arithmetic behind it as it is. */
static inline float lyne_clipped(float grad, float factor) {
    return factor < 1 ? factor * grad : grad;
}

/** Scale each row of every WEIGHT of rank >= 2 whose Euclidean norm exceeds max_norm down to it (a row is all that
 * comes into one unit; Srivastava et al. 2014, section 5.1).  max_norm 0: nothing. */
void lyne_limit_norms(lyne_weights *w, double max_norm);

#endif
