/*
 * test_binder_change.c - INSERT, UPDATE, DELETE, and expressions of definitions.
 */
#include "unit/binder/binder_fixture.h"

static void insert_fills_the_whole_row(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_bind(&f, "INSERT INTO t (name) VALUES ('a'), (DEFAULT)");
    const plan_node *insert = f.result.root, *rows = insert->inputs[0];
    assert_int_equal(insert->kind, PLAN_INSERT);
    assert_true(f.result.is_write);
    assert_int_equal(rows->kind, PLAN_VALUES);
    assert_int_equal(rows->column_count, 6); /* the dropped column too */
    assert_int_equal(rows->values.row_count, 2);
    const plan_expr *name = rows->values.cells[3], *born = rows->values.cells[5];
    assert_int_equal(name->type.kind, TYPES_TEXT);
    assert_true(rows->values.cells[0]->constant.is_null); /* the rowid: to be made */
    assert_int_equal(born->type.kind, TYPES_DATE);
    assert_false(born->constant.is_null);
    assert_true(rows->values.cells[6 + 3]->constant.is_null);
    assert_int_equal(rows->values.cells[4]->type.kind, TYPES_FLOAT);
    assert_int_equal(insert->insert.check_count, 2);
    assert_int_equal(insert->insert.checks[0].violation, BASE_NOT_NULL_VIOLATION);
    assert_int_equal(insert->insert.checks[1].violation, BASE_CHECK_VIOLATION);
    fixture_close(&f);
}

static void insert_has_its_forms(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_bind(&f, "INSERT INTO t DEFAULT VALUES");
    fixture_bind(&f, "INSERT INTO u SELECT id, a, '7' FROM t ORDER BY name");
    fixture_bind(&f, "REPLACE INTO u VALUES (1, 2, 3)");
    assert_int_equal(f.result.root->insert.conflict, PLAN_CONFLICT_REPLACE);
    fixture_bind(&f, "INSERT OR IGNORE INTO u VALUES (1, 2, 3) RETURNING a + b AS s, *");
    assert_int_equal(f.result.root->insert.conflict, PLAN_CONFLICT_IGNORE);
    assert_int_equal(f.result.column_count, 4);
    assert_string_equal(f.result.column_names[0], "s");
    fixture_bind(&f, "WITH c AS (SELECT 1 AS x) INSERT INTO u SELECT x, x, x FROM c");
    fixture_bind(&f, "INSERT INTO u VALUES (1, 2)"); /* the rest by default */
    fixture_refuse(&f, "INSERT INTO u VALUES (1, 2, 3, 4)", BASE_SYNTAX, -1);
    fixture_refuse(&f, "INSERT INTO u (a, b) VALUES (1)", BASE_SYNTAX, -1);
    fixture_refuse(&f, "INSERT INTO u (a, a) VALUES (1, 2)", BASE_DUPLICATE_COLUMN, 18);
    fixture_refuse(&f, "INSERT INTO u (c) VALUES (1)", BASE_UNDEFINED_COLUMN, 15);
    fixture_refuse(&f, "INSERT INTO t (born) VALUES ('yesterdayish')", BASE_INVALID_DATETIME, 29);
    assert_string_equal(f.error.column, "born");
    fixture_refuse(&f, "INSERT INTO t (born) VALUES (5)", BASE_TYPE_MISMATCH, 29);
    fixture_refuse(&f, "INSERT INTO u VALUES (sum(1), 2, 3)", BASE_GROUPING, -1);
    fixture_close(&f);
}

static void update_gives_what_is_needed(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_bind(&f, "UPDATE u SET small = b + 1 WHERE a = 3");
    const plan_node *update = f.result.root;
    assert_int_equal(update->kind, PLAN_UPDATE);
    assert_int_equal(update->change.set_count, 1);
    assert_int_equal(update->change.set_columns[0], 2);
    assert_int_equal(update->inputs[0]->column_count, 2); /* rowid and the new value */
    assert_int_equal(update->change.check_count, 0);      /* the key does not change */
    fixture_bind(&f, "UPDATE u SET a = NULL");
    assert_int_equal(f.result.root->change.check_count, 1);
    fixture_bind(&f, "UPDATE t SET id = id + 1");
    assert_int_equal(f.result.root->inputs[0]->column_count, 6); /* the whole row moves */
    assert_int_equal(f.result.root->change.check_count, 2);
    fixture_bind(&f, "UPDATE OR IGNORE u SET (a, b) = (1, 2), small = DEFAULT RETURNING *");
    assert_int_equal(f.result.column_count, 3);
    fixture_bind(&f, "UPDATE u SET (a, b) = (SELECT id, a FROM t LIMIT 1)");
    fixture_bind(&f, "UPDATE u AS x SET b = t.a FROM t WHERE t.id = x.a");
    assert_int_equal(f.result.root->inputs[0]->kind, PLAN_DISTINCT);
    fixture_bind(&f, "UPDATE u SET b = 0 ORDER BY a LIMIT 3");
    fixture_bind(&f, "UPDATE u SET b = 1, b = 2");
    assert_int_equal(f.result.root->change.set_count, 1);
    fixture_refuse(&f, "UPDATE u SET c = 1", BASE_UNDEFINED_COLUMN, 13);
    fixture_refuse(&f, "UPDATE u SET (a, b) = (1, 2, 3)", BASE_SYNTAX, -1);
    fixture_refuse(&f, "UPDATE u SET b = sum(a)", BASE_GROUPING, 17);
    fixture_close(&f);
}

