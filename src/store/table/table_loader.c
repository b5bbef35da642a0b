/*
 * table_loader.c - bulk loading.
 *
 * A small load is ordinary insertion, so its rows are held back until they are so many that a
 * volume is worth while. From then on rows go to volumes directly: none passes through the hot
 * store, and the log gets a reference to each volume instead of the rows (table_attach.c). Rows
 * whose rowids rise above all that the table has, the usual case, are written as they come;
 * others are sorted batch by batch (table_loader_sort.c).
 *
 * The relation's lock is taken exclusively and kept to the end of the transaction, so nobody else
 * chooses rowids or keys meanwhile. A load that cannot have it at once stays with ordinary
 * insertion: it neither waits for other writers nor can two loads wait for each other.
 *
 * Entries of indexes come last, when all volumes are there, as sorted runs (table_index_build.c):
 * that is when a key that comes twice is refused.
 *
 * Rejected: going by the planner's estimate (an estimate of 10 rows that is wrong would fill
 * the memory with hot rows); a threshold that the user sets (seal_rows says already how many rows
 * a volume should have).
 */
#include "store/table/table_bytes_int.h"
#include "store/table/table_loader_int.h"

/* ---- The hot way ----------------------------------------------------------------------------- */

base_status table_load_hot(table_loader *self, const vector_chunk *rows, const int64_t *rowids,
                           bool fresh, table_conflict *conflict, base_error *error)
{
    vector_chunk whole = *rows;
    whole.columns = self->row;
    whole.column_count = self->column_count;
    for (uint32_t c = 0; c < self->stored_count; c++)
        self->row[self->stored[c].id] = rows->columns[c];
    return table_insert_at(self->transaction, self->relation, &whole, rowids, fresh, conflict,
                           error);
}

/* ---- Volumes --------------------------------------------------------------------------------- */

base_status table_load_finish_volume(table_loader *self, base_error *error)
{
    if (!self->writer)
        return BASE_OK;
    cache_reference reference;
    base_status status = BASE_OK;
    if (!base_grow_array(&self->budget, &self->volumes, &self->volume_capacity,
                         self->volume_count + 1, sizeof(table_volume *)))
        status = base_error_no_memory(error);
    if (status == BASE_OK)
        status = col_writer_finish(self->writer, &reference, error);
    if (status == BASE_OK) {
        status = table_attach_volume(self->transaction, self->relation, &reference,
                                     &self->volumes[self->volume_count], error);
        if (status != BASE_OK)
            col_writer_take_back(self->writer);
    }
    col_writer_destroy(self->writer);
    self->writer = NULL;
    if (status == BASE_OK)
        self->volume_count++;
    if (status == BASE_OK)
        status = table_log_volume(self->transaction, self->relation, &reference, error);
    return status;
}

/* So much memory, or a fair part of what the database may use. */
static size_t part_of_limit(const table_loader *self, size_t bytes)
{
    size_t limit = self->database->options.memory_limit;
    return limit ? BASE_MIN(bytes, limit / 4) : bytes;
}

