/*
 * time_make.c - the clock, making dates and times from parts, truncation, differences.
 *
 * The clock is the environment's: now() is the start of the transaction, one value within it,
 * as in PostgreSQL; so these functions are stable and can be folded per statement. All times
 * are UTC.
 */
#include "func/func_int.h"

static base_status date_out_of_range(base_error *error)
{
    return base_error_set(error, BASE_DATETIME_OVERFLOW, "date or time field out of range");
}

static int64_t time_of_day(int64_t timestamp)
{
    int64_t time = timestamp % TYPES_MICROSECONDS_PER_DAY;
    return time < 0 ? time + TYPES_MICROSECONDS_PER_DAY : time;
}

/* ---- The clock -------------------------------------------------------------------------- */

static base_status now_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = call->environment->transaction_time;
    return BASE_OK;
}

static base_status statement_time_row(func_call *call, const types_cell *arguments,
                                      const bool *nulls, types_cell *result, bool *result_null,
                                      base_error *error)
{
    result->int64 = call->environment->statement_time;
    return BASE_OK;
}

static base_status current_date_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                    types_cell *result, bool *result_null, base_error *error)
{
    result->int32 = types_timestamp_day(call->environment->transaction_time);
    return BASE_OK;
}

static base_status current_time_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                    types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = time_of_day(call->environment->transaction_time);
    return BASE_OK;
}

/* ---- From parts ------------------------------------------------------------------------- */

static bool date_of_parts(int64_t year, int64_t month, int64_t day, int32_t *date)
{
    /* There is no year 0; -1 is 1 BC. */
    if (year == 0 || year < -5000 || year > 300000 || month < 1 || month > 12 || day < 1 ||
        day > 31)
        return false;
    return types_date_from_civil((int32_t)(year < 0 ? year + 1 : year), (int32_t)month,
                                 (int32_t)day, date);
}

static bool time_of_parts(int64_t hour, int64_t minute, double second, int64_t *time)
{
    if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || !(second >= 0 && second < 61))
        return false;
    *time = (hour * 60 + minute) * 60000000 + (int64_t)rint(second * 1e6);
    return *time <= TYPES_MICROSECONDS_PER_DAY;
}

static base_status make_date_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    return date_of_parts(arguments[0].int64, arguments[1].int64, arguments[2].int64, &result->int32)
               ? BASE_OK
               : date_out_of_range(error);
}

static base_status make_time_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    return time_of_parts(arguments[0].int64, arguments[1].int64, arguments[2].float64,
                         &result->int64)
               ? BASE_OK
               : date_out_of_range(error);
}

static base_status make_timestamp_row(func_call *call, const types_cell *arguments,
                                      const bool *nulls, types_cell *result, bool *result_null,
                                      base_error *error)
{
    int32_t date;
    int64_t time;
    if (!date_of_parts(arguments[0].int64, arguments[1].int64, arguments[2].int64, &date) ||
        !time_of_parts(arguments[3].int64, arguments[4].int64, arguments[5].float64, &time))
        return date_out_of_range(error);
    return types_timestamp_add(date * TYPES_MICROSECONDS_PER_DAY,
                               (types_interval){.microseconds = time}, &result->int64, error);
}

/* Seconds since 1970. */
static base_status to_timestamp_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                    types_cell *result, bool *result_null, base_error *error)
{
    double microseconds = rint(arguments[0].float64 * 1e6);
    if (!(microseconds >= (double)TYPES_TIMESTAMP_MIN &&
          microseconds < (double)TYPES_TIMESTAMP_MAX))
        return base_error_set(error, BASE_DATETIME_OVERFLOW, "timestamp out of range");
    result->int64 = (int64_t)microseconds;
    return BASE_OK;
}

static base_status unixepoch_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    int64_t time = arguments[0].int64;
    result->int64 = time / 1000000 - (time % 1000000 < 0);
    return BASE_OK;
}

static base_status last_day_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    types_civil civil;
    types_civil_from_date(arguments[0].int32, &civil);
    result->int32 =
        arguments[0].int32 - civil.day + (int32_t)types_days_in_month(civil.year, civil.month);
    return BASE_OK;
}

