/*
 * vector_key.c - order-preserving keys (contract and encoding: vector.h).
 *
 * Each column is encoded so that bytes compare as values do and no encoding is a prefix of
 * another one of the same type; hence keys of several columns are the columns' keys one
 * after the other, and a key of fewer columns is a prefix that bounds a range.
 *
 * Strings escape 0x00 as 0x00 0xFF and end with 0x00 0x00: "a" sorts before "a\0", which
 * sorts before "a\1". Rejected: a length in front (does not keep order) and escaping in
 * groups of eight bytes (two more bytes for short strings, the common case).
 *
 * Intervals keep their length (30-day months), not their fields: what compares equal must be
 * equal as key. Decoding gives an interval that compares equal, in days and microseconds.
 * Likewise -0 reads back as 0.
 */
#include "vector/vector_int.h"

enum {
    KEY_NULL_FIRST = 0x00,
    KEY_VALUE = 0x01,
    KEY_NULL_LAST = 0x02,
};

static void store_big_u64(unsigned char *to, uint64_t value)
{
    base_store_u64(to, __builtin_bswap64(value));
}

static uint64_t load_big_u64(const unsigned char *from)
{
    return __builtin_bswap64(base_load_u64(from));
}

#define SIGN_64 ((uint64_t)1 << 63)

/* Bits whose unsigned order is the order of floats: of negative ones all bits are flipped, of
 * others the sign. */
static uint64_t ordered_double(double value)
{
    uint64_t bits;
    if (value != value)
        return UINT64_MAX; /* NaN: above infinity */
    value = value == 0 ? 0.0 : value;
    memcpy(&bits, &value, sizeof bits);
    return bits & SIGN_64 ? ~bits : bits | SIGN_64;
}

