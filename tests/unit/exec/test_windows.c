/* Window functions: ranking, other rows' values, frames of all modes, moving aggregates. */
#include "unit/exec/exec_fixture.h"

typedef struct window_spec {
    const char *name;
    plan_expr *arguments[3];
    plan_frame_mode mode;
    plan_frame_bound start, end;
    const char *start_offset, *end_offset;
    bool distinct;
} window_spec;

static plan_window window_of(fixture *f, const window_spec *spec)
{
    plan_window window = {
        .mode = spec->mode, .start = spec->start, .end = spec->end, .distinct = spec->distinct};
    types_type types[3];
    while (window.argument_count < 3 && spec->arguments[window.argument_count]) {
        types[window.argument_count] = spec->arguments[window.argument_count]->type;
        window.argument_count++;
    }
    window.arguments = list(f, 3, spec->arguments[0], spec->arguments[1], spec->arguments[2]);
    base_text name = base_text_of(spec->name);
    if (func_is_window_name(name))
        unit_assert_ok(func_find_window(name, types, window.argument_count, &window.function,
                                        &window.type, &f->error));
    else
        unit_assert_ok(func_find_aggregate(name, types, window.argument_count, &window.aggregate,
                                           &window.type, &f->error));
    window.start_offset = spec->start_offset ? constant(f, 'I', spec->start_offset) : NULL;
    window.end_offset = spec->end_offset ? constant(f, 'I', spec->end_offset) : NULL;
    return window;
}

/* The functions over partitions by column 0 in order of column 1 (unless NULL). */
static plan_operator *window(fixture *f, plan_operator *input, plan_expr *partition,
                             plan_sort_key *order, uint32_t count, const window_spec *specs)
{
    plan_operator *op = operator_new(f, PLAN_OP_WINDOW, input, NULL, "");
    op->window.partition_count = partition ? 1 : 0;
    op->window.partition = list(f, 1, partition);
    op->window.order_count = order ? 1 : 0;
    op->window.order = order;
    op->window.window_count = count;
    op->window.windows = base_arena_allocate_array(&f->arena, count + 1, sizeof(plan_window));
    op->column_count = input->column_count + count;
    op->types = base_arena_allocate_array(&f->arena, op->column_count + 1, sizeof(types_type));
    memcpy(op->types, input->types, input->column_count * sizeof(types_type));
    for (uint32_t i = 0; i < count; i++) {
        op->window.windows[i] = window_of(f, &specs[i]);
        op->types[input->column_count + i] = op->window.windows[i].type;
    }
    return op;
}

static void test_ranking(void **state)
{
    fixture *f = *state;
    plan_operator *rows = values(f, "TI", "b|7;a|3;a|1;a|3;b|NULL;a|9");
    window_spec specs[] = {
        {.name = "row_number"},   {.name = "rank"},
        {.name = "dense_rank"},   {.name = "ntile", .arguments = {constant(f, 'I', "3")}},
        {.name = "percent_rank"}, {.name = "cume_dist"}};
    check(f, window(f, rows, slot(f, 0, 'T'), keys(f, 1, slot(f, 1, 'I'), "asc"), 6, specs),
          "a|1|1|1|1|1|0|0.25;a|3|2|2|2|1|0.3333333333333333|0.75;"
          "a|3|3|2|2|2|0.3333333333333333|0.75;a|9|4|4|3|3|1|1;"
          "b|7|1|1|1|1|0|0.5;b|NULL|2|2|2|2|1|1");
}

static void test_lag_lead(void **state)
{
    fixture *f = *state;
    plan_operator *rows = values(f, "IT", "1|a;2|b;3|a text longer than inline;4|NULL");
    window_spec specs[] = {
        {.name = "lag", .arguments = {slot(f, 1, 'T')}},
        {.name = "lead",
         .arguments = {slot(f, 1, 'T'), constant(f, 'I', "2"), constant(f, 'T', "none")}}};
    check(f, window(f, rows, NULL, keys(f, 1, slot(f, 0, 'I'), "asc"), 2, specs),
          "1|a|NULL|a text longer than inline;2|b|a|NULL;"
          "3|a text longer than inline|b|none;4|NULL|a text longer than inline|none");
}

static void test_frame_values(void **state)
{
    fixture *f = *state;
    plan_operator *rows = values(f, "I", "1;2;2;3");
    window_spec specs[] = {{.name = "first_value",
                            .arguments = {slot(f, 0, 'I')},
                            .mode = PLAN_FRAME_ROWS,
                            .start = PLAN_FRAME_PRECEDING,
                            .end = PLAN_FRAME_CURRENT_ROW,
                            .start_offset = "1"},
                           {.name = "last_value",
                            .arguments = {slot(f, 0, 'I')},
                            .mode = PLAN_FRAME_RANGE,
                            .start = PLAN_FRAME_UNBOUNDED_PRECEDING,
                            .end = PLAN_FRAME_CURRENT_ROW},
                           {.name = "nth_value",
                            .arguments = {slot(f, 0, 'I'), constant(f, 'I', "2")},
                            .mode = PLAN_FRAME_ROWS,
                            .start = PLAN_FRAME_UNBOUNDED_PRECEDING,
                            .end = PLAN_FRAME_CURRENT_ROW}};
    check(f, window(f, rows, NULL, keys(f, 1, slot(f, 0, 'I'), "asc"), 3, specs),
          "1|1|1|NULL;2|1|2|2;2|2|2|2;3|2|3|2");
}

