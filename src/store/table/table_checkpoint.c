/*
 * table_checkpoint.c - the committed rows go to the file, and the log is forgotten.
 *
 * A checkpoint reads at one sequence, as any reader: writers are not held up. The log starts a
 * new generation at that sequence; the header that refers to the new extents also says which
 * generation to replay first, so the switch from old to new is the one write of a header.
 *
 * A table with many hot rows gets them sealed into volumes (table_seal.c); what is left is
 * packed row by row, and lies in the root itself where it is little: three tiny tables cost
 * one extent. Tables that have not changed since the last checkpoint keep their extents.
 *
 * Invariants
 *   I13 a header names only extents that were synced before it was written (store/cache).
 *   I14 a table's extents hold it as of `saved.sequence`; it is written again when a commit
 *       after that touched it.
 */
#include "store/table/table_bytes_int.h"
#include "store/table/table_history_int.h"

base_status table_saved_add(table_database *database, table_saved *saved,
                            const cache_reference *reference, base_error *error)
{
    if (!base_grow_array(&database->budget, &saved->references, &saved->capacity, saved->count + 1,
                         sizeof *saved->references))
        return base_error_no_memory(error);
    saved->references[saved->count++] = *reference;
    return BASE_OK;
}

void table_saved_free(table_database *database, table_saved *saved)
{
    base_free_array(&database->budget, saved->references, saved->capacity,
                    sizeof *saved->references);
    *saved = (table_saved){0};
}

base_status table_visit_extents(table_database *database, const cache_reference *reference,
                                base_status (*visit)(void *context,
                                                     const cache_reference *reference,
                                                     base_error *error),
                                void *context, base_error *error)
{
    base_status status;
    if (reference->kind == CACHE_KIND_VOLUME) {
        col_volume *volume;
        RETURN_IF_ERROR(
            col_volume_open(database->file, &database->budget, reference, &volume, error));
        status = col_volume_visit(volume, visit, context, error);
        col_volume_close(volume);
        return status;
    }
    if (reference->kind == CACHE_KIND_INDEX_RUN) {
        index_run *run;
        RETURN_IF_ERROR(index_run_open(database->file, &database->budget, reference, &run, error));
        status = index_run_visit(run, visit, context, error);
        index_run_drop(run);
        return status;
    }
    return visit(context, reference, error);
}

typedef struct checkpoint {
    table_database *database;
    txn_transaction *transaction;
    uint64_t sequence;
    bool is_durable; /* the header was written */
    base_buffer root;
    base_buffer rows;
    uint32_t row_count;  /* in `rows` */
    table_saved reached; /* what the new header reaches */
    table_saved fresh;   /* of the relation being written */
    uint32_t relation_count;
    /* Storages that were written: they learn where once the header is durable. */
    struct written {
        table_relation *relation; /* pinned */
        table_saved saved;
        table_seal seal;
    } * written;
    uint32_t written_count, written_capacity;
    /* Marks that were written. */
    struct written_marks {
        table_volume *volume; /* of a storage that `written` pins, or of the root's relation */
        cache_reference reference;
    } * marks;
    uint32_t marks_count, marks_capacity;
    /* Loose volumes that this header takes in. */
    table_volume **adopted;
    uint32_t adopted_count, adopted_capacity;
    table_seal seal;               /* of the relation being written */
    uint64_t horizon;              /* versions over by then need no sequences */
    table_history_save *histories; /* of the storages that have been read */
    uint32_t history_count, history_capacity;
    table_run_changes runs;
} checkpoint;

static void put_u32(base_buffer *bytes, uint32_t value)
{
    base_buffer_append(bytes, &value, sizeof value);
}

