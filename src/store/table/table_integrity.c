/*
 * table_integrity.c - the integrity check.
 *
 * Walks every relation: the hot tree's own invariants, then both directions between rows and
 * indexes: each row has its entry in the tree or in a run, each entry of the tree has a version
 * with its key (I12), runs are sound, and no two rows share the key of a unique index. Runs over a
 * quiet database: writers are kept out by the relations' locks.
 */
#include "store/table/table_history_int.h"

typedef struct check {
    table_database *database;
    txn_transaction *transaction;
    void (*report)(void *context, const char *problem);
    void *context;
    uint64_t relation_id;
} check;

static void BASE_PRINTF(2, 3) complain(const check *self, const char *format, ...)
{
    char text[300];
    int start =
        snprintf(text, sizeof text, "relation %llu: ", (unsigned long long)self->relation_id);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text + start, sizeof text - (size_t)start, format, arguments);
    va_end(arguments);
    self->report(self->context, text);
}

static void pass_on(void *context, const char *problem)
{
    complain(context, "%s", problem);
}

typedef struct entry_check {
    table_relation *relation;
    table_index *index;
    base_text key;
    int64_t rowid;
    bool found;
    table_key_space space;
} entry_check;

static bool match_version(void *context, uint64_t stamp, const types_cell *cells, const bool *nulls)
{
    entry_check *entry = context;
    if (!cells)
        return true;
    const base_buffer *key = &entry->space.key;
    entry->found =
        (!(stamp & ROW_DELETED) || stamp & TXN_ID_BIT) &&
        table_key_build(entry->index, cells, nulls, &entry->space.key, NULL) == BASE_OK &&
        key->length == entry->key.length && memcmp(key->data, entry->key.data, key->length) == 0;
    return entry->found;
}

static base_status find_version(entry_check *entry, uint64_t oldest)
{
    const table_visitor visitor = {.cold = match_version, .hot = match_version, .context = entry};
    entry->found = false;
    return table_visit_versions(entry->relation, entry->rowid,
                                BASE_MAX(oldest, entry->index->since), entry->index->key_columns,
                                entry->index->descriptor.part_count, &visitor);
}

static base_status find_entry(const entry_check *entry, bool *found, base_error *error)
{
    const index_kind *kind = index_set_kind(entry->index->entries);
    index_cursor *cursor;
    index_range range = {entry->key, entry->key, true, true};
    *found = false;
    RETURN_IF_ERROR(kind->cursor_create(index_set_tree(entry->index->entries), &cursor, error));
    base_status status = kind->seek(cursor, &range, false, error);
    while (status == BASE_OK && !*found) {
        const index_entry *entries;
        uint32_t count;
        status = kind->next(cursor, 256, &entries, &count, error);
        if (status != BASE_ROW)
            break;
        status = BASE_OK;
        for (uint32_t i = 0; i < count; i++)
            *found |= entries[i].rowid == entry->rowid;
    }
    kind->cursor_destroy(cursor);
    return status == BASE_DONE ? BASE_OK : status;
}

/* An entry without a version: unless its removal was on the way, it is a defect (I12). */
static base_status suspect(check *self, entry_check *entry, base_error *error)
{
    uint64_t oldest;
    bool still_there;
    if (!txn_collect_all_garbage(self->database->manager, &oldest))
        return BASE_OK; /* another thread may be about to remove it */
    RETURN_IF_ERROR(find_entry(entry, &still_there, error));
    if (!still_there)
        return BASE_OK;
    RETURN_IF_ERROR(find_version(entry, oldest));
    if (!entry->found)
        complain(self, "index %llu has an entry for row %lld that no version has",
                 (unsigned long long)entry->index->descriptor.id, (long long)entry->rowid);
    return BASE_OK;
}

