/*
 * op_values.c - rows of expressions.
 *
 * An INSERT may bring thousands of rows, nearly all of constants and parameters: these are put
 * into the chunk as they are. Only other expressions are compiled.
 */
#include "exec/exec_int.h"

typedef struct values_part {
    exec_part part;
    expr_program **programs; /* by cell; NULL: constant or parameter */
    uint32_t next_row;
    vector_chunk *chunk;
} values_part;

static base_status start(exec_part *part, base_error *error)
{
    values_part *self = (values_part *)part;
    self->next_row = 0;
    part->unit_count = 1;
    part->row_estimate = part->op->values.row_count;
    return BASE_OK;
}

static base_status cell_value(values_part *self, size_t cell, types_value *value, base_error *error)
{
    const exec_execution *execution = self->part.execution;
    const plan_expr *expr = self->part.op->values.cells[cell];
    if (expr->kind == PLAN_EXPR_CONSTANT) {
        *value = expr->constant;
        return BASE_OK;
    }
    if (!self->programs[cell]) {
        *value = execution->parameters[expr->parameter];
        return BASE_OK;
    }
    return expr_value(self->programs[cell], value, error);
}

static base_status next(exec_part *part, void *state, vector_chunk **result, base_error *error)
{
    values_part *self = (values_part *)part;
    const plan_operator *op = part->op;
    uint32_t columns = op->column_count;
    uint32_t count = BASE_MIN(op->values.row_count - self->next_row, (uint32_t)VECTOR_SIZE);
    if (!count)
        return BASE_DONE;
    vector_chunk *chunk = self->chunk;
    vector_chunk_reset(chunk);
    for (uint32_t row = 0; row < count; row++) {
        for (uint32_t c = 0; c < columns; c++) {
            types_value value;
            size_t cell = (size_t)(self->next_row + row) * columns + c;
            RETURN_IF_ERROR(cell_value(self, cell, &value, error));
            if (value.is_null)
                vector_set_null(&chunk->columns[c], row);
            else
                vector_put(&chunk->columns[c], row, &value);
        }
    }
    chunk->count = count;
    self->next_row += count;
    *result = chunk;
    return BASE_ROW;
}

static const exec_part_class values_class = {
    .name = "values",
    .start = start,
    .next = next,
};

/* A parameter whose type the plan left open takes that of the value bound; the column may
 * want another one then, and the expression room converts. */
static bool is_direct(const plan_operator *op, const plan_expr *expr, uint32_t column)
{
    return (expr->kind == PLAN_EXPR_CONSTANT || expr->kind == PLAN_EXPR_PARAMETER) &&
           types_equal(expr->type, op->types[column]);
}

base_status exec_build_values(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    values_part *self = exec_part_new(builder, &values_class, sizeof *self, op);
    if (!self)
        return base_error_no_memory(builder->error);
    self->part.parallel = false;
    size_t cells = (size_t)op->values.row_count * op->column_count;
    self->programs = base_arena_allocate_array(&execution->arena, cells + 1, sizeof(void *));
    if (!self->programs)
        return base_error_no_memory(builder->error);
    for (size_t i = 0; i < cells; i++) {
        const plan_expr *expr = op->values.cells[i];
        if (!is_direct(op, expr, (uint32_t)(i % op->column_count)))
            RETURN_IF_ERROR(exec_compile(execution, expr, &self->programs[i], builder->error));
    }
    RETURN_IF_ERROR(
        exec_chunk_new(execution, op->types, op->column_count, &self->chunk, builder->error));
    return exec_add_pipeline(builder, &self->part, chain);
}