/* ---- Truncation ------------------------------------------------------------------------- */

static base_status field_of(base_text name, types_field *field, base_error *error)
{
    if (types_field_from_name(name, field))
        return BASE_OK;
    return base_error_set(error, BASE_INVALID_PARAMETER, "unknown date or time field \"%.*s\"",
                          (int)BASE_MIN(name.length, (size_t)60), name.data);
}

static base_status date_trunc_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                  types_cell *result, bool *result_null, base_error *error)
{
    types_field field;
    RETURN_IF_ERROR(field_of(func_text(&arguments[0]), &field, error));
    result->int64 = types_timestamp_truncate(arguments[1].int64, field);
    return BASE_OK;
}

static base_status date_trunc_batch(func_call *call, const vector *const *arguments,
                                    const uint16_t *selection, uint32_t count, vector *result,
                                    base_error *error)
{
    const types_string *names = func_values(arguments[0])->data;
    const int64_t *times = func_values(arguments[1])->data;
    int64_t *results = result->data;
    types_field field = TYPES_FIELD_YEAR;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        if (i == 0 || arguments[0]->shape != VECTOR_CONSTANT) {
            const types_string *name = &names[func_position(arguments[0], row)];
            RETURN_IF_ERROR(
                field_of((base_text){types_string_data(name), name->length}, &field, error));
        }
        results[row] = types_timestamp_truncate(times[func_position(arguments[1], row)], field);
    }
    return BASE_OK;
}

static base_status interval_trunc_row(func_call *call, const types_cell *arguments,
                                      const bool *nulls, types_cell *result, bool *result_null,
                                      base_error *error)
{
    static const int64_t units[] = {
        [TYPES_FIELD_HOUR] = INT64_C(3600000000),
        [TYPES_FIELD_MINUTE] = 60000000,
        [TYPES_FIELD_SECOND] = 1000000,
        [TYPES_FIELD_MILLISECOND] = 1000,
        [TYPES_FIELD_MICROSECOND] = 1,
    };
    types_field field;
    RETURN_IF_ERROR(field_of(func_text(&arguments[0]), &field, error));
    types_interval interval = arguments[1].interval;
    int32_t months = field == TYPES_FIELD_MILLENNIUM ? 12000
                     : field == TYPES_FIELD_CENTURY  ? 1200
                     : field == TYPES_FIELD_DECADE   ? 120
                     : field == TYPES_FIELD_YEAR     ? 12
                     : field == TYPES_FIELD_QUARTER  ? 3
                     : field == TYPES_FIELD_MONTH    ? 1
                                                     : 0;
    if (months) {
        interval = (types_interval){.months = interval.months / months * months};
    } else if (field == TYPES_FIELD_DAY) {
        interval.microseconds = 0;
    } else if ((size_t)field < BASE_COUNT_OF(units) && units[field]) {
        interval.microseconds = interval.microseconds / units[field] * units[field];
    } else {
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "an interval cannot be truncated to that field");
    }
    result->interval = interval;
    return BASE_OK;
}

/* The start of the bin of `width` that the time lies in, counted from `origin`. */
static base_status bin_start(types_interval width, int64_t time, int64_t origin, int64_t *start,
                             base_error *error)
{
    int64_t step;
    if (width.months != 0 ||
        __builtin_mul_overflow((int64_t)width.days, TYPES_MICROSECONDS_PER_DAY, &step) ||
        __builtin_add_overflow(step, width.microseconds, &step) || step <= 0) {
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "the width of a bin must be positive and without months");
    }
    int64_t distance;
    if (__builtin_sub_overflow(time, origin, &distance))
        return base_error_set(error, BASE_DATETIME_OVERFLOW, "timestamp out of range");
    int64_t rest = distance % step;
    if (__builtin_sub_overflow(time, rest < 0 ? rest + step : rest, start) ||
        *start < TYPES_TIMESTAMP_MIN)
        return base_error_set(error, BASE_DATETIME_OVERFLOW, "timestamp out of range");
    return BASE_OK;
}

