/*
 * rule_mark.c - marks that are only filtered by.
 *
 *   filter mark      over a MARK join   is a SEMI join
 *   filter NOT mark  over a MARK join   is an ANTI join, if the condition is never NULL
 *
 * The second is what makes NOT IN over NOT NULL columns as cheap as NOT EXISTS. With a NULL
 * possible, the mark stays: NOT IN must drop rows whose answer is unknown. Whoever else reads
 * the mark gets a constant from the caller: for the rows that are left it has one value.
 */
#include "optimizer/optimizer_int.h"

/* 1: the conjunct asks for the mark, -1: for its opposite, 2: for it being TRUE, -2: for it
 * being not TRUE; 0: something else. */
static int asks_for(const plan_expr *expr, plan_column mark)
{
    if (expr->kind == PLAN_EXPR_COLUMN)
        return expr->column == mark ? 1 : 0;
    if (expr->kind == PLAN_EXPR_NOT)
        return asks_for(expr->arguments[0], mark) == 1 ? -1 : 0;
    if (expr->kind == PLAN_EXPR_IS_TRUE && expr->is_truth &&
        asks_for(expr->arguments[0], mark) == 1)
        return expr->negated ? -2 : 2;
    return 0;
}

static bool condition_never_null(optimizer_state *state, const plan_node *join)
{
    optimizer_list conjuncts = {0};
    if (!join->join.condition)
        return true;
    if (optimizer_split(state, join->join.condition, &conjuncts) != BASE_OK)
        return false;
    for (uint32_t i = 0; i < conjuncts.count; i++) {
        const plan_expr *expr = conjuncts.items[i];
        if (expr->kind == PLAN_EXPR_DISTINCT_FROM || expr->kind == PLAN_EXPR_IS_NULL ||
            expr->kind == PLAN_EXPR_IS_TRUE)
            continue;
        if (expr->kind != PLAN_EXPR_COMPARE)
            return false;
        for (uint32_t k = 0; k < 2; k++) {
            if (!optimizer_never_null(state, join->inputs[0], expr->arguments[k]) &&
                !optimizer_never_null(state, join->inputs[1], expr->arguments[k]))
                return false;
        }
    }
    return true;
}

base_status optimizer_reduce_mark(optimizer_state *state, plan_node *join,
                                  optimizer_list *conditions)
{
    plan_column_set mark = optimizer_set(state);
    uint32_t users = 0, place = 0;
    if (join->join.kind != PLAN_JOIN_MARK)
        return BASE_OK;
    RETURN_IF_ERROR(optimizer_set_add(state, &mark, join->join.mark));
    for (uint32_t i = 0; i < conditions->count; i++) {
        bool touches = false;
        RETURN_IF_ERROR(optimizer_expr_touches(state, conditions->items[i], &mark, &touches));
        if (touches) {
            users++;
            place = i;
        }
    }
    if (users != 1)
        return BASE_OK;
    int asked = asks_for(conditions->items[place], join->join.mark);
    bool anti = asked < 0 && condition_never_null(state, join);
    if (asked <= 0 && !anti)
        return BASE_OK;
    join->join.kind = anti ? PLAN_JOIN_ANTI : PLAN_JOIN_SEMI;
    conditions->items[place] = conditions->items[--conditions->count];
    return BASE_OK;
}
