/* graph/weights.c -- one flat array of numbers: where each parameter lies and how it starts. */
#include "graph/weights.h"
#include "base/random.h"
#include <math.h>
#include <string.h>

#define LINE 16 /* floats in 64 bytes */

static size_t round_up(size_t n) {
    return (n + LINE - 1) / LINE * LINE;
}

/* Place the parameters of one sort (trained or not) behind *end. */
static void place(lyne_weights *w, size_t *offset, bool state, size_t *end) {
    for (int i = 0; i < w->n; i++)
        if ((w->param[i].role == LYNE_STATE) == state) {
            offset[i] = *end;
            *end += round_up((size_t)lyne_shape_size(&w->param[i].shape));
        }
}

static void initialise(const lyne_weights *w, int i, uint64_t seed) {
    const lyne_param *param = &w->param[i];
    float *v = w->value + w->offset[i];
    int64_t n = lyne_shape_size(&param->shape);
    if (param->init == LYNE_INIT_ZERO) return;
    if (param->init == LYNE_INIT_ONE) {
        for (int64_t k = 0; k < n; k++) v[k] = 1;
        return;
    }
    const bool normal = param->init != LYNE_INIT_UNIFORM_FAN;
    const float bound = normal ? param->init == LYNE_INIT_SMALL ? 0.02f : 1 : 1.0f / sqrtf((float)param->fan_in);
    const uint64_t name = lyne_digest_of(param->name, strlen(param->name)).low;
    /* A stream holds 2^26 draws; a larger parameter goes on in the next one. */
    const int64_t run = (int64_t)1 << 20;
    for (int64_t k = 0; k < n; k += run) {
        lyne_stream s = lyne_stream_at(seed, LYNE_FOR_INIT, (uint32_t)(k / run), name);
        for (int64_t j = k; j < n && j < k + run; j++)
            v[j] = bound * (normal ? lyne_stream_normal(&s) : 2 * lyne_stream_uniform(&s) - 1);
    }
}

lyne_status lyne_weights_outline(const lyne_graph *g, lyne_weights **out, lyne_error *err) {
    lyne_weights *w = lyne_alloc(1, sizeof *w);
    if (!w) goto no_memory;
    w->n = lyne_graph_n_params(g);
    lyne_param *param = lyne_arena_alloc(&w->arena, (size_t)w->n * sizeof *param);
    size_t *offset = lyne_arena_alloc(&w->arena, (size_t)w->n * sizeof *offset);
    if (!param || !offset) goto no_memory;
    w->param = param;
    w->offset = offset;
    for (int i = 0; i < w->n; i++) {
        param[i] = *lyne_graph_param(g, i);
        param[i].name = lyne_arena_strndup(&w->arena, param[i].name, strlen(param[i].name));
        if (!param[i].name) goto no_memory;
    }
    place(w, offset, false, &w->n_values);
    w->n_trained = w->n_values;
    place(w, offset, true, &w->n_values);
    *out = w;
    return LYNE_OK;
no_memory:
    lyne_weights_free(w);
    return lyne_fail_memory(err, "the weights of a model");
}

lyne_status lyne_weights_new(const lyne_graph *g, uint64_t seed, lyne_weights **out, lyne_error *err) {
    lyne_weights *w = NULL;
    const lyne_status status = lyne_weights_outline(g, &w, err);
    if (status != LYNE_OK) return status;
    w->value = lyne_alloc(w->n_values, sizeof *w->value);
    w->grad = lyne_alloc(w->n_trained, sizeof *w->grad);
    if (!w->value || !w->grad) {
        lyne_weights_free(w);
        return lyne_fail_memory(err, "the weights of a model");
    }
    for (int i = 0; i < w->n; i++) initialise(w, i, seed);
    w->version = 1;
    *out = w;
    return LYNE_OK;
}

void lyne_weights_free(lyne_weights *w) {
    if (!w) return;
    lyne_free(w->value);
    lyne_free(w->grad);
    lyne_arena_free(&w->arena);
    lyne_free(w);
}

bool lyne_weights_fit(const lyne_weights *w, const lyne_graph *g) {
    if (lyne_graph_n_params(g) > w->n) return false;
    for (int i = 0; i < lyne_graph_n_params(g); i++) {
        const lyne_param *a = &w->param[i], *b = lyne_graph_param(g, i);
        if (strcmp(a->name, b->name) != 0 || !lyne_shape_equal(&a->shape, &b->shape) || a->role != b->role)
            return false;
    }
    return true;
}

/* The digests of the parameters are added up, so the order in which a file holds them does not matter. */
void lyne_weights_digest_add(lyne_digest *sum, const char *name, const lyne_shape *shape, const void *values) {
    lyne_hash h;
    lyne_hash_init(&h);
    lyne_hash_text(&h, name);
    lyne_hash_u64(&h, (uint64_t)shape->rank);
    for (int d = 0; d < shape->rank; d++) lyne_hash_u64(&h, (uint64_t)shape->dim[d]);
    lyne_hash_bytes(&h, values, (size_t)lyne_shape_size(shape) * sizeof(float));
    const lyne_digest one = lyne_hash_finish(&h);
    sum->high += one.high;
    sum->low += one.low;
}

lyne_digest lyne_weights_digest(const lyne_weights *w) {
    lyne_digest sum = {0};
    for (int i = 0; i < w->n; i++)
        lyne_weights_digest_add(&sum, w->param[i].name, &w->param[i].shape, w->value + w->offset[i]);
    return sum;
}
