/*
 * test_capi.c - the public interface as a host uses it. Only tuff.h.
 */
#include "unit/capi/capi_fixture.h"

#include <pthread.h>
#include <unistd.h>

/* ---- Statements and values ---- */

static void test_values(void **state)
{
    fixture *f = *state;
    tuff_result *result;
    assert_int_equal(
        tuff_query(f->conn,
                   "SELECT 42 AS i, 2.5 AS d, CAST(1.25 AS FLOAT) AS f, 'it''s long enough to be "
                   "far' AS t, x'00ff' AS b, TRUE AS yes, NULL AS n, DATE '2024-02-29' AS day, "
                   "INTERVAL '1 month 2 days' AS iv, '17' AS digits, CAST(300 AS SMALLINT) AS s",
                   &result),
        TUFF_OK);
    assert_int_equal(tuff_column_count(result), 11);
    assert_string_equal(tuff_column_name(result, 3), "t");
    assert_null(tuff_column_name(result, 11));
    assert_int_equal(tuff_column_type(result, 1), TUFF_TYPE_DECIMAL);
    assert_int_equal(tuff_column_scale(result, 1), 1);
    assert_string_equal(tuff_column_type_name(result, 0), "INTEGER");
    assert_true(tuff_is_null(result, 0)); /* no current row yet */
    assert_int_equal(tuff_next(result), TUFF_ROW);
    assert_int_equal(tuff_get_int64(result, 0), 42);
    assert_int_equal(tuff_get_int64(result, 1), 2);
    assert_true(tuff_get_double(result, 1) == 2.5);
    assert_true(tuff_get_double(result, 2) == 1.25);
    size_t length;
    assert_string_equal(tuff_get_text(result, 3, &length), "it's long enough to be far");
    assert_int_equal(length, 26);
    const unsigned char *bytes = tuff_get_blob(result, 4, &length);
    assert_int_equal(length, 2);
    assert_int_equal(bytes[1], 0xFF);
    assert_true(tuff_get_bool(result, 5));
    assert_true(tuff_is_null(result, 6));
    assert_null(tuff_get_text(result, 6, NULL));
    assert_int_equal(tuff_get_int64(result, 6), 0);
    assert_int_equal(tuff_get_int64(result, 7), 19782);
    assert_string_equal(tuff_get_text(result, 7, NULL), "2024-02-29");
    tuff_interval interval = tuff_get_interval(result, 8);
    assert_int_equal(interval.months, 1);
    assert_int_equal(interval.days, 2);
    assert_int_equal(tuff_get_int64(result, 9), 17);
    assert_int_equal(tuff_get_int64(result, 10), 300);
    assert_int_equal(tuff_get_int64(result, 99), 0);
    assert_int_equal(tuff_next(result), TUFF_DONE);
    assert_int_equal(tuff_next(result), TUFF_DONE);
    assert_true(tuff_is_null(result, 0));
    tuff_result_close(result);
}

static void test_parameters(void **state)
{
    fixture *f = *state;
    tuff_stmt *stmt;
    tuff_result *result;
    const char *tail;
    const char *sql = "SELECT :a, ?, :a, $1; SELECT 2";
    assert_int_equal(tuff_prepare(f->conn, sql, -1, &stmt, &tail), TUFF_OK);
    assert_ptr_equal(tail, sql + 21);
    assert_int_equal(tuff_parameter_count(stmt), 2);
    assert_int_equal(tuff_parameter_index(stmt, "a"), 1);
    assert_int_equal(tuff_parameter_index(stmt, "b"), 0);
    assert_string_equal(tuff_parameter_name(stmt, 1), "a");
    assert_null(tuff_parameter_name(stmt, 2));
    assert_false(tuff_stmt_is_write(stmt));
    assert_int_equal(tuff_bind_int64(stmt, 3, 1), TUFF_INVALID_PARAMETER);
    assert_int_equal(tuff_bind_int64(stmt, 0, 1), TUFF_INVALID_PARAMETER);
    assert_int_equal(tuff_bind_text(stmt, 1, "\xff", 1), TUFF_INVALID_ENCODING);
    assert_int_equal(tuff_bind_text(stmt, 1, "some text that is far", -1), TUFF_OK);
    assert_int_equal(tuff_bind_decimal(stmt, 2, "-12.50"), TUFF_OK);
    assert_int_equal(tuff_bind_decimal(stmt, 2, "no"), TUFF_INVALID_TEXT);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
        assert_int_equal(tuff_next(result), TUFF_ROW);
        assert_string_equal(tuff_get_text(result, 0, NULL), "some text that is far");
        assert_string_equal(tuff_get_text(result, 1, NULL), "-12.50");
        assert_string_equal(tuff_get_text(result, 3, NULL), "some text that is far");
        assert_int_equal(tuff_next(result), TUFF_DONE);
    }
    tuff_clear_bindings(stmt);
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    assert_true(tuff_is_null(result, 0));
    tuff_finalize(stmt);
    assert_int_equal(tuff_prepare(f->conn, "  -- nothing", -1, &stmt, &tail), TUFF_OK);
    assert_null(stmt);
}

