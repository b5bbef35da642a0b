/*
 * types.h - the values of SQL: logical types, their physical forms, arithmetic beyond the
 * machine's, text form and conversion.
 *
 * A logical type says what a value means; its physical form is how it lies in vectors, hot
 * leaves and volumes. Several logical types share one form, so kernels and codecs are
 * stamped for nine forms, not for twenty types.
 *
 * Semantics are PostgreSQL's with the exceptions listed in docs/ (integer division
 * truncates, x / 0 is NULL, text compares by bytes).
 */
#ifndef TYPES_TYPES_H
#define TYPES_TYPES_H

#include "base/base.h"

/* ---- Types ------------------------------------------------------------------------- */

/* X(NAME, number in files, physical form, SQL name) - numbers are a promise of the format. */
#define TYPES_KIND_LIST(X)                                                                         \
    X(NULL, 0, BOOL, "NULL") /* the type of a bare NULL literal */                                 \
    X(BOOLEAN, 1, BOOL, "BOOLEAN")                                                                 \
    X(TINYINT, 2, INT8, "TINYINT")                                                                 \
    X(SMALLINT, 3, INT16, "SMALLINT")                                                              \
    X(INT4, 4, INT32, "INT4")                                                                      \
    X(INTEGER, 5, INT64, "INTEGER")                                                                \
    X(UBIGINT, 6, UINT64, "UBIGINT")                                                               \
    X(FLOAT4, 7, FLOAT32, "FLOAT4")                                                                \
    X(FLOAT, 8, FLOAT64, "FLOAT")                                                                  \
    X(DECIMAL, 9, DECIMAL, "DECIMAL") /* INT64 to 18 digits, INT128 to 38 */                       \
    X(TEXT, 10, STRING, "TEXT")                                                                    \
    X(BLOB, 11, STRING, "BLOB")                                                                    \
    X(DATE, 12, INT32, "DATE")           /* days since 1970-01-01 */                               \
    X(TIME, 13, INT64, "TIME")           /* microseconds since midnight */                         \
    X(TIMESTAMP, 14, INT64, "TIMESTAMP") /* microseconds since 1970-01-01 00:00 */                 \
    X(INTERVAL, 15, INTERVAL, "INTERVAL")                                                          \
    X(UNKNOWN, 16, STRING, "UNKNOWN") /* a quoted literal or parameter not yet typed */

typedef enum types_kind {
#define TYPES_KIND_ENUM(name, number, form, sql) TYPES_##name = number,
    TYPES_KIND_LIST(TYPES_KIND_ENUM)
#undef TYPES_KIND_ENUM
    TYPES_KIND_COUNT
} types_kind;

typedef struct types_type {
    uint8_t kind;      /* types_kind */
    uint8_t precision; /* DECIMAL: 1..38; else 0 */
    uint8_t scale;     /* DECIMAL: 0..precision; else 0 */
    uint8_t flags;     /* 0 */
    uint32_t length;   /* VARCHAR(n): n, kept and reported; 0: none */
} types_type;

#define TYPES_OF(KIND) ((types_type){.kind = TYPES_##KIND})
#define TYPES_DECIMAL_OF(p, s)                                                                     \
    ((types_type){.kind = TYPES_DECIMAL, .precision = (uint8_t)(p), .scale = (uint8_t)(s)})

enum {
    TYPES_DECIMAL_MAX_PRECISION = 38,
    TYPES_DECIMAL_MAX_INT64 = 18, /* digits that fit the 64-bit form */
};

/* X(NAME, C type, size) - the physical forms. */
#define TYPES_FORM_LIST(X)                                                                         \
    X(BOOL, uint8_t, 1)                                                                            \
    X(INT8, int8_t, 1)                                                                             \
    X(INT16, int16_t, 2)                                                                           \
    X(INT32, int32_t, 4)                                                                           \
    X(INT64, int64_t, 8)                                                                           \
    X(UINT64, uint64_t, 8)                                                                         \
    X(INT128, int128_t, 16)                                                                        \
    X(FLOAT32, float, 4)                                                                           \
    X(FLOAT64, double, 8)                                                                          \
    X(STRING, types_string, 16)                                                                    \
    X(INTERVAL, types_interval, 16)