static double double_of_ordered(uint64_t ordered)
{
    double value;
    if (ordered == UINT64_MAX)
        return (double)NAN;
    uint64_t bits = ordered & SIGN_64 ? ordered & ~SIGN_64 : ~ordered;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Bytes of a fixed-width value's key; 0 for strings. */
static uint32_t key_width(types_form form)
{
    switch (form) {
    case TYPES_FORM_BOOL:
    case TYPES_FORM_INT8:
        return 1;
    case TYPES_FORM_INT16:
        return 2;
    case TYPES_FORM_INT32:
        return 4;
    case TYPES_FORM_INT64:
    case TYPES_FORM_UINT64:
    case TYPES_FORM_FLOAT32: /* as doubles: one rule for both */
    case TYPES_FORM_FLOAT64:
        return 8;
    case TYPES_FORM_INT128:
    case TYPES_FORM_INTERVAL:
        return 16;
    default:
        return 0;
    }
}

/* Writes key_width bytes. */
static void encode_fixed(types_form form, const types_cell *cell, unsigned char *to)
{
    vector_interval_length length;
    switch (form) {
    case TYPES_FORM_BOOL:
        to[0] = cell->boolean;
        break;
    case TYPES_FORM_INT8:
        to[0] = (unsigned char)((uint8_t)cell->int8 ^ 0x80);
        break;
    case TYPES_FORM_INT16:
        base_store_u16(to, __builtin_bswap16((uint16_t)((uint16_t)cell->int16 ^ 0x8000)));
        break;
    case TYPES_FORM_INT32:
        base_store_u32(to, __builtin_bswap32((uint32_t)cell->int32 ^ 0x80000000u));
        break;
    case TYPES_FORM_INT64:
        store_big_u64(to, (uint64_t)cell->int64 ^ SIGN_64);
        break;
    case TYPES_FORM_UINT64:
        store_big_u64(to, cell->uint64);
        break;
    case TYPES_FORM_INT128:
        store_big_u64(to, (uint64_t)((uint128_t)cell->int128 >> 64) ^ SIGN_64);
        store_big_u64(to + 8, (uint64_t)cell->int128);
        break;
    case TYPES_FORM_FLOAT32:
        store_big_u64(to, ordered_double((double)cell->float32));
        break;
    case TYPES_FORM_FLOAT64:
        store_big_u64(to, ordered_double(cell->float64));
        break;
    case TYPES_FORM_INTERVAL:
        length = vector_interval_length_of(cell->interval);
        store_big_u64(to, (uint64_t)length.days ^ SIGN_64);
        store_big_u64(to + 8, (uint64_t)length.microseconds);
        break;
    default:
        BASE_ASSERT(false);
    }
}

/* Appends a string's bytes escaped and ended, each byte inverted by `flip` (0 or 0xFF). */
static void append_string(const types_string *string, unsigned char flip, base_buffer *key)
{
    const char *bytes = types_string_data(string);
    size_t length = string->length;
    size_t zeros = 0;
    for (size_t i = 0; i < length; i++)
        zeros += bytes[i] == 0;
    if (key->failed || !base_buffer_reserve(key, length + zeros + 2))
        return;
    size_t start = key->length;
    if (zeros == 0) {
        base_buffer_append(key, bytes, length);
    } else {
        for (size_t i = 0; i < length; i++) {
            base_buffer_append_byte(key, bytes[i]);
            if (bytes[i] == 0)
                base_buffer_append_byte(key, (char)0xFF);
        }
    }
    base_buffer_append(key, "\0", 2);
    if (flip)
        for (size_t i = start; i < key->length; i++)
            key->data[i] = (char)~key->data[i];
}

uint32_t vector_key_fixed(const vector_key_part *part, const types_cell *cell, bool is_null,
                          unsigned char key[VECTOR_KEY_FIXED])
{
    types_form form = types_form_of(part->type);
    if (is_null) {
        key[0] = part->nulls_first ? KEY_NULL_FIRST : KEY_NULL_LAST;
        return 1;
    }
    if (form == TYPES_FORM_STRING)
        return 0;
    uint32_t width = key_width(form);
    key[0] = KEY_VALUE;
    encode_fixed(form, cell, key + 1);
    if (part->descending)
        for (uint32_t i = 1; i <= width; i++)
            key[i] = (unsigned char)~key[i];
    return width + 1;
}

void vector_key_append(const vector_key_part *part, const types_cell *cell, bool is_null,
                       base_buffer *key)
{
    unsigned char bytes[VECTOR_KEY_FIXED];
    uint32_t length = vector_key_fixed(part, cell, is_null, bytes);
    if (length) {
        base_buffer_append(key, bytes, length);
    } else {
        size_t before = key->length;
        base_buffer_append_byte(key, KEY_VALUE);
        append_string(&cell->string, part->descending ? 0xFF : 0, key);
        if (key->failed)
            key->length = before; /* never half a column */
    }
}

/* False for bytes that encode_fixed never writes. */
static bool decode_fixed(types_form form, const unsigned char *from, types_cell *cell)
{
    uint64_t high, low;
    switch (form) {
    case TYPES_FORM_BOOL:
        cell->boolean = from[0];
        return from[0] <= 1;
    case TYPES_FORM_INT8:
        cell->int8 = (int8_t)(from[0] ^ 0x80);
        return true;
    case TYPES_FORM_INT16:
        cell->int16 = (int16_t)(__builtin_bswap16(base_load_u16(from)) ^ 0x8000);
        return true;
    case TYPES_FORM_INT32:
        cell->int32 = (int32_t)(__builtin_bswap32(base_load_u32(from)) ^ 0x80000000u);
        return true;
    case TYPES_FORM_INT64:
        cell->int64 = (int64_t)(load_big_u64(from) ^ SIGN_64);
        return true;
    case TYPES_FORM_UINT64:
        cell->uint64 = load_big_u64(from);
        return true;
    case TYPES_FORM_INT128:
        high = load_big_u64(from) ^ SIGN_64;
        low = load_big_u64(from + 8);
        cell->int128 = (int128_t)((uint128_t)high << 64 | low);
        return true;
    case TYPES_FORM_FLOAT32:
        cell->float32 = (float)double_of_ordered(load_big_u64(from));
        return true;
    case TYPES_FORM_FLOAT64:
        cell->float64 = double_of_ordered(load_big_u64(from));
        return true;
    default:
        BASE_ASSERT(form == TYPES_FORM_INTERVAL);
        high = load_big_u64(from) ^ SIGN_64;
        low = load_big_u64(from + 8);
        if (low >= (uint64_t)TYPES_MICROSECONDS_PER_DAY)
            return false;
        /* More days than the field holds become months of thirty. */
        int64_t days = (int64_t)high, months = 0;
        if (days < INT32_MIN || days > INT32_MAX) {
            months = days / 30;
            days %= 30;
        }
        if (months < INT32_MIN || months > INT32_MAX) {
            /* Only the microseconds can have brought more days than the other fields hold. */
            int64_t limit = months < 0 ? INT32_MIN : INT32_MAX;
            int64_t over;
            if (__builtin_mul_overflow((months - limit) * 30, TYPES_MICROSECONDS_PER_DAY, &over))
                return false;
            if (__builtin_add_overflow(over, (int64_t)low, &over))
                return false;
            months = limit;
            low = (uint64_t)over;
        }
        cell->interval = (types_interval){(int32_t)months, (int32_t)days, (int64_t)low};
        return true;
    }
}

/* Finds the end of an escaped string at `at`: sets its length without escapes. False when
 * it does not end inside the key. */
static bool scan_string(const unsigned char *at, const unsigned char *end, unsigned char flip,
                        size_t *length, const unsigned char **after)
{
    size_t found = 0;
    for (; at < end; at++, found++) {
        if ((*at ^ flip) != 0)
            continue;
        if (++at == end)
            return false;
        if ((*at ^ flip) == 0) {
            *length = found;
            *after = at + 1;
            return found <= UINT32_MAX;
        }
        if ((*at ^ flip) != 0xFF)
            return false;
    }
    return false;
}

static bool decode_string(base_text key, size_t *offset, unsigned char flip, base_arena *arena,
                          types_string *string)
{
    const unsigned char *from = (const unsigned char *)key.data + *offset;
    const unsigned char *after;
    size_t length;
    char inlined[TYPES_STRING_INLINE];
    if (!scan_string(from, (const unsigned char *)key.data + key.length, flip, &length, &after))
        return false;
    char *bytes = length <= TYPES_STRING_INLINE ? inlined : base_arena_allocate(arena, length);
    if (!bytes)
        return false;
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (char)(*from ^ flip);
        from += bytes[i] == 0 ? 2 : 1;
    }
    *string = types_string_of(bytes, length);
    *offset = (size_t)(after - (const unsigned char *)key.data);
    return true;
}

