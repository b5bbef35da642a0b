/*
 * table_redo.c - what a transaction writes to the log: logical redo, by relation and rowid.
 *
 * Records are built in the transaction's private buffer while its statements run and reach
 * the log at commit, whole or not at all; a statement that is rolled back truncates the
 * buffer. Definitions are logged like rows and in between them, so that replay meets each row
 * with the descriptor that it was written under. Index entries are not logged: replay writes
 * them as the first writing did.
 *
 * Record layouts are listed in docs/FORMAT.md.
 */
#include "store/table/table_bytes_int.h"

enum {
    LARGEST_BATCH = 64 << 20 /* bytes of one record of many rows */
};

static unsigned char *add(wal_buffer *redo, table_redo type, size_t size)
{
    return size <= WAL_MAX_RECORD ? wal_buffer_add(redo, (uint16_t)type, size) : NULL;
}

static wal_buffer *redo_of(txn_transaction *transaction)
{
    return txn_redo_of(transaction);
}

static unsigned char *put_head(unsigned char *to, const table_relation *relation,
                               uint32_t row_count)
{
    base_store_u64(to, relation->entry->id);
    base_store_u32(to + 8, relation->descriptor.column_count);
    base_store_u32(to + 12, row_count);
    return to + 16;
}

base_status table_log_insert(txn_transaction *transaction, const table_relation *relation,
                             int64_t rowid, const types_cell *cells, const bool *nulls,
                             base_error *error)
{
    wal_buffer *redo = redo_of(transaction);
    if (!redo)
        return BASE_OK;
    unsigned char *to = add(redo, TABLE_REDO_INSERT, 16 + table_pack_size(relation, cells, nulls));
    if (!to)
        return base_error_no_memory(error);
    (void)table_pack_row(relation, rowid, cells, nulls, put_head(to, relation, 1));
    return BASE_OK;
}

static void chunk_cells(const table_relation *relation, const vector_chunk *rows, uint32_t row,
                        types_cell *cells, bool *nulls)
{
    uint32_t position = vector_row(rows->selection, row);
    for (uint32_t c = 0; c < relation->descriptor.column_count; c++) {
        nulls[c] = true;
        if (relation->descriptor.columns[c].dropped ||
            relation->descriptor.rowid_column == (int32_t)c)
            continue;
        types_value value = vector_get(&rows->columns[c], position);
        cells[c] = value.cell;
        nulls[c] = value.is_null;
    }
}

base_status table_log_insert_chunk(txn_transaction *transaction, const table_relation *relation,
                                   const vector_chunk *rows, const int64_t *rowids, uint32_t count,
                                   base_error *error)
{
    wal_buffer *redo = redo_of(transaction);
    if (!redo || count == 0)
        return BASE_OK;
    uint32_t columns = relation->descriptor.column_count;
    base_buffer *scratch = txn_scratch_of(transaction, 2);
    base_buffer_clear(scratch);
    if (!base_buffer_reserve(scratch, columns * (sizeof(types_cell) + sizeof(bool))))
        return base_error_no_memory(error);
    types_cell *cells = (types_cell *)(void *)scratch->data;
    bool *nulls = (bool *)(cells + columns);
    for (uint32_t first = 0; first < count;) {
        size_t size = 16;
        uint32_t end = first;
        for (; end < count; end++) {
            chunk_cells(relation, rows, end, cells, nulls);
            size_t row = table_pack_size(relation, cells, nulls);
            if (end > first && size + row > LARGEST_BATCH)
                break;
            size += row;
        }
        unsigned char *to = add(redo, TABLE_REDO_INSERT, size);
        if (!to)
            return base_error_no_memory(error);
        to = put_head(to, relation, end - first);
        for (; first < end; first++) {
            chunk_cells(relation, rows, first, cells, nulls);
            to = table_pack_row(relation, rowids[first], cells, nulls, to);
        }
    }
    return BASE_OK;
}

base_status table_log_update(txn_transaction *transaction, const table_relation *relation,
                             int64_t rowid, const uint32_t *columns, uint32_t column_count,
                             const types_cell *cells, const bool *nulls, base_error *error)
{
    wal_buffer *redo = redo_of(transaction);
    if (!redo)
        return BASE_OK;
    size_t size = 8 + 8 + 4 + (size_t)column_count * 4;
    for (uint32_t c = 0; c < column_count; c++) {
        types_form form = types_form_of(relation->descriptor.columns[columns[c]].type);
        if (!nulls[c])
            size += form == TYPES_FORM_STRING ? 4 + cells[c].string.length : types_form_size(form);
    }
    unsigned char *to = add(redo, TABLE_REDO_UPDATE, size);
    if (!to)
        return base_error_no_memory(error);
    base_store_u64(to, relation->entry->id);
    base_store_u64(to + 8, (uint64_t)rowid);
    base_store_u32(to + 16, column_count);
    to += 20;
    /* Bit 31 of a column's number: it became NULL. */
    for (uint32_t c = 0; c < column_count; c++, to += 4)
        base_store_u32(to, columns[c] | (uint32_t)nulls[c] << 31);
    for (uint32_t c = 0; c < column_count; c++) {
        if (!nulls[c])
            to = table_pack_value(types_form_of(relation->descriptor.columns[columns[c]].type),
                                  &cells[c], to);
    }
    return BASE_OK;
}

