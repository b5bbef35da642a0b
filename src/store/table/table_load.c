/*
 * table_load.c - rows of the file come into memory when their relation is first touched.
 *
 * Opening a database reads the root and no more. What the root says of a storage is kept as it
 * is (table_unread) until somebody acquires a version of the relation: then its packed rows go
 * to the hot store, with the checkpoint's sequence as their stamp, its volumes are opened, and
 * their marks read. A checkpoint writes what is still unread as it stands.
 *
 * Everybody comes through table_acquire, table_resolve or table_enter_write, or through a
 * definition's change, so nobody ever sees a storage that is half read. Where reading fails the
 * storage is as unread as before, and the next one tries again.
 *
 * Bytes are checksummed below; here they are still not believed: what does not parse, or does
 * not fit the relation, is BASE_CORRUPT.
 */
#include "store/table/table_bytes_int.h"
#include "store/table/table_history_int.h"

typedef struct loading {
    table_database *database;
    table_relation *relation;
    row_tree *hot; /* becomes the storage's when all went well */
    uint64_t sequence;
    types_cell *cells;
    bool *nulls;
} loading;

void table_unread_free(table_database *database, table_unread *unread)
{
    if (!unread)
        return;
    base_budget *budget = &database->budget;
    base_free(budget, unread->rows, unread->row_bytes);
    base_free(budget, unread->volumes, unread->volume_count * sizeof *unread->volumes);
    base_free(budget, unread->past, unread->past_bytes);
    base_free(budget, unread->history, unread->history_count * sizeof *unread->history);
    base_free(budget, unread, sizeof *unread);
}

/* ---- Packed rows ----------------------------------------------------------------------------- */

static base_status load_row(loading *self, int64_t rowid, uint64_t stamp, base_error *error)
{
    base_status status =
        row_load(self->hot, self->relation->layout, rowid, self->cells, self->nulls, stamp, error);
    table_note_rowid(self->relation->storage, rowid);
    return status == BASE_UNIQUE_VIOLATION ? table_corrupt("a row that is there twice", error)
                                           : status;
}

static base_status load_rows(loading *self, table_bytes bytes, base_error *error)
{
    uint32_t columns, rows;
    if (!table_unpack_u32(&bytes, &columns) || !table_unpack_u32(&bytes, &rows))
        return table_corrupt("a block of rows", error);
    bool stamped = columns & TABLE_ROWS_STAMPED;
    columns &= ~TABLE_ROWS_STAMPED;
    for (uint32_t i = 0; i < rows; i++) {
        int64_t rowid;
        uint64_t stamp = self->sequence;
        if ((stamped && !table_unpack_u64(&bytes, &stamp)) || stamp > self->sequence ||
            !table_unpack_row(&bytes, self->relation, columns, &rowid, self->cells, self->nulls))
            return table_corrupt("a row", error);
        RETURN_IF_ERROR(load_row(self, rowid, stamp, error));
    }
    return BASE_OK;
}

static base_status load_extent(loading *self, const cache_reference *reference, base_error *error)
{
    base_budget *budget = &self->database->budget;
    unsigned char *buffer = base_allocate(budget, reference->length);
    if (!buffer)
        return base_error_no_memory(error);
    base_status status = cache_read(self->database->file, reference, buffer, error);
    if (status == BASE_OK)
        status = load_rows(self, (table_bytes){buffer, buffer + reference->length}, error);
    base_free(budget, buffer, reference->length);
    return status;
}

static base_status load_hot(loading *self, const table_unread *unread, base_error *error)
{
    const table_saved *saved = &self->relation->storage->saved;
    if (unread->row_bytes) {
        table_bytes inline_rows = {unread->rows, unread->rows + unread->row_bytes};
        RETURN_IF_ERROR(load_rows(self, inline_rows, error));
    }
    for (uint32_t i = 0; i < saved->count; i++)
        RETURN_IF_ERROR(load_extent(self, &saved->references[i], error));
    return BASE_OK;
}

/* ---- Volumes --------------------------------------------------------------------------------- */

