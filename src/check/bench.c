/* check/bench.c -- see bench.h. */
#include "check/bench.h"
#include "base/bf16.h"
#include "base/random.h"
#include "component/config.h"
#include <string.h>

int64_t memory_index(const lyne_shape *s, int64_t plain_index) {
    if (s->rank != 4) return plain_index;
    const int64_t C = s->dim[1], H = s->dim[2], W = s->dim[3];
    const int64_t w = plain_index % W, h = plain_index / W % H, c = plain_index / W / H % C,
                  b = plain_index / W / H / C;
    return ((b * H + h) * W + w) * C + c;
}

void plain_from_memory(const lyne_shape *s, const float *memory, double *plain) {
    for (int64_t i = 0; i < lyne_shape_size(s); i++) plain[i] = memory[memory_index(s, i)];
}

/* ---- the op "variable": a value that is its parameter ---- */

static lyne_status variable_shape(lyne_node *n, lyne_error *err) {
    n->shape = *(const lyne_shape *)n->config;
    return lyne_node_param(n, "value", n->shape, LYNE_WEIGHT, LYNE_INIT_ZERO, 0, err);
}
static void variable_forward(const lyne_call *call) {
    const float *value = call->buffer[0];
    float *dst = call->buffer[1];
    const lyne_shape *s = &call->node->shape;
    for (int64_t i = 0; i < lyne_shape_size(s); i++) dst[memory_index(s, i)] = value[i];
}
static void variable_backward(const lyne_call *call) {
    const float *diff_dst = call->buffer[0];
    float *diff = call->buffer[1];
    const lyne_shape *s = &call->node->shape;
    for (int64_t i = 0; i < lyne_shape_size(s); i++) diff[i] = diff_dst[memory_index(s, i)];
}
static lyne_status variable_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_weight(p, n, 0, NULL, err), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "variable", variable_forward, NULL, 0, b, 2, err);
}
static lyne_status variable_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_diff_dst(p, n), lyne_diff_weight(p, n, 0, NULL, err)};
    return lyne_emit_kernel(p, n, "variable", variable_backward, NULL, 0, b, 2, err);
}
static const lyne_op variable = {.component = {.kind = LYNE_OP, .name = "variable", .config_size = sizeof(lyne_shape)},
                                 .shape = variable_shape,
                                 .emit = variable_emit,
                                 .emit_backward = variable_emit_backward};

/* ---- the op "dot": sum(r_i * src_i) ---- */

typedef struct dot_config {
    const float *r;
    double *sum;
} dot_config;

static lyne_status dot_shape(lyne_node *n, lyne_error *err) {
    (void)err;
    n->shape = LYNE_SHAPE(1);
    return LYNE_OK;
}
static void dot_forward(const lyne_call *call) {
    const dot_config *c = call->node->config;
    const float *src = call->buffer[0];
    double sum = 0;
    for (int64_t i = 0; i < lyne_shape_size(&call->node->src[0]->shape); i++) sum += (double)c->r[i] * (double)src[i];
    *c->sum = sum;
    *(float *)call->buffer[1] = (float)sum;
}
static void dot_backward(const lyne_call *call) {
    const dot_config *c = call->node->config;
    const float *diff_dst = call->buffer[0];
    float *diff_src = call->buffer[1];
    for (int64_t i = 0; i < lyne_shape_size(&call->node->src[0]->shape); i++) diff_src[i] = c->r[i] * diff_dst[0];
}
static lyne_status dot_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "dot", dot_forward, NULL, 0, b, 2, err);
}
static lyne_status dot_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "dot", dot_backward, NULL, 0, b, 2, err);
}
static const lyne_op dot = {.component = {.kind = LYNE_OP, .name = "dot", .config_size = sizeof(dot_config)},
                            .n_src = 1,
                            .shape = dot_shape,
                            .emit = dot_emit,
                            .emit_backward = dot_emit_backward};

/* ---- the numbers ---- */

