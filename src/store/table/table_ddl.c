/*
 * table_ddl.c - definitions: create, drop, truncate, columns, indexes; all transactional.
 *
 * Every change does the same: take the relation's lock exclusively (waits for open writers,
 * never for readers), copy the newest version, change the copy, hang it in front of the chain
 * under the transaction's id, and register one undo record that stamps it at commit, takes it
 * out at rollback, and lets go of the versions behind it when no snapshot needs them.
 *
 * TRUNCATE is a version with new, empty storage and indexes: older snapshots keep reading the
 * old rows, and nothing is written per row.
 */
#include "store/table/table_bytes_int.h"

/* ---- The undo record of a definition --------------------------------------------------------- */

typedef struct definition {
    txn_undo undo;
    table_relation *version;
} definition;

static void rollback_definition(txn_undo *undo)
{
    table_relation *version = ((definition *)(void *)undo)->version;
    table_entry *entry = version->entry;
    table_database *database = entry->database;
    os_mutex_lock(&database->registry);
    BASE_VERIFY(entry->newest == version);
    entry->newest = version->older;
    version->older = NULL;
    atomic_store(&version->superseded, true);
    if (entry->newest)
        atomic_store(&entry->newest->superseded, false);
    else
        table_entry_unlist(entry);
    os_mutex_unlock(&database->registry);
    table_release(version);
}

static void commit_definition(txn_undo *undo, uint64_t id, uint64_t sequence)
{
    table_relation *version = ((definition *)(void *)undo)->version;
    (void)id;
    atomic_store(&version->stamp, sequence);
}

static void release_definition(txn_undo *undo, uint64_t oldest)
{
    table_relation *version = ((definition *)(void *)undo)->version;
    table_entry *entry = version->entry;
    table_database *database = entry->database;
    (void)oldest;
    os_mutex_lock(&database->registry);
    table_relation *older = version->older;
    version->older = NULL;
    table_relation *gone = NULL;
    if (version->dropped && entry->newest == version) {
        entry->newest = NULL;
        gone = version;
        table_entry_unlist(entry);
    }
    os_mutex_unlock(&database->registry);
    while (older) {
        table_relation *next = older->older;
        older->older = NULL;
        table_release(older);
        older = next;
    }
    table_release(gone);
}

static const txn_undo_kind definition_kind = {.name = "definition",
                                              .rollback = rollback_definition,
                                              .commit = commit_definition,
                                              .release = release_definition,
                                              .lasting = true,
                                              .queued = true};

/* Hangs the finished version in front; it belongs to the chain from here on. */
static base_status publish_version(txn_transaction *transaction, table_relation *version,
                                   base_error *error)
{
    table_entry *entry = version->entry;
    definition *record = txn_undo_allocate(transaction, sizeof *record);
    if (!record)
        return base_error_no_memory(error);
    record->version = version;
    txn_undo_register(transaction, &record->undo, &definition_kind);
    atomic_store(&version->stamp, txn_id_of(transaction));
    os_mutex_lock(&entry->database->registry);
    version->older = entry->newest;
    if (entry->newest)
        atomic_store(&entry->newest->superseded, true);
    entry->newest = version;
    os_mutex_unlock(&entry->database->registry);
    return BASE_OK;
}

static base_status check_writable(txn_transaction *transaction, base_error *error)
{
    if (txn_is_read_only(transaction))
        return base_error_set(error, BASE_READ_ONLY, "the transaction is read-only");
    if (table_database_of(transaction)->read_only)
        return base_error_set(error, BASE_READ_ONLY, "the database is open for reading only");
    return BASE_OK;
}

/* Locks the relation and copies its newest version, which the snapshot must know. `reads`: its
 * rows are going to be looked at. What is taken away need not be read, and may be damaged. */
