/*
 * txn_transaction.c - begin, snapshots, marks, commit and rollback.
 *
 * With a log, the log gives the sequences: it calls publish in their order once a unit is as
 * durable as the sync mode asks, so the order of the log is the order of commits and nobody
 * sees a row of a commit that a crash could take back. In memory one mutex does the same.
 * Publishing stamps the rows and then raises last_sequence: stamps above it are invisible to
 * everyone, so no snapshot sees half a commit.
 *
 * Rejected: stamping out of order with a commit cell read through the undo pointer (HyPer): it
 * costs every reader of a fresh row a cache miss. Long insertions are stamped a leaf at a
 * time, about a nanosecond a row.
 *
 * Invariant I3: sequences are published in the order of the log.
 */
#include "txn/txn_int.h"

const txn_snapshot *txn_snapshot_of(const txn_transaction *transaction)
{
    return &transaction->snapshot;
}

txn_isolation txn_isolation_of(const txn_transaction *transaction)
{
    return transaction->isolation;
}

bool txn_is_read_only(const txn_transaction *transaction)
{
    return transaction->read_only;
}

bool txn_has_writes(const txn_transaction *transaction)
{
    return transaction->last_undo != NULL;
}

void *txn_owner_of(const txn_transaction *transaction)
{
    return transaction->manager->owner;
}

txn_manager *txn_manager_of(const txn_transaction *transaction)
{
    return transaction->manager;
}

uint64_t txn_id_of(const txn_transaction *transaction)
{
    return transaction->snapshot.self;
}

wal_buffer *txn_redo_of(txn_transaction *transaction)
{
    return transaction->manager->log ? &transaction->redo : NULL;
}

base_buffer *txn_scratch_of(txn_transaction *transaction, uint32_t place)
{
    BASE_ASSERT(place < TXN_SCRATCH_COUNT);
    return &transaction->scratch[place];
}

void txn_set_interrupt(txn_transaction *transaction, bool (*interrupted)(void *context),
                       void *context)
{
    transaction->interrupted = interrupted;
    transaction->interrupt_context = context;
}

void txn_set_lock_timeout(txn_transaction *transaction, int64_t microseconds)
{
    transaction->lock_timeout = microseconds;
}

int64_t txn_lock_timeout(const txn_transaction *transaction)
{
    return transaction->lock_timeout;
}

/* Publishes first, then makes sure that nothing was published meanwhile: see
 * txn_oldest_snapshot, whose walk may run between the two. */
static void take_snapshot(txn_transaction *transaction)
{
    txn_manager *manager = transaction->manager;
    uint64_t sequence = atomic_load_explicit(&manager->last_sequence, memory_order_acquire);
    for (;;) {
        atomic_store(&transaction->active, sequence);
        uint64_t again = atomic_load(&manager->last_sequence);
        if (again == sequence)
            break;
        sequence = again;
    }
    transaction->snapshot.sequence = sequence;
}

base_status txn_begin(txn_manager *manager, txn_isolation isolation, bool read_only,
                      txn_transaction **transaction, base_error *error)
{
    RETURN_IF_ERROR(txn_object_take(manager, transaction, error));
    txn_transaction *self = *transaction;
    self->generation++;
    self->isolation = isolation;
    self->read_only = read_only;
    self->has_lasting = self->has_queued = false;
    atomic_store_explicit(&self->restarts, false, memory_order_relaxed);
    self->undo_position = 0;
    self->mark_position = 0;
    self->interrupted = NULL;
    self->lock_timeout = -1;
    BASE_ASSERT(!self->first_undo && !self->lock_count && !self->segment);
    self->snapshot.self = TXN_ID_BIT | self->generation << TXN_SLOT_BITS | self->slot;
    atomic_store_explicit(&self->id, self->snapshot.self, memory_order_relaxed);
    take_snapshot(self);
    return BASE_OK;
}

void txn_snapshot_raise(txn_transaction *transaction, uint64_t sequence)
{
    BASE_ASSERT(sequence >= transaction->snapshot.sequence);
    BASE_ASSERT(sequence <= txn_last_sequence(transaction->manager));
    transaction->snapshot.sequence = sequence;
}

/*
 * Stamps of a commit change one by one before its sequence is shown. Who met one of them would see
 * nothing new, meet it again, and burn its time until the publisher gets the processor back, or
 * give up. Waiting where the row was met is out of the question: its latch is held there.
 */
static void await_publication(txn_manager *manager)
{
    if (manager->log) {
        wal_await_publication(manager->log);
        return;
    }
    os_mutex_lock(&manager->commit_mutex);
    os_mutex_unlock(&manager->commit_mutex);
}

void txn_statement_start(txn_transaction *transaction)
{
    if (transaction->isolation != TXN_READ_COMMITTED)
        return;
    if (BASE_UNLIKELY(atomic_load_explicit(&transaction->restarts, memory_order_relaxed))) {
        atomic_store_explicit(&transaction->restarts, false, memory_order_relaxed);
        await_publication(transaction->manager);
    }
    take_snapshot(transaction);
}

base_status txn_restart(txn_transaction *transaction)
{
    BASE_ASSERT(transaction->isolation == TXN_READ_COMMITTED);
    atomic_store_explicit(&transaction->restarts, true, memory_order_relaxed);
    return BASE_RESTART;
}