/* A statement prepared before a schema change follows it. */
static void test_schema_change(void **state)
{
    fixture *f = *state;
    tuff_stmt *stmt;
    tuff_result *result;
    run(f->conn, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)");
    assert_int_equal(tuff_prepare(f->conn, "SELECT * FROM t", -1, &stmt, NULL), TUFF_OK);
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(tuff_column_count(result), 1);
    run(f->conn, "ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'x'");
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(tuff_column_count(result), 2);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    assert_string_equal(tuff_get_text(result, 1, NULL), "x");
    run(f->conn, "DROP TABLE t");
    assert_int_equal(tuff_execute(stmt, &result), TUFF_UNDEFINED_TABLE);
    run(f->conn, "CREATE TABLE t (z TEXT)");
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_string_equal(tuff_column_name(result, 0), "z");
    tuff_finalize(stmt);
}

static void test_errors(void **state)
{
    fixture *f = *state;
    expect_error(f->conn, "SELECT 1;\nSELECT\n  nope", TUFF_UNDEFINED_COLUMN);
    const tuff_error *error = tuff_conn_error(f->conn);
    assert_string_equal(error->sqlstate, "42703");
    assert_int_equal(error->position, 19);
    assert_int_equal(error->line, 3);
    assert_int_equal(error->column, 3);
    run(f->conn, "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER NOT NULL CONSTRAINT small "
                 "CHECK (b < 10), UNIQUE (b))");
    run(f->conn, "INSERT INTO t VALUES (1, 2)");
    expect_error(f->conn, "INSERT INTO t VALUES (1, 3)", TUFF_UNIQUE_VIOLATION);
    assert_string_equal(tuff_conn_error(f->conn)->table, "t");
    expect_error(f->conn, "INSERT INTO t VALUES (2, NULL)", TUFF_NOT_NULL_VIOLATION);
    assert_string_equal(tuff_conn_error(f->conn)->column_name, "b");
    expect_error(f->conn, "INSERT INTO t VALUES (2, 20)", TUFF_CHECK_VIOLATION);
    assert_string_equal(tuff_conn_error(f->conn)->constraint, "small");
    expect_error(f->conn, "INSERT INTO t VALUES (3, 4), (1, 5)", TUFF_UNIQUE_VIOLATION);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 1);
    expect_error(f->conn, "SELEC 1", TUFF_SYNTAX);
    assert_string_equal(tuff_conn_error(f->conn)->hint, "did you mean SELECT?");
    run(f->conn, "SELECT 1");
    assert_int_equal(tuff_conn_error(f->conn)->status, TUFF_OK);
    assert_string_equal(tuff_status_name(TUFF_UNIQUE_VIOLATION), "UNIQUE_VIOLATION");
    assert_string_equal(tuff_status_sqlstate(TUFF_SYNTAX), "42601");
}

/* ---- Transactions ---- */

