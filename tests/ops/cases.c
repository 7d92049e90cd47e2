/* Every case of every row: value against the reference, gradient against differences, the same bits twice. */
#include "reference/bench.h"
#include "reference/forward.h"
#include "reference/gradient.h"
#include "rows.h"
#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* A case of a row as a subject; op and arena must outlive it. */
static bench_subject subject_of(const lyne_op *op, const lyne_op_case *c, bench_op *context, lyne_arena *arena) {
    *context = (bench_op){.op = op, .config = bench_config(&op->component, c->config, arena)};
    cr_assert(context->config, "%s: %s is refused", op->component.name, c->config);
    bench_subject s = {.n_src = op->n_src,
                       .build = bench_build_op,
                       .context = context,
                       .has_kink = c->has_kink,
                       .kink = c->kink,
                       .spread = c->spread};
    for (int i = 0; i < op->n_src; i++)
        s.src[i] = (bench_source){.shape = c->src[i], .type = source_type(op, i), .labels = 5};
    return s;
}

static double *doubles(const lyne_shape *s) {
    return malloc((size_t)lyne_shape_size(s) * sizeof(double));
}

static void compare_with_reference(const lyne_op *op, int k, bool training) {
    lyne_arena arena = {0};
    lyne_error err = {0};
    bench_op context;
    bench b;
    bench_subject s = subject_of(op, &op->cases[k], &context, &arena);
    cr_assert(bench_open(&b, &s, training, &err) == LYNE_OK, "%s case %d: %s", op->component.name, k, err.text);
    if (op == &lyne_op_batch_norm) /* statistics that differ from their initial ones */
        for (int i = 2; i < 4; i++) {
            const int param = b.node->param[i];
            for (int64_t c = 0; c < b.node->shape.dim[1]; c++)
                b.weights->value[b.weights->offset[param] + (size_t)c] = 0.25f + 0.5f * (float)(c % 3);
        }
    reference_call r = {.node = b.node, .training = training, .clock = b.clock, .dst = doubles(&b.node->shape)};
    double *src[LYNE_MAX_SRC] = {0}, *param[LYNE_MAX_PARAMS] = {0}, *value = doubles(&b.node->shape);
    for (int i = 0; i < op->n_src; i++) {
        r.src[i] = src[i] = doubles(&b.src[i]->shape);
        bench_source_values(&b, i, src[i]);
    }
    for (int i = 0; i < b.node->n_params; i++) {
        const lyne_shape *shape = &b.weights->param[b.node->param[i]].shape;
        r.param[i] = param[i] = doubles(shape);
        for (int64_t j = 0; j < lyne_shape_size(shape); j++)
            param[i][j] = (double)b.weights->value[b.weights->offset[b.node->param[i]] + (size_t)j];
    }
    cr_assert(bench_run(&b, &err) == LYNE_OK, "%s", err.text);
    bench_value(&b, value);
    cr_assert(reference_forward(&r), "%s has no reference", op->component.name);
    double largest = 1e-3, worst = 0;
    for (int64_t i = 0; i < lyne_shape_size(&b.node->shape); i++) largest = fmax(largest, fabs(r.dst[i]));
    for (int64_t i = 0; i < lyne_shape_size(&b.node->shape); i++) {
        const double error = fabs(value[i] - r.dst[i]) / largest;
        if (!(error <= worst)) worst = error;
    }
    const double rounding = op->cases[k].rounding != 0 ? op->cases[k].rounding : 2e-6;
    cr_expect(worst < rounding, "%s case %d, %s: error %g of the largest value", op->component.name, k,
              training ? "training" : "inference", worst);
    for (int i = 0; i < LYNE_MAX_SRC; i++) free(src[i]);
    for (int i = 0; i < LYNE_MAX_PARAMS; i++) free(param[i]);
    free(value);
    free(r.dst);
    bench_close(&b);
    lyne_arena_free(&arena);
}

Test(cases, value) {
    for (int i = 0; i < N_ROWS; i++)
        for (int k = 0; rows[i]->cases[k].src[0].rank; k++) {
            compare_with_reference(rows[i], k, false);
            compare_with_reference(rows[i], k, true);
        }
}

Test(cases, every_row_has_some) {
    for (int i = 0; i < N_ROWS; i++) {
        cr_expect(rows[i]->cases && rows[i]->cases[0].src[0].rank, "%s", rows[i]->component.name);
        cr_expect(rows[i]->component.help && rows[i]->component.example, "%s", rows[i]->component.name);
    }
}

Test(cases, gradient, .timeout = 120) {
    for (int i = 0; i < N_ROWS; i++)
        for (int k = 0; rows[i]->emit_backward && rows[i]->cases[k].src[0].rank; k++) {
            lyne_arena arena = {0};
            bench_op context;
            bench_subject s = subject_of(rows[i], &rows[i]->cases[k], &context, &arena);
            const gradient_result r = gradient_check(&s);
            cr_expect(r.ok, "%s case %d: %s (error %g)", rows[i]->component.name, k, r.text, r.worst);
            lyne_arena_free(&arena);
        }
}

/* Value, then gradients, of a fresh bench. */
static void bits_of(const bench_subject *s, unsigned char *out, size_t size) {
    bench b;
    lyne_error err = {0};
    cr_assert(bench_open(&b, s, true, &err) == LYNE_OK && bench_run(&b, &err) == LYNE_OK, "%s", err.text);
    const size_t n = (size_t)lyne_shape_size(&b.node->shape) * sizeof(float), m = b.weights->n_trained * sizeof(float);
    cr_assert(n + m <= size);
    memset(out, 0, size);
    memcpy(out, lyne_program_output(b.program, b.node), n);
    memcpy(out + n, b.weights->grad, m);
    bench_close(&b);
}

Test(cases, same_bits_twice) {
    const size_t size = 1 << 21;
    unsigned char *first = malloc(size), *second = malloc(size);
    for (int threads = 1; threads <= 2; threads++) {
        omp_set_num_threads(threads);
        for (int i = 0; i < N_ROWS; i++)
            for (int k = 0; rows[i]->cases[k].src[0].rank; k++) {
                lyne_arena arena = {0};
                bench_op context;
                bench_subject s = subject_of(rows[i], &rows[i]->cases[k], &context, &arena);
                bits_of(&s, first, size);
                bits_of(&s, second, size);
                cr_expect(memcmp(first, second, size) == 0, "%s case %d, %d threads", rows[i]->component.name, k,
                          threads);
                lyne_arena_free(&arena);
            }
    }
    free(first);
    free(second);
}
