/*
 * codec_plain.c - values as they are: what is left when nothing else saves.
 *
 * Body: fixed forms: the values. Strings: (count + 1) x u32 offset from the end of the
 * offsets, then the bytes.
 */
#include "store/col/codec/codec.h"

static base_status plain_estimate(const codec_input *input, void **plan, size_t *bytes,
                                  base_error *error)
{
    (void)plan;
    (void)error;
    if (input->form != TYPES_FORM_STRING) {
        *bytes = (size_t)input->count * types_form_size(input->form);
        return BASE_OK;
    }
    const types_string *strings = input->values;
    size_t size = ((size_t)input->count + 1) * 4;
    for (uint32_t i = 0; i < input->count; i++)
        size += strings[i].length;
    *bytes = size;
    return BASE_OK;
}

static base_status plain_encode(const codec_input *input, void *plan, base_buffer *out,
                                base_error *error)
{
    (void)plan;
    if (input->form != TYPES_FORM_STRING) {
        base_buffer_append(out, input->values, (size_t)input->count * types_form_size(input->form));
        return out->failed ? base_error_no_memory(error) : BASE_OK;
    }
    const types_string *strings = input->values;
    uint64_t offset = 0;
    for (uint32_t i = 0; i <= input->count; i++) {
        uint32_t stored = (uint32_t)offset;
        base_buffer_append(out, &stored, sizeof stored);
        if (i < input->count)
            offset += strings[i].length;
        if (offset > UINT32_MAX)
            return base_error_set(error, BASE_LIMIT,
                                  "more than 4 GiB of text in one column of a row group");
    }
    for (uint32_t i = 0; i < input->count; i++)
        base_buffer_append(out, types_string_data(&strings[i]), strings[i].length);
    return out->failed ? base_error_no_memory(error) : BASE_OK;
}

static bool plain_check(const codec_body *body)
{
    if (body->form != TYPES_FORM_STRING)
        return body->length >= (size_t)body->count * types_form_size(body->form);
    size_t head = ((size_t)body->count + 1) * 4;
    if (body->length < head)
        return false;
    uint32_t before = 0;
    for (uint32_t i = 0; i <= body->count; i++) {
        uint32_t offset = base_load_u32(body->data + (size_t)i * 4);
        if (offset < before || offset > body->length - head)
            return false;
        before = offset;
    }
    return true;
}

static types_string plain_string(const codec_body *body, uint32_t index)
{
    const uint8_t *offsets = body->data + (size_t)index * 4;
    uint32_t start = base_load_u32(offsets), end = base_load_u32(offsets + 4);
    const uint8_t *bytes = body->data + ((size_t)body->count + 1) * 4;
    return types_string_of((const char *)bytes + start, end - start);
}

static bool plain_get(const codec_body *body, uint32_t index, types_cell *cell, base_arena *heap)
{
    (void)heap;
    size_t size = types_form_size(body->form);
    if (body->form == TYPES_FORM_STRING)
        cell->string = plain_string(body, index);
    else
        memcpy(cell, body->data + index * size, size);
    return true;
}

static bool plain_decode(const codec_body *body, uint32_t first, uint32_t count, void *out,
                         base_arena *heap)
{
    (void)heap;
    size_t size = types_form_size(body->form);
    if (body->form != TYPES_FORM_STRING) {
        memcpy(out, body->data + first * size, count * size);
        return true;
    }
    types_string *strings = out;
    for (uint32_t i = 0; i < count; i++)
        strings[i] = plain_string(body, first + i);
    return true;
}

const codec codec_plain = {
    .id = CODEC_PLAIN,
    .name = "plain",
    .estimate = plain_estimate,
    .encode = plain_encode,
    .check = plain_check,
    .get = plain_get,
    .decode = plain_decode,
};
