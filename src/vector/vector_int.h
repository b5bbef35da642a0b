/*
 * vector_int.h - what the files of this room share.
 */
#ifndef VECTOR_VECTOR_INT_H
#define VECTOR_VECTOR_INT_H

#include "vector/vector.h"

#define VECTOR_COMPARISON_LIST(X)                                                                  \
    X(EQUAL) X(NOT_EQUAL) X(LESS) X(LESS_EQUAL) X(GREATER) X(GREATER_EQUAL)
enum {
    VECTOR_COMPARISON_COUNT = 6
};

/* Forms whose bytes under a cleared validity bit or at an unselected position may be read
 * and compared without harm: everything but strings, which hold pointers. */
#define VECTOR_PLAIN_FORM_LIST(X)                                                                  \
    X(BOOL, uint8_t)                                                                               \
    X(INT8, int8_t)                                                                                \
    X(INT16, int16_t)                                                                              \
    X(INT32, int32_t)                                                                              \
    X(INT64, int64_t)                                                                              \
    X(UINT64, uint64_t)                                                                            \
    X(INT128, int128_t)                                                                            \
    X(FLOAT32, float)                                                                              \
    X(FLOAT64, double)                                                                             \
    X(INTERVAL, types_interval)
#define VECTOR_FORM_LIST(X) VECTOR_PLAIN_FORM_LIST(X) X(STRING, types_string)

/* flags[i] = left[i] op right[i] (right[0] when `right_constant`) for i < count. */
typedef void (*vector_flag_kernel)(const void *left, const void *right, bool right_constant,
                                   uint32_t count, uint8_t *flags);
/* Positions of the selection (or 0 .. count - 1) where left[p] op right[p] holds. */
typedef uint32_t (*vector_select_kernel)(const void *left, const void *right, bool right_constant,
                                         const uint16_t *selection, uint32_t count, uint16_t *out);
typedef void (*vector_hash_kernel)(const void *values, const uint64_t *validity,
                                   const uint16_t *selection, uint32_t count, bool combine,
                                   uint64_t *hashes);

typedef struct vector_flag_table {
    vector_flag_kernel entries[TYPES_FORM_COUNT][VECTOR_COMPARISON_COUNT];
} vector_flag_table;
/* One table per instruction set; vector_flags picks by what the processor has. */
extern const vector_flag_table vector_flags_portable;
#if defined(__x86_64__)
extern const vector_flag_table vector_flags_avx2;
#endif
extern const vector_select_kernel vector_selects[TYPES_FORM_COUNT][VECTOR_COMPARISON_COUNT];
extern const vector_hash_kernel vector_hashes[TYPES_FORM_COUNT];

BASE_INLINE const vector_flag_table *vector_flags(void)
{
#if defined(__x86_64__)
    /* A load and a test: the result is kept by the compiler's run-time library, so this room
     * needs no state of its own. */
    return __builtin_cpu_supports("avx2") ? &vector_flags_avx2 : &vector_flags_portable;
#else
    return &vector_flags_portable;
#endif
}

/* Positions i < count with flags[i] = 1; flags are 0 or 1. `out` has VECTOR_SIZE entries. */
uint32_t vector_flags_to_selection(const uint8_t *flags, uint32_t count, uint16_t *out);
/* Rows whose validity bit is set. `out` may be `selection`. */
uint32_t vector_select_valid(const uint64_t *validity, const uint16_t *selection, uint32_t count,
                             uint16_t *out);

/* Physical positions below this are touched; selections rise. */
BASE_INLINE uint32_t vector_extent(const uint16_t *selection, uint32_t count)
{
    return selection && count ? (uint32_t)selection[count - 1] + 1 : count;
}

/* An interval's length in PostgreSQL's reading (30-day months, 24-hour days) as days and
 * microseconds of a day, 0 <= microseconds < one day: equal intervals have equal lengths. */
typedef struct vector_interval_length {
    int64_t days;
    int64_t microseconds;
} vector_interval_length;
BASE_INLINE vector_interval_length vector_interval_length_of(types_interval interval)
{
    int64_t whole = interval.microseconds / TYPES_MICROSECONDS_PER_DAY;
    int64_t rest = interval.microseconds % TYPES_MICROSECONDS_PER_DAY;
    if (rest < 0) {
        rest += TYPES_MICROSECONDS_PER_DAY;
        whole--;
    }
    return (vector_interval_length){(int64_t)interval.months * 30 + interval.days + whole, rest};
}

/* Strings by bytes; the prefix decides most pairs without a call. */
BASE_INLINE int vector_string_compare(const types_string *a, const types_string *b)
{
    uint32_t prefix_a, prefix_b;
    memcpy(&prefix_a, a->inlined, 4);
    memcpy(&prefix_b, b->inlined, 4);
    if (prefix_a != prefix_b) /* unused bytes are zero: a shorter string sorts first */
        return __builtin_bswap32(prefix_a) < __builtin_bswap32(prefix_b) ? -1 : 1;
    const char *bytes_a = a->length <= TYPES_STRING_INLINE ? a->inlined : a->far.pointer;
    const char *bytes_b = b->length <= TYPES_STRING_INLINE ? b->inlined : b->far.pointer;
    uint32_t shorter = BASE_MIN(a->length, b->length);
    int order = shorter > 4 ? memcmp(bytes_a + 4, bytes_b + 4, shorter - 4) : 0;
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

#endif
