/*
 * test_unnest.c - no subquery and no dependent join survives, and each becomes the join it
 * should. Answers are checked by tests/sql; here it is the shape, and that every column an
 * operator reads is produced below it (translation fails otherwise).
 */
#include "optimizer_fixture.h"

static const func_aggregate count_star = {.name = "count", .zero_if_empty = true};
static const func_aggregate sum = {.name = "sum"};

static plan_expr *subquery(fixture *f, plan_subquery_kind kind, plan_node *node,
                           plan_expr *argument)
{
    types_type type = kind == PLAN_SUBQUERY_SCALAR ? TYPES_OF(INTEGER) : TYPES_OF(BOOLEAN);
    plan_expr *expr = plan_expr_new(&f->arena, PLAN_EXPR_SUBQUERY, type, argument ? 1 : 0);
    expr->subquery.kind = kind;
    expr->subquery.comparison = VECTOR_EQUAL;
    expr->subquery.node = node;
    if (argument)
        expr->arguments[0] = argument;
    return expr;
}

/* u filtered by `u.t_id comparison t.id`. */
static plan_node *correlated(fixture *f, const plan_node *t, vector_comparison comparison)
{
    plan_node *u = fixture_scan(f, U);
    return plan_node_filter(&f->arena, u,
                            plan_compare(&f->arena, comparison, fixture_column_of(f, u, 1),
                                         fixture_column_of(f, t, 0)));
}

static plan_node *aggregate(fixture *f, plan_node *input, const func_aggregate *function)
{
    plan_node *node = plan_node_new(&f->arena, PLAN_AGGREGATE, 1);
    plan_aggregate *one = base_arena_allocate_zeroed(&f->arena, sizeof *one);
    one->function = function;
    one->column = node->columns[0] = f->next++;
    one->type = TYPES_OF(INTEGER);
    node->inputs[0] = input;
    node->aggregate.aggregate_count = 1;
    node->aggregate.aggregates = one;
    return node;
}

/* SELECT <expr> FROM t */
static plan_node *select_expr(fixture *f, plan_node *t, plan_expr *expr)
{
    plan_output *output = base_arena_allocate_array(&f->arena, 1, sizeof *output);
    output->column = f->next++;
    output->expr = expr;
    return plan_node_project(&f->arena, t, output, 1);
}

static plan_node *limit_one(fixture *f, plan_node *input)
{
    plan_node *limit = plan_node_over(&f->arena, PLAN_LIMIT, input);
    limit->limit.limit = fixture_integer(f, 1);
    limit->limit.offset = fixture_integer(f, 2);
    return limit;
}

static const plan_operator *find_join(const plan_operator *op, plan_join_kind kind)
{
    if (!op)
        return NULL;
    if ((op->kind == PLAN_OP_HASH_JOIN || op->kind == PLAN_OP_NESTED_LOOP) && op->join.kind == kind)
        return op;
    const plan_operator *found = find_join(op->inputs[0], kind);
    return found ? found : find_join(op->inputs[1], kind);
}

static bool with_rules; /* everything holds with and without them */

static void start(fixture *f)
{
    fixture_init(f);
    f->options.rules = with_rules;
}

static void exists_is_a_semi_join(void **unused)
{
    fixture f;
    start(&f);
    plan_node *t = fixture_scan(&f, T);
    plan_node *sub = fixture_pick(&f, correlated(&f, t, VECTOR_EQUAL), 0);
    fixture_plan(&f, plan_node_filter(&f.arena, t, subquery(&f, PLAN_SUBQUERY_EXISTS, sub, NULL)));
    const plan_operator *join = find_join(f.statement.root, PLAN_JOIN_SEMI);
    assert_non_null(join);
    assert_int_equal(join->kind, PLAN_OP_HASH_JOIN);
    assert_int_equal(join->join.key_count, 1);
    assert_null(fixture_find(f.statement.root, PLAN_OP_CTE));
    assert_int_equal(f.statement.column_count, 3);
    fixture_destroy(&f);
}

static void not_in_keeps_the_mark(void **unused)
{
    fixture f;
    start(&f);
    plan_node *t = fixture_scan(&f, T);
    plan_node *sub = fixture_pick(&f, correlated(&f, t, VECTOR_EQUAL), 2);
    plan_expr *in = subquery(&f, PLAN_SUBQUERY_ANY, sub, fixture_column_of(&f, t, 1));
    fixture_plan(&f, plan_node_filter(&f.arena, t, plan_not(&f.arena, in)));
    const plan_operator *join = find_join(f.statement.root, PLAN_JOIN_MARK);
    assert_non_null(join);
    assert_int_equal(join->join.key_count, 2);
    /* The correlation treats NULL as a value, the comparison of IN does not. */
    assert_true(join->join.null_equal[0] != join->join.null_equal[1]);
    assert_int_equal(f.statement.column_count, 3);
    fixture_destroy(&f);
}

