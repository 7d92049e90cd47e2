/* graph/emit.c -- what ops ask of the program while it is compiled: buffers, weights in a layout, steps. */
#include "base/bf16.h"
#include "base/vector.h"
#include "graph/pack.h"
#include "graph/steps.h"
#include <assert.h>
#include <limits.h>
#include <string.h>

bool lyne_is_training(const lyne_program *p) {
    return p->training;
}
dnn_context *lyne_program_dnn(lyne_program *p) {
    return p->dnn;
}

static dnn_tensor tensor_of(const lyne_shape *s, dnn_type type, dnn_format format) {
    dnn_tensor t = {.rank = s->rank, .type = type, .format = format};
    for (int i = 0; i < s->rank; i++) t.dim[i] = s->dim[i];
    return t;
}

dnn_tensor lyne_tensor(const lyne_node *n) {
    static const dnn_type type[] = {
        [LYNE_F32] = DNN_F32, [LYNE_BF16] = DNN_BF16, [LYNE_S32] = DNN_S32, [LYNE_U8] = DNN_U8};
    return tensor_of(&n->shape, type[n->type], n->shape.rank == 4 ? DNN_CHANNELS_LAST : DNN_PLAIN);
}

dnn_tensor lyne_param_tensor(const lyne_node *n, int param, dnn_format format) {
    return tensor_of(&lyne_graph_param(n->graph, n->param[param])->shape, DNN_F32, format);
}

/* ---- buffers ---- */

lyne_buffer lyne_storage_new(lyne_program *p, size_t bytes) {
    if (!lyne_grow(&p->storage, &p->storage_capacity, (size_t)p->n_storage + 1, sizeof *p->storage)) {
        p->out_of_memory = true;
        return LYNE_NO_BUFFER;
    }
    p->storage[p->n_storage] = (lyne_storage){.bytes = bytes, .first = INT_MAX, .last = -1};
    return p->n_storage++;
}

static lyne_buffer fixed(lyne_program *p, float *address, size_t bytes) {
    lyne_buffer b = lyne_storage_new(p, bytes);
    if (b != LYNE_NO_BUFFER) p->storage[b].fixed = address;
    return b;
}

static size_t value_bytes(const lyne_node *n) {
    return (size_t)lyne_shape_size(&n->shape) * lyne_type_size(n->type);
}

lyne_buffer lyne_scratch(lyne_program *p, size_t bytes) {
    return lyne_storage_new(p, bytes);
}

lyne_buffer lyne_dst(lyne_program *p, const lyne_node *n) {
    lyne_node_state *s = &p->state[n->index];
    if (s->dst == LYNE_NO_BUFFER) s->dst = lyne_storage_new(p, value_bytes(n));
    return s->dst;
}

void lyne_dst_is(lyne_program *p, const lyne_node *n, lyne_buffer b) {
    p->state[n->index].dst = b;
}
lyne_buffer lyne_src(lyne_program *p, const lyne_node *n, int i) {
    return lyne_dst(p, n->src[i]);
}

const lyne_node *lyne_sole_reader(const lyne_program *p, const lyne_node *n) {
    const lyne_node_state *s = &p->state[n->index];
    return s->n_readers == 1 ? s->reader : NULL;
}

void lyne_take_over(lyne_program *p, const lyne_node *n, const lyne_node *reader) {
    p->state[reader->index].taken_by = n;
    lyne_dst_is(p, n, lyne_dst(p, reader));
}

const lyne_node *lyne_taken(const lyne_program *p, const lyne_node *n, const lyne_op *op) {
    for (int i = n->index + 1; i < lyne_graph_n_nodes(p->graph); i++)
        if (p->state[i].taken_by == n && lyne_graph_node(p->graph, i)->op == op) return lyne_graph_node(p->graph, i);
    return NULL;
}

/* How often node k reads n. */
static int reads(const lyne_node *k, const lyne_node *n) {
    int times = 0;
    for (int i = 0; i < k->n_src; i++) times += k->src[i] == n;
    return times;
}

