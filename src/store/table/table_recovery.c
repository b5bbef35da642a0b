/*
 * table_recovery.c - from file and log back to tables in memory.
 *
 * The root extent lists relations, indexes and the extents that hold their rows; definitions are
 * brought back as one transaction with the checkpoint's sequence, and of the rows it is noted
 * where they are (table_load.c reads them). Then each unit of the log
 * is run again as a transaction of its own with its old sequence, through the same functions
 * that wrote it, so indexes and undo come out as they were. Nobody else is there yet, so
 * nothing waits.
 *
 * Bytes are checksummed below; here they are still not believed: what does not parse, or does
 * not fit the relations, is BASE_CORRUPT.
 */
#include "store/table/table_bytes_int.h"
#include "store/table/table_history_int.h"

/* A relation that redo writes to, kept between records. */
typedef struct replayer {
    table_database *database;
    txn_transaction *transaction;
    table_relation *relation; /* the last one written to; may be NULL */
    base_arena arena;
    types_cell *cells;
    bool *nulls;
    uint32_t cell_capacity, null_capacity;
    uint32_t version; /* of the root */
} replayer;

static void forget_relation(replayer *self)
{
    table_release(self->relation);
    self->relation = NULL;
}

static base_status use_relation(replayer *self, uint64_t id, base_error *error)
{
    if (!self->relation || self->relation->entry->id != id ||
        atomic_load(&self->relation->superseded)) {
        forget_relation(self);
        if (table_acquire(self->transaction, id, &self->relation, NULL) != BASE_OK) {
            self->relation = NULL;
            return table_corrupt("a change of an unknown table", error);
        }
    }
    uint32_t count = self->relation->descriptor.column_count;
    if (!base_grow_array(&self->database->budget, &self->cells, &self->cell_capacity, count,
                         sizeof *self->cells) ||
        !base_grow_array(&self->database->budget, &self->nulls, &self->null_capacity, count,
                         sizeof *self->nulls))
        return base_error_no_memory(error);
    return BASE_OK;
}

/* A change that the tables refuse cannot have been logged. */
static base_status refused(base_status status, base_error *error)
{
    switch (status) {
    case BASE_OK:
    case BASE_OUT_OF_MEMORY:
        return status;
    default:
        if (error)
            base_error_clear(error);
        return table_corrupt("a change that does not fit its table", error);
    }
}

static base_status insert_rows(replayer *self, table_bytes *bytes, uint32_t packed_count,
                               uint32_t row_count, base_error *error)
{
    for (uint32_t i = 0; i < row_count; i++) {
        int64_t rowid;
        if (!table_unpack_row(bytes, self->relation, packed_count, &rowid, self->cells,
                              self->nulls))
            return table_corrupt("a row", error);
        RETURN_IF_ERROR(refused(table_insert_row(self->transaction, self->relation, self->cells,
                                                 self->nulls, &rowid, false, NULL, error),
                                error));
    }
    return BASE_OK;
}

/* ---- Units of the log ------------------------------------------------------------------------ */

static base_status redo_insert(replayer *self, table_bytes *bytes, base_error *error)
{
    uint64_t id;
    uint32_t columns, rows;
    if (!table_unpack_u64(bytes, &id) || !table_unpack_u32(bytes, &columns) ||
        !table_unpack_u32(bytes, &rows))
        return table_corrupt("an insertion", error);
    RETURN_IF_ERROR(use_relation(self, id, error));
    return insert_rows(self, bytes, columns, rows, error);
}

