/*
 * test_types.c - names, physical forms, cast rules, common types, order and hash of cells.
 */
#include "unit/unit.h"
#include "types/types.h"

static types_type type_of(const char *name, uint32_t count, int64_t first, int64_t second)
{
    types_type type;
    int64_t arguments[2] = {first, second};
    unit_assert_ok(types_from_name(base_text_of(name), arguments, count, &type, NULL));
    return type;
}

static void names_resolve_with_aliases_and_arguments(void **state)
{
    (void)state;
    char name[TYPES_NAME_SIZE];
    assert_int_equal(type_of("BigInt", 0, 0, 0).kind, TYPES_INTEGER);
    assert_int_equal(type_of("int", 1, 11, 0).kind, TYPES_INTEGER);
    assert_int_equal(type_of("double precision", 0, 0, 0).kind, TYPES_FLOAT);
    assert_string_equal(types_name(type_of("numeric", 2, 15, 2), name), "DECIMAL(15,2)");
    assert_string_equal(types_name(type_of("numeric", 1, 7, 0), name), "DECIMAL(7,0)");
    assert_string_equal(types_name(type_of("varchar", 1, 10, 0), name), "VARCHAR(10)");
    assert_string_equal(types_name(type_of("text", 0, 0, 0), name), "TEXT");

    types_type type;
    base_error error;
    base_error_clear(&error);
    assert_int_equal(types_from_name(BASE_TEXT("integr"), NULL, 0, &type, &error),
                     BASE_UNDEFINED_OBJECT);
    assert_string_equal(error.hint, "did you mean \"integer\"?");
    int64_t bad[2] = {39, 2};
    assert_int_equal(types_from_name(BASE_TEXT("decimal"), bad, 2, &type, NULL),
                     BASE_INVALID_PARAMETER);
    bad[0] = 5;
    bad[1] = 6;
    assert_int_equal(types_from_name(BASE_TEXT("decimal"), bad, 2, &type, NULL),
                     BASE_INVALID_PARAMETER);
    assert_int_equal(types_from_name(BASE_TEXT("date"), bad, 1, &type, NULL), BASE_SYNTAX);
    bad[0] = 0;
    assert_int_equal(types_from_name(BASE_TEXT("varchar"), bad, 1, &type, NULL),
                     BASE_INVALID_PARAMETER);
}

