/*
 * parse.c - text to a value of a given type: casts from text, typed literals, COPY.
 *
 * Outer blanks are allowed except for TEXT and BLOB, as in PostgreSQL. Text that is no value
 * of the type is BASE_INVALID_TEXT (22P02) or, for dates and times, BASE_INVALID_DATETIME
 * (22007); a value that the type cannot hold is BASE_OUT_OF_RANGE (22003).
 */
#include "types/types_int.h"

enum {
    SHOWN = 100 /* bytes of bad input in a message */
};

static base_status invalid(base_text text, types_type type, base_error *error)
{
    char name[TYPES_NAME_SIZE];
    return base_error_set(error, BASE_INVALID_TEXT, "invalid input for type %s: \"%.*s\"",
                          types_name(type, name), (int)BASE_MIN(text.length, (size_t)SHOWN),
                          text.data);
}

static base_status too_large(base_text text, types_type type, base_error *error)
{
    char name[TYPES_NAME_SIZE];
    return base_error_set(error, BASE_OUT_OF_RANGE, "value \"%.*s\" is out of range for type %s",
                          (int)BASE_MIN(text.length, (size_t)SHOWN), text.data,
                          types_name(type, name));
}

/* Any prefix of true, false, yes, no that tells them apart; on, off, of; 1, 0. */
static base_status parse_boolean(base_text text, types_value *value, base_error *error)
{
    static const struct {
        const char *word;
        uint8_t shortest;
        bool truth;
    } words[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                 {"on", 2, true},   {"off", 2, false},   {"1", 1, true},   {"0", 1, false}};
    for (size_t i = 0; i < BASE_COUNT_OF(words); i++) {
        base_text word = base_text_of(words[i].word);
        if (text.length < words[i].shortest || text.length > word.length)
            continue;
        word.length = text.length;
        if (base_text_equal_folded(text, word)) {
            value->cell.boolean = words[i].truth;
            return BASE_OK;
        }
    }
    return invalid(text, value->type, error);
}

bool types_store_integer(int128_t number, types_type type, types_cell *cell)
{
    switch ((types_kind)type.kind) {
    case TYPES_TINYINT:
        cell->int8 = (int8_t)number;
        return number >= INT8_MIN && number <= INT8_MAX;
    case TYPES_SMALLINT:
        cell->int16 = (int16_t)number;
        return number >= INT16_MIN && number <= INT16_MAX;
    case TYPES_INT4:
        cell->int32 = (int32_t)number;
        return number >= INT32_MIN && number <= INT32_MAX;
    case TYPES_UBIGINT:
        cell->uint64 = (uint64_t)number;
        return number >= 0 && number <= UINT64_MAX;
    default:
        cell->int64 = (int64_t)number;
        return number >= INT64_MIN && number <= INT64_MAX;
    }
}

bool types_store_decimal(int128_t number, types_type type, types_cell *cell)
{
    if (!types_decimal_fits(number, type.precision))
        return false;
    if (type.precision <= TYPES_DECIMAL_MAX_INT64)
        cell->int64 = (int64_t)number;
    else
        cell->int128 = number;
    return true;
}

/* The common case of files: an optional minus, at most 18 digits, perhaps a point among them.
 * False: not of that shape, which says nothing about validity. */
static bool read_short_number(base_text text, int64_t *digits, uint32_t *scale)
{
    size_t at = text.length && text.data[0] == '-';
    size_t count = text.length - at, point = SIZE_MAX;
    if (count == 0 || count > TYPES_DECIMAL_MAX_INT64)
        return false;
    int64_t number = 0;
    for (size_t i = at; i < text.length; i++) {
        uint32_t digit = (uint32_t)(uint8_t)text.data[i] - '0';
        if (digit < 10)
            number = number * 10 + digit;
        else if (text.data[i] == '.' && point == SIZE_MAX && count > 1)
            point = i;
        else
            return false;
    }
    *digits = at ? -number : number;
    *scale = point == SIZE_MAX ? 0 : (uint32_t)(text.length - point - 1);
    return true;
}

static base_status parse_integer(base_text text, types_value *value, base_error *error)
{
    int64_t plain;
    uint32_t scale;
    if (read_short_number(text, &plain, &scale) && !memchr(text.data, '.', text.length) &&
        types_store_integer(plain, value->type, &value->cell))
        return BASE_OK;
    types_digits number;
    size_t used = types_scan_number(text, &number);
    if (used != 0 && used == text.length && !number.has_point && !number.has_exponent) {
        int128_t exact;
        if (!types_digits_to_decimal(&number, 0, &exact) ||
            !types_store_integer(exact, value->type, &value->cell))
            return too_large(text, value->type, error);
        return BASE_OK;
    }
    /* 0x1F, 0o17, 0b1 */
    bool negative = text.length && text.data[0] == '-';
    base_text digits = {text.data + negative, text.length - negative};
    types_value based;
    if (digits.length < 3 || digits.data[0] != '0' || types_is_digit(digits.data[1]) ||
        digits.data[1] == '.' || (digits.data[1] | 0x20) == 'e' ||
        types_parse_number(digits, &based, NULL) != BASE_OK)
        return invalid(text, value->type, error);
    int128_t exact =
        based.type.kind == TYPES_INTEGER ? (int128_t)based.cell.int64 : based.cell.int128;
    if (!types_store_integer(negative ? -exact : exact, value->type, &value->cell))
        return too_large(text, value->type, error);
    return BASE_OK;
}

