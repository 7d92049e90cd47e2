/* graph/graph.c -- building a graph: nodes, paths, parameters, and the first mistake. */
#include "base/memory.h"
#include "graph/cast.h"
#include "graph/op.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A tensor's elements stay far below what a 64-bit product or a 32-bit oneDNN dimension can hold. */
#define MAX_ELEMENTS ((int64_t)1 << 40)
#define MAX_PATH     200
#define MAX_DEPTH    16
#define MAX_PARAMS   12000 /* a model's file lists them, in a header that is to be read in 16 MiB */

struct lyne_graph {
    lyne_arena arena;
    int64_t batch;
    lyne_type precision;
    lyne_texts keep_f32;
    lyne_node **node;
    lyne_param *param;
    int n_nodes, n_params;
    size_t node_capacity, param_capacity;
    char scope[MAX_PATH]; /* "layer1.0." */
    size_t scope_end[MAX_DEPTH];
    int depth;
    lyne_error err;
    lyne_mark at; /* stays where it was once the graph has failed */
};

lyne_status lyne_graph_new(int64_t batch, lyne_graph **out, lyne_error *err) {
    assert(batch > 0);
    *out = lyne_alloc(1, sizeof **out);
    if (!*out) return lyne_fail_memory(err, "a graph");
    (*out)->batch = batch;
    return LYNE_OK;
}

void lyne_graph_free(lyne_graph *g) {
    if (!g) return;
    lyne_free(g->node);
    lyne_free(g->param);
    lyne_arena_free(&g->arena);
    lyne_free(g);
}

int64_t lyne_graph_batch(const lyne_graph *g) {
    return g->batch;
}
lyne_type lyne_graph_precision(const lyne_graph *g) {
    return g->precision;
}
void lyne_graph_set_precision(lyne_graph *g, lyne_type type) {
    assert(type == LYNE_F32 || type == LYNE_BF16);
    g->precision = type;
}
void lyne_graph_keep_f32(lyne_graph *g, lyne_texts paths) {
    g->keep_f32 = paths;
}
bool lyne_path_within(const char *node, const char *path) {
    const size_t n = strlen(path);
    return strncmp(node, path, n) == 0 && (node[n] == '\0' || node[n] == '.');
}
int lyne_graph_n_nodes(const lyne_graph *g) {
    return g->n_nodes;
}
lyne_node *lyne_graph_node(const lyne_graph *g, int index) {
    return g->node[index];
}
int lyne_graph_n_params(const lyne_graph *g) {
    return g->n_params;
}
const lyne_param *lyne_graph_param(const lyne_graph *g, int index) {
    return &g->param[index];
}

lyne_node *lyne_graph_fail(lyne_graph *g, const char *fmt, ...) {
    char text[sizeof g->err.text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    lyne_fail(&g->err, LYNE_ERECIPE, "%s", text);
    return NULL;
}

lyne_status lyne_graph_status(const lyne_graph *g, lyne_error *err) {
    return g->err.status ? lyne_fail(err, g->err.status, "%s", g->err.text) : LYNE_OK;
}

void lyne_graph_at(lyne_graph *g, lyne_mark mark) {
    if (!g->err.status) g->at = mark;
}

lyne_mark lyne_graph_failed_at(const lyne_graph *g) {
    return g->err.status ? g->at : (lyne_mark){0};
}

static lyne_node *out_of_memory(lyne_graph *g) {
    lyne_fail_memory(&g->err, "a graph");
    return NULL;
}

lyne_node *lyne_graph_find(const lyne_graph *g, const char *path) {
    for (int i = 0; i < g->n_nodes; i++)
        if (strcmp(g->node[i]->path, path) == 0) return g->node[i];
    return NULL;
}

void lyne_graph_enter(lyne_graph *g, const char *name) {
    size_t end = strlen(g->scope), more = strlen(name) + 1;
    if (g->depth == MAX_DEPTH || end + more >= MAX_PATH) {
        lyne_graph_fail(g, "%s%s: blocks are nested too deep", g->scope, name);
        return;
    }
    g->scope_end[g->depth++] = end;
    snprintf(g->scope + end, MAX_PATH - end, "%s.", name);
}

void lyne_graph_leave(lyne_graph *g) {
    if (g->err.status) return; /* an enter may have been refused */
    assert(g->depth > 0);
    g->scope[g->scope_end[--g->depth]] = '\0';
}

/* A node with its path, not yet in the graph. */
static lyne_node *make_node(lyne_graph *g, const char *name) {
    lyne_node *n = lyne_arena_alloc(&g->arena, sizeof *n);
    const char *path = lyne_arena_printf(&g->arena, "%s%s", g->scope, name);
    if (!n || !path) return out_of_memory(g);
    if (lyne_graph_find(g, path)) return lyne_graph_fail(g, "%s: two nodes have this name", path);
    n->path = path;
    n->graph = g;
    n->index = g->n_nodes;
    return n;
}

static lyne_node *append(lyne_graph *g, lyne_node *n) {
    if (!lyne_grow(&g->node, &g->node_capacity, (size_t)g->n_nodes + 1, sizeof *g->node)) return out_of_memory(g);
    return g->node[g->n_nodes++] = n;
}

/* Every dimension positive and the product within bounds. */
static bool shape_sane(const lyne_shape *s) {
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i] < 1 || s->dim[i] > INT32_MAX || __builtin_mul_overflow(n, s->dim[i], &n) || n > MAX_ELEMENTS)
            return false;
    return s->rank > 0 && s->rank <= LYNE_MAX_RANK;
}

