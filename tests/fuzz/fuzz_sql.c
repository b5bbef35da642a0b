/*
 * fuzz_sql.c - any bytes as a script, run on a small database in memory: no crash, no hang, no
 * byte lost. What runs long is interrupted; files are out of reach.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tuff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int stop_when_long(void *context, double fraction, uint64_t rows)
{
    const clock_t *start = context;
    (void)fraction;
    (void)rows;
    return clock() - *start > CLOCKS_PER_SEC;
}

static const char setup[] =
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c DECIMAL(10,2), d DATE, e FLOAT, f BOOLEAN);"
    "INSERT INTO t VALUES (1,'one',1.5,'2024-01-31',2.5,TRUE),(2,NULL,NULL,NULL,NULL,NULL),"
    "(3,'three is a longer text',-7,'1999-12-31',-0.5,FALSE);"
    "CREATE TABLE u (a INTEGER, x TEXT UNIQUE, y INTEGER DEFAULT 5 CHECK (y > 0));"
    "INSERT INTO u (a, x) VALUES (1,'p'),(3,'q'),(NULL,NULL); CREATE INDEX i ON u (a DESC, y);"
    "CREATE VIEW v AS SELECT t.a, u.x FROM t LEFT JOIN u ON t.a = u.a;"
    "SET external_access = off; SET memory_limit = '64MB'; SET threads = 1";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tuff_db *db;
    tuff_conn *conn;
    char *sql = malloc(size + 1);
    if (!sql)
        return 0;
    memcpy(sql, data, size);
    sql[size] = '\0';
    if (tuff_open("memory://?memory_limit=256M", &db) != TUFF_OK ||
        tuff_connect(db, &conn) != TUFF_OK || tuff_exec(conn, setup, NULL) != TUFF_OK)
        abort();
    clock_t start = clock();
    tuff_set_progress(conn, stop_when_long, &start);
    const char *rest = sql;
    while (*rest && clock() - start < CLOCKS_PER_SEC) {
        tuff_stmt *stmt;
        tuff_result *result;
        const char *before = rest;
        tuff_status status = tuff_prepare(conn, rest, -1, &stmt, &rest);
        if (rest == before)
            abort();
        if (status == TUFF_OK && stmt) {
            for (uint32_t i = 1; i <= tuff_parameter_count(stmt); i++)
                (void)tuff_bind_int64(stmt, i, (int64_t)i);
            status = tuff_execute(stmt, &result);
            uint32_t rows = 0;
            while (status == TUFF_OK && tuff_next(result) == TUFF_ROW && rows++ < 1000) {
                for (uint32_t i = 0; i < tuff_column_count(result); i++)
                    (void)tuff_get_text(result, i, NULL);
            }
            tuff_finalize(stmt);
        }
        if (status == TUFF_INTERNAL || status == TUFF_CORRUPT)
            abort();
    }
    free(sql);
    tuff_disconnect(conn);
    if (tuff_close(db) != TUFF_OK)
        abort();
    return 0;
}
