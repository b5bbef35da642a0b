/*
 * txn_garbage.c - what committed transactions left behind, released when nobody can see it.
 *
 * Pieces queue in commit order: the undo records of a commit, or an object that was replaced
 * (txn_retire). A piece is disposed of once no snapshot is older than its sequence: then
 * nobody can read the versions that the commit superseded. The work is done by whoever
 * commits or ends next, a few pieces at a time, and by one thread at a time, so that an
 * object goes only after all records that name it; nobody waits for it. In the usual case,
 * the queue empty and no older reader, a commit releases its own records at once and the
 * queue is not touched.
 *
 * Invariant I4: a record is released only when txn_oldest_snapshot >= its commit's sequence.
 */
#include "txn/txn_int.h"

static void release_records(txn_undo *last, uint64_t oldest)
{
    for (txn_undo *undo = last; undo; undo = undo->previous) {
        if (undo->kind->release)
            undo->kind->release(undo, oldest);
    }
}

static void dispose_segment(txn_garbage *garbage, txn_manager *manager, uint64_t oldest)
{
    txn_segment *segment = (txn_segment *)garbage;
    release_records(segment->last, oldest);
    /* The segment itself lies in the first of the blocks. */
    txn_block *block = segment->first_block;
    for (uint32_t i = segment->block_count; i > 0; i--) {
        txn_block *next = i > 1 ? block->next : NULL;
        txn_block_unuse(manager->budget, block);
        block = next;
    }
}

/* Sorted; nearly always at the tail. Pieces of one sequence stay in the order they came. */
static void enqueue(txn_manager *manager, txn_garbage *garbage)
{
    os_mutex_lock(&manager->garbage_mutex);
    txn_garbage *head = atomic_load_explicit(&manager->garbage, memory_order_relaxed);
    if (!head || head->sequence > garbage->sequence) {
        garbage->next = head;
        atomic_store_explicit(&manager->garbage, garbage, memory_order_release);
        if (!head)
            manager->garbage_tail = garbage;
    } else if (manager->garbage_tail->sequence <= garbage->sequence) {
        garbage->next = NULL;
        manager->garbage_tail->next = garbage;
        manager->garbage_tail = garbage;
    } else {
        while (head->next->sequence <= garbage->sequence)
            head = head->next;
        garbage->next = head->next;
        head->next = garbage;
    }
    os_mutex_unlock(&manager->garbage_mutex);
}

void txn_garbage_add(txn_transaction *transaction, uint64_t sequence)
{
    txn_manager *manager = transaction->manager;
    uint64_t oldest = txn_oldest_snapshot(manager);
    if (oldest >= sequence && !transaction->has_queued &&
        !atomic_load_explicit(&manager->garbage, memory_order_acquire)) {
        release_records(transaction->last_undo, oldest);
        txn_undo_drop_blocks(transaction);
        return;
    }
    txn_segment *segment = transaction->segment;
    segment->garbage.sequence = sequence;
    segment->garbage.dispose = dispose_segment;
    segment->last = transaction->last_undo;
    segment->first_block = transaction->first_block;
    segment->block_count = transaction->block_count;
    transaction->first_block = NULL;
    transaction->block_count = 0;
    transaction->segment = NULL;
    transaction->first_undo = transaction->last_undo = NULL;
    enqueue(manager, &segment->garbage);
}

void txn_retire(txn_manager *manager, txn_garbage *garbage,
                void (*dispose)(txn_garbage *garbage, txn_manager *manager, uint64_t oldest))
{
    garbage->dispose = dispose;
    garbage->sequence = txn_last_sequence(manager);
    enqueue(manager, garbage);
}

/* The queue's first piece if nobody needs it any more. */
static txn_garbage *take_first(txn_manager *manager, uint64_t oldest)
{
    os_mutex_lock(&manager->garbage_mutex);
    txn_garbage *first = atomic_load_explicit(&manager->garbage, memory_order_relaxed);
    if (first && first->sequence > oldest)
        first = NULL;
    if (first) {
        if (!first->next)
            manager->garbage_tail = NULL;
        atomic_store_explicit(&manager->garbage, first->next, memory_order_release);
    }
    os_mutex_unlock(&manager->garbage_mutex);
    return first;
}

static bool collect(txn_manager *manager, uint64_t oldest, uint64_t limit)
{
    if (atomic_exchange_explicit(&manager->collecting, true, memory_order_acquire))
        return false;
    while (limit-- > 0) {
        txn_garbage *garbage = take_first(manager, oldest);
        if (!garbage)
            break;
        BASE_VERIFY(garbage->sequence <= oldest); /* I4 */
        garbage->dispose(garbage, manager, oldest);
    }
    atomic_store_explicit(&manager->collecting, false, memory_order_release);
    return true;
}

void txn_collect_garbage(txn_manager *manager, uint32_t limit)
{
    if (!atomic_load_explicit(&manager->collecting, memory_order_relaxed))
        (void)collect(manager, txn_oldest_snapshot(manager), limit);
}

bool txn_collect_all_garbage(txn_manager *manager, uint64_t *oldest)
{
    *oldest = txn_oldest_snapshot(manager);
    return collect(manager, *oldest, UINT64_MAX);
}
