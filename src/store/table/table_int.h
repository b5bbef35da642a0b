/*
 * table_int.h - the room's own structures.
 *
 *   table_database   registry of entries, transactions, file and log
 *   table_entry      one relation id: its lock and its versions, newest first
 *   table_relation   one version: descriptor, rows, indexes; what table_acquire pins
 *   table_storage    the rows between two truncations: the hot tree, and cold parts behind it
 *   table_index      one index, shared by the versions that have it
 */
#ifndef TABLE_TABLE_INT_H
#define TABLE_TABLE_INT_H

#include "index/run/run.h"
#include "index/set/index_set.h"
#include "store/cache/cache.h"
#include "store/col/col.h"
#include "store/row/row.h"
#include "store/table/table.h"
#include "store/wal/wal.h"

enum {
    TABLE_SAMPLE_RANGES = 16,
    TABLE_UNIT_LEAVES = 32, /* leaves of a scan unit: 65,536 rows when full */
};

/* Key bytes on the stack, for paths that may not allocate. */
typedef struct table_key_space {
    base_budget nothing;
    base_buffer key;
    char bytes[TABLE_MAX_KEY_SIZE + 64];
} table_key_space;

/* Bytes of file or log that are being read. */
typedef struct table_bytes {
    const unsigned char *next, *end;
} table_bytes;

struct table_index {
    _Atomic(uint32_t) references; /* relation versions */
    table_database *database;
    table_index_descriptor descriptor; /* `parts` is owned */
    vector_key_part *key_parts;
    uint32_t *key_columns;
    index_set *entries;
    /* Versions that were over at this sequence do not count for its entries: who reads them
     * does not see the index, and who ended them did not know it. */
    uint64_t since;
    /* The tree has the entries of hot rows. False after a reopen, until it is first needed. */
    _Atomic(bool) filled;
    /* Rows in volumes may lack their entries in the runs: once filled, the tree has them. */
    _Atomic(bool) incomplete;
    /* Under the checkpoint mutex, once others can see the index. */
    uint32_t seal_count; /* of the storage, when entries of sealed rows last went to a run */
    uint64_t merged_at;  /* newest sequence when stale entries were last looked for */
};

/* Statistics of a column, from a sample that was taken when they were asked for. */
typedef struct table_sample {
    bool taken;
    uint64_t row_count; /* of the table at that time */
    table_column_statistics statistics;
} table_sample;

/* Where a checkpoint wrote a storage's rows. */
typedef struct table_saved {
    uint64_t sequence; /* the rows as of this commit */
    uint32_t count, capacity;
    cache_reference *references;
} table_saved;

/* Delete marks of one vector of a volume: who has taken the row away. */
typedef struct table_marks {
    uint64_t bits[VECTOR_WORDS];  /* a mark is there */
    uint64_t stamps[VECTOR_SIZE]; /* whose; as a row's stamp */
} table_marks;
#define TABLE_MARK_ALWAYS 1 /* a mark that every snapshot sees */

/*
 * A volume of a storage and its marks. Snapshots from `since` on read it, and from `until` on
 * no longer: its rows that are left lie in other volumes then (table_compact.c). It stays
 * listed until no snapshot before `until` is left.
 */
#define TABLE_NEVER (ROW_DELETED - 1) /* no sequence is as high, no id like it */
typedef struct table_volume {
    base_budget *budget;
    col_volume *data;
    col_volume_info info;
    uint32_t number;              /* in its storage, for people */
    _Atomic(uint32_t) references; /* of a history volume: lists */
    _Atomic(uint64_t) since;      /* as a row's stamp: who reads it; NEVER: nobody yet */
    _Atomic(uint64_t) until;      /* a sequence, or NEVER */
    _Atomic(bool) abandoned;      /* nobody will ever read it */
    bool logged;                  /* the log may name its extents */
    bool leaving;                 /* the next list is without it; under the volume mutex */
    _Atomic(bool) loose; /* not yet reached by a header; changed under the checkpoint mutex */
    os_latch latch;      /* of the marks and of `moving` */
    bool moving;         /* its marks are being carried over to the volumes that follow it */
    uint32_t vector_count;
    table_marks **marks; /* by vector; NULL: none */
    _Atomic(uint32_t) mark_count;
    _Atomic(uint64_t) marked_at; /* sequence of the newest mark */
    /* What the file has of the marks. */
    uint64_t marks_saved_at;
    cache_reference marks_reference;
} table_volume;

