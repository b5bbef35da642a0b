/*
 * op_join.c - the kinds of join in terms of what is emitted when, and the joined chunk.
 *
 * | kind          | probe side is left              | build side is left                    |
 * |---------------|---------------------------------|---------------------------------------|
 * | INNER         | pairs                           | pairs                                 |
 * | LEFT, SINGLE  | pairs, probe rows without       | pairs; then build rows without        |
 * | FULL          | pairs, probe rows without; then build rows without                      |
 * | SEMI, ANTI    | probe rows with, without        | build rows with, without, at the end  |
 * | MARK          | probe rows and the answer       | (not planned)                         |
 *
 * Joined rows are not copied where it can be helped: as long as each probe row has one partner
 * at most, the build values are put beside it at its physical position.
 */
#include "exec/op/op_join.h"

static base_status mark_needed(void *context, plan_expr **expr)
{
    if ((*expr)->kind == PLAN_EXPR_SLOT)
        ((bool *)context)[(*expr)->slot] = true;
    return BASE_OK;
}

base_status op_join_init(op_join *join, exec_execution *execution, const plan_operator *op,
                         base_error *error)
{
    plan_join_kind kind = op->join.kind;
    bool build_is_left = op->join.build_is_left && kind != PLAN_JOIN_INNER;
    if (kind == PLAN_JOIN_MARK && build_is_left)
        return base_error_set(error, BASE_INTERNAL, "a mark join cannot build its left side");
    join->op = op;
    join->kind = kind;
    join->build_is_left = build_is_left;
    join->left_count = op->inputs[0]->column_count;
    join->right_count = op->inputs[1]->column_count;
    join->residual = op->join.residual;
    join->needed = exec_new(execution, join->left_count + join->right_count + 2);
    if (!join->needed)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < op->column_count; i++)
        join->needed[op->join.output_slots[i]] = true;
    if (join->residual) {
        plan_expr *residual = op->join.residual;
        RETURN_IF_ERROR(plan_expr_walk(&residual, mark_needed, join->needed));
    }
    bool outer = kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_SINGLE;
    bool test = kind == PLAN_JOIN_SEMI || kind == PLAN_JOIN_ANTI || kind == PLAN_JOIN_MARK;
    join->emits_pairs = !test;
    join->keeps_probe = kind == PLAN_JOIN_FULL || (outer && !build_is_left);
    join->tests_probe = test && !build_is_left;
    join->emits_build = kind == PLAN_JOIN_FULL || (build_is_left && (outer || test));
    join->flags_build = join->emits_build;
    join->single = kind == PLAN_JOIN_SINGLE;
    return BASE_OK;
}

base_status op_join_second_partner(const op_join *join, base_error *error)
{
    return base_error_set_at(error, BASE_CARDINALITY, join->op->position,
                             "a subquery used as a value returned more than one row");
}

typedef struct vector_owner {
    vector *column;
    base_budget *budget;
} vector_owner;

static void destroy_vector(void *context)
{
    vector_owner *owner = context;
    vector_destroy(owner->column, owner->budget);
}

static base_status own_vector(exec_execution *execution, vector *column, types_type type,
                              base_error *error)
{
    vector_owner *owner = EXEC_NEW(execution, vector_owner);
    if (!owner)
        return base_error_no_memory(error);
    *owner = (vector_owner){column, &execution->budget};
    RETURN_IF_ERROR(vector_init(column, &execution->budget, type, error));
    if (!base_arena_on_release(&execution->arena, destroy_vector, owner)) {
        vector_destroy(column, &execution->budget);
        return base_error_no_memory(error);
    }
    return BASE_OK;
}

static void destroy_arena(void *arena)
{
    base_arena_destroy(arena);
}

base_status op_joined_init(op_joined *joined, const op_join *join, exec_execution *execution,
                           base_error *error)
{
    const plan_operator *op = join->op;
    joined->join = join;
    uint32_t slots = join->left_count + join->right_count + 1;
    RETURN_IF_ERROR(exec_chunk_frame(execution, slots, &joined->all, error));
    RETURN_IF_ERROR(exec_chunk_frame(execution, op->column_count, &joined->output, error));
    joined->left_copies = exec_new(execution, (join->left_count + 1) * sizeof(vector));
    joined->right_values = exec_new(execution, (join->right_count + 1) * sizeof(vector));
    joined->heap = EXEC_NEW(execution, base_arena);
    if (!joined->left_copies || !joined->right_values || !joined->heap)
        return base_error_no_memory(error);
    base_arena_init(joined->heap, &execution->budget);
    if (!base_arena_on_release(&execution->arena, destroy_arena, joined->heap))
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < join->left_count; i++)
        if (join->needed[i])
            RETURN_IF_ERROR(
                own_vector(execution, &joined->left_copies[i], op->inputs[0]->types[i], error));
    for (uint32_t i = 0; i < join->right_count; i++)
        if (join->needed[join->left_count + i])
            RETURN_IF_ERROR(
                own_vector(execution, &joined->right_values[i], op->inputs[1]->types[i], error));
    if (join->kind == PLAN_JOIN_MARK)
        RETURN_IF_ERROR(own_vector(execution, &joined->mark, TYPES_OF(BOOLEAN), error));
    return BASE_OK;
}

void op_joined_left(op_joined *joined, const vector_chunk *input)
{
    memcpy(joined->all->columns, input->columns, joined->join->left_count * sizeof(vector));
}

base_status op_joined_copy_left(op_joined *joined, const vector_chunk *input,
                                const uint16_t *positions, uint32_t count, base_error *error)
{
    /* Far strings are not copied: the input stays until the step asks for more. */
    for (uint32_t i = 0; i < joined->join->left_count; i++) {
        if (!joined->join->needed[i])
            continue;
        vector_reset(&joined->left_copies[i]);
        RETURN_IF_ERROR(vector_copy(&joined->left_copies[i], 0, &input->columns[i], positions,
                                    count, NULL, error));
        joined->all->columns[i] = joined->left_copies[i];
    }
    return BASE_OK;
}

static void null_columns(vector *heads, vector *own, const bool *needed, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!needed[i])
            continue;
        types_value null = types_null_of(own[i].type);
        vector_reset(&own[i]);
        vector_set_constant(&own[i], &null);
        heads[i] = own[i];
    }
}

void op_joined_null_right(op_joined *joined)
{
    const op_join *join = joined->join;
    null_columns(joined->all->columns + join->left_count, joined->right_values,
                 join->needed + join->left_count, join->right_count);
}

void op_joined_null_left(op_joined *joined)
{
    const op_join *join = joined->join;
    null_columns(joined->all->columns, joined->left_copies, join->needed, join->left_count);
}

vector_chunk *op_joined_output(op_joined *joined, const uint16_t *selection, uint32_t count)
{
    const plan_operator *op = joined->join->op;
    for (uint32_t i = 0; i < op->column_count; i++)
        joined->output->columns[i] = joined->all->columns[op->join.output_slots[i]];
    joined->output->selection = selection;
    joined->output->count = count;
    return joined->output;
}
