/*
 * time_text.c - times by a format: strftime and strptime (C, SQLite, DuckDB), to_char and
 * to_timestamp (PostgreSQL), date_format (MySQL); names of days and months.
 *
 * Each language of formats is a function that takes one directive off the format and writes
 * its field; all write through the same few helpers into a growing buffer. Names are English:
 * results must not depend on the process's locale.
 */
#include "func/func_int.h"
#include "func/scalar/time_text.h"

static const char *const month_names[12] = {"January",   "February", "March",    "April",
                                            "May",       "June",     "July",     "August",
                                            "September", "October",  "November", "December"};
static const char *const day_names[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday"};

/* A time taken apart once for all directives. */
typedef struct fields {
    types_civil civil;
    int64_t timestamp;
    int32_t day;     /* since 1970 */
    int32_t weekday; /* 0 is Sunday */
    int32_t day_of_year;
} fields;

static void fields_of(int64_t timestamp, fields *out)
{
    types_civil_from_timestamp(timestamp, &out->civil);
    out->timestamp = timestamp;
    out->day = types_timestamp_day(timestamp);
    out->weekday = (int32_t)types_date_field(out->day, TYPES_FIELD_DOW);
    out->day_of_year = (int32_t)types_date_field(out->day, TYPES_FIELD_DOY);
}

static int32_t hour_of_twelve(const fields *time)
{
    return time->civil.hour % 12 ? time->civil.hour % 12 : 12;
}

static int64_t shown_year(const fields *time)
{
    return time->civil.year > 0 ? time->civil.year : time->civil.year - 1;
}

/* A number of at least `width` digits, filled with `fill`. */
static void put_digits(base_buffer *out, int64_t number, uint32_t width, char fill)
{
    char digits[24];
    uint32_t at = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    while (sizeof digits - at < width && at > 1)
        digits[--at] = fill;
    if (number < 0)
        digits[--at] = '-';
    base_buffer_append(out, digits + at, sizeof digits - at);
}

/* ---- strftime --------------------------------------------------------------------------- */

/* Week of the year, weeks beginning on `first` (0 Sunday, 1 Monday). */
static int32_t week_of_year(const fields *time, int32_t first)
{
    return (time->day_of_year + 6 - (time->weekday - first + 7) % 7) / 7;
}

/* SQLite's %f is SS.SSS, DuckDB's and Python's microseconds; SQLite's is the older promise. */
static bool put_clock_directive(base_buffer *out, char directive, const fields *time)
{
    const types_civil *civil = &time->civil;
    switch (directive) {
    case 'H':
        put_digits(out, civil->hour, 2, '0');
        return true;
    case 'k':
        put_digits(out, civil->hour, 2, ' ');
        return true;
    case 'I':
        put_digits(out, hour_of_twelve(time), 2, '0');
        return true;
    case 'l':
        put_digits(out, hour_of_twelve(time), 2, ' ');
        return true;
    case 'M':
        put_digits(out, civil->minute, 2, '0');
        return true;
    case 'S':
        put_digits(out, civil->second, 2, '0');
        return true;
    case 'f':
        base_buffer_append_format(out, "%02d.%03d", civil->second, civil->microsecond / 1000);
        return true;
    case 'g':
        put_digits(out, civil->microsecond / 1000, 3, '0');
        return true;
    case 'n':
        put_digits(out, civil->microsecond, 6, '0');
        return true;
    case 'p':
        base_buffer_append_text(out, civil->hour < 12 ? "AM" : "PM");
        return true;
    case 'P':
        base_buffer_append_text(out, civil->hour < 12 ? "am" : "pm");
        return true;
    case 's':
        base_buffer_append_format(
            out, "%lld", (long long)(time->timestamp / 1000000 - (time->timestamp % 1000000 < 0)));
        return true;
    case 'z':
        base_buffer_append_text(out, "+0000");
        return true;
    case 'Z':
        base_buffer_append_text(out, "UTC");
        return true;
    default:
        return false;
    }
}

static bool put_date_directive(base_buffer *out, char directive, const fields *time)
{
    const types_civil *civil = &time->civil;
    long long year = (long long)shown_year(time);
    switch (directive) {
    case 'Y':
        put_digits(out, year, 4, '0');
        return true;
    case 'y':
        put_digits(out, (year % 100 + 100) % 100, 2, '0');
        return true;
    case 'C':
        put_digits(out, year / 100, 2, '0');
        return true;
    case 'G':
        put_digits(out, types_date_field(time->day, TYPES_FIELD_ISOYEAR), 4, '0');
        return true;
    case 'V':
        put_digits(out, types_date_field(time->day, TYPES_FIELD_WEEK), 2, '0');
        return true;
    case 'm':
        put_digits(out, civil->month, 2, '0');
        return true;
    case 'd':
        put_digits(out, civil->day, 2, '0');
        return true;
    case 'e':
        put_digits(out, civil->day, 2, ' ');
        return true;
    case 'j':
        put_digits(out, time->day_of_year, 3, '0');
        return true;
    case 'J': /* days since noon of Julian day 0 */
        types_format(&(types_value){.type = TYPES_OF(FLOAT),
                                    .cell.float64 = func_julian_day(time->timestamp)},
                     out);
        return true;
    case 'w':
        base_buffer_append_format(out, "%d", time->weekday);
        return true;
    case 'u':
        base_buffer_append_format(out, "%d", (time->weekday + 6) % 7 + 1);
        return true;
    case 'U':
        put_digits(out, week_of_year(time, 0), 2, '0');
        return true;
    case 'W':
        put_digits(out, week_of_year(time, 1), 2, '0');
        return true;
    case 'A':
        base_buffer_append_text(out, day_names[time->weekday]);
        return true;
    case 'a':
        base_buffer_append(out, day_names[time->weekday], 3);
        return true;
    case 'B':
        base_buffer_append_text(out, month_names[civil->month - 1]);
        return true;
    case 'b':
    case 'h':
        base_buffer_append(out, month_names[civil->month - 1], 3);
        return true;
    default:
        return false;
    }
}

/* Directives that stand for others; NULL: none. */
static const char *composite(char directive)
{
    switch (directive) {
    case 'c':
        return "%Y-%m-%d %H:%M:%S";
    case 'D':
        return "%m/%d/%y";
    case 'F':
    case 'x':
        return "%Y-%m-%d";
    case 'R':
        return "%H:%M";
    case 'T':
    case 'X':
        return "%H:%M:%S";
    default:
        return NULL;
    }
}

static base_status put_strftime(base_buffer *out, base_text format, const fields *time,
                                base_error *error)
{
    for (size_t i = 0; i < format.length; i++) {
        char c = format.data[i];
        if (c != '%') {
            base_buffer_append_byte(out, c);
            continue;
        }
        if (++i == format.length)
            return base_error_set(error, BASE_INVALID_PARAMETER, "format ends with %%");
        c = format.data[i];
        if (c == '%')
            base_buffer_append_byte(out, '%');
        else if (composite(c))
            RETURN_IF_ERROR(put_strftime(out, base_text_of(composite(c)), time, error));
        else if (!put_clock_directive(out, c, time) && !put_date_directive(out, c, time))
            return base_error_set(error, BASE_INVALID_PARAMETER, "unknown format %%%c", c);
    }
    return BASE_OK;
}

base_status func_strftime(func_call *call, base_text format, int64_t timestamp, types_cell *result,
                          base_error *error)
{
    fields time;
    base_buffer buffer;
    fields_of(timestamp, &time);
    base_buffer_init(&buffer, call->heap->budget);
    base_status status = put_strftime(&buffer, format, &time, error);
    if (status != BASE_OK) {
        base_buffer_destroy(&buffer);
        return status;
    }
    return func_finish_buffer(call, &buffer, result, error);
}

static base_status strftime_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    return func_strftime(call, func_text(&arguments[1]), arguments[0].int64, result, error);
}

