/* What every loss must be: the derivative of itself, blind to a constant added to a row, finite, the same twice. */
#include "reference/losses.h"
#include "base/random.h"
#include "losses/rows.h"
#include "reference/gradient.h"
#include "subject.h"
#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <string.h>

/* The configs that each row is tested in. */
static const struct {
    const lyne_loss *loss;
    const char *config;
} configs[] = {{&lyne_loss_cross_entropy, "{}"},
               {&lyne_loss_cross_entropy, "{smoothing: 0.1}"},
               {&lyne_loss_kd, "{temperature: 0.5}"},
               {&lyne_loss_kd, "{}"},
               {&lyne_loss_kd, "{temperature: 20}"}};
enum { N_CONFIGS = sizeof configs / sizeof *configs };

static loss_context context_of(const lyne_loss *loss, const char *yaml, lyne_arena *arena) {
    const loss_context c = {.loss = loss, .config = bench_config(&loss->component, yaml, arena)};
    cr_assert(c.config, "%s %s", loss->component.name, yaml);
    return c;
}

Test(losses, every_row_is_tested) {
    for (int i = 0; i < N_ROWS; i++) {
        int n = 0;
        for (int k = 0; k < N_CONFIGS; k++) n += configs[k].loss == rows[i];
        cr_expect(n > 0, "%s", rows[i]->component.name);
        cr_expect(rows[i]->component.config_size >= sizeof(lyne_loss_config));
    }
}

Test(losses, gradient) {
    for (int i = 0; i < N_CONFIGS; i++)
        for (int64_t classes = 5; classes <= 130; classes += 125) {
            lyne_arena arena = {0};
            const loss_context c = context_of(configs[i].loss, configs[i].config, &arena);
            const bench_subject s = loss_subject(&c, 3, classes);
            const gradient_result r = gradient_check(&s);
            cr_expect(r.ok, "%s %s, %d classes: %s (error %g)", c.loss->component.name, configs[i].config, (int)classes,
                      r.text, r.worst);
            lyne_arena_free(&arena);
        }
}

enum { B = 6, C = 37 };

/* Multiples of 1/8 up to 8 in size, so that adding a power of two is exact. */
static void draw(uint64_t which, float *z) {
    lyne_stream s = lyne_stream_at(5, LYNE_FOR_CHECK, 0, which);
    for (int i = 0; i < B * C; i++) z[i] = 0.125f * (float)lyne_stream_between(&s, -64, 64);
}

static const void *target_of(const lyne_loss *loss, float *teacher, int32_t *labels) {
    draw(2, teacher);
    for (int b = 0; b < B; b++) labels[b] = 7 * b % C;
    return loss->needs_teacher ? (const void *)teacher : (const void *)labels;
}

Test(losses, a_constant_added_to_a_row_changes_nothing) {
    for (int i = 0; i < N_CONFIGS; i++) {
        lyne_arena arena = {0};
        const loss_context c = context_of(configs[i].loss, configs[i].config, &arena);
        float z[B * C], teacher[B * C];
        int32_t labels[B];
        double before[B * C], after[B * C];
        const void *target = target_of(c.loss, teacher, labels);
        draw(1, z);
        const double value = run_loss(&c, B, C, z, target, before);
        for (int k = 0; k < C; k++) z[2 * C + k] += 1024, teacher[4 * C + k] -= 512;
        cr_expect(value == run_loss(&c, B, C, z, target, after), "%s", configs[i].config);
        cr_expect(memcmp(before, after, sizeof before) == 0, "%s", configs[i].config);
        lyne_arena_free(&arena);
    }
}

Test(losses, gradient_rows_sum_to_zero) {
    for (int i = 0; i < N_CONFIGS; i++) {
        lyne_arena arena = {0};
        const loss_context c = context_of(configs[i].loss, configs[i].config, &arena);
        float z[B * C], teacher[B * C];
        int32_t labels[B];
        double grad[B * C];
        draw(1, z);
        run_loss(&c, B, C, z, target_of(c.loss, teacher, labels), grad);
        for (int b = 0; b < B; b++) {
            double sum = 0, size = 0;
            for (int k = 0; k < C; k++) sum += grad[b * C + k], size += fabs(grad[b * C + k]);
            cr_expect(size > 0.01 && fabs(sum) < 1e-7 * size, "%s row %d: %g of %g", configs[i].config, b, sum, size);
        }
        lyne_arena_free(&arena);
    }
}

Test(losses, finite_at_the_ends) {
    static const char *const cold[] = {"{}", "{temperature: 0.01}", "{temperature: 1000}"};
    for (int i = 0; i < N_ROWS; i++)
        for (int k = 0; k < (rows[i]->needs_teacher ? 3 : 1); k++) {
            lyne_arena arena = {0};
            const loss_context c = context_of(rows[i], cold[k], &arena);
            const float z[] = {1e4f, -1e4f, 0, -1e4f, -1e4f, 1e4f, 1e4f, 1e4f, 1e4f, -1e4f, -1e4f, -1e4f};
            const float teacher[] = {-1e4f, 1e4f, 0, -1e4f, -1e4f, 1e4f, -1e4f, -1e4f, -1e4f, 0, 1e4f, 0};
            const int32_t labels[] = {1, 2, 0, 0};
            const void *target = rows[i]->needs_teacher ? (const void *)teacher : (const void *)labels;
            double grad[12];
            cr_expect(isfinite(run_loss(&c, 4, 3, z, target, grad)), "%s %s", rows[i]->component.name, cold[k]);
            for (int j = 0; j < 12; j++) cr_expect(isfinite(grad[j]), "%s %s", rows[i]->component.name, cold[k]);
            lyne_arena_free(&arena);
        }
}

