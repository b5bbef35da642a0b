/*
 * bits.h - bit tricks, unaligned little-endian access and hashing.
 *
 * Files are little-endian: code that reads or writes page bytes uses base_load_ and
 * base_store_, which compile to one move where the machine agrees.
 */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include "base/platform.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Tuff runs on little-endian machines only"
#endif

#define BASE_DEFINE_ACCESS(bits)                                                                   \
    BASE_INLINE uint##bits##_t base_load_u##bits(const void *from)                                 \
    {                                                                                              \
        uint##bits##_t value;                                                                      \
        memcpy(&value, from, sizeof value);                                                        \
        return value;                                                                              \
    }                                                                                              \
    BASE_INLINE void base_store_u##bits(void *to, uint##bits##_t value)                            \
    {                                                                                              \
        memcpy(to, &value, sizeof value);                                                          \
    }
BASE_DEFINE_ACCESS(16)
BASE_DEFINE_ACCESS(32)
BASE_DEFINE_ACCESS(64)
#undef BASE_DEFINE_ACCESS

/* Number of bits needed to hold `value`: 0 for 0, 64 at most. */
BASE_INLINE uint32_t base_bit_width(uint64_t value)
{
    return value ? 64 - (uint32_t)__builtin_clzll(value) : 0;
}
BASE_INLINE uint64_t base_next_power_of_two(uint64_t value)
{
    return value <= 1 ? 1 : (uint64_t)1 << base_bit_width(value - 1);
}

/* Bitmaps of 64-bit words, bit i at word i / 64. */
BASE_INLINE bool base_bit_get(const uint64_t *bits, size_t index)
{
    return bits[index >> 6] >> (index & 63) & 1;
}
BASE_INLINE void base_bit_set(uint64_t *bits, size_t index)
{
    bits[index >> 6] |= (uint64_t)1 << (index & 63);
}
BASE_INLINE void base_bit_clear(uint64_t *bits, size_t index)
{
    bits[index >> 6] &= ~((uint64_t)1 << (index & 63));
}

/* a * b; true when it overflows. For 128 bits the compiler's builtin needs a run-time library
 * that clang does not bring along, and checks more slowly than the common case deserves. */
BASE_INLINE bool base_multiply_i128(int128_t a, int128_t b, int128_t *product)
{
    if (BASE_LIKELY((int64_t)a == a && (int64_t)b == b)) {
        *product = (int128_t)(int64_t)a * (int64_t)b;
        return false;
    }
    uint128_t magnitude_a = a < 0 ? -(uint128_t)a : (uint128_t)a;
    uint128_t magnitude_b = b < 0 ? -(uint128_t)b : (uint128_t)b;
    uint64_t high_a = (uint64_t)(magnitude_a >> 64), high_b = (uint64_t)(magnitude_b >> 64);
    uint128_t cross =
        (uint128_t)high_a * (uint64_t)magnitude_b + (uint128_t)high_b * (uint64_t)magnitude_a;
    uint128_t low = (uint128_t)(uint64_t)magnitude_a * (uint64_t)magnitude_b;
    uint128_t magnitude = low + (cross << 64);
    bool is_negative = (a < 0) != (b < 0);
    *product = (int128_t)(is_negative ? -magnitude : magnitude);
    return (high_a && high_b) || cross >> 64 || magnitude < low ||
           magnitude > ((uint128_t)1 << 127) - !is_negative;
}

/* Full-width mixing of one word: a multiply by an odd constant whose 128-bit product is
 * folded (the step that wyhash, W. Yi, is built of). Not for untrusted table keys alone. */
BASE_INLINE uint64_t base_hash_u64(uint64_t value)
{
    uint128_t product = (uint128_t)(value ^ 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    uint64_t folded = (uint64_t)product ^ (uint64_t)(product >> 64);
    product = (uint128_t)(folded ^ 0xA0761D6478BD642Fu) * 0xE7037ED1A0B428DBu;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
BASE_INLINE uint64_t base_hash_combine(uint64_t seed, uint64_t hash)
{
    return base_hash_u64(seed * 31 + hash);
}
/* Hash of bytes; 0 length allowed. Not persistent: may change between versions. */
uint64_t base_hash_bytes(const void *bytes, size_t length, uint64_t seed);

#endif