/* In about +-1.5, off the kink, or all different by twice the margin and more, in an order that looks random. */
static void draw(const bench_subject *s, uint64_t which, int64_t n, float *out) {
    lyne_stream stream = lyne_stream_at(1, LYNE_FOR_CHECK, 0, which);
    for (int64_t i = 0; i < n; i++) {
        out[i] = 3 * lyne_stream_uniform(&stream) - 1.5f;
        if (s->spread)
            out[i] = 3 * BENCH_MARGIN * ((float)lyne_permute(which, 0, (uint64_t)n, (uint64_t)i) - (float)n / 2);
        if (s->has_kink && out[i] >= s->kink && out[i] < s->kink + 2 * BENCH_MARGIN) out[i] += 2 * BENCH_MARGIN;
        if (s->has_kink && out[i] < s->kink && out[i] > s->kink - 2 * BENCH_MARGIN) out[i] -= 2 * BENCH_MARGIN;
    }
}

/* r between 0.5 and 1.5 in size, of either sign. */
static float *draw_r(int64_t n) {
    float *r = lyne_alloc((size_t)n, sizeof *r);
    if (!r) return NULL;
    lyne_stream stream = lyne_stream_at(2, LYNE_FOR_CHECK, 0, 0);
    for (int64_t i = 0; i < n; i++) {
        const float size = 0.5f + lyne_stream_uniform(&stream);
        r[i] = lyne_stream_bits(&stream) & 1 ? -size : size;
    }
    return r;
}

static void fill(bench *b) {
    const lyne_weights *w = b->weights;
    for (int i = 0; i < w->n; i++)
        if (w->param[i].role != LYNE_STATE)
            draw(b->subject, 100 + (uint64_t)i, lyne_shape_size(&w->param[i].shape), w->value + w->offset[i]);
    for (size_t i = 0; b->subject->rounded && i < w->n_trained; i++)
        w->value[i] = lyne_from_bf16(lyne_to_bf16(w->value[i]));
    for (int i = 0; i < b->subject->n_src; i++) {
        const bench_source *s = &b->subject->src[i];
        if (b->src[i]->op) continue;
        void *at = lyne_program_input(b->program, b->src[i]);
        lyne_stream stream = lyne_stream_at(3, LYNE_FOR_CHECK, 0, (uint64_t)i);
        for (int64_t k = 0; k < lyne_shape_size(&s->shape); k++)
            if (s->type == LYNE_U8)
                ((uint8_t *)at)[k] = (uint8_t)lyne_stream_bits(&stream);
            else if (s->type == LYNE_S32)
                ((int32_t *)at)[k] = (int32_t)lyne_stream_between(&stream, 0, s->labels - 1);
            else
                ((float *)at)[k] = 3 * lyne_stream_uniform(&stream) - 1.5f;
    }
    bench_changed(b);
}

lyne_status bench_open(bench *b, const bench_subject *s, bool training, lyne_error *err) {
    static const char *const name[] = {"src0", "src1", "src2", "src3"};
    *b = (bench){.subject = s, .clock = {.seed = 7, .position = 1000}};
    if (lyne_graph_new(s->src[0].shape.dim[0], &b->graph, err) != LYNE_OK) return err->status;
    if (s->bf16) lyne_graph_set_precision(b->graph, LYNE_BF16);
    lyne_node *given[LYNE_MAX_SRC];
    for (int i = 0; i < s->n_src; i++) {
        b->src[i] = s->src[i].type != LYNE_F32 || s->src[i].constant
                        ? lyne_graph_input(b->graph, name[i], s->src[i].shape, s->src[i].type)
                        : lyne_graph_add(b->graph, &variable, name[i], &s->src[i].shape, NULL, 0);
        given[i] = s->bf16 && s->src[i].type == LYNE_F32 ? lyne_graph_cast(b->graph, b->src[i], LYNE_BF16) : b->src[i];
    }
    b->node = lyne_graph_cast(b->graph, s->build(b->graph, s->context, given), LYNE_F32);
    if (lyne_graph_status(b->graph, err) != LYNE_OK) return err->status;
    b->r = draw_r(lyne_shape_size(&b->node->shape));
    if (!b->r) return lyne_fail_memory(err, "a bench");
    const dot_config c = {.r = b->r, .sum = &b->objective};
    lyne_node *objective = lyne_graph_add(b->graph, &dot, "objective", &c, &b->node, 1);
    if (lyne_graph_status(b->graph, err) != LYNE_OK) return err->status;
    if (lyne_weights_new(b->graph, 1, &b->weights, err) != LYNE_OK) return err->status;
    const lyne_term term = {.node = objective, .weight = 1};
    const lyne_compile what = {.weights = b->weights,
                               .training = training,
                               .term = &term,
                               .n_terms = training && objective->needs_grad,
                               .output = (lyne_node *[]){b->node, objective},
                               .n_outputs = 2};
    if (lyne_program_compile(b->graph, &what, &b->program, err) != LYNE_OK) return err->status;
    fill(b);
    return LYNE_OK;
}

