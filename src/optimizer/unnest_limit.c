/*
 * unnest_limit.c - LIMIT per group.
 *
 * A LIMIT inside a correlated subquery counts anew for every outer row. Once the subquery
 * runs for all outer rows at a time, that is: number the rows of each group in the order
 * that was asked for, and keep the first ones.
 */
#include "optimizer/optimizer_int.h"

/* row_number() OVER (PARTITION BY partition ORDER BY the sort's keys) over `input`. */
static base_status number_rows(optimizer_state *state, plan_node *input, const plan_node *sort,
                               plan_expr **partition, uint32_t partition_count, plan_node **node)
{
    types_type type;
    const func_window *function;
    plan_node *made = plan_node_new(state->arena, PLAN_WINDOW, 0);
    plan_window *window = base_arena_allocate_zeroed(state->arena, sizeof *window);
    if (!made || !window)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(
        func_find_window(BASE_TEXT("row_number"), NULL, 0, &function, &type, state->error));
    *window = (plan_window){.function = function,
                            .type = type,
                            .mode = PLAN_FRAME_RANGE,
                            .start = PLAN_FRAME_UNBOUNDED_PRECEDING,
                            .end = PLAN_FRAME_CURRENT_ROW};
    RETURN_IF_ERROR(optimizer_new_column(state, type, &window->column));
    made->inputs[0] = input;
    made->window.partition = partition;
    made->window.partition_count = partition_count;
    made->window.order = sort ? sort->sort.keys : NULL;
    made->window.order_count = sort ? sort->sort.key_count : 0;
    made->window.window_count = 1;
    made->window.windows = window;
    *node = made;
    return optimizer_refresh_columns(state, made);
}

/* As the row numbers' type; NULL limits nothing, as everywhere. */
static base_status bound_of(optimizer_state *state, plan_expr *bound, types_type type,
                            int64_t if_null, plan_expr **expr)
{
    types_value value = {.type = type};
    value.cell.int64 = if_null;
    plan_expr *fallback = plan_constant(state->arena, &value);
    *expr = types_equal(bound->type, type) ? bound : plan_cast(state->arena, bound, type);
    if (!fallback || !*expr)
        return optimizer_no_memory(state);
    if (bound->kind == PLAN_EXPR_CONSTANT && !bound->constant.is_null)
        return BASE_OK;
    return optimizer_coalesce(state, *expr, fallback, expr);
}

/* number - offset, which cannot overflow: both are at least 0. */
static base_status subtract(optimizer_state *state, plan_expr *number, plan_expr *offset,
                            plan_expr **expr)
{
    types_type types[2] = {number->type, offset->type}, result;
    const func_scalar *function;
    RETURN_IF_ERROR(func_find_scalar(BASE_TEXT("-"), types, 2, &function, &result, state->error));
    *expr = plan_expr_new(state->arena, PLAN_EXPR_CALL, result, 2);
    if (!*expr)
        return optimizer_no_memory(state);
    (*expr)->function = function;
    (*expr)->arguments[0] = number;
    (*expr)->arguments[1] = offset;
    return BASE_OK;
}

static base_status limit_condition(optimizer_state *state, const plan_node *limit,
                                   plan_column column, plan_expr **condition)
{
    types_type type = optimizer_type(state, column);
    plan_expr *number, *test;
    *condition = NULL;
    RETURN_IF_ERROR(optimizer_column_expr(state, column, &number));
    if (limit->limit.offset) {
        plan_expr *offset;
        RETURN_IF_ERROR(bound_of(state, limit->limit.offset, type, 0, &offset));
        *condition = plan_compare(state->arena, VECTOR_GREATER, number, offset);
        if (!*condition)
            return optimizer_no_memory(state);
        RETURN_IF_ERROR(optimizer_column_expr(state, column, &number));
        RETURN_IF_ERROR(subtract(state, number, offset, &number));
    }
    if (limit->limit.limit) {
        plan_expr *count;
        RETURN_IF_ERROR(bound_of(state, limit->limit.limit, type, INT64_MAX, &count));
        test = plan_compare(state->arena, VECTOR_LESS_EQUAL, number, count);
        *condition = test ? plan_and(state->arena, *condition, test) : NULL;
        if (!*condition)
            return optimizer_no_memory(state);
    }
    return BASE_OK;
}

base_status optimizer_limit_by_group(optimizer_state *state, plan_node *limit,
                                     plan_expr **partition, uint32_t partition_count,
                                     plan_node **node)
{
    plan_node *input = limit->inputs[0], *sort = NULL;
    plan_expr *condition;
    BASE_ASSERT(limit->kind == PLAN_LIMIT);
    if (input->kind == PLAN_SORT) {
        sort = input;
        input = sort->inputs[0];
    }
    RETURN_IF_ERROR(number_rows(state, input, sort, partition, partition_count, node));
    RETURN_IF_ERROR(limit_condition(state, limit, (*node)->window.windows[0].column, &condition));
    return optimizer_filter_node(state, *node, condition, node);
}
