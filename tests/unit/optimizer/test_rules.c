/*
 * test_rules.c - what the rules, the join order and the choice of paths must not lose.
 */
#include "optimizer_fixture.h"

static const func_aggregate maximum = {.name = "max"};
static const func_aggregate counted = {.name = "count", .zero_if_empty = true};

static plan_expr *compare(fixture *f, vector_comparison comparison, const plan_node *node,
                          uint32_t place, int64_t value)
{
    return plan_compare(&f->arena, comparison, fixture_column_of(f, node, place),
                        fixture_integer(f, value));
}

static plan_node *join_on_key(fixture *f, plan_join_kind kind, plan_node *t, plan_node *u)
{
    plan_expr *condition = fixture_equal(f, fixture_column_of(f, u, 1), fixture_column_of(f, t, 0));
    return plan_node_join(&f->arena, kind, t, u, condition, PLAN_NO_COLUMN);
}

static plan_node *limit_to(fixture *f, plan_node *input, int64_t count)
{
    plan_node *limit = plan_node_over(&f->arena, PLAN_LIMIT, input);
    limit->limit.limit = fixture_integer(f, count);
    return limit;
}

static plan_node *sort_by(fixture *f, plan_node *input, uint32_t place, bool descending)
{
    plan_node *sort = plan_node_over(&f->arena, PLAN_SORT, input);
    plan_sort_key *key = base_arena_allocate_zeroed(&f->arena, sizeof *key);
    key->expr = fixture_column_of(f, input, place);
    key->descending = key->nulls_first = descending;
    sort->sort.keys = key;
    sort->sort.key_count = 1;
    return sort;
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

static const plan_operator *find_scan_of(const fixture *f, const plan_operator *op, int table)
{
    if (!op)
        return NULL;
    if (op->kind == PLAN_OP_TABLE_SCAN && op->scan.table == &f->tables[table])
        return op;
    const plan_operator *found = find_scan_of(f, op->inputs[0], table);
    return found ? found : find_scan_of(f, op->inputs[1], table);
}

/* ---- Pushdown -------------------------------------------------------------------------------- */

static void a_constant_reaches_both_sides_of_an_equality(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
    plan_node *join =
        plan_node_join(&f.arena, PLAN_JOIN_INNER, t, u,
                       fixture_equal(&f, fixture_column_of(&f, u, 2), fixture_column_of(&f, t, 1)),
                       PLAN_NO_COLUMN);
    fixture_plan(&f, plan_node_filter(&f.arena, join, compare(&f, VECTOR_LESS, t, 1, 7)));
    assert_non_null(find_scan_of(&f, f.statement.root, T)->scan.filter);
    const plan_operator *other = find_scan_of(&f, f.statement.root, U);
    assert_non_null(other->scan.filter);
    assert_int_equal(other->scan.predicate_count, 1);
    assert_int_equal(other->scan.predicates[0].test, TABLE_LESS);
    assert_null(fixture_find(f.statement.root, PLAN_OP_FILTER));
    fixture_destroy(&f);
}

static void a_filter_on_the_nullable_side_makes_the_join_inner(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
    plan_node *join = join_on_key(&f, PLAN_JOIN_LEFT, t, u);
    fixture_plan(&f, plan_node_filter(&f.arena, join, compare(&f, VECTOR_GREATER, u, 2, 3)));
    assert_null(find_join(f.statement.root, PLAN_JOIN_LEFT));
    assert_non_null(find_join(f.statement.root, PLAN_JOIN_INNER));
    fixture_destroy(&f);
}

static void is_null_on_the_nullable_side_keeps_the_join(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
    plan_node *join = join_on_key(&f, PLAN_JOIN_LEFT, t, u);
    plan_expr *test = plan_expr_new(&f.arena, PLAN_EXPR_IS_NULL, TYPES_OF(BOOLEAN), 1);
    test->arguments[0] = fixture_column_of(&f, u, 2);
    fixture_plan(&f, plan_node_filter(&f.arena, join, test));
    assert_non_null(find_join(f.statement.root, PLAN_JOIN_LEFT));
    assert_non_null(fixture_find(f.statement.root, PLAN_OP_FILTER));
    fixture_destroy(&f);
}

/* (k AND t.a = 1 AND u.x = 2) OR (k AND t.a = 3 AND u.x = 4): k is a key, and each table
 * is filtered by what its own half of the branches says. */
static void an_or_gives_its_common_and_its_single_table_parts(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
    plan_expr *either = plan_expr_new(&f.arena, PLAN_EXPR_OR, TYPES_OF(BOOLEAN), 2);
    for (uint32_t i = 0; i < 2; i++) {
        plan_expr *key =
            fixture_equal(&f, fixture_column_of(&f, u, 1), fixture_column_of(&f, t, 0));
        plan_expr *both = plan_and(&f.arena, compare(&f, VECTOR_EQUAL, t, 1, 1 + 2 * i),
                                   compare(&f, VECTOR_EQUAL, u, 2, 2 + 2 * i));
        either->arguments[i] = plan_and(&f.arena, key, both);
    }
    plan_node *join = plan_node_join(&f.arena, PLAN_JOIN_INNER, t, u, NULL, PLAN_NO_COLUMN);
    fixture_plan(&f, plan_node_filter(&f.arena, join, either));
    assert_null(fixture_find(f.statement.root, PLAN_OP_NESTED_LOOP));
    assert_non_null(strstr(f.text.data, "a IN (1, 3)"));
    assert_non_null(strstr(f.text.data, "x IN (2, 4)"));
    fixture_destroy(&f);
}

static void a_group_key_test_passes_the_grouping(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T);
    plan_node *group = plan_node_new(&f.arena, PLAN_AGGREGATE, 2);
    plan_output key = {f.next, fixture_column_of(&f, t, 1)};
    plan_aggregate one = {.function = &counted, .column = f.next + 1, .type = TYPES_OF(INTEGER)};
    group->columns[0] = f.next++;
    group->columns[1] = f.next++;
    group->inputs[0] = t;
    group->aggregate.keys = &key;
    group->aggregate.key_count = 1;
    group->aggregate.aggregates = &one;
    group->aggregate.aggregate_count = 1;
    plan_expr *both = plan_and(&f.arena, compare(&f, VECTOR_LESS, group, 0, 5),
                               compare(&f, VECTOR_GREATER, group, 1, 2));
    fixture_plan(&f, plan_node_filter(&f.arena, group, both));
    assert_non_null(find_scan_of(&f, f.statement.root, T)->scan.filter);
    assert_non_null(fixture_find(f.statement.root, PLAN_OP_FILTER)); /* the count's test stays */
    fixture_destroy(&f);
}