/* MySQL's letters that mean something else in C: %i minutes, %s seconds, %M month's name, ... */
static base_status date_format_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                   types_cell *result, bool *result_null, base_error *error)
{
    base_text format = func_text(&arguments[1]);
    char translated[512];
    size_t length = 0;
    for (size_t i = 0; i < format.length; i++) {
        char c = format.data[i];
        if (length + 2 > sizeof translated)
            return base_error_set(error, BASE_INVALID_PARAMETER, "format is too long");
        if (c != '%' || i + 1 == format.length) {
            translated[length++] = c;
            continue;
        }
        c = format.data[++i];
        static const char mysql[] = "iMWshDcvxrf";
        static const char strftime[] = "MBASIdmVGTn";
        const char *place = memchr(mysql, c, sizeof mysql - 1);
        translated[length++] = '%';
        translated[length++] = place ? strftime[place - mysql] : c;
    }
    return func_strftime(call, (base_text){translated, length}, arguments[0].int64, result, error);
}

/* ---- to_char ---------------------------------------------------------------------------- */

typedef enum letter_case {
    AS_WRITTEN,
    UPPER,
    LOWER,
} letter_case;

static void put_name(base_buffer *out, const char *name, size_t length, size_t width,
                     letter_case style)
{
    for (size_t i = 0; i < BASE_MAX(length, width); i++) {
        char c = i < length ? name[i] : ' ';
        base_buffer_append_byte(out, style == UPPER   ? base_ascii_upper(c)
                                     : style == LOWER ? base_ascii_lower(c)
                                                      : c);
    }
}

