/*
 * exec_rows.c - collections of rows: blocks that never move, and the heap of their strings.
 *
 * Blocks start small, so that a hundred-row hash table costs a few kilobytes, and double up to
 * a size that amortises the allocation. Values go in and out a column at a time: the loops
 * below are stamped per value size with the shape of the vector as a constant.
 *
 * Invariants: a block's rows are never moved or freed before the collection is cleared;
 * reserved rows have zeroed header, null bits and tail; bytes of far strings belong to `heap`.
 */
#include "exec/rows/exec_rows.h"

enum {
    FIRST_BLOCK_SIZE = 8 << 10,
    LARGEST_BLOCK_SIZE = 512 << 10,
    KEPT_SIZE = 512 << 10, /* bytes of blocks that are kept over a reset */
};

static size_t block_size(const exec_rows *rows, const exec_row_block *block)
{
    return (size_t)block->capacity * rows->layout->row_size;
}

/* Frees the blocks from number `from` on. */
static void free_blocks(exec_rows *rows, uint32_t from)
{
    for (uint32_t i = from; i < rows->kept_count; i++)
        base_free(rows->budget, rows->blocks[i].rows, block_size(rows, &rows->blocks[i]));
    rows->kept_count = BASE_MIN(rows->kept_count, from);
}

static void destroy_rows(void *context)
{
    exec_rows *rows = context;
    free_blocks(rows, 0);
    base_free_array(rows->budget, rows->blocks, rows->block_capacity, sizeof(exec_row_block));
    base_arena_destroy(&rows->heap);
}

base_status exec_rows_new(exec_execution *execution, const exec_layout *layout, exec_rows **result,
                          base_error *error)
{
    exec_rows *rows = EXEC_NEW(execution, exec_rows);
    if (!rows)
        return base_error_no_memory(error);
    rows->layout = layout;
    rows->budget = &execution->budget;
    base_arena_init(&rows->heap, rows->budget);
    if (!base_arena_on_release(&execution->arena, destroy_rows, rows))
        return base_error_no_memory(error);
    *result = rows;
    return BASE_OK;
}

void exec_rows_clear(exec_rows *rows)
{
    uint32_t kept = 0;
    size_t bytes = 0;
    for (; kept < rows->kept_count; kept++) {
        bytes += block_size(rows, &rows->blocks[kept]);
        if (bytes > KEPT_SIZE)
            break;
    }
    free_blocks(rows, kept);
    rows->block_count = 0;
    rows->byte_count = 0;
    rows->row_count = 0;
    base_arena_reset(&rows->heap);
}

size_t exec_rows_bytes(const exec_rows *rows)
{
    return rows->byte_count;
}

static base_status add_block(exec_rows *rows, base_error *error)
{
    if (rows->block_count < rows->kept_count) {
        exec_row_block *kept = &rows->blocks[rows->block_count++];
        kept->count = 0;
        rows->byte_count += block_size(rows, kept);
        return BASE_OK;
    }
    if (!base_grow_array(rows->budget, &rows->blocks, &rows->block_capacity, rows->block_count + 1,
                         sizeof(exec_row_block)))
        return base_error_no_memory(error);
    uint32_t row_size = rows->layout->row_size;
    size_t size = BASE_MAX((size_t)FIRST_BLOCK_SIZE, rows->byte_count);
    size = BASE_MIN(size, (size_t)LARGEST_BLOCK_SIZE);
    uint32_t capacity = (uint32_t)BASE_MAX(size / row_size, (size_t)1);
    char *memory = base_allocate(rows->budget, (size_t)capacity * row_size);
    if (!memory)
        return base_error_no_memory(error);
    rows->blocks[rows->block_count++] = (exec_row_block){memory, 0, capacity};
    rows->kept_count = rows->block_count;
    rows->byte_count += (size_t)capacity * row_size;
    return BASE_OK;
}

