/*
 * exec_fixture.h - plans built by hand and their answers as text.
 *
 * Rows are written "1|a;2|NULL": columns by '|', rows by ';'. Every check runs the statement
 * twice on one execution (reset must leave nothing behind), then once more for each
 * allocation that can fail, on an own execution: either the answer is right or the status says
 * OUT_OF_MEMORY, and no byte is left.
 */
#ifndef TESTS_EXEC_FIXTURE_H
#define TESTS_EXEC_FIXTURE_H

#include "unit/unit.h"
#include "exec/exec_int.h"

typedef struct fixture {
    base_budget budget; /* plans and texts */
    base_arena arena;
    os_runtime *runtime;
    unit_allocator allocator;
    base_budget statement_budget; /* executions: the allocator above */
    func_environment environment;
    base_error error;
    uint32_t next_id, cte_count, join_filter_count;
    bool any_order;       /* rows are compared sorted */
    uint32_t threads;     /* thread_limit */
    bool skip_failures;   /* no allocation failures (large inputs) */
    base_status expected; /* BASE_OK: rows; else the failure that must come */
    txn_transaction *transaction;
} fixture;

static inline int fixture_setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    unit_budget_init(&f->budget);
    base_arena_init(&f->arena, &f->budget);
    os_runtime_options options = {.worker_count = 3};
    unit_assert_ok(os_runtime_create(os_posix_environment(), &options, &f->runtime, &f->error));
    unit_allocator_init(&f->allocator, 0, false);
    base_budget_init(&f->statement_budget, NULL, &f->allocator.allocator, "test", SIZE_MAX);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture *f = *state;
    base_arena_destroy(&f->arena);
    unit_budget_check(&f->budget);
    unit_budget_check(&f->statement_budget);
    os_runtime_destroy(f->runtime);
    free(f);
    return 0;
}

/* ---- Expressions ------------------------------------------------------------------------- */

static inline types_type type_of(char letter)
{
    switch (letter) {
    case 'I':
        return TYPES_OF(INTEGER);
    case 'T':
        return TYPES_OF(TEXT);
    case 'F':
        return TYPES_OF(FLOAT);
    case 'B':
        return TYPES_OF(BOOLEAN);
    case 'D':
        return TYPES_DECIMAL_OF(20, 2);
    default:
        fail_msg("no type %c", letter);
        return TYPES_OF(NULL);
    }
}

static inline plan_expr *slot(fixture *f, uint32_t number, char letter)
{
    return plan_slot(&f->arena, number, type_of(letter));
}

static inline types_value value_of(fixture *f, char letter, const char *text, size_t length)
{
    types_value value = types_null_of(type_of(letter));
    char *copy = base_arena_copy_text(&f->arena, text, length);
    if (length != 4 || strcmp(copy, "NULL") != 0)
        unit_assert_ok(
            types_parse((base_text){copy, length}, type_of(letter), &f->arena, &value, &f->error));
    return value;
}

static inline plan_expr *constant(fixture *f, char letter, const char *text)
{
    types_value value = value_of(f, letter, text, strlen(text));
    return plan_constant(&f->arena, &value);
}

static inline plan_expr *compare(fixture *f, vector_comparison how, plan_expr *a, plan_expr *b)
{
    return plan_compare(&f->arena, how, a, b);
}

/* A scalar function or operator of two arguments. */
static inline plan_expr *call2(fixture *f, const char *name, plan_expr *a, plan_expr *b)
{
    types_type types[2] = {a->type, b->type}, result;
    const func_scalar *function;
    unit_assert_ok(func_find_scalar(base_text_of(name), types, 2, &function, &result, &f->error));
    plan_expr *expr = plan_expr_new(&f->arena, PLAN_EXPR_CALL, result, 2);
    expr->arguments[0] = a;
    expr->arguments[1] = b;
    expr->function = function;
    return expr;
}

