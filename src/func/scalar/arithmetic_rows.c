/*
 * arithmetic_rows.c - which numeric operator fits which types.
 *
 * Integers of every width compute as INTEGER (64 bits), decimals exactly under the precision
 * rules of types/, anything with a float as FLOAT. A row stands for one pair of physical
 * forms, so that a call runs its loop without asking for types again; the resolvers accept
 * exactly the pairs of their row, and the registry takes the first row that accepts.
 *
 * Untyped literals and parameters take the other side's type, INTEGER if both are untyped; next
 * to a DECIMAL factor or divisor they become DECIMAL(38,10), because a rate has more digits
 * after the point than an amount.
 */
#include "func/scalar/arithmetic_int.h"

typedef enum number_class {
    NUMBER_NONE,
    NUMBER_INTEGER,
    NUMBER_UNSIGNED,
    NUMBER_DECIMAL,
    NUMBER_FLOAT,
} number_class;

static bool is_untyped(types_type type)
{
    return type.kind == TYPES_NULL || type.kind == TYPES_UNKNOWN;
}

/* The class in which the pair computes; both types become numbers of it (decimals keep
 * their own precision and scale). */
static number_class class_of_pair(types_type *types, bool is_product)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (!is_untyped(types[i]))
            continue;
        types_type other = types[1 - i];
        types[i] = is_untyped(other) ? TYPES_OF(INTEGER) : other;
        if (is_product && other.kind == TYPES_DECIMAL)
            types[i] = TYPES_DECIMAL_OF(TYPES_DECIMAL_MAX_PRECISION, 10);
    }
    bool has_float = false, has_decimal = false;
    uint32_t unsigned_count = 0;
    for (uint32_t i = 0; i < 2; i++) {
        if (types[i].kind == TYPES_BOOLEAN)
            types[i] = TYPES_OF(INTEGER);
        if (!types_is_numeric(types[i]))
            return NUMBER_NONE;
        has_float |= types[i].kind == TYPES_FLOAT || types[i].kind == TYPES_FLOAT4;
        has_decimal |= types[i].kind == TYPES_DECIMAL;
        unsigned_count += types[i].kind == TYPES_UBIGINT;
    }
    if (has_float) {
        types[0] = types[1] = TYPES_OF(FLOAT);
        return NUMBER_FLOAT;
    }
    if (!has_decimal && unsigned_count == 0) {
        types[0] = types[1] = TYPES_OF(INTEGER);
        return NUMBER_INTEGER;
    }
    if (!has_decimal && unsigned_count == 2)
        return NUMBER_UNSIGNED;
    for (uint32_t i = 0; i < 2; i++)
        if (types[i].kind != TYPES_DECIMAL)
            types[i] = types_decimal_of_integer(types[i]);
    return NUMBER_DECIMAL;
}

static bool is_wide(types_type type)
{
    return type.precision > TYPES_DECIMAL_MAX_INT64;
}

static bool resolve_class(types_type *types, uint32_t count, number_class wanted,
                          types_type *result)
{
    types_type pair[2] = {types[0], types[1]};
    if (count != 2 || class_of_pair(pair, false) != wanted)
        return false;
    types[0] = pair[0];
    types[1] = pair[1];
    *result = pair[0];
    return true;
}

static bool resolve_integer(const func_scalar *function, types_type *types, uint32_t count,
                            types_type *result)
{
    return resolve_class(types, count, NUMBER_INTEGER, result);
}

static bool resolve_unsigned(const func_scalar *function, types_type *types, uint32_t count,
                             types_type *result)
{
    return resolve_class(types, count, NUMBER_UNSIGNED, result);
}

static bool resolve_float(const func_scalar *function, types_type *types, uint32_t count,
                          types_type *result)
{
    return resolve_class(types, count, NUMBER_FLOAT, result);
}

