/*
 * datetime_text.c - dates, times and timestamps as text.
 *
 * Accepted: ISO 8601 (2024-01-31, 20240131, 2024-01-31T10:20:30.5Z, 10:20, 102030), the
 * forms with slashes (2024/1/31 and, as in PostgreSQL's default, month/day/year), month
 * names (Jan 31, 2024; 31-Jan-2024), AM and PM, BC, and offsets (Z, UTC, +02, +02:00). An
 * offset moves a timestamp to UTC, since a TIMESTAMP has none: dropping it, as PostgreSQL
 * does, would change the instant silently.
 * More than six digits of a second are rounded.
 * Refused: two-digit years and everything that depends on the clock ('now', 'today').
 *
 * A cursor reads the text once from left to right; what is left over at the end is an error.
 */
#include "types/types_int.h"

typedef struct cursor {
    const char *at, *end;
} cursor;

static bool at_end(const cursor *text)
{
    return text->at == text->end;
}

static char peek(const cursor *text)
{
    return text->at < text->end ? *text->at : '\0';
}

static bool accept(cursor *text, char c)
{
    if (peek(text) != c || at_end(text))
        return false;
    text->at++;
    return true;
}

static void skip_blanks(cursor *text)
{
    while (!at_end(text) && types_is_blank(*text->at))
        text->at++;
}

/* Up to `most` digits; returns how many. */
static uint32_t read_digits(cursor *text, uint32_t most, int32_t *number)
{
    uint32_t count = 0;
    *number = 0;
    while (count < most && types_is_digit(peek(text))) {
        *number = *number * 10 + (*text->at++ - '0');
        count++;
    }
    return count;
}

static bool accept_word(cursor *text, const char *word)
{
    size_t length = strlen(word);
    base_text here = {text->at, length};
    if ((size_t)(text->end - text->at) < length ||
        !base_text_equal_folded(here, (base_text){word, length}))
        return false;
    if ((size_t)(text->end - text->at) > length && types_is_letter(text->at[length]))
        return false;
    text->at += length;
    return true;
}

/* A month's name or its first three letters; "sept" too. 0: none. */
static int32_t read_month_name(cursor *text)
{
    static const char *const names[12] = {"january",   "february", "march",    "april",
                                          "may",       "june",     "july",     "august",
                                          "september", "october",  "november", "december"};
    size_t letters = 0;
    while (text->at + letters < text->end && types_is_letter(text->at[letters]))
        letters++;
    base_text word = {text->at, letters};
    for (int32_t month = 0; month < 12; month++) {
        base_text name = base_text_of(names[month]);
        if (letters < 3 || letters > name.length)
            continue;
        name.length = letters;
        if ((letters == 3 || letters == strlen(names[month]) || (month == 8 && letters == 4)) &&
            base_text_equal_folded(word, name)) {
            text->at += letters;
            accept(text, '.');
            return month + 1;
        }
    }
    return 0;
}

typedef enum outcome {
    GOOD,
    NOT_SUCH_TEXT,
    FIELD_RANGE,
} outcome;

/* Jan 31, 2024 */
static outcome read_date_month_first(cursor *text, types_civil *civil)
{
    civil->month = read_month_name(text);
    if (civil->month == 0)
        return NOT_SUCH_TEXT;
    skip_blanks(text);
    accept(text, '-');
    uint32_t digits = read_digits(text, 2, &civil->day);
    if (digits == 0 || types_is_digit(peek(text)))
        return NOT_SUCH_TEXT;
    accept(text, ',');
    skip_blanks(text);
    accept(text, '-');
    return read_digits(text, 6, &civil->year) >= 3 ? GOOD : NOT_SUCH_TEXT;
}

/* 31 January 2024, 31-Jan-2024: the number is read already. */
static outcome read_date_day_first(cursor *text, int32_t day, types_civil *civil)
{
    civil->day = day;
    civil->month = read_month_name(text);
    if (civil->month == 0)
        return NOT_SUCH_TEXT;
    accept(text, '-');
    skip_blanks(text);
    return read_digits(text, 6, &civil->year) >= 3 ? GOOD : NOT_SUCH_TEXT;
}