static base_status parse_decimal(base_text text, types_value *value, base_error *error)
{
    int128_t exact;
    int64_t plain;
    uint32_t scale;
    if (read_short_number(text, &plain, &scale) && scale <= value->type.scale &&
        types_decimal_rescale(plain, scale, value->type.scale, &exact) &&
        types_store_decimal(exact, value->type, &value->cell))
        return BASE_OK;
    types_digits number;
    size_t used = types_scan_number(text, &number);
    if (used == 0 || used != text.length)
        return invalid(text, value->type, error);
    if (!types_digits_to_decimal(&number, value->type.scale, &exact) ||
        !types_store_decimal(exact, value->type, &value->cell))
        return too_large(text, value->type, error);
    return BASE_OK;
}

/* inf, infinity, nan with a sign; false when the text is none of them. */
static bool parse_special_float(base_text text, double *number)
{
    bool negative = text.length && text.data[0] == '-';
    if (text.length && (text.data[0] == '-' || text.data[0] == '+')) {
        text.data++;
        text.length--;
    }
    if (base_text_equal_folded(text, BASE_TEXT("nan")))
        *number = (double)NAN;
    else if (base_text_equal_folded(text, BASE_TEXT("inf")) ||
             base_text_equal_folded(text, BASE_TEXT("infinity")))
        *number = negative ? -(double)INFINITY : (double)INFINITY;
    else
        return false;
    return true;
}

static base_status parse_float(base_text text, types_value *value, base_error *error)
{
    types_digits number;
    size_t used = types_scan_number(text, &number);
    bool narrow = value->type.kind == TYPES_FLOAT4;
    if (used == 0 || used != text.length) {
        double special;
        if (!parse_special_float(text, &special))
            return invalid(text, value->type, error);
        if (narrow)
            value->cell.float32 = (float)special;
        else
            value->cell.float64 = special;
        return BASE_OK;
    }
    bool infinite;
    if (narrow) {
        value->cell.float32 = types_digits_to_float(&number);
        infinite = isinf(value->cell.float32);
    } else {
        value->cell.float64 = types_digits_to_double(&number);
        infinite = isinf(value->cell.float64);
    }
    return infinite ? too_large(text, value->type, error) : BASE_OK;
}

static int hex_digit(char c)
{
    if (types_is_digit(c))
        return c - '0';
    c = base_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \x and pairs of hex digits; anything else stands for its own bytes. */
static base_status parse_blob(base_text text, base_arena *arena, types_value *value,
                              base_error *error)
{
    if (text.length < 2 || text.data[0] != '\\' || (text.data[1] | 0x20) != 'x') {
        value->cell.string = types_string_of(text.data, text.length);
        return BASE_OK;
    }
    size_t length = (text.length - 2) / 2;
    char small[TYPES_STRING_INLINE];
    char *bytes = length <= TYPES_STRING_INLINE ? small : base_arena_allocate(arena, length);
    if (!bytes)
        return base_error_no_memory(error);
    if (text.length % 2)
        return invalid(text, value->type, error);
    for (size_t i = 0; i < length; i++) {
        int high = hex_digit(text.data[2 + 2 * i]), low = hex_digit(text.data[3 + 2 * i]);
        if (high < 0 || low < 0)
            return invalid(text, value->type, error);
        bytes[i] = (char)(high << 4 | low);
    }
    value->cell.string = types_string_of(bytes, length);
    return BASE_OK;
}

static base_status parse_text(base_text text, types_value *value, base_error *error)
{
    size_t valid = types_utf8_valid_prefix(text.data, text.length);
    if (valid != text.length) {
        return base_error_set(error, BASE_INVALID_ENCODING,
                              "invalid UTF-8 byte 0x%02x at offset %zu",
                              (unsigned)(uint8_t)text.data[valid], valid);
    }
    value->cell.string = types_string_of(text.data, text.length);
    return BASE_OK;
}

base_status types_parse(base_text text, types_type type, base_arena *arena, types_value *value,
                        base_error *error)
{
    memset(value, 0, sizeof *value);
    value->type = type;
    if (text.length > UINT32_MAX)
        return base_error_set(error, BASE_STRING_TOO_LONG, "text is longer than 4 GiB");
    if (type.kind == TYPES_TEXT || type.kind == TYPES_UNKNOWN)
        return parse_text(text, value, error);
    if (type.kind == TYPES_BLOB)
        return parse_blob(text, arena, value, error);
    text = types_trim(text);
    switch ((types_kind)type.kind) {
    case TYPES_BOOLEAN:
        return parse_boolean(text, value, error);
    case TYPES_TINYINT:
    case TYPES_SMALLINT:
    case TYPES_INT4:
    case TYPES_INTEGER:
    case TYPES_UBIGINT:
        return parse_integer(text, value, error);
    case TYPES_FLOAT4:
    case TYPES_FLOAT:
        return parse_float(text, value, error);
    case TYPES_DECIMAL:
        return parse_decimal(text, value, error);
    case TYPES_DATE:
        return types_parse_date(text, &value->cell.int32, error);
    case TYPES_TIME:
        return types_parse_time(text, &value->cell.int64, error);
    case TYPES_TIMESTAMP:
        return types_parse_timestamp(text, &value->cell.int64, error);
    case TYPES_INTERVAL:
        return types_parse_interval(text, &value->cell.interval, error);
    default:
        return invalid(text, type, error);
    }
}
