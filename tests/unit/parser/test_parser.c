/*
 * test_parser.c - the grammar: what parses, into which tree, and what the errors say.
 */
#include "unit/unit.h"
#include "parser/parser.h"
#include "parser/keyword.h"

typedef struct fixture {
    base_budget budget;
    base_arena arena;
    base_error error;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    unit_budget_init(&f->budget);
    base_arena_init(&f->arena, &f->budget);
    base_error_clear(&f->error);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    base_arena_destroy(&f->arena);
    unit_budget_check(&f->budget);
    free(f);
    return 0;
}

static parser_statement *parse_one(fixture *f, const char *sql)
{
    size_t offset = 0;
    parser_statement *statement = NULL;
    base_status status = parser_parse(base_text_of(sql), &offset, &f->arena, &statement, &f->error);
    if (status != BASE_OK)
        fail_msg("%s\n  %s at %d", sql, f->error.message, f->error.position);
    assert_non_null(statement);
    assert_int_equal(offset, strlen(sql));
    return statement;
}

static base_status parse_fails(fixture *f, const char *sql)
{
    size_t offset = 0;
    parser_statement *statement = NULL;
    base_error_clear(&f->error);
    base_status status = parser_parse(base_text_of(sql), &offset, &f->arena, &statement, &f->error);
    if (status == BASE_OK)
        fail_msg("should not parse: %s", sql);
    assert_null(statement);
    return status;
}

/* The expression of SELECT <text>. */
static parser_expr *expr_of(fixture *f, const char *text)
{
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT %s", text);
    size_t length = strlen(sql);
    char *copy = base_arena_copy_text(&f->arena, sql, length);
    assert_non_null(copy);
    return parse_one(f, copy)->query->select.items[0].expr;
}

/* A fully parenthesised form, for comparing trees. */
static void render(const parser_expr *expr, base_buffer *out)
{
    static const char *const comparisons[] = {"=", "<>", "<", "<=", ">", ">="};
    const char *between = " ";
    switch ((parser_expr_kind)expr->kind) {
    case PARSER_EXPR_NULL:
        base_buffer_append_text(out, "null");
        return;
    case PARSER_EXPR_BOOLEAN:
        base_buffer_append_text(out, expr->boolean ? "true" : "false");
        return;
    case PARSER_EXPR_NUMBER:
        base_buffer_append(out, expr->text.data, expr->text.length);
        return;
    case PARSER_EXPR_STRING:
        base_buffer_append_format(out, "'%.*s'", BASE_TEXT_ARGUMENTS(expr->text));
        return;
    case PARSER_EXPR_PARAMETER:
        base_buffer_append_format(out, "$%u", expr->parameter + 1);
        return;
    case PARSER_EXPR_COLUMN:
        for (uint32_t i = 0; i < expr->column.part_count; i++)
            base_buffer_append_format(out, "%s%.*s", i ? "." : "",
                                      BASE_TEXT_ARGUMENTS(expr->column.parts[i].text));
        return;
    case PARSER_EXPR_OPERATOR:
    case PARSER_EXPR_COLLATE:
        base_buffer_append_format(out, "(%.*s", BASE_TEXT_ARGUMENTS(expr->text));
        break;
    case PARSER_EXPR_COMPARE:
        base_buffer_append_format(out, "(%s", comparisons[expr->comparison]);
        break;
    case PARSER_EXPR_CALL:
        base_buffer_append_format(out, "(%.*s", BASE_TEXT_ARGUMENTS(expr->call->name.text));
        break;
    case PARSER_EXPR_CAST:
        base_buffer_append_format(out, "(cast:%.*s", BASE_TEXT_ARGUMENTS(expr->cast.type.name));
        break;
    default: {
        static const char *const names[] = {
            [PARSER_EXPR_BLOB] = "blob",        [PARSER_EXPR_STAR] = "star",
            [PARSER_EXPR_DEFAULT] = "default",  [PARSER_EXPR_IS_DISTINCT] = "distinct",
            [PARSER_EXPR_AND] = "and",          [PARSER_EXPR_OR] = "or",
            [PARSER_EXPR_NOT] = "not",          [PARSER_EXPR_IS_NULL] = "isnull",
            [PARSER_EXPR_IS_TRUTH] = "truth",   [PARSER_EXPR_LIKE] = "like",
            [PARSER_EXPR_BETWEEN] = "between",  [PARSER_EXPR_IN_LIST] = "in",
            [PARSER_EXPR_IN_QUERY] = "inquery", [PARSER_EXPR_QUANTIFIED] = "quantified",
            [PARSER_EXPR_EXISTS] = "exists",    [PARSER_EXPR_SUBQUERY] = "subquery",
            [PARSER_EXPR_ROW] = "row",          [PARSER_EXPR_CASE] = "case",
        };
        base_buffer_append_format(out, "(%s%s", expr->negated ? "!" : "", names[expr->kind]);
    }
    }
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        base_buffer_append_text(out, between);
        render(expr->arguments[i], out);
    }
    base_buffer_append_text(out, ")");
}

