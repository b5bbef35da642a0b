/*
 * interval_text.c - intervals as text: '1 year 2 mons 3 days 04:05:06', '1-2', '3 4:05:06',
 * 'P1Y2M3DT4H5M6S', '@ 1 minute ago', '1.5 hours'.
 *
 * An interval has three independent parts (months, days, microseconds). A fraction of a
 * unit goes down to the next smaller part the way PostgreSQL does it: half a month is 15
 * days, half a day 12 hours; a fraction of a microsecond is rounded. Fractions are kept as
 * integers of a millionth, so that 0.1 stays exact.
 */
#include "types/types_int.h"

typedef struct parts {
    int64_t months, days, microseconds; /* checked against their types at the end */
    bool overflow;
} parts;

typedef struct unit {
    const char *name;
    uint8_t part;  /* 0 months, 1 days, 2 microseconds */
    int64_t count; /* of that part in one unit */
} unit;

static const unit units[] = {
    {"microsecond", 2, 1},
    {"us", 2, 1},
    {"usec", 2, 1},
    {"millisecond", 2, 1000},
    {"ms", 2, 1000},
    {"msec", 2, 1000},
    {"second", 2, 1000000},
    {"sec", 2, 1000000},
    {"s", 2, 1000000},
    {"minute", 2, 60000000},
    {"min", 2, 60000000},
    {"m", 2, 60000000},
    {"hour", 2, INT64_C(3600000000)},
    {"hr", 2, INT64_C(3600000000)},
    {"h", 2, INT64_C(3600000000)},
    {"day", 1, 1},
    {"d", 1, 1},
    {"week", 1, 7},
    {"w", 1, 7},
    {"month", 0, 1},
    {"mon", 0, 1},
    {"quarter", 0, 3},
    {"year", 0, 12},
    {"yr", 0, 12},
    {"y", 0, 12},
    {"decade", 0, 120},
    {"century", 0, 1200},
    {"centurie", 0, 1200}, /* the plural without its s */
    {"millennium", 0, 12000},
    {"millennia", 0, 12000},
};

static const unit *find_unit(base_text name)
{
    for (size_t i = 0; i < BASE_COUNT_OF(units); i++) {
        base_text known = base_text_of(units[i].name);
        base_text singular = name;
        if (name.length == known.length + 1 && (name.data[name.length - 1] | 0x20) == 's')
            singular.length--;
        if (base_text_equal_folded(singular, known))
            return &units[i];
    }
    return NULL;
}

static void add_to(parts *sum, int64_t *part, int64_t count, int64_t factor)
{
    int64_t product;
    if (__builtin_mul_overflow(count, factor, &product) ||
        __builtin_add_overflow(*part, product, part))
        sum->overflow = true;
}

static int64_t divide_rounded(int64_t value, int64_t divisor)
{
    int64_t half = divisor / 2;
    return (value >= 0 ? value + half : value - half) / divisor;
}

/* A signed number: whole part and fraction in millionths, both with the sign. */
typedef struct amount {
    int64_t whole, millionths;
    bool negative;
} amount;

static void add_amount(parts *sum, amount number, const unit *in)
{
    int64_t fraction = number.millionths * in->count; /* < 10^6 * 3.6 * 10^9 */
    switch (in->part) {
    case 0:
        add_to(sum, &sum->months, number.whole, in->count);
        add_to(sum, &sum->months, fraction / 1000000, 1);
        fraction = fraction % 1000000 * 30;
        add_to(sum, &sum->days, fraction / 1000000, 1);
        fraction %= 1000000; /* millionths of a day */
        add_to(sum, &sum->microseconds, fraction, TYPES_MICROSECONDS_PER_DAY / 1000000);
        break;
    case 1:
        add_to(sum, &sum->days, number.whole, in->count);
        add_to(sum, &sum->days, fraction / 1000000, 1);
        fraction %= 1000000;
        add_to(sum, &sum->microseconds, fraction, TYPES_MICROSECONDS_PER_DAY / 1000000);
        break;
    default:
        add_to(sum, &sum->microseconds, number.whole, in->count);
        add_to(sum, &sum->microseconds, divide_rounded(fraction, 1000000), 1);
        break;
    }
}

/* [+-]digits[.digits]; returns where it ends, `at` when there is no number. */
static size_t read_amount(base_text text, size_t at, amount *number, bool *overflow)
{
    size_t start = at;
    memset(number, 0, sizeof *number);
    if (at < text.length && (text.data[at] == '-' || text.data[at] == '+'))
        number->negative = text.data[at++] == '-';
    size_t first = at;
    for (; at < text.length && types_is_digit(text.data[at]); at++) {
        if (__builtin_mul_overflow(number->whole, 10, &number->whole) ||
            __builtin_add_overflow(number->whole, text.data[at] - '0', &number->whole))
            *overflow = true;
    }
    size_t digits = at - first;
    if (at < text.length && text.data[at] == '.') {
        at++;
        int64_t place = 100000;
        for (; at < text.length && types_is_digit(text.data[at]); at++, digits++) {
            number->millionths += (text.data[at] - '0') * place;
            place /= 10;
        }
    }
    if (digits == 0)
        return start;
    if (number->negative) {
        number->whole = *overflow ? 0 : -number->whole;
        number->millionths = -number->millionths;
    }
    return at;
}

