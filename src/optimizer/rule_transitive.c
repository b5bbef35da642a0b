/*
 * rule_transitive.c - what equalities between columns imply.
 *
 * With a = b, a test of a against constants is a test of b as well: `a.x = 5 AND a.x = b.y`
 * filters both tables. The conditions of a whole tree of inner joins are first lifted to its
 * root, where all equalities are seen together; the pushdown that follows puts each back
 * where it belongs. Only comparisons are copied: equal values compare alike, while other
 * functions may tell 1.0 from 1.
 */
#include "optimizer/optimizer_int.h"

static bool list_has(const optimizer_list *list, const plan_expr *expr)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (plan_expr_equal(list->items[i], expr))
            return true;
    }
    return false;
}

static bool is_inner(const plan_node *node)
{
    return node->kind == PLAN_JOIN && node->join.kind == PLAN_JOIN_INNER;
}

base_status optimizer_lift_conditions(optimizer_state *state, plan_node *join,
                                      optimizer_list *conditions)
{
    optimizer_list own = {0};
    BASE_ASSERT(is_inner(join));
    for (uint32_t side = 0; side < 2; side++) {
        while (join->inputs[side]->kind == PLAN_FILTER) {
            plan_node *filter = join->inputs[side];
            if (plan_expr_is_volatile(filter->filter.condition))
                break;
            optimizer_list lower = {0};
            RETURN_IF_ERROR(optimizer_split(state, filter->filter.condition, &lower));
            RETURN_IF_ERROR(optimizer_list_append(state, &lower, &own));
            own = lower;
            join->inputs[side] = filter->inputs[0];
        }
        if (is_inner(join->inputs[side]))
            RETURN_IF_ERROR(optimizer_lift_conditions(state, join->inputs[side], &own));
    }
    RETURN_IF_ERROR(optimizer_split(state, join->join.condition, &own));
    RETURN_IF_ERROR(optimizer_list_append(state, &own, conditions));
    *conditions = own;
    join->join.condition = NULL;
    return optimizer_refresh_columns(state, join);
}

/* `column op values`: the tests that are copied to equal columns. */
static bool tests_column(const plan_expr *expr)
{
    if ((expr->kind != PLAN_EXPR_COMPARE && expr->kind != PLAN_EXPR_IN) ||
        expr->arguments[0]->kind != PLAN_EXPR_COLUMN)
        return false;
    for (uint32_t i = 1; i < expr->argument_count; i++) {
        if (expr->arguments[i]->kind != PLAN_EXPR_CONSTANT &&
            expr->arguments[i]->kind != PLAN_EXPR_PARAMETER)
            return false;
    }
    return true;
}

static bool equates_columns(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_COMPARE && expr->comparison == VECTOR_EQUAL &&
           expr->arguments[0]->kind == PLAN_EXPR_COLUMN &&
           expr->arguments[1]->kind == PLAN_EXPR_COLUMN &&
           types_equal(expr->arguments[0]->type, expr->arguments[1]->type);
}

/* Adds what follows for `equality` from `test`, if anything. */
static base_status derive(optimizer_state *state, const plan_expr *equality, const plan_expr *test,
                          optimizer_list *conditions)
{
    for (uint32_t side = 0; side < 2; side++) {
        if (!plan_expr_equal(equality->arguments[side], test->arguments[0]))
            continue;
        plan_expr *copy = plan_expr_copy(state->arena, test);
        if (!copy)
            return optimizer_no_memory(state);
        copy->arguments[0] = plan_expr_copy(state->arena, equality->arguments[!side]);
        if (!copy->arguments[0])
            return optimizer_no_memory(state);
        if (!list_has(conditions, copy))
            RETURN_IF_ERROR(optimizer_list_add(state, conditions, copy));
    }
    return BASE_OK;
}

base_status optimizer_close_conditions(optimizer_state *state, optimizer_list *conditions)
{
    /* New tests are appended and looked at in turn, so chains of equalities are followed. */
    for (uint32_t i = 0; i < conditions->count; i++) {
        if (!tests_column(conditions->items[i]))
            continue;
        for (uint32_t k = 0; k < conditions->count; k++) {
            if (equates_columns(conditions->items[k]))
                RETURN_IF_ERROR(
                    derive(state, conditions->items[k], conditions->items[i], conditions));
        }
    }
    return BASE_OK;
}
