/*
 * time_operator.c - + - * / on dates, times, timestamps and intervals.
 *
 * The results have PostgreSQL's types: a date and an interval give a TIMESTAMP (the interval
 * may hold hours), a date and an integer a DATE, two dates an INTEGER of days, two timestamps
 * an INTERVAL of days and time. Nothing wraps: results outside the calendar are errors.
 *
 * One sign per body: subtraction is addition of the negated interval, where the negation is
 * checked (the least integer has no opposite).
 */
#include "func/func_int.h"

static base_status interval_overflow(base_error *error)
{
    return base_error_set(error, BASE_DATETIME_OVERFLOW, "interval out of range");
}

static base_status negate(types_interval interval, types_interval *result, base_error *error)
{
    if (interval.months == INT32_MIN || interval.days == INT32_MIN ||
        interval.microseconds == INT64_MIN)
        return interval_overflow(error);
    *result = (types_interval){-interval.months, -interval.days, -interval.microseconds};
    return BASE_OK;
}

static bool is_minus(const func_call *call)
{
    return call->function->name[0] == '-';
}

/* ---- Timestamp or date, and interval --------------------------------------------------- */

static int64_t as_timestamp(types_type type, const types_cell *cell)
{
    return type.kind == TYPES_DATE ? cell->int32 * TYPES_MICROSECONDS_PER_DAY : cell->int64;
}

static base_status shift(func_call *call, types_type type, const types_cell *time,
                         types_interval interval, int64_t *result, base_error *error)
{
    if (is_minus(call))
        RETURN_IF_ERROR(negate(interval, &interval, error));
    return types_timestamp_add(as_timestamp(type, time), interval, result, error);
}

static base_status shift_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    return shift(call, call->argument_types[0], &arguments[0], arguments[1].interval,
                 &result->int64, error);
}

static base_status shift_swapped_row(func_call *call, const types_cell *arguments,
                                     const bool *nulls, types_cell *result, bool *result_null,
                                     base_error *error)
{
    return shift(call, call->argument_types[1], &arguments[1], arguments[0].interval,
                 &result->int64, error);
}

static base_status shift_batch(func_call *call, const vector *const *arguments,
                               const uint16_t *selection, uint32_t count, vector *result,
                               base_error *error)
{
    bool dates = call->argument_types[0].kind == TYPES_DATE;
    const void *times = func_values(arguments[0])->data;
    const types_interval *intervals = func_values(arguments[1])->data;
    int64_t *results = result->data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        uint32_t position = func_position(arguments[0], row);
        types_cell time;
        if (dates)
            time.int32 = ((const int32_t *)times)[position];
        else
            time.int64 = ((const int64_t *)times)[position];
        RETURN_IF_ERROR(shift(call, call->argument_types[0], &time,
                              intervals[func_position(arguments[1], row)], &results[row], error));
    }
    return BASE_OK;
}

/* TIMESTAMP and a number of days. */
static base_status shift_days_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                  types_cell *result, bool *result_null, base_error *error)
{
    int64_t days = arguments[1].int64;
    if (days < INT32_MIN || days > INT32_MAX)
        return base_error_set(error, BASE_DATETIME_OVERFLOW, "timestamp out of range");
    return shift(call, call->argument_types[0], &arguments[0],
                 (types_interval){.days = (int32_t)days}, &result->int64, error);
}

/* ---- Dates ------------------------------------------------------------------------------ */

static base_status add_days(int32_t date, int64_t days, int32_t *result, base_error *error)
{
    int64_t sum;
    if (__builtin_add_overflow((int64_t)date, days, &sum) || sum < TYPES_DATE_MIN ||
        sum > TYPES_DATE_MAX)
        return base_error_set(error, BASE_DATETIME_OVERFLOW, "date out of range");
    *result = (int32_t)sum;
    return BASE_OK;
}

static base_status date_days_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    int64_t days = arguments[1].int64;
    if (is_minus(call)) {
        if (days == INT64_MIN)
            return base_error_set(error, BASE_DATETIME_OVERFLOW, "date out of range");
        days = -days;
    }
    return add_days(arguments[0].int32, days, &result->int32, error);
}