static base_status begin_change(txn_transaction *transaction, uint64_t id, bool reads,
                                table_relation **copy, base_error *error)
{
    table_database *database = table_database_of(transaction);
    RETURN_IF_ERROR(check_writable(transaction, error));
    os_mutex_lock(&database->registry);
    table_entry *entry = table_entry_find(database, id);
    if (entry)
        table_entry_keep(entry);
    os_mutex_unlock(&database->registry);
    if (!entry)
        return base_error_set(error, BASE_UNDEFINED_TABLE, "the table does not exist");
    base_status status = txn_lock_exclusive(transaction, &entry->lock, error);
    if (status == BASE_OK) {
        /* Nobody else changes the chain's head now. */
        os_mutex_lock(&database->registry);
        table_relation *newest = entry->newest;
        os_mutex_unlock(&database->registry);
        if (!newest || (newest->dropped &&
                        txn_sees(txn_snapshot_of(transaction), atomic_load(&newest->stamp))))
            status = base_error_set(error, BASE_UNDEFINED_TABLE, "the table does not exist");
        else if (!txn_sees(txn_snapshot_of(transaction), atomic_load(&newest->stamp)))
            status = table_changed(transaction, error);
        else if (reads)
            status = table_storage_need(newest, error);
        if (status == BASE_OK)
            status = table_relation_copy(entry, newest, copy, error);
    }
    table_entry_drop(entry);
    return status;
}

/* The change is made: publish, or drop the copy. */
static base_status end_change(txn_transaction *transaction, table_relation *copy,
                              base_status status, base_error *error)
{
    if (status == BASE_OK)
        status = publish_version(transaction, copy, error);
    if (status != BASE_OK)
        table_relation_destroy(copy);
    return status;
}

/* ---- Relations ------------------------------------------------------------------------------- */

/* Ids are never used again; a fixed one raises the counter. */
static uint64_t take_id(table_database *database, uint64_t wanted)
{
    if (wanted == 0)
        return atomic_fetch_add(&database->next_id, 1);
    uint64_t next = atomic_load(&database->next_id);
    while (next <= wanted && !atomic_compare_exchange_weak(&database->next_id, &next, wanted + 1))
        ;
    return wanted;
}

static base_status check_descriptor(const table_descriptor *descriptor, base_error *error)
{
    if (descriptor->column_count > TABLE_MAX_COLUMNS)
        return base_error_set(error, BASE_LIMIT, "a table has at most %d columns",
                              TABLE_MAX_COLUMNS);
    int32_t rowid = descriptor->rowid_column;
    if (rowid >= 0 && ((uint32_t)rowid >= descriptor->column_count ||
                       types_form_of(descriptor->columns[rowid].type) != TYPES_FORM_INT64))
        return base_error_set(error, BASE_INVALID_DEFINITION,
                              "the rowid column must be of type INTEGER");
    return BASE_OK;
}

static base_status fill_version(table_relation *version, const table_descriptor *descriptor,
                                base_error *error)
{
    table_database *database = version->entry->database;
    table_storage *storage;
    RETURN_IF_ERROR(table_storage_create(database, &storage, error));
    version->storage = storage;
    uint32_t births[TABLE_MAX_COLUMNS];
    for (uint32_t i = 0; i < descriptor->column_count; i++)
        births[i] = atomic_fetch_add(&storage->next_birth, 1);
    version->descriptor.rowid_column = descriptor->rowid_column;
    RETURN_IF_ERROR(table_relation_set_columns(version, descriptor->columns, births,
                                               descriptor->column_count, error));
    return table_relation_make_layout(version, error);
}

base_status table_create(txn_transaction *transaction, const table_descriptor *descriptor,
                         uint64_t *id, base_error *error)
{
    table_database *database = table_database_of(transaction);
    RETURN_IF_ERROR(check_writable(transaction, error));
    RETURN_IF_ERROR(check_descriptor(descriptor, error));
    *id = take_id(database, descriptor->id);
    table_entry *entry = NULL;
    os_mutex_lock(&database->registry);
    base_status status = BASE_OK;
    if (table_entry_find(database, *id))
        status = base_error_set(error, BASE_DUPLICATE_TABLE, "relation %llu exists already",
                                (unsigned long long)*id);
    else
        status = table_entry_create(database, *id, &entry, error);
    if (entry)
        table_entry_keep(entry);
    os_mutex_unlock(&database->registry);
    if (status != BASE_OK)
        return status;
    table_relation *version = NULL;
    status = txn_lock_exclusive(transaction, &entry->lock, error);
    if (status == BASE_OK)
        status = table_relation_copy(entry, NULL, &version, error);
    if (status == BASE_OK)
        status = end_change(transaction, version, fill_version(version, descriptor, error), error);
    if (status != BASE_OK) {
        os_mutex_lock(&database->registry);
        table_entry_unlist(entry);
        os_mutex_unlock(&database->registry);
    } else {
        status = table_log_create(transaction, version, error);
    }
    table_entry_drop(entry);
    return status;
}

