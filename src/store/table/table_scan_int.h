/*
 * table_scan_int.h - what the files of a scan share: sources and their merging.
 */
#ifndef TABLE_TABLE_SCAN_INT_H
#define TABLE_TABLE_SCAN_INT_H

#include "store/table/table_int.h"

enum {
    TABLE_SCAN_RANGES = 16 /* predicates that zone maps are asked about */
};

struct table_scan {
    base_budget *budget;
    table_relation *relation; /* resolved; the snapshot keeps it */
    txn_snapshot snapshot;
    uint32_t *columns;
    uint32_t column_count;
    const table_predicate *predicates;
    uint32_t predicate_count;
    int64_t first, last;
    bool descending;
    uint64_t as_of; /* 0: the snapshot decides */
    uint32_t unit_count, unit_capacity;
    int64_t *starts; /* ascending */
};

/* One part of a relation within a unit. */
typedef struct table_source {
    table_volume *volume;  /* NULL: the hot tree, */
    row_position position; /* read from here */
    uint32_t from, to;     /* positions of the volume that are still to be read */
    uint32_t range_count;
    col_range ranges[TABLE_SCAN_RANGES];
    /* When merged: its newest batch, with the rowids as one more column. */
    vector_chunk chunk;
    bool has_chunk, done;
    uint32_t next, count; /* rows of the batch: next .. count - 1 of `rows` are left */
    uint16_t *rows;
    const int64_t *rowids;
} table_source;

typedef struct table_as_of table_as_of;

struct table_reader {
    const table_scan *scan;
    table_as_of *as_of; /* of the open unit */
    table_source *sources;
    uint32_t source_count, source_capacity;
    uint32_t limit; /* rows of a chunk */
    /* When merging. */
    uint32_t *columns; /* the scan's and the rowid */
    bool merging;
};

/* table_scan.c */
/* In place of a unit: whole volumes, and nothing hot. */
base_status table_reader_open_volumes(table_reader *reader, table_volume *const *volumes,
                                      uint32_t count, base_error *error);

/* table_history_scan.c: the scan's range as of its sequence */
base_status table_as_of_open(const table_scan *scan, table_as_of **opened, base_error *error);
base_status table_as_of_next(table_as_of *self, vector_chunk *chunk, base_error *error);
void table_as_of_close(table_as_of *self); /* NULL allowed */

/* table_source.c */
base_status table_source_open(const table_scan *scan, table_source *source, table_volume *volume,
                              int64_t first, int64_t last, base_error *error);
/* The next batch of a part, of the volume or of the hot tree, with the reader's limit: BASE_ROW or
 * BASE_DONE. `selection` has room for VECTOR_SIZE. */
base_status table_source_next(const table_reader *reader, table_source *source,
                              const uint32_t *columns, uint32_t column_count, vector_chunk *chunk,
                              uint16_t *selection, base_error *error);

/* Leaves out visible rows of a volume, see table_reader_skip. */
void table_source_skip(const table_scan *scan, table_source *source, uint64_t *rows);

/* table_merge.c */
base_status table_merge_open(table_reader *reader, base_error *error);
void table_merge_close(table_reader *reader);
base_status table_merge_next(table_reader *reader, vector_chunk *chunk, base_error *error);

#endif
