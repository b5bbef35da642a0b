/* Operators over base tables, in a database in memory: scans, lookups, index joins, changes. */
#include "unit/exec/exec_fixture.h"

typedef struct tables {
    fixture *f;
    table_database *database;
    table_relation *relation;
    catalog_column columns[3];
    table_index_part part;
    catalog_index index, *indexes[1];
    catalog_table table; /* t(id INTEGER PRIMARY KEY, a INTEGER UNIQUE, b TEXT) */
    uint64_t index_id;
} tables;

static plan_operator *insert(tables *t, plan_operator *input, plan_conflict_action conflict)
{
    plan_operator *op = operator_new(t->f, PLAN_OP_INSERT, input, NULL, "");
    op->change.table = &t->table;
    op->change.conflict = conflict;
    return op;
}

/* RETURNING all columns and the rowid. */
static plan_operator *returning(tables *t, plan_operator *op)
{
    fixture *f = t->f;
    op->change.returning_count = 4;
    op->change.returning =
        list(f, 4, slot(f, 0, 'I'), slot(f, 1, 'I'), slot(f, 2, 'T'), slot(f, 3, 'I'));
    op->column_count = 4;
    op->types = exec_types_of_list(f, op->change.returning, 4);
    return op;
}

static int tables_setup(void **state)
{
    void *inner;
    fixture_setup(&inner);
    tables *t = calloc(1, sizeof *t);
    fixture *f = t->f = inner;
    table_options options;
    table_options_default(&options);
    unit_assert_ok(table_database_open(f->runtime, NULL, &options, &t->database, &f->error));
    unit_assert_ok(table_begin(t->database, TXN_READ_COMMITTED, false, &f->transaction, &f->error));
    table_column columns[3] = {
        {.type = TYPES_OF(INTEGER)}, {.type = TYPES_OF(INTEGER)}, {.type = TYPES_OF(TEXT)}};
    for (uint32_t i = 0; i < 3; i++)
        columns[i].missing = types_null_of(columns[i].type);
    table_descriptor descriptor = {.column_count = 3, .columns = columns, .rowid_column = 0};
    uint64_t id;
    unit_assert_ok(table_create(f->transaction, &descriptor, &id, &f->error));
    t->part = (table_index_part){.column = 1};
    table_index_descriptor index = {
        .relation_id = id, .unique = true, .part_count = 1, .parts = &t->part};
    unit_assert_ok(table_index_create(f->transaction, &index, &t->index_id, &f->error));
    unit_assert_ok(table_commit(f->transaction, &f->error));
    unit_assert_ok(table_begin(t->database, TXN_READ_COMMITTED, false, &f->transaction, &f->error));
    unit_assert_ok(table_acquire(f->transaction, id, &t->relation, &f->error));
    const char *names[3] = {"id", "a", "b"};
    for (uint32_t i = 0; i < 3; i++)
        t->columns[i] =
            (catalog_column){.name = base_text_of(names[i]), .type = columns[i].type, .id = i};
    t->index = (catalog_index){.name = BASE_TEXT("t_a_key"),
                               .id = t->index_id,
                               .table = &t->table,
                               .unique = true,
                               .part_count = 1,
                               .parts = &t->part};
    t->indexes[0] = &t->index;
    t->table = (catalog_table){.name = BASE_TEXT("t"),
                               .id = id,
                               .column_count = 3,
                               .columns = t->columns,
                               .rowid_column = 0,
                               .index_count = 1,
                               .indexes = t->indexes,
                               .relation = t->relation};
    *state = t;
    return 0;
}

static int tables_teardown(void **state)
{
    tables *t = *state;
    void *inner = t->f;
    table_rollback(t->f->transaction);
    table_release(t->relation);
    unit_assert_ok(table_database_close(t->database, &t->f->error));
    free(t);
    return fixture_teardown(&inner);
}

static plan_access access_of(tables *t)
{
    return (plan_access){
        .table = &t->table, .column_count = 3, .columns = numbers(t->f, 3, 0u, 1u, 2u)};
}

static plan_operator *scan(tables *t)
{
    plan_operator *op = operator_new(t->f, PLAN_OP_TABLE_SCAN, NULL, NULL, "IIT");
    op->scan = access_of(t);
    return op;
}

