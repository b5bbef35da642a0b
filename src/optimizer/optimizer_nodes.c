/*
 * optimizer_nodes.c - makes logical nodes with their column lists in order.
 *
 * Invariant: the `columns` of a node that passes its input's columns on (filter, sort,
 * limit, join, window, CTE) are always those of its inputs at that time; a rule that
 * changes an input calls optimizer_refresh_columns upwards.
 */
#include "optimizer/optimizer_int.h"

base_status optimizer_enter(optimizer_state *state)
{
    if (++state->depth > OPTIMIZER_MAX_DEPTH * 4)
        return base_error_set(state->error, BASE_LIMIT, "the statement is nested too deeply");
    return BASE_OK;
}

void optimizer_leave(optimizer_state *state)
{
    BASE_ASSERT(state->depth > 0);
    state->depth--;
}

uint32_t optimizer_input_count(const plan_node *node)
{
    return node->inputs[1] ? 2 : node->inputs[0] ? 1 : 0;
}

bool optimizer_join_keeps_right(plan_join_kind kind)
{
    return kind != PLAN_JOIN_SEMI && kind != PLAN_JOIN_ANTI && kind != PLAN_JOIN_MARK;
}

static base_status set_columns(optimizer_state *state, plan_node *node, uint32_t count)
{
    /* Never in place: constructors share the array with the input (plan_node_over). */
    plan_column *columns = base_arena_allocate_array(state->arena, count, sizeof *columns);
    if (!columns)
        return optimizer_no_memory(state);
    node->columns = columns;
    node->column_count = count;
    return BASE_OK;
}

static base_status refresh_join(optimizer_state *state, plan_node *node)
{
    const plan_node *left = node->inputs[0], *right = node->inputs[1];
    bool keeps = optimizer_join_keeps_right(node->join.kind);
    bool mark = node->join.kind == PLAN_JOIN_MARK;
    uint32_t count = left->column_count + (keeps ? right->column_count : 0) + (mark ? 1 : 0);
    RETURN_IF_ERROR(set_columns(state, node, count));
    if (left->column_count)
        memcpy(node->columns, left->columns, left->column_count * sizeof *node->columns);
    if (keeps && right->column_count)
        memcpy(node->columns + left->column_count, right->columns,
               right->column_count * sizeof *node->columns);
    if (mark)
        node->columns[count - 1] = node->join.mark;
    return BASE_OK;
}

base_status optimizer_refresh_columns(optimizer_state *state, plan_node *node)
{
    const plan_node *input = node->inputs[0];
    switch ((plan_node_kind)node->kind) {
    case PLAN_JOIN:
        return refresh_join(state, node);
    case PLAN_CTE:
        input = node->inputs[1];
        /* fallthrough */
    case PLAN_FILTER:
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_DISTINCT:
        RETURN_IF_ERROR(set_columns(state, node, input->column_count));
        if (input->column_count)
            memcpy(node->columns, input->columns, input->column_count * sizeof *node->columns);
        return BASE_OK;
    case PLAN_WINDOW:
        RETURN_IF_ERROR(set_columns(state, node, input->column_count + node->window.window_count));
        if (input->column_count)
            memcpy(node->columns, input->columns, input->column_count * sizeof *node->columns);
        for (uint32_t i = 0; i < node->window.window_count; i++)
            node->columns[input->column_count + i] = node->window.windows[i].column;
        return BASE_OK;
    default:
        return BASE_OK; /* makes its own columns */
    }
}

base_status optimizer_filter_node(optimizer_state *state, plan_node *input, plan_expr *condition,
                                  plan_node **node)
{
    *node = input;
    if (!condition)
        return BASE_OK;
    plan_node *made = plan_node_new(state->arena, PLAN_FILTER, input->column_count);
    if (!made)
        return optimizer_no_memory(state);
    made->inputs[0] = input;
    made->filter.condition = condition;
    *node = made;
    return optimizer_refresh_columns(state, made);
}

base_status optimizer_project_node(optimizer_state *state, plan_node *input,
                                   const plan_output *outputs, uint32_t count, plan_node **node)
{
    plan_node *made = plan_node_new(state->arena, PLAN_PROJECT, count);
    plan_output *own = base_arena_allocate_array(state->arena, count, sizeof *own);
    if (!made || !own)
        return optimizer_no_memory(state);
    made->inputs[0] = input;
    made->project.outputs = own;
    for (uint32_t i = 0; i < count; i++) {
        own[i] = outputs[i];
        made->columns[i] = outputs[i].column;
    }
    *node = made;
    return BASE_OK;
}

base_status optimizer_extend_node(optimizer_state *state, plan_node *input,
                                  const plan_output *outputs, uint32_t count, plan_node **node)
{
    uint32_t total = input->column_count + count;
    plan_output *all = base_arena_allocate_array(state->arena, total, sizeof *all);
    if (!all)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < input->column_count; i++) {
        all[i].column = input->columns[i];
        RETURN_IF_ERROR(optimizer_column_expr(state, input->columns[i], &all[i].expr));
    }
    for (uint32_t i = 0; i < count; i++)
        all[input->column_count + i] = outputs[i];
    return optimizer_project_node(state, input, all, total, node);
}

base_status optimizer_join_node(optimizer_state *state, plan_join_kind kind, plan_node *left,
                                plan_node *right, plan_expr *condition, plan_column mark,
                                plan_node **node)
{
    plan_node *made = plan_node_new(state->arena, PLAN_JOIN, 0);
    if (!made)
        return optimizer_no_memory(state);
    made->inputs[0] = left;
    made->inputs[1] = right;
    made->join.kind = kind;
    made->join.dependent = false;
    made->join.condition = condition;
    made->join.mark = mark;
    *node = made;
    return optimizer_refresh_columns(state, made);
}

base_status optimizer_restrict_node(optimizer_state *state, plan_node *input,
                                    const plan_column *columns, uint32_t count, plan_node **node)
{
    *node = input;
    bool same = input->column_count == count;
    for (uint32_t i = 0; i < count && same; i++)
        same = input->columns[i] == columns[i];
    if (same)
        return BASE_OK;
    plan_output *outputs = base_arena_allocate_array(state->arena, count, sizeof *outputs);
    if (!outputs)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++) {
        outputs[i].column = columns[i];
        RETURN_IF_ERROR(optimizer_column_expr(state, columns[i], &outputs[i].expr));
    }
    return optimizer_project_node(state, input, outputs, count, node);
}
