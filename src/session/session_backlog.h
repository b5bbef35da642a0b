/*
 * session_backlog.h - rows that are collected before anybody takes them: chunks in memory, and what
 * exceeds a limit in a temporary file, in order.
 *
 * Belongs to one thread.
 */
#ifndef SESSION_SESSION_BACKLOG_H
#define SESSION_SESSION_BACKLOG_H

#include "store/cache/spill.h"
#include "vector/vector.h"

typedef struct session_backlog {
    base_budget budget; /* what is in memory */
    os_environment *environment;
    size_t memory;
    uint32_t column_count;
    const types_type *types;
    vector_chunk *chunks; /* the newest rows; the last one may have room */
    uint32_t chunk_count, chunk_capacity;
    size_t chunk_bytes; /* of an empty one */
    spill_file *file;   /* the rows before them */
    spill_block *blocks;
    uint32_t block_count, block_capacity;
    uint64_t row_count;
    /* Reading. */
    uint32_t next_block, next_chunk;
    vector_chunk read; /* of a block */
    bool has_read;
    base_buffer bytes;
} session_backlog;

/* `types` stay the caller's. More than `memory` bytes go to the file. */
void session_backlog_init(session_backlog *rows, base_budget *budget, os_environment *environment,
                          size_t memory, const types_type *types, uint32_t column_count);
void session_backlog_destroy(session_backlog *rows);
/* The chunk that the next row goes to, at its count; the row is there once it was added. */
base_status session_backlog_room(session_backlog *rows, vector_chunk **chunk, base_error *error);
base_status session_backlog_added(session_backlog *rows, base_error *error);
/* From the first row, any number of times; nothing is added meanwhile. */
void session_backlog_rewind(session_backlog *rows);
/* BASE_ROW with the next chunk, which lives until the next call, or BASE_DONE. */
base_status session_backlog_next(session_backlog *rows, const vector_chunk **chunk,
                                 base_error *error);

#endif
