/*
 * rule_pushdown.c - conditions move to where their columns come from.
 *
 * Filters dissolve into lists of conjuncts that sink through the tree: through projections
 * (rewritten), into both branches of set operations, below groupings and windows when they
 * test keys only, to the sides of joins, and into scans, which may skip data by them. What
 * cannot sink further becomes a filter again at that place, or part of an inner join's
 * condition.
 *
 * On its way a condition turns outer joins that it makes pointless into inner ones, and
 * marks that only filter into semi-joins (rule_outer_join.c, rule_mark.c).
 *
 * Invariants: volatile conditions do not move; the nodes' columns stay what they were.
 */
#include "optimizer/optimizer_int.h"

static base_status sink(optimizer_state *state, plan_node **root, optimizer_list *conditions);

/* What is left becomes a filter over *root. */
static base_status keep(optimizer_state *state, plan_node **root, const optimizer_list *conditions)
{
    plan_expr *condition;
    RETURN_IF_ERROR(optimizer_conjunction(state, conditions, &condition));
    return optimizer_filter_node(state, *root, condition, root);
}

/* Moves the conditions that use columns of `within` only from one list to another. */
static base_status take_within(optimizer_state *state, optimizer_list *from,
                               const plan_column_set *within, optimizer_list *to)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        plan_expr *condition = from->items[i];
        bool fits = false;
        RETURN_IF_ERROR(optimizer_expr_within(state, condition, within, &fits));
        if (fits && !plan_expr_is_volatile(condition))
            RETURN_IF_ERROR(optimizer_list_add(state, to, condition));
        else
            from->items[kept++] = condition;
    }
    from->count = kept;
    return BASE_OK;
}

/* ---- Nodes with one input ------------------------------------------------------------------ */

static base_status sink_filter(optimizer_state *state, plan_node **root, optimizer_list *conditions)
{
    plan_node *node = *root;
    optimizer_list all = {0};
    RETURN_IF_ERROR(optimizer_split(state, node->filter.condition, &all));
    RETURN_IF_ERROR(optimizer_list_append(state, &all, conditions));
    *conditions = all;
    *root = node->inputs[0];
    return sink(state, root, conditions);
}

static base_status sink_project(optimizer_state *state, plan_node **root,
                                optimizer_list *conditions)
{
    plan_node *node = *root;
    plan_column_set plain = optimizer_set(state);
    optimizer_list below = {0};
    optimizer_map map = {0};
    for (uint32_t i = 0; i < node->column_count; i++) {
        const plan_output *output = &node->project.outputs[i];
        if (plan_expr_is_volatile(output->expr))
            continue;
        RETURN_IF_ERROR(optimizer_set_add(state, &plain, output->column));
        RETURN_IF_ERROR(optimizer_map_add(state, &map, output->column, output->expr));
    }
    RETURN_IF_ERROR(take_within(state, conditions, &plain, &below));
    for (uint32_t i = 0; i < below.count; i++) {
        RETURN_IF_ERROR(optimizer_map_apply(state, &map, &below.items[i]));
        RETURN_IF_ERROR(optimizer_simplify_expr(state, &below.items[i]));
    }
    RETURN_IF_ERROR(sink(state, &node->inputs[0], &below));
    return keep(state, root, conditions);
}

static base_status sink_scan(optimizer_state *state, plan_node **root, optimizer_list *conditions)
{
    plan_node *node = *root;
    plan_column_set own = optimizer_set(state);
    optimizer_list below = {0};
    RETURN_IF_ERROR(optimizer_set_add_node(state, &own, node));
    RETURN_IF_ERROR(optimizer_split(state, node->scan.filter, &below));
    RETURN_IF_ERROR(take_within(state, conditions, &own, &below));
    RETURN_IF_ERROR(optimizer_conjunction(state, &below, &node->scan.filter));
    return keep(state, root, conditions);
}