txn_mark txn_get_mark(txn_transaction *transaction)
{
    transaction->mark_position = transaction->undo_position;
    return (txn_mark){transaction->undo_position, transaction->redo.position};
}

void txn_rollback_to(txn_transaction *transaction, txn_mark mark)
{
    BASE_ASSERT(mark.undo_position <= transaction->undo_position);
    txn_undo_run_rollback(transaction, mark.undo_position);
    if (transaction->redo.position > mark.log_position)
        wal_buffer_truncate(&transaction->redo, mark.log_position);
}

static void trim_buffer(base_buffer *buffer)
{
    if (BASE_UNLIKELY(buffer->capacity > TXN_KEPT_BUFFER)) {
        base_budget *budget = buffer->budget;
        base_buffer_destroy(buffer);
        base_buffer_init(buffer, budget);
    } else {
        base_buffer_clear(buffer);
    }
}

/* The rows carry no id of it any more: lets those go on who wait for them. */
static void let_others_go(txn_transaction *transaction)
{
    atomic_store_explicit(&transaction->active, TXN_NO_SNAPSHOT, memory_order_release);
    atomic_store(&transaction->id, 0);
    /* Pairs with the waiter, which counts itself and then looks at the id. */
    if (BASE_UNLIKELY(atomic_load(&transaction->manager->waiter_count) != 0))
        txn_wake_waiters(transaction->manager);
}

/* Its undo was released or queued: gives the object back. */
static void end(txn_transaction *transaction)
{
    txn_manager *manager = transaction->manager;
    BASE_ASSERT(!transaction->first_undo && !transaction->first_block);
    /* Not before the undo is released or queued: whoever gets a lock exclusively may replace
     * what that undo names. */
    txn_locks_release(transaction);
    txn_locks_drop(transaction);
    wal_buffer_reset(&transaction->redo);
    for (uint32_t i = 0; i < TXN_SCRATCH_COUNT; i++)
        trim_buffer(&transaction->scratch[i]);
    txn_object_give_back(transaction);
    if (BASE_UNLIKELY(atomic_load_explicit(&manager->garbage, memory_order_relaxed) != NULL))
        txn_collect_garbage(manager, 16);
}

void txn_rollback(txn_transaction *transaction)
{
    txn_undo_run_rollback(transaction, 0);
    let_others_go(transaction);
    txn_undo_drop_blocks(transaction);
    end(transaction);
}

/* Shows the commit: called in the order of sequences, never by two threads at once. */
static void publish_transaction(void *context, uint64_t sequence)
{
    txn_transaction *transaction = context;
    txn_manager *manager = transaction->manager;
    BASE_VERIFY(sequence >
                atomic_load_explicit(&manager->last_sequence, memory_order_relaxed)); /* I3 */
    txn_undo_run_commit(transaction, transaction->snapshot.self, sequence);
    atomic_store(&manager->last_sequence, sequence);
}

static base_status publish_durably(txn_transaction *transaction, uint64_t *sequence,
                                   base_error *error)
{
    txn_manager *manager = transaction->manager;
    if (manager->log) {
        wal_unit unit = {
            .buffer = &transaction->redo, .publish = publish_transaction, .context = transaction};
        base_status status = wal_commit(manager->log, &unit, error);
        *sequence = unit.sequence;
        return status;
    }
    os_mutex_lock(&manager->commit_mutex);
    *sequence = atomic_load_explicit(&manager->last_sequence, memory_order_relaxed) + 1;
    publish_transaction(transaction, *sequence);
    os_mutex_unlock(&manager->commit_mutex);
    return BASE_OK;
}

base_status txn_commit(txn_transaction *transaction, base_error *error)
{
    if (!transaction->first_undo) {
        let_others_go(transaction);
        txn_undo_drop_blocks(transaction);
        end(transaction);
        return BASE_OK;
    }
    uint64_t sequence;
    base_status status = publish_durably(transaction, &sequence, error);
    if (status != BASE_OK) {
        txn_rollback(transaction);
        return status;
    }
    let_others_go(transaction); /* own snapshot too: it must not keep its own garbage */
    if (transaction->has_lasting)
        txn_garbage_add(transaction, sequence);
    else
        txn_undo_release_now(transaction);
    end(transaction);
    return BASE_OK;
}

/* ---- Commits without a transaction --------------------------------------------------------- */

typedef struct bare_commit {
    txn_manager *manager;
    void (*publish)(void *context, uint64_t sequence);
    void *context;
} bare_commit;

static void publish_bare(void *context, uint64_t sequence)
{
    bare_commit *commit = context;
    commit->publish(commit->context, sequence);
    atomic_store(&commit->manager->last_sequence, sequence);
}

base_status txn_publish(txn_manager *manager, void (*publish)(void *context, uint64_t sequence),
                        void *context, base_error *error)
{
    bare_commit commit = {manager, publish, context};
    if (manager->log) {
        wal_buffer nothing;
        wal_buffer_init(&nothing, manager->budget);
        wal_unit unit = {.buffer = &nothing, .publish = publish_bare, .context = &commit};
        base_status status = wal_commit(manager->log, &unit, error);
        wal_buffer_destroy(&nothing);
        return status;
    }
    os_mutex_lock(&manager->commit_mutex);
    publish_bare(&commit, atomic_load_explicit(&manager->last_sequence, memory_order_relaxed) + 1);
    os_mutex_unlock(&manager->commit_mutex);
    return BASE_OK;
}
