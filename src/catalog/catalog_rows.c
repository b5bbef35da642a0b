/*
 * catalog_rows.c - the objects relation: making, loading and writing its rows.
 *
 * Invariants: row CATALOG_VERSION_ROW is there from the first commit on and only grows; an
 * entry's row is written before any snapshot shows the entry.
 */
#include "catalog/catalog_int.h"

const types_type catalog_object_types[CATALOG_OBJECT_COLUMNS] = {
    {.kind = TYPES_INTEGER}, {.kind = TYPES_INTEGER}, {.kind = TYPES_TEXT},
    {.kind = TYPES_BLOB},    {.kind = TYPES_TEXT},
};

static types_cell text_cell(base_text text)
{
    return (types_cell){.string = types_string_of(text.data, text.length)};
}

static base_text cell_text(const types_cell *cell)
{
    return (base_text){types_string_data(&cell->string), cell->string.length};
}

base_status catalog_rows_create(table_database *database, base_error *error)
{
    txn_transaction *transaction;
    RETURN_IF_ERROR(table_begin(database, TXN_SNAPSHOT, false, &transaction, error));
    table_column columns[CATALOG_OBJECT_COLUMNS];
    for (uint32_t i = 0; i < CATALOG_OBJECT_COLUMNS; i++)
        columns[i] = (table_column){.type = catalog_object_types[i],
                                    .missing = types_null_of(catalog_object_types[i])};
    table_descriptor descriptor = {.id = CATALOG_OBJECTS_RELATION,
                                   .column_count = CATALOG_OBJECT_COLUMNS,
                                   .columns = columns,
                                   .rowid_column = -1};
    table_relation *relation = NULL;
    uint64_t id;
    base_status status;
    GOTO_IF_ERROR(status = table_create(transaction, &descriptor, &id, error), failed);
    GOTO_IF_ERROR(status = table_acquire(transaction, id, &relation, error), failed);
    types_cell cells[CATALOG_OBJECT_COLUMNS] = {{.int64 = -1}, {.int64 = 1}};
    bool nulls[CATALOG_OBJECT_COLUMNS] = {false, false, true, true, true};
    int64_t rowid = CATALOG_VERSION_ROW;
    table_conflict conflict;
    status = table_insert_row(transaction, relation, cells, nulls, &rowid, false, &conflict, error);
    table_release(relation);
    if (status != BASE_OK)
        goto failed;
    return table_commit(transaction, error);
failed:
    table_rollback(transaction);
    return status;
}

/* One row of the relation into an entry with its relation pinned: nothing of it is read. */
static base_status load_entry(catalog *catalog, txn_transaction *transaction,
                              const types_cell *cells, int64_t rowid, catalog_entry **loaded,
                              base_error *error)
{
    *loaded = NULL;
    catalog_entry *entry = catalog_entry_create(catalog->budget);
    if (!entry)
        return base_error_no_memory(error);
    entry->rowid = rowid;
    catalog_table *table = &entry->table;
    base_status status = BASE_OK;
    table->kind = (catalog_relation_kind)cells[CATALOG_COLUMN_KIND].int64;
    table->id = (uint64_t)cells[CATALOG_COLUMN_ID].int64;
    if (!catalog_copy_text(&entry->arena, &table->name, cell_text(&cells[CATALOG_COLUMN_NAME])) ||
        !catalog_copy_text(&entry->arena, &table->sql, cell_text(&cells[CATALOG_COLUMN_SQL])))
        status = base_error_no_memory(error);
    if (status == BASE_OK)
        status = catalog_body_read(entry, cell_text(&cells[CATALOG_COLUMN_BODY]), error);
    if (status == BASE_OK && table->kind == CATALOG_TABLE)
        status = table_pin(transaction, table->id, &table->relation, error);
    if (status == BASE_OK)
        status = catalog_entry_agree(entry, error);
    if (status != BASE_OK) {
        catalog_entry_release(entry);
        return status;
    }
    *loaded = entry;
    return BASE_OK;
}

/* What a load has gathered so far. */
typedef struct load_state {
    catalog_entry **entries;
    uint32_t count, capacity;
    uint64_t schema_version;
    int64_t last_rowid;
} load_state;

