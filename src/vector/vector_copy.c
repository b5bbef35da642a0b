/*
 * vector_copy.c - moving values: gather, append, flatten (contract: vector.h).
 *
 * One gather per value size, not per form: a move does not care what the bytes mean. Far
 * strings are copied into the receiver's heap in one piece per call, not one per string, so
 * that the arena is asked once a batch.
 *
 * Invariant: sources are read before the receiver's `data` changes place, so a vector may be
 * flattened into its own memory.
 */
#include "vector/vector_int.h"

/* Values are moved as words whatever their type. */
typedef uint8_t __attribute__((may_alias)) word_1;
typedef uint16_t __attribute__((may_alias)) word_2;
typedef uint32_t __attribute__((may_alias)) word_4;
typedef uint64_t __attribute__((may_alias)) word_8;
typedef struct __attribute__((may_alias)) word_16 {
    uint64_t half[2];
} word_16;

/* to[i] = from[index of row i]; codes: the index goes through them. */
#define GATHER(size, type)                                                                         \
    static void gather_##size(void *to_values, const void *from_values, const uint16_t *codes,     \
                              const uint16_t *selection, uint32_t count)                           \
    {                                                                                              \
        type *BASE_RESTRICT to = to_values;                                                        \
        const type *BASE_RESTRICT from = from_values;                                              \
        if (codes && selection) {                                                                  \
            for (uint32_t i = 0; i < count; i++)                                                   \
                to[i] = from[codes[selection[i]]];                                                 \
        } else if (codes || selection) {                                                           \
            const uint16_t *index = codes ? codes : selection;                                     \
            for (uint32_t i = 0; i < count; i++)                                                   \
                to[i] = from[index[i]];                                                            \
        } else {                                                                                   \
            memcpy(to, from, (size_t)count *size);                                                 \
        }                                                                                          \
    }                                                                                              \
    static void repeat_##size(void *to_values, const void *value, uint32_t count)                  \
    {                                                                                              \
        type *to = to_values;                                                                      \
        type one;                                                                                  \
        memcpy(&one, value, size);                                                                 \
        for (uint32_t i = 0; i < count; i++)                                                       \
            to[i] = one;                                                                           \
    }
GATHER(1, word_1)
GATHER(2, word_2)
GATHER(4, word_4)
GATHER(8, word_8)
GATHER(16, word_16)

static void gather(uint32_t size, void *to, const void *from, const uint16_t *codes,
                   const uint16_t *selection, uint32_t count)
{
    switch (size) {
    case 1:
        gather_1(to, from, codes, selection, count);
        break;
    case 2:
        gather_2(to, from, codes, selection, count);
        break;
    case 4:
        gather_4(to, from, codes, selection, count);
        break;
    case 8:
        gather_8(to, from, codes, selection, count);
        break;
    default:
        gather_16(to, from, codes, selection, count);
    }
}

static void repeat(uint32_t size, void *to, const void *value, uint32_t count)
{
    switch (size) {
    case 1:
        repeat_1(to, value, count);
        break;
    case 2:
        repeat_2(to, value, count);
        break;
    case 4:
        repeat_4(to, value, count);
        break;
    case 8:
        repeat_8(to, value, count);
        break;
    default:
        repeat_16(to, value, count);
    }
}

/* Bits start .. start + count - 1 of `to` become those of the selected rows of `from`. */
static void copy_validity(vector *to, uint32_t start, const vector *from, const uint16_t *selection,
                          uint32_t count)
{
    if (!from->validity) {
        if (to->validity)
            for (uint32_t i = 0; i < count; i++)
                base_bit_set(to->validity, start + i);
        return;
    }
    if (!to->validity)
        vector_make_validity(to);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = start + i;
        uint64_t bit = vector_is_valid(from, vector_row(selection, i));
        uint64_t *word = &to->validity[position / 64];
        *word = (*word & ~((uint64_t)1 << (position & 63))) | bit << (position & 63);
    }
}

/* Far strings at start .. start + count - 1 get bytes of their own in `heap`. */
static base_status own_strings(vector *column, uint32_t start, uint32_t count, base_arena *heap,
                               base_error *error)
{
    types_string *strings = (types_string *)column->data + start;
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        if (strings[i].length > TYPES_STRING_INLINE && vector_is_valid(column, start + i))
            bytes += strings[i].length;
    if (bytes == 0)
        return BASE_OK;
    char *at = base_arena_allocate(heap, bytes);
    if (!at)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        if (strings[i].length <= TYPES_STRING_INLINE || !vector_is_valid(column, start + i))
            continue;
        memcpy(at, strings[i].far.pointer, strings[i].length);
        strings[i].far.pointer = at;
        at += strings[i].length;
    }
    return BASE_OK;
}

