/*
 * vector.h - batches of values, the currency of execution.
 *
 * A chunk is up to 2,048 rows of some columns. A filter does not move values: it sets the
 * chunk's selection, a list of physical positions; every kernel takes that list. So a
 * value stays at one physical position from the scan to the next operator that gathers
 * (sort, join build, aggregate), and expressions over a filtered chunk cost only the rows
 * that are left. Positions in a selection rise (repeats are allowed).
 *
 * A vector is FLAT (one value per physical position), CONSTANT (position 0 stands for all)
 * or DICTIONARY (codes into a flat child; produced by scans of dictionary-coded strings).
 * Whoever has no special kernel calls vector_flatten first.
 *
 * Rejected: a selection inside each vector (DuckDB): slices of slices have to be composed in every
 * operator; row-major tuples in execution: twice the work for analytical statements.
 */
#ifndef VECTOR_VECTOR_H
#define VECTOR_VECTOR_H

#include "base/base.h"
#include "types/types.h"

enum {
    VECTOR_SIZE = 2048, /* rows of a chunk at most */
    VECTOR_WORDS = VECTOR_SIZE / 64,
};

typedef enum vector_shape {
    VECTOR_FLAT,
    VECTOR_CONSTANT,
    VECTOR_DICTIONARY,
} vector_shape;

typedef struct vector {
    types_type type;
    uint8_t form;  /* types_form, always types_form_of(type) */
    uint8_t shape; /* vector_shape */
    /* FLAT, CONSTANT: values of the form. DICTIONARY: uint16_t codes. */
    void *data;
    /* Bit set: the value is there; NULL pointer: no nulls. CONSTANT: bit 0. For DICTIONARY
     * it describes the rows, not the entries. Values under a cleared bit are undefined. */
    uint64_t *validity;
    /* DICTIONARY: flat vector of the entries, at least one, without nulls. Codes are below
     * dictionary_size for NULL rows too. */
    const struct vector *dictionary;
    uint32_t dictionary_size;
    /* Own memory of a vector made by vector_chunk_init: capacity VECTOR_SIZE values and
     * VECTOR_WORDS validity words. A scan may point `data` elsewhere for one batch. */
    void *own_data;
    uint64_t *own_validity;
} vector;

typedef struct vector_chunk {
    uint32_t count; /* rows: physical, or entries of `selection` when that is set */
    uint32_t column_count;
    const uint16_t *selection; /* NULL: rows are 0 .. count - 1 */
    vector *columns;
    uint16_t *own_selection; /* VECTOR_SIZE entries for whoever filters this chunk */
    base_arena *heap;        /* bytes of far strings of this batch; reset with the chunk */
    base_budget *budget;
} vector_chunk;

/* Physical position of row i. */
BASE_INLINE uint32_t vector_row(const uint16_t *selection, uint32_t index)
{
    return selection ? selection[index] : index;
}
BASE_INLINE bool vector_is_valid(const vector *column, uint32_t position)
{
    if (!column->validity)
        return true;
    return base_bit_get(column->validity, column->shape == VECTOR_CONSTANT ? 0 : position);
}

/* Columns of the given types with own memory; heap included. */
base_status vector_chunk_init(vector_chunk *chunk, base_budget *budget, const types_type *types,
                              uint32_t column_count, base_error *error);
void vector_chunk_destroy(vector_chunk *chunk);
/* Empty again: own memory back in place, FLAT, no nulls, no selection, heap reset. */
void vector_chunk_reset(vector_chunk *chunk);
/* Points `to` at the columns of `from` (no copy); both must have the same types. */
void vector_chunk_reference(vector_chunk *to, const vector_chunk *from);
/* Copies the selected rows so that they stand at 0 .. count - 1, far strings into `to`'s
 * heap. `to` must have room for them. */
base_status vector_chunk_append(vector_chunk *to, const vector_chunk *from, base_error *error);

/* A vector of its own (results of expressions), VECTOR_SIZE long. */
base_status vector_init(vector *column, base_budget *budget, types_type type, base_error *error);
void vector_destroy(vector *column, base_budget *budget);
void vector_reset(vector *column);

/* All bits valid, in own memory, so that bits can be cleared. Requires own memory. */
void vector_make_validity(vector *column);
void vector_set_null(vector *column, uint32_t position);
/* Makes a CONSTANT of the value; far strings keep pointing to the caller's bytes. */
void vector_set_constant(vector *column, const types_value *value);
/* CONSTANT or DICTIONARY to FLAT at the selected positions. */
void vector_flatten(vector *column, const uint16_t *selection, uint32_t count);
/* Turns the values at 0 .. count - 1 round. They lie in own memory (or are CONSTANT). */
void vector_reverse(vector *column, uint32_t count);
/* The cell at a position that is not NULL, of any shape. Only the bytes of the form are
 * written. */
