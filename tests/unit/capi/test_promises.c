/*
 * test_promises.c - what tuff.h says beside the main road: NULL arguments, values that SQL does
 * not have, how long names and results live, where an error is.
 */
#include <pthread.h>
#include "unit/capi/capi_fixture.h"

/* Binding ends an open result: it must not go on with other values, or with values half gone. */
static void test_bind_ends_result(void **state)
{
    fixture *f = *state;
    tuff_stmt *stmt;
    tuff_result *result;
    const char *sql = "SELECT i, ?1 || '-' FROM generate_series(1, 10000) g(i) WHERE i <> ?2";
    assert_int_equal(tuff_prepare(f->conn, sql, -1, &stmt, NULL), TUFF_OK);
    assert_int_equal(tuff_stmt_column_count(stmt), 2);
    assert_int_equal(tuff_bind_text(stmt, 1, "a text that is not inline", -1), TUFF_OK);
    assert_int_equal(tuff_bind_int64(stmt, 2, 1), TUFF_OK);
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    assert_int_equal(tuff_get_int64(result, 0), 2);
    const char *kept = tuff_get_text(result, 1, NULL);
    assert_int_equal(tuff_bind_text(stmt, 1, "another one, still longer than that", -1), TUFF_OK);
    assert_string_equal(kept, "a text that is not inline-");
    assert_true(tuff_is_null(result, 0));
    assert_int_equal(tuff_get_int64(result, 0), 0);
    assert_null(tuff_get_text(result, 1, NULL));
    assert_int_equal(tuff_next(result), TUFF_DONE);

    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    assert_string_equal(tuff_get_text(result, 1, NULL), "another one, still longer than that-");
    tuff_clear_bindings(stmt);
    assert_int_equal(tuff_next(result), TUFF_DONE);
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(tuff_next(result), TUFF_DONE); /* i <> NULL */
    tuff_finalize(stmt);
}

static void test_values_out_of_range(void **state)
{
    fixture *f = *state;
    tuff_stmt *stmt;
    tuff_result *result;
    assert_int_equal(tuff_prepare(f->conn, "SELECT ?", -1, &stmt, NULL), TUFF_OK);
    assert_int_equal(tuff_bind_date(stmt, 1, INT32_MAX), TUFF_DATETIME_OVERFLOW);
    assert_string_equal(tuff_conn_error(f->conn)->sqlstate, "22008");
    assert_int_equal(tuff_bind_date(stmt, 1, INT32_MIN), TUFF_DATETIME_OVERFLOW);
    assert_int_equal(tuff_bind_timestamp(stmt, 1, INT64_MAX), TUFF_DATETIME_OVERFLOW);
    assert_int_equal(tuff_bind_timestamp(stmt, 1, INT64_MIN), TUFF_DATETIME_OVERFLOW);
    assert_int_equal(tuff_bind_time(stmt, 1, -1), TUFF_DATETIME_OVERFLOW);
    assert_int_equal(tuff_bind_decimal(stmt, 1, "12x"), TUFF_INVALID_TEXT);
    assert_int_equal(tuff_bind_text(stmt, 1, "\xff", -1), TUFF_INVALID_ENCODING);
    assert_int_equal(tuff_bind_null(stmt, 2), TUFF_INVALID_PARAMETER);
    assert_int_equal(tuff_bind_null(stmt, 0), TUFF_INVALID_PARAMETER);

    tuff_interval given = {14, -3, 1500000}, got;
    assert_int_equal(tuff_bind_interval(stmt, 1, given), TUFF_OK);
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    got = tuff_get_interval(result, 0);
    assert_memory_equal(&got, &given, sizeof got);
    assert_string_equal(tuff_get_text(result, 0, NULL), "1 year 2 mons -3 days +00:00:01.5");
    tuff_finalize(stmt);
}

