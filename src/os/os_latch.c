/*
 * os_latch.c - the waiting half of the latch (contract: os_latch.h).
 *
 * Invariants: the writer bit excludes readers; OS_LATCH_WAITING is only a request, taken
 * away by the writer that gets in, so a writer that sees it set by another just competes.
 */
#include "os/os.h"

void os_latch_lock_shared_slow(os_latch *latch)
{
    while (!os_latch_try_lock_shared(latch))
        os_spin_pause();
}

void os_latch_lock_slow(os_latch *latch)
{
    while (!os_latch_try_lock(latch)) {
        uint32_t word = atomic_load_explicit(&latch->word, memory_order_relaxed);
        if (!(word & OS_LATCH_WAITING))
            atomic_fetch_or_explicit(&latch->word, OS_LATCH_WAITING, memory_order_relaxed);
        os_spin_pause();
    }
}
