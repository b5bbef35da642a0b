/*
 * number.c - numbers as text: scanning digits, and exact conversion to integer and decimal.
 *
 * One scanner serves literals of the lexer, casts from text and COPY; what it finds is
 * turned into the wanted type afterwards, so each type rounds once. The first 38
 * significant digits are kept as an integer, the rest as "how many, and any not zero":
 * enough for decimals; doubles read the significand's text again when they need more.
 *
 * Independent of the locale: libc's number functions are not used.
 */
#include "types/types_int.h"

base_text types_trim(base_text text)
{
    while (text.length && types_is_blank(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length && types_is_blank(text.data[text.length - 1]))
        text.length--;
    return text;
}

static void take_digit(types_digits *number, uint32_t digit, bool after_point)
{
    if (number->digit_count == 0 && digit == 0) { /* a leading zero */
        number->exponent -= after_point;
        return;
    }
    if (number->digit_count < TYPES_DECIMAL_MAX_PRECISION) {
        number->digits = number->digits * 10 + digit;
        number->digit_count++;
        number->exponent -= after_point;
        return;
    }
    if (number->dropped == 0)
        number->first_dropped = (uint8_t)digit;
    number->dropped++;
    number->dropped_not_zero |= digit != 0;
    number->exponent += !after_point;
}

/* Digits with single underscores between them; returns where they end. */
static size_t take_digits(base_text text, size_t at, bool after_point, types_digits *number)
{
    while (at < text.length) {
        if (types_is_digit(text.data[at])) {
            take_digit(number, (uint32_t)(text.data[at] - '0'), after_point);
            at++;
        } else if (text.data[at] == '_' && at > 0 && types_is_digit(text.data[at - 1]) &&
                   at + 1 < text.length && types_is_digit(text.data[at + 1])) {
            at++;
        } else {
            break;
        }
    }
    return at;
}

/* e[+-]digits at `at`; returns where it ends, `at` itself when there is none. */
static size_t take_exponent(base_text text, size_t at, types_digits *number)
{
    size_t start = at;
    if (at >= text.length || (text.data[at] | 0x20) != 'e')
        return start;
    at++;
    bool negative = at < text.length && text.data[at] == '-';
    if (at < text.length && (text.data[at] == '-' || text.data[at] == '+'))
        at++;
    if (at >= text.length || !types_is_digit(text.data[at]))
        return start;
    int32_t exponent = 0;
    for (; at < text.length && types_is_digit(text.data[at]); at++) {
        if (exponent < 100000000) /* far beyond any type; no overflow when it is added */
            exponent = exponent * 10 + (text.data[at] - '0');
    }
    number->has_exponent = true;
    number->exponent += negative ? -exponent : exponent;
    return at;
}

size_t types_scan_number(base_text text, types_digits *number)
{
    enum {
        LONGEST = 1 << 20
    }; /* keeps the exponent within 32 bits */
    memset(number, 0, sizeof *number);
    text.length = BASE_MIN(text.length, (size_t)LONGEST);
    size_t at = 0;
    if (at < text.length && (text.data[at] == '-' || text.data[at] == '+'))
        number->negative = text.data[at++] == '-';
    size_t start = at;
    at = take_digits(text, at, false, number);
    bool any = at > start;
    if (at < text.length && text.data[at] == '.') {
        size_t fraction = at + 1;
        size_t end = take_digits(text, fraction, true, number);
        if (!any && end == fraction)
            return 0;
        any = true;
        number->has_point = true;
        at = end;
    }
    if (!any)
        return 0;
    number->significand = (base_text){text.data + start, at - start};
    return take_exponent(text, at, number);
}

bool types_digits_to_decimal(const types_digits *number, uint32_t scale, int128_t *result)
{
    *result = 0;
    if (number->digit_count == 0)
        return true;
    /* Digits that the result has before rounding: more than 38 never fit. */
    int64_t shift = (int64_t)number->exponent + scale;
    if (shift >= 0) {
        if ((int64_t)number->digit_count + shift > TYPES_DECIMAL_MAX_PRECISION)
            return false;
        int128_t value = (int128_t)number->digits;
        bool round_up = number->dropped && shift == 0 && number->first_dropped >= 5;
        if (shift == 0 && round_up)
            value++;
        else
            value *= types_power_of_ten((uint32_t)shift);
        if (!types_decimal_fits(value, TYPES_DECIMAL_MAX_PRECISION))
            return false;
        *result = number->negative ? -value : value;
        return true;
    }
    if (-shift > TYPES_DECIMAL_MAX_PRECISION)
        return true; /* rounds to zero */
    int128_t divisor = types_power_of_ten((uint32_t)-shift);
    int128_t value = (int128_t)number->digits;
    int128_t quotient = value / divisor, rest = value % divisor;
    if (rest >= divisor - rest) /* dropped digits lie below: they cannot undo a half */
        quotient++;
    *result = number->negative ? -quotient : quotient;
    return true;
}

/* 0x1F, 0o17, 0b101 as in PostgreSQL 16: INTEGER, or DECIMAL where that is too small. */
static base_status parse_based(base_text text, uint32_t base, types_value *value, base_error *error)
{
    uint128_t number = 0;
    bool any = false;
    for (size_t i = 2; i < text.length; i++) {
        char c = text.data[i];
        uint32_t digit = base;
        if (types_is_digit(c))
            digit = (uint32_t)(c - '0');
        else if (types_is_letter(c))
            digit = (uint32_t)((c | 0x20) - 'a') + 10;
        else if (c == '_' && any && i + 1 < text.length)
            continue;
        if (digit >= base) {
            return base_error_set(error, BASE_INVALID_TEXT, "invalid number \"%.*s\"",
                                  BASE_TEXT_ARGUMENTS(text));
        }
        if (number >> 120) {
            return base_error_set(error, BASE_OUT_OF_RANGE, "number \"%.*s\" is too large",
                                  BASE_TEXT_ARGUMENTS(text));
        }
        number = number * base + digit;
        any = true;
    }
    if (!any) {
        return base_error_set(error, BASE_INVALID_TEXT, "invalid number \"%.*s\"",
                              BASE_TEXT_ARGUMENTS(text));
    }
    if (number <= INT64_MAX) {
        value->type = TYPES_OF(INTEGER);
        value->cell.int64 = (int64_t)number;
    } else {
        value->type = TYPES_DECIMAL_OF(38, 0); /* 2^120 < 10^38 */
        value->cell.int128 = (int128_t)number;
    }
    return BASE_OK;
}

/* A number with a point or beyond 64 bits. */
static base_status decimal_literal(const types_digits *number, types_value *value,
                                   base_error *error)
{
    uint32_t scale = number->exponent < 0 ? (uint32_t)-number->exponent : 0;
    uint32_t digits = number->digit_count;
    if (number->exponent > 0)
        digits += (uint32_t)number->exponent;
    uint32_t precision = BASE_MAX(BASE_MAX(digits, scale), 1u);
    int128_t exact;
    if (number->dropped == 0 && precision <= TYPES_DECIMAL_MAX_PRECISION &&
        types_digits_to_decimal(number, scale, &exact)) {
        value->type = TYPES_DECIMAL_OF(precision, scale);
        if (precision <= TYPES_DECIMAL_MAX_INT64)
            value->cell.int64 = (int64_t)exact;
        else
            value->cell.int128 = exact;
        return BASE_OK;
    }
    value->type = TYPES_OF(FLOAT);
    value->cell.float64 = types_digits_to_double(number);
    if (isinf(value->cell.float64))
        return base_error_set(error, BASE_OUT_OF_RANGE, "number is out of range for FLOAT");
    return BASE_OK;
}

base_status types_parse_number(base_text text, types_value *value, base_error *error)
{
    memset(value, 0, sizeof *value);
    if (text.length > 1 && text.data[0] == '0') {
        char kind = (char)(text.data[1] | 0x20);
        if (kind == 'x' || kind == 'o' || kind == 'b')
            return parse_based(text, kind == 'x' ? 16 : kind == 'o' ? 8 : 2, value, error);
    }
    types_digits number;
    size_t used = types_scan_number(text, &number);
    if (used == 0 || used != text.length) {
        return base_error_set(error, BASE_INVALID_TEXT, "invalid number \"%.*s\"",
                              BASE_TEXT_ARGUMENTS(text));
    }
    if (number.has_exponent) {
        value->type = TYPES_OF(FLOAT);
        value->cell.float64 = types_digits_to_double(&number);
        if (isinf(value->cell.float64)) {
            return base_error_set(error, BASE_OUT_OF_RANGE, "\"%.*s\" is out of range for FLOAT",
                                  BASE_TEXT_ARGUMENTS(text));
        }
        return BASE_OK;
    }
    uint128_t limit = (uint128_t)INT64_MAX + number.negative;
    if (!number.has_point && number.dropped == 0 && number.digits <= limit) {
        value->type = TYPES_OF(INTEGER);
        /* Through the unsigned type: -(2^63) has no positive counterpart. */
        uint64_t magnitude = (uint64_t)number.digits;
        value->cell.int64 = (int64_t)(number.negative ? 0 - magnitude : magnitude);
        return BASE_OK;
    }
    return decimal_literal(&number, value, error);
}
