/*
 * engine_duckdb.c - DuckDB, from the npm package @duckdb/node-bindings-linux-x64.
 *
 * Results are read by chunk, which is DuckDB's fastest way out.
 */
#include "bench.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct duckdb_result {
    uint64_t column_count, row_count, rows_changed;
    void *columns;
    char *error;
    void *internal;
} duckdb_result;

/* Up to 12 bytes stand where prefix and pointer are. */
typedef struct duckdb_string {
    uint32_t length;
    char prefix[4];
    const char *pointer;
} duckdb_string;

/* X(name, result, arguments) */
#define FUNCTIONS(X)                                                                               \
    X(library_version, const char *, (void))                                                       \
    X(open, int, (const char *, void **))                                                          \
    X(close, void, (void **))                                                                      \
    X(connect, int, (void *, void **))                                                             \
    X(disconnect, void, (void **))                                                                 \
    X(query, int, (void *, const char *, duckdb_result *))                                         \
    X(destroy_result, void, (duckdb_result *))                                                     \
    X(result_error, const char *, (duckdb_result *))                                               \
    X(prepare, int, (void *, const char *, void **))                                               \
    X(prepare_error, const char *, (void *))                                                       \
    X(destroy_prepare, void, (void **))                                                            \
    X(bind_int64, int, (void *, uint64_t, int64_t))                                                \
    X(bind_double, int, (void *, uint64_t, double))                                                \
    X(bind_boolean, int, (void *, uint64_t, bool))                                                 \
    X(bind_varchar_length, int, (void *, uint64_t, const char *, uint64_t))                        \
    X(bind_null, int, (void *, uint64_t))                                                          \
    X(execute_prepared, int, (void *, duckdb_result *))                                            \
    X(fetch_chunk, void *, (duckdb_result))                                                        \
    X(destroy_data_chunk, void, (void **))                                                         \
    X(data_chunk_get_size, uint64_t, (void *))                                                     \
    X(data_chunk_get_vector, void *, (void *, uint64_t))                                           \
    X(vector_get_data, void *, (void *))                                                           \
    X(vector_get_validity, uint64_t *, (void *))                                                   \
    X(column_count, uint64_t, (duckdb_result *))                                                   \
    X(column_type, int, (duckdb_result *, uint64_t))                                               \
    X(column_logical_type, void *, (duckdb_result *, uint64_t))                                    \
    X(decimal_scale, uint8_t, (void *))                                                            \
    X(decimal_internal_type, int, (void *))                                                        \
    X(destroy_logical_type, void, (void **))                                                       \
    X(appender_create, int, (void *, const char *, const char *, void **))                         \
    X(appender_error, const char *, (void *))                                                      \
    X(appender_end_row, int, (void *))                                                             \
    X(appender_destroy, int, (void **))                                                            \
    X(append_int64, int, (void *, int64_t))                                                        \
    X(append_double, int, (void *, double))                                                        \
    X(append_bool, int, (void *, bool))                                                            \
    X(append_varchar_length, int, (void *, const char *, uint64_t))                                \
    X(append_null, int, (void *))

static struct {
#define MEMBER(name, result, arguments) result(*name) arguments;
    FUNCTIONS(MEMBER)
#undef MEMBER
    void *db, *conn;
} duck;

enum {
    TYPE_BOOLEAN = 1,
    TYPE_TINYINT = 2,
    TYPE_SMALLINT = 3,
    TYPE_INTEGER = 4,
    TYPE_BIGINT = 5,
    TYPE_DOUBLE = 11,
    TYPE_DATE = 13,
    TYPE_HUGEINT = 16,
    TYPE_VARCHAR = 17,
    TYPE_DECIMAL = 19,
    MOST_COLUMNS = 64,
};