static void forms_follow_the_precision(void **state)
{
    (void)state;
    assert_int_equal(types_form_of(TYPES_DECIMAL_OF(18, 2)), TYPES_FORM_INT64);
    assert_int_equal(types_form_of(TYPES_DECIMAL_OF(19, 2)), TYPES_FORM_INT128);
    assert_int_equal(types_form_of(TYPES_OF(BLOB)), TYPES_FORM_STRING);
    assert_int_equal(types_form_of(TYPES_OF(DATE)), TYPES_FORM_INT32);
    assert_int_equal(types_form_size(TYPES_FORM_INTERVAL), 16);
#define CHECK_SIZE(name, ctype, size)                                                              \
    assert_int_equal(types_form_size(TYPES_FORM_##name), sizeof(ctype));
    TYPES_FORM_LIST(CHECK_SIZE)
#undef CHECK_SIZE
}

static void casts_that_lose_are_not_implicit(void **state)
{
    (void)state;
    assert_int_equal(types_cast_level_of(TYPES_OF(INT4), TYPES_OF(INTEGER)), TYPES_CAST_IMPLICIT);
    assert_int_equal(types_cast_level_of(TYPES_OF(INTEGER), TYPES_OF(INT4)), TYPES_CAST_ASSIGNMENT);
    assert_int_equal(types_cast_level_of(TYPES_OF(INTEGER), TYPES_OF(UBIGINT)),
                     TYPES_CAST_ASSIGNMENT);
    assert_int_equal(types_cast_level_of(TYPES_OF(INTEGER), TYPES_DECIMAL_OF(18, 0)),
                     TYPES_CAST_ASSIGNMENT);
    assert_int_equal(types_cast_level_of(TYPES_OF(INTEGER), TYPES_DECIMAL_OF(19, 0)),
                     TYPES_CAST_IMPLICIT);
    assert_int_equal(types_cast_level_of(TYPES_DECIMAL_OF(5, 2), TYPES_DECIMAL_OF(6, 3)),
                     TYPES_CAST_IMPLICIT);
    assert_int_equal(types_cast_level_of(TYPES_DECIMAL_OF(5, 2), TYPES_DECIMAL_OF(5, 3)),
                     TYPES_CAST_ASSIGNMENT);
    assert_int_equal(types_cast_level_of(TYPES_OF(FLOAT), TYPES_OF(INTEGER)),
                     TYPES_CAST_ASSIGNMENT);
    assert_int_equal(types_cast_level_of(TYPES_OF(UNKNOWN), TYPES_OF(DATE)), TYPES_CAST_IMPLICIT);
    assert_int_equal(types_cast_level_of(TYPES_OF(BLOB), TYPES_OF(TEXT)), TYPES_CAST_EXPLICIT);
    assert_int_equal(types_cast_level_of(TYPES_OF(DATE), TYPES_OF(INTEGER)), TYPES_CAST_NONE);
}

static void common_types_hold_both(void **state)
{
    (void)state;
    types_type common;
    assert_true(types_common(TYPES_OF(SMALLINT), TYPES_OF(INTEGER), &common));
    assert_int_equal(common.kind, TYPES_INTEGER);
    assert_true(types_common(TYPES_OF(UBIGINT), TYPES_OF(INTEGER), &common));
    assert_true(types_equal(common, TYPES_DECIMAL_OF(20, 0)));
    assert_true(types_common(TYPES_DECIMAL_OF(15, 2), TYPES_DECIMAL_OF(5, 4), &common));
    assert_true(types_equal(common, TYPES_DECIMAL_OF(17, 4)));
    assert_true(types_common(TYPES_OF(INTEGER), TYPES_DECIMAL_OF(3, 2), &common));
    assert_true(types_equal(common, TYPES_DECIMAL_OF(21, 2)));
    assert_true(types_common(TYPES_DECIMAL_OF(3, 2), TYPES_OF(FLOAT4), &common));
    assert_int_equal(common.kind, TYPES_FLOAT);
    assert_true(types_common(TYPES_OF(DATE), TYPES_OF(TIMESTAMP), &common));
    assert_int_equal(common.kind, TYPES_TIMESTAMP);
    assert_true(types_common(TYPES_OF(UNKNOWN), TYPES_OF(UNKNOWN), &common));
    assert_int_equal(common.kind, TYPES_TEXT);
    assert_true(types_common(TYPES_OF(NULL), TYPES_OF(DATE), &common));
    assert_int_equal(common.kind, TYPES_DATE);
    assert_true(types_common(TYPES_OF(BOOLEAN), TYPES_OF(INTEGER), &common));
    assert_int_equal(common.kind, TYPES_INTEGER);
    assert_false(types_common(TYPES_OF(TEXT), TYPES_OF(INTEGER), &common));
    assert_false(types_common(TYPES_OF(BLOB), TYPES_OF(DATE), &common));
}

static types_cell string_cell(const char *data, size_t length)
{
    types_cell cell;
    cell.string = types_string_of(data, length);
    return cell;
}

static void cells_order_totally_and_hash_alike(void **state)
{
    (void)state;
    types_cell a, b;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    a.float64 = NAN;
    b.float64 = INFINITY;
    assert_true(types_cell_compare(TYPES_FORM_FLOAT64, &a, &b) > 0);
    assert_true(types_cell_compare(TYPES_FORM_FLOAT64, &b, &a) < 0);
    b.float64 = -NAN;
    assert_int_equal(types_cell_compare(TYPES_FORM_FLOAT64, &a, &b), 0);
    assert_int_equal(types_cell_hash(TYPES_FORM_FLOAT64, &a),
                     types_cell_hash(TYPES_FORM_FLOAT64, &b));
    a.float64 = 0.0;
    b.float64 = -0.0;
    assert_int_equal(types_cell_compare(TYPES_FORM_FLOAT64, &a, &b), 0);
    assert_int_equal(types_cell_hash(TYPES_FORM_FLOAT64, &a),
                     types_cell_hash(TYPES_FORM_FLOAT64, &b));
    a.interval = (types_interval){.months = 1};
    b.interval = (types_interval){.days = 29, .microseconds = TYPES_MICROSECONDS_PER_DAY};
    assert_int_equal(types_cell_compare(TYPES_FORM_INTERVAL, &a, &b), 0);
    assert_int_equal(types_cell_hash(TYPES_FORM_INTERVAL, &a),
                     types_cell_hash(TYPES_FORM_INTERVAL, &b));
    a.int128 = -1;
    b.int128 = (int128_t)1 << 100;
    assert_true(types_cell_compare(TYPES_FORM_INT128, &a, &b) < 0);
}

static void strings_compare_by_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } ascending[] = {
        {"", 0},
        {"\0", 1},
        {"\0\0", 2},
        {"a", 1},
        {"a\0", 2},
        {"a\0b", 3},
        {"ab", 2},
        {"abcd", 4},
        {"abcd\0", 5},
        {"abcdefghijklm", 13},
        {"abcdefghijkln", 13},
        {"abce", 4},
        {"b", 1},
        {"\xC3\xA4", 2},
    };
    for (size_t i = 0; i < BASE_COUNT_OF(ascending); i++) {
        for (size_t j = 0; j < BASE_COUNT_OF(ascending); j++) {
            types_cell a = string_cell(ascending[i].text, ascending[i].length);
            types_cell b = string_cell(ascending[j].text, ascending[j].length);
            int order = types_cell_compare(TYPES_FORM_STRING, &a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(types_string_equal(&a.string, &b.string), i == j);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_resolve_with_aliases_and_arguments),
        cmocka_unit_test(forms_follow_the_precision),
        cmocka_unit_test(casts_that_lose_are_not_implicit),
        cmocka_unit_test(common_types_hold_both),
        cmocka_unit_test(cells_order_totally_and_hash_alike),
        cmocka_unit_test(strings_compare_by_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
