/*
 * fast.c - which plans take the tuple path, and its runs (contract: fast.h).
 *
 * The choice is made once per plan: shapes whose cost is a lookup per row, with few rows by
 * construction (rowids, unique keys, VALUES) or by the optimizer's estimate. A wrong estimate costs
 * time, not memory: rows stream through chunks of FAST_ROWS.
 *
 * A run resets the expressions, opens the stages and pulls rows. Memory is made with the plan;
 * strings longer than inline go to an arena that keeps its block from run to run.
 *
 * Rejected: interpreting the plan's operators directly (each run would look up what never changes)
 * and a result of single cells next to chunks (the callers would need both forms).
 */
#include "exec/fast/fast_int.h"

/* ---- Building ---------------------------------------------------------------------------- */

base_status exec_fast_compile(exec_fast *fast, const plan_expr *expr, expr_program **program,
                              base_error *error)
{
    exec_execution *execution = fast->execution;
    if (fast->program_count == fast->program_capacity) {
        uint32_t capacity = BASE_MAX(16u, fast->program_capacity * 2);
        expr_program **grown = exec_new(execution, capacity * sizeof(expr_program *));
        if (!grown)
            return base_error_no_memory(error);
        if (fast->program_count)
            memcpy(grown, fast->programs, fast->program_count * sizeof(expr_program *));
        fast->programs = grown;
        fast->program_capacity = capacity;
    }
    RETURN_IF_ERROR(expr_compile(&execution->context, &execution->arena, expr, program, error));
    fast->programs[fast->program_count++] = *program;
    return BASE_OK;
}

base_status exec_fast_compile_all(exec_fast *fast, plan_expr *const *exprs, uint32_t count,
                                  expr_program ***programs, base_error *error)
{
    *programs = exec_new(fast->execution, (count + 1) * sizeof(expr_program *));
    if (!*programs)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(exec_fast_compile(fast, exprs[i], &(*programs)[i], error));
    return BASE_OK;
}

base_status exec_fast_row_new(exec_fast *fast, uint32_t count, types_cell **cells, bool **nulls,
                              base_error *error)
{
    *cells = exec_new(fast->execution, (count + 1) * sizeof(types_cell));
    *nulls = exec_new(fast->execution, (count + 1) * sizeof(bool));
    return *cells && *nulls ? BASE_OK : base_error_no_memory(error);
}

/* The result's columns: FAST_ROWS values each, one word of validity. */
static base_status make_chunk(exec_fast *fast, const types_type *types, uint32_t count,
                              base_error *error)
{
    vector_chunk *chunk = &fast->chunk;
    exec_execution *execution = fast->execution;
    chunk->columns = exec_new(execution, (count + 1) * sizeof(vector));
    chunk->own_selection = exec_new(execution, FAST_ROWS * sizeof(uint16_t));
    if (!chunk->columns || !chunk->own_selection)
        return base_error_no_memory(error);
    chunk->column_count = fast->column_count = count;
    chunk->heap = &fast->heap;
    chunk->budget = &execution->budget;
    for (uint32_t i = 0; i < count; i++) {
        vector *column = &chunk->columns[i];
        column->type = types[i];
        column->form = (uint8_t)types_form_of(types[i]);
        column->shape = VECTOR_FLAT;
        column->own_data =
            exec_new(execution, (size_t)FAST_ROWS * types_form_size((types_form)column->form));
        column->own_validity = exec_new(execution, sizeof(uint64_t));
        if (!column->own_data || !column->own_validity)
            return base_error_no_memory(error);
        column->data = column->own_data;
    }
    return BASE_OK;
}

static void release_heap(void *context)
{
    base_arena_destroy(context);
}

static bool is_change(const plan_operator *op)
{
    return op->kind == PLAN_OP_INSERT || op->kind == PLAN_OP_UPDATE || op->kind == PLAN_OP_DELETE;
}