static base_status days_date_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    return add_days(arguments[1].int32, arguments[0].int64, &result->int32, error);
}

static base_status date_difference_row(func_call *call, const types_cell *arguments,
                                       const bool *nulls, types_cell *result, bool *result_null,
                                       base_error *error)
{
    result->int64 = (int64_t)arguments[0].int32 - arguments[1].int32;
    return BASE_OK;
}

static base_status date_time_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    types_interval time = {.microseconds = arguments[1].int64};
    return types_timestamp_add(as_timestamp(TYPES_OF(DATE), &arguments[0]), time, &result->int64,
                               error);
}

/* ---- Differences ----------------------------------------------------------------------- */

static base_status timestamp_difference_row(func_call *call, const types_cell *arguments,
                                            const bool *nulls, types_cell *result,
                                            bool *result_null, base_error *error)
{
    int64_t difference;
    if (__builtin_sub_overflow(arguments[0].int64, arguments[1].int64, &difference))
        return interval_overflow(error);
    result->interval = (types_interval){
        .days = (int32_t)(difference / TYPES_MICROSECONDS_PER_DAY),
        .microseconds = difference % TYPES_MICROSECONDS_PER_DAY,
    };
    return BASE_OK;
}

static base_status time_difference_row(func_call *call, const types_cell *arguments,
                                       const bool *nulls, types_cell *result, bool *result_null,
                                       base_error *error)
{
    result->interval = (types_interval){.microseconds = arguments[0].int64 - arguments[1].int64};
    return BASE_OK;
}

/* A time of day and an interval: the days do not count, the clock goes round. */
static base_status time_shift_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                  types_cell *result, bool *result_null, base_error *error)
{
    int64_t step = arguments[1].interval.microseconds % TYPES_MICROSECONDS_PER_DAY;
    int64_t time = arguments[0].int64 + (is_minus(call) ? -step : step);
    time %= TYPES_MICROSECONDS_PER_DAY;
    result->int64 = time < 0 ? time + TYPES_MICROSECONDS_PER_DAY : time;
    return BASE_OK;
}

/* ---- Intervals -------------------------------------------------------------------------- */

static base_status interval_sum_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                    types_cell *result, bool *result_null, base_error *error)
{
    types_interval a = arguments[0].interval, b = arguments[1].interval;
    bool overflow;
    if (is_minus(call))
        overflow = __builtin_sub_overflow(a.months, b.months, &a.months) ||
                   __builtin_sub_overflow(a.days, b.days, &a.days) ||
                   __builtin_sub_overflow(a.microseconds, b.microseconds, &a.microseconds);
    else
        overflow = __builtin_add_overflow(a.months, b.months, &a.months) ||
                   __builtin_add_overflow(a.days, b.days, &a.days) ||
                   __builtin_add_overflow(a.microseconds, b.microseconds, &a.microseconds);
    if (overflow)
        return interval_overflow(error);
    result->interval = a;
    return BASE_OK;
}

static base_status interval_negate_row(func_call *call, const types_cell *arguments,
                                       const bool *nulls, types_cell *result, bool *result_null,
                                       base_error *error)
{
    return negate(arguments[0].interval, &result->interval, error);
}

static double scaled(double number, double factor, bool divides)
{
    return divides ? number / factor : number * factor;
}

/* Each part times the factor or divided by it; what is left of a month goes to the days, of a
 * day to the time, as in PostgreSQL. */