static void test_null_arguments(void **state)
{
    fixture *f = *state;
    tuff_db *db;
    tuff_conn *conn;
    tuff_stmt *stmt;
    tuff_result *result;
    assert_int_equal(tuff_open(NULL, &db), TUFF_OK); /* in memory */
    assert_int_equal(tuff_connect(db, &conn), TUFF_OK);
    tuff_disconnect(conn);
    assert_int_equal(tuff_close(db), TUFF_OK);
    assert_int_equal(tuff_close(NULL), TUFF_OK);
    tuff_disconnect(NULL);
    tuff_finalize(NULL);
    tuff_result_close(NULL);
    assert_int_equal(tuff_appender_close(NULL, true), TUFF_OK);
    assert_int_equal(tuff_runtime_destroy(NULL), TUFF_OK);

    assert_int_equal(tuff_exec(f->conn, NULL, NULL), TUFF_OK);
    assert_int_equal(tuff_prepare(f->conn, NULL, -1, &stmt, NULL), TUFF_OK);
    assert_null(stmt);
    assert_int_equal(tuff_query(f->conn, " -- nothing\n;", &result), TUFF_SYNTAX);
    assert_null(result);
    assert_int_equal(tuff_prepare(f->conn, "SELECT ? IS NULL, ? = X''", -1, &stmt, NULL), TUFF_OK);
    assert_int_equal(tuff_bind_text(stmt, 1, NULL, -1), TUFF_OK);
    assert_int_equal(tuff_bind_blob(stmt, 2, NULL, 0), TUFF_OK);
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    assert_true(tuff_get_bool(result, 0));
    assert_true(tuff_get_bool(result, 1));
    assert_int_equal(tuff_bind_decimal(stmt, 1, NULL), TUFF_OK);
    tuff_finalize(stmt);
}

/* A refused value leaves a gap in its row: nothing of the appender may be kept. */
static void test_appender_refuses(void **state)
{
    fixture *f = *state;
    tuff_appender *appender;
    run(f->conn, "CREATE TABLE t (a TEXT, b TIME, c INTERVAL, d DATE)");
    assert_int_equal(tuff_appender_create(f->conn, "t", &appender), TUFF_OK);
    assert_int_equal(tuff_append_text(appender, "one", -1), TUFF_OK);
    assert_int_equal(tuff_append_time(appender, INT64_C(3600000000)), TUFF_OK);
    assert_int_equal(tuff_append_interval(appender, (tuff_interval){1, 2, 3000000}), TUFF_OK);
    assert_int_equal(tuff_append_date(appender, 0), TUFF_OK);
    assert_int_equal(tuff_append_end_row(appender), TUFF_OK);
    assert_int_equal(tuff_appender_close(appender, true), TUFF_OK);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t WHERE a = 'one' AND b = TIME "
                                          "'01:00' AND c = INTERVAL '1 month 2 days 3 seconds' "
                                          "AND d = DATE '1970-01-01'"),
                     1);
    static const struct {
        const char *text;
        int64_t time;
        int32_t date;
        tuff_status expected;
    } rows[] = {{"\xc3", 0, 0, TUFF_INVALID_ENCODING},
                {"x", -1, 0, TUFF_DATETIME_OVERFLOW},
                {"x", 0, INT32_MAX, TUFF_DATETIME_OVERFLOW}};
    for (size_t i = 0; i < BASE_COUNT_OF(rows); i++) {
        tuff_status status;
        assert_int_equal(tuff_appender_create(f->conn, "t", &appender), TUFF_OK);
        status = tuff_append_text(appender, rows[i].text, -1);
        if (status == TUFF_OK)
            status = tuff_append_time(appender, rows[i].time);
        if (status == TUFF_OK)
            status = tuff_append_null(appender);
        if (status == TUFF_OK)
            status = tuff_append_date(appender, rows[i].date);
        assert_int_equal(status, rows[i].expected);
        (void)tuff_append_text(appender, "in the wrong place", -1);
        (void)tuff_append_end_row(appender);
        assert_int_not_equal(tuff_appender_close(appender, true), TUFF_OK);
    }
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 1);
}

