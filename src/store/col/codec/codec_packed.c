/*
 * codec_packed.c - integers: frame of reference and bit-packing, by blocks of 1,024.
 *
 * Each block has its own base and width, so a clustered column costs the spread inside a
 * block and not that of the column. Rejected for now: exceptions (patches), which save
 * little on blocks this small.
 *
 * Body, with n = ceil(count / 1024):
 *     n x { i64 base, u32 offset of the packed bits in the body, u8 width, 3 x 0 }
 *     packed bits of each block, 128 * width bytes
 */
#include "store/col/codec/codec.h"

enum {
    BLOCK_HEADER = 16,
};

bool codec_to_int64(const codec_input *input, int64_t *out)
{
    uint32_t count = input->count;
#define CONVERT(ctype)                                                                             \
    for (uint32_t i = 0; i < count; i++)                                                           \
        out[i] = (int64_t)((const ctype *)input->values)[i];                                       \
    return true
    switch (input->form) {
    case TYPES_FORM_BOOL:
        CONVERT(uint8_t);
    case TYPES_FORM_INT8:
        CONVERT(int8_t);
    case TYPES_FORM_INT16:
        CONVERT(int16_t);
    case TYPES_FORM_INT32:
        CONVERT(int32_t);
    case TYPES_FORM_INT64:
        CONVERT(int64_t);
    case TYPES_FORM_UINT64:
        CONVERT(uint64_t);
    case TYPES_FORM_INT128: {
        const int128_t *values = input->values;
        for (uint32_t i = 0; i < count; i++) {
            if (values[i] < INT64_MIN || values[i] > INT64_MAX)
                return false;
            out[i] = (int64_t)values[i];
        }
        return true;
    }
    default:
        return false;
    }
#undef CONVERT
}

void codec_from_int64(types_form form, const int64_t *values, uint32_t count, void *out)
{
#define CONVERT(ctype)                                                                             \
    for (uint32_t i = 0; i < count; i++)                                                           \
        ((ctype *)out)[i] = (ctype)values[i];                                                      \
    return
    switch (form) {
    case TYPES_FORM_BOOL:
        CONVERT(uint8_t);
    case TYPES_FORM_INT8:
        CONVERT(int8_t);
    case TYPES_FORM_INT16:
        CONVERT(int16_t);
    case TYPES_FORM_INT32:
        CONVERT(int32_t);
    case TYPES_FORM_INT64:
    case TYPES_FORM_UINT64:
        memcpy(out, values, count * sizeof *values);
        return;
    default:
        BASE_ASSERT(form == TYPES_FORM_INT128);
        CONVERT(int128_t);
    }
#undef CONVERT
}

/* The 64-bit image and what each block needs. */
typedef struct packed_plan {
    int64_t *values;
    int64_t *bases;
    uint8_t *widths;
} packed_plan;

static uint32_t block_count(uint32_t count)
{
    return (count + CODEC_BLOCK - 1) / CODEC_BLOCK;
}

/* Smallest value of the block and the bits of the largest distance from it. Unsigned
 * values above INT64_MAX sort first here, which is as good: distances wrap. */
static void measure_block(const int64_t *values, uint32_t count, int64_t *base, uint8_t *width)
{
    int64_t smallest = values[0], largest = values[0];
    for (uint32_t i = 1; i < count; i++) {
        smallest = BASE_MIN(smallest, values[i]);
        largest = BASE_MAX(largest, values[i]);
    }
    *base = smallest;
    *width = (uint8_t)base_bit_width((uint64_t)largest - (uint64_t)smallest);
}

static base_status packed_estimate(const codec_input *input, void **plan, size_t *bytes,
                                   base_error *error)
{
    uint32_t blocks = block_count(input->count);
    packed_plan *made = base_arena_allocate(input->arena, sizeof *made);
    int64_t *values = base_arena_allocate(input->arena, input->count * sizeof *values);
    int64_t *bases = base_arena_allocate(input->arena, blocks * sizeof *bases);
    uint8_t *widths = base_arena_allocate(input->arena, blocks);
    *bytes = SIZE_MAX;
    if (!made || !values || !bases || !widths)
        return base_error_no_memory(error);
    if (!codec_to_int64(input, values))
        return BASE_OK;
    *made = (packed_plan){values, bases, widths};
    *plan = made;
    size_t size = (size_t)blocks * BLOCK_HEADER;
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t first = i * CODEC_BLOCK;
        measure_block(values + first, BASE_MIN(input->count - first, (uint32_t)CODEC_BLOCK),
                      &bases[i], &widths[i]);
        size += codec_bits_size(widths[i]);
    }
    *bytes = size;
    return BASE_OK;
}