/* ---- Paths ----------------------------------------------------------------------------------- */

static void a_rowid_is_looked_up(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T);
    fixture_plan(&f, plan_node_filter(&f.arena, t, compare(&f, VECTOR_EQUAL, t, 0, 7)));
    assert_int_equal(f.statement.root->kind, PLAN_OP_ROWID_LOOKUP);
    assert_null(f.statement.root->rowid_lookup.access.filter);
    fixture_destroy(&f);
}

static void an_index_is_for_few_rows(void **unused)
{
    static const struct {
        vector_comparison comparison;
        plan_operator_kind kind;
    } cases[] = {{VECTOR_EQUAL, PLAN_OP_INDEX_SCAN}, {VECTOR_LESS, PLAN_OP_TABLE_SCAN}};
    for (size_t i = 0; i < BASE_COUNT_OF(cases); i++) {
        fixture f;
        fixture_init(&f);
        plan_node *u = fixture_scan(&f, U);
        fixture_plan(&f, plan_node_filter(&f.arena, u, compare(&f, cases[i].comparison, u, 1, 7)));
        assert_int_equal(f.statement.root->kind, cases[i].kind);
        fixture_destroy(&f);
    }
}

static void an_order_that_is_there_is_not_sorted(void **unused)
{
    for (int descending = 0; descending < 2; descending++) {
        fixture f;
        fixture_init(&f);
        plan_node *sort = sort_by(&f, fixture_scan(&f, T), 0, descending);
        fixture_plan(&f, limit_to(&f, sort, 10));
        assert_int_equal(f.statement.root->kind, PLAN_OP_LIMIT);
        const plan_operator *scan = f.statement.root->inputs[0];
        assert_true(scan->scan.ordered);
        assert_int_equal(scan->scan.descending, descending);
        fixture_destroy(&f);
    }
}

static void a_few_rows_come_in_index_order(void **unused)
{
    fixture f;
    fixture_init(&f);
    fixture_plan(&f, limit_to(&f, sort_by(&f, fixture_scan(&f, T), 1, true), 10));
    assert_int_equal(f.statement.root->inputs[0]->kind, PLAN_OP_INDEX_SCAN);
    assert_true(f.statement.root->inputs[0]->index_scan.access.descending);
    fixture_destroy(&f);
}

