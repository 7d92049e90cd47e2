/* tests/ops/conv2d_kernels.c -- our own convolutions on pictures large enough for several blocks, chunks and shares: the
 * weight gradient against a sum in double, and the same bits from one thread and from two.  Small pictures, all passes
 * and elements are in the cases of conv2d's row. */
#include "base/bf16.h"
#include "base/cpu.h"
#include "lyne/ops.h"
#include "opened.h"
#include "rows.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *kernel; /* the step that makes the weight gradient where the CPU has `isa` */
    lyne_isa isa;
    const char *config;
    lyne_shape src;
    bool bf16;
    bool own_bits; /* all that a gradient goes through is ours */
} rows_of_kernels[] = {
    {"depthwise",
     LYNE_ISA_BASE,
     "{filters: 40, kernel: 3, padding: 1, groups: 40, bias: false}",
     {4, {21, 40, 13, 11}},
     false,
     true},
    {"depthwise",
     LYNE_ISA_BASE,
     "{filters: 48, kernel: 3, padding: 1, stride: 2, groups: 48}",
     {4, {33, 48, 9, 10}},
     true,
     true},
    {"winograd",
     LYNE_ISA_AVX512,
     "{filters: 48, kernel: 3, padding: 1, bias: false}",
     {4, {19, 32, 14, 17}},
     false,
     true},
    {"amx tiles", LYNE_ISA_AMX, "{filters: 64, kernel: 3, padding: 1, bias: false}", {4, {90, 64, 13, 14}}, true, true},
    {"amx tiles", LYNE_ISA_AMX, "{filters: 64, kernel: 3, padding: 1, stride: 2}", {4, {90, 32, 21, 14}}, true, true},
    {"amx tiles", LYNE_ISA_AMX, "{filters: 64, kernel: 1, stride: 2, bias: false}", {4, {130, 32, 25, 26}}, true, true},
    {"strided pixels", LYNE_ISA_BASE, "{filters: 19, kernel: 1, stride: 2}", {4, {5, 5, 32, 32}}, false, false},
    {"strided pixels", LYNE_ISA_BASE, "{filters: 8, kernel: 1, stride: 3, bias: false}", {4, {4, 15, 33, 48}}, false, false},
    {"brg", LYNE_ISA_AMX, "{filters: 96, kernel: 1, bias: false}", {4, {40, 24, 13, 11}}, true, false},
};
enum { N_KERNELS = sizeof rows_of_kernels / sizeof *rows_of_kernels };

static bool has_step(const bench *b, const char *name) {
    for (int i = 0; i < lyne_program_n_steps(b->program); i++) {
        const lyne_step_name step = lyne_program_step(b->program, i);
        if (strcmp(step.pass, "backward") == 0 && strncmp(step.what, name, strlen(name)) == 0) return true;
    }
    return false;
}

/* The gradient of weight (o, i, u, v), from the numbers of the bench. */
static double due(bench *b, bool bf16, int64_t o, int64_t i, int64_t u, int64_t v) {
    const lyne_conv2d_config *c = b->node->config;
    const int64_t *src = b->src[0]->shape.dim, *dst = b->node->shape.dim;
    const int64_t in = c->groups > 1 ? o : i;
    const float *at = bench_source_at(b, 0);
    double sum = 0;
    for (int64_t n = 0; n < dst[0]; n++)
        for (int64_t y = 0; y < dst[2]; y++)
            for (int64_t x = 0; x < dst[3]; x++) {
                const int64_t row = y * c->stride + u - c->padding, column = x * c->stride + v - c->padding;
                if (row < 0 || column < 0 || row >= src[2] || column >= src[3]) continue;
                const float r = b->r[((n * dst[2] + y) * dst[3] + x) * dst[1] + o];
                sum += (double)at[((n * src[1] + in) * src[2] + row) * src[3] + column] *
                       (double)(bf16 ? lyne_from_bf16(lyne_to_bf16(r)) : r);
            }
    return sum;
}

static void check_some(bench *b, int k) {
    const lyne_shape *w = &b->weights->param[b->node->param[0]].shape;
    const float *grad = b->weights->grad + b->weights->offset[b->node->param[0]];
    const int64_t n = lyne_shape_size(w), taps = w->dim[2] * w->dim[3];
    const double scale = sqrt((double)lyne_shape_size(&b->node->shape) / (double)b->node->shape.dim[1]);
    for (int64_t j = 0; j < 60; j++) {
        const int64_t e = j == 59 ? n - 1 : j * 7919 % n;
        const double is = (double)grad[e], right = due(b, rows_of_kernels[k].bf16, e / taps / w->dim[1],
                                                       e / taps % w->dim[1], e % taps / w->dim[3], e % w->dim[3]);
        cr_expect(fabs(is - right) < 2e-4 * scale, "row %d, element %lld: %g, not %g", k, (long long)e, is, right);
    }
}

Test(conv2d_kernels, large, .timeout = 120) {
    for (int k = 0; k < N_KERNELS; k++) {
        if (rows_of_kernels[k].bf16 && !dnn_has_bf16()) continue;
        lyne_arena arena = {0};
        bench b[2];
        const bench_op context = {.op = &lyne_op_conv2d,
                                  .config = bench_config(&lyne_op_conv2d.component, rows_of_kernels[k].config, &arena)};
        const bench_subject s = {.n_src = 1,
                                 .src = {{.shape = rows_of_kernels[k].src, .type = LYNE_F32}},
                                 .build = bench_build_op,
                                 .context = &context,
                                 .bf16 = rows_of_kernels[k].bf16,
                                 .rounded = true};
        for (int threads = 1; threads <= 2; threads++) {
            omp_set_num_threads(threads);
            open_run(&b[threads - 1], &s, true);
        }
        cr_expect(has_step(&b[0], rows_of_kernels[k].kernel) || lyne_cpu_isa() < rows_of_kernels[k].isa,
                  "row %d: not by %s", k, rows_of_kernels[k].kernel);
        check_some(&b[0], k);
        const size_t n = b[0].weights->n_trained * sizeof(float);
        cr_expect(!rows_of_kernels[k].own_bits || memcmp(b[0].weights->grad, b[1].weights->grad, n) == 0,
                  "row %d: one thread and two differ", k);
        bench_close(&b[0]);
        bench_close(&b[1]);
        lyne_arena_free(&arena);
    }
}
