/*
 * types_int.h - what the files of this room share.
 */
#ifndef TYPES_TYPES_INT_H
#define TYPES_TYPES_INT_H

#include "types/types.h"

enum {
    /* DECIMAL without arguments. */
    TYPES_DECIMAL_DEFAULT_SCALE = 10,
    /* VARCHAR(n), as in PostgreSQL. */
    TYPES_MAX_TEXT_LENGTH = 10485760,
};

/* What one digit-by-digit reading of a number found: (-1)^negative * digits * 10^exponent. */
typedef struct types_digits {
    bool negative;
    bool has_point;
    bool has_exponent;
    uint128_t digits;      /* the first 38 significant digits */
    uint32_t digit_count;  /* of `digits`, leading zeros not counted */
    int32_t exponent;      /* power of ten of the last digit of `digits` */
    uint32_t dropped;      /* significant digits after the 38th */
    bool dropped_not_zero; /* one of them is not 0 */
    uint8_t first_dropped; /* the 39th digit */
    base_text significand; /* the digits as written, for exact conversion */
} types_digits;

/* Scans [+-]digits[.digits][e[+-]digits] at the start of `text`; returns the bytes used, 0
 * when there is no number. Underscores between digits are allowed as in PostgreSQL. */
size_t types_scan_number(base_text text, types_digits *number);

/* The double nearest to the number (ties to even); infinite when out of range. */
double types_digits_to_double(const types_digits *number);
float types_digits_to_float(const types_digits *number);
/* Exact or rounded half away from zero to `scale`. False: more than 38 digits. */
BASE_MUST_USE bool types_digits_to_decimal(const types_digits *number, uint32_t scale,
                                           int128_t *result);

/* Shortest text that reads back as the same value; at most 32 bytes, returns the length. */
enum {
    TYPES_FLOAT_TEXT_SIZE = 32,
    TYPES_INT128_TEXT_SIZE = 48,
    TYPES_TIME_TEXT_SIZE = 64,
    TYPES_INTERVAL_TEXT_SIZE = 128,
};
size_t types_format_double(double value, char buffer[TYPES_FLOAT_TEXT_SIZE]);
size_t types_format_float(float value, char buffer[TYPES_FLOAT_TEXT_SIZE]);
size_t types_format_int64(int64_t value, char *buffer);
size_t types_format_uint64(uint64_t value, char *buffer);

/* Text to value of one type; `text` has no outer blanks. INVALID_DATETIME when it is no
 * such text, DATETIME_OVERFLOW when a field or the value is out of range. */
base_status types_parse_date(base_text text, int32_t *days, base_error *error);
base_status types_parse_time(base_text text, int64_t *microseconds, base_error *error);
base_status types_parse_timestamp(base_text text, int64_t *microseconds, base_error *error);
base_status types_parse_interval(base_text text, types_interval *interval, base_error *error);

/* The number of a signed integer type, the unscaled number of a DECIMAL, in any form. */
int64_t types_integer_of(types_type type, const types_cell *cell);
int128_t types_decimal_of(types_type type, const types_cell *cell);

/* Stores a number into a cell of an integer or DECIMAL type. False: it does not fit. */
BASE_MUST_USE bool types_store_integer(int128_t number, types_type type, types_cell *cell);
BASE_MUST_USE bool types_store_decimal(int128_t number, types_type type, types_cell *cell);

/* Blanks, tabs and line ends at both ends go. */
base_text types_trim(base_text text);

BASE_INLINE bool types_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
BASE_INLINE bool types_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
BASE_INLINE bool types_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

#endif
