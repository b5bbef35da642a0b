/*
 * hash.c - hash of byte strings for in-memory tables.
 *
 * Sixteen bytes a step, each folded from a 128-bit product (after wyhash, W. Yi, public
 * domain, whose quality is measured in the SMHasher suite). Never written to a file: the
 * checksums of files are crypto/'s.
 */
#include "base/base.h"

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint128_t product = (uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t base_hash_bytes(const void *bytes, size_t length, uint64_t seed)
{
    const uint64_t k0 = 0xA0761D6478BD642Fu, k1 = 0xE7037ED1A0B428DBu, k2 = 0x8EBC6AF09C88C6E3u;
    const unsigned char *at = bytes;
    uint64_t a = 0, b = 0;
    seed ^= k0;
    if (length <= 16) {
        if (length >= 8) {
            a = base_load_u64(at);
            b = base_load_u64(at + length - 8);
        } else if (length >= 4) {
            a = base_load_u32(at);
            b = base_load_u32(at + length - 4);
        } else if (length > 0) {
            a = (uint64_t)at[0] << 16 | (uint64_t)at[length >> 1] << 8 | at[length - 1];
        }
    } else {
        size_t left = length;
        for (; left > 16; left -= 16, at += 16)
            seed = mix(base_load_u64(at) ^ k1, base_load_u64(at + 8) ^ seed);
        a = base_load_u64(at + left - 16);
        b = base_load_u64(at + left - 8);
    }
    return mix(k1 ^ length, mix(a ^ k1, b ^ seed ^ k2));
}