static void test_transactions(void **state)
{
    fixture *f = *state;
    run(f->conn, "CREATE TABLE t (a INTEGER)");
    assert_int_equal(tuff_begin(f->conn, TUFF_READ_COMMITTED, false), TUFF_OK);
    assert_true(tuff_in_transaction(f->conn));
    run(f->conn, "INSERT INTO t VALUES (1); CREATE TABLE u (b TEXT); SAVEPOINT s; DELETE FROM t; "
                 "ROLLBACK TO s");
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 1);
    assert_int_equal(tuff_rollback(f->conn), TUFF_OK);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 0);
    expect_error(f->conn, "SELECT * FROM u", TUFF_UNDEFINED_TABLE);
    assert_int_equal(tuff_commit(f->conn), TUFF_TRANSACTION_STATE);
    assert_int_equal(tuff_begin(f->conn, TUFF_SNAPSHOT, true), TUFF_OK);
    expect_error(f->conn, "INSERT INTO t VALUES (1)", TUFF_READ_ONLY);
    assert_int_equal(tuff_commit(f->conn), TUFF_OK);

    /* Two connections: a snapshot does not see the other's commit, and refuses to overwrite. */
    tuff_conn *other;
    assert_int_equal(tuff_connect(f->db, &other), TUFF_OK);
    run(f->conn, "INSERT INTO t VALUES (10)");
    assert_int_equal(tuff_begin(f->conn, TUFF_SNAPSHOT, false), TUFF_OK);
    assert_int_equal(one_integer(f->conn, "SELECT a FROM t"), 10);
    run(other, "UPDATE t SET a = 11");
    assert_int_equal(one_integer(f->conn, "SELECT a FROM t"), 10);
    expect_error(f->conn, "UPDATE t SET a = 12", TUFF_SERIALIZATION);
    expect_error(f->conn, "SELECT 1", TUFF_TRANSACTION_ABORTED);
    assert_int_equal(tuff_rollback(f->conn), TUFF_OK);
    assert_int_equal(one_integer(f->conn, "SELECT a FROM t"), 11);
    tuff_disconnect(other);
}

/* A result goes on after other statements of its connection, and after COMMIT. */
static void test_open_results(void **state)
{
    fixture *f = *state;
    tuff_stmt *stmt;
    tuff_result *result;
    run(f->conn, "CREATE TABLE t (a INTEGER, b TEXT); INSERT INTO t SELECT generate_series, "
                 "'a text of some length ' || generate_series FROM generate_series(1, 10000)");
    assert_int_equal(tuff_prepare(f->conn, "SELECT a, b FROM t ORDER BY a", -1, &stmt, NULL),
                     TUFF_OK);
    run(f->conn, "BEGIN");
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    char expected[64];
    for (int64_t i = 1; i <= 10000; i++) {
        assert_int_equal(tuff_next(result), TUFF_ROW);
        if (i == 5)
            run(f->conn, "DELETE FROM t WHERE a > 5000");
        if (i == 3000)
            run(f->conn, "COMMIT; DROP TABLE t");
        snprintf(expected, sizeof expected, "a text of some length %lld", (long long)i);
        assert_int_equal(tuff_get_int64(result, 0), i);
        assert_string_equal(tuff_get_text(result, 1, NULL), expected);
    }
    assert_int_equal(tuff_next(result), TUFF_DONE);
    tuff_finalize(stmt);
}

/* ---- Many rows at once ---- */

