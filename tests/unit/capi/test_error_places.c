/*
 * Where errors say that they are. Each statement has a '^' in front of the place that its error
 * must name; errors of evaluation, of whole operators and of the binder alike.
 */
#include "capi_fixture.h"

typedef struct misplaced {
    const char *sqlstate, *sql;
} misplaced;

static const misplaced statements[] = {
    /* a subquery's second row, joined by hash, by loop, and alone */
    {"21000", "SELECT ^(SELECT a FROM t)"},
    {"21000", "SELECT * FROM t WHERE a = ^(SELECT x.a FROM t x WHERE x.a >= t.a - 1)"},
    {"21000", "SELECT a, ^(SELECT x.b FROM t x WHERE x.n = t.n) FROM t"},
    /* counts */
    {"22023", "SELECT a FROM t LIMIT ^-1"},
    {"22023", "SELECT a FROM t ORDER BY b LIMIT 1 OFFSET ^-1"},
    {"0A000", "SELECT a FROM t FETCH FIRST ^1 ROWS WITH TIES"},
    /* aggregates and window functions */
    {"22003", "SELECT 1, ^sum(a + 9223372036854775800) FROM t"},
    {"22003", "SELECT n, ^sum(a + 9223372036854775800) FROM t GROUP BY n"},
    {"22003", "SELECT n, ^sum(a + 9223372036854775800) OVER (ORDER BY a) FROM t"},
    {"22023", "SELECT ^ntile(0) OVER () FROM t"},
    {"22023", "SELECT ^nth_value(a, 0) OVER () FROM t"},
    {"0A000", "SELECT sum(a) OVER (ORDER BY b RANGE ^1 PRECEDING) FROM t"},
    {"0A000", "SELECT sum(a) OVER (ORDER BY INTERVAL '1 day' RANGE ^INTERVAL '1 day' PRECEDING) "
              "FROM t"},
    /* a pattern that is prepared once */
    {"22025", "SELECT ^b LIKE 'a\\' FROM t"},
    /* changed tables */
    {"23505", "INSERT INTO ^t VALUES (1, 'again', 1)"},
    {"23505", "UPDATE ^t SET a = 7"},
    {"23502", "INSERT INTO ^t VALUES (5, 'no number', NULL)"},
    {"23514", "UPDATE ^t SET n = 100"},
    {"42701", "ALTER TABLE t ADD COLUMN ^b TEXT"},
    /* names and grouping sets */
    {"42704", "SELECT * FROM ^other.t"},
    {"42704", "INSERT INTO ^other.t VALUES (1)"},
    {"0A000", "SELECT n FROM t GROUP BY ^ROLLUP (n)"},
    {"0A000", "SELECT n FROM t GROUP BY a, ^CUBE (n)"},
    {"0A000", "SELECT n FROM t GROUP BY ^GROUPING SETS ((n), ())"},
    {"0A000", "CREATE TABLE u (id ^UUID)"},
    {"0A000", "^MERGE INTO t USING t x ON true WHEN MATCHED THEN DELETE"},
    {"0A000", "SELECT ^mode() WITHIN GROUP (ORDER BY a) FROM t"},
    {"23505", "CREATE UNIQUE INDEX n ON ^t (n)"},
    {"3B001", "ROLLBACK TO ^nowhere"},
    {"3B001", "RELEASE ^nowhere"},
};

static void test_places(void **state)
{
    fixture *f = *state;
    run(f->conn, "CREATE TABLE t (a INTEGER UNIQUE, b TEXT, n INTEGER NOT NULL CHECK (n < 50))");
    run(f->conn, "INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 1), (3, 'z', 1)");
    for (size_t i = 0; i < BASE_COUNT_OF(statements); i++) {
        char sql[256];
        const char *marked = statements[i].sql, *mark = strchr(marked, '^');
        assert_non_null(mark);
        size_t before = (size_t)(mark - marked);
        int length = snprintf(sql, sizeof sql, "%.*s%s", (int)before, marked, mark + 1);
        assert_in_range(length, 1, sizeof sql - 1);
        tuff_status status = tuff_exec(f->conn, sql, NULL);
        const tuff_error *error = tuff_conn_error(f->conn);
        if (status == TUFF_OK || strcmp(error->sqlstate, statements[i].sqlstate) != 0 ||
            error->position != (int32_t)before)
            fail_msg("%s: %s at %d, not %s at %zu", sql,
                     status == TUFF_OK ? "no error" : error->sqlstate, (int)error->position,
                     statements[i].sqlstate, before);
        assert_int_equal(error->line, 1);
        assert_int_equal(error->column, before + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
