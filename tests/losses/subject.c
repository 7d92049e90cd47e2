/* losses on the bench; see subject.h. */
#include "subject.h"
#include <criterion/criterion.h>
#include <string.h>

lyne_node *build_loss(lyne_graph *g, const void *context, lyne_node *const *src) {
    const loss_context *c = context;
    const lyne_loss_inputs in = {.logits = src[0],
                                 .labels = c->loss->needs_teacher ? NULL : src[1],
                                 .teacher = c->loss->needs_teacher ? src[1] : NULL,
                                 .rest_is_class = c->rest_is_class};
    return c->loss->build(g, "loss", c->config, &in);
}

bench_subject loss_subject(const loss_context *context, int64_t batch, int64_t classes) {
    const lyne_shape shape = LYNE_SHAPE(batch, classes);
    return (bench_subject){.n_src = 2,
                           .src = {{.shape = shape},
                                   context->loss->needs_teacher
                                       ? (bench_source){.shape = shape, .constant = true}
                                       : (bench_source){.shape = {1, {batch}}, .type = LYNE_S32, .labels = classes}},
                           .build = build_loss,
                           .context = context};
}

double run_loss(const loss_context *context, int64_t batch, int64_t classes, const float *logits, const void *target,
                double *grad) {
    const bench_subject s = loss_subject(context, batch, classes);
    bench b;
    lyne_error err = {0};
    double value;
    cr_assert(bench_open(&b, &s, true, &err) == LYNE_OK, "%s", err.text);
    const size_t n = (size_t)(batch * classes) * sizeof(float);
    memcpy(bench_source_at(&b, 0), logits, n);
    memcpy(lyne_program_input(b.program, b.src[1]), target,
           context->loss->needs_teacher ? n : (size_t)batch * sizeof(int32_t));
    bench_changed(&b);
    cr_assert(bench_run(&b, &err) == LYNE_OK, "%s", err.text);
    bench_value(&b, &value);
    for (int64_t i = 0; grad && i < batch * classes; i++)
        grad[i] = (double)bench_source_grad(&b, 0)[i] / (double)b.r[0];
    bench_close(&b);
    return value;
}
