/*
 * The schema belongs to what a transaction sees: one at SNAPSHOT goes on with the tables and
 * columns of its beginning, whatever others define meanwhile.
 */
#include "capi_fixture.h"

static void connect(fixture *f, tuff_conn **other)
{
    assert_int_equal(tuff_connect(f->db, other), TUFF_OK);
}

static void expect_rows(tuff_conn *conn, const char *sql, const char *expected)
{
    char seen[256] = "";
    tuff_result *result;
    assert_int_equal(tuff_query(conn, sql, &result), TUFF_OK);
    while (tuff_next(result) == TUFF_ROW) {
        for (uint32_t c = 0; c < tuff_column_count(result); c++) {
            const char *text = tuff_get_text(result, c, NULL);
            size_t used = strlen(seen);
            snprintf(seen + used, sizeof seen - used, "%s%s",
                     c      ? ","
                     : used ? ";"
                            : "",
                     text ? text : "NULL");
        }
    }
    tuff_result_close(result);
    assert_string_equal(seen, expected);
}

static void test_definitions_of_others(void **state)
{
    fixture *f = *state;
    for (int fast = 0; fast < 2; fast++) {
        tuff_conn *reader;
        connect(f, &reader);
        run(reader, fast ? "SET fast_path = on" : "SET fast_path = off");
        run(f->conn, "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)");
        run(f->conn, "INSERT INTO t VALUES (1, 10), (2, 20)");
        run(reader, "BEGIN ISOLATION LEVEL SNAPSHOT");
        run(f->conn, "ALTER TABLE t ADD COLUMN z INTEGER DEFAULT 9");
        expect_rows(reader, "SELECT * FROM t WHERE id = 1", "1,10");
        expect_rows(reader, "SELECT * FROM t ORDER BY id", "1,10;2,20");
        expect_error(reader, "SELECT z FROM t WHERE id = 1", TUFF_UNDEFINED_COLUMN);
        run(f->conn, "ALTER TABLE t DROP COLUMN v");
        run(f->conn, "CREATE TABLE n (a INTEGER)");
        run(f->conn, "CREATE UNIQUE INDEX t_z ON t (z, id)");
        expect_rows(reader, "SELECT * FROM t WHERE id = 2", "2,20");
        expect_rows(reader, "SELECT id FROM t WHERE v = 20", "2");
        expect_error(reader, "SELECT * FROM n", TUFF_UNDEFINED_TABLE);
        run(f->conn, "ALTER TABLE t RENAME TO u");
        expect_rows(reader, "SELECT v FROM t ORDER BY id", "10;20");
        run(f->conn, "DROP TABLE u");
        expect_rows(reader, "SELECT sum(v) FROM t", "30");
        expect_rows(reader, "SELECT v FROM t WHERE id = 1", "10");
        run(reader, "COMMIT");
        expect_error(reader, "SELECT * FROM t", TUFF_UNDEFINED_TABLE);
        expect_rows(reader, "SELECT count(*) FROM n", "0");
        tuff_disconnect(reader);
        run(f->conn, "DROP TABLE n");
    }
}

/* What was defined after the snapshot cannot be changed on its ground. */
static void test_changes_conflict(void **state)
{
    fixture *f = *state;
    tuff_conn *writer;
    connect(f, &writer);
    run(f->conn, "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)");
    run(f->conn, "INSERT INTO t VALUES (1, 10)");
    run(writer, "BEGIN ISOLATION LEVEL SNAPSHOT");
    run(f->conn, "ALTER TABLE t ADD COLUMN z INTEGER");
    expect_error(writer, "UPDATE t SET v = 11", TUFF_SERIALIZATION);
    run(writer, "ROLLBACK");
    run(writer, "BEGIN ISOLATION LEVEL SNAPSHOT");
    run(f->conn, "CREATE TABLE other (a INTEGER)");
    expect_error(writer, "CREATE TABLE third (a INTEGER)", TUFF_SERIALIZATION);
    run(writer, "ROLLBACK");
    run(writer, "BEGIN ISOLATION LEVEL SNAPSHOT");
    run(writer, "ALTER TABLE t ADD COLUMN own INTEGER DEFAULT 5");
    expect_rows(writer, "SELECT * FROM t", "1,10,NULL,5");
    run(writer, "SAVEPOINT s");
    run(writer, "DROP TABLE t");
    expect_error(writer, "SELECT * FROM t", TUFF_UNDEFINED_TABLE);
    run(writer, "ROLLBACK TO s");
    expect_rows(writer, "SELECT own FROM t WHERE id = 1", "5");
    run(writer, "ROLLBACK");
    expect_rows(writer, "SELECT * FROM t", "1,10,NULL");
    tuff_disconnect(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_definitions_of_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changes_conflict, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