static bool takes(base_text format, size_t at, const char *word)
{
    size_t length = strlen(word);
    return format.length - at >= length &&
           base_text_equal_folded((base_text){format.data + at, length}, (base_text){word, length});
}

/* How the letters of a name were written in the format. */
static letter_case case_of(base_text format, size_t at)
{
    char first = format.data[at], second = format.data[at + 1];
    if (first >= 'a' && first <= 'z')
        return LOWER;
    return second >= 'A' && second <= 'Z' ? UPPER : AS_WRITTEN;
}

/* Numbers: word, width, value; FM drops the zeros in front. */
static void put_number(base_buffer *out, int64_t number, int width, bool fill)
{
    base_buffer_append_format(out, "%0*lld", fill ? width : 1, (long long)number);
}

/* One field of PostgreSQL's templates at `at`; returns its length, 0 when there is none. */
static size_t put_to_char_field(base_buffer *out, base_text format, size_t at, bool fill,
                                const fields *time)
{
    const types_civil *civil = &time->civil;
    int64_t year = civil->year > 0 ? civil->year : 1 - (int64_t)civil->year;
    int64_t week = types_date_field(time->day, TYPES_FIELD_WEEK); /* of the ISO year */
    int64_t weekday = types_date_field(time->day, TYPES_FIELD_ISODOW);
    const struct {
        const char *word;
        int width;
        int64_t number;
    } numbers[] = {
        {"YYYY", 4, year},
        {"YYY", 3, year % 1000},
        {"YY", 2, year % 100},
        {"Y", 1, year % 10},
        {"IYYY", 4, types_date_field(time->day, TYPES_FIELD_ISOYEAR)},
        {"IW", 2, week},
        {"IDDD", 3, (week - 1) * 7 + weekday},
        {"ID", 1, weekday},
        {"MM", 2, civil->month},
        {"MI", 2, civil->minute},
        {"MS", 3, civil->microsecond / 1000},
        {"DDD", 3, time->day_of_year},
        {"DD", 2, civil->day},
        {"D", 1, time->weekday + 1},
        {"HH24", 2, civil->hour},
        {"HH12", 2, hour_of_twelve(time)},
        {"HH", 2, hour_of_twelve(time)},
        {"SSSS", 5, ((int64_t)civil->hour * 60 + civil->minute) * 60 + civil->second},
        {"SS", 2, civil->second},
        {"US", 6, civil->microsecond},
        {"WW", 2, (time->day_of_year - 1) / 7 + 1},
        {"W", 1, (civil->day - 1) / 7 + 1},
        {"CC", 2, types_date_field(time->day, TYPES_FIELD_CENTURY)},
        {"Q", 1, (civil->month + 2) / 3},
        {"J", 1, (int64_t)time->day + 2440588},
    };
    const char *month = month_names[civil->month - 1], *day = day_names[time->weekday];
    const struct {
        const char *word, *text;
        size_t length, width;
    } names[] = {
        {"MONTH", month, strlen(month), fill ? 9 : 0},
        {"MON", month, 3, 0},
        {"DAY", day, strlen(day), fill ? 9 : 0},
        {"DY", day, 3, 0},
        {"A.M.", civil->hour < 12 ? "A.M." : "P.M.", 4, 0},
        {"P.M.", civil->hour < 12 ? "A.M." : "P.M.", 4, 0},
        {"AM", civil->hour < 12 ? "AM" : "PM", 2, 0},
        {"PM", civil->hour < 12 ? "AM" : "PM", 2, 0},
        {"BC", civil->year > 0 ? "AD" : "BC", 2, 0},
        {"AD", civil->year > 0 ? "AD" : "BC", 2, 0},
        {"TZ", "UTC", 3, 0},
    };
    for (size_t i = 0; i < BASE_COUNT_OF(names); i++) {
        if (takes(format, at, names[i].word)) {
            put_name(out, names[i].text, names[i].length, names[i].width, case_of(format, at));
            return strlen(names[i].word);
        }
    }
    for (size_t i = 0; i < BASE_COUNT_OF(numbers); i++) {
        if (takes(format, at, numbers[i].word)) {
            put_number(out, numbers[i].number, numbers[i].width, fill);
            return strlen(numbers[i].word);
        }
    }
    return 0;
}

