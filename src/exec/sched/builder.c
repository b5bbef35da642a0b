/*
 * builder.c - from the operator tree to pipelines.
 *
 * The tree is walked from the root down with the chain of steps that an operator's rows still
 * have to go through. A streaming operator puts itself in front of the chain; one that must
 * see all its input ends a chain of its own with its sink and starts a new pipeline as source.
 * Pipelines are appended in the order in which the walk meets them, inputs that must be complete
 * first, so the list can be run from front to back.
 *
 * UNION ALL gives one chain to both inputs: two pipelines that share steps and sink and run one
 * after the other. The rows without a partner of a FULL join come the same way.
 *
 * Rejected: a graph of pipelines with dependencies run at the same time. The lanes of one
 * pipeline keep all threads busy, and memory stays smaller when builds do not overlap.
 */
#include "exec/exec_int.h"

static const exec_operator_builder operator_builders[] = {
    [PLAN_OP_TABLE_SCAN] = exec_build_table_scan,
    [PLAN_OP_ROWID_LOOKUP] = exec_build_rowid_lookup,
    [PLAN_OP_INDEX_SCAN] = exec_build_index_scan,
    [PLAN_OP_VALUES] = exec_build_values,
    [PLAN_OP_SYSTEM_SCAN] = exec_build_system_scan,
    [PLAN_OP_FILTER] = exec_build_filter,
    [PLAN_OP_PROJECT] = exec_build_project,
    [PLAN_OP_HASH_JOIN] = exec_build_hash_join,
    [PLAN_OP_INDEX_JOIN] = exec_build_index_join,
    [PLAN_OP_NESTED_LOOP] = exec_build_nested_loop,
    [PLAN_OP_HASH_AGGREGATE] = exec_build_hash_aggregate,
    [PLAN_OP_ORDERED_AGGREGATE] = exec_build_ordered_aggregate,
    [PLAN_OP_WINDOW] = exec_build_window,
    [PLAN_OP_SORT] = exec_build_sort,
    [PLAN_OP_LIMIT] = exec_build_limit,
    [PLAN_OP_DISTINCT_ON] = exec_build_distinct_on,
    [PLAN_OP_UNION_ALL] = exec_build_union_all,
    [PLAN_OP_SET_OPERATION] = exec_build_set_operation,
    [PLAN_OP_CTE] = exec_build_cte,
    [PLAN_OP_RECURSIVE_CTE] = exec_build_recursive_cte,
    [PLAN_OP_CTE_SCAN] = exec_build_cte_scan,
    [PLAN_OP_INSERT] = exec_build_insert,
    [PLAN_OP_UPDATE] = exec_build_update,
    [PLAN_OP_DELETE] = exec_build_delete,
};

base_status exec_build(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    BASE_ASSERT(op->kind < BASE_COUNT_OF(operator_builders));
    return operator_builders[op->kind](builder, op, chain);
}

base_status exec_build_union_all(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    RETURN_IF_ERROR(exec_build(builder, op->inputs[0], chain));
    return exec_build(builder, op->inputs[1], chain);
}

void *exec_part_new(exec_builder *builder, const exec_part_class *class, size_t size,
                    const plan_operator *op)
{
    exec_execution *execution = builder->execution;
    BASE_ASSERT(size >= sizeof(exec_part));
    exec_part *part = exec_new(execution, size);
    if (!part)
        return NULL;
    part->class = class;
    part->execution = execution;
    part->op = op;
    part->parallel = true;
    part->next = execution->parts;
    execution->parts = part;
    return part;
}

exec_chain *exec_chain_step(exec_builder *builder, exec_part *step, exec_chain *next)
{
    exec_chain *chain = EXEC_NEW(builder->execution, exec_chain);
    if (chain) {
        chain->part = step;
        chain->next = next;
    }
    return chain;
}

exec_chain *exec_chain_sink(exec_builder *builder, exec_part *sink)
{
    exec_chain *chain = EXEC_NEW(builder->execution, exec_chain);
    if (chain)
        chain->sink = sink;
    return chain;
}

bool exec_chain_stops_early(const exec_builder *builder, const exec_chain *chain)
{
    for (; chain->part; chain = chain->next)
        if (chain->part->stops_early)
            return true;
    return builder->stops_early && !chain->sink;
}

static base_status append_pipeline(exec_builder *builder, exec_pipeline *pipeline)
{
    exec_program *program = builder->program;
    if (program->count == program->capacity) {
        uint32_t capacity = BASE_MAX(8u, program->capacity * 2);
        exec_pipeline **grown = exec_new(builder->execution, capacity * sizeof(exec_pipeline *));
        if (!grown)
            return base_error_no_memory(builder->error);
        if (program->count)
            memcpy(grown, program->pipelines, program->count * sizeof(exec_pipeline *));
        program->pipelines = grown;
        program->capacity = capacity;
    }
    program->pipelines[program->count++] = pipeline;
    return BASE_OK;
}

base_status exec_add_pipeline(exec_builder *builder, exec_part *source, const exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    exec_pipeline *pipeline = EXEC_NEW(execution, exec_pipeline);
    if (!pipeline)
        return base_error_no_memory(builder->error);
    pipeline->execution = execution;
    pipeline->source = source;
    const exec_chain *link = chain;
    for (; link->part; link = link->next)
        pipeline->step_count++;
    pipeline->sink = link->sink;
    pipeline->steps = exec_new(execution, (pipeline->step_count + 1) * sizeof(exec_part *));
    if (!pipeline->steps)
        return base_error_no_memory(builder->error);
    uint32_t i = 0;
    for (link = chain; link->part; link = link->next)
        pipeline->steps[i++] = link->part;
    /* The newest pipeline into a sink is its last until another one comes. */
    pipeline->finishes_sink = true;
    exec_program *program = builder->program;
    for (uint32_t p = 0; p < program->count; p++)
        if (program->pipelines[p]->sink == pipeline->sink)
            program->pipelines[p]->finishes_sink = false;
    return append_pipeline(builder, pipeline);
}