static void fill(tables *t)
{
    fixture *f = t->f;
    f->skip_failures = true;
    plan_operator *op = insert(t,
                               values(f, "IIT",
                                      "1|10|a;2|20|b;3|NULL|c;5|50|a text longer "
                                      "than inline;-4|40|d"),
                               PLAN_CONFLICT_ERROR);
    plan_statement statement = statement_of(f, op);
    exec_options options = options_of(f);
    exec_execution *execution;
    base_buffer out;
    base_buffer_init(&out, &f->budget);
    unit_assert_ok(exec_create(&statement, &options, &execution, &f->error));
    unit_assert_ok(run_once(f, execution, &out));
    assert_int_equal(exec_rows_affected(execution), 5);
    exec_destroy(execution);
    base_buffer_destroy(&out);
    table_statement_start(f->transaction);
    f->skip_failures = false;
}

/* Runs a change, compares what it returns and the table after it, and takes it back; twice, and
 * again with failing allocations. */
static void check_change(tables *t, plan_operator *op, const char *returned, const char *after)
{
    fixture *f = t->f;
    plan_statement statement = statement_of(f, op), look = statement_of(f, scan(t));
    exec_options options = options_of(f);
    base_buffer out;
    base_buffer_init(&out, &f->budget);
    bool done = false;
    for (uint64_t n = 0; !done; n += n < 32 ? 1 : n / 8) {
        unit_allocator_init(&f->allocator, n, false);
        exec_execution *execution = NULL;
        base_error_clear(&f->error);
        txn_mark mark = table_get_mark(f->transaction);
        base_status status = exec_create(&statement, &options, &execution, &f->error);
        if (status == BASE_OK)
            status = run_once(f, execution, &out);
        done = n && atomic_load(&f->allocator.calls) < n;
        f->allocator.fail_at = 0;
        if (n && status == BASE_OUT_OF_MEMORY) {
            status = f->expected;
        } else if (status == BASE_OK) {
            compare_rows(f, &out, returned);
            exec_execution *looking;
            table_statement_start(f->transaction);
            unit_assert_ok(exec_create(&look, &options, &looking, &f->error));
            unit_assert_ok(run_once(f, looking, &out));
            compare_rows(f, &out, after);
            exec_destroy(looking);
        }
        if (status != f->expected)
            fail_msg("%s: %s", base_status_name(status), f->error.message);
        exec_destroy(execution);
        table_rollback_to(f->transaction, mark);
        table_statement_start(f->transaction);
        unit_budget_check(&f->statement_budget);
    }
    base_buffer_destroy(&out);
}

static plan_predicate *predicate(fixture *f, uint32_t column, table_test test, plan_expr *value)
{
    plan_predicate *result = base_arena_allocate_array(&f->arena, 1, sizeof *result);
    *result = (plan_predicate){column, test, value ? 1 : 0, list(f, 1, value)};
    return result;
}

static void test_scan(void **state)
{
    tables *t = *state;
    fixture *f = t->f;
    fill(t);
    check(f, scan(t), "-4|40|d;1|10|a;2|20|b;3|NULL|c;5|50|a text longer than inline");
    plan_operator *op = scan(t);
    op->scan.descending = true;
    check(f, op, "5|50|a text longer than inline;3|NULL|c;2|20|b;1|10|a;-4|40|d");
    op = scan(t);
    op->scan.predicate_count = 1;
    op->scan.predicates = predicate(f, 1, TABLE_GREATER, constant(f, 'I', "10"));
    op->scan.filter = compare(f, VECTOR_GREATER, slot(f, 1, 'I'), constant(f, 'I', "10"));
    check(f, op, "-4|40|d;2|20|b;5|50|a text longer than inline");
    op = scan(t);
    op->scan.predicate_count = 1;
    op->scan.predicates = predicate(f, TABLE_ROWID, TABLE_LESS, constant(f, 'I', "2"));
    check(f, op, "-4|40|d;1|10|a");
    op->scan.predicates = predicate(f, 1, TABLE_EQUAL, constant(f, 'I', "NULL"));
    check(f, op, "");
    op = scan(t);
    op->scan.column_count = op->column_count = 0;
    plan_aggregate count[1] = {aggregate(f, "count", NULL)};
    check(f, group(f, op, 0, NULL, 1, count), "5");
}