/* Superseded versions of a storage's rows (table_history.c). */
typedef struct table_history_segment table_history_segment;
typedef struct table_history_list table_history_list;
typedef struct table_history {
    os_latch latch;
    table_history_segment *segment; /* of the buffer: versions go to its end; NULL: none yet */
    table_history_list *list;       /* NULL: no volumes */
    _Atomic(uint64_t) from;         /* the past is whole from here on */
    _Atomic(uint64_t) saved_at;     /* versions over by then are in volumes */
    _Atomic(bool) damaged;          /* the file names a volume that cannot be read */
} table_history;

/* When some commits were made; few, by rising sequence. */
enum {
    TABLE_TIMES = 256
};
typedef struct table_time {
    uint64_t sequence;
    int64_t time; /* microseconds since 1970 */
} table_time;
typedef struct table_times {
    uint32_t count;
    table_time places[TABLE_TIMES];
} table_times;

/* What the root says of a storage that nobody has touched since the file was opened. Extents
 * of packed rows stand in `saved`. */
typedef struct table_unread {
    unsigned char *rows; /* those that lie in the root */
    uint32_t row_bytes, volume_count;
    struct table_unread_volume {
        cache_reference reference, marks;
        uint64_t since;
    } * volumes;
    unsigned char *past; /* versions that lie in the root */
    uint32_t past_bytes, history_count;
    cache_reference *history; /* history volumes */
} table_unread;

/*
 * The volumes of a storage at some time, cut into runs: the volumes of a run do not overlap and
 * come by rising rowid, so a row is looked for in one volume of each. Never changed; readers
 * keep it by their snapshot.
 */
typedef struct table_volumes {
    struct table_volumes *older; /* replaced by this one, and freed with it */
    uint32_t count, run_count;
    uint32_t *run_ends; /* of run r: volumes[run_ends[r - 1]] .. volumes[run_ends[r] - 1] */
    table_volume *volumes[];
} table_volumes;

typedef struct table_storage {
    _Atomic(uint32_t) references; /* relation versions */
    table_database *database;
    /* NULL: hot rows, volumes and marks are what they say. Otherwise they are empty, and
     * nobody but table_storage_need has to do with them. */
    _Atomic(table_unread *) unread;
    row_tree *hot;
    _Atomic(table_volumes *) volumes; /* NULL: never had any; changed under the volume mutex */
    _Atomic(uint32_t) seal_count;     /* how often rows were sealed since the file was opened */
    os_mutex volume_mutex;
    uint32_t volume_number; /* of the newest volume */
    /* Volumes of the past: listed ones with `until`. While there are any a row may have more
     * than one copy without a mark. Changed under the moving mutex. */
    _Atomic(uint32_t) past_count;
    _Atomic(uint64_t) switch_count; /* how often volumes took the place of others */
    os_mutex moving_mutex;  /* marks of rows with several copies; before latches of volumes */
    os_latch visitor_latch; /* shared by those who look at volumes without a snapshot */
    _Atomic(uint64_t) cold_change; /* sequence of the newest commit that marked or loaded */
    /* Raised whenever rows have got another place, after they can be found there and before
     * they may go where they were: who finds it unchanged has not missed a row on its way. */
    _Atomic(uint64_t) placements;
    _Atomic(int64_t) next_rowid;
    _Atomic(uint32_t) next_birth; /* of columns */
    os_mutex sample_mutex;
    table_sample *samples; /* by column */
    uint32_t sample_count;
    table_saved saved; /* under the checkpoint mutex */
    table_history history;
} table_storage;

typedef struct table_entry {
    txn_lock lock; /* shared by writers, exclusive for definitions; first: see entry_of */
    uint64_t id;
    table_database *database;
    _Atomic(uint32_t) references; /* versions, lock holders, the registry */
    table_relation *newest;       /* under the registry mutex, as all below */
    struct table_entry *next;     /* in the registry's bucket */
    bool listed;
} table_entry;

struct table_relation {
    txn_garbage garbage;
    _Atomic(uint32_t) references; /* pins, the chain of versions */
    _Atomic(bool) superseded;     /* a newer version exists, or it was rolled back */
    _Atomic(uint64_t) stamp;      /* as a row's: who may see it */
    bool dropped;
    table_entry *entry;
    table_storage *storage;
    row_layout *layout;
    table_relation *older;
    table_descriptor descriptor; /* columns and their strings are owned */
    uint32_t *births;            /* of the columns */
    uint32_t index_count, index_capacity;
    table_index **indexes;
    uint32_t key_column_capacity,
        key_column_count; /* columns of some index, the rowid's left out */
    uint32_t *key_columns;
    row_hook hook; /* insertions taken back leave the indexes */
};

