/*
 * time_field.c - fields of dates and times: extract and date_part by name, and one function
 * per field (year, month, ...) with an INTEGER result.
 *
 * The named functions are what EXTRACT with a literal field becomes (the binder does that):
 * the field is known at compile time, the result is an integer, and dates need no conversion
 * to timestamps. They are stamped from one list.
 */
#include "func/func_int.h"

/* X(name, FIELD): fields of a day, the same for DATE and TIMESTAMP. */
#define DAY_FIELDS(X)                                                                              \
    X(year, YEAR)                                                                                  \
    X(quarter, QUARTER)                                                                            \
    X(month, MONTH)                                                                                \
    X(week, WEEK)                                                                                  \
    X(day, DAY)                                                                                    \
    X(dow, DOW)                                                                                    \
    X(isodow, ISODOW)                                                                              \
    X(doy, DOY)                                                                                    \
    X(isoyear, ISOYEAR)                                                                            \
    X(decade, DECADE)                                                                              \
    X(century, CENTURY)                                                                            \
    X(millennium, MILLENNIUM)

#define DEFINE_DAY_FIELD(name, FIELD)                                                              \
    static base_status name##_date_row(func_call *call, const types_cell *arguments,               \
                                       const bool *nulls, types_cell *result, bool *result_null,   \
                                       base_error *error)                                          \
    {                                                                                              \
        result->int64 = types_date_field(arguments[0].int32, TYPES_FIELD_##FIELD);                 \
        return BASE_OK;                                                                            \
    }                                                                                              \
    static base_status name##_date_batch(func_call *call, const vector *const *arguments,          \
                                         const uint16_t *selection, uint32_t count,                \
                                         vector *result, base_error *error)                        \
    {                                                                                              \
        const int32_t *days = func_values(arguments[0])->data;                                     \
        int64_t *fields = result->data;                                                            \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            uint32_t row = vector_row(selection, i);                                               \
            fields[row] =                                                                          \
                types_date_field(days[func_position(arguments[0], row)], TYPES_FIELD_##FIELD);     \
        }                                                                                          \
        return BASE_OK;                                                                            \
    }                                                                                              \
    static base_status name##_timestamp_row(func_call *call, const types_cell *arguments,          \
                                            const bool *nulls, types_cell *result,                 \
                                            bool *result_null, base_error *error)                  \
    {                                                                                              \
        result->int64 =                                                                            \
            types_date_field(types_timestamp_day(arguments[0].int64), TYPES_FIELD_##FIELD);        \
        return BASE_OK;                                                                            \
    }
DAY_FIELDS(DEFINE_DAY_FIELD)
#undef DEFINE_DAY_FIELD

/* Fields of the time of day: whole numbers, without the fraction that EXTRACT keeps. */
#define TIME_FIELDS(X)                                                                             \
    X(hour, HOUR)                                                                                  \
    X(minute, MINUTE)                                                                              \
    X(second, SECOND)                                                                              \
    X(millisecond, MILLISECOND)                                                                    \
    X(microsecond, MICROSECOND)

#define DEFINE_TIME_FIELD(name, FIELD)                                                             \
    static base_status name##_row(func_call *call, const types_cell *arguments, const bool *nulls, \
                                  types_cell *result, bool *result_null, base_error *error)        \
    {                                                                                              \
        double value = call->argument_types[0].kind == TYPES_TIME                                  \
                           ? types_time_extract(arguments[0].int64, TYPES_FIELD_##FIELD)           \
                           : types_timestamp_extract(arguments[0].int64, TYPES_FIELD_##FIELD);     \
        result->int64 = (int64_t)value;                                                            \
        return BASE_OK;                                                                            \
    }
TIME_FIELDS(DEFINE_TIME_FIELD)
#undef DEFINE_TIME_FIELD

static base_status interval_field_row(func_call *call, const types_cell *arguments,
                                      const bool *nulls, types_cell *result, bool *result_null,
                                      base_error *error)
{
    types_field field = TYPES_FIELD_YEAR;
    (void)types_field_from_name(base_text_of(call->function->name), &field);
    double value = types_interval_extract(arguments[0].interval, field);
    result->int64 = (int64_t)value;
    return BASE_OK;
}

/* ---- By name ---------------------------------------------------------------------------- */

static base_status field_of(base_text name, types_field *field, base_error *error)
{
    if (types_field_from_name(name, field))
        return BASE_OK;
    return base_error_set(error, BASE_INVALID_PARAMETER, "unknown date or time field \"%.*s\"",
                          (int)BASE_MIN(name.length, (size_t)60), name.data);
}

static bool is_time_field(types_field field)
{
    return (field >= TYPES_FIELD_HOUR && field <= TYPES_FIELD_MICROSECOND) ||
           field == TYPES_FIELD_EPOCH;
}

static base_status extract_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    types_field field;
    RETURN_IF_ERROR(field_of(func_text(&arguments[0]), &field, error));
    const types_cell *time = &arguments[1];
    switch (call->argument_types[1].kind) {
    case TYPES_DATE:
        result->float64 = types_timestamp_extract(time->int32 * TYPES_MICROSECONDS_PER_DAY, field);
        break;
    case TYPES_TIMESTAMP:
        result->float64 = types_timestamp_extract(time->int64, field);
        break;
    case TYPES_TIME:
        if (!is_time_field(field)) {
            base_text name = func_text(&arguments[0]);
            return base_error_set(error, BASE_INVALID_PARAMETER, "a TIME has no field \"%.*s\"",
                                  (int)BASE_MIN(name.length, (size_t)60), name.data);
        }
        result->float64 = types_time_extract(time->int64, field);
        break;
    default:
        result->float64 = types_interval_extract(time->interval, field);
        break;
    }
    return BASE_OK;
}

static base_status epoch_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    result->float64 = call->argument_types[0].kind == TYPES_INTERVAL
                          ? types_interval_extract(arguments[0].interval, TYPES_FIELD_EPOCH)
                          : types_timestamp_extract(arguments[0].int64, TYPES_FIELD_EPOCH);
    return BASE_OK;
}

