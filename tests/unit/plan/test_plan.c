/*
 * test_plan.c - constructors, walkers, column sets, equality and the printers.
 */
#include "unit/unit.h"
#include "plan/plan.h"

typedef struct fixture {
    base_budget root;
    base_arena arena;
} fixture;

static void open_fixture(fixture *f)
{
    unit_budget_init(&f->root);
    base_arena_init(&f->arena, &f->root);
}

static void close_fixture(fixture *f)
{
    base_arena_destroy(&f->arena);
    unit_budget_check(&f->root);
}

static plan_expr *integer(fixture *f, int64_t number)
{
    types_value value = {.type = TYPES_OF(INTEGER)};
    value.cell.int64 = number;
    return plan_constant(&f->arena, &value);
}

static plan_expr *column(fixture *f, plan_column number)
{
    return plan_column_ref(&f->arena, number, TYPES_OF(INTEGER));
}

/* A VALUES node of `count` columns numbered from `first`. */
static plan_node *values(fixture *f, plan_column first, uint32_t count)
{
    plan_node *node = plan_node_new(&f->arena, PLAN_VALUES, count);
    for (uint32_t i = 0; i < count; i++)
        node->columns[i] = first + (plan_column)i;
    return node;
}

static void expect_text(fixture *f, const plan_expr *expr, const char *text)
{
    base_buffer out;
    base_buffer_init(&out, &f->root);
    plan_print_expr(expr, &out);
    assert_string_equal(out.data, text);
    base_buffer_destroy(&out);
}

static void conjunctions_stay_flat(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    plan_expr *a = plan_compare(&f.arena, VECTOR_EQUAL, column(&f, 0), integer(&f, 1));
    plan_expr *b = plan_compare(&f.arena, VECTOR_LESS, column(&f, 1), integer(&f, 2));
    plan_expr *c = plan_not(&f.arena, a);
    assert_ptr_equal(plan_and(&f.arena, NULL, a), a);
    assert_ptr_equal(plan_and(&f.arena, a, NULL), a);
    plan_expr *all = plan_and(&f.arena, plan_and(&f.arena, a, b), c);
    assert_int_equal(all->argument_count, 3);
    expect_text(&f, all, "(#0 = 1) AND (#1 < 2) AND (NOT (#0 = 1))");
    close_fixture(&f);
}

static void equality_looks_at_everything(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    plan_expr *a = plan_compare(&f.arena, VECTOR_EQUAL, column(&f, 0), integer(&f, 1));
    plan_expr *copy = plan_expr_copy(&f.arena, a);
    assert_ptr_not_equal(copy, a);
    assert_ptr_not_equal(copy->arguments[0], a->arguments[0]);
    assert_true(plan_expr_equal(a, copy));
    copy->comparison = VECTOR_LESS;
    assert_false(plan_expr_equal(a, copy));
    copy->comparison = VECTOR_EQUAL;
    copy->arguments[1]->constant.cell.int64 = 2;
    assert_false(plan_expr_equal(a, copy));
    copy->arguments[1]->constant.is_null = true;
    assert_false(plan_expr_equal(a, copy));
    assert_false(plan_expr_equal(column(&f, 0), column(&f, 1)));
    assert_false(
        plan_expr_equal(integer(&f, 1), plan_cast(&f.arena, integer(&f, 1), TYPES_OF(INTEGER))));
    close_fixture(&f);
}

static void joins_know_their_columns(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    plan_node *left = values(&f, 0, 2), *right = values(&f, 2, 3);
    plan_node *inner = plan_node_join(&f.arena, PLAN_JOIN_INNER, left, right, NULL, PLAN_NO_COLUMN);
    assert_int_equal(inner->column_count, 5);
    assert_int_equal(inner->columns[4], 4);
    plan_node *semi = plan_node_join(&f.arena, PLAN_JOIN_SEMI, left, right, NULL, PLAN_NO_COLUMN);
    assert_int_equal(semi->column_count, 2);
    plan_node *mark = plan_node_join(&f.arena, PLAN_JOIN_MARK, left, right, NULL, 9);
    assert_int_equal(mark->column_count, 3);
    assert_int_equal(mark->columns[2], 9);
    plan_node *filter = plan_node_filter(&f.arena, inner, integer(&f, 1));
    assert_ptr_equal(filter->columns, inner->columns);
    assert_true(filter->rows < 0);
    close_fixture(&f);
}

static void free_columns_are_those_not_produced(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    /* A filter over columns 0, 1 that uses 1 and, from outside, 7; in a subquery's EXISTS. */
    plan_expr *condition = plan_compare(&f.arena, VECTOR_EQUAL, column(&f, 1), column(&f, 7));
    plan_node *inner = plan_node_filter(&f.arena, values(&f, 0, 2), condition);
    plan_column_set set = {.arena = &f.arena};
    assert_true(plan_node_free_columns(inner, &set));
    assert_true(plan_set_has(&set, 7));
    assert_false(plan_set_has(&set, 1));
    plan_expr *exists = plan_expr_new(&f.arena, PLAN_EXPR_SUBQUERY, TYPES_OF(BOOLEAN), 0);
    exists->subquery.kind = PLAN_SUBQUERY_EXISTS;
    exists->subquery.node = inner;
    plan_column_set used = {.arena = &f.arena};
    assert_true(plan_expr_columns(exists, &used));
    assert_true(plan_set_has(&used, 7));
    assert_false(plan_set_has(&used, 0));
    assert_true(plan_expr_has_subquery(plan_not(&f.arena, exists)));
    plan_node *outer = plan_node_filter(&f.arena, values(&f, 7, 1), exists);
    plan_column_set none = {.arena = &f.arena};
    assert_true(plan_node_free_columns(outer, &none));
    assert_true(plan_set_is_empty(&none));
    close_fixture(&f);
}

