/*
 * format.c - values to text: the form of CAST(x AS TEXT), and the literal that gives the
 * value again.
 *
 * The forms are PostgreSQL's ("t" and "f" aside: booleans print as true and false, as its
 * casts do). Pieces are laid out in small buffers of known size and appended once, so a
 * failure of memory shows in one place, the buffer's `failed`.
 */
#include "types/types_int.h"

static size_t put_padded(uint32_t value, uint32_t width, char *out)
{
    char digits[12];
    size_t count = types_format_uint64(value, digits), length = 0;
    for (; length + count < width; length++)
        out[length] = '0';
    memcpy(out + length, digits, count);
    return length + count;
}

static size_t format_decimal(int128_t value, uint32_t scale, char *buffer)
{
    char digits[TYPES_INT128_TEXT_SIZE]; /* last digit first */
    uint128_t rest = value < 0 ? -(uint128_t)value : (uint128_t)value;
    size_t count = 0, length = 0;
    /* At least scale + 1 digits: zeros before and after the point. 64-bit division where
     * the value allows it. */
    while (rest > UINT64_MAX) {
        digits[count++] = (char)('0' + (uint32_t)(rest % 10));
        rest /= 10;
    }
    for (uint64_t small = (uint64_t)rest; small || count <= scale; small /= 10)
        digits[count++] = (char)('0' + small % 10);
    if (value < 0)
        buffer[length++] = '-';
    while (count > 0) {
        buffer[length++] = digits[--count];
        if (count == scale && scale > 0)
            buffer[length++] = '.';
    }
    return length;
}

/* Whole seconds and, when there is one, the fraction without trailing zeros. */
static size_t put_seconds(uint32_t second, uint32_t microsecond, char *out)
{
    size_t length = put_padded(second, 2, out);
    if (microsecond) {
        out[length++] = '.';
        length += put_padded(microsecond, 6, out + length);
        while (out[length - 1] == '0')
            length--;
    }
    return length;
}

static size_t put_time(const types_civil *civil, char *out)
{
    size_t length = put_padded((uint32_t)civil->hour, 2, out);
    out[length++] = ':';
    length += put_padded((uint32_t)civil->minute, 2, out + length);
    out[length++] = ':';
    return length +
           put_seconds((uint32_t)civil->second, (uint32_t)civil->microsecond, out + length);
}

static size_t put_date(const types_civil *civil, char *out)
{
    uint32_t year = (uint32_t)(civil->year > 0 ? civil->year : 1 - civil->year);
    size_t length = put_padded(year, 4, out);
    out[length++] = '-';
    length += put_padded((uint32_t)civil->month, 2, out + length);
    out[length++] = '-';
    return length + put_padded((uint32_t)civil->day, 2, out + length);
}

static size_t put_era(const types_civil *civil, char *out)
{
    if (civil->year > 0)
        return 0;
    memcpy(out, " BC", 3);
    return 3;
}

static size_t format_date(int32_t days, char buffer[TYPES_TIME_TEXT_SIZE])
{
    types_civil civil;
    types_civil_from_date(days, &civil);
    size_t length = put_date(&civil, buffer);
    return length + put_era(&civil, buffer + length);
}

static size_t format_time(int64_t microseconds, char buffer[TYPES_TIME_TEXT_SIZE])
{
    types_civil civil;
    types_civil_time(microseconds, &civil);
    return put_time(&civil, buffer);
}

static size_t format_timestamp(int64_t microseconds, char buffer[TYPES_TIME_TEXT_SIZE])
{
    types_civil civil;
    types_civil_from_timestamp(microseconds, &civil);
    size_t length = put_date(&civil, buffer);
    buffer[length++] = ' ';
    length += put_time(&civil, buffer + length);
    return length + put_era(&civil, buffer + length);
}

/* " 3 days": a blank unless first, a plus sign after a negative piece, the plural unless 1. */
static size_t put_unit(int64_t count, const char *unit, bool *after_negative, size_t length,
                       char *out)
{
    if (count == 0)
        return length;
    if (length)
        out[length++] = ' ';
    if (*after_negative && count > 0)
        out[length++] = '+';
    length += types_format_int64(count, out + length);
    out[length++] = ' ';
    size_t letters = strlen(unit);
    memcpy(out + length, unit, letters);
    length += letters;
    if (count != 1)
        out[length++] = 's';
    *after_negative = count < 0;
    return length;
}

static size_t format_interval(types_interval interval, char buffer[TYPES_INTERVAL_TEXT_SIZE])
{
    bool after_negative = false;
    size_t length = 0;
    length = put_unit(interval.months / 12, "year", &after_negative, length, buffer);
    length = put_unit(interval.months % 12, "mon", &after_negative, length, buffer);
    length = put_unit(interval.days, "day", &after_negative, length, buffer);
    if (interval.microseconds == 0 && length > 0)
        return length;
    if (length)
        buffer[length++] = ' ';
    uint64_t time = (uint64_t)interval.microseconds;
    if (interval.microseconds < 0) {
        buffer[length++] = '-';
        time = 0 - time;
    } else if (after_negative) {
        buffer[length++] = '+';
    }
    uint64_t hours = time / UINT64_C(3600000000);
    uint32_t rest = (uint32_t)(time % UINT64_C(3600000000) / 1000000);
    if (hours < 10)
        buffer[length++] = '0';
    length += types_format_uint64(hours, buffer + length);
    buffer[length++] = ':';
    length += put_padded(rest / 60, 2, buffer + length);
    buffer[length++] = ':';
    return length + put_seconds(rest % 60, (uint32_t)(time % 1000000), buffer + length);
}

