/* graph/steps.h -- what a program is made of: buffers, steps, and who owns them.  Private to graph/. */
#ifndef LYNE_GRAPH_STEPS_H
#define LYNE_GRAPH_STEPS_H

#include "base/memory.h"
#include "graph/program.h"

#define N_KEPT 4

typedef enum step_pass { REFRESH, FORWARD, BACKWARD, N_PASSES } step_pass;

/* A buffer is either fixed (an address outside the arena: weights, gradients) or placed by lifetime. */
typedef struct lyne_storage {
    size_t bytes;
    void *fixed;
    int first, last; /* the steps that touch it, both included; first > last: none does */
    bool whole;      /* alive throughout: inputs, outputs, copies of weights            */
    float initial;   /* written once, for the weight of a term                          */
    size_t offset;   /* into the arena                                                  */
} lyne_storage;

typedef struct lyne_step {
    step_pass pass;
    const char *name; /* implementation or kernel */
    const lyne_node *node;
    dnn_primitive *primitive; /* owned; NULL: kernel */
    lyne_kernel kernel;
    lyne_call call;
    void **address; /* of the buffers, what call.buffer points to */
    lyne_buffer *buffer;
    dnn_arg *arg; /* of a primitive's buffers */
    int n_buffers;
} lyne_step;

/* What is known of a node while compiling. */
typedef struct lyne_node_state {
    lyne_buffer dst;
    lyne_buffer diff_dst; /* the sum, once asked for */
    lyne_buffer *part;    /* contributions of the readers */
    size_t n_parts, part_capacity;
    lyne_buffer kept[N_KEPT];
    lyne_buffer before[LYNE_MAX_PARAMS]; /* lean: parameters of role STATE, as forward found them */
    lyne_buffer slope;                   /* see lyne_slope_is      */
    bool slope_is_in;                    /* diff_dst, multiplied   */
    int n_readers;                       /* of the value, those outside included */
    bool outside;                        /* there are such                       */
    const lyne_node *reader;
    const lyne_term *term;     /* NULL: it is none; borrowed while compiling */
    const lyne_node *taken_by; /* see lyne_take_over */
} lyne_node_state;

/* A copy of a parameter in a layout that a primitive chose, or what a kernel of ours made of it. */
typedef struct lyne_weight_copy {
    int param;
    dnn_layout *layout; /* owned; NULL: the kernel made it */
    const char *name;   /* what it made, see lyne_weight_made */
    lyne_buffer buffer;
} lyne_weight_copy;

/* A gradient that a primitive writes in its own layout and that is brought to plain behind the node's own steps. */
typedef struct lyne_late_reorder {
    const lyne_node *node;
    dnn_layout *from, *to; /* owned */
    lyne_buffer src, dst;
} lyne_late_reorder;

typedef struct lyne_step_list {
    lyne_step *item;
    int n;
    size_t capacity;
} lyne_step_list;

struct lyne_program {
    const lyne_graph *graph;
    lyne_weights *weights;
    bool training;
    bool lean;
    bool again; /* what is emitted is emitted for the second time, see lean.c */
    dnn_context *dnn;
    lyne_arena arena; /* what describes the program    */
    lyne_step_list pass[N_PASSES];
    lyne_storage *storage;
    int n_storage;
    size_t storage_capacity;
    lyne_node_state *state; /* one for each node */
    lyne_weight_copy *copy;
    int n_copies;
    size_t copy_capacity;
    lyne_late_reorder *late;
    int n_late;
    size_t late_capacity;
    step_pass now; /* the pass being emitted */
    bool out_of_memory;
    unsigned char *memory; /* what the steps work in */
    size_t memory_bytes;
    uint64_t seen_version; /* of the weights that the copies hold */
    lyne_clock clock;
};

/** A new buffer, or LYNE_NO_BUFFER with p->out_of_memory set. */
lyne_buffer lyne_storage_new(lyne_program *p, size_t bytes);
/** lean.c: keep the node's parameters of role STATE as they are before it runs. */
lyne_status lyne_keep_states(lyne_program *p, const lyne_node *n, lyne_error *err);
/** Emit nodes first to last forward, in the current pass. */
lyne_status lyne_emit_nodes(lyne_program *p, int first, int last, lyne_error *err);
/** lean.c: behind which nodes forward is cut, into *cut (caller frees), rising; *n of them. */
lyne_status lyne_lean_cuts(const lyne_program *p, int **cut, int *n, lyne_error *err);
/** lean.c: in backward, make the values of nodes first to last again, which end in a cut. */
lyne_status lyne_emit_again(lyne_program *p, int first, int last, lyne_error *err);
/** Append the reorders that lyne_diff_weight left for behind the node's own steps; none is left, also on failure. */
lyne_status lyne_emit_late(lyne_program *p, lyne_error *err);
/** Give every buffer its place: after this, arena offsets and *bytes are final. */
lyne_status lyne_place(lyne_storage *storage, int n, int n_steps, size_t *bytes, lyne_error *err);

#endif
