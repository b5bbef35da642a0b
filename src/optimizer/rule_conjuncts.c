/*
 * rule_conjuncts.c - the order in which a filter's conjuncts are tested.
 *
 * The executor narrows a batch conjunct by conjunct, so cheap tests that drop many rows come
 * first: by rising cost / share dropped, which gives the least expected work when the tests are
 * independent. Volatile conditions keep their places, and everything its side of them.
 */
#include "optimizer/optimizer_int.h"

static bool is_text(const plan_expr *expr)
{
    return types_form_of(expr->type) == TYPES_FORM_STRING;
}

/* In comparisons of two numbers. */
static double cost_of(const plan_expr *expr)
{
    double cost = 0;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        cost += cost_of(expr->arguments[i]);
    switch ((plan_expr_kind)expr->kind) {
    case PLAN_EXPR_COMPARE:
    case PLAN_EXPR_DISTINCT_FROM:
        return cost + (is_text(expr->arguments[0]) ? 4 : 1);
    case PLAN_EXPR_IN:
        return cost + (is_text(expr->arguments[0]) ? 6 : 2);
    case PLAN_EXPR_CALL:
        /* Patterns and other texts are walked byte by byte. */
        return cost + (expr->argument_count && is_text(expr->arguments[0]) ? 15 : 3);
    case PLAN_EXPR_CAST:
        return cost + 2;
    case PLAN_EXPR_IS_NULL:
        return cost + 0.5;
    case PLAN_EXPR_CONSTANT:
    case PLAN_EXPR_COLUMN:
    case PLAN_EXPR_PARAMETER:
        return 0;
    default:
        return cost + 1;
    }
}

static base_status rank_of(optimizer_state *state, plan_expr *expr, double *rank)
{
    double share;
    RETURN_IF_ERROR(optimizer_selectivity(state, expr, &share));
    *rank = (cost_of(expr) + 0.1) / (1.01 - BASE_MIN(share, 1.0));
    return BASE_OK;
}

static base_status order_conjuncts(optimizer_state *state, plan_expr **condition)
{
    optimizer_list list = {0};
    RETURN_IF_ERROR(optimizer_split(state, *condition, &list));
    if (list.count < 2)
        return BASE_OK;
    double *ranks = base_arena_allocate_array(state->arena, list.count, sizeof *ranks);
    if (!ranks)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < list.count; i++)
        RETURN_IF_ERROR(rank_of(state, list.items[i], &ranks[i]));
    for (uint32_t i = 1; i < list.count; i++) {
        plan_expr *moving = list.items[i];
        double rank = ranks[i];
        uint32_t place = i;
        for (; place > 0 && ranks[place - 1] > rank; place--) {
            if (plan_expr_is_volatile(moving) || plan_expr_is_volatile(list.items[place - 1]))
                break;
            list.items[place] = list.items[place - 1];
            ranks[place] = ranks[place - 1];
        }
        list.items[place] = moving;
        ranks[place] = rank;
    }
    return optimizer_conjunction(state, &list, condition);
}

base_status optimizer_order_conjuncts(optimizer_state *state, plan_node *root)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    if (root->kind == PLAN_SCAN && root->scan.filter)
        RETURN_IF_ERROR(order_conjuncts(state, &root->scan.filter));
    else if (root->kind == PLAN_FILTER)
        RETURN_IF_ERROR(order_conjuncts(state, &root->filter.condition));
    for (uint32_t i = 0; i < optimizer_input_count(root); i++)
        RETURN_IF_ERROR(optimizer_order_conjuncts(state, root->inputs[i]));
    optimizer_leave(state);
    return BASE_OK;
}
