/*
 * codec_bits_kernels.c - packing 1,024 values of one width (layout: codec.h).
 *
 * The bodies are inlined with the width as a constant and stamped for every width, so that
 * shifts and masks are immediates and the loop over lanes becomes vector instructions.
 * Rejected: bits one after another in plain order, which unpacks several times slower, and
 * horizontal layouts tied to one register size.
 */
#include "store/col/codec/codec.h"

BASE_INLINE void unpack_32(const uint8_t *in, uint64_t *values, const uint32_t width)
{
    const uint32_t mask = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
    for (uint32_t row = 0; row < 32; row++) {
        const uint32_t bit = row * width, word = bit / 32, shift = bit % 32;
        const uint8_t *from = in + (size_t)word * 128;
        for (uint32_t lane = 0; lane < 32; lane++) {
            uint32_t value = base_load_u32(from + lane * 4) >> shift;
            if (shift + width > 32)
                value |= base_load_u32(from + 128 + lane * 4) << (32 - shift);
            values[row * 32 + lane] = value & mask;
        }
    }
}

BASE_INLINE void unpack_64(const uint8_t *in, uint64_t *values, const uint32_t width)
{
    const uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    for (uint32_t row = 0; row < 64; row++) {
        const uint32_t bit = row * width, word = bit / 64, shift = bit % 64;
        const uint8_t *from = in + (size_t)word * 128;
        for (uint32_t lane = 0; lane < 16; lane++) {
            uint64_t value = base_load_u64(from + lane * 8) >> shift;
            if (shift + width > 64)
                value |= base_load_u64(from + 128 + lane * 8) << (64 - shift);
            values[row * 16 + lane] = value & mask;
        }
    }
}

/* X(width) for the widths of each lane size. */
/* clang-format off */
#define WIDTHS_32(X)                                                                               \
    X(1)                                                                                           \
    X(2)                                                                                           \
    X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) \
        X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32)
#define WIDTHS_64(X)                                                                               \
    X(33)                                                                                          \
    X(34)                                                                                          \
    X(35) X(36) X(37) X(38) X(39) X(40) X(41) X(42) X(43) X(44) X(45) X(46) X(47) X(48) X(49)      \
        X(50) X(51) X(52) X(53) X(54) X(55) X(56) X(57) X(58) X(59) X(60) X(61) X(62) X(63) X(64)

void codec_bits_unpack(const uint8_t *in, uint32_t width, uint64_t *values)
{
    switch (width) {
#define CASE(w)                                                                                    \
    case w:                                                                                        \
        unpack_32(in, values, w);                                                                  \
        return;
        WIDTHS_32(CASE)
#undef CASE
#define CASE(w)                                                                                    \
    case w:                                                                                        \
        unpack_64(in, values, w);                                                                  \
        return;
        WIDTHS_64(CASE)
#undef CASE
    default:
        memset(values, 0, CODEC_BLOCK * sizeof *values);
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