static void the_largest_value_is_one_step_in_an_index(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T);
    plan_node *group = plan_node_new(&f.arena, PLAN_AGGREGATE, 1);
    plan_expr *argument = fixture_column_of(&f, t, 1);
    plan_aggregate one = {.function = &maximum,
                          .column = group->columns[0] = f.next++,
                          .type = TYPES_OF(INTEGER),
                          .argument_count = 1,
                          .arguments = &argument};
    group->inputs[0] = t;
    group->aggregate.aggregates = &one;
    group->aggregate.aggregate_count = 1;
    fixture_plan(&f, group);
    assert_non_null(fixture_find(f.statement.root, PLAN_OP_INDEX_SCAN));
    assert_non_null(fixture_find(f.statement.root, PLAN_OP_LIMIT));
    fixture_destroy(&f);
}

/* A second key in the sort: only the first is in the index. */
static void an_order_that_is_half_there_is_half_sorted(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T), *sort = sort_by(&f, t, 1, true);
    plan_sort_key *keys = base_arena_allocate_zeroed(&f.arena, 2 * sizeof *keys);
    keys[0] = sort->sort.keys[0];
    keys[1].expr = fixture_column_of(&f, t, 2);
    sort->sort.keys = keys;
    sort->sort.key_count = 2;
    fixture_plan(&f, limit_to(&f, sort, 10));
    const plan_operator *op = fixture_find(f.statement.root, PLAN_OP_SORT);
    assert_int_equal(f.statement.root->kind, PLAN_OP_LIMIT);
    assert_int_equal(op->sort.presorted, 1);
    assert_null(op->sort.limit);
    assert_int_equal(op->inputs[0]->kind, PLAN_OP_INDEX_SCAN);
    fixture_destroy(&f);
}

static plan_node *group_by(fixture *f, plan_node *input, uint32_t place)
{
    plan_node *group = plan_node_new(&f->arena, PLAN_AGGREGATE, 2);
    plan_output *key = base_arena_allocate_zeroed(&f->arena, sizeof *key);
    plan_aggregate *count = base_arena_allocate_zeroed(&f->arena, sizeof *count);
    *key = (plan_output){group->columns[0] = f->next++, fixture_column_of(f, input, place)};
    *count = (plan_aggregate){
        .function = &counted, .column = group->columns[1] = f->next++, .type = TYPES_OF(INTEGER)};
    group->inputs[0] = input;
    group->aggregate.key_count = group->aggregate.aggregate_count = 1;
    group->aggregate.keys = key;
    group->aggregate.aggregates = count;
    return group;
}

static void a_few_groups_are_read_in_order(void **unused)
{
    for (int sorted = 0; sorted < 2; sorted++) {
        fixture f;
        fixture_init(&f);
        plan_node *group = group_by(&f, fixture_scan(&f, T), 1);
        fixture_plan(&f, limit_to(&f, sorted ? sort_by(&f, group, 0, true) : group, 2));
        const plan_operator *op = fixture_find(f.statement.root, PLAN_OP_ORDERED_AGGREGATE);
        assert_non_null(op);
        assert_int_equal(op->inputs[0]->kind, PLAN_OP_INDEX_SCAN);
        assert_int_equal(op->inputs[0]->index_scan.access.descending, sorted);
        assert_null(fixture_find(f.statement.root, PLAN_OP_SORT));
        fixture_destroy(&f);
    }
}

static void all_groups_are_hashed(void **unused)
{
    fixture f;
    fixture_init(&f);
    fixture_plan(&f, group_by(&f, fixture_scan(&f, T), 1));
    assert_non_null(fixture_find(f.statement.root, PLAN_OP_HASH_AGGREGATE));
    assert_non_null(find_scan_of(&f, f.statement.root, T));
    fixture_destroy(&f);
}

/* ---- Joins ----------------------------------------------------------------------------------- */

static void few_outer_rows_are_looked_up(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
    plan_node *join = join_on_key(&f, PLAN_JOIN_INNER, t, u);
    fixture_plan(&f, plan_node_filter(&f.arena, join, compare(&f, VECTOR_EQUAL, t, 0, 7)));
    const plan_operator *op = fixture_find(f.statement.root, PLAN_OP_INDEX_JOIN);
    /* The constant reaches u too, so either side may drive: nothing is scanned. */
    assert_true(op || !fixture_find(f.statement.root, PLAN_OP_TABLE_SCAN));
    assert_null(find_scan_of(&f, f.statement.root, U));
    fixture_destroy(&f);
}