static base_status packed_encode(const codec_input *input, void *plan, base_buffer *out,
                                 base_error *error)
{
    const packed_plan *self = plan;
    uint32_t blocks = block_count(input->count);
    size_t start = out->length, offset = (size_t)blocks * BLOCK_HEADER;
    for (uint32_t i = 0; i < blocks; i++) {
        uint8_t header[BLOCK_HEADER] = {0};
        base_store_u64(header, (uint64_t)self->bases[i]);
        base_store_u32(header + 8, (uint32_t)offset);
        header[12] = self->widths[i];
        base_buffer_append(out, header, sizeof header);
        offset += codec_bits_size(self->widths[i]);
    }
    if (!base_buffer_reserve(out, start + offset - out->length))
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < blocks; i++) {
        uint64_t distances[CODEC_BLOCK];
        uint32_t first = i * CODEC_BLOCK;
        for (uint32_t j = 0; j < CODEC_BLOCK; j++) {
            uint32_t place = BASE_MIN(first + j, input->count - 1);
            distances[j] = (uint64_t)self->values[place] - (uint64_t)self->bases[i];
        }
        codec_bits_pack(distances, self->widths[i], (uint8_t *)out->data + out->length);
        out->length += codec_bits_size(self->widths[i]);
    }
    return out->failed ? base_error_no_memory(error) : BASE_OK;
}

static bool packed_check(const codec_body *body)
{
    uint32_t blocks = block_count(body->count);
    if (body->form > TYPES_FORM_INT128 || body->length < (size_t)blocks * BLOCK_HEADER)
        return false;
    for (uint32_t i = 0; i < blocks; i++) {
        const uint8_t *header = body->data + (size_t)i * BLOCK_HEADER;
        size_t offset = base_load_u32(header + 8), size = codec_bits_size(header[12]);
        if (header[12] > 64 || offset > body->length || body->length - offset < size)
            return false;
    }
    return true;
}

static bool packed_get(const codec_body *body, uint32_t index, types_cell *cell, base_arena *heap)
{
    (void)heap;
    const uint8_t *header = body->data + (size_t)(index / CODEC_BLOCK) * BLOCK_HEADER;
    uint64_t distance =
        codec_bits_get(body->data + base_load_u32(header + 8), header[12], index % CODEC_BLOCK);
    int64_t value = (int64_t)(base_load_u64(header) + distance);
    codec_from_int64(body->form, &value, 1, cell);
    return true;
}

/* One block in the form that the column has. `out` has room for the whole block. */
static void decode_block(const codec_body *body, const uint8_t *header, void *out)
{
    const uint8_t *packed = body->data + base_load_u32(header + 8);
    uint64_t base = base_load_u64(header), values[CODEC_BLOCK];
    uint32_t width = header[12], size = types_form_size(body->form);
    if (size == 8) {
        codec_bits_unpack(packed, width, base, out);
    } else if (size == 4 && width <= 32) {
        codec_bits_unpack_32(packed, width, base, out);
    } else if (size == 2 && width <= 16) {
        codec_bits_unpack_16(packed, width, base, out);
    } else {
        codec_bits_unpack(packed, width, base, values);
        codec_from_int64(body->form, (const int64_t *)values, CODEC_BLOCK, out);
    }
}

static bool packed_decode(const codec_body *body, uint32_t first, uint32_t count, void *out,
                          base_arena *heap)
{
    (void)heap;
    BASE_ASSERT(first % CODEC_STEP == 0);
    size_t size = types_form_size(body->form);
    uint8_t *to = out;
    for (uint32_t at = first, part; at < first + count; at += part, to += part * size) {
        const uint8_t *header = body->data + (size_t)(at / CODEC_BLOCK) * BLOCK_HEADER;
        uint32_t skip = at % CODEC_BLOCK;
        part = BASE_MIN(first + count - at, CODEC_BLOCK - skip);
        if (part == CODEC_BLOCK) {
            decode_block(body, header, to);
            continue;
        }
        int128_t block[CODEC_BLOCK]; /* the widest form */
        decode_block(body, header, block);
        memcpy(to, (const uint8_t *)block + skip * size, part * size);
    }
    return true;
}

const codec codec_packed = {
    .id = CODEC_PACKED,
    .name = "packed",
    .estimate = packed_estimate,
    .encode = packed_encode,
    .check = packed_check,
    .get = packed_get,
    .decode = packed_decode,
};