/* Every entry stands for some version of its row that a snapshot may see. */
static base_status check_entries(check *self, table_relation *relation, table_index *index,
                                 uint64_t *entry_count, base_error *error)
{
    index_cursor *cursor;
    index_range all = {0};
    entry_check entry = {.relation = relation, .index = index};
    uint64_t oldest;
    if (!txn_collect_all_garbage(self->database->manager, &oldest))
        oldest = 0;
    const index_kind *kind = index_set_kind(index->entries);
    table_key_space_init(&entry.space);
    RETURN_IF_ERROR(kind->cursor_create(index_set_tree(index->entries), &cursor, error));
    base_status status = kind->seek(cursor, &all, false, error);
    while (status == BASE_OK) {
        const index_entry *entries;
        uint32_t count;
        status = kind->next(cursor, 256, &entries, &count, error);
        if (status != BASE_ROW)
            break;
        status = BASE_OK;
        *entry_count += count;
        for (uint32_t i = 0; i < count && status == BASE_OK; i++) {
            entry.key = entries[i].key;
            entry.rowid = entries[i].rowid;
            status = find_version(&entry, oldest);
            if (status == BASE_OK && !entry.found)
                status = suspect(self, &entry, error);
        }
    }
    kind->cursor_destroy(cursor);
    return status == BASE_DONE ? BASE_OK : status;
}

/* Every row has its entry, and a unique key one row: the index read through a cursor gives
 * each visible row once, in order. */
static base_status check_rows(check *self, table_relation *relation, table_index *index,
                              uint64_t row_count, base_error *error)
{
    uint32_t rowid_column = TABLE_ROWID;
    types_type type = TYPES_OF(INTEGER);
    vector_chunk chunk;
    table_index_cursor *cursor;
    table_key_range all = {0};
    RETURN_IF_ERROR(vector_chunk_init(&chunk, &self->database->budget, &type, 1, error));
    base_status status = table_index_cursor_create(self->transaction, relation, index, &all, false,
                                                   &rowid_column, 1, &cursor, error);
    uint64_t found = 0;
    if (status == BASE_OK) {
        while ((status = table_index_cursor_next(cursor, VECTOR_SIZE, &chunk, error)) == BASE_ROW)
            found += chunk.count;
        table_index_cursor_destroy(cursor);
    }
    vector_chunk_destroy(&chunk);
    if (status == BASE_DONE && found != row_count)
        complain(self, "index %llu leads to %llu rows, the table has %llu",
                 (unsigned long long)index->descriptor.id, (unsigned long long)found,
                 (unsigned long long)row_count);
    return status == BASE_DONE ? BASE_OK : status;
}

/* Counts the rows that a scan meets. Each comes once: of copies in several places a snapshot
 * sees one (I15, I19). */
static void count_chunk(check *self, const vector_chunk *chunk, int64_t *last, uint64_t *count)
{
    for (uint32_t i = 0; i < chunk->count; i++) {
        types_cell rowid;
        (void)vector_load(&chunk->columns[0], vector_row(chunk->selection, i), &rowid);
        if (*count > 0 && rowid.int64 <= *last)
            complain(self, "row %lld comes twice or out of order", (long long)rowid.int64);
        *last = rowid.int64;
        ++*count;
    }
}

static base_status count_rows(check *self, table_relation *relation, uint64_t *count,
                              base_error *error)
{
    vector_chunk chunk;
    table_scan *scan;
    table_reader *reader = NULL;
    uint32_t column = TABLE_ROWID;
    types_type type = TYPES_OF(INTEGER);
    int64_t last = 0;
    table_scan_options all = {
        .columns = &column, .column_count = 1, .first_rowid = INT64_MIN, .last_rowid = INT64_MAX};
    *count = 0;
    RETURN_IF_ERROR(vector_chunk_init(&chunk, &self->database->budget, &type, 1, error));
    base_status status =
        table_scan_create_at(relation, txn_snapshot_of(self->transaction), &all, &scan, error);
    if (status != BASE_OK) {
        vector_chunk_destroy(&chunk);
        return status;
    }
    status = table_reader_create(scan, &reader, error);
    for (uint32_t unit = 0; status == BASE_OK && unit < table_scan_unit_count(scan); unit++) {
        status = table_reader_open_unit(reader, unit, error);
        while (status == BASE_OK &&
               (status = table_reader_next(reader, &chunk, error)) == BASE_ROW) {
            count_chunk(self, &chunk, &last, count);
            status = BASE_OK;
        }
        if (status == BASE_DONE)
            status = BASE_OK;
    }
    table_reader_destroy(reader);
    table_scan_destroy(scan);
    vector_chunk_destroy(&chunk);
    return status;
}