static base_status redo_update(replayer *self, table_bytes *bytes, base_error *error)
{
    uint64_t id, rowid;
    uint32_t count;
    if (!table_unpack_u64(bytes, &id) || !table_unpack_u64(bytes, &rowid) ||
        !table_unpack_u32(bytes, &count))
        return table_corrupt("an update", error);
    RETURN_IF_ERROR(use_relation(self, id, error));
    const table_descriptor *descriptor = &self->relation->descriptor;
    if (count > descriptor->column_count)
        return table_corrupt("an update", error);
    uint32_t *columns = base_arena_allocate(&self->arena, (count + 1) * sizeof *columns);
    if (!columns)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        if (!table_unpack_u32(bytes, &columns[i]))
            return table_corrupt("an update", error);
        self->nulls[i] = columns[i] >> 31;
        columns[i] &= INT32_MAX;
        if (columns[i] >= descriptor->column_count)
            return table_corrupt("an update", error);
    }
    for (uint32_t i = 0; i < count; i++) {
        types_form form = types_form_of(descriptor->columns[columns[i]].type);
        if (!self->nulls[i] && !table_unpack_value(bytes, form, &self->cells[i]))
            return table_corrupt("an update", error);
    }
    return refused(table_update_row(self->transaction, self->relation, (int64_t)rowid, columns,
                                    count, self->cells, self->nulls, NULL, error),
                   error);
}

static base_status redo_by_id(replayer *self, table_redo type, table_bytes *bytes,
                              base_error *error)
{
    uint64_t id, argument;
    if (!table_unpack_u64(bytes, &id) || !table_unpack_u64(bytes, &argument))
        return table_corrupt("a record", error);
    switch (type) {
    case TABLE_REDO_DELETE:
        RETURN_IF_ERROR(use_relation(self, id, error));
        return refused(
            table_delete_row(self->transaction, self->relation, (int64_t)argument, error), error);
    case TABLE_REDO_DROP:
        return refused(table_drop(self->transaction, id, error), error);
    case TABLE_REDO_TRUNCATE:
        return refused(table_truncate(self->transaction, id, error), error);
    case TABLE_REDO_DROP_COLUMN:
        return refused(table_drop_column(self->transaction, id, (uint32_t)argument, error), error);
    default:
        return refused(table_index_drop(self->transaction, id, error), error);
    }
}

static base_status redo_create(replayer *self, table_bytes *bytes, base_error *error)
{
    table_descriptor descriptor;
    uint64_t id;
    RETURN_IF_ERROR(table_get_descriptor(bytes, &self->arena, &descriptor, error));
    return refused(table_create(self->transaction, &descriptor, &id, error), error);
}

static base_status redo_index(replayer *self, table_bytes *bytes, base_error *error)
{
    table_index_descriptor descriptor;
    uint64_t id;
    RETURN_IF_ERROR(table_get_index(bytes, &self->arena, &descriptor, error));
    return refused(table_index_create(self->transaction, &descriptor, &id, error), error);
}

static base_status redo_add_column(replayer *self, table_bytes *bytes, base_error *error)
{
    table_column column;
    uint64_t id;
    uint32_t added;
    if (!table_unpack_u64(bytes, &id) || !table_get_column(bytes, &column))
        return table_corrupt("a column's definition", error);
    return refused(table_add_column(self->transaction, id, &column, &added, error), error);
}

static bool get_reference(table_bytes *root, cache_reference *reference)
{
    if (root->end - root->next < CACHE_REFERENCE_SIZE)
        return false;
    cache_reference_load(reference, root->next);
    root->next += CACHE_REFERENCE_SIZE;
    return true;
}

static base_status claim_extent(void *context, const cache_reference *reference, base_error *error)
{
    return cache_claim(context, reference, error);
}

/* A volume that was loaded directly: its extents were loose at the crash. */
static base_status redo_volume(replayer *self, table_bytes *bytes, base_error *error)
{
    cache_file *file = self->database->file;
    cache_reference reference;
    col_volume *volume;
    uint64_t id;
    if (!table_unpack_u64(bytes, &id) || bytes->end - bytes->next < CACHE_REFERENCE_SIZE)
        return table_corrupt("a loaded volume", error);
    cache_reference_load(&reference, bytes->next);
    RETURN_IF_ERROR(use_relation(self, id, error));
    RETURN_IF_ERROR(cache_claim(file, &reference, error));
    RETURN_IF_ERROR(col_volume_open(file, &self->database->budget, &reference, &volume, error));
    base_status status = col_volume_visit(volume, claim_extent, file, error);
    col_volume_close(volume);
    if (status != BASE_OK)
        return status;
    table_volume *attached;
    RETURN_IF_ERROR(
        table_attach_volume(self->transaction, self->relation, &reference, &attached, error));
    return table_volume_agrees(self->relation, attached, error);
}