base_status table_drop(txn_transaction *transaction, uint64_t id, base_error *error)
{
    table_relation *version;
    RETURN_IF_ERROR(begin_change(transaction, id, false, &version, error));
    version->dropped = true;
    RETURN_IF_ERROR(end_change(transaction, version, BASE_OK, error));
    return table_log_id(transaction, TABLE_REDO_DROP, id, 0, error);
}

/* Indexes like the version's own, with no entries. */
static base_status renew_indexes(table_relation *version, base_error *error)
{
    for (uint32_t i = 0; i < version->index_count; i++) {
        table_index *fresh;
        RETURN_IF_ERROR(table_index_make(version->entry->database, version,
                                         &version->indexes[i]->descriptor, &fresh, error));
        atomic_store(&fresh->filled, true); /* there are no rows */
        table_index_drop_reference(version->indexes[i]);
        version->indexes[i] = fresh;
    }
    return BASE_OK;
}

base_status table_truncate(txn_transaction *transaction, uint64_t id, base_error *error)
{
    table_relation *version;
    table_storage *fresh;
    RETURN_IF_ERROR(begin_change(transaction, id, false, &version, error));
    base_status status = table_storage_create(version->entry->database, &fresh, error);
    if (status == BASE_OK) {
        table_storage *old = version->storage;
        atomic_store(&fresh->next_rowid, atomic_load(&old->next_rowid));
        atomic_store(&fresh->next_birth, atomic_load(&old->next_birth));
        table_relation_set_storage(version, fresh);
        table_storage_drop(fresh); /* the version has its own reference */
        status = renew_indexes(version, error);
    }
    RETURN_IF_ERROR(end_change(transaction, version, status, error));
    return table_log_id(transaction, TABLE_REDO_TRUNCATE, id, 0, error);
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* The copy gets one more column, or one column changed. */
static base_status set_column(table_relation *version, uint32_t place, const table_column *column,
                              uint32_t birth, base_error *error)
{
    base_budget *budget = &version->entry->database->budget;
    uint32_t old_count = version->descriptor.column_count;
    uint32_t count = BASE_MAX(old_count, place + 1);
    table_column *columns = base_allocate_array(budget, count, sizeof *columns);
    uint32_t *births = base_allocate_array(budget, count, sizeof *births);
    base_status status = columns && births ? BASE_OK : base_error_no_memory(error);
    if (status == BASE_OK) {
        memcpy(columns, version->descriptor.columns, old_count * sizeof *columns);
        memcpy(births, version->births, old_count * sizeof *births);
        columns[place] = *column;
        births[place] = birth;
        status = table_relation_replace_columns(version, columns, births, count, error);
    }
    base_free(budget, columns, count * sizeof *columns);
    base_free(budget, births, count * sizeof *births);
    return status;
}

base_status table_add_column(txn_transaction *transaction, uint64_t id, const table_column *column,
                             uint32_t *column_id, base_error *error)
{
    table_relation *version;
    RETURN_IF_ERROR(begin_change(transaction, id, true, &version, error));
    *column_id = version->descriptor.column_count;
    base_status status = BASE_OK;
    if (*column_id == TABLE_MAX_COLUMNS)
        status =
            base_error_set(error, BASE_LIMIT, "a table has at most %d columns", TABLE_MAX_COLUMNS);
    if (status == BASE_OK)
        status = set_column(version, *column_id, column,
                            atomic_fetch_add(&version->storage->next_birth, 1), error);
    if (status == BASE_OK)
        status = table_relation_make_layout(version, error);
    RETURN_IF_ERROR(end_change(transaction, version, status, error));
    return table_log_add_column(transaction, id, column, error);
}

/* The values stay where they are until the rows are rewritten (restart, seal): older
 * snapshots still read them. */
base_status table_drop_column(txn_transaction *transaction, uint64_t id, uint32_t column_id,
                              base_error *error)
{
    table_relation *version;
    RETURN_IF_ERROR(begin_change(transaction, id, true, &version, error));
    base_status status = BASE_OK;
    if (column_id >= version->descriptor.column_count ||
        version->descriptor.columns[column_id].dropped)
        status = base_error_set(error, BASE_UNDEFINED_COLUMN, "the column does not exist");
    for (uint32_t i = 0; status == BASE_OK && i < version->index_count; i++) {
        if (table_index_has_column(version->indexes[i], &column_id, 1))
            status = base_error_set(error, BASE_DEPENDENT_OBJECTS, "an index uses the column");
    }
    if (status == BASE_OK) {
        table_column column = version->descriptor.columns[column_id];
        column.dropped = true;
        status = set_column(version, column_id, &column, version->births[column_id], error);
    }
    RETURN_IF_ERROR(end_change(transaction, version, status, error));
    return table_log_id(transaction, TABLE_REDO_DROP_COLUMN, id, column_id, error);
}

/* ---- Indexes --------------------------------------------------------------------------------- */

/* The exclusive lock is held: nobody else has an open change, so the newest commits and this
 * transaction's rows are all there is. A transaction that stays with an older snapshot needs
 * entries for what that sees too. */
static base_status fill_index(txn_transaction *transaction, table_relation *version,
                              table_index *index, base_error *error)
{
    txn_snapshot newest = *txn_snapshot_of(transaction);
    newest.sequence = txn_last_sequence(txn_manager_of(transaction));
    index->seal_count = atomic_load(&version->storage->seal_count);
    bool is_old = newest.sequence != txn_snapshot_of(transaction)->sequence &&
                  txn_isolation_of(transaction) != TXN_READ_COMMITTED;
    if (table_has_volumes(version->storage) && !version->entry->database->replaying)
        return table_index_build(transaction, version, index, &newest, is_old, error);
    RETURN_IF_ERROR(table_index_fill(index, version, &newest, true, NULL, error));
    if (!is_old)
        return BASE_OK;
    return table_index_fill(index, version, txn_snapshot_of(transaction), false, transaction,
                            error);
}

static base_status attach_runs(txn_transaction *transaction, table_relation *version,
                               table_index *index, const table_index_source *source,
                               base_error *error)
{
    index->seal_count = atomic_load(&version->storage->seal_count);
    atomic_store(&index->incomplete, !source->complete);
    atomic_store(&index->filled, source->filled);
    for (uint32_t i = 0; i < source->run_count; i++)
        RETURN_IF_ERROR(table_run_attach(source->loose ? transaction : NULL, index,
                                         &source->runs[i], source->loose, error));
    return BASE_OK;
}

/* `source` NULL: the index is built. */
static base_status create_index(txn_transaction *transaction,
                                const table_index_descriptor *descriptor,
                                const table_index_source *source, uint64_t *id, base_error *error)
{
    table_database *database = table_database_of(transaction);
    table_relation *version;
    table_index *index = NULL;
    RETURN_IF_ERROR(begin_change(transaction, descriptor->relation_id, true, &version, error));
    table_index_descriptor own = *descriptor;
    own.id = *id = take_id(database, descriptor->id);
    base_status status = BASE_OK;
    if (table_index_by_id(version, own.id))
        status = base_error_set(error, BASE_DUPLICATE_OBJECT, "the index exists already");
    if (status == BASE_OK)
        status = table_index_make(database, version, &own, &index, error);
    if (status == BASE_OK)
        status = source ? attach_runs(transaction, version, index, source, error)
                        : fill_index(transaction, version, index, error);
    if (status == BASE_OK)
        status = table_relation_add_index(version, index, error);
    if (status == BASE_OK)
        status = table_relation_note_keys(version, error);
    if (status == BASE_OK)
        status = table_log_index(transaction, index, error);
    status = end_change(transaction, version, status, error);
    if (index)
        table_index_drop_reference(index); /* the version's remains, and that of undo of runs */
    return status;
}

base_status table_index_create(txn_transaction *transaction,
                               const table_index_descriptor *descriptor, uint64_t *id,
                               base_error *error)
{
    return create_index(transaction, descriptor, NULL, id, error);
}

base_status table_index_attach(txn_transaction *transaction,
                               const table_index_descriptor *descriptor,
                               const table_index_source *source, base_error *error)
{
    uint64_t id;
    return create_index(transaction, descriptor, source, &id, error);
}

/* The relation that has the index, as the snapshot sees it; 0: none. */
static uint64_t relation_of_index(txn_transaction *transaction, uint64_t index_id)
{
    table_database *database = table_database_of(transaction);
    uint64_t found = 0;
    os_mutex_lock(&database->registry);
    for (uint32_t i = 0; i < database->bucket_count && !found; i++) {
        for (table_entry *entry = database->buckets[i]; entry && !found; entry = entry->next) {
            for (table_relation *version = entry->newest; version; version = version->older) {
                if (!txn_sees(txn_snapshot_of(transaction), atomic_load(&version->stamp)))
                    continue;
                if (!version->dropped && table_index_by_id(version, index_id))
                    found = entry->id;
                break;
            }
        }
    }
    os_mutex_unlock(&database->registry);
    return found;
}

static uint32_t place_of_index(const table_relation *version, uint64_t id)
{
    uint32_t place = 0;
    while (place < version->index_count && version->indexes[place]->descriptor.id != id)
        place++;
    return place;
}

static base_status no_index(base_error *error)
{
    return base_error_set(error, BASE_UNDEFINED_OBJECT, "the index does not exist");
}

base_status table_index_drop(txn_transaction *transaction, uint64_t id, base_error *error)
{
    table_relation *version;
    uint64_t relation_id = relation_of_index(transaction, id);
    if (!relation_id)
        return no_index(error);
    RETURN_IF_ERROR(begin_change(transaction, relation_id, false, &version, error));
    uint32_t place = place_of_index(version, id);
    base_status status = BASE_OK;
    if (place == version->index_count) {
        status = no_index(error);
    } else {
        table_relation_remove_index(version, place);
        status = table_relation_note_keys(version, error);
    }
    RETURN_IF_ERROR(end_change(transaction, version, status, error));
    return table_log_id(transaction, TABLE_REDO_INDEX_DROP, id, relation_id, error);
}

/* The index in the place takes over all that the old one had but its entries. */
static base_status replace_at(txn_transaction *transaction, table_relation *version, uint32_t place,
                              const table_index_source *source, base_error *error)
{
    table_index *fresh;
    RETURN_IF_ERROR(table_index_make(table_database_of(transaction), version,
                                     &version->indexes[place]->descriptor, &fresh, error));
    base_status status = source ? attach_runs(transaction, version, fresh, source, error)
                                : fill_index(transaction, version, fresh, error);
    if (status == BASE_OK)
        status = table_log_rebuild(transaction, fresh, error);
    if (status != BASE_OK) {
        table_index_drop_reference(fresh);
        return status;
    }
    table_index_drop_reference(version->indexes[place]);
    version->indexes[place] = fresh;
    return BASE_OK;
}

base_status table_index_replace(txn_transaction *transaction, uint64_t id,
                                const table_index_source *source, base_error *error)
{
    table_relation *version;
    uint64_t relation_id = relation_of_index(transaction, id);
    if (!relation_id)
        return no_index(error);
    RETURN_IF_ERROR(begin_change(transaction, relation_id, true, &version, error));
    uint32_t place = place_of_index(version, id);
    base_status status = place == version->index_count
                             ? no_index(error)
                             : replace_at(transaction, version, place, source, error);
    return end_change(transaction, version, status, error);
}

base_status table_index_rebuild(txn_transaction *transaction, uint64_t id, base_error *error)
{
    return table_index_replace(transaction, id, NULL, error);
}