struct table_database {
    base_budget budget;
    os_runtime *runtime;
    table_options options;
    txn_manager *manager;
    bool in_memory, read_only;
    _Atomic(bool) is_new;
    bool replaying; /* nothing is logged */
    _Atomic(uint64_t) next_id;
    os_mutex registry;
    table_entry **buckets;
    uint32_t bucket_count, entry_count;
    cache_file *file; /* in memory: from table_need_file on */
    /* Of a file. */
    os_registry_entry registered;
    uint32_t open_count; /* under the runtime's registry lock */
    wal_log *log;
    os_mutex load_mutex; /* one storage is read from the file at a time */
    os_mutex fill_mutex; /* one index is filled at a time */
    os_mutex checkpoint_mutex;
    os_mutex discard_mutex;
    table_saved discarded; /* loose extents that the log may name; under the discard mutex */
    table_saved reached;   /* what the newest root names: see table_visit_extents */
    bool looked_for_space; /* since the file was opened: see table_space.c */
    os_task_group *background;
    bool closing;                   /* nobody will read the tables again */
    bool log_stays;                 /* the last checkpoint failed */
    _Atomic(bool) stopping;         /* merges end where they are */
    _Atomic(bool) checkpoint_waits; /* one was started and has not ended */
    os_mutex times_mutex;
    table_times times;
    _Atomic(uint64_t) timed_sequence; /* about the newest in `times` */
    _Atomic(uint64_t) history_bytes;  /* of all buffers */
    os_mutex compact_mutex;           /* one merge at a time */
    _Atomic(bool) compaction_waits;   /* one was started and has not looked yet */
};

BASE_INLINE table_database *table_database_of(const txn_transaction *transaction)
{
    return txn_owner_of(transaction);
}
BASE_INLINE const row_hook *table_hook_of(const table_relation *relation)
{
    return relation->index_count ? &relation->hook : NULL;
}

/* table_database.c */
/* Gives a database in memory the place for volumes; a file has it. */
base_status table_need_file(table_database *database, base_error *error);

/* table_relation.c */
table_entry *table_entry_find(table_database *database, uint64_t id); /* registry held */
base_status table_entry_create(table_database *database, uint64_t id, table_entry **entry,
                               base_error *error);
void table_entry_keep(table_entry *entry);
void table_entry_drop(table_entry *entry);
void table_entry_unlist(table_entry *entry); /* registry held */
base_status table_storage_create(table_database *database, table_storage **storage,
                                 base_error *error);
void table_storage_drop(table_storage *storage); /* NULL allowed */
/* A version of `entry` like `source` (may be NULL), not in any chain: one reference. */
base_status table_relation_copy(table_entry *entry, const table_relation *source,
                                table_relation **copy, base_error *error);
base_status table_relation_set_columns(table_relation *relation, const table_column *columns,
                                       const uint32_t *births, uint32_t count, base_error *error);
base_status table_relation_replace_columns(table_relation *relation, const table_column *columns,
                                           const uint32_t *births, uint32_t count,
                                           base_error *error);
base_status table_relation_make_layout(table_relation *relation, base_error *error);
/* Once its indexes are known. */
base_status table_relation_note_keys(table_relation *relation, base_error *error);
void table_relation_set_storage(table_relation *relation, table_storage *storage);
base_status table_relation_add_index(table_relation *relation, table_index *index,
                                     base_error *error);
void table_relation_remove_index(table_relation *relation, uint32_t place);
void table_relation_destroy(table_relation *relation); /* never seen by anybody */
base_status table_storage_need_slow(table_relation *relation, base_error *error); /* table_load.c */
/* Reads the relation's rows, if that has not been done since the file was opened. */
BASE_INLINE base_status table_storage_need(table_relation *relation, base_error *error)
{
    if (BASE_LIKELY(!atomic_load_explicit(&relation->storage->unread, memory_order_acquire)))
        return BASE_OK;
    return table_storage_need_slow(relation, error);
}
/* For figures: a relation that cannot be read has none. */
BASE_INLINE void table_storage_try(const table_relation *relation)
{
    (void)table_storage_need((table_relation *)(uintptr_t)relation, NULL);
}
/* The version that the transaction reads: the handle itself unless that is outdated. Its rows are
 * there. */
base_status table_resolve_slow(txn_transaction *transaction, table_relation *relation,
                               table_relation **resolved, base_error *error);