static void assert_tree(fixture *f, const char *text, const char *expected)
{
    base_buffer out;
    base_buffer_init(&out, &f->budget);
    render(expr_of(f, text), &out);
    assert_false(out.failed);
    if (strcmp(out.data, expected) != 0)
        fail_msg("%s\n  is       %s\n  expected %s", text, out.data, expected);
    base_buffer_destroy(&out);
}

static void test_precedence(void **state)
{
    fixture *f = *state;
    assert_tree(f, "1 + 2 * 3", "(+ 1 (* 2 3))");
    assert_tree(f, "a OR b AND NOT c = 1", "(or a (and b (not (= c 1))))");
    assert_tree(f, "a AND b AND c", "(and a b c)");
    assert_tree(f, "a || b || c", "(|| a b c)");
    assert_tree(f, "'x' || 1 + 2", "(|| 'x' (+ 1 2))");
    assert_tree(f, "- 2 ^ 2", "(^ -2 2)");
    assert_tree(f, "- -9", "(- -9)");
    assert_tree(f, "+ - x", "(- x)");
    assert_tree(f, "-9223372036854775808", "-9223372036854775808");
    assert_tree(f, "-5::text", "(- (cast:text 5))");
    assert_tree(f, "a IS NULL = b", "(= (isnull a) b)");
    assert_tree(f, "a = b IS NULL", "(isnull (= a b))");
    assert_tree(f, "x NOT BETWEEN 1 AND 2 AND y", "(and (!between x 1 2) y)");
    assert_tree(f, "NOT NULL IN (1, 2)", "(not (in null 1 2))");
    assert_tree(f, "a = NOT b", "(= a (not b))");
    assert_tree(f, "a < b = c", "(= (< a b) c)");
    assert_tree(f, "(1 + 2) * 3", "(* (+ 1 2) 3)");
    assert_tree(f, "x COLLATE nocase = y", "(= (nocase x) y)");
}

static void test_operators(void **state)
{
    fixture *f = *state;
    assert_tree(f, "a NOT LIKE 'x%' ESCAPE '!'", "(!like a 'x%' '!')");
    assert_tree(f, "a !~~ 'x'", "(!like a 'x')");
    assert_tree(f, "a NOT NULL", "(!isnull a)");
    assert_tree(f, "a ISNULL", "(isnull a)");
    assert_tree(f, "a IS NOT 5", "(distinct a 5)");
    assert_tree(f, "a IS 5", "(!distinct a 5)");
    assert_tree(f, "a IS NOT DISTINCT FROM 5", "(!distinct a 5)");
    assert_tree(f, "a IS DISTINCT FROM 5", "(distinct a 5)");
    assert_tree(f, "a <=> 5", "(!distinct a 5)");
    assert_tree(f, "a IS NOT TRUE", "(!truth a)");
    assert_tree(f, "a == 1", "(= a 1)");
    assert_tree(f, "(a, b) = (1, 2)", "(= (row a b) (row 1 2))");
    assert_tree(f, "a IN ()", "(in a)");
    assert_tree(f, "a IN t", "(inquery a)");
    assert_tree(f, "a IN (SELECT 1)", "(inquery a)");
    assert_tree(f, "a = ANY (SELECT 1)", "(quantified a)");
    assert_tree(f, "((SELECT 1) UNION SELECT 2)", "(subquery)");
    assert_tree(f, "((SELECT 1) + 2)", "(+ (subquery) 2)");
    assert_tree(f, "((1))", "1");
    assert_tree(f, "t AT TIME ZONE 'UTC'", "(timezone 'UTC' t)");
    assert_tree(f, "CASE a WHEN 1 THEN 2 ELSE 3 END", "(case a 1 2 3)");
}

