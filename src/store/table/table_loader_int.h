/*
 * table_loader_int.h - the bulk loader's own structures.
 */
#ifndef STORE_TABLE_TABLE_LOADER_INT_H
#define STORE_TABLE_TABLE_LOADER_INT_H

#include "store/table/table_int.h"

enum {
    TABLE_LOAD_FACTOR = 2,              /* so many times seal_rows rows are worth a volume */
    TABLE_LOAD_SORT_BYTES = 128 << 20,  /* of rows that are sorted at once */
    TABLE_LOAD_WRITE_BYTES = 256 << 20, /* of rows that are collected for a volume */
};

typedef enum table_loader_mode {
    LOADER_HOLDING, /* it is not known yet how long the load is */
    LOADER_HOT,     /* ordinary insertion */
    LOADER_RISING,  /* to volumes as they come */
    LOADER_SORTING, /* rowids fall now and then: batches are sorted, then go to volumes */
} table_loader_mode;

/* Rows kept in memory: only stored columns. */
typedef struct table_held {
    vector_chunk rows;
    bool fresh; /* rowids were chosen: nobody has them */
    int64_t rowids[VECTOR_SIZE];
} table_held;

struct table_loader {
    base_budget budget;  /* what the rows in memory need */
    base_budget writing; /* what the volume under way needs */
    table_database *database;
    txn_transaction *transaction;
    table_relation *relation; /* entered */
    table_loader_mode mode;
    uint32_t column_count; /* of the descriptor */
    uint32_t stored_count;
    col_column *stored; /* the columns of volumes */
    types_type *types;  /* theirs */
    vector *view;       /* heads of them */
    vector *row;        /* heads of a whole row, for ordinary insertion */
    types_cell nothing; /* value and */
    uint64_t invalid;   /* validity of columns that are not stored */
    uint64_t held_rows;
    uint32_t held_count, held_capacity;
    table_held **held;
    int64_t last_rowid; /* what rises must be above it */
    col_writer *writer; /* the volume under way, or NULL */
    uint32_t volume_count, volume_capacity;
    table_volume **volumes; /* attached by this load */
};

/* table_loader.c */
base_status table_load_rising(table_loader *self, const vector_chunk *rows, const int64_t *rowids,
                              base_error *error);
base_status table_load_hot(table_loader *self, const vector_chunk *rows, const int64_t *rowids,
                           bool fresh, table_conflict *conflict, base_error *error);
base_status table_load_finish_volume(table_loader *self, base_error *error);

/* table_loader_sort.c */
/* The rows held, in order of their rowids, to a volume of their own; rowids that the hot store
 * has ever seen go there. */
base_status table_load_sorted(table_loader *self, table_conflict *conflict, base_error *error);

#endif