/* The log refers to a run, whose extents were loose at the crash. */
static base_status claim_run(replayer *self, table_bytes *bytes, cache_reference *reference,
                             base_error *error)
{
    table_database *database = self->database;
    index_run *run;
    if (!get_reference(bytes, reference))
        return table_corrupt("an index run's record", error);
    RETURN_IF_ERROR(index_run_open(database->file, &database->budget, reference, &run, error));
    base_status status = cache_claim(database->file, reference, error);
    if (status == BASE_OK)
        status = index_run_visit(run, claim_extent, database->file, error);
    index_run_drop(run);
    return status;
}

/* A list of runs. */
static base_status claim_runs(replayer *self, table_bytes *bytes, table_index_source *source,
                              base_error *error)
{
    uint32_t count;
    if (!table_unpack_u32(bytes, &count) ||
        count > (size_t)(bytes->end - bytes->next) / CACHE_REFERENCE_SIZE)
        return table_corrupt("an index's record", error);
    cache_reference *runs = base_arena_allocate_array(&self->arena, count, sizeof *runs);
    if (!runs)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(claim_run(self, bytes, &runs[i], error));
    *source = (table_index_source){
        .runs = runs, .run_count = count, .loose = true, .complete = true, .filled = true};
    return BASE_OK;
}

static base_status redo_index_runs(replayer *self, table_bytes *bytes, base_error *error)
{
    table_index_descriptor descriptor;
    table_index_source source;
    RETURN_IF_ERROR(table_get_index(bytes, &self->arena, &descriptor, error));
    RETURN_IF_ERROR(claim_runs(self, bytes, &source, error));
    return refused(table_index_attach(self->transaction, &descriptor, &source, error), error);
}

static base_status redo_rebuild(replayer *self, table_bytes *bytes, base_error *error)
{
    uint64_t id;
    table_index_source source;
    if (!table_unpack_u64(bytes, &id))
        return table_corrupt("an index's record", error);
    RETURN_IF_ERROR(claim_runs(self, bytes, &source, error));
    return refused(
        table_index_replace(self->transaction, id, source.run_count ? &source : NULL, error),
        error);
}

static base_status redo_run(replayer *self, table_bytes *bytes, base_error *error)
{
    uint64_t relation, id;
    cache_reference reference;
    if (!table_unpack_u64(bytes, &relation) || !table_unpack_u64(bytes, &id))
        return table_corrupt("an index run's record", error);
    RETURN_IF_ERROR(claim_run(self, bytes, &reference, error));
    RETURN_IF_ERROR(use_relation(self, relation, error));
    table_index *index = table_index_by_id(self->relation, id);
    if (!index)
        return table_corrupt("a run of an unknown index", error);
    return table_run_attach(self->transaction, index, &reference, true, error);
}

static base_status redo_record(void *context, uint64_t sequence, uint16_t type, const void *data,
                               size_t length, base_error *error)
{
    replayer *self = context;
    (void)sequence;
    base_arena_reset(&self->arena);
    table_bytes bytes = {data, (const unsigned char *)data + length};
    switch ((table_redo)type) {
    case TABLE_REDO_INSERT:
        return redo_insert(self, &bytes, error);
    case TABLE_REDO_UPDATE:
        return redo_update(self, &bytes, error);
    case TABLE_REDO_DELETE:
    case TABLE_REDO_DROP:
    case TABLE_REDO_TRUNCATE:
    case TABLE_REDO_DROP_COLUMN:
    case TABLE_REDO_INDEX_DROP:
        return redo_by_id(self, (table_redo)type, &bytes, error);
    case TABLE_REDO_CREATE:
        return redo_create(self, &bytes, error);
    case TABLE_REDO_ADD_COLUMN:
        return redo_add_column(self, &bytes, error);
    case TABLE_REDO_VOLUME:
        return redo_volume(self, &bytes, error);
    case TABLE_REDO_INDEX_CREATE:
        return redo_index(self, &bytes, error);
    case TABLE_REDO_INDEX_RUNS:
        return redo_index_runs(self, &bytes, error);
    case TABLE_REDO_RUN:
        return redo_run(self, &bytes, error);
    case TABLE_REDO_INDEX_REBUILD:
        return redo_rebuild(self, &bytes, error);
    }
    return base_error_set(error, BASE_FORMAT, "the log has a record of unknown type %u", type);
}

