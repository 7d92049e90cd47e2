/* dnn/dnn.h -- oneDNN 2.6 and 3.x behind one header.  No dnnl_* name appears outside this folder.
 *
 * The two C APIs differ in how a primitive is described and in whether a memory descriptor is a struct or a handle;
 * what is shared, creating, binding, executing, is here once.  A primitive is made, its layouts are asked, its
 * arguments are bound to addresses, and it is executed any number of times: executing allocates nothing.
 *
 * Padding.  A layout that a primitive chose may be in blocks of 16 channels, with zeros where there are no channels
 * (dnn_layout_bytes is then more than the numbers need).  Primitives rely on these zeros in what they read and write
 * them in what they write, a reorder too.  So memory in such a layout is filled by a primitive, or by something of ours
 * that writes the zeros too (graph/pack.c), or zeroed before something else of ours writes into it; arithmetic over the
 * whole block is safe if it maps zeros to zero.
 * Binding writes nothing, in either version.
 *
 * Letters: B batch, C channels, H W; a picture's dimensions are always (B, C, H, W) in that logical order, whatever the
 * layout in memory. */
#ifndef LYNE_DNN_DNN_H
#define LYNE_DNN_DNN_H

#include "lyne/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNN_MAX_RANK 6

typedef enum dnn_type { DNN_F32, DNN_BF16, DNN_F16, DNN_S32, DNN_S8, DNN_U8 } dnn_type;
size_t dnn_type_size(dnn_type type);

/* PLAIN: row-major in the logical order.  CHANNELS_LAST: rank 4, (B, H, W, C) in memory.  TRANSPOSED: rank 2,
 * column-major.  ANY: the primitive chooses; ask it with dnn_layout_of. */
typedef enum dnn_format { DNN_PLAIN, DNN_CHANNELS_LAST, DNN_TRANSPOSED, DNN_ANY } dnn_format;

/* What a tensor is.  rank 0: there is none (an absent bias). */
typedef struct dnn_tensor {
    int rank;
    int64_t dim[DNN_MAX_RANK];
    dnn_type type;
    dnn_format format;
} dnn_tensor;

typedef struct dnn_context dnn_context;     /* a CPU engine and an in-order stream            */
typedef struct dnn_primitive dnn_primitive; /* a created primitive with its bound arguments   */
typedef struct dnn_layout dnn_layout;       /* how a tensor lies in memory                    */

/** One context serves one thread at a time (oneDNN itself uses OpenMP's threads).  Free it last; NULL is fine. */
lyne_status dnn_context_new(dnn_context **out, lyne_error *err);
void dnn_context_free(dnn_context *c);

/** "2.6.3" or "3.2.0": the library that is loaded, not the headers. */
const char *dnn_version(void);
/** The best instruction set oneDNN will use here: "avx2", "avx512_core", "avx512_core_bf16", "avx512_core_amx", ... */
const char *dnn_isa(void);
/** Whether it is asked to take half of AVX-512's width (ONEDNN_CPU_ISA_HINTS=PREFER_YMM), which gives other bits. */
bool dnn_prefers_ymm(void);
/** Whether it multiplies bf16 as fast as f32 or faster: AVX512-BF16 or AMX.  Others only imitate it. */
bool dnn_has_bf16(void);
/** Without AVX-512: have oneDNN make now the 4 MB of code that it makes at its first product of f32.  For who measures what
 *  memory there is before there is a product. */
void dnn_make_ready(void);

typedef enum dnn_pass {
    DNN_FORWARD_TRAINING,
    DNN_FORWARD_INFERENCE,
    DNN_BACKWARD_DATA,
    DNN_BACKWARD_WEIGHTS /* weights and bias */
} dnn_pass;