static void scalar_count_groups_and_fills_in_zero(void **unused)
{
    fixture f;
    start(&f);
    plan_node *t = fixture_scan(&f, T);
    plan_node *sub = aggregate(&f, correlated(&f, t, VECTOR_EQUAL), &count_star);
    fixture_plan(&f, select_expr(&f, t, subquery(&f, PLAN_SUBQUERY_SCALAR, sub, NULL)));
    assert_non_null(find_join(f.statement.root, PLAN_JOIN_LEFT));
    const plan_operator *group = fixture_find(f.statement.root, PLAN_OP_HASH_AGGREGATE);
    assert_int_equal(group->aggregate.key_count, 1);
    assert_null(fixture_find(f.statement.root, PLAN_OP_CTE));
    const plan_operator *project = fixture_find(f.statement.root, PLAN_OP_PROJECT);
    assert_non_null(strstr(f.text.data, "coalesce"));
    assert_non_null(project);
    fixture_destroy(&f);
}

static void inequality_under_grouping_takes_the_domain(void **unused)
{
    fixture f;
    start(&f);
    plan_node *t = fixture_scan(&f, T);
    plan_node *sub = aggregate(&f, correlated(&f, t, VECTOR_LESS), &sum);
    fixture_plan(&f, select_expr(&f, t, subquery(&f, PLAN_SUBQUERY_SCALAR, sub, NULL)));
    assert_non_null(fixture_find(f.statement.root, PLAN_OP_CTE));
    const plan_operator *join = find_join(f.statement.root, PLAN_JOIN_LEFT);
    assert_true(join->join.null_equal[0]);
    assert_int_equal(f.statement.cte_count, 1);
    fixture_destroy(&f);
}

static void limit_counts_per_outer_row(void **unused)
{
    fixture f;
    start(&f);
    plan_node *t = fixture_scan(&f, T);
    plan_node *inner = correlated(&f, t, VECTOR_EQUAL);
    plan_node *sort = plan_node_over(&f.arena, PLAN_SORT, inner);
    plan_sort_key key = {.expr = fixture_column_of(&f, inner, 2)};
    sort->sort.keys = &key;
    sort->sort.key_count = 1;
    plan_node *sub = limit_one(&f, fixture_pick(&f, sort, 2));
    fixture_plan(&f, select_expr(&f, t, subquery(&f, PLAN_SUBQUERY_SCALAR, sub, NULL)));
    const plan_operator *window = fixture_find(f.statement.root, PLAN_OP_WINDOW);
    assert_non_null(window);
    assert_int_equal(window->window.partition_count, 1);
    assert_int_equal(window->window.order_count, 1);
    assert_non_null(find_join(f.statement.root, PLAN_JOIN_SINGLE));
    fixture_destroy(&f);
}

/* SELECT (SELECT count(*) FROM u WHERE u.x > (SELECT sum(..) FROM u v WHERE v.t_id = t.id))
 * FROM t: two levels deep, and the middle one does not use t itself. */
static void correlation_reaches_two_levels_up(void **unused)
{
    fixture f;
    start(&f);
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
    plan_node *deep = aggregate(&f, correlated(&f, t, VECTOR_EQUAL), &sum);
    plan_expr *value = subquery(&f, PLAN_SUBQUERY_SCALAR, deep, NULL);
    plan_node *middle = plan_node_filter(
        &f.arena, u, plan_compare(&f.arena, VECTOR_GREATER, fixture_column_of(&f, u, 2), value));
    plan_node *sub = aggregate(&f, middle, &count_star);
    fixture_plan(&f, select_expr(&f, t, subquery(&f, PLAN_SUBQUERY_SCALAR, sub, NULL)));
    assert_non_null(fixture_find(f.statement.root, PLAN_OP_CTE));
    fixture_destroy(&f);
}

