/*
 * test_fast_path.c - the tuple path and the pipelines side by side: two databases get the same
 * random statements, one with `fast_path` on and one with it off, and must give the same rows,
 * the same errors, the same counts, and hold the same tables in the end.
 */
#include "unit/unit.h"
#include "tuff.h"

enum {
    STATEMENTS = 60000,
    STATEMENTS_ON_FILES = 4000,
    SIDES = 2,
    TEXT_SIZE = 1 << 16,
};

typedef struct side {
    tuff_db *db;
    tuff_conn *conn;
} side;

typedef struct parameter {
    int kind; /* 0 NULL, 1 integer, 2 text */
    int64_t integer;
    char text[48];
} parameter;

typedef struct shape {
    const char *sql;
    const char *parameters; /* i: id or NULL, I: id, v: value, t: text, n: small number */
    bool ordered;           /* the statement gives its rows an order */
} shape;

static const shape shapes[] = {
    {"SELECT * FROM t WHERE id = ?", "i", true},
    {"SELECT a + 1, upper(b), c * 2 FROM t WHERE id = ? AND a > ?", "iv", true},
    {"SELECT id, b FROM t WHERE id IN (?, ?, ?, 7)", "iii", false},
    {"SELECT id FROM t WHERE u = ?", "v", true},
    {"SELECT id, a, b FROM t WHERE a = ?", "v", false},
    {"SELECT id, a FROM t WHERE a BETWEEN ? AND ? ORDER BY a, id", "vv", true},
    {"SELECT id, a FROM t WHERE a >= ? ORDER BY a, id LIMIT ?", "vn", true},
    {"SELECT t.id, d.name FROM t JOIN d ON d.id = t.d WHERE t.id = ?", "i", true},
    {"SELECT t.id, d.name FROM t LEFT JOIN d ON d.id = t.d WHERE t.id IN (?, ?)", "ii", false},
    {"SELECT id FROM t WHERE id = ? AND EXISTS (SELECT 1 FROM d WHERE d.id = t.d)", "i", true},
    {"SELECT ? + 1, coalesce(?, 'none')", "vt", true},
    {"SELECT CASE WHEN a IS NULL THEN 'n' ELSE b END FROM t WHERE id = ? LIMIT ? OFFSET ?", "inn",
     true},
    {"INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", "ivtvvn", true},
    {"INSERT INTO t (id, a, u) VALUES (?, ?, ?), (?, ?, ?)", "IvvIvv", true},
    {"INSERT INTO t (id, a, u) VALUES (?, ?, ?) RETURNING id, a, c, u", "ivv", true},
    {"INSERT OR IGNORE INTO t (id, a, u) VALUES (?, ?, ?)", "ivv", true},
    {"INSERT OR REPLACE INTO t (id, a, b, u) VALUES (?, ?, ?, ?)", "ivtv", true},
    {"INSERT INTO d VALUES (?, ?)", "nt", true},
    {"UPDATE t SET a = a + 1, b = ? WHERE id = ?", "ti", true},
    {"UPDATE t SET c = c * 2, a = NULL WHERE id IN (?, ?) RETURNING id, a, c", "ii", false},
    {"UPDATE t SET u = ? WHERE id = ?", "vi", true},
    {"UPDATE OR IGNORE t SET u = ? WHERE id IN (?, ?)", "vii", true},
    {"UPDATE OR REPLACE t SET u = ? WHERE id IN (?, ?)", "vii", true},
    {"UPDATE t SET a = ? WHERE u = ?", "vv", true},
    {"UPDATE t SET id = id + 1000 WHERE id = ?", "i", true},
    {"DELETE FROM t WHERE id = ?", "i", true},
    {"DELETE FROM t WHERE u = ? RETURNING id, b", "v", true},
    {"DELETE FROM t WHERE id IN (?, ?) AND a > ?", "iiv", true},
    {"DELETE FROM d WHERE id = ?", "n", true},
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void run(side *self, const char *sql)
{
    if (tuff_exec(self->conn, sql, NULL) != TUFF_OK)
        fail_msg("%s: %s", sql, tuff_conn_error(self->conn)->message);
}

static void start(side *self, bool fast, const char *dsn)
{
    assert_int_equal(tuff_open(dsn, &self->db), TUFF_OK);
    assert_int_equal(tuff_connect(self->db, &self->conn), TUFF_OK);
    run(self, "SET sync_mode = none");
    run(self, fast ? "SET fast_path = on" : "SET fast_path = off");
    run(self, "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c DECIMAL(10,2) DEFAULT "
              "1.5, u INTEGER UNIQUE, d INTEGER CHECK (d < 90), CHECK (a < 95))");
    run(self, "CREATE TABLE d (id INTEGER PRIMARY KEY, name TEXT NOT NULL)");
    run(self, "CREATE INDEX t_a ON t (a)");
}

static void stop(side *self)
{
    tuff_disconnect(self->conn);
    assert_int_equal(tuff_close(self->db), TUFF_OK);
}

static parameter random_parameter(char kind, uint64_t *state)
{
    static const char *const texts[] = {"", "x", "some text", "a text that does not lie inline"};
    parameter made = {.kind = 1, .integer = (int64_t)(next_random(state) % 100)};
    if (kind == 'i' || kind == 'I')
        made.integer = (int64_t)(next_random(state) % 60);
    if (kind == 'n')
        made.integer = (int64_t)(next_random(state) % 5);
    if (kind == 't') {
        made.kind = 2;
        snprintf(made.text, sizeof made.text, "%s", texts[next_random(state) % 4]);
    }
    if (next_random(state) % 12 == 0 && kind != 'n' && kind != 'I')
        made.kind = 0;
    return made;
}

static void bind(tuff_stmt *statement, const parameter *parameters, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        tuff_status status = parameters[i].kind == 0 ? tuff_bind_null(statement, i + 1)
                             : parameters[i].kind == 1
                                 ? tuff_bind_int64(statement, i + 1, parameters[i].integer)
                                 : tuff_bind_text(statement, i + 1, parameters[i].text, -1);
        assert_int_equal(status, TUFF_OK);
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Status, rows and counts of one run as text. */
static void outcome(side *self, tuff_stmt *statement, bool ordered, char *text)
{
    enum {
        LINES = 400,
        LINE = 128
    };
    static char lines[LINES][LINE];
    uint32_t count = 0;
    size_t length = 0;
    tuff_result *result = NULL;
    tuff_status status = tuff_execute(statement, &result);
    while (status == TUFF_OK && (status = tuff_next(result)) == TUFF_ROW) {
        assert_true(count < LINES);
        size_t at = 0;
        for (uint32_t i = 0; i < tuff_column_count(result); i++) {
            const char *value = tuff_get_text(result, i, NULL);
            at += (size_t)snprintf(lines[count] + at, LINE - at, "%s|", value ? value : "NULL");
            assert_true(at < LINE);
        }
        count++;
        status = TUFF_OK;
    }
    bool done = status == TUFF_DONE || status == TUFF_OK;
    length += (size_t)snprintf(text, TEXT_SIZE, "%d %s %lld\n", done ? 0 : (int)status,
                               done ? "" : tuff_conn_error(self->conn)->message,
                               done ? (long long)tuff_rows_affected(result) : 0);
    if (!ordered)
        qsort(lines, count, LINE, compare_lines);
    for (uint32_t i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, TEXT_SIZE - length, "%s\n", lines[i]);
    assert_true(length < TEXT_SIZE);
    tuff_reset(statement);
}

/* `dsns`: where the two sides lie; with files, rows are moved to volumes now and then. */
static void compare_paths(const char *const *dsns, uint32_t count_of_statements)
{
    side sides[SIDES];
    tuff_stmt *statements[SIDES][BASE_COUNT_OF(shapes)];
    char texts[SIDES][TEXT_SIZE];
    uint64_t state = 424242;
    uint32_t failures = 0;
    for (uint32_t s = 0; s < SIDES; s++) {
        start(&sides[s], s == 0, dsns ? dsns[s] : "memory://");
        for (uint32_t i = 0; i < BASE_COUNT_OF(shapes); i++)
            if (tuff_prepare(sides[s].conn, shapes[i].sql, -1, &statements[s][i], NULL) != TUFF_OK)
                fail_msg("%s: %s", shapes[i].sql, tuff_conn_error(sides[s].conn)->message);
    }
    for (uint32_t n = 0; n < count_of_statements; n++) {
        uint32_t which = (uint32_t)(next_random(&state) % BASE_COUNT_OF(shapes));
        uint32_t count = (uint32_t)strlen(shapes[which].parameters);
        parameter parameters[8];
        for (uint32_t i = 0; i < count; i++)
            parameters[i] = random_parameter(shapes[which].parameters[i], &state);
        /* Statements run alone and inside transactions, which end either way. */
        const char *control = n % 40 == 10   ? "BEGIN"
                              : n % 40 == 20 ? (n % 80 == 20 ? "COMMIT" : "ROLLBACK")
                                             : NULL;
        if (dsns && n % 1000 == 25)
            control = "CHECKPOINT";
        for (uint32_t s = 0; s < SIDES; s++) {
            if (control)
                run(&sides[s], control);
            bind(statements[s][which], parameters, count);
            outcome(&sides[s], statements[s][which], shapes[which].ordered, texts[s]);
        }
        failures += texts[0][0] != '0';
        /* Of two rows that are refused for different reasons either may come first. */
        bool both_failed = texts[0][0] != '0' && texts[1][0] != '0';
        if (both_failed && strstr(shapes[which].sql, "), ("))
            continue;
        if (strcmp(texts[0], texts[1]) != 0)
            fail_msg("statement %u: %s\nfast:\n%s\npipelines:\n%s", n, shapes[which].sql, texts[0],
                     texts[1]);
    }
    assert_true(failures > 100); /* refusals were compared as well */
    for (uint32_t s = 0; s < SIDES; s++) {
        for (uint32_t i = 0; i < BASE_COUNT_OF(shapes); i++)
            tuff_finalize(statements[s][i]);
        tuff_stmt *all;
        assert_int_equal(tuff_prepare(sides[s].conn,
                                      "SELECT count(*), sum(id), sum(a), sum(c), sum(u), "
                                      "min(b), max(b) FROM t",
                                      -1, &all, NULL),
                         TUFF_OK);
        outcome(&sides[s], all, true, texts[s]);
        tuff_finalize(all);
        stop(&sides[s]);
    }
    assert_string_equal(texts[0], texts[1]);
}

static void both_paths_give_the_same(void **test)
{
    (void)test;
    compare_paths(NULL, STATEMENTS);
}

static void both_paths_give_the_same_on_files(void **test)
{
    (void)test;
    char folder[] = "/tmp/tuff-fast-path-XXXXXX";
    char names[SIDES][64];
    assert_non_null(mkdtemp(folder));
    for (uint32_t s = 0; s < SIDES; s++)
        snprintf(names[s], sizeof names[s], "%s/side%u.tuff", folder, s);
    compare_paths((const char *const[]){names[0], names[1]}, STATEMENTS_ON_FILES);
    for (uint32_t s = 0; s < SIDES; s++)
        assert_int_equal(remove(names[s]), 0);
    assert_int_equal(remove(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_paths_give_the_same),
        cmocka_unit_test(both_paths_give_the_same_on_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
