/* models/transformer.c -- a transformer with the norms before its parts (Vaswani et al. 2017, arXiv:1706.03762; norms as in
 * Xiong et al. 2020, arXiv:2002.04745; gelu and learned positions as in GPT-2 and BERT).
 *   embedding, positions, drop
 *   layers.I:  x + out(attention(qkv(norm1(x)))),  then  x + fc2(gelu(fc1(norm2(x))));  drop before each sum
 *   norm, head
 * tokens (B, L) s32 of a vocabulary that the data set says; logits (B, L, classes) for each token, or (B, classes) from the
 * mean over the places or the first of them.  A decoder's places see those before them alone. */
#include "lyne/ops.h"
#include <stdio.h>

enum { ENCODER, DECODER };
enum { EACH, MEAN, FIRST };
static const char *const kinds[] = {[ENCODER] = "encoder", [DECODER] = "decoder", NULL};
static const char *const outputs[] = {[EACH] = "each", [MEAN] = "mean", [FIRST] = "first", NULL};

typedef struct transformer_config {
    int64_t layers, width, heads, feed_forward, padding;
    int kind, output;
    double dropout;
} transformer_config;

static const lyne_field fields[] = {
    LYNE_INT(transformer_config, layers, "how many layers of attention and feed-forward", "4", 1, 1000),
    LYNE_INT(transformer_config, width, "numbers for each token", "256", 1, 65536),
    LYNE_INT(transformer_config, heads, "heads of attention, which divide the width", "4", 1, 4096),
    LYNE_INT(transformer_config, feed_forward,
             "units between the two linear layers of a feed-forward; 0: 4 times the width", "0", 0, 1 << 20),
    LYNE_ENTRY_WITH(CHOICE, transformer_config, kind,
                    "encoder: places see each other; decoder: those before them alone", "encoder", .choices = kinds),
    LYNE_ENTRY_WITH(CHOICE, transformer_config, output,
                    "logits for each token, or for the sample from the mean over its tokens or the first of them",
                    "each", .choices = outputs),
    LYNE_INT(transformer_config, padding,
             "the token that fills samples up, which nobody sees and no mean counts; -1: there is none", "-1", -1,
             65535),
    LYNE_FLOAT(transformer_config, dropout, "probability that a number is 0, behind the positions and before each sum",
               "0", 0, 0.999),
    LYNE_FIELDS_END};

static const char *check(const void *config) {
    const transformer_config *c = config;
    return c->width % c->heads ? "heads must divide width" : NULL;
}

static lyne_node *linear(lyne_graph *g, const char *name, lyne_node *x, int64_t units) {
    return lyne_linear(g, name, x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = units});
}

static lyne_node *norm(lyne_graph *g, const char *name, lyne_node *x) {
    return lyne_layer_norm(g, name, x, (lyne_layer_norm_config){LYNE_LAYER_NORM_DEFAULTS});
}

static lyne_node *drop(lyne_graph *g, const char *name, lyne_node *x, double rate) {
    return rate > 0 ? lyne_dropout(g, name, x, (lyne_dropout_config){.rate = rate}) : x;
}

static lyne_node *attend(lyne_graph *g, const transformer_config *c, lyne_node *x, lyne_node *tokens) {
    const lyne_attention_config a = {.heads = c->heads, .causal = c->kind == DECODER, .padding = c->padding};
    x = linear(g, "qkv", x, 3 * c->width);
    return c->padding < 0 ? lyne_self_attention(g, "attention", x, a)
                          : lyne_masked_self_attention(g, "attention", x, tokens, a);
}

static lyne_node *layer(lyne_graph *g, const transformer_config *c, lyne_node *x, lyne_node *tokens) {
    lyne_node *y = attend(g, c, norm(g, "norm1", x), tokens);
    x = lyne_add(g, "add1", x, drop(g, "drop1", linear(g, "out", y, c->width), c->dropout));
    y = linear(g, "fc1", norm(g, "norm2", x), c->feed_forward ? c->feed_forward : 4 * c->width);
    y = linear(g, "fc2", lyne_gelu(g, "gelu", y), c->width);
    return lyne_add(g, "add2", x, drop(g, "drop2", y, c->dropout));
}

/* (B, L, F) to (B, F), unless it stays as it is. */
static lyne_node *pool(lyne_graph *g, const transformer_config *c, lyne_node *x, lyne_node *tokens) {
    if (c->output == MEAN)
        return lyne_sequence_mean(g, "mean", x, tokens, (lyne_sequence_mean_config){.padding = c->padding});
    if (c->output == FIRST)
        return lyne_flatten(g, "flatten",
                            lyne_slice(g, "first", x, (lyne_slice_config){LYNE_SLICE_DEFAULTS, .length = 1}));
    return x;
}

static lyne_node *build(lyne_graph *g, const void *config, lyne_node *tokens, int64_t n_classes) {
    const transformer_config *c = config;
    char name[32];
    if (!tokens) return NULL;
    if (tokens->type != LYNE_S32 || tokens->shape.rank != 2)
        return lyne_graph_fail(g, "transformer reads tokens (B, L), and the samples of this data set are pictures");
    const int64_t entries = tokens->below ? tokens->below : n_classes;
    lyne_node *x = lyne_embedding(g, "embedding", tokens,
                                  (lyne_embedding_config){.entries = entries, .width = c->width, .small = true});
    x = drop(g, "drop", lyne_positions(g, "positions", x), c->dropout);
    for (int64_t i = 0; i < c->layers; i++) {
        snprintf(name, sizeof name, "layers.%lld", (long long)i);
        lyne_graph_enter(g, name);
        x = layer(g, c, x, tokens);
        lyne_graph_leave(g);
    }
    return linear(g, "head", pool(g, c, norm(g, "norm", x), tokens), n_classes);
}

const lyne_model lyne_model_transformer = {
    .component = {.kind = LYNE_MODEL,
                  .name = "transformer",
                  .help = "layers of attention and feed-forward over a sequence of tokens",
                  .source = "Vaswani et al. 2017, arXiv:1706.03762",
                  .example = "{transformer: {layers: 4, width: 256, heads: 4, kind: decoder}}",
                  .config_size = sizeof(transformer_config),
                  .fields = fields,
                  .check = check},
    .build = build};
