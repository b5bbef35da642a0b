/*
 * stress.c - eight threads on one database file: transfers between accounts, readers, schema
 * changes, inserts and deletes under a unique key, checkpoints. The sum of all accounts never
 * changes, whoever looks, however; the integrity check finds nothing, before and after a reopen.
 *
 *     stress [SECONDS [SEED [FILE]]]
 *
 * Built plain and under ThreadSanitizer. Errors that concurrency may cause (conflict, deadlock,
 * lock timeout) are counted and retried; any other ends the test.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tuff.h"

enum {
    ACCOUNTS = 500,
    BALANCE = 1000,
    THREADS = 8,
};

typedef struct worker {
    tuff_conn *conn;
    pthread_t thread;
    uint64_t random;
    uint64_t done, conflicts;
    void (*work)(struct worker *self);
    const char *name;
} worker;

static tuff_db *database;
static _Atomic(bool) stop;
static _Atomic(int) failures;

static void report(worker *self, const char *format, ...)
{
    va_list arguments;
    (void)fprintf(stderr, "%s: ", self->name);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    atomic_fetch_add(&failures, 1);
    atomic_store(&stop, true);
}

/* xorshift64*: the seed decides what each thread does, not how they interleave. */
static uint32_t pick(worker *self, uint32_t below)
{
    self->random ^= self->random >> 12;
    self->random ^= self->random << 25;
    self->random ^= self->random >> 27;
    return (uint32_t)((self->random * 2685821657736338717u) >> 33) % below;
}

static bool is_conflict(tuff_status status)
{
    return status == TUFF_SERIALIZATION || status == TUFF_DEADLOCK || status == TUFF_LOCK_TIMEOUT ||
           status == TUFF_TRANSACTION_ABORTED;
}

