/*
 * bench_operations.c - the 53 small operations of Stoolap's own benchmark, in memory.
 *
 * They are measured two ways: as they stand, and with one untimed update of a row of each table
 * before every execution, so that nothing kept from the last one can be handed out again. The
 * answers are compared with SQLite's first: rows and values, or only their number where a LIMIT
 * without a total order leaves the choice free; after writes, the counts and sums of both tables.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    USERS = 10000,
    ORDERS = 30000,
};

static bench_value integer(uint64_t number)
{
    return (bench_value){.kind = BENCH_INTEGER, .integer = (int64_t)number};
}

static bench_value real(double number)
{
    return (bench_value){.kind = BENCH_REAL, .real = number};
}

static bench_value text(char *buffer, size_t size, const char *prefix, unsigned long long number)
{
    return (bench_value){.kind = BENCH_TEXT,
                         .text = buffer,
                         .length = (size_t)snprintf(buffer, size, "%s%llu", prefix, number)};
}

static void fill_user(uint64_t id, bench_value *values)
{
    static char name[32], mail[48], created[32];
    uint64_t random = bench_mix(id);
    values[0] = integer(id);
    values[1] = text(name, sizeof name, "User_", id);
    values[2] = text(mail, sizeof mail, "user", id);
    values[2].length +=
        (size_t)snprintf(mail + values[2].length, sizeof mail - values[2].length, "@example.com");
    values[3] = integer(18 + random % 62);
    values[4] = real((double)(random >> 8) / (double)(UINT64_MAX >> 8) * 100000);
    values[5] = (bench_value){.kind = BENCH_BOOLEAN, .integer = (int64_t)(random >> 7 & 1)};
    values[6] = (bench_value){
        .kind = BENCH_TEXT,
        .text = created,
        .length = (size_t)snprintf(created, sizeof created, "2024-%02u-%02u 10:00:00",
                                   (unsigned)(random % 12) + 1, (unsigned)(random % 28) + 1)};
}

static void fill_order(uint64_t id, bench_value *values)
{
    static const char *const statuses[4] = {"pending", "completed", "shipped", "cancelled"};
    static char date[16];
    uint64_t random = bench_mix(id + 1000000);
    values[0] = integer(id);
    values[1] = integer(1 + random % USERS);
    values[2] = real(10 + (double)(random >> 40) / (double)(UINT64_MAX >> 40) * 990);
    const char *status = statuses[random >> 20 & 3];
    values[3] = (bench_value){.kind = BENCH_TEXT, .text = status, .length = strlen(status)};
    values[4] = (bench_value){.kind = BENCH_TEXT,
                              .text = date,
                              .length = (size_t)snprintf(date, sizeof date, "2024-%02u-%02u",
                                                         (unsigned)(random % 12) + 1,
                                                         (unsigned)(random % 28) + 1)};
}

static void user_row(void *context, uint64_t row, bench_value *values)
{
    fill_user(row + 1, values);
}

static void order_row(void *context, uint64_t row, bench_value *values)
{
    fill_order(row + 1, values);
}

/* ---- Values by operation ------------------------------------------------------------------ */

static void value_id(uint64_t number, bench_value *values)
{
    values[0] = integer(1 + bench_mix(number) % USERS);
}

static void value_age(uint64_t number, bench_value *values)
{
    values[0] = integer(18 + number % 62);
}

static void value_update(uint64_t number, bench_value *values)
{
    values[0] = real((double)(number % 1000) * 10);
    values[1] = integer(1 + bench_mix(number) % USERS);
}

static void value_update_many(uint64_t number, bench_value *values)
{
    values[0] = real((double)(number % 1000) * 10);
}

static void value_insert_user(uint64_t number, bench_value *values)
{
    fill_user(100000 + number, values);
}

static void value_insert_order(uint64_t number, bench_value *values)
{
    fill_order(100000 + number, values);
}

/* Rows that "INSERT single" added. */
static void value_delete(uint64_t number, bench_value *values)
{
    values[0] = integer(100000 + number);
}

