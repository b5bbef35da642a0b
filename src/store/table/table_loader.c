/*
 * table_loader.c - bulk loading.
 *
 * A small load is ordinary insertion. Once it has some ten thousand rows, and rowids rise
 * above all that the table has, the rest is written to volumes directly: no row passes through
 * the hot store and the log gets a reference to each volume instead of the rows. The volumes'
 * extents are loose: durable before the log refers to them, reached by a header from the next
 * checkpoint on, given back where the load is rolled back.
 *
 * Only tables without secondary indexes are loaded that way: entries of rows that are not yet
 * in a volume could not be checked. And only those in files: in memory the hot store is the
 * faster home. The relation's lock is taken exclusively, so nobody else chooses rowids
 * meanwhile.
 *
 * Rows are held back until it is known which way they go, so a refused row may be reported by
 * a later call.
 */
#include "store/table/table_int.h"

enum {
    HELD_CHUNKS = 12 /* so many rows, and the load is worth a volume */
};

typedef enum loader_mode {
    LOADER_HOLDING,
    LOADER_HOT,
    LOADER_COLD,
} loader_mode;

struct table_loader {
    base_budget *budget;
    table_database *database;
    txn_transaction *transaction;
    table_relation *relation; /* the handle */
    loader_mode mode;
    int64_t rowids[VECTOR_SIZE];
    /* Rows held back. */
    uint32_t held_count;
    vector_chunk held[HELD_CHUNKS];
    int64_t *held_rowids[HELD_CHUNKS]; /* NULL: to be chosen */
    /* Volumes. */
    table_relation *current; /* entered */
    int64_t last_rowid;      /* the next one must be larger */
    col_writer *writer;
    uint32_t cold_count;
    col_column *cold;
    vector *view;
};

/* ---- Undo of a volume ------------------------------------------------------------------------ */

typedef struct volume_undo {
    txn_undo undo;
    table_storage *storage; /* I11 */
    table_volume *volume;
} volume_undo;

static base_status discard_extent(void *context, const cache_reference *reference,
                                  base_error *error)
{
    (void)error;
    cache_discard(context, reference);
    return BASE_OK;
}

void table_volume_discard(table_database *database, table_volume *volume)
{
    if (!volume->loose)
        return;
    (void)col_volume_visit(volume->data, discard_extent, database->file, NULL);
    volume->loose = false;
}

static void rollback_volume(txn_undo *undo)
{
    volume_undo *self = (volume_undo *)(void *)undo;
    atomic_store_explicit(&self->volume->since, TABLE_NEVER, memory_order_release);
    table_volume_discard(self->storage->database, self->volume);
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
                                const cache_reference *reference, base_error *error)
{
    table_storage *storage = relation->storage;
    table_volume *volume;
    volume_undo *undo = txn_undo_allocate(transaction, sizeof *undo);
    if (!undo)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(table_volume_add(storage, storage->database->file, reference,
                                     txn_id_of(transaction), &volume, error));
    volume->loose = true;
    undo->storage = storage;
    undo->volume = volume;
    txn_undo_register(transaction, &undo->undo, &volume_kind);
    table_note_rowid(storage, volume->info.last_rowid);
    return BASE_OK;
}

/* ---- The hot way ----------------------------------------------------------------------------- */

static base_status insert_hot(table_loader *self, const vector_chunk *rows, const int64_t *rowids,
                              table_conflict *conflict, base_error *error)
{
    if (rowids && rowids != self->rowids)
        memcpy(self->rowids, rowids, rows->count * sizeof *rowids);
    return table_insert(self->transaction, self->relation, rows, self->rowids, rowids == NULL,
                        conflict, error);
}

/* ---- Volumes --------------------------------------------------------------------------------- */

/* Every column that is stored, in the order of the volume. */
static base_status choose_columns(table_loader *self, base_error *error)
{
    const table_descriptor *descriptor = &self->current->descriptor;
    uint32_t count = descriptor->column_count;
    self->cold = base_allocate_array(self->budget, count, sizeof *self->cold);
    self->view = base_allocate_array(self->budget, count, sizeof *self->view);
    if (!self->cold || !self->view) {
        base_free(self->budget, self->cold, count * sizeof *self->cold);
        base_free(self->budget, self->view, count * sizeof *self->view);
        self->cold = NULL;
        self->view = NULL;
        return base_error_no_memory(error);
    }
    self->cold_count = 0;
    for (uint32_t c = 0; c < count; c++) {
        if (!descriptor->columns[c].dropped && descriptor->rowid_column != (int32_t)c)
            self->cold[self->cold_count++] =
                (col_column){c, types_form_of(descriptor->columns[c].type)};
    }
    return BASE_OK;
}

