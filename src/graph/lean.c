/* graph/lean.c -- less memory for more time (Chen, Xu, Zhang, Guestrin 2016, arXiv:1604.06174, section 4).
 *
 * Forward is cut into about sqrt(n) segments of about the same size, at nodes whose value is all that the rest reads.  Only
 * these values live until backward; before the gradients of a segment its nodes are emitted once more, into new buffers,
 * from the value at its beginning.  The last segment is still there.  Each value is the same bits as before, since an op is
 * a function of what it reads; of running statistics, which it moves, it gets the second time what they were the first
 * time, and what it makes of those is lost.  A step costs one forward pass more. */
#include "graph/steps.h"
#include <math.h>
#include <string.h>

/* Whether what follows node b reads no value but that of b, and b and what is before it do no work of what follows. */
static bool can_cut(const lyne_program *p, int b) {
    for (int k = b + 1; k < lyne_graph_n_nodes(p->graph); k++) {
        const lyne_node *n = lyne_graph_node(p->graph, k), *by = p->state[k].taken_by;
        if (by && by->index <= b) return false;
        for (int i = 0; i < n->n_src; i++)
            if (n->src[i]->index < b && n->src[i]->op) return false;
    }
    return lyne_graph_node(p->graph, b)->op != NULL;
}

static double bytes_of(const lyne_program *p, int i) {
    const lyne_node *n = lyne_graph_node(p->graph, i);
    return (double)lyne_shape_size(&n->shape) * (double)lyne_type_size(n->type);
}

lyne_status lyne_lean_cuts(const lyne_program *p, int **cut, int *n, lyne_error *err) {
    const int nodes = lyne_graph_n_nodes(p->graph);
    int candidates = 0;
    double total = 0, since = 0;
    *n = 0;
    *cut = lyne_alloc((size_t)nodes, sizeof **cut);
    if (!*cut) return lyne_fail_memory(err, "a program");
    for (int i = 0; i < nodes - 1; i++) {
        if (can_cut(p, i)) (*cut)[candidates++] = i;
        total += bytes_of(p, i);
    }
    const double share = total / ceil(sqrt((double)candidates + 1));
    for (int i = 0, k = 0; k < candidates; i++) {
        since += bytes_of(p, i);
        if (i != (*cut)[k]) continue;
        k++;
        if (since < share) continue;
        (*cut)[(*n)++] = i;
        since = 0;
    }
    return LYNE_OK;
}

/* buffers: from, to.  config: size_t bytes. */
static void copy(const lyne_call *call) {
    memcpy(call->buffer[1], call->buffer[0], *(const size_t *)call->config);
}

lyne_status lyne_keep_states(lyne_program *p, const lyne_node *n, lyne_error *err) {
    for (int i = 0; i < n->n_params; i++) {
        const lyne_param *param = lyne_graph_param(p->graph, n->param[i]);
        if (param->role != LYNE_STATE) continue;
        const size_t bytes = (size_t)lyne_shape_size(&param->shape) * sizeof(float);
        const lyne_buffer b[] = {lyne_weight(p, n, i, NULL, err), lyne_storage_new(p, bytes)};
        if (p->out_of_memory) return lyne_fail_memory(err, "a program");
        lyne_status status = lyne_emit_kernel(p, n, "keep state", copy, &bytes, sizeof bytes, b, 2, err);
        if (status != LYNE_OK) return status;
        p->state[n->index].before[i] = b[1];
    }
    return LYNE_OK;
}

lyne_status lyne_emit_again(lyne_program *p, int first, int last, lyne_error *err) {
    const lyne_buffer end = p->state[last].dst;      /* lives, and is written a second time with the same numbers */
    if (p->state[last].n_parts == 0) return LYNE_OK; /* no gradient goes in here */
    for (int i = first; i <= last; i++) {
        lyne_node_state *s = &p->state[i];
        if (lyne_graph_node(p->graph, i)->op && s->dst != end && !s->outside) s->dst = LYNE_NO_BUFFER;
        for (int k = 0; k < N_KEPT; k++) s->kept[k] = LYNE_NO_BUFFER;
    }
    p->again = true;
    lyne_status status = lyne_emit_nodes(p, first, last, err);
    p->again = false;
    return status;
}
