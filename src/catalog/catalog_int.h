/*
 * catalog_int.h - entries, snapshots and the objects relation.
 *
 * Definitions are rows of one relation with a fixed id, one row per object, so that a
 * definition cannot be there by half:
 *
 *     kind INTEGER, id INTEGER, name TEXT, body BLOB, sql TEXT
 *
 * `id` is the relation's id (tables), the view's number (views). Indexes and constraints
 * are part of their table's body. Row 0 holds the schema's version in `id`: every change
 * updates it first, which makes writers of the schema wait for each other like writers of
 * any row, deadlocks found and all.
 *
 * An entry is one table or view, immutable and counted; snapshots are arrays of entries.
 */
#ifndef CATALOG_CATALOG_INT_H
#define CATALOG_CATALOG_INT_H

#include "catalog/catalog.h"
#include "os/os.h"

enum {
    CATALOG_OBJECTS_RELATION = 1,
    CATALOG_VERSION_ROW = 0,
    CATALOG_BODY_FORMAT = 1,
};

/* Columns of the objects relation. */
enum {
    CATALOG_COLUMN_KIND,
    CATALOG_COLUMN_ID,
    CATALOG_COLUMN_NAME,
    CATALOG_COLUMN_BODY,
    CATALOG_COLUMN_SQL,
    CATALOG_OBJECT_COLUMNS,
};

extern const types_type catalog_object_types[CATALOG_OBJECT_COLUMNS]; /* catalog_rows.c */

typedef struct catalog_entry {
    _Atomic(uint32_t) references;
    base_arena arena; /* holds everything that `table` points to */
    catalog_table table;
    int64_t rowid; /* of its row in the objects relation; -1 for temporary views */
} catalog_entry;

struct catalog_snapshot {
    _Atomic(uint32_t) references;
    base_budget *budget;
    uint64_t version;        /* unique among the snapshots of a catalog */
    uint64_t schema_version; /* of the version row, as of this snapshot */
    uint32_t entry_count;
    catalog_entry **entries; /* sorted by name without case */
    uint32_t index_count;
    const catalog_index **indexes; /* of all entries, sorted by name without case */
};

struct catalog {
    table_database *database;
    base_budget *budget;
    os_mutex mutex; /* guards the fields below; held for pointer work only */
    catalog_snapshot *committed;
    _Atomic(uint64_t) committed_version; /* of `committed`; read without the mutex */
    _Atomic(uint64_t) owner; /* id of the transaction whose change is under way; 0: none */
    catalog_snapshot *private_snapshot; /* what it sees */
    _Atomic(uint64_t) next_version;
    _Atomic(int64_t) next_rowid; /* of the objects relation */
};

/* ---- Entries and snapshots (catalog_snapshot.c) -------------------------------------------- */
catalog_entry *catalog_entry_create(base_budget *budget); /* one reference; NULL: no memory */
void catalog_entry_release(catalog_entry *entry);
catalog_entry *catalog_entry_of(const catalog_table *table);
/* A snapshot of `count` entries, each pinned again. */
base_status catalog_snapshot_create(catalog *catalog, catalog_entry *const *entries, uint32_t count,
                                    uint64_t schema_version, catalog_snapshot **snapshot,
                                    base_error *error);
/* `base` with `added` (or NULL) in place of `removed` (or NULL). */
base_status catalog_snapshot_replace(catalog *catalog, const catalog_snapshot *base,
                                     const catalog_entry *removed, catalog_entry *added,
                                     uint64_t schema_version, catalog_snapshot **snapshot,
                                     base_error *error);

/* ---- Bodies (catalog_body.c) ---------------------------------------------------------------- */
void catalog_body_write(const catalog_table *table, base_buffer *body);
/* Fills in columns, constraints and indexes; texts are copied into the entry's arena. */
base_status catalog_body_read(catalog_entry *entry, base_text body, base_error *error);
bool catalog_copy_text(base_arena *arena, base_text *to, base_text from);

/* ---- Agreement with the storage (catalog_agree.c) ------------------------------------------- */
/* BASE_CORRUPT unless the table's columns, rowid and indexes are those of its relation. */
base_status catalog_entry_agree(const catalog_entry *entry, base_error *error);
/* The same of the objects relation. */
base_status catalog_objects_agree(const table_relation *relation, base_error *error);

/* ---- Rows of the objects relation (catalog_rows.c) ------------------------------------------- */
base_status catalog_rows_create(table_database *database, base_error *error);
base_status catalog_rows_load(catalog *catalog, base_error *error);
base_status catalog_rows_take_version(catalog *catalog, txn_transaction *transaction,
                                      uint64_t *schema_version, base_error *error);
base_status catalog_rows_write(catalog *catalog, txn_transaction *transaction, catalog_entry *entry,
                               bool is_new, base_error *error);
base_status catalog_rows_delete(catalog *catalog, txn_transaction *transaction,
                                const catalog_entry *entry, base_error *error);

/* ---- Changes (catalog.c, catalog_change.c) --------------------------------------------------- */
/* Takes the version row and gives the newest snapshot, pinned, and the version that the
 * change will have. `table` is what is changed, as the caller found it (NULL: something new):
 * BASE_RESTART or BASE_SERIALIZATION unless it is that in the newest snapshot, too. */
base_status catalog_begin_change(catalog *catalog, txn_transaction *transaction,
                                 const catalog_table *table, catalog_snapshot **base,
                                 uint64_t *schema_version, base_error *error);
/* Makes the snapshot (whose reference moves) what the transaction sees. */
void catalog_publish_private(catalog *catalog, txn_transaction *transaction,
                             catalog_snapshot *snapshot);
base_status catalog_fill_view(base_arena *arena, catalog_table *table, base_text name,
                              base_text view_sql, base_text sql, base_error *error);

#endif