static base_status to_char_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    base_text format = func_text(&arguments[1]);
    fields time;
    base_buffer buffer;
    fields_of(arguments[0].int64, &time);
    base_buffer_init(&buffer, call->heap->budget);
    bool fill = true;
    for (size_t i = 0; i < format.length;) {
        if (format.data[i] == '"') { /* quoted text stands for itself */
            for (i++; i < format.length && format.data[i] != '"'; i++)
                base_buffer_append_byte(&buffer, format.data[i]);
            i++;
            continue;
        }
        if (takes(format, i, "FM")) {
            fill = false;
            i += 2;
            continue;
        }
        size_t used = put_to_char_field(&buffer, format, i, fill, &time);
        if (used == 0) {
            base_buffer_append_byte(&buffer, format.data[i++]);
            continue;
        }
        i += used;
        fill = true;
        if (takes(format, i, "TH")) { /* ordinals: 1st, 2nd, 3rd, 11th */
            bool upper = format.data[i] == 'T';
            char last = buffer.length ? buffer.data[buffer.length - 1] : '0';
            bool teen = buffer.length > 1 && buffer.data[buffer.length - 2] == '1';
            const char *ending = teen || last > '3' || last == '0' ? "th"
                                 : last == '1'                     ? "st"
                                 : last == '2'                     ? "nd"
                                                                   : "rd";
            put_name(&buffer, ending, 2, 0, upper ? UPPER : LOWER);
            i += 2;
        }
    }
    return func_finish_buffer(call, &buffer, result, error);
}

/* ---- strptime, to_date, to_timestamp ----------------------------------------------------- */

/* What a format has filled in so far. */
typedef struct parsed {
    types_civil civil;
    bool afternoon, has_half; /* AM or PM seen */
    bool before_christ;
    int64_t day_of_year; /* 0: not given */
    int64_t offset;      /* seconds east of Greenwich */
} parsed;

static bool read_number(base_text text, size_t *at, uint32_t most, int64_t *number)
{
    uint32_t count = 0;
    *number = 0;
    for (; count < most && *at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9';
         count++)
        *number = *number * 10 + (text.data[(*at)++] - '0');
    return count > 0;
}

static bool read_name(base_text text, size_t *at, const char *const *names, int32_t count,
                      int32_t *index)
{
    for (int32_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        for (uint32_t whole = 2; whole-- > 0; length = 3) {
            if (text.length - *at >= length &&
                base_text_equal_folded((base_text){text.data + *at, length},
                                       (base_text){names[i], length})) {
                *at += length;
                *index = i;
                return true;
            }
        }
    }
    return false;
}

