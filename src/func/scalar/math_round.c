/*
 * math_round.c - abs, sign, round, floor, ceil, trunc: one body per kind of number.
 *
 * Integers stay integers and decimals decimals, so nothing is lost on the way. Rounding is
 * half away from zero. A float is rounded to d digits by its shortest decimal text, which is
 * the number that the user wrote: round(1.005, 2) is 1.01, though the double is a little less.
 *
 * The scale of round(decimal, d) follows d when d is a constant (`refine`); otherwise it stays
 * the argument's, with zeros.
 */
#include "func/func_int.h"

static int128_t decimal_of(types_type type, const types_cell *cell)
{
    return types_form_of(type) == TYPES_FORM_INT64 ? cell->int64 : cell->int128;
}

/* False: the number does not fit the result's type. */
static bool store_decimal(types_type type, int128_t number, types_cell *cell)
{
    if (!types_decimal_fits(number, type.precision))
        return false;
    if (types_form_of(type) == TYPES_FORM_INT64)
        cell->int64 = (int64_t)number;
    else
        cell->int128 = number;
    return true;
}

static base_status out_of_range(const func_call *call, base_error *error)
{
    return base_error_set(error, BASE_OUT_OF_RANGE, "result of %s is out of range",
                          call->function->name);
}

/* ---- abs, sign -------------------------------------------------------------------------- */

static base_status abs_integer_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                   types_cell *result, bool *result_null, base_error *error)
{
    int64_t number = arguments[0].int64;
    if (number == INT64_MIN)
        return out_of_range(call, error);
    result->int64 = number < 0 ? -number : number;
    return BASE_OK;
}

static base_status abs_decimal_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                   types_cell *result, bool *result_null, base_error *error)
{
    int128_t number = decimal_of(call->argument_types[0], &arguments[0]);
    return store_decimal(call->result_type, number < 0 ? -number : number, result)
               ? BASE_OK
               : out_of_range(call, error);
}

static base_status abs_float_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    result->float64 = fabs(arguments[0].float64);
    return BASE_OK;
}

static base_status sign_integer_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                    types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = (arguments[0].int64 > 0) - (arguments[0].int64 < 0);
    return BASE_OK;
}

static base_status sign_decimal_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                    types_cell *result, bool *result_null, base_error *error)
{
    int128_t number = decimal_of(call->argument_types[0], &arguments[0]);
    result->int64 = (number > 0) - (number < 0);
    return BASE_OK;
}

static base_status sign_float_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                  types_cell *result, bool *result_null, base_error *error)
{
    double number = arguments[0].float64;
    result->float64 = isnan(number) ? number : (double)((number > 0) - (number < 0));
    return BASE_OK;
}

/* ---- Rounding --------------------------------------------------------------------------- */

typedef enum direction {
    NEAREST,
    DOWN,
    UP,
    TOWARD_ZERO,
} direction;

/* A multiple of `unit` (a power of ten) near the number. */
static int128_t round_to_unit(int128_t number, int128_t unit, direction way)
{
    int128_t quotient = number / unit, rest = number % unit;
    int128_t size = rest < 0 ? -rest : rest;
    if (way == NEAREST && size >= unit - size)
        quotient += number < 0 ? -1 : 1;
    else if (way == DOWN && rest < 0)
        quotient--;
    else if (way == UP && rest > 0)
        quotient++;
    return quotient * unit;
}

static base_status round_decimal(func_call *call, const types_cell *cell, int64_t digits,
                                 direction way, types_cell *result, base_error *error)
{
    types_type from = call->argument_types[0], to = call->result_type;
    int128_t number = decimal_of(from, cell);
    if (digits < (int64_t)from.scale) {
        int64_t cut = from.scale - BASE_MAX(digits, -TYPES_DECIMAL_MAX_PRECISION - 1);
        if (cut > TYPES_DECIMAL_MAX_PRECISION) {
            /* A unit larger than all decimals: zero, or out of range when rounding away. */
            bool away = (way == DOWN && number < 0) || (way == UP && number > 0);
            if (away)
                return out_of_range(call, error);
            number = 0;
        } else {
            number = round_to_unit(number, types_power_of_ten((uint32_t)cut), way);
        }
    }
    if (!types_decimal_rescale(number, from.scale, to.scale, &number) ||
        !store_decimal(to, number, result))
        return out_of_range(call, error);
    return BASE_OK;
}

static double round_whole(double number, direction way)
{
    switch (way) {
    case NEAREST:
        return round(number);
    case DOWN:
        return floor(number);
    case UP:
        return ceil(number);
    default:
        return trunc(number);
    }
}

