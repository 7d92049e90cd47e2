/* check/bench.h -- one op, or a few, on a bench: a graph whose sources are at hand, run as often as a test likes.
 *
 * f32 sources are parameters of a op of its own, so that gradients with respect to them come the way all gradients come;
 * others are inputs of the graph.  Behind the subject stands an objective, sum(r_i * value_i) in double with
 * fixed r of both signs. */
#ifndef LYNE_CHECK_BENCH_H
#define LYNE_CHECK_BENCH_H

#include "graph/program.h"

typedef struct bench_source {
    lyne_shape shape;
    lyne_type type;
    bool constant;  /* f32: no gradient is asked for       */
    int64_t labels; /* s32: drawn from 0..labels-1         */
} bench_source;

typedef struct bench_subject {
    int n_src;
    bench_source src[LYNE_MAX_SRC];
    lyne_node *(*build)(lyne_graph *g, const void *context, lyne_node *const *src);
    const void *context;
    bool has_kink, spread; /* as in lyne_op_case */
    bool bf16;             /* a graph of bf16, and the subject is given its f32 sources in bf16 */
    bool rounded;          /* sources and parameters start as numbers that bf16 has too         */
    float kink;
} bench_subject;

typedef struct bench {
    const bench_subject *subject;
    lyne_graph *graph;
    lyne_weights *weights;
    lyne_program *program;
    lyne_node *src[LYNE_MAX_SRC], *node;
    float *r;
    double objective; /* of the last run */
    lyne_clock clock;
} bench;

/* Inputs move by this much: they are kept twice as far off kinks, and three times from each other where they are
 * spread. */
#define BENCH_MARGIN 0x1p-5f

/** Build, fill with numbers in about +-1.5 that depend on nothing, compile.  A training bench has a backward pass. */
lyne_status bench_open(bench *b, const bench_subject *s, bool training, lyne_error *err);
void bench_close(bench *b);
/** Forward (and backward); sets objective. */
lyne_status bench_run(bench *b, lyne_error *err);

/** The numbers of source i in logical order, caller's, lyne_shape_size of them; and of the subject's value. */
void bench_source_values(const bench *b, int i, double *plain);
void bench_value(const bench *b, double *plain);
/** f32 sources: where the numbers of source i are, in logical order; say bench_changed after writing there. */
float *bench_source_at(bench *b, int i);
const float *bench_source_grad(const bench *b, int i);
void bench_changed(bench *b);

/** Between logical order and memory, where a picture lies channels last. */
void plain_from_memory(const lyne_shape *s, const float *memory, double *plain);
int64_t memory_index(const lyne_shape *s, int64_t plain_index);

/** A subject that is one op: context points to a bench_op. */
typedef struct bench_op {
    const lyne_op *op;
    const void *config;
} bench_op;
lyne_node *bench_build_op(lyne_graph *g, const void *context, lyne_node *const *src);

/** Fill a config from flow YAML (NULL: defaults), in the arena.  A field that names another component may name this one
 *  alone. */
lyne_status bench_read_config(const lyne_component *c, const char *yaml, lyne_arena *arena, void **config,
                              lyne_error *err);

#endif
