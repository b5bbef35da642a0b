/*
 * time_sqlite.c - SQLite's date(), time(), datetime(), julianday(), unixepoch(), strftime():
 * a time value and any number of modifiers ('+1 month', 'start of year', 'weekday 0').
 *
 * The time value is a text ('now', a timestamp, a time of day, a Julian day number), a
 * timestamp or a number. Results have real types: date() gives a DATE where SQLite gives text;
 * they print alike. As in SQLite, an unusable time value or modifier gives NULL.
 */
#include "func/func_int.h"
#include "func/scalar/time_text.h"

static const int64_t julian_epoch = INT64_C(-210866760000000000); /* noon of day 0 */

double func_julian_day(int64_t timestamp)
{
    return (double)(timestamp - julian_epoch) / (double)TYPES_MICROSECONDS_PER_DAY;
}

/* A number is a Julian day, or with the modifier 'unixepoch' seconds since 1970. */
static bool from_number(double number, bool is_epoch, int64_t *timestamp)
{
    double microseconds =
        is_epoch ? number * 1e6 : rint(number * 86400000) * 1000 + (double)julian_epoch;
    if (!(fabs(microseconds) < 9e18))
        return false;
    *timestamp = (int64_t)microseconds;
    return types_is_timestamp(*timestamp);
}

static bool start_value(func_call *call, types_type type, const types_cell *cell, bool is_epoch,
                        int64_t *timestamp)
{
    types_value value = {.type = type, .cell = *cell};
    if (type.kind == TYPES_TIMESTAMP) {
        *timestamp = cell->int64;
        return true;
    }
    if (type.kind == TYPES_FLOAT)
        return from_number(cell->float64, is_epoch, timestamp);
    base_text text = func_text(&value.cell);
    if (base_text_equal_folded(text, BASE_TEXT("now"))) {
        *timestamp = call->environment->statement_time;
        return true;
    }
    types_value parsed;
    if (types_parse(text, TYPES_OF(FLOAT), call->heap, &parsed, NULL) == BASE_OK)
        return from_number(parsed.cell.float64, is_epoch, timestamp);
    if (types_parse(text, TYPES_OF(TIMESTAMP), call->heap, &parsed, NULL) == BASE_OK) {
        *timestamp = parsed.cell.int64;
        return true;
    }
    if (types_parse(text, TYPES_OF(TIME), call->heap, &parsed, NULL) == BASE_OK) {
        *timestamp = INT64_C(946684800000000) + parsed.cell.int64; /* 2000-01-01 */
        return true;
    }
    return false;
}

static bool starts_with(base_text text, const char *word)
{
    size_t length = strlen(word);
    return text.length >= length &&
           base_text_equal_folded((base_text){text.data, length}, (base_text){word, length});
}

/* SQLite does not clamp: January 31 and a month is March 2 or 3. */
static bool add_months_unclamped(int64_t *timestamp, int64_t months)
{
    types_civil civil;
    types_civil_from_timestamp(*timestamp, &civil);
    int64_t total = (int64_t)civil.year * 12 + civil.month - 1 + months;
    int64_t year = total / 12 - (total % 12 < 0);
    int32_t first;
    if (year < -4714 || year > 300000 ||
        !types_date_from_civil((int32_t)year, (int32_t)(total - year * 12) + 1, 1, &first))
        return false;
    int64_t time = *timestamp - types_timestamp_day(*timestamp) * TYPES_MICROSECONDS_PER_DAY;
    *timestamp = ((int64_t)first + civil.day - 1) * TYPES_MICROSECONDS_PER_DAY + time;
    return types_is_timestamp(*timestamp);
}

