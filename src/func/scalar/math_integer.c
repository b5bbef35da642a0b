/*
 * math_integer.c - integers: gcd, lcm, factorial, bits; random numbers; buckets.
 */
#include "func/func_int.h"

static base_status out_of_range(const func_call *call, base_error *error)
{
    return base_error_set(error, BASE_OUT_OF_RANGE, "result of %s is out of range",
                          call->function->name);
}

static uint64_t magnitude(int64_t number)
{
    return number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static base_status gcd_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    uint64_t divisor =
        greatest_divisor(magnitude(arguments[0].int64), magnitude(arguments[1].int64));
    if (divisor > INT64_MAX)
        return out_of_range(call, error);
    result->int64 = (int64_t)divisor;
    return BASE_OK;
}

static base_status lcm_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    uint64_t a = magnitude(arguments[0].int64), b = magnitude(arguments[1].int64), multiple = 0;
    if (a && b && __builtin_mul_overflow(a / greatest_divisor(a, b), b, &multiple))
        multiple = UINT64_MAX;
    if (multiple > INT64_MAX)
        return out_of_range(call, error);
    result->int64 = (int64_t)multiple;
    return BASE_OK;
}

static base_status factorial_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    int64_t number = arguments[0].int64;
    if (number < 0)
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "factorial of a negative number is not defined");
    if (number > 20)
        return out_of_range(call, error);
    result->int64 = 1;
    for (int64_t i = 2; i <= number; i++)
        result->int64 *= i;
    return BASE_OK;
}

/* ---- Bits ------------------------------------------------------------------------------- */

static base_status and_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = arguments[0].int64 & arguments[1].int64;
    return BASE_OK;
}

static base_status or_row(func_call *call, const types_cell *arguments, const bool *nulls,
                          types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = arguments[0].int64 | arguments[1].int64;
    return BASE_OK;
}

static base_status xor_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = arguments[0].int64 ^ arguments[1].int64;
    return BASE_OK;
}

static base_status not_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = ~arguments[0].int64;
    return BASE_OK;
}

/* Counts of 64 and more shift everything out; a negative count shifts the other way. */
static int64_t shift_left(int64_t number, int64_t count)
{
    if (count <= -64)
        return number < 0 ? -1 : 0;
    if (count < 0) /* arithmetic: the sign is kept; no shift of a negative number in C */
        return number < 0 ? ~(~number >> -count) : number >> -count;
    return count < 64 ? (int64_t)((uint64_t)number << count) : 0;
}

static base_status shift_left_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                  types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = shift_left(arguments[0].int64, arguments[1].int64);
    return BASE_OK;
}

static base_status shift_right_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                   types_cell *result, bool *result_null, base_error *error)
{
    int64_t count = BASE_MAX(arguments[1].int64, -64);
    result->int64 = shift_left(arguments[0].int64, -count);
    return BASE_OK;
}

static base_status bit_count_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = __builtin_popcountll(arguments[0].uint64);
    return BASE_OK;
}

/* ---- Random numbers --------------------------------------------------------------------- */

/* xoroshiro128+ (D. Blackman, S. Vigna): the state is the session's. */
static uint64_t next_random(func_environment *environment)
{
    uint64_t a = environment->random_state[0], b = environment->random_state[1];
    uint64_t sum = a + b;
    b ^= a;
    environment->random_state[0] = (a << 24 | a >> 40) ^ b ^ b << 16;
    environment->random_state[1] = b << 37 | b >> 27;
    return sum;
}

static base_status random_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    result->float64 = (double)(next_random(call->environment) >> 11) * 0x1p-53;
    return BASE_OK;
}

static base_status random_between_row(func_call *call, const types_cell *arguments,
                                      const bool *nulls, types_cell *result, bool *result_null,
                                      base_error *error)
{
    int64_t low = arguments[0].int64, high = arguments[1].int64;
    if (low > high)
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "lower bound of random must not be above the upper bound");
    uint64_t span = (uint64_t)high - (uint64_t)low;
    uint64_t number = next_random(call->environment);
    if (span != UINT64_MAX) /* the high half of a product: even enough, and no division */
        number = (uint64_t)((uint128_t)number * (span + 1) >> 64);
    result->int64 = (int64_t)((uint64_t)low + number);
    return BASE_OK;
}

static base_status randomblob_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                  types_cell *result, bool *result_null, base_error *error)
{
    int64_t length = BASE_MIN(BASE_MAX(arguments[0].int64, 1), (int64_t)FUNC_MAX_TEXT + 1);
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, (size_t)length, &bytes, error));
    for (size_t at = 0; at < (size_t)length; at += 8) {
        uint64_t word = next_random(call->environment);
        memcpy(bytes + at, &word, BASE_MIN((size_t)length - at, sizeof word));
    }
    func_finish_text(result, bytes, (size_t)length);
    return BASE_OK;
}

/* RFC 9562, version 4. */
static base_status uuid_row(func_call *call, const types_cell *arguments, const bool *nulls,
                            types_cell *result, bool *result_null, base_error *error)
{
    uint64_t high = next_random(call->environment), low = next_random(call->environment);
    high = (high & ~UINT64_C(0xF000)) | UINT64_C(0x4000);
    low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, 37, &bytes, error));
    (void)snprintf(bytes, 37, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
                   (unsigned)(high >> 16 & 0xFFFF), (unsigned)(high & 0xFFFF),
                   (unsigned)(low >> 48), (unsigned long long)(low & UINT64_C(0xFFFFFFFFFFFF)));
    func_finish_text(result, bytes, 36);
    return BASE_OK;
}

