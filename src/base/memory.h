/*
 * memory.h - allocation under a tree of byte budgets.
 *
 * Every block belongs to a budget (runtime > database > statement). A budget has a limit
 * and a parent; an allocation is charged to the whole path and refused, without calling
 * the host's allocator, where a limit would be passed. Blocks are freed with their size,
 * so accounting costs no headers. The allocator at the root is the host's choice and,
 * in tests, one that fails the Nth call.
 *
 * Threads: all functions may be called from any thread; counters are atomic.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include "base/platform.h"

/* The host's allocator. Sizes are never 0. `allocate` aligns to 16 bytes or more and may
 * return NULL; `release` gets the size that was asked for. */
typedef struct base_allocator {
    void *(*allocate)(void *context, size_t size);
    void *(*reallocate)(void *context, void *block, size_t old_size, size_t new_size);
    void (*release)(void *context, void *block, size_t size);
    void *context;
} base_allocator;

/* malloc, realloc and free of libc. */
extern const base_allocator base_libc_allocator;

typedef struct base_budget {
    struct base_budget *parent; /* NULL at the root */
    const base_allocator *allocator;
    const char *name;      /* for error messages and statistics; static */
    _Atomic(size_t) limit; /* SIZE_MAX: none */
    _Atomic(size_t) used;  /* bytes charged here, children included */
    _Atomic(size_t) peak;  /* largest value `used` had */
} base_budget;

/* Starts a budget under `parent`, whose allocator it takes; a root (parent NULL) takes
 * `allocator`. Needs no clean-up, but `used` must be 0 when it is dropped. */
void base_budget_init(base_budget *budget, base_budget *parent, const base_allocator *allocator,
                      const char *name, size_t limit);

/* Charges or returns bytes that were allocated elsewhere (huge slabs). False: over the limit. */
BASE_MUST_USE bool base_budget_charge(base_budget *budget, size_t size);
void base_budget_release(base_budget *budget, size_t size);

/* NULL when the host has no memory or a limit would be passed; size 0 gives a unique block
 * of 1 byte. Contents are undefined, or zero with base_allocate_zeroed. */
BASE_MUST_USE void *base_allocate(base_budget *budget, size_t size);
BASE_MUST_USE void *base_allocate_zeroed(base_budget *budget, size_t size);
/* count * size with a check for overflow. */
BASE_MUST_USE void *base_allocate_array(base_budget *budget, size_t count, size_t size);
/* On failure NULL and the old block stays. `block` NULL (old_size 0) allocates. */
BASE_MUST_USE void *base_reallocate(base_budget *budget, void *block, size_t old_size,
                                    size_t new_size);
/* `block` NULL is allowed. */
void base_free(base_budget *budget, void *block, size_t size);

/*
 * Grows `*array` (of `*capacity` elements of `element_size`) by at least half so that it
 * holds `needed` elements. False on failure, nothing changed. Freed with base_free_array.
 */
BASE_MUST_USE bool base_grow_array(base_budget *budget, void *array_pointer, uint32_t *capacity,
                                   uint32_t needed, size_t element_size);
void base_free_array(base_budget *budget, void *array, uint32_t capacity, size_t element_size);

#endif
