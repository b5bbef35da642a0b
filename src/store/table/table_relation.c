/*
 * table_relation.c - relations by id, their versions, and who sees which.
 *
 * A definition is versioned as rows are: each change makes a new immutable version with the
 * stamp of its transaction, chained to the one before. A reader gets the version that its
 * snapshot sees and keeps it by a reference; nobody waits for readers. Handles live long in
 * cached plans, so every use asks whether the handle is still the one to use (table_resolve,
 * two loads) and finds the right version where it is not. Rejected: one mutable descriptor
 * under a lock (readers would wait for ALTER, and a snapshot would see a schema of its future).
 *
 * A version goes when nobody has it pinned and no snapshot can ask for it. It is handed to
 * the garbage queue then, not freed: undo records that wait there name its rows and indexes.
 *
 * Invariant I11: a version, its storage and its indexes outlive every undo record that names
 * them: locks are let go only after a transaction's undo is released or queued, and disposal
 * comes in turn.
 */
#include "store/table/table_history_int.h"

/* ---- Storage --------------------------------------------------------------------------- */

base_status table_storage_create(table_database *database, table_storage **storage,
                                 base_error *error)
{
    table_storage *self = base_allocate_zeroed(&database->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->database = database;
    atomic_init(&self->references, 1);
    atomic_init(&self->next_rowid, 1);
    atomic_init(&self->next_birth, 1);
    base_status status = row_tree_create(&database->budget, database->manager, &self->hot, error);
    if (status != BASE_OK) {
        base_free(&database->budget, self, sizeof *self);
        return status;
    }
    table_history_init(self);
    table_history_watch(self, self->hot);
    os_mutex_init(&self->sample_mutex);
    os_mutex_init(&self->volume_mutex);
    os_mutex_init(&self->moving_mutex);
    os_latch_init(&self->visitor_latch);
    *storage = self;
    return BASE_OK;
}

void table_storage_drop(table_storage *storage)
{
    if (!storage || atomic_fetch_sub_explicit(&storage->references, 1, memory_order_acq_rel) != 1)
        return;
    base_budget *budget = &storage->database->budget;
    table_unread_free(storage->database, atomic_load(&storage->unread));
    row_tree_destroy(storage->hot);
    table_volumes_destroy(storage);
    table_history_destroy(storage);
    os_mutex_destroy(&storage->volume_mutex);
    os_mutex_destroy(&storage->moving_mutex);
    table_saved_free(storage->database, &storage->saved);
    os_mutex_destroy(&storage->sample_mutex);
    base_free(budget, storage->samples, storage->sample_count * sizeof *storage->samples);
    base_free(budget, storage, sizeof *storage);
}

/* ---- Entries ----------------------------------------------------------------------------- */

static table_entry *entry_of(txn_lock *lock)
{
    return (table_entry *)(void *)lock;
}
_Static_assert(offsetof(table_entry, lock) == 0, "entry_of");

static void keep_locked(txn_lock *lock)
{
    table_entry_keep(entry_of(lock));
}

static void drop_locked(txn_lock *lock)
{
    table_entry_drop(entry_of(lock));
}

void table_entry_keep(table_entry *entry)
{
    atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed);
}

void table_entry_drop(table_entry *entry)
{
    if (atomic_fetch_sub_explicit(&entry->references, 1, memory_order_acq_rel) == 1)
        base_free(&entry->database->budget, entry, sizeof *entry);
}

static table_entry **bucket_of(table_database *database, uint64_t id)
{
    return &database->buckets[base_hash_u64(id) & (database->bucket_count - 1)];
}

table_entry *table_entry_find(table_database *database, uint64_t id)
{
    if (!database->bucket_count)
        return NULL;
    table_entry *entry = *bucket_of(database, id);
    while (entry && entry->id != id)
        entry = entry->next;
    return entry;
}