base_status exec_rows_reserve(exec_rows *rows, uint32_t count, char **addresses, base_error *error)
{
    const exec_layout *layout = rows->layout;
    uint32_t done = 0;
    while (done < count) {
        exec_row_block *block = rows->block_count ? &rows->blocks[rows->block_count - 1] : NULL;
        if (!block || block->count == block->capacity) {
            base_status status = add_block(rows, error);
            if (status != BASE_OK) {
                exec_rows_unreserve(rows, done);
                return status;
            }
            continue;
        }
        uint32_t part = BASE_MIN(count - done, block->capacity - block->count);
        char *row = block->rows + (size_t)block->count * layout->row_size;
        memset(row, 0, (size_t)part * layout->row_size); /* one call is faster than pieces */
        for (uint32_t i = 0; i < part; i++, row += layout->row_size)
            addresses[done + i] = row;
        block->count += part;
        rows->row_count += part;
        done += part;
    }
    return BASE_OK;
}

base_status exec_rows_reserve_slow(exec_rows *rows, char **address, base_error *error)
{
    return exec_rows_reserve(rows, 1, address, error);
}

void exec_rows_unreserve(exec_rows *rows, uint32_t count)
{
    BASE_ASSERT(count <= rows->row_count);
    rows->row_count -= count;
    while (count) {
        exec_row_block *block = &rows->blocks[rows->block_count - 1];
        uint32_t part = BASE_MIN(count, block->count);
        block->count -= part;
        count -= part;
        if (!block->count && count) {
            rows->byte_count -= block_size(rows, block);
            rows->block_count--; /* kept for later */
        }
    }
}

uint32_t exec_rows_next(const exec_rows *rows, exec_rows_cursor *cursor, char **addresses)
{
    uint32_t count = 0, row_size = rows->layout->row_size;
    while (count < VECTOR_SIZE && cursor->block < rows->block_count) {
        const exec_row_block *block = &rows->blocks[cursor->block];
        uint32_t part = BASE_MIN(VECTOR_SIZE - count, block->count - cursor->row);
        char *row = block->rows + (size_t)cursor->row * row_size;
        for (uint32_t i = 0; i < part; i++, row += row_size)
            addresses[count + i] = row;
        count += part;
        cursor->row += part;
        if (cursor->row == block->count) {
            cursor->block++;
            cursor->row = 0;
        }
    }
    return count;
}

/* ---- Columns in and out ------------------------------------------------------------------ */

/* Where in `data` the value of a physical position stands. */
BASE_INLINE uint32_t value_place(vector_shape shape, const uint16_t *codes, uint32_t position)
{
    return shape == VECTOR_FLAT ? position : shape == VECTOR_CONSTANT ? 0 : codes[position];
}

BASE_INLINE void scatter_body(uint32_t size, vector_shape shape, const char *data,
                              const uint16_t *codes, const uint16_t *selection, uint32_t count,
                              char *const *addresses, uint32_t offset)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = value_place(shape, codes, vector_row(selection, i));
        memcpy(addresses[i] + offset, data + (size_t)place * size, size);
    }
}

#define SCATTER_SHAPES(size)                                                                       \
    switch (shape) {                                                                               \
    case VECTOR_FLAT:                                                                              \
        scatter_body(size, VECTOR_FLAT, data, codes, selection, count, addresses, offset);         \
        break;                                                                                     \
    case VECTOR_CONSTANT:                                                                          \
        scatter_body(size, VECTOR_CONSTANT, data, codes, selection, count, addresses, offset);     \
        break;                                                                                     \
    case VECTOR_DICTIONARY:                                                                        \
        scatter_body(size, VECTOR_DICTIONARY, data, codes, selection, count, addresses, offset);   \
        break;                                                                                     \
    }

