/*
 * utf8.c - UTF-8: validation, counting, positions, one code point.
 *
 * Text in the database is valid UTF-8 (checked where it enters), so counting and positions
 * look at lead bytes only, eight at a time. They stay within bounds on any bytes, though:
 * a text may come from a file that was damaged.
 */
#include "types/types_int.h"

/* Length of the sequence at `data` when it is valid, else 0 (Unicode table 3-7: no
 * overlong forms, no surrogates, nothing above U+10FFFF). */
static uint32_t valid_sequence(const uint8_t *data, size_t length)
{
    uint8_t lead = data[0];
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    uint32_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (length < size)
        return 0;
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (data[1] < low || data[1] > high)
        return 0;
    for (uint32_t i = 2; i < size; i++) {
        if ((data[i] & 0xC0) != 0x80)
            return 0;
    }
    return size;
}

size_t types_utf8_valid_prefix(const char *data, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)data;
    size_t at = 0;
    while (at < length) {
        while (length - at >= 8 && !(base_load_u64(bytes + at) & UINT64_C(0x8080808080808080)))
            at += 8;
        if (at == length)
            break;
        uint32_t size = valid_sequence(bytes + at, length - at);
        if (size == 0)
            return at;
        at += size;
    }
    return length;
}

/* Continuation bytes (10xxxxxx) among eight. */
static uint32_t continuations(uint64_t word)
{
    return (uint32_t)__builtin_popcountll(word & ~(word << 1) & UINT64_C(0x8080808080808080));
}

size_t types_utf8_count(const char *data, size_t length)
{
    size_t count = 0, at = 0;
    for (; length - at >= 8; at += 8)
        count += 8 - continuations(base_load_u64(data + at));
    for (; at < length; at++)
        count += ((uint8_t)data[at] & 0xC0) != 0x80;
    return count;
}

size_t types_utf8_offset(const char *data, size_t length, size_t index)
{
    size_t at = 0, seen = 0; /* characters that start before `at` */
    for (; length - at >= 8; at += 8) {
        size_t here = 8 - continuations(base_load_u64(data + at));
        if (seen + here > index)
            break;
        seen += here;
    }
    for (; at < length; at++) {
        if (((uint8_t)data[at] & 0xC0) != 0x80 && seen++ == index)
            return at;
    }
    return length;
}

uint32_t types_utf8_decode(const char *data, size_t length, uint32_t *code_point)
{
    const uint8_t *bytes = (const uint8_t *)data;
    uint32_t size = length ? valid_sequence(bytes, length) : 0;
    switch (size) {
    case 1:
        *code_point = bytes[0];
        return 1;
    case 2:
        *code_point = (bytes[0] & 0x1Fu) << 6 | (bytes[1] & 0x3Fu);
        return 2;
    case 3:
        *code_point = (bytes[0] & 0x0Fu) << 12 | (bytes[1] & 0x3Fu) << 6 | (bytes[2] & 0x3Fu);
        return 3;
    case 4:
        *code_point = (bytes[0] & 0x07u) << 18 | (bytes[1] & 0x3Fu) << 12 |
                      (bytes[2] & 0x3Fu) << 6 | (bytes[3] & 0x3Fu);
        return 4;
    default:
        *code_point = 0xFFFD;
        return 1;
    }
}

uint32_t types_utf8_encode(uint32_t code_point, char bytes[4])
{
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF))
        code_point = 0xFFFD;
    if (code_point < 0x80) {
        bytes[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        bytes[0] = (char)(0xC0 | code_point >> 6);
        bytes[1] = (char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        bytes[0] = (char)(0xE0 | code_point >> 12);
        bytes[1] = (char)(0x80 | (code_point >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    bytes[0] = (char)(0xF0 | code_point >> 18);
    bytes[1] = (char)(0x80 | (code_point >> 12 & 0x3F));
    bytes[2] = (char)(0x80 | (code_point >> 6 & 0x3F));
    bytes[3] = (char)(0x80 | (code_point & 0x3F));
    return 4;
}