static void sets_grow_and_compare(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    plan_column_set a = {.arena = &f.arena}, b = {.arena = &f.arena};
    assert_true(plan_set_is_empty(&a));
    assert_true(plan_set_add(&a, 3) && plan_set_add(&a, 700) && plan_set_add(&b, 700));
    assert_true(plan_set_has(&a, 3) && !plan_set_has(&a, 4) && !plan_set_has(&a, 100000));
    assert_false(plan_set_has(&a, PLAN_NO_COLUMN));
    assert_true(plan_set_contains(&a, &b) && !plan_set_contains(&b, &a));
    assert_true(plan_set_intersects(&a, &b));
    plan_set_remove(&a, 700);
    assert_false(plan_set_intersects(&a, &b));
    assert_true(plan_set_add_all(&b, &a));
    assert_true(plan_set_has(&b, 3) && plan_set_has(&b, 700));
    close_fixture(&f);
}

static base_status replace_column(void *context, plan_expr **expr)
{
    fixture *f = context;
    if ((*expr)->kind == PLAN_EXPR_COLUMN)
        *expr = integer(f, (*expr)->column * 10);
    return BASE_OK;
}

static base_status stop_at_constant(void *context, plan_expr **expr)
{
    ++*(int *)context;
    return (*expr)->kind == PLAN_EXPR_CONSTANT ? BASE_DONE : BASE_OK;
}

static void walkers_replace_and_stop(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    plan_expr *sum = plan_compare(&f.arena, VECTOR_GREATER, column(&f, 4), integer(&f, 1));
    unit_assert_ok(plan_expr_walk(&sum, replace_column, &f));
    expect_text(&f, sum, "40 > 1");
    int visited = 0;
    assert_int_equal(plan_expr_walk(&sum, stop_at_constant, &visited), BASE_DONE);
    assert_int_equal(visited, 2);
    plan_node *filter = plan_node_filter(&f.arena, values(&f, 0, 1), column(&f, 0));
    unit_assert_ok(plan_node_visit_exprs(filter, replace_column, &f));
    assert_int_equal(filter->filter.condition->kind, PLAN_EXPR_CONSTANT);
    close_fixture(&f);
}

static void operators_print_as_a_tree(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    plan_expr *cells[] = {integer(&f, 1)};
    plan_operator rows = {.kind = PLAN_OP_VALUES, .column_count = 1, .rows = 1};
    rows.values.row_count = 1;
    rows.values.cells = cells;
    plan_operator other = rows;
    plan_expr *keys[] = {plan_slot(&f.arena, 0, TYPES_OF(INTEGER))};
    plan_operator join = {
        .kind = PLAN_OP_HASH_JOIN, .column_count = 2, .inputs = {&rows, &other}, .rows = 3};
    join.join.kind = PLAN_JOIN_LEFT;
    join.join.key_count = 1;
    join.join.left_keys = join.join.right_keys = keys;
    plan_operator cut = {.kind = PLAN_OP_LIMIT, .column_count = 2, .inputs = {&join}, .rows = -1};
    cut.limit.limit = integer(&f, 5);
    base_buffer out;
    base_buffer_init(&out, &f.root);
    plan_print_operator(&cut, &out);
    assert_string_equal(out.data, "CUT LIMIT 5\n"
                                  "└─ HASH JOIN LEFT ON #0 = #0  (~3 rows)\n"
                                  "   ├─ VALUES 1 row  (~1 row)\n"
                                  "   └─ VALUES 1 row  (~1 row)\n");
    base_buffer_destroy(&out);
    close_fixture(&f);
}

static void constructors_survive_failed_allocations(void **state)
{
    (void)state;
    for (uint64_t fail_at = 1; fail_at < 4; fail_at++) {
        unit_allocator failing;
        unit_allocator_init(&failing, fail_at, true);
        fixture f;
        base_budget_init(&f.root, NULL, &failing.allocator, "test", SIZE_MAX);
        base_arena_init(&f.arena, &f.root);
        bool failed = false;
        for (int i = 0; i < 200 && !failed; i++)
            failed = !plan_node_new(&f.arena, PLAN_PROJECT, 50);
        assert_true(failed);
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conjunctions_stay_flat),
        cmocka_unit_test(equality_looks_at_everything),
        cmocka_unit_test(joins_know_their_columns),
        cmocka_unit_test(free_columns_are_those_not_produced),
        cmocka_unit_test(sets_grow_and_compare),
        cmocka_unit_test(walkers_replace_and_stop),
        cmocka_unit_test(operators_print_as_a_tree),
        cmocka_unit_test(constructors_survive_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