static const struct special {
    const char *name;
    uint32_t parameters, repeats;
    void (*values)(uint64_t number, bench_value *values);
    const char *sql; /* NULL: as in the file */
} specials[] = {
    {"SELECT by ID", 1, 1, value_id, NULL},
    {"SELECT by index (exact)", 1, 1, value_age, NULL},
    {"UPDATE by ID", 2, 1, value_update, NULL},
    {"UPDATE complex", 1, 1, value_update_many, NULL},
    {"INSERT single", 7, 1, value_insert_user, NULL},
    {"DELETE by ID", 1, 1, value_delete, NULL},
    {"Batch INSERT (100 rows)", 5, 100, value_insert_order,
     "INSERT INTO orders (id, user_id, amount, status, order_date) VALUES ($1, $2, $3, $4, $5)"},
};

/* ---- Comparison --------------------------------------------------------------------------- */

static bool answer(bench_engine *engine, const char *sql, const bench_value *values, uint32_t count,
                   bench_sink *sink)
{
    void *statement = engine->prepare(engine, sql);
    bench_sink_reset(sink);
    sink->keep = true;
    bool good = statement && engine->run(engine, statement, values, count, sink);
    if (statement)
        engine->finalize(engine, statement);
    return good;
}

/* Compares the answers to `sql` with SQLite's (or the first engine that there is). */
static void compare(bench_run *run, bench_result *result, const char *sql,
                    const bench_value *values, uint32_t count, bool rows_only)
{
    static const int order[BENCH_ENGINES] = {1, 2, 3, 0};
    bench_sink expected = {0}, actual = {0};
    bool have_expected = false;
    for (int turn = 0; turn < BENCH_ENGINES; turn++) {
        int i = order[turn];
        if (!bench_engines[i]->available || result->note[i][0])
            continue;
        bench_sink *sink = have_expected ? &actual : &expected;
        if (!answer(bench_engines[i], sql, values, count, sink)) {
            (void)snprintf(result->note[i], sizeof result->note[i], "%.90s",
                           bench_engines[i]->problem);
            run->differences += i == 0;
            continue;
        }
        bool agree = !have_expected ||
                     (rows_only ? expected.rows == actual.rows
                                : bench_results_agree(&expected, &actual, false, result->note[i],
                                                      sizeof result->note[i]));
        if (!agree) {
            if (rows_only)
                (void)snprintf(result->note[i], sizeof result->note[i], "%llu rows, not %llu",
                               (unsigned long long)actual.rows, (unsigned long long)expected.rows);
            result->wrong[i] = true;
            run->differences += i == 0;
        }
        have_expected = true;
    }
    bench_sink_free(&expected);
    bench_sink_free(&actual);
}

/* ---- Running ------------------------------------------------------------------------------ */

typedef struct touch {
    void *user, *order; /* prepared updates */
} touch;

static bool touch_tables(bench_engine *engine, void *context, uint64_t number)
{
    touch *updates = context;
    bench_sink sink = {0};
    bench_value values[2] = {real((double)(number % 90000)),
                             integer(1 + bench_mix(number + 3) % USERS)};
    if (!engine->run(engine, updates->user, values, 2, &sink))
        return false;
    values[0] = real(10 + (double)(number % 900));
    values[1].integer = (int64_t)(1 + bench_mix(number + 5) % ORDERS);
    return engine->run(engine, updates->order, values, 2, &sink);
}

static bool set_up(bench_engine *engine)
{
    static const char *const statements[] = {
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, age "
        "INTEGER NOT NULL, balance DOUBLE NOT NULL, active BOOLEAN NOT NULL, created_at "
        "TEXT NOT NULL)",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, amount DOUBLE NOT "
        "NULL, status TEXT NOT NULL, order_date TEXT NOT NULL)",
        "CREATE INDEX idx_users_age ON users (age)",
        "CREATE INDEX idx_users_active ON users (active)",
        "CREATE INDEX idx_orders_user ON orders (user_id)",
        "CREATE INDEX idx_orders_status ON orders (status)",
    };
    if (!engine->open(engine, NULL))
        return false;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (!engine->exec(engine, statements[i]))
            return false;
    }
    return engine->append(engine, "users", 7, USERS, user_row, NULL) &&
           engine->append(engine, "orders", 5, ORDERS, order_row, NULL);
}

