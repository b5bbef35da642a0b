/*
 * aggregate_sum_kernels.c - COUNT, SUM, AVG, TOTAL.
 *
 * Integers and decimals are summed exactly in 128 bits, whatever the order of the rows, so parallel
 * plans give the same answer; SUM(INTEGER) is an INTEGER and an error if it does not fit, as
 * in SQLite. SUM(DECIMAL(p,s)) is a DECIMAL(38,s). Averages divide the exact sum once. Float
 * sums depend on the order of addition in their last digits, as everywhere.
 *
 * One state serves the forms of integers: sum in two words and a count. Without GROUP BY a batch is
 * summed in registers: the halves of 64-bit numbers separately, which cannot overflow
 * for 2,048 rows and which SIMD can do.
 *
 * Build: compiled with -O3 (CMakeLists.txt); correctness does not depend on it.
 */
#include "func/aggregate/aggregate_int.h"

typedef struct sum_state {
    aggregate_wide sum;
    uint64_t count;
} sum_state;

typedef struct float_state {
    double sum;
    uint64_t count;
} float_state;

static uint32_t sum_state_size(const func_aggregate_call *call)
{
    return sizeof(sum_state);
}

static uint32_t float_state_size(const func_aggregate_call *call)
{
    return sizeof(float_state);
}

static BASE_COLD base_status sum_overflow(const func_aggregate_call *call, base_error *error)
{
    char type[TYPES_NAME_SIZE];
    return base_error_set(error, BASE_OUT_OF_RANGE, "the result of %s is out of range for %s",
                          call->function->name, types_name(call->result_type, type));
}

/* ---- COUNT ------------------------------------------------------------------------------- */

static uint32_t count_state_size(const func_aggregate_call *call)
{
    return sizeof(uint64_t);
}

static base_status count_update(func_aggregate_call *call, const vector *const *arguments,
                                const uint16_t *selection, uint32_t count, void *const *states,
                                base_error *error)
{
    if (call->argument_count == 0 || !arguments[0]->validity) {
        for (uint32_t i = 0; i < count; i++)
            ++*(uint64_t *)states[i];
        return BASE_OK;
    }
    aggregate_input input = aggregate_input_of(arguments[0]);
    for (uint32_t i = 0; i < count; i++)
        *(uint64_t *)states[i] += aggregate_is_valid(&input, vector_row(selection, i));
    return BASE_OK;
}

static base_status count_update_single(func_aggregate_call *call, const vector *const *arguments,
                                       const uint16_t *selection, uint32_t count, void *state,
                                       base_error *error)
{
    uint64_t valid = count;
    if (call->argument_count > 0 && arguments[0]->validity) {
        aggregate_input input = aggregate_input_of(arguments[0]);
        valid = 0;
        for (uint32_t i = 0; i < count; i++)
            valid += aggregate_is_valid(&input, vector_row(selection, i));
    }
    *(uint64_t *)state += valid;
    return BASE_OK;
}

static base_status count_remove(func_aggregate_call *call, const vector *const *arguments,
                                uint32_t position, void *state, base_error *error)
{
    *(uint64_t *)state -=
        call->argument_count == 0 || vector_is_valid(arguments[0], position) ? 1 : 0;
    return BASE_OK;
}

static base_status count_combine(func_aggregate_call *call, void *into, const void *from,
                                 base_error *error)
{
    *(uint64_t *)into += *(const uint64_t *)from;
    return BASE_OK;
}

static base_status count_finish(func_aggregate_call *call, const void *state, types_cell *result,
                                bool *result_null, base_error *error)
{
    result->int64 = (int64_t) * (const uint64_t *)state;
    *result_null = false;
    return BASE_OK;
}

/* COUNT_IF: rows where the condition is TRUE. */
static base_status count_if_update(func_aggregate_call *call, const vector *const *arguments,
                                   const uint16_t *selection, uint32_t count, void *const *states,
                                   base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    const uint8_t *values = input.values;
    AGGREGATE_EACH(input, selection, count, i, place, *(uint64_t *)states[i] += values[place]);
    return BASE_OK;
}

static base_status count_if_remove(func_aggregate_call *call, const vector *const *arguments,
                                   uint32_t position, void *state, base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    if (aggregate_is_valid(&input, position))
        *(uint64_t *)state -= ((const uint8_t *)input.values)[aggregate_place(&input, position)];
    return BASE_OK;
}

/* ---- Exact sums of 64-bit numbers -------------------------------------------------------- */