/* Training looks for what is no number in the value, so a loss must pass it on, be it the student's or the teacher's. */
Test(losses, what_is_no_number_shows) {
    static const float none[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < N_ROWS; i++)
        for (int k = 0; k < 3 * (1 + rows[i]->needs_teacher); k++) {
            lyne_arena arena = {0};
            const loss_context c = context_of(rows[i], "{}", &arena);
            float z[B * C], teacher[B * C];
            int32_t labels[B];
            draw(1, z);
            const void *target = target_of(c.loss, teacher, labels);
            (k < 3 ? z : teacher)[C + 3] = none[k % 3];
            const double value = run_loss(&c, B, C, z, target, NULL);
            cr_expect(!isfinite(value), "%s of a %s's %g: %g", rows[i]->component.name, k < 3 ? "student" : "teacher",
                      (double)none[k % 3], value);
            lyne_arena_free(&arena);
        }
}

Test(losses, same_bits_for_any_number_of_threads) {
    for (int i = 0; i < N_CONFIGS; i++) {
        lyne_arena arena = {0};
        const loss_context c = context_of(configs[i].loss, configs[i].config, &arena);
        static float z[64 * C];
        static double grad[2][64 * C];
        double value[2];
        for (int k = 0; k < 64 * C; k++) z[k] = 0.01f * (float)(k * 37 % 1000) - 5;
        static float teacher[64 * C];
        for (int k = 0; k < 64 * C; k++) teacher[k] = 0.01f * (float)(k * 73 % 1000) - 5;
        static const int32_t labels[64] = {3, 1, 4, 1, 5, 9};
        for (int k = 0; k < 2; k++) {
            omp_set_num_threads(1 + k);
            value[k] = run_loss(&c, 64, C, z, c.loss->needs_teacher ? (const void *)teacher : labels, grad[k]);
        }
        cr_expect(value[0] == value[1] && memcmp(grad[0], grad[1], sizeof grad[0]) == 0, "%s", configs[i].config);
        lyne_arena_free(&arena);
    }
}

Test(losses, nth_allocation_fails) {
    for (int i = 0; i < N_ROWS; i++) {
        lyne_arena arena = {0};
        const loss_context c = context_of(rows[i], "{}", &arena);
        const bench_subject s = loss_subject(&c, 4, 5);
        uint64_t n = 1;
        for (;; n++) {
            bench b;
            lyne_error err = {0};
            lyne_memory_fail_at(n);
            lyne_status status = bench_open(&b, &s, true, &err);
            lyne_memory_fail_at(0);
            bench_close(&b);
            if (status == LYNE_OK) break;
            cr_assert(status == LYNE_ENOSPACE, "allocation %d: %s", (int)n, err.text);
        }
        cr_expect(n > 10);
        lyne_arena_free(&arena);
    }
}

/* ---- against PyTorch ---- */

/* The largest error, relative to the value and to the largest number of the gradient. */
static double golden_error(size_t i, double value, const double *grad) {
    double largest = 0, error = fabs(value - golden[i].value) / fabs(golden[i].value);
    for (int k = 0; k < GOLDEN_B * GOLDEN_C; k++) largest = fmax(largest, fabs(golden[i].grad[k]));
    for (int k = 0; k < GOLDEN_B * GOLDEN_C; k++) error = fmax(error, fabs(grad[k] - golden[i].grad[k]) / largest);
    return error;
}

static double temperature_of(size_t i) {
    double T = 1;
    sscanf(golden[i].config, "{temperature: %lf}", &T);
    return T;
}

Test(losses, as_pytorch) {
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        const lyne_loss *loss = strcmp(golden[i].loss, "kd") == 0 ? &lyne_loss_kd : &lyne_loss_cross_entropy;
        const void *target = loss->needs_teacher ? (const void *)golden_teacher : (const void *)golden_labels;
        lyne_arena arena = {0};
        const loss_context c = context_of(loss, golden[i].config, &arena);
        double grad[GOLDEN_B * GOLDEN_C], wrong[GOLDEN_B * GOLDEN_C];
        const double value = run_loss(&c, GOLDEN_B, GOLDEN_C, golden_student, target, grad);
        const double error = golden_error(i, value, grad);
        cr_expect(error < 2e-7, "%s %s: error %g", golden[i].loss, golden[i].config, error);

        /* The usual mistakes are multiples of it, and must not pass: T^2 dropped, the mean over classes as well, and in
         * the gradient alone T^2 for T and 1/B dropped. */
        const double T = temperature_of(i);
        const double mistake[][2] = {
            {1 / (T * T), 1 / (T * T)}, {1.0 / GOLDEN_C, 1.0 / GOLDEN_C}, {1, T}, {1, GOLDEN_B}};
        for (int m = 0; m < 4; m++) {
            if (mistake[m][0] == 1 && mistake[m][1] == 1) continue; /* T = 1 */
            for (int k = 0; k < GOLDEN_B * GOLDEN_C; k++) wrong[k] = grad[k] * mistake[m][1];
            cr_expect(golden_error(i, value * mistake[m][0], wrong) > 0.1, "%s %s: mistake %d passes", golden[i].loss,
                      golden[i].config, m);
        }
        lyne_arena_free(&arena);
    }
}

/* ---- the exponential ---- */

Test(losses, exponential) {
    double worst = 0;
    for (double x = -707; x <= 0; x += 0.0137) worst = fmax(worst, fabs(lyne_exp(x) / exp(x) - 1));
    cr_expect(worst < 1e-12, "%g", worst);
    cr_expect(lyne_exp(0) == 1);
    cr_expect(lyne_exp(-1e300) < 1e-300 && lyne_exp(-INFINITY) < 1e-300);
    cr_expect(isnan(lyne_exp(NAN)));
}
