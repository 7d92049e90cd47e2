/* tests/ops/opened.h -- a bench that has run once, and what its program says of itself. */
#ifndef LYNE_TESTS_OPS_OPENED_H
#define LYNE_TESTS_OPS_OPENED_H

#include "reference/bench.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Open, and run once with gradients that are NaN before: backward must overwrite them. */
static inline void open_run(bench *b, const bench_subject *s, bool training) {
    lyne_error err = {0};
    cr_assert(bench_open(b, s, training, &err) == LYNE_OK, "%s", err.text);
    if (training) memset(b->weights->grad, 0xff, b->weights->n_trained * sizeof(float));
    cr_assert(bench_run(b, &err) == LYNE_OK, "%s", err.text);
}

/* Whether these words stand in the list of the program's steps. */
static inline bool has_words(const bench *b, const char *words) {
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    lyne_program_print(b->program, to);
    fclose(to);
    const bool has = strstr(text, words) != NULL;
    free(text);
    return has;
}

#endif