static base_status sink_aggregate(optimizer_state *state, plan_node **root,
                                  optimizer_list *conditions)
{
    plan_node *node = *root;
    plan_column_set keys = optimizer_set(state);
    optimizer_list below = {0};
    optimizer_map map = {0};
    for (uint32_t i = 0; i < node->aggregate.key_count; i++) {
        const plan_output *key = &node->aggregate.keys[i];
        RETURN_IF_ERROR(optimizer_set_add(state, &keys, key->column));
        RETURN_IF_ERROR(optimizer_map_add(state, &map, key->column, key->expr));
    }
    /* Without keys there is a row whatever the input: nothing may move. */
    if (node->aggregate.key_count)
        RETURN_IF_ERROR(take_within(state, conditions, &keys, &below));
    for (uint32_t i = 0; i < below.count; i++)
        RETURN_IF_ERROR(optimizer_map_apply(state, &map, &below.items[i]));
    RETURN_IF_ERROR(sink(state, &node->inputs[0], &below));
    return keep(state, root, conditions);
}

/* Conditions over these expressions, as far as they are bare columns, pass the node. */
static base_status sink_by_keys(optimizer_state *state, plan_node **root, plan_expr **exprs,
                                uint32_t count, optimizer_list *conditions)
{
    plan_column_set keys = optimizer_set(state);
    optimizer_list below = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (exprs[i]->kind == PLAN_EXPR_COLUMN)
            RETURN_IF_ERROR(optimizer_set_add(state, &keys, exprs[i]->column));
    }
    RETURN_IF_ERROR(take_within(state, conditions, &keys, &below));
    RETURN_IF_ERROR(sink(state, &(*root)->inputs[0], &below));
    return keep(state, root, conditions);
}

static base_status sink_all(optimizer_state *state, plan_node **root, optimizer_list *conditions)
{
    plan_column_set own = optimizer_set(state);
    optimizer_list below = {0};
    RETURN_IF_ERROR(optimizer_set_add_node(state, &own, *root));
    RETURN_IF_ERROR(take_within(state, conditions, &own, &below));
    RETURN_IF_ERROR(sink(state, &(*root)->inputs[0], &below));
    return keep(state, root, conditions);
}

/* ---- Set operations -------------------------------------------------------------------------- */

static base_status sink_set(optimizer_state *state, plan_node **root, optimizer_list *conditions)
{
    plan_node *node = *root;
    plan_column_set own = optimizer_set(state);
    optimizer_list below = {0};
    RETURN_IF_ERROR(optimizer_set_add_node(state, &own, node));
    RETURN_IF_ERROR(take_within(state, conditions, &own, &below));
    for (uint32_t side = 0; side < 2; side++) {
        optimizer_list copies = {0};
        optimizer_map map = {0};
        plan_node *input = node->inputs[side];
        for (uint32_t i = 0; i < node->column_count; i++) {
            plan_expr *expr;
            RETURN_IF_ERROR(optimizer_column_expr(state, input->columns[i], &expr));
            RETURN_IF_ERROR(optimizer_map_add(state, &map, node->columns[i], expr));
        }
        for (uint32_t i = 0; i < below.count; i++) {
            plan_expr *copy = below.items[i];
            RETURN_IF_ERROR(optimizer_map_apply(state, &map, &copy));
            RETURN_IF_ERROR(optimizer_list_add(state, &copies, copy));
        }
        RETURN_IF_ERROR(sink(state, &node->inputs[side], &copies));
    }
    return keep(state, root, conditions);
}

/* ---- Joins ----------------------------------------------------------------------------------- */

typedef struct join_sides {
    plan_column_set left, right;
    optimizer_list to_left, to_right;
} join_sides;

/* Whether a conjunct of the join's own condition may filter the right input instead. */
static bool filters_right(plan_join_kind kind, const plan_expr *expr)
{
    if (kind == PLAN_JOIN_FULL)
        return false;
    /* A mark sees NULL conditions, a filter does not. */
    return kind != PLAN_JOIN_MARK || expr->kind == PLAN_EXPR_IS_NULL ||
           expr->kind == PLAN_EXPR_IS_TRUE;
}

