/* ops/walk.h -- a copy that changes the order in memory: for reshape and transpose. */
#ifndef LYNE_OPS_WALK_H
#define LYNE_OPS_WALK_H

#include "ops/common.h"

/* dst, row-major over dim, takes at (i, j, ...) the number of src at i step[0] + j step[1] + ... */
typedef struct lyne_walk {
    int rank;
    int64_t dim[LYNE_MAX_RANK], step[LYNE_MAX_RANK];
} lyne_walk;

/** The walk after which dst's dimension k is src's dimension from[k], both in their logical order and lying as values
 * of their rank lie: a picture channels last.  `plain_src`, `plain_dst`: it lies row-major all the same. */
lyne_walk lyne_walk_of(const lyne_shape *src, const int from[LYNE_MAX_RANK], bool plain_src, bool plain_dst);
lyne_status lyne_emit_walk(lyne_program *p, const lyne_node *n, lyne_walk w, lyne_buffer src, lyne_buffer dst,
                           lyne_error *err);

#endif
