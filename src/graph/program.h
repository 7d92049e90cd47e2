/* graph/program.h -- a graph compiled once and replayed.
 *
 *     lyne_program_compile(graph, &what, &program, &err)     primitives made, memory placed
 *     memcpy(lyne_program_input(program, picture), ...)      each step
 *     lyne_program_run(program, &clock, &err)                forward, and backward when there are terms
 *
 * A run executes a list of steps: no allocation, no lookup, no branch on type. */
#ifndef LYNE_GRAPH_PROGRAM_H
#define LYNE_GRAPH_PROGRAM_H

#include "graph/op.h"
#include "graph/weights.h"
#include <stdio.h>

/* One term of the objective: weight times a node of shape (1). */
typedef struct lyne_term {
    lyne_node *node;
    double weight;
} lyne_term;

typedef struct lyne_compile {
    lyne_weights *weights; /* borrowed, must outlive the program and fit the graph            */
    bool training;         /* batch statistics, dropout; gradients into weights->grad         */
    bool lean; /* less memory for more time: forward values are made twice, see graph/lean.c; the same bits */
    const lyne_term *term; /* what backward starts from; none: forward only                   */
    int n_terms;
    lyne_node *const *output; /* nodes whose values can be read after a run, besides the terms */
    int n_outputs;
} lyne_compile;

lyne_status lyne_program_compile(const lyne_graph *g, const lyne_compile *what, lyne_program **out, lyne_error *err);
void lyne_program_free(lyne_program *p); /* NULL is fine; the graph must outlive the program */

/** The memory of an input, to be filled before a run; of a term or an output, to be read after it.  Pictures lie channels
 *  last.  Borrowed from the program. */
void *lyne_program_input(lyne_program *p, const lyne_node *input);
const void *lyne_program_output(const lyne_program *p, const lyne_node *output);

lyne_status lyne_program_run(lyne_program *p, const lyne_clock *clock, lyne_error *err);

/** The same with a clock around every step: adds the seconds of step i to seconds[i], lyne_program_n_steps of them. */
lyne_status lyne_program_run_timed(lyne_program *p, const lyne_clock *clock, double *seconds, lyne_error *err);
/* What step i is: borrowed from the program. */
typedef struct lyne_step_name {
    const char *pass, *path, *what; /* "forward", the node, oneDNN's implementation or our kernel */
    const char *op;                 /* of the node; NULL: an input's                              */
    bool bf16;                      /* what the node computes with                                */
    bool grouped;                   /* a convolution in groups                                    */
    int64_t flops;                  /* of a layer with weights; 0 in a step that only moves numbers, and of other ops */
    size_t bytes;                   /* of all its buffers                                         */
} lyne_step_name;
lyne_step_name lyne_program_step(const lyne_program *p, int i);

/* What a machine can do, as base/peaks.h measures it: GFLOP/s, GFLOP/s (0: none), GB/s. */
typedef struct lyne_peaks {
    double fma, amx, bandwidth;
} lyne_peaks;
/** The least time [s] that a step can take: by its arithmetic or by its bytes, whichever is more.  Winograd's convolutions
 *  may take less, as they multiply less. */
double lyne_step_roof(const lyne_step_name *s, const lyne_peaks *peaks);
/** Why a step's implementation is one to be avoided ("a reference loop"), or NULL.  isa: of oneDNN, as dnn_isa(). */
const char *lyne_step_trap(const lyne_step_name *s, const char *isa);

/* What is repeated to time a program's steps: a run of it, with all that belongs there. */
typedef struct lyne_timed {
    /** seconds: as for lyne_program_run_timed, and behind those of the steps what `behind` takes, if it is there. */
    lyne_status (*run)(void *self, double *seconds, lyne_error *err);
    void *self;
    const char *behind; /* what follows the program ("sgd"); NULL: nothing */
} lyne_timed;
#define LYNE_KERNEL_RUNS 5 /* are enough to see where the time goes */
/** A line for each step: pass, node, implementation, the least time over so many runs (others on the machine disturb it
 *  less than the mean), its share of their sum, its roof by what the machine can do just now, and how near it is to that. */
lyne_status lyne_program_print_kernels(const lyne_program *p, const lyne_timed *timed, int64_t runs, FILE *to,
                                       lyne_error *err);

size_t lyne_program_bytes(const lyne_program *p); /* of the arena                       */
int lyne_program_n_steps(const lyne_program *p);
/** One line for each step: pass, node, what runs there, bytes it touches. */
void lyne_program_print(const lyne_program *p, FILE *to);

#endif
