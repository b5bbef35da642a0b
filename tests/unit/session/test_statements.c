/*
 * test_statements.c - the life of a statement: texts cut into statements, plans that follow
 * the schema, failures that undo the statement alone, transactions, and results that outlive
 * what comes after them.
 */
#include "unit/unit.h"

#include "session/session.h"

typedef struct fixture {
    os_runtime *runtime;
    session_database *database;
    session_connection *connection;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    os_runtime_options options = {.worker_count = 0};
    table_options file;
    table_options_default(&file);
    unit_assert_ok(os_runtime_create(os_posix_environment(), &options, &f->runtime, NULL));
    unit_assert_ok(session_database_open(f->runtime, NULL, &file, &f->database, NULL));
    unit_assert_ok(session_connect(f->database, &f->connection, NULL));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    session_disconnect(f->connection);
    unit_assert_ok(session_database_close(f->database, NULL));
    unit_budget_check(os_runtime_budget(f->runtime));
    os_runtime_destroy(f->runtime);
    free(f);
    return 0;
}

static session_statement *prepare(session_connection *connection, const char *sql)
{
    session_statement *statement;
    size_t offset = 0;
    if (session_prepare(connection, (base_text){sql, strlen(sql)}, &offset, &statement) != BASE_OK)
        fail_msg("%s: %s", sql, session_error(connection)->message);
    return statement;
}

/* Runs to the end; the first value of the last row, or -1. */
static base_status run_prepared(session_statement *statement, int64_t *value)
{
    base_status status = session_execute(statement);
    vector_chunk *chunk;
    while (status == BASE_OK && (status = session_next(statement, &chunk)) == BASE_ROW) {
        uint32_t last = vector_row(chunk->selection, chunk->count - 1);
        *value = chunk->column_count ? vector_get(&chunk->columns[0], last).cell.int64 : -1;
        status = BASE_OK;
    }
    return status == BASE_DONE ? BASE_OK : status;
}

static base_status run(session_connection *connection, const char *sql, int64_t *value)
{
    session_statement *statement;
    size_t offset = 0;
    RETURN_IF_ERROR(
        session_prepare(connection, (base_text){sql, strlen(sql)}, &offset, &statement));
    base_status status = run_prepared(statement, value);
    session_finalize(statement);
    return status;
}

static void must(session_connection *connection, const char *sql)
{
    int64_t value;
    if (run(connection, sql, &value) != BASE_OK)
        fail_msg("%s: %s", sql, session_error(connection)->message);
}

static void expect(session_connection *connection, const char *sql, int64_t expected)
{
    int64_t value = -1;
    if (run(connection, sql, &value) != BASE_OK)
        fail_msg("%s: %s", sql, session_error(connection)->message);
    assert_int_equal(value, expected);
}

/* ---- Texts ---- */

static void a_text_is_cut_into_statements(void **state)
{
    fixture *f = *state;
    base_text sql = BASE_TEXT(" -- first\nSELECT 1; ;/* ; */ SELECT ';' ;\n-- the end\n");
    session_statement *statement;
    size_t offset = 0, count = 0;
    for (;;) {
        unit_assert_ok(session_prepare(f->connection, sql, &offset, &statement));
        if (!statement)
            break;
        assert_int_equal(session_column_count(statement), 1);
        session_finalize(statement);
        count++;
    }
    assert_int_equal(count, 2);
    assert_int_equal(offset, sql.length);
}

static void complete_texts_are_known(void **state)
{
    (void)state;
    assert_true(session_is_complete(BASE_TEXT("SELECT 1;")));
    assert_true(session_is_complete(BASE_TEXT("SELECT ';';  -- done\n")));
    assert_false(session_is_complete(BASE_TEXT("SELECT 1")));
    assert_false(session_is_complete(BASE_TEXT("SELECT ';")));
    assert_false(session_is_complete(BASE_TEXT("SELECT 1; SELECT")));
    assert_false(session_is_complete(BASE_TEXT("SELECT 1 /* ;")));
}

/* ---- Plans ---- */

static void a_statement_follows_the_schema(void **state)
{
    fixture *f = *state;
    int64_t value = -1;
    must(f->connection, "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER)");
    must(f->connection, "INSERT INTO t VALUES (1, 10), (2, 20)");
    session_statement *all = prepare(f->connection, "SELECT * FROM t WHERE a = 2");
    assert_int_equal(session_column_count(all), 2);
    must(f->connection, "ALTER TABLE t DROP COLUMN b");
    unit_assert_ok(run_prepared(all, &value));
    assert_int_equal(value, 2);
    assert_int_equal(session_column_count(all), 1);
    must(f->connection, "DROP TABLE t");
    assert_int_equal(run_prepared(all, &value), BASE_UNDEFINED_TABLE);
    must(f->connection, "CREATE TABLE t (a INTEGER)");
    must(f->connection, "INSERT INTO t VALUES (2)");
    unit_assert_ok(run_prepared(all, &value));
    assert_int_equal(value, 2);
    session_finalize(all);
}

