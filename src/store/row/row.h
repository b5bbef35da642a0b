/*
 * row.h - the hot store: rows under rowids in memory, newest version in place.
 *
 * A tree is a directory of leaves; a leaf holds up to 2,048 rows column by column in one
 * slab, with a stamp per row (txn.h). What an update or delete replaced hangs off the row as
 * undo records, newest first, for as long as a snapshot needs it; a leaf without such records,
 * open transactions and deleted rows is read by copying its columns.
 *
 * The room knows forms, not types, and nothing of indexes or cold parts: "not found" here
 * means that the hot store has nothing to say about the row.
 *
 * Threads: any, everywhere, but for create and destroy. Writers of one row exclude each
 * other by the row's stamp; latches are held for the time of a copy.
 */
#ifndef ROW_ROW_H
#define ROW_ROW_H

#include "base/base.h"
#include "os/os.h"
#include "txn/txn.h"
#include "types/types.h"
#include "vector/vector.h"

typedef struct row_tree row_tree;
typedef struct row_layout row_layout;

#define ROW_ROWID UINT32_MAX /* the pseudo column */
/* Set in the stamp of a deleted row; a slot that is free bears just this. */
#define ROW_DELETED (UINT64_C(1) << 62)

/*
 * Set in the stamp of a row that was also written to a volume, with the sequence from which
 * on readers find it there: a snapshot before that reads it here, one at or after it does not
 * (BASE_NOT_FOUND). Only rows that every snapshot sees are ever sealed.
 */
#define ROW_SEALED (UINT64_C(1) << 61)

/* ---- Layouts ---------------------------------------------------------------------------- */

typedef struct row_column {
    types_form form;
    bool is_rowid; /* not stored: reads give the rowid */
    /* Tells this column from another that had the same number before it was rolled back. */
    uint32_t birth;
    bool missing_is_null; /* what rows without the column read */
    types_cell missing;   /* far strings are copied */
} row_column;

/* Immutable and counted: relation versions and leaves refer to it. */
base_status row_layout_create(base_budget *budget, const row_column *columns, uint32_t column_count,
                              row_layout **layout, base_error *error);
void row_layout_keep(row_layout *layout);
void row_layout_drop(row_layout *layout); /* NULL allowed */

/* ---- Trees ------------------------------------------------------------------------------ */

base_status row_tree_create(base_budget *budget, txn_manager *manager, row_tree **tree,
                            base_error *error);
/* Nobody may read or write it, and no undo record may name it. */
void row_tree_destroy(row_tree *tree);
uint64_t row_tree_count(const row_tree *tree);      /* rows, those of open transactions included */
uint64_t row_tree_byte_count(const row_tree *tree); /* slabs */
uint64_t row_tree_dead_count(row_tree *tree);       /* deleted rows whose place is not yet free */
/* Sequence of the newest commit that wrote here; 0: none. */
uint64_t row_tree_last_change(const row_tree *tree);
/* Largest rowid that was ever written here, INT64_MIN if none. */
int64_t row_tree_last_rowid(const row_tree *tree);

/* ---- Writing ----------------------------------------------------------------------------- */
/*
 * All wait for open transactions that hold the row. Then BASE_RESTART or
 * BASE_SERIALIZATION, by isolation level, where the row changed since the snapshot.
 * `layout` is that of the relation as the writer sees it.
 */

/* Called before the insertion of a row is taken back, while the row is still there: the
 * indexes forget it. Must live as long as the transaction; NULL where there is no need. */
typedef struct row_hook {
    void (*before_rollback)(void *context, int64_t rowid);
    void *context;
} row_hook;
/* BASE_UNIQUE_VIOLATION (without text) where a row has this rowid. `*over_deleted` (NULL
 * allowed): versions of a deleted row lie behind the new one; the hook is not called for it. */
base_status row_insert(txn_transaction *transaction, row_tree *tree, row_layout *layout,
                       int64_t rowid, const types_cell *cells, const bool *nulls,
                       const row_hook *hook, bool *over_deleted, base_error *error);