/* time_bucket counts from a Monday, 2000-01-03; date_bin has its origin as an argument. */
static base_status bin_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    int64_t origin = call->argument_count > 2 ? arguments[2].int64 : INT64_C(946857600000000);
    return bin_start(arguments[0].interval, arguments[1].int64, origin, &result->int64, error);
}

/* ---- Differences ------------------------------------------------------------------------ */

/* Years, months and days of the calendar between two times, as PostgreSQL's age: a missing
 * day is borrowed from the month of the earlier time. */
static types_interval age_of(int64_t later, int64_t earlier)
{
    types_civil a, b;
    types_civil_from_timestamp(later, &a);
    types_civil_from_timestamp(earlier, &b);
    int32_t months = (a.year - b.year) * 12 + (a.month - b.month);
    int32_t days = a.day - b.day;
    int64_t time = time_of_day(later) - time_of_day(earlier);
    if (time < 0) {
        time += TYPES_MICROSECONDS_PER_DAY;
        days--;
    }
    if (days < 0) {
        days += (int32_t)types_days_in_month(b.year, b.month);
        months--;
    }
    return (types_interval){months, days, time};
}

static base_status age_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    int64_t a = arguments[0].int64, b;
    if (call->argument_count > 1) {
        b = arguments[1].int64;
    } else { /* from midnight of today */
        b = a;
        a = types_timestamp_day(call->environment->transaction_time) * TYPES_MICROSECONDS_PER_DAY;
    }
    if (a >= b) {
        result->interval = age_of(a, b);
    } else {
        types_interval age = age_of(b, a);
        result->interval = (types_interval){-age.months, -age.days, -age.microseconds};
    }
    return BASE_OK;
}

static base_status datediff_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = (int64_t)arguments[0].int32 - arguments[1].int32;
    return BASE_OK;
}

/* Borders of the unit that lie between start and end. */
static base_status date_diff_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    types_field field;
    RETURN_IF_ERROR(field_of(func_text(&arguments[0]), &field, error));
    int64_t start = arguments[1].int64, end = arguments[2].int64;
    types_civil a, b;
    types_civil_from_timestamp(start, &a);
    types_civil_from_timestamp(end, &b);
    int64_t months = ((int64_t)b.year * 12 + b.month) - ((int64_t)a.year * 12 + a.month);
    start = types_timestamp_truncate(start, field);
    end = types_timestamp_truncate(end, field);
    int64_t unit = 1;
    switch (field) {
    case TYPES_FIELD_YEAR:
        result->int64 = b.year - a.year;
        return BASE_OK;
    case TYPES_FIELD_QUARTER:
        result->int64 =
            ((int64_t)b.year * 4 + (b.month - 1) / 3) - ((int64_t)a.year * 4 + (a.month - 1) / 3);
        return BASE_OK;
    case TYPES_FIELD_MONTH:
        result->int64 = months;
        return BASE_OK;
    case TYPES_FIELD_WEEK:
        unit = 7 * TYPES_MICROSECONDS_PER_DAY;
        break;
    case TYPES_FIELD_DAY:
        unit = TYPES_MICROSECONDS_PER_DAY;
        break;
    case TYPES_FIELD_HOUR:
        unit = INT64_C(3600000000);
        break;
    case TYPES_FIELD_MINUTE:
        unit = 60000000;
        break;
    case TYPES_FIELD_SECOND:
        unit = 1000000;
        break;
    case TYPES_FIELD_MILLISECOND:
        unit = 1000;
        break;
    case TYPES_FIELD_MICROSECOND:
        break;
    default:
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "no difference in units of that "
                              "field");
    }
    int64_t difference;
    if (__builtin_sub_overflow(end, start, &difference))
        return base_error_set(error, BASE_DATETIME_OVERFLOW, "difference out of range");
    result->int64 = difference / unit;
    return BASE_OK;
}

/* ---- Shifting --------------------------------------------------------------------------- */

static bool is_subtraction(const func_call *call)
{
    return strstr(call->function->name, "sub") != NULL;
}