static inline plan_expr **list(fixture *f, uint32_t count, ...)
{
    plan_expr **exprs = base_arena_allocate_array(&f->arena, count + 1, sizeof *exprs);
    va_list arguments;
    va_start(arguments, count);
    for (uint32_t i = 0; i < count; i++)
        exprs[i] = va_arg(arguments, plan_expr *);
    va_end(arguments);
    return exprs;
}

static inline uint32_t *numbers(fixture *f, uint32_t count, ...)
{
    uint32_t *result = base_arena_allocate_array(&f->arena, count + 1, sizeof *result);
    va_list arguments;
    va_start(arguments, count);
    for (uint32_t i = 0; i < count; i++)
        result[i] = va_arg(arguments, uint32_t);
    va_end(arguments);
    return result;
}

static inline types_type *exec_types_of_list(fixture *f, plan_expr **exprs, uint32_t count)
{
    types_type *types = base_arena_allocate_array(&f->arena, count + 1, sizeof *types);
    for (uint32_t i = 0; i < count; i++)
        types[i] = exprs[i]->type;
    return types;
}

/* ---- Operators --------------------------------------------------------------------------- */

static inline plan_operator *operator_new(fixture *f, plan_operator_kind kind, plan_operator *left,
                                          plan_operator *right, const char *types)
{
    plan_operator *op = base_arena_allocate_zeroed(&f->arena, sizeof *op);
    op->kind = (uint8_t)kind;
    op->id = f->next_id++;
    op->inputs[0] = left;
    op->inputs[1] = right;
    op->column_count = (uint32_t)strlen(types);
    op->types = base_arena_allocate_array(&f->arena, op->column_count + 1, sizeof *op->types);
    for (uint32_t i = 0; i < op->column_count; i++)
        op->types[i] = type_of(types[i]);
    return op;
}

/* The operator has its input's columns. */
static inline plan_operator *operator_same(fixture *f, plan_operator_kind kind, plan_operator *left,
                                           plan_operator *right)
{
    plan_operator *op = operator_new(f, kind, left, right, "");
    op->column_count = left->column_count;
    op->types = left->types;
    return op;
}

static inline plan_operator *values(fixture *f, const char *types, const char *rows)
{
    plan_operator *op = operator_new(f, PLAN_OP_VALUES, NULL, NULL, types);
    uint32_t count = 0;
    for (const char *c = rows; *c; c++)
        count += *c == ';';
    count += *rows != 0;
    op->values.row_count = count;
    op->values.cells =
        base_arena_allocate_array(&f->arena, (size_t)count * op->column_count + 1, sizeof(void *));
    for (uint32_t i = 0; i < count * op->column_count; i++) {
        size_t length = strcspn(rows, "|;");
        types_value value = value_of(f, types[i % op->column_count], rows, length);
        op->values.cells[i] = plan_constant(&f->arena, &value);
        rows += length + (rows[length] != 0);
    }
    return op;
}

static inline plan_operator *filter(fixture *f, plan_operator *input, plan_expr *condition)
{
    plan_operator *op = operator_same(f, PLAN_OP_FILTER, input, NULL);
    op->filter.condition = condition;
    return op;
}

static inline plan_operator *project(fixture *f, plan_operator *input, uint32_t count,
                                     plan_expr **exprs)
{
    plan_operator *op = operator_new(f, PLAN_OP_PROJECT, input, NULL, "");
    op->column_count = count;
    op->types = base_arena_allocate_array(&f->arena, count + 1, sizeof *op->types);
    for (uint32_t i = 0; i < count; i++)
        op->types[i] = exprs[i]->type;
    op->project.exprs = exprs;
    return op;
}

static inline plan_operator *limit(fixture *f, plan_operator *input, const char *count,
                                   const char *offset)
{
    plan_operator *op = operator_same(f, PLAN_OP_LIMIT, input, NULL);
    op->limit.limit = count ? constant(f, 'I', count) : NULL;
    op->limit.offset = offset ? constant(f, 'I', offset) : NULL;
    return op;
}