/* "+1.5 hours", "-2 months" */
static bool apply_shift(base_text modifier, int64_t *timestamp)
{
    types_value number;
    size_t digits = 0;
    while (digits < modifier.length && modifier.data[digits] != ' ')
        digits++;
    if (types_parse((base_text){modifier.data, digits}, TYPES_OF(FLOAT), NULL, &number, NULL) !=
        BASE_OK)
        return false;
    double count = number.cell.float64;
    base_text unit = {modifier.data + digits, modifier.length - digits};
    while (unit.length && unit.data[0] == ' ') {
        unit.data++;
        unit.length--;
    }
    types_field field;
    if (!types_field_from_name(unit, &field) || !(fabs(count) < 1e12))
        return false;
    double scale;
    switch (field) {
    case TYPES_FIELD_YEAR:
        return add_months_unclamped(timestamp, (int64_t)rint(count * 12));
    case TYPES_FIELD_MONTH:
        return add_months_unclamped(timestamp, (int64_t)rint(count));
    case TYPES_FIELD_DAY:
        scale = 86400e6;
        break;
    case TYPES_FIELD_HOUR:
        scale = 3600e6;
        break;
    case TYPES_FIELD_MINUTE:
        scale = 60e6;
        break;
    case TYPES_FIELD_SECOND:
        scale = 1e6;
        break;
    default:
        return false;
    }
    double step = rint(count * scale);
    return fabs(step) < 0x1p63 && !__builtin_add_overflow(*timestamp, (int64_t)step, timestamp) &&
           types_is_timestamp(*timestamp);
}

static bool apply_modifier(base_text modifier, int64_t *timestamp)
{
    if (starts_with(modifier, "start of ")) {
        types_field field;
        base_text name = {modifier.data + 9, modifier.length - 9};
        if (!types_field_from_name(name, &field))
            return false;
        *timestamp = types_timestamp_truncate(*timestamp, field);
        return true;
    }
    if (starts_with(modifier, "weekday ") && modifier.length == 9) {
        int32_t wanted = modifier.data[8] - '0';
        int32_t today = (int32_t)types_date_field(types_timestamp_day(*timestamp), TYPES_FIELD_DOW);
        if (wanted < 0 || wanted > 6)
            return false;
        *timestamp += (wanted - today + 7) % 7 * TYPES_MICROSECONDS_PER_DAY;
        return types_is_timestamp(*timestamp);
    }
    /* All times are UTC here; the number's meaning was taken with the start value. */
    static const char *const nothing[] = {"unixepoch", "utc",       "localtime", "auto",
                                          "subsec",    "subsecond", "julianday"};
    for (size_t i = 0; i < BASE_COUNT_OF(nothing); i++) {
        if (base_text_equal_folded(modifier, base_text_of(nothing[i])))
            return true;
    }
    return apply_shift(modifier, timestamp);
}

/* The time value at argument `first` with the modifiers behind it; none: now. */
static bool evaluate(func_call *call, const types_cell *arguments, uint32_t first,
                     int64_t *timestamp)
{
    if (call->argument_count <= first) {
        *timestamp = call->environment->statement_time;
        return true;
    }
    bool is_epoch = false;
    for (uint32_t i = first + 1; i < call->argument_count; i++)
        is_epoch |= base_text_equal_folded(func_text(&arguments[i]), BASE_TEXT("unixepoch"));
    if (!start_value(call, call->argument_types[first], &arguments[first], is_epoch, timestamp))
        return false;
    for (uint32_t i = first + 1; i < call->argument_count; i++) {
        if (!apply_modifier(func_text(&arguments[i]), timestamp))
            return false;
    }
    return true;
}

static base_status date_row(func_call *call, const types_cell *arguments, const bool *nulls,
                            types_cell *result, bool *result_null, base_error *error)
{
    int64_t timestamp = 0;
    *result_null = !evaluate(call, arguments, 0, &timestamp);
    result->int32 = types_timestamp_day(timestamp);
    return BASE_OK;
}

static base_status time_row(func_call *call, const types_cell *arguments, const bool *nulls,
                            types_cell *result, bool *result_null, base_error *error)
{
    int64_t timestamp = 0;
    *result_null = !evaluate(call, arguments, 0, &timestamp);
    result->int64 = timestamp - types_timestamp_day(timestamp) * TYPES_MICROSECONDS_PER_DAY;
    return BASE_OK;
}

