/*
 * bench_points.c - bulk load, reads and writes of single rows by key; in memory and on a file
 * where every commit is on disk when it returns.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    ROWS_IN_MEMORY = 200000,
    ROWS_ON_FILE = 100000,
    COLUMNS = 7,
};

static uint64_t row_count; /* of the run that is going on */

static const char create_table[] =
    "CREATE TABLE account (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, mail TEXT NOT NULL, "
    "age INTEGER NOT NULL, balance DOUBLE NOT NULL, active INTEGER NOT NULL, "
    "created TEXT NOT NULL)";

static void fill(uint64_t id, bench_value *values)
{
    static char owner[32], mail[48], created[32];
    uint64_t random = bench_mix(id);
    values[0] = (bench_value){.kind = BENCH_INTEGER, .integer = (int64_t)id};
    values[1] = (bench_value){
        .kind = BENCH_TEXT,
        .text = owner,
        .length = (size_t)snprintf(owner, sizeof owner, "Owner_%llu", (unsigned long long)id)};
    values[2] = (bench_value){.kind = BENCH_TEXT,
                              .text = mail,
                              .length = (size_t)snprintf(mail, sizeof mail, "owner%llu@example.com",
                                                         (unsigned long long)id)};
    values[3] = (bench_value){.kind = BENCH_INTEGER, .integer = (int64_t)(random % 62) + 18};
    values[4] = (bench_value){.kind = BENCH_REAL, .real = (double)(random % 10000000) / 100};
    values[5] = (bench_value){.kind = BENCH_INTEGER, .integer = (int64_t)(random >> 32 & 1)};
    values[6] = (bench_value){
        .kind = BENCH_TEXT,
        .text = created,
        .length = (size_t)snprintf(created, sizeof created, "2024-%02u-%02uT00:00:00Z",
                                   (unsigned)(random % 12) + 1, (unsigned)(random % 28) + 1)};
}

static void load_row(void *context, uint64_t row, bench_value *values)
{
    fill(row + 1, values);
}

static bench_value a_key(uint64_t number)
{
    int64_t key = (int64_t)(bench_mix(number + 7) % row_count) + 1;
    return (bench_value){.kind = BENCH_INTEGER, .integer = key};
}

static void key_values(uint64_t number, bench_value *values)
{
    values[0] = a_key(number);
}

static void update_values(uint64_t number, bench_value *values)
{
    values[0] = (bench_value){.kind = BENCH_REAL, .real = (double)number};
    values[1] = a_key(number);
}

static void insert_values(uint64_t number, bench_value *values)
{
    fill(row_count + 1 + number, values);
}

/* Deletes what the inserts have added. */
static void delete_values(uint64_t number, bench_value *values)
{
    values[0] = (bench_value){.kind = BENCH_INTEGER, .integer = (int64_t)(row_count + 1 + number)};
}

static void compare_tables(bench_run *run, bench_result *result)
{
    static const char question[] = "SELECT COUNT(*), SUM(id), SUM(balance) FROM account";
    bench_sink expected = {.keep = true}, actual = {.keep = true};
    bool have_expected = false;
    for (int turn = 0; turn < BENCH_ENGINES; turn++) {
        int i = (turn + 1) % BENCH_ENGINES; /* Tuff last, against a rival */
        bench_engine *engine = bench_engines[i];
        if (!engine->available)
            continue;
        bench_sink *sink = have_expected ? &actual : &expected;
        bench_sink_reset(sink);
        void *statement = engine->prepare(engine, question);
        bool good = statement && engine->run(engine, statement, NULL, 0, sink);
        if (statement)
            engine->finalize(engine, statement);
        if (!good ||
            (have_expected && !bench_results_agree(&expected, &actual, true, result->note[i],
                                                   sizeof result->note[i]))) {
            result->wrong[i] = true;
            run->differences += i == 0;
        }
        have_expected = true;
    }
    bench_sink_free(&expected);
    bench_sink_free(&actual);
}