static double round_float(double number, int64_t digits, direction way)
{
    if (digits == 0 || !isfinite(number))
        return isfinite(number) ? round_whole(number, way) : number;
    if (digits < 0) {
        double unit = pow(10, -(double)digits);
        if (!isfinite(unit))
            return 0;
        return round_whole(number / unit, way) * unit;
    }
    /* Where the scaled number is not near a half, its binary error cannot matter, and the
     * quotient of two exact numbers is the nearest double. */
    static const double powers[10] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    if (digits < 10) {
        double product = number * powers[digits], whole = trunc(product);
        double rest = fabs(product - whole);
        bool clear = way == NEAREST ? fabs(rest - 0.5) > 1e-3 : rest > 1e-3 && rest < 0.999;
        if (fabs(product) < 0x1p40 && clear)
            return round_whole(product, way) / powers[digits];
    }
    /* Beyond 17 digits a double has no digits left to round. */
    int128_t scaled;
    if (digits > 17 || !types_decimal_from_double(number, TYPES_DECIMAL_OF(38, 20), &scaled))
        return number;
    scaled = round_to_unit(scaled, types_power_of_ten((uint32_t)(20 - digits)), way);
    return types_decimal_to_double(scaled, 20);
}

static base_status round_integer(func_call *call, int64_t number, int64_t digits, direction way,
                                 types_cell *result, base_error *error)
{
    if (digits >= 0) {
        result->int64 = number;
        return BASE_OK;
    }
    if (digits < -19) {
        result->int64 = 0;
        return BASE_OK;
    }
    int128_t rounded = round_to_unit(number, types_power_of_ten((uint32_t)-digits), way);
    if (rounded < INT64_MIN || rounded > INT64_MAX)
        return out_of_range(call, error);
    result->int64 = (int64_t)rounded;
    return BASE_OK;
}

#define DEFINE_ROUNDING(name, WAY)                                                                 \
    static base_status name##_integer_row(func_call *call, const types_cell *arguments,            \
                                          const bool *nulls, types_cell *result,                   \
                                          bool *result_null, base_error *error)                    \
    {                                                                                              \
        int64_t digits = call->argument_count > 1 ? arguments[1].int64 : 0;                        \
        return round_integer(call, arguments[0].int64, digits, WAY, result, error);                \
    }                                                                                              \
    static base_status name##_decimal_row(func_call *call, const types_cell *arguments,            \
                                          const bool *nulls, types_cell *result,                   \
                                          bool *result_null, base_error *error)                    \
    {                                                                                              \
        int64_t digits = call->argument_count > 1 ? arguments[1].int64 : 0;                        \
        return round_decimal(call, &arguments[0], digits, WAY, result, error);                     \
    }                                                                                              \
    static base_status name##_float_row(func_call *call, const types_cell *arguments,              \
                                        const bool *nulls, types_cell *result, bool *result_null,  \
                                        base_error *error)                                         \
    {                                                                                              \
        int64_t digits = call->argument_count > 1 ? arguments[1].int64 : 0;                        \
        result->float64 = round_float(arguments[0].float64, digits, WAY);                          \
        return BASE_OK;                                                                            \
    }
DEFINE_ROUNDING(round, NEAREST)
DEFINE_ROUNDING(floor, DOWN)
DEFINE_ROUNDING(ceil, UP)
DEFINE_ROUNDING(trunc, TOWARD_ZERO)
#undef DEFINE_ROUNDING

/* ---- Types ------------------------------------------------------------------------------ */

static bool decimal_argument(types_type *type)
{
    if (type->kind == TYPES_UBIGINT)
        *type = types_decimal_of_integer(*type);
    return type->kind == TYPES_DECIMAL;
}

static bool digits_argument(types_type *types, uint32_t count)
{
    if (count < 2)
        return true;
    bool fits =
        types_is_integer(types[1]) || types[1].kind == TYPES_UNKNOWN || types[1].kind == TYPES_NULL;
    types[1] = TYPES_OF(INTEGER);
    return fits;
}

/* abs: the argument's type. */
static bool resolve_same_decimal(const func_scalar *function, types_type *types, uint32_t count,
                                 types_type *result)
{
    *result = types[0];
    bool fits = decimal_argument(&types[0]);
    *result = types[0];
    return fits;
}

static bool resolve_decimal_sign(const func_scalar *function, types_type *types, uint32_t count,
                                 types_type *result)
{
    *result = TYPES_OF(INTEGER);
    return decimal_argument(&types[0]);
}