bool lyne_may_overwrite(const lyne_program *p, const lyne_node *n, const lyne_node *reader, int i) {
    const lyne_buffer b = p->state[reader->src[i]->index].dst;
    for (int v = 0; v < n->index; v++) { /* the value and its views */
        const lyne_node *value = lyne_graph_node(p->graph, v);
        if (p->state[v].dst != b) continue;
        if (!value->op || p->state[v].n_readers == 0) return false;
        int done = reads(reader, value);
        for (int k = v + 1; k < n->index; k++) done += reads(lyne_graph_node(p->graph, k), value);
        if (done != p->state[v].n_readers) return false; /* n itself reads it, one behind n, or somebody outside */
    }
    return true;
}

lyne_buffer lyne_kept(lyne_program *p, const lyne_node *n, int k, size_t bytes) {
    assert(k >= 0 && k < N_KEPT);
    lyne_buffer *kept = &p->state[n->index].kept[k];
    if (*kept == LYNE_NO_BUFFER) *kept = lyne_storage_new(p, bytes);
    return *kept;
}

bool lyne_is_term(const lyne_program *p, const lyne_node *n, double *weight) {
    const lyne_node_state *s = &p->state[n->index];
    if (!s->term || s->reader) return false;
    *weight = s->term->weight;
    return true;
}

/* ---- gradients of values: contributions are collected, and summed when the maker of the value asks ---- */

void lyne_diff_src_is(lyne_program *p, const lyne_node *n, int i, lyne_buffer b) {
    lyne_node_state *s = &p->state[n->src[i]->index];
    if (!n->src[i]->needs_grad) return;
    if (!lyne_grow(&s->part, &s->part_capacity, s->n_parts + 1, sizeof *s->part)) {
        p->out_of_memory = true;
        return;
    }
    s->part[s->n_parts++] = b;
}

lyne_buffer lyne_diff_src(lyne_program *p, const lyne_node *n, int i) {
    if (!n->src[i]->needs_grad) return LYNE_NO_BUFFER;
    lyne_buffer b = lyne_storage_new(p, value_bytes(n->src[i]));
    lyne_diff_src_is(p, n, i, b);
    return b;
}

lyne_buffer lyne_diff_src_so_far(lyne_program *p, const lyne_node *n, int i) {
    lyne_node_state *s = &p->state[n->src[i]->index];
    if (!n->src[i]->needs_grad || s->n_parts != 1) return LYNE_NO_BUFFER;
    s->n_parts = 0;
    return s->part[0];
}

void lyne_slope_is(lyne_program *p, const lyne_node *n, lyne_buffer slope) {
    p->state[n->index].slope = slope;
}

lyne_buffer lyne_slope_of_src(lyne_program *p, const lyne_node *n, int i) {
    lyne_node_state *s = &p->state[n->src[i]->index];
    if (s->slope == LYNE_NO_BUFFER || lyne_sole_reader(p, n->src[i]) != n) return LYNE_NO_BUFFER;
    s->slope_is_in = true;
    return s->slope;
}

bool lyne_slope_is_in(const lyne_program *p, const lyne_node *n) {
    return p->state[n->index].slope_is_in;
}

typedef struct sum_config {
    int64_t n;
    int n_parts;
    bool bf16;
} sum_config;

enum { BLOCK = 2048 };

/* Elements at and behind `at`, in the order of the parts; bf16 is rounded once, at the end. */
LYNE_INLINE void sum_block(const sum_config *c, void *const *buffer, int64_t at, int64_t n, bool bf16) {
    float total[BLOCK];
    for (int64_t i = 0; i < n; i++) total[i] = lyne_load(buffer[1], at + i, bf16);
    for (int k = 2; k <= c->n_parts; k++) {
        const void *restrict part = buffer[k];
        for (int64_t i = 0; i < n; i++) total[i] += lyne_load(part, at + i, bf16);
    }
    void *restrict dst = buffer[0];
    for (int64_t i = 0; i < n; i++) lyne_store(dst, at + i, bf16, total[i]);
}
LYNE_VECTOR static void sum_f32(const sum_config *c, void *const *buffer, int64_t at, int64_t n) {
    sum_block(c, buffer, at, n, false);
}
LYNE_VECTOR static void sum_bf16(const sum_config *c, void *const *buffer, int64_t at, int64_t n) {
    sum_block(c, buffer, at, n, true);
}