static base_status shift(func_call *call, int64_t time, types_interval by, int64_t *result,
                         base_error *error)
{
    if (is_subtraction(call)) {
        if (by.months == INT32_MIN || by.days == INT32_MIN || by.microseconds == INT64_MIN)
            return base_error_set(error, BASE_DATETIME_OVERFLOW, "interval out of range");
        by = (types_interval){-by.months, -by.days, -by.microseconds};
    }
    return types_timestamp_add(time, by, result, error);
}

static base_status date_add_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    return shift(call, arguments[0].int64, arguments[1].interval, &result->int64, error);
}

/* date_add(ts, n[, unit]): the unit is day when not given. */
static base_status date_add_units_row(func_call *call, const types_cell *arguments,
                                      const bool *nulls, types_cell *result, bool *result_null,
                                      base_error *error)
{
    int64_t count = arguments[1].int64;
    types_field field = TYPES_FIELD_DAY;
    if (call->argument_count > 2)
        RETURN_IF_ERROR(field_of(func_text(&arguments[2]), &field, error));
    types_interval by = {0, 0, 0};
    int64_t months = 0, days = 0;
    bool overflow = false;
    switch (field) {
    case TYPES_FIELD_YEAR:
        overflow = __builtin_mul_overflow(count, 12, &months);
        break;
    case TYPES_FIELD_QUARTER:
        overflow = __builtin_mul_overflow(count, 3, &months);
        break;
    case TYPES_FIELD_MONTH:
        months = count;
        break;
    case TYPES_FIELD_WEEK:
        overflow = __builtin_mul_overflow(count, 7, &days);
        break;
    case TYPES_FIELD_DAY:
        days = count;
        break;
    case TYPES_FIELD_HOUR:
        overflow = __builtin_mul_overflow(count, INT64_C(3600000000), &by.microseconds);
        break;
    case TYPES_FIELD_MINUTE:
        overflow = __builtin_mul_overflow(count, 60000000, &by.microseconds);
        break;
    case TYPES_FIELD_SECOND:
        overflow = __builtin_mul_overflow(count, 1000000, &by.microseconds);
        break;
    case TYPES_FIELD_MILLISECOND:
        overflow = __builtin_mul_overflow(count, 1000, &by.microseconds);
        break;
    case TYPES_FIELD_MICROSECOND:
        by.microseconds = count;
        break;
    default:
        return base_error_set(error, BASE_INVALID_PARAMETER, "that field is no unit of time");
    }
    if (overflow || months < INT32_MIN || months > INT32_MAX || days < INT32_MIN ||
        days > INT32_MAX)
        return base_error_set(error, BASE_DATETIME_OVERFLOW, "interval out of range");
    by.months = (int32_t)months;
    by.days = (int32_t)days;
    return shift(call, arguments[0].int64, by, &result->int64, error);
}

/* ---- Intervals -------------------------------------------------------------------------- */

static base_status make_interval_row(func_call *call, const types_cell *arguments,
                                     const bool *nulls, types_cell *result, bool *result_null,
                                     base_error *error)
{
    /* to_years .. to_microseconds: the part is told by the name. */
    static const struct {
        const char *name;
        int64_t months, days, microseconds;
    } units[] = {
        {"to_years", 12, 0, 0},         {"to_months", 1, 0, 0},
        {"to_weeks", 0, 7, 0},          {"to_days", 0, 1, 0},
        {"to_hours", 0, 0, 3600000000}, {"to_minutes", 0, 0, 60000000},
        {"to_seconds", 0, 0, 1000000},
    };
    int64_t count = arguments[0].int64, months = 0, days = 0, microseconds = 0;
    bool overflow = false;
    for (size_t i = 0; i < BASE_COUNT_OF(units); i++) {
        if (strcmp(units[i].name, call->function->name) != 0)
            continue;
        overflow = __builtin_mul_overflow(count, units[i].months, &months) ||
                   __builtin_mul_overflow(count, units[i].days, &days) ||
                   __builtin_mul_overflow(count, units[i].microseconds, &microseconds);
    }
    if (overflow || months < INT32_MIN || months > INT32_MAX || days < INT32_MIN ||
        days > INT32_MAX)
        return base_error_set(error, BASE_DATETIME_OVERFLOW, "interval out of range");
    result->interval = (types_interval){(int32_t)months, (int32_t)days, microseconds};
    return BASE_OK;
}