BASE_INLINE base_status table_resolve(txn_transaction *transaction, table_relation *relation,
                                      table_relation **resolved, base_error *error)
{
    uint64_t stamp = atomic_load_explicit(&relation->stamp, memory_order_acquire);
    if (BASE_LIKELY(!atomic_load_explicit(&relation->superseded, memory_order_acquire) &&
                    txn_sees(txn_snapshot_of(transaction), stamp))) {
        *resolved = relation;
        return table_storage_need(relation, error);
    }
    return table_resolve_slow(transaction, relation, resolved, error);
}
/* Before writing: takes the relation's lock and gives the version to write through. */
base_status table_enter_write(txn_transaction *transaction, table_relation *relation,
                              table_relation **current, base_error *error);
/* RESTART or SERIALIZATION, by isolation level. */
base_status table_row_changed(txn_transaction *transaction, base_error *error);
base_status table_changed(txn_transaction *transaction, base_error *error);

/* table_scan.c */
#define TABLE_STAMP COL_STAMP /* the pseudo column of begin stamps, of volumes only */
int64_t table_last_rowid(const table_storage *storage); /* INT64_MIN: no row ever */
BASE_INLINE bool table_is_rowid(const table_relation *relation, uint32_t column)
{
    return column == TABLE_ROWID || (int32_t)column == relation->descriptor.rowid_column;
}
/* A scan at a snapshot that the caller keeps active; the relation is the one to read. */
base_status table_scan_create_at(table_relation *relation, const txn_snapshot *snapshot,
                                 const table_scan_options *options, table_scan **scan,
                                 base_error *error);

/* table_volumes.c */
BASE_INLINE const table_volumes *table_volumes_of(const table_storage *storage)
{
    return atomic_load_explicit(&storage->volumes, memory_order_acquire);
}
BASE_INLINE bool table_has_volumes(const table_storage *storage)
{
    const table_volumes *list = table_volumes_of(storage);
    return list && list->count > 0;
}
/* The snapshot finds its rows in the volumes that followed it. */
BASE_INLINE bool table_volume_is_past(const table_volume *volume, const txn_snapshot *snapshot)
{
    return atomic_load_explicit(&volume->until, memory_order_acquire) <= snapshot->sequence;
}
/* Is the volume one that new snapshots read, for all that is published? */
bool table_volume_is_current(const table_volume *volume, uint64_t last_sequence);
bool table_volume_is_visible(const table_volume *volume, const txn_snapshot *snapshot);
/* The copies of a row: one volume of each run is a candidate. */
typedef struct table_candidates {
    const table_volumes *list; /* may be NULL */
    int64_t rowid;
    uint32_t run; /* the next one to look at */
} table_candidates;
table_volume *table_next_candidate(table_candidates *candidates); /* NULL: no more */
/* Opens the volume, unlisted. */
base_status table_volume_open(table_storage *storage, const cache_reference *reference,
                              uint64_t since, table_volume **volume, base_error *error);
void table_volume_destroy(table_storage *storage, table_volume *volume);
base_status table_volumes_add(table_storage *storage, table_volume *const *volumes, uint32_t count,
                              base_error *error);
/* Opens the volume and lists it, read by those who see `since`. */
base_status table_volume_add(table_storage *storage, const cache_reference *reference,
                             uint64_t since, table_volume **volume, base_error *error);
/* Takes volumes that nobody reads any more off the list. */
void table_volumes_prune(table_storage *storage);
void table_volumes_destroy(table_storage *storage);
uint64_t table_cold_count(const table_storage *storage); /* rows without marks */
/* Volumes that new snapshots read: the base, which covers most rows without overlapping, by
 * rising rowid, and then the others. Allocated, `list->count` places. NULL: no memory. */
typedef struct table_layers {
    table_volume **volumes;
    uint32_t base_count, count, capacity;
} table_layers;
base_status table_layers_make(const table_storage *storage, const table_volumes *list,
                              table_layers *layers, base_error *error);
void table_layers_free(const table_storage *storage, table_layers *layers);
/* The smallest rowid above `rowid` where a volume that is written anew has to end, so that none
 * but the base's spans two volumes of the base. False: there is none. */
bool table_layers_border(const table_layers *layers, int64_t rowid, int64_t *border);

/* table_cold.c */
/* The row's place in the volume that has its version; `for_write`: volumes that are not read
 * yet count too, and marks of open transactions do not hide. NOT_FOUND: no text. */