#define DAY_EXAMPLE_year "2024"
#define DAY_EXAMPLE_quarter "4"
#define DAY_EXAMPLE_month "12"
#define DAY_EXAMPLE_week "1"
#define DAY_EXAMPLE_day "30"
#define DAY_EXAMPLE_dow "1"
#define DAY_EXAMPLE_isodow "1"
#define DAY_EXAMPLE_doy "365"
#define DAY_EXAMPLE_isoyear "2025"
#define DAY_EXAMPLE_decade "202"
#define DAY_EXAMPLE_century "21"
#define DAY_EXAMPLE_millennium "3"

#define DAY_ROWS(name_, FIELD)                                                                     \
    {.name = #name_,                                                                               \
     .resolve = func_resolve_fixed,                                                                \
     .minimum_arguments = 1,                                                                       \
     .maximum_arguments = 1,                                                                       \
     .flags = FUNC_STRICT,                                                                         \
     .argument_kinds = {TYPES_DATE},                                                               \
     .result_kind = TYPES_INTEGER,                                                                 \
     .row = name_##_date_row,                                                                      \
     .batch = name_##_date_batch,                                                                  \
     .category = "date and time",                                                                  \
     .documentation = "The " #name_ " of a date, as EXTRACT gives it.",                            \
     .example = #name_ "(DATE '2024-12-30')",                                                      \
     .example_result = DAY_EXAMPLE_##name_},                                                       \
        FUNC_ROW(#name_, name_##_timestamp_row, FUNC_STRICT, TYPES_INTEGER, 1, 1, "date and time", \
                 "The " #name_ " of a timestamp, as EXTRACT gives it.",                            \
                 #name_ "(TIMESTAMP '2024-12-30 10:20:30')", DAY_EXAMPLE_##name_,                  \
                 TYPES_TIMESTAMP),
#define TIME_EXAMPLE_hour "10"
#define TIME_EXAMPLE_minute "20"
#define TIME_EXAMPLE_second "30"
#define TIME_EXAMPLE_millisecond "30500"
#define TIME_EXAMPLE_microsecond "30500000"
#define TIME_ROWS(name_, FIELD)                                                                    \
    FUNC_ROW(#name_, name_##_row, FUNC_STRICT, TYPES_INTEGER, 1, 1, "date and time",               \
             "The " #name_ " of a timestamp, without a fraction.",                                 \
             #name_ "(TIMESTAMP '2024-12-30 10:20:30.5')", TIME_EXAMPLE_##name_, TYPES_TIMESTAMP), \
        FUNC_ROW(#name_, name_##_row, FUNC_STRICT, TYPES_INTEGER, 1, 1, "date and time",           \
                 "The " #name_ " of a time of day, without a fraction.",                           \
                 #name_ "(TIME '10:20:30.5')", TIME_EXAMPLE_##name_, TYPES_TIME),
#define INTERVAL_ROW(name_, example_, answer)                                                      \
    FUNC_ROW(name_, interval_field_row, FUNC_STRICT, TYPES_INTEGER, 1, 1, "date and time",         \
             "The " name_ "s of an interval.", example_, answer, TYPES_INTERVAL)
#define EXTRACT_ROW(name_, KIND, doc, example_, answer)                                            \
    FUNC_ROW(name_, extract_row, FUNC_STRICT, TYPES_FLOAT, 2, 2, "date and time", doc, example_,   \
             answer, TYPES_TEXT, TYPES_##KIND)
#define EXTRACT_ROWS(name_)                                                                        \
    EXTRACT_ROW(name_, TIMESTAMP, "A field of a timestamp.",                                       \
                name_ "('second', TIMESTAMP '2024-12-30 10:20:30.5')", "30.5"),                    \
        EXTRACT_ROW(name_, DATE, "A field of a date.", name_ "('year', DATE '2024-12-30')",        \
                    "2024"),                                                                       \
        EXTRACT_ROW(name_, TIME, "A field of a time.", name_ "('minute', TIME '10:20')", "20"),    \
        EXTRACT_ROW(name_, INTERVAL, "A field of an interval.",                                    \
                    name_ "('day', INTERVAL '3 days')", "3")

const func_scalar func_time_field_rows[] = {
    DAY_FIELDS(DAY_ROWS) TIME_FIELDS(TIME_ROWS)
        INTERVAL_ROW("year", "year(INTERVAL '14 months')", "1"),
    INTERVAL_ROW("month", "month(INTERVAL '14 months')", "2"),
    INTERVAL_ROW("day", "day(INTERVAL '14 days 3 hours')", "14"),
    INTERVAL_ROW("hour", "hour(INTERVAL '14 days 3 hours')", "3"),
    INTERVAL_ROW("minute", "minute(INTERVAL '90 seconds')", "1"),
    INTERVAL_ROW("second", "second(INTERVAL '90 seconds')", "30"),
    EXTRACT_ROWS("extract"),
    EXTRACT_ROWS("date_part"),
    FUNC_ROW("epoch", epoch_row, FUNC_STRICT, TYPES_FLOAT, 1, 1, "date and time",
             "Seconds since 1970-01-01.", "epoch(TIMESTAMP '1970-01-02 00:00:00')", "86400",
             TYPES_TIMESTAMP),
    FUNC_ROW("epoch", epoch_row, FUNC_STRICT, TYPES_FLOAT, 1, 1, "date and time",
             "Seconds of an interval.", "epoch(INTERVAL '1 minute')", "60", TYPES_INTERVAL),
    FUNC_ROW("dayofweek", dow_timestamp_row, FUNC_STRICT, TYPES_INTEGER, 1, 1, "date and time",
             "The day of the week, 0 is Sunday.", "dayofweek(DATE '2024-12-30')", "1",
             TYPES_TIMESTAMP),
    FUNC_ROW("dayofmonth", day_timestamp_row, FUNC_STRICT, TYPES_INTEGER, 1, 1, "date and time",
             "The day of the month.", "dayofmonth(DATE '2024-12-30')", "30", TYPES_TIMESTAMP),
    FUNC_ROW("dayofyear", doy_timestamp_row, FUNC_STRICT, TYPES_INTEGER, 1, 1, "date and time",
             "The day of the year.", "dayofyear(DATE '2024-12-30')", "365", TYPES_TIMESTAMP),
    {0},
};
