/* graph/pack.h -- copies of weights in bf16, in the layouts in which primitives multiply by them.
 *
 * Such a layout pairs neighbours along one dimension of the matrix, and sets the pairs, words of 32 bits, of 16, 32, 48 or 64
 * rows (columns) of the other dimension side by side: what oneDNN calls AB16b64a2b, AcdB16b48a2b, AcdB32a2b, ABcd16a16b2a,
 * BcdA16a64b2a, BcdA32b2a, without AMX AB8b64a2b, and the like.  oneDNN's own reorder to them takes 1.5 to 5 times as long. */
#ifndef LYNE_GRAPH_PACK_H
#define LYNE_GRAPH_PACK_H

#include "dnn/dnn.h"
#include "lyne/op.h"

#define LYNE_PACKING_SIDE 16
typedef struct lyne_packing {
    int64_t rows, columns;
    bool turned;          /* pairs are of columns, so that rows come to lie side by side; else the other way round */
    int64_t pairs, width; /* of the paired dimension, and of the other, with their padding                         */
    int64_t side;         /* of the other, how many lie side by side                                               */
    int64_t to_side;      /* words to the next `side`                                                              */
    int64_t to_pairs;     /* words to the next 16 pairs, and among 16 to each of them                              */
    int64_t to_pair[LYNE_PACKING_SIDE];
} lyne_packing;

/** How to make a copy in this layout; false: with dnn_reorder, because the layout is no such one or the CPU lacks
 *  AVX512-BF16 or is not to use it.  1 x 1 convolutions have matrices of weights, wider ones have not. */
bool lyne_packing_of(const dnn_layout *layout, lyne_packing *out);

/** buffers: (rows, columns) f32 row-major, and the copy.  config: lyne_packing.  The bits are those of dnn_reorder: to the
 *  nearest, ties to even, NaN stays NaN, subnormal numbers become 0; zeros in the padding. */
void lyne_pack(const lyne_call *call);

#endif