static void union_inside_takes_the_domain_on_both_sides(void **unused)
{
    fixture f;
    start(&f);
    plan_node *t = fixture_scan(&f, T);
    plan_node *both = plan_node_new(&f.arena, PLAN_SET_OPERATION, 1);
    both->inputs[0] = fixture_pick(&f, correlated(&f, t, VECTOR_EQUAL), 2);
    both->inputs[1] = fixture_pick(&f, fixture_scan(&f, U), 2);
    both->set.kind = PLAN_EXCEPT;
    both->columns[0] = f.next++;
    plan_node *sub = aggregate(&f, both, &count_star);
    fixture_plan(&f, select_expr(&f, t, subquery(&f, PLAN_SUBQUERY_SCALAR, sub, NULL)));
    const plan_operator *set = fixture_find(f.statement.root, PLAN_OP_SET_OPERATION);
    assert_int_equal(set->column_count, 2);
    fixture_destroy(&f);
}

static void exists_over_a_grouping_tests_its_row(void **unused)
{
    fixture f;
    start(&f);
    plan_node *t = fixture_scan(&f, T);
    plan_node *sub = aggregate(&f, correlated(&f, t, VECTOR_EQUAL), &sum);
    plan_expr *in = subquery(&f, PLAN_SUBQUERY_ANY, sub, fixture_column_of(&f, t, 1));
    fixture_plan(&f, plan_node_filter(&f.arena, t, in));
    assert_null(find_join(f.statement.root, PLAN_JOIN_SEMI));
    /* The comparison with the row's value drops rows without one: with rules an inner join. */
    assert_non_null(find_join(f.statement.root, with_rules ? PLAN_JOIN_INNER : PLAN_JOIN_LEFT));
    assert_int_equal(f.statement.column_count, 3);
    fixture_destroy(&f);
}

static void values_may_hold_subqueries(void **unused)
{
    fixture f;
    start(&f);
    plan_node *values = plan_node_new(&f.arena, PLAN_VALUES, 1);
    plan_expr *cells[3] = {
        fixture_integer(&f, 1),
        subquery(&f, PLAN_SUBQUERY_SCALAR, aggregate(&f, fixture_scan(&f, U), &sum), NULL),
        fixture_integer(&f, 3)};
    values->values.row_count = 3;
    values->values.cells = cells;
    values->columns[0] = f.next++;
    fixture_plan(&f, values);
    assert_non_null(fixture_find(f.statement.root, PLAN_OP_UNION_ALL));
    /* Grouping without keys has one row for sure, which the rules know. */
    assert_non_null(find_join(f.statement.root, with_rules ? PLAN_JOIN_INNER : PLAN_JOIN_SINGLE));
    fixture_destroy(&f);
}

static void left_join_condition_with_subquery_over_both_sides(void **unused)
{
    fixture f;
    start(&f);
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U), *v = fixture_scan(&f, U);
    plan_expr *sum_of_both = plan_and(
        &f.arena, fixture_equal(&f, fixture_column_of(&f, v, 1), fixture_column_of(&f, t, 0)),
        fixture_equal(&f, fixture_column_of(&f, v, 2), fixture_column_of(&f, u, 2)));
    plan_node *sub = fixture_pick(&f, plan_node_filter(&f.arena, v, sum_of_both), 0);
    plan_node *join = plan_node_join(&f.arena, PLAN_JOIN_LEFT, t, u,
                                     subquery(&f, PLAN_SUBQUERY_EXISTS, sub, NULL), PLAN_NO_COLUMN);
    fixture_plan(&f, join);
    assert_non_null(find_join(f.statement.root, PLAN_JOIN_SEMI));
    assert_non_null(find_join(f.statement.root, PLAN_JOIN_LEFT));
    assert_int_equal(f.statement.column_count, 6);
    fixture_destroy(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exists_is_a_semi_join),
        cmocka_unit_test(not_in_keeps_the_mark),
        cmocka_unit_test(scalar_count_groups_and_fills_in_zero),
        cmocka_unit_test(inequality_under_grouping_takes_the_domain),
        cmocka_unit_test(limit_counts_per_outer_row),
        cmocka_unit_test(correlation_reaches_two_levels_up),
        cmocka_unit_test(union_inside_takes_the_domain_on_both_sides),
        cmocka_unit_test(exists_over_a_grouping_tests_its_row),
        cmocka_unit_test(values_may_hold_subqueries),
        cmocka_unit_test(left_join_condition_with_subquery_over_both_sides),
    };
    int failed = cmocka_run_group_tests_name("without rules", tests, NULL, NULL);
    with_rules = true;
    return failed + cmocka_run_group_tests_name("with rules", tests, NULL, NULL);
}