static void parameters_are_typed_by_their_use(void **state)
{
    fixture *f = *state;
    int64_t value = -1;
    session_statement *sum = prepare(f->connection, "SELECT :x + 1 + :x + $3");
    assert_int_equal(session_parameter_count(sum), 3);
    assert_true(base_text_equal(session_parameter_name(sum, 0), BASE_TEXT(":x")));
    types_value five = {.type = TYPES_OF(INTEGER), .cell.int64 = 5};
    unit_assert_ok(session_bind(sum, 0, &five));
    unit_assert_ok(session_bind(sum, 2, &five));
    unit_assert_ok(run_prepared(sum, &value));
    assert_int_equal(value, 16);
    assert_int_equal(session_bind(sum, 3, &five), BASE_INVALID_PARAMETER);
    session_finalize(sum);
}

/* ---- Failures ---- */

static void a_failed_statement_leaves_nothing(void **state)
{
    fixture *f = *state;
    int64_t value;
    must(f->connection, "CREATE TABLE t (a INTEGER PRIMARY KEY)");
    must(f->connection, "BEGIN");
    must(f->connection, "INSERT INTO t VALUES (1)");
    assert_int_equal(run(f->connection, "INSERT INTO t VALUES (2), (3), (1)", &value),
                     BASE_UNIQUE_VIOLATION);
    assert_true(session_in_transaction(f->connection));
    assert_int_equal(run(f->connection, "SELECT nothing FROM t", &value), BASE_UNDEFINED_COLUMN);
    assert_int_equal(session_error(f->connection)->position, 7);
    expect(f->connection, "SELECT count(*) FROM t", 1);
    must(f->connection, "COMMIT");
    expect(f->connection, "SELECT count(*) FROM t", 1);
}

static void savepoints_take_back_what_came_after(void **state)
{
    fixture *f = *state;
    int64_t value;
    must(f->connection, "CREATE TABLE t (a INTEGER)");
    must(f->connection, "BEGIN");
    must(f->connection, "INSERT INTO t VALUES (1)");
    must(f->connection, "SAVEPOINT one");
    must(f->connection, "CREATE TABLE u (a INTEGER)");
    must(f->connection, "INSERT INTO t VALUES (2)");
    must(f->connection, "ROLLBACK TO one");
    assert_int_equal(run(f->connection, "SELECT * FROM u", &value), BASE_UNDEFINED_TABLE);
    expect(f->connection, "SELECT count(*) FROM t", 1);
    assert_int_equal(run(f->connection, "ROLLBACK TO two", &value), BASE_NO_SAVEPOINT);
    must(f->connection, "ROLLBACK");
    expect(f->connection, "SELECT count(*) FROM t", 0);
}

/* ---- Results and connections ---- */

static void results_outlive_later_statements(void **state)
{
    fixture *f = *state;
    vector_chunk *chunk;
    uint64_t rows = 0;
    must(f->connection, "CREATE TABLE t (a INTEGER)");
    must(f->connection, "INSERT INTO t SELECT * FROM generate_series(1, 5000)");
    must(f->connection, "BEGIN");
    session_statement *all = prepare(f->connection, "SELECT a FROM t");
    unit_assert_ok(session_execute(all));
    assert_int_equal(session_next(all, &chunk), BASE_ROW);
    rows += chunk->count;
    must(f->connection, "DELETE FROM t");
    must(f->connection, "COMMIT");
    while (session_next(all, &chunk) == BASE_ROW)
        rows += chunk->count;
    assert_int_equal(rows, 5000);
    session_finalize(all);
    expect(f->connection, "SELECT count(*) FROM t", 0);
}

static void connections_see_commits_only(void **state)
{
    fixture *f = *state;
    session_connection *other;
    int64_t value;
    unit_assert_ok(session_connect(f->database, &other, NULL));
    must(f->connection, "CREATE TABLE t (a INTEGER)");
    must(f->connection, "BEGIN");
    must(f->connection, "INSERT INTO t VALUES (1)");
    must(f->connection, "CREATE TEMP VIEW v AS SELECT 7 AS x");
    expect(other, "SELECT count(*) FROM t", 0);
    must(f->connection, "COMMIT");
    expect(other, "SELECT count(*) FROM t", 1);
    expect(f->connection, "SELECT x FROM v", 7);
    assert_int_equal(run(other, "SELECT x FROM v", &value), BASE_UNDEFINED_TABLE);
    assert_int_equal(session_database_close(f->database, NULL), BASE_MISUSE);
    session_disconnect(other);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_text_is_cut_into_statements),     TEST(complete_texts_are_known),
        TEST(a_statement_follows_the_schema),    TEST(parameters_are_typed_by_their_use),
        TEST(a_failed_statement_leaves_nothing), TEST(savepoints_take_back_what_came_after),
        TEST(results_outlive_later_statements),  TEST(connections_see_commits_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
