/*
 * table.h - tables, indexes and transactions over one database file: the storage layer as
 * the SQL rooms see it. No SQL and no catalog below this line.
 *
 * A relation is a set of rows under stable 64-bit rowids, hot (tree of column leaves) and
 * cold (columnar volumes), merged here; callers never see which. Columns are addressed by
 * their id, which is their place in the descriptor; an id is never used again after DROP
 * COLUMN. The pseudo column TABLE_ROWID reads the rowid.
 *
 * Secondary indexes are maintained by the write functions. Unique indexes are checked by
 * them. NOT NULL, CHECK and types are the executor's business.
 *
 * Conflicts: a write that meets a row changed since the statement's snapshot waits for the
 * holder on the calling thread (up to the lock timeout; deadlocks are found, not timed
 * out). Under READ COMMITTED it then answers BASE_RESTART: the session rolls the statement
 * back to its mark and runs it again on a new snapshot. Under SNAPSHOT the answer is
 * BASE_SERIALIZATION at once.
 *
 * Threads: a database by any; a transaction by one at a time, but the readers of one scan
 * may be driven by several threads while its owner waits.
 */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include "base/base.h"
#include "os/os.h"
#include "txn/txn.h"
#include "types/types.h"
#include "vector/vector.h"

typedef struct table_database table_database;
typedef struct table_relation table_relation;
typedef struct table_index table_index;
typedef struct table_scan table_scan;
typedef struct table_reader table_reader;
typedef struct table_index_cursor table_index_cursor;
typedef struct table_loader table_loader;

#define TABLE_ROWID UINT32_MAX
enum {
    TABLE_MAX_COLUMNS = 2000,
    TABLE_MAX_KEY_PARTS = 32,
    TABLE_MAX_KEY_SIZE = 8192,  /* bytes of an encoded index key */
    TABLE_FIRST_USER_ID = 1024, /* smaller relation and index ids belong to the catalog */
};

/* ---- Databases ----------------------------------------------------------------------- */

typedef enum table_sync_mode {
    TABLE_SYNC_FULL,   /* acknowledged means on disk */
    TABLE_SYNC_NORMAL, /* handed to the system; synced at least each second */
    TABLE_SYNC_NONE,
} table_sync_mode;

typedef struct table_options {
    bool read_only;
    bool create; /* make the file if it is missing */
    table_sync_mode sync_mode;
    int64_t lock_timeout;         /* microseconds; negative: for ever */
    size_t memory_limit;          /* bytes for this database; 0: the runtime's */
    uint64_t checkpoint_log_size; /* log bytes that start a background checkpoint; 0: never */
    _Atomic(uint32_t) seal_rows;  /* so many hot rows of a table become a volume at a checkpoint;
                                     0: 8192 or a hundredth of the table, whichever is more */
    bool manual_compaction;       /* volumes are merged by table_compact only */
    int64_t history_retention;    /* microseconds; versions younger than this are kept; negative:
                                     an hour in a file, not at all in memory */
    uint64_t history_limit;       /* bytes of history a table may have in the file, the oldest goes;
                                     0: 64 MiB or a quarter of the file, whichever is more */
} table_options;
void table_options_default(table_options *options);

/* `path` NULL: a database in memory. A second open of the same file in one runtime shares
 * the database. Recovers, which may replay the log. */
base_status table_database_open(os_runtime *runtime, const char *path, const table_options *options,
                                table_database **database, base_error *error);
/* Folds the log into the file when it can. Transactions must have ended, relations be
 * released. The handle is gone whatever the answer. */
base_status table_database_close(table_database *database, base_error *error);
/* True once, for the opener that made the file: the catalog then creates its tables. */
bool table_database_is_new(table_database *database);
base_budget *table_database_budget(table_database *database);
os_runtime *table_database_runtime(table_database *database);
table_options *table_database_options(table_database *database); /* lock_timeout may be changed */
/* When a commit is on disk, from the next commit on. */
void table_set_sync_mode(table_database *database, table_sync_mode mode);
/* Writes a checkpoint: seals committed hot rows into volumes, then shortens the log. In memory
 * only the first. */
base_status table_checkpoint(table_database *database, base_error *error);
/* Merges volumes where that is worth while (table_compact_plan.c), on the calling thread; after
 * checkpoints it happens in the background. */
base_status table_compact(table_database *database, base_error *error);
/* Calls `report` for every inconsistency found (text is for people); BASE_OK when the
 * check itself could run, whatever it found. */
base_status table_check_integrity(table_database *database,
                                  void (*report)(void *context, const char *problem), void *context,
                                  base_error *error);

/* ---- Transactions -------------------------------------------------------------------- */

