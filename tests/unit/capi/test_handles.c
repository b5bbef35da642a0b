/*
 * test_handles.c - every type through the public interface: bound, appended, read back, described;
 * and the small calls around a statement.
 */
#include <math.h>
#include "unit/capi/capi_fixture.h"

/* The only row of `sql`, which the caller closes. */
static tuff_result *one_row(tuff_conn *conn, const char *sql)
{
    tuff_result *result;
    if (tuff_query(conn, sql, &result) != TUFF_OK)
        fail_msg("%s: %s", sql, tuff_conn_error(conn)->message);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    return result;
}

static void test_bound_values(void **state)
{
    fixture *f = *state;
    tuff_stmt *stmt;
    tuff_result *result;
    assert_int_equal(
        tuff_prepare(f->conn, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8", -1, &stmt, NULL), TUFF_OK);
    assert_int_equal(tuff_bind_bool(stmt, 1, true), TUFF_OK);
    assert_int_equal(tuff_bind_double(stmt, 2, -0.1), TUFF_OK);
    assert_int_equal(tuff_bind_double(stmt, 3, INFINITY), TUFF_OK);
    assert_int_equal(tuff_bind_int64(stmt, 4, INT64_MIN), TUFF_OK);
    assert_int_equal(tuff_bind_blob(stmt, 5, "a\0b", 3), TUFF_OK);
    assert_int_equal(tuff_bind_date(stmt, 6, 19723), TUFF_OK);
    assert_int_equal(tuff_bind_timestamp(stmt, 7, INT64_C(1704067200000001)), TUFF_OK);
    assert_int_equal(tuff_bind_decimal(stmt, 8, "-12.50"), TUFF_OK);
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    static const tuff_type types[] = {TUFF_TYPE_BOOLEAN,   TUFF_TYPE_FLOAT,  TUFF_TYPE_FLOAT,
                                      TUFF_TYPE_INTEGER,   TUFF_TYPE_BLOB,   TUFF_TYPE_DATE,
                                      TUFF_TYPE_TIMESTAMP, TUFF_TYPE_DECIMAL};
    for (uint32_t i = 0; i < BASE_COUNT_OF(types); i++) {
        assert_int_equal(tuff_column_type(result, i), types[i]);
        assert_false(tuff_is_null(result, i));
    }
    assert_true(tuff_get_bool(result, 0));
    assert_string_equal(tuff_get_text(result, 0, NULL), "true");
    assert_true(tuff_get_double(result, 1) == -0.1);
    assert_true(isinf(tuff_get_double(result, 2)));
    assert_int_equal(tuff_get_int64(result, 2), INT64_MAX); /* the nearest bound */
    assert_int_equal(tuff_get_int64(result, 3), INT64_MIN);
    size_t length = 0;
    assert_memory_equal(tuff_get_blob(result, 4, &length), "a\0b", 3);
    assert_int_equal(length, 3);
    assert_string_equal(tuff_get_text(result, 5, NULL), "2024-01-01");
    assert_string_equal(tuff_get_text(result, 6, NULL), "2024-01-01 00:00:00.000001");
    assert_int_equal(tuff_get_int64(result, 6), INT64_C(1704067200000001));
    assert_string_equal(tuff_get_text(result, 7, NULL), "-12.50");
    assert_int_equal(tuff_get_int64(result, 7), -12); /* fractions are cut */
    assert_true(tuff_get_double(result, 7) == -12.5);
    tuff_finalize(stmt);
}

static void test_appended_values(void **state)
{
    fixture *f = *state;
    tuff_appender *appender;
    run(f->conn, "CREATE TABLE t (a BOOLEAN, b FLOAT, c BLOB, d TIMESTAMP, e SMALLINT, f TEXT)");
    assert_int_equal(tuff_appender_create(f->conn, "t", &appender), TUFF_OK);
    assert_int_equal(tuff_append_bool(appender, true), TUFF_OK);
    assert_int_equal(tuff_append_double(appender, 1.5), TUFF_OK);
    assert_int_equal(tuff_append_blob(appender, "x\0y", 3), TUFF_OK);
    assert_int_equal(tuff_append_timestamp(appender, 1000001), TUFF_OK);
    assert_int_equal(tuff_append_double(appender, 7), TUFF_OK); /* cast to the column's type */
    assert_int_equal(tuff_append_bool(appender, false), TUFF_OK);
    assert_int_equal(tuff_append_null(appender), TUFF_MISUSE); /* beyond the last column */
    assert_int_equal(tuff_append_end_row(appender), TUFF_OK);
    assert_int_equal(tuff_append_null(appender), TUFF_OK);
    assert_int_equal(tuff_append_double(appender, NAN), TUFF_OK);
    assert_int_equal(tuff_append_blob(appender, NULL, 0), TUFF_OK); /* empty */
    assert_int_equal(tuff_append_null(appender), TUFF_OK);
    assert_int_equal(tuff_append_null(appender), TUFF_OK);
    assert_int_equal(tuff_append_text(appender, NULL, 5), TUFF_OK); /* NULL */
    assert_int_equal(tuff_append_end_row(appender), TUFF_OK);
    assert_int_equal(tuff_appender_close(appender, true), TUFF_OK);
    assert_int_equal(one_integer(f->conn,
                                 "SELECT count(*) FROM t WHERE a AND b = 1.5 AND c = X'780079' AND "
                                 "d = TIMESTAMP '1970-01-01 00:00:01.000001' AND e = 7 AND "
                                 "f = 'false'"),
                     1);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t WHERE a IS NULL AND b <> 1.5 AND "
                                          "c = X'' AND d IS NULL AND e IS NULL AND f IS NULL"),
                     1);

    assert_int_equal(tuff_appender_create(f->conn, "t", &appender), TUFF_OK);
    assert_int_equal(tuff_append_null(appender), TUFF_OK);
    assert_int_equal(tuff_append_null(appender), TUFF_OK);
    assert_int_equal(tuff_append_blob(appender, NULL, 5), TUFF_OK); /* NULL, as for a text */
    assert_int_equal(tuff_append_timestamp(appender, INT64_MAX), TUFF_DATETIME_OVERFLOW);
    assert_int_equal(tuff_appender_close(appender, false), TUFF_OK);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 2);
}

