/*
 * test_calendar.c - the calendar against a model that only knows how to go to the next day.
 *
 * The model counts days, months and weeks one by one as a child does, so it shares no formula with
 * civil.c. It walks over the turns that are easy to get wrong: the first year of all, the missing
 * year 0, centuries that are and are not leap years, the last day of all.
 */
#include "unit/unit.h"
#include "types/types.h"

/* ---- A model -------------------------------------------------------------------------------- */

typedef struct model {
    int32_t days;
    int32_t year; /* astronomical */
    int32_t month, day, day_of_year;
    int32_t weekday; /* 1 Monday .. 7 Sunday */
    int32_t iso_year, week;
} model;

static int32_t length_of_month(int32_t year, int32_t month)
{
    if (month == 2) {
        bool leap = year % 4 == 0;
        if (year % 100 == 0)
            leap = year % 400 == 0;
        return leap ? 29 : 28;
    }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static void go_to_next_day(model *self)
{
    self->days++;
    self->day++;
    self->day_of_year++;
    self->weekday = self->weekday == 7 ? 1 : self->weekday + 1;
    if (self->day > length_of_month(self->year, self->month)) {
        self->day = 1;
        self->month++;
    }
    if (self->month == 13) {
        self->month = 1;
        self->year++;
        self->day_of_year = 1;
    }
    if (self->weekday != 1)
        return;
    /* A week belongs to the year that has its Thursday: that of the day after the next two. */
    self->week++;
    bool before_new_year = self->month == 12 && self->day >= 29; /* Thursday is in January */
    bool after_new_year = self->month == 1 && self->day <= 4;
    if (before_new_year || after_new_year) {
        self->week = 1;
        self->iso_year = self->year + before_new_year;
    }
}

static void check_day(const model *self)
{
    types_civil civil;
    int32_t days = 0;
    types_civil_from_date(self->days, &civil);
    bool right = civil.year == self->year && civil.month == self->month && civil.day == self->day &&
                 types_date_from_civil(self->year, self->month, self->day, &days) &&
                 days == self->days;
    int32_t shown_year = self->year > 0 ? self->year : self->year - 1; /* there is no year 0 */
    int32_t shown_iso_year = self->iso_year > 0 ? self->iso_year : self->iso_year - 1;
    right = right && types_date_field(self->days, TYPES_FIELD_YEAR) == shown_year &&
            types_date_field(self->days, TYPES_FIELD_QUARTER) == (self->month - 1) / 3 + 1 &&
            types_date_field(self->days, TYPES_FIELD_DOY) == self->day_of_year &&
            types_date_field(self->days, TYPES_FIELD_ISODOW) == self->weekday &&
            types_date_field(self->days, TYPES_FIELD_DOW) == self->weekday % 7 &&
            types_date_field(self->days, TYPES_FIELD_WEEK) == self->week &&
            types_date_field(self->days, TYPES_FIELD_ISOYEAR) == shown_iso_year;
    if (!right)
        fail_msg("day %d: %d-%d-%d", self->days, self->year, self->month, self->day);
}

static void walk(model self, int32_t last)
{
    for (; self.days < last; go_to_next_day(&self))
        check_day(&self);
    check_day(&self);
}

static void every_day_follows_the_one_before(void **state)
{
    (void)state;
    /* Where walks begin is known from elsewhere: Julian day 0, and days of which every wall
     * calendar tells the week. */
    static const model first = {.days = TYPES_DATE_MIN,
                                .year = -4713,
                                .month = 11,
                                .day = 24,
                                .day_of_year = 328,
                                .weekday = 1,
                                .iso_year = -4713,
                                .week = 48};
    static const model new_century = {.days = 10957,
                                      .year = 2000,
                                      .month = 1,
                                      .day = 1,
                                      .day_of_year = 1,
                                      .weekday = 6,
                                      .iso_year = 1999,
                                      .week = 52};
    walk(first, 15000); /* to 2011: every leap rule, and the turn from 1 BC to AD 1 */
    walk(new_century, 500000);
    int32_t days;
    assert_true(types_date_from_civil(294246, 12, 31, &days));
    assert_int_equal(days, TYPES_DATE_MAX);
    assert_false(types_date_from_civil(294247, 1, 1, &days));
    assert_false(types_date_from_civil(-4713, 11, 23, &days));
    assert_false(types_date_from_civil(2023, 2, 29, &days));
    assert_false(types_date_from_civil(1900, 2, 29, &days));
    assert_true(types_date_from_civil(2000, 2, 29, &days));
    assert_false(types_date_from_civil(2000, 0, 1, &days));
    assert_false(types_date_from_civil(2000, 13, 1, &days));
    assert_false(types_date_from_civil(2000, 1, 0, &days));
}

/* ---- Periods -------------------------------------------------------------------------------- */

static int32_t date_of(int32_t year, int32_t month, int32_t day)
{
    int32_t days = 0;
    assert_true(types_date_from_civil(year, month, day, &days));
    return days;
}

static void centuries_begin_in_their_first_year(void **state)
{
    (void)state;
    static const struct {
        int32_t year; /* astronomical */
        int64_t decade, century, millennium;
    } rows[] = {{2000, 200, 20, 2}, {2001, 200, 21, 3},    {1, 0, 1, 1},
                {100, 10, 1, 1},    {101, 10, 2, 1},       {0, 0, -1, -1},
                {-1, -1, -1, -1},   {-99, -10, -1, -1},    {-100, -10, -2, -1},
                {1900, 190, 19, 2}, {-999, -100, -10, -1}, {-1000, -100, -11, -2}};
    for (size_t i = 0; i < BASE_COUNT_OF(rows); i++) {
        int32_t day = date_of(rows[i].year, 7, 1);
        assert_int_equal(types_date_field(day, TYPES_FIELD_DECADE), rows[i].decade);
        assert_int_equal(types_date_field(day, TYPES_FIELD_CENTURY), rows[i].century);
        assert_int_equal(types_date_field(day, TYPES_FIELD_MILLENNIUM), rows[i].millennium);
    }
}

/* Truncation gives the first instant of the period that the timestamp lies in. */
static void truncation_gives_the_start(void **state)
{
    (void)state;
    static const struct {
        types_field field;
        int64_t shortest; /* a period is at least as long, in days */
    } fields[] = {
        {TYPES_FIELD_DAY, 1},       {TYPES_FIELD_WEEK, 7},        {TYPES_FIELD_MONTH, 28},
        {TYPES_FIELD_QUARTER, 90},  {TYPES_FIELD_YEAR, 365},      {TYPES_FIELD_ISOYEAR, 364},
        {TYPES_FIELD_DECADE, 3652}, {TYPES_FIELD_CENTURY, 36524}, {TYPES_FIELD_MILLENNIUM, 365242}};
    uint64_t seed = 7;
    for (int turn = 0; turn < 20000; turn++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        int64_t range = TYPES_TIMESTAMP_MAX / 20; /* some 15,000 years either way */
        int64_t at = (int64_t)(seed >> 1) % range - range / 5;
        for (size_t i = 0; i < BASE_COUNT_OF(fields); i++) {
            types_field field = fields[i].field;
            int64_t start = types_timestamp_truncate(at, field);
            assert_true(start <= at);
            assert_int_equal(types_timestamp_truncate(start, field), start);
            if (start == TYPES_TIMESTAMP_MIN)
                continue; /* cut off by the range */
            assert_int_equal(start % TYPES_MICROSECONDS_PER_DAY, 0);
            /* The instant before belongs to the period before, at least that long. */
            int64_t before = types_timestamp_truncate(start - 1, field);
            assert_true(before < start);
            if (before > TYPES_TIMESTAMP_MIN)
                assert_true(start - before >= fields[i].shortest * TYPES_MICROSECONDS_PER_DAY);
            if (field != TYPES_FIELD_DAY)
                assert_true(types_timestamp_extract(start, field) ==
                            types_timestamp_extract(at, field));
        }
        assert_int_equal(types_timestamp_truncate(at, TYPES_FIELD_MICROSECOND), at);
        int64_t minute = types_timestamp_truncate(at, TYPES_FIELD_MINUTE);
        assert_true(at - minute < 60000000 && minute <= at && minute % 60000000 == 0);
    }
    assert_int_equal(types_timestamp_truncate(TYPES_TIMESTAMP_MIN, TYPES_FIELD_MILLENNIUM),
                     TYPES_TIMESTAMP_MIN);
}

/* ---- Arithmetic ------------------------------------------------------------------------------ */

/* Months count from month to month and stop at the end of a shorter one; days and time after. */
static void months_stop_at_the_end_of_a_shorter_one(void **state)
{
    (void)state;
    for (int32_t day = date_of(1995, 1, 1); day < date_of(2005, 1, 1); day += 3) {
        types_civil from;
        types_civil_from_date(day, &from);
        for (int32_t months = -300; months <= 300; months += 7) {
            int64_t result = 0, expected_year = from.year, expected_month = from.month + months;
            for (; expected_month < 1; expected_month += 12)
                expected_year--;
            for (; expected_month > 12; expected_month -= 12)
                expected_year++;
            int32_t last = length_of_month((int32_t)expected_year, (int32_t)expected_month);
            int64_t noon = day * TYPES_MICROSECONDS_PER_DAY + TYPES_MICROSECONDS_PER_DAY / 2;
            unit_assert_ok(
                types_timestamp_add(noon, (types_interval){months, 0, 0}, &result, NULL));
            types_civil to;
            types_civil_from_timestamp(result, &to);
            assert_int_equal(to.year, expected_year);
            assert_int_equal(to.month, expected_month);
            assert_int_equal(to.day, BASE_MIN(from.day, last));
            assert_int_equal(to.hour, 12);
        }
    }
    int64_t result = 0, start = date_of(2024, 1, 31) * TYPES_MICROSECONDS_PER_DAY;
    unit_assert_ok(types_timestamp_add(start, (types_interval){1, 1, -1}, &result, NULL));
    types_civil civil; /* 29 February, 1 March, a microsecond before */
    types_civil_from_timestamp(result, &civil);
    assert_int_equal(civil.month, 2);
    assert_int_equal(civil.day, 29);
    assert_int_equal(civil.microsecond, 999999);
}

static void sums_out_of_range_are_errors(void **state)
{
    (void)state;
    static const struct {
        int64_t at;
        types_interval interval;
    } rows[] = {
        {TYPES_TIMESTAMP_MAX, {0, 0, 1}},
        {TYPES_TIMESTAMP_MIN, {0, 0, -1}},
        {TYPES_TIMESTAMP_MAX, {1, 0, 0}},
        {TYPES_TIMESTAMP_MIN, {-1, 0, 0}},
        {0, {INT32_MAX, INT32_MAX, INT64_MAX}},
        {0, {INT32_MIN, INT32_MIN, INT64_MIN}},
        {0, {0, INT32_MAX, 0}},
        {0, {0, 0, INT64_MAX}},
        {INT64_MAX, {0, 0, 0}},
        {INT64_MIN, {0, 0, 0}},
    };
    int64_t result = 5;
    for (size_t i = 0; i < BASE_COUNT_OF(rows); i++)
        assert_int_equal(types_timestamp_add(rows[i].at, rows[i].interval, &result, NULL),
                         BASE_DATETIME_OVERFLOW);
    unit_assert_ok(types_timestamp_add(TYPES_TIMESTAMP_MAX,
                                       (types_interval){0, 1, -TYPES_MICROSECONDS_PER_DAY}, &result,
                                       NULL)); /* only the sum counts */
    assert_int_equal(result, TYPES_TIMESTAMP_MAX);
}

/* Times of day wrap; those of files that were damaged give some time, not a trap. */
static void times_are_taken_apart(void **state)
{
    (void)state;
    types_civil civil;
    types_civil_time(TYPES_MICROSECONDS_PER_DAY, &civil);
    assert_int_equal(civil.hour, 24);
    types_civil_time(INT64_C(86399999999), &civil);
    assert_int_equal(civil.hour, 23);
    assert_int_equal(civil.minute, 59);
    assert_int_equal(civil.second, 59);
    assert_int_equal(civil.microsecond, 999999);
    static const int64_t damaged[] = {-1, INT64_MIN, INT64_MAX, TYPES_MICROSECONDS_PER_DAY + 1};
    for (size_t i = 0; i < BASE_COUNT_OF(damaged); i++) {
        types_civil_time(damaged[i], &civil);
        assert_true(civil.hour >= 0 && civil.hour < 24 && civil.minute >= 0 && civil.second >= 0);
        types_civil_from_timestamp(damaged[i], &civil);
        (void)types_timestamp_extract(damaged[i], TYPES_FIELD_MILLENNIUM);
    }
    assert_int_equal(types_timestamp_day(-1), -1);
    assert_int_equal(types_timestamp_day(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_follows_the_one_before),
        cmocka_unit_test(centuries_begin_in_their_first_year),
        cmocka_unit_test(truncation_gives_the_start),
        cmocka_unit_test(months_stop_at_the_end_of_a_shorter_one),
        cmocka_unit_test(sums_out_of_range_are_errors),
        cmocka_unit_test(times_are_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
