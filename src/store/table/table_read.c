/*
 * table_read.c - rows by rowid.
 *
 * The hot store is asked first: it has the newest version of whatever it knows. Only where it
 * has nothing visible would a cold part be asked, and its delete marks.
 */
#include "store/table/table_int.h"

base_status table_read_row(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                           const uint32_t *columns, uint32_t column_count, types_cell *cells,
                           bool *nulls, base_arena *heap, base_error *error)
{
    RETURN_IF_ERROR(table_resolve(transaction, relation, &relation, error));
    return table_fetch(relation, txn_snapshot_of(transaction), rowid, columns, column_count, cells,
                       nulls, heap, heap, error);
}

/* One cell into a flat vector with own memory. */
static void put_cell(vector *column, uint32_t row, const types_cell *cell, bool is_null)
{
    if (is_null) {
        if (!column->validity)
            vector_make_validity(column);
        vector_set_null(column, row);
        return;
    }
    memcpy((unsigned char *)column->data + (size_t)row * types_form_size(column->form), cell,
           types_form_size(column->form));
}

base_status table_read_rows(txn_transaction *transaction, table_relation *relation,
                            const int64_t *rowids, uint32_t count, const uint32_t *columns,
                            uint32_t column_count, vector_chunk *chunk, uint16_t *origins,
                            base_error *error)
{
    BASE_ASSERT(count <= VECTOR_SIZE && chunk->column_count >= column_count);
    RETURN_IF_ERROR(table_resolve(transaction, relation, &relation, error));
    types_cell few_cells[16];
    bool few_nulls[16];
    types_cell *cells = few_cells;
    bool *nulls = few_nulls;
    vector_chunk_reset(chunk);
    if (column_count > BASE_COUNT_OF(few_cells)) {
        /* The chunk's memory and not the transaction's: several threads may read in one. */
        cells = base_arena_allocate_array(chunk->heap, column_count, sizeof *cells);
        nulls = base_arena_allocate_array(chunk->heap, column_count, sizeof *nulls);
        if (!cells || !nulls)
            return base_error_no_memory(error);
    }
    const txn_snapshot *snapshot = txn_snapshot_of(transaction);
    for (uint32_t i = 0; i < count; i++) {
        base_status status = table_fetch(relation, snapshot, rowids[i], columns, column_count,
                                         cells, nulls, NULL, chunk->heap, error);
        if (status == BASE_NOT_FOUND)
            continue;
        if (status != BASE_OK)
            return status;
        origins[chunk->count] = (uint16_t)i;
        for (uint32_t c = 0; c < column_count; c++)
            put_cell(&chunk->columns[c], chunk->count, &cells[c], nulls[c]);
        chunk->count++;
    }
    return BASE_OK;
}