static bool read_half(base_text text, size_t *at, parsed *time)
{
    if (text.length - *at < 2 || (text.data[*at + 1] | 0x20) != 'm')
        return false;
    char first = (char)(text.data[*at] | 0x20);
    time->has_half = true;
    time->afternoon = first == 'p';
    *at += 2;
    return first == 'a' || first == 'p';
}

static bool read_offset(base_text text, size_t *at, parsed *time)
{
    if (*at < text.length && (text.data[*at] | 0x20) == 'z') {
        ++*at;
        return true;
    }
    if (*at >= text.length || (text.data[*at] != '+' && text.data[*at] != '-'))
        return false;
    bool west = text.data[(*at)++] == '-';
    int64_t hours, minutes = 0;
    if (!read_number(text, at, 2, &hours))
        return false;
    if (*at < text.length && text.data[*at] == ':')
        ++*at;
    (void)read_number(text, at, 2, &minutes);
    time->offset = (hours * 60 + minutes) * 60;
    if (west)
        time->offset = -time->offset;
    return hours <= 15 && minutes <= 59;
}

static bool read_fraction(base_text text, size_t *at, uint32_t most, int32_t *microsecond)
{
    int64_t number;
    size_t start = *at;
    if (!read_number(text, at, most, &number))
        return false;
    for (size_t digits = *at - start; digits < 6; digits++)
        number *= 10;
    *microsecond = (int32_t)number;
    return true;
}

static bool read_into(base_text text, size_t *at, uint32_t most, int32_t *field)
{
    int64_t number;
    if (!read_number(text, at, most, &number))
        return false;
    *field = (int32_t)number;
    return true;
}

static bool read_short_year(base_text text, size_t *at, parsed *time)
{
    if (!read_into(text, at, 2, &time->civil.year))
        return false;
    time->civil.year += time->civil.year < 70 ? 2000 : 1900;
    return true;
}

/* One directive of strptime; the character behind the percent sign. */
static bool read_directive(base_text text, size_t *at, char directive, parsed *time)
{
    types_civil *civil = &time->civil;
    int32_t index;
    switch (directive) {
    case 'Y':
        return read_into(text, at, 6, &civil->year);
    case 'y':
        return read_short_year(text, at, time);
    case 'm':
        return read_into(text, at, 2, &civil->month);
    case 'd':
    case 'e':
        return read_into(text, at, 2, &civil->day);
    case 'H':
    case 'I':
        return read_into(text, at, 2, &civil->hour);
    case 'M':
        return read_into(text, at, 2, &civil->minute);
    case 'S':
        return read_into(text, at, 2, &civil->second);
    case 'f':
    case 'n':
        return read_fraction(text, at, 6, &civil->microsecond);
    case 'g':
        return read_fraction(text, at, 3, &civil->microsecond);
    case 'j':
        return read_number(text, at, 3, &time->day_of_year) && time->day_of_year > 0;
    case 'p':
        return read_half(text, at, time);
    case 'b':
    case 'B':
    case 'h':
        if (!read_name(text, at, month_names, 12, &index))
            return false;
        civil->month = index + 1;
        return true;
    case 'a':
    case 'A':
        return read_name(text, at, day_names, 7, &index);
    case 'z':
        return read_offset(text, at, time);
    case '%':
        return *at < text.length && text.data[(*at)++] == '%';
    default:
        return false;
    }
}

static bool read_by_strptime(base_text text, base_text format, parsed *time)
{
    size_t at = 0;
    for (size_t i = 0; i < format.length; i++) {
        char c = format.data[i];
        if (c == ' ') {
            while (at < text.length && text.data[at] == ' ')
                at++;
        } else if (c != '%') {
            if (at >= text.length || text.data[at++] != c)
                return false;
        } else if (++i == format.length) {
            return false;
        } else if (format.data[i] == 'T') {
            if (!read_by_strptime((base_text){text.data + at, BASE_MIN(text.length - at, 8)},
                                  BASE_TEXT("%H:%M:%S"), time))
                return false;
            at += 8;
        } else if (format.data[i] == 'F') {
            if (!read_by_strptime((base_text){text.data + at, BASE_MIN(text.length - at, 10)},
                                  BASE_TEXT("%Y-%m-%d"), time))
                return false;
            at += 10;
        } else if (!read_directive(text, &at, format.data[i], time)) {
            return false;
        }
    }
    return at == text.length;
}

