/*
 * plan_walk.c - visiting expressions, and questions answered by visiting.
 *
 * Visitors get the slot that holds an expression, not the expression: so one walker serves
 * both analysis and rewriting. What a visitor puts into a slot is walked in turn, which
 * lets a rewrite of a parent see its new children exactly once.
 *
 * Invariants: plan_node_visit_exprs and add_produced know every kind of node; a new kind
 * must be added to both (the switches have no default, the compiler tells). Depth is
 * bounded by the binder, which counts it.
 */
#include "plan/plan.h"

static base_status visit_list(plan_expr **exprs, uint32_t count, plan_expr_visitor visit,
                              void *context)
{
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(visit(context, &exprs[i]));
    return BASE_OK;
}

static base_status visit_optional(plan_expr **expr, plan_expr_visitor visit, void *context)
{
    return *expr ? visit(context, expr) : BASE_OK;
}

static base_status visit_outputs(plan_output *outputs, uint32_t count, plan_expr_visitor visit,
                                 void *context)
{
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(visit(context, &outputs[i].expr));
    return BASE_OK;
}

static base_status visit_keys(plan_sort_key *keys, uint32_t count, plan_expr_visitor visit,
                              void *context)
{
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(visit(context, &keys[i].expr));
    return BASE_OK;
}

static base_status visit_checks(plan_check *checks, uint32_t count, plan_expr_visitor visit,
                                void *context)
{
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(visit(context, &checks[i].condition));
    return BASE_OK;
}

static base_status visit_aggregates(plan_node *node, plan_expr_visitor visit, void *context)
{
    RETURN_IF_ERROR(visit_outputs(node->aggregate.keys, node->aggregate.key_count, visit, context));
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++) {
        plan_aggregate *one = &node->aggregate.aggregates[i];
        RETURN_IF_ERROR(visit_list(one->arguments, one->argument_count, visit, context));
        RETURN_IF_ERROR(visit_optional(&one->filter, visit, context));
        RETURN_IF_ERROR(visit_keys(one->order, one->order_count, visit, context));
    }
    return BASE_OK;
}

static base_status visit_windows(plan_node *node, plan_expr_visitor visit, void *context)
{
    RETURN_IF_ERROR(
        visit_list(node->window.partition, node->window.partition_count, visit, context));
    RETURN_IF_ERROR(visit_keys(node->window.order, node->window.order_count, visit, context));
    for (uint32_t i = 0; i < node->window.window_count; i++) {
        plan_window *one = &node->window.windows[i];
        RETURN_IF_ERROR(visit_list(one->arguments, one->argument_count, visit, context));
        RETURN_IF_ERROR(visit_optional(&one->filter, visit, context));
        RETURN_IF_ERROR(visit_optional(&one->start_offset, visit, context));
        RETURN_IF_ERROR(visit_optional(&one->end_offset, visit, context));
    }
    return BASE_OK;
}

base_status plan_node_visit_exprs(plan_node *node, plan_expr_visitor visit, void *context)
{
    switch ((plan_node_kind)node->kind) {
    case PLAN_SCAN:
        return visit_optional(&node->scan.filter, visit, context);
    case PLAN_VALUES:
        return visit_list(node->values.cells, node->values.row_count * node->column_count, visit,
                          context);
    case PLAN_SYSTEM:
        return visit_list(node->system.arguments, node->system.argument_count, visit, context);
    case PLAN_FILTER:
        return visit(context, &node->filter.condition);
    case PLAN_PROJECT:
        return visit_outputs(node->project.outputs, node->column_count, visit, context);
    case PLAN_JOIN:
        return visit_optional(&node->join.condition, visit, context);
    case PLAN_AGGREGATE:
        return visit_aggregates(node, visit, context);
    case PLAN_WINDOW:
        return visit_windows(node, visit, context);
    case PLAN_SORT:
        return visit_keys(node->sort.keys, node->sort.key_count, visit, context);
    case PLAN_LIMIT:
        RETURN_IF_ERROR(visit_optional(&node->limit.limit, visit, context));
        return visit_optional(&node->limit.offset, visit, context);
    case PLAN_DISTINCT:
        return visit_list(node->distinct.keys, node->distinct.key_count, visit, context);
    case PLAN_CTE:
        RETURN_IF_ERROR(visit_optional(&node->cte.limit, visit, context));
        return visit_optional(&node->cte.offset, visit, context);
    case PLAN_SET_OPERATION:
    case PLAN_CTE_SCAN:
        return BASE_OK;
    case PLAN_INSERT:
        RETURN_IF_ERROR(
            visit_checks(node->insert.checks, node->insert.check_count, visit, context));
        return visit_outputs(node->insert.returning, node->insert.returning_count, visit, context);
    case PLAN_UPDATE:
    case PLAN_DELETE:
        RETURN_IF_ERROR(
            visit_checks(node->change.checks, node->change.check_count, visit, context));
        return visit_outputs(node->change.returning, node->change.returning_count, visit, context);
    }
    return BASE_OK;
}

base_status plan_expr_walk(plan_expr **expr, plan_expr_visitor visit, void *context)
{
    RETURN_IF_ERROR(visit(context, expr));
    plan_expr *now = *expr;
    for (uint32_t i = 0; i < now->argument_count; i++)
        RETURN_IF_ERROR(plan_expr_walk(&now->arguments[i], visit, context));
    return BASE_OK;
}

bool plan_expr_is_volatile(const plan_expr *expr)
{
    if (expr->kind == PLAN_EXPR_CALL && (expr->function->flags & FUNC_VOLATILE))
        return true;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        if (plan_expr_is_volatile(expr->arguments[i]))
            return true;
    return false;
}

