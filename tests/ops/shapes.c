/* Shape rules: what does not fit is refused with words that say what would. */
#include "lyne/ops.h"
#include "reference/bench.h"
#include "rows.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const struct {
    const lyne_op *op;
    const char *config;
    lyne_shape src[3];
    lyne_type type;
    const char *text;
} misfits[] = {
    {&lyne_op_conv2d, "{filters: 4}", {{2, {64, 784}}}, LYNE_F32, "conv2d expects (B, C, H, W), not (64, 784)"},
    {&lyne_op_conv2d, "{filters: 4}", {{4, {2, 3, 8, 8}}}, LYNE_U8, "conv2d expects f32, not u8"},
    {&lyne_op_conv2d,
     "{filters: 4, kernel: 5}",
     {{4, {2, 3, 4, 4}}},
     LYNE_F32,
     "kernel 5 (dilation 1) does not fit a picture of 4 x 4 with padding 0"},
    {&lyne_op_conv2d,
     "{filters: 4, kernel: 3, dilation: 4}",
     {{4, {2, 3, 8, 8}}},
     LYNE_F32,
     "kernel 3 (dilation 4) does not fit a picture of 8 x 8 with padding 0"},
    {&lyne_op_conv2d,
     "{filters: 4, groups: 2}",
     {{4, {2, 3, 8, 8}}},
     LYNE_F32,
     "groups = 2 must divide both 3 channels in and 4 filters"},
    {&lyne_op_linear,
     "{units: 4}",
     {{4, {2, 3, 8, 8}}},
     LYNE_F32,
     "linear expects (B, F) or (B, L, F), not (2, 3, 8, 8)"},
    {&lyne_op_batch_norm, NULL, {{3, {2, 3, 8}}}, LYNE_F32, "batch_norm expects (B, C) or (B, C, H, W), not (2, 3, 8)"},
    {&lyne_op_attention,
     NULL,
     {{3, {2, 3, 4}}, {3, {2, 5, 6}}, {3, {2, 5, 6}}},
     LYNE_F32,
     "attention expects q (B, L, F) and k, v (B, S, F), not (2, 3, 4), (2, 5, 6), (2, 5, 6)"},
    {&lyne_op_attention, NULL, {{3, {2, 3, 4}}, {3, {2, 5, 4}}, {3, {2, 3, 4}}}, LYNE_F32, "attention expects"},
    {&lyne_op_attention,
     "{causal: true}",
     {{3, {2, 3, 4}}, {3, {2, 5, 4}}, {3, {2, 5, 4}}},
     LYNE_F32,
     "k, v (B, L, F)"},
    {&lyne_op_attention,
     "{heads: 3}",
     {{3, {2, 3, 4}}, {3, {2, 5, 4}}, {3, {2, 5, 4}}},
     LYNE_F32,
     "heads = 3 must divide 4 features"},
    {&lyne_op_self_attention, NULL, {{3, {2, 3, 8}}}, LYNE_F32, "self_attention expects (B, L, 3 F), not (2, 3, 8)"},
    {&lyne_op_self_attention, "{heads: 2}", {{3, {2, 3, 9}}}, LYNE_F32, "heads = 2 must divide 3 features"},
    {&lyne_op_masked_self_attention,
     NULL,
     {{3, {2, 3, 9}}, {1, {2}}},
     LYNE_F32,
     "masked_self_attention expects s32 lengths (B) or tokens (B, L), not (2)"},
    {&lyne_op_sequence_mean,
     NULL,
     {{3, {2, 3, 9}}, {2, {2, 3}}},
     LYNE_F32,
     "sequence_mean expects (B, L, F) and s32 tokens (B, L), not (2, 3, 9) and (2, 3)"},
    {&lyne_op_each_place, NULL, {{2, {2, 3}}}, LYNE_F32, "each_place expects (B, L, F), not (2, 3)"},
    {&lyne_op_adaptive_avg_pool, NULL, {{2, {2, 3}}}, LYNE_F32, "adaptive_avg_pool expects (B, C, H, W), not (2, 3)"},
    {&lyne_op_matmul,
     NULL,
     {{3, {2, 3, 4}}, {3, {2, 5, 4}}},
     LYNE_F32,
     "matmul expects (B, M, K) and (B, K, N), not (2, 3, 4) and (2, 5, 4)"},
    {&lyne_op_matmul, "{transpose_a: true}", {{3, {2, 3, 4}}, {3, {3, 3, 4}}}, LYNE_F32, "expects (B, K, M) and"},
    {&lyne_op_positions, NULL, {{2, {2, 3}}}, LYNE_F32, "positions expects (B, L, F), not (2, 3)"},
    {&lyne_op_embedding, "{entries: 3, width: 4}", {{2, {2, 3}}}, LYNE_F32, "embedding expects s32"},
    {&lyne_op_embedding,
     "{entries: 3, width: 4}",
     {{3, {2, 3, 4}}},
     LYNE_S32,
     "embedding expects (B) or (B, L), not (2, 3, 4)"},
    {&lyne_op_transpose, NULL, {{2, {2, 3}}}, LYNE_F32, "transpose: (2, 3) has no dimension 2"},
    {&lyne_op_reshape,
     "{shape: [2, 4]}",
     {{2, {2, 6}}},
     LYNE_F32,
     "reshape: the 6 numbers of a sample of (2, 6) do not make up the shape asked"},
    {&lyne_op_reshape, "{shape: [4, -1]}", {{2, {2, 6}}}, LYNE_F32, "do not make up"},
    {&lyne_op_reshape, "{shape: [-1, -1]}", {{2, {2, 6}}}, LYNE_F32, "do not make up"},
    {&lyne_op_reshape, "{shape: [0, -1]}", {{2, {2, 6}}}, LYNE_F32, "do not make up"},
    {&lyne_op_reshape, "{shape: [2147483647, 2147483647, 2147483647]}", {{2, {2, 6}}}, LYNE_F32, "do not make up"},
    {&lyne_op_reshape, "{shape: [1, 1, 1, 1, 1, 6]}", {{2, {2, 6}}}, LYNE_F32, "reshape: shape has 6 dimensions"},
    {&lyne_op_mul,
     NULL,
     {{2, {2, 3}}, {2, {2, 2}}},
     LYNE_F32,
     "mul expects two values of one type and rank whose dimensions are equal, or 1 in one of them, not (2, 3) and (2, "
     "2)"},
    {&lyne_op_mul, NULL, {{2, {2, 3}}, {1, {3}}}, LYNE_F32, "mul expects"},
    {&lyne_op_concat,
     NULL,
     {{2, {2, 3}}, {2, {3, 3}}},
     LYNE_F32,
     "concat expects two values that differ in dimension 1 alone, not (2, 3) and (3, 3)"},
    {&lyne_op_concat, "{axis: 2}", {{2, {2, 3}}, {2, {2, 3}}}, LYNE_F32, "differ in dimension 2 alone"},
    {&lyne_op_slice,
     "{first: 2, length: 2}",
     {{2, {2, 3}}},
     LYNE_F32,
     "slice: places 2 to 3 of dimension 1 do not all exist in (2, 3)"},
    {&lyne_op_slice, "{axis: 2, length: 1}", {{2, {2, 3}}}, LYNE_F32, "dimension 2 do not all exist"},
    {&lyne_op_layer_norm,
     NULL,
     {{4, {2, 3, 8, 8}}},
     LYNE_F32,
     "layer_norm expects (B, F) or (B, L, F), not (2, 3, 8, 8)"},
    {&lyne_op_group_norm, "{groups: 3}", {{3, {2, 3, 8}}}, LYNE_F32, "group_norm expects (B, C) or (B, C, H, W)"},
    {&lyne_op_group_norm, "{groups: 2}", {{2, {2, 3}}}, LYNE_F32, "groups = 2 must divide 3 channels"},
    {&lyne_op_max_pool, NULL, {{2, {2, 3}}}, LYNE_F32, "max_pool expects (B, C, H, W), not (2, 3)"},
    {&lyne_op_avg_pool,
     "{kernel: 9}",
     {{4, {2, 3, 8, 8}}},
     LYNE_F32,
     "kernel 9 (dilation 1) does not fit a picture of 8 x 8 with padding 0"},
    {&lyne_op_max_pool,
     "{kernel: 3, padding: 2}",
     {{4, {2, 3, 8, 8}}},
     LYNE_F32,
     "padding 2 is more than half of kernel 3"},
    {&lyne_op_global_avg_pool, NULL, {{2, {2, 3}}}, LYNE_F32, "global_avg_pool expects (B, C, H, W), not (2, 3)"},
    {&lyne_op_add,
     NULL,
     {{2, {2, 3}}, {2, {2, 4}}},
     LYNE_F32,
     "add expects two values of one type and rank whose dimensions are equal, or 1 in one of them, not (2, 3) and (2, "
     "4)"},
    {&lyne_op_flatten, NULL, {{1, {2}}}, LYNE_F32, "flatten expects (B, ...), not (2)"},
    {&lyne_op_relu, NULL, {{2, {2, 3}}}, LYNE_S32, "relu expects f32, not s32"},
    {&lyne_op_softmax, NULL, {{2, {2, 3}}}, LYNE_U8, "softmax expects f32, not u8"},
    {&lyne_op_dropout, NULL, {{2, {2, 3}}}, LYNE_U8, "dropout expects f32, not u8"},
    {&lyne_op_normalize, NULL, {{2, {2, 3}}}, LYNE_U8, "normalize expects (B, C, H, W), not (2, 3)"},
    {&lyne_op_normalize, NULL, {{4, {2, 3, 4, 4}}}, LYNE_F32, "normalize expects u8 pixels"},
    {&lyne_op_normalize,
     "{mean: [0.1, 0.2]}",
     {{4, {2, 3, 4, 4}}},
     LYNE_U8,
     "normalize: mean has 2 numbers, expected 1 or one for each of 3 channels"},
};