/* Runs a statement; false when the unit of work is over, by a conflict or a failure. */
static bool run(worker *self, const char *format, ...)
{
    char sql[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    tuff_status status = tuff_exec(self->conn, sql, NULL);
    if (status == TUFF_OK)
        return true;
    if (is_conflict(status))
        self->conflicts++;
    else
        report(self, "%s: %s (%s)", sql, tuff_conn_error(self->conn)->message,
               tuff_status_name(status));
    if (tuff_in_transaction(self->conn))
        (void)tuff_rollback(self->conn);
    return false;
}

/* The first column of the first row. */
static bool ask(worker *self, const char *sql, int64_t *answer)
{
    tuff_result *result;
    tuff_status status = tuff_query(self->conn, sql, &result);
    if (status == TUFF_OK) {
        status = tuff_next(result);
        *answer = tuff_get_int64(result, 0);
        tuff_result_close(result);
    }
    if (status == TUFF_ROW)
        return true;
    if (is_conflict(status))
        self->conflicts++;
    else
        report(self, "%s: %s", sql, tuff_conn_error(self->conn)->message);
    if (tuff_in_transaction(self->conn))
        (void)tuff_rollback(self->conn);
    return false;
}

/* ---- Kinds of work ------------------------------------------------------------------------- */

static void transfer(worker *self)
{
    uint32_t from = pick(self, ACCOUNTS), to = pick(self, ACCOUNTS), amount = pick(self, 50);
    const char *level = pick(self, 2) ? "BEGIN ISOLATION LEVEL SNAPSHOT" : "BEGIN";
    if (!run(self, "%s", level) ||
        !run(self, "UPDATE bank SET balance = balance - %u WHERE id = %u", amount, from))
        return;
    if (pick(self, 8) == 0 && !run(self,
                                   "SAVEPOINT s; UPDATE bank SET balance = 0 WHERE id = %u; "
                                   "ROLLBACK TO s",
                                   to))
        return;
    if (!run(self, "UPDATE bank SET balance = balance + %u WHERE id = %u", amount, to))
        return;
    if (pick(self, 10) == 0)
        (void)tuff_rollback(self->conn);
    else if (run(self, "COMMIT"))
        self->done++;
}

static void expect_sum(worker *self, const char *sql)
{
    int64_t sum;
    if (!ask(self, sql, &sum))
        return;
    if (sum != (int64_t)ACCOUNTS * BALANCE)
        report(self, "%s gives %lld", sql, (long long)sum);
    self->done++;
}

static void read_sums(worker *self)
{
    static const char *const questions[] = {
        "SELECT sum(balance) FROM bank",
        "SELECT sum(s) FROM (SELECT id % 7 AS k, sum(balance) AS s FROM bank GROUP BY 1) g",
        "SELECT sum(a.balance) FROM bank a JOIN bank b ON a.id = b.id",
        "SELECT sum(balance) FROM (SELECT balance FROM bank ORDER BY balance, id) o",
        "SELECT sum(CASE WHEN balance > 990 THEN balance ELSE 0 END) + "
        "sum(CASE WHEN balance <= 990 THEN balance ELSE 0 END) FROM bank",
        "SELECT (SELECT coalesce(sum(balance), 0) FROM bank WHERE balance > 1000) + "
        "(SELECT coalesce(sum(balance), 0) FROM bank WHERE balance <= 1000)",
    };
    if (pick(self, 3)) {
        expect_sum(self, questions[pick(self, sizeof questions / sizeof questions[0])]);
        return;
    }
    /* Two looks in one snapshot: the same, whatever happens in between. */
    if (!run(self, "BEGIN ISOLATION LEVEL SNAPSHOT READ ONLY"))
        return;
    int64_t first, second;
    const char *one = "SELECT sum(balance * id) FROM bank";
    if (!ask(self, one, &first))
        return;
    usleep(pick(self, 3000));
    expect_sum(self, questions[0]);
    if (tuff_in_transaction(self->conn) && ask(self, one, &second) && first != second)
        report(self, "one snapshot gave %lld, then %lld", (long long)first, (long long)second);
    if (tuff_in_transaction(self->conn))
        (void)run(self, "COMMIT");
}

static void change_schema(worker *self)
{
    uint32_t number = pick(self, 3);
    switch (pick(self, 5)) {
    case 0:
        (void)run(self, "CREATE TABLE IF NOT EXISTS extra%u AS SELECT * FROM bank", number);
        break;
    case 1:
        (void)run(self, "DROP TABLE IF EXISTS extra%u", number);
        break;
    case 2:
        if (run(self, "DROP INDEX IF EXISTS by_balance"))
            (void)run(self, "CREATE INDEX by_balance ON bank (balance DESC, id)");
        break;
    case 3:
        if (run(self, "BEGIN; CREATE TABLE passing (a INTEGER); INSERT INTO passing VALUES (1); "
                      "CREATE VIEW seen AS SELECT * FROM passing"))
            (void)tuff_rollback(self->conn);
        break;
    default:
        if (run(self, "ALTER TABLE bank ADD COLUMN note TEXT DEFAULT 'a note of some length'"))
            (void)run(self, "ALTER TABLE bank DROP COLUMN note");
    }
    self->done++;
    usleep(2000);
}

/* Rows come and go under a unique key; what a statement did is seen by the next. */
static void insert_and_delete(worker *self)
{
    uint32_t first = pick(self, 100000);
    if (!run(self,
             "INSERT OR IGNORE INTO side SELECT generate_series, 'key ' || (generate_series %% "
             "5000), repeat('x', generate_series %% 40) FROM generate_series(%u, %u)",
             first, first + 200))
        return;
    int64_t twice;
    if (ask(self, "SELECT count(*) - count(DISTINCT k) FROM side", &twice) && twice != 0)
        report(self, "the unique key is there twice");
    (void)run(self, "DELETE FROM side WHERE id %% 3 = %u", pick(self, 3));
    self->done++;
}

static void check_integrity(worker *self)
{
    tuff_result *result;
    if (tuff_query(self->conn, "PRAGMA integrity_check", &result) != TUFF_OK) {
        report(self, "integrity check: %s", tuff_conn_error(self->conn)->message);
        return;
    }
    while (tuff_next(result) == TUFF_ROW) {
        const char *text = tuff_get_text(result, 0, NULL);
        if (strcmp(text, "ok") != 0)
            report(self, "integrity: %s", text);
    }
    tuff_result_close(result);
}

static void checkpoint(worker *self)
{
    (void)run(self, "CHECKPOINT");
    self->done++;
    usleep(20000);
}

/* ---- The test -------------------------------------------------------------------------------- */

static void *work(void *argument)
{
    worker *self = argument;
    while (!atomic_load(&stop))
        self->work(self);
    return NULL;
}

static void open_database(worker *main_worker, const char *path)
{
    if (tuff_open(path, &database) != TUFF_OK) {
        (void)fprintf(stderr, "open: %s\n", tuff_db_error(database)->message);
        exit(2);
    }
    if (tuff_connect(database, &main_worker->conn) != TUFF_OK) {
        (void)fprintf(stderr, "connect: %s\n", tuff_db_error(database)->message);
        exit(2);
    }
}

static void set_up(worker *self)
{
    (void)run(self,
              "CREATE TABLE bank (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL); "
              "INSERT INTO bank SELECT generate_series, %d FROM generate_series(0, %d); "
              "CREATE INDEX by_balance ON bank (balance DESC, id); "
              "CREATE TABLE side (id INTEGER PRIMARY KEY, k TEXT UNIQUE, filler TEXT)",
              BALANCE, ACCOUNTS - 1);
}

int main(int argc, char **argv)
{
    unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const char *path = argc > 3 ? argv[3] : "stress.tuff";
    static const struct {
        const char *name;
        void (*work)(worker *self);
    } kinds[THREADS] = {{"transfer 1", transfer},    {"transfer 2", transfer},
                        {"transfer 3", transfer},    {"reader 1", read_sums},
                        {"reader 2", read_sums},     {"schema", change_schema},
                        {"rows", insert_and_delete}, {"checkpoint", checkpoint}};
    static worker workers[THREADS];
    worker main_worker = {.name = "main", .random = seed * 2 + 1};
    char log_path[1024];
    (void)snprintf(log_path, sizeof log_path, "%s-wal", path);
    (void)unlink(path);
    (void)unlink(log_path);

    open_database(&main_worker, path);
    set_up(&main_worker);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.name = kinds[i].name,
                              .work = kinds[i].work,
                              .random = (seed * THREADS + (uint64_t)i) * 0x9E3779B97F4A7C15u + 1};
        if (tuff_connect(database, &workers[i].conn) != TUFF_OK ||
            pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            report(&main_worker, "cannot start a thread");
    }
    for (unsigned i = 0; i < seconds * 10 && !atomic_load(&stop); i++)
        usleep(100000);
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        tuff_disconnect(workers[i].conn);
        printf("%-12s %8llu done, %llu conflicts\n", workers[i].name,
               (unsigned long long)workers[i].done, (unsigned long long)workers[i].conflicts);
    }
    expect_sum(&main_worker, "SELECT sum(balance) FROM bank");
    check_integrity(&main_worker);
    tuff_disconnect(main_worker.conn);
    if (tuff_close(database) != TUFF_OK)
        report(&main_worker, "close failed");
    open_database(&main_worker, path);
    expect_sum(&main_worker, "SELECT sum(balance) FROM bank");
    check_integrity(&main_worker);
    tuff_disconnect(main_worker.conn);
    if (tuff_close(database) != TUFF_OK)
        report(&main_worker, "second close failed");
    (void)unlink(path);
    (void)unlink(log_path);
    printf("%d passed, %d failed, 0 skipped\n", failures ? 0 : 1, failures ? 1 : 0);
    return failures != 0;
}