static bool grow_buckets(table_database *database)
{
    uint32_t old_count = database->bucket_count, count = old_count ? old_count * 2 : 16;
    table_entry **old = database->buckets;
    table_entry **buckets =
        base_allocate_zeroed(&database->budget, count * sizeof *database->buckets);
    if (!buckets)
        return false;
    database->buckets = buckets;
    database->bucket_count = count;
    for (uint32_t i = 0; i < old_count; i++) {
        while (old[i]) {
            table_entry *entry = old[i];
            old[i] = entry->next;
            table_entry **bucket = bucket_of(database, entry->id);
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    base_free(&database->budget, old, old_count * sizeof *old);
    return true;
}

/* Listed, with one reference of the registry's. The registry is held. */
base_status table_entry_create(table_database *database, uint64_t id, table_entry **entry,
                               base_error *error)
{
    if (database->entry_count >= database->bucket_count && !grow_buckets(database))
        return base_error_no_memory(error);
    table_entry *self = base_allocate_zeroed(&database->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    txn_lock_init(&self->lock, keep_locked, drop_locked);
    self->id = id;
    self->database = database;
    atomic_init(&self->references, 1);
    self->listed = true;
    table_entry **bucket = bucket_of(database, id);
    self->next = *bucket;
    *bucket = self;
    database->entry_count++;
    *entry = self;
    return BASE_OK;
}

void table_entry_unlist(table_entry *entry)
{
    if (!entry->listed)
        return;
    table_entry **link = bucket_of(entry->database, entry->id);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    entry->listed = false;
    entry->database->entry_count--;
    table_entry_drop(entry);
}

/* ---- Versions ------------------------------------------------------------------------------- */

static bool own_text(base_budget *budget, types_value *value)
{
    if (value->is_null || types_form_of(value->type) != TYPES_FORM_STRING ||
        value->cell.string.length <= TYPES_STRING_INLINE)
        return true;
    char *copy = base_allocate(budget, value->cell.string.length);
    if (!copy)
        return false;
    memcpy(copy, value->cell.string.far.pointer, value->cell.string.length);
    value->cell.string.far.pointer = copy;
    return true;
}

static void free_text(base_budget *budget, const types_value *value)
{
    if (!value->is_null && types_form_of(value->type) == TYPES_FORM_STRING &&
        value->cell.string.length > TYPES_STRING_INLINE)
        base_free(budget, (void *)(uintptr_t)value->cell.string.far.pointer,
                  value->cell.string.length);
}

base_status table_relation_set_columns(table_relation *relation, const table_column *columns,
                                       const uint32_t *births, uint32_t count, base_error *error)
{
    base_budget *budget = &relation->entry->database->budget;
    table_column *own = base_allocate_array(budget, count, sizeof *own);
    uint32_t *own_births = base_allocate_array(budget, count, sizeof *own_births);
    uint32_t done = 0;
    while (own && own_births && done < count) {
        own[done] = columns[done];
        own_births[done] = births[done];
        if (!own_text(budget, &own[done].missing))
            break;
        done++;
    }
    if (!own || !own_births || done < count) {
        while (own && done-- > 0)
            free_text(budget, &own[done].missing);
        base_free(budget, own, count * sizeof *own);
        base_free(budget, own_births, count * sizeof *own_births);
        return base_error_no_memory(error);
    }
    relation->descriptor.columns = own;
    relation->descriptor.column_count = count;
    relation->births = own_births;
    return BASE_OK;
}

static void free_columns(base_budget *budget, const table_column *columns, uint32_t *births,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        free_text(budget, &columns[i].missing);
    base_free(budget, (void *)(uintptr_t)columns, count * sizeof *columns);
    base_free(budget, births, count * sizeof *births);
}

base_status table_relation_replace_columns(table_relation *relation, const table_column *columns,
                                           const uint32_t *births, uint32_t count,
                                           base_error *error)
{
    const table_column *old_columns = relation->descriptor.columns;
    uint32_t *old_births = relation->births, old_count = relation->descriptor.column_count;
    RETURN_IF_ERROR(table_relation_set_columns(relation, columns, births, count, error));
    free_columns(&relation->entry->database->budget, old_columns, old_births, old_count);
    return BASE_OK;
}

base_status table_relation_make_layout(table_relation *relation, base_error *error)
{
    base_budget *budget = &relation->entry->database->budget;
    uint32_t count = relation->descriptor.column_count;
    row_column *columns = base_allocate_array(budget, count, sizeof *columns);
    if (!columns)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        const table_column *column = &relation->descriptor.columns[i];
        columns[i] = (row_column){.form = types_form_of(column->type),
                                  .is_rowid = relation->descriptor.rowid_column == (int32_t)i,
                                  .birth = relation->births[i],
                                  .missing_is_null = column->missing.is_null,
                                  .missing = column->missing.cell};
    }
    row_layout *layout;
    base_status status = row_layout_create(budget, columns, count, &layout, error);
    base_free(budget, columns, count * sizeof *columns);
    if (status == BASE_OK) {
        row_layout_drop(relation->layout);
        relation->layout = layout;
    }
    return status;
}

void table_relation_set_storage(table_relation *relation, table_storage *storage)
{
    table_storage *before = relation->storage;
    if (storage)
        atomic_fetch_add_explicit(&storage->references, 1, memory_order_relaxed);
    relation->storage = storage;
    table_storage_drop(before);
}

base_status table_relation_add_index(table_relation *relation, table_index *index,
                                     base_error *error)
{
    if (!base_grow_array(&relation->entry->database->budget, &relation->indexes,
                         &relation->index_capacity, relation->index_count + 1,
                         sizeof *relation->indexes))
        return base_error_no_memory(error);
    relation->indexes[relation->index_count++] = index;
    atomic_fetch_add_explicit(&index->references, 1, memory_order_relaxed);
    return BASE_OK;
}

void table_relation_remove_index(table_relation *relation, uint32_t place)
{
    table_index_drop_reference(relation->indexes[place]);
    relation->index_count--;
    memmove(&relation->indexes[place], &relation->indexes[place + 1],
            (relation->index_count - place) * sizeof *relation->indexes);
}

base_status table_relation_note_keys(table_relation *relation, base_error *error)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < relation->index_count; i++)
        total += relation->indexes[i]->descriptor.part_count;
    base_budget *budget = &relation->entry->database->budget;
    base_free_array(budget, relation->key_columns, relation->key_column_capacity,
                    sizeof *relation->key_columns);
    relation->key_columns = NULL;
    relation->key_column_count = relation->key_column_capacity = 0;
    if (!base_grow_array(budget, &relation->key_columns, &relation->key_column_capacity, total,
                         sizeof *relation->key_columns))
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < relation->index_count; i++) {
        const table_index *index = relation->indexes[i];
        for (uint32_t k = 0; k < index->descriptor.part_count; k++) {
            uint32_t column = index->key_columns[k], place = 0;
            while (place < relation->key_column_count && relation->key_columns[place] != column)
                place++;
            if (place == relation->key_column_count &&
                (int32_t)column != relation->descriptor.rowid_column)
                relation->key_columns[relation->key_column_count++] = column;
        }
    }
    return BASE_OK;
}