/* Cannot overflow: 2^63 rows of 64 bits need 127. */
BASE_INLINE void add_narrow(sum_state *state, int64_t value)
{
    uint64_t low = state->sum.low + (uint64_t)value;
    state->sum.high += (value >> 63) + (low < (uint64_t)value);
    state->sum.low = low;
    state->count++;
}

static base_status narrow_update(func_aggregate_call *call, const vector *const *arguments,
                                 const uint16_t *selection, uint32_t count, void *const *states,
                                 base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    const int64_t *values = input.values;
    AGGREGATE_EACH(input, selection, count, i, place, add_narrow(states[i], values[place]));
    return BASE_OK;
}

/* Whether 2,048 values have a sum of less than 2^63: decimals of up to 15 digits. */
static bool batch_fits_64_bits(const func_aggregate_call *call)
{
    types_type type = call->argument_types[0];
    return type.kind == TYPES_DECIMAL && type.precision <= 15;
}

/* Sum of a batch, in the narrowest numbers that hold it. */
static int128_t sum_of_batch(const func_aggregate_call *call, const aggregate_input *input,
                             const uint16_t *selection, uint32_t count, uint64_t *seen)
{
    const int64_t *values = input->values;
    bool is_plain = input->step == 1 && !input->codes && !input->validity;
    *seen = count;
    BASE_ASSERT(count <= VECTOR_SIZE);
    if (is_plain && batch_fits_64_bits(call)) {
        /* Two sums: neither waits for the other. Unsigned: wrapping is no undefined behaviour. */
        uint64_t even = 0, odd = 0;
        uint32_t i = 0;
        for (; i + 2 <= count; i += 2) {
            even += (uint64_t)values[vector_row(selection, i)];
            odd += (uint64_t)values[vector_row(selection, i + 1)];
        }
        if (i < count)
            even += (uint64_t)values[vector_row(selection, i)];
        return (int64_t)(even + odd);
    }
    if (is_plain && !selection) {
        /* Both halves of the number moved up by 2^63, which makes it unsigned. */
        uint64_t low = 0, high = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t moved = (uint64_t)values[i] ^ (uint64_t)1 << 63;
            low += moved & UINT32_MAX;
            high += moved >> 32;
        }
        return ((int128_t)high << 32) + low - ((int128_t)count << 63);
    }
    int128_t sum = 0;
    *seen = 0;
    AGGREGATE_EACH(*input, selection, count, i, place, (sum += values[place], ++*seen));
    return sum;
}

static base_status narrow_update_single(func_aggregate_call *call, const vector *const *arguments,
                                        const uint16_t *selection, uint32_t count, void *state,
                                        base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    sum_state *total = state;
    uint64_t seen;
    int128_t sum = sum_of_batch(call, &input, selection, count, &seen);
    (void)aggregate_wide_add(&total->sum, sum);
    total->count += seen;
    return BASE_OK;
}

static base_status narrow_remove(func_aggregate_call *call, const vector *const *arguments,
                                 uint32_t position, void *state, base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    sum_state *total = state;
    if (!aggregate_is_valid(&input, position))
        return BASE_OK;
    int64_t value = ((const int64_t *)input.values)[aggregate_place(&input, position)];
    (void)aggregate_wide_add(&total->sum, -(int128_t)value);
    total->count--;
    return BASE_OK;
}

/* ---- Exact sums of 128-bit decimals ------------------------------------------------------ */

static base_status wide_update(func_aggregate_call *call, const vector *const *arguments,
                               const uint16_t *selection, uint32_t count, void *const *states,
                               base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    const int128_t *values = input.values;
    bool overflows = false;
    AGGREGATE_EACH(input, selection, count, i, place, {
        sum_state *state = states[i];
        overflows |= aggregate_wide_add(&state->sum, values[place]);
        state->count++;
    });
    return overflows ? sum_overflow(call, error) : BASE_OK;
}

static base_status wide_update_single(func_aggregate_call *call, const vector *const *arguments,
                                      const uint16_t *selection, uint32_t count, void *state,
                                      base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    const int128_t *values = input.values;
    sum_state *total = state;
    int128_t sum = aggregate_wide_get(&total->sum);
    uint64_t seen = 0;
    bool overflows = false;
    AGGREGATE_EACH(input, selection, count, i, place, {
        overflows |= __builtin_add_overflow(sum, values[place], &sum);
        seen++;
    });
    aggregate_wide_set(&total->sum, sum);
    total->count += seen;
    return overflows ? sum_overflow(call, error) : BASE_OK;
}

