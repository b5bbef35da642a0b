/*
 * txn_manager.c - the manager, its transaction objects and the snapshots they publish.
 *
 * An object is reached through its slot, which is part of every transaction id, so that
 * whoever meets an id in a row's stamp finds its transaction without a map. Objects are
 * recycled and stay allocated until the manager goes: other threads may look at one at any
 * time. A few free objects lie in places that are taken and filled by one atomic exchange;
 * the rest is in a list under a mutex. An id is (generation, slot), so giving one out touches
 * nothing shared. Rejected: a global counter of ids (one contended line for every reader), a
 * map from id to transaction (a lock on the read path of every waiting writer).
 *
 * Invariants (numbers: docs/STORAGE.md)
 *   I1  `active` of an open transaction never exceeds last_sequence, and never rises above
 *       what txn_oldest_snapshot told anybody (take_snapshot publishes, then looks again).
 *   I2  an object's id is 0 exactly when no row, lock or record can name it.
 */
#include "txn/txn_int.h"

base_status txn_manager_create(base_budget *budget, os_environment *environment, void *owner,
                               txn_manager **manager, base_error *error)
{
    txn_manager *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->budget = budget;
    self->environment = environment;
    self->owner = owner;
    os_mutex_init(&self->commit_mutex);
    os_mutex_init(&self->object_mutex);
    os_mutex_init(&self->wait_mutex);
    os_condition_init(&self->ended);
    os_mutex_init(&self->garbage_mutex);
    *manager = self;
    return BASE_OK;
}

static void destroy_object(txn_manager *manager, txn_transaction *transaction)
{
    BASE_ASSERT(atomic_load(&transaction->id) == 0);
    if (transaction->block)
        txn_block_unuse(manager->budget, transaction->block);
    wal_buffer_destroy(&transaction->redo);
    for (uint32_t i = 0; i < TXN_SCRATCH_COUNT; i++)
        base_buffer_destroy(&transaction->scratch[i]);
    base_free_array(manager->budget, transaction->locks, transaction->lock_capacity,
                    sizeof *transaction->locks);
    base_free(manager->budget, transaction, sizeof *transaction);
}

void txn_manager_destroy(txn_manager *manager)
{
    txn_collect_garbage(manager, UINT32_MAX);
    BASE_ASSERT(!atomic_load(&manager->garbage));
    uint32_t count = atomic_load(&manager->object_count);
    for (uint32_t slot = 0; slot < count; slot++)
        destroy_object(manager, txn_object_at(manager, slot));
    for (uint32_t i = 0; i < TXN_CHUNKS; i++)
        base_free(manager->budget, atomic_load(&manager->chunks[i]),
                  TXN_CHUNK * sizeof(txn_transaction *));
    os_mutex_destroy(&manager->commit_mutex);
    os_mutex_destroy(&manager->object_mutex);
    os_mutex_destroy(&manager->wait_mutex);
    os_condition_destroy(&manager->ended);
    os_mutex_destroy(&manager->garbage_mutex);
    base_free(manager->budget, manager, sizeof *manager);
}

void txn_manager_set_log(txn_manager *manager, wal_log *log)
{
    BASE_ASSERT(txn_active_count(manager) == 0);
    manager->log = log;
}

void txn_manager_set_sequence(txn_manager *manager, uint64_t sequence)
{
    BASE_ASSERT(sequence >= txn_last_sequence(manager));
    atomic_store(&manager->last_sequence, sequence);
}

uint64_t txn_last_sequence(const txn_manager *manager)
{
    return atomic_load_explicit(&manager->last_sequence, memory_order_acquire);
}

/* ---- Objects -------------------------------------------------------------------------- */

txn_transaction *txn_object_at(const txn_manager *manager, uint32_t slot)
{
    txn_transaction **chunk =
        atomic_load_explicit(&manager->chunks[slot / TXN_CHUNK], memory_order_acquire);
    return chunk[slot % TXN_CHUNK];
}