/* Sums: both sides come to the result's type, so that their digits line up. */
static bool resolve_decimal_sum(types_type *types, uint32_t count, bool wide, types_type *result)
{
    types_type pair[2] = {types[0], types[1]};
    if (count != 2 || class_of_pair(pair, false) != NUMBER_DECIMAL)
        return false;
    *result = types_decimal_add_type(pair[0], pair[1]);
    if (is_wide(*result) != wide)
        return false;
    types[0] = types[1] = *result;
    return true;
}

static bool resolve_sum_64(const func_scalar *function, types_type *types, uint32_t count,
                           types_type *result)
{
    return resolve_decimal_sum(types, count, false, result);
}

static bool resolve_sum_128(const func_scalar *function, types_type *types, uint32_t count,
                            types_type *result)
{
    return resolve_decimal_sum(types, count, true, result);
}

/* Remainders: digits lined up as for sums, but no bigger than the operands. */
static bool resolve_decimal_modulo(types_type *types, uint32_t count, bool wide, types_type *result)
{
    types_type pair[2] = {types[0], types[1]};
    if (count != 2 || class_of_pair(pair, false) != NUMBER_DECIMAL)
        return false;
    uint32_t scale = BASE_MAX(pair[0].scale, pair[1].scale);
    uint32_t integers =
        BASE_MAX(pair[0].precision - pair[0].scale, pair[1].precision - pair[1].scale);
    uint32_t precision = BASE_MIN(integers + scale, (uint32_t)TYPES_DECIMAL_MAX_PRECISION);
    *result = TYPES_DECIMAL_OF(BASE_MAX(precision, 1u), scale);
    if (is_wide(*result) != wide)
        return false;
    types[0] = types[1] = *result;
    return true;
}

static bool resolve_modulo_64(const func_scalar *function, types_type *types, uint32_t count,
                              types_type *result)
{
    return resolve_decimal_modulo(types, count, false, result);
}

static bool resolve_modulo_128(const func_scalar *function, types_type *types, uint32_t count,
                               types_type *result)
{
    return resolve_decimal_modulo(types, count, true, result);
}

/* Products: each side keeps its digits. */
static bool resolve_decimal_product(types_type *types, uint32_t count, bool left_wide,
                                    bool right_wide, bool result_wide, types_type *result)
{
    types_type pair[2] = {types[0], types[1]};
    if (count != 2 || class_of_pair(pair, true) != NUMBER_DECIMAL)
        return false;
    /* Digits after the point that no decimal can hold are rounded away beforehand, the finer side's
     * first; and where those before the point would need all 38 (factors of no declared precision,
     * products of such), those beyond PRODUCT_SCALE, so that a chain of products has room. */
    enum {
        PRODUCT_SCALE = 20
    };
    uint32_t whole = pair[0].precision - pair[0].scale + pair[1].precision - pair[1].scale;
    uint32_t most =
        whole >= TYPES_DECIMAL_MAX_PRECISION ? PRODUCT_SCALE : TYPES_DECIMAL_MAX_PRECISION;
    while ((uint32_t)pair[0].scale + pair[1].scale > most) {
        types_type *finer = pair[0].scale > pair[1].scale ? &pair[0] : &pair[1];
        finer->scale--;
        finer->precision--;
    }
    *result = types_decimal_multiply_type(pair[0], pair[1]);
    if (is_wide(pair[0]) != left_wide || is_wide(pair[1]) != right_wide ||
        is_wide(*result) != result_wide)
        return false;
    types[0] = pair[0];
    types[1] = pair[1];
    return true;
}

#define RESOLVE_PRODUCT(name, left, right, wide)                                                   \
    static bool resolve_product_##name(const func_scalar *function, types_type *types,             \
                                       uint32_t count, types_type *result)                         \
    {                                                                                              \
        return resolve_decimal_product(types, count, left, right, wide, result);                   \
    }
