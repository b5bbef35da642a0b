/*
 * arithmetic_int.h - the bodies of numeric operators, and the list they are stamped from.
 */
#ifndef FUNC_SCALAR_ARITHMETIC_INT_H
#define FUNC_SCALAR_ARITHMETIC_INT_H

#include "func/func.h"

extern const func_scalar func_arithmetic_rows[]; /* ends with a row without a name */

/* X(name, form and type of the left side, of the right side, of the result, cells' members) */
#define ARITHMETIC_BINARY_LIST(X)                                                                  \
    X(add_integer, int64_t, int64_t, int64_t, int64, int64, int64)                                 \
    X(subtract_integer, int64_t, int64_t, int64_t, int64, int64, int64)                            \
    X(multiply_integer, int64_t, int64_t, int64_t, int64, int64, int64)                            \
    X(divide_integer, int64_t, int64_t, int64_t, int64, int64, int64)                              \
    X(modulo_integer, int64_t, int64_t, int64_t, int64, int64, int64)                              \
    X(add_unsigned, uint64_t, uint64_t, uint64_t, uint64, uint64, uint64)                          \
    X(subtract_unsigned, uint64_t, uint64_t, uint64_t, uint64, uint64, uint64)                     \
    X(multiply_unsigned, uint64_t, uint64_t, uint64_t, uint64, uint64, uint64)                     \
    X(divide_unsigned, uint64_t, uint64_t, uint64_t, uint64, uint64, uint64)                       \
    X(modulo_unsigned, uint64_t, uint64_t, uint64_t, uint64, uint64, uint64)                       \
    X(add_float, double, double, double, float64, float64, float64)                                \
    X(subtract_float, double, double, double, float64, float64, float64)                           \
    X(multiply_float, double, double, double, float64, float64, float64)                           \
    X(divide_float, double, double, double, float64, float64, float64)                             \
    X(modulo_float, double, double, double, float64, float64, float64)                             \
    X(add_decimal_64, int64_t, int64_t, int64_t, int64, int64, int64)                              \
    X(add_decimal_128, int128_t, int128_t, int128_t, int128, int128, int128)                       \
    X(subtract_decimal_64, int64_t, int64_t, int64_t, int64, int64, int64)                         \
    X(subtract_decimal_128, int128_t, int128_t, int128_t, int128, int128, int128)                  \
    X(multiply_decimal_64, int64_t, int64_t, int64_t, int64, int64, int64)                         \
    X(multiply_decimal_64_64, int64_t, int64_t, int128_t, int64, int64, int128)                    \
    X(multiply_decimal_128_64, int128_t, int64_t, int128_t, int128, int64, int128)                 \
    X(multiply_decimal_64_128, int64_t, int128_t, int128_t, int64, int128, int128)                 \
    X(multiply_decimal_128_128, int128_t, int128_t, int128_t, int128, int128, int128)              \
    X(divide_decimal, int128_t, int128_t, int128_t, int128, int128, int128)                        \
    X(modulo_decimal_64, int64_t, int64_t, int64_t, int64, int64, int64)                           \
    X(modulo_decimal_128, int128_t, int128_t, int128_t, int128, int128, int128)

#define ARITHMETIC_UNARY_LIST(X)                                                                   \
    X(negate_integer, int64_t, int64)                                                              \
    X(negate_float, double, float64)                                                               \
    X(negate_decimal_64, int64_t, int64)                                                           \
    X(negate_decimal_128, int128_t, int128)

#define ARITHMETIC_DECLARE(name)                                                                   \
    base_status func_##name##_row(func_call *call, const types_cell *arguments, const bool *nulls, \
                                  types_cell *result, bool *result_null, base_error *error);       \
    base_status func_##name##_batch(func_call *call, const vector *const *arguments,               \
                                    const uint16_t *selection, uint32_t count, vector *result,     \
                                    base_error *error);
#define ARITHMETIC_DECLARE_BINARY(name, a, b, r, ca, cb, cr) ARITHMETIC_DECLARE(name)
#define ARITHMETIC_DECLARE_UNARY(name, type, cell) ARITHMETIC_DECLARE(name)
ARITHMETIC_BINARY_LIST(ARITHMETIC_DECLARE_BINARY)
ARITHMETIC_UNARY_LIST(ARITHMETIC_DECLARE_UNARY)
#undef ARITHMETIC_DECLARE_UNARY
#undef ARITHMETIC_DECLARE_BINARY
#undef ARITHMETIC_DECLARE

#endif
