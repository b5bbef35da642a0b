/*
 * codec_constant.c - one value for all, and integers that grow by a fixed step.
 *
 * Rowids of a bulk load, begin stamps and untouched flags cost nothing this way.
 *
 * Body: integers (forms with a 64-bit image): i64 first value, i64 step.
 *       other fixed forms: the value. Strings: u32 length, the bytes.
 */
#include "store/col/codec/codec.h"

static bool is_integer(types_form form)
{
    return form <= TYPES_FORM_UINT64;
}

static bool all_equal(const codec_input *input)
{
    size_t size = types_form_size(input->form);
    const uint8_t *values = input->values;
    for (uint32_t i = 1; i < input->count; i++) {
        if (input->form == TYPES_FORM_STRING) {
            const types_string *strings = input->values;
            if (!types_string_equal(&strings[0], &strings[i]))
                return false;
        } else if (memcmp(values, values + i * size, size) != 0) {
            return false;
        }
    }
    return true;
}

static base_status constant_estimate(const codec_input *input, void **plan, size_t *bytes,
                                     base_error *error)
{
    *bytes = SIZE_MAX;
    if (!is_integer(input->form)) {
        if (all_equal(input))
            *bytes = input->form == TYPES_FORM_STRING
                         ? 4 + (size_t)((const types_string *)input->values)->length
                         : types_form_size(input->form);
        return BASE_OK;
    }
    int64_t *values = base_arena_allocate(input->arena, input->count * sizeof *values);
    if (!values)
        return base_error_no_memory(error);
    (void)codec_to_int64(input, values); /* integer forms below 128 bits always fit */
    uint64_t step = input->count > 1 ? (uint64_t)values[1] - (uint64_t)values[0] : 0;
    for (uint32_t i = 2; i < input->count; i++) {
        if ((uint64_t)values[i] - (uint64_t)values[i - 1] != step)
            return BASE_OK;
    }
    *plan = values;
    *bytes = 16;
    return BASE_OK;
}

static base_status constant_encode(const codec_input *input, void *plan, base_buffer *out,
                                   base_error *error)
{
    if (is_integer(input->form)) {
        const int64_t *values = plan;
        uint64_t body[2] = {(uint64_t)values[0], 0};
        if (input->count > 1)
            body[1] = (uint64_t)values[1] - (uint64_t)values[0];
        base_buffer_append(out, body, sizeof body);
    } else if (input->form == TYPES_FORM_STRING) {
        const types_string *string = input->values;
        base_buffer_append(out, &string->length, 4);
        base_buffer_append(out, types_string_data(string), string->length);
    } else {
        base_buffer_append(out, input->values, types_form_size(input->form));
    }
    return out->failed ? base_error_no_memory(error) : BASE_OK;
}

static bool constant_check(const codec_body *body)
{
    if (is_integer(body->form))
        return body->length >= 16;
    if (body->form == TYPES_FORM_STRING)
        return body->length >= 4 && body->length - 4 >= base_load_u32(body->data);
    return body->length >= types_form_size(body->form);
}

static bool constant_get(const codec_body *body, uint32_t index, types_cell *cell, base_arena *heap)
{
    (void)heap;
    if (is_integer(body->form)) {
        int64_t value =
            (int64_t)(base_load_u64(body->data) + index * base_load_u64(body->data + 8));
        codec_from_int64(body->form, &value, 1, cell);
    } else if (body->form == TYPES_FORM_STRING) {
        cell->string = types_string_of((const char *)body->data + 4, base_load_u32(body->data));
    } else {
        memcpy(cell, body->data, types_form_size(body->form));
    }
    return true;
}

/* first + i * step in the column's form; sums wrap as the encoder's differences did. */
#define PROGRESSION(type)                                                                          \
    do {                                                                                           \
        type *values = out;                                                                        \
        for (uint32_t i = 0; i < count; i++)                                                       \
            values[i] = (type)(value + i * step);                                                  \
    } while (0)

static void decode_progression(const codec_body *body, uint32_t first, uint32_t count, void *out)
{
    uint64_t step = base_load_u64(body->data + 8);
    uint64_t value = base_load_u64(body->data) + first * step;
    switch (types_form_size(body->form)) {
    case 1:
        PROGRESSION(uint8_t);
        break;
    case 2:
        PROGRESSION(uint16_t);
        break;
    case 4:
        PROGRESSION(uint32_t);
        break;
    default:
        PROGRESSION(uint64_t);
        break;
    }
}

static bool constant_decode(const codec_body *body, uint32_t first, uint32_t count, void *out,
                            base_arena *heap)
{
    if (is_integer(body->form)) {
        decode_progression(body, first, count, out);
        return true;
    }
    size_t size = types_form_size(body->form);
    uint8_t *to = out;
    types_cell cell;
    (void)constant_get(body, first, &cell, heap);
    for (uint32_t i = 0; i < count; i++, to += size)
        memcpy(to, &cell, size);
    return true;
}

static bool constant_is_one_value(const codec_body *body)
{
    return !is_integer(body->form) || base_load_u64(body->data + 8) == 0;
}

const codec codec_constant = {
    .id = CODEC_CONSTANT,
    .name = "constant",
    .estimate = constant_estimate,
    .encode = constant_encode,
    .check = constant_check,
    .get = constant_get,
    .decode = constant_decode,
    .is_one_value = constant_is_one_value,
};