static base_status sort_own_conjuncts(optimizer_state *state, plan_node *node, join_sides *sides)
{
    plan_join_kind kind = node->join.kind;
    optimizer_list own = {0}, rest = {0};
    RETURN_IF_ERROR(optimizer_split(state, node->join.condition, &own));
    for (uint32_t i = 0; i < own.count; i++) {
        plan_expr *expr = own.items[i];
        bool left = false, right = false;
        RETURN_IF_ERROR(optimizer_expr_within(state, expr, &sides->left, &left));
        RETURN_IF_ERROR(optimizer_expr_within(state, expr, &sides->right, &right));
        optimizer_list *list = &rest;
        if (!plan_expr_is_volatile(expr)) {
            /* A constant condition is within both: on the left it would also drop rows
             * that an outer join keeps. */
            if (right && filters_right(kind, expr))
                list = &sides->to_right;
            if (left && !right && (kind == PLAN_JOIN_INNER || kind == PLAN_JOIN_SEMI))
                list = &sides->to_left;
        }
        RETURN_IF_ERROR(optimizer_list_add(state, list, expr));
    }
    return optimizer_conjunction(state, &rest, &node->join.condition);
}

/* A mark that became SEMI or ANTI is a constant for whoever still reads it. */
static base_status replace_mark(optimizer_state *state, plan_node **root)
{
    plan_node *join = *root;
    plan_output mark = {.column = join->join.mark};
    RETURN_IF_ERROR(optimizer_true(state, join->join.kind == PLAN_JOIN_SEMI, &mark.expr));
    RETURN_IF_ERROR(optimizer_refresh_columns(state, join));
    return optimizer_extend_node(state, join, &mark, 1, root);
}

/* A scalar subquery of grouping without keys has one row for sure. */
bool optimizer_has_one_row(const plan_node *node)
{
    while (node->kind == PLAN_PROJECT || node->kind == PLAN_SORT)
        node = node->inputs[0];
    return (node->kind == PLAN_AGGREGATE && !node->aggregate.key_count) ||
           (node->kind == PLAN_VALUES && node->values.row_count == 1);
}

/* An OR over both sides cannot sink, but what it implies for each side can. */
static base_status imply_from_ors(optimizer_state *state, const optimizer_list *conditions,
                                  join_sides *sides)
{
    for (uint32_t i = 0; i < conditions->count; i++) {
        plan_expr *implied;
        RETURN_IF_ERROR(optimizer_implied_or(state, conditions->items[i], &sides->left, &implied));
        if (implied)
            RETURN_IF_ERROR(optimizer_list_add(state, &sides->to_left, implied));
        RETURN_IF_ERROR(optimizer_implied_or(state, conditions->items[i], &sides->right, &implied));
        if (implied)
            RETURN_IF_ERROR(optimizer_list_add(state, &sides->to_right, implied));
    }
    return BASE_OK;
}

static base_status sink_join(optimizer_state *state, plan_node **root, optimizer_list *conditions)
{
    plan_node *node = *root;
    plan_join_kind before = node->join.kind;
    if (before == PLAN_JOIN_SINGLE && !node->join.condition &&
        optimizer_has_one_row(node->inputs[1]))
        node->join.kind = PLAN_JOIN_INNER;
    RETURN_IF_ERROR(optimizer_reduce_outer_join(state, node, conditions));
    if (node->join.kind == PLAN_JOIN_INNER) {
        RETURN_IF_ERROR(optimizer_lift_conditions(state, node, conditions));
        RETURN_IF_ERROR(optimizer_close_conditions(state, conditions));
    }
    RETURN_IF_ERROR(optimizer_reduce_mark(state, node, conditions));
    if (before == PLAN_JOIN_MARK && node->join.kind != PLAN_JOIN_MARK)
        RETURN_IF_ERROR(replace_mark(state, root));
    join_sides sides = {.left = optimizer_set(state), .right = optimizer_set(state)};
    RETURN_IF_ERROR(optimizer_set_add_node(state, &sides.left, node->inputs[0]));
    RETURN_IF_ERROR(optimizer_set_add_node(state, &sides.right, node->inputs[1]));
    plan_join_kind kind = node->join.kind;
    if (kind != PLAN_JOIN_FULL)
        RETURN_IF_ERROR(take_within(state, conditions, &sides.left, &sides.to_left));
    if (kind == PLAN_JOIN_INNER) {
        plan_column_set both = optimizer_set(state);
        optimizer_list joined = {0};
        RETURN_IF_ERROR(take_within(state, conditions, &sides.right, &sides.to_right));
        RETURN_IF_ERROR(optimizer_set_add_node(state, &both, node));
        RETURN_IF_ERROR(take_within(state, conditions, &both, &joined));
        RETURN_IF_ERROR(imply_from_ors(state, &joined, &sides));
        RETURN_IF_ERROR(optimizer_conjunction(state, &joined, &node->join.condition));
    }
    RETURN_IF_ERROR(sort_own_conjuncts(state, node, &sides));
    RETURN_IF_ERROR(sink(state, &node->inputs[0], &sides.to_left));
    RETURN_IF_ERROR(sink(state, &node->inputs[1], &sides.to_right));
    return keep(state, root, conditions);
}

