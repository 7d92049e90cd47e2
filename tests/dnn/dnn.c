/* The context, layouts, and everything that must fail well. */
#include "dnn/dnn.h"
#include "base/memory.h"
#include "harness.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

Test(dnn, names) {
    int major = 0, minor = 0;
    cr_assert_eq(sscanf(dnn_version(), "%d.%d.", &major, &minor), 2);
    cr_assert(major >= 2);
    cr_assert(strlen(dnn_isa()) > 2);
    cr_assert_eq(dnn_type_size(DNN_F32), 4u);
    cr_assert_eq(dnn_type_size(DNN_BF16), 2u);
    cr_assert_eq(dnn_type_size(DNN_U8), 1u);
}

Test(dnn, nothing_is_freed_in_peace) {
    dnn_context_free(NULL);
    dnn_primitive_free(NULL);
    dnn_layout_free(NULL);
}

Test(dnn, layouts_compare_and_copy) {
    const dnn_tensor tensors[] = {
        shape4(DNN_PLAIN, 2, 3, 4, 5), shape4(DNN_CHANNELS_LAST, 2, 3, 4, 5),
        shape4(DNN_PLAIN, 2, 3, 4, 6), {.rank = 4, .dim = {2, 3, 4, 5}, .type = DNN_BF16},
        shape2(DNN_PLAIN, 6, 7),       shape2(DNN_TRANSPOSED, 6, 7),
    };
    const size_t bytes[] = {480, 480, 576, 240, 168, 168};
    enum { N = sizeof tensors / sizeof *tensors };
    dnn_layout *l[N] = {0}, *copy = NULL;
    lyne_error err = {0};
    for (int i = 0; i < N; i++) {
        cr_assert_eq(dnn_layout_new(tensors[i], &l[i], &err), LYNE_OK, "%s", err.text);
        cr_assert_eq(dnn_layout_bytes(l[i]), bytes[i], "%d", i);
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) cr_assert_eq(dnn_layout_equal(l[i], l[j]), i == j, "%d %d", i, j);
    cr_assert_eq(dnn_layout_copy(l[1], &copy, &err), LYNE_OK);
    for (int i = 0; i < N; i++) dnn_layout_free(l[i]);
    cr_assert_eq(dnn_layout_bytes(copy), 480u);
    dnn_layout_free(copy);
}