base_status table_cold_find(table_storage *storage, const txn_snapshot *snapshot, int64_t rowid,
                            bool for_write, table_volume **volume, uint32_t *position,
                            base_error *error);
/* Cells at a place, by relation column. */
base_status table_cold_read(const table_relation *relation, table_volume *volume, uint32_t position,
                            int64_t rowid, const uint32_t *columns, uint32_t column_count,
                            types_cell *cells, bool *nulls, base_arena *heap, base_error *error);
/* Hot, then cold: as row_read, but a deleted row is NOT_FOUND. Far strings of hot rows are
 * copied into `hot_heap` unless that is NULL; `cold_heap` takes those that have to be made. */
base_status table_fetch(const table_relation *relation, const txn_snapshot *snapshot, int64_t rowid,
                        const uint32_t *columns, uint32_t column_count, types_cell *cells,
                        bool *nulls, base_arena *hot_heap, base_arena *cold_heap,
                        base_error *error);
/* What the copies of a rowid in volumes mean to who inserts it. */
typedef enum table_past {
    TABLE_PAST_NONE,
    TABLE_PAST_DEAD, /* taken away, but snapshots may see them */
    TABLE_PAST_HELD, /* taken away by the open transaction `*holder` */
    TABLE_PAST_LIVE,
    TABLE_PAST_LATER, /* live, in a volume that the snapshot does not read yet */
} table_past;
base_status table_cold_past(const txn_transaction *transaction, table_storage *storage,
                            int64_t rowid, table_past *past, uint64_t *holder, base_error *error);
/* Who looks at all versions of a row. `cold` gets copies in volumes, newest first; one that an
 * open transaction took away has its id and ROW_DELETED as its stamp. `hot` as in
 * row_visit_versions: its last call, without cells, is made under the leaf's latch, and then
 * the row has no versions but those that were shown. `start`, which may be NULL, comes before
 * anything, and again where all has to be looked at anew. */
typedef struct table_visitor {
    void (*start)(void *context);
    row_visitor cold, hot;
    void *context;
} table_visitor;
/* Versions that some snapshot not older than `oldest` may come to see: copies in volumes, then
 * the hot store's, so that a row on its way from there to here or back is seen at least once.
 * Fails where a volume cannot be read. */
base_status table_visit_versions(const table_relation *relation, int64_t rowid, uint64_t oldest,
                                 const uint32_t *columns, uint32_t column_count,
                                 const table_visitor *visitor);

/* table_mark.c */
extern const txn_undo_kind table_mark_kind;
/* The mark at a position, 0: none. */
uint64_t table_mark_get(table_volume *volume, uint32_t position);
uint32_t table_mark_count(table_volume *volume); /* counted */
/* The marks of a vector; UINT64_MAX where there is none, or of an open transaction. */
void table_mark_copy(table_volume *volume, uint32_t vector_number, uint64_t stamps[VECTOR_SIZE]);
bool table_mark_hides(table_volume *volume, uint32_t position, const txn_snapshot *snapshot);
/* Clears the bits of rows that marks hide from the snapshot; false: there were none. */
bool table_mark_filter(table_volume *volume, uint32_t vector_number, const txn_snapshot *snapshot,
                       uint64_t bits[VECTOR_WORDS]);
/* Sets the transaction's mark on the row's copies, of which this is one. BASE_OK, NOT_FOUND (it
 * is gone for the snapshot), RESTART or SERIALIZATION; `*holder` set with NOT_FOUND: an open
 * transaction has marked it. `is_mine`: its hot row has decided that nobody else may. */
base_status table_mark_set(txn_transaction *transaction, table_storage *storage,
                           table_volume *volume, uint32_t position, int64_t rowid, bool is_mine,
                           uint64_t *holder, base_error *error);
/* What a snapshot sees of the marks, as bytes of an extent; empty: none. Sequences are kept for
 * those above `horizon`. */
base_status table_marks_pack(table_volume *volume, const txn_snapshot *snapshot, uint64_t horizon,
                             base_buffer *bytes, base_error *error);
base_status table_marks_unpack(table_volume *volume, table_bytes bytes, uint64_t newest,
                               base_error *error);
/* Recovery: a mark that everybody sees. */
base_status table_mark_always(table_volume *volume, uint32_t position, base_error *error);
/* Sealing must not fail half-way: memory for marks of all vectors, a mark without fail, and
 * giving back what was not needed. */
base_status table_mark_reserve_all(table_volume *volume, base_error *error);
void table_mark_reserved(table_volume *volume, uint32_t position);
void table_mark_trim(table_storage *storage, table_volume *volume);

