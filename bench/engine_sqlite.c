/*
 * engine_sqlite.c - SQLite, from Debian's libsqlite3.so.0.
 *
 * Only the functions used are declared here; their types are those of sqlite3.h.
 */
#include "bench.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

/* X(name, result, arguments) */
#define FUNCTIONS(X)                                                                               \
    X(libversion, const char *, (void))                                                            \
    X(open_v2, int, (const char *, sqlite3 **, int, const char *))                                 \
    X(close, int, (sqlite3 *))                                                                     \
    X(exec, int,                                                                                   \
      (sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **))          \
    X(errmsg, const char *, (sqlite3 *))                                                           \
    X(prepare_v2, int, (sqlite3 *, const char *, int, sqlite3_stmt **, const char **))             \
    X(step, int, (sqlite3_stmt *))                                                                 \
    X(reset, int, (sqlite3_stmt *))                                                                \
    X(finalize, int, (sqlite3_stmt *))                                                             \
    X(bind_int64, int, (sqlite3_stmt *, int, long long))                                           \
    X(bind_double, int, (sqlite3_stmt *, int, double))                                             \
    X(bind_text, int, (sqlite3_stmt *, int, const char *, int, void (*)(void *)))                  \
    X(bind_null, int, (sqlite3_stmt *, int))                                                       \
    X(column_count, int, (sqlite3_stmt *))                                                         \
    X(column_type, int, (sqlite3_stmt *, int))                                                     \
    X(column_int64, long long, (sqlite3_stmt *, int))                                              \
    X(column_double, double, (sqlite3_stmt *, int))                                                \
    X(column_text, const unsigned char *, (sqlite3_stmt *, int))                                   \
    X(column_bytes, int, (sqlite3_stmt *, int))

static struct {
#define MEMBER(name, result, arguments) result(*name) arguments;
    FUNCTIONS(MEMBER)
#undef MEMBER
    sqlite3 *db;
} lite;

enum {
    ROW = 100,
    DONE = 101,
    OPEN_READWRITE_CREATE_NOMUTEX = 2 | 4 | 0x8000,
    TYPE_INTEGER = 1,
    TYPE_FLOAT = 2,
    TYPE_TEXT = 3,
};

static bool failed(bench_engine *engine)
{
    return bench_problem(engine, "%s", lite.errmsg(lite.db));
}

