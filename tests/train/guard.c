/* tests/train/guard.c -- no shipped model compiles to an implementation that is known to be slow: every family, in each
 * precision that this CPU has, for training and for inference, in the sizes that people use. */
#include "../fill.h"

#include "dnn/dnn.h"
#include "lyne/ops.h"
#include "train/network.h"
#include <string.h>

extern const lyne_model lyne_model_mlp, lyne_model_lenet, lyne_model_resnet_cifar, lyne_model_mobilenet_v2,
    lyne_model_transformer;
extern const lyne_loss lyne_loss_cross_entropy, lyne_loss_kd;

static const struct {
    const lyne_model *model;
    const char *config;
    int64_t channels, size /* no channels: tokens of a sequence */, batch;
} models[] = {
    {&lyne_model_mlp, "mlp", 1, 28, 128},
    {&lyne_model_lenet, "lenet", 1, 28, 128},
    {&lyne_model_lenet, "{lenet: {norm: true}}", 3, 32, 128},
    {&lyne_model_resnet_cifar, "{resnet_cifar: {depth: 20}}", 3, 32, 128},
    {&lyne_model_resnet_cifar, "{resnet_cifar: {depth: 8, stem: 32, width: 4}}", 3, 32, 64},
    {&lyne_model_mobilenet_v2, "{mobilenet_v2: {width: 0.5}}", 3, 32, 64},
    {&lyne_model_mobilenet_v2, "mobilenet_v2", 3, 32, 64},
    {&lyne_model_transformer, "transformer", 0, 128, 32},
    {&lyne_model_transformer, "{transformer: {kind: decoder}}", 0, 128, 32},
};

/* Slow all the same, and why that may stay. */
static const struct {
    const char *path, *what, *why;
} allowed[] = {
    {NULL, NULL, NULL},
};

static bool is_allowed(const lyne_step_name *s) {
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (allowed[i].path && strstr(s->path, allowed[i].path) && strcmp(s->what, allowed[i].what) == 0) return true;
    return false;
}

static void check(size_t k, lyne_type precision, bool training) {
    static const double half = 0.5, quarter = 0.25;
    filled model = filled_with(&models[k].model->component, models[k].config);
    filled term[] = {filled_with(&lyne_loss_kd.component, "{kd: {temperature: 4, weight: 0.9}}"),
                     filled_with(&lyne_loss_cross_entropy.component, "{cross_entropy: {weight: 0.1}}")};
    lyne_instance losses[] = {term[0].instance, term[1].instance};
    lyne_task task = {.picture = {models[k].channels, models[k].size, models[k].size},
                      .n_classes = 10,
                      .mean = {1, &half},
                      .sd = {1, &quarter},
                      .precision = precision};
    if (!models[k].channels)
        task = (lyne_task){.sequence = {.length = models[k].size, .vocabulary = 65, .labelled = true},
                           .n_classes = 65,
                           .precision = precision};
    const lyne_network_options o = {.model = model.instance,
                                    .task = &task,
                                    .batch = models[k].batch,
                                    .losses = {training ? 2 : 0, losses},
                                    .seed = 1};
    lyne_network net;
    lyne_error err = {0};
    cr_assert(lyne_network_init(&net, &o, &err) == LYNE_OK, "%s: %s", models[k].config, err.text);
    for (int i = 0; i < lyne_program_n_steps(net.program); i++) {
        const lyne_step_name s = lyne_program_step(net.program, i);
        const char *trap = lyne_step_trap(&s, dnn_isa());
        cr_expect(!trap || is_allowed(&s), "%s in %s, %s: %s %s is %s: %s", models[k].config,
                  precision == LYNE_BF16 ? "bf16" : "f32", training ? "training" : "inference", s.pass, s.path, s.what,
                  trap);
    }
    lyne_network_deinit(&net);
    unfill(&model);
    unfill(&term[0]);
    unfill(&term[1]);
}

Test(guard, shipped_models, .timeout = 120) {
    for (size_t k = 0; k < sizeof models / sizeof *models; k++)
        for (int bf16 = 0; bf16 <= dnn_has_bf16(); bf16++)
            for (int training = 0; training < 2; training++) check(k, bf16 ? LYNE_BF16 : LYNE_F32, training);
}
