/*
 * arena.c - chained blocks of growing size (contract: arena.h).
 *
 * Invariants: next and end lie in `block` (both NULL without one); a block's `limit` is
 * its end; callbacks are chained newest first and live in the arena themselves.
 */
#include "base/base.h"

enum {
    ARENA_FIRST_BLOCK = 1024,
    ARENA_LARGEST_BLOCK = 1 << 20,
};

struct base_arena_block {
    base_arena_block *older;
    size_t size; /* of the whole allocation */
};

struct base_arena_cleanup {
    base_arena_cleanup *older;
    void (*function)(void *context);
    void *context;
};

static char *block_start(base_arena_block *block)
{
    return (char *)block + BASE_ALIGN_UP(sizeof *block, (size_t)16);
}

void base_arena_init(base_arena *arena, base_budget *budget)
{
    *arena = (base_arena){.budget = budget, .block_size = ARENA_FIRST_BLOCK};
}

static void run_cleanups(base_arena *arena, const base_arena_cleanup *until)
{
    while (arena->cleanups != until) {
        base_arena_cleanup *cleanup = arena->cleanups;
        arena->cleanups = cleanup->older;
        cleanup->function(cleanup->context);
    }
}

static void free_blocks(base_arena *arena, const base_arena_block *until)
{
    while (arena->block != until) {
        base_arena_block *block = arena->block;
        arena->block = block->older;
        base_free(arena->budget, block, block->size);
    }
}

void base_arena_destroy(base_arena *arena)
{
    run_cleanups(arena, NULL);
    free_blocks(arena, NULL);
    arena->next = arena->end = NULL;
    arena->block_size = ARENA_FIRST_BLOCK;
}

void base_arena_reset(base_arena *arena)
{
    run_cleanups(arena, NULL);
    base_arena_block *kept = arena->block;
    if (!kept)
        return;
    arena->block = kept->older;
    free_blocks(arena, NULL);
    kept->older = NULL;
    arena->block = kept;
    arena->next = block_start(kept);
    arena->end = (char *)kept + kept->size;
}

void *base_arena_allocate_slow(base_arena *arena, size_t size)
{
    size_t rounded = BASE_ALIGN_UP(size ? size : 1, (size_t)16);
    size_t head = BASE_ALIGN_UP(sizeof(base_arena_block), (size_t)16);
    if (rounded < size || rounded > SIZE_MAX / 2)
        return NULL;
    if ((size_t)(arena->end - arena->next) < rounded) {
        size_t block_size = BASE_MAX(arena->block_size, rounded + head);
        base_arena_block *block = base_allocate(arena->budget, block_size);
        if (!block)
            return NULL;
        block->older = arena->block;
        block->size = block_size;
        arena->block = block;
        arena->next = block_start(block);
        arena->end = (char *)block + block_size;
        if (arena->block_size < ARENA_LARGEST_BLOCK)
            arena->block_size *= 2;
    }
    void *piece = arena->next;
    arena->next += rounded;
    return piece;
}

void *base_arena_allocate_zeroed(base_arena *arena, size_t size)
{
    void *piece = base_arena_allocate(arena, size);
    if (piece)
        memset(piece, 0, size);
    return piece;
}

void *base_arena_allocate_array(base_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return base_arena_allocate_zeroed(arena, bytes);
}

char *base_arena_copy_text(base_arena *arena, const char *text, size_t length)
{
    char *copy = base_arena_allocate(arena, length + 1);
    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *base_arena_format(base_arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = length < 0 ? NULL : base_arena_allocate(arena, (size_t)length + 1);
    if (text)
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}

base_arena_mark base_arena_get_mark(const base_arena *arena)
{
    return (base_arena_mark){arena->block, arena->next, arena->cleanups};
}

void base_arena_back_to_mark(base_arena *arena, base_arena_mark mark)
{
    run_cleanups(arena, mark.cleanups);
    if (!mark.block) {
        base_arena_reset(arena);
        return;
    }
    free_blocks(arena, mark.block);
    arena->next = mark.next;
    arena->end = (char *)mark.block + mark.block->size;
}

bool base_arena_on_release(base_arena *arena, void (*function)(void *context), void *context)
{
    base_arena_cleanup *cleanup = base_arena_allocate(arena, sizeof *cleanup);
    if (!cleanup)
        return false;
    *cleanup = (base_arena_cleanup){arena->cleanups, function, context};
    arena->cleanups = cleanup;
    return true;
}
