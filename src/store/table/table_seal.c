/*
 * table_seal.c - hot rows become volumes.
 *
 * Within a checkpoint the rows that every snapshot sees, and that have nothing behind them,
 * are copied to volumes, whoever reads or writes them meanwhile. Once the header that reaches
 * the volumes is durable, one bare commit makes the switch: its sequence is the one from which
 * on the rows are read from the volumes (row_seal.c). Rows that were changed since they were
 * copied are marked in the volume instead: they stay hot. When no older snapshot is left the
 * hot copies are freed.
 *
 * A crash between header and switch needs nothing: after a reopen the volumes are read, and
 * the log brings the later changes.
 */
#include "store/table/table_int.h"

void table_seal_free(table_seal *seal)
{
    if (!seal->database)
        return;
    base_budget *budget = &seal->database->budget;
    for (uint32_t i = 0; i < seal->volume_count; i++)
        base_free_array(budget, seal->volumes[i].rowids, seal->volumes[i].capacity,
                        sizeof(int64_t));
    base_free_array(budget, seal->volumes, seal->volume_capacity, sizeof *seal->volumes);
    *seal = (table_seal){.database = seal->database};
}

/* ---- Writing --------------------------------------------------------------------------------- */

typedef struct sealer {
    table_seal *seal;
    const table_relation *relation;
    uint64_t newest;
    base_arena arena;
    uint32_t column_count; /* stored ones */
    uint32_t *columns;     /* and the rowid */
    types_type *types;
    col_column *cold;
    vector_chunk chunk;
    bool has_chunk;
    uint64_t stamps[VECTOR_SIZE];
    uint16_t rows[VECTOR_SIZE];
    table_layers layers;
    col_writer *writer; /* of the volume being filled, or NULL */
    bool has_border;
    int64_t border; /* the first rowid that belongs to the next one */
} sealer;

static base_status open_sealer(sealer *self, base_error *error)
{
    const table_relation *relation = self->relation;
    uint32_t count = relation->descriptor.column_count;
    base_budget *budget = &self->seal->database->budget;
    base_arena_init(&self->arena, budget);
    self->columns = base_arena_allocate_array(&self->arena, count + 1, sizeof *self->columns);
    self->types = base_arena_allocate_array(&self->arena, count + 1, sizeof *self->types);
    self->cold = base_arena_allocate_array(&self->arena, count + 1, sizeof *self->cold);
    if (!self->columns || !self->types || !self->cold)
        return base_error_no_memory(error);
    for (uint32_t c = 0; c < count; c++) {
        const table_column *column = &relation->descriptor.columns[c];
        if (column->dropped || relation->descriptor.rowid_column == (int32_t)c)
            continue;
        self->cold[self->column_count] = (col_column){c, types_form_of(column->type)};
        self->types[self->column_count] = column->type;
        self->columns[self->column_count++] = c;
    }
    self->columns[self->column_count] = ROW_ROWID;
    self->types[self->column_count] = TYPES_OF(INTEGER);
    RETURN_IF_ERROR(
        vector_chunk_init(&self->chunk, budget, self->types, self->column_count + 1, error));
    self->has_chunk = true;
    for (uint32_t i = 0; i < VECTOR_SIZE; i++)
        self->rows[i] = (uint16_t)i;
    const table_storage *storage = relation->storage;
    return table_layers_make(storage, table_volumes_of(storage), &self->layers, error);
}

static void close_sealer(sealer *self)
{
    if (self->writer)
        col_writer_destroy(self->writer);
    if (self->has_chunk)
        vector_chunk_destroy(&self->chunk);
    table_layers_free(self->relation->storage, &self->layers);
    base_arena_destroy(&self->arena);
}

/* Ends where a volume of the base begins, so that a merge concerns the rows of one (see
 * table_compact_plan.c); behind the base the volume becomes part of it. */
static base_status start_volume(sealer *self, int64_t rowid, base_error *error)
{
    table_seal *seal = self->seal;
    table_database *database = seal->database;
    if (!base_grow_array(&database->budget, &seal->volumes, &seal->volume_capacity,
                         seal->volume_count + 1, sizeof *seal->volumes))
        return base_error_no_memory(error);
    seal->volumes[seal->volume_count++] = (table_sealed){.newest = self->newest};
    self->has_border = table_layers_border(&self->layers, rowid, &self->border);
    col_writer_options options = {.file = database->file,
                                  .budget = &database->budget,
                                  .runtime = database->runtime,
                                  .memory = database->options.memory_limit / 4,
                                  .loose = database->in_memory,
                                  .column_count = self->column_count,
                                  .columns = self->cold};
    return col_writer_create(&options, &self->writer, error);
}

static base_status finish_volume(sealer *self, base_error *error)
{
    if (!self->writer)
        return BASE_OK;
    table_sealed *volume = &self->seal->volumes[self->seal->volume_count - 1];
    RETURN_IF_ERROR(col_writer_finish(self->writer, &volume->reference, error));
    col_writer_destroy(self->writer);
    self->writer = NULL;
    return BASE_OK;
}

