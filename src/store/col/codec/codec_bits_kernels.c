/*
 * codec_bits_kernels.c - packing 1,024 values of one width (layout: codec.h).
 *
 * Unpacking is what scans of cold rows spend most of their time in, so it is compiled for the
 * portable instruction set and again for AVX2 (codec_bits.inc), and writes the form that the
 * column has. Packing happens once per row and stays plain.
 * Rejected: bits one after another in plain order, which unpacks several times slower, and
 * horizontal layouts tied to one register size.
 *
 * Build: this file is compiled with -O3 (CMakeLists.txt); correctness does not depend on it.
 */
#include "store/col/codec/codec.h"

/* Unpack width >= 1 bits, add the base. `to_16` and `to_32` for values that fit. */
typedef struct codec_bits_table {
    void (*to_16)(const uint8_t *in, uint32_t width, uint64_t base, uint16_t *values);
    void (*to_32)(const uint8_t *in, uint32_t width, uint64_t base, uint32_t *values);
    void (*to_64)(const uint8_t *in, uint32_t width, uint64_t base, uint64_t *values);
    void (*wide_to_64)(const uint8_t *in, uint32_t width, uint64_t base, uint64_t *values);
} codec_bits_table;

#define CODEC_BITS_TABLE codec_bits_portable
#include "store/col/codec/codec_bits.inc"

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define CODEC_BITS_TABLE codec_bits_avx2
#include "store/col/codec/codec_bits.inc"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

static const codec_bits_table *table_of_machine(void)
{
#if defined(__x86_64__)
    /* Kept by the compiler's run-time library: a load and a test. */
    if (__builtin_cpu_supports("avx2"))
        return &codec_bits_avx2;
#endif
    return &codec_bits_portable;
}

void codec_bits_unpack(const uint8_t *in, uint32_t width, uint64_t base, uint64_t *values)
{
    const codec_bits_table *table = table_of_machine();
    BASE_ASSERT(width <= 64);
    if (width == 0) {
        for (uint32_t i = 0; i < CODEC_BLOCK; i++)
            values[i] = base;
    } else if (width <= 32) {
        table->to_64(in, width, base, values);
    } else {
        table->wide_to_64(in, width, base, values);
    }
}

void codec_bits_unpack_32(const uint8_t *in, uint32_t width, uint64_t base, uint32_t *values)
{
    BASE_ASSERT(width <= 32);
    if (width == 0) {
        for (uint32_t i = 0; i < CODEC_BLOCK; i++)
            values[i] = (uint32_t)base;
    } else {
        table_of_machine()->to_32(in, width, base, values);
    }
}

void codec_bits_unpack_16(const uint8_t *in, uint32_t width, uint64_t base, uint16_t *values)
{
    BASE_ASSERT(width <= 16);
    if (width == 0) {
        for (uint32_t i = 0; i < CODEC_BLOCK; i++)
            values[i] = (uint16_t)base;
    } else {
        table_of_machine()->to_16(in, width, base, values);
    }
}

void codec_bits_pack(const uint64_t *values, uint32_t width, uint8_t *out)
{
    const uint32_t lane_bits = width <= 32 ? 32 : 64, lanes = CODEC_BLOCK / lane_bits;
    memset(out, 0, codec_bits_size(width));
    for (uint32_t i = 0; width && i < CODEC_BLOCK; i++) {
        uint32_t bit = i / lanes * width, lane = i % lanes;
        uint32_t word = bit / lane_bits, shift = bit % lane_bits;
        uint8_t *to = out + (size_t)word * 128 + lane * (lane_bits / 8);
        if (lane_bits == 32) {
            uint64_t spread = values[i] << shift;
            base_store_u32(to, base_load_u32(to) | (uint32_t)spread);
            if (shift + width > 32)
                base_store_u32(to + 128, base_load_u32(to + 128) | (uint32_t)(spread >> 32));
        } else {
            base_store_u64(to, base_load_u64(to) | values[i] << shift);
            if (shift + width > 64)
                base_store_u64(to + 128, base_load_u64(to + 128) | values[i] >> (64 - shift));
        }
    }
}

uint64_t codec_bits_get(const uint8_t *in, uint32_t width, uint32_t index)
{
    if (width == 0)
        return 0;
    if (width <= 32) {
        uint32_t bit = index / 32 * width, shift = bit % 32;
        const uint8_t *from = in + (size_t)(bit / 32) * 128 + index % 32 * 4;
        uint64_t value = base_load_u32(from);
        if (shift + width > 32)
            value |= (uint64_t)base_load_u32(from + 128) << 32;
        return value >> shift & ((UINT64_C(1) << width) - 1);
    }
    uint32_t bit = index / 16 * width, shift = bit % 64;
    const uint8_t *from = in + (size_t)(bit / 64) * 128 + index % 16 * 8;
    uint64_t value = base_load_u64(from) >> shift;
    if (shift + width > 64)
        value |= base_load_u64(from + 128) << (64 - shift);
    return width == 64 ? value : value & ((UINT64_C(1) << width) - 1);
}

uint64_t codec_bits_sum_before(const uint8_t *in, uint32_t width, uint32_t index)
{
    uint32_t bit = index / 32 * width, shift = bit % 32;
    const uint8_t *from = in + (size_t)(bit / 32) * 128;
    bool two = shift + width > 32;
    uint64_t mask = (UINT64_C(1) << width) - 1, sum = 0;
    BASE_ASSERT(width <= 32);
    for (uint32_t lane = 0; width && lane < index % 32; lane++) {
        uint64_t value = base_load_u32(from + lane * 4);
        if (two)
            value |= (uint64_t)base_load_u32(from + 128 + lane * 4) << 32;
        sum += value >> shift & mask;
    }
    return sum;
}