static void test_columns(void **state)
{
    fixture *f = *state;
    tuff_result *result =
        one_row(f->conn, "SELECT CAST(1 AS DECIMAL(15, 2)) AS d, CAST(1 AS DECIMAL(38, 10)) AS w, "
                         "'x' AS t, CAST(1 AS TINYINT) AS i, NULL AS n");
    assert_int_equal(tuff_column_count(result), 5);
    assert_int_equal(tuff_column_precision(result, 0), 15);
    assert_int_equal(tuff_column_scale(result, 0), 2);
    assert_int_equal(tuff_column_precision(result, 1), 38);
    assert_int_equal(tuff_column_scale(result, 1), 10);
    for (uint32_t i = 2; i < 7; i++) { /* no decimals, and no columns */
        assert_int_equal(tuff_column_precision(result, i), 0);
        assert_int_equal(tuff_column_scale(result, i), 0);
    }
    assert_string_equal(tuff_column_type_name(result, 0), "DECIMAL(15,2)");
    assert_string_equal(tuff_column_type_name(result, 3), "TINYINT");
    assert_string_equal(tuff_column_name(result, 4), "n");
    assert_null(tuff_column_name(result, 5));
    assert_int_equal(tuff_column_type(result, 5), TUFF_TYPE_NULL);
    tuff_result_close(result);
}

static void test_texts_of_statements(void **state)
{
    fixture *f = *state;
    tuff_stmt *stmt;
    const char *tail;
    const char *script = "SELECT 1 /* ; */; SELECT\n2";
    assert_int_equal(tuff_prepare(f->conn, script, -1, &stmt, &tail), TUFF_OK);
    assert_string_equal(tuff_stmt_sql(stmt), "SELECT 1 /* ; */;");
    tuff_finalize(stmt);
    assert_int_equal(tuff_prepare(f->conn, tail, -1, &stmt, &tail), TUFF_OK);
    assert_string_equal(tuff_stmt_sql(stmt), " SELECT\n2");
    assert_ptr_equal(tail, script + strlen(script));
    tuff_finalize(stmt);
    /* A text that does not end with a NUL is copied to one that does. */
    assert_int_equal(tuff_prepare(f->conn, "SELECT 12345", 8, &stmt, &tail), TUFF_OK);
    assert_string_equal(tuff_stmt_sql(stmt), "SELECT 1");
    tuff_finalize(stmt);
}

static void test_last_rowid(void **state)
{
    fixture *f = *state;
    tuff_conn *other;
    assert_int_equal(tuff_connect(f->db, &other), TUFF_OK);
    assert_int_equal(tuff_last_insert_rowid(f->conn), 0);
    run(f->conn, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE)");
    run(f->conn, "INSERT INTO t VALUES (41, 'a'); INSERT INTO t (a) VALUES ('b')");
    assert_int_equal(tuff_last_insert_rowid(f->conn), 42);
    run(f->conn, "UPDATE t SET a = 'c' WHERE id = 41; DELETE FROM t WHERE id = 42");
    assert_int_equal(tuff_last_insert_rowid(f->conn), 42);
    expect_error(f->conn, "INSERT INTO t VALUES (50, 'c')", TUFF_UNIQUE_VIOLATION);
    assert_int_equal(tuff_last_insert_rowid(f->conn), 42);
    assert_int_equal(tuff_last_insert_rowid(other), 0); /* each connection has its own */
    assert_int_equal(one_integer(f->conn, "SELECT last_insert_rowid()"), 42);
    tuff_disconnect(other);
}

static void test_version(void **state)
{
    fixture *f = *state;
    assert_string_equal(tuff_version(), TUFF_VERSION);
    tuff_result *result = one_row(f->conn, "SELECT version()");
    assert_non_null(strstr(tuff_get_text(result, 0, NULL), TUFF_VERSION));
    tuff_result_close(result);
    result = one_row(f->conn, "SHOW version");
    assert_string_equal(tuff_get_text(result, 0, NULL), TUFF_VERSION);
    tuff_result_close(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bound_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_appended_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_texts_of_statements, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_last_rowid, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_version, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