static void append_hex(base_buffer *buffer, const types_string *bytes)
{
    static const char digits[] = "0123456789abcdef";
    const char *data = types_string_data(bytes);
    if (!base_buffer_reserve(buffer, (size_t)bytes->length * 2))
        return;
    for (uint32_t i = 0; i < bytes->length; i++) {
        char pair[2] = {digits[(uint8_t)data[i] >> 4], digits[data[i] & 15]};
        base_buffer_append(buffer, pair, 2);
    }
}

int64_t types_integer_of(types_type type, const types_cell *cell)
{
    switch (types_form_of(type)) {
    case TYPES_FORM_INT8:
        return cell->int8;
    case TYPES_FORM_INT16:
        return cell->int16;
    case TYPES_FORM_INT32:
        return cell->int32;
    default:
        return cell->int64;
    }
}

int128_t types_decimal_of(types_type type, const types_cell *cell)
{
    return types_form_of(type) == TYPES_FORM_INT64 ? cell->int64 : cell->int128;
}

void types_format(const types_value *value, base_buffer *buffer)
{
    char text[TYPES_INTERVAL_TEXT_SIZE];
    const types_cell *cell = &value->cell;
    size_t length = 0;
    if (value->is_null) {
        base_buffer_append_text(buffer, "NULL");
        return;
    }
    switch ((types_kind)value->type.kind) {
    case TYPES_NULL:
    case TYPES_KIND_COUNT:
        base_buffer_append_text(buffer, "NULL");
        return;
    case TYPES_BOOLEAN:
        base_buffer_append_text(buffer, cell->boolean ? "true" : "false");
        return;
    case TYPES_TEXT:
    case TYPES_UNKNOWN:
        base_buffer_append(buffer, types_string_data(&cell->string), cell->string.length);
        return;
    case TYPES_BLOB:
        base_buffer_append(buffer, "\\x", 2);
        append_hex(buffer, &cell->string);
        return;
    case TYPES_TINYINT:
    case TYPES_SMALLINT:
    case TYPES_INT4:
    case TYPES_INTEGER:
        length = types_format_int64(types_integer_of(value->type, cell), text);
        break;
    case TYPES_UBIGINT:
        length = types_format_uint64(cell->uint64, text);
        break;
    case TYPES_FLOAT4:
        length = types_format_float(cell->float32, text);
        break;
    case TYPES_FLOAT:
        length = types_format_double(cell->float64, text);
        break;
    case TYPES_DECIMAL:
        length = format_decimal(types_decimal_of(value->type, cell), value->type.scale, text);
        break;
    case TYPES_DATE:
        length = format_date(cell->int32, text);
        break;
    case TYPES_TIME:
        length = format_time(cell->int64, text);
        break;
    case TYPES_TIMESTAMP:
        length = format_timestamp(cell->int64, text);
        break;
    case TYPES_INTERVAL:
        length = format_interval(cell->interval, text);
        break;
    }
    base_buffer_append(buffer, text, length);
}

static void append_quoted(base_buffer *buffer, const types_string *text)
{
    const char *data = types_string_data(text);
    base_buffer_append_byte(buffer, '\'');
    for (uint32_t start = 0, at = 0; at <= text->length; at++) {
        if (at == text->length || data[at] == '\'') {
            base_buffer_append(buffer, data + start, at - start);
            if (at < text->length)
                base_buffer_append_text(buffer, "''");
            start = at + 1;
        }
    }
    base_buffer_append_byte(buffer, '\'');
}

/* A literal with an exponent is a FLOAT, one without would be an INTEGER or DECIMAL. */
static void append_float(base_buffer *buffer, const types_value *value)
{
    double number =
        value->type.kind == TYPES_FLOAT ? value->cell.float64 : (double)value->cell.float32;
    if (!isfinite(number)) {
        base_buffer_append_text(buffer, "CAST('");
        types_format(value, buffer);
        base_buffer_append_text(buffer, "' AS FLOAT)");
        return;
    }
    size_t start = buffer->length;
    types_format(value, buffer);
    if (!buffer->failed && !memchr(buffer->data + start, 'e', buffer->length - start))
        base_buffer_append_text(buffer, "e0");
}

void types_format_literal(const types_value *value, base_buffer *buffer)
{
    if (value->is_null) {
        base_buffer_append_text(buffer, "NULL");
        return;
    }
    switch ((types_kind)value->type.kind) {
    case TYPES_TEXT:
    case TYPES_UNKNOWN:
        append_quoted(buffer, &value->cell.string);
        return;
    case TYPES_BLOB:
        base_buffer_append_text(buffer, "X'");
        append_hex(buffer, &value->cell.string);
        base_buffer_append_byte(buffer, '\'');
        return;
    case TYPES_FLOAT4:
    case TYPES_FLOAT:
        append_float(buffer, value);
        return;
    case TYPES_DATE:
    case TYPES_TIME:
    case TYPES_TIMESTAMP:
    case TYPES_INTERVAL: {
        char name[TYPES_NAME_SIZE];
        base_buffer_append_format(buffer, "%s '", types_name(value->type, name));
        types_format(value, buffer);
        base_buffer_append_byte(buffer, '\'');
        return;
    }
    default:
        types_format(value, buffer);
        return;
    }
}
