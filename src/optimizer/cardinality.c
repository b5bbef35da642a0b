/*
 * cardinality.c - how many rows each node gives.
 *
 * Bottom-up, each node from its inputs. Columns that nodes make get their number of
 * distinct values on the way, so that a join above a grouping or a common table expression
 * is not guessed blindly. Estimates decide between plans; nothing depends on them for its
 * answer.
 */
#include "optimizer/optimizer_int.h"

static const double RECURSION_GROWTH = 10;

static void set_distinct(optimizer_state *state, plan_column column, double distinct)
{
    if (!state->columns[column].table)
        state->columns[column].distinct = distinct;
}

/* Distinct rows of a grouping: the keys' product, damped, at most the rows. */
static double group_count(optimizer_state *state, plan_expr *const *keys, uint32_t count,
                          double rows)
{
    double groups = 1, damping = 1;
    for (uint32_t i = 0; i < count; i++) {
        double distinct = optimizer_distinct(state, keys[i], rows);
        if (keys[i]->kind == PLAN_EXPR_COLUMN &&
            optimizer_is_unique(&state->columns[keys[i]->column])) {
            /* A key determines the other columns of its table. */
            return BASE_MAX(1.0, BASE_MIN(rows, BASE_MAX(groups, distinct)));
        }
        groups *= pow(distinct, damping);
        damping *= 0.8;
    }
    return BASE_MAX(1.0, BASE_MIN(groups, rows));
}

static base_status estimate_aggregate(optimizer_state *state, plan_node *node)
{
    double rows = node->inputs[0]->rows;
    uint32_t count = node->aggregate.key_count;
    plan_expr **keys = base_arena_allocate_array(state->arena, count, sizeof *keys);
    if (!keys)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++)
        keys[i] = node->aggregate.keys[i].expr;
    node->rows = count ? group_count(state, keys, count, rows) : 1;
    for (uint32_t i = 0; i < count; i++)
        set_distinct(state, node->aggregate.keys[i].column,
                     count == 1 ? node->rows : optimizer_distinct(state, keys[i], node->rows));
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++)
        set_distinct(state, node->aggregate.aggregates[i].column, BASE_MAX(1.0, node->rows / 2));
    return BASE_OK;
}

static base_status estimate_distinct(optimizer_state *state, plan_node *node)
{
    double rows = node->inputs[0]->rows;
    uint32_t count = node->distinct.key_count ? node->distinct.key_count : node->column_count;
    plan_expr **keys = base_arena_allocate_array(state->arena, count, sizeof *keys);
    if (!keys)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++) {
        if (node->distinct.key_count)
            keys[i] = node->distinct.keys[i];
        else
            RETURN_IF_ERROR(optimizer_column_expr(state, node->columns[i], &keys[i]));
    }
    node->rows = group_count(state, keys, count, rows);
    return BASE_OK;
}

/* Share of left rows that have a partner. */
double optimizer_partner_share(const optimizer_state *state, const optimizer_list *conjuncts,
                               const plan_node *right)
{
    double share = 1;
    bool keyed = false;
    for (uint32_t i = 0; i < conjuncts->count; i++) {
        const plan_expr *expr = conjuncts->items[i];
        bool equality = (expr->kind == PLAN_EXPR_COMPARE && expr->comparison == VECTOR_EQUAL) ||
                        (expr->kind == PLAN_EXPR_DISTINCT_FROM && expr->negated);
        if (!equality) {
            share *= 0.8;
            continue;
        }
        const plan_expr *a = expr->arguments[0], *b = expr->arguments[1];
        if (a->kind == PLAN_EXPR_COLUMN && optimizer_node_has(right, a->column)) {
            const plan_expr *other = a;
            a = b;
            b = other;
        }
        double left_values = optimizer_distinct(state, a, 1e12);
        double right_values = optimizer_distinct(state, b, right->rows);
        share = BASE_MIN(share, right_values / BASE_MAX(left_values, 1.0));
        keyed = true;
    }
    return keyed ? BASE_MIN(share, 1.0) : share;
}

static base_status estimate_join(optimizer_state *state, plan_node *node)
{
    optimizer_list conjuncts = {0};
    const plan_node *left = node->inputs[0], *right = node->inputs[1];
    double inner, share;
    RETURN_IF_ERROR(optimizer_split(state, node->join.condition, &conjuncts));
    RETURN_IF_ERROR(optimizer_join_rows(state, &conjuncts, left->rows, right->rows, &inner));
    switch (node->join.kind) {
    case PLAN_JOIN_INNER:
        node->rows = inner;
        return BASE_OK;
    case PLAN_JOIN_LEFT:
        node->rows = BASE_MAX(inner, left->rows);
        return BASE_OK;
    case PLAN_JOIN_FULL:
        node->rows = BASE_MAX(inner, left->rows + right->rows);
        return BASE_OK;
    case PLAN_JOIN_SEMI:
    case PLAN_JOIN_ANTI:
        share = optimizer_partner_share(state, &conjuncts, right);
        if (node->join.kind == PLAN_JOIN_ANTI)
            share = BASE_MAX(1 - share, 0.05);
        node->rows = BASE_MAX(left->rows * share, 1.0);
        return BASE_OK;
    case PLAN_JOIN_MARK:
    case PLAN_JOIN_SINGLE:
        node->rows = left->rows;
        return BASE_OK;
    }
    return BASE_OK;
}

