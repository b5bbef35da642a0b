/*
 * table_key.c - index keys out of cells.
 *
 * Keys are made from stored columns (and the rowid) only, so that recovery, merges and the
 * integrity check need no SQL. The encoding is vector_key_append's.
 */
#include "store/table/table_int.h"

/* A buffer over the stack that cannot grow: a key within the limit fits. */
void table_key_space_init(table_key_space *space)
{
    base_budget_init(&space->nothing, NULL, &base_libc_allocator, "key", 0);
    base_buffer_init(&space->key, &space->nothing);
    space->key.data = space->bytes;
    space->key.capacity = sizeof space->bytes;
}

base_status table_key_build(const table_index *index, const types_cell *cells, const bool *nulls,
                            base_buffer *key, base_error *error)
{
    base_buffer_clear(key);
    for (uint32_t i = 0; i < index->descriptor.part_count; i++)
        vector_key_append(&index->key_parts[i], &cells[i], nulls[i], key);
    if (key->length > TABLE_MAX_KEY_SIZE)
        return base_error_set(error, BASE_LIMIT, "an index key is longer than %d bytes",
                              TABLE_MAX_KEY_SIZE);
    if (key->failed)
        return base_error_no_memory(error);
    return BASE_OK;
}

void table_key_cells(const table_relation *relation, const table_index *index, int64_t rowid,
                     const types_cell *row, const bool *row_nulls, types_cell *cells, bool *nulls)
{
    for (uint32_t i = 0; i < index->descriptor.part_count; i++) {
        uint32_t column = index->key_columns[i];
        if ((int32_t)column == relation->descriptor.rowid_column) {
            cells[i].int64 = rowid;
            nulls[i] = false;
        } else {
            cells[i] = row[column];
            nulls[i] = row_nulls[column];
        }
    }
}

bool table_key_has_null(const table_index *index, const bool *nulls)
{
    for (uint32_t i = 0; i < index->descriptor.part_count; i++) {
        if (nulls[i])
            return true;
    }
    return false;
}
