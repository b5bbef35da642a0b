/*
 * engine_stoolap.c - Stoolap, from the npm package @stoolap/lib-linux-x64-gnu.
 */
#include "bench.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct stoolap_value {
    int32_t type, padding;
    union {
        int64_t integer;
        double real;
        int32_t boolean;
        struct {
            const char *data;
            int64_t length;
        } text;
    } v;
} stoolap_value;

/* X(name, result, arguments) */
#define FUNCTIONS(X)                                                                               \
    X(version, const char *, (void))                                                               \
    X(open, int, (const char *, void **))                                                          \
    X(open_in_memory, int, (void **))                                                              \
    X(close, int, (void *))                                                                        \
    X(errmsg, const char *, (const void *))                                                        \
    X(exec, int, (void *, const char *, int64_t *))                                                \
    X(prepare, int, (void *, const char *, void **))                                               \
    X(stmt_query, int, (void *, const stoolap_value *, int, void **))                              \
    X(stmt_exec, int, (void *, const stoolap_value *, int, int64_t *))                             \
    X(stmt_exec_batch, int, (void *, const void *, const stoolap_value *, int, int, int64_t *))    \
    X(stmt_finalize, void, (void *))                                                               \
    X(stmt_errmsg, const char *, (const void *))                                                   \
    X(rows_next, int, (void *))                                                                    \
    X(rows_column_count, int, (const void *))                                                      \
    X(rows_column_type, int, (const void *, int))                                                  \
    X(rows_column_int64, int64_t, (const void *, int))                                             \
    X(rows_column_double, double, (const void *, int))                                             \
    X(rows_column_bool, int, (const void *, int))                                                  \
    X(rows_column_text, const char *, (void *, int, int64_t *))                                    \
    X(rows_close, void, (void *))

static struct {
#define MEMBER(name, result, arguments) result(*name) arguments;
    FUNCTIONS(MEMBER)
#undef MEMBER
    void *db;
} stool;

enum {
    ROW = 100,
    DONE = 101,
    TYPE_NULL = 0,
    TYPE_INTEGER = 1,
    TYPE_FLOAT = 2,
    TYPE_TEXT = 3,
    TYPE_BOOLEAN = 4,
    BATCH = 1000,
};

static bool failed(bench_engine *engine)
{
    return bench_problem(engine, "%s", stool.errmsg(stool.db));
}

