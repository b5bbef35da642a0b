/*
 * isolation.c - the thirteen anomaly scripts (and two more), at READ COMMITTED and SNAPSHOT.
 *
 * Each script is a list of steps of two or three sessions, run by one thread per session. The
 * driver hands out steps in order; a step that waits for a lock is left waiting while the other
 * sessions go on, and must end once the session that it waits for has ended. A step that is
 * refused with a conflict ends its session: it rolls back and leaves its later steps out. What
 * the sessions saw is kept per step, and the script's check says whether it was allowed.
 *
 * Rules and names: the anomalies are those of Adya and of Berenson et al.; the same set is tested
 * by the Hermitage project. Prints "N passed, M failed, K skipped" last.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tuff.h"

enum {
    SESSIONS = 3,
    STEPS = 16,
    SEEN = 256,
    WAIT_MILLISECONDS = 120, /* longer than any step that does not wait */
    LIMIT_SECONDS = 6,
};

typedef enum level {
    RC,
    SI
} level;

typedef struct step {
    int session; /* 1..3; 0: the end */
    const char *sql;
} step;

typedef struct outcome {
    char seen[STEPS][SEEN]; /* "1=10 2=20", or an error's name */
    bool refused[STEPS];
    bool left_out[STEPS];
    bool committed[SESSIONS + 1];
    char final[SEEN];
    bool hung;
} outcome;

typedef struct script {
    const char *name;
    step steps[STEPS];
    /* NULL: allowed; else what was wrong. */
    const char *(*check)(const outcome *seen, level at);
} script;

/* ---- Sessions ------------------------------------------------------------------------------- */

typedef struct session {
    tuff_conn *conn;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const char *sql; /* the step to run; NULL: idle */
    bool quit;
    tuff_status status;
    char seen[SEEN];
} session;

static void describe(tuff_result *result, char *seen)
{
    size_t used = 0;
    seen[0] = '\0';
    while (tuff_next(result) == TUFF_ROW) {
        int length =
            snprintf(seen + used, SEEN - used, "%s%lld=%lld", used ? " " : "",
                     (long long)tuff_get_int64(result, 0), (long long)tuff_get_int64(result, 1));
        if (length < 0 || used + (size_t)length >= SEEN)
            break;
        used += (size_t)length;
    }
}

static void *run_session(void *argument)
{
    session *self = argument;
    pthread_mutex_lock(&self->mutex);
    while (!self->quit) {
        if (!self->sql) {
            pthread_cond_wait(&self->changed, &self->mutex);
            continue;
        }
        const char *sql = self->sql;
        pthread_mutex_unlock(&self->mutex);
        tuff_result *result = NULL;
        char seen[SEEN] = "";
        tuff_status status = tuff_query(self->conn, sql, &result);
        if (status == TUFF_OK) {
            describe(result, seen);
            tuff_result_close(result);
        } else {
            (void)snprintf(seen, sizeof seen, "%s", tuff_status_name(status));
        }
        pthread_mutex_lock(&self->mutex);
        memcpy(self->seen, seen, sizeof seen);
        self->status = status;
        self->sql = NULL;
        pthread_cond_broadcast(&self->changed);
    }
    pthread_mutex_unlock(&self->mutex);
    return NULL;
}

/* True when the session is idle again within the time. */
static bool wait_idle(session *self, long milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&self->mutex);
    while (self->sql && pthread_cond_timedwait(&self->changed, &self->mutex, &until) == 0) {
    }
    bool idle = self->sql == NULL;
    pthread_mutex_unlock(&self->mutex);
    return idle;
}

static void start(session *self, const char *sql)
{
    pthread_mutex_lock(&self->mutex);
    self->sql = sql;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->mutex);
}

/* ---- One script ---- */

typedef struct driver {
    session sessions[SESSIONS + 1];
    int pending[SESSIONS + 1]; /* step that waits, or -1 */
    bool over[SESSIONS + 1];   /* refused, committed or rolled back */
    outcome *out;
    const script *script;
} driver;

static bool ends(const char *sql)
{
    return strcmp(sql, "COMMIT") == 0 || strcmp(sql, "ROLLBACK") == 0;
}

/* Takes over what the session's finished step gave. */
static void settle(driver *self, int number)
{
    session *who = &self->sessions[number];
    int at = self->pending[number];
    self->pending[number] = -1;
    memcpy(self->out->seen[at], who->seen, SEEN);
    const char *sql = self->script->steps[at].sql;
    if (who->status != TUFF_OK) {
        self->out->refused[at] = true;
        self->over[number] = true;
        start(who, "ROLLBACK");
        (void)wait_idle(who, LIMIT_SECONDS * 1000);
    } else if (ends(sql)) {
        self->over[number] = true;
        self->out->committed[number] = strcmp(sql, "COMMIT") == 0;
    }
}

