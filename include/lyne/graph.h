/* lyne/graph.h -- a model is a graph: how to build one.
 *
 *     lyne_node *x = lyne_flatten(g, "flatten", picture);
 *     x = lyne_linear(g, "fc1", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 800});
 *     x = lyne_relu(g, "relu1", x);
 *
 * Shapes are concrete, the batch included, and checked while the graph is built.  The first mistake is kept in the graph
 * and every later call returns NULL, so a builder is straight-line code and asks once, at its end, with
 * lyne_graph_status.  A node is one op and the one value it makes.
 *
 * Letters: B batch, C channels or classes, H W height and width, F features. */
#ifndef LYNE_GRAPH_H
#define LYNE_GRAPH_H

#include "lyne/component.h"
#include "lyne/status.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

#define LYNE_MAX_RANK   6
#define LYNE_MAX_SRC    4
#define LYNE_MAX_PARAMS 4

typedef enum lyne_type { LYNE_F32, LYNE_BF16, LYNE_S32, LYNE_U8 } lyne_type;
size_t lyne_type_size(lyne_type type);

/* Logical dimensions; dim[0] is the batch.  A picture is (B, C, H, W) whatever its layout in memory, which is channels
 * last; everything else is row-major. */
typedef struct lyne_shape {
    int rank;
    int64_t dim[LYNE_MAX_RANK];
} lyne_shape;
#define LYNE_SHAPE(...)                                                                                                \
    ((lyne_shape){.rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .dim = {__VA_ARGS__}})
int64_t lyne_shape_size(const lyne_shape *s); /* elements; 1 for rank 0 */
bool lyne_shape_equal(const lyne_shape *a, const lyne_shape *b);
#define LYNE_SHAPE_TEXT 160
/** "(64, 3, 32, 32)"; returns out. */
const char *lyne_shape_print(const lyne_shape *s, char out[LYNE_SHAPE_TEXT]);

/* What a parameter is for: optimizers treat them differently, STATE is not trained (running statistics). */
typedef enum lyne_role { LYNE_WEIGHT, LYNE_BIAS, LYNE_SCALE, LYNE_SHIFT, LYNE_STATE } lyne_role;
/* How it starts.  UNIFORM_FAN: uniform in +-1/sqrt(fan_in), PyTorch's default for linear and convolution (weights by
 * He et al. 2015 with a = sqrt 5, arXiv:1502.01852).  NORMAL: sd 1, its default for embeddings.  SMALL: normal, sd 0.02,
 * as in GPT-2 and BERT. */
typedef enum lyne_init {
    LYNE_INIT_ZERO,
    LYNE_INIT_ONE,
    LYNE_INIT_UNIFORM_FAN,
    LYNE_INIT_NORMAL,
    LYNE_INIT_SMALL
} lyne_init;

typedef struct lyne_param {
    const char *name; /* "layer1.0.conv1.weight": the name it has in the model file */
    lyne_shape shape; /* as PyTorch writes it: linear (out, in), convolution (O, I/G, kh, kw) */
    lyne_role role;
    lyne_init init;
    int64_t fan_in; /* inputs that one output sums over; for UNIFORM_FAN */
} lyne_param;

typedef struct lyne_graph lyne_graph;
typedef struct lyne_op lyne_op;

typedef struct lyne_node {
    const lyne_op *op;  /* NULL: an input of the graph             */
    const char *path;   /* "layer1.0.conv1", unique in the graph   */
    const void *config; /* the op's, a copy owned by the graph     */
    lyne_graph *graph;
    int index; /* position in the graph; sources come before users */
    int n_src;
    struct lyne_node *src[LYNE_MAX_SRC];
    int n_params;
    int param[LYNE_MAX_PARAMS]; /* indices into the graph's parameters */
    lyne_shape shape;           /* of the value                        */
    lyne_type type;
    int64_t below;   /* inputs of tokens: numbers are below it; 0: nobody said */
    bool needs_grad; /* a parameter at or before it is trained */
} lyne_node;