lyne_node *lyne_graph_input(lyne_graph *g, const char *name, lyne_shape shape, lyne_type type) {
    if (g->err.status) return NULL;
    char text[LYNE_SHAPE_TEXT];
    if (!shape_sane(&shape))
        return lyne_graph_fail(g, "%s: %s is not a shape that fits in memory", name, lyne_shape_print(&shape, text));
    lyne_node *n = make_node(g, name);
    if (!n) return NULL;
    n->shape = shape;
    n->type = type;
    return append(g, n);
}

/* ---- types ---- */

static bool is_real(lyne_type type) {
    return type == LYNE_F32 || type == LYNE_BF16;
}

lyne_node *lyne_graph_cast(lyne_graph *g, lyne_node *n, lyne_type type) {
    if (!n || g->err.status) return NULL;
    assert(is_real(n->type) && is_real(type));
    if (n->type == type) return n;
    if (type == LYNE_F32 && n->op && n->op->can_widen && n->index == g->n_nodes - 1) { /* nobody has read it yet */
        n->type = type;
        return n;
    }
    const char *name = lyne_arena_printf(&g->arena, "%s.%s", n->path, type == LYNE_F32 ? "f32" : "bf16");
    if (!name) return out_of_memory(g);
    lyne_node *made = lyne_graph_find(g, name);
    if (made && made->op == &lyne_cast_op) return made;
    char scope[MAX_PATH]; /* its path starts at the top, as that of n does */
    memcpy(scope, g->scope, sizeof scope);
    g->scope[0] = '\0';
    made = lyne_graph_add(g, &lyne_cast_op, name, &type, &n, 1);
    memcpy(g->scope, scope, sizeof scope);
    return made;
}

/* Whether a node that would be added under this name is to compute in f32. */
static bool keeps_f32(const lyne_graph *g, const char *name) {
    char path[2 * MAX_PATH];
    snprintf(path, sizeof path, "%s%s", g->scope, name);
    for (size_t i = 0; i < g->keep_f32.n; i++)
        if (lyne_path_within(path, g->keep_f32.item[i])) return true;
    return false;
}

/* The type in which an op is given its sources. */
static lyne_type source_type(const lyne_graph *g, const lyne_op *op, const char *name, lyne_node *const *src,
                             int n_src) {
    if (op->precision == LYNE_F32_ONLY || keeps_f32(g, name)) return LYNE_F32;
    if (op->precision == LYNE_BF16_BEST) return g->precision;
    for (int i = 0; i < n_src; i++)
        if (src[i]->type == LYNE_BF16) return LYNE_BF16;
    return LYNE_F32;
}

/* The sources as the op takes them; false when the graph has failed. */
static bool cast_sources(lyne_graph *g, const lyne_op *op, const char *name, lyne_node *const *src, int n_src,
                         lyne_node **out) {
    if (op == &lyne_cast_op) {
        memcpy(out, src, (size_t)n_src * sizeof *src);
        return true;
    }
    const lyne_type type = source_type(g, op, name, src, n_src);
    for (int i = 0; i < n_src; i++) {
        out[i] = is_real(src[i]->type) ? lyne_graph_cast(g, src[i], type) : src[i];
        if (!out[i]) return false;
    }
    return true;
}