/* The transaction will commit with this sequence. */
static base_status begin_as(replayer *self, uint64_t sequence, base_error *error)
{
    txn_manager_set_sequence(self->database->manager, sequence - 1);
    return txn_begin(self->database->manager, TXN_READ_COMMITTED, false, &self->transaction, error);
}

static base_status redo_begin(void *context, uint64_t sequence, int64_t time, base_error *error)
{
    replayer *self = context;
    table_history_note_time(self->database, sequence, time);
    return begin_as(self, sequence, error);
}

static base_status redo_end(void *context, uint64_t sequence, base_error *error)
{
    replayer *self = context;
    txn_transaction *transaction = self->transaction;
    self->transaction = NULL;
    RETURN_IF_ERROR(txn_commit(transaction, error));
    txn_manager_set_sequence(self->database->manager, sequence);
    return BASE_OK;
}

static void open_replayer(replayer *self, table_database *database)
{
    *self = (replayer){.database = database};
    base_arena_init(&self->arena, &database->budget);
    database->replaying = true;
}

static void close_replayer(replayer *self)
{
    forget_relation(self);
    if (self->transaction)
        txn_rollback(self->transaction);
    self->database->replaying = false;
    base_budget *budget = &self->database->budget;
    base_free_array(budget, self->cells, self->cell_capacity, sizeof *self->cells);
    base_free_array(budget, self->nulls, self->null_capacity, sizeof *self->nulls);
    base_arena_destroy(&self->arena);
}

base_status table_replay(table_database *database, uint64_t *unit_count, base_error *error)
{
    replayer self;
    open_replayer(&self, database);
    wal_redo redo = {&self, redo_begin, redo_record, redo_end};
    base_status status = wal_replay(database->log, &redo, unit_count, error);
    close_replayer(&self);
    return status;
}

/* ---- The root -------------------------------------------------------------------------------- */

/* Extents of packed rows: read later. */
static base_status load_extents(replayer *self, table_bytes *root, base_error *error)
{
    table_database *database = self->database;
    uint32_t count;
    if (!table_unpack_u32(root, &count))
        return table_corrupt("the root", error);
    for (uint32_t i = 0; i < count; i++) {
        cache_reference reference;
        if (!get_reference(root, &reference) || reference.kind != CACHE_KIND_HOT)
            return table_corrupt("a reference of the root", error);
        RETURN_IF_ERROR(
            table_saved_add(database, &self->relation->storage->saved, &reference, error));
        RETURN_IF_ERROR(table_saved_add(database, &database->reached, &reference, error));
    }
    return BASE_OK;
}

static base_status load_volume(replayer *self, table_bytes *root,
                               struct table_unread_volume *volume, base_error *error)
{
    table_database *database = self->database;
    uint32_t flags;
    volume->since = 1;
    if (!get_reference(root, &volume->reference) || !get_reference(root, &volume->marks) ||
        (self->version > 1 &&
         (!table_unpack_u32(root, &flags) || flags || !table_unpack_u64(root, &volume->since))) ||
        volume->reference.kind != CACHE_KIND_VOLUME ||
        volume->since > cache_get_root(database->file)->sequence)
        return table_corrupt("a volume's entry in the root", error);
    if (!cache_reference_is_null(&volume->marks))
        RETURN_IF_ERROR(table_saved_add(database, &database->reached, &volume->marks, error));
    return table_saved_add(database, &database->reached, &volume->reference, error);
}

static base_status load_volumes(replayer *self, table_bytes *root, table_unread *unread,
                                base_error *error)
{
    uint32_t count;
    if (!table_unpack_u32(root, &count) ||
        count > (size_t)(root->end - root->next) / (2 * CACHE_REFERENCE_SIZE))
        return table_corrupt("the root", error);
    unread->volumes = base_allocate_array(&self->database->budget, count, sizeof *unread->volumes);
    if (!unread->volumes)
        return base_error_no_memory(error);
    unread->volume_count = count;
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(load_volume(self, root, &unread->volumes[i], error));
    return BASE_OK;
}