base_status vector_copy(vector *to, uint32_t start, const vector *from, const uint16_t *selection,
                        uint32_t count, base_arena *heap, base_error *error)
{
    BASE_ASSERT(to->shape == VECTOR_FLAT && to->form == from->form);
    BASE_ASSERT(start + count <= VECTOR_SIZE);
    uint32_t size = types_form_size((types_form)to->form);
    char *place = (char *)to->data + (size_t)start * size;
    if (from->shape == VECTOR_CONSTANT)
        repeat(size, place, from->data, count);
    else if (from->shape == VECTOR_DICTIONARY)
        gather(size, place, from->dictionary->data, from->data, selection, count);
    else
        gather(size, place, from->data, NULL, selection, count);
    copy_validity(to, start, from, selection, count);
    if (heap && to->form == TYPES_FORM_STRING)
        return own_strings(to, start, count, heap, error);
    return BASE_OK;
}

base_status vector_chunk_append(vector_chunk *to, const vector_chunk *from, base_error *error)
{
    BASE_ASSERT(to->column_count == from->column_count && !to->selection);
    BASE_ASSERT(to->count + from->count <= VECTOR_SIZE);
    for (uint32_t i = 0; i < from->column_count; i++)
        RETURN_IF_ERROR(vector_copy(&to->columns[i], to->count, &from->columns[i], from->selection,
                                    from->count, to->heap, error));
    to->count += from->count;
    return BASE_OK;
}

void vector_flatten(vector *column, const uint16_t *selection, uint32_t count)
{
    if (column->shape == VECTOR_FLAT)
        return;
    BASE_ASSERT(column->own_data);
    uint32_t size = types_form_size((types_form)column->form);
    uint32_t extent = vector_extent(selection, count);
    if (column->shape == VECTOR_CONSTANT) {
        bool is_null = !vector_is_valid(column, 0);
        repeat(size, column->own_data, column->data, extent);
        column->validity = NULL;
        if (is_null) {
            memset(column->own_validity, 0, VECTOR_WORDS * sizeof(uint64_t));
            column->validity = column->own_validity;
        }
    } else {
        /* The codes may lie where the values go. */
        uint16_t codes[VECTOR_SIZE];
        memcpy(codes, column->data, extent * sizeof(uint16_t));
        const char *entries = column->dictionary->data;
        if (!selection) {
            gather(size, column->own_data, entries, codes, NULL, count);
        } else {
            char *to = column->own_data;
            for (uint32_t i = 0; i < count; i++)
                memcpy(to + (size_t)selection[i] * size,
                       entries + (size_t)codes[selection[i]] * size, size);
        }
    }
    column->shape = VECTOR_FLAT;
    column->data = column->own_data;
    column->dictionary = NULL;
    column->dictionary_size = 0;
}

#define REVERSE(type)                                                                              \
    for (uint32_t i = 0, j = count - 1; i < j; i++, j--) {                                         \
        type *values = column->data, kept = values[i];                                             \
        values[i] = values[j];                                                                     \
        values[j] = kept;                                                                          \
    }                                                                                              \
    break

void vector_reverse(vector *column, uint32_t count)
{
    if (column->shape == VECTOR_CONSTANT || count < 2)
        return;
    BASE_ASSERT(column->data == column->own_data);
    for (uint32_t i = 0, j = count - 1; column->validity && i < j; i++, j--) {
        bool low = base_bit_get(column->validity, i), high = base_bit_get(column->validity, j);
        if (low == high)
            continue;
        column->validity[i / 64] ^= (uint64_t)1 << (i % 64);
        column->validity[j / 64] ^= (uint64_t)1 << (j % 64);
    }
    switch (column->shape == VECTOR_DICTIONARY ? sizeof(uint16_t)
                                               : types_form_size((types_form)column->form)) {
    case 1:
        REVERSE(word_1);
    case 2:
        REVERSE(word_2);
    case 4:
        REVERSE(word_4);
    case 8:
        REVERSE(word_8);
    default:
        REVERSE(word_16);
    }
}
