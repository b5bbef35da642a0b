/*
 * CSV reading: random bytes cut into slices and records give what a reader that looks at one
 * byte after the other gives, whatever the sizes of pieces and slices; usual spellings of values
 * give what types_parse gives.
 */
#include "unit/unit.h"
#include "session/session_copy_int.h"

/* ---- A reader that is plainly right -------------------------------------------------------- */

enum {
    LARGEST = 4000,
    FIELDS = LARGEST + 2
};

/* Records as text: fields in <> (quoted ones in {}), each record ended by a line of its own with
 * the number of the line that it begins on. Gives the length of the whole records; more is there
 * when a quoted field does not end. */
static size_t read_plainly(const copy_options *options, const char *text, size_t length,
                           base_buffer *out)
{
    size_t at = 0;
    uint64_t line = 1;
    while (at < length) {
        uint64_t first = line;
        size_t whole = out->length;
        for (;;) {
            bool quoted =
                at < length && options->quote != COPY_NO_QUOTE && text[at] == (char)options->quote;
            base_buffer_append_byte(out, quoted ? '{' : '<');
            if (quoted) {
                bool closed = false;
                for (at++; at < length && !closed; at++) {
                    bool escape =
                        options->escape != COPY_NO_QUOTE && text[at] == (char)options->escape;
                    if (escape && at + 1 < length &&
                        (text[at + 1] == (char)options->quote ||
                         text[at + 1] == (char)options->escape)) {
                        base_buffer_append_byte(out, text[++at]);
                    } else if (text[at] == (char)options->quote) {
                        closed = true;
                    } else {
                        line += text[at] == '\n';
                        base_buffer_append_byte(out, text[at]);
                    }
                }
                if (!closed || (at < length && text[at] != options->delimiter && text[at] != '\n' &&
                                text[at] != '\r')) {
                    base_buffer_append_byte(out, '!');
                    return whole;
                }
            } else {
                while (at < length && text[at] != options->delimiter && text[at] != '\n' &&
                       text[at] != '\r')
                    base_buffer_append_byte(out, text[at++]);
            }
            base_buffer_append_byte(out, '>');
            if (at == length || text[at] != options->delimiter)
                break;
            at++;
        }
        if (at < length) {
            at += text[at] == '\r' && at + 1 < length && text[at + 1] == '\n' ? 2 : 1;
            line++;
        }
        base_buffer_append_format(out, "%llu\n", (unsigned long long)first);
    }
    return out->length;
}

/* ---- The reader ------------------------------------------------------------------------------ */

typedef struct input {
    const char *text;
    size_t left, step;
} input;

static int64_t give(void *context, void *buffer, size_t size)
{
    input *self = context;
    size_t count = BASE_MIN(BASE_MIN(self->left, self->step), size);
    memcpy(buffer, self->text, count);
    self->text += count;
    self->left -= count;
    return (int64_t)count;
}

/* False: a quoted field does not end. */
static bool show_slice(const copy_options *options, base_text slice, uint64_t *line,
                       copy_field *fields, base_buffer *out)
{
    copy_record record;
    char plain[LARGEST];
    session_copy_record_start(&record, options, slice, fields, FIELDS);
    for (;;) {
        base_status status = session_copy_record_next(&record);
        if (status == BASE_DONE)
            break;
        for (uint32_t i = 0; i < record.field_count; i++) {
            base_text text = fields[i].text;
            if (fields[i].escaped)
                text = (base_text){plain, session_copy_unescape(options, text, plain)};
            base_buffer_append_byte(out, fields[i].quoted ? '{' : '<');
            base_buffer_append(out, text.data, text.length);
            base_buffer_append_byte(out, '>');
        }
        if (status != BASE_ROW)
            return false;
        base_buffer_append_format(out, "%llu\n", (unsigned long long)(*line + record.line - 1));
    }
    *line += record.next_line - 1;
    return true;
}

