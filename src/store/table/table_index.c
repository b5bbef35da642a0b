/*
 * table_index.c - index objects: making one, entries of its rows, filling its tree.
 *
 * After a reopen the tree is filled when the index is first needed, from the rows of the hot store
 * alone: those in volumes have their entries in key runs.
 */
#include "store/table/table_int.h"

static void destroy_index(table_index *index)
{
    base_budget *budget = &index->database->budget;
    uint32_t count = index->descriptor.part_count;
    if (index->entries)
        index_set_destroy(index->entries);
    base_free(budget, (void *)(uintptr_t)index->descriptor.parts, count * sizeof(table_index_part));
    base_free(budget, index->key_parts, count * sizeof *index->key_parts);
    base_free(budget, index->key_columns, count * sizeof *index->key_columns);
    base_free(budget, index, sizeof *index);
}

void table_index_drop_reference(table_index *index)
{
    if (atomic_fetch_sub_explicit(&index->references, 1, memory_order_acq_rel) == 1)
        destroy_index(index);
}

static base_status check_parts(const table_relation *relation,
                               const table_index_descriptor *descriptor, base_error *error)
{
    if (descriptor->part_count == 0 || descriptor->part_count > TABLE_MAX_KEY_PARTS)
        return base_error_set(error, BASE_LIMIT, "an index has 1 to %d columns",
                              TABLE_MAX_KEY_PARTS);
    for (uint32_t i = 0; i < descriptor->part_count; i++) {
        uint32_t column = descriptor->parts[i].column;
        if (column >= relation->descriptor.column_count ||
            relation->descriptor.columns[column].dropped)
            return base_error_set(error, BASE_UNDEFINED_COLUMN, "an index column does not exist");
    }
    return BASE_OK;
}

base_status table_index_make(table_database *database, const table_relation *relation,
                             const table_index_descriptor *descriptor, table_index **index,
                             base_error *error)
{
    RETURN_IF_ERROR(check_parts(relation, descriptor, error));
    base_budget *budget = &database->budget;
    table_index *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    uint32_t count = descriptor->part_count;
    atomic_init(&self->references, 1);
    self->database = database;
    self->descriptor = *descriptor;
    table_index_part *parts = base_allocate_array(budget, count, sizeof *parts);
    self->descriptor.parts = parts;
    self->key_parts = base_allocate_array(budget, count, sizeof *self->key_parts);
    self->key_columns = base_allocate_array(budget, count, sizeof *self->key_columns);
    base_status status = BASE_OK;
    if (!parts || !self->key_parts || !self->key_columns)
        status = base_error_no_memory(error);
    for (uint32_t i = 0; status == BASE_OK && i < count; i++) {
        parts[i] = descriptor->parts[i];
        self->key_columns[i] = parts[i].column;
        self->key_parts[i] =
            (vector_key_part){.type = relation->descriptor.columns[parts[i].column].type,
                              .descending = parts[i].descending,
                              .nulls_first = parts[i].nulls_first};
    }
    if (status == BASE_OK)
        status = index_set_create(&index_btree_kind, budget, &self->entries, error);
    if (status != BASE_OK) {
        destroy_index(self);
        return status;
    }
    *index = self;
    return BASE_OK;
}

/* ---- Entries of rows ------------------------------------------------------------------------- */

/* Chunks of the parts' columns and, last, the rowids. */
typedef struct key_reader {
    table_index *index;
    table_relation *relation;
    vector_chunk chunk;
    uint32_t columns[TABLE_MAX_KEY_PARTS + 1];
    base_buffer key;
    const table_entry_sink *sink;
} key_reader;

static base_status open_reader(key_reader *self, table_index *index, table_relation *relation,
                               const table_entry_sink *sink, base_error *error)
{
    uint32_t parts = index->descriptor.part_count;
    types_type types[TABLE_MAX_KEY_PARTS + 1];
    self->index = index;
    self->relation = relation;
    self->sink = sink;
    for (uint32_t i = 0; i < parts; i++) {
        self->columns[i] = index->key_columns[i];
        types[i] = index->key_parts[i].type;
    }
    self->columns[parts] = ROW_ROWID;
    types[parts] = TYPES_OF(INTEGER);
    base_budget *budget = &index->database->budget;
    base_buffer_init(&self->key, budget);
    return vector_chunk_init(&self->chunk, budget, types, parts + 1, error);
}

static void close_reader(key_reader *self)
{
    base_buffer_destroy(&self->key);
    vector_chunk_destroy(&self->chunk);
}