/* Rows [from, to) of the chunk; the last column has the rowids. */
static base_status append_rows(sealer *self, uint32_t from, uint32_t to, base_error *error)
{
    table_sealed *volume = &self->seal->volumes[self->seal->volume_count - 1];
    const int64_t *rowids = (const int64_t *)self->chunk.columns[self->column_count].data + from;
    vector_chunk part = self->chunk;
    part.count = to - from;
    part.selection = self->rows + from;
    if (!base_grow_array(&self->seal->database->budget, &volume->rowids, &volume->capacity,
                         volume->count + part.count, sizeof *rowids))
        return base_error_no_memory(error);
    memcpy(volume->rowids + volume->count, rowids, part.count * sizeof *rowids);
    RETURN_IF_ERROR(col_writer_append(self->writer, &part, rowids, self->stamps + from, 0, error));
    volume->count += part.count;
    return BASE_OK;
}

static base_status append_chunk(sealer *self, base_error *error)
{
    const int64_t *rowids = self->chunk.columns[self->column_count].data;
    for (uint32_t from = 0; from < self->chunk.count;) {
        if (!self->writer)
            RETURN_IF_ERROR(start_volume(self, rowids[from], error));
        uint64_t room = COL_MAX_ROWS - col_writer_row_count(self->writer);
        uint32_t to = (uint32_t)BASE_MIN((uint64_t)self->chunk.count, from + room);
        while (self->has_border && to > from && rowids[to - 1] >= self->border)
            to--;
        if (to > from)
            RETURN_IF_ERROR(append_rows(self, from, to, error));
        else
            RETURN_IF_ERROR(finish_volume(self, error));
        from = to;
    }
    return BASE_OK;
}

base_status table_seal_write(table_seal *seal, const table_relation *relation, base_error *error)
{
    sealer self = {.seal = seal, .relation = relation};
    self.newest = txn_oldest_snapshot(seal->database->manager);
    base_status status = open_sealer(&self, error);
    row_position position = {.next = INT64_MIN, .last = INT64_MAX};
    while (status == BASE_OK &&
           row_collect(relation->storage->hot, relation->layout, self.newest, &position,
                       self.columns, self.column_count + 1, &self.chunk, self.stamps) == BASE_ROW)
        status = append_chunk(&self, error);
    if (status == BASE_OK)
        status = finish_volume(&self, error);
    close_sealer(&self);
    return status;
}

/* ---- The switch ------------------------------------------------------------------------------ */

/* Frees the hot copies when nobody reads them any more. */
typedef struct sweep {
    txn_garbage garbage;
    table_storage *storage;
} sweep;

static void run_sweep(txn_garbage *garbage, txn_manager *manager, uint64_t oldest)
{
    sweep *self = (sweep *)(void *)garbage;
    table_storage *storage = self->storage;
    (void)manager;
    row_sweep(storage->hot, oldest);
    base_free(&storage->database->budget, self, sizeof *self);
    table_storage_drop(storage);
}

typedef struct switcher {
    table_storage *storage;
    const table_sealed *sealed;
    table_volume *volume;
} switcher;

static void mark_stale(void *context, uint32_t place)
{
    switcher *self = context;
    table_mark_reserved(self->volume, place);
}

/*
 * Between two commits; cannot fail. Copies that commits have outdated are marked before anybody
 * sees the volume, so that no copy is ever taken for a version that was already over (I12); they
 * stay outdated, whoever rolls back meanwhile. The volume is known to writers before the first
 * row says so. What row_seal finds stale besides is held by open transactions: behind their
 * versions lies what the copy has.
 */
static void publish_switch(void *context, uint64_t sequence)
{
    switcher *self = context;
    const table_sealed *sealed = self->sealed;
    row_tree *hot = self->storage->hot;
    row_find_stale(hot, sealed->rowids, sealed->count, sealed->newest, mark_stale, self);
    atomic_store_explicit(&self->volume->since, sequence, memory_order_release);
    atomic_fetch_add(&self->storage->placements, 1);
    row_seal(hot, sealed->rowids, sealed->count, sealed->newest, sequence, mark_stale, self);
    atomic_store(&self->volume->marked_at, sequence);
}

static base_status switch_volume(table_seal *seal, table_storage *storage,
                                 const table_sealed *sealed)
{
    table_database *database = seal->database;
    switcher self = {.storage = storage, .sealed = sealed};
    sweep *later = base_allocate(&database->budget, sizeof *later);
    if (!later)
        return BASE_OUT_OF_MEMORY;
    base_status status =
        table_volume_add(storage, &sealed->reference, TABLE_NEVER, &self.volume, NULL);
    if (status == BASE_OK) {
        self.volume->loose = database->in_memory; /* and for ever */
        status = table_mark_reserve_all(self.volume, NULL);
        if (status == BASE_OK)
            status = txn_publish(database->manager, publish_switch, &self, NULL);
        table_mark_trim(storage, self.volume);
        if (status != BASE_OK)
            atomic_store(&self.volume->abandoned, true);
    }
    if (status != BASE_OK) {
        base_free(&database->budget, later, sizeof *later);
        return status;
    }
    atomic_fetch_add_explicit(&storage->references, 1, memory_order_relaxed);
    later->storage = storage;
    txn_retire(database->manager, &later->garbage, run_sweep);
    return BASE_OK;
}

void table_seal_switch(table_seal *seal, table_storage *storage)
{
    if (seal->volume_count)
        atomic_fetch_add(&storage->seal_count, 1);
    for (uint32_t i = 0; i < seal->volume_count; i++) {
        if (switch_volume(seal, storage, &seal->volumes[i]) != BASE_OK)
            storage->saved.sequence = 0; /* rows stayed hot that no extent has: I14 */
    }
}