base_status table_begin(table_database *database, txn_isolation isolation, bool read_only,
                        txn_transaction **transaction, base_error *error);
/* Both end and free the transaction. A failed commit has rolled back. */
base_status table_commit(txn_transaction *transaction, base_error *error);
void table_rollback(txn_transaction *transaction);
/* Begins a statement: READ COMMITTED takes a new snapshot. */
void table_statement_start(txn_transaction *transaction);
txn_mark table_get_mark(txn_transaction *transaction);
/* Undoes everything written since the mark, DDL included. Cannot fail. */
void table_rollback_to(txn_transaction *transaction, txn_mark mark);
/* Called while a statement waits for a lock; true ends the wait with BASE_INTERRUPTED. */
void table_set_interrupt(txn_transaction *transaction, bool (*interrupted)(void *context),
                         void *context);

/* ---- Definitions ---------------------------------------------------------------------- */

typedef struct table_column {
    types_type type;
    bool dropped;
    types_value missing; /* what rows written before ADD COLUMN read; NULL otherwise */
} table_column;

typedef struct table_descriptor {
    uint64_t id; /* 0: let table_create choose */
    uint32_t column_count;
    const table_column *columns;
    int32_t rowid_column; /* the INTEGER column that is the rowid (never stored), or -1 */
} table_descriptor;

typedef struct table_index_part {
    uint32_t column;
    bool descending;
    bool nulls_first;
} table_index_part;

typedef struct table_index_descriptor {
    uint64_t id; /* 0: let table_index_create choose */
    uint64_t relation_id;
    bool unique; /* keys with a NULL never collide */
    uint32_t part_count;
    const table_index_part *parts;
} table_index_descriptor;

/* All are transactional: others see them at commit, rollback undoes them. Each waits for
 * open writers of the relation, not for readers. */
base_status table_create(txn_transaction *transaction, const table_descriptor *descriptor,
                         uint64_t *id, base_error *error);
base_status table_drop(txn_transaction *transaction, uint64_t id, base_error *error);
base_status table_truncate(txn_transaction *transaction, uint64_t id, base_error *error);
base_status table_add_column(txn_transaction *transaction, uint64_t id, const table_column *column,
                             uint32_t *column_id, base_error *error);
base_status table_drop_column(txn_transaction *transaction, uint64_t id, uint32_t column_id,
                              base_error *error);
/* Builds the index over the rows that are there; a duplicate is BASE_UNIQUE_VIOLATION. */
base_status table_index_create(txn_transaction *transaction,
                               const table_index_descriptor *descriptor, uint64_t *id,
                               base_error *error);
base_status table_index_drop(txn_transaction *transaction, uint64_t id, base_error *error);
base_status table_index_rebuild(txn_transaction *transaction, uint64_t id, base_error *error);

/* The relation as this transaction sees it, pinned until released, and its rows read. NOT_FOUND
 * is set in `error` as BASE_UNDEFINED_TABLE. A pin outlives the transaction (cached plans) and
 * survives DROP; writes through a dropped relation fail. */
base_status table_acquire(txn_transaction *transaction, uint64_t id, table_relation **relation,
                          base_error *error);
/* The same without reading anything: the rows of a file come into memory when the handle is first
 * read or written through, which fails where they are damaged. */
base_status table_pin(txn_transaction *transaction, uint64_t id, table_relation **relation,
                      base_error *error);
void table_release(table_relation *relation);
const table_descriptor *table_describe(const table_relation *relation);
uint32_t table_index_count(const table_relation *relation);
table_index *table_index_at(const table_relation *relation, uint32_t place);
table_index *table_index_by_id(const table_relation *relation, uint64_t id);
const table_index_descriptor *table_index_describe(const table_index *index);

/* ---- Writing ---------------------------------------------------------------------------- */

/* What a unique index refused: filled with BASE_UNIQUE_VIOLATION. */
typedef struct table_conflict {
    uint64_t index_id; /* 0: the rowid itself */
    int64_t rowid;     /* the row that has the key */
    uint32_t row;      /* which row of the call was refused; earlier ones are written */
} table_conflict;

/* Inserts the chunk's (selected) rows. `rows` has one column per descriptor column, in
 * order; the rowid column's and dropped columns' vectors are ignored. `rowids` has one
 * entry per row: given ones where `choose_rowids` is false, else filled with fresh ones. */
base_status table_insert(txn_transaction *transaction, table_relation *relation,
                         const vector_chunk *rows, int64_t *rowids, bool choose_rowids,
                         table_conflict *conflict, base_error *error);
/* Sets `columns` of existing rows. Column i of `values` goes to columns[i]. A rowid that
 * is not visible is BASE_INTERNAL. The rowid column cannot be set: delete and insert. */
