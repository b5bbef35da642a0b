/*
 * cell.c - order and hash of single values: what tuple paths, index keys and small sorts use.
 *
 * The order here is the order of ORDER BY, of index keys (vector_key_append) and of zone
 * maps; all three must agree, so floats are ordered totally: NaN is the largest value and
 * equal to itself, and the two zeros are equal (PostgreSQL's reading).
 *
 * Invariant: cells that compare equal hash alike.
 */
#include "types/types_int.h"

int types_string_compare(const types_string *a, const types_string *b)
{
    /* The first four bytes lie in the view; big-endian they order like memcmp. Shorter
     * strings are padded with zeros, so a difference there decides rightly: a zero pad is
     * at most the other's byte, and equal prefixes fall through to the full comparison. */
    uint32_t first_a, first_b;
    memcpy(&first_a, a->inlined, 4);
    memcpy(&first_b, b->inlined, 4);
    if (first_a != first_b)
        return __builtin_bswap32(first_a) < __builtin_bswap32(first_b) ? -1 : 1;
    uint32_t common = BASE_MIN(a->length, b->length);
    int order = common ? memcmp(types_string_data(a), types_string_data(b), common) : 0;
    if (order != 0)
        return order;
    return a->length < b->length ? -1 : a->length > b->length;
}

static int compare_double(double a, double b)
{
    if (a < b)
        return -1;
    if (a > b)
        return 1;
    if (a == b)
        return 0;
    return isnan(a) - isnan(b); /* one of the two is NaN, perhaps both */
}

static int128_t interval_length(types_interval interval)
{
    int64_t days = (int64_t)interval.months * 30 + interval.days;
    return (int128_t)days * TYPES_MICROSECONDS_PER_DAY + interval.microseconds;
}

int types_interval_compare(types_interval a, types_interval b)
{
    int128_t length_a = interval_length(a), length_b = interval_length(b);
    return (length_a > length_b) - (length_a < length_b);
}

#define COMPARE_MEMBER(member) ((a->member > b->member) - (a->member < b->member))

int types_cell_compare(types_form form, const types_cell *a, const types_cell *b)
{
    switch (form) {
    case TYPES_FORM_BOOL:
        return COMPARE_MEMBER(boolean);
    case TYPES_FORM_INT8:
        return COMPARE_MEMBER(int8);
    case TYPES_FORM_INT16:
        return COMPARE_MEMBER(int16);
    case TYPES_FORM_INT32:
        return COMPARE_MEMBER(int32);
    case TYPES_FORM_INT64:
        return COMPARE_MEMBER(int64);
    case TYPES_FORM_UINT64:
        return COMPARE_MEMBER(uint64);
    case TYPES_FORM_INT128:
        return COMPARE_MEMBER(int128);
    case TYPES_FORM_FLOAT32:
        return compare_double((double)a->float32, (double)b->float32);
    case TYPES_FORM_FLOAT64:
        return compare_double(a->float64, b->float64);
    case TYPES_FORM_STRING:
        return types_string_compare(&a->string, &b->string);
    case TYPES_FORM_INTERVAL:
        return types_interval_compare(a->interval, b->interval);
    case TYPES_FORM_COUNT:
        break;
    }
    BASE_ASSERT(false);
    return 0;
}

static uint64_t hash_double(double value)
{
    if (isnan(value))
        return base_hash_u64(UINT64_C(0x7FF8000000000000));
    if (value == 0)
        value = 0; /* -0 */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return base_hash_u64(bits);
}

static uint64_t hash_int128(int128_t value)
{
    uint64_t low = (uint64_t)value;
    uint64_t high = (uint64_t)((uint128_t)value >> 64);
    return base_hash_combine(base_hash_u64(low), high);
}

uint64_t types_cell_hash(types_form form, const types_cell *cell)
{
    switch (form) {
    case TYPES_FORM_BOOL:
        return base_hash_u64(cell->boolean);
    case TYPES_FORM_INT8:
        return base_hash_u64((uint64_t)cell->int8);
    case TYPES_FORM_INT16:
        return base_hash_u64((uint64_t)cell->int16);
    case TYPES_FORM_INT32:
        return base_hash_u64((uint64_t)cell->int32);
    case TYPES_FORM_INT64:
    case TYPES_FORM_UINT64:
        return base_hash_u64(cell->uint64);
    case TYPES_FORM_INT128:
        return hash_int128(cell->int128);
    case TYPES_FORM_FLOAT32:
        return hash_double((double)cell->float32);
    case TYPES_FORM_FLOAT64:
        return hash_double(cell->float64);
    case TYPES_FORM_STRING:
        return base_hash_bytes(types_string_data(&cell->string), cell->string.length, 0);
    case TYPES_FORM_INTERVAL:
        return hash_int128(interval_length(cell->interval));
    case TYPES_FORM_COUNT:
        break;
    }
    BASE_ASSERT(false);
    return 0;
}
