/*
 * op_filter.c - rows for which a condition is true. Only the selection changes.
 */
#include "exec/op/op_access.h"

static base_status create_state(exec_part *part, void **state, base_error *error)
{
    op_filter *filter = EXEC_NEW(part->execution, op_filter);
    if (!filter)
        return base_error_no_memory(error);
    *state = filter;
    return op_filter_init(filter, part->execution, part->op->filter.condition, error);
}

static base_status push(exec_part *part, void *state, vector_chunk *input, vector_chunk **output,
                        exec_answer *answer, base_error *error)
{
    RETURN_IF_ERROR(op_filter_apply(state, input, error));
    *output = input;
    *answer = EXEC_NEED_INPUT;
    return BASE_OK;
}

static const exec_part_class filter_class = {
    .name = "filter",
    .create_state = create_state,
    .push = push,
};

base_status exec_build_filter(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    exec_part *part = exec_part_new(builder, &filter_class, sizeof *part, op);
    chain = part ? exec_chain_step(builder, part, chain) : NULL;
    if (!chain)
        return base_error_no_memory(builder->error);
    return exec_build(builder, op->inputs[0], chain);
}
