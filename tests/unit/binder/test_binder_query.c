/*
 * test_binder_query.c - queries: trees, types, names.
 */
#include "unit/binder/binder_fixture.h"

static void expect_part(fixture *f, const char *sql, const char *part)
{
    const char *tree = fixture_tree(f, sql);
    if (!strstr(tree, part))
        fail_msg("%s\nhas no \"%s\":\n%s", sql, part, tree);
}

static void types_follow_the_parts(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_type(&f, "SELECT 1", "INTEGER");
    fixture_type(&f, "SELECT -9223372036854775808", "INTEGER");
    fixture_type(&f, "SELECT - - 9223372036854775807", "INTEGER");
    fixture_type(&f, "SELECT 9223372036854775808", "DECIMAL(19,0)");
    fixture_type(&f, "SELECT 0.05", "DECIMAL(2,2)");
    fixture_type(&f, "SELECT 'x'", "TEXT");
    fixture_type(&f, "SELECT NULL", "NULL");
    fixture_type(&f, "SELECT DATE '2024-01-31'", "DATE");
    fixture_type(&f, "SELECT CASE WHEN a > 1 THEN 1 ELSE 2.5 END FROM t", "DECIMAL(20,1)");
    fixture_type(&f, "SELECT coalesce(NULL, small, 1) FROM u", "INTEGER");
    fixture_type(&f, "SELECT nullif(small, 1) FROM u", "SMALLINT");
    fixture_type(&f, "SELECT 1 UNION SELECT 2.5", "DECIMAL(20,1)");
    fixture_type(&f, "VALUES (1), (NULL)", "INTEGER");
    fixture_type(&f, "SELECT price * (1 - 0.05) FROM t", "DECIMAL(19,4)");
    fixture_close(&f);
}

static void constants_take_the_columns_type(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    expect_part(&f, "SELECT 1 FROM u WHERE small = 5", "FILTER u.small = 5 ");
    expect_part(&f, "SELECT 1 FROM t WHERE price < 24", "FILTER t.price < 24.00 ");
    expect_part(&f, "SELECT 1 FROM t WHERE price BETWEEN 0.05 AND 7", "(t.price >= 0.05) AND");
    expect_part(&f, "SELECT 1 FROM t WHERE born >= '1994-01-01'", "t.born >= DATE '1994-01-01'");
    expect_part(&f, "SELECT 1 FROM t WHERE a IN (1, 2)", "FILTER t.a IN (1, 2)");
    /* 5.5 is no SMALLINT: the column is cast. */
    expect_part(&f, "SELECT 1 FROM u WHERE small = 5.5", "CAST(u.small AS DECIMAL");
    fixture_close(&f);
}

static void joins_merge_their_columns(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_bind(&f, "SELECT * FROM t JOIN u USING (a)");
    assert_int_equal(f.result.column_count, 7);
    assert_string_equal(f.result.column_names[0], "a");
    assert_string_equal(f.result.column_names[1], "id");
    fixture_bind(&f, "SELECT * FROM t NATURAL JOIN u");
    assert_int_equal(f.result.column_count, 7);
    fixture_bind(&f, "SELECT a, t.a, u.a FROM t LEFT JOIN u USING (a)");
    expect_part(&f, "SELECT a FROM t RIGHT JOIN u USING (a)", "=u.a ->");
    expect_part(&f, "SELECT a FROM t FULL JOIN u USING (a)", "=coalesce(t.a, u.a) ->");
    expect_part(&f, "SELECT 1 FROM t RIGHT JOIN u ON t.a = u.a", "JOIN LEFT t.a = u.a");
    fixture_bind(&f, "SELECT x.b FROM (t JOIN u USING (a)) AS x");
    expect_part(&f, "SELECT 1 FROM t, LATERAL (SELECT b FROM u WHERE u.a = t.id) l",
                "DEPENDENT JOIN INNER");
    fixture_close(&f);
}

