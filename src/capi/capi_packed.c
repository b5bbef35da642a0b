/*
 * capi_packed.c - many rows in one block of bytes, for hosts where each call is dear (cgo,
 * WebAssembly). The layout is in tuff.h.
 */
#include "capi/capi_int.h"

static void append_u32(base_buffer *out, uint32_t value)
{
    char bytes[4];
    base_store_u32(bytes, value);
    base_buffer_append(out, bytes, sizeof bytes);
}

static void append_u64(base_buffer *out, uint64_t value)
{
    char bytes[8];
    base_store_u64(bytes, value);
    base_buffer_append(out, bytes, sizeof bytes);
}

static void append_double(base_buffer *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    append_u64(out, bits);
}

/* A length and the value's text; the length is put in when the text is there. */
static void append_formatted(base_buffer *out, const types_value *value)
{
    size_t start = out->length;
    append_u32(out, 0);
    types_format(value, out);
    if (!out->failed)
        base_store_u32(out->data + start, (uint32_t)(out->length - start - 4));
}

static void append_value(base_buffer *out, const types_value *value)
{
    types_kind kind = (types_kind)value->type.kind;
    if (value->is_null) {
        base_buffer_append_byte(out, TYPES_NULL);
        return;
    }
    base_buffer_append_byte(out, (char)(kind == TYPES_UNKNOWN ? TYPES_TEXT : kind));
    switch (kind) {
    case TYPES_BOOLEAN:
        base_buffer_append_byte(out, (char)value->cell.boolean);
        break;
    case TYPES_UBIGINT:
        append_u64(out, value->cell.uint64);
        break;
    case TYPES_FLOAT4:
    case TYPES_FLOAT:
        append_double(out, capi_to_double(value));
        break;
    case TYPES_DECIMAL:
        append_formatted(out, value);
        break;
    case TYPES_TEXT:
    case TYPES_BLOB:
    case TYPES_UNKNOWN:
        append_u32(out, value->cell.string.length);
        base_buffer_append(out, types_string_data(&value->cell.string), value->cell.string.length);
        break;
    case TYPES_INTERVAL:
        append_u32(out, (uint32_t)value->cell.interval.months);
        append_u32(out, (uint32_t)value->cell.interval.days);
        append_u64(out, (uint64_t)value->cell.interval.microseconds);
        break;
    default:
        append_u64(out, (uint64_t)capi_to_int64(value));
    }
}

tuff_status tuff_fetch_packed(tuff_result *result, uint32_t row_limit, const uint8_t **block,
                              size_t *length, uint32_t *rows)
{
    *block = NULL;
    *length = 0;
    *rows = 0;
    base_buffer_clear(&result->packed);
    uint32_t columns = tuff_column_count(result), taken = 0;
    for (; taken < row_limit; taken++) {
        tuff_status status = tuff_next(result);
        if (status == TUFF_DONE)
            break;
        if (status != TUFF_ROW)
            return status;
        for (uint32_t column = 0; column < columns; column++) {
            types_value value = capi_value(result, column);
            append_value(&result->packed, &value);
        }
        if (result->packed.failed)
            return capi_refuse(result->stmt->conn, BASE_OUT_OF_MEMORY, "memory is exhausted");
    }
    if (taken == 0)
        return row_limit ? TUFF_DONE : TUFF_ROW;
    *rows = taken;
    *block = (const uint8_t *)result->packed.data;
    *length = result->packed.length;
    return TUFF_ROW;
}