static inline plan_sort_key *keys(fixture *f, uint32_t count, ...)
{
    /* Pairs of expression and "asc", "desc", "asc first", "desc last". */
    plan_sort_key *result = base_arena_allocate_array(&f->arena, count + 1, sizeof *result);
    va_list arguments;
    va_start(arguments, count);
    for (uint32_t i = 0; i < count; i++) {
        result[i].expr = va_arg(arguments, plan_expr *);
        const char *how = va_arg(arguments, const char *);
        result[i].descending = how[0] == 'd';
        result[i].nulls_first = strstr(how, "first") || (how[0] == 'd' && !strstr(how, "last"));
    }
    va_end(arguments);
    return result;
}

static inline plan_operator *sort(fixture *f, plan_operator *input, uint32_t count,
                                  plan_sort_key *sort_keys)
{
    plan_operator *op = operator_same(f, PLAN_OP_SORT, input, NULL);
    op->sort.key_count = count;
    op->sort.keys = sort_keys;
    return op;
}

/* A join over all columns of both sides (and the mark); one equality of slots, or none. */
static inline plan_operator *join(fixture *f, plan_join_kind kind, plan_operator *left,
                                  plan_operator *right, plan_expr *left_key, plan_expr *right_key)
{
    bool pairs = kind == PLAN_JOIN_INNER || kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_FULL ||
                 kind == PLAN_JOIN_SINGLE;
    plan_operator *op =
        operator_new(f, left_key ? PLAN_OP_HASH_JOIN : PLAN_OP_NESTED_LOOP, left, right, "");
    uint32_t sides = left->column_count + right->column_count;
    op->types = base_arena_allocate_array(&f->arena, sides + 2, sizeof(types_type));
    op->join.output_slots = base_arena_allocate_array(&f->arena, sides + 2, sizeof(uint32_t));
    memcpy(op->types, left->types, left->column_count * sizeof(types_type));
    memcpy(op->types + left->column_count, right->types, right->column_count * sizeof(types_type));
    op->column_count = pairs ? sides : left->column_count;
    for (uint32_t i = 0; i < op->column_count; i++)
        op->join.output_slots[i] = i;
    if (kind == PLAN_JOIN_MARK) {
        op->types[op->column_count] = TYPES_OF(BOOLEAN);
        op->join.output_slots[op->column_count++] = sides;
    }
    op->join.kind = kind;
    op->join.key_count = left_key ? 1 : 0;
    op->join.left_keys = list(f, 1, left_key);
    op->join.right_keys = list(f, 1, right_key);
    op->join.null_equal = base_arena_allocate_array(&f->arena, 4, sizeof(bool));
    return op;
}

/* SEMI and ANTI with the left side built: its columns come out. */
static inline void build_left(plan_operator *op)
{
    op->join.build_is_left = true;
    if (op->join.kind != PLAN_JOIN_SEMI && op->join.kind != PLAN_JOIN_ANTI)
        return;
    uint32_t left = op->inputs[0]->column_count;
    op->column_count = op->inputs[1]->column_count;
    for (uint32_t i = 0; i < op->column_count; i++) {
        op->join.output_slots[i] = left + i;
        op->types[i] = op->inputs[1]->types[i];
    }
}

static inline plan_aggregate aggregate(fixture *f, const char *name, plan_expr *argument)
{
    plan_aggregate result = {.argument_count = argument ? 1 : 0};
    types_type types[1];
    if (argument)
        types[0] = argument->type;
    unit_assert_ok(func_find_aggregate(base_text_of(name), types, argument ? 1 : 0,
                                       &result.function, &result.type, &f->error));
    result.arguments = list(f, argument ? 1 : 0, argument);
    return result;
}

