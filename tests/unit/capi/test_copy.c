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

/* ---- Out by several threads ------------------------------------------------------------------ */

typedef struct crew {
    counting memory;
    tuff_runtime *runtime;
    tuff_db *db;
    tuff_conn *conn;
} crew;

static void start_crew(crew *self)
{
    counting_init(&self->memory);
    tuff_runtime_options options = {
        .struct_size = sizeof options, .allocator = &self->memory.allocator, .worker_count = 3};
    assert_int_equal(tuff_runtime_create(&options, &self->runtime), TUFF_OK);
    assert_int_equal(tuff_open_in(self->runtime, "memory://", &self->db), TUFF_OK);
    assert_int_equal(tuff_connect(self->db, &self->conn), TUFF_OK);
}

static void stop_crew(crew *self)
{
    self->memory.fail_at = 0;
    tuff_disconnect(self->conn);
    assert_int_equal(tuff_close(self->db), TUFF_OK);
    assert_int_equal(tuff_runtime_destroy(self->runtime), TUFF_OK);
    assert_int_equal(atomic_load(&self->memory.outstanding), 0);
}

/* What the statement writes with so many threads; also what it answers. */
static tuff_status write_with(crew *self, int threads, const char *sql, text *out)
{
    char set[40];
    streams s = {.in.step = 0};
    (void)snprintf(set, sizeof set, "SET threads = %d", threads);
    run(self->conn, set);
    tuff_set_copy(self->conn, read_in, write_out, &s);
    tuff_status status = tuff_exec(self->conn, sql, NULL);
    *out = s.out;
    free(s.in.bytes);
    return status;
}

static void expect_same(crew *self, const char *sql, tuff_status expected)
{
    text one, many;
    char message[300];
    assert_int_equal(write_with(self, 1, sql, &one), expected);
    (void)snprintf(message, sizeof message, "%s", tuff_conn_error(self->conn)->message);
    for (int threads = 2; threads <= 4; threads++) {
        assert_int_equal(write_with(self, threads, sql, &many), expected);
        if (expected == TUFF_OK) {
            assert_int_equal(one.length, many.length);
            assert_memory_equal(one.bytes, many.bytes, one.length);
        } else {
            assert_string_equal(tuff_conn_error(self->conn)->message, message);
        }
        free(many.bytes);
    }
    free(one.bytes);
}

static void fill_crew(crew *self)
{
    streams s = {.in.step = 0};
    create((fixture *)&(fixture){self->db, self->conn});
    make_rows(&s.in, 1, ROWS);
    tuff_set_copy(self->conn, read_in, write_out, &s);
    run(self->conn, "COPY t FROM STDIN");
    free_streams(&s);
}

static void test_out_by_several_threads(void **state)
{
    (void)state;
    crew c;
    start_crew(&c);
    fill_crew(&c);
    expect_same(&c, "COPY (SELECT * FROM t ORDER BY e, a DESC) TO STDOUT (HEADER)", TUFF_OK);
    expect_same(&c, "COPY t TO STDOUT", TUFF_OK);
    expect_same(&c, "COPY (SELECT a, NULL, c, d FROM t) TO STDOUT (DELIMITER '-')", TUFF_OK);
    expect_same(&c, "COPY (SELECT a, c FROM t) TO STDOUT (NULL '0.00', DELIMITER '1')", TUFF_OK);
    /* Texts that no thread copies, between others. */
    expect_same(&c,
                "COPY (SELECT a, CASE WHEN a / 3000 % 2 = 1 THEN repeat('long ', 300) ELSE b END "
                "FROM t WHERE a < 20000) TO STDOUT",
                TUFF_OK);
    /* The error of the earlier row, whether it is the query's or the writer's. */
    expect_same(&c,
                "COPY (SELECT a, CASE WHEN a = 40000 THEN 'a,b' ELSE 'c' END, 1 / (50000 - a) "
                "FROM t) TO STDOUT (QUOTE '')",
                TUFF_BAD_COPY_FORMAT);
    expect_same(&c,
                "COPY (SELECT a, CASE WHEN a = 50000 THEN 'a,b' ELSE 'c' END, "
                "CAST(CASE WHEN a = 40000 THEN 'x' ELSE '1' END AS INTEGER) FROM t) "
                "TO STDOUT (QUOTE '')",
                TUFF_INVALID_TEXT);
    /* A quote in quotes needs something in front of it. */
    expect_same(&c, "COPY (SELECT 'a\"b') TO STDOUT (ESCAPE '')", TUFF_BAD_COPY_FORMAT);
    expect_same(&c, "COPY (SELECT 'a\"b,c') TO STDOUT (ESCAPE '', QUOTE '''')", TUFF_OK);
    stop_crew(&c);
}

static int refuse_later(void *context, const void *bytes, size_t length)
{
    (void)bytes;
    size_t *left = context;
    bool refused = *left < length;
    *left -= refused ? *left : length;
    return refused;
}

/* Memory that fails in any thread, and a program that takes no more. */
static void test_out_stopped(void **state)
{
    (void)state;
    crew c;
    uint32_t failed = 0;
    start_crew(&c);
    fill_crew(&c);
    for (size_t most = 0; most < 4000000; most += 700001) {
        size_t left = most;
        tuff_set_copy(c.conn, NULL, refuse_later, &left);
        expect_error(c.conn, "COPY t TO STDOUT", TUFF_IO_ERROR);
    }
    for (uint64_t at = 1; at < 3000; at += 1 + at / 4) {
        size_t left = SIZE_MAX;
        tuff_set_copy(c.conn, NULL, refuse_later, &left);
        c.memory.fail_at = atomic_load(&c.memory.calls) + at;
        tuff_status status = tuff_exec(c.conn, "COPY t TO STDOUT", NULL);
        c.memory.fail_at = 0;
        assert_true(status == TUFF_OK || status == TUFF_OUT_OF_MEMORY);
        failed += status != TUFF_OK;
    }
    assert_true(failed > 5);
    stop_crew(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_there_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_name_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stopped, set_up, tear_down),
        cmocka_unit_test(test_out_by_several_threads),
        cmocka_unit_test(test_out_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
