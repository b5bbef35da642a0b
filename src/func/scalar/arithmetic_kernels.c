/*
 * arithmetic_kernels.c - the loops and row bodies of + - * / % on numbers.
 *
 * Each operator is one small function from two values to a result and an outcome (fine,
 * overflow, NULL); row body and batch loops are stamped around it, so they cannot disagree.
 * The loops have the constant side as a constant step, run over all positions when most are
 * selected, and only gather the outcomes: a branch a batch instead of a branch a row. If an
 * overflow was seen, the selected rows are gone through again, because it may have been a
 * row that is not selected, whose value means nothing.
 *
 * Decimals of up to 18 digits are 64-bit and their sums and products, of at most 18 digits by
 * the rules of types/, cannot overflow; 128-bit ones are checked against 38 digits.
 *
 * Floats follow IEEE 754 but for division by zero, which is NULL for every number.
 *
 * Build: compiled with -O3 (CMakeLists.txt); correctness does not depend on it.
 */
#include "func/scalar/arithmetic_int.h"

/* Outcomes of one row, ORed over a batch. */
typedef uint64_t outcome;
#define OUTCOME_OVERFLOW UINT64_C(1)
#define OUTCOME_NULL UINT64_C(2)

/* ---- Operators: result and outcome ------------------------------------------------------- */

BASE_INLINE outcome add_integer(const func_call *call, int64_t a, int64_t b, int64_t *result)
{
    uint64_t sum = (uint64_t)a + (uint64_t)b;
    *result = (int64_t)sum;
    /* The sign is wrong where both sides differ from the sum: SIMD has no overflow flag. */
    return ((sum ^ (uint64_t)a) & (sum ^ (uint64_t)b)) >> 63;
}
BASE_INLINE outcome subtract_integer(const func_call *call, int64_t a, int64_t b, int64_t *result)
{
    uint64_t difference = (uint64_t)a - (uint64_t)b;
    *result = (int64_t)difference;
    return (((uint64_t)a ^ (uint64_t)b) & (difference ^ (uint64_t)a)) >> 63;
}
BASE_INLINE outcome multiply_integer(const func_call *call, int64_t a, int64_t b, int64_t *result)
{
    return __builtin_mul_overflow(a, b, result);
}
BASE_INLINE outcome divide_integer(const func_call *call, int64_t a, int64_t b, int64_t *result)
{
    bool overflows = a == INT64_MIN && b == -1;
    *result = a / (b == 0 || overflows ? 1 : b);
    return b == 0 ? OUTCOME_NULL : overflows;
}
BASE_INLINE outcome modulo_integer(const func_call *call, int64_t a, int64_t b, int64_t *result)
{
    *result = a % (b == 0 || b == -1 ? 1 : b);
    return b == 0 ? OUTCOME_NULL : 0;
}

BASE_INLINE outcome add_unsigned(const func_call *call, uint64_t a, uint64_t b, uint64_t *result)
{
    *result = a + b;
    return *result < a;
}
BASE_INLINE outcome subtract_unsigned(const func_call *call, uint64_t a, uint64_t b,
                                      uint64_t *result)
{
    *result = a - b;
    return a < b;
}
BASE_INLINE outcome multiply_unsigned(const func_call *call, uint64_t a, uint64_t b,
                                      uint64_t *result)
{
    return __builtin_mul_overflow(a, b, result);
}
BASE_INLINE outcome divide_unsigned(const func_call *call, uint64_t a, uint64_t b, uint64_t *result)
{
    *result = a / (b == 0 ? 1 : b);
    return b == 0 ? OUTCOME_NULL : 0;
}
BASE_INLINE outcome modulo_unsigned(const func_call *call, uint64_t a, uint64_t b, uint64_t *result)
{
    *result = a % (b == 0 ? 1 : b);
    return b == 0 ? OUTCOME_NULL : 0;
}

BASE_INLINE outcome add_float(const func_call *call, double a, double b, double *result)
{
    *result = a + b;
    return 0;
}
BASE_INLINE outcome subtract_float(const func_call *call, double a, double b, double *result)
{
    *result = a - b;
    return 0;
}
BASE_INLINE outcome multiply_float(const func_call *call, double a, double b, double *result)
{
    *result = a * b;
    return 0;
}
BASE_INLINE outcome divide_float(const func_call *call, double a, double b, double *result)
{
    *result = a / (b == 0 ? 1 : b);
    return b == 0 ? OUTCOME_NULL : 0;
}
BASE_INLINE outcome modulo_float(const func_call *call, double a, double b, double *result)
{
    *result = b == 0 ? 0 : fmod(a, b);
    return b == 0 ? OUTCOME_NULL : 0;
}