static void test_rowid_lookup(void **state)
{
    tables *t = *state;
    fixture *f = t->f;
    fill(t);
    plan_operator *op = operator_new(f, PLAN_OP_ROWID_LOOKUP, NULL, NULL, "IIT");
    op->rowid_lookup.access = access_of(t);
    op->rowid_lookup.rowid_count = 5;
    op->rowid_lookup.rowids =
        list(f, 5, constant(f, 'I', "3"), constant(f, 'I', "1"), constant(f, 'I', "NULL"),
             constant(f, 'I', "3"), constant(f, 'I', "99"));
    check(f, op, "1|10|a;3|NULL|c");
    op->rowid_lookup.access.descending = true;
    op->rowid_lookup.access.filter =
        compare(f, VECTOR_GREATER, slot(f, 1, 'I'), constant(f, 'I', "5"));
    check(f, op, "1|10|a");
}

static void test_index_scan(void **state)
{
    tables *t = *state;
    fixture *f = t->f;
    fill(t);
    plan_operator *op = operator_new(f, PLAN_OP_INDEX_SCAN, NULL, NULL, "IIT");
    plan_key_range ranges[2] = {{.low = constant(f, 'I', "20"), .low_inclusive = false}};
    op->index_scan.access = access_of(t);
    op->index_scan.index_id = t->index_id;
    op->index_scan.range_count = 1;
    op->index_scan.ranges = ranges;
    check(f, op, "-4|40|d;5|50|a text longer than inline"); /* not the NULL */
    op->index_scan.access.descending = true;
    ranges[0].low_inclusive = true;
    check(f, op, "5|50|a text longer than inline;-4|40|d;2|20|b");
    op->index_scan.access.descending = false;
    ranges[0] = (plan_key_range){.high = constant(f, 'I', "20"), .high_inclusive = true};
    check(f, op, "1|10|a;2|20|b");
    ranges[0] = (plan_key_range){0};
    check(f, op, "1|10|a;2|20|b;-4|40|d;5|50|a text longer than inline;3|NULL|c");
    ranges[0] = (plan_key_range){.equal_count = 1, .equal = list(f, 1, constant(f, 'I', "10"))};
    ranges[1] = (plan_key_range){.equal_count = 1, .equal = list(f, 1, constant(f, 'I', "50"))};
    op->index_scan.range_count = 2;
    check(f, op, "1|10|a;5|50|a text longer than inline");
    op->index_scan.access.descending = true;
    check(f, op, "5|50|a text longer than inline;1|10|a");
    ranges[1].equal[0] = constant(f, 'I', "NULL");
    check(f, op, "1|10|a");
}

static void test_index_join(void **state)
{
    tables *t = *state;
    fixture *f = t->f;
    fill(t);
    for (uint32_t by_index = 0; by_index < 2; by_index++) {
        plan_operator *op =
            operator_new(f, PLAN_OP_INDEX_JOIN,
                         values(f, "I", by_index ? "20;7;NULL;10;20" : "2;7;NULL;1;2"), NULL, "IT");
        op->index_join.kind = PLAN_JOIN_INNER;
        op->index_join.access = access_of(t);
        op->index_join.index_id = by_index ? t->index_id : 0;
        op->index_join.key_count = 1;
        op->index_join.keys = list(f, 1, slot(f, 0, 'I'));
        op->index_join.output_slots = numbers(f, 2, 1u, 3u);
        check(f, op, "2|b;1|a;2|b");
        op->index_join.kind = PLAN_JOIN_LEFT;
        check_any_order(f, op, "2|b;1|a;2|b;NULL|NULL;NULL|NULL");
        op->index_join.residual = compare(f, VECTOR_EQUAL, slot(f, 3, 'T'), constant(f, 'T', "a"));
        check_any_order(f, op, "1|a;NULL|NULL;NULL|NULL;NULL|NULL;NULL|NULL");
        op->column_count = 1;
        op->index_join.output_slots = numbers(f, 1, 0u);
        op->index_join.kind = PLAN_JOIN_SEMI;
        check(f, op, by_index ? "10" : "1");
        op->index_join.residual = NULL;
        check(f, op, by_index ? "20;10;20" : "2;1;2");
        op->index_join.kind = PLAN_JOIN_ANTI;
        check(f, op, "7;NULL");
    }
}