base_status table_relation_copy(table_entry *entry, const table_relation *source,
                                table_relation **copy, base_error *error)
{
    base_budget *budget = &entry->database->budget;
    table_relation *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    atomic_init(&self->references, 1);
    table_entry_keep(entry);
    self->entry = entry;
    self->hook = (row_hook){table_forget_row, self};
    self->descriptor.id = entry->id;
    self->descriptor.rowid_column = -1;
    base_status status = BASE_OK;
    if (source) {
        self->descriptor.rowid_column = source->descriptor.rowid_column;
        status = table_relation_set_columns(self, source->descriptor.columns, source->births,
                                            source->descriptor.column_count, error);
        for (uint32_t i = 0; status == BASE_OK && i < source->index_count; i++)
            status = table_relation_add_index(self, source->indexes[i], error);
        table_relation_set_storage(self, source->storage);
        self->layout = source->layout;
        row_layout_keep(self->layout);
        if (status == BASE_OK)
            status = table_relation_note_keys(self, error);
    }
    if (status != BASE_OK) {
        table_relation_destroy(self);
        return status;
    }
    *copy = self;
    return BASE_OK;
}

void table_relation_destroy(table_relation *relation)
{
    table_entry *entry = relation->entry;
    base_budget *budget = &entry->database->budget;
    for (uint32_t i = 0; i < relation->index_count; i++)
        table_index_drop_reference(relation->indexes[i]);
    base_free_array(budget, relation->indexes, relation->index_capacity, sizeof *relation->indexes);
    base_free_array(budget, relation->key_columns, relation->key_column_capacity,
                    sizeof *relation->key_columns);
    free_columns(budget, relation->descriptor.columns, relation->births,
                 relation->descriptor.column_count);
    row_layout_drop(relation->layout);
    table_storage_drop(relation->storage);
    base_free(budget, relation, sizeof *relation);
    table_entry_drop(entry);
}

