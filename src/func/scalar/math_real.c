/*
 * math_real.c - roots, powers, logarithms, trigonometry: functions of floats.
 *
 * The bodies are stamped from one list: name, C expression, domain. An argument outside the
 * domain is an error, as in PostgreSQL; so is a finite argument with an infinite result.
 * Batch bodies are stamped as well: the loop around a call of libm is what they are.
 */
#include "func/func_int.h"

static base_status outside(const char *name, double number, base_error *error)
{
    char text[32]; /* the longest shortest form of a double has 24 characters */
    base_buffer shown = {.data = text, .capacity = sizeof text};
    types_format(&(types_value){.type = TYPES_OF(FLOAT), .cell.float64 = number}, &shown);
    return base_error_set(error, BASE_INVALID_PARAMETER, "%s is not defined for %.*s", name,
                          (int)shown.length, text);
}

static base_status too_large(const char *name, base_error *error)
{
    return base_error_set(error, BASE_OUT_OF_RANGE, "result of %s is out of range", name);
}

static double cotangent(double x)
{
    return 1 / tan(x);
}

/* libm's is off by a bit for some cubes: one step of Newton's method makes 3 of 27. */
static double cube_root(double x)
{
    double root = cbrt(x);
    double cube = root * root * root;
    return isfinite(cube) && root != 0 ? root - (cube - x) / (3 * root * root) : root;
}

static double to_degrees(double x)
{
    return x * (180 / 3.14159265358979323846);
}

static double to_radians(double x)
{
    return x * (3.14159265358979323846 / 180);
}

/* X(SQL name, identifier, expression, domain, documentation, example, answer) */
#define REAL_FUNCTIONS(X)                                                                          \
    X("sqrt", sqrt, sqrt(x), x >= 0, "Square root.", "sqrt(16)", "4")                              \
    X("cbrt", cbrt, cube_root(x), true, "Cube root.", "cbrt(27)", "3")                             \
    X("exp", exp, exp(x), true, "e to the power of x.", "exp(0)", "1")                             \
    X("ln", ln, log(x), x > 0, "Natural logarithm.", "ln(1)", "0")                                 \
    X("log", log, log10(x), x > 0, "Logarithm to base 10.", "log(1000)", "3")                      \
    X("log10", log10, log10(x), x > 0, "Logarithm to base 10.", "log10(100)", "2")                 \
    X("log2", log2, log2(x), x > 0, "Logarithm to base 2.", "log2(8)", "3")                        \
    X("sin", sin, sin(x), isfinite(x), "Sine.", "sin(0)", "0")                                     \
    X("cos", cos, cos(x), isfinite(x), "Cosine.", "cos(0)", "1")                                   \
    X("tan", tan, tan(x), isfinite(x), "Tangent.", "tan(0)", "0")                                  \
    X("cot", cot, cotangent(x), isfinite(x) && x != 0, "Cotangent.", "round(cot(0.5), 6)",         \
      "1.830488")                                                                                  \
    X("asin", asin, asin(x), x >= -1 && x <= 1, "Inverse sine.", "asin(0)", "0")                   \
    X("acos", acos, acos(x), x >= -1 && x <= 1, "Inverse cosine.", "acos(1)", "0")                 \
    X("atan", atan, atan(x), true, "Inverse tangent.", "atan(0)", "0")                             \
    X("sinh", sinh, sinh(x), true, "Hyperbolic sine.", "sinh(0)", "0")                             \
    X("cosh", cosh, cosh(x), true, "Hyperbolic cosine.", "cosh(0)", "1")                           \
    X("tanh", tanh, tanh(x), true, "Hyperbolic tangent.", "tanh(0)", "0")                          \
    X("asinh", asinh, asinh(x), true, "Inverse hyperbolic sine.", "asinh(0)", "0")                 \
    X("acosh", acosh, acosh(x), x >= 1, "Inverse hyperbolic cosine.", "acosh(1)", "0")             \
    X("atanh", atanh, atanh(x), x > -1 && x < 1, "Inverse hyperbolic tangent.", "atanh(0)", "0")   \
    X("degrees", degrees, to_degrees(x), true, "Radians to degrees.", "degrees(pi())", "180")      \
    X("radians", radians, to_radians(x), true, "Degrees to radians.", "round(radians(180), 6)",    \
      "3.141593")

#define DEFINE_REAL(sql, name, expression, domain, doc, example, answer)                           \
    BASE_INLINE base_status name##_of(double x, double *result, base_error *error)                 \
    {                                                                                              \
        if (BASE_UNLIKELY(!(domain) && !isnan(x)))                                                 \
            return outside(sql, x, error);                                                         \
        *result = expression;                                                                      \
        if (BASE_UNLIKELY(isinf(*result) && isfinite(x)))                                          \
            return too_large(sql, error);                                                          \
        return BASE_OK;                                                                            \
    }                                                                                              \
    static base_status name##_row(func_call *call, const types_cell *arguments, const bool *nulls, \
                                  types_cell *result, bool *result_null, base_error *error)        \
    {                                                                                              \
        return name##_of(arguments[0].float64, &result->float64, error);                           \
    }                                                                                              \
    static base_status name##_batch(func_call *call, const vector *const *arguments,               \
                                    const uint16_t *selection, uint32_t count, vector *result,     \
                                    base_error *error)                                             \
    {                                                                                              \
        const double *numbers = func_values(arguments[0])->data;                                   \
        double *results = result->data;                                                            \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            uint32_t row = vector_row(selection, i);                                               \
            RETURN_IF_ERROR(                                                                       \
                name##_of(numbers[func_position(arguments[0], row)], &results[row], error));       \
        }                                                                                          \
        return BASE_OK;                                                                            \
    }
