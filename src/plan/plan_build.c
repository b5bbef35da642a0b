/*
 * plan_build.c - constructors of expressions and logical nodes.
 *
 * Everything comes zeroed from the statement's arena, so a constructor sets only what
 * differs from "empty". The node constructors also derive `columns` from the inputs:
 * a rule that builds a filter or join need not know how many columns flow through it.
 * Rejected: one constructor per expression kind with positional arguments; call sites
 * would be unreadable, and the binder fills most fields from the syntax tree anyway.
 *
 * Invariants: NULL means that memory ended, nothing else; NULL inputs are refused by
 * assertion, not propagated, so that the caller checks where the failure happened.
 */
#include "plan/plan.h"

plan_expr *plan_expr_new(base_arena *arena, plan_expr_kind kind, types_type type,
                         uint32_t argument_count)
{
    plan_expr *expr = base_arena_allocate_zeroed(arena, sizeof *expr);
    if (!expr)
        return NULL;
    expr->kind = (uint8_t)kind;
    expr->type = type;
    expr->position = -1;
    expr->argument_count = argument_count;
    if (argument_count) {
        expr->arguments = base_arena_allocate_array(arena, argument_count, sizeof *expr->arguments);
        if (!expr->arguments)
            return NULL;
    }
    return expr;
}

plan_expr *plan_constant(base_arena *arena, const types_value *value)
{
    plan_expr *expr = plan_expr_new(arena, PLAN_EXPR_CONSTANT, value->type, 0);
    if (expr)
        expr->constant = *value;
    return expr;
}

plan_expr *plan_column_ref(base_arena *arena, plan_column column, types_type type)
{
    BASE_ASSERT(column >= 0);
    plan_expr *expr = plan_expr_new(arena, PLAN_EXPR_COLUMN, type, 0);
    if (expr)
        expr->column = column;
    return expr;
}

plan_expr *plan_slot(base_arena *arena, uint32_t slot, types_type type)
{
    plan_expr *expr = plan_expr_new(arena, PLAN_EXPR_SLOT, type, 0);
    if (expr)
        expr->slot = slot;
    return expr;
}

plan_expr *plan_cast(base_arena *arena, plan_expr *expr, types_type type)
{
    BASE_ASSERT(expr);
    plan_expr *cast = plan_expr_new(arena, PLAN_EXPR_CAST, type, 1);
    if (!cast)
        return NULL;
    cast->arguments[0] = expr;
    cast->position = expr->position;
    return cast;
}

plan_expr *plan_not(base_arena *arena, plan_expr *expr)
{
    BASE_ASSERT(expr);
    plan_expr *result = plan_expr_new(arena, PLAN_EXPR_NOT, TYPES_OF(BOOLEAN), 1);
    if (!result)
        return NULL;
    result->arguments[0] = expr;
    result->position = expr->position;
    return result;
}

/* a AND b as one flat list: the arguments of an AND inside are taken over. */
plan_expr *plan_and(base_arena *arena, plan_expr *a, plan_expr *b)
{
    if (!a || !b)
        return a ? a : b;
    uint32_t a_count = a->kind == PLAN_EXPR_AND ? a->argument_count : 1;
    uint32_t b_count = b->kind == PLAN_EXPR_AND ? b->argument_count : 1;
    plan_expr *both = plan_expr_new(arena, PLAN_EXPR_AND, TYPES_OF(BOOLEAN), a_count + b_count);
    if (!both)
        return NULL;
    both->position = a->position;
    for (uint32_t i = 0; i < a_count; i++)
        both->arguments[i] = a->kind == PLAN_EXPR_AND ? a->arguments[i] : a;
    for (uint32_t i = 0; i < b_count; i++)
        both->arguments[a_count + i] = b->kind == PLAN_EXPR_AND ? b->arguments[i] : b;
    return both;
}