bool vector_key_decode(const vector_key_part *part, base_text key, size_t *offset,
                       base_arena *arena, types_cell *cell, bool *is_null)
{
    if (*offset >= key.length)
        return false;
    unsigned char tag = (unsigned char)key.data[*offset];
    *is_null = tag != KEY_VALUE;
    if (tag != KEY_VALUE) {
        if (tag != (part->nulls_first ? KEY_NULL_FIRST : KEY_NULL_LAST))
            return false;
        memset(cell, 0, sizeof *cell);
        *offset += 1;
        return true;
    }
    types_form form = types_form_of(part->type);
    unsigned char flip = part->descending ? 0xFF : 0;
    size_t start = *offset + 1;
    if (form == TYPES_FORM_STRING) {
        if (!decode_string(key, &start, flip, arena, &cell->string))
            return false;
        *offset = start;
        return true;
    }
    uint32_t width = key_width(form);
    if (key.length - start < width)
        return false;
    unsigned char bytes[VECTOR_KEY_FIXED];
    for (uint32_t i = 0; i < width; i++)
        bytes[i] = (unsigned char)key.data[start + i] ^ flip;
    memset(cell, 0, sizeof *cell);
    if (!decode_fixed(form, bytes, cell))
        return false;
    *offset = start + width;
    return true;
}
