/*
 * test_text.c - values from text and back: one table of inputs, outputs and refusals.
 */
#include "unit/unit.h"
#include "types/types.h"

typedef struct row {
    const char *type;
    const char *input;
    const char *output; /* NULL: refused with `status` */
    base_status status;
} row;

#define BAD(status) NULL, BASE_##status

static const row rows[] = {
    {"boolean", "t", "true", 0},
    {"boolean", " YES ", "true", 0},
    {"boolean", "of", "false", 0},
    {"boolean", "o", BAD(INVALID_TEXT)},
    {"boolean", "2", BAD(INVALID_TEXT)},
    {"boolean", "", BAD(INVALID_TEXT)},
    {"tinyint", "-128", "-128", 0},
    {"tinyint", "128", BAD(OUT_OF_RANGE)},
    {"integer", "  +0042 ", "42", 0},
    {"integer", "-9223372036854775808", "-9223372036854775808", 0},
    {"integer", "9223372036854775808", BAD(OUT_OF_RANGE)},
    {"integer", "99999999999999999999999999999999999999999999", BAD(OUT_OF_RANGE)},
    {"integer", "0x1F", "31", 0},
    {"integer", "-0b101", "-5", 0},
    {"integer", "0x", BAD(INVALID_TEXT)},
    {"integer", "1_000", "1000", 0},
    {"integer", "1__0", BAD(INVALID_TEXT)},
    {"integer", "1.5", BAD(INVALID_TEXT)},
    {"integer", "-", BAD(INVALID_TEXT)},
    {"integer", "12a", BAD(INVALID_TEXT)},
    {"ubigint", "18446744073709551615", "18446744073709551615", 0},
    {"ubigint", "-1", BAD(OUT_OF_RANGE)},
    {"decimal(15,2)", "1234.565", "1234.57", 0},
    {"decimal(15,2)", "-1234.565", "-1234.57", 0},
    {"decimal(15,2)", "1e3", "1000.00", 0},
    {"decimal(15,2)", "0.004", "0.00", 0},
    {"decimal(3,2)", "9.995", BAD(OUT_OF_RANGE)},
    {"decimal(3,2)", "9.994", "9.99", 0},
    {"decimal(38,0)", "99999999999999999999999999999999999999",
     "99999999999999999999999999999999999999", 0},
    {"decimal(38,0)", "99999999999999999999999999999999999999.5", BAD(OUT_OF_RANGE)},
    {"decimal(38,0)", "99999999999999999999999999999999999999.49999999999999999999999999",
     "99999999999999999999999999999999999999", 0},
    {"decimal(38,38)", "-0.99999999999999999999999999999999999999",
     "-0.99999999999999999999999999999999999999", 0},
    {"decimal(5,5)", "0.00001", "0.00001", 0},
    {"decimal(5,2)", "1e-999999999", "0.00", 0},
    {"decimal(5,2)", "1e999999999", BAD(OUT_OF_RANGE)},
    {"decimal(5,2)", "nan", BAD(INVALID_TEXT)},
    {"float", "3", "3", 0},
    {"float", "0.1", "0.1", 0},
    {"float", "1e20", "1e+20", 0},
    {"float", "-0", "-0", 0},
    {"float", ".5e1", "5", 0},
    {"float", "123456789012345", "123456789012345", 0},
    {"float", "1234567890123456", "1.234567890123456e+15", 0},
    {"float", "0.00001", "1e-05", 0},
    {"float", "0.0001", "0.0001", 0},
    {"float", "4.9e-324", "5e-324", 0},
    {"float", "2.4703282292062327208e-324", "0", 0},
    {"float", "2.4703282292062328e-324", "5e-324", 0},
    {"float", "1.7976931348623158e308", "1.7976931348623157e+308", 0},
    {"float", "1.7976931348623159e308", BAD(OUT_OF_RANGE)},
    {"float", "1e400", BAD(OUT_OF_RANGE)},
    {"float", "9007199254740993", "9.007199254740992e+15", 0},
    {"float", "9007199254740993.00000000000000000000000000000000000000001", "9.007199254740994e+15",
     0},
    {"float", "-Infinity", "-Infinity", 0},
    {"float", "nAn", "NaN", 0},
    {"float", "1,5", BAD(INVALID_TEXT)},
    {"float4", "0.1", "0.1", 0},
    {"float4", "16777217", "1.6777216e+07", 0},
    {"float4", "1e39", BAD(OUT_OF_RANGE)},
    {"text", " a ", " a ", 0},
    {"text", "\xC3\x28", BAD(INVALID_ENCODING)},
    {"blob", "\\x00fF", "\\x00ff", 0},
    {"blob", "\\x0", BAD(INVALID_TEXT)},
    {"blob", "\\x0g", BAD(INVALID_TEXT)},
    {"blob", "abc", "\\x616263", 0},
    {"blob", "abcdefghijklmn", "\\x6162636465666768696a6b6c6d6e", 0},
    {"date", "2024-01-31", "2024-01-31", 0},
    {"date", "20240229", "2024-02-29", 0},
    {"date", "2023-02-29", BAD(DATETIME_OVERFLOW)},
    {"date", "2024/3/1", "2024-03-01", 0},
    {"date", "3/1/2024", "2024-03-01", 0},
    {"date", "Jan 31, 2024", "2024-01-31", 0},
    {"date", "31-Jan-2024", "2024-01-31", 0},
    {"date", "31 january 2024", "2024-01-31", 0},
    {"date", "2024-Sept-05", "2024-09-05", 0},
    {"date", "0044-03-15 BC", "0044-03-15 BC", 0},
    {"date", "4714-11-24 BC", "4714-11-24 BC", 0},
    {"date", "4714-11-23 BC", BAD(DATETIME_OVERFLOW)},
    {"date", "294246-12-31", "294246-12-31", 0},
    {"date", "294247-01-01", BAD(DATETIME_OVERFLOW)},
    {"date", "0000-01-01", BAD(DATETIME_OVERFLOW)},
    {"date", "2024-13-01", BAD(DATETIME_OVERFLOW)},
    {"date", "01-02-03", BAD(INVALID_DATETIME)},
    {"date", "2024-01-31x", BAD(INVALID_DATETIME)},
    {"date", "", BAD(INVALID_DATETIME)},
    {"date", "2024-01-31 23:59:59", "2024-01-31", 0},
    {"time", "10:20", "10:20:00", 0},
    {"time", "10:20:30.5", "10:20:30.5", 0},
    {"time", "24:00:00", "24:00:00", 0},
    {"time", "24:00:01", BAD(DATETIME_OVERFLOW)},
    {"time", "23:59:60", "24:00:00", 0},
    {"time", "3 pm", "15:00:00", 0},
    {"time", "12:30 AM", "00:30:00", 0},
    {"time", "13:00 pm", BAD(DATETIME_OVERFLOW)},
    {"time", "102030", "10:20:30", 0},
    {"time", "10:20:30.1234567", "10:20:30.123457", 0},
    {"time", "10", BAD(INVALID_DATETIME)},
    {"timestamp", "2024-01-31 10:20:30", "2024-01-31 10:20:30", 0},
    {"timestamp", "2024-01-31T10:20:30.123456Z", "2024-01-31 10:20:30.123456", 0},
    {"timestamp", "2024-01-31 23:30:00-02:30", "2024-02-01 02:00:00", 0},
    {"timestamp", "2024-01-01 01:00+0130", "2023-12-31 23:30:00", 0},
    {"timestamp", "2024-01-31", "2024-01-31 00:00:00", 0},
    {"timestamp", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999", 0},
    {"timestamp", "0001-01-01 00:00:00 BC", "0001-01-01 00:00:00 BC", 0},
    {"timestamp", "294246-12-31 23:59:59.999999", "294246-12-31 23:59:59.999999", 0},
    {"timestamp", "294246-12-31 23:59:59.9999999", BAD(DATETIME_OVERFLOW)},
    {"timestamp", "epoch", "1970-01-01 00:00:00", 0},
    {"timestamp", "2024-01-31 25:00", BAD(DATETIME_OVERFLOW)},
    {"timestamp", "yesterday", BAD(INVALID_DATETIME)},
    {"interval", "1 year 2 mons 3 days 04:05:06", "1 year 2 mons 3 days 04:05:06", 0},
    {"interval", "1-2", "1 year 2 mons", 0},
    {"interval", "-1-2", "-1 years -2 mons", 0},
    {"interval", "3 4:05:06", "3 days 04:05:06", 0},
    {"interval", "P1Y2M3DT4H5M6.5S", "1 year 2 mons 3 days 04:05:06.5", 0},
    {"interval", "@ 1 minute ago", "-00:01:00", 0},
    {"interval", "1.5 days", "1 day 12:00:00", 0},
    {"interval", "0.5 month", "15 days", 0},
    {"interval", "90", "00:01:30", 0},
    {"interval", "0.1 s", "00:00:00.1", 0},
    {"interval", "-1 day +02:03:00", "-1 days +02:03:00", 0},
    {"interval", "2 weeks 1 century", "100 years 14 days", 0},
    {"interval", "0", "00:00:00", 0},
    {"interval", "100000 hours", "100000:00:00", 0},
    {"interval", "3000000000 days", BAD(DATETIME_OVERFLOW)},
    {"interval", "99999999999999999999 s", BAD(DATETIME_OVERFLOW)},
    {"interval", "1 parsec", BAD(INVALID_DATETIME)},
    {"interval", "", BAD(INVALID_DATETIME)},
    {"interval", "P1H", BAD(INVALID_DATETIME)},
    {"interval", "1 day garbage", BAD(INVALID_DATETIME)},
};

static types_type type_from(const char *text)
{
    types_type type;
    int64_t arguments[2];
    char name[32];
    const char *open = strchr(text, '(');
    if (!open) {
        unit_assert_ok(types_from_name(base_text_of(text), NULL, 0, &type, NULL));
        return type;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(open - text), text);
    char *end;
    arguments[0] = strtol(open + 1, &end, 10);
    arguments[1] = strtol(end + 1, NULL, 10);
    unit_assert_ok(types_from_name(base_text_of(name), arguments, 2, &type, NULL));
    return type;
}

static void text_becomes_values_and_values_text(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    base_buffer buffer;
    base_buffer_init(&buffer, &budget);
    for (size_t i = 0; i < BASE_COUNT_OF(rows); i++) {
        types_type type = type_from(rows[i].type);
        types_value value;
        base_error error;
        base_error_clear(&error);
        base_status status = types_parse(base_text_of(rows[i].input), type, &arena, &value, &error);
        if (!rows[i].output) {
            if (status != rows[i].status)
                fail_msg("%s '%s': %s", rows[i].type, rows[i].input, base_status_name(status));
            assert_true(error.message[0] != '\0');
            continue;
        }
        if (status != BASE_OK)
            fail_msg("%s '%s': %s", rows[i].type, rows[i].input, error.message);
        base_buffer_clear(&buffer);
        types_format(&value, &buffer);
        if (strcmp(buffer.data, rows[i].output) != 0)
            fail_msg("%s '%s' gives '%s', not '%s'", rows[i].type, rows[i].input, buffer.data,
                     rows[i].output);
        /* The output reads back as the same value, and the cast to TEXT agrees. */
        types_value again, text;
        unit_assert_ok(
            types_parse((base_text){buffer.data, buffer.length}, type, &arena, &again, NULL));
        assert_int_equal(types_cell_compare(types_form_of(type), &value.cell, &again.cell), 0);
        unit_assert_ok(types_cast(&value, TYPES_OF(TEXT), &arena, &text, NULL));
        assert_int_equal(text.cell.string.length, strlen(rows[i].output));
        assert_memory_equal(types_string_data(&text.cell.string), rows[i].output,
                            text.cell.string.length);
    }
    base_buffer_destroy(&buffer);
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

static void numbers_of_the_lexer_take_the_smallest_type(void **state)
{
    (void)state;
    static const struct {
        const char *text, *type, *output;
    } numbers[] = {
        {"0", "INTEGER", "0"},
        {"9223372036854775807", "INTEGER", "9223372036854775807"},
        {"-9223372036854775808", "INTEGER", "-9223372036854775808"},
        {"9223372036854775808", "DECIMAL(19,0)", "9223372036854775808"},
        {"1.50", "DECIMAL(3,2)", "1.50"},
        {"0.05", "DECIMAL(2,2)", "0.05"},
        {".5", "DECIMAL(1,1)", "0.5"},
        {"5.", "DECIMAL(1,0)", "5"},
        {"0.0", "DECIMAL(1,1)", "0.0"},
        {"1e3", "FLOAT", "1000"},
        {"1.5e-7", "FLOAT", "1.5e-07"},
        {"123456789012345678901234567890123456789", "FLOAT", "1.2345678901234568e+38"},
        {"0x7fffffffffffffff", "INTEGER", "9223372036854775807"},
        {"0xffffffffffffffff", "DECIMAL(38,0)", "18446744073709551615"},
    };
    base_budget budget;
    unit_budget_init(&budget);
    base_buffer buffer;
    base_buffer_init(&buffer, &budget);
    for (size_t i = 0; i < BASE_COUNT_OF(numbers); i++) {
        types_value value;
        char name[TYPES_NAME_SIZE];
        unit_assert_ok(types_parse_number(base_text_of(numbers[i].text), &value, NULL));
        assert_string_equal(types_name(value.type, name), numbers[i].type);
        base_buffer_clear(&buffer);
        types_format(&value, &buffer);
        assert_string_equal(buffer.data, numbers[i].output);
    }
    types_value value;
    assert_int_equal(types_parse_number(BASE_TEXT("1e999"), &value, NULL), BASE_OUT_OF_RANGE);
    assert_int_equal(types_parse_number(BASE_TEXT("1x"), &value, NULL), BASE_INVALID_TEXT);
    assert_int_equal(types_parse_number(BASE_TEXT(""), &value, NULL), BASE_INVALID_TEXT);
    base_buffer_destroy(&buffer);
    unit_budget_check(&budget);
}

static void literals_quote(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    base_buffer buffer;
    base_buffer_init(&buffer, &budget);
    static const struct {
        const char *type, *input, *literal;
    } literals[] = {
        {"text", "it's", "'it''s'"},
        {"text", "", "''"},
        {"blob", "\\x00ff", "X'00ff'"},
        {"date", "2024-01-31", "DATE '2024-01-31'"},
        {"float", "3", "3e0"},
        {"float", "1e20", "1e+20"},
        {"float", "nan", "CAST('NaN' AS FLOAT)"},
        {"interval", "1 day", "INTERVAL '1 day'"},
        {"decimal(5,2)", "1.5", "1.50"},
    };
    for (size_t i = 0; i < BASE_COUNT_OF(literals); i++) {
        types_value value;
        unit_assert_ok(types_parse(base_text_of(literals[i].input), type_from(literals[i].type),
                                   &arena, &value, NULL));
        base_buffer_clear(&buffer);
        types_format_literal(&value, &buffer);
        assert_string_equal(buffer.data, literals[i].literal);
    }
    base_buffer_destroy(&buffer);
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_values_and_values_text),
        cmocka_unit_test(numbers_of_the_lexer_take_the_smallest_type),
        cmocka_unit_test(literals_quote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