static bool load(bench_engine *engine)
{
    static const char *const names[] = {"libstoolap.so", NULL};
    void *library = bench_library(engine, names);
    if (!library)
        return false;
#define RESOLVE(name, result, arguments)                                                           \
    *(void **)&stool.name = dlsym(library, "stoolap_" #name);                                      \
    if (!stool.name)                                                                               \
        return bench_problem(engine, "no stoolap_%s in the library", #name);
    FUNCTIONS(RESOLVE)
#undef RESOLVE
    (void)snprintf(engine->version, sizeof engine->version, "%s", stool.version());
    return true;
}

static bool open_database(bench_engine *engine, const char *path)
{
    char dsn[1024];
    (void)snprintf(dsn, sizeof dsn, "file://%s?sync_mode=full", path ? path : "");
    return (path ? stool.open(dsn, &stool.db) : stool.open_in_memory(&stool.db)) == 0 ||
           failed(engine);
}

static void close_database(bench_engine *engine)
{
    (void)stool.close(stool.db);
    stool.db = NULL;
}

static bool exec(bench_engine *engine, const char *sql)
{
    return stool.exec(stool.db, sql, NULL) == 0 || failed(engine);
}

static void *prepare(bench_engine *engine, const char *sql)
{
    void *statement = NULL;
    if (stool.prepare(stool.db, sql, &statement) != 0)
        (void)failed(engine);
    return statement;
}

static stoolap_value value_of(const bench_value *value)
{
    stoolap_value out = {.type = TYPE_NULL};
    switch (value->kind) {
    case BENCH_INTEGER:
        out.type = TYPE_INTEGER;
        out.v.integer = value->integer;
        break;
    case BENCH_REAL:
        out.type = TYPE_FLOAT;
        out.v.real = value->real;
        break;
    case BENCH_TEXT:
        out.type = TYPE_TEXT;
        out.v.text.data = value->text;
        out.v.text.length = (int64_t)value->length;
        break;
    case BENCH_BOOLEAN:
        out.type = TYPE_BOOLEAN;
        out.v.boolean = value->integer != 0;
        break;
    default:
        break;
    }
    return out;
}

static void read_cell(void *rows, int column, bench_sink *sink)
{
    int64_t length;
    const char *text;
    switch (stool.rows_column_type(rows, column)) {
    case TYPE_NULL:
        bench_sink_null(sink);
        break;
    case TYPE_INTEGER:
        bench_sink_integer(sink, stool.rows_column_int64(rows, column));
        break;
    case TYPE_FLOAT:
        bench_sink_real(sink, stool.rows_column_double(rows, column));
        break;
    case TYPE_BOOLEAN:
        bench_sink_integer(sink, stool.rows_column_bool(rows, column) != 0);
        break;
    default:
        text = stool.rows_column_text(rows, column, &length);
        bench_sink_text(sink, text ? text : "", text ? (size_t)length : 0);
        break;
    }
}

static bool run(bench_engine *engine, void *statement, const bench_value *values, uint32_t count,
                bench_sink *sink)
{
    stoolap_value parameters[16];
    void *rows = NULL;
    for (uint32_t i = 0; i < count; i++)
        parameters[i] = value_of(&values[i]);
    if (stool.stmt_query(statement, parameters, (int)count, &rows) != 0)
        return bench_problem(engine, "%s", stool.stmt_errmsg(statement));
    int columns = stool.rows_column_count(rows), status;
    while ((status = stool.rows_next(rows)) == ROW) {
        for (int i = 0; i < columns; i++)
            read_cell(rows, i, sink);
        bench_sink_end_row(sink);
    }
    stool.rows_close(rows);
    return status == DONE || bench_problem(engine, "the result ended with an error");
}

static void finalize(bench_engine *engine, void *statement)
{
    stool.stmt_finalize(statement);
}

/* Batches: the texts of a batch must live until it is sent, so they are copied. */
static bool append(bench_engine *engine, const char *table, uint32_t columns, uint64_t rows,
                   bench_row row, void *context)
{
    char sql[512];
    bench_value values[64];
    int length = snprintf(sql, sizeof sql, "INSERT INTO %s VALUES ($1", table);
    for (uint32_t i = 2; i <= columns; i++)
        length += snprintf(sql + length, sizeof sql - (size_t)length, ", $%u", i);
    (void)snprintf(sql + length, sizeof sql - (size_t)length, ")");
    void *statement = prepare(engine, sql);
    stoolap_value *batch = calloc((size_t)BATCH * columns, sizeof *batch);
    char *texts = malloc((size_t)BATCH * columns * 64);
    bool good = statement && batch && texts;
    for (uint64_t r = 0; good && r < rows;) {
        int count = 0;
        size_t used = 0;
        for (; count < BATCH && r < rows; count++, r++) {
            row(context, r, values);
            for (uint32_t i = 0; i < columns; i++) {
                stoolap_value *cell = &batch[(size_t)count * columns + i];
                *cell = value_of(&values[i]);
                if (cell->type == TYPE_TEXT && values[i].length <= 64) {
                    memcpy(texts + used, values[i].text, values[i].length);
                    cell->v.text.data = texts + used;
                    used += values[i].length;
                }
            }
        }
        int64_t total;
        good =
            stool.stmt_exec_batch(stool.db, statement, batch, (int)columns, count, &total) == 0 ||
            failed(engine);
    }
    free(batch);
    free(texts);
    if (statement)
        finalize(engine, statement);
    return good;
}

bench_engine bench_engine_stoolap = {.name = "Stoolap",
                                     .load = load,
                                     .open = open_database,
                                     .close = close_database,
                                     .exec = exec,
                                     .prepare = prepare,
                                     .run = run,
                                     .finalize = finalize,
                                     .append = append};
