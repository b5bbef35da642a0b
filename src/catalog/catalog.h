/*
 * catalog.h - schemas as SQL sees them: tables, columns, constraints, indexes, views.
 *
 * A catalog snapshot is immutable and counted: statements and cached plans pin the one they
 * were bound to. DDL makes a new snapshot, private to its transaction until commit; one
 * transaction at a time may change the schema (others wait, as for a row). Definitions are
 * rows of catalog tables with fixed ids (below TABLE_FIRST_USER_ID), written through the
 * same storage calls as any row, so DDL is transactional and survives like data.
 *
 * Names are found without regard to case and keep their spelling.
 */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include "base/base.h"
#include "types/types.h"
#include "store/table/table.h"

typedef struct catalog catalog;                   /* one per open database */
typedef struct catalog_snapshot catalog_snapshot; /* counted, immutable */

typedef struct catalog_column {
    base_text name;
    types_type type;
    uint32_t id; /* the relation's column */
    bool not_null;
    base_text default_sql; /* expression text; empty: none */
    base_text collation;   /* empty: bytes */
} catalog_column;

typedef enum catalog_constraint_kind {
    CATALOG_PRIMARY_KEY,
    CATALOG_UNIQUE,
    CATALOG_CHECK,
} catalog_constraint_kind;

typedef struct catalog_constraint {
    catalog_constraint_kind kind;
    base_text name;        /* given or made: "t_pkey", "t_a_key", "t_check" */
    uint32_t column_count; /* keys: places in `columns` of the table */
    uint32_t *columns;
    uint64_t index_id;   /* keys: 0 when the key is the rowid */
    base_text check_sql; /* CHECK: expression text */
} catalog_constraint;

typedef struct catalog_index {
    base_text name;
    uint64_t id;
    const struct catalog_table *table;
    bool unique;
    bool of_constraint; /* belongs to a key: cannot be dropped alone */
    uint32_t part_count;
    table_index_part *parts; /* column = the relation's column id */
    base_text sql;
} catalog_index;

typedef enum catalog_relation_kind {
    CATALOG_TABLE,
    CATALOG_VIEW,
} catalog_relation_kind;

typedef struct catalog_table {
    base_text name;
    catalog_relation_kind kind;
    bool temporary;
    uint64_t id;           /* table: the relation's id */
    uint32_t column_count; /* live columns, in SQL order */
    catalog_column *columns;
    int32_t rowid_column; /* place in `columns` of the INTEGER PRIMARY KEY, or -1 */
    uint32_t constraint_count;
    catalog_constraint *constraints;
    uint32_t index_count;
    catalog_index **indexes;
    table_relation *relation; /* pinned by the snapshot; NULL for views */
    base_text sql;            /* as it was written; empty once the table has been altered */
    base_text view_sql;       /* views: the SELECT's text */
} catalog_table;

/* Opening reads the definitions (and makes them in a new database). */
base_status catalog_open(table_database *database, catalog **catalog, base_error *error);
void catalog_close(catalog *catalog);

/* The newest committed snapshot, or the transaction's own where it has changed the schema.
 * Release with catalog_snapshot_release. */
catalog_snapshot *catalog_current(catalog *catalog, txn_transaction *transaction);
catalog_snapshot *catalog_snapshot_pin(catalog_snapshot *snapshot);
void catalog_snapshot_release(catalog_snapshot *snapshot);
/* Differs whenever the schema does; never 0. */
uint64_t catalog_snapshot_version(const catalog_snapshot *snapshot);
/* The version of what catalog_current gives, without a lock, or 0: the transaction has changed the
 * schema itself, ask its snapshot. */
uint64_t catalog_current_version(const catalog *catalog, const txn_transaction *transaction);

const catalog_table *catalog_find_table(const catalog_snapshot *snapshot, base_text name);
const catalog_index *catalog_find_index(const catalog_snapshot *snapshot, base_text name);
/* Grows from relation to relation as they are created: a view's is above those of what it reads.
 * Negative for temporary views. */
int64_t catalog_creation_order(const catalog_table *table);
uint32_t catalog_table_count(const catalog_snapshot *snapshot);
const catalog_table *catalog_table_at(const catalog_snapshot *snapshot,
                                      uint32_t place); /* by name */
/* The nearest table name within 3 edits, for hints; empty: none. */
base_text catalog_nearest_table(const catalog_snapshot *snapshot, base_text name);
/* Place of a live column, or -1. */
int32_t catalog_find_column(const catalog_table *table, base_text name);
/* Place of the column that has this id in the relation, or -1: it is not live. */
int32_t catalog_column_of_id(const catalog_table *table, uint32_t id);
base_text catalog_nearest_column(const catalog_table *table, base_text name);

