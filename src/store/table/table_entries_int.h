/*
 * table_entries_int.h - index entries of rows that are there (table_entries.c).
 */
#ifndef STORE_TABLE_TABLE_ENTRIES_INT_H
#define STORE_TABLE_TABLE_ENTRIES_INT_H

#include "store/table/table_int.h"

/* Takes entries one by one. */
typedef struct table_entry_sink {
    base_status (*add)(void *context, base_text key, int64_t rowid, bool has_null,
                       base_error *error);
    void *context;
} table_entry_sink;
/* Entries of rows, cut into units; several threads may read them at the same time. */
typedef struct table_entry_source {
    const table_index *index;
    table_relation *relation;
    table_scan *scan; /* NULL: the rows of volumes */
    table_volume *const *volumes;
    uint32_t volume_count;
    uint32_t unit_count;
} table_entry_source;
/* All rows that the snapshot sees. */
base_status table_entry_source_rows(table_entry_source *source, table_index *index,
                                    table_relation *relation, const txn_snapshot *snapshot,
                                    base_error *error);
/* All rows of the volumes, whether marked or not. */
void table_entry_source_volumes(table_entry_source *source, table_index *index,
                                table_relation *relation, table_volume *const *volumes,
                                uint32_t count);
void table_entry_source_close(table_entry_source *source);
/* Units from .. to - 1. */
base_status table_entries_read(const table_entry_source *source, uint32_t from, uint32_t to,
                               const table_entry_sink *sink, base_error *error);
/* Of rows in the hot store alone. */
base_status table_entries_of_hot(table_index *index, table_relation *relation,
                                 const txn_snapshot *snapshot, const table_entry_sink *sink,
                                 base_error *error);

#endif