void bench_close(bench *b) {
    lyne_program_free(b->program);
    lyne_weights_free(b->weights);
    lyne_graph_free(b->graph);
    lyne_free(b->r);
    *b = (bench){0};
}

lyne_status bench_run(bench *b, lyne_error *err) {
    return lyne_program_run(b->program, &b->clock, err);
}

float *bench_source_at(bench *b, int i) {
    return b->weights->value + b->weights->offset[b->src[i]->param[0]];
}
const float *bench_source_grad(const bench *b, int i) {
    return b->weights->grad + b->weights->offset[b->src[i]->param[0]];
}
void bench_changed(bench *b) {
    b->weights->version++;
}

void bench_source_values(const bench *b, int i, double *plain) {
    const lyne_shape *s = &b->src[i]->shape;
    if (b->src[i]->op) {
        const float *value = b->weights->value + b->weights->offset[b->src[i]->param[0]];
        for (int64_t k = 0; k < lyne_shape_size(s); k++) plain[k] = (double)value[k];
        return;
    }
    const void *at = lyne_program_input(b->program, b->src[i]);
    for (int64_t k = 0; k < lyne_shape_size(s); k++) {
        const int64_t m = memory_index(s, k);
        plain[k] = b->src[i]->type == LYNE_U8    ? ((const uint8_t *)at)[m]
                   : b->src[i]->type == LYNE_S32 ? ((const int32_t *)at)[m]
                                                 : (double)((const float *)at)[m];
    }
}

void bench_value(const bench *b, double *plain) {
    plain_from_memory(&b->node->shape, lyne_program_output(b->program, b->node), plain);
}

lyne_node *bench_build_op(lyne_graph *g, const void *context, lyne_node *const *src) {
    const bench_op *o = context;
    return lyne_graph_add(g, o->op, "op", o->config, src, o->op->n_src);
}

lyne_status bench_read_config(const lyne_component *c, const char *yaml, lyne_arena *arena, void **config,
                              lyne_error *err) {
    lyne_diagnostics out = {0};
    lyne_registry *registry = NULL;
    if (!yaml) yaml = "{}";
    *config = lyne_arena_alloc(arena, c->config_size + 1);
    if (!*config) return lyne_fail_memory(err, "a config");
    lyne_status status = lyne_registry_new(&c, 1, &registry, err);
    if (status != LYNE_OK) return status;
    const lyne_yaml *map = lyne_yaml_parse("config", yaml, strlen(yaml), arena, &out);
    const lyne_filler filler = {.registry = registry, .arena = arena, .out = &out};
    if (map) lyne_config_fill(&filler, c->fields, c->name, (lyne_mark){0}, map, *config);
    status = out.out_of_memory ? lyne_fail_memory(err, "a config") : lyne_diagnostics_error(&out, err);
    lyne_diagnostics_free(&out);
    lyne_registry_free(registry);
    return status;
}