static void settle_all(driver *self)
{
    for (int i = 1; i <= SESSIONS; i++) {
        if (self->pending[i] >= 0 && wait_idle(&self->sessions[i], 0))
            settle(self, i);
    }
}

/* A session must have ended its waiting step before its next one. */
static bool finish_pending(driver *self, int number)
{
    if (self->pending[number] < 0)
        return true;
    if (!wait_idle(&self->sessions[number], LIMIT_SECONDS * 1000))
        return false;
    settle(self, number);
    return true;
}

/* The next steps whose session is not waiting; those of a waiting session are held back. */
static void run_steps(driver *self)
{
    bool done[STEPS] = {false};
    const step *steps = self->script->steps;
    int left = 0;
    while (left < STEPS && steps[left].session)
        left++;
    int count = left;
    while (left > 0 && !self->out->hung) {
        bool progress = false;
        bool held[SESSIONS + 1] = {false};
        for (int i = 0; i < count; i++) {
            int number = steps[i].session;
            if (done[i] || held[number])
                continue;
            if (self->pending[number] >= 0) {
                held[number] = true; /* in order within a session */
                continue;
            }
            done[i] = progress = true;
            left--;
            if (self->over[number]) {
                self->out->left_out[i] = true;
                break;
            }
            self->pending[number] = i;
            start(&self->sessions[number], steps[i].sql);
            (void)wait_idle(&self->sessions[number], WAIT_MILLISECONDS);
            settle_all(self);
            break;
        }
        if (!progress) { /* all that is left waits: one of them must come back */
            for (int i = 1; i <= SESSIONS && !progress; i++)
                progress = self->pending[i] >= 0 && finish_pending(self, i);
            self->out->hung = !progress;
        }
    }
    for (int i = 1; i <= SESSIONS; i++) {
        if (!finish_pending(self, i))
            self->out->hung = true;
    }
}

static int fatal(const char *what)
{
    (void)fprintf(stderr, "isolation: %s\n", what);
    exit(2);
}

static void run_script(const script *script, level at, outcome *out)
{
    tuff_db *db;
    tuff_conn *setup;
    driver *self = calloc(1, sizeof *self);
    memset(out, 0, sizeof *out);
    if (!self || tuff_open("memory://", &db) || tuff_connect(db, &setup) ||
        tuff_exec(setup,
                  "CREATE TABLE test (id INTEGER PRIMARY KEY, value INTEGER);"
                  "INSERT INTO test VALUES (1, 10), (2, 20)",
                  NULL))
        fatal("cannot set up");
    self->script = script;
    self->out = out;
    for (int i = 1; i <= SESSIONS; i++) {
        session *who = &self->sessions[i];
        self->pending[i] = -1;
        pthread_mutex_init(&who->mutex, NULL);
        pthread_cond_init(&who->changed, NULL);
        if (tuff_connect(db, &who->conn) ||
            tuff_begin(who->conn, at == SI ? TUFF_SNAPSHOT : TUFF_READ_COMMITTED, false) ||
            pthread_create(&who->thread, NULL, run_session, who))
            fatal("cannot start a session");
    }
    run_steps(self);
    for (int i = 1; i <= SESSIONS; i++) {
        session *who = &self->sessions[i];
        if (out->hung)
            tuff_interrupt(who->conn);
        pthread_mutex_lock(&who->mutex);
        who->quit = true;
        pthread_cond_broadcast(&who->changed);
        pthread_mutex_unlock(&who->mutex);
        pthread_join(who->thread, NULL);
        pthread_mutex_destroy(&who->mutex);
        pthread_cond_destroy(&who->changed);
        tuff_disconnect(who->conn);
    }
    tuff_result *result;
    if (tuff_query(setup, "SELECT id, value FROM test ORDER BY id", &result))
        fatal("cannot read the end state");
    describe(result, out->final);
    tuff_result_close(result);
    tuff_disconnect(setup);
    if (tuff_close(db))
        fatal("cannot close");
    free(self);
}

/* ---- Checks ---- */

static bool saw(const outcome *seen, int at, const char *text)
{
    return strcmp(seen->seen[at], text) == 0;
}
static bool contains(const outcome *seen, int at, const char *text)
{
    return !seen->refused[at] && strstr(seen->seen[at], text) != NULL;
}

