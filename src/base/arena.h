/*
 * arena.h - memory with one lifetime, freed in one place.
 *
 * An arena belongs to something that ends as a whole (a parse, a plan, an execution).
 * Pieces are never freed singly; a mark takes back everything allocated after it. It is
 * passed as an argument: there is no "current" arena. Clean-up that memory alone cannot do
 * (close a file, drop a reference) is registered as a callback, run last-in first-out.
 *
 * Threads: an arena belongs to one thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/memory.h"

typedef struct base_arena_block base_arena_block;
typedef struct base_arena_cleanup base_arena_cleanup;

typedef struct base_arena {
    base_budget *budget;
    base_arena_block *block; /* newest; older ones are chained behind it */
    char *next;              /* free space in the newest block: next .. end */
    char *end;
    base_arena_cleanup *cleanups;
    size_t block_size; /* size of the next block; doubles up to 1 MiB */
} base_arena;

typedef struct base_arena_mark {
    base_arena_block *block;
    char *next;
    base_arena_cleanup *cleanups;
} base_arena_mark;

/* Allocates nothing yet. */
void base_arena_init(base_arena *arena, base_budget *budget);
/* Runs the callbacks, frees all blocks; the arena can be used again. */
void base_arena_destroy(base_arena *arena);
/* As destroy, but keeps one block for reuse: a loop that resets allocates nothing. */
void base_arena_reset(base_arena *arena);

/* Aligned to 16 bytes; NULL when memory or budget ends, never for size 0. Contents undefined. */
BASE_MUST_USE void *base_arena_allocate_slow(base_arena *arena, size_t size);
BASE_INLINE void *base_arena_allocate(base_arena *arena, size_t size)
{
    size_t rounded = BASE_ALIGN_UP(BASE_MAX(size, (size_t)1), (size_t)16);
    if (BASE_LIKELY((size_t)(arena->end - arena->next) >= rounded && rounded >= size)) {
        void *piece = arena->next;
        arena->next += rounded;
        return piece;
    }
    return base_arena_allocate_slow(arena, size);
}
BASE_MUST_USE void *base_arena_allocate_zeroed(base_arena *arena, size_t size);
/* count * size, checked for overflow, zeroed. */
BASE_MUST_USE void *base_arena_allocate_array(base_arena *arena, size_t count, size_t size);
/* Copies bytes and appends a NUL. */
BASE_MUST_USE char *base_arena_copy_text(base_arena *arena, const char *text, size_t length);
BASE_MUST_USE char *base_arena_format(base_arena *arena, const char *format, ...) BASE_PRINTF(2, 3);

base_arena_mark base_arena_get_mark(const base_arena *arena);
/* Marks nest: going back to one invalidates the later ones. */
void base_arena_back_to_mark(base_arena *arena, base_arena_mark mark);

/* `function(context)` runs when the arena is destroyed, reset or taken back before this
 * point. False when there is no memory: the function was not registered. */
BASE_MUST_USE bool base_arena_on_release(base_arena *arena, void (*function)(void *context),
                                         void *context);

#endif