static bool is_taken(const plan_operator *root)
{
    if (is_change(root))
        return exec_fast_can_change(root);
    if (!exec_fast_can_read(root))
        return false;
    return exec_fast_row_bound(root) <= FAST_ROWS_READ ||
           (root->rows >= 0 && root->rows <= FAST_ROWS_READ);
}

base_status exec_fast_create(exec_execution *execution, exec_fast **result, base_error *error)
{
    const plan_operator *root = execution->statement->root;
    *result = NULL;
    if (execution->options.profile || !is_taken(root))
        return BASE_OK;
    exec_fast *fast = EXEC_NEW(execution, exec_fast);
    if (!fast)
        return base_error_no_memory(error);
    fast->execution = execution;
    base_arena_init(&fast->heap, &execution->budget);
    if (!base_arena_on_release(&execution->arena, release_heap, &fast->heap))
        return base_error_no_memory(error);
    if (is_change(root)) {
        types_type *types =
            exec_types_of(execution, root->change.returning, root->change.returning_count);
        if (!types)
            return base_error_no_memory(error);
        RETURN_IF_ERROR(make_chunk(fast, types, root->change.returning_count, error));
        RETURN_IF_ERROR(exec_fast_build_change(fast, root, error));
    } else {
        RETURN_IF_ERROR(make_chunk(fast, root->types, root->column_count, error));
        RETURN_IF_ERROR(exec_fast_build_read(fast, root, &fast->top, error));
    }
    *result = fast;
    return BASE_OK;
}

/* ---- Running ----------------------------------------------------------------------------- */

base_status exec_fast_open(exec_fast *fast, base_error *error)
{
    fast->is_done = false;
    for (uint32_t i = 0; i < fast->program_count; i++)
        RETURN_IF_ERROR(expr_reset(fast->programs[i], error));
    return exec_fast_open_stages(fast, fast->top, error);
}

/* Drops the rows of the last chunk and their strings. */
static void start_chunk(exec_fast *fast)
{
    base_arena_reset(&fast->heap);
    for (uint32_t i = 0; i < fast->program_count; i++)
        expr_clear_heap(fast->programs[i]);
    fast->chunk.count = 0;
    fast->chunk.selection = NULL;
    for (uint32_t i = 0; i < fast->column_count; i++) {
        vector *column = &fast->chunk.columns[i];
        column->shape = VECTOR_FLAT;
        column->data = column->own_data;
        column->validity = NULL;
    }
}

base_status exec_fast_emit(exec_fast *fast, const types_cell *cells, const bool *nulls)
{
    uint32_t row = fast->chunk.count++;
    BASE_ASSERT(row < FAST_ROWS);
    for (uint32_t i = 0; i < fast->column_count; i++) {
        vector *column = &fast->chunk.columns[i];
        if (nulls[i]) {
            if (!column->validity) {
                column->validity = column->own_validity;
                column->own_validity[0] = UINT64_MAX;
            }
            base_bit_clear(column->validity, row);
            continue;
        }
        uint32_t size = types_form_size((types_form)column->form);
        memcpy((char *)column->data + (size_t)row * size, &cells[i], size);
    }
    return BASE_OK;
}

base_status exec_fast_next(exec_fast *fast, vector_chunk **chunk, base_error *error)
{
    if (fast->is_done)
        return BASE_DONE;
    start_chunk(fast);
    base_status status = BASE_DONE;
    if (fast->change) {
        RETURN_IF_ERROR(exec_fast_run_change(fast, error));
    } else {
        RETURN_IF_ERROR(exec_check_interrupt(fast->execution, error));
        while (fast->chunk.count < FAST_ROWS &&
               (status = fast->top->next(fast, fast->top, error)) == BASE_ROW)
            (void)exec_fast_emit(fast, fast->top->cells, fast->top->nulls);
        if (status != BASE_ROW && status != BASE_DONE)
            return status;
    }
    fast->is_done = status == BASE_DONE;
    *chunk = &fast->chunk;
    return fast->chunk.count ? BASE_ROW : BASE_DONE;
}