static void the_smaller_side_is_built_and_publishes_a_filter(void **unused)
{
    fixture f;
    fixture_init(&f);
    f.options.join_filters = true;
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
    plan_node *join = join_on_key(&f, PLAN_JOIN_INNER, t, u);
    fixture_plan(&f, plan_node_filter(&f.arena, join, compare(&f, VECTOR_LESS, t, 1, 7)));
    const plan_operator *op = find_join(f.statement.root, PLAN_JOIN_INNER);
    assert_int_equal(op->kind, PLAN_OP_HASH_JOIN);
    assert_ptr_equal(op->inputs[1]->scan.table, &f.tables[T]);
    assert_int_equal(op->join.filter_count, 1);
    const plan_operator *probe = find_scan_of(&f, op->inputs[0], U);
    assert_int_equal(probe->scan.join_filter_count, 1);
    assert_int_equal(probe->scan.join_filters[0].id, op->join.filters[0].id);
    fixture_destroy(&f);
}

static void a_limit_stops_at_the_left_rows_of_a_scalar_subquery(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T);
    plan_node *sub = fixture_pick(&f, fixture_scan(&f, U), 2);
    plan_node *join = plan_node_join(
        &f.arena, PLAN_JOIN_SINGLE, t, sub,
        fixture_equal(&f, plan_column_ref(&f.arena, sub->columns[0], TYPES_OF(INTEGER)),
                      fixture_column_of(&f, t, 1)),
        PLAN_NO_COLUMN);
    fixture_plan(&f, limit_to(&f, join, 5));
    const plan_operator *op = find_join(f.statement.root, PLAN_JOIN_SINGLE);
    assert_int_equal(op->inputs[0]->kind, PLAN_OP_LIMIT);
    fixture_destroy(&f);
}

/* ORDER BY t.id LIMIT: the rows of t come in that order and their partners are looked up. */
static void a_limited_join_keeps_the_order_of_its_outer_side(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
    plan_node *join = join_on_key(&f, PLAN_JOIN_INNER, t, u);
    fixture_plan(&f, limit_to(&f, sort_by(&f, join, 0, false), 5));
    const plan_operator *op = fixture_find(f.statement.root, PLAN_OP_INDEX_JOIN);
    assert_non_null(op);
    assert_null(fixture_find(f.statement.root, PLAN_OP_SORT));
    assert_true(find_scan_of(&f, op, T)->scan.ordered);
    fixture_destroy(&f);
}

/* ORDER BY u.x LIMIT: all rows must be joined before the first comes out, so nothing is gained by
 * looking up. */
static void a_sort_above_a_join_has_no_goal(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
    plan_node *join = join_on_key(&f, PLAN_JOIN_INNER, t, u);
    fixture_plan(&f, limit_to(&f, sort_by(&f, join, 5, false), 5));
    assert_null(fixture_find(f.statement.root, PLAN_OP_INDEX_JOIN));
    assert_non_null(fixture_find(f.statement.root, PLAN_OP_SORT));
    fixture_destroy(&f);
}

static void a_few_rows_with_a_partner_are_looked_up(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *t = fixture_scan(&f, T), *u = fixture_scan(&f, U);
    fixture_plan(&f, limit_to(&f, join_on_key(&f, PLAN_JOIN_SEMI, t, u), 10));
    assert_non_null(fixture_find(f.statement.root, PLAN_OP_INDEX_JOIN));
    fixture_destroy(&f);
    fixture_init(&f);
    t = fixture_scan(&f, T), u = fixture_scan(&f, U);
    fixture_plan(&f, join_on_key(&f, PLAN_JOIN_SEMI, t, u));
    assert_null(fixture_find(f.statement.root, PLAN_OP_INDEX_JOIN));
    fixture_destroy(&f);
}

/* A chain of eight tables: every order is found without a cross product. */
static void a_chain_of_joins_has_no_cross_product(void **unused)
{
    fixture f;
    fixture_init(&f);
    plan_node *scans[8], *all = NULL;
    plan_expr *condition = NULL;
    for (int i = 0; i < 8; i++) {
        scans[i] = fixture_scan(&f, i % 2 ? U : T);
        all = all ? plan_node_join(&f.arena, PLAN_JOIN_INNER, all, scans[i], NULL, PLAN_NO_COLUMN)
                  : scans[i];
        if (i)
            condition = plan_and(&f.arena, condition,
                                 fixture_equal(&f, fixture_column_of(&f, scans[i], 1),
                                               fixture_column_of(&f, scans[i - 1], 0)));
    }
    fixture_plan(&f, plan_node_filter(&f.arena, all, condition));
    assert_null(fixture_find(f.statement.root, PLAN_OP_NESTED_LOOP));
    assert_int_equal(f.statement.column_count, 24);
    fixture_destroy(&f);
}

