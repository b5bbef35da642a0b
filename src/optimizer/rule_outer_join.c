/*
 * rule_outer_join.c - outer joins that a filter above turns into inner ones.
 *
 * A condition that is never TRUE when the columns of one side are NULL drops exactly the
 * rows that an outer join would have added with NULLs on that side.
 */
#include "optimizer/optimizer_int.h"

/* The expression is NULL whenever all columns of the set are. */
static bool is_null_with(const plan_expr *expr, const plan_column_set *columns)
{
    switch ((plan_expr_kind)expr->kind) {
    case PLAN_EXPR_COLUMN:
        return plan_set_has(columns, expr->column);
    case PLAN_EXPR_CONSTANT:
        return expr->constant.is_null;
    case PLAN_EXPR_CALL:
        if (!(expr->function->flags & FUNC_STRICT))
            return false;
        break;
    case PLAN_EXPR_CAST:
    case PLAN_EXPR_COMPARE:
    case PLAN_EXPR_NOT:
        break;
    case PLAN_EXPR_NULLIF:
    case PLAN_EXPR_IN:
        return is_null_with(expr->arguments[0], columns);
    case PLAN_EXPR_COALESCE:
        for (uint32_t i = 0; i < expr->argument_count; i++) {
            if (!is_null_with(expr->arguments[i], columns))
                return false;
        }
        return true;
    default:
        return false;
    }
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (is_null_with(expr->arguments[i], columns))
            return true;
    }
    return false;
}

static bool rejects(const plan_expr *expr, const plan_column_set *columns)
{
    switch ((plan_expr_kind)expr->kind) {
    case PLAN_EXPR_AND:
        for (uint32_t i = 0; i < expr->argument_count; i++) {
            if (rejects(expr->arguments[i], columns))
                return true;
        }
        return false;
    case PLAN_EXPR_OR:
        for (uint32_t i = 0; i < expr->argument_count; i++) {
            if (!rejects(expr->arguments[i], columns))
                return false;
        }
        return true;
    case PLAN_EXPR_IS_NULL:
        return expr->negated && is_null_with(expr->arguments[0], columns);
    case PLAN_EXPR_IS_TRUE:
        if (expr->negated)
            return false;
        return is_null_with(expr->arguments[0], columns) ||
               (expr->is_truth && rejects(expr->arguments[0], columns));
    default:
        return is_null_with(expr, columns);
    }
}

base_status optimizer_rejects_null(optimizer_state *state, const plan_expr *expr,
                                   const plan_column_set *columns, bool *result)
{
    *result = rejects(expr, columns);
    return BASE_OK;
}

static bool any_rejects(const optimizer_list *conditions, const plan_column_set *columns)
{
    for (uint32_t i = 0; i < conditions->count; i++) {
        if (rejects(conditions->items[i], columns))
            return true;
    }
    return false;
}

base_status optimizer_reduce_outer_join(optimizer_state *state, plan_node *join,
                                        const optimizer_list *conditions)
{
    if (join->join.kind != PLAN_JOIN_LEFT && join->join.kind != PLAN_JOIN_FULL)
        return BASE_OK;
    plan_column_set left = optimizer_set(state), right = optimizer_set(state);
    RETURN_IF_ERROR(optimizer_set_add_node(state, &left, join->inputs[0]));
    RETURN_IF_ERROR(optimizer_set_add_node(state, &right, join->inputs[1]));
    bool without_right = any_rejects(conditions, &right);
    if (join->join.kind == PLAN_JOIN_LEFT) {
        if (without_right)
            join->join.kind = PLAN_JOIN_INNER;
        return BASE_OK;
    }
    bool without_left = any_rejects(conditions, &left);
    if (without_left && without_right) {
        join->join.kind = PLAN_JOIN_INNER;
    } else if (without_left) {
        join->join.kind = PLAN_JOIN_LEFT; /* unmatched right rows are gone */
    } else if (without_right) {
        plan_node *input = join->inputs[0];
        join->inputs[0] = join->inputs[1];
        join->inputs[1] = input;
        join->join.kind = PLAN_JOIN_LEFT;
    }
    return BASE_OK;
}