/* The place of an error is counted in the text that the caller gave, also when a later statement
 * of a script fails while it runs. */
static void test_error_place(void **state)
{
    fixture *f = *state;
    tuff_result *result;
    const char *script = "CREATE TABLE d (a DECIMAL(4,2));\n\nINSERT INTO d\n  VALUES (100);";
    assert_int_equal(tuff_exec(f->conn, script, NULL), TUFF_OUT_OF_RANGE);
    const tuff_error *error = tuff_conn_error(f->conn);
    assert_int_equal(error->position, strstr(script, "100") - script);
    assert_int_equal(error->line, 4);
    assert_int_equal(error->column, 11);
    const char *query = "SELECT 1; INSERT INTO d\nVALUES (100)";
    assert_int_equal(tuff_query(f->conn, query, &result), TUFF_OUT_OF_RANGE);
    assert_null(result);
    error = tuff_conn_error(f->conn);
    assert_int_equal(error->position, strstr(query, "100") - query);
    assert_int_equal(error->line, 2);
    assert_int_equal(error->column, 9);
    run(f->conn, "CREATE TABLE \xc3\xa9t\xc3\xa9 (a INTEGER PRIMARY KEY)");
    assert_int_equal(tuff_exec(f->conn, "SELECT '\xc3\xa9', nope", NULL), TUFF_UNDEFINED_COLUMN);
    assert_int_equal(tuff_conn_error(f->conn)->position, 13);
    assert_int_equal(tuff_conn_error(f->conn)->column, 13); /* characters, from 1 */
}

/* Names are made once: asking again and again takes no further memory. */
static void test_names_do_not_pile_up(void **state)
{
    (void)state;
    counting memory;
    tuff_runtime_options options = {.struct_size = sizeof options, .allocator = &memory.allocator};
    tuff_runtime *runtime;
    tuff_db *db;
    tuff_conn *conn;
    tuff_stmt *stmt;
    tuff_result *result;
    int64_t before = 0;
    counting_init(&memory);
    assert_int_equal(tuff_runtime_create(&options, &runtime), TUFF_OK);
    assert_int_equal(tuff_open_in(runtime, "memory://", &db), TUFF_OK);
    assert_int_equal(tuff_connect(db, &conn), TUFF_OK);
    const char *sql = "SELECT CAST(:amount AS DECIMAL(15, 2)), :name";
    assert_int_equal(tuff_prepare(conn, sql, -1, &stmt, NULL), TUFF_OK);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
        assert_string_equal(tuff_column_type_name(result, 0), "DECIMAL(15,2)");
        assert_string_equal(tuff_column_type_name(result, 1), "TEXT");
        assert_null(tuff_column_type_name(result, 2));
        assert_string_equal(tuff_parameter_name(stmt, 2), "name");
        if (i == 1000)
            before = atomic_load(&memory.outstanding);
    }
    assert_int_equal(atomic_load(&memory.outstanding), before);
    tuff_disconnect(conn);
    assert_int_equal(tuff_close(db), TUFF_OK);
    assert_int_equal(tuff_runtime_destroy(runtime), TUFF_OK);
    assert_int_equal(atomic_load(&memory.outstanding), 0);
}

/* What a statement prepares for itself (patterns, sets of IN lists) is made once, or given back by
 * the next execution. */
