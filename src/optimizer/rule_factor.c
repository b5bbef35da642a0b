/*
 * rule_factor.c - what can be got out of an OR.
 *
 *   (a AND b) OR (a AND c)   is   a AND (b OR c)      a may be a join key (TPC-H Q19)
 *   x = 1 OR x = 2           is   x IN (1, 2)         one index lookup per value
 *   (p(t) AND q(u)) OR (r(t) AND s(u))  implies  p(t) OR r(t), which filters t early
 *
 * The first two replace the OR and hold with NULLs; the last only adds a weaker condition.
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

/* ---- OR of equalities ---------------------------------------------------------------------- */

/* The values of `column = value` and `column IN (values)`; false for anything else. */
static bool read_equality(const plan_expr *expr, const plan_expr **column, plan_expr ***values,
                          uint32_t *count)
{
    bool equality = expr->kind == PLAN_EXPR_COMPARE && expr->comparison == VECTOR_EQUAL;
    if (!equality && (expr->kind != PLAN_EXPR_IN || expr->negated))
        return false;
    if (expr->arguments[0]->kind != PLAN_EXPR_COLUMN)
        return false;
    *column = expr->arguments[0];
    *values = expr->arguments + 1;
    *count = expr->argument_count - 1;
    for (uint32_t i = 0; i < *count; i++) {
        if ((*values)[i]->kind != PLAN_EXPR_CONSTANT && (*values)[i]->kind != PLAN_EXPR_PARAMETER)
            return false;
    }
    return true;
}

static base_status or_to_in(optimizer_state *state, plan_expr **expr)
{
    const plan_expr *list = *expr, *first = NULL;
    optimizer_list all = {0};
    for (uint32_t i = 0; i < list->argument_count; i++) {
        const plan_expr *column;
        plan_expr **values;
        uint32_t count;
        if (!read_equality(list->arguments[i], &column, &values, &count))
            return BASE_OK;
        if (!first)
            RETURN_IF_ERROR(optimizer_list_add(state, &all, list->arguments[i]->arguments[0]));
        else if (!plan_expr_equal(first, column))
            return BASE_OK;
        first = column;
        for (uint32_t k = 0; k < count; k++) {
            if (!list_has(&all, values[k]))
                RETURN_IF_ERROR(optimizer_list_add(state, &all, values[k]));
        }
    }
    plan_expr *in = plan_expr_new(state->arena, PLAN_EXPR_IN, TYPES_OF(BOOLEAN), all.count);
    if (!in)
        return optimizer_no_memory(state);
    memcpy(in->arguments, all.items, all.count * sizeof *all.items);
    in->position = list->position;
    *expr = in;
    return BASE_OK;
}

/* ---- Common conjuncts ------------------------------------------------------------------------ */

/* Branch i without the conjuncts in `common`; NULL when nothing is left (TRUE). */
static base_status rest_of_branch(optimizer_state *state, plan_expr *branch,
                                  const optimizer_list *common, plan_expr **rest)
{
    optimizer_list conjuncts = {0}, left = {0};
    RETURN_IF_ERROR(optimizer_split(state, branch, &conjuncts));
    for (uint32_t i = 0; i < conjuncts.count; i++) {
        if (!list_has(common, conjuncts.items[i]))
            RETURN_IF_ERROR(optimizer_list_add(state, &left, conjuncts.items[i]));
    }
    return optimizer_conjunction(state, &left, rest);
}

static base_status find_common(optimizer_state *state, const plan_expr *list,
                               optimizer_list *common)
{
    optimizer_list first = {0};
    RETURN_IF_ERROR(optimizer_split(state, list->arguments[0], &first));
    for (uint32_t i = 0; i < first.count; i++) {
        bool everywhere = !plan_expr_is_volatile(first.items[i]);
        for (uint32_t k = 1; k < list->argument_count && everywhere; k++) {
            optimizer_list other = {0};
            RETURN_IF_ERROR(optimizer_split(state, list->arguments[k], &other));
            everywhere = list_has(&other, first.items[i]);
        }
        if (everywhere)
            RETURN_IF_ERROR(optimizer_list_add(state, common, first.items[i]));
    }
    return BASE_OK;
}

base_status optimizer_factor_or(optimizer_state *state, plan_expr **expr)
{
    plan_expr *list = *expr;
    optimizer_list common = {0}, branches = {0};
    RETURN_IF_ERROR(find_common(state, list, &common));
    if (!common.count)
        return or_to_in(state, expr);
    bool decided = false; /* a branch that is only the common part: the OR is that part */
    for (uint32_t i = 0; i < list->argument_count && !decided; i++) {
        plan_expr *rest;
        RETURN_IF_ERROR(rest_of_branch(state, list->arguments[i], &common, &rest));
        decided = rest == NULL;
        if (rest)
            RETURN_IF_ERROR(optimizer_list_add(state, &branches, rest));
    }
    if (!decided) {
        plan_expr *rest;
        RETURN_IF_ERROR(optimizer_connect(state, PLAN_EXPR_OR, &branches, &rest));
        if (rest->kind == PLAN_EXPR_OR)
            RETURN_IF_ERROR(or_to_in(state, &rest));
        RETURN_IF_ERROR(optimizer_list_add(state, &common, rest));
    }
    return optimizer_connect(state, PLAN_EXPR_AND, &common, expr);
}

/* ---- Implied conditions ---------------------------------------------------------------------- */

base_status optimizer_implied_or(optimizer_state *state, const plan_expr *expr,
                                 const plan_column_set *columns, plan_expr **implied)
{
    optimizer_list branches = {0};
    *implied = NULL;
    if (expr->kind != PLAN_EXPR_OR)
        return BASE_OK;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        optimizer_list conjuncts = {0}, own = {0};
        plan_expr *branch;
        RETURN_IF_ERROR(optimizer_split(state, expr->arguments[i], &conjuncts));
        for (uint32_t k = 0; k < conjuncts.count; k++) {
            bool within = false, touches = false;
            RETURN_IF_ERROR(optimizer_expr_within(state, conjuncts.items[k], columns, &within));
            RETURN_IF_ERROR(optimizer_expr_touches(state, conjuncts.items[k], columns, &touches));
            if (within && touches && !plan_expr_is_volatile(conjuncts.items[k]))
                RETURN_IF_ERROR(optimizer_list_add(state, &own, conjuncts.items[k]));
        }
        if (!own.count)
            return BASE_OK;
        RETURN_IF_ERROR(optimizer_conjunction(state, &own, &branch));
        RETURN_IF_ERROR(optimizer_list_add(state, &branches, branch));
    }
    RETURN_IF_ERROR(optimizer_connect(state, PLAN_EXPR_OR, &branches, implied));
    return optimizer_simplify_expr(state, implied);
}