static void test_insert(void **state)
{
    tables *t = *state;
    fixture *f = t->f;
    fill(t);
    const char *before = "-4|40|d;1|10|a;2|20|b;3|NULL|c;5|50|a text longer than inline";
    char after[256];
    snprintf(after, sizeof after, "%s;6|60|x;7|70|y;9|90|z;10|NULL|w", before);
    plan_operator *rows = values(f, "IIT", "6|60|x;7|70|y;9|90|z;10|NULL|w");
    check_change(t, insert(t, rows, PLAN_CONFLICT_ERROR), "", after);
    check_change(t, returning(t, insert(t, rows, PLAN_CONFLICT_ERROR)),
                 "6|60|x|6;7|70|y|7;9|90|z|9;10|NULL|w|10", after);
    /* Its own rows are not read. */
    plan_operator *same =
        project(f, scan(t), 3,
                list(f, 3, call2(f, "+", slot(f, 0, 'I'), constant(f, 'I', "100")),
                     call2(f, "+", slot(f, 1, 'I'), constant(f, 'I', "1")), slot(f, 2, 'T')));
    snprintf(after, sizeof after,
             "%s;96|41|d;101|11|a;102|21|b;103|NULL|c;105|51|a text longer than inline", before);
    check_change(t, insert(t, same, PLAN_CONFLICT_ERROR), "", after);
}

/* Given and chosen rowids in one statement; chosen ones are new ones also after a rollback, so the
 * statement runs once. */
static void test_insert_chosen(void **state)
{
    tables *t = *state;
    fixture *f = t->f;
    fill(t);
    plan_operator *rows = values(f, "IIT", "NULL|60|x;NULL|70|y;9|90|z;NULL|NULL|w");
    plan_operator *op = returning(t, insert(t, rows, PLAN_CONFLICT_ERROR));
    plan_statement statement = statement_of(f, op);
    exec_options options = options_of(f);
    exec_execution *execution;
    int64_t rowid;
    base_buffer out;
    base_buffer_init(&out, &f->budget);
    unit_assert_ok(exec_create(&statement, &options, &execution, &f->error));
    assert_false(exec_last_rowid(execution, &rowid));
    unit_assert_ok(run_once(f, execution, &out));
    compare_rows(f, &out, "6|60|x|6;7|70|y|7;9|90|z|9;10|NULL|w|10");
    assert_int_equal(exec_rows_affected(execution), 4);
    assert_true(exec_last_rowid(execution, &rowid));
    assert_int_equal(rowid, 10);
    exec_destroy(execution);
    base_buffer_destroy(&out);
}

static void test_insert_conflicts(void **state)
{
    tables *t = *state;
    fixture *f = t->f;
    fill(t);
    plan_operator *rows = values(f, "IIT", "7|70|x;1|11|y;8|20|z;9|90|w");
    plan_operator *op = returning(t, insert(t, rows, PLAN_CONFLICT_IGNORE));
    check_change(t, op, "7|70|x|7;9|90|w|9",
                 "-4|40|d;1|10|a;2|20|b;3|NULL|c;5|50|a text longer than inline;7|70|x;9|90|w");
    op = returning(t, insert(t, rows, PLAN_CONFLICT_REPLACE));
    check_change(t, op, "7|70|x|7;1|11|y|1;8|20|z|8;9|90|w|9",
                 "-4|40|d;1|11|y;3|NULL|c;5|50|a text longer than inline;7|70|x;8|20|z;9|90|w");
    f->expected = BASE_UNIQUE_VIOLATION;
    check_change(t, insert(t, rows, PLAN_CONFLICT_ERROR), "", "");
    assert_non_null(strstr(f->error.message, "duplicate key"));
}

static void test_checks(void **state)
{
    tables *t = *state;
    fixture *f = t->f;
    plan_check check_positive = {compare(f, VECTOR_GREATER, slot(f, 1, 'I'), constant(f, 'I', "0")),
                                 BASE_CHECK_VIOLATION, BASE_TEXT("positive")};
    plan_operator *op = insert(t, values(f, "IIT", "1|1|a;2|-1|b;3|NULL|c"), PLAN_CONFLICT_IGNORE);
    op->change.check_count = 1;
    op->change.checks = &check_positive;
    check_change(t, op, "", "1|1|a;3|NULL|c");
    op->change.conflict = PLAN_CONFLICT_ERROR;
    f->expected = BASE_CHECK_VIOLATION;
    check_change(t, op, "", "");
}