static void test_executions_do_not_pile_up(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "SELECT count(*) FROM t WHERE b LIKE '%7%3%' AND a > ?1",
        "SELECT count(*) FROM t WHERE b LIKE ?1",
        "SELECT count(*) FROM t WHERE a + 1 IN (3, 5, 7, 9, 11, 13, ?1)",
        "SELECT count(*) FROM t WHERE a + 1 IN (3, 5, 7, 9, 11, 13) AND a <> ?1",
        "SELECT count(*) FROM t WHERE b || 'x' IN ('name 1x', 'name 2x', 'name 3x', 'name 4x') "
        "AND a <> ?1",
        "SELECT b FROM t WHERE a = ?1 AND b LIKE '%e 1%' AND a * 2 IN (2, 4, 6, 8, 10)",
        "SELECT upper(b) || ?1 FROM t WHERE regexp_matches(b, 'n[a-z]+ [0-9]*')",
    };
    counting memory;
    tuff_runtime_options options = {.struct_size = sizeof options, .allocator = &memory.allocator};
    tuff_runtime *runtime;
    tuff_db *db;
    tuff_conn *conn;
    counting_init(&memory);
    assert_int_equal(tuff_runtime_create(&options, &runtime), TUFF_OK);
    assert_int_equal(tuff_open_in(runtime, "memory://", &db), TUFF_OK);
    assert_int_equal(tuff_connect(db, &conn), TUFF_OK);
    run(conn,
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t SELECT x, 'name ' || x "
        "FROM generate_series(1, 40) s(x)");
    for (size_t i = 0; i < BASE_COUNT_OF(statements); i++) {
        tuff_stmt *stmt;
        tuff_result *result;
        int64_t before = 0;
        assert_int_equal(tuff_prepare(conn, statements[i], -1, &stmt, NULL), TUFF_OK);
        for (int turn = 0; turn < 3000; turn++) {
            assert_int_equal(tuff_bind_int64(stmt, 1, turn), TUFF_OK);
            assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
            while (tuff_next(result) == TUFF_ROW)
                continue;
            if (turn == 1000)
                before = atomic_load(&memory.outstanding);
        }
        if (atomic_load(&memory.outstanding) != before)
            fail_msg("%s: %lld bytes in 2000 executions", statements[i],
                     (long long)(atomic_load(&memory.outstanding) - before));
        tuff_finalize(stmt);
    }
    tuff_disconnect(conn);
    assert_int_equal(tuff_close(db), TUFF_OK);
    assert_int_equal(tuff_runtime_destroy(runtime), TUFF_OK);
    assert_int_equal(atomic_load(&memory.outstanding), 0);
}

/* A connection's patience is its own. */
static void test_lock_timeout(void **state)
{
    fixture *f = *state;
    tuff_conn *other;
    assert_int_equal(tuff_connect(f->db, &other), TUFF_OK);
    run(f->conn, "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER); INSERT INTO t VALUES (1, 1)");
    assert_int_equal(tuff_set_lock_timeout(other, 1), TUFF_OK);
    assert_int_equal(one_integer(other, "SHOW lock_timeout"), 1);
    assert_int_equal(one_integer(f->conn, "SHOW lock_timeout"), 5000);
    run(f->conn, "BEGIN; UPDATE t SET b = 2");
    expect_error(other, "UPDATE t SET b = 3", TUFF_LOCK_TIMEOUT);
    run(other, "BEGIN");
    expect_error(other, "UPDATE t SET b = 3", TUFF_LOCK_TIMEOUT);
    run(other, "ROLLBACK; SET lock_timeout = DEFAULT");
    assert_int_equal(one_integer(other, "SHOW lock_timeout"), 5000);
    assert_int_equal(tuff_set_lock_timeout(other, -7), TUFF_OK);
    assert_int_equal(one_integer(other, "SHOW lock_timeout"), -1);
    run(f->conn, "ROLLBACK");
    tuff_disconnect(other);
}

/* RELEASE of the savepoint that began a transaction commits it, as in SQLite. */
static void test_outermost_savepoint(void **state)
{
    fixture *f = *state;
    tuff_conn *other;
    assert_int_equal(tuff_connect(f->db, &other), TUFF_OK);
    run(f->conn, "CREATE TABLE t (a INTEGER); SAVEPOINT one; INSERT INTO t VALUES (1); "
                 "SAVEPOINT two; INSERT INTO t VALUES (2); RELEASE two");
    assert_true(tuff_in_transaction(f->conn));
    assert_int_equal(one_integer(other, "SELECT count(*) FROM t"), 0);
    run(f->conn, "ROLLBACK TO one; INSERT INTO t VALUES (3); RELEASE one");
    assert_false(tuff_in_transaction(f->conn));
    assert_int_equal(one_integer(other, "SELECT sum(a) FROM t"), 3);
    run(f->conn, "BEGIN; SAVEPOINT one; INSERT INTO t VALUES (4); RELEASE one");
    assert_true(tuff_in_transaction(f->conn));
    run(f->conn, "ROLLBACK");
    assert_int_equal(one_integer(other, "SELECT sum(a) FROM t"), 3);
    tuff_disconnect(other);
}