BASE_INLINE void vector_cell_at(const vector *column, uint32_t position, types_cell *cell)
{
    const char *data = column->data;
    if (column->shape == VECTOR_CONSTANT) {
        position = 0;
    } else if (column->shape == VECTOR_DICTIONARY) {
        position = ((const uint16_t *)column->data)[position];
        data = column->dictionary->data;
    }
    /* Fixed sizes: one move each, where a copy of variable size is a loop. */
    switch (types_form_size((types_form)column->form)) {
    case 1:
        memcpy(cell, data + position, 1);
        break;
    case 2:
        memcpy(cell, data + (size_t)position * 2, 2);
        break;
    case 4:
        memcpy(cell, data + (size_t)position * 4, 4);
        break;
    case 8:
        memcpy(cell, data + (size_t)position * 8, 8);
        break;
    default:
        memcpy(cell, data + (size_t)position * 16, 16);
        break;
    }
}
/* The same at any position; false, and the cell unchanged, where it is NULL. */
BASE_INLINE bool vector_load(const vector *column, uint32_t position, types_cell *cell)
{
    if (!vector_is_valid(column, position))
        return false;
    vector_cell_at(column, position, cell);
    return true;
}
/* One value out of or into a position; far strings are not copied. */
types_value vector_get(const vector *column, uint32_t position);
void vector_put(vector *column, uint32_t position, const types_value *value);
/* Copies selected rows of `from` to positions start.. of the flat vector `to`. Far
 * strings are copied into `heap` unless it is NULL. */
base_status vector_copy(vector *to, uint32_t start, const vector *from, const uint16_t *selection,
                        uint32_t count, base_arena *heap, base_error *error);

/* ---- Kernels ------------------------------------------------------------------------- */
/*
 * Bodies are stamped from one list of forms (vector_kernels.c, vector_flags.inc), those that SIMD
 * speeds up also for AVX2; which table is used is asked of the processor at each call.
 * All take a selection and write results at the same physical positions.
 */
typedef enum vector_comparison {
    VECTOR_EQUAL,
    VECTOR_NOT_EQUAL,
    VECTOR_LESS,
    VECTOR_LESS_EQUAL,
    VECTOR_GREATER,
    VECTOR_GREATER_EQUAL,
} vector_comparison;

/* Rows where `left op right` is true (not NULL): their positions go to `out`, in order;
 * returns how many. Both sides have one type and any shape. `out` may be `selection`. */
uint32_t vector_select_compare(vector_comparison comparison, const vector *left,
                               const vector *right, const uint16_t *selection, uint32_t count,
                               uint16_t *out);
/* BOOLEAN result with NULL where a side is NULL. */
void vector_compare(vector_comparison comparison, const vector *left, const vector *right,
                    const uint16_t *selection, uint32_t count, vector *result);
/* Rows of a BOOLEAN vector that are true. */
uint32_t vector_select_true(const vector *column, const uint16_t *selection, uint32_t count,
                            uint16_t *out);
/* Positions below `count` whose byte is `value`, in order. `out` has room for 3 entries more. */
uint32_t vector_select_byte(const uint8_t *bytes, uint8_t value, uint32_t count, uint16_t *out);
/* Hashes the rows; with `combine` folds into the values that stand there. NULLs hash alike;
 * equal values of one type hash alike in every shape. `hashes` is dense: 0 .. count - 1. */
void vector_hash(const vector *column, const uint16_t *selection, uint32_t count, bool combine,
                 uint64_t *hashes);
/* Order of two rows; NULLs largest. */
int vector_compare_rows(const vector *left, uint32_t left_position, const vector *right,
                        uint32_t right_position);

/* ---- Order-preserving keys ----------------------------------------------------------- */
/*
 * A row's columns as bytes that memcmp orders as ORDER BY and indexes do. Per column: one byte
 * for NULL (0x00 first / 0x02 last) or value (0x01), then the value: integers big-endian with
 * the sign flipped, floats with -0 and NaN made canonical, strings escaped (0x00 -> 0x00 0xFF)
 * and ended by 0x00 0x00, intervals by their normalised length. A descending column has all
 * its bytes inverted after the NULL byte. Used by sort, index keys and range bounds: one
 * encoding, so the storage rooms compare keys without knowing types.
 */
typedef struct vector_key_part {
    types_type type;
    bool descending;
    bool nulls_first;
} vector_key_part;
enum {
    VECTOR_KEY_FIXED = 17 /* bytes of the key of a value that is no string, at most */
};
/* The key of one cell, its length returned; 0: a string, use vector_key_append. */
uint32_t vector_key_fixed(const vector_key_part *part, const types_cell *cell, bool is_null,
                          unsigned char key[VECTOR_KEY_FIXED]);
/* Appends the key of one cell. */
void vector_key_append(const vector_key_part *part, const types_cell *cell, bool is_null,
                       base_buffer *key);
/* Reads one column back from `key` at `*offset`, which moves on; far strings go to `arena`.
 * False when the bytes are no key of that type. */
BASE_MUST_USE bool vector_key_decode(const vector_key_part *part, base_text key, size_t *offset,
                                     base_arena *arena, types_cell *cell, bool *is_null);

#endif
