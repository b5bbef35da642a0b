/*
 * fault_memory.c - every statement with every allocation failing in turn.
 *
 * A runtime gets an allocator that refuses its Nth call, for N = 1, 2, 3 ... until the statement
 * succeeds. Each failure must be TUFF_OUT_OF_MEMORY, must leave no trace (the tables read as
 * before, the integrity check is content), and the connection must go on working. In the end the
 * allocator must have got back every byte. The second round refuses all calls from the Nth on,
 * as a host does that has really run out. Both rounds are run on a database in memory and on one
 * in a file, which is opened again afterwards with every allocation of the opening failing in turn.
 *
 * Usage: fault-memory FOLDER [STATEMENT NUMBER]; the folder is for the files.
 */
#include "sites.h"
#include "tuff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct failing_allocator {
    tuff_allocator allocator;
    uint64_t calls, fail_at; /* fail_at 0: never */
    bool persistent;
    int64_t bytes, blocks;
    site_set *sites;
} failing_allocator;

static bool SITE_FRAME refuses(failing_allocator *self)
{
    self->calls++;
    if (!self->fail_at)
        return false;
    bool fails = self->persistent ? self->calls >= self->fail_at : self->calls == self->fail_at;
    /* Places before the one that fails are looked at in some of the runs only: it takes time. */
    bool is_power = (self->fail_at & (self->fail_at - 1)) == 0;
    if (fails ? self->calls == self->fail_at : is_power)
        site_note(self->sites, 3, fails);
    return fails;
}

static void *SITE_FRAME fault_allocate(void *context, size_t size)
{
    failing_allocator *self = context;
    void *block = refuses(self) ? NULL : malloc(size);
    if (block) {
        self->bytes += (int64_t)size;
        self->blocks++;
    }
    return block;
}

static void *SITE_FRAME fault_reallocate(void *context, void *block, size_t old_size,
                                         size_t new_size)
{
    failing_allocator *self = context;
    void *moved = refuses(self) ? NULL : realloc(block, new_size);
    if (moved)
        self->bytes += (int64_t)new_size - (int64_t)old_size;
    return moved;
}

static void fault_release(void *context, void *block, size_t size)
{
    failing_allocator *self = context;
    self->bytes -= (int64_t)size;
    self->blocks--;
    free(block);
}

static const char *const setup[] = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c DECIMAL(12,2), d DATE)",
    "CREATE INDEX t_a ON t (a)",
    "CREATE UNIQUE INDEX t_b ON t (b)",
    "CREATE TABLE u (k INTEGER, name TEXT NOT NULL, CHECK (k > 0))",
    "INSERT INTO t SELECT i, i % 17, 'a text that is longer than inline ' || i, i * 1.25, "
    "DATE '2024-01-01' + CAST(i AS INTEGER) FROM generate_series(1, 300) AS g(i)",
    "INSERT INTO u SELECT i, 'name ' || (i % 5) FROM generate_series(1, 40) AS g(i)",
    "CREATE VIEW v AS SELECT a, count(*) AS n FROM t GROUP BY a",
};

