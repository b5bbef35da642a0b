/*
 * COPY of inputs that are long: many buffers, many slices, volumes. What goes out is what came in,
 * errors name the line whatever was before it, and a load is all or nothing.
 */
#include "capi_fixture.h"

enum {
    ROWS = 60000 /* some 6 MB, more than is parsed at once */
};

typedef struct text {
    char *bytes;
    size_t length, capacity;
    size_t at, step; /* reading */
} text;

static void add(text *to, const char *format, ...)
{
    va_list arguments;
    if (to->capacity - to->length < 4096) {
        to->capacity = to->capacity * 2 + 65536;
        to->bytes = realloc(to->bytes, to->capacity);
        assert_non_null(to->bytes);
    }
    va_start(arguments, format);
    to->length +=
        (size_t)vsnprintf(to->bytes + to->length, to->capacity - to->length, format, arguments);
    va_end(arguments);
}

static int64_t give(void *context, void *buffer, size_t size)
{
    text *self = context;
    size_t left = self->length - self->at, count = left < size ? left : size;
    if (self->step && count > self->step)
        count = self->step;
    memcpy(buffer, self->bytes + self->at, count);
    self->at += count;
    return (int64_t)count;
}

typedef struct streams {
    text in, out;
} streams;

static int64_t read_in(void *context, void *buffer, size_t size)
{
    return give(&((streams *)context)->in, buffer, size);
}

static int write_out(void *context, const void *bytes, size_t length)
{
    text *out = &((streams *)context)->out;
    while (out->capacity - out->length < length) {
        out->capacity = out->capacity * 2 + 65536;
        out->bytes = realloc(out->bytes, out->capacity);
        assert_non_null(out->bytes);
    }
    memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
    return 0;
}

static void free_streams(streams *self)
{
    free(self->in.bytes);
    free(self->out.bytes);
}

/* As COPY TO writes it: quoted where it has to be. Every third row takes two lines. */
static void add_row(text *to, int64_t i, const char *number)
{
    static const char *const words[] = {
        "plain", "\"a, b\"", "\"two\nlines\"",      "\"a \"\"word\"\"\"",
        "\"\"",  "",         "\xC3\xA4\xE2\x82\xAC"};
    add(to, "%s,%s,%lld.%02lld,2024-01-%02lld,%s\n", number, words[i % 7],
        (long long)(i * 13 % 997), (long long)(i % 100), (long long)(i % 28 + 1),
        i % 5 ? "a text that is longer than what fits into twelve bytes" : "");
}

static void make_rows(text *to, int64_t first, int64_t count)
{
    for (int64_t i = first; i < first + count; i++) {
        char number[24];
        (void)snprintf(number, sizeof number, "%lld", (long long)i);
        add_row(to, i, number);
    }
}

static void create(fixture *f)
{
    run(f->conn, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c DECIMAL(10,2), d DATE, e TEXT)");
}

static void test_there_and_back(void **state)
{
    fixture *f = *state;
    for (size_t step = 0; step < 300000; step += 99991) {
        streams s = {.in.step = step};
        int64_t rows;
        run(f->conn, "DROP TABLE IF EXISTS t");
        create(f);
        add(&s.in, "a,b,c,d,e\n");
        make_rows(&s.in, 1, ROWS);
        tuff_set_copy(f->conn, read_in, write_out, &s);
        assert_int_equal(tuff_exec(f->conn, "COPY t FROM STDIN (HEADER MATCH)", &rows), TUFF_OK);
        assert_int_equal(rows, ROWS);
        assert_true(one_integer(f->conn, "SELECT max(rows) FROM pragma_volume_stats('t') "
                                         "WHERE tier = 'cold'") > ROWS / 2);
        run(f->conn, "COPY (SELECT * FROM t ORDER BY a) TO STDOUT (HEADER)");
        assert_int_equal(s.out.length, s.in.length);
        assert_memory_equal(s.out.bytes, s.in.bytes, s.in.length);
        assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t WHERE b IS NULL"), ROWS / 7);
        free_streams(&s);
    }
}

/* The line on which row `wrong` begins, when rows count from `first` and the header takes one. */
static int64_t line_of(int64_t first, int64_t wrong)
{
    int64_t line = 2;
    for (int64_t i = first; i < wrong; i++)
        line += i % 7 == 2 ? 2 : 1;
    return line;
}