static base_status wide_remove(func_aggregate_call *call, const vector *const *arguments,
                               uint32_t position, void *state, base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    sum_state *total = state;
    if (!aggregate_is_valid(&input, position))
        return BASE_OK;
    int128_t value = ((const int128_t *)input.values)[aggregate_place(&input, position)];
    total->count--;
    return aggregate_wide_add(&total->sum, -value) ? sum_overflow(call, error) : BASE_OK;
}

static base_status sum_combine(func_aggregate_call *call, void *into, const void *from,
                               base_error *error)
{
    sum_state *total = into;
    const sum_state *part = from;
    total->count += part->count;
    return aggregate_wide_add(&total->sum, aggregate_wide_get(&part->sum))
               ? sum_overflow(call, error)
               : BASE_OK;
}

static base_status sum_integer_finish(func_aggregate_call *call, const void *state,
                                      types_cell *result, bool *result_null, base_error *error)
{
    const sum_state *total = state;
    int128_t sum = aggregate_wide_get(&total->sum);
    *result_null = total->count == 0;
    result->int64 = (int64_t)sum;
    return sum != (int64_t)sum ? sum_overflow(call, error) : BASE_OK;
}

static base_status sum_decimal_finish(func_aggregate_call *call, const void *state,
                                      types_cell *result, bool *result_null, base_error *error)
{
    const sum_state *total = state;
    *result_null = total->count == 0;
    result->int128 = aggregate_wide_get(&total->sum);
    return types_decimal_fits(result->int128, TYPES_DECIMAL_MAX_PRECISION)
               ? BASE_OK
               : sum_overflow(call, error);
}

static base_status average_finish(func_aggregate_call *call, const void *state, types_cell *result,
                                  bool *result_null, base_error *error)
{
    const sum_state *total = state;
    *result_null = total->count == 0;
    result->float64 = 0;
    if (total->count > 0)
        result->float64 = types_decimal_to_double(aggregate_wide_get(&total->sum),
                                                  call->argument_types[0].scale) /
                          (double)total->count;
    return BASE_OK;
}

/* ---- Floats ------------------------------------------------------------------------------ */

static base_status float_update(func_aggregate_call *call, const vector *const *arguments,
                                const uint16_t *selection, uint32_t count, void *const *states,
                                base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    const double *values = input.values;
    AGGREGATE_EACH(input, selection, count, i, place, {
        float_state *state = states[i];
        state->sum += values[place];
        state->count++;
    });
    return BASE_OK;
}

/* In eight sums: an addition waits for the one before in the same sum only. */
BASE_INLINE double float_sum(const double *values, const uint16_t *selection, uint32_t count)
{
    enum {
        SUMS = 8
    };
    double sums[SUMS] = {0};
    uint32_t whole = count - count % SUMS;
    for (uint32_t i = 0; i < whole; i += SUMS) {
        for (uint32_t j = 0; j < SUMS; j++)
            sums[j] += values[vector_row(selection, i + j)];
    }
    for (uint32_t i = whole; i < count; i++)
        sums[i % SUMS] += values[vector_row(selection, i)];
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) +
           ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

static base_status float_update_single(func_aggregate_call *call, const vector *const *arguments,
                                       const uint16_t *selection, uint32_t count, void *state,
                                       base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    const double *values = input.values;
    float_state *total = state;
    double sum = total->sum;
    uint64_t seen = 0;
    if (!input.validity && !input.codes && input.step == 1) {
        sum += selection ? float_sum(values, selection, count) : float_sum(values, NULL, count);
        seen = count;
    } else {
        AGGREGATE_EACH(input, selection, count, i, place, (sum += values[place], seen++));
    }
    total->sum = sum;
    total->count += seen;
    return BASE_OK;
}

static base_status float_combine(func_aggregate_call *call, void *into, const void *from,
                                 base_error *error)
{
    float_state *total = into;
    const float_state *part = from;
    total->sum += part->sum;
    total->count += part->count;
    return BASE_OK;
}

static base_status sum_float_finish(func_aggregate_call *call, const void *state,
                                    types_cell *result, bool *result_null, base_error *error)
{
    const float_state *total = state;
    *result_null = total->count == 0;
    result->float64 = total->sum;
    return BASE_OK;
}

static base_status average_float_finish(func_aggregate_call *call, const void *state,
                                        types_cell *result, bool *result_null, base_error *error)
{
    const float_state *total = state;
    *result_null = total->count == 0;
    result->float64 = total->count ? total->sum / (double)total->count : 0;
    return BASE_OK;
}