static void delete_gives_rowids_and_rows(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_bind(&f, "DELETE FROM u WHERE a IN (SELECT id FROM t)");
    assert_int_equal(f.result.root->inputs[0]->column_count, 1);
    fixture_bind(&f, "DELETE FROM t WHERE a = 1 RETURNING id, rowid, name");
    assert_int_equal(f.result.column_count, 3);
    fixture_bind(&f, "DELETE FROM u USING t WHERE t.id = u.a");
    assert_int_equal(f.result.root->inputs[0]->kind, PLAN_DISTINCT);
    fixture_refuse(&f, "DELETE FROM nowhere", BASE_UNDEFINED_TABLE, 12);
    fixture_close(&f);
}

static base_status bind_definition(fixture *f, const char *sql, binder_expr_purpose purpose,
                                   plan_expr **expr)
{
    parser_expr *ast;
    base_error_clear(&f->error);
    unit_assert_ok(parser_parse_expr(base_text_of(sql), &f->arena, &ast, &f->error));
    binder_input input = {.catalog = (const catalog_snapshot *)f};
    return binder_bind_expr(&input, ast, purpose, BASE_TEXT("t"), fixture_t_columns, 5,
                            TYPES_OF(DATE), &f->arena, expr, &f->error);
}

static void definitions_have_their_rules(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    plan_expr *expr;
    unit_assert_ok(bind_definition(&f, "price > 0 AND t.a IN (1, 2)", BINDER_CHECK, &expr));
    assert_int_equal(expr->type.kind, TYPES_BOOLEAN);
    unit_assert_ok(bind_definition(&f, "price", BINDER_INDEX, &expr));
    assert_int_equal(expr->kind, PLAN_EXPR_COLUMN);
    assert_int_equal(expr->column, 2);
    unit_assert_ok(bind_definition(&f, "'2024-02-29'", BINDER_DEFAULT, &expr));
    assert_int_equal(expr->type.kind, TYPES_DATE);
    unit_assert_ok(bind_definition(&f, "1 + 2", BINDER_VALUE, &expr));
    assert_int_equal(bind_definition(&f, "a + 1", BINDER_DEFAULT, &expr), BASE_UNDEFINED_COLUMN);
    assert_int_equal(bind_definition(&f, "name", BINDER_CHECK, &expr), BASE_TYPE_MISMATCH);
    assert_int_equal(bind_definition(&f, "a IN (SELECT 1)", BINDER_CHECK, &expr),
                     BASE_NOT_SUPPORTED);
    assert_int_equal(bind_definition(&f, "sum(a) > 1", BINDER_CHECK, &expr), BASE_GROUPING);
    fixture_close(&f);
}

static void changes_survive_each_failed_allocation(void **state)
{
    (void)state;
    static const char *const sqls[] = {
        "WITH c AS (SELECT 1 AS x) INSERT INTO t (name) SELECT x || 'a' FROM c RETURNING *",
        "UPDATE t SET id = id + 1, (a, name) = (SELECT b, 'x' FROM u LIMIT 1) FROM u AS w"
        " WHERE w.a = t.a RETURNING id",
        "DELETE FROM t USING u WHERE u.a = t.id RETURNING name"};
    for (size_t i = 0; i < BASE_COUNT_OF(sqls); i++)
        for (uint64_t fail_at = 1;; fail_at++) {
            unit_allocator failing;
            unit_allocator_init(&failing, fail_at, false);
            fixture f;
            base_budget_init(&f.root, NULL, &failing.allocator, "test", SIZE_MAX);
            base_arena_init(&f.arena, &f.root);
            fixture_try(&f, sqls[i], NULL, 0);
            bool done = atomic_load(&failing.calls) < fail_at;
            assert_int_equal(f.status, done ? BASE_OK : BASE_OUT_OF_MEMORY);
            fixture_close(&f);
            if (done)
                break;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(insert_fills_the_whole_row),
        cmocka_unit_test(insert_has_its_forms),
        cmocka_unit_test(update_gives_what_is_needed),
        cmocka_unit_test(delete_gives_rowids_and_rows),
        cmocka_unit_test(definitions_have_their_rules),
        cmocka_unit_test(changes_survive_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