static void run_line(bench_run *run, const char *group, char *line, touch *updates)
{
    char *name = strtok(line, "\t"), *iterations = strtok(NULL, "\t"), *kind = strtok(NULL, "\t");
    char *sql = strtok(NULL, "\t\n");
    if (!sql)
        return;
    bench_operation operation = {.sql = sql, .iterations = strtoull(iterations, NULL, 10)};
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        if (strcmp(specials[i].name, name) != 0)
            continue;
        operation.parameters = specials[i].parameters;
        operation.repeats = specials[i].repeats;
        operation.values = specials[i].values;
        if (specials[i].sql)
            operation.sql = specials[i].sql;
    }
    for (int i = 0; updates && i < BENCH_ENGINES; i++) {
        operation.before = touch_tables;
        operation.context[i] = &updates[i];
    }
    bench_result *result = bench_add_result(run, group, name);
    bool is_question = strncmp(sql, "SELECT", 6) == 0 || strncmp(sql, "WITH", 4) == 0;
    /* Writes run equally often everywhere, so that the tables stay equal. */
    double budget = run->budget;
    if (!is_question || updates)
        run->budget = 1e9;
    if (updates && operation.iterations > 50)
        operation.iterations = 50;
    if (is_question) {
        bench_value values[16];
        if (operation.values)
            operation.values(1, values);
        compare(run, result, operation.sql, values, operation.parameters,
                strcmp(kind, "rows") == 0);
    }
    char notes[BENCH_ENGINES][96];
    memcpy(notes, result->note, sizeof notes);
    for (int i = 0; i < BENCH_ENGINES; i++) {
        if (result->wrong[i]) /* a wrong answer is timed all the same, and marked */
            result->note[i][0] = '\0';
    }
    bench_measure(run, &operation, result);
    for (int i = 0; i < BENCH_ENGINES; i++) {
        if (result->wrong[i])
            memcpy(result->note[i], notes[i], sizeof notes[i]);
    }
    run->budget = budget;
    if (!is_question) {
        compare(run, result, "SELECT COUNT(*), SUM(id), SUM(balance) FROM users", NULL, 0, false);
        compare(run, result, "SELECT COUNT(*), SUM(id), SUM(amount) FROM orders", NULL, 0, false);
    }
    bench_print_result(result);
}

static bool run_all(bench_run *run, const char *path, const char *group, bool touched)
{
    static const char update_user[] = "UPDATE users SET balance = $1 WHERE id = $2";
    static const char update_order[] = "UPDATE orders SET amount = $1 WHERE id = $2";
    touch updates[BENCH_ENGINES] = {{NULL, NULL}};
    bool was_available[BENCH_ENGINES];
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    (void)printf("\n== %s\n", group);
    for (int i = 0; i < BENCH_ENGINES; i++) {
        bench_engine *engine = bench_engines[i];
        was_available[i] = engine->available;
        if (engine->available &&
            (!set_up(engine) || !(updates[i].user = engine->prepare(engine, update_user)) ||
             !(updates[i].order = engine->prepare(engine, update_order)))) {
            (void)printf("%s: %s\n", engine->name, engine->problem);
            engine->available = false;
        }
    }
    char line[4096];
    bool is_header = true;
    while (fgets(line, sizeof line, file)) {
        if (!is_header)
            run_line(run, group, line, touched ? updates : NULL);
        is_header = false;
    }
    (void)fclose(file);
    for (int i = 0; i < BENCH_ENGINES; i++) {
        bench_engine *engine = bench_engines[i];
        if (engine->available) {
            engine->finalize(engine, updates[i].user);
            engine->finalize(engine, updates[i].order);
            engine->close(engine);
        }
        engine->available = was_available[i];
    }
    return true;
}

bool bench_operations(bench_run *run)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/bench53/operations.tsv", run->shared);
    if (!run_all(run, path, "53 operations", false)) {
        (void)printf("skipped: 53 operations (no %s)\n", path);
        return true;
    }
    return run_all(run, path, "53 after an update", true);
}