static void dispose_relation(txn_garbage *garbage, txn_manager *manager, uint64_t oldest)
{
    (void)manager;
    (void)oldest;
    table_relation_destroy((table_relation *)(void *)garbage);
}
_Static_assert(offsetof(table_relation, garbage) == 0, "dispose_relation");

void table_release(table_relation *relation)
{
    if (relation && atomic_fetch_sub_explicit(&relation->references, 1, memory_order_acq_rel) == 1)
        txn_retire(relation->entry->database->manager, &relation->garbage, dispose_relation);
}

/* ---- Which version --------------------------------------------------------------------------- */

/* The registry is held. NULL: the snapshot sees none. */
static table_relation *visible_version(const table_entry *entry, const txn_snapshot *snapshot)
{
    table_relation *version = entry ? entry->newest : NULL;
    while (version && !txn_sees(snapshot, atomic_load(&version->stamp)))
        version = version->older;
    return version && !version->dropped ? version : NULL;
}

static base_status undefined(base_error *error)
{
    return base_error_set(error, BASE_UNDEFINED_TABLE, "the table does not exist any more");
}

base_status table_pin(txn_transaction *transaction, uint64_t id, table_relation **relation,
                      base_error *error)
{
    table_database *database = table_database_of(transaction);
    os_mutex_lock(&database->registry);
    table_relation *version =
        visible_version(table_entry_find(database, id), txn_snapshot_of(transaction));
    if (version)
        atomic_fetch_add_explicit(&version->references, 1, memory_order_relaxed);
    os_mutex_unlock(&database->registry);
    if (!version)
        return undefined(error);
    *relation = version;
    return BASE_OK;
}

base_status table_acquire(txn_transaction *transaction, uint64_t id, table_relation **relation,
                          base_error *error)
{
    table_relation *pinned;
    RETURN_IF_ERROR(table_pin(transaction, id, &pinned, error));
    base_status status = table_storage_need(pinned, error);
    if (status != BASE_OK) {
        table_release(pinned);
        return status;
    }
    *relation = pinned;
    return BASE_OK;
}

/* The answer stays without a pin: a version that a snapshot sees is in the chain for as long
 * as the snapshot is active. */
base_status table_resolve_slow(txn_transaction *transaction, table_relation *relation,
                               table_relation **resolved, base_error *error)
{
    table_database *database = table_database_of(transaction);
    os_mutex_lock(&database->registry);
    table_relation *version = visible_version(relation->entry, txn_snapshot_of(transaction));
    os_mutex_unlock(&database->registry);
    if (!version)
        return undefined(error);
    *resolved = version;
    return table_storage_need(version, error);
}

base_status table_row_changed(txn_transaction *transaction, base_error *error)
{
    if (txn_isolation_of(transaction) == TXN_READ_COMMITTED)
        return txn_restart(transaction);
    return base_error_set(error, BASE_SERIALIZATION,
                          "a concurrent transaction changed the same row");
}

base_status table_changed(txn_transaction *transaction, base_error *error)
{
    if (txn_isolation_of(transaction) == TXN_READ_COMMITTED)
        return txn_restart(transaction);
    return base_error_set(error, BASE_SERIALIZATION,
                          "a concurrent transaction changed the table's definition");
}