/* buffers: the sum, then its parts, two or more */
static void sum(const lyne_call *call) {
    const sum_config *c = call->config;
#pragma omp parallel for schedule(static) if (c->n > 16384)
    for (int64_t at = 0; at < c->n; at += BLOCK)
        (c->bf16 ? sum_bf16 : sum_f32)(c, call->buffer, at, c->n - at < BLOCK ? c->n - at : BLOCK);
}

lyne_buffer lyne_diff_dst(lyne_program *p, const lyne_node *n) {
    lyne_node_state *s = &p->state[n->index];
    assert(s->n_parts > 0);
    if (s->diff_dst != LYNE_NO_BUFFER) return s->diff_dst;
    if (s->n_parts == 1) return s->diff_dst = s->part[0];
    lyne_buffer *b = lyne_arena_alloc(&p->arena, (s->n_parts + 1) * sizeof *b);
    if (!b) {
        p->out_of_memory = true;
        return LYNE_NO_BUFFER;
    }
    b[0] = lyne_storage_new(p, value_bytes(n));
    memcpy(b + 1, s->part, s->n_parts * sizeof *b);
    sum_config c = {.n = lyne_shape_size(&n->shape), .n_parts = (int)s->n_parts, .bf16 = n->type == LYNE_BF16};
    if (lyne_emit_kernel(p, n, "sum", sum, &c, sizeof c, b, c.n_parts + 1, NULL) != LYNE_OK) p->out_of_memory = true;
    return s->diff_dst = b[0];
}

int lyne_diff_dst_parts(lyne_program *p, const lyne_node *n, lyne_buffer part[2]) {
    const lyne_node_state *s = &p->state[n->index];
    const bool two = s->n_parts == 2 && s->diff_dst == LYNE_NO_BUFFER;
    part[0] = two ? s->part[0] : lyne_diff_dst(p, n);
    part[1] = two ? s->part[1] : LYNE_NO_BUFFER;
    return two ? 2 : 1;
}

/* ---- parameters ---- */

static size_t param_bytes(const lyne_program *p, int param) {
    return (size_t)lyne_shape_size(&p->weights->param[param].shape) * sizeof(float);
}

/* The value or gradient of a parameter as it is stored; of an outline, which has neither, a place that nobody reads. */
static lyne_buffer stored(lyne_program *p, int param, float *array) {
    static float nowhere;
    return fixed(p, array ? array + p->weights->offset[param] : &nowhere, param_bytes(p, param));
}

static lyne_status emit_reorder(lyne_program *p, const lyne_node *n, const dnn_layout *from, lyne_buffer src,
                                const dnn_layout *to, lyne_buffer dst, lyne_error *err) {
    dnn_primitive *reorder;
    if (dnn_reorder(p->dnn, from, to, &reorder, err) != LYNE_OK) return err ? err->status : LYNE_EOTHER;
    const lyne_binding bindings[] = {{DNN_SRC, src}, {DNN_DST, dst}};
    return lyne_emit_primitive(p, n, reorder, bindings, 2, err);
}

/* A row-major f32 buffer in another layout. */
static lyne_status emit_copy(lyne_program *p, const lyne_node *n, const dnn_layout *from, lyne_buffer src,
                             const dnn_layout *to, lyne_buffer dst, lyne_error *err) {
    lyne_packing c;
    if (!lyne_packing_of(to, &c)) return emit_reorder(p, n, from, src, to, dst, err);
    return lyne_emit_kernel(p, n, "pack", lyne_pack, &c, sizeof c, (lyne_buffer[]){src, dst}, 2, err);
}

void lyne_at_refresh(lyne_program *p, bool yes) {
    p->now = yes ? REFRESH : FORWARD;
}

