/* tests/base/memory.c -- alignment, zeroes, overflow, growth, the arena, and the n-th allocation failing. */
#include "base/memory.h"

#include <criterion/criterion.h>
#include <string.h>

Test(memory, aligned_and_zeroed) {
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4097, (8 << 20) + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p = lyne_alloc(sizes[i], 1);
        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % 64, 0);
        for (size_t k = 0; k < sizes[i]; k++) cr_assert_eq(p[k], 0);
        memset(p, 0xAB, sizes[i]);
        lyne_free(p);
    }
    void *p = lyne_alloc(5, 0);
    cr_assert_not_null(p);
    lyne_free(p);
    lyne_free(NULL);
}

Test(memory, overflow_gives_null) {
    cr_assert_null(lyne_alloc(SIZE_MAX, 2));
    cr_assert_null(lyne_alloc(SIZE_MAX, 1));
    cr_assert_null(lyne_alloc(SIZE_MAX / 2 + 1, 2));
    cr_assert_null(lyne_alloc((size_t)PTRDIFF_MAX + 1, 1));
    size_t out;
    cr_assert(lyne_size_mul(SIZE_MAX / 2, 2, &out) && out == SIZE_MAX - 1);
    cr_assert_not(lyne_size_mul(SIZE_MAX / 2, 3, &out));
    cr_assert(lyne_size_add(SIZE_MAX, 0, &out));
    cr_assert_not(lyne_size_add(SIZE_MAX, 1, &out));
}

Test(memory, grow_keeps_what_is_there) {
    int *items = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        cr_assert(lyne_grow(&items, &capacity, (size_t)i + 1, sizeof *items));
        cr_assert_eq(items[i], 0);
        items[i] = i + 1;
    }
    for (int i = 0; i < 1000; i++) cr_assert_eq(items[i], i + 1);
    size_t before = capacity;
    int *same = items;
    lyne_memory_fail_at(1);
    cr_assert_not(lyne_grow(&items, &capacity, capacity + 1, sizeof *items));
    cr_assert_not(lyne_grow(&items, &capacity, SIZE_MAX, sizeof *items));
    cr_assert(items == same && capacity == before && items[999] == 1000);
    lyne_free(items);
}

Test(memory, arena) {
    lyne_arena arena = {0};
    char *first = lyne_arena_strndup(&arena, "hello world", 5);
    cr_assert_str_eq(first, "hello");
    for (size_t n = 0; n < 3000; n += 7) {
        unsigned char *p = lyne_arena_alloc(&arena, n);
        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % 16, 0);
        for (size_t k = 0; k < n; k++) cr_assert_eq(p[k], 0);
        memset(p, 0xFF, n);
    }
    unsigned char *big = lyne_arena_alloc(&arena, 1 << 20);
    cr_assert(big && big[0] == 0 && big[(1 << 20) - 1] == 0);
    cr_assert_str_eq(lyne_arena_printf(&arena, "%s-%d", "layer", 3), "layer-3");
    cr_assert_str_eq(lyne_arena_strndup(&arena, NULL, 0), "");
    cr_assert_str_eq(first, "hello");
    cr_assert_gt(arena.used, 1 << 20);
    cr_assert_null(lyne_arena_alloc(&arena, SIZE_MAX));
    cr_assert_null(lyne_arena_strndup(&arena, "", SIZE_MAX));
    lyne_arena_free(&arena);
    cr_assert_eq(arena.used, 0);
    cr_assert_not_null(lyne_arena_alloc(&arena, 1));
    lyne_arena_free(&arena);
    lyne_arena_free(NULL);
}

/* Of thousands of arenas, each takes little as long as there is little in it. */
Test(memory, an_arena_grows_in_steps) {
    static const struct {
        size_t used;
        uint64_t blocks;
    } rows[] = {{16, 1}, {2000, 1}, {4000, 2}, {10000, 3}, {30000, 4}, {45000, 5}, {60000, 6}};
    lyne_arena arena = {0};
    const uint64_t before = lyne_memory_count();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        while (arena.used < rows[i].used) cr_assert_not_null(lyne_arena_alloc(&arena, 16));
        cr_expect_eq(lyne_memory_count() - before, rows[i].blocks, "%zu bytes", rows[i].used);
    }
    lyne_arena_free(&arena);
}

Test(memory, the_nth_allocation_fails) {
    for (uint64_t n = 1; n <= 5; n++) {
        uint64_t before = lyne_memory_count();
        lyne_memory_fail_at(n);
        for (uint64_t i = 1; i <= 5; i++) {
            void *p = lyne_alloc(1, 1);
            cr_assert_eq(p == NULL, i == n, "allocation %d of failing %d", (int)i, (int)n);
            lyne_free(p);
        }
        cr_assert_eq(lyne_memory_count(), before + 5);
    }
    lyne_memory_fail_at(1);
    lyne_memory_fail_at(0);
    char *copy = lyne_strdup("text");
    cr_assert_str_eq(copy, "text");
    lyne_free(copy);
}

Test(memory, one_failure_among_threads) {
    int failures = 0;
    lyne_memory_fail_at(500);
#pragma omp parallel for num_threads(4) reduction(+ : failures)
    for (int i = 0; i < 1000; i++) {
        void *p = lyne_alloc(1, 1);
        failures += !p;
        lyne_free(p);
    }
    cr_assert_eq(failures, 1);
}
