/* reference/bench.h -- the bench of src/check, for tests. */
#ifndef LYNE_TESTS_REFERENCE_BENCH_H
#define LYNE_TESTS_REFERENCE_BENCH_H

#include "check/bench.h"
#include <stdio.h>

/** A config that must be right: NULL, with the reason on stderr, if it is refused. */
static inline void *bench_config(const lyne_component *c, const char *yaml, lyne_arena *arena) {
    void *config;
    lyne_error err = {0};
    if (bench_read_config(c, yaml, arena, &config, &err) == LYNE_OK) return config;
    fprintf(stderr, "%s\n", err.text);
    return NULL;
}

#endif