static void test_aggregate_frames(void **state)
{
    fixture *f = *state;
    plan_operator *rows = values(f, "I", "1;2;2;4;7;NULL");
    plan_expr *x = slot(f, 0, 'I');
    window_spec specs[] = {
        /* all, running by peers, running by row, moving by row (sum gives back, max cannot) */
        {.name = "sum",
         .arguments = {x},
         .mode = PLAN_FRAME_ROWS,
         .start = PLAN_FRAME_UNBOUNDED_PRECEDING,
         .end = PLAN_FRAME_UNBOUNDED_FOLLOWING},
        {.name = "sum",
         .arguments = {x},
         .mode = PLAN_FRAME_RANGE,
         .start = PLAN_FRAME_UNBOUNDED_PRECEDING,
         .end = PLAN_FRAME_CURRENT_ROW},
        {.name = "sum",
         .arguments = {x},
         .mode = PLAN_FRAME_ROWS,
         .start = PLAN_FRAME_UNBOUNDED_PRECEDING,
         .end = PLAN_FRAME_CURRENT_ROW},
        {.name = "sum",
         .arguments = {x},
         .mode = PLAN_FRAME_ROWS,
         .start = PLAN_FRAME_PRECEDING,
         .end = PLAN_FRAME_FOLLOWING,
         .start_offset = "1",
         .end_offset = "1"},
        {.name = "max",
         .arguments = {x},
         .mode = PLAN_FRAME_ROWS,
         .start = PLAN_FRAME_PRECEDING,
         .end = PLAN_FRAME_PRECEDING,
         .start_offset = "2",
         .end_offset = "1"},
        {.name = "count",
         .arguments = {x},
         .mode = PLAN_FRAME_RANGE,
         .start = PLAN_FRAME_PRECEDING,
         .end = PLAN_FRAME_FOLLOWING,
         .start_offset = "1",
         .end_offset = "2"},
        {.name = "count",
         .mode = PLAN_FRAME_GROUPS,
         .start = PLAN_FRAME_CURRENT_ROW,
         .end = PLAN_FRAME_FOLLOWING,
         .end_offset = "1"},
        {.name = "sum",
         .arguments = {x},
         .mode = PLAN_FRAME_ROWS,
         .start = PLAN_FRAME_UNBOUNDED_PRECEDING,
         .end = PLAN_FRAME_CURRENT_ROW,
         .distinct = true}};
    check(f, window(f, rows, NULL, keys(f, 1, x, "asc"), 8, specs),
          "1|16|1|1|3|NULL|3|3|1;2|16|5|3|5|1|4|3|3;2|16|5|5|8|2|4|3|3;"
          "4|16|9|9|13|2|1|2|7;7|16|16|16|11|4|1|2|14;NULL|16|16|16|7|7|0|1|14");
}

static void test_descending_range(void **state)
{
    fixture *f = *state;
    plan_operator *rows = values(f, "I", "10;20;NULL;25;40");
    window_spec spec = {.name = "count",
                        .mode = PLAN_FRAME_RANGE,
                        .start = PLAN_FRAME_PRECEDING,
                        .end = PLAN_FRAME_FOLLOWING,
                        .start_offset = "5",
                        .end_offset = "10"};
    check(f, window(f, rows, NULL, keys(f, 1, slot(f, 0, 'I'), "desc"), 1, &spec),
          "NULL|1;40|1;25|2;20|3;10|1");
    f->expected = BASE_INVALID_PARAMETER;
    spec.start_offset = "-1";
    check(f, window(f, rows, NULL, keys(f, 1, slot(f, 0, 'I'), "asc"), 1, &spec), "");
}

static void test_no_order(void **state)
{
    fixture *f = *state;
    window_spec specs[] = {{.name = "row_number"},
                           {.name = "rank"},
                           {.name = "count",
                            .mode = PLAN_FRAME_RANGE,
                            .start = PLAN_FRAME_UNBOUNDED_PRECEDING,
                            .end = PLAN_FRAME_CURRENT_ROW}};
    check(f, window(f, values(f, "I", "5;3;4"), NULL, NULL, 3, specs), "5|1|1|3;3|2|1|3;4|3|1|3");
    check(f, window(f, values(f, "I", ""), NULL, NULL, 3, specs), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ranking),          TEST(test_lag_lead),         TEST(test_frame_values),
        TEST(test_aggregate_frames), TEST(test_descending_range), TEST(test_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