static bool any_trained(const lyne_graph *g, const lyne_node *n) {
    for (int i = 0; i < n->n_src; i++)
        if (n->src[i]->needs_grad) return true;
    for (int i = 0; i < n->n_params; i++)
        if (g->param[n->param[i]].role != LYNE_STATE) return true;
    return false;
}

/* A model for pictures is given a text: its first layer is where that shows. */
static bool reads_tokens(const lyne_node *n) {
    for (int i = 0; i < n->n_src; i++)
        if (!n->src[i]->op && n->src[i]->type == LYNE_S32) return true;
    return false;
}

lyne_node *lyne_graph_add(lyne_graph *g, const lyne_op *op, const char *name, const void *config, lyne_node *const *src,
                          int n_src) {
    if (g->err.status) return NULL;
    assert(n_src == op->n_src);
    for (int i = 0; i < n_src; i++) {
        if (!src[i]) return lyne_graph_fail(g, "%s%s: its source %d is missing", g->scope, name, i);
        assert(src[i]->graph == g);
    }
    lyne_node *given[LYNE_MAX_SRC];
    if (!cast_sources(g, op, name, src, n_src, given)) return NULL;
    lyne_node *n = make_node(g, name);
    if (!n) return NULL;
    n->op = op;
    n->n_src = n_src;
    memcpy(n->src, given, (size_t)n_src * sizeof *given);
    n->type = n_src ? given[0]->type : LYNE_F32;
    if (op->component.config_size) {
        void *copy = lyne_arena_alloc(&g->arena, op->component.config_size);
        if (!copy) return out_of_memory(g);
        n->config = memcpy(copy, config, op->component.config_size);
    }
    lyne_error err = {0};
    char text[LYNE_SHAPE_TEXT];
    if (op->shape(n, &err) != LYNE_OK) {
        lyne_fail(&g->err, err.status, "%s: %s%s", n->path, err.text,
                  reads_tokens(n) ? "; what it is given are the samples as they are, sequences of tokens" : "");
        return NULL;
    }
    if (!shape_sane(&n->shape))
        return lyne_graph_fail(g, "%s: %s is not a shape that fits in memory", n->path,
                               lyne_shape_print(&n->shape, text));
    n->needs_grad = op->emit_backward && any_trained(g, n);
    return append(g, n);
}

lyne_status lyne_node_param(lyne_node *n, const char *name, lyne_shape shape, lyne_role role, lyne_init init,
                            int64_t fan_in, lyne_error *err) {
    lyne_graph *g = n->graph;
    char text[LYNE_SHAPE_TEXT];
    assert(n->n_params < LYNE_MAX_PARAMS);
    if (g->n_params >= MAX_PARAMS)
        return lyne_fail(err, LYNE_ERECIPE, "a model has at most %d arrays of parameters, and this is one more",
                         MAX_PARAMS);
    if (!shape_sane(&shape))
        return lyne_fail(err, LYNE_ERECIPE, "a %s of shape %s does not fit in memory", name,
                         lyne_shape_print(&shape, text));
    const char *full = lyne_arena_printf(&g->arena, "%s.%s", n->path, name);
    if (!full || !lyne_grow(&g->param, &g->param_capacity, (size_t)g->n_params + 1, sizeof *g->param))
        return lyne_fail_memory(err, "a graph");
    g->param[g->n_params] = (lyne_param){.name = full, .shape = shape, .role = role, .init = init, .fan_in = fan_in};
    n->param[n->n_params++] = g->n_params++;
    return LYNE_OK;
}

int64_t lyne_graph_count_params(const lyne_graph *g) {
    int64_t n = 0;
    for (int i = 0; i < g->n_params; i++)
        if (g->param[i].role != LYNE_STATE) n += lyne_shape_size(&g->param[i].shape);
    return n;
}

int64_t lyne_macs(const lyne_node *n, int64_t for_each) {
    int64_t macs;
    return __builtin_mul_overflow(lyne_shape_size(&n->shape), for_each, &macs) ? INT64_MAX : macs;
}

int64_t lyne_graph_count_macs(const lyne_graph *g) {
    int64_t macs = 0;
    for (int i = 0; i < g->n_nodes; i++)
        if (g->node[i]->op && g->node[i]->op->macs &&
            __builtin_add_overflow(macs, g->node[i]->op->macs(g->node[i]), &macs))
            return INT64_MAX;
    return macs / g->batch;
}
