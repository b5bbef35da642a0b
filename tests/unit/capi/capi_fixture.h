/*
 * capi_fixture.h - what the tests of the public interface share: a database in memory with one
 * connection, and an allocator that counts what is outstanding and can be told to fail.
 */
#ifndef TESTS_CAPI_FIXTURE_H
#define TESTS_CAPI_FIXTURE_H

#include "unit/unit.h"
#include "tuff.h"

/* ---- A runtime of the test's own ---- */

typedef struct counting {
    tuff_allocator allocator;
    _Atomic(int64_t) outstanding;
    _Atomic(uint64_t) calls;
    uint64_t fail_at; /* 0: never */
} counting;

static inline bool refuses(counting *self)
{
    uint64_t call = atomic_fetch_add(&self->calls, 1) + 1;
    return self->fail_at && call == self->fail_at;
}
static inline void *count_allocate(void *context, size_t size)
{
    counting *self = context;
    void *block = refuses(self) ? NULL : malloc(size);
    if (block)
        atomic_fetch_add(&self->outstanding, (int64_t)size);
    return block;
}
static inline void *count_reallocate(void *context, void *block, size_t old_size, size_t new_size)
{
    counting *self = context;
    void *grown = refuses(self) ? NULL : realloc(block, new_size);
    if (grown)
        atomic_fetch_add(&self->outstanding, (int64_t)new_size - (int64_t)old_size);
    return grown;
}
static inline void count_release(void *context, void *block, size_t size)
{
    counting *self = context;
    atomic_fetch_sub(&self->outstanding, (int64_t)size);
    free(block);
}
static inline void counting_init(counting *self)
{
    *self = (counting){.allocator = {count_allocate, count_reallocate, count_release, self}};
}

typedef struct fixture {
    tuff_db *db;
    tuff_conn *conn;
} fixture;

static inline int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (tuff_open("memory://", &f->db) != TUFF_OK || tuff_connect(f->db, &f->conn) != TUFF_OK)
        return -1;
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    fixture *f = *state;
    tuff_disconnect(f->conn);
    int failed = tuff_close(f->db) != TUFF_OK;
    free(f);
    return failed;
}

static inline void run(tuff_conn *conn, const char *sql)
{
    tuff_status status = tuff_exec(conn, sql, NULL);
    if (status != TUFF_OK)
        fail_msg("%s\n  %s: %s", sql, tuff_status_name(status), tuff_conn_error(conn)->message);
}

static inline void expect_error(tuff_conn *conn, const char *sql, tuff_status expected)
{
    tuff_status status = tuff_exec(conn, sql, NULL);
    if (status != expected)
        fail_msg("%s\n  answered %s, expected %s", sql, tuff_status_name(status),
                 tuff_status_name(expected));
    assert_int_equal(tuff_conn_error(conn)->status, expected);
}

static inline int64_t one_integer(tuff_conn *conn, const char *sql)
{
    tuff_result *result;
    if (tuff_query(conn, sql, &result) != TUFF_OK)
        fail_msg("%s: %s", sql, tuff_conn_error(conn)->message);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    int64_t value = tuff_get_int64(result, 0);
    tuff_result_close(result);
    return value;
}

#endif