Test(shapes, misfits) {
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
        const lyne_op *op = misfits[i].op;
        lyne_arena arena = {0};
        lyne_graph *g;
        lyne_error err = {0};
        lyne_node *src[3];
        cr_assert(lyne_graph_new(2, &g, &err) == LYNE_OK);
        for (int k = 0; k < op->n_src; k++)
            src[k] = lyne_graph_input(g, ((const char *[]){"a", "b", "c"})[k], misfits[i].src[k], misfits[i].type);
        const void *config = bench_config(&op->component, misfits[i].config, &arena);
        cr_assert(config);
        cr_expect(lyne_graph_add(g, op, "layer1", config, src, op->n_src) == NULL);
        cr_expect(lyne_graph_status(g, &err) == LYNE_ERECIPE);
        cr_expect(strstr(err.text, misfits[i].text), "row %zu: %s", i, err.text);
        cr_expect(strncmp(err.text, "layer1: ", 8) == 0, "%s", err.text);
        lyne_graph_free(g);
        lyne_arena_free(&arena);
    }
}

/* A config that no recipe was read for is checked by the same table of fields. */
Test(shapes, builders_check_ranges) {
    lyne_graph *g;
    lyne_error err = {0};
    cr_assert(lyne_graph_new(2, &g, NULL) == LYNE_OK);
    lyne_node *x = lyne_graph_input(g, "x", LYNE_SHAPE(2, 3, 8, 8), LYNE_F32);
    lyne_conv2d(g, "conv1", x, (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = 4, .stride = 0});
    cr_expect(lyne_graph_status(g, &err) == LYNE_ERECIPE);
    cr_expect(strstr(err.text, "conv1: conv2d: stride = 0 is outside [1, 1024]"), "%s", err.text);
    lyne_graph_free(g);

    cr_assert(lyne_graph_new(2, &g, NULL) == LYNE_OK);
    x = lyne_graph_input(g, "x", LYNE_SHAPE(2, 3), LYNE_F32);
    lyne_dropout(g, "drop", x, (lyne_dropout_config){.rate = (double)NAN});
    err = (lyne_error){0};
    cr_expect(lyne_graph_status(g, &err) == LYNE_ERECIPE);
    cr_expect(strstr(err.text, "drop: dropout: rate = nan is outside [0, 0.999]") ||
                  strstr(err.text, "drop: dropout: rate = -nan is outside"),
              "%s", err.text);
    lyne_graph_free(g);
}