/* ---- Temporary views ------------------------------------------------------------------------ */
/* They belong to one session and live in memory only. An overlay is a snapshot in which
 * they hide tables and views of the same name; its version differs from every other's. */
typedef struct catalog_temporary catalog_temporary;
base_status catalog_temporary_create(catalog *catalog, catalog_temporary **temporary,
                                     base_error *error);
void catalog_temporary_destroy(catalog_temporary *temporary); /* NULL allowed */
base_status catalog_temporary_add_view(catalog_temporary *temporary, base_text name,
                                       uint32_t column_count, const catalog_column *columns,
                                       base_text view_sql, base_text sql, base_error *error);
/* False: there is no temporary view of that name. */
bool catalog_temporary_drop(catalog_temporary *temporary, base_text name);
/* `base` with the temporary views; `base` itself, pinned again, when there are none. */
base_status catalog_overlay(catalog_snapshot *base, catalog_temporary *temporary,
                            catalog_snapshot **overlay, base_error *error);

/* ---- Changes (each within a transaction; all or nothing by the statement's mark) ---------- */
/*
 * Each first takes the schema's version row, as an UPDATE takes a row: another
 * transaction's open change is waited for, and the answer may be BASE_RESTART (run the
 * statement again), BASE_SERIALIZATION or BASE_DEADLOCK. `catalog_table` and `catalog_index`
 * arguments come from catalog_current of this transaction.
 */

typedef struct catalog_key_definition {
    catalog_constraint_kind kind; /* PRIMARY_KEY or UNIQUE */
    base_text name;
    uint32_t part_count;
    table_index_part *parts; /* column = place in the new table's columns */
} catalog_key_definition;

typedef struct catalog_table_definition {
    base_text name;
    uint32_t column_count;
    catalog_column *columns; /* ids are filled in */
    int32_t rowid_column;
    uint32_t key_count;
    catalog_key_definition *keys;
    uint32_t check_count;
    catalog_constraint *checks;
    base_text sql;
} catalog_table_definition;

base_status catalog_create_table(catalog *catalog, txn_transaction *transaction,
                                 const catalog_table_definition *definition, base_error *error);
base_status catalog_drop_table(catalog *catalog, txn_transaction *transaction,
                               const catalog_table *table, base_error *error);
base_status catalog_create_view(catalog *catalog, txn_transaction *transaction, base_text name,
                                uint32_t column_count, const catalog_column *columns,
                                base_text view_sql, base_text sql, base_error *error);
base_status catalog_create_index(catalog *catalog, txn_transaction *transaction, base_text name,
                                 const catalog_table *table, bool unique, uint32_t part_count,
                                 const table_index_part *parts, base_text sql, base_error *error);
base_status catalog_drop_index(catalog *catalog, txn_transaction *transaction,
                               const catalog_index *index, base_error *error);
/* Renames: `check_sqls` has one text per constraint of the table for those whose text names what
 * is renamed (data NULL: unchanged); NULL: none does. */
base_status catalog_rename_table(catalog *catalog, txn_transaction *transaction,
                                 const catalog_table *table, base_text name,
                                 const base_text *check_sqls, base_error *error);
base_status catalog_rename_column(catalog *catalog, txn_transaction *transaction,
                                  const catalog_table *table, uint32_t place, base_text name,
                                  const base_text *check_sqls, base_error *error);
/* `value`: what existing rows read (the evaluated DEFAULT). */
base_status catalog_add_column(catalog *catalog, txn_transaction *transaction,
                               const catalog_table *table, const catalog_column *column,
                               const types_value *value, base_error *error);
base_status catalog_drop_column(catalog *catalog, txn_transaction *transaction,
                                const catalog_table *table, uint32_t place, base_error *error);

/* The session tells the catalog how a transaction went on, by its id: the handle is gone by
 * then, and its address may be another transaction's already. `catalog_before_statement` gives
 * a token to go back to when the statement is rolled back to its mark. */
uint64_t catalog_transaction_id(const txn_transaction *transaction);
void catalog_after_commit(catalog *catalog, uint64_t transaction_id);
void catalog_after_rollback(catalog *catalog, uint64_t transaction_id);
catalog_snapshot *catalog_before_statement(catalog *catalog, txn_transaction *transaction);
void catalog_back_to(catalog *catalog, txn_transaction *transaction, catalog_snapshot *before);

#endif