/* PostgreSQL's templates, by the directive that reads the same. */
static bool read_by_template(base_text text, base_text format, parsed *time)
{
    static const struct {
        const char *word;
        char directive;
    } words[] = {
        {"YYYY", 'Y'}, {"YY", 'y'},   {"MONTH", 'B'}, {"MON", 'b'}, {"MM", 'm'},
        {"MI", 'M'},   {"MS", 'g'},   {"DDD", 'j'},   {"DD", 'd'},  {"DAY", 'A'},
        {"DY", 'a'},   {"HH24", 'H'}, {"HH12", 'I'},  {"HH", 'I'},  {"SS", 'S'},
        {"US", 'f'},   {"AM", 'p'},   {"PM", 'p'},    {"TZH", 'z'}, {"OF", 'z'},
    };
    size_t at = 0;
    for (size_t i = 0; i < format.length;) {
        if (takes(format, i, "FM") || takes(format, i, "FX")) {
            i += 2;
            continue;
        }
        size_t used = 0;
        for (size_t w = 0; w < BASE_COUNT_OF(words) && used == 0; w++) {
            if (!takes(format, i, words[w].word))
                continue;
            used = strlen(words[w].word);
            while (at < text.length && text.data[at] == ' ')
                at++;
            if (!read_directive(text, &at, words[w].directive, time))
                return false;
        }
        if (used == 0) { /* a separator matches any separator */
            if (at < text.length && !(text.data[at] >= '0' && text.data[at] <= '9'))
                at++;
            used = 1;
        }
        i += used;
    }
    return at == text.length;
}

/* False: a field is out of range. */
static bool timestamp_of(parsed *time, int64_t *timestamp)
{
    types_civil *civil = &time->civil;
    int32_t day;
    if (time->has_half) {
        if (civil->hour < 1 || civil->hour > 12)
            return false;
        civil->hour = civil->hour % 12 + (time->afternoon ? 12 : 0);
    }
    if (civil->year == 0 || civil->hour > 23 || civil->minute > 59 || civil->second > 60)
        return false;
    int32_t year = time->before_christ ? 1 - civil->year : civil->year;
    if (!types_date_from_civil(year, time->day_of_year ? 1 : civil->month,
                               time->day_of_year ? 1 : civil->day, &day) ||
        time->day_of_year > 337 + types_days_in_month(year, 2))
        return false;
    if (time->day_of_year)
        day += (int32_t)time->day_of_year - 1;
    *timestamp = day * TYPES_MICROSECONDS_PER_DAY +
                 ((int64_t)civil->hour * 3600 + civil->minute * 60 + civil->second - time->offset) *
                     1000000 +
                 civil->microsecond;
    return types_is_timestamp(*timestamp);
}

static base_status parse_formatted(base_text text, base_text format, bool is_template,
                                   int64_t *timestamp, base_error *error)
{
    parsed time;
    memset(&time, 0, sizeof time);
    time.civil.year = 1900;
    time.civil.month = time.civil.day = 1;
    bool read =
        is_template ? read_by_template(text, format, &time) : read_by_strptime(text, format, &time);
    if (!read) {
        return base_error_set(error, BASE_INVALID_DATETIME,
                              "\"%.*s\" does not fit the format \"%.*s\"",
                              (int)BASE_MIN(text.length, (size_t)60), text.data,
                              (int)BASE_MIN(format.length, (size_t)60), format.data);
    }
    if (!timestamp_of(&time, timestamp)) {
        return base_error_set(error, BASE_DATETIME_OVERFLOW,
                              "date/time field value out of range: \"%.*s\"",
                              (int)BASE_MIN(text.length, (size_t)60), text.data);
    }
    return BASE_OK;
}

