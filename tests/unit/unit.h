/*
 * unit.h - cmocka and what every unit test needs: a root budget that is checked for leaks.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"

/* An allocator that fails call number `fail_at` (1-based; 0: never) and, when `persistent`,
 * all later ones. */
typedef struct unit_allocator {
    base_allocator allocator;
    _Atomic(uint64_t) calls;
    uint64_t fail_at;
    bool persistent;
} unit_allocator;

static inline bool unit_refuses(void *context)
{
    unit_allocator *self = context;
    uint64_t call = atomic_fetch_add(&self->calls, 1) + 1;
    return self->fail_at && (self->persistent ? call >= self->fail_at : call == self->fail_at);
}
static inline void *unit_allocate(void *context, size_t size)
{
    return unit_refuses(context) ? NULL : malloc(size);
}
static inline void *unit_reallocate(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)old_size;
    return unit_refuses(context) ? NULL : realloc(block, new_size);
}
static inline void unit_release(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}
static inline void unit_allocator_init(unit_allocator *self, uint64_t fail_at, bool persistent)
{
    self->allocator = (base_allocator){unit_allocate, unit_reallocate, unit_release, self};
    atomic_init(&self->calls, 0);
    self->fail_at = fail_at;
    self->persistent = persistent;
}

/* A root budget over libc; unit_budget_check fails the test when bytes are left. */
static inline void unit_budget_init(base_budget *budget)
{
    base_budget_init(budget, NULL, &base_libc_allocator, "test", SIZE_MAX);
}
static inline void unit_budget_check(base_budget *budget)
{
    assert_int_equal(atomic_load(&budget->used), 0);
}

#define unit_assert_ok(expression)                                                                 \
    do {                                                                                           \
        base_status unit_status_ = (expression);                                                   \
        if (unit_status_ != BASE_OK)                                                               \
            fail_msg("%s: %s", #expression, base_status_name(unit_status_));                       \
    } while (0)

#endif