static base_status load_chunk(catalog *catalog, txn_transaction *transaction,
                              const vector_chunk *chunk, load_state *state, base_error *error)
{
    for (uint32_t i = 0; i < chunk->count; i++) {
        uint32_t row = vector_row(chunk->selection, i);
        types_cell cells[CATALOG_OBJECT_COLUMNS];
        bool whole = true; /* the version row has no texts */
        for (uint32_t c = 0; c < CATALOG_OBJECT_COLUMNS; c++) {
            types_value value = vector_get(&chunk->columns[c], row);
            cells[c] = value.cell;
            whole = whole && !value.is_null;
        }
        int64_t rowid = vector_get(&chunk->columns[CATALOG_OBJECT_COLUMNS], row).cell.int64;
        state->last_rowid = BASE_MAX(state->last_rowid, rowid);
        if (rowid == CATALOG_VERSION_ROW) {
            state->schema_version = (uint64_t)cells[CATALOG_COLUMN_ID].int64;
            continue;
        }
        if (!whole || rowid == INT64_MAX || cells[CATALOG_COLUMN_KIND].int64 < CATALOG_TABLE ||
            cells[CATALOG_COLUMN_KIND].int64 > CATALOG_VIEW)
            return base_error_set(error, BASE_CORRUPT, "a catalog entry is damaged");
        if (!base_grow_array(catalog->budget, &state->entries, &state->capacity, state->count + 1,
                             sizeof *state->entries))
            return base_error_no_memory(error);
        RETURN_IF_ERROR(
            load_entry(catalog, transaction, cells, rowid, &state->entries[state->count], error));
        state->count++;
    }
    return BASE_OK;
}

static base_status load_all(catalog *catalog, txn_transaction *transaction,
                            table_relation *relation, load_state *state, base_error *error)
{
    static const uint32_t columns[] = {CATALOG_COLUMN_KIND, CATALOG_COLUMN_ID,  CATALOG_COLUMN_NAME,
                                       CATALOG_COLUMN_BODY, CATALOG_COLUMN_SQL, TABLE_ROWID};
    table_scan_options options = {.columns = columns,
                                  .column_count = BASE_COUNT_OF(columns),
                                  .first_rowid = INT64_MIN,
                                  .last_rowid = INT64_MAX};
    types_type types[BASE_COUNT_OF(columns)];
    memcpy(types, catalog_object_types, sizeof catalog_object_types);
    types[CATALOG_OBJECT_COLUMNS] = TYPES_OF(INTEGER);
    table_scan *scan = NULL;
    table_reader *reader = NULL;
    vector_chunk chunk;
    RETURN_IF_ERROR(
        vector_chunk_init(&chunk, catalog->budget, types, BASE_COUNT_OF(columns), error));
    base_status status;
    GOTO_IF_ERROR(status = table_scan_create(transaction, relation, &options, &scan, error), done);
    GOTO_IF_ERROR(status = table_reader_create(scan, &reader, error), done);
    for (uint32_t unit = 0; unit < table_scan_unit_count(scan); unit++) {
        GOTO_IF_ERROR(status = table_reader_open_unit(reader, unit, error), done);
        while ((status = table_reader_next(reader, &chunk, error)) == BASE_ROW)
            GOTO_IF_ERROR(status = load_chunk(catalog, transaction, &chunk, state, error), done);
        if (status != BASE_DONE)
            goto done;
    }
    status = BASE_OK;
done:
    if (reader)
        table_reader_destroy(reader);
    if (scan)
        table_scan_destroy(scan);
    vector_chunk_destroy(&chunk);
    return status;
}