static base_status strptime_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    return parse_formatted(func_text(&arguments[0]), func_text(&arguments[1]), false,
                           &result->int64, error);
}

static base_status to_timestamp_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                    types_cell *result, bool *result_null, base_error *error)
{
    return parse_formatted(func_text(&arguments[0]), func_text(&arguments[1]), true, &result->int64,
                           error);
}

static base_status to_date_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    int64_t timestamp;
    RETURN_IF_ERROR(parse_formatted(func_text(&arguments[0]), func_text(&arguments[1]), true,
                                    &timestamp, error));
    result->int32 = types_timestamp_day(timestamp);
    return BASE_OK;
}

/* ---- Names ------------------------------------------------------------------------------ */

static base_status dayname_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    const char *name = day_names[types_date_field(arguments[0].int32, TYPES_FIELD_DOW)];
    func_finish_text(result, name, strlen(name));
    return BASE_OK;
}

static base_status monthname_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    const char *name = month_names[types_date_field(arguments[0].int32, TYPES_FIELD_MONTH) - 1];
    func_finish_text(result, name, strlen(name));
    return BASE_OK;
}

#define FORMAT_ROW(name, body, result, count, doc, example, answer, ...)                           \
    FUNC_ROW(name, body, FUNC_STRICT, TYPES_##result, count, count, "date and time", doc, example, \
             answer, __VA_ARGS__)
const func_scalar func_time_text_rows[] = {
    FORMAT_ROW("strftime", strftime_row, TEXT, 2, "The time by a format of C.",
               "strftime(TIMESTAMP '2024-02-29 10:20:30', '%d.%m.%Y %H:%M')", "29.02.2024 10:20",
               TYPES_TIMESTAMP, TYPES_TEXT),
    FORMAT_ROW("date_format", date_format_row, TEXT, 2, "The time by a format of MySQL.",
               "date_format(TIMESTAMP '2024-02-29 10:20:30', '%d. %M %Y %H:%i:%s')",
               "29. February 2024 10:20:30", TYPES_TIMESTAMP, TYPES_TEXT),
    FORMAT_ROW("to_char", to_char_row, TEXT, 2, "The time by a template of PostgreSQL.",
               "to_char(TIMESTAMP '2024-02-29 15:20:30', 'FMDay, DD Mon YYYY HH12:MI PM')",
               "Thursday, 29 Feb 2024 03:20 PM", TYPES_TIMESTAMP, TYPES_TEXT),
    FORMAT_ROW("strptime", strptime_row, TIMESTAMP, 2,
               "The time that a text has by a format of "
               "C.",
               "strptime('29.02.2024 10:20', '%d.%m.%Y %H:%M')", "2024-02-29 10:20:00", TYPES_TEXT,
               TYPES_TEXT),
    FORMAT_ROW("str_to_date", strptime_row, TIMESTAMP, 2, "The same as strptime.",
               "str_to_date('29,2,2024', '%d,%m,%Y')", "2024-02-29 00:00:00", TYPES_TEXT,
               TYPES_TEXT),
    FORMAT_ROW("to_timestamp", to_timestamp_row, TIMESTAMP, 2,
               "The time that a text has by a template of PostgreSQL.",
               "to_timestamp('29 Feb 2024 10:20', 'DD Mon YYYY HH24:MI')", "2024-02-29 10:20:00",
               TYPES_TEXT, TYPES_TEXT),
    FORMAT_ROW("to_date", to_date_row, DATE, 2,
               "The date that a text has by a template of PostgreSQL.",
               "to_date('29/02/2024', 'DD/MM/YYYY')", "2024-02-29", TYPES_TEXT, TYPES_TEXT),
    FORMAT_ROW("dayname", dayname_row, TEXT, 1, "The English name of the day.",
               "dayname(DATE '2024-02-29')", "Thursday", TYPES_DATE),
    FORMAT_ROW("monthname", monthname_row, TEXT, 1, "The English name of the month.",
               "monthname(DATE '2024-02-29')", "February", TYPES_DATE),
    {0},
};
