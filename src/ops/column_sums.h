/* ops/column_sums.h -- sums over the rows of a matrix: the gradient of a bias.  oneDNN's come with its own weight
 * gradients only, and its reduction over this axis is a reference loop, 70 times slower. */
#ifndef LYNE_OPS_COLUMN_SUMS_H
#define LYNE_OPS_COLUMN_SUMS_H

#include "graph/op.h"

/** Append dst[j] = sum over i of src[i, j]; src (rows, columns) f32 or bf16, dst (columns) f32. */
lyne_status lyne_emit_column_sums(lyne_program *p, const lyne_node *n, lyne_type type, int64_t rows, int64_t columns,
                                  lyne_buffer src, lyne_buffer dst, lyne_error *err);

#endif
