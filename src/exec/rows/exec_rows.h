/*
 * exec_rows.h - rows in memory: the one layout that joins, aggregates, sorts and windows share.
 *
 * A row is bytes of fixed size:
 *
 *     | header of the owner | one null bit per column | columns, aligned | tail of the owner |
 *
 * The header holds what the owner finds rows by (hash, chain link), the tail what it computes
 * (aggregate states, window results). Far strings lie in the collection's heap and the row
 * points to them, so that a row is moved by copying the pointer to it and never its bytes.
 *
 * Rows stand in blocks that never move. Addresses stay good until the collection is cleared.
 *
 * Threads: a collection belongs to one lane while it grows, and is read by any afterwards.
 */
#ifndef EXEC_ROWS_H
#define EXEC_ROWS_H

#include "exec/exec_int.h"

typedef struct exec_layout {
    uint32_t column_count;
    types_type *types;
    uint8_t *forms; /* types_form */
    uint32_t *offsets;
    uint32_t null_offset; /* bit set: NULL */
    uint32_t tail_offset; /* a multiple of 16 */
    uint32_t row_size;    /* a multiple of 16 */
} exec_layout;

/* Header and tail are aligned to 16 bytes, zeroed in new rows. */
base_status exec_layout_init(exec_layout *layout, exec_execution *execution,
                             const types_type *types, uint32_t column_count, uint32_t header_size,
                             uint32_t tail_size, base_error *error);

BASE_INLINE bool exec_row_is_null(const exec_layout *layout, const char *row, uint32_t column)
{
    return (uint8_t)row[layout->null_offset + column / 8] >> (column % 8) & 1;
}
BASE_INLINE void exec_row_set_null(const exec_layout *layout, char *row, uint32_t column)
{
    row[layout->null_offset + column / 8] =
        (char)((uint8_t)row[layout->null_offset + column / 8] | 1u << (column % 8));
}
/* One value of a row; far strings point into the heap. */
void exec_row_cell(const exec_layout *layout, const char *row, uint32_t column, types_cell *cell,
                   bool *is_null);
/* The other way; far strings are not copied. */
void exec_row_set_cell(const exec_layout *layout, char *row, uint32_t column,
                       const types_cell *cell, bool is_null);
/* Order of two rows' values; NULLs largest. */
int exec_row_compare(const exec_layout *layout, uint32_t column, const char *left,
                     const char *right);

typedef struct exec_row_block {
    char *rows;
    uint32_t count, capacity;
} exec_row_block;

typedef struct exec_rows {
    const exec_layout *layout;
    base_budget *budget;
    exec_row_block *blocks;
    uint32_t block_count; /* in use */
    uint32_t kept_count;  /* allocated: those behind block_count are empty, from a run before */
    uint32_t block_capacity;
    uint64_t row_count;
    size_t byte_count; /* of the blocks in use */
    base_arena heap;
} exec_rows;

/* Lives as long as the execution; its memory is given back by clear. */
base_status exec_rows_new(exec_execution *execution, const exec_layout *layout, exec_rows **rows,
                          base_error *error);
/* Empty again; some blocks are kept for the next run. */
void exec_rows_clear(exec_rows *rows);
/* Room for `count` (<= VECTOR_SIZE) more rows: header, null bits and tail zeroed. */
base_status exec_rows_reserve(exec_rows *rows, uint32_t count, char **addresses, base_error *error);
/* One more row; faster than a reserve of one. */
base_status exec_rows_reserve_slow(exec_rows *rows, char **address, base_error *error);
BASE_INLINE base_status exec_rows_reserve_one(exec_rows *rows, char **address, base_error *error)
{
    exec_row_block *block = rows->block_count ? &rows->blocks[rows->block_count - 1] : NULL;
    if (BASE_UNLIKELY(!block || block->count == block->capacity))
        return exec_rows_reserve_slow(rows, address, error);
    char *row = block->rows + (size_t)block->count++ * rows->layout->row_size;
    memset(row, 0, rows->layout->row_size);
    rows->row_count++;
    *address = row;
    return BASE_OK;
}
/* Takes back the newest `count` rows (of the last reserve). */
void exec_rows_unreserve(exec_rows *rows, uint32_t count);
/* Writes the selected values of a vector into a column of reserved rows. */
base_status exec_rows_scatter(exec_rows *rows, uint32_t column, const vector *values,
                              const uint16_t *selection, uint32_t count, char *const *addresses,
                              base_error *error);
/* After rows were copied as bytes: copies the far strings of a column into the heap. */
base_status exec_rows_own_strings(exec_rows *rows, uint32_t column, uint32_t count,
                                  char *const *addresses, base_error *error);
/* Bytes held, heap not included. */
size_t exec_rows_bytes(const exec_rows *rows);

/* A walk over all rows in order of insertion. */
typedef struct exec_rows_cursor {
    uint32_t block, row;
} exec_rows_cursor;
/* Up to VECTOR_SIZE addresses; 0 at the end. */
uint32_t exec_rows_next(const exec_rows *rows, exec_rows_cursor *cursor, char **addresses);

/* Reads a column of rows into positions 0 .. count - 1, or into positions[i] where given, of a
 * vector with own memory. Strings keep pointing into the heap. */
void exec_rows_gather(const exec_layout *layout, uint32_t column, char *const *rows,
                      const uint16_t *positions, uint32_t count, vector *to);

/*
 * Compares pairs (value at positions[p], row rows[p]) for the pair numbers in `pairs`: those that
 * are equal stay in `pairs`, in order, and are counted; the others go to `unequal` where that is
 * not NULL. NULLs are equal to each other when `null_equal`, otherwise to nothing.
 */
uint32_t exec_rows_match(const exec_layout *layout, uint32_t column, const vector *values,
                         const uint16_t *positions, char *const *rows, uint16_t *pairs,
                         uint32_t count, bool null_equal, uint16_t *unequal,
                         uint32_t *unequal_count);

/* ---- Chunk buffers: rows kept as columns (CTEs, kept inputs, writes) --------------------- */

typedef struct exec_buffer {
    exec_execution *execution;
    types_type *types;
    uint32_t column_count;
    vector_chunk **chunks;
    uint32_t chunk_count, chunk_capacity;
    uint64_t row_count;
} exec_buffer;
base_status exec_buffer_new(exec_execution *execution, const types_type *types,
                            uint32_t column_count, exec_buffer **buffer, base_error *error);
base_status exec_buffer_append(exec_buffer *buffer, const vector_chunk *chunk, base_error *error);
void exec_buffer_clear(exec_buffer *buffer);
/* Points the frame (see exec_chunk_frame) at chunk `index`. */
void exec_buffer_read(const exec_buffer *buffer, uint32_t index, vector_chunk *frame);

#endif
