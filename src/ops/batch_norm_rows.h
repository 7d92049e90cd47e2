/* ops/batch_norm_rows.h -- the inner loops of batch_norm: passes over some rows of a matrix of `columns` columns, in
 * f32 or in bf16.  In bf16 values are read and written so; everything between is f32 and double. */
#ifndef LYNE_OPS_BATCH_NORM_ROWS_H
#define LYNE_OPS_BATCH_NORM_ROWS_H

#include <stdbool.h>
#include <stdint.h>

/* One number for each column. */
typedef struct norm_columns {
    const float *mean, *scale, *shift, *slope;
} norm_columns;

/** sum[0, j] = sum over rows of (src - shift), sum[1, j] of its square. */
void norm_moments(bool bf16, int64_t rows, int64_t columns, const void *src, const float *shift, double *sum);
/** dst = (src - mean) scale + shift + other, if there is one; relu: the larger of this and 0, NaN stays NaN. */
void norm_normalize(bool bf16, bool relu, int64_t rows, int64_t columns, const void *src, const void *other,
                    norm_columns c, void *dst);

/* Below, where dst is given it is that of a relu, and diff counts as 0 where it is not above 0. */

/** out = diff + more (NULL: nothing more), n numbers of them. */
void norm_gather(bool bf16, int64_t n, const void *diff, const void *more, const void *dst, void *out);
/** Add to sum[0, j] the sum over rows of diff, to sum[1, j] that of diff (src - mean). */
void norm_diff_moments(bool bf16, int64_t rows, int64_t columns, const void *diff, const void *src, const void *dst,
                       const float *mean, double *sum);
/** diff_src = scale (diff - shift - (src - mean) slope). */
void norm_diff_normalize(bool bf16, int64_t rows, int64_t columns, const void *diff, const void *src, const void *dst,
                         norm_columns c, void *diff_src);

#endif