/* [HH]:MM[:SS[.f]] whose hours are read already; returns where it ends, 0 on bad text. */
static size_t read_clock(base_text text, size_t at, amount hours, parts *sum)
{
    int64_t minutes = 0, seconds = 0, fraction = 0;
    size_t start = ++at;
    for (; at < text.length && types_is_digit(text.data[at]) && at - start < 2; at++)
        minutes = minutes * 10 + (text.data[at] - '0');
    if (at == start || minutes > 59)
        return 0;
    if (at < text.length && text.data[at] == ':') {
        start = ++at;
        for (; at < text.length && types_is_digit(text.data[at]) && at - start < 2; at++)
            seconds = seconds * 10 + (text.data[at] - '0');
        if (at == start || seconds > 59)
            return 0;
        if (at < text.length && text.data[at] == '.') {
            int64_t place = 1000000; /* tenths of a microsecond, for rounding */
            for (at++; at < text.length && types_is_digit(text.data[at]); at++) {
                fraction += (text.data[at] - '0') * place;
                place /= 10;
            }
            fraction = (fraction + 5) / 10;
        }
    }
    int64_t rest = (minutes * 60 + seconds) * 1000000 + fraction;
    add_to(sum, &sum->microseconds, hours.whole, INT64_C(3600000000));
    add_to(sum, &sum->microseconds, hours.negative ? -rest : rest, 1);
    return at;
}

static size_t skip_blanks(base_text text, size_t at)
{
    while (at < text.length && (types_is_blank(text.data[at]) || text.data[at] == ','))
        at++;
    return at;
}

static bool parse_words(base_text text, parts *sum)
{
    size_t at = 0;
    bool any = false;
    if (text.length && text.data[0] == '@')
        at = 1;
    for (at = skip_blanks(text, at); at < text.length; at = skip_blanks(text, at)) {
        if (any && base_text_equal_folded((base_text){text.data + at, text.length - at},
                                          BASE_TEXT("ago"))) {
            if (sum->months == INT64_MIN || sum->days == INT64_MIN ||
                sum->microseconds == INT64_MIN)
                sum->overflow = true;
            if (sum->overflow)
                return true;
            sum->months = -sum->months;
            sum->days = -sum->days;
            sum->microseconds = -sum->microseconds;
            return true;
        }
        amount number;
        size_t end = read_amount(text, at, &number, &sum->overflow);
        if (end == at)
            return false;
        at = end;
        any = true;
        if (at < text.length && text.data[at] == ':') {
            at = read_clock(text, at, number, sum);
            if (at == 0)
                return false;
            continue;
        }
        if (at < text.length && text.data[at] == '-' && number.millionths == 0) { /* 1-2 */
            amount months;
            end = read_amount(text, at + 1, &months, &sum->overflow);
            if (end == at + 1 || months.negative || months.whole > 11 ||
                (end < text.length && !types_is_blank(text.data[end])))
                return false;
            at = end;
            add_to(sum, &sum->months, number.whole, 12);
            add_to(sum, &sum->months, number.negative ? -months.whole : months.whole, 1);
            continue;
        }
        size_t name = skip_blanks(text, at);
        for (end = name; end < text.length && types_is_letter(text.data[end]); end++)
            ;
        const unit *in = find_unit((base_text){text.data + name, end - name});
        if (end == name ||
            base_text_equal_folded((base_text){text.data + name, end - name}, BASE_TEXT("ago"))) {
            /* A bare number: days before a time ('3 4:05:06'), else seconds. */
            bool before_clock =
                name < text.length && memchr(text.data + name, ':', text.length - name);
            in = find_unit(before_clock ? BASE_TEXT("day") : BASE_TEXT("second"));
            end = at;
        }
        if (!in)
            return false;
        at = end;
        add_amount(sum, number, in);
    }
    return any;
}

/* P[nY][nM][nW][nD][T[nH][nM][nS]] */
static bool parse_iso(base_text text, parts *sum)
{
    bool in_time = false, any = false;
    size_t at = 1;
    while (at < text.length) {
        if ((text.data[at] == 'T' || text.data[at] == 't') && !in_time) {
            in_time = true;
            at++;
            continue;
        }
        amount number;
        size_t end = read_amount(text, at, &number, &sum->overflow);
        if (end == at || end >= text.length)
            return false;
        const char *name = NULL;
        switch (base_ascii_upper(text.data[end])) {
        case 'Y':
            name = in_time ? NULL : "year";
            break;
        case 'M':
            name = in_time ? "minute" : "month";
            break;
        case 'W':
            name = in_time ? NULL : "week";
            break;
        case 'D':
            name = in_time ? NULL : "day";
            break;
        case 'H':
            name = in_time ? "hour" : NULL;
            break;
        case 'S':
            name = in_time ? "second" : NULL;
            break;
        default:
            break;
        }
        if (!name)
            return false;
        add_amount(sum, number, find_unit(base_text_of(name)));
        any = true;
        at = end + 1;
    }
    return any;
}

base_status types_parse_interval(base_text text, types_interval *interval, base_error *error)
{
    parts sum = {0, 0, 0, false};
    bool iso = text.length > 1 && (text.data[0] == 'P' || text.data[0] == 'p');
    if (!(iso ? parse_iso(text, &sum) : parse_words(text, &sum))) {
        return base_error_set(error, BASE_INVALID_DATETIME,
                              "invalid input for type INTERVAL: \"%.*s\"",
                              (int)BASE_MIN(text.length, (size_t)100), text.data);
    }
    if (sum.overflow || sum.months < INT32_MIN || sum.months > INT32_MAX || sum.days < INT32_MIN ||
        sum.days > INT32_MAX) {
        return base_error_set(error, BASE_DATETIME_OVERFLOW,
                              "interval field value out of range: \"%.*s\"",
                              (int)BASE_MIN(text.length, (size_t)100), text.data);
    }
    *interval = (types_interval){(int32_t)sum.months, (int32_t)sum.days, sum.microseconds};
    return BASE_OK;
}