typedef enum types_form {
#define TYPES_FORM_ENUM(name, ctype, size) TYPES_FORM_##name,
    TYPES_FORM_LIST(TYPES_FORM_ENUM)
#undef TYPES_FORM_ENUM
    TYPES_FORM_COUNT
} types_form;

types_form types_form_of(types_type type);
BASE_INLINE uint32_t types_form_size(types_form form)
{
    static const uint8_t sizes[TYPES_FORM_COUNT] = {1, 1, 2, 4, 8, 8, 16, 4, 8, 16, 16};
    return sizes[form];
}
bool types_equal(types_type a, types_type b); /* kind, precision, scale; not length */
bool types_is_valid(types_type type);         /* what a file says may not be a type */
bool types_is_integer(types_type type);       /* TINYINT .. UBIGINT */
bool types_is_numeric(types_type type);       /* integers, DECIMAL, FLOAT4, FLOAT */
/* "DECIMAL(15,2)", "VARCHAR(10)"; at most 32 bytes with the NUL. Returns `buffer`. */
enum {
    TYPES_NAME_SIZE = 32
};
const char *types_name(types_type type, char buffer[TYPES_NAME_SIZE]);
/* Resolves a type's SQL name (aliases of PostgreSQL, SQLite, MySQL, ...: "int8",
 * "double precision", "varchar") and its 0-2 arguments. False if there is no such type;
 * out-of-range arguments are an error. Unknown names follow SQLite's habit nowhere: they
 * are refused. */
base_status types_from_name(base_text name, const int64_t *arguments, uint32_t argument_count,
                            types_type *type, base_error *error);

/* ---- Physical forms ---------------------------------------------------------------- */

/* 16 bytes: up to 12 bytes inline, longer ones with a 4-byte prefix and a pointer. Unused
 * inline bytes are zero, so that two inline strings compare by their 16 bytes. */
typedef struct types_string {
    uint32_t length;
    union {
        char inlined[12];
        struct __attribute__((packed)) {
            char prefix[4];
            const char *pointer;
        } far;
    };
} types_string;

enum {
    TYPES_STRING_INLINE = 12
};

typedef struct types_interval {
    int32_t months;
    int32_t days;
    int64_t microseconds;
} types_interval;

_Static_assert(sizeof(types_string) == 16, "string views are 16 bytes");
_Static_assert(sizeof(types_interval) == 16, "intervals are 16 bytes");

/* The view of `data`: copies up to 12 bytes, else points to it. */
BASE_INLINE types_string types_string_of(const char *data, size_t length)
{
    types_string string;
    memset(&string, 0, sizeof string);
    string.length = (uint32_t)length;
    if (length <= TYPES_STRING_INLINE) {
        if (length)
            memcpy(string.inlined, data, length);
    } else {
        memcpy(string.far.prefix, data, 4);
        string.far.pointer = data;
    }
    return string;
}
BASE_INLINE const char *types_string_data(const types_string *string)
{
    return string->length <= TYPES_STRING_INLINE ? string->inlined : string->far.pointer;
}
BASE_INLINE bool types_string_equal(const types_string *a, const types_string *b)
{
    uint64_t first_a, first_b;
    memcpy(&first_a, a, 8);
    memcpy(&first_b, b, 8);
    if (first_a != first_b) /* length and first four bytes */
        return false;
    if (a->length <= TYPES_STRING_INLINE)
        return memcmp((const char *)a + 8, (const char *)b + 8, 8) == 0;
    return memcmp(a->far.pointer, b->far.pointer, a->length) == 0;
}
int types_string_compare(const types_string *a, const types_string *b); /* by bytes */

/* One value of any form, untagged: what the tuple path and index keys pass around. */
typedef union types_cell {
    uint8_t boolean;
    int8_t int8;
    int16_t int16;
    int32_t int32;
    int64_t int64;
    uint64_t uint64;
    int128_t int128;
    float float32;
    double float64;
    types_string string;
    types_interval interval;
} types_cell;
_Static_assert(sizeof(types_cell) == 16, "cells are 16 bytes");