static base_status scale_interval(types_interval interval, double factor, bool divides,
                                  types_interval *result, base_error *error)
{
    double months = scaled(interval.months, factor, divides), whole_months = trunc(months);
    double month_days = (months - whole_months) * 30;
    month_days = round(month_days * 1e6) / 1e6; /* 0.1 * 30 is 3 days, not 2.9999 */
    double days = scaled(interval.days, factor, divides);
    double whole_days = trunc(days) + trunc(month_days);
    double day_time = rint((days - trunc(days) + month_days - trunc(month_days)) *
                           (double)TYPES_MICROSECONDS_PER_DAY);
    /* Two parts of a day, or one rounded up, may be whole days again. */
    double carried = trunc(day_time / (double)TYPES_MICROSECONDS_PER_DAY);
    whole_days += carried;
    day_time -= carried * (double)TYPES_MICROSECONDS_PER_DAY;
    double time = rint(scaled((double)interval.microseconds, factor, divides));
    int64_t microseconds;
    if (!(fabs(whole_months) <= INT32_MAX && fabs(whole_days) <= INT32_MAX &&
          fabs(time) < 0x1p63) ||
        __builtin_add_overflow((int64_t)time, (int64_t)day_time, &microseconds))
        return interval_overflow(error);
    *result = (types_interval){(int32_t)whole_months, (int32_t)whole_days, microseconds};
    return BASE_OK;
}

static base_status interval_times_row(func_call *call, const types_cell *arguments,
                                      const bool *nulls, types_cell *result, bool *result_null,
                                      base_error *error)
{
    return scale_interval(arguments[0].interval, arguments[1].float64, false, &result->interval,
                          error);
}

static base_status times_interval_row(func_call *call, const types_cell *arguments,
                                      const bool *nulls, types_cell *result, bool *result_null,
                                      base_error *error)
{
    return scale_interval(arguments[1].interval, arguments[0].float64, false, &result->interval,
                          error);
}

static base_status interval_divide_row(func_call *call, const types_cell *arguments,
                                       const bool *nulls, types_cell *result, bool *result_null,
                                       base_error *error)
{
    if (arguments[1].float64 == 0) { /* as x / 0 of numbers */
        *result_null = true;
        return BASE_OK;
    }
    return scale_interval(arguments[0].interval, arguments[1].float64, true, &result->interval,
                          error);
}

