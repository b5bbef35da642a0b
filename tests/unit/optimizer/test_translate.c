/*
 * test_translate.c - logical nodes into operators: slots, pruning, layouts.
 */
#include "optimizer_fixture.h"

static void unread_columns_are_not_scanned(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *scan = fixture_scan(&f, T);
    plan_expr *condition =
        fixture_equal(&f, fixture_column_of(&f, scan, 1), fixture_integer(&f, 7));
    plan_node *root = fixture_pick(&f, plan_node_filter(&f.arena, scan, condition), 2);
    f.options.rules = false;
    fixture_plan(&f, root);
    const plan_operator *read = fixture_find(f.statement.root, PLAN_OP_TABLE_SCAN);
    assert_non_null(read);
    assert_int_equal(read->scan.column_count, 2);
    assert_int_equal(read->scan.columns[0], 1);
    assert_int_equal(read->scan.columns[1], 2);
    assert_int_equal(f.statement.root->kind, PLAN_OP_PROJECT);
    assert_int_equal(f.statement.root->project.exprs[0]->slot, 1);
    assert_int_equal(f.statement.operator_count, 3);
    fixture_destroy(&f);
}

static void equality_becomes_hash_key(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
    plan_expr *condition = plan_and(
        &f.arena, fixture_equal(&f, fixture_column_of(&f, u, 1), fixture_column_of(&f, t, 0)),
        plan_compare(&f.arena, VECTOR_LESS, fixture_column_of(&f, t, 1),
                     fixture_column_of(&f, u, 2)));
    plan_node *join = plan_node_join(&f.arena, PLAN_JOIN_LEFT, t, u, condition, PLAN_NO_COLUMN);
    f.options.rules = false;
    fixture_plan(&f, fixture_pick(&f, join, 2));
    const plan_operator *op = fixture_find(f.statement.root, PLAN_OP_HASH_JOIN);
    assert_non_null(op);
    assert_int_equal(op->join.key_count, 1);
    assert_int_equal(op->join.left_keys[0]->slot, 0);
    assert_int_equal(op->join.right_keys[0]->slot, 0);
    assert_non_null(op->join.residual);
    assert_int_equal(op->column_count, 1);
    fixture_destroy(&f);
}

static void sort_and_limit_are_one(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *scan = fixture_scan(&f, T);
    plan_node *sort = plan_node_over(&f.arena, PLAN_SORT, scan);
    plan_sort_key key = {.expr = fixture_column_of(&f, scan, 2), .descending = true};
    sort->sort.key_count = 1;
    sort->sort.keys = &key;
    plan_node *limit = plan_node_over(&f.arena, PLAN_LIMIT, sort);
    limit->limit.limit = fixture_integer(&f, 10);
    f.options.rules = false;
    fixture_plan(&f, limit);
    assert_int_equal(f.statement.root->kind, PLAN_OP_SORT);
    assert_non_null(f.statement.root->sort.limit);
    assert_int_equal(f.statement.column_count, 3);
    fixture_destroy(&f);
}

static void union_all_drops_unread_columns_and_union_does_not(void **unused)
{
    for (int all = 0; all < 2; all++) {
        fixture f;
        fixture_init(&f);
        plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, T);
        plan_node *both = plan_node_new(&f.arena, PLAN_SET_OPERATION, 3);
        both->inputs[0] = t;
        both->inputs[1] = u;
        both->set.kind = PLAN_UNION;
        both->set.all = all;
        for (int i = 0; i < 3; i++)
            both->columns[i] = f.next++;
        f.options.rules = false;
        fixture_plan(&f, fixture_pick(&f, both, 1));
        const plan_operator *op = fixture_find(f.statement.root, PLAN_OP_UNION_ALL);
        assert_int_equal(op->column_count, all ? 1 : 3);
        assert_true(all == !fixture_find(f.statement.root, PLAN_OP_HASH_AGGREGATE));
        fixture_destroy(&f);
    }
}

/* Every allocation may fail: the answer is an error, never a crash or a leak. */
static void memory_ends(void **unused)
{
    for (uint64_t fail_at = 1; fail_at < 200; fail_at++) {
        fixture f;
        fixture_init(&f);
        plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
        plan_expr *condition =
            fixture_equal(&f, fixture_column_of(&f, u, 1), fixture_column_of(&f, t, 0));
        plan_node *join =
            plan_node_join(&f.arena, PLAN_JOIN_INNER, t, u, condition, PLAN_NO_COLUMN);
        plan_node *root = fixture_pick(&f, join, 2);
        base_budget small;
        base_arena arena;
        base_budget_init(&small, &f.budget, NULL, "small", fail_at * 256);
        base_arena_init(&arena, &small);
        base_error_clear(&f.error);
        base_status status = optimizer_optimize(&arena, root, &f.options, &f.statement, &f.error);
        assert_true(status == BASE_OK || status == BASE_OUT_OF_MEMORY);
        base_arena_destroy(&arena);
        fixture_destroy(&f);
        if (status == BASE_OK)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unread_columns_are_not_scanned),
        cmocka_unit_test(equality_becomes_hash_key),
        cmocka_unit_test(sort_and_limit_are_one),
        cmocka_unit_test(union_all_drops_unread_columns_and_union_does_not),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