/* ---- Dispatch -------------------------------------------------------------------------------- */

static base_status sink_nothing(optimizer_state *state, plan_node **root)
{
    for (uint32_t i = 0; i < optimizer_input_count(*root); i++) {
        optimizer_list none = {0};
        RETURN_IF_ERROR(sink(state, &(*root)->inputs[i], &none));
    }
    return BASE_OK;
}

static base_status sink_cte(optimizer_state *state, plan_node **root, optimizer_list *conditions)
{
    plan_node *node = *root;
    optimizer_list none = {0};
    RETURN_IF_ERROR(sink(state, &node->inputs[0], &none));
    state->cte_definitions[node->cte.cte] = node->inputs[0];
    return sink(state, &node->inputs[1], conditions);
}

static base_status sink_node(optimizer_state *state, plan_node **root, optimizer_list *conditions)
{
    plan_node *node = *root;
    switch ((plan_node_kind)node->kind) {
    case PLAN_FILTER:
        return sink_filter(state, root, conditions);
    case PLAN_PROJECT:
        return sink_project(state, root, conditions);
    case PLAN_SCAN:
        return sink_scan(state, root, conditions);
    case PLAN_AGGREGATE:
        return sink_aggregate(state, root, conditions);
    case PLAN_WINDOW:
        return sink_by_keys(state, root, node->window.partition, node->window.partition_count,
                            conditions);
    case PLAN_DISTINCT:
        return node->distinct.key_count ? sink_by_keys(state, root, node->distinct.keys,
                                                       node->distinct.key_count, conditions)
                                        : sink_all(state, root, conditions);
    case PLAN_SORT:
        return sink_all(state, root, conditions);
    case PLAN_SET_OPERATION:
        return sink_set(state, root, conditions);
    case PLAN_JOIN:
        return sink_join(state, root, conditions);
    case PLAN_CTE:
        return sink_cte(state, root, conditions);
    default:
        RETURN_IF_ERROR(sink_nothing(state, root));
        return keep(state, root, conditions);
    }
}

static base_status sink(optimizer_state *state, plan_node **root, optimizer_list *conditions)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    plan_column *columns = (*root)->columns;
    uint32_t count = (*root)->column_count;
    RETURN_IF_ERROR(sink_node(state, root, conditions));
    RETURN_IF_ERROR(optimizer_restrict_node(state, *root, columns, count, root));
    optimizer_leave(state);
    return BASE_OK;
}

base_status optimizer_push_down(optimizer_state *state, plan_node **root)
{
    optimizer_list none = {0};
    return sink(state, root, &none);
}

base_status optimizer_push_conditions(optimizer_state *state, plan_node **root,
                                      const optimizer_list *conditions)
{
    optimizer_list own = {0};
    for (uint32_t i = 0; i < conditions->count; i++)
        RETURN_IF_ERROR(optimizer_list_add(state, &own, conditions->items[i]));
    return sink(state, root, &own);
}
