/*
 * cast_rule.c - which conversions exist, and where they may happen unasked.
 *
 * The rules are PostgreSQL's with two exceptions that other embedded engines share: BOOLEAN
 * widens to a number (TRUE = 1), and text may be stored into any column (it is parsed, and
 * refused when it does not parse). A conversion that can lose a value is never IMPLICIT.
 * Rejected: a table of pairs; with DECIMAL's parameters it would not be one.
 */
#include "types/types_int.h"

static bool is_untyped(types_type type)
{
    return type.kind == TYPES_NULL || type.kind == TYPES_UNKNOWN;
}

static uint32_t integer_digits(types_type decimal)
{
    return decimal.precision - decimal.scale;
}

static types_cast_level numeric_level(types_type from, types_type to)
{
    if (to.kind == TYPES_BOOLEAN)
        return TYPES_CAST_ASSIGNMENT;
    if (!types_is_numeric(to))
        return TYPES_CAST_NONE;
    if (to.kind == TYPES_FLOAT)
        return TYPES_CAST_IMPLICIT;
    if (to.kind == TYPES_FLOAT4)
        return from.kind == TYPES_FLOAT ? TYPES_CAST_ASSIGNMENT : TYPES_CAST_IMPLICIT;
    if (from.kind == TYPES_FLOAT || from.kind == TYPES_FLOAT4)
        return TYPES_CAST_ASSIGNMENT;
    if (to.kind == TYPES_DECIMAL) {
        types_type needed = from.kind == TYPES_DECIMAL ? from : types_decimal_of_integer(from);
        bool holds = needed.scale <= to.scale && integer_digits(needed) <= integer_digits(to);
        return holds ? TYPES_CAST_IMPLICIT : TYPES_CAST_ASSIGNMENT;
    }
    if (from.kind == TYPES_DECIMAL)
        return TYPES_CAST_ASSIGNMENT;
    /* Signed integers widen in the order of their kinds; UBIGINT stands apart. */
    bool widens = from.kind < to.kind && to.kind != TYPES_UBIGINT;
    return widens ? TYPES_CAST_IMPLICIT : TYPES_CAST_ASSIGNMENT;
}

types_cast_level types_cast_level_of(types_type from, types_type to)
{
    if (is_untyped(from) || (from.kind == to.kind && from.kind != TYPES_DECIMAL))
        return TYPES_CAST_IMPLICIT;
    if (is_untyped(to))
        return TYPES_CAST_NONE;
    if (from.kind == TYPES_TEXT)
        return TYPES_CAST_ASSIGNMENT;
    if (to.kind == TYPES_TEXT)
        return from.kind == TYPES_BLOB ? TYPES_CAST_EXPLICIT : TYPES_CAST_ASSIGNMENT;
    if (types_is_numeric(from))
        return numeric_level(from, to);
    switch (from.kind) {
    case TYPES_BOOLEAN:
        return types_is_numeric(to) ? TYPES_CAST_IMPLICIT : TYPES_CAST_NONE;
    case TYPES_DATE:
        return to.kind == TYPES_TIMESTAMP ? TYPES_CAST_IMPLICIT : TYPES_CAST_NONE;
    case TYPES_TIMESTAMP:
        return to.kind == TYPES_DATE || to.kind == TYPES_TIME ? TYPES_CAST_ASSIGNMENT
                                                              : TYPES_CAST_NONE;
    case TYPES_TIME:
        return to.kind == TYPES_INTERVAL ? TYPES_CAST_IMPLICIT : TYPES_CAST_NONE;
    case TYPES_INTERVAL:
        return to.kind == TYPES_TIME ? TYPES_CAST_ASSIGNMENT : TYPES_CAST_NONE;
    default:
        return TYPES_CAST_NONE;
    }
}

/* Scale and integer digits of both; when that is more than 38 digits the scale is kept and
 * too large values are refused when they are converted: no silent loss. */
static types_type common_decimal(types_type a, types_type b)
{
    uint32_t scale = BASE_MAX(a.scale, b.scale);
    uint32_t precision = BASE_MAX(integer_digits(a), integer_digits(b)) + scale;
    return TYPES_DECIMAL_OF(BASE_MIN(precision, (uint32_t)TYPES_DECIMAL_MAX_PRECISION), scale);
}

/* TRUE is 1, which DECIMAL(2,2) has no room for. */
static types_type common_boolean(types_type numeric)
{
    return numeric.kind == TYPES_DECIMAL
               ? common_decimal(types_decimal_of_integer(TYPES_OF(BOOLEAN)), numeric)
               : numeric;
}

static types_type common_numeric(types_type a, types_type b)
{
    if (a.kind == TYPES_FLOAT4 && b.kind == TYPES_FLOAT4)
        return a;
    if (a.kind == TYPES_FLOAT || a.kind == TYPES_FLOAT4 || b.kind == TYPES_FLOAT ||
        b.kind == TYPES_FLOAT4)
        return TYPES_OF(FLOAT);
    if (a.kind == TYPES_DECIMAL || b.kind == TYPES_DECIMAL || a.kind == TYPES_UBIGINT ||
        b.kind == TYPES_UBIGINT) {
        if (a.kind == b.kind && a.kind == TYPES_UBIGINT)
            return a;
        if (a.kind != TYPES_DECIMAL)
            a = types_decimal_of_integer(a);
        if (b.kind != TYPES_DECIMAL)
            b = types_decimal_of_integer(b);
        return common_decimal(a, b);
    }
    return (types_type){.kind = BASE_MAX(a.kind, b.kind)};
}

bool types_common(types_type a, types_type b, types_type *common)
{
    if (is_untyped(a) && is_untyped(b)) {
        bool both_null = a.kind == TYPES_NULL && b.kind == TYPES_NULL;
        *common = both_null ? TYPES_OF(NULL) : TYPES_OF(TEXT);
        return true;
    }
    if (is_untyped(a) || is_untyped(b)) {
        *common = is_untyped(a) ? b : a;
        return true;
    }
    if (types_equal(a, b)) {
        *common = a;
        if (a.length != b.length)
            common->length = 0;
        return true;
    }
    if (a.kind == TYPES_BOOLEAN && types_is_numeric(b)) {
        *common = common_boolean(b);
        return true;
    }
    if (b.kind == TYPES_BOOLEAN && types_is_numeric(a)) {
        *common = common_boolean(a);
        return true;
    }
    if (types_is_numeric(a) && types_is_numeric(b)) {
        *common = common_numeric(a, b);
        return true;
    }
    if (types_cast_level_of(a, b) == TYPES_CAST_IMPLICIT) {
        *common = b;
        return true;
    }
    if (types_cast_level_of(b, a) == TYPES_CAST_IMPLICIT) {
        *common = a;
        return true;
    }
    return false;
}