static base_status setseed_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    uint64_t bits;
    memcpy(&bits, &arguments[0].float64, sizeof bits);
    call->environment->random_state[0] = base_hash_u64(bits);
    call->environment->random_state[1] = base_hash_u64(bits + 1) | 1; /* never all zero */
    *result_null = true;
    return BASE_OK;
}

/* ---- Buckets ---------------------------------------------------------------------------- */

static base_status width_bucket_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                    types_cell *result, bool *result_null, base_error *error)
{
    double number = arguments[0].float64, low = arguments[1].float64, high = arguments[2].float64;
    int64_t count = arguments[3].int64;
    if (count < 1 || count > INT32_MAX || !isfinite(low) || !isfinite(high) || low == high ||
        isnan(number))
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "width_bucket needs different finite bounds and a positive count");
    double scale = isfinite(high - low) ? 1 : 0.5; /* half of the bounds have a distance */
    double share = (number * scale - low * scale) / (high * scale - low * scale);
    result->int64 = share < 0 ? 0 : share >= 1 ? count + 1 : (int64_t)(share * (double)count) + 1;
    return BASE_OK;
}

/* ---- Whole quotients --------------------------------------------------------------------- */

static base_status div_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    int64_t dividend = arguments[0].int64, divisor = arguments[1].int64;
    *result_null = divisor == 0;
    result->int64 = 0;
    if (*result_null)
        return BASE_OK;
    if (divisor == -1 && dividend == INT64_MIN)
        return base_error_set(error, BASE_OUT_OF_RANGE, "result of div is out of range");
    result->int64 = dividend / divisor;
    return BASE_OK;
}

#define INTEGER_ROW(name, body, count, doc, example, answer)                                       \
    FUNC_ROW(name, body, FUNC_STRICT, TYPES_INTEGER, count, count, "math", doc, example, answer,   \
             TYPES_INTEGER, TYPES_INTEGER)
const func_scalar func_integer_rows[] = {
    INTEGER_ROW("gcd", gcd_row, 2, "Greatest common divisor.", "gcd(12, 18)", "6"),
    INTEGER_ROW("lcm", lcm_row, 2, "Least common multiple.", "lcm(4, 6)", "12"),
    INTEGER_ROW("div", div_row, 2,
                "Quotient, truncated toward zero; NULL when the divisor is zero.", "div(-7, 2)",
                "-3"),
    INTEGER_ROW("factorial", factorial_row, 1, "Product of the integers up to n.", "factorial(5)",
                "120"),
    INTEGER_ROW("&", and_row, 2, "Bits that are set in both.", "6 & 3", "2"),
    INTEGER_ROW("|", or_row, 2, "Bits that are set in one or both.", "6 | 3", "7"),
    INTEGER_ROW("#", xor_row, 2, "Bits that are set in one but not both.", "6 # 3", "5"),
    INTEGER_ROW("xor", xor_row, 2, "Bits that are set in one but not both.", "xor(6, 3)", "5"),
    INTEGER_ROW("~", not_row, 1, "All bits turned.", "~ 5", "-6"),
    INTEGER_ROW("<<", shift_left_row, 2, "Bits shifted to the left.", "1 << 4", "16"),
    INTEGER_ROW(">>", shift_right_row, 2, "Bits shifted to the right; the sign is kept.",
                "-16 >> 2", "-4"),
    INTEGER_ROW("bit_count", bit_count_row, 1, "Number of bits that are set.", "bit_count(7)", "3"),
    FUNC_ROW("random", random_row, FUNC_STRICT | FUNC_VOLATILE, TYPES_FLOAT, 0, 0, "math",
             "A random number from 0 to less than 1.", "random() < 1", "true", 0),
    FUNC_ROW("rand", random_row, FUNC_STRICT | FUNC_VOLATILE, TYPES_FLOAT, 0, 0, "math",
             "The same as random.", "rand() >= 0", "true", 0),
    FUNC_ROW("random", random_between_row, FUNC_STRICT | FUNC_VOLATILE, TYPES_INTEGER, 2, 2, "math",
             "A random integer between two bounds, both included.", "random(1, 6) BETWEEN 1 AND 6",
             "true", TYPES_INTEGER, TYPES_INTEGER),
    FUNC_ROW("randomblob", randomblob_row, FUNC_STRICT | FUNC_VOLATILE, TYPES_BLOB, 1, 1, "math",
             "So many random bytes.", "length(randomblob(9))", "9", TYPES_INTEGER),
    FUNC_ROW("gen_random_uuid", uuid_row, FUNC_STRICT | FUNC_VOLATILE, TYPES_TEXT, 0, 0, "math",
             "A random UUID (version 4).", "length(gen_random_uuid())", "36", 0),
    FUNC_ROW("uuid", uuid_row, FUNC_STRICT | FUNC_VOLATILE, TYPES_TEXT, 0, 0, "math",
             "The same as gen_random_uuid.", "length(uuid())", "36", 0),
    FUNC_ROW("setseed", setseed_row, FUNC_STRICT | FUNC_VOLATILE, TYPES_TEXT, 1, 1, "math",
             "Starts the sequence of random numbers of this session anew.", "setseed(0.5)", "NULL",
             TYPES_FLOAT),
    FUNC_ROW("width_bucket", width_bucket_row, FUNC_STRICT, TYPES_INTEGER, 4, 4, "math",
             "The number of the bucket, of so many between two bounds; 0 below, count + 1 above.",
             "width_bucket(5.35, 0.024, 10.06, 5)", "3", TYPES_FLOAT, TYPES_FLOAT, TYPES_FLOAT,
             TYPES_INTEGER),
    {0},
};
