/*
 * exec_row_match.c - do the values of a vector equal those of rows?
 *
 * The inner loop of every hash table: hashes have agreed, now the keys are compared a column
 * at a time over the pairs that are left. Stamped per physical form; pairs are compacted
 * without branches where no NULL is about.
 */
#include "exec/rows/exec_rows.h"

typedef struct match_arguments {
    const exec_layout *layout;
    uint32_t column;
    const vector *values;
    const uint16_t *positions;
    char *const *rows;
    uint16_t *pairs;
    uint32_t count;
    bool null_equal;
    uint16_t *unequal;
    uint32_t unequal_count;
} match_arguments;

#define DEFINE_EQUAL(form, ctype)                                                                  \
    BASE_INLINE bool equal_##form(const void *value, const void *stored)                           \
    {                                                                                              \
        ctype a, b;                                                                                \
        memcpy(&a, value, sizeof a);                                                               \
        memcpy(&b, stored, sizeof b);                                                              \
        return a == b;                                                                             \
    }
/* NaN equals itself, as it does for grouping and for `=`. */
#define DEFINE_EQUAL_FLOAT(form, ctype)                                                            \
    BASE_INLINE bool equal_##form(const void *value, const void *stored)                           \
    {                                                                                              \
        ctype a, b;                                                                                \
        memcpy(&a, value, sizeof a);                                                               \
        memcpy(&b, stored, sizeof b);                                                              \
        return a == b || (a != a && b != b);                                                       \
    }
DEFINE_EQUAL(BOOL, uint8_t)
DEFINE_EQUAL(INT8, int8_t)
DEFINE_EQUAL(INT16, int16_t)
DEFINE_EQUAL(INT32, int32_t)
DEFINE_EQUAL(INT64, int64_t)
DEFINE_EQUAL(UINT64, uint64_t)
DEFINE_EQUAL(INT128, int128_t)
DEFINE_EQUAL_FLOAT(FLOAT32, float)
DEFINE_EQUAL_FLOAT(FLOAT64, double)

BASE_INLINE bool equal_STRING(const void *value, const void *stored)
{
    return types_string_equal(value, stored);
}
BASE_INLINE bool equal_INTERVAL(const void *value, const void *stored)
{
    types_interval a, b;
    memcpy(&a, value, sizeof a);
    memcpy(&b, stored, sizeof b);
    return types_interval_compare(a, b) == 0;
}

typedef bool (*equal_function)(const void *value, const void *stored);

BASE_INLINE uint32_t match_body(match_arguments *arguments, equal_function equal, uint32_t size,
                                bool has_nulls)
{
    const vector *values = arguments->values;
    const exec_layout *layout = arguments->layout;
    uint32_t column = arguments->column, offset = layout->offsets[column];
    const char *data = values->shape == VECTOR_DICTIONARY ? values->dictionary->data : values->data;
    const uint16_t *codes = values->data;
    uint16_t *pairs = arguments->pairs, *unequal = arguments->unequal;
    uint32_t kept = 0, dropped = 0;
    for (uint32_t i = 0; i < arguments->count; i++) {
        uint16_t pair = pairs[i];
        uint32_t position = arguments->positions[pair];
        const char *row = arguments->rows[pair];
        uint32_t place = values->shape == VECTOR_FLAT       ? position
                         : values->shape == VECTOR_CONSTANT ? 0
                                                            : codes[position];
        bool same;
        bool value_null = has_nulls && !vector_is_valid(values, position);
        bool row_null = exec_row_is_null(layout, row, column);
        if (BASE_UNLIKELY(value_null || row_null))
            same = value_null && row_null && arguments->null_equal;
        else
            same = equal(data + (size_t)place * size, row + offset);
        pairs[kept] = pair;
        kept += same;
        if (unequal) {
            unequal[dropped] = pair;
            dropped += !same;
        }
    }
    arguments->unequal_count = dropped;
    return kept;
}

#define MATCH_CASE(form, ctype, size)                                                              \
    case TYPES_FORM_##form:                                                                        \
        kept = values->validity ? match_body(&arguments, equal_##form, size, true)                 \
                                : match_body(&arguments, equal_##form, size, false);               \
        break;

uint32_t exec_rows_match(const exec_layout *layout, uint32_t column, const vector *values,
                         const uint16_t *positions, char *const *rows, uint16_t *pairs,
                         uint32_t count, bool null_equal, uint16_t *unequal,
                         uint32_t *unequal_count)
{
    match_arguments arguments = {layout, column, values,     positions, rows,
                                 pairs,  count,  null_equal, unequal,   0};
    uint32_t kept = 0;
    BASE_ASSERT(values->form == layout->forms[column]);
    switch ((types_form)values->form) {
        TYPES_FORM_LIST(MATCH_CASE)
    case TYPES_FORM_COUNT:
        break;
    }
    if (unequal_count)
        *unequal_count = arguments.unequal_count;
    return kept;
}