/* Keeps the most rows that there were to read. */
static int note_total(void *context, double fraction, uint64_t rows)
{
    double *most = context;
    if (fraction > 0 && (double)rows / fraction > *most)
        *most = (double)rows / fraction;
    return 0;
}

typedef struct caller {
    pthread_t thread;
    uint64_t calls, elsewhere;
    double furthest;
} caller;

static int note_caller(void *context, double fraction, uint64_t rows)
{
    caller *self = context;
    (void)rows;
    self->calls++;
    self->elsewhere += !pthread_equal(self->thread, pthread_self());
    if (fraction > self->furthest)
        self->furthest = fraction;
    return 0;
}

/* Progress is told by the thread that runs the statement, also when others help it, and counts
 * what they do. */
static void test_progress_comes_from_the_caller(void **state)
{
    (void)state;
    tuff_db *db;
    tuff_conn *conn;
    caller who = {.thread = pthread_self()};
    assert_int_equal(tuff_open("memory://?threads=4", &db), TUFF_OK);
    assert_int_equal(tuff_connect(db, &conn), TUFF_OK);
    run(conn, "CREATE TABLE t (a INTEGER, b INTEGER)");
    run(conn, "INSERT INTO t SELECT x, x % 7 FROM generate_series(1, 400000) AS s(x)");
    tuff_set_progress(conn, note_caller, &who);
    for (int turn = 0; turn < 20; turn++)
        run(conn, "SELECT b, count(*), sum(a * a) FROM t GROUP BY b");
    tuff_set_progress(conn, NULL, NULL);
    assert_true(who.calls > 20);
    assert_int_equal(who.elsewhere, 0);
    assert_true(who.furthest > 0 && who.furthest <= 1);
    tuff_disconnect(conn);
    assert_int_equal(tuff_close(db), TUFF_OK);
}

/* A statement that was prepared over an empty table is planned again when the table has grown: it
 * finds its rows by the index that it had no use for. */
static void test_plans_follow_sizes(void **state)
{
    fixture *f = *state;
    tuff_stmt *stmt;
    tuff_result *result;
    double most = 0;
    run(f->conn, "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER); CREATE INDEX t_a ON t(a)");
    assert_int_equal(tuff_prepare(f->conn, "SELECT sum(id) FROM t WHERE a < 5", -1, &stmt, NULL),
                     TUFF_OK);
    run(f->conn, "INSERT INTO t SELECT value, value FROM generate_series(1, 50000) AS s(value)");
    tuff_set_progress(f->conn, note_total, &most);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
        assert_int_equal(tuff_next(result), TUFF_ROW);
        assert_int_equal(tuff_get_int64(result, 0), 10);
        tuff_result_close(result);
        assert_true(most < 10000);
        run(f->conn, "DELETE FROM t WHERE id > 1000");
        most = 0;
    }
    tuff_set_progress(f->conn, NULL, NULL);
    tuff_finalize(stmt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bind_ends_result, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_values_out_of_range, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_null_arguments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_appender_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_error_place, set_up, tear_down),
        cmocka_unit_test(test_names_do_not_pile_up),
        cmocka_unit_test(test_executions_do_not_pile_up),
        cmocka_unit_test_setup_teardown(test_lock_timeout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_outermost_savepoint, set_up, tear_down),
        cmocka_unit_test(test_progress_comes_from_the_caller),
        cmocka_unit_test_setup_teardown(test_plans_follow_sizes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