/* SQLite's TOTAL: 0.0 over no rows. */
static base_status total_finish(func_aggregate_call *call, const void *state, types_cell *result,
                                bool *result_null, base_error *error)
{
    result->float64 = ((const float_state *)state)->sum;
    *result_null = false;
    return BASE_OK;
}

/* ---- Intervals: field by field, as PostgreSQL adds them ---------------------------------- */

typedef struct interval_state {
    types_interval sum;
    uint64_t count;
} interval_state;

static uint32_t interval_state_size(const func_aggregate_call *call)
{
    return sizeof(interval_state);
}

static bool add_interval(interval_state *state, types_interval value)
{
    bool months = __builtin_add_overflow(state->sum.months, value.months, &state->sum.months);
    bool days = __builtin_add_overflow(state->sum.days, value.days, &state->sum.days);
    bool time = __builtin_add_overflow(state->sum.microseconds, value.microseconds,
                                       &state->sum.microseconds);
    return months || days || time;
}

static base_status interval_update(func_aggregate_call *call, const vector *const *arguments,
                                   const uint16_t *selection, uint32_t count, void *const *states,
                                   base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    const types_interval *values = input.values;
    bool overflows = false;
    AGGREGATE_EACH(input, selection, count, i, place, {
        interval_state *state = states[i];
        overflows |= add_interval(state, values[place]);
        state->count++;
    });
    return overflows ? sum_overflow(call, error) : BASE_OK;
}

static base_status interval_combine(func_aggregate_call *call, void *into, const void *from,
                                    base_error *error)
{
    interval_state *total = into;
    const interval_state *part = from;
    total->count += part->count;
    return add_interval(total, part->sum) ? sum_overflow(call, error) : BASE_OK;
}

static base_status interval_finish(func_aggregate_call *call, const void *state, types_cell *result,
                                   bool *result_null, base_error *error)
{
    const interval_state *total = state;
    *result_null = total->count == 0;
    result->interval = total->sum;
    return BASE_OK;
}

/* ---- Types ------------------------------------------------------------------------------- */

typedef enum sum_class {
    SUM_INTEGER,
    SUM_NARROW_DECIMAL,
    SUM_WIDE_DECIMAL,
    SUM_FLOAT,
    SUM_INTERVAL,
    SUM_NONE,
} sum_class;

/* The class of sums that a type belongs to; the type becomes the one that is summed. */
static sum_class class_of(types_type *type)
{
    if (aggregate_is_untyped(*type) || type->kind == TYPES_BOOLEAN)
        *type = TYPES_OF(INTEGER);
    if (type->kind == TYPES_UBIGINT)
        *type = types_decimal_of_integer(*type);
    if (type->kind == TYPES_DECIMAL)
        return type->precision <= TYPES_DECIMAL_MAX_INT64 ? SUM_NARROW_DECIMAL : SUM_WIDE_DECIMAL;
    if (types_is_integer(*type)) {
        *type = TYPES_OF(INTEGER);
        return SUM_INTEGER;
    }
    if (types_is_numeric(*type)) {
        *type = TYPES_OF(FLOAT);
        return SUM_FLOAT;
    }
    return type->kind == TYPES_INTERVAL ? SUM_INTERVAL : SUM_NONE;
}

static bool resolve_class(types_type *types, sum_class wanted)
{
    types_type type = types[0];
    if (class_of(&type) != wanted)
        return false;
    types[0] = type;
    return true;
}

#define RESOLVE(name, wanted, result_expression)                                                   \
    static bool resolve_##name(const func_aggregate *function, types_type *types, uint32_t count,  \
                               types_type *result)                                                 \
    {                                                                                              \
        if (!resolve_class(types, wanted))                                                         \
            return false;                                                                          \
        *result = result_expression;                                                               \
        return true;                                                                               \
    }
RESOLVE(sum_integer, SUM_INTEGER, TYPES_OF(INTEGER))
RESOLVE(sum_narrow, SUM_NARROW_DECIMAL,
        TYPES_DECIMAL_OF(TYPES_DECIMAL_MAX_PRECISION, types[0].scale))
RESOLVE(sum_wide, SUM_WIDE_DECIMAL, TYPES_DECIMAL_OF(TYPES_DECIMAL_MAX_PRECISION, types[0].scale))
RESOLVE(sum_float, SUM_FLOAT, TYPES_OF(FLOAT))
RESOLVE(sum_interval, SUM_INTERVAL, TYPES_OF(INTERVAL))
RESOLVE(average_integer, SUM_INTEGER, TYPES_OF(FLOAT))
RESOLVE(average_narrow, SUM_NARROW_DECIMAL, TYPES_OF(FLOAT))
RESOLVE(average_wide, SUM_WIDE_DECIMAL, TYPES_OF(FLOAT))
RESOLVE(average_float, SUM_FLOAT, TYPES_OF(FLOAT))