/* justify_hours: 24 hours become a day; justify_days: 30 days a month; _interval: both. */
static base_status justify_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    types_interval interval = arguments[0].interval;
    bool hours = strcmp(call->function->name, "justify_days") != 0;
    bool months = strcmp(call->function->name, "justify_hours") != 0;
    int64_t days = interval.days, month_count = interval.months;
    if (hours) {
        days += interval.microseconds / TYPES_MICROSECONDS_PER_DAY;
        interval.microseconds %= TYPES_MICROSECONDS_PER_DAY;
    }
    if (months) {
        month_count += days / 30;
        days %= 30;
    }
    /* One sign for what was carried and what is left. */
    if (months && month_count > 0 &&
        (days < 0 || (days == 0 && interval.microseconds < 0 && hours))) {
        days += 30;
        month_count--;
    } else if (months && month_count < 0 &&
               (days > 0 || (days == 0 && interval.microseconds > 0 && hours))) {
        days -= 30;
        month_count++;
    }
    if (hours && days > 0 && interval.microseconds < 0) {
        interval.microseconds += TYPES_MICROSECONDS_PER_DAY;
        days--;
    } else if (hours && days < 0 && interval.microseconds > 0) {
        interval.microseconds -= TYPES_MICROSECONDS_PER_DAY;
        days++;
    }
    if (days < INT32_MIN || days > INT32_MAX || month_count < INT32_MIN || month_count > INT32_MAX)
        return base_error_set(error, BASE_DATETIME_OVERFLOW, "interval out of range");
    interval.days = (int32_t)days;
    interval.months = (int32_t)month_count;
    result->interval = interval;
    return BASE_OK;
}

#define CLOCK_ROW(name, body, result, doc, example, answer)                                        \
    FUNC_ROW(name, body, FUNC_STABLE, TYPES_##result, 0, 0, "date and time", doc, example, answer, \
             0)
#define TIME_ROW(name, body, result, minimum, maximum, doc, example, answer, ...)                  \
    FUNC_ROW(name, body, FUNC_STRICT, TYPES_##result, minimum, maximum, "date and time", doc,      \
             example, answer, __VA_ARGS__)
#define SHIFT_ROWS(name, sign, doc, example, answer)                                               \
    TIME_ROW(name, date_add_row, TIMESTAMP, 2, 2, doc, example, answer, TYPES_TIMESTAMP,           \
             TYPES_INTERVAL),                                                                      \
        TIME_ROW(name, date_add_units_row, TIMESTAMP, 2, 3,                                        \
                 doc " As a number of units, days when not given.", NULL, NULL, TYPES_TIMESTAMP,   \
                 TYPES_INTEGER, TYPES_TEXT)
#define UNIT_ROW(name, example, answer)                                                            \
    TIME_ROW(name, make_interval_row, INTERVAL, 1, 1, "An interval of so many units.", example,    \
             answer, TYPES_INTEGER)