static plan_operator *update(tables *t, plan_operator *input, uint32_t column, uint32_t source)
{
    fixture *f = t->f;
    plan_operator *op = operator_new(f, PLAN_OP_UPDATE, input, NULL, "");
    op->change.table = &t->table;
    op->change.set_count = 1;
    op->change.set_columns = numbers(f, 1, column);
    op->change.set_slots = numbers(f, 1, source);
    op->change.rowid_slot = 0;
    op->change.row_slots = (int32_t *)numbers(f, 3, 0u, 1u, 2u);
    op->change.row_slots[column] = -1;
    return op;
}

static void test_update(void **state)
{
    tables *t = *state;
    fixture *f = t->f;
    fill(t);
    plan_operator *input = project(f, scan(t), 4,
                                   list(f, 4, slot(f, 0, 'I'), slot(f, 1, 'I'), slot(f, 2, 'T'),
                                        call2(f, "+", slot(f, 1, 'I'), constant(f, 'I', "1"))));
    plan_operator *op = returning(t, update(t, input, 1, 3));
    check_change(t, op, "-4|41|d|-4;1|11|a|1;2|21|b|2;3|NULL|c|3;5|51|a text longer than inline|5",
                 "-4|41|d;1|11|a;2|21|b;3|NULL|c;5|51|a text longer than inline");
    /* Every row twice, from a union: the first time counts. */
    plan_operator *twice = operator_same(f, PLAN_OP_UNION_ALL, input, input);
    check_change(t, update(t, twice, 1, 3), "",
                 "-4|41|d;1|11|a;2|21|b;3|NULL|c;5|51|a text longer than inline");
    /* The key moves: id + 1 meets other ids of the statement. */
    plan_operator *moved = project(f, scan(t), 4,
                                   list(f, 4, slot(f, 0, 'I'), slot(f, 1, 'I'), slot(f, 2, 'T'),
                                        call2(f, "+", slot(f, 0, 'I'), constant(f, 'I', "1"))));
    check_change(t, returning(t, update(t, moved, 0, 3)),
                 "-3|40|d|-3;2|10|a|2;3|20|b|3;4|NULL|c|4;6|50|a text longer than inline|6",
                 "-3|40|d;2|10|a;3|20|b;4|NULL|c;6|50|a text longer than inline");
    /* All to one value of a unique column. */
    plan_operator *same = project(
        f, scan(t), 4,
        list(f, 4, slot(f, 0, 'I'), slot(f, 1, 'I'), slot(f, 2, 'T'), constant(f, 'I', "7")));
    op = update(t, same, 1, 3);
    op->change.conflict = PLAN_CONFLICT_IGNORE;
    check_change(t, op, "", "-4|7|d;1|10|a;2|20|b;3|NULL|c;5|50|a text longer than inline");
    op->change.conflict = PLAN_CONFLICT_REPLACE;
    check_change(t, op, "", "5|7|a text longer than inline");
    op->change.conflict = PLAN_CONFLICT_ERROR;
    f->expected = BASE_UNIQUE_VIOLATION;
    check_change(t, op, "", "");
}

static void test_delete(void **state)
{
    tables *t = *state;
    fixture *f = t->f;
    fill(t);
    plan_operator *input =
        filter(f, scan(t), compare(f, VECTOR_GREATER, slot(f, 1, 'I'), constant(f, 'I', "15")));
    plan_operator *op = operator_new(f, PLAN_OP_DELETE, input, NULL, "");
    op->change.table = &t->table;
    op->change.row_slots = (int32_t *)numbers(f, 3, 0u, 1u, 2u);
    check_change(t, op, "", "1|10|a;3|NULL|c");
    check_change(t, returning(t, op), "-4|40|d|-4;2|20|b|2;5|50|a text longer than inline|5",
                 "1|10|a;3|NULL|c");
}

/* Rows for the caller, made by several lanes: all of them, in the order of one lane, whether few or
 * (from the middle on) all rows come out; again after the caller has left in the middle; and an
 * error of a late row. The bars are what one lane answers. */