/* ---- Decimals ---------------------------------------------------------------------------- */

/* 10^38, the first magnitude that no decimal has. */
#define TEN_TO_19 ((uint128_t)UINT64_C(10000000000000000000))
#define DECIMAL_LIMIT (TEN_TO_19 * TEN_TO_19)

BASE_INLINE bool beyond_38_digits(int128_t value)
{
    uint128_t magnitude = value < 0 ? -(uint128_t)value : (uint128_t)value;
    return magnitude >= DECIMAL_LIMIT;
}

/* Values under NULLs and at unselected positions may be anything: unsigned arithmetic wraps. */
BASE_INLINE outcome add_decimal_64(const func_call *call, int64_t a, int64_t b, int64_t *result)
{
    *result = (int64_t)((uint64_t)a + (uint64_t)b);
    return 0;
}
BASE_INLINE outcome subtract_decimal_64(const func_call *call, int64_t a, int64_t b,
                                        int64_t *result)
{
    *result = (int64_t)((uint64_t)a - (uint64_t)b);
    return 0;
}
BASE_INLINE outcome add_decimal_128(const func_call *call, int128_t a, int128_t b, int128_t *result)
{
    *result = (int128_t)((uint128_t)a + (uint128_t)b);
    return beyond_38_digits(*result);
}
BASE_INLINE outcome subtract_decimal_128(const func_call *call, int128_t a, int128_t b,
                                         int128_t *result)
{
    *result = (int128_t)((uint128_t)a - (uint128_t)b);
    return beyond_38_digits(*result);
}
BASE_INLINE outcome multiply_decimal_64(const func_call *call, int64_t a, int64_t b,
                                        int64_t *result)
{
    *result = (int64_t)((uint64_t)a * (uint64_t)b);
    return 0;
}
BASE_INLINE outcome multiply_decimal_64_64(const func_call *call, int64_t a, int64_t b,
                                           int128_t *result)
{
    *result = (int128_t)a * b;
    return 0;
}
BASE_INLINE outcome multiply_decimal_128_128(const func_call *call, int128_t a, int128_t b,
                                             int128_t *result)
{
    bool overflows = base_multiply_i128(a, b, result);
    return overflows | beyond_38_digits(*result);
}
BASE_INLINE outcome multiply_decimal_128_64(const func_call *call, int128_t a, int64_t b,
                                            int128_t *result)
{
    return multiply_decimal_128_128(call, a, b, result);
}
BASE_INLINE outcome multiply_decimal_64_128(const func_call *call, int64_t a, int128_t b,
                                            int128_t *result)
{
    return multiply_decimal_128_128(call, a, b, result);
}

/* 10 * rest / divisor by ten additions, for remainders whose tenfold has no room. */
static BASE_COLD uint32_t next_digit(uint128_t *rest, uint128_t divisor)
{
    uint128_t sum = 0;
    uint32_t digit = 0;
    for (int i = 0; i < 10; i++) {
        if (sum >= divisor - *rest) {
            sum -= divisor - *rest;
            digit++;
        } else {
            sum += *rest;
        }
    }
    *rest = sum;
    return digit;
}

/* The quotient of the unscaled values at the result's scale: digits of the integer quotient,
 * then one digit of the remainder after the other, rounded half away from zero. */
static outcome divide_decimal(const func_call *call, int128_t a, int128_t b, int128_t *result)
{
    *result = 0;
    if (b == 0)
        return OUTCOME_NULL;
    uint128_t dividend = a < 0 ? -(uint128_t)a : (uint128_t)a;
    uint128_t divisor = b < 0 ? -(uint128_t)b : (uint128_t)b;
    int32_t digits = (int32_t)call->result_type.scale - call->argument_types[0].scale +
                     call->argument_types[1].scale;
    BASE_ASSERT(digits >= 0 && digits <= 2 * TYPES_DECIMAL_MAX_PRECISION);
    uint128_t quotient = dividend / divisor, rest = dividend % divisor;
    if (digits <= 19 && quotient < DECIMAL_LIMIT / TEN_TO_19 &&
        rest < DECIMAL_LIMIT / TEN_TO_19) { /* the common case, without a loop */
        uint128_t power = (uint128_t)types_power_of_ten((uint32_t)digits);
        rest *= power;
        quotient = quotient * power + rest / divisor;
        rest %= divisor;
        digits = 0;
    }
    for (; digits > 0; digits--) {
        if (quotient >= DECIMAL_LIMIT / 10)
            return OUTCOME_OVERFLOW;
        quotient = quotient * 10 + next_digit(&rest, divisor);
    }
    quotient += rest >= divisor - rest;
    if (quotient >= DECIMAL_LIMIT)
        return OUTCOME_OVERFLOW;
    *result = (a < 0) != (b < 0) ? -(int128_t)quotient : (int128_t)quotient;
    return 0;
}

