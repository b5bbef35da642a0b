/*
 * os_latch.c - the waiting half of the latch (contract: os_latch.h).
 *
 * Invariants: the writer bit excludes readers; OS_LATCH_WAITING is only a request, taken
 * away by the writer that gets in, so a writer that sees it set by another just competes.
 */
#include "os/os_int.h"

void os_latch_init(os_latch *latch)
{
    atomic_init(&latch->word, os_current_hooks ? OS_LATCH_SIMULATED : 0);
}

/* A place where the schedule may switch, once per latching. */
static void let_switch(const os_latch *latch)
{
    if (atomic_load_explicit(&latch->word, memory_order_relaxed) & OS_LATCH_SIMULATED)
        os_yield_point();
}

static bool try_shared(os_latch *latch)
{
    uint32_t word = atomic_load_explicit(&latch->word, memory_order_relaxed);
    return word < OS_LATCH_WAITING &&
           atomic_compare_exchange_weak_explicit(&latch->word, &word, word + 1,
                                                 memory_order_acquire, memory_order_relaxed);
}

static bool try_exclusive(os_latch *latch)
{
    uint32_t word = atomic_load_explicit(&latch->word, memory_order_relaxed);
    uint32_t simulated = word & OS_LATCH_SIMULATED;
    return (word & ~(OS_LATCH_WAITING | OS_LATCH_SIMULATED)) == 0 &&
           atomic_compare_exchange_strong_explicit(&latch->word, &word, simulated | OS_LATCH_WRITER,
                                                   memory_order_acquire, memory_order_relaxed);
}

void os_latch_lock_shared_slow(os_latch *latch)
{
    let_switch(latch);
    for (uint32_t turns = 0; !try_shared(latch); turns++)
        os_spin_pause(turns);
}

void os_latch_lock_slow(os_latch *latch)
{
    let_switch(latch);
    for (uint32_t turns = 0; !try_exclusive(latch); turns++) {
        uint32_t word = atomic_load_explicit(&latch->word, memory_order_relaxed);
        if (!(word & OS_LATCH_WAITING))
            atomic_fetch_or_explicit(&latch->word, OS_LATCH_WAITING, memory_order_relaxed);
        os_spin_pause(turns);
    }
}