#define OPERATOR(name_, left, right, result_, body, batch_, doc, example_, answer)                 \
    {                                                                                              \
        .name = name_, .resolve = func_resolve_fixed, .minimum_arguments = 2,                      \
        .maximum_arguments = 2, .flags = FUNC_STRICT,                                              \
        .argument_kinds = {TYPES_##left, TYPES_##right}, .result_kind = TYPES_##result_,           \
        .row = body, .batch = batch_, .category = "date and time", .documentation = doc,           \
        .example = example_, .example_result = answer                                              \
    }
const func_scalar func_time_operator_rows[] = {
    OPERATOR("+", TIMESTAMP, INTERVAL, TIMESTAMP, shift_row, shift_batch,
             "Calendar arithmetic: months first (clamped to the month's end), then days, then "
             "time.",
             "TIMESTAMP '2024-01-31 10:00:00' + INTERVAL '1 month'", "2024-02-29 10:00:00"),
    OPERATOR("+", DATE, INTERVAL, TIMESTAMP, shift_row, shift_batch,
             "A date and an interval give a timestamp.", "DATE '2024-01-31' + INTERVAL '1 day'",
             "2024-02-01 00:00:00"),
    OPERATOR("+", INTERVAL, TIMESTAMP, TIMESTAMP, shift_swapped_row, NULL,
             "The same the other way round.", "INTERVAL '1 day' + TIMESTAMP '2024-02-28 01:00:00'",
             "2024-02-29 01:00:00"),
    OPERATOR("+", INTERVAL, DATE, TIMESTAMP, shift_swapped_row, NULL,
             "The same the other way round.", "INTERVAL '1 day' + DATE '2024-02-28'",
             "2024-02-29 00:00:00"),
    OPERATOR("+", DATE, INTEGER, DATE, date_days_row, NULL, "A date some days later.",
             "DATE '2024-02-28' + 2", "2024-03-01"),
    OPERATOR("+", INTEGER, DATE, DATE, days_date_row, NULL, "A date some days later.",
             "2 + DATE '2024-02-28'", "2024-03-01"),
    OPERATOR("+", TIMESTAMP, INTEGER, TIMESTAMP, shift_days_row, NULL,
             "A timestamp some days later.", "TIMESTAMP '2024-02-28 10:00:00' + 2",
             "2024-03-01 10:00:00"),
    OPERATOR("+", DATE, TIME, TIMESTAMP, date_time_row, NULL, "A date and a time of day.",
             "DATE '2024-02-28' + TIME '10:30'", "2024-02-28 10:30:00"),
    OPERATOR("+", TIME, INTERVAL, TIME, time_shift_row, NULL,
             "A later time of day; the clock goes round.", "TIME '23:30' + INTERVAL '1 hour'",
             "00:30:00"),
    OPERATOR("+", INTERVAL, INTERVAL, INTERVAL, interval_sum_row, NULL, "Sum, part by part.",
             "INTERVAL '1 day' + INTERVAL '2 hours'", "1 day 02:00:00"),
    OPERATOR("-", DATE, DATE, INTEGER, date_difference_row, NULL, "Days between two dates.",
             "DATE '2024-03-01' - DATE '2024-02-01'", "29"),
    OPERATOR("-", TIMESTAMP, TIMESTAMP, INTERVAL, timestamp_difference_row, NULL,
             "Days and time between two timestamps.",
             "TIMESTAMP '2024-03-01 12:00:00' - TIMESTAMP '2024-02-28 10:00:00'",
             "2 days 02:00:00"),
    OPERATOR("-", TIMESTAMP, INTERVAL, TIMESTAMP, shift_row, shift_batch, "Calendar arithmetic.",
             "TIMESTAMP '2024-03-31 10:00:00' - INTERVAL '1 month'", "2024-02-29 10:00:00"),
    OPERATOR("-", DATE, INTERVAL, TIMESTAMP, shift_row, shift_batch,
             "A date and an interval give a timestamp.", "DATE '1998-12-01' - INTERVAL '90 days'",
             "1998-09-02 00:00:00"),
    OPERATOR("-", DATE, INTEGER, DATE, date_days_row, NULL, "A date some days earlier.",
             "DATE '2024-03-01' - 1", "2024-02-29"),
    OPERATOR("-", TIMESTAMP, INTEGER, TIMESTAMP, shift_days_row, NULL,
             "A timestamp some days earlier.", "TIMESTAMP '2024-03-01 10:00:00' - 1",
             "2024-02-29 10:00:00"),
    OPERATOR("-", TIME, TIME, INTERVAL, time_difference_row, NULL, "Time between two times.",
             "TIME '10:30' - TIME '09:00'", "01:30:00"),
    OPERATOR("-", TIME, INTERVAL, TIME, time_shift_row, NULL,
             "An earlier time of day; the clock goes round.", "TIME '00:30' - INTERVAL '1 hour'",
             "23:30:00"),
    OPERATOR("-", INTERVAL, INTERVAL, INTERVAL, interval_sum_row, NULL, "Difference, part by part.",
             "INTERVAL '1 day' - INTERVAL '2 hours'", "1 day -02:00:00"),
    FUNC_ROW("-", interval_negate_row, FUNC_STRICT, TYPES_INTERVAL, 1, 1, "date and time",
             "The opposite of each part.", "- INTERVAL '1 day 2 hours'", "-1 days -02:00:00",
             TYPES_INTERVAL),
    OPERATOR("*", INTERVAL, FLOAT, INTERVAL, interval_times_row, NULL,
             "An interval several times; fractions go down to days and time.",
             "INTERVAL '1 month' * 1.5", "1 mon 15 days"),
    OPERATOR("*", FLOAT, INTERVAL, INTERVAL, times_interval_row, NULL,
             "The same the other way round.", "2 * INTERVAL '1 day'", "2 days"),
    OPERATOR("/", INTERVAL, FLOAT, INTERVAL, interval_divide_row, NULL,
             "A part of an interval; NULL when divided by zero.", "INTERVAL '1 day' / 2",
             "12:00:00"),
    {0},
};
