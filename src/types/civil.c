/*
 * civil.c - the calendar: days and microseconds to year, month, day and back, fields,
 * truncation, interval arithmetic.
 *
 * Proleptic Gregorian calendar, years counted astronomically (0 is 1 BC). The conversion
 * counts days in a year that begins on 1 March, so the leap day is the last of its year and
 * months have the fixed pattern 153/5; eras of 400 years make it exact for negative years
 * (the method of P. Baum and H. Hinnant's civil calendar papers, written anew).
 *
 * Range: TYPES_DATE_MIN .. TYPES_DATE_MAX, 4714-11-24 BC (Julian day 0, as in PostgreSQL) to
 * 294246-12-31, the last full year that microseconds from 1970 reach in 64 bits. Dates have
 * the range of timestamps, so that DATE to TIMESTAMP never fails.
 */
#include "types/types_int.h"

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

static bool is_leap_year(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Day and time of day. Values out of range (a damaged file) give garbage, not overflow. */
static int64_t split_timestamp(int64_t timestamp, int64_t *time)
{
    int64_t day = floor_divide(timestamp, TYPES_MICROSECONDS_PER_DAY);
    *time = (int64_t)((uint64_t)timestamp - (uint64_t)day * (uint64_t)TYPES_MICROSECONDS_PER_DAY);
    return day;
}

bool types_is_date(int32_t days)
{
    return days >= TYPES_DATE_MIN && days <= TYPES_DATE_MAX;
}

bool types_is_time(int64_t microseconds)
{
    return microseconds >= 0 && microseconds <= TYPES_MICROSECONDS_PER_DAY;
}

bool types_is_timestamp(int64_t microseconds)
{
    return microseconds >= TYPES_TIMESTAMP_MIN && microseconds <= TYPES_TIMESTAMP_MAX;
}

uint32_t types_days_in_month(int32_t year, int32_t month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    BASE_ASSERT(month >= 1 && month <= 12);
    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01 of a valid month and day; the year is small enough for 64 bits. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = floor_divide(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t shifted_month = month + (month > 2 ? -3 : 9); /* March is 0 */
    int64_t day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

bool types_date_from_civil(int32_t year, int32_t month, int32_t day, int32_t *days)
{
    if (month < 1 || month > 12 || day < 1 || year < -4713 || year > 294246)
        return false;
    if ((uint32_t)day > types_days_in_month(year, month))
        return false;
    int64_t count = days_of(year, month, day);
    if (count < TYPES_DATE_MIN || count > TYPES_DATE_MAX)
        return false;
    *days = (int32_t)count;
    return true;
}

void types_civil_from_date(int32_t days, types_civil *civil)
{
    int64_t shifted = (int64_t)days + 719468;
    int64_t era = floor_divide(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    memset(civil, 0, sizeof *civil);
    civil->day = (int32_t)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    civil->month = (int32_t)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    civil->year = (int32_t)(year_of_era + era * 400 + (civil->month <= 2));
}

void types_civil_time(int64_t microseconds, types_civil *civil)
{
    if (microseconds < 0 || microseconds > TYPES_MICROSECONDS_PER_DAY) /* a damaged file's */
        (void)split_timestamp(microseconds, &microseconds);
    civil->microsecond = (int32_t)(microseconds % 1000000);
    int64_t seconds = microseconds / 1000000;
    civil->second = (int32_t)(seconds % 60);
    civil->minute = (int32_t)(seconds / 60 % 60);
    civil->hour = (int32_t)(seconds / 3600);
}

int32_t types_timestamp_day(int64_t microseconds)
{
    return (int32_t)floor_divide(microseconds, TYPES_MICROSECONDS_PER_DAY);
}

void types_civil_from_timestamp(int64_t microseconds, types_civil *civil)
{
    int64_t time;
    types_civil_from_date((int32_t)split_timestamp(microseconds, &time), civil);
    types_civil_time(time, civil);
}

static base_status out_of_range(base_error *error)
{
    return base_error_set(error, BASE_DATETIME_OVERFLOW, "timestamp out of range");
}

base_status types_timestamp_add(int64_t timestamp, types_interval interval, int64_t *result,
                                base_error *error)
{
    if (!types_is_timestamp(timestamp))
        return out_of_range(error);
    int64_t time;
    int64_t day = split_timestamp(timestamp, &time);
    if (interval.months != 0) {
        types_civil civil;
        types_civil_from_date((int32_t)day, &civil);
        int64_t months = (int64_t)civil.year * 12 + (civil.month - 1) + interval.months;
        int64_t year = floor_divide(months, 12);
        int32_t month = (int32_t)(months - year * 12) + 1;
        if (year < -4714 || year > 294247)
            return out_of_range(error);
        int32_t last = (int32_t)types_days_in_month((int32_t)year, month);
        day = days_of(year, month, BASE_MIN(civil.day, last));
    }
    day += interval.days;
    int64_t sum;
    if (__builtin_mul_overflow(day, TYPES_MICROSECONDS_PER_DAY, &sum) ||
        __builtin_add_overflow(sum, time, &sum) ||
        __builtin_add_overflow(sum, interval.microseconds, &sum) || !types_is_timestamp(sum))
        return out_of_range(error);
    *result = sum;
    return BASE_OK;
}

/* ---- Fields ------------------------------------------------------------------------- */

bool types_field_from_name(base_text name, types_field *field)
{
    static const struct {
        const char *name;
        uint8_t field;
    } names[] = {
        {"year", TYPES_FIELD_YEAR},
        {"years", TYPES_FIELD_YEAR},
        {"yr", TYPES_FIELD_YEAR},
        {"y", TYPES_FIELD_YEAR},
        {"month", TYPES_FIELD_MONTH},
        {"months", TYPES_FIELD_MONTH},
        {"mon", TYPES_FIELD_MONTH},
        {"mons", TYPES_FIELD_MONTH},
        {"day", TYPES_FIELD_DAY},
        {"days", TYPES_FIELD_DAY},
        {"d", TYPES_FIELD_DAY},
        {"dayofmonth", TYPES_FIELD_DAY},
        {"hour", TYPES_FIELD_HOUR},
        {"hours", TYPES_FIELD_HOUR},
        {"h", TYPES_FIELD_HOUR},
        {"hr", TYPES_FIELD_HOUR},
        {"minute", TYPES_FIELD_MINUTE},
        {"minutes", TYPES_FIELD_MINUTE},
        {"min", TYPES_FIELD_MINUTE},
        {"mins", TYPES_FIELD_MINUTE},
        {"m", TYPES_FIELD_MINUTE},
        {"second", TYPES_FIELD_SECOND},
        {"seconds", TYPES_FIELD_SECOND},
        {"sec", TYPES_FIELD_SECOND},
        {"secs", TYPES_FIELD_SECOND},
        {"s", TYPES_FIELD_SECOND},
        {"millisecond", TYPES_FIELD_MILLISECOND},
        {"milliseconds", TYPES_FIELD_MILLISECOND},
        {"ms", TYPES_FIELD_MILLISECOND},
        {"msec", TYPES_FIELD_MILLISECOND},
        {"microsecond", TYPES_FIELD_MICROSECOND},
        {"microseconds", TYPES_FIELD_MICROSECOND},
        {"us", TYPES_FIELD_MICROSECOND},
        {"usec", TYPES_FIELD_MICROSECOND},
        {"quarter", TYPES_FIELD_QUARTER},
        {"quarters", TYPES_FIELD_QUARTER},
        {"week", TYPES_FIELD_WEEK},
        {"weeks", TYPES_FIELD_WEEK},
        {"w", TYPES_FIELD_WEEK},
        {"dow", TYPES_FIELD_DOW},
        {"dayofweek", TYPES_FIELD_DOW},
        {"weekday", TYPES_FIELD_DOW},
        {"isodow", TYPES_FIELD_ISODOW},
        {"doy", TYPES_FIELD_DOY},
        {"dayofyear", TYPES_FIELD_DOY},
        {"epoch", TYPES_FIELD_EPOCH},
        {"century", TYPES_FIELD_CENTURY},
        {"centuries", TYPES_FIELD_CENTURY},
        {"decade", TYPES_FIELD_DECADE},
        {"decades", TYPES_FIELD_DECADE},
        {"millennium", TYPES_FIELD_MILLENNIUM},
        {"millennia", TYPES_FIELD_MILLENNIUM},
        {"isoyear", TYPES_FIELD_ISOYEAR},
    };
    for (size_t i = 0; i < BASE_COUNT_OF(names); i++) {
        if (base_text_equal_folded(name, base_text_of(names[i].name))) {
            *field = (types_field)names[i].field;
            return true;
        }
    }
    return false;
}

/* 0 is Sunday; 1970-01-01 was a Thursday. */
static int32_t day_of_week(int64_t day)
{
    return (int32_t)((day % 7 + 7 + 4) % 7);
}

/* The ISO year and week: those of the Thursday of the same week. */
static void iso_week(int64_t day, int32_t *year, int32_t *week)
{
    int64_t thursday = day - (day_of_week(day) + 6) % 7 + 3;
    types_civil civil;
    types_civil_from_date((int32_t)thursday, &civil);
    *year = civil.year;
    *week = (int32_t)((thursday - days_of(civil.year, 1, 1)) / 7) + 1;
}

/* The n-year period that a year lies in, without a zeroth: years 1..n are period 1, and
 * 1 BC (astronomical 0) lies in period -1. */
static int64_t period_of_year(int64_t year, int64_t length)
{
    return year > 0 ? (year + length - 1) / length : -((length - year) / length);
}

int64_t types_date_field(int32_t days, types_field field)
{
    types_civil civil;
    int32_t year, week;
    switch (field) {
    case TYPES_FIELD_DOW:
        return day_of_week(days);
    case TYPES_FIELD_ISODOW:
        return (day_of_week(days) + 6) % 7 + 1;
    case TYPES_FIELD_WEEK:
        iso_week(days, &year, &week);
        return week;
    case TYPES_FIELD_ISOYEAR:
        iso_week(days, &year, &week);
        return year > 0 ? year : year - 1;
    default:
        break;
    }
    types_civil_from_date(days, &civil);
    switch (field) {
    case TYPES_FIELD_YEAR: /* there is no year 0: 1 BC is -1 */
        return civil.year > 0 ? civil.year : civil.year - 1;
    case TYPES_FIELD_MONTH:
        return civil.month;
    case TYPES_FIELD_DAY:
        return civil.day;
    case TYPES_FIELD_QUARTER:
        return (civil.month + 2) / 3;
    case TYPES_FIELD_DOY:
        return days - days_of(civil.year, 1, 1) + 1;
    case TYPES_FIELD_DECADE:
        return floor_divide(civil.year, 10);
    case TYPES_FIELD_CENTURY:
        return period_of_year(civil.year, 100);
    case TYPES_FIELD_MILLENNIUM:
        return period_of_year(civil.year, 1000);
    default:
        return 0; /* the fields of a time of day */
    }
}

double types_time_extract(int64_t microseconds, types_field field)
{
    int64_t in_minute = microseconds % 60000000;
    switch (field) {
    case TYPES_FIELD_HOUR:
        return (double)(microseconds / INT64_C(3600000000));
    case TYPES_FIELD_MINUTE:
        return (double)(microseconds / 60000000 % 60);
    case TYPES_FIELD_SECOND:
        return (double)in_minute / 1e6;
    case TYPES_FIELD_MILLISECOND:
        return (double)in_minute / 1e3;
    case TYPES_FIELD_MICROSECOND:
        return (double)in_minute;
    case TYPES_FIELD_EPOCH:
        return (double)microseconds / 1e6;
    default:
        return 0;
    }
}

double types_timestamp_extract(int64_t timestamp, types_field field)
{
    int64_t time;
    int64_t day = split_timestamp(timestamp, &time);
    switch (field) {
    case TYPES_FIELD_EPOCH:
        return (double)timestamp / 1e6;
    case TYPES_FIELD_HOUR:
    case TYPES_FIELD_MINUTE:
    case TYPES_FIELD_SECOND:
    case TYPES_FIELD_MILLISECOND:
    case TYPES_FIELD_MICROSECOND:
        return types_time_extract(time, field);
    default:
        return (double)types_date_field((int32_t)day, field);
    }
}

double types_interval_extract(types_interval interval, types_field field)
{
    int64_t years = interval.months / 12;
    switch (field) {
    case TYPES_FIELD_YEAR:
        return (double)years;
    case TYPES_FIELD_MONTH:
        return (double)(interval.months % 12);
    case TYPES_FIELD_QUARTER:
        return (double)(interval.months % 12 / 3 + 1);
    case TYPES_FIELD_DAY:
        return (double)interval.days;
    case TYPES_FIELD_WEEK:
        return (double)(interval.days / 7);
    case TYPES_FIELD_DECADE:
        return (double)(years / 10);
    case TYPES_FIELD_CENTURY:
        return (double)(years / 100);
    case TYPES_FIELD_MILLENNIUM:
        return (double)(years / 1000);
    case TYPES_FIELD_EPOCH: /* a year is 365.25 days, a month 30 */
        return (double)years * 365.25 * 86400 + (double)(interval.months % 12) * 30 * 86400 +
               (double)interval.days * 86400 + (double)interval.microseconds / 1e6;
    default:
        return types_time_extract(interval.microseconds, field);
    }
}

static int64_t midnight(int64_t year, int64_t month, int64_t day)
{
    int64_t start = days_of(year, month, day) * TYPES_MICROSECONDS_PER_DAY;
    return BASE_MAX(start, TYPES_TIMESTAMP_MIN);
}

int64_t types_timestamp_truncate(int64_t timestamp, types_field field)
{
    static const int64_t units[] = {
        [TYPES_FIELD_DAY] = TYPES_MICROSECONDS_PER_DAY,
        [TYPES_FIELD_HOUR] = INT64_C(3600000000),
        [TYPES_FIELD_MINUTE] = 60000000,
        [TYPES_FIELD_SECOND] = 1000000,
        [TYPES_FIELD_MILLISECOND] = 1000,
    };
    if (!types_is_timestamp(timestamp))
        return timestamp;
    if ((size_t)field < BASE_COUNT_OF(units) && units[field]) {
        int64_t unit = units[field];
        return floor_divide(timestamp, unit) * unit;
    }
    int64_t day = floor_divide(timestamp, TYPES_MICROSECONDS_PER_DAY);
    types_civil civil;
    int32_t year, week;
    types_civil_from_date((int32_t)day, &civil);
    switch (field) {
    case TYPES_FIELD_YEAR:
        return midnight(civil.year, 1, 1);
    case TYPES_FIELD_QUARTER:
        return midnight(civil.year, (civil.month - 1) / 3 * 3 + 1, 1);
    case TYPES_FIELD_MONTH:
        return midnight(civil.year, civil.month, 1);
    case TYPES_FIELD_WEEK:
    case TYPES_FIELD_ISODOW:
        day -= (day_of_week(day) + 6) % 7;
        return BASE_MAX(day * TYPES_MICROSECONDS_PER_DAY, TYPES_TIMESTAMP_MIN);
    case TYPES_FIELD_ISOYEAR:
        iso_week(day, &year, &week);
        day = day - (day_of_week(day) + 6) % 7 - (int64_t)(week - 1) * 7;
        return BASE_MAX(day * TYPES_MICROSECONDS_PER_DAY, TYPES_TIMESTAMP_MIN);
    case TYPES_FIELD_DECADE:
        return midnight(floor_divide(civil.year, 10) * 10, 1, 1);
    case TYPES_FIELD_CENTURY: /* centuries start in year 1, 101, ... */
        return midnight(floor_divide((int64_t)civil.year - 1, 100) * 100 + 1, 1, 1);
    case TYPES_FIELD_MILLENNIUM:
        return midnight(floor_divide((int64_t)civil.year - 1, 1000) * 1000 + 1, 1, 1);
    case TYPES_FIELD_DOW:
    case TYPES_FIELD_DOY:
        return day * TYPES_MICROSECONDS_PER_DAY;
    default: /* MICROSECOND, EPOCH: nothing to cut off */
        return timestamp;
    }
}