/* Strides, padding and blocks of layouts that are known beforehand. */
Test(dnn, layouts_tell_their_blocks) {
    const struct {
        dnn_tensor tensor;
        int64_t stride[4];
    } rows[] = {{shape4(DNN_PLAIN, 2, 3, 4, 5), {60, 20, 5, 1}},
                {shape4(DNN_CHANNELS_LAST, 2, 3, 4, 5), {60, 1, 15, 3}},
                {shape2(DNN_TRANSPOSED, 6, 7), {1, 6}},
                {{.rank = 2, .dim = {6, 7}, .type = DNN_BF16}, {7, 1}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dnn_layout *l = NULL;
        dnn_blocks b;
        cr_assert_eq(dnn_layout_new(rows[i].tensor, &l, NULL), LYNE_OK);
        cr_assert(dnn_layout_blocks(l, &b));
        cr_expect_eq(b.rank, rows[i].tensor.rank);
        cr_expect_eq(b.type, rows[i].tensor.type);
        cr_expect_eq(b.n_inner, 0);
        for (int d = 0; d < b.rank; d++) {
            cr_expect_eq(b.dim[d], rows[i].tensor.dim[d], "%zu %d", i, d);
            cr_expect_eq(b.padded[d], rows[i].tensor.dim[d], "%zu %d", i, d);
            cr_expect_eq(b.stride[d], rows[i].stride[d], "%zu %d", i, d);
        }
        dnn_layout_free(l);
    }
}

/* ANY weights of 5 channels are laid out in blocks on most machines; the copy outlives the primitive. */
Test(dnn, layout_of_a_primitive_can_be_kept) {
    dnn_context *c = open_context();
    dnn_convolution_spec spec = {.src = shape4(DNN_CHANNELS_LAST, 1, 5, 4, 4),
                                 .weights = shape4(DNN_ANY, 7, 5, 3, 3),
                                 .dst = shape4(DNN_CHANNELS_LAST, 1, 7, 2, 2),
                                 .stride = {1, 1},
                                 .dilation = {1, 1}};
    dnn_primitive *p = NULL, *q = NULL;
    dnn_layout *kept = NULL, *flat = NULL, *want = NULL;
    lyne_error err = {0};
    cr_assert_eq(dnn_convolution(c, &spec, DNN_FORWARD_TRAINING, &p, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(dnn_convolution(c, &spec, DNN_FORWARD_TRAINING, &q, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(dnn_layout_copy(dnn_layout_of(p, DNN_WEIGHTS), &kept, &err), LYNE_OK);
    cr_assert_null(dnn_layout_of(p, DNN_BIAS));
    cr_assert_null(dnn_layout_of(p, DNN_DIFF_SRC));
    cr_assert(strlen(dnn_implementation(p)) > 2);
    dnn_primitive_free(p);
    cr_assert(dnn_layout_equal(kept, dnn_layout_of(q, DNN_WEIGHTS)));
    cr_assert_geq(dnn_layout_bytes(kept), 7u * 5 * 3 * 3 * 4);
    dnn_blocks b;
    cr_assert(dnn_layout_blocks(kept, &b));
    cr_expect_eq((size_t)(b.padded[0] * b.padded[1] * b.padded[2] * b.padded[3]) * 4, dnn_layout_bytes(kept));
    for (int i = 0; i < b.n_inner; i++) cr_expect_eq(b.padded[b.inner_of[i]] % b.inner[i], 0, "%d", i);
    cr_assert_eq(dnn_layout_plain(kept, DNN_BF16, &flat, &err), LYNE_OK);
    const dnn_tensor plain = {.rank = 4, .dim = {7, 5, 3, 3}, .type = DNN_BF16};
    cr_assert_eq(dnn_layout_new(plain, &want, &err), LYNE_OK);
    cr_assert(dnn_layout_equal(flat, want));
    dnn_primitive_free(q);
    dnn_layout_free(kept), dnn_layout_free(flat), dnn_layout_free(want);
    dnn_context_free(c);
}

/* ---- what must be refused, and with which words ---- */

static dnn_convolution_spec good(void) {
    return (dnn_convolution_spec){.src = shape4(DNN_CHANNELS_LAST, 2, 4, 8, 8),
                                  .weights = shape4(DNN_ANY, 6, 4, 3, 3),
                                  .bias = {.rank = 1, .dim = {6}},
                                  .dst = shape4(DNN_CHANNELS_LAST, 2, 6, 8, 8),
                                  .stride = {1, 1},
                                  .dilation = {1, 1},
                                  .pad_begin = {1, 1},
                                  .pad_end = {1, 1}};
}

static void refused(lyne_status status, const lyne_error *err, const dnn_primitive *p, const char *words) {
    cr_assert_eq(status, LYNE_EOTHER, "%s: status %d: %s", words, status, err->text);
    cr_assert_eq(err->status, status);
    cr_assert_null(p, "%s", words);
    cr_assert_not_null(strstr(err->text, words), "no \"%s\" in \"%s\"", words, err->text);
}

Test(dnn, convolutions_that_cannot_be) {
    dnn_convolution_spec bad[12];
    for (int i = 0; i < 12; i++) bad[i] = good();
    const char *words[12] = {0};
    int n = 0;
    bad[n].weights.dim[1] = 5, words[n++] = "weights (6,5,3,3) f32 any, bias (6) f32, kernel 3x3";
    bad[n].src.type = DNN_S32, words[n++] = "convolution";
    bad[n].stride[0] = 0, words[n++] = "stride 0x1";
    bad[n].dilation[1] = 0, words[n++] = "stride and dilation must be 1 or more";
    bad[n].dst.dim[3] = 9, words[n++] = "(src + padding - window) / stride + 1";
    bad[n].pad_begin[0] = -1, words[n++] = "padding must be";
    bad[n].weights.dim[2] = 11, words[n++] = "larger than the padded picture";
    bad[n].weights.rank = 3, words[n++] = "(O, I, kh, kw)";
    bad[n].src.dim[0] = 0, words[n++] = "every dimension must be 1 or more";
    bad[n].src.rank = 7, words[n++] = "must be (B, C, H, W)";
    bad[n].src.dim[0] = bad[n].dst.dim[0] = INT64_MAX, words[n++] = "too large for memory";
    bad[n].pad_end[1] = INT64_MAX, words[n++] = "too large";
    dnn_context *c = open_context();
    for (int i = 0; i < n; i++)
        for (dnn_pass pass = DNN_FORWARD_TRAINING; pass <= DNN_BACKWARD_WEIGHTS; pass++) {
            dnn_primitive *p = NULL;
            lyne_error err = {0};
            lyne_status status = dnn_convolution(c, &bad[i], pass, &p, &err);
            refused(status, &err, p, words[i]);
        }
    dnn_context_free(c);
}

Test(dnn, others_that_cannot_be) {
    dnn_context *c = open_context();
    dnn_tensor a = shape2(DNN_PLAIN, 4, 5), b = shape2(DNN_PLAIN, 6, 7), none = {0};
    dnn_tensor picture = shape4(DNN_CHANNELS_LAST, 1, 2, 4, 4), last = {.rank = 3, .format = DNN_CHANNELS_LAST};
    dnn_pooling_spec pool = {.src = picture, .dst = picture, .kernel = {2, 2}, .stride = {2, 2}};
    dnn_pooling_spec padding = {.src = picture,
                                .dst = shape4(DNN_CHANNELS_LAST, 1, 2, 5, 5),
                                .kernel = {2, 2},
                                .stride = {2, 2},
                                .pad_begin = {3, 3},
                                .pad_end = {3, 3}};
    dnn_primitive *p = NULL;
    lyne_error err[8] = {0};
    refused(dnn_matmul(c, a, b, none, a, &p, &err[0]), &err[0], p, "no matmul for src (4,5) f32, dst (4,5) f32");
    refused(dnn_inner_product(c, a, b, none, a, DNN_BACKWARD_DATA, &p, &err[1]), &err[1], p, "inner product");
    refused(dnn_softmax(c, a, 2, DNN_FORWARD_TRAINING, &p, &err[2]), &err[2], p, "invalid_arguments");
    refused(dnn_softmax(c, a, -1, DNN_BACKWARD_DATA, &p, &err[3]), &err[3], p, "softmax");
    refused(dnn_binary(c, DNN_ADD, a, b, a, &p, &err[4]), &err[4], p, "sum for src (4,5) f32, src 1 (6,7) f32");
    refused(dnn_pooling(c, &pool, DNN_BACKWARD_DATA, &p, &err[5]), &err[5], p, "max pooling");
    refused(dnn_pooling(c, &padding, DNN_FORWARD_TRAINING, &p, &err[6]), &err[6], p, "smaller than the kernel");
    refused(dnn_eltwise(c, DNN_RELU, last, 0, 0, DNN_FORWARD_TRAINING, &p, &err[7]), &err[7], p, "rank 4");
    dnn_context_free(c);
}

Test(dnn, layouts_that_cannot_be) {
    dnn_layout *l = NULL;
    lyne_error err[4] = {0};
    dnn_tensor transposed = {.rank = 3, .dim = {2, 2, 2}, .format = DNN_TRANSPOSED}, none = {0};
    refused(dnn_layout_new(shape2(DNN_ANY, 2, 2), &l, &err[0]), &err[0], NULL, "(2,2) f32 any");
    refused(dnn_layout_new(transposed, &l, &err[1]), &err[1], NULL, "rank 2");
    refused(dnn_layout_new(none, &l, &err[2]), &err[2], NULL, "format is known");
    cr_assert_null(l);
}

Test(dnn, reorders_that_cannot_be) {
    dnn_context *c = open_context();
    dnn_layout *a = NULL, *b = NULL;
    dnn_primitive *p = NULL;
    lyne_error err = {0};
    cr_assert_eq(dnn_layout_new(shape2(DNN_PLAIN, 2, 3), &a, &err), LYNE_OK);
    cr_assert_eq(dnn_layout_new(shape2(DNN_PLAIN, 2, 4), &b, &err), LYNE_OK);
    lyne_status status = dnn_reorder(c, a, b, &p, &err);
    refused(status, &err, p, "reorder from (2,3) of 24 bytes to (2,4) of 32 bytes");
    dnn_layout_free(a);
    dnn_layout_free(b);
    dnn_context_free(c);
}

/* Each allocation of ours fails once: an error, nothing lost (the leak checker sees to that), and then it works. */
Test(dnn, out_of_memory) {
    dnn_context *c = open_context();
    dnn_convolution_spec spec = good();
    uint64_t n = 1;
    for (;; n++) {
        dnn_primitive *p = NULL;
        dnn_layout *l = NULL, *copy = NULL;
        lyne_error err = {0};
        lyne_memory_fail_at(n);
        lyne_status status = dnn_convolution(c, &spec, DNN_BACKWARD_WEIGHTS, &p, &err);
        if (status == LYNE_OK) status = dnn_layout_new(spec.src, &l, &err);
        if (status == LYNE_OK) status = dnn_layout_copy(l, &copy, &err);
        lyne_memory_fail_at(0);
        cr_assert_eq(status, err.status);
        dnn_primitive_free(p);
        dnn_layout_free(l);
        dnn_layout_free(copy);
        if (status == LYNE_OK) break;
        cr_assert_eq(status, LYNE_ENOSPACE, "%s", err.text);
    }
    cr_assert_geq(n, 4u);
    dnn_context_free(c);
}

Test(dnn, executing_allocates_nothing) {
    dnn_context *c = open_context();
    dnn_primitive *p = NULL;
    lyne_error err = {0};
    cr_assert_eq(dnn_eltwise(c, DNN_RELU, shape2(DNN_PLAIN, 3, 5), 0, 0, DNN_FORWARD_TRAINING, &p, &err), LYNE_OK);
    float *x = lyne_alloc(15, sizeof *x), *y = lyne_alloc(15, sizeof *y);
    x[14] = 2;
    uint64_t before = lyne_memory_count();
    dnn_bind(p, DNN_SRC, x);
    dnn_bind(p, DNN_DST, y);
    cr_assert_eq(dnn_execute(p, &err), LYNE_OK, "%s", err.text);
    dnn_bind(p, DNN_DST, x); /* in place */
    cr_assert_eq(dnn_execute(p, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_memory_count(), before);
    cr_assert_eq(y[14], 2.0f);
    cr_assert_eq(x[14], 2.0f);
    dnn_primitive_free(p);
    dnn_context_free(c);
    lyne_free(x), lyne_free(y);
}

#ifndef NDEBUG
Test(dnn, binding_what_is_not_there, .signal = SIGABRT) {
    dnn_context *c = open_context();
    dnn_primitive *p = NULL;
    lyne_error err = {0};
    cr_assert_eq(dnn_eltwise(c, DNN_RELU, shape2(DNN_PLAIN, 3, 5), 0, 0, DNN_FORWARD_TRAINING, &p, &err), LYNE_OK);
    dnn_bind(p, DNN_WEIGHTS, &err);
}
#endif