static void test_forms(void **state)
{
    fixture *f = *state;
    assert_tree(f, "COUNT ( * )", "(COUNT)");
    assert_tree(f, "EXTRACT(YEAR FROM d)", "(extract 'YEAR' d)");
    assert_tree(f, "SUBSTRING(s FROM 2 FOR 3)", "(substring s 2 3)");
    assert_tree(f, "SUBSTRING(s FOR 3)", "(substring s 1 3)");
    assert_tree(f, "POSITION('a' IN s)", "(position 'a' s)");
    assert_tree(f, "TRIM(BOTH 'x' FROM s)", "(btrim s 'x')");
    assert_tree(f, "TRIM(LEADING FROM s)", "(ltrim s)");
    assert_tree(f, "TRIM(s)", "(btrim s)");
    assert_tree(f, "OVERLAY(a PLACING b FROM 2 FOR 1)", "(overlay a b 2 1)");
    assert_tree(f, "INTERVAL '1' DAY", "(cast:interval '1 day')");
    assert_tree(f, "INTERVAL 3 months", "(cast:interval '3 months')");
    assert_tree(f, "INTERVAL '1 day 2 hours'", "(cast:interval '1 day 2 hours')");
    assert_tree(f, "INTERVAL (x) DAY", "(* x (cast:interval '1 day'))");
    assert_tree(f, "DATE '2024-01-31'", "(cast:DATE '2024-01-31')");
    assert_tree(f, "TIMESTAMP(3) WITH TIME ZONE 'x'", "(cast:TIMESTAMP with time zone 'x')");
    assert_tree(f, "CAST(x AS DOUBLE PRECISION)", "(cast:DOUBLE PRECISION x)");
    assert_tree(f, "x::timestamp without time zone", "(cast:timestamp without time zone x)");
    assert_tree(f, "left('abc', 2)", "(left 'abc' 2)");
    assert_tree(f, "date('now')", "(date 'now')");
    assert_tree(f, "CURRENT_TIMESTAMP", "(current_timestamp)");
    assert_tree(f, "0xFF + 1_000", "(+ 255 1000)");
    assert_tree(f, "E'a\\n\\u00e9'''", "'a\n\xC3\xA9''");
    assert_tree(f, "$$it's$$", "'it's'");
    assert_tree(f, "'it''s'", "'it's'");
    assert_tree(f, "\"se\"\"lect\".`x`", "se\"lect.x");
}

static void test_parameters(void **state)
{
    fixture *f = *state;
    parser_statement *s = parse_one(f, "SELECT ?, ?, :a, @b, :a, $2, $x");
    assert_int_equal(s->parameter_count, 5);
    assert_int_equal(s->query->select.items[4].expr->parameter, 2);
    assert_int_equal(s->query->select.items[5].expr->parameter, 1);
    assert_memory_equal(s->parameter_names[3].text.data, "@b", 2);
    assert_int_equal(parse_fails(f, "SELECT $0"), BASE_UNDEFINED_PARAMETER);
    assert_int_equal(parse_fails(f, "SELECT ?99999999999999999999"), BASE_LIMIT);
    assert_int_equal(parse_fails(f, "CREATE TABLE t (a INT DEFAULT ?)"), BASE_SYNTAX);
    assert_int_equal(parse_fails(f, "CREATE VIEW v AS SELECT ?"), BASE_SYNTAX);
}

