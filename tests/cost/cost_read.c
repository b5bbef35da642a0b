/*
 * cost_read.c - reads of one row by key through a prepared statement, to be counted by callgrind.
 *
 *     cost-read KIND WHAT FILE
 *
 * KIND is "hot" (the rows lie where they were inserted) or "cold" (sealed into the file and opened
 * again), WHAT is the value that is read: a "number" or a "text". Reads WARM rows, so that pages,
 * plans and arenas are there, then READS rows inside read_counted, which has to stay a function of
 * its own: callgrind counts what it does. Allocations in there fail the program. Prints how many
 * reads were counted.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tuff.h"

enum {
    ROWS = 20000,
    WARM = 2000,
    READS = 2000
};

static _Atomic(uint64_t) allocations;

static void *count_allocate(void *context, size_t size)
{
    (void)context;
    atomic_fetch_add(&allocations, 1);
    return malloc(size);
}
static void *count_reallocate(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)context, (void)old_size;
    atomic_fetch_add(&allocations, 1);
    return realloc(block, new_size);
}
static void count_release(void *context, void *block, size_t size)
{
    (void)context, (void)size;
    free(block);
}

/* Reads rows `first`, `first` + 7, ... round and round; false: one was not as it was written. */
static bool read_rows(tuff_stmt *stmt, bool text, int64_t first, int64_t count)
{
    bool right = true;
    for (int64_t i = 0; i < count; i++) {
        tuff_result *result;
        int64_t id = (first + i * 7) % ROWS + 1;
        right = right && tuff_bind_int64(stmt, 1, id) == TUFF_OK &&
                tuff_execute(stmt, &result) == TUFF_OK && tuff_next(result) == TUFF_ROW &&
                (text ? tuff_get_text(result, 0, NULL)[0] == 'n'
                      : tuff_get_int64(result, 0) == id * 3) &&
                tuff_next(result) == TUFF_DONE;
    }
    return right;
}

static bool fill(tuff_conn *conn, bool cold)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "SET seal_rows = %d; CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT); "
             "INSERT INTO t SELECT x, "
             "x * 3, 'name ' || x FROM generate_series(1, %d) AS s(x)",
             cold ? 1 : 100 * ROWS, ROWS);
    return tuff_exec(conn, sql, NULL) == TUFF_OK;
}

/* Are there rows in that tier, and in no other? */
static bool lies_in(tuff_conn *conn, const char *tier)
{
    char sql[200];
    tuff_result *result;
    snprintf(sql, sizeof sql,
             "SELECT count(*), count(*) FILTER (WHERE tier = '%s') FROM pragma_volume_stats('t') "
             "WHERE \"rows\" > 0",
             tier);
    if (tuff_query(conn, sql, &result) != TUFF_OK || tuff_next(result) != TUFF_ROW)
        return false;
    int64_t parts = tuff_get_int64(result, 0), there = tuff_get_int64(result, 1);
    tuff_result_close(result);
    return parts > 0 && parts == there;
}

/* What callgrind looks at; gives the allocations, or UINT64_MAX when a row was wrong. */
static __attribute__((noinline)) uint64_t read_counted(tuff_stmt *stmt, bool text)
{
    uint64_t before = atomic_load(&allocations);
    bool right = read_rows(stmt, text, 1, READS);
    return right ? atomic_load(&allocations) - before : UINT64_MAX;
}

static bool read_and_count(tuff_conn *conn, bool text)
{
    tuff_stmt *stmt;
    const char *sql = text ? "SELECT b FROM t WHERE id = ?" : "SELECT a FROM t WHERE id = ?";
    if (tuff_prepare(conn, sql, -1, &stmt, NULL) != TUFF_OK || !read_rows(stmt, text, 0, WARM))
        return false;
    uint64_t made = read_counted(stmt, text);
    tuff_finalize(stmt);
    if (made && made != UINT64_MAX)
        fprintf(stderr, "%d reads allocate %llu times\n", READS, (unsigned long long)made);
    return made == 0;
}

static int fail(const char *what, tuff_conn *conn)
{
    fprintf(stderr, "%s: %s\n", what, conn ? tuff_conn_error(conn)->message : "");
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return fail("cost-read hot|cold number|text FILE", NULL);
    bool cold = strcmp(argv[1], "cold") == 0, text = strcmp(argv[2], "text") == 0;
    const tuff_allocator allocator = {count_allocate, count_reallocate, count_release, NULL};
    tuff_runtime_options options = {.struct_size = sizeof options, .allocator = &allocator};
    tuff_runtime *runtime;
    tuff_db *db;
    tuff_conn *conn;
    if (tuff_runtime_create(&options, &runtime) || tuff_open_in(runtime, argv[3], &db) ||
        tuff_connect(db, &conn))
        return fail("open", NULL);
    if (!fill(conn, cold))
        return fail("fill", conn);
    if (cold) {
        if (tuff_exec(conn, "CHECKPOINT", NULL))
            return fail("seal", conn);
        tuff_disconnect(conn);
        if (tuff_close(db) || tuff_open_in(runtime, argv[3], &db) || tuff_connect(db, &conn))
            return fail("open again", NULL);
    }
    if (!lies_in(conn, argv[1]))
        return fail("the rows lie elsewhere", conn);
    if (!read_and_count(conn, text))
        return fail("read", conn);
    tuff_disconnect(conn);
    if (tuff_close(db) || tuff_runtime_destroy(runtime))
        return fail("close", NULL);
    printf("%d\n", READS);
    return 0;
}