/* Rows and entries must be there before more come. */
static base_status need_all(table_relation *relation, base_error *error)
{
    RETURN_IF_ERROR(table_storage_need(relation, error));
    for (uint32_t i = 0; i < relation->index_count; i++)
        RETURN_IF_ERROR(table_index_need(relation->indexes[i], relation, error));
    return BASE_OK;
}

base_status table_enter_write(txn_transaction *transaction, table_relation *relation,
                              table_relation **current, base_error *error)
{
    table_database *database = table_database_of(transaction);
    if (BASE_UNLIKELY(txn_is_read_only(transaction) || database->read_only))
        return base_error_set(error, BASE_READ_ONLY,
                              database->read_only ? "the database is open for reading only"
                                                  : "the transaction is read-only");
    RETURN_IF_ERROR(txn_lock_shared(transaction, &relation->entry->lock, error));
    uint64_t stamp = atomic_load_explicit(&relation->stamp, memory_order_acquire);
    if (BASE_LIKELY(!atomic_load_explicit(&relation->superseded, memory_order_acquire) &&
                    txn_sees(txn_snapshot_of(transaction), stamp))) {
        *current = relation;
        return need_all(relation, error);
    }
    /* Under the lock nobody else changes the definition: the newest version is the one to
     * write through, if the snapshot knows it. */
    os_mutex_lock(&database->registry);
    table_relation *newest = relation->entry->newest;
    bool seen = newest && txn_sees(txn_snapshot_of(transaction), atomic_load(&newest->stamp));
    os_mutex_unlock(&database->registry);
    if (!newest || (seen && newest->dropped))
        return undefined(error);
    if (!seen || newest->descriptor.column_count != relation->descriptor.column_count)
        return table_changed(transaction, error);
    *current = newest;
    return need_all(newest, error);
}

/* ---- Looking at a handle --------------------------------------------------------------------- */

const table_descriptor *table_describe(const table_relation *relation)
{
    return &relation->descriptor;
}

uint32_t table_index_count(const table_relation *relation)
{
    return relation->index_count;
}

table_index *table_index_at(const table_relation *relation, uint32_t place)
{
    return place < relation->index_count ? relation->indexes[place] : NULL;
}

table_index *table_index_by_id(const table_relation *relation, uint64_t id)
{
    for (uint32_t i = 0; i < relation->index_count; i++) {
        if (relation->indexes[i]->descriptor.id == id)
            return relation->indexes[i];
    }
    return NULL;
}

const table_index_descriptor *table_index_describe(const table_index *index)
{
    return &index->descriptor;
}

uint64_t table_row_count(const table_relation *relation)
{
    table_storage_try(relation);
    return row_tree_count(relation->storage->hot) + table_cold_count(relation->storage);
}

void table_list_parts(const table_relation *relation,
                      void (*report)(void *context, const table_part_info *info), void *context)
{
    table_storage_try(relation);
    table_storage *storage = relation->storage;
    table_part_info hot = {.tier = "hot",
                           .row_count = row_tree_count(storage->hot),
                           .byte_count = row_tree_byte_count(storage->hot),
                           .dead_count = row_tree_dead_count(storage->hot)};
    report(context, &hot);
    const table_volumes *list = table_volumes_of(storage);
    for (uint32_t run = 0, i = 0; list && i < list->count; i++) {
        const table_volume *volume = list->volumes[i];
        run += i == list->run_ends[run];
        if (atomic_load(&volume->since) == TABLE_NEVER)
            continue;
        bool is_past = atomic_load(&volume->until) != TABLE_NEVER;
        table_part_info cold = {.tier = is_past ? "past" : "cold",
                                .run = run,
                                .part_id = volume->number,
                                .row_count = volume->info.row_count,
                                .byte_count = volume->info.byte_count,
                                .dead_count = atomic_load(&volume->mark_count)};
        report(context, &cold);
    }
    table_history_list_parts(storage, report, context);
}