static void test_arrow(void **state)
{
    fixture *f = *state;
    tuff_result *result;
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_int_equal(
        tuff_query(f->conn,
                   "SELECT generate_series AS i, CASE WHEN generate_series % 3 <> 0 THEN 'row ' || "
                   "generate_series END AS t, CAST(generate_series AS DECIMAL(12,2)) AS d, "
                   "generate_series % 2 = 0 AS even FROM generate_series(1, 5000)",
                   &result),
        TUFF_OK);
    assert_int_equal(tuff_arrow_schema(result, &schema), TUFF_OK);
    assert_string_equal(schema.format, "+s");
    assert_int_equal(schema.n_children, 4);
    assert_string_equal(schema.children[0]->format, "l");
    assert_string_equal(schema.children[1]->format, "U");
    assert_string_equal(schema.children[1]->name, "t");
    assert_string_equal(schema.children[2]->format, "d:12,2");
    assert_string_equal(schema.children[3]->format, "b");
    schema.release(&schema);
    assert_null(schema.release);

    assert_int_equal(tuff_next(result), TUFF_ROW); /* one row by hand, the rest in batches */
    int64_t seen = 1;
    while (tuff_arrow_next(result, &array) == TUFF_ROW) {
        const int64_t *numbers = array.children[0]->buffers[1];
        const int64_t *offsets = array.children[1]->buffers[1];
        const char *bytes = array.children[1]->buffers[2];
        const uint8_t *valid = array.children[1]->buffers[0];
        const int64_t *decimals = array.children[2]->buffers[1];
        const uint8_t *even = array.children[3]->buffers[1];
        for (int64_t row = 0; row < array.length; row++) {
            seen++;
            assert_int_equal(numbers[row], seen);
            bool present = valid[row / 8] >> (row % 8) & 1;
            assert_int_equal(present, seen % 3 != 0);
            char expected[32];
            int length = snprintf(expected, sizeof expected, "row %lld", (long long)seen);
            if (present) {
                assert_int_equal(offsets[row + 1] - offsets[row], length);
                assert_memory_equal(bytes + offsets[row], expected, (size_t)length);
            }
            assert_int_equal(decimals[2 * row], seen * 100);
            assert_int_equal(even[row / 8] >> (row % 8) & 1, seen % 2 == 0);
        }
        array.release(&array);
    }
    assert_int_equal(seen, 5000);
    tuff_result_close(result);
}

static void test_packed(void **state)
{
    fixture *f = *state;
    tuff_result *result;
    const uint8_t *block;
    size_t length;
    uint32_t rows;
    assert_int_equal(tuff_query(f->conn, "VALUES (1, 'ab', NULL), (-2, '', TRUE)", &result),
                     TUFF_OK);
    assert_int_equal(tuff_fetch_packed(result, 10, &block, &length, &rows), TUFF_ROW);
    assert_int_equal(rows, 2);
    assert_int_equal(block[0], TUFF_TYPE_INTEGER);
    int64_t number;
    memcpy(&number, block + 1, 8);
    assert_int_equal(number, 1);
    assert_int_equal(block[9], TUFF_TYPE_TEXT);
    assert_int_equal(block[10], 2);
    assert_memory_equal(block + 14, "ab", 2);
    assert_int_equal(block[16], TUFF_TYPE_NULL);
    memcpy(&number, block + 18, 8);
    assert_int_equal(number, -2);
    assert_int_equal(length, 17 + 9 + 5 + 2);
    assert_int_equal(tuff_fetch_packed(result, 10, &block, &length, &rows), TUFF_DONE);
    tuff_result_close(result);
}

/* ---- Appender and COPY ---- */

/* More rows than the appender keeps in memory; another statement runs meanwhile. */
static void append_many(fixture *f, int64_t rows)
{
    char text[512];
    tuff_appender *appender;
    memset(text, 'x', sizeof text);
    run(f->conn, "CREATE TABLE many (a INTEGER, b TEXT)");
    for (int keep = 0; keep < 2; keep++) {
        assert_int_equal(tuff_appender_create(f->conn, "many", &appender), TUFF_OK);
        for (int64_t i = 0; i < rows; i++) {
            assert_int_equal(tuff_append_int64(appender, i), TUFF_OK);
            assert_int_equal(tuff_append_text(appender, text, i % 512), TUFF_OK);
            assert_int_equal(tuff_append_end_row(appender), TUFF_OK);
        }
        assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM many"), 0);
        assert_int_equal(tuff_appender_close(appender, keep), TUFF_OK);
    }
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM many WHERE length(b) = a % 512"),
                     rows);
    assert_int_equal(one_integer(f->conn, "SELECT sum(a) FROM many"), rows * (rows - 1) / 2);
}

