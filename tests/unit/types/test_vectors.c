/*
 * test_vectors.c - conversions against exact answers made by Python, and random bytes: no text
 * and no cell may do worse than give an error or a value that prints and reads back.
 */
#include "unit/unit.h"
#include "types/types.h"

#include "type_vectors.inc"

static void floats_are_read_correctly_rounded(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT_OF(float_vectors); i++) {
        types_value value;
        unit_assert_ok(
            types_parse(base_text_of(float_vectors[i].text), TYPES_OF(FLOAT), NULL, &value, NULL));
        if (value.cell.uint64 != float_vectors[i].bits)
            fail_msg("%s reads as %a", float_vectors[i].text, value.cell.float64);
    }
}

static int128_t number_of(const char *text)
{
    int128_t number = 0;
    for (const char *c = text + (*text == '-'); *c; c++)
        number = number * 10 + (*c - '0');
    return *text == '-' ? -number : number;
}

static void decimals_rescale_exactly(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT_OF(rescale_vectors); i++) {
        int128_t result;
        bool fits =
            types_decimal_rescale(number_of(rescale_vectors[i].number), rescale_vectors[i].scale,
                                  rescale_vectors[i].to_scale, &result);
        if (fits != (rescale_vectors[i].result != NULL))
            fail_msg("row %zu: %s", i, fits ? "fits" : "does not fit");
        if (fits && result != number_of(rescale_vectors[i].result))
            fail_msg("row %zu: not %s", i, rescale_vectors[i].result);
    }
}

static void days_have_their_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT_OF(day_vectors); i++) {
        types_value value;
        unit_assert_ok(
            types_parse(base_text_of(day_vectors[i].text), TYPES_OF(DATE), NULL, &value, NULL));
        int32_t days = value.cell.int32;
        assert_int_equal(days, day_vectors[i].days);
        assert_int_equal(types_date_field(days, TYPES_FIELD_ISOYEAR), day_vectors[i].iso_year);
        assert_int_equal(types_date_field(days, TYPES_FIELD_WEEK), day_vectors[i].week);
        assert_int_equal(types_date_field(days, TYPES_FIELD_ISODOW), day_vectors[i].weekday);
        assert_int_equal(types_date_field(days, TYPES_FIELD_DOY), day_vectors[i].day_of_year);
    }
    for (int32_t days = TYPES_DATE_MIN; days <= TYPES_DATE_MAX; days += 997) {
        types_civil civil;
        int32_t again;
        types_civil_from_date(days, &civil);
        assert_true(types_date_from_civil(civil.year, civil.month, civil.day, &again));
        assert_int_equal(again, days);
    }
}

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static types_type type_at(uint64_t number)
{
    types_type type = {.kind = (uint8_t)(1 + number % (TYPES_KIND_COUNT - 1))};
    if (type.kind == TYPES_DECIMAL) {
        type.precision = (uint8_t)(1 + number / 97 % 38);
        type.scale = (uint8_t)(number / 4001 % (type.precision + 1u));
    }
    return type;
}

/* Pieces that get past the first checks of the parsers. */
static size_t random_text(uint64_t *seed, char *out)
{
    static const char *const pieces[] = {
        "1",   "-",   "+",  ".",   "e",    ":",    " ",  "0",   "9",     "99999999999999999999",
        "nan", "inf", "_",  "/",   "2024", "-01",  "T",  "Z",   "P",     "year",
        "mon", "day", "BC", "ago", "0x",   "jan",  "pm", "\\x", "\xC3",  "\xA4",
        "th",  "24",  "60", "31",  "12",   "true", ",",  "@",   "hours", "us"};
    size_t length = 0, count = next(seed) % 8;
    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[next(seed) % BASE_COUNT_OF(pieces)];
        memcpy(out + length, piece, strlen(piece));
        length += strlen(piece);
    }
    if (length && next(seed) % 16 == 0)
        out[next(seed) % length] = (char)next(seed);
    return length;
}

static void any_text_gives_an_error_or_a_value(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    base_buffer buffer;
    base_buffer_init(&buffer, &budget);
    uint64_t seed = 88172645463325252u;
    char text[256];
    for (uint32_t round = 0; round < 60000; round++) {
        types_type type = type_at(next(&seed));
        size_t length = random_text(&seed, text);
        types_value value, again;
        base_error error;
        base_error_clear(&error);
        base_arena_reset(&arena);
        if (types_parse((base_text){text, length}, type, &arena, &value, &error) != BASE_OK) {
            assert_true(error.message[0] != '\0');
            continue;
        }
        base_buffer_clear(&buffer);
        types_format(&value, &buffer);
        base_text shown = {buffer.data ? buffer.data : "", buffer.length};
        if (types_parse(shown, type, &arena, &again, NULL) != BASE_OK ||
            types_cell_compare(types_form_of(type), &value.cell, &again.cell) != 0)
            fail_msg("\"%.*s\" prints as \"%.*s\"", (int)length, text, (int)shown.length,
                     shown.data);
    }
    base_buffer_destroy(&buffer);
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

static void any_cell_can_be_cast(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    base_buffer buffer;
    base_buffer_init(&buffer, &budget);
    uint64_t seed = 2463534242u;
    for (uint32_t round = 0; round < 60000; round++) {
        types_value value, result;
        base_arena_reset(&arena);
        base_buffer_clear(&buffer);
        memset(&value, 0, sizeof value);
        value.type = type_at(next(&seed));
        uint64_t words[2] = {next(&seed), next(&seed)};
        if (round % 3 == 0) /* the borders */
            words[0] = round % 2 ? (uint64_t)INT64_MIN : (uint64_t)INT64_MAX;
        if (types_form_of(value.type) == TYPES_FORM_STRING)
            value.cell.string = types_string_of((const char *)words, round % 13);
        else
            memcpy(&value.cell, words, sizeof words);
        if (value.type.kind == TYPES_BOOLEAN)
            value.cell.boolean &= 1;
        if (value.type.kind == TYPES_TIME) /* kept in range by all who make one */
            value.cell.int64 = (int64_t)(words[0] % (uint64_t)TYPES_MICROSECONDS_PER_DAY);
        if (value.type.kind == TYPES_DECIMAL && value.type.precision > TYPES_DECIMAL_MAX_INT64)
            value.cell.int128 /= 4;
        (void)types_cast(&value, type_at(next(&seed)), &arena, &result, NULL);
        types_format(&value, &buffer);
        types_format_literal(&value, &buffer);
        (void)types_cell_hash(types_form_of(value.type), &value.cell);
    }
    base_buffer_destroy(&buffer);
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_are_read_correctly_rounded),
        cmocka_unit_test(decimals_rescale_exactly),
        cmocka_unit_test(days_have_their_fields),
        cmocka_unit_test(any_text_gives_an_error_or_a_value),
        cmocka_unit_test(any_cell_can_be_cast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