const func_scalar func_time_make_rows[] = {
    CLOCK_ROW("now", now_row, TIMESTAMP, "The time at which the transaction began.",
              "now() > TIMESTAMP '2020-01-01'", "true"),
    CLOCK_ROW("current_timestamp", now_row, TIMESTAMP, "The same as now.",
              "current_timestamp = now()", "true"),
    CLOCK_ROW("localtimestamp", now_row, TIMESTAMP, "The same as now.", "localtimestamp = now()",
              "true"),
    CLOCK_ROW("transaction_timestamp", now_row, TIMESTAMP, "The same as now.",
              "transaction_timestamp() = now()", "true"),
    CLOCK_ROW("statement_timestamp", statement_time_row, TIMESTAMP,
              "The time at which the statement began.", "statement_timestamp() >= now()", "true"),
    CLOCK_ROW("clock_timestamp", statement_time_row, TIMESTAMP,
              "The time at which the statement began.", "clock_timestamp() >= now()", "true"),
    CLOCK_ROW("current_date", current_date_row, DATE, "Today.",
              "current_date = CAST(now() AS DATE)", "true"),
    CLOCK_ROW("curdate", current_date_row, DATE, "Today.", "curdate() = current_date", "true"),
    CLOCK_ROW("today", current_date_row, DATE, "Today.", "today() = current_date", "true"),
    CLOCK_ROW("current_time", current_time_row, TIME, "The time of day.",
              "current_time = CAST(now() AS TIME)", "true"),
    CLOCK_ROW("localtime", current_time_row, TIME, "The time of day.", "localtime = current_time",
              "true"),
    TIME_ROW("make_date", make_date_row, DATE, 3, 3, "A date from year, month, day.",
             "make_date(2024, 2, 29)", "2024-02-29", TYPES_INTEGER, TYPES_INTEGER, TYPES_INTEGER),
    TIME_ROW("make_time", make_time_row, TIME, 3, 3, "A time from hour, minute, second.",
             "make_time(8, 15, 23.5)", "08:15:23.5", TYPES_INTEGER, TYPES_INTEGER, TYPES_FLOAT),
    TIME_ROW("make_timestamp", make_timestamp_row, TIMESTAMP, 6, 6,
             "A timestamp from year, month, day, hour, minute, second.",
             "make_timestamp(2024, 2, 29, 8, 15, 23.5)", "2024-02-29 08:15:23.5", TYPES_INTEGER,
             TYPES_INTEGER, TYPES_INTEGER, TYPES_INTEGER, TYPES_INTEGER, TYPES_FLOAT),
    TIME_ROW("to_timestamp", to_timestamp_row, TIMESTAMP, 1, 1,
             "The timestamp so many seconds after 1970-01-01.", "to_timestamp(86400)",
             "1970-01-02 00:00:00", TYPES_FLOAT),
    TIME_ROW("from_unixtime", to_timestamp_row, TIMESTAMP, 1, 1, "The same as to_timestamp.",
             "from_unixtime(0)", "1970-01-01 00:00:00", TYPES_FLOAT),
    TIME_ROW("unix_timestamp", unixepoch_row, INTEGER, 1, 1, "Whole seconds since 1970-01-01.",
             "unix_timestamp(TIMESTAMP '1970-01-02 00:00:00')", "86400", TYPES_TIMESTAMP),
    TIME_ROW("last_day", last_day_row, DATE, 1, 1, "The last day of the month.",
             "last_day(DATE '2024-02-03')", "2024-02-29", TYPES_DATE),
    {.name = "date_trunc",
     .resolve = func_resolve_fixed,
     .minimum_arguments = 2,
     .maximum_arguments = 2,
     .flags = FUNC_STRICT,
     .argument_kinds = {TYPES_TEXT, TYPES_TIMESTAMP},
     .result_kind = TYPES_TIMESTAMP,
     .row = date_trunc_row,
     .batch = date_trunc_batch,
     .category = "date and time",
     .documentation = "The start of the year, quarter, month, week, day, hour, ... that the time "
                      "lies in.",
     .example = "date_trunc('month', TIMESTAMP '2024-02-29 10:20:30')",
     .example_result = "2024-02-01 00:00:00"},
    TIME_ROW("date_trunc", interval_trunc_row, INTERVAL, 2, 2, "An interval cut off at a unit.",
             "date_trunc('hour', INTERVAL '1 day 02:30:00')", "1 day 02:00:00", TYPES_TEXT,
             TYPES_INTERVAL),
    TIME_ROW("date_bin", bin_row, TIMESTAMP, 3, 3,
             "The start of the bin of a width that the time lies in, counted from an origin.",
             "date_bin('15 minutes', TIMESTAMP '2024-02-29 10:20:30', TIMESTAMP '2001-01-01')",
             "2024-02-29 10:15:00", TYPES_INTERVAL, TYPES_TIMESTAMP, TYPES_TIMESTAMP),
    TIME_ROW("time_bucket", bin_row, TIMESTAMP, 2, 3,
             "The start of the bin of a width that the time lies in.",
             "time_bucket('1 hour', TIMESTAMP '2024-02-29 10:20:30')", "2024-02-29 10:00:00",
             TYPES_INTERVAL, TYPES_TIMESTAMP, TYPES_TIMESTAMP),
    TIME_ROW("time_trunc", bin_row, TIMESTAMP, 2, 2, "The same as time_bucket.",
             "time_trunc('15m', TIMESTAMP '2024-02-29 10:20:30')", "2024-02-29 10:15:00",
             TYPES_INTERVAL, TYPES_TIMESTAMP),
    TIME_ROW("age", age_row, INTERVAL, 2, 2,
             "Years, months and days from the second to the first "
             "time.",
             "age(TIMESTAMP '2024-03-01', TIMESTAMP '2023-01-31')", "1 year 1 mon 1 day",
             TYPES_TIMESTAMP, TYPES_TIMESTAMP),
    FUNC_ROW("age", age_row, FUNC_STRICT | FUNC_STABLE, TYPES_INTERVAL, 1, 1, "date and time",
             "Years, months and days from the time to midnight of today.", "age(current_date)",
             "00:00:00", TYPES_TIMESTAMP),
    TIME_ROW("datediff", datediff_row, INTEGER, 2, 2, "Days from the second date to the first.",
             "datediff(DATE '2024-03-01', DATE '2024-02-01')", "29", TYPES_DATE, TYPES_DATE),
    TIME_ROW("date_diff", datediff_row, INTEGER, 2, 2, "The same as datediff.",
             "date_diff(DATE '2024-03-01', DATE '2024-02-01')", "29", TYPES_DATE, TYPES_DATE),
    TIME_ROW("date_diff", date_diff_row, INTEGER, 3, 3,
             "Borders of a unit between the first and the second time.",
             "date_diff('month', DATE '2024-01-31', DATE '2024-03-01')", "2", TYPES_TEXT,
             TYPES_TIMESTAMP, TYPES_TIMESTAMP),
    TIME_ROW("datediff", date_diff_row, INTEGER, 3, 3, "The same as date_diff.",
             "datediff('year', DATE '2023-12-31', DATE '2024-01-01')", "1", TYPES_TEXT,
             TYPES_TIMESTAMP, TYPES_TIMESTAMP),
    SHIFT_ROWS("date_add", +, "A later time.",
               "date_add(TIMESTAMP '2024-01-31 00:00:00', INTERVAL '1 month')",
               "2024-02-29 00:00:00"),
    SHIFT_ROWS("date_sub", -, "An earlier time.",
               "date_sub(TIMESTAMP '2024-03-31 00:00:00', INTERVAL '1 month')",
               "2024-02-29 00:00:00"),
    UNIT_ROW("to_years", "to_years(2)", "2 years"),
    UNIT_ROW("to_months", "to_months(14)", "1 year 2 mons"),
    UNIT_ROW("to_weeks", "to_weeks(2)", "14 days"),
    UNIT_ROW("to_days", "to_days(3)", "3 days"),
    UNIT_ROW("to_hours", "to_hours(30)", "30:00:00"),
    UNIT_ROW("to_minutes", "to_minutes(90)", "01:30:00"),
    UNIT_ROW("to_seconds", "to_seconds(90)", "00:01:30"),
    TIME_ROW("justify_hours", justify_row, INTERVAL, 1, 1, "24 hours become a day.",
             "justify_hours(INTERVAL '30 hours')", "1 day 06:00:00", TYPES_INTERVAL),
    TIME_ROW("justify_days", justify_row, INTERVAL, 1, 1, "30 days become a month.",
             "justify_days(INTERVAL '35 days')", "1 mon 5 days", TYPES_INTERVAL),
    TIME_ROW("justify_interval", justify_row, INTERVAL, 1, 1,
             "24 hours become a day, 30 days a month.",
             "justify_interval(INTERVAL '30 days 24 "
             "hours')",
             "1 mon 1 day", TYPES_INTERVAL),
    {0},
};
