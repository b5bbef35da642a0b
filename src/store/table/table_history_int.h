/*
 * table_history_int.h - superseded versions: buffer, volumes, cursors over them.
 *
 *   table_history          of a storage: what it has of the past
 *   table_history_segment  versions in memory, in the order they were superseded
 *   table_history_list     history volumes; counted, never changed
 *   table_history_cursor      versions of one part, by rising rowid and begin
 */
#ifndef TABLE_TABLE_HISTORY_INT_H
#define TABLE_TABLE_HISTORY_INT_H

#include "store/table/table_int.h"

/* Columns of history volumes beside those of the relation. Their COL_ROWID just counts. */
#define TABLE_HISTORY_ROWID (UINT32_MAX - 2)
#define TABLE_HISTORY_END (UINT32_MAX - 3)

typedef struct table_history_entry {
    struct table_history_entry *next;
    int64_t rowid;
    uint64_t begin, end;
    uint32_t column_count;
    bool *nulls;        /* behind the cells */
    types_cell cells[]; /* bytes of far strings lie in the segment's arena */
} table_history_entry;

struct table_history_segment {
    _Atomic(uint32_t) references; /* the history, readers, the segment before it */
    base_budget *budget;
    base_arena arena;
    table_history_entry *first, *last; /* under the history's latch */
    uint32_t count;
    uint64_t bytes;              /* about */
    table_history_segment *next; /* what took its place; under the latch */
};

struct table_history_list {
    _Atomic(uint32_t) references;
    uint32_t count;
    table_volume *volumes[]; /* each with one reference */
};

/* ---- A storage's history --------------------------------------------------------------------- */

void table_history_init(table_storage *storage);
void table_history_destroy(table_storage *storage);
/* What was over by this sequence is lost. */
void table_history_raise(table_history *history, uint64_t sequence);
table_history_list *table_history_list_take(table_history *history); /* NULL: no volumes */
void table_history_list_drop(table_storage *storage, table_history_list *list); /* NULL allowed */
/* The tree, which nobody else knows yet, tells the storage of what it lets go. */
void table_history_watch(table_storage *storage, row_tree *tree);
bool table_history_is_due(const table_database *database);
/* May the past be read at this sequence? */
base_status table_history_check(table_storage *storage, uint64_t sequence, base_error *error);
/* Now and then the time of the newest commit. */
void table_history_note_commit(table_database *database);
/* Parts of kind "history". */
void table_history_list_parts(table_storage *storage,
                              void (*report)(void *context, const table_part_info *info),
                              void *context);
/* Reads and checks all volumes; problems are reported. */
base_status table_history_check_volumes(table_storage *storage,
                                        void (*report)(void *context, const char *problem),
                                        void *context, base_error *error);
void table_history_note_time(table_database *database, uint64_t sequence, int64_t time);
/* Versions that were over by this sequence need not be kept. */
uint64_t table_history_horizon(table_database *database);
/* Opens the volumes that the root names; the storage is the relation's. */
base_status table_history_open(const table_relation *relation, const cache_reference *references,
                               uint32_t count, base_error *error);
/* Takes over a reference on each. */
base_status table_history_add(table_storage *storage, table_volume *const *volumes, uint32_t count,
                              base_error *error);
/* What a merge of these volumes leaves behind goes to history volumes. */
base_status table_history_leave(const table_relation *relation, table_volume *const *inputs,
                                uint32_t count, base_error *error);

/* A storage's history in a checkpoint: written before the header, settled after it. */
typedef struct table_history_writing {
    const table_relation *relation;
    bool loose;
    table_volume **volumes; /* written and opened; each with one reference */
    uint32_t count, capacity;
} table_history_writing;
typedef struct table_history_save {
    table_relation *relation;
    uint64_t sequence, from;
    table_history_list *before, *after; /* counted */
    enum table_history_fate {
        TABLE_HISTORY_STAYS,
        TABLE_HISTORY_ABSORBED,
        TABLE_HISTORY_GOES,
    } * fates; /* of the volumes before */
    table_history_writing writing;
    base_buffer packed;   /* the versions that lie in the root: they stay in the buffer */
    uint64_t trim_before; /* what was over by then leaves the buffer */
    uint64_t saved_at;    /* volumes have what was over by then */
} table_history_save;
base_status table_history_save_write(table_history_save *save, table_relation *relation,
                                     uint64_t sequence, base_error *error);
