/* base/memory.c -- aligned, zeroed, counted.  The two counters are atomic and the failing allocation is an absolute
 * index, so exactly one allocation fails whatever the threads do. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    ALIGNMENT = 64,
    ARENA_ALIGNMENT = 16,
    ARENA_FIRST = 2048,
    ARENA_BLOCK = 16384,
    HUGE_PAGE = 2 << 20,
    HUGE_FROM = 4 * HUGE_PAGE
};

static _Atomic uint64_t allocations, failing;
static atomic_bool malloc_failed;

uint64_t lyne_memory_count(void) {
    return allocations;
}
void lyne_memory_fail_at(uint64_t n) {
    failing = n ? allocations + n : 0;
}

/* n rounded up to a multiple of `unit`, at least one unit.  False on overflow. */
static bool round_up(size_t n, size_t unit, size_t *out) {
    if (!lyne_size_add(n, unit - 1, out)) return false;
    *out -= *out % unit;
    if (*out == 0) *out = unit;
    return true;
}

static bool one_more(void) {
    return atomic_fetch_add(&allocations, 1) + 1 != failing;
}

void *lyne_alloc(size_t n, size_t size) {
    size_t bytes;
    if (!one_more()) return NULL;
    if (!lyne_size_mul(n, size, &bytes) || !round_up(bytes, ALIGNMENT, &bytes) || bytes > PTRDIFF_MAX) return NULL;
    const bool huge = bytes >= HUGE_FROM;
    void *p;
    if (posix_memalign(&p, huge ? HUGE_PAGE : ALIGNMENT, bytes) != 0) return NULL;
    if (huge) (void)madvise(p, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* what it refuses are small pages */
    return memset(p, 0, bytes);
}

void *lyne_malloc(size_t bytes) {
    void *p = one_more() ? malloc(bytes) : NULL;
    if (!p) malloc_failed = true;
    return p;
}

bool lyne_malloc_failed(void) {
    return atomic_exchange(&malloc_failed, false);
}

void lyne_free(void *p) {
    free(p);
}

char *lyne_strdup(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = lyne_alloc(bytes, 1);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

bool lyne_grow(void *items, size_t *capacity, size_t need, size_t size) {
    if (need <= *capacity) return true;
    size_t doubled = *capacity <= SIZE_MAX / 2 ? *capacity * 2 : need;
    size_t room = doubled > need ? doubled : need;
    void *old, *bigger = lyne_alloc(room, size);
    if (!bigger) return false;
    memcpy(&old, items, sizeof old); /* a T ** may not be read as a void ** */
    if (*capacity) memcpy(bigger, old, *capacity * size);
    memcpy(items, &bigger, sizeof bigger);
    lyne_free(old);
    *capacity = room;
    return true;
}

/* ---- arena: the block in use is the first; a request that does not fit starts a new one, twice as large up to 16 KiB,
 * so that an arena of little is little ---- */

struct lyne_arena_block {
    struct lyne_arena_block *next;
    size_t size, used; /* of bytes */
    _Alignas(ARENA_ALIGNMENT) unsigned char bytes[];
};

void *lyne_arena_alloc(lyne_arena *arena, size_t bytes) {
    size_t total;
    if (!round_up(bytes, ARENA_ALIGNMENT, &bytes)) return NULL;
    struct lyne_arena_block *block = arena->blocks;
    if (!block || block->size - block->used < bytes) {
        size_t size = !block ? ARENA_FIRST : block->size < ARENA_BLOCK / 2 ? 2 * block->size : ARENA_BLOCK;
        if (size < bytes) size = bytes;
        if (!lyne_size_add(size, sizeof *block, &total)) return NULL;
        block = lyne_alloc(total, 1);
        if (!block) return NULL;
        *block = (struct lyne_arena_block){.next = arena->blocks, .size = size};
        arena->blocks = block;
    }
    void *p = block->bytes + block->used;
    block->used += bytes;
    arena->used += bytes;
    return p;
}

char *lyne_arena_strndup(lyne_arena *arena, const char *text, size_t length) {
    size_t bytes;
    if (!lyne_size_add(length, 1, &bytes)) return NULL;
    char *copy = lyne_arena_alloc(arena, bytes);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

char *lyne_arena_printf(lyne_arena *arena, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (length < 0) return NULL;
    char *text = lyne_arena_alloc(arena, (size_t)length + 1);
    if (!text) return NULL;
    va_start(args, fmt);
    vsnprintf(text, (size_t)length + 1, fmt, args);
    va_end(args);
    return text;
}

void lyne_arena_free(lyne_arena *arena) {
    if (!arena) return;
    for (struct lyne_arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        lyne_free(block);
    }
    *arena = (lyne_arena){0};
}

/* ---- what the process takes ---- */

uint64_t lyne_memory_resident(void) {
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re"); /* SIZE RESIDENT ... */
    if (!f) return 0;
    if (fscanf(f, "%*u %llu", &pages) != 1) pages = 0;
    fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t lyne_memory_peak(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}
