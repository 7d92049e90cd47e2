/* graph/program.c -- compile: emit every node forward, then backward, place the memory, bind the addresses.  Run: replay.
 *
 * Life of a step: lyne_program_run executes REFRESH (weights into the layouts the primitives chose, if they changed),
 * FORWARD, BACKWARD, each a flat list. */
#include "graph/program.h"
#include "base/log.h"
#include "graph/steps.h"
#include <assert.h>
#include <string.h>

/* Who reads each value: one node, several, or somebody outside, who counts as one without being a node. */
static void note_readers(lyne_program *p, const lyne_compile *what) {
    for (int i = 0; i < lyne_graph_n_nodes(p->graph); i++) {
        const lyne_node *n = lyne_graph_node(p->graph, i);
        for (int k = 0; k < n->n_src; k++) {
            p->state[n->src[k]->index].n_readers++;
            p->state[n->src[k]->index].reader = n;
        }
    }
    for (int i = 0; i < what->n_terms; i++) {
        p->state[what->term[i].node->index].n_readers += 2;
        p->state[what->term[i].node->index].term = &what->term[i];
        p->state[what->term[i].node->index].outside = true;
    }
    for (int i = 0; i < what->n_outputs; i++) {
        p->state[what->output[i]->index].n_readers += 2;
        p->state[what->output[i]->index].outside = true;
    }
}

static lyne_status init(lyne_program *p, const lyne_graph *g, const lyne_compile *what, lyne_error *err) {
    const int n = lyne_graph_n_nodes(g);
    p->graph = g;
    p->weights = what->weights;
    p->training = what->training;
    p->lean = what->lean && what->n_terms;
    p->state = lyne_alloc((size_t)n, sizeof *p->state);
    if (!p->state) return lyne_fail_memory(err, "a program");
    for (int i = 0; i < n; i++) {
        lyne_node_state *s = &p->state[i];
        s->dst = s->diff_dst = s->slope = LYNE_NO_BUFFER;
        for (int k = 0; k < N_KEPT; k++) s->kept[k] = LYNE_NO_BUFFER;
        for (int k = 0; k < LYNE_MAX_PARAMS; k++) s->before[k] = LYNE_NO_BUFFER;
    }
    note_readers(p, what);
    return dnn_context_new(&p->dnn, err);
}

static lyne_status checked(const lyne_program *p, lyne_status status, const lyne_node *n, lyne_error *err) {
    if (status == LYNE_OK && p->out_of_memory) return lyne_fail_memory(err, "a program");
    if (status != LYNE_OK) lyne_error_context(err, "%s", n->path);
    return status;
}

lyne_status lyne_emit_nodes(lyne_program *p, int first, int last, lyne_error *err) {
    for (int i = first; i <= last; i++) {
        const lyne_node *n = lyne_graph_node(p->graph, i);
        lyne_status status = LYNE_OK;
        if (p->lean && !p->again) status = lyne_keep_states(p, n, err);
        if (status == LYNE_OK && n->op && !p->state[i].taken_by) status = n->op->emit(p, n, err);
        if (!n->op && lyne_dst(p, n) != LYNE_NO_BUFFER) p->storage[lyne_dst(p, n)].whole = true;
        if ((status = checked(p, status, n, err)) != LYNE_OK) return status;
    }
    return LYNE_OK;
}

/* The gradient of the objective with respect to a term is the term's weight. */
static lyne_status seed_term(lyne_program *p, const lyne_term *term, lyne_error *err) {
    const lyne_node *n = term->node;
    lyne_node_state *s = &p->state[n->index];
    assert(lyne_shape_size(&n->shape) == 1);
    lyne_buffer b = lyne_storage_new(p, sizeof(float));
    if (b == LYNE_NO_BUFFER || !lyne_grow(&s->part, &s->part_capacity, s->n_parts + 1, sizeof *s->part))
        return lyne_fail_memory(err, "a program");
    p->storage[b].whole = true;
    p->storage[b].initial = (float)term->weight;
    s->part[s->n_parts++] = b;
    return LYNE_OK;
}

