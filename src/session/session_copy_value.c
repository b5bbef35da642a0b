/*
 * session_copy_value.c - fields of CSV become values of columns.
 *
 * Each column has a function for the spelling that files usually have: digits with at most one
 * minus and one point, dates as 2024-01-31. It writes straight into the vector and answers
 * false for everything else, valid or not; then types_parse decides, so that there is one
 * place which knows what a type accepts and how its errors read.
 */
#include "session/session_copy_int.h"

enum {
    SHORT_DIGITS = 18 /* surely fit 64 bits */
};

/* Digits behind an optional minus, `point` of them behind a point (-1: no point). */
static inline bool read_digits(base_text text, int64_t *number, int32_t *point)
{
    const char *at = text.data, *end = text.data + text.length;
    bool negative = text.length && *at == '-';
    at += negative;
    if (at == end || end - at > SHORT_DIGITS)
        return false;
    int64_t value = 0;
    *point = -1;
    for (; at < end; at++) {
        uint32_t digit = (uint32_t)(unsigned char)*at - '0';
        if (digit < 10)
            value = value * 10 + digit;
        else if (*at == '.' && *point < 0 && end - at > 1)
            *point = (int32_t)(end - at - 1);
        else
            return false;
    }
    *number = negative ? -value : value;
    return true;
}

/* X(function, C type, smallest, largest) */
#define COPY_INTEGER_LIST(X)                                                                       \
    X(put_int8, int8_t, INT8_MIN, INT8_MAX)                                                        \
    X(put_int16, int16_t, INT16_MIN, INT16_MAX)                                                    \
    X(put_int32, int32_t, INT32_MIN, INT32_MAX)                                                    \
    X(put_int64, int64_t, INT64_MIN, INT64_MAX)

#define COPY_PUT_INTEGER(function, ctype, smallest, largest)                                       \
    static bool function(const copy_column *self, base_text text, vector *to, uint32_t row)        \
    {                                                                                              \
        int64_t number;                                                                            \
        int32_t point;                                                                             \
        (void)self;                                                                                \
        if (!read_digits(text, &number, &point) || point >= 0 || number < (smallest) ||            \
            number > (largest))                                                                    \
            return false;                                                                          \
        ((ctype *)to->data)[row] = (ctype)number;                                                  \
        return true;                                                                               \
    }
COPY_INTEGER_LIST(COPY_PUT_INTEGER)

static bool put_decimal64(const copy_column *self, base_text text, vector *to, uint32_t row)
{
    static const int64_t powers[SHORT_DIGITS + 1] = {1,
                                                     10,
                                                     100,
                                                     1000,
                                                     10000,
                                                     100000,
                                                     1000000,
                                                     10000000,
                                                     100000000,
                                                     1000000000,
                                                     10000000000,
                                                     100000000000,
                                                     1000000000000,
                                                     10000000000000,
                                                     100000000000000,
                                                     1000000000000000,
                                                     10000000000000000,
                                                     100000000000000000,
                                                     1000000000000000000};
    int64_t number, scaled;
    int32_t point;
    if (!read_digits(text, &number, &point))
        return false;
    int32_t missing = (int32_t)self->type.scale - BASE_MAX(point, 0);
    if (missing < 0 || __builtin_mul_overflow(number, powers[missing], &scaled) ||
        scaled >= self->limit || scaled <= -self->limit)
        return false;
    ((int64_t *)to->data)[row] = scaled;
    return true;
}

/* Two digits, or a number above 99. */
static inline uint32_t two_digits(const char *at)
{
    uint32_t tens = (uint32_t)(unsigned char)at[0] - '0',
             ones = (uint32_t)(unsigned char)at[1] - '0';
    return tens < 10 && ones < 10 ? tens * 10 + ones : 100;
}

/* 2024-01-31 */
static inline bool read_date(const char *at, int32_t *days)
{
    uint32_t century = two_digits(at), year = two_digits(at + 2);
    uint32_t month = two_digits(at + 5), day = two_digits(at + 8);
    return at[4] == '-' && at[7] == '-' && century < 100 && year < 100 && century + year > 0 &&
           types_date_from_civil((int32_t)(century * 100 + year), (int32_t)month, (int32_t)day,
                                 days);
}

static bool put_date(const copy_column *self, base_text text, vector *to, uint32_t row)
{
    (void)self;
    return text.length == 10 && read_date(text.data, &((int32_t *)to->data)[row]);
}

