/*
 * os_latch.h - a four-byte latch for nodes and leaves: many readers or one writer.
 *
 * Held for tens of nanoseconds and never across I/O, a wait or a callback. Waiters spin with
 * os_spin_pause, which gives up the processor after a while and lets the simulator switch
 * threads. A waiting writer announces itself, so that a stream of readers cannot starve it.
 * A latch that a simulated thread makes is marked: the quick way fails, and the slow one asks the
 * schedule first. So schedules see every latch, at no cost elsewhere.
 *
 * Rejected: optimistic version locks, whose readers race with writers by design: they cannot
 * be checked by the thread sanitizer and gain nothing before some eight cores share a leaf.
 */
#ifndef OS_LATCH_H
#define OS_LATCH_H

#include "base/base.h"

typedef struct os_latch {
    _Atomic(uint32_t) word; /* bit 31: writer; 30: a writer waits; 29: simulated; below: readers */
} os_latch;

#define OS_LATCH_WRITER (UINT32_C(1) << 31)
#define OS_LATCH_WAITING (UINT32_C(1) << 30)
#define OS_LATCH_SIMULATED (UINT32_C(1) << 29)

/* A pause inside a spin loop, whose caller counts its `turns` from 0: a hint to the processor, and
 * now and then the processor itself, which the one that is waited for may need. */
void os_spin_pause(uint32_t turns);
void os_latch_init(os_latch *latch);
void os_latch_lock_shared_slow(os_latch *latch);
void os_latch_lock_slow(os_latch *latch);

BASE_INLINE void os_latch_lock_shared(os_latch *latch)
{
    uint32_t word = atomic_load_explicit(&latch->word, memory_order_relaxed);
    if (BASE_UNLIKELY(word >= OS_LATCH_SIMULATED ||
                      !atomic_compare_exchange_weak_explicit(&latch->word, &word, word + 1,
                                                             memory_order_acquire,
                                                             memory_order_relaxed)))
        os_latch_lock_shared_slow(latch);
}
BASE_INLINE void os_latch_unlock_shared(os_latch *latch)
{
    atomic_fetch_sub_explicit(&latch->word, 1, memory_order_release);
}
BASE_INLINE void os_latch_lock(os_latch *latch)
{
    uint32_t word = 0;
    if (BASE_UNLIKELY(!atomic_compare_exchange_strong_explicit(
            &latch->word, &word, OS_LATCH_WRITER, memory_order_acquire, memory_order_relaxed)))
        os_latch_lock_slow(latch);
}
BASE_INLINE void os_latch_unlock(os_latch *latch)
{
    /* Keeps the bit of a writer that began to wait meanwhile. */
    atomic_fetch_and_explicit(&latch->word, ~OS_LATCH_WRITER, memory_order_release);
}

#endif
