/*
 * test_trouble.c - what a failure may not leave behind: half a transaction, half a result, a
 * file that was not ours, memory that somebody still reads.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/capi/capi_fixture.h"

/* SET TRANSACTION changes what it names and nothing else, and a refused one changes nothing. */
static void test_set_transaction(void **state)
{
    fixture *f = *state;
    tuff_conn *other;
    assert_int_equal(tuff_connect(f->db, &other), TUFF_OK);
    run(f->conn, "CREATE TABLE t (a INTEGER); BEGIN");
    expect_error(f->conn, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", TUFF_NOT_SUPPORTED);
    assert_true(tuff_in_transaction(f->conn));
    run(f->conn, "INSERT INTO t VALUES (1)");
    assert_int_equal(one_integer(other, "SELECT count(*) FROM t"), 0);
    run(f->conn, "ROLLBACK; BEGIN ISOLATION LEVEL SNAPSHOT; SET TRANSACTION READ ONLY");
    expect_error(f->conn, "INSERT INTO t VALUES (1)", TUFF_READ_ONLY);
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 0);
    run(other, "INSERT INTO t VALUES (2)");
    assert_int_equal(one_integer(f->conn, "SELECT count(*) FROM t"), 0); /* the snapshot stands */
    run(f->conn, "ROLLBACK; BEGIN READ ONLY; SET TRANSACTION ISOLATION LEVEL SNAPSHOT");
    expect_error(f->conn, "INSERT INTO t VALUES (1)", TUFF_READ_ONLY);
    run(f->conn, "ROLLBACK");
    tuff_disconnect(other);
}

/* A change that was prepared while the transaction had failed has no plan yet; it must not begin a
 * transaction that only reads. */
static void test_change_prepared_in_a_failed_transaction(void **state)
{
    fixture *f = *state;
    tuff_conn *other;
    tuff_stmt *stmt;
    tuff_result *result;
    assert_int_equal(tuff_connect(f->db, &other), TUFF_OK);
    run(f->conn, "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER); INSERT INTO t VALUES (1, 1)");
    run(f->conn, "BEGIN ISOLATION LEVEL SNAPSHOT; SELECT * FROM t");
    run(other, "UPDATE t SET b = 2");
    expect_error(f->conn, "UPDATE t SET b = 3", TUFF_SERIALIZATION);
    assert_int_equal(tuff_prepare(f->conn, "INSERT INTO t VALUES (2, 2)", -1, &stmt, NULL),
                     TUFF_OK);
    assert_true(tuff_stmt_is_write(stmt));
    assert_int_equal(tuff_execute(stmt, &result), TUFF_TRANSACTION_ABORTED);
    run(f->conn, "ROLLBACK");
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(one_integer(other, "SELECT count(*) FROM t"), 2);
    tuff_finalize(stmt);
    tuff_disconnect(other);
}

typedef struct own_runtime {
    counting memory;
    tuff_runtime *runtime;
    tuff_db *db;
    tuff_conn *conn;
} own_runtime;

static void start(own_runtime *self)
{
    counting_init(&self->memory);
    tuff_runtime_options options = {.struct_size = sizeof options,
                                    .allocator = &self->memory.allocator};
    assert_int_equal(tuff_runtime_create(&options, &self->runtime), TUFF_OK);
    assert_int_equal(tuff_open_in(self->runtime, "memory://", &self->db), TUFF_OK);
    assert_int_equal(tuff_connect(self->db, &self->conn), TUFF_OK);
}

static void stop(own_runtime *self)
{
    self->memory.fail_at = 0;
    tuff_disconnect(self->conn);
    assert_int_equal(tuff_close(self->db), TUFF_OK);
    assert_int_equal(tuff_runtime_destroy(self->runtime), TUFF_OK);
    assert_int_equal(atomic_load(&self->memory.outstanding), 0);
}

/* Allocation number `at` from now fails; 0: none. */
static void fail_allocation(own_runtime *self, uint64_t at)
{
    self->memory.fail_at = at ? atomic_load(&self->memory.calls) + at : 0;
}

/* A change that ran out of memory is a change still when it is run again. */
static void test_change_again_after_exhaustion(void **state)
{
    (void)state;
    own_runtime self;
    tuff_stmt *stmt;
    tuff_result *result;
    tuff_status status = TUFF_OUT_OF_MEMORY;
    start(&self);
    run(self.conn, "CREATE TABLE t (a INTEGER, b TEXT)");
    const char *sql = "INSERT INTO t SELECT x, 'a text of some length ' || x FROM range(3000) r(x)";
    assert_int_equal(tuff_prepare(self.conn, sql, -1, &stmt, NULL), TUFF_OK);
    uint64_t failures = 0;
    for (uint64_t at = 1; status != TUFF_OK; at++) {
        fail_allocation(&self, at);
        status = tuff_execute(stmt, &result);
        if (status == TUFF_OK)
            break;
        assert_int_equal(status, TUFF_OUT_OF_MEMORY);
        assert_true(tuff_stmt_is_write(stmt));
        failures++;
    }
    assert_true(failures > 20);
    fail_allocation(&self, 0);
    assert_int_equal(one_integer(self.conn, "SELECT count(*) FROM t"), 3000);
    stop(&self);
}

/* Another statement moves the rows that were not read yet into memory. Where there is none, the
 * reader is told: the rows it has got are not all of them. */