/* Takes back the row that this transaction has just inserted over nothing, its newest record
 * (a unique index refused it). */
void row_insert_undo(txn_transaction *transaction, row_tree *tree, int64_t rowid);
/* The chunk's selected rows from `first` on, in order, up to the first whose place is not free
 * (it has or had a row: see row_insert); `*written` counts those that are in, also on failure. */
base_status row_insert_chunk(txn_transaction *transaction, row_tree *tree, row_layout *layout,
                             const vector_chunk *rows, const int64_t *rowids, uint32_t first,
                             const row_hook *hook, uint32_t *written, base_error *error);
/* NOT_FOUND (without text) where no version is visible here. `*was_sealed`: the version that
 * was replaced lies in a volume too, where it has to be marked. */
base_status row_update(txn_transaction *transaction, row_tree *tree, row_layout *layout,
                       int64_t rowid, const uint32_t *columns, uint32_t column_count,
                       const types_cell *cells, const bool *nulls, bool *was_sealed,
                       base_error *error);
base_status row_delete(txn_transaction *transaction, row_tree *tree, int64_t rowid,
                       bool *was_sealed, base_error *error);
/* A row that was committed at `stamp`, into a tree that nobody else uses yet: rows that come back
 * from the file. BASE_UNIQUE_VIOLATION (without text) where the tree has the rowid. */
base_status row_load(row_tree *tree, row_layout *layout, int64_t rowid, const types_cell *cells,
                     const bool *nulls, uint64_t stamp, base_error *error);
/* ---- Reading ----------------------------------------------------------------------------- */

/* BASE_OK; BASE_DONE: the snapshot sees that the row is deleted; BASE_NOT_FOUND: nothing is
 * visible here. Far strings are copied into `heap`; with `heap` NULL they point into the
 * store, where they stay while the snapshot is active. */
base_status row_read(row_tree *tree, const row_layout *layout, const txn_snapshot *snapshot,
                     int64_t rowid, const uint32_t *columns, uint32_t column_count,
                     types_cell *cells, bool *nulls, base_arena *heap, base_error *error);

/* A place in a scan: rows from `next` to `last`, both inclusive, by rising or falling rowid. */
typedef struct row_position {
    int64_t next, last;
    uint32_t limit; /* rows that a call of row_scan looks at, about; 0: all of a leaf */
    bool descending;
    bool done; /* also when the range is empty */
} row_position;
/* BASE_ROW with up to VECTOR_SIZE visible rows in `chunk` and the position moved past them, or
 * BASE_DONE. Far strings point into the store, see row_read. `columns` has one entry per
 * column of the chunk; ROW_ROWID allowed. */
base_status row_scan(row_tree *tree, const row_layout *layout, const txn_snapshot *snapshot,
                     row_position *position, const uint32_t *columns, uint32_t column_count,
                     vector_chunk *chunk);
/* As row_scan; `stamps` gets the stamp of each row's version. */
base_status row_scan_stamped(row_tree *tree, const row_layout *layout, const txn_snapshot *snapshot,
                             row_position *position, const uint32_t *columns, uint32_t column_count,
                             vector_chunk *chunk, uint64_t *stamps);
/* Moves the position past the next visible rows, `*rows` of them at most, without reading them, and
 * takes those from `*rows`. It may stop before that many. */
void row_skip(row_tree *tree, const txn_snapshot *snapshot, row_position *position, uint64_t *rows);

/* ---- History ----------------------------------------------------------------------------- */

/* A committed version that was superseded: whole, as its leaf has it. Valid within the call that
 * it is passed to, which is made under the leaf's latch. */
typedef struct row_superseded {
    int64_t rowid;
    uint64_t begin, end; /* sequences: made, superseded */
    const struct row_slab *slab;
    uint32_t slot;
    const struct row_version *last; /* the record that restores it */
} row_superseded;
uint32_t row_superseded_columns(const row_superseded *version);
/* All cells; those that are not stored are NULL. Far strings point into the store. */
void row_superseded_read(const row_superseded *version, types_cell *cells, bool *nulls);
bool row_superseded_is_far(const row_superseded *version, uint32_t column, const types_cell *cell,
                           bool is_null);
