/* lyne/loss.h -- the row of a loss: it builds graph nodes ending in one number, so autodiff serves it for free.
 * A term is a mean over the batch, in nats where it has a unit, before its weight; weights multiply terms and nothing
 * else does.
 *
 *     static lyne_node *build(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in) {
 *         return lyne_graph_add(g, &op, name, config, (lyne_node *[]){in->logits, in->teacher}, 2);
 *     }
 *
 * `op` is one of the loss's own (lyne/op.h) that makes a value of shape (1); tests/plugins/logit_mse.c is a whole loss. */
#ifndef LYNE_LOSS_H
#define LYNE_LOSS_H

#include "lyne/graph.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* What a loss may read.  Features are f32, of the nodes that its config names, and already adapted as `match` asks. */
typedef struct lyne_loss_inputs {
    lyne_node *logits;  /* (B, C) f32, the student's */
    lyne_node *labels;  /* (B) s32, classes 0..C-1   */
    bool rest_is_class; /* classes that share a row's least teacher logit are one: of each alone nothing is known */
    lyne_node *teacher; /* (B, C) f32 logits; NULL unless a loss here needs_teacher */
    lyne_node *mix;     /* (B, 2) s32: a second label and the first one's share in 65536ths; NULL when none is mixed */
    lyne_node *student_feature, *teacher_feature; /* NULL unless the loss reads_features */
} lyne_loss_inputs;

/* The fields that every loss has; first in its config struct. */
typedef struct lyne_loss_config {
    double weight;
} lyne_loss_config;
#define LYNE_LOSS_FIELDS                                                                                               \
    LYNE_FLOAT(lyne_loss_config, weight, "what the term is multiplied by in the objective", "1", 0, 1e6)

/* The fields that every loss has which reads features; first in its config struct. */
typedef struct lyne_feature_loss_config {
    lyne_loss_config loss;
    lyne_reference student, teacher;
} lyne_feature_loss_config;
#define LYNE_FEATURE_LOSS_FIELDS                                                                                       \
    LYNE_LOSS_FIELDS,                                                                                                  \
        LYNE_ENTRY(TAP, lyne_feature_loss_config, student, "the node of the student whose value is compared",          \
                   LYNE_REQUIRED),                                                                                     \
        LYNE_ENTRY(TAP, lyne_feature_loss_config, teacher, "the node of the teacher that it is compared with",         \
                   LYNE_REQUIRED)

/* What the features of student and teacher must agree in besides the batch.  Where they do not, an adapter is put in that
 * is trained with the student and is no part of the model: pooling to the smaller height and width, and for SHAPE a 1x1
 * convolution (or a linear layer) behind the student's where channels differ. */
typedef enum lyne_match { LYNE_MATCH_NOTHING, LYNE_MATCH_SIZE, LYNE_MATCH_SHAPE } lyne_match;

typedef struct lyne_loss {
    lyne_component component; /* config_size at least that of lyne_loss_config */
    bool needs_teacher;       /* it reads the teacher's logits                 */
    bool reads_features;      /* its config begins with lyne_feature_loss_config, and the teacher is asked live */
    lyne_match match;         /* of the features                               */
    /** The one temperature at which the loss reads the teacher, as softmax(logits / T).  NULL: it may use the logits in
     *  another way, so a sparse target (the encoding `sampled`) will not do. */
    double (*temperature)(const void *config);
    /** The term, of shape (1), unweighted; NULL when the graph failed. */
    lyne_node *(*build)(lyne_graph *g, const char *name, const void *config, const lyne_loss_inputs *in);
} lyne_loss;

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