static double constant_of(const plan_expr *expr, double otherwise)
{
    if (!expr || expr->kind != PLAN_EXPR_CONSTANT || expr->constant.is_null ||
        types_form_of(expr->type) != TYPES_FORM_INT64)
        return otherwise;
    return BASE_MAX(0.0, (double)expr->constant.cell.int64);
}

static void estimate_limit(plan_node *node)
{
    double rows = node->inputs[0]->rows;
    rows = BASE_MAX(0.0, rows - constant_of(node->limit.offset, 0));
    /* A limit that is a parameter is taken for a page. */
    double limit = node->limit.limit ? constant_of(node->limit.limit, 100) : rows;
    node->rows = BASE_MIN(rows, limit);
}

static void estimate_set(optimizer_state *state, plan_node *node)
{
    double left = node->inputs[0]->rows, right = node->inputs[1]->rows;
    if (node->set.kind == PLAN_UNION)
        node->rows = left + right;
    else
        node->rows = node->set.kind == PLAN_EXCEPT ? left : BASE_MIN(left, right);
    for (uint32_t i = 0; i < node->column_count; i++) {
        plan_column a = node->inputs[0]->columns[i];
        if (state->columns[a].distinct > 0)
            set_distinct(state, node->columns[i], state->columns[a].distinct);
    }
}

static base_status estimate_project(optimizer_state *state, plan_node *node)
{
    node->rows = node->inputs[0]->rows;
    for (uint32_t i = 0; i < node->column_count; i++) {
        const plan_output *output = &node->project.outputs[i];
        set_distinct(state, output->column, optimizer_distinct(state, output->expr, node->rows));
    }
    return BASE_OK;
}

static void estimate_cte_scan(optimizer_state *state, plan_node *node)
{
    const plan_node *definition = state->cte_definitions[node->cte.cte];
    node->rows = definition->rows >= 0 ? definition->rows : 1000;
    for (uint32_t i = 0; i < node->column_count && i < definition->column_count; i++) {
        const optimizer_column *from = &state->columns[definition->columns[i]];
        if (from->table && !state->columns[node->columns[i]].table) {
            state->columns[node->columns[i]].table = from->table;
            state->columns[node->columns[i]].column_id = from->column_id;
        }
        set_distinct(state, node->columns[i], from->distinct);
    }
}

base_status optimizer_estimate_node(optimizer_state *state, plan_node *node)
{
    double share;
    const plan_node *input = node->inputs[0];
    switch ((plan_node_kind)node->kind) {
    case PLAN_SCAN:
        RETURN_IF_ERROR(optimizer_selectivity(state, node->scan.filter, &share));
        node->rows = BASE_MAX(1.0, optimizer_table_rows(state, node->scan.table) * share);
        return BASE_OK;
    case PLAN_VALUES:
        node->rows = node->values.row_count;
        return BASE_OK;
    case PLAN_SYSTEM:
        node->rows = node->system.source->rows >= 0 ? node->system.source->rows : 1000;
        return BASE_OK;
    case PLAN_FILTER:
        RETURN_IF_ERROR(optimizer_selectivity(state, node->filter.condition, &share));
        node->rows = BASE_MAX(1.0, input->rows * share);
        return BASE_OK;
    case PLAN_PROJECT:
        return estimate_project(state, node);
    case PLAN_JOIN:
        return estimate_join(state, node);
    case PLAN_AGGREGATE:
        return estimate_aggregate(state, node);
    case PLAN_DISTINCT:
        return estimate_distinct(state, node);
    case PLAN_LIMIT:
        estimate_limit(node);
        return BASE_OK;
    case PLAN_SET_OPERATION:
        estimate_set(state, node);
        return BASE_OK;
    case PLAN_CTE_SCAN:
        estimate_cte_scan(state, node);
        return BASE_OK;
    case PLAN_CTE:
        node->rows = node->inputs[1]->rows;
        return BASE_OK;
    default:
        node->rows = input ? input->rows : 1;
        return BASE_OK;
    }
}

base_status optimizer_estimate(optimizer_state *state, plan_node *root)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    if (root->kind == PLAN_CTE && root->cte.recursive) {
        plan_node *definition = root->inputs[0];
        RETURN_IF_ERROR(optimizer_estimate(state, definition->inputs[0]));
        definition->rows = definition->inputs[0]->rows * RECURSION_GROWTH;
        RETURN_IF_ERROR(optimizer_estimate(state, definition->inputs[1]));
        RETURN_IF_ERROR(optimizer_estimate(state, root->inputs[1]));
    } else {
        for (uint32_t i = 0; i < optimizer_input_count(root); i++)
            RETURN_IF_ERROR(optimizer_estimate(state, root->inputs[i]));
    }
    RETURN_IF_ERROR(optimizer_estimate_node(state, root));
    optimizer_leave(state);
    return BASE_OK;
}