static const char *const statements[] = {
    "SELECT * FROM t WHERE id = 7",
    "SELECT b FROM t WHERE b = 'a text that is longer than inline 9'",
    "SELECT upper(b), c * 2 + 1, CAST(a AS TEXT) FROM t WHERE a BETWEEN 3 AND 5",
    "SELECT count(*), sum(c), avg(a), min(b), max(d), stddev(a) FROM t",
    "SELECT a, count(*), string_agg(b, ',') FROM t GROUP BY a ORDER BY a",
    "SELECT a, count(DISTINCT c), median(c) FROM t GROUP BY a HAVING count(*) > 2",
    "SELECT DISTINCT a FROM t ORDER BY a DESC LIMIT 5",
    "SELECT t.id, u.name FROM t JOIN u ON u.k = t.a ORDER BY t.b LIMIT 20 OFFSET 3",
    "SELECT t.id, u.name FROM t LEFT JOIN u ON u.k = t.a AND u.name LIKE '%3' WHERE t.id < 50",
    "SELECT x.id FROM t x, t y WHERE x.a < y.a AND y.id < 4 AND x.id < 20",
    "SELECT id FROM t WHERE a IN (SELECT k FROM u WHERE name = 'name 2')",
    "SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.a)",
    "SELECT id, (SELECT max(name) FROM u WHERE u.k = t.a) FROM t WHERE id < 30",
    "SELECT id FROM t WHERE a > ALL (SELECT k FROM u WHERE k < 5)",
    "WITH q AS (SELECT a, sum(c) AS s FROM t GROUP BY a) SELECT q1.a FROM q q1, q q2 WHERE q1.s < "
    "q2.s",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 20) SELECT sum(n) "
    "FROM r",
    "SELECT a FROM t UNION SELECT k FROM u",
    "SELECT a FROM t INTERSECT SELECT k FROM u",
    "SELECT a FROM t EXCEPT SELECT k FROM u",
    "SELECT id, row_number() OVER (PARTITION BY a ORDER BY c), sum(c) OVER (PARTITION BY a ORDER "
    "BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM t",
    "SELECT id, lag(b, 1, 'none') OVER (ORDER BY id), rank() OVER (ORDER BY a) FROM t",
    "SELECT * FROM v WHERE n > 3 ORDER BY a",
    "SELECT CASE WHEN a > 5 THEN b WHEN a IS NULL THEN 'null' ELSE lower(b) END FROM t LIMIT 50",
    "SELECT coalesce(NULLIF(a, 3), id), substr(b, 3, 40) || '!' FROM t WHERE id % 7 = 0",
    "SELECT id FROM t WHERE a IN (1, 2, 3, 5, 8, 13, 21) AND b LIKE 'a text%1'",
    "VALUES (1, 'a far text in a VALUES list'), (2, 'another far text in the list')",
    "EXPLAIN SELECT t.id FROM t JOIN u ON u.k = t.a",
    "SELECT * FROM tuff_schema",
    "INSERT INTO t VALUES (1001, 1, 'a new text of a single row', 1.5, DATE '2024-02-29')",
    "INSERT INTO t (a, b) VALUES (1, 'first of two longer texts'), (2, 'second of two longer "
    "texts') "
    "RETURNING id, b",
    "INSERT INTO u SELECT a + 1, b FROM t WHERE id < 100",
    "INSERT OR REPLACE INTO t (id, a, b) VALUES (3, 30, 'a text in place of the third')",
    "INSERT OR IGNORE INTO t (id, a) VALUES (3, 31), (1002, 32)",
    "UPDATE t SET a = a + 1 WHERE id = 5",
    "UPDATE t SET b = b || ' and more of it', c = c + 1 WHERE a = 4 RETURNING id, b",
    "UPDATE t SET a = a * 2 WHERE id > 150",
    "UPDATE t SET id = id + 5000 WHERE id BETWEEN 10 AND 20",
    "UPDATE t SET a = u.k FROM u WHERE u.k = t.id",
    "DELETE FROM t WHERE id = 6",
    "DELETE FROM t WHERE a = 7 RETURNING b",
    "DELETE FROM u WHERE name IN (SELECT name FROM u GROUP BY name HAVING count(*) > 7)",
    "CREATE TABLE w (x INTEGER PRIMARY KEY, y TEXT UNIQUE, z DECIMAL(10,2) DEFAULT 1.5 CHECK (z > "
    "0))",
    "INSERT INTO w (x, y) VALUES (1, 'one'), (2, 'two')",
    "CREATE INDEX w_z ON w (z DESC, y)",
    "ALTER TABLE w ADD COLUMN extra TEXT DEFAULT 'a default text that is far'",
    "ALTER TABLE w RENAME COLUMN extra TO more",
    "SELECT * FROM w",
    "CREATE VIEW wv AS SELECT x, more FROM w",
    "SELECT * FROM wv",
    "DROP VIEW wv",
    "ALTER TABLE w DROP COLUMN more",
    "ALTER TABLE w RENAME TO w2",
    "DROP INDEX w_z",
    "CREATE TABLE copy AS SELECT a, b FROM t WHERE id < 50",
    "TRUNCATE TABLE copy",
    "DROP TABLE copy",
    "DROP TABLE w2",
    "ANALYZE",
    "CHECKPOINT",
    "UPDATE t SET c = c + 1 WHERE id % 3 = 0",
    "INSERT INTO t (id, b) SELECT id + 20000, b || ' again' FROM t WHERE id < 200",
    "SELECT a, count(*), min(b) FROM t GROUP BY a ORDER BY a",
    "CHECKPOINT",
    "DELETE FROM t WHERE id > 20100",
    "VACUUM",
};
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