static void groups_are_checked(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_bind(&f, "SELECT a + 1, count(*) FROM t GROUP BY a + 1 HAVING sum(price) > 10");
    fixture_bind(&f, "SELECT a AS k, max(id) FROM t GROUP BY k ORDER BY k, 2 DESC");
    fixture_bind(&f, "SELECT a % 2, max(id) FROM t GROUP BY 1");
    fixture_bind(&f, "SELECT a, count(*) FROM t GROUP BY ALL");
    fixture_bind(&f, "SELECT t.*, count(*) FROM t JOIN u ON u.b = t.id GROUP BY t.id");
    fixture_bind(&f, "SELECT a, (SELECT count(*) FROM u WHERE u.a = t.a) FROM t GROUP BY a");
    expect_part(&f, "SELECT sum(a), sum(a) + 1, sum(a) FROM t", "AGGREGATE; #6=sum(t.a) ->");
    expect_part(&f, "SELECT (SELECT sum(t.a) FROM u) FROM t", "AGGREGATE; #10=sum(t.a) ->");
    fixture_bind(&f, "SELECT 1 HAVING count(*) > 0");
    fixture_bind(&f, "SELECT count(*) * - count(*), 5 FROM t");
    fixture_refuse(&f, "SELECT name FROM t GROUP BY a", BASE_GROUPING, 7);
    fixture_refuse(&f, "SELECT b FROM u GROUP BY a", BASE_GROUPING, 7);
    fixture_refuse(&f, "SELECT a FROM t HAVING count(*) > 1", BASE_GROUPING, 7);
    fixture_refuse(&f, "SELECT sum(sum(a)) FROM t", BASE_GROUPING, 11);
    fixture_refuse(&f, "SELECT 1 FROM t WHERE sum(a) > 1", BASE_GROUPING, 22);
    fixture_refuse(&f, "SELECT a FROM t GROUP BY count(*)", BASE_GROUPING, 25);
    fixture_refuse(&f, "SELECT a FROM t GROUP BY 2", BASE_INVALID_COLUMN_REFERENCE, 25);
    fixture_refuse(&f, "SELECT a, (SELECT t.name FROM u LIMIT 1) FROM t GROUP BY a", BASE_GROUPING,
                   18);
    fixture_close(&f);
}

static void order_finds_outputs_and_hides_the_rest(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_bind(&f, "SELECT name FROM t ORDER BY a, price + 1");
    assert_int_equal(f.result.column_count, 1);
    assert_int_equal(f.result.root->column_count, 1);
    assert_int_equal(f.result.root->kind, PLAN_PROJECT);
    fixture_bind(&f, "SELECT a AS x FROM t ORDER BY x + 1 LIMIT 5 OFFSET 2");
    fixture_bind(&f, "SELECT DISTINCT a, name FROM t ORDER BY name");
    expect_part(&f, "SELECT DISTINCT ON (a) a, id FROM t ORDER BY a, id DESC", "DISTINCT ON");
    fixture_bind(&f, "SELECT a FROM t UNION SELECT b FROM u ORDER BY a LIMIT 1");
    fixture_refuse(&f, "SELECT DISTINCT a FROM t ORDER BY id", BASE_INVALID_COLUMN_REFERENCE, 34);
    fixture_refuse(&f, "SELECT a FROM t ORDER BY 3", BASE_INVALID_COLUMN_REFERENCE, 25);
    fixture_refuse(&f, "SELECT id AS a, price AS a FROM t ORDER BY a", BASE_AMBIGUOUS, 43);
    fixture_close(&f);
}

static void windows_share_their_sort(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    const char *tree = fixture_tree(
        &f, "SELECT row_number() OVER (PARTITION BY a ORDER BY id), sum(price) OVER w,"
            " rank() OVER (ORDER BY name) FROM t WINDOW w AS (PARTITION BY a ORDER BY id)");
    const char *first = strstr(tree, "WINDOW");
    assert_non_null(first);
    const char *second = strstr(first + 1, "WINDOW");
    assert_non_null(second);
    assert_null(strstr(second + 1, "WINDOW"));
    expect_part(&f, "SELECT sum(sum(a)) OVER (ORDER BY max(id)) FROM t GROUP BY name",
                "AGGREGATE #");
    expect_part(&f, "SELECT sum(a) OVER () FROM t",
                "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING");
    expect_part(&f,
                "SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)"
                " FROM t",
                "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW");
    fixture_refuse(&f, "SELECT a FROM t WHERE rank() OVER (ORDER BY a) = 1", BASE_WINDOWING, 22);
    fixture_refuse(&f, "SELECT rank() OVER nowhere FROM t", BASE_UNDEFINED_OBJECT, -1);
    fixture_refuse(&f, "SELECT rank() FROM t", BASE_WRONG_OBJECT, 7);
    fixture_refuse(&f, "SELECT sum(rank() OVER (ORDER BY a)) FROM t", BASE_GROUPING, 11);
    fixture_close(&f);
}