/* Every one must parse: daily spellings of PostgreSQL, SQLite, DuckDB and MySQL. */
static const char *const accepted[] = {
    "SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b DESC NULLS LAST",
    "SELECT ALL a FROM t AS x (p, q) WHERE p > 1",
    "SELECT * FROM a, b CROSS JOIN c LEFT OUTER JOIN d ON a.x = d.x NATURAL FULL JOIN e",
    "SELECT * FROM (a JOIN b USING (x)) AS j",
    "SELECT * FROM ((a JOIN b USING (x)) JOIN c USING (y))",
    "SELECT * FROM ((SELECT 1) UNION (SELECT 2)) AS u",
    "SELECT * FROM ((SELECT 1 AS k) AS s JOIN t ON s.k = t.k)",
    "SELECT * FROM LATERAL (SELECT 1) AS l",
    "SELECT * FROM generate_series(1, 10) AS g(n)",
    "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(i, s)",
    "SELECT * FROM t INDEXED BY i WHERE a = 1",
    "SELECT * FROM t NOT INDEXED",
    "SELECT * FROM t AS OF TIMESTAMP '2024-01-01' AS old",
    "SELECT * FROM t AS OF TRANSACTION 5",
    "SELECT t.*, s.t.* FROM t",
    "SELECT a b, c \"d\", e AS select FROM t",
    "SELECT key, date, \"order\", value, index, type, name FROM t",
    "SELECT offset, window, first FROM t",
    "(SELECT 1) UNION ALL (SELECT 2 LIMIT 1) ORDER BY 1 LIMIT 5 OFFSET 2",
    "SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT ALL SELECT 4",
    "SELECT a FROM t ORDER BY a LIMIT 5, 10",
    "SELECT a FROM t OFFSET 3 ROWS FETCH NEXT 5 ROWS ONLY",
    "SELECT a FROM t FETCH FIRST ROW WITH TIES",
    "SELECT a FROM t FOR UPDATE OF t SKIP LOCKED",
    "SELECT a FROM t LIMIT ALL",
    "TABLE t",
    "VALUES (1, 2), (3, 4) ORDER BY 1",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) TABLE r",
    "WITH a AS MATERIALIZED (SELECT 1), b AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a, b",
    "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
    "WITH a AS (SELECT 1 x) UPDATE t SET b = 1 FROM a WHERE t.x = a.x",
    "WITH a AS (SELECT 1) DELETE FROM t WHERE x IN (SELECT * FROM a)",
    "SELECT sum(x) FILTER (WHERE x > 1) OVER w FROM t WINDOW w AS (PARTITION BY a ORDER BY b)",
    "SELECT lag(x, 1) OVER (ORDER BY y ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
    "SELECT sum(x) OVER (w RANGE UNBOUNDED PRECEDING EXCLUDE TIES) FROM t WINDOW w AS ()",
    "SELECT sum(x) OVER (GROUPS BETWEEN UNBOUNDED PRECEDING AND 2 FOLLOWING) FROM t",
    "SELECT string_agg(DISTINCT a, ',' ORDER BY b DESC) FROM t",
    "SELECT group_concat(a ORDER BY a SEPARATOR '; ') FROM t",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM t",
    "SELECT first_value(x) IGNORE NULLS OVER (ORDER BY y) FROM t",
    "SELECT a FROM t GROUP BY ALL HAVING count(*) > 1",
    "SELECT EXISTS (SELECT 1), NOT EXISTS (SELECT 2)",
    "SELECT ROW(1, 2), (1, 2) IN ((1, 2), (3, 4))",
    "SELECT x -> 'a' ->> 'b', 1 << 2 & 3 | 4, ~5",
    "INSERT INTO t VALUES (1, DEFAULT, NULL), (2, 'x', 3)",
    "INSERT OR REPLACE INTO t (a, b) SELECT 1, 2 RETURNING a, b AS c, *",
    "INSERT INTO t (SELECT 1)",
    "INSERT INTO t DEFAULT VALUES",
    "INSERT IGNORE INTO t VALUES (1)",
    "REPLACE INTO t VALUES (1)",
    "INSERT INTO t AS x (a) VALUES (1) ON CONFLICT (a) WHERE a > 1 DO UPDATE SET b = excluded.b",
    "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
    "INSERT INTO t VALUES (1) ON CONFLICT ON CONSTRAINT k DO NOTHING",
    "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 2",
    "UPDATE OR IGNORE t AS x SET a = 1, (b, c) = (2, 3), x.d = DEFAULT FROM s WHERE x.i = s.i",
    "UPDATE t SET a = 1 ORDER BY b LIMIT 3 RETURNING *",
    "DELETE FROM t USING s WHERE t.a = s.a RETURNING a",
    "DELETE FROM t",
    "TRUNCATE TABLE t",
    "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b VARCHAR(10) DEFAULT 'x' NOT NULL, c)",
    "CREATE TABLE t (a INT DEFAULT 5 NOT NULL, b DECIMAL(10, 2) DEFAULT (1 + 2) CHECK (b > 0))",
    "CREATE TEMP TABLE IF NOT EXISTS t (a INT, CONSTRAINT k PRIMARY KEY (a DESC), UNIQUE (a, b))",
    "CREATE TABLE t (a INT REFERENCES u (x) ON DELETE CASCADE ON UPDATE SET NULL, "
    "FOREIGN KEY (a) REFERENCES u DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TABLE t (a INT, b INT GENERATED ALWAYS AS (a + 1) STORED, c INT AS (a) VIRTUAL)",
    "CREATE TABLE t (a BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
    "CREATE TABLE t (a INT(11) UNSIGNED NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    "CREATE TABLE t (a TEXT COLLATE nocase) WITHOUT ROWID, STRICT",
    "CREATE TABLE t AS SELECT 1 AS a WITH NO DATA",
    "CREATE TABLE t AS VALUES (1)",
    "CREATE UNIQUE INDEX IF NOT EXISTS i ON t USING btree (a ASC, lower(b) DESC NULLS LAST) "
    "WHERE a > 1",
    "CREATE INDEX ON t (a)",
    "CREATE OR REPLACE TEMPORARY VIEW v (x, y) AS SELECT 1, 2",
    "DROP TABLE IF EXISTS a, s.b CASCADE",
    "DROP INDEX i ON t",
    "DROP VIEW v",
    "ALTER TABLE t ADD COLUMN IF NOT EXISTS c INT DEFAULT 1",
    "ALTER TABLE t ADD c INT",
    "ALTER TABLE t DROP COLUMN c",
    "ALTER TABLE t RENAME COLUMN a TO b",
    "ALTER TABLE t RENAME a TO b",
    "ALTER TABLE t RENAME TO u",
    "ALTER TABLE t ALTER COLUMN a SET DATA TYPE BIGINT",
    "ALTER TABLE t ALTER a DROP NOT NULL",
    "ALTER TABLE t ADD CONSTRAINT k UNIQUE (a)",
    "REINDEX",
    "REINDEX TABLE t",
    "EXPLAIN ANALYZE SELECT 1",
    "EXPLAIN (ANALYZE, FORMAT text) SELECT 1",
    "EXPLAIN QUERY PLAN SELECT 1",
    "EXPLAIN INSERT INTO t VALUES (1)",
    "BEGIN IMMEDIATE TRANSACTION",
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "START TRANSACTION READ WRITE ISOLATION LEVEL SNAPSHOT",
    "COMMIT WORK",
    "END TRANSACTION",
    "ROLLBACK TO SAVEPOINT a",
    "ROLLBACK TRANSACTION TO savepoint",
    "RELEASE a",
    "SAVEPOINT a",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "COPY t (a, b) FROM '/tmp/x.csv' WITH (FORMAT csv, HEADER, DELIMITER ';', NULL '\\N')",
    "COPY (SELECT 1) TO STDOUT CSV HEADER",
    "COPY t FROM STDIN",
    "PRAGMA volume_stats",
    "PRAGMA main.table_info(t)",
    "PRAGMA sync_mode = normal",
    "PRAGMA memory_limit('1GB')",
    "PRAGMA cache_size = -2000",
    "SET threads TO 4",
    "SET timezone = DEFAULT",
    "SET TIME ZONE 'UTC'",
    "RESET threads",
    "SHOW TABLES",
    "SHOW COLUMNS FROM t",
    "SHOW CREATE TABLE t",
    "SHOW INDEXES FROM t",
    "SHOW threads",
    "DESCRIBE t",
    "DESC t",
    "VACUUM",
    "ANALYZE t",
    "CHECKPOINT",
};

