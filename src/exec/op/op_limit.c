/*
 * op_limit.c - rows offset .. offset + limit - 1 of the input; ends the pipeline when it has them.
 *
 * Which rows these are depends on the order in which they come, so the step is not shared by
 * lanes: its pipeline keeps the source's order. Rows before the offset are counted here, or by the
 * source itself where that can do so without reading them.
 */
#include "exec/exec_int.h"

typedef struct limit_part {
    exec_part part;
    expr_program *limit, *offset;
    uint64_t to_skip, to_give;
    uint16_t *selection;
} limit_part;

static base_status open(exec_part *part, base_error *error)
{
    limit_part *self = (limit_part *)part;
    self->to_skip = 0;
    self->to_give = UINT64_MAX;
    if (self->offset)
        RETURN_IF_ERROR(
            exec_count_value(self->offset, part->op->limit.offset, 0, &self->to_skip, error));
    if (self->limit)
        RETURN_IF_ERROR(exec_count_value(self->limit, part->op->limit.limit, UINT64_MAX,
                                         &self->to_give, error));
    if (!self->to_give)
        atomic_store_explicit(&part->finished, true, memory_order_relaxed);
    return BASE_OK;
}

static base_status push(exec_part *part, void *state, vector_chunk *input, vector_chunk **output,
                        exec_answer *answer, base_error *error)
{
    limit_part *self = (limit_part *)part;
    *answer = EXEC_NEED_INPUT;
    if (self->to_skip >= input->count) {
        self->to_skip -= input->count;
        return BASE_OK;
    }
    uint32_t first = (uint32_t)self->to_skip;
    self->to_skip = 0;
    uint32_t count = (uint32_t)BASE_MIN((uint64_t)(input->count - first), self->to_give);
    if (first) {
        for (uint32_t i = 0; i < count; i++)
            self->selection[i] = (uint16_t)vector_row(input->selection, first + i);
        input->selection = self->selection;
    }
    input->count = count;
    self->to_give -= count;
    if (!self->to_give)
        *answer = EXEC_FINISHED;
    *output = input;
    return BASE_OK;
}

static const exec_part_class limit_class = {
    .name = "limit",
    .open = open,
    .push = push,
};

base_status exec_build_limit(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    limit_part *self = exec_part_new(builder, &limit_class, sizeof *self, op);
    chain = self ? exec_chain_step(builder, &self->part, chain) : NULL;
    if (!chain)
        return base_error_no_memory(builder->error);
    self->part.parallel = false;
    self->part.stops_early = true;
    self->part.to_skip = &self->to_skip;
    self->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    if (!self->selection)
        return base_error_no_memory(builder->error);
    if (op->limit.limit)
        RETURN_IF_ERROR(exec_compile(execution, op->limit.limit, &self->limit, builder->error));
    if (op->limit.offset)
        RETURN_IF_ERROR(exec_compile(execution, op->limit.offset, &self->offset, builder->error));
    return exec_build(builder, op->inputs[0], chain);
}