static lyne_status emit_node_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_node_state *s = &p->state[n->index];
    if (!s->taken_by) return n->op->emit_backward(p, n, err);
    for (int i = 0; i < n->n_src; i++) /* what has come is handed on, as it is, to whoever does the work */
        if (n->src[i] == s->taken_by || p->state[n->src[i]->index].taken_by == s->taken_by)
            for (size_t k = 0; k < s->n_parts; k++) lyne_diff_src_is(p, n, i, s->part[k]);
    return LYNE_OK;
}

/* cut: n_cuts nodes, behind which forward is thrown away and made again. */
static lyne_status emit_backward(lyne_program *p, const lyne_compile *what, const int *cut, int n_cuts,
                                 lyne_error *err) {
    p->now = BACKWARD;
    for (int i = 0; i < what->n_terms; i++)
        if (seed_term(p, &what->term[i], err) != LYNE_OK) return LYNE_ENOSPACE;
    for (int i = lyne_graph_n_nodes(p->graph) - 1; i >= 0; i--) {
        const lyne_node *n = lyne_graph_node(p->graph, i);
        if (n_cuts > 0 && i == cut[n_cuts - 1]) {
            n_cuts--;
            lyne_status again = lyne_emit_again(p, n_cuts > 0 ? cut[n_cuts - 1] + 1 : 0, i, err);
            if (again != LYNE_OK) return again;
        }
        if (!n->needs_grad || p->state[i].n_parts == 0) continue; /* trains nothing, or reaches no term */
        lyne_status status = emit_node_backward(p, n, err);
        lyne_status late = lyne_emit_late(p, err);
        if ((status = checked(p, status ? status : late, n, err)) != LYNE_OK) return status;
    }
    return LYNE_OK;
}

static void keep_readable(lyne_program *p, const lyne_node *n) {
    p->storage[p->state[n->index].dst].whole = true;
}

/* Number the steps through all passes, note the lifetimes, place the memory. */
static lyne_status place(lyne_program *p, lyne_error *err) {
    int at = 0;
    for (int pass = 0; pass < N_PASSES; pass++)
        for (int i = 0; i < p->pass[pass].n; i++, at++) {
            const lyne_step *s = &p->pass[pass].item[i];
            for (int k = 0; k < s->n_buffers; k++) {
                if (s->buffer[k] == LYNE_NO_BUFFER) continue;
                lyne_storage *b = &p->storage[s->buffer[k]];
                if (at < b->first) b->first = at;
                if (at > b->last) b->last = at;
            }
        }
    lyne_status status = lyne_place(p->storage, p->n_storage, at, &p->memory_bytes, err);
    if (status != LYNE_OK || !p->weights->value) return status; /* an outline */
    p->memory = lyne_alloc(p->memory_bytes, 1);
    return p->memory ? LYNE_OK : lyne_fail_memory(err, "a program's activations");
}

static void *address(const lyne_program *p, lyne_buffer b) {
    const lyne_storage *s = &p->storage[b];
    return s->fixed ? s->fixed : p->memory + s->offset;
}

static void bind(lyne_program *p) {
    for (int b = 0; b < p->n_storage; b++)
        if (p->storage[b].initial != 0) *(float *)address(p, b) = p->storage[b].initial;
    for (int pass = 0; pass < N_PASSES; pass++)
        for (int i = 0; i < p->pass[pass].n; i++) {
            lyne_step *s = &p->pass[pass].item[i];
            for (int k = 0; k < s->n_buffers; k++) {
                s->address[k] = s->buffer[k] == LYNE_NO_BUFFER ? NULL : address(p, s->buffer[k]);
                if (s->primitive) dnn_bind(s->primitive, s->arg[k], s->address[k]);
            }
        }
}