/* What lies in the root is kept as it is. */
static base_status keep_bytes(const replayer *self, table_bytes *root, unsigned char **bytes,
                              uint32_t *length, base_error *error)
{
    uint32_t size;
    if (!table_unpack_u32(root, &size) || (size_t)(root->end - root->next) < size)
        return table_corrupt("the root", error);
    if (size == 0)
        return BASE_OK;
    *bytes = base_allocate(&self->database->budget, size);
    if (!*bytes)
        return base_error_no_memory(error);
    memcpy(*bytes, root->next, size);
    *length = size;
    root->next += size;
    return BASE_OK;
}

static base_status load_run(replayer *self, table_bytes *root, cache_reference *run,
                            base_error *error)
{
    if (!get_reference(root, run) || run->kind != CACHE_KIND_INDEX_RUN)
        return table_corrupt("an index run's entry in the root", error);
    return table_saved_add(self->database, &self->database->reached, run, error);
}

/* `has_volumes`: an index without runs is incomplete then. */
static base_status load_index(replayer *self, table_bytes *root, bool has_volumes,
                              base_error *error)
{
    table_index_descriptor descriptor;
    uint32_t flags = 0, count = 0;
    RETURN_IF_ERROR(table_get_index(root, &self->arena, &descriptor, error));
    if (self->version > 1 &&
        (!table_unpack_u32(root, &flags) || !table_unpack_u32(root, &count) ||
         flags & ~(uint32_t)TABLE_INDEX_COMPLETE || count > INDEX_SET_MAX_RUNS ||
         count > (size_t)(root->end - root->next) / CACHE_REFERENCE_SIZE))
        return table_corrupt("an index's entry in the root", error);
    cache_reference *runs = base_arena_allocate_array(&self->arena, count, sizeof *runs);
    if (!runs)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(load_run(self, root, &runs[i], error));
    table_index_source source = {
        .runs = runs, .run_count = count, .complete = flags & TABLE_INDEX_COMPLETE || !has_volumes};
    return refused(table_index_attach(self->transaction, &descriptor, &source, error), error);
}

static base_status load_indexes(replayer *self, table_bytes *root, bool has_volumes,
                                base_error *error)
{
    uint32_t count;
    if (!table_unpack_u32(root, &count))
        return table_corrupt("the root", error);
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(load_index(self, root, has_volumes, error));
    return BASE_OK;
}

/* Files of versions 1 and 2 have none; those of version 2 say so. */
static base_status load_history(const replayer *self, table_bytes *root, table_unread *unread,
                                base_error *error)
{
    table_database *database = self->database;
    uint64_t from = cache_get_root(database->file)->sequence;
    uint32_t count = 0;
    if (self->version > 2) {
        if (!table_unpack_u64(root, &from))
            return table_corrupt("the root", error);
        RETURN_IF_ERROR(keep_bytes(self, root, &unread->past, &unread->past_bytes, error));
    }
    if ((self->version > 1 && !table_unpack_u32(root, &count)) || (self->version == 2 && count) ||
        count > (size_t)(root->end - root->next) / CACHE_REFERENCE_SIZE)
        return table_corrupt("the root", error);
    atomic_store(&self->relation->storage->history.from, from);
    if (count == 0)
        return BASE_OK;
    unread->history = base_allocate_array(&database->budget, count, sizeof *unread->history);
    if (!unread->history)
        return base_error_no_memory(error);
    unread->history_count = count;
    for (uint32_t i = 0; i < count; i++) {
        if (!get_reference(root, &unread->history[i]) ||
            unread->history[i].kind != CACHE_KIND_VOLUME)
            return table_corrupt("a history volume's entry in the root", error);
        RETURN_IF_ERROR(table_saved_add(database, &database->reached, &unread->history[i], error));
    }
    return BASE_OK;
}