base_status catalog_rows_load(catalog *catalog, base_error *error)
{
    load_state state = {.last_rowid = CATALOG_VERSION_ROW};
    txn_transaction *transaction;
    table_relation *relation = NULL;
    RETURN_IF_ERROR(table_begin(catalog->database, TXN_SNAPSHOT, true, &transaction, error));
    base_status status;
    GOTO_IF_ERROR(status = table_acquire(transaction, CATALOG_OBJECTS_RELATION, &relation, error),
                  done);
    GOTO_IF_ERROR(status = catalog_objects_agree(relation, error), done);
    GOTO_IF_ERROR(status = load_all(catalog, transaction, relation, &state, error), done);
    status = catalog_snapshot_create(catalog, state.entries, state.count, state.schema_version,
                                     &catalog->committed, error);
    atomic_store(&catalog->next_rowid, state.last_rowid + 1);
done:
    for (uint32_t i = 0; i < state.count; i++)
        catalog_entry_release(state.entries[i]);
    base_free_array(catalog->budget, state.entries, state.capacity, sizeof *state.entries);
    if (relation)
        table_release(relation);
    table_rollback(transaction);
    return status;
}

base_status catalog_rows_take_version(catalog *catalog, txn_transaction *transaction,
                                      uint64_t *schema_version, base_error *error)
{
    static const uint32_t column = CATALOG_COLUMN_ID;
    table_relation *relation;
    base_arena heap;
    types_cell cell;
    bool is_null;
    table_conflict conflict;
    RETURN_IF_ERROR(table_acquire(transaction, CATALOG_OBJECTS_RELATION, &relation, error));
    base_arena_init(&heap, catalog->budget);
    base_status status = table_read_row(transaction, relation, CATALOG_VERSION_ROW, &column, 1,
                                        &cell, &is_null, &heap, error);
    if (status == BASE_NOT_FOUND)
        status = base_error_set(error, BASE_CORRUPT, "the catalog has no version row");
    if (status == BASE_OK) {
        cell.int64 = (int64_t)((uint64_t)cell.int64 + 1);
        *schema_version = (uint64_t)cell.int64;
        status = table_update_row(transaction, relation, CATALOG_VERSION_ROW, &column, 1, &cell,
                                  &is_null, &conflict, error);
    }
    base_arena_destroy(&heap);
    table_release(relation);
    return status;
}

base_status catalog_rows_write(catalog *catalog, txn_transaction *transaction, catalog_entry *entry,
                               bool is_new, base_error *error)
{
    static const uint32_t columns[CATALOG_OBJECT_COLUMNS] = {
        CATALOG_COLUMN_KIND, CATALOG_COLUMN_ID, CATALOG_COLUMN_NAME, CATALOG_COLUMN_BODY,
        CATALOG_COLUMN_SQL};
    const catalog_table *table = &entry->table;
    table_relation *relation;
    table_conflict conflict;
    base_buffer body;
    base_buffer_init(&body, catalog->budget);
    catalog_body_write(table, &body);
    if (body.failed) {
        base_buffer_destroy(&body);
        return base_error_no_memory(error);
    }
    base_status status = table_acquire(transaction, CATALOG_OBJECTS_RELATION, &relation, error);
    if (status == BASE_OK) {
        types_cell cells[CATALOG_OBJECT_COLUMNS] = {
            {.int64 = (int64_t)table->kind}, {.int64 = (int64_t)table->id},
            text_cell(table->name),          text_cell((base_text){body.data, body.length}),
            text_cell(table->sql),
        };
        bool nulls[CATALOG_OBJECT_COLUMNS] = {false};
        if (is_new) {
            entry->rowid = atomic_fetch_add(&catalog->next_rowid, 1);
            status = table_insert_row(transaction, relation, cells, nulls, &entry->rowid, false,
                                      &conflict, error);
        } else {
            status = table_update_row(transaction, relation, entry->rowid, columns,
                                      CATALOG_OBJECT_COLUMNS, cells, nulls, &conflict, error);
        }
        table_release(relation);
    }
    base_buffer_destroy(&body);
    return status;
}

base_status catalog_rows_delete(catalog *catalog, txn_transaction *transaction,
                                const catalog_entry *entry, base_error *error)
{
    (void)catalog;
    table_relation *relation;
    RETURN_IF_ERROR(table_acquire(transaction, CATALOG_OBJECTS_RELATION, &relation, error));
    base_status status = table_delete_row(transaction, relation, entry->rowid, error);
    table_release(relation);
    return status;
}
