/*
 * vector_kernels.c - the stamped loops behind comparison and hashing.
 *
 * Comparison has two kinds of loops. Flag kernels compare whole columns into bytes: no
 * selection, no nulls, one loop the compiler turns into SIMD, compiled for the portable
 * instruction set and again for AVX2. Select kernels walk a selection and append the
 * positions that pass, without a branch on the data; they serve sparse selections and
 * strings. vector_compare.c chooses and adds nulls and shapes around them.
 *
 * Rejected: stamping nulls and selections into every loop (eight times the code; nulls cost less as
 * a refinement of the selection before the loop), and AVX2 intrinsics by hand (the compiler's
 * loops run at the speed of the cache here).
 *
 * Build: this file is compiled with -O3 (CMakeLists.txt); correctness does not depend on it.
 */
#include "vector/vector_int.h"
#include "vector/vector_test.inc"

#define VECTOR_FLAG_TABLE vector_flags_portable
#include "vector/vector_flags.inc"

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define VECTOR_FLAG_TABLE vector_flags_avx2
#include "vector/vector_flags.inc"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

/* ---- Selecting by value ---------------------------------------------------------------- */

#define SELECT_LOOP(comparison, form, row, other)                                                  \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        uint32_t position = row;                                                                   \
        out[selected] = (uint16_t)position;                                                        \
        selected += VECTOR_TEST_##comparison(form, left[position], other);                         \
    }
#define SELECT_KERNEL(form, type, comparison)                                                      \
    static uint32_t select_##form##_##comparison(                                                  \
        const void *left_values, const void *right_values, bool right_constant,                    \
        const uint16_t *selection, uint32_t count, uint16_t *out)                                  \
    {                                                                                              \
        const type *left = left_values, *right = right_values;                                     \
        uint32_t selected = 0;                                                                     \
        if (right_constant) {                                                                      \
            const type value = right[0];                                                           \
            if (selection)                                                                         \
                SELECT_LOOP(comparison, form, selection[i], value)                                 \
            else                                                                                   \
                SELECT_LOOP(comparison, form, i, value)                                            \
        } else if (selection) {                                                                    \
            SELECT_LOOP(comparison, form, selection[i], right[position])                           \
        } else {                                                                                   \
            SELECT_LOOP(comparison, form, i, right[position])                                      \
        }                                                                                          \
        return selected;                                                                           \
    }
#define SELECT_KERNELS(form, type)                                                                 \
    SELECT_KERNEL(form, type, EQUAL)                                                               \
    SELECT_KERNEL(form, type, NOT_EQUAL)                                                           \
    SELECT_KERNEL(form, type, LESS)                                                                \
    SELECT_KERNEL(form, type, LESS_EQUAL)                                                          \
    SELECT_KERNEL(form, type, GREATER)                                                             \
    SELECT_KERNEL(form, type, GREATER_EQUAL)
VECTOR_FORM_LIST(SELECT_KERNELS)