static inline plan_operator *group(fixture *f, plan_operator *input, uint32_t key_count,
                                   plan_expr **group_keys, uint32_t count,
                                   const plan_aggregate *aggregates)
{
    plan_operator *op = operator_new(f, PLAN_OP_HASH_AGGREGATE, input, NULL, "");
    op->column_count = key_count + count;
    op->types = base_arena_allocate_array(&f->arena, op->column_count + 1, sizeof(types_type));
    op->aggregate.key_count = key_count;
    op->aggregate.keys = group_keys;
    op->aggregate.aggregate_count = count;
    op->aggregate.aggregates =
        base_arena_allocate_array(&f->arena, count + 1, sizeof(plan_aggregate));
    for (uint32_t i = 0; i < key_count; i++)
        op->types[i] = group_keys[i]->type;
    for (uint32_t i = 0; i < count; i++) {
        op->aggregate.aggregates[i] = aggregates[i];
        op->types[key_count + i] = aggregates[i].type;
    }
    return op;
}

/* `definition` computed once, then `body`, whose cte_scan nodes read it. */
static inline plan_operator *with(fixture *f, uint32_t cte, plan_operator *definition,
                                  plan_operator *body)
{
    plan_operator *op = operator_new(f, PLAN_OP_CTE, definition, body, "");
    op->column_count = body->column_count;
    op->types = body->types;
    op->cte.cte = cte;
    f->cte_count = BASE_MAX(f->cte_count, cte + 1);
    return op;
}

static inline plan_operator *cte_scan(fixture *f, uint32_t cte, const char *types)
{
    plan_operator *op = operator_new(f, PLAN_OP_CTE_SCAN, NULL, NULL, types);
    op->cte.cte = cte;
    return op;
}

/* Numbers 0 .. count - 1, by recursion. */
static inline plan_operator *series(fixture *f, uint32_t cte, const char *count)
{
    plan_operator *op = operator_new(f, PLAN_OP_RECURSIVE_CTE, values(f, "I", "0"), NULL, "I");
    plan_operator *step =
        project(f, cte_scan(f, cte, "I"), 1,
                list(f, 1, call2(f, "+", slot(f, 0, 'I'), constant(f, 'I', "1"))));
    op->inputs[1] =
        filter(f, step, compare(f, VECTOR_LESS, slot(f, 0, 'I'), constant(f, 'I', count)));
    op->cte.cte = cte;
    op->cte.all = true;
    f->cte_count = BASE_MAX(f->cte_count, cte + 1);
    return op;
}

/* count * count numbers 0 .. count * count - 1 in a buffer that several lanes can scan. */
static inline plan_operator *many(fixture *f, uint32_t cte, const char *count, plan_operator *body)
{
    plan_operator *pairs =
        join(f, PLAN_JOIN_INNER, series(f, cte + 1, count), series(f, cte + 2, count), NULL, NULL);
    plan_expr *number =
        call2(f, "+", call2(f, "*", slot(f, 0, 'I'), constant(f, 'I', count)), slot(f, 1, 'I'));
    return with(f, cte, project(f, pairs, 1, list(f, 1, number)), body);
}

/* ---- Running ----------------------------------------------------------------------------- */

static inline int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline char *sorted_rows(fixture *f, const char *rows)
{
    char *copy = base_arena_copy_text(&f->arena, rows, strlen(rows));
    uint32_t count = 0;
    char **lines = base_arena_allocate_array(&f->arena, strlen(rows) + 1, sizeof(char *));
    for (char *line = copy; *copy && line;) {
        char *end = strchr(line, ';');
        if (end)
            *end++ = 0;
        lines[count++] = line;
        line = end;
    }
    qsort(lines, count, sizeof(char *), compare_lines);
    base_buffer out;
    base_buffer_init(&out, &f->budget);
    for (uint32_t i = 0; i < count; i++)
        base_buffer_append_format(&out, "%s%s", i ? ";" : "", lines[i]);
    char *result = base_arena_copy_text(&f->arena, out.data ? out.data : "", out.length);
    base_buffer_destroy(&out);
    return result;
}