plan_expr *plan_compare(base_arena *arena, vector_comparison comparison, plan_expr *a, plan_expr *b)
{
    BASE_ASSERT(a && b);
    plan_expr *compare = plan_expr_new(arena, PLAN_EXPR_COMPARE, TYPES_OF(BOOLEAN), 2);
    if (!compare)
        return NULL;
    compare->comparison = comparison;
    compare->arguments[0] = a;
    compare->arguments[1] = b;
    compare->position = a->position;
    return compare;
}

plan_node *plan_node_new(base_arena *arena, plan_node_kind kind, uint32_t column_count)
{
    plan_node *node = base_arena_allocate_zeroed(arena, sizeof *node);
    if (!node)
        return NULL;
    node->kind = (uint8_t)kind;
    node->rows = -1;
    node->position = -1;
    node->column_count = column_count;
    if (column_count) {
        node->columns = base_arena_allocate_array(arena, column_count, sizeof *node->columns);
        if (!node->columns)
            return NULL;
        for (uint32_t i = 0; i < column_count; i++)
            node->columns[i] = PLAN_NO_COLUMN;
    }
    return node;
}

/* The array is shared with the input, not copied: see plan.h on who may change it. */
plan_node *plan_node_over(base_arena *arena, plan_node_kind kind, plan_node *input)
{
    BASE_ASSERT(input);
    plan_node *node = plan_node_new(arena, kind, 0);
    if (!node)
        return NULL;
    node->inputs[0] = input;
    node->column_count = input->column_count;
    node->columns = input->columns;
    return node;
}

plan_node *plan_node_filter(base_arena *arena, plan_node *input, plan_expr *condition)
{
    BASE_ASSERT(condition);
    plan_node *node = plan_node_over(arena, PLAN_FILTER, input);
    if (node)
        node->filter.condition = condition;
    return node;
}

plan_node *plan_node_project(base_arena *arena, plan_node *input, plan_output *outputs,
                             uint32_t count)
{
    BASE_ASSERT(input);
    plan_node *node = plan_node_new(arena, PLAN_PROJECT, count);
    if (!node)
        return NULL;
    node->inputs[0] = input;
    node->project.outputs = outputs;
    for (uint32_t i = 0; i < count; i++)
        node->columns[i] = outputs[i].column;
    return node;
}

plan_node *plan_node_join(base_arena *arena, plan_join_kind kind, plan_node *left, plan_node *right,
                          plan_expr *condition, plan_column mark)
{
    BASE_ASSERT(left && right);
    BASE_ASSERT((kind == PLAN_JOIN_MARK) == (mark != PLAN_NO_COLUMN));
    bool left_only = kind == PLAN_JOIN_SEMI || kind == PLAN_JOIN_ANTI || kind == PLAN_JOIN_MARK;
    uint32_t count = left->column_count + (left_only ? 0 : right->column_count) +
                     (kind == PLAN_JOIN_MARK ? 1 : 0);
    plan_node *node = plan_node_new(arena, PLAN_JOIN, count);
    if (!node)
        return NULL;
    node->inputs[0] = left;
    node->inputs[1] = right;
    node->join.kind = kind;
    node->join.condition = condition;
    node->join.mark = mark;
    uint32_t place = 0;
    for (uint32_t i = 0; i < left->column_count; i++)
        node->columns[place++] = left->columns[i];
    for (uint32_t i = 0; !left_only && i < right->column_count; i++)
        node->columns[place++] = right->columns[i];
    if (kind == PLAN_JOIN_MARK)
        node->columns[place++] = mark;
    BASE_ASSERT(place == count);
    return node;
}

/* Shares nothing that a rule could change: only subquery nodes and what belongs to the
 * registry or to constants' bytes stay common. */
plan_expr *plan_expr_copy(base_arena *arena, const plan_expr *expr)
{
    plan_expr *copy =
        plan_expr_new(arena, (plan_expr_kind)expr->kind, expr->type, expr->argument_count);
    if (!copy)
        return NULL;
    plan_expr **arguments = copy->arguments;
    *copy = *expr;
    copy->arguments = arguments;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        arguments[i] = plan_expr_copy(arena, expr->arguments[i]);
        if (!arguments[i])
            return NULL;
    }
    return copy;
}