lyne_buffer lyne_refreshed(lyne_program *p, const lyne_node *n, lyne_buffer plain, const dnn_layout *layout,
                           lyne_error *err) {
    const step_pass pass = p->now;
    dnn_layout *from = NULL;
    lyne_buffer b = plain;
    if (layout && dnn_layout_plain(layout, DNN_F32, &from, err) != LYNE_OK) return LYNE_NO_BUFFER;
    if (layout && !dnn_layout_equal(from, layout)) {
        b = lyne_storage_new(p, dnn_layout_bytes(layout));
        p->now = REFRESH;
        if (b != LYNE_NO_BUFFER && emit_copy(p, n, from, plain, layout, b, err) != LYNE_OK) b = LYNE_NO_BUFFER;
        p->now = pass;
    }
    if (b != LYNE_NO_BUFFER) p->storage[b].whole = true;
    dnn_layout_free(from);
    return b;
}

/* The copy is entered in the list, for whoever asks for it next. */
static lyne_status remember_copy(lyne_program *p, lyne_weight_copy copy, const dnn_layout *layout, lyne_error *err) {
    if (!lyne_grow(&p->copy, &p->copy_capacity, (size_t)p->n_copies + 1, sizeof *p->copy))
        return lyne_fail_memory(err, "a program");
    if (layout && dnn_layout_copy(layout, &copy.layout, err) != LYNE_OK) return LYNE_ENOSPACE;
    p->copy[p->n_copies++] = copy;
    return LYNE_OK;
}

lyne_buffer lyne_weight(lyne_program *p, const lyne_node *n, int i, const dnn_layout *layout, lyne_error *err) {
    const int param = n->param[i];
    if (p->again && lyne_graph_param(p->graph, param)->role == LYNE_STATE) return p->state[n->index].before[i];
    for (int k = 0; k < p->n_copies; k++)
        if (layout && p->copy[k].layout && p->copy[k].param == param && dnn_layout_equal(p->copy[k].layout, layout))
            return p->copy[k].buffer;
    const lyne_buffer as_stored = stored(p, param, p->weights->value);
    if (!layout || as_stored == LYNE_NO_BUFFER) return as_stored;
    const lyne_buffer b = lyne_refreshed(p, n, as_stored, layout, err);
    if (b == LYNE_NO_BUFFER || b == as_stored) return b;
    const lyne_status status = remember_copy(p, (lyne_weight_copy){.param = param, .buffer = b}, layout, err);
    return status == LYNE_OK ? b : LYNE_NO_BUFFER;
}

lyne_buffer lyne_weight_made(lyne_program *p, const lyne_node *n, int i, size_t bytes, const char *name,
                             lyne_kernel kernel, const void *config, size_t config_size, lyne_error *err) {
    const step_pass pass = p->now;
    for (int k = 0; k < p->n_copies; k++)
        if (p->copy[k].name && p->copy[k].param == n->param[i] && strcmp(p->copy[k].name, name) == 0)
            return p->copy[k].buffer;
    const lyne_buffer b[] = {stored(p, n->param[i], p->weights->value), lyne_storage_new(p, bytes)};
    if (p->out_of_memory) {
        lyne_fail_memory(err, "a program");
        return LYNE_NO_BUFFER;
    }
    p->storage[b[1]].whole = true;
    p->now = REFRESH;
    lyne_status status = lyne_emit_kernel(p, n, name, kernel, config, config_size, b, 2, err);
    p->now = pass;
    if (status != LYNE_OK) return LYNE_NO_BUFFER;
    const lyne_weight_copy made = {.param = n->param[i], .name = name, .buffer = b[1]};
    return remember_copy(p, made, NULL, err) == LYNE_OK ? b[1] : LYNE_NO_BUFFER;
}

