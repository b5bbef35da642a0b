/*
 * decimal.c - exact numbers of up to 38 digits: an integer and a scale.
 *
 * Values are int128 whatever form they are stored in; the 64-bit form is a matter of
 * vectors. Every step that can leave the range is checked: 10^38 < 2^127, so a value that
 * fits 38 digits never overflows the machine type, and a rescale is checked by comparing
 * with the bound before it multiplies.
 * Rejected: decimal floating point and base-10^9 limbs: both are slower than one 128-bit
 * integer for the scales that tables really have.
 */
#include "types/types_int.h"

int128_t types_power_of_ten(uint32_t exponent)
{
    static const uint64_t small[20] = {
        UINT64_C(1),
        UINT64_C(10),
        UINT64_C(100),
        UINT64_C(1000),
        UINT64_C(10000),
        UINT64_C(100000),
        UINT64_C(1000000),
        UINT64_C(10000000),
        UINT64_C(100000000),
        UINT64_C(1000000000),
        UINT64_C(10000000000),
        UINT64_C(100000000000),
        UINT64_C(1000000000000),
        UINT64_C(10000000000000),
        UINT64_C(100000000000000),
        UINT64_C(1000000000000000),
        UINT64_C(10000000000000000),
        UINT64_C(100000000000000000),
        UINT64_C(1000000000000000000),
        UINT64_C(10000000000000000000),
    };
    BASE_ASSERT(exponent <= TYPES_DECIMAL_MAX_PRECISION);
    if (exponent < 20)
        return (int128_t)small[exponent];
    return (int128_t)small[19] * (int128_t)small[exponent - 19];
}

/* value / divisor, rounded half away from zero; divisor > 0. */
static int128_t divide_rounded(int128_t value, int128_t divisor)
{
    int128_t quotient = value / divisor;
    int128_t rest = value % divisor;
    if (rest < 0)
        rest = -rest;
    if (rest >= divisor - rest)
        quotient += value < 0 ? -1 : 1;
    return quotient;
}

bool types_decimal_fits(int128_t value, uint32_t precision)
{
    int128_t bound = types_power_of_ten(precision);
    return value < bound && value > -bound;
}

bool types_decimal_rescale(int128_t value, uint32_t from_scale, uint32_t to_scale, int128_t *result)
{
    if (to_scale >= from_scale) {
        uint32_t shift = to_scale - from_scale;
        if (shift > TYPES_DECIMAL_MAX_PRECISION ||
            !types_decimal_fits(value, TYPES_DECIMAL_MAX_PRECISION - shift)) {
            *result = 0;
            return value == 0;
        }
        *result = value * types_power_of_ten(shift);
        return true;
    }
    uint32_t shift = from_scale - to_scale;
    *result =
        shift > TYPES_DECIMAL_MAX_PRECISION ? 0 : divide_rounded(value, types_power_of_ten(shift));
    return true;
}

static types_type capped(uint32_t precision, uint32_t scale)
{
    return TYPES_DECIMAL_OF(BASE_MIN(precision, (uint32_t)TYPES_DECIMAL_MAX_PRECISION),
                            BASE_MIN(scale, (uint32_t)TYPES_DECIMAL_MAX_PRECISION));
}

/* The three rules keep the scale and cap the precision: a result with too many integer
 * digits is an error when it occurs, digits after the point are not dropped quietly. */
types_type types_decimal_add_type(types_type a, types_type b)
{
    uint32_t scale = BASE_MAX(a.scale, b.scale);
    uint32_t integers = BASE_MAX(a.precision - a.scale, b.precision - b.scale);
    return capped(integers + 1 + scale, scale);
}

types_type types_decimal_multiply_type(types_type a, types_type b)
{
    return capped((uint32_t)a.precision + b.precision, (uint32_t)a.scale + b.scale);
}

/* A quotient has 16 digits after the point, as PostgreSQL's has at least, or those of its
 * operands if these are more: how many significant ones the values need is not known from
 * their types, and a declared precision (that of a SUM, say) is far above what is there. A
 * quotient whose integer part then has no room is an error when it occurs. */
types_type types_decimal_divide_type(types_type a, types_type b)
{
    enum {
        QUOTIENT_SCALE = 16
    };
    uint32_t scale = BASE_MAX((uint32_t)QUOTIENT_SCALE, (uint32_t)BASE_MAX(a.scale, b.scale));
    uint32_t integers = (uint32_t)a.precision - a.scale + b.scale;
    return capped(integers + scale, scale);
}

types_type types_decimal_of_integer(types_type integer)
{
    switch (integer.kind) {
    case TYPES_BOOLEAN:
        return TYPES_DECIMAL_OF(1, 0);
    case TYPES_TINYINT:
        return TYPES_DECIMAL_OF(3, 0);
    case TYPES_SMALLINT:
        return TYPES_DECIMAL_OF(5, 0);
    case TYPES_INT4:
        return TYPES_DECIMAL_OF(10, 0);
    case TYPES_UBIGINT:
        return TYPES_DECIMAL_OF(20, 0);
    default:
        return TYPES_DECIMAL_OF(19, 0);
    }
}

double types_decimal_to_double(int128_t value, uint32_t scale)
{
    /* Both operands exact, one division: correctly rounded. Else through the digits. */
    if (value >= -(INT64_C(1) << 53) && value <= (INT64_C(1) << 53) && scale <= 22)
        return (double)(int64_t)value /
               (scale < 20 ? (double)(uint64_t)types_power_of_ten(scale)
                           : 1e19 * (double)(uint64_t)types_power_of_ten(scale - 19));
    types_digits number;
    memset(&number, 0, sizeof number);
    number.negative = value < 0;
    number.digits = value < 0 ? -(uint128_t)value : (uint128_t)value;
    number.exponent = -(int32_t)scale;
    for (uint128_t rest = number.digits; rest; rest /= 10)
        number.digit_count++;
    return types_digits_to_double(&number);
}

bool types_decimal_from_double(double value, types_type type, int128_t *result)
{
    if (!isfinite(value) || fabs(value) >= 1e38)
        return false;
    /* The shortest decimal text names the value that the user sees: 0.285 becomes 0.29 at
     * two digits, as in PostgreSQL, though the double lies a little below. */
    char text[TYPES_FLOAT_TEXT_SIZE];
    size_t length = types_format_double(value, text);
    types_digits number;
    if (types_scan_number((base_text){text, length}, &number) != length)
        return false;
    return types_digits_to_decimal(&number, type.scale, result) &&
           types_decimal_fits(*result, type.precision);
}