RESOLVE_PRODUCT(64, false, false, false)
RESOLVE_PRODUCT(64_64, false, false, true)
RESOLVE_PRODUCT(128_64, true, false, true)
RESOLVE_PRODUCT(64_128, false, true, true)
RESOLVE_PRODUCT(128_128, true, true, true)

/* Quotients: the result has more digits than both sides; all of it in 128 bits. */
static bool resolve_quotient(const func_scalar *function, types_type *types, uint32_t count,
                             types_type *result)
{
    types_type pair[2] = {types[0], types[1]};
    if (count != 2 || class_of_pair(pair, true) != NUMBER_DECIMAL)
        return false;
    *result = types_decimal_divide_type(pair[0], pair[1]);
    result->precision = TYPES_DECIMAL_MAX_PRECISION;
    for (uint32_t i = 0; i < 2; i++)
        types[i] = TYPES_DECIMAL_OF(TYPES_DECIMAL_MAX_PRECISION, pair[i].scale);
    return true;
}

static bool resolve_negation(types_type *types, uint32_t count, number_class wanted, bool wide,
                             types_type *result)
{
    if (count != 1)
        return false;
    types_type pair[2] = {types[0], types[0]};
    number_class found = class_of_pair(pair, false);
    if (found == NUMBER_UNSIGNED) {
        found = NUMBER_DECIMAL;
        pair[0] = types_decimal_of_integer(pair[0]);
    }
    if (found != wanted || (wanted == NUMBER_DECIMAL && is_wide(pair[0]) != wide))
        return false;
    types[0] = *result = pair[0];
    return true;
}

#define RESOLVE_NEGATION(name, wanted, wide)                                                       \
    static bool resolve_negation_##name(const func_scalar *function, types_type *types,            \
                                        uint32_t count, types_type *result)                        \
    {                                                                                              \
        return resolve_negation(types, count, wanted, wide, result);                               \
    }
RESOLVE_NEGATION(integer, NUMBER_INTEGER, false)
RESOLVE_NEGATION(float, NUMBER_FLOAT, false)
RESOLVE_NEGATION(decimal_64, NUMBER_DECIMAL, false)
RESOLVE_NEGATION(decimal_128, NUMBER_DECIMAL, true)

/* ---- Rows -------------------------------------------------------------------------------- */

#define OPERATOR(sql, arity, resolver, body, sentence, sample, answer)                             \
    {                                                                                              \
        .name = sql, .resolve = resolver, .minimum_arguments = arity, .maximum_arguments = arity,  \
        .flags = FUNC_STRICT, .row = func_##body##_row, .batch = func_##body##_batch,              \
        .category = "operator", .documentation = sentence, .example = sample,                      \
        .example_result = answer                                                                   \
    }