BASE_INLINE outcome modulo_decimal_64(const func_call *call, int64_t a, int64_t b, int64_t *result)
{
    return modulo_integer(call, a, b, result);
}
BASE_INLINE outcome modulo_decimal_128(const func_call *call, int128_t a, int128_t b,
                                       int128_t *result)
{
    *result = a % (b == 0 || b == -1 ? 1 : b);
    return b == 0 ? OUTCOME_NULL : 0;
}

BASE_INLINE outcome negate_integer(const func_call *call, int64_t a, int64_t *result)
{
    *result = (int64_t) - (uint64_t)a;
    return a == INT64_MIN;
}
BASE_INLINE outcome negate_float(const func_call *call, double a, double *result)
{
    *result = -a;
    return 0;
}
BASE_INLINE outcome negate_decimal_64(const func_call *call, int64_t a, int64_t *result)
{
    *result = (int64_t) - (uint64_t)a;
    return 0;
}
BASE_INLINE outcome negate_decimal_128(const func_call *call, int128_t a, int128_t *result)
{
    *result = (int128_t) - (uint128_t)a;
    return 0;
}

/* ---- Loops around them ------------------------------------------------------------------- */

static BASE_COLD base_status overflow_error(const func_call *call, base_error *error)
{
    char type[TYPES_NAME_SIZE];
    return base_error_set(error, BASE_OUT_OF_RANGE, "the result of %s is out of range for %s",
                          call->function->name, types_name(call->result_type, type));
}

/* Whether to compute on all positions up to the last selected one. */
BASE_INLINE bool is_dense(const uint16_t *selection, uint32_t count)
{
    return !selection || (uint32_t)selection[count - 1] < 2 * count;
}

/* A numeric dictionary as flat values in the caller's frame; scans make them seldom. */
typedef struct flat_argument {
    vector column;
    _Alignas(16) char data[VECTOR_SIZE * sizeof(types_cell)];
} flat_argument;

static const vector *flat_view(const vector *argument, const uint16_t *selection, uint32_t count,
                               flat_argument *copy)
{
    if (argument->shape != VECTOR_DICTIONARY)
        return argument;
    copy->column = *argument;
    copy->column.own_data = copy->data;
    vector_flatten(&copy->column, selection, count);
    return &copy->column;
}

