/*
 * sim_kill.c - a real process on a real file system, killed without warning, again and again.
 *
 * The child moves amounts between accounts and writes a journal, in one transaction each, and
 * tells the parent through a pipe what was acknowledged. The parent kills it at a random
 * moment, opens the file itself and looks: every acknowledged entry is there, entries have no
 * holes, the sum is what it was, the integrity check says ok. The next child goes on with the
 * same file. (The machine does not lose power here: that is what the simulated disk is for.)
 */
#include "sim.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tuff.h"

enum {
    ACCOUNTS = 20,
    AMOUNT = 1000
};

static int64_t number_of(tuff_conn *conn, const char *sql)
{
    tuff_result *result = NULL;
    int64_t number = INT64_MIN;
    if (tuff_query(conn, sql, &result) == TUFF_OK && tuff_next(result) == TUFF_ROW)
        number = tuff_get_int64(result, 0);
    tuff_result_close(result);
    return number;
}

static tuff_status prepare_tables(tuff_conn *conn)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER);"
             "CREATE TABLE journal (n INTEGER PRIMARY KEY, note TEXT UNIQUE)");
    tuff_status status = tuff_exec(conn, "BEGIN", NULL);
    if (status == TUFF_OK)
        status = tuff_exec(conn, sql, NULL);
    for (int i = 1; i <= ACCOUNTS && status == TUFF_OK; i++) {
        snprintf(sql, sizeof sql, "INSERT INTO account VALUES (%d, %d)", i, AMOUNT);
        status = tuff_exec(conn, sql, NULL);
    }
    return status == TUFF_OK ? tuff_exec(conn, "COMMIT", NULL) : status;
}

static tuff_status one_transaction(tuff_conn *conn, int64_t n, uint64_t random)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "BEGIN;"
             "UPDATE account SET amount = amount - %d WHERE id = %d;"
             "UPDATE account SET amount = amount + %d WHERE id = %d;"
             "INSERT INTO journal VALUES (%lld, 'entry number %lld');"
             "COMMIT",
             (int)(random % 7), 1 + (int)(random / 7 % ACCOUNTS), (int)(random % 7),
             1 + (int)(random / 777 % ACCOUNTS), (long long)n, (long long)n);
    tuff_status status = tuff_exec(conn, sql, NULL);
    if (status == TUFF_OK && random % 50 == 0)
        status = tuff_exec(conn, "CHECKPOINT", NULL);
    return status;
}

/* Never returns: works until it is killed. */
static void child(const char *path, int acknowledge, uint64_t seed)
{
    tuff_db *db = NULL;
    tuff_conn *conn = NULL;
    if (tuff_open(path, &db) != TUFF_OK || tuff_connect(db, &conn) != TUFF_OK) {
        fprintf(stderr, "child: %s\n", db ? tuff_db_error(db)->message : "cannot open");
        _exit(1);
    }
    int64_t last = number_of(conn, "SELECT coalesce(max(n), 0) FROM journal");
    if (last == INT64_MIN) {
        if (prepare_tables(conn) != TUFF_OK)
            _exit(2);
        last = 0;
    }
    for (int64_t n = last + 1;; n++) {
        if (one_transaction(conn, n, base_hash_u64(seed + (uint64_t)n)) != TUFF_OK) {
            fprintf(stderr, "child: %s\n", tuff_conn_error(conn)->message);
            _exit(3);
        }
        if (write(acknowledge, &n, sizeof n) != sizeof n)
            _exit(4);
    }
}

