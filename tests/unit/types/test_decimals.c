/*
 * test_decimals.c - the rules of DECIMAL: what type a result has, what fits, how it is rounded.
 */
#include <math.h>
#include "unit/unit.h"
#include "types/types.h"

static void expect_type(types_type type, uint32_t precision, uint32_t scale)
{
    assert_int_equal(type.kind, TYPES_DECIMAL);
    assert_int_equal(type.precision, precision);
    assert_int_equal(type.scale, scale);
}

static void results_have_room(void **state)
{
    (void)state;
#define D TYPES_DECIMAL_OF
    expect_type(types_decimal_add_type(D(5, 2), D(7, 4)), 8, 4);
    expect_type(types_decimal_add_type(D(38, 0), D(38, 0)), 38, 0); /* capped: an error later */
    expect_type(types_decimal_add_type(D(38, 38), D(1, 0)), 38, 38);
    expect_type(types_decimal_multiply_type(D(15, 2), D(15, 2)), 30, 4);
    expect_type(types_decimal_multiply_type(D(38, 20), D(38, 20)), 38, 38);
    expect_type(types_decimal_divide_type(D(15, 2), D(15, 2)), 31, 16);
    expect_type(types_decimal_divide_type(D(10, 20 - 20), D(38, 18)), 38, 18);
#undef D
    /* Whatever two values of the types give, the result's type holds it unless it was capped. */
    for (uint32_t p = 1; p <= 18; p++) {
        for (uint32_t s = 0; s <= p; s++) {
            types_type a = TYPES_DECIMAL_OF(p, s), b = TYPES_DECIMAL_OF(18 - p + 1, (18 - p) / 2);
            types_type sum = types_decimal_add_type(a, b);
            types_type product = types_decimal_multiply_type(a, b);
            int128_t largest_a = types_power_of_ten(a.precision) - 1, x;
            int128_t largest_b = types_power_of_ten(b.precision) - 1, y;
            assert_true(types_decimal_rescale(largest_a, a.scale, sum.scale, &x));
            assert_true(types_decimal_rescale(largest_b, b.scale, sum.scale, &y));
            assert_true(types_decimal_fits(x + y, sum.precision));
            assert_true(types_decimal_fits(-x - y, sum.precision));
            assert_true(types_decimal_fits(largest_a * largest_b, product.precision));
        }
    }
}

static void integers_become_decimals_that_hold_them(void **state)
{
    (void)state;
    static const struct {
        types_kind kind;
        int128_t least, most;
    } rows[] = {{TYPES_TINYINT, INT8_MIN, INT8_MAX},      {TYPES_SMALLINT, INT16_MIN, INT16_MAX},
                {TYPES_INT4, INT32_MIN, INT32_MAX},       {TYPES_INTEGER, INT64_MIN, INT64_MAX},
                {TYPES_UBIGINT, 0, (int128_t)UINT64_MAX}, {TYPES_BOOLEAN, 0, 1}};
    for (size_t i = 0; i < BASE_COUNT_OF(rows); i++) {
        types_type type = types_decimal_of_integer((types_type){.kind = (uint8_t)rows[i].kind});
        assert_int_equal(type.scale, 0);
        assert_true(types_decimal_fits(rows[i].least, type.precision));
        assert_true(types_decimal_fits(rows[i].most, type.precision));
        /* And none of them is wider than it must be. */
        assert_false(types_decimal_fits(rows[i].most, type.precision - 1u) && type.precision > 1);
    }
}

static void powers_and_bounds(void **state)
{
    (void)state;
    int128_t power = 1;
    for (uint32_t i = 0; i <= TYPES_DECIMAL_MAX_PRECISION; i++) {
        assert_true(types_power_of_ten(i) == power);
        assert_true(types_decimal_fits(power - 1, i));
        assert_true(types_decimal_fits(1 - power, i));
        assert_false(types_decimal_fits(power, i));
        assert_false(types_decimal_fits(-power, i));
        if (i < TYPES_DECIMAL_MAX_PRECISION)
            power *= 10;
    }
}

static void halves_go_away_from_zero(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        uint32_t from, to;
        int64_t expected;
    } rows[] = {{15, 1, 0, 2},   {-15, 1, 0, -2}, {14, 1, 0, 1},    {-14, 1, 0, -1},
                {5, 1, 0, 1},    {-5, 1, 0, -1},  {4, 1, 0, 0},     {25, 1, 0, 3},
                {1, 0, 3, 1000}, {149, 2, 0, 1},  {150, 2, 0, 2},   {0, 38, 0, 0},
                {49, 38, 36, 0}, {50, 38, 36, 1}, {-50, 38, 36, -1}};
    for (size_t i = 0; i < BASE_COUNT_OF(rows); i++) {
        int128_t result;
        assert_true(types_decimal_rescale(rows[i].value, rows[i].from, rows[i].to, &result));
        assert_true(result == rows[i].expected);
    }
    int128_t result;
    assert_true(types_decimal_rescale(0, 0, 38, &result)); /* zero has room everywhere */
    assert_false(types_decimal_rescale(1, 0, 38, &result));
    assert_true(types_decimal_rescale(types_power_of_ten(38) - 1, 38, 0, &result));
    assert_true(result == 1); /* 0.99... rounds up */
}

static void floats_mean_what_they_show(void **state)
{
    (void)state;
    static const struct {
        double value;
        int64_t expected; /* at two digits */
    } rows[] = {
        {0.285, 29}, {-0.285, -29}, {1.005, 101}, {0.1, 10},    {1e15, INT64_C(100000000000000000)},
        {0.005, 1},  {0.0049, 0},   {-0.0, 0},    {2.675, 268}, {5e-324, 0}};
    types_type type = TYPES_DECIMAL_OF(20, 2);
    for (size_t i = 0; i < BASE_COUNT_OF(rows); i++) {
        int128_t result;
        assert_true(types_decimal_from_double(rows[i].value, type, &result));
        assert_true(result == rows[i].expected);
    }
    static const double refused[] = {NAN, INFINITY, -INFINITY, 1e38, 1e18, -1e18};
    for (size_t i = 0; i < BASE_COUNT_OF(refused); i++) {
        int128_t result;
        assert_false(types_decimal_from_double(refused[i], type, &result));
    }
    /* To a double and back: what has at most 15 digits is the same again. */
    uint64_t seed = 1;
    for (int turn = 0; turn < 20000; turn++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        int64_t value = (int64_t)(seed >> 8) % INT64_C(1000000000000000);
        uint32_t scale = (uint32_t)(seed % 16);
        value = seed & 32 ? -value : value;
        int128_t again;
        double number = types_decimal_to_double(value, scale);
        assert_true(types_decimal_from_double(number, TYPES_DECIMAL_OF(38, scale), &again));
        assert_true(again == value);
    }
    assert_true(types_decimal_to_double(types_power_of_ten(37), 37) == 1.0);
    assert_true(types_decimal_to_double(types_power_of_ten(38) - 1, 0) == 1e38);
    assert_true(types_decimal_to_double(INT64_C(9007199254740993), 0) == 9007199254740992.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_have_room),
        cmocka_unit_test(integers_become_decimals_that_hold_them),
        cmocka_unit_test(powers_and_bounds),
        cmocka_unit_test(halves_go_away_from_zero),
        cmocka_unit_test(floats_mean_what_they_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
