/* The builders: their defaults are those of the rows, and a network of them survives every failing allocation. */
#include "component/config.h"
#include "lyne/ops.h"
#include "reference/bench.h"
#include "rows.h"
#include <criterion/criterion.h>
#include <string.h>

static lyne_digest hash_of(const lyne_op *op, const void *config) {
    lyne_hash h;
    lyne_hash_init(&h);
    lyne_config_hash(&h, op->component.fields, config);
    return lyne_hash_finish(&h);
}

Test(builders, defaults) {
    const struct {
        const lyne_op *op;
        const char *required;
        const void *config;
    } defaults[] = {
        {&lyne_op_linear, "{units: 7}", &(lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 7}},
        {&lyne_op_conv2d, "{filters: 7}", &(lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = 7}},
        {&lyne_op_batch_norm, NULL, &(lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS}},
        {&lyne_op_max_pool, NULL, &(lyne_pool_config){LYNE_POOL_DEFAULTS}},
        {&lyne_op_avg_pool, NULL, &(lyne_pool_config){LYNE_POOL_DEFAULTS}},
        {&lyne_op_dropout, NULL, &(lyne_dropout_config){LYNE_DROPOUT_DEFAULTS}},
        {&lyne_op_transpose, NULL, &(lyne_transpose_config){LYNE_TRANSPOSE_DEFAULTS}},
        {&lyne_op_reshape, "{shape: [7]}", &(lyne_reshape_config){.shape = {1, (const int64_t[]){7}}}},
        {&lyne_op_attention, NULL, &(lyne_attention_config){LYNE_ATTENTION_DEFAULTS}},
        {&lyne_op_adaptive_avg_pool, NULL, &(lyne_adaptive_avg_pool_config){LYNE_ADAPTIVE_AVG_POOL_DEFAULTS}},
        {&lyne_op_matmul, NULL, &(lyne_matmul_config){LYNE_MATMUL_DEFAULTS}},
        {&lyne_op_sequence_mean, NULL, &(lyne_sequence_mean_config){LYNE_SEQUENCE_MEAN_DEFAULTS}},
        {&lyne_op_self_attention, NULL, &(lyne_attention_config){LYNE_ATTENTION_DEFAULTS}},
        {&lyne_op_masked_self_attention, NULL, &(lyne_attention_config){LYNE_ATTENTION_DEFAULTS}},
        {&lyne_op_embedding, "{entries: 7, width: 8}", &(lyne_embedding_config){.entries = 7, .width = 8}},
        {&lyne_op_concat, NULL, &(lyne_concat_config){LYNE_CONCAT_DEFAULTS}},
        {&lyne_op_slice, "{length: 7}", &(lyne_slice_config){LYNE_SLICE_DEFAULTS, .length = 7}},
        {&lyne_op_layer_norm, NULL, &(lyne_layer_norm_config){LYNE_LAYER_NORM_DEFAULTS}},
        {&lyne_op_group_norm, "{groups: 7}", &(lyne_group_norm_config){LYNE_GROUP_NORM_DEFAULTS, .groups = 7}},
        {&lyne_op_leaky_relu, NULL, &(lyne_leaky_relu_config){LYNE_LEAKY_RELU_DEFAULTS}},
        {&lyne_op_normalize, NULL, &(lyne_normalize_config){.mean = {0}}},
    };
    size_t with_config = 0;
    for (int i = 0; i < N_ROWS; i++) with_config += rows[i]->component.config_size > 0;
    cr_expect(with_config == sizeof defaults / sizeof *defaults, "a row with fields is missing here");
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        lyne_arena arena = {0};
        const void *filled = bench_config(&defaults[i].op->component, defaults[i].required, &arena);
        cr_assert(filled);
        cr_expect(lyne_digest_equal(hash_of(defaults[i].op, filled), hash_of(defaults[i].op, defaults[i].config)), "%s",
                  defaults[i].op->component.name);
        lyne_arena_free(&arena);
    }
}

/* A bit of everything, ending in (B, 5). */
static lyne_node *network(lyne_graph *g, lyne_node *pixels) {
    static const double mean = 0.5;
    lyne_node *x = lyne_normalize(g, "normalize", pixels, (lyne_normalize_config){.mean = {1, &mean}});
    lyne_node *a = lyne_conv2d(g, "conv1", x, (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = 4, .padding = 1});
    x = lyne_relu(g, "relu1", lyne_batch_norm(g, "bn1", a, (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS}));
    x = lyne_conv2d(g, "conv2", x, (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = 4, .padding = 1, .groups = 2});
    x = lyne_max_pool(g, "pool1", lyne_add(g, "add", x, a), (lyne_pool_config){LYNE_POOL_DEFAULTS});
    x = lyne_avg_pool(g, "pool2", x, (lyne_pool_config){LYNE_POOL_DEFAULTS});
    lyne_node *y = lyne_global_avg_pool(g, "gap", x);
    x = lyne_linear(g, "fc1", lyne_flatten(g, "flatten", x), (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 4});
    x = lyne_dropout(g, "drop", lyne_add(g, "add2", x, y), (lyne_dropout_config){LYNE_DROPOUT_DEFAULTS});
    return lyne_softmax(g, "softmax", lyne_linear(g, "fc2", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 5}));
}

static lyne_node *build_network(lyne_graph *g, const void *context, lyne_node *const *src) {
    (void)context;
    return network(g, src[0]);
}

static const bench_subject subject = {
    .n_src = 1, .src = {{.shape = {4, {3, 2, 8, 8}}, .type = LYNE_U8}}, .build = build_network};

Test(builders, first_mistake_wins) {
    lyne_graph *g;
    lyne_error err = {0};
    cr_assert(lyne_graph_new(3, &g, NULL) == LYNE_OK);
    cr_expect(network(g, lyne_graph_input(g, "x", LYNE_SHAPE(3, 2, 2, 2), LYNE_U8)) == NULL);
    cr_expect(lyne_graph_status(g, &err) == LYNE_ERECIPE);
    cr_expect(strstr(err.text, "pool2: kernel 2"), "%s", err.text);
    lyne_graph_free(g);
}

Test(builders, nth_allocation_fails, .timeout = 120) {
    uint64_t n = 1;
    for (;; n++) {
        bench b;
        lyne_error err = {0};
        lyne_memory_fail_at(n);
        lyne_status status = bench_open(&b, &subject, true, &err);
        lyne_memory_fail_at(0);
        if (status == LYNE_OK) status = bench_run(&b, &err);
        bench_close(&b);
        if (status == LYNE_OK) break;
        cr_assert(status == LYNE_ENOSPACE, "allocation %d: status %d, %s", (int)n, status, err.text);
        cr_assert(err.status == status && strstr(err.text, "memory"), "%s", err.text);
    }
    cr_expect(n > 100, "only %d allocations were made to fail", (int)n);
}
