/*
 * rule_conjuncts.c - the order in which a filter's conjuncts are tested.
 *
 * The executor narrows a batch conjunct by conjunct, so cheap tests that drop many rows come
 * first: by rising cost / share dropped, which gives the least expected work when the tests are
 * independent. Volatile conditions keep their places, and everything its side of them.
 *
 * A condition that may raise an error (a cast of text, arithmetic) is not moved before one that was
 * written earlier: that one may be there to keep the rows away that would raise it.
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

/* Casts that give a value for every value. */
static bool is_total_cast(types_type from, types_type to)
{
    switch ((types_kind)to.kind) {
    case TYPES_TEXT:
        return true;
    case TYPES_FLOAT:
        return from.kind == TYPES_INTEGER || from.kind == TYPES_DECIMAL;
    case TYPES_DECIMAL:
        return from.kind == TYPES_DECIMAL && from.scale <= to.scale &&
               from.precision - from.scale <= to.precision - to.scale;
    case TYPES_TIMESTAMP:
        return from.kind == TYPES_DATE;
    default:
        return false;
    }
}

static bool may_fail(const plan_expr *expr)
{
    static const char *const total[] = {"like", "ilike", "glob",    "lower", "upper", "length",
                                        "year", "month", "quarter", "day",   "hour",  "minute"};
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (may_fail(expr->arguments[i]))
            return true;
    }
    if (expr->kind == PLAN_EXPR_CAST)
        return !expr->try_cast && !is_total_cast(expr->arguments[0]->type, expr->type);
    if (expr->kind != PLAN_EXPR_CALL)
        return expr->kind == PLAN_EXPR_SUBQUERY;
    for (size_t i = 0; i < BASE_COUNT_OF(total); i++) {
        if (strcmp(expr->function->name, total[i]) == 0)
            return false;
    }
    return true;
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
        bool stays = may_fail(moving);
        for (; !stays && place > 0 && ranks[place - 1] > rank; place--) {
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