#define SELECT_ENTRY(form, type)                                                                   \
    [TYPES_FORM_##form] = {[VECTOR_EQUAL] = select_##form##_EQUAL,                                 \
                           [VECTOR_NOT_EQUAL] = select_##form##_NOT_EQUAL,                         \
                           [VECTOR_LESS] = select_##form##_LESS,                                   \
                           [VECTOR_LESS_EQUAL] = select_##form##_LESS_EQUAL,                       \
                           [VECTOR_GREATER] = select_##form##_GREATER,                             \
                           [VECTOR_GREATER_EQUAL] = select_##form##_GREATER_EQUAL},
const vector_select_kernel vector_selects[TYPES_FORM_COUNT][VECTOR_COMPARISON_COUNT] = {
    VECTOR_FORM_LIST(SELECT_ENTRY)};

/* ---- Flags and validity to selections --------------------------------------------------- */

/* The places of the bits set in a number of four bits, in order, as four 16-bit lanes. Adding
 * a position to all lanes gives four positions at once; the 128 bytes stay in the nearest
 * cache, which a table for eight bits (4 KiB) would compete for. */
#define LANES(a, b, c, d)                                                                          \
    ((uint64_t)(a) | (uint64_t)(b) << 16 | (uint64_t)(c) << 32 | (uint64_t)(d) << 48)
static const uint64_t places_of_bits[16] = {
    LANES(0, 0, 0, 0), LANES(0, 0, 0, 0), LANES(1, 0, 0, 0), LANES(0, 1, 0, 0),
    LANES(2, 0, 0, 0), LANES(0, 2, 0, 0), LANES(1, 2, 0, 0), LANES(0, 1, 2, 0),
    LANES(3, 0, 0, 0), LANES(0, 3, 0, 0), LANES(1, 3, 0, 0), LANES(0, 1, 3, 0),
    LANES(2, 3, 0, 0), LANES(0, 2, 3, 0), LANES(1, 2, 3, 0), LANES(0, 1, 2, 3),
};
static const uint8_t count_of_bits[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
#define ALL_LANES UINT64_C(0x0001000100010001)

/* Appends the places of `bits` (four of them), counted from `position`. Writes four entries,
 * of which the used ones count: selected <= position holds, so they lie inside `out`. */
BASE_INLINE uint32_t append_places(uint32_t bits, uint32_t position, uint16_t *out,
                                   uint32_t selected)
{
    base_store_u64(out + selected, places_of_bits[bits] + position * ALL_LANES);
    return selected + count_of_bits[bits];
}

uint32_t vector_flags_to_selection(const uint8_t *flags, uint32_t count, uint16_t *out)
{
    uint32_t selected = 0, i = 0;
    for (; i + 8 <= count; i += 8) {
        uint64_t eight = base_load_u64(flags + i);
        if (eight == 0)
            continue;
        /* The product brings the lowest bits of four bytes next to each other. */
        uint32_t low = ((uint32_t)eight * 0x01020408u) >> 24 & 15;
        uint32_t high = ((uint32_t)(eight >> 32) * 0x01020408u) >> 24 & 15;
        selected = append_places(low, i, out, selected);
        selected = append_places(high, i + 4, out, selected);
    }
    for (; i < count; i++) {
        out[selected] = (uint16_t)i;
        selected += flags[i];
    }
    return selected;
}

uint32_t vector_select_byte(const uint8_t *bytes, uint8_t value, uint32_t count, uint16_t *out)
{
    uint8_t flags[VECTOR_SIZE];
    BASE_ASSERT(count <= VECTOR_SIZE);
    for (uint32_t i = 0; i < count; i++)
        flags[i] = bytes[i] == value;
    return vector_flags_to_selection(flags, count, out);
}

uint32_t vector_select_valid(const uint64_t *validity, const uint16_t *selection, uint32_t count,
                             uint16_t *out)
{
    uint32_t selected = 0, i = 0;
    if (selection) {
        for (; i < count; i++) {
            uint16_t position = selection[i];
            out[selected] = position;
            selected += base_bit_get(validity, position);
        }
        return selected;
    }
    for (; i + 64 <= count; i += 64) {
        uint64_t word = validity[i / 64];
        for (uint32_t bit = 0; word != 0; bit += 4, word >>= 4)
            selected = append_places((uint32_t)word & 15, i + bit, out, selected);
    }
    for (; i < count; i++) {
        out[selected] = (uint16_t)i;
        selected += base_bit_get(validity, i);
    }
    return selected;
}

/* ---- Hashing -------------------------------------------------------------------------- */

/* What a NULL hashes to: any odd number that no small integer hashes to. */
#define HASH_OF_NULL UINT64_C(0x5851F42D4C957F2D)

#define HASH_BOOL(value) base_hash_u64(value)
#define HASH_INT8(value) base_hash_u64((uint64_t)(int64_t)(value))
#define HASH_INT16(value) base_hash_u64((uint64_t)(int64_t)(value))
#define HASH_INT32(value) base_hash_u64((uint64_t)(int64_t)(value))
#define HASH_INT64(value) base_hash_u64((uint64_t)(value))
#define HASH_UINT64(value) base_hash_u64(value)
#define HASH_INT128(value)                                                                         \
    base_hash_combine((uint64_t)((uint128_t)(value) >> 64), (uint64_t)(value))
#define HASH_FLOAT32(value) hash_double((double)(value))
#define HASH_FLOAT64(value) hash_double(value)
#define HASH_INTERVAL(value) hash_interval(value)
#define HASH_STRING(value) hash_string(&(value))

/* -0 and 0 are equal, and so are all NaNs. */
BASE_INLINE uint64_t hash_double(double value)
{
    uint64_t bits;
    value = value == 0 ? 0.0 : value;
    memcpy(&bits, &value, sizeof bits);
    return base_hash_u64(value != value ? UINT64_C(0x7FF8000000000000) : bits);
}
BASE_INLINE uint64_t hash_interval(types_interval interval)
{
    vector_interval_length length = vector_interval_length_of(interval);
    return base_hash_combine((uint64_t)length.days, (uint64_t)length.microseconds);
}
/* Inline strings are hashed as their 16 bytes: length included, unused bytes zero. */
BASE_INLINE uint64_t hash_string(const types_string *string)
{
    if (string->length <= TYPES_STRING_INLINE) {
        const char *bytes = (const char *)string;
        return base_hash_combine(base_load_u64(bytes), base_load_u64(bytes + 8));
    }
    return base_hash_bytes(string->far.pointer, string->length, 0);
}

/* The value is not looked at where it is NULL: it may be a string without bytes. */
#define HASH_LOOP(form, row, is_null)                                                              \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        uint32_t position = row;                                                                   \
        uint64_t hash = (is_null) ? HASH_OF_NULL : HASH_##form(values[position]);                  \
        hashes[i] = combine ? base_hash_combine(hashes[i], hash) : hash;                           \
    }
#define HASH_KERNEL(form, type)                                                                    \
    BASE_INLINE void hash_body_##form(const type *values, const uint64_t *validity,                \
                                      const uint16_t *selection, uint32_t count, bool combine,     \
                                      uint64_t *hashes)                                            \
    {                                                                                              \
        if (validity) {                                                                            \
            HASH_LOOP(form, selection ? selection[i] : i, !base_bit_get(validity, position))       \
        } else if (selection) {                                                                    \
            HASH_LOOP(form, selection[i], false)                                                   \
        } else {                                                                                   \
            HASH_LOOP(form, i, false)                                                              \
        }                                                                                          \
    }                                                                                              \
    static void hash_##form(const void *values, const uint64_t *validity,                          \
                            const uint16_t *selection, uint32_t count, bool combine,               \
                            uint64_t *hashes)                                                      \
    {                                                                                              \
        if (combine)                                                                               \
            hash_body_##form(values, validity, selection, count, true, hashes);                    \
        else                                                                                       \
            hash_body_##form(values, validity, selection, count, false, hashes);                   \
    }
VECTOR_FORM_LIST(HASH_KERNEL)

#define HASH_ENTRY(form, type) [TYPES_FORM_##form] = hash_##form,
const vector_hash_kernel vector_hashes[TYPES_FORM_COUNT] = {VECTOR_FORM_LIST(HASH_ENTRY)};
