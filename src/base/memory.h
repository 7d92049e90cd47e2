/* base/memory.h -- every allocation of Lyne goes through here, so that a test can count them and make the n-th fail. */
#ifndef LYNE_BASE_MEMORY_H
#define LYNE_BASE_MEMORY_H

#include "lyne/memory.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

char *lyne_strdup(const char *text);
/** For a library that asks for a malloc: neither aligned to lines of the cache nor zeroed, but counted.  Caller frees with
 *  lyne_free. */
void *lyne_malloc(size_t bytes);
/** Whether it failed since this was last asked or lyne_fail_memory last told.  Libraries are not to be trusted to say so. */
bool lyne_malloc_failed(void);

/** Room for `need` items of `size` bytes in a growing array: *items is moved when *capacity is too small (doubling).
 *  The new part is zeroed.  False when memory is out; the old array is then intact. */
bool lyne_grow(void *items, size_t *capacity, size_t need, size_t size); /* items: T ** */

/** a * b, a + b; false on overflow, *out then unspecified.  Everything that comes from a file is multiplied here. */
static inline bool lyne_size_mul(size_t a, size_t b, size_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool lyne_size_add(size_t a, size_t b, size_t *out) {
    return !__builtin_add_overflow(a, b, out);
}

/** Bytes of this process that are in memory now, and the most there ever were; 0 where the system does not say. */
uint64_t lyne_memory_resident(void);
uint64_t lyne_memory_peak(void);

char *lyne_arena_strndup(lyne_arena *arena, const char *text, size_t length);
char *lyne_arena_printf(lyne_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void lyne_arena_free(lyne_arena *arena); /* leaves an empty, usable arena; NULL is fine */

/* The seam, for tests.  Counts lyne_alloc, lyne_malloc, lyne_grow's and the arena's real allocations. */
uint64_t lyne_memory_count(void);     /* allocations so far, of all threads            */
void lyne_memory_fail_at(uint64_t n); /* the n-th from now fails (1 = next), 0 = never */

#endif