static inline void append_chunk(const vector_chunk *chunk, base_buffer *out)
{
    for (uint32_t i = 0; i < chunk->count; i++) {
        uint32_t position = vector_row(chunk->selection, i);
        if (out->length)
            base_buffer_append_byte(out, ';');
        for (uint32_t c = 0; c < chunk->column_count; c++) {
            types_value value = vector_get(&chunk->columns[c], position);
            if (c)
                base_buffer_append_byte(out, '|');
            if (value.is_null)
                base_buffer_append_text(out, "NULL");
            else
                types_format(&value, out);
        }
    }
}

static inline base_status run_once(fixture *f, exec_execution *execution, base_buffer *out)
{
    base_status status = exec_open(execution, f->transaction, &f->error);
    base_buffer_clear(out);
    while (status == BASE_OK || status == BASE_ROW) {
        vector_chunk *chunk;
        status = exec_next(execution, &chunk, &f->error);
        if (status == BASE_ROW) {
            assert_true(chunk->count > 0 && chunk->count <= VECTOR_SIZE);
            append_chunk(chunk, out);
        }
    }
    exec_reset(execution);
    return status == BASE_DONE ? BASE_OK : status;
}

static inline plan_statement statement_of(fixture *f, plan_operator *root)
{
    return (plan_statement){.root = root,
                            .operator_count = f->next_id,
                            .cte_count = f->cte_count,
                            .join_filter_count = f->join_filter_count,
                            .column_count = root->column_count,
                            .column_types = root->types};
}

static inline exec_options options_of(fixture *f)
{
    return (exec_options){.runtime = f->runtime,
                          .budget = &f->statement_budget,
                          .thread_limit = f->threads,
                          .environment = &f->environment};
}

static inline void compare_rows(fixture *f, const base_buffer *out, const char *expected)
{
    const char *got = out->data ? out->data : "";
    if (f->any_order)
        assert_string_equal(sorted_rows(f, got), sorted_rows(f, expected));
    else
        assert_string_equal(got, expected);
}

/* Runs with the allocation number 1, 2, 3 ... failing until a run comes through. */
static inline void check_failing_memory(fixture *f, const plan_statement *statement,
                                        const char *expected)
{
    exec_options options = options_of(f);
    bool done = false;
    base_buffer out;
    base_buffer_init(&out, &f->budget);
    for (uint64_t n = 1; !done; n += n < 64 ? 1 : n / 16) {
        unit_allocator_init(&f->allocator, n, false);
        base_error_clear(&f->error);
        exec_execution *execution = NULL;
        base_status status = exec_create(statement, &options, &execution, &f->error);
        if (status == BASE_OK)
            status = run_once(f, execution, &out);
        exec_destroy(execution);
        done = atomic_load(&f->allocator.calls) < n;
        if (status != BASE_OUT_OF_MEMORY) {
            assert_int_equal(status, f->expected);
            if (status == BASE_OK)
                compare_rows(f, &out, expected);
        } else {
            assert_int_equal(f->error.status, BASE_OUT_OF_MEMORY);
        }
        unit_budget_check(&f->statement_budget);
    }
    unit_allocator_init(&f->allocator, 0, false);
    base_buffer_destroy(&out);
}

static inline void check(fixture *f, plan_operator *root, const char *expected)
{
    plan_statement statement = statement_of(f, root);
    exec_options options = options_of(f);
    exec_execution *execution;
    base_buffer out;
    base_buffer_init(&out, &f->budget);
    base_error_clear(&f->error);
    unit_assert_ok(exec_create(&statement, &options, &execution, &f->error));
    for (int run = 0; run < 2; run++) {
        base_error_clear(&f->error);
        base_status status = run_once(f, execution, &out);
        if (status != f->expected)
            fail_msg("%s: %s", base_status_name(status), f->error.message);
        if (status == BASE_OK)
            compare_rows(f, &out, expected);
    }
    exec_destroy(execution);
    unit_budget_check(&f->statement_budget);
    base_buffer_destroy(&out);
    if (!f->skip_failures)
        check_failing_memory(f, &statement, expected);
}

static inline void check_any_order(fixture *f, plan_operator *root, const char *expected)
{
    f->any_order = true;
    check(f, root, expected);
    f->any_order = false;
}

#endif
