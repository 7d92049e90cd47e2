/* ops/pool.h -- what max_pool and avg_pool share: the fields and the shape rule. */
#ifndef LYNE_OPS_POOL_H
#define LYNE_OPS_POOL_H

#include "lyne/ops.h"
#include "ops/common.h"

extern const lyne_field lyne_pool_fields[];
lyne_status lyne_pool_shape(lyne_node *n, lyne_error *err);
int64_t lyne_pool_stride(const lyne_pool_config *c);

#endif