static void test_accepted(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < BASE_COUNT_OF(accepted); i++)
        (void)parse_one(f, accepted[i]);
}

static void test_shapes(void **state)
{
    fixture *f = *state;
    parser_statement *s = parse_one(f, "SELECT 1 UNION SELECT 2 INTERSECT SELECT 3");
    assert_int_equal(s->query->set.kind, PARSER_UNION);
    assert_int_equal(s->query->set.right->set.kind, PARSER_INTERSECT);

    s = parse_one(f, "(SELECT 1 LIMIT 1) UNION SELECT 2 LIMIT 3");
    assert_non_null(s->query->limit);
    assert_non_null(s->query->set.left->limit);

    s = parse_one(f, "SELECT * FROM a, b JOIN c ON b.x = c.x");
    parser_from *from = s->query->select.from;
    assert_int_equal(from->join.kind, PARSER_JOIN_CROSS);
    assert_int_equal(from->join.right->join.kind, PARSER_JOIN_INNER);

    s = parse_one(f, "CREATE TABLE t (a INT CHECK (a > 1), b TEXT DEFAULT 'x' || 'y' NOT NULL)");
    parser_column *columns = s->create_table->columns;
    assert_int_equal(columns[1].constraint_count, 2);
    base_text source = parser_source(
        base_text_of("CREATE TABLE t (a INT CHECK (a > 1), b TEXT DEFAULT 'x' || 'y' NOT NULL)"),
        columns[1].constraints[0].expr->position, columns[1].constraints[0].expr->end);
    assert_memory_equal(source.data, "'x' || 'y'", source.length);
    assert_int_equal(source.length, 10);
}