/* table_key.c */
void table_key_space_init(table_key_space *space);
/* The key of part cells, appended to the cleared buffer. */
base_status table_key_build(const table_index *index, const types_cell *cells, const bool *nulls,
                            base_buffer *key, base_error *error);
/* Part cells out of a whole row's cells. */
void table_key_cells(const table_relation *relation, const table_index *index, int64_t rowid,
                     const types_cell *row, const bool *row_nulls, types_cell *cells, bool *nulls);
bool table_key_has_null(const table_index *index, const bool *nulls);

/* table_index.c */
base_status table_index_make(table_database *database, const table_relation *relation,
                             const table_index_descriptor *descriptor, table_index **index,
                             base_error *error);
void table_index_drop_reference(table_index *index);
/* All rows that the snapshot sees; with `check` a duplicate is an error. With `old_keys_of`
 * what is added is for an older snapshot of that transaction: it goes after its commit. */
base_status table_index_fill(table_index *index, table_relation *relation,
                             const txn_snapshot *snapshot, bool check, txn_transaction *old_keys_of,
                             base_error *error);

/* A key with a NULL in it never collides: the NULL byte of each part tells. */
bool table_key_bytes_have_null(const table_index *index, base_text key);

/* Fills the tree of an index that was brought back from the file, when it is first used. */
base_status table_index_need_slow(table_index *index, table_relation *relation, base_error *error);
BASE_INLINE base_status table_index_need(table_index *index, table_relation *relation,
                                         base_error *error)
{
    if (BASE_LIKELY(atomic_load_explicit(&index->filled, memory_order_acquire)))
        return BASE_OK;
    return table_index_need_slow(index, relation, error);
}

typedef struct table_seal table_seal; /* below */

/* table_run.c */
/* A run becomes part of the index: with the transaction, or, where that is NULL, at once and for
 * everybody. `loose`: its extents are given back when it goes. */
base_status table_run_attach(txn_transaction *transaction, table_index *index,
                             const cache_reference *reference, bool loose, base_error *error);
/* What a checkpoint does to the runs of indexes, once its header is durable. */
typedef struct table_run_change {
    table_index *index; /* kept */
    index_set_list *prepared;
    index_run *added;    /* kept */
    index_run **removed; /* kept; NULL: none, and the run has entries of the tree */
    uint32_t removed_count;
    uint32_t seal_count;
    uint64_t merged_at;
} table_run_change;
typedef struct table_run_changes {
    table_database *database;
    table_run_change *changes;
    uint32_t count, capacity;
    index_run **adopted; /* kept; loose until the header is durable */
    uint32_t adopted_count, adopted_capacity;
} table_run_changes;
/* The runs that the root names for an index, kept. */
typedef struct table_run_list {
    index_run **runs;
    uint32_t count, capacity;
    bool complete; /* with them every row in a volume has its entry */
} table_run_list;
/* Writes the entries of rows that `seal` has copied to a run, and merges runs where that is due.
 * The relation has been read. */
base_status table_run_write(table_run_changes *changes, table_index *index,
                            table_relation *relation, const txn_snapshot *snapshot,
                            const table_seal *seal, table_run_list *list, base_error *error);
/* The runs of an index as they are, of a relation that has not been read. */
base_status table_run_pass_on(table_run_changes *changes, table_index *index, table_run_list *list,
                              base_error *error);
void table_run_list_free(table_database *database, table_run_list *list);
/* The header is durable: runs are added, and what went into them leaves the trees. */
void table_run_settle(table_run_changes *changes);
/* After settling, or after the checkpoint was aborted. */
void table_run_changes_free(table_run_changes *changes);

/* table_maintain.c */
/* Does any version that a snapshot not older than `oldest` may come to see have the key? Also
 * true where that cannot be found out. */
bool table_entry_is_needed(table_relation *relation, const table_index *index, base_text key,
                           int64_t rowid, uint64_t oldest);

/* table_index_build.c */
/* Entries of all rows at the snapshot as a sorted run, a duplicate refused; `older`: those of
 * the transaction's own, older snapshot as well. Undo is registered, extents are synced. */
base_status table_index_build(txn_transaction *transaction, table_relation *relation,
                              table_index *index, const txn_snapshot *newest, bool older,
                              base_error *error);