/* 2024-01-31 12:30:00, perhaps with a fraction. */
static bool put_timestamp(const copy_column *self, base_text text, vector *to, uint32_t row)
{
    int32_t days;
    (void)self;
    if (text.length < 19 || text.length > 26 || !read_date(text.data, &days))
        return false;
    const char *time = text.data + 10;
    uint32_t hour = two_digits(time + 1), minute = two_digits(time + 4);
    uint32_t second = two_digits(time + 7);
    if ((time[0] != ' ' && time[0] != 'T') || time[3] != ':' || time[6] != ':' || hour > 23 ||
        minute > 59 || second > 59 || text.length == 20)
        return false;
    int64_t fraction = 0;
    for (size_t i = 20; i < 26 && text.length > 19; i++) {
        uint32_t digit = i < text.length ? (uint32_t)(unsigned char)text.data[i] - '0' : 0;
        if (digit > 9 || text.data[19] != '.')
            return false;
        fraction = fraction * 10 + digit;
    }
    int64_t seconds = ((int64_t)days * 24 + hour) * 3600 + minute * 60 + second;
    ((int64_t *)to->data)[row] = seconds * 1000000 + fraction;
    return true;
}

static bool put_otherwise(const copy_column *self, base_text text, vector *to, uint32_t row)
{
    (void)self, (void)text, (void)to, (void)row;
    return false;
}

void session_copy_column_init(copy_column *column, base_text name, types_type type)
{
    *column = (copy_column){.name = name, .type = type, .put = put_otherwise};
    switch ((types_kind)type.kind) {
    case TYPES_TINYINT:
        column->put = put_int8;
        break;
    case TYPES_SMALLINT:
        column->put = put_int16;
        break;
    case TYPES_INT4:
        column->put = put_int32;
        break;
    case TYPES_INTEGER:
        column->put = put_int64;
        break;
    case TYPES_DECIMAL:
        if (type.precision > TYPES_DECIMAL_MAX_INT64)
            break;
        column->limit = (int64_t)types_power_of_ten(type.precision);
        column->put = put_decimal64;
        break;
    case TYPES_DATE:
        column->put = put_date;
        break;
    case TYPES_TIMESTAMP:
        column->put = put_timestamp;
        break;
    default:
        break;
    }
}

/* As types_string_of; bytes behind the text's end are there to be read (COPY_PADDING). */
static inline types_string string_of(base_text text)
{
    types_string string;
    string.length = (uint32_t)text.length;
    uint64_t head = base_load_u64(text.data);
    uint32_t tail = base_load_u32(text.data + 8);
    if (text.length > TYPES_STRING_INLINE) {
        memcpy(string.far.prefix, text.data, sizeof string.far.prefix);
        string.far.pointer = text.data;
        return string;
    }
    head &= text.length < 8 ? (UINT64_C(1) << (8 * text.length)) - 1 : UINT64_MAX;
    tail &= text.length < 8 ? 0 : (uint32_t)((UINT64_C(1) << (8 * (text.length - 8))) - 1);
    base_store_u64(string.inlined, head);
    base_store_u32(string.inlined + 8, tail);
    return string;
}

static base_status put_text(base_text text, bool ascii, vector *to, uint32_t row, base_error *error)
{
    if (text.length > UINT32_MAX)
        return base_error_set(error, BASE_STRING_TOO_LONG, "text is longer than 4 GiB");
    if (!ascii) {
        size_t valid = types_utf8_valid_prefix(text.data, text.length);
        if (valid != text.length)
            return base_error_set(error, BASE_INVALID_ENCODING,
                                  "invalid UTF-8 byte 0x%02x at offset %zu",
                                  (unsigned)(unsigned char)text.data[valid], valid);
    }
    ((types_string *)to->data)[row] = string_of(text);
    return BASE_OK;
}

/* The value that an unusual spelling stands for. */
static base_status put_parsed(const copy_column *column, base_text text, vector *to, uint32_t row,
                              base_arena *heap, base_error *error)
{
    types_value value;
    RETURN_IF_ERROR(types_parse(text, column->type, heap, &value, error));
    if (value.is_null)
        vector_set_null(to, row);
    else
        vector_put(to, row, &value);
    return BASE_OK;
}

base_status session_copy_put(const copy_column *column, const copy_options *options,
                             const copy_field *field, bool ascii, vector *to, uint32_t row,
                             base_arena *heap, base_error *error)
{
    base_text text = field->text;
    if (!field->quoted && text.length == options->null_text.length &&
        memcmp(text.data, options->null_text.data, text.length) == 0) {
        vector_set_null(to, row);
        return BASE_OK;
    }
    if (field->escaped) {
        char *plain = base_arena_allocate_zeroed(heap, text.length + COPY_PADDING);
        if (!plain)
            return base_error_no_memory(error);
        text = (base_text){plain, session_copy_unescape(options, text, plain)};
    }
    if (column->type.kind == TYPES_TEXT)
        return put_text(text, ascii, to, row, error);
    if (column->put(column, text, to, row))
        return BASE_OK;
    return put_parsed(column, text, to, row, heap, error);
}