lyne_status lyne_program_compile(const lyne_graph *g, const lyne_compile *what, lyne_program **out, lyne_error *err) {
    assert(lyne_weights_fit(what->weights, g));
    assert(what->training || what->n_terms == 0); /* to look at a loss in inference, make its node an output */
    lyne_error local = {0};
    if (!err) err = &local;
    lyne_program *p = lyne_alloc(1, sizeof *p);
    if (!p) return lyne_fail_memory(err, "a program");
    int *cut = NULL, n_cuts = 0;
    p->now = FORWARD;
    if (init(p, g, what, err) != LYNE_OK) goto fail;
    if (lyne_emit_nodes(p, 0, lyne_graph_n_nodes(g) - 1, err) != LYNE_OK) goto fail;
    if (p->lean && lyne_lean_cuts(p, &cut, &n_cuts, err) != LYNE_OK) goto fail;
    if (what->n_terms && emit_backward(p, what, cut, n_cuts, err) != LYNE_OK) goto fail;
    for (int i = 0; i < what->n_terms; i++) keep_readable(p, what->term[i].node);
    for (int i = 0; i < what->n_outputs; i++) keep_readable(p, what->output[i]);
    if (place(p, err) != LYNE_OK) goto fail;
    if (p->memory) bind(p);
    *out = p;
    lyne_free(cut);
    return LYNE_OK;
fail:
    lyne_free(cut);
    lyne_program_free(p);
    return err->status;
}

void lyne_program_free(lyne_program *p) {
    if (!p) return;
    for (int pass = 0; pass < N_PASSES; pass++) {
        for (int i = 0; i < p->pass[pass].n; i++) dnn_primitive_free(p->pass[pass].item[i].primitive);
        lyne_free(p->pass[pass].item);
    }
    for (int i = 0; i < p->n_copies; i++) dnn_layout_free(p->copy[i].layout);
    for (int i = 0; p->state && i < lyne_graph_n_nodes(p->graph); i++) lyne_free(p->state[i].part);
    lyne_free(p->copy);
    lyne_free(p->late);
    lyne_free(p->state);
    lyne_free(p->storage);
    lyne_free(p->memory);
    lyne_arena_free(&p->arena);
    dnn_context_free(p->dnn);
    lyne_free(p);
}

void *lyne_program_input(lyne_program *p, const lyne_node *input) {
    assert(!input->op);
    return address(p, p->state[input->index].dst);
}

const void *lyne_program_output(const lyne_program *p, const lyne_node *output) {
    assert(p->storage[p->state[output->index].dst].whole);
    return address(p, p->state[output->index].dst);
}

static lyne_status run_step(const lyne_step *s, lyne_error *err) {
    if (s->kernel)
        s->kernel(&s->call);
    else if (dnn_execute(s->primitive, err) != LYNE_OK)
        return lyne_error_context(err, "%s", s->node->path);
    return LYNE_OK;
}

/* seconds: of this list's steps; NULL: nobody wants to know. */
static lyne_status run(const lyne_step_list *steps, double *seconds, lyne_error *err) {
    for (int i = 0; i < steps->n; i++) {
        const double start = seconds ? lyne_now() : 0;
        lyne_status status = run_step(&steps->item[i], err);
        if (status != LYNE_OK) return status;
        if (seconds) seconds[i] += lyne_now() - start;
    }
    return LYNE_OK;
}

lyne_status lyne_program_run_timed(lyne_program *p, const lyne_clock *clock, double *seconds, lyne_error *err) {
    assert(p->memory);
    p->clock = *clock;
    const bool stale = p->seen_version != p->weights->version;
    for (int pass = 0; pass < N_PASSES; pass++) {
        lyne_status status = pass == REFRESH && !stale ? LYNE_OK : run(&p->pass[pass], seconds, err);
        if (status != LYNE_OK) return status;
        if (seconds) seconds += p->pass[pass].n;
    }
    p->seen_version = p->weights->version;
    return LYNE_OK;
}

lyne_status lyne_program_run(lyne_program *p, const lyne_clock *clock, lyne_error *err) {
    return lyne_program_run_timed(p, clock, NULL, err);
}

size_t lyne_program_bytes(const lyne_program *p) {
    return p->memory_bytes;
}

int lyne_program_n_steps(const lyne_program *p) {
    int n = 0;
    for (int pass = 0; pass < N_PASSES; pass++) n += p->pass[pass].n;
    return n;
}