static base_status finish_volume(table_loader *self, base_error *error)
{
    if (!self->writer)
        return BASE_OK;
    cache_reference reference;
    base_status status = col_writer_finish(self->writer, &reference, error);
    col_writer_destroy(self->writer);
    self->writer = NULL;
    if (status == BASE_OK)
        status = table_attach_volume(self->transaction, self->current, &reference, error);
    if (status == BASE_OK)
        status = table_log_volume(self->transaction, self->current, &reference, error);
    return status;
}

static base_status append_cold(table_loader *self, const vector_chunk *rows, const int64_t *rowids,
                               base_error *error)
{
    if (self->writer && col_writer_row_count(self->writer) + rows->count > COL_MAX_ROWS)
        RETURN_IF_ERROR(finish_volume(self, error));
    if (!self->writer) {
        col_writer_options options = {.file = self->database->file,
                                      .budget = self->budget,
                                      .runtime = self->database->runtime,
                                      .loose = true,
                                      .column_count = self->cold_count,
                                      .columns = self->cold};
        RETURN_IF_ERROR(col_writer_create(&options, &self->writer, error));
    }
    vector_chunk view = *rows;
    view.columns = self->view;
    view.column_count = self->cold_count;
    for (uint32_t c = 0; c < self->cold_count; c++)
        self->view[c] = rows->columns[self->cold[c].id];
    RETURN_IF_ERROR(col_writer_append(self->writer, &view, rowids, NULL, 0, error));
    self->last_rowid = rowids[rows->count - 1];
    table_note_rowid(self->current->storage, self->last_rowid);
    return BASE_OK;
}

static bool rises(int64_t last, const int64_t *rowids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (rowids[i] <= last)
            return false;
        last = rowids[i];
    }
    return true;
}

/* One batch: to the volume, or, where its rowids lie among those that are there, hot. */
static base_status load(table_loader *self, const vector_chunk *rows, const int64_t *rowids,
                        table_conflict *conflict, base_error *error)
{
    if (rows->count == 0)
        return BASE_OK;
    if (self->mode == LOADER_HOT)
        return insert_hot(self, rows, rowids, conflict, error);
    if (!rowids) {
        RETURN_IF_ERROR(
            table_choose_rowids(self->current->storage, self->rowids, rows->count, error));
        rowids = self->rowids;
    }
    if (rises(self->last_rowid, rowids, rows->count))
        return append_cold(self, rows, rowids, error);
    /* The rows so far must be there for the insertion to look at. */
    RETURN_IF_ERROR(finish_volume(self, error));
    base_status status = insert_hot(self, rows, rowids, conflict, error);
    self->last_rowid = table_last_rowid(self->current->storage);
    return status;
}

/* The load is long enough: which way? */
static base_status choose_mode(table_loader *self, base_error *error)
{
    self->mode = LOADER_HOT;
    if (!self->database->file || self->relation->index_count || self->database->replaying)
        return BASE_OK;
    /* Not worth waiting for, nor a deadlock of two loaders. */
    txn_set_lock_timeout(self->transaction, 0);
    base_status status = txn_lock_exclusive(self->transaction, &self->relation->entry->lock, NULL);
    txn_set_lock_timeout(self->transaction, self->database->options.lock_timeout);
    if (status != BASE_OK)
        return status == BASE_OUT_OF_MEMORY ? base_error_no_memory(error) : BASE_OK;
    RETURN_IF_ERROR(table_enter_write(self->transaction, self->relation, &self->current, error));
    if (self->current->index_count)
        return BASE_OK;
    RETURN_IF_ERROR(choose_columns(self, error));
    if (self->cold_count == 0)
        return BASE_OK;
    self->last_rowid = table_last_rowid(self->current->storage);
    self->mode = LOADER_COLD;
    return BASE_OK;
}

/* ---- Rows held back -------------------------------------------------------------------------- */

static void drop_held(table_loader *self)
{
    for (uint32_t i = 0; i < self->held_count; i++) {
        vector_chunk_destroy(&self->held[i]);
        base_free(self->budget, self->held_rowids[i], VECTOR_SIZE * sizeof(int64_t));
    }
    self->held_count = 0;
}

