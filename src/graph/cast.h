/* graph/cast.h -- the op that lyne_graph_cast adds: private to graph/, as no recipe names it. */
#ifndef LYNE_GRAPH_CAST_H
#define LYNE_GRAPH_CAST_H

#include "graph/op.h"

/* Its config is the lyne_type of its value. */
extern const lyne_op lyne_cast_op;

#endif