REAL_FUNCTIONS(DEFINE_REAL)
#undef DEFINE_REAL

/* ---- Two arguments ---------------------------------------------------------------------- */

static base_status power_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    double base = arguments[0].float64, exponent = arguments[1].float64;
    result->float64 = pow(base, exponent);
    bool finite = isfinite(base) && isfinite(exponent);
    if (finite && isnan(result->float64))
        return outside("a real power of a negative number", exponent, error);
    if (finite && isinf(result->float64))
        return base == 0
                   ? base_error_set(error, BASE_INVALID_PARAMETER, "zero has no negative power")
                   : too_large(call->function->name, error);
    return BASE_OK;
}

static base_status log_base_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    double base = arguments[0].float64, number = arguments[1].float64;
    if (!(base > 0) || base == 1)
        return outside("the base of log", base, error);
    if (!(number > 0))
        return outside("log", number, error);
    /* The exact functions where the base has one: log(2, 8) is 3. */
    result->float64 = base == 2    ? log2(number)
                      : base == 10 ? log10(number)
                                   : log(number) / log(base);
    return BASE_OK;
}

static base_status atan2_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    result->float64 = atan2(arguments[0].float64, arguments[1].float64);
    return BASE_OK;
}

static base_status pi_row(func_call *call, const types_cell *arguments, const bool *nulls,
                          types_cell *result, bool *result_null, base_error *error)
{
    result->float64 = 3.14159265358979323846;
    return BASE_OK;
}

static base_status isnan_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    result->boolean = isnan(arguments[0].float64);
    return BASE_OK;
}

static base_status isfinite_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    result->boolean = isfinite(arguments[0].float64);
    return BASE_OK;
}

static base_status isinf_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    result->boolean = isinf(arguments[0].float64);
    return BASE_OK;
}

#define REAL_ROWS(sql, body, expression, domain, doc, example_, answer)                            \
    {.name = sql,                                                                                  \
     .resolve = func_resolve_fixed,                                                                \
     .minimum_arguments = 1,                                                                       \
     .maximum_arguments = 1,                                                                       \
     .flags = FUNC_STRICT,                                                                         \
     .argument_kinds = {TYPES_FLOAT},                                                              \
     .result_kind = TYPES_FLOAT,                                                                   \
     .row = body##_row,                                                                            \
     .batch = body##_batch,                                                                        \
     .category = "math",                                                                           \
     .documentation = doc,                                                                         \
     .example = example_,                                                                          \
     .example_result = answer},
#define MATH_ROW(name, body, result, count, doc, example, answer, ...)                             \
    FUNC_ROW(name, body, FUNC_STRICT, TYPES_##result, count, count, "math", doc, example, answer,  \
             __VA_ARGS__)

const func_scalar func_real_rows[] = {
    REAL_FUNCTIONS(REAL_ROWS)
        MATH_ROW("power", power_row, FLOAT, 2, "The first number to the power of the second.",
                 "power(2, 10)", "1024", TYPES_FLOAT, TYPES_FLOAT),
    MATH_ROW("pow", power_row, FLOAT, 2, "The same as power.", "pow(2, 0.5)", "1.4142135623730951",
             TYPES_FLOAT, TYPES_FLOAT),
    MATH_ROW("^", power_row, FLOAT, 2, "The first number to the power of the second.", "2 ^ 10",
             "1024", TYPES_FLOAT, TYPES_FLOAT),
    MATH_ROW("log", log_base_row, FLOAT, 2,
             "Logarithm of the second number to the base of the "
             "first.",
             "log(2, 8)", "3", TYPES_FLOAT, TYPES_FLOAT),
    MATH_ROW("atan2", atan2_row, FLOAT, 2, "Inverse tangent of a quotient, with its quadrant.",
             "atan2(0, 1)", "0", TYPES_FLOAT, TYPES_FLOAT),
    MATH_ROW("pi", pi_row, FLOAT, 0, "The number pi.", "pi()", "3.141592653589793", 0),
    MATH_ROW("isnan", isnan_row, BOOLEAN, 1, "Whether the number is NaN.",
             "isnan(CAST('NaN' AS FLOAT))", "true", TYPES_FLOAT),
    MATH_ROW("isfinite", isfinite_row, BOOLEAN, 1,
             "Whether the number is neither infinite nor "
             "NaN.",
             "isfinite(1e0)", "true", TYPES_FLOAT),
    MATH_ROW("isinf", isinf_row, BOOLEAN, 1, "Whether the number is infinite.",
             "isinf(CAST('-inf' AS FLOAT))", "true", TYPES_FLOAT),
    {0},
};