static base_status load_held(table_loader *self, table_conflict *conflict, base_error *error)
{
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < self->held_count && status == BASE_OK; i++)
        status = load(self, &self->held[i], self->held_rowids[i], conflict, error);
    drop_held(self);
    return status;
}

static base_status hold(table_loader *self, const vector_chunk *rows, const int64_t *rowids,
                        base_error *error)
{
    types_type types[TABLE_MAX_COLUMNS] = {0};
    uint32_t count = self->relation->descriptor.column_count;
    for (uint32_t c = 0; c < count; c++)
        types[c] = self->relation->descriptor.columns[c].type;
    vector_chunk *chunk = &self->held[self->held_count];
    RETURN_IF_ERROR(vector_chunk_init(chunk, self->budget, types, count, error));
    self->held_rowids[self->held_count] = NULL;
    base_status status = BASE_OK;
    for (uint32_t c = 0; c < count && status == BASE_OK; c++) {
        if (!self->relation->descriptor.columns[c].dropped &&
            self->relation->descriptor.rowid_column != (int32_t)c)
            status = vector_copy(&chunk->columns[c], 0, &rows->columns[c], rows->selection,
                                 rows->count, chunk->heap, error);
    }
    chunk->count = rows->count;
    if (status == BASE_OK && rowids) {
        int64_t *copy = base_allocate_array(self->budget, VECTOR_SIZE, sizeof *copy);
        if (copy)
            memcpy(copy, rowids, rows->count * sizeof *copy);
        else
            status = base_error_no_memory(error);
        self->held_rowids[self->held_count] = copy;
    }
    if (status != BASE_OK) {
        vector_chunk_destroy(chunk);
        return status;
    }
    self->held_count++;
    return BASE_OK;
}

/* ---- The loader ------------------------------------------------------------------------------ */

base_status table_loader_create(txn_transaction *transaction, table_relation *relation,
                                table_loader **loader, base_error *error)
{
    table_relation *current;
    RETURN_IF_ERROR(table_enter_write(transaction, relation, &current, error));
    table_database *database = table_database_of(transaction);
    table_loader *self = base_allocate_zeroed(&database->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->budget = &database->budget;
    self->database = database;
    self->transaction = transaction;
    self->relation = relation;
    /* Where no volume can come of it nothing is held back. */
    self->mode = database->file && !current->index_count ? LOADER_HOLDING : LOADER_HOT;
    *loader = self;
    return BASE_OK;
}

base_status table_loader_append(table_loader *loader, const vector_chunk *rows,
                                const int64_t *rowids, bool choose_rowids, table_conflict *conflict,
                                base_error *error)
{
    BASE_ASSERT(rows->count <= VECTOR_SIZE);
    const int64_t *given = choose_rowids ? NULL : rowids;
    if (loader->mode == LOADER_HOLDING) {
        if (loader->held_count < HELD_CHUNKS)
            return hold(loader, rows, given, error);
        RETURN_IF_ERROR(choose_mode(loader, error));
        RETURN_IF_ERROR(load_held(loader, conflict, error));
    }
    return load(loader, rows, given, conflict, error);
}

base_status table_loader_finish(table_loader *loader, table_conflict *conflict, base_error *error)
{
    if (loader->mode == LOADER_HOLDING)
        loader->mode = LOADER_HOT;
    RETURN_IF_ERROR(load_held(loader, conflict, error));
    if (loader->mode != LOADER_COLD)
        return BASE_OK;
    RETURN_IF_ERROR(finish_volume(loader, error));
    /* The log will refer to the extents: they have to be there first. */
    if (loader->database->options.sync_mode == TABLE_SYNC_NONE)
        return BASE_OK;
    return cache_sync(loader->database->file, error);
}

void table_loader_destroy(table_loader *loader)
{
    if (!loader)
        return;
    uint32_t count = loader->relation->descriptor.column_count;
    drop_held(loader);
    if (loader->writer)
        col_writer_destroy(loader->writer);
    if (loader->cold) {
        count = loader->current->descriptor.column_count;
        base_free(loader->budget, loader->cold, count * sizeof *loader->cold);
        base_free(loader->budget, loader->view, count * sizeof *loader->view);
    }
    base_free(loader->budget, loader, sizeof *loader);
}