static void test_errors(void **state)
{
    fixture *f = *state;
    assert_int_equal(parse_fails(f, "SELCT 1"), BASE_SYNTAX);
    assert_int_equal(f->error.position, 0);
    assert_string_equal(f->error.hint, "did you mean SELECT?");
    assert_int_equal(parse_fails(f, "SELECT a FORM t"), BASE_SYNTAX);
    assert_int_equal(f->error.position, 14);
    assert_non_null(strstr(f->error.message, "at or near \"t\""));
    assert_string_equal(f->error.hint, "did you mean FROM?");
    assert_int_equal(parse_fails(f, "SELECT * FROM t WEHRE a = 1"), BASE_SYNTAX);
    assert_string_equal(f->error.hint, "did you mean WHERE?");
    assert_int_equal(parse_fails(f, "SELECT a FROM order"), BASE_SYNTAX);
    assert_non_null(strstr(f->error.hint, "reserved word"));
    assert_int_equal(parse_fails(f, "SELECT 'abc"), BASE_SYNTAX);
    assert_int_equal(f->error.position, 7);
    assert_non_null(strstr(f->error.message, "does not end"));
    assert_int_equal(parse_fails(f, "SELECT 12ab"), BASE_SYNTAX);
    assert_int_equal(parse_fails(f, "SELECT x'abc'"), BASE_SYNTAX);
    assert_int_equal(parse_fails(f, "SELECT /* x"), BASE_SYNTAX);
    assert_int_equal(parse_fails(f, "SELECT \"\""), BASE_SYNTAX);
    assert_int_equal(parse_fails(f, "SELECT 1 +"), BASE_SYNTAX);
    assert_non_null(strstr(f->error.message, "end of the text"));
    assert_int_equal(parse_fails(f, "VALUES (1), (1, 2)"), BASE_SYNTAX);
    assert_int_equal(parse_fails(f, "CREATE TABLE t ()"), BASE_SYNTAX);
    assert_int_equal(parse_fails(f, "CREATE TRIGGER x"), BASE_NOT_SUPPORTED);
    assert_int_equal(parse_fails(f, "SELECT \x01"), BASE_SYNTAX);
    assert_int_equal(parse_fails(f, "SELECT * FROM a LEFT JOIN b"), BASE_SYNTAX);
    assert_int_equal(
        parse_fails(f, "SELECT sum(x) OVER (ROWS BETWEEN CURRENT ROW AND 1 PRECEDING)"),
        BASE_WINDOWING);
}

