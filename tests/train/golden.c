/* tests/train/golden.c -- whole training steps against PyTorch: some nets, 20 steps, each optimizer, each loss.
 *
 * tests/reference/train_goldens.py says what the nets and the numbers are; weights, pictures, labels and teacher's logits
 * are drawn from the same generator on both sides.  A loss may differ by 1e-5 of itself, a weight or running statistic by
 * 1e-4 of the largest of its parameter: float32 here, float64 there. */
#include "../fill.h"

#include "lyne/ops.h"
#include "optim/optimizer.h"
#include "train/network.h"
#include <math.h>

extern const lyne_optimizer lyne_optimizer_sgd, lyne_optimizer_adamw;
extern const lyne_loss lyne_loss_cross_entropy, lyne_loss_kd;

enum { MAX_LOSSES = 2 };

/* ---- the nets ---- */

static lyne_node *build_mlp(lyne_graph *g, const void *config, lyne_node *x, int64_t n_classes) {
    (void)config;
    x = lyne_flatten(g, "flatten", x);
    x = lyne_linear(g, "fc1", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 32});
    return lyne_linear(g, "fc2", lyne_relu(g, "relu1", x),
                       (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
}

static lyne_node *norm(lyne_graph *g, const char *name, lyne_node *x) {
    return lyne_batch_norm(g, name, x, (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS});
}

static lyne_node *build_conv(lyne_graph *g, const void *config, lyne_node *x, int64_t n_classes) {
    (void)config;
    const lyne_conv2d_config conv1 = {LYNE_CONV2D_DEFAULTS, .filters = 8, .padding = 1, .bias = false};
    const lyne_conv2d_config conv2 = {LYNE_CONV2D_DEFAULTS, .filters = 12, .stride = 2, .padding = 1, .bias = false};
    const lyne_conv2d_config down = {LYNE_CONV2D_DEFAULTS, .filters = 12, .kernel = 1, .stride = 2, .bias = false};
    x = lyne_relu(g, "relu1", norm(g, "bn1", lyne_conv2d(g, "conv1", x, conv1)));
    x = lyne_max_pool(g, "pool1", x, (lyne_pool_config){LYNE_POOL_DEFAULTS});
    lyne_node *straight = norm(g, "bn2", lyne_conv2d(g, "conv2", x, conv2));
    x = lyne_relu(g, "relu2", lyne_add(g, "add", straight, lyne_conv2d(g, "down", x, down)));
    x = lyne_global_avg_pool(g, "pool2", x);
    return lyne_linear(g, "fc", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
}

enum { VOCABULARY = 12, LENGTH = 9, WIDTH = 8 };

/* Two layers of models/transformer.c; a linear layer at each place, or behind the mean over places that are not 0. */
static lyne_node *transformer(lyne_graph *g, lyne_node *tokens, bool decoder, int64_t n_classes) {
    const lyne_layer_norm_config norm_ = {LYNE_LAYER_NORM_DEFAULTS};
    const lyne_attention_config heads = {LYNE_ATTENTION_DEFAULTS, .heads = 2, .causal = decoder};
    const lyne_embedding_config table = {.entries = VOCABULARY, .width = WIDTH};
    lyne_node *x = lyne_positions(g, "positions", lyne_embedding(g, "embedding", tokens, table));
    for (int i = 0; i < 2; i++) {
        lyne_graph_enter(g, i ? "1" : "0");
        lyne_node *y = lyne_linear(g, "qkv", lyne_layer_norm(g, "norm1", x, norm_),
                                   (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 3 * WIDTH});
        y = decoder ? lyne_self_attention(g, "attention", y, heads)
                    : lyne_masked_self_attention(g, "attention", y, tokens, heads);
        x = lyne_add(g, "add1", x,
                     lyne_linear(g, "out", y, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = WIDTH}));
        y = lyne_linear(g, "fc1", lyne_layer_norm(g, "norm2", x, norm_),
                        (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 4 * WIDTH});
        y = lyne_linear(g, "fc2", lyne_gelu(g, "gelu", y), (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = WIDTH});
        x = lyne_add(g, "add2", x, y);
        lyne_graph_leave(g);
    }
    x = lyne_layer_norm(g, "norm", x, norm_);
    if (!decoder) x = lyne_sequence_mean(g, "mean", x, tokens, (lyne_sequence_mean_config){.padding = 0});
    return lyne_linear(g, "head", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
}

static lyne_node *build_decoder(lyne_graph *g, const void *config, lyne_node *tokens, int64_t n_classes) {
    (void)config;
    return transformer(g, tokens, true, n_classes);
}
static lyne_node *build_encoder(lyne_graph *g, const void *config, lyne_node *tokens, int64_t n_classes) {
    (void)config;
    return transformer(g, tokens, false, n_classes);
}

typedef struct net {
    lyne_model model;
    int64_t channels;
    double mean[3], sd[3];
    lyne_sequence sequence;
} net;
static const net mlp = {{{.kind = LYNE_MODEL, .name = "golden_mlp"}, build_mlp}, 1, {0.5}, {0.25}};
static const net conv = {
    {{.kind = LYNE_MODEL, .name = "golden_conv"}, build_conv}, 3, {0.5, 0.375, 0.625}, {0.25, 0.5, 0.3}};
static const net decoder = {.model = {{.kind = LYNE_MODEL, .name = "golden_decoder"}, build_decoder},
                            .sequence = {LENGTH, VOCABULARY, true}};
static const net encoder = {.model = {{.kind = LYNE_MODEL, .name = "golden_encoder"}, build_encoder},
                            .sequence = {LENGTH, VOCABULARY, false}};

typedef struct golden_run {
    const net *net;
    const char *optimizer, *loss[MAX_LOSSES];
    int n_losses;
    const double *terms, *weights; /* each term of each step; what is shown of the state at the end */
    size_t n_weights;
} golden_run;
enum { STEPS = 20, BATCH = 16, BATCHES = 4, CLASSES = 10 };
enum { SHOWN = 5, LARGE = 256 }; /* each so-maniest number of a parameter of more than LARGE */
static const golden_run runs[] = {
#include "golden_pictures.inc"
#include "golden_sequences.inc"
};

/* ---- the generator, and what is drawn from it ---- */

static uint32_t bits(uint32_t *x, int n) {
    *x = 1664525 * *x + 1013904223;
    return *x >> (32 - n);
}

static double unit(uint32_t *x) {
    return bits(x, 24) * 0x1p-23 - 1;
}

static void draw_weights(uint32_t *x, const lyne_weights *w) {
    for (int i = 0; i < w->n; i++) {
        const lyne_param *p = &w->param[i];
        if (p->role == LYNE_STATE) continue;
        for (int64_t k = 0; k < lyne_shape_size(&p->shape); k++)
            w->value[w->offset[i] + (size_t)k] = (float)(unit(x) / 4 + (p->role == LYNE_SCALE));
    }
}

typedef struct batch {
    uint8_t picture[BATCH * 64 * 3];
    int32_t token[BATCH * LENGTH];
    int32_t label[BATCH * LENGTH];
    float teacher[BATCH * LENGTH * CLASSES];
} batch;

static int64_t rows_of(const net *n) {
    return BATCH * lyne_sequence_rows(&n->sequence);
}

static void draw_batch(uint32_t *x, const net *n, batch *b) {
    for (int64_t i = 0; i < BATCH * 64 * n->channels; i++) b->picture[i] = (uint8_t)bits(x, 8);
    for (int64_t i = 0; i < BATCH * n->sequence.length; i++) b->token[i] = (int32_t)(bits(x, 16) % VOCABULARY);
    for (int64_t i = 0; i < rows_of(n); i++) b->label[i] = (int32_t)(bits(x, 16) % CLASSES);
    for (int64_t i = 0; i < rows_of(n) * CLASSES; i++) b->teacher[i] = (float)(4 * unit(x));
}

/* ---- one run ---- */

static void give(lyne_network *n, const batch *b, const net *of) {
    const size_t rows = (size_t)rows_of(of);
    memcpy(lyne_program_input(n->program, n->picture), of->channels ? (const void *)b->picture : b->token,
           of->channels ? (size_t)(BATCH * 64 * of->channels) : sizeof b->token);
    memcpy(lyne_program_input(n->program, n->label), b->label, rows * sizeof *b->label);
    if (n->teacher) memcpy(lyne_program_input(n->program, n->teacher), b->teacher, rows * CLASSES * sizeof *b->teacher);
}

static void expect_terms(const lyne_network *n, const golden_run *r, int step) {
    for (int i = 0; i < r->n_losses; i++) {
        const double is = *(const float *)lyne_program_output(n->program, n->term[i].node);
        const double due = r->terms[step * r->n_losses + i];
        cr_expect(fabs(is - due) <= 1e-5 * due, "%s: step %d, %s: %.9g, not %.9g", r->optimizer, step + 1, r->loss[i],
                  is, due);
    }
}

static void expect_weights(const lyne_weights *w, const golden_run *r) {
    const double *due = r->weights;
    for (int i = 0; i < w->n; i++) {
        const int64_t size = lyne_shape_size(&w->param[i].shape), stride = size > LARGE ? SHOWN : 1;
        const int64_t shown = (size + stride - 1) / stride;
        double largest = 0, worst = 0;
        cr_assert(due + shown <= r->weights + r->n_weights, "%s: more weights than PyTorch's", r->optimizer);
        for (int64_t k = 0; k < shown; k++) {
            largest = fmax(largest, fabs(due[k]));
            worst = fmax(worst, fabs(w->value[w->offset[i] + (size_t)(k * stride)] - due[k]));
        }
        cr_expect(worst <= 1e-4 * largest, "%s, %s: %s differs by %.3g where the largest is %.3g",
                  r->net->model.component.name, r->optimizer, w->param[i].name, worst, largest);
        due += shown;
    }
    cr_expect_eq(due, r->weights + r->n_weights, "%s: fewer weights than PyTorch's", r->optimizer);
}

static void train(const golden_run *r, lyne_network *n, const lyne_instance *optimizer) {
    const lyne_optimizer *row = (const lyne_optimizer *)optimizer->row;
    static batch batches[BATCHES];
    uint32_t x = 1;
    draw_weights(&x, n->weights);
    n->weights->version++;
    for (int i = 0; i < BATCHES; i++) draw_batch(&x, r->net, &batches[i]);
    lyne_update u = {.weights = n->weights, .lr = row->lr(optimizer->config)};
    for (int i = 0; i < row->n_slots; i++) u.slot[i] = lyne_alloc(n->weights->n_trained, sizeof(float));
    for (int step = 0; step < STEPS; step++) {
        lyne_error err = {0};
        give(n, &batches[step % BATCHES], r->net);
        cr_assert_eq(lyne_program_run(n->program, &(lyne_clock){0}, &err), LYNE_OK, "%s", err.text);
        expect_terms(n, r, step);
        u.step = (uint64_t)step + 1;
        row->step(optimizer->config, &u);
    }
    for (int i = 0; i < row->n_slots; i++) lyne_free(u.slot[i]);
}

static const lyne_component *row_named(const char *yaml) {
    const lyne_component *rows[] = {&lyne_optimizer_sgd.component, &lyne_optimizer_adamw.component,
                                    &lyne_loss_cross_entropy.component, &lyne_loss_kd.component};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strncmp(yaml + 1, rows[i]->name, strlen(rows[i]->name)) == 0) return rows[i];
    return NULL;
}

static void check(const golden_run *r) {
    const lyne_task task = {.picture = {r->net->channels, 8, 8},
                            .sequence = r->net->sequence,
                            .n_classes = CLASSES,
                            .mean = {(size_t)r->net->channels, r->net->mean},
                            .sd = {(size_t)r->net->channels, r->net->sd}};
    filled optimizer = filled_with(row_named(r->optimizer), r->optimizer), loss[MAX_LOSSES];
    lyne_instance losses[MAX_LOSSES];
    for (int i = 0; i < r->n_losses; i++) {
        loss[i] = filled_with(row_named(r->loss[i]), r->loss[i]);
        losses[i] = loss[i].instance;
    }
    const lyne_network_options o = {.model = {.row = &r->net->model.component},
                                    .task = &task,
                                    .batch = BATCH,
                                    .losses = {(size_t)r->n_losses, losses}};
    lyne_network n;
    lyne_error err = {0};
    cr_assert_eq(lyne_network_init(&n, &o, &err), LYNE_OK, "%s", err.text);
    train(r, &n, &optimizer.instance);
    expect_weights(n.weights, r);
    lyne_network_deinit(&n);
    for (int i = 0; i < r->n_losses; i++) unfill(&loss[i]);
    unfill(&optimizer);
}

Test(golden, steps_are_those_of_pytorch) {
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) check(&runs[i]);
}
