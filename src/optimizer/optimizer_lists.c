/*
 * optimizer_lists.c - lists of expressions and the small expressions that rules make.
 *
 * Rules think in conjuncts: a condition is split into its ANDed parts, the parts move
 * alone, and where they end they are connected again. Lists grow in the arena of the
 * statement; what a grown list leaves behind is freed with it.
 */
#include "optimizer/optimizer_int.h"

base_status optimizer_no_memory(optimizer_state *state)
{
    return base_error_no_memory(state->error);
}

base_status optimizer_list_add(optimizer_state *state, optimizer_list *list, plan_expr *expr)
{
    BASE_ASSERT(expr);
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 8;
        plan_expr **items = base_arena_allocate_array(state->arena, capacity, sizeof *items);
        if (!items)
            return optimizer_no_memory(state);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = expr;
    return BASE_OK;
}

bool optimizer_is_true(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_CONSTANT && expr->type.kind == TYPES_BOOLEAN &&
           !expr->constant.is_null && expr->constant.cell.boolean;
}

bool optimizer_is_false_or_null(const plan_expr *expr)
{
    if (expr->kind != PLAN_EXPR_CONSTANT)
        return false;
    return expr->constant.is_null ||
           (expr->type.kind == TYPES_BOOLEAN && !expr->constant.cell.boolean);
}

base_status optimizer_list_append(optimizer_state *state, optimizer_list *list,
                                  const optimizer_list *more)
{
    for (uint32_t i = 0; i < more->count; i++)
        RETURN_IF_ERROR(optimizer_list_add(state, list, more->items[i]));
    return BASE_OK;
}

base_status optimizer_split(optimizer_state *state, plan_expr *expr, optimizer_list *list)
{
    if (!expr || optimizer_is_true(expr))
        return BASE_OK;
    if (expr->kind != PLAN_EXPR_AND)
        return optimizer_list_add(state, list, expr);
    for (uint32_t i = 0; i < expr->argument_count; i++)
        RETURN_IF_ERROR(optimizer_split(state, expr->arguments[i], list));
    return BASE_OK;
}

base_status optimizer_connect(optimizer_state *state, plan_expr_kind kind,
                              const optimizer_list *list, plan_expr **expr)
{
    BASE_ASSERT(list->count > 0 && (kind == PLAN_EXPR_AND || kind == PLAN_EXPR_OR));
    if (list->count == 1) {
        *expr = list->items[0];
        return BASE_OK;
    }
    plan_expr *made = plan_expr_new(state->arena, kind, TYPES_OF(BOOLEAN), list->count);
    if (!made)
        return optimizer_no_memory(state);
    memcpy(made->arguments, list->items, list->count * sizeof *list->items);
    *expr = made;
    return BASE_OK;
}

base_status optimizer_conjunction(optimizer_state *state, const optimizer_list *list,
                                  plan_expr **expr)
{
    *expr = NULL;
    return list->count ? optimizer_connect(state, PLAN_EXPR_AND, list, expr) : BASE_OK;
}

base_status optimizer_true(optimizer_state *state, bool value, plan_expr **expr)
{
    types_value constant = {.type = TYPES_OF(BOOLEAN)};
    constant.cell.boolean = value;
    *expr = plan_constant(state->arena, &constant);
    return *expr ? BASE_OK : optimizer_no_memory(state);
}

base_status optimizer_not_distinct(optimizer_state *state, plan_expr *a, plan_expr *b,
                                   plan_expr **expr)
{
    plan_expr *made = plan_expr_new(state->arena, PLAN_EXPR_DISTINCT_FROM, TYPES_OF(BOOLEAN), 2);
    if (!made)
        return optimizer_no_memory(state);
    made->negated = true;
    made->arguments[0] = a;
    made->arguments[1] = b;
    *expr = made;
    return BASE_OK;
}

base_status optimizer_is_null(optimizer_state *state, plan_expr *argument, bool negated,
                              plan_expr **expr)
{
    plan_expr *made = plan_expr_new(state->arena, PLAN_EXPR_IS_NULL, TYPES_OF(BOOLEAN), 1);
    if (!made)
        return optimizer_no_memory(state);
    made->negated = negated;
    made->arguments[0] = argument;
    *expr = made;
    return BASE_OK;
}

base_status optimizer_not(optimizer_state *state, plan_expr *argument, plan_expr **expr)
{
    *expr = plan_not(state->arena, argument);
    return *expr ? BASE_OK : optimizer_no_memory(state);
}

base_status optimizer_is_truth(optimizer_state *state, plan_expr *argument, bool negated,
                               plan_expr **expr)
{
    plan_expr *made = plan_expr_new(state->arena, PLAN_EXPR_IS_TRUE, TYPES_OF(BOOLEAN), 1);
    if (!made)
        return optimizer_no_memory(state);
    made->is_truth = true;
    made->negated = negated;
    made->arguments[0] = argument;
    *expr = made;
    return BASE_OK;
}

base_status optimizer_coalesce(optimizer_state *state, plan_expr *a, plan_expr *b, plan_expr **expr)
{
    plan_expr *made = plan_expr_new(state->arena, PLAN_EXPR_COALESCE, a->type, 2);
    if (!made)
        return optimizer_no_memory(state);
    made->arguments[0] = a;
    made->arguments[1] = b;
    *expr = made;
    return BASE_OK;
}

/* 0 of a numeric type: every form of it is all zero bits. */
base_status optimizer_zero(optimizer_state *state, types_type type, plan_expr **expr)
{
    types_value value = {.type = type};
    BASE_ASSERT(types_is_numeric(type));
    *expr = plan_constant(state->arena, &value);
    return *expr ? BASE_OK : optimizer_no_memory(state);
}
