/* train/network.h -- a model put to work on pictures or tokens: the graph around it, and its program. */
#ifndef LYNE_TRAIN_NETWORK_H
#define LYNE_TRAIN_NETWORK_H

#include "data/loader.h"
#include "graph/program.h"
#include "losses/loss.h"
#include "train/progress.h"

/* What a model is for. */
typedef struct lyne_task {
    lyne_picture_size picture;
    lyne_sequence sequence; /* instead of pictures */
    int64_t n_classes;
    lyne_floats mean, sd; /* of pixel / 255; borrowed */
    lyne_type precision;  /* of activations: LYNE_F32 or LYNE_BF16; weights, losses and logits are f32 always */
    lyne_texts keep_f32;  /* paths of nodes and blocks that compute in f32 all the same; borrowed             */
} lyne_task;

/* A value of the teacher that losses read: the node it is, by its path, and the input that it goes into. */
typedef struct lyne_feature {
    const char *path; /* borrowed from a loss's config */
    lyne_node *input;
} lyne_feature;

/* Inputs: picture (B, C, H, W) u8, or (B, L) s32 where samples are sequences; when there are losses, label (R) s32, teacher
 * (R, n_classes) f32 if one of them needs it, and mix (B, 2) s32 if samples are mixed.  R rows: B, or B L where each token
 * has a label.  Everything owned but the weights, if they were given. */
typedef struct lyne_network {
    lyne_graph *graph;
    lyne_program *program;
    lyne_weights *weights;
    bool owns_weights;
    lyne_node *picture, *label, *teacher, *mix, *logits;
    lyne_node *head, *features; /* the linear layer that makes the logits and what goes into it; NULL: not asked for */
    int n_terms;
    lyne_term *term; /* one for each loss, in order */
    int n_features;
    lyne_feature feature[LYNE_MAX_TERMS];
    int n_model_params; /* parameters of the model; those of adapters stand behind them */
    int n_taps;
    lyne_node *tap[LYNE_MAX_TERMS];
} lyne_network;

typedef struct lyne_network_options {
    lyne_instance model; /* kind LYNE_MODEL */
    const lyne_task *task;
    int64_t batch;
    lyne_instances losses; /* kind LYNE_LOSS; none: inference */
    bool rest_is_class;    /* of the teacher's logits (losses/loss.h) */
    lyne_instance teacher; /* kind LYNE_MODEL, for losses that read its features; row NULL: there is none */
    /* Nodes whose values can be read after a run, as f32: net->tap, in this order. */
    const char *tap[LYNE_MAX_TERMS];
    int n_taps;
    bool mixes;            /* samples are mixed: hard labels come in twos (data/mix.h) */
    bool lean;             /* training: less memory for more time (lyne_compile) */
    bool features;         /* what goes into the last layer is read too: it must be linear */
    bool outline;          /* only to see what it takes: it holds no numbers and cannot be run */
    uint64_t seed;         /* of the initial weights */
    lyne_weights *weights; /* borrowed; NULL: made anew from seed */
    lyne_mark *failed_at; /* set by a failing build to the place in the recipe, if the model knows it; NULL: unwanted */
} lyne_network_options;

/** Build the graph only: what `lyne check` needs. */
lyne_status lyne_network_build(lyne_network *net, const lyne_network_options *o, lyne_error *err);
/** Build and compile. */
lyne_status lyne_network_init(lyne_network *net, const lyne_network_options *o, lyne_error *err);
void lyne_network_deinit(lyne_network *net); /* NULL and zeroed are fine */
/** What it takes in memory, with its weights and their gradients if they are its own. */
uint64_t lyne_network_bytes(const lyne_network *net);

/** Of term i: the loss's name, numbered from the second of a kind on ("kd", "kd_2").  Borrowed from the network. */
const char *lyne_network_term_name(const lyne_network *net, int i);

/** What the last layer was given for the batch that has just been inferred: (batch, F), F its width, when it was asked
 *  for.  Borrowed until the next. */
const float *lyne_network_features(const lyne_network *net);

/** Logits (R, n_classes) of one batch whose pictures or tokens are already in the picture input.  Borrowed until the next. */
lyne_status lyne_network_infer(lyne_network *net, const float **logits, lyne_error *err);

#endif
