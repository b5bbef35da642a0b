/*
 * txn_undo.c - undo records: their memory, their order, and running them.
 *
 * Records are cut from blocks that their transaction object fills one after the other, so a
 * statement's undo costs an addition. Transactions that one object runs in a row share a
 * block; it is freed when the object has moved on and the last of their segments was
 * released. In the usual case, no older snapshot at commit, the block is simply begun anew.
 */
#include "txn/txn_int.h"

static size_t round_up(size_t size)
{
    return BASE_ALIGN_UP(size, (size_t)16);
}

enum {
    BLOCK_START = 32 /* sizeof(txn_block), rounded */
};
_Static_assert(sizeof(txn_block) <= BLOCK_START, "records follow the header");

void txn_block_unuse(base_budget *budget, txn_block *block)
{
    if (atomic_fetch_sub_explicit(&block->users, 1, memory_order_acq_rel) == 1)
        base_free(budget, block, block->size);
}

/* The object goes on to a new block with room for `size` bytes. */
static txn_block *add_block(txn_transaction *transaction, size_t size)
{
    base_budget *budget = transaction->manager->budget;
    size_t wanted = BASE_MAX(transaction->next_block_size, size + BLOCK_START);
    if (wanted > UINT32_MAX)
        return NULL;
    txn_block *block = base_allocate(budget, wanted);
    if (!block)
        return NULL;
    block->next = NULL;
    atomic_init(&block->users, 1); /* the object */
    block->size = (uint32_t)wanted;
    block->used = BLOCK_START;
    if (transaction->next_block_size < TXN_LARGEST_BLOCK)
        transaction->next_block_size *= 2;
    if (transaction->block) {
        transaction->block->next = block;
        txn_block_unuse(budget, transaction->block);
    }
    transaction->block = block;
    return block;
}

/* Room in the current block, which then counts as used by this transaction. */
static void *cut(txn_transaction *transaction, size_t size)
{
    txn_block *block = transaction->block;
    if (BASE_UNLIKELY(!block || block->size - block->used < size)) {
        block = add_block(transaction, size);
        if (!block)
            return NULL;
        if (transaction->first_block) {
            transaction->block_count++;
            atomic_fetch_add_explicit(&block->users, 1, memory_order_relaxed);
        }
    }
    if (!transaction->first_block) {
        transaction->first_block = block;
        transaction->block_count = 1;
        atomic_fetch_add_explicit(&block->users, 1, memory_order_relaxed);
    }
    return (char *)block + block->used;
}

void *txn_undo_allocate(txn_transaction *transaction, size_t size)
{
    if (BASE_UNLIKELY(!transaction->segment)) {
        /* The segment that the records will wait in is set aside now: commit cannot fail. */
        void *segment = cut(transaction, round_up(sizeof(txn_segment)));
        if (!segment)
            return NULL;
        transaction->block->used += (uint32_t)round_up(sizeof(txn_segment));
        transaction->segment = segment;
    }
    if (size > UINT32_MAX / 2)
        return NULL;
    txn_undo *undo = cut(transaction, round_up(size));
    if (!undo)
        return NULL;
    undo->position = round_up(size); /* read back when it is registered */
    return undo;
}

void txn_undo_register(txn_transaction *transaction, txn_undo *undo, const txn_undo_kind *kind)
{
    BASE_ASSERT((char *)undo == (char *)transaction->block + transaction->block->used);
    transaction->block->used += (uint32_t)undo->position;
    undo->kind = kind;
    undo->position = ++transaction->undo_position;
    undo->next = NULL;
    undo->previous = transaction->last_undo;
    if (undo->previous)
        undo->previous->next = undo;
    else
        transaction->first_undo = undo;
    transaction->last_undo = undo;
    transaction->has_lasting |= kind->lasting;
    transaction->has_queued |= kind->queued;
}

txn_undo *txn_undo_last(const txn_transaction *transaction, const txn_undo_kind *kind)
{
    txn_undo *last = transaction->last_undo;
    return last && last->kind == kind && last->position > transaction->mark_position ? last : NULL;
}

void txn_undo_run_rollback(txn_transaction *transaction, uint64_t down_to)
{
    txn_undo *undo = transaction->last_undo;
    for (; undo && undo->position > down_to; undo = undo->previous) {
        if (undo->kind->rollback)
            undo->kind->rollback(undo);
    }
    for (txn_undo *again = transaction->last_undo; again != undo; again = again->previous) {
        if (again->kind->after_rollback)
            again->kind->after_rollback(again);
    }
    transaction->last_undo = undo;
    if (undo)
        undo->next = NULL;
    else
        transaction->first_undo = NULL;
}

uint64_t txn_undo_position(const txn_transaction *transaction)
{
    return transaction->undo_position;
}

void txn_undo_back_to(txn_transaction *transaction, uint64_t position)
{
    txn_undo_run_rollback(transaction, position);
}

void txn_undo_run_commit(txn_transaction *transaction, uint64_t id, uint64_t sequence)
{
    for (txn_undo *undo = transaction->first_undo; undo; undo = undo->next) {
        if (undo->kind->commit)
            undo->kind->commit(undo, id, sequence);
    }
}

/* The blocks of a transaction whose records are all gone. */
void txn_undo_drop_blocks(txn_transaction *transaction)
{
    base_budget *budget = transaction->manager->budget;
    txn_block *block = transaction->first_block;
    for (uint32_t i = 0; i < transaction->block_count; i++) {
        txn_block *next = block->next;
        txn_block_unuse(budget, block);
        block = next;
    }
    transaction->first_block = NULL;
    transaction->block_count = 0;
    transaction->segment = NULL;
    transaction->first_undo = transaction->last_undo = NULL;
    block = transaction->block;
    if (!block || atomic_load_explicit(&block->users, memory_order_acquire) != 1)
        return;
    block->used = BLOCK_START;
    block->next = NULL;
    transaction->next_block_size = TXN_FIRST_BLOCK * 2;
    if (block->size > TXN_KEPT_BUFFER) {
        txn_block_unuse(budget, block);
        transaction->block = NULL;
        transaction->next_block_size = TXN_FIRST_BLOCK;
    }
}

void txn_undo_release_now(txn_transaction *transaction)
{
    for (txn_undo *undo = transaction->last_undo; undo; undo = undo->previous) {
        if (undo->kind->release)
            undo->kind->release(undo, 0);
    }
    txn_undo_drop_blocks(transaction);
}
