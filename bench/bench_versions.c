/*
 * bench_versions.c - what older versions cost a scan: four columns of a million hot rows, one in
 * twenty of which was changed, in one of the columns or in all of them, read by who sees the
 * newest rows and by who began before the change.
 *
 * Tuff alone: the question is what its own undo costs, not what others do. A twin of the table that
 * nobody changes is scanned turn by turn with the changed ones, in the same round, and the median
 * ratio of the rounds counts. One thread, as the ratio is the same for all.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "tuff.h"

enum {
    ROWS = 1000000,
    SCANS = 41, /* rounds; odd */
    KINDS = 4
};

typedef struct versions {
    tuff_db *db;
    tuff_conn *newest, *older;
    const char *failure;
} versions;

static bool run_sql(versions *self, tuff_conn *conn, const char *sql)
{
    if (tuff_exec(conn, sql, NULL) == TUFF_OK)
        return true;
    if (!self->failure)
        self->failure = tuff_conn_error(conn)->message;
    return false;
}

/* Seconds of a scan; the sum of the changed column goes to `*sum`. Negative: failed. */
static double scan(versions *self, tuff_conn *conn, const char *table, int64_t *sum)
{
    char sql[128];
    tuff_result *result;
    (void)snprintf(sql, sizeof sql, "SELECT sum(number), sum(price), sum(small), sum(age) FROM %s",
                   table);
    double start = bench_seconds();
    if (tuff_query(conn, sql, &result) != TUFF_OK)
        return -1;
    bool good = tuff_next(result) == TUFF_ROW;
    *sum = good ? tuff_get_int64(result, 0) : 0;
    tuff_result_close(result);
    return good ? bench_seconds() - start : -1;
}

static bool make_tables(versions *self)
{
    static const char *const statements[] = {
        "SET threads = 1",
        "SET seal_rows = 100000000", /* rows stay hot */
        "CREATE TABLE clean (id INTEGER PRIMARY KEY, number INTEGER, price FLOAT, age INT4, "
        "name TEXT, at TIMESTAMP, small SMALLINT)",
        "CREATE TABLE changed (id INTEGER PRIMARY KEY, number INTEGER, price FLOAT, age INT4, "
        "name TEXT, at TIMESTAMP, small SMALLINT)",
        "INSERT INTO clean SELECT value, value * 7 % 1000, value * 0.25, value % 62, "
        "'name ' || value % 100000, TIMESTAMP '2024-01-01', value % 100 "
        "FROM generate_series(1, 1000000) AS s(value)",
        "CREATE TABLE rewritten (id INTEGER PRIMARY KEY, number INTEGER, price FLOAT, age INT4, "
        "name TEXT, at TIMESTAMP, small SMALLINT)",
        "INSERT INTO changed SELECT * FROM clean",
        "INSERT INTO rewritten SELECT * FROM clean",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (!run_sql(self, self->newest, statements[i]))
            return false;
    }
    int64_t sum;
    return run_sql(self, self->older, "SET threads = 1") &&
           run_sql(self, self->older, "BEGIN ISOLATION LEVEL SNAPSHOT") &&
           scan(self, self->older, "changed", &sum) >= 0 &&
           run_sql(self, self->newest,
                   "UPDATE changed SET number = number + 1 WHERE id % 20 = 3") &&
           run_sql(self, self->newest,
                   "UPDATE rewritten SET number = number + 1, price = price + 0.25, age = age + 1, "
                   "small = small + 1 WHERE id % 20 = 3");
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, SCANS, sizeof *values, compare_doubles);
    return values[SCANS / 2];
}

/* Times of the clean table, and of the changed one for each reader; ratios to the clean one. */
static bool measure(versions *self, double seconds[KINDS], double speed[KINDS], bool *right)
{
    static double times[KINDS][SCANS], ratios[KINDS][SCANS];
    *right = true;
    for (int round = 0; round < SCANS; round++) {
        int64_t sums[KINDS];
        tuff_conn *const readers[KINDS] = {self->newest, self->newest, self->older, self->older};
        static const char *const tables[KINDS] = {"clean", "changed", "changed", "rewritten"};
        for (int turn = 0; turn < KINDS; turn++) {
            int k = (turn + round) % KINDS;
            times[k][round] = scan(self, readers[k], tables[k], &sums[k]);
            if (times[k][round] < 0)
                return false;
        }
        *right =
            *right && sums[1] == sums[0] + ROWS / 20 && sums[2] == sums[0] && sums[3] == sums[0];
        for (int k = 0; k < KINDS; k++)
            ratios[k][round] = times[0][round] / times[k][round];
    }
    for (int k = 0; k < KINDS; k++) {
        seconds[k] = median(times[k]);
        speed[k] = median(ratios[k]);
    }
    return true;
}

bool bench_versions(bench_run *run)
{
    static const char group[] = "scan of changed rows";
    static const char *const names[KINDS] = {"nothing changed", "5 % changed, newest",
                                             "5 % changed, older", "5 % all changed, older"};
    versions self = {NULL, NULL, NULL, NULL};
    double seconds[KINDS], speed[KINDS];
    bool right = true;
    (void)printf("\n== %s (%d hot rows, 4 of 7 columns, one thread)\n", group, ROWS);
    bool good = tuff_open("memory://", &self.db) == TUFF_OK &&
                tuff_connect(self.db, &self.newest) == TUFF_OK &&
                tuff_connect(self.db, &self.older) == TUFF_OK && make_tables(&self) &&
                measure(&self, seconds, speed, &right);
    for (int k = 0; k < KINDS && good; k++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s: %.0f %%", names[k], speed[k] * 100);
        bench_result *result = bench_add_result(run, group, name);
        result->seconds[0] = seconds[k];
        result->wrong[0] = !right;
        bench_print_result(result);
    }
    if (!good)
        (void)printf("failed: %s\n", self.failure ? self.failure : "a scan");
    if (!right)
        run->differences++;
    tuff_disconnect(self.older);
    tuff_disconnect(self.newest);
    if (self.db)
        (void)tuff_close(self.db);
    return good;
}