base_status table_load_rising(table_loader *self, const vector_chunk *rows, const int64_t *rowids,
                              base_error *error)
{
    if (self->writer && col_writer_row_count(self->writer) + rows->count > COL_MAX_ROWS)
        RETURN_IF_ERROR(table_load_finish_volume(self, error));
    if (!self->writer) {
        col_writer_options options = {.file = self->database->file,
                                      .budget = &self->writing,
                                      .runtime = self->database->runtime,
                                      .memory = part_of_limit(self, TABLE_LOAD_WRITE_BYTES),
                                      .loose = true,
                                      .column_count = self->stored_count,
                                      .columns = self->stored};
        RETURN_IF_ERROR(col_writer_create(&options, &self->writer, error));
    }
    RETURN_IF_ERROR(col_writer_append(self->writer, rows, rowids, NULL, 0, error));
    /* Rows that are very wide make small volumes. */
    if (col_writer_collected(self->writer) < part_of_limit(self, TABLE_LOAD_WRITE_BYTES))
        return BASE_OK;
    return table_load_finish_volume(self, error);
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

/* ---- Rows held back -------------------------------------------------------------------------- */

static void free_held(table_loader *self, table_held *held)
{
    vector_chunk_destroy(&held->rows);
    base_free(&self->budget, held, sizeof *held);
}

static void drop_held(table_loader *self)
{
    for (uint32_t i = 0; i < self->held_count; i++)
        free_held(self, self->held[i]);
    self->held_count = 0;
    self->held_rows = 0;
}

/* The held chunk that has room for `count` more rows. */
static base_status room_for(table_loader *self, uint32_t count, bool fresh, table_held **room,
                            base_error *error)
{
    table_held *last = self->held_count ? self->held[self->held_count - 1] : NULL;
    if (last && last->fresh == fresh && last->rows.count + count <= VECTOR_SIZE) {
        *room = last;
        return BASE_OK;
    }
    if (!base_grow_array(&self->budget, &self->held, &self->held_capacity, self->held_count + 1,
                         sizeof(table_held *)))
        return base_error_no_memory(error);
    table_held *held = base_allocate(&self->budget, sizeof *held);
    if (!held)
        return base_error_no_memory(error);
    held->fresh = fresh;
    base_status status =
        vector_chunk_init(&held->rows, &self->budget, self->types, self->stored_count, error);
    if (status != BASE_OK) {
        base_free(&self->budget, held, sizeof *held);
        return status;
    }
    self->held[self->held_count++] = *room = held;
    return BASE_OK;
}

static base_status hold(table_loader *self, const vector_chunk *rows, const int64_t *rowids,
                        bool fresh, base_error *error)
{
    table_held *to = NULL;
    RETURN_IF_ERROR(room_for(self, rows->count, fresh, &to, error));
    memcpy(to->rowids + to->rows.count, rowids, rows->count * sizeof *rowids);
    RETURN_IF_ERROR(vector_chunk_append(&to->rows, rows, error));
    self->held_rows += rows->count;
    return BASE_OK;
}

/* ---- Which way ------------------------------------------------------------------------------- */

static base_status load_sorting(table_loader *self, const vector_chunk *rows, const int64_t *rowids,
                                table_conflict *conflict, base_error *error)
{
    RETURN_IF_ERROR(hold(self, rows, rowids, false, error));
    if (self->held_rows + VECTOR_SIZE <= COL_MAX_ROWS &&
        atomic_load(&self->budget.used) < part_of_limit(self, TABLE_LOAD_SORT_BYTES))
        return BASE_OK;
    base_status status = table_load_sorted(self, conflict, error);
    drop_held(self);
    return status;
}

static base_status load(table_loader *self, const vector_chunk *rows, const int64_t *rowids,
                        bool fresh, table_conflict *conflict, base_error *error)
{
    if (rows->count == 0)
        return BASE_OK;
    if (self->mode == LOADER_HOT)
        return table_load_hot(self, rows, rowids, fresh, conflict, error);
    if (self->mode == LOADER_RISING) {
        if (rises(self->last_rowid, rowids, rows->count)) {
            self->last_rowid = rowids[rows->count - 1];
            return table_load_rising(self, rows, rowids, error);
        }
        /* What was written so far is looked at from now on. */
        RETURN_IF_ERROR(table_load_finish_volume(self, error));
        self->mode = LOADER_SORTING;
    }
    return load_sorting(self, rows, rowids, conflict, error);
}

static base_status load_held(table_loader *self, table_conflict *conflict, base_error *error)
{
    table_held **held = self->held;
    uint32_t count = self->held_count, capacity = self->held_capacity;
    base_status status = BASE_OK;
    self->held = NULL;
    self->held_count = self->held_capacity = 0;
    self->held_rows = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (status == BASE_OK)
            status = load(self, &held[i]->rows, held[i]->rowids, held[i]->fresh, conflict, error);
        free_held(self, held[i]);
    }
    base_free_array(&self->budget, held, capacity, sizeof *held);
    return status;
}

/* The load is long enough for volumes, if nobody else is writing. */
static base_status choose_mode(table_loader *self, base_error *error)
{
    int64_t timeout = txn_lock_timeout(self->transaction);
    self->mode = LOADER_HOT;
    txn_set_lock_timeout(self->transaction, 0);
    base_status status = txn_lock_exclusive(self->transaction, &self->relation->entry->lock, NULL);
    txn_set_lock_timeout(self->transaction, timeout);
    if (status != BASE_OK)
        return status == BASE_OUT_OF_MEMORY ? base_error_no_memory(error) : BASE_OK;
    RETURN_IF_ERROR(table_need_file(self->database, error));
    self->last_rowid = table_last_rowid(self->relation->storage);
    self->mode = LOADER_RISING;
    return BASE_OK;
}

static uint64_t enough_rows(const table_database *database)
{
    uint32_t rows = database->options.seal_rows;
    return (uint64_t)TABLE_LOAD_FACTOR * (rows ? rows : TABLE_SEAL_ROWS);
}

/* ---- The loader ------------------------------------------------------------------------------ */