/* What an address is to a primitive.  SRC_1: second operand of binary.  Reorder: SRC to DST.
 * Convolution and inner product: forward SRC WEIGHTS BIAS -> DST; backward data DIFF_DST WEIGHTS -> DIFF_SRC; backward
 * weights SRC DIFF_DST -> DIFF_WEIGHTS DIFF_BIAS.  Pooling and element-wise backward: DIFF_DST (and SRC or DST, or
 * WORKSPACE for max pooling) -> DIFF_SRC.  SCRATCHPAD: every primitive whose dnn_layout_of(p, DNN_SCRATCHPAD) has
 * bytes. */
typedef enum dnn_arg {
    DNN_SRC,
    DNN_SRC_1,
    DNN_DST,
    DNN_WEIGHTS,
    DNN_BIAS,
    DNN_DIFF_SRC,
    DNN_DIFF_DST,
    DNN_DIFF_WEIGHTS,
    DNN_DIFF_BIAS,
    DNN_WORKSPACE,
    DNN_SCRATCHPAD,
    DNN_N_ARGS
} dnn_arg;

/* Every function below that makes a primitive: the result is owned by the caller, freed with dnn_primitive_free; the
 * context is borrowed and must outlive it; a combination that oneDNN has no implementation for is LYNE_EOTHER with the
 * shapes in the text.  All primitives use a user scratchpad, so one block of memory serves them all in turn; its size
 * is that for the OpenMP threads there are when the primitive is made, so do not raise their number afterwards.
 *
 * A backward pass is asked for with the tensors of the forward pass; each then also says what its gradient is like.
 * With DNN_BACKWARD_WEIGHTS, weights and bias may be f32 where src and dst are bf16: accumulation is in f32 anyway. */

/* weights (O, I, kh, kw), or (G, O/G, I/G, kh, kw) when grouped; bias (O) or rank 0. */
typedef struct dnn_convolution_spec {
    dnn_tensor src, weights, bias, dst;
    int64_t stride[2], dilation[2]; /* dilation 1 is the ordinary convolution */
    int64_t pad_begin[2], pad_end[2];
} dnn_convolution_spec;
lyne_status dnn_convolution(dnn_context *c, const dnn_convolution_spec *spec, dnn_pass pass, dnn_primitive **out,
                            lyne_error *err);

/** dst (B, O) = src (B, I...) * weights (O, I...) + bias (O); src and weights of rank 2, or both of rank 4. */
lyne_status dnn_inner_product(dnn_context *c, dnn_tensor src, dnn_tensor weights, dnn_tensor bias, dnn_tensor dst,
                              dnn_pass pass, dnn_primitive **out, lyne_error *err);

/** dst (..., M, N) = src (..., M, K) * weights (..., K, N) + bias (rank of dst, broadcast, or rank 0). */
lyne_status dnn_matmul(dnn_context *c, dnn_tensor src, dnn_tensor weights, dnn_tensor bias, dnn_tensor dst,
                       dnn_primitive **out, lyne_error *err);

typedef enum dnn_pool { DNN_MAX_POOL, DNN_AVERAGE_POOL /* padding not counted */ } dnn_pool;
typedef struct dnn_pooling_spec {
    dnn_pool kind;
    dnn_tensor src, dst; /* (B, C, H, W) */
    int64_t kernel[2], stride[2], pad_begin[2], pad_end[2];
} dnn_pooling_spec;
/** pass: forward training (max pooling then writes a WORKSPACE), forward inference, backward data. */
lyne_status dnn_pooling(dnn_context *c, const dnn_pooling_spec *spec, dnn_pass pass, dnn_primitive **out,
                        lyne_error *err);

typedef enum dnn_function { DNN_RELU, DNN_LINEAR /* alpha x + beta */ } dnn_function;
/** Element-wise, also in place.  For DNN_RELU alpha >= 0 is the slope below zero, and beta is not used; backward reads
 * DST, not SRC, so the source may be gone by then.  DNN_LINEAR backward takes SRC. */
lyne_status dnn_eltwise(dnn_context *c, dnn_function f, dnn_tensor tensor, float alpha, float beta, dnn_pass pass,
                        dnn_primitive **out, lyne_error *err);