static base_status give_entries(key_reader *self, base_error *error)
{
    uint32_t parts = self->index->descriptor.part_count;
    for (uint32_t i = 0; i < self->chunk.count; i++) {
        uint32_t row = vector_row(self->chunk.selection, i);
        types_cell cells[TABLE_MAX_KEY_PARTS];
        bool nulls[TABLE_MAX_KEY_PARTS];
        for (uint32_t k = 0; k < parts; k++)
            nulls[k] = !vector_load(&self->chunk.columns[k], row, &cells[k]);
        RETURN_IF_ERROR(table_key_build(self->index, cells, nulls, &self->key, error));
        RETURN_IF_ERROR(self->sink->add(self->sink->context,
                                        (base_text){self->key.data, self->key.length},
                                        vector_get(&self->chunk.columns[parts], row).cell.int64,
                                        table_key_has_null(self->index, nulls), error));
    }
    return BASE_OK;
}

static base_status read_scan(key_reader *self, const txn_snapshot *snapshot, base_error *error)
{
    table_scan_options options = {.columns = self->columns,
                                  .column_count = self->chunk.column_count,
                                  .first_rowid = INT64_MIN,
                                  .last_rowid = INT64_MAX};
    table_scan *scan;
    table_reader *reader = NULL;
    RETURN_IF_ERROR(table_scan_create_at(self->relation, snapshot, &options, &scan, error));
    base_status status = table_reader_create(scan, &reader, error);
    for (uint32_t unit = 0; status == BASE_OK && unit < table_scan_unit_count(scan); unit++) {
        status = table_reader_open_unit(reader, unit, error);
        while (status == BASE_OK &&
               (status = table_reader_next(reader, &self->chunk, error)) == BASE_ROW)
            status = give_entries(self, error);
        if (status == BASE_DONE)
            status = BASE_OK;
    }
    table_reader_destroy(reader);
    table_scan_destroy(scan);
    return status;
}

base_status table_entries_of_all(table_index *index, table_relation *relation,
                                 const txn_snapshot *snapshot, const table_entry_sink *sink,
                                 base_error *error)
{
    key_reader self;
    RETURN_IF_ERROR(open_reader(&self, index, relation, sink, error));
    base_status status = read_scan(&self, snapshot, error);
    close_reader(&self);
    return status;
}

/* Those of rows in the hot store alone. */
static base_status entries_of_hot(table_index *index, table_relation *relation,
                                  const txn_snapshot *snapshot, const table_entry_sink *sink,
                                  base_error *error)
{
    key_reader self;
    row_position position = {.next = INT64_MIN, .last = INT64_MAX};
    base_status status = BASE_OK;
    RETURN_IF_ERROR(open_reader(&self, index, relation, sink, error));
    while (status == BASE_OK &&
           row_scan(relation->storage->hot, relation->layout, snapshot, &position, self.columns,
                    self.chunk.column_count, &self.chunk) == BASE_ROW)
        status = give_entries(&self, error);
    close_reader(&self);
    return status;
}

/* One vector of a volume's rows. */
static base_status read_vector(key_reader *self, const table_volume *volume, uint32_t number,
                               base_error *error)
{
    uint32_t parts = self->index->descriptor.part_count;
    vector_chunk_reset(&self->chunk);
    for (uint32_t i = 0; i <= parts; i++) {
        bool is_rowid = table_is_rowid(self->relation, self->columns[i]);
        int32_t place = col_volume_column(volume->data, is_rowid ? COL_ROWID : self->columns[i]);
        if (place < 0)
            return base_error_set(error, BASE_INTERNAL, "a loaded volume lacks a key's column");
        RETURN_IF_ERROR(col_volume_vector(volume->data, place, number, &self->chunk.columns[i],
                                          &self->chunk.count, self->chunk.heap, error));
    }
    return give_entries(self, error);
}

base_status table_entries_of_volume(table_index *index, table_relation *relation,
                                    const table_volume *volume, const table_entry_sink *sink,
                                    base_error *error)
{
    key_reader self;
    base_status status = BASE_OK;
    RETURN_IF_ERROR(open_reader(&self, index, relation, sink, error));
    for (uint32_t i = 0; status == BASE_OK && i < volume->vector_count; i++)
        status = read_vector(&self, volume, i, error);
    close_reader(&self);
    return status;
}

/* ---- Filling the tree ------------------------------------------------------------------------ */

typedef struct filler {
    table_index *index;
    table_relation *relation;
    bool duplicates_possible;
    txn_transaction *old_keys_of; /* fills for an older snapshot; NULL otherwise */
} filler;

