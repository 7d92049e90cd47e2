/* ops/attention_heads.h -- the arithmetic of attention, one head of one sample at a time.  Private to ops/attention.c. */
#ifndef LYNE_OPS_ATTENTION_HEADS_H
#define LYNE_OPS_ATTENTION_HEADS_H

#include "graph/op.h"

typedef enum lyne_padding { LYNE_NO_PADDING, LYNE_PADDING_BY_LENGTH, LYNE_PADDING_BY_TOKEN } lyne_padding;

/* Strides are in numbers.  q, k, v may be three values or parts of one. */
typedef struct lyne_heads {
    int64_t batch, heads, L, S, D;
    int64_t row;           /* from a place of q, k or v to the next       */
    int64_t at[3];         /* where q, k, v begin in their buffers        */
    bool causal;           /* place l sees 0..l alone                     */
    lyne_padding padding;  /* which places of k and v nobody sees         */
    int64_t padding_token; /* BY_TOKEN: those where the source is this    */
    bool bf16;             /* q, k, v, dst and their gradients            */
    bool narrow;           /* factors of products are bf16 (ops/tiles.h)  */
    float scale;           /* of q k^T                                    */
    int threads;
} lyne_heads;

/** Bytes of scratch of all threads. */
size_t lyne_heads_forward_bytes(const lyne_heads *h);
size_t lyne_heads_backward_bytes(const lyne_heads *h);

/** Kernels with a lyne_heads as their config.
 *  forward: q, k, v, padding (B) lengths or (B, S) tokens s32 or none, dst, lse (B, heads, L) f32, scratch
 *  backward: q, k, v, padding, diff_dst, lse, scratch, diff_q, diff_k, diff_v, any of which may be none */
void lyne_heads_forward(const lyne_call *call);
void lyne_heads_backward(const lyne_call *call);

#endif
