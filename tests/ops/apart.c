/* tests/ops/apart.c -- no step writes beside its buffers, and none lives off what another left: every case of every row, and
 * convolutions and products of few and odd channels, in training and in inference, f32 and bf16, with the buffers apart;
 * the numbers are those with the buffers packed, bit for bit. */
#include "reference/apart.h"
#include "dnn/dnn.h"
#include "lyne/ops.h"
#include "opened.h"
#include "rows.h"
#include <stdio.h>

static void check(const bench_subject *s, bool training, const char *what) {
    bench packed, b;
    lyne_error err = {0};
    open_run(&packed, s, training);
    apart_from_now_on(true);
    cr_assert(bench_open(&b, s, training, &err) == LYNE_OK, "%s: %s", what, err.text);
    apart_from_now_on(false);
    apart_fill(&b);
    if (training) memset(b.weights->grad, 0xff, b.weights->n_trained * sizeof(float));
    cr_assert(bench_run(&b, &err) == LYNE_OK, "%s: %s", what, err.text);
    const char *by = apart_written_beside(&b);
    cr_expect(!by, "%s: something is written beside a buffer of %s", what, by);
    cr_expect(
        memcmp(lyne_program_output(b.program, b.node), lyne_program_output(packed.program, packed.node),
               (size_t)lyne_shape_size(&b.node->shape) * sizeof(float)) == 0 &&
            (!training || memcmp(b.weights->grad, packed.weights->grad, b.weights->n_trained * sizeof(float)) == 0),
        "%s: other numbers with the buffers apart", what);
    bench_close(&b);
    bench_close(&packed);
}

static void check_op(const lyne_op *op, const char *config, const lyne_shape *src, bool spread) {
    lyne_arena arena = {0};
    const bench_op context = {.op = op, .config = bench_config(&op->component, config, &arena)};
    cr_assert(context.config, "%s: %s is refused", op->component.name, config);
    bench_subject s = {.n_src = op->n_src, .build = bench_build_op, .context = &context, .spread = spread};
    for (int i = 0; i < op->n_src; i++)
        s.src[i] = (bench_source){.shape = src[i], .type = source_type(op, i), .labels = 5};
    for (int kind = 0; kind < 4; kind++) {
        char what[256];
        s.bf16 = kind & 2;
        if (s.bf16 && !dnn_has_bf16()) continue;
        if (kind & 1 && !op->emit_backward) continue;
        snprintf(what, sizeof what, "%s %s of %d channels, %s, %s", op->component.name, config ? config : "",
                 (int)src[0].dim[1], kind & 1 ? "training" : "inference", s.bf16 ? "bf16" : "f32");
        check(&s, kind & 1, what);
    }
    lyne_arena_free(&arena);
}

Test(apart, cases) {
    for (int i = 0; i < N_ROWS; i++)
        for (const lyne_op_case *c = rows[i]->cases; c->src[0].rank; c++)
            check_op(rows[i], c->config, c->src, c->spread);
}

Test(apart, convolutions, .timeout = 120) {
    static const int channels[] = {1, 3, 4, 5, 8, 10, 15, 17}, filters[] = {1, 8, 19};
    static const struct {
        int kernel, stride, padding, size;
    } windows[] = {{1, 1, 0, 9}, {1, 2, 0, 32}, {1, 2, 0, 9}, {1, 3, 0, 12},
                   {3, 1, 1, 9}, {3, 2, 1, 8},  {5, 1, 2, 7}, {3, 1, 0, 8}};
    char config[128];
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
        for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
            const lyne_shape src = {4, {3, channels[i], windows[w].size, windows[w].size}};
            for (size_t f = 0; f < sizeof filters / sizeof *filters; f++) {
                snprintf(config, sizeof config, "{filters: %d, kernel: %d, stride: %d, padding: %d, bias: %s}",
                         filters[f], windows[w].kernel, windows[w].stride, windows[w].padding,
                         f % 2 ? "false" : "true");
                check_op(&lyne_op_conv2d, config, &src, false);
            }
            snprintf(config, sizeof config, "{filters: %d, kernel: %d, stride: %d, padding: %d, groups: %d}",
                     channels[i], windows[w].kernel, windows[w].stride, windows[w].padding, channels[i]);
            check_op(&lyne_op_conv2d, config, &src, false);
        }
}

Test(apart, products) {
    static const int features[] = {1, 3, 8, 15, 17, 33}, filters[] = {1, 7, 16, 19}, batches[] = {1, 3, 64};
    char config[64];
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
        for (size_t i = 0; i < sizeof features / sizeof *features; i++)
            for (size_t f = 0; f < sizeof filters / sizeof *filters; f++) {
                snprintf(config, sizeof config, "{units: %d}", filters[f]);
                check_op(&lyne_op_linear, config, &LYNE_SHAPE(batches[b], features[i]), false);
            }
}