#define BINARY_KERNEL(name, A, B, R, cell_a, cell_b, cell_r)                                       \
    BASE_INLINE outcome name##_dense(const func_call *call, const A *a, uint32_t a_step,           \
                                     const B *b, uint32_t b_step, uint32_t extent,                 \
                                     R *BASE_RESTRICT to)                                          \
    {                                                                                              \
        outcome seen = 0;                                                                          \
        for (uint32_t i = 0; i < extent; i++)                                                      \
            seen |= name(call, a[i * a_step], b[i * b_step], &to[i]);                              \
        return seen;                                                                               \
    }                                                                                              \
    /* Row after row; where a result is NULL, says so. */                                          \
    static outcome name##_exact(const func_call *call, const A *a, uint32_t a_step, const B *b,    \
                                uint32_t b_step, const uint16_t *selection, uint32_t count,        \
                                vector *result)                                                    \
    {                                                                                              \
        outcome seen = 0;                                                                          \
        R *to = result->data;                                                                      \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            uint32_t p = vector_row(selection, i);                                                 \
            outcome one = name(call, a[p * a_step], b[p * b_step], &to[p]);                        \
            if (BASE_UNLIKELY(one == OUTCOME_NULL))                                                \
                vector_set_null(result, p);                                                        \
            seen |= one;                                                                           \
        }                                                                                          \
        return seen;                                                                               \
    }                                                                                              \
    static base_status name##_flat(func_call *call, const vector *left, const vector *right,       \
                                   const uint16_t *selection, uint32_t count, vector *result,      \
                                   base_error *error)                                              \
    {                                                                                              \
        const A *a = left->data;                                                                   \
        const B *b = right->data;                                                                  \
        R *to = result->data;                                                                      \
        bool a_constant = left->shape == VECTOR_CONSTANT;                                          \
        bool b_constant = right->shape == VECTOR_CONSTANT;                                         \
        outcome seen = OUTCOME_OVERFLOW;                                                           \
        if (is_dense(selection, count)) {                                                          \
            uint32_t extent = selection ? (uint32_t)selection[count - 1] + 1 : count;              \
            if (a_constant && b_constant)                                                          \
                seen = name##_dense(call, a, 0, b, 0, extent, to);                                 \
            else if (a_constant)                                                                   \
                seen = name##_dense(call, a, 0, b, 1, extent, to);                                 \
            else if (b_constant)                                                                   \
                seen = name##_dense(call, a, 1, b, 0, extent, to);                                 \
            else                                                                                   \
                seen = name##_dense(call, a, 1, b, 1, extent, to);                                 \
        }                                                                                          \
        if (seen != 0)                                                                             \
            seen = name##_exact(call, a, !a_constant, b, !b_constant, selection, count, result);   \
        return seen & OUTCOME_OVERFLOW ? overflow_error(call, error) : BASE_OK;                    \
    }                                                                                              \
    static BASE_NOINLINE base_status name##_gathered(                                              \
        func_call *call, const vector *const *arguments, const uint16_t *selection,                \
        uint32_t count, vector *result, base_error *error)                                         \
    {                                                                                              \
        flat_argument left, right;                                                                 \
        return name##_flat(call, flat_view(arguments[0], selection, count, &left),                 \
                           flat_view(arguments[1], selection, count, &right), selection, count,    \
                           result, error);                                                         \
    }                                                                                              \
    base_status func_##name##_batch(func_call *call, const vector *const *arguments,               \
                                    const uint16_t *selection, uint32_t count, vector *result,     \
                                    base_error *error)                                             \
    {                                                                                              \
        if (count == 0)                                                                            \
            return BASE_OK;                                                                        \
        if (BASE_UNLIKELY(arguments[0]->shape == VECTOR_DICTIONARY ||                              \
                          arguments[1]->shape == VECTOR_DICTIONARY))                               \
            return name##_gathered(call, arguments, selection, count, result, error);              \
        return name##_flat(call, arguments[0], arguments[1], selection, count, result, error);     \
    }                                                                                              \
    base_status func_##name##_row(func_call *call, const types_cell *arguments, const bool *nulls, \
                                  types_cell *result, bool *result_null, base_error *error)        \
    {                                                                                              \
        outcome one = name(call, arguments[0].cell_a, arguments[1].cell_b, &result->cell_r);       \
        *result_null = one == OUTCOME_NULL;                                                        \
        return one == OUTCOME_OVERFLOW ? overflow_error(call, error) : BASE_OK;                    \
    }
ARITHMETIC_BINARY_LIST(BINARY_KERNEL)

#define UNARY_KERNEL(name, type, cell)                                                             \
    base_status func_##name##_row(func_call *call, const types_cell *arguments, const bool *nulls, \
                                  types_cell *result, bool *result_null, base_error *error)        \
    {                                                                                              \
        *result_null = false;                                                                      \
        return name(call, arguments[0].cell, &result->cell) ? overflow_error(call, error)          \
                                                            : BASE_OK;                             \
    }                                                                                              \
    base_status func_##name##_batch(func_call *call, const vector *const *arguments,               \
                                    const uint16_t *selection, uint32_t count, vector *result,     \
                                    base_error *error)                                             \
    {                                                                                              \
        const vector *argument = arguments[0];                                                     \
        const uint16_t *codes = NULL;                                                              \
        const type *from = argument->data;                                                         \
        type *to = result->data;                                                                   \
        outcome seen = 0;                                                                          \
        uint32_t step = argument->shape != VECTOR_CONSTANT;                                        \
        if (argument->shape == VECTOR_DICTIONARY) {                                                \
            codes = argument->data;                                                                \
            from = argument->dictionary->data;                                                     \
        }                                                                                          \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            uint32_t p = vector_row(selection, i);                                                 \
            seen |= name(call, from[codes ? codes[p] : p * step], &to[p]);                         \
        }                                                                                          \
        return seen ? overflow_error(call, error) : BASE_OK;                                       \
    }
ARITHMETIC_UNARY_LIST(UNARY_KERNEL)