/* What a forward convolution, inner product or product does behind itself, before it rounds: add what DST held, then the
 * larger of this and 0, then the smaller of this and `upper` (0: no bound).  Here max(0, NaN) = 0. */
typedef struct dnn_after {
    bool add_dst, relu;
    float upper;
} dnn_after;
/** Of every primitive made from now on; {0}: nothing, as at first. */
lyne_status dnn_context_after(dnn_context *c, dnn_after after, lyne_error *err);

/** Softmax over an axis.  Backward reads DST and DIFF_DST. */
lyne_status dnn_softmax(dnn_context *c, dnn_tensor tensor, int axis, dnn_pass pass, dnn_primitive **out,
                        lyne_error *err);

typedef enum dnn_binary_kind { DNN_ADD, DNN_MUL } dnn_binary_kind;
/** dst = a op b; b may have dimensions of 1 that are broadcast. */
lyne_status dnn_binary(dnn_context *c, dnn_binary_kind kind, dnn_tensor a, dnn_tensor b, dnn_tensor dst,
                       dnn_primitive **out, lyne_error *err);

/** Copy with a change of layout or type. */
lyne_status dnn_reorder(dnn_context *c, const dnn_layout *from, const dnn_layout *to, dnn_primitive **out,
                        lyne_error *err);

/** The layout of an argument, borrowed until the primitive is freed.  NULL if the primitive has no such argument (or it
 *  has no bytes). */
const dnn_layout *dnn_layout_of(const dnn_primitive *p, dnn_arg arg);
/** The layout of a tensor whose format is not ANY.  Caller frees with dnn_layout_free (NULL is fine). */
lyne_status dnn_layout_new(dnn_tensor tensor, dnn_layout **out, lyne_error *err);
/** The row-major layout of a tensor with the dimensions of another layout, in a type: what plain weights are to a
 *  primitive that chose its own. */
lyne_status dnn_layout_plain(const dnn_layout *like, dnn_type type, dnn_layout **out, lyne_error *err);
lyne_status dnn_layout_copy(const dnn_layout *layout, dnn_layout **out, lyne_error *err);
void dnn_layout_free(dnn_layout *layout);
size_t dnn_layout_bytes(const dnn_layout *layout);
bool dnn_layout_equal(const dnn_layout *a, const dnn_layout *b);

/* A layout of blocks, in numbers: each dimension, filled up to `padded`, is cut into blocks, `stride` from one to the next,
 * and within a block the innermost is inner[n_inner - 1] numbers of dimension inner_of[n_inner - 1], side by side.  oneDNN's
 * AB16b64a2b has inner {16, 64, 2} of dimensions {1, 0, 1}. */
#define DNN_MAX_INNER 4
typedef struct dnn_blocks {
    dnn_type type;
    int rank, n_inner;
    int64_t dim[DNN_MAX_RANK], padded[DNN_MAX_RANK], stride[DNN_MAX_RANK], inner[DNN_MAX_INNER];
    int inner_of[DNN_MAX_INNER];
} dnn_blocks;
/** false: it is none, or one in more blocks than that. */
bool dnn_layout_blocks(const dnn_layout *layout, dnn_blocks *out);

/** The address of an argument; 64-byte aligned; must stay valid while the primitive may be executed.  Binding an
 * argument that the primitive does not have is an assertion.  Allocates nothing. */
void dnn_bind(dnn_primitive *p, dnn_arg arg, void *address);
/** Run.  All arguments must be bound.  Allocates nothing of ours. */
lyne_status dnn_execute(const dnn_primitive *p, lyne_error *err);
/** oneDNN's name of what was chosen, e.g. "brgconv:avx512_core". */
const char *dnn_implementation(const dnn_primitive *p);
void dnn_primitive_free(dnn_primitive *p); /* NULL is fine */

#endif