static void test_script(void **state)
{
    fixture *f = *state;
    base_text sql = BASE_TEXT(";; SELECT 1; SELEC 2; /* c */ SELECT 3 -- end");
    size_t offset = 0;
    parser_statement *s;
    unit_assert_ok(parser_parse(sql, &offset, &f->arena, &s, &f->error));
    assert_int_equal(offset, 12);
    assert_int_equal(parser_parse(sql, &offset, &f->arena, &s, &f->error), BASE_SYNTAX);
    assert_int_equal(offset, 21);
    base_error_clear(&f->error);
    unit_assert_ok(parser_parse(sql, &offset, &f->arena, &s, &f->error));
    assert_non_null(s);
    unit_assert_ok(parser_parse(sql, &offset, &f->arena, &s, &f->error));
    assert_null(s);
    assert_int_equal(offset, sql.length);
}

static char *repeat(fixture *f, const char *head, const char *piece, uint32_t count,
                    const char *tail)
{
    base_buffer out;
    base_buffer_init(&out, &f->budget);
    base_buffer_append_text(&out, head);
    for (uint32_t i = 0; i < count; i++)
        base_buffer_append_text(&out, piece);
    base_buffer_append_text(&out, tail);
    char *copy = base_arena_copy_text(&f->arena, out.data, out.length);
    assert_non_null(copy);
    base_buffer_destroy(&out);
    return copy;
}

static void test_depth(void **state)
{
    fixture *f = *state;
    assert_int_equal(parse_fails(f, repeat(f, "SELECT ", "(", 100000, "1")), BASE_LIMIT);
    assert_int_equal(parse_fails(f, repeat(f, "SELECT ", "- ", 100000, "1")), BASE_LIMIT);
    assert_int_equal(parse_fails(f, repeat(f, "SELECT ", "NOT ", 100000, "1")), BASE_LIMIT);
    assert_int_equal(parse_fails(f, repeat(f, "SELECT 1", "+1", 100000, "")), BASE_LIMIT);
    assert_int_equal(parse_fails(f, repeat(f, "SELECT 1", "::int", 100000, "")), BASE_LIMIT);
    assert_int_equal(parse_fails(f, repeat(f, "SELECT 1", " IS NULL", 100000, "")), BASE_LIMIT);
    assert_int_equal(parse_fails(f, repeat(f, "SELECT * FROM ", "(", 100000, "t")), BASE_LIMIT);
    assert_int_equal(parse_fails(f, repeat(f, "SELECT * FROM a", ",a", 100000, "")), BASE_LIMIT);
    assert_int_equal(parse_fails(f, repeat(f, "", "(", 100000, "SELECT 1")), BASE_LIMIT);
    assert_int_equal(parse_fails(f, repeat(f, "SELECT 1", " UNION SELECT 1", 5000, "")),
                     BASE_LIMIT);
    assert_int_equal(parse_fails(f, repeat(f, "", "EXPLAIN ", 100000, "SELECT 1")), BASE_LIMIT);
    (void)parse_one(f, repeat(f, "SELECT 1 WHERE a", " OR a", 100000, ""));
    (void)parse_one(f, repeat(f, "SELECT a", " || a", 100000, ""));
    (void)parse_one(f, repeat(f, "SELECT ", "(", 900, repeat(f, "1", ")", 900, "")));
}