static bool load(bench_engine *engine)
{
    static const char *const names[] = {"libsqlite3.so.0", NULL};
    void *library = bench_library(engine, names);
    if (!library)
        return false;
#define RESOLVE(name, result, arguments)                                                           \
    *(void **)&lite.name = dlsym(library, "sqlite3_" #name);                                       \
    if (!lite.name)                                                                                \
        return bench_problem(engine, "no sqlite3_%s in the library", #name);
    FUNCTIONS(RESOLVE)
#undef RESOLVE
    (void)snprintf(engine->version, sizeof engine->version, "%s", lite.libversion());
    return true;
}

static bool exec(bench_engine *engine, const char *sql)
{
    return lite.exec(lite.db, sql, NULL, NULL, NULL) == 0 || failed(engine);
}

static bool open_database(bench_engine *engine, const char *path)
{
    if (lite.open_v2(path ? path : ":memory:", &lite.db, OPEN_READWRITE_CREATE_NOMUTEX, NULL) != 0)
        return failed(engine);
    if (path && !exec(engine, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"))
        return false;
    return exec(engine, "PRAGMA cache_size=-524288; PRAGMA temp_store=MEMORY;");
}

static void close_database(bench_engine *engine)
{
    (void)lite.close(lite.db);
    lite.db = NULL;
}

static void *prepare(bench_engine *engine, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (lite.prepare_v2(lite.db, sql, -1, &statement, NULL) != 0)
        (void)failed(engine);
    return statement;
}

static void bind(sqlite3_stmt *statement, int index, const bench_value *value)
{
    switch (value->kind) {
    case BENCH_INTEGER:
    case BENCH_BOOLEAN:
        (void)lite.bind_int64(statement, index, value->integer);
        break;
    case BENCH_REAL:
        (void)lite.bind_double(statement, index, value->real);
        break;
    case BENCH_TEXT: /* static: it outlives the step */
        (void)lite.bind_text(statement, index, value->text, (int)value->length, NULL);
        break;
    default:
        (void)lite.bind_null(statement, index);
        break;
    }
}

static bool run(bench_engine *engine, void *statement, const bench_value *values, uint32_t count,
                bench_sink *sink)
{
    for (uint32_t i = 0; i < count; i++)
        bind(statement, (int)i + 1, &values[i]);
    int columns = lite.column_count(statement), status;
    while ((status = lite.step(statement)) == ROW) {
        for (int i = 0; i < columns; i++) {
            switch (lite.column_type(statement, i)) {
            case TYPE_INTEGER:
                bench_sink_integer(sink, lite.column_int64(statement, i));
                break;
            case TYPE_FLOAT:
                bench_sink_real(sink, lite.column_double(statement, i));
                break;
            case TYPE_TEXT: {
                const char *text = (const char *)lite.column_text(statement, i);
                bench_sink_text(sink, text, (size_t)lite.column_bytes(statement, i));
                break;
            }
            default:
                bench_sink_null(sink);
                break;
            }
        }
        bench_sink_end_row(sink);
    }
    (void)lite.reset(statement);
    return status == DONE || failed(engine);
}

static void finalize(bench_engine *engine, void *statement)
{
    (void)lite.finalize(statement);
}

static void *prepare_insert(bench_engine *engine, const char *table, uint32_t columns)
{
    char sql[512];
    int length = snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (?", table);
    for (uint32_t i = 1; i < columns; i++)
        length += snprintf(sql + length, sizeof sql - (size_t)length, ", ?");
    (void)snprintf(sql + length, sizeof sql - (size_t)length, ")");
    return prepare(engine, sql);
}

static bool append(bench_engine *engine, const char *table, uint32_t columns, uint64_t rows,
                   bench_row row, void *context)
{
    bench_value values[64];
    void *statement = prepare_insert(engine, table, columns);
    bool good = statement && exec(engine, "BEGIN");
    for (uint64_t r = 0; good && r < rows; r++) {
        row(context, r, values);
        for (uint32_t i = 0; i < columns; i++)
            bind(statement, (int)i + 1, &values[i]);
        good = lite.step(statement) == DONE || failed(engine);
        (void)lite.reset(statement);
    }
    if (statement)
        finalize(engine, statement);
    return exec(engine, good ? "COMMIT" : "ROLLBACK") && good;
}

static bool copy_line(bench_engine *engine, void *statement, char *line)
{
    int index = 1;
    for (char *field = line; field; index++) {
        char *end = strpbrk(field, "|\n");
        int length = end ? (int)(end - field) : (int)strlen(field);
        (void)lite.bind_text(statement, index, field, length, NULL);
        field = end && *end == '|' && end[1] != '\n' && end[1] != '\0' ? end + 1 : NULL;
    }
    bool good = lite.step(statement) == DONE || failed(engine);
    (void)lite.reset(statement);
    return good;
}

static bool copy(bench_engine *engine, const char *table, const char *path)
{
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return bench_problem(engine, "cannot open %s", path);
    void *statement = NULL;
    bool good = exec(engine, "BEGIN");
    while (good && getline(&line, &size, file) > 0) {
        if (!statement) {
            uint32_t columns = 1;
            for (const char *c = line; *c; c++)
                columns += *c == '|' && c[1] != '\n';
            statement = prepare_insert(engine, table, columns);
        }
        good = statement && copy_line(engine, statement, line);
    }
    if (statement)
        finalize(engine, statement);
    free(line);
    (void)fclose(file);
    return exec(engine, good ? "COMMIT" : "ROLLBACK") && good;
}

bench_engine bench_engine_sqlite = {.name = "SQLite",
                                    .load = load,
                                    .open = open_database,
                                    .close = close_database,
                                    .exec = exec,
                                    .prepare = prepare,
                                    .run = run,
                                    .finalize = finalize,
                                    .append = append,
                                    .copy = copy};