uint32_t table_history_save_count(const table_history_save *save); /* volumes of the new list */
table_volume *table_history_save_at(const table_history_save *save, uint32_t place);
void table_history_save_settle(table_history_save *save);
void table_history_save_free(table_history_save *save);

/* ---- Cursors --------------------------------------------------------------------------------- */

typedef enum table_history_kind {
    TABLE_HISTORY_ENTRIES,
    TABLE_HISTORY_VOLUME,
    TABLE_HISTORY_COLD, /* a volume of rows, with its marks */
} table_history_kind;

/* The versions to give: those alive at some sequence (`at` set), or those that are over since
 * `horizon`. */
typedef struct table_history_filter {
    bool alive_at;
    uint64_t at;      /* begin <= at < end */
    uint64_t horizon; /* horizon < end, and over */
    int64_t first_rowid, last_rowid;
} table_history_filter;

typedef struct table_history_cursor {
    table_history_kind kind;
    const table_relation *relation;
    table_history_filter filter;
    bool done;
    /* The version that it stands at. */
    int64_t rowid;
    uint64_t begin, end;
    /* Entries: sorted. */
    const table_history_entry **entries;
    uint32_t next_entry, entry_count;
    /* Volumes. */
    table_volume *volume;
    uint32_t position;      /* of the version */
    uint32_t next, count;   /* of the vector that is decoded */
    uint32_t vector_number; /* the next one to decode */
    int64_t *rowids;
    uint64_t *begins, *ends;
    vector_chunk chunk;
    bool has_chunk;
} table_history_cursor;

base_status table_history_open_volume(table_history_cursor *cursor, table_history_kind kind,
                                      const table_relation *relation, table_volume *volume,
                                      const table_history_filter *filter, base_error *error);
void table_history_open_entries(table_history_cursor *cursor, const table_relation *relation,
                                const table_history_entry **entries, uint32_t count,
                                const table_history_filter *filter);
void table_history_close(table_history_cursor *cursor);
/* To the next version; `done` is set where there is none. */
base_status table_history_next(table_history_cursor *cursor, base_error *error);
/* Cells of the version by relation column; strings point into the part or into `heap`. */
base_status table_history_read(const table_history_cursor *cursor, const uint32_t *columns,
                               uint32_t column_count, types_cell *cells, bool *nulls,
                               base_arena *heap, base_error *error);
/* The cursor whose version comes first, by rowid and begin; NULL: all are done. */
table_history_cursor *table_history_first(table_history_cursor *cursors, uint32_t count);
/* By rowid and begin. */
void table_history_sort(const table_history_entry **entries, uint32_t count);

/* ---- The buffer ------------------------------------------------------------------------------ */

/* NULL: no memory. */
table_history_entry *table_history_copy_version(base_arena *arena, const row_superseded *version);
void table_history_buffer_drop(table_storage *storage);
void table_history_buffer_count(table_storage *storage, uint64_t *count, uint64_t *bytes);
/* Entries that were over by the sequence are elsewhere, or not needed. */
void table_history_trim(table_storage *storage, const table_relation *relation, uint64_t sequence);
/* Sorted entries that were over after the horizon, as bytes for the root; `*fits`: few enough. */
base_status table_history_pack(const table_relation *relation, const table_history_entry **entries,
                               uint32_t count, uint64_t horizon, base_buffer *bytes, bool *fits,
                               base_error *error);
/* Into the buffer of a storage that is being read; `newest`: the root's sequence. */
base_status table_history_unpack(const table_relation *relation, table_bytes bytes, uint64_t newest,
                                 base_error *error);

/* ---- Volumes --------------------------------------------------------------------------------- */

/* Writes the versions of all cursors, each once. */
base_status table_history_write(table_history_writing *writing, table_history_cursor *cursors,
                                uint32_t count, base_error *error);
void table_history_forget(
    table_history_writing *writing); /* the volumes too, unless `count` is 0 */

void table_history_volume_drop(table_storage *storage, table_volume *volume);

/* What a reader holds on to: the buffer first, then the volumes (moves go that way). */
typedef struct table_history_view {
    table_history_segment *first;    /* counted; it keeps those that follow it */
    table_history_segment *segment;  /* the oldest it has not read to the end */
    const table_history_entry *seen; /* the last entry of it that was read; NULL: none */
    table_history_list *list;
} table_history_view;
void table_history_view_open(table_storage *storage, table_history_view *view);
void table_history_view_close(table_storage *storage, table_history_view *view);
/* The entry after the last one that was given; NULL: no more for now. */
const table_history_entry *table_history_view_next(table_storage *storage,
                                                   table_history_view *view);

#endif