base_status table_update(txn_transaction *transaction, table_relation *relation,
                         const int64_t *rowids, uint32_t count, const uint32_t *columns,
                         uint32_t column_count, const vector_chunk *values,
                         table_conflict *conflict, base_error *error);
base_status table_delete(txn_transaction *transaction, table_relation *relation,
                         const int64_t *rowids, uint32_t count, base_error *error);

/* The tuple path: one row, cells by column id, no chunks. */
base_status table_insert_row(txn_transaction *transaction, table_relation *relation,
                             const types_cell *cells, const bool *nulls, int64_t *rowid,
                             bool choose_rowid, table_conflict *conflict, base_error *error);
base_status table_update_row(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                             const uint32_t *columns, uint32_t column_count,
                             const types_cell *cells, const bool *nulls, table_conflict *conflict,
                             base_error *error);

/*
 * A statement that changes many rows is judged by what it leaves: on the way a row may have the
 * key of one that comes later. These two write a row whose key is taken too and note it;
 * table_check_deferred, before the statement ends, looks again: BASE_UNIQUE_VIOLATION (with
 * `conflict`) where a key is still taken. A failed statement is taken back as a whole.
 */
typedef struct table_deferral {
    txn_undo *first; /* NULL: nothing to look at again, as at the start */
    uint64_t count;
} table_deferral;
base_status table_update_deferring(txn_transaction *transaction, table_relation *relation,
                                   const int64_t *rowids, uint32_t count, const uint32_t *columns,
                                   uint32_t column_count, const vector_chunk *values,
                                   table_deferral *deferral, base_error *error);
base_status table_update_row_deferring(txn_transaction *transaction, table_relation *relation,
                                       int64_t rowid, const uint32_t *columns,
                                       uint32_t column_count, const types_cell *cells,
                                       const bool *nulls, table_deferral *deferral,
                                       base_error *error);
base_status table_check_deferred(txn_transaction *transaction, const table_deferral *deferral,
                                 table_conflict *conflict, base_error *error);
base_status table_delete_row(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                             base_error *error);

/* Inserts of unknown length. A load of many rows goes to volumes and not through hot trees, and
 * the log gets references; it keeps other writers of the relation out until the transaction
 * ends. A short one, or one beside other writers, is as table_insert. */
base_status table_loader_create(txn_transaction *transaction, table_relation *relation,
                                table_loader **loader, base_error *error);
/* As table_insert. Rows may be held back: a violation then comes with a later call, and
 * `conflict` does not tell which row it was. After a failure: destroy. */
base_status table_loader_append(table_loader *loader, const vector_chunk *rows, int64_t *rowids,
                                bool choose_rowids, table_conflict *conflict, base_error *error);
/* Now the rows are there, as after table_insert. */
base_status table_loader_finish(table_loader *loader, table_conflict *conflict, base_error *error);
/* NULL allowed. Without finish the caller rolls back what was loaded (table_rollback_to). */
void table_loader_destroy(table_loader *loader);

/* ---- Reading ---------------------------------------------------------------------------- */

/* A test that a scan may use to skip data: rows that fail it need not be produced, rows
 * that pass must be. `values` for TABLE_IN are sorted; NULL rows fail every test but IS_NULL. */
typedef enum table_test {
    TABLE_EQUAL,
    TABLE_LESS,
    TABLE_LESS_EQUAL,
    TABLE_GREATER,
    TABLE_GREATER_EQUAL,
    TABLE_IN,
    TABLE_IS_NULL,
    TABLE_IS_NOT_NULL,
} table_test;
typedef struct table_predicate {
    uint32_t column; /* descriptor column or TABLE_ROWID */
    table_test test;
    uint32_t value_count;
    const types_cell *values; /* of the column's own type */
} table_predicate;

typedef struct table_scan_options {
    const uint32_t *columns; /* what the chunks hold, in this order; TABLE_ROWID allowed */
    uint32_t column_count;
    const table_predicate *predicates; /* ANDed; kept by reference until the scan ends */
    uint32_t predicate_count;
    int64_t first_rowid, last_rowid; /* inclusive; INT64_MIN, INT64_MAX: all */
    bool descending; /* units and rows come by falling rowid; otherwise by rising rowid */
    /* Not 0: rows as of this commit, which may be older than any snapshot; rising only, and
     * within what the history has (BASE_INVALID_PARAMETER otherwise). */
    uint64_t as_of;
} table_scan_options;

/* A scan is cut into units (morsels) that any reader may take in any order; unit i holds
 * smaller rowids than unit i + 1 (larger when descending). */