/* Columns that no row gives, in more rows than are kept in memory. */
static void append_first_column(fixture *f, int64_t rows)
{
    enum {
        TEXTS = 16
    };
    tuff_appender *appender;
    char sql[64];
    run(f->conn, "CREATE TABLE wide (a INTEGER)");
    for (int c = 0; c < TEXTS; c++) {
        snprintf(sql, sizeof sql, "ALTER TABLE wide ADD COLUMN t%d TEXT", c);
        run(f->conn, sql);
    }
    /* The memory that the others will get has texts in it. */
    assert_int_equal(tuff_appender_create(f->conn, "wide", &appender), TUFF_OK);
    for (int64_t i = 0; i < 50000; i++) {
        assert_int_equal(tuff_append_int64(appender, i), TUFF_OK);
        for (int c = 0; c < TEXTS; c++)
            assert_int_equal(tuff_append_text(appender, "a text that is not inline", -1), TUFF_OK);
        assert_int_equal(tuff_append_end_row(appender), TUFF_OK);
    }
    assert_int_equal(tuff_appender_close(appender, false), TUFF_OK);
    assert_int_equal(tuff_appender_create(f->conn, "wide", &appender), TUFF_OK);
    for (int64_t i = 0; i < rows; i++) {
        assert_int_equal(tuff_append_int64(appender, i), TUFF_OK);
        assert_int_equal(tuff_append_end_row(appender), TUFF_OK);
    }
    assert_int_equal(tuff_appender_close(appender, true), TUFF_OK);
    assert_int_equal(one_integer(f->conn, "SELECT sum(a) FROM wide WHERE t0 IS NULL"),
                     rows * (rows - 1) / 2);
}

static void test_appender(void **state)
{
    fixture *f = *state;
    tuff_appender *appender;
    run(f->conn, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL, c DATE, "
                 "d INTEGER DEFAULT 7)");
    assert_int_equal(tuff_appender_create(f->conn, "nope", &appender), TUFF_UNDEFINED_TABLE);
    assert_int_equal(tuff_appender_create(f->conn, "t", &appender), TUFF_OK);
    for (int64_t i = 0; i < 5000; i++) {
        assert_int_equal(tuff_append_int64(appender, i), TUFF_OK);
        assert_int_equal(tuff_append_text(appender, "a text that is not inline", -1), TUFF_OK);
        if (i % 2)
            assert_int_equal(tuff_append_null(appender), TUFF_OK);
        else
            assert_int_equal(tuff_append_text(appender, "2024-05-06", -1), TUFF_OK);
        assert_int_equal(tuff_append_end_row(appender), TUFF_OK);
    }
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 0);
    assert_int_equal(tuff_appender_close(appender, true), TUFF_OK);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 5000);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t WHERE c = DATE '2024-05-06' AND "
                                          "d = 7 AND b = 'a text that is not inline'"),
                     2500);

    /* All or none: a key that exists, a value that does not fit, a row without its end. */
    assert_int_equal(tuff_appender_create(f->conn, "t", &appender), TUFF_OK);
    for (int64_t i = 6000; i >= 4999; i--) {
        assert_int_equal(tuff_append_int64(appender, i), TUFF_OK);
        assert_int_equal(tuff_append_text(appender, "x", -1), TUFF_OK);
        assert_int_equal(tuff_append_end_row(appender), TUFF_OK);
    }
    assert_int_equal(tuff_appender_close(appender, true), TUFF_UNIQUE_VIOLATION);
    assert_int_equal(tuff_appender_create(f->conn, "t", &appender), TUFF_OK);
    assert_int_equal(tuff_append_text(appender, "no number", -1), TUFF_INVALID_TEXT);
    assert_int_equal(tuff_append_int64(appender, 1), TUFF_MISUSE);
    assert_int_equal(tuff_append_end_row(appender), TUFF_MISUSE);
    assert_int_equal(tuff_appender_close(appender, true), TUFF_MISUSE);
    assert_int_equal(tuff_appender_create(f->conn, "t", &appender), TUFF_OK);
    assert_int_equal(tuff_append_int64(appender, 9000), TUFF_OK);
    assert_int_equal(tuff_appender_close(appender, false), TUFF_OK);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 5000);
    append_many(f, 300000);
    append_first_column(f, 300000);
    /* One that is left open goes with its connection. */
    tuff_conn *other;
    assert_int_equal(tuff_connect(f->db, &other), TUFF_OK);
    tuff_appender *second;
    assert_int_equal(tuff_appender_create(other, "t", &appender), TUFF_OK);
    assert_int_equal(tuff_appender_create(other, "t", &second), TUFF_OK);
    assert_int_equal(tuff_append_int64(second, 9000), TUFF_OK);
    assert_int_equal(tuff_appender_close(appender, false), TUFF_OK);
    tuff_disconnect(other);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 5000);
}