base_status table_log_delete(txn_transaction *transaction, const table_relation *relation,
                             int64_t rowid, base_error *error)
{
    return table_log_id(transaction, TABLE_REDO_DELETE, relation->entry->id, (uint64_t)rowid,
                        error);
}

base_status table_log_volume(txn_transaction *transaction, const table_relation *relation,
                             const cache_reference *reference, base_error *error)
{
    wal_buffer *redo = redo_of(transaction);
    if (!redo)
        return BASE_OK;
    unsigned char *to = add(redo, TABLE_REDO_VOLUME, 8 + CACHE_REFERENCE_SIZE);
    if (!to)
        return base_error_no_memory(error);
    base_store_u64(to, relation->entry->id);
    cache_reference_store(reference, to + 8);
    return BASE_OK;
}

base_status table_log_id(txn_transaction *transaction, table_redo type, uint64_t id,
                         uint64_t argument, base_error *error)
{
    wal_buffer *redo = redo_of(transaction);
    if (!redo)
        return BASE_OK;
    unsigned char *to = add(redo, type, 16);
    if (!to)
        return base_error_no_memory(error);
    base_store_u64(to, id);
    base_store_u64(to + 8, argument);
    return BASE_OK;
}

/* ---- Definitions --------------------------------------------------------------------------- */

static base_status log_bytes(txn_transaction *transaction, table_redo type,
                             const base_buffer *bytes, base_error *error)
{
    if (bytes->failed)
        return base_error_no_memory(error);
    unsigned char *to = add(redo_of(transaction), type, bytes->length);
    if (!to)
        return base_error_no_memory(error);
    memcpy(to, bytes->data, bytes->length);
    return BASE_OK;
}

base_status table_log_create(txn_transaction *transaction, const table_relation *relation,
                             base_error *error)
{
    if (!redo_of(transaction))
        return BASE_OK;
    base_buffer *bytes = txn_scratch_of(transaction, 0);
    base_buffer_clear(bytes);
    table_put_descriptor(relation, bytes);
    return log_bytes(transaction, TABLE_REDO_CREATE, bytes, error);
}

base_status table_log_add_column(txn_transaction *transaction, uint64_t id,
                                 const table_column *column, base_error *error)
{
    if (!redo_of(transaction))
        return BASE_OK;
    base_buffer *bytes = txn_scratch_of(transaction, 0);
    base_buffer_clear(bytes);
    base_buffer_append(bytes, &id, sizeof id);
    table_put_column(column, bytes);
    return log_bytes(transaction, TABLE_REDO_ADD_COLUMN, bytes, error);
}

static void put_reference(base_buffer *bytes, const cache_reference *reference)
{
    unsigned char stored[CACHE_REFERENCE_SIZE];
    cache_reference_store(reference, stored);
    base_buffer_append(bytes, stored, sizeof stored);
}

/* How many runs the index has, and which; `may_be_none`: also where there are none. */
static uint32_t put_runs(const table_index *index, bool may_be_none, base_buffer *bytes)
{
    index_set_list *runs = index_set_hold(index->entries);
    uint32_t count = index_set_run_count(runs);
    if (count || may_be_none)
        base_buffer_append(bytes, &count, sizeof count);
    for (uint32_t i = 0; i < count; i++)
        put_reference(bytes, index_run_reference(index_set_run_at(runs, i)));
    index_set_let_go(runs);
    return count;
}

/* An index that was built as runs names them: replay need not build it again. */
base_status table_log_index(txn_transaction *transaction, const table_index *index,
                            base_error *error)
{
    if (!redo_of(transaction))
        return BASE_OK;
    base_buffer *bytes = txn_scratch_of(transaction, 0);
    base_buffer_clear(bytes);
    table_put_index(index, bytes);
    bool has_runs = put_runs(index, false, bytes) > 0;
    return log_bytes(transaction, has_runs ? TABLE_REDO_INDEX_RUNS : TABLE_REDO_INDEX_CREATE, bytes,
                     error);
}

base_status table_log_rebuild(txn_transaction *transaction, const table_index *index,
                              base_error *error)
{
    if (!redo_of(transaction))
        return BASE_OK;
    base_buffer *bytes = txn_scratch_of(transaction, 0);
    base_buffer_clear(bytes);
    base_buffer_append(bytes, &index->descriptor.id, sizeof index->descriptor.id);
    (void)put_runs(index, true, bytes);
    return log_bytes(transaction, TABLE_REDO_INDEX_REBUILD, bytes, error);
}

base_status table_log_run(txn_transaction *transaction, const table_relation *relation,
                          const table_index *index, const cache_reference *reference,
                          base_error *error)
{
    if (!redo_of(transaction))
        return BASE_OK;
    base_buffer *bytes = txn_scratch_of(transaction, 0);
    base_buffer_clear(bytes);
    base_buffer_append(bytes, &relation->entry->id, sizeof relation->entry->id);
    base_buffer_append(bytes, &index->descriptor.id, sizeof index->descriptor.id);
    put_reference(bytes, reference);
    return log_bytes(transaction, TABLE_REDO_RUN, bytes, error);
}