base_status table_scan_create(txn_transaction *transaction, table_relation *relation,
                              const table_scan_options *options, table_scan **scan,
                              base_error *error);
uint32_t table_scan_unit_count(const table_scan *scan);
void table_scan_destroy(table_scan *scan); /* after its readers */
/* One reader per thread. */
base_status table_reader_create(table_scan *scan, table_reader **reader, base_error *error);
void table_reader_destroy(table_reader *reader);
base_status table_reader_open_unit(table_reader *reader, uint32_t unit, base_error *error);
/* From now on a chunk has `rows` rows at most (a multiple of 64; VECTOR_SIZE unless set): for a
 * caller that may soon have enough, as what is not asked for is then not read either. */
void table_reader_limit(table_reader *reader, uint32_t rows);
/* Leaves out the next visible rows of the unit, `*rows` of them at most, and takes those from
 * `*rows`. It may leave out fewer. The scan has no predicates. */
void table_reader_skip(table_reader *reader, uint64_t *rows);
/* BASE_ROW with a chunk of 1 to VECTOR_SIZE visible rows, or BASE_DONE at the unit's end.
 * `chunk` was initialised with the columns' types; its contents live until the next call. */
base_status table_reader_next(table_reader *reader, vector_chunk *chunk, base_error *error);

/* One row. NOT_FOUND (without an error text) when it is not visible. Far strings are valid
 * until `heap` is reset. Allocates nothing when all strings are short. */
base_status table_read_row(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                           const uint32_t *columns, uint32_t column_count, types_cell *cells,
                           bool *nulls, base_arena *heap, base_error *error);
/* Many rows: those of `rowids` that are visible, in the order given; `origins[i]` tells
 * which entry row i of the chunk came from. count <= VECTOR_SIZE. Several threads may read
 * in one transaction at a time (here and through index cursors) while nobody writes in it. */
base_status table_read_rows(txn_transaction *transaction, table_relation *relation,
                            const int64_t *rowids, uint32_t count, const uint32_t *columns,
                            uint32_t column_count, vector_chunk *chunk, uint16_t *origins,
                            base_error *error);

/* A range of index keys, as bytes of vector_key_append over the index's parts (a bound may
 * hold fewer parts than the index: it then is a prefix). NULL data: unbounded. */
typedef struct table_key_range {
    base_text low, high;
    bool low_inclusive, high_inclusive;
} table_key_range;

/* Rows in key order (ties by rowid); each visible row once, its key re-checked. */
base_status table_index_cursor_create(txn_transaction *transaction, table_relation *relation,
                                      table_index *index, const table_key_range *range,
                                      bool descending, const uint32_t *columns,
                                      uint32_t column_count, table_index_cursor **cursor,
                                      base_error *error);
/* Moves an open cursor to another range; allocates nothing. */
base_status table_index_cursor_seek(table_index_cursor *cursor, const table_key_range *range,
                                    base_error *error);
/* The cursor is used on in another transaction (seek it next); the relation that it was made
 * with must still be pinned. Allocates nothing unless the table was redefined meanwhile. */
base_status table_index_cursor_rebind(table_index_cursor *cursor, txn_transaction *transaction,
                                      base_error *error);
base_status table_index_cursor_next(table_index_cursor *cursor, uint32_t limit, vector_chunk *chunk,
                                    base_error *error); /* ROW or DONE */
/* The tuple path: next row's cells. */
base_status table_index_cursor_next_row(table_index_cursor *cursor, types_cell *cells, bool *nulls,
                                        base_arena *heap, base_error *error); /* ROW or DONE */
void table_index_cursor_destroy(table_index_cursor *cursor);

/* ---- Statistics -------------------------------------------------------------------------- */

typedef struct table_column_statistics {
    uint64_t null_count;
    double distinct_count; /* estimate; 0: unknown */
    bool has_range;
    types_value minimum, maximum; /* strings: inline prefixes only */
} table_column_statistics;
/* Row count, close but not exact. Cheap. */
uint64_t table_row_count(const table_relation *relation);
/* What is known; all zero where nothing is. */
void table_column_statistics_of(const table_relation *relation, uint32_t column,
                                table_column_statistics *statistics);

/* What PRAGMA volume_stats shows: one call per storage part of the relation. */
typedef struct table_part_info {
    const char *tier; /* "hot", "cold", "past" (replaced, for old snapshots), "history" */
    uint32_t run;     /* of a cold part: a row lies in one part of each run at most; 0: the base */
    uint64_t part_id, row_count, byte_count, dead_count;
} table_part_info;
void table_list_parts(const table_relation *relation,
                      void (*report)(void *context, const table_part_info *info), void *context);

#endif