static void check_stream(tables *t)
{
    fixture *f = t->f;
    plan_expr *sevenths = call2(f, "%", slot(f, 1, 'I'), constant(f, 'I', "7"));
    plan_expr *some = compare(f, VECTOR_EQUAL, sevenths, constant(f, 'I', "3"));
    plan_expr *late = compare(f, VECTOR_GREATER, slot(f, 1, 'I'), constant(f, 'I', "150000"));
    plan_expr *either = plan_expr_new(&f->arena, PLAN_EXPR_OR, TYPES_OF(BOOLEAN), 2);
    either->arguments[0] = some;
    either->arguments[1] = late;
    plan_operator *root = project(f, filter(f, scan(t), either), 1, list(f, 1, slot(f, 1, 'I')));
    plan_statement statement = statement_of(f, root);
    exec_options options = options_of(f);
    exec_execution *execution;
    unit_assert_ok(exec_create(&statement, &options, &execution, &f->error));
    for (uint32_t run = 0; run < 3; run++) {
        int64_t expected = 3;
        vector_chunk *chunk;
        unit_assert_ok(exec_open(execution, f->transaction, &f->error));
        base_status status;
        while ((status = exec_next(execution, &chunk, &f->error)) == BASE_ROW) {
            for (uint32_t i = 0; i < chunk->count; i++) {
                uint32_t position = vector_row(chunk->selection, i);
                assert_int_equal(vector_get(&chunk->columns[0], position).cell.int64, expected);
                expected += expected >= 150000 ? 1 : BASE_MIN((int64_t)7, 150001 - expected);
            }
            if (run == 1 && expected > 90000)
                break;
        }
        assert_int_equal(status, run == 1 ? BASE_ROW : BASE_DONE);
        if (run != 1)
            assert_int_equal(expected, 200000);
        exec_reset(execution);
    }
    exec_destroy(execution);
    unit_budget_check(&f->statement_budget);
    /* 9223372036854775807 - 180000 + a: too large from row 180001 on. */
    plan_expr *sum = call2(f, "+", slot(f, 1, 'I'), constant(f, 'I', "9223372036854595807"));
    f->expected = BASE_OUT_OF_RANGE;
    check(f, project(f, filter(f, scan(t), some), 1, list(f, 1, sum)), "");
    f->expected = BASE_OK;
}

/* 200,000 rows: a scan shared by lanes, with a join filter. */
static void test_threads(void **state)
{
    tables *t = *state;
    fixture *f = t->f;
    f->skip_failures = true;
    f->cte_count = 3;
    plan_operator *pairs =
        join(f, PLAN_JOIN_INNER, series(f, 1, "500"), series(f, 2, "400"), NULL, NULL);
    plan_expr *number =
        call2(f, "+", call2(f, "*", slot(f, 0, 'I'), constant(f, 'I', "400")), slot(f, 1, 'I'));
    plan_operator *fresh =
        project(f, pairs, 3, list(f, 3, number, number, constant(f, 'T', "some text of a row")));
    base_buffer out;
    base_buffer_init(&out, &f->budget);
    plan_statement statement = statement_of(f, insert(t, fresh, PLAN_CONFLICT_ERROR));
    exec_options options = options_of(f);
    exec_execution *execution;
    unit_assert_ok(exec_create(&statement, &options, &execution, &f->error));
    unit_assert_ok(run_once(f, execution, &out));
    assert_int_equal(exec_rows_affected(execution), 200000);
    exec_destroy(execution);
    base_buffer_destroy(&out);
    table_statement_start(f->transaction);
    plan_aggregate sums[2] = {aggregate(f, "count", NULL), aggregate(f, "sum", slot(f, 1, 'I'))};
    for (f->threads = 1; f->threads <= 4; f->threads += 3) {
        check(f, group(f, scan(t), 0, NULL, 2, sums), "200000|19999900000");
        plan_operator *probe = scan(t);
        plan_join_filter scanned = {0, 1}, published = {0, 0};
        probe->scan.join_filter_count = 1;
        probe->scan.join_filters = &scanned;
        plan_operator *joined = join(f, PLAN_JOIN_INNER, probe, values(f, "I", "17;199999;5000000"),
                                     slot(f, 1, 'I'), slot(f, 0, 'I'));
        joined->join.filter_count = 1;
        joined->join.filters = &published;
        f->join_filter_count = 1;
        check(f, group(f, joined, 0, NULL, 2, sums), "2|200016");
        check_stream(t);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tables_setup, tables_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scan),
        TEST(test_rowid_lookup),
        TEST(test_index_scan),
        TEST(test_index_join),
        TEST(test_insert),
        TEST(test_insert_chosen),
        TEST(test_insert_conflicts),
        TEST(test_checks),
        TEST(test_update),
        TEST(test_delete),
        TEST(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