/* Under the object mutex. The count is raised last: who sees it sees the object. */
static base_status create_object(txn_manager *manager, txn_transaction **transaction,
                                 base_error *error)
{
    uint32_t slot = atomic_load_explicit(&manager->object_count, memory_order_relaxed);
    if (slot == TXN_MAX_OBJECTS)
        return base_error_set(error, BASE_LIMIT, "more than %d transactions are open",
                              TXN_MAX_OBJECTS);
    _Atomic(txn_transaction **) *place = &manager->chunks[slot / TXN_CHUNK];
    txn_transaction **chunk = atomic_load_explicit(place, memory_order_relaxed);
    if (!chunk) {
        chunk = base_allocate_zeroed(manager->budget, TXN_CHUNK * sizeof(txn_transaction *));
        if (!chunk)
            return base_error_no_memory(error);
        atomic_store_explicit(place, chunk, memory_order_release);
    }
    txn_transaction *self = base_allocate_zeroed(manager->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->manager = manager;
    self->slot = slot;
    atomic_init(&self->active, TXN_NO_SNAPSHOT);
    wal_buffer_init(&self->redo, manager->budget);
    for (uint32_t i = 0; i < TXN_SCRATCH_COUNT; i++)
        base_buffer_init(&self->scratch[i], manager->budget);
    self->next_block_size = TXN_FIRST_BLOCK;
    chunk[slot % TXN_CHUNK] = self;
    atomic_store_explicit(&manager->object_count, slot + 1, memory_order_release);
    *transaction = self;
    return BASE_OK;
}

/* Threads begin their search at places far from each other. A stack address tells threads
 * apart well enough and costs nothing. */
static uint32_t first_place(const void *on_stack)
{
    return (uint32_t)(((uintptr_t)on_stack >> 16) * 7) % TXN_FREE_PLACES;
}

base_status txn_object_take(txn_manager *manager, txn_transaction **transaction, base_error *error)
{
    uint32_t place = first_place(&place);
    for (uint32_t i = 0; i < TXN_FREE_PLACES; i++) {
        _Atomic(txn_transaction *) *free_place =
            &manager->free_places[(place + i) % TXN_FREE_PLACES];
        if (!atomic_load_explicit(free_place, memory_order_relaxed))
            continue;
        *transaction = atomic_exchange_explicit(free_place, NULL, memory_order_acquire);
        if (*transaction)
            return BASE_OK;
    }
    os_mutex_lock(&manager->object_mutex);
    base_status status = BASE_OK;
    *transaction = manager->free_objects;
    if (*transaction)
        manager->free_objects = (*transaction)->next_free;
    else
        status = create_object(manager, transaction, error);
    os_mutex_unlock(&manager->object_mutex);
    return status;
}

void txn_object_give_back(txn_transaction *transaction)
{
    txn_manager *manager = transaction->manager;
    uint32_t place = first_place(&place);
    for (uint32_t i = 0; i < TXN_FREE_PLACES; i++) {
        txn_transaction *none = NULL;
        if (atomic_compare_exchange_strong_explicit(
                &manager->free_places[(place + i) % TXN_FREE_PLACES], &none, transaction,
                memory_order_release, memory_order_relaxed))
            return;
    }
    os_mutex_lock(&manager->object_mutex);
    transaction->next_free = manager->free_objects;
    manager->free_objects = transaction;
    os_mutex_unlock(&manager->object_mutex);
}

/* ---- Snapshots ------------------------------------------------------------------------ */

uint64_t txn_oldest_snapshot(txn_manager *manager)
{
    /* The newest sequence is read before the slots: a reader that this walk misses has not
     * yet looked a second time, and will then find at least this sequence. */
    uint64_t oldest = atomic_load(&manager->last_sequence);
    uint32_t count = atomic_load_explicit(&manager->object_count, memory_order_acquire);
    for (uint32_t slot = 0; slot < count; slot++) {
        uint64_t active = atomic_load(&txn_object_at(manager, slot)->active);
        if (active < oldest)
            oldest = active;
    }
    return oldest;
}

uint32_t txn_active_count(txn_manager *manager)
{
    uint32_t active = 0;
    uint32_t count = atomic_load_explicit(&manager->object_count, memory_order_acquire);
    for (uint32_t slot = 0; slot < count; slot++)
        active += atomic_load(&txn_object_at(manager, slot)->id) != 0;
    return active;
}