/** An empty graph for a batch of that many samples.  Free with lyne_graph_free (NULL is fine). */
lyne_status lyne_graph_new(int64_t batch, lyne_graph **out, lyne_error *err);
void lyne_graph_free(lyne_graph *g);
int64_t lyne_graph_batch(const lyne_graph *g);

/** Mixed precision: what activations and their gradients are stored in, LYNE_F32 (from the start) or LYNE_BF16.  Said
 *  before the first op is added.  With bf16, convolutions and linear layers compute in bf16 and sum in f32, what stands
 *  between them follows, and an op that knows f32 only, as every loss, is given f32; casts between the two are nodes
 *  that are added by themselves.  Parameters, their gradients and statistics are f32 always. */
void lyne_graph_set_precision(lyne_graph *g, lyne_type type);
lyne_type lyne_graph_precision(const lyne_graph *g);
/** In a graph of bf16 the nodes of these paths, and all below a path that is a block's, are given f32 and so compute in it.
 *  Said before the first op is added; the list is borrowed and must outlive the building. */
void lyne_graph_keep_f32(lyne_graph *g, lyne_texts paths);
/** Whether a node's path is `path` or lies below it. */
bool lyne_path_within(const char *node, const char *path);
/** The value of n in LYNE_F32 or LYNE_BF16: n itself if it is of this type, else a node "PATH.f32" or "PATH.bf16" behind
 *  it, one for all who ask.  For values that are read from outside, such as logits.  NULL if n is or the graph failed. */
lyne_node *lyne_graph_cast(lyne_graph *g, lyne_node *n, lyne_type type);

/** A value that is given from outside each time the program runs.  shape.dim[0] is the batch. */
lyne_node *lyne_graph_input(lyne_graph *g, const char *name, lyne_shape shape, lyne_type type);

/** Add an op: `name` is the last part of its path, config (op->component.config_size bytes) is copied.  NULL if the
 *  graph has failed, a source is NULL, or the shapes do not fit; the reason is kept with the node's path. */
lyne_node *lyne_graph_add(lyne_graph *g, const lyne_op *op, const char *name, const void *config, lyne_node *const *src,
                          int n_src);

/** Names given between enter("layer1") and leave() become "layer1.NAME". */
void lyne_graph_enter(lyne_graph *g, const char *name);
void lyne_graph_leave(lyne_graph *g);

/** Where in a recipe the nodes stand that are added next, and where it was when the graph failed (source NULL: it has not,
 *  or nobody said). */
void lyne_graph_at(lyne_graph *g, lyne_mark mark);
lyne_mark lyne_graph_failed_at(const lyne_graph *g);

/** Keep a failure found by a builder itself (the first wins).  Returns NULL, for `return lyne_graph_fail(...)`. */
lyne_node *lyne_graph_fail(lyne_graph *g, const char *fmt, ...) LYNE_PRINTF(2, 3);
lyne_status lyne_graph_status(const lyne_graph *g, lyne_error *err);

int lyne_graph_n_nodes(const lyne_graph *g);
lyne_node *lyne_graph_node(const lyne_graph *g, int index);
lyne_node *lyne_graph_find(const lyne_graph *g, const char *path); /* NULL if there is none */
int lyne_graph_n_params(const lyne_graph *g);
const lyne_param *lyne_graph_param(const lyne_graph *g, int index);

/** Trained numbers (STATE left out) and multiply-accumulates of one sample's forward pass. */
int64_t lyne_graph_count_params(const lyne_graph *g);
int64_t lyne_graph_count_macs(const lyne_graph *g);

/* A model family: the row of a component of kind LYNE_MODEL. */
typedef struct lyne_model {
    lyne_component component;
    /** Build from a picture (B, C, H, W), f32, or bf16 in a graph of bf16, to logits (B, n_classes) of one of these types,
     *  both nodes of g.  Where samples are sequences `picture` is tokens (B, L) s32, and where each token has a label the
     *  logits are (B, L, n_classes). */
    lyne_node *(*build)(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes);
} lyne_model;

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
