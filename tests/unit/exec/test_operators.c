/* Streaming operators, sorting, sets and common table expressions over VALUES. */
#include "unit/exec/exec_fixture.h"

static void test_values_filter_project(void **state)
{
    fixture *f = *state;
    plan_operator *rows = values(f, "IT", "1|a;2|NULL;NULL|a text longer than inline;4|d");
    check(f, rows, "1|a;2|NULL;NULL|a text longer than inline;4|d");
    check(f, values(f, "I", ""), "");
    check(f, filter(f, rows, compare(f, VECTOR_GREATER, slot(f, 0, 'I'), constant(f, 'I', "1"))),
          "2|NULL;4|d");
    check(f,
          project(
              f, rows, 2,
              list(f, 2, slot(f, 1, 'T'), call2(f, "+", slot(f, 0, 'I'), constant(f, 'I', "10")))),
          "a|11;NULL|12;a text longer than inline|NULL;d|14");
}

static void test_limit(void **state)
{
    fixture *f = *state;
    plan_operator *rows = values(f, "I", "1;2;3;4;5");
    check(f, limit(f, rows, "2", NULL), "1;2");
    check(f, limit(f, rows, "2", "3"), "4;5");
    check(f, limit(f, rows, "0", NULL), "");
    check(f, limit(f, rows, NULL, "4"), "5");
    check(f, limit(f, rows, "9", "9"), "");
    f->expected = BASE_INVALID_PARAMETER;
    check(f, limit(f, rows, "-1", NULL), "");
}

static void test_limit_stops_recursion(void **state)
{
    fixture *f = *state;
    plan_operator *endless = series(f, 0, "9223372036854775807");
    check(f, with(f, 0, endless, limit(f, cte_scan(f, 0, "I"), "3", "1")), "1;2;3");
}

static void test_sort(void **state)
{
    fixture *f = *state;
    plan_operator *rows = values(f, "IT",
                                 "3|c;1|b;NULL|x;1|a;2|a text longer than inline 2;"
                                 "2|a text longer than inline 1");
    check(f, sort(f, rows, 2, keys(f, 2, slot(f, 0, 'I'), "asc", slot(f, 1, 'T'), "asc")),
          "1|a;1|b;2|a text longer than inline 1;2|a text longer than inline 2;3|c;NULL|x");
    check(f, sort(f, rows, 2, keys(f, 2, slot(f, 0, 'I'), "desc", slot(f, 1, 'T'), "desc")),
          "NULL|x;3|c;2|a text longer than inline 2;2|a text longer than inline 1;1|b;1|a");
    check(f, sort(f, rows, 1, keys(f, 1, slot(f, 0, 'I'), "asc first")),
          "NULL|x;1|b;1|a;2|a text longer than inline 2;2|a text longer than inline 1;3|c");
    plan_expr *negative = call2(f, "-", constant(f, 'I', "0"), slot(f, 0, 'I'));
    check(f, sort(f, rows, 1, keys(f, 1, negative, "asc")),
          "3|c;2|a text longer than inline 2;2|a text longer than inline 1;1|b;1|a;NULL|x");
    plan_operator *floats = values(f, "F", "1.5;-2;nan;0;-0.0;NULL;1e300;-1e300");
    check(f, sort(f, floats, 1, keys(f, 1, slot(f, 0, 'F'), "asc")),
          "-1e+300;-2;0;-0;1.5;1e+300;NaN;NULL");
}

static void test_top(void **state)
{
    fixture *f = *state;
    f->skip_failures = true;
    /* 160,000 rows in a scrambled order: i * 7919 % 160001. */
    plan_expr *scrambled = call2(f, "%", call2(f, "*", slot(f, 0, 'I'), constant(f, 'I', "7919")),
                                 constant(f, 'I', "160001"));
    plan_operator *rows = project(f, cte_scan(f, 0, "I"), 1, list(f, 1, scrambled));
    plan_operator *top = sort(f, rows, 1, keys(f, 1, slot(f, 0, 'I'), "asc"));
    top->sort.limit = constant(f, 'I', "4");
    top->sort.offset = constant(f, 'I', "2");
    for (f->threads = 1; f->threads <= 4; f->threads += 3)
        check(f, many(f, 0, "400", top), "2;3;4;5");
    plan_operator *all = sort(f, rows, 1, keys(f, 1, slot(f, 0, 'I'), "desc"));
    for (f->threads = 1; f->threads <= 4; f->threads += 3)
        check(f, many(f, 0, "400", limit(f, all, "3", NULL)), "160000;159999;159998");
}