static base_status datetime_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    *result_null = !evaluate(call, arguments, 0, &result->int64);
    return BASE_OK;
}

static base_status julianday_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    int64_t timestamp = 0;
    *result_null = !evaluate(call, arguments, 0, &timestamp);
    result->float64 = func_julian_day(timestamp);
    return BASE_OK;
}

static base_status unixepoch_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    int64_t timestamp = 0;
    *result_null = !evaluate(call, arguments, 0, &timestamp);
    result->int64 = timestamp / 1000000 - (timestamp % 1000000 < 0);
    return BASE_OK;
}

static base_status strftime_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    int64_t timestamp = 0;
    *result_null = !evaluate(call, arguments, 1, &timestamp);
    if (*result_null)
        return BASE_OK;
    return func_strftime(call, func_text(&arguments[0]), timestamp, result, error);
}

#define SQLITE_ROW(name, body, result, KIND, doc, example, answer)                                 \
    FUNC_ROW(name, body, FUNC_STRICT | FUNC_STABLE | FUNC_VARIADIC, TYPES_##result, 1,             \
             FUNC_MAX_ARGUMENTS, "date and time", doc, example, answer, TYPES_##KIND, TYPES_TEXT)
#define SQLITE_ROWS(name, body, result, doc, example, answer)                                      \
    SQLITE_ROW(name, body, result, TEXT, doc, example, answer),                                    \
        SQLITE_ROW(name, body, result, TIMESTAMP, doc, NULL, NULL),                                \
        SQLITE_ROW(name, body, result, FLOAT, doc, NULL, NULL),                                    \
        FUNC_ROW(name, body, FUNC_STABLE, TYPES_##result, 0, 0, "date and time", doc, NULL, NULL,  \
                 0)
#define STRFTIME_ROW(KIND, example, answer)                                                        \
    FUNC_ROW("strftime", strftime_row, FUNC_STRICT | FUNC_STABLE | FUNC_VARIADIC, TYPES_TEXT, 1,   \
             FUNC_MAX_ARGUMENTS, "date and time",                                                  \
             "The time by a format of C, moved by SQLite's modifiers.", example, answer,           \
             TYPES_TEXT, TYPES_##KIND, TYPES_TEXT)

const func_scalar func_time_sqlite_rows[] = {
    SQLITE_ROWS("date", date_row, DATE, "The day of a time, moved by SQLite's modifiers.",
                "date('2024-01-31', '+1 day')", "2024-02-01"),
    SQLITE_ROWS("time", time_row, TIME, "The time of day of a time, moved by SQLite's modifiers.",
                "time('2024-01-31 10:20:30', '+1 hour')", "11:20:30"),
    SQLITE_ROWS("datetime", datetime_row, TIMESTAMP, "A time, moved by SQLite's modifiers.",
                "datetime('2024-02-29 10:20:30', 'start of month')", "2024-02-01 00:00:00"),
    SQLITE_ROWS("julianday", julianday_row, FLOAT,
                "The Julian day number of a time, moved by SQLite's modifiers.",
                "julianday('2000-01-01 12:00:00')", "2451545"),
    SQLITE_ROWS("unixepoch", unixepoch_row, INTEGER,
                "Seconds since 1970-01-01 of a time, moved by SQLite's modifiers.",
                "unixepoch('1970-01-02')", "86400"),
    STRFTIME_ROW(TEXT, "strftime('%Y-%m', '2024-02-29')", "2024-02"),
    STRFTIME_ROW(TIMESTAMP, "strftime('%H:%M', TIMESTAMP '2024-02-29 10:20:30')", "10:20"),
    STRFTIME_ROW(FLOAT, "strftime('%Y', 0, 'unixepoch')", "1970"),
    {0},
};
