/*
 * table_attach.c - a volume becomes part of a relation with a transaction.
 *
 * The volume's extents are loose: written outside of a checkpoint, on disk before the log
 * refers to them, reached by a header from the next checkpoint on. Until then the volume owns
 * them: they are given back where the transaction is rolled back or the storage dropped. In
 * memory there are no headers and extents stay loose for ever.
 *
 * What the log names must not be written over as long as a crash would replay that log: it
 * claims the extents, whatever becomes of the table later in the log, and after a failed commit it
 * may name them as well. So they wait for the next checkpoint, whose header makes that log
 * useless (I18). A crash forgets the list, and with it what it knew to be loose.
 *
 * Rejected: one undo record for a load as a whole. Volumes come one by one, and a savepoint may
 * lie between two of them.
 */
#include "store/table/table_int.h"

typedef struct volume_undo {
    txn_undo undo;
    table_storage *storage; /* I11 */
    table_volume *volume;
} volume_undo;

/* ---- Giving extents back --------------------------------------------------------------------- */

static base_status discard_extent(void *context, const cache_reference *reference,
                                  base_error *error)
{
    (void)error;
    cache_discard(context, reference);
    return BASE_OK;
}

base_status table_discard_logged(void *context, const cache_reference *reference, base_error *error)
{
    table_database *database = context;
    (void)error;
    os_mutex_lock(&database->discard_mutex);
    /* Without memory the extent stays loose until the file is opened again. */
    (void)table_saved_add(database, &database->discarded, reference, NULL);
    os_mutex_unlock(&database->discard_mutex);
    return BASE_OK;
}

void table_take_discarded(table_database *database, table_saved *taken)
{
    os_mutex_lock(&database->discard_mutex);
    *taken = database->discarded;
    database->discarded = (table_saved){0};
    os_mutex_unlock(&database->discard_mutex);
}

void table_settle_discarded(table_database *database, table_saved *taken, bool durable)
{
    for (uint32_t i = 0; i < taken->count; i++) {
        if (durable)
            cache_discard(database->file, &taken->references[i]);
        else
            (void)table_discard_logged(database, &taken->references[i], NULL);
    }
    table_saved_free(database, taken);
}

void table_volume_discard(table_database *database, table_volume *volume)
{
    if (!atomic_load(&volume->loose))
        return;
    if (volume->logged)
        (void)col_volume_visit(volume->data, table_discard_logged, database, NULL);
    else
        (void)col_volume_visit(volume->data, discard_extent, database->file, NULL);
    atomic_store(&volume->loose, false);
}

/* ---- Attaching ------------------------------------------------------------------------------- */

static void rollback_volume(txn_undo *undo)
{
    volume_undo *self = (volume_undo *)(void *)undo;
    atomic_store_explicit(&self->volume->since, TABLE_NEVER, memory_order_release);
    table_volume_discard(self->storage->database, self->volume);
    atomic_store(&self->volume->abandoned, true);
}

static void commit_volume(txn_undo *undo, uint64_t id, uint64_t sequence)
{
    volume_undo *self = (volume_undo *)(void *)undo;
    (void)id;
    atomic_store_explicit(&self->volume->since, sequence, memory_order_release);
    atomic_store_explicit(&self->storage->cold_change, sequence, memory_order_release);
}

static const txn_undo_kind volume_kind = {
    .name = "volume", .rollback = rollback_volume, .commit = commit_volume};

base_status table_attach_volume(txn_transaction *transaction, table_relation *relation,
                                const cache_reference *reference, table_volume **attached,
                                base_error *error)
{
    table_storage *storage = relation->storage;
    table_volume *volume;
    volume_undo *undo = txn_undo_allocate(transaction, sizeof *undo);
    if (!undo)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(table_volume_add(storage, reference, txn_id_of(transaction), &volume, error));
    atomic_store(&volume->loose, true);
    volume->logged = !storage->database->in_memory;
    undo->storage = storage;
    undo->volume = volume;
    txn_undo_register(transaction, &undo->undo, &volume_kind);
    table_note_rowid(storage, volume->info.last_rowid);
    if (attached)
        *attached = volume;
    return BASE_OK;
}