static const char *check_g0(const outcome *seen, level at)
{
    (void)at;
    bool mixed = strcmp(seen->final, "1=11 2=22") == 0 || strcmp(seen->final, "1=12 2=21") == 0;
    return mixed ? "the writes of two transactions are mixed" : NULL;
}
static const char *check_g1a(const outcome *seen, level at)
{
    (void)at;
    return contains(seen, 1, "=101") || contains(seen, 3, "=101") ? "an aborted write was read"
                                                                  : NULL;
}
static const char *check_g1b(const outcome *seen, level at)
{
    if (contains(seen, 1, "=101") || contains(seen, 4, "=101"))
        return "an intermediate write was read";
    if (!saw(seen, 4, at == RC ? "1=11 2=20" : "1=10 2=20"))
        return "the second read is of the wrong time";
    return NULL;
}
static const char *check_g1c(const outcome *seen, level at)
{
    (void)at;
    return contains(seen, 2, "=22") || contains(seen, 3, "=11") ? "uncommitted writes were read"
                                                                : NULL;
}
static const char *check_otv(const outcome *seen, level at)
{
    (void)at;
    bool first_11 = contains(seen, 4, "=11");
    if (contains(seen, 4, "=12") || contains(seen, 6, "=18"))
        return "uncommitted writes were read";
    if (first_11 && contains(seen, 6, "=20"))
        return "a transaction was seen by half";
    if (contains(seen, 8, "=18") && contains(seen, 9, "=11"))
        return "a transaction vanished";
    return NULL;
}
static const char *check_pmp(const outcome *seen, level at)
{
    return at == SI && contains(seen, 3, "3=30") ? "a phantom appeared" : NULL;
}
static const char *check_pmp_write(const outcome *seen, level at)
{
    if (at == RC || !seen->committed[2])
        return NULL;
    bool right = strcmp(seen->final, "1=20 2=30") == 0 || strcmp(seen->final, "1=20") == 0;
    return right ? "the delete did not follow its snapshot and was not refused"
                 : "the delete took rows that it did not see";
}
static const char *check_both_commit(const outcome *seen, level at)
{
    return at == SI && seen->committed[1] && seen->committed[2] ? "an update was lost" : NULL;
}
static const char *check_read_skew(const outcome *seen, level at)
{
    return at == SI && contains(seen, 0, "=10") && contains(seen, 6, "=18") ? "reads are skewed"
                                                                            : NULL;
}
static const char *check_predicate_skew(const outcome *seen, level at)
{
    return at == SI && !seen->refused[3] && !saw(seen, 3, "") ? "a changed row was read" : NULL;
}
static const char *check_predicate_write(const outcome *seen, level at)
{
    return at == SI && seen->committed[1] ? "the delete was not refused" : NULL;
}
static const char *check_nothing(const outcome *seen, level at)
{
    (void)seen;
    (void)at;
    return NULL; /* write skew is allowed below SERIALIZABLE */
}
static const char *check_deadlock(const outcome *seen, level at)
{
    (void)at;
    if (seen->committed[1] && seen->committed[2])
        return "both went through";
    return seen->committed[1] || seen->committed[2] ? NULL : "both were refused";
}

#define ALL "SELECT id, value FROM test ORDER BY id"
#define R(id) "SELECT id, value FROM test WHERE id = " #id
#define P(predicate) "SELECT id, value FROM test WHERE " predicate " ORDER BY id"
#define W(id, v) "UPDATE test SET value = " #v " WHERE id = " #id
#define C "COMMIT"
#define A "ROLLBACK"