static void test_union_and_sets(void **state)
{
    fixture *f = *state;
    plan_operator *a = values(f, "I", "1;2;2;3;NULL;NULL"), *b = values(f, "I", "2;3;3;NULL;5");
    plan_operator *op = operator_same(f, PLAN_OP_UNION_ALL, a, b);
    check(f, op, "1;2;2;3;NULL;NULL;2;3;3;NULL;5");
    check(f, limit(f, op, "7", "5"), "NULL;2;3;3;NULL;5");
    op = operator_same(f, PLAN_OP_SET_OPERATION, a, b);
    op->set.kind = PLAN_INTERSECT;
    check(f, op, "2;3;NULL");
    op->set.all = true;
    check(f, op, "2;3;NULL");
    op->set.kind = PLAN_EXCEPT;
    check(f, op, "1;2;NULL");
    op->set.all = false;
    check(f, op, "1");
}

static void test_distinct_on(void **state)
{
    fixture *f = *state;
    plan_operator *op = operator_same(f, PLAN_OP_DISTINCT_ON,
                                      values(f, "IT", "1|a;2|b;1|c;NULL|d;NULL|e;2|f"), NULL);
    op->distinct_on.key_count = 1;
    op->distinct_on.keys = list(f, 1, slot(f, 0, 'I'));
    check(f, op, "1|a;2|b;NULL|d");
}

static void test_cte(void **state)
{
    fixture *f = *state;
    plan_operator *twice =
        operator_same(f, PLAN_OP_UNION_ALL, cte_scan(f, 0, "I"), cte_scan(f, 0, "I"));
    check(f, with(f, 0, values(f, "I", "1;2"), twice), "1;2;1;2");
    check(f,
          with(f, 0, series(f, 0, "4"),
               operator_same(f, PLAN_OP_UNION_ALL, cte_scan(f, 0, "I"), cte_scan(f, 0, "I"))),
          "0;1;2;3;0;1;2;3");
}

static void test_recursive_union(void **state)
{
    fixture *f = *state;
    /* (x + 1) % 3 from 0: without dropping repeats it would not end. */
    plan_operator *op = operator_new(f, PLAN_OP_RECURSIVE_CTE, values(f, "I", "0;0"), NULL, "I");
    plan_expr *step =
        call2(f, "%", call2(f, "+", slot(f, 0, 'I'), constant(f, 'I', "1")), constant(f, 'I', "3"));
    op->inputs[1] = project(f, cte_scan(f, 0, "I"), 1, list(f, 1, step));
    f->cte_count = 1;
    check(f, op, "0;1;2");
}

/* A join inside the repeated term: reachability over edges. */
static void test_recursive_join(void **state)
{
    fixture *f = *state;
    plan_operator *op = operator_new(f, PLAN_OP_RECURSIVE_CTE, values(f, "I", "1"), NULL, "I");
    plan_operator *edges = values(f, "II", "1|2;2|3;3|1;3|4;7|8");
    plan_operator *reach =
        join(f, PLAN_JOIN_INNER, cte_scan(f, 0, "I"), edges, slot(f, 0, 'I'), slot(f, 0, 'I'));
    op->inputs[1] = project(f, reach, 1, list(f, 1, slot(f, 2, 'I')));
    f->cte_count = 1;
    check_any_order(f, op, "1;2;3;4");
}

typedef struct system_state {
    int64_t next, end;
} system_state;