static base_status add_to_tree(void *context, base_text key, int64_t rowid, bool has_null,
                               base_error *error)
{
    filler *fill = context;
    uint32_t found = 0;
    RETURN_IF_ERROR(index_set_insert(fill->index->entries, key, rowid, false, &found, error));
    if (fill->old_keys_of && !(found & INDEX_FOUND_ENTRY))
        RETURN_IF_ERROR(
            table_note_old_key(fill->old_keys_of, fill->relation, fill->index, rowid, key, error));
    fill->duplicates_possible |= (found & INDEX_FOUND_KEY) != 0 && !has_null;
    return BASE_OK;
}

bool table_key_bytes_have_null(const table_index *index, base_text key)
{
    base_arena arena;
    base_arena_init(&arena, &index->database->budget);
    size_t offset = 0;
    bool has_null = false;
    for (uint32_t i = 0; i < index->descriptor.part_count && !has_null; i++) {
        types_cell cell;
        if (!vector_key_decode(&index->key_parts[i], key, &offset, &arena, &cell, &has_null))
            break;
    }
    base_arena_destroy(&arena);
    return has_null;
}

/* All entries are of rows that are there now: two equal keys side by side are a duplicate. */
static base_status find_duplicate(const table_index *index, base_error *error)
{
    index_set_cursor *cursor;
    index_range all = {0};
    base_buffer last;
    bool has_last = false;
    RETURN_IF_ERROR(index_set_cursor_create(index->entries, &cursor, error));
    base_buffer_init(&last, &index->database->budget);
    base_status status = index_set_cursor_seek(cursor, &all, false, false, error);
    while (status == BASE_OK) {
        const index_entry *entries;
        uint32_t count;
        status = index_set_cursor_next(cursor, 256, &entries, &count, error);
        if (status != BASE_ROW)
            break;
        status = BASE_OK;
        for (uint32_t i = 0; i < count && status == BASE_OK; i++) {
            if (has_last && base_text_equal(entries[i].key, (base_text){last.data, last.length}) &&
                !table_key_bytes_have_null(index, entries[i].key))
                status = base_error_set(error, BASE_UNIQUE_VIOLATION, "two rows have the same key");
            base_buffer_clear(&last);
            base_buffer_append(&last, entries[i].key.data, entries[i].key.length);
            has_last = true;
            if (last.failed)
                status = base_error_no_memory(error);
        }
    }
    index_set_cursor_destroy(cursor);
    base_buffer_destroy(&last);
    return status == BASE_DONE ? BASE_OK : status;
}

/* `all`: rows in volumes, too. */
static base_status fill_tree(filler *fill, const txn_snapshot *snapshot, bool all,
                             base_error *error)
{
    const table_entry_sink sink = {add_to_tree, fill};
    return all ? table_entries_of_all(fill->index, fill->relation, snapshot, &sink, error)
               : entries_of_hot(fill->index, fill->relation, snapshot, &sink, error);
}

base_status table_index_fill(table_index *index, table_relation *relation,
                             const txn_snapshot *snapshot, bool check, txn_transaction *old_keys_of,
                             base_error *error)
{
    filler fill = {.index = index, .relation = relation, .old_keys_of = old_keys_of};
    if (table_has_volumes(relation->storage))
        atomic_store(&index->incomplete, true);
    RETURN_IF_ERROR(fill_tree(&fill, snapshot, true, error));
    if (check && index->descriptor.unique && fill.duplicates_possible)
        RETURN_IF_ERROR(find_duplicate(index, error));
    if (!old_keys_of)
        index->since = snapshot->sequence;
    atomic_store_explicit(&index->filled, true, memory_order_release);
    return BASE_OK;
}

/* Nobody has written to the relation since the file was opened: every writer comes here first.
 * So the newest rows are all there are. Rows in volumes have their entries in runs, unless the
 * index is incomplete. */
base_status table_index_need_slow(table_index *index, table_relation *relation, base_error *error)
{
    table_database *database = index->database;
    txn_snapshot newest = {.sequence = txn_last_sequence(database->manager)};
    filler fill = {.index = index, .relation = relation};
    base_status status = BASE_OK;
    os_mutex_lock(&database->fill_mutex);
    if (!atomic_load_explicit(&index->filled, memory_order_relaxed)) {
        status = fill_tree(&fill, &newest, atomic_load(&index->incomplete), error);
        if (status == BASE_OK) {
            index->since = newest.sequence;
            atomic_store_explicit(&index->filled, true, memory_order_release);
        }
    }
    os_mutex_unlock(&database->fill_mutex);
    return status;
}
