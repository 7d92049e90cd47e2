/* tests/base/cpu.c -- the names, and the switch that lowers what this CPU is said to have. */
#include "base/cpu.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(cpu, names) {
    for (int isa = LYNE_ISA_BASE; isa <= LYNE_ISA_AMX; isa++)
        cr_expect(lyne_isa_named(lyne_isa_name((lyne_isa)isa)) == isa, "%d", isa);
    cr_expect(lyne_isa_named("sse9") < 0 && lyne_isa_named("") < 0);
}

/* Criterion runs each test in a process of its own, so the answer is found anew. */
Test(cpu, asked_twice_says_the_same) {
    unsetenv("LYNE_MAX_ISA");
    const lyne_isa first = lyne_cpu_isa();
    setenv("LYNE_MAX_ISA", "base", 1);
    cr_expect(lyne_cpu_isa() == first);
}

Test(cpu, lowered) {
    setenv("LYNE_MAX_ISA", "base", 1);
    cr_expect(lyne_cpu_isa() == LYNE_ISA_BASE);
}

Test(cpu, not_raised) {
    setenv("LYNE_MAX_ISA", "avx2", 1);
    cr_expect(lyne_cpu_isa() <= LYNE_ISA_AVX2);
}

Test(cpu, unknown_name_changes_nothing) {
    unsetenv("LYNE_MAX_ISA");
    setenv("LYNE_MAX_ISA", "sse9", 1);
    const lyne_isa isa = lyne_cpu_isa();
    cr_expect(isa >= LYNE_ISA_BASE && isa <= LYNE_ISA_AMX);
}

Test(cpu, has_a_name) {
    char name[LYNE_CPU_NAME];
    lyne_cpu_name(name);
    cr_expect(strlen(name) >= 3 && strlen(name) < LYNE_CPU_NAME && name[0] != ' ', "'%s'", name);
}