static void put_u64(base_buffer *bytes, uint64_t value)
{
    base_buffer_append(bytes, &value, sizeof value);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

enum {
    ROWS_HEAD = 8 /* columns, rows */
};

static void start_rows(checkpoint *self, const table_relation *relation)
{
    base_buffer_clear(&self->rows);
    put_u32(&self->rows, relation->descriptor.column_count | TABLE_ROWS_STAMPED);
    put_u32(&self->rows, 0);
    self->row_count = 0;
}

static void finish_rows(checkpoint *self)
{
    if (!self->rows.failed)
        base_store_u32(self->rows.data + 4, self->row_count);
}

static base_status write_rows(checkpoint *self, base_error *error)
{
    cache_reference reference;
    finish_rows(self);
    if (self->rows.failed)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(cache_write(self->database->file, CACHE_KIND_HOT, self->rows.data,
                                self->rows.length, &reference, error));
    return table_saved_add(self->database, &self->fresh, &reference, error);
}

/* Rowids that were sealed, in rising order over all volumes of the relation. */
typedef struct sealed_list {
    const table_seal *seal;
    uint32_t volume, place;
} sealed_list;

/* Rowids are asked for in rising order. */
static bool was_sealed(sealed_list *list, int64_t rowid)
{
    while (list->volume < list->seal->volume_count) {
        const table_sealed *volume = &list->seal->volumes[list->volume];
        if (list->place < volume->count && volume->rowids[list->place] >= rowid)
            return volume->rowids[list->place] == rowid;
        if (list->place < volume->count) {
            list->place++;
        } else {
            list->volume++;
            list->place = 0;
        }
    }
    return false;
}

static base_status pack_chunk(checkpoint *self, const table_relation *relation,
                              const vector_chunk *chunk, const uint64_t *stamps,
                              sealed_list *sealed, types_cell *cells, bool *nulls,
                              base_error *error)
{
    uint32_t columns = relation->descriptor.column_count;
    const int64_t *rowids = chunk->columns[columns].data;
    for (uint32_t row = 0; row < chunk->count; row++) {
        if (was_sealed(sealed, rowids[row]))
            continue;
        for (uint32_t c = 0; c < columns; c++) {
            types_value value = vector_get(&chunk->columns[c], row);
            cells[c] = value.cell;
            nulls[c] = value.is_null;
        }
        size_t size = sizeof(uint64_t) + table_pack_size(relation, cells, nulls);
        if (self->row_count && self->rows.length + size > TABLE_EXTENT_BYTES) {
            RETURN_IF_ERROR(write_rows(self, error));
            start_rows(self, relation);
        }
        if (!base_buffer_reserve(&self->rows, size))
            return base_error_no_memory(error);
        unsigned char *to = (unsigned char *)self->rows.data + self->rows.length;
        base_store_u64(to, stamps[row]);
        (void)table_pack_row(relation, rowids[row], cells, nulls, to + sizeof(uint64_t));
        self->rows.length += size;
        self->row_count++;
    }
    return BASE_OK;
}

/* All rows at the sequence: full extents are written, the rest stays in `rows`. */
static base_status pack_relation(checkpoint *self, const table_relation *relation,
                                 base_error *error)
{
    base_arena arena;
    base_arena_init(&arena, &self->database->budget);
    uint32_t columns = relation->descriptor.column_count;
    types_type *types = base_arena_allocate_array(&arena, columns + 1, sizeof *types);
    uint32_t *wanted = base_arena_allocate_array(&arena, columns + 1, sizeof *wanted);
    types_cell *cells = base_arena_allocate_array(&arena, columns + 1, sizeof *cells);
    bool *nulls = base_arena_allocate_array(&arena, columns + 1, sizeof *nulls);
    uint64_t *stamps = base_arena_allocate_array(&arena, VECTOR_SIZE, sizeof *stamps);
    vector_chunk chunk;
    base_status status =
        stamps && types && wanted && cells && nulls ? BASE_OK : base_error_no_memory(error);
    for (uint32_t c = 0; status == BASE_OK && c < columns; c++) {
        types[c] = relation->descriptor.columns[c].type;
        wanted[c] = c;
    }
    if (status == BASE_OK) {
        types[columns] = TYPES_OF(INTEGER);
        wanted[columns] = ROW_ROWID;
        status = vector_chunk_init(&chunk, &self->database->budget, types, columns + 1, error);
    }
    if (status == BASE_OK) {
        row_position position = {.next = INT64_MIN, .last = INT64_MAX};
        sealed_list sealed = {.seal = &self->seal};
        start_rows(self, relation);
        while (status == BASE_OK &&
               row_scan_stamped(relation->storage->hot, relation->layout,
                                txn_snapshot_of(self->transaction), &position, wanted, columns + 1,
                                &chunk, stamps) == BASE_ROW)
            status = pack_chunk(self, relation, &chunk, stamps, &sealed, cells, nulls, error);
        vector_chunk_destroy(&chunk);
    }
    base_arena_destroy(&arena);
    return status;
}

/* ---- The root -------------------------------------------------------------------------------- */

static void put_references(checkpoint *self, const table_saved *saved)
{
    put_u32(&self->root, saved->count);
    for (uint32_t i = 0; i < saved->count; i++) {
        unsigned char bytes[CACHE_REFERENCE_SIZE];
        cache_reference_store(&saved->references[i], bytes);
        base_buffer_append(&self->root, bytes, sizeof bytes);
    }
}

static base_status note_reached(checkpoint *self, const table_saved *saved, base_error *error)
{
    for (uint32_t i = 0; i < saved->count; i++)
        RETURN_IF_ERROR(
            table_saved_add(self->database, &self->reached, &saved->references[i], error));
    return BASE_OK;
}

/* The relation's extents pass to `written`. */
static base_status note_written(checkpoint *self, table_relation *relation, base_error *error)
{
    if (!base_grow_array(&self->database->budget, &self->written, &self->written_capacity,
                         self->written_count + 1, sizeof *self->written))
        return base_error_no_memory(error);
    atomic_fetch_add_explicit(&relation->references, 1, memory_order_relaxed);
    self->fresh.sequence = self->sequence;
    self->written[self->written_count++] = (struct written){relation, self->fresh, self->seal};
    self->fresh = (table_saved){0};
    self->seal = (table_seal){.database = self->database};
    return BASE_OK;
}

/* With a hundredth of the table at a time volumes are merged seldom enough (docs/spikes.md, C). */
uint64_t table_rows_worth_sealing(const table_database *database, const table_storage *storage)
{
    uint32_t rows = database->options.seal_rows; /* a setting: another thread may change it */
    if (rows)
        return rows;
    return BASE_MAX((uint64_t)TABLE_SEAL_ROWS, table_cold_count(storage) / 100);
}

static bool is_worth_sealing(const checkpoint *self, const table_storage *storage)
{
    return row_tree_count(storage->hot) >= table_rows_worth_sealing(self->database, storage);
}

/* Rows that some snapshot could not see yet were packed row by row; now every snapshot sees them,
 * or the setting is another. */
static bool could_seal_now(const checkpoint *self, const table_storage *storage)
{
    return is_worth_sealing(self, storage) &&
           txn_oldest_snapshot(self->database->manager) >= row_tree_last_change(storage->hot);
}

/* Rows that changed are packed anew. */
static base_status write_changed(checkpoint *self, table_relation *relation, base_error *error)
{
    self->seal.database = self->database;
    if (is_worth_sealing(self, relation->storage))
        RETURN_IF_ERROR(table_seal_write(&self->seal, relation, error));
    RETURN_IF_ERROR(pack_relation(self, relation, error));
    if (self->rows.failed)
        return base_error_no_memory(error); /* else a torn start would be taken for no rows */
    bool fits = self->fresh.count == 0 && self->rows.length <= TABLE_INLINE_BYTES;
    if (fits) {
        finish_rows(self);
        put_u32(&self->root, (uint32_t)self->rows.length);
        base_buffer_append(&self->root, self->rows.data, self->rows.length);
    } else {
        if (self->row_count)
            RETURN_IF_ERROR(write_rows(self, error));
        put_u32(&self->root, 0);
    }
    put_references(self, &self->fresh);
    return note_reached(self, &self->fresh, error);
}

/* Positions with marks that the checkpoint's snapshot sees; `count` may be 0. */
static base_status write_marks(checkpoint *self, table_volume *volume, cache_reference *reference,
                               base_error *error)
{
    base_buffer bytes;
    memset(reference, 0, sizeof *reference);
    base_buffer_init(&bytes, &self->database->budget);
    base_status status =
        table_marks_pack(volume, txn_snapshot_of(self->transaction), self->horizon, &bytes, error);
    if (status == BASE_OK && bytes.length)
        status = cache_write(self->database->file, CACHE_KIND_MARKS, bytes.data, bytes.length,
                             reference, error);
    base_buffer_destroy(&bytes);
    if (status == BASE_OK &&
        !base_grow_array(&self->database->budget, &self->marks, &self->marks_capacity,
                         self->marks_count + 1, sizeof *self->marks))
        status = base_error_no_memory(error);
    if (status == BASE_OK)
        self->marks[self->marks_count++] = (struct written_marks){volume, *reference};
    return status;
}

static void put_reference(checkpoint *self, const cache_reference *reference)
{
    unsigned char bytes[CACHE_REFERENCE_SIZE];
    cache_reference_store(reference, bytes);
    base_buffer_append(&self->root, bytes, sizeof bytes);
}

static base_status adopt_extent(void *context, const cache_reference *reference, base_error *error)
{
    return cache_adopt(context, reference, error);
}

static base_status adopt_volume(checkpoint *self, table_volume *volume, base_error *error)
{
    if (!base_grow_array(&self->database->budget, &self->adopted, &self->adopted_capacity,
                         self->adopted_count + 1, sizeof *self->adopted))
        return base_error_no_memory(error);
    RETURN_IF_ERROR(col_volume_visit(volume->data, adopt_extent, self->database->file, error));
    self->adopted[self->adopted_count++] = volume;
    return BASE_OK;
}

/* A volume's entry; `marks` may be null. */
static base_status put_volume(checkpoint *self, const cache_reference *reference,
                              const cache_reference *marks, uint64_t since, base_error *error)
{
    put_reference(self, reference);
    put_reference(self, marks);
    put_u32(&self->root, 0);
    put_u64(&self->root, since);
    if (!cache_reference_is_null(marks))
        RETURN_IF_ERROR(table_saved_add(self->database, &self->reached, marks, error));
    return table_saved_add(self->database, &self->reached, reference, error);
}

static base_status write_volume(checkpoint *self, table_volume *volume, base_error *error)
{
    cache_reference marks = volume->marks_reference;
    if (atomic_load(&volume->loose))
        RETURN_IF_ERROR(adopt_volume(self, volume, error));
    if (atomic_load(&volume->marked_at) > volume->marks_saved_at)
        RETURN_IF_ERROR(write_marks(self, volume, &marks, error));
    return put_volume(self, col_volume_reference(volume->data), &marks, atomic_load(&volume->since),
                      error);
}

static base_status write_volumes(checkpoint *self, table_storage *storage, const table_seal *fresh,
                                 base_error *error)
{
    static const cache_reference none;
    const table_volumes *list = table_volumes_of(storage);
    uint32_t count = list ? list->count : 0, visible = 0;
    const txn_snapshot *snapshot = txn_snapshot_of(self->transaction);
    for (uint32_t i = 0; i < count; i++)
        visible += table_volume_is_visible(list->volumes[i], snapshot);
    put_u32(&self->root, visible + fresh->volume_count);
    for (uint32_t i = 0; i < count; i++) {
        table_volume *volume = list->volumes[i];
        if (table_volume_is_visible(volume, snapshot))
            RETURN_IF_ERROR(write_volume(self, volume, error));
    }
    for (uint32_t i = 0; i < fresh->volume_count; i++)
        RETURN_IF_ERROR(
            put_volume(self, &fresh->volumes[i].reference, &none, self->sequence, error));
    return BASE_OK;
}

static base_status put_history_volume(checkpoint *self, const cache_reference *reference,
                                      base_error *error)
{
    put_reference(self, reference);
    return table_saved_add(self->database, &self->reached, reference, error);
}

static base_status write_history(checkpoint *self, table_relation *relation, base_error *error)
{
    if (!base_grow_array(&self->database->budget, &self->histories, &self->history_capacity,
                         self->history_count + 1, sizeof *self->histories))
        return base_error_no_memory(error);
    table_history_save *save = &self->histories[self->history_count];
    *save = (table_history_save){.relation = relation};
    atomic_fetch_add_explicit(&relation->references, 1, memory_order_relaxed);
    self->history_count++;
    RETURN_IF_ERROR(table_history_save_write(save, relation, self->sequence, error));
    put_u64(&self->root, save->from);
    put_u32(&self->root, (uint32_t)save->packed.length);
    base_buffer_append(&self->root, save->packed.data, save->packed.length);
    uint32_t count = table_history_save_count(save);
    put_u32(&self->root, count);
    for (uint32_t i = 0; i < count; i++) {
        table_volume *volume = table_history_save_at(save, i);
        if (atomic_load(&volume->loose))
            RETURN_IF_ERROR(adopt_volume(self, volume, error));
        RETURN_IF_ERROR(put_history_volume(self, col_volume_reference(volume->data), error));
    }
    return BASE_OK;
}

/* What nobody has touched since the file was opened stays where it is. */
static base_status write_unread(checkpoint *self, const table_storage *storage,
                                const table_unread *unread, base_error *error)
{
    put_u32(&self->root, unread->row_bytes);
    base_buffer_append(&self->root, unread->rows, unread->row_bytes);
    put_references(self, &storage->saved);
    RETURN_IF_ERROR(note_reached(self, &storage->saved, error));
    put_u32(&self->root, unread->volume_count);
    for (uint32_t i = 0; i < unread->volume_count; i++) {
        const struct table_unread_volume *volume = &unread->volumes[i];
        RETURN_IF_ERROR(put_volume(self, &volume->reference, &volume->marks, volume->since, error));
    }
    put_u64(&self->root, atomic_load(&storage->history.from));
    put_u32(&self->root, unread->past_bytes);
    base_buffer_append(&self->root, unread->past, unread->past_bytes);
    put_u32(&self->root, unread->history_count);
    for (uint32_t i = 0; i < unread->history_count; i++)
        RETURN_IF_ERROR(put_history_volume(self, &unread->history[i], error));
    return BASE_OK;
}

static base_status write_storage(checkpoint *self, table_relation *relation, bool *changed,
                                 base_error *error)
{
    table_storage *storage = relation->storage;
    *changed = storage->saved.count == 0 ||
               row_tree_last_change(storage->hot) > storage->saved.sequence || /* I14 */
               could_seal_now(self, storage);
    if (*changed) {
        RETURN_IF_ERROR(write_changed(self, relation, error));
    } else {
        put_u32(&self->root, 0);
        put_references(self, &storage->saved);
        RETURN_IF_ERROR(note_reached(self, &storage->saved, error));
    }
    RETURN_IF_ERROR(write_volumes(self, storage, &self->seal, error));
    return write_history(self, relation, error);
}

static base_status write_index(checkpoint *self, table_relation *relation, table_index *index,
                               bool unread, base_error *error)
{
    table_run_list list = {0};
    base_status status =
        unread ? table_run_pass_on(&self->runs, index, &list, error)
               : table_run_write(&self->runs, index, relation, txn_snapshot_of(self->transaction),
                                 &self->seal, &list, error);
    table_put_index(index, &self->root);
    put_u32(&self->root, list.complete ? TABLE_INDEX_COMPLETE : 0);
    put_u32(&self->root, list.count);
    for (uint32_t i = 0; status == BASE_OK && i < list.count; i++) {
        const cache_reference *reference = index_run_reference(list.runs[i]);
        put_reference(self, reference);
        status = table_saved_add(self->database, &self->reached, reference, error);
    }
    table_run_list_free(self->database, &list);
    return status;
}

static base_status write_indexes(checkpoint *self, table_relation *relation, bool unread,
                                 base_error *error)
{
    put_u32(&self->root, relation->index_count);
    for (uint32_t i = 0; i < relation->index_count; i++)
        RETURN_IF_ERROR(write_index(self, relation, relation->indexes[i], unread, error));
    return BASE_OK;
}

static base_status write_relation(checkpoint *self, table_relation *relation, base_error *error)
{
    table_storage *storage = relation->storage;
    table_put_descriptor(relation, &self->root);
    size_t next_rowid = self->root.length;
    put_u64(&self->root, 0);
    put_u32(&self->root, 0); /* flags */
    bool changed = false;
    os_mutex_lock(&self->database->load_mutex);
    const table_unread *unread = atomic_load_explicit(&storage->unread, memory_order_relaxed);
    base_status status = unread ? write_unread(self, storage, unread, error) : BASE_OK;
    os_mutex_unlock(&self->database->load_mutex);
    if (!unread)
        status = write_storage(self, relation, &changed, error);
    if (status != BASE_OK)
        return status;
    RETURN_IF_ERROR(write_indexes(self, relation, unread != NULL, error));
    if (changed)
        RETURN_IF_ERROR(note_written(self, relation, error));
    self->relation_count++;
    if (self->root.failed)
        return base_error_no_memory(error);
    /* Only now: runs may have entries of rows that came meanwhile. */
    base_store_u64(self->root.data + next_rowid, (uint64_t)atomic_load(&storage->next_rowid));
    return BASE_OK;
}

static void put_times(checkpoint *self)
{
    table_database *database = self->database;
    os_mutex_lock(&database->times_mutex);
    put_u32(&self->root, database->times.count);
    for (uint32_t i = 0; i < database->times.count; i++) {
        put_u64(&self->root, database->times.places[i].sequence);
        put_u64(&self->root, (uint64_t)database->times.places[i].time);
    }
    os_mutex_unlock(&database->times_mutex);
}

static base_status write_relations(checkpoint *self, base_error *error)
{
    uint64_t *ids;
    uint32_t count, capacity;
    put_u32(&self->root, TABLE_ROOT_VERSION);
    put_u32(&self->root, 0);
    RETURN_IF_ERROR(table_list_ids(self->database, &ids, &count, &capacity, error));
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < count && status == BASE_OK; i++) {
        table_relation *relation;
        if (table_pin(self->transaction, ids[i], &relation, NULL) != BASE_OK)
            continue; /* not there at the sequence */
        status = write_relation(self, relation, error);
        table_release(relation);
    }
    base_free_array(&self->database->budget, ids, capacity, sizeof *ids);
    if (status == BASE_OK && self->root.failed)
        status = base_error_no_memory(error);
    if (status == BASE_OK)
        base_store_u32(self->root.data + 4, self->relation_count);
    if (status != BASE_OK)
        return status;
    put_times(self);
    return self->root.failed ? base_error_no_memory(error) : BASE_OK;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static base_status write_all(checkpoint *self, const wal_switch_point *point, base_error *error)
{
    table_database *database = self->database;
    cache_root root = *cache_get_root(database->file);
    RETURN_IF_ERROR(write_relations(self, error));
    RETURN_IF_ERROR(table_free_unreached(database, &self->reached, &root, error));
    RETURN_IF_ERROR(cache_write(database->file, CACHE_KIND_ROOT, self->root.data, self->root.length,
                                &root.root, error));
    root.sequence = point->sequence;
    root.time = wal_last_time(database->log);
    root.log_generation = point->generation;
    root.next_id = atomic_load(&database->next_id);
    return cache_checkpoint_commit(database->file, &root, error);
}

/* The header is durable: storages learn where their rows are. */
static void settle(checkpoint *self)
{
    table_database *database = self->database;
    for (uint32_t i = 0; i < self->written_count; i++) {
        table_storage *storage = self->written[i].relation->storage;
        table_saved_free(database, &storage->saved);
        storage->saved = self->written[i].saved;
        self->written[i].saved = (table_saved){0};
        if (!database->closing)
            table_seal_switch(&self->written[i].seal, storage);
    }
    table_run_settle(&self->runs);
    for (uint32_t i = 0; i < self->history_count; i++)
        table_history_save_settle(&self->histories[i]);
    for (uint32_t i = 0; i < self->adopted_count; i++)
        atomic_store(&self->adopted[i]->loose, false);
    for (uint32_t i = 0; i < self->marks_count; i++) {
        self->marks[i].volume->marks_saved_at = self->sequence;
        self->marks[i].volume->marks_reference = self->marks[i].reference;
    }
    database->looked_for_space = true;
    table_saved_free(database, &database->reached);
    database->reached = self->reached;
    self->reached = (table_saved){0};
}

static void clean_up(checkpoint *self)
{
    table_database *database = self->database;
    for (uint32_t i = 0; i < self->written_count; i++) {
        table_saved_free(database, &self->written[i].saved);
        table_seal_free(&self->written[i].seal);
        table_release(self->written[i].relation);
    }
    base_free_array(&database->budget, self->written, self->written_capacity,
                    sizeof *self->written);
    for (uint32_t i = 0; i < self->history_count; i++) {
        table_relation *relation = self->histories[i].relation;
        table_history_save_free(&self->histories[i]);
        table_release(relation);
    }
    base_free_array(&database->budget, self->histories, self->history_capacity,
                    sizeof *self->histories);
    table_saved_free(database, &self->reached);
    table_saved_free(database, &self->fresh);
    table_seal_free(&self->seal);
    table_run_changes_free(&self->runs);
    base_free_array(&database->budget, self->adopted, self->adopted_capacity,
                    sizeof *self->adopted);
    base_free_array(&database->budget, self->marks, self->marks_capacity, sizeof *self->marks);
    base_buffer_destroy(&self->root);
    base_buffer_destroy(&self->rows);
}

/* Snapshots that are active now may go on reading what this checkpoint frees: dropped tables,
 * volumes and runs that were merged. While they do its space is not used again. */
typedef struct reading {
    txn_garbage garbage;
    table_database *database;
    uint64_t token; /* of cache_enter */
} reading;

static void end_reading(txn_garbage *garbage, txn_manager *manager, uint64_t oldest)
{
    reading *self = (reading *)(void *)garbage;
    (void)manager;
    (void)oldest;
    cache_leave(self->database->file, self->token);
    base_free(&self->database->budget, self, sizeof *self);
}

/* The checkpoint mutex is held, the reader has begun. */
static base_status write_checkpoint(checkpoint *self, base_error *error)
{
    table_database *database = self->database;
    wal_switch_point point;
    RETURN_IF_ERROR(wal_switch(database->log, cache_epoch(database->file), &point, error));
    if (point.sequence == 0)
        return BASE_OK; /* nothing was ever committed */
    self->sequence = point.sequence;
    table_history_note_time(database, point.sequence, wal_last_time(database->log));
    self->horizon =
        database->options.history_retention > 0 ? table_history_horizon(database) : point.sequence;
    txn_snapshot_raise(self->transaction, point.sequence);
    reading *readers = base_allocate(&database->budget, sizeof *readers);
    if (!readers)
        return base_error_no_memory(error);
    readers->database = database;
    readers->token = cache_enter(database->file);
    base_status status = cache_checkpoint_begin(database->file, error);
    if (status == BASE_OK) {
        status = write_all(self, &point, error);
        if (status != BASE_OK)
            cache_checkpoint_abort(database->file);
    }
    if (status != BASE_OK) {
        end_reading(&readers->garbage, database->manager, 0);
        return status;
    }
    wal_release(database->log, &point);
    self->is_durable = true;
    settle(self);
    txn_retire(database->manager, &readers->garbage, end_reading);
    return BASE_OK;
}

static base_status run(checkpoint *self, base_error *error)
{
    table_saved discarded;
    table_take_discarded(self->database, &discarded);
    base_status status = write_checkpoint(self, error);
    table_settle_discarded(self->database, &discarded, self->is_durable);
    return status;
}

base_status table_checkpoint(table_database *database, base_error *error)
{
    if (database->in_memory)
        return table_seal_in_memory(database, error);
    if (database->read_only)
        return base_error_set(error, BASE_READ_ONLY, "the database is open for reading only");
    checkpoint self = {
        .database = database, .seal = {.database = database}, .runs = {.database = database}};
    base_buffer_init(&self.root, &database->budget);
    base_buffer_init(&self.rows, &database->budget);
    os_mutex_lock(&database->checkpoint_mutex);
    txn_collect_garbage(database->manager, UINT32_MAX); /* rows with versions behind stay hot */
    base_status status = txn_begin(database->manager, TXN_SNAPSHOT, true, &self.transaction, error);
    if (status == BASE_OK) {
        status = run(&self, error);
        txn_rollback(self.transaction);
    }
    clean_up(&self);
    os_mutex_unlock(&database->checkpoint_mutex);
    if (status == BASE_OK)
        table_compact_soon(database);
    return status;
}

/* ---- In the background ----------------------------------------------------------------------- */

static void checkpoint_task(void *argument)
{
    table_database *database = argument;
    (void)table_checkpoint(database, NULL); /* the log stays: tried again later */
    atomic_store(&database->checkpoint_waits, false);
}

void table_checkpoint_if_due(table_database *database)
{
    uint64_t limit = database->options.checkpoint_log_size;
    /* A log of a quarter of the memory in use is worth no rewriting yet. */
    uint64_t used = atomic_load_explicit(&database->budget.used, memory_order_relaxed);
    if (limit == 0 || (wal_live_bytes(database->log) <= BASE_MAX(limit, used / 4) &&
                       !table_history_is_due(database)))
        return;
    if (atomic_exchange(&database->checkpoint_waits, true))
        return;
    if (os_task_group_start(database->background, checkpoint_task, database, NULL) != BASE_OK)
        atomic_store(&database->checkpoint_waits, false);
}
