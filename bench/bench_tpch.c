/*
 * bench_tpch.c - TPC-H: load, and 22 queries whose answers are compared with the published ones.
 *
 * The data is `TABLE.tbl` in FOLDER/SCALE (run-bench.sh unpacks or makes it). DuckDB gets no
 * primary keys, which is faster for it; SQLite gets indexes on the foreign keys and its
 * statistics, and texts in its own dialect (dates are text there). Stoolap 0.4 does not run
 * TPC-H: most texts do not compile or do not end.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const tables[] = {"region",   "nation",   "part",   "supplier",
                                     "partsupp", "customer", "orders", "lineitem"};

static bool takes_part(int index)
{
    return bench_engines[index]->available && bench_engines[index]->copy;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    size_t length = 0, capacity = 1 << 16;
    char *text = malloc(capacity);
    while (text) {
        length += fread(text + length, 1, capacity - length - 1, file);
        if (length < capacity - 1)
            break;
        capacity *= 2;
        char *grown = realloc(text, capacity);
        if (!grown)
            free(text);
        text = grown;
    }
    if (text)
        text[length] = '\0';
    (void)fclose(file);
    return text;
}

/* Replaces every `from` by `to`, which is not longer. */
static void replace(char *text, const char *from, const char *to)
{
    size_t length = strlen(from), new_length = strlen(to);
    for (char *at = text; (at = strstr(at, from)) != NULL; at += new_length) {
        memcpy(at, to, new_length);
        memmove(at + new_length, at + length, strlen(at + length) + 1);
    }
}

/* PREFIX inner SUFFIX becomes HEAD inner TAIL; `inner` may hold balanced parentheses. */
static char *rewrite(char *text, const char *prefix, const char *middle, const char *suffix,
                     const char *head, const char *between, const char *tail)
{
    char *out = malloc(strlen(text) * 3 + 64), *to = out;
    const char *at = text, *found;
    if (!out)
        return text;
    while ((found = strstr(at, prefix)) != NULL) {
        const char *inner = found + strlen(prefix), *split = strstr(inner, middle);
        const char *end = split ? strstr(split + strlen(middle), suffix) : NULL;
        if (!end)
            break;
        to += sprintf(to, "%.*s%s%.*s%s%.*s%s", (int)(found - at), at, head, (int)(split - inner),
                      inner, between, (int)(end - split - (long)strlen(middle)),
                      split + strlen(middle), tail);
        at = end + strlen(suffix);
    }
    (void)strcpy(to, at);
    free(text);
    return out;
}

static char *for_sqlite(char *sql)
{
    sql = rewrite(sql, "CAST('", "'", " AS date)", "'", "'", "");
    sql = rewrite(sql, "extract(year FROM ", "", ")", "CAST(substr(", "", ", 1, 4) AS INTEGER)");
    sql = rewrite(sql, "substring(", " FROM ", ")", "substr(", ", ", ")");
    sql = rewrite(sql, "count(o_orderkey", "", ")", "count(o_orderkey", "", ") AS c_count");
    replace(sql, " (c_custkey,\n        c_count)", "");
    replace(sql, " FOR ", ", ");
    replace(sql, "date '", "'");
    return sql;
}

static char *text_for(int index, const char *path)
{
    char *sql = read_file(path);
    if (sql && bench_engines[index] == &bench_engine_sqlite)
        sql = for_sqlite(sql);
    return sql;
}

static bool create(bench_run *run, bench_engine *engine)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tpch/schema.sql", run->shared);
    char *sql = read_file(path);
    if (!sql)
        return bench_problem(engine, "no %s", path);
    if (engine == &bench_engine_duckdb) {
        replace(sql, " INTEGER PRIMARY KEY", " INTEGER NOT NULL");
        replace(sql, ", PRIMARY KEY (ps_partkey, ps_suppkey)", "");
        replace(sql, ", PRIMARY KEY (l_orderkey, l_linenumber)", "");
    }
    bool good = engine->exec(engine, sql);
    free(sql);
    return good;
}

static bool load_tables(bench_run *run, bench_engine *engine)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/%s/%s.tbl", run->folder, run->scale, tables[t]);
        if (!engine->copy(engine, tables[t], path))
            return false;
    }
    return engine != &bench_engine_sqlite ||
           engine->exec(engine, "CREATE INDEX l_part ON lineitem (l_partkey, l_suppkey);"
                                "CREATE INDEX o_cust ON orders (o_custkey);"
                                "CREATE INDEX c_nation ON customer (c_nationkey);"
                                "CREATE INDEX s_nation ON supplier (s_nationkey);"
                                "CREATE INDEX ps_supp ON partsupp (ps_suppkey);"
                                "ANALYZE;");
}