static void test_rows_that_cannot_be_kept(void **state)
{
    (void)state;
    own_runtime self;
    tuff_result *rows, *other;
    tuff_stmt *second;
    start(&self);
    assert_int_equal(tuff_prepare(self.conn, "SELECT 1", -1, &second, NULL), TUFF_OK);
    uint64_t lost = 0;
    bool kept = false;
    for (uint64_t at = 1; !kept; at++) {
        assert_int_equal(
            tuff_query(self.conn, "SELECT x, 'text number ' || x FROM range(9000) r(x)", &rows),
            TUFF_OK);
        assert_int_equal(tuff_next(rows), TUFF_ROW);
        fail_allocation(&self, at);
        tuff_status status = tuff_execute(second, &other);
        fail_allocation(&self, 0);
        kept = status == TUFF_OK;
        int64_t seen = 1;
        if (!kept) {
            assert_int_equal(status, TUFF_OUT_OF_MEMORY);
            assert_true(tuff_is_null(rows, 0)); /* the current row went, too */
            assert_null(tuff_get_text(rows, 1, NULL));
            assert_int_equal(tuff_next(rows), TUFF_OUT_OF_MEMORY);
            lost++;
        } else {
            while (tuff_next(rows) == TUFF_ROW)
                assert_int_equal(tuff_get_int64(rows, 0), seen++);
            assert_int_equal(seen, 9000);
        }
        tuff_result_close(rows);
    }
    assert_true(lost > 3);
    tuff_finalize(second);
    stop(&self);
}

/* Arrow lets a consumer move single children out of a batch or schema and release the rest. */
static void test_arrow_children_live_alone(void **state)
{
    fixture *f = *state;
    tuff_result *result;
    struct ArrowSchema schema, column;
    struct ArrowArray batch, texts;
    assert_int_equal(
        tuff_query(f->conn, "SELECT x, 'row number ' || x AS t FROM range(100) r(x)", &result),
        TUFF_OK);
    assert_int_equal(tuff_arrow_schema(result, &schema), TUFF_OK);
    column = *schema.children[1];
    schema.children[1]->release = NULL; /* moved */
    schema.release(&schema);
    assert_int_equal(tuff_arrow_next(result, &batch), TUFF_ROW);
    texts = *batch.children[1];
    batch.children[1]->release = NULL;
    batch.release(&batch);
    tuff_result_close(result);
    assert_string_equal(column.format, "U");
    assert_string_equal(column.name, "t");
    column.release(&column);
    assert_null(column.release);
    const int64_t *offsets = texts.buffers[1];
    assert_int_equal(texts.length, 100);
    assert_memory_equal((const char *)texts.buffers[2] + offsets[99], "row number 99", 13);
    texts.release(&texts);
    assert_null(texts.release);
}

/* A COPY that fails removes what it made, never what was there: the path may be a device's. */
static void test_failed_copy_to(void **state)
{
    fixture *f = *state;
    char folder[] = "/tmp/tuff-copy-XXXXXX", path[64], sql[160];
    struct stat info;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/out.csv", folder);
    snprintf(sql, sizeof sql, "COPY (SELECT CAST('x' || a AS INTEGER) FROM range(9) r(a)) TO '%s'",
             path);
    expect_error(f->conn, sql, TUFF_INVALID_TEXT);
    assert_int_not_equal(stat(path, &info), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("somebody's\n", file);
    fclose(file);
    expect_error(f->conn, sql, TUFF_INVALID_TEXT);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 0);
    unlink(path);
    /* As a device: a link of our own in its place shows whether the name is taken away. */
    assert_int_equal(symlink("/dev/null", path), 0);
    expect_error(f->conn, sql, TUFF_INVALID_TEXT);
    assert_int_equal(lstat(path, &info), 0);
    unlink(path);
    rmdir(folder);
}

/* What was asked before is not answered from memory when its table has gone. */
static void test_describe_after_drop(void **state)
{
    fixture *f = *state;
    tuff_result *result;
    run(f->conn, "CREATE TABLE t (a INTEGER)");
    assert_int_equal(tuff_query(f->conn, "DESCRIBE t", &result), TUFF_OK);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    tuff_result_close(result);
    run(f->conn, "DROP TABLE t");
    assert_int_equal(tuff_query(f->conn, "DESCRIBE t", &result), TUFF_UNDEFINED_TABLE);
}

static void *connect_and_go(void *argument)
{
    tuff_conn *conn = argument;
    tuff_disconnect(conn);
    return NULL;
}

/* A database may be closed by one thread as soon as another one's tuff_disconnect lets it: the
 * sanitizers see who touches what after that. */
static void test_close_races_with_disconnect(void **state)
{
    (void)state;
    for (int turn = 0; turn < 200; turn++) {
        tuff_db *db;
        tuff_conn *conn;
        pthread_t thread;
        assert_int_equal(tuff_open("memory://", &db), TUFF_OK);
        assert_int_equal(tuff_connect(db, &conn), TUFF_OK);
        assert_int_equal(pthread_create(&thread, NULL, connect_and_go, conn), 0);
        tuff_status status;
        do
            status = tuff_close(db);
        while (status == TUFF_MISUSE);
        assert_int_equal(status, TUFF_OK);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set_transaction, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_change_prepared_in_a_failed_transaction, set_up,
                                        tear_down),
        cmocka_unit_test(test_change_again_after_exhaustion),
        cmocka_unit_test(test_rows_that_cannot_be_kept),
        cmocka_unit_test_setup_teardown(test_arrow_children_live_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_copy_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_describe_after_drop, set_up, tear_down),
        cmocka_unit_test(test_close_races_with_disconnect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