typedef struct stream {
    const char *input;
    size_t at;
    size_t step; /* bytes given per call: records then cross the borders */
    char output[4096];
    size_t length;
    int fail;
} stream;

static int64_t give(void *context, void *buffer, size_t size)
{
    stream *self = context;
    size_t left = strlen(self->input) - self->at;
    size_t count = BASE_MIN(BASE_MIN(left, self->step), size);
    if (self->fail)
        return -1;
    memcpy(buffer, self->input + self->at, count);
    self->at += count;
    return (int64_t)count;
}

static int take(void *context, const void *bytes, size_t length)
{
    stream *self = context;
    if (self->fail || self->length + length >= sizeof self->output)
        return 1;
    memcpy(self->output + self->length, bytes, length);
    self->length += length;
    self->output[self->length] = '\0';
    return 0;
}

static void test_copy(void **state)
{
    fixture *f = *state;
    stream s = {.step = 1};
    s.input = "a,b,c\r\n1,\"x, \"\"y\"\"\nz\",2.50\r\n2,,\n3,\"\",0\n";
    run(f->conn, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c DECIMAL(10,2))");
    expect_error(f->conn, "COPY t FROM STDIN", TUFF_MISUSE);
    tuff_set_copy(f->conn, give, take, &s);
    for (size_t step = 1; step < 60; step++) {
        int64_t rows;
        s.step = step;
        s.at = s.length = 0;
        run(f->conn, "DELETE FROM t");
        assert_int_equal(tuff_exec(f->conn, "COPY t FROM STDIN (FORMAT csv, HEADER)", &rows),
                         TUFF_OK);
        assert_int_equal(rows, 3);
        run(f->conn, "COPY (SELECT * FROM t ORDER BY a) TO STDOUT (HEADER, DELIMITER ';')");
        assert_string_equal(s.output, "a;b;c\n1;\"x, \"\"y\"\"\nz\";2.50\n2;;\n3;\"\";0.00\n");
    }
    s.at = 0;
    s.input = "4,ok,1\n5,bad,x\n";
    expect_error(f->conn, "COPY t FROM STDIN", TUFF_INVALID_TEXT);
    assert_non_null(strstr(tuff_conn_error(f->conn)->message, "line 2, column \"c\""));
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 3);
    s.at = 0;
    s.input = "4,\"never closed\n";
    expect_error(f->conn, "COPY t FROM STDIN", TUFF_BAD_COPY_FORMAT);
    s.at = 0;
    s.input = "4\n";
    expect_error(f->conn, "COPY t FROM STDIN", TUFF_BAD_COPY_FORMAT);
    s.at = 0;
    s.input = "\xff,a\n";
    expect_error(f->conn, "COPY t (b) FROM STDIN", TUFF_BAD_COPY_FORMAT);
    s.at = 0;
    s.input = "\xff\n";
    expect_error(f->conn, "COPY t (b) FROM STDIN", TUFF_INVALID_ENCODING);
    s.fail = 1;
    expect_error(f->conn, "COPY t FROM STDIN", TUFF_IO_ERROR);
    expect_error(f->conn, "COPY t TO STDOUT", TUFF_IO_ERROR);
    expect_error(f->conn, "COPY t TO STDOUT (NOPE)", TUFF_INVALID_PARAMETER);
    expect_error(f->conn, "COPY t TO STDOUT (DELIMITER 'xx')", TUFF_INVALID_PARAMETER);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 3);
}

