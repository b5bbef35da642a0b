/*
 * memory.c - budgets over the host's allocator (contract: memory.h).
 *
 * A charge walks to the root and adds with a compare at each level; a refusal takes the
 * lower levels back. The alternative, one global counter, was rejected: it cannot bound
 * a single statement or one tenant's database.
 */
#include "base/base.h"

static void *libc_allocate(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *libc_reallocate(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)context;
    (void)old_size;
    return realloc(block, new_size);
}

static void libc_release(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}

const base_allocator base_libc_allocator = {libc_allocate, libc_reallocate, libc_release, NULL};

void base_budget_init(base_budget *budget, base_budget *parent, const base_allocator *allocator,
                      const char *name, size_t limit)
{
    budget->parent = parent;
    budget->allocator = parent ? parent->allocator : allocator;
    budget->name = name;
    atomic_init(&budget->limit, limit);
    atomic_init(&budget->used, 0);
    atomic_init(&budget->peak, 0);
    BASE_ASSERT(budget->allocator);
}

/* Adds to one level; false if its limit would be passed. */
static bool charge_level(base_budget *budget, size_t size)
{
    size_t limit = atomic_load_explicit(&budget->limit, memory_order_relaxed);
    size_t used = atomic_fetch_add_explicit(&budget->used, size, memory_order_relaxed) + size;
    if (BASE_UNLIKELY(used > limit || used < size)) {
        atomic_fetch_sub_explicit(&budget->used, size, memory_order_relaxed);
        return false;
    }
    size_t peak = atomic_load_explicit(&budget->peak, memory_order_relaxed);
    while (used > peak &&
           !atomic_compare_exchange_weak_explicit(&budget->peak, &peak, used, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
    return true;
}

bool base_budget_charge(base_budget *budget, size_t size)
{
    for (base_budget *level = budget; level; level = level->parent) {
        if (charge_level(level, size))
            continue;
        for (base_budget *undo = budget; undo != level; undo = undo->parent)
            atomic_fetch_sub_explicit(&undo->used, size, memory_order_relaxed);
        return false;
    }
    return true;
}

void base_budget_release(base_budget *budget, size_t size)
{
    for (base_budget *level = budget; level; level = level->parent) {
        size_t before = atomic_fetch_sub_explicit(&level->used, size, memory_order_relaxed);
        BASE_ASSERT(before >= size);
        (void)before;
    }
}

void *base_allocate(base_budget *budget, size_t size)
{
    if (size == 0)
        size = 1;
    if (!base_budget_charge(budget, size))
        return NULL;
    void *block = budget->allocator->allocate(budget->allocator->context, size);
    if (BASE_UNLIKELY(!block))
        base_budget_release(budget, size);
    return block;
}

void *base_allocate_zeroed(base_budget *budget, size_t size)
{
    void *block = base_allocate(budget, size);
    if (block)
        memset(block, 0, size);
    return block;
}

void *base_allocate_array(base_budget *budget, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return base_allocate(budget, bytes);
}

void *base_reallocate(base_budget *budget, void *block, size_t old_size, size_t new_size)
{
    if (!block)
        return base_allocate(budget, new_size);
    old_size = old_size ? old_size : 1;
    new_size = new_size ? new_size : 1;
    if (new_size > old_size && !base_budget_charge(budget, new_size - old_size))
        return NULL;
    const base_allocator *allocator = budget->allocator;
    void *moved = allocator->reallocate(allocator->context, block, old_size, new_size);
    if (BASE_UNLIKELY(!moved)) {
        if (new_size > old_size)
            base_budget_release(budget, new_size - old_size);
        return NULL;
    }
    if (new_size < old_size)
        base_budget_release(budget, old_size - new_size);
    return moved;
}

void base_free(base_budget *budget, void *block, size_t size)
{
    if (!block)
        return;
    size = size ? size : 1;
    budget->allocator->release(budget->allocator->context, block, size);
    base_budget_release(budget, size);
}

bool base_grow_array(base_budget *budget, void *array_pointer, uint32_t *capacity, uint32_t needed,
                     size_t element_size)
{
    if (needed <= *capacity)
        return true;
    uint64_t grown = (uint64_t)*capacity + *capacity / 2 + 8;
    if (grown < needed)
        grown = needed;
    if (grown > UINT32_MAX || grown > SIZE_MAX / element_size)
        return false;
    void *array;
    memcpy(&array, array_pointer, sizeof array);
    array = base_reallocate(budget, array, *capacity * element_size, (size_t)grown * element_size);
    if (!array)
        return false;
    memcpy(array_pointer, &array, sizeof array);
    *capacity = (uint32_t)grown;
    return true;
}

void base_free_array(base_budget *budget, void *array, uint32_t capacity, size_t element_size)
{
    base_free(budget, array, capacity * element_size);
}
