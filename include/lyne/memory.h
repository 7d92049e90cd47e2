/* lyne/memory.h -- where Lyne's own memory comes from, for what is handed to it or kept by it. */
#ifndef LYNE_MEMORY_H
#define LYNE_MEMORY_H

#include <stddef.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** n * size bytes, zeroed, 64-byte aligned (a cache line, and what AVX-512 loads like).  NULL when the product
 *  overflows or memory is out.  n or size 0 gives a valid pointer.  Free with lyne_free. */
void *lyne_alloc(size_t n, size_t size);
void lyne_free(void *p); /* NULL is fine */

/* An arena: many small things that die together (a YAML tree, a graph).  Nothing in it moves. */
typedef struct lyne_arena {
    struct lyne_arena_block *blocks;
    size_t used; /* bytes handed out, for limits */
} lyne_arena;

/** Zeroed, 16-byte aligned, lives as long as its arena.  NULL when memory is out. */
void *lyne_arena_alloc(lyne_arena *arena, size_t bytes);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