static base_status system_open(const plan_system_source *source, void *environment,
                               txn_transaction *transaction, const types_value *arguments,
                               uint32_t argument_count, base_arena *arena, void **state,
                               base_error *error)
{
    system_state *self = base_arena_allocate(arena, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    assert_int_equal(argument_count, 1);
    *self = (system_state){0, arguments[0].cell.int64};
    *state = self;
    return BASE_OK;
}

static base_status system_next(void *state, vector_chunk *chunk, base_error *error)
{
    system_state *self = state;
    while (self->next < self->end && chunk->count < VECTOR_SIZE) {
        types_value number = {TYPES_OF(INTEGER), false, {.int64 = self->next++}};
        types_value text = {TYPES_OF(TEXT), false, {.string = types_string_of("x", 1)}};
        vector_put(&chunk->columns[0], chunk->count, &text);
        vector_put(&chunk->columns[1], chunk->count++, &number);
    }
    return chunk->count ? BASE_ROW : BASE_DONE;
}

static void test_system_scan(void **state)
{
    fixture *f = *state;
    plan_system_column columns[2] = {{BASE_TEXT("t"), TYPES_OF(TEXT)},
                                     {BASE_TEXT("n"), TYPES_OF(INTEGER)}};
    plan_system_source source = {.name = "numbers",
                                 .column_count = 2,
                                 .columns = columns,
                                 .open = system_open,
                                 .next = system_next,
                                 .rows = -1};
    plan_operator *op = operator_new(f, PLAN_OP_SYSTEM_SCAN, NULL, NULL, "I");
    op->system.source = &source;
    op->system.argument_count = 1;
    op->system.arguments = list(f, 1, constant(f, 'I', "3"));
    op->system.columns = numbers(f, 1, 1u);
    check(f, op, "0;1;2");
}

static void test_parameters(void **state)
{
    fixture *f = *state;
    types_type type = TYPES_OF(TEXT);
    plan_expr *parameter = plan_expr_new(&f->arena, PLAN_EXPR_PARAMETER, type, 0);
    plan_operator *rows = values(f, "T", "a;b");
    plan_statement statement =
        statement_of(f, filter(f, rows, compare(f, VECTOR_EQUAL, slot(f, 0, 'T'), parameter)));
    statement.parameter_count = 1;
    statement.parameter_types = &type;
    exec_options options = options_of(f);
    exec_execution *execution;
    base_buffer out;
    base_buffer_init(&out, &f->budget);
    unit_assert_ok(exec_create(&statement, &options, &execution, &f->error));
    assert_int_equal(exec_open(execution, NULL, &f->error), BASE_UNDEFINED_PARAMETER);
    base_error_clear(&f->error);
    types_value number = {TYPES_OF(INTEGER), false, {.int64 = 7}};
    assert_int_equal(exec_bind(execution, 1, &number, &f->error), BASE_UNDEFINED_PARAMETER);
    base_error_clear(&f->error);
    unit_assert_ok(exec_bind(execution, 0, &number, &f->error));
    unit_assert_ok(run_once(f, execution, &out));
    compare_rows(f, &out, "");
    types_value text = {type, false, {.string = types_string_of("b", 1)}};
    unit_assert_ok(exec_bind(execution, 0, &text, &f->error));
    unit_assert_ok(run_once(f, execution, &out));
    compare_rows(f, &out, "b");
    exec_destroy(execution);
    base_buffer_destroy(&out);
}

static bool interrupt_now(void *context)
{
    (void)context;
    return true;
}

static void test_interrupt_and_limit_of_memory(void **state)
{
    fixture *f = *state;
    plan_statement statement = statement_of(f, series(f, 0, "1000000"));
    statement.cte_count = 1;
    exec_options options = options_of(f);
    options.interrupted = interrupt_now;
    exec_execution *execution;
    base_buffer out;
    base_buffer_init(&out, &f->budget);
    unit_assert_ok(exec_create(&statement, &options, &execution, &f->error));
    assert_int_equal(run_once(f, execution, &out), BASE_INTERRUPTED);
    exec_destroy(execution);
    base_error_clear(&f->error);
    plan_operator *big = sort(f, cte_scan(f, 0, "I"), 1, keys(f, 1, slot(f, 0, 'I'), "asc"));
    statement = statement_of(f, many(f, 0, "1000", big));
    options = options_of(f);
    options.memory_limit = 8 << 20;
    unit_assert_ok(exec_create(&statement, &options, &execution, &f->error));
    assert_int_equal(run_once(f, execution, &out), BASE_OUT_OF_MEMORY);
    exec_destroy(execution);
    base_buffer_destroy(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values_filter_project),
        TEST(test_limit),
        TEST(test_limit_stops_recursion),
        TEST(test_sort),
        TEST(test_top),
        TEST(test_union_and_sets),
        TEST(test_distinct_on),
        TEST(test_cte),
        TEST(test_recursive_union),
        TEST(test_recursive_join),
        TEST(test_system_scan),
        TEST(test_parameters),
        TEST(test_interrupt_and_limit_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
