/* ops/pool.h -- what max_pool and avg_pool share: everything but the kind. */
#ifndef LYNE_OPS_POOL_H
#define LYNE_OPS_POOL_H

#include "lyne/ops.h"
#include "ops/common.h"

extern const lyne_field lyne_pool_fields[];
lyne_status lyne_pool_shape(lyne_node *n, lyne_error *err);
lyne_status lyne_pool_emit(lyne_program *p, const lyne_node *n, dnn_pool kind, lyne_error *err);
lyne_status lyne_pool_emit_backward(lyne_program *p, const lyne_node *n, dnn_pool kind, lyne_error *err);

#endif