/* What is found counts as acknowledged from here on: the newest entry. */
static int64_t expect_all(sim_report *report, const char *path, int64_t acknowledged)
{
    tuff_db *db = NULL;
    tuff_conn *conn = NULL;
    tuff_status status = tuff_open(path, &db);
    if (status == TUFF_OK)
        status = tuff_connect(db, &conn);
    if (!sim_expect(report, status == TUFF_OK, "the killed database does not open: %s",
                    db ? tuff_db_error(db)->message : "no handle")) {
        tuff_close(db);
        return acknowledged;
    }
    int64_t last = number_of(conn, "SELECT coalesce(max(n), 0) FROM journal");
    if (last == INT64_MIN) { /* killed before the tables were made */
        sim_expect(report, acknowledged == 0, "the tables are gone");
    } else {
        int64_t count = number_of(conn, "SELECT count(*) FROM journal");
        int64_t sum = number_of(conn, "SELECT sum(amount) FROM account");
        int64_t wrong =
            number_of(conn, "SELECT count(*) FROM journal WHERE note <> 'entry number ' || n");
        sim_expect(report, last >= acknowledged, "%lld was acknowledged, %lld is the last",
                   (long long)acknowledged, (long long)last);
        sim_expect(report, last <= acknowledged + 1, "%lld is there, %lld was the last begun",
                   (long long)last, (long long)acknowledged + 1);
        sim_expect(report, count == last, "%lld entries up to %lld", (long long)count,
                   (long long)last);
        sim_expect(report, sum == ACCOUNTS * AMOUNT, "the sum is %lld", (long long)sum);
        sim_expect(report, wrong == 0, "%lld entries are wrong", (long long)wrong);
    }
    tuff_result *result = NULL;
    bool ok = tuff_query(conn, "PRAGMA integrity_check", &result) == TUFF_OK &&
              tuff_next(result) == TUFF_ROW && strcmp(tuff_get_text(result, 0, NULL), "ok") == 0;
    sim_expect(report, ok, "integrity check: %s",
               result && ok ? tuff_get_text(result, 0, NULL) : tuff_conn_error(conn)->message);
    tuff_result_close(result);
    tuff_disconnect(conn);
    sim_expect(report, tuff_close(db) == TUFF_OK, "the database does not close");
    return BASE_MAX(last, acknowledged);
}

/* Reads what the child says until `milliseconds` have passed; the newest entry. */
static int64_t listen_for(int pipe_end, int64_t milliseconds, int64_t newest)
{
    os_environment *environment = os_posix_environment();
    int64_t end = environment->monotonic_clock(environment) + milliseconds * 1000000;
    for (;;) {
        int64_t left = (end - environment->monotonic_clock(environment)) / 1000000;
        struct pollfd waiting = {.fd = pipe_end, .events = POLLIN};
        if (left < 0 || poll(&waiting, 1, (int)left) <= 0)
            return newest;
        int64_t n;
        if (read(pipe_end, &n, sizeof n) != sizeof n)
            return newest;
        newest = n;
    }
}

int main(void)
{
    sim_report report = {.part = "kill -9"};
    char folder[] = "/tmp/tuff-kill-XXXXXX", path[64], log[80];
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/a.tuff", folder);
    snprintf(log, sizeof log, "%s-wal", path);
    uint64_t count = sim_seed_count(50);
    int64_t acknowledged = 0;
    for (uint64_t i = 0, seed = sim_first_seed(); i < count; i++, seed++) {
        int ends[2];
        report.seed = seed;
        if (pipe(ends) != 0)
            return 1;
        pid_t process = fork();
        if (process == 0) {
            close(ends[0]);
            child(path, ends[1], seed);
        }
        close(ends[1]);
        acknowledged = listen_for(ends[0], 5 + (int64_t)(base_hash_u64(seed) % 150), acknowledged);
        kill(process, SIGKILL);
        acknowledged = listen_for(ends[0], 10000, acknowledged); /* what is in the pipe */
        close(ends[0]);
        int outcome;
        waitpid(process, &outcome, 0);
        sim_expect(&report, WIFSIGNALED(outcome), "the child ended by itself");
        acknowledged = expect_all(&report, path, acknowledged);
    }
    printf("processes killed: %llu, transactions acknowledged: %lld\n", (unsigned long long)count,
           (long long)acknowledged);
    unlink(path);
    unlink(log);
    rmdir(folder);
    return sim_finish(&report);
}
