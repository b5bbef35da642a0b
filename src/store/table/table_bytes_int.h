/*
 * table_bytes_int.h - tables as bytes: packed rows, definitions, records of the log.
 *
 * Put functions append, get functions read back and believe nothing: where the bytes end too early
 * or make no sense they say so. Layouts: docs/FORMAT.md.
 */
#ifndef TABLE_TABLE_BYTES_INT_H
#define TABLE_TABLE_BYTES_INT_H

#include "store/table/table_int.h"

/* table_pack.c */
size_t table_pack_size(const table_relation *relation, const types_cell *cells, const bool *nulls);
unsigned char *table_pack_value(types_form form, const types_cell *cell, unsigned char *to);
unsigned char *table_pack_row(const table_relation *relation, int64_t rowid,
                              const types_cell *cells, const bool *nulls, unsigned char *to);
/* False: the bytes end too early or make no sense. Strings point into the bytes. */
BASE_MUST_USE bool table_unpack_value(table_bytes *bytes, types_form form, types_cell *cell);
BASE_MUST_USE bool table_unpack_row(table_bytes *bytes, const table_relation *relation,
                                    uint32_t packed_count, int64_t *rowid, types_cell *cells,
                                    bool *nulls);
BASE_MUST_USE bool table_unpack_u32(table_bytes *bytes, uint32_t *value);
BASE_MUST_USE bool table_unpack_u64(table_bytes *bytes, uint64_t *value);

/* table_describe.c: put appends, get reads back; strings point into the bytes. */
void table_put_column(const table_column *column, base_buffer *bytes);
BASE_MUST_USE bool table_get_column(table_bytes *bytes, table_column *column);
void table_put_descriptor(const table_relation *relation, base_buffer *bytes);
base_status table_get_descriptor(table_bytes *bytes, base_arena *arena,
                                 table_descriptor *descriptor, base_error *error);
void table_put_index(const table_index *index, base_buffer *bytes);
base_status table_get_index(table_bytes *bytes, base_arena *arena,
                            table_index_descriptor *descriptor, base_error *error);

/* table_redo.c */
typedef enum table_redo {
    TABLE_REDO_INSERT = 1,
    TABLE_REDO_UPDATE = 2,
    TABLE_REDO_DELETE = 3,
    TABLE_REDO_CREATE = 4,
    TABLE_REDO_DROP = 5,
    TABLE_REDO_TRUNCATE = 6,
    TABLE_REDO_ADD_COLUMN = 7,
    TABLE_REDO_DROP_COLUMN = 8,
    TABLE_REDO_INDEX_CREATE = 9,
    TABLE_REDO_INDEX_DROP = 10,
    TABLE_REDO_VOLUME = 11,
    TABLE_REDO_INDEX_RUNS = 12, /* an index that was built as runs */
    TABLE_REDO_RUN = 13,        /* of a bulk load */
    TABLE_REDO_INDEX_REBUILD = 14,
} table_redo;
base_status table_log_insert(txn_transaction *transaction, const table_relation *relation,
                             int64_t rowid, const types_cell *cells, const bool *nulls,
                             base_error *error);
base_status table_log_insert_chunk(txn_transaction *transaction, const table_relation *relation,
                                   const vector_chunk *rows, const int64_t *rowids, uint32_t count,
                                   base_error *error);
base_status table_log_update(txn_transaction *transaction, const table_relation *relation,
                             int64_t rowid, const uint32_t *columns, uint32_t column_count,
                             const types_cell *cells, const bool *nulls, base_error *error);
base_status table_log_delete(txn_transaction *transaction, const table_relation *relation,
                             int64_t rowid, base_error *error);
base_status table_log_create(txn_transaction *transaction, const table_relation *relation,
                             base_error *error);
base_status table_log_volume(txn_transaction *transaction, const table_relation *relation,
                             const cache_reference *reference, base_error *error);
base_status table_log_run(txn_transaction *transaction, const table_relation *relation,
                          const table_index *index, const cache_reference *reference,
                          base_error *error);
base_status table_log_id(txn_transaction *transaction, table_redo type, uint64_t id,
                         uint64_t argument, base_error *error);
base_status table_log_add_column(txn_transaction *transaction, uint64_t id,
                                 const table_column *column, base_error *error);
base_status table_log_index(txn_transaction *transaction, const table_index *index,
                            base_error *error);
base_status table_log_rebuild(txn_transaction *transaction, const table_index *index,
                              base_error *error);

#endif