typedef struct fault {
    failing_allocator memory;
    tuff_runtime *runtime;
    tuff_db *db;
    tuff_conn *conn;
    uint64_t failures;
    int bad;
    site_set sites;
} fault;

static void complain(fault *self, const char *sql, uint64_t n, const char *what)
{
    printf("FAILED: %s\n  at allocation %llu of: %s\n", what, (unsigned long long)n, sql);
    self->bad++;
}

/* FNV-1a over all rows of a query; 0: it failed. */
static uint64_t fingerprint_of(fault *self, const char *sql)
{
    tuff_result *result;
    if (tuff_query(self->conn, sql, &result) != TUFF_OK)
        return 0;
    uint64_t hash = 1469598103934665603u;
    tuff_status status;
    while ((status = tuff_next(result)) == TUFF_ROW)
        for (uint32_t i = 0; i < tuff_column_count(result); i++) {
            const char *text = tuff_get_text(result, i, NULL);
            for (text = text ? text : "\1NULL"; *text; text++)
                hash = (hash ^ (unsigned char)*text) * 1099511628211u;
            hash = (hash ^ '|') * 1099511628211u;
        }
    tuff_result_close(result);
    return status == TUFF_DONE ? hash : 0;
}

static uint64_t fingerprint(fault *self)
{
    uint64_t t = fingerprint_of(self, "SELECT * FROM t ORDER BY id");
    uint64_t u = fingerprint_of(self, "SELECT k, name FROM u ORDER BY k, name");
    uint64_t index = fingerprint_of(self, "SELECT a, id FROM t WHERE a >= 0 ORDER BY a, id");
    uint64_t schema = fingerprint_of(self, "SELECT name, sql FROM tuff_schema ORDER BY name");
    return t && u && index && schema ? t * 31 + u * 7 + index * 3 + schema : 0;
}

static bool integrity_is_good(fault *self)
{
    tuff_result *result;
    bool good = tuff_query(self->conn, "PRAGMA integrity_check", &result) == TUFF_OK &&
                tuff_next(result) == TUFF_ROW && strcmp(tuff_get_text(result, 0, NULL), "ok") == 0;
    tuff_result_close(result);
    return good;
}

/* Runs the statement to its end. */
static tuff_status run(fault *self, const char *sql)
{
    tuff_result *result;
    tuff_status status = tuff_query(self->conn, sql, &result);
    if (status != TUFF_OK)
        return status;
    while ((status = tuff_next(result)) == TUFF_ROW)
        ;
    tuff_result_close(result);
    return status == TUFF_DONE ? TUFF_OK : status;
}

static bool open_database(fault *self, const char *dsn)
{
    memset(&self->memory, 0, sizeof self->memory);
    self->memory.sites = &self->sites;
    self->memory.allocator =
        (tuff_allocator){fault_allocate, fault_reallocate, fault_release, &self->memory};
    tuff_runtime_options options = {
        .struct_size = sizeof options, .worker_count = 0, .allocator = &self->memory.allocator};
    if (tuff_runtime_create(&options, &self->runtime) != TUFF_OK ||
        tuff_open_in(self->runtime, dsn, &self->db) != TUFF_OK ||
        tuff_connect(self->db, &self->conn) != TUFF_OK)
        return false;
    for (size_t i = 0; i < COUNT_OF(setup); i++)
        if (run(self, setup[i]) != TUFF_OK) {
            printf("setup: %s: %s\n", setup[i], tuff_conn_error(self->conn)->message);
            return false;
        }
    return true;
}