static void test_keywords_sorted(void **state)
{
    (void)state;
    for (uint32_t i = WORD_NONE + 1; i < WORD_COUNT; i++) {
        const char *name = parser_keyword_name((parser_keyword)i);
        assert_int_equal(parser_keyword_find(base_text_of(name)), i);
        if (i > WORD_NONE + 1)
            assert_true(strcmp(parser_keyword_name((parser_keyword)(i - 1)), name) < 0);
    }
    assert_int_equal(parser_keyword_find(BASE_TEXT("sElEcT")), WORD_SELECT);
    assert_int_equal(parser_keyword_find(BASE_TEXT("selecta")), WORD_NONE);
}

static void test_splitter(void **state)
{
    (void)state;
    size_t end;
    bool blank;
    assert_true(parser_is_complete(BASE_TEXT("SELECT ';' ; x"), &end, &blank));
    assert_int_equal(end, 12);
    assert_false(parser_is_complete(BASE_TEXT("SELECT 1"), &end, &blank));
    assert_false(blank);
    assert_false(parser_is_complete(BASE_TEXT("SELECT 'a;"), &end, &blank));
    assert_false(parser_is_complete(BASE_TEXT("SELECT /* ; "), &end, &blank));
    assert_false(parser_is_complete(BASE_TEXT("  -- x;\n"), &end, &blank));
    assert_true(blank);
    assert_false(parser_needs_quotes(BASE_TEXT("abc_1")));
    assert_true(parser_needs_quotes(BASE_TEXT("a b")));
    assert_true(parser_needs_quotes(BASE_TEXT("Select")));
    assert_true(parser_needs_quotes(BASE_TEXT("1a")));
}

/* Each allocation fails once: a clean error, nothing leaks. */
static void test_out_of_memory(void **state)
{
    (void)state;
    const char *sql = "WITH a AS (SELECT x, count(*) OVER (ORDER BY y) FROM t JOIN u USING (k)) "
                      "SELECT CASE WHEN a.x = 'it''s' THEN 1_0 ELSE ? END FROM a UNION "
                      "VALUES (1, 2) ORDER BY 1 LIMIT 3";
    for (uint64_t fail_at = 1;; fail_at++) {
        unit_allocator allocator;
        unit_allocator_init(&allocator, fail_at, false);
        base_budget budget;
        base_budget_init(&budget, NULL, &allocator.allocator, "test", SIZE_MAX);
        base_arena arena;
        base_arena_init(&arena, &budget);
        arena.block_size = 64; /* many small blocks: many places to fail */
        base_error error;
        base_error_clear(&error);
        size_t offset = 0;
        parser_statement *statement;
        base_status status = parser_parse(base_text_of(sql), &offset, &arena, &statement, &error);
        base_arena_destroy(&arena);
        assert_int_equal(atomic_load(&budget.used), 0);
        if (status == BASE_OK)
            break;
        assert_int_equal(status, BASE_OUT_OF_MEMORY);
    }
}

/* Cut and mangled texts: an answer, never a crash (the fuzzer's seed of ideas). */
static void test_prefixes(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < BASE_COUNT_OF(accepted); i++) {
        size_t length = strlen(accepted[i]);
        for (size_t cut = 0; cut < length; cut++) {
            char *text = malloc(cut + 1); /* exact size, so that a read beyond is seen */
            memcpy(text, accepted[i], cut);
            size_t offset = 0;
            parser_statement *statement;
            base_error_clear(&f->error);
            (void)!parser_parse((base_text){text, cut}, &offset, &f->arena, &statement, &f->error);
            assert_true(offset <= cut);
            free(text);
        }
        base_arena_reset(&f->arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_precedence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_operators, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parameters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_accepted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_script, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_prefixes, set_up, tear_down),
        cmocka_unit_test(test_keywords_sorted),
        cmocka_unit_test(test_splitter),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