static outcome read_date(cursor *text, types_civil *civil)
{
    if (types_is_letter(peek(text)))
        return read_date_month_first(text, civil);
    int32_t first, second, third;
    uint32_t digits = read_digits(text, 8, &first);
    if (digits == 0)
        return NOT_SUCH_TEXT;
    char separator = peek(text);
    if (digits == 8 && separator != '-' && separator != '/') { /* 20240131 */
        civil->year = first / 10000;
        civil->month = first / 100 % 100;
        civil->day = first % 100;
        return GOOD;
    }
    if (digits <= 2 && (separator == ' ' || separator == '-') && text->at + 1 < text->end &&
        types_is_letter(text->at[1])) {
        text->at++;
        return read_date_day_first(text, first, civil);
    }
    if (digits > 6 || (separator != '-' && separator != '/' && separator != '.'))
        return NOT_SUCH_TEXT;
    text->at++;
    if (types_is_letter(peek(text)) && digits >= 3) { /* 2024-Jan-31 */
        second = read_month_name(text);
        if (second == 0)
            return NOT_SUCH_TEXT;
    } else if (read_digits(text, 2, &second) == 0) {
        return NOT_SUCH_TEXT;
    }
    if (!accept(text, separator))
        return NOT_SUCH_TEXT;
    uint32_t last_digits = read_digits(text, 6, &third);
    if (digits >= 3 && (last_digits == 1 || last_digits == 2)) {
        civil->year = first;
        civil->month = second;
        civil->day = third;
    } else if (digits <= 2 && last_digits >= 3) {
        civil->month = first;
        civil->day = second;
        civil->year = third;
    } else {
        return NOT_SUCH_TEXT;
    }
    return types_is_digit(peek(text)) ? NOT_SUCH_TEXT : GOOD;
}

/* .5, .123456789: microseconds, rounded; a carry makes 1000000. */
static int32_t read_fraction(cursor *text)
{
    int32_t microseconds = 0;
    uint32_t digits = 0;
    for (; types_is_digit(peek(text)); text->at++, digits++) {
        if (digits < 6)
            microseconds = microseconds * 10 + (*text->at - '0');
        else if (digits == 6 && *text->at >= '5')
            microseconds++;
    }
    for (; digits < 6; digits++)
        microseconds *= 10;
    return microseconds;
}

static outcome read_half_of_day(cursor *text, int32_t *hour)
{
    skip_blanks(text);
    bool afternoon = accept_word(text, "pm");
    if (!afternoon && !accept_word(text, "am"))
        return GOOD;
    if (*hour < 1 || *hour > 12)
        return FIELD_RANGE;
    *hour = *hour % 12 + (afternoon ? 12 : 0);
    return GOOD;
}

/* Microseconds since midnight, up to 24:00:00; 23:59:60 counts as the next minute. */
static outcome read_time(cursor *text, int64_t *microseconds)
{
    int32_t hour, minute = 0, second = 0, fraction = 0;
    uint32_t digits = read_digits(text, 6, &hour);
    if (digits == 4 || digits == 6) { /* 1020, 102030 */
        second = digits == 6 ? hour % 100 : 0;
        hour = digits == 6 ? hour / 100 : hour;
        minute = hour % 100;
        hour /= 100;
        if (digits == 6 && accept(text, '.'))
            fraction = read_fraction(text);
    } else if (digits == 1 || digits == 2) {
        if (accept(text, ':')) {
            if (read_digits(text, 2, &minute) != 2)
                return NOT_SUCH_TEXT;
            if (accept(text, ':')) {
                if (read_digits(text, 2, &second) != 2)
                    return NOT_SUCH_TEXT;
                if (accept(text, '.') || accept(text, ','))
                    fraction = read_fraction(text);
            }
        } else {
            cursor rest = *text; /* "3 pm" */
            skip_blanks(&rest);
            if (!accept_word(&rest, "am") && !accept_word(&rest, "pm"))
                return NOT_SUCH_TEXT;
        }
    } else {
        return NOT_SUCH_TEXT;
    }
    if (read_half_of_day(text, &hour) != GOOD || hour > 24 || minute > 59 || second > 60)
        return FIELD_RANGE;
    *microseconds = (((int64_t)hour * 60 + minute) * 60 + second) * 1000000 + fraction;
    return *microseconds > TYPES_MICROSECONDS_PER_DAY ? FIELD_RANGE : GOOD;
}

/* Z, UTC, GMT, +HH, +HHMM, +HH:MM[:SS]: seconds east of Greenwich; 0 when there is none. */
static outcome read_zone(cursor *text, int64_t *offset)
{
    *offset = 0;
    skip_blanks(text);
    bool utc = accept_word(text, "z") || accept_word(text, "utc") || accept_word(text, "gmt");
    char sign = peek(text);
    if (utc || (sign != '+' && sign != '-'))
        return GOOD;
    text->at++;
    int32_t hours, minutes = 0, seconds = 0;
    uint32_t digits = read_digits(text, 4, &hours);
    if (digits == 4) {
        minutes = hours % 100;
        hours /= 100;
    } else if (digits == 1 || digits == 2) {
        if (accept(text, ':')) {
            if (read_digits(text, 2, &minutes) != 2)
                return NOT_SUCH_TEXT;
            if (accept(text, ':') && read_digits(text, 2, &seconds) != 2)
                return NOT_SUCH_TEXT;
        }
    } else {
        return NOT_SUCH_TEXT;
    }
    if (hours > 15 || minutes > 59 || seconds > 59)
        return FIELD_RANGE;
    *offset = (int64_t)hours * 3600 + minutes * 60 + seconds;
    if (sign == '-')
        *offset = -*offset;
    return GOOD;
}