const func_scalar func_arithmetic_rows[] = {
    OPERATOR("+", 2, resolve_integer, add_integer, "Sum of two numbers. Overflow is an error.",
             "7 + 2", "9"),
    OPERATOR("+", 2, resolve_unsigned, add_unsigned, "Sum of two UBIGINT.", NULL, NULL),
    OPERATOR("+", 2, resolve_float, add_float, "Sum of two floats.", NULL, NULL),
    OPERATOR("+", 2, resolve_sum_64, add_decimal_64, "Exact sum of decimals.", "1.5 + 2.25",
             "3.75"),
    OPERATOR("+", 2, resolve_sum_128, add_decimal_128, "Exact sum of long decimals.", NULL, NULL),
    OPERATOR("-", 2, resolve_integer, subtract_integer,
             "Difference of two numbers. Overflow is an error.", "7 - 2", "5"),
    OPERATOR("-", 2, resolve_unsigned, subtract_unsigned, "Difference of two UBIGINT.", NULL, NULL),
    OPERATOR("-", 2, resolve_float, subtract_float, "Difference of two floats.", NULL, NULL),
    OPERATOR("-", 2, resolve_sum_64, subtract_decimal_64, "Exact difference of decimals.", NULL,
             NULL),
    OPERATOR("-", 2, resolve_sum_128, subtract_decimal_128, "Exact difference of long decimals.",
             NULL, NULL),
    OPERATOR("*", 2, resolve_integer, multiply_integer,
             "Product of two numbers. Overflow is an error.", "7 * 2", "14"),
    OPERATOR("*", 2, resolve_unsigned, multiply_unsigned, "Product of two UBIGINT.", NULL, NULL),
    OPERATOR("*", 2, resolve_float, multiply_float, "Product of two floats.", NULL, NULL),
    OPERATOR("*", 2, resolve_product_64, multiply_decimal_64,
             "Exact product of decimals: the scales add up.", "1.5 * 2.25", "3.375"),
    OPERATOR("*", 2, resolve_product_64_64, multiply_decimal_64_64,
             "Exact product of decimals, longer than 18 digits.", NULL, NULL),
    OPERATOR("*", 2, resolve_product_128_64, multiply_decimal_128_64,
             "Exact product of a long and a short decimal.", NULL, NULL),
    OPERATOR("*", 2, resolve_product_64_128, multiply_decimal_64_128,
             "Exact product of a short and a long decimal.", NULL, NULL),
    OPERATOR("*", 2, resolve_product_128_128, multiply_decimal_128_128,
             "Exact product of long decimals.", NULL, NULL),
    OPERATOR("/", 2, resolve_integer, divide_integer,
             "Quotient of integers, truncated toward zero; NULL when the divisor is zero.", "7 / 2",
             "3"),
    OPERATOR("/", 2, resolve_unsigned, divide_unsigned, "Quotient of two UBIGINT.", NULL, NULL),
    OPERATOR("/", 2, resolve_float, divide_float,
             "Quotient of two floats; NULL when the divisor is zero.", NULL, NULL),
    OPERATOR("/", 2, resolve_quotient, divide_decimal,
             "Quotient of decimals, rounded half away from zero; NULL when the divisor is zero.",
             NULL, NULL),
    OPERATOR("%", 2, resolve_integer, modulo_integer,
             "Remainder with the sign of the dividend; NULL when the divisor is zero.", "7 % 2",
             "1"),
    OPERATOR("%", 2, resolve_unsigned, modulo_unsigned, "Remainder of two UBIGINT.", NULL, NULL),
    OPERATOR("%", 2, resolve_float, modulo_float, "Remainder of two floats.", NULL, NULL),
    OPERATOR("%", 2, resolve_modulo_64, modulo_decimal_64, "Remainder of decimals.", NULL, NULL),
    OPERATOR("%", 2, resolve_modulo_128, modulo_decimal_128, "Remainder of long decimals.", NULL,
             NULL),
    OPERATOR("mod", 2, resolve_integer, modulo_integer,
             "Remainder with the sign of the dividend; NULL when the divisor is zero.", "mod(7, 2)",
             "1"),
    OPERATOR("mod", 2, resolve_unsigned, modulo_unsigned, "Remainder of two UBIGINT.", NULL, NULL),
    OPERATOR("mod", 2, resolve_float, modulo_float, "Remainder of two floats.", NULL, NULL),
    OPERATOR("mod", 2, resolve_modulo_64, modulo_decimal_64, "Remainder of decimals.", NULL, NULL),
    OPERATOR("mod", 2, resolve_modulo_128, modulo_decimal_128, "Remainder of long decimals.", NULL,
             NULL),
    OPERATOR("-", 1, resolve_negation_integer, negate_integer, "Negation.", "-(7)", "-7"),
    OPERATOR("-", 1, resolve_negation_float, negate_float, "Negation of a float.", NULL, NULL),
    OPERATOR("-", 1, resolve_negation_decimal_64, negate_decimal_64, "Negation of a decimal.", NULL,
             NULL),
    OPERATOR("-", 1, resolve_negation_decimal_128, negate_decimal_128,
             "Negation of a long decimal.", NULL, NULL),
    {.name = NULL},
};