/* ---- Interrupts ---- */

static int stop_after_some(void *context, double fraction, uint64_t rows)
{
    int *calls = context;
    (void)fraction;
    (void)rows;
    return ++*calls >= 3;
}

static void *interrupt_soon(void *context)
{
    usleep(50000);
    tuff_interrupt(context);
    return NULL;
}

static void test_interrupt(void **state)
{
    fixture *f = *state;
    const char *endless = "SELECT count(*) FROM generate_series(1, 100000000) a, "
                          "generate_series(1, 1000) b WHERE a + b = "
                          "-1";
    pthread_t thread;
    tuff_interrupt(f->conn); /* nothing runs: the next statement must not notice */
    assert_int_equal(one_integer(f->conn, "SELECT 1"), 1);
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, f->conn), 0);
    expect_error(f->conn, endless, TUFF_INTERRUPTED);
    pthread_join(thread, NULL);
    assert_int_equal(one_integer(f->conn, "SELECT 1"), 1);
    int calls = 0;
    tuff_set_progress(f->conn, stop_after_some, &calls);
    expect_error(f->conn, endless, TUFF_INTERRUPTED);
    assert_int_equal(calls, 3);
    tuff_set_progress(f->conn, NULL, NULL);
    assert_int_equal(one_integer(f->conn, "SELECT 1"), 1);
}

/* ---- Opening and closing ---- */

static void expect_open_error(const char *dsn, tuff_status expected)
{
    tuff_db *db;
    tuff_status status = tuff_open(dsn, &db);
    if (status != expected)
        fail_msg("%s: answered %s", dsn, tuff_status_name(status));
    assert_non_null(db);
    assert_int_equal(tuff_db_error(db)->status, expected);
    assert_true(tuff_db_error(db)->message[0] != '\0');
    tuff_conn *conn;
    assert_int_equal(tuff_connect(db, &conn), TUFF_MISUSE);
    assert_int_equal(tuff_close(db), TUFF_OK);
}

static void test_dsn(void **state)
{
    (void)state;
    expect_open_error("", TUFF_INVALID_PARAMETER);
    expect_open_error("file://", TUFF_INVALID_PARAMETER);
    expect_open_error("file:///tmp/x?sync=full", TUFF_INVALID_PARAMETER);
    expect_open_error("file:///tmp/x?sync_mode=maybe", TUFF_INVALID_PARAMETER);
    expect_open_error("file:///tmp/x%zz", TUFF_INVALID_PARAMETER);
    expect_open_error("memory://?memory_limit=12x", TUFF_INVALID_PARAMETER);
    expect_open_error("/nonexistent/folder/x.tuff", TUFF_CANNOT_OPEN);
    expect_open_error("file:///tmp/no-such-file.tuff?mode=rw", TUFF_CANNOT_OPEN);
    tuff_db *db;
    assert_int_equal(tuff_open("file:///tmp/x?encryption_key=secret", &db), TUFF_INVALID_PARAMETER);
    assert_null(strstr(tuff_db_error(db)->message, "secret"));
    assert_int_equal(tuff_close(db), TUFF_OK);
    assert_int_equal(
        tuff_open("memory://?threads=1&lock_timeout=20&sync_mode=none&memory_limit=64M", &db),
        TUFF_OK);
    tuff_conn *conn;
    assert_int_equal(tuff_connect(db, &conn), TUFF_OK);
    assert_int_equal(one_integer(conn, "SHOW threads"), 1);
    assert_int_equal(one_integer(conn, "SHOW lock_timeout"), 20);
    assert_int_equal(tuff_close(db), TUFF_MISUSE);
    tuff_disconnect(conn);
    assert_int_equal(tuff_close(db), TUFF_OK);
    assert_int_equal(tuff_close(NULL), TUFF_OK);
    tuff_disconnect(NULL);
    tuff_finalize(NULL);
    tuff_result_close(NULL);
    assert_true(tuff_is_complete("SELECT 1;", 9));
    assert_false(tuff_is_complete("SELECT ';", 9));
    assert_true(tuff_is_complete("SELECT 1; SELECT 2; -- end", 26));
    assert_false(tuff_is_complete("SELECT 1; SELECT", 16));
    assert_false(tuff_is_complete("-- nothing", 10));
}

