/* tests/train/evaluate.c -- scores against logits worked by hand: a model whose logits are the picture's first pixels. */
#include "train/evaluate.h"

#include "lyne/ops.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CLASSES = 3, N = 7 };

static lyne_node *build(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
    (void)config;
    return lyne_linear(g, "fc", lyne_flatten(g, "flatten", picture),
                       (lyne_linear_config){.units = n_classes, .bias = true});
}
static const lyne_model identity = {.component = {.kind = LYNE_MODEL, .name = "identity"}, .build = build};

/* Pictures of 1 x 3 pixels, which are the logits times 255. */
static const uint8_t pictures[N * CLASSES] = {255, 0, 0,   0,   255, 0, 0, 0,  255, 255, 255,
                                              0,   0, 255, 255, 0,   0, 0, 51, 102, 153};
static const uint8_t labels[N] = {0, 1, 0, 1, 1, 0, 2};
static const int argmax[N] = {0, 1, 2, 0, 1, 0, 2}; /* the lowest of equal ones */

static lyne_dataset dataset(int64_t n) {
    return (lyne_dataset){.name = "made",
                          .split = LYNE_TEST,
                          .n = n,
                          .channels = 1,
                          .height = 1,
                          .width = CLASSES,
                          .n_classes = CLASSES,
                          .pictures = pictures,
                          .labels = labels};
}

static lyne_network network(int64_t batch) {
    static const lyne_task task = {.picture = {1, 1, CLASSES}, .n_classes = CLASSES};
    const lyne_network_options o = {.model = {.row = &identity.component}, .task = &task, .batch = batch};
    lyne_network net;
    lyne_error err = {0};
    cr_assert_eq(lyne_network_init(&net, &o, &err), LYNE_OK, "%s", err.text);
    memset(net.weights->value, 0, net.weights->n_values * sizeof(float));
    for (int c = 0; c < CLASSES; c++) net.weights->value[c * CLASSES + c] = 1;
    net.weights->version++;
    return net;
}

static double cross_entropy(int i) {
    double sum = 0;
    for (int c = 0; c < CLASSES; c++) sum += exp(pictures[i * CLASSES + c] / 255.0);
    return log(sum) - pictures[i * CLASSES + labels[i]] / 255.0;
}

/* Every batch size, so every size of the last batch; each split from 1 sample on. */
Test(evaluate, counts_each_sample_once) {
    for (int64_t batch = 1; batch <= N + 2; batch++) {
        lyne_network net = network(batch);
        int64_t errors = 0;
        double loss = 0;
        for (int64_t n = 1; n <= N; n++) {
            const lyne_dataset d = dataset(n);
            lyne_scores scores;
            lyne_error err = {0};
            errors += argmax[n - 1] != labels[n - 1];
            loss += cross_entropy((int)n - 1);
            cr_assert_eq(lyne_evaluate(&net, &d, &scores, &err), LYNE_OK, "%s", err.text);
            cr_expect_eq(scores.n, n);
            cr_expect_eq(scores.errors, errors, "batch %lld of %lld", (long long)batch, (long long)n);
            cr_expect_float_eq(scores.accuracy, 1 - (double)errors / (double)n, 1e-12);
            cr_expect_float_eq(scores.loss, loss / (double)n, 1e-6);
            cr_expect_gt(scores.samples_per_second, 0);
        }
        lyne_network_deinit(&net);
    }
}

Test(evaluate, argmax) {
    cr_expect_eq(lyne_argmax((float[]){3}, 1), 0);
    cr_expect_eq(lyne_argmax((float[]){1, 3, 3}, 3), 1);
    cr_expect_eq(lyne_argmax((float[]){-INFINITY, -5, -6}, 3), 1);
}

static void expect_unanswered(lyne_network *net, int sample, const char *what, int c) {
    lyne_scores scores;
    lyne_error err = {0};
    char text[32];
    const lyne_dataset d = dataset(N);
    snprintf(text, sizeof text, "test sample %d ", sample);
    net->weights->version++;
    cr_expect_eq(lyne_evaluate(net, &d, &scores, &err), LYNE_ENOTFINITE, "%s in class %d", what, c);
    cr_expect(strstr(err.text, text), "%s in class %d: %s", what, c, err.text);
    lyne_network_deinit(net);
}

Test(evaluate, names_the_first_sample_without_an_answer) {
    static const struct {
        float bias;
        const char *what;
    } rows[] = {{NAN, "NaN"}, {INFINITY, "infinity"}, {-INFINITY, "minus infinity"}};
    for (int c = 0; c < CLASSES; c++) {
        for (size_t k = 0; k < 3; k++) {
            lyne_network net = network(3);
            net.weights->value[net.weights->offset[1] + (size_t)c] = rows[k].bias;
            expect_unanswered(&net, 0, rows[k].what, c);
        }
        lyne_network net = network(2); /* sample c is the first whose pixel c is not 0 */
        net.weights->value[net.weights->offset[1] + (size_t)c] = net.weights->value[c * CLASSES + c] = 3e38f;
        expect_unanswered(&net, c, "too much", c);
    }
}

Test(evaluate, stops_when_asked_to) {
    lyne_network net = network(2);
    lyne_scores scores;
    lyne_error err = {0};
    const lyne_dataset d = dataset(N);
    lyne_request_stop();
    cr_expect_eq(lyne_evaluate(&net, &d, &scores, &err), LYNE_STOPPED);
    lyne_clear_stop();
    cr_expect(strstr(err.text, "at sample 0 of 7; the same command goes on"), "%s", err.text);
    lyne_network_deinit(&net);
}
