/*
 * rule_distinct.c - DISTINCT where there are no duplicates, and inside of aggregates.
 *
 * COUNT(DISTINCT k) over rows that the key k tells apart is COUNT(k): joins to the owner of
 * a foreign key keep it a key. SELECT DISTINCT over such rows is the rows.
 *
 *   SELECT count(DISTINCT a) FROM t      SELECT count(a) FROM (SELECT DISTINCT a FROM t)
 *
 * The right one groups by all that grouping has (threads, dense keys, indexes), the left one fills
 * a set of its own. Only where every aggregate is over the same distinct column and there are no
 * groups: otherwise the rows would have to be read twice.
 */
#include "optimizer/optimizer_int.h"

static base_status drop_in_aggregates(optimizer_state *state, plan_node *group)
{
    for (uint32_t i = 0; i < group->aggregate.aggregate_count; i++) {
        plan_aggregate *one = &group->aggregate.aggregates[i];
        bool is_key = false;
        if (!one->distinct || one->argument_count != 1 ||
            one->arguments[0]->kind != PLAN_EXPR_COLUMN)
            continue;
        RETURN_IF_ERROR(
            optimizer_is_key(state, group->inputs[0], one->arguments[0]->column, &is_key));
        if (is_key)
            one->distinct = false;
    }
    return BASE_OK;
}

/* The column that all aggregates are over, DISTINCT; PLAN_NO_COLUMN: there is none. */
static plan_column distinct_argument(const plan_node *group)
{
    plan_column column = PLAN_NO_COLUMN;
    if (group->aggregate.key_count)
        return PLAN_NO_COLUMN;
    for (uint32_t i = 0; i < group->aggregate.aggregate_count; i++) {
        const plan_aggregate *one = &group->aggregate.aggregates[i];
        bool plain = one->distinct && one->argument_count == 1 && !one->filter &&
                     !one->order_count && one->arguments[0]->kind == PLAN_EXPR_COLUMN;
        if (!plain || (i > 0 && one->arguments[0]->column != column))
            return PLAN_NO_COLUMN;
        column = one->arguments[0]->column;
    }
    return column;
}

static base_status group_first(optimizer_state *state, plan_node *group)
{
    plan_column column = distinct_argument(group);
    plan_node *input;
    if (column == PLAN_NO_COLUMN)
        return BASE_OK;
    RETURN_IF_ERROR(optimizer_restrict_node(state, group->inputs[0], &column, 1, &input));
    plan_node *distinct = plan_node_over(state->arena, PLAN_DISTINCT, input);
    if (!distinct)
        return optimizer_no_memory(state);
    group->inputs[0] = distinct;
    for (uint32_t i = 0; i < group->aggregate.aggregate_count; i++)
        group->aggregate.aggregates[i].distinct = false;
    return BASE_OK;
}

/* A key that may be NULL does not tell two NULLs apart, which DISTINCT counts as equal. */
static base_status drop_distinct(optimizer_state *state, plan_node **root)
{
    plan_node *node = *root;
    for (uint32_t i = 0; !node->distinct.key_count && i < node->column_count; i++) {
        bool is_key = false;
        plan_expr *column;
        RETURN_IF_ERROR(optimizer_is_key(state, node->inputs[0], node->columns[i], &is_key));
        if (!is_key)
            continue;
        RETURN_IF_ERROR(optimizer_column_expr(state, node->columns[i], &column));
        if (!optimizer_never_null(state, node->inputs[0], column))
            continue;
        *root = node->inputs[0];
        return BASE_OK;
    }
    return BASE_OK;
}

base_status optimizer_drop_distinct(optimizer_state *state, plan_node **root)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    for (uint32_t i = 0; i < optimizer_input_count(*root); i++)
        RETURN_IF_ERROR(optimizer_drop_distinct(state, &(*root)->inputs[i]));
    if ((*root)->kind == PLAN_AGGREGATE) {
        RETURN_IF_ERROR(drop_in_aggregates(state, *root));
        RETURN_IF_ERROR(group_first(state, *root));
    } else if ((*root)->kind == PLAN_DISTINCT)
        RETURN_IF_ERROR(drop_distinct(state, root));
    optimizer_leave(state);
    return BASE_OK;
}