static void scatter_values(uint32_t size, vector_shape shape, const char *data,
                           const uint16_t *codes, const uint16_t *selection, uint32_t count,
                           char *const *addresses, uint32_t offset)
{
    switch (size) {
    case 1:
        SCATTER_SHAPES(1);
        break;
    case 2:
        SCATTER_SHAPES(2);
        break;
    case 4:
        SCATTER_SHAPES(4);
        break;
    case 8:
        SCATTER_SHAPES(8);
        break;
    default:
        SCATTER_SHAPES(16);
        break;
    }
}

/* Copies the bytes of far strings into the heap. Rows that are NULL hold undefined bytes and are
 * passed over. */
base_status exec_rows_own_strings(exec_rows *rows, uint32_t column, uint32_t count,
                                  char *const *addresses, base_error *error)
{
    const exec_layout *layout = rows->layout;
    uint32_t offset = layout->offsets[column];
    for (uint32_t i = 0; i < count; i++) {
        types_string *string = (types_string *)(void *)(addresses[i] + offset);
        if (exec_row_is_null(layout, addresses[i], column)) {
            memset(string, 0, sizeof *string);
            continue;
        }
        if (string->length <= TYPES_STRING_INLINE)
            continue;
        char *copy = base_arena_allocate(&rows->heap, string->length);
        if (!copy)
            return base_error_no_memory(error);
        memcpy(copy, string->far.pointer, string->length);
        string->far.pointer = copy;
    }
    return BASE_OK;
}

base_status exec_rows_scatter(exec_rows *rows, uint32_t column, const vector *values,
                              const uint16_t *selection, uint32_t count, char *const *addresses,
                              base_error *error)
{
    const exec_layout *layout = rows->layout;
    BASE_ASSERT(values->form == layout->forms[column]);
    const char *data = values->data;
    const uint16_t *codes = NULL;
    if (values->shape == VECTOR_DICTIONARY) {
        codes = values->data;
        data = values->dictionary->data;
    }
    scatter_values(types_form_size((types_form)values->form), (vector_shape)values->shape, data,
                   codes, selection, count, addresses, layout->offsets[column]);
    if (values->validity)
        for (uint32_t i = 0; i < count; i++)
            if (!vector_is_valid(values, vector_row(selection, i)))
                exec_row_set_null(layout, addresses[i], column);
    if (values->form == TYPES_FORM_STRING)
        return exec_rows_own_strings(rows, column, count, addresses, error);
    return BASE_OK;
}

BASE_INLINE void gather_body(uint32_t size, char *const *rows, uint32_t offset,
                             const uint16_t *positions, uint32_t count, char *data)
{
    if (positions) {
        for (uint32_t i = 0; i < count; i++)
            memcpy(data + (size_t)positions[i] * size, rows[i] + offset, size);
    } else {
        for (uint32_t i = 0; i < count; i++)
            memcpy(data + (size_t)i * size, rows[i] + offset, size);
    }
}

void exec_rows_gather(const exec_layout *layout, uint32_t column, char *const *rows,
                      const uint16_t *positions, uint32_t count, vector *to)
{
    BASE_ASSERT(to->form == layout->forms[column]);
    vector_reset(to);
    uint32_t offset = layout->offsets[column];
    switch (types_form_size((types_form)to->form)) {
    case 1:
        gather_body(1, rows, offset, positions, count, to->data);
        break;
    case 2:
        gather_body(2, rows, offset, positions, count, to->data);
        break;
    case 4:
        gather_body(4, rows, offset, positions, count, to->data);
        break;
    case 8:
        gather_body(8, rows, offset, positions, count, to->data);
        break;
    default:
        gather_body(16, rows, offset, positions, count, to->data);
        break;
    }
    uint32_t null_byte = layout->null_offset + column / 8;
    uint32_t any = 0;
    for (uint32_t i = 0; i < count; i++)
        any |= (uint8_t)rows[i][null_byte];
    if (!(any >> (column % 8) & 1))
        return;
    vector_make_validity(to);
    for (uint32_t i = 0; i < count; i++)
        if (exec_row_is_null(layout, rows[i], column))
            vector_set_null(to, positions ? positions[i] : i);
}