/* One typed value: literals, parameters, results by row. Text and blob bytes belong to
 * whoever made the value. */
typedef struct types_value {
    types_type type;
    bool is_null;
    types_cell cell;
} types_value;

BASE_INLINE types_value types_null_of(types_type type)
{
    types_value value;
    memset(&value, 0, sizeof value);
    value.type = type;
    value.is_null = true;
    return value;
}

/* Total order within one form, the order of ORDER BY and of indexes: NaN is largest and
 * equal to itself, -0 equals 0. <0, 0, >0. */
int types_cell_compare(types_form form, const types_cell *a, const types_cell *b);
/* Equal cells hash alike. */
uint64_t types_cell_hash(types_form form, const types_cell *cell);

/* ---- Decimals ---------------------------------------------------------------------- */

/* 10^n for n in 0..38. */
int128_t types_power_of_ten(uint32_t exponent);
/* Multiplies or divides by powers of ten, rounding half away from zero. False: overflow. */
BASE_MUST_USE bool types_decimal_rescale(int128_t value, uint32_t from_scale, uint32_t to_scale,
                                         int128_t *result);
/* |value| < 10^precision */
bool types_decimal_fits(int128_t value, uint32_t precision);
/* Types of a result, PostgreSQL-like, capped at 38 digits: a+b, a*b, a/b. */
types_type types_decimal_add_type(types_type a, types_type b);
types_type types_decimal_multiply_type(types_type a, types_type b);
types_type types_decimal_divide_type(types_type a, types_type b);
double types_decimal_to_double(int128_t value, uint32_t scale);
BASE_MUST_USE bool types_decimal_from_double(double value, types_type type, int128_t *result);
/* The decimal type that holds every value of an integer type exactly. */
types_type types_decimal_of_integer(types_type integer);

/* ---- Dates and times ---------------------------------------------------------------- */

typedef struct types_civil {
    int32_t year; /* astronomical: 0 is 1 BC */
    int32_t month, day, hour, minute, second, microsecond;
} types_civil;

#define TYPES_MICROSECONDS_PER_DAY INT64_C(86400000000)
/* 4714-11-24 BC .. 294246-12-31: the years that microseconds from 1970 reach in 64 bits.
 * Dates have the same range, so that DATE to TIMESTAMP never fails. */
#define TYPES_DATE_MIN (-2440588)
#define TYPES_DATE_MAX 106751981
#define TYPES_TIMESTAMP_MIN (TYPES_DATE_MIN * TYPES_MICROSECONDS_PER_DAY)
#define TYPES_TIMESTAMP_MAX ((TYPES_DATE_MAX + 1) * TYPES_MICROSECONDS_PER_DAY - 1)
/* Values from outside (the host's, a file's) are checked before they are calculated with. */
bool types_is_date(int32_t days);
bool types_is_time(int64_t microseconds); /* 0 .. 24:00:00 */
bool types_is_timestamp(int64_t microseconds);
uint32_t types_days_in_month(int32_t year, int32_t month); /* month 1..12 */
bool types_date_from_civil(int32_t year, int32_t month, int32_t day, int32_t *days);
void types_civil_from_date(int32_t days, types_civil *civil);
void types_civil_from_timestamp(int64_t microseconds, types_civil *civil);
/* The time of day, 0 .. 24:00:00, into hour .. microsecond; what lies outside wraps. */
void types_civil_time(int64_t microseconds, types_civil *civil);
/* The day that a timestamp lies in. */
int32_t types_timestamp_day(int64_t microseconds);
/* Calendar-aware: months first (clamped to the month's end), then days, then time. */
base_status types_timestamp_add(int64_t timestamp, types_interval interval, int64_t *result,
                                base_error *error);
/* Days and microseconds normalised to PostgreSQL's reading (30-day months, 24-hour days). */
int types_interval_compare(types_interval a, types_interval b);