/* Whether the indexes of the relation have room for one more load. */
bool table_index_may_load(const table_relation *relation);
/* Entries of volumes that this transaction has attached, as sorted runs of all indexes of the
 * relation, whose lock it holds alone. A key that two of these rows share, or one of them and
 * a row that was there, is BASE_UNIQUE_VIOLATION. Undo and redo are registered; the extents
 * are to be synced before the commit. */
base_status table_index_load(txn_transaction *transaction, table_relation *relation,
                             table_volume **volumes, uint32_t count, table_conflict *conflict,
                             base_error *error);

/* table_ddl.c */
/* An index as the root or the log has it: with runs, not built. `loose`: their extents are the
 * transaction's until a header reaches them. */
typedef struct table_index_source {
    const cache_reference *runs;
    uint32_t run_count;
    bool loose;
    bool complete; /* see table_index.incomplete */
    bool filled;
} table_index_source;
base_status table_index_attach(txn_transaction *transaction,
                               const table_index_descriptor *descriptor,
                               const table_index_source *source, base_error *error);
/* In the place of the index that is there. `source` NULL: built from the rows. */
base_status table_index_replace(txn_transaction *transaction, uint64_t id,
                                const table_index_source *source, base_error *error);

/* table_maintain.c */
extern const txn_undo_kind table_key_kind;
void table_forget_row(void *relation, int64_t rowid); /* a row_hook */
/* Entries of a new row; BASE_UNIQUE_VIOLATION fills `conflict`. `has_past`: versions lie
 * behind it, so the entries get undo of their own; the row's hook does not suffice. */
base_status table_add_entries(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                              const types_cell *row, const bool *nulls, bool has_past,
                              table_conflict *conflict, base_error *error);
/* A new row with a past was taken back: its entries go unless other versions need them. */
void table_drop_entries(table_relation *relation, int64_t rowid, const types_cell *row,
                        const bool *nulls);
/* The entry is of a version that is outdated already. */
base_status table_note_old_key(txn_transaction *transaction, table_relation *relation,
                               table_index *index, int64_t rowid, base_text key, base_error *error);
bool table_index_has_column(const table_index *index, const uint32_t *columns, uint32_t count);
/*
 * A row gets new cells in `columns`; `before` has all its cells as they are. First, before the
 * row changes, the undo of its entries; then, when it has changed, the new entries. Keys that
 * stay are in neither.
 */
typedef struct table_moves {
    txn_undo *first;
    uint32_t count;
} table_moves;
base_status table_note_moves(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                             const types_cell *before, const bool *before_nulls,
                             const uint32_t *columns, uint32_t column_count,
                             const types_cell *cells, const bool *nulls, table_moves *moves,
                             base_error *error);
/* With `deferral`, a key that is taken is noted there instead of being refused. */
base_status table_add_moved(txn_transaction *transaction, const table_moves *moves,
                            table_deferral *deferral, table_conflict *conflict, base_error *error);
/* The row was deleted. */
base_status table_retire_entries(txn_transaction *transaction, table_relation *relation,
                                 int64_t rowid, const types_cell *before, const bool *before_nulls,
                                 base_error *error);

/* table_unique.c */
typedef struct table_holder {
    uint64_t id;       /* of an open transaction; 0: none */
    int64_t rowid;     /* its row */
    bool may_give_way; /* by the newest version: it need not have the key while it waits itself */
} table_holder;
/* Looks at the other rows that have entries with this key: BASE_OK, with `holder` set where it
 * depends on an open transaction, or BASE_UNIQUE_VIOLATION. */
base_status table_check_unique(txn_transaction *transaction, table_relation *relation,
                               table_index *index, base_text key, int64_t rowid,
                               table_holder *holder, table_conflict *conflict, base_error *error);

/* table_load.c */
void table_unread_free(table_database *database, table_unread *unread); /* NULL allowed */
/* A volume out of the file or the log must have written its columns as the relation reads them:
 * BASE_CORRUPT otherwise. */
base_status table_volume_agrees(const table_relation *relation, const table_volume *volume,
                                base_error *error);
/* table_recovery.c */
/* Brings the definitions of the file's root and then the log's units into memory. */
base_status table_load(table_database *database, base_error *error);
base_status table_replay(table_database *database, uint64_t *unit_count, base_error *error);

