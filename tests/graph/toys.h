/* tests/graph/toys.h -- ops small enough to be differentiated by eye, so that what is tested is the graph: everything is
 * element by element but `total`. */
#ifndef TESTS_GRAPH_TOYS_H
#define TESTS_GRAPH_TOYS_H

#include "graph/program.h"

#include <criterion/criterion.h>

/* A parameter PATH.weight as a value. */
lyne_node *toy_param(lyne_graph *g, const char *name, lyne_shape shape);
/* The same of rank 2, read and differentiated in a layout that is not the stored one. */
lyne_node *toy_turned(lyne_graph *g, const char *name, lyne_shape shape);
/* A parameter of 3 numbers that is not trained. */
lyne_node *toy_state(lyne_graph *g, const char *name);
lyne_node *toy_mul(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b);
lyne_node *toy_add(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b);
lyne_node *toy_view(lyne_graph *g, const char *name, lyne_node *src);    /* the very buffer of src */
lyne_node *toy_wall(lyne_graph *g, const char *name, lyne_node *src);    /* a copy without a gradient */
lyne_node *toy_total(lyne_graph *g, const char *name, lyne_node *src);   /* sum of all, shape (1) */
lyne_node *toy_refusal(lyne_graph *g, const char *name, lyne_node *src); /* its shape rule fails: "no such shape" */

/* What the tests do with a graph, where failing is a failure of the test. */
lyne_graph *new_graph(int64_t batch);
void expect_sound(const lyne_graph *g);
lyne_weights *new_weights(const lyne_graph *g, uint64_t seed);
lyne_program *compiled(const lyne_graph *g, const lyne_compile *what);
void run_once(lyne_program *p);
/* The numbers of a parameter and their gradient; NULL if there is none of that name. */
float *value_of(const lyne_weights *w, const char *name);
float *grad_of(const lyne_weights *w, const char *name);

#endif