static void subqueries_of_every_kind(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_bind(&f, "SELECT (SELECT max(b) FROM u WHERE u.a = t.a) FROM t");
    fixture_bind(&f, "SELECT 1 FROM t WHERE (a, id) IN (SELECT a, b FROM u)");
    fixture_bind(&f, "SELECT 1 FROM t WHERE a IN v");
    expect_part(&f, "SELECT 1 FROM t WHERE a NOT IN (SELECT a FROM u)", "NOT t.a = ANY");
    expect_part(&f, "SELECT 1 FROM t WHERE a <> ALL (SELECT a FROM u)", "NOT t.a = ANY");
    expect_part(&f, "SELECT 1 FROM t WHERE a > ALL (SELECT a FROM u)", "t.a > ALL (subquery)");
    expect_part(&f, "SELECT 1 FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE b = t.id)",
                "NOT EXISTS (subquery)");
    fixture_bind(&f, "SELECT 1 FROM t WHERE (a, id) = (SELECT a, b FROM u LIMIT 1)");
    fixture_bind(&f, "SELECT (SELECT (SELECT t.id + u.a) FROM u WHERE EXISTS"
                     " (SELECT 1 FROM u AS w WHERE w.a = t.a AND w.b = u.b)) FROM t");
    fixture_refuse(&f, "SELECT 1 WHERE 1 IN (SELECT 1, 2)", BASE_SYNTAX, -1);
    fixture_refuse(&f, "SELECT (SELECT a, b FROM u)", BASE_SYNTAX, 7);
    fixture_refuse(&f, "SELECT 1 FROM t WHERE a IN (SELECT name FROM t)", BASE_UNDEFINED_FUNCTION,
                   -1);
    fixture_close(&f);
}

static void ctes_are_inlined_shared_or_recursive(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    assert_null(strstr(fixture_tree(&f, "WITH c AS (SELECT a FROM t) SELECT * FROM c"), "CTE"));
    expect_part(&f, "WITH c AS (SELECT a FROM t) SELECT * FROM c x, c y", "CTE 0");
    expect_part(&f, "WITH c AS MATERIALIZED (SELECT a FROM t) SELECT * FROM c", "CTE 0");
    assert_null(strstr(fixture_tree(&f, "WITH c AS NOT MATERIALIZED (SELECT a FROM t)"
                                        " SELECT * FROM c x, c y"),
                       "CTE"));
    expect_part(&f,
                "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 9)"
                " SELECT sum(n) FROM r",
                "RECURSIVE CTE 0");
    fixture_type(&f,
                 "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 0.5 FROM r)"
                 " SELECT n FROM r",
                 "DECIMAL(21,1)");
    fixture_bind(&f, "SELECT (WITH c AS (SELECT t.a AS k) SELECT count(*) FROM c x, c y) FROM t");
    fixture_refuse(&f, "WITH c AS (SELECT * FROM c) SELECT * FROM c", BASE_UNDEFINED_TABLE, 25);
    fixture_refuse(&f, "WITH c(x, y) AS (SELECT 1) SELECT * FROM c", BASE_INVALID_COLUMN_REFERENCE,
                   -1);
    fixture_refuse(&f, "WITH c AS (SELECT 1), c AS (SELECT 2) SELECT 1", BASE_DUPLICATE_OBJECT, -1);
    fixture_close(&f);
}

static void parameters_take_their_type_from_the_context(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_bind(&f, "SELECT ? FROM t WHERE a = ? AND name LIKE ? AND born < ? LIMIT ?");
    assert_int_equal(f.result.parameter_count, 5);
    assert_int_equal(f.result.parameter_types[0].kind, TYPES_TEXT);
    assert_int_equal(f.result.parameter_types[1].kind, TYPES_INTEGER);
    assert_int_equal(f.result.parameter_types[2].kind, TYPES_TEXT);
    assert_int_equal(f.result.parameter_types[3].kind, TYPES_DATE);
    assert_int_equal(f.result.parameter_types[4].kind, TYPES_INTEGER);
    fixture_bind(&f, "INSERT INTO t (price, born) VALUES (?, ?)");
    assert_int_equal(f.result.parameter_types[0].kind, TYPES_DECIMAL);
    assert_int_equal(f.result.parameter_types[1].kind, TYPES_DATE);
    const types_type given[] = {TYPES_OF(FLOAT)};
    assert_int_equal(fixture_try(&f, "SELECT ? + 1", given, 1), BASE_OK);
    assert_int_equal(f.result.column_types[0].kind, TYPES_FLOAT);
    fixture_close(&f);
}