/* BC or AD, then the end. The year becomes astronomical. */
static outcome finish_date(cursor *text, types_civil *civil, int32_t *days)
{
    skip_blanks(text);
    bool before_christ = accept_word(text, "bc");
    if (!before_christ)
        (void)accept_word(text, "ad");
    skip_blanks(text);
    if (!at_end(text))
        return NOT_SUCH_TEXT;
    if (civil->year == 0) /* there is no year 0 */
        return FIELD_RANGE;
    int32_t year = before_christ ? 1 - civil->year : civil->year;
    return types_date_from_civil(year, civil->month, civil->day, days) ? GOOD : FIELD_RANGE;
}

static base_status report(outcome result, base_text text, const char *type, base_error *error)
{
    if (result == NOT_SUCH_TEXT) {
        return base_error_set(error, BASE_INVALID_DATETIME, "invalid input for type %s: \"%.*s\"",
                              type, (int)BASE_MIN(text.length, (size_t)100), text.data);
    }
    return base_error_set(error, BASE_DATETIME_OVERFLOW,
                          "date/time field value out of range: \"%.*s\"",
                          (int)BASE_MIN(text.length, (size_t)100), text.data);
}

/* Date, and a time when there is one, with its offset. */
static outcome read_timestamp(cursor *text, int32_t *days, int64_t *time, int64_t *offset)
{
    types_civil civil;
    memset(&civil, 0, sizeof civil);
    *time = *offset = 0;
    if (accept_word(text, "epoch")) {
        *days = 0;
        return at_end(text) ? GOOD : NOT_SUCH_TEXT;
    }
    outcome result = read_date(text, &civil);
    if (result != GOOD)
        return result;
    bool has_time = accept(text, 'T') || accept(text, 't');
    skip_blanks(text);
    if (has_time || types_is_digit(peek(text))) {
        if ((result = read_time(text, time)) != GOOD)
            return result;
        if ((result = read_zone(text, offset)) != GOOD)
            return result;
    }
    return finish_date(text, &civil, days);
}

/* YYYY-MM-DD, as nearly all dates come. False: not of that shape, or no such day. */
static bool read_plain_date(base_text text, int32_t *days)
{
    if (text.length != 10 || text.data[4] != '-' || text.data[7] != '-')
        return false;
    int32_t digits[10];
    uint32_t bad = 0;
    for (uint32_t i = 0; i < 10; i++) {
        digits[i] = text.data[i] - '0';
        bad |= (uint32_t)(i != 4 && i != 7 && (digits[i] < 0 || digits[i] > 9));
    }
    int32_t year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    return !bad && year > 0 &&
           types_date_from_civil(year, digits[5] * 10 + digits[6], digits[8] * 10 + digits[9],
                                 days);
}

base_status types_parse_date(base_text text, int32_t *days, base_error *error)
{
    if (read_plain_date(text, days))
        return BASE_OK;
    /* A time after the date is allowed and dropped, as in PostgreSQL. */
    cursor at = {text.data, text.data + text.length};
    int64_t time, offset;
    outcome result = read_timestamp(&at, days, &time, &offset);
    return result == GOOD ? BASE_OK : report(result, text, "DATE", error);
}

base_status types_parse_timestamp(base_text text, int64_t *microseconds, base_error *error)
{
    cursor at = {text.data, text.data + text.length};
    int64_t time, offset;
    int32_t days;
    outcome result = read_timestamp(&at, &days, &time, &offset);
    if (result == GOOD) {
        /* A day, a time within it and an offset of hours: far from overflow. */
        int64_t value = days * TYPES_MICROSECONDS_PER_DAY + time - offset * 1000000;
        if (types_is_timestamp(value)) {
            *microseconds = value;
            return BASE_OK;
        }
        result = FIELD_RANGE;
    }
    return report(result, text, "TIMESTAMP", error);
}

base_status types_parse_time(base_text text, int64_t *microseconds, base_error *error)
{
    cursor at = {text.data, text.data + text.length};
    (void)(accept(&at, 'T') || accept(&at, 't'));
    outcome result = read_time(&at, microseconds);
    skip_blanks(&at);
    if (result == GOOD && at_end(&at))
        return BASE_OK;
    if (result == FIELD_RANGE)
        return report(result, text, "TIME", error);
    /* A whole timestamp gives its time of day. */
    int64_t offset;
    int32_t days;
    at.at = text.data;
    result = read_timestamp(&at, &days, microseconds, &offset);
    return result == GOOD ? BASE_OK : report(result, text, "TIME", error);
}