lyne_buffer lyne_diff_weight(lyne_program *p, const lyne_node *n, int i, const dnn_layout *layout, lyne_error *err) {
    dnn_layout *plain = NULL;
    lyne_buffer as_stored = stored(p, n->param[i], p->weights->grad);
    if (!layout) return as_stored;
    if (dnn_layout_plain(layout, DNN_F32, &plain, err) != LYNE_OK) return LYNE_NO_BUFFER;
    lyne_buffer b = as_stored;
    if (!dnn_layout_equal(plain, layout)) {
        b = lyne_storage_new(p, dnn_layout_bytes(layout));
        lyne_late_reorder late = {.node = n, .from = NULL, .to = plain, .src = b, .dst = as_stored};
        if (b == LYNE_NO_BUFFER || dnn_layout_copy(layout, &late.from, err) != LYNE_OK) goto fail;
        if (!lyne_grow(&p->late, &p->late_capacity, (size_t)p->n_late + 1, sizeof *p->late)) {
            dnn_layout_free(late.from);
            lyne_fail_memory(err, "a program");
            goto fail;
        }
        p->late[p->n_late++] = late;
        return b;
    }
    dnn_layout_free(plain);
    return b;
fail:
    dnn_layout_free(plain);
    return LYNE_NO_BUFFER;
}

lyne_status lyne_emit_late(lyne_program *p, lyne_error *err) {
    lyne_status status = LYNE_OK;
    for (int i = 0; i < p->n_late; i++) {
        lyne_late_reorder *l = &p->late[i];
        if (status == LYNE_OK) status = emit_reorder(p, l->node, l->from, l->src, l->to, l->dst, err);
        dnn_layout_free(l->from);
        dnn_layout_free(l->to);
    }
    p->n_late = 0;
    return status;
}

/* ---- steps ---- */

/* A step of the current pass with room for its buffers; NULL when memory is out. */
static lyne_step *new_step(lyne_program *p, const lyne_node *n, const char *name, int n_buffers) {
    lyne_step_list *list = &p->pass[p->now];
    lyne_step s = {.pass = p->now, .node = n, .name = name, .n_buffers = n_buffers};
    s.buffer = lyne_arena_alloc(&p->arena, (size_t)n_buffers * sizeof *s.buffer);
    s.arg = lyne_arena_alloc(&p->arena, (size_t)n_buffers * sizeof *s.arg);
    s.address = lyne_arena_alloc(&p->arena, (size_t)n_buffers * sizeof *s.address);
    if (!s.buffer || !s.arg || !s.address) return NULL;
    if (!lyne_grow(&list->item, &list->capacity, (size_t)list->n + 1, sizeof *list->item)) return NULL;
    list->item[list->n] = s;
    return &list->item[list->n++];
}

lyne_status lyne_emit_primitive(lyne_program *p, const lyne_node *n, dnn_primitive *primitive,
                                const lyne_binding *bindings, int n_bindings, lyne_error *err) {
    const dnn_layout *scratchpad = dnn_layout_of(primitive, DNN_SCRATCHPAD);
    lyne_step *s = new_step(p, n, dnn_implementation(primitive), n_bindings + (scratchpad != NULL));
    if (!s) {
        dnn_primitive_free(primitive);
        return lyne_fail_memory(err, "a program");
    }
    s->primitive = primitive;
    for (int i = 0; i < n_bindings; i++) {
        if (bindings[i].buffer == LYNE_NO_BUFFER) return lyne_fail_memory(err, "a program"); /* unless err says why */
        s->arg[i] = bindings[i].arg;
        s->buffer[i] = bindings[i].buffer;
    }
    if (scratchpad) {
        s->arg[n_bindings] = DNN_SCRATCHPAD;
        s->buffer[n_bindings] = lyne_scratch(p, dnn_layout_bytes(scratchpad));
    }
    return LYNE_OK;
}

lyne_status lyne_emit_kernel(lyne_program *p, const lyne_node *n, const char *name, lyne_kernel kernel,
                             const void *config, size_t config_size, const lyne_buffer *buffers, int n_buffers,
                             lyne_error *err) {
    lyne_step *s = new_step(p, n, name, n_buffers);
    void *copy = lyne_arena_alloc(&p->arena, config_size + 1);
    if (!s || !copy) return lyne_fail_memory(err, "a program");
    if (config_size) memcpy(copy, config, config_size);
    memcpy(s->buffer, buffers, (size_t)n_buffers * sizeof *buffers);
    s->kernel = kernel;
    s->call = (lyne_call){.node = n, .config = copy, .buffer = s->address, .clock = &p->clock};
    return LYNE_OK;
}
