/*
 * run_filter.c - may a key be there? A split-block Bloom filter.
 *
 * A filter is an array of blocks of eight 32-bit words. A key's hash chooses one block and
 * one bit in each of its words, so a probe touches a single cache line. With 12 bits for a key
 * about one absent key in two hundred passes. (The scheme of Putze, Sanders and Singler, with
 * the odd multipliers that Parquet uses.) Rejected: one filter over the whole run (the writer
 * would have to hold it, however large), and fuse filters (a quarter smaller, but built in
 * several passes over all hashes).
 *
 * The hash is part of the format: XXH64 of the key's bytes.
 */
#include "index/run/run_int.h"

static const uint32_t multipliers[8] = {0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D,
                                        0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31};

uint64_t index_run_filter_hash(base_text key)
{
    return crypto_checksum64(key.data, key.length, 0);
}

size_t index_run_filter_size(size_t key_count)
{
    size_t bits = key_count * RUN_FILTER_BITS;
    return (bits / 8 / RUN_FILTER_BLOCK + 1) * RUN_FILTER_BLOCK;
}

static size_t block_of(size_t size, uint64_t hash)
{
    uint64_t blocks = size / RUN_FILTER_BLOCK;
    return (size_t)((hash >> 32) * blocks >> 32) * RUN_FILTER_BLOCK;
}

void index_run_filter_add(void *filter, size_t size, uint64_t hash)
{
    unsigned char *block = (unsigned char *)filter + block_of(size, hash);
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t bit = (uint32_t)hash * multipliers[i] >> 27;
        base_store_u32(block + 4 * i, base_load_u32(block + 4 * i) | UINT32_C(1) << bit);
    }
}

bool index_run_filter_has(const void *filter, size_t size, uint64_t hash)
{
    if (size < RUN_FILTER_BLOCK)
        return true; /* none: cannot say */
    const unsigned char *block = (const unsigned char *)filter + block_of(size, hash);
    uint32_t missing = 0;
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t bit = (uint32_t)hash * multipliers[i] >> 27;
        missing |= ~base_load_u32(block + 4 * i) >> bit & 1;
    }
    return !missing;
}
