/* tests/train/network.c -- the graph around a model: what is built, shared and refused. */
#include "../fill.h"

#include "lyne/ops.h"
#include "train/network.h"

extern const lyne_model lyne_model_lenet, lyne_model_mlp;
extern const lyne_loss lyne_loss_cross_entropy, lyne_loss_kd;

static const lyne_task task = {.picture = {1, 12, 12}, .n_classes = 10};

typedef struct options {
    filled model, loss[2];
    lyne_instance losses[2];
    lyne_network_options o;
} options;

static void choose(options *c, const lyne_model *model, const char *yaml, size_t n_losses) {
    *c = (options){.model = filled_with(&model->component, yaml)};
    c->loss[0] = filled_with(&lyne_loss_kd.component, "kd");
    c->loss[1] = filled_with(&lyne_loss_cross_entropy.component, "cross_entropy");
    for (int i = 0; i < 2; i++) c->losses[i] = c->loss[i].instance;
    c->o = (lyne_network_options){
        .model = c->model.instance, .task = &task, .batch = 4, .losses = {n_losses, c->losses}, .seed = 3};
}

static void unchoose(options *c) {
    unfill(&c->model);
    for (int i = 0; i < 2; i++) unfill(&c->loss[i]);
}

Test(network, inputs_follow_the_losses) {
    for (size_t n = 0; n <= 2; n++) {
        options c;
        lyne_network net;
        lyne_error err = {0};
        choose(&c, &lyne_model_mlp, "{mlp: {hidden: [5]}}", n);
        cr_assert_eq(lyne_network_init(&net, &c.o, &err), LYNE_OK, "%s", err.text);
        cr_expect_eq(net.label != NULL, n > 0);
        cr_expect_eq(net.teacher != NULL, n > 0);
        cr_expect_eq(net.n_terms, (int)n);
        cr_expect_str_eq(net.picture->path, "picture");
        if (n == 2) cr_expect_str_eq(net.term[1].node->path, "loss.cross_entropy");
        lyne_network_deinit(&net);
        lyne_network_deinit(&net);
        unchoose(&c);
    }
    options c;
    lyne_network net;
    choose(&c, &lyne_model_mlp, "{mlp: {hidden: [5]}}", 2);
    c.o.losses = (lyne_instances){1, c.losses + 1};
    cr_assert_eq(lyne_network_init(&net, &c.o, NULL), LYNE_OK);
    cr_expect(net.label && !net.teacher, "cross entropy alone needs no teacher");
    lyne_network_deinit(&net);
    unchoose(&c);
}

/* What is said of a network that holds no numbers is true of the one that does. */
Test(network, outline_takes_what_the_network_takes) {
    for (size_t n = 0; n <= 2; n += 2)
        for (int lean = 0; lean < 2; lean++) {
            options c;
            lyne_network net, outline;
            lyne_error err = {0};
            choose(&c, &lyne_model_lenet, "{lenet: {norm: true}}", n);
            c.o.lean = lean;
            cr_assert_eq(lyne_network_init(&net, &c.o, &err), LYNE_OK, "%s", err.text);
            c.o.outline = true;
            const uint64_t before = lyne_memory_count();
            cr_assert_eq(lyne_network_init(&outline, &c.o, &err), LYNE_OK, "%s", err.text);
            cr_expect(lyne_memory_count() > before && !outline.weights->value && !outline.weights->grad);
            cr_expect_eq(lyne_network_bytes(&outline), lyne_network_bytes(&net));
            cr_expect_gt(lyne_network_bytes(&net), net.weights->n_values * sizeof(float));
            lyne_network_deinit(&outline);
            lyne_network_deinit(&net);
            unchoose(&c);
        }
}

/* Two losses of one kind, say kd at two temperatures, are told apart. */
Test(network, losses_of_one_kind_are_numbered) {
    options c;
    lyne_network net;
    choose(&c, &lyne_model_mlp, "{mlp: {hidden: [5]}}", 2);
    const lyne_instance three[] = {c.losses[0], c.losses[1], c.losses[0]};
    static const char *const name[] = {"kd", "cross_entropy", "kd_2"};
    c.o.losses = (lyne_instances){3, three};
    cr_assert_eq(lyne_network_init(&net, &c.o, NULL), LYNE_OK);
    for (int i = 0; i < 3; i++) cr_expect_str_eq(lyne_network_term_name(&net, i), name[i]);
    lyne_network_deinit(&net);
    unchoose(&c);
}