static types_type rounded_type(types_type decimal, uint32_t scale)
{
    uint32_t precision = (uint32_t)decimal.precision - decimal.scale + scale + 1;
    return TYPES_DECIMAL_OF(BASE_MIN(precision, (uint32_t)TYPES_DECIMAL_MAX_PRECISION), scale);
}

/* One more integer digit: 9.9 rounds to 10. */
static bool resolve_rounded(const func_scalar *function, types_type *types, uint32_t count,
                            types_type *result)
{
    if (!decimal_argument(&types[0]) || !digits_argument(types, count))
        return false;
    *result = rounded_type(types[0], count > 1 ? types[0].scale : 0);
    return true;
}

static void refine_rounded(const func_scalar *function, const types_type *types,
                           const types_value *const *constants, uint32_t count, types_type *result)
{
    if (count > 1 && constants[1] && !constants[1]->is_null) {
        int64_t digits = BASE_MAX(constants[1]->cell.int64, 0);
        if (digits < types[0].scale)
            *result = rounded_type(types[0], (uint32_t)digits);
    }
}

#define ROUND_ROWS(name_, body, most, doc, example_, answer)                                       \
    FUNC_ROW(name_, body##_integer_row, FUNC_STRICT, TYPES_INTEGER, 1, most, "math",               \
             doc " An integer stays itself.", name_ "(7)", "7", TYPES_INTEGER, TYPES_INTEGER),     \
        {.name = name_,                                                                            \
         .resolve = resolve_rounded,                                                               \
         .refine = refine_rounded,                                                                 \
         .minimum_arguments = 1,                                                                   \
         .maximum_arguments = most,                                                                \
         .flags = FUNC_STRICT,                                                                     \
         .row = body##_decimal_row,                                                                \
         .category = "math",                                                                       \
         .documentation = doc,                                                                     \
         .example = example_,                                                                      \
         .example_result = answer},                                                                \
        FUNC_ROW(name_, body##_float_row, FUNC_STRICT, TYPES_FLOAT, 1, most, "math", doc, NULL,    \
                 NULL, TYPES_FLOAT, TYPES_INTEGER)

#define DECIMAL_ROW(name_, resolver, body, doc, example_, answer)                                  \
    {                                                                                              \
        .name = name_, .resolve = resolver, .minimum_arguments = 1, .maximum_arguments = 1,        \
        .flags = FUNC_STRICT, .row = body, .category = "math", .documentation = doc,               \
        .example = example_, .example_result = answer                                              \
    }

const func_scalar func_round_rows[] = {
    FUNC_ROW("abs", abs_integer_row, FUNC_STRICT, TYPES_INTEGER, 1, 1, "math", "Absolute value.",
             "abs(-7)", "7", TYPES_INTEGER),
    DECIMAL_ROW("abs", resolve_same_decimal, abs_decimal_row, "Absolute value.", "abs(-7.50)",
                "7.50"),
    FUNC_ROW("abs", abs_float_row, FUNC_STRICT, TYPES_FLOAT, 1, 1, "math", "Absolute value.",
             "abs(-7e0)", "7", TYPES_FLOAT),
    FUNC_ROW("sign", sign_integer_row, FUNC_STRICT, TYPES_INTEGER, 1, 1, "math",
             "-1, 0 or 1 for negative, zero, positive.", "sign(-7)", "-1", TYPES_INTEGER),
    DECIMAL_ROW("sign", resolve_decimal_sign, sign_decimal_row,
                "-1, 0 or 1 for negative, zero, positive.", "sign(0.0)", "0"),
    FUNC_ROW("sign", sign_float_row, FUNC_STRICT, TYPES_FLOAT, 1, 1, "math",
             "-1, 0 or 1 for negative, zero, positive.", "sign(2e0)", "1", TYPES_FLOAT),
    ROUND_ROWS("round", round, 2,
               "Rounded half away from zero, to so many digits after the point (0).",
               "round(2.345, 2)", "2.35"),
    ROUND_ROWS("trunc", trunc, 2, "Cut off, to so many digits after the point (0).",
               "trunc(-2.349, 2)", "-2.34"),
    ROUND_ROWS("truncate", trunc, 2, "The same as trunc.", "truncate(2.9)", "2"),
    ROUND_ROWS("floor", floor, 1, "The largest integer that is not greater.", "floor(-2.5)", "-3"),
    ROUND_ROWS("ceil", ceil, 1, "The smallest integer that is not less.", "ceil(2.1)", "3"),
    ROUND_ROWS("ceiling", ceil, 1, "The same as ceil.", "ceiling(-2.5)", "-2"),
    {0},
};