/* ---- Every allocation fails once ---- */

static const char *const workload[] = {
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL UNIQUE, c DECIMAL(10,2) DEFAULT 1.5)",
    "INSERT INTO t (a, b) VALUES (1, 'one'), (2, 'a text too long to be kept inline')",
    "CREATE INDEX i ON t (c DESC, b)",
    "CREATE VIEW v AS SELECT b, sum(c) AS s FROM t GROUP BY b",
    "SELECT * FROM v ORDER BY s, b LIMIT 1",
    "UPDATE t SET c = c + 1 WHERE a IN (SELECT a FROM t WHERE b LIKE 'o%')",
    "ALTER TABLE t ADD COLUMN d DATE DEFAULT DATE '2024-01-01'",
    "PRAGMA table_info(t)",
    "EXPLAIN SELECT * FROM t JOIN v USING (b) WHERE a = 1",
    "BEGIN; DELETE FROM t; SAVEPOINT s; INSERT INTO t (a, b) VALUES (9, 'x'); ROLLBACK TO s; "
    "ROLLBACK",
    "CREATE TABLE u AS SELECT * FROM t",
    "DROP TABLE u",
};

static void run_workload(tuff_runtime *runtime, bool *failed)
{
    tuff_db *db = NULL;
    tuff_conn *conn = NULL;
    tuff_status status = tuff_open_in(runtime, "memory://", &db);
    if (status == TUFF_OK)
        status = tuff_connect(db, &conn);
    for (size_t i = 0; status == TUFF_OK && i < BASE_COUNT_OF(workload); i++) {
        tuff_result *result;
        status = tuff_query(conn, workload[i], &result);
        while (status == TUFF_OK || status == TUFF_ROW)
            status = tuff_next(result);
        if (status == TUFF_DONE) {
            status = TUFF_OK;
            tuff_result_close(result);
        } else if (result) {
            tuff_result_close(result);
        }
    }
    if (status != TUFF_OK && status != TUFF_OUT_OF_MEMORY)
        fail_msg("%s: %s", tuff_status_name(status),
                 conn ? tuff_conn_error(conn)->message : tuff_db_error(db)->message);
    *failed = status != TUFF_OK;
    if (status != TUFF_OK && conn && tuff_in_transaction(conn))
        (void)tuff_rollback(conn);
    tuff_disconnect(conn);
    assert_int_equal(tuff_close(db), TUFF_OK);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    uint64_t step = 1; /* all of the first, then ever sparser: the total stays in seconds */
    bool failed = true;
    uint64_t sites = 0;
    for (uint64_t fail_at = 1; failed; fail_at += step) {
        counting memory;
        counting_init(&memory);
        tuff_runtime_options options = {
            .struct_size = sizeof options, .worker_count = 0, .allocator = &memory.allocator};
        tuff_runtime *runtime;
        memory.fail_at = fail_at;
        tuff_status status = tuff_runtime_create(&options, &runtime);
        if (status == TUFF_OK) {
            run_workload(runtime, &failed);
            assert_int_equal(tuff_runtime_destroy(runtime), TUFF_OK);
        } else {
            assert_int_equal(status, TUFF_OUT_OF_MEMORY);
        }
        if (atomic_load(&memory.outstanding) != 0)
            fail_msg("failing allocation %llu leaks %lld bytes", (unsigned long long)fail_at,
                     (long long)atomic_load(&memory.outstanding));
        failed = failed || atomic_load(&memory.calls) >= fail_at;
        sites++;
        if (sites % 400 == 0)
            step++;
    }
    print_message("failed %llu of the allocations\n", (unsigned long long)sites);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parameters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schema_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_transactions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_results, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arrow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_packed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_appender, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_interrupt, set_up, tear_down),
        cmocka_unit_test(test_dsn),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
