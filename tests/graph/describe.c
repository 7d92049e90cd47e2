/* tests/graph/describe.c -- traps and roofs of made-up steps. */
#include "graph/program.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(describe, traps) {
    static const struct {
        const char *what, *op, *isa;
        bool bf16, grouped, is_trap;
        int64_t flops;
    } rows[] = {
        {"ref:any", "conv2d", "avx2", false, false, true, 0},
        {"ref:any", NULL, "avx2", false, false, true, 0},
        {"ref_dilated:any", "add", "avx512_core", false, false, true, 0},
        {"nspc_bnorm:any", "batch_norm", "avx2", false, false, true, 0},
        {"ncsp_bnorm:any", "batch_norm", "avx2", true, false, true, 0},
        {"x64:gemm:jit", "conv2d", "avx2", false, false, true, 100},
        {"gemm:jit", "conv2d", "avx2", false, false, false, 100}, /* a product, as good as there is without AVX-512 */
        {"brgemm:avx512_core", "conv2d", "avx512_core", false, false, false, 100},
        {"jit_bf16:avx512_core_bf16", "conv2d", "avx512_core_amx", true, false, true, 100},
        {"brg:avx512_core_bf16", "conv2d", "avx512_core_amx", true, false, true, 100},
        {"jit_bf16:avx512_core_bf16", "conv2d", "avx512_core_bf16", true, false, false, 100},
        {"jit_dw:avx512_core_bf16", "conv2d", "avx512_core_amx", true, true, false, 100},
        {"jit:avx512_core_bf16", "conv2d", "avx512_core_amx", true, false, false, 0}, /* a reorder */
        {"jit:avx512_core_amx_bf16", "conv2d", "avx512_core_amx", true, false, false, 100},
        {"batch_norm+relu", "batch_norm", "avx512_core_amx", true, false, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const lyne_step_name s = {.pass = "backward",
                                  .path = "x",
                                  .what = rows[i].what,
                                  .op = rows[i].op,
                                  .bf16 = rows[i].bf16,
                                  .grouped = rows[i].grouped,
                                  .flops = rows[i].flops};
        cr_expect((lyne_step_trap(&s, rows[i].isa) != NULL) == rows[i].is_trap, "row %zu: %s", i, rows[i].what);
    }
}

Test(describe, roof) {
    const lyne_peaks peaks = {.fma = 100, .amx = 1000, .bandwidth = 10}, plain = {.fma = 100, .bandwidth = 10};
    const lyne_step_name by_flops = {.flops = 1000000000, .bytes = 1000}, by_bytes = {.flops = 1000, .bytes = 10000000};
    lyne_step_name bf16 = by_flops;
    bf16.bf16 = true;
    cr_expect(fabs(lyne_step_roof(&by_flops, &peaks) - 0.01) < 1e-9);
    cr_expect(fabs(lyne_step_roof(&by_bytes, &peaks) - 0.001) < 1e-9);
    cr_expect(fabs(lyne_step_roof(&bf16, &peaks) - 0.001) < 1e-9);
    cr_expect(fabs(lyne_step_roof(&bf16, &plain) - 0.01) < 1e-9);
    cr_expect(lyne_step_roof(&by_flops, &(lyne_peaks){0}) == 0);
}