Test(shapes, fits) {
    static const struct {
        const lyne_op *op;
        const char *config;
        lyne_shape src, dst;
        int64_t params, macs; /* of the layer; of one sample */
    } fits[] = {
        {&lyne_op_conv2d, "{filters: 6, kernel: 5, padding: 2}", {4, {2, 1, 28, 28}}, {4, {2, 6, 28, 28}}, 156, 117600},
        {&lyne_op_conv2d,
         "{filters: 8, stride: 2, padding: 1, groups: 4, bias: false}",
         {4, {2, 16, 9, 8}},
         {4, {2, 8, 5, 4}},
         288,
         5760},
        {&lyne_op_conv2d, "{filters: 3, dilation: 2}", {4, {2, 1, 7, 9}}, {4, {2, 3, 3, 5}}, 30, 405},
        {&lyne_op_linear, "{units: 10}", {2, {2, 84}}, {2, {2, 10}}, 850, 840},
        {&lyne_op_linear, "{units: 10}", {3, {2, 7, 84}}, {3, {2, 7, 10}}, 850, 5880},
        {&lyne_op_positions, NULL, {3, {2, 7, 84}}, {3, {2, 7, 84}}, 588, 0},
        {&lyne_op_max_pool, "{kernel: 3, stride: 2, padding: 1}", {4, {2, 4, 7, 8}}, {4, {2, 4, 4, 4}}, 0, 0},
        {&lyne_op_avg_pool, NULL, {4, {2, 4, 7, 8}}, {4, {2, 4, 3, 4}}, 0, 0},
        {&lyne_op_global_avg_pool, NULL, {4, {2, 4, 7, 8}}, {2, {2, 4}}, 0, 0},
        {&lyne_op_flatten, NULL, {4, {2, 4, 7, 8}}, {2, {2, 224}}, 0, 0},
        {&lyne_op_batch_norm, NULL, {4, {2, 4, 7, 8}}, {4, {2, 4, 7, 8}}, 8, 0},
    };
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        lyne_arena arena = {0};
        lyne_graph *g;
        char text[LYNE_SHAPE_TEXT];
        cr_assert(lyne_graph_new(2, &g, NULL) == LYNE_OK);
        lyne_node *x = lyne_graph_input(g, "x", fits[i].src, LYNE_F32);
        const void *config = bench_config(&fits[i].op->component, fits[i].config, &arena);
        lyne_node *n = lyne_graph_add(g, fits[i].op, "op", config, &x, 1);
        cr_assert(n);
        cr_expect(lyne_shape_equal(&n->shape, &fits[i].dst), "row %zu: %s", i, lyne_shape_print(&n->shape, text));
        cr_expect(lyne_graph_count_params(g) == fits[i].params, "row %zu: %d", i, (int)lyne_graph_count_params(g));
        cr_expect(lyne_graph_count_macs(g) == fits[i].macs, "row %zu: %d", i, (int)lyne_graph_count_macs(g));
        lyne_graph_free(g);
        lyne_arena_free(&arena);
    }
}

/* Each layer has 2^60 of them; of ten there are more than can be counted. */
Test(shapes, countless_macs) {
    lyne_graph *g;
    static const char *const name[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    cr_assert(lyne_graph_new(1, &g, NULL) == LYNE_OK);
    lyne_node *x = lyne_graph_input(g, "x", (lyne_shape){3, {1, 1 << 20, 1 << 20}}, LYNE_F32);
    for (int i = 0; i < 10; i++) {
        x = lyne_linear(g, name[i], x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 1 << 20});
        cr_assert(x);
        cr_expect(lyne_graph_count_macs(g) == (i < 7 ? (i + 1) * ((int64_t)1 << 60) : INT64_MAX), "%d layers", i + 1);
    }
    cr_expect(lyne_macs(x, (int64_t)1 << 22) == (int64_t)1 << 62 && lyne_macs(x, (int64_t)1 << 23) == INT64_MAX);
    lyne_graph_free(g);
}
