/* ops/group.h -- the arithmetic of group_norm: each group of each sample to mean 0 and variance 1. */
#ifndef LYNE_OPS_GROUP_H
#define LYNE_OPS_GROUP_H

#include "ops/common.h"

/* src is (samples, pixels, channels) in memory; a group is `channels / groups` channels of all pixels of one sample. */
typedef struct lyne_grouping {
    int64_t samples, pixels, channels, groups;
    double epsilon;
} lyne_grouping;

/** Declare the parameters weight and bias of that many channels. */
lyne_status lyne_group_params(lyne_node *n, int64_t channels, lyne_error *err);
lyne_status lyne_group_emit(lyne_program *p, const lyne_node *n, lyne_grouping c, lyne_error *err);
lyne_status lyne_group_emit_backward(lyne_program *p, const lyne_node *n, lyne_grouping c, lyne_error *err);

#endif
