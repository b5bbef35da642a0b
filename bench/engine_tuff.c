/*
 * engine_tuff.c - Tuff, linked, through its public interface.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tuff.h"

typedef struct tuff_state {
    tuff_db *db;
    tuff_conn *conn;
} tuff_state;

static tuff_state the_state;

static bool failed(bench_engine *engine)
{
    const tuff_error *error = tuff_conn_error(the_state.conn);
    return bench_problem(engine, "%s", error->message);
}

static bool load(bench_engine *engine)
{
    (void)snprintf(engine->version, sizeof engine->version, "%s", tuff_version());
    engine->state = &the_state;
    return true;
}

static bool open_database(bench_engine *engine, const char *path)
{
    if (tuff_open(path ? path : "memory://", &the_state.db) != TUFF_OK)
        return bench_problem(engine, "%s", tuff_db_error(the_state.db)->message);
    if (tuff_connect(the_state.db, &the_state.conn) != TUFF_OK)
        return bench_problem(engine, "%s", tuff_db_error(the_state.db)->message);
    return true;
}

static void close_database(bench_engine *engine)
{
    tuff_disconnect(the_state.conn);
    (void)tuff_close(the_state.db);
    the_state = (tuff_state){NULL, NULL};
}

static bool exec(bench_engine *engine, const char *sql)
{
    return tuff_exec(the_state.conn, sql, NULL) == TUFF_OK || failed(engine);
}

static void *prepare(bench_engine *engine, const char *sql)
{
    tuff_stmt *statement = NULL;
    if (tuff_prepare(the_state.conn, sql, -1, &statement, NULL) != TUFF_OK)
        (void)failed(engine);
    return statement;
}

static void bind(tuff_stmt *statement, uint32_t index, const bench_value *value)
{
    switch (value->kind) {
    case BENCH_INTEGER:
        (void)tuff_bind_int64(statement, index, value->integer);
        break;
    case BENCH_REAL:
        (void)tuff_bind_double(statement, index, value->real);
        break;
    case BENCH_TEXT:
        (void)tuff_bind_text(statement, index, value->text, (int64_t)value->length);
        break;
    case BENCH_BOOLEAN:
        (void)tuff_bind_bool(statement, index, value->integer != 0);
        break;
    default:
        (void)tuff_bind_null(statement, index);
        break;
    }
}

static void read_cell(tuff_result *result, uint32_t column, tuff_type type, bench_sink *sink)
{
    size_t length;
    const char *text;
    if (tuff_is_null(result, column)) {
        bench_sink_null(sink);
        return;
    }
    switch (type) {
    case TUFF_TYPE_BOOLEAN:
    case TUFF_TYPE_TINYINT:
    case TUFF_TYPE_SMALLINT:
    case TUFF_TYPE_INT4:
    case TUFF_TYPE_INTEGER:
        bench_sink_integer(sink, tuff_get_int64(result, column));
        break;
    case TUFF_TYPE_FLOAT4:
    case TUFF_TYPE_FLOAT:
        bench_sink_real(sink, tuff_get_double(result, column));
        break;
    case TUFF_TYPE_TEXT: /* in place: no copy for a terminator */
        text = tuff_get_blob(result, column, &length);
        bench_sink_text(sink, text, length);
        break;
    default:
        text = tuff_get_text(result, column, &length);
        bench_sink_text(sink, text ? text : "", text ? length : 0);
        break;
    }
}

static bool run(bench_engine *engine, void *statement, const bench_value *values, uint32_t count,
                bench_sink *sink)
{
    tuff_result *result;
    for (uint32_t i = 0; i < count; i++)
        bind(statement, i + 1, &values[i]);
    if (tuff_execute(statement, &result) != TUFF_OK)
        return failed(engine);
    uint32_t columns = tuff_column_count(result);
    tuff_type types[64];
    for (uint32_t i = 0; i < columns && i < 64; i++)
        types[i] = tuff_column_type(result, i);
    tuff_status status;
    while ((status = tuff_next(result)) == TUFF_ROW) {
        for (uint32_t i = 0; i < columns && i < 64; i++)
            read_cell(result, i, types[i], sink);
        bench_sink_end_row(sink);
    }
    bool good = status == TUFF_DONE || failed(engine);
    tuff_reset(statement);
    return good;
}

static void finalize(bench_engine *engine, void *statement)
{
    tuff_finalize(statement);
}

static bool append(bench_engine *engine, const char *table, uint32_t columns, uint64_t rows,
                   bench_row row, void *context)
{
    tuff_appender *appender;
    bench_value values[64];
    if (tuff_appender_create(the_state.conn, table, &appender) != TUFF_OK)
        return failed(engine);
    tuff_status status = TUFF_OK;
    for (uint64_t r = 0; r < rows && status == TUFF_OK; r++) {
        row(context, r, values);
        for (uint32_t c = 0; c < columns && status == TUFF_OK; c++) {
            const bench_value *value = &values[c];
            status = value->kind == BENCH_INTEGER ? tuff_append_int64(appender, value->integer)
                     : value->kind == BENCH_REAL  ? tuff_append_double(appender, value->real)
                     : value->kind == BENCH_BOOLEAN
                         ? tuff_append_bool(appender, value->integer != 0)
                     : value->kind == BENCH_TEXT
                         ? tuff_append_text(appender, value->text, (int64_t)value->length)
                         : tuff_append_null(appender);
        }
        if (status == TUFF_OK)
            status = tuff_append_end_row(appender);
    }
    if (status != TUFF_OK) {
        (void)failed(engine);
        (void)tuff_appender_close(appender, false);
        return false;
    }
    return tuff_appender_close(appender, true) == TUFF_OK || failed(engine);
}

static bool copy(bench_engine *engine, const char *table, const char *path)
{
    char sql[1024];
    (void)snprintf(sql, sizeof sql, "COPY %s FROM '%s' (FORMAT csv, DELIMITER '|', HEADER false)",
                   table, path);
    return exec(engine, sql);
}

bench_engine bench_engine_tuff = {.name = "Tuff",
                                  .load = load,
                                  .open = open_database,
                                  .close = close_database,
                                  .exec = exec,
                                  .prepare = prepare,
                                  .run = run,
                                  .finalize = finalize,
                                  .append = append,
                                  .copy = copy};