static void bulk_load(bench_run *run, const char *group)
{
    bench_result *result = bench_add_result(run, group, "bulk load, per row");
    for (int i = 0; i < BENCH_ENGINES; i++) {
        bench_engine *engine = bench_engines[i];
        if (!engine->available)
            continue;
        double start = bench_seconds();
        if (engine->exec(engine, create_table) &&
            engine->append(engine, "account", COLUMNS, row_count, load_row, NULL))
            result->seconds[i] = (bench_seconds() - start) / (double)row_count;
        else
            (void)snprintf(result->note[i], sizeof result->note[i], "%.90s", engine->problem);
    }
    compare_tables(run, result);
    bench_print_result(result);
}

/* Inserts and deletes go on only as far as all have come, so that the tables stay equal. */
static void operate(bench_run *run, const char *group, const char *name, const char *sql,
                    uint32_t parameters, void (*values)(uint64_t, bench_value *),
                    uint64_t iterations, bool compare)
{
    bench_operation operation = {
        .sql = sql, .parameters = parameters, .values = values, .iterations = iterations};
    bench_result *result = bench_add_result(run, group, name);
    double budget = run->budget;
    if (compare) /* the same number of executions for all */
        run->budget = 1e9;
    bench_measure(run, &operation, result);
    run->budget = budget;
    if (compare)
        compare_tables(run, result);
    bench_print_result(result);
}

static void file_size(bench_run *run, char paths[BENCH_ENGINES][512], const char *group)
{
    bench_result *result = bench_add_result(run, group, "file size, bytes per row");
    for (int i = 0; i < BENCH_ENGINES; i++) {
        struct stat status;
        if (bench_engines[i]->available && stat(paths[i], &status) == 0 && S_ISREG(status.st_mode))
            result->seconds[i] = (double)status.st_size / (double)row_count;
    }
    (void)printf("%-28s", "file size, bytes per row");
    for (int i = 0; i < BENCH_ENGINES; i++)
        (void)printf(" %11.1f%9s", result->seconds[i], "");
    (void)putchar('\n');
}

bool bench_points(bench_run *run, bool on_file)
{
    const char *group = on_file ? "one row, on disk" : "one row, in memory";
    char paths[BENCH_ENGINES][512], command[8192];
    row_count = on_file ? ROWS_ON_FILE : ROWS_IN_MEMORY;
    (void)printf("\n== %s (%llu rows of 7 columns)\n", group, (unsigned long long)row_count);
    for (int i = 0; i < BENCH_ENGINES; i++) {
        bench_engine *engine = bench_engines[i];
        (void)snprintf(paths[i], sizeof paths[i], "%s/points-%s.db", run->folder, engine->name);
        (void)snprintf(command, sizeof command, "rm -rf '%s' '%s'-* '%s'.*", paths[i], paths[i],
                       paths[i]);
        if (on_file && system(command) != 0)
            return false;
        if (engine->available && !engine->open(engine, on_file ? paths[i] : NULL)) {
            (void)printf("%s: %s\n", engine->name, engine->problem);
            engine->available = false;
        }
    }
    uint64_t writes = on_file ? 100 : 1000;
    bulk_load(run, group);
    operate(run, group, "read by key", "SELECT * FROM account WHERE id = $1", 1, key_values, 200000,
            false);
    operate(run, group, "insert, autocommit",
            "INSERT INTO account VALUES ($1, $2, $3, $4, $5, $6, $7)", 7, insert_values, writes,
            true);
    operate(run, group, "update by key, autocommit",
            "UPDATE account SET balance = $1 WHERE id = $2", 2, update_values, writes, true);
    operate(run, group, "delete by key, autocommit", "DELETE FROM account WHERE id = $1", 1,
            delete_values, writes, true);
    operate(run, group, "sum of a column", "SELECT SUM(balance) FROM account", 0, NULL, 200, false);
    for (int i = 0; i < BENCH_ENGINES; i++) {
        if (bench_engines[i]->available)
            bench_engines[i]->close(bench_engines[i]);
    }
    if (on_file)
        file_size(run, paths, group);
    return true;
}