static const script scripts[] = {
    {"G0 write cycle",
     {{1, W(1, 11)}, {2, W(1, 12)}, {1, W(2, 21)}, {1, C}, {2, W(2, 22)}, {2, C}},
     check_g0},
    {"G1a aborted read", {{1, W(1, 101)}, {2, ALL}, {1, A}, {2, ALL}, {2, C}}, check_g1a},
    {"G1b intermediate read",
     {{1, W(1, 101)}, {2, ALL}, {1, W(1, 11)}, {1, C}, {2, ALL}, {2, C}},
     check_g1b},
    {"G1c circular flow",
     {{1, W(1, 11)}, {2, W(2, 22)}, {1, R(2)}, {2, R(1)}, {1, C}, {2, C}},
     check_g1c},
    {"OTV observed transaction vanishes",
     {{1, W(1, 11)},
      {1, W(2, 19)},
      {2, W(1, 12)},
      {1, C},
      {3, R(1)},
      {2, W(2, 18)},
      {3, R(2)},
      {2, C},
      {3, R(2)},
      {3, R(1)},
      {3, C}},
     check_otv},
    {"PMP predicate reads",
     {{1, P("value = 30")},
      {2, "INSERT INTO test VALUES (3, 30)"},
      {2, C},
      {1, P("value % 3 = 0")},
      {1, C}},
     check_pmp},
    {"PMP for a write predicate",
     {{2, R(1)}, /* takes the snapshot */
      {1, "UPDATE test SET value = value + 10"},
      {2, "DELETE FROM test WHERE value = 20"},
      {1, C},
      {2, P("value = 20")},
      {2, C}},
     check_pmp_write},
    {"P4 lost update",
     {{1, R(1)}, {2, R(1)}, {1, W(1, 11)}, {2, W(1, 11)}, {1, C}, {2, C}},
     check_both_commit},
    {"G-single read skew",
     {{1, R(1)}, {2, R(1)}, {2, R(2)}, {2, W(1, 12)}, {2, W(2, 18)}, {2, C}, {1, R(2)}, {1, C}},
     check_read_skew},
    {"G-single by predicate",
     {{1, P("value % 5 = 0")},
      {2, "UPDATE test SET value = 12 WHERE value = 10"},
      {2, C},
      {1, P("value % 3 = 0")},
      {1, C}},
     check_predicate_skew},
    {"G-single, write by predicate",
     {{1, R(1)},
      {2, ALL},
      {2, W(1, 12)},
      {2, W(2, 18)},
      {2, C},
      {1, "DELETE FROM test WHERE value = 20"},
      {1, C}},
     check_predicate_write},
    {"G2-item write skew",
     {{1, P("id IN (1, 2)")}, {2, P("id IN (1, 2)")}, {1, W(1, 11)}, {2, W(2, 21)}, {1, C}, {2, C}},
     check_nothing},
    {"G2 by predicate",
     {{1, P("value % 3 = 0")},
      {2, P("value % 3 = 0")},
      {1, "INSERT INTO test VALUES (3, 30)"},
      {2, "INSERT INTO test VALUES (4, 42)"},
      {1, C},
      {2, C}},
     check_nothing},
    {"deadlock",
     {{1, W(1, 11)}, {2, W(2, 22)}, {1, W(2, 21)}, {2, W(1, 12)}, {1, C}, {2, C}},
     check_deadlock},
    {"two inserts of one key",
     {{1, "INSERT INTO test VALUES (5, 1)"}, {2, "INSERT INTO test VALUES (5, 2)"}, {1, C}, {2, C}},
     check_deadlock},
};

/* Rules for all scripts: no hang, a reader is never refused at READ COMMITTED, somebody
 * commits, and a conflict is the only reason to be refused. */
static const char *check_rules(const script *script, const outcome *seen, level at)
{
    if (seen->hung)
        return "a step never came back";
    bool somebody = false;
    for (int i = 1; i <= SESSIONS; i++)
        somebody |= seen->committed[i];
    if (!somebody)
        return "no session committed";
    for (int i = 0; i < STEPS && script->steps[i].session; i++) {
        if (!seen->refused[i])
            continue;
        if (at == RC && strncmp(script->steps[i].sql, "SELECT", 6) == 0)
            return "a reader was refused at READ COMMITTED";
        if (strcmp(seen->seen[i], "SERIALIZATION") != 0 && strcmp(seen->seen[i], "DEADLOCK") != 0 &&
            strcmp(seen->seen[i], "UNIQUE_VIOLATION") != 0)
            return "refused for another reason than a conflict";
    }
    return NULL;
}

static void print_trace(const script *script, const outcome *seen)
{
    for (int i = 0; i < STEPS && script->steps[i].session; i++)
        printf("    T%d: %-50s %s\n", script->steps[i].session, script->steps[i].sql,
               seen->left_out[i] ? "(left out)" : seen->seen[i]);
    printf("    at the end: %s\n", seen->final);
}

int main(void)
{
    int passed = 0, failed = 0;
    static outcome seen;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        for (level at = RC; at <= SI; at++) {
            run_script(&scripts[i], at, &seen);
            const char *wrong = check_rules(&scripts[i], &seen, at);
            if (!wrong)
                wrong = scripts[i].check(&seen, at);
            if (!wrong) {
                passed++;
                continue;
            }
            failed++;
            printf("%s at %s: %s\n", scripts[i].name, at == RC ? "READ COMMITTED" : "SNAPSHOT",
                   wrong);
            print_trace(&scripts[i], &seen);
        }
    }
    printf("%d passed, %d failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