/* Who keeps history is told of versions that the tree lets go of; may not fail or wait. */
typedef struct row_keeper {
    void (*keep)(void *context, const row_superseded *version);
    void *context;
} row_keeper;
void row_tree_set_keeper(row_tree *tree, const row_keeper *keeper); /* before it is shared */
/* As row_read for a past sequence: also versions that no snapshot needs any more, while they are
 * here. NOT_FOUND where none is, or where a volume has the row. */
base_status row_read_past(row_tree *tree, const row_layout *layout, uint64_t sequence,
                          int64_t rowid, const uint32_t *columns, uint32_t column_count,
                          types_cell *cells, bool *nulls, base_arena *heap, base_error *error);
/* The ones that the tree still has of those superseded at or before `newest`. */
void row_visit_superseded(row_tree *tree, uint64_t newest, const row_keeper *visitor);

/* ---- Sealing ----------------------------------------------------------------------------- */

/* Like row_scan, but gives the rows that every snapshot sees: committed at or before `newest`,
 * with nothing behind them; `stamps` gets one per row. */
base_status row_collect(row_tree *tree, const row_layout *layout, uint64_t newest,
                        row_position *position, const uint32_t *columns, uint32_t column_count,
                        vector_chunk *chunk, uint64_t *stamps);
/*
 * The rows with these rising rowids, as row_collect gave them, lie in a volume that is read
 * from `sequence` on. Two steps, and nothing may commit from the first to the end of the
 * second. row_find_stale reports the rows that commits have changed since (their newest
 * committed version is above `newest`, or gone): their copy in the volume must never be read.
 * Then the volume is shown, and row_seal gives the rows that are as they were their new stamp;
 * it reports the others, those among them that an open transaction has changed.
 */
typedef void (*row_stale)(void *context, uint32_t place);
void row_find_stale(row_tree *tree, const int64_t *rowids, uint32_t count, uint64_t newest,
                    row_stale is_stale, void *context);
void row_seal(row_tree *tree, const int64_t *rowids, uint32_t count, uint64_t newest,
              uint64_t sequence, row_stale is_stale, void *context);
/* Frees sealed rows that no snapshot reads here any more. */
void row_sweep(row_tree *tree, uint64_t oldest);

/* Whether rows, visible or not, lie between these rowids (both inclusive). */
bool row_tree_has_rows(const row_tree *tree, int64_t first, int64_t last);

/* Cuts the rowids from `first` to `last` into at most `limit` ranges of about `leaves` leaves:
 * fills the first rowid of each, ascending; returns how many (at least 1). */
uint32_t row_tree_cut(const row_tree *tree, int64_t first, int64_t last, uint32_t leaves,
                      int64_t *starts, uint32_t limit);
/* An upper bound for what row_tree_cut returns. */
uint32_t row_tree_cut_bound(const row_tree *tree, uint32_t leaves);

/* Calls `visit` for each version of the row that some snapshot not older than `oldest` may
 * come to see, newest first, and for a deletion that is not committed, until it returns true;
 * returns that. If none did, `visit` is called once more with `cells` NULL. The row's leaf is
 * latched meanwhile, so the row cannot change; `visit` must not come back here. `stamp` is
 * the version's. */
typedef bool (*row_visitor)(void *context, uint64_t stamp, const types_cell *cells,
                            const bool *nulls);
bool row_visit_versions(row_tree *tree, const row_layout *layout, int64_t rowid, uint64_t oldest,
                        const uint32_t *columns, uint32_t column_count, row_visitor visit,
                        void *context);
enum {
    ROW_VISIT_COLUMNS = 32 /* columns of a visit at most */
};

/* The integrity check: reports broken invariants. Nobody may write meanwhile. */
void row_tree_check(row_tree *tree, void (*report)(void *context, const char *problem),
                    void *context);

#endif