/* Every column that is stored, in the order of the volume. */
static base_status choose_columns(table_loader *self, base_error *error)
{
    const table_descriptor *descriptor = &self->relation->descriptor;
    uint32_t count = self->column_count;
    self->stored = base_allocate_array(&self->budget, count, sizeof *self->stored);
    self->types = base_allocate_array(&self->budget, count, sizeof *self->types);
    self->view = base_allocate_array(&self->budget, count, sizeof *self->view);
    self->row = base_allocate_zeroed(&self->budget, count * sizeof *self->row);
    if (!self->stored || !self->types || !self->view || !self->row)
        return base_error_no_memory(error);
    for (uint32_t c = 0; c < count; c++) {
        types_type type = descriptor->columns[c].type;
        self->row[c] = (vector){.type = type,
                                .form = (uint8_t)types_form_of(type),
                                .shape = VECTOR_CONSTANT,
                                .data = &self->nothing,
                                .validity = &self->invalid};
        if (descriptor->columns[c].dropped || descriptor->rowid_column == (int32_t)c)
            continue;
        self->types[self->stored_count] = descriptor->columns[c].type;
        self->stored[self->stored_count++] =
            (col_column){c, types_form_of(descriptor->columns[c].type)};
    }
    return BASE_OK;
}

base_status table_loader_create(txn_transaction *transaction, table_relation *relation,
                                table_loader **loader, base_error *error)
{
    table_database *database = table_database_of(transaction);
    RETURN_IF_ERROR(table_enter_write(transaction, relation, &relation, error));
    table_loader *self = base_allocate_zeroed(&database->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    base_budget_init(&self->budget, &database->budget, NULL, "bulk load", SIZE_MAX);
    base_budget_init(&self->writing, &database->budget, NULL, "volume", SIZE_MAX);
    self->database = database;
    self->transaction = transaction;
    self->relation = relation;
    self->column_count = relation->descriptor.column_count;
    base_status status = choose_columns(self, error);
    if (status != BASE_OK) {
        table_loader_destroy(self);
        return status;
    }
    /* Where no volume can come of it nothing is held back. */
    self->mode = self->stored_count && table_index_may_load(relation) ? LOADER_HOLDING : LOADER_HOT;
    *loader = self;
    return BASE_OK;
}

base_status table_loader_append(table_loader *loader, const vector_chunk *rows, int64_t *rowids,
                                bool choose_rowids, table_conflict *conflict, base_error *error)
{
    BASE_ASSERT(rows->count <= VECTOR_SIZE);
    if (choose_rowids)
        RETURN_IF_ERROR(table_choose_rowids(loader->relation->storage, rowids, rows->count, error));
    /* At once, although the rows may be held back: later rows choose. */
    for (uint32_t i = 0; i < rows->count && !choose_rowids; i++)
        table_note_rowid(loader->relation->storage, rowids[i]);
    vector_chunk view = *rows;
    view.columns = loader->view;
    view.column_count = loader->stored_count;
    for (uint32_t c = 0; c < loader->stored_count; c++)
        view.columns[c] = rows->columns[loader->stored[c].id];
    if (loader->mode == LOADER_HOLDING) {
        RETURN_IF_ERROR(hold(loader, &view, rowids, choose_rowids, error));
        if (loader->held_rows < enough_rows(loader->database))
            return BASE_OK;
        RETURN_IF_ERROR(choose_mode(loader, error));
        return load_held(loader, conflict, error);
    }
    return load(loader, &view, rowids, choose_rowids, conflict, error);
}

base_status table_loader_finish(table_loader *loader, table_conflict *conflict, base_error *error)
{
    if (loader->mode == LOADER_HOLDING) {
        loader->mode = LOADER_HOT;
        return load_held(loader, conflict, error);
    }
    if (loader->held_count)
        RETURN_IF_ERROR(table_load_sorted(loader, conflict, error));
    drop_held(loader);
    RETURN_IF_ERROR(table_load_finish_volume(loader, error));
    if (!loader->volume_count)
        return BASE_OK;
    if (loader->relation->index_count)
        RETURN_IF_ERROR(table_index_load(loader->transaction, loader->relation, loader->volumes,
                                         loader->volume_count, conflict, error));
    if (loader->database->in_memory)
        return BASE_OK;
    /* The log will refer to the extents, so they have to be there first, whatever the sync mode:
     * a log that names what is not there could not be replayed. */
    return cache_sync(loader->database->file, error);
}

void table_loader_destroy(table_loader *loader)
{
    if (!loader)
        return;
    base_budget *parent = loader->budget.parent;
    uint32_t count = loader->column_count;
    drop_held(loader);
    col_writer_destroy(loader->writer);
    base_free_array(&loader->budget, loader->held, loader->held_capacity, sizeof *loader->held);
    base_free_array(&loader->budget, loader->volumes, loader->volume_capacity,
                    sizeof *loader->volumes);
    base_free(&loader->budget, loader->stored, count * sizeof *loader->stored);
    base_free(&loader->budget, loader->types, count * sizeof *loader->types);
    base_free(&loader->budget, loader->view, count * sizeof *loader->view);
    base_free(&loader->budget, loader->row, count * sizeof *loader->row);
    BASE_ASSERT(atomic_load(&loader->budget.used) == 0);
    BASE_ASSERT(atomic_load(&loader->writing.used) == 0);
    base_free(parent, loader, sizeof *loader);
}
