/*
 * nullability.c - expressions that are never NULL.
 *
 * Asked where a cheaper operator hangs on it: NOT IN as ANTI join, IS NOT DISTINCT FROM as
 * an equality. The answer is found by descending to where a column is made; "no" is always
 * a correct answer.
 */
#include "optimizer/optimizer_int.h"

static bool filters_null(optimizer_state *state, const plan_expr *condition, plan_column column)
{
    plan_column_set set = optimizer_set(state);
    bool rejects = false;
    if (!condition || !plan_set_add(&set, column))
        return false;
    return optimizer_rejects_null(state, condition, &set, &rejects) == BASE_OK && rejects;
}

static bool column_never_null(optimizer_state *state, const plan_node *node, plan_column column);

static bool join_never_null(optimizer_state *state, const plan_node *node, plan_column column)
{
    bool left = optimizer_node_has(node->inputs[0], column);
    plan_join_kind kind = node->join.kind;
    if (kind == PLAN_JOIN_FULL || (kind == PLAN_JOIN_MARK && column == node->join.mark))
        return false;
    if ((kind == PLAN_JOIN_INNER || (kind == PLAN_JOIN_SEMI && left)) &&
        filters_null(state, node->join.condition, column))
        return true;
    if (!left && kind != PLAN_JOIN_INNER)
        return false;
    return column_never_null(state, node->inputs[left ? 0 : 1], column);
}

static bool aggregate_never_null(optimizer_state *state, const plan_node *node, plan_column column)
{
    for (uint32_t i = 0; i < node->aggregate.key_count; i++) {
        if (node->aggregate.keys[i].column == column)
            return optimizer_never_null(state, node->inputs[0], node->aggregate.keys[i].expr);
    }
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++) {
        if (node->aggregate.aggregates[i].column == column)
            return node->aggregate.aggregates[i].function->zero_if_empty;
    }
    return false;
}

static bool column_never_null(optimizer_state *state, const plan_node *node, plan_column column)
{
    switch ((plan_node_kind)node->kind) {
    case PLAN_SCAN:
        return state->columns[column].not_null || filters_null(state, node->scan.filter, column);
    case PLAN_FILTER:
        if (filters_null(state, node->filter.condition, column))
            return true;
        return column_never_null(state, node->inputs[0], column);
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_DISTINCT:
        return column_never_null(state, node->inputs[0], column);
    case PLAN_WINDOW:
        return optimizer_node_has(node->inputs[0], column) &&
               column_never_null(state, node->inputs[0], column);
    case PLAN_PROJECT:
        for (uint32_t i = 0; i < node->column_count; i++) {
            if (node->project.outputs[i].column == column)
                return optimizer_never_null(state, node->inputs[0], node->project.outputs[i].expr);
        }
        return false;
    case PLAN_JOIN:
        return join_never_null(state, node, column);
    case PLAN_AGGREGATE:
        return aggregate_never_null(state, node, column);
    case PLAN_CTE:
        return column_never_null(state, node->inputs[1], column);
    case PLAN_CTE_SCAN: {
        const plan_node *definition = state->cte_definitions[node->cte.cte];
        if (definition->kind == PLAN_SET_OPERATION)
            return false; /* a recursive one would be asked about itself */
        for (uint32_t i = 0; i < node->column_count; i++) {
            if (node->columns[i] == column)
                return column_never_null(state, definition, definition->columns[i]);
        }
        return false;
    }
    case PLAN_SET_OPERATION:
        for (uint32_t i = 0; i < node->column_count; i++) {
            if (node->columns[i] == column)
                return column_never_null(state, node->inputs[0], node->inputs[0]->columns[i]) &&
                       column_never_null(state, node->inputs[1], node->inputs[1]->columns[i]);
        }
        return false;
    default:
        return false;
    }
}

bool optimizer_never_null(optimizer_state *state, const plan_node *node, const plan_expr *expr)
{
    switch ((plan_expr_kind)expr->kind) {
    case PLAN_EXPR_CONSTANT:
        return !expr->constant.is_null;
    case PLAN_EXPR_COLUMN:
        return optimizer_node_has(node, expr->column) &&
               column_never_null(state, node, expr->column);
    case PLAN_EXPR_IS_NULL:
    case PLAN_EXPR_IS_TRUE:
    case PLAN_EXPR_DISTINCT_FROM:
        return true;
    case PLAN_EXPR_COALESCE:
        for (uint32_t i = 0; i < expr->argument_count; i++) {
            if (optimizer_never_null(state, node, expr->arguments[i]))
                return true;
        }
        return false;
    case PLAN_EXPR_CAST:
        return !expr->try_cast && optimizer_never_null(state, node, expr->arguments[0]);
    case PLAN_EXPR_COMPARE:
    case PLAN_EXPR_AND:
    case PLAN_EXPR_OR:
    case PLAN_EXPR_NOT:
        for (uint32_t i = 0; i < expr->argument_count; i++) {
            if (!optimizer_never_null(state, node, expr->arguments[i]))
                return false;
        }
        return true;
    default:
        return false; /* a strict function may still make NULL (x / 0) */
    }
}
