/*
 * checksum64.c - XXH64 (Y. Collet's published algorithm), our own code of it.
 *
 * Chosen for extents: four independent lanes of 64-bit multiplies, no special instructions,
 * faster than memory on every machine we run on; 64 bits where a CRC's 32 would let one bad
 * extent in four billion pass. XXH3 is faster on short input only with vector code that would
 * have to be written once for each processor.
 */
#include "crypto/crypto.h"

#define PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME_3 UINT64_C(0x165667B19E3779F9)
#define PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME_5 UINT64_C(0x27D4EB2F165667C5)

BASE_INLINE uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

BASE_INLINE uint64_t mix(uint64_t lane, uint64_t word)
{
    return rotate_left(lane + word * PRIME_2, 31) * PRIME_1;
}

BASE_INLINE uint64_t merge(uint64_t hash, uint64_t lane)
{
    return (hash ^ mix(0, lane)) * PRIME_1 + PRIME_4;
}

uint64_t crypto_checksum64(const void *bytes, size_t length, uint64_t seed)
{
    const unsigned char *next = bytes;
    size_t left = length;
    uint64_t hash = seed + PRIME_5;
    if (left >= 32) {
        uint64_t lanes[4] = {seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1};
        for (; left >= 32; left -= 32, next += 32) {
            for (unsigned i = 0; i < 4; i++)
                lanes[i] = mix(lanes[i], base_load_u64(next + 8 * i));
        }
        hash = rotate_left(lanes[0], 1) + rotate_left(lanes[1], 7) + rotate_left(lanes[2], 12) +
               rotate_left(lanes[3], 18);
        for (unsigned i = 0; i < 4; i++)
            hash = merge(hash, lanes[i]);
    }
    hash += length;
    for (; left >= 8; left -= 8, next += 8)
        hash = rotate_left(hash ^ mix(0, base_load_u64(next)), 27) * PRIME_1 + PRIME_4;
    if (left >= 4) {
        hash = rotate_left(hash ^ base_load_u32(next) * PRIME_1, 23) * PRIME_2 + PRIME_3;
        left -= 4;
        next += 4;
    }
    for (; left > 0; left--, next++)
        hash = rotate_left(hash ^ *next * PRIME_5, 11) * PRIME_1;
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}