static void try_statement(fault *self, const char *sql, bool persistent)
{
    uint64_t before = fingerprint(self);
    if (!before)
        complain(self, sql, 0, "the tables cannot be read beforehand");
    for (uint64_t n = 1; n < 100000 && self->bad < 20; n++) {
        self->memory.calls = 0;
        self->memory.fail_at = n;
        self->memory.persistent = persistent;
        tuff_status status = run(self, sql);
        bool was_reached = self->memory.calls >= n;
        self->memory.fail_at = 0;
        if (status == TUFF_OK)
            return;
        self->failures++;
        if (status != TUFF_OUT_OF_MEMORY) {
            printf("%s: %s\n", tuff_status_name(status), tuff_conn_error(self->conn)->message);
            complain(self, sql, n, "another answer than out of memory");
            return;
        }
        if (!was_reached) {
            complain(self, sql, n, "out of memory without a refused allocation");
            return;
        }
        /* Reading everything each time would take minutes; early and late places tell most. */
        if (n <= 8 || n % 16 == 0) {
            if (fingerprint(self) != before) {
                complain(self, sql, n, "the failed statement left a trace");
                return;
            }
            if (!integrity_is_good(self)) {
                complain(self, sql, n, "the integrity check found something");
                return;
            }
        }
    }
    complain(self, sql, 0, "never succeeded");
}

/* Closes the file and opens it again, which fails at each allocation first. */
static void reopen(fault *self, const char *dsn, bool persistent)
{
    uint64_t before = fingerprint(self);
    tuff_disconnect(self->conn);
    self->conn = NULL;
    if (tuff_close(self->db) != TUFF_OK)
        complain(self, "close", 0, "the database did not close");
    for (uint64_t n = 1;; n++) {
        self->db = NULL;
        self->memory.calls = 0;
        self->memory.fail_at = n;
        self->memory.persistent = persistent;
        tuff_status status = tuff_open_in(self->runtime, dsn, &self->db);
        if (status == TUFF_OK)
            status = tuff_connect(self->db, &self->conn);
        self->memory.fail_at = 0;
        if (status == TUFF_OK)
            break;
        self->failures++;
        if (status != TUFF_OUT_OF_MEMORY) {
            complain(self, "open", n, tuff_status_name(status));
            return;
        }
        if (self->db && tuff_close(self->db) != TUFF_OK)
            complain(self, "open", n, "the failed handle did not close");
    }
    if (fingerprint(self) != before)
        complain(self, "open", 0, "the tables have changed");
    if (!integrity_is_good(self))
        complain(self, "open", 0, "the integrity check found something");
}

/* All statements on one database. Returns how many were tried. */
static int run_round(fault *self, const char *dsn, bool is_file, bool persistent, size_t only)
{
    int tried = 0;
    if (!open_database(self, dsn)) {
        complain(self, dsn, 0, "the database cannot be made");
        return 1;
    }
    for (size_t i = 0; i < COUNT_OF(statements) && self->bad < 20; i++) {
        if (only && i + 1 != only) {
            (void)run(self, statements[i]);
            continue;
        }
        try_statement(self, statements[i], persistent);
        tried++;
    }
    if (is_file && !self->bad)
        reopen(self, dsn, persistent);
    tuff_disconnect(self->conn);
    if (tuff_close(self->db) != TUFF_OK || tuff_runtime_destroy(self->runtime) != TUFF_OK)
        complain(self, "close", 0, "the database did not close");
    if (self->memory.bytes != 0 || self->memory.blocks != 0) {
        printf("%lld bytes in %lld blocks were not returned\n", (long long)self->memory.bytes,
               (long long)self->memory.blocks);
        complain(self, "close", 0, "memory was lost");
    }
    return tried;
}

int main(int argc, char **argv)
{
    static fault self;
    const char *folder = argc > 1 ? argv[1] : ".";
    size_t only = argc > 2 ? (size_t)atoi(argv[2]) : 0; /* from 1 */
    int tried = 0;
    for (int round = 0; round < 4 && !self.bad; round++) {
        bool is_file = round >= 2, persistent = round & 1;
        char dsn[1024], log[1056];
        snprintf(dsn, sizeof dsn, is_file ? "%s/fault-memory.tuff" : "memory://", folder);
        snprintf(log, sizeof log, "%s-wal", dsn);
        if (is_file) {
            (void)remove(dsn);
            (void)remove(log);
        }
        tried += run_round(&self, dsn, is_file, persistent, only);
        if (is_file && !self.bad) {
            (void)remove(dsn);
            (void)remove(log);
        }
    }
    printf("%llu allocations refused\n", (unsigned long long)self.failures);
    site_print("places that allocate", &self.sites);
    printf("%d passed, %d failed, 0 skipped\n", tried - self.bad, self.bad);
    return self.bad != 0;
}
