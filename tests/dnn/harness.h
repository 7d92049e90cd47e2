/* tests/dnn/harness.h -- run a primitive on numbers in plain order, whatever layouts and types it works with. */
#ifndef TEST_DNN_HARNESS_H
#define TEST_DNN_HARNESS_H

#include "dnn/dnn.h"

/* An argument: its shape, and its numbers as f32 in logical order.  shape NULL: bytes that only oneDNN understands (a
 * workspace), bound as they are. */
typedef struct operand {
    dnn_arg arg;
    bool out;
    const dnn_tensor *shape;
    void *data;
} operand;

dnn_context *open_context(void);
dnn_tensor shape2(dnn_format format, int64_t a, int64_t b);
dnn_tensor shape4(dnn_format format, int64_t a, int64_t b, int64_t c, int64_t d);
size_t count_of(const dnn_tensor *t);
/** Numbers k / 8 within [-1, 1], which bf16 holds exactly; another seed, other numbers.  lyne_free them. */
float *numbers(const dnn_tensor *t, uint32_t seed);
/** Numbers of which no two are equal, shuffled within [-1, 1]. */
float *distinct(const dnn_tensor *t, uint32_t seed);

/** Reorder what goes in, bind, execute twice over garbage, reorder what comes out.  Fails the test when `args` are not
 *  exactly the primitive's arguments (besides a scratchpad), when the two executions differ in a bit, or when the
 * padding of a blocked result is not zero. */
void run(dnn_context *c, dnn_primitive *p, const operand *args, int n, const char *name);

/** Fails unless every got is within tolerance * max |want| of want. */
void same(const float *got, const double *want, size_t n, double tolerance, const char *name);

/** True if oneDNN computes in bf16 here; says so if not. */
bool has_bf16(void);

#endif
