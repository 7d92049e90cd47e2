/* bench/subject.c -- see subject.h. */
#include "subject.h"
#include "base/log.h"
#include "base/random.h"
#include "component/config.h"
#include "recipe/builtin.h"
#include <stdio.h>
#include <string.h>

/* NAME or {NAME: {fields}} of a kind. */
static bool instance(subject *s, lyne_kind kind, const char *yaml, lyne_instance *out, lyne_error *err) {
    lyne_diagnostics said = {0};
    const lyne_filler f = {.registry = s->registry, .arena = &s->arena, .out = &said};
    const lyne_yaml *tree = lyne_yaml_parse("bench", yaml, strlen(yaml), &s->arena, &said);
    if (tree) lyne_config_instance(&f, kind, "bench", tree, out);
    lyne_diagnostics_error(&said, err);
    const bool good = lyne_diagnostics_status(&said) == LYNE_OK && out->row;
    lyne_diagnostics_free(&said);
    return good;
}

static void fill_inputs(subject *s) {
    lyne_network *n = &s->net;
    lyne_stream r = lyne_stream_at(1, LYNE_FOR_CHECK, 0, 0);
    void *picture = lyne_program_input(n->program, n->picture);
    for (int64_t i = 0; i < lyne_shape_size(&n->picture->shape); i++)
        if (n->picture->type == LYNE_S32)
            ((int32_t *)picture)[i] = (int32_t)lyne_stream_between(&r, 0, s->task.n_classes - 1);
        else
            ((uint8_t *)picture)[i] = (uint8_t)lyne_stream_bits(&r);
    int32_t *label = n->label ? lyne_program_input(n->program, n->label) : NULL;
    for (int64_t i = 0; label && i < n->label->shape.dim[0]; i++)
        label[i] = (int32_t)lyne_stream_between(&r, 0, s->task.n_classes - 1);
    float *teacher = n->teacher ? lyne_program_input(n->program, n->teacher) : NULL;
    for (int64_t i = 0; teacher && i < lyne_shape_size(&n->teacher->shape); i++) teacher[i] = lyne_stream_normal(&r);
}

lyne_status subject_open(subject *s, const subject_options *o, lyne_error *err) {
    static const double half = 0.5, quarter = 0.25;
    lyne_instance model = {0};
    long long c, h, w;
    if (lyne_registry_new(lyne_builtin_rows, lyne_n_builtin_rows, &s->registry, err) != LYNE_OK) return err->status;
    if (!instance(s, LYNE_MODEL, o->model, &model, err)) return err->status;
    if (!o->infer && !instance(s, LYNE_OPTIMIZER, o->optimizer, &s->optimizer, err)) return err->status;
    if (!instance(s, LYNE_LOSS, "{kd: {temperature: 4, weight: 0.9}}", &s->loss[0], err) ||
        !instance(s, LYNE_LOSS, "{cross_entropy: {weight: 0.1}}", &s->loss[1], err))
        return err->status;
    if (sscanf(o->picture, "%lld,%lld,%lld", &c, &h, &w) != 3)
        return lyne_fail(err, LYNE_EUSAGE, "--picture expects C,H,W as in 3,32,32, not '%s'", o->picture);
    s->task = (lyne_task){.picture = {c, h, w},
                          .sequence = {o->tokens, o->classes, o->tokens > 0},
                          .n_classes = o->classes,
                          .mean = {1, &half},
                          .sd = {1, &quarter},
                          .precision = strcmp(o->precision, "bf16") == 0 ? LYNE_BF16 : LYNE_F32};
    const lyne_network_options n = {.model = model,
                                    .task = &s->task,
                                    .batch = o->batch,
                                    .lean = o->lean,
                                    .features = o->features,
                                    .losses = {o->infer ? 0 : 2, s->loss},
                                    .seed = 1};
    if (lyne_network_init(&s->net, &n, err) != LYNE_OK) return err->status;
    for (int i = 0; !o->infer && i < ((const lyne_optimizer *)s->optimizer.row)->n_slots; i++)
        if (!(s->slot[i] = lyne_alloc(s->net.weights->n_trained, sizeof(float))))
            return lyne_fail_memory(err, "the optimizer");
    fill_inputs(s);
    return LYNE_OK;
}

void subject_close(subject *s) {
    for (int i = 0; i < LYNE_MAX_SLOTS; i++) lyne_free(s->slot[i]);
    lyne_network_deinit(&s->net);
    lyne_registry_free(s->registry);
    lyne_arena_free(&s->arena);
}

lyne_status subject_step(subject *s, double *seconds, lyne_error *err) {
    lyne_status status = lyne_program_run_timed(s->net.program, &(lyne_clock){0}, seconds, err);
    if (status != LYNE_OK || !s->optimizer.row) return status;
    const double start = lyne_now();
    lyne_update u = {.weights = s->net.weights, .step = ++s->steps, .lr = 0.001};
    memcpy(u.slot, s->slot, sizeof u.slot);
    ((const lyne_optimizer *)s->optimizer.row)->step(s->optimizer.config, &u);
    if (seconds) seconds[lyne_program_n_steps(s->net.program)] += lyne_now() - start;
    return LYNE_OK;
}
