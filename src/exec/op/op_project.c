/*
 * op_project.c - columns computed from columns. Values stay at the rows' physical positions, so a
 * column that is handed on costs the copy of its head.
 */
#include "exec/exec_int.h"

typedef struct project_state {
    expr_program **programs;
    vector_chunk *frame;
} project_state;

static base_status create_state(exec_part *part, void **result, base_error *error)
{
    const plan_operator *op = part->op;
    project_state *state = EXEC_NEW(part->execution, project_state);
    if (!state)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(exec_compile_all(part->execution, op->project.exprs, op->column_count,
                                     &state->programs, error));
    *result = state;
    return exec_chunk_frame(part->execution, op->column_count, &state->frame, error);
}

static base_status push(exec_part *part, void *opaque, vector_chunk *input, vector_chunk **output,
                        exec_answer *answer, base_error *error)
{
    project_state *state = opaque;
    for (uint32_t i = 0; i < part->op->column_count; i++) {
        const vector *column;
        RETURN_IF_ERROR(expr_evaluate(state->programs[i], input, &column, error));
        state->frame->columns[i] = *column;
    }
    state->frame->count = input->count;
    state->frame->selection = input->selection;
    *output = state->frame;
    *answer = EXEC_NEED_INPUT;
    return BASE_OK;
}

static const exec_part_class project_class = {
    .name = "project",
    .create_state = create_state,
    .push = push,
};

base_status exec_build_project(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    exec_part *part = exec_part_new(builder, &project_class, sizeof *part, op);
    chain = part ? exec_chain_step(builder, part, chain) : NULL;
    if (!chain)
        return base_error_no_memory(builder->error);
    return exec_build(builder, op->inputs[0], chain);
}