/* Volumes that somebody may read, and what is known of their marks. */
static base_status check_volumes(check *self, table_storage *storage, base_error *error)
{
    const table_volumes *list = table_volumes_of(storage);
    for (uint32_t i = 0; list && i < list->count; i++) {
        table_volume *volume = list->volumes[i];
        if (atomic_load(&volume->since) == TABLE_NEVER)
            continue;
        if (table_mark_count(volume) != atomic_load(&volume->mark_count))
            complain(self, "volume %u counts its marks wrongly", volume->number);
        if (atomic_load(&volume->until) <= atomic_load(&volume->since))
            complain(self, "volume %u ends before it begins", volume->number);
        RETURN_IF_ERROR(col_volume_check(volume->data, pass_on, self, error));
    }
    return table_history_check_volumes(storage, pass_on, self, error);
}

/* Rowids of a run were given out once, whatever became of the rows. */
static base_status check_run_rowids(check *self, const table_storage *storage,
                                    const table_index *index, index_run *run, base_error *error)
{
    index_run_cursor *cursor;
    index_run_range all = {0};
    const index_entry *entries;
    uint32_t count;
    uint64_t impossible = 0;
    RETURN_IF_ERROR(index_run_cursor_create(run, &cursor, error));
    base_status status = index_run_cursor_seek(cursor, &all, false, error);
    while (status == BASE_OK &&
           (status = index_run_cursor_next(cursor, 256, &entries, &count, error)) == BASE_ROW) {
        int64_t next = atomic_load(&storage->next_rowid);
        for (uint32_t i = 0; i < count; i++)
            impossible += entries[i].rowid >= next && entries[i].rowid != INT64_MAX;
        status = BASE_OK;
    }
    index_run_cursor_destroy(cursor);
    if (impossible)
        complain(self, "a run of index %llu has entries of %llu rows that were never there",
                 (unsigned long long)index->descriptor.id, (unsigned long long)impossible);
    return status == BASE_DONE ? BASE_OK : status;
}

static base_status check_runs(check *self, const table_storage *storage, table_index *index,
                              base_error *error)
{
    base_status status = BASE_OK;
    index_set_list *runs = index_set_hold(index->entries);
    for (uint32_t i = 0; status == BASE_OK && i < index_set_run_count(runs); i++) {
        index_run *run = index_set_run_at(runs, i);
        status = index_run_check(run, pass_on, self, error);
        if (status == BASE_OK)
            status = check_run_rowids(self, storage, index, run, error);
    }
    index_set_let_go(runs);
    return status;
}

static base_status check_relation(check *self, table_relation *relation, base_error *error)
{
    uint64_t row_count;
    self->relation_id = relation->entry->id;
    row_tree_check(relation->storage->hot, pass_on, self);
    RETURN_IF_ERROR(check_volumes(self, relation->storage, error));
    RETURN_IF_ERROR(count_rows(self, relation, &row_count, error));
    for (uint32_t i = 0; i < relation->index_count; i++) {
        table_index *index = relation->indexes[i];
        uint64_t entries = 0;
        RETURN_IF_ERROR(table_index_need(index, relation, error));
        const index_kind *kind = index_set_kind(index->entries);
        index_tree *tree = index_set_tree(index->entries);
        kind->check(tree, pass_on, self);
        uint64_t count = kind->count(tree);
        RETURN_IF_ERROR(check_entries(self, relation, index, &entries, error));
        /* Old entries may go meanwhile; new ones cannot come. */
        if (entries != count && count == kind->count(tree))
            complain(self, "index %llu counts its entries wrongly",
                     (unsigned long long)index->descriptor.id);
        RETURN_IF_ERROR(check_runs(self, relation->storage, index, error));
        RETURN_IF_ERROR(check_rows(self, relation, index, row_count, error));
    }
    return BASE_OK;
}