static void expect_line(fixture *f, streams *s, int64_t wrong, const char *number,
                        tuff_status expected, const char *what)
{
    char message[200];
    s->in.at = s->in.length = 0;
    add(&s->in, "a,b,c,d,e\n");
    make_rows(&s->in, 1, wrong - 1);
    add_row(&s->in, wrong, number);
    make_rows(&s->in, wrong + 1, ROWS - wrong);
    add(&s->in, "x\n"); /* a later error is not the one reported */
    expect_error(f->conn, "COPY t FROM STDIN (HEADER)", expected);
    (void)snprintf(message, sizeof message, what, (long long)line_of(1, wrong));
    assert_non_null(strstr(tuff_conn_error(f->conn)->message, message));
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 0);
}

static void test_errors_name_the_line(void **state)
{
    fixture *f = *state;
    streams s = {.in.step = 0};
    create(f);
    tuff_set_copy(f->conn, read_in, write_out, &s);
    for (int64_t wrong = 1; wrong <= ROWS; wrong += 9887) {
        expect_line(f, &s, wrong, "12x", TUFF_INVALID_TEXT,
                    "line %lld, column \"a\": invalid input for type INTEGER: \"12x\"");
        expect_line(f, &s, wrong, "1,1,1", TUFF_BAD_COPY_FORMAT,
                    "line %lld: 7 fields, 5 are expected");
        expect_line(f, &s, wrong, "\"1\"2", TUFF_BAD_COPY_FORMAT,
                    "line %lld: a quoted field does not end properly");
    }
    /* A key that comes twice, far behind. */
    s.in.at = s.in.length = 0;
    make_rows(&s.in, 1, ROWS);
    make_rows(&s.in, 77, 1);
    expect_error(f->conn, "COPY t FROM STDIN", TUFF_UNIQUE_VIOLATION);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 0);
    free_streams(&s);
}

static void test_header(void **state)
{
    fixture *f = *state;
    streams s = {.in.step = 3};
    create(f);
    tuff_set_copy(f->conn, read_in, write_out, &s);
    add(&s.in, "A,\"b\"\n1,x\n");
    run(f->conn, "COPY t (a, b) FROM STDIN (FORMAT csv, HEADER match)");
    s.in.at = 0;
    expect_error(f->conn, "COPY t (b, a) FROM STDIN (HEADER match)", TUFF_BAD_COPY_FORMAT);
    assert_string_equal(tuff_conn_error(f->conn)->message,
                        "line 1: the header has \"A\" where column \"b\" is expected");
    s.in.at = 0;
    expect_error(f->conn, "COPY t FROM STDIN (HEADER match)", TUFF_BAD_COPY_FORMAT);
    expect_error(f->conn, "COPY t TO STDOUT (HEADER match)", TUFF_INVALID_PARAMETER);
    /* Nothing but a header; nothing at all. */
    for (size_t length = 6; length + 6 > 6; length -= 6) {
        s.in.at = 0;
        s.in.length = length;
        run(f->conn, "COPY t (a, b) FROM STDIN (HEADER true)");
    }
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 1);
    free_streams(&s);
}

typedef struct watch {
    uint64_t calls, rows, stop_at;
} watch;

static int look(void *context, double fraction, uint64_t rows)
{
    watch *self = context;
    (void)fraction;
    self->calls++;
    self->rows = rows;
    return self->stop_at && rows >= self->stop_at;
}

static void test_stopped(void **state)
{
    fixture *f = *state;
    streams s = {.in.step = 0};
    watch w = {.stop_at = 0};
    create(f);
    make_rows(&s.in, 1, ROWS);
    tuff_set_copy(f->conn, read_in, write_out, &s);
    tuff_set_progress(f->conn, look, &w);
    w.stop_at = ROWS / 2;
    expect_error(f->conn, "COPY t FROM STDIN", TUFF_INTERRUPTED);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 0);
    w = (watch){.stop_at = 0};
    s.in.at = 0;
    run(f->conn, "COPY t FROM STDIN");
    assert_int_equal(w.rows, ROWS);
    assert_true(w.calls > 10);
    tuff_set_progress(f->conn, NULL, NULL);
    free_streams(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_there_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_name_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stopped, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