/* As many as a set of leaves holds, and more: greedy, and still without cross products. */
static void many_joins_are_ordered_greedily(void **unused)
{
    for (int count = 30; count <= 70; count += 40) {
        fixture f;
        fixture_init(&f);
        plan_node *all = fixture_scan(&f, T), *last = all;
        for (int i = 1; i < count; i++) {
            plan_node *next = fixture_scan(&f, U);
            plan_expr *condition = fixture_equal(&f, fixture_column_of(&f, next, 1),
                                                 fixture_column_of(&f, last, 2 * (i > 1)));
            all = plan_node_join(&f.arena, PLAN_JOIN_INNER, all, next, condition, PLAN_NO_COLUMN);
            last = next;
        }
        fixture_plan(&f, all);
        assert_null(fixture_find(f.statement.root, PLAN_OP_NESTED_LOOP));
        assert_int_equal(f.statement.column_count, 3 * count);
        fixture_destroy(&f);
    }
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static plan_node *build_everything(fixture *f)
{
    plan_node *t = fixture_scan(f, T), *u = fixture_scan(f, U), *v = fixture_scan(f, U);
    plan_node *join = join_on_key(f, PLAN_JOIN_LEFT, t, u);
    plan_node *sub = fixture_pick(
        f,
        plan_node_filter(&f->arena, v,
                         plan_compare(&f->arena, VECTOR_LESS, fixture_column_of(f, v, 1),
                                      fixture_column_of(f, t, 0))),
        2);
    plan_expr *in = plan_expr_new(&f->arena, PLAN_EXPR_SUBQUERY, TYPES_OF(BOOLEAN), 1);
    in->subquery.kind = PLAN_SUBQUERY_ANY;
    in->subquery.comparison = VECTOR_EQUAL;
    in->subquery.node = limit_to(f, sub, 3);
    in->arguments[0] = fixture_column_of(f, t, 1);
    plan_node *filter = plan_node_filter(
        &f->arena, join,
        plan_and(&f->arena, plan_not(&f->arena, in), compare(f, VECTOR_LESS, u, 2, 9)));
    return limit_to(f, sort_by(f, filter, 1, true), 10);
}

static void memory_ends_anywhere(void **unused)
{
    base_status status = BASE_OUT_OF_MEMORY;
    size_t limit = 1024;
    for (; status == BASE_OUT_OF_MEMORY && limit < (16u << 20); limit += limit / 16) {
        fixture f;
        base_budget small;
        base_arena arena;
        fixture_init(&f);
        plan_node *root = build_everything(&f);
        base_budget_init(&small, &f.budget, NULL, "small", limit);
        base_arena_init(&arena, &small);
        base_error_clear(&f.error);
        status = optimizer_optimize(&arena, root, &f.options, &f.statement, &f.error);
        assert_true(status == BASE_OK || status == BASE_OUT_OF_MEMORY);
        base_arena_destroy(&arena);
        fixture_destroy(&f);
    }
    assert_int_equal(status, BASE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_reaches_both_sides_of_an_equality),
        cmocka_unit_test(a_filter_on_the_nullable_side_makes_the_join_inner),
        cmocka_unit_test(is_null_on_the_nullable_side_keeps_the_join),
        cmocka_unit_test(an_or_gives_its_common_and_its_single_table_parts),
        cmocka_unit_test(a_group_key_test_passes_the_grouping),
        cmocka_unit_test(a_rowid_is_looked_up),
        cmocka_unit_test(an_index_is_for_few_rows),
        cmocka_unit_test(an_order_that_is_there_is_not_sorted),
        cmocka_unit_test(a_few_rows_come_in_index_order),
        cmocka_unit_test(all_groups_are_hashed),
        cmocka_unit_test(a_few_groups_are_read_in_order),
        cmocka_unit_test(an_order_that_is_half_there_is_half_sorted),
        cmocka_unit_test(the_largest_value_is_one_step_in_an_index),
        cmocka_unit_test(few_outer_rows_are_looked_up),
        cmocka_unit_test(a_few_rows_with_a_partner_are_looked_up),
        cmocka_unit_test(a_sort_above_a_join_has_no_goal),
        cmocka_unit_test(a_limited_join_keeps_the_order_of_its_outer_side),
        cmocka_unit_test(the_smaller_side_is_built_and_publishes_a_filter),
        cmocka_unit_test(a_limit_stops_at_the_left_rows_of_a_scalar_subquery),
        cmocka_unit_test(a_chain_of_joins_has_no_cross_product),
        cmocka_unit_test(many_joins_are_ordered_greedily),
        cmocka_unit_test(memory_ends_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
