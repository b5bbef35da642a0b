/*
 * What a statement answers does not depend on how many threads take part: window functions over
 * partitions of all sizes, their errors, and memory that fails in any thread.
 */
#include "capi_fixture.h"

typedef struct crew {
    counting memory;
    tuff_runtime *runtime;
    tuff_db *db;
    tuff_conn *conn;
} crew;

typedef struct text {
    char *bytes;
    size_t length, capacity;
} text;

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

static int write_out(void *context, const void *bytes, size_t length)
{
    text *out = context;
    while (out->capacity - out->length < length) {
        out->capacity = out->capacity * 2 + 65536;
        out->bytes = realloc(out->bytes, out->capacity);
        assert_non_null(out->bytes);
    }
    memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
    return 0;
}

/* The query's rows as text, in their order, or its error. */
static text answer_with(crew *self, int threads, const char *query, tuff_status expected)
{
    char sql[2000];
    text out = {NULL, 0, 0};
    (void)snprintf(sql, sizeof sql, "SET threads = %d", threads);
    run(self->conn, sql);
    tuff_set_copy(self->conn, NULL, write_out, &out);
    (void)snprintf(sql, sizeof sql, "COPY (%s) TO STDOUT", query);
    assert_int_equal(tuff_exec(self->conn, sql, NULL), expected);
    if (expected != TUFF_OK) {
        const char *message = tuff_conn_error(self->conn)->message;
        out.length = 0;
        (void)write_out(&out, message, strlen(message));
    }
    return out;
}

static void expect_same(crew *self, const char *query, tuff_status expected)
{
    text one = answer_with(self, 1, query, expected);
    assert_true(one.length > 0);
    for (int threads = 2; threads <= 4; threads++) {
        text many = answer_with(self, threads, query, expected);
        assert_int_equal(one.length, many.length);
        assert_memory_equal(one.bytes, many.bytes, one.length);
        free(many.bytes);
    }
    free(one.bytes);
}

/* `even` has groups of a hundred rows; in `skew` one has half of all; `b` is often the same. */
static void fill(crew *self)
{
    run(self->conn, "CREATE TABLE t (a INTEGER, even INTEGER, skew INTEGER, b INTEGER, c TEXT)");
    run(self->conn,
        "INSERT INTO t SELECT value, value * 7919 % 1000, "
        "CASE WHEN value % 2 = 0 THEN 500 ELSE value * 31 % 997 END, value * 17 % 41, "
        "CASE WHEN value % 11 = 3 THEN NULL ELSE 'a text of some length ' || value % 77 "
        "END FROM generate_series(1, 100000) AS s(value)");
}

static void test_windows(void **state)
{
    (void)state;
    static const char *const columns[] = {"even", "skew"};
    crew c;
    start_crew(&c);
    fill(&c);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        char query[1500];
        (void)snprintf(
            query, sizeof query,
            "SELECT a, row_number() OVER w, rank() OVER w, dense_rank() OVER w, ntile(7) "
            "OVER w, cume_dist() OVER w, lag(c, 2) OVER w, sum(b) OVER w, max(c) OVER w, "
            "count(c) FILTER (WHERE b > 20) OVER w, "
            "last_value(a) OVER (w ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING), "
            "avg(b) OVER (PARTITION BY %s ORDER BY b RANGE BETWEEN 3 PRECEDING AND "
            "CURRENT ROW) FROM t WINDOW w AS (PARTITION BY %s ORDER BY b, a)",
            columns[i], columns[i]);
        expect_same(&c, query, TUFF_OK);
        (void)snprintf(query, sizeof query,
                       "SELECT a, min(b) OVER (PARTITION BY %s), string_agg(c, ',') "
                       "OVER (PARTITION BY %s ORDER BY a ROWS 3 PRECEDING) FROM t",
                       columns[i], columns[i]);
        expect_same(&c, query, TUFF_OK);
    }
    /* No partition, and ties whose order is that of the input. */
    expect_same(&c, "SELECT a, row_number() OVER (ORDER BY b), sum(b) OVER (ORDER BY b) FROM t",
                TUFF_OK);
    expect_same(&c,
                "SELECT a, row_number() OVER (PARTITION BY b), lag(a) OVER (PARTITION BY b) "
                "FROM t",
                TUFF_OK);
    stop_crew(&c);
}

/* Of two errors in different partitions, the one of the earlier partition. */
static void test_errors(void **state)
{
    (void)state;
    crew c;
    start_crew(&c);
    fill(&c);
    const char *query = "SELECT ntile(CASE WHEN even > 700 THEN 0 ELSE 2 END) OVER (PARTITION BY "
                        "even ORDER BY a), nth_value(c, CASE WHEN even = 300 THEN 0 ELSE 1 END) "
                        "OVER (PARTITION BY even ORDER BY a) FROM t";
    expect_same(&c, query, TUFF_INVALID_PARAMETER);
    text out = answer_with(&c, 4, query, TUFF_INVALID_PARAMETER);
    (void)write_out(&out, "", 1);
    assert_non_null(strstr(out.bytes, "nth_value"));
    free(out.bytes);
    stop_crew(&c);
}

static void test_failing_memory(void **state)
{
    (void)state;
    crew c;
    uint32_t failed = 0;
    start_crew(&c);
    fill(&c);
    run(c.conn, "SET threads = 4");
    for (uint64_t at = 1; at < 3000; at += 1 + at / 4) {
        c.memory.fail_at = atomic_load(&c.memory.calls) + at;
        tuff_status status =
            tuff_exec(c.conn,
                      "SELECT sum(length(m)) FROM (SELECT string_agg(c, ',') OVER (PARTITION BY "
                      "even ORDER BY a ROWS 3 PRECEDING) AS m FROM t) AS s",
                      NULL);
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
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