static void unknown_names_are_explained(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_refuse(&f, "SELECT nam FROM t", BASE_UNDEFINED_COLUMN, 7);
    assert_non_null(strstr(f.error.hint, "t.name"));
    fixture_refuse(&f, "SELECT t.pirce FROM t", BASE_UNDEFINED_COLUMN, 7);
    assert_non_null(strstr(f.error.hint, "price"));
    fixture_refuse(&f, "SELECT x.a FROM t", BASE_UNDEFINED_TABLE, 7);
    fixture_refuse(&f, "SELECT t.a FROM t AS z", BASE_UNDEFINED_TABLE, 7);
    assert_non_null(strstr(f.error.hint, "\"z\""));
    fixture_refuse(&f, "SELECT a FROM t, u", BASE_AMBIGUOUS, 7);
    fixture_refuse(&f, "SELECT 1 FROM tt", BASE_UNDEFINED_TABLE, 14);
    fixture_refuse(&f, "SELECT 1 FROM t, t", BASE_DUPLICATE_OBJECT, 17);
    fixture_refuse(&f, "SELECT nofunction(1)", BASE_UNDEFINED_FUNCTION, 7);
    fixture_refuse(&f, "SELECT *", BASE_SYNTAX, 7);
    fixture_refuse(&f, "SELECT 1 FROM t WHERE born = 5", BASE_UNDEFINED_FUNCTION, -1);
    fixture_refuse(&f, "SELECT 1 FROM t WHERE a = 'x'", BASE_INVALID_TEXT, 26);
    fixture_refuse(&f, "SELECT 1 UNION SELECT 1, 2", BASE_SYNTAX, -1);
    fixture_close(&f);
}

static void views_are_expanded_within_bounds(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_bind(&f, "SELECT x FROM v");
    assert_string_equal(f.result.column_names[0], "x");
    fixture_refuse(&f, "SELECT 1, (SELECT 2 FROM loop)", BASE_LIMIT, 25);
    fixture_refuse(&f, "SELECT * FROM bad", BASE_UNDEFINED_COLUMN, 14);
    fixture_refuse(&f, "DELETE FROM v", BASE_WRONG_OBJECT, 12);
    fixture_refuse(&f, "INSERT INTO v VALUES (1)", BASE_WRONG_OBJECT, 12);
    fixture_refuse(&f, "UPDATE v SET x = 1", BASE_WRONG_OBJECT, 7);
    fixture_close(&f);
}

/* Each CASE doubles what is below it: 2^60 expressions must not be tried. */
static void expansion_is_bounded(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    base_buffer sql;
    base_buffer_init(&sql, &f.root);
    base_buffer_append_text(&sql, "SELECT ");
    for (int i = 0; i < 60; i++)
        base_buffer_append_text(&sql, "CASE ");
    base_buffer_append_text(&sql, "a");
    for (int i = 0; i < 60; i++)
        base_buffer_append_text(&sql, " WHEN 1 THEN 2 WHEN 3 THEN 4 END");
    base_buffer_append_text(&sql, " FROM t");
    atomic_store(&f.root.limit, (size_t)256 << 20);
    fixture_try(&f, sql.data, NULL, 0);
    assert_true(f.status == BASE_LIMIT || f.status == BASE_OUT_OF_MEMORY);
    base_buffer_destroy(&sql);
    fixture_close(&f);
}

/* Every allocation fails once: an error each time, nothing left behind. */
static void survives_each_failed_allocation(void **state)
{
    (void)state;
    static const char *const sql =
        "WITH c AS (SELECT a, count(*) AS n FROM t GROUP BY a)"
        " SELECT x.n, rank() OVER (ORDER BY x.n), (SELECT max(b) FROM u WHERE u.a = x.a)"
        " FROM c x JOIN c y USING (a) WHERE x.a IN (1, 2, 3) ORDER BY y.n LIMIT 10";
    for (uint64_t fail_at = 1;; fail_at++) {
        unit_allocator failing;
        unit_allocator_init(&failing, fail_at, false);
        fixture f;
        base_budget_init(&f.root, NULL, &failing.allocator, "test", SIZE_MAX);
        base_arena_init(&f.arena, &f.root);
        fixture_try(&f, sql, NULL, 0);
        bool done = atomic_load(&failing.calls) < fail_at;
        if (!done)
            assert_int_equal(f.status, BASE_OUT_OF_MEMORY);
        else
            assert_int_equal(f.status, BASE_OK);
        fixture_close(&f);
        if (done)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_follow_the_parts),
        cmocka_unit_test(constants_take_the_columns_type),
        cmocka_unit_test(joins_merge_their_columns),
        cmocka_unit_test(groups_are_checked),
        cmocka_unit_test(order_finds_outputs_and_hides_the_rest),
        cmocka_unit_test(windows_share_their_sort),
        cmocka_unit_test(subqueries_of_every_kind),
        cmocka_unit_test(ctes_are_inlined_shared_or_recursive),
        cmocka_unit_test(parameters_take_their_type_from_the_context),
        cmocka_unit_test(unknown_names_are_explained),
        cmocka_unit_test(views_are_expanded_within_bounds),
        cmocka_unit_test(expansion_is_bounded),
        cmocka_unit_test(survives_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