/* The published answer: a header, then rows, fields divided by |. */
static bool read_answer(bench_run *run, int number, bench_sink *sink)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tpch/answers/%s/q%02d.csv", run->shared, run->scale,
                   number);
    char *text = read_file(path);
    if (!text)
        return false;
    char *line = strchr(text, '\n');
    sink->keep = true;
    bench_sink_reset(sink);
    while (line && line[1]) {
        char *end = strchr(++line, '\n');
        for (char *field = line;;) {
            char *stop = field;
            while (*stop && *stop != '|' && *stop != '\n')
                stop++;
            bench_sink_keep(sink, field, (size_t)(stop - field));
            if (*stop != '|')
                break;
            field = stop + 1;
        }
        bench_sink_end_row(sink);
        line = end;
    }
    free(text);
    return true;
}

/* Runs the query once, compares, and then as often as the budget allows; the best time. */
static void ask(bench_run *run, int index, int number, const bench_sink *expected,
                bool have_expected, bench_result *result)
{
    enum {
        MOST_RUNS = 3
    };
    bench_engine *engine = bench_engines[index];
    char path[1024];
    bench_sink sink = {.keep = true}, copy = *expected;
    (void)snprintf(path, sizeof path, "%s/tpch/queries/q%02d.sql", run->shared, number);
    char *sql = text_for(index, path);
    void *statement = sql ? engine->prepare(engine, sql) : NULL;
    if (!statement)
        result->seconds[index] = -1;
    for (int turn = 0; statement && turn < MOST_RUNS; turn++) {
        bench_sink_reset(&sink);
        double start = bench_seconds();
        if (!engine->run(engine, statement, NULL, 0, &sink)) {
            result->seconds[index] = -1;
            break;
        }
        double spent = bench_seconds() - start;
        if (turn == 0 && have_expected &&
            !bench_results_agree(&copy, &sink, true, result->note[index],
                                 sizeof result->note[index])) {
            result->wrong[index] = true;
            run->differences += index == 0;
        }
        sink.keep = false;
        if (turn <= 1 || spent < result->seconds[index])
            result->seconds[index] = spent; /* the first one only warms up */
        if (spent > 2)
            break;
    }
    if (result->seconds[index] < 0) {
        (void)snprintf(result->note[index], sizeof result->note[index], "%.90s", engine->problem);
        run->differences += index == 0;
    }
    if (statement)
        engine->finalize(engine, statement);
    bench_sink_free(&sink);
    free(sql);
}

bool bench_tpch(bench_run *run)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s/lineitem.tbl", run->folder, run->scale);
    FILE *file = fopen(path, "r");
    if (!file) {
        (void)printf("skipped: TPC-H (no %s)\n", path);
        return true;
    }
    (void)fclose(file);
    char group[32];
    (void)snprintf(group, sizeof group, "TPC-H %s", run->scale);
    (void)printf("\n== %s, in memory\n", group);
    bench_result *loading = bench_add_result(run, group, "load all tables");
    bool open[BENCH_ENGINES] = {false};
    for (int i = 0; i < BENCH_ENGINES; i++) {
        bench_engine *engine = bench_engines[i];
        if (!takes_part(i)) {
            (void)snprintf(loading->note[i], sizeof loading->note[i], "takes no part in TPC-H");
            continue;
        }
        open[i] = engine->open(engine, NULL) && create(run, engine);
        double start = bench_seconds();
        open[i] = open[i] && load_tables(run, engine);
        if (open[i]) {
            loading->seconds[i] = bench_seconds() - start;
        } else {
            (void)snprintf(loading->note[i], sizeof loading->note[i], "%.90s", engine->problem);
            run->differences += i == 0;
        }
    }
    bench_print_result(loading);
    for (int number = 1; number <= 22; number++) {
        char name[16];
        bench_sink expected = {0};
        (void)snprintf(name, sizeof name, "Q%d", number);
        bench_result *result = bench_add_result(run, group, name);
        bool have_expected = read_answer(run, number, &expected);
        for (int i = 0; i < BENCH_ENGINES; i++) {
            if (open[i])
                ask(run, i, number, &expected, have_expected, result);
        }
        bench_sink_free(&expected);
        bench_print_result(result);
    }
    for (int i = 0; i < BENCH_ENGINES; i++) {
        if (open[i])
            bench_engines[i]->close(bench_engines[i]);
    }
    return true;
}