/* Ids of all relations, so that the registry need not be held while they are checked. */
base_status table_list_ids(table_database *database, uint64_t **ids, uint32_t *count,
                           uint32_t *capacity, base_error *error)
{
    base_status status = BASE_OK;
    *ids = NULL;
    *count = *capacity = 0;
    os_mutex_lock(&database->registry);
    if (!base_grow_array(&database->budget, ids, capacity, database->entry_count, sizeof **ids))
        status = base_error_no_memory(error);
    for (uint32_t i = 0; status == BASE_OK && i < database->bucket_count; i++) {
        for (const table_entry *entry = database->buckets[i]; entry; entry = entry->next)
            (*ids)[(*count)++] = entry->id;
    }
    os_mutex_unlock(&database->registry);
    return status;
}

static base_status check_extent(void *context, const cache_reference *reference, base_error *error)
{
    return cache_check_reference(context, reference, true, error);
}

/* The file: every extent is reached once or free, and reads back as it was written. */
static base_status check_file(table_database *database, check *self, base_error *error)
{
    cache_check *space;
    RETURN_IF_ERROR(cache_check_start(database->file, self->report, self->context, &space, error));
    const cache_reference *root = &cache_get_root(database->file)->root;
    base_status status = BASE_OK;
    if (!cache_reference_is_null(root))
        status = cache_check_reference(space, root, true, error);
    bool complete = true;
    for (uint32_t i = 0; status == BASE_OK && i < database->reached.count; i++) {
        status = table_visit_extents(database, &database->reached.references[i], check_extent,
                                     space, error);
        if (!table_is_damage(status))
            continue;
        self->report(self->context, error ? error->message : "an extent cannot be read");
        base_error_clear(error);
        status = BASE_OK;
        complete = false;
    }
    /* What a part lists that cannot be read is not without an owner. */
    if (complete && status == BASE_OK)
        return cache_check_finish(space, error);
    cache_check_drop(space);
    return status;
}

/* The relation's part of the check. */
static base_status check_one(check *self, uint64_t id, base_error *error)
{
    table_relation *relation;
    base_status status = table_acquire(self->transaction, id, &relation, error);
    self->relation_id = id;
    if (status == BASE_UNDEFINED_TABLE) { /* made or dropped by an open transaction */
        base_error_clear(error);
        return BASE_OK;
    }
    if (status == BASE_OK) {
        status = txn_lock_exclusive(self->transaction, &relation->entry->lock, error);
        table_statement_start(self->transaction); /* sees whom the lock made it wait for */
        if (status == BASE_OK)
            status = check_relation(self, relation, error);
        table_release(relation);
    }
    if (!table_is_damage(status))
        return status;
    complain(self, "%s", error ? error->message : "cannot be read");
    base_error_clear(error);
    return BASE_OK;
}

base_status table_check_integrity(table_database *database,
                                  void (*report)(void *context, const char *problem), void *context,
                                  base_error *error)
{
    check self = {.database = database, .report = report, .context = context};
    uint64_t *ids;
    uint32_t count, capacity;
    RETURN_IF_ERROR(table_begin(database, TXN_READ_COMMITTED, false, &self.transaction, error));
    base_status status = table_list_ids(database, &ids, &count, &capacity, error);
    for (uint32_t i = 0; status == BASE_OK && i < count; i++)
        status = check_one(&self, ids[i], error);
    base_free_array(&database->budget, ids, capacity, sizeof *ids);
    table_rollback(self.transaction);
    if (status == BASE_OK && !database->in_memory) {
        os_mutex_lock(&database->checkpoint_mutex);
        status = check_file(database, &self, error);
        os_mutex_unlock(&database->checkpoint_mutex);
    }
    return status;
}
