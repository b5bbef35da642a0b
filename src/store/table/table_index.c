/*
 * table_index.c - index objects: making one, entries of its rows, filling its tree.
 *
 * After a reopen the tree is filled when the index is first needed, from the rows of the hot store
 * alone: those in volumes have their entries in key runs.
 */
#include "store/table/table_entries_int.h"

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
    table_entry_source source;
    if (!all)
        return table_entries_of_hot(fill->index, fill->relation, snapshot, &sink, error);
    RETURN_IF_ERROR(table_entry_source_rows(&source, fill->index, fill->relation, snapshot, error));
    base_status status = table_entries_read(&source, 0, source.unit_count, &sink, error);
    table_entry_source_close(&source);
    return status;
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