static bool resolve_count(const func_aggregate *function, types_type *types, uint32_t count,
                          types_type *result)
{
    if (count == 1 && aggregate_is_untyped(types[0]))
        types[0] = TYPES_OF(TEXT);
    *result = TYPES_OF(INTEGER);
    return true;
}

static bool resolve_count_if(const func_aggregate *function, types_type *types, uint32_t count,
                             types_type *result)
{
    types[0] = TYPES_OF(BOOLEAN);
    *result = TYPES_OF(INTEGER);
    return true;
}

static bool resolve_total(const func_aggregate *function, types_type *types, uint32_t count,
                          types_type *result)
{
    types_type type = types[0];
    sum_class found = class_of(&type);
    if (found == SUM_INTERVAL || found == SUM_NONE)
        return false;
    types[0] = *result = TYPES_OF(FLOAT);
    return true;
}

/* ---- Rows -------------------------------------------------------------------------------- */

#define EXACT(sql, resolver, kind, finisher, sentence, sample, answer)                             \
    {                                                                                              \
        .name = sql, .resolve = resolver, .minimum_arguments = 1, .maximum_arguments = 1,          \
        .state_size = sum_state_size, .update = kind##_update,                                     \
        .update_single = kind##_update_single, .remove = kind##_remove, .combine = sum_combine,    \
        .finish = finisher, .documentation = sentence, .example = sample, .example_result = answer \
    }
#define FLOATING(sql, resolver, finisher, zero, sentence)                                          \
    {                                                                                              \
        .name = sql, .resolve = resolver, .minimum_arguments = 1, .maximum_arguments = 1,          \
        .zero_if_empty = zero, .state_size = float_state_size, .update = float_update,             \
        .update_single = float_update_single, .combine = float_combine, .finish = finisher,        \
        .documentation = sentence                                                                  \
    }

const func_aggregate func_sum_rows[] = {
    {.name = "count",
     .resolve = resolve_count,
     .minimum_arguments = 0,
     .maximum_arguments = 1,
     .zero_if_empty = true,
     .state_size = count_state_size,
     .update = count_update,
     .update_single = count_update_single,
     .remove = count_remove,
     .combine = count_combine,
     .finish = count_finish,
     .documentation = "Number of rows, or of rows whose argument is not NULL."},
    {.name = "count_if",
     .resolve = resolve_count_if,
     .minimum_arguments = 1,
     .maximum_arguments = 1,
     .zero_if_empty = true,
     .state_size = count_state_size,
     .update = count_if_update,
     .remove = count_if_remove,
     .combine = count_combine,
     .finish = count_finish,
     .documentation = "Number of rows for which the condition is TRUE."},
    EXACT("sum", resolve_sum_integer, narrow, sum_integer_finish,
          "Sum of the values that are not NULL; NULL over none. Overflow is an error.", NULL, NULL),
    EXACT("sum", resolve_sum_narrow, narrow, sum_decimal_finish, "Exact sum of decimals.", NULL,
          NULL),
    EXACT("sum", resolve_sum_wide, wide, sum_decimal_finish, "Exact sum of long decimals.", NULL,
          NULL),
    FLOATING("sum", resolve_sum_float, sum_float_finish, false, "Sum of floats."),
    {.name = "sum",
     .resolve = resolve_sum_interval,
     .minimum_arguments = 1,
     .maximum_arguments = 1,
     .state_size = interval_state_size,
     .update = interval_update,
     .combine = interval_combine,
     .finish = interval_finish,
     .documentation = "Sum of intervals."},
    EXACT("avg", resolve_average_integer, narrow, average_finish,
          "Arithmetic mean of the values that are not NULL, as a float.", NULL, NULL),
    EXACT("avg", resolve_average_narrow, narrow, average_finish, "Mean of decimals.", NULL, NULL),
    EXACT("avg", resolve_average_wide, wide, average_finish, "Mean of long decimals.", NULL, NULL),
    FLOATING("avg", resolve_average_float, average_float_finish, false, "Mean of floats."),
    FLOATING("total", resolve_total, total_finish, true,
             "Sum as a float; 0.0 over no values, as in SQLite."),
    {.name = NULL},
};