/* table_checkpoint.c */
enum {
    TABLE_ROOT_VERSION = 3,
    TABLE_FIRST_ROOT_VERSION = 1,              /* that can be read */
    TABLE_INDEX_COMPLETE = 1,                  /* flag of an index: see table_index.incomplete */
#define TABLE_ROWS_STAMPED (UINT32_C(1) << 31) /* of the columns of a block: stamps come with it */
    TABLE_INLINE_BYTES = 2048,                 /* rows of small tables lie in the root */
    TABLE_EXTENT_BYTES = 1 << 20,              /* of packed rows, about */
    TABLE_SEAL_ROWS = 8192 /* unless options say else: as many hot rows make a volume worth while */
};
base_status table_saved_add(table_database *database, table_saved *saved,
                            const cache_reference *reference, base_error *error);
void table_saved_free(table_database *database, table_saved *saved);
/* Visits all extents of what the reference names, which `database->reached` lists as one:
 * those of a volume or of an index run, or the extent itself. */
base_status table_visit_extents(table_database *database, const cache_reference *reference,
                                base_status (*visit)(void *context,
                                                     const cache_reference *reference,
                                                     base_error *error),
                                void *context, base_error *error);

/* table_space.c */
/* Does the status say that a part of the file cannot be read? The rest can. */
BASE_INLINE bool table_is_damage(base_status status)
{
    return status == BASE_CORRUPT || status == BASE_FORMAT || status == BASE_IO_ERROR;
}
enum {
    TABLE_ROOT_FLAGS = 0 /* which of the header's words they are */
};
/* The checkpoint under way frees what the new root, which names `now` (which is sorted), does not
 * reach; the new root's flags are set. */
base_status table_free_unreached(table_database *database, table_saved *now, cache_root *root,
                                 base_error *error);

/* table_attach.c */
/* A loose volume becomes part of the relation with this transaction. `attached` may be NULL. */
base_status table_attach_volume(txn_transaction *transaction, table_relation *relation,
                                const cache_reference *reference, table_volume **attached,
                                base_error *error);
/* A loose extent that the log may name is needed no more: given back after the next checkpoint.
 * Cannot fail; the form is that of a visitor, `context` the database. */
base_status table_discard_logged(void *context, const cache_reference *reference,
                                 base_error *error);
/* A checkpoint takes what was given up by then, before it switches the log, and gives it back
 * once its header is durable, or keeps it for the next. */
void table_take_discarded(table_database *database, table_saved *taken);
void table_settle_discarded(table_database *database, table_saved *taken, bool durable);
/* Gives the extents of a loose volume back. */
void table_volume_discard(table_database *database, table_volume *volume);

/* table_write.c */
/* As table_insert at rowids that are given, through an entered relation. `fresh`: they were chosen,
 * so no row has them. */
base_status table_insert_at(txn_transaction *transaction, table_relation *relation,
                            const vector_chunk *rows, const int64_t *rowids, bool fresh,
                            table_conflict *conflict, base_error *error);
base_status table_choose_rowids(table_storage *storage, int64_t *rowids, uint32_t count,
                                base_error *error);
void table_note_rowid(table_storage *storage, int64_t rowid);

/* table_seal.c */
/* Rows of the hot store that were written to a volume by the checkpoint under way. */
typedef struct table_sealed {
    cache_reference reference;
    uint64_t newest; /* no row has a higher sequence */
    uint32_t count, capacity;
    int64_t *rowids; /* rising; the place is the position in the volume */
} table_sealed;
struct table_seal {
    table_database *database;
    table_sealed *volumes;
    uint32_t volume_count, volume_capacity;
};
/* Writes what every snapshot sees to volumes, within the checkpoint under way. */
base_status table_seal_write(table_seal *seal, const table_relation *relation, base_error *error);
/* The header is durable: from one sequence on the rows are read from the volumes. Where that
 * fails they stay in the hot store, and the storage's extents count as outdated. */
void table_seal_switch(table_seal *seal, table_storage *storage);
void table_seal_free(table_seal *seal);

/* table_seal_memory.c */
base_status table_seal_in_memory(table_database *database, base_error *error);

/* table_checkpoint.c */
/* So many hot rows of the storage make a volume worth while. */
uint64_t table_rows_worth_sealing(const table_database *database, const table_storage *storage);
/* After a commit: starts one in the background when the log has grown long. */
void table_checkpoint_if_due(table_database *database);

/* table_compact.c */
/* After a checkpoint: merges volumes in the background where that is worth while. */
void table_compact_soon(table_database *database);

/* table_integrity.c */
base_status table_list_ids(table_database *database, uint64_t **ids, uint32_t *count,
                           uint32_t *capacity, base_error *error);

/* table_describe.c */
/* BASE_CORRUPT: this part of the file is not what it should be. */
base_status table_corrupt(const char *what, base_error *error);

#endif