static base_status load_parts(replayer *self, table_bytes *root, table_unread *unread,
                              base_error *error)
{
    table_storage *storage = self->relation->storage;
    uint64_t next_rowid;
    uint32_t flags;
    if (!table_unpack_u64(root, &next_rowid) ||
        (self->version > 1 && (!table_unpack_u32(root, &flags) || flags)))
        return table_corrupt("the root", error);
    RETURN_IF_ERROR(keep_bytes(self, root, &unread->rows, &unread->row_bytes, error));
    RETURN_IF_ERROR(load_extents(self, root, error));
    RETURN_IF_ERROR(load_volumes(self, root, unread, error));
    RETURN_IF_ERROR(load_history(self, root, unread, error));
    RETURN_IF_ERROR(load_indexes(self, root, unread->volume_count > 0, error));
    atomic_store(&storage->next_rowid, (int64_t)next_rowid);
    storage->saved.sequence = cache_get_root(self->database->file)->sequence;
    return BASE_OK;
}

/* The storage is marked as unread last: definitions are added to one that is not. */
static base_status load_relation(replayer *self, table_bytes *root, base_error *error)
{
    table_descriptor descriptor;
    uint64_t id;
    base_arena_reset(&self->arena);
    RETURN_IF_ERROR(table_get_descriptor(root, &self->arena, &descriptor, error));
    RETURN_IF_ERROR(refused(table_create(self->transaction, &descriptor, &id, error), error));
    RETURN_IF_ERROR(use_relation(self, id, error));
    table_unread *unread = base_allocate_zeroed(&self->database->budget, sizeof *unread);
    if (!unread)
        return base_error_no_memory(error);
    base_status status = load_parts(self, root, unread, error);
    if (status == BASE_OK)
        atomic_store(&self->relation->storage->unread, unread);
    else
        table_unread_free(self->database, unread);
    return status;
}

static base_status load_times(const replayer *self, table_bytes *root, base_error *error)
{
    uint32_t count;
    if (!table_unpack_u32(root, &count) || count > TABLE_TIMES)
        return table_corrupt("the root", error);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t sequence, time;
        if (!table_unpack_u64(root, &sequence) || !table_unpack_u64(root, &time) ||
            sequence > cache_get_root(self->database->file)->sequence)
            return table_corrupt("a time in the root", error);
        table_history_note_time(self->database, sequence, (int64_t)time);
    }
    return BASE_OK;
}

static base_status load_root(replayer *self, table_bytes *root, base_error *error)
{
    uint32_t relations;
    if (!table_unpack_u32(root, &self->version) || !table_unpack_u32(root, &relations))
        return table_corrupt("the root", error);
    if (self->version < TABLE_FIRST_ROOT_VERSION || self->version > TABLE_ROOT_VERSION)
        return base_error_set(error, BASE_FORMAT, "the file's root is of version %u",
                              self->version);
    for (uint32_t i = 0; i < relations; i++)
        RETURN_IF_ERROR(load_relation(self, root, error));
    return self->version > 2 ? load_times(self, root, error) : BASE_OK;
}

base_status table_load(table_database *database, base_error *error)
{
    const cache_root *header = cache_get_root(database->file);
    uint64_t next_id = BASE_MAX(header->next_id, (uint64_t)TABLE_FIRST_USER_ID);
    atomic_store(&database->next_id, next_id);
    if (cache_reference_is_null(&header->root))
        return BASE_OK;
    if (header->sequence == 0)
        return table_corrupt("the header", error);
    unsigned char *buffer = base_allocate(&database->budget, header->root.length);
    if (!buffer)
        return base_error_no_memory(error);
    replayer self;
    open_replayer(&self, database);
    table_bytes root = {buffer, buffer + header->root.length};
    base_status status = cache_read(database->file, &header->root, buffer, error);
    if (status == BASE_OK)
        status = begin_as(&self, header->sequence, error);
    if (status == BASE_OK)
        status = load_root(&self, &root, error);
    if (status == BASE_OK)
        status = redo_end(&self, header->sequence, error);
    close_replayer(&self);
    base_free(&database->budget, buffer, header->root.length);
    return status;
}