/* Two programs over one set of weights, one for a batch of 4 and one for a batch of 1, answer the same. */
Test(network, programs_share_weights) {
    options c;
    lyne_network four, one;
    lyne_error err = {0};
    const float *a, *b;
    choose(&c, &lyne_model_lenet, "{lenet: {norm: true}}", 0);
    cr_assert_eq(lyne_network_init(&four, &c.o, &err), LYNE_OK, "%s", err.text);
    c.o.batch = 1;
    c.o.weights = four.weights;
    cr_assert_eq(lyne_network_init(&one, &c.o, &err), LYNE_OK, "%s", err.text);
    uint8_t *pictures = lyne_program_input(four.program, four.picture);
    for (int i = 0; i < 4 * 144; i++) pictures[i] = (uint8_t)(i * 37);
    cr_assert_eq(lyne_network_infer(&four, &a, &err), LYNE_OK, "%s", err.text);
    for (int k = 0; k < 4; k++) {
        memcpy(lyne_program_input(one.program, one.picture), pictures + k * 144, 144);
        cr_assert_eq(lyne_network_infer(&one, &b, &err), LYNE_OK, "%s", err.text);
        for (int i = 0; i < 10; i++) cr_expect_float_eq(a[k * 10 + i], b[i], 1e-5);
    }
    lyne_network_deinit(&one);
    lyne_network_deinit(&four);
    unchoose(&c);
}

static lyne_node *refuse(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    (void)config;
    (void)n_classes;
    lyne_graph_enter(g, "stem");
    lyne_node *x =
        lyne_conv2d(g, "conv1", picture, (lyne_conv2d_config){LYNE_CONV2D_DEFAULTS, .filters = 4, .kernel = 13});
    x = lyne_relu(g, "relu1", x);
    lyne_graph_leave(g);
    return x;
}
static const lyne_model refusing = {.component = {.kind = LYNE_MODEL, .name = "refusing"}, .build = refuse};

Test(network, a_model_that_does_not_fit_its_pictures) {
    for (size_t n = 0; n <= 2; n++) {
        options c;
        lyne_network net;
        lyne_error err = {0};
        choose(&c, &refusing, "refusing", n);
        cr_expect_eq(lyne_network_build(&net, &c.o, &err), LYNE_ERECIPE);
        cr_expect(strstr(err.text, "stem.conv1: ") && strstr(err.text, "12 x 12"), "%s", err.text);
        lyne_network_deinit(&net);
        unchoose(&c);
    }
}

static lyne_node *narrow(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    (void)config;
    return lyne_linear(g, "fc", lyne_flatten(g, "flatten", picture),
                       (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes - 1});
}
static lyne_node *unfinished(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    (void)config;
    (void)n_classes;
    lyne_flatten(g, "flatten", picture);
    return NULL;
}

/* Mistakes of a plug-in. */
static const struct {
    lyne_model model;
    const char *text;
} wrong[] = {{{{.kind = LYNE_MODEL, .name = "narrow"}, narrow},
              "model narrow: its logits fc are (4, 9); they should be f32 (4, 10)"},
             {{{.kind = LYNE_MODEL, .name = "unfinished"}, unfinished}, "model unfinished makes no logits"}};

Test(network, a_model_that_makes_no_logits_of_the_classes) {
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (size_t n = 0; n <= 2; n++) {
            options c;
            lyne_network net;
            lyne_error err = {0};
            choose(&c, &wrong[i].model, wrong[i].model.component.name, n);
            cr_expect_eq(lyne_network_init(&net, &c.o, &err), LYNE_ERECIPE, "%zu losses", n);
            cr_expect_str_eq(err.text, wrong[i].text);
            if (err.status == LYNE_OK) lyne_network_deinit(&net);
            unchoose(&c);
        }
}

Test(network, each_allocation_fails_once) {
    options c;
    lyne_network net;
    choose(&c, &lyne_model_lenet, "{lenet: {width: 0.5, norm: true}}", 2);
    const uint64_t before = lyne_memory_count();
    cr_assert_eq(lyne_network_init(&net, &c.o, NULL), LYNE_OK);
    lyne_network_deinit(&net);
    const uint64_t n = lyne_memory_count() - before;
    for (uint64_t i = 1; i <= n; i++) {
        lyne_error err = {0};
        lyne_memory_fail_at(i);
        cr_expect_eq(lyne_network_init(&net, &c.o, &err), LYNE_ENOSPACE, "allocation %llu of %llu: %s",
                     (unsigned long long)i, (unsigned long long)n, err.text);
        lyne_network_deinit(&net);
    }
    lyne_memory_fail_at(0);
    unchoose(&c);
}