/* Whole records, then perhaps a part of a broken one. */
static bool read_sliced(base_budget *budget, const copy_options *options, input in,
                        size_t slice_size, uint32_t slice_count, base_buffer *out)
{
    session_connection connection = {.copy_read = give, .copy_context = &in};
    copy_stream stream = {.connection = &connection};
    copy_reader reader;
    base_error error;
    base_text slices[COPY_MAX_SLICES];
    uint32_t count;
    uint64_t line = 1;
    bool good = true;
    static copy_field fields[FIELDS];
    base_error_clear(&error);
    session_copy_reader_init(&reader, &stream, options, budget, slice_size, slice_count);
    do {
        unit_assert_ok(
            session_copy_reader_next(&reader, slice_count, line, slices, &count, &error));
        for (uint32_t i = 0; i < count && good; i++) {
            assert_true(slices[i].length > 0);
            good = show_slice(options, slices[i], &line, fields, out);
        }
    } while (count && good);
    session_copy_reader_destroy(&reader);
    return good;
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static void test_any_bytes(void **state)
{
    (void)state;
    static const copy_options dialects[] = {
        {.delimiter = ',', .quote = '"', .escape = '"'},
        {.delimiter = '|', .quote = '"', .escape = '\\'},
        {.delimiter = ',', .quote = COPY_NO_QUOTE, .escape = COPY_NO_QUOTE},
        {.delimiter = ',', .quote = '"', .escape = COPY_NO_QUOTE},
    };
    unit_allocator allocator;
    base_budget budget;
    unit_allocator_init(&allocator, 0, false);
    base_budget_init(&budget, NULL, &allocator.allocator, "test", SIZE_MAX);
    static char text[LARGEST];
    uint64_t seed = 1;
    uint32_t broken = 0, whole = 0;
    for (uint32_t round = 0; round < 6000; round++) {
        const copy_options *options = &dialects[round % BASE_COUNT_OF(dialects)];
        /* Few quotes in most rounds, or every input would be a broken one. */
        const char *bytes = round % 3 == 0 ? "ab,|\"\\\n\r" : "abcdefgh,,,|||\n\nxyz\n\r\n,abcd";
        size_t kinds = strlen(bytes), length = next_random(&seed) % (round % 7 ? 60 : LARGEST);
        for (size_t i = 0; i < length; i++)
            text[i] = bytes[next_random(&seed) % kinds];
        /* Well-formed quoted fields among them. */
        for (size_t i = 0; i + 12 < length && round % 3 == 1; i += 20 + next_random(&seed) % 30) {
            const char *field = next_random(&seed) % 2 ? ",\"a\n,b\"\n" : "\n\"x|\r\"|";
            memcpy(text + i, field, strlen(field));
        }
        input in = {text, length, 1 + next_random(&seed) % 100};
        base_buffer expected, found;
        base_buffer_init(&expected, &budget);
        base_buffer_init(&found, &budget);
        size_t compared = read_plainly(options, text, length, &expected);
        bool good = read_sliced(&budget, options, in, 2 + next_random(&seed) % 200,
                                1 + next_random(&seed) % 7, &found);
        assert_int_equal(good, compared == expected.length);
        whole += good;
        broken += !good;
        assert_true(found.length >= compared);
        if (good)
            assert_int_equal(found.length, compared);
        if (compared)
            assert_memory_equal(found.data, expected.data, compared);
        base_buffer_destroy(&expected);
        base_buffer_destroy(&found);
    }
    assert_true(whole > 3000 && broken > 500);
    assert_int_equal(atomic_load(&budget.used), 0);
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    unit_allocator allocator;
    base_budget budget;
    copy_options options = {.delimiter = ',', .quote = '"', .escape = '"'};
    unit_allocator_init(&allocator, 0, false);
    base_budget_init(&budget, NULL, &allocator.allocator, "test", SIZE_MAX);
    base_buffer found;
    base_buffer_init(&found, &budget);
    const char *text = "\xEF\xBB\xBF\"a\",\xEF\xBB\xBF\n";
    assert_true(read_sliced(&budget, &options, (input){text, strlen(text), 2}, 100, 2, &found));
    base_buffer_append_byte(&found, 0);
    assert_string_equal(found.data, "{a><\xEF\xBB\xBF>1\n");
    base_buffer_destroy(&found);
}

/* ---- Values ------------------------------------------------------------------------------ */

static void test_values(void **state)
{
    (void)state;
    static const types_type types[] = {
        TYPES_OF(TINYINT),      TYPES_OF(SMALLINT),      TYPES_OF(INT4),
        TYPES_OF(INTEGER),      TYPES_DECIMAL_OF(5, 2),  TYPES_DECIMAL_OF(18, 0),
        TYPES_DECIMAL_OF(4, 4), TYPES_DECIMAL_OF(30, 2), TYPES_OF(DATE),
        TYPES_OF(TIMESTAMP),    TYPES_OF(TEXT),          TYPES_OF(FLOAT)};
    static const char *const texts[] = {"0",
                                        "-0",
                                        "7",
                                        "-7",
                                        "127",
                                        "128",
                                        "-128",
                                        "-129",
                                        "32767",
                                        "-32769",
                                        "2147483648",
                                        "999999999999999999",
                                        "9999999999999999999",
                                        "-9223372036854775808",
                                        "1.5",
                                        "-1.",
                                        ".5",
                                        "-.5",
                                        ".",
                                        "-",
                                        "1.234",
                                        "999.99",
                                        "-999.99",
                                        "999.995",
                                        "1000",
                                        "1e3",
                                        " 12 ",
                                        "+5",
                                        "1.2.3",
                                        "0x10",
                                        "",
                                        "abc",
                                        "2024-02-29",
                                        "2023-02-29",
                                        "0000-01-01",
                                        "9999-12-31",
                                        "2024-1-1",
                                        "2024-13-01",
                                        "2024-00-10",
                                        "2024-02-29 12:30:59",
                                        "2024-02-29T12:30:59.5",
                                        "2024-02-29 12:30:59.123456",
                                        "2024-02-29 12:30:59.1234567",
                                        "2024-02-29 24:00:00",
                                        "2024-02-29 12:60:00",
                                        "2024-02-29 12:30:59.",
                                        "2024-02-29 12:30:59Z",
                                        "2024-02-29 12:30",
                                        "2024/02/29",
                                        "1970-01-01 00:00:00"};
    unit_allocator allocator;
    base_budget budget;
    copy_options options = {.delimiter = ',', .quote = '"', .escape = '"', .null_text = {"", 0}};
    unit_allocator_init(&allocator, 0, false);
    base_budget_init(&budget, NULL, &allocator.allocator, "test", SIZE_MAX);
    base_arena heap;
    base_arena_init(&heap, &budget);
    uint32_t usual = 0;
    for (size_t t = 0; t < BASE_COUNT_OF(types); t++) {
        copy_column column;
        vector to;
        base_error error, expected_error;
        session_copy_column_init(&column, BASE_TEXT("c"), types[t]);
        unit_assert_ok(vector_init(&to, &budget, types[t], &error));
        for (size_t i = 0; i < BASE_COUNT_OF(texts); i++) {
            char padded[40 + COPY_PADDING] = {0};
            memcpy(padded, texts[i], strlen(texts[i]));
            copy_field field = {.text = base_text_of(padded), .quoted = true};
            types_value expected;
            base_error_clear(&error);
            base_error_clear(&expected_error);
            base_status wanted =
                types_parse(field.text, types[t], &heap, &expected, &expected_error);
            base_status status =
                session_copy_put(&column, &options, &field, false, &to, 3, &heap, &error);
            assert_int_equal(status, wanted);
            assert_string_equal(error.message, expected_error.message);
            usual += column.put(&column, field.text, &to, 3);
            if (status != BASE_OK)
                continue;
            types_value found = vector_get(&to, 3);
            assert_int_equal(types_cell_compare((types_form)to.form, &found.cell, &expected.cell),
                             0);
        }
        vector_destroy(&to, &budget);
    }
    assert_true(usual > 50);
    base_arena_destroy(&heap);
    assert_int_equal(atomic_load(&budget.used), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