static bool constants_equal(const types_value *a, const types_value *b)
{
    if (a->is_null || b->is_null)
        return a->is_null && b->is_null;
    types_form form = types_form_of(a->type);
    if (form == TYPES_FORM_STRING)
        return types_string_equal(&a->cell.string, &b->cell.string);
    return memcmp(&a->cell, &b->cell, types_form_size(form)) == 0;
}

static bool payload_equal(const plan_expr *a, const plan_expr *b)
{
    switch ((plan_expr_kind)a->kind) {
    case PLAN_EXPR_CONSTANT:
        return constants_equal(&a->constant, &b->constant);
    case PLAN_EXPR_COLUMN:
        return a->column == b->column;
    case PLAN_EXPR_SLOT:
        return a->slot == b->slot;
    case PLAN_EXPR_PARAMETER:
        return a->parameter == b->parameter;
    case PLAN_EXPR_CALL:
        return a->function == b->function;
    case PLAN_EXPR_CAST:
        return a->try_cast == b->try_cast;
    case PLAN_EXPR_COMPARE:
        return a->comparison == b->comparison;
    case PLAN_EXPR_IS_TRUE:
        return a->is_truth == b->is_truth;
    case PLAN_EXPR_SUBQUERY:
        return a->subquery.kind == b->subquery.kind &&
               a->subquery.comparison == b->subquery.comparison &&
               a->subquery.node == b->subquery.node;
    case PLAN_EXPR_DISTINCT_FROM:
    case PLAN_EXPR_AND:
    case PLAN_EXPR_OR:
    case PLAN_EXPR_NOT:
    case PLAN_EXPR_IS_NULL:
    case PLAN_EXPR_CASE:
    case PLAN_EXPR_COALESCE:
    case PLAN_EXPR_NULLIF:
    case PLAN_EXPR_IN:
        return true;
    }
    return false;
}

bool plan_expr_equal(const plan_expr *a, const plan_expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->negated != b->negated || !types_equal(a->type, b->type) ||
        a->argument_count != b->argument_count || !payload_equal(a, b))
        return false;
    for (uint32_t i = 0; i < a->argument_count; i++)
        if (!plan_expr_equal(a->arguments[i], b->arguments[i]))
            return false;
    return true;
}

bool plan_expr_has_subquery(const plan_expr *expr)
{
    if (expr->kind == PLAN_EXPR_SUBQUERY)
        return true;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        if (plan_expr_has_subquery(expr->arguments[i]))
            return true;
    return false;
}

/* ---- Used and produced columns ----------------------------------------------------------- */

bool plan_expr_columns(const plan_expr *expr, plan_column_set *set)
{
    if (expr->kind == PLAN_EXPR_COLUMN)
        return plan_set_add(set, expr->column);
    if (expr->kind == PLAN_EXPR_SUBQUERY && !plan_node_free_columns(expr->subquery.node, set))
        return false;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        if (!plan_expr_columns(expr->arguments[i], set))
            return false;
    return true;
}

static base_status add_used(void *context, plan_expr **expr)
{
    return plan_expr_columns(*expr, context) ? BASE_OK : BASE_OUT_OF_MEMORY;
}

static bool add_columns(plan_column_set *set, const plan_column *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (columns[i] != PLAN_NO_COLUMN && !plan_set_add(set, columns[i]))
            return false;
    return true;
}

/* Numbers that come into being in this node, or pass through it. */
static bool add_produced(const plan_node *node, plan_column_set *set)
{
    if (!add_columns(set, node->columns, node->column_count))
        return false;
    switch ((plan_node_kind)node->kind) {
    case PLAN_INSERT: {
        uint32_t count = table_describe(node->insert.table->relation)->column_count;
        if (node->insert.row_columns && !add_columns(set, node->insert.row_columns, count))
            return false;
        return node->insert.rowid_column == PLAN_NO_COLUMN ||
               plan_set_add(set, node->insert.rowid_column);
    }
    case PLAN_WINDOW:
        for (uint32_t i = 0; i < node->window.window_count; i++)
            if (!plan_set_add(set, node->window.windows[i].column))
                return false;
        return true;
    case PLAN_SCAN:
    case PLAN_VALUES:
    case PLAN_SYSTEM:
    case PLAN_FILTER:
    case PLAN_PROJECT:
    case PLAN_JOIN:
    case PLAN_AGGREGATE:
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_DISTINCT:
    case PLAN_SET_OPERATION:
    case PLAN_CTE:
    case PLAN_CTE_SCAN:
    case PLAN_UPDATE:
    case PLAN_DELETE:
        return true;
    }
    return true;
}

static bool collect_tree(plan_node *node, plan_column_set *used, plan_column_set *produced)
{
    if (plan_node_visit_exprs(node, add_used, used) != BASE_OK || !add_produced(node, produced))
        return false;
    for (int side = 0; side < 2; side++)
        if (node->inputs[side] && !collect_tree(node->inputs[side], used, produced))
            return false;
    return true;
}

bool plan_node_free_columns(const plan_node *node, plan_column_set *set)
{
    plan_column_set used = {.arena = set->arena}, produced = {.arena = set->arena};
    /* The walker hands out slots, hence no const there; nothing is changed here. */
    if (!collect_tree((plan_node *)(uintptr_t)node, &used, &produced))
        return false;
    for (uint32_t i = 0; i < used.word_count && i < produced.word_count; i++)
        used.words[i] &= ~produced.words[i];
    return plan_set_add_all(set, &used);
}

bool plan_node_columns(const plan_node *node, plan_column_set *set)
{
    return add_columns(set, node->columns, node->column_count);
}
