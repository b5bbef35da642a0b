/*
 * col_measure_kernels.c - what is kept of a column's values besides themselves: the range of
 * each vector, and registers from which the number of different values is estimated.
 *
 * Keys keep the order of values, so the range of integers is found among the values, with
 * vector instructions, and only its ends become keys. A value that equals the one before it
 * changes nothing and is passed over before it is hashed: sorted columns and flags are full of
 * those. Vectors with NULLs go value by value, as the values under them do not count.
 */
#include "store/col/col_int.h"

/* HyperLogLog (P. Flajolet et al., 2007): a register keeps the longest run of leading zeros
 * among the hashes that fall to it. */
BASE_INLINE void add_to_registers(uint8_t *registers, uint64_t hash)
{
    uint8_t run = (uint8_t)(__builtin_clzll(hash << 8 | 0x80) + 1);
    uint8_t *kept = &registers[hash >> 56];
    *kept = BASE_MAX(*kept, run);
}

static void widen(uint64_t zone[2], uint64_t low, uint64_t high)
{
    zone[0] = BASE_MIN(zone[0], low);
    zone[1] = BASE_MAX(zone[1], high);
}

/* X(name of the form, C type, member of the cell) */
#define MEASURE_LIST(X)                                                                            \
    X(BOOL, uint8_t, boolean)                                                                      \
    X(INT8, int8_t, int8)                                                                          \
    X(INT16, int16_t, int16)                                                                       \
    X(INT32, int32_t, int32)                                                                       \
    X(INT64, int64_t, int64)                                                                       \
    X(UINT64, uint64_t, uint64)

#define MEASURE_INTEGERS(form, ctype, member)                                                      \
    static void measure_##form(const ctype *values, uint32_t count, uint64_t zone[2],              \
                               uint8_t *registers)                                                 \
    {                                                                                              \
        ctype smallest = values[0], largest = values[0];                                           \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            smallest = BASE_MIN(smallest, values[i]);                                              \
            largest = BASE_MAX(largest, values[i]);                                                \
        }                                                                                          \
        types_cell low = {.member = smallest}, high = {.member = largest};                         \
        widen(zone, col_key_of(TYPES_FORM_##form, &low), col_key_of(TYPES_FORM_##form, &high));    \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            if (i == 0 || values[i] != values[i - 1])                                              \
                add_to_registers(registers, base_hash_u64((uint64_t)values[i]));                   \
        }                                                                                          \
    }
MEASURE_LIST(MEASURE_INTEGERS)

/* The first eight bytes in order of significance, zeros behind the end. */
BASE_INLINE uint64_t string_key(const types_string *string)
{
    const char *head =
        string->length <= TYPES_STRING_INLINE ? string->inlined : string->far.pointer;
    return __builtin_bswap64(base_load_u64(head));
}

static void measure_strings(const types_string *values, uint32_t count, uint64_t zone[2],
                            uint8_t *registers)
{
    uint64_t low = zone[0], high = zone[1];
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && types_string_equal(&values[i], &values[i - 1]))
            continue;
        uint64_t key = string_key(&values[i]);
        low = BASE_MIN(low, key);
        high = BASE_MAX(high, key);
        add_to_registers(registers,
                         base_hash_bytes(types_string_data(&values[i]), values[i].length, 0));
    }
    widen(zone, low, high);
}

static void measure_each(types_form form, const void *values, const uint64_t *validity,
                         uint32_t first, uint32_t end, uint64_t zone[2], uint8_t *registers)
{
    size_t size = types_form_size(form);
    for (uint32_t i = first; i < end; i++) {
        types_cell cell;
        if (validity && !base_bit_get(validity, i))
            continue;
        memcpy(&cell, (const uint8_t *)values + i * size, size);
        uint64_t key = col_key_of(form, &cell);
        widen(zone, key, key);
        add_to_registers(registers, types_cell_hash(form, &cell));
    }
}

void col_measure(types_form form, const void *values, const uint64_t *validity, uint32_t first,
                 uint32_t end, uint64_t zone[2], uint8_t *registers)
{
    if (validity) {
        measure_each(form, values, validity, first, end, zone, registers);
        return;
    }
    switch (form) {
#define MEASURE_CASE(form, ctype, member)                                                          \
    case TYPES_FORM_##form:                                                                        \
        measure_##form((const ctype *)values + first, end - first, zone, registers);               \
        return;
        MEASURE_LIST(MEASURE_CASE)
    case TYPES_FORM_STRING:
        measure_strings((const types_string *)values + first, end - first, zone, registers);
        return;
    default:
        measure_each(form, values, validity, first, end, zone, registers);
    }
}