static bool load(bench_engine *engine)
{
    static const char *const names[] = {"libduckdb.so", NULL};
    void *library = bench_library(engine, names);
    if (!library)
        return false;
#define RESOLVE(name, result, arguments)                                                           \
    *(void **)&duck.name = dlsym(library, "duckdb_" #name);                                        \
    if (!duck.name)                                                                                \
        return bench_problem(engine, "no duckdb_%s in the library", #name);
    FUNCTIONS(RESOLVE)
#undef RESOLVE
    (void)snprintf(engine->version, sizeof engine->version, "%s", duck.library_version());
    return true;
}

static bool open_database(bench_engine *engine, const char *path)
{
    if (duck.open(path, &duck.db) != 0 || duck.connect(duck.db, &duck.conn) != 0)
        return bench_problem(engine, "cannot open the database");
    return true;
}

static void close_database(bench_engine *engine)
{
    duck.disconnect(&duck.conn);
    duck.close(&duck.db);
}

static bool exec(bench_engine *engine, const char *sql)
{
    duckdb_result result;
    bool good = duck.query(duck.conn, sql, &result) == 0;
    if (!good)
        (void)bench_problem(engine, "%s", duck.result_error(&result));
    duck.destroy_result(&result);
    return good;
}

static void *prepare(bench_engine *engine, const char *sql)
{
    void *statement = NULL;
    if (duck.prepare(duck.conn, sql, &statement) == 0)
        return statement;
    (void)bench_problem(engine, "%s", duck.prepare_error(statement));
    duck.destroy_prepare(&statement);
    return NULL;
}

static void bind(void *statement, uint64_t index, const bench_value *value)
{
    switch (value->kind) {
    case BENCH_INTEGER:
        (void)duck.bind_int64(statement, index, value->integer);
        break;
    case BENCH_REAL:
        (void)duck.bind_double(statement, index, value->real);
        break;
    case BENCH_BOOLEAN:
        (void)duck.bind_boolean(statement, index, value->integer != 0);
        break;
    case BENCH_TEXT:
        (void)duck.bind_varchar_length(statement, index, value->text, value->length);
        break;
    default:
        (void)duck.bind_null(statement, index);
        break;
    }
}

typedef struct column {
    int type;     /* of the result */
    int internal; /* of the numbers in the vector */
    double scale; /* a decimal is the number divided by this */
    const void *data;
    const uint64_t *validity;
} column;

static double number_at(const column *from, uint64_t row)
{
    switch (from->internal) {
    case TYPE_SMALLINT:
        return ((const int16_t *)from->data)[row];
    case TYPE_INTEGER:
        return ((const int32_t *)from->data)[row];
    case TYPE_BIGINT:
        return (double)((const int64_t *)from->data)[row];
    default: {
        const uint64_t *words = (const uint64_t *)from->data + 2 * row;
        return (double)(int64_t)words[1] * 0x1p64 + (double)words[0];
    }
    }
}

/* Days since 1970 as text, only when answers are compared. */
static void keep_date(bench_sink *sink, int32_t days)
{
    int64_t z = (int64_t)days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    char text[32];
    int length =
        snprintf(text, sizeof text, "%04d-%02d-%02d", (int)(yoe + era * 400 + (month <= 2)),
                 (int)month, (int)(doy - (153 * mp + 2) / 5 + 1));
    bench_sink_keep(sink, text, (size_t)length);
}

static void read_cell(const column *from, uint64_t row, bench_sink *sink)
{
    if (from->validity && !(from->validity[row / 64] >> row % 64 & 1)) {
        bench_sink_null(sink);
        return;
    }
    switch (from->type) {
    case TYPE_BOOLEAN:
        bench_sink_integer(sink, ((const uint8_t *)from->data)[row]);
        break;
    case TYPE_TINYINT:
        bench_sink_integer(sink, ((const int8_t *)from->data)[row]);
        break;
    case TYPE_SMALLINT:
        bench_sink_integer(sink, ((const int16_t *)from->data)[row]);
        break;
    case TYPE_INTEGER:
        bench_sink_integer(sink, ((const int32_t *)from->data)[row]);
        break;
    case TYPE_BIGINT:
        bench_sink_integer(sink, ((const int64_t *)from->data)[row]);
        break;
    case TYPE_DOUBLE:
        bench_sink_real(sink, ((const double *)from->data)[row]);
        break;
    case TYPE_DATE:
        sink->touched += ((const uint32_t *)from->data)[row];
        if (sink->keep)
            keep_date(sink, ((const int32_t *)from->data)[row]);
        break;
    case TYPE_VARCHAR: {
        const duckdb_string *text = (const duckdb_string *)from->data + row;
        bench_sink_text(sink, text->length <= 12 ? text->prefix : text->pointer, text->length);
        break;
    }
    case TYPE_DECIMAL:
    case TYPE_HUGEINT:
        bench_sink_real(sink, number_at(from, row) / from->scale);
        break;
    default:
        bench_sink_text(sink, "?", 1);
        break;
    }
}

static void read_chunk(void *chunk, column *columns, uint64_t count, bench_sink *sink)
{
    uint64_t rows = duck.data_chunk_get_size(chunk);
    for (uint64_t i = 0; i < count; i++) {
        void *vector = duck.data_chunk_get_vector(chunk, i);
        columns[i].data = duck.vector_get_data(vector);
        columns[i].validity = duck.vector_get_validity(vector);
    }
    for (uint64_t row = 0; row < rows; row++) {
        for (uint64_t i = 0; i < count; i++)
            read_cell(&columns[i], row, sink);
        bench_sink_end_row(sink);
    }
}

static void describe(duckdb_result *result, uint64_t index, column *out)
{
    out->type = out->internal = duck.column_type(result, index);
    out->scale = 1;
    if (out->type == TYPE_DECIMAL) {
        void *type = duck.column_logical_type(result, index);
        out->scale = pow(10, duck.decimal_scale(type));
        out->internal = duck.decimal_internal_type(type);
        duck.destroy_logical_type(&type);
    }
}

static bool run(bench_engine *engine, void *statement, const bench_value *values, uint32_t count,
                bench_sink *sink)
{
    duckdb_result result;
    column columns[MOST_COLUMNS];
    for (uint32_t i = 0; i < count; i++)
        bind(statement, i + 1, &values[i]);
    if (duck.execute_prepared(statement, &result) != 0) {
        (void)bench_problem(engine, "%s", duck.result_error(&result));
        duck.destroy_result(&result);
        return false;
    }
    uint64_t column_count = duck.column_count(&result);
    if (column_count > MOST_COLUMNS)
        column_count = MOST_COLUMNS;
    for (uint64_t i = 0; i < column_count; i++)
        describe(&result, i, &columns[i]);
    void *chunk;
    while ((chunk = duck.fetch_chunk(result)) != NULL) {
        read_chunk(chunk, columns, column_count, sink);
        duck.destroy_data_chunk(&chunk);
    }
    duck.destroy_result(&result);
    return true;
}

static void finalize(bench_engine *engine, void *statement)
{
    duck.destroy_prepare(&statement);
}

static bool append(bench_engine *engine, const char *table, uint32_t columns, uint64_t rows,
                   bench_row row, void *context)
{
    void *appender;
    bench_value values[MOST_COLUMNS];
    if (duck.appender_create(duck.conn, NULL, table, &appender) != 0)
        return bench_problem(engine, "cannot make an appender for %s", table);
    int status = 0;
    for (uint64_t r = 0; r < rows && status == 0; r++) {
        row(context, r, values);
        for (uint32_t c = 0; c < columns; c++) {
            const bench_value *value = &values[c];
            status |= value->kind == BENCH_INTEGER ? duck.append_int64(appender, value->integer)
                      : value->kind == BENCH_REAL  ? duck.append_double(appender, value->real)
                      : value->kind == BENCH_BOOLEAN
                          ? duck.append_bool(appender, value->integer != 0)
                      : value->kind == BENCH_TEXT
                          ? duck.append_varchar_length(appender, value->text, value->length)
                          : duck.append_null(appender);
        }
        status |= duck.appender_end_row(appender);
    }
    if (status != 0)
        (void)bench_problem(engine, "%s", duck.appender_error(appender));
    return (duck.appender_destroy(&appender) == 0) && status == 0;
}

static bool copy(bench_engine *engine, const char *table, const char *path)
{
    char sql[1024];
    (void)snprintf(sql, sizeof sql,
                   "COPY %s FROM '%s' (FORMAT csv, DELIMITER '|', HEADER false, QUOTE '')", table,
                   path);
    return exec(engine, sql);
}

bench_engine bench_engine_duckdb = {.name = "DuckDB",
                                    .load = load,
                                    .open = open_database,
                                    .close = close_database,
                                    .exec = exec,
                                    .prepare = prepare,
                                    .run = run,
                                    .finalize = finalize,
                                    .append = append,
                                    .copy = copy};