static base_status load_marks(loading *self, table_volume *volume, const cache_reference *reference,
                              base_error *error)
{
    table_database *database = self->database;
    if (cache_reference_is_null(reference))
        return BASE_OK;
    cache_pin pin;
    RETURN_IF_ERROR(cache_pin_extent(database->file, reference, &pin, error));
    table_bytes bytes = {pin.data, (const unsigned char *)pin.data + pin.length};
    base_status status = reference->kind == CACHE_KIND_MARKS
                             ? table_marks_unpack(volume, bytes, self->sequence, error)
                             : table_corrupt("a list of marks", error);
    cache_unpin(database->file, &pin);
    volume->marks_reference = *reference;
    volume->marks_saved_at = self->sequence;
    return status;
}

base_status table_volume_agrees(const table_relation *relation, const table_volume *volume,
                                base_error *error)
{
    const table_descriptor *descriptor = &relation->descriptor;
    for (uint32_t i = 0; i < col_volume_column_count(volume->data); i++) {
        col_column column = col_volume_column_at(volume->data, i);
        if (column.id == COL_ROWID || column.id == COL_STAMP)
            continue;
        if (column.id >= descriptor->column_count ||
            column.form != types_form_of(descriptor->columns[column.id].type))
            return table_corrupt("a volume's column", error);
    }
    return BASE_OK;
}

static base_status load_volumes(loading *self, const table_unread *unread, base_error *error)
{
    for (uint32_t i = 0; i < unread->volume_count; i++) {
        const struct table_unread_volume *source = &unread->volumes[i];
        table_volume *volume;
        RETURN_IF_ERROR(table_volume_add(self->relation->storage, &source->reference, source->since,
                                         &volume, error));
        RETURN_IF_ERROR(table_volume_agrees(self->relation, volume, error));
        RETURN_IF_ERROR(load_marks(self, volume, &source->marks, error));
    }
    return BASE_OK;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static base_status load_parts(loading *self, const table_unread *unread, base_error *error)
{
    RETURN_IF_ERROR(load_hot(self, unread, error));
    RETURN_IF_ERROR(load_volumes(self, unread, error));
    if (unread->past) {
        const table_bytes past = {unread->past, unread->past + unread->past_bytes};
        RETURN_IF_ERROR(table_history_unpack(self->relation, past, self->sequence, error));
    }
    return table_history_open(self->relation, unread->history, unread->history_count, error);
}

static base_status load(table_relation *relation, const table_unread *unread, base_error *error)
{
    table_storage *storage = relation->storage;
    table_database *database = storage->database;
    uint32_t count = relation->descriptor.column_count;
    loading self = {.database = database,
                    .relation = relation,
                    .sequence = storage->saved.sequence,
                    .cells = base_allocate_array(&database->budget, count, sizeof *self.cells),
                    .nulls = base_allocate_array(&database->budget, count, sizeof *self.nulls)};
    base_status status = self.cells && self.nulls ? BASE_OK : base_error_no_memory(error);
    if (status == BASE_OK)
        status = row_tree_create(&database->budget, database->manager, &self.hot, error);
    if (status == BASE_OK)
        table_history_watch(storage, self.hot);
    if (status == BASE_OK)
        status = load_parts(&self, unread, error);
    if (status == BASE_OK) {
        row_tree *empty = storage->hot;
        storage->hot = self.hot;
        self.hot = empty;
    } else {
        table_volumes_destroy(storage);
        table_history_destroy(storage);
    }
    if (self.hot)
        row_tree_destroy(self.hot);
    base_free(&database->budget, self.cells, count * sizeof *self.cells);
    base_free(&database->budget, self.nulls, count * sizeof *self.nulls);
    return status;
}

base_status table_storage_need_slow(table_relation *relation, base_error *error)
{
    table_storage *storage = relation->storage;
    table_database *database = storage->database;
    base_status status = BASE_OK;
    os_mutex_lock(&database->load_mutex);
    table_unread *unread = atomic_load_explicit(&storage->unread, memory_order_relaxed);
    if (unread)
        status = load(relation, unread, error);
    bool done = unread && status == BASE_OK;
    if (done)
        atomic_store_explicit(&storage->unread, NULL, memory_order_release);
    os_mutex_unlock(&database->load_mutex);
    if (done)
        table_unread_free(database, unread);
    return status;
}
