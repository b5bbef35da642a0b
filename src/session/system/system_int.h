/*
 * system_int.h - how system relations are made.
 *
 * Most have few rows: they are collected when the scan opens and handed out from memory. One
 * file per subject; each offers its sources as rows of one table (system.c lists the tables).
 */
#ifndef SESSION_SYSTEM_INT_H
#define SESSION_SYSTEM_INT_H

#include "session/session_int.h"

/* A source that collects its rows. `collect` gets the arguments as the binder cast them. */
typedef struct system_rows system_rows;
typedef base_status (*system_collect)(system_rows *rows, const types_value *arguments,
                                      uint32_t argument_count);

struct system_rows {
    session_connection *connection;
    txn_transaction *transaction;
    catalog_snapshot *schema; /* pinned while rows are collected */
    base_arena *arena;
    base_error *error;
    uint32_t column_count;
    types_value *cells; /* row after row */
    uint32_t row_count, row_capacity;
    uint32_t next;
};

/* Rows of `column_count` nulls to be filled; NULL without memory (the error is set). */
types_value *session_system_add_row(system_rows *rows);
/* Values; texts are copied into the rows' arena. An empty text with NULL data is NULL. */
types_value session_system_text(system_rows *rows, base_text text);
types_value session_system_integer(int64_t value);
types_value session_system_boolean(bool value);
types_value session_system_type_name(system_rows *rows, types_type type);
/* Place of the column in the primary key, from 1; 0: not in it. */
int64_t session_system_key_place(const catalog_table *table, uint32_t column);
/* The PRIMARY KEY or UNIQUE constraint that the index belongs to; NULL: it was made by itself. */
const catalog_constraint *session_system_key_of(const catalog_index *index);
/* A text of the call's arguments; false for NULL. */
bool session_system_argument_text(const types_value *arguments, uint32_t argument_count,
                                  uint32_t index, base_text *text);

/* One row of a subject's table: a source whose open and next are the collecting ones. */
typedef struct system_source {
    plan_system_source source; /* first: the executor hands it back */
    const char *schema;        /* NULL: the main one */
    system_collect collect;
} system_source;

base_status session_system_open(const plan_system_source *source, void *environment,
                                txn_transaction *transaction, const types_value *arguments,
                                uint32_t argument_count, base_arena *arena, void **state,
                                base_error *error);
base_status session_system_next(void *state, vector_chunk *chunk, base_error *error);

#define SYSTEM_COLUMN(column_name, kind_name)                                                      \
    {                                                                                              \
        .name = {column_name, sizeof(column_name) - 1}, .type = {.kind = TYPES_##kind_name }       \
    }
#define SYSTEM_SOURCE(name_text, columns_array, minimum, maximum, types_array, collect_function)   \
    {                                                                                              \
        .source = {.name = name_text,                                                              \
                   .column_count = BASE_COUNT_OF(columns_array),                                   \
                   .columns = columns_array,                                                       \
                   .minimum_arguments = minimum,                                                   \
                   .maximum_arguments = maximum,                                                   \
                   .argument_types = types_array,                                                  \
                   .open = session_system_open,                                                    \
                   .next = session_system_next,                                                    \
                   .rows = 100},                                                                   \
        .collect = collect_function                                                                \
    }

extern const system_source session_system_schema_sources[]; /* ends with a row without name */
extern const system_source session_system_pragma_sources[];
extern const system_source session_system_information_sources[];
extern const system_source session_system_library_sources[];
extern const plan_system_source session_system_series_sources[]; /* likewise */

#endif