/* EXTRACT's and DATE_TRUNC's fields. */
typedef enum types_field {
    TYPES_FIELD_YEAR,
    TYPES_FIELD_MONTH,
    TYPES_FIELD_DAY,
    TYPES_FIELD_HOUR,
    TYPES_FIELD_MINUTE,
    TYPES_FIELD_SECOND,
    TYPES_FIELD_MILLISECOND,
    TYPES_FIELD_MICROSECOND,
    TYPES_FIELD_QUARTER,
    TYPES_FIELD_WEEK,
    TYPES_FIELD_DOW,
    TYPES_FIELD_ISODOW,
    TYPES_FIELD_DOY,
    TYPES_FIELD_EPOCH,
    TYPES_FIELD_CENTURY,
    TYPES_FIELD_DECADE,
    TYPES_FIELD_MILLENNIUM,
    TYPES_FIELD_ISOYEAR,
} types_field;
bool types_field_from_name(base_text name, types_field *field);
/* Timestamp or date (as its midnight); seconds keep their fraction, hence a double. */
double types_timestamp_extract(int64_t timestamp, types_field field);
double types_time_extract(int64_t microseconds, types_field field);
/* The fields of a calendar day (YEAR .. DAY, QUARTER .. ISOYEAR): whole numbers. */
int64_t types_date_field(int32_t days, types_field field);
double types_interval_extract(types_interval interval, types_field field);
int64_t types_timestamp_truncate(int64_t timestamp, types_field field);

/* ---- Text form and conversion ------------------------------------------------------- */

/* Appends the value's SQL text form ("3.5", "true", "2024-01-31", "1 day 02:00:00"): the
 * form that CAST(x AS TEXT) gives. Floats print their shortest round-trip form. */
void types_format(const types_value *value, base_buffer *buffer);
/* The literal that yields the value again ("NULL", "'it''s'", "DATE '2024-01-31'"). */
void types_format_literal(const types_value *value, base_buffer *buffer);
/* Parses `text` as `type`; leading and trailing blanks are allowed but for TEXT and BLOB.
 * Strings point to `text` or, when longer than inline and changed, into `arena`. */
base_status types_parse(base_text text, types_type type, base_arena *arena, types_value *value,
                        base_error *error);
/* A number as the lexer found it: INTEGER if it fits, else DECIMAL up to 38 digits, else
 * FLOAT; with exponent FLOAT. */
base_status types_parse_number(base_text text, types_value *value, base_error *error);

/*
 * Which casts exist. IMPLICIT ones are inserted wherever an operator or function needs
 * them, ASSIGNMENT ones also when storing into a column, EXPLICIT ones only by CAST.
 */
typedef enum types_cast_level {
    TYPES_CAST_NONE,
    TYPES_CAST_EXPLICIT,
    TYPES_CAST_ASSIGNMENT,
    TYPES_CAST_IMPLICIT,
} types_cast_level;
types_cast_level types_cast_level_of(types_type from, types_type to);
/* The smallest type that both convert to implicitly (UNION, CASE, comparison, IN). False:
 * none. NULL and UNKNOWN take the other's type; both UNKNOWN give TEXT. */
bool types_common(types_type a, types_type b, types_type *common);
/* Converts one value; text results longer than inline go into `arena`. Out-of-range values
 * and unparsable text are errors. */
base_status types_cast(const types_value *value, types_type to, base_arena *arena,
                       types_value *result, base_error *error);

/* ---- UTF-8 --------------------------------------------------------------------------- */

/* Length of the longest valid prefix; == length when all is valid. */
size_t types_utf8_valid_prefix(const char *data, size_t length);
size_t types_utf8_count(const char *data, size_t length); /* characters */
/* Byte offset of character `index`, or `length` when there are fewer. */
size_t types_utf8_offset(const char *data, size_t length, size_t index);
/* One code point; returns its bytes (1..4), 1 with U+FFFD for a bad byte. */
uint32_t types_utf8_decode(const char *data, size_t length, uint32_t *code_point);
uint32_t types_utf8_encode(uint32_t code_point, char bytes[4]);

#endif
